"""Whether areas already treated serve as comparison for others."""

from __future__ import annotations

import numpy as np

from evaluation.numerics.bacon import decompose
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "goodman_bacon"
TITLE = "Areas already treated as comparison"


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Weight, in the two-way fixed effects estimate, of comparisons of later starts with earlier ones (Goodman-Bacon 2021).

    In these an effect that grows in the areas treated earlier is taken off the effect of the later ones. A period counts as
    treated from the first one that the programme touches: shares of exposure play no part in the weights.
    """
    limit = thresholds.maximum_forbidden_weight
    if not comparison.observed.all():
        text = "Not run: cells are missing, and the weights are known on complete panels alone."
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=text)
    if np.unique(comparison.first_treated[comparison.treated]).size < 2:
        text = "All treated areas start in the same period, so none is compared with one treated earlier."
        return Check(name=NAME, title=TITLE, passed=True, value=0.0, threshold=limit, text=text)
    weight = decompose(comparison).forbidden_weight
    passed = weight <= limit
    text = (
        f"Comparisons with areas already treated have {weight:.0%} of the weight, {'within' if passed else 'more than'} the "
        f"{limit:.0%} allowed."
    )
    return Check(name=NAME, title=TITLE, passed=bool(passed), text=text, value=weight, threshold=limit)

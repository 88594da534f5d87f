"""Whether the comparison follows the treated area before the start about as well as it follows untreated ones."""

from __future__ import annotations

import numpy as np

from evaluation.inference.placebo_in_space import NEGLIGIBLE
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "pre_fit"
TITLE = "Fit before the start"


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Misfit of the treated area over the median misfit of the placebos; for weights, in periods they did not see
    (`Estimate.scale`).

    Abadie, Diamond & Hainmueller (2010) set placebos with a poor fit aside by such a ratio; here it judges the treated area.
    """
    limit = thresholds.maximum_pre_rmspe_ratio
    if not len(placebos.scale):
        return Check(
            name=NAME, title=TITLE, passed=None, threshold=limit, text="Not run: there are no placebo areas to compare with."
        )
    nil = NEGLIGIBLE * float(np.std(comparison.y))
    median = float(np.median(placebos.scale))
    if median <= nil:
        if estimate.scale <= nil:
            text = "Not run: treated and untreated areas all fit exactly before the start, so the fit says nothing."
            return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=text)
        text = "Before the start the treated area does not fit while most untreated areas fit exactly."
        return Check(name=NAME, title=TITLE, passed=False, threshold=limit, text=text)
    ratio = estimate.scale / median
    passed = ratio <= limit
    text = (
        f"Before the start the gap of the treated area is {ratio:.2f} times the usual gap of untreated areas; "
        f"{'at most' if passed else 'more than the'} {limit:g} {'is' if passed else ''} allowed."
    ).replace("  ", " ")
    return Check(name=NAME, title=TITLE, passed=passed, text=text, value=ratio, threshold=limit)

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
    sampling = _sampling_alone(comparison, estimate)
    if sampling is not None:
        size = f"{estimate.scale:.2g} {comparison.unit or 'units'}"
        text += f" It is {size}; the survey's sampling error alone gives about {sampling:.2g}."
    return Check(name=NAME, title=TITLE, passed=passed, text=text, value=ratio, threshold=limit)


def _sampling_alone(comparison: Comparison, estimate: Estimate) -> float | None:
    """Usual gap before the start of a comparison that is right but for the sampling error of its figures; None without one.

    Root mean square of the standard error of treated minus weighted donors. Errors of areas are independent. Taking out the mean
    before the start, as methods that compare changes do, makes it a little smaller.
    """
    if comparison.se is None or estimate.series.observed_se is None:
        return None
    start = int(comparison.first_treated[comparison.treated].min())
    donors = np.flatnonzero(~comparison.treated)
    share = {donor.area: 0.0 for donor in estimate.weights}
    for donor in estimate.weights:
        share[donor.area] += donor.weight / len({item.treated for item in estimate.weights})
    if share:
        weights = np.array([share.get(comparison.areas[n], 0.0) for n in donors])
    else:
        weights = np.ones(donors.size) if comparison.weights is None else comparison.weights[donors]
        weights = weights / weights.sum()
    variance = np.asarray(estimate.series.observed_se)[:start] ** 2 + comparison.se[:start, donors] ** 2 @ weights**2
    return float(np.sqrt(np.nanmean(variance)))

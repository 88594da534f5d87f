"""Whether there are enough periods before the start."""

from __future__ import annotations

from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "pre_periods"
TITLE = "Periods before the start"


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Fewest periods before the start over the treated areas."""
    fewest, limit = int(comparison.first_treated[comparison.treated].min()), thresholds.minimum_pre_periods
    passed = fewest >= limit
    text = f"There are {fewest} periods before the start and at least {limit} are asked for."
    return Check(name=NAME, title=TITLE, passed=passed, text=text, value=float(fewest), threshold=float(limit))

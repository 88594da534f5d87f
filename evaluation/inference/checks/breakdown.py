"""How much worse than before the start parallel trends may be violated after it before the effect is no longer told from nil."""

from __future__ import annotations

import math

from evaluation.errors import DataError
from evaluation.inference.cluster_robust import FEW
from evaluation.numerics.relative_magnitudes import relative_breakdown
from evaluation.numerics.sensitivity import read_path
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "breakdown"
TITLE = "Violations of parallel trends the effect withstands"

ESTIMATORS = ("event_study", "sun_abraham", "stacked", "local_projections", "callaway_santanna")
"""Methods whose effects by event time are measured against the last period before the start and have a covariance."""

FEWEST_LEADS = 2

MOST_LEADS = 6
"""Leads used, the last ones: with more of them the largest violation is mostly the largest error of estimation."""

LEVEL = 0.05

MOST = 20.0
"""Where the search ends."""


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Breakdown value of the average effect under relative magnitudes (Rambachan & Roth 2023).

    The smallest Mbar at which the 95% interval contains nil, when the difference between treated and untreated areas may change
    from period to period by Mbar times its largest change before the start. The average is over all event times from 0 on, each
    counting the same. It rests on conventional standard errors and so is information only, unless the protocol sets a threshold.
    """
    limit = thresholds.minimum_breakdown or None
    try:
        path = read_path(estimate, most_leads=MOST_LEADS)
        if path.before.size < FEWEST_LEADS:
            raise DataError(f"There are {path.before.size} effects before the start, and {FEWEST_LEADS} are needed.")
        value = relative_breakdown(path, level=LEVEL, most=MOST)
    except DataError as refusal:
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=f"Not run: {refusal}", kind="robustness")
    passed = None if limit is None else value >= limit
    treated = int(comparison.treated.sum())
    caution = "conventional standard errors enter it" + (
        f", and with {treated} treated {'area' if treated == 1 else 'areas'} it is for orientation only" if treated < FEW else ""
    )
    text = f"{_say(value, path.before.size)} ({caution})."
    if passed is None:
        text = f"For information: {text}"
    else:
        text += f" At least {limit:g} times is asked for." if passed else f" That is less than the {limit:g} times asked for."
    return Check(
        name=NAME,
        title=TITLE,
        passed=passed,
        text=text,
        value=min(value, MOST),
        threshold=limit,
        information=passed is None,
        kind="robustness",
    )


def _say(value: float, leads: int) -> str:
    changes = f"the largest change in the {leads} periods up to the start"
    interval = "the 95% interval of the average effect"
    if value == 0.0:
        return f"Even if parallel trends hold exactly, {interval} contains nil"
    how_far = f"even if trends part by {MOST:g}" if math.isinf(value) else f"as long as trends part by less than {value:.2f}"
    return f"{interval.capitalize()} excludes nil {how_far} times {changes}, in each period"

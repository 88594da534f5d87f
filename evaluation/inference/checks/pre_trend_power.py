"""What the check of movement before the start can see at all: a check that passes because it is blind vouches for nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evaluation.inference.checks.pre_trend import FEWEST, movement
from evaluation.inference.checks.spacing import periods_in_year
from evaluation.inference.placebo_in_space import NEGLIGIBLE
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "pre_trend_power"
TITLE = "Drift before the start that could go unseen"

POWER = 0.8
"""Share of placebo places in which a drift must be noticed."""

DOUBLINGS, HALVINGS = 14, 20
"""Steps of the search for the smallest drift: up from next to nothing, then back to a millionth."""


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Smallest drift a year that `pre_trend` would notice in 80 per cent of the placebo places (Roth 2022 asks for it).

    A straight line is added to each placebo place's gap before the start, upwards and downwards, and the check is run with its
    own reference and threshold; the larger of the two drifts is given. For a method that fits weights it is the drift that is
    left when the weights have followed the area. With several treated areas only the size of their mean gap is known: a drift is
    taken to be unrelated to it.
    """
    limit = thresholds.maximum_hidden_drift or None
    start = int(comparison.first_treated[comparison.treated].min())
    if start < FEWEST or not len(placebos.att):
        text = (
            f"Not run: it needs {FEWEST} periods before the start and placebo areas; there are {start} and {len(placebos.att)}."
        )
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=text)
    in_year = periods_in_year(comparison.periods)
    years = (np.arange(start) - (start - 1) / 2.0) / (in_year or 1.0)
    nil, usual = NEGLIGIBLE * float(np.nanstd(comparison.y)), float(np.median(placebos.pre_rmspe))
    if usual <= nil:
        text = "Not run: most placebo places are followed exactly before the start, so nothing is left to drift."
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=text)
    drift = _smallest(_moves(placebos, years, nil), thresholds.maximum_pre_trend, scale=usual / float(years[-1]))
    size = f"{comparison.unit or 'units'} {'a year' if in_year else 'from one period to the next'}"
    if drift is None:
        said = (
            f"No drift, however steep, would be noticed in {POWER:.0%} of placebo places with {start} periods before the start."
        )
    else:
        said = (
            f"The check of movement before the start would notice a drift of {drift:.2g} {size} in {POWER:.0%} of placebo "
            "places; a smaller one may go unseen."
        )
    if limit is None:
        return Check(name=NAME, title=TITLE, passed=None, information=True, value=drift, text=f"For information: {said}")
    passed = drift is not None and drift <= limit
    said += f" At most {limit:g} {size} may." if passed else f" No more than {limit:g} {size} may."
    return Check(name=NAME, title=TITLE, passed=passed, value=drift, threshold=limit, text=said)


def _moves(placebos: Placebos, years: np.ndarray, nil: float) -> Callable[[float], np.ndarray]:
    """The statistic of `pre_trend` in every placebo place (D,) with a drift added."""
    if placebos.gaps is None:
        own, spread = np.where(placebos.pre_rmspe > nil, placebos.pre_rmspe, 0.0), float(np.mean(years**2))
        return lambda drift: np.sqrt(own**2 + drift**2 * spread)
    gaps = placebos.gaps[:, : years.size]
    return lambda drift: movement(gaps + drift * years, nil)


def _smallest(moves: Callable[[float], np.ndarray], quantile: float, *, scale: float) -> float | None:
    """The smallest drift noticed in `POWER` of the places, or None; `scale` is a drift as large as usual gaps."""
    reference = np.sort(moves(0.0))

    def is_noticed(drift: float) -> bool:
        shares = []
        for sign in (1.0, -1.0):
            smaller = np.searchsorted(reference, moves(sign * drift) * (1.0 - 1e-9), side="left") / reference.size
            shares.append(float((smaller > quantile).mean()))
        return min(shares) >= POWER

    low, high = 0.0, scale / 2.0 ** (DOUBLINGS // 2)
    for _ in range(DOUBLINGS):
        if is_noticed(high):
            break
        low, high = high, 2.0 * high
    else:
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if is_noticed(middle) else (middle, high)
    return high

"""Sensitivity to parallel trends (Rambachan & Roth 2023): the Medicaid expansion of 2014, effect in its first year."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from published import Reached, benchmark

from evaluation.estimators.event_study import EventStudy
from evaluation.numerics.relative_magnitudes import RelativeInterval, bound_relative_magnitudes
from evaluation.numerics.sensitivity import EventPath, SmoothnessInterval, bound_smoothness, read_path
from evaluation.results import Comparison


@cache
def medicaid() -> EventPath:
    """Coefficients of 2008 to 2012, 2014 and 2015 against 2013; area effects are not counted, as in R's fixest."""
    frame = benchmark("medicaid_insurance")
    frame = frame[(frame["year"] < 2016) & (frame["yexp2"] != 2015)]
    comparison = Comparison.from_frame(frame, area="stfips", period="year", value="dins", first_treated="yexp2")
    return read_path(EventStudy(small_sample="nested").fit(comparison), weights=np.array([1.0, 0.0]))


@cache
def smoothness(bound: float) -> SmoothnessInterval:
    return bound_smoothness(medicaid(), bound=bound)


@cache
def relative(bound: float) -> RelativeInterval:
    return bound_relative_magnitudes(medicaid(), bound=bound)


def end(interval: Callable[[float], SmoothnessInterval | RelativeInterval], bound: float, side: str) -> Reached:
    found = interval(bound)
    return Reached(found.low if side == "lower" else found.high)


SIDES = ("lower", "upper")
ROWS: dict[str, Callable[[], Reached]] = {
    **{f"honest_sd_{m:g}_{side}": partial(end, smoothness, m, side) for m in (0.0, 0.01, 0.02, 0.03) for side in SIDES},
    **{f"honest_rm_{m:g}_{side}": partial(end, relative, m, side) for m in (0.5, 1.0, 1.5, 2.0) for side in SIDES},
}
NOT_REACHED: dict[str, str] = {}

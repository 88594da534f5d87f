"""Levels and changes of one outcome in one area, each with its sampling interval, beside the nation and similar areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from statistics import NormalDist

import numpy as np

from evaluation.contracts.records import Contracts, Outcome
from evaluation.panel.periods import shift_month
from evaluation.profile.cells import HIDDEN, Cells
from evaluation.profile.subject import Subject
from evaluation.results import AreaChange, AreaLevel, Interval, LevelSeries, Others, SimilarArea, Standing

YEARS = (1, 3, 5)
"""Years over which changes are given."""
CONFIDENCE = 0.95
MOST_OF_NATION = 0.8
"""Share of a nation's authorities that must have a figure for their mean to stand for the nation."""
PRINTED = {"pp": 1}
"""Decimals a figure is printed with; 0 for other units."""

_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


def describe_level(
    cells: Cells, contracts: Contracts, subject: Subject, similar: Sequence[str], *, over_time: bool = True
) -> AreaLevel:
    """The latest figure of an area with its interval, where it stands, and how it moved.

    A place is the mean of its authorities by residents, or the plain mean where the panel has no residents; totals are added up.
    The nation is the same mean over all its authorities with a figure, the area among them, and is given where at least 80% of
    them have one. Samples of different authorities are independent, so a weighted sum has the sum of squared weight times
    variance; the area's share in the nation's mean is taken into account.

    Parameters
    ----------
    cells : Cells
        The outcome.
    contracts : Contracts
        Register of areas.
    subject : Subject
        The area.
    similar : sequence of str
        Codes of its similar areas.
    over_time : bool
        Whether to give the series too.

    Returns
    -------
    AreaLevel
        Without a figure, and with the reason, where the area has none in any period.
    """
    mine = cells.columns(subject.members)
    there = np.flatnonzero(np.isfinite(cells.values[:, mine]).all(axis=1) & _weighable(cells, mine))
    if not len(there):
        flag = HIDDEN if (cells.flags[:, mine] == HIDDEN).any() else ""
        return absent_level(cells.outcome, last_period=cells.periods[-1], why_not=_why_absent(cells, subject, mine), flag=flag)
    t = int(there[-1])
    nation = np.array([n for n, code in enumerate(cells.codes) if contracts.areas[code].nation in subject.nation.split(" and ")])
    place = cells.shares(mine, t)
    value, se = _weigh(cells, place, t)
    means = _nation_shares(cells, nation, t)
    standing: Standing = "not compared"
    if means is not None:
        gap, gap_se = _weigh(cells, place - means, t)
        standing = judge(gap, gap_se if se is not None else None, cells, printed=_prints_alike(value, value - gap, cells.outcome))
    near = _mean_of(cells, cells.columns(similar), t) if len(similar) else None
    return AreaLevel(
        outcome=cells.outcome.id,
        unit=cells.outcome.unit,
        period=cells.periods[t],
        last_period=cells.periods[-1],
        value=value,
        interval=_interval(value, se),
        sampled=cells.sampled,
        flag="; ".join(dict.fromkeys(str(flag) for flag in cells.flags[t, mine] if flag)),
        nation=None if means is None else _weigh(cells, means, t)[0],
        nation_areas=0 if means is None else int((means > 0).sum()),
        nation_of=len(nation),
        weighted=cells.people is not None,
        standing=standing,
        others=None if subject.is_place or means is None else _count_others(cells, int(mine[0]), nation, t),
        similar=near,
        residents=_residents(cells, mine, t),
        changes=tuple(_describe_change(cells, mine, nation, t, years) for years in YEARS),
        series=_series(cells, mine, nation, cells.columns(similar)) if over_time else None,
    )


def show_figure(area: SimilarArea, cells: Cells, period: str) -> SimilarArea:
    """A similar area with its own figure of a period, where it has one."""
    t, chosen = cells.periods.index(period), cells.columns((area.code,))
    if not np.isfinite(cells.values[t, chosen]).all():
        return area
    value, se = _weigh(cells, cells.shares(chosen, t), t)
    return replace(area, value=value, interval=_interval(value, se))


def absent_level(outcome: Outcome, *, why_not: str, last_period: str = "", flag: str = "") -> AreaLevel:
    """A level for which there is no figure."""
    return AreaLevel(
        outcome=outcome.id,
        unit=outcome.unit,
        period="",
        last_period=last_period,
        value=None,
        interval=None,
        sampled=outcome.survey,
        flag=flag,
        nation=None,
        nation_areas=0,
        weighted=False,
        standing="not compared",
        others=None,
        similar=None,
        why_not=why_not,
    )


def judge(difference: float, se: float | None, cells: Cells, *, printed: bool) -> Standing:
    """Whether a difference can be told from nil.

    Parameters
    ----------
    difference : float
        In the outcome's unit.
    se : float, optional
        Its sampling standard error; None = not known, or none.
    cells : Cells
        Says whether figures have sampling error.
    printed : bool
        Whether the two figures read the same in print.
    """
    if cells.sampled:
        if se is None or abs(difference) <= _Z * se:
            return "cannot tell"
    elif printed:
        return "the same"
    return "higher" if difference > 0 else "lower"


def _weigh(cells: Cells, weights: np.ndarray, t: int) -> tuple[float, float | None]:
    """A weighted sum of one period's figures, and its standard error; None where one is not known or there is no sampling."""
    used = weights != 0
    value = float(cells.values[t, used] @ weights[used])
    se = cells.se[t, used]
    known = cells.sampled and bool(np.isfinite(se).all())
    return value, float(np.sqrt(np.square(se) @ np.square(weights[used]))) if known else None


def _weighable(cells: Cells, chosen: np.ndarray) -> np.ndarray:
    """Periods (T,) in which every chosen authority can be weighted; a single one always can."""
    if cells.people is None or len(chosen) == 1 or cells.is_total:
        return np.ones(len(cells.periods), dtype=bool)
    return np.isfinite(cells.people[:, chosen]).all(axis=1)


def _nation_shares(cells: Cells, nation: np.ndarray, *times: int) -> np.ndarray | None:
    """Weights (N,) of the nation's mean, over the authorities with a figure at every one of `times`; None where too few have."""
    if cells.is_total:
        return None
    usable = np.isfinite(cells.values[list(times)][:, nation]).all(axis=0)
    if cells.people is not None:
        usable &= np.isfinite(cells.people[list(times)][:, nation]).all(axis=0)
    errors = np.isfinite(cells.se[list(times)][:, nation]).all(axis=0)
    if cells.sampled and (usable & errors).sum() >= MOST_OF_NATION * len(nation):
        usable &= errors
    if usable.sum() < MOST_OF_NATION * len(nation):
        return None
    return cells.shares(nation[usable], times[-1])


def _mean_of(cells: Cells, chosen: np.ndarray, t: int) -> float | None:
    if cells.is_total or not np.isfinite(cells.values[t, chosen]).all() or not _weighable(cells, chosen)[t]:
        return None
    return _weigh(cells, cells.shares(chosen, t), t)[0]


def _residents(cells: Cells, mine: np.ndarray, t: int) -> float | None:
    """People the area's rate is of, where the data have them for each of its authorities."""
    if cells.people is None or cells.outcome.unit != "pp" or not np.isfinite(cells.people[t, mine]).all():
        return None
    return float(cells.people[t, mine].sum())


def _count_others(cells: Cells, mine: int, nation: np.ndarray, t: int) -> Others | None:
    """Other authorities of the nation by where they stand; Bonferroni's bound over all of them."""
    others = nation[(nation != mine) & np.isfinite(cells.values[t, nation])]
    difference = cells.values[t, others] - cells.values[t, mine]
    if cells.sampled:
        se = np.hypot(cells.se[t, others], cells.se[t, mine])
        difference, se = difference[np.isfinite(se)], se[np.isfinite(se)]
        if not len(se):
            return None
        bound = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / (2 * len(se))) * se
        lower, higher = int((difference < -bound).sum()), int((difference > bound).sum())
    else:
        same = np.array([_prints_alike(cells.values[t, n], cells.values[t, mine], cells.outcome) for n in others], dtype=bool)
        lower, higher = int(((difference < 0) & ~same).sum()), int(((difference > 0) & ~same).sum())
    return Others(lower=lower, higher=higher, unclear=len(difference) - lower - higher)


# ---------------------------------------------------------------- changes


def _describe_change(cells: Cells, mine: np.ndarray, nation: np.ndarray, t: int, years: int) -> AreaChange:
    """From the figure `years` before to the latest one; windows that share months share that part of their samples."""
    to_period = cells.periods[t]
    from_period = earlier_period(to_period, years)
    overlap = max(0.0, 1 - 12 * years / cells.outcome.window_months)
    s = cells.periods.index(from_period) if from_period in cells.periods else -1
    if s < 0 or not np.isfinite(cells.values[s, mine]).all() or not _weighable(cells, mine)[s]:
        return AreaChange(
            years=years, from_period=from_period, to_period=to_period, value=None, interval=None, standing="cannot tell",
            nation=None, overlap=overlap, why_not=f"no figure for {from_period}",
        )  # fmt: skip
    (now, se_now), (then, se_then) = _weigh(cells, cells.shares(mine, t), t), _weigh(cells, cells.shares(mine, s), s)
    se = None
    if se_now is not None and se_then is not None:
        se = float(np.sqrt(max(0.0, se_now**2 + se_then**2 - 2 * overlap * se_now * se_then)))
    means = _nation_shares(cells, nation, s, t)
    return AreaChange(
        years=years,
        from_period=from_period,
        to_period=to_period,
        value=now - then,
        interval=_interval(now - then, se),
        standing=judge(now - then, se, cells, printed=_prints_alike(now - then, 0.0, cells.outcome)),
        nation=None if means is None else _weigh(cells, means, t)[0] - _weigh(cells, means, s)[0],
        overlap=overlap,
    )


def earlier_period(period: str, years: int) -> str:
    """The same period some years before."""
    return shift_month(period, -12 * years) if "-" in period else str(int(period) - years)


def _interval(value: float, se: float | None) -> Interval | None:
    return None if se is None else Interval(low=value - _Z * se, high=value + _Z * se)


def _prints_alike(one: float, other: float, outcome: Outcome) -> bool:
    step = Decimal(1).scaleb(-PRINTED.get(outcome.unit, 0))
    first, second = (Decimal(f"{float(v):.9g}").quantize(step) for v in (one, other))
    return first == second


# ---------------------------------------------------------------- over time and why not


def _series(cells: Cells, mine: np.ndarray, nation: np.ndarray, similar: np.ndarray) -> LevelSeries:
    area, low, high, country, near = [], [], [], [], []
    weighable = _weighable(cells, mine)
    for t in range(len(cells.periods)):
        there = bool(np.isfinite(cells.values[t, mine]).all() and weighable[t])
        value, se = _weigh(cells, cells.shares(mine, t), t) if there else (None, None)
        interval = None if value is None else _interval(value, se)
        area.append(value)
        low.append(None if interval is None else interval.low)
        high.append(None if interval is None else interval.high)
        means = _nation_shares(cells, nation, t)
        country.append(None if means is None else _weigh(cells, means, t)[0])
        near.append(_mean_of(cells, similar, t) if len(similar) else None)
    return LevelSeries(
        periods=cells.periods, area=tuple(area), low=tuple(low), high=tuple(high), nation=tuple(country), similar=tuple(near)
    )


def _why_absent(cells: Cells, subject: Subject, mine: np.ndarray) -> str:
    """Why an area has no figure in any period."""
    flags = dict.fromkeys(str(flag) for flag in cells.flags[:, mine].ravel() if flag)
    if not subject.is_place:
        return (
            f"not published for this authority ({'; '.join(flags)})" if flags else "the files have no figure for this authority"
        )
    lacking = [code for code, n in zip(subject.members, mine, strict=True) if not np.isfinite(cells.values[:, n]).any()]
    return f"no period has a figure for each of its authorities ({len(lacking)} of {len(mine)} have none at all)"

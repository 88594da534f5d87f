"""Similar areas: the authorities whose figures were closest before any programme began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.contracts.records import Contracts
from evaluation.panel.periods import month_index, reference_window
from evaluation.profile.cells import Cells
from evaluation.profile.subject import Subject
from evaluation.results import SimilarArea, Similarity, SimilarMeasure

MONTHS = 60
"""Months that one measure averages."""
BLOCKS = 2
"""Measures of one outcome: the latest months before the first programme, and as many before them. Areas are then alike that also
got to their level in the same way."""
HELD_BY = 0.8
"""Share of the register's authorities that must have a measure for it to enter the distance."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Measure:
    """One outcome, averaged: arrays (N,), not a number where an authority lacks a period."""

    cells: Cells
    first: str
    last: str
    values: np.ndarray
    se: np.ndarray
    """Zero where there is no sampling error."""


def find_similar(
    figures: Mapping[str, Cells],
    contracts: Contracts,
    subject: Subject,
    *,
    before: str,
    count: int,
    published: tuple[str, ...] = (),
) -> Similarity:
    """The nearest authorities by levels before any programme began.

    Each outcome gives up to two measures: its mean over the last 60 months that end before `before`, and over the 60 months
    before those, in reference windows that share no month. The distance of two areas is the square root of the weighted mean,
    over measures, of the squared difference divided by the variance between authorities. A measure's weight is its reliability:
    the share of that variance which is not sampling error. A noisy survey rate so counts for less than a full count.

    An outcome does not enter that is a total; whose sampling error is not published; that fewer than 80% of the authorities have
    for the whole time; or that another one measures for more authorities (a rate by quarter and by year).

    Parameters
    ----------
    figures : mapping of outcome to Cells
        The outcomes there are.
    contracts : Contracts
        Register of areas.
    subject : Subject
        The area; its authorities are not candidates.
    before : str
        ``YYYY-MM``; windows end before this month.
    count : int
        How many to name.
    published : tuple of str
        Neighbours that a publisher gives, kept beside ours.

    Returns
    -------
    Similarity
        Without areas, and with the reason, where no measure serves or the area lacks one.
    """
    left_out: list[str] = []
    measures = _choose(figures, before, left_out)
    nothing = Similarity(
        areas=(), measures=(), before=before, candidates=0, published=published, left_out=tuple(left_out),
        why_not=f"no outcome has figures of most authorities for the months before {before}",
    )  # fmt: skip
    if not measures:
        return nothing
    table = np.column_stack([measure.values for measure in measures])
    codes = measures[0].cells.codes
    mine = measures[0].cells.columns(subject.members)
    own = np.array([_own(measure, mine) for measure in measures])
    spread = np.nanstd(table, axis=0)
    noise = np.array([np.nanmean(np.square(measure.se)) for measure in measures])
    reliability = np.clip(1 - noise / np.square(spread), 0.0, 1.0)
    if not np.isfinite(own).all() or reliability.sum() == 0:
        lacking = [measure.cells.outcome.name for measure, value in zip(measures, own, strict=True) if not np.isfinite(value)]
        why = f"the area has no {' and no '.join(lacking)} for that time" if lacking else "the figures are all sampling error"
        return Similarity(
            areas=(), measures=(), before=before, candidates=0, published=published, left_out=tuple(left_out), why_not=why
        )
    weights = reliability / reliability.sum()
    distance = np.sqrt(np.square((table - own) / spread) @ weights)
    distance[mine] = np.nan
    order = [int(n) for n in np.argsort(distance, kind="stable") if np.isfinite(distance[n])]
    return Similarity(
        areas=tuple(_area(contracts, codes[n], float(distance[n])) for n in order[:count]),
        measures=tuple(
            SimilarMeasure(
                outcome=measure.cells.outcome.id,
                first=measure.first,
                last=measure.last,
                spread=float(spread[n]),
                reliability=float(reliability[n]),
                weight=float(weights[n]),
            )
            for n, measure in enumerate(measures)
        ),
        before=before,
        candidates=len(order),
        published=published,
        left_out=tuple(left_out),
    )


def _area(contracts: Contracts, code: str, distance: float) -> SimilarArea:
    item = contracts.areas[code]
    return SimilarArea(code=code, name=item.name, nation=item.nation, region=item.region, distance=distance)


def _choose(figures: Mapping[str, Cells], before: str, left_out: list[str]) -> list[_Measure]:
    """The measures of the distance; why other outcomes do not enter goes to `left_out`."""
    families: dict[str, list[_Measure]] = {}
    for id, cells in figures.items():
        made: list[_Measure] = []
        why = "a total, which grows with the size of an area" if cells.is_total else ""
        for chosen in [] if cells.is_total else _blocks_before(cells, before):
            measure = _average(cells, chosen)
            if isinstance(measure, str):
                why = why or measure
                break
            made.append(measure)
        family, name = id.removesuffix("_annual"), cells.outcome.name
        if not made:
            left_out.append(f"{name}: {why or f'no period ends before {before}'}")
        elif family not in families:
            families[family] = made
        else:
            fewer, more = sorted((families[family], made), key=lambda measures: (len(measures), _held(measures[0])))
            families[family] = more
            left_out.append(f"{fewer[0].cells.outcome.name}: {more[0].cells.outcome.name} measures the same")
    return [measure for measures in families.values() for measure in measures]


def _held(measure: _Measure) -> int:
    return int(np.isfinite(measure.values).sum())


def _average(cells: Cells, chosen: list[int]) -> _Measure | str:
    """Mean figures over some periods, or why they do not serve."""
    values = cells.values[chosen].mean(axis=0)
    held = int(np.isfinite(values).sum())
    if held < HELD_BY * len(cells.codes):
        span = f"{cells.periods[chosen[0]]} to {cells.periods[chosen[-1]]}"
        return f"{held} of {len(cells.codes)} authorities have it for the whole time ({span})"
    se = np.zeros_like(values)
    if cells.sampled:
        se = np.sqrt(np.square(cells.se[chosen]).sum(axis=0)) / len(chosen)
        if np.isfinite(se[np.isfinite(values)]).mean() < HELD_BY:
            return "its sampling error is not published"
    if not np.nanstd(values) > 0:
        return "the same in every authority"
    return _Measure(cells=cells, first=cells.periods[chosen[0]], last=cells.periods[chosen[-1]], values=values, se=se)


def _blocks_before(cells: Cells, before: str) -> list[list[int]]:
    """Positions of periods that end before a month and share none, in order, in blocks of at most 60 months; the latest first.

    A block that the figures do not fill is given only when it is the latest.
    """
    end, blocks = month_index(before), []
    windows = [tuple(map(month_index, reference_window(period, cells.outcome.window_months))) for period in cells.periods]
    last_end = None
    block: list[int] = []
    for t in range(len(windows) - 1, -1, -1):
        first, last = windows[t]
        if last >= end:
            continue
        if last_end is None:
            last_end = last
        if first <= last_end - MONTHS:
            blocks.append(block[::-1])
            if len(blocks) == BLOCKS:
                return blocks
            block, last_end = [], last
        block.append(t)
        end = first
    whole = bool(block) and last_end is not None and windows[block[-1]][0] == last_end - MONTHS + 1
    return [*blocks, block[::-1]] if block and (whole or not blocks) else blocks


def _own(measure: _Measure, mine: np.ndarray) -> float:
    """The area's own figure: of an authority, or the mean of a place's members by residents at the end of the time."""
    if len(mine) == 1:
        return float(measure.values[mine[0]])
    t = measure.cells.periods.index(measure.last)
    return float(measure.values[mine] @ measure.cells.shares(mine, t)[mine])

"""Tables of what treated and comparison areas were like before the start, and of how noisy each source is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.contracts.records import Outcome
from evaluation.report.levels import Levels, weigh_donors
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable, write_signed
from evaluation.results import Finding
from evaluation.synthesis.numbers import round_to
from evaluation.synthesis.phrases import upper_first

NORMAL_95 = 1.959964
"""97.5% point of the normal distribution."""
TREND_DIGITS = 2
YEAR = {"annual": 1, "quarterly": 4, "monthly": 12}
"""Figures a year."""


def table_balance(rows: Sequence[tuple[str, Levels, Finding | None]], outcome: Outcome, *, caption: str) -> ReportTable:
    """Levels and trends before the start: treated, comparison, and the mix a synthetic control makes of the comparison areas.

    Parameters
    ----------
    rows : sequence of (area in words, Levels, Finding with weights or None)
        One row each, in this order.
    outcome : Outcome
        The outcome in words.
    caption : str
        Title of the table.
    """
    cells, mixed = [], any(finding is not None for _, _, finding in rows)
    for name, levels, finding in rows:
        before = levels.exposure <= 0
        pairs = [_describe(levels.treated.values, before, outcome), _describe(levels.comparison.values, before, outcome)]
        if mixed:
            weights = () if finding is None else finding.estimate.weights
            pairs.append(_describe(weigh_donors(levels, weights), before, outcome) if weights else (NOT_APPLICABLE,) * 2)
        cells.append((name, *(pair[0] for pair in pairs), *(pair[1] for pair in pairs)))
    sides = ("treated", "comparison", *(("weighted mix",) if mixed else ()))
    header = ("Area", *(f"Level, {side}" for side in sides), *(f"Change a year, {side}" for side in sides))
    notes = [
        f"Level: mean over the periods before the start, {outcome.level_words}. Change a year: slope of a straight line through "
        f"the same periods, in {outcome.unit_words}. Areas are weighted by their residents."
    ]
    if mixed:
        notes.append("Weighted mix: what a synthetic control makes of the comparison areas.")
    return ReportTable(caption=caption, header=header, rows=tuple(cells), numeric=frozenset(header[1:]), notes=tuple(notes))


def _describe(values: np.ndarray, before: np.ndarray, outcome: Outcome) -> tuple[str, str]:
    """Level and change a year of a series (T,) over the periods before the start."""
    past = values[before]
    if not len(past) or not np.isfinite(past).all():
        return NOT_AVAILABLE, NOT_AVAILABLE
    digits = 1 if outcome.unit == "pp" else 0
    return f"{round_to(float(past.mean()), digits):,.{digits}f}", write_trend(past, outcome)


def write_trend(past: np.ndarray, outcome: Outcome) -> str:
    """Slope a year of a straight line through figures (T0,) in their order."""
    if len(past) < 2:
        return NOT_AVAILABLE
    slope = float(np.polyfit(np.arange(len(past)), past, 1)[0]) * YEAR[outcome.frequency]
    return write_signed(slope, TREND_DIGITS)


def table_noise(levels: Mapping[str, Levels], outcomes: Mapping[str, Outcome], sources: Mapping[str, str]) -> ReportTable | None:
    """Outcomes by the noise of their figures: sampling error of one authority, one place and all places; and movement.

    Parameters
    ----------
    levels : mapping of outcome to Levels
        Of all treated areas together.
    outcomes : mapping of outcome to Outcome
        In words.
    sources : mapping of outcome to words
        Title of the source each was read from.
    """
    rows, several = [], False
    for id, item in levels.items():
        made = item.comparison_of
        treated = made.treated
        several = several or (made.sizes is not None and bool((made.sizes[treated] > 1).any()))
        errors = [_half(None if made.se is None else made.se[:, side]) for side in (~treated, treated)]
        together = _half(item.treated.se)
        rows.append(
            (upper_first(outcomes[id].name), sources.get(id, NOT_AVAILABLE), *errors, together, _movement(item, outcomes[id]))
        )
    if not rows:
        return None
    side = "place" if several else "area"
    header = (
        "Outcome", "Source", "Sampling error, one comparison area", f"Sampling error, one {side} with the programme",
        "Sampling error, all of them together", "Usual change in a year, comparison areas",
    )  # fmt: skip
    return ReportTable(
        caption="Outcomes by the noise of their figures",
        header=header,
        rows=tuple(rows),
        numeric=frozenset(header[2:]),
        notes=(
            "Sampling error: half the width of a 95% interval, the median over periods and areas; [z] where the figure is a full "
            "count. Usual change in a year: how far a comparison area moved in a year beside the mean of the others, the median "
            "of the years before the start. Both in the unit of the outcome.",
        ),
    )


def _half(se: np.ndarray | None) -> str:
    return NOT_APPLICABLE if se is None else write_signed(NORMAL_95 * float(np.median(se)), TREND_DIGITS)


def _movement(levels: Levels, outcome: Outcome) -> str:
    """Median size of a comparison area's change over a year, the common change taken out, before the start."""
    made, year = levels.comparison_of, YEAR[outcome.frequency]
    past = made.y[levels.exposure <= 0][:, ~made.treated]
    if len(past) <= year:
        return NOT_AVAILABLE
    change = past[year:] - past[:-year]
    return write_signed(float(np.median(np.abs(change - change.mean(axis=1, keepdims=True)))), TREND_DIGITS)

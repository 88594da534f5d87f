"""Tables of what was found next door: the rings, and area and ring in people."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.records import Outcome
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable, write_signed
from evaluation.results import Design, Interval, Spillover, SpilloverSide
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.next_door import counted_in, name_ring, why_no_net
from evaluation.synthesis.numbers import UnitWords, write_range
from evaluation.synthesis.phrases import upper_first
from evaluation.synthesis.sentences import unit_words

DIGITS = 2
BASES = {
    "joint placebo places": "placebo places for both together",
    "sum of the two intervals": "the two intervals at half the level, added up",
    "": NOT_APPLICABLE,
}
"""Where the interval of both together comes from, in words."""


def name_area(record: Spillover) -> str:
    """The area of a record in the first column of a table."""
    return "All areas together" if record.area == POOLED else record.area_name


def table_rings(records: Sequence[Spillover], outcome: Outcome, design: Design, *, caption: str) -> ReportTable:
    """One row an area: how many authorities the ring has, its interval, what can be said, and why there is nothing."""
    unit = unit_words(outcome)
    rows: list[tuple[str, ...]] = []
    for record in records:
        word = name_ring(record, outcome, design)
        shown = record.beside.interval if record.beside and word not in ("not estimated", "comparison not credible") else None
        why = record.why_not or (record.beside.note if record.beside and record.beside.interval is None else "")
        rows.append(
            (
                name_area(record),
                f"{len(record.ring)}",
                f"{record.n_donors}" if record.ring else NOT_APPLICABLE,
                write_range(shown, unit) if shown else NOT_AVAILABLE,
                upper_first(word),
                upper_first(why) or NOT_APPLICABLE,
            )
        )
    header: tuple[str, ...] = (
        "Area", "Local authorities in the ring", "Comparison areas", f"Interval next door, {outcome.unit_words}",
        "What can be said", "Why there is none",
    )  # fmt: skip
    if all(row[-1] == NOT_APPLICABLE for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return ReportTable(
        caption=caption,
        header=header,
        rows=tuple(rows),
        numeric=frozenset({"Local authorities in the ring", "Comparison areas"}),
        notes=(
            "Exploratory: one method, and no allowance for the number of areas and outcomes looked at. No comparison area "
            "touches a treated one.",
        ),
    )


def table_net(records: Sequence[Spillover], outcome: Outcome, *, caption: str) -> ReportTable | None:
    """One row an area: intervals in people of the area, of its ring and of both; None where nothing can be counted."""
    rows = []
    for record in records:
        if record.beside is None:
            continue
        unit, reason = counted_in(record, outcome), why_no_net(record)
        cells = [_range(side.count_interval if side else None, unit) for side in (record.inside, record.beside)]
        both = NOT_AVAILABLE if reason else _range(record.net_interval, unit)
        sides = [NOT_AVAILABLE if side and side.checks_failed else cell for side, cell in _pairs(record, cells)]
        rows.append((name_area(record), *sides, both, upper_first(reason) if reason else upper_first(BASES[record.net_basis])))
    if not rows or all(row[1:4] == (NOT_AVAILABLE,) * 3 for row in rows):
        return None
    words = counted_in(next(record for record in records if record.beside is not None), outcome).words
    return ReportTable(
        caption=caption,
        header=("Area", f"In the area, {words}", f"Next door, {words}", f"Both together, {words}", "Interval of both from"),
        rows=tuple(rows),
        notes=("Exploratory. An area next to two treated ones counts as a neighbour of each.",),
    )


def _pairs(record: Spillover, cells: Sequence[str]) -> list[tuple[SpilloverSide | None, str]]:
    return list(zip((record.inside, record.beside), cells, strict=True))


def _range(interval: Interval | None, unit: UnitWords) -> str:
    return NOT_AVAILABLE if interval is None else write_range(interval, unit)


def table_sides(records: Sequence[Spillover], outcome: Outcome, design: Design, *, caption: str) -> ReportTable:
    """Every number of the records: three rows an area, the area, its ring and both together."""
    unit, rows = unit_words(outcome), []
    for record in records:
        counted = counted_in(record, outcome)
        for side, name in ((record.inside, "The area"), (record.beside, "Next door")):
            if side is None:
                rows.append((name_area(record), name, *([NOT_AVAILABLE] * 4), upper_first(record.why_not) or NOT_APPLICABLE))
                continue
            hidden = bool(side.checks_failed)
            rows.append(
                (
                    name_area(record),
                    name,
                    f"{side.authorities}",
                    NOT_AVAILABLE if hidden else write_signed(side.att, DIGITS),
                    NOT_AVAILABLE if hidden else _range(side.interval, unit),
                    NOT_AVAILABLE if hidden else _range(side.count_interval, counted),
                    f"check failed: {', '.join(side.checks_failed)}" if hidden else side.note or NOT_APPLICABLE,
                )
            )
        reason = why_no_net(record)
        total = sum(side.authorities for side in (record.inside, record.beside) if side is not None)
        both = NOT_AVAILABLE if reason else _range(record.net_interval, counted)
        why = upper_first(reason) if reason else f"Interval from {BASES[record.net_basis]}"
        rows.append((name_area(record), "Both together", f"{total}", NOT_APPLICABLE, NOT_APPLICABLE, both, why))
    return ReportTable(
        caption=caption,
        header=("Area", "Where", "Local authorities", "Estimate", f"Interval, {outcome.unit_words}", "In people", "Note"),
        rows=tuple(rows),
        numeric=frozenset({"Local authorities", "Estimate"}),
    )

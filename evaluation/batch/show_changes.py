"""What changed between two runs, for a terminal and as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from evaluation.contracts.csv_text import write_csv
from evaluation.results import Interval
from evaluation.synthesis.changes import Change, Changes, Side

COLUMNS = (
    "outcome", "area_code", "area_name", "primary", "change", "verdict_before", "verdict_now", "estimate_before", "estimate_now",
    "low_before", "high_before", "low_now", "high_now", "headline_in_both", "move", "revised_data", "new_periods",
    "code_or_protocol", "why_not_split",
)  # fmt: skip
"""Estimates, interval ends and parts are in the outcome's unit; a cell is empty where there is nothing."""


def describe_changes(changes: Changes) -> Iterator[str]:
    """What changed, for a person: verdicts, estimates outside their earlier interval, data, and the rest."""
    for name, release in (("before", changes.before), ("now", changes.after)):
        day = f", published {release.day}" if release.day else ""
        yield (
            f"  {name:<7}protocol {release.design_sha256[:12]}, panel {release.panel_sha256[:12]}, "
            f"code {release.code_version}{day}"
        )
    if changes.is_empty:
        yield "Nothing changed."
        return
    verdicts, moved = changes.of("verdict"), changes.of("moved")
    yield f"Verdicts that changed: {len(verdicts) or 'none'}"
    for row in verdicts:
        yield f"  {_name(row)}: {_verdict(row.before)} -> {_verdict(row.after)}"
        yield from _say_parts(row)
    yield f"Estimates outside their earlier interval: {len(moved) or 'none'}"
    for row in moved:
        yield f"  {_name(row)}"
        yield from _say_parts(row)
    for kind, words in (("appeared", "Only now"), ("gone", "No longer there")):
        named = [_name(row) for row in changes.rows if row.kind == kind]
        if named:
            yield f"{words}: {'; '.join(named)}"
    within, same = len(changes.of("within")), len(changes.of("same"))
    yield f"Moved within their interval: {within or 'none'}; the same: {same or 'none'}"
    for item in changes.data:
        if not item.is_empty:
            periods = [f"{len(item.new_periods)} new period(s)"] if item.new_periods else []
            periods += [f"{len(item.lost_periods)} period(s) no longer there"] if item.lost_periods else []
            text = f"{item.revised:,} of {item.shared:,} figures revised, {item.filled:,} added, {item.withdrawn:,} withdrawn"
            yield f"  data {item.outcome}: {', '.join((text, *periods))}"
    for other in changes.other:
        yield f"  changed besides: {other}"
    for note in changes.notes:
        yield f"  note: {note}"


def _name(row: Change) -> str:
    return f"{row.area_name}, {row.outcome}{'' if row.primary else ' (exploratory)'}"


def _verdict(side: Side | None) -> str:
    return "not there" if side is None else side.verdict


def _say_parts(row: Change) -> Iterator[str]:
    if row.move is None:
        yield "    no estimate in one of the two runs"
        return
    if row.split is None:
        yield "    the estimate is the same"
        return
    withheld = "" if row.is_quoted else " (not a headline figure in both)"
    parts = ", ".join(
        f"{name} {'not known' if value is None else f'{value:+.3f}'}"
        for name, value in (
            ("revised data", row.split.revised),
            ("new periods", row.split.periods),
            ("code or protocol", row.split.code),
        )
    )
    yield f"    estimate moved by {row.move:+.3f}{withheld}: {parts}{f'; {row.split.why_not}' if row.split.why_not else ''}"


def changes_csv(changes: Changes) -> str:
    """Every outcome and area as CSV text: all areas together first, then areas by name."""
    ordered = sorted(changes.rows, key=lambda r: (r.area != "all", r.area_name.casefold(), r.area, r.outcome))
    return write_csv(COLUMNS, [_cells(row) for row in ordered])


def _cells(row: Change) -> list[str]:
    sides = (row.before, row.after)
    ends = [_ends(side.interval if side is not None else None) for side in sides]
    split = row.split
    parts = ("", "", "") if split is None else tuple(map(_number, (split.revised, split.periods, split.code)))
    return [
        row.outcome,
        row.area,
        row.area_name,
        "yes" if row.primary else "no",
        row.kind,
        *("" if side is None else side.verdict for side in sides),
        *(_number(None if side is None else side.att) for side in sides),
        *ends[0],
        *ends[1],
        "yes" if row.is_quoted else "no",
        _number(row.move),
        *parts,
        "" if split is None else split.why_not,
    ]


def _ends(interval: Interval | None) -> tuple[str, str]:
    return ("", "") if interval is None else (_number(interval.low), _number(interval.high))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"

"""What changed since the last release: verdicts first, then estimates that left their earlier interval, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.contracts.records import Outcome
from evaluation.panel.period_words import write_month
from evaluation.report.annex import clean_message
from evaluation.report.binder import join_blocks, list_items
from evaluation.report.material import Material
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable
from evaluation.results import Interval
from evaluation.synthesis.changes import Change, Changes, Side
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import UnitWords, choose_digits, round_to, write_count, write_figure, write_range
from evaluation.synthesis.phrases import upper_first
from evaluation.synthesis.sentences import unit_words

UP = "../"
PARTS = ("Revised data", "New periods", "Code or protocol")
FIRST = "This is the first release, or none before it was named when the report was made: there is nothing to compare with."
OTHER = "Changed besides the data, and so behind the part called code or protocol:"


def write_changes(material: Material) -> str:
    """The chapter: old beside new, every move in its parts; that there is nothing to say is said."""
    changes = material.changes
    if changes is None:
        return f"{FIRST}\n"
    day = changes.before.day
    before = f"the release of {write_month(day)}" if day else "an earlier run that was not published"
    hashes = f"protocol `{changes.before.design_sha256[:12]}`, panel `{changes.before.panel_sha256[:12]}`"
    against = f"Compared with {before} ({hashes})."
    if changes.is_empty:
        return join_blocks([against, "Nothing changed: verdicts, estimates, data, protocol and code are the same."])
    outcomes = material.contracts.outcomes
    return join_blocks(
        [
            against,
            "## Verdicts that changed {#sec-changed-verdicts}",
            *_show_verdicts(material, changes),
            "## Estimates that moved {#sec-moved}",
            *_show_moves(material, changes),
            "## What came in {#sec-came-in}",
            *_show_data(material, changes),
            *([OTHER, list_items([upper_first(item) for item in changes.other])] if changes.other else []),
            *([list_items([clean_message(note) for note in changes.notes])] if changes.notes else []),
            material.binder.place_download(table_all(changes, outcomes), "changes", up=UP) if changes.rows else "",
        ]
    )


def _show_verdicts(material: Material, changes: Changes) -> list[str]:
    rows = changes.of("verdict")
    if not rows:
        return ["No verdict changed."]
    said = "One verdict changed." if len(rows) == 1 else f"{upper_first(write_count(len(rows)))} verdicts changed."
    why = "A verdict rests on more than its estimate, so the parts of a move need not be why it changed."
    table = table_verdicts(rows, material.contracts.outcomes)
    return [f"{said} {why}", material.place_table(UP, table, "changed-verdicts")]


def _show_moves(material: Material, changes: Changes) -> list[str]:
    outcomes = material.contracts.outcomes
    rows = [row for row in changes.of("moved") if row.is_quoted]
    if rows:
        blocks = ["Listed is every headline estimate that lies outside the interval it had before."]
        blocks.append(material.place_table(UP, table_moves(rows, outcomes), "moved"))
    else:
        blocks = ["No headline estimate lies outside the interval it had before."]
    withheld = len(changes.of("moved")) - len(rows)
    if withheld:
        blocks.append(f"Estimates that did so and are no headline figures in both releases: {withheld}. They stand in the annex.")
    within = len(changes.of("within"))
    if within:
        blocks.append(f"Other estimates or intervals that moved: {within}. They are in the download below.")
    for kind, words in (("appeared", "in this release only"), ("gone", "in the earlier release only")):
        named = [f"{_area(row)}, {_outcome(row, outcomes)}" for row in changes.rows if row.kind == kind]
        if named:
            blocks += [f"With an estimate or a conclusion {words}:", list_items(named)]
    return blocks


def _show_data(material: Material, changes: Changes) -> list[str]:
    changed = [item for item in changes.data if not item.is_empty]
    if not changed:
        return ["The figures are the same in both releases."]
    rows = []
    for item in sorted(changed, key=lambda item: _name(item.outcome, material.contracts.outcomes).casefold()):
        periods = [
            *([f"{len(item.new_periods)} new ({_span(item.new_periods)})"] if item.new_periods else []),
            *([f"{len(item.lost_periods)} no longer there ({_span(item.lost_periods)})"] if item.lost_periods else []),
        ]
        rows.append(
            (
                _name(item.outcome, material.contracts.outcomes),
                f"{item.shared:,}",
                f"{item.revised:,}",
                f"{item.largest:.3g}" if item.revised else "0",
                f"{item.filled:,}",
                f"{item.withdrawn:,}",
                ", ".join(periods) or "none",
            )
        )
    table = ReportTable(
        caption="Figures in this release beside the earlier one",
        header=("Figures", "In both", "Revised", "Largest revision", "Added", "Withdrawn", "Periods"),
        rows=tuple(rows),
        numeric=frozenset({"In both", "Revised", "Largest revision", "Added", "Withdrawn"}),
        notes=("Added and withdrawn count areas and periods within the periods that both releases have.",),
    )
    return [material.place_table(UP, table, "came-in")]


def _span(periods: Sequence[str]) -> str:
    first, last = write_month(periods[0]), write_month(periods[-1])
    return first if first == last else f"{first} to {last}"


# ---------------------------------------------------------------- tables


def table_verdicts(rows: Sequence[Change], outcomes: Mapping[str, Outcome]) -> ReportTable:
    """Verdicts before and now, and the parts of the move of the estimate where both releases give one."""
    return ReportTable(
        caption="Verdicts that changed",
        header=("Area", "Outcome", "Before", "Now", *PARTS),
        rows=tuple(
            (_area(row), _outcome(row, outcomes), _verdict(row.before), _verdict(row.after), *_parts(row, outcomes))
            for row in rows
        ),
        notes=_notes(rows, outcomes),
    )


def table_moves(rows: Sequence[Change], outcomes: Mapping[str, Outcome]) -> ReportTable:
    """Intervals before and now, and the parts of the move of the estimate."""
    return ReportTable(
        caption="Estimates that lie outside their earlier interval",
        header=("Area", "Outcome", "Interval before", "Interval now", *PARTS),
        rows=tuple(
            (
                _area(row),
                _outcome(row, outcomes),
                *_intervals(row, outcomes),
                *_parts(row, outcomes),
            )
            for row in rows
        ),
        notes=_notes(rows, outcomes),
    )


def table_all(changes: Changes, outcomes: Mapping[str, Outcome]) -> ReportTable:
    """Every outcome and area of both releases; a figure that a release withholds from its headlines is not in it."""
    rows = tuple(
        (
            _area(row),
            _outcome(row, outcomes),
            _verdict(row.before),
            _verdict(row.after),
            *_intervals(row, outcomes),
            *_parts(row, outcomes),
        )
        for row in sorted(changes.rows, key=lambda r: (r.area != POOLED, r.area_name.casefold(), r.area, r.outcome))
    )
    return ReportTable(
        caption="Every outcome and area in this release beside the earlier one",
        header=("Area", "Outcome", "Verdict before", "Verdict now", "Interval before", "Interval now", *PARTS),
        rows=rows,
        notes=_notes(changes.rows, outcomes),
    )


def _notes(rows: Sequence[Change], outcomes: Mapping[str, Outcome]) -> tuple[str, ...]:
    units = sorted({outcomes[row.outcome].unit_words for row in rows if row.outcome in outcomes})
    notes = [f"Parts of the move of the best estimate, rounded, in {' or '.join(units)}."] if units else []
    cells = [cell for row in rows for cell in _parts(row, outcomes)]
    if NOT_AVAILABLE in cells:
        notes.append(
            "A part is not available where a release gives no headline figure, or where it cannot be computed from what the two "
            "runs hold."
        )
    return tuple(notes)


def _area(row: Change) -> str:
    return "All areas together" if row.area == POOLED else row.area_name


def _name(outcome: str, outcomes: Mapping[str, Outcome]) -> str:
    return upper_first(outcomes[outcome].name) if outcome in outcomes else outcome


def _outcome(row: Change, outcomes: Mapping[str, Outcome]) -> str:
    return f"{_name(row.outcome, outcomes)}{'' if row.primary else ' (exploratory)'}"


def _verdict(side: Side | None) -> str:
    return NOT_APPLICABLE if side is None else side.verdict


def _intervals(row: Change, outcomes: Mapping[str, Outcome]) -> tuple[str, str]:
    """Before and now; the interval of a figure that a release withholds is not available."""
    if row.outcome not in outcomes:
        return NOT_AVAILABLE, NOT_AVAILABLE
    unit = unit_words(outcomes[row.outcome])
    return _interval(row.before, unit), _interval(row.after, unit)


def _interval(side: Side | None, unit: UnitWords) -> str:
    if side is None:
        return NOT_APPLICABLE
    return write_range(side.interval, unit) if side.quoted and side.interval is not None else NOT_AVAILABLE


def _parts(row: Change, outcomes: Mapping[str, Outcome]) -> tuple[str, str, str]:
    """The three parts in words; those of figures that a release withholds are not available."""
    if row.before is None or row.after is None:
        return (NOT_APPLICABLE,) * 3
    if not row.is_quoted or row.move is None or row.outcome not in outcomes:
        return (NOT_AVAILABLE,) * 3
    unit, interval = unit_words(outcomes[row.outcome]), row.after.interval
    if row.split is None:
        return ("0",) * 3
    shares = (row.split.revised, row.split.periods, row.split.code)
    return tuple(NOT_AVAILABLE if value is None else _signed(value, interval, unit) for value in shares)  # type: ignore[return-value]


def _signed(value: float, interval: Interval | None, unit: UnitWords) -> str:
    """A part with one digit more than the interval has: ``0.12 lower``; nil where it rounds to that."""
    digits = 1 + (choose_digits(interval, unit.unit) if interval is not None else 1)
    rounded = round_to(value, digits)
    return f"{write_figure(rounded, digits)} {unit.direction(value)}" if rounded else "0"

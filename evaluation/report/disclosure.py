"""The disclosure gate: no report is published while a table, picture or text of it would tell of single people.

Every count that a report prints from a source whose contract has a disclosure clause is checked against that clause: small
counts, rounding, percentages that give a count away or say something of everybody in a group, suppressed counts that can be
worked out from totals and other tables, and differences to what was published before. What is wrong comes all at once, with file,
cell and threshold, as a `DisclosureError` (exit code 5); nothing is written.

Tables and pictures say which of their columns are counts (`evaluation.report.counts`). A count that stands anywhere else beside
the name of its area is found by its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.contracts.disclosure import Clause
from evaluation.errors import DisclosureError
from evaluation.panel.periods import MONTH_NAMES
from evaluation.report.counts import JOIN, Counts
from evaluation.report.disclosure_sums import Key, Sum, derive_counts
from evaluation.report.tables import SHORTHAND, ReportTable, read_number

MOST_LINES = 20
"""Breaches a message names; the rest are counted."""
CONFIDENTIAL = ("[c]", "[low]")
"""Shorthand of a count that is there and may not be told."""
SUPPRESS = "suppress the cell with [c], or put rows together"
_MARK = re.compile(r"\[[a-z]+\]")
_NO_COUNT = "|".join(["per cent", "percentage", "months?", "quarters?", "years?", "weeks?", "days?", *MONTH_NAMES])
"""Words after a number that make it something else than a count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One count as it is printed."""

    file: str
    source: str
    row: str
    column: str
    value: float | None
    """None where it is suppressed."""
    shown: str

    @property
    def key(self) -> Key:
        """Its row and column, by which tables and releases are compared."""
        return (self.row, self.column)

    @property
    def place(self) -> str:
        """Row and column for a message."""
        return f"{self.row}, {self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Percent:
    """One percentage as it is printed, with the cells of its counts."""

    file: str
    source: str
    row: str
    column: str
    shown: str
    numerator: Cell | None
    denominator: Cell | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What one table or picture prints."""

    file: str
    source: str
    cells: tuple[Cell, ...]
    percents: tuple[Percent, ...]
    sums: tuple[Sum, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words of a file that a reader, a screen reader or a program can read."""

    file: str
    what: str
    """Such as ``alternative text``."""
    text: str
    source: str = ""
    """Source of the counts they are about, where it is known; empty = any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One thing that may not be published."""

    file: str
    cell: str
    text: str
    fix: str
    files: tuple[str, ...] = field(default=())
    """Other files or editions that take part."""

    @property
    def line(self) -> str:
        """The breach on one line."""
        return f"{self.file}: {self.cell}: {self.text}. Fix: {self.fix}."


# ---------------------------------------------------------------- what is printed


def read_sheet(file: str, table: ReportTable) -> Sheet | None:
    """The counts of a table; None where it has none."""
    counts = table.counts
    if counts is None:
        return None
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    return read_rows(file, counts, rows)


def read_rows(file: str, counts: Counts, rows: Sequence[Mapping[str, str]]) -> Sheet:
    """The counts of rows of written cells."""
    cells: dict[Key, Cell] = {}
    percents: list[Percent] = []
    for row in rows:
        name = JOIN.join(row[label] for label in counts.labels)
        for column in counts.columns:
            number = read_number(row[column])
            value = None if number is None else float(number)
            cells[(name, column)] = Cell(file=file, source=counts.source, row=name, column=column, value=value, shown=row[column])
        for share in counts.shares:
            percents.append(
                Percent(
                    file=file, source=counts.source, row=name, column=share.column, shown=row[share.column],
                    numerator=cells.get((name, share.numerator)), denominator=cells.get((name, share.denominator)),
                )
            )  # fmt: skip
    sums = [
        Sum((total, column), tuple((part, column) for part in parts), file)
        for total, parts in counts.rows_add.items()
        for column in counts.columns
    ]
    names = dict.fromkeys(name for name, _ in cells)
    sums += [
        Sum((name, total), tuple((name, part) for part in parts), file)
        for total, parts in counts.columns_add.items()
        for name in names
    ]
    return Sheet(file=file, source=counts.source, cells=tuple(cells.values()), percents=tuple(percents), sums=tuple(sums))


# ---------------------------------------------------------------- the rules


def find_breaches(
    sheets: Sequence[Sheet],
    clauses: Mapping[str, Clause],
    *,
    texts: Sequence[Text] = (),
    sums: Mapping[str, Sequence[Sum]] | None = None,
    earlier: Sequence[Cell] = (),
    edition: str = "the release before",
) -> list[Breach]:
    """Everything that may not be published, in the order of the files.

    Parameters
    ----------
    sheets : sequence of Sheet
        What the report prints.
    clauses : mapping of source to Clause
        Disclosure clauses; a source that is not among them is not checked.
    texts : sequence of Text
        Alternative texts, labels and pages.
    sums : mapping of source to sequence of Sum, optional
        What adds up besides what the tables say, such as the authorities of a place.
    earlier : sequence of Cell
        What was published before.
    edition : str
        Name of that publication, for messages.
    """
    found: list[Breach] = []
    for source, clause in clauses.items():
        mine = [sheet for sheet in sheets if sheet.source == source]
        if clause.status == "not established" and clause.access == "restricted":
            found += [_refuse_unknown(sheet, source) for sheet in mine if sheet.cells]
        if clause.status != "established":
            continue
        for sheet in mine:
            found += _check_cells(sheet, clause)
            found += _check_percents(sheet, clause)
            found += _check_totals(sheet, clause)
        found += _check_derived(mine, clause, (sums or {}).get(source, ()))
        found += _check_earlier(mine, clause, [cell for cell in earlier if cell.source == source], edition)
        found += _check_texts([text for text in texts if text.source in ("", source)], clause)
    return list(dict.fromkeys(found))


def _refuse_unknown(sheet: Sheet, source: str) -> Breach:
    return Breach(
        file=sheet.file,
        cell=f"{len(sheet.cells)} cell(s)",
        text=f"counts from {source}, which is restricted and whose disclosure rule is not established",
        fix="write the rule of the publisher into its contract, or leave the counts out",
    )


def is_small(value: float, clause: Clause) -> bool:
    """Whether a count is above zero and below the threshold."""
    return clause.threshold is not None and 0 < value < clause.threshold


def _check_cells(sheet: Sheet, clause: Clause) -> Iterator[Breach]:
    for cell in sheet.cells:
        if cell.value is None:
            if not _MARK.search(cell.shown):
                yield Breach(
                    file=sheet.file,
                    cell=cell.place,
                    text=f"{cell.shown!r} is neither a count nor a shorthand",
                    fix=f"write one of {', '.join(SHORTHAND)}",
                )
        elif is_small(cell.value, clause):
            yield Breach(
                file=sheet.file,
                cell=cell.place,
                text=f"the count {cell.shown} is below the threshold of {clause.threshold}",
                fix=SUPPRESS,
            )
        elif clause.base is not None and cell.value % clause.base:
            yield Breach(
                file=sheet.file,
                cell=cell.place,
                text=f"the count {cell.shown} is not rounded to {clause.base}",
                fix=f"round it to {clause.base}, and its percentages with it",
            )


def _check_percents(sheet: Sheet, clause: Clause) -> Iterator[Breach]:
    for item in sheet.percents:
        number = read_number(item.shown)
        if number is None:
            continue
        place, value = f"{item.row}, {item.column}", float(number)
        if clause.extremes and value in (0.0, 100.0):
            yield Breach(
                file=sheet.file,
                cell=place,
                text=f"{item.shown} per cent of a group says something of each of its members",
                fix="suppress the percentage with [c], or put groups together",
            )
        top, below = item.numerator, item.denominator
        hidden = [cell for cell in (top, below) if cell is not None and cell.shown.strip() in CONFIDENTIAL]
        small = [cell for cell in (top, below) if cell is not None and cell.value is not None and is_small(cell.value, clause)]
        if small or hidden:
            counts = ", ".join(dict.fromkeys(f"{cell.column} {cell.shown}" for cell in (*small, *hidden)))
            yield Breach(
                file=sheet.file,
                cell=place,
                text=f"{item.shown} per cent rests on a count below the threshold of {clause.threshold} ({counts})",
                fix="suppress the percentage with [c] as well",
            )
        if clause.base is not None and top is not None and below is not None and top.value is not None and below.value:
            yield from _check_rounded(sheet.file, place, item.shown, value, top.value, below.value, clause.base)


def _check_rounded(file: str, place: str, shown: str, value: float, top: float, below: float, base: int) -> Iterator[Breach]:
    """A percentage that the rounded counts do not give lets a reader work out the unrounded ones."""
    step = 10.0 ** -len(shown.partition(".")[2])
    expected = 100 * top / below
    if abs(value - expected) > step / 2 + 1e-9:
        yield Breach(
            file=file,
            cell=place,
            text=f"{shown} per cent is not {expected:.{len(shown.partition('.')[2])}f}, which the counts rounded to {base} give",
            fix="work percentages out from the rounded counts",
        )


def _check_totals(sheet: Sheet, clause: Clause) -> Iterator[Breach]:
    """Totals whose cells are all printed must be their sum, within the tolerance of the contract."""
    values = {cell.key: cell.value for cell in sheet.cells}
    for item in sheet.sums:
        total, parts = values.get(item.total), [values.get(part) for part in item.parts]
        if total is None or any(part is None for part in parts):
            continue
        rounding = 0.0 if clause.base is None else clause.base * (len(parts) + 1) / 2
        off = abs(total - sum(part for part in parts if part is not None))
        if off > max(clause.tolerance, rounding) + 1e-9:
            yield Breach(
                file=sheet.file,
                cell=", ".join(item.total),
                text=f"differs by {off:g} from the sum of its cells, and the contract allows {max(clause.tolerance, rounding):g}",
                fix="print total and cells from one edition, protected in one way",
            )


def _check_derived(sheets: Sequence[Sheet], clause: Clause, sums: Sequence[Sum]) -> Iterator[Breach]:
    """Suppressed counts that are printed elsewhere, and small ones that follow from sums."""
    known: dict[Key, float] = {}
    printed: dict[Key, str] = {}
    hidden: dict[Key, Cell] = {}
    for cell in (cell for sheet in sheets for cell in sheet.cells):
        if cell.value is not None:
            known.setdefault(cell.key, cell.value)
            printed.setdefault(cell.key, cell.file)
        elif cell.shown.strip() in CONFIDENTIAL:
            hidden.setdefault(cell.key, cell)
    for key, cell in hidden.items():
        if key in known:
            yield Breach(
                file=cell.file,
                cell=cell.place,
                text=f"suppressed here and printed in {printed[key]}",
                fix="suppress it in both files",
                files=(printed[key],),
            )
    files = {cell.key: cell.file for sheet in sheets for cell in sheet.cells}
    for found in derive_counts(known, [*(item for sheet in sheets for item in sheet.sums), *sums]):
        if found.key not in hidden and not is_small(round(found.value, 6), clause):
            continue
        used = _files_of(found.key, found.files, sheets)
        first = hidden[found.key].file if found.key in hidden else files.get(found.key, used[0])
        others = tuple(file for file in used if file != first)
        where = f"the totals of {' and '.join(used)}" if others else "the totals beside it"
        what = "suppressed, and" if found.key in hidden else f"below the threshold of {clause.threshold}, not printed, and"
        yield Breach(
            file=first,
            cell=", ".join(found.key),
            text=f"{what} worked out from {where}",
            fix="suppress a second cell of the same row and column, or leave the total out",
            files=others,
        )


def _files_of(key: Key, named: Sequence[str], sheets: Sequence[Sheet]) -> list[str]:
    """Files that print counts of the same column or row, and those that say what adds up."""
    printing = [sheet.file for sheet in sheets if any(cell.row == key[0] or cell.column == key[1] for cell in sheet.cells)]
    return list(dict.fromkeys([*printing, *(file for file in named if file)]))


def _check_earlier(sheets: Sequence[Sheet], clause: Clause, earlier: Sequence[Cell], edition: str) -> Iterator[Breach]:
    """Counts that differ from those published before by less than the threshold."""
    before = {cell.key: cell for cell in earlier if cell.value is not None}
    for cell in (cell for sheet in sheets for cell in sheet.cells):
        old = before.get(cell.key)
        if old is None or old.value is None or cell.value is None:
            continue
        off = abs(cell.value - old.value)
        if is_small(off, clause):
            yield Breach(
                file=cell.file,
                cell=cell.place,
                text=f"{cell.shown} here and {old.shown} in {edition} ({old.file}) differ by {off:g}, below the threshold of "
                f"{clause.threshold}",
                fix="round both editions, or keep the count of the edition before",
                files=(f"{edition}: {old.file}",),
            )


def _check_texts(texts: Sequence[Text], clause: Clause) -> Iterator[Breach]:
    """Small counts in words that are read aloud, shown on hovering, or drawn into a picture."""
    if clause.threshold is None:
        return
    nouns = "|".join(re.escape(noun) for noun in clause.nouns)
    counted = re.compile(rf"(?<![\w.,£])(\d[\d,]*)\s+(?:{nouns})\b", re.IGNORECASE)
    bare = re.compile(rf"(?<![\w.,£−-])(\d[\d,]*)(?![\d.,]*\d|\s*(?:%|{_NO_COUNT}))(?!\w)")
    for item in texts:
        # In words about counts of this source every whole number is taken for a count; elsewhere only one with its noun.
        for match in (bare if item.source else counted).finditer(item.text):
            value = float(match[1].replace(",", ""))
            if is_small(value, clause):
                around = " ".join(item.text[max(match.start() - 30, 0) : match.end() + 20].split())
                yield Breach(
                    file=item.file,
                    cell=item.what,
                    text=f"the count {match[1]} in '…{around}…' is below the threshold of {clause.threshold}",
                    fix="take it out of the words, as in the table",
                )


def refuse_breaches(breaches: Iterable[Breach]) -> None:
    """Raise a `DisclosureError` with every breach, one a line; nothing where there is none."""
    lines = [breach.line for breach in breaches]
    if not lines:
        return
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    head = f"Nothing was published: {len(lines)} cell(s) would disclose what their source protects."
    raise DisclosureError("\n".join([head, *lines[:MOST_LINES], *more]))

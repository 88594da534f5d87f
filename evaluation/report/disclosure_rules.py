"""What may not stand in a publication, one function a rule. Each gives the breaches it finds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from evaluation.contracts.disclosure import Clause
from evaluation.panel.periods import MONTH_NAMES
from evaluation.report.disclosure_sums import Key, Sum, derive_counts, find_residuals
from evaluation.report.printed import Cell, Percent, Sheet, Text
from evaluation.report.tables import SHORTHAND, read_number

SUPPRESS = "suppress the cell with [c], or put rows together"
SECOND = "suppress a second cell of the same row and column, or leave the total out"
_MARK = re.compile(r"\[[a-z]+\]")
_NO_COUNT = "|".join(["per cent", "percentage", "months?", "quarters?", "years?", "weeks?", "days?", *MONTH_NAMES])
"""Words after a number that make it something else than a count."""


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


def _at(item: Cell | Percent, text: str, fix: str, *files: str) -> Breach:
    return Breach(file=item.file, cell=f"{item.row}, {item.column}", text=text, fix=fix, files=files)


def find_unknown_rule(sheets: Sequence[Sheet]) -> Iterator[Breach]:
    """Counts that nobody has protected, from a source whose rule nobody has written down."""
    for sheet in sheets:
        if sheet.cells:
            yield Breach(
                file=sheet.file,
                cell=f"{len(sheet.cells)} cell(s)",
                text=f"counts of {sheet.of}, whose source is restricted and whose disclosure rule is not established",
                fix="write the rule of the publisher into its contract, or leave the counts out",
            )


def find_small_and_unrounded(sheet: Sheet, clause: Clause) -> Iterator[Breach]:
    """Small counts, counts that are not rounded, and cells that are neither count nor shorthand."""
    for cell in sheet.cells:
        if cell.value is None:
            if not _MARK.search(cell.shown):
                yield _at(cell, f"{cell.shown!r} is neither a count nor a shorthand", f"write one of {', '.join(SHORTHAND)}")
        elif clause.is_small(cell.value):
            yield _at(cell, f"the count {cell.shown} is below the threshold of {clause.threshold}", SUPPRESS)
        elif clause.base is not None and cell.value % clause.base:
            fix = f"round it to {clause.base}, and its percentages with it"
            yield _at(cell, f"the count {cell.shown} is not rounded to {clause.base}", fix)


def find_telling_percentages(sheet: Sheet, clause: Clause) -> Iterator[Breach]:
    """Percentages of nobody or everybody, those of small counts, and those that rounded counts do not give."""
    for item in sheet.percents:
        number = read_number(item.shown)
        if number is None:
            continue
        if clause.extremes and float(number) in (0.0, 100.0):
            text = f"{item.shown} per cent of a group says something of each of its members"
            yield _at(item, text, "suppress the percentage with [c], or put groups together")
        pair = [cell for cell in (item.numerator, item.denominator) if cell is not None]
        weak = [cell for cell in pair if cell.is_hidden or (cell.value is not None and clause.is_small(cell.value))]
        if weak:
            counts = ", ".join(dict.fromkeys(f"{cell.column} {cell.shown}" for cell in weak))
            text = f"{item.shown} per cent rests on a count below the threshold of {clause.threshold} ({counts})"
            yield _at(item, text, "suppress the percentage with [c] as well")
        values = [cell.value for cell in pair if cell.value is not None]
        if clause.base is not None and len(values) == 2 and values[1]:
            digits = len(item.shown.partition(".")[2])
            expected = 100 * values[0] / values[1]
            if abs(float(number) - expected) > 10.0**-digits / 2 + 1e-9:
                # It lets a reader work out the counts as they were before they were rounded.
                text = f"{item.shown} per cent is not {expected:.{digits}f}, which the counts rounded to {clause.base} give"
                yield _at(item, text, "work percentages out from the rounded counts")


def find_wrong_totals(sheet: Sheet, clause: Clause) -> Iterator[Breach]:
    """Totals whose cells are all printed and which are not their sum, within the tolerance of the contract."""
    values = {cell.key: cell.value for cell in sheet.cells}
    for item in sheet.sums:
        total, parts = values.get(item.total), [values.get(part) for part in item.parts]
        if total is None or any(part is None for part in parts):
            continue
        allowed = max(clause.tolerance, 0.0 if clause.base is None else clause.base * (len(parts) + 1) / 2)
        off = abs(total - sum(part for part in parts if part is not None))
        if off > allowed + 1e-9:
            yield Breach(
                file=sheet.file,
                cell=", ".join(item.total),
                text=f"differs by {off:g} from the sum of its cells, and the contract allows {allowed:g}",
                fix="print total and cells from one edition, protected in one way",
            )


def find_worked_out(sheets: Sequence[Sheet], clause: Clause, sums: Sequence[Sum]) -> Iterator[Breach]:
    """Suppressed counts that are printed elsewhere, and hidden or small ones that follow from sums of all tables together."""
    cells = [cell for sheet in sheets for cell in sheet.cells]
    known = {cell.key: cell.value for cell in reversed(cells) if cell.value is not None}
    printed = {cell.key: cell.file for cell in reversed(cells) if cell.value is not None}
    hidden = {cell.key: cell for cell in reversed(cells) if cell.is_hidden}
    for key, cell in hidden.items():
        if key in known:
            yield _at(cell, f"suppressed here and printed in {printed[key]}", "suppress it in both files", printed[key])
    files = {cell.key: cell.file for cell in cells}
    every = [*(item for sheet in sheets for item in sheet.sums), *sums]

    def tell(keys: Sequence[Key], named: Sequence[str], what: str) -> Breach:
        used = _files_of(keys[0], named, sheets)
        first = next((hidden[key].file for key in keys if key in hidden), files.get(keys[0], used[0]))
        others = tuple(file for file in used if file != first)
        where = f"the totals of {' and '.join(used)}" if others else "the totals beside it"
        cell = " and ".join(", ".join(key) for key in keys)
        return Breach(file=first, cell=cell, text=f"{what} worked out from {where}", fix=SECOND, files=others)

    for found in derive_counts(known, every):
        if found.key in hidden:
            yield tell([found.key], found.files, "suppressed, and")
        elif clause.is_small(round(found.value, 6)):
            yield tell([found.key], found.files, f"below the threshold of {clause.threshold}, not printed, and")
    for group in find_residuals(known, every):
        # Rounded cells leave it open by how much they miss.
        most = group.value + (0.0 if clause.base is None else clause.base * (group.printed + 1) / 2)
        if len(group.keys) > 1 and any(key in hidden for key in group.keys) and clause.is_small(round(most, 6)):
            yield tell(group.keys, group.files, f"suppressed, and together below the threshold of {clause.threshold}, as")


def _files_of(key: Key, named: Sequence[str], sheets: Sequence[Sheet]) -> list[str]:
    """Files that print counts of the same column or row, and those that say what adds up."""
    printing = [sheet.file for sheet in sheets if any(cell.row == key[0] or cell.column == key[1] for cell in sheet.cells)]
    return list(dict.fromkeys([*printing, *(file for file in named if file)]))


def find_small_changes(sheets: Sequence[Sheet], clause: Clause, earlier: Sequence[Cell], edition: str) -> Iterator[Breach]:
    """Counts that differ from those published before by less than the threshold."""
    before = {cell.key: cell for cell in earlier if cell.value is not None}
    for cell in (cell for sheet in sheets for cell in sheet.cells):
        old = before.get(cell.key)
        if old is None or old.value is None or cell.value is None or not clause.is_small(abs(cell.value - old.value)):
            continue
        text = (
            f"{cell.shown} here and {old.shown} in {edition} ({old.file}) differ by {abs(cell.value - old.value):g}, below the "
            f"threshold of {clause.threshold}"
        )
        yield _at(cell, text, "round both editions, or keep the count of the edition before", f"{edition}: {old.file}")


def find_in_words(texts: Sequence[Text], clause: Clause) -> Iterator[Breach]:
    """Small counts in words that are read aloud, shown on hovering, or drawn into a picture."""
    if clause.threshold is None:
        return
    nouns = "|".join(re.escape(noun) for noun in clause.nouns)
    counted = re.compile(rf"(?<![\w.,£])(\d[\d,]*)\s+(?:{nouns})\b", re.IGNORECASE)
    bare = re.compile(rf"(?<![\w.,£−-])(\d[\d,]*)(?![\d.,]*\d|\s*(?:%|{_NO_COUNT}))(?!\w)")
    for item in texts:
        # In words about counts every whole number is taken for a count; elsewhere only one with its noun.
        for match in (bare if item.of else counted).finditer(item.text):
            if clause.is_small(float(match[1].replace(",", ""))):
                around = " ".join(item.text[max(match.start() - 30, 0) : match.end() + 20].split())
                yield Breach(
                    file=item.file,
                    cell=item.what,
                    text=f"the count {match[1]} in '…{around}…' is below the threshold of {clause.threshold}",
                    fix="take it out of the words, as in the table",
                )

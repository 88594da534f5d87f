"""Makes the counts of a table fit to print: small ones suppressed, further ones so that totals tell nothing, the rest rounded.

The order matters. What is hidden is chosen from the counts as they are; rounding comes last, so that it cannot lift a small count
above the threshold; percentages are then worked out from the rounded counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from evaluation.contracts.disclosure import Clause
from evaluation.report.counts import Counts
from evaluation.report.disclosure_sums import Key, Sum, derive_counts, find_residuals
from evaluation.report.printed import CONFIDENTIAL, read_rows
from evaluation.report.tables import ReportTable, read_number


def protect_table(table: ReportTable, clauses: Mapping[str, Clause]) -> ReportTable:
    """A table as its sources allow it to be printed.

    Parameters
    ----------
    table : ReportTable
        With the counts it declares.
    clauses : mapping of outcome or source to Clause
        What is not among them, or has no established rule, stays as it is.

    Returns
    -------
    ReportTable
        Hidden counts are ``[c]``, or ``[low]`` where rounding would leave nobody; so are percentages made of them.
    """
    for counts in table.counts:
        clause = clauses.get(counts.of)
        if clause is not None and clause.status == "established":
            table = _protect(table, counts, clause)
    return table


def _protect(table: ReportTable, counts: Counts, clause: Clause) -> ReportTable:
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    sheet = read_rows("", counts, rows)
    values = {cell.key: cell.value for cell in sheet.cells if cell.value is not None}
    hidden = choose_hidden(values, [cell.key for cell in sheet.cells if cell.is_hidden], sheet.sums, clause)
    for row in rows:
        name = counts.name(row)
        for column in counts.columns if name else ():
            value = values.get((name, column))
            if value is not None:
                row[column] = _write_count(row[column], value, clause, hidden=(name, column) in hidden)
        for share in counts.shares if name else ():
            row[share.column] = _write_percent(row[share.column], row[share.numerator], row[share.denominator], clause)
    return replace(table, rows=tuple(tuple(row[column] for column in table.header) for row in rows))


def choose_hidden(values: Mapping[Key, float], hidden: Collection[Key], sums: Sequence[Sum], clause: Clause) -> set[Key]:
    """The counts that may not be printed: those hidden already, small ones, and those that would tell of them.

    A second count is hidden wherever a hidden one could be worked out, or where the hidden ones of a sum are known to be small
    together. It is the smallest of its sum that is not nought, before a total; so it goes on until nothing can be worked out.

    Parameters
    ----------
    values : mapping of row and column to count
        All counts of the table that have a number.
    hidden : collection of (row, column)
        Those that came without one and are there.
    sums : sequence of Sum
        What adds up.
    clause : Clause
        The rule.
    """
    chosen = {*hidden, *(key for key, value in values.items() if clause.hides(value))}
    while True:
        known = {key: value for key, value in values.items() if key not in chosen}
        told = [
            found.key for found in derive_counts(known, sums) if found.key in chosen or clause.is_small(round(found.value, 6))
        ]
        told += [key for group in find_residuals(known, sums) if clause.is_small(round(group.value, 6)) for key in group.keys]
        candidates = [
            (key == item.total, known[key] == 0, known[key], key)
            for item in sums
            if any(key in told for key in (item.total, *item.parts))
            for key in (item.total, *item.parts)
            if key in known
        ]
        if not candidates:
            return chosen
        chosen.add(min(candidates)[-1])


def _write_count(shown: str, value: float, clause: Clause, *, hidden: bool) -> str:
    if hidden:
        return "[low]" if not clause.is_small(value) and clause.round(value) == 0 < value else "[c]"
    printed = clause.round(value)
    return shown if printed == value else f"{printed:,.0f}"


def _write_percent(shown: str, top: str, below: str, clause: Clause) -> str:
    """A percentage of two counts as they are printed: hidden with them, worked out again from rounded ones."""
    if read_number(shown) is None:
        return shown
    over, under = read_number(top), read_number(below)
    if clause.base is not None and over is not None and under is not None and float(under):
        shown = f"{100 * float(over) / float(under):.{len(shown.partition('.')[2])}f}"
    extreme = clause.extremes and float(shown) in (0.0, 100.0)
    return "[c]" if extreme or top in CONFIDENTIAL or below in CONFIDENTIAL else shown

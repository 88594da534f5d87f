"""What a reader hands over, and what readers share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evaluation.contracts.fields import nearest
from evaluation.contracts.table import Table
from evaluation.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """A published file as a long text table.

    Attributes
    ----------
    table : Table
        Text cells under the contract's column names, each row with the line (or sheet row) it came from.
    vintage : str
        Edition of the publication as the file's content states it; empty where it does not.
    notes : tuple of str
        What was in the file and is not in the table, such as a row of totals or footnotes, with its place.
    """

    table: Table
    vintage: str = ""
    notes: tuple[str, ...] = ()


def describe(file: str, what: str, *, rule: str, fix: str, line: int | None = None, column: str = "", rows: int = 0) -> str:
    """Word a problem of a file the way the checks of contracts do: place, what is wrong, rule, what to do."""
    place = file if line is None else f"{file}:{line}"
    where = f"{place}: {column}" if column else place
    count = f"; {rows} row(s)" if rows else ""
    return f"{where}: {what} (rule {rule}{count}). Fix: {fix}."


def require_columns(table: Table, columns: Iterable[str]) -> None:
    """Refuse a file without a column its layout has.

    Raises
    ------
    DataError
        One line for each missing column, with the nearest name that is there.
    """
    there = [str(name) for name in table.frame.columns]
    absent = [name for name in columns if name not in there]
    if absent:
        fix = f"fetch the file with all its columns; it has {', '.join(there)}"
        lines = [
            describe(
                table.file,
                f"the column is missing{nearest(name, there)}",
                line=table.header_line,
                column=name,
                rule="header",
                fix=fix,
            )
            for name in absent
        ]
        raise DataError("\n".join(lines))

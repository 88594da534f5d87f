"""What a publication prints of the counts of a source: cells, percentages made of them, sums they belong to, and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.report.counts import Counts
from evaluation.report.disclosure_sums import Key, Sum
from evaluation.report.tables import ReportTable, read_number

CONFIDENTIAL = ("[c]", "[low]")
"""Shorthand of a count that is there and may not be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One count as it is printed."""

    file: str
    of: str
    """Outcome or source it is a count of."""
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

    @property
    def is_hidden(self) -> bool:
        """Whether it is there and may not be told."""
        return self.value is None and self.shown.strip() in CONFIDENTIAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Percent:
    """One percentage as it is printed, with the cells of its counts."""

    file: str
    row: str
    column: str
    shown: str
    numerator: Cell | None
    denominator: Cell | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The counts of one outcome or source in one table or picture."""

    file: str
    of: str
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
    of: tuple[str, ...] = ()
    """Whose counts they are about, where that is known; empty = any."""


def read_table(file: str, table: ReportTable) -> list[Sheet]:
    """The counts that a table declares."""
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    return [read_rows(file, counts, rows) for counts in table.counts]


def read_rows(file: str, counts: Counts, rows: Sequence[Mapping[str, str]]) -> Sheet:
    """The counts of rows of written cells."""
    cells: dict[Key, Cell] = {}
    percents: list[Percent] = []
    for row in rows:
        name = counts.name(row)
        if not name:
            continue
        for column in counts.columns:
            number = read_number(row[column])
            value = None if number is None else float(number)
            cells[(name, column)] = Cell(file=file, of=counts.of, row=name, column=column, value=value, shown=row[column])
        for share in counts.shares:
            parts = (cells.get((name, share.numerator)), cells.get((name, share.denominator)))
            percents.append(
                Percent(
                    file=file, row=name, column=share.column, shown=row[share.column], numerator=parts[0], denominator=parts[1]
                )
            )  # fmt: skip
    return Sheet(file=file, of=counts.of, cells=tuple(cells.values()), percents=tuple(percents), sums=_sums(file, counts, cells))


def _sums(file: str, counts: Counts, cells: Mapping[Key, Cell]) -> tuple[Sum, ...]:
    down = [
        Sum((total, column), tuple((part, column) for part in parts), file)
        for total, parts in counts.rows_add.items()
        for column in counts.columns
    ]
    across = [
        Sum((name, total), tuple((name, part) for part in parts), file)
        for total, parts in counts.columns_add.items()
        for name in dict.fromkeys(row for row, _ in cells)
    ]
    return (*down, *across)

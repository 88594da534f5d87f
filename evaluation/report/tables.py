"""Tables as records: one table gives the page its Markdown, the download its CSV, and a spreadsheet its frame.

Cells are plain text. A cell is never empty: what is not there is said with a shorthand in square brackets, and the legend of
those that occur stands below the table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.contracts.csv_text import write_csv
from evaluation.report.columns import share_width, soften
from evaluation.report.counts import Counts
from evaluation.report.embedded.escape import escape_markdown

SHORTHAND = {
    "[c]": "confidential",
    "[low]": "lower than the smallest value shown",
    "[u]": "low reliability",
    "[x]": "not available",
    "[z]": "not applicable",
    "[r]": "revised",
    "[p]": "provisional",
}
"""Markers that may stand in a cell, and what they mean; the forms that government statistics use."""
NOT_AVAILABLE, NOT_APPLICABLE = "[x]", "[z]"
NO_BREAK = "\u00a0"
"""A space at which a line does not break; a plain one in the CSV."""

_MARKER = re.compile(r"\[[a-z]+\]")
_WRITTEN_NUMBER = re.compile(r"[-+\u2212]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
"""A number as it is written for readers: with a true minus sign and commas between thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """One table of the report.

    Attributes
    ----------
    caption : its title
    header : one short text a column
    rows : one tuple of plain texts a row, as long as the header
    numeric : columns whose cells are aligned to the right
    notes : sentences below the table
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    counts: tuple[Counts, ...] = ()
    """Which cells are counts of people or households, to be protected and checked."""

    def __post_init__(self) -> None:
        """Refuse a table that readers of it could not follow."""
        if not self.caption or not all(self.header):
            raise ValueError(f"table {self.caption!r}: a caption and a text in every header cell are needed, got {self.header}")
        for row in self.rows:
            if len(row) != len(self.header) or not all(cell.strip() for cell in row):
                raise ValueError(f"table {self.caption!r}: row {row} does not fill the columns {self.header}; write [x] or [z]")
            unknown = [m for cell in row for m in _MARKER.findall(cell) if m not in SHORTHAND]
            if unknown:
                raise ValueError(f"table {self.caption!r}: {unknown[0]} is not a shorthand; there are {', '.join(SHORTHAND)}")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The table in a notebook; Markdown, so that the report can take it. The page that embeds it gives the caption."""
        return {"text/markdown": to_markdown(self, captioned=False), "text/plain": to_frame(self).to_string(index=False)}

    @property
    def legend(self) -> str:
        """The meaning of every shorthand that occurs, or nothing."""
        used = [m for m in SHORTHAND if any(m in cell for row in self.rows for cell in row)]
        return f"Shorthand: {', '.join(f'{m} {SHORTHAND[m]}' for m in used)}." if used else ""


def to_frame(table: ReportTable) -> pd.DataFrame:
    """The table as a frame of texts."""
    return pd.DataFrame(list(table.rows), columns=list(table.header))


def to_markdown(table: ReportTable, label: str = "", *, captioned: bool = True) -> str:
    """The table as a pipe table with its notes, legend and caption; every cell escaped.

    Parameters
    ----------
    table : ReportTable
        The table.
    label : str
        Identifier such as ``tbl-answer`` that makes it a numbered table, notes included; without one it has a caption only.
    captioned : bool
        Whether the caption is part of it; a label needs it.
    """
    rules = [f"{'-' * width}:" if name in table.numeric else f":{'-' * width}" for name, width in zip(
        table.header, share_width(table.header, table.rows), strict=True
    )]  # fmt: skip
    pipes = [_pipe([_cell_text(h) for h in table.header]), _pipe(rules)]
    pipes += [_pipe([_cell_text(cell) for cell in row]) for row in table.rows]
    below = [*table.notes, *([table.legend] if table.legend else [])]
    blocks = ["\n".join(pipes), *([escape_markdown(" ".join(below))] if below else [])]
    caption = escape_markdown(table.caption)
    if label and captioned:
        blocks = [f"::: {{#{label}}}", *blocks, caption, ":::"]
    elif captioned:
        blocks.insert(1, f": {caption}")
    return "\n\n".join(blocks) + "\n"


def _cell_text(text: str) -> str:
    return escape_markdown(soften(text))


def _pipe(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def to_csv(table: ReportTable) -> str:
    """The table as CSV text; numbers of its numeric columns are written for programs, such as ``-1234.5``."""
    rows = [
        [
            (read_number(cell) if name in table.numeric else None) or plain_spaces(cell)
            for name, cell in zip(table.header, row, strict=True)
        ]
        for row in table.rows
    ]
    return write_csv([plain_spaces(name) for name in table.header], rows)


def plain_spaces(text: str) -> str:
    """The text with spaces at which a line may break."""
    return text.replace(NO_BREAK, " ")


def read_number(cell: str) -> str | None:
    """A number as it is written for readers, as programs read it: ``1234.5`` for ``1,234.5``; None for any other text."""
    return cell.replace(",", "").replace("\u2212", "-") if _WRITTEN_NUMBER.fullmatch(cell) else None


def frame_to_csv(frame: pd.DataFrame) -> str:
    """The numbers behind a figure as CSV text, at six significant figures; missing ones are ``[x]``."""
    columns = [_csv_column(frame.iloc[:, at]) for at in range(frame.shape[1])]
    return write_csv([str(c) for c in frame.columns], zip(*columns, strict=True))


def _csv_column(values: pd.Series) -> list[str]:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "f":
        return [f"{value:.6g}" if math.isfinite(value) else NOT_AVAILABLE for value in values.tolist()]
    return [_csv_cell(value) for value in values.tolist()]


def _csv_cell(value: object) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}" if math.isfinite(value) else NOT_AVAILABLE
    return NOT_AVAILABLE if value is None else str(value)


def tabulate(
    frame: pd.DataFrame, *, caption: str, columns: Sequence[str] = (), digits: int = 2, notes: Sequence[str] = ()
) -> ReportTable:
    """The table of the numbers behind a figure.

    Parameters
    ----------
    frame : DataFrame
        Numbers and texts.
    caption : str
        Title of the table.
    columns : sequence of str
        Columns shown; all of them if empty.
    digits : int
        Decimals of numbers that are not whole.
    notes : sequence of str
        Sentences below the table.
    """
    names = list(columns) or [str(c) for c in frame.columns]
    cells = [[_cell(value, digits) for value in frame[name]] for name in names]
    numeric = frozenset(name for name in names if pd.api.types.is_numeric_dtype(frame[name]))
    rows = tuple(tuple(row) for row in zip(*cells, strict=True))
    return ReportTable(caption=caption, header=tuple(names), rows=rows, numeric=numeric, notes=tuple(notes))


def _cell(value: object, digits: int) -> str:
    if value is None or (isinstance(value, (float, np.floating)) and not math.isfinite(value)):
        return NOT_AVAILABLE
    if isinstance(value, (float, np.floating)):
        return write_signed(float(value), digits)
    return str(value).replace("-", "−", 1) if isinstance(value, (int, np.integer)) else str(value).strip() or NOT_AVAILABLE


def write_signed(value: float, digits: int) -> str:
    """A number with a minus sign, for the annex: ``−0.42``; zero has none."""
    text = f"{value:,.{digits}f}"
    bare = text.removeprefix("-")
    return bare if bare == text or not bare.strip("0.,") else f"−{bare}"

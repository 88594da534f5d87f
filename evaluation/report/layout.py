"""How a sheet of the spreadsheet is laid out: widths of columns, heights of rows, and how it is printed.

A height is written for every row of more than one line: Excel works it out when it opens a file, other programs do not and would
show one line over the other. Panes are not frozen, since a frozen header covers the table at high magnification; on paper it is
repeated on every page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

NARROWEST, WIDEST, PROSE = 12, 60, 90
"""Characters across a column; the widest for cells, and for those with whole paragraphs."""
PARAGRAPH = 300
"""Characters from which a cell is a paragraph."""
LINE = 15.75
"""Points of a line of 12-point text."""
TALLEST = 409
"""Points a row can have."""
HEADER_LINES = 3
"""Lines a header may take without widening its column."""
BOLD = 1.15
"""Width of a bold letter in letters."""
FILL = 0.95
"""Part of a line that words fill, since they are not broken."""
A4 = 9


def choose_widths(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Characters across each column: its longest cell within bounds, its header on at most three lines."""
    found = []
    for at, name in enumerate(header):
        longest = max((len(row[at]) for row in rows), default=0)
        words = max(len(word) for word in name.split())
        head = BOLD * max(words, len(name) / HEADER_LINES / FILL)
        limit = PROSE if longest > PARAGRAPH else WIDEST
        found.append(min(limit, max(NARROWEST, math.ceil(head) + 2, longest + 2)))
    return found


def arrange(sheet: Any, table: Sequence[Sequence[str]], widths: Sequence[int], *, header: int) -> None:
    """Set columns, rows and pages of a written sheet.

    Parameters
    ----------
    sheet : xlsxwriter Worksheet
        Written already.
    table : sequence of rows of texts
        The header first.
    widths : sequence of int
        Characters across each column.
    header : int
        Row of the sheet the header stands in, from 0.
    """
    for at, width in enumerate(widths):
        sheet.set_column(at, at, width)
    for at, row in enumerate(table):
        factor = BOLD if at == 0 else 1.0
        lines = max(count_lines(text, width / factor) for text, width in zip(row, widths, strict=True))
        if lines > 1:
            sheet.set_row(header + at, min(TALLEST, LINE * lines))
    print_wide(sheet)
    sheet.repeat_rows(header)


def print_wide(sheet: Any) -> None:
    """Print a sheet on A4 lying, as wide as the page, with its name and the pages below."""
    sheet.set_paper(A4)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&RPage &P of &N")


def count_lines(text: str, width: float) -> int:
    """Lines a text takes in a column."""
    return 1 if len(text) <= width else math.ceil(len(text) / (FILL * width))

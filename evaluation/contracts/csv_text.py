"""The only way CSV files are written: text that a spreadsheet would run is neutralised, numbers stay numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_FORMULA = re.compile(r"[\s\x00-\x1f\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""How a text begins that a spreadsheet reads as a formula: the four signs, their full-width forms, or a control character. What
stands before a sign and is not seen does not count."""
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_QUOTED = re.compile(r'[,"\r\n]')


def neutralise(cell: str) -> str:
    """Put an apostrophe before text that a spreadsheet would read as a formula; numbers stay as they are."""
    if cell[:1].isalnum():  # as nearly every cell begins, and no formula
        return cell
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell.strip(" ")) else cell


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV text of a table of texts, every cell neutralised.

    Parameters
    ----------
    header : sequence of str
        Column names.
    rows : iterable of sequence of str
        Cells, as many a row as the header has.

    Returns
    -------
    str
        Every line ends with a line feed; a cell is in quotes where it holds a comma, a quote or a line break.
    """
    return "".join(f"{_line(row)}\n" for row in (header, *rows))


def _line(row: Sequence[str]) -> str:
    # The standard library's writer leaves a carriage return unquoted, at which a spreadsheet would begin a new row.
    cells = [neutralise(cell) for cell in row]
    if cells == [""]:
        return '""'
    if not _QUOTED.search("".join(cells)):
        return ",".join(cells)
    return ",".join('"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell for cell in cells)

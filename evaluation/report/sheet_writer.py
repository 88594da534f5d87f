"""Writes the sheets of a workbook as gptables does, and many times as fast.

For each cell of a table gptables keeps a dictionary of its format in a frame, which costs most of the time of a workbook of
hundreds of sheets. Here a table of texts and numbers is written cell by cell; what its cells look like is worked out from the
same theme and the same formatting. Titles, contents and cover are written by gptables itself. The file is the same, byte for
byte.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = ["import_gptables", "produce_workbook"]

_SHORTHAND = re.compile(r"\[[\w\s]+\]")
"""What gptables takes for a shorthand or a note; a text that holds one says nothing of what its column holds."""
_WORDS = re.compile("[A-Za-z0-9]")
GRIDLINES = "hide_all"
Format = dict[str, Any]
_NONE: Format = {}


def produce_workbook(
    out: Any,
    sheets: Mapping[str, Any],
    *,
    cover: Any,
    contentsheet_options: Mapping[str, Any],
    workbook_options: Mapping[str, Any],
    theme: Any = None,
    contentsheet_label: str = "Contents",
) -> Any:
    """Lay out a workbook with a cover and a table of contents.

    Parameters
    ----------
    out : str or binary file
        Where it is written when it is closed.
    sheets : mapping of label to gptables.GPTable
        One sheet each, in this order.
    cover : gptables.Cover
        The first sheet.
    contentsheet_options, workbook_options, theme, contentsheet_label
        As gptables' own `produce_workbook` takes them.

    Returns
    -------
    gptables.core.wrappers.GPWorkbook
        Not closed yet. Widths of columns are not set.
    """
    book = _define()(out, options=dict(workbook_options))
    if theme is not None:
        book.set_theme(theme)
    book.add_worksheet(cover.cover_label, gridlines=GRIDLINES).write_cover(cover)
    contents = book.make_table_of_contents(dict(sheets), **contentsheet_options)
    book._update_annotations(dict(sheets))
    for label, table in {contentsheet_label: contents, **sheets}.items():
        book.add_worksheet(label, gridlines=GRIDLINES).write_gptable(table, False, book._annotations)
    return book


def import_gptables() -> Any:
    """The package, without its warning that it leaves the file of its own theme open when it is imported."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="unclosed file", category=ResourceWarning)
        import gptables
    return gptables


@cache
def _define() -> Any:
    """The class of the workbook; gptables is heavy, and imported when a workbook is made."""
    import_gptables()
    from gptables.core.gptable import FormatList
    from gptables.core.wrappers import GPWorkbook, GPWorksheet

    class Sheet(GPWorksheet):
        """A sheet that writes plain tables quickly, and leaves all others to gptables."""

        def _parse_table_urls(self, gptable: Any) -> None:
            # A look at every cell for what can be a link is quicker than a search in each.
            if any(isinstance(cell, str) and "](" in cell for row in gptable.table.to_numpy(dtype=object) for cell in row):
                super()._parse_table_urls(gptable)

        def _write_table_elements(self, pos: list[int], gptable: Any, auto_width: bool) -> list[int]:
            rows = None if auto_width else _read_cells(gptable, FormatList)
            if rows is None:
                return super()._write_table_elements(pos, gptable, auto_width)
            return _write_table(self, gptable, rows)

    class Workbook(GPWorkbook):
        """A workbook of such sheets."""

        def add_worksheet(self, name: str | None = None, gridlines: str = GRIDLINES) -> Sheet:
            sheet: Sheet = super(GPWorkbook, self).add_worksheet(name, Sheet)
            sheet.theme, sheet._workbook = self.theme, self
            sheet.hide_gridlines({"show_all": 0, "hide_printed": 1, "hide_all": 2}[gridlines])
            return sheet

    return Workbook


@dataclass(frozen=True, slots=True)
class _Plain:
    """A text that is written as it is, whatever stands in it."""

    text: str


def _read_cells(gptable: Any, formatted: type) -> list[list[str | int | float | _Plain]] | None:
    """The cells of a table of texts and numbers; None for one that gptables must write.

    That is one with an index, with rows of a format of their own, or with cells that it reads as more than a text, or refuses.
    """
    if gptable.index_columns or not all(set(item) <= {"column", "cell"} for item in gptable.additional_formatting):
        return None
    found = []
    for row in gptable.table.to_numpy(dtype=object).tolist():
        cells: list[str | int | float | _Plain] = []
        for cell in row:
            if isinstance(cell, str):
                if "](" in cell or not _WORDS.search(cell):
                    return None
                cells.append(cell)
            elif isinstance(cell, int | float) and cell == cell:
                cells.append(cell)
            elif isinstance(cell, formatted) and len(cell.list) == 2 and cell.list[0] == {}:  # type: ignore[attr-defined]
                cells.append(_Plain(cell.list[1]))  # type: ignore[attr-defined]
            else:
                return None
        found.append(cells)
    return found


def _write_table(sheet: Any, gptable: Any, rows: list[list[str | int | float | _Plain]]) -> list[int]:
    """Write headings and cells, and mark them as a table; returns where the next element would stand."""
    import pandas as pd

    theme, book, top = sheet.theme, sheet._workbook, gptable.data_range[0]
    names = gptable.table.columns.tolist()
    sides = _align(names, rows)
    heads: list[Format] = [{**theme.column_heading_format, "align": side} for side in sides]
    bodies: list[Format] = [{**theme.data_format, "align": side} for side in sides]
    single: dict[tuple[int, int], Format] = {}
    for item in gptable.additional_formatting:
        _add_format(item, names, heads, bodies, single)
    for at, name in enumerate(names):
        sheet.write(top, at, name, book.add_format(heads[at]))
    made: dict[tuple[Any, ...], Any] = {}
    for down, row in enumerate(rows, start=1):
        for at, cell in enumerate(row):
            own = single.get((down, at), _NONE)
            key = (at, *own.items())
            if key not in made:
                made[key] = book.add_format({**bodies[at], **own})
            sheet.write(top + down, at, cell.text if isinstance(cell, _Plain) else cell, made[key])
    sheet._mark_data_as_worksheet_table(gptable, pd.DataFrame([heads], columns=names, dtype=object))
    return [top + len(rows) + 1, 0]


def _add_format(
    item: Mapping[str, Any], names: list[str], heads: list[Format], bodies: list[Format], cells: dict[tuple[int, int], Format]
) -> None:
    """One entry of the formatting of a table: of columns, or of a cell by its place below and beside the first heading."""
    for kind, said in item.items():
        if kind == "cell":
            place = said["cells"] if isinstance(said["cells"], tuple) else said["cells"][-1]
            cells.setdefault(place, {}).update(said["format"])
            continue
        for column in said["columns"]:
            at = names.index(column) if isinstance(column, str) else column
            bodies[at].update(said["format"])
            if said.get("include_names", True):
                heads[at].update(said["format"])


def _align(names: list[str], rows: list[list[str | int | float | _Plain]]) -> list[str]:
    """Left, or right for a column after the first in which numbers stand, and nothing else but shorthand."""
    known = not any(_SHORTHAND.search(name) for name in names)
    sides = ["left"]
    for at, name in enumerate(names[1:], start=1):
        column = [row[at] for row in rows] if known else [name, *(row[at] for row in rows)]
        others = [cell for cell in column if not isinstance(cell, int | float)]
        shorthand = all(isinstance(cell, str) and _SHORTHAND.search(cell) for cell in others)
        sides.append("right" if shorthand and len(others) < len(column) else "left")
    return sides

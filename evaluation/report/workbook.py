"""Every table of the report in one accessible spreadsheet: cover, contents, notes, and a sheet for each table.

Sheets are laid out by gptables, which holds to the guidance for spreadsheets of government statistics: one table a sheet,
beginning in column A, with its title above it, no merged or empty cells, no blank rows, and a table of contents with links.
The bytes depend on the arguments alone.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from evaluation.contracts.csv_text import neutralise
from evaluation.errors import ReportError
from evaluation.report.layout import BOLD, LINE, NARROWEST, arrange, choose_widths, count_lines, print_wide
from evaluation.report.sheet_writer import import_gptables, produce_workbook
from evaluation.report.tables import SHORTHAND, ReportTable, plain_spaces, read_number

FILE = "all-tables.xlsx"
LANGUAGE = "en-GB"
NOTES = "Notes"
COVER_WIDTH = 90
"""Characters across the cover."""
LONGEST = 32_767
"""Characters a cell of a spreadsheet can hold."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can carry: when a file was written is no part of a result."""
_PROPERTIES = "docProps/core.xml"
POUNDS = "[$£-809]"
_MONEY = re.compile(r"£([0-9,.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What the first sheet says.

    Attributes
    ----------
    title : of the workbook
    about : paragraphs about the report and its tables
    contact : lines on whom to ask, and the licence
    date : day of the edition
    mark : sentence that stands on every sheet, such as that the data are synthetic; empty = none
    """

    title: str
    about: tuple[str, ...]
    contact: tuple[str, ...]
    date: dt.date
    mark: str = ""


def write_workbook(tables: Sequence[ReportTable], cover: Cover) -> bytes:
    """Write the tables of a report as an ``.xlsx`` file.

    Parameters
    ----------
    tables : sequence of ReportTable
        One sheet each, in this order.
    cover : Cover
        The first sheet.

    Returns
    -------
    bytes
        Equal arguments give equal bytes. Numbers of numeric columns are numbers, shown with their decimals; every other cell is
        text, and one that a spreadsheet would run as a formula is neutralised as it is in the CSV.

    Raises
    ------
    ReportError
        If a text is longer than a cell can hold.
    """
    notes = _number_notes(tables)
    numbered = {f"Table_{number}": (number, table) for number, table in enumerate(tables, start=1)}
    sheets = {label: _sheet(number, table, cover, notes) for label, (number, table) in numbered.items()}
    out = io.BytesIO()
    gptables = import_gptables()
    front = gptables.Cover(
        title=_words(cover.title),
        intro=[_words(text) for text in (*([cover.mark] if cover.mark else []), *cover.about)],
        about=["Shorthand that stands in cells:", *(f"{mark} {meaning}" for mark, meaning in SHORTHAND.items())],
        contact=[_words(text) for text in cover.contact],
    )
    with warnings.catch_warnings():
        # The package passes options that pandas 4 will no longer take; pandas is held below 4.
        warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning)
        book = produce_workbook(
            out,
            # The notes stand in a sheet made here, so that one note of many tables has one number.
            {NOTES: _notes_sheet(notes, cover), **sheets},
            theme=_theme(),
            cover=front,
            contentsheet_options={
                "title": "Contents",
                "column_names": ["Sheet", "What it holds"],
                "subtitles": [cover.mark] if cover.mark else [],
                "instructions": "This sheet holds one table: every other sheet of this workbook, with a link to it.",
            },
            workbook_options={
                "in_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
    _arrange(book, numbered, sheets, notes, front, above=2 + bool(cover.mark))
    book.close()
    return _finish(out, cover)


def _theme() -> Any:
    """The theme of gptables, with cells that begin at the top of their row."""
    theme = copy.deepcopy(import_gptables().gptheme)
    for update in (theme.update_data_format, theme.update_index_1_format, theme.update_index_2_format):
        update({"text_wrap": True, "valign": "top"})
    return theme


def _arrange(
    book: Any,
    numbered: Mapping[str, tuple[int, ReportTable]],
    sheets: Mapping[str, Any],
    notes: Mapping[str, int],
    front: Any,
    *,
    above: int,
) -> None:
    """Lay every sheet out; `above` rows stand over a table that has no legend."""
    cover, contents, *others = book.worksheets()
    titles = [("Sheet", "What it holds"), (NOTES, NOTES), *((label, sheet.title) for label, sheet in sheets.items())]
    arrange(contents, titles, (NARROWEST, COVER_WIDTH), header=above)
    cover.set_column(0, 0, COVER_WIDTH)
    print_wide(cover)
    said = [front.title, "", *front.intro, "", *front.about, "", *front.contact]
    for at, text in enumerate(said):
        lines = count_lines(text, COVER_WIDTH / (2 * BOLD if at == 0 else 1))
        if lines > 1:
            cover.set_row(at, LINE * lines * (1.4 if at == 0 else 1))
    for sheet in others:
        label = sheet.get_name()
        if label in numbered:
            table = numbered[label][1]
            rows = [_header(table), *(list(map(plain_spaces, row)) for row in table.rows)]
            arrange(sheet, rows, choose_widths(rows[0], rows[1:]), header=above + bool(table.legend))
        else:
            arrange(
                sheet,
                [("Note", "What it says"), *((str(n), text) for text, n in notes.items())],
                (NARROWEST, COVER_WIDTH),
                header=above,
            )


def _number_notes(tables: Iterable[ReportTable]) -> dict[str, int]:
    """Every sentence below a table, in the order of the tables, with its number."""
    texts = dict.fromkeys(note for table in tables for note in _notes(table))
    return {text: number for number, text in enumerate(texts, start=1)}


def _notes(table: ReportTable) -> list[str]:
    return [_words(note) for note in table.notes if note.strip()]


def _sheet(number: int, table: ReportTable, cover: Cover, notes: Mapping[str, int]) -> Any:
    references = " ".join(f"[note {notes[note]}]" for note in _notes(table))
    return import_gptables().GPTable(
        table=pd.DataFrame([_cells(table, row) for row in table.rows], columns=_header(table), dtype=object),
        table_name=f"report_table_{number}",
        title=f"Table {number}: {_words(table.caption)}{' ' + references if references else ''}",
        subtitles=[cover.mark] if cover.mark else [],
        instructions=f"This sheet holds one table.{f' Notes are on the sheet {NOTES}.' if references else ''}",
        legend=[table.legend] if table.legend else [],
        index_columns={},
        additional_formatting=_formats(table),
    )


def _notes_sheet(notes: Mapping[str, int], cover: Cover) -> Any:
    rows = [(number, text) for text, number in notes.items()] or [(1, "No table of this report has a note.")]
    return import_gptables().GPTable(
        table=pd.DataFrame(rows, columns=["Note", "What it says"], dtype=object),
        table_name="notes",
        title="Notes",
        subtitles=[cover.mark] if cover.mark else [],
        instructions="This sheet holds one table: the notes that the titles of the other sheets refer to.",
        index_columns={},
    )


def _header(table: ReportTable) -> list[str]:
    """Column names; a table of a spreadsheet needs them different even in small letters."""
    names: list[str] = []
    for name in map(plain_spaces, table.header):
        same = sum(name.casefold() == other.casefold() for other in names)
        names.append(f"{name} ({same + 1})" if same else name)
    return names


def _cells(table: ReportTable, row: Sequence[str]) -> list[Any]:
    return [
        _number(cell) if name in table.numeric and _number(cell) is not None else _text(cell)
        for name, cell in zip(table.header, row, strict=True)
    ]


def _number(cell: str) -> int | float | None:
    """The number a cell of a numeric column is, or None where it is a text such as ``[x]``."""
    money = _MONEY.fullmatch(cell)
    number = read_number(money[1] if money else cell)
    return None if number is None else float(number) if "." in number else int(number)


def _text(cell: str) -> Any:
    """A cell of text exactly as the CSV has it."""
    text = neutralise(plain_spaces(cell))
    if len(text) > LONGEST:
        raise ReportError(f"a cell of a table has {len(text):,} characters, and a spreadsheet holds {LONGEST:,}: {text[:60]!r}.")
    # gptables reads [words](address) as a link and refuses texts without a Latin letter; formatted text it takes as it is.
    from gptables.core.gptable import FormatList

    return FormatList([{}, text]) if "](" in text or "$$" in text or not re.search("[A-Za-z0-9]", text) else text


def _words(text: str) -> str:
    """A title or sentence, with what gptables would read as a link or a reference taken apart."""
    return neutralise(plain_spaces(text).replace("](", "] (").replace("$$", "$ $"))


def _formats(table: ReportTable) -> list[dict[str, Any]]:
    """How numbers are shown, and that they stand on the right."""
    found: list[dict[str, Any]] = []
    for at, name in enumerate(table.header):
        if name not in table.numeric:
            continue
        found.append({"column": {"columns": [at], "format": {"align": "right", "indent": 1}, "include_names": True}})
        for row, cells in enumerate(table.rows, start=1):
            if _number(cells[at]) is not None:
                found.append({"cell": {"cells": (row, at), "format": {"num_format": _shown(cells[at])}}})
    return found


def _shown(cell: str) -> str:
    """The number format that shows a number as the report writes it."""
    decimals = len(cell.partition(".")[2])
    whole = "#,##0" if "," in cell else "0"
    return f"{POUNDS if cell.startswith('£') else ''}{whole}{'.' + '0' * decimals if decimals else ''}"


def _finish(written: io.BytesIO, cover: Cover) -> bytes:
    """The same workbook with title, language and fixed times."""
    from openpyxl.packaging.core import DocumentProperties

    moment = dt.datetime(cover.date.year, cover.date.month, cover.date.day)
    properties = DocumentProperties(
        title=cover.title, language=LANGUAGE, description=cover.mark or None, creator="Trailblazer evaluation", created=moment,
        modified=moment,
    )  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(written) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as final:
        for name in parts.namelist():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            content = ElementTree.tostring(properties.to_tree()) if name == _PROPERTIES else parts.read(name)
            final.writestr(entry, content)
    return out.getvalue()

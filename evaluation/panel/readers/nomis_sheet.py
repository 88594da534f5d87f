"""Spreadsheets downloaded from the Nomis pages: a banner, a header of two rows, pairs of number and reliability, footnotes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.table import Table
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.readers.reading import Reading, describe
from evaluation.panel.readers.workbooks import read_sheets

SHARE_OF_FIGURE = "Standard error as a percentage of the figure"
"""What ``conf %`` means in the survey of hours and earnings; the only meaning known here."""
NOT_AREAS = ("Column Total",)

_RETRIEVED = re.compile(r"\[from Nomis on (.+?)\]")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the table stands in the sheet; rows count from 0."""

    header: int
    code: int
    """Column of the area codes."""
    variables: tuple[tuple[str, int], ...]
    """Name and first column of each pair."""
    banner: dict[str, str]


def read_nomis_sheet(path: Path, source: Source, contracts: Contracts) -> Reading:
    """Read a Nomis spreadsheet export as one row an area and variable.

    Parameters
    ----------
    path : Path
        ``.xlsx``.
    source : Source
        Its contract; the option ``sheet`` names the sheet where a workbook has several.
    contracts : Contracts
        Not used here.

    Returns
    -------
    Reading
        Columns ``area_name``, ``area_code``, ``period``, ``variable``, ``value``, ``standard_error`` (in the unit of the value)
        and one column for each line of the banner, such as ``sex`` and ``pay``. Markers such as ``#`` stay in their cells. Lines
        are rows of the sheet; the vintage is the day of the download the banner states.

    Raises
    ------
    DataError
        If the workbook cannot be read, or has another layout.
    ConfigurationError
        If it holds macros or links to other files, or has several sheets and none is named.
    """
    rows = _read_rows(path, str(source.options.get("sheet", "")))
    layout = _find_layout(path.name, rows)
    body: list[tuple[int, list[Any]]] = []
    notes = []
    for number, row in enumerate(rows[layout.header + 2 :], start=layout.header + 3):
        filled = [cell for cell in row if cell is not None]
        if not filled:
            continue
        name = str(row[0]).strip()
        if name in NOT_AREAS or len(filled) == 1:
            notes.append(f"{path.name}:{number}: {name!r} is not an area")
        else:
            body.append((number, row))
    if not body:
        raise DataError(
            f"{path.name}:{layout.header + 3}: no area stands below the header (rule file). Fix: fetch the file again."
        )
    found = _RETRIEVED.search(" ".join(_text(cell) for row in rows[: layout.header] for cell in row))
    return Reading(table=_to_long(path.name, layout, body), vintage=found[1] if found else "", notes=tuple(notes))


def _read_rows(path: Path, sheet: str) -> list[list[Any]]:
    file, sheets = path.name, dict(read_sheets(path.read_bytes(), path.name))
    if not sheets:
        raise DataError(describe(file, "the workbook holds no sheet", rule="file", fix="fetch it again"))
    if not sheet and len(sheets) > 1:
        raise ConfigurationError(
            f"{file}: the workbook has the sheets {', '.join(sheets)}; name one in the contract, options: sheet."
        )
    if sheet and sheet not in sheets:
        what = f"there is no sheet {sheet!r}; the sheets are {', '.join(sheets)}"
        raise DataError(describe(file, what, rule="file", fix="fetch it again, or name another sheet in the contract"))
    return sheets[sheet] if sheet else next(iter(sheets.values()))


def _find_layout(file: str, rows: list[list[Any]]) -> _Layout:
    for index, row in enumerate(rows[:-1]):
        below = [_text(cell) for cell in rows[index + 1]]
        if "number" in below and not below[0]:
            variables = tuple((_text(cell), n) for n, cell in enumerate(row) if n > 1 and _text(cell))
            wrong = [
                name
                for name, n in variables
                if n >= len(below) or below[n] != "number" or (n + 1 < len(below) and below[n + 1] not in ("conf %", "number"))
            ]
            if not variables or wrong:
                what = f"the columns of {', '.join(map(repr, wrong)) or 'the table'} are not headed 'number' and 'conf %'"
                fix = "download the table with areas down and variables across"
                raise DataError(describe(file, what, line=index + 2, rule="layout", fix=fix))
            banner = {_text(r[0]): _text(r[1]) for r in rows[:index] if len(r) > 1 and _text(r[0]) and _text(r[1])}
            if "date" not in banner:
                raise DataError(
                    f"{file}:1: no line of the banner states the date (rule layout). Fix: download one date at a time."
                )
            meaning = banner.get("confidence", "")
            if "conf %" in below and meaning != SHARE_OF_FIGURE:
                what = f"the banner says {meaning!r} of the columns 'conf %'; known is {SHARE_OF_FIGURE!r}"
                raise DataError(describe(file, what, line=1, rule="layout", fix="download it with that reliability"))
            return _Layout(index, 1, variables, banner)
    what = "no header with 'number' below the variables was found"
    raise DataError(describe(file, what, rule="layout", fix="download the table as a spreadsheet again"))


def _to_long(file: str, layout: _Layout, body: list[tuple[int, list[Any]]]) -> Table:
    """Area by area, variable by variable."""
    extra = {name: value for name, value in layout.banner.items() if name not in ("date", "confidence")}
    records = []
    for _, row in body:
        for variable, n in layout.variables:
            value = row[n] if n < len(row) else None
            share = row[n + 1] if n + 1 < len(row) else None
            records.append(
                (_text(row[0]), _text(row[layout.code]), layout.banner["date"], variable, _text(value), _error(value, share))
            )
    names = ["area_name", "area_code", "period", "variable", "value", "standard_error"]
    frame = pd.DataFrame(records, columns=names, dtype=object).assign(**extra).astype(object)
    lines = np.repeat(np.array([number for number, _ in body], dtype=np.int64), len(layout.variables))
    return Table(file, frame, lines, layout.header + 1)


def _error(value: Any, share: Any) -> str:
    """Standard error in the value's unit, or the marker that stands for it."""
    if isinstance(value, (int, float)) and isinstance(share, (int, float)):
        return repr(float(value) * float(share) / 100)
    return "" if isinstance(share, (int, float)) else _text(share)


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()

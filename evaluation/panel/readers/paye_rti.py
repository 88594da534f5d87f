"""Payrolled employees and their pay (PAYE Real Time Information): a workbook of many sheets, some of them by local authority.

Sheet names and rows move between editions, so a sheet is found by what its header says: a row of area codes, some of them of
local authorities, with a row beside it that begins with ``Date`` and holds the areas' names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.table import Table
from evaluation.errors import DataError
from evaluation.panel.periods import MONTH_NAMES
from evaluation.panel.readers.reading import Reading, describe
from evaluation.panel.readers.workbooks import read_sheets

MEASURES: Mapping[str, str] = {"employees": r"\bpayrolled employees\b|\bemployees\b", "median_pay": r"\bmedian\b.*\bpay\b"}
"""Measure to what the words above a sheet's header, or its name, say; the contract's option ``measures`` takes their place."""
ADJUSTMENTS = (
    ("not seasonally adjusted", r"\b(non|not)[- ]seasonally[- ]adjusted\b"),
    ("seasonally adjusted", r"seasonally[- ]adjusted"),
)

_CODE = re.compile(r"[EWSNK][0-9]{8}")
_AUTHORITY = re.compile(r"(E0[6-9]|W06|S12|N09)[0-9]{6}")


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """A sheet by local authority; rows count from 0."""

    name: str
    measure: str
    adjustment: str
    begin: int
    """First row below the header."""
    areas: tuple[tuple[int, str, str], ...]
    """Column, code and name of each area."""
    without_code: int
    rows: list[list[Any]]


def read_paye_rti(path: Path, source: Source, contracts: Contracts) -> Reading:
    """Read the sheets by local authority as one row an area, month and measure.

    Parameters
    ----------
    path : Path
        ``.xlsx``.
    source : Source
        Its contract; the option ``measures`` maps each measure to a regular expression for the words above its table.
    contracts : Contracts
        Not used here.

    Returns
    -------
    Reading
        Columns ``area_code``, ``area_name``, ``period`` (such as ``July 2014``), ``measure``, ``value``, ``adjustment``
        (``seasonally adjusted``, ``not seasonally adjusted`` or empty) and ``sheet``. Lines are rows of the sheet.

    Raises
    ------
    DataError
        If no sheet has the header looked for, or two sheets hold the same measure; the sheets there are, are listed.
    """
    raw = path.read_bytes()
    sheets = find_area_sheets(raw, path.name, source)
    if not sheets:
        where = "above or below a row that begins with 'Date'"
        what = f"no sheet has area codes of local authorities {where}; {describe_sheets(raw, path.name)}"
        fix = "take the edition with tables by local authority; if the publisher changed the header, the reader needs work"
        raise DataError(describe(path.name, what, rule="layout", fix=fix))
    by_measure: dict[str, list[str]] = {}
    for sheet in sheets:
        by_measure.setdefault(sheet.measure, []).append(sheet.name)
    twice = {measure: names for measure, names in by_measure.items() if len(names) > 1 or not measure}
    if twice:
        shown = "; ".join(f"{', '.join(map(repr, names))}: {measure or 'no measure known'}" for measure, names in twice.items())
        what = f"it cannot be told which sheet by local authority holds what ({shown})"
        fix = "name the words above each table in the contract, options: measures"
        raise DataError(describe(path.name, what, rule="layout", fix=fix))
    frames = [_to_long(sheet) for sheet in sheets]
    notes = [
        f"{path.name}: {sheet.name!r}: {sheet.without_code} column(s) without an area code are left out"
        for sheet in sheets
        if sheet.without_code
    ]
    frame = pd.concat([frame for frame, _ in frames], ignore_index=True)
    lines = np.concatenate([lines for _, lines in frames])
    if frame.empty:
        raise DataError(describe(path.name, "no month stands below the header", rule="file", fix="fetch it again"))
    return Reading(table=Table(path.name, frame, lines, sheets[0].begin), notes=tuple(notes))


def find_area_sheets(raw: bytes, file: str, source: Source) -> list[_Sheet]:
    """Find the sheets of a workbook that have local authorities across and months down; empty where there is none.

    Raises
    ------
    DataError, ConfigurationError
        If it is no workbook that can be read.
    """
    options = source.options.get("measures", MEASURES)
    return [found for name, rows in read_sheets(raw, file) if (found := _find(name, rows, options)) is not None]


def describe_sheets(raw: bytes, file: str) -> str:
    """The sheets of a workbook and what each begins with, for a message."""
    words = []
    for name, rows in read_sheets(raw, file):
        first = next((_text(cell) for row in rows for cell in row if _text(cell)), "")
        words.append(f"{name!r} ({first[:60]})")
    return f"its sheets are {', '.join(words[:40]) or 'none'}"


def _find(name: str, rows: list[list[Any]], measures: Mapping[str, str]) -> _Sheet | None:
    for index, row in enumerate(rows[:40]):
        codes = {n: _text(cell) for n, cell in enumerate(row) if _CODE.fullmatch(_text(cell))}
        if not any(_AUTHORITY.fullmatch(code) for code in codes.values()):
            continue
        beside = [
            n for n in (index - 1, index, index + 1) if 0 <= n < len(rows) and rows[n] and _text(rows[n][0]).casefold() == "date"
        ]
        if not beside:
            continue
        named = (
            rows[beside[0]] if beside[0] != index else next((rows[n] for n in (index + 1, index - 1) if 0 <= n < len(rows)), row)
        )
        areas = tuple((n, code, _text(named[n]) if n < len(named) else "") for n, code in codes.items())
        above = [_text(cell) for earlier in rows[: min(index, beside[0])] for cell in earlier if _text(cell)]
        begin = max(index, beside[0]) + 1
        if beside[0] == index and begin < len(rows) and not _month(rows[begin][0]):
            begin += 1  # the row of names stands below that of codes
        spare = sum(bool(_text(cell)) for n, cell in enumerate(named) if n and n not in codes)
        words = f"{name}\n" + "\n".join(above)
        return _Sheet(name, _measure(name, above, measures), _adjustment(words), begin, areas, spare, rows)
    return None


def _measure(name: str, above: list[str], measures: Mapping[str, str]) -> str:
    """What a sheet holds by its title, the first words above the table, or else by its name; empty where that cannot be told."""
    for words in (above[0] if above else "", name):
        found = [measure for measure, pattern in measures.items() if re.search(pattern, words, re.IGNORECASE)]
        if len(found) == 1:
            return found[0]
    return ""


def _adjustment(words: str) -> str:
    return next((label for label, pattern in ADJUSTMENTS if re.search(pattern, words, re.IGNORECASE)), "")


def _to_long(sheet: _Sheet) -> tuple[pd.DataFrame, np.ndarray]:
    body = []
    for number, row in enumerate(sheet.rows[sheet.begin :], start=sheet.begin + 1):
        if row and _text(row[0]) and any(n < len(row) and row[n] is not None for n, _, _ in sheet.areas):
            body.append((number, row))
    records = [
        (
            code,
            name,
            _month(row[0]) or _text(row[0]),
            sheet.measure,
            _text(row[n]) if n < len(row) else "",
            sheet.adjustment,
            sheet.name,
        )
        for _, row in body
        for n, code, name in sheet.areas
    ]
    names = ["area_code", "area_name", "period", "measure", "value", "adjustment", "sheet"]
    lines = np.repeat(np.array([number for number, _ in body], dtype=np.int64), len(sheet.areas))
    return pd.DataFrame(records, columns=names, dtype=object), lines


def _month(cell: Any) -> str:
    """A month as ``July 2014``, whether the cell holds a day or words; empty where it is neither."""
    if isinstance(cell, datetime):
        return f"{MONTH_NAMES[cell.month - 1]} {cell.year}"
    words = _text(cell)
    return words if re.match(rf"({'|'.join(MONTH_NAMES)}) [0-9]{{4}}", words) else ""


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        cell = int(cell) if cell.is_integer() else repr(cell)
    return "" if cell is None else str(cell).strip()

"""Stat-Xplore tables as downloaded: one row an area, two columns a month, areas by name only."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.table import Table, read_text
from evaluation.errors import DataError
from evaluation.panel.periods import parse_period
from evaluation.panel.readers.reading import Reading, describe

ANNOTATIONS = " - Annotations"


def read_statxplore_wide(path: Path, source: Source, contracts: Contracts) -> Reading:
    """Read a wide Stat-Xplore download as one row an area and month.

    The months stand in the header row; below it comes a row that names the geography. Beside every month stands a column of
    annotations, empty as a rule, and the last column is empty. There are no area codes. The rows "Unknown" and "Total", which are
    no areas, are kept.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.csv.gz``.
    source : Source
        Its contract.
    contracts : Contracts
        Not used here.

    Returns
    -------
    Reading
        Columns ``area_name`` and ``period`` (both as published, with the mark of a revised or provisional month), ``value`` and
        ``annotation``; notes on the text around the table.

    Raises
    ------
    DataError
        If no row of months is found, a month stands twice, a column is neither a month nor annotations, the column at the end is
        not empty, or a row has another number of cells; all of them together.
    """
    file = path.name
    rows = _read_rows(read_text(path), file)
    start = next((i for i, (_, cells) in enumerate(rows) if any(_is_month(cell) for cell in cells[1:])), None)
    if start is None:
        what = "no row of months such as 'August 2015' was found"
        raise DataError(describe(file, what, rule="layout", fix="download the table with months across"))
    header_line, header = rows[start]
    months = [n for n, cell in enumerate(header) if n and _is_month(cell)]
    nameless = [n for n, cell in enumerate(header) if n and not cell.strip()]
    problems = _header_problems(header, months, file, header_line)
    notes = [f"{file}:{line}: {' '.join(filter(None, cells))!r} stands above the table" for line, cells in rows[:start]]
    body: list[tuple[int, list[str]]] = []
    for line, cells in rows[start + 1 :]:
        if len(cells) < len(header) and not any(cell.strip() for cell in cells[1:]):
            notes.append(f"{file}:{line}: {cells[0]!r} is a label or a footnote, not an area")
        elif len(cells) != len(header):
            what = f"the row has {len(cells)} cells, the header {len(header)}"
            problems.append(describe(file, what, line=line, rule="shape", fix="fetch the file again"))
        else:
            body.append((line, cells))
            for n in nameless:
                if cells[n].strip():
                    what = f"{cells[n]!r} stands in column {n + 1}, which has no name"
                    problems.append(describe(file, what, line=line, rule="shape", fix="fetch the file again"))
    if not body:
        what = "no area stands below the header"
        problems.append(describe(file, what, line=header_line, rule="file", fix="fetch the file again"))
    if problems:
        raise DataError("\n".join(problems))
    return Reading(table=_to_long(file, header_line, header, months, body), notes=tuple(notes))


def _read_rows(text: str, file: str) -> list[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line it begins on."""
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begin = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begin, cells))
            begin = reader.line_num + 1
    except csv.Error as error:
        what = f"the row cannot be read: {error}"
        raise DataError(describe(file, what, line=begin, rule="shape", fix="fetch the file again")) from None
    return rows


def _is_month(cell: str) -> bool:
    try:
        return parse_period(cell).months is None
    except ValueError:
        return False


def _header_problems(header: list[str], months: list[int], file: str, line: int) -> list[str]:
    problems = []
    seen: dict[str, int] = {}
    for n in months:
        month = parse_period(header[n]).last
        if month in seen:
            what = f"{header[n]!r} in column {n + 1} is the month of column {seen[month] + 1}"
            problems.append(describe(file, what, line=line, rule="header", fix="keep one of them"))
        seen[month] = n
    for n, cell in enumerate(header):
        if n and n not in months and cell.strip() and not cell.endswith(ANNOTATIONS):
            what = f"{cell!r} in column {n + 1} is neither a month such as 'August 2015' nor a column of annotations"
            fix = "download the table with months across and nothing else"
            problems.append(describe(file, what, line=line, rule="header", fix=fix))
    return problems


def _to_long(file: str, header_line: int, header: list[str], months: list[int], body: list[tuple[int, list[str]]]) -> Table:
    """Area by area, month by month."""
    position = {name: n for n, name in enumerate(header)}
    beside = [position.get(_bare(header[n]) + ANNOTATIONS) for n in months]
    cells = np.array([row for _, row in body], dtype=object)
    empty = np.full(len(body), "", dtype=object)
    frame = pd.DataFrame(
        {
            "area_name": np.repeat(cells[:, 0], len(months)),
            "period": np.tile(np.array([header[n].strip() for n in months], dtype=object), len(body)),
            "value": cells[:, months].ravel(),
            "annotation": np.stack([empty if n is None else cells[:, n] for n in beside], axis=1).ravel(),
        },
        dtype=object,
    )
    return Table(file, frame, np.repeat(np.array([line for line, _ in body], dtype=np.int64), len(months)), header_line)


def _bare(label: str) -> str:
    """The month without its mark: the annotation column of 'December 2022 (r)' is 'December 2022 - Annotations'."""
    return label.split(" (")[0].strip()

"""What is wrong with the cells of every published table: pages, CSV files and the spreadsheet of a report."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import openpyxl
from lxml import html

from evaluation.report.tables import SHORTHAND

MARK = re.compile(r"\[[A-Za-z]{1,6}\]")
"""What looks like a shorthand."""
OTHERS = re.compile(r"\*+|[-–—.:…~!#]+|n/?a|nan|none?\s*available|null|nil|suppressed|-?inf", re.IGNORECASE)
"""What other publications write in a cell without a figure."""


def table_faults(site: Path) -> list[str]:
    """Blank cells, foreign marks, unknown shorthand, and shorthand without its legend, each with file and cell."""
    found: list[str] = []
    for page in sorted(site.rglob("*.html")):
        found += _in_page(page, page.relative_to(site))
    for path in sorted(site.rglob("*.csv")):
        rows = list(csv.reader(path.read_text("utf-8").splitlines()))
        where = str(path.relative_to(site))
        found += [f"{where}: row {at} has {len(row)} cells" for at, row in enumerate(rows) if len(row) != len(rows[0])]
        found += _in_cells(where, rows)
        found += _unexplained(where, rows, legends_beside(site, path))
    for path in sorted(site.rglob("*.xlsx")):
        found += _in_workbook(path, path.relative_to(site))
    return found


def _in_cells(where: str, rows: Iterable[Iterable[str]]) -> Iterator[str]:
    for at, row in enumerate(rows):
        for cell in row:
            said = cell.strip()
            if not said:
                yield f"{where}: row {at}: a blank cell"
            elif OTHERS.fullmatch(said) or re.search(r"\d\*", said):
                yield f"{where}: row {at}: {said!r} says nothing to a reader"
            for mark in MARK.findall(said):
                if mark not in SHORTHAND:
                    yield f"{where}: row {at}: {mark} is not a shorthand"


def _unexplained(where: str, rows: Iterable[Iterable[str]], legend: str) -> Iterator[str]:
    used = dict.fromkeys(mark for row in rows for cell in row for mark in MARK.findall(cell))
    for mark in used:
        if mark in SHORTHAND and f"{mark} {SHORTHAND[mark]}" not in legend:
            yield f"{where}: {mark} has no legend"


def _in_page(page: Path, where: Path) -> Iterator[str]:
    for number, table in enumerate(html.parse(page).getroot().xpath("//main//table"), 1):
        rows = [[" ".join(cell.text_content().split()) for cell in row.xpath("./th | ./td")] for row in table.xpath(".//tr")]
        name = f"{where}: table {number}"
        yield from _in_cells(name, rows)
        near = "self::* | ancestor::div[contains(@class, 'table-scroll')] | ancestor::figure"
        below = [part for place in table.xpath(near) for part in place.xpath("following-sibling::p[position() <= 2]")]
        yield from _unexplained(name, rows, " ".join(" ".join(part.text_content().split()) for part in below))


def _in_workbook(path: Path, where: Path) -> Iterator[str]:
    book = openpyxl.load_workbook(path)
    cover = " ".join(str(row[0]) for row in book.worksheets[0].iter_rows(values_only=True))
    for sheet in book.worksheets:
        for reference in (table.ref for table in sheet.tables.values()):
            rows = [["" if cell.value is None else str(cell.value) for cell in row] for row in sheet[reference]]
            above = " ".join(str(row[0]) for row in sheet.iter_rows(max_row=6, values_only=True))
            # A note may name a shorthand; the cover explains them all.
            above = cover if sheet.title == "Notes" else above
            yield from _in_cells(f"{where}: {sheet.title}", rows)
            yield from _unexplained(f"{where}: {sheet.title}", rows, above)


def legends_beside(site: Path, path: Path) -> str:
    """What stands on the pages that link to a file."""
    pages = [page for page in site.rglob("*.html") if f'/{path.name}"' in page.read_text("utf-8")]
    return " ".join(" ".join(html.parse(page).getroot().text_content().split()) for page in pages)

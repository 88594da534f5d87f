"""The look at every published table finds what may not stand in a cell; without that, an empty list would mean nothing."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.table import Table
from report.table_faults import table_faults

GOOD = (
    "<main><div class='table-scroll'><table><tr><th>Area</th><th>People</th></tr><tr><td>Amber</td><td>{}</td></tr></table>"
    "</div>{}"
)
LEGEND = "<p>Shorthand: [c] confidential.</p>"


def write_page(folder: Path, cell: str, below: str = "") -> list[str]:
    (folder / "index.html").write_text(f"<html><body>{GOOD.format(cell, below)}</main></body></html>", "utf-8")
    return table_faults(folder)


@pytest.mark.parametrize(
    ("cell", "below", "says"),
    [
        ("40", "", ""),
        ("[c]", LEGEND, ""),
        ("[c]", "", "[c] has no legend"),
        ("", "", "a blank cell"),
        ("*", "", "'*' says nothing to a reader"),
        ("12*", "", "'12*' says nothing to a reader"),
        ("-", "", "says nothing to a reader"),
        ("..", "", "says nothing to a reader"),
        ("nan", "", "says nothing to a reader"),
        ("[q]", "", "[q] is not a shorthand"),
    ],
)
def test_a_cell_of_a_page(tmp_path, cell, below, says):
    found = write_page(tmp_path, cell, below)
    assert [text for text in found if says in text] if says else found == []


def test_a_download_is_explained_by_the_page_that_links_to_it(tmp_path):
    (tmp_path / "table.csv").write_text("Area,People\nAmber,[c]\n", "utf-8")
    assert table_faults(tmp_path) == ["table.csv: [c] has no legend"]
    write_page(tmp_path, "40", f"<a href='x'></a><a href=\"data/table.csv\">Download</a>{LEGEND}")
    assert table_faults(tmp_path) == []
    (tmp_path / "table.csv").write_text("Area,People\nAmber,\n", "utf-8")
    assert table_faults(tmp_path) == ["table.csv: row 1: a blank cell"]


def test_a_sheet_has_its_legend_above_the_table(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Cover"])
    sheet = book.create_sheet("Table_1")
    for row in (["Title"], ["People", "Area"], ["[c]", "Amber"], [None, "Birch"]):
        sheet.append(row)
    sheet.add_table(Table(displayName="t", ref="A2:B4"))
    book.save(tmp_path / "all.xlsx")
    assert table_faults(tmp_path) == ["all.xlsx: Table_1: row 2: a blank cell", "all.xlsx: Table_1: [c] has no legend"]

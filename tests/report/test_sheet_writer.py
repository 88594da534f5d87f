"""The quick sheets hold what gptables itself would write, byte for byte."""

import io
import warnings
import zipfile
from functools import partial

import pandas as pd
import pytest

from evaluation.report import sheet_writer
from evaluation.report.sheet_writer import import_gptables, produce_workbook

OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
CONTENTS = {"title": "Contents", "column_names": ["Sheet", "What it holds"]}


def make_table(name: str, rows: list, columns: list, *, index=None, formats=()):
    return import_gptables().GPTable(
        table=pd.DataFrame(rows, columns=columns, dtype=object),
        table_name=name,
        title=f"Title of {name}",
        subtitles=["SYNTHETIC DATA."],
        instructions="This sheet holds one table.",
        index_columns=index or {},
        additional_formatting=list(formats),
    )


def make_sheets() -> dict:
    from gptables.core.gptable import FormatList

    mark = FormatList([{}, "[Aa](javascript:1) $$x$$"])
    number = {"format": {"num_format": "#,##0.0"}}
    formats = [
        {"column": {"columns": [1], "format": {"align": "right", "indent": 1}, "include_names": True}},
        {"cell": {"cells": (1, 1), **number}},
        {"column": {"columns": ["Last"], "format": {"italic": True}}},
        {"cell": {"cells": (2, 2), **number}},
    ]
    plain = [["Aa", -1234.5, "[x]"], ["=SUM(A1)", "[u]", 3], [mark, 0, "12"]]
    return {
        "plain": make_table("plain", plain, ["Area", "Value", "Last"], formats=formats),
        "numbers": make_table("numbers", [[1, 2, "[x]", "2 [low]"], [2, 2.5, "[x]", 7]], ["a", "b", "c", "d"]),
        "noted": make_table("noted", [["x", 2, "[x]"], ["y", 3, 4]], ["a", "b [note 1]", "c"]),
        "index": make_table("index", [["x", 2], ["y", "[x]"]], ["a", "b"], index={1: 0}),
        "link": make_table("link", [["[words](https://example.org)", 2], ["y", 3]], ["a", "b"]),
        "rows": make_table("rows", [["x", 2], ["y", 3]], ["a", "b"], formats=[{"row": {"rows": [1], "format": {"bold": True}}}]),
    }


def write(produce) -> dict[str, bytes]:
    out, gptables = io.BytesIO(), import_gptables()
    cover = gptables.Cover(title="Invented", intro=["One."], about=["Two."], contact=["Three."])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No note text provided", category=UserWarning)
        warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning)
        book = produce(out, make_sheets(), cover=cover, contentsheet_options=CONTENTS, workbook_options=OPTIONS)
    book.set_properties({"created": pd.Timestamp(2026, 3, 2).to_pydatetime()})
    book.close()
    with zipfile.ZipFile(out) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def test_every_part_is_the_one_gptables_writes():
    theirs = write(partial(import_gptables().produce_workbook, auto_width=False))
    ours = write(produce_workbook)
    assert list(ours) == list(theirs)
    assert [name for name in theirs if ours[name] != theirs[name]] == []
    assert len([name for name in theirs if "worksheets/sheet" in name]) == 8


def test_plain_tables_are_written_here_and_the_others_by_gptables(monkeypatch):
    written = []
    plainly = sheet_writer._write_table
    monkeypatch.setattr(
        sheet_writer, "_write_table", lambda sheet, *rest: (written.append(sheet.get_name()), plainly(sheet, *rest))[1]
    )
    write(produce_workbook)
    assert written == ["plain", "numbers", "noted"]


@pytest.mark.parametrize("bad", ["***", "  "])
def test_what_gptables_refuses_is_refused(bad):
    sheets = {"bad": make_table("bad", [["a", bad], ["b", bad]], ["one", "two"])}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=pd.errors.Pandas4Warning)
        warnings.filterwarnings("ignore", category=UserWarning)
        book = partial(
            produce_workbook,
            io.BytesIO(),
            cover=import_gptables().Cover(title="T"),
            contentsheet_options=CONTENTS,
            workbook_options=OPTIONS,
        )
        if bad.strip():
            with pytest.raises(ValueError, match="only special characters"):
                book(sheets)
        else:
            book(sheets).close()

"""Tables: no empty cell, shorthand with a legend, and CSV that no spreadsheet runs."""

import csv
import io

import pandas as pd
import pytest

from evaluation.report.tables import ReportTable, frame_to_csv, neutralise, tabulate, to_csv, to_frame, to_markdown

TABLE = ReportTable(
    caption="Invented | table",
    header=("Area", "Value"),
    rows=(("A | <b>b</b>", "1"), ("=SUM(A1)", "[x]")),
    numeric=frozenset({"Value"}),
    notes=("One note.",),
)


def test_markdown_escapes_cells_and_explains_shorthand():
    lines = to_markdown(TABLE, "tbl-one").splitlines()
    assert lines[0] == "| Area | Value |"
    assert lines[1].startswith("| :-")
    assert lines[1].endswith("-: |")
    assert lines[2] == r"| A \| \<b\>b\<\/b\> | 1 |"
    assert r": Invented \| table {#tbl-one}" in lines
    assert r"One note\. Shorthand\: \[x\] not available\." in lines


@pytest.mark.parametrize(
    ("rows", "why"),
    [((("", "1"),), "does not fill"), ((("A",),), "does not fill"), ((("A", "[q]"),), r"\[q\] is not a shorthand")],
)
def test_empty_cells_and_unknown_shorthand_are_refused(rows, why):
    with pytest.raises(ValueError, match=why):
        ReportTable(caption="Invented", header=("Area", "Value"), rows=rows)


def test_a_header_without_text_is_refused():
    with pytest.raises(ValueError, match="every header cell"):
        ReportTable(caption="Invented", header=("Area", ""), rows=())


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+44", "+44"),
        ("-1.5", "-1.5"),
        ("-x", "'-x"),
        ("@name", "'@name"),
        ("\tx", "'\tx"),
        ("plain", "plain"),
    ],
)
def test_csv_neutralises_formulas_and_keeps_numbers(cell, safe):
    assert neutralise(cell) == safe


def test_csv_reads_back():
    read = list(csv.reader(io.StringIO(to_csv(TABLE))))
    assert read == [["Area", "Value"], ["A | <b>b</b>", "1"], ["'=SUM(A1)", "[x]"]]
    assert list(to_frame(TABLE)["Value"]) == ["1", "[x]"]


def test_frames_have_signs_and_missing_values_said():
    frame = pd.DataFrame({"period": ["2026-03", "2026-06"], "gap": [-0.456, float("nan")], "count": [3, -4]})
    assert tabulate(frame, caption="Invented").rows == (("2026-03", "−0.46", "3"), ("2026-06", "[x]", "−4"))
    assert frame_to_csv(frame) == "period,gap,count\n2026-03,-0.456,3\n2026-06,[x],-4\n"

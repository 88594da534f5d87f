"""Tables: no empty cell, shorthand with a legend, and CSV that no spreadsheet runs."""

import csv
import io

import pandas as pd
import pytest

from evaluation.report.columns import share_width, soften
from evaluation.report.tables import NO_BREAK, ReportTable, frame_to_csv, read_number, tabulate, to_csv, to_frame, to_markdown

TABLE = ReportTable(
    caption="Invented | table",
    header=("Area", "Value"),
    rows=(("A | <b>b</b>", "1"), ("=SUM(A1)", "[x]")),
    numeric=frozenset({"Value"}),
    notes=("One note.",),
)


def test_markdown_escapes_cells_and_explains_shorthand():
    lines = to_markdown(TABLE, "tbl-one").splitlines()
    assert lines[0] == "::: {#tbl-one}"
    assert lines[2] == "| Area | Value |"
    assert lines[3].startswith("| :-")
    assert lines[3].endswith("-: |")
    assert lines[4] == r"| A \| \<b\>b\<\/b\> | 1 |"
    # The last paragraph of a table's div is its caption.
    assert [line for line in lines if line][-3:] == [
        r"One note\. Shorthand\: \[x\] not available\.", r"Invented \| table", ":::"
    ]  # fmt: skip


def test_a_table_without_a_label_has_its_caption_below():
    lines = to_markdown(TABLE).splitlines()
    assert r": Invented \| table" in lines
    assert not any(line.startswith(":::") for line in lines)
    assert ": Invented" not in to_markdown(TABLE, captioned=False)


def test_no_word_is_wider_than_its_column():
    header = ("Area", "Result", "Value", "Threshold", "What was found")
    rows = [("Bournemouth, Christchurch and Poole", "passed", "[x]", "[x]", "Words that go on. " * 12)]
    widths = share_width(header, rows)
    assert widths[0] >= len("Bournemouth,")
    assert all(width >= len(name) for width, name in zip(widths[1:4], header[1:4], strict=True))
    assert widths[4] == max(widths)
    assert 90 <= sum(widths) <= 100


def test_long_names_may_break_after_punctuation_and_short_ones_not():
    assert soften("raw/ons_els_claimant.csv.gz 2026-01") == ("raw/\u200bons_\u200bels_\u200bclaimant.\u200bcsv.\u200bgz 2026-01")
    table = ReportTable(
        caption="Files", header=("File", "Of"), rows=(("raw/ons_els_claimant.csv.gz", f"1{NO_BREAK}of{NO_BREAK}2"),)
    )
    assert "\u200b" in to_markdown(table)
    assert to_csv(table) == "File,Of\nraw/ons_els_claimant.csv.gz,1 of 2\n"


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
    ("cell", "number"),
    [
        ("1", "1"),
        ("\u22120.42", "-0.42"),
        ("57,558", "57558"),
        ("-1,234.50", "-1234.50"),
        ("1,23", None),
        ("£10", None),
        ("2.0 times", None),
        ("[x]", None),
        ("", None),
    ],
)
def test_numbers_for_readers_become_numbers_for_programs(cell, number):
    assert read_number(cell) == number


def test_only_numeric_columns_are_rewritten_in_csv():
    table = ReportTable(
        caption="Invented", header=("Text", "Number"), rows=(("1,000", "\u22121,000"),), numeric=frozenset({"Number"})
    )
    assert to_csv(table) == 'Text,Number\n"1,000",-1000\n'


def test_csv_reads_back():
    read = list(csv.reader(io.StringIO(to_csv(TABLE))))
    assert read == [["Area", "Value"], ["A | <b>b</b>", "1"], ["'=SUM(A1)", "[x]"]]
    assert list(to_frame(TABLE)["Value"]) == ["1", "[x]"]


def test_frames_have_signs_and_missing_values_said():
    frame = pd.DataFrame({"period": ["2026-03", "2026-06"], "gap": [-0.456, float("nan")], "count": [3, -4]})
    assert tabulate(frame, caption="Invented").rows == (("2026-03", "−0.46", "3"), ("2026-06", "[x]", "−4"))
    assert frame_to_csv(frame) == "period,gap,count\n2026-03,-0.456,3\n2026-06,[x],-4\n"

"""CSV that no spreadsheet runs, whatever stands in it, and in which numbers stay numbers. One function writes all of it."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evaluation.batch.stages import violations_csv
from evaluation.contracts.csv_text import neutralise, write_csv
from evaluation.contracts.violations import Violation

PACKAGE = Path(__file__).resolve().parents[2] / "evaluation"
SIGNS = "=+-@\u0009\u000d\u000a\uff1d\uff0b\uff0d\uff20"
texts = st.one_of(
    st.text(max_size=12),
    st.text(alphabet=SIGNS + " \u200b\ufeff\"',;.e0159aé", max_size=8),
)


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+44", "+44"),
        ("-1.5", "-1.5"),
        ("-1.5e-07", "-1.5e-07"),
        ("+1+1", "'+1+1"),
        ("-x", "'-x"),
        ("-inf", "'-inf"),
        ("-1_000", "'-1_000"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\r=1", "'\r=1"),
        (" =1+1", "' =1+1"),
        ("\ufeff=1+1", "'\ufeff=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ('=HYPERLINK("http://example.org")', '\'=HYPERLINK("http://example.org")'),
        ("plain", "plain"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_formulas_are_neutralised_and_numbers_kept(cell, safe):
    assert neutralise(cell) == safe


@given(texts)
def test_no_text_begins_like_a_formula_and_none_is_lost(cell):
    safe = neutralise(cell)
    assert safe in (cell, f"'{cell}")
    seen = safe.lstrip("".join(map(chr, range(33))) + "\u200b\ufeff")
    if safe[:1] in ("\t", "\r", "\n") or seen[:1] in tuple(SIGNS):
        assert seen
        assert re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", seen.strip(" ")), "only numbers keep their sign"
        float(safe)
    assert neutralise(safe) == safe


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_are_written_as_they_are(number):
    assert neutralise(str(number)) == str(number)
    assert neutralise(f"{number:+}") == f"{number:+}"


@given(
    st.integers(min_value=1, max_value=4).flatmap(
        lambda n: st.lists(st.lists(texts, min_size=n, max_size=n), min_size=1, max_size=4)
    )
)
@example([["a\rb", "c"]])
@example([[""]])
@example([['x\r=cmd|"/c calc"!A1']])
def test_what_is_written_reads_back_cell_by_cell(rows):
    text = write_csv(rows[0], rows[1:])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [[neutralise(cell) for cell in row] for row in rows]


def test_a_carriage_return_begins_no_row():
    assert write_csv(["name"], [["x\r=1+1"]]) == 'name\n"x\r=1+1"\n'


def test_the_findings_of_a_check_are_neutralised():
    found = Violation(
        file="t.csv", line=2, column="=A1", rule="type", text="is not a number", value='=cmd|"/c calc"!A1', count=1,
        fix="-write a number",
    )  # fmt: skip
    header, row = csv.reader(io.StringIO(violations_csv([found])))
    cells = dict(zip(header, row, strict=True))
    assert cells["value"] == '\'=cmd|"/c calc"!A1'
    assert cells["column"] == "'=A1"
    assert cells["fix"] == "'-write a number"
    assert (cells["line"], cells["count"]) == ("2", "1")


def test_no_other_module_writes_csv():
    writes = re.compile(r"csv\.(writer|DictWriter)\(|\.to_csv\((?!\))|\.to_excel\(")
    found = {
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in PACKAGE.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if writes.search(line)
    }
    assert found == set()

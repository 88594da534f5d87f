"""What is done to the survey, row by row of the list of bad inputs, and what the check must say of it."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass

from bad_inputs.harness import HEADER, QUARTERS, cell, cells, column, rows, text, without


@dataclass(frozen=True, slots=True)
class Case:
    """One bad input."""

    id: str
    name: str
    spoil: Callable[[], str | bytes]
    says: str
    """What the list of bad inputs asks the answer to say; the answer in full stands in survey_answers.txt."""
    code: int = 3


def header(old: str, new: str) -> Callable[[], str]:
    return lambda: text(rows(), HEADER.replace(old, new))


def line(number: int, change: Callable[[str], str]) -> Callable[[], str]:
    """The survey with one line of text changed."""

    def spoil() -> str:
        lines = text(rows()).splitlines()
        lines[number - 1] = change(lines[number - 1])
        return "\n".join(lines) + "\n"

    return spoil


def another_quarter() -> str:
    return text(rows((*QUARTERS, "2023-03")))


def quoted_break() -> str:
    body = rows()
    body[3][2] = "Eng\nland"  # line 5 and 6
    body[5][5] = "twenty-one"
    return text(body)


def blank_lines() -> str:
    lines = cell(6, "value", "twenty-one")().splitlines()
    return "\n".join([*lines[:3], "", "", *lines[3:]]) + "\n"


def version_1() -> str:
    return text(rows(), HEADER.replace("value", "rate").replace("numerator", "people"))


def fractions() -> str:
    return column("value", lambda value: f"{float(value) / 100:g}", only="E06000002")()


def rolling_years() -> str:
    """The first quarter as publishers of rolling years name it."""
    return text([[*row[:3], "Apr 2021-Mar 2022" if row[3] == "2022-03" else row[3], *row[4:]] for row in rows()])


def fifty_kinds() -> str:
    body = rows()
    for n, row in enumerate(body):
        row[3] = f"{2022 + n}/1"
        row[2] = "Nowhere"
    return text(body)


CASES = (
    Case(
        "A10",
        "version-1",
        version_1,
        "made under version 1.4.0 of the contract example_survey, which is at 2.0.0 and renamed rate to",
    ),
    Case(
        "B01",
        "missing",
        header(",denominator", ",denominators"),
        "the column 'denominator' is missing; did you mean denominators",
    ),
    Case("B02", "blank", header("area_code,", "area_code ,"), "rename 'area_code ' to 'area_code'"),
    Case("B02", "capitals", header("area_code", "Area Code"), "rename 'Area Code' to 'area_code'"),
    Case("B03", "twice", header("numerator", "value"), "'value' in columns 6, 7"),
    Case("B05", "extra-field", line(3, lambda t: t + ",extra"), ":3: the row has 11 cells, the header 10 (rule shape"),
    Case("B06", "empty", lambda: b"", "the file is empty (0 bytes)"),
    Case("B07", "header-only", lambda: HEADER + "\n", "no rows"),
    Case("B08", "semicolon", lambda: text(rows()).replace(",", ";"), "the separator looks like ';'"),
    Case("B08", "tab", lambda: text(rows()).replace(",", "\t"), "the separator looks like a tab"),
    Case("B09", "web-page", lambda: "<!DOCTYPE html>\n<html><body>503</body></html>\n", "this is a web page, not data"),
    Case("B10", "utf-16", lambda: text(rows()).encode("utf-16"), "Fix: save the file as UTF-8"),
    Case(
        "B10", "windows", lambda: text(rows()).replace("Barnsley", "Môn").encode("cp1252"), ":18:30: the byte 0xf4 is not UTF-8"
    ),
    Case("B12", "byte-order-mark", lambda: codecs.BOM_UTF8 + text(rows()).encode(), "", 0),
    Case("B13", "nul", lambda: text(rows()).encode().replace(b"Hartlepool", b"Hart\0lepool", 1), ":6:33: a NUL byte"),
    Case(
        "B14",
        "quote",
        line(7, lambda t: t.replace("Hartlepool", '"Hartlepool')),
        ":7: a quote opens in this row and is never closed",
    ),
    Case("B15", "blank-lines", blank_lines, ":8: value: 'twenty-one'"),
    Case("B16", "line-break", quoted_break, ":8: value: 'twenty-one'"),
    Case("C01", "word", cell(7, "value", "twenty-one"), ":7: value: 'twenty-one' is not a number (rule type"),
    *(
        Case("C02", name, column("value", mark, only="E06000002"), f"({mark!r} 4 time(s)) (rule suppressed; 4 row(s)")
        for mark, name in (("*", "star"), ("c", "c"), ("..", "dots"), ("!", "bang"), ("-", "dash"), ("~", "tilde"))
    ),
    Case("C04", "comma", cell(7, "numerator", "1,234"), "remove the comma"),
    Case(
        "C05", "per-cent-sign", cell(7, "value", "21%"), "(rule unit; 1 row(s); first E06000001, 2022-06, rate). Fix: write 21."
    ),
    Case("C06", "above-100", cells((7, "value", "121.0"), (7, "numerator", "")), "allowed is 0 to 100"),
    Case("C07", "negative", cells((7, "numerator", "-5"), (7, "denominator", "")), "numerator: '-5' is below 0 (rule range"),
    Case(
        "C08",
        "fraction",
        fractions,
        "looks like a fraction where the contract has per cent (rule unit; 4 row(s); first E06000002",
    ),
    Case("C10", "ratio", cell(7, "value", "23.5"), "value 23.5, numerator 211, denominator 1000, which gives 21.1 (rule ratio"),
    Case("C11", "above-denominator", cell(7, "numerator", "1210"), "the numerator is above the denominator"),
    Case("C12", "denominator-0", cell(7, "denominator", "0"), "denominator: '0' is below 1 (rule range"),
    Case("C13", "half-a-person", cell(7, "denominator", "1000.5"), "'1000.5' is not whole"),
    *(Case("C14", m.lower(), column("measure", m), "", 0) for m in ("NaN", "NA", "None", "null")),
    Case("C14", "name-of-an-area", cell(7, "area_name", "NA"), "E06000001 is 'Hartlepool' in the register and 'NA' here"),
    Case("C14", "marker", cells((7, "value", ""), (7, "status", "NA")), "'NA' is a marker the contract does not declare"),
    Case("C15", "inf", cell(7, "value", "inf"), "'inf' is not a finite number (rule range"),
    Case("C15", "1e400", cell(7, "value", "1e400"), "'1e400' is not a finite number (rule range"),
    Case("C16", "identifier", cell(7, "row_id", "2.0220000000000006E+16"), "identifiers are text"),
    Case(
        "C17",
        "again",
        lambda: text([*rows(), rows()[6]]),
        ":22: area_code: line 8 has the same area_code, period, measure already",
    ),
    Case(
        "C19",
        "parent",
        cells((3, "numerator", "960"), (3, "value", "24")),
        "is 960 but its parts add up to 904, a difference of -56",
    ),
    Case(
        "C21", "constant", lambda: text([[*r[:5], "20", "", "", *r[8:]] for r in rows()]), "value: warning: every cell is 20", 0
    ),
    Case(
        "C21", "all-missing", lambda: text([[*r[:5], *[""] * 3, "x", r[9]] for r in rows()]), "warning: every cell is missing", 0
    ),
    Case("D01", "nobody", cell(7, "area_code", "E99999999"), "E99999999 is not a code of the register of areas"),
    Case(
        "D02", "abolished", column("area_code", "E07000188", only="E06000002"), "E07000188 was merged into E06000066 (2023-04-01)"
    ),
    Case("D05", "lower-case", column("area_code", " e06000002", only="E06000002"), "Fix: write E06000002."),
    Case("D07", "name", column("area_name", "Hartlepool", only="E06000002"), "E06000002 is 'Middlesbrough' in the register and"),
    Case("D08", "scottish", column("area_code", "S12000033", only="E06000002"), "S12000033 is a Scottish council (Scotland)"),
    Case("D08", "northern-irish", column("area_code", "N09000001", only="E06000002"), "is a district of Northern Ireland"),
    Case("D08", "county", column("area_code", "E10000003", only="E06000002"), "is an English county, not a local authority"),
    Case("E01", "gap", without(11), "1 of 4 series have gaps: E06000002 lacks 2022-06"),
    Case("E02", "future", cell(7, "period", "2031-03"), "'2031-03' lies after the edition of the file, 2023-07-01"),
    Case("E03", "fifth-quarter", cell(7, "period", "2024-Q5"), "write it in the contract's form, such as '2022-03'"),
    Case("E03", "quarter-first", cell(7, "period", "Q1 2024"), "write it in the contract's form, such as '2022-03'"),
    Case("E03", "stroke", cell(7, "period", "2024/1"), "write it in the contract's form, such as '2022-03'"),
    Case("E05", "lengths", rolling_years, "'Apr 2021-Mar 2022' stands beside '2022-06': periods of two lengths or two layouts"),
    Case(
        "E07",
        "vintages",
        column("vintage", "2022-10-18", only="E06000002"),
        "rows of 2 editions are mixed: 2023-07-01, 2022-10-18",
    ),
    Case("E11", "break", another_quarter, "warning: the series breaks at 2023-03: the weights changed", 0),
)
MANY = Case("E03", "in-every-row", fifty_kinds, "and 4 more, see ")

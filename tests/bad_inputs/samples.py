"""A small good file of each kind the project reads, to be spoilt. All figures are invented."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
from bad_inputs.harness import rows, text
from panel.published import DISTRICTS, csv_text, survey_file

ONS = (
    "areacd,areanm,geography,indicator,period,observation,measure,unit,lci_95,uci_95,status,notes\n"
    "E08000016,Barnsley,Local Authority District,Claimant Count,2001-01-01/P1Y,2.6,Percentage,%,,,,\n"
    "E06000001,Hartlepool,Local Authority District,Claimant Count,2001-01-01/P1Y,3.6,Percentage,%,3.0,4.2,,\n"
    "E06000001,Hartlepool,Local Authority District,Claimant Count,2002-01-01/P1Y,,Percentage,%,,,x,\n"
    "E08000016,Barnsley,Local Authority District,Claimant Count,2002-01-01/P1Y,2.5,Percentage,%,,,,\n"
)
WIDE = (
    '"Month","November 2022","November 2022 - Annotations","December 2022 (r)","December 2022 - Annotations",""\n'
    '"National - Regional - LA - OAs",\n'
    '"Barnsley",15,,17,"b",\n'
    '"Denbighshire / Sir Ddinbych",..,,9,,\n'
    '"Unknown",1,,2,,\n'
    '"Total",16,,28,,\n'
)
DEMONSTRATION = "area_code,area_name,period,outcome,value,standard_error,status,label\n" + "".join(
    f"{code},{name},{period},{outcome},{value},{se},,SYNTHETIC\n"
    for code, name in (("E06000001", "Hartlepool"), ("E08000016", "Barnsley"))
    for period in ("2024-03", "2024-06")
    for outcome, value, se in (("inactivity_rate", "21.4", "1.1"), ("employment_rate", "71.0", "1.2"))
)
SURVEY = text(rows())


def survey_answer(folder: Path) -> bytes:
    """An answer of the survey's service: four measures a figure."""
    cells = [
        ("2026-03", "E08000016", "Barnsley", variable, measure, value, "")
        for variable, rate in (("111", "24.1"), ("45", "71.0"))
        for measure, value in (("20599", rate), ("21001", "36200"), ("21002", "150200"), ("21003", "4.6"))
    ]
    cells.append(("2026-03", "E09000001", "City of London", "111", "20599", "", "These figures are missing."))
    return survey_file(folder / "survey.csv", cells).read_bytes()


def count_answer() -> bytes:
    """An answer of the claimant count: two measures."""
    common = {"DATE": "2026-07", "GEOGRAPHY_NAME": "Barnsley", "GEOGRAPHY_CODE": "E08000016", "GEOGRAPHY_TYPE": DISTRICTS}
    common |= {"GENDER": "0", "GENDER_NAME": "Total", "AGE": "0", "AGE_NAME": "All categories: Age 16+"}
    answers = [("1", "Claimant count", "5010"), ("2", "Claimants as a proportion of residents aged 16-64", "3.3")]
    made = [
        common
        | {"MEASURE": measure, "MEASURE_NAME": name, "MEASURES": "20100", "MEASURES_NAME": "Value", "OBS_VALUE": value}
        | {"OBS_STATUS": "A", "OBS_STATUS_NAME": "Normal Value", "OBS_CONF": "F", "OBS_CONF_NAME": "Free"}
        | {"RECORD_OFFSET": str(offset), "RECORD_COUNT": "2"}
        for offset, (measure, name, value) in enumerate(answers)
    ]
    return csv_text(made[0], [row.values() for row in made]).encode()


def sheet_rows() -> list[list[object]]:
    """Rows of a spreadsheet as it is downloaded."""
    return [
        ["annual survey of hours and earnings - resident analysis"],
        ["ONS Crown Copyright Reserved [from Nomis on 5 December 2024]"],
        [],
        ["date", 2024],
        ["sex", "Total"],
        ["pay", "Annual pay - gross"],
        ["confidence", "Standard error as a percentage of the figure"],
        [],
        ["local authority", None, "Number of jobs", None, "Median"],
        [None, None, "number", "conf %", "number", "conf %"],
        ["Barnsley", "E08000016", 90000, 4.0, 30000, 2.5],
        ["Isles of Scilly", "E06000053", "#", "#", "-", "-"],
        ["Column Total", None, "-", "-", "-", "-"],
        [],
        ["# These figures are suppressed as statistically unreliable."],
    ]


def workbook(made: list[list[object]]) -> bytes:
    """The rows as a workbook."""
    book = openpyxl.Workbook()
    for row in made:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()

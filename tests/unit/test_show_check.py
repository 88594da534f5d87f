"""The table of a check, and its findings for programs."""

import csv
import io
import json

import pytest

from evaluation.batch.show_check import NAMES, describe_checked, findings_csv, findings_json, write_findings
from evaluation.cli import main
from evaluation.contracts.violations import Violation


def finding(**changes):
    base = {"file": "a.csv", "line": 7, "column": "value", "rule": "range", "text": "'=1' is wrong", "value": "=1", "count": 3}
    return Violation(**(base | {"fix": "mend it"} | changes))


def test_every_file_has_a_line_and_columns_are_in_line():
    lines = describe_checked(
        ["a.csv", "a long name.csv"], [finding(), finding(severity="warning", count=1_200), finding(file="gone.csv", count=0)]
    )
    assert lines[0].split() == ["file", "errors", "warnings", "rows"]
    assert [line.split("  ")[0] for line in lines[1:]] == ["a.csv", "a long name.csv", "gone.csv"]
    assert lines[1].split()[1:4] == ["1", "1", "1,203"]
    assert lines[1].endswith("breaks its contract")
    assert lines[2].endswith("keeps its contract")
    assert len({line.find("contract") for line in lines[1:]}) == 1 or all("contract" in line for line in lines[1:])
    assert lines[0].index("errors") + len("errors") == lines[1].index(" 1 ") + 2


def test_findings_come_back_from_csv_and_json():
    found = [finding(), finding(line=None, severity="warning")]
    rows = list(csv.DictReader(io.StringIO(findings_csv(found))))
    assert list(rows[0]) == list(NAMES)
    assert rows[0]["line"] == "7"
    assert rows[0]["value"] == "'=1"  # a spreadsheet would run it
    assert rows[1]["line"] == ""
    data = json.loads(findings_json(found))
    assert data[0]["value"] == "=1"
    assert data[1]["line"] is None
    assert [Violation(**item) for item in data] == found


@pytest.mark.parametrize("name", ["findings.json", "findings.csv", "findings"])
def test_the_form_follows_the_name(tmp_path, name):
    path = tmp_path / name
    write_findings(path, [finding()])
    text = path.read_text("utf-8")
    assert text.startswith("[" if name.endswith(".json") else "file,line,column,rule")


def test_the_command_shows_the_table_and_writes_json(tmp_path, capsys):
    data = tmp_path / "data"
    data.mkdir()
    header = "areacd,areanm,geography,indicator,period,observation,measure,unit,lci_95,uci_95,status,notes"
    row = "E08000016,Barnsley,Local Authority District,Claimant Count,2020-01-01/P1Y,{},Percentage,%,,,,"
    (data / "ons_els_x_2026-01.csv").write_text(f"{header}\n{row.format('4.5')}\n{row.format('140').replace('2020', '2021')}\n")
    out = tmp_path / "findings.json"
    assert main(["check", "--data", str(data), "--out", str(out)]) == 3
    shown = capsys.readouterr().out
    (line,) = [line for line in shown.splitlines() if line.startswith("ons_els_x_2026-01.csv  ")]
    assert line.endswith("breaks its contract")
    found = json.loads(out.read_text())
    assert {(item["rule"], item["line"], item["value"]) for item in found if item["severity"] == "error"} == {("range", 3, "140")}

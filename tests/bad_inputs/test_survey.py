"""A spoilt data file: what `trailblazer check` answers, in full, and that it changes nothing (groups B to E of the list)."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest
from bad_inputs.harness import FILE, FINDING, Day, contents, findings, rows, say, text
from bad_inputs.survey_cases import CASES, MANY, Case

from evaluation.panel.build import check_data

ANSWERS = Path(__file__).with_name("survey_answers.txt")


def check(data: Path, case: Case):
    """The answer to one spoilt file."""
    data.mkdir()
    content = case.spoil()
    (data / FILE).write_bytes(content if isinstance(content, bytes) else content.encode())
    return say("check", "--data", data, "--out", data.parent / "found.csv")


def answers() -> dict[str, list[str]]:
    """The recorded answers by case, without the name of the file each line begins with."""
    blocks = re.split(r"^# ", ANSWERS.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {block.splitlines()[0]: [line for line in block.splitlines()[1:] if line] for block in blocks}


def test_the_survey_as_it_is_keeps_its_contract(survey, tmp_path):
    said = check(tmp_path / "data", Case("B12", "clean", lambda: text(rows()), "", 0))
    assert (said.code, list(findings(said))) == (0, [])
    assert "Every file keeps its contract." in said.out


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.name}")
def test_what_is_found_is_said_with_its_place_and_what_to_do(survey, tmp_path, case):
    data = tmp_path / "data"
    said = check(data, case)
    found = list(findings(said))
    assert said.code == case.code, said.all
    assert said.err == ""
    assert case.says in "\n".join(found)
    assert bool(found) == bool(case.says)
    assert all(FINDING.fullmatch(line) for line in found), found
    assert [line.removeprefix(FILE) for line in found] == answers()[f"{case.id} {case.name} {case.code}"]
    assert sorted(contents(tmp_path)) == [f"data/{FILE}", "found.csv"], "nothing else is written"
    with (tmp_path / "found.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(found), "every finding stands in the table too"
    assert ("A contract is broken." in said.out) == (case.code == 3)


def test_the_record_of_answers_has_no_other():
    assert list(answers()) == [f"{case.id} {case.name} {case.code}" for case in CASES]


def test_twenty_lines_a_file_and_the_rest_is_counted(survey, tmp_path):
    said = check(tmp_path / "data", MANY)
    found = list(findings(said))
    assert (said.code, len(found)) == (3, 21)
    assert found[-1].startswith(f"{FILE}: {MANY.says}")
    with (tmp_path / "found.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 24
    assert str(tmp_path / "found.csv") in found[-1]
    shorter = say("check", "--data", tmp_path / "data")
    assert "and 4 more; `trailblazer check --out findings.csv` lists them all." in shorter.out


def test_E08_a_stale_file_is_warned_of_and_a_panel_never_asks_the_day(survey, tmp_path, monkeypatch, loaded):
    data = tmp_path / "data"
    data.mkdir()
    (data / FILE).write_text(text(rows()), "utf-8")
    for day, stale in ((date(2023, 7, 22), False), (date(2023, 7, 23), True), (date(9999, 12, 31), True)):
        found = check_data(data, loaded, ["example_survey"], today=day)
        assert found.is_sound, "a warning stops nothing"
        assert [item.rule for item in found.violations] == ["stale"] * stale
    assert check_data(data, loaded, ["example_survey"]).violations == ()
    monkeypatch.setattr(Day, "now", date(2023, 7, 23))
    said = say("check", "--data", data)
    assert said.code == 0
    assert (
        f"{FILE}:5: period: warning: the last period is '2022-12'; by the contract the figures of 2023-03 were due on 2023-07-22 "
        "(rule stale; 5 row(s)). Fix: fetch the newest edition, or say in the report why it is not used." in said.out
    )

"""Commands as a hurried hand types them: refused with what to write, before anything is made."""

from __future__ import annotations

import pytest
from bad_inputs.harness import FILE, contents, rows, say, text

DESIGN = "economic-inactivity-trailblazers"


@pytest.fixture
def data(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_text(text(rows()), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


CASES = {
    "a folder that an unset variable names": (["check", "--data", ""], "argument --data: is empty; name a file or folder"),
    "a run that an unset variable names": (["status", "--run", " "], "argument --run: is empty; name a file or folder"),
    "a design by its file": (["plan", "--design", f"{DESIGN}.yml", "--data", "data"], f"did you mean {DESIGN};"),
    "a design in capitals": (["plan", "--design", DESIGN.upper(), "--data", "data"], f"did you mean {DESIGN};"),
    "a design with a line break": (["plan", "--design", "a\nb", "--data", "data"], r"there is no design 'a\nb'"),
    "no jobs": (["run", "--design", DESIGN, "--data", "data", "--jobs", "0"], "argument --jobs"),
    "a time that is none": (["run", "--design", DESIGN, "--data", "data", "--cell-timeout", "nan"], "argument --cell-timeout"),
    "a scheduler in words": (
        ["run", "--design", DESIGN, "--data", "data", "--scheduler", "please"],
        "nor an address with a port",
    ),
    "an area that is a path": (
        ["profile", "--area", "../../x", "--data", "data"],
        "area '../../x': there is no authority or place",
    ),
    "a programme nobody runs": (
        ["profile", "--area", "E06000001", "--data", "data", "--programme", "workwel"],
        "there is no programme 'workwel'; did you mean workwell",
    ),
    "a month in words": (
        ["profile", "--area", "E06000001", "--data", "data", "--before", "May"],
        "--before 'May': this is not a month",
    ),
    "a first period in words": (
        ["fetch", "--data", "kept", "--source", "nomis_population", "--first", "yesterday", "--dry-run"],
        "--first 'yesterday': this is no period; write a year or a month, such as 2019 or 2019-03.",
    ),
    "a source nobody knows": (
        ["vintages", "--data", "data", "--source", "nomis_asp"],
        "there is no source 'nomis_asp'; did you mean",
    ),
    "an edition outside the folder": (
        ["vintages", "--data", "data", "--source", "nomis_aps", "--diff", "/etc/hostname", "../x"],
        "there is no vintage '/etc/hostname' of nomis_aps; there are: none.",
    ),
    "a report of what is no run": (["report", "--run", "data"], "data: no run here"),
    "a difference of what are no runs": (["diff", "data", "data"], "data: no run here"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_command_that_cannot_be_meant_is_refused(data, tmp_path, name):
    words, says = CASES[name]
    before = contents(tmp_path)
    said = say(*words)
    assert said.code == 2, said.all
    assert says in said.err
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_folder_where_a_file_should_be_written_is_named_as_it_was_typed(survey, data, tmp_path):
    (tmp_path / "found").mkdir()
    said = say("check", "--data", data, "--out", "found")
    assert said.code == 2
    assert "trailblazer check: found: Is a directory." in said.err

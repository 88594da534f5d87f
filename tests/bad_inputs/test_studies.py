"""A spoilt study or parameter: refused before anything is read, built or run (groups D, E and F)."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bad_inputs.harness import contents, say

from evaluation.batch.preflight import check_notebooks
from evaluation.errors import ConfigurationError

STUDY = Path(__file__).with_name("example-study.yml")
NAME = STUDY.name


@dataclass(frozen=True, slots=True)
class Case:
    """One key of the study with another value."""

    id: str
    name: str
    old: str
    new: str
    says: tuple[str, ...]
    at: str = ""
    """Words on the line the answer must name; by default the first line that was changed."""


OUTCOME = "- id: employment_rate"
CASES = (
    Case(
        "D10",
        "treated-and-left-out",
        "area: E09000001",
        "area: E08000019",
        ("E08000019 is treated, as South Yorkshire, and left out as a donor",),
        "- area:",
    ),
    Case(
        "E09",
        "start-after-the-data",
        "last: 2026-06",
        "last: 2025-03",
        ("South Yorkshire starts in 2025-04, after the window 2018-03 to 2025-03", "Fix: lengthen the window"),
        OUTCOME,
    ),
    Case(
        "E09",
        "start-before-the-data",
        "first: 2018-03",
        "first: 2025-06",
        ("0 period(s) of the window 2025-06 to 2026-06 lie before it, 12 are asked for",),
        OUTCOME,
    ),
    Case(
        "E10",
        "few-periods",
        "first: 2018-03",
        "first: 2024-03",
        ("5 period(s) of the window 2024-03 to 2026-06 lie before it, 12 are asked for (minimum_pre_periods)",),
        OUTCOME,
    ),
    Case("F01", "misspelt", "draws: 99", "darws: 99", ("darws: is not a key here; did you mean draws", "draws: is missing")),
    Case("F02", "code", "draws: 99", "'draws = 99; import os #': 1", ("draws = 99; import os #: is not a key here",)),
    Case("F03", "short-code", "area: E09000001", "area: 12E3", ("area: is 12000.0; write text in quotes",)),
    Case(
        "F03",
        "short-codes",
        "[south-yorkshire]\nestimate_pooled",
        "[00, 12E3]\nestimate_pooled",
        ("estimate_areas: holds 12000.0, which is not text; put names and codes in quotes",),
    ),
    Case("F03", "zeros", "area: E09000001", "area: 00", ("'00' is not in areas.csv",), "- area:"),
    Case("F05", "tuple", "places: [south-yorkshire]", "places: !!python/tuple [south-yorkshire]", ("tags are not allowed",)),
    Case("F05", "set", "places: [south-yorkshire]", "places: !!set {south-yorkshire}", ("tags are not allowed",)),
    Case(
        "F05",
        "text",
        "places: [south-yorkshire]",
        "places: (south-yorkshire, 2)",
        ("places: is '(south-yorkshire, 2)'; write a list or 'all'",),
    ),
    Case(
        "F06",
        "date",
        "first: 2018-03",
        "first: 2018-03-01",
        ("'2018-03-01' is not a period of a series that is quarterly; write it like 2024-03",),
        OUTCOME,
    ),
    Case("F07", "nan", "level: 0.05", "level: .nan", ("level: is '.nan'; write a number",)),
    Case(
        "F07",
        "infinity",
        "plausible_effect: 2.0",
        "plausible_effect: .inf",
        ("plausible_effect: is '.inf'; write a number or nothing (null)",),
    ),
    Case("F07", "too-large", "plausible_effect: 2.0", "plausible_effect: 1e400", ("plausible_effect: is '1e400'",)),
    Case("F08", "left-out", "seed: 1\n", "", ("seed: is missing; write a whole number",), "id: example"),
    Case(
        "F08",
        "negative",
        "seed: 1",
        "seed: -1",
        ("seed: is -1; write 0 to 4294967295 (any whole number; it is never drawn at random)",),
    ),
    Case("F08", "text", "seed: 1", "seed: today", ("seed: is 'today'; write a whole number",)),
    Case(
        "F09",
        "outcome",
        "id: employment_rate",
        "id: employmnt_rate",
        ("'employmnt_rate' is not an outcome; did you mean employment_rate",),
    ),
    Case(
        "F10",
        "no-area",
        "estimate_areas: [south-yorkshire]",
        "estimate_areas: []",
        ("estimate_areas: nothing is to be estimated; name areas",),
    ),
    Case("F12", "none", "draws: 99", "draws: 0", ("draws: is 0; write 19 to 100000",)),
    Case("F12", "too-many", "draws: 99", "draws: 1000000", ("draws: is 1000000; write 19 to 100000",)),
    Case(
        "G01",
        "outside",
        "estimate_areas: [south-yorkshire]",
        'estimate_areas: ["../../etc/x"]',
        ("'../../etc/x' is not a place (slug) of the programme",),
    ),
    Case(
        "G03",
        "template",
        "estimate_areas: [south-yorkshire]",
        'estimate_areas: ["{area.__class__}"]',
        ("'{area.__class__}' is not a place",),
    ),
)


@pytest.fixture
def study(folder):
    """The study among the contracts."""
    return Path(shutil.copy(STUDY, folder / "designs"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.name}")
def test_a_spoilt_study_is_refused_before_the_data_are_read(study, tmp_path, case):
    given = study.read_text("utf-8")
    assert given.count(case.old) == 1
    study.write_text(given.replace(case.old, case.new), "utf-8")
    words = case.at or case.new.splitlines()[0]
    line = study.read_text("utf-8").split(words)[0].count("\n") + 1
    before = contents(tmp_path)
    said = say("run", "--design", "example-study", "--data", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert said.code == 2, said.all
    for expected in case.says:
        assert expected in said.err
    if case.id != "F08" or case.name != "left-out":
        assert f"{NAME}:{line}:" in said.err, (line, said.err)
    assert contents(tmp_path) == before
    assert not (tmp_path / "out").exists(), "no run folder is left"


def test_the_study_as_it_is_gets_as_far_as_the_data(study, tmp_path):
    said = say("run", "--design", "example-study", "--data", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert (said.code, "nowhere: there is no such folder" in said.err) == (2, True)


# ---------------------------------------------------------------- what a notebook is given


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A notebook with parameters and one without."""
    from evaluation import project

    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path)
    for name, tags in (("with", ["parameters"]), ("without", [])):
        notebook = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "trailblazer", "display_name": "x", "language": "python"}}
        )
        notebook.cells = [
            nbformat.v4.new_code_cell('area: str = "none"\nseed: int = 1\nlevel: float = 0.05', metadata={"tags": tags})
        ]
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    return tmp_path


@pytest.mark.parametrize(
    ("id", "notebook", "given", "says"),
    [
        (
            "F01",
            "with",
            {"aera": "E08000016"},
            "with.ipynb: unknown parameter 'aera'; did you mean area; it takes area, seed, level.",
        ),
        ("F02", "with", {"area = 1; import os #": "x"}, "unknown parameter 'area = 1; import os #'"),
        ("F05", "with", {"area": (1, 2)}, "parameter area is tuple (1, 2); it must be str."),
        ("F05", "with", {"area": {1}}, "parameter area is set {1}; it must be str."),
        ("F06", "with", {"seed": np.int64(3)}, "parameter seed is int64 np.int64(3); it must be int."),
        ("F06", "with", {"area": datetime.date(2024, 1, 1)}, "parameter area is date datetime.date(2024, 1, 1); it must be str."),
        ("F07", "with", {"level": float("nan")}, "parameter level is nan; it must be a finite number."),
        ("F07", "with", {"level": float("inf")}, "parameter level is inf; it must be a finite number."),
        ("F11", "without", {"area": "E08000016"}, "without.ipynb: no cell has the tag 'parameters'; tag the cell"),
    ],
)
def test_a_parameter_that_would_not_come_through_is_refused(notebooks, id, notebook, given, says):
    with pytest.raises(ConfigurationError) as caught:
        check_notebooks({f"{notebook}.ipynb": given})
    assert says in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["broken", "absent"])
def test_F11_a_notebook_that_cannot_be_read_is_named(notebooks, name):
    (notebooks / "broken.ipynb").write_text('{"cells": [', "utf-8")
    with pytest.raises(ConfigurationError, match=f"{name}.ipynb: cannot be read as a notebook"):
        check_notebooks({f"{name}.ipynb": {}})

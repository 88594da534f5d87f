"""What `?` shows of the functions that notebooks use: every parameter is said, and the example does what it says."""

import doctest
import importlib
import inspect
import re
import shutil

import nbformat
import pytest

from evaluation import project
from evaluation.estimators import REGISTRY
from evaluation.evaluate import evaluate, evaluate_all
from evaluation.inference import REGISTRY as INFERENCES
from evaluation.lab import draw_area, pick_area
from evaluation.power import measure_power
from evaluation.stress import stress_estimate
from evaluation.synthesis.explain import explain
from evaluation.synthesis.pool import pool_places
from evaluation.synthesis.verdict import conclude

open_study = importlib.import_module("evaluation.design.study").open_study
Study = importlib.import_module("evaluation.design.study").Study

FUNCTIONS = [
    open_study, Study.comparison, *REGISTRY.values(), evaluate, evaluate_all, measure_power, stress_estimate,
    pool_places, conclude, explain, draw_area, pick_area, *INFERENCES.values(),
]  # fmt: skip


def name(function):
    """Module and name: methods of inference are all called alike."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"


@pytest.fixture(autouse=True)
def _interactive_results_go_elsewhere(monkeypatch, tmp_path):
    runs = tmp_path / "runs"
    if (project.RUNS / "demonstration-data").is_dir():  # making it again takes longer than reading it
        shutil.copytree(project.RUNS / "demonstration-data", runs / "demonstration-data")
    monkeypatch.setattr(project, "RUNS", runs)


@pytest.mark.parametrize("function", FUNCTIONS, ids=name)
def test_every_parameter_is_said(function):
    said = inspect.getdoc(function) or ""
    every = [inspect.getdoc(kind) or "" for kind in inspect.getmro(function)] if inspect.isclass(function) else [said]
    parameters = [name for name in inspect.signature(function).parameters if name != "self"]
    section = "\n".join(text.partition("Parameters\n----------\n")[2].partition("\n\n")[0] for text in every)
    named = set(re.findall(r"\w+", " ".join(line.split(" : ")[0] for line in section.splitlines() if " : " in line)))
    assert [name for name in parameters if name not in named] == []
    assert "Examples\n--------\n" in said


@pytest.mark.parametrize("function", FUNCTIONS, ids=name)
def test_the_example_does_what_it_says(function):
    module = inspect.getmodule(function)
    found = doctest.DocTestFinder(recurse=False).find(function, function.__qualname__, module=module)
    runner = doctest.DocTestRunner(verbose=False)
    printed: list[str] = []
    for test in found:
        runner.run(test, out=printed.append)
    assert runner.tries
    assert not runner.failures, "".join(printed)


@pytest.mark.parametrize("path", sorted(project.NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_ends_with_what_to_do_next_and_names_notebooks_there_are(path):
    cells = nbformat.read(path, as_version=4).cells
    words = [cell.source for cell in cells if cell.cell_type == "markdown"]
    there = {other.stem for other in project.NOTEBOOKS.glob("*.ipynb")}
    assert set(re.findall(r"`([0-9]{2}_\w+)`", " ".join(words))) <= there
    if path.stem == "00_start_here":
        assert there - {path.stem} <= set(re.findall(r"[0-9]{2}_\w+", words[-1]))
    elif not path.stem.startswith("10_"):  # which ends by looking around
        assert "Next: " in words[-1]
    assert all("\n" in text for text in words if text.startswith("## ")), "a heading says in a sentence what stands below it"

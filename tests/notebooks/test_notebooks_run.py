"""Every notebook runs as it stands, in the project's kernel, without warnings on its face."""

import re
import shutil
from html import escape
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from stripped_notebooks import problems

from evaluation import project
from evaluation.batch.kernels import KERNEL, ensure_kernel
from evaluation.batch.notebooks import NOTEBOOKS as BATCH
from evaluation.batch.preflight import check_parameters
from evaluation.contracts.load import load_contracts
from evaluation.design.protocol import load_design

DESIGN = load_design(load_contracts(), "economic-inactivity-trailblazers")
NOTEBOOKS = sorted(project.NOTEBOOKS.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stripped_and_thin(path):
    assert problems(path) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_as_it_stands(path: Path, tmp_path):
    ensure_kernel()
    notebook = nbformat.read(path, 4)
    NotebookClient(notebook, kernel_name=KERNEL, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert not [o for o in outputs if o.get("name") == "stderr"]
    text = nbformat.writes(notebook)
    assert "SYNTHETIC" in text
    if path.stem == "00_start_here":
        conclusion = next(o["data"] for o in outputs if "  because " in o.get("data", {}).get("text/plain", ""))
        assert re.search(r"^  verdict +detected$", conclusion["text/plain"], re.M), "the planted effect is found by both families"
        sentence = conclusion["text/plain"].splitlines()[1]
        assert f"<p>{escape(sentence)}</p>" in conclusion["text/html"]
        assert outputs[-1]["data"]["text/plain"] == "2.0", "3 less 1, as the text above the cell says"
    if "estimate" in path.stem or "start" in path.stem:
        assert "image/svg+xml" in text
    assert list(tmp_path.iterdir()) == [], "a notebook writes only where it is told to"
    assert "widgets" not in notebook.metadata
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert not [kind for kind in kinds if "widget" in kind or "javascript" in kind], "what is published needs no script"
    assert "<script" not in text
    assert not [o for o in outputs if "image/svg+xml" in o.get("data", {}) and "text/html" in o["data"]], "no front end, no more"
    assert "<progress" not in text


def test_two_runs_give_the_same_bytes(tmp_path):
    ensure_kernel()
    seen = []
    for _ in range(2):
        notebook = nbformat.read(project.NOTEBOOKS / "10_check_data.ipynb", 4)
        NotebookClient(notebook, kernel_name=KERNEL, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
        seen.append([cell.get("outputs") for cell in notebook.cells])
    assert seen[0] == seen[1]


@pytest.fixture(autouse=True)
def _interactive_results_are_removed():
    yield
    shutil.rmtree(project.RUNS / "interactive", ignore_errors=True)


@pytest.mark.parametrize("kind", BATCH, ids=lambda kind: kind.path)
def test_the_batch_notebooks_take_what_the_batch_gives(kind):
    area = {"area_code": "x"} if kind.scope == "area" else {}
    given = dict.fromkeys(("design", "outcome", "panel", "results"), "x") | area
    for code in ("wales", "all"):
        check_parameters(project.NOTEBOOKS / kind.file, given | dict(kind.chosen(DESIGN, code)))

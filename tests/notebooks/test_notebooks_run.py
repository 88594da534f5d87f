"""Every notebook runs as it stands, in the project's kernel, without warnings on its face."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from stripped_notebooks import problems

from evaluation import project
from evaluation.batch.kernels import KERNEL, ensure_kernel
from evaluation.batch.plan import DID_NOTEBOOK, SYNTHETIC_CONTROL_NOTEBOOK, check_parameters

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
    if "estimate" in path.stem or "start" in path.stem:
        assert "image/svg+xml" in text
    assert list(tmp_path.iterdir()) == [], "a notebook writes only where it is told to"


@pytest.fixture(autouse=True)
def _interactive_results_are_removed():
    yield
    shutil.rmtree(project.RUNS / "interactive", ignore_errors=True)


@pytest.mark.parametrize("name", [DID_NOTEBOOK, SYNTHETIC_CONTROL_NOTEBOOK])
def test_the_batch_notebooks_take_what_the_batch_gives(name):
    parameters = dict.fromkeys(("design", "outcome", "area_code", "panel", "results"), "x")
    check_parameters(project.NOTEBOOKS / name, parameters)


def test_hand_written_answer_of_the_first_notebook():
    """The invented panel at its end: 3 less 1 is 2."""
    source = "\n".join(cell.source for cell in nbformat.read(project.NOTEBOOKS / "00_start_here.ipynb", 4).cells)
    assert "so the difference is 2" in source

"""A notebook can end in many ways; only one of them is done, and none of them stops the others."""

import json
import os
from pathlib import Path

import nbformat
import pytest

from evaluation import project
from evaluation.batch.ledger import read_record, record_path
from evaluation.batch.plan import Job, Plan, PlannedJob
from evaluation.batch.preflight import check_parameters
from evaluation.batch.run import lock_run, run_plan
from evaluation.errors import ConfigurationError

GOOD = "from pathlib import Path\nPath(results, 'findings').mkdir()\nPath(results, 'findings', 'a.json').write_text(area_code)"
WAYS = {
    "good": (GOOD, ""),
    "raises": ("1 / 0", "ZeroDivisionError"),
    "prints-slowly": (GOOD + "\nimport time\nfor n in range(3):\n    print(n, flush=True)\n    time.sleep(0.4)", ""),
    "leaves-early": ("import sys; sys.exit(0)", "ended before its end"),
    "no-result": ("x = 1", "left no findings/a.json"),
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "Kernel died"),
}


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setattr(project, "NOTEBOOKS", folder)
    for name, (source, _) in WAYS.items():
        notebook = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "trailblazer", "display_name": "x", "language": "python"}}
        )
        notebook.cells = [
            nbformat.v4.new_code_cell('area_code: str = "none"\nresults: str = "."', metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(source),
            nbformat.v4.new_code_cell("y = 2"),
        ]
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


def job(name: str) -> Job:
    parameters = {"area_code": "E08000016", "results": "."}
    return Job(
        notebook=f"{name}.ipynb",
        outcome="o",
        area=name,
        area_name=name,
        parameters=parameters,
        results=("findings/a.json",),
        key="k",
    )


def plan(*names: str) -> Plan:
    return Plan(design="d", jobs=tuple(PlannedJob(job=job(n), record=None, why="not run yet") for n in names), refusals=())


def test_only_a_whole_run_counts_as_done(notebooks: Path, tmp_path: Path):
    run = tmp_path / "run with é"
    with lock_run(run):
        records = {r.id: r for r in run_plan(plan(*WAYS), run, jobs=2)}
    for name, (_, message) in WAYS.items():
        record = records[f"o/{name}/{name}"]
        assert record.state == ("failed" if message else "done"), record
        assert message in record.error
    assert (run / "findings" / "a.json").read_text() == "E08000016"
    executed = nbformat.read(run / "notebooks" / "o" / "good" / "good.ipynb", 4)
    assert [c.execution_count for c in executed.cells] == [1, 2, 3, 4]
    assert str(tmp_path) not in json.dumps(executed)
    slow = nbformat.read(run / "notebooks" / "o" / "prints-slowly" / "prints-slowly.ipynb", 4)
    assert [o.text for o in slow.cells[2].outputs] == ["0\n1\n2\n"], "however it arrived"
    assert not (run / ".work").exists()
    assert (run / "notebooks" / "o" / "raises" / "raises.failed.ipynb").exists()
    assert "cell" in records["o/raises/raises"].error


def test_equal_runs_give_equal_notebooks(notebooks: Path, tmp_path: Path):
    texts = []
    for name in ("one", "two"):
        run = tmp_path / name
        with lock_run(run):
            run_plan(plan("good"), run)
        texts.append((run / "notebooks/o/good/good.ipynb").read_bytes())
    assert texts[0] == texts[1]


def test_a_damaged_record_means_run_again(tmp_path: Path):
    path = record_path(tmp_path, "o/a/n")
    path.parent.mkdir()
    path.write_text('{"id": "o/a')
    assert read_record(tmp_path, "o/a/n") is None


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path):
    with (
        lock_run(tmp_path),
        pytest.raises(ConfigurationError, match=f"process {os.getpid()} is running there"),
        lock_run(tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"aera_code": "E08000016"}, "unknown parameter 'aera_code'; did you mean area_code"),
        ({"area_code": 16}, "parameter area_code is int 16; it must be str"),
    ],
)
def test_parameters_are_refused_before_any_kernel_starts(notebooks: Path, parameters, message):
    with pytest.raises(ConfigurationError, match=message):
        check_parameters(notebooks / "good.ipynb", parameters)

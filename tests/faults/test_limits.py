"""What does not end is stopped, what is too long is cut, and what is interrupted goes on later."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from evaluation import project
from evaluation.batch import run as batch_run
from evaluation.batch.job import LONGEST_PRINT
from evaluation.batch.ledger import read_records
from evaluation.batch.plan import Job, Plan, PlannedJob

SOURCES = {
    "quick": "x = 1",
    "sleeps": "import time; time.sleep(300)",
    "spins": "while True: pass",
    "holds-the-lock": "import ctypes; ctypes.PyDLL(None).sleep(300)",
    "prints": "for i in range(100): print('x' * 1_000_000)",
    "waits": "import time\nfrom pathlib import Path\nPath(marker).touch()\ntime.sleep(60)",
}


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path)
    for name, source in SOURCES.items():
        notebook = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "trailblazer", "display_name": "x", "language": "python"}}
        )
        notebook.cells = [
            nbformat.v4.new_code_cell('marker: str = ""', metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(source),
        ]
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    (tmp_path / "run").mkdir()
    return tmp_path


def plan(*names: str, marker: str = "") -> Plan:
    jobs = [
        Job(notebook=f"{n}.ipynb", outcome="o", area=n, area_name=n, parameters={"marker": marker}, results=(), key="k")
        for n in names
    ]
    return Plan(design="d", jobs=tuple(PlannedJob(job=job, record=None, why="not run yet") for job in jobs), refusals=())


def descendants() -> set[int]:
    return {p.pid for p in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize(("worth_warming", "limit"), [(1, 12), (99, 45)], ids=["warm", "plain"])
def test_a_hanging_cell_is_stopped_and_the_others_go_on(notebooks: Path, monkeypatch, worth_warming, limit):
    monkeypatch.setattr(batch_run, "WORTH_WARMING", worth_warming)
    before = descendants()
    records = {
        r.id.split("/")[1]: r
        for r in batch_run.run_plan(
            plan("sleeps", "spins", "holds-the-lock", "quick"), notebooks / "run", jobs=2, cell_seconds=3, job_seconds=limit
        )
    }
    assert records["quick"].state == "done"
    for name in ("sleeps", "spins", "holds-the-lock"):
        assert records[name].state == "failed"
        assert records[name].seconds < limit + 5
        assert "the longest a " in records[name].error, records[name].error
    assert "cell 'import time; time.sleep(300)': stopped after 3 s" in records["sleeps"].error
    assert descendants() <= before, "a stopped kernel lives on"


def test_what_a_notebook_prints_is_cut(notebooks: Path):
    (record,) = batch_run.run_plan(plan("prints"), notebooks / "run")
    assert record.state == "done", record
    file = notebooks / "run" / "notebooks" / "o" / "prints" / "prints.ipynb"
    assert file.stat().st_size < 2 * LONGEST_PRINT
    assert "99,900,100 more characters were printed and are left out" in file.read_text("utf-8")


def test_an_interrupted_run_goes_on_where_it_stopped(notebooks: Path):
    run, marker = notebooks / "run", notebooks / "started"
    script = notebooks / "supervise.py"
    script.write_text(
        textwrap.dedent(f"""
            import sys
            from pathlib import Path
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from test_limits import batch_run, plan, project
            project.NOTEBOOKS = Path({str(notebooks)!r})
            batch_run.run_plan(plan("quick", "waits", "sleeps", marker={str(marker)!r}), Path({str(run)!r}), jobs=1)
        """)
    )
    process = subprocess.Popen([sys.executable, str(script)], cwd=notebooks, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not marker.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    family = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGINT)
    process.wait(timeout=60)
    assert not [p for p in psutil.wait_procs(family, timeout=5)[1] if p.status() != psutil.STATUS_ZOMBIE]
    assert [(r.id, r.state) for r in read_records(run)] == [("o/quick/quick", "done")]
    assert not (run / ".work").exists()
    assert not list(run.rglob("*.part"))

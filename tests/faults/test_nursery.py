"""Warm processes give what plain ones give, and none of them outlives its client."""

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
from evaluation.batch import nursery, parents
from evaluation.batch import run as batch_run
from evaluation.batch.plan import Job, Plan, PlannedJob

pytestmark = pytest.mark.skipif(
    not parents.is_supported(), reason="forking after imports is safe on Linux only; jobs start plainly here"
)

FIGURE = """
import matplotlib.pyplot as plt, numpy as np, pandas as pd, pyfixest as pf
data = pd.DataFrame({"u": np.repeat(range(20), 10), "t": np.tile(range(10), 20)})
data["y"], data["d"] = np.sin(data.u * 7 + data.t), ((data.u < 5) & (data.t > 5)) * 1
print(pf.feols("y ~ d | u + t", data).coef().iloc[0].round(6), "secret" in globals(), __name__)
secret = 1
plt.plot([1, 2]); plt.show()
"""
SLOW = """
import os, time
from pathlib import Path
Path(marker + ".part").write_text(str(os.getpid()))
Path(marker + ".part").rename(marker)
time.sleep(120)
"""


def write_notebook(path: Path, source: str) -> None:
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "trailblazer", "display_name": "x", "language": "python"}}
    )
    notebook.cells = [
        nbformat.v4.new_code_cell('marker: str = ""', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(source),
    ]
    nbformat.write(notebook, path)


def plan(count: int, marker: Path) -> Plan:
    jobs = [
        Job(
            notebook="n.ipynb",
            outcome="o",
            area=f"a{i}",
            area_name="a",
            parameters={"marker": f"{marker}{i}"},
            results=(),
            key="k",
        )
        for i in range(count)
    ]
    return Plan(design="d", jobs=tuple(PlannedJob(job=job, record=None, why="not run yet") for job in jobs), refusals=())


def gone(pid: int, within: float) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def wait_for(path: Path, within: float = 90) -> str:
    end = time.monotonic() + within
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} did not appear"
        time.sleep(0.05)
    return path.read_text()


def test_warm_and_plain_notebooks_are_equal(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path)
    write_notebook(tmp_path / "n.ipynb", FIGURE)
    texts = []
    for worth in (1, 99):
        monkeypatch.setattr(batch_run, "WORTH_WARMING", worth)
        run = tmp_path / str(worth)
        run.mkdir()
        records = batch_run.run_plan(plan(2, Path("m")), run, jobs=1)
        assert [r.state for r in records] == ["done", "done"], records
        texts.append([(run / f"notebooks/o/a{i}/n.ipynb").read_text() for i in range(2)])
    assert texts[0] == texts[1]
    assert "image/png" in texts[0][0]
    assert "False __main__" in texts[0][1], "a warm kernel must not see its predecessor's variables"


@pytest.fixture
def runner(tmp_path):
    """A supervisor in a process of its own, with two slow jobs."""
    write_notebook(tmp_path / "n.ipynb", SLOW)
    (tmp_path / "run").mkdir()
    script = tmp_path / "supervise.py"
    script.write_text(
        textwrap.dedent(f"""
            import sys
            from pathlib import Path
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from test_nursery import batch_run, plan, project
            project.NOTEBOOKS = Path({str(tmp_path)!r})
            batch_run.WORTH_WARMING = 1
            batch_run.run_plan(plan(2, Path({str(tmp_path / "kernel")!r})), Path({str(tmp_path / "run")!r}), jobs=2)
        """)
    )
    process = subprocess.Popen([sys.executable, str(script)], cwd=tmp_path)
    yield process
    process.kill()
    process.wait()


def test_killing_the_run_leaves_no_process(runner, tmp_path):
    kernels = [int(wait_for(tmp_path / f"kernel{i}")) for i in range(2)]
    family = [p.pid for p in psutil.Process(runner.pid).children(recursive=True)]
    assert set(kernels) <= set(family)
    os.kill(runner.pid, signal.SIGKILL)
    assert all(gone(pid, 5) for pid in family)


def test_killing_a_job_ends_its_kernel_and_only_that(runner, tmp_path):
    kernels = [int(wait_for(tmp_path / f"kernel{i}")) for i in range(2)]
    nursery_process = psutil.Process(kernels[0]).parent()
    jobs = [p.pid for p in nursery_process.children() if p.pid not in kernels]
    assert len(jobs) == 2
    os.kill(jobs[0], signal.SIGKILL)
    end = time.monotonic() + 5
    while time.monotonic() < end and all(psutil.pid_exists(k) for k in kernels):
        time.sleep(0.05)
    assert sum(psutil.pid_exists(k) and psutil.Process(k).status() != psutil.STATUS_ZOMBIE for k in kernels) == 1


def test_without_a_nursery_the_kernel_starts_plainly(monkeypatch, tmp_path):
    with pytest.raises(OSError, match="No such file"):
        nursery.fork(str(tmp_path / "nobody"), "kernel", [], environment={}, folder=".")
    monkeypatch.setattr(nursery, "is_supported", lambda: False)
    with nursery.open_nursery(os.environ) as address:
        assert address == ""

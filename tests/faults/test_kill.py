"""kill -9 at seeded random moments: nothing finished is lost, nothing half-written looks whole, and going on gives the same."""

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import small_jobs

from evaluation import project
from evaluation.batch.ledger import read_records
from evaluation.batch.nursery import is_supported
from evaluation.batch.run import lock_run, run_plan

NAMES = tuple("abcdefgh")
LONG = 30
SHORT = 2


def check_what_is_there(run: Path) -> set[str]:
    """Every record says the truth."""
    done = set()
    for record in read_records(run):
        assert record.state == "done", record
        for name in record.results:
            assert (run / name).read_text() == Path(name).stem * 2000
        assert (run / "notebooks" / f"{record.id}.ipynb").stat().st_size > 100
        done.add(record.id)
    return done


def kill_and_resume(tmp_path: Path, monkeypatch, kills: int, seed: int) -> None:
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    small_jobs.write_notebooks(notebooks)
    monkeypatch.setattr(project, "NOTEBOOKS", notebooks)
    script = tmp_path / "supervise.py"
    script.write_text(
        textwrap.dedent(f"""
            import sys
            from pathlib import Path
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            import small_jobs
            from evaluation import project
            from evaluation.batch.run import lock_run, run_plan
            project.NOTEBOOKS = Path({str(notebooks)!r})
            run = Path(sys.argv[1])
            with lock_run(run):
                print("go", flush=True)
                run_plan(small_jobs.plan(run, *{NAMES!r}), run, jobs=2)
        """)
    )

    def start(run: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, str(script), str(run)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        return process

    began = time.monotonic()
    with start(tmp_path / "undisturbed") as process:
        assert process.wait() == 0
    whole = time.monotonic() - began
    dice = random.Random(seed)
    killed = attempt = 0
    while killed < kills:
        attempt += 1
        assert attempt < 3 * kills + 3
        run = tmp_path / f"run-{attempt}"
        finished: set[str] = set()
        for _ in range(2):  # killed twice, the second time while going on
            with start(run) as process:
                time.sleep(dice.uniform(0, whole))
                family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
                killed += process.poll() is None
                process.send_signal(signal.SIGKILL)
                process.wait()
            _, alive = psutil.wait_procs(family, timeout=5)
            assert not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE], "a stray process"
            now = check_what_is_there(run)
            assert finished <= now, "a finished job was lost"
            finished = now
        with lock_run(run):
            run_plan(small_jobs.plan(run, *NAMES), run, jobs=2)
        assert {record.id for record in read_records(run)} == {f"o/{name}/small" for name in NAMES}
        for folder in ("findings", "notebooks"):
            for path in (tmp_path / "undisturbed" / folder).rglob("*"):
                if path.is_file():
                    assert (run / path.relative_to(tmp_path / "undisturbed")).read_bytes() == path.read_bytes()
        assert not (run / ".work").exists()


pytestmark = pytest.mark.skipif(not is_supported(), reason="jobs start plainly here; a killed run may leave its last kernel")


def test_killed_a_few_times(tmp_path, monkeypatch):
    kill_and_resume(tmp_path, monkeypatch, SHORT, seed=20250403)


@pytest.mark.slow
def test_killed_many_times(tmp_path, monkeypatch):
    kill_and_resume(tmp_path, monkeypatch, LONG, seed=1)

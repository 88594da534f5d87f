"""kill -9 at seeded random moments: nothing finished is lost, nothing half-written looks whole, and going on gives the same."""

import random
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import small_jobs

from evaluation import project
from evaluation.batch.ledger import read_records
from evaluation.batch.parents import is_supported
from evaluation.batch.run import lock_run, run_plan

NAMES = tuple("abcdefgh")
LONG = 30
SHORT = 2
TABLE = Path(__file__).with_name("kills.md")
HEAD = """\
# What was killed, and what it cost

`kill -9` at seeded random moments of a run of {jobs} short notebooks, two at once; then the same command once more.
Made by `pytest -m slow tests/faults/test_kill.py`.

| killed | kills | when nothing, some, all was done | finished jobs lost | files that differ after going on | processes left |
| --- | --- | --- | --- | --- | --- |
"""

pytestmark = pytest.mark.skipif(not is_supported(), reason="jobs start plainly here; a killed run may leave its last kernel")


@dataclass(slots=True)
class Toll:
    """What a series of kills cost."""

    kills: int = 0
    moments: list[int] = field(default_factory=list)
    """Jobs that were done when the blow fell."""
    lost: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def row(self, what: str) -> str:
        """A line of the table."""
        nothing, everything = self.moments.count(0), self.moments.count(len(NAMES))
        when = f"{nothing}, {len(self.moments) - nothing - everything}, {everything}"
        return f"| {what} | {self.kills} | {when} | {len(self.lost)} | {len(self.differing)} | {len(self.left)} |\n"

    def check(self) -> None:
        """It must have cost nothing."""
        assert (self.lost, self.differing, self.left) == ([], [], [])


@dataclass(slots=True)
class Range:
    """Where runs are started and shot at."""

    folder: Path
    dice: random.Random
    scheduler: str = ""
    toll: Toll = field(default_factory=Toll)
    seconds: float = 0.0
    """How long an undisturbed run takes."""

    def prepare(self) -> None:
        """Write notebooks and supervisor, and make the run the others are held against."""
        (self.folder / "notebooks").mkdir()
        small_jobs.write_notebooks(self.folder / "notebooks")
        (self.folder / "supervise.py").write_text(
            textwrap.dedent(f"""
                import sys
                from pathlib import Path
                sys.path.insert(0, {str(Path(__file__).parent)!r})
                import small_jobs
                from evaluation import project
                from evaluation.batch.run import lock_run, run_plan
                project.NOTEBOOKS = Path({str(self.folder / "notebooks")!r})
                run = Path(sys.argv[1])
                if __name__ == "__main__":
                    with lock_run(run):
                        print("go", flush=True)
                        run_plan(small_jobs.plan(run, *{NAMES!r}), run, jobs=2, scheduler={self.scheduler!r})
            """)
        )
        began = time.monotonic()
        with self.start("undisturbed") as process:
            assert process.wait() == 0
        self.seconds = time.monotonic() - began

    def start(self, name: str) -> subprocess.Popen[str]:
        """A run in a process of its own, once it has the folder."""
        process = subprocess.Popen(
            [sys.executable, str(self.folder / "supervise.py"), str(self.folder / name)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        return process

    def done(self, name: str) -> set[str]:
        """Jobs a run has done; a record that says more than there is counts as lost."""
        run = self.folder / name
        done = set()
        for record in read_records(run):
            if record.state == "failed":
                assert record.error
                continue
            whole = all((run / result).read_text() == Path(result).stem * 2000 for result in record.results)
            if not whole or (run / "notebooks" / f"{record.id}.ipynb").stat().st_size < 100:
                self.toll.lost.append(f"{name}: {record.id} is not whole")
            done.add(record.id)
        return done

    def expect_gone(self, family: list[psutil.Process]) -> None:
        """No process of a run that ended may be left after five seconds."""
        _, alive = psutil.wait_procs(family, timeout=5)
        self.toll.left += [str(p) for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    def wait_for_a_moment(self, process: subprocess.Popen[str], name: str) -> None:
        """Anywhere in the life of a run: as it starts, or with any number of jobs done."""
        there = len(self.done(name))
        wanted = self.dice.randrange(there, len(NAMES)) if there < len(NAMES) else there
        if wanted == there:
            time.sleep(self.dice.uniform(0, self.seconds))
            return
        while process.poll() is None and len(list((self.folder / name / "jobs").glob("*.json"))) < wanted:
            time.sleep(0.01)
        time.sleep(self.dice.uniform(0, 0.5))

    def shoot_the_run(self, name: str, finished: set[str]) -> set[str]:
        """Kill a run at a random moment; return what it had done."""
        with self.start(name) as process:
            self.wait_for_a_moment(process, name)
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            is_alive = process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.expect_gone(family)
        now = self.done(name)
        if is_alive:
            self.toll.kills += 1
            self.toll.moments.append(len(now))
        self.toll.lost += [f"{name}: {job}" for job in finished - now]
        return now

    def shoot_a_part(self, name: str, part: str) -> None:
        """Kill a process of a run at a random moment; the run itself goes on to its end."""
        with self.start(name) as process:
            self.wait_for_a_moment(process, name)
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            targets = [p for p in family if part_of(p, process.pid) == part]
            if targets:
                finished = self.done(name)
                self.dice.choice(targets).kill()
                self.toll.kills += 1
                self.toll.moments.append(len(finished))
            assert process.wait(timeout=120) == 0
        self.expect_gone(family)
        if targets:
            self.toll.lost += [f"{name}: {job}" for job in finished - self.done(name)]

    def resume(self, name: str) -> None:
        """Go on, once; then it must be as if nothing had happened."""
        run = self.folder / name
        with lock_run(run):
            run_plan(small_jobs.plan(run, *NAMES), run, jobs=2)
        assert self.done(name) == {f"o/{job}/small" for job in NAMES}
        wanted, made = small_jobs.published(self.folder / "undisturbed"), small_jobs.published(run)
        self.toll.differing += [f"{name}: {file}" for file in wanted if wanted[file] != made.get(file)]
        assert not (run / ".work").exists()


def part_of(process: psutil.Process, run: int) -> str:
    """What a descendant of a run is: the nursery, a worker of a cluster, or a fork (a job or its kernel)."""
    try:
        words, parent = " ".join(process.cmdline()), process.ppid()
    except psutil.NoSuchProcess:
        return ""
    if "evaluation.batch.nursery" in words:
        return "nursery" if parent == run else "fork"
    return "worker" if "spawn_main" in words else ""


def open_range(folder: Path, monkeypatch, seed: int, scheduler: str = "") -> Range:
    place = Range(folder=folder, dice=random.Random(seed), scheduler=scheduler)
    place.prepare()
    monkeypatch.setattr(project, "NOTEBOOKS", folder / "notebooks")
    return place


def kill_runs(place: Range, kills: int) -> Toll:
    attempt = 0
    while place.toll.kills < kills:
        attempt += 1
        assert attempt < 3 * kills + 3
        finished: set[str] = set()
        for _ in range(2):  # killed twice, the second time while going on
            finished = place.shoot_the_run(f"run-{attempt}", finished)
        place.resume(f"run-{attempt}")
    return place.toll


def kill_parts(place: Range, part: str, kills: int) -> Toll:
    attempt = 0
    while place.toll.kills < kills:
        attempt += 1
        assert attempt < 5 * kills + 5
        place.shoot_a_part(f"run-{attempt}", part)
        place.resume(f"run-{attempt}")
    return place.toll


def write_row(what: str, toll: Toll) -> None:
    """Put a line into the table, in the place of the one that was there."""
    rows = (
        [line for line in TABLE.read_text("utf-8").splitlines(keepends=True) if line.startswith("| ")] if TABLE.exists() else []
    )
    others = [row for row in rows[2:] if not row.startswith(f"| {what} |")]
    TABLE.write_text(HEAD.format(jobs=len(NAMES)) + "".join(sorted([*others, toll.row(what)])), "utf-8")


def test_killed_a_few_times(tmp_path, monkeypatch):
    kill_runs(open_range(tmp_path, monkeypatch, seed=20250403), SHORT).check()


@pytest.mark.slow
def test_the_run_killed_many_times(tmp_path, monkeypatch):
    toll = kill_runs(open_range(tmp_path, monkeypatch, seed=1), LONG)
    write_row("the run", toll)
    toll.check()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "what", "kills"), [("fork", "a job or its kernel", 8), ("nursery", "the nursery", 4)], ids=["fork", "nursery"]
)
def test_parts_killed_many_times(tmp_path, monkeypatch, part, what, kills):
    toll = kill_parts(open_range(tmp_path, monkeypatch, seed=2), part, kills)
    write_row(what, toll)
    toll.check()


@pytest.mark.slow
def test_workers_of_a_cluster_killed_many_times(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra [cluster]")
    toll = kill_parts(open_range(tmp_path, monkeypatch, seed=3, scheduler="local:2"), "worker", 4)
    write_row("a worker of two (dask)", toll)
    toll.check()


@pytest.mark.slow
def test_a_run_on_a_cluster_of_its_own_killed(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra [cluster]")
    toll = kill_runs(open_range(tmp_path, monkeypatch, seed=4, scheduler="local:2"), 4)
    write_row("the run with two workers (dask)", toll)
    toll.check()

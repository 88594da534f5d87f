"""The same plan on a dask cluster: what a dying worker costs, what a job that kills workers costs, and what is refused."""

import contextlib
import importlib.util
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

pytest.importorskip("distributed", reason="needs the extra [cluster]")

sys.path.insert(0, str(Path(__file__).parent))
import small_jobs

from evaluation import cli, project
from evaluation.batch import cluster, supervise, worker
from evaluation.batch.ledger import JobRecord, read_records, write_record
from evaluation.batch.run import lock_run, run_plan
from evaluation.batch.spread import spread
from evaluation.errors import ConfigurationError

NAMES = tuple("abcd")


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    small_jobs.write_notebooks(folder)
    monkeypatch.setattr(project, "NOTEBOOKS", folder)
    return tmp_path


def run_jobs(run: Path, *names: str, scheduler: str = "", **options) -> dict[str, JobRecord]:
    with lock_run(run):
        records = run_plan(small_jobs.plan(run, *names), run, jobs=0 if scheduler else 2, scheduler=scheduler, **options)
    assert not (run / ".work").exists()
    return {record.id.split("/")[1]: record for record in records}


def processes_left(before: set[int]) -> list[psutil.Process]:
    """Children that ought to have ended; the one that keeps track of shared memory stays as long as we do."""
    now = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
    _, alive = psutil.wait_procs([p for p in now if "resource_tracker" not in " ".join(p.cmdline())], timeout=10)
    return [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def children() -> set[int]:
    return {p.pid for p in psutil.Process().children(recursive=True)}


def test_a_worker_that_dies_costs_only_its_job(notebooks: Path):
    before = children()
    there = run_jobs(notebooks / "there", *NAMES, "z:once", scheduler="local:2")
    assert (notebooks / "killed-once").exists() is False
    assert (notebooks / "there" / "killed-once").exists(), "no worker was killed"
    assert {name: record.state for name, record in there.items()} == dict.fromkeys((*NAMES, "z"), "done")
    assert processes_left(before) == []
    (notebooks / "here").mkdir()
    (notebooks / "here" / "killed-once").touch()  # on one machine it would be this process
    here = run_jobs(notebooks / "here", *NAMES)
    assert {record.state for record in here.values()} == {"done"}
    published = small_jobs.published(notebooks / "there")
    mine = small_jobs.published(notebooks / "here")
    assert len(mine) == 2 * len(NAMES)
    assert {name: published[name] for name in mine} == mine
    assert set(published) - set(mine) == {"findings/z.json", "notebooks/o/z/once.ipynb"}


@pytest.mark.slow
def test_a_job_that_kills_its_workers_fails_alone(notebooks: Path, monkeypatch):
    monkeypatch.setattr(cluster, "DEATHS", 1)
    before = children()
    records = run_jobs(notebooks / "run", "a", "p:poison", "b", "c", scheduler="local:2")
    assert records["p"].state == "failed"
    assert records["p"].error == "2 workers died while they ran it"
    assert {records[name].state for name in "abc"} == {"done"}
    assert {r.id: r.state for r in read_records(notebooks / "run")}["o/p/poison"] == "failed"
    assert processes_left(before) == []


@contextlib.contextmanager
def dask_cluster(folder: Path, count: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers in processes of their own, as an operator would start them."""
    started: list[subprocess.Popen[bytes]] = []

    def dask(*arguments: str, log: str) -> subprocess.Popen[bytes]:
        with (folder / log).open("wb") as handle:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments], stdout=handle, stderr=handle, cwd=folder, start_new_session=True
            )
        started.append(process)
        return process

    try:
        dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", log="scheduler.log")
        end = time.monotonic() + 60
        while not (found := re.search(r"tcp://127\.0\.0\.1:\d+", (folder / "scheduler.log").read_text())):
            assert time.monotonic() < end
            time.sleep(0.1)
        workers = [
            dask("worker", found[0], "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder), log=f"worker-{i}.log")
            for i in range(count)
        ]
        yield found[0], workers
    finally:
        for process in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                family = psutil.Process(process.pid).children(recursive=True)
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=20)
                for item in psutil.wait_procs(family, timeout=5)[1]:
                    item.kill()
            process.kill()
            process.wait()


@pytest.mark.slow
def test_workers_killed_at_random_moments_on_a_cluster_by_address(notebooks: Path):
    """Kills of worker processes (their nannies start others); at the end nothing is lost, and all of it as on one machine."""
    names = tuple("abcdefghijkl")
    run_jobs(notebooks / "here", *names)
    dice, kills = random.Random(5), 3
    with dask_cluster(notebooks, 2) as (address, workers):
        killed: list[int] = []
        over = threading.Event()

        def kill_some() -> None:
            while len(killed) < kills and not over.wait(dice.uniform(4, 8)):
                nanny = psutil.Process(dice.choice(workers).pid)
                victims = [p for p in nanny.children() if "spawn_main" in " ".join(p.cmdline())]
                if victims:
                    victims[0].send_signal(signal.SIGKILL)
                    killed.append(victims[0].pid)

        killer = threading.Thread(target=kill_some)
        killer.start()
        try:
            records: dict[str, JobRecord] = {}
            turn = 0
            while len(killed) < kills:  # the jobs are short; as many turns as the kills need
                turn += 1
                assert turn < 20
                run = notebooks / f"there-{turn}"
                records = run_jobs(run, *names, scheduler=address)
                assert {record.state for record in records.values()} == {"done"}, records
                assert small_jobs.published(run) == small_jobs.published(notebooks / "here")
        finally:
            over.set()
            killer.join()
        strays = [
            p.pid for w in workers for p in psutil.Process(w.pid).children(recursive=True) if "nursery" in " ".join(p.cmdline())
        ]
        assert strays == [], "a nursery outlived its run"


@pytest.mark.parametrize("words", ["local:", "local:0", "local:two", "local", "host", "tcp://host"])
def test_words_that_name_no_cluster_are_refused(words, capsys):
    code = cli.main(["run", "--design", "x", "--data", "nowhere", "--scheduler", words])
    assert code == 2
    assert f"--scheduler {words}" in capsys.readouterr().err


def test_the_missing_package_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"requirements/cluster\.txt"):
        cluster.check_scheduler("local:2")
    cluster.check_scheduler("")


def test_a_scheduler_that_does_not_answer(notebooks: Path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ConfigurationError, match=r"127\.0\.0\.1:9: no scheduler answers there"):
        run_jobs(notebooks / "run", "a", scheduler="127.0.0.1:9")


def site(folder: Path) -> worker.Site:
    (folder / "work").mkdir()
    return worker.Site(run=folder, work=folder / "work", notebooks=project.NOTEBOOKS, contracts="", cell_seconds=9, job_seconds=9)


def test_workers_that_differ_are_refused_all_together(tmp_path):
    mine = site(tmp_path)
    same = worker.look_around(mine.work, "")
    other = worker.Look(parts={**same.parts, "code": "x", "folder": ""})
    answers = {"w1": same, "w2": other, "w3": ModuleNotFoundError("No module named 'x'"), "w4": OSError("it just died")}
    client = SimpleNamespace(run=lambda *a, **k: answers)
    with pytest.raises(ConfigurationError) as caught:
        cluster._check_workers(client, mine)
    said = str(caught.value)
    assert "worker w1:" not in said
    assert "worker w4:" not in said
    for words in (
        "w2: it does not see the run folder",
        "w2: its code is another",
        "w3: ModuleNotFoundError: No module named 'x'",
        "requirements/cluster.txt",
    ):
        assert words in said


def test_a_job_given_out_twice_is_done_once(tmp_path, monkeypatch):
    mine = site(tmp_path)
    monkeypatch.setattr(worker, "get_worker", lambda: SimpleNamespace(plugins={"n": worker.Bench(mine)}))
    (job,) = (item.job for item in small_jobs.plan(tmp_path, "a").jobs)
    record = JobRecord(id=job.id, key=job.key, state="done", seconds=1.0, results=())
    (tmp_path / "notebooks/o/a").mkdir(parents=True)
    (tmp_path / f"notebooks/{job.id}.ipynb").touch()
    write_record(tmp_path, record)
    assert worker.run_job(job, "n") == record
    mine.work.rmdir()
    with pytest.raises(supervise.Abandoned):
        worker.run_job(job, "n")


def test_a_job_nobody_waits_for_is_stopped_and_writes_nothing(tmp_path):
    (job,) = (item.job for item in small_jobs.plan(tmp_path, "a").jobs)
    folder = tmp_path / "work"
    folder.mkdir()
    process = subprocess.Popen(["sleep", "60"])
    item = supervise.Running(job=job, folder=folder, process=process, started=time.monotonic())
    threading.Timer(0.2, folder.rmdir).start()
    with pytest.raises(supervise.Abandoned):
        supervise.watch_job(item, tmp_path, job_seconds=30)
    assert process.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_calls_shared_out_give_the_same_answers_and_a_dead_worker_costs_its_chunk(tmp_path):
    tasks = [(n, tmp_path) for n in range(8)]
    shared_out = spread(small_jobs.square_or_die, tasks, scheduler="local:2", chunk=2)
    assert (tmp_path / "died").exists(), "no worker was killed"
    assert shared_out == spread(small_jobs.square, range(8)) == [0, 1, 4, 9, 16, 25, 36, 49]


@pytest.mark.slow
def test_a_call_that_kills_its_workers_is_named(monkeypatch):
    monkeypatch.setattr(cluster, "DEATHS", 1)
    with pytest.raises(ConfigurationError, match=r"tasks 3 to 4 of 6: 2 workers died"):
        spread(small_jobs.die_at_three, range(6), scheduler="local:2", chunk=2)

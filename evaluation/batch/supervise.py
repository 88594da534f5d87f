"""One job supervised: started in a folder and process of its own, watched, stopped when late, and published whole."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path

from evaluation.batch.credentials import withhold_secrets
from evaluation.batch.job import EXECUTED, VERDICT
from evaluation.batch.kernels import KERNEL
from evaluation.batch.ledger import JobRecord, read_record, write_record
from evaluation.batch.notebooks import INPUTS
from evaluation.batch.nursery import WarmProcess, fork
from evaluation.batch.plan import Job, is_done

POLL_SECONDS = 0.02

_ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS")
}
"""Two jobs of two threads each are slower than two of one, and sums come out in another order."""

_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
"""GNU's C library then keeps what large arrays leave for the next ones, instead of returning it and asking for it page by page.
It takes no larger first number."""


class Abandoned(Exception):
    """Nobody waits for the job any more: its working folder was taken away."""


@dataclass(slots=True)
class Running:
    """A job that is running."""

    job: Job
    folder: Path
    process: subprocess.Popen[bytes] | WarmProcess
    started: float

    def is_late(self, seconds: int) -> bool:
        """Whether it has taken longer than it may."""
        return time.monotonic() - self.started > seconds


def job_environment() -> dict[str, str]:
    """Environment of every process of a batch: one thread, sets in the same order every time, and no secrets."""
    return withhold_secrets(os.environ) | _ONE_THREAD | _KEEP_MEMORY | {"PYTHONHASHSEED": "0", "JUPYTER_PREFER_ENV_PATH": "1"}


def start_job(
    job: Job, run: Path, folder: Path, *, notebooks: Path, environment: Mapping[str, str], nursery: str, cell_seconds: int
) -> Running:
    """Start a job in `folder`, which must not exist: a fork of the nursery at an address, or plainly where none answers."""
    folder.mkdir(parents=True)
    for name in (*job.needs, *job.reads):
        record = read_record(run, name)
        for result in record.results if record else ():
            copy = folder / INPUTS / result
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run / result, copy)
    spec = {
        "notebook": str(notebooks / job.notebook),
        "parameters": dict(job.parameters),
        "results": () if job.optional else job.results,
        "kernel": KERNEL,
        "cell_seconds": cell_seconds,
    }
    spec_file, log_file = folder / "spec.json", folder / "log.txt"
    spec_file.write_text(json.dumps(spec), "utf-8")
    started = time.monotonic()
    if nursery:
        with contextlib.suppress(OSError):  # it was killed; the others need not suffer
            warm = fork(nursery, "job", [str(spec_file)], environment=environment, folder=str(folder), log=str(log_file))
            return Running(job=job, folder=folder, process=warm, started=started)
    with log_file.open("wb") as log:
        plain = subprocess.Popen(
            [sys.executable, "-m", "evaluation.batch.job", str(spec_file), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(environment),
            cwd=folder,
        )
    return Running(job=job, folder=folder, process=plain, started=started)


def watch_job(item: Running, run: Path, *, job_seconds: int) -> JobRecord:
    """Wait for a job to end, stop it when it is late, and publish what it left.

    Raises
    ------
    Abandoned
        If its folder was taken away meanwhile; the job is then stopped, and nothing is written.
    """
    late = 0
    try:
        while item.process.poll() is None:
            if not item.folder.exists():
                raise Abandoned(item.job.id)
            if item.is_late(job_seconds):
                late = job_seconds
                break
            wait_for_end([item])
    finally:
        if item.process.poll() is None:
            stop_process(item.process)
    return finish_job(item, run, late=late)


def wait_for_end(running: Sequence[Running]) -> None:
    """Wait a moment, or until a job ends if that is sooner; a job that was started plainly does not say so."""
    warm = [item.process.connection for item in running if isinstance(item.process, WarmProcess)]
    if warm:
        wait_for_any(warm, POLL_SECONDS)
    else:
        time.sleep(POLL_SECONDS)


def finish_job(item: Running, run: Path, *, late: int) -> JobRecord:
    """Publish what a job that ended left, results first and its record last; `late` is the limit it was stopped for, or 0."""
    if not item.folder.exists():
        raise Abandoned(item.job.id)
    job, parts, seconds = item.job, dict(item.job.parts), round(time.monotonic() - item.started, 2)
    try:
        problem = json.loads((item.folder / VERDICT).read_text("utf-8"))["problem"]
    except (OSError, ValueError):
        tail = (item.folder / "log.txt").read_text("utf-8", errors="replace").strip().splitlines()[-1:]
        problem = (
            f"stopped after {late} s, the longest a notebook may take"
            if late
            else f"the process ended with {item.process.returncode}; {' '.join(tail) or 'no message'}"
        )
    executed = item.folder / EXECUTED
    target = run / "notebooks" / f"{job.id}.ipynb"
    failed = target.with_suffix(".failed.ipynb")
    if problem:
        before = read_record(run, job.id)
        if before is not None and is_done(before, job.key, run):  # another worker was given the same job, and did it
            return before
        if executed.exists():
            failed.parent.mkdir(parents=True, exist_ok=True)
            executed.replace(failed)
            problem += f" (see {failed.relative_to(run)})"
        record = JobRecord(id=job.id, key=job.key, state="failed", seconds=seconds, results=(), error=problem, parts=parts)
    else:
        left = tuple(name for name in job.results if (item.folder / name).is_file())
        for name in left:
            (run / name).parent.mkdir(parents=True, exist_ok=True)
            (item.folder / name).replace(run / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        executed.replace(target)
        failed.unlink(missing_ok=True)
        record = JobRecord(id=job.id, key=job.key, state="done", seconds=seconds, results=left, parts=parts)
    write_record(run, record)
    return record


def stop_process(process: subprocess.Popen[bytes] | WarmProcess) -> None:
    """End a job and its kernel, children first."""
    if isinstance(process, subprocess.Popen):
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
    process.kill()
    process.wait()

"""Run the jobs of a plan with papermill, a few at a time, each in a supervised process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluation import project
from evaluation.batch.job import EXECUTED, VERDICT
from evaluation.batch.kernels import KERNEL, ensure_kernel
from evaluation.batch.ledger import JobRecord, write_record
from evaluation.batch.nursery import WarmProcess, fork, open_nursery
from evaluation.batch.plan import Job, Plan
from evaluation.errors import ConfigurationError

CELL_SECONDS = 600
"""Longest time one cell may take; the estimates of one area take seconds."""
JOB_SECONDS = 1200
POLL_SECONDS = 0.02
WORTH_WARMING = 3
"""Fewer jobs than this end sooner without a nursery."""

_ONE_THREAD = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS")
}
"""Two jobs of two threads each are slower than two of one, and sums come out in another order."""


@dataclass(slots=True)
class _Running:
    job: Job
    folder: Path
    process: subprocess.Popen[bytes] | WarmProcess
    started: float


@contextlib.contextmanager
def lock_run(run: Path) -> Iterator[None]:
    """Hold a run folder for one process; a `ConfigurationError` names the process that has it."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        handle = (run / ".lock").open("a+")
    except OSError as error:
        raise ConfigurationError(f"{run}: cannot write there ({error.strerror}); name another folder with --out.") from error
    with handle:
        try:
            import fcntl
        except ImportError:  # Windows has no such lock; two runs in one folder are then the user's care
            yield
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            raise ConfigurationError(
                f"{run}: process {handle.read().strip()} is running there; wait for it, or use --out."
            ) from error
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        try:
            yield
        finally:
            if [path.name for path in run.iterdir()] == [".lock"]:  # refused before anything was written
                shutil.rmtree(run)


def run_plan(
    plan: Plan, run: Path, *, jobs: int = 0, on_end: Callable[[Job, JobRecord], None] | None = None
) -> tuple[JobRecord, ...]:
    """Run what a plan has not done yet.

    Parameters
    ----------
    plan : Plan
    run : Path
        Run folder; it must hold ``panel.parquet``.
    jobs : int
        How many notebooks at once; 0 = one a processor.
    on_end : callable, optional
        Told of every job as it ends.

    Returns
    -------
    tuple of JobRecord
        Records of the jobs run now, in order of ending. A failed job is a record with ``state == "failed"``; the others go on.
    """
    waiting = list(plan.to_run)
    if not waiting:
        return ()
    ensure_kernel()
    work = run.resolve() / ".work"
    shutil.rmtree(work, ignore_errors=True)
    running: list[_Running] = []
    records: list[JobRecord] = []
    nursery = open_nursery(_environment()) if len(waiting) >= WORTH_WARMING else contextlib.nullcontext(enter_result=False)
    with nursery as is_warm:
        try:
            while waiting or running:
                while waiting and len(running) < (jobs or os.cpu_count() or 1):
                    running.append(_start(waiting.pop(0), work, is_warm=is_warm))
                for item in list(running):
                    late = time.monotonic() - item.started > JOB_SECONDS
                    if item.process.poll() is None and not late:
                        continue
                    if late:
                        _stop(item.process)
                    running.remove(item)
                    record = _finish(item, run, late=late)
                    records.append(record)
                    if on_end:
                        on_end(item.job, record)
                time.sleep(POLL_SECONDS)
        finally:
            for item in running:
                _stop(item.process)
            shutil.rmtree(work, ignore_errors=True)
    return tuple(records)


def _start(job: Job, work: Path, *, is_warm: bool) -> _Running:
    folder = work / job.id.replace("/", ".")
    folder.mkdir(parents=True)
    spec = {
        "notebook": str(project.NOTEBOOKS / job.notebook),
        "parameters": dict(job.parameters),
        "results": job.results,
        "kernel": KERNEL,
        "cell_seconds": CELL_SECONDS,
    }
    spec_file, log_file = folder / "spec.json", folder / "log.txt"
    spec_file.write_text(json.dumps(spec), "utf-8")
    environment = _environment()
    started = time.monotonic()
    if is_warm:
        warm = fork("job", [str(spec_file)], environment=environment, folder=str(folder), log=str(log_file))
        return _Running(job=job, folder=folder, process=warm, started=started)
    with log_file.open("wb") as log:
        plain = subprocess.Popen(
            [sys.executable, "-m", "evaluation.batch.job", str(spec_file)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=folder,
        )
    return _Running(job=job, folder=folder, process=plain, started=started)


def _environment() -> dict[str, str]:
    return os.environ | _ONE_THREAD | {"PYTHONHASHSEED": "0", "JUPYTER_PREFER_ENV_PATH": "1"}


def _finish(item: _Running, run: Path, *, late: bool) -> JobRecord:
    """Publish what a job left, results first and its record last."""
    job, seconds = item.job, round(time.monotonic() - item.started, 2)
    try:
        problem = json.loads((item.folder / VERDICT).read_text("utf-8"))["problem"]
    except (OSError, ValueError):
        tail = (item.folder / "log.txt").read_text("utf-8", errors="replace").strip().splitlines()[-1:]
        problem = (
            f"stopped after {JOB_SECONDS} s"
            if late
            else f"the process ended with {item.process.returncode}; {' '.join(tail) or 'no message'}"
        )
    executed = item.folder / EXECUTED
    target = run / "notebooks" / f"{job.id}.ipynb"
    failed = target.with_suffix(".failed.ipynb")
    if problem:
        if executed.exists():
            failed.parent.mkdir(parents=True, exist_ok=True)
            executed.replace(failed)
            problem += f" (see {failed.relative_to(run)})"
        record = JobRecord(id=job.id, key=job.key, state="failed", seconds=seconds, results=(), error=problem)
    else:
        for name in job.results:
            (run / name).parent.mkdir(parents=True, exist_ok=True)
            (item.folder / name).replace(run / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        executed.replace(target)
        failed.unlink(missing_ok=True)
        record = JobRecord(id=job.id, key=job.key, state="done", seconds=seconds, results=job.results)
    write_record(run, record)
    return record


def _stop(process: subprocess.Popen[bytes] | WarmProcess) -> None:
    """End a job and its kernel, children first."""
    if isinstance(process, subprocess.Popen):
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
    process.kill()
    process.wait()

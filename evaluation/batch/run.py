"""Run the jobs of a plan with papermill, a few at a time, each in a supervised process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evaluation import project
from evaluation.batch.job import EXECUTED, VERDICT
from evaluation.batch.kernels import KERNEL
from evaluation.batch.ledger import JobRecord, read_record, write_record
from evaluation.batch.notebooks import INPUTS
from evaluation.batch.nursery import WarmProcess, fork, open_nursery
from evaluation.batch.plan import Job, Plan, is_done
from evaluation.batch.preflight import check_before
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
    plan: Plan,
    run: Path,
    *,
    jobs: int = 0,
    on_start: Callable[[Job], None] | None = None,
    on_end: Callable[[Job, JobRecord], None] | None = None,
    cell_seconds: int = CELL_SECONDS,
    job_seconds: int = JOB_SECONDS,
) -> tuple[JobRecord, ...]:
    """Run what a plan has not done yet, wave by wave.

    Parameters
    ----------
    plan : Plan
    run : Path
        Run folder; it must hold ``panel.parquet``.
    jobs : int
        How many notebooks at once; 0 = one a processor.
    on_start, on_end : callable, optional
        Told of every job as it starts and as it ends.
    cell_seconds, job_seconds : int
        Longest time one cell, and one notebook, may take.

    Returns
    -------
    tuple of JobRecord
        Records of the jobs run now, in order of ending. A failed job is a record with ``state == "failed"``; the others go on. A
        job whose inputs turn out to be missing is one with ``state == "refused"``.

    Raises
    ------
    ConfigurationError
        If the kernel, the disk or the folder would not do; nothing is started then.
    """
    waiting = list(plan.to_run)
    if not waiting:
        return ()
    check_before(waiting, run)
    work = run.resolve() / ".work"
    shutil.rmtree(work, ignore_errors=True)
    crew = _Crew(
        run=run,
        work=work,
        limits={"cell_seconds": cell_seconds, "job_seconds": job_seconds},
        on_start=on_start or (lambda job: None),
        on_end=on_end or (lambda job, record: None),
    )
    nursery = open_nursery(_environment()) if len(waiting) >= WORTH_WARMING else contextlib.nullcontext(enter_result=False)
    with nursery as crew.is_warm:
        try:
            for wave in sorted({job.wave for job in waiting}):
                crew.run_wave([job for job in waiting if job.wave == wave], jobs or os.cpu_count() or 1)
        finally:
            for item in crew.running:
                _stop(item.process)
            shutil.rmtree(work, ignore_errors=True)
    return tuple(crew.records)


@dataclass(slots=True, kw_only=True)
class _Crew:
    """The jobs that are running, and the records of those that ended."""

    run: Path
    work: Path
    limits: Mapping[str, int]
    on_start: Callable[[Job], None]
    on_end: Callable[[Job, JobRecord], None]
    is_warm: bool = False
    running: list[_Running] = field(default_factory=list)
    records: list[JobRecord] = field(default_factory=list)

    def run_wave(self, waiting: list[Job], at_once: int) -> None:
        """Run jobs that do not read each other."""
        while waiting or self.running:
            while waiting and len(self.running) < at_once:
                self._begin(waiting.pop(0))
            for item in list(self.running):
                late = time.monotonic() - item.started > self.limits["job_seconds"]
                if item.process.poll() is None and not late:
                    continue
                if late:
                    _stop(item.process)
                self.running.remove(item)
                self._end(item.job, _finish(item, self.run, late=self.limits["job_seconds"] if late else 0))
            time.sleep(POLL_SECONDS)

    def _begin(self, job: Job) -> None:
        there = {name: key for name, key in job.needs.items() if is_done(read_record(self.run, name), key, self.run)}
        job = job.reading(there)
        if len(there) < job.least:
            reason = f"it reads the estimates of at least {job.least} areas; {len(there)} are there"
            record = JobRecord(
                id=job.id, key=job.key, state="refused", seconds=0.0, results=(), error=reason, parts=dict(job.parts)
            )
            write_record(self.run, record)
            self._end(job, record)
            return
        before = read_record(self.run, job.id)
        if before is not None and is_done(before, job.key, self.run):  # what failed before has failed again: nothing new to read
            self._end(job, before)
            return
        self.on_start(job)
        self.running.append(_start(job, self.run, self.work, is_warm=self.is_warm, cell_seconds=self.limits["cell_seconds"]))

    def _end(self, job: Job, record: JobRecord) -> None:
        self.records.append(record)
        self.on_end(job, record)


def _start(job: Job, run: Path, work: Path, *, is_warm: bool, cell_seconds: int) -> _Running:
    folder = work / job.id.replace("/", ".")
    folder.mkdir(parents=True)
    for name in job.needs:
        record = read_record(run, name)
        for result in record.results if record else ():
            copy = folder / INPUTS / result
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run / result, copy)
    spec = {
        "notebook": str(project.NOTEBOOKS / job.notebook),
        "parameters": dict(job.parameters),
        "results": () if job.optional else job.results,
        "kernel": KERNEL,
        "cell_seconds": cell_seconds,
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


def _finish(item: _Running, run: Path, *, late: int) -> JobRecord:
    """Publish what a job left, results first and its record last."""
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

"""Run the jobs of a plan with papermill, wave by wave, here or on a cluster."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from evaluation import project
from evaluation.batch.ledger import JobRecord, read_record, write_record
from evaluation.batch.notebooks import POOLED
from evaluation.batch.nursery import open_nursery
from evaluation.batch.plan import Job, Plan, is_done
from evaluation.batch.preflight import check_before, check_links
from evaluation.batch.supervise import Running, finish_job, job_environment, start_job, stop_process, wait_for_end
from evaluation.errors import ConfigurationError

CELL_SECONDS = 600
"""Longest time one cell may take; the estimates of one area take seconds."""
JOB_SECONDS = 1200
WORTH_WARMING = 3
"""Fewer jobs than this end sooner without a nursery."""


class Workplace(Protocol):
    """Where jobs run: this machine, or a cluster (`evaluation.batch.cluster`)."""

    @property
    def is_busy(self) -> bool:
        """Whether a job is running."""

    def has_room(self) -> bool:
        """Whether another job can start now."""

    def start(self, job: Job) -> None:
        """Start a job."""

    def take_ended(self) -> Iterator[tuple[Job, JobRecord]]:
        """The jobs that ended since it was last asked, each with its record."""

    def wait(self) -> None:
        """Wait a moment, or until a job ends if that is sooner."""


@contextlib.contextmanager
def lock_run(run: Path) -> Iterator[None]:
    """Hold a run folder for one process; a `ConfigurationError` names the process that has it, or a link that leads out of it."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        check_links(run)
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
    scheduler: str = "",
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
        How many notebooks at once; 0 = one a processor, or one a thread of the cluster.
    scheduler : str
        Address of a dask scheduler, or ``local:N`` for N workers here; empty = supervised processes of this machine.
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
        If the kernel, the disk, the folder or the cluster would not do; nothing is started then. Also if the cluster goes away.
    """
    waiting = list(plan.to_run)
    if not waiting:
        return ()
    check_before(len(waiting), run)
    work = run.resolve() / ".work"
    shutil.rmtree(work, ignore_errors=True)
    limits = {"cell_seconds": cell_seconds, "job_seconds": job_seconds}
    try:
        with _open_place(run.resolve(), work, waiting, limits, jobs=jobs, scheduler=scheduler) as place:
            crew = _Crew(
                run=run, place=place, on_start=on_start or (lambda job: None), on_end=on_end or (lambda job, record: None)
            )
            for wave in sorted({job.wave for job in waiting}):
                # what is pooled over areas takes longest: begun last it would leave processors with nothing to do
                crew.run_wave(sorted((job for job in waiting if job.wave == wave), key=lambda job: job.area != POOLED))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return tuple(crew.records)


def _open_place(
    run: Path, work: Path, waiting: list[Job], limits: Mapping[str, int], *, jobs: int, scheduler: str
) -> contextlib.AbstractContextManager[Workplace]:
    if not scheduler:
        return _open_here(run, work, limits, at_once=jobs or os.cpu_count() or 1, warm=len(waiting) >= WORTH_WARMING)
    from evaluation.batch.cluster import open_cluster

    return open_cluster(scheduler, run, work, at_most=jobs, **limits)


@contextlib.contextmanager
def _open_here(run: Path, work: Path, limits: Mapping[str, int], *, at_once: int, warm: bool) -> Iterator[Workplace]:
    environment = job_environment()
    with open_nursery(environment) if warm else contextlib.nullcontext(enter_result="") as address:
        place = _Here(run=run, work=work, limits=limits, at_once=at_once, environment=environment, address=address)
        try:
            yield place
        finally:
            for item in place.running:
                stop_process(item.process)


@dataclass(slots=True, kw_only=True)
class _Here:
    """On this machine: a few supervised processes at once."""

    run: Path
    work: Path
    limits: Mapping[str, int]
    at_once: int
    environment: Mapping[str, str]
    address: str
    """Of the nursery; empty where jobs start plainly."""
    running: list[Running] = field(default_factory=list)

    @property
    def is_busy(self) -> bool:
        return bool(self.running)

    def has_room(self) -> bool:
        return len(self.running) < self.at_once

    def start(self, job: Job) -> None:
        folder = self.work / job.id.replace("/", ".")
        self.running.append(
            start_job(
                job,
                self.run,
                folder,
                notebooks=project.NOTEBOOKS,
                environment=self.environment,
                nursery=self.address,
                cell_seconds=self.limits["cell_seconds"],
            )
        )

    def take_ended(self) -> Iterator[tuple[Job, JobRecord]]:
        limit = self.limits["job_seconds"]
        for item in list(self.running):
            late = item.is_late(limit)
            if item.process.poll() is None and not late:
                continue
            if late:
                stop_process(item.process)
            self.running.remove(item)
            yield item.job, finish_job(item, self.run, late=limit if late else 0)

    def wait(self) -> None:
        wait_for_end(self.running)


@dataclass(slots=True, kw_only=True)
class _Crew:
    """Gives jobs to a workplace, and keeps the records of those that ended."""

    run: Path
    place: Workplace
    on_start: Callable[[Job], None]
    on_end: Callable[[Job, JobRecord], None]
    records: list[JobRecord] = field(default_factory=list)

    def run_wave(self, waiting: list[Job]) -> None:
        """Run jobs that do not read each other."""
        while waiting or self.place.is_busy:
            while waiting and self.place.has_room():
                self._begin(waiting.pop(0))
            for job, record in self.place.take_ended():
                self._end(job, record)
            if waiting or self.place.is_busy:
                self.place.wait()

    def _begin(self, job: Job) -> None:
        read = {**job.needs, **job.reads}
        job = job.reading({name: key for name, key in read.items() if is_done(read_record(self.run, name), key, self.run)})
        if len(job.needs) < job.least:
            reason = f"it reads the estimates of at least {job.least} areas; {len(job.needs)} are there"
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
        self.place.start(job)

    def _end(self, job: Job, record: JobRecord) -> None:
        self.records.append(record)
        self.on_end(job, record)

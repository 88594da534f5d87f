"""A plan on a dask.distributed cluster: the same jobs, keys and ledger, each job in a supervised process beside its worker.

The run folder lies on a file system that this machine and every worker see at the same path. A worker that dies costs only the
job it had: it is given to another. A job that kills its workers fails, and the others go on.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation import project
from evaluation.batch.ledger import JobRecord, write_record
from evaluation.batch.nursery import open_nursery
from evaluation.batch.plan import Job
from evaluation.batch.supervise import POLL_SECONDS
from evaluation.errors import ConfigurationError

if TYPE_CHECKING:
    from distributed import Client, Future

    from evaluation.batch.worker import Site

LOCAL = "local:"
CONNECT_SECONDS = 20
WORKER_SECONDS = 60
"""How long a cluster may be without a worker."""
DEATHS = 2
"""Workers a job may kill on a cluster of ours before it fails; a cluster by address has its own limit (dask's is 3)."""
LOOK_SECONDS = 1.0
"""Between two questions how many workers there are."""


def check_scheduler(scheduler: str) -> None:
    """Refuse a scheduler that cannot be used, before anything is started; empty is fine.

    Raises
    ------
    ConfigurationError
        If the package is missing or the words are not ``local:N`` or an address.
    """
    if not scheduler:
        return
    if importlib.util.find_spec("distributed") is None:
        raise ConfigurationError(
            "--scheduler needs dask.distributed, which is not installed here. Install it with `make cluster`, or in an "
            "environment of your own with: pip install --require-hashes -r requirements/cluster.txt. Or leave --scheduler out."
        )
    number = scheduler.removeprefix(LOCAL)
    if scheduler.split(":")[0] == LOCAL[:-1]:
        if not number.isdecimal() or int(number) < 1:
            raise ConfigurationError(f"--scheduler {scheduler}: how many workers? Write local:2 for two on this machine.")
    elif not scheduler.rpartition(":")[2].isdecimal():
        raise ConfigurationError(
            f"--scheduler {scheduler}: neither local:N nor an address with a port, such as tcp://host:8786; `dask scheduler` "
            "prints its own when it starts."
        )


def workers_here(scheduler: str) -> int:
    """N of ``local:N``; 0 for an address, whose size is not known before it is asked."""
    return int(scheduler.removeprefix(LOCAL)) if scheduler.startswith(LOCAL) else 0


@contextlib.contextmanager
def open_cluster(
    scheduler: str, run: Path, work: Path, *, cell_seconds: int, job_seconds: int, at_most: int = 0
) -> Iterator[Cluster]:
    """Open a cluster for one run.

    Parameters
    ----------
    scheduler : str
        ``local:N`` or an address.
    run, work : Path
        Run folder and, in it, the folder of what is being done; whole paths.
    cell_seconds, job_seconds : int
        Longest time one cell, and one notebook, may take.
    at_most : int
        How many jobs at once; 0 = one a thread of the cluster.

    Raises
    ------
    ConfigurationError
        If nobody answers, there is no worker, or a worker would not give the same results.
    """
    from evaluation.batch.worker import Bench, Site, contracts_here, surroundings_of

    check_scheduler(scheduler)
    own = work / uuid.uuid4().hex[:8]
    shutil.copytree(project.NOTEBOOKS, own / "notebooks", ignore=_only_notebooks)
    site = Site(
        run=run,
        work=own,
        notebooks=own / "notebooks",
        contracts=contracts_here(),
        cell_seconds=cell_seconds,
        job_seconds=job_seconds,
    )
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(connect(scheduler))
        site = replace(site, expected=_check_workers(client, site))
        if workers_here(scheduler):
            site = replace(site, is_ours=True, nursery=stack.enter_context(open_nursery(surroundings_of(site.contracts))))
        name = f"trailblazer-{own.name}"
        client.register_plugin(Bench(site), name=name)
        place = Cluster(client=client, site=site, name=name, at_most=at_most)
        try:
            yield place
        finally:
            shutil.rmtree(work, ignore_errors=True)  # tells the workers that nobody waits any more
            with contextlib.suppress(Exception):  # the scheduler may be gone; what is to be said about that is being said
                client.cancel(list(place.futures))
                client.unregister_worker_plugin(name)


@dataclass(slots=True, kw_only=True)
class Cluster:
    """The workers of a cluster; as many jobs are given out as there are threads, so that a death concerns few."""

    client: Client
    site: Site
    name: str
    at_most: int
    futures: dict[Future[JobRecord], tuple[Job, float]] = field(default_factory=dict)
    """What was given out, and when."""
    _threads: int = 0
    _asked: float = 0.0
    _alone_since: float | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job was given out and has not ended."""
        return bool(self.futures)

    def has_room(self) -> bool:
        """Whether a thread of the cluster has nothing to do."""
        self._count_threads()
        return len(self.futures) < (min(self.at_most, self._threads) if self.at_most else self._threads)

    def start(self, job: Job) -> None:
        """Give a job to the scheduler."""
        from evaluation.batch.worker import run_job

        future = self.client.submit(run_job, job, self.name, key=f"{self.name}-{job.id}", pure=False)
        self.futures[future] = (job, time.monotonic())

    def take_ended(self) -> Iterator[tuple[Job, JobRecord]]:
        """The jobs that ended, as they complete."""
        self._count_threads()
        for future, (job, started) in list(self.futures.items()):
            if future.status == "pending":
                continue
            if future.status in ("cancelled", "lost"):
                raise ConfigurationError(
                    "the connection to the scheduler was lost. What was finished is kept; say the same again."
                )
            del self.futures[future]
            yield job, self._record_of(future, job, round(time.monotonic() - started, 2))

    def wait(self) -> None:
        """Wait a moment; the client hears of the end of a job by itself."""
        time.sleep(POLL_SECONDS)

    def _record_of(self, future: Future[JobRecord], job: Job, seconds: float) -> JobRecord:
        error = future.exception()
        if error is None:
            return future.result()
        from distributed import KilledWorker

        said = f"{type(error).__name__}: {error}"
        if isinstance(error, KilledWorker):
            said = f"{error.allowed_failures + 1} workers died while they ran it"
        record = JobRecord(id=job.id, key=job.key, state="failed", seconds=seconds, results=(), error=said, parts=dict(job.parts))
        write_record(self.site.run, record)
        return record

    def _count_threads(self) -> None:
        now = time.monotonic()
        if self._asked and now - self._asked < LOOK_SECONDS:
            return
        self._threads, self._asked = sum(_threads(self.client).values()), now
        if self._threads:
            self._alone_since = None
            return
        self._alone_since = self._alone_since or now
        if now - self._alone_since > WORKER_SECONDS:
            raise ConfigurationError(
                f"the cluster has had no worker for {WORKER_SECONDS} s. What was finished is kept; start workers and "
                "say the same again."
            )


@contextlib.contextmanager
def connect(scheduler: str) -> Iterator[Client]:
    """Connect to a cluster, or start one of N workers here for as long as it is open; see `check_scheduler` for the words.

    Raises
    ------
    ConfigurationError
        If nobody answers or there is no worker.
    """
    import dask
    from distributed import Client, LocalCluster

    with contextlib.ExitStack() as stack:
        if scheduler.startswith(LOCAL):
            stack.enter_context(
                dask.config.set(
                    {"distributed.scheduler.allowed-failures": DEATHS, "distributed.scheduler.worker-saturation": 1.0}
                )
            )
            cluster = LocalCluster(
                n_workers=workers_here(scheduler),
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                memory_limit=None,  # the jobs are processes of their own, which dask does not see
                silence_logs=logging.CRITICAL,  # what happens to a worker is told by its job's record
            )
            stack.enter_context(cluster)
            client = Client(cluster)
        else:
            try:
                client = Client(scheduler, timeout=CONNECT_SECONDS)
            except (OSError, ValueError) as error:
                raise ConfigurationError(
                    f"--scheduler {scheduler}: no scheduler answers there ({str(error).splitlines()[0]}). Start one with "
                    "`dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`."
                ) from error
        stack.enter_context(client)
        try:
            client.wait_for_workers(max(1, workers_here(scheduler)), timeout=WORKER_SECONDS)
        except TimeoutError as error:
            raise ConfigurationError(
                f"--scheduler {scheduler}: no worker within {WORKER_SECONDS} s; start some with "
                f"`dask worker {scheduler} --nthreads 1`."
            ) from error
        yield client


def _threads(client: Client) -> Mapping[str, int]:
    try:
        return client.nthreads()
    except OSError as error:
        raise ConfigurationError(
            "the connection to the scheduler was lost. What was finished is kept; say the same again."
        ) from error


def _check_workers(client: Client, site: Site) -> dict[str, str]:
    """Refuse a cluster on which results could differ; return what every worker has."""
    from evaluation.batch.worker import Look, look_around

    expected = look_around(site.work, site.contracts).parts
    answers = client.run(look_around, site.work, site.contracts, on_error="return")
    problems = []
    for worker, answer in answers.items():
        if isinstance(answer, Look):
            problems += [f"worker {worker}: {text}" for text in answer.differences(expected)]
        elif not isinstance(answer, OSError):  # it went away; what takes its place is looked at with its first job
            problems.append(f"worker {worker}: {type(answer).__name__}: {answer}")
    if problems:
        raise ConfigurationError(
            "\n".join(problems)
            + "\nEvery worker needs this checkout, the packages of requirements/cluster.txt, and the run folder at "
            f"{site.run}; restart the workers after a change."
        )
    return expected


def _only_notebooks(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not name.endswith(".ipynb")}

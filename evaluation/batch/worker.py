"""What runs on a worker of a cluster: one job at a time a thread, in a supervised process of its own, as on one machine.

Imported by `evaluation.batch.cluster` and by the workers, never without dask.distributed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from distributed import WorkerPlugin, get_worker

from evaluation import project
from evaluation.batch.cause import contracts_sha256, environment
from evaluation.batch.kernels import KERNEL
from evaluation.batch.ledger import JobRecord, read_record
from evaluation.batch.nursery import open_nursery
from evaluation.batch.plan import Job, is_done
from evaluation.batch.preflight import kernel_problems
from evaluation.batch.supervise import Abandoned, job_environment, start_job, watch_job
from evaluation.errors import ConfigurationError

CONTRACTS = "TRAILBLAZER_CONTRACTS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A run as its workers see it; every folder is on a file system they share."""

    run: Path
    work: Path
    """Taken away when nobody waits for the run any more; jobs work in folders beside it."""
    notebooks: Path
    contracts: str
    """Folder of contracts where it is not that of the checkout, else empty."""
    is_ours: bool = False
    """Whether the workers were started for this run, and end with it."""
    nursery: str = ""
    """Address of the nursery that such workers share; empty = each opens its own."""
    expected: dict[str, str] = field(default_factory=dict)
    """What `look_around` must answer on every worker."""
    cell_seconds: int
    job_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a worker has, as far as results depend on it."""

    parts: dict[str, str]
    """Part of the surroundings to its hash or state."""

    def differences(self, expected: dict[str, str]) -> list[str]:
        """Parts that are not as they must be, in words."""
        return [_IN_WORDS[part] for part, value in expected.items() if self.parts.get(part) != value]


_IN_WORDS = {
    "folder": "it does not see the run folder",
    "code": "its code is another",
    "packages": "its Python or packages are others",
    "contracts": "its contracts or registers are others",
    "kernel": f"the kernel {KERNEL} cannot be registered",
}


def look_around(work: Path, contracts: str) -> Look:
    """Say what there is here."""
    return Look(
        parts={
            "folder": "seen" if work.is_dir() else "",
            "code": project.code_sha256(),
            "packages": json.dumps(environment(), sort_keys=True),
            "contracts": contracts_sha256(Path(contracts) if contracts else project.CONTRACTS),
            "kernel": "\n".join(kernel_problems()),
        }
    )


class Bench(WorkerPlugin):
    """What a worker keeps for one run: its nursery, opened with the first job and closed with the run or the worker."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def setup(self, worker: object) -> None:
        """Nothing is started before there is a job."""
        if self.site.is_ours and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the run ends its workers itself
        self._lock = threading.Lock()
        self._open = contextlib.ExitStack()
        self._address: str | None = None

    def prepare(self) -> tuple[dict[str, str], str]:
        """Environment of a job, and the address of the nursery, empty where jobs start plainly.

        Raises
        ------
        ConfigurationError
            If this worker would not give the same results; a worker that joined late was not looked at before.
        """
        surroundings = surroundings_of(self.site.contracts)
        with self._lock:
            if self._address is None:
                wrong = look_around(self.site.work, self.site.contracts).differences(self.site.expected)
                if wrong:
                    raise ConfigurationError(f"a worker that joined late would not do: {'; '.join(wrong)}")
                self._address = self.site.nursery or self._open.enter_context(open_nursery(surroundings))
            return surroundings, self._address

    def teardown(self, worker: object) -> None:
        """End what was started for the run."""
        self._open.close()


def run_job(job: Job, name: str) -> JobRecord:
    """Do one job, unless its record says that it is done; `name` is that of the run's `Bench`."""
    bench = get_worker().plugins[name]
    assert isinstance(bench, Bench)
    site = bench.site
    if not site.work.is_dir():
        raise Abandoned(job.id)
    # a task whose answer lay on a worker that died is given out again
    before = read_record(site.run, job.id)
    if before is not None and is_done(before, job.key, site.run):
        return before
    surroundings, nursery = bench.prepare()
    # an attempt by a worker that died may have left a folder; the process is named for whoever looks into it
    folder = site.work.with_name(f"{name}.{job.id.replace('/', '.')}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
    item = start_job(
        job,
        site.run,
        folder,
        notebooks=site.notebooks,
        environment=surroundings,
        nursery=nursery,
        cell_seconds=site.cell_seconds,
    )
    return watch_job(item, site.run, job_seconds=site.job_seconds)


def surroundings_of(contracts: str) -> dict[str, str]:
    """Environment of a job, and of the nursery it is forked from, for a folder of contracts (empty = that of the checkout)."""
    return job_environment() | ({CONTRACTS: contracts} if contracts else {})


def contracts_here() -> str:
    """Folder of contracts that the environment names, whole; empty where it names none."""
    return str(project.CONTRACTS.resolve()) if os.environ.get(CONTRACTS) else ""

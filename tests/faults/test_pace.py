"""Nothing waits for longer than it must: a kernel that is ready, a process that has ended, a processor with nothing to do."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import papermill
import pytest

from evaluation.batch import nursery, parents, supervise
from evaluation.batch import run as batch_run
from evaluation.batch.client import JobKernelClient, JobKernelManager, KernelEndedError
from evaluation.batch.job import execute
from evaluation.batch.ledger import JobRecord
from evaluation.batch.plan import Job, Plan, PlannedJob


def status(question: str, state: str) -> dict[str, Any]:
    return {"parent_header": {"msg_id": question}, "content": {"execution_state": state}}


class Scripted(JobKernelClient):
    """A client whose kernel says what the test has it say; whoever listens after that hears nothing, and it counts."""

    def script(self, *rounds: list[dict[str, Any]], alive: bool = True) -> Scripted:
        self.rounds, self.asked, self.silences, self.lives = list(rounds), 0, 0, alive
        return self

    def kernel_info(self) -> str:
        self.asked += 1
        self.heard = self.rounds.pop(0) if self.rounds else []
        return f"question {self.asked}"

    async def _async_recv_reply(self, msg_id: str, timeout: float | None = None, channel: str = "shell") -> dict[str, Any]:
        if not self.lives:
            raise TimeoutError
        return {"parent_header": {"msg_id": msg_id}, "content": {"protocol_version": "5.3"}}

    async def _async_get_iopub_msg(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if self.heard:
            return self.heard.pop(0)
        self.silences += 1
        raise Empty

    async def _async_is_alive(self) -> bool:
        return self.lives


def test_a_kernel_is_ready_once_it_says_that_it_is_idle_and_nobody_listens_into_the_silence():
    client = Scripted().script([status("", "starting"), status("question 1", "busy"), status("question 1", "idle")])
    asyncio.run(client.wait_for_ready(timeout=5))
    assert (client.asked, client.silences) == (1, 0)


def test_a_kernel_whose_word_was_missed_is_asked_again():
    """The second connection was made too late for the first question: its cells' output would have been missed as well."""
    client = Scripted().script([], [status("question 1", "idle")], [status("question 3", "idle")])
    asyncio.run(client.wait_for_ready(timeout=5))
    assert client.asked == 3


def test_a_kernel_that_has_ended_or_keeps_silent_is_given_up():
    with pytest.raises(RuntimeError, match="ended before it answered"):
        asyncio.run(Scripted().script(alive=False).wait_for_ready(timeout=5))
    with pytest.raises(RuntimeError, match="did not answer in 0 seconds"):
        asyncio.run(Scripted().script().wait_for_ready(timeout=0))


def test_kernel_and_job_talk_through_a_folder_of_their_own_that_goes_with_them():
    async def begin_and_end() -> tuple[Path, str, bool]:
        manager = JobKernelManager()
        await manager.start_kernel()
        folder = Path(manager.connection_file).parent
        there = folder.is_dir()
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
        return folder, manager.transport, there

    folder, transport, there = asyncio.run(begin_and_end())
    assert there
    assert not folder.exists()
    assert transport == ("ipc" if parents.is_supported() else "tcp")


def test_where_temporary_files_lie_too_deep_for_a_socket_the_two_talk_over_tcp(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * 80)))
    assert JobKernelManager().transport == "tcp"


@pytest.mark.parametrize(("ends", "said"), [(1, ""), (2, "the kernel ended before it answered")])
def test_a_kernel_that_ended_before_any_cell_ran_is_started_once_more(monkeypatch, tmp_path, ends, said):
    tries = []

    def run(*args: Any, **kwargs: Any) -> Any:
        tries.append(args)
        if len(tries) <= ends:
            raise KernelEndedError("the kernel ended before it answered")
        return nbformat.v4.new_notebook()

    monkeypatch.setattr(papermill, "execute_notebook", run)
    spec = {"notebook": "x.ipynb", "parameters": {}, "kernel": "x", "cell_seconds": 1, "results": []}
    with pytest.raises(KernelEndedError, match=said) if said else contextlib.nullcontext():
        assert execute(spec, tmp_path) == ""
    assert len(tries) == 2


def test_a_kernel_that_was_told_to_end_is_looked_after_often(monkeypatch):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    manager, answers = JobKernelManager(), iter([True, True, False])

    async def is_alive() -> bool:
        return next(answers)

    monkeypatch.setattr(manager, "_async_is_alive", is_alive)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(manager._async_wait(pollinterval=0.1))
    assert len(slept) == 2
    assert max(slept) <= 0.01


@pytest.fixture
def pair() -> Iterator[tuple[nursery.WarmProcess, socket.socket]]:
    """A warm process and the nursery's end of its connection."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with contextlib.closing(ours), contextlib.closing(theirs):
        yield nursery.WarmProcess(pid=1, connection=ours), theirs


def quick(work: Callable[[], Any]) -> Any:
    began = time.monotonic()
    answer = work()
    assert time.monotonic() - began < 10
    return answer


def test_the_end_of_a_warm_process_is_heard_when_it_comes(pair, monkeypatch, tmp_path):
    process, theirs = pair
    monkeypatch.setattr(supervise, "POLL_SECONDS", 60)
    theirs.sendall(b"3")
    item = supervise.Running(job=job("a"), folder=tmp_path, process=process, started=0.0)
    quick(lambda: supervise.wait_for_end([item]))
    assert quick(lambda: process.wait(timeout=60)) == 3


def test_waiting_for_a_warm_process_has_an_end(pair):
    with pytest.raises(subprocess.TimeoutExpired):
        quick(lambda: pair[0].wait(timeout=0.05))


@pytest.mark.skipif(not parents.is_supported(), reason="there is no nursery here")
def test_the_nursery_hears_of_the_end_of_a_fork():
    before = signal.getsignal(signal.SIGCHLD)
    try:
        with nursery._hear_of_ends() as ended:
            subprocess.run([sys.executable, "-c", ""], check=True)
            assert select.select([ended], [], [], 10)[0]
    finally:
        told = signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, before)
        socket.socket(fileno=told).close()


@pytest.mark.skipif(not parents.is_supported(), reason="there is no nursery here")
def test_a_fork_that_leads_no_session_yet_is_ended_too():
    """It has its parent's session until it is first given the processor, and on a busy machine that takes a while."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        nursery._kill_session(process.pid)
        assert quick(lambda: process.wait(timeout=30)) == -signal.SIGKILL


@pytest.mark.skipif(not parents.is_supported(), reason="a process cannot be told of its parent's end here")
def test_a_job_that_was_started_plainly_ends_with_the_run(tmp_path):
    """Whoever asks for it has ended already: nothing is executed, not even the description of the job is read."""
    command = [sys.executable, "-m", "evaluation.batch.job", str(tmp_path / "none.json"), "1"]
    done = subprocess.run(command, check=False, timeout=60, capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"")
    assert not any(tmp_path.iterdir())


def test_what_is_imported_ahead_is_there():
    assert [name for name in nursery.PRELOAD if importlib.util.find_spec(name) is None] == []


def test_memory_is_kept_by_numbers_the_c_library_takes():
    environment = supervise.job_environment()
    assert 2**20 < int(environment["MALLOC_MMAP_THRESHOLD_"]) <= 2**25
    assert int(environment["MALLOC_TRIM_THRESHOLD_"]) > 2**25


def job(area: str, wave: int = 1) -> Job:
    return Job(notebook="n.ipynb", outcome="o", area=area, area_name=area, parameters={}, results=(), key="k", wave=wave)


class Bench:
    """A workplace for one job at a time, which ends at once."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    @property
    def is_busy(self) -> bool:
        return bool(self.jobs)

    def has_room(self) -> bool:
        return not self.jobs

    def start(self, job: Job) -> None:
        self.jobs.append(job)

    def take_ended(self) -> Iterator[tuple[Job, JobRecord]]:
        while self.jobs:
            item = self.jobs.pop()
            yield item, JobRecord(id=item.id, key=item.key, state="done", seconds=0.0, results=())

    def wait(self) -> None:
        """Nothing to wait for."""


def test_what_takes_longest_is_begun_first_in_each_wave(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(batch_run, "check_before", lambda jobs, run: None)
    monkeypatch.setattr(batch_run, "_open_place", lambda *given, **more: contextlib.nullcontext(Bench()))
    jobs = [job(area, wave) for wave in (1, 2) for area in ("wales", "leeds", "all")]
    plan = Plan(design="d", jobs=tuple(PlannedJob(job=item, record=None, why="not run yet") for item in jobs), refusals=())
    records = batch_run.run_plan(plan, tmp_path)
    assert [record.id.split("/")[1] for record in records] == ["all", "wales", "leeds"] * 2

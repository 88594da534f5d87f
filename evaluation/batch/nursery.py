"""Warm processes: one parent does the heavy imports once and forks a ready process on request.

A notebook spends most of its time importing. The nursery imports once; a job and its kernel are then forks of it, each with a
fresh namespace. It listens on a socket in a folder only its user can open, knows two targets and runs nothing else. A process
whose client goes away is killed with its children, and the nursery itself ends with the run that started it. Were it killed, its
forks would end with it, and what is to start yet starts plainly.

What must not happen before a fork: starting a thread pool that the forks use later. pyfixest's compiled core is the known case:
one model with fixed effects fitted here would hang every fork. So it is imported here, and never fits.

Where forking is unsafe or absent (Windows, macOS) there is no nursery, and everything starts plainly: same results, slower.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from typing import Any, Literal, NoReturn

from evaluation.batch.parents import end_with, is_supported, outlive

ADDRESS = "TRAILBLAZER_NURSERY"
"""Environment variable in which a forked process finds the socket's path."""

PRELOAD = (
    "numpy", "pandas", "scipy.optimize", "scipy.stats", "pyarrow.parquet", "pyarrow.dataset", "yaml", "jsonschema",
    "pyfixest", "pyfixest.estimation", "linearmodels.panel", "statsmodels.api", "statsmodels.formula.api",
    "matplotlib.figure", "matplotlib.pyplot", "matplotlib.backends.backend_svg", "matplotlib_inline.backend_inline",
    "nbformat", "nbclient", "papermill", "jupyter_client", "zmq.asyncio", "tornado.platform.asyncio",
    "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.debugger", "tornado.queues",
    "zmq.utils.garbage", "IPython.core.completerlib", "IPython.core.history", "IPython.core.logger", "IPython.core.oinspect",
    "IPython.core.debugger", "IPython.core.magics.execution", "IPython.core.magics.extension", "IPython.extensions.storemagic",
    "matplotlib.style.core", "pandas.core.arrays.arrow.extension_types", "pandas.io.formats.string",
    "narwhals.stable.v1._namespace", "narwhals._interchange.dataframe", "narwhals._pandas_like.namespace",
    "evaluation.lab.front_end", "evaluation.lab.full", "evaluation.lab.picker", "evaluation.lab.progress",
    "evaluation.results.sheets",
    "evaluation.batch.client", "evaluation.batch.job", "evaluation.batch.warm", "evaluation.evaluate", "evaluation.design.study",
    "evaluation.report.figures", "evaluation.report.figure_event_study", "evaluation.report.tables",
    "evaluation.synthesis.verdict", "evaluation.synthesis.pool",
    "evaluation.power", "evaluation.report.figure_power", "evaluation.report.tables_power",
    "evaluation.stress", "evaluation.report.figure_stress", "evaluation.report.tables_stress",
    "evaluation.spillover", "evaluation.report.tables_spillover", "evaluation.report.sureness",
    "evaluation.report.figure_pool", "evaluation.report.tables_pool",
)  # fmt: skip

Target = Literal["job", "kernel"]
START_SECONDS = 60


# ---------------------------------------------------------------- the client's side


@dataclass(slots=True)
class WarmProcess:
    """A process forked by the nursery, with what callers use of `subprocess.Popen`."""

    pid: int
    connection: socket.socket
    returncode: int | None = None
    stdin: None = None
    stdout: None = None
    stderr: None = None

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""
        if self.returncode is None:
            with contextlib.suppress(BlockingIOError):
                answer = self.connection.recv(16)
                self.returncode = int(answer) if answer else -signal.SIGKILL
                self.connection.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; `subprocess.TimeoutExpired` past `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired("warm process", timeout or 0)
            wait_for_any([self.connection], left)  # its exit code comes, or the connection ends
        return code

    def send_signal(self, number: int) -> None:
        """Signal the process and all it started."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


def fork(
    address: str, target: Target, arguments: Sequence[str], *, environment: Mapping[str, str], folder: str, log: str = os.devnull
) -> WarmProcess:
    """Ask the nursery at an address for a process; `OSError` where none answers. The process knows the address too."""
    environment = {**environment, ADDRESS: address}
    connection = socket.socket(socket.AF_UNIX)
    try:
        return _ask(connection, address, target, arguments, environment, folder, log)
    except BaseException:
        connection.close()
        raise


def _ask(
    connection: socket.socket,
    address: str,
    target: Target,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    log: str,
) -> WarmProcess:
    connection.settimeout(START_SECONDS)
    connection.connect(address)
    request = {"target": target, "arguments": list(arguments), "environment": dict(environment), "folder": folder, "log": log}
    connection.sendall(json.dumps(request).encode() + b"\n")
    with connection.makefile("rb", buffering=0) as reader:
        answer = reader.readline()
    if not answer:
        raise ConnectionError("the nursery closed the connection")
    connection.setblocking(False)
    return WarmProcess(pid=int(answer), connection=connection)


@contextlib.contextmanager
def open_nursery(environment: Mapping[str, str]) -> Iterator[str]:
    """Keep a nursery open for a block; yields its address, empty where there is none."""
    if not is_supported():
        yield ""
        return
    folder = tempfile.mkdtemp(prefix="trailblazer-")
    address = os.path.join(folder, "nursery")
    process = subprocess.Popen(
        [sys.executable, "-m", "evaluation.batch.nursery", address, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        ready = process.stdout.readline() == b"ready\n"
        yield address if ready else ""
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------- the nursery itself


@dataclass(slots=True)
class _Server:
    listener: socket.socket
    selector: selectors.DefaultSelector
    children: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> None:
        """Answer requests until standard input closes."""
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.selector.register(sys.stdin.buffer, selectors.EVENT_READ)
        ended = _hear_of_ends()
        self.selector.register(ended, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.listener:
                    self._answer(self.listener.accept()[0])
                elif key.fileobj is sys.stdin.buffer:
                    return
                elif key.fileobj is ended:
                    ended.recv(4096)
                else:
                    self._client_left(key.data)
            self._reap()

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb", buffering=0) as reader:
            request = json.loads(reader.readline())
        nursery = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become(request, [self.listener, connection, *self.children.values()], nursery)
        connection.sendall(f"{pid}\n".encode())
        connection.setblocking(False)
        self.children[pid] = connection
        self.selector.register(connection, selectors.EVENT_READ, pid)

    def _client_left(self, pid: int) -> None:
        if pid in self.children:
            self._forget(pid)
            _kill_session(pid)

    def _reap(self) -> None:
        while self.children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            connection = self.children.get(pid)
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
                self._forget(pid)

    def _forget(self, pid: int) -> None:
        connection = self.children.pop(pid)
        self.selector.unregister(connection)
        connection.close()


def _hear_of_ends() -> socket.socket:
    """A socket that can be read when a fork has ended."""
    ended, told = socket.socketpair()
    told.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # without a handler there is nothing to be told of
    signal.set_wakeup_fd(told.detach(), warn_on_full_buffer=False)
    return ended


def _become(request: Mapping[str, Any], inherited: Sequence[socket.socket], nursery: int) -> NoReturn:
    """Turn a fresh fork into what was asked for; never returns into the nursery."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for item in inherited:
            item.close()
        os.setsid()
        end_with(nursery)  # were it killed, nobody would know of its forks
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, standard in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, standard)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        _forget_inherited_randomness()
        code = _TARGETS[request["target"]](request["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # the fork ends here whatever happened; its log tells
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def _forget_inherited_randomness() -> None:
    import random

    import numpy as np

    random.seed()
    np.random.seed()  # noqa: NPY002  (the forks would otherwise share one global state)


def _run_job(arguments: Sequence[str]) -> int:
    from evaluation.batch.job import main

    return main(list(arguments))


def _run_kernel(arguments: Sequence[str]) -> int:
    from ipykernel.kernelapp import IPKernelApp

    # pyplot was imported before there was a shell, so nothing shows figures unless the kernel is told to
    sys.argv = ["ipykernel_launcher", *arguments, "--matplotlib=inline", "--HistoryManager.enabled=False"]
    sys.path.insert(0, "")
    IPKernelApp.launch_instance()
    return 0


_TARGETS = {"job": _run_job, "kernel": _run_kernel}


def _kill_session(pid: int) -> None:
    """End a fork and what it started; one so young that it leads no session yet is ended alone."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)


def main(address: str, parent: int) -> None:
    """Import, listen, fork, until the parent goes away."""
    end_with(parent)  # imports take seconds; afterwards the end of standard input says it, and the forks are ended first
    import matplotlib as mpl

    mpl.use("agg")
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # a batch kernel needs no debugger, and importing it is slow
    for name in PRELOAD:
        importlib.import_module(name)
    _work_ahead()
    gc.freeze()  # the forks share these pages; a collection would copy them
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    server = _Server(listener=listener, selector=selectors.DefaultSelector())
    outlive()
    try:
        with contextlib.suppress(BrokenPipeError):  # the run has ended meanwhile, and so does `serve`
            os.write(1, b"ready\n")
        server.serve()
    finally:
        for pid in list(server.children):
            _kill_session(pid)
        Path(address).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # the run that made it removes it, unless it was killed
            Path(address).parent.rmdir()


def _work_ahead() -> None:
    """Do what every fork would do again: read the contracts, compile the schema of notebooks, look for what is installed."""
    from jupyter_client.provisioning import KernelProvisionerFactory
    from matplotlib.backends.registry import backend_registry
    from nbformat import current_nbformat, current_nbformat_minor
    from nbformat.validator import get_validator

    from evaluation.contracts.load import load_contracts
    from evaluation.errors import EvaluationError

    backend_registry.list_all()
    KernelProvisionerFactory.instance()
    get_validator(current_nbformat, current_nbformat_minor)
    with contextlib.suppress(EvaluationError):  # a job says what is wrong with them
        load_contracts(standard=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

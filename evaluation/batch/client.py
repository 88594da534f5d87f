"""How a job talks to its kernel: as Jupyter clients do, without the pauses they make to be sure.

A notebook of the batch runs for a second or two. Jupyter's client listens for 0.2 seconds into the silence of a kernel that has
just answered, and looks every 0.1 seconds whether one that was told to end has ended: both are time in which a processor is idle.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from queue import Empty

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type, default

from evaluation.batch.parents import is_supported

ANSWER_SECONDS = 1.0
"""How long one question to a kernel waits before it is asked again."""
PUBLISHED_SECONDS = 0.2
"""How long after the answer the kernel may take to publish that it is idle."""
POLL_SECONDS = 0.005
LONGEST_FOLDER = 70
"""Bytes of the path of temporary files with which the name of a socket below it fits the 107 that Linux allows."""


class KernelEndedError(RuntimeError):
    """A kernel ended before it had answered, and so before any cell could run."""


class JobKernelClient(AsyncKernelClient):
    """Knows that a kernel is ready by what it publishes, not by its silence."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        """Ask the kernel who it is until it has answered and has published that it is idle again.

        The last thing a kernel does with a question is to publish that it is idle. Whoever hears that is connected to both
        channels, and nothing else of the question will come.

        Raises
        ------
        KernelEndedError
            If the kernel has ended.
        RuntimeError
            If it does not answer within `timeout` seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not await self._has_answered(self.kernel_info()):
            if not await self._async_is_alive():
                raise KernelEndedError("the kernel ended before it answered")
            if end is not None and time.monotonic() > end:
                raise RuntimeError(f"the kernel did not answer in {timeout:.0f} seconds")

    wait_for_ready = _async_wait_for_ready

    async def _has_answered(self, question: str) -> bool:
        """Whether the answer came, and after it the word that the kernel is idle."""
        try:
            answer = await self._async_recv_reply(question, timeout=ANSWER_SECONDS)
            self._handle_kernel_info_reply(answer)
            while True:
                heard = await self._async_get_iopub_msg(timeout=PUBLISHED_SECONDS)
                is_ours = heard["parent_header"].get("msg_id") == question
                if is_ours and heard["content"].get("execution_state") == "idle":
                    return True
        except (Empty, TimeoutError):  # the connection that hears what is published came too late for it: ask again
            return False


class JobKernelManager(AsyncKernelManager):
    """Starts and ends the kernel of a job.

    The two talk through files of a folder of their own where the system has such sockets. Over TCP a port is looked for first and
    taken later; when many kernels start at once another may take it in between, and the kernel ends before it has begun.
    """

    client_factory = Type(JobKernelClient, klass=AsyncKernelClient)

    @default("transport")
    def _choose_transport(self) -> str:
        fits = len(os.fsencode(tempfile.gettempdir())) <= LONGEST_FOLDER
        return "ipc" if is_supported() and fits else "tcp"

    @default("connection_file")
    def _make_folder(self) -> str:
        return os.path.join(tempfile.mkdtemp(prefix="trailblazer-"), "kernel.json")

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        """Remove the folder as well."""
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            shutil.rmtree(os.path.dirname(self.connection_file), ignore_errors=True)

    cleanup_resources = _async_cleanup_resources

    async def _async_wait(self, pollinterval: float = POLL_SECONDS) -> None:
        """Wait until the kernel has ended; callers set the limit."""
        await super()._async_wait(pollinterval=POLL_SECONDS)

"""The kernel provisioner of this project's kernel: forked from the nursery where one is open, started plainly otherwise.

Jupyter clients find it through the kernel's specification (entry point group ``jupyter_client.kernel_provisioners``), so
papermill, JupyterLab and Quarto all start kernels the same way.
"""

from __future__ import annotations

import os
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from evaluation.batch.nursery import ADDRESS, fork

NAME = "trailblazer-warm"


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel as a fork of the nursery named in the environment."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel; `cmd` ends in ``-f CONNECTION_FILE`` and further arguments."""
        environment = dict(kwargs.get("env") or os.environ)
        if ADDRESS not in environment:
            return await super().launch_kernel(cmd, **kwargs)
        arguments = cmd[cmd.index("-f") :]
        try:
            process = fork(
                environment[ADDRESS], "kernel", arguments, environment=environment, folder=str(kwargs.get("cwd") or os.getcwd())
            )
        except OSError:  # the nursery is gone
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process  # type: ignore[assignment]  # it offers what is used of Popen
        self.pid = process.pid
        self.pgid = process.pid
        return self.connection_info

"""A process that ends when the one that started it does: a killed run leaves nothing behind. Linux only."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def is_supported() -> bool:
    """Whether processes can be tied to their parents here, and forking after imports is safe."""
    return sys.platform.startswith("linux")


def end_with(parent: int) -> None:
    """Have this process end when its parent does, also where that was before it could be said."""
    if is_supported():
        _tell_kernel(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def outlive() -> None:
    """Take `end_with` back: this process sees to its own end."""
    if is_supported():
        _tell_kernel(0)


def _tell_kernel(number: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)

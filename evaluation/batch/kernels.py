"""The project's Jupyter kernel: this very interpreter, registered inside its own environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

KERNEL = "trailblazer"
DISPLAY_NAME = "Trailblazer evaluation"


def ensure_kernel() -> Path:
    """Register the kernel in this environment where it is missing or belongs to another interpreter.

    Returns
    -------
    Path
        Folder of the kernel's specification.
    """
    folder = Path(sys.prefix) / "share" / "jupyter" / "kernels" / KERNEL
    spec = folder / "kernel.json"
    if not spec.exists() or json.loads(spec.read_text("utf-8"))["argv"][0] != sys.executable:
        from ipykernel.kernelspec import install

        install(prefix=sys.prefix, kernel_name=KERNEL, display_name=DISPLAY_NAME)
    return folder


if __name__ == "__main__":
    ensure_kernel()

"""The project's Jupyter kernel: this very interpreter, registered inside its own environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from evaluation.project import write_whole

KERNEL = "trailblazer"
DISPLAY_NAME = "Trailblazer evaluation"


def ensure_kernel() -> Path:
    """Register the kernel in this environment where it is missing or not as it should be.

    Returns
    -------
    Path
        Folder of the kernel's specification.
    """
    from evaluation.batch.warm import NAME

    spec = Path(sys.prefix) / "share" / "jupyter" / "kernels" / KERNEL / "kernel.json"
    wanted = json.dumps(
        {
            "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": DISPLAY_NAME,
            "language": "python",
            "metadata": {"debugger": True, "kernel_provisioner": {"provisioner_name": NAME}},
        },
        indent=1,
    )
    if not spec.exists() or spec.read_text("utf-8") != wanted:
        write_whole(spec, wanted)
    return spec.parent


if __name__ == "__main__":
    ensure_kernel()

"""Where the repository's own folders lie, and which code this is; found from this file, never from the working directory."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from evaluation import __version__

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = Path(os.environ.get("TRAILBLAZER_CONTRACTS", ROOT / "data_contracts"))
"""Contracts, registers and designs; the environment variable names another folder of the same form."""
NOTEBOOKS = ROOT / "notebooks"
REPORTS = ROOT / "reports"
RUNS = ROOT / "runs"
"""Default home of run folders; git ignores it."""

_NOT_NUMBERS = ("cli", "__main__.py", "batch", "fetch", "lab", "report/embedded", "report/engine.py")
"""Code that cannot change a number, a sentence or a figure of a finding."""


@cache
def code_sha256() -> str:
    """Hash of all code that a notebook of this project can reach."""
    package = ROOT / "evaluation"
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith(_NOT_NUMBERS):
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def code_version() -> str:
    """Version and code hash, such as ``0.1.0+3f2a9c1b7d20``."""
    return f"{__version__}+{code_sha256()[:12]}"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that it is either the old one or the new one whole, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    data = content.encode() if isinstance(content, str) else content
    try:
        with temporary.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        # A message names the file that was asked for, which a full disk leaves out and an interim name hides.
        error.filename, error.filename2 = os.fspath(path), None
        raise
    finally:
        temporary.unlink(missing_ok=True)

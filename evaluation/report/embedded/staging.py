"""Build beside the goal and move into place when whole, so that half a report never looks like one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluation.errors import ReportError

__all__ = ["staged_folder"]

MARKER = ".nojekyll"  # also tells static hosts to publish the files as they are


@contextmanager
def staged_folder(out: Path, *, keep_out_of: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `out` when the block ends well, and vanishes when it does not.

    Parameters
    ----------
    out
        Where the report shall stand. A report that is there is replaced; any other folder with content is refused.
    keep_out_of
        The sources: `out` may not be this folder or hold it.
    """
    out, sources = out.resolve(), keep_out_of.resolve()
    if sources.is_relative_to(out):
        raise ReportError(f"{out}: the output folder holds the report's sources; choose another.")
    if out.exists() and not out.is_dir():
        raise ReportError(f"{out}: this is a file; choose a folder.")
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise ReportError(f"{out}: this folder holds something that is not a report; choose another or empty it.")
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        staging.chmod(0o755)
        (staging / MARKER).touch()
        yield staging
        _swap(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _swap(staging: Path, out: Path) -> None:
    """Two renames: a reader sees the old report, for an instant none, then the new one."""
    if not out.exists():
        os.replace(staging, out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
    os.replace(out, old / "report")
    try:
        os.replace(staging, out)
    except OSError:
        os.replace(old / "report", out)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)

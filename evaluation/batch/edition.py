"""The edition of a report: its date, its engine, and what else it was made with, as its run folder tells."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.errors import ConfigurationError

if TYPE_CHECKING:
    from evaluation.report.engine import Engine


def edition_of(run: Path) -> tuple[date, Engine] | None:
    """Date and engine of the report that lies in a run folder; None where there is none."""
    stamp, build = run / "report.key", run / "report" / "report-build.json"
    if not (stamp.exists() and build.exists()):
        return None
    words = stamp.read_text("utf-8").split()
    if len(words) < 2:  # published by an earlier version of the program
        return None
    return date.fromisoformat(words[1]), read_engine(build.parent)


def release_options(run: Path) -> tuple[str, ...]:
    """What besides date and engine the report of a run folder was made with: ``final``, ``since``."""
    stamp = run / "report.key"
    return tuple(stamp.read_text("utf-8").split()[2:]) if stamp.exists() else ()


def edition_date() -> date:
    """Date of the edition: today, or SOURCE_DATE_EPOCH for a reproducible build."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), UTC).date() if epoch else datetime.now(UTC).date()


def read_engine(out: Path) -> Engine:
    """Who rendered the report in a folder.

    Raises
    ------
    ConfigurationError
        If its record was edited or is not whole.
    """
    path = out / "report-build.json"
    try:
        engine: Engine = json.loads(path.read_bytes().decode("utf-8"))["engine"]
    except (ValueError, KeyError, TypeError, RecursionError):
        engine = "auto"
    if engine not in ("quarto", "embedded"):
        raise ConfigurationError(f"{path}: this is not the record of a report; remove the folder and make the report again.")
    return engine

"""What was run: one small file a job, written last, so that a job is done exactly when its record says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evaluation.plain import dump_json, from_plain
from evaluation.project import write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """How one job ended."""

    id: str
    key: str
    state: Literal["done", "failed"]
    seconds: float
    results: tuple[str, ...]
    error: str = ""
    """For a failed job: cell, first line of the cell, and message."""


def record_path(run: Path, job: str) -> Path:
    """Where the record of a job lies."""
    return run / "jobs" / f"{job.replace('/', '.')}.json"


def write_record(run: Path, record: JobRecord) -> None:
    """Write a job's record whole."""
    write_whole(record_path(run, record.id), dump_json(record))


def read_record(run: Path, job: str) -> JobRecord | None:
    """Record of a job, or None where there is none that can be read (the job then runs again)."""
    try:
        return from_plain(JobRecord, json.loads(record_path(run, job).read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_records(run: Path) -> Iterator[JobRecord]:
    """All readable records of a run, by name."""
    for path in sorted((run / "jobs").glob("*.json")):
        record = read_record(run, path.stem)
        if record is not None:
            yield record

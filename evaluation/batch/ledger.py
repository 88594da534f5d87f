"""What was run: one small file a job, written last, so that a job is done exactly when its record says so."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from evaluation.batch.notebooks import notebook_of
from evaluation.plain import dump_json, from_plain
from evaluation.project import write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """How one job ended."""

    id: str
    key: str
    state: Literal["done", "failed", "refused"]
    """Refused: what it reads of other jobs was not there when its turn came."""
    seconds: float
    results: tuple[str, ...]
    error: str = ""
    """For a failed job: cell, first line of the cell, and message; for a refused one: the reason."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """What `key` is made of, part by part, so that a later plan can say what changed."""


def record_path(run: Path, job: str) -> Path:
    """Where the record of a job lies."""
    return run / "jobs" / f"{job.replace('/', '.')}.json"


def write_record(run: Path, record: JobRecord) -> None:
    """Write a job's record whole."""
    write_whole(record_path(run, record.id), dump_json(record))


def read_record(run: Path, job: str) -> JobRecord | None:
    """Record of a job, or None where there is none that can be read (the job then runs again)."""
    path = record_path(run, job)
    try:
        record = from_plain(JobRecord, json.loads(path.read_text("utf-8")))
        is_whole = record_path(run, record.id) == path and all(map(_is_inside, record.results))
        return record if is_whole and isinstance(record.seconds, float) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_inside(name: str) -> bool:
    """Whether a file named in a record lies in the run folder."""
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def read_records(run: Path) -> Iterator[JobRecord]:
    """All readable records of a run, by name."""
    for path in sorted((run / "jobs").glob("*.json")):
        record = read_record(run, path.stem)
        if record is not None:
            yield record


def retire_record(run: Path, job: str) -> None:
    """Take a job out of the ledger; what it left stays on disk, and nothing counts it any more."""
    record_path(run, job).unlink(missing_ok=True)


def expected_seconds(run: Path) -> dict[str, float]:
    """How long a notebook of each kind takes: the median of what is done in this run, else in the runs beside it."""
    here = _seconds_done([run])
    beside = _seconds_done([path.parent for path in sorted(run.parent.glob("*/jobs"))])
    return {kind: statistics.median(values) for kind, values in (beside | here).items()}


def _seconds_done(runs: list[Path]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for record in read_records(run):
            if record.state == "done":
                seconds[notebook_of(record.id)].append(record.seconds)
    return dict(seconds)

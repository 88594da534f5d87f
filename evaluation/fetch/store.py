"""Keeping what was fetched: into a folder that is being filled, then, by one renaming, a vintage."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from evaluation.contracts.records import Source
from evaluation.errors import ConfigurationError
from evaluation.fetch.collected import Collected, Part
from evaluation.fetch.questions import SUFFIX, Answer, Question
from evaluation.panel.vintages import (
    ANSWERS,
    CHECKED,
    FETCHED,
    MANIFEST,
    PART,
    REFUSED,
    KeptAnswer,
    KeptTable,
    Vintage,
    VintageRecord,
)
from evaluation.plain import dump_json
from evaluation.project import write_whole


@contextlib.contextmanager
def open_staging(data: Path, source: str) -> Iterator[Path]:
    """A folder beside the source's vintages to fill; it goes away unless it was made a vintage.

    Folders of fetches that were killed are cleared away first.
    """
    home = data / FETCHED / source
    _clear_dead(home)
    begin = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    staging = home / f"{PART}{os.getpid()}-{begin}"
    staging.mkdir(parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for folder in (home, home.parent):
            with contextlib.suppress(OSError):
                folder.rmdir()  # only where nothing else is in it


def _clear_dead(home: Path) -> None:
    for folder in home.glob(f"{PART}*"):
        pid = folder.name.removeprefix(PART).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def write_staging(
    staging: Path, source: Source, collected: Collected, *, first: str, base: str, findings: tuple[str, ...] = ()
) -> VintageRecord:
    """Write all answers and tables into the folder, each file whole, and say what they are.

    A table that is a raw answer is kept once, under the table's name.

    Raises
    ------
    ConfigurationError
        If no pattern of the contract would find a table.
    """
    kept: list[KeptAnswer] = []
    tables: list[KeptTable] = []
    for number, part in enumerate(collected.parts, start=1):
        name = f"{source.id}-{number:03d}{part.suffix}"
        if not any(fnmatch.fnmatch(name, pattern) for pattern in source.files):
            raise ConfigurationError(
                f"source {source.id}: a fetched table is called {name}, which no pattern of its contract finds; add "
                f"'{source.id}*"
                f"{part.suffix}' to its files."
            )
        write_whole(staging / name, part.body)
        where = _keep_part(staging, name, part, kept)
        tables.append(KeptTable(file=name, sha256=hashlib.sha256(part.body).hexdigest(), answers=where))
    for answer in collected.answers:
        kept.append(_keep(staging, answer, len(kept)))
    record = VintageRecord(
        source=source.id,
        contract_version=source.version,
        row_cap=collected.row_cap,
        first=first,
        base=base,
        answers=tuple(kept),
        tables=tuple(tables),
        notes=collected.notes,
        findings=findings,
    )
    write_whole(staging / MANIFEST, dump_json(record))
    return record


def _keep_part(staging: Path, name: str, part: Part, kept: list[KeptAnswer]) -> tuple[int, ...]:
    where = []
    for answer in part.answers:
        where.append(len(kept))
        kept.append(_describe(answer, name) if part.is_raw else _keep(staging, answer, len(kept)))
    return tuple(where)


def _keep(staging: Path, answer: Answer, number: int) -> KeptAnswer:
    file = f"{ANSWERS}/{number + 1:03d}{SUFFIX[answer.question.kind]}.answer"
    write_whole(staging / file, answer.body)
    return _describe(answer, file)


def _describe(answer: Answer, file: str) -> KeptAnswer:
    return KeptAnswer(
        method=answer.question.method,
        address=answer.question.shown,
        sent=answer.question.sent,
        at=answer.at,
        status=answer.status,
        headers=dict(answer.headers),
        file=file,
        sha256=answer.sha256,
        size=len(answer.body),
        attempts=answer.attempts,
        unchanged=answer.unchanged,
    )


def commit(staging: Path, data: Path, record: VintageRecord) -> Vintage:
    """Make a filled folder a vintage, or, where the record holds findings, a refused one; nothing is ever half there."""
    digest = hashlib.sha256("\n".join(table.sha256 for table in record.tables).encode()).hexdigest()[:8]
    begin = min(answer.at for answer in record.answers).replace(":", "")
    name = f"{begin}-{digest}"
    home = data / FETCHED / record.source / (REFUSED if record.findings else "")
    home.mkdir(parents=True, exist_ok=True)
    folder = home / name
    try:
        staging.replace(folder)
    except OSError:
        if not (folder / MANIFEST).is_file():
            raise
        # The same content in the same second: another fetch has put it there.
    for place in (folder.parent, folder):
        _sync(place)
    return Vintage(id=name, folder=folder, record=record, data=data)


def _sync(folder: Path) -> None:
    """Have the renaming on disk too, where the system lets a folder be flushed."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_checked(data: Path, vintage: Vintage, at: str) -> None:
    """Note that the service still gave what a vintage holds."""
    content = json.dumps({"vintage": vintage.id, "at": at}, indent=1) + "\n"
    write_whole(data / FETCHED / vintage.record.source / CHECKED, content)


def same_content(record: VintageRecord, other: VintageRecord) -> bool:
    """Whether two fetches brought the same tables under the same contract."""
    return [t.sha256 for t in record.tables] == [t.sha256 for t in other.tables] and (
        record.contract_version == other.contract_version
    )


def read_answers(vintage: Vintage) -> dict[tuple[str, str, str], Answer]:
    """The raw answers of a vintage by question, for asking on condition and for replay; hashes were checked by the caller."""
    found = {}
    for kept in vintage.record.answers:
        address = kept.address.partition("?")[0]
        kind = next((k for k, suffix in SUFFIX.items() if kept.file.endswith((suffix, f"{suffix}.answer"))), "csv")
        question = Question(kind=kind, address=address, sent=kept.sent)  # type: ignore[arg-type]
        found[(kept.method, kept.address, kept.sent)] = Answer(
            question=question,
            at=kept.at,
            status=kept.status,
            headers=kept.headers,
            body=vintage.path(kept.file).read_bytes(),
            attempts=kept.attempts,
            unchanged=kept.unchanged,
        )
    return found

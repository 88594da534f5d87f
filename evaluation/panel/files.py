"""Which files of a data folder belong to which source and edition."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evaluation.contracts.file_types import refuse_types
from evaluation.contracts.records import Outcome, SeriesRule, Source
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.vintages import find_newest

NOT_STATED = "not stated"
"""Vintage of a file whose name and content do not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file of a data folder, and the source whose contract it falls under."""

    path: Path
    shown: str
    """Path below the data folder, for messages."""
    source: Source
    vintage: str
    """Edition its name states; `NOT_STATED` where it does not."""

    @property
    def key(self) -> tuple[str, str]:
        """Source and path: a file can fall under two contracts."""
        return self.source.id, self.shown

    def sha256(self) -> str:
        """Hash of the file as it is on disk."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def find_files(data: Path, sources: Iterable[Source]) -> tuple[DataFile, ...]:
    """List the files of a data folder that fall under one of the sources, by source and path.

    Of what `trailblazer fetch` put there, only each source's newest vintage is listed.

    Raises
    ------
    ConfigurationError
        If the folder is not there, or holds files of a type that is never read.
    """
    if not data.is_dir():
        what = "is not a folder" if data.exists() else "there is no such folder"
        raise ConfigurationError(
            f"{data}: {what}; give the folder with the data files, such as the one `trailblazer demo` makes."
        )
    refused = refuse_types(sorted(path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()))
    if refused:
        raise ConfigurationError("\n".join(refused))
    found = []
    sources = tuple(sources)
    newest = find_newest(data, [source.id for source in sources])
    for source in sources:
        paths = {path for pattern in source.files for path in data.rglob(pattern) if path.is_file()}
        for path in sorted(paths):
            if newest.is_passed_over(path):
                continue
            vintage = newest.vintage_of(path) or name_vintage(path.name, source)
            found.append(DataFile(path=path, shown=path.relative_to(data).as_posix(), source=source, vintage=vintage))
    return tuple(found)


def name_vintage(name: str, source: Source) -> str:
    """Edition a file's name states by the source's pattern, or `NOT_STATED`."""
    found = re.search(source.vintage, name) if source.vintage else None
    return found[1] if found and found[1] else NOT_STATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The series an outcome is taken from, and the files it may stand in."""

    outcome: Outcome
    rule: SeriesRule
    files: tuple[DataFile, ...]


def choose_series(outcome: Outcome, files: Iterable[DataFile], sources: Iterable[Source]) -> Choice:
    """Take the first series of an outcome whose source has a file, of the edition the outcome is pinned to.

    Raises
    ------
    DataError
        If no source of the outcome has a file (the patterns looked for are listed), or none of its files is of the pinned
        edition.
    """
    by_source: dict[str, list[DataFile]] = {}
    for file in files:
        by_source.setdefault(file.source.id, []).append(file)
    for rule in outcome.series:
        there = by_source.get(rule.source, [])
        if not there:
            continue
        chosen = tuple(f for f in there if rule.vintage in (None, f.vintage))
        if not chosen:
            editions = ", ".join(f"{f.shown} ({f.vintage})" for f in there)
            raise DataError(
                f"{outcome.id}: it is pinned to the edition {rule.vintage} of {rule.source}, and the data folder has {editions}. "
                f"Fetch that edition, or change the pin in outcomes/{outcome.id}.yml and say why."
            )
        return Choice(outcome=outcome, rule=rule, files=chosen)
    patterns = {source.id: source.files for source in sources}
    looked = "; ".join(f"{rule.source}: {', '.join(patterns.get(rule.source, ()))}" for rule in outcome.series)
    raise DataError(f"{outcome.id}: the data folder has no file for it; looked for {looked}. Put one of these into the folder.")

"""Which files of a data folder belong to which source and edition."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.contracts.file_types import READ, refuse_types
from evaluation.contracts.records import Outcome, SeriesRule, Source
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.vintages import FETCHED, find_newest, is_by, list_later

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


def find_files(data: Path, sources: Iterable[Source], *, as_of: str = "") -> tuple[DataFile, ...]:
    """List the files of a data folder that fall under one of the sources, by source and path.

    Of what `trailblazer fetch` put there, only each source's newest vintage is listed. With a day (``YYYY-MM-DD``) that is the
    newest fetched on or before it, and of files put there by hand those of the newest edition published by then, as well as those
    whose name states none.

    Raises
    ------
    ConfigurationError
        If the folder is not there, cannot be looked into, or holds files of a type that is never read.
    """
    if not data.is_dir():
        what = "is not a folder" if data.exists() else "there is no such folder"
        raise ConfigurationError(
            f"{data}: {what}; give the folder with the data files, such as the one `trailblazer demo` makes."
        )
    everything = _list_files(data)
    refused = refuse_types(path.relative_to(data).as_posix() for path in everything)
    if refused:
        raise ConfigurationError("\n".join(refused))
    found = []
    sources = tuple(sources)
    newest = find_newest(data, [source.id for source in sources], as_of=as_of)
    for source in sources:
        mine = []
        for path in everything:
            if not any(path.match(pattern) for pattern in source.files) or newest.is_passed_over(path):
                continue
            vintage = newest.vintage_of(path) or name_vintage(path.name, source)
            mine.append(DataFile(path=path, shown=path.relative_to(data).as_posix(), source=source, vintage=vintage))
        found += _newest_by(mine, as_of) if as_of else mine
    return tuple(found)


def _newest_by(files: Sequence[DataFile], as_of: str) -> list[DataFile]:
    """Of one source's files those of the newest edition that was there on a day, and those that do not tell."""
    stated = [file.vintage for file in files if file.vintage != NOT_STATED and is_by(file.vintage, as_of)]
    return [file for file in files if file.vintage in (NOT_STATED, max(stated, default=NOT_STATED))]


def find_later(data: Path, sources: Iterable[Source], as_of: str) -> dict[str, str]:
    """Sources of which every edition is later than a day, each with its oldest; empty without a day."""
    if not as_of:
        return {}
    sources = tuple(sources)
    there = {file.source.id for file in find_files(data, sources, as_of=as_of)}
    later = list_later(data, [source.id for source in sources], as_of)
    for file in find_files(data, sources):
        if file.vintage != NOT_STATED and not is_by(file.vintage, as_of):
            later[file.source.id] = min(later.get(file.source.id, file.vintage), file.vintage)
    return {source: oldest for source, oldest in later.items() if source not in there}


def _list_files(data: Path) -> list[Path]:
    """Every file of a folder and the folders in it, ordered; looked through once, since a home folder may be given by mistake.

    Refuses a folder that may not be looked into: its files would be left out without a word.
    """
    closed: list[OSError] = []
    found = [Path(place) / name for place, _, names in os.walk(data, onerror=closed.append) for name in names]
    if closed:
        raise ConfigurationError(
            "\n".join(
                f"{error.filename}: this folder cannot be looked into ({error.strerror}). Fix: see to it that you may read "
                "it, or take it out of the data folder."
                for error in closed
            )
        )
    return sorted(path for path in found if path.is_file())


def find_others(data: Path, found: Iterable[DataFile]) -> tuple[str, ...]:
    """Tables of a data folder that are not among those found, by their names below it; what was fetched is left out."""
    known = {file.path for file in found}
    tables = (path for path in _list_files(data) if path.name.lower().endswith(READ) and path not in known)
    return tuple(path.relative_to(data).as_posix() for path in tables if path.relative_to(data).parts[0] != FETCHED)


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


def choose_series(
    outcome: Outcome, files: Iterable[DataFile], sources: Iterable[Source], *, later: Mapping[str, str] | None = None
) -> Choice:
    """Take the first series of an outcome whose source has a file, of the edition the outcome is pinned to.

    A source in `later` has editions, the oldest of which is given, but none as old as the day the panel is pinned to.

    Raises
    ------
    DataError
        If no source of the outcome has a file (the patterns looked for are listed), none of its files is of the pinned edition,
        or every edition of the source is later than the day.
    """
    by_source: dict[str, list[DataFile]] = {}
    for file in files:
        by_source.setdefault(file.source.id, []).append(file)
    for rule in outcome.series:
        there = by_source.get(rule.source, [])
        if later and rule.source in later:
            raise DataError(
                f"{outcome.id}: no edition of {rule.source} is old enough; the oldest here is {later[rule.source]}. Give a later "
                "day, or put an edition of that time into the data folder."
            )
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
    known = tuple(sources)
    patterns = {source.id: source.files for source in known}
    able = [rule.source for rule in outcome.series if any(source.id == rule.source and source.fetch for source in known)]
    fetch = f", or get it with `trailblazer fetch --source {able[0]} --data DIR`" if able else ""
    looked = "; ".join(f"{rule.source}: {', '.join(patterns.get(rule.source, ()))}" for rule in outcome.series)
    raise DataError(
        f"{outcome.id}: the data folder has no file for it; looked for {looked}. Put one of these into the folder{fetch}."
    )

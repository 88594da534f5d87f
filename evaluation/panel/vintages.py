"""What `trailblazer fetch` keeps below a data folder, and which of it is read.

::

    DIR/fetched/<source>/<vintage>/vintage.json       what was asked, when, and what came back
                                  /<source>-001.csv   a table; the raw answer itself, or made from raw answers
                                  /answers/002.json.answer   a raw answer that is no table
    DIR/fetched/<source>/refused/<vintage>/           an answer that broke its contract, kept as evidence and never read
    DIR/fetched/<source>/.part-*/                     a fetch that is going on or was killed; never read

A vintage comes into being by renaming a finished folder, so it is whole or not there. Of each source only the newest is read, or
the newest of a day that a run is pinned to.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from evaluation.errors import ConfigurationError, DataError
from evaluation.plain import from_plain

FETCHED = "fetched"
MANIFEST = "vintage.json"
CHECKED = "checked.json"
"""When the newest vintage was last found to be what the service still gives."""
REFUSED = "refused"
PART = ".part-"
ANSWERS = "answers"

_TIME = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?(?=$|T)")
_ID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """One answer of a service, as it came."""

    method: str
    address: str
    """Address asked, with its parameters and without any key."""
    sent: str
    """Body of the question, empty where there was none."""
    at: str
    """When it was answered, UTC, ``2026-11-22T11:57:37Z``."""
    status: int
    headers: Mapping[str, str]
    """Headers of the answer that tell what it is: type, length, encoding, ETag, dates, limits."""
    file: str
    """Its file below the vintage's folder."""
    sha256: str
    """Of the body after transfer decoding."""
    size: int
    attempts: int
    unchanged: bool = False
    """Whether the service said that it is still what it gave before; the body is then that of the vintage before."""

    @property
    def question(self) -> tuple[str, str, str]:
        """What tells one question from another."""
        return self.method, self.address, self.sent


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTable:
    """One table that a reader reads."""

    file: str
    sha256: str
    answers: tuple[int, ...]
    """Positions of the answers it is, or was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VintageRecord:
    """The content of ``vintage.json``."""

    source: str
    contract_version: str
    row_cap: int
    """Rows the service was taken to give in one answer; 0 where that does not apply."""
    first: str
    """First period asked for; empty = all."""
    base: str
    """Address of the service that was asked."""
    answers: tuple[KeptAnswer, ...]
    tables: tuple[KeptTable, ...]
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    """Why it was refused; empty for a vintage that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vintage:
    """One edition of a source, as fetched."""

    id: str
    """Time of the first answer and the first digits of the content's hash, ``2026-11-22T115737Z-3f2a9c1b``; sorts by time."""
    folder: Path
    record: VintageRecord
    data: Path

    @property
    def retrieved(self) -> str:
        """When it was fetched, UTC, to the second."""
        return f"{self.id[:13]}:{self.id[13:15]}:{self.id[15:18]}"

    @property
    def size(self) -> int:
        """Bytes of its answers."""
        return sum(answer.size for answer in self.record.answers)

    def path(self, file: str) -> Path:
        """Where a file of it stands.

        Raises
        ------
        DataError
            If the manifest names a file outside the vintage's folder.
        """
        parts = PurePosixPath(file).parts
        if not parts or PurePosixPath(file).is_absolute() or ".." in parts:
            raise DataError(f"{self.shown}/{MANIFEST}: {file!r} is no file of this vintage. Fix: fetch it again.")
        return self.folder.joinpath(*parts)

    @property
    def shown(self) -> str:
        """Its folder below the data folder, for messages."""
        return self.folder.relative_to(self.data).as_posix()

    def check(self) -> None:
        """Hold every file against its hash.

        Raises
        ------
        DataError
            Naming each file that is gone or was changed.
        """
        wanted = {answer.file: answer.sha256 for answer in self.record.answers}
        wanted |= {table.file: table.sha256 for table in self.record.tables}
        wrong = []
        for file, sha256 in sorted(wanted.items()):
            path = self.path(file)
            if not path.is_file():
                wrong.append(f"{self.shown}/{file}: the file is gone")
            elif file_sha256(path) != sha256:
                wrong.append(f"{self.shown}/{file}: the file is not what was fetched (rule sha256)")
        if wrong:
            remedy = "Fix: put the file back, or remove the folder and fetch again."
            raise DataError("\n".join(f"{item}. {remedy}" for item in wrong))


def file_sha256(path: Path) -> str:
    """Hash of a file as it is on disk."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def list_vintages(data: Path, source: str | None = None) -> tuple[Vintage, ...]:
    """List the whole vintages below a data folder, by source, oldest first.

    Parameters
    ----------
    data : Path
        The data folder; need not be there.
    source : str, optional
        Only those of this source.

    Raises
    ------
    DataError
        If a manifest cannot be read.
    """
    root = data / FETCHED
    folders = [root / source] if source is not None else sorted(root.glob("*"))
    found = []
    for folder in folders:
        paths = sorted(folder.glob(f"*/{MANIFEST}"))
        found += [_read(path, data) for path in paths if _ID.fullmatch(path.parent.name)]
    return tuple(found)


def _read(path: Path, data: Path) -> Vintage:
    shown = path.relative_to(data).as_posix()
    try:
        record = from_plain(VintageRecord, json.loads(path.read_text("utf-8")))
        if record.source != path.parent.parent.name:
            raise ValueError(f"it is of the source {record.source!r}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{shown}: the record of a vintage cannot be read ({error}). Fix: remove its folder and fetch again."
        ) from None
    return Vintage(id=path.parent.name, folder=path.parent, record=record, data=data)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Newest:
    """The files of a data folder that fetching put there, and which of them are read."""

    read: Mapping[Path, str] = field(default_factory=dict)
    """Table to the vintage it is of, newest vintages only."""
    data: Path

    def vintage_of(self, path: Path) -> str | None:
        """The vintage a file is of; None where it was not fetched."""
        return self.read.get(path)

    def is_passed_over(self, path: Path) -> bool:
        """Whether a file is of an older vintage, of a refused or unfinished one, or a raw answer."""
        parts = path.relative_to(self.data).parts
        if len(parts) < 3 or parts[0] != FETCHED or path in self.read:
            return False
        return parts[2].startswith(PART) or parts[2] == REFUSED or _ID.fullmatch(parts[2]) is not None


def find_newest(data: Path, sources: Iterable[str], *, as_of: str = "") -> Newest:
    """Find the tables of each source's newest vintage, their hashes checked.

    Parameters
    ----------
    data : Path
        The data folder.
    sources : iterable of str
        Identifiers.
    as_of : str
        The newest fetched on or before this day (``YYYY-MM-DD``, UTC); empty = the newest of all.

    Raises
    ------
    DataError
        If one of them is not what was fetched, or a record cannot be read.
    """
    read: dict[Path, str] = {}
    for source in sources:
        there = [item for item in list_vintages(data, source) if not as_of or is_by(item.id, as_of)]
        if not there:
            continue
        there[-1].check()
        read |= {there[-1].path(table.file): there[-1].id for table in there[-1].record.tables}
    return Newest(read=read, data=data)


def is_by(edition: str, day: str) -> bool:
    """Whether an edition was there on a day (``YYYY-MM-DD``).

    One that is named by a month or a year counts from the last day of it on. One that names no time was not, for all we know.
    """
    if not (found := _TIME.match(edition)):
        return False
    year, month, date = found.groups()
    if date is not None:
        return found[0] <= day
    first_after = f"{int(year) + 1}-01-01" if month in (None, "12") else f"{year}-{int(month) + 1:02d}-01"
    return first_after <= (datetime.date.fromisoformat(day) + datetime.timedelta(days=1)).isoformat()


def is_day(text: str) -> bool:
    """Whether a text is a day as ``YYYY-MM-DD``."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def list_later(data: Path, sources: Iterable[str], as_of: str) -> dict[str, str]:
    """Sources of which vintages are kept, but none from a day or before it, each with its oldest."""
    found = {}
    for source in sources:
        there = list_vintages(data, source)
        if there and not is_by(there[0].id, as_of):
            found[source] = there[0].id
    return found


def pick_vintage(data: Path, source: str, name: str) -> Vintage:
    """Find a vintage of a source by ``newest``, ``previous``, its name, or the beginning of its name.

    Raises
    ------
    ConfigurationError
        If there is none, or several begin so; those there are, are listed.
    """
    there = list_vintages(data, source)
    found = [item for item in there if item.id.startswith(name)]
    if name in ("newest", "previous"):
        found = list(there[-1:] if name == "newest" else there[-2:-1])
    if len(found) != 1:
        listed = ", ".join(item.id for item in there) or "none"
        what = f"{len(found)} vintages of {source} begin with {name!r}" if found else f"there is no vintage {name!r} of {source}"
        raise ConfigurationError(f"{os.fspath(data)}: {what}; there are: {listed}.")
    return found[0]

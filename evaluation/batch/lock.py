"""The protocol is locked by the first run of a folder; every later change that meets results already there is on record.

``protocol.yml`` is the protocol as it was locked, ``treated.json`` the places and starts that the registers gave it,
``protocol.sha256`` their hashes (`sha256sum -c` reads it), ``deviations.json`` what changed since, and ``protocol-<n>.yml`` and
``treated-<n>.json`` what held after the n-th change. No clock is read: what counts is the order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.batch.ledger import read_records
from evaluation.contracts.yamlfile import read_yaml
from evaluation.errors import ConfigurationError
from evaluation.plain import dump_json, from_plain
from evaluation.project import write_whole
from evaluation.results import Deviation, TreatedUnit

LOCKED = "protocol.yml"
TREATED = "treated.json"
HASH = "protocol.sha256"
DEVIATIONS = "deviations.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedKey:
    """One key of a protocol that has another value, as JSON text; empty where it is not there."""

    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolChange:
    """One change of the protocol after results were there."""

    number: int
    before_sha256: str
    after_sha256: str
    treated_sha256: str = ""
    """Of the places and starts after the change; empty in records of earlier versions of the program, which kept none."""
    changes: tuple[ChangedKey, ...]
    """None where only comments, order or layout changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changes:
    changes: tuple[ProtocolChange, ...] = ()


def lock_protocol(run: Path, protocol: Path, treated: Sequence[TreatedUnit]) -> None:
    """Lock a protocol and its treated units in a run folder, or record how they depart from the locked ones.

    Before any notebook is done nobody can have looked at a result, and a changed protocol simply takes the place of the old one.

    Raises
    ------
    ConfigurationError
        If the locked protocol or its record was edited by hand.
    """
    content, units = protocol.read_bytes(), _units_json(treated)
    history = _read_history(run)
    if not (run / LOCKED).exists() or not any(record.state == "done" for record in read_records(run)):
        for number in range(1, len(history) + 1):
            _version(run, number).unlink(missing_ok=True)
            _version(run, number, TREATED).unlink(missing_ok=True)
        (run / DEVIATIONS).unlink(missing_ok=True)
        write_whole(run / LOCKED, content)
        write_whole(run / TREATED, units)
        write_whole(run / HASH, _hash_lines(content, units))
        return
    last, last_units = _version(run, len(history)), _version(run, len(history), TREATED)
    before = _read_version(last)
    _refuse_edited(run, history)
    units_before = _read_version(last_units) if last_units.exists() else units
    if before == content and units_before == units:
        return
    change = ProtocolChange(
        number=len(history) + 1,
        before_sha256=_sha256(before),
        after_sha256=_sha256(content),
        treated_sha256=_sha256(units),
        changes=(
            *_compare(read_yaml(last).data, read_yaml(protocol).data),
            *_compare(json.loads(units_before), json.loads(units), REGISTERS),
        ),
    )
    write_whole(_version(run, change.number), content)
    write_whole(_version(run, change.number, TREATED), units)
    write_whole(run / DEVIATIONS, dump_json(_Changes(changes=(*history, change))))


REGISTERS = "registers"
"""First part of the key of a change that came from the registers, such as ``registers.wales.start``."""


def _units_json(treated: Sequence[TreatedUnit]) -> bytes:
    """What decides who is treated from when, by place."""
    kept = ("start", "start_basis", "members", "shares")
    return dump_json({unit.code: {name: getattr(unit, name) for name in kept} for unit in treated}).encode()


def _hash_lines(content: bytes, units: bytes) -> str:
    return f"{_sha256(content)}  {LOCKED}\n{_sha256(units)}  {TREATED}\n"


def load_changes(run: Path) -> tuple[ProtocolChange, ...]:
    """Every change of the protocol since it was locked, in order."""
    return _read_history(run)


def load_deviations(run: Path) -> tuple[Deviation, ...]:
    """The same, key by key, for the report."""
    rows = [row for change in _read_history(run) for row in (change.changes or (_LAYOUT,))]
    return tuple(
        Deviation(number=number, key=row.key, before=row.before, after=row.after) for number, row in enumerate(rows, start=1)
    )


_LAYOUT = ChangedKey(key="comments or layout", before="", after="")


def find_protocol(run: Path, sha256: str) -> Path | None:
    """The version of the protocol with this hash that a run folder keeps, or None."""
    versions = sorted(run.glob("protocol*.yml"))
    return next((path for path in versions if _sha256(path.read_bytes()) == sha256), None)


def find_lock(run: Path) -> str:
    """Hash of the locked protocol of a run folder; empty where none is locked, or the locked file is not the one hashed."""
    if not ((run / LOCKED).is_file() and (run / HASH).is_file()):
        return ""
    sha256 = _sha256((run / LOCKED).read_bytes())
    return sha256 if (run / HASH).read_bytes().split()[:1] == [sha256.encode()] else ""


def compare_protocols(before: Path, after: Path) -> tuple[ChangedKey, ...]:
    """Keys of two protocol files that have different values."""
    return tuple(_compare(read_yaml(before).data, read_yaml(after).data))


def _version(run: Path, number: int, first: str = LOCKED) -> Path:
    stem, ending = first.split(".")
    return run / (f"{stem}-{number}.{ending}" if number else first)


def _read_version(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: a version of the locked protocol is gone; put it back, or use --out.") from error


def _read_history(run: Path) -> tuple[ProtocolChange, ...]:
    path = run / DEVIATIONS
    if not path.exists():
        return ()
    try:
        return from_plain(_Changes, json.loads(path.read_text("utf-8"))).changes
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path}: cannot be read; it says how the protocol changed after it was locked. Put it back, or use --out."
        ) from error


def _refuse_edited(run: Path, history: tuple[ProtocolChange, ...]) -> None:
    """Every version must be the one its hash was taken of."""
    hash_file = run / HASH
    if hash_file.exists():
        expected = _read_hashes(hash_file)
    else:  # locked by an earlier version of the program, which kept no hash
        expected = {LOCKED: _sha256((run / LOCKED).read_bytes())}
        write_whole(hash_file, f"{expected[LOCKED]}  {LOCKED}\n")
    for change in history:
        expected[_version(run, change.number).name] = change.after_sha256
        if change.treated_sha256:
            expected[_version(run, change.number, TREATED).name] = change.treated_sha256
    for name, sha256 in expected.items():
        if _sha256(_read_version(run / name)) != sha256:
            raise ConfigurationError(
                f"{run / name}: it was edited after it was locked (its hash was {sha256[:12]}). "
                "Change the design in data_contracts/designs instead: a change there is recorded and the report prints it."
            )


def _read_hashes(path: Path) -> dict[str, str]:
    """Hash of each locked file; only the two files there can be are named in it."""
    lines = [line.split() for line in path.read_bytes().decode("utf-8", "replace").splitlines()]
    if not lines or any(len(line) != 2 or line[1] not in (LOCKED, TREATED) for line in lines):
        raise ConfigurationError(f"{path}: this is not what was written when the protocol was locked. Put it back, or use --out.")
    return {name: sha256 for sha256, name in lines}


def _compare(before: Any, after: Any, where: str = "") -> Iterator[ChangedKey]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in (*before, *(key for key in after if key not in before)):
            yield from _compare(before.get(key, _ABSENT), after.get(key, _ABSENT), f"{where}.{key}".lstrip("."))
    elif before != after:
        yield ChangedKey(key=where, before=_say(before), after=_say(after))


_ABSENT = object()


def _say(value: Any) -> str:
    if value is _ABSENT:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

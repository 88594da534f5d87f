"""YAML files, read strictly and with the line of every key.

Only what a contract needs is accepted: mappings, lists, text, decimal numbers, ``true``/``false`` and ``null``. Dates stay text,
and so do ``off``, ``010`` and ``2025-04``. Anchors, aliases, tags, leading tabs and repeated keys are refused with their place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evaluation.contracts.fields import nearest
from evaluation.errors import ConfigurationError

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+([eE][-+]?[0-9]+)?|[-+]?(0|[1-9][0-9]*)\.?[eE][-+]?[0-9]+")
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_LONGEST_NUMBER = 18
"""Characters; a longer row of digits is an identifier, which stays text."""
_TAB = re.compile(r"^ *\t")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DEPTH_LIMIT = 40
"""Levels of nesting; contracts have at most eight."""
_SIZE_LIMIT = 2_000_000
"""Bytes; the largest contract is a hundredth of this."""

Path_ = tuple[str | int, ...]
"""Keys and list positions from the top of a document to a value."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A YAML file: its values, and the place of each."""

    file: str
    data: Any
    marks: Mapping[Path_, tuple[int, int]]
    """Line and column (from 1) of the key or list item at each path."""

    def place(self, *path: str | int) -> str:
        """``file:line:column`` of the value at `path`, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                line, column = self.marks[path[:length]]
                return f"{self.file}:{line}:{column}"
        return self.file


def read_yaml(path: Path, *, shown: str | None = None) -> Document:
    """Read one YAML file.

    Parameters
    ----------
    path : Path
        The file.
    shown : str, optional
        Name of the file in messages; its file name by default.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or holds something that is not allowed; the message has file, line, column and one sentence.
    """
    file = shown or path.name
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        beside = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        raise ConfigurationError(f"{path}: there is no such file{nearest(path.name, beside)}.") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: the file cannot be read ({error.strerror}).") from None
    if len(raw) > _SIZE_LIMIT:
        raise ConfigurationError(f"{file}: the file has {len(raw):,} bytes; a contract may have {_SIZE_LIMIT:,}.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{file}:{line}: the file is not UTF-8 text. Fix: save it as UTF-8.") from None
    if control := _CONTROL.search(text):
        line = text.count("\n", 0, control.start()) + 1
        raise ConfigurationError(
            f"{file}:{line}: the character {ord(control[0]):#04x}, which nobody can see, stands in this line. Fix: remove it."
        )
    for number, content in enumerate(text.splitlines(), start=1):
        if tab := _TAB.match(content):
            raise ConfigurationError(
                f"{file}:{number}:{tab.end()}: a tab indents this line; YAML allows blanks only. Fix: replace it by two blanks."
            )
    try:
        return _Reader(file, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise ConfigurationError(
            f"{file}{where}: this is not valid YAML: {problem}. Fix: compare with the lines around it."
        ) from None


class _Reader:
    """Turns parser events into values, keeping the place of each key."""

    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self.file = file
        self.events = events
        self.marks: dict[Path_, tuple[int, int]] = {}
        self.repeats: list[str] = []

    def document(self) -> Document:
        data: Any = None
        seen = False
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    self._refuse(event, "a second document starts here; a file holds one")
                seen = True
                data = self._value(next(self.events), ())
        if self.repeats:
            raise ConfigurationError("\n".join(self.repeats))
        return Document(self.file, data, self.marks)

    def _refuse(self, event: Any, what: str) -> None:
        mark = event.start_mark
        raise ConfigurationError(f"{self.file}:{mark.line + 1}:{mark.column + 1}: {what}.")

    def _value(self, event: Any, path: Path_) -> Any:
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"aliases are not allowed (*{event.anchor}); write the value out")
        if event.anchor is not None:
            self._refuse(event, f"anchors are not allowed (&{event.anchor}); write the value out where it is needed")
        if event.tag is not None and event.tag != "!":
            self._refuse(event, f"tags are not allowed ({event.tag}); write plain text, numbers, lists and mappings")
        if len(path) > _DEPTH_LIMIT:
            self._refuse(event, f"values are nested more than {_DEPTH_LIMIT} levels deep")
        self.marks.setdefault(path, (event.start_mark.line + 1, event.start_mark.column + 1))
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event.value) if event.implicit[0] and not event.style else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                items.append(self._value(inner, (*path, len(items))))
            return items
        return self._mapping(path)

    def _mapping(self, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(inner := next(self.events), yaml.MappingEndEvent):
            if not isinstance(inner, yaml.ScalarEvent):
                self._refuse(
                    inner, "aliases are not allowed" if isinstance(inner, yaml.AliasEvent) else "a key must be plain text"
                )
            if inner.anchor is not None or inner.tag is not None:
                self._refuse(inner, "anchors and tags are not allowed on a key")
            key, line = inner.value, inner.start_mark.line + 1
            if key == "<<":
                self._refuse(inner, "merge keys are not allowed; write the values out")
            if key in found:
                first = self.marks[(*path, key)][0]
                self.repeats.append(
                    f"{self.file}:{line}:{inner.start_mark.column + 1}: the key {key!r} stands here and on line {first}. Fix:"
                    " keep one of the two."
                )
            self.marks.setdefault((*path, key), (line, inner.start_mark.column + 1))
            found[key] = self._value(next(self.events), (*path, key))
        return found


def _scalar(text: str) -> Any:
    """A plain scalar as number, truth value, nothing or text."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text) and len(text) <= _LONGEST_NUMBER:
        return int(text)
    if _DECIMAL.fullmatch(text) and len(text) <= _LONGEST_NUMBER and math.isfinite(number := float(text)):
        return number
    return text

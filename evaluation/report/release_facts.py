"""What a publication must say about itself and no program can know: one YAML file, read strictly; nothing is assumed.

The file is ``reports/release.yml``, or another of the same form. Every key may be empty (``null``): a provisional release says
so, a final one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Literal

from evaluation.contracts.fields import Record, field_problems
from evaluation.contracts.problems import Problem, keyed, raise_problems
from evaluation.contracts.yamlfile import Document, read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Accessibility(Record):
    """Facts of the accessibility statement."""

    status: Literal["fully compliant", "partially compliant", "not compliant"] | None = None
    """With the Web Content Accessibility Guidelines 2.2, level AA."""
    prepared: str | None = None
    """Day the statement was written, ``YYYY-MM-DD``."""
    tested: str | None = None
    """Day the pages were last tested, ``YYYY-MM-DD``."""
    tested_by: str | None = None
    method: str | None = None
    """What was tested and how, in a sentence."""
    problems: tuple[str, ...] | None = None
    """What does not meet the guidelines; an empty list where nothing is known not to."""
    reply_within: str | None = None
    """How soon somebody who reports a problem gets an answer, such as ``ten working days``."""
    complaints: str | None = None
    """To whom somebody can turn who is not content with the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOfPractice(Record):
    """Facts of the statement on the Code of Practice for Statistics."""

    status: Literal["official statistics", "voluntary application", "not applied"] | None = None
    responsible: str | None = None
    """Who answers for the report, by post or name."""
    quality_assured_by: str | None = None
    departures: tuple[str, ...] | None = None
    """Where the Code is not kept; an empty list where it is kept throughout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFacts(Record):
    """Everything ``release.yml`` states."""

    publication_date: str | None = None
    publisher: str | None = None
    contact: str | None = None
    licence: str | None = None
    registration: str | None = None
    older_data: str | None = None
    """Why a release uses figures although newer ones are out, for the sentence ``They are not used: ...``."""
    accessibility: Accessibility = Accessibility()
    code_of_practice: CodeOfPractice = CodeOfPractice()

    @property
    def day(self) -> date | None:
        """The publication date."""
        return date.fromisoformat(self.publication_date) if self.publication_date else None


_PARTS: dict[str, type] = {"accessibility": Accessibility, "code_of_practice": CodeOfPractice}
_DAYS = (("publication_date",), ("accessibility", "prepared"), ("accessibility", "tested"))


def read_facts(path: Path) -> ReleaseFacts:
    """Read a file of release facts.

    Raises
    ------
    ConfigurationError
        With every unknown key, value of the wrong kind and impossible date, each with its line.
    """
    document = read_yaml(path)
    raise_problems([Problem(text) for text in _list_problems(document)])
    data: dict[str, Any] = dict(document.data or {})
    for name, kind in _PARTS.items():
        given = data.pop(name, None) or {}
        data[name] = kind(**{key: tuple(value) if isinstance(value, list) else _strip(value) for key, value in given.items()})
    return ReleaseFacts(**{key: _strip(value) for key, value in data.items()})


def _strip(value: Any) -> Any:
    return (" ".join(value.split()) or None) if isinstance(value, str) else value


def _list_problems(document: Document) -> Iterator[str]:
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        yield f"{document.place()}: release facts are a mapping of keys to values."
        return
    parts = {name: data[name] if isinstance(data.get(name), dict) else {} for name in _PARTS}
    plain = {key: value for key, value in data.items() if key not in _PARTS}
    known = {item.name for item in fields(ReleaseFacts)}
    yield from keyed(document, field_problems(ReleaseFacts, plain))
    for name, kind in _PARTS.items():
        if data.get(name) is not None and not isinstance(data[name], dict):
            yield f"{document.place(name)}: {name}: is {data[name]!r}; write keys and values under it."
        yield from keyed(document, field_problems(kind, parts[name]), name)
    for keys in _DAYS:
        value = parts[keys[0]].get(keys[1]) if len(keys) == 2 else data.get(keys[0])
        if keys[0] in known and isinstance(value, str) and value.strip() and not _is_day(value.strip()):
            yield f"{document.place(*keys)}: {keys[-1]}: is {value!r}; write a day as YYYY-MM-DD."


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

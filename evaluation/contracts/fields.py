"""How a record is built from raw values: which keys there are and of what kind, every problem named.

A `Record` has a classmethod ``build(**raw)`` that refuses unknown and missing keys and values of the wrong kind, all of them in
one `ConfigurationError`. `field_problems` gives the same problems one by one, for callers that know the line each key stands on.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from evaluation.errors import ConfigurationError

LONGEST_SHOWN = 100
"""Characters of a value that a message quotes."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one key of a record's raw values."""

    key: str
    text: str
    """What is wrong and what to do, without the place."""


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean X`` for the name closest to `name`, or nothing when none is close."""
    candidates = list(known)
    folded = {item.casefold(): item for item in candidates}
    found = difflib.get_close_matches(name.strip().casefold().replace(" ", "_").replace("-", "_"), list(folded), n=1, cutoff=0.6)
    found = found or difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return f"; did you mean {folded[found[0]]}" if found else ""


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def field_problems(cls: type, raw: Mapping[str, Any]) -> list[FieldProblem]:
    """What is wrong with the raw values of a record of type `cls`: unknown keys, missing keys, values of the wrong kind."""
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = _hints(cls)
    problems = [
        FieldProblem(str(key), f"is not a key here{nearest(str(key), fields)}; the keys are {', '.join(fields)}")
        for key in raw
        if key not in fields
    ]
    for name, item in fields.items():
        if name not in raw:
            if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
                problems.append(FieldProblem(name, f"is missing; write {_wanted(hints[name])}"))
        elif not _fits(hints[name], raw[name]):
            problems.append(FieldProblem(name, _mismatch(hints[name], raw[name])))
    return problems


def _mismatch(kind: Any, value: Any) -> str:
    allowed = _choices(kind)
    if allowed and isinstance(value, str):
        return f"is {value!r}{nearest(value, allowed)}; allowed are {_wanted(kind)}"
    if odd := _odd_item(kind, value):
        return odd
    quotes = " in quotes" if kind is str and isinstance(value, (int, float)) else ""
    shown = repr(value)
    return f"is {shown if len(shown) <= LONGEST_SHOWN else f'{shown[:LONGEST_SHOWN]} ...'}; write {_wanted(kind)}{quotes}"


def _odd_item(kind: Any, value: Any) -> str:
    """Which item of a list does not belong there: an unquoted code such as 12E3 is a number in YAML."""
    kinds = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    inner = next(
        (typing.get_args(k)[0] for k in kinds if typing.get_origin(k) is tuple and typing.get_args(k)[1:] == (...,)), None
    )
    if not isinstance(value, (list, tuple)) or inner is None:
        return ""
    odd = [item for item in value if not _fits(inner, item)]
    shown = ", ".join(repr(item) for item in odd)
    if inner is str:
        return f"holds {shown}, which is not text; put names and codes in quotes" if odd else ""
    if allowed := _choices(inner):
        return f"holds {shown}{nearest(str(odd[0]), map(str, allowed))}; allowed are {_wanted(inner)}" if odd else ""
    return f"holds {shown}, which is not {_wanted(inner)}" if odd and inner in _WORDS else ""


def _choices(kind: Any) -> tuple[str, ...]:
    return typing.get_args(kind) if typing.get_origin(kind) is Literal else ()


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path", Any: "a value"}


def _wanted(kind: Any) -> str:
    origin = typing.get_origin(kind)
    if origin is Literal:
        return ", ".join(repr(item) for item in typing.get_args(kind))
    if origin in (typing.Union, types.UnionType):
        return " or ".join("nothing (null)" if k is type(None) else _wanted(k) for k in typing.get_args(kind))
    if origin is tuple:
        return "a list"
    if origin is not None and issubclass(origin, Mapping):
        return "a mapping of key to value"
    return _WORDS.get(kind, "a value")


def _fits(kind: Any, value: Any) -> bool:
    if kind is str:  # nearly every cell of a register
        return isinstance(value, str)
    origin = typing.get_origin(kind)
    if kind is Any:
        return True
    if origin is Literal:
        return value in typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(k, value) for k in typing.get_args(kind))
    if origin is tuple:
        kinds = typing.get_args(kind)
        if not isinstance(value, (list, tuple)):
            return False
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            return all(_fits(kinds[0], item) for item in value)
        return len(value) == len(kinds) and all(_fits(k, item) for k, item in zip(kinds, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(_fits(typing.get_args(kind)[1], item) for item in value.values())
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _frozen(kind: Any, value: Any) -> Any:
    """The value with lists as tuples and whole numbers as floats where a float is wanted."""
    if kind is str:
        return value
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _frozen(next(k for k in typing.get_args(kind) if _fits(k, value)), value)
    if origin is tuple:
        kinds = typing.get_args(kind)
        each = [kinds[0]] * len(value) if len(kinds) == 2 and kinds[1] is Ellipsis else kinds
        return tuple(_frozen(k, item) for k, item in zip(each, value, strict=True))
    if origin is not None and origin is not Literal and issubclass(origin, Mapping):
        return types.MappingProxyType(dict(value))
    return float(value) if kind is float else value


class Record:
    """Gives a frozen dataclass its ``build``."""

    __slots__ = ()

    @classmethod
    def build(cls, **raw: Any) -> Self:
        """Make the record from raw values.

        Raises
        ------
        ConfigurationError
            Naming every unknown key (with the nearest known one), every missing key and every value of the wrong kind.
        """
        problems = field_problems(cls, raw)
        if problems:
            raise ConfigurationError("\n".join(f"{cls.__name__}: {p.key}: {p.text}." for p in problems))
        hints = _hints(cls)  # type: ignore[arg-type]
        return cls(**{key: _frozen(hints[key], value) for key, value in raw.items()})

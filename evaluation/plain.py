"""Records to plain JSON data and back, one way for every record of the project.

A record is a frozen dataclass whose fields are strings, numbers, booleans, ``None``, other records, tuples
of these, string-keyed mappings, or numpy arrays. The JSON text is sorted by key and ends with a newline, so equal records
give equal bytes. Not-a-number and infinity are refused: a result that cannot be computed is absent.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from evaluation import project
from evaluation.errors import DataError

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Turn a record into dicts, lists, strings and finite numbers.

    Raises
    ------
    ValueError
        If a number is not finite, or a value is of a type JSON cannot carry; the message names the field.
    """
    return _plain(value, "")


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        if not math.isfinite(value):
            raise ValueError(f"{where or 'value'} is {value}: leave out what cannot be computed, with its reason")
        return float(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name), f"{where}.{f.name}") for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), where)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise ValueError(f"{where or 'value'} has type {type(value).__name__}, which a result file cannot carry")


def save_records(records: Mapping[str, Any], results: Path | str = "") -> tuple[Path, ...]:
    """Write each record under its name, such as ``power/inactivity_rate/wales.json``, below a folder; returns where.

    An empty folder is ``runs/interactive``, where a notebook that is run by hand leaves what it made.
    """
    folder = Path(results) if results else project.RUNS / "interactive"
    for name, record in records.items():
        project.write_whole(folder / name, dump_json(record))
    return tuple(folder / name for name in records)


def from_plain(cls: type[T], data: Any) -> T:
    """Rebuild a record of type `cls` from what `to_plain` gave.

    Raises
    ------
    TypeError, ValueError, KeyError
        If a field is missing, is of another kind, or is a number that is not finite.
    """
    return typing.cast(T, _build(cls, data))


def load_json(cls: type[T], path: Path, *, remedy: str) -> T:
    """Read a record that `dump_json` wrote.

    Parameters
    ----------
    cls : type
        The record.
    path : Path
        Its file.
    remedy : str
        What to do where the file holds something else, for the message.

    Raises
    ------
    DataError
        If the file is not whole, is no JSON, or is not such a record; it names the file and what is wrong.
    OSError
        If it cannot be opened.
    """
    raw = path.read_bytes()
    try:
        return from_plain(cls, json.loads(raw.decode("utf-8")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        name = getattr(cls, "__name__", "record").lower()
        raise DataError(f"{path}: this is not the {name} it was written as ({reason}). Fix: {remedy}.") from None


def _build(kind: Any, data: Any) -> Any:
    if type(data) is kind and (kind is not float or math.isfinite(data)):  # nearly all, and the quickest to know
        return data
    origin = typing.get_origin(kind)
    if kind is Any or kind is object:
        return data
    if origin in (typing.Union, types.UnionType):
        if data is None:
            if type(None) not in typing.get_args(kind):
                raise TypeError("a value is missing")
            return None
        return _build(next(k for k in typing.get_args(kind) if k is not type(None)), data)
    if origin is typing.Literal:
        if data not in typing.get_args(kind):
            raise ValueError(f"{str(data)[:40]!r} is not one of {', '.join(map(repr, typing.get_args(kind)))}")
        return data
    if origin is tuple:
        kinds = typing.get_args(kind)
        if not isinstance(data, (list, tuple)):
            raise TypeError(f"{str(data)[:40]!r} is no list")
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            if kinds[0] is float:  # long series: looked at all together
                if not {type(item) for item in data} <= {float, int} or not all(map(math.isfinite, data)):
                    raise TypeError("a list of numbers holds something else")
                return tuple(map(float, data))
            if kinds[0] is str:
                if not {type(item) for item in data} <= {str}:
                    raise TypeError("a list of texts holds something else")
                return tuple(data)
            return tuple(_build(kinds[0], item) for item in data)
        return tuple(_build(k, item) for k, item in zip(kinds, data, strict=True))
    if origin in (dict, Mapping):
        if not isinstance(data, Mapping):
            raise TypeError(f"{str(data)[:40]!r} is no mapping")
        return {key: _build(typing.get_args(kind)[1], item) for key, item in data.items()}
    if kind is np.ndarray or origin is np.ndarray:
        return np.asarray(data, dtype=float)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        if not isinstance(data, Mapping):
            raise TypeError(f"{str(data)[:40]!r} is no {kind.__name__}")
        return kind(**{name: _build(hint, data[name]) for name, hint in hints.items() if name in data})
    if kind is float and type(data) in (float, int):
        if not math.isfinite(data):
            raise ValueError(f"{data} is no finite number")
        return float(data)
    if kind in (str, int, bool, float) and type(data) is not kind:
        raise TypeError(f"{str(data)[:40]!r} is no {kind.__name__}")
    return data


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """Types of a record's fields."""
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


def dump_json(value: Any) -> str:
    """JSON text of a record: sorted keys, UTF-8 characters kept, one trailing newline."""
    return json.dumps(to_plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1) + "\n"

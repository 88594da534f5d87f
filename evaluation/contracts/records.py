"""The records a contracts folder is made of.

Every record has a classmethod ``build(**raw)`` that refuses unknown and missing keys and values of the wrong kind, all of them in
one `ConfigurationError`. `field_problems` gives the same problems one by one, for callers that know the line each key stands on.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from evaluation.errors import ConfigurationError
from evaluation.results import Basis

if typing.TYPE_CHECKING:
    from evaluation.contracts.money import Cost, UnitValue

Precision = Literal["", "day", "week", "month"]
"""How exact a start date is; empty exactly when the start is not established."""

Frequency = Literal["annual", "quarterly", "monthly"]


LONGEST_SHOWN = 100
"""Characters of a value that a message quotes."""

# ---------------------------------------------------------------- building from raw values


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


# ---------------------------------------------------------------- registers


@dataclass(frozen=True, slots=True, kw_only=True)
class Area(Record):
    """A local authority on the boundaries of April 2023."""

    code: str
    """GSS code, nine characters."""
    name: str
    nation: Literal["England", "Wales", "Scotland"]
    region: str
    """English region, or the nation elsewhere."""
    combined_authority: str
    subregion: str
    latitude: float | None
    """Of the published centroid, in degrees; None = not in the register."""
    longitude: float | None
    code_2025: str
    """Code in lists from April 2025; differs for Barnsley and Sheffield only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme(Record):
    """A programme that could change the outcomes of the places it runs in."""

    id: str
    name: str
    target_group: str
    note: str
    source: str
    kind: Literal["support", "plan"] = "support"
    """Whether it supports people itself. A plan is what authorities set out to do: it has no start day and changes no outcome."""
    areas_on_record: Literal["all", "some"] = "all"
    """Whether every area it reaches is in the register of exposures. Where only some are, nobody knows of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure(Record):
    """One programme in one authority of one place. `funding_gbp` is the whole place's: never add it over authorities."""

    programme: str
    place: str
    """Slug of the place, such as ``south-yorkshire``."""
    place_name: str
    area_code: str | None
    """None where the members of a place are not established."""
    start: str | None
    """``YYYY-MM-DD``; None exactly when `start_basis` is ``not established``."""
    start_basis: Basis
    start_precision: Precision
    """``week`` = the Monday of the week, ``month`` = the first of the month."""
    start_note: str
    announced: str
    """Day or month of the announcement, or empty."""
    period_start: str
    """First day the funding covers, or empty; not a start of delivery."""
    period_end: str
    funding_gbp: int | None
    """Place total in pounds."""
    funding_note: str
    funding_authority_gbp: int | None
    """The authority's own amount in pounds."""
    supported: int | None
    """People the programme said it would support in its first year, for the whole place; None = not established."""
    supported_source: str
    """Where `supported` is stated, or why no figure is given."""
    membership_basis: Literal["named in source", "footprint of the named body", "inferred", "not established"]
    area_share: float | None
    """Share (0 to 1) of the authority's small areas inside the place, where boundaries do not match."""
    accountable_body: str
    source_title: str
    source_publisher: str
    source_date: str
    source_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeChange(Record):
    """An area code that was replaced by another."""

    old_code: str
    new_code: str
    valid_from: str
    """First day of the new code, ``YYYY-MM-DD`` or ``YYYY-MM``."""
    kind: Literal["recode", "merge", "split"]
    """``recode``: same area, new code. ``merge``: several into one, to be added up. ``split``: one into several, by weights."""
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour(Record):
    """Two adjacent authorities, in one direction; the register holds both."""

    area_code: str
    neighbour_code: str
    kind: Literal["land", "bridge_or_water"]


# ---------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Record):
    """One column of a published file."""

    name: str
    type: Literal["string", "number", "integer", "date"]
    required: bool = True
    """Whether every row must have a value (a declared suppression marker counts as one)."""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None
    pattern: str | None = None
    """Regular expression the whole cell must match."""
    description: str = ""
    present: bool = True
    """Whether the file must have the column at all."""
    key: bool = False
    """Whether the column is part of the key that no two rows may share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Record):
    """A rule about more than one cell, run by the checker of this project."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    severity: Literal["error", "warning"] = "error"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns the rule's parameters name, in their order."""
        named: list[str] = []
        for key in COLUMN_PARAMETERS:
            value = self.parameters.get(key)
            if isinstance(value, str):
                named.append(value)
            elif isinstance(value, (list, tuple)):
                named.extend(str(item) for item in value)
        return tuple(named)


COLUMN_PARAMETERS = ("column", "area", "name", "period", "by", "value", "numerator", "denominator", "vintage")
"""Parameters of rules that hold column names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Record):
    """What one publication's files look like, from its contract."""

    id: str
    version: str
    status: str
    title: str
    publisher: str
    licence: str
    attribution: str
    synthetic: bool
    reader: str
    """Name of the reading function for this layout."""
    files: tuple[str, ...]
    """Glob patterns, searched recursively below the data folder."""
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    markers: Mapping[str, str]
    """Suppression marker to its meaning; a cell with one is missing, with the meaning as its flag."""
    frequency: str
    geography: str
    revision_policy: str
    description: str
    limitations: str = ""
    vintage: str = ""
    """Regular expression with one group that finds the edition in the file's name; empty = the file does not tell."""
    earlier_columns: Mapping[str, str] = field(default_factory=dict)
    """Column names of the previous major version to today's, to recognise files made under it."""
    earlier_version: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the reader, such as the row a header stands in."""
    fetch: Mapping[str, Any] = field(default_factory=dict)
    """How `trailblazer fetch` asks for it; empty = the files are put into the data folder by hand."""
    area_column: str = ""
    """Column of the area code; empty = the file has names only."""
    area_name_column: str = ""
    period_column: str = ""
    status_column: str = ""
    """Column a suppression marker stands in; empty = in the value's own cell."""
    disclosure: Mapping[str, Any] = field(default_factory=dict)
    """The disclosure clause, as `evaluation.contracts.disclosure.read_clause` reads it; empty = the contract has none."""
    latency_days: int | None = None
    """Days from the end of a period to the publication of its figures; None = not stated."""

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that no two rows may share all of."""
        return tuple(c.name for c in self.columns if c.key)

    def column(self, name: str) -> Column | None:
        """The column of that name, if there is one."""
        return next((c for c in self.columns if c.name == name), None)


# ---------------------------------------------------------------- outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRule(Record):
    """Where an outcome stands in a source."""

    source: str
    select: Mapping[str, str]
    """Column to the value its rows must have."""
    value: str
    lower: str | None = None
    """Column of the lower 95% limit."""
    upper: str | None = None
    half_width: str | None = None
    """Column of half the width of the 95% interval."""
    se: str | None = None
    """Column of the standard error."""
    vintage: str | None = None
    """Edition the outcome is pinned to; None = the one edition there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Record):
    """What is measured, in words and in a source's columns."""

    id: str
    name: str
    """Plain-English noun phrase, such as ``economic inactivity rate``."""
    definition: str
    unit: Literal["pp", "people", "gbp"]
    unit_words: str
    """Words after a difference, such as ``percentage points``."""
    level_words: str
    """Words after a level, such as ``per cent of residents aged 16 to 64``."""
    wanted: Literal["lower", "higher", "none"]
    """Which way counts as better."""
    frequency: Frequency
    window_months: int
    """Months one value covers, ending with the month it is stamped with."""
    population: str | None
    """Outcome that weights authorities into places and turns rates into people."""
    denominator: str
    """Words for whom the rate is of; empty for counts."""
    survey: bool
    series: tuple[SeriesRule, ...]
    note: str = ""
    """What a reader must know before relying on it."""
    people_base: int = 0
    """Rounding base above 100 of a source its people are counted from, set when the contracts are read; 0 = there is none."""


# ---------------------------------------------------------------- all together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contracts:
    """A contracts folder, read, checked and with its references resolved."""

    root: Path
    areas: Mapping[str, Area]
    programmes: Mapping[str, Programme]
    exposures: tuple[Exposure, ...]
    code_changes: tuple[CodeChange, ...]
    neighbours: tuple[Neighbour, ...]
    sources: Mapping[str, Source]
    outcomes: Mapping[str, Outcome]
    designs: Mapping[str, Path]
    costs: tuple[Cost, ...] = ()
    """Money on record, one row an amount and place."""
    unit_values: tuple[UnitValue, ...] = ()
    """What a person-year of an outcome is worth."""

    NATIONS: ClassVar[tuple[str, ...]] = ("England", "Wales", "Scotland")

    def places(self, programme: str) -> dict[str, tuple[Exposure, ...]]:
        """The exposures of one programme by place, in the order of the register."""
        found: dict[str, list[Exposure]] = {}
        for item in self.exposures:
            if item.programme == programme:
                found.setdefault(item.place, []).append(item)
        return {place: tuple(items) for place, items in found.items()}

    def neighbours_of(self, codes: Iterable[str]) -> frozenset[str]:
        """Codes of the areas that touch one of these, themselves left out."""
        wanted = frozenset(codes)
        return frozenset(n.neighbour_code for n in self.neighbours if n.area_code in wanted) - wanted

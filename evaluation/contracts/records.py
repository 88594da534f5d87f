"""The records a contracts folder is made of; `evaluation.contracts.fields` says how they are built from raw values."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from evaluation.contracts.fields import Record
from evaluation.results import Basis

if typing.TYPE_CHECKING:
    from evaluation.contracts.money import Cost, UnitValue

Precision = Literal["", "day", "week", "month"]
"""How exact a start date is; empty exactly when the start is not established."""

Frequency = Literal["annual", "quarterly", "monthly"]

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

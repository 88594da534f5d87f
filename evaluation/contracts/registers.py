"""The register files: CSV with one record a row."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from evaluation.contracts.fields import Record, field_problems, nearest
from evaluation.contracts.records import Area, CodeChange, Exposure, Neighbour, Programme
from evaluation.contracts.table import read_text_table
from evaluation.errors import DataError

R = TypeVar("R", bound=Record)

AREA_CODE = re.compile(r"[EWS][0-9]{8}")
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Row(Generic[R]):
    """A record and the line it came from."""

    line: int
    record: R


def read_register(path: Path, cls: type[R], problems: list[str]) -> list[Row[R]]:
    """Rows of a register as records; what is wrong goes to `problems`, each with file and line."""
    file = path.name
    if not path.is_file():
        beside = [p.name for p in path.parent.glob("*.csv")] if path.parent.is_dir() else []
        problems.append(f"{path}: there is no such file{nearest(file, beside)}.")
        return []
    hints = typing.get_type_hints(cls)
    try:
        table = read_text_table(path)
    except DataError as error:
        problems.append(str(error))
        return []
    items = dataclasses.fields(cls)  # type: ignore[arg-type]
    may_lack = {item.name for item in items if item.default is not dataclasses.MISSING}
    absent = [name for name in hints if name not in table.frame.columns and name not in may_lack]
    extra = [name for name in table.frame.columns if name not in hints]
    problems += [
        f"{file}:1: {name}: is not a column of this register{nearest(name, hints)}; its columns are {', '.join(hints)}."
        for name in extra
    ]
    problems += [f"{file}:1: {name}: the column is missing{nearest(name, extra)}. Fix: add it." for name in absent]
    if absent or extra:
        return []
    rows: list[Row[R]] = []
    names = [name for name in hints if name in table.frame.columns]
    for line, values in zip(table.line.tolist(), table.frame[names].itertuples(index=False, name=None), strict=True):
        raw = {name: _cell(hints[name], text) for name, text in zip(names, values, strict=True)}
        found = field_problems(cls, raw)
        problems += [f"{file}:{line}: {p.key}: {p.text}." for p in found]
        if not found:
            rows.append(Row(int(line), cls.build(**raw)))
    return rows


def _cell(kind: Any, text: str) -> Any:
    """The cell's text as the kind the record wants; unchanged where it does not convert, so that the check can quote it."""
    kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if text == "" and type(None) in kinds:
        return None
    for number in (int, float):
        if number in kinds:
            try:
                return number(text)
            except ValueError:
                return text
    return text


# ---------------------------------------------------------------- what single records cannot know


def check_areas(rows: list[Row[Area]]) -> Iterator[str]:
    """Form of the codes, coordinates on these islands, no code twice."""
    file = "areas.csv"
    yield from _repeats(file, rows, "code", lambda r: (r.code,))
    # Some publications have names only: two areas of one name would get each other's figures.
    yield from _repeats(file, [row for row in rows if row.record.name.strip()], "name", lambda r: (r.name,))
    for row in rows:
        area = row.record
        for key, code in (("code", area.code), ("code_2025", area.code_2025)):
            if not AREA_CODE.fullmatch(code):
                yield (
                    f"{file}:{row.line}: {key}: {code!r} is not a GSS code; write a capital letter and eight digits, such as"
                    " E08000016."
                )
        if not area.name.strip():
            yield f"{file}:{row.line}: name: is empty. Fix: write the authority's name."
        if area.code[:1] != area.nation[:1]:
            yield f"{file}:{row.line}: nation: is {area.nation} but the code {area.code} begins with {area.code[:1]}."
        if (area.latitude is None) != (area.longitude is None):
            yield f"{file}:{row.line}: latitude: write both latitude and longitude, or neither."
        for key, value, low, high in (("latitude", area.latitude, 49.0, 61.0), ("longitude", area.longitude, -9.0, 2.0)):
            if value is not None and not low <= value <= high:
                yield f"{file}:{row.line}: {key}: {value} does not lie in Great Britain; allowed is {low:g} to {high:g} degrees."


def check_programmes(rows: list[Row[Programme]]) -> Iterator[str]:
    """No identifier twice, none empty."""
    yield from _repeats("programmes.csv", rows, "id", lambda r: (r.id,))
    for row in rows:
        if not re.fullmatch(r"[a-z0-9_]+", row.record.id):
            yield f"programmes.csv:{row.line}: id: {row.record.id!r}; write small letters, digits and underscores."


def check_exposures(
    rows: list[Row[Exposure]],
    areas: typing.Mapping[str, Area],
    programmes: typing.Mapping[str, Programme],
    changes: typing.Mapping[str, CodeChange],
) -> Iterator[str]:
    """Known programmes and areas; a start exactly where one is established; one line per programme, place and authority."""
    file = "exposures.csv"
    yield from _repeats(file, rows, "area_code", lambda r: (r.programme, r.place, r.area_code))
    totals: dict[tuple[str, str], tuple[int, Exposure]] = {}
    for row in rows:
        item, at = row.record, f"{file}:{row.line}"
        if item.programme not in programmes:
            yield f"{at}: programme: {item.programme!r} is not in programmes.csv{nearest(item.programme, programmes)}."
        if item.area_code is not None:
            yield from _unknown_area(f"{at}: area_code", item.area_code, areas, changes)
        elif item.membership_basis != "not established":
            yield (
                f"{at}: area_code: is empty although membership_basis is {item.membership_basis!r}; write the code, or 'not"
                " established'."
            )
        if not _SLUG.fullmatch(item.place):
            yield f"{at}: place: {item.place!r} is not a slug; write small letters, digits and hyphens, such as south-yorkshire."
        if (item.start is None) != (item.start_basis == "not established"):
            stands = "is empty" if item.start is None else f"is {item.start}"
            yield (
                f"{at}: start: {stands} but start_basis is {item.start_basis!r}; a start is empty exactly when its basis is 'not"
                " established'."
            )
        if item.start_basis == "assumed":
            yield (
                f"{at}: start_basis: 'assumed' does not belong in the register of facts. Fix: write 'not established' here and"
                " the assumption into the design."
            )
        if (item.start is None) != (item.start_precision == ""):
            yield (
                f"{at}: start_precision: is {item.start_precision!r}; write day, week or month with a start, and nothing without"
                " one."
            )
        for key in ("start", "period_start", "period_end"):
            value = getattr(item, key)
            if value and not _is_day(value):
                yield f"{at}: {key}: {value!r} is not a day; write YYYY-MM-DD."
        if item.period_start and item.period_end and item.period_end < item.period_start:
            yield f"{at}: period_end: {item.period_end} lies before period_start, {item.period_start}."
        if item.start and item.start_precision == "month" and not item.start.endswith("-01"):
            yield f"{at}: start: {item.start} has precision month; write the first of the month."
        for key in ("funding_gbp", "funding_authority_gbp", "supported"):
            value = getattr(item, key)
            if value is not None and value <= 0:
                yield f"{at}: {key}: {value} is not a positive number; leave it empty where it is not established."
        if item.supported is not None and not item.supported_source:
            yield f"{at}: supported_source: is empty; say where {item.supported:,} is stated."
        if item.area_share is not None and not 0 < item.area_share <= 1:
            yield f"{at}: area_share: {item.area_share} is not a share; write a number above 0 and at most 1."
        line, first = totals.setdefault((item.programme, item.place), (row.line, item))
        for key in ("place_name", "funding_gbp", "supported"):
            if getattr(first, key) != getattr(item, key):
                yield (
                    f"{at}: {key}: is {getattr(item, key)!r}, on line {line} of the same place {getattr(first, key)!r}; "
                    "it belongs to the whole place and must be equal on all its lines."
                )


def check_changes(rows: list[Row[CodeChange]], areas: typing.Mapping[str, Area]) -> Iterator[str]:
    """Codes of the right form, one end of each change in the register of areas."""
    file = "code_changes.csv"
    yield from _repeats(file, rows, "old_code", lambda r: (r.old_code, r.new_code))
    later = {area.code_2025 for area in areas.values()}
    for row in rows:
        change, at = row.record, f"{file}:{row.line}"
        for key, code in (("old_code", change.old_code), ("new_code", change.new_code)):
            if not AREA_CODE.fullmatch(code):
                yield f"{at}: {key}: {code!r} is not a GSS code; write a capital letter and eight digits."
        if change.new_code not in areas and change.new_code not in later:
            yield f"{at}: new_code: {change.new_code} is not in areas.csv{nearest(change.new_code, areas)}."
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])(-[0-9]{2})?", change.valid_from):
            yield f"{at}: valid_from: {change.valid_from!r} is not a date; write YYYY-MM-DD or YYYY-MM."


def check_neighbours(
    rows: list[Row[Neighbour]], areas: typing.Mapping[str, Area], changes: typing.Mapping[str, CodeChange]
) -> Iterator[str]:
    """Known codes, nobody its own neighbour, both directions there."""
    file = "neighbours.csv"
    yield from _repeats(file, rows, "neighbour_code", lambda r: (r.area_code, r.neighbour_code))
    pairs = {(r.record.area_code, r.record.neighbour_code): r.record.kind for r in rows}
    for row in rows:
        item, at = row.record, f"{file}:{row.line}"
        yield from _unknown_area(f"{at}: area_code", item.area_code, areas, changes)
        yield from _unknown_area(f"{at}: neighbour_code", item.neighbour_code, areas, changes)
        if item.area_code == item.neighbour_code:
            yield f"{at}: neighbour_code: {item.area_code} is named as its own neighbour. Fix: remove the line."
        elif pairs.get((item.neighbour_code, item.area_code)) != item.kind:
            yield (
                f"{at}: neighbour_code: the line {item.neighbour_code},{item.area_code},{item.kind} is missing; both directions"
                " are kept."
            )


def _unknown_area(
    at: str, code: str, areas: typing.Mapping[str, Area], changes: typing.Mapping[str, CodeChange]
) -> Iterator[str]:
    if code in areas:
        return
    if code in changes:
        yield (
            f"{at}: {code} was replaced by {changes[code].new_code} ({changes[code].valid_from}). Fix: write"
            f" {changes[code].new_code}."
        )
    else:
        yield f"{at}: {code!r} is not in areas.csv{nearest(code, areas)}."


def _repeats(file: str, rows: list[Row[R]], column: str, key: typing.Callable[[R], tuple[Any, ...]]) -> Iterator[str]:
    first: dict[tuple[Any, ...], int] = {}
    for row in rows:
        this = key(row.record)
        if this in first:
            yield (
                f"{file}:{row.line}: {column}: {', '.join(map(str, this))} stands on line {first[this]} already. Fix: keep one of"
                " the two."
            )
        first.setdefault(this, row.line)


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    year, month, day = (int(part) for part in text.split("-"))
    longest = 30 if month in (4, 6, 9, 11) else 31
    if month == 2:
        longest = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return day <= longest

"""What a programme costs and what a result is worth: two registers, each amount dated and with its source.

``costs.csv`` has one row for an amount of money and a place. Money that several places or programmes share carries one name, the
pot, on each of its rows, so that it is never counted twice. ``unit_values.csv`` has what a person-year of an outcome is worth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evaluation.contracts.fields import Record, nearest
from evaluation.contracts.records import Exposure, Outcome, Programme
from evaluation.contracts.registers import Row

AmountBasis = Literal["announced", "announced maximum", "granted", "derived", "not established"]
Covers = Literal["this programme", "with another programme", "with other places", "not established"]
ValueBasis = Literal["published", "illustrative", "SYNTHETIC"]

COSTS, UNIT_VALUES = "costs.csv", "unit_values.csv"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DATE = re.compile(r"(19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_PRICE_YEAR = re.compile(r"(19|20)[0-9]{2}(/[0-9]{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Record):
    """One amount of money, in one place."""

    pot: str
    """Name of the money; rows with the same pot are the same money, and it counts once."""
    programme: str
    place: str
    """Slug of the place, as in the register of exposures; empty = the programme as a whole."""
    period: str
    """What the amount is for, in words, such as ``2025/26``; empty where the source does not say."""
    years: float | None
    """Length of that period in years; None = not established."""
    amount_gbp: int | None
    """Pounds of the time; None exactly when `amount_basis` is ``not established``."""
    amount_basis: AmountBasis
    covers: Covers
    """Whether the money is this programme's in this place alone. Only such money is divided or added."""
    note: str
    source_title: str
    source_publisher: str
    source_date: str
    source_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitValue(Record):
    """What one person-year of an outcome is worth."""

    id: str
    name: str
    """What is counted and for whom, such as ``saving to the Exchequer``."""
    outcome: str
    """Outcome it belongs to: one person fewer, or more, for a year, in the direction that outcome is wanted in."""
    value_gbp: float
    """Pounds per unit, in the prices of `price_year`."""
    price_year: str
    """``2025`` or ``2025/26``."""
    unit: str
    """In words, such as ``per person-year in work``."""
    source_title: str
    source_publisher: str
    source_date: str
    source_url: str
    basis: ValueBasis
    """``illustrative`` values show how the sum goes: the report says so, and they never give a ratio."""
    note: str


def check_costs(rows: Sequence[Row[Cost]], programmes: Mapping[str, Programme], exposures: Sequence[Exposure]) -> Iterator[str]:
    """Known programmes and places, an amount exactly where one is established, and one amount for each pot."""
    totals = {(item.programme, item.place): item.funding_gbp for item in exposures}
    pots: dict[str, tuple[int, Cost]] = {}
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        item, at = row.record, f"{COSTS}:{row.line}"
        if not _SLUG.fullmatch(item.pot):
            yield f"{at}: pot: {item.pot!r} is not a slug; write small letters, digits and hyphens, such as wales-2025."
        if item.programme not in programmes:
            yield f"{at}: programme: {item.programme!r} is not in programmes.csv{nearest(item.programme, programmes)}."
        elif item.place and (item.programme, item.place) not in totals:
            known = [place for programme, place in totals if programme == item.programme]
            yield f"{at}: place: {item.place!r} is not a place of {item.programme} in exposures.csv{nearest(item.place, known)}."
        yield from _amount_problems(at, item)
        key = (item.pot, item.programme, item.place)
        if key in seen:
            yield f"{at}: pot: {item.pot} stands on line {seen[key]} for this place already. Fix: keep one of the two."
        seen.setdefault(key, row.line)
        line, first = pots.setdefault(item.pot, (row.line, item))
        for name in ("amount_gbp", "period", "years"):
            if getattr(first, name) != getattr(item, name):
                yield (
                    f"{at}: {name}: is {getattr(item, name)!r}, on line {line} of the same pot {getattr(first, name)!r}; a pot is"
                    " one amount, equal on all its lines."
                )
    yield from _register_problems(rows, totals)


def _amount_problems(at: str, item: Cost) -> Iterator[str]:
    if (item.amount_gbp is None) != (item.amount_basis == "not established"):
        stands = "is empty" if item.amount_gbp is None else f"is {item.amount_gbp}"
        yield (
            f"{at}: amount_gbp: {stands} but amount_basis is {item.amount_basis!r}; an amount is empty exactly when its basis is"
            " 'not established'."
        )
    if item.amount_gbp is not None and item.amount_gbp <= 0:
        yield f"{at}: amount_gbp: {item.amount_gbp} is not a positive number; leave it empty where it is not established."
    if item.years is not None and not 0 < item.years <= 20:
        yield f"{at}: years: {item.years:g} is not a length of time; write years above 0 and at most 20, or leave it empty."
    yield from _source_problems(at, item.source_title, item.source_date, item.source_url)


def _register_problems(rows: Sequence[Row[Cost]], totals: Mapping[tuple[str, str], int | None]) -> Iterator[str]:
    """The amount that the register of exposures has for a place must be one of those here, so that no page has two truths."""
    by_place: dict[tuple[str, str], list[Row[Cost]]] = {}
    for row in rows:
        by_place.setdefault((row.record.programme, row.record.place), []).append(row)
    for key, mine in by_place.items():
        total = totals.get(key)
        amounts = [row.record.amount_gbp for row in mine]
        if total is not None and total not in amounts:
            yield (
                f"{COSTS}:{mine[0].line}: amount_gbp: exposures.csv has {total:,} pounds for {key[1]}, which is none of its"
                " amounts here. Fix: make the two registers agree."
            )


def check_unit_values(rows: Sequence[Row[UnitValue]], outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    """Known outcomes with a wanted direction, positive values with price year and source, no identifier twice."""
    seen: dict[str, int] = {}
    for row in rows:
        item, at = row.record, f"{UNIT_VALUES}:{row.line}"
        if not re.fullmatch(r"[a-z0-9_]+", item.id):
            yield f"{at}: id: {item.id!r}; write small letters, digits and underscores."
        if item.id in seen:
            yield f"{at}: id: {item.id} stands on line {seen[item.id]} already. Fix: keep one of the two."
        seen.setdefault(item.id, row.line)
        if item.outcome not in outcomes:
            yield f"{at}: outcome: {item.outcome!r} is not an outcome{nearest(item.outcome, outcomes)}."
        elif outcomes[item.outcome].wanted == "none" or outcomes[item.outcome].unit == "gbp":
            yield f"{at}: outcome: {item.outcome} counts no people in a wanted direction, so a person-year of it has no value."
        if not item.value_gbp > 0:
            yield f"{at}: value_gbp: {item.value_gbp:g} is no positive number; leave the row out where no value is established."
        if not _PRICE_YEAR.fullmatch(item.price_year):
            yield f"{at}: price_year: {item.price_year!r}; write a year such as 2025 or 2025/26."
        for name in ("name", "unit"):
            if not getattr(item, name).strip():
                yield f"{at}: {name}: is empty. Fix: say it in words."
        if item.basis == "published":
            for name in ("source_publisher", "source_date"):
                if not getattr(item, name):
                    yield f"{at}: {name}: is empty; a published value has its publisher and date. Fix: write them."
        yield from _source_problems(at, item.source_title, item.source_date, item.source_url)


def _source_problems(at: str, title: str, date: str, url: str) -> Iterator[str]:
    if not title.strip():
        yield f"{at}: source_title: is empty. Fix: say where the amount is stated."
    if date and not _DATE.fullmatch(date):
        yield f"{at}: source_date: {date!r} is not a date; write YYYY, YYYY-MM or YYYY-MM-DD."
    if url and not re.match(r"https?://\S+$", url):
        yield f"{at}: source_url: {url!r} is not an address; write it with https:// or leave it empty."

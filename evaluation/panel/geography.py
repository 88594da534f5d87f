"""Areas: old and new codes, what is not a local authority, and places made of authorities."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.contracts.fields import nearest
from evaluation.contracts.records import Contracts
from evaluation.errors import DataError

OTHER_GEOGRAPHIES = {
    "K": "United Kingdom or a group of its countries",
    "E92": "country",
    "W92": "country",
    "S92": "country",
    "N92": "country",
    "E12": "region",
    "E10": "county",
    "E11": "metropolitan county",
    "E13": "Inner or Outer London",
    "E47": "combined authority",
    "E05": "ward",
    "W05": "ward",
    "S13": "ward",
    "N08": "ward",
    "N09": "district of Northern Ireland",
}
"""Geographies that repeat or lie outside the authorities of Great Britain; known, so that they can be set aside and counted."""

NOT_AREAS = ("Unknown", "Abroad", "Total")
"""Rows of Stat-Xplore tables that are no area: claims without a known address or with one abroad, and the sum."""

_CODE = re.compile(r"[EWSNK][0-9]{8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaNote:
    """What became of the rows of some codes."""

    what: str
    """Kind of geography, or what is wrong with the code."""
    codes: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recoding:
    """Codes of a table brought to those of the areas register.

    Attributes
    ----------
    codes : Series
        Register code of each row, missing for rows that are not an authority of the register; index as given.
    recoded : codes that were replaced by the register's, such as those of Barnsley and Sheffield from April 2025
    set_aside : rows of other geographies, by kind
    unknown : codes of authorities the register does not have, or that are not codes at all, each with what to do
    """

    codes: pd.Series
    recoded: tuple[AreaNote, ...]
    set_aside: tuple[AreaNote, ...]
    unknown: tuple[AreaNote, ...]


def recode_areas(codes: pd.Series, contracts: Contracts) -> Recoding:
    """Bring area codes to those of the register, and say what became of every row.

    Only a change of kind ``recode`` (same area, new code) is followed, in either direction. Merged and split areas cannot be
    renamed, since their values would have to be added up or divided.

    Parameters
    ----------
    codes : Series of str
        One code a row.
    contracts : Contracts
        Of which the areas and the code changes are used.

    Returns
    -------
    Recoding
    """
    same_area = {c.old_code: c.new_code for c in contracts.code_changes if c.kind == "recode"}
    same_area |= {new: old for old, new in same_area.items()}
    target: dict[str, str | None] = {}
    recoded: list[AreaNote] = []
    unknown: list[AreaNote] = []
    aside: dict[str, list[str]] = {}
    counts = codes.value_counts(sort=False)
    for code in sorted(map(str, counts.index)):
        target[code] = None
        if code in contracts.areas:
            target[code] = code
        elif same_area.get(code) in contracts.areas:
            target[code] = same_area[code]
            recoded.append(AreaNote(what=f"counted as {same_area[code]}", codes=(code,), rows=int(counts[code])))
        elif kind := _other_geography(code):
            aside.setdefault(kind, []).append(code)
        else:
            unknown.append(AreaNote(what=_explain(code, contracts), codes=(code,), rows=int(counts[code])))
    return Recoding(
        codes=codes.map(target),
        recoded=tuple(recoded),
        set_aside=tuple(
            AreaNote(what=kind, codes=tuple(members), rows=int(counts[members].sum())) for kind, members in sorted(aside.items())
        ),
        unknown=tuple(unknown),
    )


def match_area_names(names: pd.Series, contracts: Contracts) -> Recoding:
    """Find the register code of each area name, for files that have no codes.

    A name must be the register's, letter by letter. Stat-Xplore writes Welsh authorities in two languages,
    ``Denbighshire / Sir Ddinbych``: there the part before the stroke is looked up, and it must be an authority in Wales.

    Parameters
    ----------
    names : Series of str
        One name a row.
    contracts : Contracts
        Of which the areas are used.

    Returns
    -------
    Recoding
        With the rows `NOT_AREAS` set aside, and every other name that is not in the register among the unknown.
    """
    by_name = {area.name: area.code for area in contracts.areas.values()}
    target: dict[str, str | None] = {}
    unknown: list[AreaNote] = []
    aside: list[str] = []
    counts = names.value_counts(sort=False)
    for name in map(str, counts.index):
        english, stroke, _ = name.partition(" / ")
        code = by_name.get(english)
        if stroke and code and contracts.areas[code].nation != "Wales":
            code = None
        target[name] = code
        if code is None and name in NOT_AREAS:
            aside.append(name)
        elif code is None:
            what = f"is not a name of the areas register{nearest(english, by_name)}; correct it, or add the area to areas.csv"
            unknown.append(AreaNote(what=what, codes=(name,), rows=int(counts[name])))
    set_aside = (AreaNote(what="not an area", codes=tuple(aside), rows=int(counts[aside].sum())),) if aside else ()
    return Recoding(codes=names.map(target), recoded=(), set_aside=set_aside, unknown=tuple(unknown))


def _other_geography(code: str) -> str | None:
    if not _CODE.fullmatch(code):
        return None
    return OTHER_GEOGRAPHIES.get(code[:3]) or OTHER_GEOGRAPHIES.get(code[:1])


def _explain(code: str, contracts: Contracts) -> str:
    changes = [c for c in contracts.code_changes if c.old_code == code]
    if changes:
        successors = ", ".join(c.new_code for c in changes)
        return (
            f"was replaced by {successors} from {changes[0].valid_from} ({changes[0].kind}), which a plain change of code "
            f"cannot follow; take a file on the boundaries of the areas register"
        )
    tidy = code.strip().upper()
    if tidy != code and tidy in contracts.areas:
        return f"is not written as a code; write {tidy}"
    if _CODE.fullmatch(code):
        return "is not a code of the areas register; correct it, or add the area to areas.csv"
    return "is not an area code, which is a letter and eight digits such as E08000016; take the row out or correct it"


def members_missing(members: Sequence[str], areas: Sequence[str]) -> tuple[str, ...]:
    """List the members of a place that are not among `areas`, in the order of the place."""
    there = set(areas)
    return tuple(code for code in members if code not in there)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceSeries:
    """The series of a place made of several authorities.

    Attributes
    ----------
    values : array (T,), missing where a member has no value or no population
    se : array (T,) of standard errors, or None
    weights : array (T, M), shares of the members, each row adding up to 1 (or all 1 for a total)
    """

    values: np.ndarray
    se: np.ndarray | None
    weights: np.ndarray


def aggregate(
    values: np.ndarray,
    population: np.ndarray,
    *,
    areas: Sequence[str],
    members: Sequence[str],
    se: np.ndarray | None = None,
    place: str = "",
) -> PlaceSeries:
    """Average a rate over the authorities of a place, weighted by population.

    Samples of different authorities are drawn independently of each other, so that the variance of the weighted mean is the sum
    of squared weight times variance.

    Parameters
    ----------
    values : array (T, N)
        Rate by period and area; not a number where not published.
    population : array (N,) or (T, N)
        Residents the rate is of.
    areas : sequence of str
        N codes, the columns of `values`.
    members : sequence of str
        M codes of the authorities the place is made of.
    se : array (T, N), optional
        Sampling standard errors in the unit of `values`.
    place : str
        Name of the place, for messages.

    Returns
    -------
    PlaceSeries
        A period in which any member has no value or no population is missing: an average of the others would be of another place.

    Raises
    ------
    DataError
        If a member is not among `areas` (all are named), stands twice, or a population is zero or negative.
    """
    columns = _columns(areas, members, place)
    y = np.asarray(values, dtype=float)[:, columns]
    people = np.broadcast_to(np.asarray(population, dtype=float), np.shape(values))[:, columns]
    if (people <= 0).any():
        wrong = members[int(np.argwhere(people <= 0)[0][1])]
        raise DataError(f"{place or 'place'}: the population of {wrong} is not above zero; correct it or leave the place out.")
    weights = people / people.sum(axis=1, keepdims=True)
    return PlaceSeries(values=(weights * y).sum(axis=1), se=_combined_se(weights, se, columns), weights=weights)


def add_up(
    values: np.ndarray, *, areas: Sequence[str], members: Sequence[str], se: np.ndarray | None = None, place: str = ""
) -> PlaceSeries:
    """Add up a count over the authorities of a place; arguments, result and errors as in `aggregate`."""
    columns = _columns(areas, members, place)
    y = np.asarray(values, dtype=float)[:, columns]
    weights = np.ones_like(y)
    return PlaceSeries(values=y.sum(axis=1), se=_combined_se(weights, se, columns), weights=weights)


def _columns(areas: Sequence[str], members: Sequence[str], place: str) -> list[int]:
    missing = members_missing(members, areas)
    if missing or not members:
        what = f"has no data for {', '.join(missing)}" if missing else "has no members"
        raise DataError(
            f"{place or 'place'}: {what} ({len(members) - len(missing)} of {len(members)} members found); "
            f"a place without one of its members is another place: add the data or leave the place out."
        )
    if len(set(members)) != len(members):
        raise DataError(f"{place or 'place'}: a member stands twice among {', '.join(members)}; name each once.")
    position = {code: n for n, code in enumerate(areas)}
    return [position[code] for code in members]


def _combined_se(weights: np.ndarray, se: np.ndarray | None, columns: list[int]) -> np.ndarray | None:
    if se is None:
        return None
    return np.sqrt(((weights * np.asarray(se, dtype=float)[:, columns]) ** 2).sum(axis=1))

"""The overlap register: which programmes were there, by area and month, with what is known of their start and their reach.

Only an established start counts as active. A programme without one is *there, start not established* from its announcement on;
one without any date at all is *undated* throughout. Nobody knows more. The programme under study has the starts of the design,
with their basis: where that is ``assumed``, the date is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from evaluation.contracts.records import Contracts, Exposure
from evaluation.design.donors import COVERED_FROM
from evaluation.panel.periods import month_index, month_label
from evaluation.results import TreatedUnit

NONE, UNDATED, UNKNOWN, ACTIVE = 0, 1, 2, 3
"""State of a programme in an authority and month: none, there without any date, there without an established start, active."""
STATES = {ACTIVE: "active", UNKNOWN: "start not established", UNDATED: "no date on record"}
NOT_ESTABLISHED = "not established"

COLUMNS = ("area_code", "area", "programme", "month", "state", "basis", "since", "share", "covers")
"""Columns of the register; see `list_overlaps`."""
SPELL_COLUMNS = ("area_code", "area", "programme", "state", "basis", "since", "share", "covers", "from", "to")
"""Columns of the register by spells; see `list_spells`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reach:
    """Share (N, M) of each of N authorities that lies in a programme's places in each of M months, by what is known of its start.

    Each contains the one before: `active` has an established start, `dated` some date, `there` all.
    """

    active: np.ndarray
    dated: np.ndarray
    there: np.ndarray


def list_months(first: str, last: str) -> tuple[str, ...]:
    """Every month from `first` to `last`, both ``YYYY-MM``."""
    return tuple(month_label(n) for n in range(month_index(first), month_index(last) + 1))


def measure_reach(exposures: Iterable[Exposure], members: Sequence[str], months: Sequence[str]) -> Reach:
    """Add up the shares of one programme over its places; `exposures` are those of the programme."""
    column, axis = {code: n for n, code in enumerate(members)}, np.array([month_index(month) for month in months])
    active, dated, there = (np.zeros((len(members), len(months))) for _ in range(3))
    for item in exposures:
        n = None if item.area_code is None else column.get(item.area_code)
        if n is None:
            continue
        began = _began(item)
        inside = np.ones(len(axis), dtype=bool) if not began else axis >= month_index(_month(began))
        if item.period_end:
            inside &= axis <= month_index(_month(item.period_end))
        share = 1.0 if item.area_share is None else item.area_share
        there[n] += share * inside
        dated[n] += share * inside * bool(began)
        active[n] += share * inside * bool(item.start)
    return Reach(active=np.minimum(active, 1.0), dated=np.minimum(dated, 1.0), there=np.minimum(there, 1.0))


def find_states(exposures: Iterable[Exposure], members: Sequence[str], months: Sequence[str]) -> np.ndarray:
    """State (N, M) of one programme in each of N authorities and M months: what holds of at least half of the authority."""
    reach = measure_reach(exposures, members, months)
    return np.select(
        [share >= COVERED_FROM for share in (reach.active, reach.dated, reach.there)], [ACTIVE, UNKNOWN, UNDATED], NONE
    )


def _began(item: Exposure) -> str:
    return item.start or item.announced or item.period_start


def _month(day: str) -> str:
    """Month of a day, a month or a year (its first)."""
    return day[:7] if "-" in day else f"{day}-01"


# ---------------------------------------------------------------- the register as a table


def list_overlaps(
    contracts: Contracts,
    areas: Sequence[str],
    months: Sequence[str],
    *,
    programme: str = "",
    treated: Sequence[TreatedUnit] = (),
) -> pd.DataFrame:
    """Lay the register of programmes out as a tidy table, one row an area, programme and month in which it is there.

    Parameters
    ----------
    contracts : Contracts
        Of which areas, programmes and exposures are used.
    areas : sequence of str
        GSS codes.
    months : sequence of str
        ``YYYY-MM``, in order.
    programme : str
        The programme under study; in the members of `treated` it has the starts of the design, not those of the register.
    treated : sequence of TreatedUnit
        Units of the design.

    Returns
    -------
    DataFrame
        `COLUMNS`, by area, programme and month: ``state`` (a value of `STATES`), ``basis`` (how the start is known, as in
        `Basis`), ``since`` (the date counted from, as on record; empty = no date), ``share`` of the authority inside the
        programme's places (0 to 1), and ``covers``, whether that is at least half, from which the authority counts as having it.
        A part of an authority below half has the state that part has.
    """
    starts = {code: unit for unit in treated for code in unit.members}
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for id in contracts.programmes:
        rows: dict[str, list[Exposure]] = {}
        for item in contracts.exposures:
            if item.programme == id and item.area_code is not None:
                rows.setdefault(item.area_code, []).append(item)
        for code in areas:
            mine = [_as_studied(item, starts) for item in rows.get(code, ())] if id == programme else rows.get(code, [])
            if mine:
                for name, values in _list_area(contracts, id, code, mine, months).items():
                    columns[name].extend(values)
    # One frame in the end: a frame for every area and programme would take most of the time.
    table = pd.DataFrame(columns)
    return table.sort_values(["area_code", "programme", "month"], kind="stable", ignore_index=True)


def _as_studied(item: Exposure, starts: Mapping[str, TreatedUnit]) -> Exposure:
    """The exposure with the start of the design, where the register has none."""
    unit = starts.get(item.area_code or "")
    if unit is None or item.start:
        return item
    return replace(item, start=f"{unit.start}-01", start_basis=unit.start_basis, start_precision="month")


def _list_area(contracts: Contracts, id: str, code: str, rows: Sequence[Exposure], months: Sequence[str]) -> dict[str, list[Any]]:
    """The months of one programme in one authority, by column of `COLUMNS`."""
    reach = measure_reach(rows, [code], months)
    active, dated, there = reach.active[0], reach.dated[0], reach.there[0]
    # below half of the authority, the part there is speaks for itself
    need = np.minimum(COVERED_FROM, there)
    states = np.select([(share >= need) & (share > 0.0) for share in (active, dated, there)], [ACTIVE, UNKNOWN, UNDATED], NONE)
    kept = np.flatnonzero(there > 0.0).tolist()
    known = _largest([item for item in rows if item.start])
    other = _largest([item for item in rows if not item.start])
    is_active = states[kept] == ACTIVE
    return {
        "area_code": [code] * len(kept),
        "area": [contracts.areas[code].name if code in contracts.areas else code] * len(kept),
        "programme": [id] * len(kept),
        "month": [months[t] for t in kept],
        "state": [STATES[int(state)] for state in states[kept]],
        "basis": [known.start_basis if yes and known else NOT_ESTABLISHED for yes in is_active],
        "since": [(known.start or "") if yes and known else (_began(other) if other else "") for yes in is_active],
        "share": there[kept].tolist(),
        "covers": (there[kept] >= COVERED_FROM).tolist(),
    }


def _largest(rows: Sequence[Exposure]) -> Exposure | None:
    """The place that holds most of the authority."""
    return max(rows, key=lambda item: 1.0 if item.area_share is None else item.area_share, default=None)


def list_spells(register: pd.DataFrame) -> pd.DataFrame:
    """The same register with runs of months in which nothing changes in one row each: ``from`` and ``to``, both included."""
    if register.empty:
        return pd.DataFrame(columns=list(SPELL_COLUMNS))
    same = ["area_code", "area", "programme", "state", "basis", "since", "share", "covers"]
    number = register["month"].map(month_index)
    changed = (register[same].ne(register[same].shift())).any(axis=1) | number.diff().ne(1)
    spells = register.assign(month=register["month"], spell=changed.cumsum()).groupby("spell", sort=False)
    out = spells[same].first()
    out["from"], out["to"] = spells["month"].first(), spells["month"].last()
    return out.reset_index(drop=True)[list(SPELL_COLUMNS)]


# ---------------------------------------------------------------- what it says of treated areas


def others_of(contracts: Contracts, programme: str) -> tuple[str, ...]:
    """Every programme of the register but the one under study."""
    return tuple(id for id in contracts.programmes if id != programme)


def find_covered(
    contracts: Contracts, programmes: Sequence[str], members: Sequence[str], months: Sequence[str]
) -> dict[str, list[str]]:
    """Which programmes are there, in half of an authority or more, in some month; members without any have no entry."""
    found: dict[str, list[str]] = {}
    for id in programmes:
        states = find_states([item for item in contracts.exposures if item.programme == id], members, months)
        for code, there in zip(members, (states != NONE).any(axis=1), strict=True):
            if there:
                found.setdefault(code, []).append(id)
    return found


def find_widespread(
    contracts: Contracts, programmes: Sequence[str], nations: Sequence[str], months: Sequence[str], *, share: float
) -> tuple[str, ...]:
    """Programmes that are there, in some of the months, in at least `share` (0 to 1) of the authorities of some nations."""
    members = [code for code, area in contracts.areas.items() if area.nation in nations]
    found = []
    for id in programmes:
        reached = find_covered(contracts, [id], members, months)
        if members and len(reached) >= share * len(members):
            found.append(id)
    return tuple(found)


def find_active_months(
    contracts: Contracts, programmes: Sequence[str], members: Sequence[str], months: Sequence[str]
) -> dict[str, np.ndarray]:
    """Months (M,) in which a programme with an established start is active in at least half of the authorities, by programme."""
    found = {}
    for id in programmes:
        states = find_states([item for item in contracts.exposures if item.programme == id], members, months)
        active = np.asarray((states == ACTIVE).mean(axis=0) >= COVERED_FROM)
        if active.any():
            found[id] = active
    return found

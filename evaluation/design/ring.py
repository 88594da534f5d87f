"""The ring of a treated area: the untreated authorities that touch it, as treated units of a study of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluation.contracts.records import Contracts
from evaluation.design.donors import first_exposed
from evaluation.results import Comparison, Design, Exclusion, TreatedUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """The untreated neighbours of a treated area or of all of them.

    Attributes
    ----------
    units : the ring of each treated unit with its start; an authority next to several belongs to the one that starts first
    codes : GSS codes of all of them
    left_out : untreated authorities that touch the area and are not used, with the reason
    """

    units: tuple[TreatedUnit, ...]
    codes: tuple[str, ...]
    left_out: tuple[Exclusion, ...]


def find_ring(contracts: Contracts, design: Design, near: Comparison, far: Comparison) -> Ring:
    """The ring of the treated units of a comparison.

    Parameters
    ----------
    contracts : Contracts
        Of which the neighbours are used, by land and across water.
    design : Design
        The protocol.
    near, far : Comparison
        The same treated units beside comparison areas with and without those next to treated ones.
    """
    studied = [unit for unit in design.treated if unit.code in set(near.areas)]
    members = {code for unit in design.treated for code in unit.members}
    usable, reasons = set(near.donors) - set(far.donors), {item.area: item for item in near.excluded}
    touches: dict[str, list[TreatedUnit]] = {}
    by_member = {code: unit for unit in studied for code in unit.members}
    for item in contracts.neighbours:
        unit = by_member.get(item.area_code)
        if unit is not None and item.neighbour_code not in members:
            touches.setdefault(item.neighbour_code, []).append(unit)
    nearest = {code: min(units, key=lambda unit: (unit.start, unit.code)) for code, units in sorted(touches.items())}
    ring = {code: unit for code, unit in nearest.items() if code in usable}
    codes = tuple(sorted(ring))
    if design.unit == "authority":
        units = tuple(_as_unit(ring[code], code, near, (code,)) for code in codes)
    else:
        mine = {unit.code: tuple(code for code in codes if ring[code].code == unit.code) for unit in studied}
        units = tuple(_as_unit(unit, f"next-to-{unit.code}", near, mine[unit.code]) for unit in studied if mine[unit.code])
    left_out = tuple(reasons[code] for code in nearest if code not in usable and code in reasons)
    return Ring(units=units, codes=codes, left_out=left_out)


def _as_unit(unit: TreatedUnit, code: str, near: Comparison, members: tuple[str, ...]) -> TreatedUnit:
    """The ring as a unit that starts when the treated one does."""
    name = near.area_names[near.areas.index(code)] if code in near.areas else f"next to {unit.name}"
    return replace(unit, code=code, name=name, members=members, supported=None, supported_source="", shares=())


def study_ring(contracts: Contracts, design: Design, units: Sequence[TreatedUnit], far: Comparison) -> Design:
    """The design of a study in which `units` are the treated ones, and the comparison areas those of `far` and no others."""
    taken = {code for unit in units for code in unit.members}
    window = contracts.outcomes[far.outcome].window_months
    waiting = [unit for unit in design.treated if first_exposed(unit, design, far.periods, window) == far.n_periods]
    kept = set(far.donors)
    others = tuple((code, "not outside the ring") for code in contracts.areas if code not in taken and code not in kept)
    rule = replace(design.donors, exclude_neighbours=False, exclude_areas=others)
    treated = (*units, *(unit for unit in waiting if not taken & set(unit.members)))
    return replace(design, treated=treated, donors=rule)

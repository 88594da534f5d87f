"""Which area a profile is of: an authority by its code, or a place of the register of exposures."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.contracts.fields import nearest
from evaluation.contracts.records import Contracts
from evaluation.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The area a profile is of."""

    code: str
    name: str
    members: tuple[str, ...]
    nation: str
    """Nations of its members, joined by ``and``."""
    region: str
    """Region of most of its members."""

    @property
    def is_place(self) -> bool:
        """Whether it is made of several authorities."""
        return len(self.members) > 1


def find_subject(contracts: Contracts, area: str, programme: str = "") -> Subject:
    """Look an area up.

    Parameters
    ----------
    contracts : Contracts
        Registers of areas and exposures.
    area : str
        GSS code of an authority, today's or that of April 2025; its name; or the identifier of a place.
    programme : str
        Programme the place is one of; needed where programmes draw a place of one name differently.

    Raises
    ------
    ConfigurationError
        If there is no such area or programme (the nearest are named), a place has no members on record, or it is drawn in
        several ways.
    """
    if programme and programme not in contracts.programmes:
        there = ", ".join(contracts.programmes)
        raise ConfigurationError(
            f"there is no programme {programme!r}{nearest(programme, contracts.programmes)}; the programmes are {there}."
        )
    named = {item.name.casefold(): code for code, item in contracts.areas.items()}
    renewed = {item.code_2025: code for code, item in contracts.areas.items()}
    code = area if area in contracts.areas else renewed.get(area, named.get(area.casefold(), ""))
    if code:
        found = contracts.areas[code]
        return Subject(code=code, name=found.name, members=(code,), nation=found.nation, region=found.region)
    return _find_place(contracts, area, programme)


def _find_place(contracts: Contracts, area: str, programme: str) -> Subject:
    rows = [item for item in contracts.exposures if item.place == area and programme in ("", item.programme)]
    if not rows:
        names = [item.name for item in contracts.areas.values()]
        known = [*contracts.areas, *names, *dict.fromkeys(item.place for item in contracts.exposures)]
        of = f" of {programme}" if programme else ""
        raise ConfigurationError(
            f"area {area!r}: there is no authority or place{of} of that code or name{nearest(area, known)}. Write a code such as "
            "E06000021, a name such as Stoke-on-Trent, or a place such as south-yorkshire."
        )
    drawn: dict[frozenset[str], list[str]] = {}
    for name in dict.fromkeys(item.programme for item in rows):
        members = frozenset(item.area_code for item in rows if item.programme == name and item.area_code is not None)
        if members:
            drawn.setdefault(members, []).append(name)
    if not drawn:
        raise ConfigurationError(f"area {area!r}: its authorities are not established; profile single authorities instead.")
    if len(drawn) > 1:
        ways = "; ".join(f"{', '.join(names)}: {len(members)} authorities" for members, names in drawn.items())
        raise ConfigurationError(f"area {area!r}: programmes draw it differently ({ways}); name the programme as well.")
    members = next(iter(drawn))
    ordered = tuple(code for code in contracts.areas if code in members)
    nations = list(dict.fromkeys(contracts.areas[code].nation for code in ordered))
    regions = [contracts.areas[code].region for code in ordered]
    return Subject(
        code=area,
        name=rows[0].place_name,
        members=ordered,
        nation=" and ".join(nations),
        region=max(sorted(set(regions)), key=regions.count),
    )

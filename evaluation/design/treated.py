"""The treated units of a protocol: their members, shares and starts, from the registers or assumed with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from evaluation.contracts.records import Contracts, Exposure
from evaluation.contracts.yamlfile import Document
from evaluation.results import Basis, TreatedUnit


def find_treated(document: Document, contracts: Contracts, problems: list[str]) -> tuple[TreatedUnit, ...]:
    """Every unit a protocol names, in its order; what stands in the way of one is added to `problems`."""
    data = document.data
    places = contracts.places(data["programme"])
    if data["unit"] == "place":
        groups = {place: (items[0].place_name, items) for place, items in places.items()}
    else:
        groups = {}
        for items in places.values():
            for item in items:
                if item.area_code is not None:
                    groups.setdefault(item.area_code, (contracts.areas[item.area_code].name, ()))
                    groups[item.area_code] = (groups[item.area_code][0], (*groups[item.area_code][1], item))
    wanted = tuple(groups) if data["places"] == "all" else tuple(data["places"])
    assumed = {item["place"]: (position, item) for position, item in enumerate(data["assumed_starts"])}
    if data["places"] == "all" and data.get("comparison") == "not_yet_treated":
        # what has no start, on record or assumed, waits: it is not treated in this study
        wanted = tuple(code for code in wanted if code in assumed or all(item.start is not None for item in groups[code][1]))
    for name, (position, _) in assumed.items():
        if name not in wanted:
            problems.append(
                f"{document.place('assumed_starts', position)}: assumed_starts: {name!r} is not treated in this design."
            )
    found: list[TreatedUnit] = []
    for code in wanted:
        name, items = groups[code]
        members = tuple(dict.fromkeys(item.area_code for item in items if item.area_code is not None))
        if not members:
            problems.append(
                f"{document.place('places')}: places: the members of {name} are not established, so it cannot be estimated."
            )
            continue
        start = _start(document, code, name, items, assumed, problems)
        if start is not None:
            month, basis, note = start
            found.append(
                TreatedUnit(
                    code=code,
                    name=name,
                    members=members,
                    start=month,
                    start_basis=basis,
                    start_note=note,
                    supported=items[0].supported if data["unit"] == "place" else None,
                    supported_source=items[0].supported_source if data["unit"] == "place" else "",
                    shares=_shares(members, items) if data.get("dose") == "area_share" else (),
                )
            )
    return tuple(found)


def _shares(members: Sequence[str], items: Sequence[Exposure]) -> tuple[float, ...]:
    """Share of each member inside the place; one without a share on record lies in it wholly, and parts add up to 1 at most."""
    found = dict.fromkeys(members, 0.0)
    for item in items:
        if item.area_code is not None:
            found[item.area_code] += 1.0 if item.area_share is None else item.area_share
    return tuple(min(share, 1.0) for share in found.values())


def _start(
    document: Document,
    code: str,
    name: str,
    items: Sequence[Exposure],
    assumed: Mapping[str, tuple[int, Mapping[str, str]]],
    problems: list[str],
) -> tuple[str, Basis, str] | None:
    """Month, basis and note of a unit's start: the register's if it has one for all members, else the protocol's assumption."""
    months = sorted({item.start[:7] for item in items if item.start is not None})
    whole = all(item.start is not None for item in items) and len(months) == 1
    if whole and code in assumed:
        position = assumed[code][0]
        problems.append(
            f"{document.place('assumed_starts', position)}: assumed_starts: {name} has an established start, {items[0].start} "
            f"({items[0].start_basis}). Fix: remove the assumption."
        )
        return None
    if whole:
        first = items[0]
        # what is said of most authorities is what holds for the place; one of them may have a note of its own
        usual = Counter(item.start_note for item in items).most_common(1)[0][0]
        return months[0], first.start_basis, usual or f"{first.source_title} ({first.source_publisher})"
    if code not in assumed:
        known = f"only {', '.join(months)} for some of its authorities" if months else "none"
        problems.append(
            f"{document.place('assumed_starts')}: assumed_starts: {name} ({code}) has no established start for all its"
            f" authorities ({known}). Fix: add a start with its reason here; it stays marked as assumed."
        )
        return None
    item = assumed[code][1]
    return item["start"], "assumed", " ".join(item["reason"].split())

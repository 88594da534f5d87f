"""What a protocol says about its own scope: who can be compared with, how exposure counts, which questions it can answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from evaluation.contracts.records import Contracts
from evaluation.contracts.yamlfile import Document
from evaluation.panel.periods import reference_window
from evaluation.results import TreatedUnit

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def scope_problems(document: Document) -> Iterator[str]:
    """Say what contradicts itself in the keys ``comparison``, ``dose`` and ``questions``, each with file and line."""
    data = document.data
    yield from _reason_problems(document)
    yield from _not_yet_problems(document)
    if data.get("dose", "none") == "area_share" and data["exposure_coding"] != "share":
        yield (
            f"{document.place('dose')}: dose: is 'area_share' while exposure_coding is {data['exposure_coding']!r}, which knows"
            " treated and untreated only. Fix: set exposure_coding to 'share', or leave dose out."
        )
    seen: dict[str, str] = {}
    for position, item in enumerate(data.get("questions", ())):
        at = document.place("questions", position)
        for key in ("question", "why"):
            if not item[key].strip():
                yield f"{at}: questions: {key} is empty. Fix: write it; both are printed in the report."
        words = " ".join(item["question"].split())
        if words in seen:
            yield f"{at}: questions: {words!r} stands here and at {seen[words]}. Fix: keep one."
        seen.setdefault(words, at)


def _reason_problems(document: Document) -> Iterator[str]:
    """A reason exactly where nothing is compared."""
    data = document.data
    without = data.get("comparison", "untreated") == "none"
    reason = data.get("no_comparison_reason", "").strip()
    if without and not reason:
        yield (
            f"{document.place('comparison')}: comparison: is 'none' without a no_comparison_reason. Fix: say in words why nobody"
            " can be compared with; it is printed in place of every estimate."
        )
    elif reason and not without:
        yield (
            f"{document.place('no_comparison_reason')}: no_comparison_reason: is given although comparison is"
            f" {data.get('comparison', 'untreated')!r}. Fix: remove it, or set comparison to 'none'."
        )


def _not_yet_problems(document: Document) -> Iterator[str]:
    """The month from which nobody is certain to be untreated, exactly where not-yet-treated areas are compared with."""
    data = document.data
    waits = data.get("comparison", "untreated") == "not_yet_treated"
    month = data.get("expected_everywhere", "")
    if waits and not _MONTH.fullmatch(month):
        yield (
            f"{document.place('comparison')}: comparison: is 'not_yet_treated', and expected_everywhere is {month!r}. Fix: write"
            " the first month, YYYY-MM, in which the programme may be running in every area."
        )
    elif month and not waits:
        yield (
            f"{document.place('expected_everywhere')}: expected_everywhere: is given although comparison is"
            f" {data.get('comparison', 'untreated')!r}. Fix: remove it, or set comparison to 'not_yet_treated'."
        )


def window_scope_problems(document: Document, contracts: Contracts) -> Iterator[str]:
    """Say which outcomes' windows run into the month from which nobody is certain to be untreated."""
    data = document.data
    month = data.get("expected_everywhere", "")
    for position, plan in enumerate(data["outcomes"] if month else ()):
        last = reference_window(plan["last"], contracts.outcomes[plan["id"]].window_months)[1]
        if last >= month:
            yield (
                f"{document.place('outcomes', position)}: outcomes: {plan['id']}: the window ends with {last}, but from {month}"
                " on the programme may be running everywhere (expected_everywhere). Fix: end the window earlier."
            )


def find_unreached(contracts: Contracts, programme: str, nations: Collection[str]) -> tuple[str, ...]:
    """Codes of the authorities of `nations` that no row of the register puts into a place of `programme`, in order."""
    reached = {item.area_code for item in contracts.exposures if item.programme == programme}
    return tuple(code for code, area in sorted(contracts.areas.items()) if area.nation in nations and code not in reached)


def _share(unit: TreatedUnit, code: str) -> float:
    return unit.shares[unit.members.index(code)]


def scope_of_units_problems(document: Document, contracts: Contracts, units: Sequence[TreatedUnit]) -> Iterator[str]:
    """Say which authorities are treated twice, whether nobody is there to compare with, and whether a dose is one."""
    data = document.data
    seen: dict[str, TreatedUnit] = {}
    # a boundary may run through an authority: its parts then lie in two places, and the dose says how much in each
    parted = data.get("dose") == "area_share"
    for unit in units:
        twice = [
            code for code in unit.members if code in seen and not (parted and _share(unit, code) + _share(seen[code], code) <= 1)
        ]
        if twice:
            other = seen[twice[0]]
            yield (
                f"{document.place('places')}: places: {len(twice)} authorities stand in {other.name} and in {unit.name}"
                f" ({', '.join(twice[:3])}{' and more' if len(twice) > 3 else ''}). Fix: name one of the two places, and say why."
            )
        seen.update({code: unit for code in unit.members if code not in seen})
    unreached = find_unreached(contracts, data["programme"], data["donors"]["nations"])
    if data.get("comparison") == "none" and unreached:
        named = ", ".join(contracts.areas[code].name for code in unreached[:3])
        yield (
            f"{document.place('comparison')}: comparison: is 'none', but the programme does not reach {len(unreached)}"
            f" authorities of {' and '.join(data['donors']['nations'])} ({named}{' and others' if len(unreached) > 3 else ''})."
            " Fix: compare with them (untreated), or add the rows that are missing to exposures.csv."
        )
    if parted and all(share == 1 for unit in units for share in unit.shares):
        yield (
            f"{document.place('dose')}: dose: is 'area_share', but every treated authority lies wholly inside its place"
            " (area_share in exposures.csv). Fix: leave dose out."
        )

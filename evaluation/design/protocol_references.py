"""What a protocol refers to: programmes, places, areas, outcomes and estimators, each there and named once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evaluation.contracts.fields import nearest
from evaluation.contracts.records import Contracts
from evaluation.contracts.yamlfile import Document
from evaluation.errors import ConfigurationError
from evaluation.panel.periods import list_periods

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_ESTIMATORS = ("did_estimators", "synthetic_control_estimators", "pooled_synthetic_control_estimators")
"""Keys that list estimators. Which names there are is known further down; here each may stand once."""


def reference_problems(document: Document, contracts: Contracts) -> Iterator[str]:
    """Every name of a file of sound form that nothing answers to: one text a problem, with file and line."""
    data = document.data
    places = contracts.places(data["programme"])
    if data["programme"] not in contracts.programmes:
        yield (
            f"{document.place('programme')}: programme: {data['programme']!r} is not in"
            f" programmes.csv{nearest(data['programme'], contracts.programmes)}; there are {', '.join(contracts.programmes)}."
        )
    elif not places:
        yield f"{document.place('programme')}: programme: {data['programme']!r} has no place in exposures.csv."
    known = set(places) if data["unit"] == "place" else {item.area_code for items in places.values() for item in items}
    kind = "a place (slug) of the programme" if data["unit"] == "place" else "the code of an authority of the programme"
    for key in ("places", "estimate_areas"):
        for position, name in enumerate(data[key] if data[key] != "all" else ()):
            if places and name not in known:
                yield f"{document.place(key, position)}: {key}: {name!r} is not {kind}{nearest(name, [k for k in known if k])}."
        yield from _twice(document, data[key] if data[key] != "all" else (), key)
    for position, name in enumerate(data["donors"]["exclude_programmes"]):
        if name not in contracts.programmes:
            yield (
                f"{document.place('donors', 'exclude_programmes', position)}: exclude_programmes: {name!r} is not in"
                f" programmes.csv{nearest(name, contracts.programmes)}."
            )
    for position, item in enumerate(data["donors"]["exclude_areas"]):
        if item["area"] not in contracts.areas:
            yield (
                f"{document.place('donors', 'exclude_areas', position)}: exclude_areas: {item['area']!r} is not in"
                f" areas.csv{nearest(item['area'], contracts.areas)}."
            )
    yield from _outcome_problems(document, contracts)
    yield from _estimator_problems(document)
    for position, item in enumerate(data["assumed_starts"]):
        at = document.place("assumed_starts", position)
        if places and item["place"] not in known:
            yield f"{at}: assumed_starts: {item['place']!r} is not {kind}{nearest(item['place'], [k for k in known if k])}."
        if not _MONTH.fullmatch(item["start"]):
            yield f"{at}: start: {item['start']!r} is not a month; write YYYY-MM."
        if not item["reason"].strip():
            yield f"{at}: reason: is empty; say why this month is assumed."
    yield from _twice(document, [item["place"] for item in data["assumed_starts"]], "assumed_starts")


def _estimator_problems(document: Document) -> Iterator[str]:
    """An estimator stands in one list, once: a second entry would give the same file."""
    seen: dict[str, str] = {}
    for key in _ESTIMATORS:
        for position, name in enumerate(document.data.get(key, ())):
            at = document.place(key, position)
            if not name.strip():
                yield f"{at}: {key}: is empty; write the name of an estimator, or leave the list empty as []."
            elif name in seen:
                yield f"{at}: {key}: {name!r} stands here and at {seen[name]}. Fix: keep one."
            seen.setdefault(name, at)


def _twice(document: Document, names: Sequence[str], key: str) -> Iterator[str]:
    seen: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in seen:
            yield (
                f"{document.place(key, position)}: {key}: {name!r} stands here and at {document.place(key, seen[name])}. Fix:"
                " keep one."
            )
        seen.setdefault(name, position)


def _outcome_problems(document: Document, contracts: Contracts) -> Iterator[str]:
    plans = document.data["outcomes"]
    primary = [plan["id"] for plan in plans if plan["primary"]]
    if len(primary) != 1:
        stands = ", ".join(primary) or "none"
        yield f"{document.place('outcomes')}: outcomes: exactly one is primary; here {stands}."
    seen: dict[str, int] = {}
    for position, plan in enumerate(plans):
        at = document.place("outcomes", position)
        if plan["id"] in seen:
            yield (
                f"{at}: outcomes: {plan['id']!r} stands here and at {document.place('outcomes', seen[plan['id']])}. Fix: keep"
                " one."
            )
        seen.setdefault(plan["id"], position)
        if plan["id"] not in contracts.outcomes:
            yield (
                f"{at}: outcomes: {plan['id']!r} is not an outcome{nearest(plan['id'], contracts.outcomes)}; there are"
                f" {', '.join(contracts.outcomes)}."
            )
            continue
        try:
            list_periods(plan["first"], plan["last"], contracts.outcomes[plan["id"]].frequency)
        except ConfigurationError as error:
            yield f"{at}: outcomes: {plan['id']}: {error}"

"""A study's protocol: one YAML file, read strictly, its references resolved and its bytes hashed.

The protocol is fixed before results are looked at; every finding carries the hash. What the registers establish comes from the
registers: a protocol may assume a start only where none is established for the whole place, and has to say why.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evaluation.contracts.problems import Problem, keyed, raise_problems
from evaluation.contracts.records import Contracts, Exposure, Record, field_problems, nearest
from evaluation.contracts.yamlfile import Document, read_yaml
from evaluation.design.scope import scope_of_units_problems, scope_problems, window_scope_problems
from evaluation.errors import ConfigurationError
from evaluation.panel.periods import exposure_share, list_periods, shift_month
from evaluation.results import Basis, CheckThresholds, Design, DonorRule, OutcomePlan, Question, TreatedUnit

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_LARGEST_SEED = 2**32 - 1
_FARTHEST_SHIFT = 24
"""Months by which an alternative start may differ at most."""
_ESTIMATORS = ("did_estimators", "synthetic_control_estimators", "pooled_synthetic_control_estimators")
"""Keys that list estimators. Which names there are is known further down; here each may stand once."""

# ---------------------------------------------------------------- the keys of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class _Assumed(Record):
    place: str
    start: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Excluded(Record):
    area: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question(Record):
    question: str
    answer: Literal["yes", "partly", "no"]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Donors(Record):
    nations: tuple[Literal["England", "Wales", "Scotland"], ...]
    exclude_programmes: tuple[str, ...]
    exclude_neighbours: bool
    exclude_areas: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome(Record):
    id: str
    primary: bool
    first: str
    last: str
    averaging: Literal["population", "equal"] = "population"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thresholds(Record):
    minimum_pre_periods: int
    maximum_pre_rmspe_ratio: float
    maximum_pre_trend: float
    maximum_donor_weight: float
    negligible_effect: float
    minimum_breakdown: float = 0.0
    maximum_hidden_drift: float = 0.0
    maximum_anticipation: float = 0.95
    maximum_contaminated_weight: float = 0.5
    minimum_inside_range: float = 0.9
    maximum_revision: float = 1.0
    maximum_forbidden_weight: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Protocol(Record):
    id: str
    title: str
    question: str
    programme: str
    unit: Literal["place", "authority"]
    places: tuple[str, ...] | Literal["all"]
    assumed_starts: tuple[Mapping[str, str], ...]
    estimate_areas: tuple[str, ...] | Literal["all"]
    estimate_pooled: bool
    donors: Mapping[str, Any]
    outcomes: tuple[Mapping[str, Any], ...]
    did_estimators: tuple[str, ...]
    synthetic_control_estimators: tuple[str, ...]
    pooled_synthetic_control_estimators: tuple[str, ...] = ()
    alternative_starts: tuple[int, ...] = ()
    exposure_coding: Literal["share", "binary"]
    anticipation: int
    level: float
    draws: int
    seed: int
    thresholds: Mapping[str, Any]
    plausible_effect: float | None
    comparison: Literal["untreated", "not_yet_treated", "none"] = "untreated"
    no_comparison_reason: str = ""
    expected_everywhere: str = ""
    dose: Literal["none", "area_share"] = "none"
    questions: tuple[Mapping[str, str], ...] = ()


# ---------------------------------------------------------------- reading


def load_design(contracts: Contracts, id: str) -> Design:
    """Read one protocol and resolve its treated units, outcomes and donor rule.

    Parameters
    ----------
    contracts : Contracts
        The folder the protocol belongs to.
    id : str
        Its identifier, the name of its file without ``.yml``.

    Returns
    -------
    Design
        `treated` holds every unit the protocol names, also those that start after the window: they are not yet treated.

    Raises
    ------
    ConfigurationError
        With every problem of the protocol, each with file and line.
    """
    if id not in contracts.designs:
        raise ConfigurationError(
            f"there is no design {id!r}{nearest(id, contracts.designs)}; there are {', '.join(contracts.designs) or 'none'}."
        )
    path = contracts.designs[id]
    document = read_yaml(path)
    problems = list(_form_problems(document, id))
    _stop(problems)
    data = document.data
    problems += _reference_problems(document, contracts)
    problems += scope_problems(document)
    _stop(problems)
    problems += window_scope_problems(document, contracts)
    treated = _treated(document, contracts, problems)
    _stop(problems)
    units = {unit.code: unit for unit in treated}
    chosen = tuple(units) if data["estimate_areas"] == "all" else tuple(data["estimate_areas"])
    problems += _choice_problems(document, contracts, units, chosen)
    _stop(problems)
    rule = data["donors"]
    return Design(
        id=id,
        title=data["title"],
        question=data["question"],
        programme=data["programme"],
        programme_name=contracts.programmes[data["programme"]].name,
        unit=data["unit"],
        treated=treated,
        estimate_areas=chosen,
        estimate_pooled=data["estimate_pooled"],
        donors=DonorRule(
            nations=tuple(rule["nations"]),
            exclude_programmes=tuple(rule["exclude_programmes"]),
            exclude_neighbours=rule["exclude_neighbours"],
            exclude_areas=tuple((item["area"], item["reason"]) for item in rule["exclude_areas"]),
        ),
        outcomes=tuple(OutcomePlan(**item) for item in data["outcomes"]),
        did_estimators=tuple(data["did_estimators"]),
        synthetic_control_estimators=tuple(data["synthetic_control_estimators"]),
        pooled_synthetic_control_estimators=tuple(data.get("pooled_synthetic_control_estimators", ())),
        alternative_starts=tuple(data.get("alternative_starts", ())),
        exposure_coding=data["exposure_coding"],
        anticipation=data["anticipation"],
        level=float(data["level"]),
        draws=data["draws"],
        seed=data["seed"],
        thresholds=_thresholds(data["thresholds"]),
        plausible_effect=None if data["plausible_effect"] is None else float(data["plausible_effect"]),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        comparison=data.get("comparison", "untreated"),
        no_comparison_reason=_one_line(data.get("no_comparison_reason", "")),
        expected_everywhere=data.get("expected_everywhere", ""),
        dose=data.get("dose", "none"),
        questions=tuple(
            Question(question=_one_line(item["question"]), answer=item["answer"], why=_one_line(item["why"]))
            for item in data.get("questions", ())
        ),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _thresholds(raw: Mapping[str, Any]) -> CheckThresholds:
    """What the file sets; a threshold it does not name has the default of `CheckThresholds`."""
    limits = {key: float(value) for key, value in raw.items() if key != "minimum_pre_periods"}
    return CheckThresholds(minimum_pre_periods=raw["minimum_pre_periods"], **limits)


def _stop(problems: list[str]) -> None:
    raise_problems([Problem(text) for text in problems])


# ---------------------------------------------------------------- the form of the file


def _form_problems(document: Document, id: str) -> Iterator[str]:
    data = document.data
    if not isinstance(data, dict):
        yield f"{document.place()}: a design is a mapping of keys to values."
        return
    yield from keyed(document, field_problems(_Protocol, data))
    for key, cls in (("donors", _Donors), ("thresholds", _Thresholds)):
        if isinstance(data.get(key), dict):
            yield from keyed(document, field_problems(cls, data[key]), key)
    donors = data.get("donors")
    lists: list[tuple[Any, type, tuple[str, ...]]] = [
        (data.get("outcomes"), _Outcome, ("outcomes",)),
        (data.get("assumed_starts"), _Assumed, ("assumed_starts",)),
        (data.get("questions"), _Question, ("questions",)),
    ]
    if isinstance(donors, dict):
        lists.append((donors.get("exclude_areas"), _Excluded, ("donors", "exclude_areas")))
    for items, kind, path in lists:
        for position, item in enumerate(items if isinstance(items, list) else []):
            if isinstance(item, dict):
                yield from keyed(document, field_problems(kind, item), *path, position)
    if data.get("id") not in (None, id):
        yield f"{document.place('id')}: id: is {data['id']!r} but the file is called {id}.yml; write {id!r}."
    yield from _number_problems(document)
    yield from _shift_problems(document)


def _shift_problems(document: Document) -> Iterator[str]:
    """Alternative starts are months by which every start is moved: not nil, not far, and each once."""
    shifts = document.data.get("alternative_starts")
    whole = [s for s in shifts if isinstance(s, int) and not isinstance(s, bool)] if isinstance(shifts, list) else []
    for position, shift in enumerate(whole):
        at = document.place("alternative_starts", position)
        if not shift or abs(shift) > _FARTHEST_SHIFT:
            yield (
                f"{at}: alternative_starts: is {shift}; write months from -{_FARTHEST_SHIFT} (earlier) to {_FARTHEST_SHIFT} "
                "(later), not 0, such as [-3, 3]."
            )
        elif shift in whole[:position]:
            yield f"{at}: alternative_starts: {shift} stands in it twice. Fix: keep one."


def _plain(limit: float) -> str:
    return str(limit) if isinstance(limit, int) else f"{limit:g}"


def _number_problems(document: Document) -> Iterator[str]:
    limits: tuple[tuple[tuple[str, ...], float, float, str], ...] = (
        (("level",), 0.001, 0.5, "the size of the tests, such as 0.05"),
        (("draws",), 19, 100_000, "how many placebo assignments at most"),
        (("seed",), 0, _LARGEST_SEED, "any whole number; it is never drawn at random"),
        (("anticipation",), 0, 24, "months before the start"),
        (("plausible_effect",), 1e-9, 1e12, "a magnitude in the primary outcome's unit, or null"),
        (("thresholds", "minimum_pre_periods"), 2, 1000, "periods before the start"),
        (("thresholds", "maximum_pre_rmspe_ratio"), 0.1, 100, "misfit over the untreated areas' median misfit"),
        (("thresholds", "maximum_pre_trend"), 0.5, 1, "a quantile of the untreated areas"),
        (("thresholds", "maximum_donor_weight"), 0.01, 1, "a share of the weight"),
        (("thresholds", "negligible_effect"), 0, 1e12, "a magnitude in the primary outcome's unit"),
        (("thresholds", "minimum_breakdown"), 0, 100, "violations after the start over the largest before it; 0 = not judged"),
        (("thresholds", "maximum_hidden_drift"), 0, 1e12, "a drift a year in the primary outcome's unit; 0 = not judged"),
        (("thresholds", "maximum_anticipation"), 0.5, 1, "a quantile of the placebo places; 1 = not judged"),
        (("thresholds", "maximum_contaminated_weight"), 0, 1, "a share of the comparison; 1 = not judged"),
        (("thresholds", "minimum_inside_range"), 0, 1, "a share of the periods before the start; 0 = not judged"),
        (("thresholds", "maximum_revision"), 0.01, 100, "a move of the estimate over how far the comparison is off by chance"),
        (("thresholds", "maximum_forbidden_weight"), 0, 1, "a share of the weight; 1 = not judged"),
    )
    for path, low, high, words in limits:
        value: Any = document.data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not low <= value <= high:
            yield f"{document.place(*path)}: {path[-1]}: is {value}; write {_plain(low)} to {_plain(high)} ({words})."


# ---------------------------------------------------------------- what it refers to


def _reference_problems(document: Document, contracts: Contracts) -> Iterator[str]:
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


# ---------------------------------------------------------------- treated units


def _treated(document: Document, contracts: Contracts, problems: list[str]) -> tuple[TreatedUnit, ...]:
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


def _choice_problems(
    document: Document, contracts: Contracts, units: Mapping[str, TreatedUnit], chosen: Sequence[str]
) -> Iterator[str]:
    """Treated and excluded at once; estimates asked for where the window cannot carry them."""
    data = document.data
    members = {code: unit for unit in units.values() for code in unit.members}
    if not units:
        yield f"{document.place('places')}: places: no place is treated."
    if not chosen and not data["estimate_pooled"]:
        yield (
            f"{document.place('estimate_areas')}: estimate_areas: nothing is to be estimated; name areas, or set estimate_pooled."
        )
    yield from scope_of_units_problems(document, contracts, tuple(units.values()))
    for position, item in enumerate(data["donors"]["exclude_areas"]):
        if item["area"] in members:
            yield (
                f"{document.place('donors', 'exclude_areas', position)}: exclude_areas: {item['area']} is treated, as"
                f" {members[item['area']].name}, and left out as a donor. Fix: keep one of the two."
            )
    for code in chosen:
        if code not in units:
            yield (
                f"{document.place('estimate_areas')}: estimate_areas: {code!r} is not treated in this design; 'places' leaves it"
                " out."
            )
            continue
        if data.get("comparison", "untreated") != "none":
            yield from _window_problems(document, contracts, units[code])


def _window_problems(document: Document, contracts: Contracts, unit: TreatedUnit) -> Iterator[str]:
    data = document.data
    asked = data["thresholds"]["minimum_pre_periods"]
    for position, plan in enumerate(data["outcomes"]):
        outcome = contracts.outcomes[plan["id"]]
        periods = list_periods(plan["first"], plan["last"], outcome.frequency)
        share = exposure_share(periods, outcome.window_months, shift_month(unit.start, -data["anticipation"]))
        before = int((share == 0).sum())
        at = f"{document.place('outcomes', position)}: outcomes: {plan['id']}"
        if before == len(periods):
            yield (
                f"{at}: {unit.name} starts in {unit.start}, after the window {plan['first']} to {plan['last']}. Fix: lengthen the"
                " window or leave the area out."
            )
        elif before < asked:
            yield (
                f"{at}: {unit.name} starts in {unit.start}: {before} period(s) of the window {plan['first']} to {plan['last']}"
                f" lie before it, {asked} are asked for (minimum_pre_periods). Fix: begin the window earlier, or ask for fewer."
            )

"""The form of a protocol's file: which keys there are, of what kind, and within which limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evaluation.contracts.fields import Record, field_problems
from evaluation.contracts.problems import keyed
from evaluation.contracts.yamlfile import Document

_LARGEST_SEED = 2**32 - 1
_FARTHEST_SHIFT = 24
"""Months by which an alternative start may differ at most."""


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


def form_problems(document: Document, id: str) -> Iterator[str]:
    """Everything that is wrong with a file before what it refers to is looked up: one text a problem, with file and line."""
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

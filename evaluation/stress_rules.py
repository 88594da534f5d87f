"""The rules for comparison areas, and for other programmes in the treated ones, under which an estimate is made again.

A fixed list, the same for every design, so that none can be picked for what it gives:

============================  ===============================================================================================
strict                        no area that has any other programme of the register, none next to a treated one
strict, widespread kept       the same, but programmes that half of all authorities or more have stay in
neighbours                    the design's rule on areas next to treated ones turned round
programme:<id>                the design's rule on one other programme turned round, the rest as it is; one variant a programme
lenient                       every untreated area, whatever else it has, those next to treated ones too
region                        as the design, the regions of treated areas alone
overlap areas                 without the treated authorities that have a programme the design keeps out of the comparison
overlap areas, any            without the treated authorities that have any other programme
overlap months                without the periods that touch a month in which another programme was active in the treated area
============================  ===============================================================================================

What the protocol leaves out by name, and the nations it compares within, stand under every rule. A programme that nine in ten
authorities or more have is on both sides, tells nothing apart, and is no rule's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from evaluation.design.compare import build_comparison
from evaluation.design.overlap import find_active_months, find_covered, find_widespread, list_months, others_of
from evaluation.design.study import Study
from evaluation.errors import DataError
from evaluation.numerics.selection import keep_areas, keep_periods
from evaluation.panel.periods import month_index, reference_window
from evaluation.results import Comparison, TreatedUnit, VariantKind

EVERYWHERE, WIDESPREAD = 0.9, 0.5
"""Shares of the authorities of the nations compared from which a programme is everywhere, and widespread."""
NONE_LEFT = "no comparison area is left"

Varied = tuple[str, VariantKind, str, Callable[[], Comparison]]
"""Name, kind and title of a specification, and what makes its comparison."""


def rebuild(study: Study, outcome: str, area: str, **changes: object) -> Comparison:
    """The comparison of a design that differs in some fields."""
    design = replace(study.design, **changes)  # type: ignore[arg-type]
    return build_comparison(study.panel, design, study.contracts, outcome=outcome, area=area)


# ---------------------------------------------------------------- comparison areas


def vary_donors(study: Study, main: Comparison, outcome: str, area: str) -> Iterator[Varied]:
    """The rules for comparison areas, in the order of the module's table."""
    rule, months = study.design.donors, _months(study, main, outcome)
    others = find_others(study, months)
    few = find_widespread(study.contracts, others, rule.nations, months, share=WIDESPREAD)

    def under(name: str, title: str, **changes: object) -> Varied:
        donors = replace(rule, **changes)  # type: ignore[arg-type]
        return name, "comparison areas", title, lambda: _rebuild_briefly(study, outcome, area, donors=donors)

    yield under("strict", "no other programme, none next to treated ones", exclude_programmes=others, exclude_neighbours=True)
    if few:
        rest = tuple(id for id in others if id not in few)
        title = "no other programme but widespread ones"
        yield under("strict, widespread kept", title, exclude_programmes=rest, exclude_neighbours=True)
    beside = f"{'with' if rule.exclude_neighbours else 'without'} areas next to treated ones"
    yield under("neighbours", beside, exclude_neighbours=not rule.exclude_neighbours)
    for id in others:
        out = id in rule.exclude_programmes
        changed = tuple(p for p in rule.exclude_programmes if p != id) if out else (*rule.exclude_programmes, id)
        title = f"{'with' if out else 'without'} areas that have {study.contracts.programmes[id].name}"
        yield under(f"programme:{id}", title, exclude_programmes=changed)
    yield under("lenient", "every untreated area", exclude_programmes=(), exclude_neighbours=False)
    yield "region", "comparison areas", "the regions of treated areas alone", lambda: _same_region(main)


def find_others(study: Study, months: Sequence[str]) -> tuple[str, ...]:
    """Programmes of the register other than the one under study and those that are everywhere."""
    others = others_of(study.contracts, study.design.programme)
    constant = find_widespread(study.contracts, others, study.design.donors.nations, months, share=EVERYWHERE)
    return tuple(id for id in others if id not in constant)


def _rebuild_briefly(study: Study, outcome: str, area: str, **changes: object) -> Comparison:
    """As `rebuild`; why no comparison area is left is the rule itself, and is not counted out by reason."""
    try:
        return rebuild(study, outcome, area, **changes)
    except DataError as refusal:
        raise DataError(say_briefly(refusal)) from refusal


def say_briefly(refusal: DataError) -> str:
    """A refusal without the list of reasons for every area left out."""
    return f"{NONE_LEFT}." if NONE_LEFT in str(refusal) else str(refusal)


def _same_region(main: Comparison) -> Comparison:
    regions = {region for region, treated in zip(main.regions, main.treated, strict=True) if treated}
    if not any(regions):
        raise DataError("the region of the treated areas is not known.")
    kept = main.treated | np.isin(main.regions, sorted(regions))
    if kept.sum() == main.treated.sum():
        raise DataError("no comparison area lies in the region of a treated one.")
    return keep_areas(main, kept)


# ---------------------------------------------------------------- other programmes in the treated areas


def vary_overlap(study: Study, main: Comparison, outcome: str) -> Iterator[Varied]:
    """Without the treated authorities, or the periods, in which another programme is there."""
    months = _months(study, main, outcome)
    others = find_others(study, months)
    kept_out = tuple(id for id in others if id in study.design.donors.exclude_programmes)
    units = [unit for unit in study.design.treated if unit.code in main.areas]
    if kept_out:
        title = "parts without programmes kept out"
        yield "overlap areas", "overlap", title, lambda: _without_members(study, main, outcome, units, kept_out, months)
    title = "parts without any other programme"
    yield "overlap areas, any", "overlap", title, lambda: _without_members(study, main, outcome, units, others, months)
    title = "periods without any other programme"
    yield "overlap months", "overlap", title, lambda: _without_months(study, main, outcome, units, others, months)


def _months(study: Study, main: Comparison, outcome: str) -> tuple[str, ...]:
    window = study.contracts.outcomes[outcome].window_months
    return list_months(reference_window(main.periods[0], window)[0], reference_window(main.periods[-1], window)[1])


def _without_members(
    study: Study, main: Comparison, outcome: str, units: Sequence[TreatedUnit], programmes: Sequence[str], months: Sequence[str]
) -> Comparison:
    """The comparison of what is left of each treated unit; one of which nothing is left is not among the treated."""
    members = [code for unit in units for code in unit.members]
    covered = find_covered(study.contracts, programmes, members, months)
    left = [unit for unit in (_keep_members(unit, covered) for unit in units) if unit.members]
    if not left:
        counts = Counter(id for ids in covered.values() for id in ids)
        said = ", ".join(f"{study.contracts.programmes[id].name} in {counts[id]}" for id in programmes if counts[id])
        raise DataError(f"nothing is left: each of the {len(members)} treated authorities has another programme ({said}).")
    dropped = tuple((code, "has another programme besides") for code in members if code in covered)
    donors = replace(study.design.donors, exclude_areas=(*study.design.donors.exclude_areas, *dropped))
    rest = tuple(unit for unit in study.design.treated if unit not in units)
    comparison = rebuild(study, outcome, main.area, treated=(*left, *rest), donors=donors)
    # the programme went on in what was dropped: what lies next to it stays out, as in the main comparison
    return keep_areas(comparison, comparison.treated | np.isin(comparison.areas, main.donors))


def _keep_members(unit: TreatedUnit, covered: dict[str, list[str]]) -> TreatedUnit:
    kept = [n for n, code in enumerate(unit.members) if code not in covered]
    shares = tuple(unit.shares[n] for n in kept) if unit.shares else ()
    return replace(unit, members=tuple(unit.members[n] for n in kept), shares=shares)


def _without_months(
    study: Study, main: Comparison, outcome: str, units: Sequence[TreatedUnit], programmes: Sequence[str], months: Sequence[str]
) -> Comparison:
    """The comparison without periods that touch a month with another programme in half of the treated authorities."""
    members = [code for unit in units for code in unit.members]
    active = find_active_months(study.contracts, programmes, members, months)
    if not active:
        raise DataError("no other programme has an established start in half of the treated authorities: no month can be told.")
    window = study.contracts.outcomes[outcome].window_months
    overlapping = np.logical_or.reduce(list(active.values()))
    kept = np.array([not overlapping[_inside(period, window, months)].any() for period in main.periods])
    exposed = (main.exposure[:, main.treated] > 0.0).any(axis=1)
    if not (kept & exposed).any() or not (kept & ~exposed).any():
        side = "after" if not (kept & exposed).any() else "before"
        since = ", ".join(
            f"{study.contracts.programmes[id].name} from {months[int(there.argmax())]}" for id, there in active.items()
        )
        raise DataError(f"nothing is left: every period {side} the start touches months in which another was active ({since}).")
    return keep_periods(main, kept)


def _inside(period: str, window: int, months: Sequence[str]) -> slice:
    """Months of a period's reference window, as positions in `months`."""
    first, last = (month_index(month) - month_index(months[0]) for month in reference_window(period, window))
    return slice(first, last + 1)

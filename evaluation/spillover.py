"""Does a programme reach next door, and is what the area gains lost there? Exploratory, beside the estimates of the protocol.

The ring of a treated area is made of the untreated authorities that touch it (`data_contracts/registers/neighbours.csv`) and pass
every other rule of the comparison. It is set beside comparison areas none of which touches a treated one, as if it had the
programme from the area's own start on, and judged like any estimate: by placebo places, groups of as many neighbouring untreated
authorities. The treated area is set beside the very same areas. Both differences are counted in people and added up: the net.

The interval of the net must allow for both, and for what they share: a shock of the region moves an area and its neighbours
alike. So area and ring are also taken as one place, whose placebo places have as many authorities as both: half the width of that
interval, in people, widened by how far the estimate of the one place is from the sum of the two (nothing but shares of population
that drift, for a linear method and one start), stands on either side of the sum. Where untreated areas do not hold two such
placebo places apart from each other, or the test of the one place errs too often on this panel, the two intervals, each at half
the level, are added up instead: at least as wide as needed whatever the two share (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from evaluation.design.compare import ALL, build_comparison, residents_of
from evaluation.design.ring import Ring, find_ring, study_ring
from evaluation.design.study import Study
from evaluation.errors import DataError, EvaluationError
from evaluation.estimators import REGISTRY as ESTIMATORS
from evaluation.inference import REGISTRY as INFERENCES
from evaluation.inference.checks import pre_trend
from evaluation.inference.placebo_in_space import count_blocks
from evaluation.plain import save_records
from evaluation.results import (
    Comparison,
    Design,
    Estimate,
    Estimator,
    Inference,
    Interval,
    NetBasis,
    Placebos,
    Spillover,
    SpilloverSide,
    TreatedUnit,
)
from evaluation.stress_rules import say_briefly

COUNTED: dict[str, Literal["people", "households"]] = {"pp": "people", "people": "people", "households": "households"}
"""What differences in an outcome's unit are counted in."""
FEWEST_BLOCKS = 2
"""Placebo places apart from each other that the joint interval needs."""
MOST_SIZE = 1.5
"""How many times as often as it should the test of the joint interval may err on this panel; large places overlap."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judged:
    """One comparison with its estimate and its deciding inference, at the design's level and at half of it."""

    comparison: Comparison
    estimate: Estimate
    inference: Inference
    halved: Inference
    failed: tuple[str, ...]


# ---------------------------------------------------------------- the record


def estimate_spillover(study: Study, outcome: str, area: str) -> Spillover:
    """Estimate the ring of a treated area, and the net of area and ring.

    Parameters
    ----------
    study : Study
        Gives the design, the panel and the contracts. The method is the design's first difference-in-differences estimator.
    outcome : str
        An outcome of the design.
    area : str
        Code of a treated unit, or ``all``.

    Returns
    -------
    Spillover
        Without a ring, or where no comparison area is left outside it, `why_not` says so.

    Raises
    ------
    DataError
        If the study has no comparison for this outcome and area at all.
    """
    design, name = study.design, _first(study.design)
    near = _build(study, design, outcome, area, exclude_neighbours=False)
    record = Spillover(
        design=design.id, outcome=outcome, area=area, area_name=near.area_name, unit=near.unit, estimator=name,
        level=design.level, reps=0, seed=design.seed, ring=(), left_out=(), n_donors=0, inside=None, beside=None,
        count_unit="", net=None, net_interval=None, net_basis="", synthetic=near.synthetic,
    )  # fmt: skip
    try:
        far = _build(study, design, outcome, area, exclude_neighbours=True)
    except DataError as refusal:
        return replace(record, why_not=say_briefly(refusal), why_no_net="there is no estimate next door")
    ring = find_ring(study.contracts, design, near, far)
    record = replace(record, ring=ring.codes, left_out=ring.left_out, n_donors=len(far.donors))
    if not ring.codes:
        touching = f"; of those that touch it, {len(ring.left_out)} cannot be used" if ring.left_out else ""
        reason = f"no untreated local authority that may be compared touches {near.area_name}{touching}"
        return replace(record, why_not=reason, why_no_net="there is no estimate next door")
    try:
        beside = _judge(study, _compare_ring(study, ring.units, far, outcome), name)
    except EvaluationError as refusal:
        return replace(record, why_not=str(refusal), why_no_net="there is no estimate next door")
    inside = _judge(study, far, name)
    return _add_up(study, record, ring, inside, beside)


def save_spillover(records: Sequence[Spillover], results: Path | str = "") -> tuple[Path, ...]:
    """Write records as files below a folder (empty = ``runs/interactive``); returns where.

    The file of a record is ``spillover/<outcome>/<area>.json``.
    """
    return save_records({f"spillover/{record.outcome}/{record.area}.json": record for record in records}, results)


def _first(design: Design) -> str:
    if not design.did_estimators:
        raise DataError(f"design {design.id}: what happens next door needs a difference-in-differences estimator; it has none.")
    return design.did_estimators[0]


# ---------------------------------------------------------------- ring and comparisons


def _build(study: Study, design: Design, outcome: str, area: str, *, exclude_neighbours: bool) -> Comparison:
    rule = replace(design.donors, exclude_neighbours=exclude_neighbours)
    return build_comparison(study.panel, replace(design, donors=rule), study.contracts, outcome=outcome, area=area)


def _compare_ring(study: Study, units: Sequence[TreatedUnit], far: Comparison, outcome: str) -> Comparison:
    """`units`, made of the ring or with it, beside the comparison areas of `far` and no others."""
    design = study_ring(study.contracts, study.design, units, far)
    return build_comparison(study.panel, design, study.contracts, outcome=outcome, area=ALL)


def _together(units: Sequence[TreatedUnit], ring: Ring) -> tuple[TreatedUnit, ...]:
    """Each treated unit and its ring as one."""
    mine = {unit.code.removeprefix("next-to-"): unit.members for unit in ring.units}
    return tuple(
        replace(unit, code=f"with-{unit.code}", members=(*unit.members, *mine.get(unit.code, ())), shares=()) for unit in units
    )


# ---------------------------------------------------------------- estimates


def _judge(study: Study, comparison: Comparison, name: str) -> _Judged:
    design, method = study.design, ESTIMATORS[name]()
    estimate = method.fit(comparison)
    placebos = method.placebos(comparison, draws=design.draws, seed=design.seed)
    check = pre_trend.run(comparison, method, estimate, placebos, design.thresholds)
    return _Judged(
        comparison=comparison,
        estimate=estimate,
        inference=_decide(study, estimate, method, comparison, placebos, design.level),
        halved=_decide(study, estimate, method, comparison, placebos, design.level / 2),
        failed=(check.title,) if check.passed is False else (),
    )


def _decide(
    study: Study, estimate: Estimate, method: Estimator, comparison: Comparison, placebos: Placebos, level: float
) -> Inference:
    """The inference a verdict may rest on."""
    design = study.design
    for infer in INFERENCES.values():
        found = infer(estimate, method, comparison, level=level, draws=design.draws, seed=design.seed, placebos=placebos)
        if found.decides:
            return found
    raise AssertionError("one inference decides")


def _side(judged: _Judged, authorities: int, residents: float | None, factor: float | None) -> SpilloverSide:
    inference = judged.inference
    return SpilloverSide(
        authorities=authorities,
        att=judged.estimate.att,
        interval=inference.interval,
        p_value=inference.p_value,
        mde=inference.mde,
        blocks=inference.blocks,
        size=inference.size,
        size_reps=inference.size_reps,
        residents=residents,
        count=None if factor is None else judged.estimate.att * factor,
        count_interval=_scale(inference.interval, factor),
        checks_failed=judged.failed,
        note=inference.note,
    )


def _scale(interval: Interval | None, factor: float | None) -> Interval | None:
    if interval is None or factor is None:
        return None
    return Interval(low=interval.low * factor, high=interval.high * factor)


# ---------------------------------------------------------------- the net


def _add_up(study: Study, record: Spillover, ring: Ring, inside: _Judged, beside: _Judged) -> Spillover:
    """The two sides in people, and their sum with its interval."""
    outcome = record.outcome
    studied = [unit for unit in study.design.treated if unit.code in inside.comparison.areas]
    designs = [study_ring(study.contracts, study.design, units, inside.comparison) for units in (studied, ring.units)]
    residents = [residents_of(study.panel, design, study.contracts, outcome, ALL) for design in designs]
    factors = [_factor(record.unit, people, judged) for people, judged in zip(residents, (inside, beside), strict=True)]
    authorities = [sum(len(unit.members) for unit in units) for units in (studied, ring.units)]
    record = replace(
        record,
        reps=beside.inference.reps,
        inside=_side(inside, authorities[0], residents[0], factors[0]),
        beside=_side(beside, authorities[1], residents[1], factors[1]),
        note=beside.inference.note,
    )
    if factors[0] is None or factors[1] is None:
        reason = (
            "the panel has no population of every authority"
            if record.unit == "pp"
            else f"differences in {record.unit} are not counted in people"
        )
        return replace(record, why_no_net=reason)
    net = inside.estimate.att * factors[0] + beside.estimate.att * factors[1]
    half, basis = _half_width(study, record, ring, studied, inside, beside, factors[0], factors[1], net)
    if half is None:
        return replace(record, why_no_net="no interval can be given for both sides together with so few placebo places")
    return replace(
        record,
        count_unit=COUNTED[record.unit],
        net=net,
        net_interval=Interval(low=net - half, high=net + half),
        net_basis=basis,
    )


def _factor(unit: str, residents: float | None, judged: _Judged) -> float | None:
    """People that one unit of the outcome is, in all units of a comparison together; None where it cannot be counted."""
    if unit == "pp":
        return None if residents is None else residents / 100.0
    # a count is added up over the members of a unit, and the estimate is the mean of the units
    return float(judged.comparison.treated.sum()) if unit in COUNTED else None


def _half_width(
    study: Study,
    record: Spillover,
    ring: Ring,
    studied: Sequence[TreatedUnit],
    inside: _Judged,
    beside: _Judged,
    factor_inside: float,
    factor_beside: float,
    net: float,
) -> tuple[float | None, NetBasis]:
    """Half the width of the interval of the net, in people, and where it comes from; see the module's text."""
    if study.design.unit == "place" and record.unit == "pp":
        try:
            together = _compare_ring(study, _together(studied, ring), inside.comparison, record.outcome)
            if count_blocks(together) >= FEWEST_BLOCKS:
                joint = _judge(study, together, record.estimator)
                interval, factor = joint.inference.interval, factor_inside + factor_beside
                errs = joint.inference.size is not None and joint.inference.size > MOST_SIZE * record.level + 1e-9
                if interval is not None and not errs:
                    apart = abs(joint.estimate.att * factor - net)
                    return (interval.high - interval.low) / 2 * factor + apart, "joint placebo places"
        except EvaluationError:
            pass  # too few areas for places so large: the two intervals are added up
    ends = [judged.halved.interval for judged in (inside, beside)]
    if ends[0] is None or ends[1] is None:
        return None, ""
    halves = [(end.high - end.low) / 2 for end in ends if end is not None]
    return halves[0] * factor_inside + halves[1] * factor_beside, "sum of the two intervals"

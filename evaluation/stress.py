"""How much does an estimate depend on choices? The same estimate under every other choice open when the protocol was set.

The choices follow from the design, not from results: the other methods it names, its alternative starts, the other way to count
a reference window that straddles the start, other rules for comparison areas and for other programmes in the treated ones
(`evaluation.stress_rules`), a shorter window, other weights. Each is varied alone, and judged by the inference that decides
verdicts. What cannot be estimated stands in the list with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluation.design.compare import ALL
from evaluation.design.study import Study
from evaluation.errors import DataError, EvaluationError
from evaluation.estimators import CARDS
from evaluation.estimators import REGISTRY as ESTIMATORS
from evaluation.inference import REGISTRY as INFERENCES
from evaluation.inference.reference import Reference, reference_of
from evaluation.numerics.selection import keep_periods
from evaluation.panel.periods import STEP, month_index, reference_window, shift_month
from evaluation.plain import save_records
from evaluation.results import Comparison, Estimate, Estimator, Inference, Placebos, Stress, Variant, VariantKind
from evaluation.steps import follow
from evaluation.stress_rules import Varied, rebuild, vary_donors, vary_overlap

PANDEMIC = ("2020-03", "2021-06")
"""First and last month of the pandemic; one variant leaves out the periods of which half the reference window lies in it."""

FEWEST_JOINT = 2
"""Variants with the same placebo places that a joint figure needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """One specification: how the comparison is made, and the estimator."""

    name: str
    kind: VariantKind
    title: str
    estimator: str
    make: Callable[[], Comparison]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Made:
    """A variant, and its statistics beside its placebos'; None where there is no estimate."""

    variant: Variant
    comparison: Comparison | None = None
    reference: Reference | None = None


def stress_estimate(study: Study, outcome: str, area: str) -> Stress:
    """Estimate again under every other choice.

    Parameters
    ----------
    study : Study
        Gives the design, the panel and the contracts.
    outcome : str
        An outcome of the design.
    area : str
        Code of a treated unit, or ``all``.

    Returns
    -------
    Stress
        `joint_p` is the share of placebo assignments whose median statistic is at least as large as the observed one. The
        statistic of a variant is the magnitude the deciding test uses over its root mean square in the placebo places, and the
        median is over the variants that have the comparison areas and the placebo places of the main one: elsewhere a placebo
        place is another place (Simonsohn, Simmons & Nelson 2020, with places permuted instead of data resampled).

    Raises
    ------
    DataError
        If the main comparison or its estimate cannot be made.

    Examples
    --------
    >>> from evaluation.design.study import open_study
    >>> study = open_study("economic-inactivity-trailblazers")
    >>> stress = stress_estimate(study, "claimant_rate", "greater-manchester")
    >>> stress.variants[0].kind, all(variant.att > 0 for variant in stress.variants if variant.att is not None)
    ('main', True)
    """
    main = study.comparison(outcome, area)
    first = _methods(study, area)[0]
    choices = list(_choices(study, main, outcome, area, first))
    made = [_estimate(study, choices[0], main)]
    others = follow(choices[1:], "choices", name=lambda choice: choice.title)
    made += [_try(study, choice, main, first) for choice in others]
    joint, note = _joint(made, study.design.level)
    return Stress(
        design=study.design.id,
        outcome=outcome,
        area=area,
        area_name=main.area_name,
        unit=main.unit,
        variants=tuple(item.variant for item in made),
        joint_p=joint,
        synthetic=main.synthetic,
        note=note,
    )


def save_stress(records: Sequence[Stress], results: Path | str = "") -> tuple[Path, ...]:
    """Write records as files below a folder (empty = ``runs/interactive``); returns where.

    The file of a record is ``stress/<outcome>/<area>.json``.
    """
    return save_records({f"stress/{record.outcome}/{record.area}.json": record for record in records}, results)


# ---------------------------------------------------------------- the choices


def _methods(study: Study, area: str) -> tuple[str, ...]:
    """Estimators of the design that take this area, the main one first."""
    design = study.design
    second = design.pooled_synthetic_control_estimators if area == ALL else design.synthetic_control_estimators
    return (*design.did_estimators, *second)


def _choices(study: Study, main: Comparison, outcome: str, area: str, first: str) -> Iterator[_Choice]:
    """Every specification, the main one first; one differs from it in one respect."""
    methods = _methods(study, area)
    yield _Choice(name="main", kind="main", title=f"{CARDS[first].title}, as planned", estimator=first, make=lambda: main)
    for name in methods[1:]:
        yield _Choice(name=name, kind="estimator", title=CARDS[name].title, estimator=name, make=lambda: main)
    for others in (
        _starts(study, outcome, area),
        _codings(study, outcome, area),
        vary_donors(study, main, outcome, area),
        vary_overlap(study, main, outcome),
        _windows(study, main, outcome),
        _weights(main),
    ):
        for name, kind, title, make in others:
            yield _Choice(name=name, kind=kind, title=title, estimator=first, make=make)


def _starts(study: Study, outcome: str, area: str) -> Iterator[Varied]:
    for shift in study.design.alternative_starts:
        size = f"{abs(shift)} month{'' if abs(shift) == 1 else 's'} {'earlier' if shift < 0 else 'later'}"

        def make(shift: int = shift) -> Comparison:
            units = tuple(replace(unit, start=shift_month(unit.start, shift)) for unit in study.design.treated)
            return rebuild(study, outcome, area, treated=units)

        yield f"start {shift:+d}", "start date", f"every start {size}", make


def _codings(study: Study, outcome: str, area: str) -> Iterator[Varied]:
    other = "binary" if study.design.exposure_coding == "share" else "share"
    title = "straddling windows count in full" if other == "binary" else "straddling windows count by their share"
    yield f"coding {other}", "exposure coding", title, lambda: rebuild(study, outcome, area, exposure_coding=other)

    def without() -> Comparison:
        shares = rebuild(study, outcome, area, exposure_coding="share").exposure
        straddles = np.asarray(((shares > 0.0) & (shares < 1.0)).any(axis=1))
        return keep_periods(study.comparison(outcome, area), ~straddles)

    yield "coding whole", "exposure coding", "straddling windows left out", without


def _windows(study: Study, main: Comparison, outcome: str) -> Iterator[Varied]:
    measure = study.contracts.outcomes[outcome]
    year = 12 // STEP[measure.frequency]
    yield "first year", "window", "without the first year", lambda: keep_periods(main, np.arange(main.n_periods) >= year)
    out = np.array([_share_inside(period, measure.window_months, PANDEMIC) >= 0.5 for period in main.periods])
    yield "pandemic", "window", "without March 2020 to June 2021", lambda: keep_periods(main, ~out)


def _share_inside(period: str, window_months: int, months: tuple[str, str]) -> float:
    """Share of a period's reference window that lies between two months, both included."""
    first, last = (month_index(month) for month in reference_window(period, window_months))
    low, high = (month_index(month) for month in months)
    return max(0, min(last, high) - max(first, low) + 1) / (last - first + 1)


def _weights(main: Comparison) -> Iterator[Varied]:
    sizes = np.ones(len(main.areas)) if main.sizes is None else main.sizes.astype(float)
    if main.weights is None:
        yield "population", "weights", "by population", lambda: _refuse("the panel has no population")
    yield "equal", "weights", "every authority counts the same", lambda: replace(main, weights=sizes)

    def precision() -> Comparison:
        if main.se is None:
            _refuse("the figures have no standard error")
        return replace(main, weights=_precision(main, sizes))

    yield "precision", "weights", "the surer a figure, the more it counts", precision


def _refuse(reason: str) -> Comparison:
    raise DataError(f"{reason}.")


def _precision(comparison: Comparison, sizes: np.ndarray) -> np.ndarray:
    """One over the variance of each area's figures (N,): its own movement, the same for all authorities, plus sampling error.

    The movement is what is left of the variance of the comparison areas, periods before the start, when area and period means and
    the mean sampling variance are taken out; nil at least.
    """
    assert comparison.se is not None
    start = int(comparison.first_treated[comparison.treated].min())
    donors = ~comparison.treated
    y = comparison.y[:start, donors]
    left = y - y.mean(axis=0) - y.mean(axis=1, keepdims=True) + y.mean()
    sampling = np.mean(comparison.se[:start] ** 2, axis=0)
    spared = max((start - 1) * (donors.sum() - 1), 1)
    movement = max(float((left**2).sum() / spared - sampling[donors].mean()), 0.0)
    variance = movement / sizes + sampling
    return np.asarray(1.0 / np.maximum(variance, 1e-12 * max(float(variance.max()), 1e-12)))


# ---------------------------------------------------------------- one specification


def _try(study: Study, choice: _Choice, main: Comparison, first: str) -> _Made:
    """A variant, or the reason why there is none."""
    try:
        comparison = choice.make()
        if choice.estimator == first and _is_same(comparison, main):
            return _Made(variant=_without(choice, "makes no difference here: it gives the main comparison"))
        return _estimate(study, choice, comparison)
    except EvaluationError as refusal:
        return _Made(variant=_without(choice, str(refusal)))


def _without(choice: _Choice, reason: str) -> Variant:
    return Variant(
        name=choice.name,
        kind=choice.kind,
        title=choice.title,
        estimator=choice.estimator,
        att=None,
        interval=None,
        p_value=None,
        why_not=reason,
    )


def _is_same(one: Comparison, other: Comparison) -> bool:
    """Whether an estimator is given the same."""
    if one.areas != other.areas or one.periods != other.periods:
        return False
    weights = [np.ones(len(one.areas)) if item.weights is None else item.weights for item in (one, other)]
    return (
        np.array_equal(one.y, other.y, equal_nan=True)
        and np.array_equal(one.exposure, other.exposure)
        and np.allclose(weights[0] / weights[0].sum(), weights[1] / weights[1].sum())
    )


def _estimate(study: Study, choice: _Choice, comparison: Comparison) -> _Made:
    design, method = study.design, ESTIMATORS[choice.estimator]()
    estimate = method.fit(comparison)
    placebos = method.placebos(comparison, draws=design.draws, seed=design.seed)
    inference = _decide(study, estimate, method, comparison, placebos)
    variant = Variant(
        name=choice.name,
        kind=choice.kind,
        title=choice.title,
        estimator=choice.estimator,
        att=estimate.att,
        interval=inference.interval,
        p_value=inference.p_value,
        why_not="" if inference.interval else f"no interval: {inference.note}",
        n_donors=len(comparison.donors),
    )
    reference = reference_of(estimate, placebos, comparison) if len(placebos.att) else None
    return _Made(variant=variant, comparison=comparison, reference=reference)


def _decide(study: Study, estimate: Estimate, method: Estimator, comparison: Comparison, placebos: Placebos) -> Inference:
    """The inference a verdict may rest on."""
    design = study.design
    for infer in INFERENCES.values():
        found = infer(estimate, method, comparison, level=design.level, draws=design.draws, seed=design.seed, placebos=placebos)
        if found.decides:
            return found
    raise AssertionError("one inference decides")


# ---------------------------------------------------------------- all together


def _joint(made: Sequence[_Made], level: float) -> tuple[float | None, str]:
    """The joint p-value of the variants whose placebo places are the main one's, and a sentence about it."""
    alike = [item.reference for item in made if item.reference is not None and _is_comparable(item, made[0])]
    usable = [reference for reference in alike if float(np.mean(reference.placebos**2)) > 0.0]
    estimated = sum(1 for item in made if item.variant.att is not None)
    if len(usable) < FEWEST_JOINT:
        return None, (
            f"There is no joint figure: {len(usable)} of {estimated} estimates share comparison areas and placebo places, and "
            f"{FEWEST_JOINT} are needed."
        )
    floor = usable[0].floor
    if floor > level + 1e-9:
        return None, f"There is no joint figure: with these placebo places it could not fall below {floor:.2f}."
    spread = np.array([np.sqrt(np.mean(reference.placebos**2)) for reference in usable])
    observed = float(np.median([reference.observed for reference in usable] / spread))
    placebos = np.median(np.abs([reference.placebos for reference in usable]) / spread[:, None], axis=0)
    p = (1 + int((placebos >= observed * (1.0 - 1e-9)).sum())) / (placebos.size + 1)
    return max(p, floor), (
        f"The joint figure rests on the {len(usable)} of {estimated} estimates that share comparison areas and placebo places."
    )


def _is_comparable(item: _Made, main: _Made) -> bool:
    """Whether the placebos of two variants are the same places, one by one."""
    if item.comparison is None or main.comparison is None or item.reference is None or main.reference is None:
        return False
    one, other = item.reference.groups, main.reference.groups
    if one is None or other is None or item.comparison.areas != main.comparison.areas:
        return False
    return bool(np.array_equal(one, other))

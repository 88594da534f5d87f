"""What must hold for every estimator of the registry, whoever wrote it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from conformance.panels import keep_areas, make_panel, make_places

from evaluation import plain
from evaluation.errors import DataError
from evaluation.estimators import REGISTRY
from evaluation.inference import REGISTRY as INFERENCE
from evaluation.inference.checks import REGISTRY as CHECKS
from evaluation.inference.checks import run_checks
from evaluation.numerics.places import STAYS, draw_places, merge_places
from evaluation.results import Card, Check, CheckThresholds, Estimate, Inference

NAMES = sorted(REGISTRY)
DID = [name for name in NAMES if REGISTRY[name]().card.family == "difference-in-differences"]
LIMITS = CheckThresholds(minimum_pre_periods=4, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.95, maximum_donor_weight=0.5)

COMMON_SHOCKS_COUNT = {
    "synthetic_did": "its penalty is scaled by changes of the outcome that include common ones, as in the source"
}

INSIDE_THE_DONORS = (
    "synthetic_control",
    "augmented_synthetic_control",
    "penalised_synthetic_control",
    "staggered_synthetic_control",
)
"""Methods without an intercept: they follow an area only among the donors' levels."""


def takes_several(name):
    """Whether the estimator accepts several treated areas, by its own word."""
    return all(check.passed is not False for check in REGISTRY[name]().check(make_panel(starts=(7, 9, 8))))


CASES = [
    pytest.param(name, starts, shares, weighted, id=f"{name}-{len(starts)}{'-shares' * shares}{'-weighted' * weighted}")
    for name in NAMES
    for starts in ((8,), (8, 8), (7, 9, 8))
    for shares in (False, True)
    for weighted in (False, True)
    if len(starts) == 1 or takes_several(name)
]


def panel(starts, shares, weighted, **options):
    return make_panel(starts=starts, shares=shares, weighted=weighted, **options)


@pytest.mark.parametrize("name", NAMES)
def test_card_and_protocol(name):
    estimator = REGISTRY[name]()
    assert estimator.name == name == estimator.card.name
    assert is_dataclass(estimator)
    assert type(estimator).__dataclass_params__.frozen
    for item in fields(Card):
        assert getattr(estimator.card, item.name), f"the card of {name} says nothing about {item.name}"
    for text in (*estimator.card.assumptions, *estimator.card.limits):
        assert text.endswith(".")
    assert any(character.isdigit() for character in estimator.card.source)


@pytest.mark.parametrize(("name", "starts", "shares", "weighted"), CASES)
def test_recovers_a_planted_effect_exactly(name, starts, shares, weighted):
    comparison = panel(starts, shares, weighted, effect=-1.25, noise=0.0)
    if name in INSIDE_THE_DONORS:
        # treated areas inside the donors' range are needed for an exact fit
        middle = [11, 9, 14][: len(starts)]
        levels = np.linspace(10, 30, 24)[[*middle, *(n for n in range(24) if n not in middle)]]
        comparison = replace(comparison, y=comparison.y - (comparison.y[0] - levels))
    estimate = REGISTRY[name]().fit(comparison)
    mixed = name == "event_study" and shares and len(set(starts)) > 1
    assert estimate.att == pytest.approx(-1.25, abs=0.02 if mixed else 1e-9)
    if not mixed:
        assert estimate.pre_rmspe == pytest.approx(0, abs=1e-9)
        gap = np.subtract(estimate.series.observed, estimate.series.counterfactual)
        assert gap == pytest.approx(-1.25 * np.array(estimate.series.exposure), abs=1e-9)


@pytest.mark.parametrize(("name", "starts", "shares", "weighted"), CASES)
def test_shift_scale_and_order_of_areas(name, starts, shares, weighted):
    estimator, comparison = REGISTRY[name](), panel(starts, shares, weighted)
    found = estimator.fit(comparison)

    def same(changed, *, times=1.0):
        other = estimator.fit(changed)
        assert other.att == pytest.approx(times * found.att, abs=1e-8)
        assert other.pre_rmspe == pytest.approx(times * found.pre_rmspe, abs=1e-8)
        assert [p.att for p in other.path] == pytest.approx([times * p.att for p in found.path], abs=1e-8)
        if found.se is not None:
            assert other.se == pytest.approx(times * found.se, abs=1e-8)

    rng = np.random.default_rng(5)
    same(replace(comparison, y=comparison.y + 100.0))
    if name not in COMMON_SHOCKS_COUNT:
        same(replace(comparison, y=comparison.y + 3.0 * rng.normal(size=(14, 1))))
    same(replace(comparison, y=7.0 * comparison.y), times=7.0)
    same(keep_areas(comparison, rng.permutation(24)))
    if name in DID:
        same(replace(comparison, y=comparison.y + 5.0 * rng.normal(size=24)))
    if weighted:
        same(replace(comparison, weights=12.0 * comparison.weights))


@pytest.mark.parametrize(("name", "starts", "shares", "weighted"), CASES)
def test_an_effect_at_full_exposure_moves_the_estimate_and_nothing_before(name, starts, shares, weighted):
    """What the interval by test inversion rests on."""
    estimator, comparison = REGISTRY[name](), panel(starts, shares, weighted)
    if name == "event_study" and shares and len(set(starts)) > 1:
        pytest.skip("holds up to the shares only, as documented")
    found = estimator.fit(comparison)
    moved = estimator.fit(replace(comparison, y=comparison.y + 2.5 * comparison.exposure))
    assert moved.att - found.att == pytest.approx(2.5, abs=1e-9)
    assert moved.pre_rmspe == pytest.approx(found.pre_rmspe, abs=1e-9)


def hold_to_fits(estimator, comparison, draws):
    """Placebos are the fits on the panels of their places, the first ones one by one."""
    placebos = estimator.placebos(comparison, draws=draws, seed=11)
    chosen = draw_places(comparison, draws=draws, seed=11)
    assert np.array_equal(placebos.groups, chosen.groups)
    assert placebos.exhaustive == chosen.exhaustive
    single = int(comparison.treated.sum()) == 1
    times = [point.event_time for point in estimator.fit(comparison).path]
    assert (placebos.path is None) == (not times)
    for d in range(min(3, len(chosen.groups))):
        found = estimator.fit(merge_places(comparison, chosen.groups[d]))
        assert placebos.att[d] == pytest.approx(found.att, abs=1e-10)
        assert placebos.pre_rmspe[d] == pytest.approx(found.pre_rmspe, abs=1e-10)
        if found.prediction_rmspe is None:
            assert placebos.prediction_rmspe is None
        else:
            assert placebos.prediction_rmspe[d] == pytest.approx(found.prediction_rmspe, abs=1e-9)
        if single:
            gap = np.subtract(found.series.observed, found.series.counterfactual)
            assert placebos.gaps[d] == pytest.approx(gap, abs=1e-10)
        else:
            assert placebos.gaps is None
        if times:
            assert [point.event_time for point in found.path] == times
            assert placebos.path[d] == pytest.approx([point.att for point in found.path], abs=1e-9)
    return placebos


@pytest.mark.parametrize(("name", "starts", "shares", "weighted"), CASES)
def test_placebos_equal_fits_on_the_panel_of_their_places(name, starts, shares, weighted):
    comparison = panel(starts, shares, weighted)
    placebos = hold_to_fits(REGISTRY[name](), comparison, 4)
    assert len(placebos.att) == (len(comparison.donors) if len(starts) == 1 else 4)
    assert placebos.labels == (comparison.donors if len(starts) == 1 else ())


@pytest.mark.parametrize(
    ("name", "sizes"),
    [pytest.param(n, s, id=f"{n}-{len(s)}") for n in NAMES for s in ((3,), (3, 1, 2)) if len(s) == 1 or takes_several(n)],
)
def test_a_place_of_several_authorities_gets_placebo_places_as_large(name, sizes):
    comparison = make_places(sizes=sizes, starts=(8, 7, 9)[: len(sizes)], shares=True)
    placebos = hold_to_fits(REGISTRY[name](), comparison, 3)
    assert len(placebos.att) == 3
    assert placebos.labels == ()
    assert not placebos.exhaustive
    for k, size in enumerate(sizes):
        assert ((placebos.groups == k).sum(axis=1) == size).all()


@pytest.mark.parametrize("name", [n for n in NAMES if REGISTRY[n]().card.family == "synthetic control"])
def test_members_of_a_placebo_place_are_no_donors_to_it(name):
    """One member leaps after the start: the gap shows its share of the leap, and no counterfactual follows it."""
    estimator, comparison = REGISTRY[name](), make_places(sizes=(3,), starts=(8,))
    groups = estimator.placebos(comparison, draws=4, seed=11).groups
    donors = np.flatnonzero(~comparison.treated)
    for d in range(4):
        members = donors[groups[d] != STAYS]
        y = comparison.y.copy()
        y[8:, members[0]] += 50.0
        leap = 50.0 * comparison.weights[members[0]] / comparison.weights[members].sum()
        one, other = (estimator.placebos(c, draws=4, seed=11).gaps[d] for c in (comparison, replace(comparison, y=y)))
        assert other - one == pytest.approx(np.repeat([0.0, leap], [8, 6]), abs=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_the_treated_area_plays_no_part_in_its_placebos(name):
    estimator, comparison = REGISTRY[name](), make_panel()
    y = comparison.y.copy()
    y[:, 0] = 1e6
    for one, other in zip(
        *(estimator.placebos(c, draws=9, seed=0).gaps for c in (comparison, replace(comparison, y=y))), strict=True
    ):
        assert one == pytest.approx(other)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_changed_and_everything_repeats(name):
    estimator, comparison = REGISTRY[name](), make_panel(shares=True, weighted=True)
    before = {item.name: np.copy(getattr(comparison, item.name)) for item in fields(comparison) if item.name != "se"}
    first = estimator.fit(comparison), estimator.placebos(comparison, draws=5, seed=2)
    second = estimator.fit(comparison), estimator.placebos(comparison, draws=5, seed=2)
    for key, value in before.items():
        assert np.array_equal(value, getattr(comparison, key))
    assert plain.dump_json(first[0]) == plain.dump_json(second[0])
    assert plain.dump_json(first[1]) == plain.dump_json(second[1])


@pytest.mark.parametrize("name", NAMES)
def test_json_round_trip_of_everything_handed_out(name):
    estimator, comparison = REGISTRY[name](), make_panel(shares=True)
    estimate, placebos = estimator.fit(comparison), estimator.placebos(comparison, draws=5, seed=2)
    records = [
        (Estimate, estimate),
        *((Inference, infer(estimate, estimator, comparison, level=0.05, draws=5, seed=2)) for infer in INFERENCE.values()),
        *((Check, c) for c in run_checks(comparison, estimator, estimate, placebos, LIMITS, level=0.05, draws=5, seed=2)),
        *((Check, c) for c in estimator.check(comparison)),
    ]
    for kind, record in records:
        text = plain.dump_json(record)
        assert plain.dump_json(plain.from_plain(kind, plain.to_plain(record))) == text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_areas", [2, 3])
def test_smallest_panel_is_answered_or_refused_but_never_nan(name, n_areas):
    comparison = make_panel(n_areas=n_areas, n_periods=2, starts=(1,))
    estimate = REGISTRY[name]().fit(comparison)
    plain.to_plain(estimate)
    found = INFERENCE["placebo_in_space"](estimate, REGISTRY[name](), comparison, level=0.05, draws=9, seed=0)
    plain.to_plain(found)
    assert found.p_value is None
    assert found.note
    plain.to_plain(INFERENCE["cluster_robust"](estimate, REGISTRY[name](), comparison, level=0.05, draws=9, seed=0))
    placebos = REGISTRY[name]().placebos(comparison, draws=9, seed=0)
    for check in run_checks(comparison, REGISTRY[name](), estimate, placebos, LIMITS, level=0.05, draws=9, seed=0):
        plain.to_plain(check)


@pytest.mark.parametrize("name", NAMES)
def test_checks_name_what_fit_refuses(name):
    estimator = REGISTRY[name]()
    comparison = make_panel(starts=())
    failed = [check.text for check in estimator.check(comparison) if check.passed is False]
    assert failed
    with pytest.raises(DataError) as refusal:
        estimator.fit(comparison)
    for text in failed:
        assert text in str(refusal.value)
    with pytest.raises(DataError):
        estimator.placebos(comparison, draws=9, seed=0)


@pytest.mark.parametrize("method", sorted(INFERENCE))
@pytest.mark.parametrize("name", NAMES)
def test_every_inference_method_speaks_of_its_own(method, name):
    estimator, comparison = REGISTRY[name](), make_panel()
    found = INFERENCE[method](estimator.fit(comparison), estimator, comparison, level=0.05, draws=9, seed=4)
    assert (found.method, found.level, found.seed) == (method, 0.05, 4)
    assert found.null.endswith(".")
    if found.interval is not None:
        assert found.interval.low <= estimator.fit(comparison).att <= found.interval.high


def test_one_inference_method_decides():
    estimator, comparison = REGISTRY["twfe"](), make_panel()
    found = [m(estimator.fit(comparison), estimator, comparison, level=0.05, draws=9, seed=4) for m in INFERENCE.values()]
    assert [i.method for i in found if i.decides] == ["placebo_in_space"]


def test_every_check_has_a_docstring_and_a_known_family():
    for name, check in CHECKS.items():
        assert check.run.__doc__, name
        assert set(check.families) <= {REGISTRY[n]().card.family for n in NAMES}

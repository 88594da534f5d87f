"""Every check passes, fails and stands aside on a case written by hand."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, keep_areas, make_panel

from evaluation.estimators import REGISTRY as ESTIMATORS
from evaluation.inference.checks import (
    REGISTRY,
    donor_concentration,
    placebo_in_time,
    pre_fit,
    pre_periods,
    pre_trend,
    run_checks,
    two_implementations,
)
from evaluation.inference.checks.pre_trend import movement
from evaluation.results import CheckThresholds, DonorWeight, Placebos

LIMITS = CheckThresholds(minimum_pre_periods=4, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.9, maximum_donor_weight=0.5)
TWFE, SC = ESTIMATORS["twfe"](), ESTIMATORS["synthetic_control"]()
PANEL = make_panel(n_areas=30, n_periods=16, starts=(10,), seed=3)
NONE = Placebos(att=np.zeros(0), pre_rmspe=np.zeros(0), gaps=None, labels=(), exhaustive=True)


def found(estimator=TWFE, comparison=PANEL):
    return estimator.fit(comparison), estimator.placebos(comparison, draws=200, seed=0)


def misfits(*values):
    return Placebos(att=np.ones(len(values)), pre_rmspe=np.array(values, dtype=float), gaps=None, labels=(), exhaustive=True)


def is_one_sentence(text):
    return text.endswith(".") and ". " not in text.removesuffix(".")


@pytest.mark.parametrize(("start", "passed"), [(3, False), (4, True)])
def test_pre_periods_counts_the_shortest(start, passed):
    comparison = draw_by_hand(np.random.default_rng(0).normal(size=(5, 8)), starts={0: start, 1: 6})
    check = pre_periods.run(comparison, TWFE, *found(comparison=comparison), LIMITS)
    assert (check.passed, check.value, check.threshold) == (passed, start, 4)


@pytest.mark.parametrize(("own", "passed"), [(3.9, True), (4.1, False)])
def test_pre_fit_is_a_ratio_to_the_median(own, passed):
    estimate = replace(found()[0], pre_rmspe=own)
    check = pre_fit.run(PANEL, TWFE, estimate, misfits(1, 2, 9), LIMITS)
    assert check.passed is passed
    assert check.value == pytest.approx(own / 2)
    assert is_one_sentence(check.text.replace(f"{check.value:.2f}", "x"))


def test_pre_fit_when_all_fit_exactly_says_nothing():
    estimate = replace(found()[0], pre_rmspe=0.0)
    assert pre_fit.run(PANEL, TWFE, estimate, misfits(0, 0, 0), LIMITS).passed is None
    assert pre_fit.run(PANEL, TWFE, replace(estimate, pre_rmspe=1.0), misfits(0, 0, 0), LIMITS).passed is False
    assert pre_fit.run(PANEL, TWFE, estimate, NONE, LIMITS).passed is None


def test_movement_is_the_largest_gap_over_period_to_period_noise():
    # changes of 1 throughout: noise 1 / sqrt(2)
    assert movement(np.array([[-1.5, -0.5, 0.5, 1.5]]), 0.0) == pytest.approx([1.5 * np.sqrt(2)])
    assert movement(np.zeros((1, 4)), 1e-9) == pytest.approx([0.0])


def test_pre_trend_fails_for_a_drift_and_not_for_noise():
    y = PANEL.y.copy()
    calm = pre_trend.run(PANEL, TWFE, *found(), LIMITS)
    assert calm.passed is True
    y[:, 0] += 3.0 * np.arange(16)
    drifting = replace(PANEL, y=y)
    check = pre_trend.run(drifting, TWFE, *found(comparison=drifting), LIMITS)
    assert check.passed is False
    assert check.value > calm.value
    assert is_one_sentence(check.text)


def test_pre_trend_of_several_areas_goes_by_their_misfit():
    comparison = make_panel(n_areas=30, n_periods=16, starts=(10, 10))
    estimate, _ = found(comparison=comparison)
    assert pre_trend.run(comparison, TWFE, replace(estimate, pre_rmspe=5.5), misfits(*range(1, 11)), LIMITS).value == 0.5
    assert pre_trend.run(comparison, TWFE, replace(estimate, pre_rmspe=99), misfits(*range(1, 11)), LIMITS).passed is False


def test_pre_trend_stands_aside_with_two_periods():
    comparison = draw_by_hand(np.random.default_rng(0).normal(size=(5, 4)), starts={0: 2})
    assert pre_trend.run(comparison, TWFE, *found(comparison=comparison), LIMITS).passed is None


@pytest.mark.parametrize("estimator", [TWFE, SC, ESTIMATORS["event_study"]()])
def test_placebo_in_time_finds_what_happened_before_the_start(estimator):
    comparison = make_panel(n_areas=40, n_periods=16, starts=(12,), noise=0.3, seed=8)
    calm = placebo_in_time.run(comparison, estimator, *found(estimator, comparison), LIMITS)
    assert calm.passed is True
    y = comparison.y.copy()
    y[8:, 0] += 5.0
    early = replace(comparison, y=y)
    check = placebo_in_time.run(early, estimator, *found(estimator, early), LIMITS)
    assert check.passed is False
    assert abs(check.value - 5.0) < 1.5
    assert "2009" in check.text


def test_placebo_in_time_sees_nothing_from_the_start_on():
    y = PANEL.y.copy()
    y[10:, 0] += 100.0
    loud = replace(PANEL, y=y)
    first, second = (placebo_in_time.run(c, TWFE, *found(comparison=c), LIMITS) for c in (PANEL, loud))
    assert first.value == pytest.approx(second.value)


def test_placebo_in_time_stands_aside():
    short = make_panel(n_areas=30, n_periods=6, starts=(3,))
    assert placebo_in_time.run(short, TWFE, *found(comparison=short), LIMITS).passed is None
    few = make_panel(n_areas=8, n_periods=12, starts=(9,))
    check = placebo_in_time.run(few, TWFE, *found(comparison=few), LIMITS)
    assert check.passed is None
    assert "exceeds" in check.text


@pytest.mark.parametrize(("weight", "passed"), [(0.5, True), (0.51, False)])
def test_donor_concentration(weight, passed):
    weights = (DonorWeight(area="b", name="B", weight=weight), DonorWeight(area="c", name="C", weight=1 - weight))
    estimate, placebos = found(SC)
    check = donor_concentration.run(PANEL, SC, replace(estimate, weights=weights), placebos, LIMITS)
    assert check.passed is passed
    assert check.text.startswith("B has" if weight > 0.5 else "C has")
    assert donor_concentration.run(PANEL, TWFE, *found(), LIMITS).passed is None


def shift(estimate, by):
    return replace(estimate, att=estimate.att + by, path=tuple(replace(p, att=p.att + by) for p in estimate.path))


@pytest.mark.parametrize("name", sorted(two_implementations._SECOND))
def test_two_implementations_notice_a_wrong_effect(name):
    estimator = ESTIMATORS[name]()
    estimate, placebos = found(estimator)
    right = two_implementations.run(PANEL, estimator, estimate, placebos, LIMITS)
    assert right.passed is True
    check = two_implementations.run(PANEL, estimator, shift(estimate, 10 * right.threshold), placebos, LIMITS)
    assert check.passed is False
    assert check.value == pytest.approx(10 * right.threshold, rel=1e-2)
    assert "do not use" in check.text or "do not determine" in check.text


@pytest.mark.parametrize("name", sorted(two_implementations._SECOND))
def test_two_implementations_hold_with_shares_weights_and_several_starts(name):
    estimator = ESTIMATORS[name]()
    one = estimator.card.family == "synthetic control" and not name.startswith(("staggered", "synthetic_did"))
    starts = (10,) if one else (9, 11, 11, 12)
    comparison = make_panel(n_areas=30, n_periods=16, starts=starts, shares=True, weighted=True, seed=5)
    estimate = estimator.fit(comparison)
    right = two_implementations.run(comparison, estimator, estimate, NONE, LIMITS)
    assert right.passed is True
    wrong = replace(estimate, att=estimate.att - 10 * right.threshold)
    check = two_implementations.run(comparison, estimator, wrong, NONE, LIMITS)
    # the event study's average is made of its path, which is what is held against other software
    assert check.passed is (name == "event_study")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("callaway_santanna", {"control_group": "not_yet_treated"}),
        ("callaway_santanna", {"base_period": "varying", "anticipation": 1}),
        ("imputation", {"leads": 2}),
        ("imputation", {"covariates": ("x",)}),
        ("two_stage", {"covariates": ("x",)}),
        ("augmented_synthetic_control", {"penalty": 3.0}),
        ("augmented_synthetic_control", {"rule": "smallest error"}),
        ("penalised_synthetic_control", {"penalty": 0.3}),
        ("penalised_synthetic_control", {"penalty": 0.0}),
        ("staggered_synthetic_control", {"pooling": 0.0}),
        ("staggered_synthetic_control", {"pooling": 0.7, "intercept": True}),
    ],
)
def test_two_implementations_know_the_options(name, options):
    estimator = ESTIMATORS[name](**options)
    starts = (10,) if name.startswith(("augmented", "penalised")) else (9, 11, 12)
    comparison = make_panel(n_areas=30, n_periods=16, starts=starts, seed=6)
    comparison = replace(comparison, covariates={"x": np.random.default_rng(1).normal(size=comparison.y.shape)})
    estimate = estimator.fit(comparison)
    right = two_implementations.run(comparison, estimator, estimate, NONE, LIMITS)
    assert right.passed is True
    wrong = shift(estimate, 10 * right.threshold)
    assert two_implementations.run(comparison, estimator, wrong, NONE, LIMITS).passed is False


@pytest.mark.parametrize("name", ["imputation", "two_stage"])
def test_two_implementations_take_missing_cells(name):
    comparison = make_panel(n_areas=30, n_periods=16, starts=(9, 11, 12), seed=6)
    y = comparison.y.copy()
    y[3, 5] = y[13, 0] = y[0, 20] = np.nan
    comparison, estimator = replace(comparison, y=y, unbalanced=True), ESTIMATORS[name]()
    estimate = estimator.fit(comparison)
    right = two_implementations.run(comparison, estimator, estimate, NONE, LIMITS)
    assert right.passed is True
    wrong = shift(estimate, 10 * right.threshold)
    assert two_implementations.run(comparison, estimator, wrong, NONE, LIMITS).passed is False


def test_two_implementations_take_the_last_start_for_untreated_where_all_are_treated():
    comparison = make_panel(n_areas=6, n_periods=16, starts=(6, 6, 8, 9, 12, 12), seed=6)
    estimator = ESTIMATORS["callaway_santanna"](control_group="not_yet_treated")
    assert two_implementations.run(comparison, estimator, estimator.fit(comparison), NONE, LIMITS).passed is True


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("callaway_santanna", {"covariates": ("x",)}),
        ("callaway_santanna", {"aggregation": "group"}),
        ("synthetic_did", {}),
        ("sun_abraham", {"covariates": ("x",)}),
    ],
)
def test_two_implementations_say_why_they_are_not_run(name, options):
    comparison = replace(PANEL, covariates={"x": np.random.default_rng(1).normal(size=PANEL.y.shape)})
    check = two_implementations.run(comparison, ESTIMATORS[name](**options), found()[0], NONE, LIMITS)
    assert check.passed is None
    assert check.text.startswith("Not run: there is no second implementation of " + name)
    assert is_one_sentence(check.text)


def test_two_implementations_notice_a_wrong_standard_error():
    estimate, placebos = found()
    check = two_implementations.run(PANEL, TWFE, replace(estimate, se=estimate.se * 0.975), placebos, LIMITS)
    assert check.passed is False


def test_two_implementations_say_when_the_weights_are_not_determined():
    # 4 lies between 0 and 10, and just as well between 3 and 5, which then go their own way
    comparison = draw_by_hand([[4, 4, 4], [0, 0, 0], [10, 10, 10], [3, 3, 30], [5, 5, 50]], starts={0: 2})
    checks = [
        two_implementations.run(comparison, SC, SC.fit(keep_areas(comparison, columns)), NONE, LIMITS)
        for columns in ([0, 1, 2], [0, 3, 4])
    ]
    assert {check.passed for check in checks} == {False, True} or {check.passed for check in checks} == {False}
    assert all("do not determine" in check.text for check in checks if not check.passed)


def test_two_implementations_of_an_unknown_method():
    class Other:
        name = "other"

    assert two_implementations.run(PANEL, Other(), found()[0], NONE, LIMITS).passed is None


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_every_check_of_the_family_is_run_in_order(name):
    estimator = ESTIMATORS[name]()
    checks = run_checks(PANEL, estimator, *found(estimator), LIMITS, level=0.05, draws=99, seed=0)
    wanted = [
        key for key, check in REGISTRY.items() if estimator.card.family in check.families and name in (check.estimators or [name])
    ]
    assert [check.name for check in checks] == wanted
    assert ("donor_concentration" in wanted) == (estimator.card.family == "synthetic control")
    for check in checks:
        assert check.title
        assert check.text.endswith(".")

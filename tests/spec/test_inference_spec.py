"""Inference from placebos written by hand."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel

from evaluation.estimators.twfe import TwoWayFixedEffects
from evaluation.inference import cluster_robust, placebo_in_space
from evaluation.inference.placebo_in_space import smallest_detectable
from evaluation.results import Estimate, Placebos, Series

SERIES = Series(periods=("2001",), observed=(0.0,), counterfactual=(0.0,), exposure=(0.0,))
PANEL = draw_by_hand([[0, 5], [1, 2], [3, 4]], starts={0: 1})


def estimate_of(att, pre_rmspe, se=None):
    return Estimate(estimator="twfe", att=att, path=(), series=SERIES, pre_rmspe=pre_rmspe, se=se)


def placebos_of(att, pre_rmspe=None, exhaustive=True):
    att = np.array(att, dtype=float)
    misfit = np.ones_like(att) if pre_rmspe is None else np.array(pre_rmspe, dtype=float)
    return Placebos(att=att, pre_rmspe=misfit, gaps=None, labels=(), exhaustive=exhaustive)


def judge(estimate, placebos, level=0.1):
    return placebo_in_space.infer(estimate, TwoWayFixedEffects(), PANEL, level=level, draws=9, seed=3, placebos=placebos)


def test_p_counts_the_placebos_at_least_as_large_relative_to_their_misfit():
    # statistics 1, 2, 3, 4, 0.1 (x5) against 6 / 2 = 3: two as large, the one of 3 tied
    found = judge(estimate_of(-6, 2), placebos_of([1, -4, 1.5, 8, *[0.1] * 5], [1, 2, 0.5, 2, *[1] * 5]))
    assert found.as_large == 2
    assert found.p_value == pytest.approx((1 + 2) / (9 + 1))
    assert found.smallest_p == pytest.approx(1 / 10)
    assert found.reps == 9
    assert found.decides


def test_interval_is_the_effects_the_test_keeps():
    # 19 placebos with statistics 1 ... 19: at 10% the second largest, 18, is the limit
    placebos = placebos_of(range(1, 20))
    found = judge(estimate_of(7.0, 0.5), placebos)
    assert (found.interval.low, found.interval.high) == pytest.approx((7 - 18 * 0.5, 7 + 18 * 0.5))
    for effect, kept in ((7 + 8.999, True), (7 + 9.001, False), (7 - 8.999, True), (7 - 9.001, False)):
        p = judge(estimate_of(7.0 - effect, 0.5), placebos).p_value
        assert (p > 0.1) is kept


def test_interval_excludes_nil_exactly_when_p_is_at_most_the_level():
    for att in np.linspace(0.1, 25, 60):
        found = judge(estimate_of(att, 1.0), placebos_of(range(1, 20)))
        assert (found.p_value <= 0.1) == (found.interval.low > 0)


def test_too_few_placebos_for_the_level():
    found = judge(estimate_of(9, 1), placebos_of([1, 2, 3]), level=0.05)
    assert found.p_value is None
    assert found.interval is None
    assert found.mde is None
    assert found.smallest_p == 0.25
    assert found.as_large == 0
    assert "0.250, which exceeds 0.05" in found.note


def test_no_placebo_at_all():
    found = judge(estimate_of(9, 1), placebos_of([]))
    assert (found.p_value, found.smallest_p, found.as_large, found.reps) == (None, None, None, 0)
    assert "not enough untreated areas" in found.note


@pytest.mark.parametrize("exact", ["treated", "placebo"])
def test_exact_fit_before_the_start_means_no_division(exact):
    misfit = np.ones(19)
    misfit[4] = 0.0 if exact == "placebo" else 1.0
    found = judge(estimate_of(18.5, 0.0 if exact == "treated" else 1e-3), placebos_of(range(1, 20), misfit))
    assert found.p_value == pytest.approx(2 / 20)
    assert found.interval.high == pytest.approx(18.5 + 18)
    assert "as they are" in found.note


def test_random_assignments_are_said_to_be_random():
    assert "at random" in judge(estimate_of(1, 1), placebos_of(range(1, 20), exhaustive=False)).note


def test_smallest_detectable_effect():
    # of -2, -1, 0, 1, 2 with the limit at 3, four must pass: -1 needs a shift of 4, down as up
    assert smallest_detectable(np.array([-2.0, -1, 0, 1, 2]), 3.0) == pytest.approx(4.0)
    # of 0, 0, 0, 0, 9: up needs 3 for any four with the last one through; down needs 3 for the four at 0
    assert smallest_detectable(np.array([0.0, 0, 0, 0, 9]), 3.0) == pytest.approx(3.0)
    # skewed, limit 6: four of 0, 5, 5, 5, 5 go up past 6 with 1, down past -6 only with 11
    assert smallest_detectable(np.array([0.0, 5, 5, 5, 5]), 6.0) == pytest.approx(11.0)


def test_detectable_effect_is_found_in_four_placebo_areas_of_five():
    rng = np.random.default_rng(0)
    z = rng.normal(size=199)
    limit = np.sort(np.abs(z))[-10]
    size = smallest_detectable(z, limit)
    found = [np.mean([(np.abs(z + sign * size * part) > limit).mean() for sign in (1, -1)]) for part in (1.0001, 0.99)]
    assert found[0] >= 0.8 > found[1]


def test_detectable_effect_is_in_the_outcome_s_unit():
    wide, narrow = (judge(estimate_of(0.0, s), placebos_of(range(-9, 10))).mde for s in (2.0, 1.0))
    assert wide == pytest.approx(2 * narrow)


def test_placebo_gaps_are_handed_on():
    comparison = make_panel(n_areas=8, n_periods=6, starts=(4,))
    found = placebo_in_space.infer(
        TwoWayFixedEffects().fit(comparison), TwoWayFixedEffects(), comparison, level=0.2, draws=9, seed=0
    )
    assert np.shape(found.placebo_gaps) == (7, 6)


def test_cluster_robust_is_a_t_test_that_never_decides():
    # t(2): P(|t| > 3) = 1 - 3 / sqrt(2 + 9)
    found = cluster_robust.infer(estimate_of(6, 1, se=2.0), TwoWayFixedEffects(), PANEL, level=0.05, draws=9, seed=0)
    assert found.p_value == pytest.approx(1 - 3 / np.sqrt(11))
    assert found.interval.high - 6 == pytest.approx(4.302652729911275 * 2)
    assert not found.decides
    assert "far more often" in found.note


@pytest.mark.parametrize("se", [None, 0.0])
def test_cluster_robust_without_a_standard_error(se):
    found = cluster_robust.infer(estimate_of(6, 1, se=se), TwoWayFixedEffects(), PANEL, level=0.05, draws=9, seed=0)
    assert found.p_value is None
    assert found.interval is None
    assert "standard error" in found.note


def test_cluster_robust_with_many_treated_areas():
    many = make_panel(n_areas=30, starts=(5,) * 12)
    found = cluster_robust.infer(replace(estimate_of(1, 1), se=1.0), TwoWayFixedEffects(), many, level=0.05, draws=9, seed=0)
    assert "12 treated of 30" in found.note
    assert "far more often" not in found.note

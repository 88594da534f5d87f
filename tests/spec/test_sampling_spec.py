"""Sampling error in placebo estimates: weights by hand, and against estimates of changed outcomes."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.estimators import REGISTRY
from evaluation.numerics.places import STAYS, draw_places, merge_places
from evaluation.numerics.sampling import respond, sampling_variance
from evaluation.numerics.windows import linear_variance, overlap_correlation
from evaluation.results import NEVER, Comparison

WINDOWS = overlap_correlation(8, window_months=12, step=3)
RANDOM = np.random.default_rng(4)


def draw_comparison(*, treated: int = 1, sizes: bool = False) -> Comparison:
    """Ten areas and eight periods, starts in periods 4 and 6, partial exposure, weights and standard errors. Nothing is real."""
    n, t = 10, 8
    first = np.array([4, 6][:treated] + [NEVER] * (n - treated))
    exposure = np.zeros((t, n))
    for k in range(treated):
        exposure[first[k] :, k] = np.minimum(1.0, 0.5 * np.arange(1, t - first[k] + 1))
    borders = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) == 1
    return Comparison(
        areas=tuple(f"a{i}" for i in range(n)),
        area_names=tuple(f"a{i}" for i in range(n)),
        periods=tuple(f"{2001 + i}" for i in range(t)),
        y=RANDOM.normal(size=(t, n)),
        first_treated=first,
        exposure=exposure,
        se=RANDOM.uniform(0.5, 2.0, size=(t, n)),
        weights=RANDOM.uniform(1.0, 5.0, size=n),
        sizes=np.array([2] * treated + [1] * (n - treated)) if sizes else None,
        neighbours=borders,
    )


def test_two_periods_and_equal_areas_by_hand():
    # the estimate is (change of the treated) - (mean change of the two others): weights -1, 1 and 1/2, -1/2 twice. Independent
    # figures of standard error 1 and 2: treated 1 + 4; each other (1 + 4) / 4; together 5 + 2.5
    comparison = Comparison(
        areas=("t", "a", "b", "c"),
        area_names=("t", "a", "b", "c"),
        periods=("2001", "2002"),
        y=np.zeros((2, 4)),
        first_treated=np.array([1, NEVER, NEVER, NEVER]),
        exposure=np.array([[0.0, 0, 0, 0], [1.0, 0, 0, 0]]),
        se=np.array([[1.0] * 4, [2.0] * 4]),
    )
    groups = draw_places(comparison, draws=9, seed=0).groups
    for name in ("twfe", "event_study"):
        assert sampling_variance(REGISTRY[name](), comparison, groups, np.eye(2)) == pytest.approx([7.5] * 3)
    # the same sample in both periods: errors of 1 and 2 move together, (2 - 1)^2 (1 + 1/4 + 1/4)
    assert sampling_variance(REGISTRY["twfe"](), comparison, groups, np.ones((2, 2))) == pytest.approx([1.5] * 3)


def weights_by_trial(estimator, comparison: Comparison) -> np.ndarray:
    """Weights (T, N): what the estimate changes by when one outcome is one higher."""
    base, found = estimator.fit(comparison).att, np.zeros(comparison.y.shape)
    for t, n in np.ndindex(comparison.y.shape):
        y = comparison.y.copy()
        y[t, n] += 1.0
        found[t, n] = estimator.fit(replace(comparison, y=y)).att - base
    return found


def variance_by_trial(estimator, comparison: Comparison, group: np.ndarray) -> float:
    """Sampling variance of one placebo estimate, authority by authority: those of a place share its weight by population."""
    donors = np.flatnonzero(~comparison.treated)
    by_area, places = weights_by_trial(estimator, merge_places(comparison, group)), comparison.treated.sum()
    linear = np.zeros((comparison.n_periods, donors.size))
    linear[:, group == STAYS] = by_area[:, places:]
    for k in range(places):
        weights = comparison.weights[donors] * (group == k)
        linear += by_area[:, [k]] * weights / weights.sum()
    return float(linear_variance(linear, comparison.se[:, donors], WINDOWS).sum())


@pytest.mark.parametrize("treated", [1, 2])
def test_two_way_weights_are_those_of_the_estimate_itself(treated):
    comparison, estimator = draw_comparison(treated=treated, sizes=True), REGISTRY["twfe"]()
    groups = draw_places(comparison, draws=2, seed=3).groups
    found = sampling_variance(estimator, comparison, groups, WINDOWS)
    for d, group in enumerate(groups[:2]):
        assert found[d] == pytest.approx(variance_by_trial(estimator, comparison, group))


@pytest.mark.parametrize("name", ["twfe", "event_study", "callaway_santanna", "imputation"])
def test_the_weights_over_time_are_those_of_the_estimate_itself(name):
    comparison, estimator = draw_comparison(), REGISTRY[name]()
    assert respond(estimator, comparison) == pytest.approx(weights_by_trial(estimator, comparison)[:, 0])


@pytest.mark.parametrize("name", ["event_study", "callaway_santanna"])
def test_one_place_by_any_method(name):
    comparison, estimator = draw_comparison(sizes=True), REGISTRY[name]()
    groups = draw_places(comparison, draws=1, seed=3).groups
    wanted = variance_by_trial(estimator, comparison, groups[0])
    assert sampling_variance(estimator, comparison, groups, WINDOWS) == pytest.approx([wanted])


def test_what_is_not_known_is_not_given():
    comparison = draw_comparison(treated=2)
    groups = draw_places(comparison, draws=3, seed=3).groups
    assert sampling_variance(REGISTRY["event_study"](), comparison, groups, WINDOWS) is None
    assert sampling_variance(REGISTRY["twfe"](), replace(comparison, se=None), groups, WINDOWS) is None
    assert sampling_variance(REGISTRY["twfe"](), comparison, groups[:0], WINDOWS) is None

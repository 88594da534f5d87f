"""Sensitivity to parallel trends, against cases done by hand, linear programmes and the limits that are known."""

import time
from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import make_panel
from scipy.optimize import linprog
from scipy.stats import ncx2, norm

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators import REGISTRY as ESTIMATORS
from evaluation.inference.checks import REGISTRY, breakdown
from evaluation.numerics.relative_magnitudes import (
    _all_tests,
    _kept,
    bound_relative_magnitudes,
    least_favourable,
    relative_breakdown,
)
from evaluation.numerics.sensitivity import (
    EventPath,
    bound_smoothness,
    folded_half_length,
    read_path,
    smoothness_breakdown,
)
from evaluation.results import CheckThresholds

Z = float(norm.ppf(0.975))
LIMITS = CheckThresholds(minimum_pre_periods=1, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.9, maximum_donor_weight=0.5)


def draw_path(seed=0, *, before=4, after=3, weights=None, effect=3.0):
    random = np.random.default_rng(seed)
    root = random.normal(size=(before + after, before + after + 3)) / 3.0
    return EventPath(
        before=0.4 * random.normal(size=before),
        after=effect + 0.4 * random.normal(size=after),
        vcov=root @ root.T / 4.0,
        weights=np.full(after, 1.0 / after) if weights is None else weights,
    )


PATHS = {
    "average": draw_path(1),
    "first period": draw_path(2, weights=[1.0, 0.0, 0.0]),
    "last period": draw_path(3, weights=[0.0, 0.0, 1.0]),
    "difference": draw_path(4, weights=[-1.0, 0.0, 1.0]),
    "weights of both signs": draw_path(5, weights=[0.2, -0.9, 0.4]),
    "one period after": draw_path(6, after=1),
    "one period before": draw_path(7, before=1),
}
every_path = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
both = pytest.mark.parametrize("bounded", [bound_smoothness, bound_relative_magnitudes])


def flip(path):
    return EventPath(before=-path.before, after=-path.after, vcov=path.vcov, weights=path.weights)


# ---------------------------------------------------------------- changes of slope


@every_path
def test_no_change_of_slope_is_a_straight_line_extrapolated(path):
    """Generalised least squares on a slope and one effect for each period after the start."""
    k, m = path.before.size, path.after.size
    times = np.concatenate([np.arange(-k, 0), np.arange(1, m + 1)])
    design = np.column_stack([times, np.vstack([np.zeros((k, m)), np.eye(m)])])
    precision = design.T @ np.linalg.inv(path.vcov)
    variance = np.linalg.inv(precision @ design)
    effects = variance @ precision @ np.concatenate([path.before, path.after])
    att, sd = path.weights @ effects[1:], np.sqrt(path.weights @ variance[1:, 1:] @ path.weights)
    found = bound_smoothness(path, bound=0.0)
    assert (found.low, found.high) == pytest.approx((att - Z * sd, att + Z * sd), abs=1e-7)
    assert found.bias == 0.0


def test_one_period_on_each_side_by_hand():
    # delta_1 + delta_(-1) is the change of slope at the reference period: at most M. sd^2 = 4 + 9 - 2 = 11
    path = EventPath(before=[0.5], after=[7.0], vcov=[[4.0, -1.0], [-1.0, 9.0]], weights=[1.0])
    found = bound_smoothness(path, bound=2.0)
    assert found.weights_before == pytest.approx([1.0])
    assert (found.bias, found.sd) == pytest.approx((2.0, np.sqrt(11.0)))
    half = np.sqrt(11.0) * np.sqrt(ncx2.ppf(0.95, 1, 4.0 / 11.0))
    assert (found.low, found.high) == pytest.approx((7.5 - half, 7.5 + half))


@every_path
def test_the_bias_is_the_largest_one_a_linear_programme_finds(path):
    found = bound_smoothness(path, bound=0.3)
    k, m = path.before.size, path.after.size
    bends = np.delete(np.diff(np.eye(k + m + 1), n=2, axis=0), k, axis=1)
    goal = np.concatenate([found.weights_before, path.weights])
    rows = np.vstack([bends, -bends])
    worst = linprog(-goal, A_ub=rows, b_ub=np.full(len(rows), 0.3), bounds=(None, None))
    assert worst.status == 0, "a straight line is not taken out"
    assert found.bias == pytest.approx(-worst.fun, abs=1e-7)
    assert found.sd == pytest.approx(np.sqrt(goal @ path.vcov @ goal), abs=1e-9)


@pytest.mark.parametrize("bound", [0.02, 0.2, 2.0])
@every_path
def test_no_other_weights_give_a_shorter_interval(path, bound):
    found = bound_smoothness(path, bound=bound)
    k, m = path.before.size, path.after.size
    lines = np.arange(k, 0, -1)
    random = np.random.default_rng(0)
    for step in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(20):
            move = random.normal(size=k)
            weights = found.weights_before + step * (move - lines * (lines @ move) / (lines @ lines))
            goal = np.concatenate([weights, path.weights])
            after = sum(abs(np.maximum(np.arange(1, m + 1) - i + 1, 0) @ path.weights) for i in range(1, m + 1))
            before = sum(abs(np.maximum(lines - i, 0) @ weights) for i in range(1, k))
            half = folded_half_length(bound * (before + after), np.sqrt(goal @ path.vcov @ goal), 0.05)
            assert half >= (found.high - found.low) / 2.0 - 1e-7


def test_a_large_bound_extrapolates_the_last_change():
    path = PATHS["average"]
    found = bound_smoothness(path, bound=1e4)
    assert found.weights_before == pytest.approx([0.0, 0.0, 0.0, 2.0], abs=1e-3)


@pytest.mark.parametrize("bias", [0.0, 0.3, 1.0, 3.0, 9.0, 11.0, 40.0])
def test_the_quantile_of_a_folded_normal(bias):
    wanted = np.sqrt(ncx2.ppf(0.95, 1, (bias / 2.0) ** 2)) * 2.0 if bias else 2.0 * Z
    assert folded_half_length(bias, 2.0, 0.05) == pytest.approx(wanted, rel=1e-6)
    assert folded_half_length(bias, 0.0, 0.05) == bias


# ---------------------------------------------------------------- relative magnitudes


@every_path
def test_no_violation_after_the_start_is_the_conventional_interval(path):
    found = bound_relative_magnitudes(path, bound=0.0)
    wanted = (path.att - Z * path.se, path.att + Z * path.se)
    assert (found.low, found.high) == pytest.approx(wanted, abs=1e-3 * path.se)


@pytest.mark.parametrize("name", ["average", "first period", "difference", "weights of both signs", "one period before"])
def test_without_sampling_error_the_interval_is_the_identified_set(name):
    path = PATHS[name]
    exact = EventPath(before=path.before, after=path.after, vcov=1e-10 * path.vcov, weights=path.weights)
    largest = np.abs(np.diff([*path.before, 0.0])).max()
    onward = np.cumsum(path.weights[::-1])[::-1]
    reach = 1.5 * largest * np.abs(onward).sum()
    found = bound_relative_magnitudes(exact, bound=1.5)
    assert (found.low, found.high) == pytest.approx((path.att - reach, path.att + reach), abs=1e-3)


@every_path
def test_the_statistic_is_that_of_a_linear_programme(path):
    """All moments of the periods after the start, effects left free but for their average."""
    k, m = path.before.size, path.after.size
    bound = 0.8
    change = np.diff(np.insert(np.eye(k + m), k, 0.0, axis=0), axis=0)
    for number, test in enumerate(_all_tests(path, bound, 0.05)):
        violation = (1.0, -1.0)[number % 2] * change[number // 2]
        rows = np.vstack([change[k:], -change[k:]]) - bound * violation
        sd = np.sqrt(np.diag(rows @ path.vcov @ rows.T))
        moments = rows @ np.concatenate([path.before, path.after])
        effects = rows[:, k:]
        for tested in (path.att - 2.0, path.att, path.att + 0.7):
            solved = linprog(
                np.append(1.0, np.zeros(m)),
                A_ub=-np.column_stack([sd, effects]),
                b_ub=-moments,
                A_eq=np.append(0.0, path.weights)[None, :],
                b_eq=[tested],
                bounds=(None, None),
            )
            ours = (test.slopes @ [path.att - tested, test.v]).max()
            assert ours == pytest.approx(solved.fun, abs=1e-8)


def test_the_least_favourable_value():
    assert least_favourable(np.array([[2.0, 0.0]]), 0.005) == pytest.approx(2.0 * norm.ppf(0.995), rel=1e-3)
    assert least_favourable(np.array([[1.0, 1.0], [-1.0, -1.0]]), 0.005) == pytest.approx(np.sqrt(2) * norm.ppf(0.9975), rel=1e-3)
    loadings = np.array([[1.0, 0.2], [-0.4, -1.1], [0.1, 2.0], [0.0, 0.0]])
    draws = np.random.default_rng(0).normal(size=(200_000, 2)) @ loadings.T
    assert least_favourable(loadings, 0.05) == pytest.approx(np.quantile(draws.max(axis=1), 0.95), rel=0.01)
    assert least_favourable(np.zeros((2, 2)), 0.05) == 0.0


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_a_true_value_is_rejected_as_often_as_the_level_says(bound):
    """The worst case that is allowed: every change after the start is as large as the bound permits."""
    path = draw_path(8, before=2, after=2)
    before = np.array([5.0, 4.5])
    after = 1.0 + bound * 4.5 * np.array([1.0, 2.0])
    random = np.random.default_rng(1)
    draws = random.multivariate_normal(np.concatenate([before, after]), path.vcov, size=500)
    kept = 0
    for draw in draws:
        drawn = EventPath(before=draw[:2], after=draw[2:], vcov=path.vcov, weights=path.weights)
        kept += bool(_kept(_all_tests(drawn, bound, 0.05), np.array([drawn.att - 1.0]))[0])
    assert 0.92 <= kept / 500 <= 0.975


# ---------------------------------------------------------------- both


@both
@every_path
def test_wider_with_the_bound(bounded, path):
    found = [bounded(path, bound=bound) for bound in (0.0, 0.1, 0.5, 1.0, 3.0)]
    lengths = [one.high - one.low for one in found]
    assert lengths == sorted(lengths)
    assert lengths[-1] > 1.2 * lengths[0]


@both
@every_path
def test_the_other_sign_gives_the_mirrored_interval(bounded, path):
    one, other = bounded(path, bound=0.7), bounded(flip(path), bound=0.7)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-6)


@both
def test_an_effect_moves_the_interval_along(bounded):
    path = PATHS["average"]
    moved = replace(path, after=path.after + 10.0)
    one, other = bounded(path, bound=0.5), bounded(moved, bound=0.5)
    assert (one.low + 10.0, one.high + 10.0) == pytest.approx((other.low, other.high), abs=1e-6)


@pytest.mark.parametrize(
    ("value", "bounded"), [(smoothness_breakdown, bound_smoothness), (relative_breakdown, bound_relative_magnitudes)]
)
@pytest.mark.parametrize("effect", [2.0, -2.0])
def test_at_the_breakdown_value_the_interval_reaches_nil(value, bounded, effect):
    path = draw_path(11, effect=effect)
    found = value(path)
    assert 0.0 < found < np.inf
    inner, outer = bounded(path, bound=0.99 * found), bounded(path, bound=1.01 * found)
    assert inner.low * inner.high > 0.0
    assert outer.low <= 0.0 <= outer.high
    assert value(flip(path)) == pytest.approx(found, rel=1e-3)
    assert value(path, most=found / 2.0) == np.inf


def test_an_interval_that_contains_nil_breaks_down_at_once():
    path = draw_path(1, effect=0.0)
    assert abs(path.att) < Z * path.se
    assert relative_breakdown(path) == 0.0


@both
def test_what_has_no_meaning_is_refused(bounded):
    with pytest.raises(ConfigurationError, match="bound is -1"):
        bounded(PATHS["average"], bound=-1.0)
    with pytest.raises(ConfigurationError, match="level is 95"):
        bounded(PATHS["average"], bound=1.0, level=95)


def test_paths_that_do_not_fit_together_are_refused():
    good = {"before": [0.1], "after": [1.0], "vcov": np.eye(2), "weights": [1.0]}
    for change, says in (
        ({"before": []}, "0 coefficients before"),
        ({"weights": [1.0, 0.0]}, "need 1 weights"),
        ({"after": [np.nan]}, "is not a number"),
        ({"weights": [0.0]}, "all weights are nil"),
        ({"vcov": np.diag([1.0, 0.0])}, "has no variance"),
    ):
        with pytest.raises(DataError, match=says):
            EventPath(**(good | change))


# ---------------------------------------------------------------- the path of an estimate, and the check

PANEL = make_panel(n_areas=60, n_periods=16, starts=(10,) * 12, noise=0.5, seed=3)


def test_the_path_is_read_around_its_reference():
    estimate = ESTIMATORS["event_study"]().fit(PANEL)
    path = read_path(estimate, most_leads=6)
    atts = {point.event_time: point.att for point in estimate.path}
    assert path.before == pytest.approx([atts[t] for t in range(-7, -1)])
    assert path.after == pytest.approx([atts[t] for t in range(6)])
    assert np.sqrt(np.diag(path.vcov)) == pytest.approx([p.se for p in estimate.path if p.event_time >= -7 and p.se is not None])
    assert read_path(estimate).before.size == 9


def test_paths_without_covariance_reference_or_a_period_are_refused():
    estimate = ESTIMATORS["event_study"]().fit(PANEL)
    with pytest.raises(DataError, match="no covariance"):
        read_path(replace(estimate, path_vcov=None))
    with pytest.raises(DataError, match="does not measure"):
        read_path(replace(estimate, path=tuple(replace(p, att=p.att + 1.0) for p in estimate.path)))
    kept = [n for n, p in enumerate(estimate.path) if p.event_time != 2]
    with pytest.raises(DataError, match="missing from the path"):
        read_path(replace(estimate, path=tuple(estimate.path[n] for n in kept), path_vcov=estimate.path_vcov[np.ix_(kept, kept)]))
    with pytest.raises(DataError, match="needs an effect before"):
        read_path(estimate, most_leads=0)


@pytest.mark.parametrize("name", breakdown.ESTIMATORS)
def test_the_check_reports_and_does_not_judge(name):
    estimator = ESTIMATORS[name]()
    estimate = estimator.fit(PANEL)
    began = time.perf_counter()
    check = breakdown.run(PANEL, estimator, estimate, None, LIMITS)
    assert time.perf_counter() - began < 1.0
    assert check.passed is None
    assert check.value == pytest.approx(relative_breakdown(read_path(estimate, most_leads=6), most=20.0))
    assert check.text.startswith("For information: ")
    assert (check.information, check.kind) == (True, "robustness")
    assert "conventional standard errors" in check.text
    assert "orientation" not in check.text
    assert name in REGISTRY[breakdown.NAME].estimators


@pytest.mark.parametrize(("share", "passed"), [(0.9, True), (1.1, False)])
def test_the_check_judges_where_the_protocol_asks(share, passed):
    estimator = ESTIMATORS["event_study"]()
    y = PANEL.y + 5.0 * PANEL.exposure
    panel = replace(PANEL, y=y)
    estimate = estimator.fit(panel)
    value = breakdown.run(panel, estimator, estimate, None, LIMITS).value
    assert 0.1 < value < 20.0
    check = breakdown.run(panel, estimator, estimate, None, replace(LIMITS, minimum_breakdown=share * value))
    assert (check.passed, check.threshold) == (passed, pytest.approx(share * value))
    assert check.text.endswith("asked for.")
    assert "For information" not in check.text
    assert (check.information, check.kind) == (False, "robustness")


def test_with_few_treated_areas_it_is_for_orientation_only():
    panel = make_panel(n_areas=30, n_periods=16, starts=(10,), seed=3)
    estimator = ESTIMATORS["event_study"]()
    check = breakdown.run(panel, estimator, estimator.fit(panel), None, LIMITS)
    assert check.passed is None
    assert "with 1 treated area it is for orientation only" in check.text


@pytest.mark.parametrize(
    ("name", "starts", "says"),
    [("event_study", (2,), "1 effects before"), ("imputation", (10,), "does not measure"), ("twfe", (10,), "no covariance")],
)
def test_the_check_stands_aside(name, starts, says):
    panel = make_panel(n_areas=30, n_periods=16, starts=starts * 3, seed=3)
    estimator = ESTIMATORS[name]()
    check = breakdown.run(panel, estimator, estimator.fit(panel), None, replace(LIMITS, minimum_breakdown=1.0))
    assert (check.passed, check.value) == (None, None)
    assert check.text.startswith("Not run: ")
    assert says in check.text

"""The simplex kernel: hand-drawn problems, awkward ones, and properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.errors import DataError
from evaluation.numerics import simplex
from evaluation.numerics.simplex import TOLERANCE, fit_simplex


def certify(donors, target, weights):
    """Relative Frank-Wolfe gap, computed here from the definition."""
    z = donors - target[:, None]
    residual = z @ weights
    slope = z.T @ residual
    floor = 0.5 * simplex.EXACT * max((z * z).sum(axis=0).mean(), 1e-300)
    return (weights @ slope - slope.min()) / max(0.5 * residual @ residual, floor)


def solve_from_data(z):
    """The solver from the data alone, without prices."""
    return simplex._solve_from_data(z, np.zeros(z.shape[1]), (z * z).sum(axis=0).mean(), TOLERANCE)


def test_point_between_two_donors():
    fit = fit_simplex(np.array([[0.0, 10.0], [0.0, 10.0]]), np.array([[4.0, 12.0, -3.0], [4.0, 12.0, -1.0]]))
    assert fit.weights == pytest.approx(np.array([[0.6, 0.4], [0.0, 1.0], [1.0, 0.0]]))
    assert fit.objective == pytest.approx([0.0, 2 * 2.0**2, 9 + 1])


def test_one_donor_takes_all_weight():
    assert fit_simplex(np.array([[3.0], [4.0]]), np.array([[0.0], [0.0]])).weights == pytest.approx(np.array([[1.0]]))


def test_target_equal_to_every_donor():
    fit = fit_simplex(np.full((3, 4), 7.0), np.full((3, 1), 7.0))
    assert fit.weights.sum() == pytest.approx(1.0)
    assert fit.objective[0] == 0.0


def test_duplicates_share_no_more_than_their_weight():
    rng = np.random.default_rng(0)
    once, target = rng.normal(size=(6, 3)), rng.normal(size=(6, 1))
    twice = fit_simplex(np.hstack([once, once, once]), target)
    single = fit_simplex(once, target)
    assert twice.objective == pytest.approx(single.objective)
    assert twice.weights.reshape(3, 3).sum(axis=0) == pytest.approx(single.weights[0])


def test_masks_are_kept():
    rng = np.random.default_rng(1)
    donors = rng.normal(size=(5, 8))
    allowed = rng.random((8, 8)) < 0.5
    allowed[:, 0] = True
    fit = fit_simplex(donors, donors, allowed=allowed)
    assert not fit.weights[~allowed].any()
    for r in range(8):
        alone = fit_simplex(donors[:, allowed[r]], donors[:, [r]])
        assert fit.objective[r] == pytest.approx(alone.objective[0], abs=1e-12)


def test_batches_change_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    donors = rng.normal(size=(9, 20))
    allowed = ~np.eye(20, dtype=bool)
    whole = fit_simplex(donors, donors, allowed=allowed)
    monkeypatch.setattr(simplex, "BATCH", 7)
    assert fit_simplex(donors, donors, allowed=allowed).weights == pytest.approx(whole.weights, abs=1e-12)


def test_solver_from_the_data_agrees_with_the_lockstep():
    rng = np.random.default_rng(3)
    for n_periods, n_donors in ((30, 8), (8, 30), (5, 5), (1, 4)):
        donors, target = rng.normal(size=(n_periods, n_donors)), rng.normal(size=n_periods)
        fit = fit_simplex(donors, target[:, None])
        slow = solve_from_data(donors - target[:, None])
        assert certify(donors, target, slow) <= TOLERANCE
        assert ((donors @ slow - target) ** 2).sum() == pytest.approx(fit.objective[0], rel=1e-7, abs=1e-9)


def test_what_misses_the_tolerance_is_an_error(monkeypatch):
    rng = np.random.default_rng(4)
    monkeypatch.setattr(simplex, "minimise", lambda problems, near: problems.allowed / 5.0)
    monkeypatch.setattr(simplex._Batch, "polish", lambda batch, weights: weights)
    monkeypatch.setattr(simplex, "_solve_from_data", lambda z, *_: np.full(z.shape[1], 1.0 / z.shape[1]))
    with pytest.raises(DataError, match="not within"):
        fit_simplex(rng.normal(size=(9, 5)), rng.normal(size=(9, 1)))


def test_a_bad_lockstep_is_put_right_from_the_data(monkeypatch):
    rng = np.random.default_rng(5)
    donors, targets = rng.normal(size=(9, 5)), rng.normal(size=(9, 3))
    good = fit_simplex(donors, targets)
    monkeypatch.setattr(simplex, "minimise", lambda problems, near: problems.allowed / 5.0)
    monkeypatch.setattr(simplex._Batch, "polish", lambda batch, weights: weights)
    assert fit_simplex(donors, targets).weights == pytest.approx(good.weights, abs=1e-7)


@pytest.mark.parametrize(
    ("donors", "targets", "allowed", "words"),
    [
        (np.ones((2, 2)), np.ones((3, 1)), None, "must be the same"),
        (np.ones((0, 2)), np.ones((0, 1)), None, "no period"),
        (np.array([[1.0, np.nan]]), np.ones((1, 1)), None, "missing or infinite"),
        (np.ones((2, 2)), np.ones((2, 1)), np.ones((2, 2)), "allowed has shape"),
        (np.ones((2, 2)), np.ones((2, 1)), np.zeros((1, 2)), "no donor"),
    ],
)
def test_unsolvable_problems_are_named(donors, targets, allowed, words):
    with pytest.raises(DataError, match=words):
        fit_simplex(donors, targets, allowed=allowed)


numbers = st.floats(-100, 100, allow_nan=False).map(lambda v: round(v, 3))
# integers make ties, duplicates and collinear donors likely
coarse = st.integers(-2, 2).map(float)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data(), st.integers(1, 9), st.integers(1, 12), st.booleans())
def test_weights_lie_on_the_simplex_and_are_the_best(data, n_periods, n_donors, ties):
    values = coarse if ties else numbers
    donors = data.draw(arrays(float, (n_periods, n_donors), elements=values))
    targets = data.draw(arrays(float, (n_periods, 3), elements=values))
    fit = fit_simplex(donors, targets)
    assert (fit.weights >= 0).all()
    assert fit.weights.sum(axis=1) == pytest.approx(1.0)
    assert (fit.gap <= TOLERANCE).all()
    for r in range(3):
        assert certify(donors, targets[:, r], fit.weights[r]) <= 2 * TOLERANCE


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.floats(-1e4, 1e4), st.floats(0.01, 100))
def test_shift_and_scale_leave_the_weights(seed, shift, scale):
    rng = np.random.default_rng(seed)
    donors, targets = rng.normal(size=(12, 6)), rng.normal(size=(12, 2))
    plain = fit_simplex(donors, targets)
    moved = fit_simplex(scale * donors + shift, scale * targets + shift)
    assert moved.weights == pytest.approx(plain.weights, abs=1e-6)


def test_ridge_pulls_the_weights_together():
    # min (10 v - 4)^2 + k (v^2 + (1 - v)^2): v = (80 + 2 k) / (200 + 4 k), here 0.4, 0.45 and nearly a half
    fit = fit_simplex(np.array([[0.0, 10.0]]), np.full((1, 3), 4.0), ridge=np.array([0.0, 50.0, 1e9]))
    assert fit.weights[:, 1] == pytest.approx([0.4, 180 / 400, 0.5], abs=1e-6)
    assert fit.objective[1] == pytest.approx(0.5**2 + 50 * (0.45**2 + 0.55**2))


def test_ridge_fits_meet_the_conditions_of_a_minimum():
    rng = np.random.default_rng(6)
    for n_periods, n_donors in ((19, 38), (6, 60), (40, 12)):
        donors, targets = rng.normal(size=(n_periods, n_donors)), rng.normal(size=(n_periods, 4))
        ridge = np.array([0.0, 0.01, 1.0, 100.0])
        fit = fit_simplex(donors, targets, ridge=ridge)
        slope = (donors.T @ (donors @ fit.weights.T - targets)).T + ridge[:, None] * fit.weights
        level = slope.min(axis=1, keepdims=True)
        assert np.abs(fit.weights * (slope - level)).max() < 1e-7
        again = solve_from_data(np.vstack([donors - targets[:, [3]], 10.0 * np.eye(n_donors)]))
        assert fit.weights[3] == pytest.approx(again, abs=1e-7)


def test_ridge_must_not_be_negative():
    with pytest.raises(DataError, match="ridge"):
        fit_simplex(np.ones((2, 2)), np.ones((2, 1)), ridge=np.array([-1.0]))


def test_donors_of_every_target_its_own():
    rng = np.random.default_rng(7)
    donors, targets = rng.normal(size=(3, 9, 5)), rng.normal(size=(9, 3))
    ridge = np.array([0.0, 1e-6, 2.0])
    fit = fit_simplex(donors, targets, ridge=ridge)
    for r in range(3):
        alone = fit_simplex(donors[r], targets[:, [r]], ridge=ridge[[r]])
        assert fit.weights[r] == pytest.approx(alone.weights[0], abs=1e-9)
    with pytest.raises(DataError, match="3 targets"):
        fit_simplex(donors[:2], targets)


def test_where_the_search_sets_out_changes_nothing():
    rng = np.random.default_rng(8)
    donors = rng.normal(size=(12, 30))
    targets = rng.normal(size=(12, 6))
    plain = fit_simplex(donors, targets)
    near = fit_simplex(donors, targets + 0.1 * rng.normal(size=targets.shape)).weights
    for start in (near, np.eye(30)[:6], np.full((6, 30), 1 / 30)):
        assert fit_simplex(donors, targets, near=start).weights == pytest.approx(plain.weights, abs=1e-9)

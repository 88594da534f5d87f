"""The closed form against arithmetic by hand and an explicit regression with dummy variables."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel, make_places

from evaluation.errors import DataError
from evaluation.estimators import REGISTRY
from evaluation.numerics import assignment
from evaluation.numerics.assignment import fit_assignments, sum_members, treated_groups
from evaluation.numerics.places import STAYS, draw_places, merge_places


def test_a_place_of_two_by_hand():
    """Two periods, one before and one after. B (weight 1) rises by 6, C (weight 3) by 2: together by 3. D stays (weight 2).

    B and C stand in for the treated area: 3 - 0. B alone: 6 less what C and D do, (3 x 2 + 2 x 0) / 5.
    """
    y = np.array([[10.0, 16.0], [4, 6], [7, 7]]).T
    fits = fit_assignments(
        y,
        regressors=np.array([[[0.0], [1.0]]]),
        first=np.array([1]),
        groups=np.array([[0, 0, STAYS], [0, STAYS, STAYS]]),
        weights=np.array([1.0, 3.0, 2.0]),
    )
    assert fits.coefficients[:, 0] == pytest.approx([3.0, 6.0 - 6 / 5])
    # with one period before and one after the gap is the effect after the start and nought before
    assert fits.gap == pytest.approx(np.array([[0.0, 3.0], [0.0, 4.8]]))
    assert fits.pre_rmspe == pytest.approx([0.0, 0.0])


def test_two_periods_before_by_hand():
    """B and C with equal weights, 0, 2, 4 on average, are treated in the last period; D: 1, 1, 1."""
    y = np.array([[-1.0, 2.0, 5.0], [1, 2, 3], [1, 1, 1]]).T
    fits = fit_assignments(
        y,
        regressors=np.array([[[0.0], [0.0], [1.0]]]),
        first=np.array([2]),
        groups=np.array([[0, 0, STAYS]]),
        weights=np.ones(3),
    )
    assert fits.coefficients[0, 0] == pytest.approx((4 - (0 + 2) / 2) - (1 - 1))
    # against D the place is 1 below and 1 above its level; period effects follow it by its share of the weight, 2/3
    assert fits.gap[0] == pytest.approx([-1 / 3, 1 / 3, 3.0])
    assert fits.pre_rmspe[0] == pytest.approx(1 / 3)


def test_sums_over_members():
    values = np.array([[1.0, 10], [2, 20], [4, 40], [8, 80]])
    groups = np.array([[0, 1, STAYS, 0], [STAYS, 2, 1, 0]])
    # treated areas 0 and 2 are of one kind
    sums = sum_members(groups, values, np.array([0, 1, 0]))
    assert sums.tolist() == [[[9, 90], [2, 20]], [[10, 100], [4, 40]]]


def test_the_treated_areas_stand_for_themselves():
    assert treated_groups(5, np.array([3, 1])).tolist() == [[STAYS, 1, STAYS, 0, STAYS]]


@pytest.mark.parametrize("weighted", [False, True])
def test_closed_form_is_the_regression_with_dummies(weighted):
    comparison = make_panel(n_areas=7, n_periods=6, starts=(3, 4), shares=True, weighted=weighted)
    y, n_periods, n_areas = comparison.y, 6, 7
    weights = np.ones(7) if comparison.weights is None else comparison.weights
    regressors = np.stack([comparison.exposure[:, :2].T, (np.arange(6) >= [[4], [5]]).astype(float)], axis=2)
    chosen = np.array([[0, 1], [5, 2], [3, 6]])
    groups = np.concatenate([treated_groups(7, row) for row in chosen])
    fits = fit_assignments(y, regressors=regressors, first=np.array([3, 4]), groups=groups, weights=comparison.weights)
    unit, time = np.tile(np.arange(n_areas), n_periods), np.repeat(np.arange(n_periods), n_areas)
    for d, row in enumerate(chosen):
        x = np.zeros((n_periods, n_areas, 2))
        x[:, row] = np.swapaxes(regressors, 0, 1)
        dummies = np.column_stack([unit[:, None] == np.arange(n_areas), time[:, None] == np.arange(1, n_periods)])
        columns = np.column_stack([x.reshape(-1, 2), dummies])
        root = np.sqrt(weights[unit])
        solution = np.linalg.lstsq(columns * root[:, None], y.ravel() * root, rcond=None)[0]
        assert fits.coefficients[d] == pytest.approx(solution[:2])
        gap = (y.ravel() - dummies @ solution[2:]).reshape(y.shape)[:, row]
        w = weights[row]
        assert fits.gap[d] == pytest.approx(gap @ w / w.sum())
        # periods 0 to 2 wait for both, period 3 for the second alone
        early = np.append(gap[:3] @ w / w.sum(), gap[3, 1])
        count = np.append(np.full(3, w.sum()), w[1])
        assert fits.pre_rmspe[d] == pytest.approx(np.sqrt((count * early**2).sum() / count.sum()))


def test_places_are_fitted_as_on_the_panel_of_places():
    comparison = make_places(sizes=(3, 1, 2), starts=(7, 9, 7), shares=True)
    groups = draw_places(comparison, draws=6, seed=1).groups
    donors = ~comparison.treated
    given = {"regressors": comparison.exposure[:, :3].T[:, :, None], "first": comparison.first_treated[:3]}
    fits = fit_assignments(comparison.y[:, donors], groups=groups, weights=comparison.weights[donors], **given)
    for d, group in enumerate(groups):
        merged = merge_places(comparison, group)
        own = treated_groups(len(merged.areas), np.arange(3))
        one = fit_assignments(merged.y, groups=own, weights=merged.weights, **given)
        for name in ("coefficients", "gap", "pre_rmspe"):
            assert getattr(fits, name)[d] == pytest.approx(getattr(one, name)[0], abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_change_nothing(monkeypatch, weighted):
    comparison = make_panel(n_areas=15, n_periods=8, starts=(4, 5, 4), weighted=weighted)
    given = {
        "regressors": comparison.exposure[:, :3].T[:, :, None],
        "first": comparison.first_treated[:3],
        "groups": draw_places(comparison, draws=50, seed=0).groups,
        "weights": comparison.weights[3:] if weighted else None,
    }
    whole = fit_assignments(comparison.y[:, 3:], **given)
    monkeypatch.setattr(assignment, "CHUNK", 100)
    parts = fit_assignments(comparison.y[:, 3:], **given)
    for name in ("coefficients", "gap", "pre_rmspe"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=1e-13)
    again = fit_assignments(comparison.y[:, 3:], coefficients=whole.coefficients, with_gaps=False, **given)
    assert again.pre_rmspe == pytest.approx(whole.pre_rmspe, abs=1e-13)
    assert again.gap.shape == (0, 8)


def test_exposure_that_the_periods_explain_is_refused():
    with pytest.raises(DataError, match="explain the exposure"):
        fit_assignments(
            np.zeros((3, 2)), regressors=np.array([[[0.0], [0], [1]]] * 2), first=np.array([2, 2]), groups=np.array([[0, 1]])
        )


def test_a_hand_drawn_panel_of_places_through_an_estimator():
    """`TwoWayFixedEffects.placebos` of one treated place of two authorities among three: every pair of neighbours."""
    # the treated place, then B, C, D in a row
    comparison = draw_by_hand([[5, 9], [10, 16], [4, 6], [7, 7]], starts={0: 1}, weights=[4.0, 1.0, 3.0, 2.0])
    borders = np.zeros((4, 4), dtype=bool)
    borders[[1, 2, 2, 3], [2, 1, 3, 2]] = True
    comparison = replace(comparison, sizes=np.array([2, 1, 1, 1]), neighbours=borders)
    placebos = REGISTRY["twfe"]().placebos(comparison, draws=40, seed=0)
    by_hand = {(0, 0, STAYS): (6 + 3 * 2) / 4 - 0, (STAYS, 0, 0): (3 * 2 + 2 * 0) / 5 - 6}
    assert {tuple(map(int, group)) for group in placebos.groups} == set(by_hand)
    assert placebos.att == pytest.approx([by_hand[tuple(map(int, group))] for group in placebos.groups])
    assert placebos.labels == ()

"""Drawing assignments, and the closed form against an explicit regression with dummy variables."""

import numpy as np
import pytest
from conformance.panels import make_panel

from evaluation.errors import DataError
from evaluation.numerics import assignment
from evaluation.numerics.assignment import draw_assignments, fit_assignments


def test_one_treated_area_takes_every_place_in_turn():
    chosen = draw_assignments(n_areas=4, n_treated=1, draws=99, seed=0)
    assert chosen.areas.tolist() == [[0], [1], [2], [3]]
    assert chosen.exhaustive


def test_several_are_drawn_without_replacement_and_with_equal_odds():
    chosen = draw_assignments(n_areas=5, n_treated=2, draws=20_000, seed=1)
    assert not chosen.exhaustive
    assert (chosen.areas[:, 0] != chosen.areas[:, 1]).all()
    pairs, counts = np.unique(chosen.areas, axis=0, return_counts=True)
    assert len(pairs) == 20
    # 1,000 expected each, standard deviation 31
    assert np.abs(counts - 1000).max() < 150
    again = draw_assignments(n_areas=5, n_treated=2, draws=20_000, seed=1)
    assert (again.areas == chosen.areas).all()


def test_too_few_areas_give_no_assignment():
    assert draw_assignments(n_areas=2, n_treated=2, draws=9, seed=0).areas.shape == (0, 2)


@pytest.mark.parametrize("weighted", [False, True])
def test_closed_form_is_the_regression_with_dummies(weighted):
    comparison = make_panel(n_areas=7, n_periods=6, starts=(3, 4), shares=True, weighted=weighted)
    y, n_periods, n_areas = comparison.y, 6, 7
    weights = np.ones(7) if comparison.weights is None else comparison.weights
    regressors = np.stack([comparison.exposure[:, :2].T, (np.arange(6) >= [[4], [5]]).astype(float)], axis=2)
    chosen = np.array([[0, 1], [5, 2], [3, 6]])
    fits = fit_assignments(y, regressors=regressors, first=np.array([3, 4]), areas=chosen, weights=comparison.weights)
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


def test_chunks_change_nothing(monkeypatch):
    comparison = make_panel(n_areas=12, n_periods=8, starts=(4, 5, 4), weighted=True)
    chosen = draw_assignments(n_areas=12, n_treated=3, draws=50, seed=0).areas
    given = {
        "regressors": comparison.exposure[:, :3].T[:, :, None],
        "first": comparison.first_treated[:3],
        "areas": chosen,
        "weights": comparison.weights,
    }
    whole = fit_assignments(comparison.y, **given)
    monkeypatch.setattr(assignment, "CHUNK", 100)
    parts = fit_assignments(comparison.y, **given)
    for name in ("coefficients", "gap", "pre_rmspe"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=1e-13)


def test_exposure_that_the_periods_explain_is_refused():
    with pytest.raises(DataError, match="explain the exposure"):
        fit_assignments(
            np.zeros((3, 2)), regressors=np.array([[[0.0], [0], [1]]] * 2), first=np.array([2, 2]), areas=np.array([[0, 1]])
        )

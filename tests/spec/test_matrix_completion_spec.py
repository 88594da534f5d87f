"""Matrix completion on panels drawn by hand and against other solvers."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.matrix_completion import MatrixCompletion
from evaluation.numerics import low_rank
from evaluation.numerics.low_rank import TwoWay, fit_low_rank, largest_penalty, shrink

RNG_SHAPE = (14, 24)


def with_factor(*, seed=0, noise=0.3, shape=RNG_SHAPE):
    """A panel with one strong common movement that areas follow to different degrees."""
    rng = np.random.default_rng(seed)
    factor, loadings = rng.normal(size=shape[0]).cumsum(), rng.normal(size=shape[1])
    y = 20 + 3 * rng.normal(size=shape[1]) + np.outer(factor, loadings) + noise * rng.normal(size=shape)
    return draw_by_hand(y.T, starts={0: 2 * shape[0] // 3})


def by_dummies(comparison):
    """Counterfactual of the treated area by least squares on dummies and untreated cells."""
    n_periods, n_areas = comparison.y.shape
    x = np.hstack([np.kron(np.eye(n_periods), np.ones((n_areas, 1))), np.tile(np.eye(n_areas), (n_periods, 1))])
    free = (np.isfinite(comparison.y) & (comparison.exposure == 0)).ravel()
    fitted = x @ np.linalg.lstsq(x[free], comparison.y.ravel()[free], rcond=None)[0]
    return fitted.reshape(n_periods, n_areas)


def test_too_few_periods_to_tune_give_difference_in_differences_by_imputation():
    # level of the first 4 against 0 and 2: others' mean is 1 early, 2 and 4 late; filled in 4 + 1 and 4 + 3
    estimate = MatrixCompletion().fit(draw_by_hand([[4, 4, 6, 8], [0, 0, 1, 3], [2, 2, 3, 5]], starts={0: 2}))
    assert [point.att for point in estimate.path] == pytest.approx([0, 0, 1, 1])
    assert estimate.att == pytest.approx(1)
    assert estimate.series.counterfactual == pytest.approx([4, 4, 5, 7])
    assert "none are used" in estimate.notes[0]


def test_straddling_window_counts_by_its_share():
    panel = draw_by_hand([[4, 4, 6, 8], [0, 0, 0, 0], [2, 2, 2, 2]], starts={0: 2}, exposure={0: [0, 0, 0.5, 1]})
    assert MatrixCompletion().fit(panel).att == pytest.approx((0.5 * 2 + 1 * 4) / (0.5**2 + 1**2))


def test_infinite_penalty_is_least_squares_on_dummies_with_gaps_too():
    panel = make_panel(starts=(8, 9), seed=2)
    y = panel.y.copy()
    y[[3, 10, 5], [7, 7, 0]] = np.nan
    gappy = replace(panel, y=y, unbalanced=True)
    estimate = MatrixCompletion(penalty=np.inf).fit(gappy)
    filled = by_dummies(gappy)[:, :2]
    assert estimate.series.counterfactual == pytest.approx(filled.mean(axis=1))
    gap = (y[:, :2] - filled)[panel.exposure[:, :2] == 1]
    assert estimate.att == pytest.approx(gap.mean())
    assert "1 outcome(s) of treated areas are missing" in estimate.notes[-1]
    assert np.isfinite(estimate.series.observed).all()
    assert np.isfinite(MatrixCompletion().placebos(gappy, draws=5, seed=1).att).all()


def test_shrinking_takes_the_penalty_off_the_singular_values():
    values = np.random.default_rng(3).normal(size=(5, 9))
    before = np.linalg.svd(values)[1]
    for some in (values, values.T):
        after = np.linalg.svd(shrink(some, 2.0))[1]
        assert after == pytest.approx(np.maximum(before - 2.0, 0.0), abs=1e-10)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.6])
def test_fit_meets_the_conditions_of_a_minimum(share):
    """The residual is ``tau`` times a subgradient of the nuclear norm, and orthogonal to area and period effects."""
    panel = with_factor(seed=4, noise=1.0)
    mask = (panel.exposure == 0) & (np.random.default_rng(4).random(RNG_SHAPE) > 0.1)
    tau = share * largest_penalty(panel.y, mask)
    fit = fit_low_rank(panel.y, mask, tau=tau)
    rest = np.where(mask, panel.y - fit.fitted, 0.0)
    assert np.abs(rest.sum(axis=0)).max() < 1e-8
    assert np.abs(rest.sum(axis=1)).max() < 1e-8
    u, s, v = np.linalg.svd(fit.low_rank)
    rank = int((s > 1e-8).sum())
    assert np.linalg.norm(rest, 2) == pytest.approx(tau, rel=1e-7)
    assert u[:, :rank].T @ rest @ v[:rank].T == pytest.approx(tau * np.eye(rank), abs=1e-6)
    begun_elsewhere = fit_low_rank(panel.y, mask, tau=tau, start=np.random.default_rng(5).normal(size=RNG_SHAPE))
    assert begun_elsewhere.fitted == pytest.approx(fit.fitted, abs=1e-7)


def test_largest_penalty_leaves_the_effects_alone():
    panel = with_factor(seed=6)
    mask = panel.exposure == 0
    largest = largest_penalty(panel.y, mask)
    effects = TwoWay(mask).fitted(np.where(mask, panel.y, 0.0))
    assert effects == pytest.approx(by_dummies(panel))
    assert fit_low_rank(panel.y, mask, tau=1.0001 * largest).fitted == pytest.approx(effects, abs=1e-8)
    assert np.abs(fit_low_rank(panel.y, mask, tau=0.9 * largest).low_rank).max() > 1e-3


def test_common_movements_are_used_where_they_are_and_not_where_they_are_not():
    strong = with_factor(seed=7)
    truth = {False: abs(MatrixCompletion(penalty=np.inf).fit(strong).att), True: abs(MatrixCompletion().fit(strong).att)}
    assert truth[True] < 0.5 * truth[False]
    rng = np.random.default_rng(8)
    none = draw_by_hand((rng.normal(size=(24, 1)) + rng.normal(size=RNG_SHAPE[0]) + rng.normal(size=(24, 14))), starts={0: 9})
    assert "none are used" in MatrixCompletion().fit(none).notes[0]


def test_dealing_into_groups_is_seeded():
    panel = with_factor(seed=9, noise=2.0)
    found = [MatrixCompletion(seed=seed).penalty_size(panel, np.arange(24)) for seed in (0, 0, 1, 2, 3, 4, 5, 6)]
    assert found[0] == found[1]
    assert len(set(found)) > 1


def test_what_cannot_be_filled_in_is_refused():
    panel = make_panel(seed=1)
    for cells, words in (
        ((slice(None), 5), "no outcome without the programme: A005"),
        ((slice(0, 8), 0), "no outcome without the programme: A000"),
        ((slice(8, None), 0), "no outcome after their start: A000"),
        ((3, slice(None)), "no outcome of an area without the programme: 2004"),
    ):
        y = panel.y.copy()
        y[cells] = np.nan
        with pytest.raises(DataError, match=words):
            MatrixCompletion().fit(replace(panel, y=y, unbalanced=True))
    for options in ({"folds": 1}, {"penalty": 0.0}):
        with pytest.raises(ConfigurationError):
            MatrixCompletion(**options)


def test_a_search_without_end_is_an_error(monkeypatch):
    monkeypatch.setattr(low_rank, "MOST", 2)
    panel = with_factor(seed=10, noise=1.0)
    with pytest.raises(DataError, match="not converged in 2 steps"):
        fit_low_rank(panel.y, panel.exposure == 0, tau=0.1)

"""Interactive fixed effects on panels drawn by hand and against alternating least squares."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel
from spec.test_matrix_completion_spec import by_dummies, with_factor

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.interactive_fixed_effects import InteractiveFixedEffects
from evaluation.numerics import factors
from evaluation.numerics.factors import Factors, fill_in, find_factors, left_out_error


def test_one_movement_followed_to_different_degrees_is_found_exactly():
    # the movement 0 1 3 2 4 6; the treated area follows it three times over and is 5 above from the fifth period on
    movement = np.array([0, 1, 3, 2, 4, 6])
    areas = [10 + 3 * movement + 5 * (np.arange(6) >= 4), 1 + movement, 7 - movement, 4 + 2 * movement]
    estimate = InteractiveFixedEffects().fit(draw_by_hand(areas, starts={0: 4}))
    assert [point.att for point in estimate.path] == pytest.approx([0, 0, 0, 0, 5, 5], abs=1e-8)
    assert estimate.att == pytest.approx(5)
    assert estimate.notes[0].startswith("1 common factor(s)")


def test_no_factor_is_least_squares_on_dummies():
    panel = make_panel(seed=2)
    estimate = InteractiveFixedEffects(factors=0).fit(panel)
    # before the start the two differ: dummies let the treated area take part in the period effects
    assert estimate.series.counterfactual[8:] == pytest.approx(by_dummies(panel)[8:, 0])


def test_left_out_error_is_what_refitting_gives():
    rng = np.random.default_rng(3)
    common = find_factors(rng.normal(size=(12, 20)).cumsum(axis=0), 2)
    target, seen = rng.normal(size=12), np.arange(12) < 8
    errors = []
    for t in range(8):
        others = seen & (np.arange(12) != t)
        errors.append(target[t] - fill_in(target, others, common, 2)[t])
    assert left_out_error(target, seen, common, 2) == pytest.approx(np.mean(np.square(errors)))
    assert left_out_error(target, np.arange(12) < 3, common, 2) == np.inf


def test_factors_with_gaps_agree_with_alternating_least_squares():
    panel = with_factor(seed=4)
    y = panel.y[:, 1:].copy()
    y[np.random.default_rng(4).random(y.shape) < 0.1] = np.nan
    found = find_factors(y, 1)
    mask = np.isfinite(y)
    factor = found.factors[:, 0] + 0.1
    for _ in range(3000):
        # levels and loadings of areas given the factor, then period effects and the factor given those
        coefficients = np.stack(
            [
                np.linalg.lstsq(np.column_stack([np.ones(m.sum()), factor[m]]), (column - period)[m], rcond=None)[0]
                for column, m, period in zip(y.T, mask.T, np.broadcast_to(found.period, y.T.shape), strict=True)
            ]
        )
        new = np.array(
            [
                np.sum(((row - p - coefficients[:, 0]) * coefficients[:, 1])[m]) / np.sum(coefficients[m, 1] ** 2)
                for row, m, p in zip(y, mask, found.period, strict=True)
            ]
        )
        if np.abs(new - factor).max() < 1e-12:
            break
        factor = new
    theirs = found.period[:, None] + coefficients[:, 0] + np.outer(factor, coefficients[:, 1])
    ours = np.stack([fill_in(y[:, n], mask[:, n], found, 1) for n in range(y.shape[1])], axis=1)
    assert np.sum((y - ours)[mask] ** 2) == pytest.approx(np.sum((y - theirs)[mask] ** 2), rel=1e-5)


def test_gaps_and_several_starts():
    panel = make_panel(starts=(8, 9), seed=5, effect=-1.25, noise=0.0)
    y = panel.y.copy()
    y[[3, 10, 5], [7, 7, 0]] = np.nan
    gappy = replace(panel, y=y, unbalanced=True)
    estimate = InteractiveFixedEffects().fit(gappy)
    assert estimate.att == pytest.approx(-1.25, abs=1e-6)
    placebos = InteractiveFixedEffects().placebos(gappy, draws=5, seed=1)
    assert placebos.att == pytest.approx(np.zeros(5), abs=1e-6)


def test_number_of_factors_leaves_periods_to_fit():
    # three periods before the start: one factor at most
    panel = with_factor(seed=6, shape=(5, 12))
    assert InteractiveFixedEffects(factors=9).fit(panel).notes[0].startswith("1 common")


def test_refusals():
    with pytest.raises(ConfigurationError, match="factors is -1"):
        InteractiveFixedEffects(factors=-1)
    panel = make_panel(starts=(8, 9), seed=1)
    y = panel.y.copy()
    y[3, 2:] = np.nan
    with pytest.raises(DataError, match="never treated: 2004"):
        InteractiveFixedEffects().fit(replace(panel, y=y, unbalanced=True))


def test_a_filling_in_without_end_is_an_error(monkeypatch):
    monkeypatch.setattr(factors, "MOST", 1)
    y = with_factor(seed=7).y.copy()
    y[3, 4] = np.nan
    with pytest.raises(DataError, match="after 1 rounds"):
        find_factors(y, 1)
    assert isinstance(find_factors(with_factor(seed=7).y, 1), Factors)

"""Augmented synthetic control on panels drawn by hand."""

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel

from evaluation.errors import ConfigurationError
from evaluation.estimators import augmented_synthetic_control as asc
from evaluation.estimators.augmented_synthetic_control import AugmentedSyntheticControl
from evaluation.estimators.synthetic_control import SyntheticControl


def test_the_ridge_reaches_outside_the_donors():
    # donors 0 and 10, less their mean -5 and 5: X X' = 50; the treated 13 leaves 3 to the plain mix, all on the donor at 10.
    # w = (0, 1) + 3 / (50 + 50) * (-5, 5) = (-0.15, 1.15), whose mix is 11.5
    panel = draw_by_hand([[13, 20], [0, 4], [10, 12]], starts={0: 1})
    estimate = AugmentedSyntheticControl(penalty=50.0).fit(panel)
    assert {donor.area: donor.weight for donor in estimate.weights} == pytest.approx({"A001": -0.15, "A002": 1.15})
    assert estimate.pre_rmspe == pytest.approx(1.5)
    assert estimate.att == pytest.approx(20 - (-0.15 * 4 + 1.15 * 12))
    assert "-0.150" in estimate.notes[0]


def test_a_huge_penalty_is_the_plain_synthetic_control():
    panel = make_panel()
    plain, augmented = SyntheticControl().fit(panel), AugmentedSyntheticControl(penalty=1e15).fit(panel)
    assert augmented.att == pytest.approx(plain.att)


def test_leaving_out_a_period_needs_no_fit_of_the_ridge():
    """The errors by the inverse of all periods equal those of ridges fitted without each period."""
    rng = np.random.default_rng(3)
    donors, targets = rng.normal(size=(6, 9)), rng.normal(size=(6, 2))
    allowed = np.ones((2, 9), dtype=bool)
    allowed[1, 4] = False
    spread = asc.spreads(donors, allowed)
    grid = asc.penalties(spread)
    errors = asc.leave_out_periods(donors, targets, allowed, spread, grid)
    for r in range(2):
        for t in range(6):
            seen = np.arange(6) != t
            x0, x1 = donors[:, allowed[r]], targets[:, r]
            w = asc.mix_simplex(x0[seen], x1[seen, None], np.ones((1, x0.shape[1]), dtype=bool)).weights[0]
            centred = x0[seen] - x0[seen].mean(axis=1, keepdims=True)
            for k in (0, 7, 20):
                ridge = np.linalg.solve(centred @ centred.T + grid[r, k] * np.eye(5), centred)
                full = w + (x1[seen] - x0[seen] @ w) @ ridge
                assert errors[r, t, k] == pytest.approx((x1[t] - x0[t] @ full) ** 2, rel=1e-6, abs=1e-12)


def test_the_rule_of_one_standard_error():
    # means 3, 1, 1.2 and standard error of the second 1: the largest penalty within 1 + 1 is the second itself, not the first
    errors = np.array([[[3.0, 0.0, 1.0], [3.0, 2.0, 1.4]]])
    assert asc.choose(errors, "one standard error").tolist() == [1]
    assert asc.choose(errors, "smallest error").tolist() == [1]
    # a larger penalty within one standard error wins
    assert asc.choose(np.array([[[1.9, 0.0], [1.9, 2.0]]]), "one standard error").tolist() == [0]
    assert asc.choose(np.array([[[1.9, 0.0], [1.9, 2.0]]]), "smallest error").tolist() == [1]


def test_options_are_checked():
    with pytest.raises(ConfigurationError, match="above 0"):
        AugmentedSyntheticControl(penalty=0.0)
    with pytest.raises(ConfigurationError, match="rule"):
        AugmentedSyntheticControl(rule="best")

"""Penalised synthetic control on panels drawn by hand."""

import numpy as np
import pytest
from conformance.panels import draw_by_hand

from evaluation.errors import ConfigurationError
from evaluation.estimators.penalised_synthetic_control import (
    PENALTIES,
    PenalisedSyntheticControl,
    choose_penalty,
    mix_penalised,
)

LOW, HIGH = [0, 0, 0], [10, 10, 10]


def weights(estimate):
    return {donor.area: donor.weight for donor in estimate.weights}


def test_penalty_moves_weight_to_the_nearer_donor():
    # with v on HIGH: min (4 - 10 v)^2 + p ((1 - v) 16 + v 36): v = 0.4 - p (36 - 16) / 200
    panel = draw_by_hand([[4, 6, 8], LOW, HIGH], starts={0: 1})
    assert weights(PenalisedSyntheticControl(penalty=0.0).fit(panel)) == pytest.approx({"A001": 0.6, "A002": 0.4})
    assert weights(PenalisedSyntheticControl(penalty=1.0).fit(panel)) == pytest.approx({"A001": 0.7, "A002": 0.3})
    estimate = PenalisedSyntheticControl(penalty=4.0).fit(panel)
    assert weights(estimate) == pytest.approx({"A001": 1.0})
    assert estimate.att == pytest.approx((6 + 8) / 2)
    assert "4 (given)" in estimate.notes[0]


def test_a_large_penalty_is_the_nearest_neighbour():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(12, 6))
    estimate = PenalisedSyntheticControl(penalty=1e6).fit(draw_by_hand(y, starts={0: 4}))
    nearest = 1 + int(((y[1:, :4] - y[0, :4]) ** 2).sum(axis=1).argmin())
    assert weights(estimate) == pytest.approx({f"A{nearest:03d}": 1.0})


def test_the_penalty_chosen_predicts_left_out_periods_best():
    rng = np.random.default_rng(2)
    donors, targets = rng.normal(size=(4, 9)), rng.normal(size=(4, 3))
    everyone = np.ones((3, 9), dtype=bool)
    errors = np.zeros((len(PENALTIES), 3))
    # four periods are fewer than the blocks, so each is left out on its own
    for t in range(4):
        seen = [s for s in range(4) if s != t]
        for k, penalty in enumerate(PENALTIES):
            mix = mix_penalised(donors[seen], targets[seen], everyone, np.full(3, penalty))
            errors[k] += (targets[t] - mix.weights @ donors[t]) ** 2
    assert choose_penalty(donors, targets, everyone) == pytest.approx(np.array(PENALTIES)[errors.argmin(axis=0)])


@pytest.mark.parametrize("penalty", [-1.0, float("nan")])
def test_a_penalty_below_nothing_is_refused(penalty):
    with pytest.raises(ConfigurationError, match="at least 0"):
        PenalisedSyntheticControl(penalty=penalty)

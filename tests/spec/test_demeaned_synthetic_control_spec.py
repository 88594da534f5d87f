"""Demeaned synthetic control on panels drawn by hand."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand

from evaluation.errors import DataError
from evaluation.estimators.demeaned_synthetic_control import DemeanedSyntheticControl

RISING, FLAT = [0, 2, 4, 6], [50, 50, 50, 50]


def test_level_is_taken_up_by_the_intercept():
    # 100, 101 moves half as much as 0, 2 and half as much as not at all: weights a half each, before the start
    estimate = DemeanedSyntheticControl().fit(draw_by_hand([[100, 101, 105, 106], RISING, FLAT], starts={0: 2}))
    assert {donor.area: donor.weight for donor in estimate.weights} == pytest.approx({"A001": 0.5, "A002": 0.5})
    # the mix is 25, 26, 27, 28; the intercept is 100.5 - 25.5 = 75
    assert estimate.series.counterfactual == pytest.approx([100, 101, 102, 103])
    assert estimate.att == pytest.approx((3 + 3) / 2)
    assert estimate.pre_rmspe == pytest.approx(0)


def test_one_period_before_the_start_compares_with_all_donors_alike():
    # with one period every deviation is nil, so that all weights fit; the even ones make it a difference in differences
    estimate = DemeanedSyntheticControl().fit(draw_by_hand([[10, 20], [0, 1], [5, 8]], starts={0: 1}))
    assert [donor.weight for donor in estimate.weights] == pytest.approx([0.5, 0.5])
    assert estimate.att == pytest.approx(10 - (1 + 3) / 2)
    assert "exactly" in estimate.notes[0]


def test_moving_an_area_up_changes_nothing():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(8, 9))
    plain = DemeanedSyntheticControl().fit(draw_by_hand(y, starts={0: 6}))
    moved = DemeanedSyntheticControl().fit(draw_by_hand(y + 10 * rng.normal(size=(8, 1)), starts={0: 6}))
    assert moved.att == pytest.approx(plain.att)
    assert moved.prediction_rmspe == pytest.approx(plain.prediction_rmspe)


def test_a_gap_in_the_outcome_is_refused_by_name():
    comparison = draw_by_hand([[1, 2, 3], [1, 2, 3], [3, 2, 1]], starts={0: 2})
    y = comparison.y.copy()
    y[1, 2] = np.nan
    with pytest.raises(DataError, match="A002, 2002"):
        DemeanedSyntheticControl().fit(replace(comparison, y=y, unbalanced=True))

"""Two-way fixed effects on panels drawn by hand; the answer is arithmetic.

Area A beside the mean of B and C: 10-6, 12-7, 15-8, 17-9 = 4, 5, 7, 8.
"""

import numpy as np
import pytest
from conformance.panels import draw_by_hand

from evaluation.errors import DataError
from evaluation.estimators.twfe import TwoWayFixedEffects

A, B, C = [10, 12, 15, 17], [5, 6, 7, 8], [7, 8, 9, 10]


def test_effect_is_the_change_in_the_difference():
    estimate = TwoWayFixedEffects().fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert estimate.att == pytest.approx((7 + 8) / 2 - (4 + 5) / 2)
    assert estimate.path == ()


def test_pre_period_gap_is_measured_from_the_fitted_effects():
    estimate = TwoWayFixedEffects().fit(draw_by_hand([A, B, C], starts={0: 2}))
    # the difference is 4 and 5 around 4.5; a third of it goes into the period effects, of which A is one area in three
    gap = np.subtract(estimate.series.observed, estimate.series.counterfactual)
    assert gap[:2] == pytest.approx([-0.5 * 2 / 3, 0.5 * 2 / 3])
    assert estimate.pre_rmspe == pytest.approx(1 / 3)
    assert gap[2:].mean() == pytest.approx(3.0)


def test_straddling_window_counts_by_its_share():
    estimate = TwoWayFixedEffects().fit(draw_by_hand([A, B, C], starts={0: 2}, exposure={0: [0, 0, 0.5, 1]}))
    # slope of 4, 5, 7, 8 on 0, 0, .5, 1: deviations -.375, -.375, .125, .625
    assert estimate.att == pytest.approx((-0.375 * 9 + 0.125 * 7 + 0.625 * 8) / (2 * 0.375**2 + 0.125**2 + 0.625**2))


def test_weights_make_big_areas_count_more():
    # C gains 4 where B gains 2; with three times the weight the comparison gains 3.5
    estimate = TwoWayFixedEffects().fit(draw_by_hand([[1, 9], [0, 2], [0, 4]], starts={0: 1}, weights=[1, 1, 3]))
    assert estimate.att == pytest.approx(8 - (2 + 3 * 4) / 4)


def test_two_starts_average_and_say_so():
    # effects of 2 from each start on, nothing else moves
    estimate = TwoWayFixedEffects().fit(draw_by_hand([[0, 2, 2], [0, 0, 2], [0, 0, 0], [0, 0, 0]], starts={0: 1, 1: 2}))
    assert estimate.att == pytest.approx(2)
    assert "2 periods" in estimate.notes[0]
    assert estimate.series.observed == pytest.approx([0, 1, 2])


def test_placebo_is_the_same_arithmetic_without_the_treated_area():
    placebos = TwoWayFixedEffects().placebos(draw_by_hand([A, B, C, [1, 1, 1, 5]], starts={0: 2}), draws=3, seed=0)
    assert placebos.labels == ("A001", "A002", "A003")
    assert placebos.exhaustive
    # B gains 2; C gains 2 and the last one 2, so their mean gains 2
    assert placebos.att[0] == pytest.approx(2 - (2 + 2) / 2)


def test_sampling_error_of_the_treated_mean():
    se = np.full((2, 3), 0.6)
    se[:, 1] = 0.8
    estimate = TwoWayFixedEffects().fit(draw_by_hand([[0, 1], [0, 1], [0, 0]], starts={0: 1, 1: 1}, se=se))
    assert estimate.series.observed_se == pytest.approx([np.sqrt(0.36 + 0.64) / 2] * 2)


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (draw_by_hand([A, B], starts={}), "No area is treated"),
        (draw_by_hand([A, B], starts={0: 0}), "from the first period"),
        (draw_by_hand([A, B], starts={0: 2, 1: 2}), "explain the exposure"),
        (draw_by_hand([A, B], starts={0: 2}, exposure={0: [0, 0, 0, 0]}), "exposed in no period"),
        (draw_by_hand([A, B], starts={0: 2}, exposure={1: [0, 0, 1, 1]}), "not marked as treated"),
        (draw_by_hand([A, B], starts={0: 2}, exposure={0: [0, 1, 1, 1]}), "before the first treated period"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_words(comparison, words):
    with pytest.raises(DataError, match=words):
        TwoWayFixedEffects().fit(comparison)

"""Event study on panels drawn by hand: A beside the mean of B and C is 4, 5, 7, 8 and starts in the third period."""

import numpy as np
import pytest
from conformance.panels import draw_by_hand

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.event_study import EventStudy

A, B, C = [10, 12, 15, 17], [5, 6, 7, 8], [7, 8, 9, 10]


def path_of(estimate):
    return {point.event_time: point.att for point in estimate.path}


def test_path_is_relative_to_the_last_period_before_the_start():
    estimate = EventStudy().fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert path_of(estimate) == pytest.approx({-2: 4 - 5, -1: 0, 0: 7 - 5, 1: 8 - 5})
    assert estimate.att == pytest.approx((2 + 3) / 2)
    assert [point.event_time for point in estimate.path] == [-2, -1, 0, 1]


def test_pre_period_gap_counts_the_reference_as_nil():
    estimate = EventStudy().fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert estimate.pre_rmspe == pytest.approx(np.sqrt((1 + 0) / 2))


def test_partly_exposed_period_is_on_the_path_but_not_in_the_average():
    estimate = EventStudy().fit(draw_by_hand([A, B, C], starts={0: 2}, exposure={0: [0, 0, 0.5, 1]}))
    assert estimate.att == pytest.approx(3)
    assert path_of(estimate)[0] == pytest.approx(2)
    assert "in part" in estimate.notes[0]


def test_without_full_exposure_the_average_is_scaled_up():
    estimate = EventStudy().fit(draw_by_hand([A, B, C], starts={0: 2}, exposure={0: [0, 0, 0.25, 0.75]}))
    assert estimate.att == pytest.approx(((2 + 3) / 2) / ((0.25 + 0.75) / 2))
    assert "scaled up" in estimate.notes[0]


def test_shared_endpoints():
    estimate = EventStudy(max_lead=2, max_lag=0).fit(draw_by_hand([[1, 3, 5, 7, 8], [0] * 5, [0] * 5], starts={0: 3}))
    assert path_of(estimate) == pytest.approx({-2: (1 + 3) / 2 - 5, -1: 0, 0: (7 + 8) / 2 - 5})


def test_covariance_covers_the_path_with_nothing_at_the_reference():
    rng = np.random.default_rng(1)
    estimate = EventStudy().fit(draw_by_hand(rng.normal(size=(12, 6)), starts={0: 3, 1: 3, 2: 3}))
    times = [point.event_time for point in estimate.path]
    assert estimate.path_vcov.shape == (6, 6)
    assert not estimate.path_vcov[times.index(-1)].any()
    for k, point in enumerate(estimate.path):
        assert (point.se is None) == (point.event_time == -1)
        assert estimate.path_vcov[k, k] == pytest.approx((point.se or 0.0) ** 2)
    post = np.array([time >= 0 for time in times]) / 3
    assert estimate.se == pytest.approx(np.sqrt(post @ estimate.path_vcov @ post))


def test_number_of_areas_at_each_event_time():
    estimate = EventStudy().fit(draw_by_hand([[0, 1, 0, 0], [0, 0, 1, 0], [0] * 4, [1] * 4], starts={0: 1, 1: 2}))
    assert {point.event_time: point.n_areas for point in estimate.path} == {-2: 1, -1: 2, 0: 2, 1: 2, 2: 1}


def test_needs_an_untreated_area():
    with pytest.raises(DataError, match="not treated and at least 1"):
        EventStudy().fit(draw_by_hand([A, B], starts={0: 1, 1: 2}))


@pytest.mark.parametrize("options", [{"max_lead": 0}, {"max_lag": -1}])
def test_endpoints_must_leave_something(options):
    with pytest.raises(ConfigurationError, match="at least"):
        EventStudy(**options)

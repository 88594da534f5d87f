"""Interaction-weighted event study on panels drawn by hand: early starts in period 2, late in period 3, C and D never."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, keep_areas, make_panel

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.event_study import EventStudy
from evaluation.estimators.sun_abraham import SunAbraham
from evaluation.inference.checks import two_implementations
from evaluation.results import CheckThresholds

# beside C and D, whose mean stays at 0, early moves by 1, 3, 6 after its start and late by 10, 20
EARLY, LATE, C, D = [0, 0, 1, 3, 6], [2, 2, 2, 12, 22], [1, 1, 1, 1, 1], [-1, -1, -1, -1, -1]
STARTS = {0: 2, 1: 3}
LIMITS = CheckThresholds(minimum_pre_periods=4, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.9, maximum_donor_weight=0.5)


def path_of(estimate):
    return {point.event_time: point.att for point in estimate.path}


def test_every_start_has_its_own_path_and_areas_count_once():
    estimate = SunAbraham().fit(draw_by_hand([EARLY, LATE, C, D], starts=STARTS))
    assert path_of(estimate) == pytest.approx({-3: 0, -2: 0, -1: 0, 0: (1 + 10) / 2, 1: (3 + 20) / 2, 2: 6})
    assert estimate.att == pytest.approx((1 + 3 + 6 + 10 + 20) / 5)
    assert {p.event_time: p.n_areas for p in estimate.path} == {-3: 1, -2: 2, -1: 2, 0: 2, 1: 2, 2: 1}


def test_two_areas_of_a_start_count_twice():
    estimate = SunAbraham().fit(draw_by_hand([EARLY, EARLY, LATE, C, D], starts={0: 2, 1: 2, 2: 3}))
    assert path_of(estimate)[0] == pytest.approx((1 + 1 + 10) / 3)


def test_areas_treated_earlier_are_no_comparison():
    """The plain event study mixes the paths; this one leaves what the early area does out of the late one's effect."""
    comparison = draw_by_hand([EARLY, LATE, C, D], starts=STARTS)
    y = comparison.y.copy()
    y[3:, 0] += 50.0
    loud = replace(comparison, y=y)
    late_alone = keep_areas(comparison, [1, 2, 3])
    effect = path_of(SunAbraham().fit(late_alone))
    assert effect[0] == pytest.approx(10)
    assert path_of(SunAbraham().fit(loud))[0] == pytest.approx((1 + 10) / 2)
    assert path_of(EventStudy().fit(loud))[0] != pytest.approx(path_of(EventStudy().fit(comparison))[0], abs=0.1)


def test_those_treated_last_compare_before_their_start():
    estimate = SunAbraham(controls="last").fit(draw_by_hand([EARLY, LATE], starts=STARTS))
    assert path_of(estimate) == pytest.approx({-2: 0, -1: 0, 0: 1})
    assert len(estimate.series.periods) == 3
    assert not len(SunAbraham(controls="last").placebos(draw_by_hand([EARLY, LATE], starts=STARTS), draws=9, seed=0).att)


def test_partly_exposed_cells_are_left_out_of_the_average():
    comparison = draw_by_hand([EARLY, LATE, C, D], starts=STARTS, exposure={0: [0, 0, 0.5, 1, 1]})
    estimate = SunAbraham().fit(comparison)
    assert estimate.att == pytest.approx((3 + 6 + 10 + 20) / 4)
    assert "in part" in estimate.notes[0]


def test_without_full_exposure_the_average_is_scaled_up():
    comparison = draw_by_hand([EARLY, C, D], starts={0: 2}, exposure={0: [0, 0, 0.2, 0.4, 0.6]})
    estimate = SunAbraham().fit(comparison)
    assert estimate.att == pytest.approx(((1 + 3 + 6) / 3) / 0.4)
    assert "scaled up" in estimate.notes[0]


def test_one_start_is_the_event_study():
    comparison = make_panel(starts=(8, 8, 8), weighted=True)
    one, other = SunAbraham().fit(comparison), EventStudy().fit(comparison)
    assert one.att == pytest.approx(other.att)
    assert one.se == pytest.approx(other.se)
    assert one.path_vcov == pytest.approx(other.path_vcov, abs=1e-12)


def test_refusals():
    with pytest.raises(DataError, match="not treated and at least 1"):
        SunAbraham().fit(draw_by_hand([EARLY, LATE], starts=STARTS))
    with pytest.raises(DataError, match="controls='last'"):
        SunAbraham(controls="last").fit(draw_by_hand([EARLY, LATE, C], starts=STARTS))
    with pytest.raises(ConfigurationError, match="never or last"):
        SunAbraham(controls="first")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("starts", [(8,), (6, 9, 8, 8)])
def test_second_implementation(starts, weighted):
    comparison, estimator = make_panel(starts=starts, weighted=weighted, shares=True), SunAbraham()
    estimate = estimator.fit(comparison)
    check = two_implementations.run(comparison, estimator, estimate, estimator.placebos(comparison, draws=3, seed=0), LIMITS)
    assert check.passed is True, check.text
    off = replace(estimate, att=estimate.att + 0.01)
    assert two_implementations.run(comparison, estimator, off, None, LIMITS).passed is False
    assert "controls" in two_implementations.run(comparison, SunAbraham(controls="last"), estimate, None, LIMITS).text


def test_standard_error_takes_shares_as_given():
    estimate = SunAbraham().fit(make_panel(starts=(6, 9, 8, 8)))
    points = [point for point in estimate.path if point.event_time != -1]
    assert np.sqrt(np.diag(estimate.path_vcov)[[p.event_time != -1 for p in estimate.path]]) == pytest.approx(
        [p.se for p in points]
    )

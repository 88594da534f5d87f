"""Overlapping reference windows, worked by hand."""

import numpy as np
import pytest

from evaluation.errors import ConfigurationError
from evaluation.numerics.windows import count_straddling, factor, linear_variance, overlap_correlation
from evaluation.panel.periods import exposure_share, list_periods, month_index


def test_quarterly_figures_of_a_year_share_nine_six_and_three_months():
    found = overlap_correlation(6, window_months=12, step=3)
    assert found[0].tolist() == [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    assert (found == found.T).all()


@pytest.mark.parametrize(("months", "step"), [(1, 1), (12, 12), (3, 3)])
def test_windows_that_do_not_overlap_are_independent(months, step):
    assert (overlap_correlation(4, window_months=months, step=step) == np.eye(4)).all()


def test_monthly_figures_of_three_months():
    assert overlap_correlation(5, window_months=3, step=1)[0] == pytest.approx([1, 2 / 3, 1 / 3, 0, 0])


@pytest.mark.parametrize(("months", "step"), [(0, 3), (12, 0)])
def test_a_window_without_months_is_refused(months, step):
    with pytest.raises(ConfigurationError, match="must be at least 1"):
        overlap_correlation(3, window_months=months, step=step)


def test_the_factor_gives_the_correlation_back_also_where_it_is_singular():
    for correlation in (overlap_correlation(7, window_months=12, step=3), np.ones((3, 3))):
        assert factor(correlation) @ factor(correlation).T == pytest.approx(correlation)


def test_the_variance_of_a_change_from_one_quarter_to_the_next():
    # one area, standard errors 2 and 3, correlation 3/4: 4 + 9 - 2 x 0.75 x 2 x 3 = 4
    correlation = overlap_correlation(2, window_months=12, step=3)
    assert linear_variance(np.array([[-1.0], [1.0]]), np.array([[2.0], [3.0]]), correlation) == pytest.approx([4.0])
    # and a year on: nothing shared, 4 + 9
    far = overlap_correlation(5, window_months=12, step=3)
    change = np.array([-1.0, 0, 0, 0, 1.0])[:, None]
    assert linear_variance(change, np.array([2.0, 1, 1, 1, 3.0])[:, None], far) == pytest.approx([13.0])


def test_the_mean_of_four_quarters_of_a_rolling_year_is_far_from_four_figures():
    # variance of the mean of four: (4 + 2 (3 x 3/4 + 2 x 1/2 + 1 x 1/4)) / 16 = 11/16 of one figure's, where four independent
    # ones would give 1/4
    correlation = overlap_correlation(4, window_months=12, step=3)
    assert linear_variance(np.full((4, 1), 0.25), np.ones((4, 1)), correlation) == pytest.approx([11 / 16])


def test_several_estimates_at_once_and_areas_apart():
    linear = np.array([[[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [0.0, 0.0]]])
    found = linear_variance(linear, np.array([[1.0, 5.0], [1.0, 3.0]]), np.eye(2))
    assert found == pytest.approx(np.array([[1.0, 36.0], [0.0, 25.0]]))


@pytest.mark.parametrize("start", ["2021-01", "2021-02", "2021-03", "2021-04", "2021-12"])
@pytest.mark.parametrize(("months", "step", "frequency"), [(12, 3, "quarterly"), (1, 1, "monthly"), (3, 1, "monthly")])
def test_straddling_windows_are_those_with_a_share_between_none_and_all(start, months, step, frequency):
    periods = list_periods("2019-03", "2024-12", frequency)
    share = exposure_share(periods, months, start)
    found = count_straddling(month_index(start), last=month_index(periods[-1]), window_months=months, step=step)
    assert found == int(((share > 0) & (share < 1)).sum())


def test_a_rolling_year_that_starts_with_a_quarter_straddles_three_times():
    # from April 2025: the years to June, September and December 2025 hold months on both sides, that to March 2026 does not
    assert count_straddling(month_index("2025-04"), last=month_index("2026-06"), window_months=12, step=3) == 3
    # from May 2025 that to March 2026 does too
    assert count_straddling(month_index("2025-05"), last=month_index("2026-06"), window_months=12, step=3) == 4

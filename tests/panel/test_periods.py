"""Periods: every expected value is worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.errors import ConfigurationError
from evaluation.panel.periods import (
    Period,
    exposure_share,
    find_gaps,
    first_wholly_after,
    list_periods,
    month_index,
    month_label,
    parse_period,
    reference_window,
    shift_month,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2001", Period("2001-12", 12)),
        ("2001-01-01/P1Y", Period("2001-12", 12)),
        ("2012-01-01T00:00:00/P12M", Period("2012-12", 12)),
        ("2012-04-01T00:00:00/P12M", Period("2013-03", 12)),
        ("2023-10-01/P3M", Period("2023-12", 3)),
        ("2026-03", Period("2026-03", None)),
        ("March 2023", Period("2023-03", None)),
        ("Sept 2023", Period("2023-09", None)),
        ("December 2022 (r)", Period("2022-12", None, "revised")),
        ("November 2023 (p)", Period("2023-11", None, "provisional")),
        ("Apr 2025-Mar 2026", Period("2026-03", 12)),
        ("Jan 2004-Dec 2004", Period("2004-12", 12)),
        (" Jan 2024 - Mar 2024 ", Period("2024-03", 3)),
    ],
)
def test_a_published_label_is_understood(text, wanted):
    assert parse_period(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "2024-Q5",
        "2024-Q1",
        "Q1 2024",
        "2024/1",
        "2024-13",
        "2024-00",
        "24-03",
        "",
        "<<<<<<< HEAD",
        "Unknown",
        "Mar 2026-Apr 2025",
        "Marchy 2023",
        "2012-01-01/P0M",
        "2012-01-15/P1Y",
        "Mayo 2024",
        "march",
        "2024-3",
        "\uff12\uff10\uff12\uff14",
        "2024-03-01",
    ],
)
def test_any_other_label_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="write 2024 for a calendar year, or 2024-03 for a month") as caught:
        parse_period(text)
    assert repr(text) in str(caught.value)


def test_a_label_is_written_as_its_series_writes_it():
    year = parse_period("2024")
    assert year.label("annual", 12) == "2024"
    assert year.label("quarterly", 12) == "2024-12"
    assert parse_period("Apr 2025-Mar 2026").label("quarterly", 12) == "2026-03"
    assert parse_period("2026-02").label("monthly", 1) == "2026-02"


@pytest.mark.parametrize(
    ("text", "frequency", "window", "words"),
    [
        ("2024", "monthly", 1, "covers 12"),
        ("Jan 2024-Mar 2024", "quarterly", 12, r"covers 3 month\(s\) where the series has windows of 12"),
        ("2024-12", "annual", 12, "names a month where the series is annual"),
        ("2026-02", "quarterly", 12, "ends in month 02"),
        ("Apr 2025-Mar 2026", "annual", 12, "ends in month 03 .* December"),
    ],
)
def test_a_label_of_another_length_is_refused(text, frequency, window, words):
    with pytest.raises(ValueError, match=words):
        parse_period(text).label(frequency, window)


def test_windows():
    assert reference_window("2026-03", 12) == ("2025-04", "2026-03")
    assert reference_window("2026-09", 12) == ("2025-10", "2026-09")
    assert reference_window("2026-03", 1) == ("2026-03", "2026-03")
    assert reference_window("2024", 12) == ("2024-01", "2024-12")


def test_exposure_of_a_start_in_april():
    share = exposure_share(["2025-03", "2025-06", "2025-09", "2025-12", "2026-03", "2026-06"], 12, "2025-04")
    assert share.tolist() == [0, 3 / 12, 6 / 12, 9 / 12, 12 / 12, 1]


def test_exposure_in_binary_coding_counts_a_touched_window_whole():
    periods = ["2025-03", "2025-06", "2026-03"]
    assert exposure_share(periods, 12, "2025-04", "binary").tolist() == [0, 1, 1]
    assert exposure_share(["2014", "2015", "2016"], 12, "2015-11", "binary").tolist() == [0, 1, 1]
    assert exposure_share(["2014", "2015", "2016"], 12, "2015-11").tolist() == [0, 2 / 12, 1]
    assert exposure_share(["2025-10", "2025-11"], 1, "2025-11-01").tolist() == [0, 1]


def test_no_periods_give_no_shares():
    assert exposure_share([], 12, "2025-04").shape == (0,)


def test_too_early_to_tell_before():
    assert first_wholly_after("2025-04", 12, "quarterly") == "2026-03"
    # the window ending 2026-09 still holds October 2025
    assert first_wholly_after("2025-11-01", 12, "quarterly") == "2026-12"
    assert first_wholly_after("2025-11", 1, "monthly") == "2025-11"
    assert first_wholly_after("2015-11", 12, "annual") == "2016"
    assert first_wholly_after("2015-01", 12, "annual") == "2015"
    assert first_wholly_after("2025-11", 3, "quarterly") == "2026-03"


@given(
    st.integers(2000 * 12, 2040 * 12),
    st.sampled_from([("annual", 12), ("quarterly", 12), ("quarterly", 3), ("monthly", 1), ("monthly", 12)]),
)
def test_the_first_period_wholly_after_is_the_first_with_full_exposure(index, kind):
    frequency, window = kind
    start = month_label(index)
    first = first_wholly_after(start, window, frequency)
    # A year carries no month, so its own label begins the list.
    before = {"annual": str(int(first[:4]) - 1)}.get(frequency) or shift_month(first, -{"quarterly": 3, "monthly": 1}[frequency])
    share = exposure_share([before, first], window, start)
    assert share[1] == 1
    assert share[0] < 1


@given(st.integers(0, 9999 * 12 + 11), st.integers(-500, 500))
def test_months_count_both_ways(index, by):
    assert month_index(month_label(index)) == index
    if 0 <= index + by < 10000 * 12:
        assert month_index(shift_month(month_label(index), by)) == index + by


def test_sequences():
    assert list_periods("2025-09", "2026-06", "quarterly") == ("2025-09", "2025-12", "2026-03", "2026-06")
    assert list_periods("2018-12", "2019-02", "monthly") == ("2018-12", "2019-01", "2019-02")
    assert list_periods("2010", "2012", "annual") == ("2010", "2011", "2012")
    assert list_periods("2026-06", "2026-06", "quarterly") == ("2026-06",)
    assert len(list_periods("2018-03", "2026-06", "quarterly")) == 8 * 4 + 2


@pytest.mark.parametrize(
    ("first", "last", "frequency"),
    [
        ("2025-10", "2026-06", "quarterly"),
        ("2025", "2026-06", "quarterly"),
        ("2025-01", "2025-12", "annual"),
        ("2026", "2025", "annual"),
    ],
)
def test_a_sequence_of_another_frequency_is_refused(first, last, frequency):
    with pytest.raises(ConfigurationError, match=f"is not a period of a series that is {frequency}|ends before it begins"):
        list_periods(first, last, frequency)


def test_a_start_that_is_no_month_is_refused():
    for start in ("2025-13", "2025", "April 2025", "2025-04-32"):
        with pytest.raises(ConfigurationError, match="is not a month; write YYYY-MM"):
            exposure_share(["2025"], 12, start)


def test_the_ten_months_a_release_skipped():
    there = [*list_periods("2015-08", "2022-12", "monthly"), "2023-11"]
    assert find_gaps(there, "monthly") == tuple(f"2023-{m:02d}" for m in range(1, 11))
    assert find_gaps([], "monthly") == ()
    assert find_gaps(["2010", "2012"], "annual") == ("2011",)


def test_shares_are_not_shared():
    periods = ["2025-06"]
    a = exposure_share(periods, 12, "2025-04")
    a[0] = 99
    assert np.array_equal(exposure_share(periods, 12, "2025-04"), [0.25])

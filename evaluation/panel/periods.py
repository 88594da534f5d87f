"""Periods: from the labels publishers write to ours, and month arithmetic.

Ours are ``2024`` for a calendar year and ``2026-03`` for a month or, for a rolling figure, for the last month of its reference
window.

Months are counted as whole numbers (12 x year + month - 1), so that every share below is an exact fraction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import ConfigurationError

Frequency = Literal["annual", "quarterly", "monthly"]

MONTH_NAMES = tuple(
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
)
"""As they are written; those of the standard library follow the machine's language."""
FULL = tuple(name.lower() for name in MONTH_NAMES)
MONTHS = tuple(name[:3] for name in FULL)
STEP: dict[Frequency, int] = {"annual": 12, "quarterly": 3, "monthly": 1}
"""Months from one period to the next; quarterly figures are stamped 03, 06, 09 and 12, annual ones with the year."""

MARKS = {"r": "revised", "p": "provisional", "e": "estimated"}
EXAMPLE = "write 2024 for a calendar year, or 2024-03 for a month (for a rolling figure: the last month of its window)"

_YEAR = re.compile(r"([0-9]{4})")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_START = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?")
_INTERVAL = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-01(?:T00:00:00Z?)?/P([0-9]{1,2})([MY])")
_NAMED = re.compile(r"([A-Za-z]+)\.? ([0-9]{4})")
_RANGE = re.compile(r"([A-Za-z]+)\.? ([0-9]{4}) ?[-–] ?([A-Za-z]+)\.? ([0-9]{4})")
_MARK = re.compile(r"\s*\((r|p|e)\)$")


@dataclass(frozen=True, slots=True)
class Period:
    """A published period label, understood.

    Attributes
    ----------
    last : str
        Last month, ``YYYY-MM``.
    months : int or None
        Months the label says it covers; None where it only names one month, which may end a longer window.
    flag : str
        ``revised``, ``provisional``, ``estimated`` or empty, from a mark such as ``(r)``.
    """

    last: str
    months: int | None
    flag: str = ""

    def label(self, frequency: Frequency, window_months: int) -> str:
        """Write the period as a series of this frequency and window does.

        Raises
        ------
        ValueError
            If the label covers another number of months, or does not end where periods of this frequency end.
        """
        if self.months is not None and self.months != window_months:
            raise ValueError(f"covers {self.months} month(s) where the series has windows of {window_months}")
        if frequency == "annual" and self.months is None:
            raise ValueError("names a month where the series is annual; write the year, such as 2024")
        month = int(self.last[5:])
        if month % STEP[frequency]:
            ends = "December" if frequency == "annual" else "March, June, September or December"
            raise ValueError(f"ends in month {month:02d} where periods of a series that is {frequency} end in {ends}")
        return self.last[:4] if frequency == "annual" else self.last


def parse_period(text: str) -> Period:
    """Understand one published period label.

    Parameters
    ----------
    text : str
        ``2001``, ``2001-01-01/P1Y``, ``2012-01-01T00:00:00/P12M``, ``2026-03``, ``March 2023``, ``December 2022 (r)`` or
        ``Apr 2025-Mar 2026``.

    Returns
    -------
    Period

    Raises
    ------
    ValueError
        For anything else, with the forms that are allowed.
    """
    bare = text.strip()
    flag = ""
    if mark := _MARK.search(bare):
        bare, flag = bare[: mark.start()], MARKS[mark[1]]
    if found := _YEAR.fullmatch(bare):
        return Period(f"{found[1]}-12", 12, flag)
    if _MONTH.fullmatch(bare):
        return Period(bare, None, flag)
    if found := _INTERVAL.fullmatch(bare):
        length = int(found[3]) * (12 if found[4] == "Y" else 1)
        if length:
            return Period(shift_month(f"{found[1]}-{found[2]}", length - 1), length, flag)
    if (found := _NAMED.fullmatch(bare)) and (month := _month_number(found[1])):
        return Period(f"{found[2]}-{month:02d}", None, flag)
    if found := _RANGE.fullmatch(bare):
        begin, end = _month_number(found[1]), _month_number(found[3])
        if begin and end:
            first, last = f"{found[2]}-{begin:02d}", f"{found[4]}-{end:02d}"
            if first <= last:
                return Period(last, month_index(last) - month_index(first) + 1, flag)
    raise ValueError(f"{text!r} is not a period; {EXAMPLE}")


def _month_number(name: str) -> int | None:
    lower = name.lower()
    if lower in FULL:
        return FULL.index(lower) + 1
    short = "sep" if lower == "sept" else lower
    return MONTHS.index(short) + 1 if short in MONTHS else None


def month_index(month: str) -> int:
    """Count a month ``YYYY-MM`` (or the month of a day ``YYYY-MM-DD``) as 12 x year + month - 1.

    Raises
    ------
    ConfigurationError
        If it is not a month.
    """
    found = _START.fullmatch(month)
    if not found:
        raise ConfigurationError(f"{month!r} is not a month; write YYYY-MM, such as 2025-04.")
    return 12 * int(found[1]) + int(found[2]) - 1


def month_label(index: int) -> str:
    """Write a counted month as ``YYYY-MM``; the inverse of `month_index`."""
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def shift_month(month: str, months: int) -> str:
    """Return the month `months` later (earlier, if negative)."""
    return month_label(month_index(month) + months)


def reference_window(period: str, window_months: int) -> tuple[str, str]:
    """Return the first and last month a figure averages over.

    Parameters
    ----------
    period : str
        ``2024`` (January to December, whatever `window_months`) or ``2026-03``.
    window_months : int
        Length of the window: 12 for rolling annual figures, 1 for monthly ones.

    Returns
    -------
    tuple of (first month, last month), each ``YYYY-MM``
    """
    first, last = _window(period, window_months)
    return month_label(first), month_label(last)


def _window(period: str, window_months: int) -> tuple[int, int]:
    if window_months < 1:
        raise ConfigurationError(f"a reference window of {window_months} months is not possible; write 1 or more.")
    if _YEAR.fullmatch(period):
        year = int(period)
        return 12 * year, 12 * year + 11
    if not _MONTH.fullmatch(period):
        raise ConfigurationError(f"{period!r} is not a period; {EXAMPLE}.")
    last = month_index(period)
    return last - window_months + 1, last


def exposure_share(
    periods: Iterable[str], window_months: int, start: str, coding: Literal["share", "binary"] = "share"
) -> np.ndarray:
    """Say how much of each period's reference window lies after a programme's start.

    The month of the start counts as after it, whatever the day.

    Parameters
    ----------
    periods : iterable of str
        T labels such as ``2024`` or ``2026-03``.
    window_months : int
        Length of the reference window.
    start : str
        ``YYYY-MM`` or ``YYYY-MM-DD``.
    coding : {'share', 'binary'}
        ``binary`` counts every period whose window touches the programme as fully exposed: for annual figures, from the
        calendar year of the start on.

    Returns
    -------
    array (T,), 0 to 1
    """
    begin = month_index(start)
    windows = np.array([_window(p, window_months) for p in periods], dtype=np.int64).reshape(-1, 2)
    length = windows[:, 1] - windows[:, 0] + 1
    after = np.clip(windows[:, 1] - begin + 1, 0, length)
    return (after > 0).astype(float) if coding == "binary" else after / length


def first_wholly_after(start: str, window_months: int, frequency: Frequency) -> str:
    """Return the first period whose reference window holds no month before the start: it is too early to tell before it.

    Parameters
    ----------
    start : str
        ``YYYY-MM`` or ``YYYY-MM-DD``; its month counts as after the start.
    window_months : int
        Length of the reference window.
    frequency : {'annual', 'quarterly', 'monthly'}
        How often the series has a figure; annual windows are calendar years.

    Returns
    -------
    str
        Period label, such as ``2026-12``.
    """
    step = STEP[frequency]
    length = 12 if frequency == "annual" else window_months
    earliest = month_index(start) + length - 1
    ending = earliest + -(earliest + 1) % step  # the next month that ends a period: month number divisible by the step
    label = month_label(ending)
    return label[:4] if frequency == "annual" else label


def list_periods(first: str, last: str, frequency: Frequency) -> tuple[str, ...]:
    """List the periods from `first` to `last`, both included.

    Raises
    ------
    ConfigurationError
        If a label does not belong to the frequency, or `last` lies before `first`.
    """
    begin, end = (_position(label, frequency) for label in (first, last))
    if end < begin:
        raise ConfigurationError(f"the window from {first} to {last} ends before it begins.")
    labels = [month_label(index) for index in range(begin, end + 1, STEP[frequency])]
    return tuple(label[:4] if frequency == "annual" else label for label in labels)


def _position(label: str, frequency: Frequency) -> int:
    if frequency == "annual" and _YEAR.fullmatch(label):
        return 12 * int(label) + 11
    if frequency != "annual" and _MONTH.fullmatch(label) and (month_index(label) + 1) % STEP[frequency] == 0:
        return month_index(label)
    form = {"annual": "2024", "quarterly": "2024-03, 2024-06, 2024-09 or 2024-12", "monthly": "2024-03"}[frequency]
    raise ConfigurationError(f"{label!r} is not a period of a series that is {frequency}; write it like {form}.")


def find_gaps(periods: Sequence[str], frequency: Frequency) -> tuple[str, ...]:
    """List the periods that are missing between the first and the last of `periods`, such as the ten months a release skipped."""
    if not periods:
        return ()
    there = set(periods)
    return tuple(p for p in list_periods(min(there), max(there), frequency) if p not in there)

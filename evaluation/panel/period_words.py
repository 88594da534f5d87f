"""Months and periods as readers say them; every one of a sentence, a caption or a table passes through here."""

from __future__ import annotations

from evaluation.panel.periods import MONTH_NAMES, month_index, month_label


def write_month(month: str) -> str:
    """``2026-03`` as ``March 2026``; a day ``2025-04-03`` as ``3 April 2025``; ``2025-04 to 2025-10`` end by end."""
    if " to " in month:
        first, last = month.split(" to ", 1)
        return write_month(first) if first == last else f"{write_month(first)} to {write_month(last)}"
    parts = month.split("-")
    if len(parts) == 1:
        return month
    words = f"{MONTH_NAMES[int(parts[1]) - 1]} {parts[0]}"
    return f"{int(parts[2])} {words}" if len(parts) == 3 else words


def write_period(period: str, window_months: int) -> str:
    """A period as readers say it: ``2017``, ``March 2026`` or ``12 months to March 2026``."""
    if "-" not in period or window_months == 1:
        return write_month(period)
    return f"{window_months} months to {write_month(period)}"


def write_the_period(period: str, window_months: int) -> str:
    """A period inside a sentence: ``the 12 months to March 2026``, but ``March 2026``."""
    words = write_period(period, window_months)
    return f"the {words}" if " to " in words else words


def write_span(start: str, last: str) -> str:
    """From the start of a programme to the last month its data cover: ``From April 2025 to June 2026``.

    Parameters
    ----------
    start : str
        ``YYYY-MM``, or ``YYYY-MM to YYYY-MM`` where areas start in different months.
    last : str
        The last period, ``YYYY-MM`` or a year.
    """
    end = last if "-" in last else f"{last}-12"
    if " to " not in start or len(set(start.split(" to ", 1))) == 1:
        return f"From {write_month(start.split(' to ', 1)[0])} to {write_month(end)}"
    if last_start(start) > end:
        # Areas that start after the window are in the study, but not in these figures.
        return f"From the start in each area ({write_month(start.split(' to ', 1)[0])} at the earliest) to {write_month(end)}"
    return f"From the start in each area ({write_month(start)}) to {write_month(end)}"


def last_start(start: str) -> str:
    """The later end of a start, ``YYYY-MM`` or ``YYYY-MM to YYYY-MM``."""
    return month_label(max(month_index(item) for item in start.split(" to ")))

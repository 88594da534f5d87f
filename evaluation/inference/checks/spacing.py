"""How many periods make a year, read off the periods' labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from evaluation.errors import ConfigurationError
from evaluation.panel.periods import month_index


def periods_in_year(periods: Sequence[str]) -> float | None:
    """1 for annual figures, 4 for quarterly, 12 for monthly ones; None where the labels are neither years nor months.

    The closest two periods count: a period may have been left out.
    """
    try:
        months = [month_index(period if "-" in period else f"{period}-12") for period in periods]
    except ConfigurationError:
        return None
    steps = [later - earlier for earlier, later in pairwise(months)]
    return 12.0 / min(steps) if steps and min(steps) > 0 else None

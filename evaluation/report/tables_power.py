"""Tables of what could be seen: by area for the report, by length of follow-up for one area."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.records import Outcome
from evaluation.report.tables import NOT_AVAILABLE, ReportTable
from evaluation.results import Power, PowerPoint
from evaluation.synthesis.numbers import UnitWords, write_size
from evaluation.synthesis.phrases import upper_first
from evaluation.synthesis.sentences import unit_words

PERIODS = {"annual": ("year", "years"), "quarterly": ("quarter", "quarters"), "monthly": ("month", "months")}
"""What one period and several are called, by how often a series has a figure."""
SHOWN = {"annual": (1, 2, 3), "quarterly": (1, 4, 8, 12), "monthly": (1, 6, 12, 24)}
"""Lengths of follow-up that a table of areas has columns for."""
POOLED = "all"


def name_periods(count: int, outcome: Outcome) -> str:
    """A number of periods in words of the series: ``1 quarter``, ``12 quarters``."""
    return f"{count} {PERIODS[outcome.frequency][count != 1]}"


def write_share(share: float | None) -> str:
    """A share as per cent."""
    return NOT_AVAILABLE if share is None else f"{100 * share:.0f}"


def write_least(value: float | None, unit: UnitWords) -> str:
    """A magnitude, or that there is none."""
    return NOT_AVAILABLE if value is None else write_size(value, unit)


def table_power(powers: Sequence[Power], outcome: Outcome, *, caption: str) -> ReportTable:
    """The smallest detectable difference by area and length of follow-up, beside the most the programme could do.

    Parameters
    ----------
    powers : sequence of Power
        Of one outcome; rows stand in their order.
    outcome : Outcome
        The outcome in words.
    caption : str
        Title of the table.
    """
    unit = unit_words(outcome)
    columns = {n: f"After {name_periods(n, outcome)}" for n in SHOWN[outcome.frequency]}
    rows = []
    for power in powers:
        known = {point.follow_up: point.mde for point in power.points}
        rows.append(
            (
                "All areas together" if power.area == POOLED else power.area_name,
                f"{power.available}",
                *(write_least(known.get(n), unit) for n in columns),
                write_least(power.cap, unit),
            )
        )
    many = upper_first(PERIODS[outcome.frequency][1])
    most = "Most the programme could do"
    header = ("Area", f"{many} now", *columns.values(), most)
    return ReportTable(
        caption=caption,
        header=header,
        rows=tuple(rows),
        numeric=frozenset(header[1:]),
        notes=(
            f"Differences in {outcome.unit_words}, either way.",
            f"{many} count when their figures lie wholly after the start; together: after the first start.",
        ),
    )


def table_follow_up(power: Power, outcome: Outcome, *, caption: str) -> ReportTable:
    """The smallest detectable difference of one area, a row for every length of follow-up."""
    unit, many = unit_words(outcome), upper_first(PERIODS[outcome.frequency][1])
    header = (f"{many} after", f"{many} before", f"Smallest detectable, {outcome.unit_words}", "Sampling error, per cent")
    rows = tuple(_row(point, unit) for point in power.points)
    return ReportTable(
        caption=caption,
        header=header,
        rows=rows,
        numeric=frozenset(header),
        notes=(
            "Sampling error: its share of the variance between placebo estimates.",
            *((power.note,) if power.note else ()),
        ),
    )


def _row(point: PowerPoint, unit: UnitWords) -> tuple[str, ...]:
    before = NOT_AVAILABLE if point.before is None else f"{point.before}"
    return f"{point.follow_up}", before, write_least(point.mde, unit), write_share(point.sampling_share)

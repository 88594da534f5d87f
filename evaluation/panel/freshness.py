"""Whether data are older than their publication allows: `trailblazer check` warns, a final release is refused.

A panel itself never depends on the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.table import Table
from evaluation.contracts.violations import Violation
from evaluation.panel.periods import month_index, month_label, parse_period
from evaluation.results import Panel

STEPS: Mapping[str, int] = {"monthly": 1, "quarterly": 3, "annual": 12}
"""Months between two editions, by the frequency a contract states; other words promise nothing."""


def find_stale(table: Table, source: Source, today: date) -> Violation | None:
    """Warn of a file whose next edition must be out, by the frequency and the latency of its contract.

    Parameters
    ----------
    table : Table
        As read, with the source's period column.
    source : Source
        With ``frequency`` and ``latency_days``: how long after the end of a period its figures come out. Where one of the two is
        not stated, nothing is said.
    today : date
        The day to judge by.

    Returns
    -------
    Violation or None
        A warning at the first row of the last period.
    """
    column = source.period_column
    if column not in table.frame.columns:
        return None
    cells = table.frame[column]
    late = _find_late(map(str, cells.unique()), source, today)
    if late is None:
        return None
    newest = late.newest
    rows = np.flatnonzero((cells == newest).to_numpy())
    return Violation(
        file=table.file,
        line=int(table.line[rows[0]]),
        column=column,
        rule="stale",
        text=(f"the last period is {newest!r}; by the contract the figures of {late.next_month} were due on {late.due}"),
        value=newest,
        count=len(rows),
        fix="fetch the newest edition, or say in the report why it is not used",
        severity="warning",
        contract=f"{source.id} {source.version}",
    )


def list_late(panel: Panel, contracts: Contracts, today: date) -> tuple[str, ...]:
    """Say which outcomes of a panel have newer figures by now, in words, one line an outcome.

    Parameters
    ----------
    panel : Panel
        As built from published files.
    contracts : Contracts
        Tells the source of each outcome (the first of its series that the panel was built from), its frequency and its latency.
    today : date
        The day to judge by, for a release the day of publication.

    Returns
    -------
    tuple of str
        Empty where nothing is late, or where no contract promises when figures come out.
    """
    there = {item.source for item in panel.inputs}
    found = []
    for id, rows in panel.frame.groupby("outcome", sort=True):
        outcome = contracts.outcomes.get(str(id))
        named = next((rule.source for rule in outcome.series if rule.source in there), "") if outcome is not None else ""
        source = contracts.sources.get(named)
        late = None if source is None else _find_late(map(str, rows["period"].unique()), source, today)
        if late is not None:
            found.append(
                f"{id}: the newest figures are of {late.newest}; by the contract of {named} those of {late.next_month} were due "
                f"on {late.due}"
            )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Late:
    """The newest period, the last month of the one after it, and the day on which that was due."""

    newest: str
    next_month: str
    due: date


def _find_late(periods: Iterable[str], source: Source, today: date) -> _Late | None:
    """What is overdue after these periods on a day; None where nothing is, or the contract promises nothing."""
    if source.frequency not in STEPS or source.latency_days is None:
        return None
    last: dict[str, int] = {}
    for text in periods:
        try:
            last[text] = month_index(parse_period(text).last)
        except ValueError:
            continue  # the checks of the contract report it
    if not last:
        return None
    newest = max(last, key=lambda text: last[text])
    month = last[newest] + STEPS[source.frequency]
    try:
        due = _day_after(month) + timedelta(days=source.latency_days)
    except (ValueError, OverflowError):  # a year no calendar has, which the checks of the contract report
        return None
    return _Late(newest, month_label(month), due) if today > due else None


def _day_after(month: int) -> date:
    """First day after a month counted as 12 x year + month - 1."""
    return date((month + 1) // 12, (month + 1) % 12 + 1, 1)

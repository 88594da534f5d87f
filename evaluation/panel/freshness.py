"""Whether a file is older than its publication allows. Only `trailblazer check` asks: a panel never depends on the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

from evaluation.contracts.records import Source
from evaluation.contracts.table import Table
from evaluation.contracts.violations import Violation
from evaluation.panel.periods import month_index, month_label, parse_period

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
    if source.frequency not in STEPS or source.latency_days is None or column not in table.frame.columns:
        return None
    cells = table.frame[column]
    last: dict[str, int] = {}
    for text in map(str, cells.unique()):
        try:
            last[text] = month_index(parse_period(text).last)
        except ValueError:
            continue  # the checks of the contract report it
    if not last:
        return None
    newest = max(last, key=lambda text: last[text])
    try:
        due = _day_after(last[newest] + STEPS[source.frequency]) + timedelta(days=source.latency_days)
    except (ValueError, OverflowError):  # a year no calendar has, which the checks of the contract report
        return None
    if today <= due:
        return None
    rows = np.flatnonzero((cells == newest).to_numpy())
    return Violation(
        file=table.file,
        line=int(table.line[rows[0]]),
        column=column,
        rule="stale",
        text=(
            f"the last period is {newest!r}; by the contract the figures of {month_label(last[newest] + STEPS[source.frequency])}"
            f" were due on {due}"
        ),
        value=newest,
        count=len(rows),
        fix="fetch the newest edition, or say in the report why it is not used",
        severity="warning",
        contract=f"{source.id} {source.version}",
    )


def _day_after(month: int) -> date:
    """First day after a month counted as 12 x year + month - 1."""
    return date((month + 1) // 12, (month + 1) % 12 + 1, 1)

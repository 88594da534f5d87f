"""Tables of conclusions: the answer, and for synthetic data what was planted beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable
from evaluation.results import Conclusion, Design
from evaluation.synthesis.evidence import POOLED, units_in_window
from evaluation.synthesis.numbers import write_range, write_size
from evaluation.synthesis.phrases import join_words, lower_first, upper_first
from evaluation.synthesis.sentences import people_words, unit_words


def order_conclusions(conclusions: Sequence[Conclusion], design: Design) -> list[Conclusion]:
    """Pooled first, then areas by name; outcomes in the order of the design."""
    rank = {plan.id: n for n, plan in enumerate(design.outcomes)}
    return sorted(conclusions, key=lambda c: (c.area != POOLED, c.area_name.casefold(), c.area, rank.get(c.outcome, len(rank))))


def label_outcome(conclusion: Conclusion, outcome: Outcome) -> str:
    """Name of an outcome in a table, with its label where it is exploratory."""
    return upper_first(outcome.name) + ("" if conclusion.primary else " (exploratory)")


def table_answer(
    conclusions: Sequence[Conclusion], outcomes: Mapping[str, Outcome], *, caption: str, by: str, denominators: bool = True
) -> ReportTable:
    """Verdict, interval and people, one row a conclusion, in the order given.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        Of one area (by ``outcome``) or of one outcome (by ``area``).
    outcomes : mapping of identifier to Outcome
        The outcomes in words.
    caption : str
        Title of the table.
    by : {'outcome', 'area'}
        What the first column names.
    denominators : bool
        Whether the note says of whom the rates are.
    """
    same_unit = len({outcomes[c.outcome].unit_words for c in conclusions}) == 1
    rows = []
    for item in conclusions:
        outcome = outcomes[item.outcome]
        unit = unit_words(outcome)
        interval = write_range(item.interval, unit) if item.interval else NOT_AVAILABLE
        rows.append(
            (
                label_outcome(item, outcome) if by == "outcome" else item.area_name,
                item.verdict,
                interval if same_unit or not item.interval else f"{interval} ({_short_unit(outcome)})",
                write_range(item.people, people_words(outcome)) if item.people else _no_people(item, outcome),
                write_size(item.mde, unit) if item.mde is not None else NOT_AVAILABLE,
                write_size(item.cap, unit) if item.cap is not None else NOT_AVAILABLE,
            )
        )
    measured = f", {outcomes[conclusions[0].outcome].unit_words}" if same_unit else ""
    header = (by.capitalize(), "Verdict", f"Interval{measured}", *_OPTIONAL)
    notes = ["Interval ends are rounded outward."]
    named = sorted({outcomes[c.outcome].denominator for c in conclusions if c.people and outcomes[c.outcome].denominator})
    if named and denominators:
        notes.append(f"People: {join_words(named)}.")
    kept = [n for n, name in enumerate(header) if name not in _OPTIONAL or any(row[n][0] != "[" for row in rows)]
    left_out = [lower_first(name) for n, name in enumerate(header) if n not in kept]
    if left_out:
        notes.append(f"Not established for any row: {join_words(left_out)}.")
    return ReportTable(
        caption=caption,
        header=tuple(header[n] for n in kept),
        rows=tuple(tuple(row[n] for n in kept) for row in rows),
        notes=tuple(notes),
    )


_OPTIONAL = ("In people", "Smallest detectable", "Most the programme could do")
"""Columns that are left out where no row has a value."""


def _short_unit(outcome: Outcome) -> str:
    return {"pp": "pp", "gbp": "£"}.get(outcome.unit, outcome.unit_words)


def _no_people(item: Conclusion, outcome: Outcome) -> str:
    return NOT_AVAILABLE if outcome.unit == "pp" or item.interval is None else NOT_APPLICABLE


def table_planted(
    planted: pd.DataFrame, conclusions: Sequence[Conclusion], design: Design, outcomes: Mapping[str, Outcome]
) -> ReportTable | None:
    """For synthetic data: the difference that was planted beside the interval that was found; None where nothing fits.

    Areas of several authorities show the smallest and the largest planted difference where they are not the same.
    """
    rows = []
    for item in order_conclusions(conclusions, design):
        if item.area == POOLED:
            members = [code for unit in units_in_window(design, item.outcome) for code in unit.members]
        else:
            members = list(design.unit_of(item.area).members)
        mine = planted[planted["area_code"].isin(members) & (planted["outcome"] == item.outcome)]
        effects = [*mine["effect"].astype(float), *([0.0] if mine["area_code"].nunique() < len(members) else [])]
        unit = unit_words(outcomes[item.outcome])
        low, high = min(effects), max(effects)
        rows.append(
            (
                item.area_name,
                upper_first(outcomes[item.outcome].name),
                _planted(low, high, unit.direction),
                write_range(item.interval, unit) if item.interval else NOT_AVAILABLE,
                _holds(item, low, high),
            )
        )
    if not rows:
        return None
    return ReportTable(
        caption="SYNTHETIC data: what was planted beside what was found",
        header=("Area", "Outcome", "Planted", "Interval found", "Covered"),
        rows=tuple(rows),
        notes=(
            "Differences in the outcome's unit.",
            "Covered: whether the planted value lies in the interval.",
            "The planted values were not used in any estimate.",
        ),
    )


def _planted(low: float, high: float, direction: object) -> str:
    def say(value: float) -> str:
        return f"{abs(value):g} {direction(value)}" if value else "0"  # type: ignore[operator]

    return say(low) if low == high else f"from {say(low)} to {say(high)}"


def _holds(item: Conclusion, low: float, high: float) -> str:
    if item.interval is None:
        return NOT_APPLICABLE
    if item.interval.low <= low and high <= item.interval.high:
        return "yes"
    return "no" if high < item.interval.low or low > item.interval.high else "in part"

"""The figure of value for money: break-even differences, interval and smallest detectable difference on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.report.drawing import (
    COMPARISON,
    GRID,
    MUTED,
    TEXT,
    TREATED,
    WIDTH,
    Picture,
    add_axes,
    figure_name,
    name_differences,
)
from evaluation.report.labels import fit_row, wrap_label
from evaluation.report.tables_value import name_area
from evaluation.report.words_value import write_amount, write_effect, write_value
from evaluation.results import BreakEven, ValueForMoney
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import write_interval, write_magnitude, write_size
from evaluation.synthesis.phrases import join_words, lower_first, upper_first
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, LEFT, RIGHT, KEY = 0.44, 1.75, 1.6, 0.2
"""Inches a row, for names, for break-even differences in figures, and for a line of the key."""
ABOVE, BELOW = -0.14, 0.2
"""Where the interval and the break-even differences lie, in rows from the middle of one."""


def figure_value(values: Sequence[ValueForMoney], outcome: Outcome) -> Picture:
    """One row an area: above, what the data allow and what could be seen; below, what would pay for itself.

    Parameters
    ----------
    values : sequence of ValueForMoney
        Of one outcome; those with a break-even difference in the outcome's unit are drawn.
    outcome : Outcome
        The outcome in words.
    """
    rows = [item for item in values if any(found.effect is not None for found in item.break_evens)]
    sizes = [found.effect or 0.0 for item in rows for found in item.break_evens]
    ends = [abs(end) for item in rows if item.interval for end in (item.interval.low, item.interval.high)]
    known = [item.mde for item in rows if item.mde and (item.interval or not ends)]
    reach = 1.08 * max([*sizes, *ends, *known])
    outside = any(item.mde and item.mde > reach for item in rows)
    names = [wrap_label(name_area(item), 23) for item in rows]
    height = 1.1 + 3 * KEY + fit_row(names, ROW) * len(rows)
    sign = -1 if outcome.wanted == "lower" else 1

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=LEFT, right=RIGHT, bottom=0.55 + 3 * KEY, top=0.5)
        axes.grid(visible=False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.axvline(0, color=TEXT, linewidth=1.0, zorder=2)
        for n, item in enumerate(rows):
            _paint_row(axes, n, item, reach, sign)
            if n:
                axes.axhline(n - 0.5, color=MUTED if rows[n - 1].area == POOLED else GRID, linewidth=0.6)
            axes.annotate(
                _write_range_of(item, outcome), (1.0, n), xycoords=("axes fraction", "data"), xytext=(8, 0),
                textcoords="offset points", va="center", ha="left", color=TEXT, fontsize=8.5, annotation_clip=False,
            )  # fmt: skip
        axes.set_yticks(range(len(rows)), names)
        name_differences(axes, outcome)
        axes.annotate(
            "Break-even", (1.0, 1.0), xycoords="axes fraction", xytext=(8, 4), textcoords="offset points", ha="left",
            color=TEXT, fontsize=8.5,
        )  # fmt: skip
        _paint_key(figure, _say_marks(rows))

    data = _data(rows)
    whose = f", {lower_first(name_area(rows[0]))}" if len(rows) == 1 and rows[0].area == POOLED else ""
    caption = f"{upper_first(outcome.name)}{whose}: differences at which benefits equal cost, beside what the data allow"
    notes = [_say_order(rows), *(["Areas stand in alphabetical order: no order of merit."] if len(rows) > 1 else [])]
    if outside:
        notes.append("A smallest detectable difference that is not shown lies outside the picture; the data have it.")
    return Picture(
        name=figure_name("break-even", outcome.id, rows[0].area if len(rows) == 1 else "by-area"),
        paint=paint,
        height=height,
        synthetic=any(item.synthetic for item in rows),
        alt=alt_value(rows, outcome),
        caption=caption,
        data=data,
        columns=tuple(data.columns),
        notes=tuple(notes),
    )


def _found(item: ValueForMoney) -> list[BreakEven]:
    return sorted((found for found in item.break_evens if found.effect is not None), key=lambda found: found.effect or 0.0)


def _write_range_of(item: ValueForMoney, outcome: Outcome) -> str:
    """Smallest to largest break-even difference in figures."""
    sizes = list(dict.fromkeys(write_size(found.effect or 0.0, unit_words(outcome)) for found in _found(item)))
    return sizes[0] if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


_DIAMOND: dict[str, Any] = {
    "linestyle": "none",
    "marker": "d",
    "markersize": 5.5,
    "color": "white",
    "markeredgecolor": TEXT,
}
_TICK: dict[str, Any] = {"linestyle": "none", "marker": "|", "markersize": 9, "markeredgewidth": 1.8, "color": COMPARISON}


def _paint_row(axes: Axes, row: int, item: ValueForMoney, reach: float, sign: int) -> None:
    if item.interval is not None:
        ends = [item.interval.low, item.interval.high]
        axes.plot(ends, [row + ABOVE] * 2, color=TREATED, linewidth=2.6, solid_capstyle="butt", zorder=4)
        for end in ends:
            axes.plot([end, end], [row + ABOVE - 0.1, row + ABOVE + 0.1], color=TREATED, linewidth=1.6, zorder=4)
    if item.mde is not None and item.mde < reach:
        axes.plot([-item.mde, item.mde], [row + ABOVE] * 2, zorder=6, **_DIAMOND)
    sizes = [sign * (found.effect or 0.0) for found in _found(item)]
    axes.plot([sizes[0], sizes[-1]], [row + BELOW] * 2, color=COMPARISON, linewidth=1.4, linestyle=(0, (4, 1, 1, 1)), zorder=4)
    axes.plot(sizes, [row + BELOW] * len(sizes), zorder=5, **_TICK)


def _say_marks(rows: Sequence[ValueForMoney]) -> list[tuple[str, str]]:
    """The marks that occur with their meaning."""
    bases = dict.fromkeys(found.basis for row in rows for found in row.break_evens)
    named = join_words([basis for basis in bases if basis != "published"])
    marks = [("break-even", f"benefits equal cost{f', at {named} values of a person-year' if named else ''}")]
    if any(row.mde is not None for row in rows):
        marks.insert(0, ("detectable", "smallest detectable, either way"))
    if any(row.interval is not None for row in rows):
        marks.insert(0, ("interval", "interval of the estimate"))
    return marks


def _say_order(rows: Sequence[ValueForMoney]) -> str:
    """Which mark belongs to which value."""
    found = {item.id: item for row in rows for item in row.break_evens}
    ordered = [write_amount(item.value_gbp) for item in sorted(found.values(), key=lambda item: -item.value_gbp)]
    if len(ordered) < 2:
        return f"The mark belongs to a value of {ordered[0]} a person-year."
    return f"The marks of one area belong to values of {join_words(ordered)} a person-year, the first of them nearest to zero."


def _paint_key(figure: Figure, marks: Sequence[tuple[str, str]]) -> None:
    """One line a mark below the axis."""
    from matplotlib.lines import Line2D

    height = figure.get_size_inches()[1]
    for n, (mark, text) in enumerate(marks):
        x, y, wide = 0.3 / WIDTH, (0.14 + KEY * (len(marks) - 1 - n)) / height, 0.3 / WIDTH
        if mark == "interval":
            figure.add_artist(Line2D([x, x + wide], [y, y], color=TREATED, linewidth=2.6))
        elif mark == "detectable":
            figure.add_artist(Line2D([x + wide / 2], [y], **_DIAMOND))
        else:
            figure.add_artist(Line2D([x, x + wide], [y, y], color=COMPARISON, linewidth=1.4, linestyle=(0, (4, 1, 1, 1))))
            figure.add_artist(Line2D([x + wide / 4, x + 3 * wide / 4], [y, y], **_TICK))
        figure.text(x + wide + 0.08 / WIDTH, y, text, va="center", fontsize=8.5)


def _data(rows: Sequence[ValueForMoney]) -> pd.DataFrame:
    values = {found.id: found for item in rows for found in item.break_evens}
    columns: dict[str, list[object]] = {
        "area": [name_area(item) for item in rows],
        "low": [item.interval.low if item.interval else None for item in rows],
        "high": [item.interval.high if item.interval else None for item in rows],
        "smallest detectable": [item.mde for item in rows],
    }
    for id, value in sorted(values.items(), key=lambda pair: pair[1].value_gbp):
        mine = [next((found.effect for found in item.break_evens if found.id == id), None) for item in rows]
        columns[f"break-even at {write_value(value)}"] = list(mine)
    return pd.DataFrame(columns)


def alt_value(rows: Sequence[ValueForMoney], outcome: Outcome) -> str:
    """What the picture shows, for readers who do not see it: every area in words."""
    unit, parts = unit_words(outcome), []
    for item in rows:
        said = [f"break-even at {write_effect(found, outcome)} for {write_value(found)} a person-year" for found in _found(item)]
        if item.interval is not None:
            said.append(f"interval {write_interval(item.interval, unit)}")
        if item.mde is not None:
            said.append(f"smallest detectable {write_magnitude(item.mde, unit)}")
        parts.append(f"{name_area(item)}: {', '.join(said)}")
    return f"Differences at which benefits equal cost, marked beside the interval of each estimate. {'. '.join(parts)}."

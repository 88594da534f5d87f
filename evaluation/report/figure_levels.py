"""The raw series: treated areas, comparison areas and the nation, with what sampling alone moves them by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.panel.period_words import write_month, write_the_period
from evaluation.report.drawing import (
    BAND,
    BAND_EDGE,
    COMPARISON,
    COMPARISON_BAND,
    HEIGHT,
    MUTED,
    TREATED,
    Picture,
    add_value_axes,
    figure_name,
    mark_start,
    name_values,
    show_periods,
)
from evaluation.report.labels import label_ends, wrap_label
from evaluation.report.levels import Group, Levels
from evaluation.synthesis.numbers import round_to, write_count
from evaluation.synthesis.phrases import join_words, upper_first

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NORMAL_95 = 1.959964
"""97.5% point of the normal distribution."""


def figure_levels(levels: Levels, outcome: Outcome, *, nations: tuple[str, ...], start: str) -> Picture:
    """The series as published, before any method has touched them.

    Parameters
    ----------
    levels : Levels
        Of all treated areas together.
    outcome : Outcome
        The outcome in words.
    nations : tuple of str
        Those the comparison is within.
    start : str
        First month of the programme in any of the treated areas.
    """
    nation = join_words(nations)
    groups: list[tuple[str, Group, str, object, float]] = [
        ("comparison areas", levels.comparison, COMPARISON, (0, (5, 1.4, 1.2, 1.4)), 1.7),
        ("areas with the programme", levels.treated, TREATED, "-", 2.2),
    ]
    if levels.nation is not None:
        groups.insert(0, (f"all of {nation}", levels.nation, MUTED, (0, (1, 1.2)), 1.6))

    def paint(figure: Figure) -> None:
        axes = add_value_axes(figure, outcome, right=1.4)
        position = np.arange(len(levels.periods))
        for name, group, colour, style, width in groups:
            if group.se is not None and colour != MUTED:
                fill, edge = (BAND, BAND_EDGE) if colour == TREATED else (COMPARISON_BAND, COMPARISON)
                half = NORMAL_95 * group.se
                axes.fill_between(
                    position, group.values - half, group.values + half, facecolor=fill, edgecolor=edge, linewidth=0.4
                )
            axes.plot(position, group.values, color=colour, linewidth=width, linestyle=style, zorder=4 if name else 3)
        show_periods(axes, levels.periods, outcome.window_months)
        mark_start(
            axes, levels.exposure.tolist(), f"first start: {write_month(start)}" if _staggered(levels) else write_start(start)
        )
        ends = [(float(group.values[-1]), wrap_label(name, 17), colour) for name, group, colour, _, _ in groups]
        label_ends(axes, ends)
        name_values(figure, axes, "Pounds" if outcome.unit == "gbp" else upper_first(outcome.level_words))

    columns: dict[str, object] = {"period": levels.periods}
    for name, group, *_ in groups[::-1]:
        columns[name] = group.values
        if group.se is not None:
            half = NORMAL_95 * group.se
            columns |= {f"{name}, low end": group.values - half, f"{name}, high end": group.values + half}
    measured = levels.treated.se is not None
    counted = [f"{group.count:,} {'local authorities' if 'all of' in name else name}" for name, group, *_ in groups[::-1]]
    notes = [f"Means weighted by residents: {join_words(counted)}."]
    if measured:
        notes.append("Bands: 95% sampling intervals; the data have that of the nation, which is narrow.")
    if np.any((levels.exposure > 0) & (levels.exposure < levels.exposure.max())):
        notes.append("Grey shading: figures whose reference window straddles a start.")
    notes.append("The value axis does not start at zero.")
    return Picture(
        name=figure_name("levels", outcome.id, "all"),
        paint=paint,
        height=HEIGHT,
        synthetic=levels.comparison_of.synthetic,
        corner="bottom",
        alt=alt_levels(groups, levels, outcome),
        caption=f"{upper_first(outcome.name)} as published: areas with the programme, comparison areas, and {nation}",
        data=pd.DataFrame(columns),
        columns=tuple(columns),
        notes=tuple(notes),
    )


def write_start(start: str) -> str:
    """The start for a figure."""
    return f"start: {write_month(start)}"


def _staggered(levels: Levels) -> bool:
    made = levels.comparison_of
    return len(set(made.first_treated[made.treated].tolist())) > 1


def alt_levels(groups: list[tuple[str, Group, str, object, float]], levels: Levels, outcome: Outcome) -> str:
    """What the picture shows, for readers who do not see it."""
    first, last = (write_the_period(p, outcome.window_months) for p in (levels.periods[0], levels.periods[-1]))
    ends = [
        f"{name} from {_level(group.values[0], outcome)} to {_level(group.values[-1], outcome)}"
        for name, group, *_ in groups[::-1]
    ]
    text = f"Line chart of {write_count(len(groups))} lines from {first} to {last}: {'; '.join(ends)} {outcome.level_words}."
    if levels.treated.se is not None:
        half = NORMAL_95 * float(np.median(levels.treated.se))
        text += f" Sampling alone moves the line of the areas with the programme by up to {_level(half, outcome)} either way."
    return text


def _level(value: float, outcome: Outcome) -> str:
    digits = 1 if outcome.unit == "pp" else 0
    return f"{'£' if outcome.unit == 'gbp' else ''}{round_to(float(value), digits):,.{digits}f}"

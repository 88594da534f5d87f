"""Could we see it, area by area: a small chart an area, in alphabetical order and to one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.report.drawing import (
    MUTED,
    OTHER,
    TEXT,
    TREATED,
    WIDTH,
    Picture,
    add_axes,
    figure_name,
)
from evaluation.report.intervals import PLAUSIBLE, PLAUSIBLE_EDGE
from evaluation.report.labels import wrap_label
from evaluation.report.tables_power import PERIODS
from evaluation.results import Power
from evaluation.synthesis.numbers import write_magnitude
from evaluation.synthesis.phrases import upper_first
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
PANEL, HEAD = 0.95, 0.55
"""Inches of a chart, and of the name above it."""
LEFT, BETWEEN, BELOW, KEY = 0.45, 0.3, 0.42, 0.28
"""Inches beside the charts, between two of them, below the last row, and of the key."""
ROOM = 1.15
"""Height of the axes over the largest detectable difference."""


def figure_power_areas(powers: Sequence[Power], outcome: Outcome) -> Picture:
    """The smallest detectable difference of each area by length of follow-up, beside what is plausible and what is possible.

    Parameters
    ----------
    powers : sequence of Power
        Of single areas and one outcome; at least one.
    outcome : Outcome
        The outcome in words.
    """
    rows = sorted(powers, key=lambda p: (p.area_name.casefold(), p.area))
    sizes = [point.mde for power in rows for point in power.points if point.mde is not None]
    top = ROOM * max(sizes or [power.plausible or power.cap or 1.0 for power in rows])
    last = max((point.follow_up for power in rows for point in power.points), default=1)
    lines, many = -(-len(rows) // COLUMNS), upper_first(PERIODS[outcome.frequency][1])
    height = lines * (PANEL + HEAD) + BELOW + KEY + 0.25

    def paint(figure: Figure) -> None:
        wide = (WIDTH - LEFT - 0.1 - BETWEEN * (COLUMNS - 1)) / COLUMNS
        for n, power in enumerate(rows):
            row, column = divmod(n, COLUMNS)
            left = LEFT + column * (wide + BETWEEN)
            above = 0.25 + row * (PANEL + HEAD) + HEAD
            axes = add_axes(figure, left=left, right=WIDTH - left - wide, bottom=height - above - PANEL, top=above)
            _paint_area(axes, power, top=top, last=last)
            if column:
                axes.set_yticklabels([])
            if row == lines - 1:
                axes.set_xlabel(f"{many} after the start", loc="left", color=MUTED, fontsize=8)
        figure.text(0.012, 1 - 0.2 / height, f"Difference either way, {outcome.unit_words}", ha="left", va="bottom", color=TEXT)
        _paint_key(figure, height)

    data = pd.DataFrame(
        [
            {
                "area": power.area_name,
                "periods after the start": point.follow_up,
                "smallest detectable": point.mde,
                "most the programme could do": power.cap,
                "thought plausible": power.plausible,
            }
            for power in rows
            for point in power.points
        ]
    )
    beyond = [p.area_name for p in rows if p.cap is not None and p.cap > top]
    return Picture(
        name=figure_name("power", outcome.id, "areas"),
        paint=paint,
        height=height,
        synthetic=any(p.synthetic for p in rows),
        alt=alt_power_areas(rows, outcome),
        caption=f"{upper_first(outcome.name)}: smallest detectable difference by length of follow-up, area by area",
        data=data,
        columns=tuple(data.columns),
        notes=(
            "Areas stand in alphabetical order and to one scale; the dotted line marks the data there are now.",
            *(("Where the most the programme could do is not drawn, it lies above the picture or is not established.",) if beyond
              or any(p.cap is None for p in rows) else ()),
        ),
    )  # fmt: skip


def _paint_area(axes: Axes, power: Power, *, top: float, last: int) -> None:
    known = [(point.follow_up, point.mde) for point in power.points if point.mde is not None]
    axes.set_xlim(0.4, last + 0.6)
    axes.set_ylim(0.0, top)
    if power.plausible is not None:
        axes.axhspan(0.0, min(power.plausible, top), facecolor=PLAUSIBLE, edgecolor=PLAUSIBLE_EDGE, linewidth=0.6, zorder=0.5)
    if power.cap is not None and power.cap <= top:
        axes.axhline(power.cap, color=OTHER, linewidth=1.6, linestyle=(0, (4, 1.6)), zorder=3)
    if 0 < power.available <= last:
        axes.axvline(power.available, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)), zorder=0.8)
    times, sizes = [time for time, _ in known], [size for _, size in known]
    axes.plot(times, sizes, color=TREATED, linewidth=2.0, zorder=4)
    axes.plot(times[-1:], sizes[-1:], "o", color=TREATED, markersize=4, zorder=5)
    axes.set_xticks(sorted({1, (last + 1) // 2, last}))
    axes.tick_params(labelsize=8)
    axes.set_title(wrap_label(power.area_name, 26), loc="left", fontsize=8.5, color=TEXT, pad=3)


def _paint_key(figure: Figure, height: float) -> None:
    """One line below the charts that shows each mark beside its meaning."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    y, wide = 0.12 / height, 0.3 / WIDTH
    marks = ("smallest detectable", "most the programme could do", "thought plausible")
    for x, mark in zip((0.06, 0.33, 0.72), marks, strict=True):
        if mark == "thought plausible":
            figure.add_artist(
                Rectangle(
                    (x, y - 0.05 / height), wide, 0.1 / height, facecolor=PLAUSIBLE, edgecolor=PLAUSIBLE_EDGE, linewidth=0.6
                )
            )
        elif mark == "smallest detectable":
            figure.add_artist(Line2D([x, x + wide], [y, y], color=TREATED, linewidth=2.0))
        else:
            figure.add_artist(Line2D([x, x + wide], [y, y], color=OTHER, linewidth=1.6, linestyle=(0, (4, 1.6))))
        figure.text(x + wide + 0.08 / WIDTH, y, mark, va="center", fontsize=8.5)


def alt_power_areas(powers: Sequence[Power], outcome: Outcome) -> str:
    """What the picture shows, for readers who do not see it: every area in words."""
    unit, parts = unit_words(outcome), []
    for power in powers:
        known = [point for point in power.points if point.mde is not None]
        if known:
            ends = dict.fromkeys(write_magnitude(p.mde or 0.0, unit) for p in (known[0], known[-1]))
            said = " falling to ".join(ends) if (known[-1].mde or 0.0) < (known[0].mde or 0.0) else " to ".join(ends)
        else:
            said = "no value"
        most = f", at most {write_magnitude(power.cap, unit)} by the programme" if power.cap is not None else ""
        parts.append(f"{power.area_name}: {said}{most}")
    many = PERIODS[outcome.frequency][1]
    return f"Small charts of the smallest detectable difference by {many} after the start, one an area. {'. '.join(parts)}."

"""The figure of area and neighbours: two intervals a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.report.drawing import (
    GRID,
    MUTED,
    OTHER,
    TEXT,
    TREATED,
    WIDTH,
    Picture,
    add_axes,
    figure_name,
    name_differences,
)
from evaluation.report.labels import fit_row, wrap_label
from evaluation.report.tables_spillover import name_area
from evaluation.results import Design, Interval, Spillover, SpilloverSide
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.next_door import name_ring
from evaluation.synthesis.numbers import write_range
from evaluation.synthesis.phrases import upper_first
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST = 3.0
"""Multiple of the middle end beyond which an interval is cut."""
ROW, APART = 0.36, 0.17
"""Inches a row, and how far the two intervals of a row stand from its middle."""
LEFT, RIGHT, KEY = 1.75, 1.6, 0.34
"""Inches for names, for what can be said, and for the key."""


def figure_spillover(records: Sequence[Spillover], outcome: Outcome, design: Design) -> Picture:
    """Two intervals an area: its own above, and below it that of the untreated authorities next to it.

    Parameters
    ----------
    records : sequence of Spillover
        Of one outcome, in the order of the rows; those without an estimate next door have no marks.
    outcome : Outcome
        The outcome in words.
    design : Design
        The protocol, for what can be said of each.
    """
    words = [name_ring(record, outcome, design) for record in records]
    sides = [(_shown(record.inside), _shown(record.beside)) for record in records]
    reach, cut = find_reach_of_axis([side.interval for pair in sides for side in pair if side and side.interval])

    names = [wrap_label(name_area(record), 23) for record in records]
    said = [wrap_label(word, 24) for word in words]

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=LEFT, right=RIGHT, bottom=0.55 + KEY, top=0.5)
        axes.grid(visible=False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(len(records) - 0.5, -0.5)
        axes.axvline(0, color=TEXT, linewidth=1.0, zorder=2)
        for row, pair in enumerate(sides):
            for side, beside in zip(pair, (False, True), strict=True):
                if side is not None:
                    _paint_side(axes, row + (APART if beside else -APART), side, reach, beside=beside)
            axes.annotate(
                said[row], (1.0, row), xycoords=("axes fraction", "data"), xytext=(8, 0),
                textcoords="offset points", va="center", ha="left", fontsize=8.5,
                color=TEXT if pair[1] is not None else MUTED, annotation_clip=False,
            )  # fmt: skip
        if records and records[0].area == POOLED and len(records) > 1:
            axes.axhline(0.5, color=MUTED, linewidth=0.6)
        axes.set_yticks(range(len(records)), names)
        name_differences(axes, outcome)
        axes.annotate(
            "Next door:", (1.0, 1), xycoords="axes fraction", xytext=(8, 4), textcoords="offset points", fontsize=8.5,
            color=MUTED, annotation_clip=False,
        )  # fmt: skip
        _paint_key(figure)

    data = pd.DataFrame(
        [
            {
                "area": name_area(record),
                "where": where,
                "estimate": side.att if side else None,
                "low": side.interval.low if side and side.interval else None,
                "high": side.interval.high if side and side.interval else None,
                "local authorities": side.authorities if side else 0,
                "what can be said next door": word,
            }
            for record, pair, word in zip(records, sides, words, strict=True)
            for side, where in zip(pair, ("the area", "next door"), strict=True)
        ]
    )
    return Picture(
        name=figure_name("next-door", outcome.id, ""),
        paint=paint,
        height=1.05 + KEY + fit_row([*names, *said], ROW) * len(records),
        synthetic=any(record.synthetic for record in records),
        alt=alt_spillover(records, outcome, design),
        caption=f"{upper_first(outcome.name)}: each area and the untreated authorities next to it (exploratory)",
        data=data,
        columns=tuple(data.columns),
        notes=(
            "Areas stand in alphabetical order: no order of merit. Sides whose comparison failed a check are left out.",
            *(("An arrow: the interval goes on beyond the picture; the data have its end.",) if cut else ()),
        ),
    )


def _shown(side: SpilloverSide | None) -> SpilloverSide | None:
    """A side that may be reported."""
    return None if side is None or side.interval is None or side.checks_failed else side


def find_reach_of_axis(intervals: Sequence[Interval]) -> tuple[float, bool]:
    """How far the axis reaches on either side, and whether it cuts an interval: one that is far longer sets no scale."""
    ends = sorted((max(abs(item.low), abs(item.high)) for item in intervals), reverse=True)
    if not ends:
        return 1.0, False
    middle = ends[len(ends) // 2]
    kept = [end for end in ends if end <= LONGEST * middle] or ends
    return 1.08 * kept[0], kept[0] < ends[0]


def _paint_side(axes: Axes, at: float, side: SpilloverSide, reach: float, *, beside: bool) -> None:
    assert side.interval is not None
    colour = OTHER if beside else TREATED
    ends = [max(side.interval.low, -reach), min(side.interval.high, reach)]
    # told apart by the line and the mark, not by colour alone
    axes.plot(ends, [at, at], color=colour, linewidth=1.7, linestyle=(0, (4, 1.4)) if beside else "-", zorder=4)
    for end, true, arrow in zip(ends, (side.interval.low, side.interval.high), "<>", strict=True):
        if end == true:
            axes.plot([end, end], [at - 0.1, at + 0.1], color=colour, linewidth=1.4, zorder=4)
        else:
            face = "white" if beside else colour
            axes.plot([end * 0.985], [at], arrow, color=colour, markerfacecolor=face, markersize=5.0, zorder=5)
    if abs(side.att) <= reach:
        face = "white" if beside else colour
        axes.plot([side.att], [at], "o", markerfacecolor=face, markeredgecolor=colour, markersize=4.8, zorder=5)


def _paint_key(figure: Figure) -> None:
    """A line below the axis that shows both marks beside their meaning."""
    from matplotlib.lines import Line2D

    y = 0.13 / figure.get_size_inches()[1]
    for n, (text, colour) in enumerate((("the area", TREATED), ("untreated authorities next to it", OTHER))):
        x, wide = (LEFT + 1.4 * n) / WIDTH, 0.34 / WIDTH
        figure.add_artist(Line2D([x, x + wide], [y, y], color=colour, linewidth=1.7, linestyle="--" if n else "-"))
        face = "white" if n else colour
        figure.add_artist(
            Line2D([x + wide / 2], [y], color=colour, marker="o", markersize=4.8, markerfacecolor=face, markeredgecolor=colour)
        )
        figure.text(x + wide + 0.08 / WIDTH, y, text, va="center", fontsize=8.5)


def alt_spillover(records: Sequence[Spillover], outcome: Outcome, design: Design) -> str:
    """What the picture shows, for readers who do not see it."""
    unit, said = unit_words(outcome), []
    for record in records:
        beside = _shown(record.beside)
        word = name_ring(record, outcome, design)
        ends = f", {write_range(beside.interval, unit)}" if beside and beside.interval else ""
        said.append(f"{name_area(record)}: {word}{ends}.")
    return f"Chart of two intervals for each of {len(records)} areas, its own and its neighbours'. Next door. {' '.join(said)}"

"""The figure of many conclusions: one interval an area, or one an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.report import words
from evaluation.report.answers import label_outcome
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
from evaluation.results import Conclusion
from evaluation.synthesis.numbers import write_magnitude
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CAP = "#F6E3D8"
"""Filling of what the programme could do at most."""
PLAUSIBLE = "#E4EAF0"
"""Filling of the effects thought plausible beforehand."""
PLAUSIBLE_EDGE = "#5F7A93"
ROW = 0.3
"""Inches a row."""
LEFT, RIGHT, KEY = 1.75, 1.6, 0.2
"""Inches for names, for verdicts, and for a line of the key."""


def figure_intervals(
    conclusions: Sequence[Conclusion], outcome: Outcome, *, plausible: float | None = None, name: str = ""
) -> Picture:
    """One interval an area, in alphabetical order below the pooled one, with what could be seen and what the programme could do.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        Of one outcome.
    outcome : Outcome
        The outcome in words.
    plausible : float, optional
        Largest effect thought plausible beforehand, in the outcome's unit; shown as a band around zero.
    name : str
        File name, if not made from the outcome.
    """
    rows = sorted(conclusions, key=lambda c: (c.area != "all", c.area_name.casefold()))
    return _picture(
        rows,
        [c.area_name for c in rows],
        outcome,
        plausible=plausible,
        by="area",
        name=name or figure_name("intervals", outcome.id, "by-area"),
        caption=words.caption_intervals(outcome),
        notes=("Areas stand in alphabetical order: no order of merit.",),
    )


def figure_outcomes(
    conclusions: Sequence[Conclusion], outcomes: Mapping[str, Outcome], *, plausible: float | None = None
) -> Picture:
    """One interval an outcome for one area, in the order given; the outcomes must share a unit.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        Of one area.
    outcomes : mapping of identifier to Outcome
        The outcomes in words.
    plausible : float, optional
        Largest effect thought plausible beforehand, in the outcomes' unit; shown as a band around zero.
    """
    first = conclusions[0]
    return _picture(
        conclusions,
        [label_outcome(c, outcomes[c.outcome]) for c in conclusions],
        outcomes[first.outcome],
        plausible=plausible,
        by="outcome",
        name=figure_name("intervals", outcomes[first.outcome].unit, first.area),
        caption=f"{first.area_name}: what the data allow, by outcome",
    )


def _picture(
    rows: Sequence[Conclusion],
    labels: Sequence[str],
    outcome: Outcome,
    *,
    plausible: float | None,
    by: str,
    name: str,
    caption: str,
    notes: Sequence[str] = (),
) -> Picture:
    """One interval a row, labelled by `labels`; `outcome` gives the unit and `by` says what a row is."""
    intervals = [(c.interval.low, c.interval.high) for c in rows if c.interval]
    # The detectable difference of an area without an estimate may be many times what is of interest: it does not set the scale.
    known = [c.mde for c in rows if c.mde and (c.interval or not intervals)]
    reach = max([abs(end) for pair in intervals for end in pair] + known or [1.0]) * 1.08
    outside = any(c.mde and c.mde > reach for c in rows)
    shown = plausible if plausible is not None and plausible < reach else None
    said = list(notes)
    if outside:
        said.append("A smallest detectable difference that is not shown lies outside the picture; the data have it.")
    if plausible is not None and shown is None:
        size = write_magnitude(plausible, unit_words(outcome))
        said.append(f"The largest effect thought plausible beforehand, {size}, lies outside the picture.")
    marks = _marks(rows, reach, shown)
    names = [wrap_label(label, 23) for label in labels]
    height = 1.1 + KEY * -(-len(marks) // 2) + fit_row(names, ROW) * len(rows)

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=LEFT, right=RIGHT, bottom=0.55 + KEY * -(-len(marks) // 2), top=0.5)
        axes.grid(visible=False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        if shown is not None:
            axes.axvspan(-shown, shown, facecolor=PLAUSIBLE, zorder=0.5, **_PLAUSIBLE_EDGE)
        axes.axvline(0, color=TEXT, linewidth=1.0, zorder=2)
        for n, item in enumerate(rows):
            _paint_interval(axes, n, item, reach)
        if by == "area" and rows and rows[0].area == "all" and len(rows) > 1:
            axes.axhline(0.5, color=MUTED, linewidth=0.6)
        axes.set_yticks(range(len(rows)), names)
        name_differences(axes, outcome)
        _paint_key(figure, marks)

    data = pd.DataFrame(
        {
            by: list(labels),
            "low": [c.interval.low if c.interval else None for c in rows],
            "high": [c.interval.high if c.interval else None for c in rows],
            "best estimate": [c.att for c in rows],
            "smallest detectable": [c.mde for c in rows],
            "largest the programme could make": [c.cap for c in rows],
            "verdict": [c.verdict for c in rows],
        }
    )
    return Picture(
        name=name,
        paint=paint,
        height=height,
        synthetic=any(c.synthetic for c in rows),
        alt=words.alt_intervals(rows, outcome, shown, labels=labels, by=by),
        caption=caption,
        data=data,
        columns=tuple(data.columns),
        notes=tuple(said),
    )


def _paint_interval(axes: Axes, row: int, item: Conclusion, reach: float) -> None:
    if item.cap is not None and item.cap < reach:
        ends = [-item.cap, item.cap]
        axes.fill_between(ends, row - 0.32, row + 0.32, facecolor=CAP, zorder=1, **_CAP_EDGE)
    if item.mde is not None and item.mde < reach:
        axes.plot([-item.mde, item.mde], [row, row], zorder=6, **_DIAMOND)
    if item.interval is not None:
        ends = [item.interval.low, item.interval.high]
        axes.plot(ends, [row, row], color=TREATED, linewidth=2.6, solid_capstyle="butt", zorder=4)
        for end in ends:
            axes.plot([end, end], [row - 0.16, row + 0.16], color=TREATED, linewidth=1.6, zorder=4)
        axes.plot([item.att or 0.0], [row], "o", color=TREATED, markersize=5.4, zorder=5)
    axes.annotate(
        wrap_label(item.verdict, 24), (1.0, row), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
        va="center", ha="left", color=TEXT if item.interval else MUTED, fontsize=8.5, annotation_clip=False,
    )  # fmt: skip


_DIAMOND: dict[str, Any] = {
    "linestyle": "none",
    "marker": "d",
    "markersize": 5.5,
    "color": "white",
    "markeredgecolor": TEXT,
}

_CAP_EDGE: dict[str, Any] = {"edgecolor": OTHER, "linewidth": 0.9, "linestyle": (0, (4, 1.6))}
_PLAUSIBLE_EDGE: dict[str, Any] = {"edgecolor": PLAUSIBLE_EDGE, "linewidth": 0.6}

_MEANING = {
    "interval": "interval and best estimate",
    "detectable": "smallest detectable, either way",
    "plausible": "thought plausible beforehand",
    "cap": "most the programme could do",
}


def _marks(rows: Sequence[Conclusion], reach: float, plausible: float | None) -> list[str]:
    """The marks that occur, in the order of the key."""
    there = {
        "interval": any(c.interval for c in rows),
        "detectable": any(c.mde is not None and c.mde < reach for c in rows),
        "plausible": plausible is not None,
        "cap": any(c.cap is not None and c.cap < reach for c in rows),
    }
    return [mark for mark in _MEANING if there[mark]]


def _paint_key(figure: Figure, marks: Sequence[str]) -> None:
    """Lines below the axis that show each mark beside its meaning, two a line."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    height = figure.get_size_inches()[1]
    lines = -(-len(marks) // 2)
    for n, mark in enumerate(marks):
        x, y = (0.6 + 3.0 * (n % 2)) / WIDTH, (0.14 + KEY * (lines - 1 - n // 2)) / height
        wide = 0.3 / WIDTH
        if mark == "interval":
            figure.add_artist(Line2D([x, x + wide], [y, y], color=TREATED, linewidth=2.6))
            figure.add_artist(Line2D([x + wide / 2], [y], color=TREATED, marker="o", markersize=5.4))
        elif mark == "detectable":
            figure.add_artist(Line2D([x + wide / 2], [y], **_DIAMOND))
        else:
            face, edge = (CAP, _CAP_EDGE) if mark == "cap" else (PLAUSIBLE, _PLAUSIBLE_EDGE)
            figure.add_artist(Rectangle((x, y - 0.06 / height), wide, 0.12 / height, facecolor=face, **edge))
        figure.text(x + wide + 0.08 / WIDTH, y, _MEANING[mark], va="center", fontsize=8.5)

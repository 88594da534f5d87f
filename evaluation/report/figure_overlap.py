"""The overlap matrix: other programmes by area and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from evaluation.contracts.records import Programme
from evaluation.panel.period_words import write_month
from evaluation.panel.periods import month_index
from evaluation.report.drawing import (
    GRID,
    MUTED,
    PLACEBO,
    TALLEST,
    TEXT,
    TREATED,
    Picture,
    add_axes,
    figure_name,
    short_period,
)
from evaluation.report.overlap import Lane
from evaluation.synthesis.phrases import join_words, name_or_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, THICK = 0.165, 0.62
"""Inches a row, and the share of it that a full bar takes."""
LEFT, RIGHT, BELOW, ABOVE = 2.35, 0.75, 0.32, 0.3
"""Inches for names, for counts, and below and above the axes."""


def split_pages(lanes: Sequence[Lane]) -> list[list[Lane]]:
    """Lanes, by programme, in parts of which each is a picture that fits a page; no programme is cut in two.

    There are as few parts as can be, and the tallest of them is as low as it can be.
    """
    groups = [[lane for lane in lanes if lane.programme == id] for id in dict.fromkeys(lane.programme for lane in lanes)]
    parts = _pack(groups, TALLEST)
    spans = [groups[first:last] for first in range(len(groups)) for last in range(first + 1, len(groups) + 1)]
    for height in sorted(_inches([lane for group in span for lane in group]) for span in spans):
        even = _pack(groups, height)
        if len(even) == len(parts):
            return even
    return parts


def _pack(groups: Sequence[Sequence[Lane]], height: float) -> list[list[Lane]]:
    """Parts no taller than `height`, each with as many groups as it takes; a group taller than that has a part of its own."""
    parts: list[list[Lane]] = []
    for group in groups:
        if not parts or _inches([*parts[-1], *group]) > height:
            parts.append([])
        parts[-1] += group
    return parts


def _inches(lanes: Sequence[Lane]) -> float:
    """Height of a picture of lanes: a row each, and a heading a programme."""
    return ABOVE + BELOW + ROW * (len(lanes) + len({lane.programme for lane in lanes}))


def figure_overlap(
    lanes: Sequence[Lane], programmes: Mapping[str, Programme], *, design: str, synthetic: bool = False, part: str = ""
) -> Picture:
    """Bars by programme and area: dark where a start is established, hatched where the programme is there without one.

    Parameters
    ----------
    lanes : sequence of Lane
        At least one, by programme.
    programmes : mapping of id to Programme
        Their names.
    design : str
        Identifier of the study.
    synthetic : bool
        Whether the report rests on synthetic data; the register does not.
    part : str
        Which one of several pictures it is, such as ``1 of 2``.
    """
    rows: list[Lane | str] = []
    for lane in lanes:
        if not rows or _programme(rows[-1]) != lane.programme:
            rows.append(programmes[lane.programme].name)
        rows.append(lane)
    months = lanes[0].months

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=LEFT, right=RIGHT, bottom=BELOW, top=ABOVE)
        axes.grid(visible=False)
        axes.set_xlim(-0.5, len(months) - 0.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks([])
        january = [n for n, month in enumerate(months) if month.endswith("-01")]
        for n in january:
            axes.axvline(n - 0.5, color=GRID, linewidth=0.8, zorder=0)
        step = max(1, -(-len(january) // 5))
        axes.set_xticks([n - 0.5 for n in january[::step]], [short_period(months[n]) for n in january[::step]])
        for row, item in enumerate(rows):
            heading = isinstance(item, str)
            _write(axes, row, item if isinstance(item, str) else item.group.name, heading=heading)
            if isinstance(item, Lane):
                _paint_lane(axes, row, item)

    # Every number drawn, without the months in which nothing changes.
    data = pd.DataFrame([row for lane in lanes for row in _spells(lane, programmes)])
    return Picture(
        name=figure_name("overlap", part.partition(" ")[0], design),
        paint=paint,
        height=_inches(lanes),
        synthetic=synthetic,
        alt=alt_overlap(lanes, programmes),
        caption=f"Other programmes by area and month{f' ({part})' if part else ''}",
        data=data,
        columns=tuple(data.columns),
        notes=(
            "Dark: active, from a start that a source states. Hatched: announced, start not established. Dashed line: no date at "
            "all on record. The height of a bar is the share of the row's authorities that have the programme; at its right, how "
            "many ever had it. Upright line: start of the programme under study, as this analysis takes it. Bars end where the "
            "funding on record does.",
        ),
    )


def _programme(item: Lane | str) -> str:
    return item.programme if isinstance(item, Lane) else ""


def _write(axes: Axes, row: int, text: str, *, heading: bool) -> None:
    axes.annotate(
        text, (0.0, row), xycoords=("axes fraction", "data"), xytext=(-LEFT * 72 + (4 if heading else 12), 0),
        textcoords="offset points", va="center", ha="left", fontsize=8, color=MUTED if heading else TEXT,
        fontweight="bold" if heading else "normal", annotation_clip=False,
    )  # fmt: skip


def _paint_lane(axes: Axes, row: int, lane: Lane) -> None:
    position, floor = np.arange(len(lane.months)), row + THICK / 2
    dark, both = THICK * lane.active, THICK * (lane.active + lane.unknown)
    edges = np.append(position - 0.5, position[-1] + 0.5)
    _fill(axes, edges, floor, np.zeros_like(dark), dark, facecolor=TREATED, edgecolor=TREATED, linewidth=0.4)
    _fill(axes, edges, floor, dark, both, facecolor="white", edgecolor=PLACEBO, linewidth=0.5, hatch="//////")
    if lane.undated.any():
        inside = np.flatnonzero(lane.undated)
        ends = [inside[0] - 0.5, inside[-1] + 0.5]
        axes.plot(ends, [row, row], color=PLACEBO, linewidth=1.2, linestyle=(0, (3, 2)), zorder=2)
    axes.plot([-0.5, len(lane.months) - 0.5], [floor, floor], color=GRID, linewidth=0.5, zorder=1)
    if lane.group.start[:7] in lane.months:
        at = lane.months.index(lane.group.start[:7]) - 0.5
        # White around it, so that it can be told from a dark bar.
        axes.plot([at, at], [row - 0.5, row + 0.5], color="white", linewidth=3.2, zorder=4, solid_capstyle="butt")
        axes.plot([at, at], [row - 0.5, row + 0.5], color=TEXT, linewidth=1.2, zorder=5, solid_capstyle="butt")
    active, unknown, count = lane.counts
    axes.annotate(
        f"{active + unknown} of {count}", (1, row), xycoords=("axes fraction", "data"), xytext=(8, 0), textcoords="offset points",
        va="center", fontsize=8, annotation_clip=False,
    )  # fmt: skip


def _fill(axes: Axes, edges: np.ndarray, floor: float, low: np.ndarray, high: np.ndarray, **style: Any) -> None:
    """Steps between two heights (M,) above `floor`, where they differ."""
    some = high > low
    if some.any():
        bottom, top = floor - np.append(low, low[-1]), floor - np.append(high, high[-1])
        axes.fill_between(edges, bottom, top, where=np.append(some, some[-1]).tolist(), step="post", zorder=3, **style)


def _spells(lane: Lane, programmes: Mapping[str, Programme]) -> list[dict[str, object]]:
    """Runs of months in which the same numbers of members have the programme."""
    active = np.round(lane.active * len(lane.states)).astype(int)
    unknown = np.round((lane.unknown + lane.undated) * len(lane.states)).astype(int)
    changes = [0, *(np.flatnonzero(np.diff(active) | np.diff(unknown)) + 1).tolist(), len(lane.months)]
    return [
        {
            "programme": programmes[lane.programme].name,
            "area": lane.group.name,
            "from": write_month(lane.months[first]),
            "to": write_month(lane.months[end - 1]),
            "authorities where active": int(active[first]),
            "authorities where start not established": int(unknown[first]),
            "authorities": len(lane.states),
        }
        for first, end in pairwise(changes)
        if active[first] or unknown[first]
    ]


def say_since(lane: Lane) -> str:
    """Since when a programme is active in a group, such as ``from April 2025``, or ``start not established``."""
    active, unknown, _ = lane.counts
    if not active:
        return "start not established"
    on = lane.active > 0
    first = lane.months[int(np.argmax(on))]
    since = f"from {write_month(first)}{' or before' if on[0] else ''}"
    last = lane.months[len(on) - 1 - int(np.argmax(on[::-1]))]
    until = "" if on[-1] or month_index(last) >= month_index(lane.months[-1]) else f" to {write_month(last)}"
    return f"{since}{until}" + (f", start not established in {unknown}" if unknown else "")


def alt_overlap(lanes: Sequence[Lane], programmes: Mapping[str, Programme]) -> str:
    """What the picture shows, for readers who do not see it."""
    first, last = write_month(lanes[0].months[0]), write_month(lanes[0].months[-1])
    said = []
    for id in dict.fromkeys(lane.programme for lane in lanes):
        mine = [lane for lane in lanes if lane.programme == id]
        parts: dict[str, list[str]] = {}
        for lane in mine:
            parts.setdefault(say_since(lane), []).append(lane.group.name)
        words = [f"{when} in {join_words(where) if len(where) < 12 else name_or_count(where)}" for when, where in parts.items()]
        said.append(f"{programmes[id].name}: {'; '.join(words)}.")
    return f"Chart of bars, a row for each programme and area, from {first} to {last}. {' '.join(said)}"

"""Figures of the programme itself: when it starts, and where it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from evaluation.contracts.records import Area
from evaluation.panel.period_words import write_month
from evaluation.panel.periods import month_index, month_label
from evaluation.report import words
from evaluation.report.drawing import (
    MANY,
    PLACEBO,
    TEXT,
    TREATED,
    WIDTH,
    Picture,
    add_axes,
    figure_name,
    name_values,
    short_period,
)
from evaluation.report.labels import fit_row, keep_inside, wrap_label
from evaluation.report.tiles import Tiles, place_tiles
from evaluation.results import Design
from evaluation.synthesis.phrases import name_or_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROOM = 1.35
"""Inches of room for names on either side of the tile map."""
LARGEST = 0.2
"""Inches from the middle of a tile to the next, at most."""
TILE = 0.56
"""From the middle of a hexagon to its corners; neighbouring middles lie 1 apart."""
KEY, LETTER, LABEL_LINE = 0.36, 0.075, 0.14
"""Inches: height of the tile map's key, width of its letters, height of a line of a name."""

Status = Literal["treated", "comparison", "excluded", "no data"]


@dataclass(frozen=True, slots=True)
class AreaStatus:
    """What an authority is in a comparison, and why."""

    code: str
    status: Status
    note: str
    """The treated place it belongs to, or the reason for leaving it out."""


def figure_timeline(design: Design, *, synthetic: bool = False) -> Picture:
    """When each area is taken to start: filled where a source states the date, hollow where it is assumed."""
    units = sorted(design.treated, key=lambda u: (u.name.casefold(), u.code))
    months = [month_index(u.start) for u in units]
    many = len(units) > MANY
    names = [wrap_label(u.name, 24) for u in units]
    said = [wrap_label(f"{write_month(u.start)}, {u.start_basis}", 24) for u in units]

    def paint(figure: Figure) -> None:
        if many:
            _paint_start_counts(figure, months)
        else:
            _paint_starts(figure, design, months, names, said)

    if many:
        every = range(min(months), max(months) + 1)
        columns = {"month": [write_month(month_label(m)) for m in every], "areas that start": [months.count(m) for m in every]}
    else:
        columns = {
            "area": [u.name for u in units],
            "start": [write_month(u.start) for u in units],
            "how the start is known": [u.start_basis for u in units],
            "note": [u.start_note for u in units],
        }
    return Picture(
        name=figure_name("timeline", "", design.id),
        paint=paint,
        height=2.6 if many else 0.75 + fit_row([*names, *said], 0.35) * len(units),
        synthetic=synthetic,
        alt=words.alt_timeline(design),
        caption=words.caption_timeline(design),
        data=pd.DataFrame(columns),
        columns=tuple(columns)[:3],
        notes=() if many else ("Filled: a source states the date. Hollow: the date is assumed for this analysis.",),
    )


def _paint_starts(figure: Figure, design: Design, months: list[int], names: list[str], said: list[str]) -> None:
    units = sorted(design.treated, key=lambda u: (u.name.casefold(), u.code))
    axes = add_axes(figure, left=1.8, right=1.95, bottom=0.4, top=0.3)
    first, last = min(months) - 3, max(months) + 3
    axes.set_xlim(first - 0.5, last + 0.5)
    axes.set_ylim(len(units) - 0.5, -0.5)
    axes.set_yticks(range(len(units)), names)
    for n, (unit, month) in enumerate(zip(units, months, strict=True)):
        known = unit.start_basis not in ("assumed", "not established")
        axes.plot([month, last + 0.5], [n, n], color=TREATED, linewidth=1.6, linestyle="-" if known else (0, (3, 2)), zorder=3)
        axes.plot(
            [month],
            [n],
            "o",
            markersize=8,
            markerfacecolor=TREATED if known else "white",
            markeredgecolor=TREATED,
            markeredgewidth=1.6,
            zorder=4,
        )
        axes.annotate(
            said[n], (1, n), xycoords=("axes fraction", "data"), xytext=(8, 0),
            textcoords="offset points", va="center", fontsize=8.5, annotation_clip=False,
        )  # fmt: skip
    step = max(int(np.ceil((last - first) / 2)), 1)
    ticks = list(range(first, last + 1, step))
    axes.set_xticks(ticks, [short_period(month_label(t)) for t in ticks])


def _paint_start_counts(figure: Figure, months: list[int]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes = add_axes(figure, left=0.55, right=0.3, bottom=0.4, top=0.5)
    first, last = min(months), max(months)
    counts = np.bincount(np.asarray(months) - first)
    axes.bar(np.arange(first, last + 1), counts, width=0.8, color=TREATED)
    axes.set_xlim(first - 1, last + 1)
    step = max(int(np.ceil((last - first) / 6)), 1)
    ticks = list(range(first, last + 1, step))
    axes.set_xticks(ticks, [short_period(month_label(t)) for t in ticks])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    name_values(figure, axes, "Number of areas that start in the month")


def figure_tiles(
    areas: Sequence[Area], statuses: Mapping[str, AreaStatus], *, name: str, caption: str, synthetic: bool = False
) -> Picture:
    """A map of hexagons, one an authority: treated, comparison, left out.

    Parameters
    ----------
    areas : sequence of Area
        Those without a centroid are in the table only.
    statuses : mapping of area code to AreaStatus
        Areas without an entry are not shown.
    name, caption : str
        Of the picture.
    synthetic : bool
        Whether the data behind the comparison are synthetic.
    """
    shown = [a for a in areas if a.code in statuses]
    placed = [a for a in shown if a.latitude is not None and a.longitude is not None]
    tiles = place_tiles(np.array([a.latitude for a in placed], dtype=float), np.array([a.longitude for a in placed], dtype=float))
    kinds = [statuses[a.code].status for a in placed]
    span_x, span_y = (np.ptp(tiles.x), np.ptp(tiles.y)) if len(tiles.x) else (1.0, 1.0)
    unit = min((WIDTH - 2 * ROOM) / max(span_x, 1.0), LARGEST)
    height = KEY + (span_y + 2) * unit

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.0, KEY / height, 1.0, 1 - KEY / height))
        axes.set_axis_off()
        axes.set_aspect("equal")
        for status in _STYLES:
            chosen = [n for n, kind in enumerate(kinds) if kind == status]
            _paint_hexagons(axes, tiles.x[chosen], tiles.y[chosen], status)
        if len(tiles.x):
            _label_places(axes, placed, statuses, tiles, unit)
        _paint_tile_key(figure, [s for s in _STYLES if s in kinds])

    counts = {status: sum(1 for a in shown if statuses[a.code].status == status) for status in _STYLES}
    said = ", ".join(f"{count:,} {_MEANING[status]}" for status, count in counts.items() if count)
    unplaced = [a for a in shown if a not in placed]
    nations = {a.nation for a in unplaced}
    of = f" of {nations.pop()}" if len(nations) == 1 else ""
    lost = name_or_count([a.name for a in unplaced], f"authorities{of}, listed in the data")
    data = pd.DataFrame(
        {
            "code": [a.code for a in shown],
            "area": [a.name for a in shown],
            "status": [_MEANING[statuses[a.code].status] for a in shown],
            "place, or reason for leaving it out": [statuses[a.code].note for a in shown],
        }
    ).sort_values(["area", "code"], ignore_index=True)
    places = sorted({statuses[a.code].note for a in placed if statuses[a.code].status == "treated"}, key=str.casefold)
    where = f" The places with the programme are {', '.join(places)}." if 0 < len(places) <= MANY else ""
    return Picture(
        name=name,
        paint=paint,
        height=height,
        synthetic=synthetic,
        alt=f"Map of hexagons, one for each local authority, near where it lies: {said}.{where} The table gives each authority.",
        caption=caption,
        data=data,
        columns=tuple(data.columns),
        notes=("Each hexagon is one local authority; its place is approximate.",)
        + ((f"Not on the map, because their position is not in the register: {lost}.",) if lost else ()),
    )


_MEANING: dict[Status, str] = {
    "treated": "with the programme",
    "comparison": "used for comparison",
    "excluded": "left out",
    "no data": "no data for the window",
}
_STYLES: dict[Status, dict[str, Any]] = {
    "no data": {"facecolor": "white", "edgecolor": PLACEBO, "linewidth": 0.6, "linestyle": (0, (2, 1.4))},
    "excluded": {"facecolor": "white", "edgecolor": PLACEBO, "linewidth": 0.6, "hatch": "/////"},
    "comparison": {"facecolor": "#C7D3DE", "edgecolor": "#6B7C8C", "linewidth": 0.6},
    "treated": {"facecolor": TREATED, "edgecolor": "white", "linewidth": 0.6},
}


def _hexagon(x: float, y: float) -> np.ndarray:
    angle = np.radians(np.arange(30, 390, 60))
    return np.column_stack((x + TILE * np.cos(angle), y + TILE * np.sin(angle)))


def _paint_hexagons(axes: Axes, x: np.ndarray, y: np.ndarray, status: Status) -> None:
    from matplotlib.collections import PolyCollection

    if len(x):
        axes.add_collection(PolyCollection([_hexagon(a, b) for a, b in zip(x, y, strict=True)], **_STYLES[status]))


def _label_places(axes: Axes, areas: Sequence[Area], statuses: Mapping[str, AreaStatus], tiles: Tiles, unit: float) -> None:
    """Names of the treated places beside the map, each with a thin line to its hexagons; a tile is `unit` inches wide."""
    x, y, low, high = tiles.x, tiles.y, tiles.x.min(), tiles.x.max()
    beside = (WIDTH / unit - (high - low)) / 2
    axes.set_xlim(low - beside, high + beside)
    axes.set_ylim(y.min() - 1, y.max() + 1)
    groups: dict[str, list[int]] = {}
    for n, area in enumerate(areas):
        if statuses[area.code].status == "treated":
            groups.setdefault(statuses[area.code].note, []).append(n)
    if len(groups) > MANY:
        return
    for side in ("left", "right"):
        middle = (low + high) / 2
        mine = [(g, ns) for g, ns in groups.items() if (x[ns].mean() < middle) == (side == "left")]
        mine.sort(key=lambda pair: y[pair[1]].mean())
        texts = [wrap_label(place, 15) for place, _ in mine]
        gaps = [(LABEL_LINE * (text.count("\n") + 1) + 0.05) / unit for text in texts]
        heights = [float(y[members].mean()) for _, members in mine]
        keep_inside(heights, gaps, y.min() - 1, y.max() + 1)
        for text, at, (_, members) in zip(texts, heights, mine, strict=True):
            # The member nearest the label carries the line.
            near = min(members, key=lambda n: (x[n] if side == "left" else -x[n], y[n]))
            edge = low - 1.6 if side == "left" else high + 2.0
            start, centre = np.array([edge, at]), np.array([x[near], y[near]])
            end = centre + TILE * (start - centre) / np.hypot(*(start - centre))
            # White around it, so that it can be told from dark hexagons it crosses.
            for colour, width in (("white", 2.4), (TEXT, 0.8)):
                axes.plot([start[0], end[0]], [start[1], end[1]], color=colour, linewidth=width, zorder=4)
            aside, to = (-0.3, "right") if side == "left" else (0.3, "left")
            axes.text(edge + aside, at, text, ha=to, va="center", fontsize=8.5)


def _paint_tile_key(figure: Figure, statuses: Sequence[Status]) -> None:
    # The axes of the key count in tiles of the size of a line of text.
    unit = KEY / 2
    axes = figure.add_axes((0.0, 0.0, 1.0, KEY / figure.get_size_inches()[1]))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH / unit)
    axes.set_ylim(-1, 1)
    x = 0.7
    for status in reversed(statuses):
        _paint_hexagons(axes, np.array([x]), np.array([0.0]), status)
        axes.text(x + 0.8, 0.0, _MEANING[status], va="center", fontsize=8.5)
        x += (0.3 + LETTER * len(_MEANING[status])) / unit

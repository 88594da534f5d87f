"""The forest chart of a pooled summary: each place as estimated beside the same drawn towards the mean."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

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
from evaluation.results import Interval, PlaceEffect, Pool
from evaluation.synthesis.numbers import write_count, write_interval, write_level
from evaluation.synthesis.phrases import upper_first
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, KEY = 0.36, 0.2
"""Inches a row, and a line of the key."""
LEFT, RIGHT = 1.75, 0.25
"""Inches for names, and beside the axes."""
APART = 0.16
"""Share of a row by which the two intervals of a place lie apart."""
TOGETHER = "Mean of the places"
FURTHER = "A further place"


def raw_interval(place: PlaceEffect, level: float) -> Interval:
    """Interval of a place on its own, from the standard error that pooling uses."""
    half = NormalDist().inv_cdf(1 - level / 2) * place.se
    return Interval(low=place.att - half, high=place.att + half)


def figure_pool(pool: Pool, outcome: Outcome) -> Picture:
    """Places in alphabetical order, each on its own and partly pooled; then the mean, and where a further place would lie."""
    rows = [
        (place.name, raw_interval(place, pool.level), place.interval)
        for place in sorted(pool.places, key=lambda p: p.name.casefold())
    ]
    below = [(TOGETHER, pool.interval)] + ([(FURTHER, pool.prediction)] if pool.prediction else [])
    # Where a further place would lie says little with few places, and can be very wide: it does not set the scale.
    ends = [end for _, raw, shrunk in rows for pair in (raw, shrunk) for end in (pair.low, pair.high)]
    reach = max(map(abs, (*ends, pool.interval.low, pool.interval.high))) * 1.08
    names = [wrap_label(name, 23) for name in (*(name for name, _, _ in rows), *(name for name, _ in below))]
    height = 1.1 + KEY * 2 + fit_row(names, ROW) * len(names)

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=LEFT, right=RIGHT, bottom=0.55 + KEY * 2, top=0.5)
        axes.grid(visible=False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.axvline(0, color=TEXT, linewidth=1.0, zorder=2)
        for n, (_, raw, shrunk) in enumerate(rows):
            _paint_ends(axes, n - APART, raw, reach, pooled=False)
            _paint_ends(axes, n + APART, shrunk, reach, pooled=True)
        axes.axhline(len(rows) - 0.5, color=MUTED, linewidth=0.6)
        for n, (name, interval) in enumerate(below, len(rows)):
            _paint_ends(axes, n, interval, reach, pooled=True, point=name == TOGETHER)
        axes.set_yticks(range(len(names)), names)
        name_differences(axes, outcome)
        _paint_key(figure)

    notes = ["Places stand in alphabetical order: no order of merit."]
    if pool.prediction and max(abs(pool.prediction.low), abs(pool.prediction.high)) > reach:
        notes.append("The range of a further place leaves the picture; the data have its ends.")
    notes.append(pool.note)
    return Picture(
        name=figure_name("pool", outcome.id, "all", pool.estimator),
        paint=paint,
        height=height,
        synthetic=pool.synthetic,
        alt=alt_pool(pool, outcome),
        caption=f"{upper_first(outcome.name)}: each place on its own and partly pooled",
        data=frame_pool(pool),
        columns=("place", "on its own, low", "on its own, high", "partly pooled, low", "partly pooled, high"),
        notes=tuple(filter(None, notes)),
    )


def frame_pool(pool: Pool) -> pd.DataFrame:
    """Every number drawn, one row a place, then the mean and a further place."""
    rows: list[dict[str, object]] = []
    for place in sorted(pool.places, key=lambda p: p.name.casefold()):
        raw = raw_interval(place, pool.level)
        rows.append(
            {
                "place": place.name,
                "on its own": place.att,
                "on its own, low": raw.low,
                "on its own, high": raw.high,
                "standard error": place.se,
                "weight": place.weight,
                "partly pooled": place.pooled,
                "partly pooled, low": place.interval.low,
                "partly pooled, high": place.interval.high,
            }
        )
    together = {"place": TOGETHER, "partly pooled": pool.mean}
    rows.append({**together, "partly pooled, low": pool.interval.low, "partly pooled, high": pool.interval.high})
    if pool.prediction:
        rows.append({"place": FURTHER, "partly pooled, low": pool.prediction.low, "partly pooled, high": pool.prediction.high})
    return pd.DataFrame(rows)


def alt_pool(pool: Pool, outcome: Outcome) -> str:
    """Alternative text of the forest chart: every interval in words."""
    unit = unit_words(outcome)
    parts = [
        f"{place.name}: on its own {write_interval(raw_interval(place, pool.level), unit)}, partly pooled "
        f"{write_interval(place.interval, unit)}"
        for place in sorted(pool.places, key=lambda p: p.name.casefold())
    ]
    further = f" A further place would lie {write_interval(pool.prediction, unit)}." if pool.prediction else ""
    return (
        f"Chart of two {write_level(pool.level)} intervals for each of {write_count(len(pool.places))} places, with a line at "
        f"zero. {'. '.join(parts)}. The mean of the places is {write_interval(pool.interval, unit)}.{further}"
    )


_LINE: dict[bool, dict[str, Any]] = {
    False: {"color": OTHER, "linewidth": 1.4, "linestyle": (0, (3, 1.4))},
    True: {"color": TREATED, "linewidth": 2.4, "linestyle": "-"},
}
_POINT: dict[bool, dict[str, Any]] = {
    False: {"marker": "o", "markersize": 4.8, "color": OTHER, "markerfacecolor": "white", "zorder": 5},
    True: {"marker": "o", "markersize": 4.8, "color": TREATED, "zorder": 5},
}
_MEANING = (
    (False, "the place on its own"),
    (True, "drawn towards the mean by as much as its noise asks for; below the line, the mean"),
)


def _paint_ends(axes: Axes, row: float, interval: Interval, reach: float, *, pooled: bool, point: bool = True) -> None:
    """One interval, cut off at the ends of the picture, and its middle."""
    axes.plot([max(interval.low, -reach), min(interval.high, reach)], [row, row], **_LINE[pooled])
    if point:
        axes.plot([(interval.low + interval.high) / 2], [row], **_POINT[pooled])


def _paint_key(figure: Figure) -> None:
    """Two lines below the axis that show both kinds of interval beside their meaning."""
    from matplotlib.lines import Line2D

    height = figure.get_size_inches()[1]
    for n, (pooled, text) in enumerate(_MEANING):
        x, y = 0.3 / WIDTH, (0.14 + KEY * (1 - n)) / height
        figure.add_artist(Line2D([x, x + 0.3 / WIDTH], [y, y], **_LINE[pooled]))
        figure.add_artist(Line2D([x + 0.15 / WIDTH], [y], **_POINT[pooled]))
        figure.text(x + 0.38 / WIDTH, y, text, va="center", fontsize=8.5)

"""Figures of an area profile: an outcome over time, similar areas with their intervals, programmes by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.contracts.disclosure import COUNTED
from evaluation.contracts.records import Outcome
from evaluation.panel.period_words import write_month, write_period
from evaluation.report import profile_words as words
from evaluation.report.counts import count_outcome
from evaluation.report.drawing import (
    BAND,
    BAND_EDGE,
    COMPARISON,
    GRID,
    HEIGHT,
    MUTED,
    PLACEBO,
    TEXT,
    TREATED,
    Picture,
    add_axes,
    add_value_axes,
    figure_name,
    name_values,
    short_period,
    show_periods,
)
from evaluation.report.labels import fit_row, label_ends, wrap_label
from evaluation.report.profile_tables import programme_months, state_in
from evaluation.results import AreaLevel, Presence, Profile
from evaluation.synthesis.phrases import upper_first

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DASHES = (0, (5, 1.4, 1.2, 1.4))
DOTS = (0, (1, 1.2))
ROW, LEFT, RIGHT = 0.27, 2.55, 0.35
"""Inches a row of the charts with rows, and for the names beside them."""


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


# ---------------------------------------------------------------- over time


def figure_outcome(profile: Profile, outcome: Outcome) -> Picture:
    """An outcome as published: the area with its sampling interval, the nation, similar areas; needs a figure of the area."""
    level = next(item for item in [*profile.levels, *(r.level for r in profile.reasons if r.level)] if item.outcome == outcome.id)
    series = level.series
    if series is None:
        raise ValueError(f"{outcome.id} has no figure for {profile.area}")
    area, low, high = _numbers(series.area), _numbers(series.low), _numbers(series.high)
    lines: list[tuple[str, np.ndarray, str, object, float]] = [
        (f"{profile.comparison}, mean", _numbers(series.nation), MUTED, DOTS, 1.6),
        ("similar areas, mean", _numbers(series.similar), COMPARISON, DASHES, 1.7),
        (profile.area_name, area, TREATED, "-", 2.2),
    ]
    lines = [line for line in lines if np.isfinite(line[1]).any()]
    apart = _apart(level, series.periods, outcome)

    def paint(figure: Figure) -> None:
        axes = add_value_axes(figure, outcome, right=1.45)
        position = np.arange(len(series.periods))
        if np.isfinite(low).any():
            axes.fill_between(position, low, high, facecolor=BAND, edgecolor=BAND_EDGE, linewidth=0.4)
        for name, values, colour, style, width in lines:
            above = 4 if name == profile.area_name else 3
            axes.plot(position, values, color=colour, linewidth=width, linestyle=style, zorder=above)
        dots = apart if apart else [n for n in range(len(area)) if _alone(area, n)]
        axes.plot(position[dots], area[dots], "o", color=TREATED, markersize=4.5, linestyle="none", zorder=5)
        show_periods(axes, series.periods, outcome.window_months)
        if outcome.unit in COUNTED:
            axes.set_ylim(bottom=0)
        ends = [(float(v[np.isfinite(v)][-1]), wrap_label(name, 18), colour) for name, v, colour, _, _ in lines]
        label_ends(axes, ends)
        name_values(figure, axes, "Pounds a year" if outcome.unit == "gbp" else upper_first(outcome.level_words))

    columns: dict[str, object] = {"period": series.periods, profile.area_name: area}
    if np.isfinite(low).any():
        columns |= {"low end": low, "high end": high}
    columns |= {name: values for name, values, *_ in lines[::-1] if name != profile.area_name}
    return Picture(
        name=figure_name("profile", outcome.id, profile.area),
        paint=paint,
        height=HEIGHT,
        synthetic=profile.synthetic,
        corner="bottom",
        alt=alt_outcome(profile, level, outcome, lines),
        caption=f"{upper_first(outcome.name)} in {profile.area_name}, as published",
        data=pd.DataFrame(columns),
        columns=tuple(columns),
        notes=tuple(_notes(level, outcome, apart, banded=bool(np.isfinite(low).any()))),
        counts=count_outcome(outcome, labels=("period",), columns=(profile.area_name,), about=profile.area_name),
    )


def _alone(values: np.ndarray, n: int) -> bool:
    """Whether a figure has no neighbour, so that no line shows it."""
    beside = [m for m in (n - 1, n + 1) if 0 <= m < len(values)]
    return bool(np.isfinite(values[n])) and not any(np.isfinite(values[m]) for m in beside)


def _apart(level: AreaLevel, periods: Sequence[str], outcome: Outcome) -> list[int]:
    """Positions of figures whose windows share no month, counted back from the latest; none for figures that never share one."""
    step = outcome.window_months // {"annual": 12, "quarterly": 3, "monthly": 1}[outcome.frequency]
    if step <= 1 or level.series is None:
        return []
    latest = periods.index(level.period)
    return [n for n in range(latest, -1, -step) if level.series.area[n] is not None][::-1]


def _notes(level: AreaLevel, outcome: Outcome, apart: Sequence[int], *, banded: bool) -> list[str]:
    notes = []
    if banded:
        notes.append("Band: 95% sampling interval of the area.")
    elif level.sampled:
        notes.append("A survey figure whose sampling error is not published.")
    if apart:
        notes.append("Dots: figures that share no month with each other.")
    if level.nation is not None and not level.weighted and outcome.unit not in COUNTED:
        notes.append("In the means every authority counts the same.")
    return notes if outcome.unit in COUNTED else [*notes, "The value axis does not start at zero."]


def alt_outcome(
    profile: Profile, level: AreaLevel, outcome: Outcome, lines: Sequence[tuple[str, np.ndarray, str, object, float]]
) -> str:
    """What the picture shows, for readers who do not see it."""
    parts, periods = [], level.series.periods if level.series else ()
    for name, values, *_ in lines[::-1]:
        there = np.flatnonzero(np.isfinite(values))
        first, last = (write_period(periods[there[at]], outcome.window_months) for at in (0, -1))
        start, end = (words.write_value(float(values[there[at]]), outcome) for at in (0, -1))
        parts.append(f"{name} {end} in {last}" if first == last else f"{name} from {start} in {first} to {end} in {last}")
    text = f"Line chart of the {outcome.name}: {'; '.join(parts)}."
    if level.interval is not None:
        text += f" The sampling interval of the latest figure runs from {words.write_limits(level.interval, outcome)}."
    return text


# ---------------------------------------------------------------- similar areas


def figure_similar(profile: Profile, outcome: Outcome) -> Picture | None:
    """The area and its similar areas with their intervals, and the nation's mean; None without similar areas with a figure."""
    level = next(item for item in profile.levels if item.outcome == outcome.id)
    shown = [area for area in profile.similar.areas if area.value is not None]
    if not shown or level.value is None:
        return None
    names = [profile.area_name, *(area.name for area in shown)]
    values = _numbers([level.value, *(area.value for area in shown)])
    intervals = [level.interval, *(area.interval for area in shown)]
    wrapped = [wrap_label(name, 22) for name in names]
    inches = 0.96 + fit_row(wrapped, ROW) * len(names)
    low = _numbers([None if i is None else i.low for i in intervals])
    high = _numbers([None if i is None else i.high for i in intervals])

    def paint(figure: Figure) -> None:
        from matplotlib.ticker import MaxNLocator

        axes = add_axes(figure, left=1.9, right=0.35, bottom=0.34, top=0.62)
        axes.grid(visible=False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.set_ylim(len(names) - 0.5, -0.7)
        axes.set_yticks(range(len(names)), wrapped)
        axes.get_yticklabels()[0].set_fontweight("bold")
        for n in range(len(names)):
            colour = TREATED if n == 0 else COMPARISON
            axes.plot([low[n], high[n]], [n, n], color=colour, linewidth=2.6 if n == 0 else 1.6, zorder=3)
            face = colour if n == 0 else "white"
            axes.plot(
                values[n], n, "o" if n == 0 else "s", color=colour, markerfacecolor=face, markersize=7 if n == 0 else 6, zorder=4
            )
        if level.nation is not None:
            axes.axvline(level.nation, color=TEXT, linewidth=1.1, linestyle=(0, (3, 2)), zorder=2)
            axes.annotate(
                f"mean of {profile.comparison}", (level.nation, 1.0), xycoords=("data", "axes fraction"), xytext=(4, 3),
                textcoords="offset points", ha="left", va="bottom", fontsize=8.5, annotation_clip=False,
            )  # fmt: skip
        title = f"{upper_first(outcome.level_words)}, {write_period(level.period, outcome.window_months)}"
        figure.text(0.012, 1 - 0.1 / inches, title, ha="left", va="top", color=TEXT)

    data = pd.DataFrame({"area": names, outcome.name: values, "low end": low, "high end": high})
    said = "; ".join(
        f"{name} {words.write_value(value, outcome)}"
        + ("" if interval is None else f" ({words.write_limits(interval, outcome)})")
        for name, value, interval in zip(names, values.tolist(), intervals, strict=True)
    )
    mean = "" if level.nation is None else f" A dashed line marks the mean of {profile.comparison}, "
    mean += "" if level.nation is None else f"{words.write_value(level.nation, outcome)}."
    sampled = ("Lines: 95% sampling intervals.",) if level.interval is not None else ()
    return Picture(
        name=figure_name("profile-similar", outcome.id, profile.area),
        paint=paint,
        height=inches,
        synthetic=profile.synthetic,
        alt=f"Chart of one interval for each area, {profile.area_name} first: {said}.{mean}",
        caption=f"{upper_first(outcome.name)} in {profile.area_name} and in similar areas",
        data=data,
        columns=tuple(data.columns),
        notes=("Similar areas in the order of their distance, the nearest first; not ranked by the figure.", *sampled),
        counts=count_outcome(outcome, labels=("area",), columns=(outcome.name,), about=level.period),
    )


# ---------------------------------------------------------------- programmes


def figure_programmes(profile: Profile, outcomes: Mapping[str, Outcome]) -> Picture | None:
    """Programmes on record by month; None where none has a date."""
    months = programme_months(profile, outcomes)
    if not months:
        return None
    rows = words.merge_presences(profile)
    names = [f"{item.name}{_where(item, profile)}" for item in rows]
    wrapped = [wrap_label(name, 40) for name in names]
    heights = [max(1, text.count("\n") + 1) for text in wrapped]
    top = np.concatenate([[0.0], np.cumsum([0.75 + 0.5 * lines for lines in heights])])
    middle = (top[:-1] + top[1:]) / 2
    # The mark of synthetic data stands above the bars.
    above = 0.4 if profile.synthetic else 0.15

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=LEFT, right=RIGHT, bottom=0.34, top=above)
        axes.grid(visible=False)
        axes.set_xlim(-0.5, len(months) - 0.5)
        axes.set_ylim(top[-1], 0)
        axes.set_yticks([])
        january = [n for n, month in enumerate(months) if month.endswith("-01")]
        for n in january:
            axes.axvline(n - 0.5, color=GRID, linewidth=0.8, zorder=0)
        step = max(1, -(-len(january) // 5))
        axes.set_xticks([n - 0.5 for n in january[::step]], [short_period(months[n]) for n in january[::step]])
        for item, text, at in zip(rows, wrapped, middle, strict=True):
            axes.annotate(
                text, (0.0, at), xycoords=("axes fraction", "data"), xytext=(-LEFT * 72 + 4, 0), textcoords="offset points",
                va="center", ha="left", fontsize=8, annotation_clip=False,
            )  # fmt: skip
            _paint_row(axes, item, months, float(at))

    data = pd.DataFrame(
        {
            "programme": [item.name for item in rows],
            "place": [item.place for item in rows],
            "start": [words.say_since(item) for item in rows],
            "funded to": [write_month(item.until) if item.until else None for item in rows],
            "how the start is known": [item.start_basis for item in rows],
            "authorities": [f"{len(item.authorities)} of {len(profile.members)}" for item in rows],
        }
    )
    first, last = write_month(months[0]), write_month(months[-1])
    return Picture(
        name=figure_name("profile-programmes", "", profile.area),
        paint=paint,
        height=0.34 + above + 0.24 * float(top[-1]),
        synthetic=profile.synthetic,
        alt=f"Chart of bars, a row for each programme, from {first} to {last}. "
        + ". ".join(words.say_presence(item, profile) for item in rows)
        + ".",
        caption=f"Programmes on record in {profile.area_name}, by month",
        data=data,
        columns=tuple(data.columns),
        notes=(
            "Dark: from a start that a source states. Hatched: announced or funded, start not established. Dashed line: on "
            "record without a date. Bars end where the funding on record does; without an end on record they go on.",
            *(("The programmes are from the register, and real; the other figures are not.",) if profile.synthetic else ()),
        ),
    )


def _where(item: Presence, profile: Profile) -> str:
    """The place in brackets where it is not the area itself, and how much of the area has the programme."""
    parts = [item.place] if item.place != profile.area_name else []
    some = words.count_members(item, profile)
    return f" ({', '.join([*parts, *([some] if some else [])])})" if parts or some else ""


def _paint_row(axes: Axes, item: Presence, months: Sequence[str], at: float) -> None:
    if item.state == "no date":
        axes.plot([-0.5, len(months) - 0.5], [at, at], color=PLACEBO, linewidth=1.4, linestyle=(0, (3, 2)), zorder=2)
        return
    first = replace(item, since=item.since[:7])
    inside = [n for n, month in enumerate(months) if state_in(first, month) != "none"]
    if not inside:
        return
    known = item.state == "active"
    axes.barh(
        at, inside[-1] - inside[0] + 1, left=inside[0] - 0.5, height=0.62, facecolor=TREATED if known else "white",
        edgecolor=TREATED if known else PLACEBO, linewidth=0.6, hatch=None if known else "//////", zorder=3,
    )  # fmt: skip

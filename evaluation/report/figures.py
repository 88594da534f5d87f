"""The figures of the report: pure functions from findings to pictures.

Every figure comes as a `Picture`: the SVG with its alternative text, its caption, and the numbers drawn. Nothing is kept between
calls, and the same finding gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from evaluation.contracts.records import Area, Outcome
from evaluation.panel.periods import month_index, month_label
from evaluation.report import words
from evaluation.report.drawing import (
    BAND,
    BAND_EDGE,
    GRID,
    MUTED,
    OTHER,
    PLACEBO,
    TEXT,
    TREATED,
    WIDTH,
    Picture,
    add_axes,
    draw,
    label_ends,
    mark_start,
    mark_zero,
    name_values,
    short_period,
    show_periods,
)
from evaluation.report.tiles import place_tiles
from evaluation.results import Conclusion, Design, Finding
from evaluation.synthesis.numbers import write_month
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NORMAL_95 = 1.959964
"""97.5% point of the normal distribution, for the band of sampling error."""
QUANTILE_REPS = 40
"""Placebo lines from which 2.5% and 97.5% quantiles mean something; below it the band spans all lines."""
ROOM = 9.0
"""Tiles of room for names on either side of the tile map."""
KEY = 0.4
"""Height of the tile map's key, in inches."""
MANY = 30
"""Areas above which a figure shows counts instead of names."""

Status = Literal["treated", "comparison", "excluded", "no data"]


@dataclass(frozen=True, slots=True)
class AreaStatus:
    """What an authority is in a comparison, and why."""

    code: str
    status: Status
    note: str
    """The treated place it belongs to, or the reason for leaving it out."""


def figure_name(kind: str, outcome: str, area: str, estimator: str = "") -> str:
    """File name of a figure; the parts make it unique in a book."""
    return "-".join(part.replace("_", "-").lower() for part in (kind, outcome, area, estimator) if part)


# ---------------------------------------------------------------- one finding


def figure_series(finding: Finding, outcome: Outcome) -> Picture:
    """The treated series beside what is estimated without the programme, with the band of sampling error where it is known."""
    series = finding.estimate.series
    observed, counterfactual = np.asarray(series.observed), np.asarray(series.counterfactual)
    error = None if series.observed_se is None else NORMAL_95 * np.asarray(series.observed_se)

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=0.55, right=1.35, bottom=0.62, top=0.58)
        position = np.arange(len(series.periods))
        if error is not None:
            axes.fill_between(position, observed - error, observed + error, facecolor=BAND, edgecolor=BAND_EDGE, linewidth=0.6)
        axes.plot(position, counterfactual, color=OTHER, linewidth=1.8, linestyle=(0, (4, 1.6)), zorder=3)
        axes.plot(position, observed, color=TREATED, linewidth=2.2, zorder=4)
        _mark_ends(axes, position, observed, TREATED)
        show_periods(axes, series.periods, outcome.window_months)
        mark_start(axes, series.exposure, words.write_start(finding))
        labels = [(observed[-1], "observed", TREATED), (counterfactual[-1], "without the\nprogramme\n(estimated)", OTHER)]
        label_ends(axes, labels, at=position[-1])
        name_values(figure, axes, _level_axis(outcome))

    columns = {
        "period": series.periods,
        "observed": observed,
        "estimated without the programme": counterfactual,
        "difference": observed - counterfactual,
        "share of window after the start": series.exposure,
    }
    notes = ["Grey shading: figures whose reference window straddles the start."] if _straddles(finding) else []
    if error is not None:
        columns |= {"observed, low end": observed - error, "observed, high end": observed + error}
        notes.insert(0, "The blue band is the 95% sampling interval of the observed figures.")
    notes.append("The value axis does not start at zero.")
    return Picture(
        name=figure_name("series", finding.outcome, finding.area, finding.estimator),
        svg=draw(paint, height=3.6, synthetic=finding.synthetic),
        alt=words.alt_series(finding, outcome),
        caption=words.caption_series(finding, outcome),
        data=pd.DataFrame(columns),
        columns=tuple(columns)[:4],
        notes=tuple(notes),
    )


def figure_gap(finding: Finding, outcome: Outcome) -> Picture:
    """Observed minus estimated by period, in front of the same for areas without the programme."""
    series = finding.estimate.series
    gap = np.subtract(series.observed, series.counterfactual)
    placebos = _placebo_gaps(finding)

    def paint(figure: Figure) -> None:
        from matplotlib.collections import LineCollection

        axes = add_axes(figure, left=0.55, right=1.35, bottom=0.62, top=0.58)
        position = np.arange(len(gap))
        labels = [(float(gap[-1]), words.place_of(finding), TREATED)]
        if placebos is not None:
            lines = [np.column_stack((position, row)) for row in placebos]
            axes.add_collection(LineCollection(lines, colors=PLACEBO, linewidths=0.45, zorder=2))
            axes.update_datalim(np.column_stack((np.tile(position, len(placebos)), placebos.ravel())))
            labels.append((_far_end(placebos[:, -1], gap[-1]), "areas without\nthe programme", MUTED))
        axes.plot(position, gap, color="white", linewidth=4.2, zorder=3)
        axes.plot(position, gap, color=TREATED, linewidth=2.4, zorder=4)
        _mark_ends(axes, position, gap, TREATED)
        axes.autoscale_view()
        show_periods(axes, series.periods, outcome.window_months)
        mark_zero(axes)
        mark_start(axes, series.exposure, words.write_start(finding))
        label_ends(axes, [(value, _wrap(text), colour) for value, text, colour in labels], at=position[-1])
        name_values(figure, axes, _difference_axis(outcome))

    columns: dict[str, object] = {"period": series.periods, "difference": gap, "share of window after the start": series.exposure}
    notes = [_below_zero(outcome)]
    if placebos is not None:
        low, high = _pointwise(placebos)
        which = "2.5% and 97.5% points" if len(placebos) >= QUANTILE_REPS else "lowest and highest"
        columns |= {"areas without the programme, low": low, "areas without the programme, high": high}
        columns |= {f"placebo {n + 1}": row for n, row in enumerate(placebos)}
        notes.append(
            f"Grey: {len(placebos):,} areas without the programme, treated as if they had it. In the table: their {which}."
        )
    return Picture(
        name=figure_name("gap", finding.outcome, finding.area, finding.estimator),
        svg=draw(paint, height=3.6, synthetic=finding.synthetic),
        alt=words.alt_gap(finding, outcome, placebos),
        caption=words.caption_gap(finding, outcome),
        data=pd.DataFrame(columns),
        columns=tuple(c for c in columns if not c.startswith("placebo ")),
        notes=tuple(notes),
    )


def figure_event_study(finding: Finding, outcome: Outcome) -> Picture:
    """Differences by time since the start, with bands of what is usual in areas without the programme.

    The bands come from the placebo areas, where every area starts in one month and the lines are kept: pointwise 95%, and a wider
    one that 95% of the placebo areas never leave. With starts in different months there are no bands; hollow points then rest on
    part of the areas.
    """
    path = sorted(finding.estimate.path, key=lambda p: p.event_time)
    times, att = np.array([p.event_time for p in path]), np.array([p.att for p in path])
    partly = np.array([p.n_areas < finding.n_treated for p in path])
    bands = _event_bands(finding, times)

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=0.55, right=1.35 if bands is not None else 0.3, bottom=0.62, top=0.58)
        if bands is not None:
            axes.fill_between(times, bands.outer_low, bands.outer_high, facecolor="#EDEDED", edgecolor=PLACEBO, linewidth=0.6)
            axes.fill_between(times, bands.low, bands.high, facecolor="#D2D2D2", edgecolor="#757575", linewidth=0.6)
        mark_zero(axes)
        axes.plot(times, att, color=TREATED, linewidth=1.4, zorder=3)
        axes.plot(times[~partly], att[~partly], "o", color=TREATED, markersize=4.6, zorder=4)
        axes.plot(times[partly], att[partly], "o", markerfacecolor="white", markeredgecolor=TREATED, markersize=4.6, zorder=4)
        said = "start in each area" if _staggered(finding) else words.write_start(finding)
        axes.axvline(-0.5, color=TEXT, linewidth=1.0, linestyle=(0, (2, 2)), zorder=2.4)
        axes.annotate(
            said, (-0.5, 1.0), xycoords=("data", "axes fraction"), xytext=(-4, 3),
            textcoords="offset points", ha="right", va="bottom", fontsize=8.5, annotation_clip=False,
        )  # fmt: skip
        axes.set_xlim(times[0] - 0.6, times[-1] + 0.6)
        step = max(int(np.ceil(len(times) / 10)), 1)
        ticks = [t for t in times if t % step == 0]
        axes.set_xticks(ticks, [f"{t}".replace("-", "−") for t in ticks])
        first = "the first figure that touches the programme"
        axes.set_xlabel(f"{words.write_axis_period(outcome)} since {first} (0)", loc="left", color=MUTED)
        labels = [(float(att[-1]), _wrap(words.place_of(finding)), TREATED)]
        if bands is not None:
            edge = bands.outer_high[-1] if att[-1] <= 0 else bands.outer_low[-1]
            labels.append((float(edge), "usual without\nthe programme", MUTED))
            label_ends(axes, labels, at=times[-1])
        name_values(figure, axes, _difference_axis(outcome))

    columns: dict[str, object] = {"time since the start": times, "difference": att, "areas": [p.n_areas for p in path]}
    notes = [_below_zero(outcome)]
    if bands is not None:
        columns |= {
            "usual, low": bands.low,
            "usual, high": bands.high,
            "usual over all periods, low": bands.outer_low,
            "usual over all periods, high": bands.outer_high,
        }
        notes.append(bands.note)
    if partly.any():
        notes.append("Hollow points rest on part of the areas.")
    return Picture(
        name=figure_name("event-study", finding.outcome, finding.area, finding.estimator),
        svg=draw(paint, height=3.6, synthetic=finding.synthetic),
        alt=words.alt_event_study(finding, outcome, band=bands is not None),
        caption=words.caption_event_study(finding, outcome),
        data=pd.DataFrame(columns),
        columns=tuple(columns),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Bands:
    """What is usual in placebo areas by event time, arrays (len(times),)."""

    low: np.ndarray
    high: np.ndarray
    outer_low: np.ndarray
    outer_high: np.ndarray
    note: str


def _event_bands(finding: Finding, times: np.ndarray) -> _Bands | None:
    placebos, series = _placebo_gaps(finding), finding.estimate.series
    touched = np.flatnonzero(np.asarray(series.exposure) > 0)
    if placebos is None or not touched.size or _staggered(finding):
        return None
    where = times + touched[0]
    if where[0] < 0 or where[-1] >= placebos.shape[1]:
        return None
    gaps = placebos[:, where]
    low, high = _pointwise(gaps)
    if len(gaps) < QUANTILE_REPS:
        note = f"Grey band: the range of all {len(gaps)} areas without the programme."
        return _Bands(low, high, low, high, note)
    centre, scale = np.median(gaps, axis=0), np.maximum(gaps.std(axis=0), 1e-12)
    reach = np.quantile(np.abs((gaps - centre) / scale).max(axis=1), 0.95)
    note = (
        f"Dark grey: the range that holds 95% of {len(gaps):,} areas without the programme in each period. "
        "Light grey: the range that 95% of them never leave."
    )
    outer_low, outer_high = np.minimum(centre - reach * scale, low), np.maximum(centre + reach * scale, high)
    return _Bands(low, high, outer_low, outer_high, note)


def _staggered(finding: Finding) -> bool:
    return len(set(finding.start.split(" to "))) > 1


def _placebo_gaps(finding: Finding) -> np.ndarray | None:
    """Gaps of placebo areas (D, T) of the deciding inference, or None."""
    for inference in finding.inferences:
        if inference.decides and inference.placebo_gaps:
            return np.asarray(inference.placebo_gaps, dtype=float)
    return None


def _pointwise(gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ends = (0.025, 0.975) if len(gaps) >= QUANTILE_REPS else (0.0, 1.0)
    low, high = np.quantile(gaps, ends, axis=0)
    return low, high


def _mark_ends(axes: Axes, position: np.ndarray, values: np.ndarray, colour: str) -> None:
    axes.plot(position[-1:], values[-1:], "o", color=colour, markersize=4.6, zorder=5)


def _straddles(finding: Finding) -> bool:
    top = max(finding.estimate.series.exposure)
    return any(0 < share < top for share in finding.estimate.series.exposure)


def _far_end(values: np.ndarray, away_from: float) -> float:
    """A typical end of the placebo lines on the side of zero where the treated line is not."""
    return float(np.quantile(values, 0.9 if away_from <= 0 else 0.1))


def _wrap(text: str, width: int = 15) -> str:
    from textwrap import wrap

    return text if "\n" in text else "\n".join(wrap(text, width)) or text


def _level_axis(outcome: Outcome) -> str:
    return "Pounds" if outcome.unit == "gbp" else words.upper_first(outcome.level_words)


def _difference_axis(outcome: Outcome) -> str:
    return f"Difference, {outcome.unit_words}"


def _below_zero(outcome: Outcome) -> str:
    lower = unit_words(outcome).lower
    return f"Below zero: {lower} than it would have been without the programme."


# ---------------------------------------------------------------- many conclusions


def figure_intervals(conclusions: Sequence[Conclusion], outcome: Outcome, *, name: str = "") -> Picture:
    """One interval an area, in alphabetical order below the pooled one, with what could be seen and what the programme could do.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        Of one outcome.
    outcome : Outcome
        The outcome in words.
    name : str
        File name, if not made from the outcome.
    """
    rows = sorted(conclusions, key=lambda c: (c.area != "all", c.area_name.casefold()))
    intervals = [(c.interval.low, c.interval.high) for c in rows if c.interval]
    reach = max([abs(end) for pair in intervals for end in pair] + [c.mde for c in rows if c.mde] or [1.0]) * 1.08
    height = 1.65 + 0.34 * len(rows)

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=1.95, right=1.75, bottom=0.95, top=0.5)
        axes.grid(visible=False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.axvline(0, color=TEXT, linewidth=1.0, zorder=2)
        for n, item in enumerate(rows):
            _paint_interval(axes, n, item, reach)
        if rows and rows[0].area == "all" and len(rows) > 1:
            axes.axhline(0.5, color=MUTED, linewidth=0.6)
        axes.set_yticks(range(len(rows)), [_wrap(c.area_name, 26) for c in rows])
        axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        axes.set_xlabel(_difference_axis(outcome), color=TEXT)
        unit = unit_words(outcome)
        for at, text, side in ((-0.02, f"← {unit.lower}", "right"), (0.02, f"{unit.higher} →", "left")):
            axes.annotate(
                text,
                (0, 1),
                xycoords=("data", "axes fraction"),
                xytext=(at * 200, 4),
                textcoords="offset points",
                ha=side,
                color=TEXT,
            )
        _paint_key(figure)

    columns = pd.DataFrame(
        {
            "area": [c.area_name for c in rows],
            "low": [c.interval.low if c.interval else None for c in rows],
            "high": [c.interval.high if c.interval else None for c in rows],
            "best estimate": [c.att for c in rows],
            "smallest detectable": [c.mde for c in rows],
            "largest the programme could make": [c.cap for c in rows],
            "verdict": [c.verdict for c in rows],
        }
    )
    return Picture(
        name=name or figure_name("intervals", outcome.id, "by-area"),
        svg=draw(paint, height=height, synthetic=any(c.synthetic for c in rows)),
        alt=words.alt_intervals(rows, outcome),
        caption=words.caption_intervals(outcome),
        data=columns,
        columns=tuple(columns.columns),
        notes=("No order of merit: areas stand in alphabetical order.",),
    )


def _paint_interval(axes: Axes, row: int, item: Conclusion, reach: float) -> None:
    if item.cap is not None and item.cap < reach:
        axes.fill_between(
            [-item.cap, item.cap], row - 0.32, row + 0.32, facecolor="#F6E3D8", edgecolor=OTHER, linewidth=0.8, zorder=1
        )
    if item.mde is not None:
        axes.plot(
            [-item.mde, item.mde],
            [row, row],
            linestyle="none",
            marker="d",
            markersize=5.5,
            color="white",
            markeredgecolor=TEXT,
            zorder=6,
        )
    if item.interval is not None:
        axes.plot(
            [item.interval.low, item.interval.high], [row, row], color=TREATED, linewidth=2.6, solid_capstyle="butt", zorder=4
        )
        for end in (item.interval.low, item.interval.high):
            axes.plot([end, end], [row - 0.16, row + 0.16], color=TREATED, linewidth=1.6, zorder=4)
        axes.plot([item.att or 0.0], [row], "o", color=TREATED, markersize=5.4, zorder=5)
    axes.annotate(
        _wrap(item.verdict, 24), (1.0, row), xycoords=("axes fraction", "data"), xytext=(10, 0), textcoords="offset points",
        va="center", ha="left", color=TEXT if item.interval else MUTED, fontsize=8.5, annotation_clip=False,
    )  # fmt: skip


def _paint_key(figure: Figure) -> None:
    """A line below the axis that shows each mark beside its meaning."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    height = figure.get_size_inches()[1]
    y = 0.2 / height
    figure.add_artist(Line2D([0.03, 0.075], [y, y], color=TREATED, linewidth=2.6))
    figure.add_artist(Line2D([0.0525], [y], color=TREATED, marker="o", markersize=5.4))
    figure.text(0.085, y, "interval and best estimate", va="center", fontsize=8.5)
    figure.add_artist(Line2D([0.372], [y], color="white", marker="d", markersize=5.5, markeredgecolor=TEXT))
    figure.text(0.388, y, "smallest detectable", va="center", fontsize=8.5)
    patch = Rectangle((0.617, y - 0.06 / height), 0.03, 0.12 / height, facecolor="#F6E3D8", edgecolor=OTHER, linewidth=0.8)
    figure.add_artist(patch)
    figure.text(0.655, y, "what the programme could do at most", va="center", fontsize=8.5)


# ---------------------------------------------------------------- the programme


def figure_timeline(design: Design, *, synthetic: bool = False) -> Picture:
    """When each area is taken to start: filled where a source states the date, hollow where it is assumed."""
    units = sorted(design.treated, key=lambda u: (u.name.casefold(), u.code))
    months = [month_index(u.start) for u in units]
    many = len(units) > MANY

    def paint(figure: Figure) -> None:
        if many:
            _paint_start_counts(figure, months)
        else:
            _paint_starts(figure, design, months)

    data = pd.DataFrame(
        {
            "area": [u.name for u in units],
            "start": [write_month(u.start) for u in units],
            "how the start is known": [u.start_basis for u in units],
            "note": [u.start_note for u in units],
        }
    )
    return Picture(
        name=figure_name("timeline", "", design.id),
        svg=draw(paint, height=3.2 if many else 1.2 + 0.34 * len(units), synthetic=synthetic),
        alt=words.alt_timeline(design),
        caption=words.caption_timeline(design),
        data=data,
        columns=("area", "start", "how the start is known"),
        notes=() if many else ("Filled: a source states the date. Hollow: the date is assumed for this analysis.",),
    )


def _paint_starts(figure: Figure, design: Design, months: list[int]) -> None:
    units = sorted(design.treated, key=lambda u: (u.name.casefold(), u.code))
    axes = add_axes(figure, left=2.05, right=2.25, bottom=0.5, top=0.35)
    first, last = min(months) - 3, max(months) + 3
    axes.set_xlim(first - 0.5, last + 0.5)
    axes.set_ylim(len(units) - 0.5, -0.5)
    axes.set_yticks(range(len(units)), [_wrap(u.name, 30) for u in units])
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
            f"{write_month(unit.start)}, {unit.start_basis}", (1, n), xycoords=("axes fraction", "data"), xytext=(8, 0),
            textcoords="offset points", va="center", fontsize=8.5, annotation_clip=False,
        )  # fmt: skip
    step = max(int(np.ceil((last - first) / 3)), 1)
    ticks = list(range(first, last + 1, step))
    axes.set_xticks(ticks, [short_period(month_label(t)) for t in ticks])


def _paint_start_counts(figure: Figure, months: list[int]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes = add_axes(figure, left=0.55, right=0.3, bottom=0.5, top=0.5)
    first, last = min(months), max(months)
    counts = np.bincount(np.asarray(months) - first)
    axes.bar(np.arange(first, last + 1), counts, width=0.8, color=TREATED)
    axes.set_xlim(first - 1, last + 1)
    step = max(int(np.ceil((last - first) / 6)), 1)
    ticks = list(range(first, last + 1, step))
    axes.set_xticks(ticks, [short_period(month_label(t)) for t in ticks])
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
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
    height = KEY + (span_y + 2) * WIDTH / (span_x + 2 * ROOM)

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0.0, KEY / height, 1.0, 1 - KEY / height))
        axes.set_axis_off()
        axes.set_aspect("equal")
        for status in _STYLES:
            chosen = [n for n, kind in enumerate(kinds) if kind == status]
            _paint_hexagons(axes, tiles.x[chosen], tiles.y[chosen], status)
        if len(tiles.x):
            _label_places(axes, placed, statuses, tiles.x, tiles.y)
        _paint_tile_key(figure, [s for s in _STYLES if s in kinds])

    counts = {status: sum(1 for a in shown if statuses[a.code].status == status) for status in _STYLES}
    said = ", ".join(f"{count:,} {_MEANING[status]}" for status, count in counts.items() if count)
    lost = [a.name for a in shown if a not in placed]
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
        svg=draw(paint, height=height, synthetic=synthetic),
        alt=f"Map of hexagons, one for each local authority, near where it lies: {said}.{where} The table gives each authority.",
        caption=caption,
        data=data,
        columns=tuple(data.columns),
        notes=("Each hexagon is one local authority; its place is approximate.",)
        + ((f"Not on the map, because their position is not in the register: {', '.join(lost)}.",) if lost else ()),
    )


_MEANING: dict[Status, str] = {
    "treated": "with the programme",
    "comparison": "used for comparison",
    "excluded": "left out",
    "no data": "without data for the whole window",
}
_STYLES: dict[Status, dict[str, Any]] = {
    "no data": {"facecolor": "white", "edgecolor": "#B5B5B5", "linewidth": 0.6},
    "excluded": {"facecolor": "white", "edgecolor": PLACEBO, "linewidth": 0.6, "hatch": "/////"},
    "comparison": {"facecolor": "#C7D3DE", "edgecolor": "#6B7C8C", "linewidth": 0.6},
    "treated": {"facecolor": TREATED, "edgecolor": "white", "linewidth": 0.6},
}


def _hexagon(x: float, y: float, size: float = 0.56) -> np.ndarray:
    angle = np.radians(np.arange(30, 390, 60))
    return np.column_stack((x + size * np.cos(angle), y + size * np.sin(angle)))


def _paint_hexagons(axes: Axes, x: np.ndarray, y: np.ndarray, status: Status) -> None:
    from matplotlib.collections import PolyCollection

    if len(x):
        axes.add_collection(PolyCollection([_hexagon(a, b) for a, b in zip(x, y, strict=True)], **_STYLES[status]))


def _label_places(axes: Axes, areas: Sequence[Area], statuses: Mapping[str, AreaStatus], x: np.ndarray, y: np.ndarray) -> None:
    """Names of the treated places beside the map, each with a thin line to its hexagons."""
    low, high = x.min(), x.max()
    axes.set_xlim(low - ROOM, high + ROOM)
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
        previous = -np.inf
        for place, members in mine:
            # The member nearest the label carries the line.
            near = min(members, key=lambda n: (x[n] if side == "left" else -x[n], y[n]))
            at = max(y[members].mean(), previous + 1.5)
            previous = at
            edge = low - 1.6 if side == "left" else high + 2.0
            axes.plot([edge, x[near]], [at, y[near]], color=TEXT, linewidth=0.7, zorder=4)
            axes.text(
                edge + (-0.3 if side == "left" else 0.3),
                at,
                _wrap(place, 16),
                ha="right" if side == "left" else "left",
                va="center",
                fontsize=8.5,
            )


def _paint_tile_key(figure: Figure, statuses: Sequence[Status]) -> None:
    axes = figure.add_axes((0.0, 0.0, 1.0, KEY / figure.get_size_inches()[1]))
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(0, 40)
    axes.set_ylim(-1, 1)
    x = 1.0
    for status in reversed(statuses):
        _paint_hexagons(axes, np.array([x]), np.array([0.0]), status)
        axes.text(x + 0.9, 0.0, _MEANING[status], va="center", fontsize=8.5)
        x += 2.6 + 0.36 * len(_MEANING[status])


__all__ = [
    "WIDTH",
    "AreaStatus",
    "Picture",
    "figure_event_study",
    "figure_gap",
    "figure_intervals",
    "figure_series",
    "figure_tiles",
    "figure_timeline",
]

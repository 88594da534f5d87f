"""The figures of one finding: pure functions from a finding to a picture.

Every figure comes as a `Picture`: how it is drawn, its alternative text, its caption, and the numbers drawn. Nothing is kept
between calls, and the same finding gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.report import words
from evaluation.report.drawing import (
    BAND,
    BAND_EDGE,
    BOTTOM,
    HEIGHT,
    MUTED,
    OTHER,
    PLACEBO,
    TEXT,
    TOP,
    TREATED,
    Picture,
    add_axes,
    figure_name,
    label_ends,
    mark_start,
    mark_zero,
    name_start,
    name_values,
    show_periods,
    wrap_label,
)
from evaluation.results import Band, Finding
from evaluation.synthesis.numbers import write_level
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NORMAL_95 = 1.959964
"""97.5% point of the normal distribution, for the band of sampling error."""
PANEL = 1.85
"""Inches a chart of two."""
QUANTILE_REPS = 40
"""Placebo lines from which 2.5% and 97.5% quantiles mean something; below it the band spans all lines."""


def figure_series(finding: Finding, outcome: Outcome) -> Picture:
    """The treated series beside what is estimated without the programme, with the band of sampling error where it is known."""
    series = finding.estimate.series
    observed, counterfactual = np.asarray(series.observed), np.asarray(series.counterfactual)
    error = None if series.observed_se is None else NORMAL_95 * np.asarray(series.observed_se)

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=0.5, right=1.25, bottom=BOTTOM, top=TOP)
        position = np.arange(len(series.periods))
        if error is not None:
            axes.fill_between(position, observed - error, observed + error, facecolor=BAND, edgecolor=BAND_EDGE, linewidth=0.6)
        axes.plot(position, counterfactual, color=OTHER, linewidth=1.8, linestyle=(0, (4, 1.6)), zorder=5)
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
    notes = [f"Estimated by {finding.family}."]
    if error is not None:
        columns |= {"observed, low end": observed - error, "observed, high end": observed + error}
        notes.append("Blue band: 95% sampling interval of the observed figures.")
    if _straddles(finding):
        notes.append("Grey shading: figures whose reference window straddles the start.")
    notes.append("The value axis does not start at zero.")
    return Picture(
        name=figure_name("series", finding.outcome, finding.area, finding.estimator),
        paint=paint,
        height=HEIGHT,
        synthetic=finding.synthetic,
        corner="bottom",
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
        axes = add_axes(figure, left=0.5, right=1.25, bottom=BOTTOM, top=TOP)
        position = np.arange(len(gap))
        labels = [(float(gap[-1]), words.place_of(finding), TREATED)]
        if placebos is not None:
            axes.plot(*_join_lines(position, placebos), color=PLACEBO, linewidth=0.45, zorder=2)
            labels.append((_far_end(placebos[:, -1], gap[-1]), "areas without\nthe programme", MUTED))
        axes.plot(position, gap, color="white", linewidth=4.2, zorder=3)
        axes.plot(position, gap, color=TREATED, linewidth=2.4, zorder=4)
        _mark_ends(axes, position, gap, TREATED)
        axes.autoscale_view()
        show_periods(axes, series.periods, outcome.window_months)
        mark_zero(axes)
        mark_start(axes, series.exposure, words.write_start(finding))
        label_ends(axes, [(value, wrap_label(text), colour) for value, text, colour in labels], at=position[-1])
        name_values(figure, axes, _difference_axis(outcome))

    columns: dict[str, object] = {"period": series.periods, "difference": gap, "share of window after the start": series.exposure}
    notes = [_below_zero(finding, outcome)]
    if placebos is not None:
        low, high = _pointwise(placebos)
        which = "2.5% and 97.5% points" if len(placebos) >= QUANTILE_REPS else "lowest and highest"
        columns |= {"areas without the programme, low": low, "areas without the programme, high": high}
        columns |= {f"placebo {n + 1}": row for n, row in enumerate(placebos)}
        notes.append(
            f"Grey: {len(placebos):,} areas without the programme, treated as if they had it. In the data: their {which}."
        )
    return Picture(
        name=figure_name("gap", finding.outcome, finding.area, finding.estimator),
        paint=paint,
        height=HEIGHT,
        synthetic=finding.synthetic,
        corner="bottom",
        alt=words.alt_gap(finding, outcome, placebos),
        caption=words.caption_gap(finding, outcome),
        data=pd.DataFrame(columns),
        columns=tuple(c for c in columns if not c.startswith("placebo ")),
        notes=tuple(notes),
    )


def figure_comparison(finding: Finding, outcome: Outcome) -> Picture:
    """The treated series above, its difference below, over the same periods."""
    series, gap = figure_series(finding, outcome), figure_gap(finding, outcome)

    def paint(figure: Figure) -> None:
        upper, lower = figure.subfigures(2, 1)  # type: ignore[misc]
        series.paint(upper)
        gap.paint(lower)

    columns = dict.fromkeys((*series.columns, *gap.columns))
    data = pd.concat([series.data, gap.data.drop(columns=list(series.data.columns), errors="ignore")], axis=1)
    repeated = gap.notes[0].partition(". ")[2]
    return Picture(
        name=figure_name("comparison", finding.outcome, finding.area, finding.estimator),
        paint=paint,
        height=2 * PANEL,
        synthetic=finding.synthetic,
        corner="bottom",
        alt=f"Two charts over the same periods. Above: {series.alt} Below: {gap.alt}",
        caption=words.caption_comparison(finding, outcome),
        data=data,
        columns=tuple(columns),
        notes=(*series.notes, repeated, *gap.notes[1:]),
    )


def figure_event_study(finding: Finding, outcome: Outcome) -> Picture:
    """Differences by time since the start, with a band for all periods at once where inference gives one.

    A bar at each point is then the range for that period alone, from inference or from the placebo areas where their lines are
    kept. Without such a band the picture shows what is usual in areas without the programme: pointwise 95%, and a wider band that
    95% of them never leave. With starts in different months there are no placebo lines; hollow points then rest on part of the
    areas.
    """
    path = sorted(finding.estimate.path, key=lambda p: p.event_time)
    times, att = np.array([p.event_time for p in path]), np.array([p.att for p in path])
    partly = np.array([p.n_areas < finding.n_treated for p in path])
    bands, all_at_once = _event_bands(finding, times), _simultaneous(finding, times)
    alone = _pointwise_ends(finding, times)
    if alone is None and bands is not None and all_at_once is not None:
        # An effect lies in its range where it differs from what was found by no more than areas without the programme show.
        alone = att - bands.high, att - bands.low
    usual = bands if all_at_once is None else None

    def paint(figure: Figure) -> None:
        axes = add_axes(
            figure, left=0.5, right=1.25 if bands is not None or all_at_once is not None else 0.2, bottom=BOTTOM, top=TOP
        )
        if usual is not None:
            axes.fill_between(times, usual.outer_low, usual.outer_high, facecolor="#EDEDED", edgecolor=PLACEBO, linewidth=0.6)
            axes.fill_between(times, usual.low, usual.high, facecolor="#D2D2D2", edgecolor="#757575", linewidth=0.6)
        if all_at_once is not None:
            axes.fill_between(times, *all_at_once, facecolor=BAND, edgecolor=BAND_EDGE, linewidth=0.6)
        if alone is not None:
            axes.vlines(times, *alone, color=TREATED, linewidth=0.9, zorder=3)
        mark_zero(axes)
        axes.plot(times, att, color=TREATED, linewidth=1.4, zorder=3)
        axes.plot(times[~partly], att[~partly], "o", color=TREATED, markersize=4.6, zorder=4)
        axes.plot(times[partly], att[partly], "o", markerfacecolor="white", markeredgecolor=TREATED, markersize=4.6, zorder=4)
        said = "start in each area" if _staggered(finding) else words.write_start(finding)
        axes.axvline(-0.5, color=TEXT, linewidth=1.0, linestyle=(0, (2, 2)), zorder=2.4)
        axes.set_xlim(times[0] - 0.6, times[-1] + 0.6)
        name_start(axes, -0.5, said)
        step = max(int(np.ceil(len(times) / 10)), 1)
        ticks = [t for t in times if t % step == 0]
        axes.set_xticks(ticks, [f"{t}".replace("-", "−") for t in ticks])
        first = "the first figure that touches the programme"
        axes.set_xlabel(f"{words.write_axis_period(outcome)} since {first} (0)", loc="left", color=MUTED)
        labels = [(float(att[-1]), wrap_label(words.place_of(finding)), TREATED)]
        if usual is not None:
            edge = usual.outer_high[-1] if att[-1] <= 0 else usual.outer_low[-1]
            labels.append((float(edge), "usual without\nthe programme", MUTED))
        if all_at_once is not None and np.isfinite(all_at_once[1][-1]):
            labels.append((float(all_at_once[1][-1]), "range, all\nperiods at once", MUTED))
        if len(labels) > 1:
            label_ends(axes, labels, at=times[-1])
        name_values(figure, axes, _difference_axis(outcome))

    columns: dict[str, object] = {"time since the start": times, "difference": att, "areas": [p.n_areas for p in path]}
    notes = [_below_zero(finding, outcome)]
    if usual is not None:
        columns |= {
            "usual, low": usual.low,
            "usual, high": usual.high,
            "usual over all periods, low": usual.outer_low,
            "usual over all periods, high": usual.outer_high,
        }
        notes.append(usual.note)
    if all_at_once is not None:
        columns |= {"all periods at once, low": all_at_once[0], "all periods at once, high": all_at_once[1]}
        notes.append(f"Band: the ranges of all periods hold at once, at the {write_level(_level(finding))} level.")
    if alone is not None:
        columns |= {"period alone, low": alone[0], "period alone, high": alone[1]}
        notes.append("Bars: the range for each period alone.")
    if partly.any():
        notes.append("Hollow points rest on part of the areas.")
    return Picture(
        name=figure_name("event-study", finding.outcome, finding.area, finding.estimator),
        paint=paint,
        height=HEIGHT,
        synthetic=finding.synthetic,
        corner="bottom",
        alt=words.alt_event_study(finding, outcome, band=usual is not None, all_at_once=all_at_once, bars=alone is not None),
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


def _simultaneous(finding: Finding, times: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Ends (len(times),) of the band of the deciding inference that holds for all periods at once; nan where it has none."""
    return next((_ends(i.bands, times) for i in finding.inferences if i.decides and i.bands), None)


def _pointwise_ends(finding: Finding, times: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Ends (len(times),) of the range for each period alone, of the deciding inference; nan where it has none."""
    return next((_ends(i.pointwise, times) for i in finding.inferences if i.decides and i.pointwise), None)


def _ends(bands: Sequence[Band], times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Low and high ends (len(times),) at each event time; nan where there is no band."""
    ends = {band.event_time: (band.low, band.high) for band in bands}
    low, high = np.array([ends.get(int(time), (np.nan, np.nan)) for time in times]).T
    return low, high


def _level(finding: Finding) -> float:
    return next(i.level for i in finding.inferences if i.decides)


def _staggered(finding: Finding) -> bool:
    return len(set(finding.start.split(" to "))) > 1


def _placebo_gaps(finding: Finding) -> np.ndarray | None:
    """Gaps of placebo areas (D, T) of the deciding inference, or None."""
    for inference in finding.inferences:
        if inference.decides and inference.placebo_gaps:
            return np.asarray(inference.placebo_gaps, dtype=float)
    return None


def _join_lines(position: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Many lines over one axis (rows: D x T) as one, with gaps between them: one path in the file instead of D."""
    gap = np.full((len(rows), 1), np.nan)
    return np.tile([*position, np.nan], len(rows)), np.hstack((rows, gap)).ravel()


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


def _level_axis(outcome: Outcome) -> str:
    return "Pounds" if outcome.unit == "gbp" else words.upper_first(outcome.level_words)


def _difference_axis(outcome: Outcome) -> str:
    return f"Difference, {outcome.unit_words}"


def _below_zero(finding: Finding, outcome: Outcome) -> str:
    lower = unit_words(outcome).lower
    return f"Estimated by {finding.family}. Below zero: {lower} than it would have been without the programme."

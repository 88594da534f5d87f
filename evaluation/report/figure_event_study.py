"""The event study: differences by time since the start."""

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
    HEIGHT,
    MUTED,
    PLACEBO,
    TEXT,
    TREATED,
    Picture,
    add_value_axes,
    figure_name,
    mark_zero,
    name_start,
    name_values,
)
from evaluation.report.figures import QUANTILE_REPS, find_placebo_gaps, find_usual, name_difference_axis, say_below_zero
from evaluation.report.labels import label_ends, wrap_label
from evaluation.results import Band, Finding
from evaluation.synthesis.numbers import write_level

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        labelled = bands is not None or all_at_once is not None
        axes = add_value_axes(figure, outcome, right=1.25 if labelled else 0.2)
        if usual is not None:
            axes.fill_between(
                times,
                usual.outer_low,
                usual.outer_high,
                facecolor="#EDEDED",
                edgecolor=PLACEBO,
                linewidth=0.7,
                linestyle=(0, (4, 2)),
            )
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
            label_ends(axes, labels)
        name_values(figure, axes, name_difference_axis(outcome))

    columns: dict[str, object] = {"time since the start": times, "difference": att, "areas": [p.n_areas for p in path]}
    notes = [say_below_zero(finding, outcome)]
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
    placebos, series = find_placebo_gaps(finding), finding.estimate.series
    touched = np.flatnonzero(np.asarray(series.exposure) > 0)
    if placebos is None or not touched.size or _staggered(finding):
        return None
    where = times + touched[0]
    if where[0] < 0 or where[-1] >= placebos.shape[1]:
        return None
    gaps = placebos[:, where]
    low, high = find_usual(gaps)
    if len(gaps) < QUANTILE_REPS:
        note = f"Grey band: the range of all {len(gaps)} areas without the programme."
        return _Bands(low, high, low, high, note)
    centre, scale = np.median(gaps, axis=0), np.maximum(gaps.std(axis=0), 1e-12)
    reach = np.quantile(np.abs((gaps - centre) / scale).max(axis=1), 0.95)
    note = (
        f"Dark grey: the range that holds 95% of {len(gaps):,} areas without the programme in each period. "
        "Light grey, dashed edge: the range that 95% of them never leave."
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

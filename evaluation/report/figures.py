"""The figures of one finding: pure functions from a finding to a picture.

Every figure comes as a `Picture`: how it is drawn, its alternative text, its caption, and the numbers drawn. Nothing is kept
between calls, and the same finding gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.report import words
from evaluation.report.counts import Counts, count_outcome
from evaluation.report.drawing import (
    BAND,
    BAND_EDGE,
    HEIGHT,
    MUTED,
    OTHER,
    PLACEBO,
    TREATED,
    Picture,
    add_value_axes,
    figure_name,
    mark_start,
    mark_zero,
    name_values,
    show_periods,
)
from evaluation.report.labels import label_ends, wrap_label
from evaluation.results import Finding
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
        axes = add_value_axes(figure, outcome, right=1.25)
        position = np.arange(len(series.periods))
        if error is not None:
            axes.fill_between(position, observed - error, observed + error, facecolor=BAND, edgecolor=BAND_EDGE, linewidth=0.6)
        axes.plot(position, counterfactual, color=OTHER, linewidth=1.8, linestyle=(0, (4, 1.6)), zorder=5)
        axes.plot(position, observed, color=TREATED, linewidth=2.2, zorder=4)
        _mark_ends(axes, position, observed, TREATED)
        show_periods(axes, series.periods, outcome.window_months)
        mark_start(axes, series.exposure, words.write_start(finding))
        labels = [(observed[-1], "observed", TREATED), (counterfactual[-1], "without the\nprogramme\n(estimated)", OTHER)]
        label_ends(axes, labels)
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
        counts=_count_observed(finding, outcome),
    )


def _count_observed(finding: Finding, outcome: Outcome) -> tuple[Counts, ...]:
    """What was observed is a count where the outcome is one and one area is observed; a mean over areas is none."""
    if finding.n_treated > 1:
        return ()
    return count_outcome(outcome, labels=("period",), columns=("observed",), about=finding.area_name)


def figure_gap(finding: Finding, outcome: Outcome) -> Picture:
    """Observed minus estimated by period, in front of the same for areas without the programme."""
    series = finding.estimate.series
    gap = np.subtract(series.observed, series.counterfactual)
    placebos = find_placebo_gaps(finding)

    def paint(figure: Figure) -> None:
        axes = add_value_axes(figure, outcome, right=1.25)
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
        label_ends(axes, [(value, wrap_label(text), colour) for value, text, colour in labels])
        name_values(figure, axes, name_difference_axis(outcome))

    columns: dict[str, object] = {"period": series.periods, "difference": gap, "share of window after the start": series.exposure}
    notes = [say_below_zero(finding, outcome)]
    if placebos is not None:
        low, high = find_usual(placebos)
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
        counts=series.counts,
    )


def find_placebo_gaps(finding: Finding) -> np.ndarray | None:
    """Gaps of placebo areas (D, T) of the deciding inference, or None."""
    for inference in finding.inferences:
        if inference.decides and inference.placebo_gaps:
            return np.asarray(inference.placebo_gaps, dtype=float)
    return None


def _join_lines(position: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Many lines over one axis (rows: D x T) as one, with gaps between them: one path in the file instead of D."""
    gap = np.full((len(rows), 1), np.nan)
    return np.tile([*position, np.nan], len(rows)), np.hstack((rows, gap)).ravel()


def find_usual(gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is usual in placebo areas, by period: ends (T,) between which 95% of the gaps (D, T) lie, or all of few."""
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


def name_difference_axis(outcome: Outcome) -> str:
    """Name of a value axis of differences."""
    return f"Difference, {outcome.unit_words}"


def say_below_zero(finding: Finding, outcome: Outcome) -> str:
    """Which method estimated, and what a figure below zero means."""
    lower = unit_words(outcome).lower
    return f"Estimated by {finding.family}. Below zero: {lower} than it would have been without the programme."

"""Could we see it, as a picture: the smallest detectable difference by follow-up, beside what the programme could do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.contracts.records import Outcome
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
    mark_zero,
    name_values,
    show_periods,
)
from evaluation.report.figures import NORMAL_95
from evaluation.report.intervals import PLAUSIBLE, PLAUSIBLE_EDGE
from evaluation.report.labels import label_ends, wrap_label
from evaluation.report.tables_power import PERIODS, POOLED, name_periods
from evaluation.results import Comparison, Power, PowerPoint
from evaluation.synthesis.numbers import write_magnitude
from evaluation.synthesis.phrases import join_words, upper_first
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RIGHT = 1.45
"""Inches for the labels at the right."""
ROOM = 1.2
"""Height of the axes over the largest detectable difference."""


def figure_power(power: Power, outcome: Outcome) -> Picture:
    """The smallest detectable difference by length of follow-up, with the plausible range and the most the programme could do.

    Either stands in the picture only where the detectable differences leave room for it; a note says where one does not.

    Parameters
    ----------
    power : Power
        Of one area and outcome.
    outcome : Outcome
        The outcome in words.
    """
    known = [point for point in power.points if point.mde is not None]
    sizes = np.array([point.mde for point in known], dtype=float)
    times = np.array([point.follow_up for point in power.points])
    top = ROOM * (sizes.max() if sizes.size and sizes.max() > 0 else max(power.plausible or 0.0, power.cap or 0.0, 1.0))
    cap = power.cap if power.cap is not None and power.cap <= top else None

    def paint(figure: Figure) -> None:
        axes = add_value_axes(figure, outcome, right=RIGHT)
        axes.set_xlim(times.min() - 0.6, times.max() + 0.4)
        axes.set_ylim(0.0, top)
        labels = []
        if power.plausible is not None:
            reach = min(power.plausible, top)
            axes.axhspan(0.0, reach, facecolor=PLAUSIBLE, edgecolor=PLAUSIBLE_EDGE, linewidth=0.6, zorder=0.5)
            labels.append((reach / 2, "thought\nplausible", MUTED))
        if cap is not None:
            axes.axhline(cap, color=OTHER, linewidth=1.8, linestyle=(0, (4, 1.6)), zorder=3)
            labels.append((cap, "most the\nprogramme\ncould do", OTHER))
        if sizes.size:
            axes.plot(
                [point.follow_up for point in known], sizes, color=TREATED, linewidth=2.2, marker="o", markersize=4, zorder=4
            )
            labels.append((float(sizes[-1]), "smallest\ndetectable", TREATED))
        if 0 < power.available <= times.max():
            axes.axvline(power.available, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)), zorder=0.8)
            right = power.available > times.mean()
            axes.annotate(
                "data now", (power.available, 1.0), xycoords=("data", "axes fraction"), xytext=(-4 if right else 4, -2),
                textcoords="offset points", ha="right" if right else "left", va="top", color=MUTED, fontsize=8.5,
            )  # fmt: skip
        axes.set_xticks([t for t in times if t % _step(len(times)) == 0 or t == 1])
        axes.set_xlabel(f"{upper_first(PERIODS[outcome.frequency][1])} wholly after the start", loc="left", color=MUTED)
        label_ends(axes, labels)
        name_values(figure, axes, f"Difference either way, {outcome.unit_words}")

    data = pd.DataFrame(
        {
            "periods after the start": times,
            "periods before it": [point.before for point in power.points],
            "smallest detectable": [point.mde for point in power.points],
            "share due to sampling": [point.sampling_share for point in power.points],
            "most the programme could do": power.cap,
            "thought plausible": power.plausible,
        }
    )
    return Picture(
        name=figure_name("power", power.outcome, power.area),
        paint=paint,
        height=HEIGHT,
        synthetic=power.synthetic,
        corner="bottom",
        alt=alt_power(power, outcome),
        caption=f"{upper_first(outcome.name)}, {_place(power)}: smallest detectable difference by length of follow-up",
        data=data,
        columns=tuple(data.columns)[:4],
        notes=tuple(_notes(power, outcome, top)),
    )


def figure_noise(comparison: Comparison, outcome: Outcome) -> Picture:
    """How the treated areas moved beside the untreated ones in periods without a programme: the noise a difference hides in.

    Every area's figure is shown less the mean of untreated areas in the period, and less its own mean over time of that.

    Parameters
    ----------
    comparison : Comparison
        Of periods before the start alone; several treated areas are shown as their mean by weight.
    outcome : Outcome
        The outcome in words.
    """
    weights = np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights
    treated, share = comparison.treated, np.where(comparison.treated, weights, 0.0) / weights[comparison.treated].sum()
    moved = comparison.y - np.average(comparison.y[:, ~treated], axis=1, weights=weights[~treated])[:, None]
    moved = moved - moved.mean(axis=0)
    line = moved @ share
    low, high = np.quantile(moved[:, ~treated], (0.025, 0.975), axis=1)
    error = None if comparison.se is None else NORMAL_95 * np.sqrt(comparison.se**2 @ share**2)

    def paint(figure: Figure) -> None:
        axes = add_value_axes(figure, outcome, right=RIGHT)
        at = np.arange(comparison.n_periods)
        axes.plot(at, low, color=PLACEBO, linewidth=1.0)
        axes.plot(at, high, color=PLACEBO, linewidth=1.0)
        if error is not None:
            axes.fill_between(at, line - error, line + error, facecolor=BAND, edgecolor=BAND_EDGE, linewidth=0.6, zorder=1)
        axes.plot(at, line, color=TREATED, linewidth=2.2, zorder=4)
        axes.autoscale_view()
        show_periods(axes, comparison.periods, outcome.window_months)
        mark_zero(axes)
        labels = [
            (float(line[-1]), wrap_label(comparison.area_name), TREATED),
            (float(high[-1]), "single areas\nwithout it", MUTED),
        ]
        label_ends(axes, labels)
        name_values(figure, axes, f"Beside untreated areas, {outcome.unit_words}")

    columns = {"period": comparison.periods, "treated": line, "untreated, low": low, "untreated, high": high}
    if error is not None:
        columns |= {"treated, low end": line - error, "treated, high end": line + error}
    notes = ["Before the start: what moves here is not the programme.", "Grey lines: 2.5% and 97.5% points of untreated areas."]
    if error is not None:
        notes.append("Blue band: 95% sampling interval.")
    unit = unit_words(outcome)
    lowest, highest = unit.difference(f"{abs(line.min()):.1f}", unit.lower), unit.difference(f"{line.max():.1f}", unit.higher)
    return Picture(
        name=figure_name("noise", comparison.outcome, comparison.area),
        paint=paint,
        height=HEIGHT,
        synthetic=comparison.synthetic,
        corner="bottom",
        alt=(
            f"Line of the {outcome.name} in {comparison.area_name} beside the mean of untreated areas, "
            f"{comparison.n_periods} periods before the start. It moves from {lowest} to {highest} than on average."
        ),
        caption=f"{upper_first(outcome.name)}, {comparison.area_name}: movement before the start",
        data=pd.DataFrame(columns),
        columns=tuple(columns)[:4],
        notes=tuple(notes),
    )


def _step(count: int) -> int:
    """Every so many lengths of follow-up have a label."""
    return next(step for step in (1, 2, 4, 6, 12, 24, 10_000) if count / step <= 12)


def _place(power: Power) -> str:
    return "all areas together" if power.area == POOLED else power.area_name


def _notes(power: Power, outcome: Outcome, top: float) -> list[str]:
    """What is not drawn, and where the data end."""
    unit, notes = unit_words(outcome), []
    if power.cap is None:
        notes.append("How large a difference the people supported could produce is not established.")
    elif power.cap > top:
        notes.append(f"The most the programme could do, {write_magnitude(power.cap, unit)}, lies above the picture.")
    missing = [point.follow_up for point in power.points if point.mde is None]
    if missing:
        notes.append(f"{len(missing)} of {len(power.points)} lengths of follow-up have no value; the data say [x] there.")
    if 0 < power.available <= len(power.points):
        notes.append(f"Dotted line: {name_periods(power.available, outcome)}, what the data have now.")
    elif not power.available:
        notes.append("The data have no figure wholly after the start yet.")
    return notes


def alt_power(power: Power, outcome: Outcome) -> str:
    """What the picture shows, for readers who do not see it."""
    unit = unit_words(outcome)
    known = [point for point in power.points if point.mde is not None]
    said = [
        f"Line of the smallest difference in the {outcome.name} that could be detected in {_place(power)}, by the number of "
        f"{PERIODS[outcome.frequency][1]} wholly after the start."
    ]
    if known:
        ends = known[:1] if len(known) == 1 else [known[0], known[-1]]
        said.append(f"It is {join_words([_say(point, outcome) for point in ends])}.")
    else:
        said.append("It has no value anywhere.")
    if power.cap is not None:
        said.append(f"The people supported could produce a difference of {write_magnitude(power.cap, unit)} at most.")
    if power.plausible is not None:
        said.append(f"Differences up to {write_magnitude(power.plausible, unit)} were thought plausible beforehand.")
    return " ".join(said)


def _say(point: PowerPoint, outcome: Outcome) -> str:
    assert point.mde is not None
    return f"{write_magnitude(point.mde, unit_words(outcome))} after {name_periods(point.follow_up, outcome)}"


def write_power(power: Power, outcome: Outcome) -> str:
    """The answer in words: what could be seen now and at the end of the planning horizon, and what the programme could do."""
    unit, known = unit_words(outcome), [point for point in power.points if point.mde is not None]
    wanted = [p for p in known if p.follow_up == power.available] + known[-1:]
    said = []
    if not known:
        said.append("The smallest difference we could reliably detect cannot be computed from the periods before the start.")
    for point in dict.fromkeys(wanted):
        said.append(
            f"The smallest difference we could reliably detect after {name_periods(point.follow_up, outcome)} is "
            f"{write_magnitude(point.mde or 0.0, unit)}."
        )
    if not power.available:
        said.append("The data have no figure wholly after the start yet.")
    if power.cap is None:
        said.append("How much the programme could change at most is not established.")
    else:
        said.append(f"The programme could at most change the {outcome.name} by {write_magnitude(power.cap, unit)}.")
    if power.plausible is not None:
        said.append(f"A difference of up to {write_magnitude(power.plausible, unit)} was thought plausible beforehand.")
    return " ".join(said)

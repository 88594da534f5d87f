"""The specification chart: one interval for every choice that was set in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.report.drawing import (
    GRID,
    MUTED,
    OTHER,
    TEXT,
    TREATED,
    Picture,
    add_axes,
    figure_name,
    name_differences,
)
from evaluation.report.labels import wrap_label
from evaluation.report.tables_stress import VARIED, in_order
from evaluation.results import Interval, Stress, Variant
from evaluation.synthesis.numbers import write_count, write_interval, write_size
from evaluation.synthesis.phrases import join_words, upper_first
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, LINE = 0.23, 0.14
"""Inches a row, and those that each further line of a name adds."""
LEFT, RIGHT = 2.75, 0.2
"""Inches for the names of the choices, and beside the axes."""
LETTERS = 38
"""Letters of a name that fit beside the axes in one line."""
POOLED = "all"


def figure_stress(stress: Stress, outcome: Outcome) -> Picture:
    """One interval a specification, by what was varied, with lines at zero and at the main estimate.

    Choices that give no estimate are in the data and in the table, not in the picture.

    Parameters
    ----------
    stress : Stress
        Of one area and outcome.
    outcome : Outcome
        The outcome in words.
    """
    variants = in_order(stress)
    # Without any estimate there is nothing but the names of the choices.
    drawn = [v for v in variants if v.att is not None or v.kind == "main"] or list(variants)
    lines = _lines(drawn)
    names = [line if isinstance(line, str) else wrap_label(upper_first(line.title), LETTERS) for line in lines]
    edges = np.cumsum([0.0, *(ROW + LINE * name.count("\n") for name in names)])
    main = next((v.att for v in variants if v.kind == "main"), None)
    ends = [abs(end) for v in variants if v.interval for end in (v.interval.low, v.interval.high)]
    reach = max([*ends, *(abs(v.att) for v in variants if v.att is not None)] or [1.0]) * 1.08 or 1.0

    def paint(figure: Figure) -> None:
        axes = add_axes(figure, left=LEFT, right=RIGHT, bottom=0.5, top=0.46)
        axes.grid(visible=False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(edges[-1], 0.0)
        axes.axvline(0, color=TEXT, linewidth=1.0, zorder=2)
        if main is not None:
            axes.axvline(main, color=OTHER, linewidth=1.2, linestyle=(0, (4, 1.6)), zorder=1.5)
        axes.set_yticks([])
        for line, name, at in zip(lines, names, ((edges[:-1] + edges[1:]) / 2).tolist(), strict=True):
            _name(axes, at, name, heading=isinstance(line, str))
            if isinstance(line, Variant):
                _paint_variant(axes, at, line)
        name_differences(axes, outcome, loc="left")

    data = pd.DataFrame(
        {
            "what was varied": [VARIED[v.kind] for v in variants],
            "choice": [v.title for v in variants],
            "estimate": [v.att for v in variants],
            "low": [v.interval.low if v.interval else None for v in variants],
            "high": [v.interval.high if v.interval else None for v in variants],
            "why there is none": [v.why_not or None for v in variants],
        }
    )
    notes = ["Dashed line: the main estimate."] if main is not None else []
    if any(v.att is not None and v.interval is None for v in variants):
        notes.append("A hollow point has no interval.")
    if len(drawn) < len(variants):
        count = len(variants) - len(drawn)
        give = "choice gives" if count == 1 else "choices give"
        notes.append(f"{upper_first(write_count(count))} further {give} no estimate; the table says why.")
    return Picture(
        name=figure_name("stress", stress.outcome, stress.area),
        paint=paint,
        height=0.96 + float(edges[-1]),
        synthetic=stress.synthetic,
        alt=alt_stress(stress, outcome),
        caption=f"{upper_first(outcome.name)}, {_place(stress)}: the estimate under every choice set in advance",
        data=data,
        columns=tuple(data.columns)[:5],
        notes=tuple(notes),
    )


def _place(stress: Stress) -> str:
    return "all areas together" if stress.area == POOLED else stress.area_name


def _lines(variants: list[Variant]) -> list[str | Variant]:
    """What stands in each row: a heading before the first variant of a kind, but none over the main one."""
    lines: list[str | Variant] = []
    kind = "main"
    for variant in variants:
        if variant.kind != kind:
            lines.append(VARIED[variant.kind])
            kind = variant.kind
        lines.append(variant)
    return lines


def _name(axes: Axes, at: float, text: str, *, heading: bool) -> None:
    axes.annotate(
        text, (0.0, at), xycoords=("axes fraction", "data"), xytext=(-LEFT * 72 + (6 if heading else 14), 0),
        textcoords="offset points", va="center", ha="left", fontsize=8.5, color=MUTED if heading else TEXT,
        fontweight="bold" if heading else "normal", annotation_clip=False,
    )  # fmt: skip


def _paint_variant(axes: Axes, at: float, variant: Variant) -> None:
    colour, width = TREATED, 3.0 if variant.kind == "main" else 1.8
    if variant.interval is not None:
        axes.plot(
            [variant.interval.low, variant.interval.high],
            [at, at],
            color=colour,
            linewidth=width,
            solid_capstyle="butt",
            zorder=4,
        )
    if variant.att is not None:
        face = "white" if variant.interval is None else colour
        axes.plot([variant.att], [at], "o", markerfacecolor=face, markeredgecolor=colour, markersize=5.0, zorder=5)


def alt_stress(stress: Stress, outcome: Outcome) -> str:
    """What the picture shows, for readers who do not see it."""
    unit, made = unit_words(outcome), [v for v in stress.variants if v.att is not None]
    said = [f"Chart of one interval for each of {write_count(len(made))} choices, with lines at zero and at the main estimate."]
    main = next((v for v in made if v.kind == "main"), None)
    if main is not None and main.interval is not None:
        said.append(f"As set in the protocol: {write_interval(main.interval, unit)}.")
    if made:
        ends = sorted(made, key=lambda v: v.att or 0.0)
        low, high = ends[0], ends[-1]
        said.append(
            f"The lowest estimate is {_towards(low, outcome)} ({low.title}), "
            f"the highest {_towards(high, outcome)} ({high.title})."
        )
        clear = sum(1 for v in made if v.interval is not None and not _contains_zero(v.interval))
        said.append(f"{upper_first(write_count(clear)) if clear else 'None'} of the intervals {_exclude(clear)} zero.")
    without = [v.title for v in stress.variants if v.att is None]
    if without:
        said.append(f"Without an estimate: {join_words(without)}.")
    return " ".join(said)


def _exclude(count: int) -> str:
    return "excludes" if count == 1 else "exclude"


def _contains_zero(interval: Interval) -> bool:
    return interval.low <= 0.0 <= interval.high


def _towards(variant: Variant, outcome: Outcome) -> str:
    """An estimate in words, such as ``0.4 percentage points lower``."""
    unit, att = unit_words(outcome), variant.att or 0.0
    return unit.difference(write_size(abs(att), unit), unit.direction(att))

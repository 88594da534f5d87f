"""Words in figures: broken into lines, beside the ends of lines, and rows as high as their labels ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE, GAP = 0.16, 0.06
"""Inches of a line of a label, and that lie between the labels of two rows."""


def wrap_label(text: str, width: int = 15) -> str:
    """Break a label into short lines; one that has breaks keeps them."""
    from textwrap import wrap

    return text if "\n" in text else "\n".join(wrap(text, width)) or text


def fit_row(labels: Sequence[str], least: float) -> float:
    """Inches of a row of a chart whose rows are all as high as its longest label asks for.

    Parameters
    ----------
    labels : sequence of str
        Broken into lines.
    least : float
        Inches of a row of one line.
    """
    return max(least, LINE * max((label.count("\n") + 1 for label in labels), default=1) + GAP)


def label_ends(axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Write labels right of the axes, at the height of the ends of lines, pushed apart where they would touch.

    Parameters
    ----------
    axes : Axes
        Its limits must be final.
    labels : sequence of (value, text, colour)
        Where each line ends.
    """
    low, high = axes.get_ylim()
    inches = axes.get_window_extent().height / axes.figure.dpi
    gap = {text: 0.17 * (text.count("\n") + 1) / inches * (high - low) for _, text, _ in labels}
    ordered = sorted(labels)
    places = [value for value, _, _ in ordered]
    for n in range(1, len(ordered)):
        need = (gap[ordered[n][1]] + gap[ordered[n - 1][1]]) / 2
        short = need - (places[n] - places[n - 1])
        if short > 0:
            places[n] += short / 2
            places[n - 1] -= short / 2
    keep_inside(places, [gap[text] for _, text, _ in ordered], low, high)
    for place, (_, text, colour) in zip(places, ordered, strict=True):
        axes.annotate(
            text, (1.0, place), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points", ha="left",
            va="center", color=colour, annotation_clip=False,
        )  # fmt: skip


def keep_inside(places: list[float], gaps: Sequence[float], low: float, high: float) -> None:
    """Move labels at `places`, in ascending order, off the ends of the axes and of each other, by their `gaps`; upwards last."""
    for n in range(len(places) - 1, -1, -1):
        above = high - gaps[n] / 2 if n + 1 == len(places) else places[n + 1] - (gaps[n] + gaps[n + 1]) / 2
        places[n] = min(places[n], above)
    for n in range(len(places)):
        below = low + gaps[n] / 2 if n == 0 else places[n - 1] + (gaps[n] + gaps[n - 1]) / 2
        places[n] = max(places[n], below)

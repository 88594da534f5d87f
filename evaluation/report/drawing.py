"""What all figures share: colours, the empty canvas, the period axis, and the way a figure becomes an SVG.

Conventions: few colours, each with a line style or a marker of its own; labels at the lines, no legend; a light horizontal grid;
no title inside the picture; the value axis named in words along the top. Every colour that carries meaning has a contrast of at
least 3:1 on white, text 4.5:1.

Text is drawn as outlines, so that a figure looks the same in a browser and in a PDF that has none of the reader's fonts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.panel.periods import MONTH_NAMES
from evaluation.report.counts import Counts
from evaluation.report.svg import shrink_svg
from evaluation.synthesis.sentences import unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase
    from matplotlib.transforms import Bbox

TREATED = "#12436D"
"""Dark blue: what was observed where the programme ran."""
OTHER = "#B4460E"
"""Burnt orange, always dashed: what is estimated without the programme."""
COMPARISON = "#1B7269"
"""Dark turquoise, always dashes and dots: the comparison areas as published."""
COMPARISON_BAND = "#D3E8E5"
PLACEBO = "#7D7D7D"
"""Mid grey: areas without the programme."""
TEXT = "#262626"
MUTED = "#595959"
LABEL = "#801650"
"""Dark pink: the mark of synthetic data, and nothing else."""
GRID = "#DEDEDE"
BAND = "#D5E1EC"
BAND_EDGE = "#557A9E"
PARTLY = "#EFEFEF"
"""Filling of the periods that straddle a start, always within an edge."""

WIDTH = 6.3
"""Inches; the width of the text in the PDF, so that letters have the size they are drawn at."""
TOP, BOTTOM = 0.36, 0.5
"""Inches above and below the axes of a figure with a period axis."""
NAMED, LETTER = 2.65, 0.068
"""Inches that the name of a value axis takes, and that a letter of a small label takes."""
HEIGHT = 2.25
"""Inches; three figures with their captions fit on two thirds of a page."""
EDGE = 0.08
"""Inches from the mark of synthetic data to the edges of the figure."""
TALLEST = 8.6
"""Inches of the tallest picture that a page of the PDF holds beside its caption and notes."""
SYNTHETIC = "SYNTHETIC DATA"
FEW = 16
"""Periods up to which half a period is wide, so that labels would stand far from the ends of their lines."""
MANY = 30
"""Areas above which a figure shows counts instead of names."""

Corner = Literal["top", "bottom"]

SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "svg.fonttype": "path",
    # A dollar sign in a name is a dollar sign.
    "text.parse_math": False,
    "svg.hashsalt": "trailblazer",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": TEXT,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "text.color": TEXT,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "hatch.linewidth": 0.6,
    # In points: what hundreds of thin lines may deviate by, unseen.
    "path.simplify_threshold": 0.3,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A figure, and all that must stand beside it.

    Attributes
    ----------
    name : file name without suffix; holds outcome and area, so that no two figures of a book share it
    paint : draws the picture on an empty figure
    height : inches
    synthetic : whether the picture is marked as made from synthetic data
    corner : where that mark stands, at the right
    alt : what it shows, for readers who do not see it; never the caption
    caption : its title
    data : every number drawn, for the CSV
    columns : columns of `data` that the table in the page shows
    notes : sentences below the picture
    """

    name: str
    paint: Callable[[Figure], None]
    height: float
    synthetic: bool
    alt: str
    caption: str
    data: pd.DataFrame
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    corner: Corner = "top"
    counts: tuple[Counts, ...] = ()
    """Which columns of `data` are counts of people or households, for the disclosure gate."""

    @property
    def svg(self) -> bytes:
        """The picture as an SVG file, drawn anew at every call."""
        return draw(self.paint, height=self.height, synthetic=self.synthetic, corner=self.corner)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The picture in a notebook, with its alternative text for readers who do not see it."""
        return {"image/svg+xml": self.svg.decode(), "text/plain": self.alt}


def draw(paint: Callable[[Figure], None], *, height: float, synthetic: bool = False, corner: Corner = "top") -> bytes:
    """Paint a figure and return its SVG file, the same bytes for the same content; parameters as for `compose`."""
    with _our_settings():
        figure = compose(paint, height=height, synthetic=synthetic, corner=corner)
        file = BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return shrink_svg(file.getvalue().decode()).encode()


def compose(paint: Callable[[Figure], None], *, height: float, synthetic: bool = False, corner: Corner = "top") -> Figure:
    """Paint a figure and leave it as matplotlib's own, to be looked at piece by piece.

    Parameters
    ----------
    paint : function
        Draws on an empty figure.
    height : float
        Inches.
    synthetic : bool
        Whether to mark the picture as made from synthetic data.
    corner : {"top", "bottom"}
        Where that mark stands, at the right.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _our_settings():
        figure = Figure(figsize=(WIDTH, height))
        FigureCanvasAgg(figure)
        paint(figure)
        if synthetic:
            _mark_synthetic(figure, corner)
    return figure


@contextmanager
def _our_settings() -> Iterator[None]:
    """Our settings and nobody else's: a reader's own matplotlibrc must not change what is published."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def _mark_synthetic(figure: Figure, corner: Corner) -> None:
    # Inches, not shares: in a tall figure a share of the height would lift the mark into the labels of the period axis.
    height = figure.get_size_inches()[1]
    figure.text(
        1 - EDGE / WIDTH, 1 - EDGE / height if corner == "top" else EDGE / height, SYNTHETIC, ha="right", va=corner, fontsize=8.5,
        fontweight="bold", color=LABEL,
        bbox={"boxstyle": "square,pad=0.3", "facecolor": "white", "edgecolor": LABEL, "linewidth": 0.9},
    )  # fmt: skip


def measure(figure: FigureBase) -> tuple[float, float]:
    """Width and height of a figure, or of a part of one, in inches."""
    box: Bbox = figure.bbox  # type: ignore[attr-defined]
    dpi = figure.get_figure(root=True).dpi
    return box.width / dpi, box.height / dpi


def add_axes(figure: FigureBase, *, left: float, right: float, bottom: float, top: float) -> Axes:
    """Axes with margins in inches, a light horizontal grid, and only the bottom line drawn."""
    width, height = measure(figure)
    axes = figure.add_axes((left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height))
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def add_value_axes(figure: FigureBase, outcome: Outcome, *, right: float) -> Axes:
    """Axes over periods for values of an outcome: room for their figures at the left, and figures that can be read.

    Parameters
    ----------
    figure : Figure
        Or a part of one.
    outcome : Outcome
        Rates have few figures; counts and pounds have many, in groups of three.
    right : float
        Inches beside the axes, for labels.
    """
    rate = outcome.unit == "pp"
    axes = add_axes(figure, left=0.55 if rate else 0.8, right=right, bottom=BOTTOM, top=TOP)
    if rate:
        axes.ticklabel_format(axis="y", useOffset=False)
    else:
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}".replace("-", "−"))
    return axes


def name_values(figure: FigureBase, axes: Axes, text: str) -> None:
    """Write what the value axis measures, along the top of the picture."""
    height = measure(figure)[1]
    top = axes.get_position().y1
    figure.text(0.012, top + 0.13 / height, text, ha="left", va="bottom", color=TEXT)


def show_periods(axes: Axes, periods: Sequence[str], window_months: int) -> None:
    """Label a period axis at positions 0 to T - 1 with at most eight short labels."""
    count = len(periods)
    annual = "-" not in periods[-1]
    steps = (1, 2, 5, 10) if annual else _steps(periods)
    step = next((s for s in steps if count / s <= 8), steps[-1])
    # Counted back from the last period: the last one is what readers look for.
    ticks = list(range(count - 1, -1, -step))[::-1]
    axes.set_xticks(ticks, [short_period(periods[t]) for t in ticks])
    axes.set_xlim(-0.6, count - 1 + (0.6 if count > FEW else 0.2))
    if not annual and window_months > 1:
        axes.set_xlabel(f"{window_months} months ending", loc="left", color=MUTED)


def _steps(periods: Sequence[str]) -> tuple[int, ...]:
    in_year = 4 if len(periods) > 1 and _months_apart(periods) == 3 else 12
    return (1, in_year // 2, in_year, 2 * in_year, 3 * in_year)


def _months_apart(periods: Sequence[str]) -> int:
    (y1, m1), (y2, m2) = ((int(p[:4]), int(p[5:7])) for p in periods[-2:])
    return 12 * (y2 - y1) + m2 - m1


def short_period(period: str) -> str:
    """``2026-03`` as ``Mar 2026``, for an axis."""
    return period if "-" not in period else f"{MONTH_NAMES[int(period[5:7]) - 1][:3]} {period[:4]}"


def mark_zero(axes: Axes) -> None:
    """A firm line at no difference."""
    axes.axhline(0, color=TEXT, linewidth=1.0, zorder=2.5)


def mark_start(axes: Axes, exposure: Sequence[float], text: str) -> None:
    """Shade the reference windows that straddle the start, and name the start above the plot."""
    share = np.asarray(exposure)
    touched = np.flatnonzero(share > 0)
    if not touched.size:
        return
    first = touched[0] - 0.5
    partly = np.flatnonzero((share > 0) & (share < share.max()))
    if partly.size:
        axes.axvspan(first, partly[-1] + 0.5, facecolor=PARTLY, edgecolor=PLACEBO, linewidth=0.6, zorder=0)
    axes.axvline(first, color=TEXT, linewidth=1.0, linestyle=(0, (2, 2)), zorder=2.4)
    name_start(axes, first, text)


def name_start(axes: Axes, at: float, text: str) -> None:
    """Write the start above the plot: left of its line where the name of the value axis leaves room, else right of it.

    Where there is room for it on neither side, what stands in brackets goes to a second line.
    """
    low, high = axes.get_xlim()
    # Axes of ours span a share of the figure's whole width, which is always the same.
    box = axes.get_position()
    inches = WIDTH * (box.x0 + (at - low) / (high - low) * box.width)
    if max(inches - NAMED, WIDTH - inches) < LETTER * len(text):
        text = text.replace(" (", "\n(")
    left = inches > NAMED + LETTER * max(map(len, text.split("\n")))
    axes.annotate(
        text, (at, 1.0), xycoords=("data", "axes fraction"), xytext=(-4 if left else 4, 3), textcoords="offset points",
        ha="right" if left else "left", va="bottom", color=TEXT, fontsize=8.5, annotation_clip=False,
    )  # fmt: skip


def name_differences(axes: Axes, outcome: Outcome, *, loc: Literal["left", "center"] = "center") -> None:
    """Name a horizontal axis of differences: magnitudes, and on either side of nought which way it goes."""
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set_xlabel(f"Difference, {outcome.unit_words}", loc=loc, color=TEXT)
    unit = unit_words(outcome)
    for offset, text, side in ((-4, f"← {unit.lower}", "right"), (4, f"{unit.higher} →", "left")):
        axes.annotate(
            text, (0, 1), xycoords=("data", "axes fraction"), xytext=(offset, 4), textcoords="offset points", ha=side, color=TEXT
        )


def figure_name(kind: str, outcome: str, area: str, estimator: str = "") -> str:
    """File name of a figure; the parts make it unique in a book."""
    return "-".join(part.replace("_", "-").lower() for part in (kind, outcome, area, estimator) if part)

"""Look around before anything is judged: an area as published beside those it may be compared with, and the gap to their mix."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from evaluation.contracts.records import Outcome
from evaluation.design.compare import ALL
from evaluation.design.study import Study
from evaluation.errors import ConfigurationError, EvaluationError
from evaluation.estimators import CARDS, REGISTRY
from evaluation.lab.front_end import has_front_end
from evaluation.lab.full import picture_html
from evaluation.numerics.selection import keep_areas
from evaluation.panel.period_words import write_month, write_the_period
from evaluation.report.drawing import (
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
from evaluation.results import Comparison, Estimate
from evaluation.results.show import write_number
from evaluation.synthesis.phrases import upper_first

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

HEIGHT = 4.4
"""Inches of both charts."""
FEWEST = 2
"""Comparison areas below which there is no mix of them."""


def draw_area(
    study: Study, outcome: str, area: str, *, show_donors: bool = True, left_out: Sequence[str] = (), estimator: str = ""
) -> Picture:
    """Draw an area as published beside its donors, and below it the gap to the mix of donors that tracks it before the start.

    For looking around: there is no interval and no verdict.

    Parameters
    ----------
    study : Study
        From `open_study`.
    outcome : str
        An outcome of the design.
    area : str
        Code of a treated unit, or ``all``.
    show_donors : bool
        Whether the comparison areas are drawn, each a thin grey line.
    left_out : sequence of str
        Codes of comparison areas to go without, to see what the gap owes to them.
    estimator : str
        A method of the registry; without one the design's first synthetic control.

    Returns
    -------
    Picture
        A notebook shows it; its numbers are in ``.data``.

    Raises
    ------
    ConfigurationError
        If an area left out is no comparison area, the method is not known, or fewer than two comparison areas would be left.
    DataError
        If the data carry no comparison, or not the method.

    Examples
    --------
    >>> from evaluation.design.study import open_study
    >>> study = open_study("economic-inactivity-trailblazers")
    >>> picture = draw_area(study, "claimant_rate", "greater-manchester", left_out=["E07000222"])
    >>> picture.data.columns[:3].tolist()
    ['period', 'observed', 'estimated without the programme']
    """
    return _make_picture(study, _fit(study, study.comparison(outcome, area), left_out, estimator), show_donors=show_donors)


def pick_area(study: Study, outcome: str = "", area: str = "") -> Any:
    """Choose area, outcome and comparison areas by hand, and see the series and the gap at once.

    Parameters
    ----------
    study : Study
        From `open_study`.
    outcome, area : str
        What it begins with; without them the primary outcome and the first treated area.

    Returns
    -------
    widget or Picture
        Where there is no front end that can answer (papermill, a page made of a notebook), or ipywidgets is not installed, the
        picture it begins with.

    Examples
    --------
    >>> from evaluation.design.study import open_study
    >>> study = open_study("economic-inactivity-trailblazers")
    >>> pick_area(study, "claimant_rate", "greater-manchester").caption
    'Claimant rate, Greater Manchester: as published, and the gap to a mix of 166 areas'
    """
    design = study.design
    first = outcome or next(plan.id for plan in design.outcomes if plan.primary)
    where = area or (ALL if design.estimate_pooled and not design.estimate_areas else design.estimate_areas[0])
    if not has_front_end() or importlib.util.find_spec("ipywidgets") is None:
        return draw_area(study, first, where)
    return _make_picker(study, first, where)


# ---------------------------------------------------------------- the widget


def _make_picker(study: Study, outcome: str, area: str) -> Any:
    import ipywidgets

    design = study.design
    compare = lru_cache(maxsize=32)(study.comparison)
    fit = lru_cache(maxsize=64)(lambda outcome, area, left_out: _fit(study, compare(outcome, area), left_out))
    wide = {"description_width": "8em"}
    outcomes = [(upper_first(study.contracts.outcomes[plan.id].name), plan.id) for plan in design.outcomes]
    areas = sorted((design.unit_of(code).name, code) for code in design.estimate_areas)
    areas += [("All areas together", ALL)] if design.estimate_pooled else []
    layout = ipywidgets.Layout(width="32em")
    choose = {
        "outcome": ipywidgets.Dropdown(options=outcomes, value=outcome, description="Outcome", style=wide, layout=layout),
        "area": ipywidgets.Dropdown(options=areas, value=area, description="Area", style=wide, layout=layout),
    }
    show = ipywidgets.Checkbox(value=True, description="Draw the comparison areas", indent=False)
    without = ipywidgets.SelectMultiple(description="Leave out", rows=9, style=wide, layout=layout)
    view = ipywidgets.HTML()

    def fill(*_: object) -> None:
        """Offer the comparison areas of what is chosen, none left out."""
        try:
            made = compare(choose["outcome"].value, choose["area"].value)
        except EvaluationError:
            names = {}  # what is drawn says why
        else:
            names = {code: name for code, name in zip(made.areas, made.area_names, strict=True) if code in set(made.donors)}
        without.unobserve(redraw, names="value")  # one choice is drawn once
        without.value = ()
        without.options = sorted((name, code) for code, name in names.items())
        without.observe(redraw, names="value")
        redraw()

    def redraw(*_: object) -> None:
        chosen = (choose["outcome"].value, choose["area"].value, tuple(without.value))
        view.value = _show(lambda: _make_picture(study, fit(*chosen), show_donors=show.value))

    without.observe(redraw, names="value")
    fill()
    for widget in choose.values():
        widget.observe(fill, names="value")
    show.observe(redraw, names="value")
    hint = ipywidgets.HTML("<p>Several areas: hold Ctrl (Command on a Mac) while you choose.</p>")
    return ipywidgets.VBox([*choose.values(), show, without, hint, view])


def _show(draw: Callable[[], Picture]) -> str:
    """The picture as HTML, or what is wrong with the choice in words."""
    from html import escape

    try:
        return picture_html(draw())
    except EvaluationError as refusal:
        return f'<p role="status">{escape(str(refusal))}</p>'


# ---------------------------------------------------------------- the picture


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fitted:
    """A comparison without the areas left out by hand, and the estimate made of it."""

    kept: Comparison
    estimate: Estimate
    left_out: int


def _fit(study: Study, made: Comparison, left_out: Sequence[str], estimator: str = "") -> _Fitted:
    name = estimator or _method(study, made.area)
    if name not in REGISTRY:
        raise ConfigurationError(f"estimator {name!r} is not known; there are {', '.join(REGISTRY)}.")
    kept = _without(made, left_out)
    return _Fitted(kept=kept, estimate=REGISTRY[name]().fit(kept), left_out=len(set(left_out)))


def _make_picture(study: Study, fitted: _Fitted, *, show_donors: bool) -> Picture:
    made = fitted.kept
    word, estimate = study.contracts.outcomes[made.outcome], fitted.estimate
    name, series = estimate.estimator, estimate.series
    observed, counterfactual = np.asarray(series.observed), np.asarray(series.counterfactual)
    place = "all areas together" if made.area == ALL else made.area_name
    columns = {
        "period": series.periods,
        "observed": observed,
        "estimated without the programme": counterfactual,
        "difference": observed - counterfactual,
    }
    donors = made.y[:, ~made.treated] if show_donors else None
    note = f"Estimated by {CARDS[name].title.lower()}, for looking around: there is no interval here and no verdict."
    left = f" Left out by hand: {fitted.left_out:,}." if fitted.left_out else ""
    return Picture(
        name=figure_name("look", made.outcome, made.area, name),
        paint=partial(_paint, estimate=estimate, donors=donors, word=word, start=_start(study, made.area), place=place),
        height=HEIGHT,
        synthetic=made.synthetic,
        corner="bottom",
        alt=_alt(estimate, word, place, donors=donors),
        caption=f"{upper_first(word.name)}, {place}: as published, and the gap to a mix of {len(made.donors):,} areas",
        data=pd.DataFrame(columns),
        columns=tuple(columns),
        notes=(note + left, *(("Grey: the comparison areas, one line each.",) if show_donors else ())),
    )


def _method(study: Study, area: str) -> str:
    design = study.design
    names = design.pooled_synthetic_control_estimators if area == ALL else design.synthetic_control_estimators
    return next(iter((*names, *design.did_estimators)), "")


def _without(made: Comparison, left_out: Sequence[str]) -> Comparison:
    unknown = sorted(set(left_out) - set(made.donors))
    if unknown:
        raise ConfigurationError(
            f"{made.outcome}, {made.area}: {', '.join(unknown)} cannot be left out, because it is no comparison area; those are "
            "in comparison.donors."
        )
    if len(made.donors) - len(set(left_out)) < FEWEST:
        raise ConfigurationError(f"{made.outcome}, {made.area}: leave at least {FEWEST} comparison areas in.")
    return keep_areas(made, ~np.isin(made.areas, list(left_out))) if left_out else made


def _start(study: Study, area: str) -> str:
    if area != ALL:
        unit = study.design.unit_of(area)
        return f"start: {write_month(unit.start)}{' (assumed)' if unit.start_basis == 'assumed' else ''}"
    return f"first start: {write_month(min(unit.start for unit in study.design.treated))}"


def _paint(figure: Figure, *, estimate: Estimate, donors: np.ndarray | None, word: Outcome, start: str, place: str) -> None:
    upper, lower = figure.subfigures(2, 1)  # type: ignore[misc]
    _paint_levels(upper, estimate, donors, word, start)
    _paint_gap(lower, estimate, word, start, place)


def _paint_levels(figure: FigureBase, estimate: Estimate, donors: np.ndarray | None, word: Outcome, start: str) -> None:
    series = estimate.series
    axes = add_value_axes(figure, word, right=1.25)
    position = np.arange(len(series.periods))
    if donors is not None:
        gap = np.full((donors.shape[1], 1), np.nan)  # many lines as one path, with gaps between them
        axes.plot(np.tile([*position, np.nan], donors.shape[1]), np.hstack((donors.T, gap)).ravel(), color=PLACEBO, linewidth=0.3)
    axes.plot(position, series.counterfactual, color=OTHER, linewidth=1.8, linestyle=(0, (4, 1.6)), zorder=5)
    axes.plot(position, series.observed, color=TREATED, linewidth=2.2, zorder=4)
    show_periods(axes, series.periods, word.window_months)
    mark_start(axes, series.exposure, start)
    ends = [(series.observed[-1], "observed", TREATED), (series.counterfactual[-1], "mix of the\nothers", OTHER)]
    label_ends(axes, ends)
    name_values(figure, axes, "Pounds" if word.unit == "gbp" else upper_first(word.level_words))


def _paint_gap(figure: FigureBase, estimate: Estimate, word: Outcome, start: str, place: str) -> None:
    series = estimate.series
    axes = add_value_axes(figure, word, right=1.25)
    gap = np.subtract(series.observed, series.counterfactual)
    axes.plot(np.arange(len(gap)), gap, color=TREATED, linewidth=2.2)
    show_periods(axes, series.periods, word.window_months)
    mark_zero(axes)
    mark_start(axes, series.exposure, start)
    label_ends(axes, [(float(gap[-1]), wrap_label(place), TREATED), (0.0, "no difference", MUTED)])
    name_values(figure, axes, f"Difference, {word.unit_words}")


def _alt(estimate: Estimate, word: Outcome, place: str, *, donors: np.ndarray | None) -> str:
    series = estimate.series
    first, last = (write_the_period(period, word.window_months) for period in (series.periods[0], series.periods[-1]))
    grey = "" if donors is None else f", in front of {donors.shape[1]:,} thin grey lines of comparison areas"
    before = [abs(o - c) for o, c, x in zip(series.observed, series.counterfactual, series.exposure, strict=True) if x <= 0]
    fit = f" Before the start it stays within {write_number(max(before), word.unit, signed=False)} of zero." if before else ""
    ends = [write_number(value, word.unit, signed=False).split(" ")[0] for value in (series.observed[0], series.observed[-1])]
    return (
        f"Two line charts from {first} to {last}. Above: the {word.name} in {place} goes from {ends[0]} to {ends[1]}, beside the "
        f"mix of comparison areas that tracks it before the start{grey}. Below: the difference of the two, which ends at "
        f"{write_number(series.observed[-1] - series.counterfactual[-1], word.unit)}.{fit}"
    )

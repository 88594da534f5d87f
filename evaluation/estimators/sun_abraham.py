"""Interaction-weighted event study: every start has its own path of effects, averaged by how many areas share it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.regression import Effects, fit_regression, place_regression
from evaluation.numerics.specification import Specification
from evaluation.numerics.treated import refuse, requirements
from evaluation.results import NEVER, Card, Check, Comparison, Estimate, PathPoint, Placebos

REFERENCE = -1
"""Event time all others are measured against: the last period before the start."""

FULL = 1.0 - 1e-9
"""Exposure counted as full; shares are sums of twelfths."""

Controls = Literal["never", "last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SunAbraham(Specification):
    """Two-way fixed effects with one coefficient for every start and event time but -1, then averaged.

    ``y_it = area_i + period_t + sum over starts g and event times l of b_gl 1[first_treated_i = g, t - g = l] + error_it``. The
    effect at event time l is the mean of b_gl over the starts that have it in the window, each counted by its number of areas.
    `att` is the same mean over all cells (g, l) at which every area is fully exposed; where there is none, over cells with
    any exposure, divided by their mean exposure, with a note. The standard error takes these shares as given. More terms:
    `Specification`.

    Parameters
    ----------
    controls : {"never", "last"}
        Areas never treated; or, where there are none, those treated last, with the periods from their start on left out.

    Examples
    --------
    Every area rises by 1 a year. The programme adds 1 in its first year, 2 in its second and 3 in its third, from year 3 in ``a``
    and from year 4 in ``b``. Two-way fixed effects averages that to 1.57; here each start is followed by itself:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [11, 12, 14, 16, 18], "b": [21, 22, 23, 25, 27], "c": [31, 32, 33, 34, 35], "d": [6, 7, 8, 9, 10]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3, "b": 4})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = SunAbraham().fit(own)
    >>> round(estimate.att, 6), {point.event_time: point.n_areas for point in estimate.path if point.event_time >= 0}
    (1.8, {0: 2, 1: 2, 2: 1})
    """

    controls: Controls = "never"

    card: ClassVar[Card] = Card(
        name="sun_abraham",
        controls="areas never treated in the window",
        base="the last period before the start",
        weighting="start by start and period by period, then by treated areas",
        title="Interaction-weighted event study",
        family="difference-in-differences",
        plain=(
            "Areas that start together are followed as one group and compared only with areas that are never treated, for every "
            "period before and after their start. The groups' effects are then averaged, each area counting once. Areas treated "
            "earlier never serve as comparison for later ones."
        ),
        estimand=(
            "Average effect on the treated areas over their fully exposed periods, every treated area and period counting once; "
            "all effects are relative to the last period before the start."
        ),
        assumptions=(
            "Without the programme the areas of every start and the areas never treated would have moved in parallel since the "
            "last period before that start.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the untreated areas.",
        ),
        limits=(
            "Everything is relative to one period. Where that period's figure is a noisy survey estimate, every effect of that "
            "start carries its error.",
            "A start with one or two areas has a path as noisy as they are.",
            "With area weights the effect of a start is a weighted mean over its areas, while starts are averaged by the number "
            "of areas.",
            "Conventional standard errors are wrong with few treated areas; the verdict rests on placebo assignments.",
        ),
        missing_cells=(
            "Allowed: cells without outcome or covariate are left out of the regression. An area counts in the averages at every "
            "event time of the window, observed or not; some area of every start must be observed at each of its event times."
        ),
        source=(
            "Sun & Abraham (2021), Journal of Econometrics 225(2), with all event times of the window and -1 as the reference; "
            "computed by pyfixest, and with further terms or missing cells by direct partialling out (Frisch & Waugh 1933)."
        ),
        compared_with=(
            "linearmodels PanelOLS in every finding; published: the simulated panel in the documentation of the R package fixest."
        ),
    )

    def __post_init__(self) -> None:
        """Refuse what is not an option."""
        Specification.__post_init__(self)
        if self.controls not in get_args(Controls):
            raise ConfigurationError(f"sun_abraham: controls is {self.controls!r}; it must be never or last.")

    @property
    def name(self) -> str:
        """Registry name."""
        return "sun_abraham"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense; areas never treated, or two starts of which the last compares."""
        untreated = 1 if self.controls == "never" else 0
        checks = [*requirements(comparison, untreated=untreated), *self.check_terms(comparison)]
        if self.controls == "last":
            starts = np.unique(comparison.first_treated[comparison.treated])
            checks.append(
                Check(
                    name="last_start",
                    title="There is a last start to compare with",
                    passed=starts.size > 1 and bool(comparison.treated.all()),
                    text=f"{starts.size} start(s) and {len(comparison.donors)} areas never treated: with controls='last' there "
                    "must be two starts at least and no area never treated; use controls='never' where there are such.",
                )
            )
        return checks

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the path of effects and its average.

        Raises
        ------
        DataError
            If no area is treated, there is none to compare with, one is treated from the first period, or an effect cannot be
            told apart.
        """
        refuse(self.check(comparison), comparison)
        used = _before_the_last_start(comparison) if self.controls == "last" else comparison
        cells = _cells(used)
        found = fit_regression(used, self, cells.effects)
        shares = cells.shares
        vcov = None if found.vcov is None else shares @ found.vcov @ shares.T
        errors = [None] * len(shares) if vcov is None else [float(v) for v in np.sqrt(np.maximum(np.diag(vcov), 0.0))]
        points = [
            PathPoint(event_time=REFERENCE, att=0.0, n_areas=len(cells.effects.first))
            if time == REFERENCE
            else PathPoint(event_time=int(time), att=float(att), n_areas=int(cells.count[cells.time == time].sum()), se=error)
            for time, att, error in zip(cells.times, shares @ found.coefficients, errors, strict=True)
        ]
        return Estimate(
            estimator=self.name,
            att=found.average(cells.effects),
            path=tuple(points),
            path_vcov=vcov,
            series=found.series,
            pre_rmspe=found.pre_rmspe,
            se=found.average_se(cells.effects),
            coefficients=found.others,
            notes=cells.notes,
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' starts; truly treated areas are left out.

        Places as `draw_places` draws them: as many neighbouring authorities as the treated place has, or every authority in turn
        where one is treated. Equal to `fit` on `merge_places`; an assignment that `fit` would refuse is left out. Closed forms
        but for further terms together with places of several authorities, which take a fit each (some 20 ms). Without
        areas never treated there are none. With weights every draw has a system of its own: 999 draws of nine places with four
        starts take 0.2 s with 34 periods and 3.5 s with 84.
        """
        refuse(self.check(comparison), comparison)
        return place_regression(comparison, self, _cells(comparison).effects, self.fit, draws=draws, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """Cells of start and event time: time (L,), count (L,) of areas, effects with one regressor a cell, notes.

    times (P,) are the different event times with the reference, shares (P, L) what the path takes of each cell.
    """

    time: np.ndarray
    count: np.ndarray
    times: np.ndarray
    shares: np.ndarray
    effects: Effects
    notes: tuple[str, ...]


def _cells(comparison: Comparison) -> _Cells:
    """Every start's event times in the window but the reference, and the average over fully exposed cells."""
    columns = np.flatnonzero(comparison.treated)
    first = comparison.first_treated[columns]
    exposure = comparison.exposure[:, columns].T
    cells = [(g, t) for g in np.unique(first) for t in range(comparison.n_periods) if t - g != REFERENCE]
    start, period = np.array(cells).T
    regressors = np.zeros((len(first), comparison.n_periods, len(cells)))
    for number, (g, t) in enumerate(cells):
        regressors[first == g, t, number] = 1.0
    count = np.array([(first == g).sum() for g in start])
    least = np.array([exposure[first == g, t].min() for g, t in cells])
    mean = np.array([exposure[first == g, t].mean() for g, t in cells])
    full = (period >= start) & (least >= FULL)
    notes: tuple[str, ...] = ()
    if full.any():
        average = full * count / (full * count).sum()
        part = int(((period >= start) & ~full).sum())
        if part:
            notes = (f"{part} combination(s) of start and period are exposed in part and not in the average.",)
    else:
        partial = (period >= start) & (mean > 0.0)
        average = partial * count / (partial * count * mean).sum()
        notes = ("No period is fully exposed: the average is scaled up by the share of the windows after the start.",)
    names = tuple(f"start {comparison.periods[g]}, event time {t - g}" for g, t in cells)
    time = period - start
    times = np.union1d(time, [REFERENCE])
    shares = (times[:, None] == time) * count.astype(float)
    # no cell has the reference: its effect is nought
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    effects = Effects(names=names, regressors=regressors, first=first, average=average, path=shares)
    return _Cells(time=time, count=count, times=times, shares=shares, effects=effects, notes=notes)


def _before_the_last_start(comparison: Comparison) -> Comparison:
    """The periods before the last start, whose areas count as never treated."""
    last = int(comparison.first_treated.max())
    return replace(
        comparison,
        periods=comparison.periods[:last],
        y=comparison.y[:last],
        exposure=comparison.exposure[:last],
        se=None if comparison.se is None else comparison.se[:last],
        covariates={name: values[:last] for name, values in comparison.covariates.items()},
        first_treated=np.where(comparison.first_treated == last, NEVER, comparison.first_treated),
    )

"""Imputation: what treated areas would have shown is fitted on everything untreated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.group_time import by_cluster
from evaluation.numerics.imputation import (
    TreatedCells,
    check_covariates,
    cluster_index,
    has_spread,
    impute_comparison,
    misfit_before,
    notes_on,
    place_placebos,
    series_of,
)
from evaluation.numerics.treated import refuse, requirements
from evaluation.numerics.untreated import Average, average_gaps, regress_untreated
from evaluation.results import Card, Check, Comparison, Estimate, PathPoint, Placebos


@dataclass(frozen=True, slots=True, kw_only=True)
class Imputation:
    """Imputation estimator of Borusyak, Jaravel & Spiess (2024).

    ``y_it = area_i + period_t + covariates + error_it`` is fitted on all untreated cells, and only on them. A treated cell's
    effect is its outcome less what the fit gives for it. `att` averages cells whose window lies wholly after the start; where
    there is none, cells with any exposure, divided by their average exposure, with a note. The first period whose window touches
    the programme is event time 0 and treated.

    The path's leads come from a regression of their own on the untreated cells, as its authors recommend: area and period
    effects and a coefficient for each of the last `leads` periods before the start, against all earlier ones. So they test
    parallel trends without being moved by the effects, and they are no gaps of the counterfactual shown.

    Parameters
    ----------
    covariates : tuple of str
        Covariates of the comparison that vary over time within areas.
    leads : int
        Number of leads; fewer where the panel has no earlier period to compare with.
    leave_out : bool
        Whether standard errors measure an effect's spread against the other areas of its start and event time alone (less biased
        with few areas; none where one area starts by itself) or against all of them.

    Examples
    --------
    Every area rises by 1 a year. The programme adds 1 in its first year, 2 in its second and 3 in its third, from year 3 in ``a``
    and from year 4 in ``b``. Untreated years alone say what the others would have been without it:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [11, 12, 14, 16, 18], "b": [21, 22, 23, 25, 27], "c": [31, 32, 33, 34, 35], "d": [6, 7, 8, 9, 10]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3, "b": 4})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = Imputation().fit(own)
    >>> {point.event_time: round(point.att, 6) for point in estimate.path if point.event_time >= 0}
    {0: 1.0, 1: 2.0, 2: 3.0}
    >>> round(estimate.att, 6)
    1.8
    """

    covariates: tuple[str, ...] = ()
    leads: int = 5
    leave_out: bool = False

    card: ClassVar[Card] = Card(
        name="imputation",
        controls="all area-periods without treatment",
        base="all periods before the start, each the same",
        weighting="every treated area-period the same",
        title="Imputation",
        family="difference-in-differences",
        plain=(
            "From all periods without the programme, in all areas, each area's usual level and each period's common movement "
            "are estimated. They say what a treated area would have shown without the programme; the rest is the effect, which "
            "is then averaged."
        ),
        estimand=(
            "Average effect on the treated areas over their fully exposed periods, each area and period counting once (by "
            "population where there are weights)."
        ),
        assumptions=(
            "Without the programme all areas would have moved in parallel in all periods, given the covariates where there are "
            "any.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the untreated areas.",
            "Covariates are not changed by the programme and act alike in all areas and periods.",
        ),
        limits=(
            "It leans on every period before the start. That makes it more precise than a comparison with the last one where "
            "errors are independent, and more exposed to trends that part early on.",
            "The first period whose window the start falls into is event time 0 and shows part of the effect. It is on the path "
            "as it is and left out of the average as long as there are fully exposed cells.",
            "Leads and effects are measured against different periods, so a step between them is no sign of an effect.",
            "The standard error is conservative where effects differ between areas, and too small where few areas start "
            "together, as an area's own effect then pulls the mean it is held against; none is given with one treated area. The "
            "verdict rests on placebo assignments.",
        ),
        missing_cells=(
            "Allowed, as long as every treated area has an untreated period and every period an untreated area; otherwise "
            "refused with the cells. The average is over the cells that are there."
        ),
        source=(
            "Borusyak, Jaravel & Spiess (2024), Review of Economic Studies 91(6), sections 4.1, 4.3 and 4.4; computed here in "
            "closed form."
        ),
        compared_with=(
            "The second stage of Gardner (2022) by pyfixest, which has the same points; dummy regressions, points and standard "
            "errors; with one period before the start, the group-time estimator."
        ),
    )

    def __post_init__(self) -> None:
        """Refuse a negative number of leads."""
        object.__setattr__(self, "covariates", tuple(self.covariates))
        if self.leads < 0:
            raise ConfigurationError(f"imputation: leads is {self.leads}; it must be 0 or more.")

    @property
    def name(self) -> str:
        """Registry name."""
        return "imputation"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense; at least one area must never be treated."""
        return [*requirements(comparison, untreated=1), check_covariates(comparison, self.covariates)]

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the average effect, its path and the leads.

        Raises
        ------
        DataError
            If no area is treated, none is untreated, untreated cells do not determine a treated one, or a covariate is explained
            by area and period effects.
        """
        refuse(self.check(comparison), comparison)
        cells = impute_comparison(comparison, self.covariates)
        notes = notes_on(cells)
        clusters = cluster_index(comparison)
        times, label = cells.by_event_time(cells.after)
        lags = self._average(comparison, cells, label, cells.share_by(label))
        whole = self._average(comparison, cells, np.where(cells.kept, 0, -1), cells.share)
        lead_times, leads = self._leads(comparison, cells)
        if len(lead_times) < self.leads:
            notes.append(f"{len(lead_times)} lead(s) instead of {self.leads}: there is no earlier period to compare with.")
        effect = np.concatenate([leads.effect, lags.effect])
        influence = by_cluster(np.vstack([leads.influence, lags.influence]), clusters)
        exact = has_spread(comparison)
        if exact and self.leave_out and _alone(comparison, cells).any():
            exact = False
            notes.append("No standard error is given: an area starts by itself, and leaving it out leaves nothing to compare.")
        elif not exact:
            notes.append("No standard error is given: one area alone is treated, or never treated, and shows no spread.")
        error = np.sqrt((influence**2).sum(axis=1))
        before = [int((cells.imputed.untreated & comparison.treated & (cells.event_time == time)).sum()) for time in lead_times]
        count = [*before, *np.bincount(label[label >= 0])]
        return Estimate(
            estimator=self.name,
            att=float(whole.effect[0]),
            path=tuple(
                PathPoint(
                    event_time=int(time), att=float(effect[k]), n_areas=int(count[k]), se=float(error[k]) if exact else None
                )
                for k, time in enumerate([*lead_times, *times])
            ),
            path_vcov=influence @ influence.T if exact else None,
            series=series_of(comparison, cells),
            pre_rmspe=misfit_before(cells, comparison.treated),
            se=float(np.sqrt((by_cluster(whole.influence, clusters) ** 2).sum())) if exact else None,
            notes=tuple(notes),
        )

    def _average(self, comparison: Comparison, cells: TreatedCells, label: np.ndarray, share: np.ndarray) -> Average:
        """Averages over sets of cells; an effect's error is its distance from those of the same start and event time."""
        kind = np.where(
            label >= 0, comparison.first_treated * comparison.n_periods + np.arange(comparison.n_periods)[:, None], -1
        )
        chosen = kind >= 0
        group = np.unique(kind[chosen], return_inverse=True)[1]
        square, gap = share[chosen] ** 2, cells.imputed.gap[chosen]
        above, below = np.bincount(group, weights=square * gap)[group], np.bincount(group, weights=square)[group]
        if self.leave_out:
            above, below = above - square * gap, below - square
        centre = np.zeros(label.shape)
        centre[chosen] = np.divide(above, below, out=gap.copy(), where=below > 1e-12 * square)
        return average_gaps(cells.imputed, label=label, share=share, centre=centre)

    def _leads(self, comparison: Comparison, cells: TreatedCells) -> tuple[list[int], Average]:
        """Event times and coefficients of the leads, fewer where they cannot be told apart."""
        before = cells.imputed.untreated & comparison.treated
        longest = -int(cells.event_time[before].min())
        for number in range(min(self.leads, longest - 1), 0, -1):
            times = list(range(-number, 0))
            terms = (before[:, :, None] & (cells.event_time[:, :, None] == times)).astype(float)
            found = regress_untreated(cells.imputed, terms)
            if found is not None:
                return times, found
        return [], Average(effect=np.zeros(0), influence=np.zeros((0, len(comparison.areas))))

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' starts; truly treated areas are left out.

        Places as `draw_places` draws them: as many neighbouring authorities as the treated place has, or every authority in turn
        where one is treated. Equal to `fit` on `merge_places`. On a complete panel without covariates all are one batch;
        otherwise each is a fit (3 ms with 250 areas and 34 periods), and one that is refused is left out.
        """
        refuse(self.check(comparison), comparison)
        return place_placebos(comparison, self.covariates, self.fit, leads=self.leads, draws=draws, seed=seed)


def _alone(comparison: Comparison, cells: TreatedCells) -> np.ndarray:
    """Boolean (T, N): cells whose start no other area that is there shares."""
    number = np.zeros(cells.after.shape)
    for start in np.unique(comparison.first_treated[comparison.treated]):
        same = comparison.first_treated == start
        number[:, same] = cells.after[:, same].sum(axis=1, keepdims=True)
    return cells.after & (number == 1.0)

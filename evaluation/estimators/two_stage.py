"""Two-stage difference-in-differences: effects of area and period first, from untreated cells, then the treatment's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.numerics.group_time import by_cluster
from evaluation.numerics.imputation import (
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
from evaluation.numerics.untreated import average_gaps
from evaluation.results import Card, Check, Comparison, Estimate, PathPoint, Placebos


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoStage:
    """Two-stage difference-in-differences of Gardner (2022).

    First stage: ``y_it = area_i + period_t + covariates + error_it`` on untreated cells. Second stage: the outcome less that, of
    all cells, is regressed on treatment. The points are those of the imputation estimator; the standard error takes both stages
    together as one method of moments, and holds an effect against the average of all rather than of those with the same start.

    `att` is the coefficient of full exposure; where no cell is fully exposed, the average over cells with any exposure divided by
    their average exposure, with a note. The path has a coefficient for every event time, leads among them: those are mean
    residuals of the first stage, which has already seen these cells, and so lie closer to nought than the leads of other methods.

    Parameters
    ----------
    covariates : tuple of str
        Covariates of the comparison that vary over time within areas.

    Examples
    --------
    Every area rises by 1 a year. The programme adds 1 in its first year, 2 in its second and 3 in its third, from year 3 in ``a``
    and from year 4 in ``b``. The points are those of the imputation estimator, the standard error is not:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [11, 12, 14, 16, 18], "b": [21, 22, 23, 25, 27], "c": [31, 32, 33, 34, 35], "d": [6, 7, 8, 9, 10]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3, "b": 4})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = TwoStage().fit(own)
    >>> round(estimate.att, 6), {point.event_time: round(point.att, 6) for point in estimate.path if point.event_time >= 0}
    (1.8, {0: 1.0, 1: 2.0, 2: 3.0})
    >>> estimate.se > 0
    True
    """

    covariates: tuple[str, ...] = ()

    card: ClassVar[Card] = Card(
        name="two_stage",
        controls="all area-periods without treatment",
        base="all periods before the start, each the same",
        weighting="every treated area-period by its exposure",
        title="Two-stage difference-in-differences",
        family="difference-in-differences",
        plain=(
            "Each area's usual level and each period's common movement are estimated where and when there is no programme, and "
            "taken away everywhere. What is left of the treated areas after their start is averaged."
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
            "It leans on every period before the start, like the imputation estimator, whose points it shares: the two count as "
            "one piece of evidence.",
            "Leads are residuals of the first stage and are pulled towards nought; they are no test of parallel trends as the "
            "imputation estimator's are.",
            "The first period whose window the start falls into is event time 0 and shows part of the effect. It is on the path "
            "as it is and left out of the average as long as there are fully exposed cells.",
            "Conventional standard errors are wrong with few treated areas, and none is given with one; the verdict rests on "
            "placebo assignments.",
        ),
        missing_cells=(
            "Allowed, as long as every treated area has an untreated period and every period an untreated area; otherwise "
            "refused with the cells. The average is over the cells that are there."
        ),
        source=("Gardner (2022), Two-stage differences in differences, arXiv:2207.05943; computed here in closed form."),
        compared_with="pyfixest did2s: points and standard errors, static and by event time; the imputation estimator: points.",
    )

    def __post_init__(self) -> None:
        """Take covariates in any sequence."""
        object.__setattr__(self, "covariates", tuple(self.covariates))

    @property
    def name(self) -> str:
        """Registry name."""
        return "two_stage"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense; at least one area must never be treated."""
        return [*requirements(comparison, untreated=1), check_covariates(comparison, self.covariates)]

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the average effect and its path.

        Raises
        ------
        DataError
            If no area is treated, none is untreated, untreated cells do not determine a treated one, or a covariate is explained
            by area and period effects.
        """
        refuse(self.check(comparison), comparison)
        cells = impute_comparison(comparison, self.covariates)
        gap, clusters = cells.imputed.gap, cluster_index(comparison)
        times, label = cells.by_event_time(cells.imputed.there & comparison.treated)
        share = cells.share_by(label)
        mean = np.bincount(label[label >= 0], weights=(share * gap)[label >= 0])
        path = average_gaps(cells.imputed, label=label, share=share, centre=np.where(label >= 0, mean[label], 0.0))
        att = float((cells.share * gap).sum())
        whole = average_gaps(cells.imputed, label=np.where(cells.kept, 0, -1), share=cells.share, centre=att * cells.exposure)
        notes, exact = notes_on(cells), has_spread(comparison)
        if not exact:
            notes.append("No standard error is given: one area alone is treated, or never treated, and shows no spread.")
        influence = by_cluster(path.influence, clusters)
        error, count = np.sqrt((influence**2).sum(axis=1)), np.bincount(label[label >= 0])
        return Estimate(
            estimator=self.name,
            att=att,
            path=tuple(
                PathPoint(event_time=int(time), att=float(mean[k]), n_areas=int(count[k]), se=float(error[k]) if exact else None)
                for k, time in enumerate(times)
            ),
            path_vcov=influence @ influence.T if exact else None,
            series=series_of(comparison, cells),
            pre_rmspe=misfit_before(cells, comparison.treated),
            se=float(np.sqrt((by_cluster(whole.influence, clusters) ** 2).sum())) if exact else None,
            notes=tuple(notes),
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' starts; those of the imputation estimator, with its cost."""
        refuse(self.check(comparison), comparison)
        return place_placebos(comparison, self.covariates, self.fit, leads=None, draws=draws, seed=seed)

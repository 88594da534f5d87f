"""Two-way fixed effects: one number for the effect of full exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.numerics.bacon import decompose
from evaluation.numerics.regression import Effects, fit_regression, place_regression
from evaluation.numerics.specification import Specification
from evaluation.numerics.treated import refuse, requirements
from evaluation.results import NEVER, Card, Check, Comparison, DecompositionPart, Estimate, Placebos


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWayFixedEffects(Specification):
    """Difference-in-differences as a regression of the outcome on exposure with area and period effects.

    ``y_it = area_i + period_t + att * exposure_it + error_it``, with `Comparison.weights` where there are any. Exposure is the
    share of a period's reference window after the start, so a window that straddles the start counts in part. Goodman-Bacon
    (2021, theorem 1) shows what `att` averages under several starts.

    The gap of a treated area is its outcome minus the fitted area and period effects. `Estimate.series` shows the mean gap of the
    treated areas; `Estimate.pre_rmspe` is its root mean square over periods before the start (with several starts, over the areas
    not started yet in each period). With more terms (`Specification`) the gap is after those as well.

    Parameters
    ----------
    dose : bool
        Exposure is an amount, such as a share of households, and areas may have some from the first period on. `att` is then the
        effect of one unit, and there need be no period before the start.

    Examples
    --------
    ``a`` rises by 3 where ``b`` and ``c`` rise by 1:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> frame = pd.DataFrame({"area": list("aabbcc"), "year": [1, 2] * 3, "rate": [20, 23, 18, 19, 25, 26]})
    >>> frame["start"] = frame["area"].map({"a": 2})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> round(TwoWayFixedEffects().fit(own).att, 6)
    2.0
    """

    dose: bool = False

    card: ClassVar[Card] = Card(
        name="twfe",
        controls="all areas in the same period, those treated earlier or later among them",
        base="all periods before the start, each the same",
        weighting="area-periods by how much their exposure varies; with several starts some count negatively",
        title="Two-way fixed effects",
        family="difference-in-differences",
        plain=(
            "The change in the treated areas after the start is compared with the change in untreated areas over the same "
            "time. What the untreated areas went through is taken as what the treated areas would have gone through without "
            "the programme. The result is one number for the whole time after the start."
        ),
        estimand=(
            "Average effect of full exposure on the treated areas after their start. With one start and an effect that is the "
            "same in every period it is that effect; with several starts it is a weighted average whose weights the data "
            "choose and which can be negative."
        ),
        assumptions=(
            "Without the programme the treated and untreated areas would have moved in parallel.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the untreated areas.",
            "A period exposed for a share of its window shows that share of the full effect.",
            "With several starts: the effect is the same in every area and does not grow or fade.",
        ),
        limits=(
            "With several starts, areas treated earlier serve as comparison for later ones; effects that grow over time are "
            "then understated and can even change sign. How much weight such comparisons have is a check of every finding; "
            "the interaction-weighted event study, the stacked one, local projections and group-time effects do without them.",
            "The conventional standard error is wrong with few treated areas; the verdict rests on placebo assignments.",
            "The small-sample factor of the standard error counts all area and period effects. Leaving out those nested in "
            "clusters, as much published work does (small_sample='nested'), gives one smaller by about the square root of "
            "(T - 1) / T with T periods: 29 per cent with two, 6 with eight, 1 with forty.",
            "Covariates are taken to have the same effect everywhere and not to be changed by the programme; one that the "
            "programme changes takes part of the effect with it.",
        ),
        missing_cells=(
            "Allowed: cells without outcome or covariate are left out of the regression, and the areas that have them count "
            "less. A treated area must be observed in every period."
        ),
        source=(
            "Goodman-Bacon (2021), Journal of Econometrics 225(2), theorem 1; Borusyak, Jaravel & Spiess (2024), Review of "
            "Economic Studies 91(6); computed by pyfixest, and with further terms or missing cells by direct partialling out "
            "(Frisch & Waugh 1933)."
        ),
        compared_with=(
            "linearmodels PanelOLS and statsmodels standard errors in every finding; published: Card & Krueger (1994) tables "
            "3 and 4, Meyer, Viscusi & Durbin (1995) by the textbook's data, Cheng & Hoekstra (2013) table 5 with its controls, "
            "region-by-year effects and trends, Callaway & Sant'Anna (2021) county data, Baker and others (2025) tables 2, 3 "
            "and 5, Proposition 99, Universal Credit and child poverty as a dose."
        ),
    )

    @property
    def name(self) -> str:
        """Registry name."""
        return "twfe"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense.

        Areas that are all treated in the end can be enough, so no untreated area is asked for here; a fit that they cannot carry
        is refused.
        """
        checks = requirements(comparison, untreated=0)
        if self.dose:
            checks = [check for check in checks if check.name != "periods_before"]
        return [*checks, *self.check_terms(comparison)]

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the effect of full exposure, or of one unit of a dose.

        Returns
        -------
        Estimate
            `path` is empty: the model has one effect.

        Raises
        ------
        DataError
            If no area is treated, one is treated from the first period (unless exposure is a dose), or area and period effects
            or other terms explain the exposure.
        """
        refuse(self.check(comparison), comparison)
        effects = _effects(comparison)
        found = fit_regression(comparison, self, effects)
        starts = np.unique(effects.first)
        notes = (
            (
                f"Starts fall into {starts.size} periods: areas treated earlier also serve as comparison for later ones, "
                "so an effect that grows or fades is averaged with weights that can be negative.",
            )
            if starts.size > 1
            else ()
        )
        return Estimate(
            estimator=self.name,
            att=found.average(effects),
            path=(),
            series=found.series,
            pre_rmspe=found.pre_rmspe,
            se=found.average_se(effects),
            coefficients=found.others,
            decomposition=self._decomposed(comparison) if starts.size > 1 else (),
            notes=notes,
        )

    def _decomposed(self, comparison: Comparison) -> tuple[DecompositionPart, ...]:
        """The comparisons the estimate averages (`decompose`), where the model is the plain one and treatment is there or not."""
        step = comparison.treated & (np.arange(comparison.n_periods)[:, None] >= comparison.first_treated)
        if self != TwoWayFixedEffects() or not comparison.observed.all() or not np.array_equal(comparison.exposure, step):
            return ()
        return tuple(
            DecompositionPart(
                kind=one.kind,
                treated_from=comparison.periods[one.treated],
                control_from="" if one.control == NEVER else comparison.periods[one.control],
                weight=one.weight,
                estimate=one.estimate,
            )
            for one in decompose(comparison).comparisons
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' exposure; truly treated areas are left out.

        Places as `draw_places` draws them: as many neighbouring authorities as the treated place has, or every authority in turn
        where one is treated. Equal to `fit` on `merge_places`; an assignment that `fit` would refuse is left out. Closed forms
        but for further terms together with places of several authorities, which take a fit each (some 20 ms).
        """
        refuse(self.check(comparison), comparison)
        return place_regression(comparison, self, _effects(comparison), self.fit, draws=draws, seed=seed)


def _effects(comparison: Comparison) -> Effects:
    """Exposure of the treated areas as the one regressor."""
    columns = np.flatnonzero(comparison.treated)
    return Effects(
        names=("exposure",),
        regressors=comparison.exposure[:, columns].T[:, :, None],
        first=comparison.first_treated[columns],
        average=np.ones(1),
    )

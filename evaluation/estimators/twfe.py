"""Two-way fixed effects: one number for the effect of full exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.numerics.assignment import draw_assignments, fit_assignments
from evaluation.numerics.fixed_effects import fit_fixed_effects
from evaluation.numerics.treated import refuse, requirements, treated_mean
from evaluation.results import Card, Check, Comparison, Estimate, Placebos


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWayFixedEffects:
    """Difference-in-differences as a regression of the outcome on exposure with area and period effects.

    ``y_it = area_i + period_t + att * exposure_it + error_it``, with `Comparison.weights` where there are any. Exposure is the
    share of a period's reference window after the start, so a window that straddles the start counts in part. Goodman-Bacon
    (2021, theorem 1) shows what `att` averages under several starts.

    The gap of a treated area is its outcome minus the fitted area and period effects. `Estimate.series` shows the mean gap of the
    treated areas; `Estimate.pre_rmspe` is its root mean square over periods before the start (with several starts, over the areas
    not started yet in each period).
    """

    card: ClassVar[Card] = Card(
        name="twfe",
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
            "then understated and can even change sign. The event study shows the path, and a later group-time estimator is "
            "made for this case.",
            "The conventional standard error is wrong with few treated areas; the verdict rests on placebo assignments.",
            "The small-sample factor of the standard error counts all area and period effects. Leaving out those nested in "
            "clusters, as much published work does, gives one smaller by about the square root of (T - 1) / T with T periods: "
            "29 per cent with two, 6 with eight, 1 with forty.",
        ),
        missing_cells="None allowed: a comparison is rectangular. Areas and periods with gaps are left out before, with reasons.",
        source=(
            "Goodman-Bacon (2021), Journal of Econometrics 225(2), theorem 1; Borusyak, Jaravel & Spiess (2024), Review of "
            "Economic Studies 91(6); computed by pyfixest."
        ),
        compared_with=(
            "linearmodels PanelOLS and statsmodels standard errors in every finding; published: Card & Krueger (1994) table "
            "3, Cheng & Hoekstra (2013) table 5, Callaway & Sant'Anna (2021) county data, Baker and others (2025) table 3, "
            "Proposition 99."
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
        return requirements(comparison, untreated=0)

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the effect of full exposure.

        Returns
        -------
        Estimate
            `path` is empty: the model has one effect.

        Raises
        ------
        DataError
            If no area is treated, one is treated from the first period, or area and period effects explain the exposure.
        """
        refuse(self.check(comparison), comparison)
        frame, weights = comparison.to_frame(), None
        if comparison.weights is not None:
            frame["weight"], weights = np.tile(comparison.weights, comparison.n_periods), "weight"
        treated = treated_mean(comparison)
        # the closed form refuses what cannot be told apart before the regression starts
        fit_assignments(comparison.y, areas=treated.columns[None, :], weights=comparison.weights, **_regressors(comparison))
        regression = fit_fixed_effects(frame, "y ~ exposure | unit + time", n_coefficients=1, weights=weights)
        gaps = fit_assignments(
            comparison.y,
            areas=treated.columns[None, :],
            weights=comparison.weights,
            coefficients=regression.coefficients[None, :],
            **_regressors(comparison),
        )
        starts = np.unique(comparison.first_treated[treated.columns])
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
            att=float(regression.coefficients[0]),
            path=(),
            series=treated.beside(treated.observed - gaps.gap[0], comparison.periods),
            pre_rmspe=float(gaps.pre_rmspe[0]),
            se=None if regression.vcov is None else float(np.sqrt(regression.vcov[0, 0])),
            notes=notes,
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' exposure; truly treated areas are left out.

        One treated area: every untreated area in turn, with gaps. Several: `draws` random assignments. Equal to `fit` on the
        panel so relabelled.
        """
        refuse(self.check(comparison), comparison)
        donors = np.flatnonzero(~comparison.treated)
        regressors = _regressors(comparison)
        chosen = draw_assignments(n_areas=donors.size, n_treated=len(regressors["first"]), draws=draws, seed=seed)
        fits = fit_assignments(
            comparison.y[:, donors],
            areas=chosen.areas,
            weights=None if comparison.weights is None else comparison.weights[donors],
            **regressors,
        )
        single = len(regressors["first"]) == 1
        return Placebos(
            att=fits.coefficients[:, 0],
            pre_rmspe=fits.pre_rmspe,
            gaps=fits.gap if single else None,
            labels=comparison.donors if single and len(chosen.areas) else (),
            exhaustive=chosen.exhaustive,
        )


def _regressors(comparison: Comparison) -> dict[str, np.ndarray]:
    """Exposure (K, T, 1) and first treated period (K,) of the treated areas."""
    columns = np.flatnonzero(comparison.treated)
    return {"regressors": comparison.exposure[:, columns].T[:, :, None], "first": comparison.first_treated[columns]}

"""Synthetic control: a weighted mean of untreated areas that follows the treated one before its start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.numerics.simplex import EXACT, fit_simplex
from evaluation.numerics.treated import refuse, requirements, treated_mean
from evaluation.results import Card, Check, Comparison, DonorWeight, Estimate, PathPoint, Placebos

FEWEST = 6
"""Periods before the start from which the last third, two at least, can be spared to see how the mix predicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticControl:
    """Synthetic control on the outcomes of all periods before the start, one treated area.

    Weights ``w >= 0``, ``sum w = 1`` minimise the squared differences between the treated area and the weighted donors over the
    periods before the start (exposure 0). The gap is treated minus weighted donors; `att` is the slope of the gap on exposure
    through zero, ``sum(e * gap) / sum(e^2)``: the mean gap after the start where exposure is 0 or 1. `Estimate.pre_rmspe` is the
    root mean square of the gap before the start; `Estimate.prediction_rmspe` is that of the last third of those periods when the
    weights see only the first two. `Comparison.weights` play no part: there is one treated area.
    """

    card: ClassVar[Card] = Card(
        name="synthetic_control",
        title="Synthetic control",
        family="synthetic control",
        plain=(
            "Untreated areas are mixed in fixed shares so that the mix follows the treated area before the start as closely "
            "as possible. After the start the mix stands for the treated area without the programme; the difference between "
            "the two is the effect."
        ),
        estimand="Average effect of full exposure on the one treated area over the periods after its start.",
        assumptions=(
            "A mix that follows the area over many periods before the start would also have followed it afterwards.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the donors, and nothing else of its size happens to them.",
            "The area lies among the donors: it is not the highest or the lowest of all.",
        ),
        limits=(
            "With few periods before the start, or noisy survey figures, the mix fits chance; it then moves back towards the "
            "mean after the start, which looks like an effect. The fit before the start is no proof, so chance is measured by "
            "how the mix predicts periods it has not seen.",
            "Where donors outnumber the periods before the start, several mixes can fit equally well and give different "
            "effects; a note says so when the fit is exact.",
            "It takes one treated area. Several areas with their own starts need a staggered synthetic control, which is "
            "another estimator.",
            "It has no standard error; chance is judged by placebo areas.",
        ),
        missing_cells="None allowed: a comparison is rectangular. Areas and periods with gaps are left out before, with reasons.",
        source=(
            "Abadie, Diamond & Hainmueller (2010), Journal of the American Statistical Association 105(490), "
            "with the outcomes of all periods before the start as predictors, equally weighted; Doudchenko & Imbens (2016), "
            "NBER working paper 22791."
        ),
        compared_with=(
            "SciPy's non-negative least squares in every finding; the quadratic-programming solver Clarabel; pysyncon; "
            "published: Proposition 99 as in Arkhangelsky and others (2021), American Economic Review 111(12), table 1."
        ),
    )

    @property
    def name(self) -> str:
        """Registry name."""
        return "synthetic_control"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense: one treated area, one donor, periods before and after."""
        checks = requirements(comparison, untreated=1)
        n_treated = int(comparison.treated.sum())
        single = Check(
            name="one_treated_area",
            title="One area is treated",
            passed=n_treated <= 1,
            text="One area is treated."
            if n_treated <= 1
            else f"{n_treated} areas are treated and this method takes one; several need a staggered one, another estimator.",
        )
        return [*checks, single]

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the gap between the treated area and its weighted donors.

        Raises
        ------
        DataError
            If several areas are treated, or none; if there is no donor or no period before the start.
        """
        refuse(self.check(comparison), comparison)
        treated = treated_mean(comparison)
        start = int(comparison.first_treated[treated.columns[0]])
        donors = np.flatnonzero(~comparison.treated)
        y0 = comparison.y[:, donors]
        fit = fit_simplex(y0[:start], treated.observed[:start, None])
        counterfactual = y0 @ fit.weights[0]
        gap = treated.observed - counterfactual
        misfit = _prediction_rmspe(y0[:start], treated.observed[:start, None])
        notes = []
        spread = ((y0[:start] - treated.observed[:start, None]) ** 2).sum(axis=0).mean()
        if fit.objective[0] <= EXACT * spread:
            notes.append(
                "The donors fit the periods before the start exactly: other weights may fit as well and give another effect."
            )
        return Estimate(
            estimator=self.name,
            att=float(_slope(gap, treated.exposure)),
            path=tuple(PathPoint(event_time=t - start, att=float(g), n_areas=1) for t, g in enumerate(gap)),
            series=treated.beside(counterfactual, comparison.periods),
            pre_rmspe=float(np.sqrt(np.mean(gap[:start] ** 2))),
            prediction_rmspe=None if misfit is None else float(misfit[0]),
            weights=tuple(
                DonorWeight(area=comparison.areas[n], name=comparison.area_names[n], weight=float(w))
                for n, w in zip(donors, fit.weights[0], strict=True)
                if w > 0.0
            ),
            notes=tuple(notes),
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Every donor in turn as if treated from the treated area's start, which itself is left out; `draws` and `seed` are not
        used.

        Equal to `fit` on the panel so relabelled.
        """
        refuse(self.check(comparison), comparison)
        treated = treated_mean(comparison)
        start = int(comparison.first_treated[treated.columns[0]])
        y0 = comparison.y[:, ~comparison.treated]
        if y0.shape[1] < 2:
            return Placebos(att=np.zeros(0), pre_rmspe=np.zeros(0), gaps=None, labels=(), exhaustive=True)
        others = ~np.eye(y0.shape[1], dtype=bool)
        fit = fit_simplex(y0[:start], y0[:start], allowed=others)
        gaps = y0.T - fit.weights @ y0.T
        return Placebos(
            att=_slope(gaps, treated.exposure),
            pre_rmspe=np.sqrt(np.mean(gaps[:, :start] ** 2, axis=1)),
            prediction_rmspe=_prediction_rmspe(y0[:start], y0[:start], allowed=others),
            gaps=gaps,
            labels=comparison.donors,
            exhaustive=True,
        )


def _slope(gap: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Slope through zero of gaps (..., T) on exposure (T,)."""
    return gap @ exposure / (exposure @ exposure)


def _prediction_rmspe(donors: np.ndarray, targets: np.ndarray, *, allowed: np.ndarray | None = None) -> np.ndarray | None:
    """Root mean squared error (R,) in the last third of the periods before the start when weights see only the earlier ones.

    `donors` (T0, J) and `targets` (T0, R) hold the periods before the start. None with fewer than `FEWEST` of them.
    """
    periods = len(donors)
    if periods < FEWEST:
        return None
    seen = periods - periods // 3
    fit = fit_simplex(donors[:seen], targets[:seen], allowed=allowed)
    errors = targets[seen:] - donors[seen:] @ fit.weights.T
    return np.asarray(np.sqrt(np.mean(errors**2, axis=0)))

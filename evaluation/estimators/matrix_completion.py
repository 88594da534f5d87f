"""Matrix completion: outcomes without the programme filled in by area and period effects and a matrix of low rank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.completion import coverage, estimate_by_completion
from evaluation.numerics.low_rank import TwoWay, fit_low_rank, largest_penalty
from evaluation.numerics.placing import is_by_authority, refit_places
from evaluation.numerics.treated import refuse, requirements
from evaluation.results import Card, Check, Comparison, Estimate, Placebos

GRID = 0.75 ** np.arange(13)
"""Penalties tried, as shares of the smallest that leaves nothing of the low rank; 1 = area and period effects alone."""

TUNING_TOLERANCE = 1e-6
"""Convergence while penalties are compared; the estimate itself converges further."""

FEWEST_TO_TUNE = 3
"""Periods before the first start without which no penalty can be tried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCompletion:
    """Matrix completion with a nuclear-norm penalty; any starts, gaps allowed.

    ``y_it = area_i + period_t + L_it + error_it`` is fitted to all observed cells without exposure, the effects freely, L with
    the penalty ``tau`` on the sum of its singular values; the treated cells are then filled in. `att` is the slope of
    observed less filled in on exposure through zero over the treated cells, areas by their weight: the mean over treated
    cells where exposure is 0 or 1. `Comparison.weights` play no part in the fit, covariates none at all.

    The penalty is ``c s (sqrt(T) + sqrt(N))`` with s the root mean square of the outcomes after effects: noise alone would have
    singular values of that order in a panel of any size. c is chosen by cross-validation on the periods before the first
    start: areas are dealt into `folds` groups, the last third of those periods of one group is kept back in turn, and the c that
    predicts them best is taken. This asks for what the estimate needs, the future of an area from its past; keeping back cells at
    random, as in the source, asks for gaps to be filled between neighbouring periods and chooses smaller penalties where errors
    last. It also gives all placebos of a panel one penalty.

    Parameters
    ----------
    penalty : float or None
        c itself; None = by cross-validation, infinite = area and period effects alone.
    folds : int
        Groups of areas in the cross-validation.
    seed : int
        Of the dealing into groups (areas in the order of their codes).

    Examples
    --------
    A wave runs through all areas, in ``a`` three times and in ``c`` twice as strong as in ``b``, and not in ``d``; from year 5 on
    ``a`` is 4 higher. Area and period effects alone take part of the wave for an effect; a smaller penalty lets
    more of it be filled in:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [10, 13, 10, 16, 14, 17], "b": [5, 6, 5, 7, 5, 6], "c": [7, 9, 7, 11, 7, 9], "d": [2, 2, 2, 2, 2, 2]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5, 6]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 5})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> round(MatrixCompletion(penalty=float("inf")).fit(own).att, 2)
    3.5
    >>> round(MatrixCompletion(penalty=0.1).fit(own).att, 2)
    3.88
    """

    penalty: float | None = None
    folds: int = 5
    seed: int = 0

    card: ClassVar[Card] = Card(
        name="matrix_completion",
        controls="all area-periods without treatment, through a few common patterns",
        base="what those patterns predict",
        weighting="every treated area-period the same",
        title="Matrix completion",
        family="synthetic control",
        plain=(
            "What treated areas would have shown without the programme is filled in from all figures without it: every area has "
            "its level, every period its shift, and areas may follow a few common movements to different degrees. The observed "
            "figures less those filled in are the effect."
        ),
        estimand=(
            "Average effect of full exposure on the treated areas over their treated periods; every treated cell counts alike."
        ),
        assumptions=(
            "Without the programme outcomes are levels, shifts and few common movements, plus noise unrelated to the programme.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the untreated areas, and nothing else of its size happens to the treated ones.",
        ),
        limits=(
            "The penalty shrinks common movements towards nothing: where they matter and few periods come before the start, "
            "part of them stays in the estimate.",
            "With fewer than three periods before the first start no penalty can be tried, and area and period effects alone are "
            "used: difference-in-differences by imputation.",
            "Missing figures must be missing for reasons unrelated to what they would have been.",
            "It has no standard error; chance is judged by placebo areas.",
        ),
        missing_cells=(
            "Allowed: cells without a figure are left out of the fit. Every area needs a figure before its start and every "
            "period one of an area without the programme."
        ),
        source=(
            "Athey, Bayati, Doudchenko, Imbens & Khosravi (2021), Journal of the American Statistical Association 116(536), "
            "section 4; Mazumder, Hastie & Tibshirani (2010), Journal of Machine Learning Research 11."
        ),
        compared_with=(
            "The conditions of a minimum (singular vectors of the residual), from two beginnings; with an infinite penalty, the "
            "imputation estimate by least squares on dummies, gaps included."
        ),
    )

    def __post_init__(self) -> None:
        """Refuse options that mean nothing."""
        if self.folds < 2:
            raise ConfigurationError(f"matrix_completion: folds is {self.folds}; it must be at least 2.")
        if self.penalty is not None and not self.penalty > 0.0:
            raise ConfigurationError(f"matrix_completion: penalty is {self.penalty}; it must be positive, or None to choose it.")

    @property
    def name(self) -> str:
        """Registry name."""
        return "matrix_completion"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense: an area never treated, periods before and after, figures to fit."""
        return [*requirements(comparison, untreated=1), *coverage(comparison)]

    def fit(self, comparison: Comparison) -> Estimate:
        """Fill in the treated cells and compare.

        Raises
        ------
        DataError
            If no area is treated or none untreated, one is treated from the first period, or an area or period has no figure
            without the programme.
        """
        return self._fit(comparison, None)

    def _fit(self, comparison: Comparison, size: float | None) -> Estimate:
        """Estimate with the penalty's size given, or chosen."""
        refuse(self.check(comparison), comparison)
        size = self.penalty_size(comparison, np.arange(len(comparison.areas))) if size is None else size
        notes = []
        if np.isinf(size):
            notes.append("No common movements beside area and period effects improve the prediction, so none are used.")
        if comparison.covariates:
            notes.append(f"Covariates are not used: {', '.join(comparison.covariates)}.")
        return estimate_by_completion(comparison, _Completion(size=size), name=self.name, notes=tuple(notes))

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Untreated areas in the treated areas' places, which are left out.

        Places as `draw_places` draws them; each is a fit on `merge_places`, and one that is refused is left out. Two searches
        each: 300 authorities in turn take about 5 s with 35 periods and 13 s with 84 (a search takes about ten steps from
        nothing, so beginning at a neighbour's result would save little). Places of several authorities choose the penalty anew
        each, at about 80 ms with 34 periods.
        """
        refuse(self.check(comparison), comparison)
        # placebos that only rename areas share what the penalty is chosen from
        alike = is_by_authority(comparison)
        size = self.penalty_size(comparison, np.flatnonzero(~comparison.treated)) if alike else None
        return refit_places(partial(self._fit, size=size), comparison, draws=draws, seed=seed)

    def penalty_size(self, comparison: Comparison, columns: np.ndarray) -> float:
        """The penalty divided by ``sqrt(T) + sqrt(N)``, from the areas in `columns` before the first start."""
        early = int(comparison.first_treated[comparison.treated].min())
        columns = columns[np.argsort(np.array(comparison.areas)[columns], kind="stable")]
        y = comparison.y[:early, columns]
        mask = np.isfinite(y)
        some = mask.any(axis=0)
        y, mask = y[:, some][mask[:, some].any(axis=1)], mask[:, some][mask[:, some].any(axis=1)]
        if self.penalty is not None:
            return np.inf if np.isinf(self.penalty) else self.penalty * _spread(y, mask)
        if len(y) < FEWEST_TO_TUNE or y.shape[1] < self.folds:
            return float(np.inf)
        largest = largest_penalty(y, mask)
        error = np.zeros(GRID.size)
        seen = len(y) - max(len(y) // 3, 1)
        group = np.random.default_rng(self.seed).permutation(np.arange(y.shape[1]) % self.folds)
        for fold in range(self.folds):
            held = mask & (group == fold) & (np.arange(len(y))[:, None] >= seen)
            kept = mask & ~held
            held &= kept.any(axis=0)
            # an area without an earlier figure, or a period of this group alone, has nothing to be predicted from
            areas, periods = kept.any(axis=0), kept.any(axis=1)
            error += _errors(y[periods][:, areas], kept[periods][:, areas], held[periods][:, areas], largest)
        best = int(np.flatnonzero(error <= error.min() * (1.0 + 1e-9))[0])
        return float(np.inf) if best == 0 else float(GRID[best] * largest / sum(np.sqrt(y.shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Completion:
    """Fills in with the penalty ``size (sqrt(T) + sqrt(N))``."""

    size: float

    def __call__(self, y: np.ndarray, mask: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return fit_low_rank(y, mask, tau=self.size * float(sum(np.sqrt(y.shape)))).fitted.T[columns]


def _errors(y: np.ndarray, kept: np.ndarray, held: np.ndarray, largest: float) -> np.ndarray:
    """Sum of squared errors in the cells held back, for every penalty of the grid; each search begins at the last result."""
    effects, start, error = TwoWay(kept), None, np.empty(GRID.size)
    for k, share in enumerate(GRID):
        fit = fit_low_rank(
            y, kept, tau=np.inf if share == 1.0 else share * largest, start=start, effects=effects, tolerance=TUNING_TOLERANCE
        )
        start = fit.low_rank
        error[k] = ((y - fit.fitted)[held] ** 2).sum()
    return error


def _spread(y: np.ndarray, mask: np.ndarray) -> float:
    """Root mean square of the outcomes after area and period effects."""
    rest = np.where(mask, y - TwoWay(mask).fitted(np.where(mask, y, 0.0)), 0.0)
    return float(np.sqrt((rest**2).sum() / mask.sum()))

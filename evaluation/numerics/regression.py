"""The effect of regressors that belong to the treated areas, with its placebos: the one way for every regression estimator.

Area and period effects alone on complete data: pyfixest for the effect, the closed form of `numerics.assignment` for gaps and
placebos. Anything else (covariates, period effects of groups, trends, missing cells): the direct algebra of `numerics.partial`
for all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from evaluation.numerics.assignment import fit_assignments, treated_groups
from evaluation.numerics.fixed_effects import fit_fixed_effects
from evaluation.numerics.partial import fit_partial, partial_out, regress, take_out
from evaluation.numerics.places import draw_places
from evaluation.numerics.placing import is_by_authority, labels_of, no_placebos, refit_places
from evaluation.numerics.specification import Specification
from evaluation.numerics.treated import treated_mean
from evaluation.results import Coefficient, Comparison, Estimate, Placebos, Series


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """Regressors of the K treated areas.

    Attributes
    ----------
    names : tuple of str, length L
    regressors : array (K, T, L), zero for all other areas
    first : integer array (K,), first treated period
    average : array (L,), what the average effect takes of each coefficient
    path : array (P, L), what each effect on the path takes of each coefficient; None without a path
    """

    names: tuple[str, ...]
    regressors: np.ndarray
    first: np.ndarray
    average: np.ndarray
    path: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regression:
    """What a regression found: coefficients (L,), their covariance (L, L) or None, other coefficients, series, pre_rmspe."""

    coefficients: np.ndarray
    vcov: np.ndarray | None
    others: tuple[Coefficient, ...]
    series: Series
    pre_rmspe: float

    def average(self, effects: Effects) -> float:
        """The average effect."""
        return float(effects.average @ self.coefficients)

    def average_se(self, effects: Effects) -> float | None:
        """Its standard error."""
        return None if self.vcov is None else float(np.sqrt(max(effects.average @ self.vcov @ effects.average, 0.0)))


def fit_regression(comparison: Comparison, specification: Specification, effects: Effects) -> Regression:
    """Fit the outcome on the effects' regressors and the terms of the specification.

    Raises
    ------
    DataError
        If other terms explain one of the regressors.
    """
    treated = treated_mean(comparison)
    if specification.is_plain(comparison):
        solve = partial(
            fit_assignments,
            comparison.y,
            regressors=effects.regressors,
            first=effects.first,
            groups=treated_groups(len(comparison.areas), treated.columns),
            weights=comparison.weights,
        )
        # the closed form refuses what cannot be told apart before the regression starts
        solve()
        frame, weights = comparison.to_frame()[["unit", "time", "cluster", "y"]], None
        terms = [f"x{k}" for k in range(len(effects.names))]
        # column by column in memory, as pyfixest reads it: a regression with a hundred terms then takes half the time
        everywhere = np.asfortranarray(_everywhere(comparison, effects).reshape(len(frame), -1))
        frame = pd.concat([frame, pd.DataFrame(everywhere, columns=terms)], axis=1)
        if comparison.weights is not None:
            frame["weight"], weights = np.tile(comparison.weights, comparison.n_periods), "weight"
        fit = fit_fixed_effects(
            frame,
            f"y ~ {' + '.join(terms)} | unit + time",
            n_coefficients=len(terms),
            weights=weights,
            nested=specification.small_sample == "nested",
        )
        gaps = solve(coefficients=fit.coefficients[None, :])
        return Regression(
            coefficients=fit.coefficients,
            vcov=fit.vcov,
            others=(),
            series=treated.beside(treated.observed - gaps.gap[0], comparison.periods),
            pre_rmspe=float(gaps.pre_rmspe[0]),
        )
    names, reported = specification.reported(comparison)
    taken = partial_out(comparison, specification)
    labels = comparison.clusters or comparison.areas
    found = regress(
        taken,
        np.concatenate([_everywhere(comparison, effects), reported], axis=2),
        names=(*effects.names, *names),
        clusters=np.unique(labels, return_inverse=True)[1],
        specification=specification,
    )
    size = len(effects.names)
    fits = fit_partial(
        take_out(taken, reported),
        regressors=effects.regressors,
        first=effects.first,
        areas=treated.columns[None, :],
        n_effects=size,
    )
    errors = [None] * len(names) if found.vcov is None else np.sqrt(np.maximum(np.diag(found.vcov)[size:], 0.0)).tolist()
    return Regression(
        coefficients=found.coefficients[:size],
        vcov=None if found.vcov is None else found.vcov[:size, :size],
        others=tuple(
            Coefficient(name=name, value=float(value), se=error)
            for name, value, error in zip(names, found.coefficients[size:], errors, strict=True)
        ),
        series=treated.beside(treated.observed - fits.gap[0], comparison.periods),
        pre_rmspe=float(fits.pre_rmspe[0]),
    )


def place_regression(
    comparison: Comparison,
    specification: Specification,
    effects: Effects,
    fit: Callable[[Comparison], Estimate],
    *,
    draws: int,
    seed: int,
) -> Placebos:
    """Estimates where untreated areas take the treated areas' regressors; truly treated areas are left out.

    An assignment that a fit would refuse, because other terms explain its exposure or its areas are not observed in a period, is
    left out. Area and period effects alone, and other terms where every treated area is one authority, are closed forms; other
    terms and places of several authorities take a fit each.
    """
    chosen = draw_places(comparison, draws=draws, seed=seed)
    if not len(chosen.groups):
        return no_placebos(comparison)
    donors = np.flatnonzero(~comparison.treated)
    single = len(effects.first) == 1
    if specification.is_plain(comparison):
        closed = fit_assignments(
            comparison.y[:, donors],
            groups=chosen.groups,
            weights=None if comparison.weights is None else comparison.weights[donors],
            regressors=effects.regressors,
            first=effects.first,
            with_gaps=single,
        )
        return Placebos(
            att=closed.coefficients @ effects.average,
            pre_rmspe=closed.pre_rmspe,
            gaps=closed.gap if single else None,
            labels=labels_of(comparison, chosen.groups),
            exhaustive=chosen.exhaustive,
            path=None if effects.path is None else closed.coefficients @ effects.path.T,
            groups=chosen.groups,
        )
    if not is_by_authority(comparison):
        return refit_places(fit, comparison, draws=draws, seed=seed, chosen=chosen)
    kept = _untreated(comparison, donors)
    regressors, size = effects.regressors, len(effects.names)
    if specification.effects == "cohort":
        # the effects of starts move with the starts
        levels = (effects.first[:, None] == np.unique(effects.first)).astype(float)
        levels = np.broadcast_to(levels[:, None, :], (len(levels), comparison.n_periods, levels.shape[1]))
        regressors = np.concatenate([regressors, levels], axis=2)
    fits = fit_partial(
        take_out(partial_out(kept, specification), specification.reported(kept)[1]),
        regressors=regressors,
        first=effects.first,
        # which area stands in for the k-th treated one
        areas=(chosen.groups[:, None, :] == np.arange(len(effects.first))[:, None]).argmax(axis=2),
        n_effects=size,
    )
    sound = fits.sound
    coefficients, groups = fits.coefficients[sound, :size], chosen.groups[sound]
    return Placebos(
        att=coefficients @ effects.average,
        pre_rmspe=fits.pre_rmspe[sound],
        gaps=fits.gap[sound] if single else None,
        labels=labels_of(comparison, groups),
        exhaustive=chosen.exhaustive and bool(sound.all()),
        path=None if effects.path is None else coefficients @ effects.path.T,
        groups=groups,
    )


def _everywhere(comparison: Comparison, effects: Effects) -> np.ndarray:
    """The regressors of all areas, (T, N, L)."""
    x = np.zeros((*comparison.y.shape, len(effects.names)))
    x[:, comparison.treated] = np.swapaxes(effects.regressors, 0, 1)
    return x


def _untreated(comparison: Comparison, donors: np.ndarray) -> Comparison:
    """The comparison without its treated areas, with all that a specification reads."""
    return Comparison(
        areas=tuple(comparison.areas[n] for n in donors),
        area_names=tuple(comparison.area_names[n] for n in donors),
        periods=comparison.periods,
        y=comparison.y[:, donors],
        first_treated=comparison.first_treated[donors],
        exposure=comparison.exposure[:, donors],
        weights=None if comparison.weights is None else comparison.weights[donors],
        regions=tuple(comparison.regions[n] for n in donors),
        clusters=tuple(comparison.clusters[n] for n in donors) if comparison.clusters else (),
        covariates={name: values[:, donors] for name, values in comparison.covariates.items()},
        unbalanced=comparison.unbalanced,
    )

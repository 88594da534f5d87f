"""One treated area beside a mix of untreated ones: what all synthetic controls for one area share.

A method is a function from donors and targets in the periods before the start to weights and an intercept, for many targets at
once (`Mixer`). From it follow the estimate, all placebo areas, the estimates without one donor at a time, and the misfit in
periods the weights did not see; each of them is one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from evaluation.numerics.minimum_norm import even_out
from evaluation.numerics.places import STAYS, draw_places
from evaluation.numerics.placing import labels_of, no_placebos
from evaluation.numerics.simplex import EXACT, fit_simplex
from evaluation.numerics.treated import TreatedMean, refuse, requirements, treated_mean
from evaluation.results import Check, Comparison, DonorWeight, Estimate, PathPoint, Placebos

FEWEST = 6
"""Periods before the start from which the last third, two at least, can be spared to see how the mix predicts."""

EXACT_NOTE = (
    "The donors fit the periods before the start exactly: other weights may fit as well and give another effect. "
    "The most even ones (smallest sum of squares) are taken."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mix:
    """How R targets are made from N donors.

    Attributes
    ----------
    weights : array (R, N)
    intercept : array (R,), what is added to the weighted donors, in the outcome's unit
    exact : boolean array (R,), whether the donors fit the periods given exactly
    penalty : array (R,) of penalties chosen, or None where the method has none
    """

    weights: np.ndarray
    intercept: np.ndarray
    exact: np.ndarray
    penalty: np.ndarray | None = None


class Mixer(Protocol):
    """A method: donors (T0, N) and targets (T0, R) before the start, donors allowed (R, N) to each target."""

    def __call__(self, donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray) -> Mix:
        """Weights for every target."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeftOut:
    """Estimates (D,) without one donor each; `areas` names the donors."""

    areas: tuple[str, ...]
    att: np.ndarray


def mix_simplex(donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray) -> Mix:
    """Weights on the simplex with the smallest squared misfit; the most even ones where the fit is exact."""
    fit = fit_simplex(donors, targets, allowed=allowed)
    distance = (targets * targets).sum(axis=0)[:, None] - 2.0 * targets.T @ donors + (donors * donors).sum(axis=0)
    spread = np.where(allowed, np.maximum(distance, 0.0), 0.0).sum(axis=1) / allowed.sum(axis=1)
    exact = fit.objective <= EXACT * spread
    weights = fit.weights
    if exact.any():
        weights = weights.copy()
        weights[exact] = even_out(donors, weights[exact], allowed=allowed[exact])
    return Mix(weights=weights, intercept=np.zeros(len(weights)), exact=exact)


def mix_demeaned(donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray) -> Mix:
    """Weights on the simplex for deviations from each area's own mean before the start; the intercept makes good the levels."""
    base, own = donors.mean(axis=0), targets.mean(axis=0)
    mix = mix_simplex(donors - base, targets - own, allowed)
    return Mix(weights=mix.weights, intercept=own - mix.weights @ base, exact=mix.exact)


def requirements_of_mix(comparison: Comparison) -> list[Check]:
    """What a mix for one area needs: one treated area, a donor, periods before and after, no gap in the outcome."""
    n_treated = int(comparison.treated.sum())
    return [
        *requirements(comparison, untreated=1),
        Check(
            name="one_treated_area",
            title="One area is treated",
            passed=n_treated <= 1,
            text="One area is treated."
            if n_treated <= 1
            else f"{n_treated} areas are treated and this method takes one; several need a staggered one, "
            "staggered_synthetic_control.",
        ),
        requirement_of_completeness(comparison),
    ]


def requirement_of_completeness(comparison: Comparison) -> Check:
    """Whether every area has the outcome in every period."""
    gaps = np.argwhere(~np.isfinite(comparison.y))
    shown = "; ".join(f"{comparison.areas[n]}, {comparison.periods[t]}" for t, n in gaps[:5])
    return Check(
        name="no_gaps",
        title="The outcome has no gaps",
        passed=not len(gaps),
        text="The outcome has no gaps."
        if not len(gaps)
        else f"{len(gaps)} cell(s) have no outcome (first {shown}); leave those areas or periods out.",
    )


def estimate_by_mix(name: str, comparison: Comparison, mixer: Mixer, *, notes: Sequence[str] = ()) -> Estimate:
    """Estimate the gap between the treated area and its mix; the caller has refused what `requirements_of_mix` names."""
    treated = treated_outcome(comparison)
    start = int(comparison.first_treated[treated.columns[0]])
    columns = np.flatnonzero(~comparison.treated)
    y0, every = comparison.y[:, columns], np.ones((1, columns.size), dtype=bool)
    mix = mixer(y0[:start], treated.observed[:start, None], every)
    counterfactual = y0 @ mix.weights[0] + mix.intercept[0]
    gap = treated.observed - counterfactual
    misfit = predict_misfit(y0[:start], treated.observed[:start, None], every, mixer)
    return Estimate(
        estimator=name,
        att=float(slope(gap, treated.exposure)),
        path=tuple(PathPoint(event_time=t - start, att=float(g), n_areas=1) for t, g in enumerate(gap)),
        series=treated.beside(counterfactual, comparison.periods),
        pre_rmspe=float(np.sqrt(np.mean(gap[:start] ** 2))),
        prediction_rmspe=None if misfit is None else float(misfit[0]),
        weights=list_weights(comparison, columns, mix.weights[0]),
        notes=(*notes, *((EXACT_NOTE,) if mix.exact[0] else ())),
    )


def placebos_by_mix(comparison: Comparison, mixer: Mixer, *, draws: int, seed: int) -> Placebos:
    """Untreated areas as if treated from the treated area's start, which itself is left out; one batch.

    The target is a placebo place, the weighted mean of its areas, and these are no donors to it.
    """
    treated = treated_outcome(comparison)
    start = int(comparison.first_treated[treated.columns[0]])
    chosen = draw_places(comparison, draws=draws, seed=seed)
    if not len(chosen.groups):
        return no_placebos(comparison)
    y0 = comparison.y[:, ~comparison.treated]
    weights = np.ones(y0.shape[1]) if comparison.weights is None else comparison.weights[~comparison.treated]
    allowed = chosen.groups == STAYS
    members = np.where(allowed, 0.0, weights)
    y1 = y0 @ (members / members.sum(axis=1, keepdims=True)).T
    mix = mixer(y0[:start], y1[:start], allowed)
    gaps = y1.T - mix.weights @ y0.T - mix.intercept[:, None]
    return Placebos(
        att=slope(gaps, treated.exposure),
        pre_rmspe=np.sqrt(np.mean(gaps[:, :start] ** 2, axis=1)),
        prediction_rmspe=predict_misfit(y0[:start], y1[:start], allowed, mixer),
        gaps=gaps,
        labels=labels_of(comparison, chosen.groups),
        exhaustive=chosen.exhaustive,
        path=gaps,
        groups=chosen.groups,
    )


def leave_out_by_mix(comparison: Comparison, estimate: Estimate, mixer: Mixer) -> LeftOut:
    """The estimate without each donor that has weight, one at a time; one batch."""
    treated = treated_outcome(comparison)
    start = int(comparison.first_treated[treated.columns[0]])
    columns = np.flatnonzero(~comparison.treated)
    position = {comparison.areas[n]: j for j, n in enumerate(columns)}
    left = [donor.area for donor in estimate.weights]
    if columns.size < 2:
        return LeftOut(areas=(), att=np.zeros(0))
    allowed = np.ones((len(left), columns.size), dtype=bool)
    allowed[np.arange(len(left)), [position[area] for area in left]] = False
    y0, y1 = comparison.y[:, columns], np.repeat(treated.observed[:, None], len(left), axis=1)
    mix = mixer(y0[:start], y1[:start], allowed)
    gaps = y1.T - mix.weights @ y0.T - mix.intercept[:, None]
    return LeftOut(areas=tuple(left), att=slope(gaps, treated.exposure))


def predict_misfit(donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray, mixer: Mixer) -> np.ndarray | None:
    """Root mean squared error (R,) in the last third of the periods before the start when the mix sees only the earlier ones.

    `donors` (T0, N) and `targets` (T0, R) hold the periods before the start. None with fewer than `FEWEST` of them.
    """
    periods = len(donors)
    if periods < FEWEST:
        return None
    seen = periods - periods // 3
    mix = mixer(donors[:seen], targets[:seen], allowed)
    errors = targets[seen:] - donors[seen:] @ mix.weights.T - mix.intercept
    return np.asarray(np.sqrt(np.mean(errors**2, axis=0)))


def list_weights(
    comparison: Comparison, columns: np.ndarray, weights: np.ndarray, *, treated: str = ""
) -> tuple[DonorWeight, ...]:
    """Donors with weight, as records; `weights` (N,) belong to the areas at `columns`."""
    return tuple(
        DonorWeight(area=comparison.areas[n], name=comparison.area_names[n], weight=float(w), treated=treated)
        for n, w in zip(columns, weights, strict=True)
        if w != 0.0
    )


def treated_outcome(comparison: Comparison) -> TreatedMean:
    """The treated areas' mean outcome; a gap in a covariate is none in the outcome."""
    return treated_mean(replace(comparison, covariates={}))


def slope(gap: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Slope through zero of gaps (..., T) on exposure (T,)."""
    return np.asarray(gap @ exposure / (exposure @ exposure))


def refuse_mix(comparison: Comparison) -> None:
    """Raise a `DataError` that names everything `requirements_of_mix` finds missing."""
    refuse(requirements_of_mix(comparison), comparison)

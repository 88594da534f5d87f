"""Placebos in general: what all of them are called, and refitting on the panel of placebo places where no closed form exists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.assignment import sum_members
from evaluation.numerics.places import STAYS, PlaceAssignments, draw_places, merge_places
from evaluation.results import Comparison, Estimate, Placebos


def no_placebos(comparison: Comparison) -> Placebos:
    """The answer where no area would be left to compare with."""
    return Placebos(
        att=np.zeros(0),
        pre_rmspe=np.zeros(0),
        gaps=np.zeros((0, comparison.n_periods)) if int(comparison.treated.sum()) == 1 else None,
        labels=(),
        exhaustive=True,
        groups=np.zeros((0, len(comparison.donors)), dtype=np.int16),
    )


def is_by_authority(comparison: Comparison) -> bool:
    """Whether every treated area is one authority, so that placebos only rename untreated areas."""
    return comparison.sizes is None or bool((comparison.sizes[comparison.treated] == 1).all())


def labels_of(comparison: Comparison, groups: np.ndarray) -> tuple[str, ...]:
    """The placebo area of each assignment in `groups` (D, N0), where that is one area; else nothing."""
    if int(comparison.treated.sum()) != 1 or not is_by_authority(comparison):
        return ()
    donors = comparison.donors
    return tuple(donors[n] for n in (groups != STAYS).argmax(axis=1)) if len(groups) else ()


def mass_of(groups: np.ndarray, weights: np.ndarray, n_treated: int) -> np.ndarray:
    """Weights (D, K) of the areas that stand in for each treated area; `weights` (N0,) are those of the areas."""
    draw, area = np.nonzero(groups != STAYS)
    at = draw * n_treated + groups[draw, area]
    return np.bincount(at, weights=weights[area], minlength=len(groups) * n_treated).reshape(len(groups), n_treated)


def refit_places(
    fit: Callable[[Comparison], Estimate],
    comparison: Comparison,
    *,
    draws: int,
    seed: int,
    chosen: PlaceAssignments | None = None,
) -> Placebos:
    """Carry out every assignment with `merge_places` and fit; one that the fit refuses is left out.

    Parameters
    ----------
    fit : callable
        From a comparison to its estimate; refuses with a `DataError`.
    comparison : Comparison
        Its treated areas play no part but by their dates and sizes.
    draws, seed : int
        As in `draw_places`.
    chosen : PlaceAssignments, optional
        The assignments, where they are drawn already.

    Returns
    -------
    Placebos
        `gaps` and `path` are None where some fit does not have all of their periods or event times.
    """
    chosen = draw_places(comparison, draws=draws, seed=seed) if chosen is None else chosen
    # who borders whom matters to the draw and to no fit
    panel = replace(comparison, neighbours=None)
    estimates, kept = [], []
    for d, group in enumerate(chosen.groups):
        try:
            estimates.append(fit(merge_places(panel, group)))
        except DataError:
            continue
        kept.append(d)
    if not estimates:
        return no_placebos(comparison)
    groups = chosen.groups[kept]
    predictions = [e.prediction_rmspe for e in estimates if e.prediction_rmspe is not None]
    return Placebos(
        att=np.array([e.att for e in estimates]),
        pre_rmspe=np.array([e.pre_rmspe for e in estimates]),
        prediction_rmspe=np.array(predictions) if len(predictions) == len(estimates) else None,
        gaps=_gaps(estimates, comparison),
        labels=labels_of(comparison, groups),
        exhaustive=chosen.exhaustive and len(kept) == len(chosen.groups),
        path=_path(fit, estimates, comparison),
        groups=groups,
    )


def _gaps(estimates: list[Estimate], comparison: Comparison) -> np.ndarray | None:
    """Gaps (D, T) of one treated area, where all periods are there."""
    if int(comparison.treated.sum()) != 1 or any(e.series.periods != comparison.periods for e in estimates):
        return None
    gaps = np.array([np.subtract(e.series.observed, e.series.counterfactual) for e in estimates])
    return gaps if bool(np.isfinite(gaps).all()) else None


def _path(fit: Callable[[Comparison], Estimate], estimates: list[Estimate], comparison: Comparison) -> np.ndarray | None:
    """Effects (D, L) at the event times of the treated areas' own path, where all placebos have them."""
    times = [tuple(point.event_time for point in e.path) for e in estimates]
    wanted = times[0] if comparison.observed.all() else tuple(point.event_time for point in fit(comparison).path)
    if not wanted or any(one != wanted for one in times):
        return None
    return np.array([[point.att for point in e.path] for e in estimates])


def place_means(groups: np.ndarray, y: np.ndarray, weights: np.ndarray, n_treated: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes (D, K, T) of the placebo places, and their weights (D, K), from those of the areas (T, N0) and (N0,)."""
    sums = sum_members(groups, np.column_stack([weights[:, None] * y.T, weights]), np.arange(n_treated))
    return sums[..., :-1] / sums[..., -1:], sums[..., -1]

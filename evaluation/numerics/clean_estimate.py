"""From a design of clean comparisons to an estimate and its placebos, for stacked regressions and local projections."""

from __future__ import annotations

import numpy as np

from evaluation.numerics.assignment import treated_groups
from evaluation.numerics.clean import CleanDesign, clean_covariance, fit_clean
from evaluation.numerics.places import draw_places
from evaluation.numerics.placing import labels_of, no_placebos
from evaluation.numerics.treated import treated_mean
from evaluation.results import Check, Comparison, Estimate, PathPoint, Placebos


def complete(comparison: Comparison) -> Check:
    """Whether there is no missing cell, which closed forms need."""
    gaps = np.argwhere(~comparison.observed)
    shown = "; ".join(f"{comparison.areas[n]}, {comparison.periods[t]}" for t, n in gaps[:5])
    return Check(
        name="complete",
        title="No cell is missing",
        passed=not len(gaps),
        text=f"{len(gaps)} cells are missing (first {shown}); leave out those areas or periods, or use event_study or "
        "sun_abraham."
        if len(gaps)
        else "No cell is missing.",
    )


def estimate_clean(comparison: Comparison, design: CleanDesign, *, name: str, notes: tuple[str, ...]) -> Estimate:
    """Estimate path, average, series and conventional covariance."""
    treated = treated_mean(comparison)
    areas = treated.columns
    groups = treated_groups(len(comparison.areas), areas)
    fit = fit_clean(comparison.y, design=design, groups=groups, weights=comparison.weights)
    path, average = fit.path[0], fit.average[0]
    vcov = clean_covariance(
        comparison.y,
        design=design,
        areas=areas,
        path=path,
        clusters=np.unique(comparison.clusters or comparison.areas, return_inverse=True)[1],
        weights=comparison.weights,
    )
    errors = [None] * len(path) if vcov is None else [float(v) or None for v in np.sqrt(np.diag(vcov))]
    _, full = design.averaged
    if not full:
        notes = (*notes, "No event time is fully exposed: the average is scaled up by the share of the windows after the start.")
    elif part := int((design.event_times >= 0).sum() - (design.averaged[0] > 0).sum()):
        notes = (*notes, f"{part} event time(s) after the start are exposed in part and not in the average.")
    return Estimate(
        estimator=name,
        att=float(fit.att[0]),
        path=tuple(
            PathPoint(event_time=int(time), att=float(effect), n_areas=int(count), se=error)
            for time, effect, count, error in zip(design.event_times, path, design.counts, errors, strict=True)
        ),
        path_vcov=vcov,
        series=treated.beside(treated.observed - fit.gap[0], comparison.periods),
        pre_rmspe=float(fit.pre_rmspe[0]),
        se=None if vcov is None else float(np.sqrt(max(average @ vcov @ average, 0.0))),
        notes=notes,
    )


def place_clean(comparison: Comparison, design: CleanDesign, *, draws: int, seed: int) -> Placebos:
    """Estimates where untreated areas take the treated areas' starts; truly treated areas are left out."""
    chosen = draw_places(comparison, draws=draws, seed=seed)
    if not len(chosen.groups):
        return no_placebos(comparison)
    donors = np.flatnonzero(~comparison.treated)
    weights = None if comparison.weights is None else comparison.weights[donors]
    fits = fit_clean(comparison.y[:, donors], design=design, groups=chosen.groups, weights=weights)
    return Placebos(
        att=fits.att,
        pre_rmspe=fits.pre_rmspe,
        gaps=fits.gap if len(design.first) == 1 else None,
        labels=labels_of(comparison, chosen.groups),
        exhaustive=chosen.exhaustive,
        path=fits.path,
        groups=chosen.groups,
    )

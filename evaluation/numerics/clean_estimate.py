"""From a design of clean comparisons to an estimate and its placebos, for stacked regressions and local projections."""

from __future__ import annotations

import numpy as np

from evaluation.numerics.assignment import draw_assignments
from evaluation.numerics.clean import CleanDesign, clean_covariance, fit_clean
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
    fit = fit_clean(comparison.y, design=design, areas=areas[None, :], weights=comparison.weights)
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
    donors = np.flatnonzero(~comparison.treated)
    single = len(design.first) == 1
    chosen = draw_assignments(n_areas=donors.size, n_treated=len(design.first), draws=draws, seed=seed)
    if not len(chosen.areas):
        none, gaps = np.zeros(0), np.zeros((0, comparison.n_periods))
        return Placebos(att=none, pre_rmspe=none, gaps=gaps if single else None, labels=(), exhaustive=True)
    weights = None if comparison.weights is None else comparison.weights[donors]
    fits = fit_clean(comparison.y[:, donors], design=design, areas=chosen.areas, weights=weights)
    return Placebos(
        att=fits.att,
        pre_rmspe=fits.pre_rmspe,
        gaps=fits.gap if single else None,
        labels=comparison.donors if single else (),
        exhaustive=chosen.exhaustive,
    )

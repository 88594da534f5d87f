"""Group-time, imputation and two-stage estimates once more: statsmodels cell by cell, SciPy's LSQR on the untreated cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.inference.checks.second_regressions import FULL, Again
from evaluation.results import NEVER, Comparison

EXACT = 1e-14
"""Relative residual at which LSQR stops."""

STEPS = 5_000
"""LSQR's largest number of steps; area and period effects take a few dozen."""


def fit_group_times(comparison: Comparison, *, control_group: str, base_period: str, anticipation: int) -> Again:
    """Group-time effects without covariates: each by statsmodels, as the slope of a change since the base on a treated dummy.

    Where every area is treated in the end, those that start last are taken as untreated up to when they can react.
    """
    from statsmodels.regression.linear_model import WLS

    first, exposure, end = comparison.first_treated, comparison.exposure, comparison.n_periods
    if comparison.treated.all():
        end = int(first.max()) - anticipation
        first = np.where(first < end, first, NEVER)
    weights = _weights(comparison)
    time, effect, mass, least, mean = [], [], [], [], []
    for start in np.unique(first[first != NEVER]):
        own = first == start
        last = int(start) - 1 - anticipation
        for period in range(end):
            base = period - 1 if base_period == "varying" and period <= last else last
            if base < 0 or base == period:
                continue
            others = first == NEVER
            if control_group == "not_yet_treated":
                others |= (first > max(period, base) + anticipation) & ~own
            areas = own | others
            terms = np.column_stack([own[areas], np.ones(areas.sum())])
            change = comparison.y[period, areas] - comparison.y[base, areas]
            effect.append(float(WLS(change, terms, weights=weights[areas]).fit().params[0]))
            time.append(period - int(start))
            mass.append(float(weights[own].sum()))
            least.append(float(exposure[period, own].min()))
            mean.append(float(np.average(exposure[period, own], weights=weights[own])))
    path = {-1 - anticipation: 0.0} if base_period == "universal" else {}
    found = _average(np.array(effect), np.array(mass), np.array(time), np.array(least), np.array(mean))
    return Again(path={**path, **found.path}, att=found.att)


def fit_untreated(comparison: Comparison, *, covariates: Sequence[str], leads: Sequence[int] | None) -> Again:
    """Imputation and two-stage estimates: area and period effects and covariates from the untreated cells by LSQR.

    Parameters
    ----------
    comparison : Comparison
        Cells may be missing.
    covariates : names of covariates
    leads : event times whose coefficients come from a regression on the untreated cells of its own, as in imputation; None = the
        leads are mean residuals, as in the two-stage estimator
    """
    x = np.stack([comparison.covariates[name] for name in covariates] or [comparison.y], axis=2)[:, :, : len(covariates)]
    there = np.isfinite(comparison.y) & np.isfinite(x).all(axis=2)
    event = np.arange(comparison.n_periods)[:, None] - comparison.first_treated
    after = there & comparison.treated & (event >= 0)
    before = there & comparison.treated & (event < 0)
    weights = _weights(comparison)
    gap = comparison.y - _fit_effects(comparison.y, x, there & ~after, weights)[0]
    shown = after if leads is not None else after | before
    cells = np.nonzero(shown)
    mass, exposure = np.broadcast_to(weights, gap.shape)[cells], comparison.exposure[cells]
    found = _average(gap[cells], mass, event[cells], exposure, exposure)
    if not leads:
        return found
    dummies = (before[:, :, None] & (event[:, :, None] == np.array(leads))).astype(float)
    slopes = _fit_effects(comparison.y, np.concatenate([dummies, x], axis=2), there & ~after, weights)[1]
    return Again(path={**dict(zip(leads, slopes.tolist(), strict=False)), **found.path}, att=found.att)


def _fit_effects(y: np.ndarray, x: np.ndarray, cells: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fitted values (T, N) of a regression of y on x (T, N, L), areas and periods over some cells, and the slopes (L,)."""
    from scipy import sparse
    from scipy.sparse.linalg import lsqr

    n_periods, n_areas = y.shape
    t, n = np.nonzero(cells)
    own, row = x[t, n], np.arange(t.size)
    # columns of one size and outcomes about nought keep the system well conditioned
    size = np.sqrt((own**2).mean(axis=0))
    size = np.where(size > 0.0, size, 1.0)
    blocks: list[Any] = [
        sparse.csr_array((np.ones(t.size), (row, n)), shape=(t.size, n_areas)),
        sparse.csr_array((np.ones(t.size), (row, t)), shape=(t.size, n_periods)),
    ]
    if x.shape[2]:
        blocks.append(sparse.csr_array(own / size))
    root, level = np.sqrt(weights[n]), float(y[t, n].mean())
    matrix = sparse.diags_array(root) @ sparse.hstack(blocks, format="csr")
    solution = lsqr(matrix, root * (y[t, n] - level), atol=EXACT, btol=EXACT, conlim=0.0, iter_lim=STEPS)[0]
    slopes = solution[n_areas + n_periods :] / size
    return level + solution[:n_areas] + solution[n_areas : n_areas + n_periods, None] + x @ slopes, slopes


def _average(effect: np.ndarray, mass: np.ndarray, time: np.ndarray, least: np.ndarray, exposure: np.ndarray) -> Again:
    """Path and average of effects of cells: over those fully exposed, or all exposed ones by their exposure where none is."""
    path = {int(one): float(np.average(effect[time == one], weights=mass[time == one])) for one in np.unique(time)}
    full = (time >= 0) & (least >= FULL)
    kept, scale = (full, np.ones(effect.size)) if full.any() else ((time >= 0) & (exposure > 0.0), exposure)
    return Again(path=path, att=float((mass * effect)[kept].sum() / (mass * scale)[kept].sum()))


def _weights(comparison: Comparison) -> np.ndarray:
    return np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights

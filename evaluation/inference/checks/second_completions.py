"""Methods that fill in what treated areas would have shown, once more by SciPy's singular values."""

from __future__ import annotations

import numpy as np

from evaluation.inference.checks.second_regressions import Again
from evaluation.results import Comparison

ROUNDS = 2_000
"""Most rounds of filling in."""

SAME = 1e-9
"""Largest change of a filled-in cell, as a share of the outcomes' standard deviation, at which rounds end."""

NO_WORSE = 1.0 + 1e-9
"""Numbers of factors whose error is no larger than the least times this are equally good; the fewest are taken."""

NIL = 1e-9
"""Errors below this share of the outcomes' standard deviation are rounding."""


def fit_completion(comparison: Comparison, *, tau: float) -> Again:
    """Matrix completion at a penalty: fill the treated cells in, take effects and singular values of all, and fill in anew.

    On a complete matrix effects are means, and the penalty takes `tau` off the singular values of what is left; filling in with
    the result never raises the objective. Steps are lengthened as Nesterov did, and begun anew where they turn back.
    """
    from scipy.linalg import svd

    free = comparison.exposure == 0.0
    y, spread = comparison.y, float(comparison.y.std()) or 1.0

    def fit(values: np.ndarray) -> np.ndarray:
        effects = values.mean(axis=0) + values.mean(axis=1, keepdims=True) - values.mean()
        if np.isinf(tau):
            return np.asarray(effects)
        u, s, vt = svd(values - effects, full_matrices=False, check_finite=False)
        return np.asarray(effects + (u * np.maximum(s - tau, 0.0)) @ vt)

    start = np.where(free, y, np.nanmean(np.where(free, y, np.nan), axis=0))
    here = before = np.where(free, y, fit(start))
    momentum = 1.0
    for _ in range(ROUNDS):
        filled = fit(here)
        found = np.where(free, y, filled)
        if np.abs(found - here).max() <= SAME * spread:
            break
        if ((here - found) * (found - before)).sum() > 0.0:
            momentum = 1.0
        longer = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        here, before, momentum = found + (momentum - 1.0) / longer * (found - before), found, longer
    return _gaps(comparison, fit(here))


def fit_factors(comparison: Comparison, *, factors: int | None, most: int) -> Again:
    """Interactive fixed effects: factors of the untreated areas by SciPy, loadings by least squares on the periods before.

    The number of factors is chosen by fitting anew without each period, not by the formula that saves these fits.
    """
    from scipy.linalg import lstsq, svd

    donors, columns = comparison.y[:, ~comparison.treated], np.flatnonzero(comparison.treated)
    period = donors.mean(axis=1)
    rest = donors - period[:, None] - donors.mean(axis=0) + donors.mean()
    vectors = svd(rest, full_matrices=False, lapack_driver="gesvd")[0] * np.sqrt(len(rest))
    starts = comparison.first_treated[columns]
    largest = max(min(len(rest) - 1, donors.shape[1] - 1, int(starts.min()) - 2), 0)
    x = np.column_stack([np.ones(len(rest)), vectors])
    count = min(factors, largest) if factors is not None else 0
    if factors is None:
        errors = np.full(min(most, largest) + 1, np.inf)
        for number in range(errors.size):
            if starts.min() > number + 1:
                errors[number] = sum(
                    _left_out(x[:start, : number + 1], comparison.y[:start, n] - period[:start])
                    for n, start in zip(columns, starts, strict=True)
                )
        enough = max(float(errors.min()) * NO_WORSE, columns.size * (NIL * float(donors.std())) ** 2)
        count = int(np.flatnonzero(errors <= enough)[0]) if np.isfinite(enough) else 0
    filled = comparison.y.copy()
    for n, start in zip(columns, starts, strict=True):
        loadings = lstsq(x[:start, : count + 1], comparison.y[:start, n] - period[:start])[0]
        filled[:, n] = period + x[:, : count + 1] @ loadings
    return _gaps(comparison, filled)


def _left_out(x: np.ndarray, y: np.ndarray) -> float:
    """Mean squared error when each period is predicted from the others."""
    errors = []
    for t in range(len(y)):
        seen = np.arange(len(y)) != t
        # normal equations do: columns are nearly orthogonal, and digits lost choose no other number
        errors.append(y[t] - x[t] @ np.linalg.solve(x[seen].T @ x[seen], x[seen].T @ y[seen]))
    return float(np.mean(np.square(errors)))


def _gaps(comparison: Comparison, filled: np.ndarray) -> Again:
    """Path and average of the treated areas' outcomes less what was filled in (T, N)."""
    columns = np.flatnonzero(comparison.treated)
    gap, exposure = (comparison.y - filled)[:, columns], comparison.exposure[:, columns]
    size = np.ones(columns.size) if comparison.weights is None else comparison.weights[columns]
    mass = np.broadcast_to(size, gap.shape)
    event = np.arange(comparison.n_periods)[:, None] - comparison.first_treated[columns]
    return Again(
        path={int(one): float(np.average(gap[event == one], weights=mass[event == one])) for one in np.unique(event)},
        att=float((mass * exposure * gap).sum() / (mass * exposure**2).sum()),
    )

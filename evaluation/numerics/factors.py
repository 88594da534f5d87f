"""Common factors of untreated areas, and the loadings of others on them (Bai 2009; Xu 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.low_rank import TwoWay

TOLERANCE = 1e-9
"""Largest change of a filled-in cell, as a share of the outcomes' spread, when gaps among the untreated areas are filled."""

MOST = 5000
"""Rounds of filling in after which no convergence is an error."""

LEVERAGE = 1.0 - 1e-8
"""A period whose own outcome decides its fitted value can not be predicted from the others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factors:
    """What untreated areas have in common.

    Attributes
    ----------
    period : array (T,), period effects
    factors : array (T, L), orthonormal, strongest first
    """

    period: np.ndarray
    factors: np.ndarray


def find_factors(donors: np.ndarray, count: int) -> Factors:
    """Period effects and the `count` strongest factors beside area and period effects.

    On complete outcomes these are principal components of the outcomes less area and period means; missing cells (nan) are
    filled in by the fit itself, round by round.

    Parameters
    ----------
    donors : array (T, J)
        Untreated outcomes, nan where missing; every row and column has one.
    count : int
        Number of factors.

    Raises
    ------
    DataError
        If the filling in does not converge.
    """
    mask = np.isfinite(donors)
    if mask.all():
        return _components(donors, count)[0]
    filled = np.where(mask, donors, TwoWay(mask).fitted(np.where(mask, donors, 0.0)))
    spread = float(np.std(donors[mask])) or 1.0
    for _ in range(MOST):
        found, fitted = _components(filled, count)
        change = np.abs(np.where(mask, 0.0, fitted - filled)).max()
        filled = np.where(mask, donors, fitted)
        if change <= TOLERANCE * spread:
            return found
    raise DataError(
        f"common factors: missing cells among the untreated areas are not filled in after {MOST} rounds with {count} factors; "
        "leave the areas or periods with most gaps out, or ask for fewer factors."
    )


def _components(values: np.ndarray, count: int) -> tuple[Factors, np.ndarray]:
    """Principal components beside area and period effects, and the fit (T, J)."""
    period, area = values.mean(axis=1), values.mean(axis=0)
    rest = values - period[:, None] - area + values.mean()
    vectors = np.linalg.eigh(rest @ rest.T)[1][:, ::-1][:, :count]
    return Factors(period=period, factors=vectors), values - rest + vectors @ (vectors.T @ rest)


def fill_in(target: np.ndarray, seen: np.ndarray, common: Factors, count: int) -> np.ndarray:
    """Outcome (T,) of an area from its own level and loadings on the first `count` factors, fitted to the periods in `seen`."""
    x = _design(common, count)
    loadings = np.linalg.lstsq(x[seen], (target - common.period)[seen], rcond=None)[0]
    return np.asarray(common.period + x @ loadings)


def left_out_error(target: np.ndarray, seen: np.ndarray, common: Factors, count: int) -> float:
    """Mean squared error when every period in `seen` is predicted from the others (Xu 2017, algorithm 1); infinite where one
    cannot be.
    """
    x, y = _design(common, count)[seen], (target - common.period)[seen]
    if len(y) <= x.shape[1]:
        return float(np.inf)
    q, r = np.linalg.qr(x)
    leverage = (q**2).sum(axis=1)
    diagonal = np.abs(np.diag(r))
    if leverage.max() > LEVERAGE or diagonal.min() <= 1e-10 * diagonal.max():
        return float(np.inf)
    return float(np.mean(((y - q @ (q.T @ y)) / (1.0 - leverage)) ** 2))


def _design(common: Factors, count: int) -> np.ndarray:
    """Level and factors (T, 1 + count), columns of one size."""
    size = np.sqrt(len(common.period))
    return np.column_stack([np.ones(len(common.period)), size * common.factors[:, :count]])

"""Difference-in-differences given covariates: outcome regression, inverse probability weighting, both (Sant'Anna & Zhao 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.group_time import Cells

Method = Literal["doubly_robust", "regression", "weighting"]

STEPS = 40
"""Newton steps of the propensity score; a score that exists takes fewer than ten."""

CERTAIN = 1e-6
"""A comparison area this near to certain treatment stands for a score that runs away: the covariates separate the cohort."""

RANK = 1e-10
"""Smallest eigenvalue, as a share of the largest, of the scaled covariates' cross product."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConditionalEffects:
    """Effects (C,) and what each area contributes to their errors (C, N)."""

    att: np.ndarray
    influence: np.ndarray


def conditional_effects(
    y: np.ndarray,
    x: np.ndarray,
    *,
    weights: np.ndarray,
    cohort: np.ndarray,
    cells: Cells,
    method: Method,
    names: tuple[str, ...],
) -> ConditionalEffects:
    """ATT(g, t) for every cell, given covariates in its base period.

    Parameters
    ----------
    y : array (T, N)
    x : array (T, N, P)
        Covariates without the constant.
    weights : array (N,)
    cohort : integer array (N,)
        Row of each area among the cohorts, G for never treated.
    cells : Cells
    method : {"doubly_robust", "regression", "weighting"}
    names : tuple of str, length P
        For messages.

    Raises
    ------
    DataError
        If covariates are collinear among the areas of a cell, or separate a cohort from its comparison areas.
    """
    att = np.empty(cells.cohort.size)
    influence = np.zeros((cells.cohort.size, y.shape[1]))
    # cells with the same areas and base period share score and regression
    sets, kind = np.unique(np.column_stack([cells.cohort, cells.base, cells.controls]), axis=0, return_inverse=True)
    for k in range(len(sets)):
        rows = np.flatnonzero(kind == k)
        g, base = int(sets[k, 0]), int(sets[k, 1])
        treated = cohort == g
        areas = np.flatnonzero(treated | cells.controls[rows[0]][cohort])
        covariates = np.column_stack([np.ones(areas.size), _standardised(x[base, areas])])
        change = y[cells.period[rows]][:, areas] - y[base, areas]
        att[rows], part = _effects(
            change,
            covariates,
            treated[areas].astype(float),
            weights[areas],
            method,
            where=f"covariates {', '.join(names)}, areas first treated in period {int(cells.starts[g]) + 1}",
        )
        influence[np.ix_(rows, areas)] = part
    return ConditionalEffects(att=att, influence=influence)


def _standardised(x: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and standard deviation 1; the effects do not depend on it, their precision does."""
    spread = x.std(axis=0)
    return np.asarray((x - x.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0))


def _effects(
    change: np.ndarray, x: np.ndarray, d: np.ndarray, w: np.ndarray, method: Method, where: str
) -> tuple[np.ndarray, np.ndarray]:
    """Effects (M,) of M periods and influences (M, n) of n areas; formulas of Sant'Anna & Zhao (2020).

    Changes (M, n) of the outcome, covariates x (n, 1 + P) with the constant, treatment d and weights w (n,).
    """
    own, control = w * d, w * (1.0 - d)
    total, rest, spread = own.sum(), change, np.zeros_like(x)
    if method != "weighting":
        # spread times the residuals is what each comparison area adds to the error of the regression's coefficients
        spread = control[:, None] * (x @ _inverse(x, control, where))
        rest = change - change @ spread @ x.T
    treated = rest @ own / total
    influence = (own * (rest - treated[:, None]) - rest * (spread @ (x.T @ own))) / total
    if method == "regression":
        return treated, influence
    score = _fit_score(x, d, w, where)
    odds = control * score / (1.0 - score)
    mass = odds.sum()
    other = rest @ odds / mass
    deviation = odds * (rest - other[:, None])
    of_score = (w * (d - score))[:, None] * (x @ _inverse(x, w * score * (1.0 - score), where))
    influence -= (deviation + deviation @ x @ of_score.T - rest * (spread @ (x.T @ odds))) / mass
    return treated - other, influence


def _inverse(x: np.ndarray, w: np.ndarray, where: str) -> np.ndarray:
    """Inverse of ``x' diag(w) x``, refused where covariates are collinear."""
    gram = (w[:, None] * x).T @ x
    values = np.linalg.eigvalsh(gram)
    if not values[0] > RANK * values[-1]:
        raise DataError(
            f"{where}: among these areas and those they are compared with a covariate is constant or a sum of the others; leave "
            "it out or give more areas."
        )
    return np.asarray(np.linalg.inv(gram))


def _fit_score(x: np.ndarray, d: np.ndarray, w: np.ndarray, where: str) -> np.ndarray:
    """Propensity score (n,): logistic regression of d on x by Newton's method."""
    share = float(w @ d / w.sum())
    coefficients = np.zeros(x.shape[1])
    coefficients[0] = np.log(share / (1.0 - share))
    for _ in range(STEPS):
        score = 1.0 / (1.0 + np.exp(-np.clip(x @ coefficients, -30.0, 30.0)))
        if np.max(score[d == 0.0]) > 1.0 - CERTAIN or np.max(score * (1.0 - score)) < CERTAIN:
            break
        step = np.linalg.solve(((w * score * (1.0 - score))[:, None] * x).T @ x, (w * (d - score)) @ x)
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-10:
            return np.asarray(score)
    raise DataError(
        f"{where}: the covariates all but tell these areas from those they are compared with, so there is no overlap to weight "
        "by; use method='regression', fewer covariates, or more areas."
    )

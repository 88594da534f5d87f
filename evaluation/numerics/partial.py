"""Regressions with any terms beside area effects, on complete or gappy panels, by partialling out.

The terms that are no effect of the programme (area effects and trends, period effects of groups, covariates) are the same for
every assignment of the treated dates. They are projected out once (Frisch & Waugh 1933, Lovell 1963): own terms of an area within
the area, the rest through one orthonormal basis. An assignment then costs products with the rows of the areas it treats.
All is direct linear algebra: no iteration, no tolerance to choose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.assignment import CHUNK, RANK
from evaluation.numerics.specification import Specification
from evaluation.results import Comparison

NEGLIGIBLE = 1e-10
"""A term of which less than this share of its length is left is explained by the ones before it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartialledOut:
    """An outcome with everything but the effect taken out.

    Attributes
    ----------
    raw : array (T, N), outcome, 0 where not observed
    residual : array (N, T), outcome after all terms, times the root of the weight
    basis : array (N, T, P), orthonormal columns of the terms after the areas' own
    observed : boolean array (N, T)
    root : array (N,), square root of the weights
    own : int, own terms of an area: none (0), its level (1), its level and trend (2)
    rank : int, number of free coefficients taken out
    """

    raw: np.ndarray
    residual: np.ndarray
    basis: np.ndarray
    observed: np.ndarray
    root: np.ndarray
    own: int
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartialFits:
    """Fits of D assignments: coefficients (D, L), gap (D, T), pre_rmspe (D,) as in `AssignmentFits`, and sound (D,): whether the
    effects can be told apart from the other terms and a treated area is observed in every period. Unsound rows mean nothing.
    """

    coefficients: np.ndarray
    gap: np.ndarray
    pre_rmspe: np.ndarray
    sound: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartialRegression:
    """One regression: coefficients (L,) and their covariance (L, L), None where no degree of freedom is left."""

    coefficients: np.ndarray
    vcov: np.ndarray | None


def partial_out(comparison: Comparison, specification: Specification) -> PartialledOut:
    """Take the terms of the specification out of the outcome, but for those it reports."""
    observed = comparison.observed.T
    own = 0 if specification.effects != "area" else 1 + specification.area_trends
    root = np.ones(len(comparison.areas)) if comparison.weights is None else np.sqrt(comparison.weights)
    raw = np.where(observed, comparison.y.T, 0.0)
    terms = PartialledOut(
        raw=raw.T,
        residual=take_own(raw[..., None], observed, own)[..., 0] * root[:, None],
        basis=np.zeros((*observed.shape, 0)),
        observed=observed,
        root=root,
        own=own,
        rank=int(np.minimum(observed.sum(axis=1), own).sum()),
    )
    return take_out(terms, specification.absorbed(comparison))


def take_out(terms: PartialledOut, columns: np.ndarray) -> PartialledOut:
    """Take more columns (T, N, P) out of what is left."""
    given = np.where(terms.observed[..., None], np.swapaxes(columns, 0, 1), 0.0) * terms.root[:, None, None]
    length = np.sqrt((given**2).sum(axis=(0, 1)))
    inner = take_own(given[..., length > 0.0] / length[length > 0.0], terms.observed, terms.own)
    more = _orthonormal(_beside(terms.basis, inner))
    return replace(
        terms,
        residual=_beside(more, terms.residual[..., None])[..., 0],
        basis=np.concatenate([terms.basis, more], axis=2),
        rank=terms.rank + more.shape[2],
    )


def _beside(basis: np.ndarray, values: np.ndarray) -> np.ndarray:
    """What of `values` (N, T, L) is orthogonal to the basis (N, T, P)."""
    if not basis.shape[2] or not values.shape[2]:
        return values
    return np.asarray(values - basis @ np.tensordot(basis, values, axes=([0, 1], [0, 1])))


def take_own(values: np.ndarray, observed: np.ndarray, own: int) -> np.ndarray:
    """Take each area's mean, and for `own` 2 its line over time, out of `values` (..., T, L) where `observed` (..., T)."""
    values = np.where(observed[..., None], values, 0.0)
    if not own:
        return values
    mark = observed.astype(float)
    count = np.maximum(mark.sum(axis=-1, keepdims=True), 1.0)
    values = values - mark[..., None] * (values.sum(axis=-2, keepdims=True) / count[..., None])
    if own == 1:
        return values
    line = np.arange(mark.shape[-1]) * mark
    line = line - mark * (line.sum(axis=-1, keepdims=True) / count)
    square = (line**2).sum(axis=-1)[..., None, None]
    slope = (line[..., None] * values).sum(axis=-2, keepdims=True)
    return np.asarray(values - line[..., None] * np.divide(slope, square, out=np.zeros_like(slope), where=square > 0.0))


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """Orthonormal basis (N, T, P) of what the columns (N, T, P'), of length one before, still span."""
    if not columns.shape[2]:
        return columns
    from scipy.linalg import qr

    q, r, _ = qr(columns.reshape(-1, columns.shape[2]), mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(r)) > NEGLIGIBLE).sum())
    return np.asarray(q[:, :rank].reshape(*columns.shape[:2], rank))


def fit_partial(
    terms: PartialledOut, *, regressors: np.ndarray, first: np.ndarray, areas: np.ndarray, n_effects: int
) -> PartialFits:
    """Fit the effects of D assignments.

    Parameters
    ----------
    terms : PartialledOut
    regressors : array (K, T, L)
        Those of the treated areas; they are zero for all others.
    first : integer array (K,)
        First treated period of each treated area.
    areas : integer array (D, K)
        The assignments.
    n_effects : int
        How many of the regressors, from the first, are effects; the others are taken out of the gap like all terms.
    """
    n_treated, n_periods, n_regressors = regressors.shape
    step = max(1, CHUNK // (n_treated * n_periods * max(terms.basis.shape[2] + n_regressors, 1)))
    parts = [_fit_chunk(terms, regressors, first, areas[d : d + step], n_effects) for d in range(0, max(len(areas), 1), step)]
    return PartialFits(
        coefficients=np.concatenate([part.coefficients for part in parts]),
        gap=np.concatenate([part.gap for part in parts]),
        pre_rmspe=np.concatenate([part.pre_rmspe for part in parts]),
        sound=np.concatenate([part.sound for part in parts]),
    )


def _fit_chunk(terms: PartialledOut, regressors: np.ndarray, first: np.ndarray, areas: np.ndarray, n_effects: int) -> PartialFits:
    """All fits of one chunk of assignments."""
    n_draws, (n_treated, n_periods, n_regressors) = len(areas), regressors.shape
    cells = n_treated * n_periods
    root = terms.root[areas][..., None]
    observed = terms.observed[areas]
    given = np.where(observed[..., None], regressors, 0.0) * root[..., None]
    x = take_own(given, observed, terms.own)
    flat = x.reshape(n_draws, cells, n_regressors)
    basis = terms.basis[areas].reshape(n_draws, cells, -1)
    across = np.swapaxes(basis, 1, 2) @ flat
    own = np.swapaxes(flat, 1, 2) @ flat
    denominator = own - np.swapaxes(across, 1, 2) @ across
    residual = terms.residual[areas]
    numerator = (residual.reshape(n_draws, 1, cells) @ flat)[:, 0]
    sound = observed.any(axis=1).all(axis=1) & _told_apart(denominator, own, (given**2).sum(axis=(1, 2)))
    coefficients = np.zeros((n_draws, n_regressors))
    if sound.any():
        coefficients[sound] = np.linalg.solve(denominator[sound], numerator[sound][..., None])[..., 0]
    left = np.einsum("dcl,dl->dc", flat, coefficients)
    left -= np.einsum("dcp,dp->dc", basis, np.einsum("dpl,dl->dp", across, coefficients))
    effect = np.einsum("ktl,dl->dkt", regressors[..., :n_effects], coefficients[:, :n_effects])
    gap = (residual - left.reshape(n_draws, n_treated, n_periods)) / root + effect
    weight = root**2 * observed
    before = weight * (np.arange(n_periods) < first[:, None])
    waiting = before.sum(axis=1)
    early = (before * gap).sum(axis=1)
    square = np.divide(early**2, waiting, out=np.zeros_like(early), where=waiting > 0.0).sum(axis=1)
    total = weight.sum(axis=1)
    return PartialFits(
        coefficients=coefficients,
        gap=np.divide((weight * gap).sum(axis=1), total, out=np.zeros_like(total), where=total > 0.0),
        # no period before the start (a dose from the first period on): nothing to measure
        pre_rmspe=np.sqrt(square / np.maximum(waiting.sum(axis=1), np.finfo(float).tiny)),
        sound=sound,
    )


def _told_apart(denominator: np.ndarray, own: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Whether none of the regressors of each assignment (D,) is `explained`; by Cholesky pivots where these can be had."""
    square = np.einsum("dll->dl", own)
    fine = (square > NEGLIGIBLE**2 * raw).all(axis=1)
    told = np.zeros(len(own), dtype=bool)
    if not fine.any():
        return told
    scale = np.sqrt(square[fine])
    try:
        pivots = np.linalg.cholesky(denominator[fine] / scale[:, :, None] / scale[:, None, :])
    except np.linalg.LinAlgError:
        # one at least is singular: look at each
        return np.asarray(~explained(denominator, own, raw).any(axis=1))
    told[fine] = np.einsum("dll->dl", pivots).min(axis=1) ** 2 > RANK
    return told


def explained(denominator: np.ndarray, own: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Which regressors (D, L) the other terms, or the other regressors, explain: too little of them is left.

    `own` and `denominator` (D, L, L) are cross products after the areas' own terms and after all terms are taken out, `raw`
    (D, L) squared lengths before.
    """
    if not denominator.shape[2]:
        return np.zeros(denominator.shape[:2], dtype=bool)
    square = np.einsum("dll->dl", own)
    nil = square <= NEGLIGIBLE**2 * raw
    scale = np.sqrt(np.where(nil, 1.0, square))
    scaled = denominator / scale[:, :, None] / scale[:, None, :]
    values, vectors = np.linalg.eigh(scaled)
    lost = (np.abs(vectors) > np.sqrt(RANK)) & (values <= RANK)[:, None, :]
    return np.asarray(nil | lost.any(axis=2))


def regress(
    terms: PartialledOut,
    x: np.ndarray,
    *,
    names: tuple[str, ...],
    clusters: np.ndarray,
    specification: Specification,
) -> PartialRegression:
    """Regress on `x` (T, N, L), called `names`, with covariance as the specification says; `clusters` (N,) are integers.

    Raises
    ------
    DataError
        If other terms explain one of the regressors.
    """
    given = np.where(terms.observed[..., None], np.swapaxes(x, 0, 1), 0.0) * terms.root[:, None, None]
    inner = take_own(given, terms.observed, terms.own).reshape(-1, x.shape[2])
    basis = terms.basis.reshape(len(inner), -1)
    left = inner - basis @ (basis.T @ inner)
    own, denominator = inner.T @ inner, left.T @ left
    lost = explained(denominator[None], own[None], (given**2).sum(axis=(0, 1))[None])[0]
    if lost.any():
        which = ", ".join(name for name, one in zip(names, lost, strict=True) if one)
        raise DataError(
            f"regression: other terms explain {which} entirely, so no effect of it can be told apart; leave out what does not "
            "vary within areas or repeats another term, or find untreated areas or other starts."
        )
    y = terms.residual.ravel()
    coefficients = np.linalg.solve(denominator, left.T @ y)
    error = y - left @ coefficients
    return PartialRegression(
        coefficients=coefficients,
        vcov=_covariance(terms, left, error, np.linalg.inv(denominator), clusters, specification),
    )


def _covariance(
    terms: PartialledOut,
    left: np.ndarray,
    error: np.ndarray,
    bread: np.ndarray,
    clusters: np.ndarray,
    specification: Specification,
) -> np.ndarray | None:
    """Covariance (L, L) of the coefficients with its small-sample factor."""
    n = int(terms.observed.sum())
    areas = int(terms.observed.any(axis=1).sum())
    nested = areas - 1 if specification.small_sample == "nested" and terms.own else 0
    free = n - terms.rank - left.shape[1]
    if free <= 0:
        return None
    free += nested
    if specification.covariance == "iid":
        return np.asarray(bread * (error @ error) / free)
    scores = left * error[:, None]
    if specification.covariance == "hetero":
        return np.asarray(bread @ (scores.T @ scores) @ bread * n / free)
    groups = int(clusters.max()) + 1
    if groups < 2:
        return None
    sums = np.zeros((groups, left.shape[1]))
    np.add.at(sums, np.repeat(clusters, terms.observed.shape[1]), scores)
    # clusters without any observed cell do not count
    groups = np.unique(clusters[terms.observed.any(axis=1)]).size
    return np.asarray(bread @ (sums.T @ sums) @ bread * (groups / (groups - 1)) * ((n - 1) / free))

"""Two-way fixed effects on a balanced panel in closed form, for many assignments of the treated dates at once.

On a balanced panel the regression of `y` on L regressors with area and period effects needs no iteration (Frisch & Waugh 1933,
Lovell 1963): with area weights w, regressors demeaned over time x, and the weighted period mean of the outcome m,

    numerator    sum over treated k of  x_k' (w_k y_k - w_k m)
    denominator  sum over k of  w_k x_k' x_k  -  (sum of w_k x_k)' (sum of w_k x_k) / sum of all w

Both need nothing of an assignment but the weighted sums of the outcomes of the areas it treats, start by start: a matrix product
of an indicator (draws x areas) with the outcomes. The regressors belong to the treated areas; a placebo gives those of treated
area k to another area, or to the weighted mean of several, whose sums are those of its members.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.places import STAYS

CHUNK = 500_000
"""Numbers in the largest array of one chunk of assignments: small enough to stay near the processor (measured)."""

RANK = 1e-9
"""Smallest share of a regressor's variation that must be left after area and period effects (and the others) are taken out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssignmentFits:
    """Fits of D assignments.

    Attributes
    ----------
    coefficients : array (D, L)
    gap : array (D, T), outcome minus the fitted area and period effects, weighted mean over the treated areas; (0, T) where not
        asked for
    pre_rmspe : array (D,), root mean square of that gap over periods before the start. With several starts: in each period the
        mean over the areas not started yet, weighted by how many these are. 0 where every area has one such period only.
    """

    coefficients: np.ndarray
    gap: np.ndarray
    pre_rmspe: np.ndarray


def fit_assignments(
    y: np.ndarray,
    *,
    regressors: np.ndarray,
    first: np.ndarray,
    groups: np.ndarray,
    weights: np.ndarray | None = None,
    coefficients: np.ndarray | None = None,
    with_gaps: bool = True,
) -> AssignmentFits:
    """Fit ``y ~ regressors | area + period`` for every assignment.

    A treated place of several areas counts as one unit, their mean by the weights. Its sums are those of its areas, so each fit
    is the one on the panel of places.

    Parameters
    ----------
    y : array (T, N)
        Outcomes.
    regressors : array (K, T, L)
        Those of the treated areas; they are zero for all others.
    first : integer array (K,)
        First treated period of each treated area.
    groups : integer array (D, N)
        The assignments, as in `numerics.places.PlaceAssignments`; every treated area has members in each.
    weights : array (N,), optional
        Weights of the areas; default equal, and then every group is of one area.
    coefficients : array (D, L), optional
        Take these as given and compute gaps and misfit only.
    with_gaps : bool
        Whether the gaps are wanted.

    Raises
    ------
    DataError
        If area and period effects explain a regressor entirely.
    """
    n_periods, n_areas = y.shape
    weights = np.ones(n_areas) if weights is None else np.asarray(weights, dtype=float)
    keys: dict[bytes, int] = {}
    kind = np.array([keys.setdefault(first[k].tobytes() + regressors[k].tobytes(), len(keys)) for k in range(len(first))])
    one = np.array([np.flatnonzero(kind == g)[0] for g in range(len(keys))])
    design = _Design(
        raw=regressors[one], first=first[one], kind=kind, total=float(weights.sum()), coefficients=coefficients, gaps=with_gaps
    )
    deviation = y.T - weights @ y.T / weights.sum()
    deviation -= deviation.mean(axis=1, keepdims=True)
    # one column more carries the weights themselves through the same product
    outcome = np.column_stack([weights[:, None] * deviation, weights])
    step = max(1, CHUNK // max(len(one) * (n_periods + 1), n_areas, design.raw.shape[2] * max(n_periods, design.raw.shape[2])))
    parts = [_fit_chunk(design, outcome, groups[d : d + step], d) for d in range(0, max(len(groups), 1), step)]
    return AssignmentFits(
        coefficients=np.concatenate([part.coefficients for part in parts]),
        gap=np.concatenate([part.gap for part in parts]),
        pre_rmspe=np.concatenate([part.pre_rmspe for part in parts]),
    )


def sum_members(groups: np.ndarray, values: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Sums (D, G, C) of the rows of `values` (N, C) over the areas that stand in for treated areas of each kind.

    `groups` (D, N) as in `numerics.places.PlaceAssignments`; `kind` (K,) is the kind of each treated area, 0 to G - 1.
    """
    from scipy.sparse import coo_array

    n_draws, n_areas = groups.shape
    n_kinds = int(kind.max()) + 1
    flat = groups.ravel()
    placed = np.flatnonzero(flat != STAYS)
    draw, area = np.divmod(placed, n_areas)
    # nearly all entries are nought: the rows of the members are added up and nothing else is touched
    row = draw * n_kinds + kind[flat[placed]]
    matrix = coo_array((np.ones(placed.size), (row, area)), shape=(n_draws * n_kinds, n_areas)).tocsr()
    return np.asarray((matrix @ values).reshape(n_draws, n_kinds, values.shape[1]))


def treated_groups(n_areas: int, columns: np.ndarray) -> np.ndarray:
    """The one assignment (1, N) in which the areas at `columns` (K,) stand for themselves."""
    groups = np.full((1, n_areas), STAYS, dtype=np.int16)
    groups[0, columns] = np.arange(len(columns))
    return groups


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Design:
    """What all chunks share.

    Regressors raw (G, T, L) and first treated period (G,) of the kinds of treated areas, the kind of each (K,), total weight,
    coefficients (D, L) where they are given, and whether gaps are wanted.
    """

    raw: np.ndarray
    first: np.ndarray
    kind: np.ndarray
    total: float
    coefficients: np.ndarray | None
    gaps: bool


def _fit_chunk(design: _Design, outcome: np.ndarray, groups: np.ndarray, begin: int) -> AssignmentFits:
    """All fits of one chunk; letters as in the head of this module, sums over the treated areas of a kind in capitals."""
    n_kinds, n_periods, n_regressors = design.raw.shape
    sums = sum_members(groups, outcome, design.kind)
    deviation, big_w = sums[..., :-1], sums[..., -1]
    x = design.raw - design.raw.mean(axis=1, keepdims=True)
    # with equal weights all assignments have the same denominator
    some = slice(0, 1) if bool((big_w == big_w[:1]).all()) else slice(None)
    mean_x = (big_w[some] @ x.reshape(n_kinds, -1)).reshape(-1, n_periods, n_regressors) / design.total
    if design.coefficients is None:
        coefficients = _coefficients(x, big_w[some], deviation, mean_x, design.total)
    else:
        coefficients = design.coefficients[begin : begin + len(groups)]
    # residual plus effect, kind by kind: what is left of the outcome after area and period effects
    level = big_w * (coefficients @ design.raw.mean(axis=1).T)
    spill = coefficients @ mean_x[0].T if len(mean_x) == 1 else (mean_x @ coefficients[..., None])[..., 0]
    before = (np.arange(n_periods) < design.first[:, None]).astype(float)
    waiting = big_w[some] @ before
    early = np.einsum("dgt,gt->dt", deviation, before) + level @ before + waiting * spill
    square = (early**2 / np.where(waiting > 0.0, waiting, 1.0)).sum(axis=1)
    # with no period before the start (a dose from the first period on) there is nothing to measure
    square /= np.maximum(waiting.sum(axis=1), np.finfo(float).tiny)
    gap = np.zeros((0, n_periods))
    if design.gaps:
        size = big_w.sum(axis=1, keepdims=True)
        gap = (deviation.sum(axis=1) + level.sum(axis=1, keepdims=True)) / size + spill
    return AssignmentFits(coefficients=coefficients, gap=gap, pre_rmspe=np.sqrt(square))


def _coefficients(x: np.ndarray, big_w: np.ndarray, deviation: np.ndarray, mean_x: np.ndarray, total: float) -> np.ndarray:
    """Coefficients (D, L) from numerator and denominator; one factorisation where `big_w` (1, G) and `mean_x` are one for all."""
    n_numbers, n_regressors = x.shape[0] * x.shape[1], x.shape[2]
    numerator = deviation.reshape(-1, n_numbers) @ x.reshape(n_numbers, n_regressors)
    if len(x) == 1 and bool((big_w < total * (1.0 - RANK)).all()):
        # with one kind the denominator is W (1 - W / total of all w) times the same matrix
        numerator, big_w, mean_x = numerator / (big_w * (1.0 - big_w / total)), np.ones((1, 1)), np.zeros_like(x)
    own = np.tensordot(big_w, np.swapaxes(x, 1, 2) @ x, axes=1)
    denominator = own - total * np.swapaxes(mean_x, 1, 2) @ mean_x
    if not is_full_rank(denominator[:1], own[:1]):
        raise DataError(
            "regression: area and period effects explain the exposure entirely; untreated areas or other starts are needed."
        )
    if len(denominator) == 1:
        return np.linalg.solve(denominator[0], numerator.T).T if len(numerator) else numerator
    if n_regressors == 1:
        return np.asarray(numerator / denominator[..., 0])
    return np.linalg.solve(denominator, numerator[..., None])[..., 0]


def is_full_rank(denominator: np.ndarray, own: np.ndarray) -> bool:
    """Whether enough of every regressor (stack of L x L cross products, `own` before period effects) is left to estimate it."""
    if not len(denominator):
        return True
    size = np.sqrt(np.einsum("dll->dl", own))
    if not (size > 0.0).all():
        return False
    scaled = denominator / size[:, :, None] / size[:, None, :]
    return bool(np.linalg.eigvalsh(scaled).min() > RANK)

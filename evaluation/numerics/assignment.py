"""Two-way fixed effects on a balanced panel in closed form, for many assignments of the treated dates at once.

On a balanced panel the regression of `y` on L regressors with area and period effects needs no iteration (Frisch & Waugh 1933,
Lovell 1963): with area weights w, regressors demeaned over time x, and the weighted period mean of the outcome m,

    numerator    sum over treated k of  x_k' (w_k y_k - w_k m)
    denominator  sum over k of  w_k x_k' x_k  -  (sum of w_k x_k)' (sum of w_k x_k) / sum of all w

Both need nothing of an assignment but the weighted sums of the outcomes of the areas it treats, start by start: a matrix product
of an indicator (draws x areas) with the outcomes. The regressors belong to the treated areas; a placebo gives those of treated
area k to another area.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError

CHUNK = 2_000_000
"""Numbers in the largest array of one chunk of assignments; bounds memory at a few tens of megabytes."""

RANK = 1e-9
"""Smallest share of a regressor's variation that must be left after area and period effects (and the others) are taken out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assignments:
    """Which area takes the place of which treated one.

    Attributes
    ----------
    areas : integer array (D, K), for each of D assignments the area that gets the dates of treated area k; all different in a row
    exhaustive : whether all admissible assignments are there
    """

    areas: np.ndarray
    exhaustive: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssignmentFits:
    """Fits of D assignments.

    Attributes
    ----------
    coefficients : array (D, L)
    gap : array (D, T), outcome minus the fitted area and period effects, weighted mean over the treated areas
    pre_rmspe : array (D,), root mean square of that gap over periods before the start. With several starts: in each period the
    mean
        over the areas not started yet, weighted by how many these are. 0 where every area has one such period only.
    """

    coefficients: np.ndarray
    gap: np.ndarray
    pre_rmspe: np.ndarray


def draw_assignments(*, n_areas: int, n_treated: int, draws: int, seed: int) -> Assignments:
    """Draw areas to take the treated areas' places: without replacement, each with equal odds.

    One treated area: every area in turn, and `draws` is not used. Fewer untreated areas than one more than the treated: none.
    """
    if n_areas <= n_treated:
        return Assignments(areas=np.zeros((0, n_treated), dtype=np.int64), exhaustive=True)
    if n_treated == 1:
        return Assignments(areas=np.arange(n_areas)[:, None], exhaustive=True)
    order = np.random.default_rng(seed).random((draws, n_areas)).argsort(axis=1)
    return Assignments(areas=order[:, :n_treated], exhaustive=False)


def fit_assignments(
    y: np.ndarray,
    *,
    regressors: np.ndarray,
    first: np.ndarray,
    areas: np.ndarray,
    weights: np.ndarray | None = None,
    coefficients: np.ndarray | None = None,
) -> AssignmentFits:
    """Fit ``y ~ regressors | area + period`` for every assignment.

    Parameters
    ----------
    y : array (T, N)
        Outcomes.
    regressors : array (K, T, L)
        Those of the treated areas; they are zero for all others.
    first : integer array (K,)
        First treated period of each treated area.
    areas : integer array (D, K)
        The assignments.
    weights : array (N,), optional
        Weights of the areas; default equal.
    coefficients : array (D, L), optional
        Take these as given and compute the gaps only.

    Raises
    ------
    DataError
        If area and period effects explain a regressor entirely.
    """
    n_periods, n_areas = y.shape
    weights = np.ones(n_areas) if weights is None else np.asarray(weights, dtype=float)
    keys: dict[bytes, int] = {}
    cohort = np.array([keys.setdefault(first[k].tobytes() + regressors[k].tobytes(), len(keys)) for k in range(len(first))])
    one = np.array([np.flatnonzero(cohort == g)[0] for g in range(len(keys))])
    design = _Design(raw=regressors[one], first=first[one], cohort=cohort, total=float(weights.sum()))
    # one column more carries the weights themselves through the same product
    outcome = np.column_stack([weights[:, None] * y.T, weights])
    mean = weights @ y.T / weights.sum()
    step = max(1, CHUNK // max(len(one) * (n_periods + 1), n_areas, design.raw.shape[2] ** 2))
    parts = [
        _fit_chunk(design, outcome, mean, areas[d : d + step], None if coefficients is None else coefficients[d : d + step])
        for d in range(0, max(len(areas), 1), step)
    ]
    return AssignmentFits(
        coefficients=np.concatenate([part.coefficients for part in parts]),
        gap=np.concatenate([part.gap for part in parts]),
        pre_rmspe=np.concatenate([part.pre_rmspe for part in parts]),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Design:
    """Regressors of the G kinds of treated areas: raw (G, T, L), first (G,), cohort (K,) the kind of each, total weight."""

    raw: np.ndarray
    first: np.ndarray
    cohort: np.ndarray
    total: float


def _fit_chunk(
    design: _Design, outcome: np.ndarray, mean: np.ndarray, areas: np.ndarray, coefficients: np.ndarray | None
) -> AssignmentFits:
    """All fits of one chunk; letters as in the head of this module, sums over the treated areas of a kind in capitals."""
    rows = np.arange(len(areas))[:, None]
    sums = np.empty((len(areas), len(design.first), outcome.shape[1]))
    for g in range(len(design.first)):
        indicator = np.zeros((len(areas), len(outcome)))
        indicator[rows, areas[:, design.cohort == g]] = 1.0
        sums[:, g] = indicator @ outcome
    big_w = sums[..., -1]
    deviation = sums[..., :-1] - big_w[..., None] * mean
    x = design.raw - design.raw.mean(axis=1, keepdims=True)
    mean_x = np.tensordot(big_w, x, axes=1) / design.total
    if coefficients is None:
        coefficients = _coefficients(x, big_w, deviation, mean_x, design.total)
    # residual plus effect, kind by kind: what is left of the outcome after area and period effects
    gap = deviation - deviation.mean(axis=2, keepdims=True)
    gap += big_w[..., None] * (coefficients @ design.raw.mean(axis=1).T)[..., None]
    gap += big_w[..., None] * np.einsum("dtl,dl->dt", mean_x, coefficients)[:, None, :]
    before = (np.arange(design.raw.shape[1]) < design.first[:, None]).astype(float)
    waiting = big_w @ before
    early = np.einsum("dgt,gt->dt", gap, before)
    square = np.divide(early**2, waiting, out=np.zeros_like(early), where=waiting > 0.0).sum(axis=1)
    # with no period before the start (a dose from the first period on) there is nothing to measure
    square /= np.maximum(waiting.sum(axis=1), np.finfo(float).tiny)
    return AssignmentFits(
        coefficients=coefficients, gap=gap.sum(axis=1) / big_w.sum(axis=1, keepdims=True), pre_rmspe=np.sqrt(square)
    )


def _coefficients(x: np.ndarray, big_w: np.ndarray, deviation: np.ndarray, mean_x: np.ndarray, total: float) -> np.ndarray:
    """Coefficients (D, L) from numerator and denominator; one factorisation where the denominators are all equal."""
    n_numbers, n_regressors = x.shape[0] * x.shape[1], x.shape[2]
    numerator = deviation.reshape(-1, n_numbers) @ x.reshape(n_numbers, n_regressors)
    same = bool((big_w == big_w[:1]).all())
    some = slice(0, 1) if same else slice(None)
    own = np.tensordot(big_w[some], np.swapaxes(x, 1, 2) @ x, axes=1)
    denominator = own - total * np.swapaxes(mean_x[some], 1, 2) @ mean_x[some]
    if not is_full_rank(denominator[:1], own[:1]):
        raise DataError(
            "regression: area and period effects explain the exposure entirely; untreated areas or other starts are needed."
        )
    if same:
        return np.linalg.solve(denominator[0], numerator.T).T if len(numerator) else numerator
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

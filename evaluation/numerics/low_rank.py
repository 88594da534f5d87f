"""Area and period effects plus a matrix of low rank, from the cells that were observed.

The model is ``Y = L + area_i + period_t + error`` on the cells of a mask, and L minimises ``||mask (Y - L - effects)||^2 / 2
+ tau ||L||_*`` with the effects unpenalised (Athey, Bayati, Doudchenko, Imbens & Khosravi 2021, section 4; their lambda is
``2 tau`` divided by the number of cells). The effects are least squares given L, so this is a problem in L alone: its
gradient is minus the residual on the mask, and a step of length one followed by taking tau off the singular values is
soft-impute (Mazumder, Hastie & Tibshirani 2010). Anderson's mixing of the last steps (Walker & Ni 2011) shortens the search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError

TOLERANCE = 1e-11
"""Largest last step, as a share of the outcomes' size after effects."""

MOST = 2000
"""Steps after which a search that has not converged is an error."""

MEMORY = 6
"""Steps that are mixed."""

SINGULAR = 1e-10
"""Eigenvalues of the effects' normal matrix below this share of the largest are zero (the common constant)."""


class TwoWay:
    """Least-squares area and period effects on the cells of a mask (T, N); the matrices are computed once."""

    __slots__ = ("_by_area", "_mask", "_solve")

    def __init__(self, mask: np.ndarray) -> None:
        self._mask = mask.astype(float)
        self._by_area = self._mask.sum(axis=0)
        normal = np.diag(self._mask.sum(axis=1)) - (self._mask / self._by_area) @ self._mask.T
        self._solve = np.linalg.pinv(normal, rcond=SINGULAR, hermitian=True)

    def fitted(self, values: np.ndarray) -> np.ndarray:
        """Area plus period effects (T, N), in all cells, of `values` (T, N), which must be 0 outside the mask."""
        total = values.sum(axis=0)
        period = self._solve @ (values.sum(axis=1) - self._mask @ (total / self._by_area))
        area = (total - period @ self._mask) / self._by_area
        return np.asarray(period[:, None] + area)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LowRankFit:
    """A fit.

    Attributes
    ----------
    low_rank : array (T, N)
    fitted : array (T, N), effects plus `low_rank`, in all cells
    steps : int
    """

    low_rank: np.ndarray
    fitted: np.ndarray
    steps: int


def fit_low_rank(
    y: np.ndarray,
    mask: np.ndarray,
    *,
    tau: float,
    start: np.ndarray | None = None,
    effects: TwoWay | None = None,
    tolerance: float = TOLERANCE,
) -> LowRankFit:
    """Complete a matrix.

    Parameters
    ----------
    y : array (T, N)
        Outcomes; cells outside the mask are not read.
    mask : boolean array (T, N)
        Cells to fit; every row and column needs one.
    tau : float
        What is taken off the singular values, in the outcome's unit; infinite = effects alone.
    start : array (T, N), optional
        Where the search for L begins; default 0. It changes the number of steps, not the result.
    effects : TwoWay, optional
        That of the mask, where it is there already.
    tolerance : float
        Largest last step, as a share of the size of the outcomes after effects.

    Raises
    ------
    DataError
        If the search does not converge.
    """
    effects = TwoWay(mask) if effects is None else effects
    observed = np.where(mask, y, 0.0)
    base = effects.fitted(observed)
    residual = np.where(mask, y - base, 0.0)
    size = float(np.sqrt((residual**2).sum()))
    if size <= 1e-12 * float(np.sqrt((observed**2).sum())) or np.isinf(tau):
        return LowRankFit(low_rank=np.zeros(y.shape), fitted=base, steps=0)

    def rest(low_rank: np.ndarray) -> np.ndarray:
        masked = np.where(mask, low_rank, 0.0)
        return np.where(mask, residual - low_rank + effects.fitted(masked), 0.0)

    here = np.zeros(y.shape) if start is None else start
    points: list[np.ndarray] = []
    steps: list[np.ndarray] = []
    best = np.inf
    for number in range(MOST):
        image = shrink(here + rest(here), tau)
        step = image - here
        length = float(np.sqrt((step**2).sum()))
        if length <= tolerance * size:
            fitted = base + image - effects.fitted(np.where(mask, image, 0.0))
            return LowRankFit(low_rank=image, fitted=fitted, steps=number + 1)
        if length > 2.0 * best:  # the mixture overshot: begin it anew
            points, steps = [], []
        best = min(best, length)
        points, steps = [*points, image.ravel()][-MEMORY:], [*steps, step.ravel()][-MEMORY:]
        here = _mixed(points, steps).reshape(y.shape)
    raise DataError(
        f"matrix completion: the search has not converged in {MOST} steps (last step {length / size:.1e} of the outcomes' size); "
        "look for values of very different size, or set a larger penalty."
    )


def shrink(values: np.ndarray, tau: float) -> np.ndarray:
    """`values` (T, N) with `tau` taken off their singular values, none below 0, by the smaller of the two Gram matrices."""
    if values.shape[0] > values.shape[1]:
        return shrink(values.T, tau).T
    square, vectors = np.linalg.eigh(values @ values.T)
    singular = np.sqrt(np.maximum(square, 0.0))
    kept = singular > tau
    some = vectors[:, kept]
    return np.asarray((some * (1.0 - tau / singular[kept])) @ (some.T @ values))


def _mixed(points: list[np.ndarray], steps: list[np.ndarray]) -> np.ndarray:
    """The mixture of the last images whose steps cancel best."""
    if len(steps) == 1:
        return points[0]
    last = steps[-1]
    differences = np.stack([last - step for step in steps[:-1]])
    gram = differences @ differences.T
    gram[np.diag_indices(len(gram))] *= 1.0 + 1e-10
    shares = np.linalg.lstsq(gram, differences @ last, rcond=1e-14)[0]
    return np.asarray(points[-1] - shares @ np.stack([points[-1] - point for point in points[:-1]]))


def largest_penalty(y: np.ndarray, mask: np.ndarray) -> float:
    """The smallest `tau` that leaves nothing of the low rank: the largest singular value of the outcomes after effects."""
    observed = np.where(mask, y, 0.0)
    return float(np.linalg.norm(np.where(mask, y - TwoWay(mask).fitted(observed), 0.0), 2))

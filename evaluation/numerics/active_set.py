"""Quadratic functions of weights that are not negative and sum to one, many at once, by an active set in lockstep.

Problem r is ``min w' Q_r w + 2 p_r' w`` on the simplex, over the donors allowed to it. On a support S with ``H = Q_S + 11'`` (the
ones change nothing where weights sum to one) the minimum is ``m x - q`` with ``H x = 1``, ``H q = p_S`` and m so that the weights
sum to one (Lawson & Hanson 1974, chapter 23, on the simplex itself, because a linear term cannot be carried by non-negative least
squares where donors outnumber periods). All problems take their step together: one batch of small systems for each round. What is
found is approximate, and certified by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

GRADIENT_TOLERANCE = 1e-11
"""Where a problem is left; it is scaled to order one, and double precision on a Gram matrix gives no more."""

RIDGE = 1e-14
"""Added to the diagonal (of order one), so that collinear donors cannot stop the whole batch."""


class Problems(Protocol):
    """R quadratic functions on the simplex, scaled to order one."""

    @property
    def allowed(self) -> np.ndarray:
        """Boolean (R, N)."""

    @property
    def linear(self) -> np.ndarray | None:
        """The vectors p (R, N), or None for none."""

    @property
    def capacity(self) -> int:
        """Most donors with weight at any time."""

    def block(self, live: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Matrices H (L, W, W) of the problems `live` on the donors `index` (L, W)."""

    def slope(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Half gradients (L, N) of the quadratic part at `weights` (L, N), up to a number the same for all donors."""

    def alone(self) -> np.ndarray:
        """Diagonal (R, N) of the matrices Q."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distances:
    """Squared distance of targets b_r from weighted donors a.

    ``Q = (G - c 1' - 1 c' + b'b + k I) / s`` with ``G = a'a``, ``c = a'b``, a ridge k and the scale s.

    Attributes
    ----------
    donors : array (T, N), or (R, T, N) where every problem has its own
    gram : array (N, N) or (R, N, N)
    side, square, scale, ridge : c / s (R, N), b'b / s (R,), s (R,) and k / s (R,)
    """

    donors: np.ndarray
    gram: np.ndarray
    side: np.ndarray
    square: np.ndarray
    scale: np.ndarray
    ridge: np.ndarray
    allowed: np.ndarray
    linear: np.ndarray | None
    capacity: int

    def block(self, live: np.ndarray, index: np.ndarray) -> np.ndarray:
        """See `Problems`."""
        c, pairs = self.side[live[:, None], index], (index[:, :, None], index[:, None, :])
        h = self.gram[pairs] if self.gram.ndim == 2 else self.gram[(live[:, None, None], *pairs)]
        h /= self.scale[live, None, None]
        h += (self.square[live, None] + 1.0 - c)[:, :, None]
        h -= c[:, None, :]
        every = np.arange(index.shape[1])
        h[:, every, every] += self.ridge[live, None]
        return np.asarray(h)

    def slope(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See `Problems`."""
        n_periods, n_donors = self.donors.shape[-2:]
        if self.gram.ndim == 3:
            product = (weights[:, None] @ self.gram[rows])[:, 0]
        elif 2 * n_periods < n_donors:
            product = (weights @ self.donors.T) @ self.donors
        else:
            product = weights @ self.gram
        slope = product / self.scale[rows, None] - self.side[rows]
        return np.asarray(slope + self.ridge[rows, None] * weights if self.ridge.any() else slope)

    def alone(self) -> np.ndarray:
        """See `Problems`."""
        own = np.diagonal(self.gram, axis1=-2, axis2=-1) / self.scale[:, None]
        return np.asarray(own - 2.0 * self.side + (self.square + self.ridge)[:, None])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightedRows:
    """Differences ``z = a - b`` (K, N) shared, importance (R, K) of the rows each problem's own."""

    z: np.ndarray
    importance: np.ndarray
    allowed: np.ndarray
    linear: np.ndarray | None
    capacity: int

    def block(self, live: np.ndarray, index: np.ndarray) -> np.ndarray:
        """See `Problems`."""
        part = self.z.T[index] * np.sqrt(self.importance[live])[:, None, :]
        return np.asarray(part @ np.swapaxes(part, 1, 2) + 1.0)

    def slope(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See `Problems`."""
        return np.asarray((weights @ self.z.T * self.importance[rows]) @ self.z)

    def alone(self) -> np.ndarray:
        """See `Problems`."""
        return np.asarray(self.importance @ (self.z * self.z))


def minimise(problems: Problems, *, near: np.ndarray | None = None) -> np.ndarray:
    """Weights (R, N) near the minimum of every problem.

    Parameters
    ----------
    problems : Problems
    near : array (R, N), optional
        Weights on the simplex to set out from, with no more than `capacity` donors each; default the best single donor.
    """
    allowed, linear, capacity = problems.allowed, problems.linear, problems.capacity
    n, n_donors = allowed.shape
    # a column beyond the donors takes what pads the supports to one width
    beyond = n_donors
    dense = np.zeros((n, n_donors + 1))
    members, size = np.full((n, capacity + 1), beyond, dtype=np.int64), np.ones(n, dtype=np.int64)
    if near is None:
        alone = problems.alone() + (0.0 if linear is None else 2.0 * linear)
        members[:, 0] = np.where(allowed, alone, np.inf).argmin(axis=1)
        dense[np.arange(n), members[:, 0]] = 1.0
    else:
        row, donor = np.nonzero(near > 0.0)
        size = np.bincount(row, minlength=n)
        members[row, np.arange(row.size) - np.repeat(np.cumsum(size) - size, size)] = donor
        dense[:, :-1] = near
    outside = allowed & (dense[:, :-1] <= 0.0)
    live, entering, done = np.arange(n), np.full(n, near is None), np.zeros(n, dtype=bool)
    for _ in range(6 * capacity + 20):
        enter = live[entering[live]]
        if enter.size:
            here = dense[enter, :-1]
            slope = problems.slope(enter, here)
            slope = slope if linear is None else slope + linear[enter]
            gain = np.where(outside[enter], (here * slope).sum(axis=1, keepdims=True) - slope, -np.inf)
            best = gain.argmax(axis=1)
            stop = (gain[np.arange(enter.size), best] <= GRADIENT_TOLERANCE) | (size[enter] >= capacity)
            done[enter[stop]] = True
            live = live[~done[live]]
            enter, best = enter[~stop], best[~stop]
            members[enter, size[enter]] = best
            outside[enter, best] = False
            size[enter] += 1
        if not live.size:
            break
        width = int(size[live].max())
        rows, index = live[:, None], members[live, :width]
        padding = index == beyond
        u = dense[rows, index]
        z = _towards(problems, live, np.where(padding, 0, index), padding)
        blocked = (z <= 0.0) & ~padding
        # a donor that enters at zero and would go below is a tie broken by rounding: it leaves at once
        ratio = np.where(blocked, np.divide(u, u - z, out=np.zeros_like(u), where=blocked & (u > z)), np.inf)
        step = np.minimum(ratio.min(axis=1, keepdims=True), 1.0)
        leaving = blocked & (ratio <= step)
        u = np.where(leaving | padding, 0.0, np.maximum(u + step * (z - u), 0.0))
        u /= u.sum(axis=1, keepdims=True)
        dense[rows, index] = u
        partial = leaving.any(axis=1)
        entering[live] = ~partial
        if partial.any():
            own, gone = live[partial], leaving[partial]
            row, place = np.nonzero(gone)
            outside[own[row], index[partial][row, place]] = True
            order = np.argsort(gone | padding[partial], axis=1, kind="stable")
            members[own, :width] = np.take_along_axis(np.where(gone, beyond, index[partial]), order, axis=1)
            size[own] -= gone.sum(axis=1)
    return dense[:, :-1]


def _towards(problems: Problems, live: np.ndarray, index: np.ndarray, padding: np.ndarray) -> np.ndarray:
    """Weights (L, W), of any sign, that minimise the problems `live` over the donors `index` alone; 0 where there is padding."""
    h = problems.block(live, index)
    if padding.any():
        h[padding[:, :, None] | padding[:, None, :]] = 0.0
    every = np.arange(index.shape[1])
    h[:, every, every] += padding + RIDGE
    ones = np.where(padding, 0.0, 1.0)[..., None]
    if problems.linear is None:
        x = np.linalg.solve(h, ones)[..., 0]
        return np.asarray(x / x.sum(axis=1, keepdims=True))
    own = np.where(padding, 0.0, problems.linear[live[:, None], index])
    # a number taken from all prices changes nothing; this one keeps the two parts from cancelling
    own = np.where(padding, 0.0, own - own.sum(axis=1, keepdims=True) / (~padding).sum(axis=1, keepdims=True))
    both = np.linalg.solve(h, np.concatenate([ones, own[..., None]], axis=2))
    x, q = both[..., 0], both[..., 1]
    return np.asarray(((1.0 + q.sum(axis=1)) / x.sum(axis=1))[:, None] * x - q)

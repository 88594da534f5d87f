"""Two relatives of the simplex problem: a price on every donor, and rows that count differently in every problem.

Problem r is ``min sum_k v_rk (b_rk - a_k' w)^2 + l_r' w`` over the donors allowed to it, ``w >= 0``, ``sum w = 1``. `simplex`
solves the case ``v = 1, l = 0``, which non-negative least squares can carry; a linear term it cannot where the donors outnumber
the periods, because the function is then flat in some directions but for that term. So the active set works on the simplex
itself: on a support S with ``H = Z_S' V Z_S + 11'`` (the ones change nothing where weights sum to one) the minimum is
``mu p - q`` with ``H p = 1``, ``H q = l_S / 2`` and mu so that the weights sum to one. All problems go in lockstep, as in
`simplex`, and a fit that is handed out carries the same certificate from the data, the Frank-Wolfe gap (Jaggi 2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.simplex import BATCH, EXACT, GRADIENT_TOLERANCE, RIDGE, TOLERANCE, SimplexFit

FLAT = 1e-10
"""Share of the largest singular value below which the loss counts as flat in a direction."""


class _Problems(Protocol):
    """R quadratic functions on the simplex, scaled to order one."""

    @property
    def allowed(self) -> np.ndarray:
        """Boolean (R, N)."""

    @property
    def half_price(self) -> np.ndarray | None:
        """Half the price (R, N) of the donors, or None."""

    @property
    def capacity(self) -> int:
        """Most donors with weight at any time."""

    def block(self, live: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Matrices H (L, W, W) of the problems `live` on the donors `index` (L, W)."""

    def slope(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Half gradients (L, N) of the quadratic part at `weights` (L, N), up to a number the same for all donors."""

    def distance(self) -> np.ndarray:
        """Diagonal (R, N) of the quadratic forms."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shared:
    """One Gram matrix for all problems: ``Z'Z = (G - c 1' - 1 c' + bb)`` with ``c = A'b``, all over the scale."""

    gram: np.ndarray
    side: np.ndarray
    square: np.ndarray
    scale: np.ndarray
    allowed: np.ndarray
    half_price: np.ndarray | None
    capacity: int

    def block(self, live: np.ndarray, index: np.ndarray) -> np.ndarray:
        c = self.side[live[:, None], index]
        h = self.gram[index[:, :, None], index[:, None, :]] / self.scale[live][:, None, None]
        return h + (self.square[live] + 1.0)[:, None, None] - c[:, :, None] - c[:, None, :]

    def slope(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return weights @ self.gram / self.scale[rows][:, None] - self.side[rows]

    def distance(self) -> np.ndarray:
        return np.diag(self.gram) / self.scale[:, None] - 2.0 * self.side + self.square[:, None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Weighted:
    """Differences ``z = A - b`` (K, N) shared, importance (R, K) of the rows each problem's own."""

    z: np.ndarray
    importance: np.ndarray
    allowed: np.ndarray
    half_price: np.ndarray | None
    capacity: int

    def block(self, live: np.ndarray, index: np.ndarray) -> np.ndarray:
        part = self.z.T[index] * np.sqrt(self.importance[live])[:, None, :]
        return np.asarray(part @ np.swapaxes(part, 1, 2) + 1.0)

    def slope(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.asarray((weights @ self.z.T * self.importance[rows]) @ self.z)

    def distance(self) -> np.ndarray:
        return self.importance @ (self.z * self.z)


def fit_priced(
    donors: np.ndarray,
    targets: np.ndarray,
    *,
    price: np.ndarray,
    allowed: np.ndarray | None = None,
    tolerance: float = TOLERANCE,
) -> SimplexFit:
    """Fit every target as a weighted mean of donors where the use of each donor has a price.

    Parameters
    ----------
    donors : array (T, N)
        Outcomes of N donors in T periods.
    targets : array (T, R)
        Outcomes of the R areas to imitate.
    price : array (R, N), not negative
        What a whole weight on the donor adds to the squared misfit.
    allowed : boolean array (R, N), optional
        Donors each target may use; default all.
    tolerance : float
        Largest relative duality gap.

    Returns
    -------
    SimplexFit
        Its `objective` is misfit plus price.

    Raises
    ------
    DataError
        If a value is not finite, a target has no donor, a price is negative, or a fit cannot be brought within the tolerance.
    """
    donors, targets, price = (np.asarray(x, dtype=float) for x in (donors, targets, price))
    n_targets, n_donors = targets.shape[1], donors.shape[1]
    allowed = np.ones((n_targets, n_donors), dtype=bool) if allowed is None else np.asarray(allowed, dtype=bool)
    if price.shape != allowed.shape or not np.isfinite(price).all() or (price < 0.0).any():
        raise DataError(f"donor weights: price must be {allowed.shape} numbers, none negative; it has shape {price.shape}.")
    if not len(donors) or not (np.isfinite(donors).all() and np.isfinite(targets).all()) or not allowed.any(axis=1).all():
        raise DataError("donor weights: periods without gaps are needed, and a donor for every fit.")
    centre = donors.mean(axis=1, keepdims=True)
    a, b = donors - centre, targets - centre
    parts = [
        _fit_batch(a, b[:, r : r + BATCH], price[r : r + BATCH], allowed[r : r + BATCH], tolerance)
        for r in range(0, n_targets, BATCH)
    ]
    fit = SimplexFit(
        weights=np.concatenate([part.weights for part in parts]),
        objective=np.concatenate([part.objective for part in parts]),
        gap=np.concatenate([part.gap for part in parts]),
    )
    missed = np.flatnonzero(~(fit.gap <= tolerance))
    if missed.size:
        raise DataError(
            f"donor weights: {missed.size} of {n_targets} fits are not within {tolerance:.0e} of the best one (first number "
            f"{missed[0]}, gap {fit.gap[missed[0]]:.1e}); look for values of very different size among the donors."
        )
    return fit


def mix_by_importance(differences: np.ndarray, importance: np.ndarray, *, allowed: np.ndarray | None = None) -> np.ndarray:
    """Weights (R, N) that minimise ``sum_k v_rk (z_k' w)^2`` for R sets of importances at once.

    They are the lockstep's, without a certificate: for a search over importances, whose result is fitted again.

    Parameters
    ----------
    differences : array (K, N)
        Donors less target, in K rows.
    importance : array (R, K), positive
    allowed : boolean array (N,), optional
    """
    z = np.asarray(differences, dtype=float)
    permitted = np.ones(z.shape[1], dtype=bool) if allowed is None else allowed
    scale = (importance @ (z * z))[:, permitted].mean(axis=1)
    problems = _Weighted(
        z=z,
        importance=importance / np.where(scale > 0.0, scale, 1.0)[:, None],
        allowed=np.broadcast_to(permitted, (len(importance), z.shape[1])),
        half_price=None,
        capacity=min(z.shape[1], len(z) + 1),
    )
    return _lockstep(problems)


def _fit_batch(a: np.ndarray, b: np.ndarray, price: np.ndarray, allowed: np.ndarray, tolerance: float) -> SimplexFit:
    """Lockstep, polish, certify, and solve anew what missed the tolerance."""
    cross, square = b.T @ a, (b * b).sum(axis=0)
    distance = np.maximum(square[:, None] - 2.0 * cross + (a * a).sum(axis=0), 0.0)
    mean = np.where(allowed, distance + price, 0.0).sum(axis=1) / allowed.sum(axis=1)
    scale = np.where(mean > 0.0, mean, 1.0)
    problems = _Shared(
        gram=a.T @ a,
        side=cross / scale[:, None],
        square=square / scale,
        scale=scale,
        allowed=allowed,
        half_price=0.5 * price / scale[:, None],
        # with a price one donor more than spans all may stand in the set until the flat direction is walked down
        capacity=min(a.shape[1], a.shape[0] + 2),
    )
    weights = _polish(a, b, price, _lockstep(problems))
    fit = _certify(a, b, price, allowed, weights, scale)
    missed = np.flatnonzero(~(fit.gap <= tolerance))
    for r in missed:
        columns = np.flatnonzero(allowed[r])
        weights[r] = 0.0
        weights[r, columns] = _solve_from_data(a[:, columns] - b[:, [r]], price[r, columns], scale[r], tolerance)
    return _certify(a, b, price, allowed, weights, scale) if missed.size else fit


def _certify(
    a: np.ndarray, b: np.ndarray, price: np.ndarray, allowed: np.ndarray, weights: np.ndarray, scale: np.ndarray
) -> SimplexFit:
    """Objective and relative Frank-Wolfe gap of given weights, from the data."""
    residual = a @ weights.T - b
    slope = (a.T @ residual - (b * residual).sum(axis=0)).T + 0.5 * price
    objective = (residual * residual).sum(axis=0) + (price * weights).sum(axis=1)
    lowest = np.where(allowed, slope, np.inf).min(axis=1)
    gap = np.maximum((weights * slope).sum(axis=1) - lowest, 0.0) / (0.5 * np.maximum(objective, EXACT * scale))
    return SimplexFit(weights=weights, objective=objective, gap=gap)


def _lockstep(problems: _Problems) -> np.ndarray:
    """Active set on the simplex for all problems at once, from the best single donor; weights (R, N), approximate."""
    allowed, price, capacity = problems.allowed, problems.half_price, problems.capacity
    n, n_donors = allowed.shape
    every = np.arange(n)
    alone = problems.distance() + (0.0 if price is None else 2.0 * price)
    members, size = np.zeros((n, capacity + 1), dtype=np.int64), np.ones(n, dtype=np.int64)
    members[:, 0] = np.where(allowed, alone, np.inf).argmin(axis=1)
    dense = np.zeros((n, n_donors))
    dense[every, members[:, 0]] = 1.0
    live, entering = every, np.ones(n, dtype=bool)
    for _ in range(6 * capacity + 20):
        enter = live[entering[live]]
        if enter.size:
            slope = problems.slope(enter, dense[enter])
            slope = slope if price is None else slope + price[enter]
            level = (dense[enter] * slope).sum(axis=1, keepdims=True)
            gain = np.where(allowed[enter] & (dense[enter] <= 0.0), level - slope, -np.inf)
            best = gain.argmax(axis=1)
            stop = (gain[np.arange(enter.size), best] <= GRADIENT_TOLERANCE) | (size[enter] >= capacity)
            live = np.setdiff1d(live, enter[stop], assume_unique=True)
            enter, best = enter[~stop], best[~stop]
            members[enter, size[enter]] = best
            size[enter] += 1
        if not live.size:
            break
        width = int(size[live].max())
        rows, index = live[:, None], members[live, :width]
        padding = np.arange(width) >= size[live][:, None]
        h = problems.block(live, index)
        h[padding[:, :, None] | padding[:, None, :]] = 0.0
        h[:, np.arange(width), np.arange(width)] += padding + RIDGE
        ones = np.where(padding, 0.0, 1.0)[..., None]
        if price is None:
            z = np.linalg.solve(h, ones)[..., 0]
            z /= z.sum(axis=1, keepdims=True)
        else:
            own = np.where(padding, 0.0, price[rows, index])
            # a number taken from all prices changes nothing; this one keeps the two parts from cancelling
            own = np.where(padding, 0.0, own - own.sum(axis=1, keepdims=True) / (~padding).sum(axis=1, keepdims=True))
            both = np.linalg.solve(h, np.concatenate([ones, own[..., None]], axis=2))
            p, q = both[..., 0], both[..., 1]
            z = ((1.0 + q.sum(axis=1)) / p.sum(axis=1))[:, None] * p - q
        u = np.where(padding, 0.0, dense[rows, index])
        blocked = (z <= 0.0) & ~padding
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(blocked, u / (u - z), np.inf)
        ratio = np.where(np.isnan(ratio), 0.0, ratio)
        partial = blocked.any(axis=1)
        step = np.where(partial, ratio.min(axis=1), 1.0)
        u = u + step[:, None] * (z - u)
        leaving = blocked & (ratio <= step[:, None])
        u[leaving | padding] = 0.0
        u = np.maximum(u, 0.0)
        u /= u.sum(axis=1, keepdims=True)
        dense[live] = 0.0
        np.add.at(dense, (np.broadcast_to(rows, index.shape), index), u)
        order = np.argsort(leaving | padding, axis=1, kind="stable")
        gone = np.take_along_axis(leaving, order, axis=1)
        members[live, :width] = np.where(gone, 0, np.take_along_axis(index, order, axis=1))
        size[live] -= leaving.sum(axis=1)
        entering[live] = ~partial
    return dense


def _polish(a: np.ndarray, b: np.ndarray, price: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights on the support of each row again from the data, by QR; rows that turn negative or are collinear stay."""
    polished = weights.copy()
    support = weights > 0.0
    sizes = support.sum(axis=1)
    for m in np.unique(sizes[(sizes > 1) & (sizes <= a.shape[0] + 1)]):
        rows = np.flatnonzero(sizes == m)
        index = np.nonzero(support[rows])[1].reshape(rows.size, m)
        z = a.T[index] - b.T[rows][:, None, :]
        own = price[rows[:, None], index]
        q, r = np.linalg.qr(np.swapaxes(z[:, 1:] - z[:, :1], 1, 2))
        diagonal = np.abs(np.diagonal(r, axis1=1, axis2=2))
        sound = diagonal.min(axis=1) > 1e-12 * diagonal.max(axis=1)
        r[~sound] = np.eye(m - 1)
        pull = np.linalg.solve(np.swapaxes(r, 1, 2), 0.5 * (own[:, 1:] - own[:, :1])[..., None])
        v = np.linalg.solve(r, -np.swapaxes(q, 1, 2) @ z[:, 0][..., None] - pull)[..., 0]
        new = np.concatenate([1.0 - v.sum(axis=1, keepdims=True), v], axis=1)
        keep = sound & (new > 0.0).all(axis=1)
        polished[rows[keep][:, None], index[keep]] = new[keep]
    return polished


def _solve_from_data(z: np.ndarray, price: np.ndarray, scale: float, tolerance: float) -> np.ndarray:
    """One problem, ``min ||z w||^2 + price' w``, by the active set on the data with singular values; slower and more exact."""
    n = z.shape[1]
    z, price = z / np.sqrt(scale), price / scale
    w = np.zeros(n)
    w[int(((z * z).sum(axis=0) + price).argmin())] = 1.0
    best, best_gap, banned = w, np.inf, np.zeros(n, dtype=bool)
    for _ in range(20 * n + 50):
        residual = z @ w
        slope = z.T @ residual + 0.5 * price
        gap = max(float(w @ slope - slope.min()), 0.0) / (0.5 * max(float(residual @ residual + price @ w), EXACT))
        if gap < best_gap:
            best, best_gap = w, gap
        gain = np.where((w > 0.0) | banned, -np.inf, float(w @ slope) - slope)
        j = int(gain.argmax())
        if gap <= 0.01 * tolerance or not gain[j] > 0.0:
            break
        support = np.append(np.flatnonzero(w > 0.0), j)
        while True:
            towards, whole = _step(z[:, support], price[support], w[support])
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(towards < 0.0, -w[support] / towards, np.inf)
            ratio = np.where(np.isnan(ratio), 0.0, ratio)
            length = min(float(ratio.min()), 1.0 if whole else np.inf)
            if not np.isfinite(length):
                break
            moved = np.where(ratio <= length, 0.0, np.maximum(w[support] + length * towards, 0.0))
            w = np.zeros(n)
            w[support] = moved / moved.sum()
            if whole and length >= 1.0:
                break
            support = support[ratio > length]
        if w[j] > 0.0:
            banned[:] = False
        else:
            banned[j] = True
    return best


def _step(z: np.ndarray, price: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, bool]:
    """Direction from `w` on a support, weights kept to their sum, and whether a full step reaches the minimum.

    It does not where the price falls along a direction in which the misfit is flat: then the edge of the simplex ends the step.
    """
    if len(w) == 1:
        return np.zeros(1), True
    d = z[:, 1:] - z[:, :1]
    u, s, vt = np.linalg.svd(d, full_matrices=True)
    rank = int((s > FLAT * max(float(s.max(initial=0.0)), 1e-300)).sum())
    fall = 0.5 * (price[1:] - price[:1])
    flat = vt[rank:].T @ (vt[rank:] @ fall)
    if np.linalg.norm(flat) > FLAT * max(float(np.linalg.norm(fall)), 1e-300):
        v, whole = -flat, False
    else:
        along = u[:, :rank].T @ (z @ w) + (vt[:rank] @ fall) / s[:rank]
        v, whole = -vt[:rank].T @ (along / s[:rank]), True
    return np.concatenate([[-v.sum()], v]), whole

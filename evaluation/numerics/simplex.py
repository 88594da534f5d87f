"""Least squares with weights that are not negative and sum to one, for many problems at once.

Problem r is ``min ||b_r - A w||^2 + k_r ||w||^2 + l_r' w`` over the donors allowed to it, ``w >= 0``, ``sum w = 1``, with a ridge
k and a price l on every donor where there are any. Placebos and leave-one-outs share one Gram matrix ``A'A``. Three steps:

1. weights near the minimum of all problems in lockstep: by an active set (`numerics.active_set`), or, with a ridge and more
   donors than periods, by Newton's method on the dual (`numerics.minimum_norm`);
2. the weights on the support that an active set found, again from the data (a Gram matrix squares the condition number);
3. a certificate from the data: the Frank-Wolfe gap bounds how far the loss can be from its minimum (Jaggi 2013).
   A problem that misses the tolerance is solved anew from the data alone; if it still misses, that is an error.

No placebo is skipped because it cannot change the rank of the treated area: intervals, bands and what could be seen at all need
the value of every placebo, and a rule that spares some of them a fit would only serve a p-value on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.active_set import Distances, WeightedRows, minimise
from evaluation.numerics.minimum_norm import shrink

TOLERANCE = 1e-8
"""Largest relative duality gap of a fit that is handed out."""

EXACT = 1e-6
"""Losses below this share of the donors' mean squared distance count as exact: their gap is measured against that share,
because a gap relative to a loss of zero has no meaning."""

FLAT = 1e-10
"""Share of the largest singular value below which the loss counts as flat in a direction."""

BATCH = 1024
"""Problems in one lockstep; bounds memory."""

CELLS = 4_000_000
"""Numbers in the donors of one lockstep where every problem has its own; bounds memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimplexFit:
    """Weights of R problems over N donors.

    Attributes
    ----------
    weights : array (R, N), not negative, rows sum to 1, zero where a donor was not allowed
    objective : array (R,), residual sum of squares, plus ridge and price where there are any
    gap : array (R,), upper bound on (objective - minimum) / objective; see `EXACT` for fits without residual
    """

    weights: np.ndarray
    objective: np.ndarray
    gap: np.ndarray


def fit_simplex(
    donors: np.ndarray,
    targets: np.ndarray,
    *,
    allowed: np.ndarray | None = None,
    ridge: np.ndarray | None = None,
    price: np.ndarray | None = None,
    near: np.ndarray | None = None,
    tolerance: float = TOLERANCE,
) -> SimplexFit:
    """Fit every target as a weighted mean of the donors allowed to it.

    Parameters
    ----------
    donors : array (T, N), or (R, T, N)
        Outcomes of N donors in T periods, the same for all targets or each target's own.
    targets : array (T, R)
        Outcomes of the R areas to imitate.
    allowed : boolean array (R, N), optional
        Donors each target may use; default all.
    ridge : array (R,), optional
        Penalty on the sum of squared weights of each target, not negative; default none. With a positive one the weights are
        unique.
    price : array (R, N), optional
        What a whole weight on the donor adds to the squared misfit, not negative; default none.
    near : array (R, N), optional
        Weights of nearly the same problems, from which the search sets out; they change its length and not what it finds.
    tolerance : float
        Largest relative duality gap.

    Returns
    -------
    SimplexFit
        Where several weights fit equally well, one of them.

    Raises
    ------
    DataError
        If a target has no donor, a value is not finite, ridge or price are negative, or a fit cannot be brought within the
        tolerance.
    """
    donors, targets = np.asarray(donors, dtype=float), np.asarray(targets, dtype=float)
    n_targets, n_donors = targets.shape[1], donors.shape[-1]
    allowed = np.ones((n_targets, n_donors), dtype=bool) if allowed is None else np.asarray(allowed, dtype=bool)
    ridge = np.zeros(n_targets) if ridge is None else np.asarray(ridge, dtype=float)
    price = None if price is None else np.asarray(price, dtype=float)
    _refuse(donors, targets, allowed, ridge, price)
    # weights sum to one, so a number taken from every area in a period changes no problem; it removes most cancellation
    centre = donors.mean(axis=-1, keepdims=True)
    a, b = donors - centre, targets.T - centre[..., 0]
    step = BATCH if a.ndim == 2 else max(1, min(BATCH, CELLS // a[0].size))
    parts = []
    for r in range(0, n_targets, step):
        some = slice(r, r + step)
        batch = _Batch(
            a=a if a.ndim == 2 else a[some],
            b=b[some],
            allowed=allowed[some],
            ridge=ridge[some],
            price=None if price is None else price[some],
        )
        parts.append(batch.fit(None if near is None else near[some], tolerance))
    fit = SimplexFit(
        weights=np.concatenate([part.weights for part in parts]) if parts else np.zeros(allowed.shape),
        objective=np.concatenate([part.objective for part in parts]) if parts else np.zeros(0),
        gap=np.concatenate([part.gap for part in parts]) if parts else np.zeros(0),
    )
    missed = np.flatnonzero(~(fit.gap <= tolerance))
    if missed.size:
        shown = ", ".join(f"{r} (gap {fit.gap[r]:.1e})" for r in missed[:5])
        raise DataError(
            f"donor weights: {missed.size} of {n_targets} fits are not within {tolerance:.0e} of the best one, first number "
            f"{shown}; look for values of very different size among the donors."
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
    return minimise(
        WeightedRows(
            z=z,
            importance=importance / np.where(scale > 0.0, scale, 1.0)[:, None],
            allowed=np.broadcast_to(permitted, (len(importance), z.shape[1])),
            linear=None,
            capacity=min(z.shape[1], len(z) + 1),
        )
    )


def _refuse(donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray, ridge: np.ndarray, price: np.ndarray | None) -> None:
    """Name what makes the problems unsolvable."""
    n_periods, n_targets = targets.shape
    if donors.shape[-2] != n_periods:
        raise DataError(f"donor weights: donors have {donors.shape[-2]} periods and targets {n_periods}; they must be the same.")
    if n_periods == 0:
        raise DataError("donor weights: there is no period to fit; at least one before the start is needed.")
    if donors.ndim == 3 and len(donors) != n_targets:
        raise DataError(f"donor weights: there are donors for {len(donors)} targets, and {n_targets} targets.")
    if not (np.isfinite(donors).all() and np.isfinite(targets).all()):
        raise DataError("donor weights: a value is missing or infinite; leave the area or the period out, with a reason.")
    if allowed.shape != (n_targets, donors.shape[-1]):
        raise DataError(f"donor weights: allowed has shape {allowed.shape}, wanted {(n_targets, donors.shape[-1])}.")
    empty = np.flatnonzero(~allowed.any(axis=1))
    if empty.size:
        raise DataError(f"donor weights: {empty.size} fit(s) have no donor, first number {empty[0]}; allow at least one.")
    for name, value, shape in (("ridge", ridge, (n_targets,)), ("price", price, allowed.shape)):
        if value is not None and (value.shape != shape or not (np.isfinite(value) & (value >= 0.0)).all()):
            raise DataError(f"donor weights: {name} must be {shape} numbers that are not negative; it has shape {value.shape}.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Batch:
    """Problems solved together: donors a (T, N) or (R, T, N), targets b (R, T), allowed (R, N), ridge (R,), price (R, N)."""

    a: np.ndarray
    b: np.ndarray
    allowed: np.ndarray
    ridge: np.ndarray
    price: np.ndarray | None

    def fit(self, near: np.ndarray | None, tolerance: float) -> SimplexFit:
        """Search, polish, certify, and solve anew what missed the tolerance."""
        a, b = self.a, self.b
        gram, cross, square = np.swapaxes(a, -1, -2) @ a, self.back(b), (b * b).sum(axis=1)
        distance = np.maximum(square[:, None] - 2.0 * cross + np.diagonal(gram, axis1=-2, axis2=-1), 0.0)
        mean = np.where(self.allowed, distance if self.price is None else distance + self.price, 0.0).sum(axis=1)
        mean = mean / self.allowed.sum(axis=1) + self.ridge
        scale = np.where(mean > 0.0, mean, 1.0)
        n_periods, n_donors = a.shape[-2:]
        dual = np.zeros(len(b), dtype=bool)
        if a.ndim == 2 and self.price is None and n_periods + 1 < n_donors:
            dual = self.ridge > 0.0
        weights = np.zeros(self.allowed.shape)
        if dual.any():
            weights[dual] = shrink(a, b[dual], ridge=self.ridge[dual], allowed=self.allowed[dual])
        rest = np.flatnonzero(~dual)
        if rest.size:
            part = self.part(rest)
            spanning = n_periods + (1 if self.price is None else 2)
            problems = Distances(
                donors=part.a,
                gram=gram if gram.ndim == 2 else gram[rest],
                side=cross[rest] / scale[rest, None],
                square=square[rest] / scale[rest],
                scale=scale[rest],
                ridge=part.ridge / scale[rest],
                allowed=part.allowed,
                linear=None if part.price is None else 0.5 * part.price / scale[rest, None],
                # with a price one donor more than spans all may have weight until the flat direction is walked down
                capacity=n_donors if part.ridge.any() else min(n_donors, spanning),
            )
            if near is not None:
                near = near[rest] if (near > 0.0).sum(axis=1).max() <= problems.capacity else None
            weights[rest] = part.polish(minimise(problems, near=near))
        fit = self.certify(weights, scale)
        missed = np.flatnonzero(~(fit.gap <= tolerance))
        if not missed.size:
            return fit
        for r in missed:
            columns = np.flatnonzero(self.allowed[r])
            z = (a if a.ndim == 2 else a[r])[:, columns] - b[r][:, None]
            z = np.vstack([z, np.sqrt(self.ridge[r]) * np.eye(columns.size)]) if self.ridge[r] > 0.0 else z
            price = np.zeros(columns.size) if self.price is None else self.price[r, columns]
            weights[r] = 0.0
            weights[r, columns] = _solve_from_data(z, price, scale[r], tolerance)
        return self.certify(weights, scale)

    def part(self, rows: np.ndarray) -> _Batch:
        """Some of the problems."""
        if rows.size == len(self.b):
            return self
        return _Batch(
            a=self.a if self.a.ndim == 2 else self.a[rows],
            b=self.b[rows],
            allowed=self.allowed[rows],
            ridge=self.ridge[rows],
            price=None if self.price is None else self.price[rows],
        )

    def back(self, residual: np.ndarray) -> np.ndarray:
        """Products (R, N) of the donors with residuals (R, T)."""
        return residual @ self.a if self.a.ndim == 2 else (residual[:, None] @ self.a)[:, 0]

    def certify(self, weights: np.ndarray, scale: np.ndarray) -> SimplexFit:
        """Objective and relative Frank-Wolfe gap of given weights, from the data."""
        fitted = weights @ self.a.T if self.a.ndim == 2 else (self.a @ weights[..., None])[..., 0]
        residual = fitted - self.b
        slope = self.back(residual) - (self.b * residual).sum(axis=1, keepdims=True)
        objective = (residual * residual).sum(axis=1)
        if self.ridge.any():
            slope = slope + self.ridge[:, None] * weights
            objective = objective + self.ridge * (weights * weights).sum(axis=1)
        if self.price is not None:
            slope = slope + 0.5 * self.price
            objective = objective + (self.price * weights).sum(axis=1)
        lowest = np.where(self.allowed, slope, np.inf).min(axis=1)
        gap = np.maximum((weights * slope).sum(axis=1) - lowest, 0.0) / (0.5 * np.maximum(objective, EXACT * scale))
        return SimplexFit(weights=weights, objective=objective, gap=gap)

    def polish(self, weights: np.ndarray) -> np.ndarray:
        """Weights on the support of each row again from the data, by QR; rows that turn negative or are collinear stay."""
        polished, support = weights.copy(), weights > 0.0
        sizes = support.sum(axis=1)
        for m in np.unique(sizes[sizes > 1]):
            rows = np.flatnonzero(sizes == m)
            index = np.nonzero(support[rows])[1].reshape(rows.size, m)
            penalised = bool(self.ridge[rows].any())
            if m - 1 > self.a.shape[-2] and not penalised:
                continue
            z = self.a.T[index] if self.a.ndim == 2 else np.swapaxes(self.a, 1, 2)[rows[:, None], index]
            z = z - self.b[rows][:, None, :]
            if penalised:
                z = np.concatenate([z, np.sqrt(self.ridge[rows])[:, None, None] * np.eye(m)], axis=2)
            q, r = np.linalg.qr(np.swapaxes(z[:, 1:] - z[:, :1], 1, 2))
            diagonal = np.abs(np.diagonal(r, axis1=1, axis2=2))
            sound = diagonal.min(axis=1) > 1e-12 * diagonal.max(axis=1)
            r[~sound] = np.eye(m - 1)
            goal = -np.swapaxes(q, 1, 2) @ z[:, 0][..., None]
            if self.price is not None:
                own = self.price[rows[:, None], index]
                goal -= np.linalg.solve(np.swapaxes(r, 1, 2), 0.5 * (own[:, 1:] - own[:, :1])[..., None])
            v = np.linalg.solve(r, goal)[..., 0]
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
        # a donor thrown out as it came in would come in for ever; any other step may make room for it
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

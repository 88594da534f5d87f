"""Least squares with weights that are not negative and sum to one, for many problems at once.

Problem r is ``min ||b_r - A w||^2`` over the donors allowed to it, ``w >= 0``, ``sum w = 1``. With ``Z = A - b 1'`` the loss on
the simplex is ``||Z w||^2``, and its solution is ``w = u / sum(u)`` for the non-negative least squares problem ``min ||Z u||^2 /
s + (sum(u) - 1)^2`` with any s > 0. A ridge ``k_r ||w||^2`` on the weights is as
many further rows ``sqrt(k_r) I`` of Z. The normal matrix of that problem follows from one Gram matrix ``A'A`` for all r, so that
placebos and leave-one-outs share everything but a few rows. Three steps:

1. the active-set method of Lawson & Hanson (1974, chapter 23) on the Gram matrix, all problems in lockstep;
2. the weights on the support that step 1 found, again from the data (a Gram matrix squares the condition number);
3. a certificate from the data: the Frank-Wolfe gap bounds how far the loss can be from its minimum (Jaggi 2013).
   A problem that misses the tolerance is solved anew from the data alone; if it still misses, that is an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError

TOLERANCE = 1e-8
"""Largest relative duality gap of a fit that is handed out."""

GRADIENT_TOLERANCE = 1e-11
"""Where step 1 stops; its problem is scaled to order one, and double precision on a Gram matrix gives no more."""

EXACT = 1e-6
"""Losses below this share of the donors' mean squared distance count as exact: their gap is measured against that share,
because a gap relative to a loss of zero has no meaning."""

RIDGE = 1e-14
"""Added to the diagonal in step 1 (of order one), so that collinear donors cannot stop the whole batch; step 2 removes its "
"trace."""

BATCH = 1024
"""Problems in one lockstep; bounds memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimplexFit:
    """Weights of R problems over N donors.

    Attributes
    ----------
    weights : array (R, N), not negative, rows sum to 1, zero where a donor was not allowed
    objective : array (R,), residual sum of squares, plus the ridge term where there is one
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
    tolerance: float = TOLERANCE,
) -> SimplexFit:
    """Fit every target as a weighted mean of the donors allowed to it.

    Parameters
    ----------
    donors : array (T, N)
        Outcomes of N donors in T periods.
    targets : array (T, R)
        Outcomes of the R areas to imitate.
    allowed : boolean array (R, N), optional
        Donors each target may use; default all.
    ridge : array (R,), optional
        Penalty on the sum of squared weights of each target, not negative; default none. With a positive one the weights are
        unique.
    tolerance : float
        Largest relative duality gap.

    Returns
    -------
    SimplexFit
        Where several weights fit equally well, one of them.

    Raises
    ------
    DataError
        If a target has no donor, a value is not finite, or a fit cannot be brought within the tolerance.
    """
    donors, targets = np.asarray(donors, dtype=float), np.asarray(targets, dtype=float)
    n_targets, n_donors = targets.shape[1], donors.shape[1]
    allowed = np.ones((n_targets, n_donors), dtype=bool) if allowed is None else np.asarray(allowed, dtype=bool)
    _refuse(donors, targets, allowed)
    ridge = np.zeros(n_targets) if ridge is None else np.asarray(ridge, dtype=float)
    if ridge.shape != (n_targets,) or not (np.isfinite(ridge) & (ridge >= 0.0)).all():
        raise DataError(f"donor weights: ridge must be {n_targets} numbers that are not negative; it has shape {ridge.shape}.")
    # weights sum to one, so a number taken from every area in a period changes no problem; it removes most cancellation
    centre = donors.mean(axis=1, keepdims=True)
    a, b = donors - centre, targets - centre
    parts = [
        _fit_batch(a, b[:, r : r + BATCH], allowed[r : r + BATCH], ridge[r : r + BATCH], tolerance)
        for r in range(0, n_targets, BATCH)
    ]
    fit = SimplexFit(
        weights=np.concatenate([part.weights for part in parts]),
        objective=np.concatenate([part.objective for part in parts]),
        gap=np.concatenate([part.gap for part in parts]),
    )
    missed = np.flatnonzero(~(fit.gap <= tolerance))
    if missed.size:
        shown = ", ".join(f"{r} (gap {fit.gap[r]:.1e})" for r in missed[:5])
        raise DataError(
            f"donor weights: {missed.size} of {n_targets} fits are not within {tolerance:.0e} of the best one, first number "
            f"{shown}; "
            "look for values of very different size among the donors."
        )
    return fit


def _refuse(donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray) -> None:
    """Name what makes the problems unsolvable."""
    if donors.shape[0] != targets.shape[0]:
        raise DataError(
            f"donor weights: donors have {donors.shape[0]} periods and targets {targets.shape[0]}; they must be the same."
        )
    if donors.shape[0] == 0:
        raise DataError("donor weights: there is no period to fit; at least one before the start is needed.")
    if not (np.isfinite(donors).all() and np.isfinite(targets).all()):
        raise DataError("donor weights: a value is missing or infinite; leave the area or the period out, with a reason.")
    if allowed.shape != (targets.shape[1], donors.shape[1]):
        raise DataError(f"donor weights: allowed has shape {allowed.shape}, wanted {(targets.shape[1], donors.shape[1])}.")
    empty = np.flatnonzero(~allowed.any(axis=1))
    if empty.size:
        raise DataError(f"donor weights: {empty.size} fit(s) have no donor, first number {empty[0]}; allow at least one.")


def _fit_batch(a: np.ndarray, b: np.ndarray, allowed: np.ndarray, ridge: np.ndarray, tolerance: float) -> SimplexFit:
    """Lockstep, polish, certify, and solve anew what missed the tolerance."""
    weights = _polish(a, b, _lockstep(a, b, allowed, ridge), ridge)
    fit = _certify(a, b, allowed, weights, ridge)
    missed = np.flatnonzero(~(fit.gap <= tolerance))
    for r in missed:
        columns = np.flatnonzero(allowed[r])
        weights[r] = 0.0
        z = a[:, columns] - b[:, [r]]
        z = np.vstack([z, np.sqrt(ridge[r]) * np.eye(columns.size)]) if ridge[r] > 0.0 else z
        weights[r, columns] = _solve_from_data(z, tolerance)
    return _certify(a, b, allowed, weights, ridge) if missed.size else fit


def _scale(a: np.ndarray, b: np.ndarray, allowed: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Mean squared distance (R,) of each target from its donors, ridge included; 1 where all coincide with it."""
    distance = (b * b).sum(axis=0)[:, None] + (a * a).sum(axis=0) - 2.0 * b.T @ a
    mean = np.where(allowed, np.maximum(distance, 0.0), 0.0).sum(axis=1) / allowed.sum(axis=1) + ridge
    return np.where(mean > 0.0, mean, 1.0)


def _certify(a: np.ndarray, b: np.ndarray, allowed: np.ndarray, weights: np.ndarray, ridge: np.ndarray) -> SimplexFit:
    """Objective and relative Frank-Wolfe gap of given weights, from the data."""
    residual = a @ weights.T - b
    slope = (a.T @ residual - (b * residual).sum(axis=0)).T + ridge[:, None] * weights
    half = 0.5 * ((residual * residual).sum(axis=0) + ridge * (weights * weights).sum(axis=1))
    lowest = np.where(allowed, slope, np.inf).min(axis=1)
    gap = np.maximum((weights * slope).sum(axis=1) - lowest, 0.0) / np.maximum(half, 0.5 * EXACT * _scale(a, b, allowed, ridge))
    return SimplexFit(weights=weights, objective=2.0 * half, gap=gap)


def _lockstep(a: np.ndarray, b: np.ndarray, allowed: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Lawson-Hanson active set on the Gram matrix for all problems at once; weights (R, N), approximate.

    `members` lists the donors in the passive set of each problem (`size` of them), `u` their values. A problem leaves the
    lockstep when no donor outside has a positive gradient; what the step limit leaves over goes to the caller as it is.
    """
    n_targets, n_donors = allowed.shape
    gram, cross, square = a.T @ a, b.T @ a, (b * b).sum(axis=0)
    scale = _scale(a, b, allowed, ridge)
    # (Z'Z + k I) / s + 11' = (G + k I - c 1' - 1 c' + bb) / s + 1, with c = A'b
    side, corner, ridge = cross / scale[:, None], square / scale + 1.0, ridge / scale
    capacity = n_donors if ridge.any() else min(n_donors, a.shape[0] + 1)
    members, size = np.zeros((n_targets, capacity + 1), dtype=np.int64), np.zeros(n_targets, dtype=np.int64)
    dense = np.zeros((n_targets, n_donors))
    gradient = np.where(allowed, 1.0, -np.inf)
    live, entering = np.arange(n_targets), np.ones(n_targets, dtype=bool)
    for _ in range(6 * capacity + 20):
        enter = live[entering[live]]
        if enter.size:
            open_ = np.where(dense[enter] > 0.0, -np.inf, gradient[enter])
            best = open_.argmax(axis=1)
            # a full passive set spans every donor: what still shows a gradient is rounding
            stop = (open_[np.arange(enter.size), best] <= GRADIENT_TOLERANCE) | (size[enter] >= capacity)
            live = np.setdiff1d(live, enter[stop], assume_unique=True)
            enter, best = enter[~stop], best[~stop]
            members[enter, size[enter]] = best
            size[enter] += 1
        if not live.size:
            break
        width = int(size[live].max())
        rows, index = live[:, None], members[live, :width]
        padding = np.arange(width) >= size[live][:, None]
        c = side[rows, index]
        h = gram[index[:, :, None], index[:, None, :]] / scale[live][:, None, None]
        h += corner[live][:, None, None] - c[:, :, None] - c[:, None, :]
        h[padding[:, :, None] | padding[:, None, :]] = 0.0
        h[:, np.arange(width), np.arange(width)] += padding + RIDGE + ridge[live][:, None]
        z = np.linalg.solve(h, np.where(padding, 0.0, 1.0)[..., None])[..., 0]
        u = np.where(padding, 0.0, dense[rows, index])
        blocked = (z <= 0.0) & ~padding
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(blocked, u / (u - z), np.inf)
        # a donor that enters at zero and would go below is a tie broken by rounding: it leaves at once
        ratio = np.where(np.isnan(ratio), 0.0, ratio)
        partial = blocked.any(axis=1)
        step = np.where(partial, ratio.min(axis=1), 1.0)
        u = u + step[:, None] * (z - u)
        leaving = blocked & (ratio <= step[:, None])
        u[leaving | padding] = 0.0
        dense[live] = 0.0
        np.add.at(dense, (np.broadcast_to(rows, index.shape), index), u)
        gone = np.take_along_axis(leaving, order := np.argsort(leaving | padding, axis=1, kind="stable"), axis=1)
        members[live, :width] = np.where(gone, 0, np.take_along_axis(index, order, axis=1))
        size[live] -= leaving.sum(axis=1)
        entering[live] = ~partial
        done = live[~partial]
        if done.size:
            total = dense[done].sum(axis=1)
            product = dense[done] @ gram / scale[done][:, None] + ridge[done][:, None] * dense[done]
            level = corner[done] * total - (dense[done] * side[done]).sum(axis=1)
            gradient[done] = np.where(allowed[done], 1.0 - product + side[done] * total[:, None] - level[:, None], -np.inf)
    total = dense.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, dense / np.where(total > 0.0, total, 1.0), allowed / allowed.sum(axis=1, keepdims=True))


def _polish(a: np.ndarray, b: np.ndarray, weights: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Least squares on the support of each row, from the data, by QR; rows that turn negative or are collinear stay."""
    polished = weights.copy()
    support = weights > 0.0
    sizes = support.sum(axis=1)
    for m in np.unique(sizes):
        rows = np.flatnonzero(sizes == m)
        index = np.nonzero(support[rows])[1].reshape(rows.size, m)
        if m == 1:
            polished[rows[:, None], index] = 1.0
            continue
        penalised = bool(ridge[rows].any())
        if m - 1 > a.shape[0] and not penalised:
            continue
        z = a.T[index] - b.T[rows][:, None, :]
        if penalised:
            z = np.concatenate([z, np.sqrt(ridge[rows])[:, None, None] * np.eye(m)], axis=2)
        q, r = np.linalg.qr(np.swapaxes(z[:, 1:] - z[:, :1], 1, 2))
        diagonal = np.abs(np.diagonal(r, axis1=1, axis2=2))
        sound = diagonal.min(axis=1) > 1e-12 * diagonal.max(axis=1)
        r[~sound] = np.eye(m - 1)
        v = np.linalg.solve(r, -np.swapaxes(q, 1, 2) @ z[:, 0][..., None])[..., 0]
        new = np.concatenate([1.0 - v.sum(axis=1, keepdims=True), v], axis=1)
        keep = sound & (new > 0.0).all(axis=1)
        polished[rows[keep][:, None], index[keep]] = new[keep]
    return polished


def _solve_from_data(z: np.ndarray, tolerance: float) -> np.ndarray:
    """One problem by Lawson & Hanson on the data: weights (n,) of ``min ||z w||``; slower and more exact than in lockstep."""
    n = z.shape[1]
    norm = (z * z).sum(axis=0).mean() or 1.0
    m = np.vstack([z / np.sqrt(norm), np.ones(n)])
    goal = np.zeros(len(m))
    goal[-1] = 1.0
    u = np.zeros(n)
    passive = np.zeros(n, dtype=bool)
    best, best_gap = np.full(n, 1.0 / n), np.inf
    banned = np.zeros(n, dtype=bool)
    for _ in range(20 * n + 50):
        slope = m.T @ (goal - m @ u)
        slope[passive | banned] = -np.inf
        j = int(slope.argmax())
        if not slope[j] > 0.0:
            break
        passive[j] = True
        while passive.any():
            solution = np.zeros(n)
            solution[passive] = np.linalg.lstsq(m[:, passive], goal, rcond=None)[0]
            low = passive & (solution <= 0.0)
            if not low.any():
                u = solution
                break
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.where(low, u / (u - solution), np.inf)
            ratio = np.where(np.isnan(ratio), 0.0, ratio)
            u = u + ratio.min() * (solution - u)
            passive &= ~(low & (ratio <= ratio.min()))
            u[~passive] = 0.0
        # a donor thrown out as it came in would come in for ever; any other step may make room for it
        if passive[j]:
            banned[:] = False
        else:
            banned[j] = True
        if u.sum() > 0.0:
            w = u / u.sum()
            residual = z @ w
            g = z.T @ residual
            gap = max(float(w @ g - g.min()), 0.0) / max(0.5 * float(residual @ residual), 0.5 * EXACT * norm)
            if gap < best_gap:
                best, best_gap = w, gap
            if gap <= 0.01 * tolerance:
                break
    return best

"""Donor weights once more, by SciPy's non-negative least squares, and what the methods built on them make of them.

Weights ``w >= 0``, ``sum w = 1`` that minimise ``||b - A w||^2 + ridge ||w||^2`` are those that minimise ``||Z w||^2 + ridge
||w||^2`` with ``Z = A - b 1'``. Without the sum, ``min ||Z u||^2 / s + ridge ||u||^2 / s + (sum u - 1)^2`` over ``u >= 0`` has
the same solution up to a factor: a problem of non-negative least squares, with the ridge as further rows.
"""

from __future__ import annotations

import numpy as np

from evaluation.inference.checks.second_regressions import Again
from evaluation.numerics.simplex import EXACT
from evaluation.results import Comparison

EVEN = 1e-5
"""Pull of weights towards zero, beside constraints of order one: its bias is of the order of its square."""

NEAR = 1e-2
"""Pull of weights towards those of the round before, beside donors' mean squared distance of one."""

ROUNDS = 200
"""Most rounds of weights drawn towards those of the round before."""

SAME = 1e-11
"""Largest change of a weight at which such rounds end."""

STRICT = 30.0
"""Weight of the rows that ask weights of an area to sum to one, where there are several areas."""

TIME_RIDGE = 1e-6
"""Noise standard deviations in the penalty on the time weights of synthetic difference-in-differences (its source's value)."""

NIL = 1e-12
"""Noise below this share of the largest outcome is rounding."""

GRID, SMALLEST = 20, 1e-8
"""Steps and span of the grid of ridge penalties (those of the R package of the authors of the method)."""


def weigh(a: np.ndarray, b: np.ndarray, *, ridge: float = 0.0) -> np.ndarray:
    """Weights (N,) of the columns of `a` (T, N) that follow `b` (T,); the most even ones where many fit exactly."""
    from scipy.optimize import nnls

    z = a - b[:, None]
    n = z.shape[1]
    spread = float((z * z).sum(axis=0).mean()) or 1.0
    parts, goal = [z / np.sqrt(spread), np.ones((1, n))], np.append(np.zeros(len(z)), 1.0)
    if ridge > 0.0:
        parts.append(np.sqrt(ridge / spread) * np.eye(n))
        goal = np.append(goal, np.zeros(n))
    u, _ = nnls(np.vstack(parts), goal, maxiter=50 * n)
    w = u / u.sum()
    if ridge == 0.0 and float(((z @ w) ** 2).sum()) <= EXACT * spread:
        # among weights that fit exactly the estimators take the most even ones: a weak pull to zero picks them here
        u, _ = nnls(np.vstack([*parts, EVEN * np.eye(n)]), np.append(goal, np.zeros(n)), maxiter=50 * n)
        w = u / u.sum()
    return np.asarray(w)


def fit_augmented(comparison: Comparison, *, penalty: float | None, rule: str) -> Again:
    """Augmented synthetic control: weights by SciPy, the ridge and the choice of its penalty by singular values.

    The penalty is chosen by fitting anew without each period, not by the formula that saves these fits.
    """
    y1, y0, start = _one(comparison)
    early, target = y0[:start], y1[:start]
    centred = early - early.mean(axis=1, keepdims=True)
    w = weigh(early, target)
    if penalty is None:
        largest = float(np.linalg.norm(centred, 2) ** 2)
        grid = (largest if largest > 0.0 else 1.0) * SMALLEST ** ((np.arange(GRID + 1) - 1) / GRID)
        penalty = float(grid[_choose(early, target, centred, grid, rule)])
    w = w + _ridge(centred, target - early @ w, np.array([penalty]))[:, 0]
    return _gaps(comparison, y1 - y0 @ w)


def _choose(early: np.ndarray, target: np.ndarray, centred: np.ndarray, grid: np.ndarray, rule: str) -> int:
    """Position of the penalty that predicts periods left out; the largest where there is one period."""
    n_periods = len(target)
    if n_periods < 2:
        return 0
    errors = np.empty((n_periods, grid.size))
    # rows of `centred` are rows of `small` in orthonormal directions, as many as periods at most
    directions, upper = np.linalg.qr(centred.T)
    small = upper.T
    for t in range(n_periods):
        seen = np.arange(n_periods) != t
        w = weigh(early[seen], target[seen])
        added = _ridge(small[seen], target[seen] - early[seen] @ w, grid)
        errors[t] = (target[t] - early[t] @ w - early[t] @ (directions @ added)) ** 2
    mean = errors.mean(axis=0)
    best = int(mean.argmin())
    if rule == "smallest error":
        return best
    limit = mean[best] + errors[:, best].std(ddof=1) / np.sqrt(n_periods)
    return int(np.argmax(mean <= limit * (1.0 + 1e-9)))


def _ridge(x: np.ndarray, misfit: np.ndarray, penalties: np.ndarray) -> np.ndarray:
    """Ridge coefficients (N, L) of `misfit` (T,) on the rows of `x` (T, N)."""
    u, s, v = np.linalg.svd(x, full_matrices=False)
    return np.asarray(v.T @ ((s / (s**2 + penalties[:, None])).T * (u.T @ misfit)[:, None]))


def fit_penalised(comparison: Comparison, *, penalty: float) -> Again:
    """Penalised synthetic control at a penalty: each round SciPy finds weights drawn towards those of the round before.

    A price on donors is no sum of squares; with the pull it is one, and the rounds end at the minimum without the pull.
    """
    from scipy.optimize import nnls

    y1, y0, start = _one(comparison)
    if penalty == 0.0:
        return _gaps(comparison, y1 - y0 @ weigh(y0[:start], y1[:start]))
    z = y0[:start] - y1[:start, None]
    n = z.shape[1]
    distance = (z * z).sum(axis=0)
    spread = float(distance.mean()) or 1.0
    price = penalty * (distance - distance.min()) / spread
    w = np.full(n, 1.0 / n)
    for _ in range(ROUNDS):
        rows = np.vstack([z / np.sqrt(spread), np.sqrt(NEAR) * (np.eye(n) - (w - price / (2.0 * NEAR))[:, None]), np.ones(n)])
        u, _ = nnls(rows, np.append(np.zeros(len(rows) - 1), 1.0), maxiter=50 * n)
        before, w = w, u / u.sum()
        if np.abs(w - before).max() <= SAME:
            break
    return _gaps(comparison, y1 - y0 @ w)


def fit_parallel(comparison: Comparison) -> Again:
    """Synthetic difference-in-differences without covariates: both sets of weights by SciPy, the effects by statsmodels."""
    from statsmodels.regression.linear_model import WLS

    size = _weights(comparison)
    donors = comparison.y[:, ~comparison.treated]
    gaps, exposures, shares, times = [], [], [], []
    # areas with the same start and exposure are one cohort
    dates = np.vstack([comparison.first_treated, comparison.exposure])[:, comparison.treated]
    kinds, member = np.unique(dates, axis=1, return_inverse=True)
    treated = np.flatnonzero(comparison.treated)
    for kind, path in enumerate(kinds.T):
        start, exposure, own = int(path[0]), path[1:], treated[member.ravel() == kind]
        target = np.average(comparison.y[:, own], axis=1, weights=size[own])
        early, later = donors[:start], exposure * (np.arange(len(donors)) >= start)
        changes = np.diff(early, axis=0)
        noise = float(changes.std(ddof=1)) if changes.size > 1 else 0.0
        noise = noise if noise > NIL * float(np.abs(donors).max()) else 0.0
        zeta = (own.size * (len(donors) - start)) ** 0.25 * noise
        unit = weigh(early - early.mean(axis=0), target[:start] - target[:start].mean(), ridge=start * zeta**2 if noise else 1.0)
        late = later @ donors / later.sum()
        time = weigh(
            (early - early.mean(axis=1, keepdims=True)).T,
            late - late.mean(),
            ridge=early.shape[1] * (TIME_RIDGE * noise) ** 2 if noise else 1.0,
        )
        gap = target - donors @ unit
        # with weights that are products, area and period effects leave this: a level before the start, a slope after it
        gaps.append(gap - WLS(gap[:start], np.ones(start), weights=time).fit().params[0])
        exposures.append(exposure)
        shares.append(np.full(len(donors), size[own].sum()))
        times.append(np.arange(len(donors)) - start)
    gap, mass, event = np.concatenate(gaps), np.concatenate(shares), np.concatenate(times)
    found = WLS(gap, np.concatenate(exposures), weights=mass).fit()
    return Again(
        path={int(one): float(np.average(gap[event == one], weights=mass[event == one])) for one in np.unique(event)},
        att=float(found.params[0]),
    )


def fit_pooled(comparison: Comparison, *, pooling: float | None, intercept: bool) -> Again:
    """Staggered synthetic control: all weights at once by SciPy, after those of each area for what the pooling is measured by."""
    treated = np.flatnonzero(comparison.treated)
    starts, size = comparison.first_treated[treated], _weights(comparison)[treated]
    share, longest = size / size.sum(), int(starts.max())
    donors = comparison.y[:, ~comparison.treated]
    weights, misses = [], []
    for column, start in zip(treated, starts, strict=True):
        early, target = donors[:start], comparison.y[:start, column]
        if intercept:
            early, target = early - early.mean(axis=0), target - target.mean()
        weights.append(weigh(early, target))
        misses.append(early - target[:, None])
    nil = NIL * (float(comparison.y.var()) or 1.0)
    gaps = [-z @ w for z, w in zip(misses, weights, strict=True)]
    separate = sum(s / len(g) * float(g @ g) for s, g in zip(share, gaps, strict=True))
    aligned = np.array([np.append(np.zeros(longest - len(g)), g) for g in gaps])
    pooled = float(((share @ aligned) ** 2).sum()) / longest
    single = float(share @ np.linalg.norm(aligned, axis=1))
    rule = np.sqrt(longest * pooled) / single if single > np.sqrt(nil) else 0.0
    nu = min(max(rule, 0.0), 1.0) if pooling is None else pooling
    if treated.size > 1 and nu > 0.0 and pooled > nil and separate > nil:
        weights = _weigh_together(misses, share, nu / (longest * pooled), (1.0 - nu) / separate)
    every = []
    for column, start, w in zip(treated, starts, weights, strict=True):
        gap = comparison.y[:, column] - donors @ w
        every.append(gap - gap[:start].mean() if intercept else gap)
    gap, mass = np.array(every), share[:, None] * np.ones(comparison.n_periods)
    event, exposure = np.arange(comparison.n_periods) - starts[:, None], comparison.exposure[:, treated].T
    return Again(
        path={int(one): float(np.average(gap[event == one], weights=mass[event == one])) for one in np.unique(event)},
        att=float((mass * exposure * gap).sum() / (mass * exposure**2).sum()),
    )


def _weigh_together(misses: list[np.ndarray], share: np.ndarray, together: float, alone: float) -> list[np.ndarray]:
    """Weights of K areas that minimise the mean of both misfits; `misses` are donors less the area, (T_k, N) each.

    Rows ask each area's weights to sum to one; what is lacking is added to what they ask for until nothing is.
    """
    from scipy.optimize import nnls

    k, n, longest = len(misses), misses[0].shape[1], max(map(len, misses))
    pooled, single = np.zeros((longest, k * n)), []
    for i, z in enumerate(misses):
        columns = slice(i * n, (i + 1) * n)
        pooled[longest - len(z) :, columns] = np.sqrt(together) * share[i] * z
        block = np.zeros((len(z), k * n))
        block[:, columns] = np.sqrt(alone * share[i] / len(z)) * z
        single.append(block)
    sums = STRICT * np.kron(np.eye(k), np.ones(n))
    rows = np.vstack([pooled, *single, sums])
    asked = np.ones(k)
    for _ in range(ROUNDS):
        u, _ = nnls(rows, np.append(np.zeros(len(rows) - k), STRICT * asked), maxiter=50 * k * n)
        lacking = 1.0 - u.reshape(k, n).sum(axis=1)
        if np.abs(lacking).max() <= SAME:
            break
        asked = asked + lacking
    w = u.reshape(k, n)
    return list(w / w.sum(axis=1, keepdims=True))


def _one(comparison: Comparison) -> tuple[np.ndarray, np.ndarray, int]:
    """Outcomes of the one treated area (T,) and of the donors (T, N), and the start."""
    column = int(np.flatnonzero(comparison.treated)[0])
    return comparison.y[:, column], comparison.y[:, ~comparison.treated], int(comparison.first_treated[column])


def _gaps(comparison: Comparison, gap: np.ndarray) -> Again:
    """Path and average of the one treated area's gap (T,)."""
    column = int(np.flatnonzero(comparison.treated)[0])
    start, exposure = int(comparison.first_treated[column]), comparison.exposure[:, column]
    path = {t - start: float(one) for t, one in enumerate(gap)}
    return Again(path=path, att=float(gap @ exposure / (exposure @ exposure)))


def _weights(comparison: Comparison) -> np.ndarray:
    return np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights

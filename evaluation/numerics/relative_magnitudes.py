"""How far an effect depends on parallel trends, when they may be violated by Mbar times as much after the start as before it.

With beta, tau and delta as in `evaluation.numerics.sensitivity`, let ``D_t = delta_t - delta_(t-1)``. The relative magnitudes
restriction of Rambachan & Roth (2023) is ``|D_t| <= Mbar max_s |D_s|``, t after the start and s before it: the union, over the
period s of the largest violation before the start and over its sign, of sets described by linear inequalities. A value of
``l'tau`` is kept when the test of moment inequalities of Andrews, Roth & Pakes (2023) does not reject it for one of them.

The test
--------
Fix s and the sign, ``v = +-(beta_s - beta_(s-1))``. The moments of the periods t after the start,

    +-(beta_t - beta_(t-1) - (tau_t - tau_(t-1))) - Mbar v <= 0,

have standard deviations sd(t, +-); tau is a nuisance but for ``l'tau``. The statistic is the smallest eta such that some tau
makes no moment exceed eta of its standard deviations: a linear programme whose dual is a maximum over vertices. Multipliers that
take tau out have, with ``w_t = sum of l_u over u >= t``, the form ``max(+-k w_t, 0) + e_t`` on the pair of moments of period t.
So all vertices are known, and no programme needs solving. With ``x = l'beta_post - l'tau`` they give

    (+-x - Mbar ||w||_1 v) / sum over t of |w_t| sd(t, sign of +-w_t)       one each, and
    -2 Mbar v / (sd(t, +) + sd(t, -))                                       one for each t, unless w is nil elsewhere.

Everything is a function of two normal variables, x and v; of the vertices of the second kind only the steepest and the flattest
can ever matter. Rejection, at level a in all: eta above its 1 - a/10 quantile when all moments bind (the least favourable case;
the probability of a polygon, by one integral over the angle), or eta above the (1 - a)/(1 - a/10) quantile of its normal law
truncated to where the same vertex is the largest one, and to below that first critical value, and above nil.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.numerics.sensitivity import SINGULAR, EventPath, first_bound, refuse_bound

GRID = 801
"""Values of the average effect tried at once; the ends of the interval are then searched for between neighbours."""

ZOOMS = 3
"""Rounds of that search."""

ANGLES = 2048
"""Points of the integral over the angle; the error goes down with their square."""

FIRST_STAGE = 0.1
"""Share of the level that the test against the least favourable critical value takes."""

WIDENINGS = 20
"""How often the range that is searched may be doubled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeInterval:
    """Interval for the average effect when violations after the start are at most `bound` times the largest before it.

    Attributes
    ----------
    bound : float, Mbar
    low, high : float, smallest and largest value that is not rejected, in the outcome's unit; values between may be
    """

    bound: float
    low: float
    high: float


def bound_relative_magnitudes(path: EventPath, *, bound: float, level: float = 0.05) -> RelativeInterval:
    """Interval for the average effect when violations of parallel trends are at most `bound` times the largest before the start.

    Parameters
    ----------
    path : EventPath
    bound : float
        Mbar; 0 = parallel trends after the start, 1 = no worse after the start than before it.
    level : float
        One minus the coverage.

    Returns
    -------
    RelativeInterval

    Raises
    ------
    ConfigurationError
        If `bound` is negative or `level` not between 0 and 1.

    Notes
    -----
    As in Rambachan & Roth's R package only moments of periods after the start enter; with a single such period that package also
    takes those of the periods before it, which is as valid and gives slightly other ends.
    """
    refuse_bound(bound, level)
    tests = _all_tests(path, bound, level)
    largest = float(np.abs(np.diff(np.append(path.before, 0.0))).max())
    width = 10.0 * path.se + 2.0 * bound * float(np.abs(_onward(path)).sum()) * largest
    for _ in range(WIDENINGS):
        grid = np.linspace(path.att - width, path.att + width, GRID)
        kept = np.flatnonzero(_kept(tests, path.att - grid))
        if kept[0] > 0 and kept[-1] < GRID - 1:
            break
        width *= 2.0
    low, high = grid[kept[0]], grid[kept[-1]]
    step = grid[1] - grid[0]
    for _ in range(ZOOMS):
        shares = np.linspace(0.0, step, 33)
        low = low - shares[_kept(tests, path.att - (low - shares))].max()
        high = high + shares[_kept(tests, path.att - (high + shares))].max()
        step = shares[1]
    return RelativeInterval(bound=bound, low=float(low), high=float(high))


def relative_breakdown(path: EventPath, *, level: float = 0.05, most: float = 100.0) -> float:
    """Smallest Mbar at which `bound_relative_magnitudes` contains nil; infinity where it lies beyond `most`.

    The interval contains the average effect itself, so it contains nil when a value of nil or on its other side is kept.
    """
    beyond = -np.sign(path.att) * 20.0 * path.se * np.linspace(0.0, 1.0, 81) ** 2

    def holds(bound: float) -> bool:
        return bool(_kept(_all_tests(path, bound, level), path.att - beyond).any())

    return first_bound(holds, start=0.25, most=most)


# ---------------------------------------------------------------- the test of one period and sign


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Test:
    """The vertices for one period and sign of the largest violation before the start.

    slopes (J, 2), of the J vertices in x and v; loadings (J, 2), the same in two independent standard normal variables; v, its
    estimate; critical, the least favourable critical value; level.
    """

    slopes: np.ndarray
    loadings: np.ndarray
    v: float
    critical: float
    level: float

    def keeps(self, x: np.ndarray) -> np.ndarray:
        """Boolean (n,): values (n,) of the average less what is tested that are not rejected."""
        values = x[:, None] * self.slopes[:, 0] + self.v * self.slopes[:, 1]
        covariance = self.loadings @ self.loadings.T
        largest, eta = values.argmax(axis=1), values.max(axis=1)
        kept = eta <= 0.0
        for j in range(len(self.slopes)):
            mine = ~kept & (largest == j) & (eta <= self.critical)
            if not mine.any() or covariance[j, j] <= SINGULAR * np.diag(covariance).max():
                continue
            low, high = _truncation(values[mine], covariance, j)
            sd = np.sqrt(covariance[j, j])
            tail = _truncated_tail(eta[mine] / sd, low / sd, np.minimum(high, self.critical) / sd)
            kept[mine] = tail >= (self.level - FIRST_STAGE * self.level) / (1.0 - FIRST_STAGE * self.level)
        return kept


def _all_tests(path: EventPath, bound: float, level: float) -> tuple[_Test, ...]:
    """The tests of all periods before the start and both signs, (2 K,)."""
    k, m = path.before.size, path.after.size
    onward = _onward(path)
    # changes from period to period as combinations (., K + m) of the coefficients, with the reference period as nil
    change = np.insert(np.eye(k + m), k, 0.0, axis=0)
    change = np.diff(change, axis=0)
    average = np.concatenate([np.zeros(k), path.weights])
    signs = np.sign(onward)
    tests = []
    for s in range(k):
        for sign in (1.0, -1.0):
            violation = sign * change[s]
            up, down = (_sds(side * change[k:] - bound * violation, path.vcov) for side in (1.0, -1.0))
            size = np.abs(onward)
            with_x = 1.0 / (size @ np.where(signs > 0, up, down)), 1.0 / (size @ np.where(signs > 0, down, up))
            without_x = [2.0 / (up[t] + down[t]) for t in range(m) if np.delete(onward, t).any()]
            slopes = [(with_x[0], -bound * size.sum() * with_x[0]), (-with_x[1], -bound * size.sum() * with_x[1])]
            slopes += [(0.0, -bound * value) for value in {min(without_x), max(without_x)}] if without_x and bound else []
            pair = np.stack([average, violation])
            loadings = np.array(slopes) @ _lower(pair @ path.vcov @ pair.T)
            tests.append(
                _Test(
                    slopes=np.array(slopes),
                    loadings=loadings,
                    v=float(violation[:k] @ path.before),
                    critical=least_favourable(loadings, FIRST_STAGE * level),
                    level=level,
                )
            )
    return tuple(tests)


def _kept(tests: tuple[_Test, ...], x: np.ndarray) -> np.ndarray:
    """Boolean (n,): values that at least one test does not reject."""
    return np.logical_or.reduce([test.keeps(x) for test in tests])


def least_favourable(loadings: np.ndarray, level: float) -> float:
    """The ``1 - level`` quantile of the largest of J linear functions, `loadings` (J, 2), of two standard normal variables.

    At the angle f the largest is r h(f) with h the largest loading in that direction, and r^2 is exponential with mean 2:
    ``P(largest <= c) = mean over f of 1 - exp(-c^2 / (2 h(f)^2))``, where directions with h <= 0 count fully.
    """
    from scipy.optimize import brentq

    angle = 2.0 * np.pi * (np.arange(ANGLES) + 0.5) / ANGLES
    h = np.maximum((loadings @ np.stack([np.cos(angle), np.sin(angle)])).max(axis=0), 0.0)
    top = h.max()
    if top <= 0.0:
        return 0.0
    squared = (h[h > 0.0] / top) ** 2

    def excess(c: float) -> float:
        return float(np.exp(-c * c / (2.0 * squared)).sum()) / ANGLES - level

    return 0.0 if excess(0.0) <= 0.0 else float(top * brentq(excess, 0.0, 40.0, xtol=1e-10))


def _onward(path: EventPath) -> np.ndarray:
    """Weight (m,) of the change at each period after the start in the average: ``w_t = sum of l_u over u >= t``."""
    onward = np.cumsum(path.weights[::-1])[::-1]
    return np.where(np.abs(onward) > 1e-12 * np.abs(path.weights).sum(), onward, 0.0)


def _sds(rows: np.ndarray, vcov: np.ndarray) -> np.ndarray:
    """Standard deviations of linear combinations (R, K + m), none of them nil."""
    variances = np.einsum("ri,ij,rj->r", rows, vcov, rows)
    return np.sqrt(np.maximum(variances, SINGULAR * np.diag(vcov).max()))


def _lower(covariance: np.ndarray) -> np.ndarray:
    """L with ``L L'`` the covariance (2, 2); the second variable may be a multiple of the first, or constant."""
    first = np.sqrt(covariance[0, 0])
    across = covariance[0, 1] / first
    return np.array([[first, 0.0], [across, np.sqrt(max(covariance[1, 1] - across**2, 0.0))]])


def _truncation(values: np.ndarray, covariance: np.ndarray, j: int) -> tuple[np.ndarray, np.ndarray]:
    """Between which values (n,) each of vertex j it stays the largest, given what is independent of it, from `values` (n, J)."""
    own = values[:, j]
    low, high = np.full(own.shape, -np.inf), np.full(own.shape, np.inf)
    for k in range(values.shape[1]):
        slope = covariance[k, j] / covariance[j, j]
        if k == j or abs(slope - 1.0) < 1e-9:
            continue
        crossing = (values[:, k] - slope * own) / (1.0 - slope)
        if slope < 1.0:
            low = np.maximum(low, crossing)
        else:
            high = np.minimum(high, crossing)
    return low, high


def _truncated_tail(z: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """``P(Z >= z | low <= Z <= high)`` of a standard normal Z, stable far out in the tail; arrays (n,)."""
    from scipy.special import log_ndtr

    low, high = np.minimum(low, z), np.maximum(high, z)
    at, below, above = log_ndtr(-z), log_ndtr(-low), log_ndtr(-high)
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = np.exp(at - below) * np.expm1(above - at) / np.expm1(above - below)
    # an interval of no length holds only z itself
    return np.where(high > low, tail, 1.0)

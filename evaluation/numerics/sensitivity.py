"""How far an effect depends on parallel trends, when the trends may bend from period to period by at most M.

Write ``beta = tau + delta`` for the coefficients of an event study: the effect tau is nil before the start, and delta is what
treated and untreated areas would have differed by without the programme, nil at the reference period. Rambachan & Roth (2023)
bound delta and ask which values of ``l'tau`` are then compatible with beta. Here the slope of delta may change by at most M
between periods (their smoothness restriction): M = 0 is a straight line through the reference period, extrapolated.

The interval is the shortest of fixed length around an estimator that is linear in beta: ``l'beta_post + v'beta_pre``, plus and
minus ``sd cv(bias / sd)``, where bias is the largest one over all delta that are allowed and cv the quantile of
``|N(bias / sd, 1)|``. Only v that take out a straight line have a bounded bias. They are ``v0 + G c`` for any c (K - 1,), where
v0 extrapolates the last change before the start and c are the loadings on the changes of slope before it; so

    bias = M (bias of v0 + ||c||_1),     sd = ||S (v0, l) + S G c||,     S'S = covariance of beta,

and the shortest interval is found along ``||c||_1 = budget``: least squares within a budget for each, and one dimension to
search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.errors import ConfigurationError, DataError
from evaluation.results import Estimate

REFERENCE = -1
"""Event time all others must be measured against."""

PRECISION = 1e-4
"""Relative precision of a breakdown value."""

SINGULAR = 1e-10
"""Variances and eigenvalues below this share of the largest one count as nil."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventPath:
    """Coefficients of an event study around its reference period, which is not among them, and the average under study.

    Attributes
    ----------
    before : array (K,), coefficients before the reference period in order of time, one for each period up to it
    after : array (m,), coefficients after it, in order of time, one for each period
    vcov : array (K + m, K + m), covariance of ``(before, after)``
    weights : array (m,), l of the average ``l'after``
    """

    before: np.ndarray
    after: np.ndarray
    vcov: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        """Freeze the arrays and refuse those that do not fit together."""
        for name in ("before", "after", "vcov", "weights"):
            value = np.array(getattr(self, name), dtype=float)
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        k, m = self.before.size, self.after.size
        if k < 1 or m < 1 or self.weights.shape != (m,) or self.vcov.shape != (k + m, k + m):
            raise DataError(
                f"event path: {k} coefficients before the reference period and {m} after it need {m} weights and a covariance "
                f"of {k + m} x {k + m}; there are {self.weights.shape} and {self.vcov.shape}."
            )
        if not all(np.isfinite(getattr(self, name)).all() for name in ("before", "after", "vcov", "weights")):
            raise DataError("event path: a coefficient, covariance or weight is not a number; leave that event time out.")
        if not self.weights.any():
            raise DataError("event path: all weights are nil; say which effects are averaged.")
        if self.se**2 <= SINGULAR * float(np.diag(self.vcov).max()):
            raise DataError("event path: the average effect has no variance, so there is no interval for it.")

    @property
    def att(self) -> float:
        """The average ``l'after``."""
        return float(self.weights @ self.after)

    @property
    def se(self) -> float:
        """Its standard error."""
        k = self.before.size
        return float(np.sqrt(max(self.weights @ self.vcov[k:, k:] @ self.weights, 0.0)))


def read_path(estimate: Estimate, *, weights: np.ndarray | None = None, most_leads: int | None = None) -> EventPath:
    """The event path of an estimate.

    Parameters
    ----------
    estimate : Estimate
        Its path has an event time -1 of nil that all others are measured against, no gaps, and a covariance.
    weights : array (m,), optional
        Weights of event times 0, 1, ...; without them all count the same.
    most_leads : int, optional
        Leads kept, the last ones before the start.

    Returns
    -------
    EventPath

    Raises
    ------
    DataError
        If the path is not of that kind; the message says why.
    """
    if estimate.path_vcov is None:
        raise DataError(f"{estimate.estimator} gives no covariance for its effects by event time.")
    times = np.array([point.event_time for point in estimate.path])
    effects = np.array([point.att for point in estimate.path])
    reference = np.flatnonzero(times == REFERENCE)
    if reference.size != 1 or effects[reference[0]] != 0.0 or estimate.path_vcov[reference[0], reference[0]] != 0.0:
        raise DataError(
            f"{estimate.estimator} does not measure its effects by event time against the last period before the start."
        )
    if (np.diff(times) != 1).any():
        raise DataError("Event times are missing from the path, so changes from period to period are not known.")
    first = 0 if most_leads is None else max(int(reference[0]) - most_leads, 0)
    before, after = np.arange(first, reference[0]), np.arange(reference[0] + 1, times.size)
    if not before.size or not after.size:
        raise DataError("The path needs an effect before the last period before the start, and one after it.")
    kept = np.concatenate([before, after])
    return EventPath(
        before=effects[before],
        after=effects[after],
        vcov=estimate.path_vcov[np.ix_(kept, kept)],
        weights=np.full(after.size, 1.0 / after.size) if weights is None else weights,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmoothnessInterval:
    """Interval for the average effect when slopes change by at most `bound` a period.

    Attributes
    ----------
    bound : float, M, in the outcome's unit
    low, high : float, ends of the interval
    weights_before : array (K,), v of the estimator ``l'after + v'before`` in its middle
    bias : float, largest bias of that estimator, as a magnitude
    sd : float, its standard deviation
    """

    bound: float
    low: float
    high: float
    weights_before: np.ndarray
    bias: float
    sd: float


def bound_smoothness(path: EventPath, *, bound: float, level: float = 0.05) -> SmoothnessInterval:
    """Interval of fixed length for the average effect when the slope of delta changes by at most `bound` between periods.

    Parameters
    ----------
    path : EventPath
    bound : float
        M, in the outcome's unit; 0 = a straight line.
    level : float
        One minus the coverage.

    Returns
    -------
    SmoothnessInterval

    Raises
    ------
    ConfigurationError
        If `bound` is negative or `level` not between 0 and 1.

    Notes
    -----
    Rambachan & Roth (2023), Review of Economic Studies 90(5), section on fixed-length intervals; Armstrong & Kolesar (2018).
    """
    refuse_bound(bound, level)
    from scipy.optimize import minimize_scalar

    start, spread = _free_weights(path)
    root = _square_root(path.vcov)
    fixed = root @ np.concatenate([start, path.weights])
    free = root[:, : start.size] @ spread
    lags = np.arange(1, path.after.size + 1)
    least_bias = float(np.abs(np.maximum(lags[None, :] - lags[:, None] + 1, 0) @ path.weights).sum())

    def loadings(budget: float) -> np.ndarray:
        return _least_squares_within(free, -fixed, budget)

    def half(budget: float) -> float:
        sd = float(np.linalg.norm(fixed + free @ loadings(budget)))
        return folded_half_length(bound * (least_bias + budget), sd, level)

    # no estimator with a larger budget varies less than the one that is not held to any
    most = float(np.abs(np.linalg.lstsq(free, -fixed, rcond=None)[0]).sum()) if free.shape[1] else 0.0
    budgets = [0.0, most]
    if bound > 0.0 and most > 0.0:
        budgets.append(float(minimize_scalar(half, bounds=(0.0, most), method="bounded", options={"xatol": 1e-7 * most}).x))
    best = most if bound == 0.0 else min(budgets, key=half)
    chosen = loadings(best)
    weights = start + spread @ chosen
    middle = path.att + float(weights @ path.before)
    return SmoothnessInterval(
        bound=bound,
        low=middle - half(best),
        high=middle + half(best),
        weights_before=weights,
        bias=bound * (least_bias + float(np.abs(chosen).sum())),
        sd=float(np.linalg.norm(fixed + free @ chosen)),
    )


def smoothness_breakdown(path: EventPath, *, level: float = 0.05, most: float | None = None) -> float:
    """Smallest M at which `bound_smoothness` contains nil, in the outcome's unit; infinity where it lies beyond `most`.

    Without `most` the search ends at a thousand times the larger of the average effect and its standard error.
    """
    unit = max(abs(path.att), path.se)

    def holds(bound: float) -> bool:
        interval = bound_smoothness(path, bound=bound, level=level)
        return interval.low <= 0.0 <= interval.high

    return first_bound(holds, start=unit / 100.0, most=1000.0 * unit if most is None else most)


def first_bound(holds: Callable[[float], bool], *, start: float, most: float) -> float:
    """Smallest bound from which on `holds`: doubling from `start`, then halving; 0 at once, infinity where none up to `most`."""
    if holds(0.0):
        return 0.0
    low, high = 0.0, min(start, most)
    while not holds(high):
        if high >= most:
            return float("inf")
        low, high = high, min(2.0 * high, most)
    while high - low > PRECISION * high:
        middle = (low + high) / 2.0
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def folded_half_length(bias: float, sd: float, level: float) -> float:
    """The ``1 - level`` quantile of ``|N(bias, sd^2)|``."""
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    if sd <= 0.0:
        return abs(bias)
    mean = abs(bias) / sd
    # one tail and both: the quantile lies between the two cases
    low, high = mean + float(ndtri(1.0 - level)), mean + float(ndtri(1.0 - level / 2.0))
    if mean > 10.0:
        return sd * low
    return sd * float(brentq(lambda c: ndtr(c - mean) - ndtr(-c - mean) - (1.0 - level), max(low, 0.0), high + 1e-9, xtol=1e-13))


def _free_weights(path: EventPath) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K,) before the start that extrapolate the last change before it, and the directions (K, K - 1) one may add.

    Column i of the directions loads on the i-th change of slope before the start alone, counted backwards, with nothing left of a
    straight line: weights 1, -2, 1 on three neighbouring periods, of which the reference period has no coefficient.
    """
    k = path.before.size
    start = np.zeros(k)
    start[k - 1] = path.weights @ np.arange(1, path.after.size + 1)
    spread = np.zeros((k, k - 1))
    for i in range(k - 1):
        for distance, weight in ((i, 1.0), (i + 1, -2.0), (i + 2, 1.0)):
            if distance > 0:
                spread[k - distance, i] = weight
    return start, spread


def _square_root(vcov: np.ndarray) -> np.ndarray:
    """S with ``S'S`` the covariance; directions without variance are left without."""
    values, vectors = np.linalg.eigh((vcov + vcov.T) / 2.0)
    return np.sqrt(np.where(values > SINGULAR * values.max(), values, 0.0))[:, None] * vectors.T


def _least_squares_within(x: np.ndarray, y: np.ndarray, budget: float) -> np.ndarray:
    """``min ||y - x c||^2`` with ``||c||_1 <= budget``.

    ``c = budget (p - n)`` with p, n and a slack not negative and summing to one: least squares on a simplex, whose solution is
    that of non-negative least squares up to a factor (see `evaluation.numerics.simplex`).
    """
    from scipy.optimize import nnls

    terms = x.shape[1]
    if not terms or budget <= 0.0:
        return np.zeros(terms)
    distance = np.hstack([budget * x, -budget * x, np.zeros((x.shape[0], 1))]) - y[:, None]
    scale = np.sqrt((distance**2).sum(axis=0).max()) or 1.0
    u, _ = nnls(np.vstack([distance / scale, np.ones(2 * terms + 1)]), np.append(np.zeros(x.shape[0]), 1.0))
    share = u / u.sum()
    return budget * (share[:terms] - share[terms : 2 * terms])


def refuse_bound(bound: float, level: float) -> None:
    """Raise a `ConfigurationError` for a bound or level that has no meaning."""
    if not (np.isfinite(bound) and bound >= 0.0):
        raise ConfigurationError(f"bound is {bound}; it must be a number of 0 or more.")
    if not 0.0 < level < 1.0:
        raise ConfigurationError(f"level is {level}; it must lie between 0 and 1, such as 0.05.")

"""Restricted wild cluster bootstrap of one coefficient with area and period effects, without a single refit.

With the outcome and the exposure after area and period effects, y and x, area weights w, clusters g of whole areas and the null
b = b0, the bootstrap draws outcomes ``fitted + v_g (y - b0 x)`` with random signs v_g (Cameron, Gelbach & Miller 2008; Roodman,
Nielsen, MacKinnon & Webb 2019). Fitted values lie in the space of the effects and drop out, so with

    s_g = sum over g of  w x (y - b0 x)
    d_g = sum over g of  w x  by period
    q_g = sum over g of  w (y - b0 x) / sum of w  by period

the drawn coefficient is b* = b0 + v's / x'Wx, and since area effects of drawn residuals are nil its scores are

    v_g s_g  -  d_g' (sum over h of v_h q_h)  -  (b* - b0) (sum over g of w x^2).

Everything is linear in b0: each draw leaves two numbers for b* - b0 and three for its variance, and a test of any other b0, and
so the interval, costs no more than reading them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import DataError

Weights = Literal["rademacher", "webb"]

FEW_CLUSTERS = 12
"""Clusters below which two-point weights give too few different draws, and six-point ones are used (Webb 2014)."""

TIE = 1e-9
"""Relative difference below which two statistics are equal."""

RANK = 1e-9
"""Smallest share of the exposure's variation that must be left after area and period effects."""

CHUNK = 250_000
"""Numbers in the largest array of one chunk of draws: two megabytes, which a processor keeps at hand."""

FURTHEST = 60
"""Doublings of the distance from the estimate after which an end of the interval is taken as not there."""

HALVINGS = 50
"""Halvings that place an end of the interval."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WildBootstrap:
    """Draws of a restricted wild bootstrap, for every null at once.

    Attributes
    ----------
    estimate, variance : float, the coefficient and its cluster-robust variance without a small-sample factor (which cancels)
    shift : array (R, 2), b* - b0 of each draw is ``shift[:, 0] - b0 * shift[:, 1]``
    spread : array (R, 3), its variance is ``spread[:, 0] - 2 b0 spread[:, 1] + b0^2 spread[:, 2]``
    exhaustive : whether every pattern of signs is there once
    """

    estimate: float
    variance: float
    shift: np.ndarray
    spread: np.ndarray
    exhaustive: bool

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided, symmetric: share of draws whose squared t-value is at least as large as the observed one."""
        drawn = (self.shift[:, 0] - null * self.shift[:, 1]) ** 2
        variance = self.spread[:, 0] - 2.0 * null * self.spread[:, 1] + null**2 * self.spread[:, 2]
        observed = (self.estimate - null) ** 2 / self.variance
        as_large = int((drawn >= observed * np.maximum(variance, 0.0) * (1.0 - TIE)).sum())
        return as_large / len(drawn) if self.exhaustive else (1 + as_large) / (len(drawn) + 1)

    def interval(self, level: float) -> tuple[float, float] | None:
        """Ends of the effects around the estimate whose p is above `level`; None where there is no end on a side."""
        ends = [self._end(level, side) for side in (-1.0, 1.0)]
        return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])

    def _end(self, level: float, side: float) -> float | None:
        inside, step = self.estimate, float(np.sqrt(self.variance))
        for _ in range(FURTHEST):
            outside = self.estimate + side * step
            if self.p_value(outside) <= level:
                break
            inside, step = outside, 2.0 * step
        else:
            return None
        for _ in range(HALVINGS):
            middle = 0.5 * (inside + outside)
            if self.p_value(middle) > level:
                inside = middle
            else:
                outside = middle
        return outside


def draw_wild_bootstrap(
    y: np.ndarray,
    x: np.ndarray,
    *,
    clusters: np.ndarray,
    weights: np.ndarray | None = None,
    reps: int = 9_999,
    seed: int = 0,
    kind: Weights | None = None,
) -> WildBootstrap:
    """Draw the bootstrap of the coefficient of `x` in ``y ~ x | area + period``.

    Parameters
    ----------
    y, x : arrays (T, N)
        Outcome and exposure, complete.
    clusters : integer array (N,)
        Cluster 0 to G-1 of each area.
    weights : array (N,), optional
        Of the areas; default equal.
    reps : int
        Draws; with two-point weights and no more than so many patterns of signs, every pattern once.
    seed : int
    kind : {"rademacher", "webb"}, optional
        By default two-point weights, and six-point ones with fewer than `FEW_CLUSTERS` clusters.

    Raises
    ------
    DataError
        If area and period effects explain the exposure.
    """
    w = np.ones(y.shape[1]) if weights is None else np.asarray(weights, dtype=float)
    outcome, exposure = take_out_effects(y, w), take_out_effects(x, w)
    square = w @ (exposure**2).sum(axis=0)
    if not square > RANK * (w @ (x**2).sum(axis=0)):
        raise DataError("wild bootstrap: area and period effects explain the exposure entirely; untreated areas are needed.")
    n_clusters = int(clusters.max()) + 1
    member = np.zeros((n_clusters, y.shape[1]))
    member[clusters, np.arange(y.shape[1])] = w
    s = member @ (exposure * outcome).sum(axis=0)
    h = member @ (exposure**2).sum(axis=0)
    estimate = float(s.sum() / square)
    d = member @ exposure.T
    # few different dates make few different profiles, so the product over periods is one over these
    left, size, right = np.linalg.svd(d, full_matrices=False)
    rank = int((size > RANK * size[0]).sum())
    load, base = left[:, :rank] * size[:rank], right[:rank].T / w.sum()
    # scores of the draws are v * s - m u for the part in y and v * h - m u for the part in x, with the same m and few columns u
    m = np.column_stack([load, h])
    size_u = rank + 1
    small = np.column_stack([member @ outcome.T @ base, s / square, d @ base, h / square, s[:, None] * m, h[:, None] * m])
    own, products = m.T @ m, np.column_stack([s * s, s * h, h * h])
    signs, exhaustive = _draw_signs(n_clusters, reps, seed, kind)
    step = max(1, CHUNK // n_clusters)
    parts = []
    for begin in range(0, len(signs), step):
        v = signs[begin : begin + step].astype(float)
        sums = v @ small
        u_y, u_x, v_s, v_h = (sums[:, k * size_u : (k + 1) * size_u] for k in range(4))
        # two-point weights have squares of 1
        square_sums = np.broadcast_to(products.sum(axis=0), (len(v), 3)) if signs.dtype == np.int8 else v**2 @ products
        spread = [
            square_sums[:, 0] - 2.0 * _rows(v_s, u_y) + _rows(u_y @ own, u_y),
            square_sums[:, 1] - _rows(v_s, u_x) - _rows(v_h, u_y) + _rows(u_y @ own, u_x),
            square_sums[:, 2] - 2.0 * _rows(v_h, u_x) + _rows(u_x @ own, u_x),
        ]
        parts.append(np.column_stack([u_y[:, -1], u_x[:, -1], *(part / square**2 for part in spread)]))
    drawn = np.concatenate(parts)
    return WildBootstrap(
        estimate=estimate,
        variance=float(((s - estimate * h) ** 2).sum() / square**2),
        shift=drawn[:, :2],
        spread=drawn[:, 2:],
        exhaustive=exhaustive,
    )


def take_out_effects(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values (T, N) less area and period effects, areas weighted by (N,)."""
    left = values - values.mean(axis=0)
    return left - (left @ weights / weights.sum())[:, None]


def _rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Product of each row of `a` with that of `b`."""
    return np.asarray((a * b).sum(axis=1))


def _draw_signs(n_clusters: int, reps: int, seed: int, kind: Weights | None) -> tuple[np.ndarray, bool]:
    """Multipliers (R, G) with mean 0 and variance 1, and whether all patterns are there."""
    chosen = kind or ("webb" if n_clusters < FEW_CLUSTERS else "rademacher")
    random = np.random.default_rng(seed)
    if chosen == "webb":
        points = np.sqrt(np.array([0.5, 1.0, 1.5]))
        return np.concatenate([-points, points])[random.integers(0, 6, (reps, n_clusters))], False
    if n_clusters < 63 and 2**n_clusters <= reps:
        every = np.arange(2**n_clusters)[:, None] >> np.arange(n_clusters) & 1
        return (2 * every - 1).astype(np.int8), True
    bits = np.unpackbits(np.frombuffer(random.bytes((reps * n_clusters + 7) // 8), dtype=np.uint8), count=reps * n_clusters)
    return 2 * bits.reshape(reps, n_clusters).view(np.int8) - 1, False

"""Leave-one-cluster-out variance of one coefficient with area and period effects, in closed form on complete panels.

With the outcome and the exposure after area effects, y and x, and area weights w, leaving cluster g out takes its share out of
four sums, and its coefficient b_g is their ratio again:

    numerator  sum of w x'y - (sum of w x)'(sum of w y) / sum of w,      denominator  the same with x for y.

The variance is ``(G - 1) / G * sum of (b_g - b)^2`` (CV3: MacKinnon, Nielsen & Webb 2023, Journal of Econometrics 232; Bell &
McCaffrey 2002).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError

RANK = 1e-9
"""Smallest share of the exposure's variation that must be left without a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Jackknife:
    """Coefficient, those (G,) without each cluster, standard error and its degrees of freedom."""

    estimate: float
    without: np.ndarray
    se: float
    freedom: float


def leave_out_clusters(y: np.ndarray, x: np.ndarray, *, clusters: np.ndarray, weights: np.ndarray | None = None) -> Jackknife:
    """Estimate the coefficient of `x` in ``y ~ x | area + period`` with and without each cluster.

    Degrees of freedom are those of the chi-squared variable with the mean and variance that the squared standard error has when
    errors are independent and of one variance (Satterthwaite, as in Bell & McCaffrey 2002): with few treated clusters they are
    few, however many untreated ones there are.

    Parameters
    ----------
    y, x : arrays (T, N)
        Outcome and exposure, complete.
    clusters : integer array (N,)
        Cluster 0 to G-1 of each area.
    weights : array (N,), optional
        Of the areas; default equal.

    Raises
    ------
    DataError
        If without some cluster area and period effects explain the exposure.
    """
    w = np.ones(y.shape[1]) if weights is None else np.asarray(weights, dtype=float)
    n_clusters = int(clusters.max()) + 1
    member = np.zeros((n_clusters, y.shape[1]))
    member[clusters, np.arange(y.shape[1])] = 1.0
    outcome, exposure = y - y.mean(axis=0), x - x.mean(axis=0)
    own_w, own_x, own_y = member @ w, member @ (w * exposure).T, member @ (w * outcome).T
    own_xx, own_xy = member @ (w * (exposure**2).sum(axis=0)), member @ (w * (exposure * outcome).sum(axis=0))
    rest_w, rest_x = w.sum() - own_w, own_x.sum(axis=0) - own_x
    raw = own_xx.sum() - own_xx
    denominator = raw - (rest_x**2).sum(axis=1) / rest_w
    total = own_xx.sum() - (own_x.sum(axis=0) ** 2).sum() / w.sum()
    if not (denominator > RANK * own_xx.sum()).all():
        raise DataError("jackknife: without one of the clusters area and period effects explain the exposure entirely.")
    numerator = own_xy.sum() - own_xy - (rest_x * (own_y.sum(axis=0) - own_y)).sum(axis=1) / rest_w
    estimate = float((own_xy.sum() - own_x.sum(axis=0) @ own_y.sum(axis=0) / w.sum()) / total)
    without = numerator / denominator
    factor = (n_clusters - 1) / n_clusters
    # b_g - b = sum over areas of (w_n / D_g)(x_n - m_g) 1[n not in g] - (w_n / D)(x_n - m), times y: its products over g and h
    mean, means = own_x.sum(axis=0) / w.sum(), rest_x / rest_w[:, None]
    p = 1.0 / denominator - 1.0 / total
    r = mean / total - means / denominator[:, None]
    two_w, two_x = member @ w**2, member @ (w**2 * exposure).T
    two_xx = member @ (w**2 * (exposure**2).sum(axis=0))
    all_x = two_x.sum(axis=0)
    cross = np.outer(p, r @ all_x)
    product = two_xx.sum() * np.outer(p, p) + cross + cross.T + two_w.sum() * r @ r.T
    # areas of g itself count otherwise in b_g: they are not there
    inner = np.einsum("gt,gt->g", two_x, means)
    change = -(np.outer(p, two_xx - inner) + r @ (two_x - two_w[:, None] * means).T) / denominator
    product += change + change.T
    square = two_xx - 2.0 * inner + two_w * (means**2).sum(axis=1)
    product[np.diag_indices(n_clusters)] += square / denominator**2
    return Jackknife(
        estimate=estimate,
        without=without,
        se=float(np.sqrt(factor * ((without - estimate) ** 2).sum())),
        freedom=float(np.trace(product) ** 2 / (product**2).sum()),
    )

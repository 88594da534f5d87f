"""How much of what placebo places show is sampling error of the survey: difference-in-differences as a sum over outcomes.

Without further terms a difference-in-differences estimate is linear in the outcomes, and untreated areas count in it only by
their weight. So its weights can be written down.

Two-way fixed effects (Frisch & Waugh 1933): with exposure x_k of treated place k less its mean over time (nought for untreated
areas) and X(t) the mean of these over all areas by weight w,

    weight of area n in period t   =   w_n (x_k(n)(t) - X(t)) / D,     D = sum over n of w_n (x_k(n) - X)' x_k(n)

where k(n) is the place that n belongs to. A place that is the mean of its authorities by weight counts as the sum of their
weights, so the same line holds for the authorities themselves.

Other estimators, one treated place: the weights over time v(t) of the treated place are what the estimator finds in an area that
is 1 in period t and 0 in all others (`respond`); untreated areas share -v(t) by weight.
"""

from __future__ import annotations

import numpy as np

from evaluation.numerics.places import STAYS
from evaluation.numerics.windows import factor
from evaluation.results import NEVER, Comparison, Estimator

MOST = 200
"""Placebo assignments whose sampling variance is computed; it differs little between them, and their mean is used."""


def sampling_variance(
    estimator: Estimator, comparison: Comparison, groups: np.ndarray, correlation: np.ndarray
) -> np.ndarray | None:
    """Sampling variance of the estimates of placebo assignments.

    Parameters
    ----------
    estimator : Estimator
        Linear in the outcomes, such as any difference-in-differences of the registry with its default options.
    comparison : Comparison
        With standard errors.
    groups : integer array (D, N0)
        As in `numerics.places.PlaceAssignments`; the first `MOST` are used.
    correlation : array (T, T)
        Of the sampling errors of one area's figures; see `numerics.windows`.

    Returns
    -------
    array (min(D, MOST),) or None
        None without standard errors, and for several treated places where the weights are not known: all estimators but ``twfe``.
    """
    if comparison.se is None or not len(groups):
        return None
    donors = np.flatnonzero(~comparison.treated)
    weights = np.ones(donors.size) if comparison.weights is None else comparison.weights[donors]
    carried = comparison.se[:, donors].T[:, :, None] * factor(correlation)
    if estimator.name == "twfe":
        exposure = comparison.exposure[:, comparison.treated]
        return _of_two_way(exposure - exposure.mean(axis=0), weights, carried, groups[:MOST])
    if comparison.treated.sum() > 1:
        return None
    profile = respond(estimator, comparison)
    return None if profile is None else _of_one_place(profile, weights, carried, groups[:MOST])


def _of_two_way(x: np.ndarray, weights: np.ndarray, carried: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Variance (D,) with demeaned exposure (T, K), weights (N0,) and standard errors times correlation (N0, T, T)."""
    known = np.column_stack([x, np.zeros(len(x))]).T
    member = (groups[:, :, None] == np.arange(x.shape[1])).astype(float)
    mass = np.swapaxes(member, 1, 2) @ weights
    mean = mass @ x.T / weights.sum()
    denominator = mass @ (x**2).sum(axis=0) - weights.sum() * (mean**2).sum(axis=1)
    own = np.einsum("kt,ntj->nkj", known, carried)
    common = np.einsum("dt,ntj->dnj", mean, carried, optimize=True)
    # STAYS is -1: the last row, without exposure
    part = own[np.arange(len(weights)), groups] - common
    return np.asarray(((part**2).sum(axis=2) @ weights**2) / denominator**2)


def _of_one_place(profile: np.ndarray, weights: np.ndarray, carried: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Variance (D,) with weights over time (T,) of the treated place."""
    single = (np.einsum("t,ntj->nj", profile, carried) ** 2).sum(axis=1)
    stays = (groups == STAYS) * weights
    taken = (groups != STAYS) * weights
    return np.asarray(sum((part / part.sum(axis=1, keepdims=True)) ** 2 @ single for part in (taken, stays)))


def respond(estimator: Estimator, comparison: Comparison) -> np.ndarray | None:
    """Weights over time (T,) that a linear estimator gives one treated place, from its own placebos.

    The estimator is given T untreated areas, of which area j is 1 in period j and 0 otherwise, and one that is always 0; each in
    turn is its placebo and is compared with the others, which count alike. None where it leaves one of them out.
    """
    periods = comparison.n_periods
    one = np.flatnonzero(comparison.treated)[:1]
    names = tuple(f"impulse {t}" for t in range(periods + 2))
    impulses = Comparison(
        areas=names,
        area_names=names,
        periods=comparison.periods,
        y=np.column_stack([np.zeros(periods), np.eye(periods), np.zeros(periods)]),
        first_treated=np.concatenate([comparison.first_treated[one], np.full(periods + 1, NEVER)]),
        exposure=np.column_stack([comparison.exposure[:, one], np.zeros((periods, periods + 1))]),
    )
    found = estimator.placebos(impulses, draws=periods + 1, seed=0).att
    if found.size != periods + 1:
        return None
    # what area j shows is v_j less the mean of the other weights over time, v_i, and of the nought: (sum of v - v_j) / T
    total = periods * found[:periods].sum()
    return np.asarray((found[:periods] + total / periods) / (1.0 + 1.0 / periods))

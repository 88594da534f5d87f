"""How noisy an estimate for a place must be, from what is known about any place: its population, or the error of its sample.

With few treated places their own residuals say nothing about their noise. What untreated places show does: large places are
calmer than small ones, and the average of several calmer than one (Ferman & Pinto 2019, Review of Economics and Statistics
101(3), who let the variance of one group be a + b / population).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.results import Comparison

ROUNDS = 30
"""Most rounds of weighting; the coefficients settle in about ten."""

SETTLED = 1e-8
"""Largest change of a coefficient, relative to their sum, at which the rounds stop."""

CAP = 9.0
"""A squared estimate counts as at most so many times its variance (three standard deviations): one odd place must not rule."""

MEDIAN_SQUARE = 0.4549
"""Median of a squared standard normal variable, for a start that odd places do not move."""

SMALLEST = 1e-6
"""Variance below which a weight is not raised further, relative to the mean variance."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceTerms:
    """What is known beforehand about D sets of places, s_k being place k's share of the weights of its set.

    Attributes
    ----------
    common : array (D,), sum of s_k^2: noise that does not depend on the size of a place
    noise : array (D,), sum of s_k^2 v_k with v_k the mean sampling variance of place k where standard errors are known; else sum
        of s_k^2 / population_k
    shares : array (D, N0), share of each untreated area in its set's average; None for the treated set
    """

    common: np.ndarray
    noise: np.ndarray
    shares: np.ndarray | None = None

    @property
    def columns(self) -> np.ndarray:
        """Both terms (D, 2)."""
        return np.column_stack([self.common, self.noise])


def describe_places(comparison: Comparison, groups: np.ndarray) -> PlaceTerms:
    """Terms of the placebo places in `groups` (D, N0), as in `numerics.places.PlaceAssignments`."""
    donors = np.flatnonzero(~comparison.treated)
    row, area = np.nonzero(groups >= 0)
    n_places = int(groups.max(initial=0)) + 1
    weights = _weights(comparison)[donors]
    own = weights[area]
    place = row * n_places + groups[row, area]
    size = np.bincount(place, own, len(groups) * n_places).reshape(len(groups), n_places)
    total = size.sum(axis=1)
    shares = np.zeros(groups.shape)
    shares[row, area] = own / total[row]
    common = ((size / total[:, None]) ** 2).sum(axis=1)
    if comparison.se is None:
        # s_k^2 / population_k = population_k / total^2
        return PlaceTerms(common=common, noise=1.0 / total, shares=shares)
    # within a place areas count by their people, so s_k^2 v_k is the sum of (share of the area)^2 times its variance
    return PlaceTerms(common=common, noise=shares**2 @ _sampling_variance(comparison)[donors], shares=shares)


def describe_treated(comparison: Comparison) -> PlaceTerms:
    """The same terms (1,) of the truly treated areas."""
    columns = np.flatnonzero(comparison.treated)
    weights = _weights(comparison)[columns]
    share = weights / weights.sum()
    common = np.array([share @ share])
    if comparison.se is None:
        return PlaceTerms(common=common, noise=np.array([1.0 / weights.sum()]))
    return PlaceTerms(common=common, noise=np.array([share**2 @ _sampling_variance(comparison)[columns]]))


def fit_variance(squares: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Fit ``variance = terms @ coefficients`` with coefficients that are not negative to squared estimates of mean nil.

    Non-negative least squares, weighted by one over the squared variance of the round before (the variance of a squared normal
    variable is twice its squared mean): at the solution a likelihood of normal estimates is largest. Squares above `CAP` times
    their variance count as that much; this lowers all variances by about the same factor, which a comparison of places does not
    see.

    Parameters
    ----------
    squares : array (D,)
        Squared placebo estimates.
    terms : array (D, M)
        Not negative.

    Returns
    -------
    array (M,)
        All 0 where every square is.
    """
    from scipy.optimize import nnls

    unit = terms.mean(axis=0)
    used = unit > 0.0
    found = np.zeros(terms.shape[1])
    if not squares.any() or not used.any():
        return found
    x = terms[:, used] / unit[used]
    start = float(np.median(squares)) / MEDIAN_SQUARE
    level = start if start > 0.0 else float(squares.mean())
    variance = np.full(len(squares), level)
    coefficients = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        before = coefficients
        capped = np.minimum(squares, CAP * variance)
        coefficients = nnls(x / variance[:, None], capped / variance)[0]
        fitted = x @ coefficients
        variance = np.maximum(fitted, SMALLEST * max(float(fitted.mean()), level))
        if np.abs(coefficients - before).max() <= SETTLED * coefficients.sum():
            break
    found[used] = coefficients / unit[used]
    return found


def _weights(comparison: Comparison) -> np.ndarray:
    """People of each area, or the number of authorities it is made of where people are not known."""
    if comparison.weights is not None:
        return comparison.weights
    return np.ones(len(comparison.areas)) if comparison.sizes is None else comparison.sizes.astype(float)


def _sampling_variance(comparison: Comparison) -> np.ndarray:
    """Mean squared standard error (N,) over the periods that have one."""
    assert comparison.se is not None
    known = np.isfinite(comparison.se)
    squares = np.where(known, comparison.se, 0.0) ** 2
    return np.asarray(squares.sum(axis=0) / np.maximum(known.sum(axis=0), 1))

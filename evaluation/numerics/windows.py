"""Reference windows that overlap: what their figures share of a survey's sample, and what that does to an estimate.

A figure for the twelve months to June and one for the twelve months to September rest on nine months of the same answers. Their
sampling errors are the mean of the errors of twelve months each, nine of them the same. With months alike and independent of each
other, windows of W months that end m months apart have correlation (W - m) / W, and none from m = W on; quarterly figures of a
twelve-month window 3/4, 1/2, 1/4, 0. That some surveys ask people again a year later is left out of account.

An estimate that is linear in the outcomes, the sum over periods t and areas n of L[t, n] y[t, n], has with samples of areas that
are independent of each other

    sampling variance  =  sum over n, t and s of  L[t, n] se[t, n] R[t, s] se[s, n] L[s, n]

with R the correlation of the windows.
"""

from __future__ import annotations

import numpy as np

from evaluation.errors import ConfigurationError

NEGLIGIBLE = 1e-12
"""Eigenvalues below this share of the largest are rounding."""


def overlap_correlation(n_periods: int, *, window_months: int, step: int) -> np.ndarray:
    """Correlation (T, T) of the sampling errors of figures whose windows overlap.

    Parameters
    ----------
    n_periods : int
        Number of consecutive figures, T.
    window_months : int
        Length of the reference window.
    step : int
        Months from one figure to the next: 3 for quarterly ones, 12 for annual ones.

    Raises
    ------
    ConfigurationError
        If a window or a step is shorter than a month.
    """
    if window_months < 1 or step < 1:
        raise ConfigurationError(
            f"windows of {window_months} month(s) every {step} month(s) are not possible; both must be at least 1."
        )
    apart = step * np.abs(np.subtract.outer(np.arange(n_periods), np.arange(n_periods)))
    return np.asarray(np.maximum(window_months - apart, 0) / window_months)


def count_straddling(start: int, *, last: int, window_months: int, step: int) -> int:
    """How many reference windows hold months on both sides of a start.

    Months are counted as whole numbers; that of the start counts as after it. (The share of each such window that lies after the
    start is `panel.periods.exposure_share`.)

    Parameters
    ----------
    start : int
        Month of the start.
    last : int
        A month in which a window ends; windows end every `step` months before and after it.
    window_months, step : int
        As in `overlap_correlation`.
    """
    return len(range(start + (last - start) % step, start + window_months - 1, step))


def factor(correlation: np.ndarray) -> np.ndarray:
    """A matrix C (T, T) with C C' equal to a correlation (T, T), which may be singular."""
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(vectors * np.sqrt(np.where(values > NEGLIGIBLE * values.max(), values, 0.0)))


def linear_variance(linear: np.ndarray, se: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Sampling variance of linear estimates, area by area; the sum over areas is that of the estimate.

    Parameters
    ----------
    linear : array (..., T, N)
        Weights of the outcomes; leading axes are estimates.
    se : array (T, N)
        Sampling standard errors.
    correlation : array (T, T)
        As `overlap_correlation` gives it.

    Returns
    -------
    array (..., N)
    """
    carried = np.swapaxes(linear * se, -1, -2) @ factor(correlation)
    return np.asarray((carried**2).sum(axis=-1))

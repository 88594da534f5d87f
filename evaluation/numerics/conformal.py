"""Permuting time instead of places: is what one place shows after the start unusual among its own residuals?

With the null imposed and the counterfactual fitted to all periods, residuals before and after the start are alike, and so are
those shifted in time as a block (Chernozhukov, Wuthrich & Zhu 2021, Journal of the American Statistical Association 116(536),
section 2.2: moving block permutations).
"""

from __future__ import annotations

import numpy as np

TIE = 1e-9
"""Relative difference below which two statistics are equal."""


def shift_statistics(residuals: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Magnitude (..., T) of ``sum over t of exposure_t residual_(t + j)`` for every shift j from 0, of residuals (..., T)."""
    periods = np.arange(len(exposure))
    return np.asarray(np.abs(residuals @ exposure[(periods[:, None] - periods) % len(exposure)]))


def conformal_p(residuals: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Share (...) of shifts, the one of no shift among them, whose statistic is at least as large as the one as it is.

    Residuals (..., T) are taken less their own mean, which shifts do not change.
    """
    statistics = shift_statistics(residuals - residuals.mean(axis=-1, keepdims=True), exposure)
    # residuals of nil have statistics of rounding size, which are all alike
    rounding = TIE * np.abs(residuals).max(axis=-1, initial=0.0, keepdims=True) * exposure.sum()
    return np.asarray((statistics >= statistics[..., :1] * (1.0 - TIE) - rounding).mean(axis=-1))


def conformal_interval(gap: np.ndarray, exposure: np.ndarray, level: float) -> tuple[float, float] | None:
    """Effects at full exposure, constant over time, that the test of `gap` (T,) keeps; None where it keeps ever larger ones.

    For a comparison whose fit is the mean over all periods. A shift's statistic less that of no shift, each linear in the effect,
    changes sign at two effects, one on each side of the estimate; so each end is the k-th furthest of T - 1 numbers.
    """
    periods = np.arange(len(exposure))
    rolled = exposure[(periods[:, None] - periods) % len(exposure)]
    a, b = (gap - gap.mean()) @ rolled, (exposure - exposure.mean()) @ rolled
    above = a[0] / b[0]
    kept = int(np.floor(level * len(exposure) + 1e-9))
    if not kept:
        return None
    with np.errstate(divide="ignore"):
        one = (a[0] - a[1:]) / (b[0] - b[1:])
        other = (a[0] + a[1:]) / (b[0] + b[1:])
    ends = np.sort(np.column_stack([one, other]), axis=1)
    # p counts the shift of nil itself, so p is above the level while at least `kept` others are as large
    high, low = np.sort(ends[:, 1])[-kept], np.sort(ends[:, 0])[kept - 1]
    return (float(min(low, above)), float(max(high, above))) if np.isfinite([low, high]).all() else None

"""Several tests at once: p-values that keep the chance of any false finding among them at the level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TIE = 1e-9
"""Relative difference below which two statistics are equal."""


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjust p-values (H,) for being H tests, whatever the dependence between them.

    Holm (1979), Scandinavian Journal of Statistics 6. The smallest is multiplied by H, the next by H - 1 and so on; none falls
    below a smaller one's, none exceeds 1.
    """
    given = np.asarray(p_values, dtype=float)
    # Three lines rather than statsmodels' own, whose import costs twenty times what drawing the conclusions of a run does.
    order = np.argsort(given, kind="stable")
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * np.arange(given.size, 0, -1)), 1.0)
    return adjusted


def romano_wolf(observed: Sequence[float] | np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Adjust by what the placebo assignments show together, so that tests that say nearly the same count as nearly one.

    Step-down maximum (Romano & Wolf 2005, Econometrica 73(4), with p-values as in their 2016 note, Statistics & Probability
    Letters 113): from the largest statistic to the smallest, each is compared with the largest placebo statistic among the tests
    not yet passed; ``p = (1 + number at least as large) / (draws + 1)``, and none falls below the one before.

    Parameters
    ----------
    observed : array (H,)
        Statistics, already relative to their scale; the sign does not count.
    draws : array (D, H)
        The same statistics of D placebo assignments, each row from one assignment for all tests.

    Returns
    -------
    array (H,)
        Adjusted p-values in the order given.
    """
    size = np.abs(np.asarray(observed, dtype=float))
    placebos = np.abs(np.asarray(draws, dtype=float))
    order = np.argsort(-size, kind="stable")
    # largest placebo statistic among a test and all with smaller statistics than its own
    largest = np.maximum.accumulate(placebos[:, order[::-1]], axis=1)[:, ::-1]
    as_large = (largest >= size[order] * (1.0 - TIE)).sum(axis=0)
    adjusted = np.empty(size.size)
    adjusted[order] = np.maximum.accumulate((1.0 + as_large) / (len(placebos) + 1.0))
    return adjusted

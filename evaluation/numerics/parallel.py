"""Unit and time weights of synthetic difference-in-differences (Arkhangelsky and others 2021), for many targets at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.numerics.simplex import fit_simplex

TIME_RIDGE = 1e-6
"""Noise standard deviations in the penalty on the time weights (the source's value): it only makes them unique."""

NIL = 1e-12
"""Changes smaller than this share of the largest outcome are rounding: the donors then move in parallel without noise."""

CELLS = 4_000_000
"""Numbers in the largest array of one batch; bounds memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParallelFit:
    """R targets beside their weighted donors.

    Attributes
    ----------
    gap : array (R, T), target minus weighted donors, less its time-weighted mean before the start
    unit_weights : array (R, J), not negative, rows sum to 1
    time_weights : array (R, T0), not negative, rows sum to 1
    """

    gap: np.ndarray
    unit_weights: np.ndarray
    time_weights: np.ndarray


def fit_parallel(
    donors: np.ndarray,
    targets: np.ndarray,
    *,
    allowed: np.ndarray,
    start: int,
    exposure: np.ndarray,
    n_treated: int,
) -> ParallelFit:
    """Weight donors and early periods (equations 4 to 6 of the source; both minima exact).

    Parameters
    ----------
    donors : array (T, J)
        Outcomes of the donors.
    targets : array (R, T)
        Means of the areas treated together.
    allowed : boolean array (R, J)
        Donors each target may use.
    start : int
        First treated period, at least 1.
    exposure : array (T,)
        Later periods count by their exposure in what the time weights imitate; equal counts where it is 0 or 1.
    n_treated : int
        Number of areas in each target; with the number of later periods it sets the penalty.
    """
    later = exposure * (np.arange(len(donors)) >= start)
    noise = _noise(donors[:start], allowed)
    zeta = (n_treated * (len(donors) - start)) ** 0.25 * noise
    # without noise any penalty gives the mean of donors that are all alike
    unit = fit_simplex(
        donors[:start] - donors[:start].mean(axis=0),
        targets[:, :start].T - targets[:, :start].mean(axis=1),
        allowed=allowed,
        ridge=np.where(noise > 0.0, start * zeta**2, 1.0),
    ).weights
    time = _weigh_periods(donors[:start].T, later @ donors / later.sum(), allowed, noise)
    gap = targets - unit @ donors.T
    return ParallelFit(
        gap=gap - (gap[:, :start] * time).sum(axis=1, keepdims=True),
        unit_weights=unit,
        time_weights=time,
    )


def _weigh_periods(early: np.ndarray, late: np.ndarray, allowed: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Time weights (R, T0): early outcomes (J, T0) of donors allowed (R, J) follow their later mean (J,), up to a constant."""
    number = allowed.sum(axis=1)
    step = max(1, CELLS // early.size)
    parts = []
    for r in range(0, len(allowed), step):
        mask = allowed[r : r + step].astype(float)
        # each target has donors of its own, so each is a matrix of its own; rows of nought stand for areas left out
        share = mask / mask.sum(axis=1, keepdims=True)
        own = mask[:, :, None] * (early - (share @ early)[:, None])
        size = noise[r : r + step]
        parts.append(
            fit_simplex(
                own,
                (mask * (late - (share @ late)[:, None])).T,
                ridge=np.where(size > 0.0, number[r : r + step] * (TIME_RIDGE * size) ** 2, 1.0),
            ).weights
        )
    return np.concatenate(parts)


def _noise(donors: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Standard deviation (R,) of the allowed donors' changes from period to period; 0 where it is rounding."""
    changes = np.diff(donors, axis=0)
    if not changes.size:
        return np.zeros(len(allowed))
    changes = changes - changes.mean()
    number = allowed.sum(axis=1) * len(changes)
    mean = allowed @ changes.sum(axis=0) / number
    square = allowed @ (changes**2).sum(axis=0) - number * mean**2
    deviation = np.sqrt(np.maximum(square, 0.0) / np.maximum(number - 1, 1))
    return np.where(deviation > NIL * np.abs(donors).max(), deviation, 0.0)

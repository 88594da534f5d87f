"""SYNTHETIC panels of the size of the project's: 310 authorities, 84 months, 57 of them treated in nine places."""

from __future__ import annotations

import numpy as np

from evaluation.results import NEVER, Comparison

PLACES = (10, 7, 4, 5, 2, 12, 8, 6, 3)
"""Authorities of each place."""

STARTS = (75, 75, 75, 76, 76, 77, 77, 78, 78)
"""First treated month of each place."""


def make_panel(*, n_areas: int, n_periods: int, first: np.ndarray, noise: float = 0.5, seed: int = 0) -> Comparison:
    """Areas with levels, six common movements and autocorrelated noise; those with a start in `first` (N,) treated, effect -0.8.

    All numbers are invented.
    """
    rng = np.random.default_rng(seed)
    movements = np.cumsum(rng.normal(0.0, 0.25, (n_periods, 6)), axis=0)
    strength = np.array([1.0, 1.0, 0.7, 0.5, 0.3, 0.3])
    error = rng.normal(0.0, noise, (n_periods, n_areas))
    for t in range(1, n_periods):
        error[t] += 0.5 * error[t - 1]
    exposure = ((first != NEVER) & (np.arange(n_periods)[:, None] >= first)).astype(float)
    y = 21.0 + 4.0 * rng.normal(size=n_areas) + (movements * strength) @ rng.normal(size=(6, n_areas)) + error - 0.8 * exposure
    codes = tuple(f"A{n:05d}" for n in range(n_areas))
    return Comparison(
        areas=codes,
        area_names=codes,
        periods=tuple(f"{t:04d}" for t in range(n_periods)),
        y=y,
        first_treated=first,
        exposure=exposure,
        unit="pp",
        outcome="invented",
        area="all",
        synthetic=True,
    )


def one_treated(*, n_areas: int = 251, n_periods: int = 84, start: int = 75, seed: int = 0, noise: float = 0.5) -> Comparison:
    """The first area treated alone."""
    first = np.full(n_areas, NEVER)
    first[0] = start
    return make_panel(n_areas=n_areas, n_periods=n_periods, first=first, seed=seed, noise=noise)


def nine_places(*, n_areas: int = 310, n_periods: int = 84, seed: int = 0) -> Comparison:
    """About one area in five treated, in nine places with four starts."""
    n_treated = round(n_areas * sum(PLACES) / 310)
    place = np.sort(np.arange(n_treated) % len(PLACES)) if n_areas != 310 else np.repeat(np.arange(len(PLACES)), PLACES)
    first = np.full(n_areas, NEVER)
    first[:n_treated] = np.array(STARTS)[place] * n_periods // 84
    return make_panel(n_areas=n_areas, n_periods=n_periods, first=first, seed=seed)

"""Gaps of several treated areas with their own starts: their average, their path and their misfit, for many assignments at once.

A gap is what an area showed minus what is estimated without the programme, in the outcome's unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gaps:
    """Gaps of K treated areas in R assignments.

    Attributes
    ----------
    gap : array (R, K, T), nan where the area was not observed
    weights : array (R, K), of the areas
    first : integer array (K,), first treated period of each
    exposure : array (K, T)
    """

    gap: np.ndarray
    weights: np.ndarray
    first: np.ndarray
    exposure: np.ndarray

    def att(self) -> np.ndarray:
        """Slope (R,) of all gaps on exposure through zero; with exposures of 0 and 1 the mean over treated cells."""
        size = self._cells() * self.exposure
        return np.asarray(
            (size * np.nan_to_num(self.gap)).sum(axis=(1, 2)) / np.einsum("rkt,kt->r", size, self.exposure, optimize=False)
        )

    def by_period(self) -> np.ndarray:
        """Mean gap (R, T) over the areas observed; nan where there is none."""
        return _mean(np.nan_to_num(self.gap), self._cells())

    def event_times(self) -> np.ndarray:
        """Event times (L,) that some area has within the window."""
        return np.unique(np.arange(self.gap.shape[2]) - self.first[:, None])

    def n_areas(self) -> np.ndarray:
        """Number of areas (L,) observed at each event time, in the first assignment."""
        cells = self._cells()[0] > 0.0
        time = np.arange(self.gap.shape[2]) - self.first[:, None]
        return np.array([int(cells[time == event].sum()) for event in self.event_times()])

    def by_event(self) -> np.ndarray:
        """Mean gap (R, L) over the areas that have the event time; nan where there is none."""
        times, periods = self.event_times(), self.gap.shape[2]
        low = int(times[0])
        shifted, cells = (np.zeros((*self.gap.shape[:2], times.size)) for _ in range(2))
        own, gap = self._cells(), np.nan_to_num(self.gap)
        for k, start in enumerate(self.first):
            at = slice(-int(start) - low, -int(start) - low + periods)
            shifted[:, k, at], cells[:, k, at] = gap[:, k], own[:, k]
        return _mean(shifted, cells)

    def misfit(self, window: np.ndarray) -> np.ndarray:
        """Root mean square (R,) of the mean gap over the areas in the `window` (K, T), each period by the weight that is in it.

        With one area: the root mean square of its gap in the window. The same convention as `AssignmentFits.pre_rmspe`.
        """
        cells = self._cells() * window
        total = cells.sum(axis=1)
        mean = np.nan_to_num(_mean(np.nan_to_num(self.gap), cells))
        return np.asarray(np.sqrt((total * mean**2).sum(axis=1) / total.sum(axis=1)))

    def pre_rmspe(self) -> np.ndarray:
        """Misfit (R,) before the start of each area."""
        return self.misfit(np.arange(self.gap.shape[2]) < self.first[:, None])

    def _cells(self) -> np.ndarray:
        """Weight (R, K, T) of each cell, 0 where it was not observed."""
        return np.where(np.isnan(self.gap), 0.0, self.weights[:, :, None])


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean over the second axis; nan where all weights are 0."""
    total = weights.sum(axis=1)
    known = total > 0.0
    return np.where(known, (weights * values).sum(axis=1) / np.where(known, total, 1.0), np.nan)

"""The table of group-time effects as a user sees it, with its averages and simultaneous bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from evaluation.errors import ConfigurationError
from evaluation.numerics.group_time import (
    FULL,
    Aggregation,
    Cells,
    by_cluster,
    combine,
    keyed_influence,
    keys_of,
    overall_influence,
    simultaneous_critical,
    sum_by_cohort,
)

AGGREGATIONS = get_args(Aggregation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """One average effect, in the outcome's unit, and its conventional standard error, or None."""

    att: float
    se: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Averages:
    """Group-time effects averaged in one way.

    Attributes
    ----------
    aggregation : which way
    keys : tuple, of length K: first treated periods ("group"), event times ("dynamic"), periods ("calendar") or ``all``
    att : array (K,), effect of each key, in the outcome's unit
    se : array (K,), conventional standard errors, or None
    n_areas : integer array (K,), treated areas behind each
    overall, overall_se : the one number and its conventional standard error, or None
    influence : array (K, M), what each cluster contributes to the error of `att`
    """

    aggregation: Aggregation
    keys: tuple[str | int, ...]
    att: np.ndarray
    se: np.ndarray | None
    n_areas: np.ndarray
    overall: float
    overall_se: float | None
    influence: np.ndarray

    @property
    def vcov(self) -> np.ndarray:
        """Conventional covariance (K, K) of `att`."""
        return np.asarray(self.influence @ self.influence.T)

    def bands(self, *, level: float = 0.05, draws: int = 999, seed: int = 0) -> pd.DataFrame:
        """Table of `att` with ``low`` and ``high`` of bands that hold all of them at once with 1 - `level`.

        By the multiplier bootstrap of Callaway & Sant'Anna (2021, algorithm 1). It asks for many treated areas and many clusters,
        as the standard errors do.
        """
        error = np.sqrt((self.influence**2).sum(axis=1))
        half = simultaneous_critical(self.influence, level=level, draws=draws, seed=seed) * error
        columns = {self.aggregation: list(self.keys), "att": self.att, "low": self.att - half, "high": self.att + half}
        return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupTime:
    """Every group-time effect of a comparison.

    Attributes
    ----------
    cells : Cells, which cohort and period each effect belongs to
    periods : tuple of str, length T
    att : array (C,), effect of each cell, in the outcome's unit
    least_exposure, exposure : arrays (C,), least and mean exposure of the cohort in the period; 1 = the whole window
    cohort : integer array (N,), row of each area among the cohorts, G for never treated
    weights : array (N,)
    clusters : integer array (N,) or None
    influence : array (C, N), what each area contributes to the error of `att`
    """

    cells: Cells
    periods: tuple[str, ...]
    att: np.ndarray
    least_exposure: np.ndarray
    exposure: np.ndarray
    cohort: np.ndarray
    weights: np.ndarray
    clusters: np.ndarray | None
    influence: np.ndarray

    @property
    def se(self) -> np.ndarray | None:
        """Conventional standard errors (C,); None where a single area is treated or never treated."""
        return np.sqrt((by_cluster(self.influence, self.clusters) ** 2).sum(axis=1)) if self.has_errors else None

    @property
    def has_errors(self) -> bool:
        """Whether both treated areas and those never treated number two at least, so that a spread can be measured."""
        never = self.cohort == len(self.cells.starts)
        return bool(never.sum() > 1 and (~never).sum() > 1)

    @property
    def kept(self) -> np.ndarray:
        """Boolean (C,): what averages after the start rest on, fully exposed cells, or all exposed ones where none is."""
        after = self.cells.event_time >= 0
        full = after & (self.least_exposure >= FULL)
        return full if full.any() else after & (self.exposure > 0.0)

    @property
    def is_full(self) -> bool:
        """Whether the cells kept are fully exposed."""
        return bool((self.least_exposure[self.kept] >= FULL).all())

    def table(self) -> pd.DataFrame:
        """One row a cell.

        Columns ``cohort`` (its first treated period), ``period``, ``base``, ``event_time``, ``att``, ``se`` (where there is one),
        ``n_areas``, ``n_controls``, ``exposure``.
        """
        cells, label = self.cells, np.array(self.periods, dtype=object)
        size = np.bincount(self.cohort, minlength=len(cells.starts) + 1)
        columns = {
            "cohort": label[cells.starts[cells.cohort]],
            "period": label[cells.period],
            "base": label[cells.base],
            "event_time": cells.event_time,
            "att": self.att,
            "n_areas": size[cells.cohort],
            "n_controls": cells.controls @ size,
            "exposure": self.exposure,
        }
        frame = pd.DataFrame(columns)
        if self.se is not None:
            frame.insert(5, "se", self.se)
        return frame

    def overall(self, aggregation: Aggregation = "simple") -> Overall:
        """The one number of an aggregation; see `average`."""
        kept, cells = self.kept, self.cells.take(self.kept)
        scale = self._scale[kept]
        above, below = (self._combine(values, cells, aggregation) for values in (self.att[kept], scale))
        att = above[1] / below[1]
        if not self.has_errors:
            return Overall(att=att, se=None)
        # the error of a ratio is that of what lies above, less the ratio times what lies below
        influence = overall_influence(
            self.att[kept] - att * scale,
            self.influence[kept],
            cells=cells,
            weights=self.weights,
            cohort=self.cohort,
            aggregation=aggregation,
        )
        return Overall(att=att, se=float(np.sqrt((by_cluster(influence[None], self.clusters) ** 2).sum())) / below[1])

    def average(self, aggregation: Aggregation = "simple") -> Averages:
        """Average the effects.

        Parameters
        ----------
        aggregation : {"simple", "group", "dynamic", "calendar"}
            All cells from the start on, each by its areas' weight; by cohort; by event time, with those before the start; by
            period.

        Returns
        -------
        Averages
            Only fully exposed cells count where there are any; where there are none, an average is divided by the average
            exposure. By event time every cell counts as it is, and only `overall`, the mean over event times from 0 on, is as
            said.

        Raises
        ------
        ConfigurationError
            If there is no such aggregation.
        """
        if aggregation not in AGGREGATIONS:
            raise ConfigurationError(f"aggregation {aggregation!r} is not known; there are {', '.join(AGGREGATIONS)}.")
        shown = np.ones_like(self.kept) if aggregation == "dynamic" else self.kept
        cells, scale = self.cells.take(shown), np.ones(self.att.size) if aggregation == "dynamic" else self._scale
        above, below = (self._combine(values[shown], cells, aggregation)[0] for values in (self.att, scale))
        keys, position = np.unique(keys_of(cells, aggregation), return_inverse=True)
        att = above / below
        influence = keyed_influence(
            self.att[shown] - att[position] * scale[shown],
            self.influence[shown],
            cells=cells,
            weights=self.weights,
            cohort=self.cohort,
            aggregation=aggregation,
        )
        influence = by_cluster(influence / below[:, None], self.clusters)
        overall = self.overall(aggregation)
        # every cohort counts once in a key, however many of its cells there are
        n_cohorts = len(cells.starts)
        pairs = np.unique(position * n_cohorts + cells.cohort)
        size = np.bincount(self.cohort, minlength=n_cohorts + 1)
        return Averages(
            aggregation=aggregation,
            keys=self._labels(keys, aggregation),
            att=att,
            se=np.sqrt((influence**2).sum(axis=1)) if self.has_errors else None,
            n_areas=np.bincount(pairs // n_cohorts, weights=size[pairs % n_cohorts]).astype(np.int64),
            overall=overall.att,
            overall_se=overall.se,
            influence=influence,
        )

    @property
    def _scale(self) -> np.ndarray:
        """What averages are divided by, cell by cell (C,): 1, or the exposure where none kept is full."""
        return np.ones(self.att.size) if self.is_full else self.exposure

    def _combine(self, values: np.ndarray, cells: Cells, aggregation: Aggregation) -> tuple[np.ndarray, float]:
        """Averages of `values` by key and overall."""
        mass = sum_by_cohort(self.weights, self.cohort, len(cells.starts))
        found = combine(values[None], cells, mass[None], aggregation)
        return found.by_key[0], float(found.overall[0])

    def _labels(self, keys: np.ndarray, aggregation: Aggregation) -> tuple[str | int, ...]:
        if aggregation == "simple":
            return ("all",)
        if aggregation == "dynamic":
            return tuple(int(key) for key in keys)
        positions = self.cells.starts[keys] if aggregation == "group" else keys
        return tuple(self.periods[p] for p in positions)

"""Plain means of treated and untreated areas, period by period: what stands before any comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.results import Comparison


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupMeans:
    """Means of one group of areas.

    Attributes
    ----------
    mean : array (T,), weighted by `Comparison.weights` where there are any; not-a-number where no area is observed
    se : array (T,), ``sd / sqrt(n)`` with `n` areas taken as independent draws; not-a-number with weights or fewer than two areas
    count : integer array (T,), areas observed
    """

    mean: np.ndarray
    se: np.ndarray
    count: np.ndarray


def group_means(comparison: Comparison, group: np.ndarray) -> GroupMeans:
    """Means over the areas that `group` (boolean, N) marks."""
    observed = comparison.observed[:, group]
    weights = np.ones(observed.shape[1]) if comparison.weights is None else comparison.weights[group]
    values = np.where(observed, comparison.y[:, group], 0.0)
    count = observed.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = values @ weights / (observed @ weights)
        spread = (np.where(observed, values - mean[:, None], 0.0) ** 2).sum(axis=1) / (count - 1)
        se = np.sqrt(spread / count)
    return GroupMeans(
        mean=mean,
        se=se if comparison.weights is None else np.full_like(se, np.nan),
        count=count,
    )

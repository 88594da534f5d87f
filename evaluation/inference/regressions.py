"""What inference that rests on regression residuals asks of an estimator and a comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.numerics.specification import Specification
from evaluation.results import Comparison, Estimator


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Number of clusters with a treated area, and without one."""

    treated: int
    untreated: int

    @property
    def all(self) -> int:
        """Number of clusters."""
        return self.treated + self.untreated


def count_clusters(comparison: Comparison) -> Clusters:
    """Count clusters: `Comparison.clusters`, or areas where there are none."""
    labels = np.array(comparison.clusters or comparison.areas)
    treated = len(np.unique(labels[comparison.treated]))
    return Clusters(treated=treated, untreated=len(np.unique(labels)) - treated)


def is_one_coefficient(estimator: Estimator, comparison: Comparison) -> bool:
    """Whether the estimate is the coefficient of exposure in ``y ~ exposure | area + period`` on complete data."""
    return estimator.name == "twfe" and isinstance(estimator, Specification) and estimator.is_plain(comparison)

"""Inference methods by name. A new one is a module here and a line in `REGISTRY`.

One decides, `placebo_in_space`; the others stand in the annex beside it. Each says in words where it is not valid, and gives no
p-value there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from evaluation.inference import cluster_robust, conformal, conley_taber, jackknife, placebo_in_space, restricted_wild_bootstrap
from evaluation.results import Comparison, Estimate, Estimator, Inference, Placebos


class InferenceMethod(Protocol):
    """What every registry member is: a function."""

    def __call__(
        self,
        estimate: Estimate,
        estimator: Estimator,
        comparison: Comparison,
        *,
        level: float,
        draws: int,
        seed: int,
        placebos: Placebos | None = None,
    ) -> Inference:
        """Judge `estimate`; `placebos` saves computing them again."""


REGISTRY: Mapping[str, InferenceMethod] = MappingProxyType(
    {
        "placebo_in_space": placebo_in_space.infer,
        "cluster_robust": cluster_robust.infer,
        "conley_taber": conley_taber.infer,
        "conformal": conformal.infer,
        "restricted_wild_bootstrap": restricted_wild_bootstrap.infer,
        "jackknife": jackknife.infer,
    }
)

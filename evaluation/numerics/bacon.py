"""What a two-way fixed effects estimate is made of: all differences-in-differences of two groups (Goodman-Bacon 2021).

On a complete panel with a treatment that is there or not and stays, the estimate is a weighted mean of comparisons of two groups
of areas over two spans of time. With n_k the share of (weighted) areas in group k, D_k the share of periods it is treated,
n_ab = n_a / (n_a + n_b), a comparison's weight is proportional to the variance of treatment within it times the squared size of
its subsample (theorem 1 of the paper):

    k against never treated    (n_k + n_u)^2               n_ku (1 - n_ku)  D_k (1 - D_k)
    earlier e against later l  ((n_e + n_l) (1 - D_l))^2   n_el (1 - n_el)  (D_e - D_l)/(1 - D_l)  (1 - D_e)/(1 - D_l)
    later l against earlier e  ((n_e + n_l) D_e)^2         n_el (1 - n_el)  D_l/D_e  (D_e - D_l)/D_e

The second uses the periods before l starts, when l is untreated; the third those after e has started, when e is treated
throughout and its own change passes for what l would have gone through: the comparison that must not carry much weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from evaluation.errors import DataError
from evaluation.results import NEVER, Comparison

Kind = Literal[
    "treated against never treated",
    "treated against always treated",
    "earlier against later",
    "later against earlier",
]
FORBIDDEN: tuple[Kind, ...] = ("later against earlier", "treated against always treated")
"""Kinds that take areas already treated as comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoByTwo:
    """One comparison of two groups: its kind, the first treated periods (index; `NEVER`), weight and estimate."""

    kind: Kind
    treated: int
    control: int
    weight: float
    estimate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Weight of all comparisons of a kind, and their weighted mean estimate."""

    weight: float
    estimate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BaconDecomposition:
    """All comparisons; weights sum to 1, and the weighted sum of estimates is the two-way fixed effects estimate."""

    comparisons: tuple[TwoByTwo, ...]

    @property
    def att(self) -> float:
        """The estimate that was taken apart."""
        return float(sum(one.weight * one.estimate for one in self.comparisons))

    @property
    def summary(self) -> Mapping[str, Total]:
        """Weight and mean estimate of every kind there is."""
        totals: dict[str, Total] = {}
        for kind in dict.fromkeys(one.kind for one in self.comparisons):
            members = [one for one in self.comparisons if one.kind == kind]
            weight = sum(one.weight for one in members)
            totals[kind] = Total(weight=weight, estimate=sum(one.weight * one.estimate for one in members) / weight)
        return MappingProxyType(totals)

    @property
    def forbidden_weight(self) -> float:
        """Weight of the comparisons with areas already treated, 0 to 1."""
        return float(sum(one.weight for one in self.comparisons if one.kind in FORBIDDEN))


def decompose(comparison: Comparison) -> BaconDecomposition:
    """Take the two-way fixed effects estimate of a comparison apart.

    A period counts as treated from `Comparison.first_treated` on; shares of exposure play no part.

    Raises
    ------
    DataError
        If cells are missing, no area is treated, or nothing can be compared (one start and no untreated area).
    """
    if not comparison.observed.all():
        raise DataError(
            f"decomposition: {int((~comparison.observed).sum())} cells are missing and it is exact on complete panels alone; "
            "leave out areas or periods with gaps."
        )
    weights = np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights
    groups = [int(g) for g in np.unique(comparison.first_treated)]
    members = {g: comparison.first_treated == g for g in groups}
    mean = {g: comparison.y[:, members[g]] @ weights[members[g]] / weights[members[g]].sum() for g in groups}
    size = {g: float(weights[members[g]].sum() / weights.sum()) for g in groups}
    starts = [g for g in groups if g > 0]
    n_periods = comparison.n_periods
    found: list[tuple[Kind, int, int, float, float]] = []
    outside: tuple[tuple[Kind, int], ...] = (("treated against never treated", NEVER), ("treated against always treated", 0))
    for g in starts:
        for kind, other in outside:
            if other in members:
                found.append((kind, g, other, *_two_by_two(mean, size, g, other, start=g, span=(0, n_periods))))
    for early, late in ((e, k) for e in starts for k in starts if e < k):
        found.append(("earlier against later", early, late, *_two_by_two(mean, size, early, late, start=early, span=(0, late))))
        found.append(
            ("later against earlier", late, early, *_two_by_two(mean, size, late, early, start=late, span=(early, n_periods)))
        )
    total = sum(weight for *_, weight, _ in found)
    if not total > 0.0:
        raise DataError("decomposition: there is nothing to compare; it needs a treated area and one with another start or none.")
    return BaconDecomposition(
        comparisons=tuple(
            TwoByTwo(kind=kind, treated=treated, control=control, weight=weight / total, estimate=estimate)
            for kind, treated, control, weight, estimate in found
        )
    )


def _two_by_two(
    mean: Mapping[int, np.ndarray], size: Mapping[int, float], treated: int, control: int, *, start: int, span: tuple[int, int]
) -> tuple[float, float]:
    """Weight, up to a common factor, and estimate of one comparison over the periods `span`, the treated group's start in it.

    In these terms the three formulas of the head are one: squared size of the subsample, times the variance of groups within it,
    times the variance of time treated within it.
    """
    first, last = span
    gap = mean[treated][first:last] - mean[control][first:last]
    after = (last - start) / (last - first)
    both = size[treated] + size[control]
    share = size[treated] / both
    weight = (both * (last - first)) ** 2 * share * (1.0 - share) * after * (1.0 - after)
    return weight, float(gap[start - first :].mean() - gap[: start - first].mean())

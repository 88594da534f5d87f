"""Placebo places: where a programme that goes to groups of neighbouring areas could have gone instead.

A treated place made of several authorities is less noisy than a single one, and its authorities share the shocks of their region.
A placebo must be the same on both counts, so it is a group of as many untreated areas that border each other (in the terms of
the literature: treatment was assigned to clusters, and so the permutation moves clusters; Rosenbaum 2002, MacKinnon & Webb 2020).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from evaluation.results import NEVER, Comparison

STAYS = -1
"""Value in `PlaceAssignments.groups` of an untreated area that remains a comparison area."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaceAssignments:
    """Which untreated areas stand in for which treated one.

    Attributes
    ----------
    groups : integer array (D, N0), not to be written to; for each of D assignments and N0 untreated areas (in the comparison's
        order) the number k of the treated area it stands in for (0 to K-1, in the comparison's order), or `STAYS`
    exhaustive : whether all admissible assignments are there, each once
    """

    groups: np.ndarray
    exhaustive: bool

    @property
    def distinct(self) -> int:
        """Number of different assignments among the D."""
        return len(np.unique(self.groups, axis=0)) if len(self.groups) else 0


def draw_places(comparison: Comparison, *, draws: int, seed: int) -> PlaceAssignments:
    """Draw groups of untreated areas to take the treated areas' places.

    A treated area made of m authorities (`Comparison.sizes`) is stood in for by m untreated areas: a first one drawn with equal
    odds, then again and again one drawn with equal odds from those that border the group so far (`Comparison.neighbours`). Where
    none is left that does, one of the same region as the first, and failing that any. The largest place is drawn first, and no
    area is used twice in an assignment. One treated area of one authority: every untreated area in turn, and `draws` is not used.

    Returns
    -------
    PlaceAssignments
        None (D = 0) where no comparison area would be left.
    """
    donors = np.flatnonzero(~comparison.treated)
    columns = np.flatnonzero(comparison.treated)
    wanted = np.ones(columns.size, dtype=np.int64) if comparison.sizes is None else comparison.sizes[columns]
    if donors.size <= wanted.sum():
        return PlaceAssignments(groups=np.zeros((0, donors.size), dtype=np.int16), exhaustive=True)
    if columns.size == 1 and wanted[0] == 1:
        groups = np.full((donors.size, donors.size), STAYS, dtype=np.int16)
        np.fill_diagonal(groups, 0)
        return PlaceAssignments(groups=groups, exhaustive=True)
    regions = np.unique([comparison.regions[n] for n in donors], return_inverse=True)[1]
    borders = np.zeros((donors.size, donors.size), dtype=bool)
    if comparison.neighbours is not None:
        borders = comparison.neighbours[np.ix_(donors, donors)]
    groups = _draw(np.packbits(borders).tobytes(), tuple(regions.tolist()), tuple(wanted.tolist()), draws, seed)
    return PlaceAssignments(groups=groups, exhaustive=False)


@lru_cache(maxsize=256)
def _draw(borders: bytes, regions: tuple[int, ...], wanted: tuple[int, ...], draws: int, seed: int) -> np.ndarray:
    """Draw groups (D, N) on a map given by the bits of its borders (N, N) and the regions of its areas.

    Kept for when they are asked for again: several estimators replay the same 200 assignments, each with the same places drawn.
    """
    n, region = len(regions), np.array(regions)
    beside = np.unpackbits(np.frombuffer(borders, dtype=np.uint8), count=n * n).reshape(n, n).astype(bool)
    groups = _grow(beside, region[:, None] == region[None, :], np.array(wanted), draws, np.random.default_rng(seed))
    groups.setflags(write=False)
    return groups


def _grow(borders: np.ndarray, together: np.ndarray, wanted: np.ndarray, draws: int, random: np.random.Generator) -> np.ndarray:
    """Groups (D, N) of `wanted` (K,) areas each, all draws in lockstep; `borders` and `together` (same region) are (N, N)."""
    row = np.arange(draws)
    groups = np.full((draws, len(borders)), STAYS, dtype=np.int16)
    free = np.ones(groups.shape, dtype=bool)
    order = np.argsort(-wanted, kind="stable")
    for k in order[wanted[order] > 1]:
        beside, nearby = np.zeros_like(free), free
        for step in range(wanted[k]):
            allowed = free & beside if step else free
            areas, begin, count = _list_allowed(allowed)
            alone = np.flatnonzero(count == 0)
            if alone.size:
                second = free[alone] & nearby[alone]
                allowed[alone] = np.where(second.any(axis=1, keepdims=True), second, free[alone])
                areas, begin, count = _list_allowed(allowed)
            chosen = areas[begin + (random.random(draws) * count).astype(np.int64)]
            groups[row, chosen] = k
            free[row, chosen] = False
            beside |= borders[chosen]
            if not step:
                nearby = together[chosen]
    single = order[wanted[order] == 1]
    if single.size:
        # places of one area are drawn together: the areas that are left in random order
        groups[row[:, None], np.where(free, random.random(free.shape), 2.0).argsort(axis=1)[:, : single.size]] = single
    return groups


def _list_allowed(allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the entries of `allowed` (D, N) are true: their columns, row after row; where each row begins (D,); how many (D,)."""
    n_draws, n_areas = allowed.shape
    flat = np.flatnonzero(allowed)
    ends = np.searchsorted(flat, np.arange(n_draws + 1) * n_areas)
    return flat % n_areas, ends[:-1], np.diff(ends)


def merge_places(comparison: Comparison, group: np.ndarray) -> Comparison:
    """The untreated part of a comparison with one assignment carried out: what an estimator would be given there.

    The placebo places come first, each the mean of its areas weighted by `Comparison.weights`, with the exposure of the treated
    area it stands in for; then the untreated areas that stay.

    Parameters
    ----------
    comparison : Comparison
    group : integer array (N0,)
        One row of `PlaceAssignments.groups`.
    """
    donors = np.flatnonzero(~comparison.treated)
    columns = np.flatnonzero(comparison.treated)
    stays = donors[group == STAYS]
    members = [donors[group == k] for k in range(columns.size)]
    weights = np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights

    def mean(values: np.ndarray) -> np.ndarray:
        return np.column_stack([*(values[:, m] @ (weights[m] / weights[m].sum()) for m in members), values[:, stays]])

    def first(names: tuple[str, ...]) -> tuple[str, ...]:
        return (*(names[m[0]] for m in members), *(names[n] for n in stays))

    still = np.zeros((comparison.n_periods, stays.size))
    neighbours = None
    if comparison.neighbours is not None:
        # as numbers: products of booleans take a slow path
        beside = comparison.neighbours.astype(np.float32)
        member = np.zeros((len(comparison.areas), columns.size), dtype=np.float32)
        for k, m in enumerate(members):
            member[m, k] = 1.0
        rows = np.vstack([member.T @ beside, beside[stays]])
        neighbours = np.column_stack([rows @ member, rows[:, stays]]) > 0.0
        np.fill_diagonal(neighbours, False)
    return replace(
        comparison,
        areas=first(comparison.areas),
        area_names=first(comparison.area_names),
        y=mean(comparison.y),
        first_treated=np.concatenate([comparison.first_treated[columns], np.full(stays.size, NEVER)]),
        exposure=np.column_stack([comparison.exposure[:, columns], still]),
        se=None
        if comparison.se is None
        else np.column_stack(
            [
                *(np.sqrt(comparison.se[:, m] ** 2 @ (weights[m] / weights[m].sum()) ** 2) for m in members),
                comparison.se[:, stays],
            ]
        ),
        weights=None if comparison.weights is None else np.array([*(weights[m].sum() for m in members), *weights[stays]]),
        sizes=None if comparison.sizes is None else np.array([*(m.size for m in members), *comparison.sizes[stays]]),
        neighbours=neighbours,
        regions=first(comparison.regions),
        clusters=first(comparison.clusters) if comparison.clusters else (),
        covariates={name: mean(values) for name, values in comparison.covariates.items()},
    )

"""Invented panels for the conformance, spec and reference tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.results import NEVER, Comparison


def draw_by_hand(y, *, starts, exposure=None, weights=None, se=None, names=None) -> Comparison:
    """A comparison from one list of outcomes per area; `starts` maps a treated area's position to its first treated period."""
    values = np.array(y, dtype=float).T
    n_periods, n_areas = values.shape
    first = np.full(n_areas, NEVER)
    for n, start in starts.items():
        first[n] = start
    shares = ((first != NEVER) & (np.arange(n_periods)[:, None] >= first)).astype(float)
    for n, share in (exposure or {}).items():
        shares[:, n] = share
    codes = tuple(names or (f"A{n:03d}" for n in range(n_areas)))
    return Comparison(
        areas=codes,
        area_names=tuple(f"Area {code}" for code in codes),
        periods=tuple(str(2001 + t) for t in range(n_periods)),
        y=values,
        first_treated=first,
        exposure=shares,
        weights=weights,
        se=se,
        unit="pp",
        outcome="invented",
        area="A000",
        synthetic=True,
    )


def make_panel(
    *, n_areas=24, n_periods=14, starts=(8,), shares=False, weighted=False, effect=0.0, noise=1.0, seed=0
) -> Comparison:
    """Areas with levels, common shocks and autocorrelated noise; the first `len(starts)` of them treated.

    With `noise` 0 every area follows the same path, and the planted effect is the only difference.
    """
    rng = np.random.default_rng(seed)
    e = rng.normal(size=(n_periods, n_areas))
    for t in range(1, n_periods):
        e[t] += 0.6 * e[t - 1]
    y = 20.0 + 3.0 * rng.normal(size=n_areas) + np.cumsum(rng.normal(size=n_periods))[:, None] + noise * e
    exposure = {}
    for n, start in enumerate(starts):
        share = (np.arange(n_periods) >= start).astype(float)
        if shares:
            share[start] = (1 + n % 3) / 4
        exposure[n] = share
        y[:, n] += effect * share
    return draw_by_hand(
        y.T,
        starts=dict(enumerate(starts)),
        exposure=exposure,
        weights=rng.uniform(1.0, 5.0, n_areas) if weighted else None,
    )


def make_places(*, sizes=(3,), starts=(8,), n_areas=24, shares=False, effect=0.0, seed=0) -> Comparison:
    """`make_panel` with weights; the treated areas are places of so many authorities. Authorities stand in rows of six, border
    those beside, above and below, and have one region for every two rows."""
    comparison = make_panel(n_areas=n_areas, starts=starts, shares=shares, weighted=True, effect=effect, seed=seed)
    row, column = np.divmod(np.arange(n_areas), 6)
    apart = np.abs(row[:, None] - row) + np.abs(column[:, None] - column)
    return replace(
        comparison,
        sizes=np.array([*sizes, *np.ones(n_areas - len(sizes), dtype=int)]),
        neighbours=apart == 1,
        regions=tuple(f"region {r // 2}" for r in row),
    )


def keep_areas(comparison: Comparison, columns, **changed) -> Comparison:
    """The comparison with these areas, in this order."""
    columns = np.asarray(columns)
    kept = {
        "areas": tuple(comparison.areas[n] for n in columns),
        "area_names": tuple(comparison.area_names[n] for n in columns),
        "regions": tuple(comparison.regions[n] for n in columns),
        "y": comparison.y[:, columns],
        "first_treated": comparison.first_treated[columns],
        "exposure": comparison.exposure[:, columns],
        "weights": None if comparison.weights is None else comparison.weights[columns],
        "se": None if comparison.se is None else comparison.se[:, columns],
        "sizes": None if comparison.sizes is None else comparison.sizes[columns],
        "neighbours": None if comparison.neighbours is None else comparison.neighbours[np.ix_(columns, columns)],
        "clusters": tuple(comparison.clusters[n] for n in columns) if comparison.clusters else (),
        "covariates": {name: values[:, columns] for name, values in comparison.covariates.items()},
    }
    return replace(comparison, **{**kept, **changed})

"""Estimators of staggered starts once more, as the plain regressions they are defined by, with their default options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.results import Comparison

REFERENCE = -1
"""Event time that has no effect by definition."""


FULL = 1.0 - 1e-9
"""Exposure counted as full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Path by event time, and its average over full exposure; None where no period is fully exposed."""

    path: Mapping[int, float]
    att: float | None


def regress_demeaned(
    y: np.ndarray, x: np.ndarray, weights: np.ndarray, clusters: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and standard errors (L,) clustered by `clusters` (N,) of areas, by statsmodels on demeaned data.

    All effects are counted as coefficients. Without clusters there are no standard errors.
    """
    from statsmodels.regression.linear_model import WLS

    n_periods, n_areas, n_terms = x.shape
    both = np.concatenate([y[:, :, None], x], axis=2)
    share = weights / weights.sum()
    by_period = np.einsum("n,tnl->tl", share, both)[:, None]
    both -= both.mean(axis=0)
    both -= by_period - by_period.mean(axis=0)
    within = both.reshape(-1, n_terms + 1)
    model = WLS(within[:, 0], within[:, 1:], weights=np.tile(weights, n_periods))
    if clusters is None:
        return np.asarray(model.fit(method="qr").params), np.zeros(0)
    fit = model.fit(method="qr", cov_type="cluster", cov_kwds={"groups": np.tile(clusters, n_periods)})
    n = n_periods * n_areas
    # statsmodels counts L coefficients; area and period effects are n_areas + n_periods - 1 more
    return np.asarray(fit.params), np.asarray(fit.bse) * np.sqrt((n - n_terms) / (n - n_terms - n_areas - n_periods + 1))


def fit_cells(comparison: Comparison) -> Again:
    """The interaction-weighted event study: statsmodels on one indicator for each start and event time.

    Indicators are the same for all areas of a start, so their weighted mean carries all there is to know. Beside untreated areas
    every mean of a start has a coefficient of its own but for one, so period effects come from the untreated alone and each start
    can be taken by itself.
    """
    n_periods, first = comparison.n_periods, comparison.first_treated
    starts = np.unique(first[comparison.treated])
    cells, effects = [], []
    for g in starts:
        y, size = _means(comparison, [first == g, ~comparison.treated])
        times = [t for t in range(n_periods) if t - g != REFERENCE]
        terms = np.zeros((*y.shape, len(times)))
        terms[times, 0, np.arange(len(times))] = 1.0
        effects.append(regress_demeaned(y, terms, size)[0])
        cells += [(g, t) for t in times]
    table = pd.DataFrame({"time": [t - g for g, t in cells], "effect": np.concatenate(effects)})
    table["areas"] = [(comparison.first_treated == g).sum() for g, _ in cells]
    table["total"] = table["effect"] * table["areas"]
    sums = table.groupby("time")[["total", "areas"]].sum()
    full = table[[t >= g and comparison.exposure[t, comparison.first_treated == g].min() >= FULL for g, t in cells]]
    means = sums["total"] / sums["areas"]
    path = dict(zip(sums.index.tolist(), means.tolist(), strict=True))
    return Again(path={REFERENCE: 0.0, **path}, att=None if full.empty else float(full["total"].sum() / full["areas"].sum()))


def fit_stack(comparison: Comparison) -> Again:
    """The stacked estimator: linearmodels on the stacked experiments with the weights of Wing and others (2024)."""
    from linearmodels.panel import PanelOLS

    first, weights = comparison.first_treated, _weights(comparison)
    starts = np.unique(first[comparison.treated])
    lead, lag = int(starts.min()), int(comparison.n_periods - 1 - starts.max())
    parts = []
    everyone = weights[comparison.treated].sum()
    experiments = [(g, np.flatnonzero(first == g), np.flatnonzero(~comparison.treated | (first > g + lag))) for g in starts]
    everything = sum(float(weights[controls].sum()) for _, _, controls in experiments)
    for g, own, controls in experiments:
        corrective = (weights[own].sum() / everyone) / (weights[controls].sum() / everything)
        # terms are the same for all areas of a group in an experiment, so their weighted mean carries all there is to know
        for areas, treated, factor in ((own, 1.0, 1.0), (controls, 0.0, corrective)):
            y, size = _means(comparison, [np.isin(np.arange(len(first)), areas)])
            for time in range(-lead, lag + 1):
                parts.append((2 * g + treated, time, g, y[g + time, 0], treated, size[0] * factor))
    columns = ["unit", "time", "experiment", "y", "treated", "w"]
    stack = pd.DataFrame(parts, columns=columns).set_index(["unit", "time"]).sort_index()
    event = stack.index.get_level_values("time").to_numpy()
    times = [one for one in range(-lead, lag + 1) if one != REFERENCE]
    terms = pd.DataFrame({f"x{k}": stack["treated"] * (event == one) for k, one in enumerate(times)})
    effects = pd.DataFrame({"cell": stack["experiment"].to_numpy() * 10_000 + event}, index=stack.index)
    found = PanelOLS(stack["y"], terms, weights=stack["w"], entity_effects=True, other_effects=effects).fit(
        cov_type="unadjusted", count_effects=False, debiased=False
    )
    return _averaged(comparison, {REFERENCE: 0.0, **dict(zip(times, found.params.tolist(), strict=True))})


def fit_horizons(comparison: Comparison) -> Again:
    """The local projections: statsmodels, one reweighted regression for every horizon."""
    from statsmodels.regression.linear_model import WLS

    first, weights = comparison.first_treated, _weights(comparison)
    starts = np.unique(first[comparison.treated])
    path = {}
    for horizon in range(-int(starts.max()), comparison.n_periods - int(starts.min())):
        y, x, w = [], [], []
        here = [g for g in starts if 0 <= g + horizon < comparison.n_periods]
        for column, g in enumerate(here):
            clean = ~comparison.treated | (first > g + max(horizon, 0))
            areas = np.flatnonzero((first == g) | clean)
            treated = first[areas] == g
            size, pool = weights[areas][treated].sum(), weights[areas][~treated].sum()
            y.append(comparison.y[g + horizon, areas] - comparison.y[g - 1, areas])
            x.append(np.column_stack([treated, np.tile(np.arange(len(here)) == column, (len(areas), 1))]))
            w.append(weights[areas] * (size + pool) / pool)
        if here:
            model = WLS(np.concatenate(y), np.concatenate(x).astype(float), weights=np.concatenate(w))
            path[horizon] = float(model.fit().params[0])
    return _averaged(comparison, path)


def _averaged(comparison: Comparison, path: Mapping[int, float]) -> Again:
    """Average over the event times at which every treated area that has them is fully exposed, each by number of areas."""
    total, size = 0.0, 0
    for time, effect in path.items():
        exposed = [
            comparison.exposure[g + time, n]
            for n, g in enumerate(comparison.first_treated)
            if comparison.treated[n] and 0 <= g + time < comparison.n_periods
        ]
        if time >= 0 and min(exposed) >= FULL:
            total, size = total + effect * len(exposed), size + len(exposed)
    return Again(path=path, att=total / size if size else None)


def _weights(comparison: Comparison) -> np.ndarray:
    return np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights


def _means(comparison: Comparison, kinds: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean outcomes (T, G) of kinds of areas, boolean (N,) each, and their weights (G,)."""
    mass = np.array(kinds) * _weights(comparison)
    size = mass.sum(axis=1)
    return comparison.y @ (mass / size[:, None]).T, size

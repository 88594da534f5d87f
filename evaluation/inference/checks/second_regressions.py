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


def fit_cells(comparison: Comparison) -> Again:
    """The interaction-weighted event study: linearmodels on one indicator for each start and event time."""
    from linearmodels.panel import PanelOLS

    n_periods, n_areas = comparison.y.shape
    index = pd.MultiIndex.from_product([range(n_areas), range(n_periods)], names=["area", "period"])
    starts = np.unique(comparison.first_treated[comparison.treated])
    cells = [(g, t) for g in starts for t in range(n_periods) if t - g != REFERENCE]
    period = np.tile(np.arange(n_periods), n_areas)
    first = np.repeat(comparison.first_treated, n_periods)
    terms = pd.DataFrame({f"x{k}": ((first == g) & (period == t)).astype(float) for k, (g, t) in enumerate(cells)}, index=index)
    found = PanelOLS(
        pd.DataFrame({"y": comparison.y.T.ravel()}, index=index),
        terms,
        weights=pd.DataFrame({"w": np.repeat(_weights(comparison), n_periods)}, index=index),
        entity_effects=True,
        time_effects=True,
    ).fit(cov_type="unadjusted", count_effects=False, debiased=False)
    table = pd.DataFrame({"time": [t - g for g, t in cells], "effect": found.params.to_numpy()})
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
        for areas, treated, factor in ((own, 1.0, 1.0), (controls, 0.0, corrective)):
            for time in range(-lead, lag + 1):
                parts.append(
                    pd.DataFrame(
                        {
                            "unit": g * len(first) + areas,
                            "time": time,
                            "experiment": g,
                            "y": comparison.y[g + time, areas],
                            "treated": treated,
                            "w": weights[areas] * factor,
                        }
                    )
                )
    stack = pd.concat(parts).set_index(["unit", "time"]).sort_index()
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
    import statsmodels.api as sm

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
            model = sm.WLS(np.concatenate(y), np.concatenate(x).astype(float), weights=np.concatenate(w))
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

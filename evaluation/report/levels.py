"""Levels of an outcome as published: treated areas, comparison areas, and all areas of the nations compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.contracts.records import Contracts
from evaluation.design.compare import ALL, COUNTS, build_comparison
from evaluation.errors import DataError
from evaluation.results import Comparison, Design, DonorWeight, Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Mean of some areas by period, each weighted by its residents.

    Attributes
    ----------
    values : array (T,)
    se : array (T,) of sampling standard errors, the areas' samples being independent; None where there are none
    count : how many areas
    """

    values: np.ndarray
    se: np.ndarray | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """The raw series of one outcome.

    Attributes
    ----------
    periods : T labels
    exposure : array (T,), share of each reference window after the start, mean over the treated areas
    treated, comparison : the two sides of the comparison
    nation : all areas of the nations compared that have figures in every period, the treated ones among them; None where the
        register's areas have none
    """

    comparison_of: Comparison
    periods: tuple[str, ...]
    exposure: np.ndarray
    treated: Group
    comparison: Group
    nation: Group | None


def find_levels(panel: Panel, design: Design, contracts: Contracts, *, outcome: str, area: str = ALL) -> Levels | None:
    """The raw series of one outcome and treated area; None where the data carry no comparison, or the outcome is a count.

    Counts of a place and of an authority are not levels that can stand on one axis.
    """
    if contracts.outcomes[outcome].unit in COUNTS or panel.frame.empty:
        return None
    try:
        made = build_comparison(panel, design, contracts, outcome=outcome, area=area)
    except DataError:
        # The conclusion says why there is no estimate; here there is nothing to draw.
        return None
    weights = np.ones(len(made.areas)) if made.weights is None else made.weights
    treated = made.treated
    return Levels(
        comparison_of=made,
        periods=tuple(made.periods),
        exposure=made.exposure[:, treated] @ (weights[treated] / weights[treated].sum()),
        treated=average(made, treated, weights),
        comparison=average(made, ~treated, weights),
        nation=_nation(panel, design, contracts, made),
    )


def average(made: Comparison, chosen: np.ndarray, weights: np.ndarray) -> Group:
    """Mean of the areas `chosen` (N,) of a comparison, weighted by `weights` (N,)."""
    share = np.where(chosen, weights, 0.0) / weights[chosen].sum()
    se = None if made.se is None else np.sqrt(np.square(made.se) @ np.square(share))
    return Group(values=made.y @ share, se=se, count=int(chosen.sum()))


def weigh_donors(levels: Levels, weights: tuple[DonorWeight, ...]) -> np.ndarray:
    """The mix of comparison areas that a method weights, by period (T,).

    With several treated areas each has a mix of its own; the mixes are averaged as the treated areas are, by residents.
    """
    made = levels.comparison_of
    position = {code: n for n, code in enumerate(made.areas)}
    size = np.ones(len(made.areas)) if made.weights is None else made.weights
    share = np.zeros(len(made.areas))
    for treated, mix in by_treated(weights).items():
        mine = size[position[treated]] if treated in position else 1.0
        total = sum(mix.values())
        for code, weight in mix.items():
            if code in position:
                share[position[code]] += mine * weight / total
    return np.asarray(made.y @ (share / share.sum()) if share.sum() > 0 else np.full(len(made.periods), np.nan))


def by_treated(weights: tuple[DonorWeight, ...]) -> dict[str, dict[str, float]]:
    """Weights by treated area, then by comparison area."""
    found: dict[str, dict[str, float]] = {}
    for item in weights:
        found.setdefault(item.treated, {})[item.area] = item.weight
    return found


def _nation(panel: Panel, design: Design, contracts: Contracts, made: Comparison) -> Group | None:
    measure, frame = contracts.outcomes[made.outcome], panel.frame
    wanted = {code for code, area in contracts.areas.items() if area.nation in design.donors.nations}
    rows = frame.loc[(frame["outcome"] == measure.id) & frame["area_code"].isin(wanted) & frame["period"].isin(made.periods)]
    values = rows.pivot(index="period", columns="area_code", values="value").reindex(list(made.periods)).dropna(axis="columns")
    people = frame.loc[(frame["outcome"] == measure.population) & frame["value"].notna()]
    size = people.sort_values("period").drop_duplicates("area_code", keep="last").set_index("area_code")["value"]
    if made.weights is not None:
        values = values[[code for code in values.columns if code in size.index]]
    if values.empty or not len(values.columns):
        return None
    share = np.ones(values.shape[1]) if made.weights is None else size.loc[values.columns].to_numpy(dtype=float)
    share = share / share.sum()
    errors = rows.pivot(index="period", columns="area_code", values="se").reindex(list(made.periods))[values.columns]
    se = np.sqrt(np.square(errors.to_numpy(dtype=float)) @ np.square(share))
    return Group(values=values.to_numpy(dtype=float) @ share, se=se if np.isfinite(se).all() else None, count=values.shape[1])

"""Group-time average treatment effects in closed form (Callaway & Sant'Anna 2021), for one or many assignments.

Areas with the same first treated period are a cohort g. Without covariates the effect of cohort g in period t is a difference of
mean changes since a base period b (their section 2, parallel trends without conditions),

    ATT(g, t) = mean over cohort g of (y_t - y_b)  -  mean over its comparison areas of (y_t - y_b)

and so needs nothing of the outcomes but their sums by cohort and period. The sums are linear in the assignment: those of many
placebo assignments are one matrix product. The last row of every array over cohorts belongs to the areas never treated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.results import NEVER

ControlGroup = Literal["never_treated", "not_yet_treated"]
BasePeriod = Literal["varying", "universal"]
Aggregation = Literal["simple", "group", "dynamic", "calendar"]

FULL = 1.0 - 1e-9
"""Exposure counted as full; shares are sums of twelfths."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Which effects there are: C pairs of a cohort and a period, the base period itself left out.

    Attributes
    ----------
    starts : integer array (G,), first treated period of each cohort, ascending
    cohort, period, base : integer arrays (C,), positions of the cohort in `starts`, of the period, and of its base period
    controls : boolean array (C, G + 1), cohorts that are compared with; the last column is the areas never treated
    """

    starts: np.ndarray
    cohort: np.ndarray
    period: np.ndarray
    base: np.ndarray
    controls: np.ndarray

    @property
    def event_time(self) -> np.ndarray:
        """Periods since the first treated one (C,)."""
        return self.period - self.starts[self.cohort]

    @property
    def never_only(self) -> bool:
        """Whether every cell is compared with the areas never treated alone."""
        return not self.controls[:, :-1].any()

    def take(self, chosen: np.ndarray) -> Cells:
        """Some of the cells."""
        return Cells(
            starts=self.starts,
            cohort=self.cohort[chosen],
            period=self.period[chosen],
            base=self.base[chosen],
            controls=self.controls[chosen],
        )


def plan_cells(
    starts: np.ndarray, *, n_periods: int, control_group: ControlGroup, base_period: BasePeriod, anticipation: int
) -> Cells:
    """Choose periods, base periods and comparison cohorts for every cohort.

    From the first period that anticipation can touch, the base is the last one before it. Earlier periods have the same base
    ("universal") or the period just before ("varying", so that their effects are steps). A cohort counts as not yet treated
    where it cannot have reacted by the later of period and base.

    Parameters
    ----------
    starts : integer array (G,)
        First treated periods, ascending, each above `anticipation`.
    n_periods : int
        T.
    control_group, base_period, anticipation
        As in `evaluation.estimators.callaway_santanna`.
    """
    n_cohorts = len(starts)
    cohort = np.repeat(np.arange(n_cohorts), n_periods)
    period = np.tile(np.arange(n_periods), n_cohorts)
    last_clean = starts[cohort] - 1 - anticipation
    before = period <= last_clean
    base = np.where(before, period - 1, last_clean) if base_period == "varying" else last_clean
    there = (base >= 0) & (base != period)
    cohort, period, base = cohort[there], period[there], base[there]
    controls = np.zeros((cohort.size, n_cohorts + 1), dtype=bool)
    controls[:, -1] = True
    if control_group == "not_yet_treated":
        controls[:, :-1] = starts > np.maximum(period, base)[:, None] + anticipation
        controls[np.arange(cohort.size), cohort] = False
    return Cells(starts=starts, cohort=cohort, period=period, base=base, controls=controls)


def cohort_of(first: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Row of each area (N,) among the G cohorts; G for areas never treated."""
    return np.where(first == NEVER, len(starts), np.searchsorted(starts, first))


def sum_by_cohort(values: np.ndarray, cohort: np.ndarray, n_cohorts: int) -> np.ndarray:
    """Sums (G + 1, ...) of the rows of `values` (N, ...) by cohort."""
    member = (cohort == np.arange(n_cohorts + 1)[:, None]).astype(float)
    return np.asarray(member @ values)


def cell_effects(sums: np.ndarray, mass: np.ndarray, cells: Cells) -> np.ndarray:
    """ATT(g, t) (D, C) from weighted outcome sums (D, G + 1, T) and weight totals (D, G + 1) of D assignments."""
    own = sums[:, cells.cohort, cells.period] - sums[:, cells.cohort, cells.base]
    own /= mass[:, cells.cohort]
    if cells.never_only:
        other = (sums[:, -1, cells.period] - sums[:, -1, cells.base]) / mass[:, -1:]
    else:
        change = sums[:, :, cells.period] - sums[:, :, cells.base]
        other = np.einsum("dhc,ch->dc", change, cells.controls.astype(float)) / (mass @ cells.controls.T)
    return np.asarray(own - other)


def cell_influence(y: np.ndarray, weights: np.ndarray, cohort: np.ndarray, cells: Cells) -> np.ndarray:
    """What each area contributes to the error of each ATT(g, t): array (C, N), whose row sums of squares are variances.

    ``w_i (change_i - mean change) / W`` over the cohort, minus the same over its comparison areas (Callaway & Sant'Anna 2021,
    section 4, with no covariates).
    """
    influence = np.zeros((cells.cohort.size, len(weights)))
    order = np.argsort(cells.cohort, kind="stable")
    for g in range(len(cells.starts)):
        rows = order[cells.cohort[order] == g]
        areas = np.flatnonzero(cohort == g)
        influence[np.ix_(rows, areas)] = _centred(y[:, areas], weights[areas], cells.period[rows], cells.base[rows])
        # the comparison areas of a cohort only ever shrink with the period, so their number tells which they are
        number = cells.controls[rows].sum(axis=1)
        for k in np.unique(number):
            some = rows[number == k]
            others = np.flatnonzero(cells.controls[some[0]][cohort])
            influence[np.ix_(some, others)] = -_centred(y[:, others], weights[others], cells.period[some], cells.base[some])
    return influence


def _centred(y: np.ndarray, weights: np.ndarray, period: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Changes less their weighted mean, times the areas' shares."""
    share = weights / weights.sum()
    change = y[period] - y[base]
    change -= (change @ share)[:, None]
    change *= share
    return np.asarray(change)


def cell_exposure(exposure: np.ndarray, weights: np.ndarray, cohort: np.ndarray, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Least and weighted mean exposure (C,) of each cell's cohort, from exposure (T, N)."""
    n_cohorts = len(cells.starts)
    least = np.stack([exposure[:, cohort == g].min(axis=1) for g in range(n_cohorts)])
    mean = np.stack([exposure[:, cohort == g] @ (weights[cohort == g] / weights[cohort == g].sum()) for g in range(n_cohorts)])
    return least[cells.cohort, cells.period], mean[cells.cohort, cells.period]


def keys_of(cells: Cells, aggregation: Aggregation) -> np.ndarray:
    """What an aggregation keeps apart (C,): nothing, cohorts, event times or periods."""
    if aggregation == "simple":
        return np.zeros(cells.cohort.size, dtype=np.int64)
    return {"group": cells.cohort, "dynamic": cells.event_time, "calendar": cells.period}[aggregation]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Combined:
    """Effects of D assignments combined by key.

    Attributes
    ----------
    keys : integer array (K,), cohorts, event times or periods
    by_key : array (D, K)
    overall : array (D,)
    """

    keys: np.ndarray
    by_key: np.ndarray
    overall: np.ndarray


def combine(values: np.ndarray, cells: Cells, mass: np.ndarray, aggregation: Aggregation) -> Combined:
    """Averages of `values` (D, C) after section 3.2 and table 1 of Callaway & Sant'Anna (2021), given weights (D, G + 1).

    Within a key every cohort counts by its weight; keys count equally, but cohorts count by their weight.
    """
    keys, position = np.unique(keys_of(cells, aggregation), return_inverse=True)
    member = (position[:, None] == np.arange(keys.size)).astype(float)
    weight = mass[:, cells.cohort]
    by_key = (weight * values) @ member / (weight @ member)
    overall = mass[:, keys] if aggregation == "group" else np.ones(by_key.shape)
    return Combined(keys=keys, by_key=by_key, overall=(overall * by_key).sum(axis=1) / overall.sum(axis=1))


def keyed_influence(
    values: np.ndarray, influence: np.ndarray, *, cells: Cells, weights: np.ndarray, cohort: np.ndarray, aggregation: Aggregation
) -> np.ndarray:
    """What each area contributes to the error of the K averages by key of one assignment, (K, N).

    A cohort's share is estimated too: an area of cohort g adds ``w_i / (sum of W over the key's cells)`` times how far the cells
    of its cohort lie from the key's mean (Callaway & Sant'Anna 2021, section 4).

    Parameters
    ----------
    values, influence : arrays (C,) and (C, N)
    weights : array (N,)
    cohort : integer array (N,), row of each area
    """
    share = _share(values, cells, weights, cohort, aggregation)
    order = np.argsort(share.position, kind="stable")
    first = np.searchsorted(share.position[order], np.arange(share.by_key.size))
    keyed = np.add.reduceat(influence[order] * share.within[order, None], first, axis=0)
    by_cohort = np.zeros((share.by_key.size, len(cells.starts) + 1))
    np.add.at(by_cohort, (share.position, cells.cohort), share.spread)
    return np.asarray(keyed + by_cohort[:, cohort] * weights)


def overall_influence(
    values: np.ndarray, influence: np.ndarray, *, cells: Cells, weights: np.ndarray, cohort: np.ndarray, aggregation: Aggregation
) -> np.ndarray:
    """The same (N,) for the overall average; by cohort the shares of the keys are estimated as well."""
    share = _share(values, cells, weights, cohort, aggregation)
    by_cohort = np.bincount(cells.cohort, weights=share.spread * share.overall[share.position], minlength=len(cells.starts) + 1)
    if aggregation == "group":
        by_cohort[share.keys] += (share.by_key - share.overall @ share.by_key) / share.mass[share.keys].sum()
    return np.asarray((share.within * share.overall[share.position]) @ influence + by_cohort[cohort] * weights)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Share:
    """Shares of one assignment.

    keys (K,); position (C,), each cell's key; within (C,), its share there; spread (C,), how far it lies from the key's mean per
    unit of weight; by_key and overall (K,), the keys' means and shares; mass (G + 1,), weights of the cohorts.
    """

    keys: np.ndarray
    position: np.ndarray
    within: np.ndarray
    spread: np.ndarray
    by_key: np.ndarray
    overall: np.ndarray
    mass: np.ndarray


def _share(values: np.ndarray, cells: Cells, weights: np.ndarray, cohort: np.ndarray, aggregation: Aggregation) -> _Share:
    mass = np.bincount(cohort, weights=weights, minlength=len(cells.starts) + 1)
    keys, position = np.unique(keys_of(cells, aggregation), return_inverse=True)
    weight = mass[cells.cohort]
    total = np.bincount(position, weights=weight)
    by_key = np.bincount(position, weights=weight * values) / total
    overall = mass[keys] if aggregation == "group" else np.ones(keys.size)
    return _Share(
        keys=keys,
        position=position,
        within=weight / total[position],
        spread=(values - by_key[position]) / total[position],
        by_key=by_key,
        overall=overall / overall.sum(),
        mass=mass,
    )


def gap_by_cohort(effects: np.ndarray, cells: Cells, n_periods: int) -> np.ndarray:
    """Effects (D, C) of cells with a universal base as gaps (D, G, T), nought at the base."""
    gap = np.zeros((len(effects), len(cells.starts), n_periods))
    gap[:, cells.cohort, cells.period] = effects
    return gap


def early_misfit(gap: np.ndarray, mass: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Root mean square (D,) of gaps (D, G, T) before the start, given the weights (D, G) behind them.

    With several starts: in each period the mean over the areas not started yet, weighted by how many these are.
    """
    before = (np.arange(gap.shape[2]) < starts[:, None]).astype(float)
    waiting = mass @ before
    early = np.einsum("dgt,gt->dt", gap * mass[:, :, None], before)
    square = np.divide(early**2, waiting, out=np.zeros_like(early), where=waiting > 0.0).sum(axis=1)
    return np.asarray(np.sqrt(square / waiting.sum(axis=1)))


def by_cluster(influence: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """Influence (K, N) summed over the areas of each cluster (N,)."""
    if clusters is None:
        return influence
    summed = np.zeros((influence.shape[0], int(clusters.max()) + 1))
    np.add.at(summed.T, clusters, influence.T)
    return summed


def simultaneous_critical(influence: np.ndarray, *, level: float, draws: int, seed: int) -> float:
    """How many standard errors a band must reach out to hold all of K effects at once.

    The multiplier bootstrap of Callaway & Sant'Anna (2021, algorithm 1): clusters' contributions (K, M) get random signs of equal
    odds, and the critical value is the 1 - `level` quantile of the largest of the K studentised sums. Rows without variation are
    left out.
    """
    error = np.sqrt((influence**2).sum(axis=1))
    keep = error > 0.0
    if not keep.any():
        return 0.0
    # single precision: a quantile of draws is no more exact than that
    studentised = (influence[keep] / error[keep, None]).astype(np.float32).T
    count = draws * influence.shape[1]
    bits = np.frombuffer(np.random.default_rng(seed).bytes(-(-count // 8)), dtype=np.uint8)
    heads = np.unpackbits(bits, count=count).reshape(draws, -1).astype(np.float32)
    # a sign is twice a head less one
    sums = 2.0 * (heads @ studentised) - studentised.sum(axis=0)
    return float(np.quantile(np.maximum(sums.max(axis=1), -sums.min(axis=1)), 1.0 - level))

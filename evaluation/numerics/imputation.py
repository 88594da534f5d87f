"""From a comparison to imputed gaps and back: what the estimators that fit untreated cells have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.assignment import draw_assignments
from evaluation.numerics.group_time import FULL
from evaluation.numerics.untreated import Imputed, gaps_by_kind, impute
from evaluation.results import Check, Comparison, Placebos, Series

CHUNK = 2_000_000
"""Numbers in the largest array of one chunk of placebo assignments."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TreatedCells:
    """The imputed cells of the treated areas.

    Attributes
    ----------
    imputed : Imputed
    after : boolean array (T, N), cells that are there, from the start on
    event_time : integer array (T, N), periods since the start; meaningless for areas never treated
    kept : boolean array (T, N), cells the average rests on
    full : whether these are fully exposed
    exposure : array (T, N), what a cell's effect is measured by: 1, or its exposure where none is full
    weights : array (N,)
    """

    imputed: Imputed
    after: np.ndarray
    event_time: np.ndarray
    kept: np.ndarray
    full: bool
    exposure: np.ndarray
    weights: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """What the average takes of each cell (T, N)."""
        size = self.kept * self.weights
        return np.asarray(size / (size * self.exposure).sum())

    def by_event_time(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Event times of some cells (T, N), ascending, and the position of each cell's among them; -1 elsewhere."""
        times, position = np.unique(self.event_time[cells], return_inverse=True)
        label = np.full(cells.shape, -1)
        label[cells] = position
        return times, label

    def share_by(self, label: np.ndarray) -> np.ndarray:
        """Weight of each cell over that of its set (T, N)."""
        size = np.where(label >= 0, self.weights, 0.0)
        total = np.bincount(label[label >= 0], weights=size[label >= 0])
        return np.where(label >= 0, size / total[label], 0.0)


def check_covariates(comparison: Comparison, covariates: tuple[str, ...]) -> Check:
    """Whether the comparison has the covariates."""
    unknown = [name for name in covariates if name not in comparison.covariates]
    there = ", ".join(comparison.covariates) or "none"
    text = (
        f"There is no covariate {', '.join(map(repr, unknown))}; the comparison has {there}."
        if unknown
        else "Every covariate asked for is there."
    )
    return Check(name="covariates", title="Covariates are there", passed=not unknown, text=text)


def impute_comparison(comparison: Comparison, covariates: tuple[str, ...]) -> TreatedCells:
    """Fit area and period effects (and covariates) on untreated cells and impute all others.

    Raises
    ------
    DataError
        If a treated cell's area has no untreated cell, or no untreated cell links it with the cell's period; if a covariate is
        explained by the effects; if no cell from the start on is there.
    """
    weights = np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights
    x = np.stack([comparison.covariates[name] for name in covariates] or [comparison.y], axis=2)[:, :, : len(covariates)]
    return _impute(comparison, comparison.y, x, comparison.first_treated, comparison.exposure, weights, covariates)


def _impute(
    comparison: Comparison,
    y: np.ndarray,
    x: np.ndarray,
    first: np.ndarray,
    exposure: np.ndarray,
    weights: np.ndarray,
    covariates: tuple[str, ...],
    names: tuple[str, ...] | None = None,
) -> TreatedCells:
    """Impute arrays; `names` are the areas in the columns, those of the comparison by default."""
    event_time = np.arange(len(y))[:, None] - first
    there = np.isfinite(y) & np.isfinite(x).all(axis=2)
    after = there & (first >= 0) & (event_time >= 0)
    untreated = there & ~after
    imputed = impute(y, x, untreated=untreated, there=there, weights=weights, names=covariates)
    _refuse_unidentified(after & ~imputed.equations.identified, names or comparison.areas, comparison.periods)
    full = after & (exposure >= FULL)
    kept = full if full.any() else after & (exposure > 0.0)
    if not kept.any():
        raise DataError("imputation: no treated area is observed from its start on; choose a window that reaches past it.")
    return TreatedCells(
        imputed=imputed,
        after=after,
        event_time=event_time,
        kept=kept,
        full=bool(full.any()),
        exposure=np.ones_like(exposure) if full.any() else exposure,
        weights=weights,
    )


def _refuse_unidentified(cells: np.ndarray, areas: tuple[str, ...], periods: tuple[str, ...]) -> None:
    """Name treated cells whose untreated outcome nothing determines."""
    if cells.any():
        named = [f"{areas[n]}, {periods[t]}" for t, n in np.argwhere(cells)]
        raise DataError(
            f"imputation: for {len(named)} treated cell(s) no untreated cells determine area and period effects (first "
            f"{'; '.join(named[:5])}); leave out areas without a period before the start and periods without untreated areas."
        )


def series_of(comparison: Comparison, cells: TreatedCells) -> Series:
    """The treated areas together beside what is imputed, over the periods in which one of them is there."""
    columns = np.flatnonzero(comparison.treated)
    there = cells.imputed.there[:, columns]
    size = there * cells.weights[columns]
    shown = np.asarray(there.any(axis=1))
    share = size[shown] / size[shown].sum(axis=1, keepdims=True)
    observed = (share * np.where(there[shown], comparison.y[shown][:, columns], 0.0)).sum(axis=1)
    gap = (share * cells.imputed.gap[shown][:, columns]).sum(axis=1)
    error = None
    if comparison.se is not None and np.isfinite(comparison.se[:, columns][there]).all():
        error = np.sqrt((share**2 * np.where(there[shown], comparison.se[shown][:, columns], 0.0) ** 2).sum(axis=1))
    return Series(
        periods=tuple(period for period, keep in zip(comparison.periods, shown, strict=True) if keep),
        observed=tuple(map(float, observed)),
        counterfactual=tuple(map(float, observed - gap)),
        exposure=tuple(map(float, (share * comparison.exposure[shown][:, columns]).sum(axis=1))),
        observed_se=None if error is None else tuple(map(float, error)),
    )


def misfit_before(cells: TreatedCells, treated: np.ndarray) -> float:
    """Root mean square of the mean gap before the start, in each period over the areas not started yet, by their weight."""
    size = (cells.imputed.untreated & treated) * cells.weights
    waiting = size.sum(axis=1)
    early = (size * cells.imputed.gap).sum(axis=1)
    square = np.divide(early**2, waiting, out=np.zeros_like(early), where=waiting > 0.0).sum()
    return float(np.sqrt(square / waiting.sum()))


def cluster_index(comparison: Comparison) -> np.ndarray | None:
    """Number of each area's cluster (N,), or None where every area is its own."""
    return np.unique(comparison.clusters, return_inverse=True)[1] if comparison.clusters else None


def has_spread(comparison: Comparison) -> bool:
    """Whether two areas at least are treated and two are not, so that a spread can be measured on both sides."""
    return bool(comparison.treated.sum() > 1 and (~comparison.treated).sum() > 1)


def notes_on(cells: TreatedCells) -> list[str]:
    """What a reader must know of the average."""
    if not cells.full:
        return ["No cell is fully exposed: the average is scaled up by the share of the windows after the start."]
    part = int((cells.after & ~cells.kept).sum())
    return [f"{part} cell(s) from the start on are exposed in part: they are on the path and not in the average."] if part else []


def place_placebos(comparison: Comparison, covariates: tuple[str, ...], *, draws: int, seed: int) -> Placebos:
    """Estimates where untreated areas take the treated areas' starts and exposure; truly treated areas are left out.

    On a complete panel without covariates all assignments are one batch of small systems; otherwise each is imputed anew. With
    gaps, only areas observed before the earliest start and after the latest take part.
    """
    columns, donors = np.flatnonzero(comparison.treated), np.flatnonzero(~comparison.treated)
    first = comparison.first_treated[columns]
    x = np.stack([comparison.covariates[name] for name in covariates] or [comparison.y], axis=2)[:, donors, : len(covariates)]
    y = comparison.y[:, donors]
    there = np.isfinite(y) & np.isfinite(x).all(axis=2)
    complete = bool(there.all())
    able = np.flatnonzero(there[: first.min()].any(axis=0) & there[_last_touched(comparison, columns) :].any(axis=0))
    able = np.arange(donors.size) if complete else able
    chosen = draw_assignments(n_areas=able.size, n_treated=columns.size, draws=draws, seed=seed)
    areas = able[chosen.areas]
    task = _Task(
        comparison=comparison,
        names=tuple(comparison.areas[n] for n in donors),
        y=y,
        x=x,
        covariates=covariates,
        weights=np.ones(donors.size) if comparison.weights is None else comparison.weights[donors],
        first=first,
        exposure=comparison.exposure[:, columns],
    )
    parts = list(task.in_batches(areas) if complete and not covariates else task.one_by_one(areas))
    single = columns.size == 1
    return Placebos(
        att=np.concatenate([part.att for part in parts]),
        pre_rmspe=np.concatenate([part.pre_rmspe for part in parts]),
        gaps=np.concatenate([part.gap for part in parts]) if single and complete else None,
        labels=tuple(comparison.areas[donors[n]] for n in areas[:, 0]) if single and len(areas) else (),
        exhaustive=chosen.exhaustive,
    )


def _last_touched(comparison: Comparison, columns: np.ndarray) -> int:
    """First period in which every treated area is as exposed as the average asks for."""
    exposure = comparison.exposure[:, columns]
    level = FULL if (exposure >= FULL).any() else 0.0
    reached = (exposure >= FULL) if level else exposure > 0.0
    return int(np.where(reached.any(axis=0), reached.argmax(axis=0), 0).max())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fits:
    """Of D assignments: att and pre_rmspe (D,), gap (D, T) of the treated areas together."""

    att: np.ndarray
    pre_rmspe: np.ndarray
    gap: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """What is the same for every placebo assignment.

    Names (N,), outcomes (T, N), covariates (T, N, P) and weights (N,) of the donors; first treated period (K,) and exposure
    (T, K) of the treated areas.
    """

    comparison: Comparison
    names: tuple[str, ...]
    y: np.ndarray
    x: np.ndarray
    covariates: tuple[str, ...]
    weights: np.ndarray
    first: np.ndarray
    exposure: np.ndarray

    def in_batches(self, areas: np.ndarray) -> Iterator[_Fits]:
        """Assignments (D, K) on a complete panel without covariates."""
        paths, member = np.unique(np.vstack([self.first, self.exposure]), axis=1, return_inverse=True)
        member = member.ravel()
        n_periods, n_kinds = len(self.y), paths.shape[1]
        width = max((n_kinds + 1) * n_periods, len(self.weights), n_periods**2 if self.comparison.weights is not None else 1)
        step = max(1, CHUNK // width)
        for start in range(0, max(len(areas), 1), step):
            yield self._batch(areas[start : start + step], paths[0].astype(np.int64), paths[1:].T, member)

    def _batch(self, areas: np.ndarray, first: np.ndarray, exposure: np.ndarray, member: np.ndarray) -> _Fits:
        """Assignments (D, K) of areas of G kinds: first treated period (G,) and exposure (G, T)."""
        outcome = np.column_stack([self.weights[:, None] * self.y.T, self.weights])
        sums = np.empty((len(areas), len(first) + 1, outcome.shape[1]))
        for g in range(len(first)):
            indicator = np.zeros((len(areas), len(outcome)))
            indicator[np.arange(len(areas))[:, None], areas[:, member == g]] = 1.0
            sums[:, g] = indicator @ outcome
        sums[:, -1] = outcome.sum(axis=0) - sums[:, :-1].sum(axis=1)
        mass = sums[..., -1]
        gap = gaps_by_kind(sums[..., :-1], mass, np.append(first, len(self.y)))
        own = mass[:, :-1]
        after = np.arange(len(self.y)) >= first[:, None]
        full = after & (exposure >= FULL)
        kept = full if full.any() else after & (exposure > 0.0)
        scale = kept if full.any() else kept * exposure
        waiting = own @ (~after).astype(float)
        early = np.einsum("dgt,gt->dt", gap, (~after).astype(float))
        square = np.divide(early**2, waiting, out=np.zeros_like(early), where=waiting > 0.0).sum(axis=1)
        return _Fits(
            att=np.einsum("dgt,gt->d", gap, kept.astype(float)) / (own @ scale.astype(float)).sum(axis=1),
            pre_rmspe=np.sqrt(square / waiting.sum(axis=1)),
            gap=gap.sum(axis=1) / own.sum(axis=1, keepdims=True),
        )

    def one_by_one(self, areas: np.ndarray) -> Iterator[_Fits]:
        """Assignments (D, K), each imputed anew."""
        yield _Fits(att=np.zeros(0), pre_rmspe=np.zeros(0), gap=np.zeros((0, len(self.y))))
        for chosen in areas:
            first = np.full(len(self.weights), -1)
            first[chosen] = self.first
            exposure = np.zeros(self.y.shape)
            exposure[:, chosen] = self.exposure
            cells = _impute(self.comparison, self.y, self.x, first, exposure, self.weights, self.covariates, names=self.names)
            size = cells.imputed.there[:, chosen] * self.weights[chosen]
            mean = (size * cells.imputed.gap[:, chosen]).sum(axis=1) / np.maximum(size.sum(axis=1), 1e-300)
            yield _Fits(
                att=np.array([(cells.share * cells.imputed.gap).sum()]),
                pre_rmspe=np.array([misfit_before(cells, first >= 0)]),
                gap=mean[None],
            )

"""From a comparison to imputed gaps and back: what the estimators that fit untreated cells have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.assignment import CHUNK, is_full_rank, sum_members
from evaluation.numerics.group_time import FULL
from evaluation.numerics.places import draw_places
from evaluation.numerics.placing import labels_of, no_placebos, refit_places
from evaluation.numerics.untreated import Imputed, gaps_by_kind, impute
from evaluation.results import Check, Comparison, Estimate, Placebos, Series


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
    y, exposure = comparison.y, comparison.exposure
    x = np.stack([comparison.covariates[name] for name in covariates] or [y], axis=2)[:, :, : len(covariates)]
    event_time = np.arange(len(y))[:, None] - comparison.first_treated
    there = np.isfinite(y) & np.isfinite(x).all(axis=2)
    after = there & comparison.treated & (event_time >= 0)
    imputed = impute(y, x, untreated=there & ~after, there=there, weights=weights, names=covariates)
    _refuse_unidentified(after & ~imputed.equations.identified, comparison.areas, comparison.periods)
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


def place_placebos(
    comparison: Comparison,
    covariates: tuple[str, ...],
    fit: Callable[[Comparison], Estimate],
    *,
    leads: int | None,
    draws: int,
    seed: int,
) -> Placebos:
    """Estimates where untreated areas take the treated areas' starts and exposure; truly treated areas are left out.

    On a complete panel without covariates all assignments are batches of small systems, as cells of areas with one start count by
    their weighted sum alone; otherwise each is a fit. `leads` are those of the path, as in the imputation estimator; None where
    the path before the start is what the untreated cells leave.
    """
    chosen = draw_places(comparison, draws=draws, seed=seed)
    if not len(chosen.groups):
        return no_placebos(comparison)
    if covariates or not np.isfinite(comparison.y).all():
        return refit_places(fit, comparison, draws=draws, seed=seed, chosen=chosen)
    columns, donors = np.flatnonzero(comparison.treated), np.flatnonzero(~comparison.treated)
    paths, member = np.unique(
        np.vstack([comparison.first_treated[columns], comparison.exposure[:, columns]]), axis=1, return_inverse=True
    )
    weights = np.ones(donors.size) if comparison.weights is None else comparison.weights[donors]
    task = _Task(
        outcome=np.column_stack([weights[:, None] * comparison.y[:, donors].T, weights]),
        member=member.ravel(),
        first=paths[0].astype(np.int64),
        exposure=paths[1:].T,
        leads=leads,
    )
    n_periods = comparison.n_periods
    width = max(
        (task.first.size + 1) * n_periods * (1 + (leads or 0)), donors.size, 1 if comparison.weights is None else n_periods**2
    )
    step = max(1, CHUNK // width)
    parts = [task.fit(chosen.groups[d : d + step]) for d in range(0, len(chosen.groups), step)]
    return Placebos(
        att=np.concatenate([part.att for part in parts]),
        pre_rmspe=np.concatenate([part.pre_rmspe for part in parts]),
        gaps=np.concatenate([part.gap for part in parts]) if columns.size == 1 else None,
        labels=labels_of(comparison, chosen.groups),
        exhaustive=chosen.exhaustive,
        path=np.concatenate([part.path for part in parts]),
        groups=chosen.groups,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fits:
    """Of D assignments: att and pre_rmspe (D,), path (D, L), gap (D, T) of the treated areas together."""

    att: np.ndarray
    pre_rmspe: np.ndarray
    path: np.ndarray
    gap: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """What is the same for every placebo assignment on a complete panel without covariates.

    Weighted outcomes of the donors with their weights (N, T + 1), kind of each treated area (K,), first treated period (G,) and
    exposure (G, T) of each kind, and how many leads the path has.
    """

    outcome: np.ndarray
    member: np.ndarray
    first: np.ndarray
    exposure: np.ndarray
    leads: int | None

    def fit(self, groups: np.ndarray) -> _Fits:
        """Fit assignments (D, N)."""
        sums = sum_members(groups, self.outcome, self.member)
        sums = np.concatenate([sums, (self.outcome.sum(axis=0) - sums.sum(axis=1))[:, None]], axis=1)
        mass = sums[..., -1]
        n_periods = sums.shape[2] - 1
        gap = gaps_by_kind(sums[..., :-1, None], mass, np.append(self.first, n_periods))[..., 0]
        own = mass[:, :-1]
        after = np.arange(n_periods) >= self.first[:, None]
        full = after & (self.exposure >= FULL)
        kept = full if full.any() else after & (self.exposure > 0.0)
        scale = kept if full.any() else kept * self.exposure
        waiting = own @ (~after).astype(float)
        early = np.einsum("dgt,gt->dt", gap, (~after).astype(float))
        square = np.divide(early**2, waiting, out=np.zeros_like(early), where=waiting > 0.0).sum(axis=1)
        return _Fits(
            att=np.einsum("dgt,gt->d", gap, kept.astype(float)) / (own @ scale.astype(float)).sum(axis=1),
            pre_rmspe=np.sqrt(square / waiting.sum(axis=1)),
            path=self._path(gap, mass),
            gap=gap.sum(axis=1) / own.sum(axis=1, keepdims=True),
        )

    def _path(self, gap: np.ndarray, mass: np.ndarray) -> np.ndarray:
        """Effects by event time (D, L) from the gaps' weighted sums (D, G, T)."""
        event = np.arange(gap.shape[2]) - self.first[:, None]
        times = np.unique(event if self.leads is None else event[event >= 0])
        at = (event[:, :, None] == times).astype(float)
        means = np.tensordot(gap, at, axes=2) / (mass[:, :-1] @ at.sum(axis=1))
        return means if self.leads is None else np.hstack([self._leads(gap, mass, event), means])

    def _leads(self, gap: np.ndarray, mass: np.ndarray, event: np.ndarray) -> np.ndarray:
        """Coefficients (D, L) of the leads in a regression on the untreated cells, as many as can be told apart.

        With area and period effects taken out of both sides, only cells of the treated kinds add to either cross product.
        """
        most = min(self.leads or 0, int(self.first.max()) - 1)
        if most < 1:
            return np.zeros((len(gap), 0))
        terms = (event[:, :, None] == np.arange(-most, 0)).astype(float)
        some = mass[:1] if bool((mass == mass[:1]).all()) else mass
        padded = np.concatenate([terms, np.zeros_like(terms[:1])])
        left = gaps_by_kind(some[:, :, None, None] * padded, some, np.append(self.first, gap.shape[2]))
        gram = np.einsum("gtl,dgtm->dlm", terms, left, optimize=True)
        own = np.einsum("dg,gtl,gtm->dlm", some[:, :-1], terms, terms, optimize=True)
        number = next((n for n in range(most, 0, -1) if is_full_rank(gram[:1, -n:, -n:], own[:1, -n:, -n:])), 0)
        right = np.tensordot(gap, terms, axes=2)[:, most - number :]
        return np.asarray(np.linalg.solve(gram[:, most - number :, most - number :], right[..., None])[..., 0])

"""Every start against areas that are not treated yet: long differences in closed form, for many assignments at once.

For start a and period t, ``gap_at`` is the weighted mean over the areas that start in a of ``y_t - b_a'y`` minus the same over
their clean controls; ``b_a`` says what y is measured against, such as the last period before a. Areas never treated are always
clean; those of another start g are where the rule says so. Effects at event time h are weighted means of ``gap_a,a+h`` over
starts:

    variance    each by W C / (W + C), with W and C the weights of its treated areas and clean controls: what least squares does
    equal       each by W: least squares with all areas of a start reweighted by (W + C) / C
    corrective  each by W too: least squares with the clean controls of a start reweighted by (W / sum of W) / (C / sum of C)

The last two differ in their standard errors alone.

Stacked regressions and local projections are of this form: with period effects for every start, least squares on long differences
is a weighted mean of these gaps. The gaps need nothing of an assignment but the weighted sums of outcomes, start by start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.numerics.assignment import CHUNK, sum_members
from evaluation.numerics.placing import mass_of

Weighting = Literal["variance", "equal", "corrective"]

FULL = 1.0 - 1e-9
"""Exposure counted as full; shares are sums of twelfths."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CleanDesign:
    """Which periods of which starts are compared with what.

    Attributes
    ----------
    first : integer array (K,), first treated period of the treated areas
    exposure : array (K, T), of the treated areas
    starts : integer array (G,), the different starts in order
    base : array (G, T), what y is measured against for each start; rows sum to 1
    clean_from : integer array (G, T), areas whose start is later than this are clean controls of start g in period t
    window : boolean array (G, T), periods that count for the effects of each start
    weighting : how starts are averaged at an event time
    """

    first: np.ndarray
    exposure: np.ndarray
    starts: np.ndarray
    base: np.ndarray
    clean_from: np.ndarray
    window: np.ndarray
    weighting: Weighting

    @property
    def event_times(self) -> np.ndarray:
        """Event times (H,) that some start has in its window, in order."""
        return np.unique(self._event[self.window])

    @property
    def counts(self) -> np.ndarray:
        """Treated areas (H,) at each event time."""
        areas = (self.first[:, None] == self.starts).sum(axis=0)
        cells = self.at_event_times & self.window
        return np.asarray((cells * areas[:, None]).sum(axis=(1, 2)))

    @property
    def at_event_times(self) -> np.ndarray:
        """Boolean (H, G, T): where each event time lies."""
        return np.asarray(self._event == self.event_times[:, None, None])

    @property
    def averaged(self) -> tuple[np.ndarray, bool]:
        """Counts (H,) of the event times that make up the average effect, and whether they are fully exposed."""
        kind = np.searchsorted(self.starts, self.first)
        own = (self.at_event_times & self.window)[:, kind]
        least = np.where(own, self.exposure, np.inf).min(axis=(1, 2))
        most = np.where(own, self.exposure, -np.inf).max(axis=(1, 2))
        full = (self.event_times >= 0) & (least >= FULL)
        if full.any():
            return full * self.counts, True
        return ((self.event_times >= 0) & (most > 0.0)) * self.counts, False

    @property
    def _event(self) -> np.ndarray:
        return np.asarray(np.arange(self.base.shape[1]) - self.starts[:, None])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CleanFits:
    """Fits of D assignments.

    Attributes
    ----------
    att : array (D,)
    path : array (D, H), effects at the design's event times
    average : array (D, H), what `att` takes of each effect
    gap : array (D, T), weighted mean over the treated areas of their start's gap, in all periods
    pre_rmspe : array (D,), root mean square of that gap before the start; with several starts in each period the mean over the
        areas not started yet, weighted by how many these are
    """

    att: np.ndarray
    path: np.ndarray
    average: np.ndarray
    gap: np.ndarray
    pre_rmspe: np.ndarray


def fit_clean(y: np.ndarray, *, design: CleanDesign, groups: np.ndarray, weights: np.ndarray | None = None) -> CleanFits:
    """Fit every assignment.

    Parameters
    ----------
    y : array (T, N)
        Outcomes; at least one area must be left over by every assignment.
    design : CleanDesign
    groups : integer array (D, N)
        The assignments, as in `numerics.places.PlaceAssignments`. A place of several areas is their weighted mean.
    weights : array (N,), optional
        Weights of the areas; default equal, and then every group is of one area.
    """
    n_periods, n_areas = y.shape
    weights = np.ones(n_areas) if weights is None else np.asarray(weights, dtype=float)
    outcome = np.column_stack([weights[:, None] * y.T, weights])
    step = max(1, CHUNK // max(len(design.starts) ** 2 * n_periods, n_areas, design.exposure.size))
    parts = [_fit_chunk(design, outcome, groups[d : d + step]) for d in range(0, max(len(groups), 1), step)]
    return CleanFits(
        att=np.concatenate([part.att for part in parts]),
        path=np.concatenate([part.path for part in parts]),
        average=np.concatenate([part.average for part in parts]),
        gap=np.concatenate([part.gap for part in parts]),
        pre_rmspe=np.concatenate([part.pre_rmspe for part in parts]),
    )


def _fit_chunk(design: CleanDesign, outcome: np.ndarray, groups: np.ndarray) -> CleanFits:
    """All fits of one chunk; weighted sums over the areas of a start in capitals."""
    sums = sum_members(groups, outcome, np.searchsorted(design.starts, design.first))
    big_w = sums[..., -1]
    member = design.first[:, None] == design.starts
    exposure = np.einsum(
        "dk,kg,kt->dgt", mass_of(groups, outcome[:, -1], len(design.first)), member, design.exposure, optimize=True
    )
    exposure /= big_w[..., None]
    gap, control = _gaps(design, sums, outcome.sum(axis=0))
    size = big_w[..., None]
    share = (size * control / (size + control) if design.weighting == "variance" else size) * design.window
    cells = design.at_event_times.astype(float)
    total = np.einsum("dgt,hgt->dh", share, cells)
    path = np.einsum("dgt,hgt->dh", share * gap, cells) / total
    exposed = np.einsum("dgt,hgt->dh", share * exposure, cells) / total
    counts, full = design.averaged
    average = np.broadcast_to(counts / counts.sum(), path.shape) if full else counts / (exposed @ counts)[:, None]
    before = (np.arange(gap.shape[2]) < design.starts[:, None]).astype(float)
    waiting = big_w @ before
    early = np.einsum("dg,dgt,gt->dt", big_w, gap, before)
    square = np.divide(early**2, waiting, out=np.zeros_like(early), where=waiting > 0.0).sum(axis=1) / waiting.sum(axis=1)
    return CleanFits(
        att=(average * path).sum(axis=1),
        path=path,
        average=average,
        gap=np.einsum("dg,dgt->dt", big_w, gap) / big_w.sum(axis=1, keepdims=True),
        pre_rmspe=np.sqrt(square),
    )


def _gaps(design: CleanDesign, sums: np.ndarray, everything: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gaps (D, G, T) and weight of clean controls (D, G, T) from sums (D, G, T + 1), the last column the weights themselves."""
    never = everything - sums.sum(axis=1)
    clean = design.starts[:, None, None] > design.clean_from
    # sums of long differences of the areas of start g, measured against the base of start a
    own = sums[:, :, None, :-1] - np.einsum("dgt,at->dga", sums[..., :-1], design.base)[..., None]
    pool = never[:, None, :-1] - (never[:, :-1] @ design.base.T)[..., None] + np.einsum("dgat,gat->dat", own, clean)
    control = never[:, None, -1:] + np.einsum("dg,gat->dat", sums[..., -1], clean)
    treated = np.einsum("daat->dat", own) / sums[..., -1:]
    return treated - pool / control, control


def clean_covariance(
    y: np.ndarray,
    *,
    design: CleanDesign,
    areas: np.ndarray,
    path: np.ndarray,
    clusters: np.ndarray,
    weights: np.ndarray | None = None,
) -> np.ndarray | None:
    """Covariance (H, H) of the path (H,) of one assignment `areas` (K,), robust to dependence within `clusters` (N,) of areas.

    From the residuals of weighted least squares on long differences with one effect an event time and period effects for every
    start; an area's contributions to all event times and starts are summed before they are squared. The factor for few clusters
    is G / (G - 1). None with one cluster.
    """
    n_periods, n_areas = y.shape
    groups = int(clusters.max()) + 1
    if groups < 2:
        return None
    weights = np.ones(n_areas) if weights is None else np.asarray(weights, dtype=float)
    first = np.full(n_areas, n_periods + design.clean_from.max() + 1)
    first[areas] = design.first
    times = design.event_times
    influence, total = np.zeros((len(times), n_areas)), np.zeros(len(times))
    kept = design.starts[design.window.any(axis=1)]
    everyone = sum(float(weights[first == start].sum()) for start in kept)
    for g, start in enumerate(design.starts):
        difference = y - design.base[g] @ y
        for t in np.flatnonzero(design.window[g]):
            h = int(np.searchsorted(times, t - start))
            treated, control = first == start, first > design.clean_from[g, t]
            size, pool = float(weights[treated].sum()), float(weights[control].sum())
            own = pair = 1.0
            if design.weighting == "equal":
                own = pair = (size + pool) / pool
            elif design.weighting == "corrective":
                pair = (size / everyone) / (pool / _all_controls(design, weights, first, t - start))
            used = weights * (own * treated + pair * control)
            share = own * size / (own * size + pair * pool)
            value = difference[t] - path[h] * treated
            influence[h] += (value - used @ value / used.sum()) * used * (treated - share)
            total[h] += share * pair * pool
    influence /= total[:, None]
    sums = np.zeros((groups, len(times)))
    np.add.at(sums, clusters, influence.T)
    return np.asarray(sums.T @ sums * groups / (groups - 1))


def _all_controls(design: CleanDesign, weights: np.ndarray, first: np.ndarray, event_time: int) -> float:
    """Weight of the clean controls of all starts at an event time, an area counted as often as it serves."""
    cells = [
        (g, start + event_time)
        for g, start in enumerate(design.starts)
        if 0 <= start + event_time < design.window.shape[1] and design.window[g, start + event_time]
    ]
    return sum(float(weights[first > design.clean_from[g, t]].sum()) for g, t in cells)

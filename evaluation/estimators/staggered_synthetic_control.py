"""Staggered synthetic control: several treated areas, each with its own start and its own mix of untreated areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.assignment import draw_assignments
from evaluation.numerics.mixing import EXACT_NOTE, FEWEST, LeftOut, list_weights, requirement_of_completeness, treated_outcome
from evaluation.numerics.staggered_mix import Staggered, fit_staggered
from evaluation.numerics.treated import refuse, requirements
from evaluation.results import NEVER, Card, Check, Comparison, DonorWeight, Estimate, PathPoint, Placebos


@dataclass(frozen=True, slots=True, kw_only=True)
class StaggeredSyntheticControl:
    """Synthetic controls for several treated areas, fitted singly, together, or in between.

    Each treated area gets weights on the simplex of the areas never treated in the window. They minimise a mean of two misfits
    before the starts: of the areas' gaps one by one, and of their mean gap by time to the start; `numerics.staggered_mix` has the
    formulas. `att` is ``sum(s e gap) / sum(s e^2)`` over all treated areas and periods, e the exposure and s the area's share
    (`Comparison.weights`, else equal): the mean gap over treated cells where exposure is 0 or 1. The path is the mean gap by
    event time. `Estimate.pre_rmspe` is the root mean square of the mean gap over event times before the start;
    `Estimate.prediction_rmspe` the same over the last third of the periods before each start, those all areas have, when the
    weights see only the earlier ones.

    Parameters
    ----------
    pooling : float or None
        nu, from 0 (each area fitted singly) to 1 (only the mean gap counts); None = the length of the mean gap over the mean
        length of the gaps, both of the weights fitted singly: near 0 where areas' misfits cancel, 1 where they add up.
    intercept : bool
        Whether each area may differ from its mix by a constant over all periods.
    """

    pooling: float | None = None
    intercept: bool = False

    card: ClassVar[Card] = Card(
        name="staggered_synthetic_control",
        controls="a mix of donors for each treated area",
        base="the mean of all periods before each start",
        weighting="treated areas and periods the same",
        title="Staggered synthetic control",
        family="synthetic control",
        plain=(
            "Every treated area gets its own mix of untreated areas that follows it before its own start. The mixes are chosen "
            "so that they also follow the treated areas taken together. The mean difference between areas and mixes after the "
            "starts is the effect."
        ),
        estimand="Average effect of full exposure over the treated areas and their periods after the start.",
        assumptions=(
            "Mixes that follow the areas, singly and together, before their starts would also have followed them afterwards.",
            "Nothing happens because of the programme before an area's start (or before the anticipation the design allows).",
            "The programme does not reach the donors, which are never treated in the window, and nothing else of its size "
            "happens to them.",
        ),
        limits=(
            "Areas with an early start have few periods to fit and many to count in the effect.",
            "Effects at late event times rest on the areas with early starts alone; the path says on how many.",
            "Areas treated later in the window are not used as donors before their start, though they could be.",
            "With more than one treated area, chance is judged by random sets of untreated areas, not all sets.",
            "It has no standard error.",
        ),
        missing_cells="None allowed in the outcome. Areas and periods with gaps are left out before, with reasons.",
        source=(
            "Ben-Michael, Feller & Rothstein (2022), Journal of the Royal Statistical Society Series B 84(2): partially pooled "
            "synthetic control with their rule for the pooling."
        ),
        compared_with="The quadratic-programming solver Clarabel; with one treated area, synthetic_control.",
    )

    def __post_init__(self) -> None:
        """Refuse a pooling that is none."""
        if self.pooling is not None and not 0.0 <= self.pooling <= 1.0:
            raise ConfigurationError(f"staggered_synthetic_control: pooling must lie between 0 and 1, not {self.pooling}.")

    @property
    def name(self) -> str:
        """Registry name."""
        return "staggered_synthetic_control"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense: treated areas, a donor, periods before and after each start, no gaps."""
        return [*requirements(comparison, untreated=1), requirement_of_completeness(comparison)]

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the mean gap between the treated areas and their mixes.

        Raises
        ------
        DataError
            If there is no treated area, no donor, no period before a start, or a gap in the outcome.
        """
        refuse(self.check(comparison), comparison)
        setting = _setting(comparison)
        found = _fit(comparison, setting, self.pooling, self.intercept)
        gaps = _gaps(comparison.y, setting, found)[0]
        exposure, share, starts = setting.exposure[0], setting.shares[0], setting.starts[0]
        treated = treated_outcome(comparison)
        predicted = _predict(comparison, setting, self.pooling, self.intercept)
        several = len(share) > 1
        notes = [
            f"Pooling {found.pooling[0]:.3f}; before the starts the misfit of the mean gap is {found.pooled[0]:.3g}, that of the "
            f"single gaps {found.separate[0]:.3g}."
        ]
        return Estimate(
            estimator=self.name,
            att=float(_effect(gaps[None], exposure[None], share[None])[0]),
            path=_path(gaps, starts, share),
            series=treated.beside(treated.observed - share @ gaps, comparison.periods),
            pre_rmspe=float(_pre_rmspe(gaps[None], starts[None], share[None])[0]),
            prediction_rmspe=None if predicted is None else float(predicted[0]),
            weights=_weights(comparison, setting, found),
            notes=(*(notes if several else ()), *((EXACT_NOTE,) if found.exact[0].any() else ())),
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Untreated areas given the treated areas' starts: each in turn with one treated area, else `draws` random sets.

        The donors of a set are the untreated areas outside it. Equal to `fit` on the panel so relabelled. All sets go in
        lockstep; with nine treated areas and 250 others a thousand sets take some 20 to 40 CPU seconds, with `pooling` 0 five.
        """
        refuse(self.check(comparison), comparison)
        setting = _setting(comparison)
        donors = np.flatnonzero(~comparison.treated)
        k = len(setting.starts[0])
        assigned = draw_assignments(n_areas=donors.size, n_treated=k, draws=draws, seed=seed)
        if not len(assigned.areas):
            return Placebos(att=np.zeros(0), pre_rmspe=np.zeros(0), gaps=None, labels=(), exhaustive=assigned.exhaustive)
        # the dates of the k-th treated area in the comparison's order go to the k-th area drawn
        columns = np.flatnonzero(comparison.treated)
        placebo = _order(
            comparison,
            areas=donors[assigned.areas],
            starts=np.broadcast_to(comparison.first_treated[columns], assigned.areas.shape),
            exposure=np.broadcast_to(comparison.exposure[:, columns].T, (*assigned.areas.shape, comparison.n_periods)),
        )
        found = _fit(comparison, placebo, self.pooling, self.intercept)
        gaps = _gaps(comparison.y, placebo, found)
        single = k == 1
        return Placebos(
            att=_effect(gaps, placebo.exposure, placebo.shares),
            pre_rmspe=_pre_rmspe(gaps, placebo.starts, placebo.shares),
            prediction_rmspe=_predict(comparison, placebo, self.pooling, self.intercept),
            gaps=gaps[:, 0] if single else None,
            labels=tuple(comparison.areas[n] for n in placebo.areas[:, 0]) if single else (),
            exhaustive=assigned.exhaustive,
        )

    def leave_one_out(self, comparison: Comparison, estimate: Estimate) -> LeftOut:
        """The estimate without each donor that has weight anywhere, one at a time; one batch."""
        refuse(self.check(comparison), comparison)
        left = sorted({donor.area for donor in estimate.weights}) if len(comparison.donors) > 1 else []
        if not left:
            return LeftOut(areas=(), att=np.zeros(0))
        setting = _setting(comparison).repeat(len(left))
        setting.allowed[np.arange(len(left)), [comparison.areas.index(area) for area in left]] = False
        found = _fit(comparison, setting, self.pooling, self.intercept)
        gaps = _gaps(comparison.y, setting, found)
        return LeftOut(areas=tuple(left), att=_effect(gaps, setting.exposure, setting.shares))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Setting:
    """D assignments: areas, starts, shares (D, K), exposure (D, K, T), donors allowed (D, N)."""

    areas: np.ndarray
    starts: np.ndarray
    shares: np.ndarray
    exposure: np.ndarray
    allowed: np.ndarray

    def repeat(self, times: int) -> _Setting:
        """The first assignment so many times."""
        return _Setting(
            areas=np.repeat(self.areas[:1], times, axis=0),
            starts=np.repeat(self.starts[:1], times, axis=0),
            shares=np.repeat(self.shares[:1], times, axis=0),
            exposure=np.repeat(self.exposure[:1], times, axis=0),
            allowed=np.repeat(self.allowed[:1], times, axis=0),
        )


def _setting(comparison: Comparison) -> _Setting:
    """The one assignment there is in truth."""
    columns = np.flatnonzero(comparison.treated)
    return _order(
        comparison,
        areas=columns[None],
        starts=comparison.first_treated[columns][None],
        exposure=comparison.exposure[:, columns].T[None],
    )


def _order(comparison: Comparison, *, areas: np.ndarray, starts: np.ndarray, exposure: np.ndarray) -> _Setting:
    """Areas by code, so that the order in a file changes nothing; shares from the comparison's weights."""
    rank = np.empty(len(comparison.areas), dtype=np.int64)
    rank[np.array(sorted(range(len(rank)), key=lambda n: comparison.areas[n]))] = np.arange(len(rank))
    order = rank[areas].argsort(axis=1)
    areas = np.take_along_axis(areas, order, axis=1)
    size = np.ones(len(rank)) if comparison.weights is None else comparison.weights
    shares = size[areas] / size[areas].sum(axis=1, keepdims=True)
    allowed = np.repeat((comparison.first_treated == NEVER)[None], len(areas), axis=0)
    allowed[np.arange(len(areas))[:, None], areas] = False
    return _Setting(
        areas=areas,
        starts=np.take_along_axis(starts, order, axis=1),
        shares=shares,
        exposure=np.take_along_axis(exposure, order[:, :, None], axis=1),
        allowed=allowed,
    )


def _fit(
    comparison: Comparison, setting: _Setting, pooling: float | None, intercept: bool, *, cut: np.ndarray | None = None
) -> Staggered:
    """Weights of the assignments; `cut` (D, K) takes so many periods off before each start."""
    return fit_staggered(
        comparison.y,
        areas=setting.areas,
        starts=setting.starts if cut is None else setting.starts - cut,
        shares=setting.shares,
        allowed=setting.allowed,
        pooling=pooling,
        intercept=intercept,
    )


def _gaps(y: np.ndarray, setting: _Setting, found: Staggered) -> np.ndarray:
    """Treated less mix (D, K, T)."""
    return np.asarray(y.T[setting.areas] - found.weights @ y.T - found.intercept[:, :, None])


def _effect(gaps: np.ndarray, exposure: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Slope through zero (D,) of gaps (D, K, T) on exposure over all treated cells."""
    weighted = shares[:, :, None] * exposure
    return np.asarray((weighted * gaps).sum(axis=(1, 2)) / (weighted * exposure).sum(axis=(1, 2)))


def _predict(comparison: Comparison, setting: _Setting, pooling: float | None, intercept: bool) -> np.ndarray | None:
    """Misfit (D,) of the mean gap in the last third of the periods before each start, from weights that see the earlier ones.

    Of these the first periods that all areas have count. None where an area has fewer than `FEWEST` periods before its start.
    """
    if setting.starts.min() < FEWEST:
        return None
    cut = setting.starts // 3
    found = _fit(comparison, setting, pooling, intercept, cut=cut)
    gaps = _gaps(comparison.y, setting, found)
    ahead = int(cut.min())
    index = (setting.starts - cut)[:, :, None] + np.arange(ahead)
    mean = (setting.shares[:, :, None] * np.take_along_axis(gaps, index, axis=2)).sum(axis=1)
    return np.asarray(np.sqrt(np.mean(mean**2, axis=1)))


def _pre_rmspe(gaps: np.ndarray, starts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Root mean square (D,) over time to the start of the mean gap of the areas that have that time, weighted by their shares."""
    n_periods = gaps.shape[2]
    square, weight = np.zeros(len(gaps)), np.zeros(len(gaps))
    for lead in range(1, int(starts.max()) + 1):
        there = shares * (starts >= lead)
        at = np.clip(starts - lead, 0, n_periods - 1)
        gap = np.take_along_axis(gaps, at[:, :, None], axis=2)[:, :, 0]
        total = there.sum(axis=1)
        mean = np.divide((there * gap).sum(axis=1), total, out=np.zeros(len(gaps)), where=total > 0.0)
        square += total * mean**2
        weight += total
    return np.asarray(np.sqrt(square / weight))


def _path(gaps: np.ndarray, starts: np.ndarray, shares: np.ndarray) -> tuple[PathPoint, ...]:
    """Mean gap by event time over the areas observed there."""
    n_periods = gaps.shape[1]
    points = []
    for event in range(-int(starts.max()), n_periods - int(starts.min())):
        there = np.flatnonzero((starts + event >= 0) & (starts + event < n_periods))
        if there.size:
            att = np.average(gaps[there, starts[there] + event], weights=shares[there])
            points.append(PathPoint(event_time=event, att=float(att), n_areas=int(there.size)))
    return tuple(points)


def _weights(comparison: Comparison, setting: _Setting, found: Staggered) -> tuple[DonorWeight, ...]:
    """Donor weights of every treated area, which they name where there are several."""
    columns = np.arange(len(comparison.areas))
    several = setting.areas.shape[1] > 1
    return tuple(
        donor
        for i, n in enumerate(setting.areas[0])
        for donor in list_weights(comparison, columns, found.weights[0, i], treated=comparison.areas[n] if several else "")
    )

"""Staggered synthetic control: several treated areas, each with its own start and its own mix of untreated areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.mixing import EXACT_NOTE, FEWEST, LeftOut, list_weights, requirement_of_completeness, treated_outcome
from evaluation.numerics.places import STAYS, draw_places
from evaluation.numerics.placing import labels_of, no_placebos, place_means
from evaluation.numerics.staggered_mix import Staggered, fit_staggered
from evaluation.numerics.treated import refuse, requirements
from evaluation.results import Card, Check, Comparison, DonorWeight, Estimate, PathPoint, Placebos


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
        nu, from 0 (each area fitted singly) to 1 (only the mean gap counts, taken as 0.999 so that the weights are determined);
        None = the length of the mean gap over the mean length of the gaps, both of the weights fitted singly: near 0 where areas'
        misfits cancel, 1 where they add up.
    intercept : bool
        Whether each area may differ from its mix by a constant over all periods.
    most_placebos : int
        Most placebo assignments drawn, however many are asked for: each takes the fits of all its places.

    Examples
    --------
    ``a`` lies midway between ``c`` and ``d`` and is 2 higher from year 3 on; ``b`` moves as ``c`` and is 1 higher from year 4 on:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [5, 6, 8, 8.5, 8], "b": [4, 6, 5, 8, 6], "c": [4, 6, 5, 7, 5], "d": [6, 6, 7, 6, 7]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3, "b": 4})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = StaggeredSyntheticControl(pooling=0.0).fit(own)
    >>> [(donor.treated, donor.area, round(donor.weight, 6)) for donor in estimate.weights]
    [('a', 'c', 0.5), ('a', 'd', 0.5), ('b', 'c', 1.0)]

    Five treated cells, three with 2 and two with 1:

    >>> round(estimate.att, 6)
    1.6
    """

    pooling: float | None = None
    intercept: bool = False
    most_placebos: int = 199

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
        setting = _Setting.observed(comparison)
        found = setting.fit(self.pooling, self.intercept)
        gaps = setting.gaps(found)
        share = setting.shares[0]
        treated = treated_outcome(comparison)
        predicted = setting.predict(self.pooling, self.intercept)
        times, effects = setting.path(gaps)
        notes = [
            f"Pooling {found.pooling[0]:.3f}; before the starts the misfit of the mean gap is {found.pooled[0]:.3g}, that of the "
            f"single gaps {found.separate[0]:.3g}."
        ]
        return Estimate(
            estimator=self.name,
            att=float(setting.effect(gaps)[0]),
            path=tuple(
                PathPoint(event_time=int(time), att=float(att), n_areas=int(n))
                for time, att, n in zip(times, effects[0], setting.n_areas(times), strict=True)
            ),
            series=treated.beside(treated.observed - share @ gaps[0], comparison.periods),
            pre_rmspe=float(setting.pre_rmspe(gaps)[0]),
            prediction_rmspe=None if predicted is None else float(predicted[0]),
            weights=_weights(comparison, found),
            notes=(*(notes if share.size > 1 else ()), *((EXACT_NOTE,) if found.exact[0].any() else ())),
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Groups of untreated areas in the treated areas' places, which are left out; all of them for one area of one authority.

        The donors of a placebo are the untreated areas outside it. Equal to `fit` on the panel of these places. All go in
        lockstep; 199 of nine places or of 120 areas take 2 to 4 CPU seconds.
        """
        refuse(self.check(comparison), comparison)
        chosen = draw_places(comparison, draws=min(draws, self.most_placebos), seed=seed)
        if not len(chosen.groups):
            return no_placebos(comparison)
        setting = _Setting.placed(comparison, chosen.groups)
        gaps = setting.gaps(setting.fit(self.pooling, self.intercept))
        return Placebos(
            att=setting.effect(gaps),
            pre_rmspe=setting.pre_rmspe(gaps),
            prediction_rmspe=setting.predict(self.pooling, self.intercept),
            gaps=gaps[:, 0] if len(setting.starts) == 1 else None,
            labels=labels_of(comparison, chosen.groups),
            exhaustive=chosen.exhaustive,
            path=setting.path(gaps)[1],
            groups=chosen.groups,
        )

    def leave_one_out(self, comparison: Comparison, estimate: Estimate) -> LeftOut:
        """The estimate without each donor that has weight anywhere, one at a time; one batch."""
        refuse(self.check(comparison), comparison)
        left = sorted({donor.area for donor in estimate.weights}) if len(comparison.donors) > 1 else []
        if not left:
            return LeftOut(areas=(), att=np.zeros(0))
        setting = _Setting.observed(comparison, times=len(left))
        setting.allowed[np.arange(len(left)), [comparison.donors.index(area) for area in left]] = False
        gaps = setting.gaps(setting.fit(self.pooling, self.intercept))
        return LeftOut(areas=tuple(left), att=setting.effect(gaps))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Setting:
    """D assignments of K treated areas with their starts (K,) and exposure (K, T).

    Attributes
    ----------
    donors : array (T, N), outcomes of the untreated areas
    treated : array (D, K, T), outcomes of the treated areas or of what stands in for them
    shares : array (D, K), each row sums to 1
    allowed : boolean array (D, N), donors of each assignment
    """

    donors: np.ndarray
    treated: np.ndarray
    starts: np.ndarray
    exposure: np.ndarray
    shares: np.ndarray
    allowed: np.ndarray

    @classmethod
    def observed(cls, comparison: Comparison, *, times: int = 1) -> _Setting:
        """The assignment there is in truth, so many times."""
        columns = np.flatnonzero(comparison.treated)
        size = np.ones(columns.size) if comparison.weights is None else comparison.weights[columns]
        donors = comparison.y[:, ~comparison.treated]
        return cls(
            donors=donors,
            treated=np.repeat(comparison.y.T[None, columns], times, axis=0),
            starts=comparison.first_treated[columns],
            exposure=comparison.exposure.T[columns],
            shares=np.repeat((size / size.sum())[None], times, axis=0),
            allowed=np.ones((times, donors.shape[1]), dtype=bool),
        )

    @classmethod
    def placed(cls, comparison: Comparison, groups: np.ndarray) -> _Setting:
        """Assignments to groups (D, N) of untreated areas."""
        columns, donors = np.flatnonzero(comparison.treated), comparison.y[:, ~comparison.treated]
        size = np.ones(donors.shape[1]) if comparison.weights is None else comparison.weights[~comparison.treated]
        treated, mass = place_means(groups, donors, size, columns.size)
        return cls(
            donors=donors,
            treated=treated,
            starts=comparison.first_treated[columns],
            exposure=comparison.exposure.T[columns],
            shares=mass / mass.sum(axis=1, keepdims=True),
            allowed=groups == STAYS,
        )

    def fit(self, pooling: float | None, intercept: bool, *, cut: np.ndarray | None = None) -> Staggered:
        """Weights of the assignments; `cut` (K,) takes so many periods off before each start."""
        return fit_staggered(
            self.donors,
            self.treated,
            starts=self.starts if cut is None else self.starts - cut,
            shares=self.shares,
            allowed=self.allowed,
            pooling=pooling,
            intercept=intercept,
        )

    def gaps(self, found: Staggered) -> np.ndarray:
        """Treated less mix (D, K, T)."""
        return np.asarray(self.treated - found.weights @ self.donors.T - found.intercept[:, :, None])

    def effect(self, gaps: np.ndarray) -> np.ndarray:
        """Slope through zero (D,) of gaps (D, K, T) on exposure over all treated cells."""
        weighted = self.shares[:, :, None] * self.exposure
        return np.asarray((weighted * gaps).sum(axis=(1, 2)) / (weighted * self.exposure).sum(axis=(1, 2)))

    def predict(self, pooling: float | None, intercept: bool) -> np.ndarray | None:
        """Misfit (D,) of the mean gap in the last third of the periods before each start, from weights that see the earlier ones.

        Of these the first periods that all areas have count. None where an area has fewer than `FEWEST` periods before its start.
        """
        if self.starts.min() < FEWEST:
            return None
        cut = self.starts // 3
        gaps = self.gaps(self.fit(pooling, intercept, cut=cut))
        index = (self.starts - cut)[:, None] + np.arange(int(cut.min()))
        mean = (self.shares[:, :, None] * gaps[:, np.arange(len(cut))[:, None], index]).sum(axis=1)
        return np.asarray(np.sqrt(np.mean(mean**2, axis=1)))

    def n_areas(self, times: np.ndarray) -> np.ndarray:
        """Number of areas (L,) observed at event times."""
        at = self.starts[:, None] + times
        return np.asarray(((at >= 0) & (at < len(self.donors))).sum(axis=0))

    def path(self, gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Event times (L,) within the window, and the mean gap (D, L) over the areas observed there."""
        n_periods = len(self.donors)
        times = np.arange(-int(self.starts.max()), n_periods - int(self.starts.min()))
        at = self.starts[:, None] + times
        there = (at >= 0) & (at < n_periods)
        shown = gaps[:, np.arange(len(self.starts))[:, None], np.clip(at, 0, n_periods - 1)]
        mass = self.shares[:, :, None] * there
        return times, np.asarray((mass * shown).sum(axis=1) / mass.sum(axis=1))

    def pre_rmspe(self, gaps: np.ndarray) -> np.ndarray:
        """Root mean square (D,) over time to the start of the mean gap of the areas that have it, weighted by their shares."""
        times, mean = self.path(gaps)
        before = times < 0
        there = (self.starts[:, None] + times[before]) >= 0
        mass = (self.shares[:, :, None] * there).sum(axis=1)
        return np.asarray(np.sqrt((mass * mean[:, before] ** 2).sum(axis=1) / mass.sum(axis=1)))


def _weights(comparison: Comparison, found: Staggered) -> tuple[DonorWeight, ...]:
    """Donor weights of every treated area, which they name where there are several."""
    donors, treated = np.flatnonzero(~comparison.treated), np.flatnonzero(comparison.treated)
    several = treated.size > 1
    return tuple(
        donor
        for k, n in enumerate(treated)
        for donor in list_weights(comparison, donors, found.weights[0, k], treated=comparison.areas[n] if several else "")
    )

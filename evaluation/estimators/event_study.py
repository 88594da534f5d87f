"""Event study: the effect period by period, before and after the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.assignment import draw_assignments, fit_assignments
from evaluation.numerics.fixed_effects import fit_fixed_effects
from evaluation.numerics.treated import refuse, requirements, treated_mean
from evaluation.results import Card, Check, Comparison, Estimate, PathPoint, Placebos

REFERENCE = -1
"""Event time all others are measured against: the last period before the start."""

FULL = 1.0 - 1e-9
"""Exposure counted as full; shares are sums of twelfths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStudy:
    """Two-way fixed effects with one coefficient for every event time but -1.

    ``y_it = area_i + period_t + sum over l of b_l 1[t - first_treated_i = l] + error_it``. Event time 0 is the first period whose
    window touches the programme. `att` is the mean of the coefficients of event times at which all treated areas are fully
    exposed, each counted by the number of treated areas that have it; where there is none, the same mean over event times
    with any exposure divided by their mean exposure, with a note.

    Parameters
    ----------
    max_lead, max_lag : int or None
        Longest lead and lag with a coefficient of their own; longer ones share the last one's (None = all their own).
    """

    max_lead: int | None = None
    max_lag: int | None = None

    card: ClassVar[Card] = Card(
        name="event_study",
        title="Event study",
        family="difference-in-differences",
        plain=(
            "For every period before and after the start, the difference between treated and untreated areas is set against "
            "what it was in the last period before the start. Differences before the start show whether the areas moved in "
            "parallel; those after it, averaged, are the effect."
        ),
        estimand=(
            "Average effect on the treated areas over their fully exposed periods: each event time counts by the number of "
            "treated areas observed at it, and all effects are relative to the last period before the start."
        ),
        assumptions=(
            "Without the programme the treated and untreated areas would have moved in parallel since the last period before "
            "the start.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the untreated areas.",
            "With several starts: areas that start at different times have the same path of effects.",
        ),
        limits=(
            "With several starts a coefficient mixes effects of other event times when paths differ between starts (Sun & "
            "Abraham 2021), and leads can look flat or sloping for that reason alone. It is then shown with that caution; a "
            "group-time estimator, which compares each start only with areas not treated yet, is made for this case.",
            "Everything is relative to one period. Where that period's figure is a noisy survey estimate, every coefficient "
            "carries its error.",
            "Shared endpoints assume that the effect is constant beyond them.",
            "Conventional standard errors are wrong with few treated areas; the verdict rests on placebo assignments.",
        ),
        missing_cells="None allowed: a comparison is rectangular. Areas and periods with gaps are left out before, with reasons.",
        source=(
            "Sun & Abraham (2021), Journal of Econometrics 225(2); Schmidheiny & Siegloch (2023), Journal of Applied "
            "Econometrics 38(5), on shared endpoints; computed by pyfixest."
        ),
        compared_with=(
            "linearmodels PanelOLS and statsmodels standard errors in every finding; published: the Medicaid expansion of "
            "2014 as in the documentation of HonestDiD (Rambachan & Roth 2023), and a group-time effect of Callaway & "
            "Sant'Anna (2021)."
        ),
    )

    def __post_init__(self) -> None:
        """Refuse endpoints that leave nothing to estimate."""
        for option, value, lowest in (("max_lead", self.max_lead, 1), ("max_lag", self.max_lag, 0)):
            if value is not None and value < lowest:
                raise ConfigurationError(
                    f"event_study: {option} is {value}; it must be at least {lowest}, or absent for no limit."
                )

    @property
    def name(self) -> str:
        """Registry name."""
        return "event_study"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense; at least one area must never be treated."""
        return requirements(comparison, untreated=1)

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the path of effects and its average.

        Raises
        ------
        DataError
            If no area is treated, none is untreated, one is treated from the first period, or the effects cannot be told apart.
        """
        refuse(self.check(comparison), comparison)
        events = _events(comparison, self.max_lead, self.max_lag)
        treated = treated_mean(comparison)
        areas = treated.columns[None, :]
        # the closed form refuses what cannot be told apart before the regression starts
        fit_assignments(comparison.y, regressors=events.regressors, first=events.first, areas=areas, weights=comparison.weights)
        frame, weights = comparison.to_frame(), None
        frame["event"] = REFERENCE
        frame.loc[frame["first_treated"] > 0, "event"] = events.time.T.ravel()
        if comparison.weights is not None:
            frame["weight"], weights = np.tile(comparison.weights, comparison.n_periods), "weight"
        regression = fit_fixed_effects(
            frame, f"y ~ i(event, ref={REFERENCE}) | unit + time", n_coefficients=len(events.times), weights=weights
        )
        order = np.argsort([int(name.rsplit("::", 1)[1]) for name in regression.names])
        effects = regression.coefficients[order]
        vcov = None if regression.vcov is None else regression.vcov[np.ix_(order, order)]
        gaps = fit_assignments(
            comparison.y,
            regressors=events.regressors,
            first=events.first,
            areas=areas,
            weights=comparison.weights,
            coefficients=effects[None, :],
        )
        mean = events.average
        return Estimate(
            estimator=self.name,
            att=float(mean @ effects),
            path=_path(events, effects, vcov),
            path_vcov=None if vcov is None else _with_reference(events, vcov),
            series=treated.beside(treated.observed - gaps.gap[0], comparison.periods),
            pre_rmspe=float(gaps.pre_rmspe[0]),
            se=None if vcov is None else float(np.sqrt(max(mean @ vcov @ mean, 0.0))),
            notes=events.notes,
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' starts; truly treated areas are left out.

        One treated area: every untreated area in turn, with gaps. Several: `draws` random assignments. Equal to `fit` on the
        panel so relabelled.
        """
        refuse(self.check(comparison), comparison)
        events = _events(comparison, self.max_lead, self.max_lag)
        donors = np.flatnonzero(~comparison.treated)
        single = len(events.first) == 1
        chosen = draw_assignments(n_areas=donors.size, n_treated=len(events.first), draws=draws, seed=seed)
        fits = fit_assignments(
            comparison.y[:, donors],
            areas=chosen.areas,
            weights=None if comparison.weights is None else comparison.weights[donors],
            regressors=events.regressors,
            first=events.first,
        )
        return Placebos(
            att=fits.coefficients @ events.average,
            pre_rmspe=fits.pre_rmspe,
            gaps=fits.gap if single else None,
            labels=comparison.donors if single and len(chosen.areas) else (),
            exhaustive=chosen.exhaustive,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Events:
    """Event times of the K treated areas.

    time (K, T) after sharing endpoints; times (L,) without the reference; regressors (K, T, L); first (K,); counts (L,), treated
    areas with that event time; average (L,), what `att` takes of each coefficient; notes.
    """

    time: np.ndarray
    times: np.ndarray
    regressors: np.ndarray
    first: np.ndarray
    counts: np.ndarray
    average: np.ndarray
    notes: tuple[str, ...]


def _events(comparison: Comparison, max_lead: int | None, max_lag: int | None) -> _Events:
    """Event times with endpoints shared, and the average over fully exposed ones."""
    columns = np.flatnonzero(comparison.treated)
    first = comparison.first_treated[columns]
    time = np.arange(comparison.n_periods) - first[:, None]
    low = -comparison.n_periods if max_lead is None else -max_lead
    high = comparison.n_periods if max_lag is None else max_lag
    time = np.clip(time, low, high)
    times = np.setdiff1d(np.unique(time), [REFERENCE])
    regressors = (time[:, :, None] == times).astype(float)
    exposure = comparison.exposure[:, columns].T
    least = np.array([exposure[time == event].min() for event in times])
    mean = np.array([exposure[time == event].mean() for event in times])
    counts = (time[:, :, None] == times).any(axis=1).sum(axis=0)
    full = (times >= 0) & (least >= FULL)
    notes: list[str] = []
    if full.any():
        average = full * counts / (full * counts).sum()
        part = int(((times >= 0) & ~full).sum())
        if part:
            notes.append(f"{part} event time(s) after the start are exposed in part and not in the average.")
    else:
        partial = (times >= 0) & (mean > 0.0)
        average = partial * counts / (partial * counts * mean).sum()
        notes.append("No event time is fully exposed: the average is scaled up by the share of the windows after the start.")
    if np.unique(first).size > 1:
        notes.append(
            f"Starts fall into {np.unique(first).size} periods: the coefficients mix event times if paths differ between starts."
        )
    return _Events(
        time=time,
        times=times,
        regressors=regressors,
        first=first,
        counts=counts,
        average=average,
        notes=tuple(notes),
    )


def _path(events: _Events, effects: np.ndarray, vcov: np.ndarray | None) -> tuple[PathPoint, ...]:
    """Effects in order of event time, the reference among them as 0."""
    errors = [None] * len(effects) if vcov is None else [float(error) for error in np.sqrt(np.maximum(np.diag(vcov), 0.0))]
    points = [
        PathPoint(event_time=int(event), att=float(effect), n_areas=int(count), se=error)
        for event, effect, count, error in zip(events.times, effects, events.counts, errors, strict=True)
    ]
    points.append(PathPoint(event_time=REFERENCE, att=0.0, n_areas=len(events.first)))
    return tuple(sorted(points, key=lambda point: point.event_time))


def _with_reference(events: _Events, vcov: np.ndarray) -> np.ndarray:
    """Covariance of the whole path: nothing varies at the reference."""
    position = int((events.times < REFERENCE).sum())
    return np.insert(np.insert(vcov, position, 0.0, axis=0), position, 0.0, axis=1)

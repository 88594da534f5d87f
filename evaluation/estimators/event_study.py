"""Event study: the effect period by period, before and after the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.regression import Effects, fit_regression, place_regression
from evaluation.numerics.specification import Specification
from evaluation.numerics.treated import refuse, requirements, unequal_doses
from evaluation.results import Card, Check, Comparison, Estimate, PathPoint, Placebos

REFERENCE = -1
"""Event time all others are measured against: the last period before the start."""

FULL = 1.0 - 1e-9
"""Exposure counted as full; shares are sums of twelfths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStudy(Specification):
    """Two-way fixed effects with one coefficient for every event time but -1.

    ``y_it = area_i + period_t + sum over l of b_l 1[t - first_treated_i = l] + error_it``. Event time 0 is the first period whose
    window touches the programme. `att` is the mean of the coefficients of event times at which all treated areas are fully
    exposed, each counted by the number of treated areas that have it; where there is none, the same mean over event times
    with any exposure divided by their mean exposure, with a note. More terms: `Specification`.

    Parameters
    ----------
    max_lead, max_lag : int or None
        Longest lead and lag with a coefficient of their own; longer ones share the last one's (None = all their own).

    Examples
    --------
    Every area rises by 1 a year. The programme adds 1 in its first year, 2 in its second and 3 in its third, from year 3 in ``a``
    and from year 4 in ``b``:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [11, 12, 14, 16, 18], "b": [21, 22, 23, 25, 27], "c": [31, 32, 33, 34, 35], "d": [6, 7, 8, 9, 10]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3, "b": 4})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = EventStudy().fit(own)
    >>> {point.event_time: round(point.att, 6) for point in estimate.path if point.event_time >= 0}
    {0: 1.0, 1: 2.0, 2: 3.0}

    The average is of the five treated cells, (1 + 2 + 3 + 1 + 2) / 5:

    >>> round(estimate.att, 6)
    1.8
    """

    max_lead: int | None = None
    max_lag: int | None = None

    card: ClassVar[Card] = Card(
        name="event_study",
        controls="all areas in the same period",
        base="the last period before the start",
        weighting="event times by the number of treated areas observed at them",
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
            "Abraham 2021), and leads can look flat or sloping for that reason alone. It is then shown with that caution; the "
            "interaction-weighted event study and others that compare each start only with areas not treated yet are made for "
            "this case.",
            "Everything is relative to one period. Where that period's figure is a noisy survey estimate, every coefficient "
            "carries its error.",
            "Shared endpoints assume that the effect is constant beyond them.",
            "Conventional standard errors are wrong with few treated areas; the verdict rests on placebo assignments.",
        ),
        missing_cells=(
            "Allowed: cells without outcome or covariate are left out of the regression. An area counts in the average at every "
            "event time of the window, observed or not; a treated area must be observed in every period and at every event time."
        ),
        source=(
            "Sun & Abraham (2021), Journal of Econometrics 225(2); Schmidheiny & Siegloch (2023), Journal of Applied "
            "Econometrics 38(5), on shared endpoints; computed by pyfixest, and with further terms or missing cells by direct "
            "partialling out (Frisch & Waugh 1933)."
        ),
        compared_with=(
            "linearmodels PanelOLS and statsmodels standard errors in every finding; published: the Medicaid expansion of "
            "2014 as in the documentation of HonestDiD (Rambachan & Roth 2023), and a group-time effect of Callaway & "
            "Sant'Anna (2021)."
        ),
    )

    def __post_init__(self) -> None:
        """Refuse endpoints that leave nothing to estimate."""
        Specification.__post_init__(self)
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
        return [*requirements(comparison, untreated=1), *unequal_doses(comparison), *self.check_terms(comparison)]

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the path of effects and its average.

        Raises
        ------
        DataError
            If no area is treated, none is untreated, one is treated from the first period, areas with different starts are
            reached in different doses, or the effects cannot be told apart.
        """
        refuse(self.check(comparison), comparison)
        events = _events(comparison, self.max_lead, self.max_lag)
        found = fit_regression(comparison, self, events.effects)
        return Estimate(
            estimator=self.name,
            att=found.average(events.effects),
            path=_path(events, found.coefficients, found.vcov),
            path_vcov=None if found.vcov is None else _with_reference(events, found.vcov),
            series=found.series,
            pre_rmspe=found.pre_rmspe,
            se=found.average_se(events.effects),
            coefficients=found.others,
            notes=events.notes,
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' starts; truly treated areas are left out.

        Places as `draw_places` draws them: as many neighbouring authorities as the treated place has, or every authority in turn
        where one is treated. Equal to `fit` on `merge_places`; an assignment that `fit` would refuse is left out. Closed forms
        but for further terms together with places of several authorities, which take a fit each (some 20 ms).
        """
        refuse(self.check(comparison), comparison)
        events = _events(comparison, self.max_lead, self.max_lag)
        return place_regression(comparison, self, events.effects, self.fit, draws=draws, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Events:
    """Event times of the K treated areas.

    times (L,) without the reference; counts (L,), treated areas with that event time in the window; effects, one regressor for
    each of `times`; notes.
    """

    times: np.ndarray
    counts: np.ndarray
    effects: Effects
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
        times=times,
        counts=counts,
        effects=Effects(
            names=tuple(f"event time {event}" for event in times),
            regressors=regressors,
            first=first,
            average=average,
            # nothing is estimated at the reference
            path=np.insert(np.eye(times.size), int((times < REFERENCE).sum()), 0.0, axis=0),
        ),
        notes=tuple(notes),
    )


def _path(events: _Events, effects: np.ndarray, vcov: np.ndarray | None) -> tuple[PathPoint, ...]:
    """Effects in order of event time, the reference among them as 0."""
    errors = [None] * len(effects) if vcov is None else [float(error) for error in np.sqrt(np.maximum(np.diag(vcov), 0.0))]
    points = [
        PathPoint(event_time=int(event), att=float(effect), n_areas=int(count), se=error)
        for event, effect, count, error in zip(events.times, effects, events.counts, errors, strict=True)
    ]
    points.append(PathPoint(event_time=REFERENCE, att=0.0, n_areas=len(events.effects.first)))
    return tuple(sorted(points, key=lambda point: point.event_time))


def _with_reference(events: _Events, vcov: np.ndarray) -> np.ndarray:
    """Covariance of the whole path: nothing varies at the reference."""
    position = int((events.times < REFERENCE).sum())
    return np.insert(np.insert(vcov, position, 0.0, axis=0), position, 0.0, axis=1)

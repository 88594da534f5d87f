"""Local projections difference-in-differences: at every horizon the change since before the start, against clean controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.clean import CleanDesign
from evaluation.numerics.clean_estimate import complete, estimate_clean, place_clean
from evaluation.numerics.treated import refuse, requirements
from evaluation.results import Card, Check, Comparison, Estimate, Placebos

Base = Literal["last", "mean"]
HorizonWeighting = Literal["equal", "variance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalProjections:
    """A regression of its own at every horizon, of the change since before the start on the start.

    At horizon h: ``y_i,t+h - base_it = b_h 1[first_treated_i = t] + period_t + error`` over the areas that start in t and the
    clean controls, those not treated until t + h (for h < 0 until t). `att` is the mean of b_h over horizons at which all
    treated areas are fully exposed, each counted by the number of treated areas that have it; where there is none, over horizons
    with any exposure, divided by their mean exposure, with a note.

    Parameters
    ----------
    weighting : {"equal", "variance"}
        Every treated area counts the same (the reweighted regression of the paper), or starts count as least squares has it.
    base : {"last", "mean"}
        The last period before the start, or the mean of all of them: less noisy, and right if paths are parallel all along.
    max_lead, max_lag : int or None
        Longest horizons before and after the start (None = all in the window).

    Examples
    --------
    Every area rises by 1 a year. The programme adds 1 in its first year, 2 in its second and 3 in its third, from year 3 in ``a``
    and from year 4 in ``b``. Each horizon is a regression of its own:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [11, 12, 14, 16, 18], "b": [21, 22, 23, 25, 27], "c": [31, 32, 33, 34, 35], "d": [6, 7, 8, 9, 10]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3, "b": 4})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = LocalProjections().fit(own)
    >>> {point.event_time: (round(point.att, 6), point.n_areas) for point in estimate.path if point.event_time >= 0}
    {0: (1.0, 2), 1: (2.0, 2), 2: (3.0, 1)}
    >>> round(LocalProjections(max_lag=1).fit(own).att, 6)
    1.5
    """

    weighting: HorizonWeighting = "equal"
    base: Base = "last"
    max_lead: int | None = None
    max_lag: int | None = None

    card: ClassVar[Card] = Card(
        name="local_projections",
        controls="areas not treated yet, horizon by horizon",
        base="the last period before the start",
        weighting="horizons one by one, then by treated areas",
        title="Local projections difference-in-differences",
        family="difference-in-differences",
        plain=(
            "For every number of periods since the start, the change in the treated areas since before their start is set "
            "against the change over the same time in areas that are not treated by then. Areas already treated never serve as "
            "comparison."
        ),
        estimand=(
            "Average effect on the treated areas over their fully exposed periods: each horizon counts by the number of treated "
            "areas observed at it, and all effects are relative to the last period before the start, or to the mean before it."
        ),
        assumptions=(
            "Without the programme treated areas and those not treated yet would have moved in parallel: since the last period "
            "before the start, or with base='mean' over all periods.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach areas before their own start.",
        ),
        limits=(
            "Every horizon has its own areas and controls, so a path can bend because its areas change.",
            "With base='last' everything is relative to one period; where that period's figure is a noisy survey estimate, every "
            "effect carries its error. With base='mean' a drift before the start passes into the effect.",
            "With weighting='variance' starts with many controls count for more than their areas.",
            "Conventional standard errors are wrong with few treated areas; the verdict rests on placebo assignments.",
        ),
        missing_cells="None allowed: leave out areas or periods with gaps, or use the event study.",
        source=(
            "Dube, Girardi, Jorda & Taylor (2023), NBER working paper 31184, for a treatment that stays; computed in closed form."
        ),
        compared_with="statsmodels, horizon by horizon, in every finding; pyfixest's local projections in the tests.",
    )

    def __post_init__(self) -> None:
        """Refuse what is not an option or leaves nothing to estimate."""
        for option, kind in (("weighting", HorizonWeighting), ("base", Base)):
            value = getattr(self, option)
            if value not in get_args(kind):
                raise ConfigurationError(f"local_projections: {option} is {value!r}; it must be {' or '.join(get_args(kind))}.")
        for option, number, lowest in (("max_lead", self.max_lead, 1), ("max_lag", self.max_lag, 0)):
            if number is not None and number < lowest:
                raise ConfigurationError(
                    f"local_projections: {option} is {number}; it must be at least {lowest}, or absent for no limit."
                )

    @property
    def name(self) -> str:
        """Registry name."""
        return "local_projections"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense; at least one area must never be treated."""
        return [*requirements(comparison, untreated=1), complete(comparison)]

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the path of effects and its average.

        Raises
        ------
        DataError
            If no area is treated, none is untreated, one is treated from the first period, or a cell is missing.
        """
        refuse(self.check(comparison), comparison)
        return estimate_clean(comparison, self._design(comparison), name=self.name, notes=())

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' starts; truly treated areas are left out.

        Places as `draw_places` draws them: as many neighbouring authorities as the treated place has, or every authority in turn
        where one is treated. Equal to `fit` on `merge_places`, in closed form.
        """
        refuse(self.check(comparison), comparison)
        return place_clean(comparison, self._design(comparison), draws=draws, seed=seed)

    def _design(self, comparison: Comparison) -> CleanDesign:
        """The long differences of every start."""
        first = comparison.first_treated[comparison.treated]
        starts, periods = np.unique(first), np.arange(comparison.n_periods)
        event = periods - starts[:, None]
        window = np.ones(event.shape, dtype=bool)
        if self.max_lead is not None:
            window &= event >= -self.max_lead
        if self.max_lag is not None:
            window &= event <= self.max_lag
        base = (event == -1) if self.base == "last" else (event < 0)
        return CleanDesign(
            first=first,
            exposure=comparison.exposure[:, comparison.treated].T,
            starts=starts,
            base=base / base.sum(axis=1, keepdims=True),
            clean_from=np.maximum(starts[:, None], periods),
            window=window,
            weighting=self.weighting,
        )

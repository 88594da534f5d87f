"""Stacked difference-in-differences: one experiment for every start, with clean controls, stacked on event time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from evaluation.errors import ConfigurationError, DataError
from evaluation.numerics.clean import CleanDesign
from evaluation.numerics.clean_estimate import complete, estimate_clean, place_clean
from evaluation.numerics.treated import refuse, requirements
from evaluation.results import Card, Check, Comparison, Estimate, Placebos

StackWeighting = Literal["corrective", "variance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedDiD:
    """One difference-in-differences for every start over the same window of event time, regressed together.

    The experiment of a start has its areas and the clean controls: areas never treated, and those that start after its window
    ends. All experiments are stacked and regressed on event time by treatment (-1 the reference) with area and event-time
    effects of their own. A start without the whole window is left out, so that the same areas make up every event time. `att` is
    the mean of the effects of fully exposed event times; where there is none, of those with any exposure divided by their mean
    exposure, with a note. Series and `pre_rmspe` cover all treated areas and periods.

    Parameters
    ----------
    max_lead, max_lag : int or None
        Periods before and after the start in the window; default the longest that every start has.
    weighting : {"corrective", "variance"}
        Every treated area counts the same, by the corrective weights of Wing, Freedman & Hollingsworth (2024); or experiments
        count as least squares has it (Cengiz and others 2019).

    Examples
    --------
    Every area rises by 1 a year. The programme adds 1 in its first year, 2 in its second and 3 in its third, from year 3 in ``a``
    and from year 4 in ``b``. The window is what both starts have, two years, so that year three of ``a`` plays no part:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [11, 12, 14, 16, 18], "b": [21, 22, 23, 25, 27], "c": [31, 32, 33, 34, 35], "d": [6, 7, 8, 9, 10]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3, "b": 4})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = StackedDiD().fit(own)
    >>> round(estimate.att, 6), [point.event_time for point in estimate.path]
    (1.5, [-2, -1, 0, 1])
    >>> round(StackedDiD(max_lag=0).fit(own).att, 6)
    1.0
    """

    max_lead: int | None = None
    max_lag: int | None = None
    weighting: StackWeighting = "corrective"

    card: ClassVar[Card] = Card(
        name="stacked",
        controls="areas not treated within the window of each start",
        base="the last period before the start",
        weighting="one clean comparison a start, brought together by the regression",
        title="Stacked difference-in-differences",
        family="difference-in-differences",
        plain=(
            "For every start there is one comparison of its own: the areas that start then, against areas that are not treated "
            "for as long as the comparison lasts. These comparisons are laid on top of each other by time since the start and "
            "averaged. Areas already treated never serve as comparison."
        ),
        estimand=(
            "Average effect on the areas of all starts that have the whole window, over its fully exposed periods; the same "
            "areas at every event time, relative to the last period before the start."
        ),
        assumptions=(
            "Without the programme the areas of every start and their clean controls would have moved in parallel since the last "
            "period before that start.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the controls.",
        ),
        limits=(
            "The window is as long as its shortest start allows; what happens later is not in the average.",
            "A start without the whole window is left out, with a note, when a longer window is asked for.",
            "With weighting='variance' starts with many controls count for more than their areas, and the average has no group "
            "it is the effect on.",
            "Everything is relative to one period. Where that period's figure is a noisy survey estimate, every effect carries "
            "its error.",
            "Conventional standard errors are wrong with few treated areas; the verdict rests on placebo assignments.",
        ),
        missing_cells="None allowed: leave out areas or periods with gaps, or use the event study.",
        source=(
            "Wing, Freedman & Hollingsworth (2024), NBER working paper 32054, for the weights and the trimming; Cengiz, Dube, "
            "Lindner & Zipperer (2019), Quarterly Journal of Economics 134(3); computed in closed form."
        ),
        compared_with="statsmodels on the stacked data in every finding.",
    )

    def __post_init__(self) -> None:
        """Refuse what leaves nothing to estimate."""
        for option, value, lowest in (("max_lead", self.max_lead, 1), ("max_lag", self.max_lag, 0)):
            if value is not None and value < lowest:
                raise ConfigurationError(
                    f"stacked: {option} is {value}; it must be at least {lowest}, or absent for the longest."
                )
        if self.weighting not in get_args(StackWeighting):
            raise ConfigurationError(f"stacked: weighting is {self.weighting!r}; it must be corrective or variance.")

    @property
    def name(self) -> str:
        """Registry name."""
        return "stacked"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense; at least one area must never be treated."""
        return [*requirements(comparison, untreated=1), complete(comparison)]

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the path of effects and its average.

        Raises
        ------
        DataError
            If no area is treated, none is untreated, one is treated from the first period, a cell is missing, or no start has the
            whole window.
        """
        refuse(self.check(comparison), comparison)
        design, notes = self._design(comparison)
        return estimate_clean(comparison, design, name=self.name, notes=notes)

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' starts; truly treated areas are left out.

        Places as `draw_places` draws them: as many neighbouring authorities as the treated place has, or every authority in turn
        where one is treated. Equal to `fit` on `merge_places`, in closed form.
        """
        refuse(self.check(comparison), comparison)
        return place_clean(comparison, self._design(comparison)[0], draws=draws, seed=seed)

    def _design(self, comparison: Comparison) -> tuple[CleanDesign, tuple[str, ...]]:
        """The experiments, and a note on starts that are left out."""
        first = comparison.first_treated[comparison.treated]
        starts, periods = np.unique(first), np.arange(comparison.n_periods)
        later = comparison.n_periods - 1 - starts
        lead = int(starts.min()) if self.max_lead is None else self.max_lead
        lag = int(later.min()) if self.max_lag is None else self.max_lag
        whole = (starts >= lead) & (later >= lag)
        if not whole.any():
            raise DataError(
                f"stacked: no start has {lead} periods before it and {lag} after it in the window of {comparison.n_periods} "
                "periods; ask for fewer."
            )
        event = periods - starts[:, None]
        notes = (
            (
                f"{int((~whole).sum())} of {starts.size} starts do not have {lead} periods before and {lag} after in the window "
                "and are left out.",
            )
            if not whole.all()
            else ()
        )
        design = CleanDesign(
            first=first,
            exposure=comparison.exposure[:, comparison.treated].T,
            starts=starts,
            base=(event == -1).astype(float),
            # beyond its window, which is shown but not estimated, a start keeps the controls that are still untreated
            clean_from=np.maximum(starts[:, None] + lag, periods),
            window=whole[:, None] & (event >= -lead) & (event <= lag),
            weighting=self.weighting,
        )
        return design, notes

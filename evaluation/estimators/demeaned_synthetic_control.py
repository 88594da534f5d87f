"""Demeaned synthetic control: untreated areas are mixed to follow the treated area's movements, not its level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluation.numerics.mixing import (
    LeftOut,
    estimate_by_mix,
    leave_out_by_mix,
    mix_demeaned,
    placebos_by_mix,
    refuse_mix,
    requirements_of_mix,
)
from evaluation.results import Card, Check, Comparison, Estimate, Placebos


@dataclass(frozen=True, slots=True, kw_only=True)
class DemeanedSyntheticControl:
    """Synthetic control with an intercept, one treated area.

    Every area's mean over the periods before the start is taken from it; weights ``w >= 0``, ``sum w = 1`` minimise the squared
    differences that are left. The intercept is the treated area's mean less the weighted donors' mean. Where the fit is exact the
    most even weights are taken.

    Examples
    --------
    ``a`` moves as the mean of ``b`` and ``c``, ten points above it, and is 2 higher from year 5 on. A mix of levels could not
    follow it; a constant difference is taken away here:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [15, 16, 15, 17, 19, 19], "b": [4, 6, 4, 7, 6, 7], "c": [6, 6, 6, 7, 8, 7], "d": [1, 0, 3, 1, 2, 0]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5, 6]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 5})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = DemeanedSyntheticControl().fit(own)
    >>> round(estimate.att, 6), {donor.area: round(donor.weight, 2) for donor in estimate.weights if donor.weight > 0.01}
    (2.0, {'b': 0.5, 'c': 0.5})
    """

    card: ClassVar[Card] = Card(
        name="demeaned_synthetic_control",
        controls="a mix of donors that moves as the area does before the start",
        base="the mean of all periods before the start",
        weighting="donors by non-negative shares that add up to one",
        title="Demeaned synthetic control",
        family="synthetic control",
        plain=(
            "Untreated areas are mixed in fixed shares so that the mix moves as the treated area moved before the start; a "
            "constant difference in level between the two is allowed and taken away. What the difference grows or shrinks by "
            "after the start is the effect."
        ),
        estimand="Average effect of full exposure on the one treated area over the periods after its start.",
        assumptions=(
            "A mix that moved with the area over many periods before the start would also have moved with it afterwards.",
            "The difference in level between the area and the mix would have stayed as it was.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the donors, and nothing else of its size happens to them.",
        ),
        limits=(
            "It uses no information on levels: an area may be mixed from areas far above and below it, whose paths can part for "
            "reasons of their level.",
            "With few periods before the start the means themselves are noisy, and their noise stands in the effect.",
            "Where donors outnumber the periods before the start, several mixes can fit equally well; the most even is taken.",
            "It has no standard error; chance is judged by placebo areas.",
        ),
        missing_cells="None allowed in the outcome. Areas and periods with gaps are left out before, with reasons.",
        source=(
            "Ferman & Pinto (2021), Quantitative Economics 12(4); Doudchenko & Imbens (2016), NBER working paper 22791, with "
            "weights on the simplex."
        ),
        compared_with="The quadratic-programming solver Clarabel.",
    )

    @property
    def name(self) -> str:
        """Registry name."""
        return "demeaned_synthetic_control"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense: one treated area, one donor, periods before and after, no gaps."""
        return requirements_of_mix(comparison)

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the gap between the treated area and its weighted donors plus intercept.

        Raises
        ------
        DataError
            If several areas are treated, or none; if there is no donor, no period before the start, or a gap in the outcome.
        """
        refuse_mix(comparison)
        return estimate_by_mix(self.name, comparison, mix_demeaned)

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Untreated areas as if treated from the treated area's start, places as `draw_places` draws them; one batch."""
        refuse_mix(comparison)
        return placebos_by_mix(comparison, mix_demeaned, draws=draws, seed=seed)

    def leave_one_out(self, comparison: Comparison, estimate: Estimate) -> LeftOut:
        """The estimate without each donor that has weight, one at a time."""
        refuse_mix(comparison)
        return leave_out_by_mix(comparison, estimate, mix_demeaned)

"""Interactive fixed effects: treated areas filled in from common factors of untreated ones (generalised synthetic control)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.completion import coverage, estimate_by_completion
from evaluation.numerics.factors import Factors, fill_in, find_factors, left_out_error
from evaluation.numerics.placing import refit_places
from evaluation.numerics.treated import refuse, requirements
from evaluation.results import Card, Check, Comparison, Estimate, Placebos

NO_WORSE = 1.0 + 1e-9
"""More factors are taken only where they predict better than this."""

NIL = 1e-9
"""Errors below this share of the outcome's standard deviation are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractiveFixedEffects:
    """Interactive fixed effects on untreated areas; any starts, gaps allowed.

    Untreated areas give ``y_it = area_i + period_t + loadings_i' factors_t + error_it`` by least squares. Each treated area's
    level and loadings are fitted to its own periods before its start, and what follows from them afterwards stands for the
    area without the programme. `att` is the slope of observed less filled in on exposure through zero over the treated cells,
    areas by their weight. The number of factors is the one with which treated areas' early periods are best predicted, each
    from the others; among equals the smallest. `Comparison.weights` play no part in the fit, covariates none at all.

    Parameters
    ----------
    factors : int or None
        Number of factors; None = by cross-validation.
    most_factors : int
        Largest number tried.

    Examples
    --------
    A wave runs through all areas, in ``a`` three times and in ``c`` twice as strong as in ``b``, and not in ``d``; from year 5 on
    ``a`` is 4 higher. Without a factor part of the wave is mistaken for an effect; with one it is not:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [10, 13, 10, 16, 14, 17], "b": [5, 6, 5, 7, 5, 6], "c": [7, 9, 7, 11, 7, 9], "d": [2, 2, 2, 2, 2, 2]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5, 6]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 5})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> round(InteractiveFixedEffects(factors=0).fit(own).att, 6)
    3.5
    >>> round(InteractiveFixedEffects(factors=1).fit(own).att, 6)
    4.0
    """

    factors: int | None = None
    most_factors: int = 5

    card: ClassVar[Card] = Card(
        name="interactive_fixed_effects",
        controls="all untreated areas, through common factors",
        base="what those factors predict",
        weighting="every treated area-period the same",
        title="Interactive fixed effects (generalised synthetic control)",
        family="synthetic control",
        plain=(
            "Untreated areas show a few common movements. How strongly a treated area follows each of them is read off the "
            "periods before its start; the same movements then tell what it would have shown afterwards. The difference is the "
            "effect."
        ),
        estimand=(
            "Average effect of full exposure on the treated areas over their treated periods; every treated cell counts alike."
        ),
        assumptions=(
            "Without the programme outcomes are levels, shifts and few common movements, plus noise unrelated to the programme.",
            "Treated areas follow movements that untreated areas show too.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the untreated areas, and nothing else of its size happens to the treated ones.",
        ),
        limits=(
            "Loadings are estimated from each treated area's few early periods: with fewer than ten or so they are mostly noise, "
            "and the fit before the start looks better than any prediction would.",
            "With several factors a treated area may be filled in from beyond what untreated areas have shown.",
            "Missing figures must be missing for reasons unrelated to what they would have been.",
            "It has no standard error; chance is judged by placebo areas.",
        ),
        missing_cells=(
            "Allowed: gaps of untreated areas are filled in by the fit itself. Every area needs a figure before its start and "
            "every period one of an area never treated."
        ),
        source=("Xu (2017), Political Analysis 25(1), algorithms 1 and 2 (without covariates); Bai (2009), Econometrica 77(4)."),
        compared_with=(
            "Alternating least squares on the same model with gaps; with no factor, the imputation estimate by least squares on "
            "dummies."
        ),
    )

    def __post_init__(self) -> None:
        """Refuse numbers below none."""
        for option, value in (("factors", self.factors), ("most_factors", self.most_factors)):
            if value is not None and value < 0:
                raise ConfigurationError(f"interactive_fixed_effects: {option} is {value}; it must not be negative.")

    @property
    def name(self) -> str:
        """Registry name."""
        return "interactive_fixed_effects"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense: untreated areas seen in every period, periods before and after."""
        return [*requirements(comparison, untreated=1), *coverage(comparison), _never_treated_periods(comparison)]

    def fit(self, comparison: Comparison) -> Estimate:
        """Fill in the treated areas and compare.

        Raises
        ------
        DataError
            If no area is treated or none untreated, one is treated from the first period, or an area or period has no figure
            to fit.
        """
        refuse(self.check(comparison), comparison)
        imputer = _Factors(factors=self.factors, most=self.most_factors)
        columns = np.flatnonzero(comparison.treated)
        mask = np.isfinite(comparison.y) & (comparison.exposure == 0.0)
        count = imputer.choose(comparison.y, mask, columns)[1]
        notes = [f"{count} common factor(s) beside area and period effects."]
        if comparison.covariates:
            notes.append(f"Covariates are not used: {', '.join(comparison.covariates)}.")
        return estimate_by_completion(comparison, imputer, name=self.name, notes=tuple(notes))

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Untreated areas in the treated areas' places, which are left out.

        Places as `draw_places` draws them; each is a fit on `merge_places`, the number of factors chosen anew, and one that is
        refused is left out. Some decompositions each of the periods' cross products: 2 ms each with 250 areas and 34 periods
        where one place is treated, 7 ms where nine are; with gaps among untreated areas more.
        """
        refuse(self.check(comparison), comparison)
        return refit_places(self.fit, comparison, draws=draws, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Factors:
    """Fills in with a given number of factors, or the best up to `most`."""

    factors: int | None
    most: int

    def choose(self, y: np.ndarray, mask: np.ndarray, columns: np.ndarray) -> tuple[Factors, int]:
        """Common factors and how many of them to use."""
        donors = np.where(mask, y, np.nan)[:, np.setdiff1d(np.arange(y.shape[1]), columns)]
        # demeaning costs one in each direction; a treated area must keep a period to be predicted
        most = max(min(*(n - 1 for n in donors.shape), int(mask[:, columns].sum(axis=0).min()) - 2), 0)
        if self.factors is not None:
            count = min(self.factors, most)
            return find_factors(donors, count), count
        complete = bool(np.isfinite(donors).all())
        tried = range(min(self.most, most) + 1)
        # without gaps the factors of a smaller number are the first of a larger
        whole = find_factors(donors, tried[-1])
        found = [whole if complete else find_factors(donors, count) for count in tried]
        errors = [sum(left_out_error(y[:, n], mask[:, n], found[count], count) for n in columns) for count in tried]
        enough = max(min(errors) * NO_WORSE, columns.size * (NIL * float(np.nanstd(donors))) ** 2)
        count = next(count for count in tried if errors[count] <= enough) if np.isfinite(enough) else 0
        return found[count], count

    def __call__(self, y: np.ndarray, mask: np.ndarray, columns: np.ndarray) -> np.ndarray:
        common, count = self.choose(y, mask, columns)
        return np.stack([fill_in(y[:, n], mask[:, n], common, count) for n in columns])


def _never_treated_periods(comparison: Comparison) -> Check:
    """Whether untreated areas are seen in every period: factors come from them alone."""
    seen = np.isfinite(comparison.y[:, ~comparison.treated]).any(axis=1)
    blank = [comparison.periods[t] for t in np.flatnonzero(~seen)]
    return Check(
        name="untreated_in_every_period",
        title="Untreated areas are seen in every period",
        passed=not blank,
        text="Untreated areas are seen in every period."
        if not blank
        else f"{len(blank)} period(s) have no outcome of an area never treated: {', '.join(blank[:5])}; leave them out.",
    )

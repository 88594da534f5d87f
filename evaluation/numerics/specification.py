"""What a regression takes out of the outcome beside the effect, as options that regression estimators share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.results import Check, Comparison

Effects = Literal["area", "cohort"]
Covariance = Literal["cluster", "hetero", "iid"]
SmallSample = Literal["full", "nested"]

GROUPS = ("regions", "clusters")
"""Groupings every comparison can carry; any other name is a covariate whose values are categories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """Terms and covariance of a regression with period effects; the defaults are area and period effects alone.

    Parameters
    ----------
    covariates : tuple of str
        Names in `Comparison.covariates` used as regressors; each has a coefficient in `Estimate.coefficients`.
    period_effects_by : tuple of str
        Period effects that differ between the groups of each name: ``regions``, ``clusters`` or a covariate whose values are
        categories.
    period_slopes_by : tuple of str
        Covariates with a slope of their own in every period (for one that does not change over time: the outcome's path may
        depend on it).
    area_trends : bool
        A straight line over time for every area.
    effects : {"area", "cohort"}
        One effect for every area; or one for every start and one for the areas never treated, as for repeated cross-sections,
        with the coefficients of starts and periods in `Estimate.coefficients`.
    covariance : {"cluster", "hetero", "iid"}
        Of the conventional standard error: clustered by `Comparison.clusters` (else by area), heteroskedastic, or classical.
    small_sample : {"full", "nested"}
        Whether area effects, which are nested in the clusters, count as coefficients in the factor ``(n - 1) / (n - k)``.
        ``nested`` leaves them out, as much published work does.
    """

    covariates: tuple[str, ...] = ()
    period_effects_by: tuple[str, ...] = ()
    period_slopes_by: tuple[str, ...] = ()
    area_trends: bool = False
    effects: Effects = "area"
    covariance: Covariance = "cluster"
    small_sample: SmallSample = "full"

    def __post_init__(self) -> None:
        """Refuse what is not an option; lists become tuples."""
        for option in ("covariates", "period_effects_by", "period_slopes_by"):
            value = getattr(self, option)
            if isinstance(value, str):
                raise ConfigurationError(f"{option} is the text {value!r}; give a list of names, such as [{value!r}].")
            object.__setattr__(self, option, tuple(value))
        for option, kind in (("effects", Effects), ("covariance", Covariance), ("small_sample", SmallSample)):
            value = getattr(self, option)
            if value not in get_args(kind):
                raise ConfigurationError(f"{option} is {value!r}; it must be one of {', '.join(get_args(kind))}.")
        if self.area_trends and self.effects != "area":
            raise ConfigurationError("area_trends needs effects='area': a trend of an area has no meaning without its level.")

    def is_plain(self, comparison: Comparison) -> bool:
        """Whether there are area and period effects alone, on complete data, with clustered covariance."""
        terms = self.covariates or self.period_effects_by or self.period_slopes_by or self.area_trends
        return not terms and self.effects == "area" and self.covariance == "cluster" and bool(comparison.observed.all())

    def check_terms(self, comparison: Comparison) -> list[Check]:
        """Whether the comparison has what the options name, and the treated areas are seen in every period."""
        checks = []
        named = (*self.covariates, *self.period_slopes_by, *(n for n in self.period_effects_by if n not in GROUPS))
        absent = sorted({name for name in named if name not in comparison.covariates})
        absent += [name for name in GROUPS if name in self.period_effects_by and len(set(getattr(comparison, name))) < 2]
        if named or absent:
            there = ", ".join(comparison.covariates) or "none"
            checks.append(
                Check(
                    name="terms",
                    title="The comparison has the terms of the regression",
                    passed=not absent,
                    text=f"The comparison has no {', '.join(absent)} to use; its covariates are: {there}."
                    if absent
                    else "The comparison has every term that the options name.",
                )
            )
        if not comparison.observed.all():
            seen = np.atleast_2d(comparison.observed)[:, comparison.treated].any(axis=1)
            blind = [comparison.periods[t] for t in np.flatnonzero(~seen)]
            checks.append(
                Check(
                    name="treated_observed",
                    title="A treated area is observed in every period",
                    passed=not blind or not comparison.treated.any(),
                    text=f"No treated area is observed in {', '.join(blind[:5])}; leave such periods out."
                    if blind
                    else "A treated area is observed in every period.",
                )
            )
        return checks

    def reported(self, comparison: Comparison) -> tuple[tuple[str, ...], np.ndarray]:
        """Names (C,) and columns (T, N, C) of the terms whose coefficients are handed out."""
        shape = comparison.y.shape
        names, columns = list(self.covariates), [comparison.covariates[name] for name in self.covariates]
        if self._reports_effects:
            for start in np.unique(comparison.first_treated[comparison.treated]):
                names.append(f"start {comparison.periods[start]}")
                columns.append(np.broadcast_to(comparison.first_treated == start, shape))
            for t in range(1, shape[0]):
                names.append(f"period {comparison.periods[t]}")
                columns.append(np.broadcast_to((np.arange(shape[0]) == t)[:, None], shape))
        return tuple(names), _stack(columns, shape)

    def absorbed(self, comparison: Comparison) -> np.ndarray:
        """Columns (T, N, P) of all other terms but area effects and trends."""
        shape = comparison.y.shape
        if self._reports_effects:
            columns = [np.ones(shape)]
        else:
            columns = (
                []
                if self.effects == "area"
                else [_by_area(comparison.first_treated == g, shape) for g in self._starts(comparison)]
            )
            for name in self.period_effects_by or (None,):
                for group in _groups(comparison, name):
                    columns += [group * _one_period(t, shape) for t in range(shape[0])]
        for name in self.period_slopes_by:
            columns += [np.nan_to_num(comparison.covariates[name]) * _one_period(t, shape) for t in range(shape[0])]
        return _stack(columns, shape)

    @property
    def _reports_effects(self) -> bool:
        return self.effects == "cohort" and not self.period_effects_by

    def _starts(self, comparison: Comparison) -> np.ndarray:
        return np.unique(comparison.first_treated)


def _groups(comparison: Comparison, name: str | None) -> list[np.ndarray]:
    """Indicators (T, N) of the groups of one name; one group of all where there is none."""
    shape = comparison.y.shape
    if name is None:
        return [np.ones(shape)]
    if name in GROUPS:
        labels = np.array(getattr(comparison, name))
        return [_by_area(labels == label, shape) for label in np.unique(labels)]
    values = comparison.covariates[name]
    return [(values == value).astype(float) for value in np.unique(values[np.isfinite(values)])]


def _by_area(marks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(marks.astype(float), shape)


def _one_period(t: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to((np.arange(shape[0]) == t).astype(float)[:, None], shape)


def _stack(columns: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.stack(columns, axis=2).astype(float) if columns else np.zeros((*shape, 0))

"""Whether other software finds the same number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import pandas as pd

from evaluation.estimators.event_study import REFERENCE
from evaluation.estimators.matrix_completion import MatrixCompletion
from evaluation.estimators.penalised_synthetic_control import choose_penalty
from evaluation.inference.checks import second_completions, second_differences, second_mixes, second_regressions
from evaluation.numerics.simplex import EXACT
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "two_implementations"
TITLE = "Two implementations agree"

TOLERANCE = 1e-6
"""Largest difference, as a share of the outcome's standard deviation: far above rounding, far below anything of substance."""

MANY = 10
"""Number of coefficients above which linearmodels takes seconds: statsmodels on demeaned data then gives effects as well."""


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Estimate once more by software that shares nothing with the first.

    Difference-in-differences: effects by linearmodels (PanelOLS), statsmodels or SciPy's sparse least squares; for two-way fixed
    effects and the event study, conventional standard errors by statsmodels. Synthetic control: donor weights by SciPy's
    non-negative least squares, the most even ones where many fit exactly; where weights that fit as well still give another
    effect, the check fails for that reason.
    """
    second = _SECOND.get(estimator.name)
    if second is None:
        return Check(name=NAME, title=TITLE, passed=None, text=f"Not run: there is no second implementation of {estimator.name}.")
    changed = _not_covered(comparison, estimator)
    if changed:
        text = f"Not run: there is no second implementation of {estimator.name} with {', '.join(changed)}."
        return Check(name=NAME, title=TITLE, passed=None, text=text)
    agreement = second(comparison, estimator, estimate)
    limit = TOLERANCE * float(np.nanstd(comparison.y))
    passed = agreement.difference <= limit
    text = (
        f"{agreement.software} gives the same, to {agreement.difference:.1e} {comparison.unit or 'units'}."
        if passed
        else agreement.otherwise
    )
    return Check(name=NAME, title=TITLE, passed=bool(passed), text=text, value=agreement.difference, threshold=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agreement:
    """Largest difference between two implementations, and the sentence for the case that it is too large."""

    software: str
    difference: float
    otherwise: str


def _not_covered(comparison: Comparison, estimator: Estimator) -> list[str]:
    """What keeps the second implementation from answering the same question, in words."""
    reasons = []
    if getattr(estimator, "predictors", ()):
        # with predictors the weights answer another question than the second implementation's
        reasons.append("predictors")
    if estimator.name in _REGRESSIONS:
        plain = type(estimator)()
        names = [option.name for option in fields(estimator) if getattr(estimator, option.name) != getattr(plain, option.name)]  # type: ignore[arg-type]
        reasons += [name for name in names if name not in _REGRESSIONS[estimator.name]]
    if estimator.name == "synthetic_did" and comparison.covariates:
        reasons.append("covariates")
    if estimator.name not in _TAKE_GAPS and not comparison.observed.all():
        reasons.append("missing cells")
    return reasons


def _twfe(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> _Agreement:
    return _regression(comparison, comparison.exposure[:, :, None], np.array([estimate.att]), [estimate.se])


def _event_study(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> _Agreement:
    points = [point for point in estimate.path if point.event_time != REFERENCE]
    times = np.array([point.event_time for point in points])
    time = np.arange(comparison.n_periods)[:, None] - comparison.first_treated
    # the path says which endpoints are shared
    time = np.clip(time, min(point.event_time for point in estimate.path), max(point.event_time for point in estimate.path))
    dummies = (time[:, :, None] == times) & comparison.treated[None, :, None]
    return _regression(
        comparison,
        dummies.astype(float),
        np.array([point.att for point in points]),
        [point.se for point in points],
    )


def _regression(comparison: Comparison, x: np.ndarray, effects: np.ndarray, errors: list[float | None]) -> _Agreement:
    """Regress on `x` (T, N, L) with area and period effects and compare with `effects` and, where known, `errors` (L,)."""
    area_weights = np.ones(comparison.y.shape[1]) if comparison.weights is None else comparison.weights
    clusters = np.unique(comparison.clusters or comparison.areas, return_inverse=True)[1]
    known = np.array([error for error in errors if error is not None])
    few, with_errors = x.shape[2] <= MANY, known.size == x.shape[2]
    again, errors_again = (
        second_regressions.regress_demeaned(comparison.y, x, area_weights, clusters)
        if with_errors or not few
        else (np.zeros(0), np.zeros(0))
    )
    if few:
        again = _panel(comparison.y, x, area_weights)
    far = float(np.abs(again - effects).max())
    wide = float(np.abs(errors_again - known).max()) if with_errors else 0.0
    return _Agreement(
        software="linearmodels, and statsmodels for the standard error," if few else "statsmodels on demeaned data",
        difference=max(far, wide),
        otherwise=(
            f"Other software gives effects that differ by up to {far:.2g} and standard errors that differ by up to {wide:.2g}; "
            "one of them is wrong, so do not use the estimate."
        ),
    )


def _panel(y: np.ndarray, x: np.ndarray, area_weights: np.ndarray) -> np.ndarray:
    """Coefficients (L,) by linearmodels, which takes out the effects itself."""
    from linearmodels.panel import PanelOLS

    n_periods, n_areas, n_terms = x.shape
    index = pd.MultiIndex.from_product([range(n_areas), range(n_periods)], names=["area", "period"])
    columns = [f"x{k}" for k in range(n_terms)]
    terms = pd.DataFrame(np.swapaxes(x, 0, 1).reshape(-1, n_terms), index=index, columns=columns)
    outcome = pd.DataFrame({"y": y.T.ravel()}, index=index)
    weights = pd.DataFrame({"w": np.repeat(area_weights, n_periods)}, index=index)
    model = PanelOLS(outcome, terms, weights=weights, entity_effects=True, time_effects=True)
    # only the effects are read; not counting effects lets it answer where no degree of freedom is left
    return np.asarray(model.fit(cov_type="unadjusted", count_effects=False, debiased=False).params)


def _again(
    fit: Callable[[Comparison, Estimator, Estimate], second_regressions.Again], software: str
) -> Callable[[Comparison, Estimator, Estimate], _Agreement]:
    """Compare path and average with those of another fit."""

    def compare(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> _Agreement:
        again = fit(comparison, estimator, estimate)
        pairs = [(point.att, again.path[point.event_time]) for point in estimate.path]
        pairs += [] if again.att is None else [(estimate.att, again.att)]
        far = max(abs(one - other) for one, other in pairs)
        return _Agreement(
            software=software,
            difference=far,
            otherwise=(
                f"Other software gives effects that differ by up to {far:.2g}; one of them is wrong, so do not use the estimate."
            ),
        )

    return compare


def _group_times(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> second_regressions.Again:
    options = {name: getattr(estimator, name) for name in ("control_group", "base_period", "anticipation")}
    return second_differences.fit_group_times(comparison, **options)


def _untreated(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> second_regressions.Again:
    # imputation's leads are a regression of their own; how many there are is on the path
    leads = [point.event_time for point in estimate.path if point.event_time < 0] if estimator.name == "imputation" else None
    return second_differences.fit_untreated(comparison, covariates=getattr(estimator, "covariates", ()), leads=leads)


def _augmented(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> second_regressions.Again:
    options = {name: getattr(estimator, name) for name in ("penalty", "rule")}
    return second_mixes.fit_augmented(comparison, **options)


def _penalised(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> second_regressions.Again:
    penalty = getattr(estimator, "penalty", None)
    if penalty is None:
        # some hundred fits choose the penalty: it is taken as chosen, and the weights at it are found once more
        column = int(np.flatnonzero(comparison.treated)[0])
        start, donors = int(comparison.first_treated[column]), comparison.y[:, ~comparison.treated]
        every = np.ones((1, donors.shape[1]), dtype=bool)
        penalty = float(choose_penalty(donors[:start], comparison.y[:start, [column]], every)[0])
    return second_mixes.fit_penalised(comparison, penalty=penalty)


def _parallel(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> second_regressions.Again:
    return second_mixes.fit_parallel(comparison)


def _pooled(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> second_regressions.Again:
    options = {name: getattr(estimator, name) for name in ("pooling", "intercept")}
    return second_mixes.fit_pooled(comparison, **options)


def _completed(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> second_regressions.Again:
    # many fits choose the penalty: it is taken as chosen, and the matrix at it is found once more
    size = cast(MatrixCompletion, estimator).penalty_size(comparison, np.arange(len(comparison.areas)))
    return second_completions.fit_completion(comparison, tau=size * float(sum(np.sqrt(comparison.y.shape))))


def _factors(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> second_regressions.Again:
    return second_completions.fit_factors(
        comparison, factors=getattr(estimator, "factors", None), most=int(getattr(estimator, "most_factors", 0))
    )


def _plain(fit: Callable[[Comparison], second_regressions.Again]) -> Callable[..., second_regressions.Again]:
    """A fit that needs the comparison alone."""
    return lambda comparison, estimator, estimate: fit(comparison)


def _synthetic_control(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> _Agreement:
    """Donor weights by SciPy."""
    column = int(np.flatnonzero(comparison.treated)[0])
    return _mixed(comparison, estimate, comparison.y[:, column], comparison.y[:, ~comparison.treated])


def _demeaned_synthetic_control(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> _Agreement:
    """The same on deviations from each area's mean before the start."""
    column = int(np.flatnonzero(comparison.treated)[0])
    level = comparison.y[: int(comparison.first_treated[column])].mean(axis=0)
    moved = comparison.y - level
    return _mixed(comparison, estimate, moved[:, column], moved[:, ~comparison.treated])


def _mixed(comparison: Comparison, estimate: Estimate, y1: np.ndarray, y0: np.ndarray) -> _Agreement:
    """Donor weights once more on given outcomes of the treated area (T,) and the donors (T, N)."""
    column = int(np.flatnonzero(comparison.treated)[0])
    start, exposure = int(comparison.first_treated[column]), comparison.exposure[:, column]
    gap = y1 - y0 @ second_mixes.weigh(y0[:start], y1[:start])
    spread = float(((y0[:start] - y1[:start, None]) ** 2).sum(axis=0).mean()) or 1.0
    att = float(gap @ exposure / (exposure @ exposure))
    own = np.subtract(estimate.series.observed, estimate.series.counterfactual)
    misfits = float(own[:start] @ own[:start]), float(gap[:start] @ gap[:start])
    consistent = abs(float(own @ exposure / (exposure @ exposure)) - estimate.att) <= TOLERANCE * float(np.std(comparison.y))
    as_good = consistent and abs(misfits[0] - misfits[1]) <= EXACT * spread
    return _Agreement(
        software="SciPy",
        difference=abs(att - estimate.att),
        otherwise=(
            f"Other donor weights follow the area equally well before the start and give {att:.3g} instead of "
            f"{estimate.att:.3g}: "
            "the periods before the start do not determine the effect."
            if as_good
            else f"Other software finds donor weights that give {att:.3g} instead of {estimate.att:.3g}; do not use the estimate."
        ),
    )


_REGRESSIONS: dict[str, tuple[str, ...]] = {
    "twfe": (),
    "event_study": ("max_lead", "max_lag"),
    "sun_abraham": (),
    "stacked": (),
    "local_projections": (),
    "callaway_santanna": ("control_group", "base_period", "anticipation"),
}
"""Estimators whose second implementation has their default options, and the options it knows all the same."""

_TAKE_GAPS = ("imputation", "two_stage")
"""Estimators whose second implementation takes missing cells."""

_SECOND: dict[str, Callable[[Comparison, Estimator, Estimate], _Agreement]] = {
    "twfe": _twfe,
    "event_study": _event_study,
    "sun_abraham": _again(_plain(second_regressions.fit_cells), "statsmodels on demeaned data"),
    "stacked": _again(_plain(second_regressions.fit_stack), "linearmodels"),
    "local_projections": _again(_plain(second_regressions.fit_horizons), "statsmodels"),
    "callaway_santanna": _again(_group_times, "statsmodels, cell by cell,"),
    "imputation": _again(_untreated, "SciPy's sparse least squares"),
    "two_stage": _again(_untreated, "SciPy's sparse least squares"),
    "synthetic_control": _synthetic_control,
    "demeaned_synthetic_control": _demeaned_synthetic_control,
    "augmented_synthetic_control": _again(_augmented, "SciPy, and another decomposition for the ridge,"),
    "penalised_synthetic_control": _again(_penalised, "SciPy, at the penalty chosen,"),
    "staggered_synthetic_control": _again(_pooled, "SciPy"),
    "synthetic_did": _again(_parallel, "SciPy for the weights, with statsmodels for the effect,"),
    "matrix_completion": _again(_completed, "SciPy's singular values, at the penalty chosen,"),
    "interactive_fixed_effects": _again(_factors, "SciPy's singular values and least squares"),
}

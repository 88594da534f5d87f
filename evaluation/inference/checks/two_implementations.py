"""Whether other software finds the same number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from evaluation.estimators.event_study import REFERENCE
from evaluation.inference.checks import second_regressions
from evaluation.numerics.simplex import EXACT
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "two_implementations"
TITLE = "Two implementations agree"

TOLERANCE = 1e-6
"""Largest difference, as a share of the outcome's standard deviation: far above rounding, far below anything of substance."""

EVEN = 1e-5
"""Pull of weights towards zero, beside constraints of order one: its bias is of the order of its square."""


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Estimate once more by software that shares nothing with the first.

    Difference-in-differences: effects by linearmodels (PanelOLS), conventional standard errors by statsmodels. Synthetic control:
    donor weights by SciPy's non-negative least squares, the most even ones where many fit exactly; where weights that fit as well
    still give another effect, the check fails for that reason.
    """
    # with predictors the weights answer another question than the second implementation's
    second = None if getattr(estimator, "predictors", ()) else _SECOND.get(estimator.name)
    if second is None:
        with_what = " with predictors" if estimator.name in _SECOND else ""
        text = f"Not run: there is no second implementation of {estimator.name}{with_what}."
        return Check(name=NAME, title=TITLE, passed=None, text=text)
    changed = _changed(estimator) or ["missing cells"] * (not comparison.observed.all())
    if changed:
        text = f"Not run: there is no second implementation of {estimator.name} with {', '.join(changed)}."
        return Check(name=NAME, title=TITLE, passed=None, text=text)
    agreement = second(comparison, estimate)
    limit = TOLERANCE * float(np.std(comparison.y))
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


def _changed(estimator: Estimator) -> list[str]:
    """Options of a regression that are not at their default, but for those the second implementation reads off the estimate."""
    if estimator.name not in _REGRESSIONS:
        return []
    plain = type(estimator)()
    names = [option.name for option in fields(estimator) if getattr(estimator, option.name) != getattr(plain, option.name)]  # type: ignore[arg-type]
    return [name for name in names if name not in _REGRESSIONS[estimator.name]]


def _twfe(comparison: Comparison, estimate: Estimate) -> _Agreement:
    return _regression(comparison, comparison.exposure[:, :, None], np.array([estimate.att]), [estimate.se])


def _event_study(comparison: Comparison, estimate: Estimate) -> _Agreement:
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
    from linearmodels.panel import PanelOLS

    n_periods, n_areas, n_terms = x.shape
    index = pd.MultiIndex.from_product([range(n_areas), range(n_periods)], names=["area", "period"])
    columns = [f"x{k}" for k in range(n_terms)]
    terms = pd.DataFrame(np.swapaxes(x, 0, 1).reshape(-1, n_terms), index=index, columns=columns)
    outcome = pd.DataFrame({"y": comparison.y.T.ravel()}, index=index)
    area_weights = np.ones(n_areas) if comparison.weights is None else comparison.weights
    weights = pd.DataFrame({"w": np.repeat(area_weights, n_periods)}, index=index)
    model = PanelOLS(outcome, terms, weights=weights, entity_effects=True, time_effects=True)
    # only the effects are read; not counting effects lets it answer where no degree of freedom is left
    again = model.fit(cov_type="unadjusted", count_effects=False, debiased=False)
    far = float(np.abs(again.params.to_numpy() - effects).max())
    known = np.array([error for error in errors if error is not None])
    clusters = np.unique(comparison.clusters or comparison.areas, return_inverse=True)[1]
    errors_again = _clustered_errors(comparison.y, x, area_weights, clusters) if known.size == n_terms else known
    wide = float(np.abs(errors_again - known).max()) if known.size == n_terms else 0.0
    return _Agreement(
        software="linearmodels, and statsmodels for the standard error,",
        difference=max(far, wide),
        otherwise=(
            f"Other software gives effects that differ by up to {far:.2g} and standard errors that differ by up to {wide:.2g}; "
            "one of them is wrong, so do not use the estimate."
        ),
    )


def _clustered_errors(y: np.ndarray, x: np.ndarray, weights: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Standard errors (L,) clustered by `clusters` (N,) of areas, by statsmodels on demeaned data.

    All effects are counted as coefficients.
    """
    import statsmodels.api as sm

    n_periods, n_areas, n_terms = x.shape
    both = np.concatenate([y[:, :, None], x], axis=2)
    share = (weights / weights.sum())[None, :, None]
    by_period = (share * both).sum(axis=1, keepdims=True)
    within = both - both.mean(axis=0) - by_period + by_period.mean(axis=0)
    within = within.reshape(-1, n_terms + 1)
    groups = np.tile(clusters, n_periods)
    fit = sm.WLS(within[:, 0], within[:, 1:], weights=np.tile(weights, n_periods)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    n = n_periods * n_areas
    # statsmodels counts L coefficients; area and period effects are n_areas + n_periods - 1 more
    return np.asarray(fit.bse) * np.sqrt((n - n_terms) / (n - n_terms - n_areas - n_periods + 1))


def _by_regression(
    fit: Callable[[Comparison], second_regressions.Again], software: str
) -> Callable[[Comparison, Estimate], _Agreement]:
    """Compare path and average with those of a regression on constructed data."""

    def compare(comparison: Comparison, estimate: Estimate) -> _Agreement:
        again = fit(comparison)
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


def _synthetic_control(comparison: Comparison, estimate: Estimate) -> _Agreement:
    """SciPy's algorithm on ``min ||Z u||^2 / s + (sum u - 1)^2``, whose solution is the weights up to a factor."""
    column = int(np.flatnonzero(comparison.treated)[0])
    return _mixed(comparison, estimate, comparison.y[:, column], comparison.y[:, ~comparison.treated])


def _demeaned_synthetic_control(comparison: Comparison, estimate: Estimate) -> _Agreement:
    """The same on deviations from each area's mean before the start."""
    column = int(np.flatnonzero(comparison.treated)[0])
    level = comparison.y[: int(comparison.first_treated[column])].mean(axis=0)
    moved = comparison.y - level
    return _mixed(comparison, estimate, moved[:, column], moved[:, ~comparison.treated])


def _mixed(comparison: Comparison, estimate: Estimate, y1: np.ndarray, y0: np.ndarray) -> _Agreement:
    """Donor weights once more on given outcomes of the treated area (T,) and the donors (T, N)."""
    from scipy.optimize import nnls

    column = int(np.flatnonzero(comparison.treated)[0])
    start, exposure = int(comparison.first_treated[column]), comparison.exposure[:, column]
    z = y0[:start] - y1[:start, None]
    n = z.shape[1]
    spread = float((z * z).sum(axis=0).mean()) or 1.0
    rows = np.vstack([z / np.sqrt(spread), np.ones(n)])
    goal = np.append(np.zeros(start), 1.0)
    u, _ = nnls(rows, goal, maxiter=50 * n)
    w = u / u.sum()
    if float(((z @ w) ** 2).sum()) <= EXACT * spread:
        # among weights that fit exactly the estimator takes the most even ones: a weak pull to zero picks them here
        u, _ = nnls(np.vstack([rows, EVEN * np.eye(n)]), np.append(goal, np.zeros(n)), maxiter=50 * n)
        w = u / u.sum()
    gap = y1 - y0 @ w
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
}
"""Estimators whose second implementation has their default options, and the options it can read off the estimate."""

_SECOND: dict[str, Callable[[Comparison, Estimate], _Agreement]] = {
    "twfe": _twfe,
    "event_study": _event_study,
    "sun_abraham": _by_regression(second_regressions.fit_cells, "linearmodels"),
    "stacked": _by_regression(second_regressions.fit_stack, "linearmodels"),
    "local_projections": _by_regression(second_regressions.fit_horizons, "statsmodels"),
    "synthetic_control": _synthetic_control,
    "demeaned_synthetic_control": _demeaned_synthetic_control,
}

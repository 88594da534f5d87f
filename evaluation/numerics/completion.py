"""Estimates of methods that fill in what treated areas would have shown; each method supplies how it fills in."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from evaluation.numerics.gaps import Gaps
from evaluation.numerics.treated import treated_mean
from evaluation.results import Check, Comparison, Estimate, PathPoint, Series

FEWEST = 6
"""Periods before the start from which the last third, two at least, can be spared to see how the method predicts."""


class Imputer(Protocol):
    """A way to fill in."""

    def __call__(self, y: np.ndarray, mask: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Outcomes (K, T) of the areas in `columns` without the programme, from the cells of `y` (T, N) in `mask`."""


def coverage(comparison: Comparison) -> list[Check]:
    """Whether every area and period has an outcome without the programme, and treated areas one with it."""
    free = _free(comparison)
    seen = np.isfinite(comparison.y)
    exposed = seen & (comparison.exposure > 0.0)
    areas = [comparison.areas[n] for n in np.flatnonzero(~free.any(axis=0))]
    periods = [comparison.periods[t] for t in np.flatnonzero(~free.any(axis=1))]
    idle = [comparison.areas[n] for n in np.flatnonzero(comparison.treated & ~exposed.any(axis=0))]
    alone = [comparison.periods[t] for t in np.flatnonzero(~seen[:, comparison.treated].any(axis=1))]
    problems = [
        f"{len(names)} {what}: {', '.join(names[:5])}; leave out what has no figures."
        for names, what in (
            (areas, "area(s) have no outcome without the programme"),
            (periods, "period(s) have no outcome of an area without the programme"),
            (idle, "treated area(s) have no outcome after their start"),
            (alone if comparison.treated.any() else [], "period(s) have no outcome of a treated area"),
        )
        if names
    ]
    return [
        Check(
            name="enough_cells",
            title="Every area and period has outcomes to fit",
            passed=not problems,
            text=" ".join(problems) or "Every area and period has outcomes to fit.",
        )
    ]


def estimate_by_completion(comparison: Comparison, imputer: Imputer, *, name: str, notes: tuple[str, ...] = ()) -> Estimate:
    """Estimate: observed less filled in, for every treated area.

    Parameters
    ----------
    comparison : Comparison
        Checked before.
    imputer : Imputer
        How to fill in.
    name : str
        Of the estimator.
    notes : tuple of str
        What a reader must know.
    """
    columns = np.flatnonzero(comparison.treated)
    weights = _weights(comparison)[columns]
    made = _fit(
        comparison.y,
        _free(comparison),
        columns,
        imputer,
        weights=weights,
        first=comparison.first_treated[columns],
        exposure=comparison.exposure.T[columns],
    )
    gap = made.gaps.by_period()[0]
    counterfactual = weights @ made.filled / weights.sum()
    with np.errstate(invalid="ignore"):
        treated = treated_mean(comparison)
    missing = int((~np.isfinite(comparison.y[:, columns])).sum())
    if missing:
        notes = (*notes, f"{missing} outcome(s) of treated areas are missing; each period's gap is that of the areas observed.")
        series = Series(
            periods=comparison.periods,
            observed=tuple(float(v) for v in counterfactual + gap),
            counterfactual=tuple(float(v) for v in counterfactual),
            exposure=tuple(float(v) for v in treated.exposure),
        )
    else:
        series = treated.beside(treated.observed - gap, comparison.periods)
    return Estimate(
        estimator=name,
        att=float(made.gaps.att()[0]),
        path=tuple(
            PathPoint(event_time=int(event), att=float(effect), n_areas=int(n))
            for event, effect, n in zip(made.gaps.event_times(), made.gaps.by_event()[0], made.gaps.n_areas(), strict=True)
            if n
        ),
        series=series,
        pre_rmspe=float(made.gaps.pre_rmspe()[0]),
        prediction_rmspe=made.prediction_rmspe,
        notes=notes,
    )


class _Made:
    """Gaps of one assignment, what was filled in (K, T), and the misfit of predictions or None."""

    __slots__ = ("filled", "gaps", "prediction_rmspe")

    def __init__(self, gaps: Gaps, filled: np.ndarray, prediction_rmspe: float | None) -> None:
        self.gaps, self.filled, self.prediction_rmspe = gaps, filled, prediction_rmspe


def _fit(
    y: np.ndarray,
    free: np.ndarray,
    columns: np.ndarray,
    imputer: Imputer,
    *,
    weights: np.ndarray,
    first: np.ndarray,
    exposure: np.ndarray,
) -> _Made:
    """Fill in once for the estimate and once with the last third of the periods before each start kept back."""
    filled = imputer(y, free, columns)
    made = {"weights": weights[None], "first": first, "exposure": exposure}
    gaps = Gaps(gap=(y.T[columns] - filled)[None], **made)
    if (first < FEWEST).any():
        return _Made(gaps, filled, None)
    position = np.arange(len(y))
    seen = first - first // 3
    held = (position >= seen[:, None]) & (position < first[:, None]) & free.T[columns]
    early = free.copy()
    early[:, columns] &= (position < seen[:, None]).T
    if not (early.any(axis=0).all() and early.any(axis=1).all() and held.any()):
        return _Made(gaps, filled, None)
    ahead = np.where(held, y.T[columns] - imputer(y, early, columns), np.nan)
    return _Made(gaps, filled, float(Gaps(gap=ahead[None], **made).misfit(held)[0]))


def _free(comparison: Comparison) -> np.ndarray:
    """Cells (T, N) with an outcome and without exposure."""
    return np.asarray(np.isfinite(comparison.y) & (comparison.exposure == 0.0))


def _weights(comparison: Comparison) -> np.ndarray:
    """Weights (N,) of the areas, equal where the comparison has none."""
    return np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights

"""A comparison with some of its areas or periods: everything that belongs to them goes with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.errors import DataError
from evaluation.results import NEVER, Comparison


def keep_areas(comparison: Comparison, kept: np.ndarray) -> Comparison:
    """The comparison with the areas where `kept`, boolean (N,), is true, in their order."""
    columns = np.flatnonzero(kept)

    def pick(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names[n] for n in columns)

    return replace(
        comparison,
        areas=pick(comparison.areas),
        area_names=pick(comparison.area_names),
        regions=pick(comparison.regions),
        clusters=pick(comparison.clusters) if comparison.clusters else (),
        y=comparison.y[:, columns],
        exposure=comparison.exposure[:, columns],
        first_treated=comparison.first_treated[columns],
        se=None if comparison.se is None else comparison.se[:, columns],
        weights=None if comparison.weights is None else comparison.weights[columns],
        sizes=None if comparison.sizes is None else comparison.sizes[columns],
        neighbours=None if comparison.neighbours is None else comparison.neighbours[np.ix_(columns, columns)],
        covariates={name: values[:, columns] for name, values in comparison.covariates.items()},
    )


def keep_periods(comparison: Comparison, kept: np.ndarray) -> Comparison:
    """The comparison with the periods where `kept`, boolean (T,), is true; a start in a period left out moves to the next kept.

    Raises
    ------
    DataError
        If a treated area is left without an exposed period or without one before its start.
    """
    rows = np.flatnonzero(kept)
    first = np.where(comparison.treated, np.searchsorted(rows, comparison.first_treated), NEVER)
    exposed = (comparison.exposure[rows] > 0.0).any(axis=0)
    lost = [comparison.area_names[n] for n in np.flatnonzero(comparison.treated & (~exposed | (first == 0)))]
    if lost:
        raise DataError(
            f"{len(lost)} treated area(s) are left without a period before or after the start (first {lost[0]}); "
            "leave out fewer periods."
        )
    return replace(
        comparison,
        periods=tuple(comparison.periods[t] for t in rows),
        y=comparison.y[rows],
        exposure=comparison.exposure[rows],
        first_treated=first,
        se=None if comparison.se is None else comparison.se[rows],
        covariates={name: values[rows] for name, values in comparison.covariates.items()},
    )

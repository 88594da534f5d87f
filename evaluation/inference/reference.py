"""The observed statistic beside those of placebo places, and what follows from them: p, critical value, detectable effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.places import STAYS
from evaluation.numerics.variance_function import PlaceTerms, describe_places, describe_treated, fit_variance
from evaluation.results import Comparison, Estimate, Placebos

Statistic = Literal["raw", "misfit", "variance_function", "combined"]
"""What an estimate is divided by: nothing; its misfit before the start; the spread that places of its population or sample show
(`numerics.variance_function`); or a spread fitted to both."""

DEFAULT_STATISTIC: Statistic = "misfit"
"""The statistic of the deciding test, set by simulation on the real panel."""

NEGLIGIBLE = 1e-9
"""A scale below this share of the outcome's standard deviation is rounding."""

POWER = 0.8
"""Share of places in which the minimum detectable effect must be found."""

TIE = 1e-9
"""Relative difference below which two statistics are equal: rounding must not break a tie in favour of the programme."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scales:
    """What estimates are divided by, in the outcome's unit: of the treated set, and (D,) of the placebos."""

    own: float
    placebos: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """Statistics of the placebo assignments beside the one observed.

    Attributes
    ----------
    observed : float, magnitude of the observed statistic
    placebos : array (D,), signed
    unit : float, what one unit of the statistic is in the outcome's unit for the treated set
    scales : array (D,), the same for the placebos
    studentised : whether estimates were divided by anything
    statistic : what they were divided by
    distinct : number of different assignments among the placebos
    groups : integer array (D, N0) as in `Placebos.groups`, or None where not known
    treated, places : what is known of the treated set and of the placebos; None where `groups` is
    """

    observed: float
    placebos: np.ndarray
    unit: float
    scales: np.ndarray
    studentised: bool
    statistic: Statistic
    distinct: int
    groups: np.ndarray | None
    treated: PlaceTerms | None
    places: PlaceTerms | None

    @property
    def as_large(self) -> int:
        """Number of placebos at least as large as the observed one."""
        return int((np.abs(self.placebos) >= self.observed * (1.0 - TIE)).sum())

    @property
    def floor(self) -> float:
        """Smallest p there can be: one over the number of different assignments, the true one among them."""
        return 1.0 / (self.distinct + 1)

    @property
    def p_value(self) -> float:
        """``(1 + placebos at least as large) / (placebos + 1)``, and not below the floor."""
        return max((1 + self.as_large) / (len(self.placebos) + 1), self.floor)

    def critical(self, level: float) -> float | None:
        """Magnitude above which p is at most `level`; None where p cannot be that small.

        With D placebos and p = (1 + #) / (D + 1), at most floor(level (D + 1)) - 1 placebos may be as large.
        """
        return None if self.floor > level * (1.0 + TIE) else critical_of(np.abs(self.placebos), level)


def critical_of(magnitudes: np.ndarray, level: float) -> float | None:
    """The floor(level (D + 1))-th largest of D magnitudes; None where that is none of them."""
    rank = int(np.floor(level * (len(magnitudes) + 1) + 1e-9))
    return float(np.sort(magnitudes)[-rank]) if rank >= 1 else None


def reference_of(
    estimate: Estimate,
    placebos: Placebos,
    comparison: Comparison,
    *,
    statistic: Statistic | None = None,
) -> Reference:
    """Divide estimates by how noisy each must be, so that small places and large ones are comparable.

    ``misfit`` is `Estimate.scale`: for a method that fits weights to the periods before the start, the misfit in periods the
    weights did not see. The misfit in those they saw can be next to nothing, for a large calm place among many donors above all,
    and dividing by it would make any gap look large.

    ``variance_function`` and ``combined`` fit the variance of placebo estimates on terms known of any set of places; ``combined``
    has the squared misfit as one term more. They are fitted to the placebos alone, so the treated places' own estimate, which may
    hold an effect, has no say. They need to know which areas a placebo is made of; where a method does not tell, misfit is used.

    Where any scale, of the treated places or a placebo, is nil, no estimate is divided: a choice that treats all alike and so
    keeps the test's size.

    Parameters
    ----------
    estimate, placebos, comparison
        What was found where the programme is and where it is not.
    statistic : {"raw", "misfit", "variance_function", "combined"}, optional
        By default `DEFAULT_STATISTIC`.
    """
    statistic = statistic or DEFAULT_STATISTIC
    if statistic not in get_args(Statistic):
        raise ConfigurationError(f"statistic is {statistic!r}; it must be one of {', '.join(get_args(Statistic))}.")
    groups = groups_of(placebos, comparison)
    known = groups is not None and len(groups) > 0
    treated = describe_treated(comparison) if known else None
    places = describe_places(comparison, groups) if known and groups is not None else None
    if statistic in ("variance_function", "combined") and places is None:
        statistic = "misfit"
    scales = _scales(statistic, estimate, placebos, treated, places)
    nil = NEGLIGIBLE * float(np.nanstd(comparison.y))
    studentised = scales is not None and bool(scales.own > nil and (scales.placebos > nil).all())
    if scales is None or not studentised:
        scales = Scales(own=1.0, placebos=np.ones(len(placebos.att)))
    return Reference(
        observed=abs(estimate.att) / scales.own,
        placebos=placebos.att / scales.placebos,
        unit=scales.own,
        scales=scales.placebos,
        studentised=studentised,
        statistic=statistic,
        distinct=len(placebos.att) if groups is None or placebos.exhaustive else _count_distinct(groups),
        groups=groups,
        treated=treated,
        places=places,
    )


def groups_of(placebos: Placebos, comparison: Comparison) -> np.ndarray | None:
    """Which untreated areas each placebo is made of, (D, N0); read off the labels where each is one area."""
    if placebos.groups is not None:
        return placebos.groups
    position = {area: n for n, area in enumerate(comparison.donors)}
    if not placebos.labels or len(placebos.labels) != len(placebos.att) or not position.keys() >= set(placebos.labels):
        return None
    groups = np.full((len(placebos.labels), len(position)), STAYS, dtype=np.int16)
    groups[np.arange(len(groups)), [position[label] for label in placebos.labels]] = 0
    return groups


def _scales(
    statistic: Statistic, estimate: Estimate, placebos: Placebos, treated: PlaceTerms | None, places: PlaceTerms | None
) -> Scales | None:
    if statistic == "raw":
        return None
    if statistic == "misfit" or treated is None or places is None:
        return Scales(own=estimate.scale, placebos=placebos.scale)
    own, others = treated.columns, places.columns
    if statistic == "combined":
        own = np.column_stack([own, [estimate.scale**2]])
        others = np.column_stack([others, placebos.scale**2])
    coefficients = fit_variance(placebos.att**2, others)
    return Scales(own=float(np.sqrt(own @ coefficients)[0]), placebos=np.sqrt(others @ coefficients))


def _count_distinct(groups: np.ndarray) -> int:
    """Number of different rows."""
    rows = np.ascontiguousarray(groups, dtype=np.int16)
    return len(np.unique(rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))))) if len(rows) else 0


def smallest_detectable(placebos: np.ndarray, critical: float) -> float:
    """Smallest shift that brings `POWER` of the placebo statistics (D,), shifted up and shifted down, beyond +-`critical`."""
    both = np.concatenate([placebos, -placebos])
    return _shift(both, critical, int(np.ceil(POWER * len(both) - 1e-9)))


def _shift(placebos: np.ndarray, critical: float, needed: int) -> float:
    """Smallest upward shift with at least `needed` statistics beyond +-critical.

    The count can only rise where a statistic passes the upper limit, so the shifts at which one does are the candidates.
    """
    passes = np.sort(critical - placebos)
    below = np.sort(-critical - placebos)
    candidates = np.concatenate([[0.0], passes[passes > 0.0]])
    # at the candidate itself the statistic is at the limit; any larger shift finds it, so the limit counts as passed
    count = np.searchsorted(passes, candidates, side="right") + len(placebos) - np.searchsorted(below, candidates, side="right")
    return float(candidates[np.flatnonzero(count >= needed)[0]])

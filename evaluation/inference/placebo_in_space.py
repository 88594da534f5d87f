"""Placebo areas: how often chance alone gives an estimate as large as the one found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.results import Comparison, Estimate, Estimator, Inference, Interval, Placebos

NEGLIGIBLE = 1e-9
"""A pre-period misfit below this share of the outcome's standard deviation is rounding, not misfit."""

POWER = 0.8
"""Share of areas in which the minimum detectable effect must be found."""

TIE = 1e-9
"""Relative difference below which two statistics are equal: rounding must not break a tie in favour of the programme."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """Statistics of the placebo assignments beside the one observed.

    Attributes
    ----------
    observed : float, magnitude of the observed statistic
    placebos : array (D,), signed
    unit : float, what one unit of the statistic is in the outcome's unit for the treated area
    studentised : whether estimates were divided by their pre-period misfit
    """

    observed: float
    placebos: np.ndarray
    unit: float
    studentised: bool

    @property
    def as_large(self) -> int:
        """Number of placebos at least as large as the observed one."""
        return int((np.abs(self.placebos) >= self.observed * (1.0 - TIE)).sum())

    def critical(self, level: float) -> float | None:
        """Magnitude above which p is at most `level`; None where p cannot be that small.

        With D placebos and p = (1 + #) / (D + 1), at most floor(level (D + 1)) - 1 placebos may be as large.
        """
        rank = int(np.floor(level * (len(self.placebos) + 1) + 1e-9))
        return float(np.sort(np.abs(self.placebos))[-rank]) if rank >= 1 else None


def reference_of(estimate: Estimate, placebos: Placebos, comparison: Comparison) -> Reference:
    """Divide estimates by their misfit before the start, so that noisy small areas and calm large ones are comparable.

    The misfit is `Estimate.scale`: for a method that fits weights to the periods before the start, the misfit in periods the
    weights did not see. The misfit in those they saw can be next to nothing, for a large calm place among many donors above all,
    and dividing by it would make any gap look large.

    Where any misfit, of the treated area or a placebo, is nil, no estimate is divided: a choice that treats all areas alike and
    so keeps the test's size.
    """
    nil = NEGLIGIBLE * float(np.std(comparison.y))
    studentised = bool(estimate.scale > nil and (placebos.scale > nil).all())
    unit = estimate.scale if studentised else 1.0
    return Reference(
        observed=abs(estimate.att) / unit,
        placebos=placebos.att / placebos.scale if studentised else placebos.att,
        unit=unit,
        studentised=studentised,
    )


def infer(
    estimate: Estimate,
    estimator: Estimator,
    comparison: Comparison,
    *,
    level: float,
    draws: int,
    seed: int,
    placebos: Placebos | None = None,
) -> Inference:
    """Compare an estimate with those of untreated areas given the treated areas' starts.

    The statistic is ``|att| / scale`` (`Estimate.scale`, the misfit before the start) and
    ``p = (1 + number of placebos at least as large) / (placebos + 1)`` (Abadie,
    Diamond & Hainmueller 2010, with their ratio of misfits replaced by the estimate over the misfit; Phipson & Smyth
    2010).

    The interval inverts the test: an effect t at full exposure, constant over time, is kept where p of ``|att - t| / scale``
    is above `level`. Taking such an effect away moves `att` by t and leaves the period before the start as it is, so the interval
    is ``att +- c * scale`` with c the floor(level * (placebos + 1))-th largest placebo statistic. (For an event study with
    several starts and shares of exposure that differ at an event time, this holds up to those shares.)

    The minimum detectable effect is the smallest constant effect that would be found at `level` in 80 per cent of the placebo
    areas if their noise were scaled to the treated area's misfit; the larger of the two signs.

    Assumes that without the programme the treated area's statistic could have been any untreated area's. Areas that share shocks,
    or a treated area picked for its past, break this.

    Parameters
    ----------
    estimate, estimator, comparison
        What was found, by what, on what.
    level : float
        Size of the test, such as 0.05; the interval covers 1 - level.
    draws, seed : int
        For several treated areas: number of random assignments and their seed.
    placebos : Placebos, optional
        Those of `estimator` on `comparison`, where they are there already.

    Returns
    -------
    Inference
        p-value and interval are None, with the reason in the note, where even the smallest p exceeds `level` or there is no
        placebo.
    """
    placebos = estimator.placebos(comparison, draws=draws, seed=seed) if placebos is None else placebos
    reference = reference_of(estimate, placebos, comparison)
    reps = len(placebos.att)
    critical = reference.critical(level) if reps else None
    half = None if critical is None else critical * reference.unit
    return Inference(
        method="placebo_in_space",
        null="The programme changed nothing in any period, and the treated areas differ from untreated ones by chance alone.",
        level=level,
        reps=reps,
        seed=seed,
        p_value=None if critical is None else (1 + reference.as_large) / (reps + 1),
        interval=None if half is None else Interval(low=estimate.att - half, high=estimate.att + half),
        as_large=reference.as_large if reps else None,
        smallest_p=1.0 / (reps + 1) if reps else None,
        mde=None if critical is None else smallest_detectable(reference.placebos, critical) * reference.unit,
        placebo_gaps=None if placebos.gaps is None else tuple(tuple(float(v) for v in row) for row in placebos.gaps),
        note=" ".join(_notes(reference, placebos, level)),
    )


def smallest_detectable(placebos: np.ndarray, critical: float) -> float:
    """Smallest shift that brings `POWER` of the placebo statistics (D,) beyond +-`critical`; the larger of up and down."""
    needed = int(np.ceil(POWER * len(placebos) - 1e-9))
    return max(_shift(placebos, critical, needed), _shift(-placebos, critical, needed))


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


def _notes(reference: Reference, placebos: Placebos, level: float) -> list[str]:
    """What a reader must know beside the numbers."""
    reps = len(placebos.att)
    if not reps:
        return ["There are not enough untreated areas to place a placebo."]
    notes = []
    if reference.critical(level) is None:
        notes.append(
            f"With {reps} placebo assignments p cannot fall below {1 / (reps + 1):.3f}, which exceeds {level:g}: "
            "no p-value and no interval can be given at this level."
        )
    if not reference.studentised:
        notes.append(
            "Estimates are compared as they are, not relative to their misfit before the start, because at least one area has "
            "none to measure: noisy and calm areas count alike."
        )
    if not placebos.exhaustive:
        notes.append("Placebo assignments are drawn at random with the treated areas' own starts.")
    return notes

"""Placebo places: how often chance alone gives an estimate as large as the one found."""

from __future__ import annotations

import numpy as np

from evaluation.inference.bands import measure_bands
from evaluation.inference.empirical_size import NOT_MEASURED, MeasuredSize, measure_size
from evaluation.inference.reference import (
    DEFAULT_STATISTIC,
    NEGLIGIBLE,
    Reference,
    Statistic,
    reference_of,
    smallest_detectable,
)
from evaluation.results import Comparison, Estimate, Estimator, Inference, Interval, Placebos

__all__ = ["DEFAULT_STATISTIC", "MOST_GAPS", "NEGLIGIBLE", "count_blocks", "infer", "reference_of", "smallest_detectable"]

MOST_GAPS = 200
"""Gaps of placebo places that a finding keeps for its figure."""


def infer(
    estimate: Estimate,
    estimator: Estimator,
    comparison: Comparison,
    *,
    level: float,
    draws: int,
    seed: int,
    placebos: Placebos | None = None,
    statistic: Statistic | None = None,
) -> Inference:
    """Compare an estimate with those of untreated places given the treated places' starts.

    What is permuted is places: a treated place of several authorities is compared with groups of as many neighbouring untreated
    ones, which have its kind of noise and share the shocks of a region as its members do (Rosenbaum 2002; MacKinnon & Webb 2020,
    on permuting clusters). The statistic is ``|att| / scale`` (`reference_of`: small places are noisier than large ones), and
    ``p = (1 + number of placebos at least as large) / (placebos + 1)``, never below one over the number of different assignments
    (Abadie, Diamond & Hainmueller 2010, with their ratio of misfits replaced by the estimate over its scale; Ferman & Pinto 2019
    on the scale; Phipson & Smyth 2010).

    The interval inverts the test: an effect t at full exposure, constant over time, is kept where p of ``|att - t| / scale``
    is above `level`. Taking such an effect away moves `att` by t and leaves the scale as it is (the period before the start, and
    placebos), so the interval is ``att +- c * scale`` with c the floor(level * (placebos + 1))-th largest placebo statistic. (For
    an event study with several starts and shares of exposure that differ at an event time, this holds up to those shares.)

    The minimum detectable effect is the smallest constant effect that would be found at `level` in 80 per cent of the placebo
    places if their noise were scaled to the treated place's, a rise in half of the tries and a fall in the other half.

    The size is how often the very same test rejects when untreated places take the treated one's part (`measure_size`), and the
    bands hold for all event times at once (`measure_bands`).

    Assumes that without the programme the treated place's statistic could have been any untreated place's. A shock to the treated
    region alone, or a treated place picked for its past, break this.

    Parameters
    ----------
    estimate, estimator, comparison : Estimate, Estimator, Comparison
        What was found, by what, on what.
    level : float
        Size of the test, such as 0.05; the interval covers 1 - level.
    draws, seed : int
        Number of random assignments and their seed, where not every one is tried.
    placebos : Placebos, optional
        Those of `estimator` on `comparison`, where they are there already.
    statistic : {"raw", "misfit", "variance_function", "combined"}, optional
        What estimates are divided by; by default `DEFAULT_STATISTIC`.

    Returns
    -------
    Inference
        p-value and interval are None, with the reason in the note, where even the smallest p exceeds `level` or there is no
        placebo.

    Examples
    --------
    One treated area of sixty, and an effect of -6: no untreated area has as large an estimate.

    >>> from evaluation.estimators import REGISTRY
    >>> from evaluation.simulate import simulate_comparison
    >>> made = simulate_comparison(n_areas=60, n_treated=1, effect=-6.0, seed=1)  # SYNTHETIC
    >>> method = REGISTRY["twfe"]()
    >>> found = infer(method.fit(made), method, made, level=0.05, draws=999, seed=1)
    >>> found.as_large, found.reps, round(found.p_value, 4)  # (1 + 0) / (59 + 1)
    (0, 59, 0.0167)
    >>> found.interval.low < -6 < found.interval.high
    True
    """
    placebos = estimator.placebos(comparison, draws=draws, seed=seed) if placebos is None else placebos
    reference = reference_of(estimate, placebos, comparison, statistic=statistic)
    reps = len(placebos.att)
    critical = reference.critical(level) if reps else None
    half = None if critical is None else critical * reference.unit
    size = measure_size(reference, level) if critical is not None else None
    blocks = count_blocks(comparison)
    bands, pointwise = measure_bands(estimate, placebos, reference, comparison, level=level) if reps else ((), ())
    return Inference(
        method="placebo_in_space",
        null="The programme changed nothing in any period, and the treated places differ from untreated ones by chance alone.",
        level=level,
        reps=reps,
        seed=seed,
        p_value=None if critical is None else reference.p_value,
        interval=None if half is None else Interval(low=estimate.att - half, high=estimate.att + half),
        as_large=reference.as_large if reps else None,
        smallest_p=reference.floor if reps else None,
        mde=None if critical is None else smallest_detectable(reference.placebos, critical) * reference.unit,
        placebo_gaps=_keep_gaps(placebos.gaps),
        note=" ".join(_notes(reference, placebos, level, blocks, size, statistic or DEFAULT_STATISTIC)),
        size=None if size is None else size.size,
        size_reps=None if size is None else size.reps,
        bands=bands,
        pointwise=pointwise,
        blocks=blocks,
        placebo_sd=None if critical is None else float(np.sqrt(np.mean(reference.placebos**2))) * reference.unit,
    )


def count_blocks(comparison: Comparison) -> int:
    """How many sets of placebo places the untreated areas hold at most such that no two share an area."""
    treated = int(comparison.treated.sum())
    members = treated if comparison.sizes is None else int(comparison.sizes[comparison.treated].sum())
    return (len(comparison.areas) - treated) // members if members else 0


def _keep_gaps(gaps: np.ndarray | None) -> tuple[tuple[float, ...], ...] | None:
    """At most `MOST_GAPS` rows, evenly picked."""
    if gaps is None:
        return None
    rows = np.linspace(0, max(len(gaps) - 1, 0), min(len(gaps), MOST_GAPS)).round().astype(int)
    return tuple(tuple(float(v) for v in gaps[row]) for row in rows)


def _notes(
    reference: Reference, placebos: Placebos, level: float, blocks: int, size: MeasuredSize | None, wanted: Statistic
) -> list[str]:
    """What a reader must know beside the numbers."""
    if not len(placebos.att):
        return ["There are not enough untreated areas to place a placebo."]
    notes = []
    if reference.critical(level) is None:
        notes.append(
            f"With {reference.distinct} different placebo assignments p cannot fall below {reference.floor:.3f}, which exceeds "
            f"{level:g}: no p-value and no interval can be given at this level."
        )
    elif blocks * level < 1.0 - 1e-9:
        notes.append(
            f"The untreated areas hold {blocks} such assignment(s) that share no area with each other, fewer than the "
            f"{1 / level:.0f} that a test at {level:g} would need of independent ones: placebos overlap, and p is a coarse one."
        )
    if reference.statistic != wanted:
        notes.append("Which areas each placebo is made of is not known here, so estimates are divided by their own misfit.")
    if not reference.studentised and reference.statistic != "raw":
        notes.append(
            "Estimates are compared as they are, not relative to their noise, because at least one place has none to measure: "
            "noisy and calm places count alike."
        )
    if not placebos.exhaustive:
        notes.append("Placebo places are drawn at random with the treated places' own starts.")
    if size is None and reference.critical(level) is not None:
        notes.append(NOT_MEASURED)
    return notes

"""How often the placebo test rejects on this very panel where nothing was done."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluation.errors import DataError
from evaluation.inference.reference import TIE, Reference, reference_of
from evaluation.numerics.places import merge_places
from evaluation.numerics.treated import treated_mean
from evaluation.results import Comparison, Estimate, Estimator, Inference, Placebos

NEAREST = 0.25
"""Share of the placebo places, those most like the treated one in noise, whose rejections are counted."""

FEWEST = 100
"""Fewest placebo places counted, where there are so many."""

MOST = 500
"""Most placebo places counted: enough for a standard error of one point at 5 per cent, and the cost does not run away."""

CHUNK = 4_000_000
"""Numbers in the largest array of one chunk."""

REPLAYS, REPLAY_DRAWS = 200, 99
"""Assignments that are replayed, and placebo assignments of each."""

NOT_MEASURED = "How often the test rejects by chance on this panel could not be measured."


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSize:
    """Share of true nulls rejected, and the number of placebo places it was measured with."""

    size: float
    reps: int


def measure_size(reference: Reference, level: float) -> MeasuredSize | None:
    """Treat placebo places in turn as if they were the treated one, and count how often the test rejects.

    Counted are the quarter of the placebo places whose estimates are most like the treated one's in noise (nearest in the
    sampling variance that goes into their average, or in one over population where that is not known; equally near ones are all
    in), a hundred at least and five hundred at most. Each is ranked among the placebo places that share no area with it, as the
    treated place is among places it shares none with, by the statistic of the test.

    Covered: that noise differs between places of other sizes, is autocorrelated, moves in steps with a survey's windows, or is
    shared by neighbours and regions; that placebos overlap; that there are few of them. Not covered: a shock to the treated
    region alone, places chosen for their past, and what is odd about the treated areas themselves, for none of them is among the
    places counted. The places counted overlap, so the figure is as exact as that from `Inference.blocks` independent ones, not
    more.

    Returns
    -------
    MeasuredSize or None
        None where it is not known which areas a placebo is made of, there are too few placebos to reject at `level`, or most
        assignments are so large that fewer than 1/`level` others share no area with them (many treated places at once: then
        `replay_size`).
    """
    if reference.places is None or reference.treated is None or reference.places.shares is None:
        return None
    if len(reference.placebos) * level < 1.0:
        return None
    distance = np.abs(np.log(reference.places.noise / reference.treated.noise[0]))
    counted = min(len(distance), MOST, max(FEWEST, int(np.ceil(NEAREST * len(distance)))))
    rows = np.flatnonzero(distance <= np.sort(distance)[counted - 1] * (1.0 + TIE) + TIE)[:MOST]
    member = (reference.places.shares > 0.0).astype(np.float32)
    step = max(1, CHUNK // len(member))
    found = np.concatenate([_reject(reference, member, rows[i : i + step], level) for i in range(0, len(rows), step)])
    known = found[~np.isnan(found)]
    return MeasuredSize(size=float(known.mean()), reps=len(known)) if 2 * len(known) >= len(found) else None


def _reject(reference: Reference, member: np.ndarray, rows: np.ndarray, level: float) -> np.ndarray:
    """1 where p of a placebo (one of `rows`) is at most `level`, 0 where not, nan where it cannot be that small."""
    apart = member[rows] @ member.T == 0.0
    larger = np.abs(reference.placebos) >= np.abs(reference.placebos[rows])[:, None] * (1.0 - TIE)
    number = apart.sum(axis=1)
    p = (1 + (apart & larger).sum(axis=1)) / (1 + number)
    return np.where((1 + number) * level >= 1.0 - TIE, (p <= level * (1.0 + TIE)).astype(float), np.nan)


def replay_size(
    estimator: Estimator, comparison: Comparison, placebos: Placebos, *, level: float, seed: int
) -> MeasuredSize | None:
    """Carry out placebo assignments one by one on the untreated areas, and the whole test on each with placebos of its own.

    For several treated places at once, whose placebos overlap too much to be ranked against each other. As in the real test the
    areas of an assignment leave the comparison areas, and its placebos are made of the areas that remain. Costs `REPLAYS` times
    the estimator's placebos.

    Returns
    -------
    MeasuredSize or None
        None where the untreated areas cannot carry an assignment and placebos of it.
    """
    if placebos.groups is None:
        return None
    rejected: list[bool] = []
    for d in range(min(REPLAYS, len(placebos.att))):
        study = merge_places(comparison, placebos.groups[d])
        try:
            others = estimator.placebos(study, draws=REPLAY_DRAWS, seed=seed + 1 + d)
        except DataError:
            return None
        own = _estimate_of(placebos, d, study)
        reference = reference_of(own, others, study)
        if not len(others.att) or reference.critical(level) is None:
            return None
        rejected.append(reference.p_value <= level * (1.0 + TIE))
    return MeasuredSize(size=float(np.mean(rejected)), reps=len(rejected)) if rejected else None


def _estimate_of(placebos: Placebos, d: int, study: Comparison) -> Estimate:
    """What `fit` gives on the assignment: its placebo estimate and misfit, which are that by definition."""
    predicted = placebos.prediction_rmspe
    observed = treated_mean(study)
    return Estimate(
        estimator="",
        att=float(placebos.att[d]),
        path=(),
        series=observed.beside(observed.observed, study.periods),
        pre_rmspe=float(placebos.pre_rmspe[d]),
        prediction_rmspe=None if predicted is None else float(predicted[d]),
    )


def fill_size(
    inference: Inference, estimator: Estimator, comparison: Comparison, placebos: Placebos, *, level: float, seed: int
) -> Inference:
    """The inference with its size measured by replay, where it decides and has none; weights are too slow for replays."""
    if inference.size is not None or not inference.decides or inference.p_value is None:
        return inference
    if estimator.card.family != "difference-in-differences":
        return inference
    found = replay_size(estimator, comparison, placebos, level=level, seed=seed)
    if found is None:
        return inference
    note = inference.note.replace(NOT_MEASURED, "").strip()
    return replace(inference, size=found.size, size_reps=found.reps, note=note)

"""Whether the method finds an effect before there was a programme."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.errors import EvaluationError
from evaluation.inference.placebo_in_space import infer
from evaluation.results import NEVER, Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "placebo_in_time"
TITLE = "A start moved back"

FEWEST = 3
"""Periods that must be left before the moved start."""

BACK = 3
"""The moved start leaves one in so many of the periods before the true start after it."""


def run(
    comparison: Comparison,
    estimator: Estimator,
    estimate: Estimate,
    placebos: Placebos,
    thresholds: CheckThresholds,
    *,
    level: float = 0.05,
    draws: int = 999,
    seed: int = 0,
) -> Check:
    """Estimate again on the periods before any programme, with the start moved back by a third of them (Abadie, Diamond &
    Hainmueller 2015), and hold the result against the interval that the same method's placebo areas give for it.

    The threshold is the half-width of that interval or, where it is larger, the difference the protocol calls negligible: with
    many areas chance is so small that a difference of no consequence would fail. At a level of 0.05 one sound comparison in
    twenty fails.
    """
    periods = int(comparison.first_treated[comparison.treated].min())
    back = max(1, periods // BACK)
    if periods - back < FEWEST:
        text = f"Not run: with {periods} periods before the start none can be spared for a moved one."
        return Check(name=NAME, title=TITLE, passed=None, text=text)
    earlier = move_start(comparison, periods=periods, start=periods - back)
    try:
        found = estimator.fit(earlier)
        inference = infer(found, estimator, earlier, level=level, draws=draws, seed=seed)
    except EvaluationError as refusal:
        # such as predictors of a synthetic control that lie after the moved start
        return Check(name=NAME, title=TITLE, passed=None, text=f"Not run: {refusal}")
    if inference.interval is None:
        text = f"Not run: {inference.note}"
        return Check(name=NAME, title=TITLE, passed=None, value=found.att, text=text)
    half = max((inference.interval.high - inference.interval.low) / 2.0, thresholds.negligible_effect)
    passed = abs(found.att) <= half * (1.0 + 1e-9) + 1e-9 * float(np.std(comparison.y))
    text = (
        f"With the start moved back to {earlier.periods[periods - back]}, before the programme, the method finds {found.att:.3g} "
        f"{comparison.unit or 'units'}, {'within' if passed else 'outside'} what chance gives or the protocol calls negligible "
        f"(plus or minus {half:.3g})."
    )
    return Check(name=NAME, title=TITLE, passed=bool(passed), text=text, value=found.att, threshold=half)


def move_start(comparison: Comparison, *, periods: int, start: int) -> Comparison:
    """The first `periods` periods, all treated areas fully exposed from period `start` on."""
    exposed = comparison.treated & (np.arange(periods)[:, None] >= start)
    return replace(
        comparison,
        periods=comparison.periods[:periods],
        y=comparison.y[:periods],
        se=None if comparison.se is None else comparison.se[:periods],
        first_treated=np.where(comparison.treated, start, NEVER),
        exposure=exposed.astype(float),
        covariates={name: values[:periods] for name, values in comparison.covariates.items()},
    )

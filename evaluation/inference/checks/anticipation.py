"""Whether something happened shortly before the start, as when people or offices act on an announcement."""

from __future__ import annotations

import numpy as np

from evaluation.errors import EvaluationError
from evaluation.inference.checks.placebo_in_time import FEWEST, move_start
from evaluation.inference.checks.spacing import periods_in_year
from evaluation.inference.reference import TIE, reference_of
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "anticipation"
TITLE = "Change shortly before the start"

MONTHS = 6
"""Months before the start that are taken as treated; one period at least."""


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
    """Estimate again on the periods before any programme, the last six months of them taken as treated, and hold the result
    against what the same method finds in placebo places.

    `placebo_in_time` asks the same of a third of the periods before the start: it sees a comparison that drifts, and is blind to
    what happens only after an announcement. With several starts the months before the first one count. The statistic is the one
    of the placebo inference (the estimate over its misfit), so the share is one minus its p-value.
    """
    limit = thresholds.maximum_anticipation
    first = int(comparison.first_treated[comparison.treated].min())
    back = max(1, round((periods_in_year(comparison.periods) or 1.0) * MONTHS / 12.0))
    if first - back < FEWEST:
        text = f"Not run: {first} periods before the start leave fewer than {FEWEST} before a start moved back by {back}."
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=text)
    earlier = move_start(comparison, periods=first, start=first - back)
    try:
        found = estimator.fit(earlier)
        others = estimator.placebos(earlier, draws=draws, seed=seed)
    except EvaluationError as refusal:
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=f"Not run: {refusal}")
    if not len(others.att):
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text="Not run: there are no placebo areas.")
    reference = reference_of(found, others, earlier)
    share = float((np.abs(reference.placebos) < reference.observed * (1.0 - TIE)).mean())
    said = (
        f"In {_span(earlier.periods[-back:])}, just before the start, the method finds {found.att:.2g} "
        f"{comparison.unit or 'units'}, more than in {share:.0%} of placebo places"
    )
    if limit >= 1.0:
        text = f"For information: {said}."
        return Check(name=NAME, title=TITLE, passed=None, information=True, value=share, text=text)
    negligible = abs(found.att) <= thresholds.negligible_effect
    passed = negligible or share <= limit
    said += (
        ", which the protocol calls negligible" if negligible else f", {'within' if passed else 'beyond'} the {limit:.0%} allowed"
    )
    return Check(name=NAME, title=TITLE, passed=passed, value=share, threshold=limit, text=f"{said}.")


def _span(periods: tuple[str, ...]) -> str:
    return periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]}"

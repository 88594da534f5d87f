"""Whether the treated area moves away from its comparison before the start more than untreated areas do."""

from __future__ import annotations

import numpy as np

from evaluation.inference.placebo_in_space import NEGLIGIBLE
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "pre_trend"
TITLE = "Movement before the start"

FEWEST = 3
"""Periods before the start below which movement and noise cannot be told apart."""


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Share of placebos whose movement before the start is smaller than the treated area's.

    Movement is the largest gap before the start over the area's own noise, the root mean square of period-to-period changes of
    the gap divided by the square root of two (von Neumann 1941). Noise alone gives the same for calm and restless areas; a drift
    gives more. With several treated areas it is the root mean square of their mean gap. Placebo areas are the reference, so
    overlapping survey windows and few treated areas do no harm; a Wald test of the leads, which rejects nearly always with few
    treated areas, has no part in it.
    """
    limit = thresholds.maximum_pre_trend
    start = int(comparison.first_treated[comparison.treated].min())
    if start < FEWEST or not len(placebos.att):
        text = (
            f"Not run: it needs {FEWEST} periods before the start and placebo areas; there are {start} and {len(placebos.att)}."
        )
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=text)
    nil = NEGLIGIBLE * float(np.std(comparison.y))
    if placebos.gaps is None:
        treated, others = estimate.pre_rmspe, placebos.pre_rmspe
        treated, others = (treated if treated > nil else 0.0), np.where(others > nil, others, 0.0)
    else:
        gap = np.subtract(estimate.series.observed, estimate.series.counterfactual)
        treated = float(movement(gap[None, :start], nil)[0])
        others = movement(placebos.gaps[:, :start], nil)
    share = float((others < treated * (1.0 - 1e-9)).mean())
    passed = share <= limit
    who, others_do = (
        ("treated areas together", "random sets of untreated areas")
        if placebos.gaps is None
        else ("treated area", "untreated areas")
    )
    text = (
        f"Before the start the {who} moved more than {share:.0%} of {others_do} do by chance, "
        f"{'within' if passed else 'beyond'} the {limit:.0%} allowed."
    )
    return Check(name=NAME, title=TITLE, passed=passed, text=text, value=share, threshold=limit)


def movement(gaps: np.ndarray, nil: float) -> np.ndarray:
    """Largest gap over period-to-period noise, (D,) from gaps (D, T); 0 where there is no gap to speak of."""
    largest = np.abs(gaps).max(axis=1)
    noise = np.sqrt(np.mean(np.diff(gaps, axis=1) ** 2, axis=1) / 2.0)
    return np.divide(largest, np.maximum(noise, nil), out=np.zeros_like(largest), where=largest > nil)

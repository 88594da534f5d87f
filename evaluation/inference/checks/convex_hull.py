"""Whether the treated area lies among the donors: a mix of areas cannot be higher or lower than all of them."""

from __future__ import annotations

import numpy as np

from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "convex_hull"
TITLE = "Treated area within the donors' range"

SHIFTED = ("demeaned_synthetic_control", "synthetic_did")
"""Methods that compare changes: what must lie within the range is the deviation from the mean before the start."""


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Share of the periods before the start in which the treated area lies between the lowest and the highest donor.

    To lie within the range in every period is needed for a perfect fit and does not suffice for one, which `pre_fit` measures.
    With several treated areas the one that lies within least often counts.
    """
    limit = thresholds.minimum_inside_range
    donors = np.flatnonzero(~comparison.treated)
    if donors.size < 2:
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text="Not run: there are fewer than two donors.")
    shifted = estimator.name in SHIFTED or bool(getattr(estimator, "intercept", False))
    inside, rank = zip(*(_place(comparison, int(n), donors, shifted) for n in np.flatnonzero(comparison.treated)), strict=True)
    worst = int(np.argmin(inside))
    name = comparison.area_names[int(np.flatnonzero(comparison.treated)[worst])]
    said = (
        f"Before the start {name} lies between the lowest and the highest donor in {inside[worst]:.0%} of the periods, on "
        f"average above {rank[worst]:.0%} of the {donors.size} donors"
    ) + (", measured from each area's own mean" if shifted else "")
    if limit <= 0.0:
        text = f"For information: {said}."
        return Check(name=NAME, title=TITLE, passed=None, information=True, value=inside[worst], text=text)
    passed = inside[worst] >= limit
    text = f"{said}; at least {limit:.0%} are asked for."
    return Check(name=NAME, title=TITLE, passed=passed, value=inside[worst], threshold=limit, text=text)


def _place(comparison: Comparison, column: int, donors: np.ndarray, shifted: bool) -> tuple[float, float]:
    """Share of periods within the donors' range, and the mean share of donors below; the periods are those before the start."""
    start = int(comparison.first_treated[column])
    own, others = comparison.y[:start, column], comparison.y[:start, donors]
    if shifted:
        own, others = own - np.nanmean(own), others - np.nanmean(others, axis=0)
    inside = (own >= np.nanmin(others, axis=1)) & (own <= np.nanmax(others, axis=1))
    return float(inside.mean()), float((others < own[:, None]).mean())

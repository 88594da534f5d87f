"""Whether the effect hangs on a single donor."""

from __future__ import annotations

import numpy as np

from evaluation.numerics.selection import keep_areas
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "leave_one_donor_out"
TITLE = "Without one donor at a time"

SHARE = 0.5
"""Share of the estimate that no single donor may account for."""

MOST = 25
"""Donors left out by estimating again, heaviest first, for a method that cannot leave them out together."""


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Largest move of the estimate when a donor with weight is left out and the weights are fitted anew (Abadie, Diamond &
    Hainmueller 2015).

    A move may be half the estimate, which keeps its direction, or as large as the comparison is usually off in periods it was not
    fitted to (`Estimate.scale`), or what the protocol calls negligible: smaller moves tell nothing about the programme.
    """
    if not estimate.weights:
        return Check(name=NAME, title=TITLE, passed=None, kind="robustness", text="Not run: the method has no donor weights.")
    if len(comparison.donors) < 2:
        return Check(name=NAME, title=TITLE, passed=None, kind="robustness", text="Not run: there is no other donor.")
    batch = getattr(estimator, "leave_one_out", None)
    if batch is None:
        areas, atts = _estimate_again(comparison, estimator, estimate)
    else:
        left = batch(comparison, estimate)
        areas, atts = left.areas, left.att
    moves = np.abs(atts - estimate.att)
    worst = int(moves.argmax())
    move = float(moves[worst])
    limit = max(SHARE * abs(estimate.att), estimate.scale, thresholds.negligible_effect)
    rounding = 1e-9 * float(np.nanstd(comparison.y))
    passed = move <= limit + rounding
    name = comparison.area_names[comparison.areas.index(areas[worst])]
    text = (
        f"Leaving out one of {len(areas)} donors moves the estimate by {move:.3g} {comparison.unit or 'units'} at most, to "
        f"{atts[worst]:.3g} without {name}, {'within' if passed else 'more than'} the {limit:.3g} allowed."
    )
    return Check(name=NAME, title=TITLE, passed=bool(passed), text=text, value=move, threshold=limit, kind="robustness")


def leave_out(comparison: Comparison, area: str) -> Comparison:
    """The comparison without one area."""
    return keep_areas(comparison, np.array([code != area for code in comparison.areas]))


def _estimate_again(comparison: Comparison, estimator: Estimator, estimate: Estimate) -> tuple[tuple[str, ...], np.ndarray]:
    """Estimates without each of the heaviest donors."""
    heaviest = sorted(estimate.weights, key=lambda donor: (-abs(donor.weight), donor.area))
    areas = tuple(dict.fromkeys(donor.area for donor in heaviest))[:MOST]
    return areas, np.array([estimator.fit(leave_out(comparison, area)).att for area in areas])

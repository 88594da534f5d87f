"""Whether the counterfactual rests on one donor."""

from __future__ import annotations

from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "donor_concentration"
TITLE = "Weight of the largest donor"


def run(
    comparison: Comparison, estimator: Estimator, estimate: Estimate, placebos: Placebos, thresholds: CheckThresholds
) -> Check:
    """Largest donor weight: what happens to that one area by chance would pass for an effect."""
    limit = thresholds.maximum_donor_weight
    if not estimate.weights:
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text="Not run: the method has no donor weights.")
    largest = max(estimate.weights, key=lambda donor: (donor.weight, donor.area))
    passed = largest.weight <= limit
    text = (
        f"{largest.name} has {largest.weight:.0%} of the weight, {'within' if passed else 'more than'} the {limit:.0%} allowed; "
        f"the weights average as much as {_effective(estimate):.1f} areas of equal weight would."
    )
    return Check(name=NAME, title=TITLE, passed=passed, text=text, value=largest.weight, threshold=limit)


def _effective(estimate: Estimate) -> float:
    """Effective number of donors, one over the sum of squared weights; of several treated areas the one with the fewest."""
    squares: dict[str, float] = {}
    for donor in estimate.weights:
        squares[donor.treated] = squares.get(donor.treated, 0.0) + donor.weight**2
    return 1.0 / max(squares.values())

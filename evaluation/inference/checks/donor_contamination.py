"""Whether the comparison is itself reached by programmes, or borders a treated place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from evaluation.contracts.records import Contracts, Exposure
from evaluation.design.donors import COVERED_FROM
from evaluation.design.study import Study
from evaluation.panel.periods import reference_window, shift_month
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

NAME = "donor_contamination"
TITLE = "Other programmes in the comparison areas"

RECENT = 36
"""Months before the first start from which the beginning of a programme counts: an earlier one is in most figures before the
start as well as in those after it."""


def run(
    comparison: Comparison,
    estimator: Estimator,
    estimate: Estimate,
    placebos: Placebos,
    thresholds: CheckThresholds,
    *,
    study: Study | None = None,
) -> Check:
    """Share of the comparison where another programme began shortly before or after the start, or that borders a treated place.

    A programme counts that reaches at least half of a comparison area and not at least half of the treated authorities: what
    began on both sides is no difference between them. A plan is no programme that reaches anybody. The share is of donor weight
    where the method has weights, else of areas.
    """
    limit = thresholds.maximum_contaminated_weight
    if study is None:
        text = "Not run: which programmes reach the comparison areas is known for the areas of a study only."
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=text)
    if not comparison.donors:
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text="Not run: there is no comparison area.")
    shares = _donor_shares(comparison, estimate)
    reached = _programmes(comparison, study)
    borders = _bordering(comparison, study)
    touched = set().union(borders, *reached.values())
    value = min(sum(share for code, share in shares.items() if code in touched), 1.0)
    parts = {name: sum(shares.get(code, 0.0) for code in codes) for name, codes in reached.items()}
    parts["next to a treated place"] = sum(shares.get(code, 0.0) for code in borders)
    named = ", ".join(f"{name} {share:.0%}" for name, share in sorted(parts.items(), key=lambda pair: -pair[1]) if share > 0.0)
    share = f"In areas with {value:.0%} of the weight" if estimate.weights else f"In {value:.0%} of the comparison areas"
    said = (
        f"{share} another programme began shortly before or after the start that the treated area did not have, or a treated "
        f"place is next door"
    ) + (f" ({named})" if named else "")
    if limit >= 1.0:
        text = f"For information: {said}."
        return Check(name=NAME, title=TITLE, passed=None, information=True, value=value, text=text)
    passed = value <= limit
    text = f"{said}, {'within' if passed else 'more than'} the {limit:.0%} allowed."
    return Check(name=NAME, title=TITLE, passed=passed, value=value, threshold=limit, text=text)


def _donor_shares(comparison: Comparison, estimate: Estimate) -> dict[str, float]:
    """What share of the comparison each area is; the shares add up to 1."""
    weights: dict[str, float] = defaultdict(float)
    for donor in estimate.weights:
        # an augmented control may have negative weights: their size is what the area counts for
        weights[donor.area] += abs(donor.weight)
    if not weights:
        weights.update(dict.fromkeys(comparison.donors, 1.0))
    total = sum(weights.values()) or 1.0
    return {code: weight / total for code, weight in weights.items()}


def _programmes(comparison: Comparison, study: Study) -> dict[str, set[str]]:
    """Areas that each programme reaches on one side only, by the name of the programme."""
    treated = [code for code, one in zip(comparison.areas, comparison.treated, strict=True) if one]
    units = [study.design.unit_of(code) for code in treated]
    members = {code for unit in units for code in unit.members}
    months = study.contracts.outcomes[comparison.outcome].window_months
    since = shift_month(min(unit.start for unit in units), -RECENT)
    until = reference_window(comparison.periods[-1], months)[1]
    found = {}
    for id, programme in study.contracts.programmes.items():
        covered = _covered(study.contracts, id, since, until)
        if id != study.design.programme and programme.kind != "plan" and len(covered & members) < COVERED_FROM * len(members):
            found[programme.name] = covered
    return found


def _covered(contracts: Contracts, programme: str, since: str, until: str) -> set[str]:
    """Areas at least half of which a programme reaches that began in these months; one without a known beginning counts."""
    share: dict[str, float] = defaultdict(float)
    for item in contracts.exposures:
        if item.programme == programme and item.area_code is not None and _begins(item, since, until):
            share[item.area_code] += 1.0 if item.area_share is None else item.area_share
    return {code for code, value in share.items() if value >= COVERED_FROM}


def _begins(item: Exposure, since: str, until: str) -> bool:
    began = (item.start or item.announced or item.period_start)[:7]
    return not began or since <= began <= until


def _bordering(comparison: Comparison, study: Study) -> set[str]:
    """Comparison areas that border a place treated by the last period."""
    months = study.contracts.outcomes[comparison.outcome].window_months
    until = reference_window(comparison.periods[-1], months)[1]
    inside: Sequence[str] = [code for unit in study.design.treated if unit.start <= until for code in unit.members]
    treated, donors = set(inside), set(comparison.donors)
    return {n.neighbour_code for n in study.contracts.neighbours if n.area_code in treated and n.neighbour_code in donors}

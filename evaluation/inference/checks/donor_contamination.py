"""Whether the comparison is itself reached by programmes, or borders a treated place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

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

    Of a programme whose areas are on record in part only, a treated area that is in no row may have it as well. Where such a
    programme alone lifts the share above the limit, the comparison stands, but a difference found is not confirmed: the check
    fails as one of robustness.
    """
    limit = thresholds.maximum_contaminated_weight
    if study is None:
        text = "Not run: which programmes reach the comparison areas is known for the areas of a study only."
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text=text)
    if not comparison.donors:
        return Check(name=NAME, title=TITLE, passed=None, threshold=limit, text="Not run: there is no comparison area.")
    shares = _donor_shares(comparison, estimate)
    borders = _bordering(comparison, study)
    certain, unsettled = _programmes(comparison, study)
    reached = {**certain, "next to a treated place": borders}
    value = _share(shares, set().union(*reached.values()))
    at_most = _share(shares, set().union(*reached.values(), *unsettled.values()))
    share = f"In areas with {value:.0%} of the weight" if estimate.weights else f"In {value:.0%} of the comparison areas"
    said = (
        f"{share} another programme began shortly before or after the start that the treated area did not have, or a treated "
        f"place is next door{_list(reached, shares)}"
    )
    doubt = ""
    if at_most > value:
        names = " and ".join(name for name in unsettled if _share(shares, unsettled[name]))
        doubt = f" With {names} it is up to {at_most:.0%}; whether the treated area has {names} too is not on record."
    if limit >= 1.0:
        text = f"For information: {said}.{doubt}"
        return Check(name=NAME, title=TITLE, passed=None, information=True, value=value, text=text)
    if value <= limit < at_most:
        text = f"Not settled: {said[0].lower()}{said[1:]}, within the {limit:.0%} allowed.{doubt}"
        return Check(name=NAME, title=TITLE, passed=False, value=at_most, threshold=limit, text=text, kind="robustness")
    passed = value <= limit
    text = f"{said}, {'within' if passed else 'more than'} the {limit:.0%} allowed.{doubt}"
    return Check(name=NAME, title=TITLE, passed=passed, value=value, threshold=limit, text=text)


def _share(shares: Mapping[str, float], areas: Collection[str]) -> float:
    """What share of the comparison some areas are."""
    return min(sum(share for code, share in shares.items() if code in areas), 1.0)


def _list(reached: Mapping[str, Collection[str]], shares: Mapping[str, float]) -> str:
    """What reaches the comparison areas, the most first, in brackets; empty where nothing does."""
    parts = {name: _share(shares, areas) for name, areas in reached.items()}
    named = ", ".join(f"{name} {share:.0%}" for name, share in sorted(parts.items(), key=lambda pair: -pair[1]) if share > 0.0)
    return f" ({named})" if named else ""


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


def _programmes(comparison: Comparison, study: Study) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Areas each programme reaches on one side only, and those of programmes of which nobody knows, by its name."""
    treated = [code for code, one in zip(comparison.areas, comparison.treated, strict=True) if one]
    units = [study.design.unit_of(code) for code in treated]
    members = {code for unit in units for code in unit.members}
    months = study.contracts.outcomes[comparison.outcome].window_months
    since = shift_month(min(unit.start for unit in units), -RECENT)
    until = reference_window(comparison.periods[-1], months)[1]
    certain: dict[str, set[str]] = {}
    unsettled: dict[str, set[str]] = {}
    for id, programme in study.contracts.programmes.items():
        covered = _covered(study.contracts, id, since, until)
        if id != study.design.programme and programme.kind != "plan" and len(covered & members) < COVERED_FROM * len(members):
            (certain if programme.areas_on_record == "all" else unsettled)[programme.name] = covered
    return certain, unsettled


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

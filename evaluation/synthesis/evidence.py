"""What the rules of a verdict look at, gathered from the findings of one area and outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.contracts.records import Outcome
from evaluation.design.reach import find_plausible, find_reach
from evaluation.panel.period_words import last_start, write_the_period
from evaluation.panel.periods import first_wholly_after
from evaluation.results import Design, Finding, Stress, TreatedUnit
from evaluation.synthesis.agree import POOLED, Agreement, can_detect, compare_methods, find_inference
from evaluation.synthesis.numbers import write_count, write_level
from evaluation.synthesis.sentences import Quoted

WITH_ARTICLE = ("East Midlands", "East of England", "North East", "North West", "South East", "South West", "West Midlands")
"""Names that take an article inside a sentence."""

COVERED = 1 - 1e-9
"""Exposure from which a reference window counts as wholly after the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the rules look at.

    Attributes
    ----------
    place : the area inside a sentence
    headline : finding of the design's first difference-in-differences estimator
    agreement : how the other methods stand to it
    quoted : its numbers that a sentence may quote; None where it has no interval
    unavailable : why there is no finding, when a contract or a job failed
    """

    design: Design
    outcome: Outcome
    area: str
    place: str
    headline: Finding | None
    agreement: Agreement | None
    quoted: Quoted | None
    unavailable: str


def gather_evidence(
    findings: Sequence[Finding],
    design: Design,
    outcome: Outcome,
    area: str,
    *,
    unavailable: str = "",
    stress: Mapping[tuple[str, str], Stress] | None = None,
) -> Evidence:
    """Pick what concerns one area and outcome from the findings of a run; `stress` is by outcome and area."""
    own = [f for f in findings if f.outcome == outcome.id and f.area == area and f.design == design.id]
    first = design.did_estimators[0] if design.did_estimators else ""
    headline = next((f for f in own if f.estimator == first), None)
    place = place_words(design, area, outcome.id)
    quoted = agreement = None
    if headline is not None:
        parts = _parts(findings, design, outcome) if area == POOLED else []
        others = [f for f in own if f is not headline]
        variants = (stress or {}).get((outcome.id, area))
        agreement = compare_methods(headline, others, design, parts=parts, stress=variants)
        inference = find_inference(headline)
        if inference is not None and inference.interval is not None:
            quoted = Quoted(
                finding=headline,
                inference=inference,
                interval=inference.interval,
                outcome=outcome,
                place=place,
                cap=find_cap(headline),
                plausible=find_plausible(design, outcome),
                primary=design.outcome(outcome.id).primary,
            )
    return Evidence(
        design=design,
        outcome=outcome,
        area=area,
        place=place,
        headline=headline,
        agreement=agreement,
        quoted=quoted,
        unavailable=unavailable,
    )


def _parts(findings: Sequence[Finding], design: Design, outcome: Outcome) -> list[Finding]:
    """Synthetic controls of the single areas, one an area."""
    found: dict[str, Finding] = {}
    for name in design.synthetic_control_estimators[:1]:
        for finding in findings:
            if (finding.design, finding.outcome, finding.estimator) == (design.id, outcome.id, name) and finding.area != POOLED:
                found[finding.area] = finding
    return [found[code] for code in sorted(found)]


def find_cap(finding: Finding) -> float | None:
    """Largest difference the supported people could produce, in the outcome's unit; None where that is not known."""
    return find_reach(finding.unit, supported=finding.supported, people=finding.people)


def units_in_window(design: Design, outcome: str) -> tuple[TreatedUnit, ...]:
    """The treated units that start within the window of an outcome; those that start later serve as comparison until then."""
    last = design.outcome(outcome).last
    end = last if "-" in last else f"{last}-12"
    return tuple(unit for unit in design.treated if unit.start[:7] <= end)


def place_words(design: Design, area: str, outcome: str) -> str:
    """Where, inside a sentence: the unit's name, or ``the nine areas together``."""
    if area == POOLED:
        units = units_in_window(design, outcome)
        count = len(units)
        if count == 1 and design.comparison == "none":
            return units[0].name
        return "the area" if count == 1 else f"the {write_count(count)} areas together"
    name = design.unit_of(area).name
    return f"the {name}" if name in WITH_ARTICLE else name


def why_not_estimated(evidence: Evidence) -> str | None:
    """Why there is no estimate to judge, in words that fit after a colon; None where there is one."""
    if evidence.unavailable:
        return evidence.unavailable.strip().rstrip(".")
    if evidence.headline is None:
        return "the run has no finding by the main method for it"
    early = _too_early(evidence, evidence.headline)
    if early:
        return early
    series = evidence.headline.estimate.series
    before, wanted = sum(1 for share in series.exposure if share <= 0), evidence.design.thresholds.minimum_pre_periods
    if before < wanted:
        return f"the series has {write_count(before)} periods before the start, and the protocol asks for {write_count(wanted)}"
    if evidence.quoted is None:
        inference = find_inference(evidence.headline)
        if inference is not None and not can_detect(inference):
            return (
                f"{inference.reps:,} placebo comparisons are too few for an interval at the {write_level(inference.level)} level"
            )
        return "how surely the estimate differs from chance could not be computed"
    return None


def _too_early(evidence: Evidence, headline: Finding) -> str | None:
    series, outcome = headline.estimate.series, evidence.outcome
    if max(series.exposure) >= COVERED:
        return None
    if evidence.area == POOLED:
        # The mean exposure of areas with different starts reaches 1 only with the last of them; one covered area is enough.
        if evidence.design.exposure_coding == "binary" and max(series.exposure) > 0:
            return None
        starts = [unit.start for unit in units_in_window(evidence.design, outcome.id)] or [headline.start.split(" to ")[0]]
    else:
        starts = [last_start(headline.start)]
    first = min(first_wholly_after(start, outcome.window_months, outcome.frequency) for start in starts)
    if first <= series.periods[-1] and evidence.area == POOLED:
        return None
    return (
        f"it is too early to tell before the figures for {write_the_period(first, outcome.window_months)}, "
        "the first that lie wholly after the start"
    )


def not_yet_covered(evidence: Evidence, headline: Finding) -> list[str]:
    """Names of the treated units without a reference window wholly after their start."""
    outcome, last = evidence.outcome, headline.estimate.series.periods[-1]
    units = units_in_window(evidence.design, outcome.id)
    return [u.name for u in units if first_wholly_after(u.start, outcome.window_months, outcome.frequency) > last]

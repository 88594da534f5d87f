"""The verdict on one area and outcome, from its findings: seven rules in a fixed order, the first that applies decides.

=========================  ==========================================================================================
not estimated              no usable finding, too few periods before the start, or no reference window wholly after the start yet
comparison not credible    a check set in the protocol failed for the headline finding
implausible size           the interval lies wholly beyond what the supported people could produce
detected                   the interval excludes zero, enough placebos were there to tell, and both families of methods agree
mixed signs                some method's interval excludes zero, and the evidence as a whole does not confirm it
large changes ruled out    the interval, with enough placebos, includes zero and excludes the plausible effect on both sides
too imprecise to tell      everything else
=========================  ==========================================================================================

Widening an interval can only move a verdict down this list; flipping every sign leaves it where it is.

The headline is the finding of the design's first difference-in-differences estimator. The primary outcome answers the question;
verdicts on other outcomes are exploratory and are labelled so wherever they stand, because no correction for several outcomes
is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.contracts.records import Outcome
from evaluation.results import Conclusion, Design, Finding, VerdictName
from evaluation.synthesis.agree import quote_titles
from evaluation.synthesis.evidence import POOLED, Evidence, find_cap, gather_evidence, not_yet_covered, units_in_window
from evaluation.synthesis.numbers import to_people
from evaluation.synthesis.phrases import name_or_count, upper_first
from evaluation.synthesis.rules import apply_rules


def conclude(findings: Sequence[Finding], design: Design, *, outcome: Outcome, area: str, unavailable: str = "") -> Conclusion:
    """Say what the findings of one area and outcome amount to.

    Parameters
    ----------
    findings : sequence of Finding
        Of any areas and outcomes; those of this area and outcome are taken.
    design : Design
        The protocol.
    outcome : Outcome
        The outcome in words.
    area : str
        Code of a treated unit, or ``all``.
    unavailable : str
        Why there is no finding, in words that fit after a colon, when a contract or a job failed; empty otherwise.

    Returns
    -------
    Conclusion
        Its numbers are those the sentence may quote; ``not estimated`` and ``comparison not credible`` carry no estimate.

    Raises
    ------
    ConfigurationError
        If the outcome or the area is not in the design.
    """
    plan = design.outcome(outcome.id)
    evidence = gather_evidence(findings, design, outcome, area, unavailable=unavailable)
    verdict, ruling = apply_rules(evidence)
    quoted, headline = evidence.quoted, evidence.headline
    shown = quoted if verdict not in ("not estimated", "comparison not credible") else None
    interval = shown.interval if shown else None
    people = headline.people if headline and outcome.unit == "pp" else None
    return Conclusion(
        design=design.id,
        outcome=outcome.id,
        area=area,
        area_name=_area_name(design, area),
        primary=plan.primary,
        verdict=verdict,
        because=ruling.because,
        sentence=ruling.sentence,
        headline=shown.finding.estimator if shown else None,
        att=shown.finding.estimate.att if shown else None,
        interval=interval,
        mde=quoted.inference.mde if quoted else None,
        cap=find_cap(headline) if headline else None,
        people=to_people(interval, people) if interval and people else None,
        synthetic=bool(headline and headline.synthetic),
        reasons=_reasons(evidence, plan.primary, verdict),
    )


def conclude_all(
    findings: Sequence[Finding],
    design: Design,
    outcomes: Mapping[str, Outcome],
    *,
    unavailable: Mapping[tuple[str, str], str] | None = None,
) -> tuple[Conclusion, ...]:
    """Conclude for every outcome and area of a design: pooled first, then areas by name; outcomes in the order of the design.

    Parameters
    ----------
    findings : sequence of Finding
        All findings of a run.
    design : Design
        The protocol.
    outcomes : mapping of outcome identifier to Outcome
        Every outcome of the design.
    unavailable : mapping of (outcome, area) to str
        Why there is no finding.
    """
    names = {code: design.unit_of(code).name for code in design.estimate_areas}
    areas = ([POOLED] if design.estimate_pooled else []) + sorted(names, key=lambda code: (names[code].casefold(), code))
    reasons = unavailable or {}
    return tuple(
        conclude(findings, design, outcome=outcomes[plan.id], area=area, unavailable=reasons.get((plan.id, area), ""))
        for area in areas
        for plan in design.outcomes
    )


def _area_name(design: Design, area: str) -> str:
    return "All areas together" if area == POOLED else design.unit_of(area).name


def _reasons(evidence: Evidence, primary: bool, verdict: VerdictName) -> tuple[str, ...]:
    reasons: list[str] = []
    if not primary:
        reasons.append("Exploratory: not the primary outcome, and no correction for looking at several outcomes is made.")
    headline, design = evidence.headline, evidence.design
    if headline is None or verdict == "not estimated":
        return tuple(reasons)
    if evidence.area != POOLED and design.unit_of(evidence.area).start_basis == "assumed":
        reasons.append("The start date is assumed; it is not established by any source.")
    if evidence.area == POOLED:
        late = not_yet_covered(evidence, headline)
        if late:
            reasons.append(f"Not yet covered by a window wholly after their start: {name_or_count(late)}.")
        units = units_in_window(design, evidence.outcome.id)
        later = [unit.name for unit in design.treated if unit not in units]
        if later:
            reasons.append(f"Not treated within the window, and so used for comparison: {name_or_count(later)}.")
        assumed = [unit.name for unit in units if unit.start_basis == "assumed"]
        if assumed:
            reasons.append(f"The start date is assumed for {len(assumed)} of {len(units)} areas.")
    if evidence.agreement is not None:
        reasons.extend(f"{upper_first(doubt)}." for doubt in evidence.agreement.doubts)
    not_run = [c.title for c in headline.checks if c.passed is None]
    if not_run:
        reasons.append(f"Checks not run: {quote_titles(not_run)}.")
    return tuple(reasons)

"""The verdict on one area and outcome, from its findings: seven rules in a fixed order, the first that applies decides.

=========================  ==========================================================================================
not estimated              no usable finding, too few periods before the start, or no reference window wholly after the start yet
comparison not credible    a check set in the protocol failed for the headline finding
implausible size           the interval lies wholly beyond what the supported people could produce
detected                   the interval excludes zero, also after allowing for the other comparisons of its family; enough
                           placebos were there to tell; both families of methods agree; no robustness check failed, and few
                           variants set in advance have another direction
mixed signs                some method's interval excludes zero, and the evidence as a whole does not confirm it
large changes ruled out    the interval, with enough placebos, includes zero and excludes the plausible effect on both sides
too imprecise to tell      everything else
=========================  ==========================================================================================

Widening an interval can only move a verdict down this list, its own and every other one; flipping every sign leaves it where it
is.

The headline is the finding of the design's first difference-in-differences estimator. The primary outcome answers the question;
verdicts on other outcomes are exploratory and are labelled so wherever they stand. What is allowed for when several areas and
outcomes are looked at stands in `evaluation.synthesis.families`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.contracts.records import Outcome
from evaluation.results import Conclusion, Design, Finding, Stress, VerdictName
from evaluation.synthesis.agree import TOLERANCE, quote_titles
from evaluation.synthesis.evidence import POOLED, Evidence, find_cap, gather_evidence, not_yet_covered, units_in_window
from evaluation.synthesis.explain import trace_rules
from evaluation.synthesis.families import Allowance, allow_alone, allow_for
from evaluation.synthesis.numbers import to_people, write_count
from evaluation.synthesis.phrases import name_or_count, upper_first
from evaluation.synthesis.rules import apply_rules


def conclude(
    findings: Sequence[Finding],
    design: Design,
    *,
    outcome: Outcome,
    area: str,
    unavailable: str = "",
    stress: Mapping[tuple[str, str], Stress] | None = None,
) -> Conclusion:
    """Say what the findings of one area and outcome amount to, taken alone.

    No allowance is made for looking at other areas and outcomes, and the conclusion says so; `conclude_all` makes it.

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
    stress : mapping of (outcome, area) to Stress, optional
        The estimates under the variants declared in advance.

    Returns
    -------
    Conclusion
        Its numbers are those the sentence may quote; ``not estimated`` and ``comparison not credible`` carry no estimate.

    Raises
    ------
    ConfigurationError
        If the outcome or the area is not in the design.

    Examples
    --------
    >>> from evaluation.design.study import open_study
    >>> from evaluation.evaluate import evaluate
    >>> study = open_study("economic-inactivity-trailblazers")
    >>> comparison = study.comparison("claimant_rate", "greater-manchester")
    >>> findings = [evaluate(study, comparison, name) for name in ("twfe", "synthetic_control")]
    >>> outcome = study.contracts.outcomes["claimant_rate"]
    >>> conclude(findings, study.design, outcome=outcome, area="greater-manchester").verdict
    'detected'
    >>> conclude(findings[1:], study.design, outcome=outcome, area="greater-manchester").verdict  # the main method is missing
    'not estimated'
    """
    design.outcome(outcome.id)
    evidence = gather_evidence(findings, design, outcome, area, unavailable=unavailable, stress=stress)
    return _conclude(evidence, allow_alone(evidence))


def conclude_all(
    findings: Sequence[Finding],
    design: Design,
    outcomes: Mapping[str, Outcome],
    *,
    unavailable: Mapping[tuple[str, str], str] | None = None,
    stress: Mapping[tuple[str, str], Stress] | None = None,
) -> tuple[Conclusion, ...]:
    """Conclude for every outcome and area of a design: pooled first, then areas by name; outcomes in the order of the design.

    p-values are adjusted within the families of `evaluation.synthesis.families`, over all findings given.

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
    stress : mapping of (outcome, area) to Stress, optional
        The estimates under the variants declared in advance.
    """
    names = {code: design.unit_of(code).name for code in design.estimate_areas}
    areas = ([POOLED] if design.estimate_pooled else []) + sorted(names, key=lambda code: (names[code].casefold(), code))
    reasons = unavailable or {}
    evidences = [
        gather_evidence(findings, design, outcomes[plan.id], area, unavailable=reasons.get((plan.id, area), ""), stress=stress)
        for area in areas
        for plan in design.outcomes
    ]
    return tuple(map(_conclude, evidences, allow_for(evidences, design)))


def _conclude(evidence: Evidence, allowance: Allowance) -> Conclusion:
    design, outcome, area = evidence.design, evidence.outcome, evidence.area
    judgement = apply_rules(evidence, allowance)
    verdict, quoted, headline = judgement.verdict, evidence.quoted, evidence.headline
    shown = quoted if verdict not in ("not estimated", "comparison not credible") else None
    interval = shown.interval if shown else None
    people = headline.people if headline and outcome.unit == "pp" else None
    return Conclusion(
        design=design.id,
        outcome=outcome.id,
        area=area,
        area_name=_area_name(design, area),
        primary=design.outcome(outcome.id).primary,
        verdict=verdict,
        because=judgement.ruling.because,
        sentence=judgement.ruling.sentence,
        headline=shown.finding.estimator if shown else None,
        att=shown.finding.estimate.att if shown else None,
        interval=interval,
        mde=quoted.inference.mde if quoted else None,
        cap=find_cap(headline) if headline else None,
        people=to_people(interval, people) if interval and people else None,
        synthetic=bool(headline and headline.synthetic),
        reasons=_reasons(evidence, allowance, verdict),
        adjusted_p=allowance.adjusted_p,
        family=allowance.family,
        trail=trace_rules(judgement),
    )


def _area_name(design: Design, area: str) -> str:
    return "All areas together" if area == POOLED else design.unit_of(area).name


def _say_allowance(allowance: Allowance, primary: bool) -> str:
    """Exploratory or not, and what is allowed for; empty for the primary outcome of all areas together."""
    exploratory = "" if primary else "Exploratory: not the primary outcome. "
    if allowance.adjusts:
        return (
            f"{exploratory}Allowance is made for the {write_count(allowance.size)} comparisons of its family: {allowance.family}."
        )
    if allowance.planned > 1 and allowance.adjusted_p is None and allowance.p_value is not None:
        return f"{exploratory}Taken alone: no allowance is made for looking at several areas or outcomes."
    return exploratory.strip()


def _say_floor(evidence: Evidence, allowance: Allowance) -> str:
    """Whether there are enough placebo comparisons for one area or outcome to stand out among the others of its family."""
    inference = evidence.quoted.inference if evidence.quoted else None
    if inference is None or inference.smallest_p is None or not allowance.adjusts:
        return ""
    if inference.smallest_p * allowance.size <= inference.level + TOLERANCE:
        return ""
    return (
        f"With {inference.reps:,} placebo comparisons, one of the {write_count(allowance.size)} comparisons of its family cannot "
        "stand out by itself."
    )


def _reasons(evidence: Evidence, allowance: Allowance, verdict: VerdictName) -> tuple[str, ...]:
    primary = evidence.design.outcome(evidence.outcome.id).primary
    reasons: list[str] = list(filter(None, [_say_allowance(allowance, primary)]))
    headline, design = evidence.headline, evidence.design
    if headline is None or verdict == "not estimated":
        return tuple(reasons)
    reasons.extend(filter(None, [_say_floor(evidence, allowance)]))
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
        reasons.extend(f"{upper_first(said)}." for said in (*evidence.agreement.doubts, *evidence.agreement.set_aside))
    not_run = [c.title for c in headline.checks if c.passed is None and not c.information]
    if not_run:
        reasons.append(f"Checks not run: {quote_titles(not_run)}.")
    return tuple(reasons)

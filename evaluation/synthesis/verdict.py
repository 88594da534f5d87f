"""The verdict on one area and outcome, from its findings: seven rules in a fixed order, the first that applies decides.

=========================  ==========================================================================================
not estimated              no usable finding, too few periods before the start, or no reference window wholly after the start yet
comparison not credible    a check set in the protocol failed for the headline finding
implausible size           the interval lies wholly beyond what the supported people could produce
detected                   the interval excludes zero, enough placebos were there to tell, and both families of methods agree
mixed signs                some method's interval excludes zero, and the evidence as a whole does not confirm it
large changes ruled out    the interval, with enough placebos, includes zero and excludes the plausible effect on a side
too imprecise to tell      everything else
=========================  ==========================================================================================

Widening an interval can only move a verdict down this list; flipping every sign leaves it where it is.

The headline is the finding of the design's first difference-in-differences estimator. The primary outcome answers the question;
verdicts on other outcomes are exploratory and are labelled so wherever they stand, because no correction for several outcomes
is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.contracts.records import Outcome
from evaluation.panel.periods import first_wholly_after
from evaluation.results import Conclusion, Design, Finding, TreatedUnit, VerdictName
from evaluation.synthesis import sentences
from evaluation.synthesis.agree import (
    Agreement,
    can_detect,
    compare_methods,
    contains_zero,
    excludes_zero,
    failed_checks,
    find_inference,
)
from evaluation.synthesis.numbers import last_start, to_people, write_count, write_level, write_magnitude, write_the_period

POOLED = "all"
"""Code of all treated units together."""

WITH_ARTICLE = ("East Midlands", "East of England", "North East", "North West", "South East", "South West", "West Midlands")
"""Names that take an article inside a sentence."""

MANY = 12
"""Names above which a sentence gives their number instead."""

COVERED = 1 - 1e-9
"""Exposure from which a reference window counts as wholly after the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything the rules look at."""

    design: Design
    outcome: Outcome
    area: str
    place: str
    headline: Finding | None
    agreement: Agreement | None
    quoted: sentences.Quoted | None
    unavailable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What one rule says, when it applies."""

    because: str
    sentence: str


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
    evidence = _gather(findings, design, outcome, area, unavailable)
    verdict, ruling = _rule(evidence)
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


def find_cap(finding: Finding) -> float | None:
    """Largest difference the supported people could produce, in the outcome's unit; None where that is not known.

    For a rate: supported people over residents, in percentage points. For a count: the supported people.
    """
    if finding.supported is None:
        return None
    if finding.unit == "people":
        return float(finding.supported)
    if finding.unit != "pp" or not finding.people:
        return None
    return 100 * finding.supported / finding.people


def _gather(findings: Sequence[Finding], design: Design, outcome: Outcome, area: str, unavailable: str) -> Evidence:
    own = [f for f in findings if f.outcome == outcome.id and f.area == area and f.design == design.id]
    first = design.did_estimators[0] if design.did_estimators else ""
    headline = next((f for f in own if f.estimator == first), None)
    place = place_words(design, area, outcome.id)
    quoted = agreement = None
    if headline is not None:
        parts = _parts(findings, design, outcome) if area == POOLED else []
        agreement = compare_methods(headline, [f for f in own if f is not headline], design, parts=parts)
        inference = find_inference(headline)
        if inference is not None and inference.interval is not None:
            quoted = sentences.Quoted(
                finding=headline,
                inference=inference,
                interval=inference.interval,
                outcome=outcome,
                place=place,
                cap=find_cap(headline),
                plausible=_plausible(design, outcome),
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


def _plausible(design: Design, outcome: Outcome) -> float | None:
    # The protocol states it in the primary outcome's unit; primary outcomes are rates. A count or an amount has no such value.
    return design.plausible_effect if outcome.unit == "pp" or design.outcome(outcome.id).primary else None


def units_in_window(design: Design, outcome: str) -> tuple[TreatedUnit, ...]:
    """The treated units that start within the window of an outcome; those that start later serve as comparison until then."""
    last = design.outcome(outcome).last
    end = last if "-" in last else f"{last}-12"
    return tuple(unit for unit in design.treated if unit.start[:7] <= end)


def place_words(design: Design, area: str, outcome: str) -> str:
    """Where, inside a sentence: the unit's name, or ``the nine areas together``."""
    if area == POOLED:
        count = len(units_in_window(design, outcome))
        return "the area" if count == 1 else f"the {write_count(count)} areas together"
    name = design.unit_of(area).name
    return f"the {name}" if name in WITH_ARTICLE else name


def _area_name(design: Design, area: str) -> str:
    return "All areas together" if area == POOLED else design.unit_of(area).name


def _rule(evidence: Evidence) -> tuple[VerdictName, Ruling]:
    for verdict, rule in RULES:
        ruling = rule(evidence)
        if ruling is not None:
            return verdict, ruling
    raise AssertionError("the last rule always applies")


# ---------------------------------------------------------------- the rules


def _not_estimated(evidence: Evidence) -> Ruling | None:
    reason = _why_not_estimated(evidence)
    if reason is None:
        return None
    return Ruling(because=f"No estimate: {reason}.", sentence=sentences.say_not_estimated(evidence.place, reason))


def _why_not_estimated(evidence: Evidence) -> str | None:
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


def _not_credible(evidence: Evidence) -> Ruling | None:
    failed = failed_checks(evidence.headline) if evidence.headline else ()
    if not failed:
        return None
    return Ruling(
        because=f"A check set in the protocol failed: {sentences.join_words(failed)}.",
        sentence=sentences.say_not_credible(tuple(_lower_first(title) for title in failed)),
    )


def _implausible(evidence: Evidence) -> Ruling | None:
    quoted = _quoted(evidence)
    if quoted.cap is None or (quoted.interval.low <= quoted.cap and quoted.interval.high >= -quoted.cap):
        return None
    return Ruling(
        because=f"The interval lies wholly beyond {write_magnitude(quoted.cap, quoted.unit)}, the most the supported people "
        "could produce.",
        sentence=sentences.say_implausible(quoted),
    )


def _detected(evidence: Evidence) -> Ruling | None:
    quoted, agreement = _quoted(evidence), _agreement(evidence)
    if not excludes_zero(quoted.finding) or not agreement.holds:
        return None
    return Ruling(
        because=f"The {write_level(quoted.inference.level)} interval excludes zero, and both families of methods agree in "
        "direction.",
        sentence=sentences.say_detected(quoted),
    )


def _mixed(evidence: Evidence) -> Ruling | None:
    quoted, agreement = _quoted(evidence), _agreement(evidence)
    if not agreement.excluding_zero:
        return None
    doubts, count = list(agreement.doubts), len(agreement.excluding_zero)
    if contains_zero(quoted.interval):
        doubts.insert(0, "the interval of the main method includes zero")
    return Ruling(
        because=f"{write_count(count).capitalize()} of {write_count(agreement.compared)} methods "
        f"{'excludes' if count == 1 else 'exclude'} zero, but {'; '.join(doubts) or 'the others do not'}.",
        sentence=sentences.say_mixed(quoted, agreement),
    )


def _ruled_out(evidence: Evidence) -> Ruling | None:
    quoted = _quoted(evidence)
    plausible, interval = quoted.plausible, quoted.interval
    if plausible is None or not can_detect(quoted.inference) or not contains_zero(interval):
        return None
    if interval.low <= -plausible and interval.high >= plausible:
        return None
    sides = [word for word, out in (("a fall", interval.low > -plausible), ("a rise", interval.high < plausible)) if out]
    return Ruling(
        because=f"The {write_level(quoted.inference.level)} interval includes zero and excludes {' and '.join(sides)} of "
        f"{write_magnitude(plausible, quoted.unit)}, {quoted.yardstick}.",
        sentence=sentences.say_ruled_out(quoted),
    )


def _imprecise(evidence: Evidence) -> Ruling | None:
    quoted = _quoted(evidence)
    if not can_detect(quoted.inference):
        because = (
            f"There are {quoted.inference.reps:,} placebo comparisons: too few to tell any difference from chance at the "
            f"{write_level(quoted.inference.level)} level."
        )
    elif quoted.plausible is None:
        because = "The interval includes zero, and no plausible effect was set beforehand for this outcome."
    else:
        because = (
            f"The {write_level(quoted.inference.level)} interval includes zero as well as a fall and a rise of "
            f"{write_magnitude(quoted.plausible, quoted.unit)}, {quoted.yardstick}."
        )
    if not contains_zero(quoted.interval) and can_detect(quoted.inference):
        because = "The interval lies on one side of zero, but the placebo comparisons do not bear it out."
    return Ruling(because=because, sentence=sentences.say_imprecise(quoted))


RULES: tuple[tuple[VerdictName, Callable[[Evidence], Ruling | None]], ...] = (
    ("not estimated", _not_estimated),
    ("comparison not credible", _not_credible),
    ("implausible size", _implausible),
    ("detected", _detected),
    ("mixed signs", _mixed),
    ("large changes ruled out", _ruled_out),
    ("too imprecise to tell", _imprecise),
)
"""The order is part of the protocol; see the module's text."""


def _quoted(evidence: Evidence) -> sentences.Quoted:
    if evidence.quoted is None:
        raise AssertionError("rules after the first see a finding with an interval")
    return evidence.quoted


def _agreement(evidence: Evidence) -> Agreement:
    if evidence.agreement is None:
        raise AssertionError("rules after the first see a headline finding")
    return evidence.agreement


# ---------------------------------------------------------------- what else a reader must know


def _reasons(evidence: Evidence, primary: bool, verdict: VerdictName) -> tuple[str, ...]:
    reasons: list[str] = []
    if not primary:
        reasons.append("Exploratory: this is not the primary outcome, and no correction for looking at several outcomes is made.")
    headline, design = evidence.headline, evidence.design
    if headline is None or verdict == "not estimated":
        return tuple(reasons)
    if evidence.area != POOLED and design.unit_of(evidence.area).start_basis == "assumed":
        reasons.append("The start date is assumed; it is not established by any source.")
    if evidence.area == POOLED:
        late = _not_yet_covered(evidence, headline)
        if late:
            names = sentences.join_words(late) if len(late) <= MANY else f"{len(late)} areas"
            reasons.append(f"Not yet covered by a window wholly after their start: {names}.")
        units = units_in_window(design, evidence.outcome.id)
        assumed = [unit.name for unit in units if unit.start_basis == "assumed"]
        if assumed:
            reasons.append(f"The start date is assumed for {len(assumed)} of {len(units)} areas.")
    if evidence.agreement is not None:
        reasons.extend(f"{_upper_first(doubt)}." for doubt in evidence.agreement.doubts)
    not_run = [c.title for c in headline.checks if c.passed is None]
    if not_run:
        reasons.append(f"Checks not run: {sentences.join_words(not_run)}.")
    return tuple(reasons)


def _not_yet_covered(evidence: Evidence, headline: Finding) -> list[str]:
    outcome, last = evidence.outcome, headline.estimate.series.periods[-1]
    units = units_in_window(evidence.design, outcome.id)
    return sorted(u.name for u in units if first_wholly_after(u.start, outcome.window_months, outcome.frequency) > last)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]

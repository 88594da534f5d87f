"""The rules of a verdict, in their order. Each says whether it applies and why, and gives the sentence where it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evaluation.results import VerdictName
from evaluation.synthesis import sentences
from evaluation.synthesis.agree import (
    Agreement,
    can_detect,
    contains_zero,
    errs_too_often,
    excludes_zero,
    failed_checks,
    quote_titles,
)
from evaluation.synthesis.evidence import Evidence, why_not_estimated
from evaluation.synthesis.families import Allowance
from evaluation.synthesis.numbers import write_count, write_interval, write_level, write_magnitude
from evaluation.synthesis.phrases import join_words, upper_first
from evaluation.synthesis.sentences import Quoted

NOT_ESTIMATED: VerdictName = "not estimated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What one rule says: whether it applies, why or why not, and the sentence where it does."""

    applies: bool
    because: str
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, the ruling that gave it, and every rule in its order with what it said (None = not reached)."""

    verdict: VerdictName
    ruling: Ruling
    tried: tuple[tuple[VerdictName, Ruling | None], ...]


Rule = Callable[[Quoted, Agreement, Allowance], Ruling]


def apply_rules(evidence: Evidence, allowance: Allowance) -> Judgement:
    """The first verdict whose rule applies."""
    tried: list[tuple[VerdictName, Ruling | None]] = [(NOT_ESTIMATED, _not_estimated(evidence))]
    quoted, agreement = evidence.quoted, evidence.agreement
    for verdict, rule in RULES.items():
        last = tried[-1][1]
        decided = last is None or last.applies
        if not decided and (quoted is None or agreement is None):
            raise AssertionError("where there is an estimate to judge, there is an interval to quote")
        tried.append((verdict, None if decided or quoted is None or agreement is None else rule(quoted, agreement, allowance)))
    for verdict, ruling in tried:
        if ruling is not None and ruling.applies:
            return Judgement(verdict=verdict, ruling=ruling, tried=tuple(tried))
    raise AssertionError("the last rule always applies")


def _not_estimated(evidence: Evidence) -> Ruling:
    reason = why_not_estimated(evidence)
    if reason is not None:
        said = sentences.say_not_estimated(evidence.place, reason)
        return Ruling(applies=True, because=f"No estimate: {reason}.", sentence=said)
    if evidence.headline is None:
        raise AssertionError("without a headline finding there is a reason")
    before = sum(share <= 0 for share in evidence.headline.estimate.series.exposure)
    wanted = evidence.design.thresholds.minimum_pre_periods
    return Ruling(
        applies=False,
        because=f"There is an estimate and an interval; the series has {write_count(before)} periods before the start, and the "
        f"protocol asks for {write_count(wanted)}.",
    )


def _not_credible(quoted: Quoted, agreement: Agreement, allowance: Allowance) -> Ruling:
    failed = failed_checks(quoted.finding)
    if not failed:
        passed = sum(check.passed is True for check in quoted.finding.checks)
        return Ruling(applies=False, because=f"No check of the comparison failed; {write_count(passed)} passed.")
    return Ruling(
        applies=True,
        because=f"{'A check' if len(failed) == 1 else 'Checks'} set in the protocol failed: {quote_titles(failed)}.",
        sentence=sentences.say_not_credible(failed),
    )


def _implausible(quoted: Quoted, agreement: Agreement, allowance: Allowance) -> Ruling:
    if quoted.cap is None:
        return Ruling(applies=False, because="How large a difference the supported people could produce is not established.")
    most = f"{write_magnitude(quoted.cap, quoted.unit)}, the most the supported people could produce"
    if quoted.interval.low <= quoted.cap and quoted.interval.high >= -quoted.cap:
        return Ruling(applies=False, because=f"The interval does not lie wholly beyond {most}.")
    return Ruling(
        applies=True,
        because=f"The interval lies wholly beyond {most}.",
        sentence=sentences.say_implausible(quoted),
    )


def _detected(quoted: Quoted, agreement: Agreement, allowance: Allowance) -> Ruling:
    wanting = _what_detection_lacks(quoted, agreement, allowance)
    if wanting:
        return Ruling(applies=False, because=f"{upper_first('; '.join(wanting))}.")
    after = f" after allowing for {_comparisons(allowance)}" if allowance.adjusts else ""
    return Ruling(
        applies=True,
        because=f"The {write_level(quoted.inference.level)} interval excludes zero{after}, and both families of methods agree in "
        "direction.",
        sentence=sentences.say_detected(quoted),
    )


def _what_detection_lacks(quoted: Quoted, agreement: Agreement, allowance: Allowance) -> list[str]:
    """What is missing for a detection, in words; empty where nothing is."""
    wanting: list[str] = []
    if contains_zero(quoted.interval):
        wanting.append(f"the interval of the main method includes zero: {write_interval(quoted.interval, quoted.unit)}")
    elif not excludes_zero(quoted.finding):
        wanting.append("the interval of the main method excludes zero, but the placebo comparisons do not bear it out")
    elif not allowance.holds(quoted.inference.level):
        wanting.append(_say_family(allowance))
    return [*wanting, *agreement.doubts]


def _comparisons(allowance: Allowance) -> str:
    return f"the {write_count(allowance.size)} comparisons of its family ({allowance.family})"


def _say_family(allowance: Allowance) -> str:
    if allowance.adjusts:
        return f"the main method does not exclude zero after allowing for {_comparisons(allowance)}"
    return "the interval of the main method excludes zero, but the p-value is above the level"


def _mixed(quoted: Quoted, agreement: Agreement, allowance: Allowance) -> Ruling:
    count = len(agreement.excluding_zero)
    if not count:
        return Ruling(applies=False, because=f"Of {_methods(agreement.compared)}, none excludes zero.")
    doubts = list(agreement.doubts)
    crowded = excludes_zero(quoted.finding) and not allowance.holds(quoted.inference.level)
    if contains_zero(quoted.interval):
        doubts.insert(0, "the interval of the main method includes zero")
    elif crowded:
        doubts.insert(0, _say_family(allowance))
    return Ruling(
        applies=True,
        because=f"{write_count(count).capitalize()} of {_methods(agreement.compared)} "
        f"{'excludes' if count == 1 else 'exclude'} zero, but {'; '.join(doubts) or 'the others do not'}.",
        sentence=sentences.say_mixed(quoted, agreement, compared=allowance.size if crowded and allowance.adjusts else 1),
    )


def _methods(count: int) -> str:
    return f"{write_count(count)} {'method' if count == 1 else 'methods'}"


def _ruled_out(quoted: Quoted, agreement: Agreement, allowance: Allowance) -> Ruling:
    plausible, interval = quoted.plausible, quoted.interval
    if plausible is None:
        return Ruling(applies=False, because="No plausible effect was set beforehand for this outcome.")
    if not can_detect(quoted.inference):
        return Ruling(applies=False, because="There are too few placebo comparisons to rule anything out.")
    if errs_too_often(quoted.inference):
        return Ruling(applies=False, because="The test errs too often on this panel: its interval is too narrow to go by.")
    size = f"{write_magnitude(plausible, quoted.unit)}, {quoted.yardstick}"
    if not contains_zero(interval) or interval.low <= -plausible or interval.high >= plausible:
        return Ruling(applies=False, because=f"The interval does not lie between a fall and a rise of {size}, with zero inside.")
    return Ruling(
        applies=True,
        because=f"The {write_level(quoted.inference.level)} interval includes zero and excludes both a fall and a rise of "
        f"{size}.",
        sentence=sentences.say_ruled_out(quoted),
    )


def _imprecise(quoted: Quoted, agreement: Agreement, allowance: Allowance) -> Ruling:
    return Ruling(applies=True, because=_why_imprecise(quoted), sentence=sentences.say_imprecise(quoted))


def _why_imprecise(quoted: Quoted) -> str:
    level, interval, plausible = write_level(quoted.inference.level), quoted.interval, quoted.plausible
    if not can_detect(quoted.inference):
        return (
            f"There are {quoted.inference.reps:,} placebo comparisons: too few to tell any difference from chance at the "
            f"{level} level."
        )
    if not contains_zero(interval):
        return "The interval lies on one side of zero, but the placebo comparisons do not bear it out."
    if plausible is None:
        return f"The {level} interval includes zero, and no plausible effect was set beforehand for this outcome."
    if errs_too_often(quoted.inference) and -plausible < interval.low and interval.high < plausible:
        return "The interval includes zero and no plausible effect, but the test errs too often on this panel to go by it."
    kept = [word for word, inside in (("a fall", interval.low <= -plausible), ("a rise", interval.high >= plausible)) if inside]
    return (
        f"The {level} interval includes zero as well as {join_words(kept)} of {write_magnitude(plausible, quoted.unit)}, "
        f"{quoted.yardstick}."
    )


RULES: dict[VerdictName, Rule] = {
    "comparison not credible": _not_credible,
    "implausible size": _implausible,
    "detected": _detected,
    "mixed signs": _mixed,
    "large changes ruled out": _ruled_out,
    "too imprecise to tell": _imprecise,
}
"""Every verdict after *not estimated*. The order is part of the protocol; see `evaluation.synthesis.verdict`."""

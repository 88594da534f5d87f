"""The rules of a verdict, in their order. Each gives a reason and a sentence, or nothing where it does not apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evaluation.results import VerdictName
from evaluation.synthesis import sentences
from evaluation.synthesis.agree import Agreement, can_detect, contains_zero, excludes_zero, failed_checks, quote_titles
from evaluation.synthesis.evidence import Evidence, why_not_estimated
from evaluation.synthesis.numbers import write_count, write_level, write_magnitude
from evaluation.synthesis.sentences import Quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What one rule says, when it applies."""

    because: str
    sentence: str


Rule = Callable[[Quoted, Agreement], Ruling | None]


def apply_rules(evidence: Evidence) -> tuple[VerdictName, Ruling]:
    """The first verdict whose rule applies."""
    reason = why_not_estimated(evidence)
    if reason is not None:
        said = sentences.say_not_estimated(evidence.place, reason)
        return "not estimated", Ruling(because=f"No estimate: {reason}.", sentence=said)
    if evidence.quoted is None or evidence.agreement is None:
        raise AssertionError("where there is an estimate to judge, there is an interval to quote")
    for verdict, rule in RULES.items():
        ruling = rule(evidence.quoted, evidence.agreement)
        if ruling is not None:
            return verdict, ruling
    raise AssertionError("the last rule always applies")


def _not_credible(quoted: Quoted, agreement: Agreement) -> Ruling | None:
    failed = failed_checks(quoted.finding)
    if not failed:
        return None
    return Ruling(
        because=f"{'A check' if len(failed) == 1 else 'Checks'} set in the protocol failed: {quote_titles(failed)}.",
        sentence=sentences.say_not_credible(failed),
    )


def _implausible(quoted: Quoted, agreement: Agreement) -> Ruling | None:
    if quoted.cap is None or (quoted.interval.low <= quoted.cap and quoted.interval.high >= -quoted.cap):
        return None
    return Ruling(
        because=f"The interval lies wholly beyond {write_magnitude(quoted.cap, quoted.unit)}, the most the supported people "
        "could produce.",
        sentence=sentences.say_implausible(quoted),
    )


def _detected(quoted: Quoted, agreement: Agreement) -> Ruling | None:
    if not excludes_zero(quoted.finding) or not agreement.holds:
        return None
    return Ruling(
        because=f"The {write_level(quoted.inference.level)} interval excludes zero, and both families of methods agree in "
        "direction.",
        sentence=sentences.say_detected(quoted),
    )


def _mixed(quoted: Quoted, agreement: Agreement) -> Ruling | None:
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


def _ruled_out(quoted: Quoted, agreement: Agreement) -> Ruling | None:
    plausible, interval = quoted.plausible, quoted.interval
    if plausible is None or not can_detect(quoted.inference) or not contains_zero(interval):
        return None
    if interval.low <= -plausible or interval.high >= plausible:
        return None
    return Ruling(
        because=f"The {write_level(quoted.inference.level)} interval includes zero and excludes both a fall and a rise of "
        f"{write_magnitude(plausible, quoted.unit)}, {quoted.yardstick}.",
        sentence=sentences.say_ruled_out(quoted),
    )


def _imprecise(quoted: Quoted, agreement: Agreement) -> Ruling:
    return Ruling(because=_why_imprecise(quoted), sentence=sentences.say_imprecise(quoted))


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
    kept = [word for word, inside in (("a fall", interval.low <= -plausible), ("a rise", interval.high >= plausible)) if inside]
    return (
        f"The {level} interval includes zero as well as {' and '.join(kept)} of {write_magnitude(plausible, quoted.unit)}, "
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

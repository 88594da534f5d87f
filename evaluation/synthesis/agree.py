"""Do the methods say the same? A difference counts as detected only when both families of methods see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.results import Check, Design, Finding, Inference, Interval, Stress
from evaluation.synthesis.numbers import write_count
from evaluation.synthesis.phrases import join_words, lower_first

POOLED = "all"
"""Code of all treated units together."""

MOST_FLIPPED = 0.25
"""Share of the pre-declared variants that may have the other sign before a difference counts as unconfirmed: a quarter. Ours, set
before any result; one variant in four may differ by chance, two in four say that the choice of specification decides."""

SIZE_SHOWN = 1.5
"""Multiple of the level from which the measured size of a test is a doubt: 7.5% where 5% are intended. Ours. With few placebo
places the measure itself is rough, so their number is said with it."""

TOLERANCE = 1e-9
"""For comparing a p-value with the size of a test, which may not be exact in binary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How the other methods stand to the headline finding.

    Attributes
    ----------
    holds : both families agree in sign, and no robustness check failed
    doubts : what speaks against it, in words; empty exactly when it holds
    support : what speaks for it, in words: which estimates have its direction, and how many variants
    set_aside : methods that failed a check of the comparison and so say nothing either way, in words
    excluding_zero : the findings, of all methods, whose interval excludes zero
    compared : number of methods with a usable finding, the headline included
    """

    holds: bool
    doubts: tuple[str, ...]
    excluding_zero: tuple[Finding, ...]
    compared: int
    support: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()


def find_inference(finding: Finding) -> Inference | None:
    """The inference a verdict may rest on, if the finding has one."""
    return next((i for i in finding.inferences if i.decides), None)


def excludes_zero(finding: Finding) -> bool:
    """Whether the deciding interval lies on one side of zero, and enough placebos were there to tell."""
    inference = find_inference(finding)
    if inference is None or inference.interval is None or contains_zero(inference.interval):
        return False
    return can_detect(inference) and (inference.p_value is None or inference.p_value <= inference.level + TOLERANCE)


def contains_zero(interval: Interval) -> bool:
    """Whether zero lies in the interval, its ends included."""
    return interval.low <= 0 <= interval.high


def can_detect(inference: Inference) -> bool:
    """Whether the smallest p-value there can be is at or below the size of the test."""
    return inference.smallest_p is None or inference.smallest_p <= inference.level + TOLERANCE


def errs_too_often(inference: Inference) -> bool:
    """Whether the measured size of a test is beyond what is let pass: 7.5% at the 5% level."""
    return inference.size is not None and inference.size > SIZE_SHOWN * inference.level + TOLERANCE


def failed_checks(finding: Finding) -> tuple[str, ...]:
    """Titles of the failed checks that make a comparison unusable; robustness checks and mere information are not among them."""
    return tuple(check.title for check in finding.checks if _counts(check, "credibility"))


def failed_robustness(finding: Finding) -> tuple[str, ...]:
    """Titles of the failed checks that leave the comparison standing, but not the difference."""
    return tuple(check.title for check in finding.checks if _counts(check, "robustness"))


def _counts(check: Check, kind: str) -> bool:
    """Whether a check of this kind failed and is more than information."""
    return check.passed is False and check.kind == kind and not check.information


def quote_titles(titles: Sequence[str]) -> str:
    """Titles of checks inside a sentence, as names."""
    return join_words([f"“{title}”" for title in titles])


def compare_methods(
    headline: Finding, others: Sequence[Finding], design: Design, *, parts: Sequence[Finding] = (), stress: Stress | None = None
) -> Agreement:
    """Set the headline finding beside those of the other methods and beside the variants declared in advance.

    Parameters
    ----------
    headline : Finding
        Of the design's first difference-in-differences estimator.
    others : sequence of Finding
        Of the same area and outcome.
    design : Design
        Tells which estimators are of the other family. For all areas together these are its pooled synthetic controls, where it
        names any.
    parts : sequence of Finding
        For all areas together, where the design names no pooled synthetic control: the synthetic controls of the single areas.
        Their mean, weighted by residents, stands for the second family where at least half the areas have one with passed checks.
    stress : Stress, optional
        The estimate under the variants declared in advance.

    Returns
    -------
    Agreement
        `holds` when at least one finding of the second family with passed checks is there, every usable method has the headline's
        sign, no robustness check failed, the test rejects no more than `SIZE_SHOWN` times as often as it should, and at most
        `MOST_FLIPPED` of the variants have the other sign. A method that failed a check of the comparison is set aside: it says
        nothing either way, and with several checks of several methods one of them fails by chance every so often.
    """
    doubts: list[str] = []
    support: list[str] = []
    usable = [headline]
    by_failure: dict[tuple[str, ...], list[Finding]] = {}
    for finding in others:
        failed = failed_checks(finding)
        if failed:
            by_failure.setdefault(failed, []).append(finding)
        else:
            usable.append(finding)
    set_aside = [
        f"{_name(findings)} failed a check and so says nothing either way: {quote_titles(failed)}"
        if len(findings) == 1
        else f"{_name(findings)} failed a check and so say nothing either way: {quote_titles(failed)}"
        for failed, findings in by_failure.items()
    ]
    doubts.extend(_doubt_size(headline))
    pooled = headline.area == POOLED and design.pooled_synthetic_control_estimators
    second = set(design.pooled_synthetic_control_estimators if pooled else design.synthetic_control_estimators)
    if not any(f.estimator in second for f in others):
        doubts.extend(_doubt_parts(headline, () if pooled else parts))
    elif not any(f.estimator in second for f in usable[1:]):
        doubts.append("no estimate by a second family of methods passed its checks to confirm it")
    opposed = [f for f in usable[1:] if f.estimate.att * headline.estimate.att <= 0]
    if opposed:
        doubts.append(f"{_name(opposed)} {'does' if len(opposed) == 1 else 'do'} not have the same direction")
    same = [f for f in usable[1:] if f not in opposed]
    if same:
        support.append(f"{_name(same)} {'has' if len(same) == 1 else 'have'} the same direction")
    for finding in usable:
        shaky = failed_robustness(finding)
        if shaky:
            doubts.append(f"{_name([finding])} does not hold under {quote_titles(shaky)}")
    if stress is not None:
        found, holds = count_variants(headline, stress)
        (support if holds else doubts).extend([found] if found else [])
    return Agreement(
        holds=not doubts,
        doubts=tuple(doubts),
        excluding_zero=tuple(f for f in usable if excludes_zero(f)),
        compared=len(usable),
        support=tuple(support),
        set_aside=tuple(set_aside),
    )


def _doubt_size(headline: Finding) -> list[str]:
    """The measured size of the deciding test, where it is well above what is intended."""
    inference = find_inference(headline)
    if inference is None or inference.size is None or not errs_too_often(inference):
        return []
    what = "placebo assignments" if headline.area == POOLED else "placebo places"
    of = f"{inference.size_reps:,} {what}" if inference.size_reps else what
    return [
        f"on this panel the test finds something in {100 * inference.size:.1f}% of {of} like this one, where nothing happened; "
        f"{100 * inference.level:g}% are intended"
    ]


def count_variants(headline: Finding, stress: Stress) -> tuple[str, bool]:
    """How many variants declared in advance have the headline's sign, in words, and whether these are enough.

    The words are empty where no variant gave an estimate.
    """
    found = [v.att for v in stress.variants if v.kind != "main" and v.att is not None]
    other = sum(att * headline.estimate.att <= 0 for att in found)
    if not found:
        return "", True
    who = f"{write_count(other) if other else 'none'} of {write_count(len(found))} variants set in advance"
    said = f"{who} {'has' if other <= 1 else 'have'} another direction"
    return said, other <= MOST_FLIPPED * len(found)


def _doubt_parts(headline: Finding, parts: Sequence[Finding]) -> list[str]:
    """What speaks against the headline in the second family of the single areas; empty when their mean has its direction."""
    if not parts:
        return ["there is no estimate by a second family of methods to confirm it"]
    usable = [f for f in parts if not failed_checks(f)]
    if 2 * len(usable) < headline.n_treated:
        return [
            f"the synthetic controls of single areas passed their checks in {len(usable)} of {headline.n_treated} areas only, "
            "too few to confirm it"
        ]
    if mean_of_parts(usable) * headline.estimate.att <= 0:
        return ["the mean of the synthetic controls of single areas does not have the same direction"]
    return []


def mean_of_parts(parts: Sequence[Finding]) -> float:
    """Mean estimate of single areas, weighted by residents where they are known for every one of them."""
    people = [f.people for f in parts]
    weights = [p or 0.0 for p in people] if all(people) else [1.0] * len(parts)
    return sum(w * f.estimate.att for w, f in zip(weights, parts, strict=True)) / sum(weights)


def _name(findings: Sequence[Finding]) -> str:
    """The estimates by their methods: ``the estimates by event study and group-time effects``."""
    names = [lower_first(f.method or f.estimator.replace("_", " ")) for f in findings]
    return f"the estimate{'' if len(findings) == 1 else 's'} by {join_words(names)}"


def describe_mixed(agreement: Agreement) -> str:
    """Which methods exclude zero and which way, such as ``One of three methods suggests a fall``."""
    count, total = len(agreement.excluding_zero), agreement.compared
    signs = {f.estimate.att < 0 for f in agreement.excluding_zero}
    who = f"{write_count(count).capitalize()} of {write_count(total)} methods" if total > 1 else "The only method"
    if len(signs) > 1:
        return f"{who} point in different directions"
    return f"{who} {'suggests' if count == 1 or total == 1 else 'suggest'} a {'fall' if signs == {True} else 'rise'}"

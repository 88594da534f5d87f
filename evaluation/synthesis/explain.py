"""How a verdict came about: every rule in its order with its numbers, which one decided, and what each method found.

For analysts: it prints p-values, which pages outside the annex do not.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.results import Conclusion, Design, Finding
from evaluation.results.shown import Explanation
from evaluation.synthesis.agree import failed_checks, failed_robustness, find_inference, quote_titles
from evaluation.synthesis.numbers import write_count, write_level
from evaluation.synthesis.rules import Judgement

DIGITS = 3
"""Decimals of estimates and p-values."""


def trace_rules(judgement: Judgement) -> tuple[str, ...]:
    """One line a rule: its number and verdict, whether it decides, and why or why not."""
    lines = []
    for number, (verdict, ruling) in enumerate(judgement.tried, 1):
        said = "not reached." if ruling is None else f"{'decides' if ruling.applies else 'does not apply'}. {ruling.because}"
        lines.append(f"{number} {verdict}: {said}")
    return tuple(lines)


def explain(conclusion: Conclusion, findings: Sequence[Finding], design: Design) -> Explanation:
    """The question, the rules in order, what else is to be known, and the numbers of every method.

    Parameters
    ----------
    conclusion : Conclusion
        What is explained.
    findings : sequence of Finding
        Of any areas and outcomes; those of the conclusion are taken.
    design : Design
        The protocol, which sets the level and names the methods in their order.

    Returns
    -------
    Explanation
        A string; a notebook shows the rules as a list.

    Examples
    --------
    >>> from evaluation.design.study import open_study
    >>> from evaluation.synthesis.verdict import conclude
    >>> study = open_study("economic-inactivity-trailblazers")
    >>> nothing = conclude([], study.design, outcome=study.contracts.outcomes["claimant_rate"], area="wales")
    >>> print(explain(nothing, [], study.design).splitlines()[1])
    1 not estimated: decides. No estimate: the run has no finding by the main method for it.
    """
    own = [f for f in findings if (f.design, f.outcome, f.area) == (conclusion.design, conclusion.outcome, conclusion.area)]
    order = {name: n for n, name in enumerate((*design.did_estimators, *design.synthetic_control_estimators))}
    own.sort(key=lambda f: (order.get(f.estimator, len(order)), f.estimator))
    text = "\n".join(
        (
            conclusion.explain(),
            *([_say_family(conclusion, design)] if conclusion.family else []),
            f"Estimates by {write_count(len(own))} method{'' if len(own) == 1 else 's'}, the deciding one first:",
            *(f"  {_say_finding(f)}" for f in own),
        )
    )
    return Explanation(text)


def _say_family(conclusion: Conclusion, design: Design) -> str:
    if conclusion.adjusted_p is None:
        return f"Family: {conclusion.family}; no p-value adjusted for its other members."
    return (
        f"Family: {conclusion.family}; p-value {conclusion.adjusted_p:.{DIGITS}f} after Holm's adjustment, and the level is "
        f"{design.level:g}."
    )


def _say_finding(finding: Finding) -> str:
    """One method: estimate, interval, p-value, checks failed."""
    inference = find_inference(finding)
    parts = [f"{finding.estimator}: {finding.estimate.att:+.{DIGITS}f} {finding.unit}"]
    if inference is not None and inference.interval is not None:
        ends = inference.interval
        parts.append(f"{write_level(inference.level)} interval {ends.low:+.{DIGITS}f} to {ends.high:+.{DIGITS}f}")
    if inference is not None and inference.p_value is not None:
        parts.append(f"p-value {inference.p_value:.{DIGITS}f} from {inference.reps:,} placebo comparisons")
    failed = (*failed_checks(finding), *failed_robustness(finding))
    parts.append(f"checks failed: {quote_titles(failed)}" if failed else "no check failed")
    return "; ".join(parts)

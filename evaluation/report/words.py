"""Headings, summaries, captions and alternative texts, made from findings.

The sentences of verdicts come with the conclusions (`evaluation.synthesis.sentences`), written numbers from
`evaluation.synthesis.numbers`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from evaluation.contracts.records import Outcome
from evaluation.panel.period_words import write_month, write_the_period
from evaluation.results import Check, Conclusion, Design, Finding
from evaluation.synthesis.agree import quote_titles
from evaluation.synthesis.numbers import UnitWords, round_to, write_count, write_interval, write_magnitude, write_size
from evaluation.synthesis.phrases import join_words, upper_first
from evaluation.synthesis.sentences import unit_words

# ---------------------------------------------------------------- headings and summaries


def write_heading(conclusion: Conclusion, outcome: Outcome) -> str:
    """The verdict in a heading: ``Employment rate (exploratory): too imprecise to tell``."""
    label = "" if conclusion.primary else " (exploratory)"
    name = f"All areas together, {outcome.name}" if conclusion.area == "all" else upper_first(outcome.name)
    return f"{name}{label}: {conclusion.verdict}"


def write_tally(conclusions: Sequence[Conclusion]) -> str:
    """How many areas have which verdict: ``seven areas: too imprecise to tell; two areas: not estimated``."""
    order: dict[str, int] = {}
    for item in conclusions:
        order[item.verdict] = order.get(item.verdict, 0) + 1
    parts = [f"{verdict} in {write_count(n)}" for verdict, n in sorted(order.items(), key=lambda pair: (-pair[1], pair[0]))]
    return join_words(parts)


def write_checks(findings: Sequence[Finding]) -> str:
    """How many checks of all methods passed: ``Of 26 checks set in advance, 24 passed, one failed (“Fit ...”) and ...``"""
    results = [(name_result(check), check.title) for finding in findings for check in finding.checks]
    counts = Counter(result for result, _ in results)
    total = counts.total()
    if not total:
        return ""
    if counts["passed"] == total:
        return f"All {total} checks set in advance passed."
    parts = [f"{counts['passed']} passed"]
    for result, one, several in (("failed", "", ""), ("for information", "is ", "are "), ("not run", "was ", "were ")):
        if counts[result]:
            titles = dict.fromkeys(title for other, title in results if other == result)
            verb = one if counts[result] == 1 else several
            parts.append(f"{write_count(counts[result])} {verb}{result} ({quote_titles(list(titles))})")
    return f"Of {total} checks set in advance, {join_words(parts)}."


def name_result(check: Check) -> str:
    """What came of a check: passed, failed, for information where it has a value and judges nothing, or not run."""
    if check.passed is not None:
        return "passed" if check.passed else "failed"
    return "for information" if check.information else "not run"


def write_lead(conclusion: Conclusion, outcome: Outcome, place: str) -> str:
    """The answer in one sentence, for readers with no time for a second one.

    Parameters
    ----------
    conclusion : Conclusion
        What it is about.
    outcome : Outcome
        The outcome in words.
    place : str
        Where, inside a sentence, such as ``the nine areas together``.
    """
    unit, interval = unit_words(outcome), conclusion.interval
    if interval is None:
        return conclusion.sentence
    allowed = f"{write_interval(interval, unit)} than it would have been without the programme"
    subject = f"the {outcome.name} in {place}"
    if conclusion.verdict == "detected":
        return f"{upper_first(subject)} was {allowed}."
    if conclusion.verdict == "too imprecise to tell":
        return f"The data cannot tell us: {subject} may have been {allowed}."
    if conclusion.verdict == "large changes ruled out":
        return f"No difference was detected: {subject} may have been {allowed}, and larger differences are ruled out."
    if conclusion.verdict == "mixed signs":
        return "Some methods suggest a difference and the others do not confirm it, so this is not a finding."
    return "The estimated difference is larger than the people supported could produce, so something else is the likelier reason."


def write_reach(pooled: Conclusion | None, areas: Sequence[Conclusion], outcome: Outcome, plausible: float | None) -> str:
    """Could the evaluation have seen it: what can be detected, beside what is plausible and what the programme could make.

    Parameters
    ----------
    pooled : Conclusion or None
        For all areas together.
    areas : sequence of Conclusion
        For single areas.
    outcome : Outcome
        The outcome in words.
    plausible : float or None
        Largest effect thought plausible beforehand, in the outcome's unit.
    """
    return " ".join(filter(None, (_say_detectable(pooled, areas, outcome, plausible), _say_caps(areas, outcome))))


def _say_detectable(pooled: Conclusion | None, areas: Sequence[Conclusion], outcome: Outcome, plausible: float | None) -> str:
    unit = unit_words(outcome)
    single = [c.mde for c in areas if c.mde is not None]
    together = None if pooled is None else pooled.mde
    known = [*single, *([together] if together is not None else [])]
    if not known:
        return "The smallest difference that could be reliably detected is not established."
    parts = [] if together is None else [f"{write_magnitude(together, unit)} for all areas together"]
    if single:
        size = write_size_range(single, unit)
        parts.append(f"{size} for the area on its own" if len(single) == 1 else f"{size} for single areas")
    said = f"The smallest difference that could be reliably detected is {', and '.join(parts)}."
    if plausible is None:
        return said
    size = f"An effect of {write_magnitude(plausible, unit)}, the largest thought plausible beforehand, would most likely"
    seen = [mde <= plausible for mde in known]
    if all(seen):
        return f"{said} {size} be seen."
    if not any(seen):
        return f"{said} {size} go unseen."
    return f"{said} {size} be seen in some of these comparisons only."


def write_size_range(sizes: Sequence[float], unit: UnitWords) -> str:
    """Smallest to largest of some magnitudes, such as ``from 1.4 to 2.6 percentage points``; one where they read the same."""
    low, high = write_size(min(sizes), unit), write_size(max(sizes), unit)
    return unit.amount(high) if low == high else f"from {low} to {unit.amount(high)}"


def _say_caps(areas: Sequence[Conclusion], outcome: Outcome) -> str:
    unit, caps = unit_words(outcome), [c.cap for c in areas if c.cap is not None]
    if not areas:
        return ""
    if not caps:
        return "How large a difference the programme could make is not established: no source states how many people it reaches."
    known = f"in the {write_count(len(caps))} of {write_count(len(areas))} areas where that number is known"
    most = (
        f"If everybody it was to support changed, the programme could move the rate by {write_magnitude(max(caps), unit)} at most"
        f"{'' if len(caps) == len(areas) else f', {known}'}."
    )
    both = [(c.mde, c.cap) for c in areas if c.mde is not None and c.cap is not None]
    if both and all(mde > cap for mde, cap in both):
        return f"{most} Even that would most likely go unseen there."
    return most


# ---------------------------------------------------------------- captions and alternative texts


def write_start(finding: Finding) -> str:
    """The start for a figure: ``start: April 2025 (assumed)``."""
    basis = f" ({finding.start_basis})" if finding.start_basis in ("assumed", "not established") else ""
    if " to " in finding.start and len(set(finding.start.split(" to "))) == 2:
        return f"first start: {write_month(finding.start.split(' to ')[0])}"
    return f"start: {write_month(finding.start.split(' to ')[0])}{basis}"


def _figure(value: float, unit: UnitWords) -> str:
    """A number for an alternative text, to the nearest: 1 decimal for rates."""
    digits = 1 if unit.unit == "pp" else 0
    return f"{abs(round_to(value, digits)):,.{digits}f}"


def _towards(value: float, unit: UnitWords) -> str:
    return unit.difference(_figure(value, unit), unit.direction(value))


def _level(value: float, outcome: Outcome) -> str:
    digits = 1 if outcome.unit == "pp" else 0
    figure = f"{round_to(value, digits):,.{digits}f}"
    return f"£{figure}" if outcome.unit == "gbp" else f"{figure} {outcome.level_words}".strip()


def place_of(finding: Finding) -> str:
    """The area in a caption."""
    return f"all {write_count(finding.n_treated)} areas together" if finding.area == "all" else finding.area_name


def caption_series(finding: Finding, outcome: Outcome) -> str:
    """Caption of the treated series beside its counterfactual."""
    return f"{upper_first(outcome.name)}, {place_of(finding)}: observed and estimated"


def alt_series(finding: Finding, outcome: Outcome) -> str:
    """Alternative text of the treated series beside its counterfactual."""
    series, unit = finding.estimate.series, unit_words(outcome)
    first, last = (write_the_period(p, outcome.window_months) for p in (series.periods[0], series.periods[-1]))
    band = " A band around the observed line shows its sampling error." if series.observed_se is not None else ""
    return (
        f"Line chart from {first} to {last}. The observed line begins at {_level(series.observed[0], outcome)} and ends at "
        f"{_level(series.observed[-1], outcome)}. The dashed line, estimated without the programme, ends at "
        f"{_level(series.counterfactual[-1], outcome)}, so the observed value ends "
        f"{_towards(series.observed[-1] - series.counterfactual[-1], unit)}.{band} The {write_start(finding)}."
    )


def caption_comparison(finding: Finding, outcome: Outcome) -> str:
    """Caption of the treated series with its difference below."""
    return f"{upper_first(outcome.name)}, {place_of(finding)}: observed, estimated, and their difference"


def caption_gap(finding: Finding, outcome: Outcome) -> str:
    """Caption of the gap with placebo lines."""
    return f"{upper_first(outcome.name)}, {place_of(finding)}: difference, beside areas without the programme"


def alt_gap(finding: Finding, outcome: Outcome, placebos: np.ndarray | None) -> str:
    """Alternative text of the gap with placebo lines (D, T), or None when there are none."""
    series, unit = finding.estimate.series, unit_words(outcome)
    gap = np.subtract(series.observed, series.counterfactual)
    before = np.asarray(series.exposure) <= 0
    fit = f" Before the start it stays within {_plain(float(np.abs(gap[before]).max()), unit)} of zero." if before.any() else ""
    text = (
        f"Line chart of observed minus estimated {outcome.name}. "
        f"In {write_the_period(series.periods[-1], outcome.window_months)} the difference is "
        f"{_towards(float(gap[-1]), unit)}.{fit}"
    )
    if placebos is None or not len(placebos):
        return text
    wider = int((np.abs(placebos[:, -1]) >= abs(gap[-1])).sum())
    return (
        f"{text} Behind it, thin grey lines show the same for {len(placebos):,} areas without the programme; "
        f"{wider:,} of them end at least as far from zero."
    )


def caption_event_study(finding: Finding, outcome: Outcome) -> str:
    """Caption of the event study."""
    return f"{upper_first(outcome.name)}, {place_of(finding)}: difference by time since the start"


def alt_event_study(
    finding: Finding,
    outcome: Outcome,
    *,
    band: bool,
    all_at_once: tuple[np.ndarray, np.ndarray] | None = None,
    bars: bool = False,
) -> str:
    """Alternative text of the event study: `all_at_once` is the band for all periods, `bars` those for each alone."""
    unit, path = unit_words(outcome), finding.estimate.path
    before, after = [p for p in path if p.event_time < 0], [p for p in path if p.event_time >= 0]
    words = f"Chart of points, one for each of {len(path)} periods around the start."
    if before:
        low, high = min(p.att for p in before), max(p.att for p in before)
        words += f" Before the start they lie between {_towards(low, unit)} and {_towards(high, unit)}."
    if after:
        low, high = min(p.att for p in after), max(p.att for p in after)
        words += f" From the start on they lie between {_towards(low, unit)} and {_towards(high, unit)}."
    if all_at_once is not None:
        times = np.array([p.event_time for p in sorted(path, key=lambda p: p.event_time)])
        low, high = (ends[(times >= 0) & np.isfinite(ends)] for ends in all_at_once)
        words += " A band around the points holds for all periods at once."
        if len(low):
            out = int(((low > 0) | (high < 0)).sum())
            words += f" From the start on it leaves zero in {write_count(out)} of {write_count(len(low))} periods."
    if bars:
        words += " Bars show the range for each period alone."
    return f"{words} A grey band shows what is usual in areas without the programme." if band else words


def _plain(value: float, unit: UnitWords) -> str:
    return unit.amount(_figure(value, unit))


def caption_intervals(outcome: Outcome) -> str:
    """Caption of the intervals by area."""
    return f"{upper_first(outcome.name)}: what the data allow, by area in alphabetical order"


def alt_intervals(
    conclusions: Sequence[Conclusion],
    outcome: Outcome,
    plausible: float | None = None,
    *,
    labels: Sequence[str] = (),
    by: str = "area",
) -> str:
    """Alternative text of the intervals by area or by outcome: every interval in words, with what could be seen."""
    unit, parts = unit_words(outcome), []
    for item, label in zip(conclusions, labels or [c.area_name for c in conclusions], strict=True):
        said = f"{write_interval(item.interval, unit)}, {item.verdict}" if item.interval else item.verdict
        marks = [
            f"{what} {write_size(value, unit)}"
            for what, value in (("smallest detectable", item.mde), ("most the programme could do", item.cap))
            if by == "outcome" and value is not None
        ]
        parts.append("; ".join((f"{label}: {said}", *marks)))
    band = (
        "" if plausible is None else f" and a band of {write_magnitude(plausible, unit)} either way, thought plausible beforehand"
    )
    return f"Chart of one interval for each {by}, with a line at zero{band}. {'. '.join(parts)}."


def caption_timeline(design: Design) -> str:
    """Caption of the starts."""
    return f"When the programme is taken to start, {'by month' if len(design.treated) > 30 else 'by area'}"


def alt_timeline(design: Design) -> str:
    """Alternative text of the starts: every start, or how many in each year when there are many."""
    if len(design.treated) > 30:
        years: dict[str, int] = {}
        for unit in design.treated:
            years[unit.start[:4]] = years.get(unit.start[:4], 0) + 1
        counts = join_words([f"{n:,} in {year}" for year, n in sorted(years.items())])
        return f"Bar chart of the number of areas that start in each month. Areas starting by year: {counts}."
    units = sorted(design.treated, key=lambda u: u.name.casefold())
    starts = "; ".join(f"{u.name}, {write_month(u.start)}, {u.start_basis}" for u in units)
    return f"Chart of one mark for each area on a line of months, filled where the date is established. {starts}."


def write_axis_period(outcome: Outcome) -> str:
    """What one step of event time is."""
    return {"annual": "Years", "quarterly": "Quarters", "monthly": "Months"}[outcome.frequency]

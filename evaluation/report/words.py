"""Headings, captions and alternative texts, made from findings; and the phrases no page may hold.

The sentences of verdicts come with the conclusions (`evaluation.synthesis.sentences`), written numbers from
`evaluation.synthesis.numbers`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.contracts.records import Outcome
from evaluation.results import Conclusion, Design, Finding
from evaluation.synthesis.numbers import (
    UnitWords,
    round_to,
    write_count,
    write_interval,
    write_magnitude,
    write_month,
    write_period,
    write_the_period,
)
from evaluation.synthesis.sentences import join_words, unit_words

# ---------------------------------------------------------------- banned phrases


@dataclass(frozen=True, slots=True)
class Banned:
    """A phrase that must not stand on a page, and what to write."""

    pattern: str
    instead: str


BANNED = (
    Banned(r"no (?:effect|impact)", "say what the data rule out, or that they cannot tell"),
    Banned(r"had no", "say what the data rule out, or that they cannot tell"),
    Banned(r"did(?: not|n['’]t) work", "say what the data rule out, or that they cannot tell"),
    Banned(r"failed to", "say what happened"),
    Banned(r"prov(?:es|ed|en)", "say 'suggests', or give the interval"),
    Banned(r"ineffective", "say what the data rule out, or that they cannot tell"),
    Banned(r"trend(?:s|ed|ing)? towards?", "give the interval"),
    Banned(r"(?:nearly|almost|marginally|borderline) (?:statistically )?significant", "give the interval"),
    Banned(r"marginal(?:ly)?", "give the interval"),
    Banned(r"improve(?:s|d|ment|ments)?", "say 'lower' or 'higher'"),
    Banned(r"worse(?:n|ns|ned|ning)?", "say 'lower' or 'higher'"),
    Banned(r"success(?:ful|fully)? as a result", "say what was lower or higher"),
    Banned(r"(?<!statistically )significan(?:t|tly|ce)", "say 'statistically significant', or better give the interval"),
)
CAUSED = Banned(r"caus(?:ed|es)", "keep it for a verdict of 'detected'")

_QUOTED = re.compile(r"“[^”]*”|\"[^\"\n]*\"|(?<!\w)‘[^’\n]*’(?!\w)|`[^`\n]*`")


def check_wording(text: str, *, detected: bool = False) -> list[str]:
    """List the banned phrases of a text with their surroundings; what stands in quotation marks is not read.

    Parameters
    ----------
    text : str
        Text of a page, without markup.
    detected : bool
        Whether the page reports a detected difference, and may speak of causes.
    """
    bare = _QUOTED.sub(" ", text)
    banned = BANNED if detected else (*BANNED, CAUSED)
    found = []
    for item in banned:
        for match in re.finditer(rf"\b(?:{item.pattern})\b", bare, re.IGNORECASE):
            around = bare[max(match.start() - 30, 0) : match.end() + 30].replace("\n", " ").strip()
            found.append(f"'{match[0]}' in '…{around}…': {item.instead}")
    return found


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


def write_reach(conclusions: Sequence[Conclusion], outcome: Outcome) -> str:
    """Could the evaluation have seen it: the detectable differences of the areas beside what the programme could make."""
    unit = unit_words(outcome)
    mdes = [c.mde for c in conclusions if c.mde is not None]
    caps = [c.cap for c in conclusions if c.cap is not None]
    if not mdes:
        seen = "The smallest difference that could be reliably detected is not established."
    elif len(mdes) == 1 or write_magnitude(min(mdes), unit) == write_magnitude(max(mdes), unit):
        seen = f"The smallest difference that could be reliably detected is {write_magnitude(max(mdes), unit)}."
    else:
        seen = (
            f"The smallest difference that could be reliably detected is {write_magnitude(min(mdes), unit)} in the area that is "
            f"measured best and {write_magnitude(max(mdes), unit)} in the area that is measured least well."
        )
    if not caps:
        unknown = "no source states how many people it was to support"
        return f"{seen} How large a difference the programme could make is not established: {unknown}."
    largest = write_magnitude(max(caps), unit)
    most = f"The largest difference the programme could make in any area, if everybody it supports changed, is {largest}"
    where = "" if len(caps) == len(conclusions) else f" (its volumes are known for {len(caps)} of {len(conclusions)} areas)"
    both = [(c.mde, c.cap) for c in conclusions if c.mde is not None and c.cap is not None]
    if both and all(mde > cap for mde, cap in both):
        end = "So a difference of any size the programme could make would most likely go unseen."
    elif both and all(mde <= cap for mde, cap in both):
        end = "So a difference near that size would most likely be seen."
    else:
        end = ""
    return " ".join(filter(None, (seen, f"{most}{where}.", end)))


def upper_first(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


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
    return f"{upper_first(outcome.name)} in {place_of(finding)}: observed, and estimated without the programme"


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


def caption_gap(finding: Finding, outcome: Outcome) -> str:
    """Caption of the gap with placebo lines."""
    return f"Difference in the {outcome.name}, {place_of(finding)} and areas without the programme"


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
    return f"Difference in the {outcome.name} by time since the start, {place_of(finding)}"


def alt_event_study(finding: Finding, outcome: Outcome, *, band: bool) -> str:
    """Alternative text of the event study."""
    unit, path = unit_words(outcome), finding.estimate.path
    before, after = [p for p in path if p.event_time < 0], [p for p in path if p.event_time >= 0]
    words = f"Chart of points, one for each of {len(path)} periods around the start."
    if before:
        low, high = min(p.att for p in before), max(p.att for p in before)
        words += f" Before the start they lie between {_towards(low, unit)} and {_towards(high, unit)}."
    if after:
        low, high = min(p.att for p in after), max(p.att for p in after)
        words += f" From the start on they lie between {_towards(low, unit)} and {_towards(high, unit)}."
    return f"{words} A grey band shows what is usual in areas without the programme." if band else words


def _plain(value: float, unit: UnitWords) -> str:
    return unit.amount(_figure(value, unit))


def caption_intervals(outcome: Outcome) -> str:
    """Caption of the intervals by area."""
    return f"{upper_first(outcome.name)}: what the data allow, by area in alphabetical order"


def alt_intervals(conclusions: Sequence[Conclusion], outcome: Outcome) -> str:
    """Alternative text of the intervals by area: every interval in words."""
    unit, parts = unit_words(outcome), []
    for item in conclusions:
        said = f"{write_interval(item.interval, unit)}, {item.verdict}" if item.interval else item.verdict
        parts.append(f"{item.area_name}: {said}")
    return f"Chart of one interval for each area, with a line at zero. {'. '.join(parts)}."


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


def write_period_cell(period: str, outcome: Outcome) -> str:
    """A period for a table cell."""
    return write_period(period, outcome.window_months)

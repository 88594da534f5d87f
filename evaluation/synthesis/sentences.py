"""The sentence of each verdict. Nothing here decides anything: `verdict` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.contracts.records import Outcome
from evaluation.panel.period_words import write_span
from evaluation.results import Finding, Inference, Interval
from evaluation.synthesis.agree import (
    Agreement,
    can_detect,
    contains_zero,
    describe_mixed,
    errs_too_often,
    quote_titles,
)
from evaluation.synthesis.numbers import (
    PEOPLE,
    UnitWords,
    choose_digits,
    round_outward,
    to_people,
    write_count,
    write_figure,
    write_interval,
    write_magnitude,
    write_people,
    write_point,
)
from evaluation.synthesis.phrases import lower_first


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """The numbers a sentence may quote: those of one finding, and nothing else."""

    finding: Finding
    inference: Inference
    interval: Interval
    outcome: Outcome
    place: str
    """Where, in words: ``South Yorkshire`` or ``the nine areas together``."""
    cap: float | None
    plausible: float | None
    primary: bool

    @property
    def unit(self) -> UnitWords:
        """How differences of the outcome are written."""
        return unit_words(self.outcome)

    @property
    def yardstick(self) -> str:
        """What the plausible effect is, in words; it was set for the primary outcome."""
        return "the largest thought plausible beforehand" if self.primary else "the size set beforehand for the primary outcome"

    @property
    def span(self) -> str:
        """From the start to the end of the data, in words."""
        return write_span(self.finding.start, self.finding.estimate.series.periods[-1])

    @property
    def subject(self) -> str:
        """The outcome in its place: ``the economic inactivity rate in South Yorkshire``."""
        return f"the {self.outcome.name} in {self.place}"


def unit_words(outcome: Outcome) -> UnitWords:
    """How differences of an outcome are written."""
    return UnitWords(outcome.unit, outcome.unit_words, outcome.people_base)


def people_words(outcome: Outcome) -> UnitWords:
    """How a difference in a rate is written in people."""
    return UnitWords(PEOPLE.unit, PEOPLE.words, outcome.people_base)


def say_not_estimated(place: str, reason: str) -> str:
    """No estimate, and why."""
    return f"We do not report an estimate for {place}: {reason}."


def say_not_credible(failed: Sequence[str]) -> str:
    """No headline figure, and which checks failed."""
    which = "a check" if len(failed) == 1 else f"{write_count(len(failed))} checks"
    return (
        f"We do not report a headline figure, because the comparison failed {which} set in advance: {quote_titles(failed)}. "
        "The figure is in the annex of estimates by method."
    )


def say_implausible(quoted: Quoted) -> str:
    """An interval wholly beyond what the supported people could produce."""
    supported = quoted.finding.supported or 0
    return (
        f"{quoted.span} {quoted.subject} was {write_interval(quoted.interval, quoted.unit)} than the comparison suggests. "
        f"That is more than the {write_people(supported)} people the programme said it would support could produce: "
        f"{write_magnitude(quoted.cap or 0.0, quoted.unit)} at most. It is more likely to reflect other programmes, or a change "
        "in the sample, than this programme."
    )


def say_detected(quoted: Quoted) -> str:
    """Interval first, then the best estimate, then people, then how often untreated areas show as much."""
    said = (
        f"{quoted.span} {quoted.subject} was {write_interval(quoted.interval, quoted.unit)} than it would have been without the "
        f"programme (best estimate {write_point(quoted.finding.estimate.att, quoted.interval, quoted.unit)})."
    )
    return " ".join(filter(None, (said, _people_detected(quoted), _placebos(quoted))))


def _people_detected(quoted: Quoted) -> str:
    people = quoted.finding.people
    if people is None or quoted.unit.unit != "pp":
        return ""
    unit, counted = people_words(quoted.outcome), to_people(quoted.interval, people)
    point = write_point(quoted.finding.estimate.att * people / 100, counted, unit, with_unit=True)
    whole = write_people(people, unit.base)
    return f"That is about {point} ({_ends(counted, unit)}), of {whole} {quoted.outcome.denominator}."


def _ends(counted: Interval, unit: UnitWords) -> str:
    digits = choose_digits(counted, unit.unit, unit.base)
    near, far = sorted(round_outward(counted, digits), key=abs)
    return f"{write_figure(near, digits)} to {write_figure(far, digits)}"


def _placebos(quoted: Quoted) -> str:
    found, reps = quoted.inference.as_large, quoted.inference.reps
    if found is None:
        return ""
    if quoted.finding.n_treated > 1:
        what = "placebo comparisons"
    elif reps == quoted.finding.n_donors:
        what = "untreated areas"
    else:
        what = "groups of neighbouring untreated areas"
    return f"{found:,} of {reps:,} {what} showed a difference at least as large."


def say_mixed(quoted: Quoted, agreement: Agreement, *, compared: int = 1) -> str:
    """Some method excludes zero, and the rest do not confirm it; or it does not stand out among the comparisons made.

    `compared` is the number of these comparisons, 1 where they are not what speaks against the difference.
    """
    crowd = (
        f"Taken alone the difference stands out from chance; among the {write_count(compared)} comparisons made, it does not."
        if compared > 1
        else ""
    )
    said = (
        f"By the main method, {lower_first(quoted.span)} {quoted.subject} may have been "
        f"{write_interval(quoted.interval, quoted.unit)} than it would have been without the programme."
    )
    lead = f"{describe_mixed(agreement)}; the evidence as a whole does not confirm it. We do not treat this as a finding."
    return " ".join(filter(None, (lead, crowd, said)))


def say_ruled_out(quoted: Quoted) -> str:
    """Zero is in the interval, and the effect of interest is on neither side."""
    unit = quoted.unit
    digits = choose_digits(quoted.interval, unit.unit, unit.base)
    fall, rise = (write_figure(end, digits) for end in round_outward(quoted.interval, digits))
    said = (
        f"We did not detect a difference in {quoted.subject}, {lower_first(quoted.span)}. The data rule out a fall of more than "
        f"{fall} or a rise of more than {unit.amount(rise)}; smaller differences remain possible."
    )
    return " ".join(filter(None, (said, _people_either_way(quoted))))


def say_imprecise(quoted: Quoted) -> str:
    """Everything else: what the data allow, what could have been seen, and what the programme could have done."""
    said = (
        f"The data cannot tell us. {quoted.span} {quoted.subject} may have been {write_interval(quoted.interval, quoted.unit)} "
        "than it would have been without the programme."
    )
    end = "Not seeing a difference is not the same as there being none."
    return " ".join(filter(None, (said, _say_one_side(quoted), _people_either_way(quoted), say_reach(quoted), end)))


def _say_one_side(quoted: Quoted) -> str:
    """Which side of the plausible effect is ruled out, when one is."""
    plausible, interval = quoted.plausible, quoted.interval
    if plausible is None or not can_detect(quoted.inference) or not contains_zero(interval) or errs_too_often(quoted.inference):
        return ""
    fall, rise = interval.low > -plausible, interval.high < plausible
    if fall == rise:
        return ""
    out, kept = ("fall", "rise") if fall else ("rise", "fall")
    return (
        f"A {out} of {write_magnitude(plausible, quoted.unit)} or more is ruled out; a {kept} of that size, {quoted.yardstick}, "
        "is not."
    )


def _people_either_way(quoted: Quoted) -> str:
    people = quoted.finding.people
    if people is None or quoted.unit.unit != "pp":
        return ""
    unit = people_words(quoted.outcome)
    counted = write_interval(to_people(quoted.interval, people), unit)
    return f"Counted in people, that is {counted}, of {write_people(people, unit.base)} {quoted.outcome.denominator}."


def say_reach(quoted: Quoted) -> str:
    """The smallest difference that could be detected, and the largest the programme could make."""
    mde = quoted.inference.mde
    if mde is None:
        seen = "The smallest difference we could reliably detect is not established."
    else:
        seen = f"The smallest difference we could reliably detect is {write_magnitude(mde, quoted.unit)}."
    if quoted.cap is None:
        unknown = "how many people it was to support" if quoted.finding.supported is None else "how many residents there are"
        return f"{seen} How large a difference the programme could make is not established, because no source states {unknown}."
    supported = write_people(quoted.finding.supported or 0)
    return (
        f"{seen} The {supported} people the programme said it would support could not change the {quoted.outcome.name} "
        f"by more than {write_magnitude(quoted.cap, quoted.unit)}."
    )

"""What may be said of the ring of neighbours, and of area and ring together. Exploratory throughout: no word here is a verdict.

The words lean on those of verdicts and stop short of them: one method looks next door, no allowance is made for the number of
areas and outcomes looked at, and nothing is ever *detected* there.
"""

from __future__ import annotations

from typing import Literal

from evaluation.contracts.records import Outcome
from evaluation.design.reach import find_plausible
from evaluation.results import Design, Interval, Spillover, SpilloverSide
from evaluation.synthesis.agree import SIZE_SHOWN, TOLERANCE, quote_titles
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import (
    UnitWords,
    choose_digits,
    round_outward,
    write_count,
    write_figure,
    write_interval,
    write_magnitude,
    write_range,
)
from evaluation.synthesis.phrases import end_sentence, lower_first, upper_first
from evaluation.synthesis.sentences import unit_words

RingWord = Literal[
    "not estimated", "comparison not credible", "stands out, not confirmed", "large changes ruled out", "too imprecise to tell"
]
"""What is said of a ring, in the order in which it is looked at."""
NOT_THE_SAME = "Not seeing a difference is not the same as there being none."


def name_ring(record: Spillover, outcome: Outcome, design: Design) -> RingWord:
    """Which of the words holds for the ring of a record."""
    side = record.beside
    if side is None or side.interval is None:
        return "not estimated"
    if side.checks_failed:
        return "comparison not credible"
    if not contains_zero(side.interval):
        return "stands out, not confirmed"
    plausible = find_plausible(design, outcome)
    small = plausible is not None and -plausible < side.interval.low and side.interval.high < plausible
    if small and not _errs(side, record.level):
        return "large changes ruled out"
    return "too imprecise to tell"


def contains_zero(interval: Interval) -> bool:
    """Whether zero lies inside an interval, its ends included."""
    return interval.low <= 0.0 <= interval.high


def name_place(record: Spillover) -> str:
    """The area inside a sentence."""
    return "the treated areas" if record.area == POOLED else record.area_name


def say_ring(record: Spillover, outcome: Outcome, design: Design) -> str:
    """What can be said of the ring, with its interval where there is one to report."""
    word, side, unit = name_ring(record, outcome, design), record.beside, unit_words(outcome)
    if side is None or side.interval is None:
        reason = record.why_not or (side.note if side else "") or "no interval can be given"
        return f"We do not report an estimate for the neighbours of {name_place(record)}: {end_sentence(lower_first(reason))}"
    where = f"the {outcome.name} in {_count_ring(record)} next to {name_place(record)}"
    if word == "comparison not credible":
        return (
            f"We do not report a difference for {where}, because the comparison failed a check set in advance: "
            f"{quote_titles(list(side.checks_failed))}."
        )
    if word == "stands out, not confirmed":
        return (
            f"{upper_first(where)} was {write_interval(side.interval, unit)} than the comparison areas suggest. One method alone "
            "says so, and among many such looks some stand out by chance: we do not treat this as a finding."
            f"{_say_size(side, record.level)}"
        )
    if word == "large changes ruled out":
        digits = choose_digits(side.interval, unit.unit, unit.base)
        fall, rise = (write_figure(end, digits) for end in round_outward(side.interval, digits))
        return (
            f"We did not detect a difference in {where}. The data rule out a fall of more than {fall} or a rise of more than "
            f"{unit.amount(rise)}; smaller differences remain possible."
        )
    seen = "" if side.mde is None else f" The smallest difference we could reliably detect is {write_magnitude(side.mde, unit)}."
    return (
        f"The data cannot tell us. {upper_first(where)} may have been {write_interval(side.interval, unit)} than it would have "
        f"been.{seen} {NOT_THE_SAME}"
    )


def _errs(side: SpilloverSide, level: float) -> bool:
    """Whether the test finds something too often where nothing happened: its interval is then too narrow to rule anything out."""
    return side.size is not None and side.size > SIZE_SHOWN * level + TOLERANCE


def _say_size(side: SpilloverSide, level: float) -> str:
    """How often the test errs, where that is too often."""
    if side.size is None or not _errs(side, level):
        return ""
    return (
        f" On these data the test also finds something in {100 * side.size:.0f} per cent of the places where nothing happened; "
        f"{100 * level:g} per cent are intended."
    )


def _count_ring(record: Spillover) -> str:
    count = len(record.ring)
    return f"the {'' if count == 1 else write_count(count) + ' '}untreated local authorit{'y' if count == 1 else 'ies'}"


# ---------------------------------------------------------------- area and ring together


def counted_in(record: Spillover, outcome: Outcome) -> UnitWords:
    """How the differences of a record are written in people or households."""
    return UnitWords(record.count_unit or "people", record.count_unit or "people", outcome.people_base)


def why_no_net(record: Spillover) -> str:
    """Why area and ring are not added up, in words; empty where they are."""
    for side, who in ((record.inside, name_place(record)), (record.beside, "the neighbours")):
        if side is not None and side.checks_failed:
            return f"the comparison of {who} failed a check set in advance: {quote_titles(list(side.checks_failed))}"
    if record.net is None or record.net_interval is None:
        return record.why_no_net or record.why_not or "there is no estimate next door"
    return ""


def say_net(record: Spillover, outcome: Outcome) -> str:
    """Area, ring and both in people, and whether a difference that was moved next door can be told from one that was not."""
    reason = why_no_net(record)
    if reason:
        return f"{upper_first(name_place(record))} and the neighbours are not added up: {end_sentence(reason)}"
    inside, beside, net = record.inside, record.beside, record.net_interval
    assert inside is not None
    assert beside is not None
    assert net is not None
    unit = counted_in(record, outcome)
    if inside.count_interval is None or beside.count_interval is None:
        return (
            f"Of both sides together: {write_interval(net, unit)}. Each side alone has no interval, so nothing more can be told."
        )
    told = (
        f"Counted in {unit.words}: in {name_place(record)}, {write_interval(inside.count_interval, unit)}; "
        f"next door, {write_interval(beside.count_interval, unit)}; both together, {write_interval(net, unit)}."
    )
    return f"{told} {_compare(inside, beside, net, unit)}"


def _compare(inside: SpilloverSide, beside: SpilloverSide, net: Interval, unit: UnitWords) -> str:
    assert inside.interval is not None
    assert beside.interval is not None
    clear = [not contains_zero(interval) for interval in (inside.interval, beside.interval)]
    if clear == [False, False]:
        return (
            "Neither stands out from chance, so a difference that was made up for next door cannot be told from no difference on "
            "either side."
        )
    if clear == [False, True]:
        return "The neighbours alone stand out; where that comes from cannot be told without a difference in the area."
    together = (
        "both together may not differ, and all of it may have been moved"
        if contains_zero(net)
        else f"both together still stand out, by {write_range(net, unit)}"
    )
    if clear == [True, False]:
        assert beside.count_interval is not None
        end = beside.count_interval.high if inside.att < 0 else beside.count_interval.low
        limit = unit.difference(_write_end(end, beside.count_interval, unit), unit.direction(end))
        return (
            f"The area stands out and the neighbours do not. Up to {limit} next door cannot be ruled out, so how much was moved "
            f"across the border cannot be told; {together}."
        )
    if inside.att * beside.att > 0:
        return "Both point the same way. That speaks against displacement, and for spillover or something the region shares."
    return (
        "The two point in opposite directions: some of what is seen in the area may have been moved from next door, or the "
        f"neighbours may differ for another reason; {together}."
    )


def _write_end(end: float, interval: Interval, unit: UnitWords) -> str:
    digits = choose_digits(interval, unit.unit, unit.base)
    low, high = round_outward(interval, digits)
    return write_figure(high if end > 0 else low, digits)

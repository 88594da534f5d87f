"""Value for money in sentences: costs, break-even differences, and why there is a ratio or none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN

from evaluation.contracts.records import Outcome
from evaluation.results import BreakEven, Interval, ValueForMoney, VerdictName
from evaluation.synthesis.numbers import FIGURES, round_to, write_figure, write_magnitude, write_people, write_size
from evaluation.synthesis.phrases import end_sentence, join_words, upper_first
from evaluation.synthesis.sentences import unit_words

NOT_ESTABLISHED = "not established"
SPEAKS: tuple[VerdictName, ...] = ("detected", "large changes ruled out", "too imprecise to tell")
"""Verdicts whose interval may be set beside a break-even difference in a sentence."""
AMOUNT_BASIS = {
    "announced": "announced",
    "announced maximum": "announced as a maximum",
    "granted": "granted",
    "derived": "worked out from two announced amounts",
    "not established": NOT_ESTABLISHED,
}


def write_pounds(value: float, rounding: str = ROUND_HALF_EVEN) -> str:
    """Pounds at three significant figures, never below a penny: ``£2,500``, ``£541``, ``£1.48``."""
    digits = 2 if value == 0 else min(2, FIGURES - 1 - math.floor(math.log10(abs(value))))
    return f"£{write_figure(round_to(value, digits, rounding), digits)}"


def write_amount(value: float) -> str:
    """A whole number of pounds as it stands on record: ``£10,000,000``."""
    return f"£{value:,.0f}"


def write_pounds_range(interval: Interval) -> str:
    """Both ends in pounds, rounded outward: ``£540 to £2,710``."""
    return f"{write_pounds(interval.low, ROUND_FLOOR)} to {write_pounds(interval.high, ROUND_CEILING)}"


def write_value(item: BreakEven) -> str:
    """A value of a person-year with its basis: ``£10,000 (illustrative)``."""
    return write_amount(item.value_gbp) + ("" if item.basis == "published" else f" ({item.basis})")


def write_effect(item: BreakEven, outcome: Outcome) -> str:
    """A break-even difference, rounded up, with unit and direction; people where the residents are not known."""
    if item.effect is None:
        return f"{write_people(item.people)} people"
    unit = unit_words(outcome)
    direction = unit.lower if outcome.wanted == "lower" else unit.higher
    return unit.difference(write_size(item.effect, unit), direction)


# ---------------------------------------------------------------- sentences


def say_cost(item: ValueForMoney, place: str) -> str:
    """What a year costs in one place, how that is known, and what it is for each person to be supported."""
    money = item.spending
    if money.yearly_gbp is None:
        return f"What the programme costs in {place} is {NOT_ESTABLISHED}: {end_sentence(money.why_not)}"
    for_what = f" for {money.period}" if money.period else ""
    said = f"A year of the programme in {place} costs {write_amount(money.yearly_gbp)}, {AMOUNT_BASIS[money.basis]}{for_what}."
    if item.cost_per_supported is None:
        why = end_sentence(item.why_no_cost_per_supported)
        return f"{said} What that is for each person to be supported is {NOT_ESTABLISHED}: {why}"
    most = "at most " if money.basis == "announced maximum" else ""
    return (
        f"{said} That is {most}{write_pounds(item.cost_per_supported)} for each of the {write_people(item.supported or 0)} "
        "people it was to support in the first year."
    )


def say_break_even(item: ValueForMoney, outcome: Outcome) -> str:
    """How large a difference would pay for itself, beside what could be seen, what the data allow, and what could be done."""
    if item.spending.yearly_gbp is None:
        return "Without a cost there is no break-even difference to give."
    said = [_say_effects(item, outcome), _say_against_mde(item, outcome), _say_against_cap(item), _say_against_interval(item)]
    return " ".join(filter(None, (*said, _say_worth(item, outcome))))


def _ordered(item: ValueForMoney) -> list[BreakEven]:
    return sorted(item.break_evens, key=lambda found: -found.value_gbp)


def _sizes(item: ValueForMoney) -> list[float]:
    return [found.effect for found in item.break_evens if found.effect is not None]


def _say_effects(item: ValueForMoney, outcome: Outcome) -> str:
    groups: dict[tuple[str, str], list[BreakEven]] = {}
    for found in _ordered(item):
        groups.setdefault((found.basis, found.unit), []).append(found)
    said = [_say_group(mine, outcome) for mine in groups.values()]
    return " ".join(said) or "No value of a person-year is in the register of unit values, so no break-even difference is given."


def _say_group(found: Sequence[BreakEven], outcome: Outcome) -> str:
    """Break-even differences at values of one basis and unit."""
    basis = "" if found[0].basis == "published" else f"{found[0].basis} "
    pounds = join_words([write_amount(one.value_gbp) for one in found])
    at = f"At {basis}values of {pounds} {found[0].unit}" if len(found) > 1 else f"At {basis}{pounds} {found[0].unit}"
    people = f"{join_words([write_people(one.people) for one in found])} people"
    sizes = [one.effect for one in found if one.effect is not None]
    if len(sizes) < len(found):
        return f"{at}, benefits equal that cost when {people} are in another state for a year."
    unit = unit_words(outcome)
    words = [write_size(size, unit) for size in sizes[:-1]] + [write_effect(found[-1], outcome)]
    return f"{at}, benefits equal that cost at a difference, kept up for a year, of {join_words(words)}: {people}."


def _which(sizes: Sequence[float]) -> str:
    return "That is" if len(sizes) == 1 else "All of these are"


def _say_against_mde(item: ValueForMoney, outcome: Outcome) -> str:
    sizes = _sizes(item)
    if item.mde is None or not sizes:
        return ""
    size = f"{write_magnitude(item.mde, unit_words(outcome))}, the smallest difference that could be reliably detected"
    if max(sizes) < item.mde:
        return f"{_which(sizes)} smaller than {size}: the programme could pay for itself and this evaluation not see it."
    if min(sizes) >= item.mde:
        return f"{_which(sizes)} no smaller than {size}: a difference that pays for the programme would most likely be seen."
    return f"Some of these are smaller than {size}, and others are not."


def _say_against_cap(item: ValueForMoney) -> str:
    sizes = _sizes(item)
    if item.cap is None or not sizes:
        return ""
    if min(sizes) > item.cap:
        return "Even if everybody it was to support changed, the difference would be smaller than that."
    if max(sizes) <= item.cap:
        return ""
    return "For the lower values it is more than the people to be supported could produce."


def favourable(item: ValueForMoney) -> tuple[float, float] | None:
    """The interval with the direction the programme aims at as positive; None where there is none."""
    if item.interval is None or item.wanted == "none":
        return None
    low, high = item.interval.low, item.interval.high
    return (-high, -low) if item.wanted == "lower" else (low, high)


def _say_against_interval(item: ValueForMoney) -> str:
    ends, sizes = favourable(item), _sizes(item)
    if ends is None or not sizes or item.verdict not in SPEAKS:
        return ""
    low, high = ends
    if min(sizes) > high:
        return "The interval holds no difference that large: at these values, benefits were smaller than cost."
    if max(sizes) < low:
        return "Every difference in the interval is larger: at these values, benefits were larger than cost."
    if all(low <= size <= high for size in sizes):
        return "The interval has differences on both sides, so the data cannot tell whether benefits reached cost."
    return "Whether benefits reached cost depends on the value: some of these differences lie inside the interval, others not."


def _say_worth(item: ValueForMoney, outcome: Outcome) -> str:
    if item.worth_at_mde is None or item.mde is None:
        return ""
    return (
        f"A difference of {write_magnitude(item.mde, unit_words(outcome))} pays for itself where a person-year is worth "
        f"{write_pounds(item.worth_at_mde, ROUND_CEILING)} or more."
    )


def say_ratio(item: ValueForMoney, place: str) -> str:
    """Cost of a person-year and benefits for each pound, or why there is none."""
    said = []
    if item.cost_per_person_year is not None:
        said.append(
            f"In {place} one person-year more cost between {write_pounds(item.cost_per_person_year.low, ROUND_FLOOR)} and "
            f"{write_pounds(item.cost_per_person_year.high, ROUND_CEILING)}."
        )
    for ratio in item.ratios:
        low, high = write_pounds(ratio.interval.low, ROUND_FLOOR), write_pounds(ratio.interval.high, ROUND_CEILING)
        said.append(
            f"At {write_amount(ratio.value_gbp)} a person-year ({ratio.name}, {ratio.price_year} prices) each pound brought back "
            f"between {low} and {high}."
        )
    if item.why_no_ratio:
        said.append(f"{upper_first(place)}: no ratio of benefits to cost is given, because {end_sentence(item.why_no_ratio)}")
    return " ".join(said)

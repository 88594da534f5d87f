"""Numbers in words: every number of a sentence, a caption or a table passes through here.

Rules
-----
- Interval ends round outward: the printed interval is never narrower than the computed one. A point rounds to the nearest.
- Percentage points have 1 decimal, people stand to the nearest 100, pounds have 3 figures. A digit is added, at most three
  times, where an interval that excludes zero would otherwise touch it, or is less than three steps of the last digit wide.
- Numbers of people are estimates, not counts of anybody; they are still written no finer than the counts they were made from
  may be printed, where the rounding base of a source is larger than 100.
- The two ends and the point of one statement share their digits.
- Magnitudes that stand alone (smallest detectable difference, cap) round up, with 2 decimals below 0.5 percentage points.
- Directions are words, *lower* and *higher* (*fewer* and *more* for people); a minus sign appears in the annex only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from evaluation.contracts.disclosure import COUNTED
from evaluation.results import Interval

DIGITS = {"pp": 1, "people": -2, "households": -2}
"""Decimal places a unit starts with; -2 = to the nearest 100."""
EXTRA_DIGITS = 3
"""Digits that may be added for a narrow interval."""
NARROW = 3
"""An interval narrower than this many steps of its last digit gets a further digit."""
SMALL_MAGNITUDE = 0.5
"""Percentage points below which a magnitude that stands alone has 2 decimals."""
FIGURES = 3
"""Significant figures of amounts in pounds."""
COUNT_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class UnitWords:
    """How differences of one outcome are written."""

    unit: str
    """``pp``, ``people``, ``households`` or ``gbp``."""
    words: str
    """Words after a difference, such as ``percentage points``."""
    base: int = 0
    """Rounding base of the counts that numbers of people are made from; 0 = none larger than 100."""

    @property
    def lower(self) -> str:
        """Word for a negative difference."""
        return "fewer" if self.unit in ("people", "households") else "lower"

    @property
    def higher(self) -> str:
        """Word for a positive difference."""
        return "more" if self.unit in ("people", "households") else "higher"

    def direction(self, value: float) -> str:
        """The word for the sign of a value."""
        return self.lower if value < 0 else self.higher

    def amount(self, figure: str) -> str:
        """A written figure with its unit, such as ``1.2 percentage points`` or ``£12.30 a week``."""
        if self.unit == "gbp":
            return f"£{figure}{self.words.removeprefix('pounds')}"
        return f"{figure} {self.words}" if self.words else figure

    def difference(self, figure: str, direction: str) -> str:
        """A written difference with unit and direction: ``1.2 percentage points lower``, ``200 fewer people``."""
        if self.lower == "fewer":
            return f"{figure} {direction} {self.words}"
        return f"{self.amount(figure)} {direction}"


PEOPLE = UnitWords("people", "people")


# ---------------------------------------------------------------- rounding


def _decimal(value: float) -> Decimal:
    # Nine significant figures: enough for any rate, and free of the last bits that make 1.1 x 10 exceed 11.
    return Decimal(f"{value:.9g}")


def round_to(value: float, digits: int, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Round to `digits` decimal places; negative digits round to tens, hundreds and so on."""
    return _decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=rounding) + Decimal(0)


def choose_digits(interval: Interval, unit: str, base: int = 0) -> int:
    """Decimal places for both ends of an interval (and its point), by the rules in the module's text."""
    if unit in COUNTED and base:
        return digits_of(base)
    start = DIGITS[unit] if unit in DIGITS else _significant(max(abs(interval.low), abs(interval.high)))
    for digits in range(start, start + EXTRA_DIGITS):
        low, high = round_outward(interval, digits)
        touches = (interval.low > 0 and low <= 0) or (interval.high < 0 and high >= 0)
        narrow = _decimal(interval.high) - _decimal(interval.low) < NARROW * Decimal(1).scaleb(-digits)
        if not touches and not narrow:
            return digits
    return start + EXTRA_DIGITS


def digits_of(base: int) -> int:
    """Decimal places no finer than a rounding base: -3 for 250 and for 1,000."""
    return -math.ceil(math.log10(base))


def _significant(magnitude: float) -> int:
    return FIGURES - 1 if magnitude == 0 else FIGURES - 1 - math.floor(math.log10(magnitude))


def round_outward(interval: Interval, digits: int) -> tuple[Decimal, Decimal]:
    """The low end rounded down and the high end rounded up."""
    return round_to(interval.low, digits, ROUND_FLOOR), round_to(interval.high, digits, ROUND_CEILING)


def write_figure(value: Decimal, digits: int) -> str:
    """The magnitude of a rounded number, with thousands commas and all its decimals."""
    return f"{abs(value):,.{max(digits, 0)}f}"


# ---------------------------------------------------------------- words for differences


def write_interval(interval: Interval, unit: UnitWords) -> str:
    """Both ends of an interval in words, ready to stand after "was" or in a table.

    Examples: ``between 0.3 and 2.0 percentage points lower``; ``anything from 1.2 percentage points lower to 0.4 higher``.
    """
    digits = choose_digits(interval, unit.unit, unit.base)
    low, high = round_outward(interval, digits)
    near, far = sorted((low, high), key=abs)
    if interval.high < 0 or interval.low > 0:
        direction = unit.direction(interval.low + interval.high)
        return f"between {_short(write_figure(near, digits), unit)} and {unit.difference(write_figure(far, digits), direction)}"
    first, last = write_figure(low, digits), write_figure(high, digits)
    return f"anything from {unit.difference(first, unit.lower)} to {_short(last, unit)} {unit.higher}"


def write_range(interval: Interval, unit: UnitWords) -> str:
    """An interval for a table cell, without its unit: ``0.3 to 2.0 lower`` or ``1.2 lower to 0.4 higher``."""
    digits = choose_digits(interval, unit.unit, unit.base)
    low, high = round_outward(interval, digits)
    near, far = sorted((low, high), key=abs)
    if interval.high < 0 or interval.low > 0:
        direction = unit.direction(interval.low + interval.high)
        return f"{_short(write_figure(near, digits), unit)} to {_short(write_figure(far, digits), unit)} {direction}"
    return f"{_short(write_figure(low, digits), unit)} {unit.lower} to {_short(write_figure(high, digits), unit)} {unit.higher}"


def _short(figure: str, unit: UnitWords) -> str:
    return f"£{figure}" if unit.unit == "gbp" else figure


def write_point(value: float, interval: Interval, unit: UnitWords, *, with_unit: bool = False) -> str:
    """A best estimate with the digits of its interval: ``1.2 lower``."""
    digits = choose_digits(interval, unit.unit, unit.base)
    point = round_to(value, digits)
    figure = write_figure(point, digits)
    if with_unit:
        return unit.difference(figure, unit.direction(value))
    return f"{_short(figure, unit)} {unit.direction(value)}"


def write_magnitude(value: float, unit: UnitWords) -> str:
    """A magnitude that stands alone, rounded up, with its unit: ``2.4 percentage points``."""
    return unit.amount(write_size(value, unit))


def write_size(value: float, unit: UnitWords) -> str:
    """A magnitude that stands alone, rounded up, without its unit."""
    if unit.unit == "pp":
        digits = 1 if value >= SMALL_MAGNITUDE else 2
    else:
        digits = DIGITS[unit.unit] if unit.unit in DIGITS else _significant(value)
    if unit.unit in COUNTED and unit.base:
        return write_figure(round_to(value, digits_of(unit.base), ROUND_CEILING), 0)
    while value > 0 and digits < 6 and round_to(value, digits, ROUND_CEILING) > 2 * _decimal(value):
        digits += 1
    return write_figure(round_to(value, digits, ROUND_CEILING), digits)


def write_people(value: float, base: int = 0) -> str:
    """A number of people to the nearest 100, or to the nearest 10 below 1,000; no finer than `base` where there is one."""
    return f"{round_to(value, digits_of(base) if base else -2 if abs(value) >= 1000 else -1):,.0f}"


def to_people(interval: Interval, people: float) -> Interval:
    """An interval in percentage points as people of a population."""
    return Interval(low=interval.low * people / 100, high=interval.high * people / 100)


def write_count(count: int) -> str:
    """A small count as a word, a larger one in figures."""
    return COUNT_WORDS[count] if 0 <= count < len(COUNT_WORDS) else f"{count:,}"


def write_level(level: float) -> str:
    """The coverage of an interval as ``95%``, from the size of its test, 0.05."""
    return f"{round_to(100 * (1 - level), 1).normalize():f}%"

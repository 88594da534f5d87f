"""What a programme costs beside what it would have to change to be worth it, for one outcome and area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluation.results.conclusion import VerdictName
from evaluation.results.finding import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """One amount of money on record for an area."""

    pot: str
    """Name of the money; the same pot is never counted twice."""
    period: str
    """What it is for, in words; empty where not established."""
    years: float | None
    amount_gbp: int | None
    """Pounds; None = not established, which is not nil."""
    basis: str
    covers: str
    note: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What is on record of the money of an area, and what of it can be used."""

    amounts: tuple[Amount, ...]
    yearly_gbp: float | None
    """Cost of one year of this programme alone; None = not established."""
    period: str
    """The period that yearly cost is of."""
    years: float | None
    """Length of that period."""
    basis: str
    """How that amount is known, such as ``announced maximum``."""
    shared: bool
    """Whether money of that period on record for the area also pays for another programme."""
    why_not: str
    """Why there is no yearly cost, in words that fit after a colon; empty where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """The smallest difference at which benefits equal cost, at one value of a person-year."""

    id: str
    name: str
    value_gbp: float
    price_year: str
    unit: str
    basis: Literal["published", "illustrative", "SYNTHETIC"]
    people: float
    """People a year who would have to be in another state than otherwise."""
    effect: float | None
    """The same as a magnitude in the outcome's unit; None where the residents are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Benefits for each pound of cost, at one value of a person-year; both ends of the interval."""

    id: str
    name: str
    value_gbp: float
    price_year: str
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueForMoney:
    """Cost, break-even difference and, only for a detected difference, what came back; of one outcome and area."""

    design: str
    outcome: str
    area: str
    area_name: str
    unit: str
    wanted: Literal["lower", "higher", "none"]
    verdict: VerdictName
    spending: Spending
    supported: int | None
    """People the programme said it would support in its first year; None = not established."""
    cost_per_supported: float | None
    """Pounds; planned money over planned people, not what was spent on those who came."""
    why_no_cost_per_supported: str
    residents: float | None
    interval: Interval | None
    """Of the estimate, in the outcome's unit; None where none is headlined."""
    mde: float | None
    cap: float | None
    break_evens: tuple[BreakEven, ...]
    worth_at_mde: float | None
    """Pounds a person-year would have to be worth for a difference of `mde` to break even."""
    cost_per_person_year: Interval | None
    """Pounds for one person in another state for a year; only where a difference was detected."""
    ratios: tuple[Ratio, ...]
    why_no_ratio: str
    """In words that fit after a colon; empty where there is a ratio."""
    synthetic: bool

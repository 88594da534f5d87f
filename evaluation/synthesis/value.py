"""Value for money: what a programme costs, and how large a difference would have to be for benefits to equal cost.

All sums are of one year: the cost of a year, and people who are in another state than otherwise throughout a year. What lasts
beyond the money is not counted, and prices of different years are not made equal.

A ratio of benefits to cost needs a detected difference, an interval without zero, a difference in the direction the programme
aims at, money of this programme alone, and a published value. Where one is missing, the record says which.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.money import Cost, UnitValue
from evaluation.contracts.records import Contracts, Outcome
from evaluation.design.reach import count_supported
from evaluation.results import (
    Amount,
    BreakEven,
    Conclusion,
    Design,
    Finding,
    Interval,
    Ratio,
    Spending,
    TreatedUnit,
    ValueForMoney,
)
from evaluation.synthesis.agree import POOLED, contains_zero
from evaluation.synthesis.evidence import units_in_window
from evaluation.synthesis.phrases import name_or_count

ALONE, OTHERS, PLACES = "this programme", "with another programme", "with other places"


# ---------------------------------------------------------------- cost


def find_spending(contracts: Contracts, design: Design, outcome: str, area: str) -> Spending:
    """What is on record of the money of one area, or of all areas of an outcome together.

    Parameters
    ----------
    contracts : Contracts
        Holds the register of costs.
    design : Design
        The study.
    outcome : str
        Tells which areas start within the window, and so belong to all areas together.
    area : str
        Code of a treated unit, or ``all``.

    Returns
    -------
    Spending
        A yearly cost only where the money is this programme's alone. One pot counts once. A place without an amount leaves the
        total of all places without one: what is not established is not nil.
    """
    rows = [row for row in contracts.costs if row.programme == design.programme]
    if area == POOLED:
        return _spend_together(rows, contracts, design, units_in_window(design, outcome))
    if design.unit == "authority":
        return _spend_authority(contracts, design, area)
    mine = [row for row in rows if row.place == area]
    used = next((row for row in mine if _is_usable(row)), None)
    return _spending(mine, used, "" if used else _why_not(mine))


def _is_usable(row: Cost) -> bool:
    return row.covers == ALONE and bool(row.amount_gbp) and bool(row.years)


def _why_not(rows: Sequence[Cost]) -> str:
    if not rows:
        return "no amount is on record"
    known = [row for row in rows if row.amount_gbp is not None]
    if not known:
        return "the amount is not established"
    if any(row.covers == ALONE for row in known):
        return "the period of the amount is not established"
    if any(row.covers == OTHERS for row in known):
        return "the money on record also pays for another programme"
    if any(row.covers == PLACES for row in known):
        return "the money on record is shared with other places, and its own share is not established"
    return "what the money on record pays for is not established"


def _spending(rows: Sequence[Cost], used: Cost | None, why_not: str, *, yearly: float | None = None) -> Spending:
    """The record of some rows, with the cost of a year from the row that is used, or as given."""
    if used is not None and yearly is None and used.amount_gbp and used.years:
        yearly = used.amount_gbp / used.years
    same = [row for row in rows if used is not None and row.period == used.period]
    return Spending(
        amounts=tuple(_amount(row) for row in rows),
        yearly_gbp=yearly,
        period=used.period if used else "",
        years=used.years if used else None,
        basis=used.amount_basis if used else "not established",
        shared=any(row.covers == OTHERS for row in same),
        why_not=why_not,
    )


def _amount(row: Cost) -> Amount:
    source = ", ".join(filter(None, (row.source_title, row.source_publisher, row.source_date)))
    return Amount(
        pot=row.pot, period=row.period, years=row.years, amount_gbp=row.amount_gbp, basis=row.amount_basis, covers=row.covers,
        note=row.note, source=source,
    )  # fmt: skip


def _spend_authority(contracts: Contracts, design: Design, code: str) -> Spending:
    """An authority's own amount is shown; the register does not say for how long it is, so nothing is divided by it."""
    mine = [item for item in contracts.exposures if item.programme == design.programme and item.area_code == code]
    own = [item for item in mine if item.funding_authority_gbp is not None]
    amounts = tuple(
        Amount(
            pot=f"{item.place}-{code}", period="", years=None, amount_gbp=item.funding_authority_gbp, basis="granted",
            covers=ALONE, note=item.funding_note, source=item.source_title,
        )
        for item in own
    )  # fmt: skip
    why = (
        "the period of the authority's own amount is not established" if own else "the authority's own amount is not established"
    )
    return Spending(
        amounts=amounts, yearly_gbp=None, period="", years=None, basis="not established", shared=False, why_not=why
    )  # fmt: skip


def _spend_together(rows: Sequence[Cost], contracts: Contracts, design: Design, units: Sequence[TreatedUnit]) -> Spending:
    """One amount for the whole programme where all of it is in the study; otherwise the distinct pots of its places."""
    members = {code for unit in units for code in unit.members}
    register = contracts.places(design.programme)
    everywhere = {item.area_code for items in register.values() for item in items}
    whole = [row for row in rows if not row.place] if everywhere == members else []
    used = next((row for row in whole if _is_usable(row)), None)
    if used is not None:
        return _spending(whole, used, "")
    inside = {place: items[0].place_name for place, items in register.items() if {i.area_code for i in items} <= members}
    covered = {item.area_code for place in inside for item in register[place]}
    mine = [*whole, *(row for row in rows if row.place in inside)]
    if covered != members or not inside:
        return _spending(mine, None, "the areas of this study are no whole places of the register of costs")
    first = ""
    for period in dict.fromkeys(row.period for row in mine if row.period):
        pots, absent = _collect_pots(rows, inside, period)
        if not absent and len({row.years for row in pots}) == 1:
            basis = next((row for row in pots if row.amount_basis != "announced"), pots[0])
            shared = [row for row in mine if row.period == period and row.covers == OTHERS]
            total = sum(row.amount_gbp or 0 for row in pots)
            return _spending([*pots, *shared], basis, "", yearly=total / (pots[0].years or 1.0))
        first = first or f"no amount of this programme alone is established for {name_or_count(absent)}"
    return _spending(mine, None, first or _why_not(mine))


def _collect_pots(rows: Sequence[Cost], inside: dict[str, str], period: str) -> tuple[list[Cost], list[str]]:
    """The distinct pots of one period that pay for the places and nothing else, and the names of the places without one."""
    pots: dict[str, Cost] = {}
    absent = []
    for place, name in inside.items():
        mine = [row for row in rows if row.place == place and row.period == period and row.amount_gbp and row.years]
        own = [row for row in mine if row.covers == ALONE]
        joint = [row for row in mine if row.covers == PLACES and _places_of(rows, row.pot) <= set(inside)]
        if not own and not joint:
            absent.append(name)
        for row in (own or joint)[:1]:
            pots[row.pot] = row
    return list(pots.values()), absent


def _places_of(rows: Sequence[Cost], pot: str) -> set[str]:
    return {row.place for row in rows if row.pot == pot}


# ---------------------------------------------------------------- break-even and ratio


def break_even_people(yearly_gbp: float, value_gbp: float) -> float:
    """People who would have to be in another state for a year for benefits to equal the cost of that year."""
    return yearly_gbp / value_gbp


def measure_value(conclusion: Conclusion, findings: Sequence[Finding], design: Design, contracts: Contracts) -> ValueForMoney:
    """Set the cost of one area beside what an outcome would have to change by.

    Parameters
    ----------
    conclusion : Conclusion
        Verdict, interval and smallest detectable difference of the area and outcome.
    findings : sequence of Finding
        Of the run; the residents are those of this area's findings.
    design : Design
        The study.
    contracts : Contracts
        Outcomes and the registers of costs and unit values.
    """
    outcome = contracts.outcomes[conclusion.outcome]
    spending = find_spending(contracts, design, outcome.id, conclusion.area)
    residents = _find_residents(conclusion, findings)
    pooled = conclusion.area == POOLED
    units = units_in_window(design, outcome.id) if pooled else (design.unit_of(conclusion.area),)
    supported = count_supported(units)
    each, why_not_each = _cost_each(spending, supported)
    values = [
        item
        for item in contracts.unit_values
        if item.outcome == outcome.id and (item.basis != "SYNTHETIC" or conclusion.synthetic)
    ]
    why_no_cost, why_no_ratio = _why_no_ratio(conclusion, outcome, spending, residents, values)
    changed = None if why_no_cost else _people_changed(conclusion, outcome, residents)
    mde_people = _to_people(conclusion.mde, outcome, residents)
    yearly = spending.yearly_gbp
    return ValueForMoney(
        design=design.id,
        outcome=outcome.id,
        area=conclusion.area,
        area_name=conclusion.area_name,
        unit=outcome.unit,
        wanted=outcome.wanted,
        verdict=conclusion.verdict,
        spending=spending,
        supported=supported,
        cost_per_supported=each,
        why_no_cost_per_supported=why_not_each,
        residents=residents,
        interval=conclusion.interval,
        mde=conclusion.mde,
        cap=conclusion.cap,
        break_evens=tuple(_break_even(yearly, item, outcome, residents) for item in values) if yearly else (),
        worth_at_mde=yearly / mde_people if yearly and mde_people else None,
        cost_per_person_year=Interval(low=yearly / changed.high, high=yearly / changed.low) if yearly and changed else None,
        ratios=_ratios(yearly, changed, values) if yearly and changed and not why_no_ratio else (),
        why_no_ratio=why_no_ratio,
        synthetic=conclusion.synthetic,
    )


def _find_residents(conclusion: Conclusion, findings: Sequence[Finding]) -> float | None:
    mine = [f for f in findings if (f.outcome, f.area) == (conclusion.outcome, conclusion.area) and f.people]
    headline = [f for f in mine if f.estimator == conclusion.headline]
    return next((f.people for f in (*headline, *mine)), None)


def _cost_each(spending: Spending, supported: int | None) -> tuple[float | None, str]:
    """Pounds for each person to be supported in the first year, or why it is not established."""
    if spending.yearly_gbp is None:
        return None, spending.why_not
    if supported is None:
        return None, "how many people were to be supported is not established"
    if spending.shared:
        return None, "the people are stated beside money that also pays for another programme"
    if spending.years != 1:
        return None, "the people are those of the first year, and the money is for another length of time"
    return spending.yearly_gbp / supported, ""


def _to_people(size: float | None, outcome: Outcome, residents: float | None) -> float | None:
    """A magnitude in the outcome's unit as people; None where it cannot be counted."""
    if size is None or outcome.unit == "gbp":
        return None
    if outcome.unit == "people":
        return abs(size)
    return abs(size) * residents / 100 if residents else None


def _break_even(yearly: float, item: UnitValue, outcome: Outcome, residents: float | None) -> BreakEven:
    people = break_even_people(yearly, item.value_gbp)
    effect = people if outcome.unit == "people" else (100 * people / residents if residents else None)
    return BreakEven(
        id=item.id, name=item.name, value_gbp=item.value_gbp, price_year=item.price_year, unit=item.unit, basis=item.basis,
        people=people, effect=effect,
    )  # fmt: skip


def _why_no_ratio(
    conclusion: Conclusion, outcome: Outcome, spending: Spending, residents: float | None, values: Sequence[UnitValue]
) -> tuple[str, str]:
    """Why there is no cost of a person-year, and why no ratio of benefits to cost; both empty where there are both."""
    interval, why = conclusion.interval, ""
    if conclusion.verdict != "detected":
        why = f"the verdict is “{conclusion.verdict}”, and a ratio is given only where a difference is detected"
    elif interval is None or contains_zero(interval):
        why = "the interval of the difference includes zero, so the cost of one person more has no upper end"
    elif outcome.wanted == "none":
        why = "the programme aims at neither direction of this outcome"
    elif (interval.high < 0) != (outcome.wanted == "lower"):
        found = "lower" if interval.high < 0 else "higher"
        why = f"the {outcome.name} is {found}, and the programme aims at {outcome.wanted}"
    elif spending.yearly_gbp is None:
        why = f"the cost is not established: {spending.why_not}"
    elif _people_changed(conclusion, outcome, residents) is None:
        why = "how many residents there are is not established"
    if why:
        return why, why
    if not any(item.basis != "illustrative" for item in values):
        return "", "no published value of a person-year is in the register of unit values"
    return "", ""


def _people_changed(conclusion: Conclusion, outcome: Outcome, residents: float | None) -> Interval | None:
    """Both ends of a one-sided interval as people, the smaller first."""
    if conclusion.interval is None:
        return None
    ends = [_to_people(end, outcome, residents) for end in (conclusion.interval.low, conclusion.interval.high)]
    low, high = ends
    return None if not low or not high else Interval(low=min(low, high), high=max(low, high))


def _ratios(yearly: float, changed: Interval, values: Sequence[UnitValue]) -> tuple[Ratio, ...]:
    return tuple(
        Ratio(
            id=item.id, name=item.name, value_gbp=item.value_gbp, price_year=item.price_year,
            interval=Interval(low=item.value_gbp * changed.low / yearly, high=item.value_gbp * changed.high / yearly),
        )
        for item in values
        if item.basis != "illustrative"
    )  # fmt: skip

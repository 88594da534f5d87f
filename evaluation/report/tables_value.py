"""Tables of value for money: the money on record, its use, break-even differences, and the values with their sources."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.money import UnitValue
from evaluation.contracts.records import Outcome
from evaluation.report.counts import PLANNED
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable
from evaluation.report.words_value import (
    AMOUNT_BASIS,
    NOT_ESTABLISHED,
    write_amount,
    write_pounds,
    write_pounds_range,
)
from evaluation.results import BreakEven, ValueForMoney
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import write_people, write_range, write_size
from evaluation.synthesis.phrases import join_words, upper_first
from evaluation.synthesis.sentences import unit_words


def name_area(item: ValueForMoney) -> str:
    """The area in a table."""
    return "All areas together" if item.area == POOLED else item.area_name


def table_amounts(values: Sequence[ValueForMoney]) -> ReportTable | None:
    """Every amount on record, with what it covers; None where nothing is on record."""
    rows, seen = [], set()
    for item in values:
        for amount in item.spending.amounts:
            if item.area == POOLED and any(amount in other.spending.amounts for other in values if other.area != POOLED):
                continue
            seen.add(amount.pot)
            rows.append(
                (
                    name_area(item),
                    amount.period or NOT_ESTABLISHED,
                    write_amount(amount.amount_gbp) if amount.amount_gbp is not None else NOT_ESTABLISHED,
                    AMOUNT_BASIS[amount.basis],
                    upper_first(amount.covers),
                    amount.note or NOT_AVAILABLE,
                    amount.source or NOT_AVAILABLE,
                )
            )
    if not rows:
        return None
    return ReportTable(
        caption="Money on record, by area",
        header=("Area", "Period", "Amount", "How it is known", "Pays for", "Note", "Source"),
        rows=tuple(rows),
        numeric=frozenset({"Amount"}),
        notes=(
            "Money that several areas or programmes share stands on the row of each. Rows must not be added up; a total is given "
            "only where every part of it is established and pays for this programme alone.",
            "Amounts are what was announced or granted. What was spent is not established.",
        ),
    )


def table_costs(values: Sequence[ValueForMoney]) -> ReportTable:
    """One row an area: the cost of a year, the people to be supported, and the cost for each of them."""
    rows = []
    for item in values:
        yearly, each = item.spending.yearly_gbp, item.cost_per_supported
        why = item.spending.why_not or item.why_no_cost_per_supported
        rows.append(
            (
                name_area(item),
                write_amount(yearly) if yearly is not None else NOT_ESTABLISHED,
                f"{item.spending.period}, {AMOUNT_BASIS[item.spending.basis]}" if yearly is not None else NOT_APPLICABLE,
                write_people(item.supported) if item.supported is not None else NOT_ESTABLISHED,
                write_pounds(each) if each is not None else NOT_ESTABLISHED,
                upper_first(why) or "none",
            )
        )
    money, each_column = "Cost of a year", "Cost for each person to be supported"
    return ReportTable(
        caption="Cost of a year, and for each person to be supported",
        header=("Area", money, "Known from", PLANNED, each_column, "Why not established"),
        rows=tuple(rows),
        numeric=frozenset({money, PLANNED, each_column}),
        notes=(
            "These are planned people and planned money. How many people started, and what each start cost, is not established: "
            "no source states starts.",
        ),
    )


def table_break_even(values: Sequence[ValueForMoney], outcome: Outcome) -> ReportTable:
    """One row an area: verdict, interval, what could be seen and done, and the break-even difference at each value."""
    unit, worth = unit_words(outcome), [found for item in values for found in item.break_evens]
    ids = {found.id: found for found in sorted(worth, key=lambda found: found.value_gbp)}
    heads = {id: f"At {write_amount(found.value_gbp)}" for id, found in ids.items()}
    doubled = len(set(heads.values())) < len(heads)
    heads = {id: f"{head} ({ids[id].name})" for id, head in heads.items()} if doubled else heads
    bases = join_words([basis for basis in dict.fromkeys(found.basis for found in ids.values()) if basis != "published"])
    rows = []
    for item in values:
        mine = {found.id: found for found in item.break_evens}
        rows.append(
            (
                name_area(item),
                write_range(item.interval, unit) if item.interval else NOT_AVAILABLE,
                write_size(item.mde, unit) if item.mde is not None else NOT_AVAILABLE,
                write_size(item.cap, unit) if item.cap is not None else NOT_ESTABLISHED,
                *(_write_break_even(mine.get(id), outcome) for id in heads),
            )
        )
    at = f" at {bases} values" if bases else ""
    numeric = ("Smallest detectable", "Most the programme could do", *heads.values())
    return ReportTable(
        caption=f"{upper_first(outcome.name)}: break-even differences{at}, {outcome.unit_words}",
        header=("Area", "Interval", *numeric),
        rows=tuple(rows),
        numeric=frozenset(numeric),
        notes=(
            "A break-even difference is the smallest one, kept up for a year, at which benefits equal the cost of that year. "
            "It is rounded up, and lies in the direction the programme aims at.",
            *([f"The values of a person-year at the heads of the columns: {bases}."] if bases else []),
        ),
    )


def _write_break_even(found: BreakEven | None, outcome: Outcome) -> str:
    if found is None:
        return NOT_ESTABLISHED
    return write_size(found.effect, unit_words(outcome)) if found.effect is not None else NOT_AVAILABLE


def table_ratios(values: Sequence[ValueForMoney]) -> ReportTable | None:
    """Benefits for each pound where a difference was detected; None where no ratio is given."""
    rows = [
        (
            name_area(item),
            write_amount(ratio.value_gbp),
            f"{ratio.name} ({ratio.price_year} prices)",
            write_pounds_range(ratio.interval),
            write_pounds_range(item.cost_per_person_year) if item.cost_per_person_year else NOT_AVAILABLE,
        )
        for item in values
        for ratio in item.ratios
    ]
    if not rows:
        return None
    return ReportTable(
        caption="Benefits for each pound of cost, where a difference was detected",
        header=("Area", "Value of a person-year", "What the value is", "Benefits for each pound", "Cost of a person-year"),
        rows=tuple(rows),
        numeric=frozenset({"Value of a person-year"}),
        notes=("Both ends of the interval of the difference, rounded outward. The uncertainty of cost and value is not in it.",),
    )


def table_unit_values(items: Sequence[UnitValue], outcomes: dict[str, Outcome]) -> ReportTable | None:
    """The values of a person-year with price year and source; None where there are none."""
    if not items:
        return None
    rows = tuple(
        (
            outcomes[item.outcome].name,
            f"{write_amount(item.value_gbp)} {item.unit}",
            item.price_year,
            item.basis,
            ", ".join(filter(None, (item.name, item.source_title, item.source_publisher, item.source_date))),
        )
        for item in items
    )
    return ReportTable(
        caption="Values of a person-year",
        header=("Outcome", "Value", "Prices of", "Basis", "What it is, and its source"),
        rows=rows,
        notes=tuple(f"{upper_first(note)}." for note in dict.fromkeys(item.note.rstrip(".") for item in items if item.note)),
    )

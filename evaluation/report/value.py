"""The chapter *Value for money*: cost, cost for each person, break-even differences, and a ratio only where one may be given."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.records import Outcome
from evaluation.report.binder import join_blocks, list_items, name_part
from evaluation.report.drawing import MANY
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_value import figure_value
from evaluation.report.material import Material
from evaluation.report.tables_value import table_amounts, table_break_even, table_costs, table_ratios, table_unit_values
from evaluation.report.words_value import say_break_even, say_cost, say_ratio
from evaluation.results import ValueForMoney
from evaluation.synthesis.evidence import POOLED, place_words
from evaluation.synthesis.phrases import name_or_count, upper_first
from evaluation.synthesis.value import measure_value

UP = "../"
ILLUSTRATIVE = (
    "The values of a person-year are illustrative: round numbers that show how the sum goes, and no estimate of what a "
    "person-year is worth. No conclusion rests on them."
)
NO_COST = (
    "No amount is on record for this programme, so neither cost nor break-even can be given. Not on record does not mean nil."
)


def write_value_for_money(material: Material) -> str:
    """Cost first, then break-even outcome by outcome, then ratios or why there are none, then where the values come from."""
    plans = sorted(material.design.outcomes, key=lambda plan: not plan.primary)
    values = {plan.id: _measure(material, plan.id) for plan in plans}
    primary = next((values[plan.id] for plan in plans if plan.primary and values[plan.id]), [])
    if not primary:
        return "No conclusion was drawn in this run, so nothing can be said about value for money."
    if not any(item.spending.amounts for item in primary):
        return NO_COST
    blocks = _write_costs(material, primary)
    for plan in plans:
        outcome, mine = material.contracts.outcomes[plan.id], values[plan.id]
        if plan.primary or any(item.break_evens for item in mine):
            blocks += _write_break_even(material, mine, outcome, primary=plan.primary)
    blocks += _write_ratios(material, primary, material.primary)
    return join_blocks([*blocks, *_write_values(material, list(values))])


def _measure(material: Material, outcome: str) -> list[ValueForMoney]:
    return [measure_value(item, material.findings, material.design, material.contracts) for item in material.of(outcome=outcome)]


def _place(material: Material, item: ValueForMoney) -> str:
    return place_words(material.design, item.area, item.outcome)


def _write_costs(material: Material, values: Sequence[ValueForMoney]) -> list[str]:
    together = [item for item in values if item.area == POOLED]
    blocks = ["## What it costs {#sec-cost}"]
    blocks += [escape(say_cost(item, _place(material, item))) for item in together or values[:1]]
    known = [item for item in values if item.area != POOLED and item.spending.yearly_gbp is not None]
    unknown = [item.area_name for item in values if item.area != POOLED and item.spending.yearly_gbp is None]
    if unknown and known:
        blocks.append(escape(f"Not established for {name_or_count(unknown)}. Not established does not mean nil."))
    amounts, costs = table_amounts(values), table_costs(values)
    if len(values) > MANY:
        blocks.append(material.binder.place_download(costs, "costs", up=UP))
        return [*blocks, *([material.binder.place_download(amounts, "amounts", up=UP)] if amounts else [])]
    blocks.append(material.place_table(UP, costs, "costs"))
    if amounts is not None:
        below = material.binder.place_download(amounts, "amounts", up=UP)
        blocks.append(material.binder.place_folded(amounts, "Every amount on record, with its source", below=below))
    return blocks


def _write_break_even(material: Material, values: Sequence[ValueForMoney], outcome: Outcome, *, primary: bool) -> list[str]:
    slug, label = name_part(outcome.id), "" if primary else " (exploratory)"
    blocks = [f"## {escape(upper_first(outcome.name))}{label}: what would pay for itself {{#sec-break-even-{slug}}}"]
    shown = [item for item in values if item.area == POOLED] or list(values[:1])
    blocks += [escape(f"{upper_first(_place(material, item))}. {say_break_even(item, outcome)}") for item in shown]
    if any(found.basis == "illustrative" for item in values for found in item.break_evens):
        blocks.append(f"**Illustrative values.** {ILLUSTRATIVE}")
    drawn = [item for item in values if any(found.effect is not None for found in item.break_evens)]
    # All areas together have a scale of their own: their differences are small beside those of single areas.
    for mine in ([i for i in drawn if i.area == POOLED], [i for i in drawn if i.area != POOLED][:MANY]):
        if primary and mine:
            blocks.append(material.place_figure(UP, figure_value, mine, outcome))
    table = table_break_even(values, outcome)
    if primary and len(values) <= MANY + 1:
        return [*blocks, material.place_table(UP, table, f"break-even-{slug}")]
    below = material.binder.place_download(table, f"break-even-{slug}", up=UP)
    folded = len(values) <= MANY + 1
    return [*blocks, material.binder.place_folded(table, "Break-even differences, by area", below=below) if folded else below]


def _write_ratios(material: Material, values: Sequence[ValueForMoney], outcome: Outcome) -> list[str]:
    """The ratios there are, and once for each reason why the other areas have none."""
    blocks = ["## Benefits for each pound {#sec-ratio}"]
    blocks += [
        escape(say_ratio(item, _place(material, item))) for item in values if item.ratios or item.cost_per_person_year is not None
    ]
    table = table_ratios(values)
    if table is not None:
        blocks.append(material.place_table(UP, table, f"ratios-{name_part(outcome.id)}"))
    reasons: dict[str, list[str]] = {}
    for item in values:
        if item.why_no_ratio and item.cost_per_person_year is None:
            names = "all areas together" if item.area == POOLED else item.area_name
            reasons.setdefault(item.why_no_ratio, []).append(names)
    said = [f"{upper_first(name_or_count(names))}: {why}." for why, names in reasons.items()]
    if said:
        blocks += ["No ratio of benefits to cost is given for these, with the reason for each:", list_items(said)]
    return blocks


def _write_values(material: Material, outcomes: Sequence[str]) -> list[str]:
    chosen = [
        item
        for item in material.contracts.unit_values
        if item.outcome in outcomes and (item.basis != "SYNTHETIC" or material.synthetic)
    ]
    table = table_unit_values(chosen, dict(material.contracts.outcomes))
    blocks = ["## Where the values come from {#sec-unit-values}"]
    if table is None:
        return [*blocks, "The register of unit values holds none for these outcomes."]
    return [*blocks, material.place_table(UP, table, "unit-values")]

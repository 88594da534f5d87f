"""The estimates under every rule for comparison areas, and without treated areas or months that other programmes share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evaluation.contracts.records import Outcome
from evaluation.report.binder import name_part
from evaluation.report.drawing import Picture, figure_name
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_stress import figure_stress
from evaluation.report.material import Material
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable, write_signed
from evaluation.results import Stress, Variant, VariantKind
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import write_count, write_range
from evaluation.synthesis.phrases import end_sentence, upper_first
from evaluation.synthesis.sentences import unit_words

UP = "../"
DIGITS = 2
KINDS: tuple[VariantKind, ...] = ("comparison areas", "overlap")
RULES = (
    "The rules are the same for every study, and were fixed before any result. Strict: no area that has any other programme on "
    "record, and none next to a treated one. Then the protocol's own rule with one thing changed at a time: areas next to "
    "treated ones, and each other programme. Lenient: every untreated area. What the protocol leaves out by name stays out. A "
    "programme that nine in ten authorities or more have is on both sides and tells nothing apart: no rule looks at it. Last, "
    "the overlap is taken out of the treated areas themselves: their parts without other programmes, and the periods without."
)


def write_rules(material: Material) -> list[str]:
    """Chart and table of all areas together for the primary outcome; every area and the other outcomes folded."""
    blocks: list[str] = []
    for plan in material.design.outcomes:
        outcome, records = material.contracts.outcomes[plan.id], material.stress_of(plan.id)
        if not any(_varied(record) for record in records):
            continue
        slug, name = name_part(plan.id), upper_first(outcome.name)
        first = next((record for record in records if record.area == POOLED), records[0])
        if plan.primary:
            caption = f"{name}, {_place(first)}: the estimate under each rule"
            blocks += [
                escape(say_rules(first, outcome)),
                material.place_figure(UP, figure_rules, first, outcome),
                material.place_table(UP, table_rules([first], outcome, caption=caption, area=False), f"rules-{slug}"),
            ]
        caption = f"{name}{'' if plan.primary else ' (exploratory)'}: every area under each rule"
        table = table_rules(records, outcome, caption=caption)
        link = material.binder.place_download(table, f"rules-by-area-{slug}", up=UP)
        blocks.append(material.binder.place_folded(table, caption, below=link))
    if not blocks:
        return []
    link = "[the chapter on how sure we are](how-sure.qmd#sec-how-sure)"
    said = f"They stand beside all other choices in {link}."
    return ["## Estimates with and without such areas {#sec-other-areas}", f"{escape(RULES)} {said}", *blocks]


def _varied(record: Stress) -> list[Variant]:
    return [variant for variant in record.variants if variant.kind in KINDS]


def _place(record: Stress) -> str:
    return "all areas together" if record.area == POOLED else record.area_name


def figure_rules(stress: Stress, outcome: Outcome) -> Picture:
    """One interval a rule, with lines at zero and at the estimate as planned; as `figure_stress`."""
    kept = tuple(variant for variant in stress.variants if variant.kind in ("main", *KINDS))
    picture = figure_stress(replace(stress, variants=kept), outcome)
    return replace(
        picture,
        name=figure_name("rules", stress.outcome, stress.area),
        caption=f"{upper_first(outcome.name)}, {_place(stress)}: the interval under each rule for comparison areas",
    )


def table_rules(records: Sequence[Stress], outcome: Outcome, *, caption: str, area: bool = True) -> ReportTable:
    """One row a rule: number of comparison areas, estimate, interval, or why there is none; the protocol's own rule first.

    Parameters
    ----------
    records : sequence of Stress
        Of one outcome.
    outcome : Outcome
        The outcome in words.
    caption : str
        Title of the table.
    area : bool
        Whether the first column names the area.
    """
    unit, rows = unit_words(outcome), []
    for record in records:
        for variant in [*(v for v in record.variants if v.kind == "main"), *_varied(record)]:
            rows.append(
                (
                    *((upper_first(_place(record)),) if area else ()),
                    "As set in the protocol" if variant.kind == "main" else upper_first(variant.title),
                    NOT_APPLICABLE if variant.n_donors is None else f"{variant.n_donors}",
                    NOT_AVAILABLE if variant.att is None else write_signed(variant.att, DIGITS),
                    write_range(variant.interval, unit) if variant.interval else NOT_AVAILABLE,
                    upper_first(variant.why_not) or NOT_APPLICABLE,
                )
            )
    header = ("Rule", "Comparison areas", "Estimate", f"Interval, {outcome.unit_words}", "Why there is none")
    return ReportTable(
        caption=caption,
        header=("Area", *header) if area else header,
        rows=tuple(rows),
        numeric=frozenset({"Comparison areas", "Estimate"}),
    )


def say_rules(stress: Stress, outcome: Outcome) -> str:
    """How far each other rule moves the estimate of one area, beside its interval, and how many intervals exclude zero."""
    place = f"For {_place(stress)}"
    main = next((v for v in stress.variants if v.kind == "main"), None)
    others = [v for v in stress.variants if v.kind == "comparison areas" and v.att is not None]
    if main is None or main.att is None or main.interval is None or not others:
        return f"{place} the estimate could not be made again with other comparison areas."
    moved = {v.title: abs((v.att or 0.0) - main.att) for v in others}
    half = (main.interval.high - main.interval.low) / 2
    furthest = max(moved, key=lambda title: moved[title])
    how = furthest if furthest.startswith(("with", "without")) else f"with {furthest}"
    judged = [v.interval for v in (main, *others) if v.interval is not None]
    clear = sum(1 for interval in judged if interval.low > 0 or interval.high < 0)
    text = f"{place} the estimate moves most {how}: by {moved[furthest]:.2f} {outcome.unit_words}. "
    text += (
        "That is more than half the width of the interval, so the answer hangs on which areas are compared."
        if moved[furthest] > half
        else f"That is less than half the width of the interval, {half:.2f}."
    )
    count = upper_first(write_count(clear)) if clear else "None"
    return f"{text} {count} of the {write_count(len(judged))} intervals {'excludes' if clear == 1 else 'exclude'} zero."


def list_not_estimated(material: Material) -> list[str]:
    """What could not be estimated under a rule, for all areas together, with the reason."""
    return [
        f"**{escape(upper_first(v.title))}.** {escape(end_sentence(upper_first(v.why_not)))}"
        for stress in material.stress_of(material.primary.id)
        if stress.area == POOLED
        for v in _varied(stress)
        if v.interval is None and v.why_not and not v.why_not.startswith("makes no difference")
    ]

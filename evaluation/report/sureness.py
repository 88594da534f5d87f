"""The chapter *How sure are we?*: what the estimates hang on, and how often the tests err."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.records import Outcome
from evaluation.report.binder import join_blocks, name_part
from evaluation.report.content import name_place, title_of
from evaluation.report.editions import keep_to_web
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_stress import figure_stress
from evaluation.report.material import Material
from evaluation.report.sizes import table_sizes
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable, write_signed
from evaluation.report.tables_stress import table_variants
from evaluation.report.words import name_result
from evaluation.results import Check, Finding, Stress, Variant, VariantKind
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import UnitWords, write_count, write_range
from evaluation.synthesis.phrases import upper_first
from evaluation.synthesis.sentences import unit_words

UP = "../"
CHECKS = {
    "leave_one_donor_out": (
        "Leaving out one comparison area",
        "Each estimate is made again without each comparison area in turn. The value is how far it moves.",
    ),
    "placebo_in_time": (
        "A start that never was",
        "Each estimate is made again from the periods before the start alone, with a start put in their midst. There should be "
        "nothing to see.",
    ),
    "breakdown": (
        "How large a drift would overturn it",
        "The value says how many times as far apart as before the start the areas would have to drift, for the result to be "
        "nothing but drift.",
    ),
}
"""Checks that have a part of their own: name, title, and what they do."""
CHECK_DIGITS = 2


def write_sureness(material: Material) -> str:
    """Specifications, checks one by one, other starts, and the measured size of the tests."""
    blocks: list[str] = []
    for plan in material.design.outcomes:
        blocks += _write_variants(material, material.contracts.outcomes[plan.id], primary=plan.primary)
    blocks += _write_checks(material)
    blocks += _write_sizes(material)
    return join_blocks(blocks or ["Nothing was varied in this run."])


def _write_variants(material: Material, outcome: Outcome, *, primary: bool) -> list[str]:
    """The specification chart and table of all areas together, then every area in one row, then other starts."""
    records, slug = material.stress_of(outcome.id), name_part(outcome.id)
    if not records:
        return []
    name = f"{upper_first(outcome.name)}{'' if primary else ' (exploratory)'}"
    blocks = [f"## {escape(name)}: other choices {{#sec-choices-{slug}}}"]

    def place(table: ReportTable, label: str, title: str) -> str:
        # What is exploratory is looked up rather than read: its long tables are folded, with their download.
        if primary:
            return material.place_table(UP, table, label)
        return material.binder.place_folded(table, title, below=material.binder.place_download(table, label, up=UP))

    shown = [r for r in records if r.area == POOLED] or records[:1]
    for stress in shown:
        caption = f"{upper_first(outcome.name)}, {place_of(stress)}: every choice"
        picture = material.place_figure(UP, figure_stress, stress, outcome)
        blocks += [
            escape(say_variants(stress, outcome)),
            picture if primary else keep_to_web(picture),
            place(table_variants(stress, outcome, caption=caption), f"variants-{slug}", "Every choice"),
        ]
    if len(records) > 1:
        caption = f"{upper_first(outcome.name)}: estimates over all choices, areas in alphabetical order"
        blocks.append(place(table_spread(records, outcome, caption=caption), f"spread-{slug}", "Estimates over all choices"))
    starts = table_starts(records, outcome, caption=f"{upper_first(outcome.name)}: intervals with another start")
    if starts is not None:
        blocks.append(place(starts, f"other-starts-{slug}", "Intervals with another start"))
    return blocks


def place_of(stress: Stress) -> str:
    """The area in a caption."""
    return "all areas together" if stress.area == POOLED else stress.area_name


def say_variants(stress: Stress, outcome: Outcome) -> str:
    """How many choices give an estimate, how far the estimates reach, and how usual that is where nothing happened."""
    made = [v for v in stress.variants if v.att is not None]
    if not made:
        return f"No choice gives an estimate for {place_of(stress)}."
    clear = sum(1 for v in made if _excludes_zero(v))
    said = [
        f"{upper_first(place_of(stress))}: {write_count(len(made))} of {write_count(len(stress.variants))} choices give an "
        f"estimate. {upper_first(write_count(clear)) if clear else 'None'} of the intervals "
        f"{'excludes' if clear == 1 else 'exclude'} zero."
    ]
    if stress.joint_p is not None:
        said.append(
            f"Taken together, the choices point away from zero at least as strongly in {100 * stress.joint_p:.0f} per cent of "
            "placebo comparisons, where nothing happened."
        )
    return " ".join(said)


def _excludes_zero(variant: Variant) -> bool:
    return variant.interval is not None and (variant.interval.low > 0 or variant.interval.high < 0)


def table_spread(records: Sequence[Stress], outcome: Outcome, *, caption: str) -> ReportTable:
    """One row an area: the main interval, the lowest and the highest estimate over all choices, how many exclude zero."""
    unit, rows = unit_words(outcome), []
    for stress in records:
        made = [v.att for v in stress.variants if v.att is not None]
        main = next((v.interval for v in stress.variants if v.kind == "main"), None)
        clear = sum(1 for v in stress.variants if _excludes_zero(v))
        rows.append(
            (
                "All areas together" if stress.area == POOLED else stress.area_name,
                write_range(main, unit) if main else NOT_AVAILABLE,
                f"{write_signed(min(made), CHECK_DIGITS)} to {write_signed(max(made), CHECK_DIGITS)}" if made else NOT_AVAILABLE,
                f"{clear} of {len(made)}",
            )
        )
    return ReportTable(
        caption=caption,
        header=("Area", f"Main interval, {outcome.unit_words}", "Estimates, lowest to highest", "Intervals that exclude zero"),
        rows=tuple(rows),
    )


def table_starts(records: Sequence[Stress], outcome: Outcome, *, caption: str) -> ReportTable | None:
    """Intervals with every start moved, beside the main one; None where no start was moved."""
    return table_other_choices(records, outcome, kind="start date", caption=caption)


def table_other_choices(records: Sequence[Stress], outcome: Outcome, *, kind: VariantKind, caption: str) -> ReportTable | None:
    """Intervals under every choice of one kind, beside the main one, an area a row; None where no such choice was made."""
    titles = dict.fromkeys(v.title for r in records for v in r.variants if v.kind == kind)
    if not titles:
        return None
    unit, rows = unit_words(outcome), []
    for stress in records:
        by_title = {v.title: v for v in stress.variants if v.kind == kind}
        main = next((v for v in stress.variants if v.kind == "main"), None)
        cells = [_interval(v, unit) for v in (main, *(by_title.get(title) for title in titles))]
        rows.append(("All areas together" if stress.area == POOLED else stress.area_name, *cells))
    return ReportTable(
        caption=caption,
        header=("Area", "As set in the protocol", *(upper_first(title) for title in titles)),
        rows=tuple(rows),
        notes=(f"In {outcome.unit_words}.",),
    )


def _interval(variant: Variant | None, unit: UnitWords) -> str:
    if variant is None:
        return NOT_APPLICABLE
    return write_range(variant.interval, unit) if variant.interval else NOT_AVAILABLE


def _write_checks(material: Material) -> list[str]:
    """The checks of `CHECKS` for the primary outcome, one table each: an area a row, a method a column."""
    outcome, blocks = material.primary, []
    mine = material.findings_of(outcome.id)
    for name, (title, plain) in CHECKS.items():
        table = table_check(mine, material, name, caption=f"{upper_first(outcome.name)}: {title[0].lower()}{title[1:]}")
        if table is not None:
            slug = name.replace("_", "-")
            blocks += [f"## {title} {{#sec-{slug}}}", plain, material.place_table(UP, table, slug)]
    return blocks


def table_check(findings: Sequence[Finding], material: Material, name: str, *, caption: str) -> ReportTable | None:
    """What came of one check, an area a row and a method a column; None where no finding has it."""
    found = {(f.area, f.estimator): c for f in findings for c in f.checks if c.name == name}
    methods = [m for m in dict.fromkeys(f.estimator for f in findings) if any(key[1] == m for key in found)]
    if not methods:
        return None
    areas = dict.fromkeys((f.area, name_place(f)) for f in findings if any(key[0] == f.area for key in found))
    rows = tuple((place, *(_write_check(found.get((area, m))) for m in methods)) for area, place in areas)
    thresholds = sorted({c.threshold for c in found.values() if c.threshold is not None})
    notes = ("In each cell: what came of it, and the value.",)
    if len(thresholds) == 1:
        notes = (f"{notes[0]} The threshold is {thresholds[0]:g}.",)
    return ReportTable(caption=caption, header=("Area", *(title_of(m, material.cards) for m in methods)), rows=rows, notes=notes)


def _write_check(check: Check | None) -> str:
    if check is None:
        return NOT_APPLICABLE
    value = "" if check.value is None else f" ({write_signed(check.value, CHECK_DIGITS)})"
    return f"{name_result(check)}{value}"


def _write_sizes(material: Material) -> list[str]:
    """The measured size of every test, an outcome a table."""
    blocks = []
    for plan in material.design.outcomes:
        name = upper_first(material.contracts.outcomes[plan.id].name)
        table = table_sizes(material.findings_of(plan.id), material.cards, caption=f"{name}: how often each test errs")
        if table is not None:
            slug = f"sizes-{name_part(plan.id)}"
            if plan.primary:
                blocks.append(material.place_table(UP, table, slug))
            else:
                below = material.binder.place_download(table, slug, up=UP)
                blocks.append(material.binder.place_folded(table, f"{name}: how often each test errs", below=below))
    if not material.findings:
        return []
    wanted = "A test at the 5% level should find something in one of twenty comparisons where nothing happened."
    if blocks:
        said = f"{wanted} Whether it does is measured in this run, on its own panel, with places that never had the programme."
    else:
        said = f"{wanted} Whether it does was not measured in this run."
    return ["## How often the tests err {#sec-size}", said, *blocks]

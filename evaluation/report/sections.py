"""The findings: a section for each area and outcome, on the page of all areas together or on the area's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evaluation.contracts.records import Outcome
from evaluation.design.reach import find_plausible
from evaluation.panel.period_words import write_month, write_period
from evaluation.report import content, figures, pooling, words
from evaluation.report.answers import table_answer, table_planted
from evaluation.report.binder import join_blocks, list_items, name_part
from evaluation.report.editions import keep_to_web, say_in_print
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_event_study import figure_event_study
from evaluation.report.front import area_id
from evaluation.report.intervals import figure_intervals
from evaluation.report.material import Material
from evaluation.report.next_door import write_short
from evaluation.report.profile_page import write_profile_overview, write_profile_section
from evaluation.results import Conclusion, Finding
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.phrases import end_sentence, join_words, upper_first

DONOR_NOTEBOOK = "30_estimate_synthetic_control.ipynb"
"""Executed notebook whose ``donor-table`` the report shows."""
MOST_PARTS = 10
"""Comparisons inside a single number that the page shows; the download has all."""
IN_PRINT = (
    "The web edition has more of this area: the reasons one by one, the event study, the areas that carry the weight, the "
    "checks, figures of the exploratory outcomes, and a profile. Its neighbours are in the chapter on spillovers."
)
"""What the PDF says at the top of an area's page."""
UP = "../"


def write_findings(material: Material) -> str:
    """All areas together, then the areas side by side."""
    outcomes, blocks = material.contracts.outcomes, []
    together = material.of(area=POOLED)
    if not together:
        blocks.append("This study gives no estimate for all areas together: each area stands for itself.")
    for item in together:
        blocks += write_section(material, item)
    blocks += write_profile_overview(material)
    for plan in material.design.outcomes:
        areas, outcome = material.areas_of(plan.id), outcomes[plan.id]
        if not areas:
            continue
        name = f"{upper_first(outcome.name)}{'' if plan.primary else ' (exploratory)'}"
        table = table_answer(areas, outcomes, caption=f"{name}, areas in alphabetical order", by="area")
        blocks += [
            f"## {escape(name)}, by area {{#sec-by-area-{name_part(plan.id)}}}",
            material.place_table(UP, table, f"by-area-{name_part(plan.id)}"),
            f"{escape(upper_first(words.write_tally(areas)))}.",
        ]
        shown_here = []
        # Without an estimate for all areas together, the first page shows those of the primary outcome.
        if (together or not plan.primary) and any(c.interval or c.mde for c in areas):
            shown, plausible = material.of(outcome=plan.id), find_plausible(material.design, outcome)
            shown_here.append(material.place_figure(UP, figure_intervals, shown, outcome, plausible=plausible))
        shown_here += pooling.write_pool(material, outcome)
        blocks += shown_here if plan.primary else [keep_to_web(*shown_here)]
    if material.planted is not None:
        planted = table_planted(material.planted, material.conclusions, material.design, outcomes)
        if planted is not None:
            # Both editions show the primary outcome; the others are long and stand folded in the web edition.
            name = upper_first(material.primary.name)
            primary = tuple(row for row in planted.rows if row[1] == name) or planted.rows
            short = replace(planted, caption=f"{planted.caption}, {material.primary.name}", rows=primary)
            below = material.binder.place_download(planted, "planted", up=UP)
            blocks += [
                "## What was planted beside what was found {#sec-planted}",
                material.place_table(UP, short, "planted-primary", download=False),
                material.binder.place_folded(planted, "What was planted and found, every outcome", below=below),
            ]
    return join_blocks(blocks)


def write_area(material: Material, code: str) -> str:
    """The page of one area: every outcome, its verdict in the heading."""
    unit = material.design.unit_of(code)
    members = [material.name_area(member) for member in unit.members]
    blocks = [f"# {escape(unit.name)} {{#{area_id(code)}}}", "{{< include ../_generated/banner.qmd >}}"]
    if members != [unit.name]:
        blocks.append(f"Local authorities: {escape(join_words(sorted(members, key=str.casefold)))}.")
    start = f"The programme is taken to start in {write_month(unit.start)} ({unit.start_basis})."
    blocks.append(escape(f"{start} {end_sentence(unit.start_note)}".strip()))
    if unit.supported is not None:
        reach = f"People the programme said it would support in its first year: {unit.supported:,}."
        blocks.append(escape(f"{reach} {end_sentence(unit.supported_source)}".strip()))
    else:
        blocks.append("How many people the programme said it would support here is not established.")
    blocks.append(say_in_print(IN_PRINT))
    for item in material.of(area=code):
        blocks += write_section(material, item)
    return join_blocks([*blocks, *write_short(material, code), *write_profile_section(material, code)])


def write_section(material: Material, item: Conclusion) -> list[str]:
    """Heading with the verdict, sentence, what decided, methods side by side, figures, donors, checks that failed."""
    outcome = material.contracts.outcomes[item.outcome]
    name = f"{name_part(item.outcome)}-{item.area}"
    blocks = [
        f"## {escape(words.write_heading(item, outcome))} {{#sec-{name}}}",
        escape(item.sentence),
    ]
    why, reasons = f"**What decided.** {escape(item.because)}", list_items(item.reasons)
    # Where there is no estimate the sentence gives the reason itself; the PDF has the reasons one by one for all areas together.
    if item.primary and item.verdict != "not estimated":
        blocks += [why, reasons if item.area == POOLED else keep_to_web(reasons)]
    else:
        blocks.append(keep_to_web(why, reasons))
    if item.trail and item.primary:
        blocks.append(_fold_rules(item))
    methods = material.methods_of(item.outcome, item.area)
    if not methods:
        return blocks
    where = f"{upper_first(outcome.name)}, {words.place_of(methods[0])}"
    pictures = _place_figures(material, item, methods, outcome)
    blocks += pictures if item.primary else [keep_to_web(*pictures)]
    if item.verdict not in ("comparison not credible", "not estimated"):
        table = content.table_methods(methods, outcome, material.cards, caption=f"{where}: methods side by side")
        blocks.append(
            material.place_table(UP, table, f"methods-{name}", download=False)
            if item.primary or item.area == POOLED
            else material.binder.place_folded(table, "Methods side by side")
        )
    blocks += _explain_single_number(material, methods, outcome, where=where, name=name)
    if item.verdict != "not estimated":
        blocks += _place_donors(material, item, methods, caption=f"{where}: comparison areas that carry the weight", name=name)
        blocks += _place_checks(material, item, methods, caption=f"{where}: checks that failed")
    return blocks


def _fold_rules(item: Conclusion) -> str:
    """Every rule in its order with what it said, folded, in the web edition."""
    box = ['::: {.callout-note collapse="true" title="Every rule, in its order"}', list_items(item.trail), ":::"]
    return join_blocks([':::: {.content-visible when-format="html"}', *box, "::::"])


def _explain_single_number(
    material: Material, methods: Sequence[Finding], outcome: Outcome, *, where: str, name: str
) -> list[str]:
    """What a single number over several starts averages, beside the method that keeps the starts apart."""
    single = next((f for f in methods if f.estimate.decomposition), None)
    if single is None:
        return []
    parts = single.estimate.decomposition
    heaviest = max(parts, key=lambda part: part.weight)
    already = sum(part.weight for part in parts if part.kind.startswith("later") or "always" in part.kind)
    method = content.title_of(single.estimator, material.cards)
    caption = f"{where}: the comparisons inside {method.lower()}"
    table = content.table_decomposition(single, outcome, caption=caption, most=MOST_PARTS)
    full = content.table_decomposition(single, outcome, caption=caption)
    return [
        f"### What the single number averages {{#sec-single-{name}}}",
        escape(
            f"{method} gives one number for areas with different starts: the weighted mean of the comparisons below. "
            f"{100 * heaviest.weight:.0f} per cent of the weight lies on one of them, areas treated from "
            f"{write_period(heaviest.treated_from, outcome.window_months)}. Comparisons with areas treated earlier have "
            f"{100 * already:.0f} per cent. Every comparison is with the mean of all periods before the start, and every period "
            "after it counts the same, so a difference that builds up, or areas that were moving apart long before, can hide in "
            "it. The event study shows the periods one by one."
        ),
        material.place_table(UP, table, f"decomposition-{name}", download=False),
        material.binder.place_download(full, f"decomposition-{name}", up=UP),
    ]


def _place_figures(material: Material, item: Conclusion, methods: Sequence[Finding], outcome: Outcome) -> list[str]:
    """The series beside what is estimated, with the placebo areas; for the primary outcome the event study.

    Those of all areas together stand in the chapter on the comparison, which is linked; here is their difference beside the
    placebo areas, where there are any.
    """
    design = material.design
    headline = next((f for f in methods if f.estimator in design.did_estimators[:1]), methods[0])
    shown = next((f for f in methods if f.estimator in design.synthetic_control_estimators), headline)
    if item.area == POOLED:
        link = f"fair.qmd#sec-fair-{name_part(item.outcome)}"
        where = f"The event study, the series beside what is estimated, and the checks stand [beside the comparison]({link})."
        beside = next((f for f in methods if any(i.decides and i.placebo_gaps for i in f.inferences)), None)
        return [where, *([material.place_figure(UP, figures.figure_gap, beside, outcome)] if beside else [])]
    if item.verdict == "not estimated":
        return [material.place_figure(UP, figures.figure_series, shown, outcome)]
    shown_figures = [material.place_figure(UP, figures.figure_comparison, shown, outcome)]
    # The headline method may have a single coefficient; the one with a path by event time is then the one to look at.
    with_path = next((f for f in methods if f.estimator in design.did_estimators and len(f.estimate.path) > 2), None)
    if with_path is not None and item.primary:
        shown_figures.append(keep_to_web(material.place_figure(UP, figure_event_study, with_path, outcome)))
    return shown_figures


def _place_donors(material: Material, item: Conclusion, methods: Sequence[Finding], *, caption: str, name: str) -> list[str]:
    """Donor weights: of the primary outcome from the executed notebook where it is there; of others for the web edition."""
    weighted = next((f for f in methods if f.estimate.weights), None)
    if weighted is None or item.area == POOLED:
        return []
    table = content.table_donors(weighted, caption=caption)
    if not item.primary:
        return [material.binder.place_folded(table, "Comparison areas that carry the weight")]
    embedded = material.embed(item.outcome, item.area, DONOR_NOTEBOOK, "donor-table")
    if embedded:
        material.binder.keep(table)
        return [keep_to_web(f"::: {{#tbl-donors-{name}}}\n{embedded}\n\n{escape(caption)}\n:::")]
    return [keep_to_web(material.place_table(UP, table, f"donors-{name}", download=False))]


def _place_checks(material: Material, item: Conclusion, methods: Sequence[Finding], *, caption: str) -> list[str]:
    """How many checks passed, and in the web edition what those found that did not; a heading of the page names the verdict."""
    said = words.write_checks(methods)
    if not said:
        return []
    link = f"[The annex](../annex/checks.qmd#sec-checks-{name_part(item.outcome)}) has all of them."
    table = content.table_failed_checks(methods, material.cards, caption=caption)
    folded = material.binder.place_folded(table, "Checks that failed") if table else ""
    return [keep_to_web(f"**Checks.** {escape(said)} {link}", folded)]

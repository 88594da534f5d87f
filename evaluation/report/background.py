"""The chapters before the findings: the programme, the data, the methods."""

from __future__ import annotations

from evaluation.contracts.records import Contracts
from evaluation.panel.build import PINNED
from evaluation.panel.period_words import write_month
from evaluation.report import inventory
from evaluation.report.balance import table_noise
from evaluation.report.binder import join_blocks, list_items
from evaluation.report.content import table_inputs
from evaluation.report.drawing import figure_name
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_levels import figure_levels
from evaluation.report.levels import find_levels
from evaluation.report.material import Material
from evaluation.report.places import figure_tiles, figure_timeline
from evaluation.results import Design
from evaluation.synthesis.evidence import POOLED, units_in_window
from evaluation.synthesis.phrases import end_sentence, upper_first

ANSWERS = {"yes": "**Yes.**", "partly": "**In part.**", "no": "**No.**"}

MANY = 40
"""Treated areas above which the tables of areas are a download instead of a table in the page."""


def write_programme(material: Material) -> str:
    """What the programme is, where and when it started, what it reaches, and what it is compared with."""
    design, contracts = material.design, material.contracts
    programme = contracts.programmes.get(design.programme)
    blocks = []
    if programme is not None:
        blocks.append(f"**{escape(programme.name)}.** For {escape(end_sentence(programme.target_group))}")
        source = f"Source: {programme.source}" if programme.source else ""
        blocks.append(" ".join(escape(end_sentence(text)) for text in (programme.note, source) if text))
    blocks += _question_blocks(design, contracts)
    starts, notes = inventory.table_starts(design, contracts), inventory.table_start_notes(design)
    timeline = material.place_figure("../", figure_timeline, design, synthetic=material.synthetic)
    blocks.append("## Where and when {#sec-where}")
    if len(design.treated) > MANY:
        blocks += [
            f"{len(design.treated)} areas have the programme on record; {len(units_in_window(design, material.primary.id))} "
            "of them start within the window of the primary outcome. The others serve as comparison until they start.",
            material.binder.place_download(starts, "starts", up="../"),
            material.binder.place_download(notes, "start-notes", up="../"),
            timeline,
        ]
    else:
        blocks += [material.place_table("../", starts, "starts"), timeline, material.place_table("../", notes, "start-notes")]
        funding = inventory.table_funding(design, contracts)
        if funding is not None:
            blocks += ["## Funding {#sec-funding}", material.place_table("../", funding, "funding")]
    return join_blocks([*blocks, *_comparison_blocks(material)])


def _question_blocks(design: Design, contracts: Contracts) -> list[str]:
    """Which questions this design can and cannot answer, as the protocol says, and whom it may compare with."""
    blocks = []
    if design.questions:
        blocks.append("## What this study can and cannot answer {#sec-questions}")
        blocks.append("Decided beforehand, in the protocol, whatever the results.")
        said = [(item.question, ANSWERS[item.answer], end_sentence(item.why)) for item in design.questions]
        blocks.append("\n".join(f"- **{escape(question)}** {answer} {escape(why)}" for question, answer, why in said))
    words = _scope_words(design, contracts)
    return [*blocks, escape(words)] if words else blocks


def _scope_words(design: Design, contracts: Contracts) -> str:
    """What `comparison` and `dose` of the protocol mean here, in a sentence each; empty for the usual case."""
    nations = " and ".join(design.donors.nations)
    if design.comparison == "none":
        count = sum(area.nation in design.donors.nations for area in contracts.areas.values())
        return (
            f"No comparison exists in {nations}: the register has the programme for all {count} authorities, which was checked "
            f"when the protocol was read. {end_sentence(design.no_comparison_reason)}"
        )
    words = []
    if design.comparison == "not_yet_treated":
        words.append(
            "The programme reaches nearly everyone in the end, so treated places are compared only with areas that, as far as is "
            f"on record, had not begun by the end of the window. From {write_month(design.expected_everywhere)} on it may run "
            "everywhere; every window ends before."
        )
    if design.dose == "area_share":
        parts = sum(share < 1 for unit in design.treated for share in unit.shares)
        words.append(
            f"The programme's boundaries cut through {parts} of its authorities. These count by the share of their small areas "
            "inside, and the difference is scaled up to full reach."
        )
    return " ".join(words)


def _comparison_blocks(material: Material) -> list[str]:
    outcome = material.primary.id
    codes = [POOLED, *material.design.estimate_areas]
    finding = next((f for code in codes for f in material.methods_of(outcome, code)), None)
    blocks = ["## Areas for comparison {#sec-comparison}"]
    if material.design.comparison == "none":
        return [*blocks, "There are none, for the reason given in [the questions](#sec-questions)."]
    if finding is None:
        return [*blocks, "No comparison could be made in this run; [the limits](limits.qmd#sec-limits) say why."]
    whose = "all treated areas together" if finding.area == POOLED else finding.area_name
    figure = material.place_figure(
        "../",
        figure_tiles,
        list(material.contracts.areas.values()),
        inventory.find_statuses(material.contracts, material.design, material.panel, finding),
        name=figure_name("map", outcome, finding.area),
        caption="Local authorities with the programme, used for comparison, and left out",
        synthetic=material.synthetic,
    )
    said = (
        f"The map shows the comparison for {whose}, {material.primary.name}: {finding.n_donors:,} areas without the programme "
        "serve as comparison."
    )
    excluded = inventory.table_exclusions(finding)
    return [*blocks, escape(said), figure, *([material.place_table("../", excluded, "left-out")] if excluded else [])]


def write_data(material: Material) -> str:
    """Outcomes and files."""
    outcomes = inventory.table_outcomes(material.design, material.contracts.outcomes)
    blocks = [material.place_table("../", outcomes, "outcomes")]
    for plan in material.design.outcomes:
        outcome = material.contracts.outcomes[plan.id]
        if outcome.note:
            blocks.append(f"**{escape(upper_first(outcome.name))}.** {escape(end_sentence(outcome.note))}")
    blocks += [*_raw_series(material), "## Sources {#sec-sources}"]
    if material.panel.inputs:
        blocks.append(material.place_table("../", table_inputs(material.panel.inputs, material.contracts), "inputs"))
    blocks += [f"The data are {escape(end_sentence(note))}" for note in material.panel.notes if note.startswith(PINNED)]
    for name in sorted({item.source for item in material.panel.inputs}):
        source = material.contracts.sources.get(name)
        if source is not None:
            parts = (
                source.description,
                source.limitations,
                f"Revisions: {source.revision_policy}",
                f"Licence: {source.licence}",
                source.attribution,
            )
            said = " ".join(escape(end_sentence(part)) for part in parts if part)
            blocks.append(f"**{escape(source.title)}** ({escape(source.publisher)}). {said}")
    return join_blocks(blocks)


def _raw_series(material: Material) -> list[str]:
    """The series as published, a picture an outcome, then the outcomes by noise."""
    design, outcomes = material.design, material.contracts.outcomes
    found = {plan.id: find_levels(material.panel, design, material.contracts, outcome=plan.id) for plan in design.outcomes}
    levels = {id: item for id, item in found.items() if item is not None}
    if not levels:
        return []
    blocks = [
        "## The figures as published {#sec-raw}",
        "No method has touched these lines. They show how high each rate is, how it moves, and how much of that is sampling.",
    ]
    for id, item in levels.items():
        start = min(unit.start for unit in units_in_window(design, id))
        blocks.append(material.place_figure("../", figure_levels, item, outcomes[id], nations=design.donors.nations, start=start))
    read = {item.source for item in material.panel.inputs}
    titles = {
        id: material.contracts.sources[rule.source].title
        for id in levels
        for rule in outcomes[id].series[::-1]
        if rule.source in read and rule.source in material.contracts.sources
    }
    noise = table_noise(levels, outcomes, titles)
    return [*blocks, *([material.place_table("../", noise, "noise")] if noise else [])]


def write_methods(material: Material) -> str:
    """A box a method, from its card."""
    blocks = []
    for card in material.cards.values():
        parts = [
            f"## {escape(card.title)}",
            escape(card.plain),
            f"**What it estimates.** {escape(card.estimand)}",
            "**What it assumes.**",
            list_items(card.assumptions),
            "**Where it falls short.**",
            list_items(card.limits),
            f"**Missing figures.** {escape(card.missing_cells)}",
            f"**Source.** {escape(card.source)} Compared with: {escape(card.compared_with)}",
        ]
        blocks.append(f'::: {{.callout-note collapse="true"}}\n{join_blocks(parts)}:::')
    return join_blocks(blocks)

"""The parts of the report that a run decides: one function a part, from records to Markdown.

Fixed text stands in ``reports/``; what is here is included there. Every name that comes from data passes `escape_markdown`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import pandas as pd

from evaluation.contracts.records import Contracts, Outcome
from evaluation.report import content, figures, words
from evaluation.report.binder import Binder, join_blocks, safe_name
from evaluation.report.drawing import figure_name
from evaluation.report.embedded.escape import escape_markdown
from evaluation.report.tables import to_csv
from evaluation.results import Card, Conclusion, Design, Finding, Panel
from evaluation.synthesis.numbers import write_count, write_level, write_magnitude, write_month
from evaluation.synthesis.sentences import join_words, unit_words
from evaluation.synthesis.verdict import units_in_window

POOLED = content.POOLED
SYNTHETIC_NOTE = "SYNTHETIC DATA: every number in this report is invented and describes no real place or programme."
MANY = 40
"""Treated areas above which the tables of areas are a download instead of a table in the page."""
NOTEBOOKS = {"difference-in-differences": "20_estimate_did.ipynb", "synthetic control": "30_estimate_synthetic_control.ipynb"}
"""Family of methods to the notebook that runs it; a labelled ``check-table`` in it holds the checks of the whole family."""
LICENCE = "Open Government Licence v3.0, except where otherwise stated"

_PATH = re.compile(r"(?:[A-Za-z]:)?(?:[/\\][^\s/\\'\":]+){2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a publication must say about itself."""

    date: date
    release: Literal["provisional", "final"]
    contact: str = ""
    licence: str = LICENCE
    deviations: tuple[str, ...] = ()
    """Departures from the protocol, one sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Everything the report is made of."""

    design: Design
    contracts: Contracts
    panel: Panel
    findings: tuple[Finding, ...]
    conclusions: tuple[Conclusion, ...]
    cards: Mapping[str, Card]
    failures: tuple[tuple[str, str], ...]
    edition: Edition
    notebooks: Path | None = None
    """Folder of the executed notebooks, ``<outcome>/<area>/NN_name.ipynb``."""
    notebooks_from_pages: str = ""
    """The same folder as pages one folder down write it, such as ``../../notebooks``."""
    planted: pd.DataFrame | None = None
    binder: Binder = field(default_factory=Binder)

    @property
    def synthetic(self) -> bool:
        """Whether anything in the report rests on synthetic data."""
        return self.panel.synthetic or any(f.synthetic for f in self.findings) or any(c.synthetic for c in self.conclusions)

    @property
    def primary(self) -> Outcome:
        """The primary outcome."""
        plans = self.design.outcomes
        return self.contracts.outcomes[next((p.id for p in plans if p.primary), plans[0].id)]

    def of(self, *, outcome: str = "", area: str = "") -> list[Conclusion]:
        """Conclusions of one outcome or area, pooled first, then by name."""
        chosen = [c for c in self.conclusions if outcome in ("", c.outcome) and area in ("", c.area)]
        return content.order_conclusions(chosen, self.design)

    def areas_of(self, outcome: str) -> list[Conclusion]:
        """Conclusions of one outcome for the areas, without the pooled one, by name."""
        return [c for c in self.of(outcome=outcome) if c.area != POOLED]

    def methods_of(self, outcome: str, area: str) -> list[Finding]:
        """Findings of one outcome and area in the design's order of methods."""
        order = (*self.design.did_estimators, *self.design.synthetic_control_estimators)
        mine = [f for f in self.findings if f.outcome == outcome and f.area == area]
        return sorted(mine, key=lambda f: (order.index(f.estimator) if f.estimator in order else len(order), f.estimator))


def escape(text: str) -> str:
    """Text from data or from a record, as Markdown that prints it."""
    return escape_markdown(text)


# ---------------------------------------------------------------- on every page


def write_banner(material: Material) -> str:
    """The line below every chapter title: synthetic or provisional, and the date."""
    edition, blocks = material.edition, []
    if material.synthetic:
        blocks.append(f'::: {{.callout-warning title="Synthetic data"}}\n{SYNTHETIC_NOTE}\n:::')
    day = f"{edition.date.day} {write_month(edition.date.strftime('%Y-%m'))}"
    if edition.release == "provisional":
        blocks.append(f"*Provisional release, {day}: the figures may change.*")
    else:
        blocks.append(f"*Released {day}.*")
    return join_blocks(blocks)


# ---------------------------------------------------------------- the first page


def write_answer(material: Material) -> str:
    """The one-page answer."""
    design, outcome = material.design, material.primary
    pooled = next((c for c in material.of(outcome=outcome.id) if c.area == POOLED), None)
    areas = material.areas_of(outcome.id)
    blocks = [f"**The question.** {escape(design.question)}", "## The answer {.unnumbered}"]
    if pooled is not None:
        place = f"{write_count(len(units_in_window(design, outcome.id)))} areas together"
        blocks.append(f"**{escape(words.upper_first(outcome.name))}, {place}: {pooled.verdict}.** {escape(pooled.sentence)}")
    if areas:
        lead = "Area by area" if pooled is not None else words.upper_first(outcome.name) + ", area by area"
        blocks.append(
            f"**{escape(lead)}:** {escape(words.write_tally(areas))}. Each area has [a page of its own](#sec-area-pages)."
        )
    shown = material.of(outcome=outcome.id)
    if shown:
        if any(c.interval or c.mde for c in shown):
            blocks.append(material.binder.place_figure(figures.figure_intervals(shown, outcome), up=""))
        blocks += [
            "## Could this evaluation have seen a difference? {.unnumbered}",
            escape(words.write_reach(areas or shown, outcome)),
        ]
        blocks += ["## What you can say, and what you cannot {.unnumbered}", _say_and_not_say(pooled, areas, outcome)]
    together = material.of(area=POOLED)
    if together:
        table = content.table_answer(
            together, material.contracts.outcomes, caption="Every outcome, all areas together", by="outcome"
        )
        blocks += ["## Every outcome, all areas together {.unnumbered}", material.binder.place_table(table, "answer", up="")]
    blocks.append(_list_area_pages(material))
    return join_blocks(blocks)


def _say_and_not_say(pooled: Conclusion | None, areas: Sequence[Conclusion], outcome: Outcome) -> str:
    verdicts = {c.verdict for c in ([pooled] if pooled else areas)}
    can, cannot = [], []
    if "detected" in verdicts:
        can.append(
            f"The {outcome.name} moved further in the areas with the programme than in comparison areas, by the range above."
        )
        cannot.append("That participants themselves fared better: these are figures about all residents.")
    if "too imprecise to tell" in verdicts:
        can.append("The published figures are too imprecise to tell whether the programme changed the rate.")
        cannot.append("That the programme made a difference, or that it made none.")
    if "large changes ruled out" in verdicts:
        can.append("A change in the rate outside the range above is not compatible with the data.")
        cannot.append("That nothing changed: smaller differences remain possible.")
    if "mixed signs" in verdicts:
        can.append("The methods do not agree, so there is no finding.")
        cannot.append("The estimate of any one method on its own.")
    if "not estimated" in verdicts:
        can.append(
            "For some of the figures it is too early, or the data are not there." if not pooled else "There is no estimate yet."
        )
        cannot.append("Anything about the programme's results where no estimate is given.")
    if "comparison not credible" in verdicts:
        can.append("A check set in advance failed, so no headline figure is given.")
        cannot.append("The figure in the annex, as a result of the programme.")
    if "implausible size" in verdicts:
        can.append("Something other than this programme is the likelier reason for the difference.")
        cannot.append("That the programme made a difference of that size.")
    cannot.append(
        "Which area did best: the areas are in alphabetical order, and their intervals overlap or are too wide to rank."
    )
    lists = ["You can say:", "\n".join(f"- {escape(line)}" for line in can), "You cannot say:"]
    return "\n\n".join([*lists, "\n".join(f"- {escape(line)}" for line in cannot)])


def _list_area_pages(material: Material) -> str:
    units = [material.design.unit_of(code) for code in material.design.estimate_areas]
    links = [
        f"- [{escape(u.name)}](areas/{safe_name(u.code)}.qmd#{area_id(u.code)})"
        for u in sorted(units, key=lambda u: u.name.casefold())
    ]
    return "\n\n".join(["## Pages by area {#sec-area-pages .unnumbered}", "\n".join(links)]) if links else ""


def area_id(code: str) -> str:
    """Identifier of an area's page."""
    return f"sec-area-{safe_name(code)}"


# ---------------------------------------------------------------- programme, data, method


def write_programme(material: Material) -> str:
    """What the programme is, where and when it started, what it reaches, and what it is compared with."""
    design, contracts = material.design, material.contracts
    programme = contracts.programmes.get(design.programme)
    blocks = []
    if programme is not None:
        blocks.append(f"**{escape(programme.name)}.** For {escape(programme.target_group)}.")
        blocks.append(
            " ".join(escape(text) for text in (programme.note, f"Source: {programme.source}" if programme.source else "") if text)
        )
    many = len(design.treated) > MANY
    starts, notes = content.table_starts(design, contracts), content.table_start_notes(design)
    blocks.append("## Where and when {#sec-where}")
    if many:
        material.binder.add("data/table-starts.csv", to_csv(starts))
        material.binder.add("data/table-start-notes.csv", to_csv(notes))
        blocks.append(
            f"{len(design.treated)} areas have the programme on record; {len(units_in_window(design, material.primary.id))} "
            "of them start within the window of the primary outcome. They are listed in "
            "[a table of areas](../data/table-starts.csv), with [the sources of their starts](../data/table-start-notes.csv)."
        )
    else:
        blocks.append(material.binder.place_table(starts, "starts", up="../"))
    blocks.append(material.binder.place_figure(figures.figure_timeline(design, synthetic=material.synthetic), up="../"))
    if not many:
        blocks.append(material.binder.place_table(notes, "start-notes", up="../"))
    funding = content.table_funding(design, contracts)
    if funding is not None and not many:
        blocks += ["## Funding {#sec-funding}", material.binder.place_table(funding, "funding", up="../")]
    blocks += _comparison_blocks(material)
    return join_blocks(blocks)


def _comparison_blocks(material: Material) -> list[str]:
    outcome = material.primary.id
    codes = [POOLED, *material.design.estimate_areas]
    finding = next((f for code in codes for f in material.methods_of(outcome, code)), None)
    blocks = ["## Areas for comparison {#sec-comparison}"]
    if finding is None:
        return [*blocks, "No comparison could be made in this run; [the limits](limits.qmd#sec-limits) say why."]
    whose = "all treated areas together" if finding.area == POOLED else finding.area_name
    blocks.append(
        f"The map shows the comparison for {escape(whose)}, {escape(material.primary.name)}: "
        f"{finding.n_donors:,} areas without the programme serve as comparison."
    )
    statuses = content.find_statuses(material.contracts, material.design, material.panel, finding)
    picture = figures.figure_tiles(
        list(material.contracts.areas.values()),
        statuses,
        name=figure_name("map", outcome, finding.area),
        caption="Local authorities with the programme, used for comparison, and left out",
        synthetic=material.synthetic,
    )
    blocks.append(material.binder.place_figure(picture, up="../"))
    excluded = content.table_exclusions([finding])
    if excluded is not None:
        blocks.append(material.binder.place_table(excluded, "left-out", up="../"))
    return blocks


def write_data(material: Material) -> str:
    """Outcomes and files."""
    outcomes = content.table_outcomes(material.design, material.contracts.outcomes)
    blocks = [material.binder.place_table(outcomes, "outcomes", up="../")]
    notes = [material.contracts.outcomes[p.id] for p in material.design.outcomes]
    blocks += [f"**{escape(words.upper_first(o.name))}.** {escape(o.note)}" for o in notes if o.note]
    blocks.append("## Sources {#sec-sources}")
    if material.panel.inputs:
        blocks.append(
            material.binder.place_table(content.table_inputs(material.panel.inputs, material.contracts), "inputs", up="../")
        )
    for name in sorted({item.source for item in material.panel.inputs}):
        source = material.contracts.sources.get(name)
        if source is not None:
            parts = [
                source.description,
                source.limitations,
                f"Revisions: {source.revision_policy}",
                f"Licence: {source.licence}.",
            ]
            said = " ".join(escape(" ".join(part.split())) for part in (*parts, source.attribution) if part)
            blocks.append(f"**{escape(source.title)}** ({escape(source.publisher)}). {said}")
    return join_blocks(blocks)


def write_methods(material: Material) -> str:
    """A box a method, the protocol, and departures from it."""
    design, blocks = material.design, []
    for card in material.cards.values():
        parts = [
            f"## {escape(card.title)}",
            escape(card.plain),
            f"**What it estimates.** {escape(card.estimand)}",
            "**What it assumes.**\n\n" + "\n".join(f"- {escape(item)}" for item in card.assumptions),
            "**Where it falls short.**\n\n" + "\n".join(f"- {escape(item)}" for item in card.limits),
            f"**Missing figures.** {escape(card.missing_cells)}",
            f"**Source.** {escape(card.source)} Compared with: {escape(card.compared_with)}",
        ]
        blocks.append("::: {.callout-note}\n" + "\n\n".join(parts) + "\n:::")
    blocks += ["## The protocol {#sec-protocol}", _say_protocol(design)]
    if material.edition.deviations:
        blocks.append("Departures from the protocol:")
        blocks.append("\n".join(f"- {escape(item)}" for item in material.edition.deviations))
    else:
        blocks.append("Departures from the protocol: none is on record.")
    return join_blocks(blocks)


def _say_protocol(design: Design) -> str:
    limits = design.thresholds
    plausible = "not set" if design.plausible_effect is None else f"{design.plausible_effect:g} in the primary outcome's unit"
    lines = [
        f"At least {limits.minimum_pre_periods} periods before the start.",
        f"Misfit before the start at most {limits.maximum_pre_rmspe_ratio:g} times the median of areas without the programme.",
        f"Largest difference before the start at most at the {100 * limits.maximum_pre_trend:g} per cent point of those of areas "
        "without the programme.",
        f"No comparison area with more than {100 * limits.maximum_donor_weight:g} per cent of the weight.",
        f"Largest effect thought plausible beforehand: {plausible}.",
        f"Intervals at the {write_level(design.level)} level; at most {design.draws:,} placebo assignments; seed {design.seed}.",
    ]
    name = f"- Protocol: {escape(design.id)}, SHA-256 `{design.sha256[:16]}`."
    return "\n".join([name, *(f"- {escape(line)}" for line in lines)])


# ---------------------------------------------------------------- findings


def write_findings(material: Material) -> str:
    """All areas together, then the areas side by side."""
    outcomes, blocks = material.contracts.outcomes, []
    together = material.of(area=POOLED)
    if not together:
        blocks.append("This study gives no estimate for all areas together: each area stands for itself.")
    for item in together:
        blocks += _section(material, item)
    for plan in material.design.outcomes:
        areas = material.areas_of(plan.id)
        if not areas:
            continue
        outcome = outcomes[plan.id]
        label = "" if plan.primary else " (exploratory)"
        table = content.table_answer(
            areas, outcomes, caption=f"{words.upper_first(outcome.name)}{label}, areas in alphabetical order", by="area"
        )
        blocks += [
            f"## {escape(words.upper_first(outcome.name))}{label}, by area {{#sec-by-area-{_slug(plan.id)}}}",
            f"{escape(words.upper_first(words.write_tally(areas)))}.",
        ]
        if not plan.primary and any(c.interval or c.mde for c in areas):
            blocks.append(material.binder.place_figure(figures.figure_intervals(material.of(outcome=plan.id), outcome), up="../"))
        blocks.append(material.binder.place_table(table, f"by-area-{_slug(plan.id)}", up="../"))
    if material.planted is not None:
        table_planted = content.table_planted(material.planted, material.conclusions, material.design, outcomes)
        if table_planted is not None:
            blocks += [
                "## What was planted beside what was found {#sec-planted}",
                material.binder.place_table(table_planted, "planted", up="../"),
            ]
    return join_blocks(blocks)


def write_area(material: Material, code: str) -> str:
    """The page of one area: every outcome, its verdict in the heading."""
    unit = material.design.unit_of(code)
    members = [material.contracts.areas[m].name if m in material.contracts.areas else m for m in unit.members]
    start = f"The programme is taken to start in {write_month(unit.start)} ({unit.start_basis}). {unit.start_note}".strip()
    blocks = [
        f"# {escape(unit.name)} {{#{area_id(code)}}}",
        "{{< include ../_generated/banner.qmd >}}",
    ]
    if members != [unit.name]:
        blocks.append(f"Local authorities: {escape(join_words(sorted(members, key=str.casefold)))}.")
    blocks.append(escape(start))
    if unit.supported is not None:
        reach = f"People the programme said it would support in its first year: {unit.supported:,}. {unit.supported_source}"
        blocks.append(escape(reach.strip()))
    else:
        blocks.append("How many people the programme said it would support here is not established.")
    for item in material.of(area=code):
        blocks += _section(material, item)
    return join_blocks(blocks)


def _section(material: Material, item: Conclusion) -> list[str]:
    """Heading with the verdict, sentence, what decided, figures, methods side by side."""
    outcome = material.contracts.outcomes[item.outcome]
    name = f"{_slug(item.outcome)}-{item.area}"
    heading = escape(words.write_heading(item, outcome))
    blocks = [f"## {heading} {{#sec-{name}}}", f"**{escape(item.sentence)}**", escape(f"What decided: {item.because}")]
    if item.reasons:
        blocks.append("\n".join(f"- {escape(reason)}" for reason in item.reasons))
    methods = material.methods_of(item.outcome, item.area)
    if not methods:
        return blocks
    headline = next((f for f in methods if f.estimator in material.design.did_estimators[:1]), None)
    twin = next((f for f in methods if f.estimator in material.design.synthetic_control_estimators), None)
    shown = twin or headline or methods[0]
    blocks.append(material.binder.place_figure(figures.figure_series(shown, outcome), up="../"))
    if item.verdict == "not estimated":
        return blocks
    # The headline method may have a single coefficient; the one with a path by event time is then the one to look at.
    with_path = next((f for f in methods if f.estimator in material.design.did_estimators and len(f.estimate.path) > 2), None)
    if with_path is not None:
        blocks.append(material.binder.place_figure(figures.figure_event_study(with_path, outcome), up="../"))
    blocks.append(material.binder.place_figure(figures.figure_gap(shown, outcome), up="../"))
    where = f"{words.upper_first(outcome.name)}, {words.place_of(shown)}"
    if item.verdict != "comparison not credible":
        table = content.table_methods(methods, outcome, material.cards, caption=f"{where}: methods side by side")
        blocks.append(material.binder.place_table(table, f"methods-{name}", up="../", download=False))
    blocks += _donors_and_checks(material, methods, twin, where=where, name=name)
    return blocks


def _donors_and_checks(
    material: Material, methods: Sequence[Finding], twin: Finding | None, *, where: str, name: str
) -> list[str]:
    """Donor weights and checks: embedded from the executed notebooks where their cells are there, otherwise from the findings."""
    blocks, first = [], methods[0]
    donors, checks = f"{where}: the comparison areas that carry the weight", f"{where}: checks"
    embedded = _embed(material, first.outcome, first.area, NOTEBOOKS["synthetic control"], "donor-table")
    if embedded:
        blocks.append(_embedded_table(embedded, donors, f"donors-{name}"))
    elif twin is not None and twin.estimate.weights:
        blocks.append(
            material.binder.place_table(content.table_donors(twin, caption=donors), f"donors-{name}", up="../", download=False)
        )
    left = list(methods)
    for family, notebook in NOTEBOOKS.items():
        embedded = _embed(material, first.outcome, first.area, notebook, "check-table")
        if embedded:
            blocks.append(_embedded_table(embedded, f"{checks}, {family}", f"checks-{_slug(family)}-{name}"))
            left = [f for f in left if f.family != family]
    if any(f.checks for f in left):
        table = content.table_checks(left, material.cards, caption=checks, area=False)
        blocks.append(material.binder.place_table(table, f"checks-{name}", up="../", download=False))
    return blocks


def _embedded_table(embed: str, caption: str, name: str) -> str:
    return f"::: {{#tbl-{name}}}\n{embed}\n\n{escape(caption)}\n:::"


def _embed(material: Material, outcome: str, area: str, notebook: str, label: str) -> str:
    """The shortcode for a labelled cell of an executed notebook, or nothing when it is not there with an output."""
    if material.notebooks is None:
        return ""
    file = material.notebooks / outcome / area / notebook
    if not file.is_file() or not _has_output(file, label):
        return ""
    return f"{{{{< embed {material.notebooks_from_pages}/{outcome}/{area}/{notebook}#{label} >}}}}"


def _has_output(file: Path, label: str) -> bool:
    mark = re.compile(rf"^#\|\s*label:\s*{re.escape(label)}\s*$", re.M)
    for cell in json.loads(file.read_text("utf-8")).get("cells", []):
        if cell.get("cell_type") == "code" and mark.search("".join(cell.get("source", []))):
            return any("text/markdown" in out.get("data", {}) for out in cell.get("outputs", []))
    return False


# ---------------------------------------------------------------- limits and annexes


def write_limits(material: Material) -> str:
    """What this run could not do, and what would change the answer."""
    design, outcome = material.design, material.primary
    blocks = ["## In this run {#sec-this-run}"]
    assumed = sorted(u.name for u in design.treated if u.start_basis in ("assumed", "not established"))
    lines = []
    if assumed:
        names = join_words(assumed) if len(assumed) <= MANY else f"{len(assumed)} areas"
        lines.append(f"The start is assumed, not established by any source, for {names}.")
    unknown = sorted(u.name for u in design.treated if u.supported is None)
    if unknown:
        names = join_words(unknown) if len(unknown) <= MANY else f"{len(unknown)} areas"
        lines.append(f"The number of people to be supported is not established for {names}.")
    missing = [c for c in material.conclusions if c.verdict == "not estimated"]
    for item in content.order_conclusions(missing, design):
        name = material.contracts.outcomes[item.outcome].name
        lines.append(f"{item.area_name}, {name}: {item.because.removeprefix('No estimate: ')}")
    blocks.append("\n".join(f"- {escape(line)}" for line in lines) if lines else "Nothing that was planned is missing.")
    if material.failures:
        blocks.append("Steps that did not finish:")
        blocks.append("\n".join(f"- {escape(job)}: {escape(clean_message(text))}" for job, text in material.failures))
    mdes = [c.mde for c in material.areas_of(outcome.id) if c.mde is not None]
    caps = [c.cap for c in material.areas_of(outcome.id) if c.cap is not None]
    blocks.append("## What would change our mind {#sec-change}")
    changes = [
        "Figures for later periods: more windows that lie wholly after the start.",
        "First participants' dates, in place of assumed starts.",
    ]
    if mdes and caps:
        unit = unit_words(outcome)
        changes.append(
            f"A measure with less noise: differences of up to {write_magnitude(max(caps), unit)} would have to show, and "
            f"{write_magnitude(min(mdes), unit)} is the smallest that can be detected now."
        )
    blocks.append("\n".join(f"- {escape(line)}" for line in changes))
    return join_blocks(blocks)


def clean_message(text: str) -> str:
    """The first line of an error message without folders of the machine it happened on."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return _PATH.sub(lambda match: re.split(r"[/\\]", match[0])[-1], first)


def write_specifications(material: Material) -> str:
    """Every estimate, p-values included."""
    blocks = []
    for plan in material.design.outcomes:
        mine = [f for c in material.of(outcome=plan.id) for f in material.methods_of(plan.id, c.area)]
        if not mine:
            continue
        outcome = material.contracts.outcomes[plan.id]
        table = content.table_specifications(mine, outcome, material.cards)
        label = "" if plan.primary else " (exploratory)"
        blocks += [
            f"## {escape(words.upper_first(outcome.name))}{label} {{#sec-spec-{_slug(plan.id)}}}",
            material.binder.place_table(table, f"specifications-{_slug(plan.id)}", up="../"),
        ]
    return join_blocks(blocks or ["There are no estimates in this run."])


def write_checks(material: Material) -> str:
    """Every check of every method."""
    blocks = []
    for plan in material.design.outcomes:
        mine = [f for c in material.of(outcome=plan.id) for f in material.methods_of(plan.id, c.area) if f.checks]
        if not mine:
            continue
        outcome = material.contracts.outcomes[plan.id]
        table = content.table_checks(mine, material.cards, caption=f"{words.upper_first(outcome.name)}: every check", area=True)
        blocks += [
            f"## {escape(words.upper_first(outcome.name))} {{#sec-checks-{_slug(plan.id)}}}",
            material.binder.place_table(table, f"all-checks-{_slug(plan.id)}", up="../"),
        ]
    return join_blocks(blocks or ["There are no checks in this run."])


def write_data_log(material: Material) -> str:
    """Hashes that lead from a number back to its data and protocol."""
    design = material.design
    versions = sorted({f.provenance.code_version for f in material.findings})
    panels = sorted({f.provenance.panel_sha256 for f in material.findings})
    lines = [f"- Protocol of {escape(design.id)}: SHA-256 `{design.sha256}`."]
    lines += [f"- Panel: SHA-256 `{sha}`." for sha in panels]
    lines += [f"- Code version: {escape(version)}." for version in versions]
    lines += [f"- {escape(i.name)}: SHA-256 `{i.sha256}`." for i in sorted(material.panel.inputs, key=lambda i: i.name)]
    lines.append(f"- Estimates in this report: {len(material.findings)}; conclusions: {len(material.conclusions)}.")
    return "\n".join(lines) + "\n"


def write_statement(material: Material) -> str:
    """Release, contact and licence."""
    edition = material.edition
    day = f"{edition.date.day} {write_month(edition.date.strftime('%Y-%m'))}"
    lines = [
        f"- Release: {edition.release}, {day}.",
        f"- Contact: {escape(edition.contact) if edition.contact else 'not given in this provisional release'}.",
        f"- Licence: {escape(edition.licence)}.",
    ]
    if material.synthetic:
        lines.insert(0, f"- {SYNTHETIC_NOTE}")
    return "\n".join(lines) + "\n"


def _slug(text: str) -> str:
    return safe_name(text.replace("_", "-").replace(" ", "-").lower())

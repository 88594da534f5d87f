"""Limits and annexes: what this run could not do, every estimate, every check, and where it all comes from."""

from __future__ import annotations

import re

from evaluation.panel.build import PINNED
from evaluation.report import content
from evaluation.report.binder import join_blocks, list_items, name_part
from evaluation.report.editions import say_in_print
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.fair import table_checks_by_area
from evaluation.report.material import Material
from evaluation.report.tables import ReportTable
from evaluation.synthesis.numbers import write_magnitude
from evaluation.synthesis.phrases import join_words, name_or_count, upper_first
from evaluation.synthesis.sentences import unit_words

UP = "../"
ELSEWHERE = "This table is in the web edition and in the workbook of tables."
_PATH = re.compile(r"(?:[A-Za-z]:)?(?:[/\\][^\s/\\'\":]+){2,}")


def write_limits(material: Material) -> str:
    """What this run could not do, and what would change the answer."""
    treated = material.design.treated
    lines = []
    assumed = [u.name for u in treated if u.start_basis in ("assumed", "not established")]
    if assumed:
        lines.append(f"The start is assumed, not established by any source, for {name_or_count(assumed)}.")
    unknown = [u.name for u in treated if u.supported is None]
    if unknown:
        lines.append(f"The number of people to be supported is not established for {name_or_count(unknown)}.")
    lines += _list_missing(material)
    blocks = ["## In this run {#sec-this-run}", list_items(lines) or "Nothing that was planned is missing."]
    if material.failures:
        failed = [f"{job}: {clean_message(text)}" for job, text in material.failures]
        blocks += ["Steps that did not finish:", list_items(failed)]
    return join_blocks(
        [*blocks, "## What would change our mind {#sec-change}", list_items(_list_changes(material, bool(assumed)))]
    )


def _list_missing(material: Material) -> list[str]:
    """One line an area and reason, with the outcomes it holds for."""
    outcomes: dict[tuple[str, str], list[str]] = {}
    for item in material.of():
        if item.verdict == "not estimated":
            reason = item.because.removeprefix("No estimate: ")
            outcomes.setdefault((item.area_name, reason), []).append(material.contracts.outcomes[item.outcome].name)
    return [f"{area}, {join_words(names)}: {reason}" for (area, reason), names in outcomes.items()]


def _list_changes(material: Material, assumed: bool) -> list[str]:
    changes = ["Figures for later periods: more windows that lie wholly after the start."]
    if assumed:
        changes.append("First participants' dates, in place of assumed starts.")
    outcome = material.primary
    mdes = [c.mde for c in material.of(outcome=outcome.id) if c.mde is not None]
    plausible = material.design.plausible_effect
    if mdes and plausible is not None and min(mdes) > plausible:
        unit = unit_words(outcome)
        changes.append(
            f"A measure with less noise: {write_magnitude(min(mdes), unit)} is the smallest difference that can be detected now, "
            f"and the largest effect thought plausible beforehand is {write_magnitude(plausible, unit)}."
        )
    return changes


def clean_message(text: str) -> str:
    """The first line of an error message without folders of the machine it happened on."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return _PATH.sub(lambda match: re.split(r"[/\\]", match[0])[-1], first)


def write_specifications(material: Material) -> str:
    """Every estimate, p-values included."""
    blocks = []
    for plan in material.design.outcomes:
        mine = material.findings_of(plan.id)
        if mine:
            outcome = material.contracts.outcomes[plan.id]
            name = f"{upper_first(outcome.name)}{'' if plan.primary else ' (exploratory)'}"
            table = content.table_specifications(mine, outcome, material.cards)
            blocks += [
                f"## {escape(name)} {{#sec-spec-{name_part(plan.id)}}}",
                _place(material, table, f"specifications-{name_part(plan.id)}", primary=plan.primary),
                material.binder.place_download(
                    content.table_tests(mine, outcome, material.cards), f"tests-{name_part(plan.id)}", up=UP, legend=True
                ),
            ]
    adjusted = content.table_adjusted(material.of(), material.findings, material.contracts.outcomes)
    if adjusted is not None:
        blocks += [
            "## After allowing for several comparisons {#sec-adjusted}",
            "Who looks at many comparisons finds something by chance. The p-values below allow for the others of their family, "
            "which was set in advance.",
            _place(material, adjusted, "adjusted", primary=False),
        ]
    return join_blocks([*(blocks or ["There are no estimates in this run."]), material.binder.link_workbook(up=UP)])


def _place(material: Material, table: ReportTable, label: str, *, primary: bool) -> str:
    """A numbered table; of what is not primary a folded one, which the PDF leaves to the web edition and the workbook."""
    if primary:
        return material.place_table(UP, table, label)
    folded = material.binder.place_folded(table, table.caption, below=material.binder.place_download(table, label, up=UP))
    return join_blocks([folded, say_in_print(ELSEWHERE)])


def write_checks(material: Material) -> str:
    """The results of the checks of every method: numbers and thresholds in the web edition, what each found in its download."""
    blocks = []
    for plan in material.design.outcomes:
        mine = [f for f in material.findings_of(plan.id) if f.checks]
        if mine:
            name, slug = upper_first(material.contracts.outcomes[plan.id].name), name_part(plan.id)
            results = content.table_check_results(
                mine, material.cards, caption=f"{name}: checks that passed, and those that did not"
            )
            full = content.table_checks(mine, material.cards, caption=f"{name}: every check", area=True)
            numbers = table_checks_by_area(
                mine, material.cards, caption=f"{name}: checks with a number, and those that did not pass"
            )
            blocks += [
                f"## {escape(name)} {{#sec-checks-{slug}}}",
                material.place_table(UP, results, f"check-results-{slug}", download=False)
                if plan.primary
                else join_blocks(
                    [material.binder.place_folded(results, "Checks that passed, and those that did not"), say_in_print(ELSEWHERE)]
                ),
                "" if numbers is None else material.binder.place_folded(numbers, "Numbers and thresholds"),
                material.binder.place_download(full, f"all-checks-{slug}", up=UP, legend=True),
            ]
    return join_blocks(blocks or ["There are no checks in this run."])


def write_data_log(material: Material) -> str:
    """Hashes that lead from a number back to its data and protocol."""
    design = material.design
    versions = sorted({f.provenance.code_version for f in material.findings})
    others = sorted({f.provenance.design_sha256 for f in material.findings} - {design.sha256})
    panels = sorted({f.provenance.panel_sha256 for f in material.findings})
    lines = [f"- Protocol of {escape(design.id)}: SHA-256 `{design.sha256}`."]
    lines += [f"- Estimates were also made under another protocol: SHA-256 `{sha}`." for sha in others]
    lines += [f"- Panel: SHA-256 `{sha}`." for sha in panels]
    lines += [f"- Code version: {escape(version)}." for version in versions]
    lines += [f"- Data {escape(note)}." for note in material.panel.notes if note.startswith(PINNED)]
    lines += [f"- {escape(i.name)}: SHA-256 `{i.sha256}`." for i in sorted(material.panel.inputs, key=lambda i: i.name)]
    lines.append(f"- Estimates in this report: {len(material.findings)}; conclusions: {len(material.conclusions)}.")
    traced = content.table_provenance(material.findings) if material.findings else None
    link = "" if traced is None else material.binder.place_download(traced, "provenance", up=UP)
    return join_blocks(["\n".join(lines), link])

"""The chapter *Is the comparison fair?*: did treated and comparison areas move alike before the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from evaluation.contracts.records import Outcome
from evaluation.report import content, figures, words
from evaluation.report.balance import table_balance
from evaluation.report.binder import join_blocks, name_part
from evaluation.report.editions import keep_to_web
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_event_study import figure_event_study
from evaluation.report.levels import by_treated, find_levels
from evaluation.report.material import Material
from evaluation.report.tables import NOT_APPLICABLE, ReportTable, write_signed
from evaluation.results import Card, Check, DonorWeight, Finding
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.phrases import upper_first

UP = "../"
CHECK_DIGITS = 2


def write_fair(material: Material) -> str:
    """For each outcome: the event study, treated beside synthetic, donor weights, balance, and the checks."""
    blocks: list[str] = []
    for plan in material.design.outcomes:
        blocks += _write_outcome(material, material.contracts.outcomes[plan.id], primary=plan.primary)
    return join_blocks(blocks or ["No comparison could be made in this run."])


def _write_outcome(material: Material, outcome: Outcome, *, primary: bool) -> list[str]:
    slug = name_part(outcome.id)
    methods = material.methods_of(outcome.id, POOLED)
    said = words.write_checks(methods)
    blocks = [f"**Checks.** {escape(said)}"] if said else []
    pictures = place_pictures(material, methods, outcome)
    blocks += pictures if primary else [keep_to_web(*pictures)]
    weighted = next((f for f in methods if f.estimate.weights), None)
    if weighted is not None:
        several = len(by_treated(weighted.estimate.weights)) > 1
        caption = f"{upper_first(outcome.name)}: areas that carry the weight{', mean over the treated areas' if several else ''}"
        table = content.table_donors(mix_weights(weighted), caption=caption)
        blocks.append(_place(material, table, f"donors-{slug}-all", "Comparison areas that carry the weight", primary=primary))
    balance = _balance(material, outcome)
    if balance is not None:
        blocks.append(_place(material, balance, f"balance-{slug}", "Before the start", primary=primary))
    caption = f"{upper_first(outcome.name)}, all areas together: every check with a number, by method"
    checks = table_checks_by_method(methods, material.cards, caption=caption)
    if checks is not None:
        blocks.append(_place(material, checks, f"checks-by-method-{slug}", "Every check with a number", primary=primary))
    if not blocks:
        return []
    name = f"{upper_first(outcome.name)}{'' if primary else ' (exploratory)'}"
    link = f"Checks of the single areas are in [the annex](../annex/checks.qmd#sec-checks-{slug})." if methods else ""
    return [f"## {escape(name)}: before the start {{#sec-fair-{slug}}}", *blocks, link]


def _place(material: Material, table: ReportTable, label: str, title: str, *, primary: bool) -> str:
    # What is exploratory is looked up rather than read: the web edition has it folded.
    if primary:
        return material.place_table(UP, table, label)
    return material.binder.place_folded(table, title, below=material.binder.place_download(table, label, up=UP))


def place_pictures(material: Material, methods: Sequence[Finding], outcome: Outcome) -> list[str]:
    """Of all areas together: the event study, then the treated series beside the synthetic one."""
    design = material.design
    with_path = next((f for f in methods if f.estimator in design.did_estimators and len(f.estimate.path) > 2), None)
    shown = next((f for f in methods if f.estimate.weights), None) or next(iter(methods), None)
    pictures = []
    if with_path is not None:
        pictures.append(material.place_figure(UP, figure_event_study, with_path, outcome))
    if shown is not None:
        pictures.append(material.place_figure(UP, figures.figure_series, shown, outcome))
    return pictures


def mix_weights(finding: Finding) -> Finding:
    """The finding with one weight a comparison area: the mean of its weights over the treated areas."""
    mixes = by_treated(finding.estimate.weights)
    if len(mixes) < 2:
        return finding
    names = {w.area: w.name for w in finding.estimate.weights}
    mean = {code: sum(mix.get(code, 0.0) for mix in mixes.values()) / len(mixes) for code in names}
    merged = tuple(DonorWeight(area=code, name=names[code], weight=weight) for code, weight in sorted(mean.items()))
    return replace(finding, estimate=replace(finding.estimate, weights=merged))


def _balance(material: Material, outcome: Outcome) -> ReportTable | None:
    """Levels and trends before the start, all areas together first, then the areas by name."""
    rows = []
    for item in material.of(outcome=outcome.id):
        levels = find_levels(material.panel, material.design, material.contracts, outcome=outcome.id, area=item.area)
        if levels is not None:
            weighted = next((f for f in material.methods_of(outcome.id, item.area) if f.estimate.weights), None)
            rows.append(("All areas together" if item.area == POOLED else item.area_name, levels, weighted))
    if not rows:
        return None
    return table_balance(rows, outcome, caption=f"{upper_first(outcome.name)}: levels and trends before the start")


def table_checks_by_method(findings: Sequence[Finding], cards: Mapping[str, Card], *, caption: str) -> ReportTable | None:
    """Every check of one area that has a number, a check a row and a method a column; None where there is none."""
    return _table_by_method(findings, cards, caption=caption, wanted=lambda check: check.value is not None, by_area=False)


def table_checks_by_area(findings: Sequence[Finding], cards: Mapping[str, Card], *, caption: str) -> ReportTable | None:
    """Every check that has a number or did not pass, a row an area and check, a column a method; None where there is none."""
    return _table_by_method(
        findings, cards, caption=caption, wanted=lambda check: check.value is not None or check.passed is not True, by_area=True
    )


def _table_by_method(
    findings: Sequence[Finding], cards: Mapping[str, Card], *, caption: str, wanted: Callable[[Check], bool], by_area: bool
) -> ReportTable | None:
    found = {(content.name_place(f), c.title, f.estimator): c for f in findings for c in f.checks if wanted(c)}
    methods = list(dict.fromkeys(f.estimator for f in findings if any(method == f.estimator for *_, method in found)))
    if not methods:
        return None
    rows = tuple(
        (*((area, title) if by_area else (title,)), *(_write_check(found.get((area, title, method))) for method in methods))
        for area, title in dict.fromkeys((area, title) for area, title, _ in found)
    )
    return ReportTable(
        caption=caption,
        header=(*(("Area", "Check") if by_area else ("Check",)), *(content.title_of(method, cards) for method in methods)),
        rows=rows,
        notes=("In brackets: the value, and the threshold that follows from the protocol.",),
    )


def _write_check(check: Check | None) -> str:
    if check is None:
        return NOT_APPLICABLE
    if check.value is None:
        return words.name_result(check)
    limit = "" if check.threshold is None else f"; threshold {_threshold(check.threshold)}"
    return f"{words.name_result(check)} ({_number(check.value)}{limit})"


def _number(value: float) -> str:
    # Two programs may differ by a millionth: such a threshold needs its first figure, a value of that size does not.
    if value == int(value):
        return write_signed(value, 0)
    return write_signed(value, CHECK_DIGITS)


def _threshold(value: float) -> str:
    return f"{value:.6f}".rstrip("0") if 0 < value < 10**-CHECK_DIGITS else _number(value)

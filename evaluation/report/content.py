"""Tables of findings and of the files they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.contracts.records import Contracts, Outcome
from evaluation.panel.period_words import write_period
from evaluation.report.answers import label_outcome
from evaluation.report.sizes import name_test, write_p, write_size_of_test
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable, write_signed
from evaluation.report.words import name_result
from evaluation.results import Card, Conclusion, Finding, InputFile, Interval
from evaluation.synthesis.agree import find_inference, quote_titles
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import write_level, write_range
from evaluation.synthesis.phrases import join_words, upper_first
from evaluation.synthesis.sentences import unit_words

DIGITS, CHECK_DIGITS = 2, 3
"""Decimals of estimates, and of the numbers of checks, in the annex."""


def table_verdicts(conclusions: Sequence[Conclusion], outcomes: Mapping[str, Outcome]) -> ReportTable:
    """Every verdict with the sentence its page has and the rule that decided it; for the spreadsheet."""
    rows = tuple(
        (
            "All areas together" if item.area == POOLED else item.area_name,
            f"{upper_first(outcomes[item.outcome].name)}{'' if item.primary else ' (exploratory)'}",
            item.verdict,
            item.sentence,
            item.because,
        )
        for item in conclusions
    )
    return ReportTable(
        caption="What the report concludes, in words", header=("Area", "Outcome", "Verdict", "Conclusion", "Why"), rows=rows
    )


def table_methods(findings: Sequence[Finding], outcome: Outcome, cards: Mapping[str, Card], *, caption: str) -> ReportTable:
    """The methods side by side for one area and outcome; intervals in words, no p-values."""
    unit, rows = unit_words(outcome), []
    for item in findings:
        inference = find_inference(item)
        interval = inference.interval if inference else None
        failed = [c.title for c in item.checks if c.passed is False]
        rows.append(
            (
                title_of(item.estimator, cards),
                upper_first(item.family),
                write_range(interval, unit) if interval else NOT_AVAILABLE,
                f"{item.n_donors:,}",
                join_words(failed) if failed else "none",
            )
        )
    header = ("Method", "Family", f"Interval, {outcome.unit_words}", "Comparison areas", "Checks failed")
    return ReportTable(caption=caption, header=header, rows=tuple(rows), numeric=frozenset({"Comparison areas"}))


def name_place(finding: Finding) -> str:
    """The area of a finding in the first column of a table."""
    return "All areas together" if finding.area == POOLED else finding.area_name


def table_differences(findings: Sequence[Finding], cards: Mapping[str, Card], *, caption: str) -> ReportTable:
    """Why methods may differ: whom each compares with, against what time, and how it averages; the estimate beside it."""
    rows = []
    for item in findings:
        card = cards.get(item.estimator)
        words = (card.controls, card.base, card.weighting) if card else ("", "", "")
        rows.append(
            (title_of(item.estimator, cards), *(text or NOT_AVAILABLE for text in words), write_signed(item.estimate.att, DIGITS))
        )
    return ReportTable(
        caption=caption,
        header=("Method", "Compared with", "Measured against", "Averaged how", "Estimate"),
        rows=tuple(rows),
        numeric=frozenset({"Estimate"}),
    )


def table_decomposition(finding: Finding, outcome: Outcome, *, caption: str, most: int | None = None) -> ReportTable:
    """The comparisons of two groups that a single number averages, heaviest first (Goodman-Bacon 2021).

    Those after the first `most` stand in one row, with their weighted mean.
    """
    parts = sorted(finding.estimate.decomposition, key=lambda part: -part.weight)
    shown, rest = parts[:most], parts[most:] if most is not None else []
    rows = [
        (
            f"areas treated from {write_period(part.treated_from, outcome.window_months)}",
            f"areas treated from {write_period(part.control_from, outcome.window_months)}"
            if part.control_from
            else "areas not treated in the window",
            f"{100 * part.weight:.1f}",
            write_signed(part.estimate, DIGITS),
        )
        for part in shown
    ]
    if rest:
        weight = sum(part.weight for part in rest)
        mean = sum(part.weight * part.estimate for part in rest) / weight if weight else None
        rows.append((f"{len(rest)} other comparisons", "various", f"{100 * weight:.1f}", _number(mean)))
    return ReportTable(
        caption=caption,
        header=("Change in", "Compared with", "Weight, per cent", f"Difference, {outcome.unit_words}"),
        rows=tuple(rows),
        numeric=frozenset({"Weight, per cent", f"Difference, {outcome.unit_words}"}),
    )


def title_of(estimator: str, cards: Mapping[str, Card]) -> str:
    """Title of a method for readers."""
    return cards[estimator].title if estimator in cards else upper_first(estimator.replace("_", " "))


def table_specifications(findings: Sequence[Finding], outcome: Outcome, cards: Mapping[str, Card]) -> ReportTable:
    """Every estimate of one outcome with its inferences, p-values included: for the annex."""
    rows = []
    for item in findings:
        inference = find_inference(item)
        conventional = next((i.interval for i in item.inferences if not i.decides and i.interval), None)
        interval = inference.interval if inference else None
        rows.append(
            (
                name_place(item),
                title_of(item.estimator, cards),
                write_signed(item.estimate.att, DIGITS),
                _ends(interval),
                write_p(inference) if inference else NOT_AVAILABLE,
                write_size_of_test(inference) if inference else NOT_AVAILABLE,
                _number(inference.mde if inference else None),
                _ends(conventional),
            )
        )
    levels = sorted({i.level for f in findings for i in f.inferences})
    reps = [f"{count:,}" for count in sorted({i.reps for f in findings for i in f.inferences if i.decides and i.reps})] or ["no"]
    return ReportTable(
        caption=f"{upper_first(outcome.name)}: every estimate, in {outcome.unit_words}",
        header=(
            "Area",
            "Method",
            "Estimate",
            "Interval",
            "p",
            "Measured size",
            "Detectable",
            "Conventional interval",
        ),
        rows=tuple(rows),
        numeric=frozenset({"Estimate", "p", "Detectable"}),
        notes=(
            "Negative: lower than it would have been without the programme.",
            "The conventional interval is for comparison; it decides nothing.",
            f"Intervals at {join_words([write_level(level) for level in levels])}, from {join_words(reps)} placebo assignments.",
            "A p-value is not printed where the number of placebos does not allow it to reach the level, or where a test that "
            "may not decide errs too often. Where one that decides does, nothing is called detected or ruled out.",
            "Measured size: how often the test finds something where nothing happened, and with how many placebo places that was "
            "measured.",
        ),
    )


def _ends(interval: Interval | None) -> str:
    if interval is None:
        return NOT_AVAILABLE
    return f"{write_signed(interval.low, DIGITS)} to {write_signed(interval.high, DIGITS)}"


def table_tests(findings: Sequence[Finding], outcome: Outcome, cards: Mapping[str, Card]) -> ReportTable:
    """Every test of every estimate of one outcome, with its measured size: for the download of the annex."""
    rows = []
    for item in findings:
        for inference in item.inferences:
            rows.append(
                (
                    name_place(item),
                    title_of(item.estimator, cards),
                    name_test(inference.method),
                    _ends(inference.interval),
                    write_p(inference),
                    write_size_of_test(inference),
                    f"{inference.reps:,}" if inference.reps else NOT_APPLICABLE,
                    f"{inference.blocks:,}" if inference.blocks is not None else NOT_APPLICABLE,
                    "yes" if inference.decides else "no",
                    _number(item.estimate.pre_rmspe),
                    inference.note or "none",
                )
            )
    return ReportTable(
        caption=f"{upper_first(outcome.name)}: every test of every estimate, in {outcome.unit_words}",
        header=(
            "Area", "Method", "Test", "Interval", "p", "Measured size", "Placebos", "Placebos that share no area", "May decide",
            "Misfit before the start", "Note",
        ),
        rows=tuple(rows),
    )  # fmt: skip


def table_adjusted(
    conclusions: Sequence[Conclusion], findings: Sequence[Finding], outcomes: Mapping[str, Outcome]
) -> ReportTable | None:
    """p-values before and after allowing for the other comparisons of their family; None where there is none."""
    found = {(f.outcome, f.area, f.estimator): find_inference(f) for f in findings}
    rows = []
    for item in conclusions:
        if item.adjusted_p is not None:
            inference = found.get((item.outcome, item.area, item.headline or ""))
            rows.append(
                (
                    "All areas together" if item.area == POOLED else item.area_name,
                    label_outcome(item, outcomes[item.outcome]),
                    write_p(inference) if inference else NOT_AVAILABLE,
                    write_size_of_test(inference) if inference else NOT_AVAILABLE,
                    f"{item.adjusted_p:.3f}",
                    item.family or NOT_AVAILABLE,
                )
            )
    if not rows:
        return None
    return ReportTable(
        caption="p-values after allowing for several comparisons",
        header=("Area", "Outcome", "p alone", "Measured size", "p adjusted", "Allowing for"),
        rows=tuple(rows),
        numeric=frozenset({"p alone", "p adjusted"}),
    )


def _number(value: float | None, digits: int = DIGITS) -> str:
    return NOT_AVAILABLE if value is None else write_signed(value, digits)


def table_checks(findings: Sequence[Finding], cards: Mapping[str, Card], *, caption: str, area: bool) -> ReportTable:
    """The checks with their values and thresholds.

    Parameters
    ----------
    findings : sequence of Finding
        Whose checks.
    cards : mapping of estimator to Card
        Titles of the methods.
    caption : str
        Title of the table.
    area : bool
        Whether the first column names the area.
    """
    rows = []
    for item in findings:
        for check in item.checks:
            first = (name_place(item),) if area else ()
            numbers = (_number(check.value, CHECK_DIGITS), _number(check.threshold, CHECK_DIGITS))
            method = title_of(item.estimator, cards)
            rows.append((*first, method, check.title, name_result(check), *numbers, check.text or NOT_AVAILABLE))
    header = ("Method", "Check", "Result", "Value", "Threshold", "What was found")
    return ReportTable(
        caption=caption,
        header=("Area", *header) if area else header,
        rows=tuple(rows),
        numeric=frozenset({"Value", "Threshold"}),
    )


def table_failed_checks(findings: Sequence[Finding], cards: Mapping[str, Card], *, caption: str) -> ReportTable | None:
    """The checks that failed, with what was found; None when none did."""
    rows = tuple(
        (title_of(item.estimator, cards), check.title, check.text or NOT_AVAILABLE)
        for item in findings
        for check in item.checks
        if check.passed is False
    )
    return ReportTable(caption=caption, header=("Method", "Check that failed", "What was found"), rows=rows) if rows else None


def table_check_results(findings: Sequence[Finding], cards: Mapping[str, Card], *, caption: str) -> ReportTable:
    """One row an area: how many checks of all methods passed, which failed, and how many are for information or were not run."""
    areas: dict[str, list[Finding]] = {}
    for item in findings:
        areas.setdefault(name_place(item), []).append(item)
    rows: list[tuple[str, ...]] = []
    for area, mine in areas.items():
        results = [name_result(check) for item in mine for check in item.checks]
        counts = (f"{results.count(result)}" for result in ("for information", "not run"))
        rows.append((area, f"{results.count('passed')} of {len(results)}", _name_failed(mine, cards), *counts))
    return ReportTable(
        caption=caption,
        header=("Area", "Passed", "Failed", "For information", "Not run"),
        rows=tuple(rows),
        numeric=frozenset({"For information", "Not run"}),
        notes=tuple(
            f"{said}: {quote_titles(titles)}."
            for said, titles in (
                ("For information", _titles_with("for information", findings)),
                ("Not run", _titles_with("not run", findings)),
            )
            if titles
        ),
    )


def _titles_with(result: str, findings: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(check.title for item in findings for check in item.checks if name_result(check) == result))


def _name_failed(findings: Sequence[Finding], cards: Mapping[str, Card]) -> str:
    """The checks that failed, each with the methods it is of: ``Fit before the start (Event study); ...``; else ``none``."""
    methods: dict[str, list[str]] = {}
    for item in findings:
        for check in item.checks:
            if check.passed is False:
                methods.setdefault(check.title, []).append(title_of(item.estimator, cards))
    return "; ".join(f"{title} ({', '.join(names)})" for title, names in methods.items()) or "none"


def table_donors(finding: Finding, *, caption: str, most: int = 6) -> ReportTable:
    """The comparison areas with the largest weights, by weight."""
    weights = sorted((w for w in finding.estimate.weights if w.weight >= 0.0005), key=lambda w: (-w.weight, w.name))
    rest = weights[most:]
    rows = [(w.name, f"{100 * w.weight:.1f}") for w in weights[:most]]
    if rest:
        rows.append((f"{len(rest)} others", f"{100 * sum(w.weight for w in rest):.1f}"))
    return ReportTable(
        caption=caption, header=("Area", "Weight, per cent"), rows=tuple(rows), numeric=frozenset({"Weight, per cent"})
    )


def table_provenance(findings: Sequence[Finding]) -> ReportTable:
    """Where each estimate comes from: its file, and the hashes of the panel and of the protocol it was made under."""
    rows = tuple(
        (
            f"findings/{item.design}/{item.outcome}/{item.area}/{item.estimator}.json",
            item.provenance.panel_sha256,
            item.provenance.design_sha256,
            item.provenance.code_version,
            f"{item.provenance.seed}",
        )
        for item in findings
    )
    return ReportTable(
        caption="Where each estimate comes from",
        header=("File of the run", "Panel, SHA-256", "Protocol, SHA-256", "Code", "Seed"),
        rows=rows,
    )


def table_inputs(inputs: Sequence[InputFile], contracts: Contracts) -> ReportTable:
    """The files the numbers rest on."""
    rows = []
    for item in sorted(inputs, key=lambda i: i.name):
        source = contracts.sources.get(item.source)
        title = f"{source.title} ({source.publisher})" if source else item.source
        rows.append(
            (
                item.name,
                ("SYNTHETIC: " if item.synthetic else "") + title,
                item.vintage,
                f"{item.rows:,}",
                item.contract_version,
                item.sha256[:12],
            )
        )
    return ReportTable(
        caption="Files this report rests on",
        header=("File", "Source", "Edition", "Rows", "Contract version", "SHA-256, first 12"),
        rows=tuple(rows),
        numeric=frozenset({"Rows"}),
    )

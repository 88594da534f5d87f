"""Tables of the places together: the pooled summary, how the families of methods agree, and p-values adjusted for one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.contracts.records import Outcome
from evaluation.report.content import title_of
from evaluation.report.figure_pool import FURTHER, TOGETHER, raw_interval
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable, write_signed
from evaluation.results import Card, Conclusion, Finding, Pool
from evaluation.synthesis.agree import failed_checks, failed_robustness, find_inference
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import write_range
from evaluation.synthesis.phrases import join_words, upper_first
from evaluation.synthesis.sentences import unit_words

DIGITS, P_DIGITS = 2, 3
"""Decimals of estimates and of p-values."""


def table_pool(pool: Pool | None, outcome: Outcome, *, caption: str) -> ReportTable:
    """Each place on its own and partly pooled, then the mean and where a further place would lie; intervals in words."""
    unit = unit_words(outcome)
    header = ("Place", "On its own", "Weight, per cent", "Partly pooled")
    if pool is None:
        row = (TOGETHER, NOT_AVAILABLE, NOT_AVAILABLE, NOT_AVAILABLE)
        return ReportTable(caption=caption, header=header, rows=(row,), notes=("Fewer than two places can be pooled.",))
    rows = [
        (p.name, write_range(raw_interval(p, pool.level), unit), f"{100 * p.weight:.0f}", write_range(p.interval, unit))
        for p in sorted(pool.places, key=lambda p: p.name.casefold())
    ]
    rows.append((TOGETHER, NOT_APPLICABLE, "100", write_range(pool.interval, unit)))
    further = write_range(pool.prediction, unit) if pool.prediction else NOT_AVAILABLE
    rows.append((FURTHER, NOT_APPLICABLE, NOT_APPLICABLE, further))
    spread = unit.amount(f"{pool.tau:.{DIGITS}f}") if unit.unit == "pp" else unit.amount(f"{pool.tau:,.0f}")
    return ReportTable(
        caption=caption,
        header=header,
        rows=tuple(rows),
        numeric=frozenset({"Weight, per cent"}),
        notes=(f"In {outcome.unit_words}.", f"Effects differ between places with a standard deviation of {spread}.", pool.note),
    )


def table_agreement(
    findings: Sequence[Finding], outcome: Outcome, cards: Mapping[str, Card], *, caption: str, area: str = POOLED
) -> ReportTable:
    """What each method finds for one area and outcome, the direction, and the checks it failed: do the families agree?"""
    unit, rows = unit_words(outcome), []
    for item in findings:
        if (item.area, item.outcome) != (area, outcome.id):
            continue
        inference = find_inference(item)
        failed = (*failed_checks(item), *failed_robustness(item))
        rows.append(
            (
                title_of(item.estimator, cards),
                upper_first(item.family),
                unit.direction(item.estimate.att),
                write_range(inference.interval, unit) if inference and inference.interval else NOT_AVAILABLE,
                join_words(failed) if failed else "none",
            )
        )
    return ReportTable(
        caption=caption,
        header=("Method", "Family", "Direction", f"Interval, {outcome.unit_words}", "Checks failed"),
        rows=tuple(rows) or ((NOT_AVAILABLE,) * 5,),
    )


def table_families(conclusions: Sequence[Conclusion], findings: Sequence[Finding], *, caption: str) -> ReportTable:
    """p-values as they are and adjusted within their family, with the verdict: for the annex."""
    found = {(f.outcome, f.area, f.estimator): f for f in findings}
    rows = []
    for item in conclusions:
        finding = found.get((item.outcome, item.area, item.headline or ""))
        inference = find_inference(finding) if finding else None
        alone = inference.p_value if inference else None
        rows.append(
            (
                item.area_name,
                "primary" if item.primary else "exploratory",
                write_signed(item.att, DIGITS) if item.att is not None else NOT_AVAILABLE,
                f"{alone:.{P_DIGITS}f}" if alone is not None else NOT_AVAILABLE,
                f"{item.adjusted_p:.{P_DIGITS}f}" if item.adjusted_p is not None else NOT_AVAILABLE,
                item.verdict,
            )
        )
    families = dict.fromkeys(item.family for item in conclusions if item.family)
    return ReportTable(
        caption=caption,
        header=("Area", "Outcome", "Estimate", "p alone", "p adjusted", "Verdict"),
        rows=tuple(rows) or ((NOT_AVAILABLE,) * 6,),
        numeric=frozenset({"Estimate", "p alone", "p adjusted"}),
        notes=(f"Adjusted after Holm within each family set in advance: {'; '.join(families)}.",) if families else (),
    )

"""The table of every specification: what was varied, and what each choice gives."""

from __future__ import annotations

from evaluation.contracts.records import Outcome
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable, write_signed
from evaluation.results import Stress, Variant
from evaluation.synthesis.numbers import write_range
from evaluation.synthesis.phrases import upper_first
from evaluation.synthesis.sentences import unit_words

DIGITS = 2
VARIED = {
    "main": "As set in the protocol",
    "estimator": "Method",
    "start date": "Start date",
    "exposure coding": "Windows that straddle the start",
    "comparison areas": "Comparison areas",
    "overlap": "Other programmes in the treated areas",
    "window": "Periods",
    "weights": "Weights of areas",
}
"""What was varied, by the kind of a variant; the order of the table and of the figure."""


def table_variants(stress: Stress, outcome: Outcome, *, caption: str) -> ReportTable:
    """Every specification with its estimate and interval, the main one first; those without an estimate with the reason.

    Parameters
    ----------
    stress : Stress
        Of one area and outcome.
    outcome : Outcome
        The outcome in words.
    caption : str
        Title of the table.
    """
    unit, rows = unit_words(outcome), []
    for variant in in_order(stress):
        rows.append(
            (
                VARIED[variant.kind],
                upper_first(variant.title),
                NOT_AVAILABLE if variant.att is None else write_signed(variant.att, DIGITS),
                write_range(variant.interval, unit) if variant.interval else NOT_AVAILABLE,
                upper_first(variant.why_not) or NOT_APPLICABLE,
            )
        )
    return ReportTable(
        caption=caption,
        header=("What was varied", "Choice", "Estimate", f"Interval, {outcome.unit_words}", "Why there is none"),
        rows=tuple(rows),
        numeric=frozenset({"Estimate"}),
        notes=(
            "Every choice was set in advance, and none is left out because of its result.",
            *((stress.note,) if stress.note else ()),
        ),
    )


def in_order(stress: Stress) -> list[Variant]:
    """The variants, by what was varied and within that as they were set."""
    kinds = list(VARIED)
    return sorted(stress.variants, key=lambda variant: kinds.index(variant.kind))

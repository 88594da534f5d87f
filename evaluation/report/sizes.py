"""How often each test errs: the share of true nulls it rejects on this very panel, beside every p-value.

A test at the 5% level should reject one in twenty comparisons where nothing happened. What it does in fact is measured with
placebo places like the treated one. A test of the annex that rejects far more often is not used, and its p-value is not printed;
of one that decides, the page says that it errs too often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable
from evaluation.results import Card, Finding, Inference
from evaluation.synthesis.agree import SIZE_SHOWN, can_detect, errs_too_often
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.phrases import join_words, upper_first

TOO_HIGH = " (too often)"
NAMED_AFTER_PEOPLE = {"conley_taber": "Conley-Taber"}


def is_struck_out(inference: Inference) -> bool:
    """Whether a test is in the annex only and errs too often to be read."""
    return errs_too_often(inference) and not inference.decides


def write_percent(share: float) -> str:
    """A share as a percentage with one decimal, such as ``5.2%``."""
    return f"{100 * share:.1f}%"


def write_size_of_test(inference: Inference) -> str:
    """The measured size for a table cell: ``5.2% of 400``, ``size 12.0%: not used``, or that it was not measured."""
    if inference.size is None:
        return NOT_AVAILABLE
    if is_struck_out(inference):
        return f"size {write_percent(inference.size)}: not used"
    reps = "" if inference.size_reps is None else f" of {inference.size_reps:,}"
    return f"{write_percent(inference.size)}{reps}{TOO_HIGH if errs_too_often(inference) else ''}"


def write_p(inference: Inference) -> str:
    """A p-value for the annex; a marker where there is none, it cannot reach the level, or the test is not used."""
    if inference.p_value is None:
        return NOT_AVAILABLE
    if not can_detect(inference) or is_struck_out(inference):
        return NOT_APPLICABLE
    return f"{inference.p_value:.3f}"


def name_test(method: str) -> str:
    """Name of a way of inference for readers."""
    return NAMED_AFTER_PEOPLE.get(method) or upper_first(method.replace("_", " "))


def table_sizes(findings: Sequence[Finding], cards: Mapping[str, Card], *, caption: str) -> ReportTable | None:
    """Measured sizes, one row a method and test that has one; None where none was measured.

    Parameters
    ----------
    findings : sequence of Finding
        Of one outcome.
    cards : mapping of estimator to Card
        Titles of the methods.
    caption : str
        Title of the table.
    """
    groups: dict[tuple[str, str], list[tuple[bool, Inference]]] = {}
    for finding in findings:
        for inference in finding.inferences:
            groups.setdefault((finding.estimator, inference.method), []).append((finding.area == POOLED, inference))
    measured = {key: items for key, items in groups.items() if any(i.size is not None for _, i in items)}
    if not measured:
        return None
    without = list(dict.fromkeys(name_test(method) for _, method in groups if method not in {m for _, m in measured}))
    rows = []
    for (estimator, method), items in measured.items():
        together = next((i for pooled, i in items if pooled), None)
        single = [i for pooled, i in items if not pooled]
        title = cards[estimator].title if estimator in cards else name_test(estimator)
        reps = sorted({i.size_reps for _, i in items if i.size_reps is not None})
        rows.append(
            (
                title,
                name_test(method),
                NOT_APPLICABLE if together is None else _size(together),
                _range_of_sizes(single),
                f"{reps[0]:,}" if len(reps) == 1 else f"{reps[0]:,} to {reps[-1]:,}" if reps else NOT_AVAILABLE,
                "yes" if any(i.decides for _, i in items) else "no",
            )
        )
    levels = sorted({i.level for f in findings for i in f.inferences})
    wanted, most = (join_words([f"{100 * times * v:g}%" for v in levels]) for times in (1, SIZE_SHOWN))
    return ReportTable(
        caption=caption,
        header=("Method", "Test", "All areas together", "Single areas", "Measured with", "May decide"),
        rows=tuple(rows),
        notes=(
            f"How often each test finds something where nothing happened; it should be {wanted}.",
            "Measured with: placebo places, like the treated ones, on this panel.",
            f"Beyond {most} it errs too often: nothing is then called detected or ruled out, and a test that may not decide is "
            "not used at all.",
            *((f"Not measured, and decide nothing: {join_words(without)}.",) if without else ()),
        ),
    )


def _size(inference: Inference) -> str:
    if inference.size is None or is_struck_out(inference):
        return write_size_of_test(inference)
    return f"{write_percent(inference.size)}{TOO_HIGH if errs_too_often(inference) else ''}"


def _range_of_sizes(items: Sequence[Inference]) -> str:
    """Smallest and largest measured size over areas, and how many of the areas may not use the test."""
    if not items:
        return NOT_APPLICABLE
    known = sorted(i.size for i in items if i.size is not None)
    if not known:
        return NOT_AVAILABLE
    said = write_percent(known[0])
    if write_percent(known[-1]) != said:
        said = f"{said} to {write_percent(known[-1])}"
    out, high = sum(is_struck_out(i) for i in items), sum(errs_too_often(i) for i in items)
    if out == len(items):
        return f"size {said}: not used"
    if out:
        return f"{said}; not used in {out:,} of {len(items):,} areas"
    return f"{said}; too often in {high:,} of {len(items):,} areas" if high else said

"""What was set in advance: the protocol and its hash, every threshold in plain words, and departures from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

from evaluation.report.binder import join_blocks, list_items
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.material import Material
from evaluation.report.tables import ReportTable
from evaluation.results import CheckThresholds, Design, Deviation
from evaluation.synthesis.numbers import write_level
from evaluation.synthesis.phrases import join_words, upper_first

UP = "../"
NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold in words."""

    title: str
    kind: Literal["count", "times", "share", "difference", "number"]
    """How its value is written: in whole periods, as a multiple, as per cent, in the outcome's unit, as it stands."""
    plain: str
    zero_is_off: bool = False
    """Whether nil means that nothing is judged by it."""
    one_is_off: bool = False
    """The same for one."""


THRESHOLDS: dict[str, Threshold] = {
    "minimum_pre_periods": Threshold(
        "Fewest periods before the start", "count", "With a shorter past, nobody can say whether a comparison is fair."
    ),
    "maximum_pre_rmspe_ratio": Threshold(
        "Largest misfit before the start",
        "times",
        "How far the estimate may lie from what was observed before the start, beside the median of areas without the programme.",
    ),
    "maximum_pre_trend": Threshold(
        "Largest difference before the start",
        "share",
        "Among areas without the programme, this share has a smaller largest difference before the start; beyond it a comparison "
        "has drifted too far apart.",
    ),
    "maximum_donor_weight": Threshold(
        "Largest weight of one comparison area", "share", "So that an estimate does not stand or fall with one other area."
    ),
    "negligible_effect": Threshold(
        "Difference too small to count",
        "difference",
        "A difference before the start of up to this size is not held against a comparison.",
    ),
    "maximum_forbidden_weight": Threshold(
        "Largest weight of comparisons with areas already treated",
        "share",
        "A single number over several starts also compares areas with others that have the programme already; so much is let "
        "pass.",
    ),
    "minimum_breakdown": Threshold(
        "Smallest breakdown value",
        "times",
        "How many times as far apart as before the start the areas may drift before the result could be nothing but drift.",
        zero_is_off=True,
    ),
    "maximum_hidden_drift": Threshold(
        "Largest drift that may stay hidden",
        "difference",
        "A drift before the start of up to this size in a year may go unseen by the check of movement; if more could, the check "
        "says too little.",
        zero_is_off=True,
    ),
    "maximum_anticipation": Threshold(
        "Largest difference shortly before the start",
        "share",
        "Among areas without the programme, this share has a smaller difference just before the start; beyond it somebody may "
        "have begun early.",
    ),
    "maximum_contaminated_weight": Threshold(
        "Largest share of a comparison that is not untouched",
        "share",
        "So much of the comparison may be reached by other programmes, or lie next to an area with this one.",
        one_is_off=True,
    ),
    "minimum_inside_range": Threshold(
        "Periods inside the range of the comparison areas",
        "share",
        "Before the start the area must lie between the lowest and the highest of its comparison areas this often: a mix of them "
        "cannot follow it elsewhere.",
    ),
    "maximum_revision": Threshold(
        "Largest move between two editions of the data",
        "times",
        "How far the estimate may move when figures are revised, beside how far the comparison is off by chance.",
    ),
}
"""Every threshold of a design in words."""


def write_protocol(material: Material) -> str:
    """The protocol's hash, every threshold, the other decisions, and departures from it."""
    design, unit = material.design, material.primary.unit_words
    return join_blocks(
        [
            f"The protocol {escape(design.id)} was fixed before results were looked at. Its fingerprint changes when a single "
            f"character of it does: SHA-256 `{design.sha256}`.",
            material.place_table(UP, table_thresholds(design, unit), "thresholds"),
            "Set in advance as well:",
            list_items(list_decisions(design, unit)),
            "## Departures from the protocol {#sec-deviations}",
            *_say_deviations(material),
        ]
    )


def table_thresholds(design: Design, unit: str) -> ReportTable:
    """Every threshold with its value and a line in plain words; `unit` is that of the primary outcome, in words."""
    rows = []
    for item in fields(CheckThresholds):
        words = THRESHOLDS.get(item.name, Threshold(upper_first(item.name.replace("_", " ")), "number", "See the protocol."))
        value = getattr(design.thresholds, item.name)
        rows.append((words.title, _write_value(value, words, unit), words.plain))
    return ReportTable(
        caption="Thresholds of the checks, set before results were looked at",
        header=("Threshold", "Value", "In plain words"),
        rows=tuple(rows),
    )


def _write_value(value: float, words: Threshold, unit: str) -> str:
    if value is None or (words.zero_is_off and value == 0) or (words.one_is_off and value == 1):
        return NOT_JUDGED
    match words.kind:
        case "count":
            return f"{value:g} periods"
        case "times":
            return f"{value:.1f} times" if value == int(value) else f"{value:g} times"
        case "share":
            return f"{100 * value:g} per cent"
        case "difference":
            return f"{value:g} {unit}"
        case _:
            return f"{value:g}"


def list_decisions(design: Design, unit: str) -> list[str]:
    """What else was set in advance, one sentence each."""
    plausible = "not set" if design.plausible_effect is None else f"{design.plausible_effect:g} {unit}"
    coding = {
        "share": "by the share of it that lies after the start",
        "binary": "as if all of it lay after the start",
    }[design.exposure_coding]
    lines = [
        f"Largest effect thought plausible beforehand: {plausible}.",
        f"A reference window that straddles the start counts {coding}.",
        f"Intervals at the {write_level(design.level)} level; at most {design.draws:,} placebo assignments; seed {design.seed}.",
    ]
    if design.anticipation:
        lines.append(f"Months before the start that already count as treated: {design.anticipation}.")
    if design.alternative_starts:
        shifts = join_words([_write_shift(months) for months in sorted(design.alternative_starts)])
        lines.append(f"Every estimate is made again with the start moved: {shifts}.")
    return lines


def _write_shift(months: int) -> str:
    count = abs(months)
    return f"{count} {'month' if count == 1 else 'months'} {'earlier' if months < 0 else 'later'}"


def _say_deviations(material: Material) -> list[str]:
    if not material.deviations:
        return ["There is none on record: what was done is what the protocol says."]
    count = len(material.deviations)
    said = "One departure is on record." if count == 1 else f"{count} departures are on record."
    return [said, material.place_table(UP, table_deviations(material.deviations), "deviations")]


def table_deviations(deviations: Sequence[Deviation]) -> ReportTable:
    """What changed after the protocol was locked, in the order in which it did."""
    rows = [
        (f"{item.number}", _name_key(item.key), item.before or "nothing", item.after or "nothing")
        for item in sorted(deviations, key=lambda d: d.number)
    ]
    return ReportTable(
        caption="Departures from the protocol after it was locked",
        header=("No.", "What changed", "Before", "After"),
        rows=tuple(rows),
        numeric=frozenset({"No."}),
    )


def _name_key(key: str) -> str:
    """The place in the protocol, with the words of a threshold where it is one."""
    last = key.rpartition(".")[2]
    return f"{THRESHOLDS[last].title} ({key})" if last in THRESHOLDS else key

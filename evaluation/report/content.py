"""The tables of the report, from findings and conclusions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from evaluation.contracts.records import Contracts, Outcome
from evaluation.report.figures import AreaStatus
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable, write_signed
from evaluation.report.words import upper_first
from evaluation.results import Card, Conclusion, Design, Finding, Inference, InputFile, Panel
from evaluation.synthesis.agree import can_detect, find_inference
from evaluation.synthesis.numbers import PEOPLE, write_level, write_month, write_people, write_range, write_size
from evaluation.synthesis.sentences import join_words, unit_words
from evaluation.synthesis.verdict import units_in_window

POOLED = "all"
PASSED = {True: "passed", False: "failed", None: "not run"}
DIGITS = 3
"""Decimals of estimates in the annex."""


def order_conclusions(conclusions: Sequence[Conclusion], design: Design) -> list[Conclusion]:
    """Pooled first, then areas by name; outcomes in the order of the design."""
    rank = {plan.id: n for n, plan in enumerate(design.outcomes)}
    return sorted(conclusions, key=lambda c: (c.area != POOLED, c.area_name.casefold(), c.area, rank.get(c.outcome, len(rank))))


def label_outcome(conclusion: Conclusion, outcome: Outcome) -> str:
    """Name of an outcome in a table, with its label where it is exploratory."""
    return upper_first(outcome.name) + ("" if conclusion.primary else " (exploratory)")


def table_answer(
    conclusions: Sequence[Conclusion], outcomes: Mapping[str, Outcome], *, caption: str, by: str, denominators: bool = True
) -> ReportTable:
    """Verdict, interval and people, one row a conclusion, in the order given.

    Parameters
    ----------
    conclusions : sequence of Conclusion
        Of one area (by ``outcome``) or of one outcome (by ``area``).
    outcomes : mapping of identifier to Outcome
        The outcomes in words.
    caption : str
        Title of the table.
    by : {'outcome', 'area'}
        What the first column names.
    denominators : bool
        Whether the note says of whom the rates are.
    """
    rows = []
    for item in conclusions:
        outcome = outcomes[item.outcome]
        unit = unit_words(outcome)
        first = label_outcome(item, outcome) if by == "outcome" else item.area_name
        rows.append(
            (
                first,
                item.verdict,
                f"{write_range(item.interval, unit)} ({_short_unit(outcome)})" if item.interval else NOT_AVAILABLE,
                write_range(item.people, PEOPLE) if item.people else _no_people(item, outcome),
                write_size(item.mde, unit) if item.mde is not None else NOT_AVAILABLE,
                write_size(item.cap, unit) if item.cap is not None else NOT_AVAILABLE,
            )
        )
    header = (
        by.capitalize(),
        "Verdict",
        "What the data allow: interval",
        "In people",
        "Smallest detectable",
        "Most the programme could do",
    )
    notes = ["Interval ends are rounded outward."]
    named = sorted({outcomes[c.outcome].denominator for c in conclusions if c.people and outcomes[c.outcome].denominator})
    if named and denominators:
        notes.append(f"People: {join_words(named)}.")
    return ReportTable(caption=caption, header=header, rows=tuple(rows), notes=tuple(notes))


def _short_unit(outcome: Outcome) -> str:
    return {"pp": "pp", "gbp": "£"}.get(outcome.unit, outcome.unit_words)


def _no_people(item: Conclusion, outcome: Outcome) -> str:
    return NOT_AVAILABLE if outcome.unit == "pp" or item.interval is None else NOT_APPLICABLE


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


def title_of(estimator: str, cards: Mapping[str, Card]) -> str:
    """Title of a method for readers."""
    return cards[estimator].title if estimator in cards else upper_first(estimator.replace("_", " "))


def table_specifications(findings: Sequence[Finding], outcome: Outcome, cards: Mapping[str, Card]) -> ReportTable:
    """Every estimate of one outcome with its inferences, p-values included: for the annex."""
    rows = []
    for item in findings:
        for inference in item.inferences:
            low, high = (inference.interval.low, inference.interval.high) if inference.interval else (None, None)
            rows.append(
                (
                    item.area_name,
                    title_of(item.estimator, cards),
                    write_signed(item.estimate.att, DIGITS),
                    _number(low),
                    _number(high),
                    _p_value(inference),
                    f"{inference.reps:,}" if inference.reps else NOT_APPLICABLE,
                    _number(inference.mde),
                    _number(item.estimate.pre_rmspe),
                    inference.method.replace("_", " ") if inference.decides else "conventional",
                )
            )
    levels = sorted({i.level for f in findings for i in f.inferences})
    header = ("Area", "Method", "Estimate", "Low", "High", "p", "Placebos", "Detectable", "Misfit before", "Inference")
    return ReportTable(
        caption=f"{upper_first(outcome.name)}: every estimate, in {outcome.unit_words}",
        header=header,
        rows=tuple(rows),
        numeric=frozenset(header[2:9]),
        notes=(
            "Negative: lower than it would have been without the programme.",
            "Conventional inference is for comparison; it decides nothing.",
            f"Intervals at {join_words([write_level(level) for level in levels])}.",
            "A p-value is not printed where the number of placebos does not allow it to reach the level.",
        ),
    )


def _p_value(inference: Inference) -> str:
    if inference.p_value is None:
        return NOT_AVAILABLE
    if not can_detect(inference):
        return NOT_APPLICABLE
    return f"{inference.p_value:.3f}"


def _number(value: float | None) -> str:
    return NOT_AVAILABLE if value is None else write_signed(value, DIGITS)


def table_checks(findings: Sequence[Finding], cards: Mapping[str, Card], *, caption: str, area: bool) -> ReportTable:
    """Every check with its value and threshold."""
    rows = []
    for item in findings:
        for check in item.checks:
            row = (
                title_of(item.estimator, cards),
                check.title,
                PASSED[check.passed],
                _number(check.value),
                _number(check.threshold),
            )
            rows.append((item.area_name, *row, check.text or NOT_AVAILABLE) if area else (*row, check.text or NOT_AVAILABLE))
    header = ("Method", "Check", "Result", "Value", "Threshold", "What was found")
    return ReportTable(
        caption=caption,
        header=("Area", *header) if area else header,
        rows=tuple(rows),
        numeric=frozenset({"Value", "Threshold"}),
    )


def table_donors(finding: Finding, *, caption: str, most: int = 15) -> ReportTable:
    """The comparison areas with the largest weights, by weight."""
    weights = sorted((w for w in finding.estimate.weights if w.weight >= 0.0005), key=lambda w: (-w.weight, w.name))
    rest = weights[most:]
    rows = [(w.name, f"{100 * w.weight:.1f}") for w in weights[:most]]
    if rest:
        rows.append((f"{len(rest)} others", f"{100 * sum(w.weight for w in rest):.1f}"))
    return ReportTable(
        caption=caption, header=("Area", "Weight, per cent"), rows=tuple(rows), numeric=frozenset({"Weight, per cent"})
    )


# ---------------------------------------------------------------- programme and data


def table_starts(design: Design, contracts: Contracts) -> ReportTable:
    """The treated areas: members, start with its basis, people to be supported."""
    rows = []
    for unit in sorted(design.treated, key=lambda u: (u.name.casefold(), u.code)):
        members = [contracts.areas[code].name if code in contracts.areas else code for code in unit.members]
        rows.append(
            (
                unit.name,
                join_words(sorted(members, key=str.casefold)),
                write_month(unit.start),
                unit.start_basis,
                write_people(unit.supported) if unit.supported is not None else "not established",
            )
        )
    return ReportTable(
        caption="Areas with the programme",
        header=(
            "Area",
            "Local authorities",
            "Taken to start",
            "How the start is known",
            "People to be supported in the first year",
        ),
        rows=tuple(rows),
        numeric=frozenset({"People to be supported in the first year"}),
    )


def table_start_notes(design: Design) -> ReportTable:
    """Where each start comes from, or why it was assumed."""
    units = sorted(design.treated, key=lambda u: (u.name.casefold(), u.code))
    rows = tuple(
        (u.name, write_month(u.start), u.start_note or NOT_AVAILABLE, u.supported_source or NOT_AVAILABLE) for u in units
    )
    return ReportTable(
        caption="Where the starts and the numbers of people come from",
        header=("Area", "Taken to start", "Source of the start, or why it is assumed", "Source of the number of people"),
        rows=rows,
    )


def table_funding(design: Design, contracts: Contracts) -> ReportTable | None:
    """Money announced for each place; totals of places, never added over authorities. None where nothing is on record."""
    rows = []
    for items in contracts.places(design.programme).values():
        first = items[0]
        if first.funding_gbp is None and not first.funding_note:
            continue
        amount = f"£{first.funding_gbp:,}" if first.funding_gbp is not None else "not established"
        rows.append((first.place_name, amount, first.funding_note or NOT_AVAILABLE, first.source_title or NOT_AVAILABLE))
    if not rows:
        return None
    return ReportTable(
        caption="Funding on record, by place",
        header=("Place", "Amount for the whole place", "What it covers", "Source"),
        rows=tuple(sorted(rows, key=lambda row: row[0].casefold())),
        numeric=frozenset({"Amount for the whole place"}),
        notes=("Amounts are totals of places and may cover different periods: they must not be added up.",),
    )


def table_exclusions(findings: Sequence[Finding]) -> ReportTable | None:
    """How many areas were left out of the comparison, by reason; None when none was."""
    counts: dict[str, int] = {}
    for item in findings[:1]:
        for excluded in item.excluded:
            counts[excluded.reason] = counts.get(excluded.reason, 0) + 1
    if not counts:
        return None
    rows = tuple((upper_first(reason), f"{n:,}") for reason, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    return ReportTable(
        caption="Areas left out of the comparison, by reason", header=("Reason", "Areas"), rows=rows, numeric=frozenset({"Areas"})
    )


def find_statuses(contracts: Contracts, design: Design, panel: Panel, finding: Finding) -> dict[str, AreaStatus]:
    """What every authority is in the comparison of one finding; one that starts after the window is comparison."""
    outcome = finding.outcome
    frame = panel.frame
    measured = set(frame.loc[(frame["outcome"] == outcome) & frame["value"].notna(), "area_code"].astype(str))
    statuses = {
        code: AreaStatus(code, "comparison" if code in measured else "no data", "")
        for code, area in contracts.areas.items()
        if code in measured or area.nation in design.donors.nations
    }
    for excluded in finding.excluded:
        if excluded.area in contracts.areas:
            statuses[excluded.area] = AreaStatus(excluded.area, "excluded", excluded.reason)
    for unit in units_in_window(design, outcome):
        for code in unit.members:
            if code in contracts.areas:
                statuses[code] = AreaStatus(code, "treated", unit.name)
    return {code: s if s.note else AreaStatus(code, s.status, "no place with the programme") for code, s in statuses.items()}


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


def table_outcomes(design: Design, outcomes: Mapping[str, Outcome]) -> ReportTable:
    """What is measured, how often, over which window."""
    rows = []
    for plan in design.outcomes:
        item = outcomes[plan.id]
        window = f"{item.window_months} months" if item.window_months > 1 else "1 month"
        rows.append(
            (
                upper_first(item.name),
                "primary" if plan.primary else "exploratory",
                item.definition,
                f"{item.frequency}, each figure covers {window}",
                {"lower": "lower", "higher": "higher", "none": "neither"}[item.wanted],
                "yes" if item.survey else "no",
            )
        )
    return ReportTable(
        caption="Outcomes of this evaluation",
        header=("Outcome", "Role", "Definition", "Frequency", "Direction the programme aims for", "From a survey"),
        rows=tuple(rows),
    )


# ---------------------------------------------------------------- synthetic runs


def table_planted(
    planted: pd.DataFrame, conclusions: Sequence[Conclusion], design: Design, outcomes: Mapping[str, Outcome]
) -> ReportTable | None:
    """For synthetic data: the difference that was planted beside the interval that was found; None where nothing fits.

    Areas of several authorities show the smallest and the largest planted difference where they are not the same.
    """
    rows = []
    for item in order_conclusions(conclusions, design):
        if item.area == POOLED:
            members = [code for unit in units_in_window(design, item.outcome) for code in unit.members]
        else:
            members = list(design.unit_of(item.area).members)
        mine = planted[planted["area_code"].isin(members) & (planted["outcome"] == item.outcome)]
        effects = [*mine["effect"].astype(float), *([0.0] if mine["area_code"].nunique() < len(members) else [])]
        unit = unit_words(outcomes[item.outcome])
        low, high = min(effects), max(effects)
        rows.append(
            (
                item.area_name,
                label_outcome(item, outcomes[item.outcome]),
                _planted(low, high, unit.direction),
                write_range(item.interval, unit) if item.interval else NOT_AVAILABLE,
                _holds(item, low, high),
                item.verdict,
            )
        )
    if not rows:
        return None
    return ReportTable(
        caption="SYNTHETIC data: what was planted beside what was found",
        header=("Area", "Outcome", "Planted", "Interval found", "Planted value in the interval", "Verdict"),
        rows=tuple(rows),
        notes=("Differences in the outcome's unit. The planted values were not used in any estimate.",),
    )


def _planted(low: float, high: float, direction: object) -> str:
    def say(value: float) -> str:
        return f"{abs(value):g} {direction(value)}" if value else "0"  # type: ignore[operator]

    return say(low) if low == high else f"from {say(low)} to {say(high)}"


def _holds(item: Conclusion, low: float, high: float) -> str:
    if item.interval is None:
        return NOT_APPLICABLE
    if item.interval.low <= low and high <= item.interval.high:
        return "yes"
    return "no" if high < item.interval.low or low > item.interval.high else "in part"

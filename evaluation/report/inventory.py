"""Tables of what was there before any estimate: the places with the programme, the areas left out, the outcomes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from evaluation.contracts.records import Contracts, Outcome
from evaluation.panel.period_words import write_month
from evaluation.report.counts import PLANNED
from evaluation.report.places import AreaStatus
from evaluation.report.tables import NOT_AVAILABLE, ReportTable
from evaluation.results import Design, Finding, Panel
from evaluation.synthesis.evidence import units_in_window
from evaluation.synthesis.numbers import write_people
from evaluation.synthesis.phrases import join_words, upper_first


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
            PLANNED,
        ),
        rows=tuple(rows),
        numeric=frozenset({PLANNED}),
    )


def table_start_notes(design: Design) -> ReportTable:
    """Where each start comes from, or why it was assumed."""
    units = sorted(design.treated, key=lambda u: (u.name.casefold(), u.code))
    rows = tuple((u.name, u.start_note or NOT_AVAILABLE, u.supported_source or NOT_AVAILABLE) for u in units)
    return ReportTable(
        caption="Where the starts and the numbers of people come from",
        header=("Area", "Source of the start, or why it is assumed", "Source of the number of people"),
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


def table_exclusions(finding: Finding) -> ReportTable | None:
    """How many areas were left out of the comparison of a finding, by reason; None when none was."""
    counts = Counter(_generalise(excluded.reason) for excluded in finding.excluded)
    if not counts:
        return None
    rows = tuple((upper_first(reason), f"{n:,}") for reason, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    return ReportTable(
        caption="Areas left out of the comparison, by reason", header=("Reason", "Areas"), rows=rows, numeric=frozenset({"Areas"})
    )


def _generalise(reason: str) -> str:
    """A reason without the area it names in brackets at its end, and with months in words."""
    return _MONTH.sub(lambda found: write_month(found[0]), _NAMED.sub("", reason))


_NAMED = re.compile(r"\s*\([^()]*\)$")
_MONTH = re.compile(r"\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])\b")


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


def table_outcomes(design: Design, outcomes: Mapping[str, Outcome]) -> ReportTable:
    """What is measured, how often, over which window."""
    rows = []
    for plan in design.outcomes:
        item = outcomes[plan.id]
        window = f"{item.window_months} months" if item.window_months > 1 else "one month"
        rows.append(
            (
                f"{upper_first(item.name)} ({'primary' if plan.primary else 'exploratory'})",
                item.definition,
                f"{item.frequency}, each for {window}",
                {"lower": "lower", "higher": "higher", "none": "neither"}[item.wanted],
                "yes" if item.survey else "no",
            )
        )
    return ReportTable(
        caption="Outcomes of this evaluation",
        header=("Outcome", "Definition", "Figures", "Aim of the programme", "Survey"),
        rows=tuple(rows),
    )

"""Finds small counts of the data that stand in a table or notebook though nobody declared them, by their value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evaluation.contracts.disclosure import COUNTED, Clause, source_of
from evaluation.contracts.records import Contracts
from evaluation.panel.period_words import write_month
from evaluation.report.disclosure_rules import SUPPRESS, Breach
from evaluation.report.tables import ReportTable, read_number
from evaluation.results import Panel

_TIME = re.compile(r"\b(?:time|since|after|periods?|months?|quarters?|years?)\b", re.IGNORECASE)
"""Columns that count time, not people."""


@dataclass(frozen=True, slots=True)
class _Fact:
    """A small count of the panel."""

    value: float
    threshold: int
    words: tuple[str, ...]
    """One of these stands in a table that shows it: its period, its outcome, what is counted."""


def find_by_value(
    tables: Iterable[tuple[str, ReportTable]], contracts: Contracts, panel: Panel, clauses: Mapping[str, Clause]
) -> Iterator[Breach]:
    """Small counts of the panel that stand in a row with their area, in a table about their period, outcome or people.

    Parameters
    ----------
    tables : iterable of (file, ReportTable)
        Everything that is printed in rows and columns.
    contracts, panel
        Outcomes, and their figures.
    clauses : mapping of outcome to Clause
        Their rules.
    """
    facts = _small_counts(contracts, panel, clauses)
    for file, table in tables if facts else ():
        titled = {name for name in facts if name in table.caption}
        for row in table.rows:
            for name in sorted({cell.strip() for cell in row} & facts.keys() | titled):
                for at, fact in _match(table, row, facts[name]):
                    text = f"the count {row[at].strip()} of the data is below the threshold of {fact.threshold}"
                    yield Breach(file=file, cell=f"{name}, {table.header[at]}", text=text, fix=SUPPRESS)


def _match(table: ReportTable, row: Sequence[str], facts: Sequence[_Fact]) -> Iterator[tuple[int, _Fact]]:
    """Columns of a row that show one of the counts."""
    for at, cell in enumerate(row):
        number = read_number(cell.strip())
        if number is None or _TIME.search(table.header[at]):
            continue
        around = " ".join((table.caption, table.header[at], *row)).casefold()
        for fact in facts:
            if float(number) == fact.value and any(word in around for word in fact.words):
                yield at, fact
                break


def _small_counts(contracts: Contracts, panel: Panel, clauses: Mapping[str, Clause]) -> dict[str, list[_Fact]]:
    """Small counts of the panel by name and by code of their area."""
    read = [item.source for item in panel.inputs]
    found: dict[str, list[_Fact]] = {}
    for id, outcome in contracts.outcomes.items():
        clause = clauses.get(id)
        if outcome.unit not in COUNTED or clause is None or clause.threshold is None or not source_of(outcome, read):
            continue
        frame = panel.frame[(panel.frame["outcome"] == id) & panel.frame["value"].notna()]
        columns = (frame[name] for name in ("area_code", "area_name", "period", "value"))
        for code, name, period, value in zip(*columns, strict=True):
            if clause.is_small(float(value)):
                words = (period, write_month(period), outcome.name, *clause.nouns)
                fact = _Fact(float(value), clause.threshold, tuple(word.casefold() for word in words))
                for key in (str(code), str(name)):
                    found.setdefault(key, []).append(fact)
    return found

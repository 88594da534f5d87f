"""Holding fetched tables against their contract before they become a vintage."""

from __future__ import annotations

from pathlib import Path

from evaluation.contracts.check import check_table, format_violations
from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.table import Table
from evaluation.errors import DataError
from evaluation.panel.readers import read_published
from evaluation.panel.vintages import VintageRecord

NATIONS = ("England", "Wales")


def find_faults(staging: Path, record: VintageRecord, source: Source, contracts: Contracts) -> tuple[str, ...]:
    """What is wrong with the tables of a fetch: what a reader or the contract refuses, and authorities that are not there.

    Returns
    -------
    tuple of str
        Messages, empty where everything keeps its contract. Warnings of the contract are none.
    """
    faults: list[str] = []
    tables: list[Table] = []
    for item in record.tables:
        try:
            table = read_published(staging / item.file, source, contracts).table
        except DataError as error:
            faults.append(str(error))
            continue
        errors = [found for found in check_table(table, source, contracts) if found.severity == "error"]
        if errors:
            faults.append(format_violations(errors))
        tables.append(table)
    if not faults:
        faults += _repeated(tables, source)
        faults += _absent(tables, source, contracts)
    return tuple(faults)


def _repeated(tables: list[Table], source: Source) -> list[str]:
    """Keys that stand in two tables of one fetch."""
    seen: dict[tuple[str, ...], str] = {}
    twice = 0
    first = ""
    for table in tables:
        keys = set(table.frame[list(source.key)].itertuples(index=False, name=None))
        for key in sorted(keys):
            if key in seen:
                twice += 1
                first = first or f"{', '.join(key)} in {seen[key]} and {table.file}"
            seen.setdefault(key, table.file)
    if not twice:
        return []
    return [f"{source.id}: {twice} row(s) stand in two answers, first {first} (rule key). Fix: fetch again."]


def _absent(tables: list[Table], source: Source, contracts: Contracts) -> list[str]:
    """Authorities of England and Wales without a row in some period; a suppressed figure has a row."""
    if source.fetch.get("service") != "nomis" or not source.area_column:
        return []
    later = {area.code_2025: code for code, area in contracts.areas.items()}
    wanted = {code for code, area in contracts.areas.items() if area.nation in NATIONS}
    faults = []
    for table in tables:
        for period, rows in table.frame.groupby(source.period_column, sort=True)[source.area_column]:
            there = {later.get(str(code), str(code)) for code in rows.unique()}
            absent = sorted(wanted - there)
            if absent:
                shown = ", ".join(f"{code} {contracts.areas[code].name}" for code in absent[:5])
                more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
                faults.append(
                    f"{table.file}: {period}: the answer has {len(wanted) - len(absent)} of the {len(wanted)} authorities of "
                    f"England "
                    f"and Wales; without a row: {shown}{more} (rule areas). Fix: fetch again; if it stays so, the publisher "
                    f"uses "
                    "another list of areas."
                )
    return faults[:5] + ([f"{source.id}: and {len(faults) - 5} more periods."] if len(faults) > 5 else [])

"""A text table held against its contract: every fault found in one go, each with its place.

Cells are judged in `cells`, rules about several cells in `panel_rules`; here stand the header, the rows that are no data and
the key.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evaluation.contracts.cells import check_column
from evaluation.contracts.fields import nearest
from evaluation.contracts.panel_rules import check_rule
from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.subject import Subject
from evaluation.contracts.table import Table
from evaluation.contracts.violations import Violation, format_violation, format_violations

__all__ = ["Violation", "check_table", "format_violation", "format_violations"]

TITLE_ROWS = 20
"""Rows in which column names are looked for where the header has none of them."""
_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>")


def check_table(table: Table, source: Source, contracts: Contracts) -> list[Violation]:
    """Hold a table against the contract of its source.

    Parameters
    ----------
    table : Table
        Text cells under the contract's column names; columns the contract does not name are not looked at.
    source : Source
        The contract.
    contracts : Contracts
        Registers of areas and code changes.

    Returns
    -------
    list of Violation
        Empty for a clean table. One entry for each kind of fault, with its first line and its count.
    """
    conflict, again = _conflict_rows(table), _header_rows(table)
    subject = Subject.of(table, source, contracts, ~(conflict | again))
    found = [*_conflict_violations(table, subject, conflict), *_header_again(table, subject, again)]
    header = list(_header_violations(subject))
    found += header
    if any(item.rule == "version" for item in header) or not any(subject.has(column.name) for column in source.columns):
        return found
    if not len(subject.frame):
        return [*found, subject.remark(column="", rule="file", text="there are no rows", fix="fetch the file again")]
    for column in source.columns:
        if subject.has(column.name):
            found += check_column(subject, column)
    found += _repeats(subject)
    for rule in source.rules:
        if subject.has(*rule.columns):
            found += check_rule(subject, rule)
    return found


def _conflict_rows(table: Table) -> np.ndarray:
    if not len(table.frame.columns):
        return np.zeros(len(table.frame), dtype=bool)
    marked = np.zeros(len(table.frame), dtype=bool)
    for position in range(min(3, table.frame.shape[1])):  # by position: several columns may have no name
        marked |= table.frame.iloc[:, position].str.startswith(_CONFLICT).to_numpy(dtype=bool)
    return marked


def _conflict_violations(table: Table, subject: Subject, rows: np.ndarray) -> Iterator[Violation]:
    if not rows.any():
        return
    first = int(np.flatnonzero(rows)[0])
    cell = next(str(c) for c in table.frame.iloc[first] if str(c).startswith(_CONFLICT))
    yield subject.remark(
        column=str(table.frame.columns[0]),
        rule="merge_conflict",
        text=f"{cell!r} is a mark an unresolved merge left in the file",
        fix=(
            "fetch the file again; if the publisher's own copy has it, tell them and remove the line after comparing the rows"
            " around it"
        ),
        count=int(rows.sum()),
        line=int(table.line[first]),
    )


def _header_rows(table: Table) -> np.ndarray:
    """Rows that repeat the column names, as where one file was put below another."""
    same = np.ones(len(table.frame), dtype=bool)
    for position, name in enumerate(table.frame.columns):
        same &= (table.frame.iloc[:, position] == name).to_numpy(dtype=bool)
    return same & bool(len(table.frame.columns))


def _header_again(table: Table, subject: Subject, rows: np.ndarray) -> Iterator[Violation]:
    if rows.any():
        yield subject.remark(
            column="",
            rule="header",
            text="the column names stand here again, as where one file was put below another",
            fix="put the files into the folder one by one, or take the line away",
            count=int(rows.sum()),
            line=int(table.line[int(np.flatnonzero(rows)[0])]),
        )


def _header_violations(subject: Subject) -> Iterator[Violation]:
    source, there = subject.source, [str(name) for name in subject.frame.columns]
    absent = [c.name for c in source.columns if c.present and c.name not in there]
    earlier = {old: new for old, new in source.earlier_columns.items() if old in there and new in absent}
    if absent and set(absent) == set(earlier.values()):
        renamed = ", ".join(f"{old} to {new}" for old, new in list(earlier.items())[:4])
        more = f" and {len(earlier) - 4} more" if len(earlier) > 4 else ""
        yield subject.remark(
            column="",
            rule="version",
            line=subject.header_line,
            text=(
                f"the file was made under version {source.earlier_version} of the contract {source.id}, which is at"
                f" {source.version} and renamed {renamed}{more}"
            ),
            fix="fetch the present edition, or rename the columns",
        )
        return
    below = _header_below(subject, absent)
    if below is not None:
        yield subject.remark(
            column="",
            rule="header",
            line=subject.header_line,
            text=f"the column names stand on line {below}, below lines that are no table",
            fix="take away what stands above them",
        )
        return
    known = [c.name for c in source.columns]
    spare = [name for name in there if name not in known]
    for name in absent:
        close = next((s for s in spare if _plain(s) == _plain(name)), None)
        guess = nearest(name, spare)
        if close is not None:
            text, fix = f"the column {name!r} is missing, {close!r} is there", f"rename {close!r} to {name!r}"
        else:
            text, fix = (
                f"the column {name!r} is missing{guess}",
                f"the file has {', '.join(there)}; fetch it with all its columns",
            )
        yield subject.remark(column=name, rule="header", line=subject.header_line, text=text, fix=fix)


def _header_below(subject: Subject, absent: list[str]) -> int | None:
    """The line on which the missing column names stand, if one of the first rows holds most of them."""
    if not absent:
        return None
    for row, cells in enumerate(subject.frame.head(TITLE_ROWS).itertuples(index=False, name=None)):
        if len(set(absent) & set(cells)) > len(absent) / 2:
            return int(subject.line[row])
    return None


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _repeats(subject: Subject) -> Iterator[Violation]:
    key = [name for name in subject.source.key if subject.has(name)]
    if not key or len(key) < len(subject.source.key):
        return
    group, first = subject.codes(key)
    rows = np.arange(len(group))
    again = rows != first[group]
    if not again.any():
        return
    row = int(np.flatnonzero(again)[0])
    yield subject.report(
        again,
        column=key[0],
        rule="duplicate",
        text=f"line {int(subject.line[first[group[row]]])} has the same {', '.join(key)} already",
        fix="keep one of the two",
    )

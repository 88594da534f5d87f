"""A table under check: its rows, its numbers, and a way to say where a fault first stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from evaluation.contracts.records import Contracts, Rule, Source
from evaluation.contracts.table import Table
from evaluation.contracts.violations import Violation


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What the checks look at; rows a merge left behind are taken out before."""

    file: str
    frame: pd.DataFrame
    line: np.ndarray
    header_line: int
    source: Source
    contracts: Contracts
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    """Number columns as floats, missing where a cell is empty, a marker or not a number."""

    @classmethod
    def of(cls, table: Table, source: Source, contracts: Contracts, keep: np.ndarray) -> Subject:
        """The rows of a table that `keep` picks."""
        frame = table.frame if keep.all() else table.frame[keep]
        return cls(table.file, frame.reset_index(drop=True), table.line[keep], table.header_line, source, contracts)

    def has(self, *columns: str) -> bool:
        """Whether all these columns are there."""
        return all(column in self.frame.columns for column in columns)

    def cells(self, column: str) -> np.ndarray:
        """A column's text, as an object array."""
        return self.frame[column].to_numpy(dtype=object)

    def codes(self, columns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Group number of each row, and the row each group is first met in; all rows are one group where no column is named."""
        number = np.zeros(len(self.frame), dtype=np.int64)
        for column in columns:
            each, uniques = pd.factorize(self.frame[column])
            number = number * len(uniques) + each
        groups, first, inverse = np.unique(number, return_index=True, return_inverse=True)
        del groups
        return inverse.reshape(-1), first

    def well_formed(self, column: str) -> np.ndarray:
        """Rows whose cell has the form the contract asks of the column; the others are reported once, by that."""
        contract = self.source.column(column)
        if contract is None or contract.pattern is None:
            return np.ones(len(self.frame), dtype=bool)
        codes, uniques = pd.factorize(self.frame[column])
        shape = re.compile(contract.pattern)
        return np.array([shape.fullmatch(str(text)) is not None for text in uniques], dtype=bool)[codes]

    def where(self, condition: Mapping[str, Any] | None) -> np.ndarray:
        """Rows whose columns have the value, or one of the values, a rule's ``where`` names."""
        picked = np.ones(len(self.frame), dtype=bool)
        for column, wanted in (condition or {}).items():
            values = [str(item) for item in wanted] if isinstance(wanted, (list, tuple)) else [str(wanted)]
            picked &= self.frame[column].isin(values).to_numpy() if column in self.frame.columns else False
        return picked

    def key(self, row: int) -> str:
        """The key of a row in words."""
        return ", ".join(str(self.frame[name].iloc[row]) for name in self.source.key if name in self.frame.columns)

    def report(
        self,
        rows: np.ndarray,
        *,
        column: str,
        rule: str,
        text: str,
        fix: str,
        severity: Literal["error", "warning"] = "error",
    ) -> Violation:
        """A fault of the rows that the boolean array `rows` marks, placed at the first of them."""
        marked = np.flatnonzero(rows)
        first = int(marked[0])
        return Violation(
            file=self.file,
            line=int(self.line[first]),
            column=column,
            rule=rule,
            text=text,
            value=str(self.frame[column].iloc[first]) if column in self.frame.columns else "",
            count=len(marked),
            fix=fix,
            severity=severity,
            first=self.key(first),
            contract=f"{self.source.id} {self.source.version}",
        )

    def remark(
        self,
        *,
        column: str,
        rule: str,
        text: str,
        fix: str,
        count: int = 0,
        line: int | None = None,
        first: str = "",
        severity: Literal["error", "warning"] = "error",
    ) -> Violation:
        """A fault of the whole file or of rows that are not there."""
        return Violation(
            file=self.file,
            line=line,
            column=column,
            rule=rule,
            text=text,
            value="",
            count=count,
            fix=fix,
            severity=severity,
            first=first,
            contract=f"{self.source.id} {self.source.version}",
        )


def named(rule: Rule, name: str) -> str:
    """A parameter of a rule that holds one column name."""
    return str(rule.parameters[name])


def listed(rule: Rule, name: str) -> tuple[str, ...]:
    """A parameter of a rule that holds one text or a list of texts; empty where it is not given."""
    value = rule.parameters.get(name, ())
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)

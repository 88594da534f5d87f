"""What is wrong with data files, kept until every file has been looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from evaluation.contracts.check import Violation, format_violations
from evaluation.contracts.records import Source
from evaluation.contracts.table import Table
from evaluation.errors import DataError


@dataclass(slots=True)
class Findings:
    """Violations of contracts and files that cannot be used; it grows while files are read.

    Attributes
    ----------
    violations : rows that break a contract, errors and warnings
    refusals : messages about files that cannot be read, and outcomes no file serves
    """

    violations: list[Violation] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[Violation]:
        """Violations that are no mere warnings."""
        return [v for v in self.violations if v.severity == "error"]

    @property
    def warnings(self) -> list[Violation]:
        """Violations that stop nothing."""
        return [v for v in self.violations if v.severity == "warning"]

    def add(
        self, table: Table, source: Source, lines: np.ndarray, *, column: str, rule: str, text: str, value: str, fix: str
    ) -> None:
        """Add an error about the rows in `lines`, unless the contract's check has named one of these lines already.

        Parameters
        ----------
        table, source : Table, Source
            The file and the source it falls under.
        lines : integer array
            Lines of the file with the fault.
        column, rule : str
            Where it stands, and what it breaks.
        text : str
            What is wrong, to be read after the value.
        value : str
            The cell of the first line, as published.
        fix : str
            What to do.
        """
        told = {v.line for v in self.errors if v.file == table.file}
        if told.isdisjoint(lines.tolist()):
            self.violations.append(
                Violation(
                    file=table.file,
                    line=int(lines[0]),
                    column=column,
                    rule=rule,
                    text=f"{value!r} {text}",
                    value=value,
                    count=len(lines),
                    fix=fix,
                    contract=f"{source.id} {source.version}",
                )
            )

    def raise_errors(self) -> None:
        """Raise a `DataError` with everything found, if anything stops the work."""
        if self.refusals or self.errors:
            raise DataError("\n".join([*self.refusals, *([format_violations(self.errors)] if self.errors else [])]))

"""What a check of data files found: a table for a person, and every finding for a program, as CSV or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from evaluation.contracts.csv_text import write_csv
from evaluation.contracts.violations import Violation
from evaluation.plain import to_plain
from evaluation.project import write_whole

NAMES = tuple(item.name for item in fields(Violation))
"""Columns of the findings, in their order."""


def describe_checked(files: Sequence[str], findings: Sequence[Violation]) -> list[str]:
    """One line a file: what was found in it, and how many rows have it.

    Parameters
    ----------
    files : sequence of str
        Names of the files that were read or refused, below the data folder.
    findings : sequence of Violation
        What the check found, files that were refused whole among them.
    """
    names = [*dict.fromkeys([*files, *(item.file for item in findings)])]
    rows = [("file", "errors", "warnings", "rows", "")]
    for name in names:
        mine = [item for item in findings if item.file == name]
        errors = sum(item.severity == "error" for item in mine)
        touched = sum(item.count for item in mine)
        verdict = "breaks its contract" if errors else "keeps its contract"
        rows.append((name, str(errors), str(len(mine) - errors), f"{touched:,}" if touched else "", verdict))
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    right = (1, 2, 3)
    return [
        "  ".join(cell.rjust(widths[n]) if n in right else cell.ljust(widths[n]) for n, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def write_findings(path: Path, findings: Sequence[Violation]) -> None:
    """Write every finding: as JSON where the file's name ends in ``.json``, else as CSV."""
    json_wanted = path.suffix.lower() == ".json"
    write_whole(path, findings_json(findings) if json_wanted else findings_csv(findings))


def findings_csv(findings: Sequence[Violation]) -> str:
    """One row a finding; text a spreadsheet would run is neutralised."""
    rows = [to_plain(item) for item in findings]
    return write_csv(NAMES, [["" if row[name] is None else str(row[name]) for name in NAMES] for row in rows])


def findings_json(findings: Sequence[Violation]) -> str:
    """A list of findings, each with all its fields."""
    return json.dumps([to_plain(item) for item in findings], ensure_ascii=False, indent=1) + "\n"

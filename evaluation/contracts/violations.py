"""What a check finds, and how it is said: always file, line, column, what is wrong, rule, count and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

SHOWN = 20
"""Lines a file gets in a message before the rest is counted."""
ALL_OF_THEM = "; `trailblazer check --out findings.csv` lists them all"
"""Where the rest is to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One kind of fault in one file, at its first place."""

    file: str
    line: int | None
    """First line (or sheet row) it is found at; None where it is about the whole file."""
    column: str
    rule: str
    text: str
    """What is wrong, without the place."""
    value: str
    """The cell as published, or empty."""
    count: int
    """Rows (for gaps, cells) with the same fault."""
    fix: str
    severity: Literal["error", "warning"] = "error"
    first: str = ""
    """Key of the first row, such as ``E06000004, 2022-03``."""
    contract: str = ""
    """Contract and version the file was held against."""


def format_violation(item: Violation) -> str:
    """One line: ``file:line: column: what is wrong (rule NAME; n row(s); first KEY). Fix: what to do``."""
    place = item.file if item.line is None else f"{item.file}:{item.line}"
    detail = [f"rule {item.rule}", f"{item.count} row(s)"] if item.count else [f"rule {item.rule}"]
    if item.first:
        detail.append(f"first {item.first}")
    warning = "warning: " if item.severity == "warning" else ""
    return f"{place}: {item.column + ': ' if item.column else ''}{warning}{item.text} ({'; '.join(detail)}). Fix: {item.fix}."


def format_violations(found: Iterable[Violation], *, shown: int = SHOWN, rest: str = ALL_OF_THEM) -> str:
    """All findings, file by file, errors before warnings and the most frequent first.

    Parameters
    ----------
    found : iterable of Violation
        In any order.
    shown : int
        Lines a file gets; what is left over is counted in a line of its own.
    rest : str
        What that line says after the count, such as where the rest stands.
    """
    by_file: dict[str, list[Violation]] = {}
    for item in found:
        by_file.setdefault(item.file, []).append(item)
    lines: list[str] = []
    for file, items in by_file.items():
        ordered = sorted(items, key=lambda v: (v.severity == "warning", -v.count, v.line or 0))
        lines += [format_violation(item) for item in ordered[:shown]]
        if len(ordered) > shown:
            lines.append(f"{file}: and {len(ordered) - shown} more{rest}.")
    return "\n".join(lines)

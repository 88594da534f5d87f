"""What forbids a report to be built, with its place in the sources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evaluation.errors import ReportError

__all__ = ["Finding", "refuse"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing in the sources that must be put right."""

    file: str
    line: int
    what: str
    allowed: str
    advice: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; allowed: {self.allowed}; {self.advice}."


def refuse(findings: Iterable[Finding]) -> None:
    """Raise one error that names all `findings`, in the order of files and lines; do nothing without any."""
    ordered = sorted(set(findings))
    if ordered:
        count = f"{len(ordered)} finding{'s' if len(ordered) > 1 else ''}"
        raise ReportError(f"The report cannot be built: {count}.\n" + "\n".join(map(str, ordered)))

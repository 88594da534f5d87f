"""What is wrong with a contracts folder, gathered so that everything is told in one go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evaluation.contracts.fields import FieldProblem
from evaluation.contracts.yamlfile import Document
from evaluation.errors import ConfigurationError, DataError

SHOWN = 20
"""Lines of one file that a message shows."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of an error, and whether data (exit code 3) or configuration (2) are at fault."""

    text: str
    data: bool = False


def raise_problems(problems: list[Problem]) -> None:
    """Raise what was found: configuration before data, at most `SHOWN` lines a file."""
    if not problems:
        return
    by_file: dict[str, list[str]] = {}
    for problem in problems:
        by_file.setdefault(problem.text.split(":", 1)[0], []).append(problem.text)
    lines: list[str] = []
    for file, texts in by_file.items():
        lines += texts[:SHOWN]
        if len(texts) > SHOWN:
            lines.append(f"{file}: and {len(texts) - SHOWN} more.")
    error = DataError if all(p.data for p in problems) else ConfigurationError
    raise error("\n".join(lines))


def keyed(document: Document, found: Iterable[FieldProblem], *path: str | int) -> Iterator[str]:
    """Field problems with the file and line of their key."""
    for problem in found:
        yield f"{document.place(*path, problem.key)}: {problem.key}: {problem.text}."

"""What a client of a service hands over: tables, each with the raw answers it came from."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.fetch.questions import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One table of a source."""

    answers: tuple[Answer, ...]
    body: bytes
    """The file a reader reads: the one answer as it came, or what was made from several."""
    rows: int
    suffix: str = ".csv"

    @property
    def is_raw(self) -> bool:
        """Whether the table is the answer itself."""
        return len(self.answers) == 1 and self.answers[0].body == self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """All that was fetched of one source."""

    parts: tuple[Part, ...]
    answers: tuple[Answer, ...] = ()
    """Answers that are no part of a table, such as lists of codes."""
    row_cap: int = 0
    notes: tuple[str, ...] = ()

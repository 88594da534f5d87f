"""The answers kept before in place of the network."""

from __future__ import annotations

from collections.abc import Callable

from evaluation.errors import DataError
from evaluation.fetch.questions import Answer, Question
from evaluation.fetch.store import read_answers
from evaluation.panel.vintages import Vintage


class Replay:
    """Gives the answers of a vintage; an `Asker`.

    Parameters
    ----------
    vintage : Vintage
        Whose answers; its files are held against their hashes first.
    say : callable, optional
        Gets a line for each answer.
    """

    def __init__(self, vintage: Vintage, say: Callable[[str], None] | None = None) -> None:
        vintage.check()
        self.vintage = vintage
        self.say = say or (lambda line: None)
        self._kept = read_answers(vintage)

    def ask(self, question: Question) -> Answer:
        """Give the kept answer.

        Raises
        ------
        DataError
            If this question was not asked then.
        """
        kept = self._kept.get(question.identity)
        if kept is None:
            raise DataError(
                f"{question.shown}: not among the answers kept in {self.vintage.shown}, because another question was asked "
                f"then. "
                "Fix: fetch without --offline."
            )
        self.say(f"{question.shown}: {len(kept.body):,} bytes, kept since {kept.at}")
        return Answer(
            question=question,
            at=kept.at,
            status=kept.status,
            headers=kept.headers,
            body=kept.body,
            attempts=kept.attempts,
            unchanged=kept.unchanged,
        )

    def confirm(self, answer: Answer) -> bool:
        """A kept answer stays what it is."""
        return True

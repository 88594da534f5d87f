"""What is asked of a service and what comes back, whoever carries it: the network, or the answers kept before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import urlencode

from evaluation.errors import DataError

Kind = Literal["csv", "json", "workbook", "page"]

SUFFIX: Mapping[str, str] = {"csv": ".csv", "json": ".json", "workbook": ".xlsx", "page": ".html"}
WORDS: Mapping[str, str] = {"csv": "a CSV table", "json": "JSON", "workbook": "a spreadsheet", "page": "a web page"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A key that goes with a question and must stand nowhere else."""

    variable: str
    """Environment variable it came from."""
    value: str = field(repr=False)
    name: str
    """Header or parameter it is sent as."""
    place: Literal["header", "parameter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request."""

    kind: Kind
    """What the answer must be."""
    address: str
    parameters: tuple[tuple[str, str], ...] = ()
    sent: str = ""
    """JSON body; a question with one is a POST."""
    secret: Secret | None = None

    @property
    def method(self) -> str:
        """``GET``, or ``POST`` where something is sent."""
        return "POST" if self.sent else "GET"

    @property
    def shown(self) -> str:
        """The whole address without the key; commas and colons as they are, which services accept and people can read."""
        query = urlencode(self.parameters, safe=",:*")
        return f"{self.address}?{query}" if query else self.address

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells one question from another."""
        return self.method, self.shown, self.sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a service gave."""

    question: Question
    at: str
    """UTC, ``2026-11-22T11:57:37Z``."""
    status: int
    headers: Mapping[str, str]
    body: bytes
    attempts: int = 1
    unchanged: bool = False
    """Whether the service said that it is what it gave before."""

    @property
    def sha256(self) -> str:
        """Of the body."""
        return hashlib.sha256(self.body).hexdigest()

    def text(self) -> str:
        """The body as text.

        Raises
        ------
        DataError
            If it is not UTF-8.
        """
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.question.shown}: the answer is not UTF-8 text (byte {error.start:,}; rule encoding). "
                "Fix: fetch it again; if it stays so, the service changed its encoding and the client needs work."
            ) from None


class Asker(Protocol):
    """Who carries questions to a service."""

    say: Callable[[str], None]
    """Takes a line about how it is getting on."""

    def ask(self, question: Question) -> Answer:
        """Give the answer to a question; kept, so that asking the same twice costs one request."""

    def confirm(self, answer: Answer) -> bool:
        """Whether the service would still give this answer."""

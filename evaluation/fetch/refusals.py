"""Answers that are none: what a status, a waiting time or a body of another kind says, and what to do."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from evaluation.errors import ConfigurationError, ServiceError
from evaluation.fetch.questions import WORDS, Kind, Question

PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses that can be another a minute later."""

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


class Passing(Exception):
    """A failure that may pass."""

    def __init__(self, words: str, wait: float = 0.0) -> None:
        super().__init__(words)
        self.wait = wait


def refuse_status(question: Question, status: int, headers: Mapping[str, str], body: bytes, longest_wait: float) -> None:
    """Refuse an answer whose status is not 200.

    Raises
    ------
    Passing
        If it may be another later.
    ServiceError
        If it stays, or the service asks for more than `longest_wait` seconds of patience.
    ConfigurationError
        If the service refuses the key.
    """
    if status in PASSING:
        wait = _retry_after(headers.get("Retry-After", "")) or _until_reset(status, headers.get("X-RateLimit-Reset", ""))
        if wait > longest_wait:
            raise ServiceError(
                f"{question.shown}: the service (status {status}) asks us to wait {wait:,.0f} s, which is longer than "
                f"{longest_wait:g} s. Fix: fetch again after that time; what was fetched before is kept."
            )
        busy = "has had too many questions" if status == 429 else "is busy or broken"
        raise Passing(f"the service {busy} (status {status})", wait)
    if 300 <= status < 400:
        raise ServiceError(
            f"{question.shown}: the service points elsewhere ({headers.get('Location', 'no address')}; status {status}), "
            f"which is "
            "not followed. Fix: look whether it moved, and write its new address under 'fetch' in the source's contract."
        )
    if status in (401, 403) and question.secret is not None:
        raise ConfigurationError(
            f"{question.shown}: the service refuses the key (status {status}). Fix: look whether the environment variable "
            f"{question.secret.variable} holds the key of your account, whole and not expired."
        )
    said = " ".join(_plain(body).split())[:200]
    raise ServiceError(
        f"{question.shown}: the service refuses the question (status {status}){': ' + said if said else ''}. Fix: compare the "
        "address with the publisher's documentation; the source's contract holds its parts under 'fetch'."
    )


def _retry_after(text: str) -> float:
    """Seconds a ``Retry-After`` header asks for, given as a number or as a day and time."""
    if text.strip().isdecimal():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0.0
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _until_reset(status: int, text: str) -> float:
    """Seconds until the limit of questions is reset, which Stat-Xplore gives in milliseconds since 1970 and as nothing else."""
    if status != 429 or not re.fullmatch("[0-9]{1,15}", text.strip()):
        return 0.0
    return max(0.0, int(text) / 1000 - time.time())


def refuse_other_kind(question: Question, content_type: str, body: bytes) -> None:
    """Refuse a body that is not what was asked for: error pages often come with status 200.

    Raises
    ------
    Passing
        Always: the next one may be right.
    """
    got = _kind_of(content_type, body)
    if not body.strip():
        raise Passing("the answer is empty")
    if got != question.kind:
        title = _TITLE.search(body[:20_000].decode("utf-8", "replace"))
        named = f" titled {' '.join(title[1].split())[:80]!r}" if title else ""
        raise Passing(f"the service answered with {WORDS[got]}{named} where {WORDS[question.kind]} was asked for")


def _kind_of(content_type: str, body: bytes) -> Kind:
    head = body[:500].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if body[:4] == b"PK\x03\x04":
        return "workbook"
    if head.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head", b"<body")) or "text/html" in content_type.lower():
        return "page"
    if head[:1] in (b"{", b"["):
        return "json"
    return "csv"


def _plain(body: bytes) -> str:
    return re.sub(r"<[^>]*>", " ", body[:2_000].decode("utf-8", "replace"))

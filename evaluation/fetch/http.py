"""Questions over the network: time limits, retries that wait as long as the service asks, answers of the kind asked for."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import requests
import tenacity

from evaluation import __version__
from evaluation.errors import ConfigurationError, ServiceError
from evaluation.fetch.questions import WORDS, Answer, Kind, Question

KEPT_HEADERS = (
    "content-type",
    "content-length",
    "content-encoding",
    "etag",
    "last-modified",
    "date",
    "retry-after",
    "x-ratelimit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
)
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses that can be another a minute later."""
SIZE_LIMIT = 500_000_000
"""Bytes of one answer; the largest known is a fiftieth of this."""
REDIRECTS = 3
"""Within the publisher's site, where no key goes with the question."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait, and how often to ask again."""

    attempts: int = 6
    first_wait: float = 1.0
    """Seconds before the second attempt; doubled each time, with up to half as much again by chance."""
    longest_wait: float = 120.0
    """Seconds a service may ask us to wait; where it asks for more, the fetch stops and says so."""
    connect_seconds: float = 10.0
    silent_seconds: float = 60.0
    """Longest time without a byte."""
    answer_seconds: float = 900.0
    """Longest time for one answer, however steadily it drips."""
    sleep: Callable[[float], None] = time.sleep


class _Passing(Exception):
    """A failure that may pass."""

    def __init__(self, words: str, wait: float = 0.0) -> None:
        super().__init__(words)
        self.wait = wait


class Network:
    """Carries questions to the services; an `Asker`.

    Parameters
    ----------
    patience : Patience
        Time limits and retries.
    known : mapping of question to answer
        Answers kept before; a question with an ETag or a date among them is asked on condition that the answer changed.
    say : callable, optional
        Gets a line for each answer and each wait.
    on_bytes : callable, optional
        Gets the number of bytes of the running answer so far.
    """

    def __init__(
        self,
        *,
        patience: Patience | None = None,
        known: Mapping[tuple[str, str, str], Answer] | None = None,
        say: Callable[[str], None] | None = None,
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self.known = known or {}
        self.say = say or (lambda line: None)
        self.on_bytes = on_bytes or (lambda size: None)
        self.given: dict[tuple[str, str, str], Answer] = {}
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"trailblazer-evaluation/{__version__}"

    def __enter__(self) -> Self:
        """Open for use in a ``with`` block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connections."""
        self._session.close()

    def ask(self, question: Question) -> Answer:
        """Give the answer to a question; the same question is asked once.

        Raises
        ------
        ServiceError
            If the service cannot be reached, gives up, or gives something else than what was asked for.
        ConfigurationError
            If it refuses the key, or the key would go over an open line.
        """
        if question.identity not in self.given:
            self.given[question.identity] = self._persist(question, self.known.get(question.identity))
        return self.given[question.identity]

    def confirm(self, answer: Answer) -> bool:
        """Whether the service would still give this answer."""
        return self._persist(answer.question, answer).sha256 == answer.sha256

    def _persist(self, question: Question, known: Answer | None) -> Answer:
        _refuse_open_line(question)
        patience = self.patience
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(patience.attempts),
            wait=_Wait(patience),
            retry=tenacity.retry_if_exception_type(_Passing),
            sleep=patience.sleep,
            before_sleep=self._say_wait,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    begin = time.monotonic()
                    answer = self._once(question, known, attempt.retry_state.attempt_number)
                    same = ", unchanged" if answer.unchanged else ""
                    self.say(f"{question.shown}: {len(answer.body):,} bytes in {time.monotonic() - begin:.1f} s{same}")
                    return answer
        except _Passing as error:
            raise ServiceError(
                f"{question.shown}: {error}, {patience.attempts} time(s). Fix: look whether the service is up and ask again "
                f"later; "
                "what was fetched before is kept."
            ) from None
        raise AssertionError("retrying ends with an answer or an error")

    def _say_wait(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        seconds = state.next_action.sleep if state.next_action is not None else 0.0
        self.say(f"  {error}; asking again in {seconds:.0f} s ({state.attempt_number} of {self.patience.attempts})")

    def _once(self, question: Question, known: Answer | None, attempt: int) -> Answer:
        headers = _conditions(known) if known is not None else {}
        parameters = list(question.parameters)
        if question.secret is not None and question.secret.place == "parameter":
            parameters.append((question.secret.name, question.secret.value))
        elif question.secret is not None:
            headers[question.secret.name] = question.secret.value
        if question.sent:
            headers["Content-Type"] = "application/json"
        address = Question(kind=question.kind, address=question.address, parameters=tuple(parameters)).shown
        for _ in range(REDIRECTS + 1):
            answer = self._request(question, address, headers, known, attempt)
            if isinstance(answer, Answer):
                return answer
            address = answer
        raise ServiceError(f"{question.shown}: the service points elsewhere {REDIRECTS + 1} times in a row.")

    def _request(
        self, question: Question, address: str, headers: Mapping[str, str], known: Answer | None, attempt: int
    ) -> Answer | str:
        """One answer, or the address of the same site the service points to."""
        try:
            with self._session.request(
                question.method,
                address,
                data=question.sent.encode() if question.sent else None,
                headers=dict(headers),
                timeout=(self.patience.connect_seconds, self.patience.silent_seconds),
                stream=True,
                # a key in a header would follow a redirect to wherever it points
                allow_redirects=False,
            ) as response:
                elsewhere = _same_site(question, address, response)
                return elsewhere or self._take(question, response, known, attempt)
        except requests.exceptions.ContentDecodingError:
            raise _Passing("the answer is not in the encoding its header names") from None
        except requests.exceptions.ChunkedEncodingError:
            raise _Passing("the answer broke off before its end") from None
        except requests.exceptions.Timeout:
            raise _Passing(f"no answer within {self.patience.silent_seconds:g} s") from None
        except requests.exceptions.ConnectionError:
            raise _Passing("the service cannot be reached, or hung up") from None
        except requests.exceptions.RequestException as error:
            raise ServiceError(f"{question.shown}: the question cannot be asked ({type(error).__name__}).") from None

    def _take(self, question: Question, response: requests.Response, known: Answer | None, attempt: int) -> Answer:
        status = response.status_code
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if status == 304 and known is not None:
            same = {**known.headers, **headers}
            return Answer(question=question, at=now, status=304, headers=same, body=known.body, attempts=attempt, unchanged=True)
        body = self._read(response)
        secret = question.secret
        if secret is not None and secret.value.encode() in body:
            raise ServiceError(
                f"{question.shown}: the answer repeats the key that was sent (status {status}), so it is not kept. "
                "Fix: ask without a key where one is not needed, and tell the publisher."
            )
        if status != 200:
            _refuse_status(question, status, response.headers, body, self.patience)
        _refuse_other_kind(question, response.headers.get("Content-Type", ""), body)
        return Answer(question=question, at=now, status=status, headers=headers, body=body, attempts=attempt)

    def _read(self, response: requests.Response) -> bytes:
        begin = time.monotonic()
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_content(65_536):
            pieces.append(piece)
            size += len(piece)
            self.on_bytes(size)
            if size > SIZE_LIMIT:
                raise ServiceError(f"{urlsplit(response.url).hostname}: the answer is larger than {SIZE_LIMIT:,} bytes.")
            if time.monotonic() - begin > self.patience.answer_seconds:
                raise _Passing(f"the answer was not whole after {self.patience.answer_seconds:g} s")
        return b"".join(pieces)


class _Wait(tenacity.wait.wait_base):
    """As long as the service asks, else twice as long each time, a little apart from what others wait."""

    def __init__(self, patience: Patience) -> None:
        self.asked = 0.0
        self.backoff = tenacity.wait_exponential(multiplier=patience.first_wait, max=patience.longest_wait)
        self.apart = tenacity.wait_random(0, patience.first_wait / 2)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome is not None else None
        asked = error.wait if isinstance(error, _Passing) else 0.0
        return max(asked, self.backoff(retry_state) + self.apart(retry_state))


def _refuse_open_line(question: Question) -> None:
    parts = urlsplit(question.address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{question.address!r} is not an address; write one that begins with https://.")
    if question.secret is not None and parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ConfigurationError(
            f"{question.shown}: the key of {question.secret.variable} is not sent over an open line; give an address that "
            f"begins "
            "with https://."
        )


def _same_site(question: Question, address: str, response: requests.Response) -> str:
    """Where a redirect points, if it stays within the publisher's site and no key was sent; else empty."""
    if response.status_code not in (301, 302, 303, 307, 308) or question.secret is not None or question.sent:
        return ""
    target = urljoin(address, response.headers.get("Location", ""))
    here, there = urlsplit(address), urlsplit(target)
    site = (here.hostname or "").partition(".")[2]
    within = there.netloc == here.netloc or (site.count(".") >= 2 and (there.hostname or "").endswith(f".{site}"))
    return target if within and there.scheme in (here.scheme, "https") and target != address else ""


def _conditions(known: Answer) -> dict[str, str]:
    wanted = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    return {name: known.headers[header] for header, name in wanted.items() if known.headers.get(header)}


def _refuse_status(question: Question, status: int, headers: Mapping[str, str], body: bytes, patience: Patience) -> None:
    if status in PASSING:
        wait = _retry_after(headers.get("Retry-After", ""))
        if wait > patience.longest_wait:
            raise ServiceError(
                f"{question.shown}: the service (status {status}) asks us to wait {wait:,.0f} s, which is longer than "
                f"{patience.longest_wait:g} s. Fix: fetch again after that time; what was fetched before is kept."
            )
        busy = "has had too many questions" if status == 429 else "is busy or broken"
        raise _Passing(f"the service {busy} (status {status})", wait)
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


def _refuse_other_kind(question: Question, content_type: str, body: bytes) -> None:
    """Refuse a body that is not what was asked for: error pages often come with status 200."""
    got = _kind_of(content_type, body)
    if not body.strip():
        raise _Passing("the answer is empty")
    if got != question.kind:
        title = _TITLE.search(body[:20_000].decode("utf-8", "replace"))
        named = f" titled {' '.join(title[1].split())[:80]!r}" if title else ""
        raise _Passing(f"the service answered with {WORDS[got]}{named} where {WORDS[question.kind]} was asked for")


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

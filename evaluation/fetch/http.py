"""Questions over the network: time limits, retries that wait as long as the service asks, answers of the kind asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import requests
import tenacity
import urllib3

from evaluation import __version__
from evaluation.errors import ConfigurationError, ServiceError
from evaluation.fetch.questions import Answer, Question
from evaluation.fetch.refusals import Passing, refuse_other_kind, refuse_status

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
    "link",
)
SIZE_LIMIT = 500_000_000
"""Bytes of one answer; the largest known is a fiftieth of this."""
REDIRECTS = 3
"""Within the publisher's site, where no key goes with the question."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


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
    """Longest time for one answer, however steadily it trickles."""
    sleep: Callable[[float], None] = time.sleep


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
            retry=tenacity.retry_if_exception_type(Passing),
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
        except Passing as error:
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
        except urllib3.exceptions.DecodeError:
            raise Passing("the answer is not in the encoding its header names") from None
        except urllib3.exceptions.ProtocolError:
            raise Passing("the answer broke off before its end") from None
        except (requests.exceptions.Timeout, urllib3.exceptions.ReadTimeoutError):
            raise Passing(f"no answer within {self.patience.silent_seconds:g} s") from None
        except requests.exceptions.SSLError:
            raise ServiceError(
                f"{question.shown}: no secure line can be made: this machine does not trust the certificate it is shown. Fix: "
                "where your organisation looks into what goes in and out, name the file of its certificates in the "
                "environment variable REQUESTS_CA_BUNDLE."
            ) from None
        except (requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError):
            raise Passing("the service cannot be reached, or hung up") from None
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
            refuse_status(question, status, response.headers, body, self.patience.longest_wait)
        refuse_other_kind(question, response.headers.get("Content-Type", ""), body)
        return Answer(question=question, at=now, status=status, headers=headers, body=body, attempts=attempt)

    def _read(self, response: requests.Response) -> bytes:
        begin = time.monotonic()
        pieces: list[bytes] = []
        size = 0
        # What has arrived is taken at once: to wait for a whole piece would let a line that trickles hold us for days.
        while piece := response.raw.read1(65_536, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            self.on_bytes(size)
            if size > SIZE_LIMIT:
                raise ServiceError(f"{urlsplit(response.url).hostname}: the answer is larger than {SIZE_LIMIT:,} bytes.")
            if time.monotonic() - begin > self.patience.answer_seconds:
                raise Passing(f"the answer was not whole after {self.patience.answer_seconds:g} s")
        return b"".join(pieces)


class _Wait(tenacity.wait.wait_base):
    """As long as the service asks, else twice as long each time, a little apart from what others wait."""

    def __init__(self, patience: Patience) -> None:
        self.asked = 0.0
        self.backoff = tenacity.wait_exponential(multiplier=patience.first_wait, max=patience.longest_wait)
        self.apart = tenacity.wait_random(0, patience.first_wait / 2)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome is not None else None
        asked = error.wait if isinstance(error, Passing) else 0.0
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

"""The Stat-Xplore service of the Department for Work and Pensions: a question in JSON, a cube for an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import numpy as np
import requests

from evaluation.contracts.csv_text import write_csv
from evaluation.errors import DataError, ServiceError
from evaluation.fetch.collected import Collected, Part
from evaluation.fetch.questions import Answer, Asker, Question, Secret
from evaluation.fetch.settings import StatXploreFetch
from evaluation.panel.periods import parse_period

DEEPEST = 6
"""Levels of groups in the schema; the databases known have two."""
HEADER = ("area_code", "area_name", "period", "value")
_CODE = re.compile(r"[A-Z][0-9]{8}")
_MONTH = re.compile(r"([0-9]{4})(0[1-9]|1[0-2])")


def collect_statxplore(asker: Asker, settings: StatXploreFetch, *, first: str, secret: Secret | None) -> Collected:
    """Find the list of local authorities and the months in the service's own schema, then ask for the counts.

    Raises
    ------
    DataError
        If the schema does not hold exactly one list that fits, or a cube is not of the layout known.
    """
    client = _Client(asker, settings, secret)
    area = client.find_area()
    months = client.list_months(first)
    step = settings.months_at_once
    asker.say(f"{len(months)} month(s), {months[0][0]} to {months[-1][0]}: {-(-len(months) // step)} question(s)")
    parts = [client.ask_cube(area, months[n : n + step]) for n in range(0, len(months), step)]
    if len(parts) > 1 and not asker.confirm(parts[0].answers[0]):
        raise ServiceError(
            f"{settings.base}/table: the service brought out other figures while it was being asked, so what it gave is of two "
            "editions. Nothing of it is kept. Fix: fetch again."
        )
    return Collected(parts=tuple(parts), answers=tuple(client.others))


class _Client:
    def __init__(self, asker: Asker, settings: StatXploreFetch, secret: Secret | None) -> None:
        self.asker = asker
        self.settings = settings
        self.secret = secret
        self.others: list[Answer] = []

    def find_area(self) -> str:
        """Identifier of the list of local authorities."""
        field = self._one(self._below(self.settings.database, "FIELD"), self.settings.area, self.settings.database, "field")
        return self._one(self._below(field, "VALUESET"), self.settings.level, field, "list of values")

    def list_months(self, first: str) -> list[tuple[str, str]]:
        """Months from `first` on, each with its identifier, oldest first."""
        found = {}
        for valueset in self._below(self.settings.month, "VALUESET"):
            for item in self._children(valueset[0]):
                digits = _MONTH.fullmatch(str(item["id"]).rpartition(":")[2])
                if digits is not None and f"{digits[1]}-{digits[2]}" >= first:
                    found[f"{digits[1]}-{digits[2]}"] = str(item["id"])
        if not found:
            raise DataError(
                f"{self._schema(self.settings.month)}: the service lists no month from {first} on (rule file). Fix: give an "
                f"earlier "
                "first month."
            )
        return sorted(found.items())

    def ask_cube(self, area: str, months: list[tuple[str, str]]) -> Part:
        """Ask for some months, and write the cube as a table."""
        settings = self.settings
        sent = {
            "database": settings.database,
            "measures": [settings.measure],
            "dimensions": [[area], [settings.month]],
            "recodes": {settings.month: {"map": [[identifier] for _, identifier in months], "total": False}},
        }
        question = Question(kind="json", address=f"{settings.base}/table", sent=json.dumps(sent), secret=self.secret)
        answer = self.asker.ask(question)
        rows = list(_read_cube(_loads(answer), settings.measure, [month for month, _ in months], question.shown))
        return Part(answers=(answer,), body=write_csv(HEADER, rows).encode(), rows=len(rows))

    def _below(self, identifier: str, kind: str, depth: int = 0) -> list[tuple[str, str]]:
        """Identifiers and labels of one kind below a place of the schema; groups and folders are gone into."""
        if depth > DEEPEST:
            raise DataError(
                f"{self._schema(identifier)}: groups of the schema stand in each other more than {DEEPEST} deep (rule layout). "
                "Fix: look at it; if the service changed it, the client needs work."
            )
        found = []
        for item in self._children(identifier):
            if item.get("type") == kind:
                found.append((str(item["id"]), str(item["label"])))
            elif item.get("type") in ("GROUP", "FOLDER"):
                found += self._below(str(item["id"]), kind, depth + 1)
        return found

    def _children(self, identifier: str) -> list[Mapping[str, Any]]:
        """What stands below a place of the schema, page after page: the service shows a hundred and points to the rest."""
        question: Question | None = Question(kind="json", address=self._schema(identifier), secret=self.secret)
        seen: list[tuple[str, str, str]] = []
        found: list[Mapping[str, Any]] = []
        while question is not None:
            if question.identity in seen:
                raise ServiceError(f"{self._schema(identifier)}: the service points back to a page it gave. Fix: fetch again.")
            seen.append(question.identity)
            answer = self.asker.ask(question)
            if answer not in self.others:
                self.others.append(answer)
            found += _read_children(answer)
            question = self._next_page(answer)
        return found

    def _next_page(self, answer: Answer) -> Question | None:
        """The question for the page an answer's header points to; asked of our own host, whatever host it names."""
        links = requests.utils.parse_header_links(answer.headers.get("link", ""))
        target = next((link["url"] for link in links if link.get("rel") == "next"), None)
        if target is None:
            return None
        there, home = urlsplit(urljoin(answer.question.address, target)), urlsplit(self.settings.base)
        if not there.path.startswith(f"{home.path}/schema/"):
            raise ServiceError(
                f"{answer.question.shown}: the service points to {there.path!r} for the rest of the list, which is no page of "
                "the schema. Nothing is kept. Fix: fetch again; if it stays so, the client needs work."
            )
        address = f"{home.scheme}://{home.netloc}{there.path}"
        return Question(kind="json", address=address, parameters=tuple(parse_qsl(there.query)), secret=self.secret)

    def _one(self, items: list[tuple[str, str]], label: str, where: str, what: str) -> str:
        found = [identifier for identifier, text in items if re.fullmatch(label, text.strip(), re.IGNORECASE)]
        if len(found) != 1:
            listed = ", ".join(repr(text) for _, text in items[:12]) or "none"
            raise DataError(
                f"{self._schema(where)}: {len(found)} labels of a {what} are of the form {label!r}; there are {listed} (rule "
                f"layout). "
                "Fix: correct the label under 'fetch' in the source's contract."
            )
        return found[0]

    def _schema(self, identifier: str) -> str:
        return f"{self.settings.base}/schema/{identifier}"


def _read_children(answer: Answer) -> list[Mapping[str, Any]]:
    data = _loads(answer)
    children = data.get("children") if isinstance(data, dict) else None
    if not isinstance(children, list) or not all(isinstance(item, dict) and {"id", "label"} <= set(item) for item in children):
        raise DataError(
            f"{answer.question.shown}: the schema has no list of children with id and label (rule layout). Fix: look at it; if "
            "the service changed it, the client needs work."
        )
    return children


def _loads(answer: Answer) -> Any:
    try:
        return json.loads(answer.text())
    except (ValueError, RecursionError):
        raise DataError(f"{answer.question.shown}: the answer is not whole JSON (rule layout). Fix: fetch it again.") from None


def _read_cube(data: Any, measure: str, months: list[str], shown: str) -> Iterator[tuple[str, str, str, str]]:
    """Rows of area code, area name, month and value of a cube whose dimensions are areas and months."""
    try:
        areas, dates = (field["items"] for field in data["fields"])
        values = np.asarray(data["cubes"][measure]["values"], dtype=object)
        names = [str(item["labels"][0]) for item in areas]
        labels = [str(item["labels"][0]) for item in dates]
        uris = [str((item.get("uris") or [""])[0]) for item in dates]
        codes = [_code(item) for item in areas]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise DataError(
            f"{shown}: the answer is not a cube of areas by months (fields, items, labels, cubes; rule layout). Fix: look at "
            f"the "
            "answer; if the service changed its layout, the client needs work."
        ) from None
    if values.shape != (len(areas), len(dates)):
        raise DataError(
            f"{shown}: the cube has {' x '.join(map(str, values.shape))} values for {len(areas)} areas and {len(dates)} "
            f"months (rule "
            "shape). Fix: fetch it again."
        )
    named = [_named_month(uri, label, month) for uri, label, month in zip(uris, labels, months, strict=False)]
    if named != months or len(labels) != len(months):
        raise DataError(
            f"{shown}: asked for the months {months[0]} to {months[-1]} ({len(months)}), the cube has {labels[0]} to "
            f"{labels[-1]} "
            f"({len(labels)}) (rule names). Fix: fetch it again."
        )
    for a, name in enumerate(names):
        for m, month in enumerate(months):
            value = values[a, m]
            yield codes[a], name, month, "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _code(item: Mapping[str, Any]) -> str:
    """GSS code at the end of an area's identifier; empty where there is none, as for a total."""
    uris = item.get("uris") or [""]
    last = str(uris[0]).rpartition(":")[2]
    return last if _CODE.fullmatch(last) else ""


def _named_month(uri: str, label: str, month: str) -> str:
    """The month an item's identifier or label names; the one asked for where neither is in a form known."""
    if digits := _MONTH.fullmatch(uri.rpartition(":")[2]):
        return f"{digits[1]}-{digits[2]}"
    try:
        return parse_period(re.sub(r"^([0-9]{4})([0-9]{2}) \(.*\)$", r"\1-\2", label.strip())).last
    except ValueError:
        return month

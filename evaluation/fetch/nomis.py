"""The Nomis service: CSV answers that are cut at a row limit without a word, asked by dates and, if need be, by pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from evaluation.contracts.fields import nearest
from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.table import Table, parse_text_table
from evaluation.errors import DataError, ServiceError
from evaluation.fetch.collected import Collected, Part
from evaluation.fetch.questions import Answer, Asker, Question, Secret
from evaluation.fetch.settings import NomisFetch, selected_values

OFFSET, COUNT = "RECORD_OFFSET", "RECORD_COUNT"


def collect_nomis(
    asker: Asker, source: Source, settings: NomisFetch, contracts: Contracts, *, first: str, cap: int, secret: Secret | None
) -> Collected:
    """Ask for every period from the first one on, as many at a time as the service gives whole.

    The newest period is asked for alone, which tells how many rows one has. An answer that is cut all the same is continued from
    where it ends. When all is there, the first answer is asked for again: if it is another one by then, the service brought out
    new figures in between, and the parts would be of two editions.

    Raises
    ------
    ServiceError
        If the service does not give an answer whole, or changed its figures in between.
    DataError
        If an answer is not of the layout, or a name is not in the service's list of codes.
    """
    client = _Client(asker, settings, secret)
    dates = client.list_dates(first)
    parameters = client.resolve(source, contracts)
    newest = client.ask_whole(parameters, dates[-1:])
    at_once = max(1, cap // max(1, newest.rows))
    older = [dates[n : min(n + at_once, len(dates) - 1)] for n in range(0, len(dates) - 1, at_once)]
    asker.say(f"{len(dates)} period(s), {dates[0]} to {dates[-1]}, {newest.rows:,} rows each: {len(older)} more question(s)")
    parts = [newest, *(client.ask_whole(parameters, some) for some in older)]
    if len(parts) > 1 and not asker.confirm(newest.answers[0]):
        raise ServiceError(
            f"{newest.answers[0].question.shown}: the service brought out other figures while it was being asked, so what it "
            f"gave is "
            "of two editions. Nothing of it is kept. Fix: fetch again."
        )
    return Collected(parts=tuple(parts), answers=tuple(client.others), row_cap=cap)


class _Client:
    """Questions to one dataset."""

    def __init__(self, asker: Asker, settings: NomisFetch, secret: Secret | None) -> None:
        self.asker = asker
        self.settings = settings
        self.secret = secret
        self.others: list[Answer] = []
        """Answers that are no tables."""

    def list_dates(self, first: str) -> list[str]:
        """Periods the service has from `first` on, oldest first."""
        codes = self._codes("time")
        dates = sorted({code for code, _ in codes if code[:4].isdecimal() and code[: len(first)] >= first[: len(code)]})
        if not dates:
            known = ", ".join(code for code, _ in codes[-3:]) or "none"
            raise DataError(
                f"{self._address('time.def.sdmx.json')}: the service lists no period from {first} on; its last ones are "
                f"{known} "
                "(rule file). Fix: give an earlier first period."
            )
        return dates

    def resolve(self, source: Source, contracts: Contracts) -> list[tuple[str, str]]:
        """Parameters of the question: the contract's, what outcomes select, and names turned into codes."""
        values: dict[str, list[str]] = {name: text.split(",") for name, text in self.settings.parameters.items()}
        for name, column in self.settings.wanted.items():
            there = values.setdefault(name, [])
            there += [value for value in selected_values(contracts, source.id, column) if value not in there]
        for name in self.settings.by_name:
            values[name] = [self._find_code(name, wanted) for wanted in values[name]]
        return [(name, ",".join(items)) for name, items in values.items()]

    def ask_whole(self, parameters: list[tuple[str, str]], dates: Sequence[str]) -> Part:
        """Ask for some dates, and go on from where an answer was cut until all its rows are there."""
        question = self._question((*parameters, ("date", ",".join(dates))))
        answers = [self.asker.ask(question)]
        table = _parse(answers[0])
        count, reached = _state(table, question)
        while reached < count:
            more = self._question((*question.parameters, ("recordoffset", str(reached))))
            answers.append(self.asker.ask(more))
            page = _parse(answers[-1])
            self._refuse_other_page(table, page, more, count, reached)
            reached = _state(page, more)[1]
        return Part(answers=tuple(answers), body=_join([answer.body for answer in answers]), rows=count)

    def _refuse_other_page(self, first: Table, page: Table, question: Question, count: int, reached: int) -> None:
        if list(page.frame.columns) != list(first.frame.columns):
            raise ServiceError(
                f"{question.shown}: the header of this page is not that of the first (it begins "
                f"{', '.join(map(str, page.frame.columns[:3]))}). Nothing is kept. Fix: fetch again."
            )
        now, end = _state(page, question)
        begin = int(page.frame[OFFSET].iloc[0])
        if now != count:
            raise ServiceError(
                f"{question.shown}: the service counted {count:,} rows for the first page and {now:,} for this one, so it "
                f"brought out "
                "other figures in between. Nothing is kept. Fix: fetch again."
            )
        if begin != reached or end <= reached:
            raise ServiceError(
                f"{question.shown}: the page holds rows {begin:,} to {end - 1:,} where row {reached:,} was asked for, so the "
                f"answer "
                "cannot be put together. Nothing is kept. Fix: ask for fewer rows at a time; see the contract's fetch settings."
            )

    def _find_code(self, parameter: str, name: str) -> str:
        codes = self._codes(parameter)
        found = [code for code, text in codes if text.strip().casefold() == name.strip().casefold()]
        if len(found) != 1:
            close = nearest(name, [text for _, text in codes])
            listed = ", ".join(f"{code} {text!r}" for code, text in codes[:5])
            raise DataError(
                f"{self._address(f'{parameter}.def.sdmx.json')}: {len(found)} codes of {parameter} are called "
                f"{name!r}{close}; the list "
                f"begins {listed} (rule names). Fix: correct the name in the outcome that selects it, or in the contract."
            )
        return found[0]

    def _codes(self, concept: str) -> list[tuple[str, str]]:
        """Codes and names of one concept, in the service's order."""
        address = self._address(f"{concept}.def.sdmx.json")
        answer = self.asker.ask(Question(kind="json", address=address, secret=self.secret))
        if answer not in self.others:
            self.others.append(answer)
        try:
            return list(_read_codes(json.loads(answer.text())))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            raise DataError(
                f"{address}: the list of codes is not in the layout known (structure, codelists, codelist, code). Fix: look "
                f"at it; "
                "if the service changed it, the client needs work."
            ) from None

    def _address(self, rest: str) -> str:
        return f"{self.settings.base}/dataset/{self.settings.dataset}/{rest}"

    def _question(self, parameters: tuple[tuple[str, str], ...]) -> Question:
        address = f"{self.settings.base}/dataset/{self.settings.dataset}.data.csv"
        return Question(kind="csv", address=address, parameters=parameters, secret=self.secret)


def _read_codes(data: Any) -> Iterator[tuple[str, str]]:
    for code in data["structure"]["codelists"]["codelist"][0]["code"]:
        yield str(code["value"]), str(code["description"]["value"])


def _parse(answer: Answer) -> Table:
    return parse_text_table(answer.text(), answer.question.shown)


def _state(table: Table, question: Question) -> tuple[int, int]:
    """Rows the whole answer has, and the row after the last one here."""
    try:
        return int(table.frame[COUNT].iloc[-1]), int(table.frame[OFFSET].iloc[-1]) + 1
    except (KeyError, ValueError):
        raise DataError(
            f"{question.shown}: the answer has no whole numbers in {OFFSET} and {COUNT}, so nobody can tell whether it was cut "
            "(rule whole_answer). Fix: fetch it with all its columns."
        ) from None


def _join(bodies: Sequence[bytes]) -> bytes:
    """Pages as one table: the first as it came, of the others the rows."""
    if len(bodies) == 1:
        return bodies[0]
    whole = bodies[0]
    for body in bodies[1:]:
        whole += b"" if whole.endswith(b"\n") else b"\r\n"
        whole += b"".join(body.splitlines(keepends=True)[1:])
    return whole

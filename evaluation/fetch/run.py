"""`trailblazer fetch`: for each source ask, keep, check, and make a vintage of what is new."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from evaluation.contracts.records import Contracts, Source
from evaluation.errors import ConfigurationError, DataError, EvaluationError
from evaluation.fetch.collected import Collected
from evaluation.fetch.http import Network, Patience
from evaluation.fetch.nomis import collect_nomis
from evaluation.fetch.questions import Asker, Question, Secret
from evaluation.fetch.replay import Replay
from evaluation.fetch.settings import NomisFetch, OnsFetch, Settings, StatXploreFetch, read_settings, selected_values
from evaluation.fetch.statxplore import collect_statxplore
from evaluation.fetch.store import commit, open_staging, read_answers, same_content, write_checked, write_staging
from evaluation.fetch.verify import find_faults
from evaluation.fetch.workbook import collect_workbook
from evaluation.panel.vintages import Vintage, list_vintages

Say = Callable[[str], None]

SHORTEST_KEY = 8
"""Characters; those of the services have forty and more. A shorter one would be found by chance in any answer."""
_KEY = re.compile(rf"[!-~]{{{SHORTEST_KEY},}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of one source."""

    source: str
    state: Literal["new", "unchanged", "failed", "replayed"]
    vintage: str = ""
    rows: int = 0
    size: int = 0
    error: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions:
    """How to fetch."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where keys are; never kept."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """Service to the address to use instead of the contract's."""
    first: str = ""
    """First period, instead of the contract's."""
    offline: bool = False
    patience: Patience = field(default_factory=Patience)
    say: Say = field(default=lambda line: None)
    on_bytes: Callable[[int], None] = field(default=lambda size: None)


def fetch_sources(data: Path, contracts: Contracts, sources: Sequence[str], options: FetchOptions) -> tuple[Fetched, ...]:
    """Fetch some sources into a data folder; what goes wrong with one does not keep the others from being fetched.

    Parameters
    ----------
    data : Path
        The data folder; made where it is not there.
    contracts : Contracts
        Sources and areas.
    sources : sequence of str
        Identifiers.
    options : FetchOptions
        Keys, addresses, time limits.

    Returns
    -------
    tuple of Fetched
        In the order asked for, failed ones with their message and the exit code of its kind.
    """
    if data.exists() and not data.is_dir():
        raise ConfigurationError(f"{data}: is not a folder; give the folder the data are to be kept in.")
    results = []
    for name in sources:
        options.say(f"{name}:")
        try:
            results.append(_fetch_source(data, contracts, contracts.sources[name], options))
        except EvaluationError as error:
            results.append(Fetched(source=name, state="failed", error=str(error), exit_code=error.exit_code))
    return tuple(results)


def _fetch_source(data: Path, contracts: Contracts, source: Source, options: FetchOptions) -> Fetched:
    settings = read_settings(source, options.bases)
    there = list_vintages(data, source.id)
    newest = there[-1] if there else None
    if options.offline:
        return _replay(data, contracts, source, newest, options)
    secret = find_key(settings, options.environment)
    known = {}
    if newest is not None:
        _refuse_clock(newest)
        newest.check()
        known = read_answers(newest)
    cap = _row_cap(settings, secret)
    first = options.first or getattr(settings, "first", "")
    with (
        Network(
            patience=options.patience, known=known, say=lambda line: options.say(f"  {line}"), on_bytes=options.on_bytes
        ) as net,
        open_staging(data, source.id) as staging,
    ):
        collected = _collect(net, source, settings, contracts, first=first, cap=cap, secret=secret)
        record = write_staging(staging, source, collected, first=first, base=settings.base)
        faults = find_faults(staging, record, source, contracts)
        if faults:
            record = write_staging(staging, source, collected, first=first, base=settings.base, findings=faults)
            refused = commit(staging, data, record)
            raise DataError(
                "\n".join(faults) + f"\n{source.id}: the answers break the contract, so they are no vintage; they are kept in "
                f"{refused.shown}, and the data folder is as it was."
            )
        rows = sum(part.rows for part in collected.parts)
        size = sum(answer.size for answer in record.answers)
        if newest is not None and same_content(record, newest.record):
            write_checked(data, newest, max(answer.at for answer in record.answers))
            return Fetched(source=source.id, state="unchanged", vintage=newest.id, rows=rows, size=size)
        vintage = commit(staging, data, record)
    return Fetched(source=source.id, state="new", vintage=vintage.id, rows=rows, size=size)


def _refuse_clock(newest: Vintage) -> None:
    """Refuse to fetch before the newest vintage was: its time decides which vintage is read, so the new one never would be."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if now < newest.retrieved:
        raise ConfigurationError(
            f"{newest.shown}: this vintage was fetched at {newest.retrieved}, and the clock of this machine says {now}. What is "
            "fetched now would count as older than it and never be read. Fix: set the clock; if it was wrong then, remove that "
            "folder and fetch again."
        )


def _replay(data: Path, contracts: Contracts, source: Source, newest: Vintage | None, options: FetchOptions) -> Fetched:
    """Make the tables again from the raw answers of the newest vintage, and hold them against what is kept."""
    if newest is None:
        raise ConfigurationError(f"nothing of {source.id} is kept in {data}, so it cannot be replayed; fetch without --offline.")
    record = newest.record
    settings = read_settings(source, {str(source.fetch.get("service")): record.base})
    asker = Replay(newest, lambda line: options.say(f"  {line}"))
    collected = _collect(asker, source, settings, contracts, first=record.first, cap=record.row_cap, secret=None)
    with open_staging(data, source.id) as staging:
        again = write_staging(staging, source, collected, first=record.first, base=record.base)
        if [t.sha256 for t in again.tables] != [t.sha256 for t in record.tables]:
            raise DataError(
                f"{newest.shown}: the raw answers give other tables than those kept, so the client or the contract has "
                f"changed since. "
                "Fix: fetch again, and compare with `trailblazer vintages --diff`."
            )
        faults = find_faults(staging, again, source, contracts)
    if faults:
        raise DataError("\n".join(faults))
    size = sum(answer.size for answer in record.answers)
    return Fetched(
        source=source.id, state="replayed", vintage=newest.id, rows=sum(part.rows for part in collected.parts), size=size
    )


def _collect(
    asker: Asker, source: Source, settings: Settings, contracts: Contracts, *, first: str, cap: int, secret: Secret | None
) -> Collected:
    if isinstance(settings, NomisFetch):
        return collect_nomis(asker, source, settings, contracts, first=first, cap=cap, secret=secret)
    if isinstance(settings, StatXploreFetch):
        return collect_statxplore(asker, settings, first=first, secret=secret)
    return collect_workbook(asker, source, settings)


def find_key(settings: Settings, environment: Mapping[str, str]) -> Secret | None:
    """The key of a service from the environment; None where none is needed and none is there.

    Raises
    ------
    ConfigurationError
        If the service needs one and the variable is not set, or what it holds cannot be a key.
    """
    if isinstance(settings, OnsFetch):
        return None
    value = environment.get(settings.key_variable, "").strip()
    if value and not _KEY.fullmatch(value):
        raise ConfigurationError(
            f"the environment variable {settings.key_variable} does not hold a key: a key has {SHORTEST_KEY} or more letters, "
            "digits and signs without blanks. Fix: copy it whole from your account, without quotes, or unset the variable."
        )
    if isinstance(settings, NomisFetch):
        return Secret(variable=settings.key_variable, value=value, name="uid", place="parameter") if value else None
    if not value:
        raise ConfigurationError(
            f"Stat-Xplore answers only with a key, and the environment variable {settings.key_variable} is not set. Fix: get "
            f"a key at "
            f"{settings.key_from}, and set the variable in the shell that runs this; it is not kept anywhere."
        )
    return Secret(variable=settings.key_variable, value=value, name="APIKey", place="header")


def _row_cap(settings: Settings, secret: Secret | None) -> int:
    if not isinstance(settings, NomisFetch):
        return 0
    return settings.row_cap_with_key if secret is not None else settings.row_cap


def plan_questions(contracts: Contracts, sources: Sequence[str], options: FetchOptions) -> list[str]:
    """The addresses a fetch would ask, without asking; what only the service can tell stands in angle brackets."""
    lines: list[str] = []
    for name in sources:
        settings = read_settings(contracts.sources[name], options.bases)
        first = options.first or getattr(settings, "first", "")
        lines.append(f"{name}:")
        if isinstance(settings, NomisFetch):
            lines += [f"  {line}" for line in _plan_nomis(contracts, name, settings, first)]
        elif isinstance(settings, StatXploreFetch):
            has_key = bool(options.environment.get(settings.key_variable, "").strip())
            lines += [
                f"  GET {settings.base}/schema/{settings.database}  and below: {settings.area!r}, {settings.level!r}",
                f"  GET {settings.base}/schema/{settings.month}",
                f"  POST {settings.base}/table  {settings.measure} by <local authority> and <month from {first}>, "
                f"{settings.months_at_once} months at a time",
                f"  key: {settings.key_variable} is {'set' if has_key else 'NOT set'}",
            ]
        else:
            lines += [f"  GET {settings.base}{page}  and the spreadsheet it links to" for page in settings.pages]
    return lines


def _plan_nomis(contracts: Contracts, name: str, settings: NomisFetch, first: str) -> list[str]:
    dataset = f"{settings.base}/dataset/{settings.dataset}"
    values = {key: text.split(",") for key, text in settings.parameters.items()}
    for parameter, column in settings.wanted.items():
        there = values.setdefault(parameter, [])
        there += [value for value in selected_values(contracts, name, column) if value not in there]
    shown = [(k, f"<code of {', '.join(map(repr, v))}>" if k in settings.by_name else ",".join(v)) for k, v in values.items()]
    lines = [f"GET {dataset}/time.def.sdmx.json"]
    lines += [f"GET {dataset}/{parameter}.def.sdmx.json" for parameter in settings.by_name]
    query = "&".join(f"{key}={value}" for key, value in shown)
    question = Question(kind="csv", address=f"{dataset}.data.csv")
    return [*lines, f"GET {question.shown}?{query}&date=<from {first}, as many as fit {settings.row_cap:,} rows>"]

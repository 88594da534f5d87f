"""How a source is fetched, from the setting ``fetch`` of its contract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evaluation.contracts.fields import Record, nearest
from evaluation.contracts.records import Contracts, Source
from evaluation.errors import ConfigurationError

SERVICES = ("nomis", "ons", "statxplore")


@dataclass(frozen=True, slots=True, kw_only=True)
class NomisFetch(Record):
    """A dataset of the Nomis service."""

    service: Literal["nomis"]
    base: str
    """Address of the service's programming interface."""
    dataset: str
    first: str
    """First period asked for, in the service's own form."""
    parameters: Mapping[str, str]
    """Parameters with the values to ask for, in the service's codes."""
    wanted: Mapping[str, str] = field(default_factory=dict)
    """Parameter to the column of the source whose values outcomes select; what they select is asked for too."""
    by_name: tuple[str, ...] = ()
    """Parameters whose values are names, to be looked up in the service's own list of codes."""
    row_cap: int = 25_000
    """Rows the service gives in one answer; what is beyond is cut without a word."""
    row_cap_with_key: int = 100_000
    key_variable: str = "NOMIS_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnsFetch(Record):
    """A spreadsheet that a page of the ONS site links to."""

    service: Literal["ons"]
    base: str
    pages: tuple[str, ...]
    """Pages, in this order, whose spreadsheet may hold the sheets wanted."""
    link: str
    """Regular expression that the link to the spreadsheet matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatXploreFetch(Record):
    """A count by area and month of the Stat-Xplore service."""

    service: Literal["statxplore"]
    base: str
    database: str
    measure: str
    month: str
    """Identifier of the field of months."""
    area: str
    """Label of the field of areas, as a regular expression."""
    level: str
    """Label of the list of local authorities below it, as a regular expression."""
    first: str
    """First month asked for, ``YYYY-MM``."""
    months_at_once: int = 24
    key_variable: str = "STATXPLORE_API_KEY"
    key_from: str = "https://stat-xplore.dwp.gov.uk (free account; the key stands under Account)"


Settings = NomisFetch | OnsFetch | StatXploreFetch

KINDS: Mapping[str, type[NomisFetch] | type[OnsFetch] | type[StatXploreFetch]] = {
    "nomis": NomisFetch,
    "ons": OnsFetch,
    "statxplore": StatXploreFetch,
}


def read_settings(source: Source, bases: Mapping[str, str]) -> Settings:
    """Read how a source is fetched.

    Parameters
    ----------
    source : Source
        Its contract.
    bases : mapping of service to address
        Addresses to use instead of the contract's.

    Raises
    ------
    ConfigurationError
        If the contract does not say, or says it wrongly.
    """
    if not source.fetch:
        raise ConfigurationError(
            f"source {source.id}: its contract has no setting 'fetch', so its files cannot be fetched; put them into the data "
            "folder by hand."
        )
    service = str(source.fetch.get("service", ""))
    if service not in KINDS:
        raise ConfigurationError(
            f"source {source.id}: fetch: service is {service!r}{nearest(service, SERVICES)}; there are {', '.join(SERVICES)}."
        )
    raw: dict[str, Any] = {**source.fetch, **({"base": bases[service]} if service in bases else {})}
    raw["base"] = str(raw.get("base", "")).rstrip("/")
    try:
        found: Settings = KINDS[service].build(**raw)
    except ConfigurationError as error:
        raise ConfigurationError("\n".join(f"source {source.id}: fetch: {line}" for line in str(error).splitlines())) from None
    wrong = [f"source {source.id}: fetch: {text}." for text in _impossible(found)]
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return found


def _impossible(settings: Settings) -> Iterator[str]:
    """Values of the right kind that no fetch could work with."""
    for name in ("row_cap", "row_cap_with_key", "months_at_once"):
        if getattr(settings, name, 1) < 1:
            yield f"{name}: is {getattr(settings, name)}; write a whole number above 0"
    for name in ("link", "area", "level"):
        try:
            re.compile(getattr(settings, name, ""))
        except re.error as error:
            yield f"{name}: {getattr(settings, name)!r} is not a regular expression ({error})"
    if not settings.base.startswith(("https://", "http://")):
        yield f"base: is {settings.base!r}; write an address that begins with https://"


def sources_of(contracts: Contracts, outcomes: Iterable[str]) -> tuple[str, ...]:
    """Name the sources that can be fetched for some outcomes: of each outcome the first of its series that says how.

    Raises
    ------
    ConfigurationError
        If an outcome has none.
    """
    found: list[str] = []
    lacking: list[str] = []
    for name in outcomes:
        series = [rule.source for rule in contracts.outcomes[name].series]
        able = next((source for source in series if contracts.sources[source].fetch), None)
        if able is None:
            lacking.append(f"{name} ({', '.join(series)})")
        else:
            found.append(able)
    if not found:
        raise ConfigurationError(
            f"no source of {'; '.join(lacking)} says how to fetch it; put the files into the data folder by hand."
        )
    return tuple(dict.fromkeys(found))


def selected_values(contracts: Contracts, source: str, column: str) -> tuple[str, ...]:
    """Values of a column that the outcomes of the contracts folder select, so that a vintage serves every study."""
    values = [
        rule.select[column]
        for outcome in contracts.outcomes.values()
        for rule in outcome.series
        if rule.source == source and column in rule.select
    ]
    return tuple(dict.fromkeys(values))

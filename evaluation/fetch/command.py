"""The verbs ``fetch`` and ``vintages`` of the command line, from names a person types to the work and back to lines."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from evaluation.contracts.fields import nearest
from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.errors import ConfigurationError
from evaluation.fetch.compare import VintageChange, compare_vintages
from evaluation.fetch.http import Patience
from evaluation.fetch.run import Fetched, FetchOptions, fetch_sources, plan_questions
from evaluation.fetch.settings import SERVICES, sources_of
from evaluation.fetch.show import describe_vintages, vintage_data
from evaluation.panel.vintages import FETCHED, list_vintages


def fetch_data(
    data: Path,
    design: str,
    sources: Sequence[str],
    bases: Sequence[str],
    *,
    first: str = "",
    offline: bool = False,
    say: Callable[[str], None],
    on_bytes: Callable[[int], None],
    patience: Patience | None = None,
) -> tuple[Fetched, ...]:
    """Fetch what a design's outcomes need, or the sources named; see `evaluation.fetch.run.fetch_sources`.

    Raises
    ------
    ConfigurationError
        If neither is named, a name is not known, or `first` is no period.
    """
    _refuse_first(first)
    contracts = load_contracts(standard=False)
    options = FetchOptions(
        environment=os.environ,
        bases=_read_bases(bases),
        first=first,
        offline=offline,
        patience=patience or Patience(),
        say=say,
        on_bytes=on_bytes,
    )
    return fetch_sources(data, contracts, _choose(contracts, design, sources), options)


def plan_fetch(design: str, sources: Sequence[str], bases: Sequence[str], *, first: str = "") -> list[str]:
    """The addresses `fetch_data` would ask; nobody is asked."""
    _refuse_first(first)
    contracts = load_contracts(standard=False)
    options = FetchOptions(environment=os.environ, bases=_read_bases(bases), first=first)
    return plan_questions(contracts, _choose(contracts, design, sources), options)


def _refuse_first(first: str) -> None:
    if first and not re.fullmatch(r"[0-9]{4}(-(0[1-9]|1[0-2]))?", first):
        raise ConfigurationError(f"--first {first!r}: this is no period; write a year or a month, such as 2019 or 2019-03.")


def _choose(contracts: Contracts, design: str, sources: Sequence[str]) -> tuple[str, ...]:
    able = [name for name, source in contracts.sources.items() if source.fetch]
    if not design and not sources:
        raise ConfigurationError(
            f"name a study with --design, or a source with --source; those that can be fetched are {', '.join(able)}."
        )
    unknown = [name for name in sources if name not in contracts.sources]
    if unknown:
        raise ConfigurationError(
            "; ".join(f"there is no source {name!r}{nearest(name, contracts.sources)}" for name in unknown)
            + f"; those that can be fetched are {', '.join(able)}."
        )
    chosen = list(sources)
    if design:
        from evaluation.design.protocol import load_design
        from evaluation.design.study import panel_outcomes

        chosen += sources_of(contracts, panel_outcomes(load_design(contracts, design), contracts))
    return tuple(dict.fromkeys(chosen))


def _read_bases(texts: Sequence[str]) -> Mapping[str, str]:
    bases = {}
    for text in texts:
        service, mark, address = text.partition("=")
        parts = urlsplit(address)
        if not mark or service not in SERVICES or parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ConfigurationError(
                f"--base {service}{mark}: write SERVICE=ADDRESS with one of {', '.join(SERVICES)} and an address that begins "
                f"with "
                "https:// and has no question mark."
            )
        bases[service] = address
    return bases


def show_vintages(data: Path, source: str, *, as_json: bool) -> str:
    """The vintages of a data folder, as a table or as JSON.

    Raises
    ------
    ConfigurationError
        If the folder is not there, or there is no such source.
    """
    if not data.is_dir():
        raise ConfigurationError(f"{data}: there is no such folder; give the data folder.")
    known = load_contracts(standard=False).sources if source else {}
    if source and source not in known and not (data / FETCHED / source).is_dir():
        raise ConfigurationError(f"there is no source {source!r}{nearest(source, known)}; the sources are {', '.join(known)}.")
    there = list_vintages(data, source or None)
    if not as_json:
        return "\n".join(describe_vintages(there))
    last = {item.record.source: item.id for item in there}
    return json.dumps([vintage_data(item, item.id == last[item.record.source]) for item in there], ensure_ascii=False, indent=1)


def compare_editions(data: Path, source: str, old: str, new: str) -> VintageChange:
    """What moved between two editions; without a source, the one there are vintages of.

    Raises
    ------
    ConfigurationError
        If it cannot be told which source is meant, or there is no such edition.
    """
    contracts = load_contracts(standard=False)
    kept = {item.record.source for item in list_vintages(data)}
    named = source or (kept.pop() if len(kept) == 1 else "")
    if named not in contracts.sources:
        what = f"there is no source {named!r}{nearest(named, contracts.sources)}" if named else "name the source with --source"
        raise ConfigurationError(f"{what}; the sources are {', '.join(contracts.sources)}.")
    return compare_vintages(data, contracts.sources[named], contracts, old, new)

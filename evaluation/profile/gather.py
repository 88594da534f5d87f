"""From a data folder to the figures of a profile: every outcome there is a file for, and why the others are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evaluation.contracts.check import check_table, format_violations
from evaluation.contracts.records import Contracts
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.build import build_panel
from evaluation.panel.files import choose_series, find_files
from evaluation.panel.readers import read_published
from evaluation.results import Panel

NEIGHBOURS = "ons_statistical_neighbours"
"""Source of published neighbours."""
NO_FILE = "the data folder has no file for it"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """Figures for profiles of any area."""

    panel: Panel
    missing: Mapping[str, str]
    """Outcomes without figures, each with the reason."""
    neighbours: pd.DataFrame | None
    """Published neighbours: columns ``kind``, ``area_code``, ``rank``, ``neighbour_code``; None where there is no such file."""

    def published(self, area: str, contracts: Contracts, kind: str = "economic") -> tuple[str, ...]:
        """Neighbours that the publisher gives for an authority, in its order; none for a place, or without the file."""
        if self.neighbours is None or area not in contracts.areas:
            return ()
        rows = self.neighbours
        wanted = {area, contracts.areas[area].code_2025}
        mine = rows.loc[rows["area_code"].isin(wanted) & (rows["kind"] == kind)]
        renewed = {item.code_2025: code for code, item in contracts.areas.items()}
        ordered = mine.assign(rank=mine["rank"].astype(int)).sort_values("rank")["neighbour_code"]
        return tuple(renewed.get(code, code) for code in ordered if code in contracts.areas or code in renewed)


def gather_figures(data: Path, contracts: Contracts, outcomes: Sequence[str] = ()) -> Gathered:
    """Build the panel of every outcome the folder has a file for.

    An outcome whose file breaks its contract is left out, with the reason, when no outcomes were asked for by name: the other
    figures of a profile do not depend on it. Asked for, it is refused as everywhere.

    Parameters
    ----------
    data : Path
        Folder with data files, looked through with all folders in it.
    contracts : Contracts
        Sources and outcomes.
    outcomes : sequence of str
        Outcomes wanted; empty = every one there is a file for.

    Raises
    ------
    ConfigurationError
        If the folder is not there, or an outcome is in no contract.
    DataError
        If no outcome has a file, or files of outcomes asked for break their contracts.
    """
    if outcomes:
        wanted = [*outcomes, *_populations(outcomes, contracts)]
        there, missing = _with_files(data, contracts, wanted)
        gone = [f"{name}: {missing[name]}" for name in outcomes if name in missing]
        if gone:
            raise DataError("\n".join(gone))
        return Gathered(panel=build_panel(data, contracts, there), missing=missing, neighbours=_read_neighbours(data, contracts))
    there, missing = _with_files(data, contracts, list(contracts.outcomes))
    if not there:
        raise DataError(f"{data}: no file of any outcome here. `trailblazer check --data {data}` says what it looks for.")
    panel = _build(data, contracts, there, missing)
    return Gathered(panel=panel, missing=missing, neighbours=_read_neighbours(data, contracts))


def _populations(outcomes: Sequence[str], contracts: Contracts) -> list[str]:
    named = (contracts.outcomes[name].population for name in outcomes if name in contracts.outcomes)
    return [name for name in dict.fromkeys(named) if name is not None]


def _with_files(data: Path, contracts: Contracts, wanted: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Outcomes with a file, and why the others have none."""
    sources = tuple(contracts.sources.values())
    files = find_files(data, sources)
    there, missing = [], {}
    unknown = [name for name in wanted if name not in contracts.outcomes]
    if unknown:
        raise ConfigurationError(
            f"profile: there is no outcome {', '.join(map(repr, unknown))}; the outcomes are {', '.join(contracts.outcomes)}."
        )
    for name in dict.fromkeys(wanted):
        outcome = contracts.outcomes[name]
        try:
            choose_series(outcome, files, sources)
        except DataError as error:
            of_source = any(file.source.id == rule.source for rule in outcome.series for file in files)
            missing[name] = str(error).removeprefix(f"{name}: ").rstrip(".") if of_source else NO_FILE
        else:
            there.append(name)
    return there, missing


def _build(data: Path, contracts: Contracts, there: list[str], missing: dict[str, str]) -> Panel:
    """The panel of as many outcomes as keep their contracts."""
    try:
        return build_panel(data, contracts, there)
    except DataError as error:
        wrong = _blame(data, contracts, there, str(error))
        kept = [name for name in there if name not in wrong]
        if not wrong or not kept:
            raise
        missing.update(wrong)
        return build_panel(data, contracts, kept)


def _blame(data: Path, contracts: Contracts, there: Sequence[str], said: str) -> dict[str, str]:
    """Outcomes taken from a file that the lines of an error name, each with the first of these lines."""
    sources = tuple(contracts.sources.values())
    files = find_files(data, sources)
    wrong = {}
    for name in there:
        for file in choose_series(contracts.outcomes[name], files, sources).files:
            line = next((line for line in said.splitlines() if line.startswith((f"{file.shown}:", f"{name}:"))), None)
            if line is not None:
                wrong[name] = f"its file breaks its contract: {line.rstrip('.')}"
    return wrong


def _read_neighbours(data: Path, contracts: Contracts) -> pd.DataFrame | None:
    source = contracts.sources.get(NEIGHBOURS)
    files = [] if source is None else find_files(data, [source])
    if source is None or not files:
        return None
    if len(files) > 1:
        shown = ", ".join(file.shown for file in files)
        raise DataError(f"{data}: {len(files)} files of published neighbours ({shown}); keep one of them.")
    table = read_published(files[0].path, source, contracts).table
    wrong = [violation for violation in check_table(table, source, contracts) if violation.severity == "error"]
    if wrong:
        raise DataError(format_violations(wrong))
    return table.frame

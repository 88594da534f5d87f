"""From a data folder to a `Panel`: find the files, read them, hold them against their contracts, make one long table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.contracts.check import Violation, check_table, format_violations
from evaluation.contracts.fields import nearest
from evaluation.contracts.records import Contracts
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.files import NOT_STATED, Choice, DataFile, choose_series, find_files, find_later, find_others
from evaluation.panel.findings import Findings
from evaluation.panel.freshness import find_stale
from evaluation.panel.geography import match_area_names, recode_areas
from evaluation.panel.periods import find_gaps
from evaluation.panel.readers import Reading, read_published
from evaluation.panel.series import columns_of, select_rows, type_rows
from evaluation.panel.store import COLUMNS, KEY, TEXT_COLUMNS, panel_sha256, read_panel, write_panel
from evaluation.panel.vintages import is_by
from evaluation.results import InputFile, Panel

__all__ = ["CheckedData", "build_panel", "check_data", "panel_sha256", "read_panel", "write_panel"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedData:
    """Files of a data folder after reading and checking.

    Attributes
    ----------
    violations : what the contracts' checks found, errors and warnings
    refusals : messages about files that could not be read at all
    notes : what was read and left out, such as totals, footnotes and other geographies
    files : names of the files read, below the folder
    """

    violations: tuple[Violation, ...]
    refusals: tuple[str, ...]
    notes: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing stops the data from being used; warnings are allowed."""
        return not self.refusals and not any(v.severity == "error" for v in self.violations)


PINNED = "pinned to "
"""How the note of a panel begins that is made of the editions of a day."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """One file, read and recoded."""

    file: DataFile
    reading: Reading
    areas: pd.Series
    """Register code of each row, missing where the row is no authority."""
    notes: tuple[str, ...]
    """What was in the file and is not used."""
    has_unknown_areas: bool

    @property
    def vintage(self) -> str:
        """Edition by the file's name, or else by its content."""
        return self.file.vintage if self.file.vintage != NOT_STATED else self.reading.vintage or NOT_STATED


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """The rows one file gives one outcome."""

    read: _Read
    rows: pd.DataFrame


def build_panel(data: Path, contracts: Contracts, outcomes: Sequence[str], *, as_of: str = "") -> Panel:
    """Build the panel of some outcomes from the files of a folder.

    For every outcome the first of its series whose source has a file in the folder is taken. Every file it may stand in is read
    and held against its contract. A value with a suppression marker is missing and keeps the marker's meaning as its flag; it
    never becomes zero. Standard errors come from published 95% limits or half-widths, or as published. Areas are those of the
    register, under whichever of their codes they come; other geographies are set aside and counted in the panel's notes.

    Parameters
    ----------
    data : Path
        Folder with data files; looked through with all folders in it.
    contracts : Contracts
        Sources, outcomes and areas.
    outcomes : sequence of str
        Outcomes wanted, the populations that weight others among them.
    as_of : str
        Day, ``YYYY-MM-DD``, to which the panel is pinned: of every source the newest edition fetched or published by then is
        read. Empty = the newest of all.

    Returns
    -------
    Panel
        Rows ordered by outcome, area and period; `inputs` only the files that gave rows.

    Raises
    ------
    ConfigurationError
        If the folder is not there, or an outcome is in no contract.
    DataError
        With everything wrong in all files: no file for an outcome, two editions of one series, rows that break their contract,
        synthetic beside real data; with `as_of` also an outcome whose source has no edition that old, and a file that does not
        tell its edition.
    """
    wanted = _known_outcomes(outcomes, contracts)
    sources = tuple(contracts.sources.values())
    files = find_files(data, sources, as_of=as_of)
    later = find_later(data, sources, as_of)
    found = Findings()
    choices: list[Choice] = []
    for name in wanted:
        try:
            choices.append(choose_series(contracts.outcomes[name], files, sources, later=later))
        except DataError as error:
            found.refusals.append(str(error))
    _refuse_mixture(choices, found)
    needed = {file.key: file for choice in choices for file in choice.files}
    read = {key: item for key, file in needed.items() if (item := _read_file(file, contracts, found)) is not None}
    parts = [part for choice in choices for part in _take(choice, read, found)]
    _refuse_repeated(parts, found)
    if as_of:
        _refuse_later(parts, as_of, found)
    found.raise_errors()
    pinned = f"{PINNED}{as_of}: of every source the newest edition fetched or published by that day is read"
    notes = [*([pinned] if as_of else []), *(note for part in parts for note in part.read.notes)]
    notes += [note for choice in choices for note in _gaps(choice, parts)]
    notes += format_violations(found.warnings).splitlines()
    return Panel(frame=_finish(parts, contracts), inputs=_inputs(parts), notes=tuple(dict.fromkeys(notes)))


def check_data(
    data: Path, contracts: Contracts, sources: Iterable[str] | None = None, *, today: date | None = None
) -> CheckedData:
    """Read and check every file of a folder that falls under a contract, whatever an outcome needs.

    Parameters
    ----------
    data : Path
        Folder with data files.
    contracts : Contracts
        Sources and areas.
    sources : iterable of str, optional
        Identifiers of the sources to look for; all by default.
    today : date, optional
        Warn of files that are out of date on this day; none by default.

    Returns
    -------
    CheckedData

    Raises
    ------
    ConfigurationError
        If the folder is not there.
    """
    chosen = [contracts.sources[name] for name in (contracts.sources if sources is None else sources)]
    found = Findings()
    files = find_files(data, chosen)
    read = [_read_file(file, contracts, found) for file in files]
    if today is not None:
        stale = (find_stale(item.reading.table, item.file.source, today) for item in read if item is not None)
        found.violations += [item for item in stale if item is not None]
    others = find_others(data, files if sources is None else find_files(data, contracts.sources.values()))
    if not files:
        looked = "; ".join(f"{source.id}: {', '.join(source.files)}" for source in chosen)
        there = f"; it has {', '.join(others[:5])}{' and others' if len(others) > 5 else ''}" if others else ""
        found.refusals.append(
            f"{data}: the folder has no file of any source{there}. Fix: give the files names that the contracts look for, which "
            f"are {looked}."
        )
    notes = [note for item in read if item is not None for note in item.notes]
    if files and others:
        shown = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        notes.append(f"not looked at, because no contract looks for such a name: {shown}")
    return CheckedData(
        violations=tuple(found.violations),
        refusals=tuple(found.refusals),
        notes=tuple(notes),
        files=tuple(file.shown for file in files),
    )


def _known_outcomes(outcomes: Sequence[str], contracts: Contracts) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(outcomes))
    unknown = [f"{name!r}{nearest(name, contracts.outcomes)}" for name in wanted if name not in contracts.outcomes]
    if unknown or not wanted:
        what = f"there is no outcome {', '.join(unknown)}" if unknown else "no outcome was asked for"
        raise ConfigurationError(f"panel: {what}; the outcomes are {', '.join(contracts.outcomes)}.")
    return wanted


def _refuse_mixture(choices: Sequence[Choice], found: Findings) -> None:
    """Refuse invented beside observed data: nothing made from such a panel could be labelled rightly."""
    kinds: dict[bool, list[str]] = {True: [], False: []}
    for choice in choices:
        kinds[choice.files[0].source.synthetic].append(f"{choice.outcome.id} ({choice.files[0].shown})")
    if kinds[True] and kinds[False]:
        found.refusals.append(
            f"the data folder would give SYNTHETIC data for {', '.join(kinds[True])} and real data for "
            f"{', '.join(kinds[False])}; the two are never mixed. Keep them in different folders."
        )


def _read_file(file: DataFile, contracts: Contracts, found: Findings) -> _Read | None:
    """Read, check and recode one file; what is wrong goes to `found`. None where it cannot be used at all."""
    source = file.source
    try:
        reading = read_published(file.path, source, contracts)
    except DataError as error:
        found.refusals.append(str(error).replace(file.path.name, file.shown))
        return None
    violations = check_table(reading.table, source, contracts)
    # From here on the file goes by its path below the data folder: two folders can hold files of one name.
    found.violations += [replace(violation, file=file.shown) for violation in violations]
    reading = replace(reading, table=replace(reading.table, file=file.shown))
    table = reading.table
    if any(column.present and column.name not in table.frame.columns for column in source.columns):
        return None
    column = source.area_column or source.area_name_column
    recoding = (recode_areas if source.area_column else match_area_names)(table.frame[column], contracts)
    for note in recoding.unknown:
        lines = table.line[(table.frame[column] == note.codes[0]).to_numpy()]
        text, _, fix = note.what.partition("; ")
        found.add(table, source, lines, column=column, rule="area", text=text, value=note.codes[0], fix=fix)
    notes = [*reading.notes]
    notes += [f"{file.shown}: {note.rows} row(s) of {note.codes[0]} {note.what}" for note in recoding.recoded]
    for note in recoding.set_aside:
        shown = ", ".join(note.codes[:3]) + (f" and {len(note.codes) - 3} more" if len(note.codes) > 3 else "")
        notes.append(f"{file.shown}: {note.rows} row(s) set aside: {note.what} ({shown})")
    return _Read(file=file, reading=reading, areas=recoding.codes, notes=tuple(notes), has_unknown_areas=bool(recoding.unknown))


def _take(choice: Choice, read: Mapping[tuple[str, str], _Read], found: Findings) -> list[_Part]:
    """Rows of an outcome from each of its files; refuses none at all, and two editions."""
    parts = []
    # Whether rows may be absent because of something that is reported already.
    blamed = any(file.key not in read or read[file.key].has_unknown_areas for file in choice.files)
    for file in choice.files:
        if file.key not in read:
            continue
        item = read[file.key]
        table = item.reading.table
        absent = [name for name in columns_of(choice.rule) if name not in table.frame.columns]
        if absent:
            what = f"{choice.outcome.id} needs the column {', '.join(absent)}, which the file does not have"
            found.refusals.append(f"{file.shown}:{table.header_line}: {what}. Fetch the file with all its columns.")
            blamed = True
            continue
        chosen = np.flatnonzero(select_rows(table.frame, choice.rule) & item.areas.notna().to_numpy())
        if chosen.size:
            rows = type_rows(table, item.areas, chosen, outcome=choice.outcome, rule=choice.rule, source=file.source, found=found)
            parts.append(_Part(read=item, rows=rows))
    editions = {part.read.file.vintage for part in parts}
    if not parts and not blamed:
        conditions = " and ".join(f"{column} = {value!r}" for column, value in choice.rule.select.items())
        found.refusals.append(
            f"{choice.outcome.id}: no row of an authority{' has ' if conditions else ''}{conditions} in "
            f"{', '.join(file.shown for file in choice.files)}. Add the file that holds it, or correct 'select' in "
            f"outcomes/{choice.outcome.id}.yml."
        )
    if len(editions) > 1:
        listed = ", ".join(f"{part.read.file.shown} ({part.read.file.vintage})" for part in parts)
        found.refusals.append(
            f"{choice.outcome.id}: the data folder has {len(editions)} editions of it, which are never mixed: {listed}. "
            f"Keep one, or pin it with 'vintage' in outcomes/{choice.outcome.id}.yml."
        )
        return []
    return parts


def _refuse_repeated(parts: Sequence[_Part], found: Findings) -> None:
    """Refuse two rows for one outcome, area and period, which two files, or an old and a new area code, can give."""
    if not parts:
        return
    rows = pd.concat([part.rows.assign(file=part.read.file.shown) for part in parts], ignore_index=True)
    rows = rows[(rows["period"] != "") & rows.duplicated(list(KEY), keep=False)]
    for outcome, group in rows.groupby("outcome", sort=True):
        first = group.iloc[0]
        same = group[(group["area_code"] == first["area_code"]) & (group["period"] == first["period"])]
        places = " and ".join(f"{file}:{line}" for file, line in zip(same["file"], same["line"], strict=True))
        more = len(group) - len(group.drop_duplicates(list(KEY)))
        found.refusals.append(
            f"{outcome}: {places} both give {first['area_code']}, {first['period']} (rule key; {more} row(s)). "
            f"Keep one file for each period and one code for each area."
        )


def _refuse_later(parts: Sequence[_Part], as_of: str, found: Findings) -> None:
    """Refuse files that do not tell their edition, or only by their content that it is later than a day."""
    for shown, vintage in {part.read.file.shown: part.read.vintage for part in parts}.items():
        if vintage == NOT_STATED:
            found.refusals.append(
                f"{shown}: neither its name nor its content tells its edition, so nobody can say that it was there on {as_of}. "
                "Get it with `trailblazer fetch`, give it a name with its edition where its contract has one, or pin no day."
            )
        elif not is_by(vintage, as_of):
            found.refusals.append(f"{shown}: its edition is {vintage}, which was not there on {as_of}. Give a later day.")


def _gaps(choice: Choice, parts: Sequence[_Part]) -> list[str]:
    """Periods between the first and the last that no area has a row for."""
    outcome = choice.outcome
    periods = {period for part in parts for period in part.rows["period"][part.rows["outcome"] == outcome.id]}
    gaps = find_gaps(sorted(periods), outcome.frequency)
    return [f"{outcome.id}: no row for {len(gaps)} period(s) between others: {', '.join(gaps)}"] if gaps else []


def _finish(parts: Sequence[_Part], contracts: Contracts) -> pd.DataFrame:
    """The panel's columns, types and order."""
    frame = pd.concat([part.rows for part in parts], ignore_index=True)
    frame["area_name"] = frame["area_code"].map({code: area.name for code, area in contracts.areas.items()})
    ordered = frame.sort_values(list(KEY), kind="stable")[list(COLUMNS)].reset_index(drop=True)
    return ordered.astype(dict.fromkeys(TEXT_COLUMNS, "str"))


def _inputs(parts: Sequence[_Part]) -> tuple[InputFile, ...]:
    """Files the panel was built from, each once, with the number of rows it gave."""
    inputs: dict[tuple[str, str], InputFile] = {}
    for part in parts:
        file = part.read.file
        if file.key in inputs:
            inputs[file.key] = replace(inputs[file.key], rows=inputs[file.key].rows + len(part.rows))
        else:
            inputs[file.key] = InputFile(
                name=file.shown,
                sha256=file.sha256(),
                source=file.source.id,
                contract_version=file.source.version,
                vintage=part.read.vintage,
                rows=len(part.rows),
                synthetic=file.source.synthetic,
            )
    return tuple(inputs[key] for key in sorted(inputs))

"""What a revision moved: two editions of one source, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.contracts.cells import NUMBER
from evaluation.contracts.csv_text import write_csv
from evaluation.contracts.fields import nearest
from evaluation.contracts.records import Contracts, Source
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.files import find_files
from evaluation.panel.periods import parse_period
from evaluation.panel.readers import read_published
from evaluation.panel.vintages import pick_vintage


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One cell that the two editions have in common and that differs."""

    key: tuple[str, ...]
    column: str
    old: str
    new: str
    by: float | None
    """New minus old, in the unit of the column; None where one of the two is no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChange:
    """How one column moved."""

    column: str
    common: int
    """Cells both editions have, empty ones among them."""
    moved: int
    largest: float
    """Largest difference without its sign."""
    mean: float
    """Mean of new minus old over cells that moved."""
    emptied: int
    """Numbers that are no numbers any more: withdrawn or suppressed."""
    filled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VintageChange:
    """What differs between two editions of a source."""

    source: str
    old: str
    new: str
    key: tuple[str, ...]
    rows_old: int
    rows_new: int
    added: tuple[tuple[str, ...], ...]
    """Keys only the new edition has."""
    gone: tuple[tuple[str, ...], ...]
    columns: tuple[ColumnChange, ...]
    periods: tuple[tuple[str, int], ...]
    """Periods with cells that moved, and how many, oldest first."""
    cells: tuple[Moved, ...]


def compare_vintages(data: Path, source: Source, contracts: Contracts, old: str, new: str) -> VintageChange:
    """Compare two editions of a source.

    Parameters
    ----------
    data : Path
        The data folder.
    source : Source
        Which source.
    contracts : Contracts
        For its reader.
    old, new : str
        A vintage's name or the beginning of it, ``previous``, ``newest``, or a file below the data folder.

    Raises
    ------
    ConfigurationError
        If there is no such vintage or file.
    DataError
        If one cannot be read, or repeats a key.
    """
    left, right = (_read(data, source, contracts, name) for name in (old, new))
    key = list(source.key)
    numbers = [c.name for c in source.columns if c.type in ("number", "integer") and c.name not in key]
    both = left.add_suffix(" old").join(right.add_suffix(" new"), how="inner")
    cells: list[Moved] = []
    columns = []
    for name in numbers:
        if name not in left.columns or name not in right.columns:
            continue
        before, after = both[f"{name} old"], both[f"{name} new"]
        change, moved = _compare_column(name, before, after)
        columns.append(change)
        cells += moved
    position = key.index(source.period_column) if source.period_column in key else None
    counted: dict[str, int] = {}
    if position is not None:
        for cell in cells:
            counted[cell.key[position]] = counted.get(cell.key[position], 0) + 1
    return VintageChange(
        source=source.id,
        old=old,
        new=new,
        key=tuple(key),
        rows_old=len(left),
        rows_new=len(right),
        added=tuple(sorted(right.index.difference(left.index))),
        gone=tuple(sorted(left.index.difference(right.index))),
        columns=tuple(columns),
        periods=tuple(sorted(counted.items())),
        cells=tuple(cells),
    )


def _compare_column(name: str, before: pd.Series, after: pd.Series) -> tuple[ColumnChange, list[Moved]]:
    old, new = (_numbers(column) for column in (before, after))
    has_old, has_new = np.isfinite(old), np.isfinite(new)
    differs = np.where(has_old & has_new, old != new, has_old != has_new)
    by = new - old
    moved = [
        Moved(
            key=tuple(map(str, before.index[int(n)])),
            column=name,
            old=str(before.iloc[n]),
            new=str(after.iloc[n]),
            by=float(by[n]) if has_old[n] and has_new[n] else None,
        )
        for n in np.flatnonzero(differs)
    ]
    steps = by[differs & has_old & has_new]
    change = ColumnChange(
        column=name,
        common=len(before),
        moved=int(differs.sum()),
        largest=float(np.abs(steps).max()) if steps.size else 0.0,
        mean=float(steps.mean()) if steps.size else 0.0,
        emptied=int((has_old & ~has_new).sum()),
        filled=int((~has_old & has_new).sum()),
    )
    return change, moved


def _numbers(column: pd.Series) -> np.ndarray:
    table = {text: float(text) if NUMBER.fullmatch(text) else np.nan for text in column.unique()}
    return column.map(table).to_numpy(dtype=float)


def _read(data: Path, source: Source, contracts: Contracts, name: str) -> pd.DataFrame:
    frames = []
    key = list(source.key)
    for path in _paths(data, source, name):
        frame = read_published(path, source, contracts).table.frame.copy()
        if source.period_column in key:
            # two layouts of one publication label a year in two ways
            labels = {text: _period(str(text)) for text in frame[source.period_column].unique()}
            frame[source.period_column] = frame[source.period_column].map(labels)
        frames.append(frame)
    whole = pd.concat(frames, ignore_index=True).set_index(pd.MultiIndex.from_frame(pd.concat(frames, ignore_index=True)[key]))
    if whole.index.has_duplicates:
        first = ", ".join(map(str, whole.index[whole.index.duplicated()][0]))
        raise DataError(
            f"{name}: the key {first} stands twice (rule duplicate). Fix: check the edition with `trailblazer check`."
        )
    return whole.drop(columns=key)


def _paths(data: Path, source: Source, name: str) -> list[Path]:
    path = data / name
    if path.is_file() and not Path(name).is_absolute() and ".." not in Path(name).parts:
        return [path]
    if not data.is_dir():
        raise ConfigurationError(f"{data}: there is no such folder; give the data folder.")
    try:
        vintage = pick_vintage(data, source.id, name)
    except ConfigurationError as error:
        files = [file.shown for file in find_files(data, [source])]
        raise ConfigurationError(
            f"{error} Files of {source.id} there: {', '.join(files) or 'none'}{nearest(name, files)}."
        ) from None
    vintage.check()
    return [vintage.path(table.file) for table in vintage.record.tables]


def _period(text: str) -> str:
    try:
        return parse_period(text).last
    except ValueError:
        return text


def changes_csv(change: VintageChange) -> str:
    """Every cell that moved, and every row only one edition has, as CSV text."""
    rows = [
        [*cell.key, cell.column, "moved", cell.old, cell.new, "" if cell.by is None else f"{cell.by:.10g}"]
        for cell in change.cells
    ]
    rows += [[*key, "", "added", "", "", ""] for key in change.added]
    rows += [[*key, "", "gone", "", "", ""] for key in change.gone]
    return write_csv([*change.key, "column", "what", "old", "new", "by"], rows)

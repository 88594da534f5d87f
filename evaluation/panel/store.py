"""A panel as a file: parquet beside a JSON file with its inputs, tied together by the hash of the content."""

from __future__ import annotations

import functools
import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from evaluation.errors import ConfigurationError, DataError
from evaluation.plain import dump_json, from_plain
from evaluation.project import write_whole
from evaluation.results import InputFile, Panel

TEXT_COLUMNS = ("area_code", "area_name", "period", "outcome", "flag")
NUMBER_COLUMNS = ("value", "se")
COLUMNS = ("area_code", "area_name", "period", "outcome", "value", "se", "flag")
KEY = ("outcome", "area_code", "period")
"""What no two rows of a panel share, and the order of its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSidecar:
    """What stands beside a panel's parquet file."""

    panel_sha256: str
    rows: int
    synthetic: bool
    inputs: tuple[InputFile, ...]
    notes: tuple[str, ...]


class Table:
    """A panel's table as the key of what was worked out from it: the same table with the same cells.

    A cell changed in place is noticed: figures by their bytes, text by its Arrow arrays, which are never changed but replaced.
    """

    __slots__ = ("_figures", "_text", "frame")

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._figures = tuple(hash(frame[name].to_numpy().tobytes()) for name in NUMBER_COLUMNS if name in frame.columns)
        self._text = tuple(pa.array(frame[name].astype("str")) for name in TEXT_COLUMNS if name in frame.columns)

    def __eq__(self, other: object) -> bool:
        """Whether it is one and the same table, unchanged."""
        if not isinstance(other, Table):
            return False
        return self.frame is other.frame and self._figures == other._figures and self._text == other._text

    def __hash__(self) -> int:
        """Of what makes tables equal, but for the text, which seldom differs."""
        return hash((id(self.frame), self._figures))


def panel_sha256(panel: Panel) -> str:
    """Hash a panel's content: its cells and whether it is synthetic.

    Neither the order of rows nor the file format enters. Text is hashed as JSON, numbers as little-endian binary64 with one form
    of not-a-number and of zero, so that the hash is the same on every machine.

    Raises
    ------
    DataError
        If a column is missing, or two rows have the same outcome, area and period.
    """
    return _sha256_of(Table(panel.frame), panel.synthetic)


@functools.lru_cache(maxsize=2)
def _sha256_of(table: Table, synthetic: bool) -> str:
    """Every finding of a notebook asks for the hash of one panel."""
    frame = _sorted(table.frame)
    digest = hashlib.sha256(json.dumps({"columns": COLUMNS, "rows": len(frame), "synthetic": synthetic}).encode())
    for name in TEXT_COLUMNS:
        digest.update(json.dumps([name, frame[name].tolist()], ensure_ascii=True).encode())
    for name in NUMBER_COLUMNS:
        numbers = frame[name].to_numpy(dtype="<f8") + 0.0  # minus zero becomes zero
        numbers[np.isnan(numbers)] = np.nan
        digest.update(name.encode() + numbers.astype("<f8").tobytes())
    return digest.hexdigest()


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    absent = [name for name in COLUMNS if name not in frame.columns]
    if absent:
        raise DataError(f"panel: no column {', '.join(absent)}; a panel has {', '.join(COLUMNS)}.")
    twice = frame.duplicated(list(KEY))
    if twice.any():
        row = frame[twice].iloc[0]
        raise DataError(
            f"panel: {int(twice.sum())} row(s) repeat an outcome, area and period, first {row['outcome']}, {row['area_code']}, "
            f"{row['period']}; build it again from the data."
        )
    return frame.sort_values(list(KEY), kind="stable")


def write_panel(panel: Panel, path: Path) -> None:
    """Write a panel as parquet, and what it was built from as JSON of the same name beside it.

    Each file is written whole or not at all. Should the run be killed between the two, their hashes differ and `read_panel`
    refuses.

    Parameters
    ----------
    panel : Panel
        Synthetic or real; which it is goes into the JSON file.
    path : Path
        Of the parquet file, such as ``runs/demo/panel.parquet``.
    """
    sidecar = PanelSidecar(
        panel_sha256=panel_sha256(panel),
        rows=len(panel.frame),
        synthetic=panel.synthetic,
        inputs=panel.inputs,
        notes=panel.notes,
    )
    content = io.BytesIO()
    _sorted(panel.frame)[list(COLUMNS)].to_parquet(content, engine="pyarrow", index=False)
    write_whole(path, content.getvalue())
    write_whole(path.with_suffix(".json"), dump_json(sidecar))


def read_panel(path: Path) -> Panel:
    """Read a panel that `write_panel` wrote.

    Raises
    ------
    ConfigurationError
        If one of the two files is not there.
    DataError
        If a file cannot be read, a column is missing or of another type, or the content is not what the JSON file was written
        for.
    """
    beside = path.with_suffix(".json")
    absent = [str(p) for p in (path, beside) if not p.is_file()]
    if absent:
        raise ConfigurationError(
            f"{', '.join(absent)}: there is no such file; a panel is a .parquet and a .json file. Build it again."
        )
    try:
        sidecar = from_plain(PanelSidecar, json.loads(beside.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{beside.name}: this is not the description of a panel ({error!r}). Build the panel again.") from None
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except (ValueError, OSError) as error:  # pyarrow's own errors derive from these
        raise DataError(f"{path.name}: this is not a parquet file ({str(error)[:200]}). Build the panel again.") from None
    panel = Panel(frame=_typed(frame, path.name), inputs=sidecar.inputs, notes=sidecar.notes)
    found = panel_sha256(panel)
    if found != sidecar.panel_sha256 or panel.synthetic != sidecar.synthetic:
        raise DataError(
            f"{path.name}: the content has the hash {found[:12]}, but {beside.name} was written for {sidecar.panel_sha256[:12]}; "
            f"one of the two was changed or belongs to another run. Build the panel again."
        )
    return panel


def _typed(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """Refuse columns that are missing or of another type than they were written in."""
    problems = [f"{file}: {name}: the column is missing. Build the panel again." for name in COLUMNS if name not in frame.columns]
    for names, wanted, fits in (
        (TEXT_COLUMNS, "text", pd.api.types.is_string_dtype),
        (NUMBER_COLUMNS, "numbers", pd.api.types.is_float_dtype),
    ):
        problems += [
            f"{file}: {name}: holds {frame[name].dtype}, wanted {wanted} (rule type). Build the panel again."
            for name in names
            if name in frame.columns and not fits(frame[name].dtype)
        ]
    if problems:
        raise DataError("\n".join(problems))
    return frame[list(COLUMNS)]


def describe_panel(panel: Panel) -> pd.DataFrame:
    """What a panel holds, one row an outcome: areas, first and last period, cells, and how many of them have no value."""
    cells = panel.frame.assign(missing=panel.frame["value"].isna(), with_se=panel.frame["se"].notna())
    return cells.groupby("outcome", observed=True).agg(
        areas=("area_code", "nunique"),
        first=("period", "min"),
        last=("period", "max"),
        cells=("value", "size"),
        missing=("missing", "sum"),
        with_standard_error=("with_se", "sum"),
    )

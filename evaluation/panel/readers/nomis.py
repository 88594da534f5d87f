"""Answers of the Nomis service as CSV: one row a date, area, variable and way of expressing it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.table import Table, read_text_table
from evaluation.errors import DataError
from evaluation.panel.readers.reading import Reading, describe, require_columns

COMMON = {
    "DATE": "period",
    "GEOGRAPHY_CODE": "area_code",
    "GEOGRAPHY_NAME": "area_name",
    "GEOGRAPHY_TYPE": "geography_type",
}
"""Columns of every answer, and the names they get here."""

ANSWER = ("MEASURES", "MEASURES_NAME", "OBS_VALUE", "OBS_STATUS", "OBS_STATUS_NAME", "RECORD_OFFSET", "RECORD_COUNT")
"""Columns of every answer that say what its figures are and how many there are."""

NOT_DIMENSIONS = ("DATE", "GEOGRAPHY", "MEASURES", "OBS_STATUS", "OBS_CONF")
"""Columns with a ``_NAME`` beside them that are no dimension of their own."""

EXPRESSIONS = {
    "20599": ("Variable", "value"),
    "21001": ("Numerator", "numerator"),
    "21002": ("Denominator", "denominator"),
    "21003": ("Confidence", "half_width"),
}
"""``MEASURES`` of the Annual Population Survey: its name in the answer, and the column it becomes. Confidence is half the width
of the 95% interval, in percentage points."""

PLAIN_VALUE = "20100"
"""``MEASURES`` of counts and of single figures: the value as it is."""


def read_nomis_survey(path: Path, source: Source, contracts: Contracts) -> Reading:
    """Read an answer of the Annual Population Survey, and put its measures side by side.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.csv.gz`` as the service answered, with all its columns.
    source : Source
        Its contract.
    contracts : Contracts
        Not used here.

    Returns
    -------
    Reading
        One row a period, area and variable: ``period``, ``area_code``, ``area_name``, ``geography_type``, ``variable``,
        ``variable_name``, ``value`` (rate), ``numerator``, ``denominator``, ``half_width`` and ``status`` (the status text of
        the rate, empty for a normal value), as text. The line is that of the rate.

    Raises
    ------
    DataError
        If a column is missing, the answer was cut short, a row is there twice, or a measure is unknown or bears another name.
    """
    table = _read_whole_answer(path, ("VARIABLE", "VARIABLE_NAME"))
    frame = table.frame
    problems = _unknown_expressions(table)
    problems += _other_names(table, source)
    identity = ["DATE", "GEOGRAPHY_CODE", "VARIABLE"]
    problems += _repeated(table, [*identity, "MEASURES"])
    if problems:
        raise DataError("\n".join(problems))
    numbered = frame.assign(_line=table.line, _rate=(frame["MEASURES"] != "20599"))
    leading = numbered.sort_values("_rate", kind="stable").drop_duplicates(identity).sort_values("_line", kind="stable")
    result = leading.rename(columns=COMMON | {"VARIABLE": "variable", "VARIABLE_NAME": "variable_name"})
    result = result[[*COMMON.values(), "variable", "variable_name"]].reset_index(drop=True)
    keys = pd.MultiIndex.from_frame(leading[identity])
    for code, (_, column) in EXPRESSIONS.items():
        rows = frame[frame["MEASURES"] == code]
        values = pd.Series(rows["OBS_VALUE"].to_numpy(), index=pd.MultiIndex.from_frame(rows[identity]), dtype=object)
        result[column] = values.reindex(keys, fill_value="").to_numpy()
    result["status"] = _status(leading).to_numpy()
    return Reading(table=Table(table.file, result.astype(object), leading["_line"].to_numpy(dtype=np.int64), table.header_line))


def read_nomis_counts(path: Path, source: Source, contracts: Contracts) -> Reading:
    """Read an answer whose figures are plain values, such as the claimant count or population estimates.

    Parameters
    ----------
    path, source, contracts
        As in `read_nomis_survey`.

    Returns
    -------
    Reading
        The rows of the answer: ``period``, ``area_code``, ``area_name``, ``geography_type``, each further dimension in lower
        case with its name (``gender``, ``gender_name``, ``age``, ``measure`` ...), ``value`` and ``status`` (empty for a normal
        value), as text.

    Raises
    ------
    DataError
        If a column is missing, the answer was cut short, a row is there twice, or a figure is not a plain value.
    """
    table = _read_whole_answer(path, ())
    frame = table.frame
    dimensions = [
        str(name).removesuffix("_NAME")
        for name in frame.columns
        if str(name).endswith("_NAME") and str(name).removesuffix("_NAME") not in NOT_DIMENSIONS
    ]
    dimensions = [name for name in dimensions if name in frame.columns]
    problems = _repeated(table, ["DATE", "GEOGRAPHY_CODE", *dimensions, "MEASURES"])
    problems += _other_names(table, source)
    other = frame["MEASURES"] != PLAIN_VALUE
    if other.any():
        first = int(np.flatnonzero(other)[0])
        what = f"{frame['MEASURES'].iloc[first]!r} is not {PLAIN_VALUE} (value)"
        fix = f"ask with measures={PLAIN_VALUE}"
        line, rows = int(table.line[first]), int(other.sum())
        problems.append(describe(table.file, what, line=line, column="MEASURES", rule="measures", fix=fix, rows=rows))
    if problems:
        raise DataError("\n".join(problems))
    names = COMMON | {name: name.lower() for name in dimensions} | {f"{name}_NAME": f"{name.lower()}_name" for name in dimensions}
    result = frame[list(names)].rename(columns=names)
    result["value"] = frame["OBS_VALUE"]
    result["status"] = _status(frame)
    return Reading(table=Table(table.file, result, table.line.copy(), table.header_line))


def _read_whole_answer(path: Path, columns: tuple[str, ...]) -> Table:
    """Read the text table, and refuse an answer the service cut: it cuts at its row limit without saying so."""
    table = read_text_table(path)
    require_columns(table, (*COMMON, *columns, *ANSWER))
    counts = table.frame["RECORD_COUNT"].unique()
    rows = len(table.frame)
    if len(counts) != 1 or counts[0] != str(rows):
        shown = ", ".join(map(str, counts[:3]))
        what = f"the service has {shown} rows for this question and the file has {rows}, so it is not one whole answer"
        fix = "ask for fewer dates at a time; without a key the service cuts an answer at 25,000 rows"
        line = int(table.line[-1])
        raise DataError(describe(table.file, what, line=line, column="RECORD_COUNT", rule="whole_answer", fix=fix))
    return table


def _unknown_expressions(table: Table) -> list[str]:
    problems = []
    pairs = table.frame[["MEASURES", "MEASURES_NAME"]].drop_duplicates()
    for row, (code, name) in zip(pairs.index, pairs.itertuples(index=False, name=None), strict=True):
        wanted = EXPRESSIONS.get(code, ("", ""))[0]
        if name != wanted:
            expected = f"{code} is called {wanted!r}" if wanted else f"the measures are {', '.join(EXPRESSIONS)}"
            what = f"measure {code} {name!r} is not expected; {expected}"
            fix = f"ask with measures={','.join(EXPRESSIONS)}; if the service renamed them, the contract needs a new version"
            line = int(table.line[row])
            problems.append(describe(table.file, what, line=line, column="MEASURES_NAME", rule="measures", fix=fix))
    return problems


def _other_names(table: Table, source: Source) -> list[str]:
    """Codes that bear another name than the contract's option ``names`` has: the service gave the code another meaning."""
    problems = []
    for column, names in source.options.get("names", {}).items():
        if column not in table.frame.columns or f"{column}_NAME" not in table.frame.columns:
            continue
        pairs = table.frame[[column, f"{column}_NAME"]].drop_duplicates()
        for row, (code, name) in zip(pairs.index, pairs.itertuples(index=False, name=None), strict=True):
            wanted = names.get(code)
            if wanted is not None and not re.fullmatch(wanted, name.strip()):
                what = f"{column} {code} is called {name!r} where the contract has {wanted!r}"
                fix = "find out whether the service changed what it counts; the contract then needs a new version"
                line = int(table.line[row])
                problems.append(describe(table.file, what, line=line, column=f"{column}_NAME", rule="names", fix=fix))
    return problems


def _repeated(table: Table, key: list[str]) -> list[str]:
    again = table.frame.duplicated(key).to_numpy()
    if not again.any():
        return []
    second = int(np.flatnonzero(again)[0])
    same = (table.frame[key] == table.frame[key].iloc[second]).all(axis=1).to_numpy()
    first = int(np.flatnonzero(same)[0])
    shown = ", ".join(f"{name} {table.frame[name].iloc[second]}" for name in key)
    what = f"{shown} stands in line {table.line[first]} already"
    fix = "fetch the file again; do not join answers that overlap"
    return [describe(table.file, what, line=int(table.line[second]), rule="key", fix=fix, rows=int(again.sum()))]


def _status(frame: pd.DataFrame) -> pd.Series:
    """The status in words without a full stop at its end, empty where the value is a normal one."""
    words = frame["OBS_STATUS_NAME"].str.strip().str.removesuffix(".")
    return words.where(words.str.casefold() != "normal value", "")

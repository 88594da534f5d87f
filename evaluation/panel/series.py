"""From the text cells of a checked table to the numbers of one outcome."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd

from evaluation.contracts.records import Outcome, SeriesRule, Source
from evaluation.contracts.table import Table
from evaluation.panel.findings import Findings
from evaluation.panel.periods import parse_period

Z95 = NormalDist().inv_cdf(0.975)
"""97.5% quantile of the normal distribution, 1.959963984540054. Published 95% limits are taken to be the estimate plus and minus
this many standard errors; publishers round it to 1.96, which changes a standard error by less than 0.002%."""

NOT_PUBLISHED = "not published"
NO_SAMPLING_ERROR = "no sampling error published"


def columns_of(rule: SeriesRule) -> tuple[str, ...]:
    """Columns of its source a series is read from."""
    optional = (rule.lower, rule.upper, rule.half_width, rule.se)
    return (*rule.select, rule.value, *(name for name in optional if name is not None))


def select_rows(frame: pd.DataFrame, rule: SeriesRule) -> np.ndarray:
    """Say which rows of a source's table belong to a series.

    Returns
    -------
    boolean array, one for each row
    """
    keep = np.ones(len(frame), dtype=bool)
    for column, value in rule.select.items():
        keep &= (frame[column].str.strip() == value).to_numpy()
    return keep


def type_rows(
    table: Table, areas: pd.Series, chosen: np.ndarray, *, outcome: Outcome, rule: SeriesRule, source: Source, found: Findings
) -> pd.DataFrame:
    """Turn the chosen rows of a table into numbers, periods and flags.

    Parameters
    ----------
    table : Table
        As read, and checked against its contract.
    areas : Series of str
        Register code of each row of the table.
    chosen : integer array
        Positions of the rows wanted.
    outcome, rule, source : Outcome, SeriesRule, Source
        What is wanted, where it stands, and what its cells mean.
    found : Findings
        Gets what is wrong with the rows and was not known to the contract's check.

    Returns
    -------
    DataFrame
        ``area_code``, ``period``, ``outcome``, ``value``, ``se`` (both floats, missing where not published), ``flag``, and the
        ``line`` of the file.
    """
    frame = table.frame.iloc[chosen].reset_index(drop=True)
    lines = table.line[chosen]
    values, flags = read_values(frame, rule.value, source)
    _refuse_text(table, frame[rule.value].str.strip(), source, lines, found)
    se = read_standard_errors(frame, rule)
    column = rule.upper or rule.half_width or rule.se
    if column:
        if (se < 0).any():
            found.add(
                table,
                source,
                lines[se < 0],
                column=column,
                rule="interval",
                text="gives a standard error below zero",
                value=str(frame[column][se < 0].iloc[0]),
                fix="look whether the lower and the upper limit were exchanged",
            )
        flags = np.where(np.isfinite(values) & ~np.isfinite(se) & (flags == ""), NO_SAMPLING_ERROR, flags)
    periods, marks = _read_periods(table, source, frame[source.period_column], lines, outcome, found)
    return pd.DataFrame(
        {
            "area_code": areas.iloc[chosen].to_numpy(),
            "period": periods,
            "outcome": outcome.id,
            "value": values,
            "se": np.where(np.isfinite(values), se, np.nan),
            "flag": ["; ".join(filter(None, pair)) for pair in zip(flags, marks, strict=True)],
            "line": lines,
        }
    )


def read_values(frame: pd.DataFrame, column: str, source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of a column, and why some are missing or weak.

    A value is missing where its cell is empty, or where a marker the contract declares stands in the cell or in the status
    column; what a publisher left in the cell beside such a marker is not used. A status that is no declared marker is the flag
    of the value it stands beside.

    Returns
    -------
    tuple of (float array, object array of flags)
    """
    cells = frame[column].str.strip()
    numbers = _numbers(cells)
    flags = cells.map({cell: source.markers.get(cell, "") for cell in cells.unique()}).to_numpy(dtype=object)
    if source.status_column:
        status = frame[source.status_column].str.strip()
        meaning = status.map({text: source.markers.get(text, text) for text in status.unique()}).to_numpy(dtype=object)
        flags = np.where(status != "", meaning, flags)
        numbers = np.where(status.isin(list(source.markers)), np.nan, numbers)
    return numbers, np.where(np.isnan(numbers) & (flags == ""), NOT_PUBLISHED, flags)


def read_standard_errors(frame: pd.DataFrame, rule: SeriesRule) -> np.ndarray:
    """Sampling standard errors in the unit of the value, missing where none is published.

    From 95% limits: their distance over twice `Z95`. From a half-width: over `Z95`. Or as published.
    """
    if rule.lower and rule.upper:
        return (_numbers(frame[rule.upper]) - _numbers(frame[rule.lower])) / (2 * Z95)
    if rule.half_width:
        return _numbers(frame[rule.half_width]) / Z95
    if rule.se:
        return _numbers(frame[rule.se])
    return np.full(len(frame), np.nan)


def _numbers(cells: pd.Series) -> np.ndarray:
    """Each distinct cell is read once; what is no number is missing."""
    return cells.map({cell: _number(cell) for cell in cells.unique()}).to_numpy(dtype=float)


def _number(cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) else float("nan")


def _refuse_text(table: Table, cells: pd.Series, source: Source, lines: np.ndarray, found: Findings) -> None:
    """Refuse cells that are neither a finite number, a marker nor empty."""
    wrong = np.isnan(_numbers(cells)) & (cells != "").to_numpy() & ~cells.isin(list(source.markers)).to_numpy()
    if wrong.any():
        found.add(
            table,
            source,
            lines[wrong],
            column=str(cells.name),
            rule="type",
            text="is not a finite number",
            value=str(cells[wrong].iloc[0]),
            fix="correct it, or declare it as a marker in the contract",
        )


def _read_periods(
    table: Table, source: Source, texts: pd.Series, lines: np.ndarray, outcome: Outcome, found: Findings
) -> tuple[np.ndarray, np.ndarray]:
    """Our label of each published period, and its mark (revised, provisional)."""
    labels: dict[str, str] = {}
    marks: dict[str, str] = {}
    for text in map(str, texts.unique()):
        labels[text] = marks[text] = ""
        try:
            period = parse_period(text)
            labels[text], marks[text] = period.label(outcome.frequency, outcome.window_months), period.flag
        except ValueError as error:
            what, _, fix = str(error).removeprefix(repr(text)).strip().partition("; ")
            found.add(
                table,
                source,
                lines[(texts == text).to_numpy()],
                column=str(texts.name),
                rule="period",
                text=what,
                value=text,
                fix=fix or f"take a file with figures of {outcome.id}, or correct the period",
            )
    return texts.map(labels).to_numpy(dtype=object), texts.map(marks).to_numpy(dtype=object)

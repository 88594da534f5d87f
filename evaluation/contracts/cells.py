"""Checks of single cells: empty, type, range, whole, pattern, allowed values, undeclared markers.

Each distinct text is judged once, so that the cost follows the number of different cells, not of rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd

from evaluation.contracts.fields import nearest
from evaluation.contracts.records import Column
from evaluation.contracts.subject import Subject
from evaluation.contracts.violations import Violation

NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_OTHER_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}([ '\u00a0\u2009\u202f][0-9]{3})+(\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
_OTHER_MINUS = re.compile(r"[\u2212\u2013\u2012][0-9]+(\.[0-9]*)?")
_SPREADSHEET_ERROR = re.compile(r"#(N/A|REF!|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!)", re.IGNORECASE)
_SERIAL_DAY = re.compile(r"[2-6][0-9]{4}(\.0)?")
"""Days since 1900 as a spreadsheet stores them: 1954 to 2091."""
_PER_CENT = re.compile(r"[-+]?[0-9.]+ ?%")
_INFINITE = re.compile(r"[-+]?(inf|infinity)", re.IGNORECASE)
_MADE_A_NUMBER = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+|[0-9]+\.0")
"""How a spreadsheet writes an identifier of many digits."""

KNOWN_MARKERS = frozenset(
    [
        "*",
        "**",
        "c",
        "..",
        "...",
        ".",
        "!",
        "-",
        "--",
        "~",
        "x",
        "u",
        "#",
        ":",
        "z",
        "w",
        "nan",
        "na",
        "n/a",
        "none",
        "null",
        "[c]",
        "[x]",
        "[u]",
        "[z]",
        "[low]",
    ]
)
"""Texts that publishers write where a figure is missing, suppressed or weak; compared in small letters."""


def check_column(subject: Subject, column: Column) -> Iterator[Violation]:
    """Every cell of one column; fills `subject.numbers` where the column holds numbers."""
    codes, uniques = pd.factorize(subject.frame[column.name])
    texts = [str(text) for text in uniques]
    yield from _empty(subject, column, codes, texts)
    if column.type in ("number", "integer"):
        yield from _numbers(subject, column, codes, texts)
    else:
        yield from _words(subject, column, codes, texts)


def _rows(codes: np.ndarray, picked: list[int], size: int) -> np.ndarray:
    table = np.zeros(size, dtype=bool)
    table[picked] = True
    return table[codes]


def _empty(subject: Subject, column: Column, codes: np.ndarray, texts: list[str]) -> Iterator[Violation]:
    blank = [n for n, text in enumerate(texts) if not text.strip()]
    if column.required and blank:
        yield subject.report(
            _rows(codes, blank, len(texts)),
            column=column.name,
            rule="required",
            text="the cell is empty",
            fix="fill it at the source, or leave the row out",
        )


def _numbers(subject: Subject, column: Column, codes: np.ndarray, texts: list[str]) -> Iterator[Violation]:
    values = np.full(len(texts), np.nan)
    faults: dict[tuple[str, str], list[int]] = {}
    for n, text in enumerate(texts):
        if not text.strip() or text in subject.source.markers:
            continue
        if NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
            values[n] = number
            continue
        faults.setdefault(_fault(text, column), []).append(n)
    for (rule, fix), picked in faults.items():
        shown = texts[min(picked, key=lambda n: int(np.argmax(codes == n)))]
        yield subject.report(
            _rows(codes, picked, len(texts)),
            column=column.name,
            rule=rule,
            text=_fault_text(rule, shown, picked, texts, codes),
            fix=fix,
        )
    yield from _limits(subject, column, codes, values)
    subject.numbers[column.name] = values[codes]


def _fault(text: str, column: Column) -> tuple[str, str]:
    """Rule and remedy for a text that is no finite number."""
    if _THOUSANDS.fullmatch(text):
        return "type", "remove the comma: write the digits only"
    if _OTHER_THOUSANDS.fullmatch(text):
        return "type", f"remove what separates the thousands: write {re.sub('[^0-9.+-]', '', text)}"
    if _DECIMAL_COMMA.fullmatch(text):
        return "type", f"write a decimal point: {text.replace(',', '.')}"
    if _OTHER_MINUS.fullmatch(text):
        return "type", f"write the minus sign of the keyboard: -{text[1:]}"
    if _SPREADSHEET_ERROR.fullmatch(text):
        return "type", "this is a spreadsheet's error, not a figure: correct its formula, or fetch the file again"
    if _PER_CENT.fullmatch(text):
        return "unit", f"write {text.rstrip('% ')}" if column.unit else "write the number without the sign"
    if _INFINITE.fullmatch(text) or NUMBER.fullmatch(text):
        return "range", "write a finite number, or leave the cell out with its reason"
    if NUMBER.fullmatch(text.strip()):
        return "type", "remove the blanks around the number"
    if text.strip().casefold() in KNOWN_MARKERS:
        return (
            "suppressed",
            "declare the marker with its meaning under 'markers' in the contract, or leave the area out; never write 0 for it",
        )
    return "type", "correct it at the source, or fetch the file again"


def _fault_text(rule: str, shown: str, picked: list[int], texts: list[str], codes: np.ndarray) -> str:
    if rule == "suppressed":
        counts = np.bincount(codes, minlength=len(texts))
        each = ", ".join(f"{texts[n]!r} {counts[n]} time(s)" for n in picked)
        return f"{shown!r} is a suppression marker the contract does not declare ({each})"
    if rule == "range":
        return f"{shown!r} is not a finite number"
    if rule == "unit":
        return f"{shown!r} carries a per cent sign"
    return f"{shown!r} is not a number"


def _limits(subject: Subject, column: Column, codes: np.ndarray, values: np.ndarray) -> Iterator[Violation]:
    with np.errstate(invalid="ignore"):
        low = values < column.minimum if column.minimum is not None else np.zeros(len(values), dtype=bool)
        high = values > column.maximum if column.maximum is not None else np.zeros(len(values), dtype=bool)
        part = (
            (values != np.floor(values)) & np.isfinite(values) if column.type == "integer" else np.zeros(len(values), dtype=bool)
        )
    for bad, says in ((low, f"is below {_bound(column.minimum)}"), (high, f"is above {_bound(column.maximum)}")):
        if bad.any():
            rows = bad[codes]
            cell = subject.cells(column.name)[int(np.flatnonzero(rows)[0])]
            yield subject.report(
                rows,
                column=column.name,
                rule="range",
                text=f"{cell!r} {says}",
                fix=f"allowed is {_span(column)}; correct it at the source",
            )
    if part.any():
        rows = part[codes]
        cell = subject.cells(column.name)[int(np.flatnonzero(rows)[0])]
        yield subject.report(
            rows,
            column=column.name,
            rule="whole",
            text=f"{cell!r} is not whole",
            fix="counts are whole numbers; look for a rate in the wrong column",
        )


def _bound(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _span(column: Column) -> str:
    if column.minimum is not None and column.maximum is not None:
        return f"{column.minimum:g} to {column.maximum:g}"
    return f"{column.minimum:g} or more" if column.minimum is not None else f"{column.maximum:g} or less"


def _words(subject: Subject, column: Column, codes: np.ndarray, texts: list[str]) -> Iterator[Violation]:
    shape = re.compile(column.pattern) if column.pattern else None
    for n, text in enumerate(texts):
        if not text.strip():
            continue
        if column.allowed is not None and text not in column.allowed:
            yield subject.report(
                codes == n,
                column=column.name,
                rule="allowed",
                text=f"{text!r} is not allowed{nearest(text, column.allowed)}",
                fix=f"allowed are {', '.join(column.allowed)}",
            )
        elif shape is not None and not shape.fullmatch(text):
            good = next((t for t in texts if shape.fullmatch(t)), "")
            example = f", such as {good!r}" if good else f" {column.pattern}"
            yield subject.report(
                codes == n,
                column=column.name,
                rule="pattern",
                text=f"{text!r} does not have the form of this column",
                fix=_other_form(text) or f"write it in the contract's form{example}",
            )
        elif column.type == "date" and not _is_date(text):
            yield subject.report(
                codes == n, column=column.name, rule="type", text=f"{text!r} is not a day", fix="write YYYY-MM-DD"
            )


def _other_form(text: str) -> str:
    """What to do about a text that a spreadsheet changed; empty where it looks like none."""
    if _SERIAL_DAY.fullmatch(text):
        day = date(1899, 12, 30) + timedelta(days=int(float(text)))
        return (
            f"a spreadsheet made a number of a date ({text} is {day}): fetch the file again and do not save it from a spreadsheet"
        )
    if _MADE_A_NUMBER.fullmatch(text):
        return (
            "identifiers are text and a spreadsheet made a number of this one, whose last digits are lost: fetch the file again"
            " and do not save it from a spreadsheet"
        )
    return ""


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

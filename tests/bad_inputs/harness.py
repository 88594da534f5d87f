"""One invented survey to spoil, and the command line called in this process."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from evaluation import cli

CONTRACT = Path(__file__).with_name("example_survey.odcs.yaml")
FILE = "example_survey_2023-07-01.csv"


class Day(date):
    """The day `trailblazer check` is told it is."""

    now = date(2023, 7, 1)
    """On it the file is new."""

    @classmethod
    def today(cls) -> date:
        return cls.now


HEADER = "row_id,area_code,area_name,period,measure,value,numerator,denominator,status,vintage"
AREAS = {
    "E92000001": "England",
    "E06000001": "Hartlepool",
    "E06000002": "Middlesbrough",
    "E06000004": "Stockton-on-Tees",
    "E08000016": "Barnsley",
}
QUARTERS = ("2022-03", "2022-06", "2022-09", "2022-12")
FINDING = re.compile(r"[^:\n]+(:\d+){0,2}: .+ \(rule \w+(; .+)?\)\. Fix: .+\.")
"""How every finding about data is said: place, what is wrong, rule, what to do."""


def rows(quarters: tuple[str, ...] = QUARTERS) -> list[list[str]]:
    """Clean rows, area by area; row n stands on line n + 2, and England's numerator is the sum of the others."""
    made: list[list[str]] = []
    for n, (code, name) in enumerate(AREAS.items()):
        for k, quarter in enumerate(quarters):
            parts = [200 + 10 * m + k for m in range(1, len(AREAS))]
            top, bottom = (sum(parts), 4000) if n == 0 else (parts[n - 1], 1000)
            number = f"{20220000000000000 + len(made)}"
            made.append([number, code, name, quarter, "rate", f"{100 * top / bottom:g}", str(top), str(bottom), "", "2023-07-01"])
    return made


def text(body: list[list[str]], header: str = HEADER) -> str:
    """The rows as CSV, quoted only where it must be."""
    quoted = ([f'"{c}"' if set(c) & set(',"\n') else c for c in row] for row in body)
    return "\n".join([header, *(",".join(row) for row in quoted)]) + "\n"


def cell(line: int, column: str, value: str) -> Callable[[], str]:
    """The survey with one cell changed; `line` is that of the file."""

    def spoil() -> str:
        body = rows()
        body[line - 2][HEADER.split(",").index(column)] = value
        return text(body)

    return spoil


def cells(*changes: tuple[int, str, str]) -> Callable[[], str]:
    """The survey with several cells changed."""

    def spoil() -> str:
        body = rows()
        for line, column, value in changes:
            body[line - 2][HEADER.split(",").index(column)] = value
        return text(body)

    return spoil


def column(name: str, value: str | Callable[[str], str], *, only: str = "") -> Callable[[], str]:
    """The survey with a whole column changed, or only that of one area."""

    def spoil() -> str:
        body = rows()
        position = HEADER.split(",").index(name)
        for row in body:
            if only in ("", row[1]):
                row[position] = value(row[position]) if callable(value) else value
        return text(body)

    return spoil


def without(*lines: int) -> Callable[[], str]:
    """The survey without some lines."""
    return lambda: text([row for n, row in enumerate(rows(), start=2) if n not in lines])


@dataclass(frozen=True, slots=True)
class Said:
    """What the command line answered."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


def say(*arguments: str | Path) -> Said:
    """Call `trailblazer` in this process; whatever is not an error of ours fails the test with its traceback."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as ended:  # argparse
            code = int(ended.code or 0)
    said = Said(code, out.getvalue(), err.getvalue())
    assert "Traceback" not in said.all, said.all
    return said


def contents(folder: Path) -> dict[str, str]:
    """Hash of every file below a folder, to see that nothing was lost, changed or half-written."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def findings(said: Said) -> Iterator[str]:
    """Lines of the answer that tell of a file."""
    for line in said.out.splitlines():
        if line.startswith(f"{FILE}:"):
            yield line

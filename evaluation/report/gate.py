"""Puts a whole book through the disclosure gate before any file of it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from evaluation.contracts.disclosure import Clause, read_clause
from evaluation.contracts.records import Contracts
from evaluation.plain import dump_json, from_plain
from evaluation.project import write_whole
from evaluation.report.binder import DATA, IMAGES, Binder
from evaluation.report.disclosure import (
    SUPPRESS,
    Breach,
    Cell,
    Sheet,
    Text,
    find_breaches,
    is_small,
    read_rows,
    read_sheet,
    refuse_breaches,
)
from evaluation.report.disclosure_sums import Sum
from evaluation.report.tables import ReportTable, read_number, tabulate
from evaluation.report.workbook import FILE
from evaluation.results import Design, Panel
from evaluation.synthesis.numbers import write_month

COUNTED = ("people", "households")
"""Units of outcomes whose figures are counts."""
_TEXTS = re.compile(r"<(text|title|desc|tspan)\b[^>]*>(.*?)</\1>|\b(?:aria-label|alt|title)=\"([^\"]*)\"", re.S)
_TIME = re.compile(r"\b(?:time|since|after|periods?|months?|quarters?|years?)\b", re.IGNORECASE)
"""Columns that count time, not people."""
_EMBED = re.compile(r"\{\{<\s*embed\s+(?:\S*/)?([^/\s]+/[^/\s]+/[^/\s#]+\.ipynb)#")
_TAG = re.compile(r"<[^>]+>")
_LINK = re.compile(r"\]\([^)]*\)|\{[^}]*\}|^\|.*\|$", re.M)


def pass_gate(
    binder: Binder,
    contracts: Contracts,
    panel: Panel,
    design: Design,
    *,
    notebooks: Path | None = None,
    earlier: Sequence[Cell] = (),
    edition: str = "",
) -> tuple[Cell, ...]:
    """Check everything a book would publish.

    Parameters
    ----------
    binder : Binder
        Holds the pages, tables and pictures.
    contracts : Contracts
        Their sources have the disclosure clauses.
    panel : Panel
        The figures that went in: a count of it that stands in any table beside its area is found by its value.
    design : Design
        Its areas are sums of authorities.
    notebooks : Path, optional
        Executed notebooks whose outputs the pages embed.
    earlier : sequence of Cell
        What the release before printed.
    edition : str
        Name of that release, for messages.

    Returns
    -------
    tuple of Cell
        The counts that the book prints, for the gate of the next release.

    Raises
    ------
    DisclosureError
        With every breach: file, cell, threshold, and what to do.
    """
    sheets = list(_sheets(binder))
    used = {sheet.source for sheet in sheets} | {item.source for item in panel.inputs}
    clauses = {id: read_clause(contracts.sources.get(id)) for id in sorted(used)}
    strict = any(clause.status == "established" for clause in clauses.values())
    outputs = list(_embedded(binder, notebooks)) if strict and notebooks is not None else []
    texts = [*_texts(binder), *outputs] if strict else []
    breaches = find_breaches(
        sheets,
        clauses,
        texts=texts,
        sums=_sums_of_places(sheets, contracts, design),
        earlier=earlier,
        edition=edition or "the release before",
    )
    unknown = _refuse_outcomes(contracts, panel, design, clauses)
    refuse_breaches([*unknown, *breaches, *_find_by_value(binder, outputs, contracts, panel, clauses, breaches)])
    return tuple(cell for sheet in sheets for cell in sheet.cells)


def _refuse_outcomes(contracts: Contracts, panel: Panel, design: Design, clauses: Mapping[str, Clause]) -> Iterator[Breach]:
    """Outcomes that are counts from a restricted source whose rule nobody has written down."""
    read = {item.source for item in panel.inputs}
    for plan in design.outcomes:
        outcome = contracts.outcomes[plan.id]
        source = next((rule.source for rule in outcome.series if rule.source in read), "")
        clause = clauses.get(source)
        if outcome.unit in COUNTED and clause and (clause.status, clause.access) == ("not established", "restricted"):
            yield Breach(
                file=f"{source}.odcs.yaml",
                cell=f"outcome {plan.id}",
                text="counts from a restricted source whose disclosure rule is not established",
                fix="write the publisher's rule into the clause, or access: open where the file was published",
            )


def _named(binder: Binder) -> Iterator[tuple[str, ReportTable]]:
    """Every table with the file it is published in; a table without a CSV of its own stands in the spreadsheet."""
    for table in binder.shown:
        yield binder.homes.get((table.caption, table.header), f"{DATA}/{FILE}"), table


def _sheets(binder: Binder) -> Iterator[Sheet]:
    for file, table in _named(binder):
        sheet = read_sheet(file, table)
        if sheet is not None:
            yield sheet
    for picture in binder.pictures:
        if picture.counts is not None:
            table = tabulate(picture.data, caption="data", digits=6)
            rows = [dict(zip(table.header, map(_plain, row), strict=True)) for row in table.rows]
            yield read_rows(f"{DATA}/{picture.name}.csv", picture.counts, rows)


def _plain(cell: str) -> str:
    """A whole number without its decimals."""
    number = read_number(cell)
    return f"{float(number):,.0f}" if number is not None and float(number).is_integer() else cell


def _texts(binder: Binder) -> Iterator[Text]:
    for picture in binder.pictures:
        source = picture.counts.source if picture.counts is not None else ""
        yield Text(file=f"{IMAGES}/{picture.name}.svg", what="alternative text", text=picture.alt, source=source)
        yield Text(file=f"{IMAGES}/{picture.name}.svg", what="caption", text=f"{picture.caption}. {' '.join(picture.notes)}")
    for path, data in binder.files.items():
        if path.endswith(".svg"):
            for match in _TEXTS.finditer(data.decode("utf-8", "replace")):
                yield Text(file=path, what="label or hover text", text=_TAG.sub(" ", match[2] or match[3] or ""))
        elif path.endswith(".qmd"):
            yield Text(file=path, what="text", text=_LINK.sub(" ", data.decode("utf-8")).replace("\\", ""))


def _embedded(binder: Binder, notebooks: Path) -> Iterator[Text]:
    """What the notebooks print that a page embeds."""
    pages = b"\n".join(data for path, data in binder.files.items() if path.endswith(".qmd")).decode("utf-8")
    for name in dict.fromkeys(match[1] for match in _EMBED.finditer(pages)):
        path = notebooks / name
        if not path.is_file():
            continue
        for cell in json.loads(path.read_text("utf-8")).get("cells", []):
            for output in cell.get("outputs", []):
                said = output.get("data", {}).get("text/markdown", "")
                if said:
                    yield Text(file=f"notebooks/{name}", what="embedded output", text="".join(said))


def _read_pipes(text: str) -> Iterator[ReportTable]:
    """The first table of Markdown, by its pipes."""
    lines = [line.strip()[1:-1].split("|") for line in text.splitlines() if line[:1] == "|"]
    rows = [[cell.strip().replace("\\", "") for cell in line] for line in lines]
    if len(rows) > 2:
        header = tuple(cell or "column" for cell in rows[0])
        body = tuple(tuple(cell or "[x]" for cell in row) for row in rows[2:] if len(row) == len(header))
        yield ReportTable(caption="embedded output", header=header, rows=body)


def _sums_of_places(sheets: Sequence[Sheet], contracts: Contracts, design: Design) -> dict[str, list[Sum]]:
    """A place is the sum of its authorities, wherever both are printed under the same column."""
    found: dict[str, list[Sum]] = {}
    for sheet in sheets:
        rows = {cell.row for cell in sheet.cells}
        for unit in design.treated:
            members = [contracts.areas[code].name for code in unit.members if code in contracts.areas]
            if len(members) > 1 and unit.name in rows:
                for column in dict.fromkeys(cell.column for cell in sheet.cells):
                    parts = tuple((name, column) for name in members)
                    found.setdefault(sheet.source, []).append(Sum((unit.name, column), parts, sheet.file))
    return found


# ---------------------------------------------------------------- by value


@dataclass(frozen=True, slots=True)
class _Fact:
    """A small count of the panel."""

    value: float
    threshold: int
    words: tuple[str, ...]
    """One of these stands in a table that shows it: its period, its outcome, what is counted."""


def _find_by_value(
    binder: Binder,
    outputs: Sequence[Text],
    contracts: Contracts,
    panel: Panel,
    clauses: Mapping[str, Clause],
    known: Sequence[Breach],
) -> Iterator[Breach]:
    """Small counts of the panel that stand in a row with their area, in a table about their period, outcome or people."""
    said = {(breach.file, breach.cell) for breach in known}
    facts = _protected(contracts, panel, clauses)
    if not facts:
        return
    pictures = ((f"{DATA}/{p.name}.csv", tabulate(p.data, caption=p.caption, digits=6)) for p in binder.pictures if len(p.data))
    embedded = ((item.file, table) for item in outputs for table in _read_pipes(item.text))
    for file, table in chain(_named(binder), pictures, embedded):
        titled = {name for name in facts if name in table.caption}
        for row in table.rows:
            for name in sorted({cell.strip() for cell in row} & facts.keys() | titled):
                for at, fact in _match(table, row, facts[name]):
                    place = f"{name}, {table.header[at]}"
                    if (file, place) not in said:
                        said.add((file, place))
                        yield Breach(
                            file=file,
                            cell=place,
                            text=f"the count {row[at].strip()} of the data is below the threshold of {fact.threshold}",
                            fix=SUPPRESS,
                        )


def _match(table: ReportTable, row: Sequence[str], facts: Sequence[_Fact]) -> Iterator[tuple[int, _Fact]]:
    """Columns of a row that show one of the counts."""
    for at, cell in enumerate(row):
        number = read_number(_plain(cell.strip()))
        if number is None or _TIME.search(table.header[at]):
            continue
        around = " ".join((table.caption, table.header[at], *row)).casefold()
        for fact in facts:
            if float(number) == fact.value and any(word in around for word in fact.words):
                yield at, fact
                break


def _protected(contracts: Contracts, panel: Panel, clauses: Mapping[str, Clause]) -> dict[str, list[_Fact]]:
    """Small counts of the panel by name and by code of their area."""
    read = [item.source for item in panel.inputs]
    found: dict[str, list[_Fact]] = {}
    for id, outcome in contracts.outcomes.items():
        source = next((rule.source for rule in outcome.series if rule.source in read), "")
        clause = clauses.get(source)
        if clause is None or clause.status != "established" or clause.threshold is None or outcome.unit not in COUNTED:
            continue
        frame = panel.frame[(panel.frame["outcome"] == id) & panel.frame["value"].notna()]
        columns = (frame[name] for name in ("area_code", "area_name", "period", "value"))
        for code, name, period, value in zip(*columns, strict=True):
            if is_small(float(value), clause):
                words = (period, write_month(period), outcome.name, *clause.nouns)
                fact = _Fact(float(value), clause.threshold, tuple(word.casefold() for word in words))
                for key in (str(code), str(name)):
                    found.setdefault(key, []).append(fact)
    return found


# ---------------------------------------------------------------- from release to release

RECORD = "printed-counts.json"
"""File of a run folder with the counts its report prints; it is not published."""


def write_cells(run: Path, cells: Sequence[Cell]) -> None:
    """Keep what was printed, for the gate of the next release; no file where no count was."""
    if not cells:
        (run / RECORD).unlink(missing_ok=True)
        return
    write_whole(run / RECORD, dump_json(list(cells)))


def read_cells(run: Path) -> tuple[Cell, ...]:
    """What the report of a run printed; nothing where it kept no record."""
    path = run / RECORD
    return from_plain(tuple[Cell, ...], json.loads(path.read_text("utf-8"))) if path.is_file() else ()

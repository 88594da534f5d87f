"""Puts a whole publication, the book of a study or the page of an area, through the disclosure gate before it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path

from evaluation.contracts.disclosure import COUNTED, Clause, clause_of, read_clause, source_of
from evaluation.contracts.records import Contracts
from evaluation.plain import dump_json, load_json
from evaluation.project import write_whole
from evaluation.report.binder import DATA, IMAGES, Binder
from evaluation.report.counts import JOIN
from evaluation.report.disclosure import find_breaches, refuse_breaches
from evaluation.report.disclosure_rules import Breach
from evaluation.report.disclosure_sums import Sum
from evaluation.report.disclosure_values import find_by_value
from evaluation.report.drawing import Picture
from evaluation.report.printed import Cell, Sheet, Text, read_rows, read_table
from evaluation.report.tables import ReportTable, read_number, tabulate
from evaluation.report.workbook import FILE
from evaluation.results import Design, Panel

_TEXTS = re.compile(r"<(text|title|desc|tspan)\b[^>]*>(.*?)</\1>|\b(?:aria-label|alt|title)=\"([^\"]*)\"", re.S)
_EMBED = re.compile(r"\{\{<\s*embed\s+(?:\S*/)?([^/\s]+/[^/\s]+/[^/\s#]+\.ipynb)#")
_TAG = re.compile(r"<[^>]+>")
_LINK = re.compile(r"\]\([^)]*\)|\{[^}]*\}|^\|.*\|$", re.M)


def find_clauses(contracts: Contracts, panel: Panel) -> dict[str, Clause]:
    """The clause of every source, and of every outcome that the panel has from one of them."""
    read = {item.source for item in panel.inputs}
    found = {id: read_clause(source) for id, source in contracts.sources.items()}
    found |= {id: clause_of(outcome, contracts, read) for id, outcome in contracts.outcomes.items() if source_of(outcome, read)}
    return found


def pass_gate(
    binder: Binder,
    contracts: Contracts,
    panel: Panel,
    outcomes: Collection[str],
    *,
    design: Design | None = None,
    notebooks: Path | None = None,
    more: Sequence[Sheet] = (),
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
    outcomes : collection of str
        Outcomes the book was asked to publish.
    design : Design, optional
        Its areas are sums of authorities.
    notebooks : Path, optional
        Executed notebooks whose outputs the pages embed.
    more : sequence of Sheet
        Counts in other files of the book, such as JSON.
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
    sheets = [*_sheets(binder), *more]
    used = {sheet.of for sheet in sheets} | {item.source for item in panel.inputs} | set(contracts.outcomes)
    clauses = {of: clause for of, clause in find_clauses(contracts, panel).items() if of in used}
    strict = any(clause.threshold is not None for clause in clauses.values())
    embedded = list(_embedded(binder, notebooks)) if strict and notebooks is not None else []
    breaches = find_breaches(
        sheets,
        clauses,
        texts=[*_texts(binder), *embedded] if strict else [],
        sums={} if design is None else _sums_of_places(sheets, contracts, design),
        earlier=earlier,
        edition=edition or "the release before",
    )
    said = {(breach.file, breach.cell) for breach in breaches}
    rows = chain(_named(binder), _drawn(binder), ((item.file, table) for item in embedded for table in _read_pipes(item.text)))
    by_value = [found for found in find_by_value(rows, contracts, panel, clauses) if (found.file, found.cell) not in said]
    refuse_breaches([*_refuse_outcomes(contracts, panel, outcomes), *breaches, *dict.fromkeys(by_value)])
    return tuple(cell for sheet in sheets for cell in sheet.cells if cell.value is not None)


def _refuse_outcomes(contracts: Contracts, panel: Panel, outcomes: Collection[str]) -> Iterator[Breach]:
    """Outcomes that are counts from a restricted source whose rule nobody has written down."""
    read = {item.source for item in panel.inputs}
    for outcome in (contracts.outcomes[id] for id in outcomes):
        if outcome.unit in COUNTED and clause_of(outcome, contracts, read).is_missing:
            yield Breach(
                file=f"{source_of(outcome, read)}.odcs.yaml",
                cell=f"outcome {outcome.id}",
                text="counts from a restricted source whose disclosure rule is not established",
                fix="write the publisher's rule into the clause, or access: open where the file was published",
            )


# ---------------------------------------------------------------- what a book prints


def _named(binder: Binder) -> Iterator[tuple[str, ReportTable]]:
    """Every table with the file it is published in; a table without a CSV of its own stands in the spreadsheet."""
    for table in binder.shown:
        yield binder.homes.get((table.caption, table.header), f"{DATA}/{FILE}"), table


def _drawn(binder: Binder) -> Iterator[tuple[str, ReportTable]]:
    """The data of every picture with their file."""
    for picture in binder.pictures:
        if len(picture.data):
            yield f"{DATA}/{picture.name}.csv", _tabulate(picture)


def _tabulate(picture: Picture) -> ReportTable:
    """The data of a picture, whole numbers without decimals."""
    table = tabulate(picture.data, caption=picture.caption, digits=6)
    rows = tuple(tuple(map(_plain, row)) for row in table.rows)
    return ReportTable(caption=table.caption, header=table.header, rows=rows)


def _plain(cell: str) -> str:
    whole, point, decimals = cell.partition(".")
    return whole if point and read_number(cell) is not None and not decimals.strip("0") else cell


def _sheets(binder: Binder) -> Iterator[Sheet]:
    for file, table in _named(binder):
        yield from read_table(file, table)
    for picture in binder.pictures:
        if picture.counts:
            table = _tabulate(picture)
            rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
            yield from (read_rows(f"{DATA}/{picture.name}.csv", counts, rows) for counts in picture.counts)


def _texts(binder: Binder) -> Iterator[Text]:
    for picture in binder.pictures:
        of = tuple(counts.of for counts in picture.counts)
        yield Text(file=f"{IMAGES}/{picture.name}.svg", what="alternative text", text=picture.alt, of=of)
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
    """A place is the sum of its authorities, wherever both are printed under the same column, for the same period."""
    found: dict[str, list[Sum]] = {}
    for sheet in sheets:
        for unit in design.treated:
            members = [contracts.areas[code].name for code in unit.members if code in contracts.areas]
            for row, column in dict.fromkeys(cell.key for cell in sheet.cells if cell.row.split(JOIN)[0] == unit.name):
                rest = row.removeprefix(unit.name)
                if len(members) > 1:
                    found.setdefault(sheet.of, []).append(
                        Sum((row, column), tuple((f"{name}{rest}", column) for name in members), sheet.file)
                    )
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
    return load_json(tuple[Cell, ...], path, remedy="make its report again") if path.is_file() else ()

"""Assemble the report of one run: a Quarto book project made from ``reports/`` and the run's findings.

``reports/`` is a Quarto book of its own. Its chapters hold the fixed text and include files of ``_generated/``; as committed,
these say that no run has been assembled. `write_book` copies the project into a run folder and writes there:

- ``_generated/*.qmd``: what the run decides;
- ``areas/<code>.qmd``: one page an area, listed in ``_quarto.yml`` after the findings;
- ``images/*.svg`` and ``data/*.csv``: figures and the numbers behind them, and every table in ``data/all-tables.xlsx``;
- ``_variables.yml`` and the title, date and synthetic mark of ``_quarto.yml``.

The book is a function of its arguments: the same findings and edition give the same bytes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from evaluation import project
from evaluation.contracts.records import Contracts
from evaluation.contracts.table import read_text_table
from evaluation.errors import ReportError
from evaluation.panel.freshness import list_late
from evaluation.report import (
    annex,
    background,
    changes,
    fair,
    front,
    programmes,
    protocol,
    reach,
    release,
    sections,
    sureness,
    value,
)
from evaluation.report.binder import DATA, Binder
from evaluation.report.content import table_verdicts
from evaluation.report.disclosure import Cell
from evaluation.report.gallery import Gallery
from evaluation.report.gate import find_clauses, pass_gate
from evaluation.report.material import SYNTHETIC_NOTE, Edition, Material
from evaluation.report.tables import ReportTable, tabulate
from evaluation.report.workbook import FILE, Cover, write_workbook
from evaluation.results import Card, Conclusion, Design, Deviation, Finding, Panel, Pool, Power, Spillover, Stress
from evaluation.synthesis.changes import Changes
from evaluation.synthesis.evidence import units_in_window

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GENERATED", "Book", "Edition", "write_book"]

GENERATED: dict[str, Callable[[Material], str]] = {
    "banner": front.write_banner,
    "answer": front.write_answer,
    "programme": background.write_programme,
    "could-we-see-it": reach.write_reach,
    "data": background.write_data,
    "methods": background.write_methods,
    "protocol": protocol.write_protocol,
    "fair": fair.write_fair,
    "findings": sections.write_findings,
    "other-programmes": programmes.write_other_programmes,
    "how-sure": sureness.write_sureness,
    "value-for-money": value.write_value_for_money,
    "changes": changes.write_changes,
    "limits": annex.write_limits,
    "specifications": annex.write_specifications,
    "checks": annex.write_checks,
    "data-log": annex.write_data_log,
    "statement": release.write_statement,
    "code-of-practice": release.write_code_of_practice,
    "accessibility": release.write_accessibility,
    "registry": release.write_registry,
}
"""File of ``_generated/`` to the function that writes it."""

FIGURES_KEPT = "figures-cache"
"""Folder beside the book that keeps drawn figures for the next time."""
AREAS_BEFORE = "chapters/other-programmes.qmd"
"""Chapter before which the area pages stand."""
NOT_COPIED = shutil.ignore_patterns(
    "_site",
    "_book",
    ".quarto",
    "site_libs",
    "_generated",
    "areas",
    "images",
    "data",
    "_variables.yml",
    "release.yml",
    "__pycache__",
    ".*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A book that was written."""

    root: Path
    chapters: tuple[str, ...]
    figures: int
    files: tuple[str, ...]
    """Every file written from the run, relative to the book."""
    synthetic: bool
    counts: tuple[Cell, ...] = ()
    """Counts of people that the book prints, for the disclosure gate of the next release."""


def write_book(
    book: Path,
    *,
    design: Design,
    contracts: Contracts,
    panel: Panel,
    findings: Sequence[Finding],
    conclusions: Sequence[Conclusion],
    cards: Sequence[Card],
    edition: Edition,
    power: Sequence[Power] = (),
    stress: Sequence[Stress] = (),
    spillovers: Sequence[Spillover] = (),
    pools: Sequence[Pool] = (),
    deviations: Sequence[Deviation] = (),
    since: Changes | None = None,
    counts_before: Sequence[Cell] = (),
    edition_before: str = "",
    failures: Sequence[tuple[str, str]] = (),
    notebooks: Path | None = None,
    planted: Path | None = None,
    template: Path = project.REPORTS,
) -> Book:
    """Write the book of a run, replacing one that is there.

    Parameters
    ----------
    book : Path
        Folder of the book, such as ``runs/<design>/book``.
    design, contracts, panel
        What was decided, and what came in.
    findings : sequence of Finding
        Every finding of the run.
    conclusions : sequence of Conclusion
        One for each outcome and area.
    cards : sequence of Card
        Of the methods of the design, in their order.
    edition : Edition
        Date, release, contact and licence.
    power : sequence of Power
        What could be seen, one for each outcome and area.
    stress : sequence of Stress
        How much each estimate depends on choices, one for each outcome and area.
    spillovers : sequence of Spillover
        What was found next door, one for each outcome and area.
    pools : sequence of Pool
        Summaries over places, one for each outcome.
    deviations : sequence of Deviation
        Departures from the protocol after it was locked; empty is stated.
    since : Changes, optional
        What changed since an earlier release; that none was named is stated.
    counts_before : sequence of Cell
        Counts that the earlier release printed, for the disclosure gate.
    edition_before : str
        Name of that release, for messages of the gate.
    failures : sequence of (job, message)
        Steps that did not finish.
    notebooks : Path, optional
        Executed notebooks, ``<outcome>/<area>/NN_name.ipynb``; their labelled tables are embedded where they are there.
    planted : Path, optional
        CSV of the planted effects of a synthetic run.
    template : Path
        The Quarto project the book is made from.

    Returns
    -------
    Book

    Raises
    ------
    ReportError
        If a final release lacks what a publication needs, the template is no Quarto book, or the planted file cannot be read.
    DisclosureError
        If a table, picture or text would disclose what its source protects; nothing is written then.
    """
    material = Material(
        design=design,
        contracts=contracts,
        panel=panel,
        findings=tuple(findings),
        conclusions=tuple(conclusions),
        cards={card.name: card for card in cards},
        failures=tuple(failures),
        edition=edition,
        power=tuple(power),
        stress=tuple(stress),
        spillovers=tuple(spillovers),
        pools=tuple(pools),
        deviations=tuple(deviations),
        changes=since,
        notebooks=notebooks,
        notebooks_from_pages=""
        if notebooks is None
        else os.path.relpath(notebooks.resolve(), (book / "areas").resolve()).replace(os.sep, "/"),
        planted=None if planted is None else read_planted(planted),
        binder=Binder(find_clauses(contracts, panel)),
        gallery=Gallery(book.with_name(FIGURES_KEPT)),
    )
    late = list_late(panel, contracts, edition.date)
    release.check_edition(edition, synthetic=material.synthetic, failures=len(material.failures), late=late)
    binder = material.binder
    for name, write in GENERATED.items():
        binder.add(f"_generated/{name}.qmd", write(material))
    codes = sorted(design.estimate_areas, key=lambda code: (design.unit_of(code).name.casefold(), code))
    for code in codes:
        binder.add(f"areas/{code}.qmd", sections.write_area(material, code))
    counts = pass_gate(
        binder,
        contracts,
        panel,
        [plan.id for plan in design.outcomes],
        design=design,
        notebooks=notebooks,
        earlier=counts_before,
        edition=edition_before,
    )
    config = _configure(template, material, [f"areas/{code}.qmd" for code in codes])
    binder.add("_variables.yml", _dump(_variables(material)))
    binder.add(f"{DATA}/{FILE}", _write_workbook(material))
    material.gallery.forget_others()
    _replace_folder(book, template, {**binder.files, "_quarto.yml": _dump(config).encode()})
    return Book(
        root=book,
        chapters=tuple(_chapters(config)),
        figures=sum(1 for path in binder.files if path.endswith(".svg")),
        files=tuple(sorted(binder.files)),
        synthetic=material.synthetic,
        counts=counts,
    )


def _write_workbook(material: Material) -> bytes:
    """The spreadsheet: the verdicts, every table, and the numbers behind every figure as its page shows them."""
    binder, cover = material.binder, _write_cover(material)
    behind = [tabulate(p.data, caption=f"Data: {p.caption}", columns=p.columns) for p in binder.pictures]
    tables = [*_list_verdicts(material), *binder.tables, *behind]
    return material.gallery.keep(
        repr((version("gptables"), version("XlsxWriter"), cover, tables)), ".xlsx", lambda: write_workbook(tables, cover)
    )


def _list_verdicts(material: Material) -> list[ReportTable]:
    """The verdicts with their sentences, as the pages have them; nothing where there are none."""
    return [table_verdicts(material.of(), material.contracts.outcomes)] if material.conclusions else []


def _write_cover(material: Material) -> Cover:
    edition = material.edition
    title = f"{material.design.title}: every table of the report"
    return Cover(
        title=f"SYNTHETIC DATA. {title}" if material.synthetic else title,
        about=(
            material.design.question,
            f"{'Provisional release' if edition.release == 'provisional' else 'Released'}, {edition.day}. "
            "Each sheet holds one table of the report, or the data behind one of its figures.",
            f"Protocol SHA-256: {material.design.sha256}",
            "An interval is the range of differences that the data allow. Lower and higher are directions, not judgements.",
        ),
        contact=(
            f"Contact: {edition.contact or 'not given in this release'}",
            f"Licence: {edition.licence or 'not given in this release'}",
        ),
        date=edition.date,
        mark=SYNTHETIC_NOTE if material.synthetic else "",
    )


def read_planted(path: Path) -> pd.DataFrame:
    """Read the file of planted effects of a synthetic run; cells are text but ``effect``.

    Raises
    ------
    DataError
        If it is no CSV file.
    ReportError
        If a column is missing, or an effect is no number.
    """
    frame = read_text_table(path).frame
    absent = [name for name in ("area_code", "outcome", "effect") if name not in frame.columns]
    if absent:
        raise ReportError(f"{path.name}: no column {', '.join(absent)}; it has {', '.join(frame.columns)}.")
    try:
        return frame.assign(effect=frame["effect"].astype(float))
    except ValueError as error:
        raise ReportError(f"{path.name}: an effect is no number ({error}); run the demonstration again.") from None


def _variables(material: Material) -> dict[str, Any]:
    design, edition = material.design, material.edition
    return {
        "programme": design.programme_name,
        "title": design.title,
        "areas": len(units_in_window(design, material.primary.id)),
        "release": edition.release,
        "date": edition.day,
        "protocol": design.sha256[:12],
    }


def _configure(template: Path, material: Material, areas: Sequence[str]) -> dict[str, Any]:
    """The template's ``_quarto.yml`` with this run's title, date, area pages and synthetic mark."""
    file = template / "_quarto.yml"
    if not file.is_file():
        raise ReportError(f"{template}: no _quarto.yml here; the template of the report is the folder reports/ of the project.")
    config = yaml.safe_load(file.read_text("utf-8"))
    book = config["book"]
    book["title"] = material.design.title
    book["subtitle"] = "Did it make a difference, and could we have told?"
    book["date"] = material.edition.date.isoformat()
    chapters = list(book["chapters"])
    if areas:
        at = chapters.index(AREAS_BEFORE) if AREAS_BEFORE in chapters else len(chapters)
        chapters.insert(at, {"part": "Areas", "chapters": list(areas)})
    book["chapters"] = chapters
    if material.synthetic:
        book["subtitle"] = "SYNTHETIC DATA: a demonstration, not a finding"
        config["synthetic"], config["synthetic-note"] = True, SYNTHETIC_NOTE
    return config


def _chapters(config: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for item in [*config["book"]["chapters"], *config["book"].get("appendices", [])]:
        found.extend([item] if isinstance(item, str) else item["chapters"])
    return found


def _dump(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)


def _replace_folder(book: Path, template: Path, files: dict[str, bytes]) -> None:
    """Write the whole book beside the old one, then put it in its place."""
    part = book.with_name(f".{book.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(template, part, ignore=NOT_COPIED)
    for path, data in files.items():
        target = part / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    shutil.rmtree(book, ignore_errors=True)
    part.replace(book)

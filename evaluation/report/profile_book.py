"""The profile of one area as a small Quarto book: one page, its figures, tables, CSV files and the profile itself as JSON."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from evaluation import project
from evaluation.contracts.records import Contracts
from evaluation.errors import ReportError
from evaluation.plain import dump_json
from evaluation.report.binder import DATA, Binder, join_blocks
from evaluation.report.counts import count_outcome
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.gallery import Gallery
from evaluation.report.gate import find_clauses, pass_gate
from evaluation.report.printed import Sheet, read_rows
from evaluation.report.profile_page import Pages, write_profile
from evaluation.report.tables import NOT_AVAILABLE, ReportTable
from evaluation.results import AreaLevel, Panel, Profile
from evaluation.synthesis.phrases import join_words

JSON = "profile.json"
"""The profile, in the folder of the data."""
NOTE = "SYNTHETIC DATA: every figure on this page is invented and describes no real place. The programmes are from the register."
KEPT = ("_extensions", "styles")
"""Folders of the report's sources that the book needs."""


def write_profile_book(
    book: Path,
    profile: Profile,
    contracts: Contracts,
    panel: Panel,
    *,
    day: date,
    outcomes: Collection[str] = (),
    template: Path = project.REPORTS,
) -> tuple[str, ...]:
    """Write the book of a profile, replacing one that is there.

    Parameters
    ----------
    book : Path
        Its folder.
    profile : Profile
        The area.
    contracts : Contracts
        Outcomes, areas and sources.
    panel : Panel
        The figures it was made from.
    day : date
        Of the edition.
    outcomes : collection of str
        Outcomes asked for by name.
    template : Path
        Sources of the report, for its looks.

    Returns
    -------
    tuple of str
        The files of the book that come from the profile.

    Raises
    ------
    ReportError
        If the template is no Quarto book.
    DisclosureError
        If a table, picture, text or the JSON would disclose what its source protects; nothing is written then.
    """
    if not (template / "_quarto.yml").is_file():
        raise ReportError(f"{template}: no _quarto.yml here; the template is the folder reports/ of the project.")
    binder = Binder(find_clauses(contracts, panel))
    pages = Pages(binder=binder, gallery=Gallery(), up="")
    body = write_profile(profile, contracts, pages)
    binder.add(f"{DATA}/{JSON}", dump_json(profile))
    title = "# In brief {#sec-profile .unnumbered}"
    blocks = [title, _say_area(profile), body, *_write_sources(profile, contracts, pages)]
    blocks.append(f"[Download the whole profile as JSON]({DATA}/{JSON})")
    binder.add("index.qmd", join_blocks(blocks))
    pass_gate(binder, contracts, panel, outcomes, more=list(_read_json(profile, contracts)))
    binder.add("_quarto.yml", yaml.safe_dump(_configure(template, profile, day), sort_keys=False, allow_unicode=True, width=120))
    part = book.with_name(f".{book.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for name in KEPT:
        shutil.copytree(template / name, part / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for path, data in binder.files.items():
        (part / path).parent.mkdir(parents=True, exist_ok=True)
        (part / path).write_bytes(data)
    shutil.rmtree(book, ignore_errors=True)
    part.replace(book)
    return tuple(sorted(binder.files))


def _read_json(profile: Profile, contracts: Contracts) -> Iterator[Sheet]:
    """The counts that the profile itself holds, for the gate: a program reads what no table shows."""
    levels = [*profile.levels, *(reason.level for reason in profile.reasons if reason.level is not None)]
    for level in levels:
        outcome = contracts.outcomes[level.outcome]
        for counts in count_outcome(outcome, labels=("period",), columns=("value",), about=f"{profile.area_name}, {outcome.id}"):
            yield read_rows(f"{DATA}/{JSON}", counts, [{"period": at, "value": _write(value)} for at, value in _figures(level)])


def _figures(level: AreaLevel) -> Iterator[tuple[str, float | None]]:
    yield level.period, level.value
    if level.series is not None:
        yield from zip(level.series.periods, level.series.area, strict=True)


def _write(value: float | None) -> str:
    return NOT_AVAILABLE if value is None else f"{value:,.0f}" if value.is_integer() else f"{value:,.6f}"


def _say_area(profile: Profile) -> str:
    """Where it is, and what it is made of."""
    region = profile.region if profile.region != profile.nation else ""
    where = ", ".join(part for part in (region, profile.nation) if part)
    if len(profile.members) == 1:
        return escape(f"Local authority {profile.area}, {where}.")
    return escape(f"{len(profile.members)} local authorities in {where}: {join_words(profile.member_names)}.")


def _write_sources(profile: Profile, contracts: Contracts, pages: Pages) -> list[str]:
    """Files, editions and hashes the figures come from, with what their licences ask for."""
    rows = tuple(
        (
            contracts.sources[item.source].title if item.source in contracts.sources else item.source,
            item.vintage,
            item.name,
            item.sha256[:12],
        )
        for item in profile.inputs
    )
    table = ReportTable(
        caption="Files the figures come from", header=("Source", "Edition", "File", "SHA-256, first 12 digits"), rows=rows
    )
    said = dict.fromkeys(contracts.sources[i.source].attribution for i in profile.inputs if i.source in contracts.sources)
    return [
        "## Sources {#sec-profile-sources}",
        pages.table(table, "profile-sources"),
        *(escape(text if text.endswith(".") else f"{text}.") for text in said),
        escape(f"Made with version {profile.code} of the program."),
    ]


def _configure(template: Path, profile: Profile, day: date) -> dict[str, Any]:
    """The template's ``_quarto.yml`` for one page."""
    config = yaml.safe_load((template / "_quarto.yml").read_text("utf-8"))
    book = config["book"]
    book |= {
        "title": f"Area profile: {profile.area_name}",
        "subtitle": "Levels, changes, reasons for inactivity, similar areas, programmes",
        "date": day.isoformat(),
        "chapters": ["index.qmd"],
    }
    for key in ("appendices", "downloads", "search"):
        book.pop(key, None)
    config.pop("bibliography", None)
    config["project"]["resources"] = [f"{DATA}/*.csv", f"{DATA}/*.json"]
    if profile.synthetic:
        book["subtitle"] = "SYNTHETIC DATA: a demonstration"
        config["synthetic"], config["synthetic-note"] = True, NOTE
    return config

"""The profile of an area as a page, or as a section of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ParamSpec

from evaluation.contracts.records import Contracts
from evaluation.profile import Subject, profile_area, read_figures, summarise_areas
from evaluation.profile.cells import Cells
from evaluation.report import profile_words as words
from evaluation.report.binder import Binder, join_blocks, list_items, name_part, safe_name
from evaluation.report.drawing import Picture
from evaluation.report.editions import keep_to_web
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_profile import figure_outcome, figure_programmes, figure_similar
from evaluation.report.gallery import Gallery
from evaluation.report.material import Material
from evaluation.report.profile_tables import (
    programme_months,
    table_areas,
    table_changes,
    table_levels,
    table_others,
    table_programme_months,
    table_programmes,
    table_reasons,
    table_similar,
)
from evaluation.report.tables import ReportTable
from evaluation.results import AreaLevel, Panel, Profile
from evaluation.synthesis.numbers import write_count
from evaluation.synthesis.phrases import join_words, upper_first

P = ParamSpec("P")

LEAST_FIGURES = 3
"""Figures of an area from which a line over time is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Where a profile is written: the book's files, its drawn pictures, and the way up from the page to the book's folder."""

    binder: Binder
    gallery: Gallery
    up: str

    def figure(self, make: Callable[P, Picture | None], *records: P.args, **options: P.kwargs) -> str:
        """Draw a figure, put it into the book and return its Markdown; nothing where there is none."""
        if make(*records, **options) is None:
            return ""
        picture, svg = self.gallery.show(make, *records, **options)  # type: ignore[arg-type]
        return self.binder.place_figure(picture, svg, up=self.up)

    def table(self, table: ReportTable | None, name: str) -> str:
        """Put a table into the book and return its Markdown; nothing where there is none."""
        return "" if table is None else self.binder.place_table(table, name, up=self.up)


def write_profile(profile: Profile, contracts: Contracts, pages: Pages, *, depth: int = 2, whole: bool = True) -> str:
    """A profile in Markdown: latest figures, changes, reasons, similar areas, programmes, how to read them.

    Parameters
    ----------
    profile : Profile
        The area.
    contracts : Contracts
        Outcomes and areas.
    pages : Pages
        Takes the figures, tables and downloads.
    depth : int
        Level of its headings.
    whole : bool
        Whether the print edition has all of it; otherwise figures of single outcomes and what explains stand in the web edition.
    """
    outcomes, slug, marks = contracts.outcomes, safe_name(profile.area), "#" * depth
    named = {id: outcome.name for id, outcome in outcomes.items()}

    def heading(text: str, name: str) -> str:
        return f"{marks} {escape(text)} {{#sec-profile-{name}-{slug}}}"

    def aside(*blocks: str) -> str:
        return join_blocks(blocks) if whole else keep_to_web(*blocks)

    headline = outcomes.get(profile.headline)
    drawn = [outcomes[level.outcome] for level in profile.levels if _can_draw(level)]
    blocks = [
        escape(words.say_headline(profile, headline)) if headline else "None of the outcomes has a figure for this area.",
        heading("Where it stands", "levels"),
        pages.table(table_levels(profile, outcomes), f"profile-levels-{slug}"),
        *(
            escape(words.say_level(level, outcomes[level.outcome], profile))
            for level in profile.levels
            if level.value is not None and level.outcome != profile.headline
        ),
        pages.table(table_others(profile, outcomes), f"profile-others-{slug}"),
        heading("How it moved", "changes"),
        pages.table(table_changes(profile, outcomes), f"profile-changes-{slug}"),
        *(pages.figure(figure_outcome, profile, item) for item in drawn[:1]),
        aside(*(pages.figure(figure_outcome, profile, item) for item in drawn[1:])),
        heading("Reasons for inactivity", "reasons"),
        *_write_reasons(profile, contracts, pages, slug),
        heading("Similar areas", "similar"),
        *(escape(text) for text in words.say_nearness(profile, named)),
        pages.table(table_similar(profile, contracts), f"profile-similar-{slug}"),
        pages.figure(figure_similar, profile, headline) if headline else "",
        *_write_published(profile, contracts),
        heading("Programmes on record", "programmes"),
        *_write_programmes(profile, contracts, pages, slug),
        aside(heading("How to read this", "reading"), list_items(words.say_how_to_read(profile, list(outcomes.values())))),
    ]
    if profile.missing:
        blocks.append(aside("Outcomes without figures here:", list_items(profile.missing)))
    return join_blocks(blocks)


def _can_draw(level: AreaLevel) -> bool:
    return level.series is not None and sum(value is not None for value in level.series.area) >= LEAST_FIGURES


def _write_reasons(profile: Profile, contracts: Contracts, pages: Pages, slug: str) -> list[str]:
    shown = [(reason, reason.level) for reason in profile.reasons if reason.level is not None and reason.level.value is not None]
    outcomes = contracts.outcomes
    said = [words.say_level(level, outcomes[reason.outcome], profile) for reason, level in shown]
    drawn = [outcomes[reason.outcome] for reason, level in shown if _can_draw(level)]
    return [
        *(escape(text) for text in said),
        "A share of inactive people can move because the other reasons move: it is not a share of residents." if said else "",
        pages.table(table_reasons(profile, outcomes), f"profile-reasons-{slug}"),
        *(pages.figure(figure_outcome, profile, item) for item in drawn[:1]),
    ]


def _write_published(profile: Profile, contracts: Contracts) -> list[str]:
    """The neighbours a publisher gives, and how many of ours are among them."""
    similar = profile.similar
    if not similar.published:
        return []
    names = [contracts.areas[code].name for code in similar.published]
    ours = sum(area.code in similar.published for area in similar.areas)
    return [
        escape(
            f"The Office for National Statistics publishes statistical neighbours of its own, from other figures and years: "
            f"{'; '.join(names)}. {upper_first(write_count(ours))} of the {len(similar.areas)} above are among them."
        )
    ]


def _write_programmes(profile: Profile, contracts: Contracts, pages: Pages, slug: str) -> list[str]:
    table = table_programmes(profile)
    if table is None:
        return ["The register has no programme here. That none ran does not follow: the register holds what sources state."]
    months = programme_months(profile, contracts.outcomes)
    by_month = pages.binder.place_download(
        table_programme_months(profile, months), f"profile-programme-months-{slug}", up=pages.up
    )
    return [
        "From the register of programmes. A programme is active from a start that a source states, and not before; where none "
        "does, it is on record from its announcement or funding, and its start is not established.",
        pages.figure(figure_programmes, profile, contracts.outcomes),
        pages.table(table, f"profile-programmes-{slug}"),
        by_month if months else "",
    ]


def write_profile_section(material: Material, code: str) -> list[str]:
    """The profile of a treated unit at the end of its page, from the figures of its study; nothing where they have none of it.

    Where the study compares with nobody, the profile is what its page has, in whole; otherwise it stands in the web edition.
    """
    unit, contracts = material.design.unit_of(code), material.contracts
    figures = _read(material.panel, contracts)
    if not figures or not all(member in contracts.areas for member in unit.members):
        return []
    areas = [contracts.areas[member] for member in unit.members]
    subject = Subject(
        code=unit.code,
        name=unit.name,
        members=unit.members,
        nation=join_words(list(dict.fromkeys(area.nation for area in areas))),
        region=max(sorted({area.region for area in areas}), key=[area.region for area in areas].count),
    )
    pages = Pages(binder=material.binder, gallery=material.gallery, up="../")
    profile = profile_area(material.panel, contracts, subject, figures=figures)
    heading = f"## Profile of the area {{#sec-profile-{safe_name(code)}}}"
    if material.design.comparison == "none":
        return [heading, write_profile(profile, contracts, pages, depth=3)]
    return [keep_to_web(heading, _write_short(profile, contracts, pages))]


def _write_short(profile: Profile, contracts: Contracts, pages: Pages) -> str:
    """What a page of estimates does not have already: where the area stands, changes, similar areas, programmes."""
    outcomes, slug = contracts.outcomes, safe_name(profile.area)
    named = {id: outcome.name for id, outcome in outcomes.items()}
    headline = outcomes.get(profile.headline)
    return join_blocks(
        [
            "What was published, before any method has touched it. Nothing in this section is an estimate of a difference made.",
            escape(words.say_headline(profile, headline)) if headline else "",
            pages.table(table_levels(profile, outcomes), f"profile-levels-{slug}"),
            pages.table(table_changes(profile, outcomes), f"profile-changes-{slug}"),
            *(escape(text) for text in words.say_nearness(profile, named)),
            pages.table(table_similar(profile, contracts), f"profile-similar-{slug}"),
            *_write_programmes(profile, contracts, pages, slug),
        ]
    )


def write_profile_overview(material: Material) -> list[str]:
    """Every authority with the programme in alphabetical order, for a study that compares with nobody; nothing for others."""
    design, contracts = material.design, material.contracts
    figures = _read(material.panel, contracts)
    headline = next((plan.id for plan in design.outcomes if plan.id in figures), None)
    if design.comparison != "none" or headline is None:
        return []
    outcome = contracts.outcomes[headline]
    members = {code for unit in design.treated for code in unit.members}
    levels = {code: level for code, level in summarise_areas(figures, contracts, headline).items() if code in members}
    table = table_areas(levels, contracts, outcome)
    blocks = [
        "## Every area, as published {#sec-profiles}",
        "No estimate is possible, so this is a description: the latest figure of each authority, where it stands beside the mean "
        "of its nation, and how it moved over five years. The order is that of the alphabet. The full profile of one area, with "
        "its reasons for inactivity, similar areas and programmes, is made by `trailblazer profile --area CODE --data DIR`.",
    ]
    if table is not None:
        blocks.append(material.place_table("../", table, f"profile-areas-{name_part(outcome.id)}"))
    return blocks


@lru_cache(maxsize=1)
def _read(panel: Panel, contracts: Contracts) -> dict[str, Cells]:
    """The figures of a study's panel, read once for all its areas."""
    return read_figures(panel, contracts)

"""From a panel and the registers to the profile of one area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from evaluation import project
from evaluation.contracts.disclosure import COUNTED, clause_of
from evaluation.contracts.records import Contracts, Outcome
from evaluation.errors import DataError
from evaluation.plain import save_records
from evaluation.profile.cells import Cells, read_cells
from evaluation.profile.gather import NO_FILE
from evaluation.profile.levels import absent_level, describe_level, show_figure
from evaluation.profile.presence import first_programme_month, list_presences
from evaluation.profile.similar import find_similar
from evaluation.profile.subject import Subject, find_subject
from evaluation.results import AreaLevel, Panel, Profile, Reason

SIMILAR = 10
"""Similar areas named, unless asked otherwise."""
REASONS = (
    ("long-term sick", "long_term_sick_share"),
    ("temporary sick", "inactive_temporary_sick_share"),
    ("looking after family or home", "inactive_family_home_share"),
    ("student", "inactive_student_share"),
    ("retired", "inactive_retired_share"),
    ("discouraged: believes no jobs are available", "inactive_discouraged_share"),
    ("other reasons", "inactive_other_share"),
)
"""Reasons for inactivity as the Annual Population Survey has them, with the outcome of each."""
ANNUAL = "_annual"
"""Ending of the outcome that gives the same by calendar year."""
FIRST = ("inactivity", "employment", "claimant", "young", "pay", "median_pay")
"""Beginnings of the outcomes that stand first, in this order; others follow by name."""
NOT_IN_PANEL = "not among the figures given"
UNPROTECTED = "counts of a restricted source whose disclosure rule is not established"
"""Why a profile leaves an outcome out that the data have."""


def profile_area(
    panel: Panel,
    contracts: Contracts,
    area: str | Subject,
    *,
    programme: str = "",
    similar: int = SIMILAR,
    before: str = "",
    published: tuple[str, ...] = (),
    missing: Mapping[str, str] | None = None,
    figures: Mapping[str, Cells] | None = None,
) -> Profile:
    """Describe an area, treated or not.

    Parameters
    ----------
    panel : Panel
        Figures of any outcomes, for as many authorities as there are: the nation's mean and the similar areas come from them.
    contracts : Contracts
        Registers and outcomes.
    area : str or Subject
        GSS code or name of an authority, or identifier of a place; or the area itself.
    programme : str
        Programme a place is one of, where programmes draw it differently.
    similar : int
        How many similar areas to name.
    before : str
        ``YYYY-MM`` before which figures must end to enter the distance; empty = the first month of any programme on record.
    published : tuple of str
        Neighbours that a publisher gives, by code.
    missing : mapping of outcome to words, optional
        Why the panel lacks an outcome, where that is known.
    figures : mapping of outcome to Cells, optional
        What `read_figures` gave for this panel, where several areas are described.

    Returns
    -------
    Profile

    Raises
    ------
    ConfigurationError
        If there is no such area, or a place is drawn in several ways.
    DataError
        If the panel has no figure of any outcome for an authority of the register.
    """
    subject = find_subject(contracts, area, programme) if isinstance(area, str) else area
    figures = read_figures(panel, contracts) if figures is None else figures
    if not figures:
        raise DataError(f"{subject.name}: the panel has no figure of an outcome; give a data folder with a source of one.")
    why = {outcome.id: UNPROTECTED for outcome in _wanted(contracts) if is_unprotected(outcome, panel, contracts)}
    why.update(missing or {})
    nearest = find_similar(
        figures, contracts, subject, before=before or first_programme_month(contracts), count=similar, published=published
    )
    codes = tuple(item.code for item in nearest.areas)
    of_reasons = {id for _, stem in REASONS for id in (stem, stem + ANNUAL)}
    levels = {id: describe_level(cells, contracts, subject, codes) for id, cells in figures.items()}
    shown = [id for id, level in levels.items() if level.value is not None and id not in of_reasons]
    # A total says little without the size of the area: a rate or an amount goes first.
    headline = next((id for id in shown if not figures[id].is_total), next(iter(shown), ""))
    if headline:
        period = levels[headline].period
        nearest = replace(nearest, areas=tuple(show_figure(item, figures[headline], period) for item in nearest.areas))
    return Profile(
        area=subject.code,
        area_name=subject.name,
        nation=subject.nation,
        region=subject.region,
        members=subject.members,
        member_names=tuple(contracts.areas[code].name for code in subject.members),
        comparison=subject.nation,
        headline=headline,
        levels=tuple(level for id, level in levels.items() if id not in of_reasons),
        reasons=tuple(_reason(name, stem, levels, contracts, why) for name, stem in REASONS),
        similar=nearest,
        presences=list_presences(contracts, subject),
        inputs=panel.inputs,
        synthetic=panel.synthetic,
        code=project.code_version(),
        missing=tuple(
            f"{outcome.name}: {why.get(outcome.id, NOT_IN_PANEL)}"
            for outcome in _wanted(contracts)
            if outcome.id not in figures and outcome.id not in of_reasons
        ),
    )


def read_figures(panel: Panel, contracts: Contracts) -> dict[str, Cells]:
    """Every outcome of a panel that a profile shows, those a reader looks for first, first; populations serve as weights only.

    Counts come protected as their source asks; those of a restricted source whose rule nobody has written down are left out.
    """
    wanted = (outcome for outcome in _wanted(contracts) if not is_unprotected(outcome, panel, contracts))
    read = ((outcome.id, read_cells(panel, contracts, outcome)) for outcome in wanted)
    return {id: cells for id, cells in read if cells is not None}


def is_unprotected(outcome: Outcome, panel: Panel, contracts: Contracts) -> bool:
    """Whether an outcome counts people and the panel has it from a source that says nothing of how to protect them."""
    clause = clause_of(outcome, contracts, {item.source for item in panel.inputs})
    return outcome.unit in COUNTED and clause.is_missing


def summarise_areas(figures: Mapping[str, Cells], contracts: Contracts, outcome: str) -> dict[str, AreaLevel]:
    """Latest level and changes of one outcome in every authority of the register, by code."""
    cells = figures[outcome]
    return {
        code: describe_level(cells, contracts, find_subject(contracts, code), (), over_time=False) for code in contracts.areas
    }


def _wanted(contracts: Contracts) -> list[Outcome]:
    populations = {outcome.population for outcome in contracts.outcomes.values()}
    return _in_order(outcome for id, outcome in contracts.outcomes.items() if id not in populations)


def save_profile(profile: Profile, results: Path | str) -> Path:
    """Write a profile to ``profile/<area>.json`` below a results folder, ``runs/interactive`` for an empty one; give the path."""
    return save_records({f"profile/{profile.area}.json": profile}, results)[0]


def _in_order(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes a reader looks for first, first."""

    def place(outcome: Outcome) -> tuple[int, str]:
        at = next((n for n, start in enumerate(FIRST) if outcome.id.startswith(start)), len(FIRST))
        return at, outcome.id

    return sorted(outcomes, key=place)


def _reason(name: str, stem: str, levels: Mapping[str, AreaLevel], contracts: Contracts, missing: Mapping[str, str]) -> Reason:
    """The latest figure of one reason: of the rolling series, or of calendar years where that has none."""
    there = [id for id in (stem, stem + ANNUAL) if id in contracts.outcomes]
    if not there:
        return Reason(name=name, outcome="", level=None, why_not="no contract has an outcome for it")
    chosen = next((id for id in there if id in levels and levels[id].value is not None), None)
    if chosen is not None:
        return Reason(name=name, outcome=chosen, level=levels[chosen])
    reasons = [levels[id].why_not if id in levels else missing.get(id, NOT_IN_PANEL) for id in there]
    said = next((text for text in reasons if text not in (NO_FILE, NOT_IN_PANEL)), reasons[0])
    outcome = contracts.outcomes[there[0]]
    return Reason(name=name, outcome=there[0], level=absent_level(outcome, why_not=said), why_not=said)

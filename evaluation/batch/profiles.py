"""The profile of an area from a data folder to a page: what `trailblazer profile` does."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from evaluation import project
from evaluation.batch.edition import edition_date
from evaluation.contracts.load import load_contracts
from evaluation.errors import ConfigurationError
from evaluation.profile import find_subject, gather_figures, profile_area
from evaluation.profile.make import SIMILAR
from evaluation.report.engine import Engine, render
from evaluation.report.profile_book import JSON, write_profile_book
from evaluation.report.profile_words import say_headline
from evaluation.results import Profile

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A profile and where its page lies."""

    profile: Profile
    html: Path
    json: Path


def write_area_profile(
    area: str,
    data: Path,
    out: Path | None = None,
    *,
    programme: str = "",
    outcomes: Sequence[str] = (),
    similar: int = SIMILAR,
    before: str = "",
    engine: Engine = "embedded",
    day: date | None = None,
) -> Written:
    """Make the profile of an area and write it as a page with its CSV files and JSON.

    Parameters
    ----------
    area : str
        Code or name of an authority, or identifier of a place.
    data : Path
        Folder of data files as published.
    out : Path, optional
        Folder of the page, replaced as a whole; ``runs/profiles/<area>`` by default.
    programme : str
        Programme a place is one of, where programmes draw it differently.
    outcomes : sequence of str
        Outcomes wanted; empty = every one there is a file for.
    similar : int
        Similar areas to name.
    before : str
        ``YYYY-MM`` before which figures must end to enter the distance.
    engine : {"auto", "quarto", "embedded"}
        Who renders.
    day : date, optional
        Of the edition; today, or SOURCE_DATE_EPOCH, where none is given.

    Raises
    ------
    ConfigurationError
        If there is no such area, outcome or folder, or a setting is wrong.
    DataError
        If the folder has no figures, or those asked for break their contracts.
    DisclosureError
        If the page would disclose what a source protects; the page that lies there stays as it is.
    """
    if before and not _MONTH.fullmatch(before):
        raise ConfigurationError(f"--before {before!r}: this is not a month; write YYYY-MM, such as 2023-04.")
    contracts = load_contracts()
    subject = find_subject(contracts, area, programme)
    gathered = gather_figures(data, contracts, outcomes)
    profile = profile_area(
        gathered.panel,
        contracts,
        area,
        programme=programme,
        similar=similar,
        before=before,
        published=gathered.published(subject.code, contracts),
        missing=gathered.missing,
    )
    folder = out or project.RUNS / "profiles" / profile.area
    with tempfile.TemporaryDirectory(prefix="profile-") as temporary:
        book = Path(temporary) / "book"
        write_profile_book(book, profile, contracts, gathered.panel, day=day or edition_date(), outcomes=outcomes)
        render(book, folder, engine=engine, formats=("html",))
    return Written(profile=profile, html=folder / "index.html", json=folder / "data" / JSON)


def say_profile(profile: Profile) -> list[str]:
    """The profile in a few lines for whoever asked: the headline, and what is missing."""
    outcomes = load_contracts(standard=False).outcomes
    lines = ["SYNTHETIC DATA: every figure is invented."] if profile.synthetic else []
    if profile.headline:
        lines.append(say_headline(profile, outcomes[profile.headline]))
    absent = [f"{outcomes[level.outcome].name}: {level.why_not}" for level in profile.levels if level.value is None]
    reasons: dict[str, list[str]] = {}
    for reason in profile.reasons:
        if reason.why_not:
            reasons.setdefault(reason.why_not, []).append(reason.name)
    absent += [f"reasons for inactivity ({'; '.join(names)}): {why}" for why, names in reasons.items()]
    return [*lines, *(f"  not available  {text}" for text in (*absent, *profile.missing))]

"""A profile opened for work in a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts, Outcome
from evaluation.design.study import open_study
from evaluation.errors import ConfigurationError
from evaluation.profile import find_subject, gather_figures, profile_area
from evaluation.report.profile_words import say_headline
from evaluation.results import Profile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownProfile:
    """A profile with its contracts and the outcome shown first."""

    profile: Profile
    contracts: Contracts
    outcome: Outcome

    def __repr__(self) -> str:
        """Say in a few lines what the area looks like."""
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        title, headline = self._lines()
        return f"<p><strong>{escape(title)}</strong></p><p>{escape(headline)}</p>"

    def _lines(self) -> tuple[str, str]:
        profile = self.profile
        mark = "   SYNTHETIC DATA" if profile.synthetic else ""
        where = ", ".join(dict.fromkeys((profile.region, profile.nation)))
        return f"{profile.area_name}, {where}{mark}", say_headline(profile, self.outcome)


def open_profile(design: str, area: str, *, outcome: str = "", panel: Path | str = "", data: Path | str = "") -> ShownProfile:
    """Open the profile of an area.

    Parameters
    ----------
    design : str
        Study whose panel and programme are used.
    area : str
        Code or name of an authority, or identifier of a place.
    outcome : str
        Outcome shown first; empty = the profile's own.
    panel : path
        ``panel.parquet`` of a run; with neither this nor `data` the SYNTHETIC demonstration data of the study.
    data : path
        Folder of files as published: then every outcome with a file is in the profile, not only those of the study.

    Raises
    ------
    ConfigurationError
        If there is no such area or study, or the area has no figure of the outcome.
    DataError
        If there is no figure at all, or data break their contracts.
    """
    if data and panel:
        raise ConfigurationError(f"open_profile: give a panel ({panel}) or a data folder ({data}), not both.")
    if data:
        contracts = load_contracts()
        gathered = gather_figures(Path(data), contracts)
        subject = find_subject(contracts, area)
        published = gathered.published(subject.code, contracts)
        profile = profile_area(gathered.panel, contracts, area, published=published, missing=gathered.missing)
    else:
        study = open_study(design, panel=panel or None)
        contracts = study.contracts
        programme = study.design.programme if any(unit.code == area for unit in study.design.treated) else ""
        profile = profile_area(study.panel, contracts, area, programme=programme)
    chosen = outcome or profile.headline
    if not any(level.outcome == chosen and level.value is not None for level in profile.levels):
        there = [level.outcome for level in profile.levels if level.value is not None]
        raise ConfigurationError(
            f"{profile.area_name}: there is no figure of {chosen or 'any outcome'!r}; it has {', '.join(there) or 'none'}."
        )
    return ShownProfile(profile=profile, contracts=contracts, outcome=contracts.outcomes[chosen])

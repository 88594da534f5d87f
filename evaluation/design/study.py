"""A study opened for work: its design, its contracts and its panel. Notebooks begin here."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation import project
from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.design.compare import build_comparison, residents_of
from evaluation.design.protocol import load_design
from evaluation.errors import ConfigurationError
from evaluation.panel.build import build_panel
from evaluation.panel.files import find_files, find_later
from evaluation.panel.store import read_panel, write_panel
from evaluation.panel.vintages import is_day
from evaluation.project import write_whole
from evaluation.results import Comparison, Design, Panel
from evaluation.results.show import Sheet, sheet_html, sheet_text
from evaluation.simulate import write_demonstration

PANEL = "panel.parquet"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """A design with the contracts it refers to and a panel that keeps them."""

    design: Design
    contracts: Contracts
    panel: Panel

    def comparison(self, outcome: str, area: str) -> Comparison:
        """Set a treated area beside the untreated areas it may be compared with.

        Parameters
        ----------
        outcome : str
            An outcome of the design, such as ``"claimant_rate"``.
        area : str
            Code of a treated unit, such as ``"greater-manchester"``, or ``"all"`` of them together.

        Returns
        -------
        Comparison
            Figures by period and area, the treated first; areas left out are in ``.excluded``, each with its reason.

        Raises
        ------
        ConfigurationError
            If the design does not know the outcome or the area; the message names those there are.
        DataError
            If the panel cannot carry the comparison; see `evaluation.design.compare.build_comparison`.

        Examples
        --------
        >>> comparison = open_study("economic-inactivity-trailblazers").comparison("claimant_rate", "greater-manchester")
        >>> comparison.n_periods, comparison.periods[-1], len(comparison.donors)
        (105, '2026-09', 166)
        """
        return build_comparison(self.panel, self.design, self.contracts, outcome=outcome, area=area)

    def residents(self, outcome: str, area: str) -> float | None:
        """Count the people a rate is a share of; see `residents_of`."""
        return residents_of(self.panel, self.design, self.contracts, outcome, area)

    def __repr__(self) -> str:
        """Say what the study is about, in a few lines."""
        return sheet_text(self._sheet())

    def _repr_html_(self) -> str:
        return sheet_html(self._sheet())

    def _sheet(self) -> Sheet:
        design, frame = self.design, self.panel.frame
        noun = design.unit if len(design.treated) == 1 else {"place": "places", "authority": "authorities"}[design.unit]
        outcomes = ", ".join(plan.id + (" (primary)" if plan.primary else "") for plan in design.outcomes)
        files = f"{len(frame):,} rows, {frame['area_code'].nunique()} areas, {len(self.panel.inputs)} input file(s)"
        return Sheet(
            title=design.title,
            facts=(
                ("question", design.question),
                ("programme", f"{design.programme_name}: {len(design.treated)} treated {noun}"),
                ("outcomes", outcomes),
                ("panel", files),
            ),
            synthetic=self.panel.synthetic,
        )


def open_study(design_id: str, panel: Path | str | None = None, *, data: Path | str | None = None, vintage: str = "") -> Study:
    """Open a study.

    Parameters
    ----------
    design_id : str
        Name of a file in ``data_contracts/designs``, without its ending.
    panel : path, optional
        ``panel.parquet`` of a run, or the run's folder.
    data : path, optional
        Folder of data files as published, to build the panel from. With neither, the SYNTHETIC demonstration data are made in
        ``runs/demonstration-data`` and used again until the design, the contracts or the code change.
    vintage : str, optional
        With `data`, a day such as ``"2026-05-01"``: of every source the newest edition that was there on it is read.

    Returns
    -------
    Study

    Raises
    ------
    ConfigurationError
        If the design is not known or wrong, both a panel and data are given, or a path is not there.
    DataError
        If data break their contracts.

    Examples
    --------
    >>> study = open_study("economic-inactivity-trailblazers")  # SYNTHETIC demonstration data
    >>> study.design.did_estimators[0], len(study.design.treated)
    ('twfe', 9)

    Your own files: ``open_study("universal-credit-rollout", data="folder/of/files")``. What a run was made of:
    ``open_study("universal-credit-rollout", "runs/universal-credit-rollout")``.
    """
    if vintage and not data:
        raise ConfigurationError(f"open_study: a vintage ({vintage}) is of a data folder; give data as well.")
    if panel and data:
        raise ConfigurationError(f"open_study: give a panel ({panel}) or a data folder ({data}), not both.")
    contracts = load_contracts(standard=not panel)  # what made the panel was held against the standard then
    design = load_design(contracts, design_id)
    if panel:
        path = Path(panel)
        opened = read_panel(path / PANEL if path.is_dir() else path)
    elif data:
        opened = build_design_panel(Path(data), contracts, design, as_of=vintage)
    else:
        opened = _open_demonstration(contracts, design, project.RUNS / "demonstration-data" / design.id)
    return Study(design=design, contracts=contracts, panel=opened)


def panel_outcomes(design: Design, contracts: Contracts, *, there: Collection[str] | None = None) -> tuple[str, ...]:
    """Name the outcomes a design needs in its panel: its own and, to bring authorities together, their populations.

    Parameters
    ----------
    design, contracts
    there : collection of str, optional
        Only these of the design's outcomes, with the populations they need; all by default.
    """
    plans = [plan for plan in design.outcomes if there is None or plan.id in there]
    wanted = {plan.id for plan in plans}
    if design.unit == "place":
        averaged = sorted(plan.id for plan in plans if plan.averaging == "population")
        named = (contracts.outcomes[id].population for id in averaged if id in contracts.outcomes)
        wanted |= {population for population in named if population is not None}
    return tuple(sorted(wanted))


def build_design_panel(data: Path, contracts: Contracts, design: Design, *, as_of: str = "") -> Panel:
    """Build the panel of a design from the outcomes the data folder has a file for.

    An outcome without a file does not stop the others, even if it is the primary one: the panel's notes name it, every estimate
    of it is refused with that reason, and the report says so. A file that breaks its contract stops everything.

    Parameters
    ----------
    data : Path
        Folder of data files as published.
    contracts : Contracts
    design : Design
    as_of : str
        Day, ``YYYY-MM-DD``, to which the panel is pinned; see `build_panel`.

    Returns
    -------
    Panel

    Raises
    ------
    ConfigurationError
        If the folder is not there, or `as_of` is no day.
    DataError
        As from `build_panel`; also if the folder has no file for any outcome of the design.
    """
    sources = tuple(contracts.sources.values())
    if as_of and not is_day(as_of):
        raise ConfigurationError(f"vintage {as_of!r}: write a day as YYYY-MM-DD, such as 2026-05-01.")
    # an outcome whose every edition is too new is one the folder has a file for: it is refused, not left out
    there = {file.source.id for file in find_files(data, sources, as_of=as_of)} | set(find_later(data, sources, as_of))
    plans = {plan.id: contracts.outcomes[plan.id] for plan in design.outcomes}
    found = [id for id, outcome in plans.items() if any(rule.source in there for rule in outcome.series)]
    panel = build_panel(data, contracts, panel_outcomes(design, contracts, there=found or None), as_of=as_of)
    absent = [
        f"{id}{' (the primary outcome)' if design.outcome(id).primary else ''}: the data folder has no file for it, so nothing"
        f" is estimated for it; looked for files of {', '.join(dict.fromkeys(rule.source for rule in outcome.series))}."
        for id, outcome in plans.items()
        if id not in found
    ]
    return replace(panel, notes=(*panel.notes, *absent))


def _open_demonstration(contracts: Contracts, design: Design, folder: Path) -> Panel:
    """The demonstration panel of a design; what is in `folder` serves if it came from the same design, contracts and code."""
    made_from = _demonstration_key(contracts, design)
    mark = folder / "made_from.txt"
    path = folder / PANEL
    if path.is_file() and mark.is_file() and mark.read_text("utf-8") == made_from:
        return read_panel(path)
    mark.unlink(missing_ok=True)
    write_demonstration(contracts, design, folder / "data", seed=design.seed)
    panel = build_design_panel(folder / "data", contracts, design)
    write_panel(panel, path)
    write_whole(mark, made_from)
    return panel


def _demonstration_key(contracts: Contracts, design: Design) -> str:
    digest = hashlib.sha256(f"{project.code_sha256()} {design.sha256} {design.seed}\n".encode())
    for path in sorted(contracts.root.rglob("*")):
        if path.is_file() and path.parent.name != "designs":
            digest.update(path.relative_to(contracts.root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest() + "\n"

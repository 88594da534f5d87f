"""A study opened for work: its design, its contracts and its panel. Notebooks begin here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from evaluation import project
from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.design.compare import build_comparison, residents_of
from evaluation.design.protocol import load_design
from evaluation.errors import ConfigurationError
from evaluation.panel.build import build_panel
from evaluation.panel.store import read_panel, write_panel
from evaluation.project import write_whole
from evaluation.results import Comparison, Design, Panel
from evaluation.simulate import write_demonstration

PANEL = "panel.parquet"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """A design with the contracts it refers to and a panel that keeps them."""

    design: Design
    contracts: Contracts
    panel: Panel

    def comparison(self, outcome: str, area: str) -> Comparison:
        """Set a treated area, or ``all`` of them, beside its donors; see `build_comparison`."""
        return build_comparison(self.panel, self.design, self.contracts, outcome=outcome, area=area)

    def residents(self, outcome: str, area: str) -> float | None:
        """Count the people a rate is a share of; see `residents_of`."""
        return residents_of(self.panel, self.design, self.contracts, outcome, area)

    def __repr__(self) -> str:
        """Say what the study is about, in a few lines."""
        design, frame = self.design, self.panel.frame
        noun = design.unit if len(design.treated) == 1 else {"place": "places", "authority": "authorities"}[design.unit]
        return "\n".join(
            (
                f"{design.title}{'   SYNTHETIC DATA' if self.panel.synthetic else ''}",
                f"  question   {design.question}",
                f"  programme  {design.programme_name}: {len(design.treated)} treated {noun}",
                f"  outcomes   {', '.join(plan.id + (' (primary)' if plan.primary else '') for plan in design.outcomes)}",
                f"  panel      {len(frame):,} rows, {frame['area_code'].nunique()} areas, {len(self.panel.inputs)} input file(s)",
            )
        )


def open_study(design_id: str, panel: Path | str | None = None, *, data: Path | str | None = None) -> Study:
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

    Returns
    -------
    Study

    Raises
    ------
    ConfigurationError
        If the design is not known or wrong, both a panel and data are given, or a path is not there.
    DataError
        If data break their contracts.
    """
    if panel and data:
        raise ConfigurationError(f"open_study: give a panel ({panel}) or a data folder ({data}), not both.")
    contracts = load_contracts()
    design = load_design(contracts, design_id)
    if panel:
        path = Path(panel)
        opened = read_panel(path / PANEL if path.is_dir() else path)
    elif data:
        opened = build_panel(Path(data), contracts, panel_outcomes(design, contracts))
    else:
        opened = _open_demonstration(contracts, design, project.RUNS / "demonstration-data" / design.id)
    return Study(design=design, contracts=contracts, panel=opened)


def panel_outcomes(design: Design, contracts: Contracts) -> tuple[str, ...]:
    """Name the outcomes a design needs in its panel: its own and, to bring authorities together, their populations."""
    wanted = {plan.id for plan in design.outcomes}
    if design.unit == "place":
        named = (contracts.outcomes[id].population for id in sorted(wanted) if id in contracts.outcomes)
        wanted |= {population for population in named if population is not None}
    return tuple(sorted(wanted))


def _open_demonstration(contracts: Contracts, design: Design, folder: Path) -> Panel:
    """The demonstration panel of a design; what is in `folder` serves if it came from the same design, contracts and code."""
    made_from = _demonstration_key(contracts, design)
    mark = folder / "made_from.txt"
    path = folder / PANEL
    if path.is_file() and mark.is_file() and mark.read_text("utf-8") == made_from:
        return read_panel(path)
    mark.unlink(missing_ok=True)
    write_demonstration(contracts, design, folder / "data", seed=design.seed)
    panel = build_panel(folder / "data", contracts, panel_outcomes(design, contracts))
    write_panel(panel, path)
    write_whole(mark, made_from)
    return panel


def _demonstration_key(contracts: Contracts, design: Design) -> str:
    digest = hashlib.sha256(f"{project.code_sha256()} {design.sha256} {design.seed}\n".encode())
    for path in sorted(contracts.root.rglob("*")):
        if path.is_file() and path.parent.name != "designs":
            digest.update(path.relative_to(contracts.root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest() + "\n"

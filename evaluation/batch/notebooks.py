"""The notebooks of a batch: what each is run for, what it must leave, and what it reads of the others. Add a notebook here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from evaluation import project
from evaluation.errors import ConfigurationError
from evaluation.results import Design

POOLED = "all"
"""Area code of all treated areas together."""
INPUTS = "inputs"
"""Folder of a job that holds what it reads of other notebooks, laid out as in the run folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNotebook:
    """One kind of notebook.

    Attributes
    ----------
    file : name below ``notebooks/``
    wave : when it runs; a wave begins when the one before has ended
    scope : run once for every outcome and area (``all`` of them together is one), or once for every outcome
    results : files it must leave, relative to the run folder, for a design, outcome and area; none = it is not run there
    chosen : parameters beyond those every notebook takes, for a design and area
    needs : notebook whose results for the single areas of the outcome it reads, or an empty string
    least : fewest areas with results of `needs` it can work with
    reads : notebooks whose results, for every outcome and area, it reads as well where they are there
    optional : whether it may end well without a result, because there is nothing to say
    compares : whether it needs a comparison; one that does not also runs where every comparison is refused
    """

    file: str
    wave: int
    scope: Literal["area", "outcome"]
    results: Callable[[Design, str, str], tuple[str, ...]]
    chosen: Callable[[Design, str], Mapping[str, str]] = field(default=lambda design, area: {})
    needs: str = ""
    least: int = 0
    reads: tuple[str, ...] = ()
    optional: bool = False
    compares: bool = True

    @property
    def path(self) -> str:
        """Its name without ending, the last part of a job's identifier."""
        return Path(self.file).stem


def _power(design: Design, outcome: str, area: str) -> tuple[str, ...]:
    return (f"power/{outcome}/{area}.json",)


def _differences(design: Design, outcome: str, area: str) -> tuple[str, ...]:
    return _findings(design, outcome, area, design.did_estimators)


def _synthetic_controls(design: Design, outcome: str, area: str) -> tuple[str, ...]:
    pooled = area == POOLED
    names = design.pooled_synthetic_control_estimators if pooled else design.synthetic_control_estimators
    return _findings(design, outcome, area, names)


def _findings(design: Design, outcome: str, area: str, estimators: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"findings/{design.id}/{outcome}/{area}/{name}.json" for name in estimators)


def _pooled_estimators(design: Design, area: str) -> Mapping[str, str]:
    """A single area is given none: the notebook then takes the design's own."""
    return {"estimators": ",".join(design.pooled_synthetic_control_estimators)} if area == POOLED else {}


def _stress(design: Design, outcome: str, area: str) -> tuple[str, ...]:
    return (f"stress/{outcome}/{area}.json", f"spillover/{outcome}/{area}.json")


def _pool(design: Design, outcome: str, area: str) -> tuple[str, ...]:
    return (f"pool/{outcome}.json",) if len(design.estimate_areas) >= 2 and design.did_estimators else ()


def _profile(design: Design, outcome: str, area: str) -> tuple[str, ...]:
    """Once an area, where the study compares with nobody: elsewhere the report has the profile from the panel."""
    first = design.outcomes[0].id
    return (f"profile/{area}.json",) if design.comparison == "none" and outcome == first and area != POOLED else ()


NOTEBOOKS = (
    # before any estimate, and from nothing after the start
    BatchNotebook(file="60_plan_power.ipynb", wave=1, scope="area", results=_power),
    BatchNotebook(file="20_estimate_did.ipynb", wave=2, scope="area", results=_differences),
    BatchNotebook(
        file="30_estimate_synthetic_control.ipynb",
        wave=2,
        scope="area",
        results=_synthetic_controls,
        chosen=_pooled_estimators,
    ),
    BatchNotebook(file="40_stress_estimate.ipynb", wave=3, scope="area", results=_stress),
    BatchNotebook(
        file="50_pool_programme.ipynb",
        wave=4,
        scope="outcome",
        results=_pool,
        chosen=lambda design, area: {"findings": INPUTS},
        needs="20_estimate_did.ipynb",
        least=2,
        # a verdict rests on every estimate and choice, and on p-values adjusted over all outcomes
        reads=("20_estimate_did.ipynb", "30_estimate_synthetic_control.ipynb", "40_stress_estimate.ipynb"),
        optional=True,  # fewer than two comparisons that hold leave nothing to pool
    ),
    BatchNotebook(file="70_area_profile.ipynb", wave=1, scope="area", results=_profile, compares=False),
)
"""In the order they run."""

ESTIMATES = tuple(kind.path for kind in NOTEBOOKS if kind.wave == 2)
"""Notebooks without which an outcome and area have no estimate."""


def notebook_of(job: str) -> str:
    """Notebook, without ending, of a job's identifier ``outcome/area/notebook``."""
    return job.rsplit("/", 1)[-1]


def find_notebooks() -> tuple[BatchNotebook, ...]:
    """The notebooks of a batch; a `ConfigurationError` names those that are gone."""
    gone = [kind.file for kind in NOTEBOOKS if not (project.NOTEBOOKS / kind.file).is_file()]
    if gone:
        raise ConfigurationError(f"{project.NOTEBOOKS}: {', '.join(gone)} is not there; put it back.")
    return NOTEBOOKS

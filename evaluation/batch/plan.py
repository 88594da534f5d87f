"""What a design asks to be run, what of it is already there, and what is refused: decided before any kernel starts."""

from __future__ import annotations

import difflib
import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation import project
from evaluation.batch.ledger import JobRecord, read_record
from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators import REGISTRY as ESTIMATORS

if TYPE_CHECKING:
    from evaluation.design.study import Study

DID_NOTEBOOK = "20_estimate_did.ipynb"
SYNTHETIC_CONTROL_NOTEBOOK = "30_estimate_synthetic_control.ipynb"

_PACKAGES = (
    "numpy",
    "pandas",
    "scipy",
    "pyfixest",
    "linearmodels",
    "statsmodels",
    "matplotlib",
    "papermill",
    "ipykernel",
    "pyarrow",
)
"""Packages whose versions can change what a notebook produces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One notebook for one outcome and one area."""

    notebook: str
    outcome: str
    area: str
    area_name: str
    parameters: Mapping[str, str]
    results: tuple[str, ...]
    """Finding files the notebook must leave, relative to the run folder."""
    key: str
    """Hash of everything the result depends on."""

    @property
    def id(self) -> str:
        """Name of the job, also its place below ``notebooks/``."""
        return f"{self.outcome}/{self.area}/{Path(self.notebook).stem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An area and outcome for which no comparison can be made, with the reason."""

    outcome: str
    area: str
    area_name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A job, whether it must run, and why."""

    job: Job
    record: JobRecord | None
    why: str
    """``done`` when nothing changed; otherwise what makes it run."""

    @property
    def is_done(self) -> bool:
        """Whether the result of the same inputs is already there."""
        return self.why == "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All jobs of a design for one panel, and what is refused."""

    design: str
    jobs: tuple[PlannedJob, ...]
    refusals: tuple[Refusal, ...]

    @property
    def to_run(self) -> tuple[Job, ...]:
        """Jobs that must run."""
        return tuple(planned.job for planned in self.jobs if not planned.is_done)


def environment() -> dict[str, str]:
    """Versions of Python and of the packages a result can depend on."""
    return {"python": sys.version.split()[0]} | {name: importlib.metadata.version(name) for name in _PACKAGES}


def make_plan(study: Study, panel_sha256: str, run: Path, *, only: Sequence[str] = ()) -> Plan:
    """Work out every job of a study.

    Parameters
    ----------
    study : Study
    panel_sha256 : str
    run : Path
        Run folder; what is finished there is not run again.
    only : sequence of str
        Codes of treated units to keep (``all`` for the pooled estimate); empty = every one.

    Raises
    ------
    ConfigurationError
        If `only` names a unit the design does not estimate, or a notebook does not take the parameters it would be given.
    """
    design = study.design
    units = {code: design.unit_of(code).name for code in design.estimate_areas}
    if design.estimate_pooled:
        units["all"] = "all treated areas"
    if not units:
        raise ConfigurationError(
            f"design {design.id}: it estimates no area and no pooled effect; set estimate_areas or estimate_pooled."
        )
    _refuse_unknown(
        (*design.did_estimators, *design.synthetic_control_estimators),
        tuple(ESTIMATORS),
        f"design {design.id} names no estimator",
        "estimators",
    )
    _refuse_unknown(only, tuple(units), f"design {design.id} estimates no area", "areas")
    shared = hashlib.sha256()
    for part in (
        design.sha256,
        panel_sha256,
        project.code_sha256(),
        json.dumps(environment(), sort_keys=True),
        _folder_sha256(project.CONTRACTS),
    ):
        shared.update(part.encode() + b"\0")
    notebooks = {name: (project.NOTEBOOKS / name).read_bytes() for name in (DID_NOTEBOOK, SYNTHETIC_CONTROL_NOTEBOOK)}
    jobs: list[PlannedJob] = []
    refusals: list[Refusal] = []
    for plan in design.outcomes:
        for code, name in units.items():
            if only and code not in only:
                continue
            try:
                study.comparison(plan.id, code)
            except DataError as error:
                refusals.append(Refusal(outcome=plan.id, area=code, area_name=name, reason=str(error)))
                continue
            for notebook, estimators in (
                (DID_NOTEBOOK, design.did_estimators),
                (SYNTHETIC_CONTROL_NOTEBOOK, () if code == "all" else design.synthetic_control_estimators),
            ):
                if not estimators:
                    continue
                parameters = {
                    "design": design.id,
                    "outcome": plan.id,
                    "area_code": code,
                    "panel": "../../panel.parquet",
                    "results": ".",
                }
                key = shared.copy()
                key.update(notebooks[notebook] + json.dumps(parameters, sort_keys=True).encode())
                job = Job(
                    notebook=notebook,
                    outcome=plan.id,
                    area=code,
                    area_name=name,
                    parameters=parameters,
                    results=tuple(f"findings/{design.id}/{plan.id}/{code}/{estimator}.json" for estimator in estimators),
                    key=key.hexdigest(),
                )
                jobs.append(_planned(job, run))
    for notebook in {planned.job.notebook for planned in jobs}:
        check_parameters(project.NOTEBOOKS / notebook, next(p.job.parameters for p in jobs if p.job.notebook == notebook))
    return Plan(design=design.id, jobs=tuple(jobs), refusals=tuple(refusals))


def _planned(job: Job, run: Path) -> PlannedJob:
    record = read_record(run, job.id)
    if record is None:
        why = "not run yet"
    elif record.state != "done":
        why = "failed before"
    elif record.key != job.key:
        why = "data, design, contracts, code, notebook or packages changed"
    elif any(not (run / name).exists() for name in (*record.results, f"notebooks/{job.id}.ipynb")):
        why = "a result file is missing"
    else:
        why = "done"
    return PlannedJob(job=job, record=record, why=why)


def check_parameters(notebook: Path, parameters: Mapping[str, object]) -> None:
    """Refuse parameters the notebook does not take; papermill would only warn and run its defaults.

    Raises
    ------
    ConfigurationError
        Naming every unknown parameter with the nearest name, and every one of the wrong type.
    """
    from papermill.inspection import inspect_notebook
    from papermill.iorw import load_notebook_node
    from papermill.utils import find_first_tagged_cell_index

    if find_first_tagged_cell_index(load_notebook_node(str(notebook)), "parameters") < 0:
        raise ConfigurationError(f"{notebook.name}: no cell has the tag 'parameters'; tag the cell that holds the defaults.")
    known = inspect_notebook(notebook)
    problems = []
    for name, value in parameters.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}" if near else ""
            problems.append(f"{notebook.name}: unknown parameter {name!r}{hint}; it takes {', '.join(known)}.")
            continue
        wanted = known[name]["inferred_type_name"]
        if type(value).__name__ != wanted:
            problems.append(f"{notebook.name}: parameter {name} is {type(value).__name__} {value!r}; it must be {wanted}.")
    if problems:
        raise ConfigurationError("\n".join(problems))


def _refuse_unknown(given: Sequence[str], known: Sequence[str], what: str, noun: str) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        hints = [
            f"{name!r}" + "".join(f" (did you mean {n}?)" for n in difflib.get_close_matches(name, known, n=1))
            for name in unknown
        ]
        raise ConfigurationError(f"{what} {', '.join(hints)}; {noun} there are: {', '.join(known)}.")


def _folder_sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".yml", ".yaml", ".csv"}:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()

"""What a design asks to be run, what of it is already there, and what is refused: decided before any kernel starts."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation import project
from evaluation.batch.cause import changed_parts, findings_part, in_words, job_parts, key_of, shared_parts
from evaluation.batch.ledger import JobRecord, expected_seconds, read_record
from evaluation.batch.notebooks import POOLED, BatchNotebook, find_notebooks, notebook_of
from evaluation.batch.preflight import check_notebooks
from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators import REGISTRY as ESTIMATORS

if TYPE_CHECKING:
    from evaluation.design.study import Study
    from evaluation.results import Design


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""What a folder or file of a run may be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One notebook for one outcome and one area."""

    notebook: str
    outcome: str
    area: str
    area_name: str
    parameters: Mapping[str, str]
    results: tuple[str, ...]
    """Files the notebook must leave, relative to the run folder."""
    key: str
    """Hash of everything the result depends on."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """The same, part by part; see `evaluation.batch.cause`."""
    wave: int = 1
    needs: Mapping[str, str] = field(default_factory=dict)
    """Jobs whose results it reads, each with its key."""
    least: int = 0
    """Fewest of `needs` it can work with."""
    reads: Mapping[str, str] = field(default_factory=dict)
    """Further jobs whose results it reads where they are there, each with its key."""
    optional: bool = False
    """Whether it may end well without a result."""

    def __post_init__(self) -> None:
        """Refuse names that would lead out of the run folder; those of a sound design never do."""
        outside = [name for name in (self.outcome, self.area, Path(self.notebook).stem) if not _NAME.fullmatch(name)]
        outside += [name for name in self.results if not all(map(_NAME.fullmatch, name.split("/")))]
        if outside:
            raise ConfigurationError(
                f"{', '.join(map(repr, outside))} cannot name a file of a run folder; write letters, digits, hyphens, dots and "
                "underscores, beginning with a letter or digit."
            )

    @property
    def id(self) -> str:
        """Name of the job, also its place below ``notebooks/``."""
        return f"{self.outcome}/{self.area}/{Path(self.notebook).stem}"

    def reading(self, done: Mapping[str, str]) -> Job:
        """The same job when only `done` of what it reads is there; its key says so."""
        if not self.needs:
            return self
        needs, reads = ({name: key for name, key in some.items() if name in done} for some in (self.needs, self.reads))
        parts = {**self.parts, "findings": findings_part({**needs, **reads})}
        return replace(self, needs=needs, reads=reads, parts=parts, key=key_of(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An area and outcome for which a comparison, or one notebook, cannot be made, with the reason."""

    outcome: str
    area: str
    area_name: str
    reason: str
    notebook: str = ""
    """The only notebook that is refused; empty = every one of the area and outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A job, whether it must run, and why."""

    job: Job
    record: JobRecord | None
    why: str
    """``done`` when nothing changed; otherwise what makes it run."""
    causes: tuple[str, ...] = ()
    """Parts of the key that changed since it was done."""
    seconds: float | None = None
    """How long it should take, from the ledger; None where no such notebook was run before."""

    @property
    def is_done(self) -> bool:
        """Whether the result of the same inputs is already there."""
        return self.why == "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All jobs of a design for one panel, wave by wave, and what is refused."""

    design: str
    jobs: tuple[PlannedJob, ...]
    refusals: tuple[Refusal, ...]

    @property
    def to_run(self) -> tuple[Job, ...]:
        """Jobs that must run."""
        return tuple(planned.job for planned in self.jobs if not planned.is_done)

    @property
    def seconds(self) -> float:
        """Notebook seconds of the jobs to run, as far as the ledger knows them."""
        return sum(planned.seconds or 0.0 for planned in self.jobs if not planned.is_done)

    def first(self, limit: int) -> Plan:
        """The plan with at most `limit` jobs to run; what is done stays."""
        kept = {job.id for job in self.to_run[:limit]}
        return replace(self, jobs=tuple(planned for planned in self.jobs if planned.is_done or planned.job.id in kept))


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
        units[POOLED] = "all treated areas"
    if not units:
        raise ConfigurationError(
            f"design {design.id}: it estimates no area and no pooled effect; set estimate_areas or estimate_pooled."
        )
    _refuse_unknown(
        (*design.did_estimators, *design.synthetic_control_estimators, *design.pooled_synthetic_control_estimators),
        tuple(ESTIMATORS),
        f"design {design.id} names no estimator",
        "estimators",
    )
    _refuse_unknown(only, tuple(units), f"design {design.id} estimates no area", "areas")
    wanted = set(only or units)
    # what is pooled over areas depends on every one of them, also on those not asked for
    looked_at = units if POOLED in wanted else {code: name for code, name in units.items() if code in wanted}
    refused = _refuse_comparisons(study, looked_at)
    shared = shared_parts(design, panel_sha256)
    jobs: dict[str, Job] = {}
    refusals = [item for (_, code), item in refused.items() if code in wanted]
    for kind in find_notebooks():
        for outcome in (plan.id for plan in design.outcomes):
            for code, name in looked_at.items():
                compared = not kind.compares or (outcome, code) not in refused
                is_here = code == POOLED if kind.scope == "outcome" else compared
                if not is_here or not kind.results(design, outcome, code):
                    continue
                job = _make_job(kind, design, outcome, code, name, shared, jobs)
                reason = _cannot_read(job, run, wanted, jobs)
                if reason:
                    refusals.append(Refusal(outcome=outcome, area=code, area_name=name, reason=reason, notebook=kind.file))
                else:
                    jobs[job.id] = job
    chosen = [job for job in jobs.values() if job.area in wanted]
    check_notebooks({job.notebook: job.parameters for job in chosen})
    seconds = expected_seconds(run)
    return Plan(design=design.id, jobs=tuple(_planned(job, run, seconds) for job in chosen), refusals=tuple(refusals))


def _refuse_comparisons(study: Study, units: Mapping[str, str]) -> dict[tuple[str, str], Refusal]:
    """Outcomes and areas without a comparison, each with the reason."""
    refused = {}
    for plan in study.design.outcomes:
        for code, name in units.items():
            try:
                study.comparison(plan.id, code)
            except DataError as error:
                refused[plan.id, code] = Refusal(outcome=plan.id, area=code, area_name=name, reason=str(error))
    return refused


def _make_job(
    kind: BatchNotebook,
    design: Design,
    outcome: str,
    area: str,
    name: str,
    shared: Mapping[str, str],
    earlier: Mapping[str, Job],
) -> Job:
    parameters = {"design": design.id, "outcome": outcome, "panel": "../../panel.parquet", "results": "."}
    if kind.scope == "area":
        parameters["area_code"] = area
    parameters |= kind.chosen(design, area)
    needs = {
        item.id: item.key
        for item in earlier.values()
        if (item.notebook, item.outcome) == (kind.needs, outcome) and item.area != POOLED
    }
    reads = {item.id: item.key for item in earlier.values() if item.notebook in kind.reads and item.id not in needs}
    parts = job_parts(shared, project.NOTEBOOKS / kind.file, parameters)
    if kind.needs:
        parts["findings"] = findings_part({**needs, **reads})
    return Job(
        notebook=kind.file,
        outcome=outcome,
        area=area,
        area_name=name,
        parameters=parameters,
        results=kind.results(design, outcome, area),
        key=key_of(parts),
        parts=parts,
        wave=kind.wave,
        needs=needs,
        least=kind.least,
        reads=reads,
        optional=kind.optional,
    )


def _cannot_read(job: Job, run: Path, wanted: Collection[str], earlier: Mapping[str, Job]) -> str:
    """Why a job cannot have what it reads of others, or an empty string."""
    if len(job.needs) < job.least:
        return f"it reads the estimates of at least {job.least} areas; {len(job.needs)} can be estimated"
    absent = [
        earlier[name].area
        for name, key in job.needs.items()
        if earlier[name].area not in wanted and not is_done(read_record(run, name), key, run)
    ]
    if absent:
        return f"it reads the estimates of {', '.join(absent)}, which are not done and not asked for; run without --only"
    return ""


def is_done(record: JobRecord | None, key: str, run: Path) -> bool:
    """Whether a record says that the job with this key is done, and all it left is there."""
    if record is None or record.state != "done" or record.key != key:
        return False
    return all((run / name).exists() for name in (*record.results, f"notebooks/{record.id}.ipynb"))


def _planned(job: Job, run: Path, seconds: Mapping[str, float]) -> PlannedJob:
    causes: tuple[str, ...] = ()
    record = read_record(run, job.id)
    if record is None:
        why = "not run yet"
    elif record.state != "done":
        why = f"{record.state} before"
    elif record.key != job.key:
        causes = changed_parts(record.parts, job.parts)
        why = in_words(causes)
    elif not is_done(record, job.key, run):
        why = "a result file is missing"
    else:
        why = "done"
    return PlannedJob(job=job, record=record, why=why, causes=causes, seconds=seconds.get(notebook_of(job.id)))


def _refuse_unknown(given: Sequence[str], known: Sequence[str], what: str, noun: str) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        hints = [
            f"{name!r}" + "".join(f" (did you mean {n}?)" for n in difflib.get_close_matches(name, known, n=1))
            for name in unknown
        ]
        raise ConfigurationError(f"{what} {', '.join(hints)}; {noun} there are: {', '.join(known)}.")

"""The stages of a run, each a function of what the stage before left on disk.

data -> panel -> plan -> notebooks -> conclusions -> report
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from evaluation import project
from evaluation.batch.cause import environment
from evaluation.batch.ledger import read_records, retire_record
from evaluation.batch.lock import lock_protocol
from evaluation.batch.notebooks import ESTIMATES, find_notebooks
from evaluation.batch.plan import Plan, make_plan
from evaluation.batch.show_check import describe_checked, findings_csv, write_findings
from evaluation.contracts.check import Violation, format_violations
from evaluation.contracts.load import load_contracts
from evaluation.contracts.violations import ALL_OF_THEM
from evaluation.design.protocol import load_design
from evaluation.design.study import Study, build_design_panel, panel_outcomes
from evaluation.errors import ConfigurationError
from evaluation.panel.store import panel_sha256, read_panel, write_panel
from evaluation.plain import dump_json, load_json
from evaluation.project import write_whole
from evaluation.results import Conclusion, Finding, InputFile, Pool, Power, Spillover, Stress

T = TypeVar("T")

DEMONSTRATION = "economic-inactivity-trailblazers"
"""The study the demonstration data are made for when no other is named."""

PLANTED = "SYNTHETIC_planted_effects.csv"
"""What was planted in synthetic data; kept with the run, so that its report can set it beside what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunManifest:
    """What a run folder was made from; machine names and clock times stand nowhere else."""

    design: str
    design_sha256: str
    panel_sha256: str
    code_version: str
    environment: dict[str, str]
    synthetic: bool
    seed: int | None = None
    lock_sha256: str = ""
    """Hash of the lock file the packages were installed from; empty where there is none."""
    notebooks: Mapping[str, str] = field(default_factory=dict)
    """Hash of every notebook of the batch as it was run."""
    inputs: tuple[InputFile, ...] = ()
    """The data files, with their hashes and vintages."""
    as_of: str = ""
    """Day to which the data are pinned: of every source the newest edition that was there; empty = the newest of all."""


def write_demonstration_data(run: Path, design_id: str = DEMONSTRATION) -> Path:
    """Make the SYNTHETIC data of a study's demonstration in the run folder; return their folder."""
    from evaluation.simulate import write_demonstration

    contracts = load_contracts()
    folder = run / "data"
    design = load_design(contracts, design_id)
    write_demonstration(contracts, design, folder, seed=design.seed)
    return folder


def prepare(
    design_id: str, data: Path, run: Path, *, only: Sequence[str] = (), write: bool = True, as_of: str = ""
) -> tuple[Study, Plan]:
    """Check the data against their contracts, build the panel, of the editions of a day where one is given, and plan the jobs.

    Nothing is written to `run` unless the design is sound and the data keep their contracts, and nothing at all without `write`.
    """
    contracts = load_contracts()
    design = load_design(contracts, design_id)
    panel = build_design_panel(data, contracts, design, as_of=as_of)
    study = Study(design=design, contracts=contracts, panel=panel)
    planned = make_plan(study, panel_sha256(panel), run, only=only)
    if not write:
        return study, planned
    manifest = RunManifest(
        design=design.id,
        design_sha256=design.sha256,
        panel_sha256=panel_sha256(panel),
        code_version=project.code_version(),
        environment=environment(),
        synthetic=panel.synthetic,
        seed=design.seed,
        lock_sha256=_file_sha256(project.ROOT / "requirements" / "run.txt"),
        notebooks={kind.file: _file_sha256(project.NOTEBOOKS / kind.file) for kind in find_notebooks()},
        inputs=panel.inputs,
        as_of=as_of,
    )
    lock_protocol(run, contracts.designs[design.id], design.treated)
    _retire_refused(run, planned)
    if (data / PLANTED).exists():
        write_whole(run / PLANTED, (data / PLANTED).read_bytes())
    write_panel(panel, run / "panel.parquet")
    write_whole(run / "manifest.json", dump_json(manifest))
    return study, planned


def _file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _retire_refused(run: Path, plan: Plan) -> None:
    """Strike from the ledger what an earlier run could do and this one refuses, so that no report quotes it."""
    for refusal in plan.refusals:
        for record in list(read_records(run)):
            outcome, area, notebook = record.id.split("/")
            if (outcome, area) == (refusal.outcome, refusal.area) and refusal.notebook in ("", f"{notebook}.ipynb"):
                retire_record(run, record.id)


def load_findings(run: Path, design: str) -> tuple[Finding, ...]:
    """Every finding whose job is recorded as done, by path."""
    return _load(run, f"findings/{design}/", Finding)


def load_power(run: Path) -> tuple[Power, ...]:
    """What could be seen, for every outcome and area whose job is recorded as done, by path."""
    return _load(run, "power/", Power)


def load_stress(run: Path) -> tuple[Stress, ...]:
    """How much each estimate depends on choices, for every outcome and area whose job is recorded as done, by path."""
    return _load(run, "stress/", Stress)


def load_spillover(run: Path) -> tuple[Spillover, ...]:
    """What was found next door, for every outcome and area whose job is recorded as done, by path."""
    return _load(run, "spillover/", Spillover)


def load_pools(run: Path) -> tuple[Pool, ...]:
    """Summaries over places, for every outcome whose job is recorded as done, by path."""
    return _load(run, "pool/", Pool)


def _load(run: Path, folder: str, kind: type[T]) -> tuple[T, ...]:
    names = sorted(name for record in read_records(run) if record.state == "done" for name in record.results)
    remedy = "run the same again; what is not as it was written is made anew"
    return tuple(load_json(kind, run / name, remedy=remedy) for name in names if name.startswith(folder))


def conclude_run(study: Study, plan: Plan, run: Path) -> tuple[Conclusion, ...]:
    """Draw a conclusion for every outcome and area of the design, from the findings on disk, and write them."""
    from evaluation.synthesis.verdict import conclude_all

    design = study.design
    unavailable = {
        (item.outcome, item.area): item.reason.removeprefix(f"design {design.id}, {item.outcome}, {item.area}: ")
        for item in plan.refusals
        if not item.notebook
    }
    for record in read_records(run):
        outcome, area, notebook = record.id.split("/")
        if record.state == "failed" and notebook in ESTIMATES:
            unavailable.setdefault((outcome, area), "its notebook failed; see the annex")
    conclusions = conclude_all(
        load_findings(run, design.id),
        design,
        study.contracts.outcomes,
        unavailable=unavailable,
        stress={(item.outcome, item.area): item for item in load_stress(run)},
    )
    for conclusion in conclusions:
        write_whole(run / "conclusions" / conclusion.outcome / f"{conclusion.area}.json", dump_json(conclusion))
    return conclusions


def load_conclusions(run: Path) -> tuple[Conclusion, ...]:
    """Every conclusion of a run, by path."""
    paths = sorted((run / "conclusions").glob("*/*.json"))
    return tuple(load_json(Conclusion, path, remedy="run the same again; conclusions are drawn anew each time") for path in paths)


def open_run(run: Path) -> Study:
    """The study of a run folder: its own panel, with the design and contracts as they are now."""
    manifest = read_manifest(run)
    contracts = load_contracts()
    return Study(design=load_design(contracts, manifest.design), contracts=contracts, panel=read_panel(run / "panel.parquet"))


def read_manifest(run: Path) -> RunManifest:
    """Manifest of a run folder; a `ConfigurationError` where there is no run, a `DataError` where it is damaged."""
    try:
        return load_json(RunManifest, run / "manifest.json", remedy="run the same again; it is written anew each time")
    except OSError as error:
        there = ", ".join(sorted(p.parent.name for p in run.parent.glob("*/manifest.json"))) or "none"
        raise ConfigurationError(
            f"{run}: no run here; runs there are: {there}. Make one with `trailblazer run` or `trailblazer demo`."
        ) from error


def check_files(data: Path, design_id: str, out: Path | None) -> tuple[str, int]:
    """Hold data files against their contracts: those a design needs, or every one in the folder when no design is named.

    Files that are out of date today by their contract are warned about.

    Returns
    -------
    str
        What was found, for a person; also written to `out` where given, as CSV or, where its name ends in .json, as JSON.
    int
        Exit code: 0, or 3 where a contract is broken.
    """
    from evaluation.panel.build import check_data

    contracts = load_contracts()
    sources: list[str] | None = None
    if design_id:
        wanted = panel_outcomes(load_design(contracts, design_id), contracts)
        sources = sorted({rule.source for name in wanted for rule in contracts.outcomes[name].series})
    checked = check_data(data, contracts, sources, today=date.today())
    findings = (*_as_violations(checked.refusals), *checked.violations)
    if out is not None:
        write_findings(out, findings)
    lines = [f"checked {len(checked.files)} file(s): {', '.join(checked.files)}", *(f"  note: {note}" for note in checked.notes)]
    lines += describe_checked(checked.files, findings) if checked.files else []
    if checked.violations:
        lines.append(format_violations(checked.violations, rest=ALL_OF_THEM if out is None else f", see {out}"))
    lines += checked.refusals
    broken = bool(checked.refusals) or any(item.severity == "error" for item in checked.violations)
    lines.append("A contract is broken." if broken else "Every file keeps its contract.")
    return "\n".join(lines), 3 if broken else 0


def _as_violations(refusals: Sequence[str]) -> list[Violation]:
    """What was refused whole, in the form of what broke a contract, so that one table holds all findings."""
    texts = [text for refusal in refusals for text in refusal.splitlines()]
    return [
        Violation(file=text.split(":", 1)[0], line=None, column="", rule="file", text=text, value="", count=0, fix="")
        for text in texts
    ]


def violations_csv(violations: Sequence[Violation]) -> str:
    """Findings of a check as CSV text, one row a finding."""
    return findings_csv(violations)

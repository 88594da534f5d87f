"""The stages of a run, each a function of what the stage before left on disk.

data -> panel -> plan -> notebooks -> conclusions -> report
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from evaluation import project
from evaluation.batch.ledger import read_records
from evaluation.batch.plan import Plan, environment, make_plan
from evaluation.contracts import load_contracts
from evaluation.design.protocol import load_design
from evaluation.design.study import Study
from evaluation.errors import ConfigurationError
from evaluation.panel.build import build_panel, panel_sha256, read_panel, write_panel
from evaluation.plain import dump_json, from_plain
from evaluation.project import write_whole
from evaluation.results import Conclusion, Design, Finding, Panel

DEMONSTRATION = "economic-inactivity-trailblazers"
"""The study the demonstration data are made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunManifest:
    """What a run folder was made from; machine names and clock times stand nowhere else."""

    design: str
    design_sha256: str
    panel_sha256: str
    code_version: str
    environment: dict[str, str]
    synthetic: bool
    planted: bool


def write_demonstration_data(run: Path) -> Path:
    """Make the SYNTHETIC data of the demonstration in the run folder; return their folder."""
    from evaluation.simulate import write_demonstration

    contracts = load_contracts()
    folder = run / "data"
    design = load_design(contracts, DEMONSTRATION)
    write_demonstration(contracts, design, folder, seed=design.seed)
    return folder


def prepare(design_id: str, data: Path, run: Path) -> tuple[Study, Plan]:
    """Check the data against their contracts, build the panel, and plan the jobs.

    Nothing is written to `run` unless the design is sound and the data keep their contracts.
    """
    contracts = load_contracts()
    design = load_design(contracts, design_id)
    outcomes = sorted(panel_outcomes(design, contracts.outcomes))
    panel = build_panel(data, contracts, outcomes)
    write_panel(panel, run / "panel.parquet")
    study = Study(design=design, contracts=contracts, panel=panel)
    manifest = RunManifest(
        design=design.id,
        design_sha256=design.sha256,
        panel_sha256=panel_sha256(panel),
        code_version=project.code_version(),
        environment=environment(),
        synthetic=panel.synthetic,
        planted=(data / "SYNTHETIC_planted_effects.csv").exists(),
    )
    write_whole(run / "protocol.yml", contracts.designs[design.id].read_bytes())
    write_whole(run / "manifest.json", dump_json(manifest))
    return study, make_plan(study, manifest.panel_sha256, run)


def panel_outcomes(design: Design, outcomes: dict) -> set[str]:  # type: ignore[type-arg]
    """Outcomes a design needs in its panel: its own and the populations that weight them."""
    wanted = {plan.id for plan in design.outcomes}
    if design.unit == "place":
        wanted |= {outcomes[name].population for name in wanted if outcomes[name].population}
    return wanted


def load_findings(run: Path, design: str) -> tuple[Finding, ...]:
    """Every finding whose job is recorded as done, by path."""
    names = sorted(name for record in read_records(run) if record.state == "done" for name in record.results)
    return tuple(from_plain(Finding, json.loads((run / name).read_text("utf-8"))) for name in names if name.startswith(f"findings/{design}/"))


def conclude_run(study: Study, plan: Plan, run: Path) -> tuple[Conclusion, ...]:
    """Draw a conclusion for every outcome and area of the plan, from the findings on disk, and write them."""
    from evaluation.synthesis.verdict import conclude

    design = study.design
    findings = load_findings(run, design.id)
    planned = {(p.job.outcome, p.job.area): p.job.area_name for p in plan.jobs}
    refused = {(r.outcome, r.area): r for r in plan.refusals}
    conclusions = []
    for (outcome, area), name in sorted(planned.items() | {(key, r.area_name) for key, r in refused.items()}):
        conclusion = conclude(
            [f for f in findings if (f.outcome, f.area) == (outcome, area)],
            design,
            outcome=outcome,
            area=area,
            area_name=name,
            refusal=refused[outcome, area].reason if (outcome, area) in refused else "",
        )
        write_whole(run / "conclusions" / outcome / f"{area}.json", dump_json(conclusion))
        conclusions.append(conclusion)
    return tuple(conclusions)


def read_manifest(run: Path) -> RunManifest:
    """Manifest of a run folder; a `ConfigurationError` where there is no run."""
    try:
        return from_plain(RunManifest, json.loads((run / "manifest.json").read_text("utf-8")))
    except OSError as error:
        there = ", ".join(sorted(p.parent.name for p in run.parent.glob("*/manifest.json"))) or "none"
        raise ConfigurationError(f"{run}: no run here; runs there are: {there}. Make one with `trailblazer run` or `trailblazer demo`.") from error

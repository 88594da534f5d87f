"""Run every study from data to report and write what came of it to docs/studies.md.

    python tests/designs/studies.py --out runs/studies [--data DIR] [--jobs N] [--only STUDY ...]

Each study runs on SYNTHETIC data made for it and, with ``--data``, on the published files of that folder. What a run folder
already holds is not run again. All of it takes about half an hour on two processors; the tests of this folder run the studies
small.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation import project
from evaluation.batch.ledger import read_records
from evaluation.batch.stages import load_conclusions
from evaluation.contracts.load import load_contracts
from evaluation.design.protocol import load_design
from evaluation.plain import dump_json
from evaluation.results import Conclusion, Design
from evaluation.synthesis.evidence import POOLED

TABLE = project.ROOT / "docs" / "studies.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of one study on one kind of data."""

    study: str
    data: str
    """``SYNTHETIC`` or ``real``."""
    notebooks: int
    failed: int
    report: bool
    """Whether a report was published."""
    verdicts: tuple[tuple[str, str, int], ...]
    """Outcome, verdict and number of areas, where there was a file of the outcome."""
    sentence: str
    """Of the primary outcome, or the first one with a figure, for all areas together."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studies and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=project.RUNS / "studies")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--jobs", default="1")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args(arguments)
    contracts = load_contracts()
    records = options.out / "ran"
    for name in options.only or contracts.designs:
        runs = [("SYNTHETIC", ["demo", "--design", name])]
        if options.data is not None:
            runs.append(("real", ["run", "--design", name, "--data", str(options.data)]))
        for kind, command in runs:
            folder = options.out / kind.lower() / name
            said = _run([*command, "--out", str(folder), "--jobs", options.jobs])
            if kind == "real" and not (folder / "manifest.json").exists():
                print(f"{name}, {kind}: no run. {said.splitlines()[-1] if said else ''}", flush=True)
                continue
            if kind == "real":
                _run(["report", "--run", str(folder)])
            ran = describe(load_design(contracts, name), folder, kind)
            project.write_whole(records / f"{name}-{kind.lower()}.json", dump_json(ran))
            print(f"{name}, {kind}: {ran.notebooks} notebooks, {ran.failed} failed, report {ran.report}", flush=True)
    rows = [json.loads(path.read_text("utf-8")) for path in sorted(records.glob("*.json"))]
    project.write_whole(options.table, write_table(rows, {id: load_design(contracts, id) for id in contracts.designs}))
    return 0


def _run(command: Sequence[str]) -> str:
    done = subprocess.run([sys.executable, "-m", "evaluation", *command], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def describe(design: Design, run: Path, kind: str) -> Ran:
    """Read what a run folder holds of a study."""
    conclusions = [item for item in load_conclusions(run) if not _is_absent(item)]
    records = list(read_records(run))
    counts = Counter((item.outcome, item.verdict) for item in conclusions)
    order = [plan.id for plan in sorted(design.outcomes, key=lambda plan: not plan.primary)]
    return Ran(
        study=design.id,
        data=kind,
        notebooks=len(records),
        failed=sum(record.state == "failed" for record in records),
        report=(run / "report" / "index.html").exists(),
        verdicts=tuple((id, verdict, n) for id in order for (outcome, verdict), n in sorted(counts.items()) if outcome == id),
        sentence=_pick_sentence(order, conclusions),
    )


def _is_absent(conclusion: Conclusion) -> bool:
    """Whether the data folder has no file of the outcome."""
    return conclusion.verdict == "not estimated" and "the panel has no " in conclusion.sentence


def _pick_sentence(order: Sequence[str], conclusions: Sequence[Conclusion]) -> str:
    pooled = {item.outcome: item for item in conclusions if item.area == POOLED}
    return next((pooled[id].sentence for id in order if id in pooled), "")


def write_table(rows: Sequence[dict[str, object]], designs: dict[str, Design]) -> str:
    """The page: one table, a row a study and kind of data."""
    lines = [
        "# What every study gave",
        "",
        "Written by `python tests/designs/studies.py --data DIR`, which runs every protocol of `data_contracts/designs` from",
        "data to published report: on SYNTHETIC data made for it, and on published figures where the folder has any.",
        "SYNTHETIC rows say that a study runs and what it can see; they say nothing about any programme. The real series is the",
        "annual mean claimant rate up to 2025: for starts in 2025 it is too early, because no year lies wholly after them.",
        "Why so many comparisons of claimant rates are *not credible*: [how often a check sets one aside]"
        "(../tests/simulation/set_aside.md).",
        "",
        "| study | data | notebooks | verdicts (areas) | all areas together |",
        "| --- | --- | --- | --- | --- |",
    ]
    by_study = sorted(rows, key=lambda row: (str(row["study"]), row["data"] != "SYNTHETIC"))
    ran = {row["study"] for row in rows if row["data"] == "SYNTHETIC"}
    lines += [f"| {id} | SYNTHETIC | not run | | |" for id in designs if id not in ran]
    for row in by_study:
        verdicts = "; ".join(f"{outcome}: {verdict} {n}" for outcome, verdict, n in row["verdicts"])  # type: ignore[attr-defined]
        failed = f", {row['failed']} failed" if row["failed"] else ""
        report = "" if row["report"] else ", no report"
        cells = (row["study"], row["data"], f"{row['notebooks']}{failed}{report}", verdicts or "none", row["sentence"])
        lines.append("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |")
    lines += ["", "## What each design can and cannot answer", ""]
    for id, design in designs.items():
        lines += [f"### {design.title} (`{id}`)", "", design.question, ""]
        lines += [f"- **{item.question}** {item.answer.capitalize()}. {item.why}" for item in design.questions]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())

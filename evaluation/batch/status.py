"""What a run folder holds, what of it is out of date, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluation import project
from evaluation.batch.edition import edition_of
from evaluation.batch.ledger import JobRecord, read_records
from evaluation.batch.lock import ProtocolChange, load_changes
from evaluation.batch.notebooks import notebook_of
from evaluation.batch.plan import Plan, make_plan
from evaluation.batch.stages import RunManifest, load_conclusions, open_run, read_manifest
from evaluation.errors import EvaluationError
from evaluation.results import Conclusion


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A run folder at a glance."""

    run: str
    manifest: RunManifest
    records: tuple[JobRecord, ...]
    changes: tuple[ProtocolChange, ...]
    stale: tuple[tuple[str, str], ...]
    """Jobs that would run again with the panel of this folder, and why."""
    no_plan: str
    """Why it cannot be said what is out of date; empty where it can."""
    conclusions: tuple[Conclusion, ...]
    report: str


def read_status(run: Path) -> Status:
    """Look at a run folder; nothing is written.

    Raises
    ------
    ConfigurationError
        If there is no run.
    """
    manifest = read_manifest(run)
    records = tuple(read_records(run))
    stale: tuple[tuple[str, str], ...] = ()
    problem = ""
    try:
        stale = _find_stale(make_plan(open_run(run), manifest.panel_sha256, run), records)
    except (EvaluationError, OSError) as error:
        problem = str(error).splitlines()[0]
    edition = edition_of(run)
    return Status(
        run=str(run),
        manifest=manifest,
        records=records,
        changes=load_changes(run),
        stale=stale,
        no_plan=problem,
        conclusions=load_conclusions(run),
        report=f"{run / 'report' / 'index.html'}, edition of {edition[0].isoformat()}, {edition[1]}" if edition else "",
    )


def _find_stale(plan: Plan, records: tuple[JobRecord, ...]) -> tuple[tuple[str, str], ...]:
    planned = {item.job.id for item in plan.jobs}
    waiting = [(item.job.id, item.why) for item in plan.jobs if not item.is_done]
    return (*waiting, *((record.id, "the design asks for it no more") for record in records if record.id not in planned))


def describe_status(status: Status) -> Iterator[str]:
    """The same for a person, line by line."""
    manifest, records = status.manifest, status.records
    states = Counter(record.state for record in records)
    yield status.run
    yield f"  design       {manifest.design}, protocol {manifest.design_sha256[:12]}"
    yield f"  data         panel {manifest.panel_sha256[:12]}{', SYNTHETIC' if manifest.synthetic else ''}"
    for item in manifest.inputs:
        yield f"               {item.name}  {item.sha256[:12]}  vintage {item.vintage}"
    here = "" if manifest.code_version == project.code_version() else f"; the code is {project.code_version()} now"
    yield f"  code         {manifest.code_version}{here}"
    seconds = sum(record.seconds for record in records if record.state == "done")
    yield (
        f"  notebooks    {states['done']} done in {seconds:.0f} notebook seconds, {states['failed']} failed, "
        f"{states['refused']} refused"
    )
    kinds = Counter(notebook_of(record.id) for record in records if record.state == "done")
    for kind, count in sorted(kinds.items()):
        yield f"    {count:>4} {kind}"
    for record in records:
        if record.state != "done":
            yield f"    {record.state:<10} {record.id}: {record.error}"
    if status.no_plan:
        yield f"  out of date  cannot be said: {status.no_plan}"
    else:
        yield f"  out of date  {len(status.stale) or 'nothing'}"
        for why, count in Counter(why for _, why in status.stale).most_common():
            yield f"    {count:>4} because {why}" if why.endswith("changed") else f"    {count:>4} {why}"
    yield f"  departures   {len(status.changes) or 'none'} from the protocol as it was locked"
    for change in status.changes:
        named = ", ".join(f"{row.key} {row.before or 'nothing'} -> {row.after or 'nothing'}" for row in change.changes)
        yield f"    {change.number:>4} {named or 'comments or layout only'}"
    yield f"  conclusions  {len(status.conclusions)}"
    for found in status.conclusions:
        yield f"    {found.outcome} · {found.area_name}: {found.verdict}"
    yield f"  report       {status.report or 'not published yet: trailblazer report --run ' + status.run}"

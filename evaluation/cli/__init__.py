"""The command line: ``trailblazer VERB``. Each verb is one function; what it does is in `evaluation.batch`."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation import project
from evaluation.cli.parser import build_parser
from evaluation.errors import ConfigurationError, EvaluationError, JobsFailed, ServiceError

if TYPE_CHECKING:
    from evaluation.batch.ledger import JobRecord
    from evaluation.batch.plan import Plan
    from evaluation.batch.show import AreaResult
    from evaluation.report.engine import Engine

_PLACES_THAT_REFUSE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP),
)
"""A full or closed disk is not a fault of ours, nor is a name that no folder can have."""


@dataclass(slots=True)
class Stopwatch:
    """Seconds of each stage, for the closing table."""

    stages: list[tuple[str, float, str]] = field(default_factory=list)

    @contextlib.contextmanager
    def time(self, stage: str) -> Iterator[list[str]]:
        """Time a block; what it appends to the list is shown beside its seconds."""
        notes: list[str] = []
        begin = time.perf_counter()
        yield notes
        self.stages.append((stage, time.perf_counter() - begin, " ".join(notes)))

    def show(self) -> None:
        """Print the table."""
        for stage, seconds, note in self.stages:
            print(f"  {stage:<12}{seconds:7.1f} s  {note}".rstrip())
        print(f"  {'in all':<12}{sum(s for _, s, _ in self.stages):7.1f} s")


def _run_folder(options: argparse.Namespace) -> Path:
    """The folder a run is to have; only a name that is no path makes one under `project.RUNS`."""
    if options.out is None and (Path(options.design).name != options.design or options.design == ".."):
        raise ConfigurationError(
            f"there is no design {options.design!r}; a design is named by its file in data_contracts/designs, without .yml."
        )
    return Path(options.out or project.RUNS / options.design)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = build_parser()
    options = parser.parse_args(argv)
    try:
        return int(VERBS[options.verb](options))
    except EvaluationError as error:
        if options.debug:
            raise
        print(f"trailblazer {options.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # whoever read us has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if options.debug or error.errno not in _PLACES_THAT_REFUSE:
            raise
        print(f"trailblazer {options.verb}: {_say_place(error)}", file=sys.stderr)
        return ConfigurationError.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted; finished notebooks are kept. Say the same again to go on.", file=sys.stderr)
        return 130


def _say_place(error: OSError) -> str:
    """What a place refused, and what to do."""
    remedy = {errno.ENOSPC: "make room", errno.EDQUOT: "make room", errno.EACCES: "see to it that you may read and write there"}
    fix = remedy.get(error.errno or 0, "name another place")
    place = error.filename2 or error.filename or "the folder"
    return f"{place}: {error.strerror}. What was finished is kept. Fix: {fix}, and say the same again."


def demo(options: argparse.Namespace) -> int:
    """From SYNTHETIC data to a published report."""
    from evaluation.batch.cluster import check_scheduler
    from evaluation.batch.run import lock_run
    from evaluation.batch.stages import write_demonstration_data

    check_scheduler(options.scheduler)
    run = _run_folder(options)
    watch = Stopwatch()
    print("SYNTHETIC demonstration data: every number below is invented, with effects planted on purpose.")
    with lock_run(run):
        with watch.time("data"):
            data = write_demonstration_data(run, options.design)
        ran = _run_design(options.design, data, run, options, watch)
        _publish(run, options.engine, watch)
    return _close(ran.problems)


def fetch(options: argparse.Namespace) -> int:
    """Get data."""
    from evaluation.fetch.command import fetch_data, plan_fetch
    from evaluation.fetch.show import describe_fetch, open_progress

    asked = (options.design, options.source, options.base)
    if options.dry_run:
        print("\n".join(plan_fetch(*asked, first=options.first)))
        return 0
    with open_progress(sys.stderr) as (say, on_bytes):
        results = fetch_data(options.data, *asked, first=options.first, offline=options.offline, say=say, on_bytes=on_bytes)
    print("\n".join(describe_fetch(results)))
    for item in results:
        if item.error:
            print(f"trailblazer fetch: {item.source}: {item.error}", file=sys.stderr)
    codes = {item.exit_code for item in results if item.exit_code}
    return codes.pop() if len(codes) == 1 else (ServiceError.exit_code if codes else 0)


def vintages(options: argparse.Namespace) -> int:
    """List or compare editions of the data."""
    from evaluation.fetch.command import compare_editions, show_vintages
    from evaluation.fetch.compare import changes_csv
    from evaluation.fetch.show import describe_change
    from evaluation.plain import dump_json

    if options.diff is None:
        print(show_vintages(options.data, options.source, as_json=options.json))
        return 0
    change = compare_editions(options.data, options.source, *options.diff)
    if options.out is not None:
        project.write_whole(options.out, changes_csv(change))
    print(dump_json(change).rstrip("\n") if options.json else "\n".join(describe_change(change)))
    return 0


def profile(options: argparse.Namespace) -> int:
    """Describe an area."""
    from evaluation.batch.profiles import say_profile, write_area_profile

    written = write_area_profile(
        options.area,
        options.data,
        options.out,
        programme=options.programme,
        outcomes=options.outcome,
        similar=options.similar,
        before=options.before,
    )
    print("\n".join(say_profile(written.profile)))
    print(f"HTML  {_shown(written.html)}")
    print(f"JSON  {_shown(written.json)}")
    return 0


def check(options: argparse.Namespace) -> int:
    """Check data against contracts."""
    from evaluation.batch.stages import check_files

    text, code = check_files(options.data, options.design, options.out)
    print(text)
    return code


def plan(options: argparse.Namespace) -> int:
    """Show the plan."""
    from evaluation.batch.show import describe_plan, plan_data
    from evaluation.batch.stages import prepare

    run = options.out or project.RUNS / options.design
    _, planned = prepare(options.design, options.data, run, only=options.only, write=False, as_of=options.vintage)
    planned = planned if options.limit is None else planned.first(options.limit)
    at_once = options.jobs or os.cpu_count() or 1
    if options.json:
        data = plan_data(planned, run, at_once=at_once) | {"vintage": options.vintage or None}
        print(json.dumps(data, ensure_ascii=False, indent=1))
    else:
        pinned = [f"data pinned to {options.vintage}"] if options.vintage else []
        print("\n".join((*pinned, *describe_plan(planned, run, at_once=at_once))))
    return 0


def run(options: argparse.Namespace) -> int:
    """Run a design."""
    from evaluation.batch.cluster import check_scheduler
    from evaluation.batch.run import lock_run

    check_scheduler(options.scheduler)
    if options.dry_run:
        return plan(options)
    folder = _run_folder(options)
    watch = Stopwatch()
    with lock_run(folder), contextlib.redirect_stdout(sys.stderr if options.json else sys.stdout):
        ran = _run_design(options.design, options.data, folder, options, watch)
        watch.show()
        print(f"Publish it with: trailblazer report --run {_shown(folder)}")
    if options.json:
        print(json.dumps(ran.to_data(folder, watch), ensure_ascii=False, indent=1))
    return _close(ran.problems)


def report(options: argparse.Namespace) -> int:
    """Publish a run."""
    from evaluation.batch.run import lock_run
    from evaluation.batch.stages import read_manifest

    read_manifest(options.run)
    with lock_run(options.run):
        _publish(
            options.run,
            options.engine,
            Stopwatch(),
            final=options.release == "final",
            facts=options.facts,
            since=options.since,
        )
    return 0


def diff(options: argparse.Namespace) -> int:
    """Compare two runs."""
    from evaluation.batch.changes import compare_runs
    from evaluation.batch.show_changes import changes_csv, describe_changes
    from evaluation.plain import dump_json

    changes = compare_runs(options.old, options.new)
    if options.out is not None:
        project.write_whole(options.out, changes_csv(changes))
    print(dump_json(changes).rstrip("\n") if options.json else "\n".join(describe_changes(changes)))
    return 0


def status(options: argparse.Namespace) -> int:
    """Explain a run folder."""
    from evaluation.batch.status import describe_status, read_status

    print("\n".join(describe_status(read_status(options.run))))
    return 0


def verify(options: argparse.Namespace) -> int:
    """Run again and compare."""
    from evaluation.batch.verify import describe_verification, verify_run

    result = verify_run(options.run, jobs=options.jobs, only=options.only)
    print("\n".join(describe_verification(result)))
    return 0 if result.is_good else 3


def export(options: argparse.Namespace) -> int:
    """Write a run as an RO-Crate."""
    from evaluation.batch.export import export_run

    count = export_run(options.run, options.out)
    print(f"{count} files in {_shown(options.out)}")
    return 0


@dataclass(frozen=True, slots=True)
class _Ran:
    """What came of running a design."""

    plan: Plan
    records: tuple[JobRecord, ...]
    areas: tuple[AreaResult, ...]

    @property
    def problems(self) -> list[str]:
        return [f"{record.id}: {record.error}" for record in self.records if record.state == "failed"]

    def to_data(self, folder: Path, watch: Stopwatch) -> dict[str, object]:
        from evaluation.plain import to_plain

        return {
            "design": self.plan.design,
            "run": str(folder),
            "notebooks": [
                {"id": r.id, "state": r.state, "seconds": r.seconds, "error": r.error, "results": list(r.results)}
                for r in self.records
            ],
            "unchanged": len(self.plan.jobs) - len(self.plan.to_run),
            "refused": [to_plain(item) for item in self.plan.refusals],
            "areas": [to_plain(item) for item in self.areas],
            "seconds": {stage: round(seconds, 1) for stage, seconds, _ in watch.stages},
        }


def _run_design(name: str, data: Path, folder: Path, options: argparse.Namespace, watch: Stopwatch) -> _Ran:
    """Prepare, run and conclude, and say how it goes."""
    from evaluation.batch.ledger import read_records
    from evaluation.batch.lock import load_changes
    from evaluation.batch.show import describe_areas, summarise_areas
    from evaluation.batch.stages import conclude_run, prepare

    with watch.time("panel") as notes:
        study, planned = prepare(name, data, folder, only=options.only, as_of=options.vintage)
        notes.append(f"{len(study.panel.frame):,} rows from {len(study.panel.inputs)} file(s)")
    changes = load_changes(folder)
    if changes:
        print(f"The protocol changed {len(changes)} time(s) after results were there; the report prints what changed.")
    records = _run_notebooks(planned, folder, options, watch)
    with watch.time("conclusions") as notes:
        conclusions = conclude_run(study, planned, folder)
        notes.append(f"{len(conclusions)}, {sum(c.headline is None for c in conclusions)} without an estimate")
    areas = summarise_areas(planned, list(read_records(folder)), conclusions)
    print("\n".join(describe_areas(areas)))
    return _Ran(plan=planned, records=records, areas=areas)


def _run_notebooks(planned: Plan, folder: Path, options: argparse.Namespace, watch: Stopwatch) -> tuple[JobRecord, ...]:
    from evaluation.batch.cluster import workers_here
    from evaluation.batch.progress import open_display
    from evaluation.batch.run import CELL_SECONDS, JOB_SECONDS, run_plan

    for refusal in planned.refusals:
        only = f" · {refusal.notebook}" if refusal.notebook else ""
        print(f"  refused  {refusal.outcome} · {refusal.area_name}{only}: {refusal.reason}")
    asked = planned if options.limit is None else planned.first(options.limit)
    at_once = options.jobs or workers_here(options.scheduler) or os.cpu_count() or 1
    with watch.time("notebooks") as notes, open_display(asked, at_once, sys.stdout) as display:
        records = run_plan(
            asked,
            folder,
            jobs=options.jobs,
            scheduler=options.scheduler,
            on_start=display.start,
            on_end=display.end,
            cell_seconds=options.cell_timeout or CELL_SECONDS,
            job_seconds=options.job_timeout or JOB_SECONDS,
        )
        left = len(planned.to_run) - len(asked.to_run)
        notes.append(f"{len(records)} run, {len(planned.jobs) - len(planned.to_run)} unchanged")
        if left:
            notes.append(f"({left} left out by --limit)")
    return records


def _publish(
    folder: Path,
    engine: Engine,
    watch: Stopwatch,
    *,
    final: bool = False,
    facts: Path | None = None,
    since: Path | None = None,
) -> None:
    from evaluation.batch.publish import publish

    with watch.time("report") as notes:
        published = publish(folder, engine=engine, final=final, facts=facts, since=since)
        notes.append(published.how)
    watch.show()
    print(f"HTML  {_shown(published.html)}")
    print(f"PDF   {_shown(published.pdf)}")


def _close(problems: Sequence[str]) -> int:
    if problems:
        raise JobsFailed(f"{len(problems)} notebook(s) failed; the others are done.\n  " + "\n  ".join(_alike(problems)))
    return 0


def _alike(problems: Sequence[str]) -> list[str]:
    """One line for each cause: the first notebook that has it, and how many more do."""
    by_cause: dict[str, list[str]] = {}
    for problem in problems:
        name, _, cause = problem.partition(": ")
        by_cause.setdefault(cause, []).append(name)
    return [
        f"{names[0]}{f' and {len(names) - 1} more alike' if len(names) > 1 else ''}: {cause}" for cause, names in by_cause.items()
    ]


def _shown(path: Path) -> Path:
    """The path as a person would type it here."""
    with contextlib.suppress(ValueError):
        return path.resolve().relative_to(Path.cwd())
    return path


VERBS = {verb.__name__: verb for verb in (demo, fetch, vintages, check, plan, run, report, diff, status, verify, export, profile)}

if __name__ == "__main__":
    sys.exit(main())

"""The command line: ``trailblazer VERB``. Each verb is one function; what it does is in `evaluation.batch`."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation import __version__, project
from evaluation.errors import ConfigurationError, EvaluationError, JobsFailed, ServiceError

if TYPE_CHECKING:
    from evaluation.batch.ledger import JobRecord
    from evaluation.batch.plan import Plan
    from evaluation.batch.show import AreaResult
    from evaluation.report.engine import Engine

DESCRIPTION = """\
Did the trailblazers work, and could we have told?

A run goes through stages, each a verb:
  fetch    get the data from Nomis, ONS and Stat-Xplore; every answer is kept as it came
  vintages which editions of the data are kept, and what a revision moved
  check    are the data what their contracts say?
  plan     which notebooks will run, which are done, which areas are refused and why? (runs nothing)
  run      run them: one notebook for each outcome and area, findings on disk as they come
  report   publish the findings of a run as HTML and PDF
  status   what a run folder holds, what of it is out of date, and why
  diff     what changed between two runs: verdicts, estimates, and how much of it revised data or new periods explain
  verify   run it again elsewhere: does it come out the same, byte for byte?
  export   the whole run as one RO-Crate zip
  profile  what an area looks like, treated or not: levels, changes, reasons for inactivity, similar areas, programmes
  demo     all of it, on SYNTHETIC demonstration data
"""

EXAMPLES = """\
examples:
  trailblazer demo
  trailblazer demo   --design wales-trailblazer
  trailblazer fetch  --design economic-inactivity-trailblazers --data data/
  trailblazer vintages --data data/ --source nomis_aps --diff previous newest
  trailblazer check  --design universal-credit-rollout --data data/
  trailblazer run    --design universal-credit-rollout --data data/ --jobs 2
  trailblazer report --run runs/universal-credit-rollout
  trailblazer diff   runs/release-1 runs/release-2 --out changes.csv
  trailblazer status --run runs/universal-credit-rollout
  trailblazer profile --area E06000021 --data data/
  trailblazer run    --design universal-credit-rollout --data data/ --scheduler tcp://host:8786

exit codes: 0 good · 1 a fault of ours · 2 the command or a configuration is wrong · 3 data break a contract
            4 some notebooks or sources of a fetch failed, the others are done · 5 disclosure gate · 130 interrupted
"""


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


def build_parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    parser = argparse.ArgumentParser(
        prog="trailblazer", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"trailblazer {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, text: str, *, data: bool = False, out: bool = False, runs: bool = False) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        if data:
            sub.add_argument("--design", required=True, metavar="NAME", help="a study of data_contracts/designs, without .yml")
            sub.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder of the data files, as published")
        if out:
            sub.add_argument("--out", type=Path, metavar="DIR", help="run folder (default: runs/<design>)")
        if runs:
            sub.add_argument("--jobs", type=_count, default=0, metavar="N", help="notebooks at once (default: one a processor)")
            for word, what in (("cell", "one cell"), ("job", "one notebook")):
                sub.add_argument(
                    f"--{word}-timeout", type=_count, metavar="SECONDS", help=f"stop {what} that takes longer, and go on"
                )
        return sub

    def scheduler(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--scheduler",
            default="",
            metavar="ADDRESS",
            help="run the notebooks on a dask cluster that shares this file system, or on local:N workers (default: no dask)",
        )

    def engine(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--engine",
            choices=("auto", "quarto", "embedded"),
            default="auto",
            help="who renders (default: Quarto where it is installed)",
        )

    demo = verb("demo", "Evaluate SYNTHETIC demonstration data, from data to published report.", out=True, runs=True)
    demo.add_argument(
        "--design",
        default="economic-inactivity-trailblazers",
        metavar="NAME",
        help="the study to make SYNTHETIC data for (default: economic-inactivity-trailblazers)",
    )
    engine(demo)
    scheduler(demo)
    demo.set_defaults(only=(), limit=None)
    _add_fetch_verbs(verb)
    _add_profile_verb(verb)
    check = verb("check", "Check data files against their contracts; exit code 3 where they break one.")
    check.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder of the data files, as published")
    check.add_argument("--design", default="", metavar="NAME", help="only the sources this study can use (default: all)")
    check.add_argument("--out", type=Path, metavar="FILE", help="also write the findings to this CSV or .json file")
    for name, text in (
        ("plan", "Say what would run, what is done, what is refused and why; run nothing."),
        ("run", "Run the notebooks of a design; what is done already is not run again."),
    ):
        sub = verb(name, text, data=True, out=True, runs=True)
        sub.add_argument(
            "--only", action="append", default=[], metavar="AREA", help="only this treated area, by code (may be repeated)"
        )
        sub.add_argument("--limit", type=_count, metavar="N", help="at most this many notebooks, in the order of the plan")
        sub.add_argument("--json", action="store_true", help="what there is to say as JSON on standard output")
        if name == "run":
            scheduler(sub)
            sub.add_argument("--dry-run", action="store_true", help="show the plan and stop")
    report = verb("report", "Publish the findings of a run as HTML and PDF.")
    report.add_argument(
        "--release",
        choices=("provisional", "final"),
        default="provisional",
        help="a final release is refused while something it must state is missing (default: provisional)",
    )
    report.add_argument(
        "--facts", type=Path, metavar="FILE", help="what the release states about itself (default: reports/release.yml)"
    )
    report.add_argument("--since", type=Path, metavar="OLD", help="run folder of the release before: adds what changed since")
    diff = verb("diff", "Say what changed between two runs of one study: verdicts first, then estimates, each move in its parts.")
    diff.add_argument("old", type=Path, metavar="OLD", help="run folder of the earlier run")
    diff.add_argument("new", type=Path, metavar="NEW", help="run folder of the new run")
    diff.add_argument("--json", action="store_true", help="what there is to say as JSON on standard output")
    diff.add_argument("--out", type=Path, metavar="FILE.csv", help="also write every outcome and area to this CSV file")
    status = verb("status", "Say what a run folder holds.")
    again = verb("verify", "Run the notebooks of a run again elsewhere and compare byte for byte; exit code 3 where they differ.")
    again.add_argument("--jobs", type=_count, default=0, metavar="N", help="notebooks at once (default: one a processor)")
    again.add_argument("--only", action="append", default=[], metavar="AREA", help="only this area (may be repeated)")
    crate = verb("export", "Write a run as one RO-Crate zip: data, protocol, findings, notebooks, report, and what made them.")
    crate.add_argument("--out", type=Path, required=True, metavar="FILE", help="zip file to write")
    for sub in (report, status, again, crate):
        sub.add_argument(
            "--run", type=Path, metavar="DIR", default=project.RUNS / "economic-inactivity-trailblazers", help="run folder"
        )
    engine(report)
    return parser


def _add_profile_verb(verb: Callable[..., argparse.ArgumentParser]) -> None:
    """The verb that describes one area."""
    sub = verb("profile", "Describe an area from published figures: a page with its CSV files and JSON. It estimates nothing.")
    sub.add_argument("--area", required=True, metavar="CODE", help="an authority, by code or name, or a place: south-yorkshire")
    sub.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder of the data files, as published")
    sub.add_argument("--out", type=Path, metavar="DIR", help="folder of the page, replaced whole (default: runs/profiles/<area>)")
    sub.add_argument("--programme", default="", metavar="ID", help="the programme whose place it is, where several differ")
    sub.add_argument(
        "--outcome", action="append", default=[], metavar="ID", help="this outcome (may be repeated; default: all with a file)"
    )
    sub.add_argument("--similar", type=_count, default=10, metavar="N", help="similar areas to name (default: 10)")
    sub.add_argument(
        "--before", default="", metavar="YYYY-MM", help="similar by figures before this month (default: the first programme's)"
    )


def _add_fetch_verbs(verb: Callable[..., argparse.ArgumentParser]) -> None:
    """The verbs that get data and list what was got."""
    get = verb("fetch", "Get data from the services that publish them; exit code 4 where one did not give them.")
    get.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder to keep the data in")
    get.add_argument("--design", default="", metavar="NAME", help="the sources that the outcomes of this study need")
    get.add_argument("--source", action="append", default=[], metavar="ID", help="this source (may be repeated)")
    get.add_argument("--first", default="", metavar="PERIOD", help="first period, such as 2018-03 (default: the contract's)")
    get.add_argument("--offline", action="store_true", help="ask nobody: make the tables again from the raw answers kept")
    get.add_argument("--dry-run", action="store_true", help="print the addresses that would be asked, and stop")
    get.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="SERVICE=ADDRESS",
        help="another address of nomis, ons or statxplore than the contract's (may be repeated)",
    )
    listing = verb("vintages", "List the editions of the data that are kept, or say what one moved against another.")
    listing.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder of the data files")
    listing.add_argument("--source", default="", metavar="ID", help="only this source; needed for --diff where there are several")
    listing.add_argument(
        "--diff",
        nargs=2,
        metavar=("OLD", "NEW"),
        help="which cells moved and by how much; a vintage or the beginning of its name, previous, newest, or a file below DIR",
    )
    listing.add_argument("--out", type=Path, metavar="FILE.csv", help="also write every cell that moved to this CSV file")
    listing.add_argument("--json", action="store_true", help="what there is to say as JSON on standard output")


def _run_folder(options: argparse.Namespace) -> Path:
    """The folder a run is to have; only a name that is no path makes one under `project.RUNS`."""
    if options.out is None and (Path(options.design).name != options.design or options.design == ".."):
        raise ConfigurationError(
            f"there is no design {options.design!r}; a design is named by its file in data_contracts/designs, without .yml."
        )
    return Path(options.out or project.RUNS / options.design)


def _count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


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
        print(
            f"trailblazer {options.verb}: {error.filename or 'the run folder'}: {error.strerror}. What was finished is kept; "
            "make room or name another folder with --out, and say the same again.",
            file=sys.stderr,
        )
        return ConfigurationError.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted; finished notebooks are kept. Say the same again to go on.", file=sys.stderr)
        return 130


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
    _, planned = prepare(options.design, options.data, run, only=options.only, write=False)
    planned = planned if options.limit is None else planned.first(options.limit)
    at_once = options.jobs or os.cpu_count() or 1
    if options.json:
        print(json.dumps(plan_data(planned, run, at_once=at_once), ensure_ascii=False, indent=1))
    else:
        print("\n".join(describe_plan(planned, run, at_once=at_once)))
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
        study, planned = prepare(name, data, folder, only=options.only)
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

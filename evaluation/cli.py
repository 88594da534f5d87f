"""The command line: ``trailblazer VERB``. Each verb is one function; what it does is in `evaluation.batch`."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation import __version__, project
from evaluation.errors import EvaluationError, JobsFailed

if TYPE_CHECKING:
    from evaluation.batch.plan import Plan
    from evaluation.report.engine import Engine

DESCRIPTION = """\
Did the trailblazers work, and could we have told?

A run goes through stages, each a verb:
  check    are the data what their contracts say?
  plan     which notebooks will run, which are done, which areas are refused and why? (runs nothing)
  run      run them: one notebook for each outcome and area, findings on disk as they come
  report   publish the findings of a run as HTML and PDF
  status   what a run folder holds
  demo     all of it, on SYNTHETIC demonstration data
"""

EXAMPLES = """\
examples:
  trailblazer demo
  trailblazer check  --design universal-credit-rollout --data data/
  trailblazer run    --design universal-credit-rollout --data data/ --jobs 2
  trailblazer report --run runs/universal-credit-rollout
  trailblazer status --run runs/universal-credit-rollout

exit codes: 0 good · 1 a fault of ours · 2 the command or a configuration is wrong · 3 data break a contract
            4 some notebooks failed, the others are done · 5 disclosure gate · 130 interrupted
"""


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
            sub.add_argument("--jobs", type=int, default=0, metavar="N", help="notebooks at once (default: one a processor)")
        return sub

    def engine(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--engine",
            choices=("auto", "quarto", "embedded"),
            default="auto",
            help="who renders (default: Quarto where it is installed)",
        )

    demo = verb("demo", "Evaluate SYNTHETIC demonstration data, from data to published report.", out=True, runs=True)
    engine(demo)
    check = verb("check", "Check data files against their contracts; exit code 3 where they break one.")
    check.add_argument("--data", required=True, type=Path, metavar="DIR", help="folder of the data files, as published")
    check.add_argument("--design", default="", metavar="NAME", help="only the sources this study can use (default: all)")
    check.add_argument("--out", type=Path, metavar="FILE", help="also write the findings of the check to this CSV file")
    for name, text in (
        ("plan", "Say what would run, what is done, what is refused and why; run nothing."),
        ("run", "Run the notebooks of a design; what is done already is not run again."),
    ):
        sub = verb(name, text, data=True, out=True, runs=name == "run")
        sub.add_argument(
            "--only", action="append", default=[], metavar="AREA", help="only this treated area, by code (may be repeated)"
        )
    report = verb("report", "Publish the findings of a run as HTML and PDF.")
    status = verb("status", "Say what a run folder holds.")
    for sub in (report, status):
        sub.add_argument(
            "--run", type=Path, metavar="DIR", default=project.RUNS / "economic-inactivity-trailblazers", help="run folder"
        )
    engine(report)
    return parser


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
    except KeyboardInterrupt:
        print("\ninterrupted; finished notebooks are kept. Say the same again to go on.", file=sys.stderr)
        return 130


def demo(options: argparse.Namespace) -> int:
    """From SYNTHETIC data to a published report."""
    from evaluation.batch.run import lock_run
    from evaluation.batch.stages import DEMONSTRATION, write_demonstration_data

    run = options.out or project.RUNS / DEMONSTRATION
    watch = Stopwatch()
    print("SYNTHETIC demonstration data: every number below is invented, with effects planted on purpose.")
    with lock_run(run):
        with watch.time("data"):
            data = write_demonstration_data(run)
        problems = _run_design(DEMONSTRATION, data, run, jobs=options.jobs, only=(), watch=watch)
        _publish(run, options.engine, watch)
    return _close(problems)


def check(options: argparse.Namespace) -> int:
    """Check data against contracts."""
    from evaluation.batch.stages import check_files

    text, code = check_files(options.data, options.design, options.out)
    print(text)
    return code


def plan(options: argparse.Namespace) -> int:
    """Show the plan."""
    from evaluation.batch.stages import prepare

    run = options.out or project.RUNS / options.design
    _, planned = prepare(options.design, options.data, run, only=options.only, write=False)
    for item in planned.jobs:
        print(f"  {'done' if item.is_done else 'run':<5} {item.job.id:<70} {'' if item.is_done else item.why}".rstrip())
    for refusal in planned.refusals:
        print(f"  refused {refusal.outcome}/{refusal.area}: {refusal.reason}")
    seconds = [item.record.seconds for item in planned.jobs if item.record]
    guess = (
        f", about {len(planned.to_run) * sum(seconds) / len(seconds) / 60:.1f} notebook minutes"
        if seconds and planned.to_run
        else ""
    )
    print(
        f"{len(planned.to_run)} of {len(planned.jobs)} notebooks to run{guess}; {len(planned.refusals)} refused. "
        f"Run folder: {run}"
    )
    return 0


def run(options: argparse.Namespace) -> int:
    """Run a design."""
    from evaluation.batch.run import lock_run

    folder = options.out or project.RUNS / options.design
    watch = Stopwatch()
    with lock_run(folder):
        problems = _run_design(options.design, options.data, folder, jobs=options.jobs, only=options.only, watch=watch)
    watch.show()
    print(f"Publish it with: trailblazer report --run {_shown(folder)}")
    return _close(problems)


def report(options: argparse.Namespace) -> int:
    """Publish a run."""
    from evaluation.batch.run import lock_run
    from evaluation.batch.stages import read_manifest

    read_manifest(options.run)
    with lock_run(options.run):
        _publish(options.run, options.engine, Stopwatch())
    return 0


def status(options: argparse.Namespace) -> int:
    """Explain a run folder."""
    from evaluation.batch.stages import explain_run

    print(explain_run(options.run))
    return 0


def _run_design(name: str, data: Path, folder: Path, *, jobs: int, only: Sequence[str], watch: Stopwatch) -> list[str]:
    """Prepare, run and conclude; returns what went wrong in single notebooks."""
    from evaluation.batch.stages import conclude_run, prepare

    with watch.time("panel") as notes:
        study, planned = prepare(name, data, folder, only=only)
        notes.append(f"{len(study.panel.frame):,} rows from {len(study.panel.inputs)} file(s)")
    problems = _run_notebooks(planned, folder, jobs=jobs, watch=watch)
    with watch.time("conclusions") as notes:
        conclusions = conclude_run(study, planned, folder)
        notes.append(f"{len(conclusions)}, {sum(c.headline is None for c in conclusions)} without an estimate")
    return problems


def _run_notebooks(planned: Plan, folder: Path, *, jobs: int, watch: Stopwatch) -> list[str]:
    from evaluation.batch.ledger import JobRecord
    from evaluation.batch.plan import Job
    from evaluation.batch.run import run_plan

    for refusal in planned.refusals:
        print(f"  refused  {refusal.outcome} · {refusal.area_name}: {refusal.reason}")
    total, ended = len(planned.to_run), 0

    def show(job: Job, record: JobRecord) -> None:
        nonlocal ended
        ended += 1
        word = "done" if record.state == "done" else "FAILED"
        print(
            f"  {ended:>3}/{total}  {word:<6} {job.outcome} · {job.area_name} · {job.notebook}  {record.seconds:.1f} s",
            flush=True,
        )
        if record.error:
            print(f"           {record.error}")

    with watch.time("notebooks") as notes:
        records = run_plan(planned, folder, jobs=jobs, on_end=show)
        notes.append(f"{len(records)} run, {len(planned.jobs) - total} unchanged")
    return [f"{record.id}: {record.error}" for record in records if record.state == "failed"]


def _publish(folder: Path, engine: Engine, watch: Stopwatch) -> None:
    from evaluation.batch.publish import publish

    with watch.time("report") as notes:
        published = publish(folder, engine=engine)
        notes.append(published.how)
    watch.show()
    print(f"HTML  {_shown(published.html)}")
    print(f"PDF   {_shown(published.pdf)}")


def _close(problems: Sequence[str]) -> int:
    if problems:
        raise JobsFailed(f"{len(problems)} notebook(s) failed; the others are done.\n  " + "\n  ".join(problems))
    return 0


def _shown(path: Path) -> Path:
    """The path as a person would type it here."""
    with contextlib.suppress(ValueError):
        return path.resolve().relative_to(Path.cwd())
    return path


VERBS = {"demo": demo, "check": check, "plan": plan, "run": run, "report": report, "status": status}

if __name__ == "__main__":
    sys.exit(main())

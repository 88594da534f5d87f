"""The batch: kernels forked from a warm parent against plain ones, the whole demonstration, the command line's start."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from benchmarks.timing import Line, cpu_seconds
from evaluation.batch import run as batch_run
from evaluation.batch.nursery import is_supported
from evaluation.batch.plan import Plan
from evaluation.batch.publish import publish
from evaluation.batch.stages import DEMONSTRATION, conclude_run, prepare, write_demonstration_data
from evaluation.project import code_sha256

SUBJECT = "batch"
JOBS = 2
KERNELS = "notebooks, warm kernels against plain ones"
NEVER_WORTH = 10**9
"""Jobs from which a warm parent would be opened, in the plain run."""


def measure(*, quick: bool) -> Iterator[Line]:
    """All lines; notebooks are run in full only."""
    yield command_line(3 if quick else 7)
    if quick:
        yield Line(subject=SUBJECT, work=KERNELS, size="demonstration", ours=None, note="not measured in quick mode")
        return
    with tempfile.TemporaryDirectory() as folder:
        yield from kernels(Path(folder))
        yield from demonstration(Path(folder) / "whole")


def _seconds(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    begin = clock()
    call()
    return clock() - begin


def command_line(repeats: int) -> Line:
    """Start of the command line."""
    command = [sys.executable, "-m", "evaluation", "--help"]
    subprocess.run(command, check=True, capture_output=True)
    seconds = statistics.median(
        _seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(repeats)
    )
    return Line(
        subject=SUBJECT, work="trailblazer --help", size="", ours=seconds, clock="wall", goal="under 0.3 s", met=seconds < 0.3
    )


def kernels(folder: Path) -> Iterator[Line]:
    """Run the demonstration's notebooks both ways, compare them byte for byte, and publish what they found."""
    runs, plans, studies = [], [], []
    data = write_demonstration_data(folder / "made")
    for name in ("warm", "plain"):
        run = folder / name
        run.mkdir()
        study, plan = prepare(DEMONSTRATION, data, run)
        runs.append(run)
        plans.append(plan)
        studies.append(study)
    count = len(plans[0].to_run)
    code = code_sha256.__wrapped__()
    # the warm parent's own start is in it
    warm = _seconds(lambda: batch_run.run_plan(plans[0], runs[0], jobs=JOBS), cpu_seconds)
    with mock.patch.object(batch_run, "WORTH_WARMING", NEVER_WORTH):
        plain = _seconds(lambda: batch_run.run_plan(plans[1], runs[1], jobs=JOBS), cpu_seconds)
    names = [path.relative_to(runs[0]) for path in sorted((runs[0] / "notebooks").rglob("*.ipynb"))]
    missing = sum(not (runs[1] / name).is_file() for name in names)
    same = sum((runs[1] / name).is_file() and (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes() for name in names)
    yield Line(
        subject=SUBJECT,
        work=KERNELS,
        size=f"{count} notebooks, {JOBS} at once",
        ours=warm,
        peer="papermill with plain kernels",
        theirs=plain,
        goal="6 x",
        met=plain / warm >= 6.0 if is_supported() else None,
        agreement=f"{same} of {len(names)} executed notebooks equal byte for byte",
        note="; ".join(
            words
            for words, holds in (
                ("warm kernels need Linux: both ran plainly", not is_supported()),
                (f"{missing} of the plain run's notebooks broke off and are not there", missing > 0),
                ("the code changed in between, and notebooks name its hash", code_sha256.__wrapped__() != code),
            )
            if holds
        ),
    )
    yield report(runs[0], studies[0], plans[0])


def report(run: Path, study: object, plan: Plan) -> Line:
    """Render the report by the embedded renderer."""
    conclude_run(study, plan, run)  # type: ignore[arg-type]
    seconds = _seconds(lambda: publish(run, engine="embedded"))
    pages = len(list((run / "report").rglob("*.html")))
    return Line(
        subject="report",
        work="HTML and PDF of the demonstration, embedded renderer",
        size=f"{pages} pages",
        ours=seconds,
        peer="Quarto",
        clock="wall",
        note="Quarto is not timed here: it is a program of its own, and none of the packages",
    )


def demonstration(run: Path) -> Iterator[Line]:
    """The whole demonstration from nothing, and once more with nothing changed."""
    command = [sys.executable, "-m", "evaluation", "demo", "--out", str(run), "--jobs", str(JOBS), "--engine", "embedded"]
    for work, limit in (("demonstration from nothing, report included", 180.0), ("the same again, nothing changed", 5.0)):
        seconds = _seconds(lambda: subprocess.run(command, check=True, capture_output=True))
        yield Line(
            subject=SUBJECT,
            work=work,
            size="9 places, 3 outcomes, both families",
            ours=seconds,
            clock="wall",
            goal=f"under {limit:g} s",
            met=seconds < limit,
        )

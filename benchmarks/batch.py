"""The batch: kernels forked from a warm parent against plain ones, the whole demonstration, the command line's start."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal
from unittest import mock

from benchmarks import report
from benchmarks.timing import Line, cpu_seconds
from evaluation.batch import run as batch_run
from evaluation.batch.notebooks import ESTIMATES
from evaluation.batch.parents import is_supported
from evaluation.batch.plan import Plan
from evaluation.batch.stages import DEMONSTRATION, prepare, write_demonstration_data
from evaluation.project import code_sha256

SUBJECT = "batch"
JOBS = 2
AREAS = 20
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
        yield from report.measure_run(Path(folder) / "whole")


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
    """Run 20 areas through the two estimating notebooks, warm and plain, one and two at once, and compare them byte for byte."""
    data = write_demonstration_data(folder / "made")
    code = code_sha256.__wrapped__()
    first: Path | None = None
    for jobs in (1, JOBS):
        spent: dict[str, tuple[float, float]] = {}
        for how, worth in (("warm", batch_run.WORTH_WARMING), ("plain", NEVER_WORTH)):
            run = folder / f"{how}-{jobs}"
            run.mkdir()
            plan = estimates_of(prepare(DEMONSTRATION, data, run)[1], AREAS)
            begin, wall = cpu_seconds(), time.perf_counter()
            # the warm parent's own start is in it
            with mock.patch.object(batch_run, "WORTH_WARMING", worth):
                batch_run.run_plan(plan, run, jobs=jobs)
            spent[how] = cpu_seconds() - begin, time.perf_counter() - wall
            first = first or run
            same, count = compare(first, run)
            missing = len(plan.to_run) - count
        notes = (
            ("warm kernels need Linux: both ran plainly", not is_supported()),
            (f"{missing} of the plain run's notebooks broke off and are not there", missing > 0),
            ("the code changed in between, and notebooks name its hash", code_sha256.__wrapped__() != code),
        )
        clocks: tuple[tuple[Literal["CPU", "wall"], int, float], ...] = (("CPU", 0, 6.0), ("wall", 1, 0.0))
        for clock, k, goal in clocks:
            warm, plain = spent["warm"][k], spent["plain"][k]
            yield Line(
                subject=SUBJECT,
                work=KERNELS,
                size=f"{AREAS} outcomes of areas x 2 notebooks, {jobs} at once",
                ours=warm,
                peer="papermill with plain kernels",
                theirs=plain,
                clock=clock,
                goal=f"{goal:g} x" if goal else "",
                met=plain / warm >= goal if goal and is_supported() else None,
                agreement=f"{same} of {count} executed notebooks equal byte for byte",
                note="; ".join(words for words, holds in notes if holds),
            )


def estimates_of(plan: Plan, areas: int) -> Plan:
    """The estimating notebooks of the first outcomes of areas."""
    of = {planned.job.id: (planned.job.id.rpartition("/")[0], planned.job.id.rpartition("/")[2]) for planned in plan.jobs}
    kept = list(dict.fromkeys(area for area, notebook in of.values() if notebook in ESTIMATES))[:areas]
    wanted = tuple(item for item in plan.jobs if of[item.job.id][0] in kept and of[item.job.id][1] in ESTIMATES)
    return replace(plan, jobs=wanted)


def compare(one: Path, other: Path) -> tuple[int, int]:
    """How many executed notebooks of a second run equal those of a first, and how many it has."""
    names = [path.relative_to(other) for path in sorted((other / "notebooks").rglob("*.ipynb"))]
    return sum((one / name).read_bytes() == (other / name).read_bytes() for name in names), len(names)


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

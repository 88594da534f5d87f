"""Time ourselves and the field's packages in one run: ``python -m benchmarks.run [--quick] [--only SUBJECT] [--out DIR]``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from importlib import metadata
from pathlib import Path

from benchmarks.timing import Line, write_row

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Read once, when libraries are loaded."""

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "pyfixest",
    "linearmodels",
    "pysyncon",
    "diff-diff",
    "csdid",
    "differences",
    "mlsynth",
    "azcausal",
    "clarabel",
    "wildboottest",
    "papermill",
)

HERE = Path(__file__).parent


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write ``results.md`` and ``results.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small panels; shows that everything runs, says nothing about speed")
    parser.add_argument("--only", action="append", default=[], metavar="SUBJECT", help="one of the subjects; may be repeated")
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help="where results are written (default: here)")
    options = parser.parse_args(arguments)
    if any(os.environ.get(name) != "1" for name in ONE_THREAD):
        environment = os.environ | dict.fromkeys(ONE_THREAD, "1")
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.run", *(arguments or sys.argv[1:])], environment)
    subjects, load = _subjects(), [os.getloadavg()[0]]
    unknown = sorted(set(options.only) - set(subjects))
    if unknown:
        parser.error(f"no subject {', '.join(unknown)}; there are {', '.join(subjects)}")
    lines: list[Line] = []
    out = options.out or HERE
    kept = not options.quick or options.out is not None
    for name, measure in subjects.items():
        if not options.only or name in options.only:
            for measured in measure(quick=options.quick):
                # small panels meet and miss goals that were set for large ones
                line = replace(measured, goal="", met=None) if options.quick else measured
                print(write_row(line), flush=True)
                lines.append(line)
            if kept:
                # after every subject: a run that is stopped in a later one loses nothing
                load.append(os.getloadavg()[0])
                _write(out, lines, load, options, list(subjects))
    if not kept:
        print("\nquick mode: nothing written; name a folder with --out")
    return 0


def _write(out: Path, lines: list[Line], load: list[float], options: argparse.Namespace, subjects: list[str]) -> None:
    """Write the record of what was measured so far."""
    about = describe(quick=options.quick) | {"load": [round(value, 1) for value in load]}
    lines = [replace(line, code=str(about["code"])) for line in lines]
    if options.only:
        lines = keep_others(lines, _recorded(out, quick=options.quick), options.only, subjects)
    out.mkdir(parents=True, exist_ok=True)
    record = {"about": about, "lines": [asdict(line) | {"ratio": line.ratio} for line in lines]}
    (out / "results.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    (out / "results.md").write_text(table(lines, about), "utf-8")


def keep_others(new: list[Line], old: list[Line], only: list[str], order: list[str]) -> list[Line]:
    """Lines of a record with those of some subjects replaced by new ones, subjects in their order.

    A line belongs to the subject that measured it: the report's is the batch's.
    """
    kept = [line for line in old if line.subject not in {*only, *(line.subject for line in new)}]
    place = {name: position for position, name in enumerate(order)}
    return sorted([*kept, *new], key=lambda line: place.get(line.subject, len(place)))


def _recorded(out: Path, *, quick: bool) -> list[Line]:
    """What stands in a folder's record; nothing where there is none, or one of the other kind of run."""
    path = out / "results.json"
    if not path.is_file():
        return []
    record = json.loads(path.read_text("utf-8"))
    if record["about"]["quick"] != quick:
        return []
    names = {field.name for field in fields(Line)}
    return [Line(**{key: value for key, value in line.items() if key in names}) for line in record["lines"]]


def _subjects() -> dict[str, Callable[..., Iterator]]:
    from benchmarks import batch, difference_in_differences, group_time, inference, permutation, synthetic_control

    modules = (synthetic_control, difference_in_differences, group_time, permutation, inference, batch)
    return {module.SUBJECT: module.measure for module in modules}


def describe(*, quick: bool) -> dict[str, object]:
    """What the numbers were measured with; no machine names and no dates."""
    from evaluation import project

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "code": project.code_version(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "threads": 1,
        "quick": quick,
        "packages": versions,
    }


def table(lines: list[Line], about: dict[str, object]) -> str:
    """The results as a Markdown page."""
    met = sum(line.met is True for line in lines)
    missed = [line for line in lines if line.met is False]
    open_ = sum(bool(line.goal) and line.met is None for line in lines)
    head = [
        "# What the work costs, here and in the field's packages",
        "",
        "Made by `make benchmark`; not edited by hand. Panels are SYNTHETIC. Median processor seconds of repeated calls on one "
        "thread after a first call that is not counted, ours and theirs one after the other; wall seconds where said. Answers "
        "are compared before anything is timed. Only the ratios travel to other machines.",
        "",
        f"Goals met: {met}; missed: {len(missed)}; not tried: {open_}."
        + (" QUICK MODE: small panels." if about["quick"] else ""),
        "",
        "| work | size | ours | peer | theirs | ratio | goal | met | answers | note | code |",
        "|---|---|---:|---|---:|---:|---|---|---|---|---|",
    ]
    versions = ", ".join(f"{name} {version}" for name, version in about["packages"].items())  # type: ignore[union-attr]
    foot = [
        "",
        f"Code of each line as it says; of the last run {about['code']}; Python {about['python']}; {about['processors']} "
        f"processors, {about['threads']} thread each; "
        f"{about['load'][0]} processes ready to run when it began, {about['load'][1]} when it ended (1 is this program's own).",
        "",
        f"Packages: {versions}.",
    ]
    return "\n".join([*head, *map(write_row, lines), *foot]) + "\n"


if __name__ == "__main__":
    sys.exit(main())

"""Jobs that take a moment and leave a file, for tests of what goes wrong around them."""

import os
import signal
from pathlib import Path

import nbformat

from evaluation.batch.ledger import read_record
from evaluation.batch.plan import Job, Plan, PlannedJob, is_done

SMALL = """
import time
import os
import signal
from pathlib import Path
Path(results, "findings").mkdir()
Path(results, "findings", f"{area_code}.json").write_text(area_code * 1000)
time.sleep(0.05)
Path(results, "findings", f"{area_code}.json").write_text(area_code * 2000)
"""
BIG = SMALL + '\nPath(results, "findings", "big.bin").write_bytes(bytes(50_000_000))'
KILL_WORKER = """
import os, signal
os.kill(int(Path.cwd().name.split(".")[-2]), signal.SIGKILL)
time.sleep(60)
"""
"""A worker's process stands in the name of the folder it works in."""
POISON = SMALL + KILL_WORKER
ONCE = (
    SMALL
    + """
marker = Path.cwd().parents[1] / "killed-once"
if not marker.exists():
    marker.touch()"""
    + KILL_WORKER.replace("\n", "\n    ").rstrip(" ")
)
SOURCES = {"small": SMALL, "big": BIG, "poison": POISON, "once": ONCE}


def write_notebooks(folder: Path) -> None:
    """The notebooks of `plan`."""
    for name, source in SOURCES.items():
        notebook = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "trailblazer", "display_name": "x", "language": "python"}}
        )
        notebook.cells = [
            nbformat.v4.new_code_cell('area_code: str = "none"\nresults: str = "."', metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(source),
        ]
        nbformat.write(notebook, folder / f"{name}.ipynb")


def plan(run: Path, *names: str, notebook: str = "small") -> Plan:
    """One job a name, with what is done already left out; a name like ``a:poison`` is run with that notebook."""
    jobs = []
    for item in names:
        name, _, kind = item.partition(":")
        kind = kind or notebook
        jobs.append(
            Job(
                notebook=f"{kind}.ipynb",
                outcome="o",
                area=name,
                area_name=name,
                parameters={"area_code": name, "results": "."},
                results=(f"findings/{name}.json",),
                key=f"{kind}-{name}",
            )
        )
    return Plan(
        design="d",
        jobs=tuple(
            PlannedJob(job=j, record=None, why="done" if is_done(read_record(run, j.id), j.key, run) else "not run yet")
            for j in jobs
        ),
        refusals=(),
    )


def published(run: Path) -> dict[str, bytes]:
    """What a run published: results and executed notebooks."""
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for folder in ("findings", "notebooks")
        for path in sorted((run / folder).rglob("*"))
        if path.is_file()
    }


def square(number: int) -> int:
    return number * number


def square_or_die(task: tuple[int, Path]) -> int:
    """The process that is given 3 first dies; the one that is given it next does not."""
    number, folder = task
    if number == 3 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(number)


def die_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(number)

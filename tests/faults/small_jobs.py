"""Jobs that take a moment and leave a file, for tests of what goes wrong around them."""

from pathlib import Path

import nbformat

from evaluation.batch.ledger import read_record
from evaluation.batch.plan import Job, Plan, PlannedJob, is_done

SMALL = """
import time
from pathlib import Path
Path(results, "findings").mkdir()
Path(results, "findings", f"{area_code}.json").write_text(area_code * 1000)
time.sleep(0.05)
Path(results, "findings", f"{area_code}.json").write_text(area_code * 2000)
"""
BIG = SMALL + '\nPath(results, "findings", "big.bin").write_bytes(bytes(50_000_000))'


def write_notebooks(folder: Path) -> None:
    """The notebooks of `plan`."""
    for name, source in (("small", SMALL), ("big", BIG)):
        notebook = nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "trailblazer", "display_name": "x", "language": "python"}}
        )
        notebook.cells = [
            nbformat.v4.new_code_cell('area_code: str = "none"\nresults: str = "."', metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(source),
        ]
        nbformat.write(notebook, folder / f"{name}.ipynb")


def plan(run: Path, *names: str, notebook: str = "small") -> Plan:
    """One job a name, with what is done already left out."""
    jobs = [
        Job(
            notebook=f"{notebook}.ipynb",
            outcome="o",
            area=name,
            area_name=name,
            parameters={"area_code": name, "results": "."},
            results=(f"findings/{name}.json",),
            key=f"{notebook}-{name}",
        )
        for name in names
    ]
    return Plan(
        design="d",
        jobs=tuple(
            PlannedJob(job=j, record=None, why="done" if is_done(read_record(run, j.id), j.key, run) else "not run yet")
            for j in jobs
        ),
        refusals=(),
    )

"""One notebook in a process of its own: ``python -m evaluation.batch.job SPEC PARENT``.

The working folder is private to the job. Nothing leaves it before the supervisor has seen that every cell ran and every result
file is there.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

EXECUTED = "executed.ipynb"
VERDICT = "job.json"
LONGEST_PRINT = 100_000
"""Characters of printed text that are kept of a cell."""


def execute(spec: dict[str, Any], folder: Path) -> str:
    """Run the notebook of `spec` with papermill in `folder`; return what went wrong, or an empty string."""
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError

    from evaluation.batch.client import JobKernelManager, KernelEndedError
    from evaluation.project import write_whole

    def run() -> Any:
        return papermill.execute_notebook(
            spec["notebook"],
            str(folder / EXECUTED),
            spec["parameters"],
            kernel_name=spec["kernel"],
            kernel_manager_class=JobKernelManager,
            cwd=str(folder),
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            execution_timeout=spec["cell_seconds"],
        )

    try:
        try:
            notebook = run()
        except KernelEndedError:  # before any cell could run: once more
            notebook = run()
    except PapermillExecutionError as error:
        shorten(folder / EXECUTED)
        return f"cell {error.exec_count}, {_first_line(error.source)!r}: {error.ename}: {_last_line(error.evalue)}"
    except CellTimeoutError as error:
        if (folder / EXECUTED).exists():
            shorten(folder / EXECUTED)
        return f"cell {_cell_of(error)!r}: stopped after {spec['cell_seconds']} s, the longest a cell may take"
    unrun = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip() and c.execution_count is None]
    if unrun:
        return f"the notebook ended before its end; first cell that did not run: {_first_line(unrun[0].source)!r}"
    missing = [name for name in spec["results"] if not (folder / name).is_file()]
    if missing:
        return f"the notebook ran but left no {', '.join(missing)}"
    write_whole(folder / EXECUTED, nbformat.writes(publishable(notebook)))
    return ""


def publishable(notebook: Any) -> Any:
    """The executed notebook without clock times, paths and random identifiers, so that equal runs give equal bytes."""
    notebook.metadata.pop("papermill", None)
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("papermill", None)
        join_printed(cell)
        shorten_outputs(cell)
        cell.metadata.pop("execution", None)
        cell["id"] = f"cell-{number:02d}"
    return notebook


def shorten(path: Path) -> None:
    """Cut what the cells of an executed notebook printed to the longest that is kept."""
    import nbformat

    from evaluation.project import write_whole

    notebook = nbformat.read(path, 4)
    write_whole(path, nbformat.writes(publishable(notebook)))


def join_printed(cell: Any) -> None:
    """Make one output of printed text that arrived in pieces: into how many depends on how busy the machine is."""
    joined: list[Any] = []
    for _, outputs in itertools.groupby(cell.get("outputs", []), lambda o: o.get("name") or id(o)):
        first, *others = outputs
        if others:
            first["text"] = "".join([first["text"], *(output["text"] for output in others)])
        joined.append(first)
    if "outputs" in cell:
        cell["outputs"] = joined


def shorten_outputs(cell: Any) -> None:
    """Keep the first `LONGEST_PRINT` characters of what a cell printed; pictures and tables stay whole."""
    left = LONGEST_PRINT
    for output in cell.get("outputs", []):
        if output.get("output_type") != "stream":
            continue
        text = output["text"]
        if len(text) > left:
            output["text"] = f"{text[:left]}\n[{len(text) - left:,} more characters were printed and are left out]\n"
        left = max(0, left - len(text))


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#|")), "")


def _cell_of(error: Exception) -> str:
    """First line of the cell that took too long; its source stands between two rules in the message."""
    lines = str(error).splitlines()
    rule = next((number for number, line in enumerate(lines) if line and not line.strip("-")), 0)
    return _first_line("\n".join(line for line in lines[rule + 1 :] if line.strip("-")))


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return " ".join(lines) if len(lines) <= 3 else lines[-1]


def main(argv: list[str]) -> int:
    """Execute the job described in the JSON file ``argv[0]``, its verdict beside it, while the process ``argv[1]`` lives."""
    from evaluation.batch.parents import end_with
    from evaluation.project import write_whole

    if len(argv) > 1:
        end_with(int(argv[1]))
    spec_path = Path(argv[0])
    spec = json.loads(spec_path.read_text("utf-8"))
    try:
        problem = execute(spec, spec_path.parent)
    except Exception as error:  # the edge of the batch: one job's failure must not stop the others
        problem = f"{type(error).__name__}: {_last_line(str(error))}"
    write_whole(spec_path.parent / VERDICT, json.dumps({"problem": problem}))
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""One notebook in a process of its own: ``python -m evaluation.batch.job SPEC``.

The working folder is private to the job. Nothing leaves it before the supervisor has seen that every cell ran and every result
file is there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

EXECUTED = "executed.ipynb"
VERDICT = "job.json"


def execute(spec: dict[str, Any], folder: Path) -> str:
    """Run the notebook of `spec` with papermill in `folder`; return what went wrong, or an empty string."""
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from evaluation.project import write_whole

    try:
        notebook = papermill.execute_notebook(
            spec["notebook"],
            str(folder / EXECUTED),
            spec["parameters"],
            kernel_name=spec["kernel"],
            cwd=str(folder),
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            execution_timeout=spec["cell_seconds"],
        )
    except PapermillExecutionError as error:
        return f"cell {error.exec_count}, {_first_line(error.source)!r}: {error.ename}: {_last_line(error.evalue)}"
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
        cell.metadata.pop("execution", None)
        cell["id"] = f"cell-{number:02d}"
    return notebook


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#|")), "")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return " ".join(lines) if len(lines) <= 3 else lines[-1]


def main(argv: list[str]) -> int:
    """Execute the job described in the JSON file ``argv[0]`` and write its verdict beside it."""
    from evaluation.project import write_whole

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

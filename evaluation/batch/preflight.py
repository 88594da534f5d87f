"""What must hold before the first kernel starts; everything that does not is named together."""

from __future__ import annotations

import difflib
import json
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from evaluation import project
from evaluation.batch.credentials import name_secret
from evaluation.batch.kernels import KERNEL, ensure_kernel
from evaluation.errors import ConfigurationError

BYTES_A_JOB = 3_000_000
"""Generous: an executed notebook with its figures takes about a third of it."""
BYTES_SPARE = 50_000_000
"""For the panel, the book and the report."""


def check_before(jobs: int, run: Path) -> None:
    """Refuse to start a number of jobs that cannot end well: kernel, disk space, folder.

    Raises
    ------
    ConfigurationError
        Naming everything that is wrong.
    """
    problems = [*kernel_problems(), *_space_problems(run, jobs)]
    if problems:
        raise ConfigurationError("\n".join(problems))


def check_links(run: Path) -> None:
    """Refuse a run folder with a link that leads out of it: what is written there would land elsewhere.

    Raises
    ------
    ConfigurationError
        Naming every such link and where it leads.
    """
    home = run.resolve()
    problems = []
    for folder, folders, files in os.walk(home):
        for name in (*folders, *files):
            path = Path(folder) / name
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                shown = run / path.relative_to(home)
                problems.append(f"{shown}: is a link that leads out of the run folder, to {path.resolve()}; take it away.")
    if problems:
        raise ConfigurationError("\n".join(problems))


def kernel_problems() -> list[str]:
    """Why the project's kernel would not start here."""
    try:
        spec = ensure_kernel() / "kernel.json"
    except OSError as error:
        return [
            f"kernel {KERNEL}: cannot be registered in this environment ({error.strerror}: {error.filename}); make it writable."
        ]
    program = json.loads(spec.read_text("utf-8"))["argv"][0]
    if shutil.which(program):
        return []
    return [f"kernel {KERNEL}: {program} is not there or cannot be run; set up again with `make report`."]


def _space_problems(run: Path, jobs: int) -> list[str]:
    there = next(folder for folder in (run, *run.resolve().parents) if folder.exists())
    free, wanted = shutil.disk_usage(there).free, BYTES_SPARE + jobs * BYTES_A_JOB
    if free >= wanted:
        return []
    return [
        f"{run}: {free / 1e6:.0f} MB are free, {jobs} notebooks and their report need about {wanted / 1e6:.0f} MB; "
        "free some space, or name another folder with --out."
    ]


def check_parameters(notebook: Path, parameters: Mapping[str, object]) -> None:
    """Refuse parameters the notebook does not take; papermill would only warn and run its defaults.

    Raises
    ------
    ConfigurationError
        Naming every unknown parameter with the nearest name, and every one of the wrong type.
    """
    problems = parameter_problems(notebook, parameters)
    if problems:
        raise ConfigurationError("\n".join(problems))


def check_notebooks(given: Mapping[str, Mapping[str, object]]) -> None:
    """Refuse notebooks that do not take what the batch gives them, all together; `given` maps their names to parameters."""
    problems = [text for name in given for text in parameter_problems(project.NOTEBOOKS / name, given[name])]
    if problems:
        raise ConfigurationError("\n".join(problems))


def parameter_problems(notebook: Path, parameters: Mapping[str, object]) -> list[str]:
    """What is wrong with the parameters of one notebook."""
    from papermill.inspection import inspect_notebook
    from papermill.iorw import load_notebook_node
    from papermill.utils import find_first_tagged_cell_index

    try:
        node = load_notebook_node(str(notebook))
        if find_first_tagged_cell_index(node, "parameters") < 0:
            return [f"{notebook.name}: no cell has the tag 'parameters'; tag the cell that holds the defaults."]
        known = inspect_notebook(notebook)
    except Exception as error:  # papermill and nbformat let through whatever a damaged file makes them stumble over
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        return [f"{notebook.name}: cannot be read as a notebook ({reason[:200]})."]
    problems = []
    for name, value in parameters.items():
        if variable := name_secret(value, os.environ):
            problems.append(
                f"{notebook.name}: parameter {name} holds the value of {variable}, and parameters are published with the"
                " notebook; leave it in the environment."
            )
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}" if near else ""
            problems.append(f"{notebook.name}: unknown parameter {name!r}{hint}; it takes {', '.join(known)}.")
            continue
        wanted = known[name]["inferred_type_name"]
        if type(value).__name__ != wanted:
            problems.append(f"{notebook.name}: parameter {name} is {type(value).__name__} {value!r}; it must be {wanted}.")
        elif isinstance(value, float) and not math.isfinite(value):  # a notebook is JSON, which has no word for it
            problems.append(f"{notebook.name}: parameter {name} is {value}; it must be a finite number.")
    return problems

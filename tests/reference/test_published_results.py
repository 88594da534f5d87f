"""Every published number that can be reached is reached, and one table says so.

The rows are in ``rows_*.py`` beside this file. ``docs/published_results.md`` is made by this test: after a change, run it with
``WRITE_PUBLISHED_RESULTS=1`` and commit the table.
"""

import importlib
import os
import re
from functools import cache
from pathlib import Path

import pytest
from published import BENCHMARKS, Reached, published

pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason=f"the benchmark data are not here: {BENCHMARKS}")

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "published_results.md"
MODULES = [importlib.import_module(path.stem) for path in sorted(HERE.glob("rows_*.py"))]
ROWS = {name: row for module in MODULES for name, row in module.ROWS.items()}
NOT_REACHED = {name: reason for module in MODULES for name, reason in module.NOT_REACHED.items()}
LATER: dict[str, str] = {}
"""Families of the file that no estimator of this version answers."""


@cache
def ours(name: str) -> Reached:
    return ROWS[name]()


def test_every_published_number_is_accounted_for():
    table = published()
    assert len(ROWS) + len(NOT_REACHED) == len({*ROWS, *NOT_REACHED}), "a row is both reached and not"
    later = {name for name, row in table.iterrows() if row.estimator_family in LATER}
    assert {*ROWS, *NOT_REACHED} == set(table.index) - later


@pytest.mark.parametrize("name", sorted(ROWS))
def test_published_value(name):
    row, reached = published().loc[name], ours(name)
    wanted = row.published_value or row.reproduced_value
    if row.tolerance_abs and not reached.note:
        assert reached.value == pytest.approx(float(wanted), abs=float(row.tolerance_abs))
    if reached.se is not None and row.se_tolerance_abs:
        assert not reached.se_note
        assert reached.se == pytest.approx(float(row.published_se or row.reproduced_se), abs=float(row.se_tolerance_abs))


def test_only_synthetic_controls_with_a_better_objective_may_differ():
    """Weights, and the effects that follow from them, may differ where another V fits better; the note states both misfits."""
    for name in ROWS:
        note = ours(name).note
        if note:
            assert published().loc[name].estimator_family == "synthetic_control", name
            match = re.search(r"MSPE ([0-9.e+]+), with the published weights ([0-9.e+]+)", note)
            assert match, name
            assert float(match[1]) < float(match[2]), name


def write_table() -> str:
    table = published()
    lines = [
        "# Published numbers, and what this framework gives for them",
        "",
        "Made by `tests/reference/test_published_results.py`; the code of every row is in `tests/reference/rows_*.py`. Standard",
        "errors in brackets, where both sides have one. A row counts as reached when it lies within the tolerance of its",
        "source's printed digits. Where a row differs, the published weights are a local optimum and ours fit better before",
        "the start.",
        "",
        "| number | source | quantity | published | ours | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in table.iterrows():
        source = row.paper.replace("|", "/")
        quantity = row.quantity.replace("|", "/")
        shown = (row.published_value or row.reproduced_value) + (f" ({row.published_se})" if row.published_se else "")
        if name in ROWS:
            reached = ours(name)
            value = f"{reached.value:.6g}" + (f" ({reached.se:.4g})" if reached.se is not None and row.published_se else "")
            status = f"differs: {reached.note}" if reached.note else "reached"
            status += f"; standard error: {reached.se_note}" if reached.se_note else ""
            lines.append(f"| `{name}` | {source} | {quantity} | {shown} | {value} | {status} |")
        else:
            reason = NOT_REACHED.get(name) or LATER.get(row.estimator_family, "")
            lines.append(f"| `{name}` | {source} | {quantity} | {shown} | not reached | {reason} |")
    return "\n".join(lines) + "\n"


def test_the_table_in_the_documentation_is_this_one():
    text = write_table()
    if os.environ.get("WRITE_PUBLISHED_RESULTS"):
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(text, "utf-8")
    assert TABLE.read_text("utf-8") == text

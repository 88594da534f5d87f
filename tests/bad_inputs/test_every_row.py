"""Every row of the list of bad inputs has a test: here, or one named in `elsewhere`."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from bad_inputs.elsewhere import ELSEWHERE, FILES
from support_paths import SHARED

TESTS = Path(__file__).resolve().parents[1]
LIST = SHARED / "design" / "bad-inputs.md"
ROW = re.compile(r"[A-M][0-9]{2}")


@cache
def functions(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def rows_here() -> set[str]:
    """Rows of the cases, of tests named after a row, and of parameters named after one."""
    found: set[str] = set()
    for file in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and (named := re.match(rf"test_({ROW.pattern})_", node.name)):
                found.add(named[1])
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Case" and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
            elif (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.fullmatch(rf"{ROW.pattern}-[\w-]+", node.value)
            ):
                found.add(node.value[:3])
            elif isinstance(node, ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
                first = node.elts[0].value
                if file.name.startswith("test_") and isinstance(first, str) and ROW.fullmatch(first):
                    found.add(first)
    return found


@pytest.mark.skipif(not LIST.is_file(), reason=f"no {LIST}; set TRAILBLAZER_SHARED")
def test_no_row_is_without_a_test():
    rows = set(re.findall(rf"^\| ({ROW.pattern}) \|", LIST.read_text("utf-8"), re.MULTILINE))
    assert len(rows) > 100
    assert rows - rows_here() - set(ELSEWHERE) - set(FILES) == set()
    assert (set(ELSEWHERE) | set(FILES)) - rows == set(), "the map names rows there are"


@pytest.mark.parametrize("row", ELSEWHERE)
def test_the_test_a_row_is_left_to_exists(row):
    for name in ELSEWHERE[row]:
        file, _, function = name.partition("::")
        assert (TESTS / file).is_file(), name
        assert function in functions(TESTS / file), name


@pytest.mark.parametrize("row", FILES)
def test_the_tests_a_row_is_left_to_name_it(row):
    place = TESTS / FILES[row]
    files = sorted(place.rglob("test_*.py")) if place.is_dir() else [place]
    assert files
    assert all(file.is_file() for file in files)
    assert any(row in file.read_text("utf-8") for file in files), f"no test below {FILES[row]} names {row}"

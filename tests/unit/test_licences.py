"""Every package a run installs has a licence that is allowed; the audit never calls clean what it did not look up."""

import json
import sys

import pytest
from licences import INSIDE, LOCK, TABLE, Package, is_allowed, licence_of, list_packages, read_lock, write_table
from vulnerabilities import NOT_DONE, judge

PACKAGES = list_packages(LOCK.read_text("utf-8"))
here = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11) or sys.platform != "linux", reason="the table is written on Linux with Python 3.11"
)


def test_every_licence_of_the_run_is_allowed():
    found = [package for package in PACKAGES if package.licence]
    assert len(found) > 100
    assert [package for package in found if not is_allowed(package.licence)] == []


@here
def test_every_direct_dependency_was_looked_at():
    import re
    import tomllib

    wanted = tomllib.loads((LOCK.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=]", text)[0].replace("_", "-") for text in wanted}
    assert names <= {package.name for package in PACKAGES if package.licence}


@here
def test_the_table_is_up_to_date():
    assert TABLE.read_text("utf-8") == write_table(PACKAGES), "the lock has changed: run `make audit`"
    assert set(INSIDE) <= {package.name for package in PACKAGES}


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-2-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
        ("GPL-2.0-or-later", False),
        ("(MIT OR GPL-3.0-only) AND GPL-3.0-only", False),
        ("(GPL-3.0-only OR ISC OR MIT) AND GPL-3.0-only", False),
        ("not stated", False),
        ("", False),
    ],
)
def test_expressions_are_judged_term_by_term(expression, allowed):
    assert is_allowed(expression) is allowed


@pytest.mark.parametrize(
    ("facts", "classifiers", "licence"),
    [
        ({"License-Expression": "MIT"}, ["License :: OSI Approved :: Apache Software License"], "MIT"),
        ({}, ["License :: OSI Approved :: Apache Software License"], "Apache-2.0"),
        ({"License": "BSD-3-Clause"}, ["License :: OSI Approved :: BSD License"], "BSD-3-Clause"),
        ({"License": "BSD 3-Clause License\n\nlong"}, ["License :: OSI Approved :: BSD License"], "BSD"),
        (
            {"License": "MIT"},
            ["License :: OSI Approved :: GNU General Public License v3 (GPLv3)"],
            "GNU General Public License v3 (GPLv3)",
        ),
        (
            {},
            ["License :: OSI Approved :: MIT License", "License :: Other/Proprietary License"],
            "MIT AND Other/Proprietary License",
        ),
        ({"License": "Apache 2.0"}, ["Topic :: Text"], "Apache-2.0"),
        ({"License": "Copyright (c) somebody"}, [], "Copyright (c) somebody"),
        ({}, [], "not stated"),
    ],
)
def test_what_a_package_states_is_read_without_favour(facts, classifiers, licence):
    assert licence_of(facts, classifiers) == licence


def test_packages_for_other_systems_are_named_and_not_judged():
    assert read_lock("a==1.0 \\\n    --hash=sha256:0\n    # via b\nb==2 ; sys_platform == 'win32' \\\n") == [
        ("a", "1.0"),
        ("b", "2"),
    ]
    text = write_table([Package(name="b", version="2", licence=""), Package(name="a", version="1.0", licence="MIT")])
    assert "| a | 1.0 | MIT |" in text
    assert "not looked at here: b 2." in text


def answer(*packages) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


CLEAN = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-0", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "Dependency not found and could not be audited"}


@pytest.mark.parametrize(
    ("output", "errors", "code", "words"),
    [
        (answer(CLEAN), "", 0, "1 packages looked up, 0 known"),
        (answer(CLEAN, BAD), "", 1, "b 2: PYSEC-0; mended in 3"),
        (answer(SKIPPED), "", NOT_DONE, "1 of 1 packages were NOT LOOKED UP"),
        (answer(CLEAN, SKIPPED), "", NOT_DONE, "1 of 2 packages were NOT LOOKED UP"),
        (answer(BAD, SKIPPED), "", 1, "1 of 2 packages were NOT LOOKED UP"),
        (answer(), "", NOT_DONE, "0 packages looked up"),
        (
            "",
            "Traceback\n  File x\nConnectionError: no such host\n",
            NOT_DONE,
            "cannot be reached (ConnectionError: no such host)",
        ),
        ("No known vulnerabilities found", "", NOT_DONE, "NOT LOOKED UP"),
    ],
)
def test_what_was_not_looked_up_is_never_clean(output, errors, code, words):
    lines, found = judge(output, errors)
    assert found == code
    assert words in "\n".join(lines)

"""The benchmark programs run, agree with the peers that are there, and say which are not. Nothing here looks at a clock."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evaluation.report.embedded import render_book

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmarks")
    command = [sys.executable, "-m", "benchmarks.run", "--quick", "--out", str(folder)]
    for subject in ("permutation", "group-time effects", "difference-in-differences"):
        command += ["--only", subject]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=os.environ | {"PYTHONWARNINGS": "ignore"})
    return folder


def test_every_line_is_timed_or_says_why_not(out):
    record = json.loads((out / "results.json").read_text("utf-8"))
    assert record["about"]["quick"] is True
    assert {line["subject"] for line in record["lines"]} == {"permutation", "group-time effects", "difference-in-differences"}
    for line in record["lines"]:
        assert line["met"] is None
        if line["peer"]:
            assert (line["theirs"] is None) == (line["ratio"] is None) == (line["agreement"] == ""), line
            assert line["theirs"] is not None or line["note"] == "not installed here", line


def test_results_name_versions_but_no_machine_and_no_date(out):
    text = (out / "results.md").read_text("utf-8")
    assert "QUICK MODE" in text
    assert "pyfixest 0.60" in text
    assert os.uname().nodename not in text or len(os.uname().nodename) < 4
    assert text.count("\n| ") == 1 + len(json.loads((out / "results.json").read_text("utf-8"))["lines"])


def test_an_answer_that_differs_is_not_timed():
    import importlib

    sys.path.insert(0, str(ROOT))
    try:
        timing = importlib.import_module("benchmarks.timing")
    finally:
        sys.path.remove(str(ROOT))
    answers = {"wrong": 2.0, "right": 1.0}
    peers = [
        timing.Peer(
            package=name,
            what="",
            prepare=lambda value=value: lambda: value,
            answer=np.atleast_1d,
            tolerance=1e-6,
            goal=timing.Goal(times=0.0001),
        )
        for name, value in answers.items()
    ]

    def absent():
        raise ImportError

    peers.append(timing.Peer(package="absent", what="", prepare=absent, answer=np.atleast_1d, tolerance=0.0))
    lines = timing.set_beside("s", "w", "z", ours=lambda: 1.0, answer=np.atleast_1d, peers=tuple(peers))
    assert [line.note for line in lines] == ["not timed: its answer differs by 1", "", "not installed here"]
    assert [line.theirs is not None for line in lines] == [False, True, False]
    assert [line.met for line in lines] == [None, True, None]


def test_goals():
    from_both = {"times": 10.0, "seconds": 1.0}
    root = str(ROOT)
    sys.path.insert(0, root)
    try:
        from benchmarks.timing import Goal
    finally:
        sys.path.remove(root)
    assert Goal(**from_both).text() == "10 x, under 1 s"
    assert Goal(**from_both).is_met(0.5, 5.0) is True
    assert Goal(**from_both).is_met(0.5, 4.9) is False
    assert Goal(**from_both).is_met(1.5, 150.0) is False
    assert Goal(times=10.0).is_met(0.5, None) is None
    assert Goal(seconds=1.0).is_met(0.5, None) is True


def test_some_subjects_measured_anew_leave_the_others_as_they_are():
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.run import keep_others
        from benchmarks.timing import Line
    finally:
        sys.path.remove(str(ROOT))
    old = [Line(subject=name, work="w", size="", ours=1.0, code="old") for name in ("a", "b", "b", "c", "gone")]
    new = [Line(subject="b", work="w", size="", ours=2.0, code="new")]
    kept = keep_others(new, old, ["b"], ["a", "b", "c"])
    assert [(line.subject, line.code) for line in kept] == [("a", "old"), ("b", "new"), ("c", "old"), ("gone", "old")]


def test_an_answer_that_differs_says_so():
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.timing import agreement
    finally:
        sys.path.remove(str(ROOT))
    assert agreement(1e-9, np.array([1.0])) == "the same, within 1e-09"
    assert agreement(0.03, np.array([0.17])) == "**differs** by 0.03 of 0.17"


def test_a_book_is_lengthened_by_pages_that_can_be_published(tmp_path):
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.report import lengthen
    finally:
        sys.path.remove(str(ROOT))
    for folder in ("areas", "images", "data", "chapters"):
        (tmp_path / "book" / folder).mkdir(parents=True)
    book = tmp_path / "book"
    chapters = ["index.qmd", {"part": "Areas", "chapters": ["areas/wales.qmd", "areas/north-wales.qmd"]}, "chapters/last.qmd"]
    config = {"project": {"type": "book"}, "book": {"title": "A book", "date": "2026-03-02", "chapters": chapters}}
    (book / "_quarto.yml").write_text(json.dumps(config), "utf-8")
    (book / "index.qmd").write_text("# First {.unnumbered}\n\nWords.\n", "utf-8")
    (book / "chapters" / "last.qmd").write_text("# Last\n\n@fig-gap-wales\n", "utf-8")
    for code in ("wales", "north-wales"):
        (book / "images" / f"gap-{code}.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "utf-8"
        )
        text = f'# {code} {{#sec-{code}}}\n\n::: {{#fig-gap-{code}}}\n![](../images/gap-{code}.svg){{fig-alt="x"}}\n\nGap\n:::\n'
        (book / "areas" / f"{code}.qmd").write_text(text, "utf-8")
    assert lengthen(book, 9) == 9
    made = render_book(book, tmp_path / "out", formats=("html",))
    assert len(made.pages) == 9
    assert {"areas/wales-2.html", "areas/north-wales-2.html", "areas/wales-3.html", "areas/wales-4.html"} <= set(made.pages)
    assert 'src="../images/gap-wales-3.svg"' in (tmp_path / "out" / "areas" / "wales-3.html").read_text("utf-8")
    assert lengthen(book, 5) == 9

"""What a report costs, from nothing and after a change: ``python -m benchmarks.report RUN`` for a finished run.

Quarto is not timed here: it is a program of its own, and none of the packages. `QUARTO` is what was recorded for it elsewhere.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks.timing import Line, cpu_seconds, write_row
from evaluation.batch.publish import PAGES_KEPT

SUBJECT = "report"
QUARTO, PAGES = 34.0, 45
"""Processor seconds of genuine Quarto for HTML and PDF of a book of so many pages, as recorded when this renderer was designed;
another book on another machine, so the ratio says of what order the difference is, and no more."""
LIMIT = 8.0
"""Processor seconds, a few, within which a report is to be made from nothing."""
MADE = ("book", "report", "figures-cache")
RENDER = (
    "import sys; from pathlib import Path; from evaluation.report.embedded import render_book; "
    "render_book(Path(sys.argv[1]), Path(sys.argv[2]), store=Path(sys.argv[3]))"
)


def measure_run(given: Path) -> Iterator[Line]:
    """Lines for a finished run, which stays as it is; every call is a process of its own, its start and its imports included."""
    with tempfile.TemporaryDirectory() as folder:
        # Area pages lead to their notebooks by the folders in between, so that the copy has the same ones.
        run = Path(folder) / given.resolve().name
        shutil.copytree(given, run)
        for name in MADE:
            shutil.rmtree(run / name, ignore_errors=True)
        for name in (PAGES_KEPT, "report.key"):
            (run / name).unlink(missing_ok=True)
        publish = (sys.executable, "-m", "evaluation", "report", "--run", str(run), "--engine", "embedded")
        cold, warm = _cpu(*publish), _cpu(*publish)
        size = _describe(run)
        yield Line(
            subject=SUBJECT,
            work="report of a run from nothing: figures, tables, spreadsheet, HTML, PDF",
            size=size,
            ours=cold,
            goal=f"under {LIMIT:g} s",
            met=cold < LIMIT,
        )
        yield Line(subject=SUBJECT, work="the same again, nothing changed", size=size, ours=warm)
        yield from render_lines(run, Path(folder))


def render_lines(run: Path, folder: Path) -> Iterator[Line]:
    """Rendering alone, as Quarto would be given it: of the run's book, made as long as the one Quarto was timed with."""
    book, out, store = run / "book", folder / "rendered", folder / "pages.json"
    pages = lengthen(book, PAGES)
    call = (sys.executable, "-c", RENDER, str(book), str(out), str(store))
    cold = _cpu(*call)
    yield Line(
        subject=SUBJECT,
        work="HTML and PDF of a book rendered from nothing",
        size=f"{pages} pages, {len(list((book / 'images').glob('*.svg')))} figures",
        ours=cold,
        peer="genuine Quarto",
        theirs=QUARTO,
        goal=f"under {LIMIT:g} s",
        met=cold < LIMIT,
        agreement="another book of as many pages",
        note=f"theirs: {QUARTO:g} s for {PAGES} pages as recorded elsewhere, not measured here",
    )
    page = book / "areas" / sorted(path.name for path in (book / "areas").iterdir())[0]
    page.write_text(page.read_text("utf-8") + "\nOne more sentence.\n", "utf-8")
    yield Line(subject=SUBJECT, work="the same with one page changed", size=f"{pages} pages", ours=_cpu(*call))


def lengthen(book: Path, pages: int) -> int:
    """Repeat the pages of areas, with pictures and identifiers of their own, until a book has so many pages; returns how many."""
    file = book / "_quarto.yml"
    config = yaml.safe_load(file.read_text("utf-8"))
    chapters = config["book"]["chapters"]
    areas = next(item["chapters"] for item in chapters if isinstance(item, dict))
    count = sum(
        len(item["chapters"]) if isinstance(item, dict) else 1 for item in [*chapters, *config["book"].get("appendices", [])]
    )
    first = list(areas)
    for number in range(max(0, pages - count)):
        code = Path(first[number % len(first)]).stem
        areas.append(_repeat(book, code, f"{code}-{number // len(first) + 2}"))
    file.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
    return max(pages, count)


def _repeat(book: Path, code: str, name: str) -> str:
    """Write the page of an area once more under another name."""
    whole = re.compile(rf"(?<![A-Za-z]){re.escape(code)}(?![A-Za-z])")
    for kind in ("images", "data"):
        for path in sorted((book / kind).iterdir()):
            if whole.search(path.stem):
                shutil.copyfile(path, path.with_name(whole.sub(name, path.name)))
    text = whole.sub(name, (book / "areas" / f"{code}.qmd").read_text("utf-8"))
    text = re.sub(rf"(/notebooks/[^/\s]+/){re.escape(name)}/", rf"\g<1>{code}/", text)
    (book / "areas" / f"{name}.qmd").write_text(text, "utf-8")
    return f"areas/{name}.qmd"


def _cpu(*command: str) -> float:
    begin = cpu_seconds()
    subprocess.run(command, check=True, capture_output=True)
    return cpu_seconds() - begin


def _describe(run: Path) -> str:
    pages = len(list((run / "report").rglob("*.html")))
    return f"{pages} pages, {len(list((run / 'book' / 'images').glob('*.svg')))} figures"


def main() -> int:
    """Measure the report of one run, and print the lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run, such as runs/economic-inactivity-trailblazers")
    for line in measure_run(parser.parse_args().run):
        print(write_row(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

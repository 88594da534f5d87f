"""Choose what renders the report, render it, and write down how it was made."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evaluation.errors import ConfigurationError
from evaluation.report.embedded.findings import refuse
from evaluation.report.embedded.project import Book, read_book
from evaluation.report.embedded.quarto_site import finish_site, quarto_line
from evaluation.report.embedded.render import (
    Format,
    build_book,
    check_sources,
    embedded_notebooks,
    engine_line,
    tool_versions,
)
from evaluation.report.embedded.staging import staged_folder

__all__ = ["RECORD", "Build", "Choice", "Engine", "choose_engine", "hash_sources", "render"]

Engine = Literal["auto", "quarto", "embedded"]
RECORD = "report-build.json"
OLDEST_QUARTO = (1, 9)  # the first whose typst books can be PDF/UA-1
# What rendering leaves in a project; none of it is a source.
GENERATED = {"_site", "_book", ".quarto", "site_libs", "__pycache__", ".jupyter_cache"}


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine that renders, and why."""

    engine: Literal["quarto", "embedded"]
    reason: str
    program: Path | None = None
    version: str | None = None

    @property
    def line(self) -> str:
        """One line for whoever started the build."""
        name = f"Quarto {self.version}" if self.engine == "quarto" else "the embedded renderer"
        return f"Rendering with {name}: {self.reason}."


@dataclass(frozen=True, slots=True)
class Build:
    """A finished report and how it was made."""

    out: Path
    engine: Literal["quarto", "embedded"]
    line: str
    made_by: str
    versions: Mapping[str, str]
    formats: tuple[Format, ...]
    pages: tuple[str, ...]
    pdf: str | None
    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    sources_sha256: str


def _find_quarto() -> tuple[Path | None, str]:
    """The program, and where it was looked for."""
    given = os.environ.get("QUARTO_PATH")
    if not given:
        found = shutil.which("quarto")
        return (Path(found) if found else None), "PATH"
    path = Path(given)
    for program in (path, path / "quarto", path / "bin" / "quarto"):
        if program.is_file() and os.access(program, os.X_OK):
            return program, "QUARTO_PATH"
    return None, "QUARTO_PATH"


def _quarto_version(program: Path) -> str | None:
    try:
        done = subprocess.run([str(program), "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"\d+(?:\.\d+)+", done.stdout.strip())
    return match[0] if match and done.returncode == 0 else None


def choose_engine(engine: Engine = "auto") -> Choice:
    """Say which engine renders.

    Parameters
    ----------
    engine
        ``"auto"`` takes Quarto when one that is new enough is found (``QUARTO_PATH``, else ``PATH``), and the embedded
        renderer otherwise. The other two insist.

    Raises
    ------
    ConfigurationError
        When Quarto is asked for and there is none that is new enough: another engine is never taken silently.
    """
    if engine not in ("auto", "quarto", "embedded"):
        raise ConfigurationError(f"engine '{engine}' is not known; choose auto, quarto or embedded.")
    if engine == "embedded":
        return Choice("embedded", "it was asked for")
    oldest = ".".join(map(str, OLDEST_QUARTO))
    program, place = _find_quarto()
    version = _quarto_version(program) if program else None
    if program is None:
        problem = f"no Quarto was found in {place}"
    elif version is None:
        problem = f"the Quarto found in {place} does not tell its version"
    elif tuple(int(part) for part in version.split(".")[:2]) < OLDEST_QUARTO:
        problem = f"the Quarto found in {place} is {version}, and {oldest} is the oldest that will do"
    else:
        reason = "it was asked for" if engine == "quarto" else f"it was found in {place}"
        return Choice("quarto", reason, program, version)
    if engine == "quarto":
        raise ConfigurationError(
            f"engine quarto: {problem}; install Quarto {oldest} or newer (or set QUARTO_PATH), or choose the engine"
            " embedded or auto."
        )
    return Choice("embedded", problem)


def hash_sources(book: Path, others: Iterable[Path] = (), *, leave_out: Path | None = None) -> str:
    """One SHA-256 over every source of the report: the files of the project and the notebooks it embeds.

    Parameters
    ----------
    book
        The project's folder. What rendering leaves in it does not count.
    others
        Files outside it, such as embedded notebooks; they count by their path from the project.
    leave_out
        The output folder, in case it lies in the project.
    """
    root = book.resolve()
    files = {
        path.resolve()
        for path in root.rglob("*")
        if path.is_file()
        and not GENERATED & set(path.relative_to(root).parts)
        and not (leave_out and path.is_relative_to(leave_out.resolve()))
    }
    files |= {path.resolve() for path in others}
    total = hashlib.sha256()
    for name, path in sorted((Path(os.path.relpath(path, root)).as_posix(), path) for path in files):
        total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _epoch(book: Book, timestamp: dt.datetime | None) -> str:
    day = book.date or dt.date(1980, 1, 1)
    moment = timestamp or dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    return str(int(moment.timestamp()))


def _run_quarto(choice: Choice, root: Path, folder: Path, formats: Sequence[Format], timestamp: dt.datetime | None) -> Book:
    book = read_book(root.resolve())
    refuse(check_sources(root))
    made_by = quarto_line(choice.version or "")
    command = [
        str(choice.program),
        "render",
        str(root.resolve()),
        "-M",
        f"colophon:{made_by}",
        "--output-dir",
        os.path.relpath(folder, root.resolve()),
    ]
    if len(formats) == 1:
        command += ["--to", book.html_format if formats[0] == "html" else book.typst_format]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _epoch(book, timestamp)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-20:])
        raise ConfigurationError(f"quarto render ended with exit code {done.returncode}; mend what it names.\n{last}")
    finish_site(book, root, folder, made_by, formats)
    return book


def _write_record(build: Build, folder: Path) -> None:
    record = dataclasses.asdict(build)
    del record["out"]
    record["versions"], record["counts"], record["seconds"] = map(dict, (build.versions, build.counts, build.seconds))
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / RECORD).write_text(text + "\n", "utf-8")


def render(
    book: Path,
    out: Path,
    *,
    engine: Engine = "auto",
    formats: Sequence[Format] = ("html", "pdf"),
    timestamp: dt.datetime | None = None,
    store: Path | None = None,
) -> Build:
    """Render the Quarto book project `book` into the folder `out`.

    Parameters
    ----------
    book
        The project's folder.
    out
        The report's folder; replaced as a whole, and only when everything worked. It holds `report-build.json`, which
        says how the report was made.
    engine
        See `choose_engine`.
    formats
        ``"html"``, ``"pdf"`` or both.
    timestamp
        The date written into the PDF; the book's own without it.
    store
        File in which the embedded renderer keeps converted pages for the next time; see `render_book`.

    Raises
    ------
    ConfigurationError
        When the engine asked for is absent, or Quarto stops.
    ReportError
        With every finding at once, when the sources or what came of them may not be published.
    """
    choice = choose_engine(engine)
    start = time.perf_counter()
    with staged_folder(out, keep_out_of=book) as folder:
        if choice.engine == "quarto":
            read = _run_quarto(choice, book, folder, formats, timestamp)
            pages = tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.html") if "site_libs" not in p.parts))
            build = Build(
                out=out,
                engine="quarto",
                line=choice.line,
                made_by=quarto_line(choice.version or ""),
                versions={"quarto": choice.version or ""},
                formats=tuple(formats),
                pages=pages,
                pdf=read.pdf_name if "pdf" in formats else None,
                counts={"pages": len(pages)},
                seconds={"render": round(time.perf_counter() - start, 3)},
                sources_sha256=hash_sources(book, embedded_notebooks(read), leave_out=out),
            )
        else:
            made = build_book(book, folder, formats=formats, timestamp=timestamp, store=store)
            build = Build(
                out=out,
                engine="embedded",
                line=choice.line,
                made_by=engine_line(),
                versions=tool_versions(),
                formats=tuple(formats),
                pages=made.pages,
                pdf=made.pdf.name if made.pdf else None,
                counts=made.counts,
                seconds=made.seconds,
                sources_sha256=hash_sources(book, made.notebooks, leave_out=out),
            )
        _write_record(build, folder)
    return build

"""Render a book: read, expand, lint, convert, write, and put the result in place when it is whole."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import pypandoc

from evaluation.errors import ReportError
from evaluation.report.embedded.convert import Target, convert_pages
from evaluation.report.embedded.findings import Finding, refuse
from evaluation.report.embedded.lint import lint_pages
from evaluation.report.embedded.pdf import compile_pdf, typst_template
from evaluation.report.embedded.project import Book, read_book
from evaluation.report.embedded.site import check_files, copy_files, write_pages
from evaluation.report.embedded.source import Expander, Page
from evaluation.report.embedded.staging import staged_folder

__all__ = [
    "Format",
    "RenderedBook",
    "build_book",
    "check_sources",
    "embedded_notebooks",
    "engine_line",
    "render_book",
    "tool_versions",
]

Format = Literal["html", "pdf"]


@dataclass(frozen=True, slots=True)
class RenderedBook:
    """What a rendering made."""

    out: Path
    pages: tuple[str, ...]
    pdf: Path | None
    seconds: Mapping[str, float]
    tools: Mapping[str, str]
    counts: Mapping[str, int]
    notebooks: tuple[Path, ...]


@dataclass(slots=True)
class _Clock:
    """Seconds of each stage; they go to the manifest, never into the report."""

    seconds: dict[str, float]
    last: float

    def stage(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self.last, 3)
        self.last = now


def tool_versions() -> dict[str, str]:
    """The versions of what renders."""
    return {"pandoc": str(pypandoc.get_pandoc_version()), "typst": version("typst")}


def engine_line() -> str:
    """The sentence that tells readers how the report was made."""
    tools = ", ".join(f"{name} {number}" for name, number in tool_versions().items())
    return f"Built with the embedded renderer ({tools})."


def _timestamp(book: Book, given: dt.datetime | None) -> dt.datetime:
    """The PDF's date: what the caller gives, else the book's own, so that equal sources give equal bytes."""
    if given is not None:
        return given if given.tzinfo else given.replace(tzinfo=dt.UTC)
    day = book.date or dt.date(1980, 1, 1)
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _expand(book: Book) -> tuple[Expander, list[Page]]:
    expander = Expander(book)
    return expander, [expander.expand(chapter) for chapter in book.chapters]


def embedded_notebooks(book: Book) -> tuple[Path, ...]:
    """The notebooks whose cells the book shows."""
    return tuple(sorted(_expand(book)[0].notebooks))


def check_sources(root: Path) -> tuple[Finding, ...]:
    """Everything that keeps the book in `root` from being built, without building it."""
    book = read_book(root.resolve())
    expander, pages = _expand(book)
    findings = [*expander.findings, *lint_pages(pages)]
    converted = convert_pages(book, pages, ("html", "typst"))
    findings += converted.findings
    findings += check_files(book, pages, converted.html, expander.media) if converted.html else ()
    return tuple(sorted(set(findings)))


def build_book(
    root: Path, out: Path, *, formats: Sequence[Format], timestamp: dt.datetime | None, store: Path | None = None
) -> RenderedBook:
    """Render the book in `root` into the folder `out`, which exists; see `render_book`."""
    clock = _Clock({}, time.perf_counter())
    book = read_book(root.resolve())
    expander, sources = _expand(book)
    clock.stage("read")
    findings = [*expander.findings, *lint_pages(sources)]
    clock.stage("lint")
    targets: list[Target] = ["html", *(["typst"] if "pdf" in formats else [])]  # type: ignore[list-item]
    engine = engine_line()
    converted = convert_pages(book, sources, targets, template=typst_template(book), colophon=engine, store=store)
    findings += converted.findings
    if converted.html:
        findings += check_files(book, sources, converted.html, expander.media)
    refuse(findings)
    if converted.warnings:
        raise ReportError("pandoc warns, so the report may not be what was meant:\n" + "\n".join(converted.warnings))
    clock.stage("convert")
    copy_files(book, converted.html, expander.media, out)
    if "html" in formats:
        write_pages(book, converted.html, out, engine, with_pdf="pdf" in formats)
    clock.stage("html")
    pdf = None
    if converted.typst is not None:
        pdf = out / book.pdf_name
        pdf.write_bytes(compile_pdf(book, converted.typst.text, out, _timestamp(book, timestamp)))
        clock.stage("pdf")
    return RenderedBook(
        out=out,
        pages=tuple(page.path for page in converted.html) if "html" in formats else (),
        pdf=pdf,
        seconds=clock.seconds,
        tools=tool_versions(),
        counts={
            "pages": len(converted.html),
            "images": sum(len(page.images) for page in converted.html),
            "notebooks": len(expander.notebooks),
        },
        notebooks=tuple(sorted(expander.notebooks)),
    )


def render_book(
    book: Path,
    out: Path,
    *,
    formats: Sequence[Format] = ("html", "pdf"),
    timestamp: dt.datetime | None = None,
    store: Path | None = None,
) -> RenderedBook:
    """Render a Quarto book project without Quarto.

    Parameters
    ----------
    book
        The project's folder, with `_quarto.yml`.
    out
        The folder of the result. It is replaced as a whole, and only when everything worked.
    formats
        ``"html"``, ``"pdf"`` or both.
    timestamp
        The PDF's date. Without it, the date of the book: two renderings of equal sources are equal byte for byte.
    store
        File that keeps converted pages for the next time, so that only changed ones are converted again; None converts all.

    Returns
    -------
    RenderedBook
        Pages, PDF, seconds of each stage, versions of the tools, counts, notebooks that were embedded.

    Raises
    ------
    ReportError
        With all findings at once, as ``file:line: what; allowed; what to do``, when the sources lie outside the
        subset, refer to what is not there, or would give an inaccessible PDF.
    """
    wrong = sorted(set(formats) - {"html", "pdf"})
    if wrong or not formats:
        raise ReportError(f"formats {wrong or 'none'}: choose among html and pdf.")
    with staged_folder(out, keep_out_of=book) as folder:
        built = build_book(book, folder, formats=formats, timestamp=timestamp, store=store)
    return RenderedBook(
        out=out,
        pages=built.pages,
        pdf=out / built.pdf.name if built.pdf else None,
        seconds=built.seconds,
        tools=built.tools,
        counts=built.counts,
        notebooks=built.notebooks,
    )

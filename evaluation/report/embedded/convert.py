"""Hand all chapters to one run of pandoc and read back what it wrote."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pypandoc

from evaluation.errors import ReportError
from evaluation.report.embedded.findings import Finding
from evaluation.report.embedded.lint import explicit_ids, span_equations
from evaluation.report.embedded.pages import convert_changed
from evaluation.report.embedded.project import Book, read_text
from evaluation.report.embedded.source import Page

__all__ = ["Converted", "Heading", "HtmlPage", "Target", "TypstText", "convert_pages"]

Target = Literal["html", "typst"]
LUA = Path(__file__).parent / "lua" / "convert.lua"


@dataclass(frozen=True, slots=True)
class Heading:
    """An entry of a page's own contents list; `title` is HTML."""

    level: int
    id: str
    number: str | None
    title: str


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """One chapter as HTML, without furniture; `title` and `body` are HTML, the rest is text."""

    file: str
    path: str
    number: str | None
    id: str
    title: str
    plain_title: str
    body: str
    headings: tuple[Heading, ...]
    images: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypstText:
    """The whole book as typst, and the images it shows by their path in the book."""

    text: str
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Converted:
    """What one run of pandoc made; a target that was not asked for is absent."""

    html: tuple[HtmlPage, ...]
    typst: TypstText | None
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]


def _metadata(book: Book, colophon: str) -> dict[str, Any]:
    """The values a typst partial may ask for, under the names Quarto gives them."""
    own = {k: v for k, v in book.metadata.items() if isinstance(v, str | bool | int | float)}
    values: dict[str, Any] = {
        **own,
        **{k: v for k, v in book.typst.items() if isinstance(v, str | bool | int | float)},
        "title": book.title,
        "subtitle": book.subtitle,
        "by-author": [{"name": {"literal": name}} for name in book.authors],
        "date": book.date_text,
        "lang": book.lang,
        "colophon": colophon,
        "synthetic-note": book.synthetic_note,
    }
    return {
        k: str(v) if isinstance(v, int | float) and not isinstance(v, bool) else v for k, v in values.items() if v is not None
    }


def _request(book: Book, pages: Sequence[Page], targets: Sequence[Target], template: str, colophon: str) -> dict[str, Any]:
    return {
        "lang": book.lang,
        "csl": str(book.csl) if book.csl else None,
        "targets": list(targets),
        "bibliography": [{"name": path.name, "text": read_text(path)} for path in book.bibliography],
        "metadata": _metadata(book, colophon),
        "template": template,
        "caption_positions": {
            "fig": str(book.typst.get("fig-cap-location", "bottom")),
            "tbl": str(book.typst.get("tbl-cap-location", "top")),
        },
        "pages": [
            {
                "file": page.chapter.file,
                "html": page.chapter.html,
                "role": page.chapter.role,
                "part": page.chapter.part,
                "title": page.title,
                "numbered": page.numbered,
                "text": span_equations(page.text),
                "explicit": dict.fromkeys(explicit_ids(page.text), True),
            }
            for page in pages
        ],
    }


def run_pandoc(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run the converter on `request`."""
    done = subprocess.run(
        [pypandoc.get_pandoc_path(), "lua", str(LUA)],
        input=json.dumps(_without_nulls(request)).encode(),
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode:
        raise ReportError(f"pandoc: {said or 'no message'} (exit code {done.returncode}); mend what it names.")
    answer: dict[str, Any] = json.loads(done.stdout)
    return {**answer, "warnings": said.splitlines()}


def _without_nulls(value: Any) -> Any:
    """In Lua an absent key is the only nothing there is."""
    if isinstance(value, Mapping):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list | tuple) else value


def convert_pages(
    book: Book,
    pages: Sequence[Page],
    targets: Sequence[Target],
    *,
    template: str = "",
    colophon: str = "",
    store: Path | None = None,
) -> Converted:
    """Number, cross-refer and write `pages`; findings come back with the lines they belong to.

    With `store`, a file, pages that have not changed since the last time are taken from there.
    """
    request = _request(book, pages, targets, template, colophon)
    if store is None:
        answer = run_pandoc(request)
    else:
        answer = convert_changed(_without_nulls(request), run_pandoc, store, f"pandoc {pypandoc.get_pandoc_version()}")
    findings = []
    for row in answer["findings"]:
        file, line = pages[row["page"] - 1].place(row["needle"])
        findings.append(Finding(file, line, row["what"], row["allowed"], row["advice"]))
    typst = answer.get("typst")
    return Converted(
        html=tuple(_html_page(row) for row in answer.get("html", ())),
        typst=TypstText(typst["text"], tuple(typst["images"])) if typst else None,
        findings=tuple(findings),
        warnings=tuple(answer["warnings"]),
    )


def _html_page(row: Mapping[str, Any]) -> HtmlPage:
    return HtmlPage(
        file=row["file"],
        path=row["html"],
        number=row.get("number"),
        id=row["id"],
        title=row["title"],
        plain_title=row["plain_title"],
        body=row["body"],
        headings=tuple(Heading(h["level"], h["id"], h.get("number"), h["title"]) for h in row["toc"]),
        images=tuple(row["images"]),
        files=tuple(row["files"]),
    )

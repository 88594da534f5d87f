"""Look at what Quarto made: it ends well although references lead nowhere and pictures have no text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from evaluation.report.embedded.findings import Finding, refuse
from evaluation.report.embedded.project import Book
from evaluation.report.embedded.render import Format

__all__ = ["finish_site", "inspect_page", "quarto_line"]

UNRESOLVED = (
    (re.compile(r"quarto-unresolved-ref|>\s*\?@?(?:fig|tbl|eq|sec|nte|tip|wrn|imp|cau)-[\w-]*"), "an unresolved reference"),
    (re.compile(r"\?(?:meta|var|env):[\w.-]*"), "an unresolved shortcode"),
    (re.compile(r'class="citation"[^>]*>[^<]*<strong>[^<]*\?</strong>'), "an unknown citation"),
    (re.compile(r"\{\{&lt;\s*(?:include|embed|var|meta|pagebreak)\b"), "a shortcode that was not read"),
)
CODE = re.compile(r"<(pre|code)\b.*?</\1>", re.S)
IMAGE = re.compile(r"<img\b[^>]*>")
ALT = re.compile(r'\balt="[^"]*\S[^"]*"')
SOURCE = re.compile(r'\bsrc="([^"]+)"')
NOTEBOOK_PATH = re.compile(r'\s+data-notebook="[^"]*"')
ADVICE = "mend the source it comes from"


def quarto_line(version: str) -> str:
    """The sentence that tells readers that Quarto made the report."""
    return f"Rendered by Quarto {version}."


def inspect_page(html: str, name: str, folder: Path) -> Iterator[Finding]:
    """What forbids the rendered page `name` to be published."""
    text = CODE.sub(lambda match: "\n" * match[0].count("\n"), html)
    for pattern, what in UNRESOLVED:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield Finding(name, line, f"{what} ({match[0].lstrip('> ')[:60]})", "none", ADVICE)
    for match in IMAGE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        source = SOURCE.search(match[0])
        if not ALT.search(match[0]):
            yield Finding(
                name,
                line,
                f"an image without alternative text ({source[1] if source else '?'})",
                "a text for every image",
                'add fig-alt="..."',
            )
        address = urlsplit(source[1]) if source else None
        if address and not address.scheme and not ((folder / name).parent / unquote(address.path)).is_file():
            yield Finding(name, line, f"an image that is not there ({address.path})", "files of the report", ADVICE)


def _with_marker(html: str, note: str | None) -> str:
    """The marker of invented data, for pages the format's filter did not reach."""
    if note is None or 'class="synthetic"' in html:
        return html
    marker = f'<div class="synthetic" role="note"><p><strong>{escape(note)}</strong></p></div>\n'
    return re.sub(r"(<main\b[^>]*>)", lambda match: match[1] + marker, html, count=1)


def _with_colophon(html: str, made_by: str) -> str:
    """Say who made the page, outside its own text and in a landmark of its own."""
    words = f'<section class="made-by" aria-label="How this page was made"><p>{escape(made_by)}</p></section>\n'
    before, end, after = html.rpartition("</body>")
    return before + words + end + after if end else html + words


def finish_site(book: Book, root: Path, folder: Path, made_by: str, formats: Sequence[Format]) -> None:
    """Take this machine's paths out of Quarto's pages, say who made them, and refuse what is not whole.

    Raises
    ------
    ReportError
        With all findings: unresolved references, missing pages or PDF, images without text, paths of this machine.
    """
    findings: list[Finding] = []
    if "html" in formats:
        for chapter in book.chapters:
            if not (folder / chapter.html).is_file():
                findings.append(Finding(chapter.file, 1, "Quarto made no page of it", "a page for each chapter", ADVICE))
        for path in sorted(folder.rglob("*.html")):
            if "site_libs" in path.relative_to(folder).parts:
                continue
            name = path.relative_to(folder).as_posix()
            html = NOTEBOOK_PATH.sub("", path.read_text("utf-8"))
            html = _with_marker(html, book.synthetic_note)
            html = _with_colophon(html, made_by)
            findings += inspect_page(html, name, folder)
            if str(root.resolve().parent) in html:
                findings.append(Finding(name, 1, "a path of this machine", "none", "find which source prints it"))
            path.write_text(html, "utf-8")
    if "pdf" in formats and not (folder / book.pdf_name).is_file():
        findings.append(Finding("_quarto.yml", 1, f"Quarto made no {book.pdf_name}", "a typst format", ADVICE))
    refuse(findings)

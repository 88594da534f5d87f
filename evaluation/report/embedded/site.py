"""Put the pages' furniture round their content: header, chapters, contents, previous and next, footer."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template
from urllib.parse import unquote

from evaluation.report.embedded.convert import Heading, HtmlPage
from evaluation.report.embedded.findings import Finding
from evaluation.report.embedded.project import Book
from evaluation.report.embedded.source import Page

__all__ = ["check_files", "copy_files", "page_html", "write_pages"]

ASSETS = Path(__file__).parent / "assets"
BACKLINK = re.compile(r'(<a href="#fnref(\d+)" class="footnote-back"\s+role="doc-backlink")>')
NOTES = re.compile(r'(<section id="footnotes"[^>]*>)\s*<hr />')


def _up(path: str) -> str:
    return "../" * path.count("/")


def _numbered(page: HtmlPage) -> str:
    """The page's title as navigation names it."""
    number = f'<span class="chapter-number">{escape(page.number)}</span> ' if page.number else ""
    return f"{number}<span>{page.title}</span>"


def _heading(page: HtmlPage, role: str) -> str:
    if not page.number:
        return page.title
    if role == "appendix":
        return f'<span class="header-section-number">Appendix {page.number}</span> — {page.title}'
    return f'<span class="header-section-number">{page.number}</span> {page.title}'


def _chapters(book: Book, pages: Sequence[HtmlPage], current: HtmlPage) -> str:
    """The list of chapters; parts are items that hold a list of their own."""

    def item(page: HtmlPage) -> str:
        here = ' aria-current="page"' if page is current else ""
        return f'<li><a href="{_up(current.path)}{escape(page.path)}"{here}>{_plain_link(_numbered(page))}</a></li>'

    rows = ["<ul>"]
    parts = [(c.part or ("Appendices" if c.role == "appendix" else None)) for c in book.chapters]
    for part, group in groupby(zip(parts, pages, strict=True), key=lambda pair: pair[0]):
        items = [item(page) for _, page in group]
        if part:
            rows.append(f'<li class="part-group"><span class="part-title">{escape(part)}</span>\n<ul>')
        rows += [*items, "</ul></li>"] if part else items
    return "\n".join([*rows, "</ul>"])


def _plain_link(html: str) -> str:
    """A title without links of its own, for use inside a link."""
    return re.sub(r"</?a\b[^>]*>", "", html)


def _toc(headings: Sequence[Heading], depth: int) -> str:
    shown = [h for h in headings if h.level <= depth]
    if not shown:
        return ""
    rows = ['<nav class="toc" aria-label="On this page">', '<p class="toc-title">On this page</p>', "<ul>"]
    level = 2
    for heading in shown:
        if heading.level > level:
            rows[-1] = rows[-1].removesuffix("</li>")
            rows += ["<ul>"] * (heading.level - level)
        elif heading.level < level:
            rows += ["</ul></li>"] * (level - heading.level)
        level = heading.level
        number = f'<span class="toc-number">{escape(heading.number)}</span> ' if heading.number else ""
        rows.append(f'<li><a href="#{escape(heading.id)}">{number}{_plain_link(heading.title)}</a></li>')
    rows += ["</ul></li>"] * (level - 2)
    return "\n".join([*rows, "</ul>", "</nav>"])


def _pager(pages: Sequence[HtmlPage], at: int) -> str:
    links = []
    for step, rel, word in ((-1, "prev", "Previous"), (1, "next", "Next")):
        if 0 <= at + step < len(pages):
            page = pages[at + step]
            links.append(
                f'<a class="pager-{rel}" rel="{rel}" href="{_up(pages[at].path)}{escape(page.path)}">'
                f'<span class="pager-word">{word}</span> {_plain_link(_numbered(page))}</a>'
            )
    return f'<nav class="pager" aria-label="Previous and next page">\n{chr(10).join(links)}\n</nav>' if links else ""


def _title_block(book: Book) -> str:
    """The book's own title, on its first page; the page's heading stays the only h1."""
    rows = ['<div id="title-block-header">', f'<div class="book-title">{escape(book.title)}</div>']
    if book.subtitle:
        rows.append(f'<p class="subtitle">{escape(book.subtitle)}</p>')
    rows += [f'<p class="author">{escape(name)}</p>' for name in book.authors]
    if book.date_text:
        rows.append(f'<p class="date">{escape(book.date_text)}</p>')
    return "\n".join([*rows, "</div>\n"])


def _tidy(body: str) -> str:
    """Name the links back from notes, and mark the notes off by style rather than by a rule."""
    body = BACKLINK.sub(r'\1 aria-label="Back to note \2 in the text">', body)
    return NOTES.sub(r"\1", body)


def page_html(book: Book, pages: Sequence[HtmlPage], at: int, engine: str, *, with_pdf: bool) -> str:
    """The whole HTML of one page."""
    page, chapter = pages[at], book.chapters[at]
    up = _up(page.path)
    note = book.synthetic_note
    pagetitle = page.plain_title if page.plain_title == book.title else f"{page.plain_title} – {book.title}"
    values = {
        "lang": escape(book.lang),
        "engine": escape(engine),
        "up": up,
        "booktitle": escape(book.title),
        "pagetitle": escape(f"{page.number} {pagetitle}" if page.number else pagetitle),
        "banner": f'<div class="synthetic" role="note"><div class="wrap">{escape(note)}</div></div>\n' if note else "",
        "download": f'\n<a class="download" href="{up}{escape(book.pdf_name)}">Download as PDF</a>' if with_pdf else "",
        "chapters": _chapters(book, pages, page),
        "titleblock": _title_block(book) if at == 0 else "",
        "h1": f' id="{escape(page.id)}"' if page.id else "",
        "title": _heading(page, chapter.role),
        "toc": _toc(page.headings, int(book.html.get("toc-depth", 3))) if book.html.get("toc", True) else "",
        "body": _tidy(page.body),
        "pager": _pager(pages, at),
    }
    return Template((ASSETS / "page.html").read_text("utf-8")).substitute(values)


def write_pages(book: Book, pages: Sequence[HtmlPage], out: Path, engine: str, *, with_pdf: bool) -> None:
    """Write every page and the style sheet under `out`."""
    for at, page in enumerate(pages):
        target = out / page.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page_html(book, pages, at, engine, with_pdf=with_pdf), "utf-8")
    shutil.copyfile(ASSETS / "report.css", out / "report.css")


def check_files(
    book: Book,
    sources: Sequence[Page],
    pages: Sequence[HtmlPage],
    media: Mapping[str, bytes],
) -> Iterator[Finding]:
    """Images and linked files that are not there, or that lie outside the book."""
    for source, page in zip(sources, pages, strict=True):
        for file in (*page.images, *page.files):
            known = file in media or file == book.pdf_name
            if not known and (file.startswith("..") or not (book.root / unquote(file)).is_file()):
                where, line = source.place(file.rpartition("/")[2])
                yield Finding(
                    where,
                    line,
                    f"the file {file} is not in the book",
                    "a file inside the report's folder",
                    "put it there, or mend the path",
                )


def copy_files(book: Book, pages: Sequence[HtmlPage], media: Mapping[str, bytes], out: Path) -> None:
    """Copy what the pages show or link to, and the project's resources."""
    wanted = {unquote(file) for page in pages for file in (*page.images, *page.files)} - {book.pdf_name}
    for pattern in book.resources:
        wanted |= {p.relative_to(book.root).as_posix() for p in book.root.glob(pattern) if p.is_file()}
    for file in sorted(wanted):
        target = out / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if file in media:
            target.write_bytes(media[file])
        else:
            shutil.copyfile(book.root / file, target)

"""Expand a chapter: front matter, comments, shortcodes; every line remembers the file and line it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from evaluation.report.embedded.findings import Finding
from evaluation.report.embedded.notebook import Embedded, NotebookError, embed_cell
from evaluation.report.embedded.project import Book, Chapter

__all__ = ["Expander", "Line", "Page"]

SHORTCODE = re.compile(r"(?<!\{)\{\{<\s*(.*?)\s*>\}\}(?!\})")
ESCAPED_SHORTCODE = re.compile(r"\{(\{\{<.*?>\}\})\}")
CODE_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)(.+?)(?<!`)\1(?!`)")
FENCE = re.compile(r"^\s*(?:>\s*)*(`{3,}(?=[^`]*$)|~{3,})(.*)$")
FRONT_MATTER_KEYS = {"title", "description", "number-sections"}
BLOCK_SHORTCODES = ("include", "embed", "pagebreak")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of Markdown and where it was written."""

    text: str
    file: str
    number: int


@dataclass(frozen=True, slots=True)
class Page:
    """A chapter after expansion."""

    chapter: Chapter
    title: str | None
    numbered: bool
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The chapter's Markdown."""
        return "\n".join(line.text for line in self.lines) + "\n"

    def place(self, needle: str) -> tuple[str, int]:
        """The file and line where `needle` first stands; the chapter's first line when it stands nowhere."""
        for line in self.lines:
            if needle and needle in line.text:
                return line.file, line.number
        return self.chapter.file, 1


@dataclass(slots=True)
class Expander:
    """Expands the chapters of one book, and gathers findings and pictures on the way."""

    book: Book
    findings: list[Finding] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    notebooks: set[Path] = field(default_factory=set)

    def expand(self, chapter: Chapter) -> Page:
        """Return the chapter with everything it includes and embeds."""
        rows = self._read(self.book.root / chapter.file, chapter.file)
        front, rows = self._part_front_matter(rows)
        unknown = sorted(set(front) - FRONT_MATTER_KEYS)
        for key in unknown:
            self._find(
                Line("", chapter.file, 1),
                f"front matter has '{key}'",
                ", ".join(sorted(FRONT_MATTER_KEYS)),
                "move it to _quarto.yml",
            )
        title = front.get("title")
        return Page(
            chapter=chapter,
            title=str(title) if title is not None else None,
            numbered=bool(front.get("number-sections", True)) and bool(self.book.html.get("number-sections", True)),
            lines=tuple(self._expand_lines(rows, chapter, ())),
        )

    def _find(self, at: Line, what: str, allowed: str, advice: str) -> None:
        self.findings.append(Finding(at.file, at.number, what, allowed, advice))

    def _read(self, path: Path, name: str) -> list[Line]:
        try:
            text = path.read_text("utf-8-sig")
        except UnicodeDecodeError:
            self._find(Line("", name, 1), "the file is not UTF-8", "text in UTF-8", "save it as UTF-8")
            return []
        return [Line(t.rstrip("\r"), name, n) for n, t in enumerate(text.split("\n"), 1)]

    def _part_front_matter(self, rows: list[Line]) -> tuple[dict[str, Any], list[Line]]:
        if not rows or rows[0].text.rstrip() != "---":
            return {}, rows
        end = next((i for i, row in enumerate(rows[1:], 1) if row.text.rstrip() in ("---", "...")), None)
        if end is None:
            return {}, rows
        try:
            front = yaml.safe_load("\n".join(row.text for row in rows[1:end])) or {}
        except yaml.YAMLError as error:
            front = {}
            self._find(
                rows[0],
                f"the front matter is not YAML ({type(error).__name__})",
                "keys and values between two lines ---",
                "mend it",
            )
        return (front if isinstance(front, dict) else {}), rows[end + 1 :]

    def _expand_lines(self, rows: list[Line], chapter: Chapter, within: tuple[Path, ...]) -> Iterator[Line]:
        fence: str | None = None
        in_comment = False
        for row in rows:
            mark = FENCE.match(row.text)
            if fence is not None:
                if mark and mark[1].startswith(fence) and not mark[2].strip():
                    fence = None
                yield self._code_line(row)
                continue
            if mark and not in_comment:
                fence = mark[1]
                yield row
                continue
            text, in_comment = _drop_comments(row.text, in_comment)
            yield from self._expand_line(Line(text, row.file, row.number), chapter, within)

    def _code_line(self, row: Line) -> Line:
        if SHORTCODE.search(row.text):
            self._find(
                row,
                "a shortcode in code",
                "{{{< name >}}}, which prints {{< name >}}",
                "add a pair of braces, or move it out of the code",
            )
        return Line(ESCAPED_SHORTCODE.sub(r"\1", row.text), row.file, row.number)

    def _expand_line(self, row: Line, chapter: Chapter, within: tuple[Path, ...]) -> Iterator[Line]:
        alone = SHORTCODE.fullmatch(row.text.strip())
        if alone and alone[1].split()[:1] and alone[1].split()[0] in BLOCK_SHORTCODES:
            indent = row.text[: len(row.text) - len(row.text.lstrip())]
            for line in self._block(alone[1].split(), row, chapter, within):
                yield Line(indent + line.text if line.text else "", line.file, line.number)
            return
        yield Line(self._inline(row), row.file, row.number)

    def _inline(self, row: Line) -> str:
        """Expand what stands in a line, but not in its code spans."""
        pieces, at = [], 0
        for span in CODE_SPAN.finditer(row.text):
            pieces.append(self._values(row.text[at : span.start()], row))
            pieces.append(ESCAPED_SHORTCODE.sub(r"\1", span[0]))
            at = span.end()
        pieces.append(self._values(row.text[at:], row))
        return "".join(pieces)

    def _values(self, text: str, row: Line) -> str:
        text = SHORTCODE.sub(lambda match: self._value(match[1], row), text)
        # What an escaped shortcode prints must stay text when pandoc reads it.
        return ESCAPED_SHORTCODE.sub(lambda m: m[1].replace("<", r"\<").replace(">", r"\>"), text)

    def _value(self, call: str, row: Line) -> str:
        name, *arguments = call.split() or [""]
        if name in BLOCK_SHORTCODES:
            self._find(row, f"the shortcode {name} inside a line", "a line of its own", "move it")
            return ""
        if name not in ("var", "meta") or len(arguments) != 1:
            self._find(
                row,
                f"the shortcode {{{{< {call} >}}}} is not known",
                "include, embed, var, meta, pagebreak",
                "use one of these, or escape it as {{{< ... >}}}",
            )
            return ""
        source: Mapping[str, Any] = self.book.variables if name == "var" else self.book.metadata
        value = _lookup(source, arguments[0])
        if value is None:
            where = "_variables.yml" if name == "var" else "_quarto.yml"
            self._find(row, f"{name} {arguments[0]} has no value", f"a key of {where}", f"add it to {where}")
            return ""
        return value

    def _block(self, call: list[str], row: Line, chapter: Chapter, within: tuple[Path, ...]) -> Iterator[Line]:
        name, *arguments = call
        if name == "pagebreak":
            yield from (Line(text, row.file, row.number) for text in ("", "::: {.pagebreak}", ":::", ""))
            return
        if len(arguments) != 1:
            self._find(row, f"{name} with {len(arguments)} arguments", "one path", "take the rest out")
            return
        target, _, label = arguments[0].partition("#")
        path = (
            self.book.root / target[1:] if target.startswith("/") else (self.book.root / chapter.file).parent / target
        ).resolve()
        if not path.is_file():
            self._find(
                row,
                f"{name} {target}: there is no such file",
                "a path from the chapter's own folder",
                "mend the path, or make the file",
            )
        elif name == "include":
            if path in within:
                self._find(row, f"include {target} includes itself", "a file once", "take it out")
                return
            shown = (
                path.relative_to(self.book.root.resolve()).as_posix() if path.is_relative_to(self.book.root.resolve()) else target
            )
            yield from self._expand_lines(self._read(path, shown), chapter, (*within, path))
        else:
            yield from self._embed(path, label, row, chapter)

    def _embed(self, path: Path, label: str, row: Line, chapter: Chapter) -> Iterator[Line]:
        self.notebooks.add(path)
        try:
            cell: Embedded = embed_cell(path, label, "../" * chapter.file.count("/"))
        except NotebookError as error:
            self._find(row, error.what, error.allowed, error.advice)
            return
        self.media.update(cell.media)
        for text in ("", *cell.markdown.split("\n"), ""):
            yield Line(text, row.file, row.number)


def _drop_comments(text: str, inside: bool) -> tuple[str, bool]:
    """Take HTML comments out of a line; pandoc would print them, since raw HTML is off."""
    kept = ""
    while text:
        if inside:
            _, end, text = text.partition("-->")
            inside = not end
        else:
            before, start, text = text.partition("<!--")
            kept, inside = kept + before, bool(start)
    return kept, inside


def _lookup(source: Mapping[str, Any], key: str) -> str | None:
    value: Any = source
    for step in key.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if isinstance(value, Mapping | list) or value is None else str(value)

"""Read a Quarto book project: its `_quarto.yml`, variables and format extension."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from evaluation.errors import ReportError
from evaluation.panel.periods import MONTH_NAMES

__all__ = ["Book", "Chapter", "format_date", "read_book", "read_text"]

Role = Literal["chapter", "appendix"]

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
NAMED_FORMATS = {
    "full": "dddd, D MMMM YYYY",
    "long": "D MMMM YYYY",
    "medium": "D MMM YYYY",
    "short": "DD/MM/YYYY",
    "iso": "YYYY-MM-DD",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """One source file of the book."""

    file: str
    role: Role
    part: str | None

    @property
    def html(self) -> str:
        """The page's path in the site, as Quarto gives it."""
        return self.file.removesuffix(".qmd") + ".html"


@dataclass(frozen=True, slots=True)
class Book:
    """What `_quarto.yml` says, in the subset both engines read alike."""

    root: Path
    title: str
    subtitle: str | None
    authors: tuple[str, ...]
    date: dt.date | None
    date_text: str | None
    lang: str
    chapters: tuple[Chapter, ...]
    bibliography: tuple[Path, ...]
    csl: Path | None
    metadata: Mapping[str, Any]
    variables: Mapping[str, Any]
    html: Mapping[str, Any]
    html_format: str
    typst: Mapping[str, Any]
    typst_format: str
    partials: Mapping[str, Path]
    resources: tuple[str, ...]

    @property
    def pdf_name(self) -> str:
        """The PDF's file name, made from the title as Quarto does."""
        return re.sub(r"[^\w]+", "-", self.title).strip("-") + ".pdf"

    @property
    def synthetic_note(self) -> str | None:
        """The text of the marker on every page, when the numbers are not real."""
        if not self.metadata.get("synthetic"):
            return None
        return str(self.metadata.get("synthetic-note") or "SYNTHETIC DATA: these results are invented.")


def format_date(day: dt.date, pattern: str) -> str:
    """Write a date in Quarto's `date-format`, such as ``D MMMM YYYY``."""
    words = {
        "YYYY": f"{day.year:04}",
        "YY": f"{day.year % 100:02}",
        "MMMM": MONTH_NAMES[day.month - 1],
        "MMM": MONTH_NAMES[day.month - 1][:3],
        "MM": f"{day.month:02}",
        "M": str(day.month),
        "dddd": DAYS[day.weekday()],
        "ddd": DAYS[day.weekday()][:3],
        "DD": f"{day.day:02}",
        "D": str(day.day),
    }
    tokens = re.compile(r"\[([^\]]*)\]|" + "|".join(sorted(words, key=len, reverse=True)))
    return tokens.sub(lambda m: m[1] if m[1] is not None else words[m[0]], NAMED_FORMATS.get(pattern, pattern))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping; an absent file is an empty one."""
    if not path.is_file():
        return {}
    try:
        content = yaml.safe_load(read_text(path))
        content = {} if content is None else content
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a day that no calendar has is a ValueError
        reason = str(error) or type(error).__name__
        raise ReportError(f"{path.name}: this is not YAML: {reason}; mend the file.") from error
    if not isinstance(content, dict):
        raise ReportError(f"{path.name}: found a {type(content).__name__}; write keys and values.")
    return content


def read_text(path: Path) -> str:
    """Read a file of the book, which must be UTF-8."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReportError(f"{path.name}: byte {error.start} is not UTF-8; save the file as UTF-8.") from error


def _check_shape(config: Mapping[str, Any]) -> None:
    """Refuse keys that hold another kind of value than they must, all of them together."""
    book = config.get("book")
    book = book if isinstance(book, dict) else {}
    project = config.get("project")
    project = project if isinstance(project, dict) else {}
    authors = book.get("author")
    wrong = [
        *(f"{key}: write keys and values under it" for key in ("book", "project", "format") if not _is(config.get(key), dict)),
        *(f"{key}: write a list of files" for key in ("chapters", "appendices") if not _is(book.get(key), list)),
        *(["resources: write a list of files"] if not _is(project.get("resources"), list) else []),
        *(
            f"author: {entry!r} has no name"
            for entry in (authors if isinstance(authors, list) else [authors])
            if isinstance(entry, dict) and "name" not in entry
        ),
    ]
    if wrong:
        raise ReportError(f"_quarto.yml: {'; '.join(wrong)}.")


def _is(value: Any, kind: type) -> bool:
    return value is None or isinstance(value, kind)


def _chapters(book: Mapping[str, Any]) -> Iterator[Chapter]:
    for item in book.get("chapters") or []:
        if isinstance(item, str):
            yield Chapter(item, "chapter", None)
        elif isinstance(item, dict) and "part" in item and _is(item.get("chapters"), list):
            for file in item.get("chapters") or []:
                yield Chapter(str(file), "chapter", str(item["part"]))
        else:
            raise ReportError(f"_quarto.yml: chapter {item!r} is not understood; write a file, or a part with its chapters.")
    for file in book.get("appendices") or []:
        yield Chapter(str(file), "appendix", None)


def _authors(value: Any) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value] if value else []
    return tuple(str(entry["name"] if isinstance(entry, dict) else entry) for entry in entries)


def _date(value: Any, pattern: str) -> tuple[dt.date | None, str | None]:
    if value is None:
        return None, None
    try:
        day = value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
    except ValueError:
        raise ReportError(
            f"_quarto.yml: date '{value}' is not a day; write YYYY-MM-DD (a date such as 'today' would change the"
            " report without a change in it)."
        ) from None
    return day, format_date(day, pattern)


@dataclass(frozen=True, slots=True)
class TypstFormat:
    """The book's typst format: its name, options, and the partials of its extension by file name."""

    name: str
    options: Mapping[str, Any]
    partials: Mapping[str, Path]


def _typst_format(root: Path, formats: Mapping[str, Any]) -> TypstFormat:
    for name, options in formats.items():
        extension, _, base = str(name).rpartition("-")
        if base != "typst":
            continue
        options = options if isinstance(options, dict) else {}
        if not extension:
            return TypstFormat(str(name), options, {})
        folders = [*root.glob(f"_extensions/{extension}"), *root.glob(f"_extensions/*/{extension}")]
        if not folders:
            raise ReportError(f"_quarto.yml: format {name}: _extensions/{extension} is missing; add it.")
        manifest = read_yaml(folders[0] / "_extension.yml")
        try:
            contributed = dict(manifest["contributes"]["formats"]["typst"])
        except (KeyError, TypeError, ValueError):
            contributed = {}
        files = contributed.get("template-partials", [])
        missing = [str(file) for file in files if not (folders[0] / str(file)).is_file()]
        if missing:
            raise ReportError(f"{folders[0].name}/_extension.yml: partials are missing: {', '.join(missing)}.")
        partials = {Path(str(file)).name: folders[0] / str(file) for file in files}
        return TypstFormat(str(name), {**contributed, **options}, partials)
    return TypstFormat("typst", {}, {})


def _paths(root: Path, value: Any) -> tuple[Path, ...]:
    files = value if isinstance(value, list) else [value] if value else []
    paths = tuple(root / str(file) for file in files)
    for path in paths:
        if not path.is_file():
            raise ReportError(f"_quarto.yml: {path.relative_to(root)} is missing; add it or take its name out.")
    return paths


def read_book(root: Path) -> Book:
    """Read the project in `root`.

    Raises
    ------
    ReportError
        When `_quarto.yml` is absent or is not a book, or when it names files that do not exist.
    """
    config = read_yaml(root / "_quarto.yml")
    _check_shape(config)
    book = config.get("book")
    if not isinstance(book, dict) or "title" not in book or not book.get("chapters"):
        raise ReportError(f"{root}: no Quarto book here; _quarto.yml needs `book:` with a title and chapters.")
    chapters = tuple(_chapters(book))
    missing = [c.file for c in chapters if not (root / c.file).is_file() or not c.file.endswith(".qmd")]
    if missing:
        raise ReportError(f"_quarto.yml: these chapters are missing or are no .qmd: {', '.join(missing)}.")
    outside = [c.file for c in chapters if not (root / c.file).resolve().is_relative_to(root.resolve())]
    if outside:
        raise ReportError(f"_quarto.yml: these chapters lie outside the book: {', '.join(outside)}; move them into it.")
    if chapters[0].file != "index.qmd":
        raise ReportError(f"_quarto.yml: the first chapter is {chapters[0].file}; it must be index.qmd.")
    day, date_text = _date(book.get("date"), str(book.get("date-format", "long")))
    formats = config.get("format") or {}
    html_format, html = next(((str(k), v) for k, v in formats.items() if str(k).rpartition("-")[2] == "html"), ("html", None))
    resources = tuple(map(str, (config.get("project") or {}).get("resources") or ()))
    if any(".." in Path(pattern).parts or Path(pattern).is_absolute() for pattern in resources):
        raise ReportError("_quarto.yml: project resources lie outside the book; name files inside it.")
    typst = _typst_format(root, formats)
    return Book(
        root=root,
        title=str(book["title"]),
        subtitle=str(book["subtitle"]) if book.get("subtitle") else None,
        authors=_authors(book.get("author")),
        date=day,
        date_text=date_text,
        lang=str(config.get("lang", "en-GB")),
        chapters=chapters,
        bibliography=_paths(root, config.get("bibliography")),
        csl=next(iter(_paths(root, config.get("csl"))), None),
        metadata={k: v for k, v in config.items() if k not in ("project", "format")},
        variables=read_yaml(root / "_variables.yml"),
        html_format=html_format,
        html=html if isinstance(html, dict) else {},
        typst=typst.options,
        typst_format=typst.name,
        partials=typst.partials,
        resources=resources,
    )

"""Puts figures and tables into a book: the file, the Markdown that shows it, and the data beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from evaluation.contracts.disclosure import Clause
from evaluation.errors import ReportError
from evaluation.report.drawing import Picture
from evaluation.report.embedded.escape import escape_markdown
from evaluation.report.protect import protect_table
from evaluation.report.tables import ReportTable, frame_to_csv, tabulate, to_csv, to_markdown
from evaluation.report.workbook import FILE

IMAGES, DATA = "images", "data"
MOST_ROWS = 40
"""Periods that the table of a figure shows in the page."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


class Binder:
    """Collects the files of a book by path; pages only ever name what is in it.

    One binder is one book: a name that is used twice is refused, so that no figure can stand for another. Counts that a table
    declares are protected as the `clauses` of their outcome or source ask before any file of them is made.
    """

    def __init__(self, clauses: Mapping[str, Clause] | None = None) -> None:
        self.clauses = clauses or {}
        self.files: dict[str, bytes] = {}
        self.tables: list[ReportTable] = []
        """For the spreadsheet, in the order of the pages; the data behind figures are in `pictures`."""
        self.shown: list[ReportTable] = []
        """Every table that was placed, for the disclosure gate."""
        self.homes: dict[tuple[str, tuple[str, ...]], str] = {}
        """The CSV a table is published in, by caption and header."""
        self.pictures: list[Picture] = []

    def add(self, path: str, content: str | bytes) -> None:
        """Add a file at a path relative to the book."""
        if path in self.files:
            raise ReportError(f"report: two pieces of the book are both called {path}; give one another name.")
        self.files[path] = content.encode() if isinstance(content, str) else content

    def keep(self, table: ReportTable) -> ReportTable:
        """Remember a table for the spreadsheet, of two with the same title and columns the longer one; return it protected."""
        table = protect_table(table, self.clauses)
        if table not in self.shown:
            self.shown.append(table)
        for at, other in enumerate(self.tables):
            if (table.caption, table.header) == (other.caption, other.header):
                self.tables[at] = max(other, table, key=lambda kept: len(kept.rows))
                return table
        self.tables.append(table)
        return table

    def link_workbook(self, *, up: str) -> str:
        """Markdown of the link to the spreadsheet of all tables, which the web edition shows."""
        link = f"[Download every table of this report as one spreadsheet (XLSX)]({up}{DATA}/{FILE})"
        return f'::: {{.content-visible when-format="html"}}\n{link}\n:::\n'

    def place_figure(self, picture: Picture, svg: bytes, *, up: str) -> str:
        """Add a picture and its data; return its Markdown. The table of the data stands in the web edition only.

        Parameters
        ----------
        picture : Picture
            The figure.
        svg : bytes
            Its file.
        up : str
            ``../`` for pages one folder down, empty for the first page.
        """
        name = safe_name(picture.name)
        self.pictures.append(picture)
        self.add(f"{IMAGES}/{name}.svg", svg)
        self.add(f"{DATA}/{name}.csv", frame_to_csv(picture.data))
        caption = escape_markdown(picture.caption)
        # A long series is for a program: the table gives its latest figures, the download all of them.
        table = picture.data.tail(MOST_ROWS) if "period" in picture.data else picture.data
        latest = "" if len(table) == len(picture.data) else f", the latest {len(table)} periods"
        behind = tabulate(table, caption=f"Data: {picture.caption}{latest}", columns=picture.columns)
        figure = [
            f"::: {{#fig-{name}}}",
            f'![]({up}{IMAGES}/{name}.svg){{fig-alt="{attribute(picture.alt)}"}}',
            escape_markdown(" ".join(picture.notes)),
            caption,
            ":::",
        ]
        link = f"[Download these data as CSV: {caption}]({up}{DATA}/{name}.csv)"
        return join_blocks([*figure, _fold(behind, "Data behind this figure", below=link)])

    def place_table(self, table: ReportTable, name: str, *, up: str, download: bool = True) -> str:
        """Add a numbered table and its CSV; return its Markdown."""
        name = safe_name(name)
        if not table.rows:
            raise ReportError(f"report: table {name} has no rows; say so in words instead.")
        table = self.keep(table)
        text = to_markdown(table, f"tbl-{name}")
        return f"{text}\n{self._link_csv(table, name, up=up)}" if download else text

    def place_folded(self, table: ReportTable, title: str, *, below: str = "") -> str:
        """Markdown of a table without a number, which the web edition shows folded and the PDF leaves to it."""
        table = self.keep(table)
        return _fold(table, title, below=below)

    def place_download(self, table: ReportTable, name: str, *, up: str, legend: bool = False) -> str:
        """Add the CSV of a table; return the link to it, which the web edition shows; with a legend where no page has one."""
        table = self.keep(table)
        return self._link_csv(table, name, up=up, below=escape_markdown(table.legend) if legend else "")

    def _link_csv(self, table: ReportTable, name: str, *, up: str, below: str = "") -> str:
        self.homes[(table.caption, table.header)] = f"{DATA}/table-{name}.csv"
        self.add(f"{DATA}/table-{name}.csv", to_csv(table))
        link = f"[Download this table as CSV: {escape_markdown(table.caption)}]({up}{DATA}/table-{name}.csv)"
        return f'::: {{.content-visible when-format="html"}}\n{" ".join(filter(None, (link, below)))}\n:::\n'


def _fold(table: ReportTable, title: str, *, below: str) -> str:
    shown = [f'::: {{.callout-note collapse="true" title="{attribute(title)}"}}', to_markdown(table), below, ":::"]
    return join_blocks([':::: {.content-visible when-format="html"}', *shown, "::::"])


def safe_name(name: str) -> str:
    """Refuse a name that could not be a file or an identifier; names come from codes, never from titles."""
    if not _NAME.fullmatch(name):
        raise ReportError(f"report: {name!r} cannot name a page or figure; use letters, digits and hyphens.")
    return name


def name_part(identifier: str) -> str:
    """An identifier of a contract as part of a name, such as ``claimant-rate``."""
    return safe_name(identifier.replace("_", "-").replace(" ", "-").lower())


def attribute(text: str) -> str:
    """Text for a quoted attribute in Markdown."""
    # Character references, not backslashes: what reads the sources looks for raw HTML and shortcodes inside attributes, too.
    named = {
        "&": "&amp;",
        '"': "&quot;",
        "<": "&lt;",
        ">": "&gt;",
        "\\": "&#92;",
        "$": "&#36;",
        "`": "&#96;",
        "{": "&#123;",
        "}": "&#125;",
    }
    return "".join(named.get(letter, letter) for letter in " ".join(text.split()))


def list_items(texts: Sequence[str]) -> str:
    """Texts from records as a list; nothing for none."""
    return "".join(f"- {escape_markdown(text)}\n" for text in texts)


def join_blocks(blocks: Sequence[str]) -> str:
    """Blocks of Markdown with one empty line between them."""
    return "\n\n".join(block.strip("\n") for block in blocks if block.strip()) + "\n"

"""Figures and tables of the report as a notebook's front end shows them: with caption, alternative text and notes.

An executed notebook of a batch holds them as SVG and Markdown instead, because the page that embeds them gives caption and text.
"""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from evaluation.lab.front_end import has_front_end
from evaluation.report.drawing import Picture
from evaluation.report.tables import ReportTable
from evaluation.results.show import Table, table_html

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def register_full(shell: InteractiveShell) -> None:
    """Show figures and tables in full where there is a front end."""
    formatter = shell.display_formatter.formatters["text/html"]  # type: ignore[union-attr]
    formatter.for_type(Picture, _picture)
    formatter.for_type(ReportTable, _table)


def unregister_full(shell: InteractiveShell) -> None:
    """Undo `register_full`."""
    formatter = shell.display_formatter.formatters["text/html"]  # type: ignore[union-attr]
    for kind in (Picture, ReportTable):
        formatter.pop(kind, None)


def picture_html(picture: Picture) -> str:
    """A figure with its alternative text, its caption above and its notes below; nothing is fetched for it."""
    data = base64.b64encode(picture.svg).decode()
    notes = f'<p style="max-width:46em">{escape(" ".join(picture.notes))}</p>' if picture.notes else ""
    return (
        f'<figure style="margin:0.5em 0"><figcaption><strong>{escape(picture.caption)}</strong></figcaption>'
        f'<img alt="{escape(picture.alt)}" src="data:image/svg+xml;base64,{data}" '
        f'style="width:46em;max-width:100%;background:white">{notes}</figure>'
    )


def report_table_html(table: ReportTable) -> str:
    """A table of the report with its caption, and its notes and the meaning of its shorthand below."""
    below = " ".join([*table.notes, *([table.legend] if table.legend else [])])
    shown = Table(caption=table.caption, header=table.header, rows=table.rows, numeric=table.numeric)
    return table_html(shown) + (f"<p>{escape(below)}</p>" if below else "")


def _picture(picture: Picture) -> str | None:
    return picture_html(picture) if has_front_end() else None


def _table(table: ReportTable) -> str | None:
    return report_table_html(table) if has_front_end() else None

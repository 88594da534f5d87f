"""Sheets: a title, facts and tables, as HTML for a notebook, and as text for where there is none.

Every table has a caption and the scope of its headings; every text is escaped; nothing is fetched from anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from evaluation.results.finding import Interval

UNITS = {"pp": "percentage points", "gbp": "pounds"}
"""Units in words; any other stands for itself."""
SHORT = 14
"""Letters up to which a text is kept on one line."""

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of texts; the first cell of a row is its heading, and the columns in `numeric` are aligned to the right."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All that a record shows: a title, sentences, facts with their names, tables, and sentences below."""

    title: str
    lead: tuple[str, ...] = ()
    facts: Facts = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    synthetic: bool = False


# ---------------------------------------------------------------- as HTML, as text


def sheet_html(sheet: Sheet) -> str:
    """A sheet as HTML: its facts are a table with the title as caption."""
    title = f"{sheet.title} (SYNTHETIC DATA)" if sheet.synthetic else sheet.title
    lead = [f"<p>{escape(text)}</p>" for text in sheet.lead]
    facts = [] if not sheet.facts else [table_html(Table(caption=title, header=(), rows=sheet.facts))]
    parts = [*lead, *facts] if facts else [f"<p><strong>{escape(title)}</strong></p>", *lead]
    return "\n".join((*parts, *map(table_html, sheet.tables), *(f"<p>{escape(note)}</p>" for note in sheet.notes)))


def table_html(table: Table) -> str:
    """A table with its caption, and with the scope of every heading; all texts escaped."""
    sides = ["right" if name in table.numeric else "left" for name in table.header]
    head = "".join(
        f'<th scope="col" style="{_cell(name, side)}">{escape(name)}</th>' for name, side in zip(table.header, sides, strict=True)
    )
    rows = "".join(f"<tr>{_row_html(row, sides)}</tr>" for row in table.rows)
    return (
        '<table style="border-collapse:collapse;margin:0.5em 0;min-width:min(36em,100%);font-size:inherit">'
        f'<caption style="text-align:left;font-weight:bold;padding:0.2em 0">{escape(table.caption)}</caption>'
        f"{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{rows}</tbody></table>"
    )


def _row_html(row: Sequence[str], sides: Sequence[str]) -> str:
    side = [*sides, *["left"] * (len(row) - len(sides))]
    weight = "normal" if sides else "bold"
    first = f'<th scope="row" style="{_cell(row[0], side[0])};font-weight:{weight}">{escape(row[0])}</th>'
    rest = zip(row[1:], side[1:], strict=True)
    return first + "".join(f'<td style="{_cell(cell, at)}">{escape(cell)}</td>' for cell, at in rest)


def _cell(text: str, side: str) -> str:
    """The style of a cell: JupyterLab would align everything to the right, and break no line."""
    breaks = "nowrap" if len(text) <= SHORT else "normal"
    return f"padding:0.2em 0.8em 0.2em 0;vertical-align:top;white-space:{breaks};text-align:{side}"


def sheet_text(sheet: Sheet) -> str:
    """A sheet as lines of text."""
    lines = [f"{sheet.title}{'   SYNTHETIC DATA' if sheet.synthetic else ''}", *sheet.lead, *_aligned(sheet.facts)]
    for table in sheet.tables:
        lines += ["", table.caption, *_aligned((table.header, *table.rows))]
    return "\n".join([*lines, *sheet.notes])


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


# ---------------------------------------------------------------- numbers and names


def write_number(value: float | None, unit: str = "", *, signed: bool = True) -> str:
    """A number in its unit: two decimals for rates, none for people and pounds, else four figures; ``not computed`` for None."""
    if value is None:
        return "not computed"
    digits = {"pp": ".2f", "gbp": ",.0f", "people": ",.0f", "households": ",.0f"}.get(unit, ".4g")
    text = f"{value:{'+' if signed else ''}{digits}}".replace("-", "−")
    return f"{text} {UNITS.get(unit, unit)}".strip()


def write_ends(interval: Interval | None, unit: str) -> str:
    """Both ends of an interval."""
    if interval is None:
        return "not computed"
    return f"{write_number(interval.low, unit).split(' ')[0]} to {write_number(interval.high, unit)}"


def write_share(share: float) -> str:
    """A share in per cent, such as ``95%``."""
    return f"{100 * share:.10g}%"

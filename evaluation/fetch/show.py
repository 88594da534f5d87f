"""What a fetch did, which vintages there are and what a revision moved, in lines for a person."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from evaluation.fetch.compare import VintageChange
from evaluation.fetch.run import Fetched
from evaluation.panel.vintages import CHECKED, FETCHED, Vintage

SHOWN = 20
WORDS: Mapping[str, str] = {
    "new": "new vintage",
    "unchanged": "unchanged since",
    "failed": "FAILED",
    "replayed": "replayed, equal to",
}


def describe_fetch(results: Sequence[Fetched]) -> list[str]:
    """One line a source."""
    width = max((len(item.source) for item in results), default=0)
    lines = []
    for item in results:
        what = f"{WORDS[item.state]} {item.vintage}".rstrip()
        rows = f"{item.rows:,} rows, " if item.rows else ""
        size = f" ({rows}{item.size:,} bytes)" if item.size else ""
        lines.append(f"  {item.source:<{width}}  {what}{size}")
    return lines


def describe_vintages(vintages: Sequence[Vintage]) -> list[str]:
    """A table of vintages, the one that is read marked."""
    if not vintages:
        return ["no vintage is kept here; get one with `trailblazer fetch`"]
    last = {item.record.source: item.id for item in vintages}
    rows = [("source", "vintage", "answers", "tables", "bytes", "contract", "")]
    for item in vintages:
        read = item.id == last[item.record.source]
        mark = f"is read{_checked(item)}" if read else ""
        record = item.record
        rows.append(
            (
                record.source,
                item.id,
                str(len(record.answers)),
                str(len(record.tables)),
                f"{item.size:,}",
                record.contract_version,
                mark,
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(7)]
    right = (2, 3, 4)
    return [
        "  ".join(cell.rjust(widths[n]) if n in right else cell.ljust(widths[n]) for n, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def _checked(vintage: Vintage) -> str:
    try:
        known = json.loads((vintage.data / FETCHED / vintage.record.source / CHECKED).read_text("utf-8"))
        return f", still the same on {known['at']}" if known["vintage"] == vintage.id else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def describe_change(change: VintageChange) -> list[str]:
    """What moved between two editions: a line a column, then the periods, then the largest moves."""
    lines = [
        f"{change.source}: {change.old} ({change.rows_old:,} rows) -> {change.new} ({change.rows_new:,} rows)",
        f"  rows only in the new one: {len(change.added):,}; gone from it: {len(change.gone):,}",
    ]
    for item in change.columns:
        lines.append(
            f"  {item.column}: {item.moved:,} of {item.common:,} common cells moved, by up to {item.largest:g}, on average "
            f"{item.mean:+.3g}; {item.emptied:,} became empty, {item.filled:,} were filled"
        )
    if change.periods:
        shown = ", ".join(f"{period} ({count:,})" for period, count in change.periods[-SHOWN:])
        more = f"the last {SHOWN} of {len(change.periods)}: " if len(change.periods) > SHOWN else ""
        lines.append(f"  periods that moved: {more}{shown}")
    largest = sorted(change.cells, key=lambda cell: (cell.by is not None, -abs(cell.by or 0.0), cell.key, cell.column))
    for cell in largest[:SHOWN]:
        by = f" ({cell.by:+.4g})" if cell.by is not None else ""
        lines.append(f"    {', '.join(cell.key)}: {cell.column} {cell.old or 'empty'} -> {cell.new or 'empty'}{by}")
    if len(largest) > SHOWN:
        lines.append(f"    and {len(largest) - SHOWN:,} more; all of them with --out FILE.csv")
    if not change.cells and not change.added and not change.gone:
        lines.append("  nothing moved")
    return lines


def vintage_data(item: Vintage, newest: bool) -> dict[str, object]:
    """A vintage for JSON output."""
    return {
        "source": item.record.source,
        "vintage": item.id,
        "retrieved": item.retrieved,
        "folder": item.shown,
        "is_read": newest,
        "contract_version": item.record.contract_version,
        "answers": [{"address": a.address, "at": a.at, "sha256": a.sha256, "size": a.size} for a in item.record.answers],
        "tables": [{"file": t.file, "sha256": t.sha256} for t in item.record.tables],
        "notes": list(item.record.notes),
    }


@contextmanager
def open_progress(stream: IO[str]) -> Iterator[tuple[Callable[[str], None], Callable[[int], None]]]:
    """Two functions that show how a fetch is getting on: one takes lines, the other bytes of the answer that is coming in.

    On a terminal the bytes run in a line of their own; elsewhere only the lines are written.
    """
    if not stream.isatty():

        def write(line: str) -> None:
            stream.write(f"{line}\n")
            stream.flush()

        yield write, lambda size: None
        return
    from rich.console import Console

    console = Console(file=stream)
    with console.status("asking") as status:
        yield (
            lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True),
            lambda size: status.update(f"{size:,} bytes"),
        )

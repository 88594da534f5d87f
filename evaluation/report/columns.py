"""How the columns of a table share the width of a page, so that no word is wider than its column."""

from __future__ import annotations

import re
from collections.abc import Sequence

ROOM, SMALL_ROOM = 97, 108
"""Characters of table text across a page of the PDF, and of the smaller text of a table of many columns."""
SMALL = 6
"""Columns above which a table has smaller text."""
PADDING = 3
"""Characters that the space between two columns takes."""
BOLD = 1.15
"""Width of a bold letter of a header, in letters of a cell."""
HEADER_LINES = 2
"""Lines a header may take without widening its column."""
LONG = 20
"""Letters of a word from which it may be broken after punctuation, such as the name of a file."""

_BREAK = re.compile(r"(?<=\w)([_/.-]+)(?=\w)")
_LINE = "\u200b"
"""A place where a line may break, without width."""


def soften(text: str) -> str:
    """The text with places where its long words may break."""
    return " ".join(_BREAK.sub(rf"\1{_LINE}", word) if len(word) > LONG else word for word in text.split(" "))


def share_width(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Width of each column in characters: its longest word at least, and otherwise so that all need the same number of lines."""
    least, longest = [], []
    for n, name in enumerate(header):
        cells = [row[n] for row in rows]
        words = [len(part) for cell in cells for word in cell.split(" ") for part in soften(word).split(_LINE)]
        title = BOLD * max(map(len, name.split(" ")))
        least.append(max([title, *words]) + PADDING)
        longest.append(max([title, BOLD * len(name) / HEADER_LINES, *map(len, cells)]))

    def widths(lines: float) -> list[float]:
        return [max(low, length / lines + PADDING) for low, length in zip(least, longest, strict=True)]

    room = max(SMALL_ROOM if len(header) > SMALL else ROOM, sum(least))
    few, many = 1.0, max(longest)
    if sum(widths(few)) > room:
        while many - few > 0.01:
            middle = (few + many) / 2
            few, many = (middle, many) if sum(widths(middle)) > room else (few, middle)
    else:
        many = few
    return [max(round(width), 3) for width in widths(many)]

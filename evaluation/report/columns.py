"""How the columns of a table share the width of a page, so that no word is wider than its column."""

from __future__ import annotations

import re
from collections.abc import Sequence

ROOM = 96
"""Characters of table text across a page of the PDF."""
PADDING = 3
"""Characters that the space between two columns takes."""
BOLD = 1.15
"""Width of a bold letter of a header, in letters of a cell."""
WIDEST = 60
"""Characters from which a cell asks for no more room: it stands in several lines."""
LONG = 20
"""Letters of a word from which it may be broken after punctuation, such as the name of a file."""

_BREAK = re.compile(r"(?<=\w)([_/.-]+)(?=\w)")
_LINE = "\u200b"
"""A place where a line may break, without width."""


def soften(text: str) -> str:
    """The text with places where its long words may break."""
    return " ".join(_BREAK.sub(rf"\1{_LINE}", word) if len(word) > LONG else word for word in text.split(" "))


def share_width(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """Width of each column in characters: its longest word at least, and what is left in proportion to what it could use."""
    least, wanted = [], []
    for n, name in enumerate(header):
        cells = [row[n] for row in rows]
        words = [len(part) for cell in cells for word in cell.split(" ") for part in soften(word).split(_LINE)]
        title = BOLD * max(map(len, name.split(" ")))
        least.append(max([title, *words]) + PADDING)
        longest = max([title, 0.6 * len(name), *(len(cell) for cell in cells)])
        wanted.append(max(min(longest, WIDEST) + PADDING, least[-1]))
    spare, asked = max(ROOM - sum(least), 0.0), sum(wanted) - sum(least)
    share = min(spare / asked, 1.0) if asked else 0.0
    return [max(round(low + share * (high - low)), 3) for low, high in zip(least, wanted, strict=True)]

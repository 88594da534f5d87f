"""How the columns of a table share the width of a page, so that no word is wider than its column."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

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
    """Width of each column in characters: its longest word at least; the room beyond goes where it saves the table most lines."""
    columns = [[BOLD * len(name) / HEADER_LINES, *(len(row[n]) for row in rows)] for n, name in enumerate(header)]
    least = []
    for n, name in enumerate(header):
        words = [len(part) for row in rows for word in row[n].split(" ") for part in soften(word).split(_LINE)]
        least.append(math.ceil(max([BOLD * max(map(len, name.split(" "))), *words]) + PADDING))
    spare = max((SMALL_ROOM if len(header) > SMALL else ROOM) - sum(least), 0)
    # lines[n][s, r]: lines that cell r of column n takes when the column is s characters wider than its longest word
    room = [np.arange(low - PADDING, low - PADDING + spare + 1)[:, None] for low in least]
    lines = [np.maximum(np.ceil(np.array(cells) / size), 1.0) for cells, size in zip(columns, room, strict=True)]
    extra = [0] * len(header)
    while spare:
        now = [column[more] for column, more in zip(lines, extra, strict=True)]
        best, wider, saved = -1, 0, 0.0
        for n in range(len(header)):
            beside = np.max([0 * now[n], *now[:n], *now[n + 1 :]], axis=0)
            height = np.maximum(beside, lines[n][extra[n] : extra[n] + spare + 1]).sum(axis=1)
            saving = (height[0] - height[1:]) / np.arange(1, len(height))
            if saving.size and saving.max() > saved:
                best, wider, saved = n, int(saving.argmax()) + 1, float(saving.max())
        if best < 0:
            break
        extra[best] += wider
        spare -= wider
    return [low + more for low, more in zip(least, extra, strict=True)]

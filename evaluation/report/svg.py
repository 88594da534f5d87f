"""Make matplotlib's SVG small: a report holds dozens of pictures, most of their bytes digits that nobody can see."""

from __future__ import annotations

import re
from functools import lru_cache

MANY_POINTS = 400
"""Points of a path from which a tenth of a point on paper is exact enough."""

_SKIPPED = re.compile(r"<\?xml.*?\?>\s*|<!DOCTYPE.*?>\s*|<!--.*?-->\s*|<metadata>.*?</metadata>\s*", re.S)
_PATH = re.compile(r'(<path(?: id="(?P<id>[^"]*)")?) d="(?P<d>[^"]*)"')
_TOKEN = re.compile(r"[A-Za-z]|-?[\d.]+(?:e-?\d+)?")
_SPACE = re.compile(r">\s+<")
_NUMBER = re.compile(r'(?<=[ "(])-?\d+\.\d{3,}(?=[ ")])')


def shrink_svg(svg: str) -> str:
    """The same picture in fewer bytes: rounded coordinates, no metadata, no space between elements.

    Paths of text keep whole font units, long paths a tenth and others a hundredth of a point.
    """
    bare = _PATH.sub(_shrink_path, _SKIPPED.sub("", svg))
    return _SPACE.sub("><", _NUMBER.sub(lambda found: _write(float(found[0]), 3), bare)).strip() + "\n"


def _shrink_path(match: re.Match[str]) -> str:
    if (match["id"] or "").startswith("DejaVu"):
        return f'{match[1]} d="{_shrink_letter(match["d"])}"'
    tokens = _TOKEN.findall(match["d"])
    return f'{match[1]} d="{_join(tokens, 2 - (len(tokens) > 2 * MANY_POINTS))}"'


@lru_cache(maxsize=1024)
def _shrink_letter(path: str) -> str:
    """A letter of the font, which is the same in every picture."""
    return _join(_TOKEN.findall(path), 0)


def _join(tokens: list[str], digits: int) -> str:
    """Path data; a command that repeats, or a line after a move, need not be said again."""
    pieces: list[str] = []
    last, after_number = "", False
    for token in tokens:
        if token.isalpha():
            if not (token == last or (token == "L" and last == "M")) or token in "Mz":
                pieces.append(token)
                after_number = False
            last = token
        else:
            number = _write(float(token), digits)
            pieces.append(f" {number}" if after_number and number[0] != "-" else number)
            after_number = True
    return "".join(pieces)


def _write(value: float, digits: int) -> str:
    """A number without what says nothing: noughts at its end and before its point."""
    text = f"{value:.{digits}f}"
    if digits:
        text = text.rstrip("0").rstrip(".")
    if text == "-0":
        return "0"
    if text.startswith("0."):
        return text[1:]
    return f"-{text[2:]}" if text.startswith("-0.") else text

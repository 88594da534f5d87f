"""Make matplotlib's SVG small: a report holds dozens of pictures, most of their bytes digits that nobody can see."""

from __future__ import annotations

import re

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
    tokens = _TOKEN.findall(match["d"])
    is_letter = (match["id"] or "").startswith("DejaVu")
    digits = 0 if is_letter else 2 - (len(tokens) > 2 * MANY_POINTS)
    return f'{match[1]} d="{_join(tokens, digits)}"'


def _join(tokens: list[str], digits: int) -> str:
    """Path data; a command that repeats, or a line after a move, need not be said again."""
    pieces: list[str] = []
    last = ""
    for token in tokens:
        if token.isalpha():
            if not (token == last or (token == "L" and last == "M")) or token in "Mz":
                pieces.append(token)
            last = token
        else:
            number = _write(float(token), digits)
            joined = pieces and not pieces[-1].isalpha() and not number.startswith("-")
            pieces.append(f" {number}" if joined else number)
    return "".join(pieces)


def _write(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = "0" if text in ("-0", "") else text
    return re.sub(r"^(-?)0\.", r"\1.", text)

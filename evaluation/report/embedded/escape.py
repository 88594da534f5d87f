"""Text from data, made safe to stand in a report source."""

from __future__ import annotations

import re

__all__ = ["escape_markdown"]

# Every ASCII punctuation character that pandoc's Markdown may read as markup; a backslash before one makes it text.
_MARKUP = re.compile(r"""([\\`*_{}\[\]()<>#+\-.!|$^~@"'&:=%/])""")
_SPACES = re.compile(r"[^\S\u00a0]+")
# In these places the characters mean nothing, and an escape would only make the source harder to read.
_HARMLESS = re.compile(r"(?<=\w)\\([-.'/:])(?=\w)|(?<=\d)\\(%)")


def escape_markdown(text: str) -> str:
    r"""Return Markdown that prints `text` as it is, whatever it holds.

    Parameters
    ----------
    text
        A name or value from data, such as ``'<script> & "Môn" | $x$ *_'``.

    Returns
    -------
    str
        One line in which no character is markup; it may also stand in a table cell or a heading. Runs of white
        space become one space; no-break spaces stay. Quotation marks stay straight.

    Examples
    --------
    >>> escape_markdown("Stoke-on-Trent *")
    'Stoke-on-Trent \\*'
    """
    escaped = _MARKUP.sub(r"\\\1", _SPACES.sub(" ", text.strip()))
    return _HARMLESS.sub(lambda match: match[1] or match[2], escaped)

"""The phrases no page may hold, and what to write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Banned:
    """A phrase that must not stand on a page, and what to write."""

    pattern: str
    instead: str


BANNED = (
    Banned(r"no (?:effect|impact)", "say what the data rule out, or that they cannot tell"),
    Banned(r"had no", "say what the data rule out, or that they cannot tell"),
    Banned(r"did(?: not|n['’]t) work", "say what the data rule out, or that they cannot tell"),
    Banned(r"failed to", "say what happened"),
    Banned(r"prov(?:es|ed|en)", "say 'suggests', or give the interval"),
    Banned(r"ineffective", "say what the data rule out, or that they cannot tell"),
    Banned(r"trend(?:s|ed|ing)? towards?", "give the interval"),
    Banned(r"(?:nearly|almost|marginally|borderline) (?:statistically )?significant", "give the interval"),
    Banned(r"marginal(?:ly)?", "give the interval"),
    Banned(r"improve(?:s|d|ment|ments)?", "say 'lower' or 'higher'"),
    Banned(r"worse(?:n|ns|ned|ning)?", "say 'lower' or 'higher'"),
    Banned(r"success(?:ful|fully)? as a result", "say what was lower or higher"),
    Banned(r"(?<!statistically )significan(?:t|tly|ce)", "say 'statistically significant', or better give the interval"),
)
CAUSED = Banned(r"caus(?:ed|es)", "keep it for a verdict of 'detected'")

_QUOTED = re.compile(r"“[^”]*”|\"[^\"\n]*\"|(?<!\w)‘[^’\n]*’(?!\w)|`[^`\n]*`")


def check_wording(text: str, *, detected: bool = False) -> list[str]:
    """List the banned phrases of a text with their surroundings; what stands in quotation marks is not read.

    Parameters
    ----------
    text : str
        Text of a page, without markup.
    detected : bool
        Whether the page reports a detected difference, and may speak of causes.
    """
    bare = _QUOTED.sub(" ", text)
    banned = BANNED if detected else (*BANNED, CAUSED)
    found = []
    for item in banned:
        for match in re.finditer(rf"\b(?:{item.pattern})\b", bare, re.IGNORECASE):
            around = bare[max(match.start() - 30, 0) : match.end() + 30].replace("\n", " ").strip()
            found.append(f"'{match[0]}' in '…{around}…': {item.instead}")
    return found

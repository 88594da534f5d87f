"""Small pieces of sentences: lists, capitals, and names that give way to their number."""

from __future__ import annotations

from collections.abc import Sequence

MANY = 12
"""Names above which a sentence gives their number instead."""


def join_words(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def name_or_count(names: Sequence[str], noun: str = "areas") -> str:
    """The names in alphabetical order, or how many there are when nobody would read them all."""
    return join_words(sorted(names, key=str.casefold)) if len(names) <= MANY else f"{len(names):,} {noun}"


def upper_first(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """The text with a small first letter."""
    return text[:1].lower() + text[1:]


def end_sentence(text: str) -> str:
    """The text with a full stop, if it has no end of its own."""
    bare = " ".join(text.split())
    return bare if not bare or bare[-1] in ".!?:" else f"{bare}."

"""How a record looks in a notebook: HTML, with plain text beside it. What is in either stands in `evaluation.results.sheets`."""

from __future__ import annotations

import re
from html import escape
from typing import Protocol


class Printer(Protocol):
    """What IPython gives an object to print itself on."""

    def text(self, obj: str, /) -> None:
        """Print `obj`."""


class Shown:
    """A record that shows itself as an accessible table where there is HTML, and as a few lines of text elsewhere.

    ``repr(record)`` stays whole: what is kept by it, such as drawn pictures, must tell any two records apart.
    """

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Give the class a text of its own: IPython takes the nearest one, and a dataclass has its own `__repr__`."""
        super().__init_subclass__(**kwargs)
        cls._repr_pretty_ = _print_text  # type: ignore[attr-defined]

    def _repr_html_(self) -> str:
        from evaluation.results.sheets import to_html

        return to_html(self)


def _print_text(record: Shown, printer: Printer, cycle: bool) -> None:
    from evaluation.results.sheets import to_text

    printer.text(type(record).__name__ if cycle else to_text(record))


class Explanation(str):
    """Lines of text that show as such in a notebook: numbered ones as a list, the first as a heading; otherwise a string."""

    __slots__ = ()

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        first, *lines = self.split("\n")
        if not lines:
            return f"<p>{escape(first)}</p>"
        parts, items = [f"<p><strong>{escape(first)}</strong></p>"], [re.fullmatch(r"\d+ (.*)", line) for line in lines]
        for number, (line, item) in enumerate(zip(lines, items, strict=True)):
            if item is None:
                parts.append(f"<p>{escape(line)}</p>")
                continue
            head, colon, said = item[1].partition(": ")
            opens, closes = number == 0 or items[number - 1] is None, number + 1 == len(items) or items[number + 1] is None
            parts.append(f"{'<ol>' if opens else ''}<li><strong>{escape(head)}</strong>{escape(colon + said)}</li>")
            parts[-1] += "</ol>" if closes else ""
        return "\n".join(parts)

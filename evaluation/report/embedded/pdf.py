"""Compile the book's typst text to a PDF that typst itself holds to PDF/UA-1."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from pathlib import Path

import typst

from evaluation.errors import ReportError
from evaluation.report.embedded.project import Book, read_text

__all__ = ["compile_pdf", "typst_template"]

DEFINITIONS = Path(__file__).parent / "assets" / "definitions.typ"
# The order in which Quarto's own book template brings them in.
PARTIALS = ("numbering.typ", "definitions.typ", "typst-template.typ", "page.typ", "typst-show.typ")

_NO_GLYPH = re.compile(r'the text `"(.+?)"` could not be displayed')
_ATTEMPTS = 6
"""How often a text is tried again with the characters named that no font has; typst names many at once."""


def typst_template(book: Book) -> str:
    """The template of the book's PDF: our definitions, then the partials of its format extension.

    A partial that prints ``$colophon$`` places the note on how the PDF was made; without one it comes last.
    """
    parts = [DEFINITIONS.read_text("utf-8")]
    parts += [read_text(book.partials[name]) for name in PARTIALS if name in book.partials]
    parts.append("$body$")
    if not any("$colophon$" in part for part in parts):
        parts.append("#build-colophon[$colophon$]")
    return "\n".join(parts)


def compile_pdf(book: Book, text: str, root: Path, timestamp: dt.datetime) -> bytes:
    """Compile `text`, whose images lie under `root`.

    Parameters
    ----------
    book
        Its title names the PDF in messages.
    text
        The typst source.
    root
        The folder that ``/`` means in the source.
    timestamp
        Written into the PDF as its date, so that equal sources give equal bytes.

    Raises
    ------
    ReportError
        When typst refuses the text, for instance because an image has no alternative text.
    """
    for _ in range(_ATTEMPTS):
        try:
            compiler = typst.Compiler(input=text.encode(), root=str(root), ignore_system_fonts=True)
            pdf = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=timestamp)
        except typst.TypstError as error:
            named = _name_characters(text, error.diagnostic)
            if named == text:
                hints = "".join(f" ({hint})" for hint in error.hints or [])
                raise ReportError(
                    f"{book.pdf_name}: typst: {error.message}{hints}; the PDF must pass PDF/UA-1, so mend the source.\n"
                    f"{error.diagnostic}"
                ) from error
            text = named
            continue
        if not isinstance(pdf, bytes):
            raise ReportError(f"{book.pdf_name}: typst wrote no single PDF; report this as a fault.")
        return pdf
    raise ReportError(f"{book.pdf_name}: the text has too many characters that no font of the PDF has; write them in letters.")


def _name_characters(text: str, diagnostic: str) -> str:
    """The text with every character that typst found in no font, such as an emoji in a name, as its Unicode name in ‹ ›."""
    missing = {character for cluster in _NO_GLYPH.findall(diagnostic) for character in cluster if not character.isascii()}
    return text.translate({ord(character): _stand_in(character) for character in missing})


def _stand_in(character: str) -> str:
    if unicodedata.category(character) in ("Cf", "Mn", "Me"):  # joiners and the like, which are not seen by themselves
        return ""
    return f"‹{unicodedata.name(character, f'U+{ord(character):04X}').lower()}›"

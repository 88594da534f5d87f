"""Compile the book's typst text to a PDF that typst itself holds to PDF/UA-1."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import typst

from evaluation.errors import ReportError
from evaluation.report.embedded.project import Book, read_text

__all__ = ["compile_pdf", "typst_template"]

DEFINITIONS = Path(__file__).parent / "assets" / "definitions.typ"
# The order in which Quarto's own book template brings them in.
PARTIALS = ("numbering.typ", "definitions.typ", "typst-template.typ", "page.typ", "typst-show.typ")


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
    try:
        compiler = typst.Compiler(input=text.encode(), root=str(root), ignore_system_fonts=True)
        pdf = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=timestamp)
    except typst.TypstError as error:
        hints = "".join(f" ({hint})" for hint in error.hints or [])
        raise ReportError(
            f"{book.pdf_name}: typst: {error.message}{hints}; the PDF must pass PDF/UA-1, so mend the source.\n{error.diagnostic}"
        ) from error
    if not isinstance(pdf, bytes):
        raise ReportError(f"{book.pdf_name}: typst wrote no single PDF; report this as a fault.")
    return pdf

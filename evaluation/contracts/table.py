"""Text tables with true line numbers: the only way data files are read.

Cells stay the text that was published, so that a finding can quote it and a marker such as ``..`` or ``NA`` is never lost.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.errors import DataError

SIZE_LIMIT = 1_000_000_000
"""Bytes of text after unpacking; a table takes some six times as much memory, and the largest publication known has a tenth."""
RATIO_LIMIT = 200
"""Largest unpacked size over packed size; published CSV packs 5 to 40 times."""
_SMALL = 50_000_000
"""Unpacked bytes below which the ratio does not matter."""

_OTHER_FILES = {
    b"PK\x03\x04": "a spreadsheet or zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a parquet file",
    b"%PDF": "a PDF",
    b"BZh": "a bzip2 archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\xfd7zXZ": "an xz archive",
}
"""How files begin that are no text, and what they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file's rows as text.

    Attributes
    ----------
    file : name of the file, as findings show it
    frame : DataFrame of text cells with the contract's column names, empty text where a cell is empty
    line : integer array, one line number (or sheet row) of the file for each row of `frame`
    """

    file: str
    frame: pd.DataFrame
    line: np.ndarray
    header_line: int = 1
    """Line (or sheet row) the column names stand in."""

    def __post_init__(self) -> None:
        """Refuse lines that do not match the rows."""
        if len(self.line) != len(self.frame):
            raise ValueError(f"{self.file}: {len(self.frame)} rows but {len(self.line)} line numbers")
        self.line.setflags(write=False)


def read_text_table(path: Path, *, shown: str | None = None, separator: str = ",") -> Table:
    """Read a CSV file, plain or ``.gz``, as text.

    A byte-order mark, blank lines and quoted line breaks are fine. Lines are those of the (unpacked) file, counted from 1.

    Parameters
    ----------
    path : Path
        The file.
    shown : str, optional
        Name in messages; the file name by default.
    separator : str
        Between cells.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the file is empty, has no rows, is not UTF-8 CSV with `separator`, repeats a column name, holds a NUL byte or an
        unclosed quote, is a web page, or has rows longer or shorter than the header. Problems of a kind come together.
    """
    file = shown or path.name
    text = read_text(path, shown=file)
    return parse_text_table(text, file, separator=separator)


def read_text(path: Path, *, shown: str | None = None) -> str:
    """Text of a file, unpacked where it is ``.gz``, without byte-order mark; `DataError` where it is not UTF-8 text."""
    file = shown or path.name
    try:
        if (size := path.stat().st_size) > SIZE_LIMIT:
            raise DataError(f"{file}: the file has {size:,} bytes, more than {SIZE_LIMIT:,} (rule file). Fix: fetch it again.")
        packed = path.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: the file cannot be read ({error.strerror or error}).") from None
    raw = _unpack(file, packed) if packed[:2] == b"\x1f\x8b" else packed
    if not raw:
        raise DataError(f"{file}: the file is empty (0 bytes) (rule file). Fix: fetch it again.")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{file}: the encoding is UTF-16 (rule encoding). Fix: save the file as UTF-8.")
    if other := next((what for begin, what in _OTHER_FILES.items() if raw.startswith(begin)), ""):
        raise DataError(
            f"{file}: this is {other} under the name of a text file (rule file). Fix: save it as CSV, or give it its true name."
        )
    if (nul := raw.find(b"\x00")) >= 0:
        line, column = _position(raw, nul)
        count = raw.count(b"\x00")
        if count > len(raw) / 3:
            raise DataError(
                f"{file}: {count:,} of {len(raw):,} bytes are NUL, so this is UTF-16 or UTF-32 without its mark, or no text at"
                " all (rule encoding). Fix: save the file as UTF-8."
            )
        raise DataError(
            f"{file}:{line}:{column}: a NUL byte stands in the text (rule encoding; {count} byte(s)). Fix: fetch the file again,"
            " or remove it."
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _position(raw, error.start)
        byte = raw[error.start]
        raise DataError(
            f"{file}:{line}:{column}: the byte 0x{byte:02x} is not UTF-8; the file looks like Windows-1252 or Latin-1 (rule"
            " encoding). Fix: save the file as UTF-8."
        ) from None


def _unpack(file: str, packed: bytes) -> bytes:
    allowed = min(SIZE_LIMIT, max(_SMALL, RATIO_LIMIT * len(packed)))
    try:
        with gzip.open(io.BytesIO(packed)) as stream:
            raw = stream.read(allowed + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: the file cannot be unpacked ({error}) (rule file). Fix: fetch it again.") from None
    if len(raw) > allowed:
        raise DataError(
            f"{file}: {len(packed):,} bytes unpack to more than {allowed:,}, which no published table does (rule file). Fix:"
            " fetch it again."
        )
    return raw


def _position(raw: bytes, offset: int) -> tuple[int, int]:
    start = raw.rfind(b"\n", 0, offset) + 1
    return raw.count(b"\n", 0, offset) + 1, offset - start + 1


def parse_text_table(text: str, file: str, *, separator: str = ",") -> Table:
    """`read_text_table` for text that is already there."""
    _refuse_web_page(text, file)
    cells, lines = _rows(text, file, separator)
    if not cells:
        raise DataError(f"{file}: the file holds blank lines only (rule file). Fix: fetch it again.")
    header, header_line = cells[0], lines[0]
    _refuse_header(header, header_line, file, separator)
    width = len(header)
    ragged = [i for i in range(1, len(cells)) if len(cells[i]) != width and not _is_conflict_mark(cells[i])]
    if ragged:
        first = ragged[0]
        raise DataError(
            f"{file}:{lines[first]}: the row has {len(cells[first])} cells, the header {width} (rule shape; {len(ragged)}"
            f" row(s)). Fix: {_remedy(cells, ragged, width, header_line)}."
        )
    if len(cells) == 1:
        raise DataError(f"{file}:{header_line}: the file has a header and no rows (rule file). Fix: fetch it again.")
    body = [row if len(row) == width else row + [""] * (width - len(row)) for row in cells[1:]]
    frame = pd.DataFrame(body, columns=header, dtype=object)
    return Table(file, frame, np.asarray(lines[1:], dtype=np.int64), header_line)


def _remedy(cells: list[list[str]], ragged: list[int], width: int, header_line: int) -> str:
    """What to do about rows of another length than the header."""
    widest = max(len(row) for row in cells)
    if width <= widest / 2 and sum(len(row) == widest for row in cells) > len(cells) / 2:
        return f"line {header_line} is no row of column names but a title or a setting; take away what stands above the names"
    if ragged[-1] == len(cells) - 1 and all(len(cells[i]) == 1 for i in ragged):
        return "the last lines are footnotes; take them away"
    return "look for an unquoted separator or a cut line"


def _rows(text: str, file: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """Rows with the line each begins on, blank lines left out."""
    cells: list[list[str]] = []
    lines: list[int] = []
    # The same code or name stands in thousands of rows: one text for all of them takes a third of the memory.
    known: dict[str, str] = {}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    try:
        for row in reader:
            if row and not (len(row) == 1 and not row[0].strip()):
                cells.append([known.setdefault(cell, cell) for cell in row])
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        what = (
            "a quote opens in this row and is never closed"
            if "unexpected end" in str(error)
            else f"a cell of this row has more than {csv.field_size_limit():,} characters, as after a quote that is never closed"
            if "field limit" in str(error)
            else f"the row cannot be read ({error})"
        )
        raise DataError(
            f'{file}:{start}: {what} (rule shape). Fix: close the quote, or write "" for a quote inside a cell.'
        ) from None
    return cells, lines


def _refuse_web_page(text: str, file: str) -> None:
    head = text[:500].lstrip().lower()
    if head.startswith(("<!doctype html", "<html", "<?xml", "<head", "<body")):
        raise DataError(f"{file}:1: this is a web page, not data (rule file). Fix: fetch it again.")
    if head.startswith("version https://git-lfs"):
        raise DataError(f"{file}:1: this is a pointer to a file, not the file (rule file). Fix: get it with `git lfs pull`.")
    if head.startswith(("{", "[{")):
        raise DataError(f"{file}:1: this is JSON, not a CSV table (rule file). Fix: fetch it again and ask for CSV.")


def _refuse_header(header: list[str], line: int, file: str, separator: str) -> None:
    if len(header) == 1:
        for other, name in ((";", "';'"), ("\t", "a tab"), ("|", "'|'"), (",", "','")):
            if other != separator and other in header[0]:
                raise DataError(
                    f"{file}:{line}: the separator looks like {name}, not {separator!r} (rule shape). Fix: save the file with"
                    f" {separator!r}."
                )
    places: dict[str, list[int]] = {}
    for position, name in enumerate(header, start=1):
        if name.strip():
            places.setdefault(name, []).append(position)
    twice = {name: where for name, where in places.items() if len(where) > 1}
    if twice:
        shown = "; ".join(f"{name!r} in columns {', '.join(map(str, where))}" for name, where in twice.items())
        raise DataError(f"{file}:{line}: the header names a column twice: {shown} (rule header). Fix: remove or rename one.")


def _is_conflict_mark(row: list[str]) -> bool:
    """Whether the row is a line a version-control merge left behind; the checker reports it with its line."""
    return row[0].startswith(("<<<<<<<", "=======", ">>>>>>>"))

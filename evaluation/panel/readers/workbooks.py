"""Opening spreadsheets that come from elsewhere: plain cells only, and no more of them than a publication has."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.readers.reading import describe

SIZE_LIMIT = 400_000_000
"""Bytes of a workbook's parts after unpacking; the largest publication known has a tenth."""

_BROKEN = (
    *(KeyError, ValueError, OSError, zipfile.BadZipFile, EOFError, zlib.error),
    *(TypeError, AttributeError, IndexError, NotImplementedError, RuntimeError, SyntaxError),
)
"""What reading the parts of a broken workbook can raise; a broken XML part is a `SyntaxError`."""


def read_sheets(raw: bytes, file: str) -> Iterator[tuple[str, list[list[Any]]]]:
    """Read every sheet of a workbook as rows of cell values, one sheet after the other.

    Raises
    ------
    DataError
        If it is no workbook or unpacks to too much.
    ConfigurationError
        If it holds macros or links to other files.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            names = [item.filename for item in parts.infolist()]
            size = sum(item.file_size for item in parts.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(describe(file, f"this is not a whole spreadsheet: {error}", rule="file", fix="fetch it again")) from None
    active = [name for name in names if "vbaProject" in name or "externalLinks/" in name]
    if active:
        raise ConfigurationError(
            f"{file}: the workbook holds macros or links to other files ({active[0]}); save it as CSV or as plain .xlsx."
        )
    if size > SIZE_LIMIT:
        what = f"the workbook unpacks to {size:,} bytes, more than {SIZE_LIMIT:,}"
        raise DataError(describe(file, what, rule="file", fix="fetch it again"))
    import openpyxl

    try:
        with warnings.catch_warnings():
            # Only cell values are read; openpyxl warns of styles and extensions it would not write again.
            warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            try:
                for page in book.worksheets:
                    page.reset_dimensions()
                    yield page.title, [list(row) for row in page.iter_rows(values_only=True)]
            finally:
                book.close()
    except _BROKEN as error:
        raise DataError(describe(file, f"the spreadsheet cannot be read: {error}", rule="file", fix="fetch it again")) from None

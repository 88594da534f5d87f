"""Readers: one function for each published layout, each giving a long text table with the line every row came from.

Adding a layout is one module here and one line in `READERS`; the contract of a source names its reader.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evaluation.contracts.fields import nearest
from evaluation.contracts.records import Contracts, Source
from evaluation.errors import ConfigurationError
from evaluation.panel.readers.nomis import read_nomis_counts, read_nomis_survey
from evaluation.panel.readers.nomis_sheet import read_nomis_sheet
from evaluation.panel.readers.ons import read_ons_explore_local_statistics
from evaluation.panel.readers.paye_rti import read_paye_rti
from evaluation.panel.readers.reading import Reading
from evaluation.panel.readers.statxplore import read_statxplore_wide
from evaluation.panel.readers.tidy import read_tidy_csv

__all__ = ["READERS", "Reader", "Reading", "read_published"]

Reader = Callable[[Path, Source, Contracts], Reading]

READERS: dict[str, Reader] = {
    "ons_explore_local_statistics": read_ons_explore_local_statistics,
    "nomis_survey": read_nomis_survey,
    "nomis_counts": read_nomis_counts,
    "nomis_sheet": read_nomis_sheet,
    "paye_rti": read_paye_rti,
    "statxplore_wide": read_statxplore_wide,
    "tidy_csv": read_tidy_csv,
}


def read_published(path: Path, source: Source, contracts: Contracts) -> Reading:
    """Read a file with the reader its source names.

    Raises
    ------
    DataError
        If the file is not of the layout.
    ConfigurationError
        If the contract names a reader there is not.
    """
    if source.reader not in READERS:
        close = nearest(source.reader, READERS)
        raise ConfigurationError(
            f"source {source.id}: there is no reader {source.reader!r}{close}; the readers are {', '.join(READERS)}."
        )
    return READERS[source.reader](path, source, contracts)

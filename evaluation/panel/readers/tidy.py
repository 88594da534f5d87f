"""Files that are long tables already, under the contract's own column names."""

from __future__ import annotations

from pathlib import Path

from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.table import read_text_table
from evaluation.panel.readers.reading import Reading


def read_tidy_csv(path: Path, source: Source, contracts: Contracts) -> Reading:
    """Read a long CSV as it stands, such as the demonstration's or one made from a statistics service's answers.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.csv.gz``.
    source : Source
        Its contract, which the check holds the columns against.
    contracts : Contracts
        Not used here.

    Returns
    -------
    Reading
    """
    return Reading(table=read_text_table(path))

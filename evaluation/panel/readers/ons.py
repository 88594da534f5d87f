"""ONS Explore Local Statistics: annual indicators by area, in two layouts that hold the same."""

from __future__ import annotations

from pathlib import Path

from evaluation.contracts.records import Contracts, Source
from evaluation.contracts.table import Table, read_text_table
from evaluation.errors import DataError
from evaluation.panel.readers.reading import Reading, describe, require_columns

EARLIER_LAYOUT = {
    "AREACD": "areacd",
    "AREANM": "areanm",
    "Geography": "geography",
    "Variable Name": "variable_name",
    "Indicator": "indicator",
    "Mission": "mission",
    "Category": "category",
    "Period": "period",
    "Observation": "observation",
    "Measure": "measure",
    "Unit": "unit",
    "Lower Confidence Interval (95%)": "lci_95",
    "Upper Confidence Interval (95%)": "uci_95",
    "Observation Status": "status",
    "Polarity": "polarity",
    "Notes": "notes",
}
"""Column names up to the edition of 2024-11 (14 columns, 16 in the subnational files) to those of 2026-01 (12 columns)."""

NAMES = (
    "areacd",
    "areanm",
    "geography",
    "indicator",
    "period",
    "observation",
    "measure",
    "unit",
    "lci_95",
    "uci_95",
    "status",
    "notes",
)


def read_ons_explore_local_statistics(path: Path, source: Source, contracts: Contracts) -> Reading:
    """Read either layout under the names of the newer one.

    Every row is kept, also one that is no data, such as a mark a merge left behind: the contract's check names it with its line.
    Columns only the earlier layout has (``variable_name``, ``polarity``, ``mission``, ``category``) are kept too.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.csv.gz``.
    source : Source
        Its contract.
    contracts : Contracts
        Not used here.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        If the file cannot be read as a table or has neither layout.
    """
    published = read_text_table(path)
    names = {name: EARLIER_LAYOUT.get(str(name), str(name)) for name in published.frame.columns}
    if len(set(names.values())) != len(names):
        what = "the header mixes the earlier and the present layout"
        raise DataError(describe(path.name, what, line=published.header_line, rule="header", fix="fetch the file again"))
    table = Table(published.file, published.frame.rename(columns=names), published.line, published.header_line)
    require_columns(table, NAMES)
    return Reading(table=table)

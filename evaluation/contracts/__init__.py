"""What data must look like: registers, sources, outcomes and designs as frozen records, and the checks of files."""

from evaluation.contracts.check import check_table, format_violations
from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.contracts.table import Table, read_text_table

__all__ = ["Contracts", "Table", "check_table", "format_violations", "load_contracts", "read_text_table"]

"""What came in: data files and the panel made of them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from evaluation.results.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One file a panel was built from."""

    name: str
    sha256: str
    source: str
    contract_version: str
    vintage: str
    """Edition of the publication, such as ``2026-01``; ``not stated`` where the file does not tell."""
    rows: int
    synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel(Shown):
    """Every outcome of every area in one long table.

    `frame` has the columns ``area_code``, ``area_name``, ``period`` (``2024`` for a calendar year, otherwise ``YYYY-MM``, the
    last month of the reference window), ``outcome``, ``value`` (float, missing where not published), ``se`` (sampling standard
    error in the outcome's unit, missing where none) and ``flag`` (empty, or why the value is missing or weak).
    """

    frame: pd.DataFrame
    inputs: tuple[InputFile, ...]
    notes: tuple[str, ...] = ()
    """Warnings of the contracts' checks, and rows of other geographies that were set aside."""

    @property
    def synthetic(self) -> bool:
        """Whether any input is synthetic: then everything made from the panel is."""
        return any(item.synthetic for item in self.inputs)

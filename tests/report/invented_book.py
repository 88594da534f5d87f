"""The book of an invented run, for tests of the report. No number here describes a real programme."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
from invented import OUTCOMES, RATE, make_all, make_contracts, make_design, make_unit

from evaluation.contracts.records import Contracts
from evaluation.report.book import Book, Edition, write_book
from evaluation.results import Card, Design, Finding, Panel
from evaluation.synthesis import conclude_all

NASTY = '<script>alert(1)</script> & "Môn" | $x$ *_ {{< meta x >}}'
UNITS = [
    make_unit("zeta-hill", "Amber Vale", "2025-04", 1),
    make_unit("birch-moor", NASTY, "2025-04", 2),
    make_unit("amber", "Zeta Fen", "2025-08", 3),
]
DESIGN = make_design(UNITS)
CARDS = [
    Card(
        name=name, title=title, family="difference-in-differences", plain="It compares.", estimand="The mean.",
        assumptions=("One.", "Two."), limits=("Three.",), missing_cells="Refused.", source="Nobody (2020).",
        compared_with="Nothing.",
    )
    for name, title in (("event_study", "Event study"), ("twfe", "Fixed effects"), ("synthetic_control", "Synthetic control"))
]  # fmt: skip
EDITION = Edition(date=dt.date(2026, 10, 14), release="provisional")


def make_panel(contracts: Contracts, findings: tuple[Finding, ...]) -> Panel:
    codes = list(contracts.areas)
    frame = pd.DataFrame({"area_code": codes, "period": "2026-06", "outcome": RATE.id, "value": 1.0})
    return Panel(frame=frame, inputs=findings[0].provenance.inputs)


def assemble(
    folder: Path, *, synthetic: bool = True, design: Design = DESIGN, edition: Edition = EDITION, **changes: Any
) -> Book:
    """Write the book of an invented run into `folder`.

    Parameters
    ----------
    folder : Path
        Becomes the run's folder.
    synthetic : bool
        Whether the findings are marked as such, with planted effects beside them.
    design, edition
        As for `write_book`.
    **changes
        Other arguments of `write_book`, in place of the invented ones.
    """
    findings = changes.pop("findings", None) or make_all(design, synthetic=synthetic)
    contracts = make_contracts(units=design.treated)
    planted = None
    if synthetic:
        planted = folder / "planted.csv"
        folder.mkdir(parents=True, exist_ok=True)
        rows = {"area_code": ["E06000001", "E06000002"], "outcome": RATE.id, "start": "2025-04", "effect": [-1.25, -5.0]}
        pd.DataFrame(rows).assign(label="SYNTHETIC").to_csv(planted, index=False)
    options = {
        "design": design,
        "contracts": contracts,
        "panel": make_panel(contracts, findings),
        "findings": findings,
        "conclusions": conclude_all(findings, design, OUTCOMES),
        "cards": CARDS,
        "edition": edition,
        "planted": planted,
    }
    return write_book(folder / "book", **{**options, **changes})

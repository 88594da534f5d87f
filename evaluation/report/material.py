"""What the report is made of, and the questions its pages ask of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal, ParamSpec

import pandas as pd

from evaluation.contracts.records import Contracts, Outcome
from evaluation.report.answers import order_conclusions
from evaluation.report.binder import Binder
from evaluation.report.drawing import Picture
from evaluation.report.gallery import Gallery
from evaluation.report.tables import ReportTable
from evaluation.results import Card, Conclusion, Design, Finding, Panel
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import write_month

LICENCE = "Open Government Licence v3.0, except where otherwise stated"
SYNTHETIC_NOTE = "SYNTHETIC DATA: every number in this report is invented and describes no real place or programme."

P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a publication must say about itself."""

    date: date
    release: Literal["provisional", "final"]
    contact: str = ""
    licence: str = LICENCE
    deviations: tuple[str, ...] = ()
    """Departures from the protocol, one sentence each."""

    @property
    def day(self) -> str:
        """The date in words."""
        return write_month(self.date.isoformat())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Everything the report is made of."""

    design: Design
    contracts: Contracts
    panel: Panel
    findings: tuple[Finding, ...]
    conclusions: tuple[Conclusion, ...]
    cards: Mapping[str, Card]
    failures: tuple[tuple[str, str], ...]
    edition: Edition
    notebooks: Path | None = None
    """Folder of the executed notebooks, ``<outcome>/<area>/NN_name.ipynb``."""
    notebooks_from_pages: str = ""
    """The same folder as pages one folder down write it, such as ``../../notebooks``."""
    planted: pd.DataFrame | None = None
    binder: Binder = field(default_factory=Binder)
    gallery: Gallery = field(default_factory=Gallery)

    @property
    def synthetic(self) -> bool:
        """Whether anything in the report rests on synthetic data."""
        return self.panel.synthetic or any(f.synthetic for f in self.findings) or any(c.synthetic for c in self.conclusions)

    @property
    def primary(self) -> Outcome:
        """The primary outcome."""
        plans = self.design.outcomes
        return self.contracts.outcomes[next((p.id for p in plans if p.primary), plans[0].id)]

    def of(self, *, outcome: str = "", area: str = "") -> list[Conclusion]:
        """Conclusions of one outcome or area, pooled first, then by name."""
        chosen = [c for c in self.conclusions if outcome in ("", c.outcome) and area in ("", c.area)]
        return order_conclusions(chosen, self.design)

    def areas_of(self, outcome: str) -> list[Conclusion]:
        """Conclusions of one outcome for the areas, without the pooled one, by name."""
        return [c for c in self.of(outcome=outcome) if c.area != POOLED]

    def methods_of(self, outcome: str, area: str) -> list[Finding]:
        """Findings of one outcome and area in the design's order of methods."""
        order = (*self.design.did_estimators, *self.design.synthetic_control_estimators)
        mine = [f for f in self.findings if f.outcome == outcome and f.area == area]
        return sorted(mine, key=lambda f: (order.index(f.estimator) if f.estimator in order else len(order), f.estimator))

    def findings_of(self, outcome: str) -> list[Finding]:
        """Findings of one outcome, pooled first, then by area and method."""
        return [f for item in self.of(outcome=outcome) for f in self.methods_of(outcome, item.area)]

    def name_area(self, code: str) -> str:
        """Name of an authority by its code."""
        return self.contracts.areas[code].name if code in self.contracts.areas else code

    def place_figure(self, up: str, make: Callable[P, Picture], *records: P.args, **options: P.kwargs) -> str:
        """Draw a figure, put it into the book, and return its Markdown; `up` leads from the page to the book's folder."""
        picture, svg = self.gallery.show(make, *records, **options)
        return self.binder.place_figure(picture, svg, up=up)

    def place_table(self, up: str, table: ReportTable, name: str, *, download: bool = True) -> str:
        """Put a table into the book and return its Markdown."""
        return self.binder.place_table(table, name, up=up, download=download)

    def embed(self, outcome: str, area: str, notebook: str, label: str) -> str:
        """The shortcode for a labelled cell of an executed notebook, or nothing when it is not there with a table."""
        if self.notebooks is None:
            return ""
        file = self.notebooks / outcome / area / notebook
        if not file.is_file() or not _has_table(file, label):
            return ""
        return f"{{{{< embed {self.notebooks_from_pages}/{outcome}/{area}/{notebook}#{label} >}}}}"


def _has_table(file: Path, label: str) -> bool:
    mark = re.compile(rf"^#\|\s*label:\s*{re.escape(label)}\s*$", re.M)
    for cell in json.loads(file.read_text("utf-8")).get("cells", []):
        if cell.get("cell_type") == "code" and mark.search("".join(cell.get("source", []))):
            return any("text/markdown" in out.get("data", {}) for out in cell.get("outputs", []))
    return False

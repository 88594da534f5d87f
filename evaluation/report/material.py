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
from evaluation.panel.period_words import write_month
from evaluation.report.answers import order_conclusions
from evaluation.report.binder import Binder
from evaluation.report.drawing import Picture
from evaluation.report.gallery import Gallery
from evaluation.report.release_facts import Accessibility, CodeOfPractice
from evaluation.report.tables import ReportTable
from evaluation.results import Card, Conclusion, Design, Deviation, Finding, Panel, Pool, Power, Spillover, Stress
from evaluation.synthesis.changes import Changes
from evaluation.synthesis.evidence import POOLED

SYNTHETIC_NOTE = "SYNTHETIC DATA: every number in this report is invented and describes no real place or programme."

P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a publication must say about itself."""

    date: date
    release: Literal["provisional", "final"]
    contact: str = ""
    licence: str = ""
    publisher: str = ""
    """Who publishes the report."""
    registration: str = ""
    """Register and number under which the evaluation is registered, as the register gave it; empty where it is not."""
    dated: bool = False
    """Whether `date` is the publication date that was stated, and not the day the report was made."""
    protocol_lock: str = ""
    """Hash of the protocol that was locked before results were there; empty where none was."""
    older_data: str = ""
    """Why figures are used although newer ones are out, as stated; empty where it is not."""
    accessibility: Accessibility = field(default_factory=Accessibility)
    code_of_practice: CodeOfPractice = field(default_factory=CodeOfPractice)

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
    power: tuple[Power, ...] = ()
    stress: tuple[Stress, ...] = ()
    spillovers: tuple[Spillover, ...] = ()
    pools: tuple[Pool, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    """Departures from the protocol after it was locked."""
    notebooks: Path | None = None
    """Folder of the executed notebooks, ``<outcome>/<area>/NN_name.ipynb``."""
    notebooks_from_pages: str = ""
    """The same folder as pages one folder down write it, such as ``../../notebooks``."""
    planted: pd.DataFrame | None = None
    changes: Changes | None = None
    """What changed since an earlier release, where one was named."""
    binder: Binder = field(default_factory=Binder)
    gallery: Gallery = field(default_factory=Gallery)

    @property
    def synthetic(self) -> bool:
        """Whether anything in the report rests on synthetic data."""
        marks = [f.synthetic for f in self.findings] + [c.synthetic for c in self.conclusions]
        marks += [p.synthetic for p in self.power] + [s.synthetic for s in self.stress] + [p.synthetic for p in self.pools]
        marks += [s.synthetic for s in self.spillovers]
        return self.panel.synthetic or any(marks)

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
        design = self.design
        order = (*design.did_estimators, *design.synthetic_control_estimators, *design.pooled_synthetic_control_estimators)
        mine = [f for f in self.findings if f.outcome == outcome and f.area == area]
        return sorted(mine, key=lambda f: (order.index(f.estimator) if f.estimator in order else len(order), f.estimator))

    def findings_of(self, outcome: str) -> list[Finding]:
        """Findings of one outcome, pooled first, then by area and method."""
        return [f for item in self.of(outcome=outcome) for f in self.methods_of(outcome, item.area)]

    def power_of(self, outcome: str) -> list[Power]:
        """What could be seen of one outcome, pooled first, then areas by name."""
        return sorted((p for p in self.power if p.outcome == outcome), key=_pooled_first)

    def stress_of(self, outcome: str) -> list[Stress]:
        """How much the estimates of one outcome depend on choices, pooled first, then areas by name."""
        return sorted((s for s in self.stress if s.outcome == outcome), key=_pooled_first)

    def spillovers_of(self, outcome: str) -> list[Spillover]:
        """What was found next door for one outcome, pooled first, then areas by name."""
        return sorted((s for s in self.spillovers if s.outcome == outcome), key=_pooled_first)

    def pool_of(self, outcome: str) -> Pool | None:
        """The summary over places of one outcome, if there is one."""
        return next((p for p in self.pools if p.outcome == outcome), None)

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


def _pooled_first(record: Power | Stress | Spillover) -> tuple[bool, str, str]:
    return (record.area != POOLED, record.area_name.casefold(), record.area)


def _has_table(file: Path, label: str) -> bool:
    mark = re.compile(rf"^#\|\s*label:\s*{re.escape(label)}\s*$", re.M)
    for cell in json.loads(file.read_text("utf-8")).get("cells", []):
        if cell.get("cell_type") == "code" and mark.search("".join(cell.get("source", []))):
            return any("text/markdown" in out.get("data", {}) for out in cell.get("outputs", []))
    return False

"""Small drawn contracts, designs and panels: every number stands in the test that uses it. Nothing here is real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.contracts.records import Area, Contracts, Exposure, Neighbour, Outcome, Programme, SeriesRule
from evaluation.results import CheckThresholds, Design, DonorRule, InputFile, OutcomePlan, Panel, TreatedUnit

STUDIED = "new_programme"


def draw_area(code: str, nation: Any = "England", region: str = "North") -> Area:
    return Area(
        code=code,
        name=f"Town {code}",
        nation=nation,
        region=region,
        combined_authority="",
        subregion="",
        latitude=None,
        longitude=None,
        code_2025=code,
    )


def draw_exposure(programme: str, area: str | None, start: str | None = None, **changes: Any) -> Exposure:
    values: dict[str, Any] = {
        "programme": programme,
        "place": "somewhere",
        "place_name": "Somewhere",
        "area_code": area,
        "start": start,
        "start_basis": "announced launch" if start else "not established",
        "start_precision": "day" if start else "",
        "start_note": "",
        "announced": "",
        "period_start": "",
        "period_end": "",
        "funding_gbp": None,
        "funding_note": "",
        "funding_authority_gbp": None,
        "supported": None,
        "supported_source": "",
        "membership_basis": "named in source",
        "area_share": None,
        "accountable_body": "",
        "source_title": "",
        "source_publisher": "",
        "source_date": "",
        "source_url": "",
    }
    return Exposure(**{**values, **changes})


def draw_outcome(id: str, **changes: Any) -> Outcome:
    values: dict[str, Any] = {
        "id": id,
        "name": id.replace("_", " "),
        "definition": "Invented.",
        "unit": "pp",
        "unit_words": "percentage points",
        "level_words": "per cent of residents",
        "wanted": "lower",
        "frequency": "annual",
        "window_months": 12,
        "population": "residents",
        "denominator": "residents",
        "survey": False,
        "series": (SeriesRule(source="drawn", select={}, value="value"),),
    }
    return Outcome(**{**values, **changes})


def draw_contracts(
    areas: Sequence[Area],
    *,
    exposures: Sequence[Exposure] = (),
    neighbours: Sequence[tuple[str, str]] = (),
    outcomes: Sequence[Outcome] = (),
    programmes: Sequence[str] = (),
) -> Contracts:
    measures = outcomes or (draw_outcome("rate"), draw_outcome("residents", unit="people", population=None))
    return Contracts(
        root=Path("drawn"),
        areas={a.code: a for a in areas},
        programmes={
            id: Programme(id=id, name=id.replace("_", " "), target_group="", note="", source="") for id in (STUDIED, *programmes)
        },
        exposures=tuple(exposures),
        code_changes=(),
        neighbours=tuple(Neighbour(area_code=a, neighbour_code=b, kind="land") for a, b in neighbours),
        sources={},
        outcomes={m.id: m for m in measures},
        designs={},
    )


def draw_unit(code: str, *members: str, start: str = "2022-01", name: str = "") -> TreatedUnit:
    return TreatedUnit(
        code=code,
        name=name or code.replace("-", " ").title(),
        members=members or (code,),
        start=start,
        start_basis="assumed",
        start_note="drawn",
    )


def draw_design(*units: TreatedUnit, **changes: Any) -> Design:
    rule: dict[str, Any] = {"nations": ("England",), "exclude_programmes": (), "exclude_neighbours": False, "exclude_areas": ()}
    rule |= {key: changes.pop(key) for key in tuple(changes) if key in rule}
    values: dict[str, Any] = {
        "id": "drawn",
        "title": "A drawn study",
        "question": "Did it?",
        "programme": STUDIED,
        "programme_name": "New programme",
        "unit": "authority" if all(len(u.members) == 1 for u in units) else "place",
        "treated": units,
        "estimate_areas": tuple(u.code for u in units),
        "estimate_pooled": True,
        "donors": DonorRule(**rule),
        "outcomes": (OutcomePlan(id="rate", primary=True, first="2020", last="2023"),),
        "did_estimators": ("twfe",),
        "synthetic_control_estimators": (),
        "exposure_coding": "share",
        "anticipation": 0,
        "level": 0.95,
        "draws": 99,
        "seed": 1,
        "thresholds": CheckThresholds(
            minimum_pre_periods=2, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.95, maximum_donor_weight=0.5
        ),
        "plausible_effect": None,
        "sha256": "0" * 64,
    }
    return Design(**{**values, **changes})


def draw_panel(
    values: Mapping[str, Mapping[str, Sequence[float | None]]],
    periods: Mapping[str, Sequence[str]],
    *,
    se: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    synthetic: bool = True,
) -> Panel:
    """A panel from ``{outcome: {area: values}}`` and the periods of each outcome; None = a row without a figure."""
    rows = [
        {
            "area_code": area,
            "area_name": f"Town {area}",
            "period": period,
            "outcome": outcome,
            "value": np.nan if value is None else float(value),
            "se": np.nan if se is None or outcome not in se else se[outcome][area][t],
            "flag": "not available" if value is None else "",
        }
        for outcome, series in values.items()
        for area, numbers in series.items()
        for t, (period, value) in enumerate(zip(periods[outcome], numbers, strict=True))
    ]
    file = InputFile(
        name="drawn.csv",
        sha256="0" * 64,
        source="drawn",
        contract_version="1.0.0",
        vintage="not stated",
        rows=len(rows),
        synthetic=synthetic,
    )
    return Panel(frame=pd.DataFrame(rows), inputs=(file,))

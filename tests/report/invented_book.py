"""The book of an invented run, for tests of the report. No number here describes a real programme."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from invented import OUTCOMES, RATE, make_all, make_contracts, make_design, make_exposure, make_unit

from evaluation.contracts.records import Contracts, Neighbour, Programme
from evaluation.panel.periods import list_periods
from evaluation.report.book import Book, Edition, write_book
from evaluation.results import (
    Card,
    Design,
    Finding,
    Interval,
    Panel,
    PlaceEffect,
    Pool,
    Power,
    PowerPoint,
    Spillover,
    SpilloverSide,
    Stress,
    Variant,
)
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
    """Quarterly figures of every outcome and area: a level of its own, a common drift, a wave of its own length."""
    periods = list_periods("2018-03", "2026-06", "quarterly")
    rows = [
        (code, area.name, period, outcome, 20 + n % 7 + 0.02 * t + 0.4 * math.sin(t / (2 + n % 5)), 0.5, "")
        for outcome in OUTCOMES
        for n, (code, area) in enumerate(contracts.areas.items())
        for t, period in enumerate(periods)
    ]
    columns = ["area_code", "area_name", "period", "outcome", "value", "se", "flag"]
    return Panel(frame=pd.DataFrame(rows, columns=columns), inputs=findings[0].provenance.inputs)


def add_programmes(contracts: Contracts, design: Design = DESIGN) -> Contracts:
    """Neighbours, and three other programmes, in a place and elsewhere: with a start, announced only, and without any date."""
    first, others = design.treated[0], [code for code in contracts.areas if code not in {u.members[0] for u in design.treated}]
    base = make_exposure(first)
    rows = []
    for n, (id, changes) in enumerate(
        {
            "with_start": {"start": "2024-10-01", "start_basis": "announced launch", "period_end": "2026-03-31"},
            "announced": {"announced": "2025-01-15", "period_start": "", "period_end": ""},
            "undated": {"announced": "", "period_start": "", "period_end": ""},
        }.items()
    ):
        for code in (first.members[0], *others[n : n + 10]):
            rows.append(replace(base, programme=id, area_code=code, **changes))
    named = {
        id: Programme(id=id, name=f"Scheme {NASTY} {id}", target_group="anybody", note="", source="")
        for id in ("with_start", "announced", "undated")
    }
    pairs = [(first.members[0], others[0]), (first.members[0], others[30])]
    return replace(
        contracts,
        programmes={**contracts.programmes, **named},
        exposures=(*contracts.exposures, *rows),
        neighbours=tuple(Neighbour(area_code=a, neighbour_code=b, kind="land") for x, y in pairs for a, b in ((x, y), (y, x))),
    )


def make_power(area: str, name: str, outcome: str = RATE.id, *, available: int = 2, **changes: Any) -> Power:
    """What could be seen: less noise with every quarter of follow-up."""
    base = 1.4 if area == "all" else 2.6
    power = Power(
        design="invented-study", outcome=outcome, area=area, area_name=name, unit="pp", estimator="event_study", level=0.05,
        power=0.8,
        points=tuple(PowerPoint(follow_up=n, mde=base / n**0.4, sampling_share=0.4 + 0.02 * n) for n in range(1, 9)),
        available=available, cap=2.1, plausible=1.0, reps=400, seed=7, synthetic=False,
    )  # fmt: skip
    return replace(power, **changes)


VARIANTS = (
    ("main", "main", "As set in the protocol", "event_study", -0.9, 1.2),
    ("callaway_santanna", "estimator", "Group-time effects", "callaway_santanna", -0.7, 1.3),
    ("synthetic_control", "estimator", "Synthetic control", "synthetic_control", -1.6, 1.1),
    ("start-3", "start date", "Start three months earlier", "event_study", -0.6, 1.1),
    ("start+3", "start date", "Start three months later", "event_study", -1.0, 1.4),
    ("binary", "exposure coding", "Straddling windows count in full", "event_study", -0.5, 0.9),
    ("neighbours", "comparison areas", "Neighbours among the comparison areas", "event_study", -0.8, 1.2),
    ("short", "window", "From 2020 only", "event_study", None, 0.0),
)


def make_stress(area: str, name: str, outcome: str = RATE.id, **changes: Any) -> Stress:
    """Eight variants, one of them without an estimate."""
    variants = tuple(
        Variant(
            name=key, kind=kind, title=title, estimator=method, att=att,
            interval=None if att is None else Interval(low=att - half, high=att + half),
            p_value=None if att is None else 0.2, why_not="too few periods before the start" if att is None else "",
        )
        for key, kind, title, method, att, half in VARIANTS
    )  # fmt: skip
    stress = Stress(
        design="invented-study", outcome=outcome, area=area, area_name=name, unit="pp", variants=variants, joint_p=0.23,
        synthetic=False,
    )  # fmt: skip
    return replace(stress, **changes)


def make_spillover(area: str, name: str, outcome: str = RATE.id, **changes: Any) -> Spillover:
    """Two authorities next door, with an interval on either side that includes zero."""

    def side(att: float, half: float) -> SpilloverSide:
        return SpilloverSide(
            authorities=2, att=att, interval=Interval(low=att - half, high=att + half), p_value=0.3, mde=2 * half, blocks=30,
            residents=2e5, count=2000 * att, count_interval=Interval(low=2000 * (att - half), high=2000 * (att + half)),
        )  # fmt: skip

    record = Spillover(
        design="invented-study", outcome=outcome, area=area, area_name=name, unit="pp", estimator="event_study", level=0.05,
        reps=99, seed=7, ring=("E06000011", "E06000041"), left_out=(), n_donors=40, inside=side(-0.9, 1.2), beside=side(0.4, 1.0),
        count_unit="people", net=-1000.0, net_interval=Interval(low=-4100.0, high=2100.0), net_basis="joint placebo places",
        synthetic=False,
    )  # fmt: skip
    return replace(record, **changes)


def make_pool(outcome: str = RATE.id, design: Design = DESIGN, **changes: Any) -> Pool:
    """The places of a design, drawn a third of the way towards their mean."""
    names = {code: design.unit_of(code).name for code in design.estimate_areas}
    effects = {code: (-1.5, -0.4, 0.3)[n % 3] for n, code in enumerate(names)}
    mean = sum(effects.values()) / len(effects)
    places = tuple(
        PlaceEffect(
            area=code, name=names[code], att=att, se=0.6, weight=1 / len(effects), pooled=att + (mean - att) / 3,
            interval=Interval(low=att + (mean - att) / 3 - 1.0, high=att + (mean - att) / 3 + 1.0),
        )
        for code, att in sorted(effects.items(), key=lambda pair: names[pair[0]].casefold())
    )  # fmt: skip
    pool = Pool(
        design="invented-study", outcome=outcome, unit="pp", estimator="event_study", level=0.05, places=places, mean=mean,
        interval=Interval(low=mean - 1.1, high=mean + 1.1), prediction=Interval(low=mean - 2.4, high=mean + 2.4), tau=0.35,
        p_value=0.4, synthetic=False,
    )  # fmt: skip
    return replace(pool, **changes)


def make_records(design: Design = DESIGN) -> dict[str, Any]:
    """Power, stress and pools of every outcome and area of a design, as `write_book` takes them."""
    areas = [("all", "All areas together"), *((code, design.unit_of(code).name) for code in design.estimate_areas)]
    return {
        "power": [make_power(code, name, outcome) for outcome in OUTCOMES for code, name in areas],
        "stress": [make_stress(code, name, outcome) for outcome in OUTCOMES for code, name in areas],
        "spillovers": [make_spillover(code, name, outcome) for outcome in OUTCOMES for code, name in areas],
        "pools": [make_pool(outcome, design) for outcome in OUTCOMES],
    }


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
    contracts = add_programmes(make_contracts(units=design.treated), design)
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
        **make_records(design),
    }
    return write_book(folder / "book", **{**options, **changes})

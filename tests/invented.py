"""Invented findings for tests of the verdict and the report. No number here describes a real programme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.contracts.records import Area, Contracts, Exposure, Outcome, Programme, SeriesRule, Source
from evaluation.panel.periods import exposure_share, list_periods
from evaluation.results import (
    Check,
    CheckThresholds,
    Design,
    DonorRule,
    DonorWeight,
    Estimate,
    Exclusion,
    Finding,
    Inference,
    InputFile,
    Interval,
    OutcomePlan,
    PathPoint,
    Provenance,
    Series,
    TreatedUnit,
)

RATE = Outcome(
    id="idle_rate",
    name="idle rate",
    definition="Invented: residents who do nothing, as a share of all residents.",
    unit="pp",
    unit_words="percentage points",
    level_words="per cent of residents aged 16 to 64",
    wanted="lower",
    frequency="quarterly",
    window_months=12,
    population="residents",
    denominator="residents aged 16 to 64",
    survey=True,
    series=(SeriesRule(source="invented", select={}, value="value"),),
)
SECOND = replace(RATE, id="busy_rate", name="busy rate", wanted="higher", definition="Invented: residents who do something.")
OUTCOMES = {RATE.id: RATE, SECOND.id: SECOND}

NAMES = {"amber-vale": "Amber Vale", "birch-moor": "Birch Moor", "cold-fen": "Cold Fen"}
STARTS = {"amber-vale": "2025-04", "birch-moor": "2025-04", "cold-fen": "2025-08"}


def make_unit(code: str, name: str, start: str = "2025-04", number: int = 0) -> TreatedUnit:
    return TreatedUnit(
        code=code,
        name=name,
        members=(f"E0600000{number}",),
        start=start,
        start_basis="announced launch" if start == "2025-04" else "assumed",
        start_note="Invented.",
        supported=4000,
        supported_source="Invented.",
    )


def make_design(units: Sequence[TreatedUnit] | None = None, **changes: Any) -> Design:
    units = tuple(units or (make_unit(c, n, STARTS[c], i + 1) for i, (c, n) in enumerate(NAMES.items())))
    design = Design(
        id="invented-study",
        title="The invented scheme",
        question="Did the invented scheme lower the idle rate, and could we have told?",
        programme="invented_scheme",
        programme_name="invented scheme",
        unit="place",
        treated=units,
        estimate_areas=tuple(u.code for u in units),
        estimate_pooled=True,
        donors=DonorRule(nations=("England",), exclude_programmes=(), exclude_neighbours=True, exclude_areas=()),
        outcomes=(
            OutcomePlan(id=RATE.id, primary=True, first="2018-03", last="2026-06"),
            OutcomePlan(id=SECOND.id, primary=False, first="2018-03", last="2026-06"),
        ),
        did_estimators=("event_study", "twfe"),
        synthetic_control_estimators=("synthetic_control",),
        exposure_coding="share",
        anticipation=0,
        level=0.05,
        draws=999,
        seed=7,
        thresholds=CheckThresholds(
            minimum_pre_periods=8, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.95, maximum_donor_weight=0.6
        ),
        plausible_effect=1.0,
        sha256="d" * 64,
    )
    return replace(design, **changes)


def make_finding(
    *,
    area: str = "amber-vale",
    area_name: str = "Amber Vale",
    outcome: str = RATE.id,
    estimator: str = "event_study",
    att: float = -1.2,
    interval: tuple[float, float] | None = (-2.0, -0.4),
    mde: float | None = 1.4,
    people: float | None = 185_000.0,
    supported: int | None = 4000,
    start: str = "2025-04",
    first: str = "2018-03",
    last: str = "2026-06",
    smallest_p: float | None = 1 / 200,
    p_value: float | None = 0.03,
    checks: Sequence[Check] = (),
    seed: int = 1,
    n_treated: int = 1,
    placebos: int = 60,
    excluded: Sequence[Exclusion] = (),
    synthetic: bool = False,
) -> Finding:
    """An invented finding with a series that moves by `att` at full exposure."""
    rng = np.random.default_rng(seed)
    periods = list_periods(first, last, "quarterly")
    exposure = exposure_share(periods, 12, start.split(" to ")[0])
    count = len(periods)
    smooth = np.cumsum(rng.normal(0, 0.22, count))
    counterfactual = 23 + smooth - smooth.mean()
    noise = rng.normal(0, 0.18, count)
    observed = counterfactual + att * exposure + noise
    begin = int(np.argmax(exposure > 0)) if (exposure > 0).any() else count
    gaps = np.cumsum(rng.normal(0, 0.2, (placebos, count)), axis=1)
    gaps -= gaps[:, :begin].mean(axis=1, keepdims=True)
    return Finding(
        design="invented-study",
        outcome=outcome,
        area=area,
        area_name=area_name,
        unit="pp",
        estimator=estimator,
        family="synthetic control" if estimator == "synthetic_control" else "difference-in-differences",
        start=start,
        start_basis="announced launch",
        n_treated=n_treated,
        n_donors=placebos,
        excluded=tuple(excluded),
        estimate=Estimate(
            estimator=estimator,
            att=att,
            path=tuple(
                PathPoint(event_time=t - begin, att=float(observed[t] - counterfactual[t]), n_areas=n_treated, se=0.2)
                for t in range(count)
            ),
            series=Series(
                periods=periods,
                observed=tuple(map(float, observed)),
                counterfactual=tuple(map(float, counterfactual)),
                exposure=tuple(map(float, exposure)),
                observed_se=tuple(float(x) for x in np.full(count, 0.5)),
            ),
            pre_rmspe=0.18,
            weights=(
                DonorWeight(area="E06000091", name="Dove Hill", weight=0.6),
                DonorWeight(area="E06000092", name="Elm", weight=0.4),
            ),
            se=0.3,
        ),
        inferences=(
            Inference(
                method="placebo_in_space",
                null="no difference in any period",
                level=0.05,
                reps=placebos,
                seed=7,
                p_value=p_value,
                interval=None if interval is None else Interval(low=interval[0], high=interval[1]),
                as_large=2,
                smallest_p=smallest_p,
                mde=mde,
                placebo_gaps=tuple(tuple(map(float, row)) for row in gaps),
            ),
            Inference(
                method="cluster_robust",
                null="no difference",
                level=0.05,
                reps=0,
                seed=7,
                p_value=0.001,
                interval=Interval(low=att - 0.5, high=att + 0.5),
                decides=False,
            ),
        ),
        checks=tuple(checks)
        or (
            Check(name="pre_fit", title="Fit before the start", passed=True, text="Invented.", value=1.1, threshold=2.0),
            Check(name="leave_one_out", title="Leave one area out", passed=True, text="Invented.", value=0.9),
            Check(name="in_time", title="Placebo in time", passed=None, text="Too few periods."),
        ),
        people=people,
        supported=supported,
        synthetic=synthetic,
        provenance=Provenance(
            design_sha256="d" * 64,
            panel_sha256="b" * 64,
            inputs=(
                InputFile(
                    name="invented.csv",
                    sha256="a" * 64,
                    source="invented",
                    contract_version="1.0.0",
                    vintage="2026-09",
                    rows=100,
                    synthetic=synthetic,
                ),
            ),
            code_version="0.1.0",
            seed=7,
        ),
    )


def make_all(design: Design | None = None, **changes: Any) -> tuple[Finding, ...]:
    """Findings of every outcome, area and estimator of the invented design, pooled ones included."""
    design = design or make_design()
    found = []
    areas = [("all", "All areas together", "2025-04 to 2025-08")] + [(u.code, u.name, u.start) for u in design.treated]
    for number, (area, name, start) in enumerate(areas):
        for shift, outcome in enumerate(plan.id for plan in design.outcomes):
            for estimator in (*design.did_estimators, *design.synthetic_control_estimators):
                att = -0.9 + 0.3 * number + 0.1 * shift
                options = {
                    "area": area,
                    "area_name": name,
                    "outcome": outcome,
                    "estimator": estimator,
                    "att": att,
                    "interval": (att - 1.35, att + 1.15),
                    "p_value": 0.2,
                    "start": start,
                    "seed": 10 * number + shift,
                    "n_treated": len(design.treated) if area == "all" else 1,
                    "people": 555_000.0 if area == "all" else 185_000.0,
                    "supported": 12_000 if area == "all" else 4000,
                    "excluded": (Exclusion(area="E06000099", name="Far <End> | *x*", reason="neighbour of a treated area"),),
                }
                found.append(make_finding(**{**options, **changes}))
    return tuple(found)


def make_contracts(areas: Sequence[Area] = (), units: Sequence[TreatedUnit] = ()) -> Contracts:
    treated = tuple(units) or make_design().treated
    members = [
        Area(
            code=u.members[0], name=u.name, nation="England", region="Nowhere", combined_authority="", subregion="",
            latitude=52.0 + 0.3 * i, longitude=-1.5 + 0.2 * i, code_2025=u.members[0],
        )
        for i, u in enumerate(treated)
    ]  # fmt: skip
    others = tuple(areas) or tuple(
        Area(
            code=f"E060000{i}", name=f"Donor {i}", nation="England", region="Nowhere", combined_authority="", subregion="",
            latitude=51.0 + (i % 7) * 0.3, longitude=-2.5 + (i // 7) * 0.35, code_2025=f"E060000{i}",
        )
        for i in range(60, 100)
    )  # fmt: skip
    return Contracts(
        root=Path("."),
        areas={a.code: a for a in (*members, *others)},
        programmes={
            "invented_scheme": Programme(
                id="invented_scheme", name="Invented scheme", target_group="residents who do nothing", note="Invented.",
                source="Invented.",
            )
        },
        exposures=tuple(make_exposure(u) for u in treated),
        code_changes=(),
        neighbours=(),
        sources={
            "invented": Source(
                id="invented", version="1.0.0", status="active", title="Invented labour survey", publisher="Nobody",
                licence="none", attribution="none", synthetic=True, reader="tidy", files=("*.csv",), columns=(), rules=(),
                markers={},
                frequency="quarterly", geography="authorities", revision_policy="never revised", description="Invented.",
            )
        },
        outcomes=OUTCOMES,
        designs={},
    )  # fmt: skip


def make_exposure(unit: TreatedUnit) -> Exposure:
    return Exposure(
        programme="invented_scheme", place=unit.code, place_name=unit.name, area_code=unit.members[0], start=None,
        start_basis="not established", start_precision="", start_note="Invented.", announced="2024-11-26",
        period_start="2025-04-01", period_end="2026-03-31", funding_gbp=10_000_000, funding_note="Invented.",
        funding_authority_gbp=None, supported=4000,
        supported_source="Invented.", membership_basis="named in source", area_share=None, accountable_body="Invented board",
        source_title="Invented source", source_publisher="Nobody", source_date="2025-01-01", source_url="https://example.org/",
    )  # fmt: skip

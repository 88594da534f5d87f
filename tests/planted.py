"""SYNTHETIC panels in which we know what happened, and the verdicts that a run of the trailblazer design would give on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.design.protocol import load_design
from evaluation.design.study import Study
from evaluation.errors import DataError
from evaluation.evaluate import evaluate
from evaluation.results import Conclusion, Design, Finding, Panel, TreatedUnit
from evaluation.simulate import PlantedEffect, simulate_panel
from evaluation.synthesis import conclude_all
from evaluation.synthesis.agree import excludes_zero

OUTCOME = "inactivity_rate"
BEGIN = "2025-06"
"""Month in which shocks set in: about when most places start."""

Plant = Callable[[Contracts, Design, int], list[PlantedEffect]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is planted, and whether a difference that the programme made is there to be detected."""

    name: str
    plant: Plant
    true_effect: bool = False
    supported: int | None = None
    """People each place is said to support, which sets the cap; None = not known."""
    exchangeable: bool = True
    """Whether treated and untreated places are alike but for the programme: then false detections may not exceed the level."""


@cache
def open_contracts() -> Contracts:
    return load_contracts()


@cache
def base_design(draws: int) -> Design:
    """The trailblazer design with its primary outcome alone, and the first method of each family."""
    design = load_design(open_contracts(), "economic-inactivity-trailblazers")
    return replace(
        design,
        outcomes=tuple(plan for plan in design.outcomes if plan.id == OUTCOME),
        did_estimators=design.did_estimators[:1],
        synthetic_control_estimators=design.synthetic_control_estimators[:1],
        draws=draws,
    )


def effect_on(codes: Sequence[str], effect: float, start: str = BEGIN) -> list[PlantedEffect]:
    return [PlantedEffect(area_code=code, outcome=OUTCOME, start=start, effect=effect) for code in codes]


def effect_in(units: Sequence[TreatedUnit], effect: float) -> list[PlantedEffect]:
    return [item for unit in units for item in effect_on(unit.members, effect, unit.start)]


def shock_regions(contracts: Contracts, size: float, seed: int) -> list[PlantedEffect]:
    """Every region moves by an amount of its own, treated or not."""
    random = np.random.default_rng(seed)
    by_region: dict[str, list[str]] = {}
    for area in contracts.areas.values():
        if area.nation in ("England", "Wales"):
            by_region.setdefault(area.region, []).append(area.code)
    return [item for name in sorted(by_region) for item in effect_on(by_region[name], size * random.standard_normal())]


def drift(codes: Sequence[str], yearly: float) -> list[PlantedEffect]:
    """A path of its own, through all years, before the start and after."""
    return [item for year in range(2018, 2027) for item in effect_on(codes, yearly, f"{year}-01")]


def contaminate(contracts: Contracts, design: Design, share: float, effect: float, seed: int) -> list[PlantedEffect]:
    """Another programme reaches part of the untreated areas."""
    members = {code for unit in design.treated for code in unit.members}
    others = sorted(a.code for a in contracts.areas.values() if a.nation in ("England", "Wales") and a.code not in members)
    reached = np.random.default_rng(seed).random(len(others)) < share
    return effect_on([code for code, there in zip(others, reached, strict=True) if there], effect)


def members(design: Design) -> list[str]:
    return [code for unit in design.treated for code in unit.members]


SCENARIOS: dict[str, Scenario] = {
    item.name: item
    for item in (
        Scenario(name="nothing happened", plant=lambda c, d, seed: []),
        Scenario(name="an effect of 6 points", plant=lambda c, d, seed: effect_in(d.treated, -6.0), true_effect=True),
        Scenario(name="an effect of 0.25 points", plant=lambda c, d, seed: effect_in(d.treated, -0.25), true_effect=True),
        Scenario(name="every region moves by its own shock", plant=lambda c, d, seed: shock_regions(c, 1.0, seed)),
        Scenario(
            name="treated places drift by 1.5 points a year",
            plant=lambda c, d, seed: drift(members(d), -1.5),
            exchangeable=False,
        ),
        Scenario(
            name="treated places drift by 0.3 points a year",
            plant=lambda c, d, seed: drift(members(d), -0.3),
            exchangeable=False,
        ),
        Scenario(
            name="another programme in a fifth of the untreated areas",
            plant=lambda c, d, seed: contaminate(c, d, 0.2, -2.0, seed),
            exchangeable=False,
        ),
        Scenario(
            name="a change larger than the people supported could make",
            plant=lambda c, d, seed: effect_in(d.treated, -12.0),
            supported=2000,
            exchangeable=False,
        ),
    )
}
"""What may have happened. A change too large for the programme is not the programme's: detecting it would be false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Conclusions on one panel for all areas together and for single areas; None where not asked for."""

    pooled: Conclusion | None
    areas: tuple[Conclusion, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """The findings of one simulated panel."""

    design: Design
    findings: tuple[Finding, ...]

    def conclude(self, areas: Sequence[str]) -> Verdicts:
        """Conclusions where these areas, and all together where there are findings of it, are all that is asked for."""
        pooled = any(finding.area == "all" for finding in self.findings)
        design = replace(self.design, estimate_areas=tuple(areas), estimate_pooled=pooled)
        found = conclude_all(self.findings, design, open_contracts().outcomes)
        return Verdicts(
            pooled=next((item for item in found if item.area == "all"), None),
            areas=tuple(item for item in found if item.area != "all"),
        )


def estimate(scenario: Scenario, seed: int, *, areas: Sequence[str], pooled: bool, draws: int) -> Run:
    """Simulate a panel, estimate and check as a run does.

    Synthetic controls are left out where the headline's interval includes zero: no rule can give *detected* there.
    """
    contracts, design = open_contracts(), base_design(draws)
    treated = tuple(
        unit if scenario.supported is None else replace(unit, supported=scenario.supported) for unit in design.treated
    )
    design = replace(design, treated=treated)
    frame = simulate_panel(contracts, seed=seed, effects=scenario.plant(contracts, design, seed)).frame
    study = Study(
        design=design,
        contracts=contracts,
        panel=Panel(frame=frame.rename(columns={"standard_error": "se"}).assign(flag=""), inputs=()),
    )
    findings: list[Finding] = []
    for area in (*areas, *(["all"] if pooled else [])):
        headline = evaluate(study, study.comparison(OUTCOME, area), design.did_estimators[0])
        findings.append(headline)
        if excludes_zero(headline):
            findings.extend(_second_family(study, area))
    return Run(design=design, findings=tuple(findings))


def judge(scenario: Scenario, seed: int, *, areas: Sequence[str], pooled: bool, draws: int) -> Verdicts:
    """Simulate, estimate and conclude; see `estimate`."""
    return estimate(scenario, seed, areas=areas, pooled=pooled, draws=draws).conclude(areas)


def _second_family(study: Study, area: str) -> list[Finding]:
    """What confirms a headline: a pooled synthetic control where the design names one, else those of the single areas."""
    design = study.design
    if area == "all" and design.pooled_synthetic_control_estimators:
        names, codes = design.pooled_synthetic_control_estimators[:1], ("all",)
    else:
        names = design.synthetic_control_estimators
        codes = tuple(unit.code for unit in design.treated) if area == "all" else (area,)
    found = []
    for code in codes:
        for name in names:
            # as in a run: an estimator that refuses leaves no finding, and cannot confirm anything
            with suppress(DataError):
                found.append(evaluate(study, study.comparison(OUTCOME, code), name))
    return found

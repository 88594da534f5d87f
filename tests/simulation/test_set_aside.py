"""How often the four checks of the time before the start set a comparison aside, sound or not: ``make simulate``.

Each of the four lets a sound comparison fail by chance every so often. Panels are drawn twice from the model of the
demonstration: with regions that are alike, so that a place is to its comparison areas what any group of untreated neighbours is
to the others, and as the demonstration has them, with levels and shocks of regions set by the published series. A programme that
goes to whole regions has no untreated group like its places in the second. Where the published figures are at hand the same
checks are made on them. A run writes ``set_aside.md`` beside this file; ``SET_ASIDE_PANELS`` sets how many panels.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from support_paths import SHARED

from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.design.compare import build_comparison
from evaluation.design.protocol import load_design
from evaluation.estimators import REGISTRY
from evaluation.inference.checks import anticipation, placebo_in_time, pre_fit, pre_trend
from evaluation.panel.build import build_panel
from evaluation.project import code_version
from evaluation.results import Comparison, Design, Panel
from evaluation.simulate import MODELS, OTHER_MODELS, OutcomeModel, simulate_panel
from evaluation.synthesis.evidence import POOLED

PANELS = int(os.environ.get("SET_ASIDE_PANELS", "20"))
FIRST_SEED = 100
DRAWS = 299
CHECKS = (pre_fit, pre_trend, placebo_in_time, anticipation)
STUDIES = (
    ("youth-guarantee-trailblazers", "claimant_rate_youth"),
    ("youth-guarantee-trailblazers", "claimant_rate_annual"),
    ("economic-inactivity-trailblazers", "claimant_rate"),
)
REAL = (
    ("youth-guarantee-trailblazers", "claimant_rate_annual"),
    ("economic-inactivity-trailblazers-annual", "claimant_rate_annual"),
)
RECORD = Path(__file__).with_name("set_aside.md")
DATA = SHARED / "data" / "uk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of the comparisons of one study on one kind of data."""

    study: str
    outcome: str
    data: str
    failed: np.ndarray
    """(comparisons, checks)"""
    panels: int

    @property
    def any(self) -> float:
        """Share of comparisons that fail one check or more."""
        return float(self.failed.any(axis=1).mean())


def alike(model: OutcomeModel) -> OutcomeModel:
    """The model without anything that regions have in common."""
    return replace(model, region_sd=0.0, level_region_log_sd=0.0)


def judge(comparison: Comparison, design: Design) -> list[bool]:
    """Which of the checks fail for the design's first method."""
    method = REGISTRY[design.did_estimators[0]]()
    estimate = method.fit(comparison)
    placebos = method.placebos(comparison, draws=DRAWS, seed=design.seed)
    given = comparison, method, estimate, placebos, design.thresholds
    again = {"draws": DRAWS, "seed": design.seed}
    return [check.run(*given, **(again if check in (placebo_in_time, anticipation) else {})).passed is False for check in CHECKS]


def compare(panel: Panel, design: Design, contracts: Contracts, outcome: str) -> Iterator[list[bool]]:
    for area in (*design.estimate_areas, POOLED):
        yield judge(build_comparison(panel, design, contracts, outcome=outcome, area=area), design)


def simulate(contracts: Contracts, study: str, outcome: str, model: OutcomeModel, data: str) -> Row:
    design, failed = load_design(contracts, study), []
    for seed in range(FIRST_SEED, FIRST_SEED + PANELS):
        frame = simulate_panel(contracts, seed=seed, models=(*MODELS[:1], model)).frame
        panel = Panel(frame=frame.rename(columns={"standard_error": "se"}).assign(flag=""), inputs=())
        failed += list(compare(panel, design, contracts, outcome))
    return Row(study=study, outcome=outcome, data=data, failed=np.array(failed), panels=PANELS)


@pytest.mark.slow
def test_sound_comparisons_are_seldom_set_aside_and_those_of_whole_regions_often():
    contracts = load_contracts()
    models = {model.id: model for model in (*MODELS, *OTHER_MODELS)}
    rows = []
    for study, outcome in STUDIES:
        sound = simulate(contracts, study, outcome, alike(models[outcome]), "SYNTHETIC, regions alike")
        regional = simulate(contracts, study, outcome, models[outcome], "SYNTHETIC, as demonstrated")
        rows += [sound, regional]
    if DATA.is_dir():
        panel = build_panel(DATA, contracts, ["claimant_rate_annual"])
        for study, outcome in REAL:
            failed = np.array(list(compare(panel, load_design(contracts, study), contracts, outcome)))
            rows.append(Row(study=study, outcome=outcome, data="real", failed=failed, panels=1))
    write(rows)
    for sound, regional in zip(rows[: 2 * len(STUDIES) : 2], rows[1 : 2 * len(STUDIES) : 2], strict=True):
        # four checks, each made to fail in about 5 of 100: 19 of 100 at most where they fail independently
        assert sound.any <= 0.25, (sound.study, sound.outcome, sound.any)
        assert regional.any > sound.any, (sound.study, sound.outcome, sound.any, regional.any)


def write(rows: Sequence[Row]) -> None:
    """The table beside this file."""
    titles = [check.TITLE.lower() for check in CHECKS]
    lines = [
        "# How often a check of the time before the start sets a comparison aside",
        "",
        f"Main method of each study, {DRAWS} placebo draws, {PANELS} SYNTHETIC panels from seed {FIRST_SEED},",
        f"code {code_version()}.",
        "Comparisons are single places and all places together; those of one panel share their comparison areas.",
        "*Regions alike*: no region has a level or shocks of its own, so a place is to its comparison areas what a group of",
        "untreated neighbours is to the others. *As demonstrated*: with the levels and shocks of regions of the demonstration.",
        "*Real*: the annual mean claimant rate, one panel. Per cent of comparisons.",
        "",
        f"| study | outcome | data | comparisons | {' | '.join(titles)} | any of them |",
        f"| --- | --- | --- | ---: |{' ---: |' * (len(CHECKS) + 1)}",
    ]
    for row in rows:
        shares = [*row.failed.mean(axis=0), row.any]
        numbers = " | ".join(f"{100 * share:.0f}" for share in shares)
        lines.append(f"| {row.study} | {row.outcome} | {row.data} | {len(row.failed)} | {numbers} |")
    RECORD.write_text("\n".join(lines) + "\n", "utf-8")

"""Whether the difference that power says would be found in 80 per cent of cases is found in 80 per cent of cases.

Panels without effects are drawn by `evaluation.simulate`, with the trailblazers' places. Each place's smallest detectable
difference is measured before its start, then planted after it, and the test of a run is done on the whole window. With the
design's own starts few periods lie after them; with starts moved back by 30 months, ten more quarters.

A few panels in every test run; with `make simulate` enough of them for 80 per cent within 5 points, and a record beside this
file, ``power_is_true.md``.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.contracts.load import load_contracts
from evaluation.design.protocol import load_design
from evaluation.design.study import Study
from evaluation.estimators import REGISTRY
from evaluation.inference.placebo_in_space import reference_of
from evaluation.panel.periods import shift_month
from evaluation.power import measure_power
from evaluation.project import code_version
from evaluation.results import Comparison, Design, Panel, Power
from evaluation.simulate import MODELS, simulate_panel

FIRST_SEED = 7000
QUICK, LONG = 3, 40
"""Panels."""
MOVED = -30
"""Months by which the starts of the second case are moved."""
RECORD = Path(__file__).with_name("power_is_true.md")
OUTCOMES = ("inactivity_rate", "claimant_rate")


def find_both_ways(comparison: Comparison, power: Power, design: Design) -> float:
    """How often (0, 1/2, 1) the test of a run finds the stated difference when it is planted, up and down."""
    (point,) = power.points
    estimator = REGISTRY[power.estimator]()
    placebos = estimator.placebos(comparison, draws=design.draws, seed=design.seed)
    found = []
    for effect in (point.mde, -point.mde):
        planted = replace(comparison, y=comparison.y + effect * comparison.exposure)
        reference = reference_of(estimator.fit(planted), placebos, planted)
        found.append(reference.p_value <= design.level)
    return float(np.mean(found))


def simulate_power(panels: int, *, moved: int, outcomes=OUTCOMES, pooled: bool) -> dict[tuple[str, str], np.ndarray]:
    """Share found by outcome and kind of area (``place`` or ``all``), one row a panel: mean over its places."""
    contracts = load_contracts()
    design = load_design(contracts, "economic-inactivity-trailblazers")
    units = tuple(replace(unit, start=shift_month(unit.start[:7], moved)) for unit in design.treated)
    design = replace(design, treated=units)
    models = [model for model in MODELS if model.id in outcomes]
    found: dict[tuple[str, str], list[float]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + panels):
        frame = simulate_panel(contracts, seed=seed, models=models).frame
        frame = frame.rename(columns={"standard_error": "se"}).assign(flag="")
        study = Study(design=design, contracts=contracts, panel=Panel(frame=frame, inputs=()))
        for outcome in outcomes:
            kinds: dict[str, list[float]] = {}
            for area in (*design.estimate_areas, *(("all",) if pooled else ())):
                power = measure_power(study, outcome, area, follow_ups=[1])
                if power.available > 1:
                    power = measure_power(study, outcome, area, follow_ups=[power.available])
                if power.available:
                    kind = "all" if area == "all" else "place"
                    kinds.setdefault(kind, []).append(find_both_ways(study.comparison(outcome, area), power, design))
            for kind, shares in kinds.items():
                found.setdefault((outcome, kind), []).append(float(np.mean(shares)))
    return {key: np.array(shares) for key, shares in found.items()}


def test_a_few_panels_do_not_speak_against_it():
    # nine places a panel, up and down; places of a panel share their comparison areas and the two directions their noise, so the
    # tests count as about one in three: three panels x nine places x two / 3 = 18 tests, whose share lies within 3 standard
    # errors, 0.8 +- 0.28, nearly always
    found = simulate_power(QUICK, moved=MOVED, outcomes=("inactivity_rate",), pooled=False)
    share = found["inactivity_rate", "place"].mean()
    tests = QUICK * 9 * 2 / 3
    assert abs(share - 0.8) < 3 * np.sqrt(0.8 * 0.2 / tests), share


@pytest.mark.slow
def test_the_stated_difference_is_found_in_eighty_per_cent():
    lines = [
        "# How often the stated smallest detectable difference is found, SYNTHETIC panels",
        "",
        f"{LONG} panels (seeds {FIRST_SEED} to {FIRST_SEED + LONG - 1}), planted up and down, code {code_version()}.",
        "Standard errors are those between panels, whose places share their comparison areas.",
        "",
        "| starts | outcome | area | found, per cent | standard error |",
        "| --- | --- | --- | --- | --- |",
    ]
    shares = {}
    for words, moved in (("of the design", 0), (f"{-MOVED} months earlier", MOVED)):
        for (outcome, kind), found in sorted(simulate_power(LONG, moved=moved, pooled=True).items()):
            error = found.std(ddof=1) / np.sqrt(found.size)
            lines.append(f"| {words} | {outcome} | {kind} | {100 * found.mean():.1f} | {100 * error:.1f} |")
            shares[words, outcome, kind] = found.mean(), error
    RECORD.write_text("\n".join(lines) + "\n", "utf-8")
    for key, (share, error) in shares.items():
        if key[2] == "place":
            assert abs(share - 0.8) <= 0.05 + 2 * error, (key, share)

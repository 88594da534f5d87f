"""How often the default procedure finds something where nothing was planted: ``make simulate``.

Panels without any effect are drawn by `evaluation.simulate`; every place of the trailblazer study is judged as a run would
judge it. A run writes ``size_on_the_demonstration.md`` beside this file.
"""

from pathlib import Path

import numpy as np
import pytest

from evaluation.contracts.load import load_contracts
from evaluation.design.compare import build_comparison
from evaluation.design.protocol import load_design
from evaluation.estimators import REGISTRY
from evaluation.inference.placebo_in_space import infer
from evaluation.project import code_version
from evaluation.results import Panel
from evaluation.simulate import simulate_panel

DRAWS = 40
FIRST_SEED = 500
RECORD = Path(__file__).with_name("size_on_the_demonstration.md")
METHODS = ("twfe", "synthetic_control")


@pytest.mark.slow
def test_a_true_null_is_rejected_about_as_often_as_the_level_says():
    contracts = load_contracts()
    design = load_design(contracts, "economic-inactivity-trailblazers")
    rejected: dict[tuple[str, str], list[bool]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + DRAWS):
        frame = simulate_panel(contracts, seed=seed).frame.rename(columns={"standard_error": "se"}).assign(flag="")
        panel = Panel(frame=frame, inputs=())
        for plan in design.outcomes:
            for area in design.estimate_areas:
                comparison = build_comparison(panel, design, contracts, outcome=plan.id, area=area)
                for name in METHODS:
                    method = REGISTRY[name]()
                    inference = infer(
                        method.fit(comparison), method, comparison, level=design.level, draws=design.draws, seed=seed
                    )
                    rejected.setdefault((plan.id, name), []).append(inference.p_value <= design.level)
    lines = [
        "# Rejections of a true null, SYNTHETIC panels without effects",
        "",
        f"{DRAWS} panels (seeds {FIRST_SEED} to {FIRST_SEED + DRAWS - 1}) x {len(design.estimate_areas)} places, "
        f"level {design.level:g}, code {code_version()}. Places of one panel share their comparison areas, so the standard",
        "errors shown are too small.",
        "",
        "| outcome | method | tests | rejected, per cent | standard error |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (outcome, name), found in sorted(rejected.items()):
        rate, error = np.mean(found), np.sqrt(design.level * (1 - design.level) / len(found))
        lines.append(f"| {outcome} | {name} | {len(found)} | {100 * rate:.1f} | {100 * error:.1f} |")
    RECORD.write_text("\n".join(lines) + "\n", "utf-8")
    for key, found in rejected.items():
        assert np.mean(found) < 0.10, (key, np.mean(found))

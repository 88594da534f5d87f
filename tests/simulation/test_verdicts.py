"""How often each verdict is given where we know what happened: ``make simulate``.

Panels are drawn by `evaluation.simulate`; one place, three places and all nine are judged, and all of them together, as a run of
the trailblazer design would judge them. A run writes ``verdicts.md`` beside this file; ``VERDICT_PANELS`` sets how many panels.
"""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from planted import SCENARIOS, base_design, estimate
from scipy.stats import binom

from evaluation.project import code_version

PANELS = int(os.environ.get("VERDICT_PANELS", "60"))
FIRST_SEED = 9000
DRAWS = 999
RECORD = Path(__file__).with_name("verdicts.md")
ORDER = (
    "not estimated", "comparison not credible", "implausible size", "detected", "mixed signs", "large changes ruled out",
    "too imprecise to tell",
)  # fmt: skip


@pytest.mark.slow
def test_nothing_is_detected_beyond_the_level_where_the_programme_did_nothing():
    design = base_design(DRAWS)
    every = design.estimate_areas
    sets = {"one area": every[:1], "three areas": every[:3], "nine places": every}
    tables = []
    broken = []
    for scenario in SCENARIOS.values():
        counts = {name: Counter() for name in ("all together", *sets)}
        families = Counter()
        for seed in range(FIRST_SEED, FIRST_SEED + PANELS):
            run = estimate(scenario, seed, areas=every, pooled=True, draws=DRAWS)
            pooled = run.conclude(every).pooled.verdict
            counts["all together"][pooled] += 1
            families["all together"] += pooled == "detected"
            for name, areas in sets.items():
                # p-values are adjusted over the areas that are asked for
                found = run.conclude(areas)
                counts[name].update(item.verdict for item in found.areas)
                families[name] += any(item.verdict == "detected" for item in found.areas)
        tables.append(_table(scenario.name, scenario.exchangeable, counts, families))
        if not scenario.true_effect and scenario.exchangeable:
            most = int(binom.ppf(0.999, PANELS, design.level))
            broken += [(scenario.name, name, n) for name, n in families.items() if n > most]
    lines = [
        "# Verdicts where we know what happened, SYNTHETIC panels",
        "",
        f"{PANELS} panel{'s' * (PANELS > 1)} a scenario, seeds from {FIRST_SEED}, level {design.level:g}, {DRAWS} placebo draws;",
        f"design {design.id}, code {code_version()}.",
        "Per cent of conclusions with each verdict, and per cent of panels with any detection in the family, with its standard",
        "error. Synthetic controls are estimated where the main method's interval excludes zero; elsewhere no rule can give",
        "*detected*, and *mixed signs* by a second method alone is not counted.",
        "",
        *(line for table in tables for line in table),
    ]
    RECORD.write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    assert not broken, broken


def _table(title: str, exchangeable: bool, counts: dict[str, Counter], families: Counter) -> list[str]:
    shown = [verdict for verdict in ORDER if any(count[verdict] for count in counts.values())]
    note = "" if exchangeable else " (treated and untreated places differ by more than the programme: no rate is promised)"
    lines = [f"## {title[0].upper()}{title[1:]}{note}", "", f"| judged | {' | '.join(shown)} | any detected |"]
    lines.append(f"| --- |{' --- |' * (len(shown) + 1)}")
    for name, count in counts.items():
        rate = families[name] / PANELS
        cells = [f"{100 * count[verdict] / max(count.total(), 1):.0f}" for verdict in shown]
        lines.append(f"| {name} | {' | '.join(cells)} | {100 * rate:.1f} ({100 * np.sqrt(rate * (1 - rate) / PANELS):.1f}) |")
    return [*lines, ""]

"""Size, coverage and power of the default procedures on real figures: ``make simulate`` runs 1,000 draws a line.

``make simulate SCHEDULER=local:2`` shares the draws out among workers, with the same figures. Each run of an outcome writes
``real_panel_<outcome>.md`` beside this file. The quick form in every test run takes few draws and only asks that nothing is
grossly wrong; its limits are binomial ones.
"""

import os
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from simulation.real_panel import FILE, SIZES, draw_studies, keep_one_place, read_real_panel

from evaluation.batch.spread import spread
from evaluation.estimators import REGISTRY
from evaluation.inference.placebo_in_space import DEFAULT_STATISTIC, infer
from evaluation.project import code_version

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"the real panels are not here: {FILE}")

LEVEL, SEED, DRAWS = 0.05, 20250403, 1000
INNER = 199
"""Placebo assignments of each test; a run takes 999."""
REFITS = 5
METHODS = ("twfe", "event_study", "callaway_santanna")
POOLED = (*METHODS, "staggered_synthetic_control")
SINGLE = (*METHODS, "synthetic_control")
FEWER = {"staggered_synthetic_control": 200}
"""Draws of a method whose placebos take seconds; its line says how many."""
OTHER_STATISTICS = ("raw", "variance_function", "combined")
"""Tried beside the default for the headline method; their lines say why they are not the default."""
OUTCOMES = ("inactivity_rate", "employment_rate", "claimant_rate")
SCHEDULER = os.environ.get("SCHEDULER", "")
CHUNK = 10
"""Draws that go to a worker together."""


@dataclass(slots=True)
class Tally:
    """Counts over the draws of one procedure."""

    rejected: list[bool] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    mde: list[float] = field(default_factory=list)
    refused: int = 0

    def add(self, study, method, estimate, placebos, *, sign, statistic, refit):
        judge = partial(infer, level=LEVEL, draws=INNER, seed=SEED, placebos=placebos, statistic=statistic)
        null = judge(estimate, method, study)
        if null.p_value is None or null.mde is None:
            self.refused += 1
            return
        self.rejected.append(null.p_value <= LEVEL)
        self.mde.append(null.mde)
        effect = sign * null.mde
        planted = replace(estimate, att=estimate.att + effect)
        if refit:
            # a constant effect moves the estimate by itself and nothing else; after a few fits that show it, it is taken as known
            again = method.fit(replace(study, y=study.y + effect * study.exposure))
            assert (again.att, again.scale) == pytest.approx((planted.att, planted.scale), abs=1e-6)
        found = judge(planted, method, study)
        self.found.append(found.p_value <= LEVEL)
        self.covered.append(found.interval.low <= effect <= found.interval.high)

    def join(self, other):
        for name in ("rejected", "covered", "found", "mde"):
            getattr(self, name).extend(getattr(other, name))
        self.refused += other.refused

    def row(self, reach, name, statistic):
        n = len(self.rejected)
        cells = [f"{100 * np.mean(x):.1f}" for x in (self.rejected, self.covered, self.found)]
        return f"| {reach} | {name} | {statistic} | {n} | {' | '.join(cells)} | {np.median(self.mde):.2f} | {self.refused} |"


def judge_study(task, *, draws, pooled, single, statistics):
    """Tallies of every procedure for one placebo study; the single place goes round the nine."""
    d, study = task
    tallies = {}
    for reach, methods in (("nine places", pooled), ("one place", single)):
        shown = study if reach == "nine places" else keep_one_place(study, d % len(SIZES))
        for name in (name for name in methods if d < FEWER.get(name, draws)):
            method = REGISTRY[name]()
            estimate, placebos = method.fit(shown), method.placebos(shown, draws=INNER, seed=SEED + d)
            for statistic in (DEFAULT_STATISTIC, *(statistics if name == methods[0] else ())):
                tally = tallies.setdefault((reach, name, statistic), Tally())
                sign = 1.0 if d % 2 else -1.0
                tally.add(shown, method, estimate, placebos, sign=sign, statistic=statistic, refit=d < REFITS)
    return tallies


def judge_studies(outcome, *, draws, pooled, single, statistics=(), scheduler=""):
    """Tallies of every procedure over `draws` placebo studies."""
    work = partial(judge_study, draws=draws, pooled=pooled, single=single, statistics=statistics)
    studies = enumerate(draw_studies(read_real_panel(outcome), draws=draws, seed=SEED))
    whole = {}
    for tallies in spread(work, studies, scheduler=scheduler, chunk=CHUNK):
        for key, tally in tallies.items():
            whole.setdefault(key, Tally()).join(tally)
    return whole


@pytest.mark.slow
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_size_coverage_and_power_over_a_thousand_draws(outcome):
    tallies = judge_studies(outcome, draws=DRAWS, pooled=POOLED, single=SINGLE, statistics=OTHER_STATISTICS, scheduler=SCHEDULER)
    lines = [
        f"# Placebo trailblazers on the real panel: {outcome}",
        "",
        f"{DRAWS:,} draws of nine places with the trailblazers' numbers of authorities, neighbouring, anywhere in England and "
        f"Wales; ten years before, one or two after, from 2004 on; {INNER} placebo assignments a test. Level {LEVEL:g}, seed "
        f"{SEED}, code {code_version()}. Standard error of a share of 5% from 1,000 draws: 0.7; of 80%: 1.3.",
        "",
        "| reach | method | statistic | draws | rejected without effect, % | interval holds the planted effect, % | "
        "stated detectable effect found, % | median detectable effect, points | refused |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(tally.row(*key) for key, tally in tallies.items()),
    ]
    Path(__file__).with_name(f"real_panel_{outcome}.md").write_text("\n".join(lines) + "\n", "utf-8")
    for key, tally in tallies.items():
        assert key[2] != DEFAULT_STATISTIC or np.mean(tally.rejected) < 0.075, key


def test_a_true_null_on_real_figures_is_not_rejected_far_too_often():
    draws = 45
    quick = ("twfe",)
    for key, tally in judge_studies("inactivity_rate", draws=draws, pooled=quick, single=quick).items():
        allowed = stats.binom.ppf(0.999, draws, LEVEL)
        assert sum(tally.rejected) <= allowed, key
        assert sum(tally.found) >= stats.binom.ppf(0.001, draws, 0.75), key

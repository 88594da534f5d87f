"""What the inference of synthetic controls costs, beside pysyncon in the same run: CPU seconds, one thread.

``OMP_NUM_THREADS=1 python benchmarks/synthetic_control_inference.py``

SYNTHETIC data: 250 donors and 57 treated areas, 8 outcomes, 84 periods of which the first 76 lie before the start.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from evaluation.estimators.synthetic_control import SyntheticControl
from evaluation.inference.checks import leave_one_donor_out
from evaluation.numerics.mixing import mix_simplex
from evaluation.numerics.simplex import fit_simplex
from evaluation.results import CheckThresholds, Comparison
from evaluation.simulate import simulate_comparison

DONORS, TREATED, OUTCOMES, PERIODS, START = 250, 57, 8, 84, 76
BACK = (35, 45, 55, 65)
LIMITS = CheckThresholds(minimum_pre_periods=4, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.95, maximum_donor_weight=0.5)


def cpu(work: Callable[[], object], repeat: int = 3) -> float:
    """Median CPU seconds."""
    spent = []
    for _ in range(repeat):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return float(np.median(spent))


def draw(seed: int, treated: int) -> Comparison:
    """An invented panel."""
    return simulate_comparison(
        n_areas=DONORS + treated, n_periods=PERIODS, n_treated=treated, first_treated=START, seed=seed, se=1.0
    )


def infer_outcome(comparison: Comparison, count: dict[str, int]) -> None:
    """Every fit, placebo, leave-one-out and moved start of one outcome: placebo areas serve all treated ones of one start."""
    y, treated = comparison.y, np.flatnonzero(comparison.treated)
    donors = y[:, ~comparison.treated]
    everyone, others = np.ones((treated.size, DONORS), dtype=bool), ~np.eye(DONORS, dtype=bool)
    fit = mix_simplex(donors[:START], y[:START, treated], everyone)
    mix_simplex(donors[:START], donors[:START], others)
    seen = START - START // 3
    mix_simplex(donors[:seen], donors[:seen], others)
    mix_simplex(donors[:seen], y[:seen, treated], everyone)
    unit, donor = np.nonzero(fit.weights > 0.0)
    allowed = np.ones((unit.size, DONORS), dtype=bool)
    allowed[np.arange(unit.size), donor] = False
    mix_simplex(donors[:START], y[:START, treated[unit]], allowed)
    for start in BACK:
        mix_simplex(donors[:start], y[:start, treated], everyone)
    count["fits"] += treated.size * (2 + len(BACK)) + 2 * DONORS + unit.size


def main() -> None:
    """Print the table."""
    single = draw(0, 1)
    method = SyntheticControl()
    estimate = method.fit(single)
    y0, y1 = single.y[:START, 1:], single.y[:START, 0]
    with warnings.catch_warnings():
        # pysyncon imports parts that SciPy and pandas have deprecated
        warnings.simplefilter("ignore")
        from pysyncon import Synth

        def theirs() -> None:
            synth = Synth()
            frame, series = pd.DataFrame(y0), pd.Series(y1, name="treated")
            synth.fit(X0=frame, X1=series, Z0=frame, Z1=series, custom_V=np.ones(START))

        peer = cpu(theirs)
    others = ~np.eye(DONORS, dtype=bool)
    gaps = fit_simplex(y0, y0, allowed=others)
    ours = cpu(lambda: fit_simplex(y0, y0, allowed=others))
    whole = cpu(lambda: method.placebos(single, draws=1, seed=0))
    left = cpu(lambda: leave_one_donor_out.run(single, method, estimate, None, LIMITS))  # type: ignore[arg-type]
    count = {"fits": 0}
    panels = [draw(seed, TREATED) for seed in range(OUTCOMES)]
    national = cpu(lambda: [infer_outcome(panel, count) for panel in panels], repeat=1)
    lines = [
        f"pysyncon, one fit                                   {peer:8.3f} s   (250 placebos: {250 * peer:.0f} s)",
        f"250 placebo fits, worst relative gap {gaps.gap.max():.0e}          {ours:8.3f} s   {250 * peer / ours:,.0f} x",
        f"all placebos of one area, with their prediction     {whole:8.3f} s   {250 * peer / whole:,.0f} x",
        f"leave one donor out of one area ({len(estimate.weights)} donors)         {left:8.3f} s",
        f"{TREATED} areas x {OUTCOMES} outcomes, everything ({count['fits']:,} fits)    {national:8.3f} s",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""Permuting time: is one place unusual after its start among its own residuals? For the annex."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from evaluation.numerics.conformal import conformal_interval, conformal_p
from evaluation.numerics.mixing import Mixer, mix_demeaned, mix_simplex
from evaluation.numerics.specification import Specification
from evaluation.results import Comparison, Estimate, Estimator, Inference, Interval, Placebos

MIXERS: Mapping[str, Mixer] = MappingProxyType({"synthetic_control": mix_simplex, "demeaned_synthetic_control": mix_demeaned})
"""Methods whose weights are quickly chosen again under every null."""

DIFFERENCES = (
    "twfe",
    "event_study",
    "imputation",
    "two_stage",
    "callaway_santanna",
    "sun_abraham",
    "stacked",
    "local_projections",
)
"""Methods that, with one treated place and nothing but area and period effects, set it against the mean of the others."""

COARSE = 24
"""Steps of the first grid of effects, and of the finer ones around its ends."""

WIDTH = 4.0
"""Half the width of the first grid, in half-widths of the interval with the weights held as they are."""


def infer(
    estimate: Estimate,
    estimator: Estimator,
    comparison: Comparison,
    *,
    level: float,
    draws: int,
    seed: int,
    placebos: Placebos | None = None,
) -> Inference:
    """Shift the residuals in time, with the null imposed (Chernozhukov, Wuthrich & Zhu 2021, JASA 116(536), section 2).

    The effect under the null is taken from the treated place's outcome, the counterfactual is fitted again to all periods, before
    and after the start, and the statistic is the magnitude of the sum of residuals times exposure. Residuals moved in time as one
    block, every shift once, say how large it is by chance, whatever their autocorrelation.

    The interval holds the constant effects (at full exposure) whose p is above `level`: in closed form for differences-in-
    differences, on a grid with the weights fitted again at every point for synthetic controls, rounded outwards to its step.

    Valid for one treated place with no fewer periods before the start than after it, for a comparison whose residuals could have
    come in any order in time of blocks (no drift, no change of spread), with at least 1/`level` periods, and, for a synthetic
    control, with more periods than the donors can fit exactly. `draws`, `seed` and `placebos` are not used.

    Parameters
    ----------
    estimate, estimator, comparison : Estimate, Estimator, Comparison
        What was found, by what, on what.
    level : float
        Size of the test, such as 0.05; the interval covers 1 - level.
    draws, seed : int
        Number of random draws and their seed, for methods that draw.
    placebos : Placebos, optional
        Those of `estimator` on `comparison`, where they are there already, for methods that use them.

    Returns
    -------
    Inference
        Without p-value and interval where it is not valid; the note says why.

    Examples
    --------
    One treated area over 24 periods: its residuals can be moved in time in 24 ways, the one that happened among them.

    >>> from evaluation.estimators import REGISTRY
    >>> from evaluation.simulate import simulate_comparison
    >>> made = simulate_comparison(n_areas=60, n_treated=1, effect=-6.0, seed=1)  # SYNTHETIC
    >>> method = REGISTRY["twfe"]()
    >>> found = infer(method.fit(made), method, made, level=0.05, draws=999, seed=1)
    >>> round(found.p_value, 4), round(found.smallest_p, 4)
    (0.0417, 0.0417)
    """
    note, p_value, interval = _why_not(estimator, comparison, level), None, None
    if not note:
        column = int(np.flatnonzero(comparison.treated)[0])
        own, exposure = comparison.y[:, column], comparison.exposure[:, column]
        donors = comparison.y[:, ~comparison.treated]
        if estimator.name in MIXERS:
            note, p_value, interval = _by_mix(estimate, MIXERS[estimator.name], own, donors, exposure, level)
        else:
            weights = np.ones(donors.shape[1]) if comparison.weights is None else comparison.weights[~comparison.treated]
            gap = own - donors @ (weights / weights.sum())
            p_value = float(conformal_p(gap, exposure))
            ends = conformal_interval(gap, exposure, level)
            interval = None if ends is None else Interval(low=ends[0], high=ends[1])
        if p_value is not None:
            note = "Rests on the place's own periods alone, taken as alike but for the programme. " + (
                "The interval is for an effect that is constant over time."
                if interval is not None
                else "The test keeps ever larger effects, so there is no interval."
            )
    return Inference(
        method="conformal",
        null="The programme changed nothing in any period, and residuals are alike before and after the start.",
        level=level,
        reps=comparison.n_periods if p_value is not None else 0,
        seed=seed,
        p_value=p_value,
        interval=interval,
        smallest_p=1.0 / comparison.n_periods,
        decides=False,
        note=note.strip(),
    )


def _why_not(estimator: Estimator, comparison: Comparison, level: float) -> str:
    """Why it is not run; empty where it is."""
    if int(comparison.treated.sum()) != 1:
        return "Not valid here: takes one treated place."
    if estimator.name not in MIXERS and estimator.name not in DIFFERENCES:
        return "Not run: this method would have to be fitted again under every null, which takes too long."
    if getattr(estimator, "predictors", ()):
        return "Not run: weights chosen by predictors would have to be searched again under every null."
    plain = estimator.is_plain(comparison) if isinstance(estimator, Specification) else comparison.observed.all()
    if not plain or bool(getattr(estimator, "covariates", None)):
        return "Not run: needs complete data and a method with nothing but area and period effects."
    periods, start = comparison.n_periods, int(comparison.first_treated[comparison.treated][0])
    if periods * level < 1.0 - 1e-9:
        return f"Not given: with {periods} periods p cannot fall below {1 / periods:.3f}, which exceeds {level:g}."
    if start < periods - start:
        return (
            f"Not valid here: {start} period(s) before the start and {periods - start} after; it takes at least as many before."
        )
    return ""


def _by_mix(
    estimate: Estimate, mixer: Mixer, own: np.ndarray, donors: np.ndarray, exposure: np.ndarray, level: float
) -> tuple[str, float | None, Interval | None]:
    """Note, p and interval with the weights fitted again to all periods under each null."""

    def judge(effects: np.ndarray) -> np.ndarray:
        targets = own[:, None] - exposure[:, None] * effects
        mix = mixer(donors, targets, np.ones((len(effects), donors.shape[1]), dtype=bool))
        residuals = targets - donors @ mix.weights.T - mix.intercept
        # a fit without residuals cannot be told from any other: such a null is kept
        return np.where(mix.exact, np.nan, conformal_p(residuals.T, exposure))

    p_value = float(judge(np.zeros(1))[0])
    if np.isnan(p_value):
        return "Not valid here: the donors fit every period exactly with the null imposed, so no residuals are left.", None, None
    held = np.array(estimate.series.observed) - np.array(estimate.series.counterfactual)
    ends = conformal_interval(held, exposure, level)
    reach = WIDTH * (max(ends[1] - estimate.att, estimate.att - ends[0]) if ends is not None else float(np.std(held)))
    grid = np.linspace(estimate.att - reach, estimate.att + reach, 2 * COARSE + 1)
    kept = ~(judge(grid) <= level)
    if not reach > 0.0 or kept[0] or kept[-1] or not kept.any():
        return "", p_value, None
    first, last = np.flatnonzero(kept)[[0, -1]]
    fine = np.concatenate(
        [np.linspace(grid[first - 1], grid[first], COARSE + 1), np.linspace(grid[last], grid[last + 1], COARSE + 1)]
    )
    still = ~(judge(fine) <= level)
    low = fine[np.flatnonzero(still[: COARSE + 1])[0] - 1]
    high = fine[COARSE + 1 + np.flatnonzero(still[COARSE + 1 :])[-1] + 1]
    return "", p_value, Interval(low=float(low), high=float(high))

"""Restricted wild cluster bootstrap of two-way fixed effects, for the annex."""

from __future__ import annotations

import numpy as np

from evaluation.errors import DataError
from evaluation.inference.regressions import count_clusters, is_one_coefficient
from evaluation.numerics.wild_bootstrap import WildBootstrap, draw_wild_bootstrap
from evaluation.results import Comparison, Estimate, Estimator, Inference, Interval, Placebos

FEWEST = 6
"""Treated clusters, and untreated ones, below which the bootstrap is not valid: with few treated clusters it hardly ever rejects
(MacKinnon & Webb 2017), and so its interval says nothing."""

REPS = 9_999
"""Draws."""


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
    """Draw signs for whole clusters with the null imposed (Cameron, Gelbach & Miller 2008; Roodman and others 2019).

    Clusters are `Comparison.clusters`, or areas. The interval inverts the test; its ends cost nothing more
    (`numerics.wild_bootstrap`). `draws` and `placebos` are not used.

    Valid with at least `FEWEST` treated and as many untreated clusters that are independent of each other. Run for two-way fixed
    effects on complete panels without further terms.

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
    Eight treated areas of sixty. With one it says why it does not answer.

    >>> from evaluation.estimators import REGISTRY
    >>> from evaluation.simulate import simulate_comparison
    >>> made = simulate_comparison(n_areas=60, n_treated=8, effect=-6.0, seed=1)  # SYNTHETIC
    >>> method = REGISTRY["twfe"]()
    >>> found = infer(method.fit(made), method, made, level=0.05, draws=999, seed=1)
    >>> found.p_value < 0.001, found.interval.low < -6 < found.interval.high
    (True, True)
    >>> alone = simulate_comparison(n_areas=60, seed=1)
    >>> infer(method.fit(alone), method, alone, level=0.05, draws=999, seed=1).note[:46]
    'Not valid here: 1 treated and 59 untreated clu'
    """
    note, drawn = _why_not(estimator, comparison), None
    if not note:
        labels = comparison.clusters or comparison.areas
        try:
            drawn = draw_wild_bootstrap(
                comparison.y,
                comparison.exposure,
                clusters=np.unique(labels, return_inverse=True)[1],
                weights=comparison.weights,
                reps=REPS,
                seed=seed,
            )
        except DataError as error:
            note = f"Not run: {error}"
        else:
            if not drawn.variance > 0.0:
                note, drawn = "Not run: there are no residuals.", None
    found = _judge(drawn, level) if drawn is not None else (None, None)
    if drawn is not None:
        note = "Takes clusters as independent of each other: shocks that neighbouring clusters share make it reject too often."
        if found[1] is None:
            note += " The test keeps ever larger effects on one side, so there is no interval."
    return Inference(
        method="restricted_wild_bootstrap",
        null="The effect is nil in every area, and clusters are independent of each other.",
        level=level,
        reps=0 if drawn is None else len(drawn.shift),
        seed=seed,
        p_value=found[0],
        interval=found[1],
        decides=False,
        note=note,
    )


def _why_not(estimator: Estimator, comparison: Comparison) -> str:
    """Why it is not run; empty where it is."""
    if not is_one_coefficient(estimator, comparison):
        return "Not run: needs a regression with one effect, area and period effects alone, and no missing cells."
    clusters = count_clusters(comparison)
    if min(clusters.treated, clusters.untreated) < FEWEST:
        return (
            f"Not valid here: {clusters.treated} treated and {clusters.untreated} untreated cluster(s), and it takes at least "
            f"{FEWEST} of each; with fewer it hardly ever rejects."
        )
    return ""


def _judge(drawn: WildBootstrap, level: float) -> tuple[float, Interval | None]:
    ends = drawn.interval(level)
    return drawn.p_value(), None if ends is None else Interval(low=ends[0], high=ends[1])

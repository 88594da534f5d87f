"""The conventional test from a cluster-robust standard error, for the annex."""

from __future__ import annotations

from evaluation.inference.regressions import count_clusters
from evaluation.results import Comparison, Estimate, Estimator, Inference, Interval, Placebos

FEW = 10
"""Treated clusters below which the note says that the test is wrong; with ten it still rejects too often."""


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
    """t-test of `Estimate.se` with one degree of freedom less than there are clusters.

    Liang & Zeger (1986); Cameron & Miller (2015). Clusters are `Comparison.clusters`, or areas.

    It never decides: with few treated areas the standard error rests on a handful of residuals that the estimate itself has made
    small, and the test rejects far too often (Conley & Taber 2011; MacKinnon & Webb 2017). `draws`, `seed` and `placebos` are not
    used.

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
    One treated area of sixty: a p-value that nobody should believe, and that decides nothing.

    >>> from evaluation.estimators import REGISTRY
    >>> from evaluation.simulate import simulate_comparison
    >>> made = simulate_comparison(n_areas=60, n_treated=1, effect=-6.0, seed=1)  # SYNTHETIC
    >>> method = REGISTRY["twfe"]()
    >>> found = infer(method.fit(made), method, made, level=0.05, draws=999, seed=1)
    >>> found.p_value < 1e-12, found.decides
    (True, False)
    """
    clusters = count_clusters(comparison)
    kind = "clusters" if comparison.clusters else "areas"
    note = f"{clusters.treated} treated of {clusters.all} {kind}. It never decides: " + (
        f"the standard error rests on the residuals of the treated {kind}, which the estimate itself has made small, and with "
        "so few of them the test rejects a true null far more often than it says."
        if clusters.treated < FEW
        else f"it takes {kind} as independent of each other, so shocks that neighbours share make it reject too often."
    )
    p_value, interval = None, None
    if estimate.se is None or not estimate.se > 0.0:
        note = "The method gives no conventional standard error." if estimate.se is None else "The standard error is nil. " + note
    elif clusters.all > 1:
        from scipy import stats

        p_value = float(2.0 * stats.t.sf(abs(estimate.att) / estimate.se, clusters.all - 1))
        half = float(stats.t.ppf(1.0 - level / 2.0, clusters.all - 1)) * estimate.se
        interval = Interval(low=estimate.att - half, high=estimate.att + half)
    return Inference(
        method="cluster_robust",
        null="The average effect is nil, with areas independent of each other and many of them treated.",
        level=level,
        reps=0,
        seed=seed,
        p_value=p_value,
        interval=interval,
        decides=False,
        note=note,
    )

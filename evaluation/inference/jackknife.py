"""t-test with the leave-one-cluster-out standard error, for the annex."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.errors import DataError
from evaluation.inference.regressions import count_clusters, is_one_coefficient
from evaluation.numerics.cluster_jackknife import Jackknife, leave_out_clusters
from evaluation.results import Comparison, Estimate, Estimator, Inference, Interval, Placebos

MOST_REFITS = 20
"""Clusters up to which an estimator without a closed form is fitted again without each of them."""

FEWEST = 2
"""Treated clusters, and untreated ones: without the only one there is nothing to estimate."""


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
    """t-test with the variance ``(G - 1) / G * sum of (att without cluster g - att)^2`` (CV3; MacKinnon, Nielsen & Webb 2023).

    Closed form for two-way fixed effects on complete panels, with Satterthwaite's degrees of freedom (Bell & McCaffrey 2002).
    Other methods for several areas are fitted again without each cluster where there are at most `MOST_REFITS`, and get as many
    degrees of freedom as the smaller of the two groups has clusters, less one. `draws`, `seed` and `placebos` are not used.

    Valid with at least two treated and two untreated clusters that are independent of each other; with few treated ones it still
    rejects too often, only less so than the cluster-robust test.

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
    Eight treated areas of sixty, and an effect of -6.

    >>> from evaluation.estimators import REGISTRY
    >>> from evaluation.simulate import simulate_comparison
    >>> made = simulate_comparison(n_areas=60, n_treated=8, effect=-6.0, seed=1)  # SYNTHETIC
    >>> method = REGISTRY["twfe"]()
    >>> found = infer(method.fit(made), method, made, level=0.05, draws=999, seed=1)
    >>> found.p_value < 0.001, found.interval.low < -6 < found.interval.high
    (True, True)
    """
    clusters = count_clusters(comparison)
    found: Jackknife | None = None
    if min(clusters.treated, clusters.untreated) < FEWEST:
        note = (
            f"Not valid here: {clusters.treated} treated and {clusters.untreated} untreated cluster(s); without the only one of "
            "a kind there is no estimate."
        )
    elif not is_one_coefficient(estimator, comparison) and clusters.all > MOST_REFITS:
        note = f"Not run: this method has no closed form and would be fitted {clusters.all} times."
    else:
        try:
            found = (
                leave_out_clusters(
                    comparison.y,
                    comparison.exposure,
                    clusters=np.unique(comparison.clusters or comparison.areas, return_inverse=True)[1],
                    weights=comparison.weights,
                )
                if is_one_coefficient(estimator, comparison)
                else _refit(estimate, estimator, comparison, min(clusters.treated, clusters.untreated) - 1)
            )
            note = "Takes clusters as independent of each other; with few treated ones it still rejects a true null too often."
        except DataError as error:
            note = f"Not run: {error}"
    if found is not None and not found.se > 0.0:
        found, note = None, "The standard error is nil."
    p_value, interval = None, None
    if found is not None:
        from scipy import stats

        p_value = float(2.0 * stats.t.sf(abs(estimate.att) / found.se, found.freedom))
        half = float(stats.t.ppf(1.0 - level / 2.0, found.freedom)) * found.se
        interval = Interval(low=estimate.att - half, high=estimate.att + half)
        note = f"{clusters.treated} treated of {clusters.all} clusters, {found.freedom:.1f} degrees of freedom. {note}"
    return Inference(
        method="jackknife",
        null="The average effect is nil, with clusters independent of each other and many of them treated.",
        level=level,
        reps=0,
        seed=seed,
        p_value=p_value,
        interval=interval,
        decides=False,
        note=note,
    )


def _refit(estimate: Estimate, estimator: Estimator, comparison: Comparison, freedom: int) -> Jackknife:
    """The estimate without each cluster, by fitting it again."""
    labels = np.array(comparison.clusters or comparison.areas)
    atts = [estimator.fit(_keep(comparison, labels != label)).att for label in np.unique(labels)]
    without = np.array(atts)
    variance = (len(without) - 1) / len(without) * ((without - estimate.att) ** 2).sum()
    return Jackknife(estimate=estimate.att, without=without, se=float(np.sqrt(variance)), freedom=float(freedom))


def _keep(comparison: Comparison, kept: np.ndarray) -> Comparison:
    """The comparison with these areas (boolean, N) alone."""
    columns = np.flatnonzero(kept)

    def pick(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names[n] for n in columns) if names else ()

    return replace(
        comparison,
        areas=pick(comparison.areas),
        area_names=pick(comparison.area_names),
        y=comparison.y[:, columns],
        first_treated=comparison.first_treated[columns],
        exposure=comparison.exposure[:, columns],
        se=None if comparison.se is None else comparison.se[:, columns],
        weights=None if comparison.weights is None else comparison.weights[columns],
        sizes=None if comparison.sizes is None else comparison.sizes[columns],
        neighbours=None if comparison.neighbours is None else comparison.neighbours[np.ix_(columns, columns)],
        regions=pick(comparison.regions),
        clusters=pick(comparison.clusters),
        covariates={name: values[:, columns] for name, values in comparison.covariates.items()},
    )

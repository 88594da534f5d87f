"""The undivided estimate among those of single untreated areas, for the annex."""

from __future__ import annotations

from evaluation.inference.reference import reference_of
from evaluation.results import Comparison, Estimate, Estimator, Inference, Interval, Placebos


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
    """Rank the estimate as it is among those of single untreated areas.

    Conley & Taber (2011), Review of Economics and Statistics 93(1): untreated areas show how an area's error is spread, and with
    many of them this spread is known even if one area is treated. The interval adds the same quantiles to the estimate.

    Valid where every treated area is a single authority (a place of several is calmer than the single areas it would be compared
    with), where the untreated areas are enough for `level`, and where the treated authority is about as noisy as they are: one of
    unusual population rejects too seldom or too often, which is why it does not decide.

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
    One treated area of sixty, and an effect of -6, larger than any of the 59 untreated areas shows.

    >>> from evaluation.estimators import REGISTRY
    >>> from evaluation.simulate import simulate_comparison
    >>> made = simulate_comparison(n_areas=60, n_treated=1, effect=-6.0, seed=1)  # SYNTHETIC
    >>> method = REGISTRY["twfe"]()
    >>> found = infer(method.fit(made), method, made, level=0.05, draws=999, seed=1)
    >>> round(found.p_value, 4), found.interval.low < -6 < found.interval.high
    (0.0167, True)
    """
    several = 1 if comparison.sizes is None else int(comparison.sizes[comparison.treated].max())
    note, p_value, interval, reference = "", None, None, None
    if several > 1:
        note = (
            f"Not valid here: a treated place is made of {several} authorities, and single areas are noisier than such a place."
        )
    else:
        placebos = estimator.placebos(comparison, draws=draws, seed=seed) if placebos is None else placebos
        reference = reference_of(estimate, placebos, comparison, statistic="raw") if len(placebos.att) else None
        critical = None if reference is None else reference.critical(level)
        if reference is None:
            note = "There are not enough untreated areas to place a placebo."
        elif critical is None:
            note = f"Not given: with {reference.distinct} placebo assignments p cannot fall below {reference.floor:.3f}."
        else:
            p_value = reference.p_value
            interval = Interval(low=estimate.att - critical, high=estimate.att + critical)
            note = "Takes the treated areas as being about as noisy as the untreated ones, whatever their population."
    return Inference(
        method="conley_taber",
        null="The programme changed nothing, and errors of treated and untreated areas have the same spread.",
        level=level,
        reps=0 if reference is None else len(reference.placebos),
        seed=seed,
        p_value=p_value,
        interval=interval,
        as_large=None if p_value is None or reference is None else reference.as_large,
        smallest_p=None if reference is None else reference.floor,
        decides=False,
        note=note,
    )

"""Random-effects summary of a few estimates with known standard errors.

The k effects y differ from place to place: y_i = mu + b_i + e_i with variance tau^2 between places and s_i^2 within them. tau^2
solves the generalised Q equation of Paule & Mandel (1982),

    sum of w_i (y_i - m)^2 = k - 1,   w_i = 1 / (s_i^2 + tau^2),   m = sum of w_i y_i / sum of w_i,

and is 0 where the left side is below k - 1 at tau^2 = 0. The interval of the mean takes the t distribution with k - 1 degrees of
freedom (Hartung & Knapp 2001, Sidik & Jonkman 2002).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError

SOLVED = 1e-3
"""Largest departure from the equation of Paule and Mandel, as a share of k - 1, that counts as solved."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RandomEffects:
    """The summary of k effects, all in the effects' unit.

    Attributes
    ----------
    mean, se : the weighted mean and its guarded Hartung-Knapp standard error
    tau : standard deviation of the effects between places
    weights : array (k,), shares of the mean; they sum to 1
    half_width : of the interval of the mean
    p_value : two-sided, that the mean is zero
    prediction : half width of the interval for the effect of a further place; None with fewer than three
    shrunk : array (k,), effects drawn towards the mean
    shrunk_half_width : array (k,), half widths of their intervals
    """

    mean: float
    se: float
    tau: float
    weights: np.ndarray
    half_width: float
    p_value: float
    prediction: float | None
    shrunk: np.ndarray
    shrunk_half_width: np.ndarray


def pool_effects(effects: np.ndarray, errors: np.ndarray, *, level: float) -> RandomEffects:
    """Summarise effects that are assumed independent of each other.

    The Hartung-Knapp variance is the usual random-effects one times q = sum of w_i (y_i - m)^2 / (k - 1). At the solution of the
    equation above q is 1, so it departs from the usual one only where tau^2 is 0 and the effects lie closer together than their
    errors allow; there q is held at 1. So the interval is never narrower than the one of a common effect (the ad-hoc guard of
    Knapp & Hartung 2003).

    The prediction interval is ``mean +- t(k - 2) sqrt(tau^2 + se^2)`` (Higgins, Thompson & Spiegelhalter 2009).

    Partial pooling: y_i moves towards the mean by the share B_i = s_i^2 / (s_i^2 + tau^2). Its variance, for a given tau^2 and a
    flat prior on mu, is (1 - B_i) s_i^2 + B_i^2 se^2 (Morris 1983 adds a term for the uncertainty of tau^2, which k effects
    cannot tell; here t(k - 1) stands in for it, and the interval is conditional on tau^2).

    Parameters
    ----------
    effects : array (k,)
        At least two.
    errors : array (k,)
        Standard errors, above zero.
    level : float
        Size of the test, such as 0.05; intervals cover 1 - level.

    Raises
    ------
    DataError
        If there are fewer than two effects, or a standard error is not above zero.
    """
    from scipy.stats import t as student
    from statsmodels.stats.meta_analysis import combine_effects

    y, s = np.asarray(effects, dtype=float), np.asarray(errors, dtype=float)
    if y.size < 2 or y.shape != s.shape or not (np.isfinite(y).all() and np.isfinite(s).all() and (s > 0).all()):
        raise DataError(
            f"pooling: {y.size} effects with standard errors {np.array2string(s, precision=4)} cannot be summarised; at least "
            "two are needed, each with a standard error above zero."
        )
    # Its tolerance is left as it is: with a tighter one the iteration may step past the root by a rounding error, which
    # statsmodels 0.15 takes for no variance at all.
    fit = combine_effects(y, s**2, method_re="iterated")
    tau2, df = float(fit.tau2), y.size - 1
    q = float(fit.scale_hksj_re)
    if abs(q - 1) > SOLVED and (tau2 > 0 or q > 1):
        raise AssertionError(f"the equation of Paule and Mandel is not solved: q = {q:.6g} at tau^2 = {tau2:.6g}")
    mean, se = float(fit.mean_effect_re), float(fit.sd_eff_w_re) * np.sqrt(max(q, 1.0))
    critical = float(student.isf(level / 2, df))
    towards = s**2 / (s**2 + tau2)
    spread = np.sqrt((1 - towards) * s**2 + (towards * se) ** 2)
    further = float(student.isf(level / 2, df - 1)) * float(np.sqrt(tau2 + se**2)) if df > 1 else None
    return RandomEffects(
        mean=mean,
        se=float(se),
        tau=float(np.sqrt(tau2)),
        weights=np.asarray(fit.weights_rel_re, dtype=float),
        half_width=critical * float(se),
        p_value=float(2 * student.sf(abs(mean) / se, df)),
        prediction=further,
        shrunk=(1 - towards) * y + towards * mean,
        shrunk_half_width=critical * spread,
    )

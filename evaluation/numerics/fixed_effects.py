"""Regression with area and period effects by pyfixest, with a standard error that does not vary from run to run."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedEffectsFit:
    """Coefficients of one regression.

    Attributes
    ----------
    names : tuple of str, length L, as the formula names them
    coefficients : array (L,)
    vcov : array (L, L), cluster-robust; None where no degree of freedom is left for it
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    vcov: np.ndarray | None


def fit_fixed_effects(
    frame: pd.DataFrame, formula: str, *, n_coefficients: int, weights: str | None = None, nested: bool = False
) -> FixedEffectsFit:
    """Fit `formula` (with ``| unit + time``) and cluster the covariance by ``cluster``.

    The small-sample factor counts all fixed effects (``k_fixef='full'``). The default of pyfixest 0.60 leaves out effects nested
    in the clusters and decides which these are by the order of a set of text, so its standard error depends on PYTHONHASHSEED.
    With `nested` the area effects are taken out of the count here, by degrees of freedom.

    Parameters
    ----------
    frame : DataFrame
        With ``unit``, ``time``, ``cluster`` and the formula's columns.
    formula : str
        Such as ``y ~ exposure | unit + time``.
    n_coefficients : int
        How many coefficients there must be.
    weights : str, optional
        Column of area weights.
    nested : bool
        Whether area effects, nested in the clusters, are not counted as coefficients.

    Raises
    ------
    DataError
        If area and period effects, or other regressors, explain one of the regressors.
    """
    import pyfixest

    # with no degree of freedom left the factor would divide by nought, so it is left out and the covariance thrown away
    n_areas = frame["unit"].nunique()
    free = len(frame) - n_areas - frame["time"].nunique() + 1 - n_coefficients
    ssc = pyfixest.ssc(k_fixef="full", k_adj=free > 0)

    # without residuals the standard error is 0, and the t-value, which nobody reads here, is infinite
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # pyfixest 0.60 calls pandas with arguments that pandas 3.1 deprecates; its numbers do not depend on it
        warnings.simplefilter("ignore", category=pd.errors.Pandas4Warning)
        try:
            model = pyfixest.feols(formula, frame, vcov={"CRV1": "cluster"}, weights=weights, ssc=ssc, store_data=False)
        except ValueError as error:
            if "collinear" not in str(error):
                raise
            raise DataError(_collinear(formula)) from error
        coefficients = model.coef()
    if len(coefficients) != n_coefficients:
        raise DataError(_collinear(formula))
    # the covariance has no public reader in pyfixest 0.60
    vcov = np.array(model._vcov, dtype=float)
    if nested and free > 0:
        vcov *= free / (free + n_areas - 1)
    return FixedEffectsFit(
        names=tuple(map(str, coefficients.index)),
        coefficients=coefficients.to_numpy(dtype=float),
        vcov=vcov if free > 0 and np.isfinite(vcov).all() else None,
    )


def _collinear(formula: str) -> str:
    return (
        f"regression {formula!r}: area and period effects already explain one of its terms, so its effect cannot be told apart; "
        "untreated areas, other starts or more periods are needed."
    )

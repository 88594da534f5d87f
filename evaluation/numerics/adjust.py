"""Outcomes less what covariates explain among untreated areas."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

CONSTANT = 1e-9
"""A covariate with less than this share of its size left after area and period effects is explained by them."""


def take_out_covariates(y: np.ndarray, covariates: Mapping[str, np.ndarray], donors: np.ndarray) -> np.ndarray:
    """Take the covariates out of the outcomes, with coefficients from a regression on `donors` with area and period effects.

    Kranz (2022), 'Synthetic Difference-in-Differences with Time-Varying Covariates'. A covariate that does not change over
    time, or changes alike everywhere, is explained by the effects and changes nothing.

    Parameters
    ----------
    y : array (T, N)
        Outcomes; not changed.
    covariates : mapping of name to array (T, N)
        Complete.
    donors : integer array (J,)
        Untreated areas, by position.
    """
    if not covariates:
        return y
    x = np.stack(list(covariates.values()))
    within = _within(x[:, :, donors])
    size = np.sqrt((within**2).sum(axis=(1, 2)))
    kept = size > CONSTANT * np.sqrt((x[:, :, donors] ** 2).sum(axis=(1, 2)))
    if not kept.any():
        return y
    scaled = (within[kept] / size[kept, None, None]).reshape(int(kept.sum()), -1)
    slopes = np.linalg.lstsq(scaled.T, _within(y[None, :, donors])[0].ravel(), rcond=None)[0] / size[kept]
    return np.asarray(y - np.tensordot(slopes, x[kept], axes=1))


def _within(values: np.ndarray) -> np.ndarray:
    """Values (L, T, J) less their area and period means."""
    return values - values.mean(axis=1, keepdims=True) - values.mean(axis=2, keepdims=True) + values.mean((1, 2), keepdims=True)

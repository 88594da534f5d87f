"""Augmented synthetic control: a mix of untreated areas, and a ridge regression for what the mix leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.mixing import (
    LeftOut,
    Mix,
    estimate_by_mix,
    leave_out_by_mix,
    mix_simplex,
    placebos_by_mix,
    refuse_mix,
    requirements_of_mix,
)
from evaluation.results import Card, Check, Comparison, Estimate, Placebos

GRID = 20
"""Steps of the grid of penalties."""

SMALLEST = 1e-8
"""Span of the grid: from the largest squared singular value of the donors' outcomes down to nearly this share of it, as in the R
package of the authors of the method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentedSyntheticControl:
    """Ridge-augmented synthetic control, one treated area.

    With X the donors' outcomes before the start less their mean in each period, x those of the treated area less the same, and w
    the weights of the plain synthetic control, the augmented weights are ``w + (x - X w)' (X X' + penalty I)^-1 X``: they sum to
    1 and may be negative.

    Parameters
    ----------
    penalty : float or None
        The ridge penalty, in the outcome's unit squared; None = chosen for every area by leaving out one period before the start
        at a time. The choice is made anew for every placebo and wherever periods are held back.
    rule : {"one standard error", "smallest error"}
        Take the largest penalty whose mean squared error is within one standard error of the smallest, or the one with the
        smallest.

    Examples
    --------
    ``a`` is twice ``b`` less ``c`` until year 4, when it is 1 higher: beyond what any mix shows. A small penalty lets the
    correction leave the range of the donors; a large one gives back the plain synthetic control:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [0, 2, 4, 7], "b": [1, 2, 3, 4], "c": [2, 2, 2, 2], "d": [3, 1, 5, 2]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 4})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = AugmentedSyntheticControl(penalty=1e-9).fit(own)
    >>> round(estimate.att, 4), {donor.area: round(donor.weight, 4) for donor in estimate.weights}
    (1.0, {'b': 2.0, 'c': -1.0, 'd': 0.0})
    >>> round(AugmentedSyntheticControl(penalty=1e9).fit(own).att, 4)
    3.0
    """

    penalty: float | None = None
    rule: Literal["one standard error", "smallest error"] = "one standard error"

    card: ClassVar[Card] = Card(
        name="augmented_synthetic_control",
        controls="a mix of donors, corrected by a ridge regression",
        base="the mix itself, corrected for what it missed before the start",
        weighting="donors by shares that may leave the range nought to one",
        title="Augmented synthetic control",
        family="synthetic control",
        plain=(
            "Untreated areas are mixed to follow the treated area before the start, as in a synthetic control. Where the mix "
            "cannot follow it, a regression across the untreated areas says what the remaining difference would have meant "
            "later, and the estimate is corrected by that."
        ),
        estimand="Average effect of full exposure on the one treated area over the periods after its start.",
        assumptions=(
            "A mix that follows the area before the start would also have followed it afterwards; what it leaves carries over as "
            "past outcomes carry over among the donors.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the donors, and nothing else of its size happens to them.",
        ),
        limits=(
            "Weights may be negative: the counterfactual may lie outside what any mix of areas shows.",
            "Where the plain synthetic control fits well, the correction is next to nothing and so is the gain.",
            "The penalty is chosen on the few periods before the start; the choice itself is uncertain.",
            "It has no standard error here; chance is judged by placebo areas.",
        ),
        missing_cells="None allowed in the outcome. Areas and periods with gaps are left out before, with reasons.",
        source="Ben-Michael, Feller & Rothstein (2021), Journal of the American Statistical Association 116(536).",
        compared_with="pysyncon's AugSynth, which follows the R package augsynth.",
    )

    def __post_init__(self) -> None:
        """Refuse options that are none."""
        if self.penalty is not None and not (np.isfinite(self.penalty) and self.penalty > 0.0):
            raise ConfigurationError(f"augmented_synthetic_control: penalty must be above 0, not {self.penalty}.")
        if self.rule not in ("one standard error", "smallest error"):
            raise ConfigurationError(
                f"augmented_synthetic_control: rule {self.rule!r} is not known; write 'one standard error' or 'smallest error'."
            )

    @property
    def name(self) -> str:
        """Registry name."""
        return "augmented_synthetic_control"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense: one treated area, one donor, periods before and after, no gaps."""
        return requirements_of_mix(comparison)

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the gap between the treated area and its augmented mix.

        Raises
        ------
        DataError
            If several areas are treated, or none; if there is no donor, no period before the start, or a gap in the outcome.
        """
        refuse_mix(comparison)
        chosen: list[float] = []

        def mixer(donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray) -> Mix:
            mix = self._mix(donors, targets, allowed)
            chosen.append(float(mix.penalty[0]) if mix.penalty is not None else 0.0)
            return mix

        estimate = estimate_by_mix(self.name, comparison, mixer)
        negative = sum(donor.weight for donor in estimate.weights if donor.weight < 0.0)
        how = "given" if self.penalty is not None else f"chosen by leaving out one period at a time, rule: {self.rule}"
        notes = (f"Ridge penalty {chosen[0]:.4g} ({how}); negative weights sum to {negative:.3f}.", *estimate.notes)
        return replace(estimate, notes=notes)

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Untreated areas as if treated from the treated area's start, places as `draw_places` draws them.

        Equal to `fit` on `merge_places`. As many simplex fits each as there are periods before the start: 20 ms with 250 areas
        and 34 periods.
        """
        refuse_mix(comparison)
        return placebos_by_mix(comparison, self._mix, draws=draws, seed=seed)

    def leave_one_out(self, comparison: Comparison, estimate: Estimate) -> LeftOut:
        """The estimate without each donor that has weight, one at a time; the penalty is chosen anew."""
        refuse_mix(comparison)
        return leave_out_by_mix(comparison, estimate, self._mix)

    def _mix(self, donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray) -> Mix:
        """Augmented weights at the penalty given, or at the one each target chooses."""
        plain = mix_simplex(donors, targets, allowed)
        spread = spreads(donors, allowed)
        if self.penalty is not None:
            penalty = np.full(targets.shape[1], self.penalty)
        else:
            grid = penalties(spread)
            errors = leave_out_periods(donors, targets, allowed, spread, grid)
            penalty = np.take_along_axis(grid, choose(errors, self.rule)[:, None], axis=1)[:, 0]
        return Mix(
            weights=plain.weights + ridge_weights(donors, targets, allowed, spread, plain.weights, penalty),
            intercept=plain.intercept,
            exact=plain.exact,
            penalty=penalty,
        )


def spreads(donors: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Cross products ``X X'`` (R, T0, T0) of the donors allowed to each target, less their mean in each period."""
    centred = donors - donors.mean(axis=1, keepdims=True)
    count = allowed.sum(axis=1)
    mean = allowed @ centred.T / count[:, None]
    # a target leaves out few donors: what they add is taken from the sum over all
    out = ~allowed
    products = np.broadcast_to(centred @ centred.T, (len(allowed), len(donors), len(donors))).copy()
    for r in np.flatnonzero(out.any(axis=1)):
        left = centred[:, out[r]]
        products[r] -= left @ left.T
    return np.asarray(products - count[:, None, None] * mean[:, :, None] * mean[:, None, :])


def penalties(spread: np.ndarray) -> np.ndarray:
    """Grid (R, L) of penalties for each target, from large to small."""
    largest = np.linalg.eigvalsh(spread)[:, -1]
    # donors that are all alike leave nothing to regress on: any penalty gives the same
    largest = np.where(largest > np.finfo(float).tiny ** 0.5, largest, 1.0)
    return np.asarray(largest[:, None] * SMALLEST ** ((np.arange(GRID + 1) - 1) / GRID))


def leave_out_periods(
    donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray, spread: np.ndarray, grid: np.ndarray
) -> np.ndarray:
    """Squared errors (R, T0, L) in each period when weights and ridge see the others; (R, 0, L) with a single period.

    The ridge without period t needs no other matrix: with ``M = (X X' + penalty I)^-1`` of all periods and r the misfit of the
    weights that did not see t, the error is ``sum_s r_s M_st / M_tt`` (inverse of a matrix in blocks).
    """
    n_periods, n_targets = targets.shape
    if n_periods < 2:
        return np.zeros((n_targets, 0, grid.shape[1]))
    misfit = np.empty((n_targets, n_periods, n_periods))
    for t in range(n_periods):
        seen = np.arange(n_periods) != t
        mix = mix_simplex(donors[seen], targets[seen], allowed)
        misfit[:, t] = (targets - donors @ mix.weights.T).T
    errors = np.empty((n_targets, n_periods, grid.shape[1]))
    for k in range(grid.shape[1]):
        inverse = np.linalg.inv(spread + grid[:, k, None, None] * np.eye(n_periods))
        own = np.diagonal(inverse, axis1=1, axis2=2)
        errors[:, :, k] = (np.einsum("rts,rst->rt", misfit, inverse) / own) ** 2
    return errors


def choose(errors: np.ndarray, rule: str) -> np.ndarray:
    """Index (R,) of the penalty by squared errors (R, T0, L); the largest penalty where there are none."""
    n_targets, n_periods, _ = errors.shape
    if not n_periods:
        return np.zeros(n_targets, dtype=np.int64)
    mean = errors.mean(axis=1)
    best = mean.argmin(axis=1)
    if rule == "smallest error":
        return np.asarray(best)
    se = errors.std(axis=1, ddof=1) / np.sqrt(n_periods)
    rows = np.arange(n_targets)
    limit = mean[rows, best] + se[rows, best]
    return np.asarray((mean <= limit[:, None] * (1.0 + 1e-9)).argmax(axis=1))


def ridge_weights(
    donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray, spread: np.ndarray, weights: np.ndarray, penalty: np.ndarray
) -> np.ndarray:
    """What the ridge adds to the weights (R, N): ``(x - X w)' (X X' + penalty I)^-1 X``; sums to zero."""
    centred = donors - donors.mean(axis=1, keepdims=True)
    mean = allowed @ centred.T / allowed.sum(axis=1)[:, None]
    misfit = (targets - donors @ weights.T).T
    lifted = spread + penalty[:, None, None] * np.eye(len(donors))
    pull = np.linalg.solve(lifted, misfit[..., None])[..., 0]
    added = pull @ centred - (pull * mean).sum(axis=1, keepdims=True)
    return np.where(allowed, added, 0.0)

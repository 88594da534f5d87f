"""Penalised synthetic control: a mix that follows the treated area, of areas that are each near it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

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
from evaluation.numerics.simplex import fit_simplex
from evaluation.results import Card, Check, Comparison, Estimate, Placebos

PENALTIES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Penalties tried, as a share: at 1 a donor's own distance counts as much as the distance of the mix. 0 is the plain method."""

BLOCKS = 5
"""Blocks of adjacent periods left out in turn to choose the penalty; neighbouring periods are alike, so single ones tell less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PenalisedSyntheticControl:
    """Synthetic control with a penalty on distant donors, one treated area.

    Weights ``w >= 0``, ``sum w = 1`` minimise ``||x1 - X0 w||^2 + penalty * sum_j w_j ||x1 - x_j||^2``, x being the outcomes in
    the periods before the start.

    Parameters
    ----------
    penalty : float or None
        The penalty; None = chosen for every area among `PENALTIES` by leaving out blocks of adjacent periods before the start
        (every period on its own where there are no more periods than blocks) and taking the smallest squared error. The choice is
        made anew for every placebo and wherever periods are held back.

    Examples
    --------
    ``a`` is the mean of its near neighbours ``b`` and ``c`` as well as of the distant ``d`` and ``e``; a penalty chooses the
    near ones, whose paths tell more:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [5, 5, 7], "b": [4, 4, 4], "c": [6, 6, 6], "d": [0, 0, 0], "e": [10, 10, 30]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = PenalisedSyntheticControl(penalty=0.1).fit(own)
    >>> round(estimate.att, 6), {donor.area: round(donor.weight, 6) for donor in estimate.weights}
    (2.0, {'b': 0.5, 'c': 0.5})
    """

    penalty: float | None = None

    card: ClassVar[Card] = Card(
        name="penalised_synthetic_control",
        controls="a mix of donors that each resemble the area",
        base="the mix itself: levels are compared",
        weighting="donors by non-negative shares, near ones preferred",
        title="Penalised synthetic control",
        family="synthetic control",
        plain=(
            "Untreated areas are mixed so that the mix follows the treated area before the start, with a price on areas that are "
            "themselves unlike it. The price is chosen by how well the mix predicts periods before the start that it has not "
            "seen. The difference between area and mix after the start is the effect."
        ),
        estimand="Average effect of full exposure on the one treated area over the periods after its start.",
        assumptions=(
            "A mix of areas near the treated one that follows it before the start would also have followed it afterwards.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the donors, and nothing else of its size happens to them.",
            "The area lies among the donors, or near some of them.",
        ),
        limits=(
            "With a penalty the fit before the start is worse than it could be; the gain is less reliance on areas far off.",
            "Nearness is judged on the same noisy outcomes: with survey figures the nearest areas are partly near by chance.",
            "The weights are unique with a penalty above 0; where 0 is chosen, the most even of equally good ones are taken.",
            "It has no standard error; chance is judged by placebo areas.",
        ),
        missing_cells="None allowed in the outcome. Areas and periods with gaps are left out before, with reasons.",
        source=(
            "Abadie & L'Hour (2021), Journal of the American Statistical Association 116(536); the penalty is chosen on held-out "
            "periods before the start, several blocks of them in turn."
        ),
        compared_with="The quadratic-programming solver Clarabel; pysyncon's PenalizedSynth.",
    )

    def __post_init__(self) -> None:
        """Refuse a penalty that is none."""
        if self.penalty is not None and not (np.isfinite(self.penalty) and self.penalty >= 0.0):
            raise ConfigurationError(f"penalised_synthetic_control: penalty must be at least 0, not {self.penalty}.")

    @property
    def name(self) -> str:
        """Registry name."""
        return "penalised_synthetic_control"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense: one treated area, one donor, periods before and after, no gaps."""
        return requirements_of_mix(comparison)

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the gap between the treated area and its weighted donors.

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
        how = "given" if self.penalty is not None else "chosen on periods before the start"
        return replace(estimate, notes=(f"Penalty on distant donors: {chosen[0]:g} ({how}).", *estimate.notes))

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Untreated areas as if treated from the treated area's start, places as `draw_places` draws them.

        Equal to `fit` on `merge_places`. About 100 fits each where the penalty is chosen: 20 ms with 250 areas and 34 periods.
        """
        refuse_mix(comparison)
        return placebos_by_mix(comparison, self._mix, draws=draws, seed=seed)

    def leave_one_out(self, comparison: Comparison, estimate: Estimate) -> LeftOut:
        """The estimate without each donor that has weight, one at a time; the penalty is chosen anew."""
        refuse_mix(comparison)
        return leave_out_by_mix(comparison, estimate, self._mix)

    def _mix(self, donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray) -> Mix:
        """Weights at the penalty given, or at the one each target chooses."""
        if self.penalty is not None:
            return mix_penalised(donors, targets, allowed, np.full(targets.shape[1], self.penalty))
        return mix_penalised(donors, targets, allowed, choose_penalty(donors, targets, allowed))


def mix_penalised(donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray, penalty: np.ndarray) -> Mix:
    """Weights (R, N) at penalties (R,); donors (T0, N), targets (T0, R)."""
    weights, exact = np.zeros(allowed.shape), np.zeros(len(penalty), dtype=bool)
    plain = np.flatnonzero(penalty == 0.0)
    if plain.size:
        mix = mix_simplex(donors, targets[:, plain], allowed[plain])
        weights[plain], exact[plain] = mix.weights, mix.exact
    priced = np.flatnonzero(penalty > 0.0)
    if priced.size:
        price = penalty[priced, None] * distances(donors, targets[:, priced])
        weights[priced] = fit_simplex(donors, targets[:, priced], price=price, allowed=allowed[priced]).weights
    return Mix(weights=weights, intercept=np.zeros(len(penalty)), exact=exact, penalty=penalty)


def choose_penalty(donors: np.ndarray, targets: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Penalty (R,) with the smallest squared error in blocks of periods left out in turn; 0 with a single period."""
    n_periods, n_targets = targets.shape
    if n_periods < 2:
        return np.zeros(n_targets)
    errors = np.zeros((len(PENALTIES), n_targets))
    for block in np.array_split(np.arange(n_periods), min(BLOCKS, n_periods)):
        seen = np.setdiff1d(np.arange(n_periods), block)
        for k, penalty in enumerate(PENALTIES):
            mix = mix_penalised(donors[seen], targets[seen], allowed, np.full(n_targets, penalty))
            errors[k] += ((targets[block] - donors[block] @ mix.weights.T) ** 2).sum(axis=0)
    return np.asarray(PENALTIES)[errors.argmin(axis=0)]


def distances(donors: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Squared distances (R, N) between every target and every donor."""
    return np.stack([((donors - targets[:, [r]]) ** 2).sum(axis=0) for r in range(targets.shape[1])])

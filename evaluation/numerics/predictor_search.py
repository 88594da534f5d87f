"""The importance of predictors in a synthetic control, chosen so that the mix follows the outcome.

For importances v of K standardised predictors, the weights minimise ``sum_k v_k (x1_k - X0_k w)^2`` on the simplex; v is chosen
so that these weights have the smallest mean squared misfit of the outcome over given periods (Abadie & Gardeazabal 2003).
That misfit has many local minima as a function of v, so that a search from one start finds one of them, and published weights
have been such. Here a population of starts (equal importances, those of a regression, single predictors, seeded draws) moves by
differential evolution (Storn & Price 1997) on the logarithm of v, and what it finds is refined by draws around it that narrow.
All importances of a generation are solved in one lockstep. The same seed gives the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.numerics.simplex import mix_by_importance

SPAN = 8.0
"""Importances within this many powers of ten of the largest; smaller ones count as this small."""

POPULATION = 60
GENERATIONS = 120
ROUNDS = 40
"""Rounds of refinement; the width of the draws falls from one power of ten to a millionth of one."""

SETTLED = 1e-9
"""Relative spread of a population's objectives at which it has nothing more to find."""

SAME = 0.01
"""Objectives within this share of the best one count as equally good."""

OTHER = 0.05
"""Weights that differ by more than this share of the whole count as others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictorFit:
    """Importances and weights found.

    Attributes
    ----------
    importance : array (K,), sums to 1
    weights : array (N,)
    mspe : mean squared misfit of the outcome over the periods it was chosen by
    tried : number of importances tried
    apart : largest share of weight by which an importance with an `mspe` within `SAME` of the best moves the weights
    equally_good : number of importances tried within `SAME` of the best whose weights differ by more than `OTHER`
    """

    importance: np.ndarray
    weights: np.ndarray
    mspe: float
    tried: int
    apart: float
    equally_good: int

    @property
    def ill_determined(self) -> bool:
        """Whether other importances do as well and give other weights."""
        return self.equally_good > 0


def search_importance(
    predictors: np.ndarray, target: np.ndarray, outcomes: np.ndarray, outcome: np.ndarray, *, seed: int, starts: int
) -> PredictorFit:
    """Search the importances of the predictors.

    Parameters
    ----------
    predictors : array (K, N)
        Standardised predictors of the donors.
    target : array (K,)
        Those of the treated area.
    outcomes : array (F, N)
        Outcomes of the donors in the periods the importances are chosen by.
    outcome : array (F,)
        That of the treated area.
    seed : int
        Seed of the starts and the search.
    starts : int
        Independent populations; the best of all is taken.
    """
    z = predictors - target[:, None]
    log: list[tuple[np.ndarray, np.ndarray]] = []

    def evaluate(theta: np.ndarray) -> np.ndarray:
        weights = mix_by_importance(z, 10.0 ** (theta - theta.max(axis=1, keepdims=True)))
        errors = outcome - weights @ outcomes.T
        mspe = np.asarray(np.mean(errors * errors, axis=1))
        log.append((mspe, weights))
        return mspe

    k = len(z)
    if k == 1:
        best = np.zeros(1)
        value = float(evaluate(best[None])[0])
    else:
        fixed = _fixed_starts(predictors, target, outcomes, outcome)
        found = [_search_once(evaluate, k, fixed, np.random.default_rng([seed, s])) for s in range(starts)]
        best, value = min(found, key=lambda pair: pair[1])
    v = 10.0 ** (best - best.max())
    weights = mix_by_importance(z, v[None])[0]
    near = [(m[m <= value * (1.0 + SAME)], w[m <= value * (1.0 + SAME)]) for m, w in log]
    others = np.concatenate([w for _, w in near])
    moved = 0.5 * np.abs(others - weights).sum(axis=1)
    return PredictorFit(
        importance=v / v.sum(),
        weights=weights,
        mspe=value,
        tried=sum(len(m) for m, _ in log),
        apart=float(moved.max(initial=0.0)),
        equally_good=int((moved > OTHER).sum()),
    )


def _fixed_starts(predictors: np.ndarray, target: np.ndarray, outcomes: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Logarithms of equal importances, those of a regression of the outcomes on the predictors, and each predictor alone."""
    k = len(predictors)
    x = np.vstack([np.ones(predictors.shape[1] + 1), np.column_stack([predictors, target])])
    y = np.column_stack([outcomes, outcome])
    slopes = np.linalg.lstsq(x.T, y.T, rcond=None)[0][1:]
    strength = (slopes * slopes).sum(axis=1)
    regression = np.log10(np.maximum(strength / (strength.max() or 1.0), 10.0**-SPAN))
    alone = np.full((k, k), -4.0)
    np.fill_diagonal(alone, 0.0)
    return np.vstack([np.zeros(k), regression, alone])


def _search_once(
    evaluate: Callable[[np.ndarray], np.ndarray], k: int, fixed: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """One population to its end: the best logarithms (K,) and their objective."""
    size = max(POPULATION, 5 * k)
    theta = np.vstack([fixed, -SPAN * rng.random((max(size - len(fixed), 4), k)) ** 1.5])
    size = len(theta)
    value = evaluate(theta).copy()
    rows = np.arange(size)
    for _ in range(GENERATIONS):
        order = rng.random((size, size)).argsort(axis=1)[:, :3]
        leader = theta[np.argsort(value, kind="stable")[rng.integers(0, max(2, size // 8), size)]]
        scale = rng.uniform(0.4, 0.9, (size, 1))
        trial = theta + scale * (leader - theta) + scale * (theta[order[:, 0]] - theta[order[:, 1]])
        cross = rng.random((size, k)) < rng.uniform(0.3, 1.0, (size, 1))
        cross[rows, rng.integers(0, k, size)] = True
        trial = np.where(cross, trial, theta)
        trial -= trial.max(axis=1, keepdims=True)
        trial = np.maximum(trial, -SPAN)
        new = evaluate(trial)
        better = new <= value
        theta[better], value[better] = trial[better], new[better]
        if value.max() - value.min() <= SETTLED * value.min():
            break
    best, least = theta[value.argmin()].copy(), float(value.min())
    for width in np.geomspace(1.0, 1e-6, ROUNDS):
        trial = best + width * rng.standard_normal((size, k)) * (rng.random((size, k)) < 0.5)
        trial = np.maximum(trial - trial.max(axis=1, keepdims=True), -SPAN)
        new = evaluate(trial)
        if new.min() < least:
            best, least = trial[new.argmin()].copy(), float(new.min())
    return best, least

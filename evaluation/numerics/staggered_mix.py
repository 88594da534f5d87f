"""Donor weights for several treated areas with their own starts, fitted singly, together, or in between.

Treated area k has start T_k, share s_k of the whole, and weights w_k on the simplex of donors; g_k(l) is its gap l periods before
its start. With L_k periods before the start and L the most of them,

    separate  q_s^2 = sum_k s_k / L_k sum_l g_k(l)^2         pooled  q_p^2 = 1 / L sum_l (sum_k s_k g_k(l))^2

and the weights minimise ``nu q_p^2 / q_p0^2 + (1 - nu) q_s^2 / q_s0^2``, where q_p0 and q_s0 belong to the weights fitted singly
(Ben-Michael, Feller & Rothstein 2022). A gap that is not there, so long before its start, counts as none in the pooled sum.

With all weights but those of one area given, hers solve a simplex problem whose target is moved by part of what the others leave;
areas take turns until the Frank-Wolfe gap over all simplices together certifies the whole. Such turns reach the minimum of a
smooth convex function (Grippo & Sciandrone 2000); after each round all weights above zero move to their common minimum, so that
areas that make good each other's misfit do not creep. Many assignments of the treated dates to areas go in lockstep: each turn is
one call of the simplex kernel for every start there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.mixing import mix_simplex

CERTAIN = 1e-8
"""Largest Frank-Wolfe gap, in units of the objective of the weights fitted singly (1 at most)."""

TURNS = 400
"""Rounds of turns before giving up."""

LIFT = 1e-13
"""Added to the diagonal of order one where all weights move at once, so that donors that are alike cannot stop it."""

NIL = 1e-12
"""Misfit of the weights fitted singly, as a share of the outcome's variance, at which there is nothing to pool."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Staggered:
    """Weights of D assignments of K treated areas.

    Attributes
    ----------
    weights : array (D, K, N)
    intercept : array (D, K)
    pooling : array (D,), the nu used
    separate, pooled : arrays (D,), q_s and q_p of the weights, in the outcome's unit
    exact : boolean array (D, K), whether an area's donors fit it exactly when fitted singly
    """

    weights: np.ndarray
    intercept: np.ndarray
    pooling: np.ndarray
    separate: np.ndarray
    pooled: np.ndarray
    exact: np.ndarray


@dataclass(slots=True)
class _State:
    """What changes while areas take turns: weights (D, K, N) and gaps (D, K, L), whose last column is the last period before the
    start.
    """

    weights: np.ndarray
    gaps: np.ndarray


def fit_staggered(
    y: np.ndarray,
    *,
    areas: np.ndarray,
    starts: np.ndarray,
    shares: np.ndarray,
    allowed: np.ndarray,
    pooling: float | None,
    intercept: bool,
) -> Staggered:
    """Fit the weights of every assignment.

    Parameters
    ----------
    y : array (T, N)
        Outcomes.
    areas : integer array (D, K)
        Columns of the areas that stand for the treated ones; a row's order is the order in which they take turns.
    starts : integer array (D, K)
        Their starts.
    shares : array (D, K)
        Their shares; each row sums to 1.
    allowed : boolean array (D, N)
        Donors of each assignment.
    pooling : float or None
        nu from 0 (singly) to 1; None = the pooled misfit of the weights fitted singly over the mean of their own misfits.
    intercept : bool
        Whether each area may differ from its mix by a constant.

    Raises
    ------
    DataError
        If turns do not bring the weights within the certificate.
    """
    d, k = areas.shape
    longest = int(starts.max())
    state = _State(weights=np.zeros((d, k, y.shape[1])), gaps=np.zeros((d, k, longest)))
    exact = np.zeros((d, k), dtype=bool)
    for i in range(k):
        for start in np.unique(starts[:, i]):
            rows = np.flatnonzero(starts[:, i] == start)
            donors, targets = _early(y, int(start), intercept), _early(y, int(start), intercept)[:, areas[rows, i]]
            mix = mix_simplex(donors, targets, allowed[rows])
            _set(state, rows, i, mix.weights, donors, targets)
            exact[rows, i] = mix.exact
    lengths = starts.astype(float)
    separate, pooled = _misfits(state.gaps, lengths, shares, longest)
    norms = np.sqrt((state.gaps**2).sum(axis=2))
    single = (shares * norms).sum(axis=1)
    nil = NIL * (float(y.var()) or 1.0)
    rule = np.divide(np.sqrt(longest) * pooled, single, out=np.zeros(d), where=single > np.sqrt(nil))
    nu = np.clip(rule, 0.0, 1.0) if pooling is None else np.full(d, pooling)
    nu = np.where((pooled**2 > nil) & (separate**2 > nil), nu, 0.0)
    if k > 1:
        # what a squared gap costs: of the pooled mean (D,), and of each area on its own (D, K)
        together = np.divide(nu, longest * pooled**2, out=np.zeros(d), where=nu > 0.0)
        alone = np.divide(
            (1.0 - nu)[:, None] * shares, lengths * separate[:, None] ** 2, out=np.zeros((d, k)), where=(nu > 0.0)[:, None]
        )
        _take_turns(y, state, areas, starts, shares, allowed, together, alone, intercept)
        separate, pooled = _misfits(state.gaps, lengths, shares, longest)
    level = np.zeros((d, k))
    if intercept:
        for i in range(k):
            base = np.stack([y[:start].mean(axis=0) for start in starts[:, i]])
            level[:, i] = base[np.arange(d), areas[:, i]] - (base * state.weights[:, i]).sum(axis=1)
    return Staggered(weights=state.weights, intercept=level, pooling=nu, separate=separate, pooled=pooled, exact=exact)


def _take_turns(
    y: np.ndarray,
    state: _State,
    areas: np.ndarray,
    starts: np.ndarray,
    shares: np.ndarray,
    allowed: np.ndarray,
    together: np.ndarray,
    alone: np.ndarray,
    intercept: bool,
) -> None:
    """Turns until every assignment with some pooling is certified; changes `state`."""
    live = np.flatnonzero(together > 0.0)
    early = {int(start): _early(y, int(start), intercept) for start in np.unique(starts)}
    for _ in range(TURNS):
        left = live[_uncertainty(early, state, live, starts, shares, allowed, together, alone) > CERTAIN]
        live = left
        if not live.size:
            return
        for i in range(areas.shape[1]):
            for start in np.unique(starts[live, i]):
                rows = live[starts[live, i] == start]
                donors = early[int(start)]
                own = donors[:, areas[rows, i]]
                share = shares[rows, i]
                total = (shares[rows, :, None] * state.gaps[rows]).sum(axis=1)
                rest = (total - share[:, None] * state.gaps[rows, i])[:, -start:]
                pull = together[rows] * share
                # |share g + rest|^2 together + |g|^2 alone, as one square in the gap g
                moved = own + (pull / (pull * share + alone[rows, i]) * rest.T)
                mix = mix_simplex(donors, moved, allowed[rows])
                _set(state, rows, i, mix.weights, donors, own)
        for row in live:
            _step_together(early, state, int(row), areas[row], starts[row], shares[row], float(together[row]), alone[row])
    raise DataError(
        f"partially pooled weights: {live.size} fit(s) are not within {CERTAIN:.0e} of the best after {TURNS} rounds; choose a "
        "smaller pooling."
    )


def _step_together(
    early: dict[int, np.ndarray],
    state: _State,
    row: int,
    areas: np.ndarray,
    starts: np.ndarray,
    shares: np.ndarray,
    together: float,
    alone: np.ndarray,
) -> None:
    """Move all weights of one assignment at once to the minimum over the donors that have weight; changes `state`.

    Turns alone creep where areas can make good each other's misfit. Donors that would go below zero are let go one after another;
    a step never raises the objective.
    """
    k, longest = len(areas), state.gaps.shape[2]
    block, donor = np.nonzero(state.weights[row] > 0.0)
    z = np.zeros((longest, block.size))
    for i in range(k):
        mine = block == i
        outcomes = early[int(starts[i])]
        z[longest - starts[i] :, mine] = outcomes[:, donor[mine]] - outcomes[:, [areas[i]]]
    pooled = z * (np.sqrt(together) * shares[block])
    single = z * np.sqrt(alone[block])
    h = pooled.T @ pooled + np.where(block[:, None] == block, single.T @ single, 0.0)
    h += np.trace(h) / len(h) * LIFT * np.eye(len(h))
    sums = (np.arange(k)[:, None] == block).astype(float)
    w, kept = state.weights[row][block, donor], np.arange(block.size)
    for _ in range(block.size):
        e = sums[:, kept]
        # weights of each area are h^-1 e' m with m so that they sum to one
        towards = np.linalg.solve(h[np.ix_(kept, kept)], e.T)
        goal = towards @ np.linalg.solve(e @ towards, np.ones(k))
        low = goal <= 0.0
        if not low.any():
            w[kept] = goal
            break
        here = w[kept]
        ratio = np.where(low, here / np.where(low, here - goal, 1.0), np.inf)
        moved = here + ratio.min() * (goal - here)
        moved[ratio <= ratio.min()] = 0.0
        w[kept] = np.maximum(moved, 0.0)
        kept = kept[ratio > ratio.min()]
    w /= sums.T @ (sums @ w)
    state.weights[row] = 0.0
    state.weights[row][block, donor] = w
    state.gaps[row] = -((z * w) @ sums.T).T


def _uncertainty(
    early: dict[int, np.ndarray],
    state: _State,
    live: np.ndarray,
    starts: np.ndarray,
    shares: np.ndarray,
    allowed: np.ndarray,
    together: np.ndarray,
    alone: np.ndarray,
) -> np.ndarray:
    """Frank-Wolfe gap (L,) of the assignments `live` over all their simplices."""
    total = (shares[live, :, None] * state.gaps[live]).sum(axis=1)
    gap = np.zeros(live.size)
    for i in range(starts.shape[1]):
        for start in np.unique(starts[live, i]):
            some = np.flatnonzero(starts[live, i] == start)
            rows = live[some]
            pull = (together[rows] * shares[rows, i])[:, None] * total[some][:, -start:]
            pull += alone[rows, i][:, None] * state.gaps[rows, i][:, -start:]
            # a gap is target less donors: its slope in a weight is minus that donor's outcome
            slope = -2.0 * pull @ early[int(start)]
            here = (slope * state.weights[rows, i]).sum(axis=1)
            gap[some] += here - np.where(allowed[rows], slope, np.inf).min(axis=1)
    return gap


def _early(y: np.ndarray, start: int, intercept: bool) -> np.ndarray:
    """Outcomes before a start, less each area's mean there if an intercept takes it up."""
    part = y[:start]
    return part - part.mean(axis=0) if intercept else part


def _set(state: _State, rows: np.ndarray, i: int, weights: np.ndarray, donors: np.ndarray, targets: np.ndarray) -> None:
    """Put in the weights of area `i` of some assignments, and the gaps they leave."""
    state.weights[rows, i] = weights
    state.gaps[rows, i] = 0.0
    state.gaps[rows, i, state.gaps.shape[2] - len(donors) :] = (targets - donors @ weights.T).T


def _misfits(gaps: np.ndarray, lengths: np.ndarray, shares: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Separate and pooled misfit (D,) of gaps (D, K, L)."""
    separate = np.sqrt((shares / lengths * (gaps**2).sum(axis=2)).sum(axis=1))
    pooled = np.sqrt(((shares[:, :, None] * gaps).sum(axis=1) ** 2).sum(axis=1) / longest)
    return separate, pooled

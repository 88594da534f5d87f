"""Donor weights for several treated areas with their own starts, fitted singly, together, or in between.

Treated area k has start T_k, share s_k of the whole, and weights w_k on the simplex of donors; g_k(l) is its gap l periods before
its start. With L_k periods before the start and L the most of them,

    separate  q_s^2 = sum_k s_k / L_k sum_l g_k(l)^2         pooled  q_p^2 = 1 / L sum_l (sum_k s_k g_k(l))^2

and the weights minimise ``nu q_p^2 / q_p0^2 + (1 - nu) q_s^2 / q_s0^2``, where q_p0 and q_s0 belong to the weights fitted singly
(Ben-Michael, Feller & Rothstein 2022). A gap that is not there, so long before its start, counts as none in the pooled sum.

With t the cost of a squared pooled gap and a_k that of a squared gap of area k, give the pooled gap p a multiplier m of its own
(L numbers): then every area solves a simplex problem by itself, with its target moved by ``s_k m / a_k``, and the multiplier that
belongs to all of them is where ``m / t = sum_k s_k g_k``. That equation is the gradient of a convex function whose pieces are
quadratic, because a gap moves in the span of the donors that have weight as long as these stay the same; its Newton method
(semi-smooth, with line search; Qi & Sun 1993) ends after a few steps at the minimum itself. Many placebos go in lockstep, and
their simplex problems set out from the weights of the step before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.minimum_norm import even_out
from evaluation.numerics.simplex import EXACT, fit_simplex

CERTAIN = 1e-8
"""Largest Frank-Wolfe gap over all simplices, in units of the objective of the weights fitted singly (1 at most). A misfit below
`EXACT` of the outcome's variance counts as that share, as it does in `fit_simplex`: a gap relative to nothing has no meaning."""

SETTLED = 1e-12
"""Change of the pooled gap, as a share of that of the weights fitted singly, at which Newton's method ends."""

STEPS = 100
"""Newton steps before giving up; some five to fifteen do."""

STAGES = (1e-1, 1e-2, 1e-3)
"""Least shares of the single misfits in the objective on the way to a high pooling. A pooling of 1 counts as the last of them
less: among all weights with nearly the best mean gap, those with good single gaps are taken."""

ROUNDING = 1e-14
"""The same as a share of the largest outcome: less is rounding."""

SWEEPS = 50
"""Times that all areas of an assignment are fitted one after the other where Newton's method ends outside the certificate."""

HALVINGS = 30
"""Halvings of a Newton step that does not lead down, before it is left."""

NIL = 1e-12
"""Misfit of the weights fitted singly, as a share of the outcome's variance, at which there is nothing to pool."""

CELLS = 4_000_000
"""Numbers in the largest array of one lockstep; bounds memory."""


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


def fit_staggered(
    donors: np.ndarray,
    treated: np.ndarray,
    *,
    starts: np.ndarray,
    shares: np.ndarray,
    allowed: np.ndarray,
    pooling: float | None,
    intercept: bool,
) -> Staggered:
    """Fit the weights of every assignment.

    Parameters
    ----------
    donors : array (T, N)
        Outcomes of the untreated areas.
    treated : array (D, K, T)
        Outcomes of the treated areas, or of what stands in for them.
    starts : integer array (K,)
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
        If the weights cannot be brought within the certificate.
    """
    k, longest = len(starts), int(starts.max())
    step = max(1, CELLS // (k * max(longest**2, donors.shape[1])))
    parts = []
    for d in range(0, len(treated), step):
        some = slice(d, d + step)
        task = _Task(
            donors=donors, treated=treated[some], starts=starts, shares=shares[some], allowed=allowed[some], intercept=intercept
        )
        parts.append(task.fit(pooling))
    return Staggered(
        weights=np.concatenate([part.weights for part in parts]),
        intercept=np.concatenate([part.intercept for part in parts]),
        pooling=np.concatenate([part.pooling for part in parts]),
        separate=np.concatenate([part.separate for part in parts]),
        pooled=np.concatenate([part.pooled for part in parts]),
        exact=np.concatenate([part.exact for part in parts]),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mix:
    """Weights (D, K, N), gaps they leave (D, K, L), whose last column is the last period before the start, exact fits (D, K)."""

    weights: np.ndarray
    gaps: np.ndarray
    exact: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """Assignments solved together; the fields are the parameters of `fit_staggered`."""

    donors: np.ndarray
    treated: np.ndarray
    starts: np.ndarray
    shares: np.ndarray
    allowed: np.ndarray
    intercept: bool

    def fit(self, pooling: float | None) -> Staggered:
        """Fit singly, choose the pooling, and fit together what has some."""
        every, longest = np.arange(len(self.treated)), int(self.starts.max())
        mix = self.mix(every, None, None)
        separate, pooled = self.misfits(mix.gaps)
        single = (self.shares * np.sqrt((mix.gaps**2).sum(axis=2))).sum(axis=1)
        nil = NIL * (float(self.donors.var()) or 1.0)
        rule = np.divide(np.sqrt(longest) * pooled, single, out=np.zeros(every.size), where=single > np.sqrt(nil))
        nu = np.clip(rule, 0.0, 1.0) if pooling is None else np.full(every.size, pooling)
        nu = np.where((pooled**2 > nil) & (separate**2 > nil), nu, 0.0)
        live = np.flatnonzero(nu > 0.0) if len(self.starts) > 1 else every[:0]
        weights, exact = mix.weights, mix.exact
        loose = exact.copy()
        if live.size:
            together = 1.0 / (longest * pooled[live] ** 2)
            alone = self.shares[live] / (self.starts * separate[live, None] ** 2)
            least = EXACT * (float(self.donors.var()) or 1.0)
            room = np.maximum(1.0, least / np.minimum(separate[live], pooled[live]) ** 2)
            found = self.pool(live, mix, nu[live], together, alone, CERTAIN * room)
            weights[live], loose[live] = found.weights, found.exact
            mix.gaps[live] = found.gaps
            separate, pooled = self.misfits(mix.gaps)
        self.even(weights, loose)
        level = np.zeros(exact.shape)
        if self.intercept:
            for k, start in enumerate(self.starts):
                level[:, k] = self.treated[:, k, :start].mean(axis=1) - weights[:, k] @ self.donors[:start].mean(axis=0)
        return Staggered(weights=weights, intercept=level, pooling=nu, separate=separate, pooled=pooled, exact=exact)

    def mix(self, rows: np.ndarray, near: np.ndarray | None, move: np.ndarray | None) -> _Mix:
        """Fit every area of the assignments `rows` (R,) by itself, its target moved by the end of `move` (R, K, L)."""
        k, longest, n = len(self.starts), int(self.starts.max()), self.donors.shape[1]
        weights, gaps = np.zeros((rows.size, k, n)), np.zeros((rows.size, k, longest))
        exact = np.zeros((rows.size, k), dtype=bool)
        for start in np.unique(self.starts):
            some, early = np.flatnonzero(self.starts == start), self.early(start)
            own = self.targets(rows, some)
            moved = own if move is None else own + move[:, some, longest - start :]
            flat = moved.reshape(-1, start).T
            may = np.repeat(self.allowed[rows], some.size, axis=0)
            fit = fit_simplex(early, flat, allowed=may, near=None if near is None else near[:, some].reshape(-1, n))
            distance = (flat * flat).sum(axis=0)[:, None] - 2.0 * flat.T @ early + (early * early).sum(axis=0)
            spread = np.where(may, np.maximum(distance, 0.0), 0.0).sum(axis=1) / may.sum(axis=1)
            weights[:, some] = fit.weights.reshape(rows.size, some.size, n)
            gaps[:, some, longest - start :] = own - weights[:, some] @ early.T
            exact[:, some] = (fit.objective <= EXACT * spread).reshape(rows.size, some.size)
        return _Mix(weights=weights, gaps=gaps, exact=exact)

    def pool(
        self, live: np.ndarray, mix: _Mix, nu: np.ndarray, together: np.ndarray, alone: np.ndarray, certain: np.ndarray
    ) -> _Mix:
        """Weights of the assignments `live` (R,) with pooling `nu` (R,); costs (R,) and (R, K) of squared gaps without it.

        `certain` (R,) is how far off the best they may be.
        """
        part = _Mix(weights=mix.weights[live], gaps=mix.gaps[live], exact=mix.exact[live])
        first = np.sqrt(((self.shares[live, :, None] * part.gaps).sum(axis=1) ** 2).sum(axis=1))
        small = np.maximum(SETTLED * first, ROUNDING * np.abs(self.donors).max())
        pooled = np.zeros((live.size, part.gaps.shape[2]))
        # the more pooling, the more pieces: those with much reach it in stages that start from each other
        for least in STAGES:
            some = np.flatnonzero(1.0 - nu < 10.0 * least) if least < STAGES[0] else np.arange(live.size)
            if not some.size:
                break
            own = np.maximum(1.0 - nu[some], least)
            t, a = together[some] * (1.0 - own), alone[some] * own[:, None]
            pooled[some] = self.newton(live[some], part, some, pooled[some] * t[:, None], t, a, small[some]) / t[:, None]
        own = np.maximum(1.0 - nu, STAGES[-1])
        t, a = together * (1.0 - own), alone * own[:, None]
        doubt = self.uncertainty(live, part, t, a)
        for _ in range(SWEEPS):
            # a multiplier as exact as numbers go can leave weights that are not quite
            bad = np.flatnonzero(~(doubt <= certain))
            if not bad.size:
                break
            self.sweep(live, part, bad, t, a)
            doubt = self.uncertainty(live, part, t, a)
        bad = np.flatnonzero(~(doubt <= certain))
        if bad.size:
            raise DataError(
                f"partially pooled weights: {bad.size} fit(s) are not within {CERTAIN:.0e} of the best (first off by "
                f"{doubt[bad[0]]:.1e}); choose a smaller pooling."
            )
        return part

    def sweep(self, live: np.ndarray, part: _Mix, at: np.ndarray, together: np.ndarray, alone: np.ndarray) -> None:
        """Fit each area of some assignments anew beside the gaps of the others, one after the other; changes `part` at `at`."""
        rows, longest = live[at], part.gaps.shape[2]
        share = self.shares[rows]
        for k, start in enumerate(self.starts):
            others = (share[:, :, None] * part.gaps[at]).sum(axis=1) - share[:, k, None] * part.gaps[at, k]
            cost = together[at] * share[:, k] ** 2 + alone[at, k]
            own = self.targets(rows, np.array([k]))[:, 0]
            moved = own + (together[at] * share[:, k] / cost)[:, None] * others[:, longest - start :]
            early = self.early(int(start))
            weights = fit_simplex(early, moved.T, allowed=self.allowed[rows], near=part.weights[at, k]).weights
            part.weights[at, k] = weights
            part.gaps[at, k, longest - start :] = own - weights @ early.T

    def newton(
        self,
        rows: np.ndarray,
        part: _Mix,
        at: np.ndarray,
        multiplier: np.ndarray,
        together: np.ndarray,
        alone: np.ndarray,
        small: np.ndarray,
    ) -> np.ndarray:
        """Newton's method on the multiplier (R, L) of the pooled gap; `part` holds the weights, at `at` (R,), and is changed."""
        share = self.shares[rows]
        step = share / alone

        def put(some: np.ndarray, there: np.ndarray) -> np.ndarray:
            """Fit at multipliers, keep the weights, and give the value of what Newton's method minimises."""
            found = self.mix(rows[some], part.weights[at[some]], step[some, :, None] * there[:, None])
            part.weights[at[some]], part.gaps[at[some]], part.exact[at[some]] = found.weights, found.gaps, found.exact
            pooled = (share[some, :, None] * found.gaps).sum(axis=1)
            own = (alone[some] * (found.gaps**2).sum(axis=2)).sum(axis=1)
            return np.asarray(0.5 * (there**2).sum(axis=1) / together[some] - 0.5 * own - (there * pooled).sum(axis=1))

        every = np.arange(rows.size)
        value = put(every, multiplier)
        open_ = every
        for _ in range(STEPS):
            left = multiplier[open_] / together[open_, None] - (share[open_, :, None] * part.gaps[at[open_]]).sum(axis=1)
            size = np.sqrt((left**2).sum(axis=1))
            go = size > small[open_]
            open_, left = open_[go], left[go]
            if not open_.size:
                break
            curve = self.curve(part.weights[at[open_]], share[open_] ** 2 / alone[open_])
            curve[:, np.arange(curve.shape[1]), np.arange(curve.shape[1])] += 1.0 / together[open_, None]
            towards = -np.linalg.solve(curve, left[..., None])[..., 0]
            slope, length, trying = (left * towards).sum(axis=1), np.ones(open_.size), np.arange(open_.size)
            for _ in range(HALVINGS):
                some = open_[trying]
                there = multiplier[some] + length[trying, None] * towards[trying]
                reached = put(some, there)
                limit = value[some] + 1e-4 * length[trying] * slope[trying] + 1e-13 * np.abs(value[some])
                good = reached <= limit
                multiplier[some[good]], value[some[good]] = there[good], reached[good]
                trying = trying[~good]
                if not trying.size:
                    break
                length[trying] *= 0.5
            if trying.size:
                stuck = open_[trying]
                put(stuck, multiplier[stuck])
                open_ = np.setdiff1d(open_, stuck, assume_unique=True)
        return multiplier

    def curve(self, weights: np.ndarray, cost: np.ndarray) -> np.ndarray:
        """Sum over areas of `cost` (R, K) times the projection (R, L, L) on the span of differences of donors with weight."""
        longest = int(self.starts.max())
        total = np.zeros((len(weights), longest, longest))
        for k, start in enumerate(self.starts):
            outcomes, support = self.early(start).T, weights[:, k] > 0.0
            sizes = support.sum(axis=1)
            for m in np.unique(sizes[sizes > 1]):
                rows = np.flatnonzero(sizes == m)
                z = outcomes[np.nonzero(support[rows])[1].reshape(rows.size, m)]
                q, r = np.linalg.qr(np.swapaxes(z[:, 1:] - z[:, :1], 1, 2))
                diagonal = np.abs(np.diagonal(r, axis1=1, axis2=2))
                q = q * (diagonal > 1e-10 * diagonal.max(axis=1, keepdims=True))[:, None, :]
                total[rows, longest - start :, longest - start :] += (q * cost[rows, k, None, None]) @ np.swapaxes(q, 1, 2)
        return total

    def uncertainty(self, rows: np.ndarray, part: _Mix, together: np.ndarray, alone: np.ndarray) -> np.ndarray:
        """Frank-Wolfe gap (R,) over all simplices together."""
        share, longest = self.shares[rows], part.gaps.shape[2]
        pooled = (share[:, :, None] * part.gaps).sum(axis=1)
        gap = np.zeros(rows.size)
        for k, start in enumerate(self.starts):
            pull = (together * share[:, k])[:, None] * pooled[:, longest - start :]
            pull += alone[:, k, None] * part.gaps[:, k, longest - start :]
            # a gap is target less donors: its slope in a weight is minus that donor's outcome
            slope = -2.0 * pull @ self.early(start)
            gap += (slope * part.weights[:, k]).sum(axis=1) - np.where(self.allowed[rows], slope, np.inf).min(axis=1)
        return gap

    def even(self, weights: np.ndarray, loose: np.ndarray) -> None:
        """Where other weights (D, K, N) give the same fit, take the most even ones; changes `weights`."""
        for start in np.unique(self.starts):
            some = np.flatnonzero(self.starts == start)
            row, which = np.nonzero(loose[:, some])
            if row.size:
                at = row, some[which]
                weights[at] = even_out(self.early(start), weights[at], allowed=self.allowed[row])

    def early(self, start: int) -> np.ndarray:
        """Outcomes of the donors before a start, less each one's mean there if an intercept takes it up."""
        part = self.donors[:start]
        return part - part.mean(axis=0) if self.intercept else part

    def targets(self, rows: np.ndarray, some: np.ndarray) -> np.ndarray:
        """The same (R, K', L') of treated areas that share a start."""
        part = self.treated[rows][:, some, : self.starts[some[0]]]
        return part - part.mean(axis=2, keepdims=True) if self.intercept else part

    def misfits(self, gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Separate and pooled misfit (D,) of gaps (D, K, L)."""
        separate = np.sqrt((self.shares / self.starts * (gaps**2).sum(axis=2)).sum(axis=1))
        pooled = np.sqrt(((self.shares[:, :, None] * gaps).sum(axis=1) ** 2).sum(axis=1) / gaps.shape[2])
        return separate, pooled

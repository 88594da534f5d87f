"""Area and period effects from untreated cells alone, and what they leave of every other cell.

On the cells M that are there and untreated, ``y_it = a_i + b_t + x_it' c + error`` is fitted with area weights w. Taking the area
effects out of the normal equations leaves one equation a period,

    A b = sum over i of w_i M_it (y_it - mean of i),    A = diag(sum over i of w_i M_it) - M diag(w / n) M'

with n_i untreated cells of area i. With treatment for good, A has one row too many for each set of areas and periods that are
linked by cells; the first period of each set is held at nought. On a complete panel everything is needed by cohort only, so many
placebo assignments are one batch of T x T systems.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.errors import DataError
from evaluation.numerics.assignment import is_full_rank


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Untreated:
    """Normal equations of the untreated cells.

    Attributes
    ----------
    mask : array (T, N), 1 where a cell is there and untreated
    weights, count : arrays (N,), area weights and untreated cells
    inverse : array (T, T), inverse of A on the periods that are not held at nought, and 0 elsewhere
    period_set, area_set : integer arrays (T,) and (N,), which set of linked cells each belongs to; -1 = none
    """

    mask: np.ndarray
    weights: np.ndarray
    count: np.ndarray
    inverse: np.ndarray
    period_set: np.ndarray
    area_set: np.ndarray

    @property
    def identified(self) -> np.ndarray:
        """Boolean (T, N): cells whose untreated outcome area and period effects determine."""
        return (self.period_set[:, None] == self.area_set) & (self.area_set >= 0)

    def left(self, values: np.ndarray) -> np.ndarray:
        """Values (T, N, ...), finite everywhere, less their area and period effects fitted on the untreated cells."""
        flat = values.reshape(*self.mask.shape, -1)
        masked = flat * self.mask[:, :, None]
        mean = masked.sum(axis=0) / np.maximum(self.count, 1.0)[:, None]
        right = np.einsum("tne,n->te", masked, self.weights) - (self.mask * self.weights) @ mean
        period = self.inverse @ right
        area = mean - (self.mask.T @ period) / np.maximum(self.count, 1.0)[:, None]
        return np.asarray((flat - area - period[:, None, :]).reshape(values.shape))

    def period_part(self, by_area: np.ndarray, by_period: np.ndarray) -> np.ndarray:
        """Period effects (T, E) of E targets whose weights sum to `by_area` (N, E) and `by_period` (T, E)."""
        return np.asarray(self.inverse @ (by_period - self.mask @ (by_area / np.maximum(self.count, 1.0)[:, None])))


def untreated_equations(mask: np.ndarray, weights: np.ndarray) -> Untreated:
    """Set up the normal equations of untreated cells (T, N), area weights (N,)."""
    mask = mask.astype(float)
    count = mask.sum(axis=0)
    period_set, area_set = _link(mask)
    held = np.zeros(len(mask), dtype=bool)
    held[np.unique(period_set, return_index=True)[1]] = True
    free = np.flatnonzero(~held & (period_set >= 0))
    matrix = np.diag(mask @ weights) - (mask * (weights / np.maximum(count, 1.0))) @ mask.T
    inverse = np.zeros_like(matrix)
    inverse[np.ix_(free, free)] = np.linalg.inv(matrix[np.ix_(free, free)])
    return Untreated(mask=mask, weights=weights, count=count, inverse=inverse, period_set=period_set, area_set=area_set)


def _link(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the linked set of each period (T,) and area (N,): periods are linked by an area that has cells in both."""
    shared = (mask @ mask.T) > 0.0
    reach = shared | np.eye(len(mask), dtype=bool)
    while True:
        further = (reach.astype(float) @ reach) > 0.0
        if (further == reach).all():
            break
        reach = further
    period_set = np.where(mask.any(axis=1), reach.argmax(axis=1), -1)
    first = mask.argmax(axis=0)
    return period_set, np.where(mask.any(axis=0), period_set[first], -1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imputed:
    """Every cell that is there beside what it would be untreated.

    Attributes
    ----------
    equations : the normal equations
    gap : array (T, N), outcome less imputed untreated outcome; 0 where there is no cell; residuals on untreated cells
    there, untreated : boolean arrays (T, N)
    x : array (T, N, P), covariates less their area and period effects
    spread : array (P, P), inverse of the covariates' cross product on the untreated cells
    """

    equations: Untreated
    gap: np.ndarray
    there: np.ndarray
    untreated: np.ndarray
    x: np.ndarray
    spread: np.ndarray


def impute(
    y: np.ndarray, x: np.ndarray, *, untreated: np.ndarray, there: np.ndarray, weights: np.ndarray, names: tuple[str, ...]
) -> Imputed:
    """Fit untreated cells and impute the others.

    Parameters
    ----------
    y : array (T, N)
        Outcomes; anything where `there` is False.
    x : array (T, N, P)
        Covariates.
    untreated, there : boolean arrays (T, N)
        Cells to fit; cells that are there at all.
    weights : array (N,)
    names : tuple of str, length P
        For messages.

    Raises
    ------
    DataError
        If area and period effects, or other covariates, explain a covariate on the untreated cells.
    """
    equations = untreated_equations(untreated, weights)
    left = equations.left(np.where(there[:, :, None], np.concatenate([y[:, :, None], x], axis=2), 0.0))
    gap, rest = left[:, :, 0], left[:, :, 1:]
    spread = np.zeros((x.shape[2], x.shape[2]))
    if x.shape[2]:
        counted = (equations.mask * weights)[:, :, None] * rest
        gram = np.einsum("tnp,tnq->pq", counted, rest)
        level = np.where(untreated[:, :, None], x - x[untreated].mean(axis=0), 0.0)
        own = np.einsum("tnp,tnq->pq", weights[:, None] * level, level)
        if not is_full_rank(gram[None], own[None]):
            raise DataError(
                f"covariates {', '.join(names)}: area and period effects, or the other covariates, explain one of them where "
                "areas are untreated; leave out what does not vary over time within areas."
            )
        spread = np.linalg.inv(gram)
        gap = gap - rest @ (spread @ np.einsum("tnp,tn->p", counted, gap))
    return Imputed(
        equations=equations,
        gap=np.where(there, gap, 0.0),
        there=there,
        untreated=untreated,
        x=np.where(there[:, :, None], rest, 0.0),
        spread=spread,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Average:
    """Averages of gaps over E sets of cells.

    Attributes
    ----------
    effect : array (E,)
    influence : array (E, N), what each area contributes to the error of each
    """

    effect: np.ndarray
    influence: np.ndarray


def average_gaps(imputed: Imputed, *, label: np.ndarray, share: np.ndarray, centre: np.ndarray) -> Average:
    """Average gaps over sets of cells, with the influence of every area (Borusyak, Jaravel & Spiess 2024, section 4.3).

    An average is ``sum of v_it y_it`` over all cells. Its weights v are `share` on the cells averaged, less, on untreated cells,
    what area and period effects (and covariates) carry over, ``w_i (area part + b_t + x_it' c)``. An area's influence is the sum
    of v_it times its error: gap less `centre` on the cells averaged, residual on untreated ones. As residuals sum to nought
    within areas, the area part drops out.

    Parameters
    ----------
    imputed : Imputed
    label : integer array (T, N)
        Which average a cell belongs to, 0 to E - 1; -1 = none.
    share : array (T, N)
        Its share there.
    centre : array (T, N)
        What the gap is compared with to measure its error.
    """
    n_sets, (n_periods, n_areas) = int(label.max()) + 1, label.shape
    period, area = np.nonzero(label >= 0)
    of, part = label[period, area], share[period, area]
    gap = imputed.gap[period, area]
    effect = np.bincount(of, weights=part * gap, minlength=n_sets)
    by_area = np.bincount(area * n_sets + of, weights=part, minlength=n_areas * n_sets).reshape(n_areas, n_sets)
    by_period = np.bincount(period * n_sets + of, weights=part, minlength=n_periods * n_sets).reshape(n_periods, n_sets)
    carried = imputed.equations.period_part(by_area, by_period)
    residual = imputed.equations.mask * imputed.gap * imputed.equations.weights
    influence = -(carried.T @ residual)
    if imputed.x.shape[2]:
        of_x = np.zeros((n_sets, imputed.x.shape[2]))
        np.add.at(of_x, of, part[:, None] * imputed.x[period, area])
        influence -= of_x @ imputed.spread @ np.einsum("tnp,tn->pn", imputed.x, residual)
    error = part * (gap - centre[period, area])
    influence += np.bincount(of * n_areas + area, weights=error, minlength=n_sets * n_areas).reshape(n_sets, n_areas)
    return Average(effect=effect, influence=influence)


def regress_untreated(imputed: Imputed, terms: np.ndarray) -> Average | None:
    """Coefficients of `terms` (T, N, L) in a regression on the untreated cells with area and period effects and the covariates.

    Returns None where the terms cannot be told apart from the effects.
    """
    equations = imputed.equations
    rest = equations.left(np.where(imputed.there[:, :, None], terms, 0.0)) * equations.mask[:, :, None]
    counted = equations.weights[:, None] * rest
    if imputed.x.shape[2]:
        through = imputed.spread @ np.einsum("tnp,tnl->pl", imputed.x, counted)
        rest = (rest - imputed.x @ through) * equations.mask[:, :, None]
        counted = equations.weights[:, None] * rest
    gram = np.einsum("tnl,tnm->lm", counted, rest)
    own = np.einsum("tnl,tnm->lm", equations.weights[:, None] * terms * equations.mask[:, :, None], terms)
    if not is_full_rank(gram[None], own[None]):
        return None
    inverse = np.linalg.inv(gram)
    # the imputed gaps are the outcome less effects and covariates, which is all that is needed of it
    coefficients = inverse @ np.einsum("tnl,tn->l", counted, imputed.gap)
    residual = (imputed.gap - rest @ coefficients) * equations.mask
    return Average(effect=coefficients, influence=inverse @ np.einsum("tnl,tn->ln", counted, residual))


def gaps_by_kind(sums: np.ndarray, mass: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Weighted sums of what area and period effects leave (D, G, T, E), on a complete panel, of E variables of the treated kinds.

    Parameters
    ----------
    sums : array (D, G + 1, T, E)
        Weighted sums of each variable by kind of area.
    mass : array (D, G + 1)
        Weights by kind.
    first : integer array (G + 1,)
        First treated period of each kind; T for the last, which is never treated.
    """
    n_periods = sums.shape[2]
    before = (np.arange(n_periods) < first[:, None]).astype(float)
    mean = np.einsum("dgte,gt->dge", sums, before) / first[:, None]
    right = np.einsum("dgte,gt->dte", sums - mean[:, :, None, :], before)
    same = bool(len(mass) and (mass == mass[:1]).all())
    some = mass[:1] if same else mass
    matrix = (some @ before)[:, :, None] * np.eye(n_periods) - np.einsum(
        "dg,gt,gs->dts", some / first, before, before, optimize=True
    )
    period = np.zeros_like(right)
    if same:
        flat = np.swapaxes(right[:, 1:], 0, 1).reshape(n_periods - 1, -1)
        period[:, 1:] = np.swapaxes(np.linalg.solve(matrix[0, 1:, 1:], flat).reshape(n_periods - 1, len(right), -1), 0, 1)
    else:
        period[:, 1:] = np.linalg.solve(matrix[:, 1:, 1:], right[:, 1:])
    area = mean - (mass / first)[:, :, None] * (before @ period)
    return np.asarray((sums - area[:, :, None, :] - mass[:, :, None, None] * period[:, None])[:, :-1])

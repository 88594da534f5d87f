"""Synthetic difference-in-differences: donors weighted to move in parallel, early periods weighted to resemble the later ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.adjust import take_out_covariates
from evaluation.numerics.gaps import Gaps
from evaluation.numerics.parallel import fit_parallel
from evaluation.numerics.places import STAYS, draw_places
from evaluation.numerics.placing import labels_of, no_placebos, place_means
from evaluation.numerics.treated import refuse, requirements, treated_mean
from evaluation.results import Card, Check, Comparison, DonorWeight, Estimate, PathPoint, Placebos

FEWEST = 6
"""Periods before the start from which the last third, two at least, can be spared to see how the comparison predicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticDiD:
    """Synthetic difference-in-differences; areas with the same start and exposure are one cohort, and cohorts are averaged.

    For one cohort with J donors and T0 periods before its start: unit weights ``w >= 0``, ``sum w = 1`` and a constant minimise
    the squared differences between the cohort's mean and the weighted donors before the start plus ``T0 zeta^2 sum w^2``, where
    ``zeta = (treated areas x periods after)^(1/4) s`` and s is the standard deviation of the donors' changes from one
    period to the next before the start. Time weights, in the same way, make the weighted early periods of the donors follow their
    mean after the start, up to a constant (penalty ``1e-6 s``). The gap is treated minus weighted donors, less its time-weighted
    mean before the start; the cohort's effect is the slope of the gap on exposure through zero, which with exposures of 0 and 1
    is the coefficient of the regression with area and period effects weighted by both. `att` averages cohorts by their treated
    cells (areas by their weight, periods by their squared exposure, so that it is the slope of all gaps on exposure).

    Both sets of weights are the minimum itself (duality gap below 1e-8). The reference implementation stops a Frank-Wolfe search
    early and restarts it from its larger weights ("sparsify"); what it approaches is the same minimum, so there is nothing to
    restart here. For Proposition 99 the two differ by 0.002 packs.

    `Comparison.weights` average the treated areas; donors get the weights found. `Comparison.covariates`, where there are any,
    are taken out first with coefficients estimated on the donors. `Estimate.se` is the placebo standard error of the source
    (its algorithm 4): the standard deviation of the estimates of `se_draws` groups of donors in the treated areas' places, or of
    all donors where one area of one authority is treated.

    Parameters
    ----------
    se_draws : int
        Assignments behind the standard error where several areas are treated; 0 = no standard error.
    seed : int
        Of those assignments.

    Examples
    --------
    ``a`` moves as ``b`` and ``c`` do, ten points higher, while ``d`` goes its own way; from year 5 on it is 2 higher:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [15, 16, 15, 17, 19, 19], "b": [4, 6, 4, 7, 6, 7], "c": [6, 6, 6, 7, 8, 7], "d": [1, 0, 3, 1, 2, 0]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5, 6]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 5})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = SyntheticDiD().fit(own)
    >>> round(estimate.att, 2), {donor.area: round(donor.weight, 2) for donor in estimate.weights}
    (2.13, {'b': 0.41, 'c': 0.34, 'd': 0.25})

    The ridge penalty spreads the weights, so that no single donor's noise decides; that is what the 0.13 comes from.
    """

    se_draws: int = 100
    seed: int = 0

    card: ClassVar[Card] = Card(
        name="synthetic_did",
        controls="a mix of donors that moves as the area does before the start",
        base="a mix of periods before the start that resemble those after it",
        weighting="donors and periods by non-negative shares",
        title="Synthetic difference-in-differences",
        family="synthetic control",
        plain=(
            "Untreated areas are weighted so that together they move in parallel with the treated one before the start, whatever "
            "their level, and early periods are weighted so that they resemble the later ones. The treated area's change is then "
            "set against the change of the weighted areas."
        ),
        estimand=(
            "Average effect of full exposure on the treated areas over the periods after their starts; with several starts each "
            "counts by its treated areas and periods."
        ),
        assumptions=(
            "The weighted untreated areas, which moved in parallel with the treated ones before the start, would have kept doing "
            "so.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the untreated areas, and nothing else of its size happens to them.",
        ),
        limits=(
            "The penalty on the weights spreads them over many areas; a treated area unlike all others is matched poorly, which "
            "its fit before the start shows.",
            "With few periods before the start both sets of weights fit chance.",
            "The penalty is scaled by the donors' changes, those common to all areas included (as in the source): the same panel "
            "with another common shock gets somewhat other weights.",
            "Each start is compared with areas that are never treated in the window; areas that start later are not used.",
            "Its placebo standard error assumes that treated and untreated areas are equally noisy and independent; the verdict "
            "rests on placebo assignments studentised by misfit.",
        ),
        missing_cells="None allowed: areas and periods with gaps are left out before. Matrix completion takes gaps.",
        source=(
            "Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), American Economic Review 111(12), algorithms 1 and 4 and "
            "their appendix on several starts; covariates as in Kranz (2022)."
        ),
        compared_with=(
            "The quadratic-programming solver Clarabel for both sets of weights; a weighted regression by pyfixest; published: "
            "Proposition 99, table 1 of the source."
        ),
    )

    def __post_init__(self) -> None:
        """Refuse a negative number of draws."""
        if self.se_draws < 0:
            raise ConfigurationError(
                f"synthetic_did: se_draws is {self.se_draws}; it must not be negative (0 = no standard error)."
            )

    @property
    def name(self) -> str:
        """Registry name."""
        return "synthetic_did"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense: an area never treated, periods before and after, no missing cell."""
        gaps = int((~comparison.observed).sum())
        complete = Check(
            name="no_missing_cell",
            title="No cell is missing",
            passed=gaps == 0,
            text="No cell is missing."
            if gaps == 0
            else f"{gaps} cell(s) are missing and this method takes none; leave those areas or periods out, or use "
            "matrix_completion.",
        )
        return [*requirements(comparison, untreated=1), complete]

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate each cohort's effect and average them.

        Raises
        ------
        DataError
            If no area is treated or none untreated, one is treated from the first period, or a cell is missing.
        """
        refuse(self.check(comparison), comparison)
        donors, columns = np.flatnonzero(~comparison.treated), np.flatnonzero(comparison.treated)
        y = take_out_covariates(comparison.y, comparison.covariates, donors)
        fits = _fit(
            _Problem.of(comparison, columns),
            donors=y[:, donors],
            treated=y.T[None, columns],
            weights=_area_weights(comparison)[None, columns],
            allowed=np.ones((1, donors.size), dtype=bool),
        )
        gaps, treated, errors = fits.gaps, treated_mean(comparison), self._errors(comparison)
        points = zip(gaps.event_times(), gaps.by_event()[0], gaps.n_areas(), strict=True)
        return Estimate(
            estimator=self.name,
            att=float(gaps.att()[0]),
            path=tuple(
                PathPoint(
                    event_time=int(event),
                    att=float(effect),
                    n_areas=int(n),
                    se=None if errors is None else float(np.sqrt(errors.path_vcov[k, k])),
                )
                for k, (event, effect, n) in enumerate(points)
            ),
            path_vcov=None if errors is None else errors.path_vcov,
            series=treated.beside(treated.observed - gaps.by_period()[0], comparison.periods),
            pre_rmspe=float(gaps.pre_rmspe()[0]),
            prediction_rmspe=None if fits.prediction_rmspe is None else float(fits.prediction_rmspe[0]),
            weights=tuple(
                DonorWeight(area=comparison.areas[n], name=comparison.area_names[n], weight=float(w))
                for n, w in zip(donors, fits.unit_weights[0], strict=True)
                if w > 0.0
            ),
            se=None if errors is None else errors.att,
            notes=_notes(comparison, columns),
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Groups of untreated areas in the treated areas' places, which are left out; all of them for one area of one authority.

        Equal to `fit` on the panel of these places. All placebos go in lockstep: a thousand with 170 donors take 2 to 6 s by
        number of periods, with covariates several times that.
        """
        refuse(self.check(comparison), comparison)
        chosen = draw_places(comparison, draws=draws, seed=seed)
        if not len(chosen.groups):
            return no_placebos(comparison)
        fits = _fit_placebos(comparison, chosen.groups)
        return Placebos(
            att=fits.gaps.att(),
            pre_rmspe=fits.gaps.pre_rmspe(),
            prediction_rmspe=fits.prediction_rmspe,
            gaps=fits.gaps.by_period() if int(comparison.treated.sum()) == 1 else None,
            labels=labels_of(comparison, chosen.groups),
            exhaustive=chosen.exhaustive,
            path=fits.gaps.by_event(),
            groups=chosen.groups,
        )

    def _errors(self, comparison: Comparison) -> _Errors | None:
        """Spread of placebo estimates; areas are drawn in the order of their codes, so that their order does not matter."""
        if self.se_draws == 0:
            return None
        order = np.argsort(np.array(comparison.areas), kind="stable")
        chosen = draw_places(_in_order(comparison, order), draws=self.se_draws, seed=self.seed)
        if len(chosen.groups) < 2:
            return None
        # back from the order of codes to the comparison's own
        place = np.argsort(np.argsort(order[~comparison.treated[order]], kind="stable"), kind="stable")
        rank = np.argsort(order[comparison.treated[order]], kind="stable")
        groups = np.empty_like(chosen.groups)
        groups[:, place] = np.where(chosen.groups == STAYS, STAYS, rank.argsort()[chosen.groups])
        fits = _fit_placebos(comparison, groups, predict=False)
        path = fits.gaps.by_event()
        deviation = path - path.mean(axis=0)
        # the source's factor (B - 1) / B makes it the spread without a correction for small numbers
        return _Errors(att=float(np.std(fits.gaps.att())), path_vcov=deviation.T @ deviation / len(path))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Errors:
    """Placebo standard error of the average, and covariance (L, L) of the path."""

    att: float
    path_vcov: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    """Starts (K,) and exposures (K, T) of the treated areas, and which of them form each cohort."""

    first: np.ndarray
    exposure: np.ndarray
    cohorts: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, comparison: Comparison, columns: np.ndarray) -> _Problem:
        first, exposure = comparison.first_treated[columns], comparison.exposure.T[columns]
        keys = [int(start).to_bytes(8, "big") + shares.tobytes() for start, shares in zip(first, exposure, strict=True)]
        cohorts = tuple(np.array([k for k, key in enumerate(keys) if key == one]) for one in dict.fromkeys(keys))
        return cls(first=first, exposure=exposure, cohorts=cohorts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fits:
    """R assignments: their gaps, unit weights (R, J) averaged over cohorts like `att`, and misfit of predictions (R,) or None."""

    gaps: Gaps
    unit_weights: np.ndarray
    prediction_rmspe: np.ndarray | None


def _fit(
    problem: _Problem,
    *,
    donors: np.ndarray,
    treated: np.ndarray,
    weights: np.ndarray,
    allowed: np.ndarray,
    predict: bool = True,
) -> _Fits:
    """Fit every cohort of R assignments: donors (T, J), treated (R, K, T), weights (R, K), allowed (R, J)."""
    gap, ahead, window = np.empty_like(treated), np.empty_like(treated), np.zeros(problem.exposure.shape, dtype=bool)
    predict = predict and bool((problem.first >= FEWEST).all())
    mixed, total = np.zeros(allowed.shape), np.zeros((len(allowed), 1))
    for members in problem.cohorts:
        start, exposure = int(problem.first[members[0]]), problem.exposure[members[0]]
        share = weights[:, members] / weights[:, members].sum(axis=1, keepdims=True)
        target = (share[:, :, None] * treated[:, members]).sum(axis=1)
        fit = fit_parallel(donors, target, allowed=allowed, start=start, exposure=exposure, n_treated=members.size)
        gap[:, members] = fit.gap[:, None]
        size = weights[:, members].sum(axis=1, keepdims=True) * (exposure**2).sum()
        mixed, total = mixed + size * fit.unit_weights, total + size
        if predict:
            seen = start - start // 3
            held = np.arange(start) >= seen
            early = fit_parallel(
                donors[:start],
                target[:, :start],
                allowed=allowed,
                start=seen,
                exposure=held.astype(float),
                n_treated=members.size,
            )
            ahead[:, members, :start] = early.gap[:, None]
            window[members, :start] = held
    made = {"weights": weights, "first": problem.first, "exposure": problem.exposure}
    return _Fits(
        gaps=Gaps(gap=gap, **made),
        unit_weights=mixed / total,
        prediction_rmspe=Gaps(gap=np.where(window, ahead, 0.0), **made).misfit(window) if predict else None,
    )


def _fit_placebos(comparison: Comparison, groups: np.ndarray, *, predict: bool = True) -> _Fits:
    """Fit R assignments; `groups` (R, J) as in `numerics.places.PlaceAssignments`."""
    donors, columns = np.flatnonzero(~comparison.treated), np.flatnonzero(comparison.treated)
    problem, size, allowed = _Problem.of(comparison, columns), _area_weights(comparison)[donors], groups == STAYS
    y = comparison.y[:, donors]
    if not comparison.covariates:
        treated, weights = place_means(groups, y, size, columns.size)
        return _fit(problem, donors=y, treated=treated, weights=weights, allowed=allowed, predict=predict)
    # covariates get the coefficients of the donors that are left, so every assignment has outcomes of its own
    covariates = {name: values[:, donors] for name, values in comparison.covariates.items()}
    parts = []
    for r in range(len(groups)):
        own = take_out_covariates(y, covariates, np.flatnonzero(allowed[r]))
        some = slice(r, r + 1)
        treated, weights = place_means(groups[some], own, size, columns.size)
        parts.append(_fit(problem, donors=own, treated=treated, weights=weights, allowed=allowed[some], predict=predict))
    predictions = [part.prediction_rmspe for part in parts if part.prediction_rmspe is not None]
    return _Fits(
        gaps=Gaps(
            gap=np.concatenate([part.gaps.gap for part in parts]),
            weights=np.concatenate([part.gaps.weights for part in parts]),
            first=problem.first,
            exposure=problem.exposure,
        ),
        unit_weights=np.concatenate([part.unit_weights for part in parts]),
        prediction_rmspe=np.concatenate(predictions) if predictions else None,
    )


def _in_order(comparison: Comparison, order: np.ndarray) -> Comparison:
    """What the draw of places looks at, with the areas in another order."""
    sizes, neighbours, weights = comparison.sizes, comparison.neighbours, comparison.weights
    return Comparison(
        areas=tuple(comparison.areas[n] for n in order),
        area_names=tuple(comparison.area_names[n] for n in order),
        regions=tuple(comparison.regions[n] for n in order),
        periods=comparison.periods,
        y=comparison.y[:, order],
        first_treated=comparison.first_treated[order],
        exposure=comparison.exposure[:, order],
        weights=None if weights is None else weights[order],
        sizes=None if sizes is None else sizes[order],
        neighbours=None if neighbours is None else neighbours[np.ix_(order, order)],
    )


def _area_weights(comparison: Comparison) -> np.ndarray:
    """Weights (N,) of the areas, equal where the comparison has none."""
    return np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights


def _notes(comparison: Comparison, columns: np.ndarray) -> tuple[str, ...]:
    """What a reader must know beside the numbers."""
    notes = []
    starts = np.unique(comparison.first_treated[columns])
    if starts.size > 1:
        notes.append(
            f"Starts fall into {starts.size} periods: each is estimated by itself and counts by its treated areas and periods."
        )
    if comparison.covariates:
        notes.append(f"Taken out before, with coefficients from the untreated areas: {', '.join(comparison.covariates)}.")
    return tuple(notes)

"""Synthetic control: a weighted mean of untreated areas that follows the treated one before its start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from evaluation.errors import ConfigurationError, DataError
from evaluation.numerics.mixing import (
    FEWEST,
    LeftOut,
    estimate_by_mix,
    leave_out_by_mix,
    list_weights,
    mix_simplex,
    placebos_by_mix,
    refuse_mix,
    requirements_of_mix,
    slope,
    treated_outcome,
)
from evaluation.numerics.placing import refit_places
from evaluation.numerics.predictor_search import OTHER, SAME, PredictorFit, search_importance
from evaluation.numerics.simplex import fit_simplex
from evaluation.results import Card, Check, Comparison, Estimate, PathPoint, Placebos

MATCHED = 1e-12
"""Misfit of the weighted predictors, as a share of their spread, at which they count as matched exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """What a treated area and its mix should have in common before the start.

    Parameters
    ----------
    name : str
        A covariate of the comparison, or its outcome.
    periods : tuple of str
        Periods it is averaged over, as labelled in the comparison; none may be at or after the start.
    statistic : {"mean"}
        How the periods are summarised.
    """

    name: str
    periods: tuple[str, ...]
    statistic: Literal["mean"] = "mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticControl:
    """Synthetic control for one treated area, on the outcomes of all periods before the start or on chosen predictors.

    Weights ``w >= 0``, ``sum w = 1`` minimise the squared differences between the treated area and the weighted donors over the
    periods before the start (exposure 0). Where donors fit them exactly, the most even of the exact weights are taken. With
    `predictors` the weights minimise the squared differences of these, each divided by its standard deviation over all areas and
    multiplied by an importance v; the importances are those whose weights follow the outcome best over `fit_periods` (nested
    optimisation; see `numerics.predictor_search`). The gap is treated minus weighted donors; `att` is the slope of the gap on
    exposure through zero, ``sum(e * gap) / sum(e^2)``: the mean gap after the start where exposure is 0 or 1.
    `Estimate.pre_rmspe` is the root mean square of the gap before the start; `Estimate.prediction_rmspe` is that of the last
    third of those periods when the weights see only the first two (predictors only where they have periods among these).
    `Comparison.weights` play no part: there is one treated area.

    Parameters
    ----------
    predictors : tuple of Predictor
        Empty (the default): all outcomes before the start, equally weighted, which is a convex problem with one answer.
    fit_periods : tuple of str
        Periods whose misfit of the outcome the importances are chosen by; empty = all before the start. Only with `predictors`.
    starts : int
        Independent searches for the importances; the best is taken.
    seed : int
        Seed of the searches.

    Examples
    --------
    ``a`` lies midway between ``b`` and ``c`` until the third period, when it is 2 above:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [5, 6, 9], "b": [4, 6, 6], "c": [6, 6, 8]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> estimate = SyntheticControl().fit(own)
    >>> round(estimate.att, 6), [round(donor.weight, 6) for donor in estimate.weights]
    (2.0, [0.5, 0.5])
    """

    predictors: tuple[Predictor, ...] = ()
    fit_periods: tuple[str, ...] = ()
    starts: int = 1
    seed: int = 0

    card: ClassVar[Card] = Card(
        name="synthetic_control",
        controls="a mix of donors that follows the area before the start",
        base="the mix itself: levels are compared",
        weighting="donors by non-negative shares that add up to one",
        title="Synthetic control",
        family="synthetic control",
        plain=(
            "Untreated areas are mixed in fixed shares so that the mix follows the treated area before the start as closely "
            "as possible. After the start the mix stands for the treated area without the programme; the difference between "
            "the two is the effect."
        ),
        estimand="Average effect of full exposure on the one treated area over the periods after its start.",
        assumptions=(
            "A mix that follows the area over many periods before the start would also have followed it afterwards.",
            "Nothing happens because of the programme before its start (or before the anticipation the design allows).",
            "The programme does not reach the donors, and nothing else of its size happens to them.",
            "The area lies among the donors: it is not the highest or the lowest of all.",
        ),
        limits=(
            "With few periods before the start, or noisy survey figures, the mix fits chance; it then moves back towards the "
            "mean after the start, which looks like an effect. The fit before the start is no proof, so chance is measured by "
            "how the mix predicts periods it has not seen.",
            "Where donors outnumber the periods before the start, several mixes can fit equally well and give different "
            "effects; the most even one is taken, which averages over more areas' noise, and a note says so.",
            "With predictors, their importances have many near-equal answers with different weights; a note gives the misfit, "
            "the importances and whether other ones do as well. Outcomes alone are the default for that reason.",
            "It takes one treated area. Several areas with their own starts need a staggered synthetic control, which is "
            "another estimator.",
            "It has no standard error; chance is judged by placebo areas.",
        ),
        missing_cells=(
            "None allowed in the outcome. Areas and periods with gaps are left out before, with reasons. Covariates may have "
            "gaps outside the periods of the predictors."
        ),
        source=(
            "Abadie, Diamond & Hainmueller (2010), Journal of the American Statistical Association 105(490); by default with the "
            "outcomes of all periods before the start as predictors, equally weighted; Doudchenko & Imbens (2016), NBER working "
            "paper 22791. Importances of predictors: Abadie & Gardeazabal (2003), American Economic Review 93(1), appendix B."
        ),
        compared_with=(
            "SciPy's non-negative least squares in every finding on outcomes alone; the quadratic-programming solver Clarabel; "
            "pysyncon; published: Proposition 99 with predictors and on outcomes alone, the Basque country and Texas prisons."
        ),
    )

    def __post_init__(self) -> None:
        """Refuse options that cannot be meant."""
        if self.fit_periods and not self.predictors:
            raise ConfigurationError("synthetic_control: fit_periods choose the importances of predictors; name predictors too.")
        if self.starts < 1:
            raise ConfigurationError(f"synthetic_control: starts must be at least 1, not {self.starts}.")
        for predictor in self.predictors:
            if not predictor.periods or predictor.statistic != "mean":
                raise ConfigurationError(
                    f"synthetic_control: predictor {predictor.name!r} needs at least one period and the statistic 'mean'."
                )

    @property
    def name(self) -> str:
        """Registry name."""
        return "synthetic_control"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense: one treated area, one donor, periods before and after, no gaps."""
        return requirements_of_mix(comparison)

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate the gap between the treated area and its weighted donors.

        Raises
        ------
        DataError
            If several areas are treated, or none; if there is no donor, no period before the start, or a gap in the outcome or in
            a predictor's periods.
        ConfigurationError
            If a predictor or a period of one is not in the comparison, or not before the start.
        """
        refuse_mix(comparison)
        if not self.predictors:
            return estimate_by_mix(self.name, comparison, mix_simplex)
        treated = treated_outcome(comparison)
        column = int(treated.columns[0])
        start = int(comparison.first_treated[column])
        columns = np.flatnonzero(~comparison.treated)
        found = self._mix(comparison, column, columns, start)
        gap = treated.observed - comparison.y[:, columns] @ found.weights
        return Estimate(
            estimator=self.name,
            att=float(slope(gap, treated.exposure)),
            path=tuple(PathPoint(event_time=t - start, att=float(g), n_areas=1) for t, g in enumerate(gap)),
            series=treated.beside(treated.observed - gap, comparison.periods),
            pre_rmspe=float(np.sqrt(np.mean(gap[:start] ** 2))),
            prediction_rmspe=self._predict(comparison, column, columns, start),
            weights=list_weights(comparison, columns, found.weights),
            notes=found.notes,
        )

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Untreated areas as if treated from the treated area's start, which itself is left out.

        Places as `draw_places` draws them: as many neighbouring authorities as the treated place has, averaged, which are then
        no donors; every authority in turn where one is treated. Equal to `fit` on `merge_places`. On outcomes alone one batch;
        with predictors two searches each, up to a second each.
        """
        refuse_mix(comparison)
        if not self.predictors:
            return placebos_by_mix(comparison, mix_simplex, draws=draws, seed=seed)
        return refit_places(self.fit, comparison, draws=draws, seed=seed)

    def leave_one_out(self, comparison: Comparison, estimate: Estimate) -> LeftOut:
        """The estimate without each donor that has weight, one at a time; one batch on outcomes alone, else a search for each."""
        refuse_mix(comparison)
        if not self.predictors:
            return leave_out_by_mix(comparison, estimate, mix_simplex)
        treated = treated_outcome(comparison)
        column = int(treated.columns[0])
        start = int(comparison.first_treated[column])
        donors = np.flatnonzero(~comparison.treated)
        left = [donor.area for donor in estimate.weights] if donors.size > 1 else []
        atts = []
        for area in left:
            others = donors[donors != comparison.areas.index(area)]
            found = self._mix(comparison, column, others, start)
            atts.append(float(slope(treated.observed - comparison.y[:, others] @ found.weights, treated.exposure)))
        return LeftOut(areas=tuple(left), att=np.array(atts))

    def _mix(self, comparison: Comparison, column: int, donors: np.ndarray, start: int) -> _PredictorMix:
        """Weights by predictors for the area at `column` among the areas at `donors`."""
        fit_rows = _rows(comparison, self.fit_periods, "fit_periods") if self.fit_periods else np.arange(start)
        windows = [_rows(comparison, predictor.periods, f"predictor {predictor.name!r}") for predictor in self.predictors]
        late = sorted({comparison.periods[t] for rows in (fit_rows, *windows) for t in rows if t >= start})
        if late:
            raise ConfigurationError(
                f"synthetic_control: predictors and fit_periods must lie before the start ({comparison.periods[start]}); "
                f"{', '.join(late[:5])} do not."
            )
        return self._search(comparison, column, donors, fit_rows, windows)

    def _predict(self, comparison: Comparison, column: int, donors: np.ndarray, start: int) -> float | None:
        """Misfit in the last third of the periods before the start when predictors and fit see the earlier ones alone.

        None with few periods, or where no predictor or no fit period is left.
        """
        if start < FEWEST:
            return None
        seen = start - start // 3
        fit_rows = _rows(comparison, self.fit_periods, "fit_periods") if self.fit_periods else np.arange(start)
        windows = [_rows(comparison, predictor.periods, f"predictor {predictor.name!r}") for predictor in self.predictors]
        fit_rows, windows = fit_rows[fit_rows < seen], [rows[rows < seen] for rows in windows]
        if not fit_rows.size or not any(rows.size for rows in windows):
            return None
        found = self._search(comparison, column, donors, fit_rows, windows)
        errors = comparison.y[seen:start, column] - comparison.y[seen:start][:, donors] @ found.weights
        return float(np.sqrt(np.mean(errors**2)))

    def _search(
        self, comparison: Comparison, column: int, donors: np.ndarray, fit_rows: np.ndarray, windows: Sequence[np.ndarray]
    ) -> _PredictorMix:
        """Search the importances of the predictors whose window is not empty, and certify the weights of the best."""
        kept = [(p, rows) for p, rows in zip(self.predictors, windows, strict=True) if rows.size]
        areas = np.append(donors, column)
        x = np.stack([_average(comparison, predictor.name, rows, areas) for predictor, rows in kept])
        spread = x.std(axis=1, ddof=1) if areas.size > 1 else np.zeros(len(x))
        x = x / np.where(spread > 0.0, spread, 1.0)[:, None]
        y = comparison.y[fit_rows]
        found = search_importance(x[:, :-1], x[:, -1], y[:, donors], y[:, column], seed=self.seed, starts=self.starts)
        root = np.sqrt(found.importance)[:, None]
        fit = fit_simplex(root * x[:, :-1], root * x[:, -1:])
        weights = fit.weights[0]
        mspe = float(np.mean((y[:, column] - y[:, donors] @ weights) ** 2))
        distance = (found.importance[:, None] * (x[:, :-1] - x[:, -1:]) ** 2).sum(axis=0).mean()
        labels = comparison.periods[int(fit_rows[0])], comparison.periods[int(fit_rows[-1])]
        names = [_label(predictor.name, [comparison.periods[t] for t in rows]) for predictor, rows in kept]
        notes = _describe(names, found, mspe, labels, matched=bool(fit.objective[0] <= MATCHED * distance))
        return _PredictorMix(weights=weights, mspe=mspe, notes=notes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _PredictorMix:
    """Weights (N,) chosen by predictors, their misfit of the outcome, and what must be said of them."""

    weights: np.ndarray
    mspe: float
    notes: tuple[str, ...]


def _describe(
    names: Sequence[str], found: PredictorFit, mspe: float, labels: tuple[str, str], *, matched: bool
) -> tuple[str, ...]:
    """Misfit, importances, and how well they are determined."""
    shares = ", ".join(f"{name} {share:.3f}" for name, share in zip(names, found.importance, strict=True))
    notes = [
        f"Mean squared misfit (MSPE) of the outcome from {labels[0]} to {labels[1]}: {mspe:.6g}.",
        f"Importance of the predictors (V): {shares}.",
    ]
    if found.ill_determined:
        notes.append(
            f"V is ill-determined: {found.equally_good} of the {found.tried} tried come within {SAME:.0%} of the smallest MSPE "
            f"and move more than {OTHER:.0%} of the weight to other donors, up to {found.apart:.0%}."
        )
    else:
        notes.append(
            f"Of {found.tried} V tried, none within {SAME:.0%} of the smallest MSPE moves more than {OTHER:.0%} of the weight."
        )
    if matched:
        notes.append("The donors match the predictors exactly: V does not determine the weights.")
    return tuple(notes)


def _label(name: str, periods: Sequence[str]) -> str:
    """A predictor's name with its periods, which tell several of one name apart."""
    return f"{name} {periods[0]}" if len(periods) == 1 else f"{name} {periods[0]} to {periods[-1]}"


def _rows(comparison: Comparison, periods: Sequence[str], what: str) -> np.ndarray:
    """Where these periods stand."""
    position = {period: t for t, period in enumerate(comparison.periods)}
    absent = [period for period in periods if period not in position]
    if absent:
        raise ConfigurationError(
            f"synthetic_control: {what}: no period {', '.join(map(repr, absent[:5]))}; there are {comparison.periods[0]!r} to "
            f"{comparison.periods[-1]!r}."
        )
    return np.array([position[period] for period in periods], dtype=np.int64)


def _average(comparison: Comparison, name: str, rows: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Mean (N,) of a covariate or the outcome over some periods, for the areas given."""
    if name in comparison.covariates:
        values = comparison.covariates[name]
    elif name == comparison.outcome:
        values = comparison.y
    else:
        known = ", ".join(map(repr, (comparison.outcome, *comparison.covariates)))
        raise ConfigurationError(f"synthetic_control: predictor {name!r} is not in the comparison; it has {known}.")
    part = values[np.ix_(rows, areas)]
    gaps = np.argwhere(~np.isfinite(part))
    if len(gaps):
        shown = "; ".join(f"{comparison.areas[areas[n]]}, {comparison.periods[rows[t]]}" for t, n in gaps[:5])
        raise DataError(
            f"synthetic_control: predictor {name!r} is missing in {len(gaps)} cell(s) of its periods (first {shown}); choose "
            "other periods or leave those areas out."
        )
    return np.asarray(part.mean(axis=0))

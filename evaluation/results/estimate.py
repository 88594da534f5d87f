"""The second waist: what every estimator returns, and the protocol it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from evaluation.results.comparison import Comparison
from evaluation.results.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """Estimated difference at one event time (0 = first treated period)."""

    event_time: int
    att: float
    n_areas: int
    se: float | None = None
    """Conventional standard error, where the estimator has one; for the annex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """Coefficient of a term that is not the effect, such as a covariate; for the annex."""

    name: str
    value: float
    se: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The treated series (mean over treated areas) beside what is estimated without the programme, period by period."""

    periods: tuple[str, ...]
    observed: tuple[float, ...]
    counterfactual: tuple[float, ...]
    exposure: tuple[float, ...]
    observed_se: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DonorWeight:
    """Weight of one untreated area in a counterfactual; weights sum to 1."""

    area: str
    name: str
    weight: float
    treated: str = ""
    """Code of the treated area whose counterfactual it is; empty where there is one treated area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecompositionPart:
    """One comparison of two groups of areas that a single number is made of; weights add up to 1."""

    kind: str
    treated_from: str
    """First treated period of the group whose change is measured."""
    control_from: str
    """First treated period of the group it is compared with; empty = not treated in the window."""
    weight: float
    estimate: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate(Shown):
    """What an estimator found. It holds no p-value: that is the business of `evaluation.inference`.

    Attributes
    ----------
    att : float
        Average effect on the treated at full exposure, in the outcome's unit; negative = lower than without the programme.
    path : effects by event time
    path_vcov : array (len(path), len(path)) or None
        Conventional covariance of the path.
    series : treated series and counterfactual
    weights : donor weights, empty where the method has none
    coefficients : those of other terms than the effect, where the method has any
    decomposition : the comparisons of two groups the estimate averages, for a method with one number and several starts
    pre_rmspe : root mean squared gap before the start, in the outcome's unit
    prediction_rmspe : the same over the last periods before the start when the counterfactual is made from the earlier ones
        alone; None for methods that do not fit themselves to those periods
    se : conventional standard error of `att`, or None; for the annex, never for a verdict
    """

    estimator: str
    att: float
    path: tuple[PathPoint, ...]
    series: Series
    pre_rmspe: float
    prediction_rmspe: float | None = None
    path_vcov: np.ndarray | None = None
    weights: tuple[DonorWeight, ...] = ()
    se: float | None = None
    coefficients: tuple[Coefficient, ...] = ()
    decomposition: tuple[DecompositionPart, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def scale(self) -> float:
        """Misfit that says how far off the counterfactual is by chance: `prediction_rmspe` where there is one, else `pre_rmspe`.

        A method with more donors than periods fits the periods it is given exactly and predicts no better for it.
        """
        return self.pre_rmspe if self.prediction_rmspe is None else self.prediction_rmspe


@dataclass(frozen=True, slots=True, kw_only=True)
class Card(Shown):
    """What a method is, in words; the methods annex is generated from it."""

    name: str
    title: str
    family: Literal["difference-in-differences", "synthetic control"]
    plain: str
    """Two or three sentences for a reader without econometrics."""
    estimand: str
    assumptions: tuple[str, ...]
    limits: tuple[str, ...]
    missing_cells: str
    source: str
    compared_with: str
    controls: str = ""
    """Whom the treated areas are compared with, in a few words; this and the next two say why methods differ."""
    base: str = ""
    """What the time after the start is measured against."""
    weighting: str = ""
    """How areas and periods are averaged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placebos:
    """What an estimator finds where there was no programme.

    Attributes
    ----------
    att : array (D,), estimates of D placebo assignments
    pre_rmspe : array (D,), pre-period misfit of each
    prediction_rmspe : array (D,), as in `Estimate`, or None
    gaps : array (D, T), treated minus counterfactual by period, or None when too many to keep
    labels : the placebo areas, one each, or empty where a placebo is made of several areas
    exhaustive : whether all admissible assignments are there
    path : array (D, L), effects at the event times of `Estimate.path`, or None for a method without a path
    groups : integer array (D, N0), as in `numerics.places.PlaceAssignments`: which untreated areas each placebo is made of; None
        where a method does not say
    """

    att: np.ndarray
    pre_rmspe: np.ndarray
    gaps: np.ndarray | None
    labels: tuple[str, ...]
    exhaustive: bool
    prediction_rmspe: np.ndarray | None = None
    path: np.ndarray | None = None
    groups: np.ndarray | None = None

    @property
    def scale(self) -> np.ndarray:
        """Misfit (D,) that says how far off a placebo's counterfactual is by chance; see `Estimate.scale`."""
        return self.pre_rmspe if self.prediction_rmspe is None else self.prediction_rmspe


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One diagnostic: passed, failed, or not judged (None), with its number and threshold."""

    name: str
    title: str
    passed: bool | None
    text: str
    value: float | None = None
    threshold: float | None = None
    information: bool = False
    """With `passed` None: it was run and is for information, because the protocol sets no threshold; otherwise it was not run."""
    kind: Literal["credibility", "robustness"] = "credibility"
    """What a failure says: the comparison is not credible, or the result hangs on one choice and does not hold."""


class Estimator(Protocol):
    """What every registry member offers. Options are fields of a frozen dataclass."""

    card: ClassVar[Card]

    @property
    def name(self) -> str:
        """Registry name."""

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense."""

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate; raises `DataError` where the comparison cannot carry the method."""

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates for untreated areas given the treated areas' starts; truly treated areas are left out."""

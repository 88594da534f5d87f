"""The types that flow through an evaluation. Read this first.

::

    Panel + Design  ->  Comparison  ->  Estimate  ->  Finding  ->  Conclusion  ->  report
                        (waist 1)       (waist 2)

Every estimator receives a `Comparison` and returns an `Estimate`. Nothing before the first waist knows statistics;
nothing after the second knows estimators. A `Finding` is an estimate with its inference, checks and provenance, and is one JSON
file. A `Conclusion` is what the findings of one area and outcome amount to: a verdict and its sentence.

All records are frozen. Frames and arrays are copied in and must not be written to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal, Protocol

import numpy as np
import pandas as pd

from evaluation.errors import ConfigurationError, DataError

NEVER = -1
"""Value of `Comparison.first_treated` for an area that is not treated within the window."""

Basis = Literal["announced launch", "first participant", "published schedule", "assumed", "not established"]
"""How a start date is known. An assumed date is ours, never the programme's."""


# ---------------------------------------------------------------- what came in


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """One file a panel was built from."""

    name: str
    sha256: str
    source: str
    contract_version: str
    vintage: str
    """Edition of the publication, such as ``2026-01``; ``not stated`` where the file does not tell."""
    rows: int
    synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Every outcome of every area in one long table.

    `frame` has the columns ``area_code``, ``area_name``, ``period`` (``2024`` for a calendar year, otherwise ``YYYY-MM``, the
    last month of the reference window), ``outcome``, ``value`` (float, missing where not published), ``se`` (sampling standard
    error in the outcome's unit, missing where none) and ``flag`` (empty, or why the value is missing or weak).
    """

    frame: pd.DataFrame
    inputs: tuple[InputFile, ...]
    notes: tuple[str, ...] = ()
    """Warnings of the contracts' checks, and rows of other geographies that were set aside."""

    @property
    def synthetic(self) -> bool:
        """Whether any input is synthetic: then everything made from the panel is."""
        return any(item.synthetic for item in self.inputs)


# ---------------------------------------------------------------- what was decided beforehand


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatedUnit:
    """A treated place or authority, with the month its programme is taken to start."""

    code: str
    """GSS code of an authority, or the identifier of a place such as ``south-yorkshire``."""
    name: str
    members: tuple[str, ...]
    """GSS codes of the authorities it is made of (one, for an authority)."""
    start: str
    """First month of the programme, ``YYYY-MM``."""
    start_basis: Basis
    start_note: str
    """Source of the date, or why it was assumed."""
    supported: int | None = None
    """People the programme said it would support in its first year; None = not established."""
    supported_source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePlan:
    """One outcome of a design."""

    id: str
    primary: bool
    first: str
    """First period of the window, as published (``2018-03`` or ``2010``)."""
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DonorRule:
    """Which untreated areas may serve as comparison."""

    nations: tuple[str, ...]
    exclude_programmes: tuple[str, ...]
    """Areas with one of these programmes active inside the window are left out."""
    exclude_neighbours: bool
    exclude_areas: tuple[tuple[str, str], ...]
    """Pairs of area code and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckThresholds:
    """What the checks of a design ask for, set before results are looked at."""

    minimum_pre_periods: int
    maximum_pre_rmspe_ratio: float
    """Pre-period misfit of the treated area over the median misfit of the untreated ones."""
    maximum_pre_trend: float
    """Largest pre-period gap, in standard units of the untreated areas' own largest gaps (their quantile, 0 to 1)."""
    maximum_donor_weight: float
    negligible_effect: float = 0.0
    """Difference before the start too small to be held against a comparison, in the outcome's unit; such as one unit of the last
    digit published."""
    maximum_forbidden_weight: float = 0.5
    """Largest weight that comparisons with areas already treated may have in a two-way fixed effects estimate (0 to 1)."""
    minimum_breakdown: float = 0.0
    """How many times as large as before the start violations of parallel trends may be before the effect can no longer be told
    from nil; 0 = not judged."""
    maximum_hidden_drift: float = 0.0
    """Largest drift a year before the start that the check of movement may fail to see, in the outcome's unit; 0 = not judged."""
    maximum_anticipation: float = 0.95
    """How large the difference shortly before the start may be, as a quantile (0 to 1) of the placebo places' own."""
    maximum_contaminated_weight: float = 0.5
    """Largest share of the comparison that other programmes reach, or that borders a treated place; 1 = not judged."""
    minimum_inside_range: float = 0.9
    """Smallest share of periods before the start in which the treated area lies between the lowest and the highest donor."""
    maximum_revision: float = 1.0
    """How far the estimate may move between two editions of the data, over how far the comparison is off by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The analysis protocol of one study, with its references resolved."""

    id: str
    title: str
    question: str
    programme: str
    programme_name: str
    unit: Literal["place", "authority"]
    treated: tuple[TreatedUnit, ...]
    estimate_areas: tuple[str, ...]
    """Codes of the treated units that get estimates of their own."""
    estimate_pooled: bool
    """Whether all treated units together get an estimate (area ``all``)."""
    donors: DonorRule
    outcomes: tuple[OutcomePlan, ...]
    did_estimators: tuple[str, ...]
    synthetic_control_estimators: tuple[str, ...]
    exposure_coding: Literal["share", "binary"]
    """How a reference window that straddles the start counts: by its share after the start, or as treated."""
    anticipation: int
    """Months before the start that are already counted as treated."""
    level: float
    draws: int
    seed: int
    thresholds: CheckThresholds
    plausible_effect: float | None
    """Largest effect thought plausible beforehand, in the primary outcome's unit, as a magnitude."""
    sha256: str
    """Hash of the protocol file, the locked identity of the design."""
    pooled_synthetic_control_estimators: tuple[str, ...] = ()
    """Synthetic controls that take several treated areas at once: the second family for all areas together."""
    alternative_starts: tuple[int, ...] = ()
    """Months by which every start is shifted, earlier negative, to see how much the estimate depends on it."""

    def outcome(self, outcome: str) -> OutcomePlan:
        """The plan of one outcome; a `ConfigurationError` names the outcomes there are."""
        for plan in self.outcomes:
            if plan.id == outcome:
                return plan
        known = ", ".join(plan.id for plan in self.outcomes)
        raise ConfigurationError(f"design {self.id}: outcome {outcome!r} is not in it; it has {known}.")

    def unit_of(self, code: str) -> TreatedUnit:
        """The treated unit with this code; a `ConfigurationError` names those there are."""
        for unit in self.treated:
            if unit.code == code:
                return unit
        known = ", ".join(unit.code for unit in self.treated[:12])
        raise ConfigurationError(f"design {self.id}: area {code!r} is not treated in it; treated are {known}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A departure from the protocol after it was locked."""

    number: int
    """In the order in which they were made, from 1."""
    key: str
    """What changed, by its place in the protocol file, such as ``thresholds.maximum_donor_weight``."""
    before: str
    after: str


# ---------------------------------------------------------------- waist 1


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An area that was left out of a comparison, and why."""

    area: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Treated areas beside untreated ones over time: all an estimator is given.

    Arrays are periods x areas (T x N), rectangular and complete.

    Attributes
    ----------
    areas, area_names : tuple of str, length N
    periods : tuple of str, length T, in order
    y : array (T, N), in `unit`
    first_treated : integer array (N,), index of the first period whose reference window touches the programme; `NEVER` =
        untreated in the window
    exposure : array (T, N), share of each period's reference window that lies after the start (0 to 1)
    se : array (T, N) of sampling standard errors in `unit`, or None where the outcome has none
    weights : array (N,), population, or None for equal weights
    regions : tuple of str, length N; empty strings where not known
    clusters : tuple of str, length N; areas of one cluster are not independent; empty = every area is its own
    sizes : integer array (N,), number of authorities each area is made of, or None where every area is one; a place of several is
        their mean by `weights`
    neighbours : boolean array (N, N), symmetric, which areas border each other, or None where not known
    covariates : mapping of name to array (T, N); a covariate that does not change over time repeats its value
    excluded : areas left out, with reasons
    unbalanced : whether `y` may hold missing cells (nan); an estimator's card says whether it takes them
    """

    areas: tuple[str, ...]
    area_names: tuple[str, ...]
    periods: tuple[str, ...]
    y: np.ndarray
    first_treated: np.ndarray
    exposure: np.ndarray
    se: np.ndarray | None = None
    weights: np.ndarray | None = None
    regions: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    sizes: np.ndarray | None = None
    neighbours: np.ndarray | None = None
    covariates: Mapping[str, np.ndarray] = field(default_factory=dict)
    excluded: tuple[Exclusion, ...] = ()
    unbalanced: bool = False
    unit: str = ""
    outcome: str = ""
    area: str = ""
    """Code of the treated unit under study, or ``all``."""
    area_name: str = ""
    design: str = ""
    synthetic: bool = False

    def __post_init__(self) -> None:
        """Freeze the arrays and refuse what is not rectangular and complete."""
        shape = (len(self.periods), len(self.areas))
        for name, wanted, kind in (
            ("y", shape, float),
            ("exposure", shape, float),
            ("se", shape, float),
            ("first_treated", shape[1:], np.int64),
            ("weights", shape[1:], float),
            ("sizes", shape[1:], np.int64),
            ("neighbours", (shape[1], shape[1]), bool),
        ):
            value = getattr(self, name)
            if value is None:
                continue
            object.__setattr__(self, name, self._frozen(name, value, wanted, kind))
        covariates = {name: self._frozen(f"covariate {name!r}", value, shape, float) for name, value in self.covariates.items()}
        object.__setattr__(self, "covariates", MappingProxyType(covariates))
        if len(set(self.areas)) != len(self.areas):
            raise DataError("comparison: an area stands in it twice.")
        if self.sizes is not None and self.sizes.max() > 1 and self.weights is None:
            raise DataError("comparison: an area is made of several authorities, and there are no weights to average them by.")
        if not self.regions:
            object.__setattr__(self, "regions", ("",) * shape[1])
        for name in ("area_names", "regions", *(("clusters",) if self.clusters else ())):
            if len(getattr(self, name)) != shape[1]:
                raise DataError(f"comparison: {name} has {len(getattr(self, name))} entries for {shape[1]} areas.")

    def _frozen(self, name: str, value: object, wanted: tuple[int, ...], kind: type) -> np.ndarray:
        array: np.ndarray = np.array(value, dtype=kind)
        if array.shape != wanted:
            raise DataError(f"comparison: {name} has shape {array.shape}, wanted {wanted} (periods x areas).")
        if kind is float:
            bad = np.isinf(array) if self.unbalanced and array.ndim == 2 and name != "exposure" else ~np.isfinite(array)
            if bad.any():
                first = np.argwhere(bad)[0]
                place = self.areas[first[-1]] + (f", {self.periods[first[0]]}" if array.ndim == 2 else "")
                raise DataError(
                    f"comparison: {name} has no finite value for {place}; leave the area or the period out, with a reason."
                )
        array.setflags(write=False)
        return array

    @property
    def observed(self) -> np.ndarray:
        """Boolean (T, N): cells whose outcome and covariates are there; all of them unless `unbalanced`."""
        return np.isfinite(self.y) & np.logical_and.reduce([np.isfinite(x) for x in self.covariates.values()] or [np.True_])

    @property
    def treated(self) -> np.ndarray:
        """Boolean (N,): treated within the window."""
        return self.first_treated != NEVER

    @property
    def n_periods(self) -> int:
        """Number of periods, T."""
        return len(self.periods)

    @property
    def donors(self) -> tuple[str, ...]:
        """Codes of the untreated areas."""
        return tuple(a for a, t in zip(self.areas, self.treated, strict=True) if not t)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        area: str,
        period: str,
        value: str,
        first_treated: str | None = None,
        exposure: str | None = None,
        se: str | None = None,
        weights: str | None = None,
        cluster: str | None = None,
        region: str | None = None,
        covariates: Sequence[str] = (),
        missing: Literal["refuse", "keep"] = "refuse",
        unit: str = "",
    ) -> Comparison:
        """Make a comparison from any long table, one row an area and period.

        Parameters
        ----------
        frame : DataFrame
            Long table; it is not changed.
        area, period, value : column names
            `period` must sort into time order.
        first_treated : column name, optional
            First treated period of the area, in the units of `period`; missing = never treated. A start after the last period
            counts as untreated within the window. Without it, the first period whose `exposure` is not 0.
        exposure : column name, optional
            Share or dose of the treatment in each period; without it, 0 before the first treated period and 1 from it on. One of
            the two columns is needed.
        se : column name, optional
            Sampling standard error of `value`.
        weights : column name, optional
            Weight of the area, constant over time.
        cluster : column name, optional
            Group of areas that are not independent, constant over time; without it every area is its own.
        region : column name, optional
            Region of the area, constant over time.
        covariates : column names
            Numbers, constant or varying over time.
        missing : {"refuse", "keep"}
            Whether an absent (area, period) pair, or one without `value` or a covariate, is refused or kept as a gap.
        unit : str
            Unit of `value`, such as ``pp``.

        Returns
        -------
        Comparison
            Areas and periods in order.

        Raises
        ------
        DataError
            If a column is missing, an (area, period) pair repeats or is absent, a value is missing, or `first_treated`,
            `weights`, `cluster` or `region` vary within an area. All problems of a kind are named together.
        """
        if first_treated is None and exposure is None:
            raise DataError("frame: name the column of first treated periods (first_treated) or of exposure, or both.")
        columns = [
            c for c in (area, period, value, first_treated, exposure, se, weights, cluster, region, *covariates) if c is not None
        ]
        absent = [c for c in columns if c not in frame.columns]
        if absent:
            raise DataError(f"frame: no column {', '.join(map(repr, absent))}; it has {', '.join(map(repr, frame.columns))}.")
        table = frame.loc[:, list(dict.fromkeys(columns))]
        blank = table[[area, period]].isna().any(axis=1)
        if blank.any():
            raise DataError(
                f"frame: {int(blank.sum())} row(s) have no {area!r} or no {period!r}; first at index {blank.idxmax()!r}."
            )
        twice = table.duplicated([area, period])
        if twice.any():
            row = table[twice].iloc[0]
            raise DataError(
                f"frame: {int(twice.sum())} row(s) repeat an area and period, first {row[area]!r}, {row[period]!r}; "
                "keep one row for each."
            )
        wide = table.pivot(index=period, columns=area, values=value).sort_index()
        areas, periods = list(wide.columns), list(wide.index)

        def cells(column: str) -> np.ndarray:
            return table.pivot(index=period, columns=area, values=column).loc[periods, areas].to_numpy(dtype=float)

        for column in (value, *covariates) if missing == "refuse" else ():
            gaps = [(str(areas[n]), str(periods[t])) for t, n in np.argwhere(np.isnan(cells(column)))]
            if gaps:
                shown = "; ".join(f"{a}, {p}" for a, p in gaps[:5])
                raise DataError(
                    f"frame: {len(gaps)} of {wide.size} cells have no {column!r} (first {shown}); leave those areas or periods "
                    'out, or keep the gaps with missing="keep".'
                )
        dose = None if exposure is None else np.nan_to_num(cells(exposure))
        first = np.full(len(areas), NEVER, dtype=np.int64)
        if first_treated is not None:
            starts = _constant(table, area, first_treated).reindex(areas)
            for n, start in enumerate(starts):
                later = [] if pd.isna(start) else [t for t, p in enumerate(periods) if p >= start]
                first[n] = later[0] if later else NEVER
        elif dose is not None:
            first = np.where((dose != 0).any(axis=0), (dose != 0).argmax(axis=0), NEVER)
        position = np.arange(len(periods))[:, None]
        return cls(
            areas=tuple(map(str, areas)),
            area_names=tuple(map(str, areas)),
            periods=tuple(map(str, periods)),
            y=wide.to_numpy(dtype=float),
            first_treated=first,
            exposure=((first != NEVER) & (position >= first)).astype(float) if dose is None else dose,
            se=None if se is None else cells(se),
            clusters=() if cluster is None else tuple(map(str, _constant(table, area, cluster).reindex(areas))),
            regions=() if region is None else tuple(map(str, _constant(table, area, region).reindex(areas))),
            covariates={name: cells(name) for name in covariates},
            unbalanced=missing == "keep",
            weights=None if weights is None else _constant(table, area, weights).reindex(areas).to_numpy(dtype=float),
            unit=unit,
            outcome=str(value),
            area="all",
            area_name="all treated areas",
        )

    def to_frame(self) -> pd.DataFrame:
        """Long table ``unit``, ``time``, ``cluster`` (from 1), ``y``, ``exposure``, ``first_treated`` (0 = never), ``area``,
        ``period`` and the covariates; rows of cells that are not there are left out.

        The integers avoid faults that libraries show with text identifiers, dates and missing cohorts.
        """
        t, n = self.y.shape
        frame = pd.DataFrame(
            {
                "unit": np.tile(np.arange(1, n + 1), t),
                "time": np.repeat(np.arange(1, t + 1), n),
                "y": self.y.ravel(),
                "exposure": self.exposure.ravel(),
                "first_treated": np.tile(self.first_treated + 1, t),
                "cluster": np.tile(np.unique(self.clusters or self.areas, return_inverse=True)[1] + 1, t),
                "area": np.tile(np.array(self.areas, dtype=object), t),
                "period": np.repeat(np.array(self.periods, dtype=object), n),
            }
        )
        taken = [name for name in self.covariates if name in frame.columns]
        if taken:
            raise DataError(f"comparison: covariate {taken[0]!r} has the name of a column of its own; rename it.")
        frame = frame.assign(**{name: values.ravel() for name, values in self.covariates.items()})
        return frame[self.observed.ravel()].reset_index(drop=True)

    def _repr_html_(self) -> str:
        """Short summary for a notebook."""
        from html import escape

        label = "<strong>SYNTHETIC DATA</strong>. " if self.synthetic else ""
        return (
            f"<p>{label}Comparison of {escape(self.outcome)} ({escape(self.unit)}): {int(self.treated.sum())} treated and "
            f"{len(self.donors)} untreated areas, {self.n_periods} periods "
            f"{escape(self.periods[0])} to {escape(self.periods[-1])}, "
            f"{len(self.excluded)} areas left out.</p>"
        )


def _constant(table: pd.DataFrame, area: str, column: str) -> pd.Series:
    """One value of `column` for each area; refuses a column that varies within an area."""
    groups = table.groupby(area)[column]
    varying = groups.nunique(dropna=False)
    if (varying > 1).any():
        names = ", ".join(map(repr, varying.index[varying > 1][:5]))
        raise DataError(
            f"frame: {column!r} varies within {int((varying > 1).sum())} area(s), first {names}; it must be constant."
        )
    return groups.first()


# ---------------------------------------------------------------- waist 2


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
class Estimate:
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
class Card:
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


# ---------------------------------------------------------------- what it amounts to


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Both ends of an interval, in the outcome's unit."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Both ends of a simultaneous band at one event time."""

    event_time: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """How surely an estimate differs from what chance alone gives.

    Attributes
    ----------
    p_value : two-sided, or None where it cannot be computed
    interval : by test inversion, at `level`
    reps : number of placebo assignments compared with
    as_large : how many of them show a statistic at least as large
    smallest_p : the floor of the p-value, 1 / (reps + 1)
    mde : smallest effect found with 80% power at `level`, as a magnitude; None where it cannot be computed
    placebo_gaps : gaps of placebo areas by period (for the figure; at most 200 of them), or None
    size : share of true nulls the procedure rejects on this very panel, measured with placebo places like the treated one; None
        where it was not measured
    size_reps : number of placebo places `size` was measured with
    bands : simultaneous bands of the path: all of them hold at once with confidence 1 - `level`
    blocks : number of placebo places that share no area with each other; fewer than 1/`level` make any p-value a coarse one
    placebo_sd : standard deviation of the placebo estimates on the treated place's scale, in the outcome's unit: the standard
        error that pooling over places uses; None where it was not computed
    """

    method: str
    null: str
    level: float
    reps: int
    seed: int
    p_value: float | None
    interval: Interval | None
    as_large: int | None = None
    smallest_p: float | None = None
    mde: float | None = None
    placebo_gaps: tuple[tuple[float, ...], ...] | None = None
    decides: bool = True
    """Whether a verdict may rest on it."""
    note: str = ""
    size: float | None = None
    size_reps: int | None = None
    bands: tuple[Band, ...] = ()
    blocks: int | None = None
    placebo_sd: float | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a number rests on; no clock times and no machine names."""

    design_sha256: str
    panel_sha256: str
    inputs: tuple[InputFile, ...]
    code_version: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finding:
    """One estimate with everything needed to publish it; one JSON file."""

    design: str
    outcome: str
    area: str
    area_name: str
    unit: str
    estimator: str
    family: str
    start: str
    """First month of the programme in this area; for several areas, ``YYYY-MM to YYYY-MM``."""
    start_basis: str
    n_treated: int
    n_donors: int
    excluded: tuple[Exclusion, ...]
    estimate: Estimate
    inferences: tuple[Inference, ...]
    checks: tuple[Check, ...]
    people: float | None
    """Residents the outcome is a rate of, in the treated areas at the last period; None where not known or not a rate."""
    supported: int | None
    """People the programme said it would support in the treated areas in the first year."""
    synthetic: bool
    provenance: Provenance
    method: str = ""
    """Title of the estimator for readers, from its card; empty in findings made without one."""

    @property
    def inference(self) -> Inference:
        """The inference a verdict may rest on."""
        return next(i for i in self.inferences if i.decides)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPoint:
    """What could be seen with a number of periods after the start."""

    follow_up: int
    """Periods whose reference window lies wholly after the start."""
    mde: float | None
    """Smallest constant effect found with 80% power, as a magnitude in the outcome's unit; None where it cannot be computed."""
    sampling_share: float | None = None
    """Share of the variance of the placebo estimates that sampling error of the survey explains, 0 to 1; None without standard
    errors."""
    before: int | None = None
    """Periods left before the moved start, where it fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """Could the evaluation see it? From periods before the start alone; one JSON file ``power/<outcome>/<area>.json``."""

    design: str
    outcome: str
    area: str
    area_name: str
    unit: str
    estimator: str
    level: float
    power: float
    points: tuple[PowerPoint, ...]
    available: int
    """Periods wholly after the start that the data have now."""
    cap: float | None
    """Largest difference the supported people could produce, in the outcome's unit; None = not established."""
    plausible: float | None
    reps: int
    seed: int
    synthetic: bool
    note: str = ""


VariantKind = Literal["main", "estimator", "start date", "exposure coding", "comparison areas", "window", "weights"]
"""What a specification differs in from the main one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One pre-declared specification and what it gives."""

    name: str
    kind: VariantKind
    title: str
    """In words for a reader, such as ``start three months later``."""
    estimator: str
    att: float | None
    interval: Interval | None
    p_value: float | None
    why_not: str = ""
    """Why there is no estimate, where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress:
    """How much an estimate depends on choices; one JSON file ``stress/<outcome>/<area>.json``."""

    design: str
    outcome: str
    area: str
    area_name: str
    unit: str
    variants: tuple[Variant, ...]
    """The main specification first."""
    joint_p: float | None
    """Share of placebo assignments whose median statistic over all variants is at least as large as the observed one."""
    synthetic: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEffect:
    """One place in a pooled estimate."""

    area: str
    name: str
    att: float
    se: float
    """Spread of its placebo places, the standard error that pooling uses, in the outcome's unit."""
    weight: float
    pooled: float
    """The estimate drawn towards the mean (partial pooling)."""
    interval: Interval
    """Of `pooled`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Random-effects summary over places; one JSON file ``pool/<outcome>.json``."""

    design: str
    outcome: str
    unit: str
    estimator: str
    level: float
    places: tuple[PlaceEffect, ...]
    mean: float
    interval: Interval
    """Hartung-Knapp interval of the mean."""
    prediction: Interval | None
    """Where the effect of a further place would lie; None with fewer than three places."""
    tau: float
    """Standard deviation of the effects between places (Paule-Mandel), in the outcome's unit."""
    p_value: float
    synthetic: bool
    note: str = ""


VerdictName = Literal[
    "not estimated",
    "comparison not credible",
    "implausible size",
    "detected",
    "mixed signs",
    "large changes ruled out",
    "too imprecise to tell",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What the findings of one area and outcome amount to."""

    design: str
    outcome: str
    area: str
    area_name: str
    primary: bool
    verdict: VerdictName
    because: str
    """Which rule decided, in words."""
    sentence: str
    headline: str | None
    """Estimator whose finding the sentence quotes, or None."""
    att: float | None = None
    interval: Interval | None = None
    mde: float | None = None
    cap: float | None = None
    """Largest difference the supported people could produce, in the outcome's unit; None = not established."""
    people: Interval | None = None
    """The interval in people."""
    synthetic: bool = False
    reasons: tuple[str, ...] = field(default=())
    adjusted_p: float | None = None
    """The p-value after allowing for the other comparisons of its family; None where there is none, or the family was not looked
    at."""
    family: str = ""
    """Family of comparisons, set in advance, that `adjusted_p` allows for, in words."""
    trail: tuple[str, ...] = ()
    """Every rule in its order, with its numbers: those that did not apply, the one that decided, those not reached."""

    def explain(self) -> str:
        """Which rule decided the verdict, and why those before it did not apply; plain text."""
        return "\n".join((f"{self.area_name}, {self.outcome}: {self.verdict}", *self.trail, *self.reasons))

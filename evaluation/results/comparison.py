"""The first waist: treated areas beside their comparison areas, as every estimator receives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.errors import DataError
from evaluation.results.shown import Shown

NEVER = -1
"""Value of `Comparison.first_treated` for an area that is not treated within the window."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An area that was left out of a comparison, and why."""

    area: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison(Shown):
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

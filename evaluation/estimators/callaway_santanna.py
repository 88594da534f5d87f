"""Group-time effects: each start is compared with areas that are not treated, and with nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from evaluation.errors import ConfigurationError
from evaluation.numerics.assignment import CHUNK, sum_members
from evaluation.numerics.conditional import Method, conditional_effects
from evaluation.numerics.group_time import (
    FULL,
    Aggregation,
    BasePeriod,
    Cells,
    ControlGroup,
    cell_effects,
    cell_exposure,
    cell_influence,
    cohort_of,
    combine,
    early_misfit,
    gap_by_cohort,
    plan_cells,
    sum_by_cohort,
)
from evaluation.numerics.group_time_table import AGGREGATIONS, GroupTime
from evaluation.numerics.places import draw_places
from evaluation.numerics.placing import labels_of, mass_of, no_placebos, refit_places
from evaluation.numerics.treated import refuse, requirements, treated_mean
from evaluation.results import NEVER, Card, Check, Comparison, Estimate, PathPoint, Placebos


@dataclass(frozen=True, slots=True, kw_only=True)
class CallawaySantAnna:
    """Group-time average treatment effects of Callaway & Sant'Anna (2021) and their averages.

    ``ATT(g, t)`` is the change of the areas first treated in g, from a base period to t, less that of the areas they are compared
    with. Event time 0 is the first period whose window touches the programme. `att` averages cells from the start on whose areas
    are all fully exposed; where there is none, cells with any exposure, divided by their average exposure, with a note.

    Parameters
    ----------
    control_group : {"never_treated", "not_yet_treated"}
        Compare with areas never treated in the window, or also with those that are treated later. Without areas never treated,
        "not_yet_treated" takes the last cohort for them and ends the window at its start.
    base_period : {"universal", "varying"}
        Periods before the start are measured from the last period before it (gaps, as in an event study) or each from the period
        before (steps). From the start on there is no difference.
    covariates : tuple of str
        Covariates of the comparison, each with its value in the base period of a cell. Trends may differ with them.
    method : {"doubly_robust", "regression", "weighting"}
        How covariates are taken into account: outcome regression on the areas compared with, inverse probability weighting, or
        both, of which one must be right (Sant'Anna & Zhao 2020).
    anticipation : int
        Periods before the start in which areas may already react; the base period lies before them.
    aggregation : {"simple", "group", "dynamic", "calendar"}
        Which average `att` is: every cell by its areas' weight; of cohorts; of event times; of periods.

    Examples
    --------
    Every area rises by 1 a year. The programme adds 1 in its first year, 2 in its second and 3 in its third, from year 3 in ``a``
    and from year 4 in ``b``. The average depends on what is averaged, and says so:

    >>> import pandas as pd
    >>> from evaluation.results import Comparison
    >>> rates = {"a": [11, 12, 14, 16, 18], "b": [21, 22, 23, 25, 27], "c": [31, 32, 33, 34, 35], "d": [6, 7, 8, 9, 10]}
    >>> wide = pd.DataFrame(rates, index=[1, 2, 3, 4, 5]).rename_axis("year").reset_index()
    >>> frame = wide.melt("year", var_name="area", value_name="rate")
    >>> frame["start"] = frame["area"].map({"a": 3, "b": 4})
    >>> own = Comparison.from_frame(frame, area="area", period="year", value="rate", first_treated="start")
    >>> round(CallawaySantAnna().fit(own).att, 6)  # every treated area and year alike: (1 + 2 + 3 + 1 + 2) / 5
    1.8
    >>> round(CallawaySantAnna(aggregation="group").fit(own).att, 6)  # starts alike: (2 + 1.5) / 2
    1.75
    >>> round(CallawaySantAnna(aggregation="dynamic").fit(own).att, 6)  # years since the start alike: (1 + 2 + 3) / 3
    2.0
    """

    control_group: ControlGroup = "never_treated"
    base_period: BasePeriod = "universal"
    covariates: tuple[str, ...] = ()
    method: Method = "doubly_robust"
    anticipation: int = 0
    aggregation: Aggregation = "simple"

    card: ClassVar[Card] = Card(
        name="callaway_santanna",
        controls="areas never treated, or not treated yet",
        base="the last period before each start",
        weighting="every start group and period by its number of treated areas",
        title="Group-time effects",
        family="difference-in-differences",
        plain=(
            "Areas that start together are compared, period by period, with areas without the programme. Areas that have "
            "already started never serve as comparison for later ones. The results for each start and period are then averaged."
        ),
        estimand=(
            "Average effect on the treated areas over their fully exposed periods, each area and period counting once (by "
            "population where there are weights); on request the average over starts, over time since the start or over periods."
        ),
        assumptions=(
            "Without the programme, areas with one start and the areas they are compared with would have moved in parallel "
            "from the base period on, given the covariates where there are any.",
            "Nothing happens because of the programme before its start, or before the periods of anticipation.",
            "The programme does not reach the areas compared with.",
            "With covariates: every treated area has untreated ones like it.",
        ),
        limits=(
            "Every effect is relative to one base period. Where that period's figure is a noisy survey estimate, all effects of "
            "a start carry its error; the imputation estimator averages over the periods before the start instead.",
            "The first period whose window the start falls into counts as event time 0 and shows part of the effect. It is on "
            "the path as it is and left out of the average as long as there are fully exposed periods.",
            "Standard errors ask for many treated and untreated areas. A start of one or two areas shows next to no spread, so "
            "they are too small with few treated areas, and not given with one; the verdict rests on placebo assignments.",
            "A covariate counts with its value in the base period; what happens to it later plays no part.",
            "Propensity scores do not exist where covariates separate a start from the rest, as they easily do with few treated "
            "areas; the fit is then refused, and outcome regression remains.",
        ),
        missing_cells=(
            "None allowed: areas and periods with gaps are left out before, with reasons, or the imputation estimator is used."
        ),
        source=(
            "Callaway & Sant'Anna (2021), Journal of Econometrics 225(2), sections 2 to 4; Sant'Anna & Zhao (2020), Journal of "
            "Econometrics 219(1), for covariates; computed here in closed form."
        ),
        compared_with=(
            "Published: county teen employment of Callaway & Sant'Anna (2021), with and without a covariate; the Medicaid "
            "expansion; reference values of another package for the roll-out of Universal Credit. With one start and no "
            "covariates it equals the event study."
        ),
    )

    def __post_init__(self) -> None:
        """Refuse options that do not exist."""
        object.__setattr__(self, "covariates", tuple(self.covariates))
        for option, value, known in (
            ("control_group", self.control_group, ("never_treated", "not_yet_treated")),
            ("base_period", self.base_period, ("universal", "varying")),
            ("method", self.method, ("doubly_robust", "regression", "weighting")),
            ("aggregation", self.aggregation, AGGREGATIONS),
        ):
            if value not in known:
                raise ConfigurationError(f"callaway_santanna: {option} is {value!r}; it must be one of {', '.join(known)}.")
        if self.anticipation < 0:
            raise ConfigurationError(f"callaway_santanna: anticipation is {self.anticipation}; it must be 0 or more periods.")

    @property
    def name(self) -> str:
        """Registry name."""
        return "callaway_santanna"

    def check(self, comparison: Comparison) -> list[Check]:
        """What must hold before a fit makes sense."""
        checks = requirements(comparison, untreated=1 if self.control_group == "never_treated" else 0)
        checks.append(_complete(comparison, self.covariates))
        if comparison.treated.any():
            checks.append(self._base_check(comparison))
        return checks

    def _base_check(self, comparison: Comparison) -> Check:
        """Whether there is a base period for every treated area, and something to compare with."""
        first = comparison.first_treated
        early = [comparison.areas[n] for n in np.flatnonzero(comparison.treated & (first <= self.anticipation))]
        alone = bool(comparison.treated.all()) and (first.max() - self.anticipation) <= first.min()
        text = "Every treated area has a base period and areas to be compared with."
        if early:
            text = (
                f"{len(early)} area(s) have no period before the start and its {self.anticipation} period(s) of anticipation: "
                f"{', '.join(early[:5])}; start the window earlier."
            )
        elif alone:
            text = "All areas are treated and none starts before the last cohort can react; untreated areas are needed."
        return Check(name="base_period", title="Every treated area has a base period", passed=not early and not alone, text=text)

    def effects(self, comparison: Comparison) -> GroupTime:
        """Every group-time effect; see `group_time_effects`."""
        refuse(self.check(comparison), comparison)
        return self._effects(_with_controls(comparison, self.anticipation), self.base_period)

    def _effects(self, comparison: Comparison, base_period: BasePeriod) -> GroupTime:
        """Every group-time effect of a comparison that has areas never treated."""
        starts = np.unique(comparison.first_treated[comparison.treated])
        cells = self._plan(starts, comparison.n_periods, base_period)
        cohort = cohort_of(comparison.first_treated, starts)
        weights = np.ones(len(comparison.areas)) if comparison.weights is None else comparison.weights
        if self.covariates:
            found = conditional_effects(
                comparison.y,
                _stack(comparison, self.covariates),
                weights=weights,
                cohort=cohort,
                cells=cells,
                method=self.method,
                names=self.covariates,
            )
            att, influence = found.att, found.influence
        else:
            sums = sum_by_cohort(weights[:, None] * comparison.y.T, cohort, len(starts))
            mass = sum_by_cohort(weights, cohort, len(starts))
            att = cell_effects(sums[None], mass[None], cells)[0]
            influence = cell_influence(comparison.y, weights, cohort, cells)
        least, mean = cell_exposure(comparison.exposure, weights, cohort, cells)
        return GroupTime(
            cells=cells,
            periods=comparison.periods,
            att=att,
            least_exposure=least,
            exposure=mean,
            cohort=cohort,
            weights=weights,
            clusters=np.unique(comparison.clusters, return_inverse=True)[1] if comparison.clusters else None,
            influence=influence,
        )

    def _plan(self, starts: np.ndarray, n_periods: int, base_period: BasePeriod) -> Cells:
        return plan_cells(
            starts,
            n_periods=n_periods,
            control_group=self.control_group,
            base_period=base_period,
            anticipation=self.anticipation,
        )

    def fit(self, comparison: Comparison) -> Estimate:
        """Estimate every group-time effect, the path by event time and the average.

        Raises
        ------
        DataError
            If no area is treated, there is nothing to compare with or no base period, a cell is missing, or covariates are
            collinear or separate a cohort.
        """
        refuse(self.check(comparison), comparison)
        used = _with_controls(comparison, self.anticipation)
        effects = self._effects(used, self.base_period)
        gaps = effects if self.base_period == "universal" else self._effects(used, "universal")
        average, path = effects.overall(self.aggregation), effects.average("dynamic")
        gap = gap_by_cohort(gaps.att[None], gaps.cells, used.n_periods)
        mass = sum_by_cohort(gaps.weights, gaps.cohort, len(gaps.cells.starts))[None, :-1]
        treated = treated_mean(used)
        mean_gap = (mass[0] @ gap[0]) / mass.sum()
        points, vcov = list(_points(path.keys, path.att, path.se, path.n_areas)), path.vcov
        if self.base_period == "universal":
            position = int(np.searchsorted(np.array(path.keys), -1 - self.anticipation))
            points.insert(position, PathPoint(event_time=-1 - self.anticipation, att=0.0, n_areas=int(used.treated.sum())))
            vcov = np.insert(np.insert(vcov, position, 0.0, axis=0), position, 0.0, axis=1)
        return Estimate(
            estimator=self.name,
            att=average.att,
            path=tuple(points),
            path_vcov=vcov if effects.has_errors else None,
            series=treated.beside(treated.observed - mean_gap, used.periods),
            pre_rmspe=float(early_misfit(gap, mass, gaps.cells.starts)[0]),
            se=average.se,
            notes=self._notes(comparison, used, effects),
        )

    def _notes(self, comparison: Comparison, used: Comparison, effects: GroupTime) -> tuple[str, ...]:
        """What a reader must know beside the numbers."""
        notes = []
        after = effects.cells.event_time >= 0
        if not effects.is_full:
            notes.append(
                "No effect rests on full exposure: the average is scaled up by the share of the windows after the start."
            )
        elif (after & ~effects.kept).any():
            notes.append(
                f"{int((after & ~effects.kept).sum())} effect(s) from the start on are exposed in part: they are on the path "
                "and not in the average."
            )
        if used is not comparison:
            notes.append(
                f"Every area is treated in the end: those that start last are taken as untreated, and the window ends at "
                f"{used.periods[-1]}, before they can react."
            )
        size = np.bincount(effects.cohort)[:-1]
        if effects.has_errors and (size == 1).any():
            notes.append(
                f"{int((size == 1).sum())} of {size.size} start(s) are of one area, whose own spread a standard error cannot see."
            )
        if not effects.has_errors:
            notes.append("No standard error is given: one area alone is treated, or never treated, and shows no spread.")
        return tuple(notes)

    def placebos(self, comparison: Comparison, *, draws: int, seed: int) -> Placebos:
        """Estimates where untreated areas take the treated areas' starts; truly treated areas are left out.

        Places as `draw_places` draws them: as many neighbouring authorities as the treated place has, or every authority in turn
        where one is treated. Equal to `fit` on `merge_places`. Without covariates all are matrix products; with covariates each
        is a fit (2 ms with 250 areas, 34 periods and one start), and one that is refused is left out.
        """
        refuse(self.check(comparison), comparison)
        if self.covariates:
            return refit_places(self.fit, comparison, draws=draws, seed=seed)
        chosen = draw_places(comparison, draws=draws, seed=seed)
        if not len(chosen.groups):
            return no_placebos(comparison)
        columns, donors = np.flatnonzero(comparison.treated), np.flatnonzero(~comparison.treated)
        first = comparison.first_treated[columns]
        starts = np.unique(first)
        task = _Task(
            estimator=self,
            y=comparison.y[:, donors],
            weights=np.ones(donors.size) if comparison.weights is None else comparison.weights[donors],
            exposure=comparison.exposure[:, columns],
            member=np.searchsorted(starts, first),
            cells=self._plan(starts, comparison.n_periods, self.base_period),
            gap_cells=self._plan(starts, comparison.n_periods, "universal"),
        )
        width = max(comparison.n_periods, 1 if task.cells.never_only else task.cells.cohort.size)
        step = max(1, CHUNK // max((len(starts) + 1) * width, donors.size))
        parts = [task.fit(chosen.groups[d : d + step]) for d in range(0, len(chosen.groups), step)]
        return Placebos(
            att=np.concatenate([part.att for part in parts]),
            pre_rmspe=np.concatenate([part.pre_rmspe for part in parts]),
            gaps=np.concatenate([part.gap for part in parts]) if columns.size == 1 else None,
            labels=labels_of(comparison, chosen.groups),
            exhaustive=chosen.exhaustive,
            path=np.concatenate([part.path for part in parts]),
            groups=chosen.groups,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fits:
    """Of D assignments: att (D,), path (D, L), pre_rmspe (D,) and gap (D, T)."""

    att: np.ndarray
    path: np.ndarray
    pre_rmspe: np.ndarray
    gap: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """What is the same for every placebo assignment without covariates.

    Outcomes (T, N) and weights (N,) of the donors, the treated areas' exposure (T, K) and cohort (K,), and the cells.
    """

    estimator: CallawaySantAnna
    y: np.ndarray
    weights: np.ndarray
    exposure: np.ndarray
    member: np.ndarray
    cells: Cells
    gap_cells: Cells

    def fit(self, groups: np.ndarray) -> _Fits:
        """Fit assignments (D, N)."""
        outcome = np.column_stack([self.weights[:, None] * self.y.T, self.weights])
        sums = sum_members(groups, outcome, self.member)
        sums = np.concatenate([sums, (outcome.sum(axis=0) - sums.sum(axis=1))[:, None]], axis=1)
        mass = sums[..., -1]
        universal = self.estimator.base_period == "universal"
        effects = cell_effects(sums[..., :-1], mass, self.cells)
        gaps = effects if universal else cell_effects(sums[..., :-1], mass, self.gap_cells)
        gap = gap_by_cohort(gaps, self.gap_cells, len(self.y))
        share = mass[:, :-1] / mass[:, :-1].sum(axis=1, keepdims=True)
        path = combine(effects, self.cells, mass, "dynamic")
        points = path.by_key
        if universal:
            # nothing is estimated at the base
            points = np.insert(points, int(np.searchsorted(path.keys, -1 - self.estimator.anticipation)), 0.0, axis=1)
        return _Fits(
            att=self._average(effects, mass, groups),
            path=points,
            pre_rmspe=early_misfit(gap, mass[:, :-1], self.cells.starts),
            gap=np.einsum("dg,dgt->dt", share, gap),
        )

    def _average(self, effects: np.ndarray, mass: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """`att` (D,), as `GroupTime.average` has it."""
        cells, n_cohorts = self.cells, len(self.cells.starts)
        least = np.stack([self.exposure[:, self.member == g].min(axis=1) for g in range(n_cohorts)])[cells.cohort, cells.period]
        most = np.stack([self.exposure[:, self.member == g].max(axis=1) for g in range(n_cohorts)])[cells.cohort, cells.period]
        after = cells.event_time >= 0
        full = after & (least >= FULL)
        kept = full if full.any() else after & (most > 0.0)
        some, aggregation = cells.take(kept), self.estimator.aggregation
        found = combine(effects[:, kept], some, mass, aggregation).overall
        if full.any():
            return found
        weighted = mass_of(groups, self.weights, len(self.member))[:, None, :] * self.exposure
        sums = np.stack([weighted[..., self.member == g].sum(axis=2) for g in range(n_cohorts)], axis=1)
        exposure = sums[:, some.cohort, some.period] / mass[:, some.cohort]
        return np.asarray(found / combine(exposure, some, mass, aggregation).overall)


def group_time_effects(
    comparison: Comparison,
    *,
    control_group: ControlGroup = "never_treated",
    base_period: BasePeriod = "universal",
    covariates: tuple[str, ...] = (),
    method: Method = "doubly_robust",
    anticipation: int = 0,
) -> GroupTime:
    """Every ATT(g, t) with its standard error, averages on request; options as in `CallawaySantAnna`.

    Examples
    --------
    ``group_time_effects(comparison).table()`` is the table of effects, ``.average("dynamic").bands()`` the path with simultaneous
    bands, ``.average("group")`` the effects by start.

    Raises
    ------
    DataError
        As `CallawaySantAnna.fit`.
    """
    return CallawaySantAnna(
        control_group=control_group,
        base_period=base_period,
        covariates=covariates,
        method=method,
        anticipation=anticipation,
    ).effects(comparison)


def _with_controls(comparison: Comparison, anticipation: int) -> Comparison:
    """Where every area is treated in the end, take those that start last as untreated and end the window before they react."""
    if not comparison.treated.all():
        return comparison
    end = int(comparison.first_treated.max()) - anticipation
    return replace(
        comparison,
        periods=comparison.periods[:end],
        y=comparison.y[:end],
        se=None if comparison.se is None else comparison.se[:end],
        exposure=np.where(comparison.first_treated < end, comparison.exposure[:end], 0.0),
        first_treated=np.where(comparison.first_treated < end, comparison.first_treated, NEVER),
        covariates={name: values[:end] for name, values in comparison.covariates.items()},
    )


def _stack(comparison: Comparison, covariates: tuple[str, ...]) -> np.ndarray:
    """Covariates (T, N, P)."""
    return np.stack([comparison.covariates[name] for name in covariates], axis=2)


def _complete(comparison: Comparison, covariates: tuple[str, ...]) -> Check:
    """Whether the covariates are there and no cell is missing."""
    unknown = [name for name in covariates if name not in comparison.covariates]
    used = [comparison.covariates[name] for name in covariates if name not in unknown]
    gaps = np.argwhere(~np.logical_and.reduce([np.isfinite(values) for values in (comparison.y, *used)]))
    text = "No cell is missing."
    if unknown:
        there = ", ".join(comparison.covariates) or "none"
        text = f"There is no covariate {', '.join(map(repr, unknown))}; the comparison has {there}."
    elif len(gaps):
        shown = "; ".join(f"{comparison.areas[n]}, {comparison.periods[t]}" for t, n in gaps[:5])
        text = (
            f"{len(gaps)} cell(s) are missing (first {shown}); leave those areas or periods out, or use the imputation estimator."
        )
    return Check(name="complete", title="No cell is missing", passed=not unknown and not len(gaps), text=text)


def _points(times: tuple[str | int, ...], att: np.ndarray, se: np.ndarray | None, n_areas: np.ndarray) -> tuple[PathPoint, ...]:
    """Effects in order of event time."""
    errors = [None] * len(att) if se is None else [float(error) for error in se]
    return tuple(
        PathPoint(event_time=int(time), att=float(effect), n_areas=int(count), se=error)
        for time, effect, count, error in zip(times, att, n_areas, errors, strict=True)
    )

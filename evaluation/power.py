"""Could the evaluation see it? Answered from the periods before the start alone, so that it can be said before any estimate.

The starts of the treated places are moved back together, by whole periods, so that the last h periods before the first real start
come to lie wholly after its moved one; reference windows that straddle a start straddle its moved one by the same months. On what
is left of the panel the run's own test is made ready as it will be in earnest: the estimator, the placebo places, the division by
the misfit before the (moved) start, the level. The minimum detectable effect is the smallest constant effect that this test finds
in 80 per cent of the placebo places, on the scale of the treated place's own misfit.

Every h has its own moved start, and the longer the follow-up the fewer periods remain before it. The evaluation itself has more
of them, so for long follow-ups what is given here errs on the side of too large. Where fewer than `FEWEST_BEFORE` remain nothing
is given.

No figure of the outcome, nor its standard error, is read from a period whose reference window touches the programme. What is read
besides: the protocol, the registers, and the residents that turn supported people into a cap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluation.design.compare import ALL, ALL_NAME, build_comparison, residents_of
from evaluation.design.donors import choose_donors, first_exposed
from evaluation.design.reach import count_supported, find_plausible, find_reach
from evaluation.design.study import Study
from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators import REGISTRY as ESTIMATORS
from evaluation.inference.reference import POWER, reference_of, smallest_detectable
from evaluation.numerics.places import draw_places
from evaluation.numerics.sampling import sampling_variance
from evaluation.numerics.windows import count_straddling, overlap_correlation
from evaluation.panel.period_words import write_month
from evaluation.panel.periods import STEP, Frequency, exposure_share, list_periods, month_index, reference_window, shift_month
from evaluation.plain import save_records
from evaluation.results import Comparison, Design, Estimator, Panel, Placebos, Power, PowerPoint, TreatedUnit
from evaluation.steps import follow

HORIZON: dict[Frequency, int] = {"annual": 3, "quarterly": 12, "monthly": 24}
"""Periods of follow-up to plan for, at least."""

FEWEST_BEFORE = 3
"""Periods that must remain before a moved start: fewer cannot tell how noisy an area is."""

FULL = 1.0 - 1e-9
"""Share of a window after the start that counts as all of it; shares are sums of twelfths."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calendar:
    """Where the periods of an outcome lie around the first start of the places under study.

    Attributes
    ----------
    units : places under study that have a period before their start
    periods : of the design's window
    before : number of them whose windows hold no month after the first start
    ahead : periods still to come, after the last of the window, that end before it
    partial : number of windows that straddle it
    available : periods of the design's window wholly after it
    window_months, step : length of a window, and months from one period to the next
    """

    units: tuple[TreatedUnit, ...]
    periods: tuple[str, ...]
    before: int
    ahead: int
    partial: int
    available: int
    window_months: int
    step: int
    frequency: Frequency

    @property
    def last(self) -> str:
        """The last period before the start."""
        return self.periods[self.before - 1]

    @property
    def horizon(self) -> int:
        """Longest follow-up that is looked at."""
        return max(self.available, HORIZON[self.frequency])

    def left(self, follow_up: int) -> int:
        """Periods before the start moved back for `follow_up` periods after it."""
        return self.before - self.partial - follow_up


def read_calendar(study: Study, outcome: str, area: str) -> Calendar:
    """Count the periods before, across and after the first start of an area, or of ``all``; no figure is read.

    Raises
    ------
    ConfigurationError
        If the design does not know the outcome or the area.
    DataError
        If no period of the window lies before the start.
    """
    design, plan = study.design, study.design.outcome(outcome)
    measure = study.contracts.outcomes[outcome]
    periods = list_periods(plan.first, plan.last, measure.frequency)
    named = design.treated if area == ALL else (design.unit_of(area),)
    units = tuple(unit for unit in named if first_exposed(unit, design, periods, measure.window_months) > 0)
    if not units:
        raise DataError(
            f"design {design.id}, {outcome}, {area}: no period of the window {plan.first} to {plan.last} lies before the start "
            f"({min(unit.start for unit in named)}), so noise without a programme cannot be seen. Begin the window earlier."
        )
    start = shift_month(min(unit.start for unit in units), -design.anticipation)
    share = exposure_share(periods, measure.window_months, start, design.exposure_coding)
    step, last = STEP[measure.frequency], _last_month(periods[-1])
    return Calendar(
        units=units,
        periods=periods,
        before=int((share <= 0.0).sum()),
        ahead=len(range(last + step, month_index(start), step)),
        partial=0
        if design.exposure_coding == "binary"
        else count_straddling(month_index(start), last=last, window_months=measure.window_months, step=step),
        available=int((share >= FULL).sum()),
        window_months=measure.window_months,
        step=step,
        frequency=measure.frequency,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EarlyStudy:
    """What an evaluation of one area and outcome has before its first start: nothing later is in it.

    Attributes
    ----------
    study : the study with the panel and the window cut to the periods before the start; areas that the real window keeps from
        being donors are left out by name
    outcome, area : what it is about
    calendar : where the periods lie
    """

    study: Study
    outcome: str
    area: str
    calendar: Calendar

    def comparison(self, follow_up: int) -> Comparison:
        """Set the area beside its donors with all starts moved back, so that `follow_up` periods lie wholly after the first.

        Built as the run builds its own: the shares of straddling windows are those around the real start.

        Raises
        ------
        DataError
            If no period would be left before the moved start, or no comparison can be built.
        """
        moved, study = self._move(follow_up), self.study
        return build_comparison(study.panel, moved, study.contracts, outcome=self.outcome, area=self.area)

    def residents(self) -> float | None:
        """Count the people a rate is a share of at the last period before the start; see `residents_of`."""
        return residents_of(self.study.panel, self._move(1), self.study.contracts, self.outcome, self.area)

    def _move(self, follow_up: int) -> Design:
        """The design with all starts moved back."""
        calendar, design = self.calendar, self.study.design
        if calendar.left(follow_up) < 1:
            raise DataError(
                f"{self.outcome}, {self.area}: {follow_up} period(s) of follow-up do not fit into the {calendar.before} before "
                f"the start; ask for at most {calendar.before - calendar.partial - 1}."
            )
        back = calendar.step * (calendar.ahead + calendar.partial + follow_up)
        return replace(design, treated=tuple(replace(unit, start=shift_month(unit.start[:7], -back)) for unit in design.treated))


def look_back(study: Study, outcome: str, area: str) -> EarlyStudy:
    """Cut a study to what lies before the first start of an area, or of ``all``.

    Raises
    ------
    ConfigurationError
        If the design does not know the outcome or the area.
    DataError
        If no period of the window lies before the start.
    """
    calendar, design = read_calendar(study, outcome, area), study.design
    pool = choose_donors(design, study.contracts, outcome, studied=calendar.units, periods=calendar.periods, missing={})
    kept_out = tuple((item.area, item.reason) for item in pool.excluded)
    early = replace(
        design,
        outcomes=(replace(design.outcome(outcome), last=calendar.last),),
        donors=replace(design.donors, exclude_areas=(*design.donors.exclude_areas, *kept_out)),
    )
    return EarlyStudy(
        study=replace(study, design=early, panel=_cut_panel(study, outcome, calendar)),
        outcome=outcome,
        area=area,
        calendar=calendar,
    )


def measure_power(
    study: Study, outcome: str, area: str, *, estimator: str | None = None, follow_ups: Sequence[int] | None = None
) -> Power:
    """Find the smallest difference that could be detected, for every length of follow-up, and the most the programme could do.

    Parameters
    ----------
    study : Study
        The design and its data; of these only what lies before the first start in the area is read.
    outcome, area : str
        As in `Study.comparison`.
    estimator : str, optional
        Name in the registry of estimators; without it the design's first difference-in-differences estimator.
    follow_ups : sequence of int, optional
        Periods wholly after the start to look at, instead of all that are planned for.

    Returns
    -------
    Power
        Points for 1 to H periods wholly after the first start, H at least 12 quarters, 24 months or 3 years and at least what the
        data have. A point that does not fit into the periods before the start, or cannot be measured, is None, and the note says
        why. `Power.sampling_share` is the mean sampling variance of the placebo estimates over the variance between them.

    Raises
    ------
    ConfigurationError
        If the design does not know the outcome or the area, there is no estimator of that name, or a follow-up is below 1.
    DataError
        If no period of the window lies before the start.

    Examples
    --------
    >>> from evaluation.design.study import open_study
    >>> study = open_study("economic-inactivity-trailblazers")
    >>> power = measure_power(study, "claimant_rate", "greater-manchester", follow_ups=[6, 12])
    >>> [point.follow_up for point in power.points]
    [6, 12]
    >>> power.points[0].mde < 1.5  # planted: 1.5 percentage points, so six months would do
    True
    """
    design, measure = study.design, study.contracts.outcomes[outcome]
    name = estimator or next(iter(design.did_estimators), "")
    if name not in ESTIMATORS:
        raise ConfigurationError(
            f"power of design {design.id}: estimator {name!r} is not known; there are {', '.join(ESTIMATORS)}. "
            "Name one, or list one under did_estimators of the design."
        )
    early = look_back(study, outcome, area)
    calendar, method = early.calendar, ESTIMATORS[name]()
    wanted = range(1, calendar.horizon + 1) if follow_ups is None else follow_ups
    if any(number < 1 for number in wanted):
        raise ConfigurationError(f"power of design {design.id}: follow-ups are {list(wanted)}; each must be at least 1 period.")
    parts = follow(wanted, "smallest detectable difference", name=lambda number: f"{number} periods after the start")
    found = [_measure_point(early, method, follow_up) for follow_up in parts]
    return Power(
        design=design.id,
        outcome=outcome,
        area=area,
        area_name=ALL_NAME if area == ALL else calendar.units[0].name,
        unit=measure.unit,
        estimator=name,
        level=design.level,
        power=POWER,
        points=tuple(item.point for item in found),
        available=calendar.available,
        cap=_find_cap(study, early),
        plausible=find_plausible(design, measure),
        reps=min((item.reps for item in found if item.reps), default=0),
        seed=design.seed,
        synthetic=study.panel.synthetic,
        note=_write_note(calendar, found),
    )


def save_power(records: Sequence[Power], results: Path | str = "") -> tuple[Path, ...]:
    """Write power records as files below a folder (empty = ``runs/interactive``); returns where.

    The file of a record is ``power/<outcome>/<area>.json``.
    """
    return save_records({f"power/{record.outcome}/{record.area}.json": record for record in records}, results)


def _find_cap(study: Study, early: EarlyStudy) -> float | None:
    """The most the supported people could change, with the residents the findings of a run count.

    Where no period of the window touches the programme yet, with those of the last period before the start.
    """
    calendar, (outcome, area) = early.calendar, (early.outcome, early.area)
    begun = calendar.before < len(calendar.periods)
    people = study.residents(outcome, area) if begun else early.residents() if calendar.left(1) >= 1 else None
    return find_reach(study.contracts.outcomes[outcome].unit, supported=count_supported(calendar.units), people=people)


# ---------------------------------------------------------------- one length of follow-up


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A point, the number of its placebo places, and why it has no value."""

    point: PowerPoint
    reps: int = 0
    why_not: str = ""


def _measure_point(early: EarlyStudy, estimator: Estimator, follow_up: int) -> _Measured:
    """What could be seen after `follow_up` periods."""
    left, design = early.calendar.left(follow_up), early.study.design
    if left < FEWEST_BEFORE:
        # the number left differs from point to point, the reason does not
        return _Measured(
            point=PowerPoint(follow_up=follow_up, mde=None),
            why_not=f"fewer than {FEWEST_BEFORE} periods would remain before the moved start",
        )
    try:
        comparison = early.comparison(follow_up)
        estimate = estimator.fit(comparison)
        placebos = estimator.placebos(comparison, draws=design.draws, seed=design.seed)
    except DataError as refusal:
        return _Measured(point=PowerPoint(follow_up=follow_up, mde=None), why_not=_shorten(refusal))
    reps = len(placebos.att)
    reference = reference_of(estimate, placebos, comparison)
    critical = reference.critical(design.level) if reps else None
    mde = None if critical is None else smallest_detectable(reference.placebos, critical) * reference.unit
    return _Measured(
        point=PowerPoint(
            follow_up=follow_up,
            mde=mde,
            sampling_share=_sampling_share(estimator, comparison, placebos, early),
            before=left,
        ),
        reps=reps,
        why_not="" if mde is not None else f"{reps} placebo place(s) are too few for a test at the level {design.level:g}",
    )


def _sampling_share(estimator: Estimator, comparison: Comparison, placebos: Placebos, early: EarlyStudy) -> float | None:
    """Share of the variance between placebo estimates that sampling error explains; held at 1 where luck gives more."""
    between = float(np.var(placebos.att)) if len(placebos.att) else 0.0
    groups = placebos.groups
    if groups is None:
        design = early.study.design
        groups = draw_places(comparison, draws=design.draws, seed=design.seed).groups
    months, step = early.calendar.window_months, early.calendar.step
    correlation = overlap_correlation(comparison.n_periods, window_months=months, step=step)
    sampling = sampling_variance(estimator, comparison, groups, correlation)
    return None if sampling is None or between <= 0.0 else min(1.0, float(sampling.mean()) / between)


def _write_note(calendar: Calendar, found: Sequence[_Measured]) -> str:
    """How the points came about, and why some have no value."""
    fits = [item.point for item in found if item.point.before is not None]
    sentences = ["Follow-up is counted from the first start."] if len(calendar.units) > 1 else []
    if fits:
        sentences.append(
            f"Measured on the {calendar.before} periods up to {write_month(calendar.last)}, before the start, with the start "
            f"moved back: {fits[0].before} of them remain before it for a follow-up of {fits[0].follow_up}, {fits[-1].before} "
            f"for one of {fits[-1].follow_up}. The evaluation itself has {calendar.before}, so a long follow-up may see a little "
            "more."
        )
    reasons: dict[str, list[int]] = {}
    for item in found:
        if item.why_not:
            reasons.setdefault(item.why_not, []).append(item.point.follow_up)
    sentences += [f"Not computed for a follow-up of {_span(numbers)}: {reason}." for reason, numbers in reasons.items()]
    return " ".join(sentences)


def _shorten(refusal: DataError) -> str:
    """What was refused, without where: the details name starts that were moved, which are not those of the programme."""
    parts = str(refusal).split(": ")
    return parts[min(1, len(parts) - 1)].rstrip(".")


def _span(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]} periods"


# ---------------------------------------------------------------- what lies before the start


def _cut_panel(study: Study, outcome: str, calendar: Calendar) -> Panel:
    """The panel up to the last period before the start, with the outcome and the residents that bring authorities together.

    Where no figure of residents is as old, all of them stay: the comparison carries the first one back.
    """
    frame = study.panel.frame
    population = study.contracts.outcomes[outcome].population
    ends = {label: _last_month(label) for label in frame["period"].unique()}
    early = frame["period"].map(ends) <= _last_month(calendar.last)
    of_residents = frame["outcome"] == population
    residents = of_residents & early
    if not residents.any():
        residents = of_residents
    keep = residents | ((frame["outcome"] == outcome) & frame["period"].isin(calendar.periods[: calendar.before]))
    return replace(study.panel, frame=frame.loc[keep])


def _last_month(period: str) -> int:
    """The last month of a period, counted."""
    return month_index(reference_window(period, 1)[1])

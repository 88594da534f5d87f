"""From a panel and a design to the comparison that every estimator receives: one treated place or authority beside its donors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from evaluation.contracts.records import Contracts, Outcome
from evaluation.design.donors import choose_donors, count_reasons, describe_gaps, first_exposed
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.geography import PlaceSeries, add_up, aggregate
from evaluation.panel.periods import exposure_share, list_periods, shift_month
from evaluation.panel.store import Table
from evaluation.results import NEVER, Comparison, Design, Exclusion, Panel, TreatedUnit

ALL = "all"
"""Area that stands for all treated units of a design together."""
ALL_NAME = "all treated areas"
COUNTS = ("people", "households")
"""Units of outcomes that are added up over the members of a place; all others are averaged."""


def build_comparison(panel: Panel, design: Design, contracts: Contracts, *, outcome: str, area: str) -> Comparison:
    """Set treated places or authorities beside their donors.

    A place is the mean of its members, weighted by the outcome's population: of each member the latest figure of the period's
    year or before it, carried forward where a later one is not there yet (and carried back before the first). Counts are added
    up instead. The standard error follows from the members', whose samples are independent. Donors are single authorities.

    Where the outcome is averaged ``equal``, every member counts alike. Where the design counts a dose, members count by their
    residents inside the programme's boundary, and exposure is the share of the window times the dose: the share of these
    members' residents whom the programme reaches, again by residents inside. A place of which it reaches all has dose 1.

    Parameters
    ----------
    panel : Panel
        Supplies the figures.
    design : Design
        Supplies the window, the treated units, the donor rule, the anticipation and how partial exposure counts.
    contracts : Contracts
        Supplies areas, outcomes and programmes.
    outcome : str
        An outcome of the design.
    area : str
        Code of a treated unit, or ``all`` for every unit that starts inside the window.

    Returns
    -------
    Comparison
        Treated units first, then donors by code. Weights are the populations at the last period, where the panel holds any.

    Raises
    ------
    ConfigurationError
        If the design does not know the outcome or the area.
    DataError
        If the design compares with nobody, with its reason; if the panel lacks the outcome or periods of the window; if a treated
        area starts outside the window or misses figures (each named with its periods); or if no donor is left, with the reasons
        counted.
    """
    plan = design.outcome(outcome)
    measure = _measure(design, contracts, outcome)
    periods = list_periods(plan.first, plan.last, measure.frequency)
    where = f"design {design.id}, {outcome}, {area}"
    if design.comparison == "none":
        raise DataError(f"{where}: no comparison exists, so nothing is estimated. {design.no_comparison_reason}")
    studied, left_out = _choose_treated(design, contracts, periods, measure, area, where)
    cells = _read_cells(panel, measure, sorted(contracts.areas), periods, where, equal=plan.averaging == "equal")
    studied, incomplete = _refuse_gaps(studied, cells, contracts, pooled=area == ALL and design.unit == "authority", where=where)
    pool = choose_donors(design, contracts, outcome, studied=studied, periods=periods, missing=cells.missing)
    excluded = {item.area: item for item in (*pool.excluded, *left_out, *incomplete)}
    donors = tuple(code for code in pool.donors if code not in excluded)
    if not donors:
        raise DataError(
            f"{where}: no comparison area is left of {len(excluded)}: {count_reasons(excluded.values())}. "
            f"Relax a donor rule of the design, or add data."
        )
    series = [_place_series(unit, measure, cells) for unit in studied]
    columns = [cells.position[code] for code in donors]
    exposure = np.zeros((len(periods), len(studied) + len(donors)))
    for n, unit in enumerate(studied):
        start = shift_month(unit.start, -design.anticipation)
        exposure[:, n] = exposure_share(periods, measure.window_months, start, design.exposure_coding) * _dose(unit, cells)
    touched = exposure > 0
    return Comparison(
        areas=(*(unit.code for unit in studied), *donors),
        area_names=(*(unit.name for unit in studied), *(contracts.areas[code].name for code in donors)),
        periods=periods,
        y=np.column_stack([*(s.values for s in series), cells.values[:, columns]]),
        first_treated=np.where(touched.any(axis=0), touched.argmax(axis=0), NEVER),
        exposure=exposure,
        se=None if cells.se is None else np.column_stack([*(s.se for s in series if s.se is not None), cells.se[:, columns]]),
        weights=_weigh(studied, donors, cells),
        regions=(*(_region(unit, contracts) for unit in studied), *(contracts.areas[code].region for code in donors)),
        sizes=_sizes(studied, donors, measure),
        neighbours=_borders([unit.members for unit in studied] + [(code,) for code in donors], contracts),
        excluded=tuple(excluded[code] for code in sorted(excluded)),
        unit=measure.unit,
        outcome=measure.id,
        area=area,
        area_name=ALL_NAME if area == ALL else studied[0].name,
        design=design.id,
        synthetic=panel.synthetic,
    )


def residents_of(panel: Panel, design: Design, contracts: Contracts, outcome: str, area: str) -> float | None:
    """Count the people a rate is a share of, in the treated areas, at the last period of the window.

    Parameters
    ----------
    panel, design, contracts
        As in `build_comparison`.
    outcome : str
        An outcome of the design.
    area : str
        Code of a treated unit, or ``all`` for every unit that starts inside the window.

    Returns
    -------
    float or None
        None where the outcome is no rate, or the panel has no population of every area.
    """
    measure = _measure(design, contracts, outcome)
    if measure.unit != "pp" or measure.population is None:
        return None
    plan = design.outcome(outcome)
    periods = list_periods(plan.first, plan.last, measure.frequency)
    studied, _ = _choose_treated(design, contracts, periods, measure, area, f"design {design.id}, {outcome}, {area}")
    members = sorted({code for unit in studied for code in unit.members})
    people = _read_population(Table(panel.frame), measure.population, tuple(members), periods[-1:])
    return None if people is None or np.isnan(people).any() else float(people.sum())


def _measure(design: Design, contracts: Contracts, outcome: str) -> Outcome:
    design.outcome(outcome)
    if outcome not in contracts.outcomes:
        raise ConfigurationError(
            f"design {design.id}: outcome {outcome!r} has no contract; there are {', '.join(contracts.outcomes)}. "
            f"Add data_contracts/outcomes/{outcome}.yml or correct the name."
        )
    return contracts.outcomes[outcome]


# ---------------------------------------------------------------- the treated


def _choose_treated(
    design: Design, contracts: Contracts, periods: Sequence[str], measure: Outcome, area: str, where: str
) -> tuple[tuple[TreatedUnit, ...], list[Exclusion]]:
    """The units under study; for ``all`` also those left out because no period lies before their start."""
    units = design.treated if area == ALL else (design.unit_of(area),)
    first = {unit.code: first_exposed(unit, design, periods, measure.window_months) for unit in units}
    before = [unit for unit in units if first[unit.code] == 0]
    inside = tuple(unit for unit in units if 0 < first[unit.code] < len(periods))
    if not inside:
        starts = ", ".join(f"{unit.name} {unit.start}" for unit in units[:6]) + (" and others" if len(units) > 6 else "")
        raise DataError(
            f"{where}: the start ({starts}) lies outside the window {periods[0]} to {periods[-1]}, which needs a period wholly "
            f"before the start and one that touches the programme. Widen the window in the design, or leave the area out."
        )
    early = [
        Exclusion(
            area=code,
            name=contracts.areas[code].name,
            reason=f"treated from {unit.start}, with no period of the window before it",
        )
        for unit in before
        for code in unit.members
    ]
    return inside, early if area == ALL else []


def _refuse_gaps(
    studied: tuple[TreatedUnit, ...], cells: _Cells, contracts: Contracts, *, pooled: bool, where: str
) -> tuple[tuple[TreatedUnit, ...], list[Exclusion]]:
    """Refuse treated areas with missing figures; when authorities are pooled, leave those out with a reason instead."""
    incomplete = {code: cells.missing[code] for unit in studied for code in unit.members if code in cells.missing}
    complete = tuple(unit for unit in studied if not any(code in incomplete for code in unit.members))
    if incomplete and not (pooled and complete):
        named = "; ".join(f"{code} {contracts.areas[code].name}: {text}" for code, text in sorted(incomplete.items())[:10])
        raise DataError(
            f"{where}: figures of treated areas are missing: {named}. A place without one of its members is another place: "
            f"shorten the window of the outcome in the design, or add the data."
        )
    return complete, [
        Exclusion(area=code, name=contracts.areas[code].name, reason=f"treated, but {text}")
        for code, text in sorted(incomplete.items())
    ]


# ---------------------------------------------------------------- the figures


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """The window of one outcome: arrays are (T, N), periods by all areas of the register."""

    codes: tuple[str, ...]
    position: dict[str, int]
    values: np.ndarray
    se: np.ndarray | None
    population: np.ndarray | None
    """Residents behind each figure, or None where the panel has none of the outcome's population."""
    missing: dict[str, str]
    """What an area misses, in words, of the areas that cannot be used."""


def _read_cells(
    panel: Panel, measure: Outcome, codes: Sequence[str], periods: Sequence[str], where: str, *, equal: bool
) -> _Cells:
    try:
        return _lay_out(Table(panel.frame), measure.id, measure.population, tuple(codes), tuple(periods), equal)
    except _Absent as problem:
        raise DataError(f"{where}: {problem}") from None


class _Absent(Exception):
    """The panel lacks what was asked for; says what."""


@lru_cache(maxsize=4)
def _lay_out(
    table: Table, outcome: str, population: str | None, codes: tuple[str, ...], periods: tuple[str, ...], equal: bool
) -> _Cells:
    """Cells of one window; a notebook asks for those of one outcome again and again, with other starts or other donors."""
    frame = table.frame
    rows = frame.loc[frame["outcome"] == outcome]
    if rows.empty:
        there = ", ".join(sorted(map(str, frame["outcome"].unique()))) or "no outcome"
        raise _Absent(f"the panel has no {outcome}; it has {there}. Give a data folder with a source of it.")
    values = _spread(rows["value"], rows, periods, codes)
    empty = ~np.isfinite(values).any(axis=1)
    if empty.any():
        published = rows.loc[rows["value"].notna(), "period"]
        span = f"runs from {published.min()} to {published.max()}" if len(published) else "has no figure at all"
        absent = [period for period, nothing in zip(periods, empty, strict=True) if nothing]
        raise _Absent(
            f"no area has a figure in {describe_gaps(absent, len(periods))}; the panel {span}. "
            f"Set the window of the outcome in the design to periods that are there, or add the data."
        )
    se = _spread(rows["se"], rows, periods, codes)
    has_se = bool(np.isfinite(se).any())
    people = np.ones(values.shape) if equal else _read_population(table, population, codes, periods)
    missing: dict[str, str] = {}
    for words, present in (
        (f"{outcome} missing in", np.isfinite(values)),
        (f"standard error of {outcome} missing in", np.isfinite(se) if has_se else None),
        (f"{population} missing in", None if people is None else np.isfinite(people)),
    ):
        if present is not None:
            for n in np.flatnonzero(~present.all(axis=0)).tolist():
                gaps = [period for period, there in zip(periods, present[:, n], strict=True) if not there]
                missing.setdefault(codes[n], f"{words} {describe_gaps(gaps, len(periods))}")
    for array in (values, se):
        array.setflags(write=False)  # they serve more than one comparison
    return _Cells(
        codes=codes,
        position={code: n for n, code in enumerate(codes)},
        values=values,
        se=se if has_se else None,
        population=people,
        missing=missing,
    )


@lru_cache(maxsize=8)
def _read_population(table: Table, population: str | None, codes: tuple[str, ...], periods: tuple[str, ...]) -> np.ndarray | None:
    """Residents by period and area, (T, N): the latest figure of the year or before; None where the panel has no population."""
    frame = table.frame
    rows = frame.loc[(frame["outcome"] == population) & frame["value"].notna()]
    if population is None or rows.empty:
        return None
    years = rows["period"].str[:4]
    latest = rows.assign(year=years).sort_values("period").drop_duplicates(["year", "area_code"], keep="last")
    wanted = [period[:4] for period in periods]
    axis = sorted({*years, *wanted})
    filled = pd.DataFrame(_spread(latest["value"], latest.assign(period=latest["year"]), axis, codes), index=axis).ffill().bfill()
    people = filled.loc[wanted].to_numpy(dtype=float)
    people.setflags(write=False)
    return people


def _spread(column: pd.Series, rows: pd.DataFrame, periods: Sequence[str], codes: Sequence[str]) -> np.ndarray:
    """Lay a column of long rows out as (T, N); not a number where there is no row."""
    t = pd.Index(list(periods)).get_indexer(pd.Index(rows["period"]))
    n = pd.Index(list(codes)).get_indexer(pd.Index(rows["area_code"]))
    inside = (t >= 0) & (n >= 0)
    cells = np.full((len(periods), len(codes)), np.nan)
    cells[t[inside], n[inside]] = column.to_numpy(dtype=float)[inside]
    return cells


def _place_series(unit: TreatedUnit, measure: Outcome, cells: _Cells) -> PlaceSeries:
    """The figures of a treated unit: its authority's own, or its members' brought together."""
    if measure.unit in COUNTS and any(share < 1 for share in unit.shares):
        raise DataError(
            f"{unit.name}: {measure.id} is a count of whole authorities, and the programme reaches parts of some. Leave the "
            f"outcome out of the design, or take a rate; or leave dose out, so that each authority counts as a whole."
        )
    if measure.unit in COUNTS or len(unit.members) == 1:
        return add_up(cells.values, areas=cells.codes, members=unit.members, se=cells.se, place=unit.name)
    if cells.population is None:
        wanted = measure.population or "none named in its contract"
        raise DataError(
            f"{unit.name}: {measure.id} of its {len(unit.members)} authorities cannot be averaged without their population "
            f"({wanted}); add its data, name a population in data_contracts/outcomes/{measure.id}.yml, or have each authority "
            f"count alike (averaging: equal, at the outcome in the design)."
        )
    inside = _inside(unit, cells, cells.population)
    return aggregate(cells.values, inside, areas=cells.codes, members=unit.members, se=cells.se, place=unit.name)


def _inside(unit: TreatedUnit, cells: _Cells, population: np.ndarray) -> np.ndarray:
    """Residents by period and area (T, N), of the members of `unit` only those inside the programme's boundary."""
    inside = population.copy()
    if unit.shares:
        inside[:, [cells.position[code] for code in unit.members]] *= np.array(unit.shares)
    return inside


def _dose(unit: TreatedUnit, cells: _Cells) -> float:
    """Share of a unit the programme reaches (0 to 1), its members weighted as in its figures, at the last period."""
    if not unit.shares:
        return 1.0
    shares = np.array(unit.shares)
    members = [cells.position[code] for code in unit.members]
    weights = np.ones(len(members)) if cells.population is None else cells.population[-1, members]
    return float((weights * shares**2).sum() / (weights * shares).sum())


def _weigh(studied: Sequence[TreatedUnit], donors: Sequence[str], cells: _Cells) -> np.ndarray | None:
    """Residents at the last period, treated units first; None where the panel has no population."""
    if cells.population is None:
        return None
    last = cells.population[-1]
    inside = [_inside(unit, cells, cells.population)[-1] for unit in studied]
    treated = [here[[cells.position[code] for code in unit.members]].sum() for unit, here in zip(studied, inside, strict=True)]
    return np.array([*treated, *last[[cells.position[code] for code in donors]]])


def _region(unit: TreatedUnit, contracts: Contracts) -> str:
    """Region of most of the members."""
    regions = [contracts.areas[code].region for code in unit.members]
    return max(sorted(set(regions)), key=regions.count)


def _sizes(studied: Sequence[TreatedUnit], donors: Sequence[str], measure: Outcome) -> np.ndarray | None:
    """Authorities each area is made of; None for counts, which are added up: there a placebo place is a single authority."""
    if measure.unit in COUNTS or all(len(unit.members) == 1 for unit in studied):
        return None
    return np.array([*(len(unit.members) for unit in studied), *(1 for _ in donors)])


def _borders(areas: Sequence[Sequence[str]], contracts: Contracts) -> np.ndarray:
    """Which areas, each given by its authorities, border each other (N, N)."""
    place = {code: n for n, members in enumerate(areas) for code in members}
    borders = np.zeros((len(areas), len(areas)), dtype=bool)
    for item in contracts.neighbours:
        if item.area_code in place and item.neighbour_code in place:
            a, b = place[item.area_code], place[item.neighbour_code]
            borders[a, b] = borders[b, a] = a != b
    return borders

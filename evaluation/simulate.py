"""Panels with a known effect: for tests, for power, for the demonstration and for the first notebook.

Everything made here is invented and labelled SYNTHETIC, except the codes, names and regions of the areas. The noise is made to
resemble the published series, so that what cannot be seen in the demonstration could not be seen in the real data either: each
figure of `MODELS` stands beside the figure of the real panel it was set by.

How a rate is made, month by month::

    true rate = level of the area + national path + the area's own response to the national swing
                + shock of its region (AR(1)) + shock of its own (AR(1)) + planted effects from their first month on

Shocks are larger where the level is higher, in proportion, so that low rates stay above zero.
A monthly outcome is published as it is. A survey outcome is published as the mean of twelve months plus the mean of the sampling
errors of four independent quarters: neighbouring figures then share three quarters of their sample, as they do in the survey.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.contracts.csv_text import write_csv
from evaluation.contracts.records import Area, Contracts
from evaluation.errors import ConfigurationError
from evaluation.panel.periods import list_periods, month_index, month_label
from evaluation.project import write_whole
from evaluation.results import NEVER, Comparison, Design

LABEL = "SYNTHETIC"
NATIONS = ("England", "Wales")
COLUMNS = ("area_code", "area_name", "period", "outcome", "value", "standard_error", "status", "label")
LABOUR_MARKET = "SYNTHETIC_labour_market.csv"
PLANTED_EFFECTS = "SYNTHETIC_planted_effects.csv"
README = "SYNTHETIC_README.txt"

SUPPRESSED = ("E09000001", "E06000053")
"""City of London and Isles of Scilly: their survey rates are not published (marker ``x``), as in the real series."""

LOWEST_SURVEY_RATE = 2.0
"""Per cent. No authority's published rate of inactivity is below 5; a drawn one near 0 would look like a fraction of 1."""

FIRST_MONTH = "2017-04"
"""Twelve months before the end of the first survey window."""
LAST_MONTH = "2026-09"
SURVEY_WINDOW = ("2018-03", "2026-06")
MONTHLY_WINDOW = ("2018-01", "2026-09")
POPULATION_YEARS = ("2018", "2025")
ANNUAL_YEARS = ("2010", "2025")
"""Of outcomes that are yearly means; the months before `FIRST_MONTH` are made from the first one backwards."""

POPULATION = "population_16_64"
POPULATION_MEAN = 124_000.0
"""Residents aged 16 to 64 of an authority: England's claimant count over its claimant rate (March 2023 to March 2026, Nomis)
gives 36.8 million, over 296 authorities."""
POPULATION_LOG_SD = 0.57
"""Log sd over authorities of households on Universal Credit over the claimant rate, a stand-in for size (2019)."""
POPULATION_GROWTH_SD = 0.006
"""Sd over authorities of yearly growth around 0.5%; ours, set by eye."""

SE_ELASTICITY = -0.4555
"""Slope of log half-width on log size over authorities, annual survey panel 2016 to 2023 (correlation -0.69)."""
SE_LOG_SD = 0.378
"""Sd over authorities of the log half-width, in all; the same panel."""
SE_QUARTER_LOG_SD = 0.38
"""Sd of the log sampling variance of a quarter: gives the 0.096 by which an area's own log half-width moves from year to year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeModel:
    """How one outcome is simulated. Spreads of levels are on the log scale, all others in the outcome's unit.

    Attributes
    ----------
    path : national mean by month, as (month, value) knots joined by straight lines
    swing_by_level : how much more the national swing moves an area whose level is twice the mean (1 = twice as much)
    swing_sd : spread of the areas' response to the national swing beyond that
    region_ar, process_ar : monthly AR(1) coefficients
    region_sd, process_sd : stationary sd of the monthly shocks, percentage points
    se_mean : mean sampling standard error of a 12-month figure, percentage points; 0 = no sampling error
    follows : an outcome whose draws these are correlated with, and the correlation
    early : knots of `path` before `FIRST_MONTH`, for outcomes that have yearly means
    annual_of : the monthly outcome whose yearly means these figures are; the months are then the very same; empty = none
    """

    id: str
    survey: bool
    level_region_log_sd: float
    level_area_log_sd: float
    path: tuple[tuple[str, float], ...]
    swing_by_level: float
    swing_sd: float
    region_sd: float
    region_ar: float
    process_sd: float
    process_ar: float
    se_mean: float
    follows: tuple[str, float] | None = None
    early: tuple[tuple[str, float], ...] = ()
    annual_of: str = ""


# The real figures beside each number are ours, from the annual panel of authorities of England and Wales without the two of
# SUPPRESSED (Office for National Statistics, Explore Local Statistics, edition January 2026; 316 authorities; "residual" = after
# area and year effects). For the survey rates they are for 2016 to 2023, for the claimant rate for 2018 to 2025.
MODELS: tuple[OutcomeModel, ...] = (
    OutcomeModel(
        id="inactivity_rate",
        survey=True,
        level_region_log_sd=0.10,  # ten regional means, 2010 to 2023: 19.3 to 25.4, sd 2.2 on a mean of 21.4
        level_area_log_sd=0.127,  # sd of area means within regions 2.88; 2.7 without what is left of sampling error
        path=(  # annual means 2018 to 2023: 20.6, 20.0, 20.3, 21.0, 21.0, 20.6; held from then on
            ("2017-04", 20.8),
            ("2019-07", 20.0),
            ("2020-07", 20.3),
            ("2021-07", 21.0),
            ("2022-07", 21.0),
            ("2023-07", 20.6),
            ("2026-09", 20.6),
        ),
        swing_by_level=0.0,
        swing_sd=0.0,
        region_sd=0.25,  # component of regions in the residuals: 0.0 (2016 to 2023), 0.1 (2012 to 2023), 0.4 (2004 to 2023)
        region_ar=0.95,
        process_sd=2.05,  # residual sd 3.10, of which sampling 2.9; lag-1 autocorrelation of residuals 0.02
        process_ar=0.95,  # quarterly rolling figures, 72 northern districts 2010 to 2023: autocorrelations 0.78, 0.57, 0.36, 0.17
        se_mean=5.28 / 1.96,  # mean 95% half-width 5.28 points (4.66 over 2004 to 2023; 6.64 in 2023)
    ),
    OutcomeModel(
        id="employment_rate",
        survey=True,
        level_region_log_sd=0.039,  # ten regional means, 2010 to 2023: 68.9 to 77.3
        level_area_log_sd=0.045,  # sd of area means within regions 3.5 on a mean of 74.6
        path=(  # annual means 2018 to 2023: 76.2, 77.1, 76.1, 75.6, 76.4, 76.7; held from then on
            ("2017-04", 76.0),
            ("2018-07", 76.2),
            ("2019-07", 77.0),
            ("2020-07", 76.1),
            ("2021-07", 75.6),
            ("2022-07", 76.4),
            ("2023-07", 76.7),
            ("2026-09", 76.7),
        ),
        swing_by_level=0.0,
        swing_sd=0.0,
        region_sd=0.27,  # component of regions: 0.0 (2016 to 2023), 0.1 (2012 to 2023), 0.5 (2004 to 2023)
        region_ar=0.95,
        process_sd=2.15,  # residual sd 3.29, of which sampling 3.1; lag-1 autocorrelation 0.02
        process_ar=0.95,
        se_mean=5.62 / 1.96,  # mean 95% half-width 5.62 points
        follows=("inactivity_rate", -0.9),  # correlation of the residuals of the two rates, 2010 to 2023: -0.90
    ),
    OutcomeModel(
        id="claimant_rate",
        survey=False,
        level_region_log_sd=0.20,  # ten regional means 2.6 to 4.9
        level_area_log_sd=0.29,  # sd of area means within regions 1.07 on a mean of 3.48
        path=(  # annual means 2018 to 2025: 1.9, 2.4, 4.9, 5.0, 3.4, 3.2, 3.5, 3.5; the jump of spring 2020 within months
            ("2017-04", 1.7),
            ("2018-07", 1.9),
            ("2019-07", 2.4),
            ("2020-03", 2.7),
            ("2020-06", 5.8),
            ("2021-03", 6.0),
            ("2021-12", 3.9),
            ("2022-07", 3.3),
            ("2023-07", 3.2),
            ("2024-07", 3.5),
            ("2026-09", 3.5),
        ),
        swing_by_level=0.75,  # response to the national swing: sd 0.30 over areas, correlation with their level 0.78
        swing_sd=0.15,
        region_sd=0.32,  # regional part of what the swing leaves: 0.26, of which London and the North East 84%
        region_ar=0.99,
        process_sd=0.42,  # residual sd 0.435, lag-1 0.52; within regions after the swing 0.24 and 0.61
        process_ar=0.99,  # 16 authorities by month, March 2023 to March 2026: sd of monthly changes 0.064, of which rounding 0.04
        se_mean=0.0,
        early=(  # annual means 2010 to 2017: 3.3, 3.3, 3.5, 3.0, 2.2, 1.6, 1.6, 1.7
            ("2010-01", 3.3),
            ("2012-07", 3.5),
            ("2013-07", 3.0),
            ("2014-07", 2.2),
            ("2015-07", 1.6),
            ("2016-07", 1.6),
        ),
    ),
)
_CLAIMANTS = MODELS[2]
OTHER_MODELS: tuple[OutcomeModel, ...] = (
    replace(_CLAIMANTS, id="claimant_rate_annual", annual_of="claimant_rate"),
    # no real series of the band is at hand: the model of the claimant rate, higher by a third and moving with it; set by eye
    replace(
        _CLAIMANTS,
        id="claimant_rate_youth",
        path=tuple((month, round(value * 4 / 3, 2)) for month, value in _CLAIMANTS.path),
        process_sd=_CLAIMANTS.process_sd * 4 / 3,
        region_sd=_CLAIMANTS.region_sd * 4 / 3,
        follows=("claimant_rate", 0.9),
    ),
)
"""Made for the studies that have them; those of `MODELS` are made for every study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedEffect:
    """A change put into an area's true monthly rate, from its first month on. It may be 0: known to be none."""

    area_code: str
    outcome: str
    start: str
    """First month, ``YYYY-MM``."""
    effect: float
    """Percentage points at full exposure; negative = lower than without."""
    programme: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedData:
    """A simulated panel and what was planted in it.

    `frame` has the columns of the demonstration file: ``area_code``, ``area_name``, ``period``, ``outcome``, ``value``,
    ``standard_error`` (missing where there is no sampling error), ``status`` (``x`` = not available) and ``label`` (SYNTHETIC).
    """

    frame: pd.DataFrame
    effects: tuple[PlantedEffect, ...]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """The files of a demonstration and what was planted in them."""

    data: Path
    planted: Path
    readme: Path
    effects: tuple[PlantedEffect, ...]
    seed: int


# ---------------------------------------------------------------- the parts of a series


def _stream(seed: int, *names: str) -> np.random.Generator:
    """A random stream of its own for each component, so that a new outcome changes no other."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(digest[:8])))


def _draw(seed: int, model: OutcomeModel, component: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal draws of a component, correlated with the same component of the outcome it follows."""
    own = _stream(seed, model.id, component).standard_normal(shape)
    if model.follows is None:
        return own
    leader, correlation = model.follows
    return correlation * _stream(seed, leader, component).standard_normal(shape) + np.sqrt(1 - correlation**2) * own


def _draw_sample(seed: int, model: OutcomeModel, component: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal draws about the sample itself: outcomes that follow each other are answers of the same people."""
    name = model.id if model.follows is None else model.follows[0]
    return _stream(seed, name, component).standard_normal(shape)


def accumulate_shocks(innovations: np.ndarray, *, ar: float, sd: float) -> np.ndarray:
    """Turn standard normal draws (T, N) into N stationary AR(1) series with autocorrelation `ar` and standard deviation `sd`."""
    series = np.empty_like(innovations)
    series[0] = innovations[0]
    scale = np.sqrt(1 - ar**2)
    for t in range(1, len(innovations)):
        series[t] = ar * series[t - 1] + scale * innovations[t]
    return sd * series


def carry_back(first: np.ndarray, innovations: np.ndarray, *, ar: float, sd: float) -> np.ndarray:
    """Continue N stationary AR(1) series backwards from their first values (N,), with standard normal draws (T, N).

    Read backwards a stationary AR(1) series is one with the same coefficient. Row 0 is the earliest.
    """
    series = np.empty_like(innovations)
    after = first
    for t in range(len(innovations) - 1, -1, -1):
        after = series[t] = ar * after + np.sqrt(1 - ar**2) * sd * innovations[t]
    return series


def average_windows(values: np.ndarray, length: int) -> np.ndarray:
    """Mean over each run of `length` consecutive rows: (T, N) to (T - length + 1, N)."""
    return np.lib.stride_tricks.sliding_window_view(values, length, axis=0).mean(axis=-1)


def _simulate_population(seed: int, n_areas: int, years: int) -> np.ndarray:
    """Residents aged 16 to 64, (years, areas), rounded to 100 as published."""
    size = np.clip(_stream(seed, POPULATION, "size").standard_normal(n_areas), -2, 2)
    growth = 0.005 + POPULATION_GROWTH_SD * _stream(seed, POPULATION, "growth").standard_normal(n_areas)
    first = POPULATION_MEAN * np.exp(POPULATION_LOG_SD * size - POPULATION_LOG_SD**2 / 2)
    return np.round(first * np.exp(np.arange(years)[:, None] * growth), -2)


def _simulate_true_rates(
    seed: int, model: OutcomeModel, regions: np.ndarray, months: Sequence[str], *, before: Sequence[str] = ()
) -> np.ndarray:
    """Monthly rates (months, areas) without planted effects; `regions` holds the region number of each area.

    Rows for `before`, the months up to the first of `months`, stand first where there are any; the others do not depend on them.
    """
    n_areas, n_regions = len(regions), int(regions.max()) + 1
    path, early = _find_path(model.path, months), _find_path((*model.early, *model.path), before)
    region_level = np.clip(_draw(seed, model, "region level", (n_regions,)), -2, 2)[regions]
    area_level = np.clip(_draw(seed, model, "area level", (n_areas,)), -2, 2)
    log_level = model.level_region_log_sd * region_level + model.level_area_log_sd * area_level
    # relative to the average area, so that the published national means are met whatever the draws
    relative = np.exp(log_level) / np.exp(log_level).mean()
    swing = np.concatenate([early, path]) - path.mean()
    response = 1 + model.swing_by_level * (relative - 1) + model.swing_sd * relative * _draw(seed, model, "swing", (n_areas,))
    shape = len(before), len(months)
    region = _simulate_shocks(seed, model, "region shock", n_regions, shape, ar=model.region_ar, sd=model.region_sd)
    own = _simulate_shocks(seed, model, "area shock", n_areas, shape, ar=model.process_ar, sd=model.process_sd)
    return path.mean() * relative + swing[:, None] * response + relative * (region[:, regions] + own)


def _find_path(knots: Sequence[tuple[str, float]], months: Sequence[str]) -> np.ndarray:
    """National mean of each month, on straight lines between the knots."""
    at = [month_index(month) for month, _ in knots]
    return np.interp([month_index(month) for month in months], at, [value for _, value in knots])


def _simulate_shocks(
    seed: int, model: OutcomeModel, component: str, n: int, months: tuple[int, int], *, ar: float, sd: float
) -> np.ndarray:
    """AR(1) shocks of the months before the first and from it on, (months, n)."""
    before, after = months
    shocks = accumulate_shocks(_draw(seed, model, component, (after, n)), ar=ar, sd=sd)
    earlier = _draw(seed, model, f"{component} before", (before, n))
    return np.concatenate([carry_back(shocks[0], earlier, ar=ar, sd=sd), shocks])


def _simulate_sampling(seed: int, model: OutcomeModel, population: np.ndarray, quarters: int) -> tuple[np.ndarray, np.ndarray]:
    """Sampling error and its standard error of the 12-month figures, each (quarters - 3, areas).

    Quarter by quarter an independent error with a variance of its own; a figure is the mean of four, so its variance is a
    sixteenth of their sum.
    """
    size = np.log(population)
    spread = np.sqrt(max(SE_LOG_SD**2 - (SE_ELASTICITY * POPULATION_LOG_SD) ** 2, 0.0))
    log_se = SE_ELASTICITY * (size - size.mean()) + spread * _draw_sample(seed, model, "sample size", size.shape)
    log_se = np.clip(log_se, -2 * SE_LOG_SD, 2 * SE_LOG_SD)
    se = model.se_mean * np.exp(log_se) / np.exp(log_se).mean()
    jitter = SE_QUARTER_LOG_SD * _draw_sample(seed, model, "sample of a quarter", (quarters, len(se)))
    variance = 4 * se**2 * np.exp(jitter - SE_QUARTER_LOG_SD**2 / 2)
    error = np.sqrt(variance) * _draw(seed, model, "sampling error", variance.shape)
    return average_windows(error, 4), np.sqrt(average_windows(variance, 4) / 4)


def _plant(effects: Iterable[PlantedEffect], outcome: str, codes: Sequence[str], months: Sequence[str]) -> np.ndarray:
    """What is added to the true monthly rates, (months, areas)."""
    added = np.zeros((len(months), len(codes)))
    position = {code: n for n, code in enumerate(codes)}
    first = month_index(months[0])
    for item in effects:
        if item.outcome == outcome:
            added[max(month_index(item.start) - first, 0) :, position[item.area_code]] += item.effect
    return added


# ---------------------------------------------------------------- a whole panel


def simulate_panel(
    contracts: Contracts,
    *,
    seed: int,
    effects: Iterable[PlantedEffect] = (),
    models: Sequence[OutcomeModel] = MODELS,
    rounded: bool = True,
) -> SimulatedData:
    """Simulate every authority of England and Wales.

    Parameters
    ----------
    contracts : Contracts
        Supplies codes, names and regions; nothing else in the result is real.
    seed : int
        The same seed gives the same panel. Each outcome and component has a stream of its own.
    effects : iterable of PlantedEffect
        Added to the true monthly rates; effects of the same area and outcome add up.
    models : sequence of OutcomeModel
        What is simulated, and how noisily.
    rounded : bool
        Whether to round as published (rates to 1 decimal, standard errors to 2) and hold rates between 0, or
        `LOWEST_SURVEY_RATE` in a survey, and 100.

    Returns
    -------
    SimulatedData

    Raises
    ------
    ConfigurationError
        If an effect names an area or an outcome that is not simulated, or a start that is not a month; all of them together.
    """
    planted = tuple(effects)
    areas = [a for a in sorted(contracts.areas.values(), key=lambda a: a.code) if a.nation in NATIONS]
    codes = [a.code for a in areas]
    _refuse_unknown(planted, codes, [m.id for m in models])
    months = [month_label(i) for i in range(month_index(FIRST_MONTH), month_index(LAST_MONTH) + 1)]
    names = sorted({a.region for a in areas})
    regions = np.array([names.index(a.region) for a in areas])
    years = list_periods(*POPULATION_YEARS, "annual")
    population = _simulate_population(seed, len(areas), len(years))
    hidden = np.isin(codes, SUPPRESSED)

    parts = []
    for model in models:
        if model.annual_of:
            annual = _simulate_annual(seed, model, regions, planted, codes)
            annual = np.round(np.clip(annual, 0, 100), 1) if rounded else annual
            parts.append(_lay_out(areas, list_periods(*ANNUAL_YEARS, "annual"), model.id, annual, None, np.zeros_like(hidden)))
            continue
        rates = _simulate_true_rates(seed, model, regions, months) + _plant(planted, model.id, codes, months)
        se = None
        periods = list_periods(*(SURVEY_WINDOW if model.survey else MONTHLY_WINDOW), "quarterly" if model.survey else "monthly")
        if model.survey:
            averages = average_windows(rates, 12)[::3][: len(periods)]
            error, se = _simulate_sampling(seed, model, population[0], len(periods) + 3)
            rates = averages + error
        else:
            rates = rates[month_index(periods[0]) - month_index(FIRST_MONTH) :]
        if rounded:
            rates = np.round(np.clip(rates, LOWEST_SURVEY_RATE if model.survey else 0, 100), 1)
            se = None if se is None else np.round(se, 2)
        parts.append(_lay_out(areas, periods, model.id, rates, se, hidden if model.survey else np.zeros_like(hidden)))
    parts.append(_lay_out(areas, years, POPULATION, population, None, np.zeros_like(hidden)))
    return SimulatedData(frame=pd.concat(parts, ignore_index=True), effects=planted, seed=seed)


def _simulate_annual(
    seed: int, model: OutcomeModel, regions: np.ndarray, planted: Sequence[PlantedEffect], codes: Sequence[str]
) -> np.ndarray:
    """Yearly means (years, areas) of the months of another outcome, with the effects planted in these means."""
    start, first, last = month_index(f"{ANNUAL_YEARS[0]}-01"), month_index(FIRST_MONTH), month_index(LAST_MONTH)
    before, months = [[month_label(i) for i in span] for span in (range(start, first), range(first, last + 1))]
    rates = _simulate_true_rates(seed, replace(model, id=model.annual_of), regions, months, before=before)
    rates = rates + _plant(planted, model.id, codes, [*before, *months])
    years = len(list_periods(*ANNUAL_YEARS, "annual"))
    return rates[: 12 * years].reshape(years, 12, -1).mean(axis=1)


def _refuse_unknown(effects: Sequence[PlantedEffect], codes: Sequence[str], outcomes: Sequence[str]) -> None:
    problems = []
    known_codes, known_outcomes = set(codes), set(outcomes)
    for item in effects:
        if item.area_code not in known_codes:
            problems.append(f"area {item.area_code!r} is not an authority of England or Wales in the register")
        if item.outcome not in known_outcomes:
            problems.append(f"outcome {item.outcome!r} is not simulated; there are {', '.join(outcomes)}")
        try:
            month_index(item.start)
        except ConfigurationError as error:
            problems.append(str(error).rstrip("."))
    if problems:
        raise ConfigurationError("planted effects: " + "; ".join(dict.fromkeys(problems)) + ".")


def _lay_out(
    areas: Sequence[Area], periods: Sequence[str], outcome: str, values: np.ndarray, se: np.ndarray | None, hidden: np.ndarray
) -> pd.DataFrame:
    """The rows of one outcome, sorted by area and period; `values` and `se` are (periods, areas)."""
    t, n = values.shape
    shown = np.where(hidden, np.nan, values)
    errors = np.full((t, n), np.nan) if se is None else np.where(hidden, np.nan, se)
    return pd.DataFrame(
        {
            "area_code": np.repeat(np.array([a.code for a in areas], dtype=object), t),
            "area_name": np.repeat(np.array([a.name for a in areas], dtype=object), t),
            "period": np.tile(np.array(periods, dtype=object), n),
            "outcome": outcome,
            "value": shown.T.ravel(),
            "standard_error": errors.T.ravel(),
            "status": np.repeat(np.where(hidden, "x", "").astype(object), t),
            "label": LABEL,
        },
        columns=list(COLUMNS),
    )


# ---------------------------------------------------------------- the demonstration

TRAILBLAZER_EFFECTS = {"inactivity_rate": -0.15, "employment_rate": 0.0, "claimant_rate": 0.0}
"""Percentage points in every treated place. The first is plausible and cannot be detected; the others are none."""

PROGRAMME_EFFECTS = {
    "youth_guarantee_trailblazer": {"claimant_rate_youth": -0.2},
    "universal_credit_full_service": {"claimant_rate": 0.8},
}
"""The same for the studies of other programmes; a programme that is not named has those of the trailblazers, and an outcome that
is not named has none."""

PLACE_EFFECTS = {
    ("economic_inactivity_trailblazer", "greater-manchester", "claimant_rate"): 1.5,
    ("economic_inactivity_trailblazer", "south-yorkshire", "claimant_rate"): 0.05,
    ("economic_inactivity_trailblazer", "north-east", "claimant_rate"): -0.05,
    ("economic_inactivity_trailblazer", "W06000012", "claimant_rate"): 1.5,
    ("youth_guarantee_trailblazer", "liverpool-city-region", "claimant_rate_youth"): -1.5,
}
"""Percentage points in single places or authorities a study treats, instead of those above: some can be detected, two cannot."""

OVERLAP_EFFECTS = {
    "workwell_pilot": {"inactivity_rate": -0.1},
    "nhs_health_growth_accelerator": {"inactivity_rate": -0.1},
    "youth_guarantee_trailblazer": {"claimant_rate": -0.05},
}
"""Percentage points of programmes that run beside, times the share of the authority covered; only where a start is registered."""


def choose_models(design: Design) -> tuple[OutcomeModel, ...]:
    """List what the demonstration of a design makes: `MODELS`, and those of `OTHER_MODELS` that are outcomes of the design."""
    wanted = {plan.id for plan in design.outcomes}
    return (*MODELS, *(model for model in OTHER_MODELS if model.id in wanted))


def plan_effects(contracts: Contracts, design: Design) -> tuple[PlantedEffect, ...]:
    """List what the demonstration plants: an entry for every treated authority and outcome, also where it is none.

    Effects of the programme under study begin in the month the design takes each place to start, and are smaller in proportion
    where the design says that only a share of an authority is reached. Programmes that run beside follow with small effects of
    their own. Yearly means get what their months get. Authorities that are not simulated, those of Scotland, get nothing.
    """
    made = {code for code, area in contracts.areas.items() if area.nation in NATIONS}
    models = choose_models(design)
    planted = [
        PlantedEffect(
            area_code=member,
            outcome=model.id,
            start=unit.start,
            effect=_effect_in(design.programme, unit.code, model) * share,
            programme=design.programme,
        )
        for unit in design.treated
        for member, share in zip(unit.members, unit.shares or (1.0,) * len(unit.members), strict=True)
        for model in models
        if member in made
    ]
    for item in contracts.exposures:
        if item.programme == design.programme or item.start is None or item.area_code not in made:
            continue
        share = 1.0 if item.area_share is None else item.area_share
        beside = OVERLAP_EFFECTS.get(item.programme, {})
        planted += [
            PlantedEffect(
                area_code=item.area_code,
                outcome=model.id,
                start=item.start[:7],
                effect=beside[model.annual_of or model.id] * share,
                programme=item.programme,
            )
            for model in models
            if (model.annual_of or model.id) in beside
        ]
    return tuple(planted)


def _effect_in(programme: str, unit: str, model: OutcomeModel) -> float:
    """Percentage points the programme under study has in one treated unit."""
    outcome = model.annual_of or model.id
    everywhere = PROGRAMME_EFFECTS.get(programme, TRAILBLAZER_EFFECTS)
    return PLACE_EFFECTS.get((programme, unit, outcome), everywhere.get(outcome, 0.0))


def write_demonstration(contracts: Contracts, design: Design, folder: Path, *, seed: int) -> Demonstration:
    """Write the demonstration files: simulated figures of every authority, what was planted in them, and a note that says so.

    Each file is there whole or not at all; the figures come last.

    Parameters
    ----------
    contracts : Contracts
        Supplies areas and the programmes that run beside.
    design : Design
        Supplies the treated authorities and the months they start.
    folder : Path
        Made if it is not there.
    seed : int
        The same seed gives the same files.

    Returns
    -------
    Demonstration

    Raises
    ------
    ConfigurationError
        If the design has no outcome that is simulated, so that the files would be of no use to it.
    """
    simulated = [model.id for model in (*MODELS, *OTHER_MODELS)]
    if not any(plan.id in simulated for plan in design.outcomes):
        wanted = ", ".join(plan.id for plan in design.outcomes)
        raise ConfigurationError(
            f"design {design.id}: none of its outcomes ({wanted}) is in the demonstration, which has {', '.join(simulated)}; "
            f"give a folder of published data instead."
        )
    data = simulate_panel(contracts, seed=seed, effects=plan_effects(contracts, design), models=choose_models(design))
    folder.mkdir(parents=True, exist_ok=True)
    made = Demonstration(
        data=folder / LABOUR_MARKET, planted=folder / PLANTED_EFFECTS, readme=folder / README, effects=data.effects, seed=seed
    )
    planted = pd.DataFrame(
        [(e.area_code, e.outcome, e.start, f"{e.effect:g}", e.programme, LABEL) for e in data.effects],
        columns=["area_code", "outcome", "start", "effect", "programme", "label"],
    )
    write_whole(made.planted, _to_csv(planted))
    write_whole(made.readme, _explain(design, seed))
    write_whole(made.data, _to_csv(_to_text(data.frame)))
    return made


def _to_csv(frame: pd.DataFrame) -> str:
    """CSV text of a frame of texts."""
    return write_csv([str(name) for name in frame.columns], frame.itertuples(index=False, name=None))


def _to_text(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its numbers written as published: rates to 1 decimal, standard errors to 2, people whole."""
    value = np.char.mod("%.1f", frame["value"].to_numpy())
    people = (frame["outcome"] == POPULATION).to_numpy()
    value[people] = np.char.mod("%.0f", frame["value"].to_numpy()[people])
    value[frame["value"].isna().to_numpy()] = ""
    se = np.char.mod("%.2f", frame["standard_error"].to_numpy())
    se[frame["standard_error"].isna().to_numpy()] = ""
    return frame.assign(value=value.astype(object), standard_error=se.astype(object))


def _explain(design: Design, seed: int) -> str:
    models = [model for model in choose_models(design) if not model.annual_of]
    units = [unit.code for unit in design.treated]
    given = [(key[1:], effect) for key, effect in PLACE_EFFECTS.items() if key[0] == design.programme]
    single = [(code, outcome, effect) for (code, outcome), effect in given if code in units]
    places = "\n".join(f"- {code}, {outcome}: {effect:+g}" for code, outcome, effect in single) or "- none"
    everywhere = "\n".join(f"- {model.id}: {_effect_in(design.programme, '', model):+g}" for model in models)
    beside = "\n".join(
        f"- {programme}, {outcome}: {effect:+g}"
        for programme, given in OVERLAP_EFFECTS.items()
        for outcome, effect in given.items()
    )
    return f"""{LABEL} DATA. NOT REAL. DO NOT QUOTE.

Every figure in this folder was invented by evaluation/simulate.py with seed {seed}, for the study {design.id}.
Codes and names of areas are real. Levels, changes and effects are not: they say nothing about any place.
The noise is made to resemble the published series; how it was set stands beside each figure of MODELS in that file.

{LABOUR_MARKET}: the figures. Rates are per cent of residents aged 16 to 64.
{PLANTED_EFFECTS}: what was planted, by authority, outcome and first month, in percentage points.

Planted in every treated place from the month the study takes it to start:
{everywhere}
instead of these, in single places:
{places}
and for programmes that run beside, times the share of the authority covered, where a start is registered:
{beside}
"""


# ---------------------------------------------------------------- a single comparison


def simulate_comparison(
    *,
    n_areas: int = 40,
    n_periods: int = 24,
    n_treated: int = 1,
    first_treated: int | Sequence[int] = 16,
    effect: float = 0.0,
    seed: int = 0,
    ar: float = 0.7,
    sd: float = 1.0,
    se: float | None = None,
    level_sd: float = 3.0,
    n_regions: int = 1,
    region_sd: float = 0.0,
    weighted: bool = False,
) -> Comparison:
    """Simulate one comparison with a known effect, constant from the start on.

    Parameters
    ----------
    n_areas, n_periods : int
        Areas in all (N) and periods (T).
    n_treated : int
        The first so many areas are treated.
    first_treated : int or sequence of int
        Index of the first treated period, one for all or one each.
    effect : float
        What is added to treated areas from their start on, in percentage points.
    seed : int
        The same seed gives the same comparison.
    ar, sd : float
        Autocorrelation and stationary standard deviation of each area's shocks.
    se : float, optional
        Standard error of an independent sampling error in each cell; None = the outcome has none.
    level_sd : float
        Spread of the areas' levels around 20.
    n_regions, region_sd : int, float
        Areas are dealt to regions in turn, the treated ones all to the first; regions have AR(1) shocks of this sd.
    weighted : bool
        Whether areas get populations as weights.

    Returns
    -------
    Comparison
        Labelled synthetic; areas ``S001``, ``S002`` and so on, periods 2000-03, 2000-06 and so on.
    """
    starts = np.full(n_treated, first_treated) if isinstance(first_treated, int) else np.asarray(first_treated, dtype=np.int64)
    if not 0 < n_treated < n_areas or len(starts) != n_treated or not ((starts > 0) & (starts < n_periods)).all():
        raise ConfigurationError(
            f"simulated comparison: {n_treated} treated of {n_areas} areas, starting at {first_treated} of {n_periods} periods, "
            f"cannot be; ask for at least one treated and one untreated area, and for starts after the first period."
        )
    shape = (n_periods, n_areas)
    regions = np.where(np.arange(n_areas) < n_treated, 0, np.arange(n_areas) % n_regions)

    def normal(component: str, size: tuple[int, ...]) -> np.ndarray:
        return _stream(seed, "comparison", component).standard_normal(size)

    own = accumulate_shocks(normal("area shock", shape), ar=ar, sd=sd)
    regional = accumulate_shocks(normal("region shock", (n_periods, n_regions)), ar=ar, sd=region_sd)[:, regions]
    national = accumulate_shocks(normal("national path", (n_periods, 1)), ar=0.9, sd=1.0)
    first = np.full(n_areas, NEVER, dtype=np.int64)
    first[:n_treated] = starts
    exposure = ((first != NEVER) & (np.arange(n_periods)[:, None] >= first)).astype(float)
    y = 20 + level_sd * normal("level", (n_areas,)) + national + regional + own + effect * exposure
    if se is not None:
        y = y + se * normal("sampling error", shape)
    names = tuple(f"Area {n + 1}" for n in range(n_areas))
    begin = month_index("2000-03")
    return Comparison(
        areas=tuple(f"S{n + 1:03d}" for n in range(n_areas)),
        area_names=names,
        periods=tuple(month_label(begin + 3 * t) for t in range(n_periods)),
        y=y,
        first_treated=first,
        exposure=exposure,
        se=None if se is None else np.full(shape, se),
        weights=100_000 * np.exp(0.5 * normal("population", (n_areas,))) if weighted else None,
        regions=tuple(f"Region {r + 1}" for r in regions),
        unit="pp",
        outcome="simulated_rate",
        area="S001" if n_treated == 1 else "all",
        area_name=names[0] if n_treated == 1 else "all treated areas",
        design="simulated",
        synthetic=True,
    )

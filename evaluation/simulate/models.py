"""What is simulated: the models of the series, each figure with where it was set by, and what may be planted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

LABEL = "SYNTHETIC"
NATIONS = ("England", "Wales")
COLUMNS = ("area_code", "area_name", "period", "outcome", "value", "standard_error", "status", "label")

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
    # no real series of the band is at hand: the model of the claimant rate, higher by a third and moving with it; set by eye. Its
    # comparisons fail the checks before the start less often than those of the real annual rate: tests/simulation/set_aside.md
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

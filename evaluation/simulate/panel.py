"""A whole SYNTHETIC panel of every authority."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.contracts.records import Area, Contracts
from evaluation.errors import ConfigurationError
from evaluation.panel.periods import list_periods, month_index, month_label
from evaluation.simulate.models import (
    ANNUAL_YEARS,
    COLUMNS,
    FIRST_MONTH,
    LABEL,
    LAST_MONTH,
    LOWEST_SURVEY_RATE,
    MODELS,
    MONTHLY_WINDOW,
    NATIONS,
    POPULATION,
    POPULATION_YEARS,
    SUPPRESSED,
    SURVEY_WINDOW,
    OutcomeModel,
    PlantedEffect,
    SimulatedData,
)
from evaluation.simulate.series import average_windows, plant, simulate_population, simulate_sampling, simulate_true_rates


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
    population = simulate_population(seed, len(areas), len(years))
    hidden = np.isin(codes, SUPPRESSED)

    parts = []
    for model in models:
        if model.annual_of:
            annual = _simulate_annual(seed, model, regions, planted, codes)
            annual = np.round(np.clip(annual, 0, 100), 1) if rounded else annual
            parts.append(_lay_out(areas, list_periods(*ANNUAL_YEARS, "annual"), model.id, annual, None, np.zeros_like(hidden)))
            continue
        rates = simulate_true_rates(seed, model, regions, months) + plant(planted, model.id, codes, months)
        se = None
        periods = list_periods(*(SURVEY_WINDOW if model.survey else MONTHLY_WINDOW), "quarterly" if model.survey else "monthly")
        if model.survey:
            averages = average_windows(rates, 12)[::3][: len(periods)]
            error, se = simulate_sampling(seed, model, population[0], len(periods) + 3)
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
    rates = simulate_true_rates(seed, replace(model, id=model.annual_of), regions, months, before=before)
    rates = rates + plant(planted, model.id, codes, [*before, *months])
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

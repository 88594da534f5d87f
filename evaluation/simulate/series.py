"""The parts of a simulated series: population, true rates, shocks, sampling errors, planted effects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from evaluation.panel.periods import month_index
from evaluation.simulate.models import (
    POPULATION,
    POPULATION_GROWTH_SD,
    POPULATION_LOG_SD,
    POPULATION_MEAN,
    SE_ELASTICITY,
    SE_LOG_SD,
    SE_QUARTER_LOG_SD,
    OutcomeModel,
    PlantedEffect,
)


def stream(seed: int, *names: str) -> np.random.Generator:
    """A random stream of its own for each component, so that a new outcome changes no other."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(digest[:8])))


def _draw(seed: int, model: OutcomeModel, component: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal draws of a component, correlated with the same component of the outcome it follows."""
    own = stream(seed, model.id, component).standard_normal(shape)
    if model.follows is None:
        return own
    leader, correlation = model.follows
    return correlation * stream(seed, leader, component).standard_normal(shape) + np.sqrt(1 - correlation**2) * own


def _draw_sample(seed: int, model: OutcomeModel, component: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal draws about the sample itself: outcomes that follow each other are answers of the same people."""
    name = model.id if model.follows is None else model.follows[0]
    return stream(seed, name, component).standard_normal(shape)


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


def simulate_population(seed: int, n_areas: int, years: int) -> np.ndarray:
    """Residents aged 16 to 64, (years, areas), rounded to 100 as published."""
    size = np.clip(stream(seed, POPULATION, "size").standard_normal(n_areas), -2, 2)
    growth = 0.005 + POPULATION_GROWTH_SD * stream(seed, POPULATION, "growth").standard_normal(n_areas)
    first = POPULATION_MEAN * np.exp(POPULATION_LOG_SD * size - POPULATION_LOG_SD**2 / 2)
    return np.round(first * np.exp(np.arange(years)[:, None] * growth), -2)


def simulate_true_rates(
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


def simulate_sampling(seed: int, model: OutcomeModel, population: np.ndarray, quarters: int) -> tuple[np.ndarray, np.ndarray]:
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


def plant(effects: Iterable[PlantedEffect], outcome: str, codes: Sequence[str], months: Sequence[str]) -> np.ndarray:
    """What is added to the true monthly rates, (months, areas)."""
    added = np.zeros((len(months), len(codes)))
    position = {code: n for n, code in enumerate(codes)}
    first = month_index(months[0])
    for item in effects:
        if item.outcome == outcome:
            added[max(month_index(item.start) - first, 0) :, position[item.area_code]] += item.effect
    return added

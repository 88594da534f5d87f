"""Placebo trailblazers on real figures: what a procedure finds where nothing was done.

Annual figures of the authorities of England and Wales as published by the Office for National Statistics. An assignment gives
nine places of the trailblazers' real numbers of authorities to groups of neighbouring authorities, and a random year as their
start. Nobody treated them, so every rejection is a false one. The real panel holds no population: the effective sample size
behind an authority's inactivity rate, which grows with it, stands for it as weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from support_paths import SHARED

from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.numerics.places import draw_places, merge_places
from evaluation.results import NEVER, Comparison

FILE = SHARED / "data" / "uk" / "la_annual_panel.csv.gz"
SIZES = (4, 3, 10, 7, 2, 5, 9, 5, 7)
"""Authorities of the nine trailblazer places, South Yorkshire first."""
YEARS_BEFORE, YEARS_AFTER = 10, 2
NORMAL = 1.96
WITHHELD = ("E09000001", "E06000053")
"""City of London and Isles of Scilly: most of their figures are not published."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealPanel:
    """One outcome: y (T, N), se (T, N) or None, weights (N,), names, regions, borders (N, N)."""

    outcome: str
    years: tuple[int, ...]
    y: np.ndarray
    se: np.ndarray | None
    weights: np.ndarray
    codes: tuple[str, ...]
    regions: tuple[str, ...]
    borders: np.ndarray


@cache
def _long() -> pd.DataFrame:
    frame = pd.read_csv(FILE, dtype={"area_code": str}, usecols=["area_code", "indicator", "year", "value", "lci_95", "uci_95"])
    return frame.assign(se=(frame["uci_95"] - frame["lci_95"]) / (2 * NORMAL))


def _wide(outcome: str, column: str) -> pd.DataFrame:
    frame = _long()
    return frame[frame["indicator"] == outcome].pivot(index="year", columns="area_code", values=column)


def read_real_panel(outcome: str, contracts: Contracts | None = None) -> RealPanel:
    """The authorities of England and Wales whose figure is published in every year from 2004 on."""
    contracts = contracts or load_contracts()
    survey = outcome != "claimant_rate"
    value, rate, error = _wide(outcome, "value").loc[2004:], _wide("inactivity_rate", "value"), _wide("inactivity_rate", "se")
    sample = (rate * (100 - rate) / error**2).median()
    own = _wide(outcome, "se").loc[2004:] if survey else None
    codes = tuple(
        code
        for code, area in sorted(contracts.areas.items())
        if area.nation in ("England", "Wales")
        and code not in WITHHELD
        and code in value
        and value[code].notna().all()
        and np.isfinite(sample.get(code, np.nan))
        and (own is None or own[code].notna().all())
    )
    place = {code: n for n, code in enumerate(codes)}
    borders = np.zeros((len(codes), len(codes)), dtype=bool)
    for item in contracts.neighbours:
        if item.area_code in place and item.neighbour_code in place:
            borders[place[item.area_code], place[item.neighbour_code]] = True
    return RealPanel(
        outcome=outcome,
        years=tuple(value.index),
        y=value[list(codes)].to_numpy(),
        se=None if own is None else own[list(codes)].to_numpy(),
        weights=sample[list(codes)].to_numpy(),
        codes=codes,
        regions=tuple(contracts.areas[code].region for code in codes),
        borders=borders | borders.T,
    )


def draw_studies(panel: RealPanel, *, draws: int, seed: int) -> Iterator[Comparison]:
    """Placebo studies: nine places beside all other authorities; the last four places start a year later than the others."""
    random = np.random.default_rng(seed)
    span, n = YEARS_BEFORE + YEARS_AFTER, len(panel.codes)
    k = len(SIZES)
    late = np.arange(k) >= k - 4
    for _ in range(draws):
        rows = slice(end := int(random.integers(0, len(panel.years) - span + 1)), end + span)
        first = np.concatenate([YEARS_BEFORE + late, np.full(n, NEVER)])
        exposure = ((first != NEVER) & (np.arange(span)[:, None] >= first)).astype(float)
        borders = np.zeros((k + n, k + n), dtype=bool)
        borders[k:, k:] = panel.borders
        # stand-ins for the treated places give sizes and starts to groups of real authorities, and are dropped with the merging
        template = Comparison(
            areas=(*(f"place {p}" for p in range(k)), *panel.codes),
            area_names=(*(f"place {p}" for p in range(k)), *panel.codes),
            periods=tuple(map(str, panel.years[rows])),
            y=np.column_stack([np.zeros((span, k)), panel.y[rows]]),
            se=None if panel.se is None else np.column_stack([np.zeros((span, k)), panel.se[rows]]),
            first_treated=first,
            exposure=exposure,
            weights=np.concatenate([np.ones(k), panel.weights]),
            regions=("",) * k + panel.regions,
            sizes=np.array([*SIZES, *(1 for _ in range(n))]),
            neighbours=borders,
            unit="pp",
            outcome=panel.outcome,
            area="all",
        )
        chosen = draw_places(template, draws=1, seed=int(random.integers(2**31)))
        yield merge_places(template, chosen.groups[0])


def keep_one_place(study: Comparison, position: int) -> Comparison:
    """One place of a study beside its untreated authorities; the other places are left out, as in a run."""
    kept = [position, *np.flatnonzero(~study.treated)]

    def some(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[..., kept]

    return replace(
        study,
        areas=tuple(study.areas[n] for n in kept),
        area_names=tuple(study.area_names[n] for n in kept),
        y=study.y[:, kept],
        se=some(study.se),
        first_treated=study.first_treated[kept],
        exposure=study.exposure[:, kept],
        weights=some(study.weights),
        regions=tuple(study.regions[n] for n in kept),
        sizes=some(study.sizes),
        neighbours=None if study.neighbours is None else study.neighbours[np.ix_(kept, kept)],
        area=study.areas[position],
    )

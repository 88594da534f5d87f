"""The files of a demonstration, and what is planted in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.contracts.csv_text import write_csv
from evaluation.contracts.records import Contracts
from evaluation.errors import ConfigurationError
from evaluation.project import write_whole
from evaluation.results import Design
from evaluation.simulate.models import (
    LABEL,
    MODELS,
    NATIONS,
    OTHER_MODELS,
    POPULATION,
    Demonstration,
    OutcomeModel,
    PlantedEffect,
)
from evaluation.simulate.panel import simulate_panel

LABOUR_MARKET = "SYNTHETIC_labour_market.csv"
PLANTED_EFFECTS = "SYNTHETIC_planted_effects.csv"
README = "SYNTHETIC_README.txt"

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

Every figure in this folder was invented by evaluation/simulate with seed {seed}, for the study {design.id}.
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

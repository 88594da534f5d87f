"""Simulated panels: what is planted is there, what is not planted is not, and the noise resembles the published series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn import draw_design, draw_unit
from support_paths import SHARED

from evaluation import simulate
from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.errors import ConfigurationError
from evaluation.panel.periods import exposure_share
from evaluation.results import Design, OutcomePlan
from evaluation.simulate import (
    MODELS,
    SUPPRESSED,
    PlantedEffect,
    accumulate_shocks,
    average_windows,
    plan_effects,
    simulate_comparison,
    simulate_panel,
    write_demonstration,
)

TRAFFORD = "E08000009"


@cache
def read_contracts() -> Contracts:
    return load_contracts()


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return read_contracts()


def values_of(frame: pd.DataFrame, outcome: str, column: str = "value") -> pd.DataFrame:
    """Periods by areas."""
    return frame[frame["outcome"] == outcome].pivot(index="period", columns="area_code", values=column)


# ---------------------------------------------------------------- the parts, by hand


def test_shocks_by_hand() -> None:
    """Autocorrelation 0.6, so innovations count 0.8: 1, 0.6 x 1 + 0.8 x 2 = 2.2, 0.6 x 2.2 - 0.8 = 0.52; times sd 10."""
    found = accumulate_shocks(np.array([[1.0], [2.0], [-1.0]]), ar=0.6, sd=10)
    np.testing.assert_allclose(found.ravel(), [10, 22, 5.2])


def test_windows_by_hand() -> None:
    found = average_windows(np.array([[1.0, 0.0], [3.0, 0.0], [8.0, 6.0]]), 2)
    np.testing.assert_allclose(found, [[2, 0], [5.5, 3]])


# ---------------------------------------------------------------- planted effects


@pytest.mark.parametrize(("outcome", "window"), [("inactivity_rate", 12), ("claimant_rate", 1)])
def test_a_planted_effect_is_there_in_proportion_to_exposure_and_nowhere_else(
    contracts: Contracts, outcome: str, window: int
) -> None:
    planted = [PlantedEffect(area_code=TRAFFORD, outcome=outcome, start="2025-06", effect=-0.8)]
    without = simulate_panel(contracts, seed=1, rounded=False).frame
    found = simulate_panel(contracts, seed=1, effects=planted, rounded=False)
    for model in MODELS:
        difference = values_of(found.frame, model.id) - values_of(without, model.id)
        if model.id == outcome:
            expected = -0.8 * exposure_share(difference.index, window, "2025-06")
            np.testing.assert_allclose(difference.pop(TRAFFORD), expected, rtol=0, atol=1e-9)
        assert (difference.drop(columns=list(SUPPRESSED) if model.survey else []) == 0).all(axis=None)
    assert found.effects == tuple(planted)


def test_effects_of_one_area_add_up_and_a_start_before_the_series_counts_throughout(contracts: Contracts) -> None:
    planted = [
        PlantedEffect(area_code=TRAFFORD, outcome="claimant_rate", start=start, effect=effect)
        for start, effect in (("2010-01", 0.5), ("2026-01", 0.25))
    ]
    found = values_of(simulate_panel(contracts, seed=1, effects=planted, rounded=False).frame, "claimant_rate")
    difference = found[TRAFFORD] - values_of(simulate_panel(contracts, seed=1, rounded=False).frame, "claimant_rate")[TRAFFORD]
    np.testing.assert_allclose(difference[:"2025-12"], 0.5)
    np.testing.assert_allclose(difference["2026-01":], 0.75)


def test_refuses_effects_it_cannot_plant_all_together(contracts: Contracts) -> None:
    wrong = [
        PlantedEffect(area_code="S12000033", outcome="claimant_rate", start="2025-04", effect=1.0),
        PlantedEffect(area_code=TRAFFORD, outcome="pay", start="2025-13", effect=1.0),
    ]
    with pytest.raises(ConfigurationError) as caught:
        simulate_panel(contracts, seed=1, effects=wrong)
    said = str(caught.value)
    assert "'S12000033' is not an authority of England or Wales" in said
    assert "'pay' is not simulated; there are inactivity_rate, employment_rate, claimant_rate" in said
    assert "'2025-13' is not a month" in said


# ---------------------------------------------------------------- streams


def test_the_seed_decides_everything(contracts: Contracts) -> None:
    first, again, other = (simulate_panel(contracts, seed=seed).frame for seed in (5, 5, 6))
    assert first.equals(again)
    for model in MODELS:
        assert not values_of(first, model.id).equals(values_of(other, model.id))


def test_another_outcome_changes_no_other(contracts: Contracts) -> None:
    more = (replace(MODELS[0], id="new_rate"), *MODELS)
    found = simulate_panel(contracts, seed=5, models=more).frame
    known = simulate_panel(contracts, seed=5).frame
    assert found[found["outcome"] != "new_rate"].reset_index(drop=True).equals(known)
    assert not values_of(found, "new_rate").equals(values_of(found, MODELS[0].id))


# ---------------------------------------------------------------- the shape of the data


def test_every_row_is_labelled_and_every_authority_there(contracts: Contracts) -> None:
    frame = simulate_panel(contracts, seed=2).frame
    assert set(frame["label"]) == {"SYNTHETIC"}
    wanted = {a.code: a.name for a in contracts.areas.values() if a.nation in ("England", "Wales")}
    assert len(wanted) == 318
    assert dict(zip(frame["area_code"], frame["area_name"], strict=True)) == wanted
    assert not frame.duplicated(["area_code", "outcome", "period"]).any()
    spans = frame.groupby("outcome")["period"].agg(["min", "max", "nunique"])
    assert spans.T.to_dict("list") == {
        "claimant_rate": ["2018-01", "2026-09", 105],
        "employment_rate": ["2018-03", "2026-06", 34],
        "inactivity_rate": ["2018-03", "2026-06", 34],
        "population_16_64": ["2018", "2025", 8],
    }


def test_survey_rates_of_the_two_smallest_are_suppressed_and_nothing_else_is(contracts: Contracts) -> None:
    frame = simulate_panel(contracts, seed=2).frame
    hidden = frame["status"] == "x"
    assert set(frame.loc[hidden, "area_code"]) == {"E09000001", "E06000053"}
    assert set(frame.loc[hidden, "outcome"]) == {"inactivity_rate", "employment_rate"}
    assert (frame["value"].isna() == hidden).all()
    survey = frame["outcome"].isin(["inactivity_rate", "employment_rate"])
    assert (frame["standard_error"].notna() == (survey & ~hidden)).all()


def test_figures_are_rounded_as_published(contracts: Contracts) -> None:
    frame = simulate_panel(contracts, seed=2).frame
    people = frame["outcome"] == "population_16_64"
    rates = frame.loc[~people, "value"].dropna()
    assert (rates == rates.round(1)).all()
    assert rates.between(0, 100).all()
    assert (frame.loc[people, "value"] % 100 == 0).all()
    assert (frame.loc[people, "value"] > 0).all()


# ---------------------------------------------------------------- the noise


@cache
def sampling_errors() -> tuple[np.ndarray, np.ndarray]:
    """Errors and standard errors, (34, 316), of a panel in which nothing moves but the sample."""
    still = replace(MODELS[0], path=(("2017-04", 50.0), ("2026-09", 50.0)), region_sd=0.0, process_sd=0.0)
    still = replace(still, level_region_log_sd=0.0, level_area_log_sd=0.0)
    frame = simulate_panel(read_contracts(), seed=9, models=(still,), rounded=False).frame
    values = values_of(frame, still.id).drop(columns=list(SUPPRESSED))
    se = values_of(frame, still.id, "standard_error").drop(columns=list(SUPPRESSED))
    return values.to_numpy() - 50, se.to_numpy()


def test_the_published_standard_error_is_that_of_the_figure() -> None:
    error, se = sampling_errors()
    standardised = error / se
    # 316 areas x 8 windows that share no quarter: 1 +- 3 x 1 / sqrt(2 x 316 x 8)
    assert abs(standardised[::4].std() - 1) < 3 / np.sqrt(2 * 316 * 8)
    assert abs(standardised.mean()) < 3 / np.sqrt(316 * 8)


@pytest.mark.parametrize(("lag", "shared"), [(1, 0.75), (2, 0.5), (3, 0.25), (4, 0.0), (6, 0.0)])
def test_sampling_errors_correlate_as_far_as_windows_overlap(lag: int, shared: float) -> None:
    error, se = sampling_errors()
    standardised = error / se
    correlation = (standardised[lag:] * standardised[:-lag]).mean() / (standardised**2).mean()
    assert abs(correlation - shared) < 0.04


def test_the_two_survey_rates_mirror_each_other(contracts: Contracts) -> None:
    frame = simulate_panel(contracts, seed=4).frame
    pair = [
        residuals(values_of(frame, id).iloc[3::4].dropna(axis=1).to_numpy()).ravel()
        for id in ("inactivity_rate", "employment_rate")
    ]
    assert -0.95 < np.corrcoef(*pair)[0, 1] < -0.85  # real: -0.90, 2010 to 2023


def residuals(values: np.ndarray) -> np.ndarray:
    """What is left of (years, areas) after area and year effects."""
    left = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    return np.asarray(left)


def lag_one(left: np.ndarray) -> float:
    return float((left[1:] * left[:-1]).mean() / left.var())


@cache
def real_panel() -> pd.DataFrame:
    path = SHARED / "data" / "uk" / "la_annual_panel.csv.gz"
    if not path.is_file():
        pytest.skip(f"the real panel is not here: {path}")
    table = pd.read_csv(path, dtype={"area_code": str, "status": str, "notes": str, "period": str})
    return table[table["area_code"].str.match("[EW]") & ~table["area_code"].isin(SUPPRESSED)]


def real_years(indicator: str, first: int, last: int) -> tuple[np.ndarray, float]:
    """Complete series (years, areas) and the mean 95% half-width."""
    rows = real_panel()
    rows = rows[(rows["indicator"] == indicator) & rows["year"].between(first, last)]
    wide = rows.pivot(index="year", columns="area_code", values="value").dropna(axis=1)
    return wide.to_numpy(), float((rows["uci_95"] - rows["lci_95"]).mean() / 2)


def simulated_years(outcome: str, seed: int) -> tuple[np.ndarray, float]:
    """Calendar years 2018 to 2025 of a simulated outcome, (8, areas), and the mean 95% half-width."""
    frame = simulate_panel(read_contracts(), seed=seed).frame
    wide = values_of(frame, outcome).drop(columns=list(SUPPRESSED))
    wide = wide[wide.index < "2026-01"]
    years = wide.groupby(wide.index.str[:4]).mean() if len(wide) == 96 else wide[wide.index.str.endswith("-12")]
    return years.to_numpy(), float(values_of(frame, outcome, "standard_error").mean(axis=None) * 1.96)


def mean_over_seeds(outcome: str, figure: Callable[[np.ndarray], float]) -> float:
    return float(np.mean([figure(simulated_years(outcome, seed)[0]) for seed in (1, 2, 3)]))


@pytest.mark.parametrize(
    ("outcome", "first", "last", "sd_band", "lag_band"),
    [
        ("inactivity_rate", 2016, 2023, 0.08, 0.1),
        ("employment_rate", 2016, 2023, 0.08, 0.1),
        # much of the real spread is the drift of two regions (London, North East), whose draws here are like any other's
        ("claimant_rate", 2018, 2025, 0.15, 0.15),
    ],
)
def test_the_noise_resembles_the_real_panel(outcome: str, first: int, last: int, sd_band: float, lag_band: float) -> None:
    """Eight years each, so that taking out area and year effects costs both the same."""
    real, half_width = real_years(outcome, first, last)
    left = residuals(real)
    assert mean_over_seeds(outcome, lambda v: residuals(v).std()) == pytest.approx(left.std(), rel=sd_band)
    assert mean_over_seeds(outcome, lambda v: lag_one(residuals(v))) == pytest.approx(lag_one(left), abs=lag_band)
    assert mean_over_seeds(outcome, np.mean) == pytest.approx(real.mean(), rel=0.05)
    assert mean_over_seeds(outcome, lambda v: v.mean(axis=0).std()) == pytest.approx(real.mean(axis=0).std(), rel=0.2)
    if half_width == half_width:  # the claimant rate has no interval
        assert simulated_years(outcome, 1)[1] == pytest.approx(half_width, rel=0.05)


def test_quarterly_figures_resemble_the_real_ones() -> None:
    """Seventy-two northern districts: how far rolling figures of neighbouring quarters agree after area and quarter effects."""
    path = SHARED / "data" / "uk" / "aps_quarterly_north.csv.gz"
    if not path.is_file():
        pytest.skip(f"the quarterly panel is not here: {path}")
    table = pd.read_csv(path, dtype={"area_code": str})
    rows = table[(table["indicator"] == "inactivity_rate") & table["area_code"].str.match("E0[6-9]")]
    rows = rows[rows["period_end_month"].between("2015-03", "2023-06")]
    real = rows.pivot(index="period_end_month", columns="area_code", values="value").dropna(axis=1).to_numpy()
    assert real.shape[0] == 34
    frame = simulate_panel(read_contracts(), seed=1).frame
    simulated = values_of(frame, "inactivity_rate").dropna(axis=1).to_numpy()
    assert lag_one(residuals(simulated)) == pytest.approx(lag_one(residuals(real)), abs=0.05)


# ---------------------------------------------------------------- the demonstration


def trailblazers(contracts: Contracts) -> Design:
    places = contracts.places("economic_inactivity_trailblazer")
    units = [draw_unit(place, *(e.area_code for e in rows if e.area_code), start="2025-06") for place, rows in places.items()]
    return draw_design(
        *units,
        programme="economic_inactivity_trailblazer",
        outcomes=(OutcomePlan(id="inactivity_rate", primary=True, first="2018-03", last="2026-06"),),
    )


def test_the_demonstration_is_labelled_whole_and_repeatable(contracts: Contracts, tmp_path: Path) -> None:
    design = trailblazers(contracts)
    made = write_demonstration(contracts, design, tmp_path / "a", seed=11)
    again = write_demonstration(contracts, design, tmp_path / "b", seed=11)
    names = ["SYNTHETIC_README.txt", "SYNTHETIC_labour_market.csv", "SYNTHETIC_planted_effects.csv"]
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == names  # and no part of a file left over
    for path, same in ((made.data, again.data), (made.planted, again.planted), (made.readme, again.readme)):
        assert path.read_bytes() == same.read_bytes()
    note = made.readme.read_text("utf-8")
    assert note.startswith("SYNTHETIC DATA. NOT REAL.")
    assert "with seed 11" in note
    assert all(name in note for name in names[1:])
    for path in (made.data, made.planted):
        assert all(line.endswith(",SYNTHETIC") for line in path.read_text("utf-8").splitlines()[1:])


def test_the_demonstration_file_holds_the_simulated_figures(contracts: Contracts, tmp_path: Path) -> None:
    design = trailblazers(contracts)
    made = write_demonstration(contracts, design, tmp_path, seed=11)
    text = pd.read_csv(made.data, dtype=str, keep_default_na=False)
    assert list(text.columns) == list(simulate.COLUMNS)
    data = simulate_panel(contracts, seed=11, effects=plan_effects(contracts, design)).frame
    for column in ("value", "standard_error"):
        assert pd.to_numeric(text[column].replace("", None)).astype(float).equals(data[column])
    people = text["outcome"] == "population_16_64"
    assert text.loc[people, "value"].str.fullmatch("[0-9]+00").all()
    assert text.loc[~people & (text["status"] == ""), "value"].str.fullmatch(r"[0-9]+\.[0-9]").all()
    hidden = text[text["status"] == "x"]
    assert len(hidden) == 2 * 2 * 34
    assert (hidden["value"] == "").all()


def test_what_is_planted_is_written_down_including_none(contracts: Contracts, tmp_path: Path) -> None:
    design = trailblazers(contracts)
    made = write_demonstration(contracts, design, tmp_path, seed=11)
    planted = pd.read_csv(made.planted)
    own = planted[planted["programme"] == design.programme].set_index(["area_code", "outcome"])["effect"]
    members = {code: unit.code for unit in design.treated for code in unit.members}
    assert len(members) == 52
    assert len(own) == 52 * 3
    assert (own.xs("inactivity_rate", level="outcome") == -0.15).all()
    assert (own.xs("employment_rate", level="outcome") == 0).all()
    claimants = own.xs("claimant_rate", level="outcome").groupby(members).agg(["min", "max"])
    assert (claimants["min"] == claimants["max"]).all()
    found = claimants["max"].to_dict()
    assert {place: effect for place, effect in found.items() if effect} == {
        "greater-manchester": 1.5,
        "south-yorkshire": 0.05,
        "north-east": -0.05,
    }
    beside = planted[planted["programme"] != design.programme]
    assert set(beside["programme"]) == {"workwell_pilot", "nhs_health_growth_accelerator", "youth_guarantee_trailblazer"}
    assert (beside["effect"].abs() <= 0.1).all()


def test_overlaps_are_planted_by_the_share_of_the_authority_and_only_with_a_start(contracts: Contracts) -> None:
    effects = plan_effects(contracts, trailblazers(contracts))
    starts = {(e.programme, e.area_code): e for e in contracts.exposures}
    for item in effects:
        if item.programme != "economic_inactivity_trailblazer":
            registered = starts[item.programme, item.area_code]
            assert registered.start is not None
    craven = [e for e in effects if e.area_code == "E06000065" and e.programme == "nhs_health_growth_accelerator"]
    share = starts["nhs_health_growth_accelerator", "E06000065"].area_share
    assert share is not None
    assert share < 0.5
    assert [e.effect for e in craven] == [pytest.approx(-0.1 * share)]


def test_one_planted_effect_can_be_seen_and_the_other_cannot(contracts: Contracts) -> None:
    """The change in Greater Manchester's claimant rate exceeds that of every authority outside; that in inactivity does not."""
    design = trailblazers(contracts)
    frame = simulate_panel(contracts, seed=11, effects=plan_effects(contracts, design)).frame
    manchester = list(design.unit_of("greater-manchester").members)
    treated = {code for unit in design.treated for code in unit.members}
    ranks = {}
    for outcome, after in (("claimant_rate", "2025-06"), ("inactivity_rate", "2026-06")):
        wide = values_of(frame, outcome).dropna(axis=1)
        change = wide[wide.index >= after].mean() - wide[wide.index < "2025-06"].mean()
        others = change.drop(index=list(treated & set(change.index)))
        ranks[outcome] = float((others - others.mean()).abs().ge(abs(change[manchester].mean() - others.mean())).mean())
    assert ranks["claimant_rate"] == 0
    assert ranks["inactivity_rate"] > 0.1


def test_refuses_a_design_it_has_no_outcome_for(contracts: Contracts, tmp_path: Path) -> None:
    design = draw_design(draw_unit("x", TRAFFORD), outcomes=(OutcomePlan(id="pay", primary=True, first="2018", last="2025"),))
    with pytest.raises(ConfigurationError, match=r"none of its outcomes \(pay\) is in the demonstration"):
        write_demonstration(contracts, design, tmp_path / "new", seed=1)
    assert not (tmp_path / "new").exists()


# ---------------------------------------------------------------- single comparisons


def test_a_simulated_comparison_holds_exactly_its_effect() -> None:
    known = simulate_comparison(n_treated=2, first_treated=(10, 14), effect=2.5, seed=3)
    none = simulate_comparison(n_treated=2, first_treated=(10, 14), seed=3)
    np.testing.assert_allclose(known.y - none.y, 2.5 * known.exposure, rtol=0, atol=1e-12)
    assert known.exposure[:, :2].sum(axis=0).tolist() == [14, 10]
    assert known.exposure[:, 2:].sum() == 0
    assert known.first_treated[:3].tolist() == [10, 14, -1]
    assert known.synthetic


def test_a_simulated_comparison_follows_its_options() -> None:
    plain = simulate_comparison(seed=3)
    assert plain.se is None
    assert plain.weights is None
    assert (simulate_comparison(seed=3).y == plain.y).all()
    assert not (simulate_comparison(seed=4).y == plain.y).any()
    noisy = simulate_comparison(seed=3, se=0.5, weighted=True, n_regions=4)
    assert noisy.se is not None
    assert (noisy.se == 0.5).all()
    assert noisy.weights is not None
    assert (noisy.weights > 0).all()
    assert len(set(noisy.regions)) == 4
    error = noisy.y - plain.y
    assert abs(error.std() - 0.5) < 0.05
    quiet = simulate_comparison(seed=3, sd=0.0, level_sd=0.0)
    np.testing.assert_allclose(quiet.y, quiet.y[:, :1] * np.ones((1, 40)))  # nothing left but the national path


@pytest.mark.parametrize(
    "options",
    [{"n_treated": 0}, {"n_treated": 40}, {"first_treated": 0}, {"first_treated": 24}, {"n_treated": 2, "first_treated": (9,)}],
)
def test_a_comparison_that_cannot_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be"):
        simulate_comparison(**options)  # type: ignore[arg-type]

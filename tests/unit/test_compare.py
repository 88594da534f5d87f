"""Comparisons from drawn panels: the numbers of a place are worked out by hand."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawn import draw_area, draw_contracts, draw_design, draw_outcome, draw_panel, draw_unit

from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.design import compare
from evaluation.design.compare import build_comparison, residents_of
from evaluation.errors import ConfigurationError, DataError
from evaluation.results import NEVER, Comparison, Design, OutcomePlan, Panel
from evaluation.simulate import plan_effects, simulate_panel

YEARS = ("2020", "2021", "2022", "2023")
PERIODS = {"rate": YEARS, "residents": ("2020", "2021")}
RATES = {"A": [10, 12, 14, 16], "B": [20, 20, 20, 20], "C": [5, 6, 7, 8], "D": [1, 1, 1, 2]}
PEOPLE = {"A": [100, 300], "B": [300, 100], "C": [50, 60], "D": [70, 80]}


@pytest.fixture
def contracts() -> Contracts:
    return draw_contracts(
        [draw_area("A", region="North"), draw_area("B", region="North"), draw_area("C", region="South"), draw_area("D")]
    )


@pytest.fixture
def panel() -> Panel:
    return draw_panel({"rate": RATES, "residents": PEOPLE}, PERIODS)


def build(panel: Panel, design: Design, contracts: Contracts, area: str = "valley") -> Comparison:
    return build_comparison(panel, design, contracts, outcome="rate", area=area)


VALLEY = draw_unit("valley", "A", "B", start="2022-07", name="The Valley")


def test_a_place_is_the_mean_of_its_members_weighted_by_population(panel: Panel, contracts: Contracts) -> None:
    """2020: (100 x 10 + 300 x 20) / 400 = 17.5. From 2021 the weights are 300 and 100, carried forward:
    2021 (300 x 12 + 100 x 20) / 400 = 14; 2022 (300 x 14 + 2000) / 400 = 15.5; 2023 (300 x 16 + 2000) / 400 = 17."""
    found = build(panel, draw_design(VALLEY), contracts)
    assert found.areas == ("valley", "C", "D")
    assert found.area_names == ("The Valley", "Town C", "Town D")
    assert found.regions == ("North", "South", "North")
    assert found.periods == YEARS
    np.testing.assert_allclose(found.y, [[17.5, 5, 1], [14, 6, 1], [15.5, 7, 1], [17, 8, 2]], rtol=0, atol=1e-12)
    # July 2022: six of the twelve months of 2022, all of 2023
    np.testing.assert_allclose(found.exposure, [[0, 0, 0], [0, 0, 0], [0.5, 0, 0], [1, 0, 0]])
    assert found.first_treated.tolist() == [2, NEVER, NEVER]
    assert found.weights is not None
    assert found.weights.tolist() == [400, 60, 80]
    assert found.se is None
    assert (found.unit, found.outcome, found.area, found.area_name, found.design) == (
        "pp",
        "rate",
        "valley",
        "The Valley",
        "drawn",
    )
    assert found.synthetic is True
    assert residents_of(panel, draw_design(VALLEY), contracts, "rate", "valley") == 400


def test_the_error_of_a_place_follows_from_its_members(contracts: Contracts) -> None:
    """Equal populations: sqrt((0.5 x 3)^2 + (0.5 x 4)^2) = 2.5."""
    se = {"rate": {"A": [3.0] * 4, "B": [4.0] * 4, "C": [1.0] * 4, "D": [2.0] * 4}}
    even = {area: [100, 100] for area in RATES}
    found = build(draw_panel({"rate": RATES, "residents": even}, PERIODS, se=se), draw_design(VALLEY), contracts)
    assert found.se is not None
    np.testing.assert_allclose(found.se, [[2.5, 1, 2]] * 4)


def test_counts_are_added_up(panel: Panel, contracts: Contracts) -> None:
    design = draw_design(VALLEY, outcomes=(OutcomePlan(id="residents", primary=True, first="2020", last="2021"),))
    early = replace(design, treated=(replace(VALLEY, start="2021-01"),))
    found = build_comparison(panel, early, contracts, outcome="residents", area="valley")
    np.testing.assert_allclose(found.y[:, 0], [400, 400])
    assert found.weights is None
    assert residents_of(panel, early, contracts, "residents", "valley") is None


def test_population_is_carried_back_before_its_first_year(contracts: Contracts) -> None:
    late = {"rate": YEARS, "residents": ("2022",)}
    people = {"A": [100], "B": [300], "C": [50], "D": [70]}
    found = build(draw_panel({"rate": RATES, "residents": people}, late), draw_design(VALLEY), contracts)
    assert found.y[:, 0].tolist() == [17.5, 18.0, 18.5, 19.0]  # weights 1/4 and 3/4 throughout


def test_population_between_two_years_is_the_earlier_and_within_a_year_the_latest(contracts: Contracts) -> None:
    """2020 and 2021 take the last figure of 2020 (100 and 300), 2022 and 2023 the one of 2022 (300 and 100)."""
    months = {"rate": YEARS, "residents": ("2020-03", "2020-09", "2022-06")}
    people = {"A": [900, 100, 300], "B": [900, 300, 100], "C": [50, 50, 50], "D": [70, 70, 70]}
    found = build(draw_panel({"rate": RATES, "residents": people}, months), draw_design(VALLEY), contracts)
    assert found.y[:, 0].tolist() == [17.5, 18.0, 15.5, 17.0]


def test_anticipation_and_binary_coding(panel: Panel, contracts: Contracts) -> None:
    """Start July 2022 less seven months is December 2021: a twelfth of 2021."""
    found = build(panel, draw_design(VALLEY, anticipation=7), contracts)
    np.testing.assert_allclose(found.exposure[:, 0], [0, 1 / 12, 1, 1])
    assert found.first_treated[0] == 1
    binary = build(panel, draw_design(VALLEY, exposure_coding="binary"), contracts)
    assert binary.exposure[:, 0].tolist() == [0, 0, 1, 1]


def test_all_takes_the_units_that_start_inside_the_window(panel: Panel, contracts: Contracts) -> None:
    units = (
        draw_unit("A", start="2022-01"),
        draw_unit("B", start="2023-01"),
        draw_unit("C", start="2024-01"),
        draw_unit("D", start="2020-03"),
    )
    design = draw_design(*units)
    found = build(panel, design, contracts, "all")
    assert found.areas == ("A", "B", "C")
    assert found.first_treated.tolist() == [2, 3, NEVER]  # C starts after the window: not yet treated, a donor
    assert found.donors == ("C",)
    assert [(e.area, e.name, e.reason) for e in found.excluded] == [
        ("D", "Town D", "treated from 2020-03, with no period of the window before it")
    ]
    assert (found.area, found.area_name) == ("all", "all treated areas")
    assert residents_of(panel, design, contracts, "rate", "all") == 400


def test_a_donor_with_a_gap_is_left_out_with_its_periods(contracts: Contracts) -> None:
    gappy = {**RATES, "C": [5, None, 7, 8]}
    found = build(draw_panel({"rate": gappy, "residents": PEOPLE}, PERIODS), draw_design(VALLEY), contracts)
    assert found.donors == ("D",)
    assert [(e.area, e.reason) for e in found.excluded] == [("C", "rate missing in 1 of 4 periods (2021)")]


def test_a_donor_without_population_or_error_is_left_out(contracts: Contracts) -> None:
    people = {area: numbers for area, numbers in PEOPLE.items() if area != "C"}
    se = {"rate": {"A": [1.0] * 4, "B": [1.0] * 4, "C": [1.0] * 4, "D": [1.0, np.nan, 1.0, 1.0]}}
    everyone = draw_contracts([draw_area(c) for c in "ABCDE"])
    rates = {**RATES, "E": [3, 3, 3, 3]}
    se["rate"]["E"] = [1.0] * 4
    found = build(
        draw_panel({"rate": rates, "residents": {**people, "E": [9, 9]}}, PERIODS, se=se), draw_design(VALLEY), everyone
    )
    assert {e.area: e.reason for e in found.excluded} == {
        "C": "residents missing in 4 of 4 periods (2020, 2021, 2022 and 1 more)",
        "D": "standard error of rate missing in 1 of 4 periods (2021)",
    }


def test_a_single_authority_needs_no_population(contracts: Contracts) -> None:
    panel = draw_panel({"rate": RATES}, PERIODS)
    design = draw_design(draw_unit("A", start="2022-01"))
    found = build(panel, design, contracts, "A")
    assert found.y[:, 0].tolist() == RATES["A"]
    assert found.weights is None
    assert residents_of(panel, design, contracts, "rate", "A") is None


# ---------------------------------------------------------------- what is refused


def refusal(panel: Panel, design: Design, contracts: Contracts, area: str = "valley") -> str:
    with pytest.raises(DataError) as caught:
        build(panel, design, contracts, area)
    return str(caught.value)


def test_refuses_a_treated_member_with_gaps_and_names_each(contracts: Contracts) -> None:
    gappy = {**RATES, "A": [10, None, None, 16], "B": [20, 20, 20, None]}
    said = refusal(draw_panel({"rate": gappy, "residents": PEOPLE}, PERIODS), draw_design(VALLEY), contracts)
    assert "A Town A: rate missing in 2 of 4 periods (2021, 2022); B Town B: rate missing in 1 of 4 periods (2023)" in said


def test_pooled_authorities_with_gaps_are_left_out_instead(contracts: Contracts) -> None:
    gappy = {**RATES, "A": [10, None, 14, 16]}
    panel = draw_panel({"rate": gappy}, PERIODS)
    design = draw_design(draw_unit("A"), draw_unit("B"))
    found = build(panel, design, contracts, "all")
    assert found.areas == ("B", "C", "D")
    assert [(e.area, e.reason) for e in found.excluded] == [("A", "treated, but rate missing in 1 of 4 periods (2021)")]
    assert "A Town A: rate missing" in refusal(panel, design, contracts, "A")


def test_refuses_when_no_donor_is_left_and_counts_the_reasons(panel: Panel) -> None:
    contracts = draw_contracts(
        [draw_area("A"), draw_area("B"), draw_area("C", nation="Scotland"), draw_area("D", nation="Scotland")]
    )
    said = refusal(panel, draw_design(VALLEY), contracts)
    assert "no comparison area is left of 2: 2 in Scotland; the comparison is within England" in said


@pytest.mark.parametrize(("start", "says"), [("2024-01", "The Valley 2024-01"), ("2020-06", "The Valley 2020-06")])
def test_refuses_a_start_outside_the_window(panel: Panel, contracts: Contracts, start: str, says: str) -> None:
    said = refusal(panel, draw_design(replace(VALLEY, start=start)), contracts)
    assert says in said
    assert "outside the window 2020 to 2023" in said


def test_refuses_an_outcome_or_periods_the_panel_lacks(panel: Panel, contracts: Contracts) -> None:
    without = draw_panel({"residents": PEOPLE}, PERIODS)
    assert "the panel has no rate; it has residents" in refusal(without, draw_design(VALLEY), contracts)
    longer = draw_design(VALLEY, outcomes=(OutcomePlan(id="rate", primary=True, first="2019", last="2024"),))
    assert "no area has a figure in 2 of 6 periods (2019, 2024); the panel runs from 2020 to 2023" in refusal(
        panel, longer, contracts
    )


def test_refuses_a_place_without_population(contracts: Contracts) -> None:
    said = refusal(draw_panel({"rate": RATES}, PERIODS), draw_design(VALLEY), contracts)
    assert "The Valley: rate of its 2 authorities cannot be averaged without their population (residents)" in said
    bare = draw_contracts([draw_area(c) for c in "ABCD"], outcomes=[draw_outcome("rate", population=None)])
    assert "name a population" in refusal(draw_panel({"rate": RATES}, PERIODS), draw_design(VALLEY), bare)


def test_refuses_names_that_are_not_there(panel: Panel, contracts: Contracts) -> None:
    design = draw_design(VALLEY)
    with pytest.raises(ConfigurationError, match="area 'vally' is not treated in it; treated are valley"):
        build(panel, design, contracts, "vally")
    with pytest.raises(ConfigurationError, match="outcome 'pay' is not in it; it has rate"):
        build_comparison(panel, design, contracts, outcome="pay", area="valley")
    unknown = draw_design(VALLEY, outcomes=(OutcomePlan(id="pay", primary=True, first="2020", last="2023"),))
    with pytest.raises(ConfigurationError, match="has no contract"):
        build_comparison(panel, unknown, contracts, outcome="pay", area="valley")


def test_nothing_it_is_given_is_changed(panel: Panel, contracts: Contracts) -> None:
    before = panel.frame.copy(deep=True)
    build(panel, draw_design(VALLEY), contracts)
    assert panel.frame.equals(before)


def test_figures_are_laid_out_once_for_many_comparisons_and_anew_when_one_changes(
    panel: Panel, contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out: list[pd.Series] = []
    spread = compare._spread

    def count(column: pd.Series, *given: Any) -> np.ndarray:
        laid_out.append(column)
        return spread(column, *given)

    monkeypatch.setattr(compare, "_spread", count)
    first = build(panel, draw_design(VALLEY), contracts)
    number = len(laid_out)
    assert number > 0
    again = build(panel, draw_design(draw_unit("valley", "A", "B", start="2021-07", name="The Valley")), contracts)
    assert len(laid_out) == number
    assert np.array_equal(again.y, first.y)
    cell = (panel.frame["outcome"] == "rate") & (panel.frame["area_code"] == "C") & (panel.frame["period"] == "2023")
    panel.frame.loc[cell, "value"] = 99.0
    assert build(panel, draw_design(VALLEY), contracts).y[-1, 1] == 99.0
    assert first.y[-1, 1] == 8.0


# ---------------------------------------------------------------- the whole register


def test_a_planted_effect_comes_through_in_full_size_and_quickly() -> None:
    """The same panel with and without the effect differs, in the treated place and only there, by effect times exposure."""
    contracts = load_contracts()
    places = contracts.places("economic_inactivity_trailblazer")
    members = tuple(e.area_code for e in places["greater-manchester"] if e.area_code)
    unit = draw_unit("greater-manchester", *members, start="2025-06")
    design = draw_design(
        unit,
        programme="economic_inactivity_trailblazer",
        nations=("England", "Wales"),
        outcomes=(
            OutcomePlan(id="inactivity_rate", primary=True, first="2018-03", last="2026-06"),
            OutcomePlan(id="claimant_rate", primary=False, first="2018-01", last="2026-09"),
        ),
    )
    planted = [e for e in plan_effects(contracts, design) if e.programme == design.programme]
    for outcome, effect in (("inactivity_rate", -0.15), ("claimant_rate", 1.5)):
        found = []
        for effects in ((), planted):
            data = simulate_panel(contracts, seed=3, effects=effects, rounded=False)
            frame = data.frame.rename(columns={"standard_error": "se"}).assign(flag="")
            panel = Panel(frame=frame, inputs=())
            begun = time.perf_counter()
            found.append(build_comparison(panel, design, contracts, outcome=outcome, area="greater-manchester"))
            assert time.perf_counter() - begun < 1  # measured at 0.04 s; the slack is for a busy machine
        difference = found[1].y - found[0].y
        np.testing.assert_allclose(difference, effect * found[1].exposure, rtol=0, atol=1e-9)
        assert len(found[0].donors) > 200
        assert not set(found[0].donors) & {e.area_code for e in contracts.exposures if e.programme == design.programme}

"""Value for money, by sums done by hand. Every amount and value here is invented; the unit values are SYNTHETIC.

The invented programme has ten million pounds for a year in each place, and 185,000 residents a place.
"""

from dataclasses import replace

import pytest
from invented import OUTCOMES, RATE, make_all, make_contracts, make_design, make_exposure, make_finding

from evaluation.contracts.money import Cost, UnitValue
from evaluation.results import Interval
from evaluation.synthesis import conclude
from evaluation.synthesis.value import break_even_people, find_spending, measure_value

DESIGN = make_design()
PLACES = [unit.code for unit in DESIGN.treated]


def cost(place: str, amount: int | None = 10_000_000, *, pot: str = "", **changes) -> Cost:
    base = Cost(
        pot=pot or f"{place or 'all'}-first", programme="invented_scheme", place=place, period="2025/26", years=1.0,
        amount_gbp=amount, amount_basis="announced" if amount else "not established",
        covers="this programme" if amount else "not established", note="Invented.", source_title="SYNTHETIC",
        source_publisher="", source_date="", source_url="",
    )  # fmt: skip
    return replace(base, **changes)


def value(pounds: float = 10_000.0, **changes) -> UnitValue:
    base = UnitValue(
        id=f"synthetic_{pounds:.0f}", name="SYNTHETIC saving", outcome=RATE.id, value_gbp=pounds, price_year="2025/26",
        unit="per person-year", source_title="SYNTHETIC", source_publisher="", source_date="", source_url="",
        basis="SYNTHETIC", note="Invented.",
    )  # fmt: skip
    return replace(base, **changes)


def contracts_with(costs=(), values=()):
    made = make_contracts(units=DESIGN.treated)
    exposures = tuple(make_exposure(unit) for unit in DESIGN.treated)
    return replace(made, exposures=exposures, costs=tuple(costs), unit_values=tuple(values))


def measured(costs, values=(), *, area="amber-vale", verdict=None, **changes):
    """What comes of one invented finding: 0.4 to 2.0 percentage points lower, smallest detectable 1.4, 185,000 residents."""
    findings = (make_finding(area=area, synthetic=True, **changes),)
    conclusion = conclude(findings, DESIGN, outcome=RATE, area=area)
    conclusion = replace(conclusion, verdict=verdict) if verdict else conclusion
    return measure_value(conclusion, findings, DESIGN, contracts_with(costs, values))


# ---------------------------------------------------------------- break-even


def test_people_who_must_change_are_cost_over_value():
    assert break_even_people(10_000_000, 10_000) == 1_000


def test_the_break_even_difference_is_those_people_over_the_residents():
    found = measured([cost("amber-vale")], [value(10_000), value(20_000)])
    # 10,000,000 / 10,000 = 1,000 people of 185,000 are 0.540541 percentage points; at twice the value half as many.
    assert [item.people for item in found.break_evens] == [1_000, 500]
    assert found.break_evens[0].effect == pytest.approx(100_000 / 185_000)
    assert found.break_evens[1].effect == pytest.approx(50_000 / 185_000)


def test_money_for_two_years_counts_by_the_year():
    found = measured([cost("amber-vale", years=2.0)], [value(10_000)])
    assert found.spending.yearly_gbp == 5_000_000
    assert found.break_evens[0].people == 500


def test_what_a_person_year_must_be_worth_at_the_smallest_detectable_difference():
    found = measured([cost("amber-vale")])
    # 1.4 per cent of 185,000 are 2,590 people; 10,000,000 / 2,590.
    assert found.worth_at_mde == pytest.approx(3_861.0039)
    assert found.break_evens == ()


def test_without_residents_there_are_people_but_no_rate():
    found = measured([cost("amber-vale")], [value(10_000)], people=None)
    assert (found.break_evens[0].people, found.break_evens[0].effect, found.worth_at_mde) == (1_000, None, None)


# ---------------------------------------------------------------- cost


def test_cost_for_each_person_to_be_supported():
    assert measured([cost("amber-vale")]).cost_per_supported == 2_500  # 10,000,000 / 4,000


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no amount is on record"),
        ([cost("amber-vale", None)], "the amount is not established"),
        ([cost("amber-vale", covers="with another programme")], "the money on record also pays for another programme"),
        (
            [cost("amber-vale", covers="with other places")],
            "the money on record is shared with other places, and its own share is not established",
        ),
        ([cost("amber-vale", years=None)], "the period of the amount is not established"),
    ],
)
def test_money_that_is_not_this_programmes_alone_is_never_divided(rows, says):
    found = measured(rows, [value()])
    assert found.spending.yearly_gbp is None
    assert found.spending.why_not == says
    assert found.cost_per_supported is None
    assert found.break_evens == ()
    assert says in found.why_no_ratio or "detected" in found.why_no_ratio


def test_an_amount_that_is_not_established_is_never_nil():
    spending = measured([cost("amber-vale", None)]).spending
    assert [amount.amount_gbp for amount in spending.amounts] == [None]
    assert spending.yearly_gbp is None


def test_people_stated_beside_shared_money_have_no_cost_each():
    own, shared = cost("amber-vale"), cost("amber-vale", 18_000_000, pot="with-health", covers="with another programme")
    found = measured([shared, own])
    assert found.spending.yearly_gbp == 10_000_000
    assert found.spending.shared
    assert found.cost_per_supported is None
    assert "another programme" in found.why_no_cost_per_supported


def test_people_of_one_year_are_not_divided_into_money_of_several():
    assert measured([cost("amber-vale", years=5.0)]).cost_per_supported is None


# ---------------------------------------------------------------- several places


def spend(costs, area="all"):
    return find_spending(contracts_with(costs), DESIGN, RATE.id, area)


def test_places_add_up():
    assert spend([cost(place) for place in PLACES]).yearly_gbp == 30_000_000


def test_one_pot_on_several_rows_counts_once():
    shared = [cost(place, 20_000_000, pot="both", covers="with other places") for place in PLACES[:2]]
    assert spend([*shared, cost(PLACES[2])]).yearly_gbp == 30_000_000


def test_a_pot_that_places_outside_the_study_share_is_not_added():
    contracts = contracts_with([cost(place) for place in PLACES[:2]])
    outside = cost("elsewhere", 20_000_000, pot="both", covers="with other places")
    inside = cost(PLACES[2], 20_000_000, pot="both", covers="with other places")
    contracts = replace(contracts, costs=(*contracts.costs, outside, inside))
    found = find_spending(contracts, DESIGN, RATE.id, "all")
    assert found.yearly_gbp is None
    assert "Cold Fen" in found.why_not


def test_one_place_without_an_amount_leaves_the_total_not_established():
    found = spend([*(cost(place) for place in PLACES[:2]), cost(PLACES[2], None)])
    assert found.yearly_gbp is None
    assert found.why_not == "no amount of this programme alone is established for Cold Fen"


def test_money_of_two_programmes_is_not_added_to_money_of_one():
    rows = [*(cost(place) for place in PLACES[:2]), cost(PLACES[2], covers="with another programme")]
    assert spend(rows).yearly_gbp is None


def test_amounts_of_different_years_are_not_added():
    rows = [cost(place) for place in PLACES[:2]] + [cost(PLACES[2], period="2026/27", pot="later")]
    assert spend(rows).yearly_gbp is None


def test_an_amount_for_the_whole_programme_is_that_of_all_its_places_only():
    whole = cost("", 80_000_000)
    assert spend([whole]).yearly_gbp == 80_000_000
    part = replace(DESIGN, treated=DESIGN.treated[:2], estimate_areas=DESIGN.estimate_areas[:2])
    assert find_spending(contracts_with([whole]), part, RATE.id, "all").yearly_gbp is None


# ---------------------------------------------------------------- the ratio


def test_a_ratio_is_both_ends_of_the_interval_times_value_over_cost():
    found = measured([cost("amber-vale", 2_000_000)], [value(4_000)], verdict="detected")
    # 0.4 and 2.0 per cent of 185,000 are 740 and 3,700 people: 2,960,000 and 14,800,000 pounds for 2,000,000.
    (ratio,) = found.ratios
    assert (ratio.interval.low, ratio.interval.high) == (pytest.approx(1.48), pytest.approx(7.4))
    assert found.cost_per_person_year.low == pytest.approx(2_000_000 / 3_700)
    assert found.cost_per_person_year.high == pytest.approx(2_000_000 / 740)
    assert found.why_no_ratio == ""


@pytest.mark.parametrize(
    "verdict",
    [
        "not estimated",
        "comparison not credible",
        "implausible size",
        "mixed signs",
        "large changes ruled out",
        "too imprecise to tell",
    ],
)
def test_only_a_detected_difference_has_a_ratio(verdict):
    found = measured([cost("amber-vale")], [value()], verdict=verdict)
    assert found.ratios == ()
    assert found.cost_per_person_year is None
    assert verdict in found.why_no_ratio


def test_no_ratio_over_an_interval_that_includes_zero_whatever_the_verdict_says():
    found = measured([cost("amber-vale")], [value()], interval=(-2.0, 0.0), verdict="detected")
    assert (found.ratios, found.cost_per_person_year) == ((), None)
    assert "includes zero" in found.why_no_ratio


def test_no_ratio_for_a_difference_in_the_other_direction():
    found = measured([cost("amber-vale")], [value()], att=1.2, interval=(0.4, 2.0), verdict="detected")
    assert (found.ratios, found.cost_per_person_year) == ((), None)
    assert "higher, and the programme aims at lower" in found.why_no_ratio


def test_an_illustrative_value_breaks_even_but_gives_no_ratio():
    found = measured([cost("amber-vale")], [value(basis="illustrative")], verdict="detected")
    assert [item.basis for item in found.break_evens] == ["illustrative"]
    assert found.ratios == ()
    assert found.cost_per_person_year is not None
    assert "no published value" in found.why_no_ratio


def test_synthetic_values_never_stand_beside_real_figures():
    findings = (make_finding(),)
    conclusion = conclude(findings, DESIGN, outcome=RATE, area="amber-vale")
    found = measure_value(conclusion, findings, DESIGN, contracts_with([cost("amber-vale")], [value()]))
    assert found.break_evens == ()


def test_values_of_another_outcome_are_left_out():
    assert measured([cost("amber-vale")], [value(outcome="busy_rate")]).break_evens == ()


def test_every_conclusion_of_a_study_has_its_value():
    findings = make_all(DESIGN)
    contracts = contracts_with([cost(place) for place in PLACES])
    for outcome in OUTCOMES.values():
        for area in ("all", *PLACES):
            conclusion = conclude(findings, DESIGN, outcome=outcome, area=area)
            found = measure_value(conclusion, findings, DESIGN, contracts)
            assert found.interval == conclusion.interval
            assert found.spending.yearly_gbp == (30_000_000 if area == "all" else 10_000_000)


def test_the_record_keeps_both_ends():
    assert measured([cost("amber-vale")]).interval == Interval(low=-2.0, high=-0.4)

"""Who a design may compare with, how exposure counts and which questions it answers: read strictly, and carried out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import STUDIED as PROGRAMME
from drawn import draw_area, draw_contracts, draw_design, draw_exposure, draw_outcome, draw_panel, draw_unit

from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.design.compare import build_comparison
from evaluation.design.donors import choose_donors
from evaluation.design.protocol import load_design
from evaluation.design.scope import find_unreached
from evaluation.errors import ConfigurationError, DataError
from evaluation.results import Design, OutcomePlan

CODES = [f"E0700000{n}" for n in range(1, 8)]
A, B, C, D, E, F, G = CODES
YEARS = ("2020", "2021", "2022", "2023")


# ---------------------------------------------------------------- the keys, read strictly


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return load_contracts(standard=False)


def load_changed(contracts: Contracts, design: str, old: str, new: str, folder: Path) -> Design:
    """Load a copy of a protocol in which `old` is replaced by `new`."""
    text = contracts.designs[design].read_text("utf-8")
    assert old in text
    copy = folder / f"{design}.yml"
    copy.write_text(text.replace(old, new, 1), "utf-8")
    return load_design(replace(contracts, designs={**contracts.designs, design: copy}), design)


@pytest.mark.parametrize(
    ("design", "old", "new", "says"),
    [
        (
            "wales-trailblazer",
            "unit: authority",
            "unit: authority\ncomparison: nobody",
            "comparison: is 'nobody'; allowed are 'untreated'",
        ),
        (
            "wales-trailblazer",
            "unit: authority",
            "unit: authority\ncomparison: none",
            "comparison: is 'none' without a no_comparison_reason. Fix: say in words",
        ),
        (
            "wales-trailblazer",
            "unit: authority",
            "unit: authority\ncomparison: none\nno_comparison_reason: because",
            "comparison: is 'none', but the programme does not reach 19 authorities of Wales",
        ),
        (
            "wales-trailblazer",
            "unit: authority",
            "unit: authority\nno_comparison_reason: because",
            "no_comparison_reason: is given although comparison is 'untreated'. Fix: remove it",
        ),
        (
            "local-get-britain-working-plans",
            "nations: [England]",
            "nations: [England, Wales]",
            "the programme does not reach 22 authorities of England and Wales (Isle of Anglesey, ",
        ),
        ("connect-to-work", "expected_everywhere: 2026-04\n", "", "and expected_everywhere is ''. Fix: write the first month"),
        (
            "connect-to-work",
            "comparison: not_yet_treated\n",
            "",
            "expected_everywhere: is given although comparison is 'untreated'",
        ),
        (
            "connect-to-work",
            "last: 2026-02",
            "last: 2026-04",
            "claimant_rate: the window ends with 2026-04, but from 2026-04 on the programme may be running everywhere",
        ),
        (
            "nhs-health-growth-accelerators",
            "dose: area_share",
            "dose: share",
            "dose: is 'share'; did you mean area_share",
        ),
        (
            "nhs-health-growth-accelerators",
            "exposure_coding: share",
            "exposure_coding: binary",
            "dose: is 'area_share' while exposure_coding is 'binary'",
        ),
        (
            "youth-guarantee-trailblazers",
            "exposure_coding: share",
            "exposure_coding: share\ndose: area_share",
            "every treated authority lies wholly inside its place",
        ),
        (
            "youth-guarantee-trailblazers",
            "london-pan-london]",
            "london-pan-london, london-central-london-forward]",
            "places: 12 authorities stand in London: pan-London and in London: Central London Forward",
        ),
        ("workwell", "dose: area_share\n", "", "Fix: name one of the two places, and say why"),
        ("workwell", "averaging: equal", "averaging: alike", "averaging: is 'alike'; allowed are 'population', 'equal'"),
        ("workwell", "answer: partly", "answer: perhaps", "answer: is 'perhaps'"),
        ("workwell", "    why: >-\n", "    because: >-\n", "because: is not a key here"),
    ],
)
def test_a_protocol_that_contradicts_itself_is_refused_with_its_place(contracts, tmp_path, design, old, new, says):
    with pytest.raises(ConfigurationError) as caught:
        load_changed(contracts, design, old, new, tmp_path)
    assert says in str(caught.value)
    assert f"{design}.yml:" in str(caught.value)


def test_a_question_stands_once(contracts, tmp_path):
    text = contracts.designs["workwell"].read_text("utf-8")
    first = text[text.index("  - question:") : text.index("  - question:", text.index("  - question:") + 1)]
    with pytest.raises(ConfigurationError, match=r"questions: 'Did the claimant rate .*' stands here and at workwell.yml:"):
        load_changed(contracts, "workwell", first, first + first, tmp_path)


# ---------------------------------------------------------------- comparison: none


def draw(*exposures, **changes) -> Contracts:
    return draw_contracts([draw_area(code) for code in CODES], exposures=exposures, **changes)


def test_who_is_not_reached_is_read_from_the_register():
    contracts = draw(draw_exposure(PROGRAMME, A), draw_exposure(PROGRAMME, C, "2022-01-01"), draw_exposure("other", B))
    assert find_unreached(replace_nation(contracts, G, "Wales"), PROGRAMME, ["England"]) == (B, D, E, F)


def replace_nation(contracts: Contracts, code: str, nation: str) -> Contracts:
    return replace(contracts, areas={**contracts.areas, code: draw_area(code, nation=nation)})


def test_where_nobody_is_compared_with_nothing_is_estimated_and_the_reason_is_given():
    design = draw_design(draw_unit(A), comparison="none", no_comparison_reason="It is everywhere.")
    with pytest.raises(DataError, match=r"no comparison exists, so nothing is estimated\. It is everywhere\."):
        build_comparison(panel(), design, draw(), outcome="rate", area=A)


# ---------------------------------------------------------------- comparison: not yet treated


def panel(**rates):
    flat = {code: [1.0, 2.0, 3.0, 4.0] for code in CODES} | rates
    people = {code: [100.0] * 4 for code in CODES}
    return draw_panel({"rate": flat, "residents": people}, {"rate": YEARS, "residents": YEARS})


def test_not_yet_treated_are_those_whose_start_or_announcement_lies_after_the_window():
    """The window ends with December 2023. B may have begun, C and D have not, E is a place treated later, F has no date."""
    contracts = draw(
        draw_exposure(PROGRAMME, A, "2022-01-01"),
        draw_exposure(PROGRAMME, B, announced="2023-12-05", place_name="Bee"),
        draw_exposure(PROGRAMME, C, announced="2024-01-05", place_name="Cee"),
        draw_exposure(PROGRAMME, D, "2024-02-01", announced="2023-01-01"),
        draw_exposure(PROGRAMME, F, place_name="Eff"),
    )
    units = draw_unit("first", A), draw_unit("later", E, start="2024-06")
    design = draw_design(*units, unit="place", comparison="not_yet_treated", expected_everywhere="2024-01")
    pool = choose_donors(design, contracts, "rate", studied=units[:1], periods=YEARS, missing={})
    assert pool.donors == (C, D, E, G)
    assert {item.area: item.reason for item in pool.excluded} == {
        B: "in Bee, announced 2023-12-05, start not established: it may have begun inside the window",
        F: "in Eff, whose start and announcement are not established: it may have begun inside the window",
    }
    usual = choose_donors(
        replace(design, comparison="untreated"), contracts, "rate", studied=units[:1], periods=YEARS, missing={}
    )
    assert usual.donors == (G,)


def test_a_place_announced_and_begun_inside_the_window_is_no_donor():
    contracts = draw(draw_exposure(PROGRAMME, B, "2022-07-01", place_name="Bee"))
    design = draw_design(draw_unit(A), comparison="not_yet_treated", expected_everywhere="2024-01")
    pool = choose_donors(design, contracts, "rate", studied=design.treated, periods=YEARS, missing={})
    assert [(item.area, item.reason) for item in pool.excluded] == [(B, "in Bee, which has the programme from 2022-07")]


# ---------------------------------------------------------------- dose


def test_a_place_counts_residents_inside_and_the_share_reached_by_hand():
    """A wholly inside with 100 residents, B half with 200: 100 each inside. Mean of 10 and 20 is 15; of the residents inside
    whose authority is reached by 1 and 0.5, dose 0.75. Half of 2022 lies after the start: 0.375."""
    unit = replace(draw_unit("place", A, B, start="2022-07"), shares=(1.0, 0.5))
    rates = {A: [10.0] * 4, B: [20.0] * 4}
    people = {code: [100.0] * 4 for code in CODES} | {B: [200.0] * 4}
    flat = {code: [1.0, 2.0, 3.0, 4.0] for code in CODES} | rates
    data = draw_panel({"rate": flat, "residents": people}, {"rate": YEARS, "residents": YEARS})
    found = build_comparison(data, draw_design(unit, dose="area_share"), draw(), outcome="rate", area="place")
    np.testing.assert_allclose(found.y[:, 0], 15.0)
    np.testing.assert_allclose(found.exposure[:, 0], [0, 0, 0.375, 0.75])
    assert found.weights is not None
    np.testing.assert_allclose(found.weights[:2], [200.0, 100.0])
    whole = build_comparison(data, draw_design(replace(unit, shares=())), draw(), outcome="rate", area="place")
    np.testing.assert_allclose(whole.y[:, 0], 50 / 3)
    np.testing.assert_allclose(whole.exposure[:, 0], [0, 0, 0.5, 1])


def test_an_authority_reached_in_part_is_exposed_in_part():
    unit = replace(draw_unit(A, start="2022-01"), shares=(0.25,))
    found = build_comparison(panel(), draw_design(unit, dose="area_share"), draw(), outcome="rate", area=A)
    np.testing.assert_allclose(found.exposure[:, 0], [0, 0, 0.25, 0.25])


def test_a_count_of_whole_authorities_has_no_dose():
    contracts = draw(outcomes=(draw_outcome("rate", unit="people", population=None),))
    unit = replace(draw_unit("place", A, B), shares=(1.0, 0.5))
    with pytest.raises(DataError, match="Leave the outcome out of the design, or take a rate; or leave dose out"):
        build_comparison(panel(), draw_design(unit, dose="area_share"), contracts, outcome="rate", area="place")


# ---------------------------------------------------------------- averaging


def test_authorities_of_a_place_may_count_alike_without_any_residents():
    plan = OutcomePlan(id="rate", primary=True, first="2020", last="2023", averaging="equal")
    flat = {code: [1.0, 2.0, 3.0, 4.0] for code in CODES} | {A: [10.0] * 4, B: [20.0] * 4}
    data = draw_panel({"rate": flat}, {"rate": YEARS})
    design = draw_design(draw_unit("place", A, B), outcomes=(plan,))
    found = build_comparison(data, design, draw(), outcome="rate", area="place")
    np.testing.assert_allclose(found.y[:, 0], 15.0)
    assert found.weights is not None
    np.testing.assert_allclose(found.weights, [2, 1, 1, 1, 1, 1])
    by_people = replace(design, outcomes=(replace(plan, averaging="population"),))
    with pytest.raises(DataError, match=r"averaging: equal, at the outcome in the design"):
        build_comparison(data, by_people, draw(), outcome="rate", area="place")

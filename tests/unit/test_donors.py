"""Donors on a drawn map: each area is there for one reason, and the answer is written out."""

from __future__ import annotations

import pytest
from drawn import STUDIED, draw_area, draw_contracts, draw_design, draw_exposure, draw_unit

from evaluation.contracts.load import load_contracts
from evaluation.contracts.records import Contracts
from evaluation.design.donors import DonorPool, choose_donors, count_reasons, describe_gaps, first_exposed
from evaluation.results import Design, Exclusion

PERIODS = ("2020", "2021", "2022", "2023")


def choose(design: Design, contracts: Contracts, *codes: str, missing: dict[str, str] | None = None) -> DonorPool:
    studied = [design.unit_of(code) for code in codes]
    return choose_donors(design, contracts, "rate", studied=studied, periods=PERIODS, missing=missing or {})


def reasons(pool: DonorPool) -> dict[str, str]:
    return {item.area: item.reason for item in pool.excluded}


def test_every_reason_in_words() -> None:
    """Place P = {P1, P2} is studied, place Q = {Q1} is treated too; each other area is out for one reason, D stays."""
    codes = ("P1", "P2", "Q1", "R1", "N1", "X1", "Y1", "Y2", "G1", "D1")
    contracts = draw_contracts(
        [draw_area(c) for c in codes] + [draw_area("S1", nation="Scotland")],
        exposures=[
            draw_exposure(STUDIED, "R1", place_name="Place R"),
            draw_exposure("other_help", "Y1", "2021-05-03"),
            draw_exposure("other_help", "Y2", announced="2022-11-26"),
        ],
        neighbours=[("P1", "N1"), ("N1", "P1"), ("P1", "P2"), ("P2", "P1"), ("D1", "Y1"), ("Y1", "D1")],
        programmes=["other_help"],
    )
    design = draw_design(
        draw_unit("place-p", "P1", "P2"),
        draw_unit("place-q", "Q1", start="2022-06"),
        unit="place",
        exclude_programmes=("other_help",),
        exclude_neighbours=True,
        exclude_areas=(("X1", "its figures were redefined"),),
    )
    pool = choose(design, contracts, "place-p", missing={"G1": "rate missing in 1 of 4 periods (2021)"})
    assert pool.donors == ("D1",)
    assert reasons(pool) == {
        "G1": "rate missing in 1 of 4 periods (2021)",
        "N1": "next to a treated area (Town P1 in Place P)",
        "Q1": "treated in this study as part of Place Q from 2022-06",
        "R1": "in Place R, which has the programme but is not in this study (start not established)",
        "S1": "in Scotland; the comparison is within England",
        "X1": "left out by the protocol: its figures were redefined",
        "Y1": "other help active from 2021-05",
        "Y2": "other help announced 2022-11-26, start not established",
    }
    # every area of the register is a member, a donor or excluded, and only one of these
    assert sorted([*pool.donors, *reasons(pool), "P1", "P2"]) == sorted(contracts.areas)


def test_first_reason_wins_and_neighbours_only_count_when_asked() -> None:
    contracts = draw_contracts(
        [draw_area("T1"), draw_area("N1"), draw_area("N2")],
        exposures=[draw_exposure("other_help", "N1", "2021-05-03")],
        neighbours=[("T1", "N1"), ("T1", "N2")],
        programmes=["other_help"],
    )
    unit = draw_unit("T1")
    asked = draw_design(unit, exclude_programmes=("other_help",), exclude_neighbours=True)
    assert reasons(choose(asked, contracts, "T1")) == {
        "N1": "other help active from 2021-05",
        "N2": "next to a treated area (Town T1 in T1)",
    }
    assert choose(draw_design(unit), contracts, "T1").donors == ("N1", "N2")


@pytest.mark.parametrize(
    ("changes", "out"),
    [
        ({"start": "2023-12-01"}, True),  # the last month of the window
        ({"start": "2024-01-01"}, False),  # the month after
        ({"start": "2018-01-01", "period_end": "2020-01-31"}, True),  # ends in the first month of the window
        ({"start": "2018-01-01", "period_end": "2019-12-31"}, False),  # over before it
        ({"start": "2018-01-01"}, True),  # no end known
        ({"start": None, "announced": "2024-02"}, False),  # cannot have started before it was announced
        ({"start": None}, True),  # nothing known
        ({"start": "2021-01-01", "area_share": 0.5}, True),  # half of the authority
        ({"start": "2021-01-01", "area_share": 0.49}, False),
    ],
)
def test_when_another_programme_counts(changes: dict[str, object], out: bool) -> None:
    start = changes.pop("start")
    contracts = draw_contracts(
        [draw_area("T1"), draw_area("D1")],
        exposures=[draw_exposure("other_help", "D1", start, **changes)],  # type: ignore[arg-type]
        programmes=["other_help"],
    )
    design = draw_design(draw_unit("T1"), exclude_programmes=("other_help",))
    assert (choose(design, contracts, "T1").donors == ()) is out


def test_parts_of_an_authority_in_two_places_of_a_programme_add_up() -> None:
    contracts = draw_contracts(
        [draw_area("T1"), draw_area("D1")],
        exposures=[
            draw_exposure("other_help", "D1", "2021-03-01", place="east", area_share=0.3),
            draw_exposure("other_help", "D1", "2021-09-01", place="west", area_share=0.4),
        ],
        programmes=["other_help"],
    )
    design = draw_design(draw_unit("T1"), exclude_programmes=("other_help",))
    assert reasons(choose(design, contracts, "T1")) == {"D1": "other help active from 2021-09"}


def test_an_authority_that_starts_after_the_window_is_a_donor_and_a_place_is_not() -> None:
    contracts = draw_contracts([draw_area(c) for c in ("T1", "L1", "L2", "E1")])
    units = (
        draw_unit("T1"),
        draw_unit("E1", start="2021-07"),
        draw_unit("L1", start="2024-01"),
        draw_unit("L2", start="2023-12"),
    )
    pool = choose(draw_design(*units), contracts, "T1")
    assert pool.donors == ("L1",)
    assert reasons(pool) == {"E1": "treated in this study from 2021-07", "L2": "treated in this study from 2023-12"}
    # with one month of anticipation the last month before its start counts as treated
    assert choose(draw_design(*units, anticipation=1), contracts, "T1").donors == ()
    assert choose(draw_design(*units, unit="place"), contracts, "T1").donors == ()


def test_first_exposed_counts_from_the_window_that_holds_the_start() -> None:
    design = draw_design(draw_unit("T1"))
    assert [
        first_exposed(draw_unit("T1", start=s), design, PERIODS, 12) for s in ("2019-05", "2020-12", "2021-01", "2024-01")
    ] == [0, 0, 1, 4]


def test_gaps_and_counts_in_words() -> None:
    assert describe_gaps(["2020"], 4) == "1 of 4 periods (2020)"
    assert describe_gaps(["2020", "2021", "2022", "2023"], 6) == "4 of 6 periods (2020, 2021, 2022 and 1 more)"
    texts = [
        "rate missing in 1 of 4 periods (2020)",
        "rate missing in 2 of 4 periods (2020, 2021)",
        "in Scotland; the comparison is within England",
    ]
    found = count_reasons(Exclusion(area=str(n), name="", reason=text) for n, text in enumerate(texts))
    assert found == "2 rate missing; 1 in Scotland; the comparison is within England"


def test_half_of_an_authority_rule_gives_the_published_counts() -> None:
    """Fact sheet, section 4: accelerators reach 24 authorities, two of them (25% and 8%) by less than half."""
    contracts = load_contracts()
    barnsley = next(e for e in contracts.exposures if e.programme == "economic_inactivity_trailblazer")
    assert barnsley.area_code is not None
    design = draw_design(
        draw_unit("t", barnsley.area_code, start="2025-04"),
        programme="none_of_them",
        nations=("England", "Wales"),
        exclude_programmes=("nhs_health_growth_accelerator",),
    )
    pool = choose_donors(design, contracts, "inactivity_rate", studied=design.treated, periods=("2018-03", "2026-06"), missing={})
    covered = {e.area for e in pool.excluded if "accelerator" in e.reason} | {barnsley.area_code}
    assert len(covered) == 22
    assert not covered & {"E06000064", "E06000065"}

"""The overlap register by hand: what is there, since when, how that is known, and what the rules of the stress make of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawn import STUDIED, draw_area, draw_contracts, draw_design, draw_exposure, draw_outcome, draw_panel, draw_unit
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.contracts.records import Contracts, Exposure
from evaluation.design.overlap import (
    ACTIVE,
    COLUMNS,
    NONE,
    SPELL_COLUMNS,
    find_active_months,
    find_covered,
    find_states,
    find_widespread,
    list_months,
    list_overlaps,
    list_spells,
)
from evaluation.design.study import Study
from evaluation.errors import DataError
from evaluation.panel.periods import month_index
from evaluation.results import OutcomePlan
from evaluation.stress_rules import vary_donors, vary_overlap

MONTHS = list_months("2024-11", "2025-04")


def draw_register(*exposures: Exposure, codes: tuple[str, ...] = ("A", "B")) -> Contracts:
    return draw_contracts([draw_area(code) for code in codes], exposures=exposures, programmes=("rival", "other"))


def rows_of(register: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    for column, value in wanted.items():
        register = register.loc[register[column] == value]
    return register


# ---------------------------------------------------------------- the register


def test_one_row_an_area_month_and_programme_that_is_there() -> None:
    register = list_overlaps(
        draw_register(
            draw_exposure("rival", "A", "2025-01-15", period_end="2025-03-31"),
            draw_exposure("other", "A", announced="2024-12-03", area_share=0.3),
            draw_exposure("other", "B"),
        ),
        ("A", "B"),
        MONTHS,
    )
    assert tuple(register.columns) == COLUMNS
    rival = rows_of(register, area_code="A", programme="rival")
    assert list(rival["month"]) == ["2025-01", "2025-02", "2025-03"]
    assert set(rival["state"]) == {"active"}
    assert set(rival["basis"]) == {"announced launch"}
    assert set(rival["since"]) == {"2025-01-15"}
    assert set(rival["share"]) == {1.0}
    other = rows_of(register, area_code="A", programme="other")
    assert list(other["month"]) == list(MONTHS[1:])
    assert (set(other["state"]), set(other["basis"])) == ({"start not established"}, {"not established"})
    # three tenths of an authority are on the register, and do not make it one that has the programme
    assert (set(other["share"]), set(other["covers"])) == ({0.3}, {False})
    undated = rows_of(register, area_code="B")
    assert list(undated["month"]) == list(MONTHS)
    assert (set(undated["state"]), set(undated["since"])) == ({"no date on record"}, {""})


def test_the_programme_under_study_has_the_starts_of_the_design_and_their_basis() -> None:
    contracts = draw_register(draw_exposure(STUDIED, "A"), draw_exposure(STUDIED, "B", "2025-02-10"))
    units = (draw_unit("A", start="2025-03"), draw_unit("B", start="2025-02"))
    register = list_overlaps(contracts, ("A", "B"), MONTHS, programme=STUDIED, treated=units)
    assumed, known = rows_of(register, area_code="A"), rows_of(register, area_code="B")
    assert (list(assumed["month"]), set(assumed["basis"])) == (["2025-03", "2025-04"], {"assumed"})
    assert (known["month"].min(), set(known["basis"]), set(known["since"])) == ("2025-02", {"announced launch"}, {"2025-02-10"})
    # as another programme it would have no start at all
    assert set(rows_of(list_overlaps(contracts, ("A",), MONTHS), area_code="A")["state"]) == {"no date on record"}


def test_parts_of_an_authority_in_two_places_are_added_up() -> None:
    contracts = draw_register(
        draw_exposure("rival", "A", "2025-01-01", area_share=0.4), draw_exposure("rival", "A", "2025-03-01", area_share=0.2)
    )
    spells = list_spells(list_overlaps(contracts, ("A",), MONTHS))
    assert tuple(spells.columns) == SPELL_COLUMNS
    assert spells[["from", "to", "covers"]].values.tolist() == [["2025-01", "2025-02", False], ["2025-03", "2025-04", True]]
    assert spells["share"].tolist() == pytest.approx([0.4, 0.6])


def test_nothing_on_record_is_an_empty_table() -> None:
    register = list_overlaps(draw_register(), ("A",), MONTHS)
    assert (len(register), tuple(register.columns)) == (0, COLUMNS)
    assert (len(list_spells(register)), tuple(list_spells(register).columns)) == (0, SPELL_COLUMNS)


days = st.one_of(st.none(), st.sampled_from(["2024-10-05", "2024-12-01", "2025-02-20", "2025-09-01"]))


@st.composite
def exposures(draw: Any) -> Exposure:
    start = draw(days)
    return draw_exposure(
        draw(st.sampled_from(["rival", "other"])),
        draw(st.sampled_from(["A", "B", None])),
        start,
        announced="" if start else draw(st.sampled_from(["", "2024-12", "2025"])),
        period_end=draw(st.sampled_from(["", "2025-02-28", "2024-09-30"])),
        area_share=draw(st.sampled_from([None, 0.2, 0.5])),
    )


@settings(max_examples=80, deadline=None)
@given(st.lists(exposures(), max_size=6))
def test_the_register_agrees_with_the_states_and_spells_lose_nothing(items: list[Exposure]) -> None:
    contracts = draw_register(*items)
    register = list_overlaps(contracts, ("A", "B"), MONTHS)
    assert not register.duplicated(["area_code", "programme", "month"]).any()
    assert register["share"].between(0.0, 1.0, inclusive="right").all()
    for id in ("rival", "other"):
        states = find_states([item for item in items if item.programme == id], ("A", "B"), MONTHS)
        covers = rows_of(register, programme=id).loc[lambda frame: frame["covers"].astype(bool)]
        there = {(row.area_code, row.month) for row in covers.itertuples()}
        assert there == {(("A", "B")[n], MONTHS[t]) for n, t in np.argwhere(states != NONE)}
        active = {(row.area_code, row.month) for row in covers.itertuples() if row.state == "active"}
        assert active == {(("A", "B")[n], MONTHS[t]) for n, t in np.argwhere(states == ACTIVE)}
    same = [name for name in SPELL_COLUMNS if name not in ("from", "to")]
    again = [
        (*(getattr(spell, name) for name in same), month)
        for spell in list_spells(register).rename(columns={"from": "first", "to": "last"}).itertuples()
        for month in list_months(spell.first, spell.last)
    ]
    assert sorted(again) == sorted(register[[*same, "month"]].itertuples(index=False, name=None))
    assert all(month_index(first) <= month_index(last) for first, last in list_spells(register)[["from", "to"]].values)


def test_who_is_covered_when_and_what_is_widespread() -> None:
    contracts = draw_register(
        draw_exposure("rival", "A", "2025-01-01"), draw_exposure("rival", "B", announced="2025-02"), draw_exposure("other", "B")
    )
    assert find_covered(contracts, ("rival", "other"), ("A", "B"), MONTHS) == {"A": ["rival"], "B": ["rival", "other"]}
    assert find_covered(contracts, ("rival",), ("A", "B"), MONTHS[:3]) == {"A": ["rival"]}
    active = find_active_months(contracts, ("rival", "other"), ("A", "B"), MONTHS)
    assert {id: there.tolist() for id, there in active.items()} == {"rival": [False, False, True, True, True, True]}
    assert find_widespread(contracts, ("rival", "other"), ("England",), MONTHS, share=0.9) == ("rival",)
    assert find_widespread(contracts, ("rival", "other"), ("England",), MONTHS, share=0.5) == ("rival", "other")
    assert find_widespread(contracts, ("rival",), ("Wales",), MONTHS, share=0.5) == ()


# ---------------------------------------------------------------- the rules

YEARS = tuple(str(year) for year in range(2016, 2024))
CODES = tuple(f"A{n:02d}" for n in range(12))


def draw_study(*exposures: Exposure, **changes: Any) -> Study:
    """Twelve authorities; the place is A00 and A01 from 2021, A02 touches it."""
    y = {code: [20.0 + n + 0.1 * t * n for t in range(len(YEARS))] for n, code in enumerate(CODES)}
    panel = draw_panel(
        {"rate": y, "residents": {code: [100.0 + n] * len(YEARS) for n, code in enumerate(CODES)}},
        {"rate": YEARS, "residents": YEARS},
    )
    contracts = draw_contracts(
        [draw_area(code) for code in CODES],
        exposures=(*(draw_exposure(STUDIED, code, "2021-01-01") for code in CODES[:2]), *exposures),
        neighbours=(("A00", "A02"), ("A02", "A00")),
        outcomes=(draw_outcome("rate"), draw_outcome("residents", unit="people", population=None)),
        programmes=("rival", "other"),
    )
    options = {"outcomes": (OutcomePlan(id="rate", primary=True, first=YEARS[0], last=YEARS[-1]),), "exclude_neighbours": True}
    design = draw_design(draw_unit("place", "A00", "A01", start="2021-01"), **{**options, **changes})
    return Study(design=design, contracts=contracts, panel=panel)


def donors_of(study: Study) -> dict[str, tuple[str, ...]]:
    main = study.comparison("rate", "place")
    return {name: make().donors for name, _, _, make in vary_donors(study, main, "rate", "place") if name != "region"}


def test_comparison_areas_under_every_rule() -> None:
    """A03 and A04 have the rival, A04 to A09 the other, which is widespread: half of all authorities."""
    study = draw_study(
        *(draw_exposure("rival", code, "2020-01-01") for code in ("A03", "A04")),
        *(draw_exposure("other", code, "2020-01-01") for code in CODES[4:10]),
        exclude_programmes=("rival",),
    )
    assert donors_of(study) == {
        "strict": ("A10", "A11"),
        "strict, widespread kept": CODES[5:],
        "neighbours": ("A02", *CODES[5:]),
        "programme:rival": CODES[3:],
        "programme:other": ("A10", "A11"),
        "lenient": CODES[2:],
    }


def test_what_is_everywhere_is_no_rules_business() -> None:
    study = draw_study(*(draw_exposure("other", code, "2020-01-01") for code in CODES))
    assert donors_of(study) == {
        "strict": CODES[3:], "neighbours": CODES[2:], "programme:rival": CODES[3:], "lenient": CODES[2:],
    }  # fmt: skip


def test_a_rule_that_leaves_nobody_says_so_in_a_few_words() -> None:
    study = draw_study(*(draw_exposure("rival", code, "2020-01-01") for code in CODES[3:]), exclude_programmes=())
    make = next(
        make for name, _, _, make in vary_donors(study, study.comparison("rate", "place"), "rate", "place") if name == "strict"
    )
    with pytest.raises(DataError, match=r"^no comparison area is left\.$"):
        make()


def overlap_of(study: Study, name: str) -> Any:
    main = study.comparison("rate", "place")
    return next(make for known, _, _, make in vary_overlap(study, main, "rate") if known == name)


def test_treated_parts_with_another_programme_are_dropped_and_stay_out_of_the_comparison() -> None:
    study = draw_study(draw_exposure("rival", "A01", "2020-01-01"), exclude_programmes=("rival",))
    for name in ("overlap areas", "overlap areas, any"):
        comparison = overlap_of(study, name)()
        assert comparison.areas[0] == "place"
        np.testing.assert_allclose(comparison.y[:, 0], [20.0] * len(YEARS))
        assert comparison.donors == study.comparison("rate", "place").donors
    both = replace(study, contracts=draw_study(*(draw_exposure("rival", c) for c in CODES[:2])).contracts)
    with pytest.raises(
        DataError, match=r"nothing is left: each of the 2 treated authorities has another programme \(rival in 2\)"
    ):
        overlap_of(both, "overlap areas, any")()
    names = [name for name, *_ in vary_overlap(draw_study(), draw_study().comparison("rate", "place"), "rate")]
    assert names == ["overlap areas, any", "overlap months"]


def test_periods_with_another_programme_are_left_out_where_enough_remains() -> None:
    """The rival ran in both parts from July 2018 to March 2019: both years go."""
    rows = [draw_exposure("rival", code, "2018-07-01", period_end="2019-03-31") for code in CODES[:2]]
    comparison = overlap_of(draw_study(*rows), "overlap months")()
    assert comparison.periods == ("2016", "2017", "2020", "2021", "2022", "2023")
    for start, side in (("2020-06-01", "after"), ("2015-01-01", "before")):
        end = "" if side == "after" else "2020-12-31"
        rows = [draw_exposure("rival", code, start, period_end=end) for code in CODES[:2]]
        with pytest.raises(DataError, match=f"every period {side} the start touches months in which another was active"):
            overlap_of(draw_study(*rows), "overlap months")()
    with pytest.raises(DataError, match="no month can be told"):
        overlap_of(draw_study(draw_exposure("rival", "A00", announced="2018-01")), "overlap months")()

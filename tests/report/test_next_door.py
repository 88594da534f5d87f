"""The chapter on spillovers and other programmes: rules, ring, both sides in people, the register. All records are invented."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from invented import RATE, make_contracts
from report.invented_book import DESIGN, add_programmes, assemble, make_spillover, make_stress

from evaluation.report.figure_spillover import figure_spillover, find_reach_of_axis
from evaluation.report.rules import figure_rules, say_rules, table_rules
from evaluation.report.tables_spillover import table_net, table_rings
from evaluation.report.wording import check_wording
from evaluation.results import Interval
from evaluation.synthesis.next_door import name_ring

CHAPTER = "_generated/other-programmes.qmd"


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return assemble(tmp_path_factory.mktemp("run"), synthetic=False)


def read(book, path: str) -> str:
    return (book.root / path).read_text("utf-8")


def rows_of(book, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(read(book, f"data/table-{name}.csv").splitlines()))


def test_the_chapter_has_rules_ring_and_both_sides_in_people(book):
    text = read(book, CHAPTER)
    for part in ("{#sec-other-areas}", "(exploratory) {#sec-ring}", "(exploratory) {#sec-displacement}", "{#fig-next-door-"):
        assert part in text
    assert "only where both intervals exclude zero, on opposite sides" in text
    assert "Neither stands out from chance" in text
    assert check_wording(text) == []


def test_every_table_of_it_is_a_download(book):
    rules = rows_of(book, "rules-idle-rate")
    assert rules[0]["Rule"] == "As set in the protocol"
    assert {row["Area"] for row in rows_of(book, "rules-by-area-idle-rate")} > {"All areas together"}
    rings = rows_of(book, "next-door-idle-rate")
    assert rings[0]["Area"] == "All areas together"
    assert {row["What can be said"] for row in rings} == {"Too imprecise to tell"}
    net = rows_of(book, "net-idle-rate")
    assert net[0]["Both together, people"] == "4,100 fewer to 2,100 more"
    assert net[0]["In the area, people"] == "4,200 fewer to 600 more"
    assert len(rows_of(book, "area-and-neighbours-idle-rate")) == 3 * len(rings)


def test_the_register_says_how_each_start_is_known_and_has_the_programme_under_study(book):
    register = rows_of(book, "overlap-register")
    bases = {row["How the start is known"] for row in register}
    assert {"announced launch", "not established"} <= bases
    assert all((row["State"] == "active") == (row["How the start is known"] != "not established") for row in register)
    contracts = add_programmes(make_contracts(units=DESIGN.treated))
    under_study = contracts.programmes[DESIGN.programme].name
    assert {row["Code"] for row in register if row["Programme"] == under_study} == {u.members[0] for u in DESIGN.treated}


def test_area_pages_say_what_was_found_next_door(book):
    page = read(book, f"areas/{DESIGN.treated[0].code}.qmd")
    assert "## Next door (exploratory)" in page
    assert "local authorities next to" in page


def test_a_run_without_records_of_it_leaves_it_out(tmp_path):
    book = assemble(tmp_path, synthetic=False, spillovers=[])
    assert "sec-ring" not in read(book, CHAPTER)
    assert "sec-displacement" not in read(book, CHAPTER)
    assert "Next door" not in read(book, f"areas/{DESIGN.treated[0].code}.qmd")


def test_where_nothing_touches_that_is_said(tmp_path):
    none = [
        make_spillover(
            "all", "All", ring=(), inside=None, beside=None, net=None, net_interval=None, why_not="no authority touches it",
            why_no_net="there is no estimate next door",
        )
    ]  # fmt: skip
    contracts = replace(add_programmes(make_contracts(units=DESIGN.treated)), neighbours=())
    text = read(assemble(tmp_path, synthetic=False, contracts=contracts, spillovers=none), CHAPTER)
    assert "has no untreated local authority that touches a treated one" in text
    assert "We do not report an estimate for the neighbours of the treated areas\\: no authority touches it\\." in text
    assert "The treated areas and the neighbours are not added up" in text


def test_one_far_longer_interval_sets_no_scale():
    near, far = Interval(low=-2.0, high=1.0), Interval(low=3.0, high=41.0)
    reach, cut = find_reach_of_axis([near, Interval(low=-1.5, high=1.5), Interval(low=-3.0, high=1.0), far])
    assert (reach, cut) == (pytest.approx(1.08 * 3.0), True)
    assert find_reach_of_axis([near]) == (pytest.approx(1.08 * 2.0), False)
    assert find_reach_of_axis([]) == (1.0, False)
    records = [make_spillover(f"a{n}", f"Area {n}") for n in range(4)]
    assert records[3].beside is not None
    records[3] = replace(records[3], beside=replace(records[3].beside, att=22.0, interval=far))
    picture = figure_spillover(records, RATE, DESIGN)
    assert any("beyond the picture" in note for note in picture.notes)
    assert picture.data["high"].max() == 41.0
    assert picture.svg == figure_spillover(records, RATE, DESIGN).svg


def test_rules_have_a_row_and_an_interval_each():
    stress = make_stress("all", "All areas together")
    table = table_rules([stress], RATE, caption="x", area=False)
    assert [row[0] for row in table.rows] == ["As set in the protocol", "Neighbours among the comparison areas"]
    picture = figure_rules(stress, RATE)
    assert list(picture.data["what was varied"]) == ["As set in the protocol", "Comparison areas"]
    assert picture.name.startswith("rules-")
    assert "None of the two intervals exclude zero" in say_rules(stress, RATE)
    record = make_spillover("a", "Area")
    assert table_rings([record], RATE, DESIGN, caption="x").rows[0][1] == "2"
    assert table_net([], RATE, caption="x") is None


def test_a_ring_whose_test_errs_too_often_rules_nothing_out():
    design = replace(DESIGN, plausible_effect=2.0)
    record = make_spillover("all", "All areas")
    assert name_ring(record, RATE, design) == "large changes ruled out"
    erring = replace(record, beside=replace(record.beside, size=0.12, size_reps=250))
    assert name_ring(erring, RATE, design) == "too imprecise to tell"

"""Is the comparison fair, the figures as published, and other programmes. All records are invented."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from invented import OUTCOMES, RATE, make_all, make_contracts, make_exposure, make_finding
from lxml import html
from report.invented_book import CARDS, DESIGN, UNITS, add_programmes, assemble, make_panel, make_stress

from evaluation.report.balance import table_balance, table_noise
from evaluation.report.drawing import COMPARISON, PLACEBO, TREATED
from evaluation.report.embedded import render_book
from evaluation.report.fair import mix_weights, table_checks_by_method
from evaluation.report.figure_levels import figure_levels
from evaluation.report.figure_overlap import figure_overlap, say_since
from evaluation.report.levels import find_levels, weigh_donors
from evaluation.report.overlap import (
    ACTIVE,
    NONE,
    UNDATED,
    UNKNOWN,
    Group,
    find_lanes,
    find_states,
    list_months,
    split_everywhere,
)
from evaluation.report.rules import say_rules
from evaluation.results import Check, DonorWeight

MONTHS = list_months("2024-09", "2026-06")
TITLES = {card.name: card for card in CARDS}


@pytest.fixture(scope="module")
def contracts():
    return add_programmes(make_contracts(units=UNITS))


@pytest.fixture(scope="module")
def levels(contracts):
    return find_levels(make_panel(contracts, make_all(DESIGN)), DESIGN, contracts, outcome=RATE.id)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fair")
    book = assemble(folder)
    render_book(book.root, folder / "out", formats=("html",))
    return folder


def text_of(site, page: str) -> str:
    return " ".join(html.parse(site / "out" / page).getroot().xpath("//main")[0].text_content().split())


# ---------------------------------------------------------------- what else ran


def state(changes, months=("2024-09", "2025-06")):
    row = replace(make_exposure(UNITS[0]), area_code="A", **{"period_start": "", "period_end": "", "announced": "", **changes})
    return find_states([row], ["A"], list_months(*months))[0].tolist()


def test_only_an_established_start_is_active():
    assert state({"start": "2025-02-14", "announced": "2024-11-26"}) == [NONE] * 5 + [ACTIVE] * 5
    assert state({"announced": "2024-11-26"}) == [NONE] * 2 + [UNKNOWN] * 8
    assert state({"period_start": "2025"}) == [NONE] * 4 + [UNKNOWN] * 6
    assert state({}) == [UNDATED] * 10
    assert state({"start": "2024-01-01", "period_end": "2024-10-31"}) == [ACTIVE] * 2 + [NONE] * 8


def test_a_programme_covers_an_authority_from_half_of_it_on_over_places_together():
    row = replace(make_exposure(UNITS[0]), area_code="A", start="2024-01-01", period_end="", area_share=0.3)
    assert find_states([row], ["A", "B"], MONTHS).max() == NONE
    assert (find_states([row, replace(row, area_share=0.2)], ["A", "B"], MONTHS)[0] == ACTIVE).all()
    mixed = find_states([row, replace(row, start=None, announced="2024-01", area_share=0.3)], ["A"], MONTHS)
    assert (mixed == UNKNOWN).all()


def lanes_of(contracts):
    groups = [Group(name=u.name, members=u.members, start=u.start) for u in UNITS]
    groups.append(Group(name="Comparison areas", members=tuple(c for c in contracts.areas if c.startswith("E060000"))))
    return groups, find_lanes(contracts, groups, MONTHS, other_than=DESIGN.programme)


def test_the_overlap_figure_shows_what_the_register_says_and_the_data_have_it(contracts):
    _, lanes = lanes_of(contracts)
    assert {lane.programme for lane in lanes} == {"with_start", "announced", "undated"}
    picture = figure_overlap(lanes, contracts.programmes, design="invented")
    svg = picture.svg.decode().lower()
    assert TREATED.lower() in svg
    assert PLACEBO.lower() in svg
    assert "stroke-dasharray" in svg  # what has no date is told apart by its line, not by colour alone
    assert picture.svg == figure_overlap(lanes, contracts.programmes, design="invented").svg
    data = picture.data[picture.data["area"] == UNITS[0].name].set_index("programme")
    first = data.loc[contracts.programmes["with_start"].name]
    assert (first["from"], first["to"], first["authorities where active"]) == ("October 2024", "March 2026", 1)
    later = data.loc[contracts.programmes["announced"].name]
    assert (later["from"], later["authorities where active"], later["authorities where start not established"]) == (
        "January 2025", 0, 1,
    )  # fmt: skip
    assert "from October 2024 to March 2026 in Amber Vale" in picture.alt
    assert picture.alt.count("start not established") == 2
    assert say_since(lanes[0]) == "from October 2024 to March 2026"


def test_a_programme_that_is_everywhere_is_said_and_not_drawn(contracts):
    groups, _ = lanes_of(contracts)
    rows = [
        replace(make_exposure(UNITS[0]), programme="undated", area_code=code, start="2018-01-01", period_end="")
        for code in contracts.areas
    ]
    everywhere = replace(contracts, exposures=(*contracts.exposures, *rows))
    lanes, constant = split_everywhere(find_lanes(everywhere, groups, MONTHS, other_than=DESIGN.programme), groups)
    assert constant == ["undated"]
    assert {lane.programme for lane in lanes} == {"with_start", "announced"}


def test_the_chapter_has_matrix_neighbours_and_estimates(site):
    text = text_of(site, "chapters/other-programmes.html")
    assert "2 local authorities touch a treated one" in text
    assert "Neighbours among the comparison areas" in text
    assert "cannot be told and left out" in text
    rows = (site / "book" / "data" / "table-overlap-by-authority-and-month.csv").read_text("utf-8").splitlines()
    assert rows[0].startswith("Area,Local authority,Code,Programme,2023-04,")
    assert sum("no date on record" in row for row in rows) == sum("undated" in row for row in rows) > 0
    assert not any(",active" in row for row in rows if " announced," in row or " undated," in row)


def test_a_run_without_findings_says_so(tmp_path):
    book = assemble(tmp_path, conclusions=[], findings=make_all(DESIGN)[:0] or [replace(make_finding(), outcome="other")])
    assert "No comparison could be made" in (book.root / "_generated" / "other-programmes.qmd").read_text("utf-8")


def test_how_far_other_areas_move_the_estimate_is_said():
    stress = make_stress("all", "All areas together")
    assert "by 0.10 percentage points. That is less than half the width of the interval, 1.20." in say_rules(stress, RATE)
    moved = [replace(v, att=-3.0) if v.kind == "comparison areas" else v for v in stress.variants]
    assert "the answer hangs on which areas are compared" in say_rules(replace(stress, variants=tuple(moved)), RATE)
    assert "could not be made again" in say_rules(replace(stress, variants=stress.variants[:1]), RATE)


# ---------------------------------------------------------------- the figures as published


def test_raw_series_are_means_with_the_sampling_error_of_independent_samples(levels, contracts):
    made = levels.comparison_of
    treated = made.y[:, made.treated]
    assert levels.treated.values == pytest.approx(treated.mean(axis=1))
    assert levels.treated.se == pytest.approx(np.full(len(levels.periods), 0.5 / np.sqrt(3)))
    # Neighbours are no comparison areas, but part of the nation.
    assert levels.nation.count == len(contracts.areas) == len(made.areas) + 2
    picture = figure_levels(levels, RATE, nations=("England",), start="2025-04")
    data = picture.data
    half = (data["areas with the programme, high end"] - data["areas with the programme, low end"]) / 2
    assert half.to_numpy() == pytest.approx(1.959964 * 0.5 / np.sqrt(3))
    assert list(data["comparison areas"]) == list(levels.comparison.values)
    assert COMPARISON.lower().encode() in picture.svg.lower()
    assert picture.svg.count(b"stroke-dasharray") >= 2  # comparison and nation are told apart by their lines
    assert "three lines" in picture.alt
    assert "all of England from" in picture.alt


def test_counts_and_empty_panels_have_no_levels(contracts):
    panel = make_panel(contracts, make_all(DESIGN))
    counted = replace(contracts, outcomes={**OUTCOMES, RATE.id: replace(RATE, unit="people")})
    assert find_levels(panel, DESIGN, counted, outcome=RATE.id) is None
    assert find_levels(replace(panel, frame=panel.frame[:0]), DESIGN, contracts, outcome=RATE.id) is None
    other = panel.frame[panel.frame["outcome"] != RATE.id]
    assert find_levels(replace(panel, frame=other), DESIGN, contracts, outcome=RATE.id) is None


def test_noise_is_less_for_more_areas(levels):
    table = table_noise({RATE.id: levels}, OUTCOMES, {RATE.id: "Invented labour survey"})
    row = table.rows[0]
    assert row[:2] == ("Idle rate", "Invented labour survey")
    assert row[2:5] == ("0.98", "0.98", "0.57")
    assert table_noise({}, OUTCOMES, {}) is None


# ---------------------------------------------------------------- balance, weights, checks


def test_balance_has_levels_and_slopes_of_the_periods_before_the_start(levels):
    donors = levels.comparison_of.areas[3:5]
    weights = tuple(DonorWeight(area=code, name=code, weight=0.5) for code in donors)
    finding = make_finding(area="all")
    finding = replace(finding, estimate=replace(finding.estimate, weights=weights))
    table = table_balance([("All areas together", levels, finding)], RATE, caption="x")
    before = levels.exposure <= 0
    past = levels.treated.values[before]
    slope = np.polyfit(np.arange(before.sum()) / 4, past, 1)[0]
    assert table.rows[0][1] == f"{past.mean():.1f}"
    assert float(table.rows[0][4].replace("−", "-")) == pytest.approx(slope, abs=0.005)
    mix = weigh_donors(levels, weights)
    assert mix == pytest.approx(levels.comparison_of.y[:, 3:5].mean(axis=1))
    assert table.rows[0][3] == f"{mix[before].mean():.1f}"
    assert len(table_balance([("All", levels, None)], RATE, caption="x").header) == 5


def test_weights_of_several_treated_areas_are_averaged():
    finding = make_finding(area="all")
    both = (
        DonorWeight(area="A", name="Ash", weight=1.0, treated="x"),
        DonorWeight(area="A", name="Ash", weight=0.2, treated="y"),
        DonorWeight(area="B", name="Beech", weight=0.8, treated="y"),
    )
    mixed = mix_weights(replace(finding, estimate=replace(finding.estimate, weights=both)))
    assert {w.area: w.weight for w in mixed.estimate.weights} == pytest.approx({"A": 0.6, "B": 0.4})
    assert mix_weights(finding) is finding


def test_checks_stand_by_method_with_their_thresholds():
    checks = [
        Check(name="fit", title="Fit", passed=True, text="x", value=1.234, threshold=2.0),
        Check(name="two", title="Two", passed=False, text="x", value=1e-9, threshold=0.000005),
        Check(name="none", title="None", passed=True, text="x"),
    ]
    findings = [make_finding(checks=checks), make_finding(estimator="twfe", checks=checks[:1])]
    table = table_checks_by_method(findings, TITLES, caption="x")
    assert table.header == ("Check", "Event study", "Fixed effects")
    assert table.rows == (
        ("Fit", "passed (1.23; threshold 2)", "passed (1.23; threshold 2)"),
        ("Two", "failed (0.00; threshold 0.000005)", "[z]"),
    )
    assert table_checks_by_method([make_finding(checks=checks[2:])], TITLES, caption="x") is None


def test_each_figure_stands_once_and_the_findings_lead_to_it(site):
    pages = {p.stem: p.read_text("utf-8") for p in (site / "out" / "chapters").glob("*.html")}
    assert "fig-event-study-idle-rate-all-event-study" in pages["fair"]
    assert "images/event-study-idle-rate-all" not in pages["findings"]
    assert re.search(r'href="[^"]*fair.html#sec-fair-idle-rate"', pages["findings"])
    images = [src for page in pages.values() for src in re.findall(r'<img[^>]*src="([^"]+)"', page)]
    assert len(images) == len(set(images))

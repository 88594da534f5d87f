"""Figures: equal bytes, alternative texts, the data drawn, colours that can be seen. All findings are invented."""

import re
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from invented import OUTCOMES, RATE, make_all, make_contracts, make_design, make_finding, make_unit
from report.figure_recorder import record
from report.invented_book import make_stress

from evaluation.report import drawing, figures
from evaluation.report.drawing import TALLEST
from evaluation.report.figure_event_study import figure_event_study
from evaluation.report.figure_overlap import ABOVE, BELOW, ROW, split_pages
from evaluation.report.figure_stress import figure_stress
from evaluation.report.intervals import PLAUSIBLE, figure_intervals
from evaluation.report.labels import label_ends
from evaluation.report.overlap import Group, Lane
from evaluation.report.places import AreaStatus, figure_tiles, figure_timeline
from evaluation.report.svg import shrink_svg
from evaluation.report.tiles import place_tiles
from evaluation.synthesis import conclude_all

NASTY = '<script>alert(1)</script> & "Môn" | $x$ *_'
DESIGN = make_design()


def statuses(contracts):
    kinds = ("treated", "comparison", "excluded", "no data")
    return {code: AreaStatus(code, kinds[n % 4], f"place {n}") for n, code in enumerate(contracts.areas)}


def every_picture(synthetic=False, name="Amber Vale"):
    finding = make_finding(synthetic=synthetic, area_name=name)
    design = make_design([make_unit("amber-vale", name), make_unit("b", "Beech", "2025-08")])
    items = conclude_all(make_all(design, synthetic=synthetic), design, OUTCOMES)
    contracts = make_contracts()
    return [
        figures.figure_series(finding, RATE),
        figures.figure_gap(finding, RATE),
        figure_event_study(finding, RATE),
        figures.figure_comparison(finding, RATE),
        figure_intervals([c for c in items if c.outcome == RATE.id], RATE),
        figure_timeline(design, synthetic=synthetic),
        figure_tiles(list(contracts.areas.values()), statuses(contracts), name="map", caption="A map", synthetic=synthetic),
    ]


@pytest.mark.parametrize("number", range(7))
def test_every_picture_has_what_must_stand_beside_it(number):
    picture = every_picture()[number]
    root = ElementTree.fromstring(picture.svg)
    assert root.tag.endswith("svg")
    assert picture._repr_mimebundle_() == {"image/svg+xml": picture.svg.decode(), "text/plain": picture.alt}
    assert len(picture.alt) > 60
    assert picture.alt != picture.caption
    assert "\n" not in picture.alt
    assert len(picture.data) > 0
    assert set(picture.columns) <= set(picture.data.columns)


def test_the_same_finding_gives_the_same_bytes_and_no_date():
    for one, other in zip(every_picture(), every_picture(), strict=True):
        assert one.svg == other.svg
        assert b"dc:date" not in one.svg
        assert one.alt == other.alt


def test_synthetic_pictures_are_marked_and_others_are_not():
    for real, made in zip(every_picture(), every_picture(synthetic=True), strict=True):
        mark = drawing.LABEL.lower().encode()
        assert mark not in real.svg.lower()
        assert mark in made.svg.lower()


def test_names_from_data_are_drawn_as_they_are():
    for picture in every_picture(name=NASTY):
        ElementTree.fromstring(picture.svg)
        assert b"<script>" not in picture.svg


def test_drawing_leaves_no_trace():
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from matplotlib import rcParams\n"
        "def settings(): return {k: rcParams[k] for k in rcParams if k != 'backend'}\n"
        "before = settings()\n"
        "from invented import RATE, make_finding\n"
        "from evaluation.report.figures import figure_gap\n"
        "figure_gap(make_finding(), RATE)\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert settings() == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=drawing.__file__.rsplit("/evaluation/", 1)[0])


def test_series_data_are_the_finding():
    finding = make_finding()
    data = figures.figure_series(finding, RATE).data
    assert tuple(data["observed"]) == finding.estimate.series.observed
    half = 1.959964 * finding.estimate.series.observed_se[0]
    assert data["observed, high end"][0] - data["observed"][0] == pytest.approx(half)
    without = replace(finding, estimate=replace(finding.estimate, series=replace(finding.estimate.series, observed_se=None)))
    assert "observed, low end" not in figures.figure_series(without, RATE).data


def test_gap_data_hold_every_placebo_and_the_table_only_their_range():
    picture = figures.figure_gap(make_finding(placebos=60), RATE)
    assert sum(c.startswith("placebo ") for c in picture.data.columns) == 60
    assert not any(c.startswith("placebo ") for c in picture.columns)
    gap = picture.data["difference"].iloc[-1]
    drawn = picture.data[[c for c in picture.data.columns if c.startswith("placebo ")]].iloc[-1]
    wider = int((drawn.abs() >= abs(gap)).sum())
    assert f"60 areas without the programme; {wider} of them end at least as far" in picture.alt


def test_event_study_bands_nest_and_hold_their_share():
    picture = figure_event_study(make_finding(placebos=200, seed=3), RATE)
    data = picture.data
    assert (data["usual over all periods, low"] <= data["usual, low"]).all()
    assert (data["usual, high"] <= data["usual over all periods, high"]).all()
    few = figure_event_study(make_finding(placebos=12), RATE)
    assert "range of all 12 areas" in " ".join(few.notes)


def test_no_bands_where_areas_start_in_different_months():
    data = figure_event_study(make_finding(start="2025-04 to 2025-08", n_treated=3), RATE).data
    assert "usual, low" not in data


def test_intervals_are_alphabetical_with_the_pooled_one_first():
    items = [c for c in conclude_all(make_all(), DESIGN, OUTCOMES) if c.outcome == RATE.id]
    picture = figure_intervals(items[::-1], RATE)
    assert list(picture.data["area"]) == ["All areas together", "Amber Vale", "Birch Moor", "Cold Fen"]
    for item in items:
        assert item.area_name in picture.alt
        assert item.verdict in picture.alt


def test_many_starts_become_counts():
    design = make_design([make_unit(f"u{n}", f"U{n}", f"20{15 + n % 2}-0{1 + n % 9}") for n in range(40)])
    picture = figure_timeline(design)
    assert "20 in 2015 and 20 in 2016" in picture.alt


def test_tiles_never_share_a_place_and_keep_north_up():
    rng = np.random.default_rng(3)
    latitude, longitude = 50 + 5 * rng.random(200), -4 + 5 * rng.random(200)
    tiles = place_tiles(latitude, longitude)
    spots = set(zip(tiles.x, tiles.y, strict=True))
    assert len(spots) == 200
    assert np.corrcoef(tiles.y, latitude)[0, 1] > 0.9
    assert np.corrcoef(tiles.x, longitude)[0, 1] > 0.9


def test_tiles_without_a_centroid_are_named_below():
    contracts = make_contracts()
    areas = list(contracts.areas.values())
    areas[5] = replace(areas[5], name="Lost Isle", latitude=None, longitude=None)
    picture = figure_tiles(areas, statuses(contracts), name="map", caption="A map")
    assert "Lost Isle" in " ".join(picture.notes)
    assert "Lost Isle" in set(picture.data["area"])


def test_figure_names_differ_by_outcome_area_and_method():
    names = {
        figures.figure_series(f, OUTCOMES[f.outcome]).name
        for f in make_all()
        if f.estimator in ("event_study", "synthetic_control")
    }
    assert len(names) == 2 * 4 * 2
    assert all(re.fullmatch(r"[a-z0-9-]+", n) for n in names)


def test_a_picture_keeps_its_shape_in_fewer_bytes():
    big = (
        '<?xml version="1.0"?><!-- Name --><svg><path id="DejaVuSans-41" d="M 10.4 20.6 \nL 30 40 \nz\n"/> '
        '<path d="M 1.23456 -0.5 \nL 2 3 \n"/></svg>'
    )
    assert shrink_svg(big) == '<svg><path id="DejaVuSans-41" d="M10 21 30 40z"/><path d="M1.23-.5 2 3"/></svg>\n'


def test_placebo_lines_are_one_path():
    many = figures.figure_gap(make_finding(placebos=150), RATE).svg
    few = figures.figure_gap(make_finding(placebos=20), RATE).svg
    assert many.count(b"<path") <= few.count(b"<path") + 6  # other letters and ticks
    assert len(many) < 120_000


def test_the_key_of_the_intervals_holds_only_marks_that_occur():
    items = [c for c in conclude_all(make_all(), DESIGN, OUTCOMES) if c.outcome == RATE.id]
    full = figure_intervals(items, RATE, plausible=1.0)
    bare = figure_intervals([replace(c, cap=None, mde=None) for c in items], RATE)
    assert full.height > bare.height
    assert "a band of 1.0 percentage points either way, thought plausible beforehand" in full.alt
    assert "plausible" not in bare.alt


def test_a_plausible_effect_beyond_the_picture_is_said_and_not_drawn():
    items = [c for c in conclude_all(make_all(), DESIGN, OUTCOMES) if c.outcome == RATE.id]
    far, near = figure_intervals(items, RATE, plausible=50.0), figure_intervals(items, RATE, plausible=1.0)
    assert "thought plausible" not in far.alt
    assert "The largest effect thought plausible beforehand, 50.0 percentage points, lies outside the picture." in far.notes
    assert not any("outside the picture" in note for note in near.notes)
    assert PLAUSIBLE.lower().encode() not in far.svg.lower()
    assert PLAUSIBLE.lower().encode() in near.svg.lower()


def test_a_comparison_holds_both_charts_with_one_mark():
    finding = make_finding(synthetic=True)
    both = figures.figure_comparison(finding, RATE)
    series, gap = figures.figure_series(finding, RATE), figures.figure_gap(finding, RATE)
    assert series.alt in both.alt
    assert gap.alt in both.alt
    assert set(both.data.columns) == {*series.data.columns, *gap.data.columns}
    assert both.data.columns.is_unique
    assert both.svg.count(b"DejaVuSans-Bold") == series.svg.count(b"DejaVuSans-Bold")


@pytest.mark.parametrize("values", [(0.0, 0.01), (-1.0, -0.99), (0.99, 1.0), (-0.2, 0.3)])
def test_labels_at_the_ends_of_lines_neither_touch_nor_leave_the_plot(values):
    spots = []

    def paint(figure):
        axes = drawing.add_axes(figure, left=0.5, right=1.2, bottom=0.5, top=0.4)
        axes.set_ylim(-1, 1)
        label_ends(axes, [(values[0], "one\ntwo\nthree", "#000000"), (values[1], "four", "#000000")])
        inches = 2.25 - 0.9
        spots.extend((note.xy[1] * inches / 2, 0.17 * (note.get_text().count("\n") + 1)) for note in axes.texts)

    drawing.draw(paint, height=2.25)
    (low, tall), (high, short) = sorted(spots)
    assert high - low >= (tall + short) / 2 - 1e-9
    assert low - tall / 2 >= -1.35 / 2 - 1e-9
    assert high + short / 2 <= 1.35 / 2 + 1e-9


def test_the_start_is_named_where_there_is_room():
    sides = []

    def paint(figure):
        axes = drawing.add_axes(figure, left=0.5, right=1.2, bottom=0.5, top=0.4)
        axes.set_xlim(0, 10)
        for at in (2.0, 9.0):
            drawing.name_start(axes, at, "start: April 2025")
        sides.extend(note.get_ha() for note in axes.texts)

    drawing.draw(paint, height=2.25)
    assert sides == ["left", "right"]


def test_choices_without_an_estimate_are_counted_below_the_chart_and_not_drawn():
    stress = make_stress("all", "All areas together")
    picture = figure_stress(stress, RATE)
    said = [word.text for word in record(picture).words]
    assert "Start three months earlier" in said
    assert "From 2020 only" not in said
    assert "One further choice gives no estimate; the table says why." in picture.notes
    assert "From 2020 only" in set(picture.data["choice"])
    assert "From 2020 only" in picture.alt


def test_pictures_of_one_overlap_are_as_even_as_its_programmes_allow():
    def lanes(sizes: dict[str, int]) -> list[Lane]:
        states = np.ones((1, 1), dtype=int)
        return [
            Lane(programme=id, group=Group(name=f"Area {n}", members=("E06000001",)), months=("2025-04",), states=states)
            for id, size in sizes.items()
            for n in range(size)
        ]

    half = int((TALLEST - ABOVE - BELOW) / ROW / 2) - 1
    parts = split_pages(lanes({"first": half, "second": half, "third": 2}))
    assert [sorted({lane.programme for lane in part}) for part in parts] == [["first"], ["second", "third"]]
    assert len(split_pages(lanes({"first": half, "second": half}))) == 1

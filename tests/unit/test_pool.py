"""Pooling of places: whose estimates count, with which errors, and what is printed beside them."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from invented import OUTCOMES, RATE, SECOND, make_design, make_finding

from evaluation.plain import from_plain
from evaluation.report.figure_pool import FURTHER, TOGETHER, figure_pool, raw_interval
from evaluation.report.tables_pool import table_agreement, table_families, table_pool
from evaluation.report.wording import check_wording
from evaluation.results import Check, Interval, Pool
from evaluation.synthesis import conclude_all, pool_places, save_pool
from evaluation.synthesis.pool import find_error, list_first, read_findings

DESIGN = make_design()
PLACES = {"amber-vale": ("Amber Vale", -1.0), "birch-moor": ("Birch Moor", 2.0), "cold-fen": ("Cold Fen", 5.0)}
HALF = 1.959964
FAILED = Check(name="pre_trend", title="Parallel paths", passed=False, text="Invented.")


def places(half=HALF, synthetic=True, **changes):
    """Estimates -1, 2 and 5, each with standard error 1 when the half width is the normal quantile."""
    return [
        make_finding(
            area=code, area_name=name, att=att, interval=(att - half, att + half), first="2020-03", synthetic=synthetic, **changes
        )
        for code, (name, att) in PLACES.items()
    ]


def test_the_mean_of_three_places():
    pool = pool_places([*places(), make_finding(area="all", att=40.0), make_finding(outcome=SECOND.id, att=40.0)], DESIGN, RATE)
    # errors 1: squares about 2 add up to 18, and 18 / (1 + tau2) = 2
    assert pool.mean == pytest.approx(2)
    assert pool.tau**2 == pytest.approx(8, rel=1e-4)
    assert [p.name for p in pool.places] == ["Amber Vale", "Birch Moor", "Cold Fen"]
    assert [p.se for p in pool.places] == pytest.approx([1, 1, 1], rel=1e-5)
    assert [p.pooled for p in pool.places] == pytest.approx([-1 + 3 / 9, 2, 5 - 3 / 9], rel=1e-4)
    assert pool.prediction.low < pool.interval.low < 0 < pool.interval.high < pool.prediction.high
    assert (pool.estimator, pool.unit, pool.level, pool.synthetic) == ("event_study", "pp", 0.05, True)


def test_the_spread_of_placebo_places_is_the_standard_error_where_it_is_given():
    finding = places()[0]
    assert find_error(finding) == pytest.approx(1, rel=1e-6)
    spread = replace(finding, inferences=(replace(finding.inferences[0], placebo_sd=0.7), *finding.inferences[1:]))
    assert find_error(spread) == 0.7
    assert find_error(make_finding(interval=None)) is None
    assert find_error(replace(finding, inferences=())) is None


def test_places_that_cannot_be_judged_are_left_out_and_named():
    findings = places()
    findings[0] = replace(findings[0], checks=(FAILED,))
    pool = pool_places(findings, DESIGN, RATE)
    assert [p.area for p in pool.places] == ["birch-moor", "cold-fen"]
    assert pool.note.startswith("Left out, because the comparison failed a check set in the protocol: Amber Vale.")
    assert pool.prediction is None, "two places say nothing of a third"
    shaky = replace(FAILED, kind="robustness")
    assert len(pool_places([replace(f, checks=(shaky,)) for f in places()], DESIGN, RATE).places) == 3
    late = [*places()[:2], make_finding(area="cold-fen", area_name="Cold Fen", start="2026-01")]
    assert "no estimate yet that could be judged: Cold Fen." in pool_places(late, DESIGN, RATE).note
    assert pool_places(findings[:2], DESIGN, RATE) is None
    assert pool_places([], DESIGN, RATE) is None


def test_flipping_every_sign_flips_the_summary():
    one = pool_places(places(), DESIGN, RATE)
    flipped = [
        replace(
            f,
            estimate=replace(f.estimate, att=-f.estimate.att),
            inferences=(
                replace(
                    f.inferences[0], interval=Interval(low=-f.inferences[0].interval.high, high=-f.inferences[0].interval.low)
                ),
            ),
        )
        for f in places()
    ]
    other = pool_places(flipped, DESIGN, RATE)
    assert other.mean == pytest.approx(-one.mean)
    assert other.tau == pytest.approx(one.tau)
    assert [p.pooled for p in other.places] == pytest.approx([-p.pooled for p in one.places])


def test_a_summary_is_a_file_and_comes_back(tmp_path):
    pool = pool_places(places(), DESIGN, RATE)
    (path,) = save_pool([pool, None], tmp_path)
    assert path == tmp_path / "pool" / "idle_rate.json"
    assert from_plain(Pool, json.loads(path.read_text("utf-8"))) == pool


def test_findings_of_a_run_are_read_by_name_and_others_passed_over(tmp_path):
    from evaluation.evaluate import save_findings

    kept = places()[0]
    other_panel = replace(places()[1], provenance=replace(kept.provenance, panel_sha256="c" * 64))
    other_design = replace(places()[2], provenance=replace(kept.provenance, design_sha256="e" * 64))
    not_planned = replace(kept, estimator="something_else")
    save_findings([kept, other_panel, other_design, not_planned], tmp_path)
    read = read_findings(tmp_path, DESIGN, panel_sha256="b" * 64)
    assert [(f.area, f.estimator) for f in read] == [("amber-vale", "event_study")]
    assert [f.area for f in read_findings(tmp_path, DESIGN)] == ["amber-vale", "birch-moor"]
    assert list_first(DESIGN)[:3] == (("all", "event_study"), ("amber-vale", "event_study"), ("amber-vale", "synthetic_control"))


# ---------------------------------------------------------------- what is shown


def test_the_chart_has_both_intervals_of_every_place_in_words_and_numbers():
    pool = pool_places(places(), DESIGN, RATE)
    picture = figure_pool(pool, RATE)
    assert ElementTree.fromstring(picture.svg).tag.endswith("svg")
    assert picture.svg == figure_pool(pool, RATE).svg
    assert picture.alt != picture.caption
    assert "Amber Vale: on its own anything from 3.0 percentage points lower to 1.0 higher, partly pooled" in picture.alt
    assert "The mean of the places is" in picture.alt
    assert list(picture.data["place"]) == ["Amber Vale", "Birch Moor", "Cold Fen", TOGETHER, FURTHER]
    assert set(picture.columns) <= set(picture.data.columns)
    assert raw_interval(pool.places[0], 0.05) == Interval(low=pytest.approx(-1 - HALF), high=pytest.approx(-1 + HALF))
    assert "The range of a further place leaves the picture" in picture.notes[1]
    assert b"#801650" in picture.svg.lower(), "marked as synthetic"
    assert b"#801650" not in figure_pool(pool_places(places(synthetic=False), DESIGN, RATE), RATE).svg.lower()
    assert check_wording(" ".join((picture.alt, picture.caption, *picture.notes))) == []


def test_tables_of_the_pool_the_families_and_the_methods():
    table = table_pool(pool_places(places(), DESIGN, RATE), RATE, caption="Pooled")
    assert [row[0] for row in table.rows] == ["Amber Vale", "Birch Moor", "Cold Fen", TOGETHER, FURTHER]
    assert table.rows[0][2] == "33"
    assert "standard deviation of 2.83 percentage points" in table.notes[1]
    assert "[x]" in table_pool(None, RATE, caption="Pooled").rows[0]

    findings = [f for f in places(p_value=0.02, supported=None)]
    items = [c for c in conclude_all(findings, DESIGN, OUTCOMES) if c.primary]
    families = table_families(items, findings, caption="p-values")
    assert families.rows[1][3:5] == ("0.020", "0.060")
    assert "the primary outcome, area by area" in families.notes[0]

    pooled = make_finding(area="all", n_treated=3, checks=[FAILED])
    agreement = table_agreement([*findings, pooled], RATE, {}, caption="Methods")
    assert agreement.rows == (("Event study", "Difference-in-differences", "lower", "0.4 to 2.0 lower", "Parallel paths"),)
    assert table_agreement([], RATE, {}, caption="Methods").rows[0] == ("[x]",) * 5
    assert not re.search(r"nan", " ".join(c for t in (table, families, agreement) for row in t.rows for c in row))

"""Area, ring and both together: planted differences recovered, people added up by hand, and no ring said so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import STUDIED, draw_area, draw_contracts, draw_design, draw_exposure, draw_outcome, draw_panel, draw_unit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluation import spillover as subject
from evaluation.design.study import Study
from evaluation.plain import dump_json, from_plain
from evaluation.report.figure_spillover import figure_spillover
from evaluation.report.tables_spillover import table_net, table_rings, table_sides
from evaluation.report.wording import check_wording
from evaluation.results import Interval, OutcomePlan, Spillover, SpilloverSide
from evaluation.synthesis.next_door import name_ring, say_net, say_ring

YEARS = tuple(str(year) for year in range(2010, 2024))
CODES = tuple(f"A{n:02d}" for n in range(30))
INSIDE, BESIDE = 4.0, -1.5
PEOPLE = {"A00": 100.0, "A01": 300.0, "A02": 200.0, "A03": 400.0}
TOUCHING = (("A00", "A02"), ("A01", "A03"), ("A01", "A04"))
"""The place is A00 and A01; A02 and A03 are its ring, A04 touches it too but has another programme."""
START = YEARS.index("2019")
RATE = draw_outcome("rate")


def both_ways(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for a, b in pairs for pair in ((a, b), (b, a)))


def draw_study(
    *, noise: float = 0.0, pairs: tuple[tuple[str, str], ...] = TOUCHING, beside: float = BESIDE, seed: int = 3, **changes: Any
) -> Study:
    """Thirty authorities that move in parallel, but for noise and the differences planted from 2019 on."""
    rng = np.random.default_rng(seed)
    y = 20.0 + np.arange(30) * 0.3 + np.linspace(0.0, 2.0, len(YEARS))[:, None] + noise * rng.normal(size=(len(YEARS), 30))
    y[START:, :2] += INSIDE
    y[START:, 2:4] += beside
    people = {code: [PEOPLE.get(code, 250.0)] * len(YEARS) for code in CODES}
    panel = draw_panel(
        {"rate": {code: y[:, n].tolist() for n, code in enumerate(CODES)}, "residents": people},
        {"rate": YEARS, "residents": YEARS},
    )
    contracts = draw_contracts(
        [draw_area(code) for code in CODES],
        exposures=(
            *(draw_exposure(STUDIED, code, "2019-01-01") for code in ("A00", "A01")),
            draw_exposure("rival", "A04", "2018-01-01"),
        ),
        neighbours=both_ways(pairs),
        outcomes=(RATE, draw_outcome("residents", unit="people", population=None)),
        programmes=("rival",),
    )
    settings_: dict[str, Any] = {
        "outcomes": (OutcomePlan(id="rate", primary=True, first=YEARS[0], last=YEARS[-1]),),
        "level": 0.1,
        "draws": 99,
        "exclude_programmes": ("rival",),
        "exclude_neighbours": True,
        **changes,
    }
    return Study(
        design=draw_design(draw_unit("the-place", "A00", "A01", start="2019-01"), **settings_), contracts=contracts, panel=panel
    )


def sides(record: Spillover) -> tuple[SpilloverSide, SpilloverSide]:
    assert record.inside is not None
    assert record.beside is not None
    return record.inside, record.beside


def width(interval: Interval | None) -> float:
    assert interval is not None
    return interval.high - interval.low


# ---------------------------------------------------------------- by hand


def test_what_was_planted_on_the_ring_is_found_and_people_add_up_by_hand() -> None:
    """+4 points for 400 people and -1.5 for 600: 16 more and 9 fewer, 7 more together."""
    record = subject.estimate_spillover(draw_study(), "rate", "the-place")
    inside, beside = sides(record)
    assert record.ring == ("A02", "A03")
    assert [(item.area, item.reason) for item in record.left_out] == [("A04", "rival active from 2018-01")]
    assert record.n_donors == 25
    assert (inside.att, beside.att) == (pytest.approx(INSIDE), pytest.approx(BESIDE))
    assert (inside.residents, beside.residents) == (400.0, 600.0)
    assert (inside.count, beside.count) == (pytest.approx(16.0), pytest.approx(-9.0))
    assert (record.net, record.count_unit) == (pytest.approx(7.0), "people")
    assert (record.design, record.area_name, record.synthetic, record.level) == ("drawn", "The Place", True, 0.1)


def test_the_ring_is_the_same_where_the_protocol_keeps_neighbours() -> None:
    kept = subject.estimate_spillover(draw_study(exclude_neighbours=False, noise=0.3), "rate", "the-place")
    assert dump_json(kept) == dump_json(subject.estimate_spillover(draw_study(noise=0.3), "rate", "the-place"))


def test_the_interval_of_both_allows_for_what_they_share() -> None:
    """Around the sum, as wide in people as that of area and ring taken as one place, and a little more where the two differ."""
    study = draw_study(noise=0.3)
    record = subject.estimate_spillover(study, "rate", "the-place")
    inside, beside = sides(record)
    assert record.net == pytest.approx((inside.count or 0.0) + (beside.count or 0.0))
    assert record.net_basis == "joint placebo places"
    assert record.net_interval is not None
    assert (record.net_interval.low + record.net_interval.high) / 2 == pytest.approx(record.net)
    merged = replace(study.design, treated=(draw_unit("both", "A00", "A01", "A02", "A03", start="2019-01"),))
    contracts = replace(study.contracts, exposures=study.contracts.exposures[2:], neighbours=())
    joint = subject._judge(
        study,
        subject.build_comparison(
            study.panel,
            replace(merged, donors=replace(merged.donors, exclude_neighbours=False)),
            replace(contracts, neighbours=study.contracts.neighbours),
            outcome="rate",
            area="all",
        ),
        "twfe",
    )
    assert joint.comparison.donors == CODES[5:]
    apart = abs(joint.estimate.att * 10.0 - record.net)
    assert width(record.net_interval) == pytest.approx(width(joint.inference.interval) * 10.0 + 2 * apart)
    assert apart < 1e-6


def test_without_enough_placebo_places_the_two_intervals_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "FEWEST_BLOCKS", 100)
    record = subject.estimate_spillover(draw_study(noise=0.3, level=0.2), "rate", "the-place")
    halved = subject.estimate_spillover(draw_study(noise=0.3, level=0.1), "rate", "the-place")
    assert record.net_basis == "sum of the two intervals"
    assert width(record.net_interval) == pytest.approx(sum(width(side.count_interval) for side in sides(halved)))


def test_the_planted_ring_lies_in_its_interval_and_a_ring_without_one_mostly_holds_zero() -> None:
    found = [sides(subject.estimate_spillover(draw_study(noise=0.5, seed=n), "rate", "the-place"))[1].interval for n in range(12)]
    assert sum(i is not None and i.low <= BESIDE <= i.high for i in found) >= 9
    nothing = [
        sides(subject.estimate_spillover(draw_study(noise=0.5, seed=n, beside=0.0), "rate", "the-place"))[1].interval
        for n in range(12)
    ]
    assert sum(i is not None and i.low <= 0.0 <= i.high for i in nothing) >= 9


def test_an_authority_next_to_two_places_belongs_to_the_one_that_starts_first() -> None:
    study = draw_study(pairs=(("A00", "A02"), ("A10", "A02"), ("A10", "A11")))
    units = (draw_unit("later", "A00", "A01", start="2020-01"), draw_unit("first", "A10", "A12", start="2019-01"))
    design = replace(study.design, treated=units)
    near, far = (subject._build(study, design, "rate", "all", exclude_neighbours=yes) for yes in (False, True))
    ring = subject.find_ring(study.contracts, design, near, far)
    assert [(unit.code, unit.members, unit.start) for unit in ring.units] == [("next-to-first", ("A02", "A11"), "2019-01")]
    single = replace(design, unit="authority", treated=(draw_unit("A10", start="2019-01"), draw_unit("A00", start="2020-01")))
    near, far = (subject._build(study, single, "rate", "all", exclude_neighbours=yes) for yes in (False, True))
    ring = subject.find_ring(study.contracts, single, near, far)
    assert [(unit.code, unit.members, unit.start) for unit in ring.units] == [
        ("A02", ("A02",), "2019-01"),
        ("A11", ("A11",), "2019-01"),
    ]


def test_single_authorities_have_a_ring_of_single_authorities() -> None:
    study = draw_study(pairs=(("A00", "A02"), ("A00", "A03")))
    panel = replace(study.panel, frame=study.panel.frame.loc[study.panel.frame["outcome"] == "rate"])
    design = replace(study.design, unit="authority", treated=(draw_unit("A00", start="2019-01"),))
    alone = replace(study, design=design, panel=panel)
    record = subject.estimate_spillover(alone, "rate", "A00")
    assert record.ring == ("A02", "A03")
    assert sides(record)[1].att == pytest.approx(BESIDE)
    # a panel without a population cannot count people, and says so
    assert (record.net, record.net_interval) == (None, None)
    assert record.why_no_net == "the panel has no population of every authority"


# ---------------------------------------------------------------- no ring is said, and is no error


def test_no_ring_is_said() -> None:
    record = subject.estimate_spillover(draw_study(pairs=()), "rate", "the-place")
    assert record.why_not == "no untreated local authority that may be compared touches The Place"
    assert (record.ring, record.beside, record.net, record.net_interval) == ((), None, None, None)
    only = subject.estimate_spillover(draw_study(pairs=(("A01", "A04"),)), "rate", "the-place")
    assert only.why_not.endswith("; of those that touch it, 1 cannot be used")
    for item in (record, only):
        assert name_ring(item, RATE, draw_study().design) == "not estimated"
        assert "We do not report an estimate" in say_ring(item, RATE, draw_study().design)
        assert "are not added up: there is no estimate next door." in say_net(item, RATE)


def test_no_comparison_area_outside_the_ring_is_said() -> None:
    every = tuple(("A00", code) for code in CODES[2:])
    record = subject.estimate_spillover(draw_study(pairs=every), "rate", "the-place")
    assert record.why_not == "no comparison area is left."
    assert record.beside is None


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.tuples(st.sampled_from(CODES), st.sampled_from(CODES)), max_size=12))
def test_whatever_touches_what_there_is_a_record_and_the_ring_is_who_touches_the_place(pairs: set[tuple[str, str]]) -> None:
    drawn = tuple(sorted(pair for pair in pairs if pair[0] != pair[1]))
    record = subject.estimate_spillover(draw_study(pairs=drawn, draws=19), "rate", "the-place")
    touching = {b for a, b in both_ways(drawn) if a in ("A00", "A01") and b not in ("A00", "A01")}
    assert set(record.ring) == touching - {"A04"}
    assert {item.area for item in record.left_out} == touching & {"A04"}
    assert bool(record.why_not) == (not record.ring)
    assert (record.beside is None) == (not record.ring)
    assert record.n_donors == 27 - len(record.ring)


# ---------------------------------------------------------------- in words, on paper, on disk


def draw_record(inside: tuple[float, float], beside: tuple[float, float], **changes: Any) -> Spillover:
    """A record with given intervals, 100,000 residents on either side."""

    def side(low: float, high: float) -> SpilloverSide:
        return SpilloverSide(
            authorities=2, att=(low + high) / 2, interval=Interval(low=low, high=high), p_value=0.2, mde=high - low,
            residents=1e5, count=500.0 * (low + high), count_interval=Interval(low=1000.0 * low, high=1000.0 * high),
        )  # fmt: skip

    middle = 500.0 * (sum(inside) + sum(beside))
    half = 500.0 * (inside[1] - inside[0] + beside[1] - beside[0])
    record = Spillover(
        design="drawn", outcome="rate", area="the-place", area_name="The Place", unit="pp", estimator="twfe", level=0.1, reps=99,
        seed=1, ring=("A02", "A03"), left_out=(), n_donors=25, inside=side(*inside), beside=side(*beside), count_unit="people",
        net=middle, net_interval=Interval(low=middle - half, high=middle + half), net_basis="joint placebo places",
        synthetic=False,
    )  # fmt: skip
    return replace(record, **changes)


ends = st.tuples(st.floats(-9, 9, allow_nan=False), st.floats(0.01, 6)).map(lambda pair: (pair[0] - pair[1], pair[0] + pair[1]))


@settings(max_examples=150, deadline=None)
@given(ends, ends, st.one_of(st.none(), st.floats(0.1, 5)))
def test_words_never_say_more_than_the_intervals(
    inside: tuple[float, float], beside: tuple[float, float], plausible: float | None
) -> None:
    design = replace(draw_study().design, plausible_effect=plausible)
    record = draw_record(inside, beside)
    word, said, net = name_ring(record, RATE, design), say_ring(record, RATE, design), say_net(record, RATE)
    holds = beside[0] <= 0.0 <= beside[1]
    assert (word == "stands out, not confirmed") == (not holds)
    assert ("do not treat this as a finding" in said) == (not holds)
    assert ("Neither stands out" in net) == (holds and inside[0] <= 0.0 <= inside[1])
    assert check_wording(f"{said} {net}") == []
    mirrored = draw_record((-inside[1], -inside[0]), (-beside[1], -beside[0]))
    swap = {"lower": "higher", "higher": "lower"}
    words = [w for w in said.replace(",", " ").replace(".", " ").split() if w in swap]
    other = [w for w in say_ring(mirrored, RATE, design).replace(",", " ").replace(".", " ").split() if w in swap]
    if not holds:
        assert other == [swap[w] for w in words]


def test_displacement_in_words() -> None:
    assert "may have been moved from next door, or" in say_net(draw_record((-3, -1), (0.5, 2.5)), RATE)
    assert "both together may not differ" in say_net(draw_record((-3, -1), (0.5, 2.5)), RATE)
    alone = say_net(draw_record((-3, -1), (-0.2, 0.4)), RATE)
    assert "Up to 400 more people next door cannot be ruled out" in alone
    assert "both together still stand out" in alone
    assert "speaks against displacement" in say_net(draw_record((-3, -1), (-2, -1)), RATE)
    assert "The neighbours alone stand out" in say_net(draw_record((-3, 1), (-2, -1)), RATE)


def test_a_side_that_failed_its_check_is_not_reported() -> None:
    record = draw_record((-3, -1), (-2, -1))
    assert record.beside is not None
    failed = replace(record, beside=replace(record.beside, checks_failed=("Movement before the start",)))
    design = draw_study().design
    assert name_ring(failed, RATE, design) == "comparison not credible"
    assert "failed a check set in advance: “Movement before the start”" in say_ring(failed, RATE, design)
    assert "are not added up" in say_net(failed, RATE)
    assert table_rings([failed], RATE, design, caption="x").rows[0][3] == "[x]"
    net = table_net([failed], RATE, caption="x")
    assert net is not None
    assert net.rows[0][2:4] == ("[x]", "[x]")
    assert len(figure_spillover([failed], RATE, design).data.dropna(subset=["low"])) == 1


def test_a_record_is_one_file_and_comes_back(tmp_path: Path) -> None:
    record = subject.estimate_spillover(draw_study(noise=0.3), "rate", "the-place")
    (path,) = subject.save_spillover([record], tmp_path)
    assert path == tmp_path / "spillover" / "rate" / "the-place.json"
    assert dump_json(from_plain(Spillover, json.loads(path.read_text("utf-8")))) == dump_json(record)


def test_tables_and_picture_hold_every_area_with_and_without_a_ring() -> None:
    design = draw_study().design
    records = [draw_record((-3, -1), (-2, 1)), subject.estimate_spillover(draw_study(pairs=()), "rate", "the-place")]
    rings = table_rings(records, RATE, design, caption="x")
    assert [row[4] for row in rings.rows] == ["Too imprecise to tell", "Not estimated"]
    assert rings.rows[1][5].startswith("No untreated local authority")
    assert len(table_sides(records, RATE, design, caption="x").rows) == 6
    assert table_net(records[1:], RATE, caption="x") is None
    picture = figure_spillover(records, RATE, design)
    assert picture.svg == figure_spillover(records, RATE, design).svg
    assert len(picture.data) == 4
    assert "The Place: not estimated." in picture.alt
    assert picture.alt != picture.caption

"""The area profile on panels drawn by hand: every answer is arithmetic that stands beside it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from statistics import NormalDist

import pytest
from drawn import draw_area, draw_contracts, draw_exposure, draw_outcome, draw_panel

from evaluation.contracts.load import load_contracts
from evaluation.errors import ConfigurationError, DataError
from evaluation.plain import dump_json, from_plain
from evaluation.profile import find_subject, profile_area, save_profile
from evaluation.profile.presence import first_programme_month, list_presences
from evaluation.results import Others, Profile

A, B, C, D = "E06000001", "E06000002", "E06000003", "E06000004"
AREAS = [draw_area(code) for code in (A, B, C, D)]
YEARS = [str(year) for year in range(2010, 2024)]
Z = NormalDist().inv_cdf(0.975)
RESIDENTS = {A: [100.0], B: [200.0], C: [300.0], D: [400.0]}


def outcomes(**changes):
    survey = draw_outcome("rate", survey=True, name="idle rate", **changes)
    count = draw_outcome("claimants", name="claimant rate")
    people = draw_outcome("residents", unit="people", population=None, denominator="")
    return survey, count, people


def flat(**levels):
    """One level in every year for each area."""
    return {code: [levels[name]] * len(YEARS) for code, name in zip((A, B, C, D), "abcd", strict=True)}


def contracts(exposures=None, **changes):
    rows = [draw_exposure("scheme", A, "2023-04-01", place="here", place_name="Here")] if exposures is None else exposures
    return draw_contracts(AREAS, outcomes=outcomes(**changes), exposures=rows, programmes=("scheme", "other", "universal"))


def panel(values, se, **more):
    figures = {"rate": values, "residents": RESIDENTS, **more}
    periods = {"rate": YEARS, "residents": ["2015"], **dict.fromkeys(more, YEARS)}
    return draw_panel(figures, periods, se={"rate": {code: [se[n]] * len(YEARS) for n, code in enumerate((A, B, C, D))}})


def level(profile, outcome="rate"):
    return next(item for item in profile.levels if item.outcome == outcome)


def test_the_level_stands_beside_the_mean_of_the_nation_with_its_own_share_in_it():
    made = profile_area(panel(flat(a=30, b=20, c=10, d=20), se=(2, 1, 1, 1)), contracts(), A)
    found = level(made)
    # by residents 100, 200, 300, 400: 3 + 4 + 3 + 8
    assert found.nation == pytest.approx(18.0)
    assert found.weighted
    assert (found.period, found.value, found.nation_areas) == ("2023", 30.0, 4)
    assert found.interval.low == pytest.approx(30 - Z * 2)
    # area less nation = 0.9 a - 0.2 b - 0.3 c - 0.4 d: variance 3.24 + 0.04 + 0.09 + 0.16
    assert Z * math.sqrt(3.53) < 12
    assert found.standing == "higher"


@pytest.mark.parametrize(("value", "standing"), [(22.0, "cannot tell"), (22.2, "higher"), (14.0, "cannot tell"), (13.8, "lower")])
def test_a_difference_within_sampling_error_cannot_be_told(value, standing):
    # with the others at 18 the area is 0.9 (a - 18) from the mean, with an error of sqrt(3.53): a - 18 must pass 4.09
    assert 4.0 < Z * math.sqrt(0.81 * 4 + 0.04 + 0.09 + 0.16) / 0.9 < 4.2
    assert level(profile_area(panel(flat(a=value, b=18, c=18, d=18), se=(2, 1, 1, 1)), contracts(), A)).standing == standing


def test_other_areas_are_counted_with_a_bound_that_holds_for_all_of_them():
    # three comparisons at 95% together: 1 - 0.05 / 6, about 2.394 standard errors of sqrt(2)
    bound = NormalDist().inv_cdf(1 - 0.05 / 6) * math.sqrt(2)
    assert 3.3 < bound < 3.4
    values = flat(a=20, b=20 + 3.3, c=20 + 3.5, d=20 - 3.5)
    assert level(profile_area(panel(values, se=(1, 1, 1, 1)), contracts(), A)).others == Others(lower=1, higher=1, unclear=1)


def test_changes_over_years_carry_the_error_of_both_ends():
    rising = [20.0 + n for n in range(len(YEARS))]
    made = profile_area(panel({A: rising, B: rising, C: rising, D: rising}, se=(1, 1, 1, 1)), contracts(), A)
    one, three, five = level(made).changes
    assert [(c.years, c.from_period, c.value) for c in (one, three, five)] == [
        (1, "2022", 1.0),
        (3, "2020", 3.0),
        (5, "2018", 5.0),
    ]
    # independent years: sqrt(1 + 1), so 1 year is within 2.77 and 3 years are not
    assert one.interval.high == pytest.approx(1 + Z * math.sqrt(2))
    assert [c.standing for c in (one, three, five)] == ["cannot tell", "higher", "higher"]
    assert [c.nation for c in (one, three, five)] == pytest.approx([1.0, 3.0, 5.0])
    assert all(c.overlap == 0 for c in (one, three, five))


def test_windows_that_share_months_share_that_part_of_their_error():
    """Figures of three years: a year apart they share two thirds, so the variance of the change is 1 + 1 - 4/3."""
    rising = [20.0 + n for n in range(len(YEARS))]
    periods = [f"{year}-12" for year in YEARS]
    rolling = contracts(window_months=36, frequency="quarterly")
    figures = draw_panel(
        {"rate": {code: rising for code in (A, B, C, D)}, "residents": RESIDENTS},
        {"rate": periods, "residents": ["2015"]},
        se={"rate": {code: [1.0] * len(YEARS) for code in (A, B, C, D)}},
    )
    one, three, _ = level(profile_area(figures, rolling, A)).changes
    assert one.overlap == pytest.approx(2 / 3)
    assert one.interval.high - one.value == pytest.approx(Z * math.sqrt(2 - 4 / 3))
    assert three.overlap == 0
    assert three.interval.high - three.value == pytest.approx(Z * math.sqrt(2))


def test_a_count_has_no_interval_and_is_the_same_where_it_reads_the_same():
    figures = panel(flat(a=1, b=2, c=3, d=4), se=(1, 1, 1, 1), claimants=flat(a=4.02, b=4.0, c=4.0, d=4.0))
    found = level(profile_area(figures, contracts(), A), "claimants")
    assert found.interval is None
    assert not found.sampled
    assert found.standing == "the same", "4.02 and 4.002 both read 4.0"
    assert found.others == Others(lower=0, higher=0, unclear=3)
    assert [c.standing for c in found.changes] == ["the same"] * 3


def test_a_survey_without_published_error_cannot_tell_anything():
    figures = draw_panel({"rate": flat(a=90, b=1, c=1, d=1), "residents": RESIDENTS}, {"rate": YEARS, "residents": ["2015"]})
    found = level(profile_area(figures, contracts(), A))
    assert (found.standing, found.interval, found.others, found.sampled) == ("cannot tell", None, None, True)
    assert {c.standing for c in found.changes} == {"cannot tell"}


def test_a_place_is_the_mean_of_its_authorities_by_residents():
    rows = [draw_exposure("scheme", code, "2023-04-01", place="here", place_name="Here") for code in (A, B)]
    found = profile_area(panel(flat(a=30, b=20, c=10, d=10), se=(2, 1, 1, 1)), contracts(rows), "here")
    assert (found.area_name, found.member_names) == ("Here", (f"Town {A}", f"Town {B}"))
    mean = level(found)
    assert mean.value == pytest.approx((30 + 2 * 20) / 3)
    assert mean.interval.high - mean.value == pytest.approx(Z * math.sqrt((2 / 3) ** 2 + (2 / 3) ** 2))
    assert mean.others is None, "a place is not one of the authorities"
    assert not {A, B} & {area.code for area in found.similar.areas}


def test_without_residents_every_authority_counts_the_same_and_the_profile_says_so():
    figures = panel(flat(a=30, b=20, c=10, d=20), se=(1, 1, 1, 1))
    bare = replace(figures, frame=figures.frame[figures.frame["outcome"] != "residents"])
    found = level(profile_area(bare, contracts(), A))
    assert found.nation == pytest.approx(20.0)
    assert not found.weighted


def test_a_mean_of_few_authorities_does_not_stand_for_the_nation():
    values = flat(a=30, b=20, c=10, d=20)
    values[B] = [None] * len(YEARS)
    found = level(profile_area(panel(values, se=(1, 1, 1, 1)), contracts(), A))
    assert (found.nation, found.standing) == (None, "not compared"), "three of four are under eight tenths"


def test_the_latest_figure_is_the_latest_of_the_area():
    values = flat(a=30, b=20, c=10, d=20)
    values[A] = [30.0] * (len(YEARS) - 1) + [None]
    found = level(profile_area(panel(values, se=(1, 1, 1, 1)), contracts(), A))
    assert (found.period, found.last_period) == ("2022", "2023")
    values[A] = [None] * len(YEARS)
    gone = level(profile_area(panel(values, se=(1, 1, 1, 1)), contracts(), A))
    assert gone.value is None
    assert gone.why_not == "not published for this authority (not available)"


def test_nearness_is_the_weighted_mean_of_squares_over_what_is_not_sampling_error():
    # two measures of the rate (2018-2022 and 2013-2017) and two of the claimant rate, all level: each has the same spread twice
    rate, claimants = dict(a=10, b=10, c=14, d=18), dict(a=2, b=4, c=2, d=6)
    se = 2.0
    figures = panel(flat(**rate), se=(se,) * 4, claimants=flat(**claimants))
    near = profile_area(figures, contracts(), A, similar=3).similar
    variance_rate, variance_claimants = 11.0, 2.75  # of 10, 10, 14, 18 and of 2, 4, 2, 6
    reliable = 1 - (se**2 / 5) / variance_rate  # five years in each mean
    assert [(m.outcome, m.first, m.last) for m in near.measures] == [
        ("claimants", "2018", "2022"), ("claimants", "2013", "2017"), ("rate", "2018", "2022"), ("rate", "2013", "2017"),
    ]  # fmt: skip
    assert [m.reliability for m in near.measures] == pytest.approx([1, 1, reliable, reliable])
    assert sum(m.weight for m in near.measures) == pytest.approx(1)
    w = 1 / (1 + reliable)
    expected = {
        B: math.sqrt(w * 4 / variance_claimants),
        C: math.sqrt((1 - w) * 16 / variance_rate),
        D: math.sqrt(w * 16 / variance_claimants + (1 - w) * 64 / variance_rate),
    }
    assert {area.code: area.distance for area in near.areas} == pytest.approx(expected)
    assert [area.value for area in near.areas if area.code == B] == [4.0], "the headline is the claimant rate"
    assert [area.code for area in near.areas] == sorted(expected, key=expected.get)
    assert (near.before, near.candidates) == ("2023-04", 3)


def test_nothing_from_a_month_with_a_programme_enters_the_distance():
    calm = flat(a=10, b=10, c=14, d=18)
    wild = {code: [*series[:-1], 99.0 * n] for n, (code, series) in enumerate(calm.items())}
    near, other = (profile_area(panel(v, se=(1,) * 4), contracts(), A).similar for v in (calm, wild))
    assert near.measures == other.measures, "2023 ends after April 2023"
    assert [(area.code, area.distance) for area in near.areas] == [(area.code, area.distance) for area in other.areas]


def test_the_first_programme_is_the_first_that_does_not_run_nearly_everywhere():
    rows = [draw_exposure("universal", code, "2016-05-01") for code in (A, B, C, D)]
    rows += [draw_exposure("scheme", A, "2023-04-01"), draw_exposure("other", B, announced="2022-11")]
    assert first_programme_month(contracts(rows)) == "2022-11"
    with pytest.raises(DataError, match="no programme has a date"):
        first_programme_month(contracts([draw_exposure("other", B)]))


def test_programmes_say_since_when_and_how_that_is_known():
    rows = [
        draw_exposure("scheme", A, "2023-04-03", period_end="2025-03-31", place_name="North", area_share=0.25),
        draw_exposure("other", A, announced="2024-11-26", place_name="South"),
        draw_exposure("universal", A, place_name="West"),
        draw_exposure("universal", B, place_name="West"),
    ]
    made = contracts(rows)
    found = {p.programme: p for p in list_presences(made, find_subject(made, A))}
    assert [(p.state, p.since, p.until) for p in found.values()] == [
        ("start not established", "2024-11", ""), ("active", "2023-04", "2025-03"), ("no date", "", ""),
    ]  # fmt: skip
    assert found["scheme"].area_share == 0.25
    assert found["universal"].authorities == (A,)


def test_reasons_without_data_say_why():
    made = profile_area(panel(flat(a=1, b=2, c=3, d=4), se=(1,) * 4), contracts(), A)
    assert len(made.reasons) == 7
    assert {reason.why_not for reason in made.reasons} == {"no contract has an outcome for it"}
    reason = draw_outcome("long_term_sick_share", survey=True, population=None, denominator="inactive residents")
    known = replace(contracts(), outcomes={**contracts().outcomes, reason.id: reason})
    made = profile_area(panel(flat(a=1, b=2, c=3, d=4), se=(1,) * 4), known, A, missing={reason.id: "no file"})
    assert (made.reasons[0].outcome, made.reasons[0].why_not) == (reason.id, "no file")
    figures = panel(flat(a=1, b=2, c=3, d=4), se=(1,) * 4, long_term_sick_share=flat(a=40, b=30, c=30, d=30))
    made = profile_area(figures, known, A)
    assert made.reasons[0].level.value == 40
    assert "long_term_sick_share" not in {item.outcome for item in made.levels}, "a reason stands with the reasons"


def test_an_area_is_found_by_code_name_and_later_code():
    made = replace(contracts(), areas={**contracts().areas, A: replace(AREAS[0], code_2025="E08000099")})
    assert {find_subject(made, name).code for name in (A, f"town {A}", "E08000099")} == {A}
    with pytest.raises(ConfigurationError, match="no authority or place of that code or name; did you mean"):
        find_subject(made, "E06000009")


def test_a_place_drawn_in_two_ways_wants_its_programme():
    rows = [
        draw_exposure("scheme", A, place="here"),
        draw_exposure("other", A, place="here"),
        draw_exposure("other", B, place="here"),
    ]
    with pytest.raises(ConfigurationError, match="programmes draw it differently"):
        find_subject(contracts(rows), "here")
    assert find_subject(contracts(rows), "here", "other").members == (A, B)


def test_a_profile_survives_its_file(tmp_path):
    made = profile_area(panel(flat(a=30, b=20, c=10, d=20), se=(2, 1, 1, 1)), contracts(), A, published=(B,))
    path = save_profile(made, tmp_path)
    assert path == tmp_path / "profile" / f"{A}.json"
    assert from_plain(Profile, json.loads(path.read_text("utf-8"))) == made
    assert path.read_text("utf-8") == dump_json(made)


def test_an_empty_panel_is_refused():
    figures = panel(flat(a=1, b=2, c=3, d=4), se=(1,) * 4)
    with pytest.raises(DataError, match="no figure of an outcome"):
        profile_area(replace(figures, frame=figures.frame.iloc[:0]), contracts(), A)


def protected(**clause):
    """The drawn contracts with families to count, and their one source under a disclosure clause."""
    source = replace(
        load_contracts(standard=False).sources["demonstration"], id="drawn", disclosure={"access": "restricted", **clause}
    )
    families = draw_outcome("families", unit="people", population=None, denominator="")
    known = contracts()
    return replace(known, sources={"drawn": source}, outcomes={**known.outcomes, "families": families})


RULE = {"status": "established", "threshold": 10, "base": 5, "source": "Invented."}


def test_counts_of_a_restricted_source_are_protected_before_anything_is_made_of_them():
    families = {A: [4.0, 12.0], B: [23.0, 4.0], C: [4.0, 4.0], D: [0.0, 51.0]}
    figures = draw_panel({"families": families, "residents": RESIDENTS}, {"families": ["2022", "2023"], "residents": ["2015"]})
    known = protected(**RULE)
    found = level(profile_area(figures, known, A), "families")
    assert (found.value, found.series.area) == (10.0, (None, 10.0)), "12 to the nearest 5; 4 is below 10"
    older = level(profile_area(figures, known, B), "families")
    assert (older.period, older.last_period, older.value) == ("2022", "2023", 25.0)
    hidden = level(profile_area(figures, known, C), "families")
    assert (hidden.value, hidden.flag) == (None, "confidential")
    assert hidden.why_not == "not published for this authority (confidential)"
    assert level(profile_area(figures, known, D), "families").series.area == (0.0, 50.0)
    said = dump_json([profile_area(figures, known, code) for code in (A, B, C, D)])
    assert not {"4.0", "12.0", "23.0", "51.0"} & set(re.findall(r"[0-9]+\.[0-9]+", said))


def test_a_place_with_a_hidden_part_has_no_total():
    rows = [draw_exposure("scheme", code, "2023-04-01", place="here", place_name="Here") for code in (A, B)]
    known = replace(protected(**RULE), exposures=tuple(rows))
    families = {A: [12.0, 4.0], B: [21.0, 40.0]}
    figures = draw_panel({"families": families, "residents": RESIDENTS}, {"families": ["2022", "2023"], "residents": ["2015"]})
    found = level(profile_area(figures, known, "here"), "families")
    assert (found.period, found.value, found.series.area) == ("2022", 30.0, (30.0, None)), "10 and 20; 44 less 40 would tell"


def test_counts_without_a_known_rule_are_left_out_and_rates_are_not():
    known = protected(status="not established")
    more = panel(flat(a=30, b=20, c=10, d=20), se=(1, 1, 1, 1), families=flat(a=1, b=2, c=3, d=4))
    made = profile_area(more, known, A)
    assert [item.outcome for item in made.levels] == ["rate"]
    assert "families: counts of a restricted source whose disclosure rule is not established" in made.missing

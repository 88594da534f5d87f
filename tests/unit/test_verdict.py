"""The verdict: one test for each rule, and the properties no rule may break."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from invented import OUTCOMES, RATE, SECOND, make_design, make_finding, make_unit

from evaluation.errors import ConfigurationError
from evaluation.report.wording import check_wording
from evaluation.results import Check, Finding, Interval, Stress, Variant
from evaluation.synthesis import conclude, conclude_all, explain, find_cap, units_in_window
from evaluation.synthesis.agree import MOST_FLIPPED
from evaluation.synthesis.families import BY_AREA, EXPLORATORY, HEADLINE
from evaluation.synthesis.rules import RULES

DESIGN = make_design()
ORDER = ["not estimated", *RULES]
FAILED = Check(
    name="pre_trend", title="Parallel paths before the start", passed=False, text="Invented.", value=0.99, threshold=0.95
)


def methods(**changes):
    """The same finding by the three methods of the design."""
    return [make_finding(estimator=name, **changes) for name in ("event_study", "twfe", "synthetic_control")]


def judge(findings, design=DESIGN, outcome=RATE, area="amber-vale", **options):
    return conclude(findings, design, outcome=outcome, area=area, **options)


# ---------------------------------------------------------------- one test a rule


def test_detected_gives_interval_first_then_point_then_people():
    found = judge(methods(supported=None))
    assert found.verdict == "detected"
    assert found.sentence == (
        "From April 2025 to June 2026 the idle rate in Amber Vale was between 0.4 and 2.0 percentage points lower than it would "
        "have been without the programme (best estimate 1.2 lower). That is about 2,200 fewer people (700 to 3,700), of 185,000 "
        "residents aged 16 to 64. 2 of 60 untreated areas showed a difference at least as large."
    )
    assert (found.headline, found.att, found.interval) == ("event_study", -1.2, Interval(low=-2.0, high=-0.4))
    assert found.people == Interval(low=-3700.0, high=-740.0)
    assert found.cap is None


def test_one_treated_area_and_few_donors_can_never_be_detected():
    found = judge(methods(smallest_p=1 / 19, supported=None))
    assert found.verdict == "too imprecise to tell"
    assert "too few to tell any difference from chance" in found.because


def test_a_p_value_above_the_level_is_not_detected_whatever_the_interval():
    assert judge(methods(p_value=0.2, supported=None)).verdict == "too imprecise to tell"


def test_a_level_is_the_size_of_the_test():
    def at(findings, level):
        return [replace(f, inferences=(replace(f.inferences[0], level=level),)) for f in findings]

    assert "The 95% interval excludes zero" in judge(at(methods(supported=None), 0.05)).because
    assert "The 90% interval excludes zero" in judge(at(methods(supported=None, p_value=0.09), 0.1)).because
    assert judge(at(methods(smallest_p=0.06, supported=None), 0.05)).verdict == "too imprecise to tell"
    assert judge(at(methods(p_value=0.06, supported=None), 0.05)).verdict == "too imprecise to tell"
    few = judge(at(methods(interval=None, smallest_p=0.06), 0.05))
    assert few.verdict == "not estimated"
    assert "60 placebo comparisons are too few for an interval at the 95% level" in few.sentence


def test_no_second_family_no_detection():
    found = judge(methods(supported=None)[:2])
    assert found.verdict == "mixed signs"
    assert "second family" in found.because


@pytest.mark.parametrize("number", [1, 2])
def test_another_sign_is_mixed(number):
    findings = methods(supported=None)
    findings[number] = make_finding(estimator=findings[number].estimator, att=0.3, interval=(-0.5, 1.0), supported=None)
    found = judge(findings)
    assert found.verdict == "mixed signs"
    assert found.sentence.startswith("Two of three methods suggest a fall; the evidence as a whole does not confirm it.")
    assert "between 0.4 and 2.0 percentage points lower" in found.sentence


def test_a_second_method_that_alone_excludes_zero_is_mixed():
    findings = methods(interval=(-2.0, 0.3), supported=None)
    findings[2] = make_finding(estimator="synthetic_control", att=0.9, interval=(0.2, 1.4), supported=None)
    found = judge(findings)
    assert found.verdict == "mixed signs"
    assert found.sentence.startswith("One of three methods suggests a rise;")


SHAKY = Check(name="leave_one_out", title="Leave one out", passed=False, text="Invented.", kind="robustness")


def test_a_failed_robustness_check_of_any_method_is_mixed():
    found = judge(methods(checks=[SHAKY], supported=None))
    assert found.verdict == "mixed signs"
    assert "the estimate by event study does not hold under “Leave one out”" in found.because
    second = [*methods(supported=None)[:2], make_finding(estimator="synthetic_control", checks=[SHAKY], supported=None)]
    assert judge(second).verdict == "mixed signs"
    assert judge(methods(checks=[replace(SHAKY, kind="credibility")], supported=None)).verdict == "comparison not credible"


def test_what_is_for_information_decides_nothing_and_was_not_left_undone():
    said = Check(name="bounds", title="Bounds", passed=None, text="Invented.", information=True)
    found = judge(methods(checks=[said], supported=None))
    assert found.verdict == "detected"
    assert not any("Bounds" in reason for reason in found.reasons)
    undone = judge(methods(checks=[replace(said, information=False)], supported=None))
    assert "Checks not run: “Bounds”." in undone.reasons


def variants(*signs, area="amber-vale"):
    given = [Variant(name="main", kind="main", title="main", estimator="event_study", att=-1.2, interval=None, p_value=None)]
    given += [
        Variant(name=f"v{n}", kind="window", title="x", estimator="event_study", att=a, interval=None, p_value=None)
        for n, a in enumerate(signs)
    ]
    stress = Stress(
        design="invented-study", outcome=RATE.id, area=area, area_name="", unit="pp", variants=tuple(given), joint_p=None,
        synthetic=False,
    )  # fmt: skip
    return {(RATE.id, area): stress}


@pytest.mark.parametrize(
    ("signs", "verdict"),
    [
        ([-1.0, -0.5, -2.0, 0.1], "detected"),  # one in four is the most there may be
        ([-1.0, -0.5, 0.1], "mixed signs"),
        ([-1.0, -0.5, 0.0], "mixed signs"),
        ([-1.0, None, None, None], "detected"),
        ([], "detected"),
    ],
)
def test_variants_set_in_advance_must_have_the_same_direction(signs, verdict):
    assert MOST_FLIPPED == 1 / 4
    found = judge(methods(supported=None), stress=variants(*signs))
    assert found.verdict == verdict
    if verdict == "mixed signs":
        assert "one of three variants set in advance has another direction" in found.because
    assert judge(methods(supported=None), stress=variants(*signs, area="elsewhere")).verdict == "detected"


def test_a_second_method_that_failed_its_check_cannot_confirm():
    findings = [*methods(supported=None)[:2], make_finding(estimator="synthetic_control", checks=[FAILED], supported=None)]
    assert judge(findings).verdict == "mixed signs"


def test_a_method_of_the_same_family_that_failed_its_check_is_set_aside():
    """The other family confirms; one check in many fails by chance, and the method it belongs to then says nothing."""
    failed = Check(name="pre_trend", title="Movement before", passed=False, text="Invented.")
    findings = methods(supported=None)
    findings[1] = make_finding(estimator=findings[1].estimator, att=0.5, interval=(0.1, 0.9), checks=[failed], supported=None)
    found = judge(findings)
    assert found.verdict == "detected"
    assert any("failed a check and so says nothing either way: “Movement before”" in reason for reason in found.reasons)


def test_failed_check_of_the_headline_hides_the_figure():
    found = judge(methods(checks=[FAILED]))
    assert found.verdict == "comparison not credible"
    assert (found.att, found.interval, found.people, found.headline) == (None, None, None, None)
    assert "“Parallel paths before the start”" in found.sentence


def test_cap_is_supported_people_over_residents():
    assert find_cap(make_finding(people=185_000.0, supported=4000)) == pytest.approx(100 * 4000 / 185_000)
    assert find_cap(make_finding(supported=None)) is None
    assert find_cap(make_finding(people=None)) is None


def test_wholly_beyond_the_cap_is_implausible():
    found = judge(methods(att=-4.0, interval=(-5.0, -2.5)))
    assert found.verdict == "implausible size"
    assert "between 2.5 and 5.0 percentage points lower" in found.sentence
    assert "2.2 percentage points at most" in found.sentence


def test_touching_the_cap_is_not_implausible():
    assert judge(methods(att=-4.0, interval=(-5.0, -2.0))).verdict == "detected"


def test_large_changes_are_ruled_out_on_both_sides_or_not_at_all():
    found = judge(methods(att=-0.1, interval=(-0.7, 0.5)))
    assert found.verdict == "large changes ruled out"
    assert "rule out a fall of more than 0.7 or a rise of more than 0.5 percentage points; smaller" in found.sentence
    assert "excludes both a fall and a rise of 1.0 percentage points" in found.because


@pytest.mark.parametrize(
    ("interval", "words", "because"),
    [
        ((-1.3, 0.5), "A rise of 1.0 percentage points or more is ruled out; a fall of that size", "as well as a fall of 1.0"),
        ((-0.5, 1.3), "A fall of 1.0 percentage points or more is ruled out; a rise of that size", "as well as a rise of 1.0"),
    ],
)
def test_one_side_alone_is_too_imprecise_and_names_what_is_ruled_out(interval, words, because):
    found = judge(methods(att=0.0, interval=interval))
    assert found.verdict == "too imprecise to tell"
    assert f"{words}, the largest thought plausible beforehand, is not." in found.sentence
    assert because in found.because


@pytest.mark.parametrize("interval", [(-1.0, 0.5), (-0.5, 1.0)])
def test_an_interval_that_touches_the_plausible_effect_rules_nothing_out(interval):
    assert judge(methods(att=0.0, interval=interval)).verdict == "too imprecise to tell"


def test_too_imprecise_prints_both_ends_mde_and_cap():
    found = judge(methods(att=-0.4, interval=(-2.04, 1.32), mde=2.41))
    assert found.verdict == "too imprecise to tell"
    for part in (
        "anything from 2.1 percentage points lower to 1.4 higher",
        "reliably detect is 2.5 percentage points",
        "The 4,000 people the programme said it would support could not change the idle rate by more than 2.2 percentage points",
        "Not seeing a difference is not the same as there being none.",
    ):
        assert part in found.sentence


def test_unknown_mde_and_cap_are_said_in_words():
    found = judge(methods(att=-0.4, interval=(-2.0, 1.3), mde=None, supported=None))
    assert found.sentence.count("is not established") == 2


def test_the_yardstick_of_other_outcomes_is_named_as_that_of_the_primary_one():
    found = judge(methods(outcome=SECOND.id, att=-0.4, interval=(-1.3, 0.5)), outcome=SECOND)
    assert "the size set beforehand for the primary outcome" in found.because
    assert "the size set beforehand for the primary outcome, is not." in found.sentence
    assert "thought plausible" not in found.sentence


def test_regions_take_their_article():
    design = make_design([make_unit("north-east", "North East")])
    assert judge([], design, area="north-east").sentence.startswith("We do not report an estimate for the North East:")


def test_too_early_names_the_first_period():
    findings = methods(area="cold-fen", area_name="Cold Fen", start="2025-08")
    found = judge(findings, area="cold-fen")
    assert found.verdict == "not estimated"
    assert found.sentence == (
        "We do not report an estimate for Cold Fen: it is too early to tell before the figures for the 12 months to "
        "September 2026, the first that lie wholly after the start."
    )
    assert found.att is None


def test_pooled_estimate_needs_one_covered_area_and_names_the_others():
    design = make_design([make_unit("a", "Ash"), make_unit("b", "Beech", "2025-12")])
    findings = methods(area="all", start="2025-04 to 2025-12", supported=None, n_treated=2)
    series = findings[0].estimate.series
    half = replace(series, exposure=tuple(x / 2 for x in series.exposure))
    findings = [replace(f, estimate=replace(f.estimate, series=half)) for f in findings]
    found = judge(findings, design, area="all")
    assert found.verdict == "detected"
    assert "Not yet covered by a window wholly after their start: Beech." in found.reasons
    assert found.sentence.startswith("From the start in each area (April 2025 to December 2025) to June 2026")
    late = make_design([make_unit("a", "Ash", "2025-11"), make_unit("b", "Beech", "2025-12")])
    assert "12 months to December 2026" in judge(findings, late, area="all").sentence


def test_areas_that_start_after_the_window_are_not_counted():
    design = make_design([make_unit("a", "Ash"), make_unit("b", "Beech", "2027-01")])
    assert [u.code for u in units_in_window(design, RATE.id)] == ["a"]
    found = judge(methods(area="all", start="2025-04 to 2027-01", supported=None, n_treated=1), design, area="all")
    assert found.sentence.startswith(
        "From the start in each area (April 2025 at the earliest) to June 2026 the idle rate in the area was"
    )
    assert "Not treated within the window, and so used for comparison: Beech." in found.reasons


def test_many_names_become_a_number():
    units = [make_unit("a", "Ash"), *(make_unit(f"late-{n}", f"Late {n}", "2027-01") for n in range(225))]
    found = judge(methods(area="all", start="2025-04 to 2027-01", supported=None), make_design(units), area="all")
    assert "Not treated within the window, and so used for comparison: 225 areas." in found.reasons
    assert not any("Late" in reason for reason in found.reasons)


def test_too_few_periods_before_the_start():
    assert "five periods before the start, and the protocol asks for eight" in judge(methods(first="2024-03")).sentence


@pytest.mark.parametrize(
    ("findings", "options", "words"),
    [
        ([], {}, "no finding by the main method"),
        ([], {"unavailable": "the published figures for 2024 are withheld."}, "the published figures for 2024 are withheld."),
        (methods(interval=None), {}, "could not be computed"),
    ],
)
def test_missing_findings_say_why(findings, options, words):
    found = judge(findings, **options)
    assert found.verdict == "not estimated"
    assert words in found.sentence


def by_area(p_values, outcome=RATE.id, **changes):
    """All methods for the three areas of the design, each with its p-value."""
    names = {"amber-vale": "Amber Vale", "birch-moor": "Birch Moor", "cold-fen": "Cold Fen"}
    options = {"supported": None, "smallest_p": 0.001, "outcome": outcome, "start": "2025-04", **changes}
    return [
        finding
        for (code, name), p in zip(names.items(), p_values, strict=True)
        for finding in methods(area=code, area_name=name, p_value=p, **options)
    ]


def test_areas_are_adjusted_together_after_holm():
    # 3 x 0.01, then 2 x 0.02, then 0.03 itself but not below the one before
    found = {c.area: c for c in conclude_all(by_area([0.03, 0.01, 0.02]), DESIGN, OUTCOMES) if c.primary}
    assert {a: c.adjusted_p for a, c in found.items()} == pytest.approx(
        {"all": None, "amber-vale": 0.04, "birch-moor": 0.03, "cold-fen": 0.04}
    )
    assert {c.family for c in found.values()} == {HEADLINE, BY_AREA}
    assert [c.verdict for a, c in found.items() if a != "all"] == ["detected"] * 3
    assert (
        "after allowing for the three comparisons of its family (the primary outcome, area by area)"
        in found["amber-vale"].because
    )


def test_an_area_that_stands_out_alone_but_not_among_the_others_is_mixed():
    alone = judge(by_area([0.03, 0.4, 0.4]))
    assert alone.verdict == "detected"
    assert alone.adjusted_p is None
    assert "Taken alone: no allowance is made for looking at several areas or outcomes." in alone.reasons
    found = next(c for c in conclude_all(by_area([0.03, 0.4, 0.4]), DESIGN, OUTCOMES) if c.area == "amber-vale")
    assert found.adjusted_p == pytest.approx(0.09)
    assert found.verdict == "mixed signs"
    assert "the main method does not exclude zero after allowing for the three comparisons of its family" in found.because
    assert "Taken alone the difference stands out from chance; among the three comparisons made, it does not." in found.sentence
    assert found.sentence.startswith("Three of three methods suggest a fall; the evidence as a whole does not confirm it.")
    assert check_wording(found.sentence + found.because + " ".join(found.reasons)) == []


def test_the_question_of_the_study_stands_alone():
    pooled = methods(area="all", start="2025-04 to 2025-08", supported=None, p_value=0.04)
    parts = by_area([0.4, 0.4, 0.4])
    found = conclude_all([*pooled, *parts], DESIGN, OUTCOMES)[0]
    assert (found.area, found.adjusted_p, found.verdict) == ("all", 0.04, "detected")
    assert not any("Taken alone" in r or "Allowance" in r for r in found.reasons)
    assert not any("Taken alone" in r for r in judge(pooled, area="all").reasons)


def test_other_outcomes_are_one_family_over_outcomes_and_areas():
    third = replace(SECOND, id="third_rate", name="third rate")
    plans = (*DESIGN.outcomes, replace(DESIGN.outcomes[1], id="third_rate"))
    design = replace(DESIGN, outcomes=plans)
    findings = [*by_area([0.01, 0.3, 0.3], SECOND.id), *by_area([0.2, 0.3, 0.3], "third_rate"), *by_area([0.03, 0.5, 0.5])]
    found = conclude_all(findings, design, {**OUTCOMES, "third_rate": third})
    first = next(c for c in found if c.outcome == SECOND.id and c.area == "amber-vale")
    assert first.family == EXPLORATORY
    assert first.adjusted_p == pytest.approx(6 * 0.01)
    assert first.verdict == "mixed signs"
    assert first.reasons[0].startswith("Exploratory: not the primary outcome. Allowance is made for the six comparisons")
    own = next(c for c in found if c.primary and c.area == "amber-vale")
    assert own.adjusted_p == pytest.approx(3 * 0.03), "the primary outcome is not weighed down by the others"


def test_a_comparison_without_an_estimate_was_not_looked_at():
    findings = by_area([0.02, 0.3, 0.001])
    # the third area's programme starts too late for a window wholly after it
    late = [f if f.area != "cold-fen" else replace(f, start="2026-01") for f in findings]
    late = [
        replace(
            f, estimate=replace(f.estimate, series=replace(f.estimate.series, exposure=(0.0,) * len(f.estimate.series.exposure)))
        )
        if f.area == "cold-fen"
        else f
        for f in late
    ]
    found = {c.area: c for c in conclude_all(late, DESIGN, OUTCOMES) if c.primary}
    assert found["cold-fen"].verdict == "not estimated"
    assert found["cold-fen"].adjusted_p is None
    assert found["amber-vale"].adjusted_p == pytest.approx(0.04)


def test_too_few_placebos_to_stand_out_among_the_others_is_said():
    found = {c.area: c for c in conclude_all(by_area([0.02, 0.3, 0.3], smallest_p=0.02), DESIGN, OUTCOMES) if c.primary}
    said = "With 60 placebo comparisons, one of the three comparisons of its family cannot stand out by itself."
    assert said in found["amber-vale"].reasons
    assert said not in judge(by_area([0.02, 0.3, 0.3], smallest_p=0.02)).reasons


def sized(size, **changes):
    """The usual methods with a measured size of their tests."""
    return [replace(f, inferences=(replace(f.inferences[0], size=size, size_reps=250),)) for f in methods(**changes)]


def test_an_interval_of_a_test_that_errs_too_often_rules_nothing_out():
    narrow = {"att": -0.1, "interval": (-0.7, 0.5)}
    assert judge(sized(0.075, **narrow)).verdict == "large changes ruled out"
    found = judge(sized(0.123, **narrow))
    assert found.verdict == "too imprecise to tell"
    assert "ruled out" not in judge(sized(0.123, att=0.0, interval=(-1.3, 0.5))).sentence
    assert (
        found.because
        == "The interval includes zero and no plausible effect, but the test errs too often on this panel to go by it."
    )


def test_a_test_that_finds_something_too_often_is_named():
    said = "On this panel the test finds something in 12.3% of 250 placebo places like this one, where nothing happened;"
    assert f"{said} 5% are intended." in judge(sized(0.123, supported=None)).reasons
    for size in (None, 0.05, 0.075):
        assert not any("placebo places like this one" in reason for reason in judge(sized(size, supported=None)).reasons)


def test_every_rule_says_why_it_decided_or_did_not():
    found = judge(methods(interval=(-2.0, 0.3), p_value=0.2))
    assert found.verdict == "too imprecise to tell"
    assert [line.split(":")[0] for line in found.trail] == [f"{n} {name}" for n, name in enumerate(ORDER, 1)]
    assert sum("decides" in line for line in found.trail) == 1
    assert "29 periods before the start, and the protocol asks for eight" in found.trail[0]
    assert "does not lie wholly beyond 2.2 percentage points" in found.trail[2]
    assert "anything from 2.0 percentage points lower to 0.3 higher" in found.trail[3]
    assert "Of three methods, none excludes zero." in found.trail[4]
    early = judge([])
    assert early.trail[0].startswith("1 not estimated: decides.")
    assert all(line.endswith("not reached.") for line in early.trail[1:])
    hidden = judge(methods(checks=[FAILED]))
    assert "decides. A check set in the protocol failed" in hidden.trail[1]


def test_explain_prints_rules_reasons_and_every_method():
    findings = by_area([0.03, 0.4, 0.4])
    found = next(c for c in conclude_all(findings, DESIGN, OUTCOMES) if c.area == "amber-vale")
    assert found.explain().splitlines()[:2] == ["Amber Vale, idle_rate: mixed signs", found.trail[0]]
    text = explain(found, findings, DESIGN)
    assert text.startswith(found.explain())
    for part in (
        "p-value 0.090 after Holm's adjustment, and the level is 0.05",
        "event_study: -1.200 pp; 95% interval -2.000 to -0.400; p-value 0.030 from 60 placebo comparisons; no check failed",
        "synthetic_control: -1.200 pp",
    ):
        assert part in text
    assert "p-value" not in "".join((*found.reasons, found.sentence, found.because)), "they stand in the annex only"


def test_other_outcomes_are_exploratory_and_the_primary_is_not():
    found = judge(methods(outcome=SECOND.id), outcome=SECOND)
    assert not found.primary
    assert found.reasons[0].startswith("Exploratory")
    assert not any("Exploratory" in r for r in judge(methods()).reasons)


def test_all_conclusions_come_pooled_first_then_by_name():
    design = make_design([make_unit("z", "Ash"), make_unit("a", "Élan"), make_unit("m", "Beech")])
    found = conclude_all([], design, OUTCOMES, unavailable={(RATE.id, "m"): "a file is missing"})
    assert [c.area for c in found] == ["all", "all", "z", "z", "m", "m", "a", "a"]
    assert [c.outcome for c in found][:2] == [RATE.id, SECOND.id]
    assert "a file is missing" in found[4].sentence


def test_unknown_area_is_refused():
    with pytest.raises(ConfigurationError, match="area 'nowhere' is not treated"):
        judge([], area="nowhere")


def pooled_without_synthetic_control():
    return methods(area="all", start="2025-04 to 2025-08", supported=None, n_treated=3)[:2]


def single(area, att, **changes):
    return make_finding(area=area, estimator="synthetic_control", att=att, **changes)


@pytest.mark.parametrize(
    ("parts", "verdict", "words"),
    [
        ([single("amber-vale", -2.0), single("birch-moor", 0.5)], "detected", "agree in direction"),
        ([single("amber-vale", -0.4), single("birch-moor", 0.5)], "mixed signs", "does not have the same direction"),
        # By residents the mean is (4 x -0.4 + 0.5) / 5, below zero.
        ([single("amber-vale", -0.4, people=400_000.0), single("birch-moor", 0.5, people=100_000.0)], "detected", "agree"),
        ([single("amber-vale", -2.0)], "mixed signs", "passed their checks in 1 of 3 areas"),
        ([single("amber-vale", -2.0), single("birch-moor", -2.0, checks=[FAILED])], "mixed signs", "in 1 of 3 areas"),
        ([], "mixed signs", "second family"),
    ],
)
def test_for_all_areas_the_synthetic_controls_of_single_areas_are_the_second_family(parts, verdict, words):
    found = judge([*pooled_without_synthetic_control(), *parts], area="all")
    assert found.verdict == verdict
    assert words in found.because


@pytest.mark.parametrize(
    ("att", "checks", "verdict"), [(-0.4, (), "detected"), (0.4, (), "mixed signs"), (-0.4, (FAILED,), "mixed signs")]
)
def test_a_pooled_synthetic_control_of_the_design_is_the_second_family(att, checks, verdict):
    design = replace(DESIGN, pooled_synthetic_control_estimators=("staggered_synthetic_control",))
    second = make_finding(area="all", estimator="staggered_synthetic_control", att=att, interval=(-2.0, 2.0), checks=checks)
    found = judge([*pooled_without_synthetic_control(), second], design, area="all")
    assert found.verdict == verdict
    # the single areas no longer speak for the family
    parts = [single("amber-vale", -2.0), single("birch-moor", -2.0)]
    lone = judge([*pooled_without_synthetic_control(), *parts], design, area="all")
    assert lone.verdict == "mixed signs"
    assert "no estimate by a second family" in lone.because


# ---------------------------------------------------------------- properties


effects = st.floats(-6, 6, allow_nan=False).map(lambda x: round(x, 4))
widths = st.floats(0.001, 5).map(lambda x: round(x, 4))
options = st.fixed_dictionaries(
    {
        "mde": st.none() | st.floats(0.01, 9),
        "supported": st.none() | st.integers(50, 20_000),
        "people": st.none() | st.floats(2e4, 3e6),
        "smallest_p": st.sampled_from([None, 0.004, 0.05, 0.1]),
        "with_p": st.booleans(),
    }
)
# Few placebos and few periods: hypothesis prints a failing example in full.
BASE = {name: make_finding(estimator=name, placebos=0, first="2022-03") for name in ("event_study", "twfe", "synthetic_control")}


def vary(estimator: str, att: float, below: float, above: float, *, mde, supported, people, smallest_p, with_p) -> Finding:
    base = BASE[estimator]
    p_value = consistent_p(att - below, att + above) if with_p else None
    inference = replace(
        base.inferences[0], interval=Interval(low=att - below, high=att + above), mde=mde, smallest_p=smallest_p, p_value=p_value
    )
    return replace(base, estimate=replace(base.estimate, att=att), inferences=(inference,), supported=supported, people=people)


def consistent_p(low: float, high: float) -> float:
    """A p-value that says the same as the interval, as test inversion makes it."""
    return 0.3 if low <= 0 <= high else 0.004


@st.composite
def evidence(draw):
    shared = draw(options)
    return [vary(name, draw(effects), draw(widths), draw(widths), **shared) for name in BASE]


def flip(finding: Finding) -> Finding:
    inference = finding.inferences[0]
    flipped = Interval(low=-inference.interval.high, high=-inference.interval.low)
    return replace(
        finding, estimate=replace(finding.estimate, att=-finding.estimate.att), inferences=(replace(inference, interval=flipped),)
    )


PAIR = re.compile(r"([\d,]+(?:\.\d+)?)(?: percentage points| people)? (lower|higher|fewer|more)\b")
FALL = re.compile(r"(fall|rise) of (?:more than )?([\d,]+(?:\.\d+)?)")
OTHER = {"lower": "higher", "higher": "lower", "fewer": "more", "more": "fewer", "fall": "rise", "rise": "fall"}


def directions(text: str) -> list[tuple[str, str]]:
    return sorted([(n, w) for n, w in PAIR.findall(text)] + [(n, w) for w, n in FALL.findall(text)])


@settings(max_examples=150, deadline=None)
@given(evidence())
def test_flipping_signs_flips_the_words_and_nothing_else(findings):
    assume(all(f.estimate.att != 0 for f in findings))
    one, other = judge(findings), judge([flip(f) for f in findings])
    assert one.verdict == other.verdict
    assert directions(other.sentence) == sorted((n, OTHER[w]) for n, w in directions(one.sentence))
    assert (one.mde, one.cap) == (other.mde, other.cap)


@settings(max_examples=150, deadline=None)
@given(evidence(), st.floats(0, 3), st.floats(0, 3))
def test_widening_an_interval_only_moves_down_the_list(findings, below, above):
    before = judge(findings)
    inference = findings[0].inferences[0]
    wide = Interval(low=inference.interval.low - below, high=inference.interval.high + above)
    p_value = None if inference.p_value is None else consistent_p(wide.low, wide.high)
    after = judge([replace(findings[0], inferences=(replace(inference, interval=wide, p_value=p_value),)), *findings[1:]])
    assert ORDER.index(after.verdict) >= ORDER.index(before.verdict)


@settings(max_examples=150, deadline=None)
@given(evidence())
def test_an_interval_with_zero_is_never_detected_and_both_ends_are_printed(findings):
    found = judge(findings)
    interval = findings[0].inferences[0].interval
    if interval.low <= 0 <= interval.high:
        assert found.verdict != "detected"
    assert found.interval == interval
    assert len(re.findall(r"\d+(?:\.\d+)? (?:and|percentage points lower to|or a rise of more than) ", found.sentence)) >= 1
    if found.verdict == "large changes ruled out":
        assert -DESIGN.plausible_effect < interval.low <= interval.high < DESIGN.plausible_effect
    if found.verdict == "too imprecise to tell":
        assert "reliably detect is" in found.sentence
        assert "not established" in found.sentence or "could not change" in found.sentence


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(effects, widths, st.integers(1, 50)), min_size=3, max_size=3),
    st.integers(0, 2),
    st.floats(0, 3),
    st.integers(0, 49),
)
def test_widening_one_area_strengthens_no_area(areas, which, wider, rise):
    def run(changed):
        findings = []
        for n, (code, (att, width, rank)) in enumerate(zip(("amber-vale", "birch-moor", "cold-fen"), areas, strict=True)):
            widened = changed and n == which
            half = width + wider * widened
            # as test inversion makes it: at most the level exactly where the interval excludes zero
            p = min(rank + rise * widened, 50) / 1001 if half < abs(att) else 0.7
            # without a second family there is no detection, so all methods say the same
            for name, base in BASE.items():
                interval = Interval(low=att - half, high=att + half)
                inference = replace(base.inferences[0], interval=interval, p_value=p, smallest_p=0.001)
                estimate = replace(base.estimate, att=att)
                findings.append(
                    replace(base, area=code, estimator=name, estimate=estimate, inferences=(inference,), supported=None)
                )
        return [c.verdict for c in conclude_all(findings, DESIGN, OUTCOMES) if c.primary]

    for before, after in zip(run(False), run(True), strict=True):
        assert ORDER.index(after) >= ORDER.index(before)

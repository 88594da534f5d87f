"""Numbers in words: outward rounding, both ends, and nothing that is not in the finding. All findings are invented."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import OUTCOMES, RATE, make_all, make_design, make_finding

from evaluation.panel.period_words import write_month, write_period, write_span
from evaluation.report import words
from evaluation.report.wording import check_wording
from evaluation.results import Check, Interval
from evaluation.synthesis import conclude, conclude_all
from evaluation.synthesis.numbers import (
    PEOPLE,
    UnitWords,
    choose_digits,
    round_outward,
    write_interval,
    write_magnitude,
    write_people,
    write_point,
    write_range,
)
from evaluation.synthesis.phrases import end_sentence, name_or_count

PP = UnitWords("pp", "percentage points")
POUNDS = UnitWords("gbp", "pounds a week")
DESIGN = make_design()


def between(low, high):
    return Interval(low=low, high=high)


@pytest.mark.parametrize(
    ("interval", "unit", "said"),
    [
        (between(-2.01, -0.36), PP, "between 0.3 and 2.1 percentage points lower"),
        (between(0.36, 2.01), PP, "between 0.3 and 2.1 percentage points higher"),
        (between(-1.1, 0.3), PP, "anything from 1.1 percentage points lower to 0.3 higher"),
        # Outward rounding would make 0.03 touch zero: one more decimal.
        (between(0.03, 1.2), PP, "between 0.03 and 1.20 percentage points higher"),
        # Less than three steps of 0.1 wide: one more decimal.
        (between(-0.12, 0.06), PP, "anything from 0.12 percentage points lower to 0.06 higher"),
        (between(-3740, -210), PEOPLE, "between 200 and 3,800 fewer people"),
        (between(-3740, 210), PEOPLE, "anything from 3,800 fewer people to 300 more"),
        (between(-12.34, 5.671), POUNDS, "anything from £12.4 a week lower to £5.7 higher"),
        (between(123.4, 456.7), POUNDS, "between £123 and £457 a week higher"),
    ],
)
def test_intervals_in_words(interval, unit, said):
    assert write_interval(interval, unit) == said


def test_points_magnitudes_people_and_cells():
    assert write_point(-1.24, between(-2.0, -0.4), PP) == "1.2 lower"
    assert write_range(between(-2.0, -0.4), PP) == "0.4 to 2.0 lower"
    assert write_range(between(-2.0, 0.4), PP) == "2.0 lower to 0.4 higher"
    assert [write_magnitude(x, PP) for x in (2.41, 0.5, 0.216, 0.0032)] == [
        "2.5 percentage points", "0.5 percentage points", "0.22 percentage points", "0.004 percentage points"
    ]  # fmt: skip
    assert [write_people(x) for x in (692_437, 4000, 640)] == ["692,400", "4,000", "640"]


@pytest.mark.parametrize(
    ("base", "said", "people"),
    [
        (0, "between 200 and 3,800 fewer people", "692,400"),
        (250, "between 0 and 4,000 fewer people", "692,000"),
        (1_000, "between 0 and 4,000 fewer people", "692,000"),
    ],
)
def test_people_are_written_no_finer_than_the_rounding_base_of_their_counts(base, said, people):
    unit = UnitWords("people", "people", base)
    assert write_interval(between(-3740, -210), unit) == said
    assert write_people(692_437, base) == people
    assert write_point(-1740, between(-3740, -210), unit) == f"{'2,000' if base else '1,700'} fewer"
    assert write_magnitude(210, unit) == f"{'1,000' if base else '300'} people"
    assert write_interval(between(-0.12, 0.06), UnitWords("pp", "percentage points", base)).startswith("anything from 0.12 ")


def test_sentences_write_people_no_finer_than_the_base():
    findings = [replace(item, people=555_430.0) for item in make_all(DESIGN)]
    for base, step in ((0, 10), (1_000, 1_000)):
        outcomes = {id: replace(item, people_base=base) for id, item in OUTCOMES.items()}
        made = conclude_all(findings, DESIGN, outcomes)
        said = [number for item in made for number in re.findall(r"([0-9][0-9,]*) (?:fewer|more|residents)", item.sentence)]
        numbers = {int(number.replace(",", "")) for number in said}
        assert {number % step for number in numbers} == {0}
        assert (555_400 in numbers) == (not base)


def test_periods_in_words():
    assert [write_period("2026-03", 12), write_period("2026-03", 1), write_period("2017", 12)] == [
        "12 months to March 2026", "March 2026", "2017"
    ]  # fmt: skip
    assert write_month("2025-04-03") == "3 April 2025"
    assert write_span("2015-05", "2017") == "From May 2015 to December 2017"
    assert write_span("2025-04 to 2025-04", "2026-06") == "From April 2025 to June 2026"


ends = st.floats(-400, 400, allow_nan=False).map(lambda x: round(x, 5))


@settings(max_examples=300, deadline=None)
@given(ends, st.floats(0.0001, 50).map(lambda x: round(x, 5)), st.sampled_from([PP, POUNDS, PEOPLE]))
def test_rounding_never_narrows_and_never_crosses_zero(low, width, unit):
    interval = between(low, round(low + width, 5))
    digits = choose_digits(interval, unit.unit)
    shown_low, shown_high = map(float, round_outward(interval, digits))
    step = 10.0**-digits
    slack = 1e-6 * max(abs(low), abs(interval.high), 1)
    assert low - step - slack <= shown_low <= low + slack
    assert interval.high - slack <= shown_high <= interval.high + step + slack


# ---------------------------------------------------------------- no number from elsewhere


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def unexplained(text: str, sources: list[float]) -> list[str]:
    """Numbers of a text that are no rounding, to their own last digit, of any of the sources."""
    left = []
    for token in NUMBER.findall(text):
        bare = token.rstrip(",").replace(",", "")
        if "." in bare:
            step = 10.0 ** -len(bare.split(".")[1])
        else:
            step = 10.0 ** (len(bare) - len(bare.rstrip("0"))) if bare.strip("0") else 100.0
        if not any(abs(float(bare) - abs(x)) <= step * 1.0001 for x in sources):
            left.append(token)
    return left


def numbers_of(finding, design, outcome):
    """Every number a sentence about this finding may hold."""
    estimate, found = (
        finding.estimate,
        [100 - design.level * 100, design.plausible_effect or 0.0, len(design.treated), outcome.window_months],
    )
    found += [
        estimate.att,
        estimate.pre_rmspe,
        *estimate.series.observed,
        *estimate.series.counterfactual,
        *(p.att for p in estimate.path),
    ]
    found += [a - b for a, b in zip(estimate.series.observed, estimate.series.counterfactual, strict=True)]
    found += [len(estimate.path), finding.n_donors, finding.n_treated, 16, 64]
    for inference in finding.inferences:
        found += [inference.reps, inference.as_large or 0, inference.mde or 0.0]
        if inference.interval:
            found += [inference.interval.low, inference.interval.high]
    if finding.people:
        ends = [x for i in finding.inferences if i.interval for x in (i.interval.low, i.interval.high)]
        found += [finding.people, *(x * finding.people / 100 for x in (*ends, estimate.att))]
        found += [100 * (finding.supported or 0) / finding.people]
    found += [finding.supported or 0]
    return [*found, *(float(y) for p in (finding.start, *estimate.series.periods, "2026-12") for y in re.findall(r"\d{4}", p))]


@settings(max_examples=80, deadline=None)
@given(
    st.floats(-5, 5).map(lambda x: round(x, 4)),
    st.floats(0.01, 4),
    st.floats(0.01, 4),
    st.none() | st.floats(0.01, 8),
    st.none() | st.integers(100, 30_000),
    st.integers(20_000, 3_000_000),
)
def test_sentences_hold_no_number_that_is_not_in_the_finding(att, below, above, mde, supported, people):
    findings = [
        make_finding(
            estimator=name, att=att, interval=(att - below, att + above), mde=mde, supported=supported, people=float(people),
            p_value=None, placebos=0, first="2022-03",
        )
        for name in ("event_study", "twfe", "synthetic_control")
    ]  # fmt: skip
    found = conclude(findings, DESIGN, outcome=RATE, area="amber-vale")
    for text in (found.sentence, found.because):
        assert unexplained(text, numbers_of(findings[0], DESIGN, RATE)) == []


def test_a_number_from_elsewhere_would_be_seen():
    finding = make_finding()
    assert unexplained("between 0.4 and 7.7 percentage points", numbers_of(finding, DESIGN, RATE)) == ["7.7"]


def alt_event_study(finding, outcome):
    return words.alt_event_study(finding, outcome, band=True)


def alt_gap(finding, outcome):
    return words.alt_gap(finding, outcome, None)


@pytest.mark.parametrize("make", [words.alt_series, alt_event_study, alt_gap])
def test_alternative_texts_hold_no_number_that_is_not_in_the_finding(make):
    finding = make_finding()
    text = make(finding, RATE)
    before = max(abs(a - b) for a, b, e in zip(
        finding.estimate.series.observed, finding.estimate.series.counterfactual, finding.estimate.series.exposure, strict=True
    ) if e == 0)  # fmt: skip
    assert unexplained(text, [*numbers_of(finding, DESIGN, RATE), before]) == []


# ---------------------------------------------------------------- banned phrases


@pytest.mark.parametrize(
    "text",
    [
        "It had no effect.", "There was No Impact on jobs", "The scheme did not work", "it didn’t work", "This proves it",
        "ineffective", "a trend towards fewer",
        "nearly significant", "marginally lower", "the rate improved", "it worsened", "a significant fall",
        "successful as a result", "it failed to fall", "the programme caused it",
    ],
)  # fmt: skip
def test_banned_phrases_are_found(text):
    assert len(check_wording(text)) >= 1


@pytest.mark.parametrize(
    "text", ["a statistically significant fall", "Nobody may write “no effect” here", "lower than before", "an approved plan"]
)
def test_what_is_allowed_is_not_banned(text):
    assert check_wording(text) == []


def test_caused_is_allowed_where_detected():
    assert check_wording("the programme caused it", detected=True) == []


def test_every_sentence_and_heading_keeps_to_the_words():
    variants = [
        make_all(),
        make_all(interval=(-2.0, -0.4), p_value=0.01),
        make_all(interval=(-9.0, -8.0)),
        make_all(interval=None),
    ]
    seen = set()
    for findings in variants:
        for item in conclude_all(findings, DESIGN, OUTCOMES):
            seen.add(item.verdict)
            text = " ".join([item.sentence, item.because, *item.reasons, words.write_heading(item, OUTCOMES[item.outcome])])
            assert check_wording(text, detected=item.verdict == "detected") == []
    assert len(seen) >= 4


def test_headings_carry_the_verdict_and_label_exploratory_outcomes():
    items = conclude_all([], DESIGN, OUTCOMES)
    assert words.write_heading(items[0], OUTCOMES[items[0].outcome]) == "All areas together, idle rate: not estimated"
    assert words.write_heading(items[3], OUTCOMES[items[3].outcome]) == "Busy rate (exploratory): not estimated"


def of_rate(findings):
    return [c for c in conclude_all(findings, DESIGN, OUTCOMES) if c.outcome == RATE.id]


def test_reach_says_whether_the_evaluation_could_have_seen_it():
    pooled, *areas = of_rate(make_all(mde=3.0))
    said = words.write_reach(pooled, areas, RATE, 1.0)
    assert "is 3.0 percentage points for all areas together, and 3.0 percentage points for single areas" in said
    assert "An effect of 1.0 percentage points, the largest thought plausible beforehand, would most likely go unseen." in said
    assert said.endswith("by 2.2 percentage points at most. Even that would most likely go unseen there.")
    seen = words.write_reach(None, [replace(c, mde=0.4) for c in areas], RATE, 1.0)
    assert "would most likely be seen." in seen
    assert "unseen" not in seen
    some = words.write_reach(replace(pooled, mde=0.4), areas, RATE, 1.0)
    assert "be seen in some of these comparisons only" in some
    assert words.write_reach(None, [replace(c, mde=None, cap=None) for c in areas], RATE, None).count("not established") == 2


def test_reach_of_some_areas_is_said_of_these_only():
    _, *areas = of_rate(make_all(mde=3.0))
    said = words.write_reach(None, [areas[0], *(replace(c, cap=None) for c in areas[1:])], RATE, None)
    assert "in the one of three areas where that number is known" in said


LEADS = {
    "detected": (
        {"interval": (-2.0, -0.4), "p_value": 0.01, "supported": None},
        "was between 0.4 and 2.0 percentage points lower",
    ),
    "large changes ruled out": ({"interval": (-0.5, 0.6)}, "anything from 0.5 percentage points lower to 0.6 higher"),
    "too imprecise to tell": ({"interval": (-1.5, 1.6)}, "anything from 1.5 percentage points lower to 1.6 higher"),
    "implausible size": ({"interval": (-9.0, -8.0)}, "larger than the people supported could produce"),
    "not estimated": ({"interval": None}, "We do not report an estimate"),
    "mixed signs": ({"interval": (-2.0, -0.4), "p_value": 0.01, "supported": None}, "Some methods suggest a difference"),
}


@pytest.mark.parametrize("verdict", LEADS)
def test_the_lead_is_one_sentence_and_claims_no_more_than_the_verdict(verdict):
    changes, part = LEADS[verdict]
    methods = [make_finding(estimator=name, **changes) for name in ("event_study", "twfe", "synthetic_control")]
    # Without the synthetic control there is no second family to confirm.
    used = methods[:2] if verdict == "mixed signs" else methods
    item = conclude(used, DESIGN, outcome=RATE, area="amber-vale")
    assert item.verdict == verdict
    said = words.write_lead(item, RATE, "Amber Vale")
    assert part in said
    assert len(re.findall(r"[.!?](?:\s|$)", said)) == 1
    assert check_wording(said) == []
    assert ("was detected" in said) == (verdict == "large changes ruled out")
    assert unexplained(said, numbers_of(methods[0], DESIGN, RATE)) == []


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([True] * 3, "All 3 checks set in advance passed."),
        ([True, False, None], "Of 3 checks set in advance, 1 passed, one failed (“Check 1”) and one was not run (“Check 2”)."),
        ([True, None, None], "Of 3 checks set in advance, 1 passed and two were not run (“Check 1” and “Check 2”)."),
    ],
)
def test_checks_are_counted_by_their_result(results, said):
    checks = [Check(name=f"c{n}", title=f"Check {n}", passed=passed, text="Invented.") for n, passed in enumerate(results)]
    assert words.write_checks([make_finding(checks=checks)]) == said


def test_names_give_way_to_their_number():
    assert name_or_count(["Beech", "ash"]) == "ash and Beech"
    assert name_or_count([f"Area {n}" for n in range(345)]) == "345 areas"
    assert [end_sentence(text) for text in ("A note", "A note.", "Why?", "")] == ["A note.", "A note.", "Why?", ""]

"""Verdicts on SYNTHETIC panels in which we know what happened: nothing is *detected* that the programme did not do.

A few panels only; ``make simulate`` draws many (`tests/simulation/test_verdicts.py`). The bounds are those of the binomial
distribution: with tests of their nominal size, one run in a thousand would leave them.
"""

from collections import Counter

import pytest
from planted import SCENARIOS, base_design, judge
from scipy.stats import binom

DRAWS = 199
THREE = ("wales", "west-yorkshire", "london-local-london")
LEVEL = base_design(DRAWS).level


def run(name, seeds, *, areas=THREE, pooled=True):
    return [judge(SCENARIOS[name], seed, areas=areas, pooled=pooled, draws=DRAWS) for seed in seeds]


def most(tests: int) -> int:
    """False detections that one run in a thousand would exceed at the nominal rate."""
    return int(binom.ppf(0.999, tests, LEVEL))


def families_with_detection(verdicts) -> int:
    """Comparisons of all areas, and families of areas, with a detection in them."""
    return sum(
        (v.pooled is not None and v.pooled.verdict == "detected") + any(c.verdict == "detected" for c in v.areas)
        for v in verdicts
    )


@pytest.mark.parametrize("name", ["nothing happened", "every region moves by its own shock"])
def test_nothing_is_detected_beyond_the_level_where_the_programme_did_nothing(name):
    verdicts = run(name, range(40, 45))
    assert families_with_detection(verdicts) <= most(2 * len(verdicts))
    assert all(c.adjusted_p is None or c.adjusted_p >= 3 / (DRAWS + 1) - 1e-9 for v in verdicts for c in v.areas)
    seen = Counter(c.verdict for v in verdicts for c in (*v.areas, v.pooled))
    assert seen["too imprecise to tell"] + seen["large changes ruled out"] > sum(seen.values()) / 2


def test_a_large_effect_is_detected_together_and_area_by_area():
    verdicts = run("an effect of 6 points", range(60, 62), areas=("west-yorkshire",))
    # the second family or one of its checks may fail by chance: then the difference is seen, and not confirmed
    assert {v.pooled.verdict for v in verdicts} <= {"detected", "mixed signs"}
    assert any(v.pooled.verdict == "detected" for v in verdicts)
    assert any(v.areas[0].verdict == "detected" for v in verdicts)
    assert all(v.pooled.interval.low < -5 and v.pooled.interval.high < 0 for v in verdicts)
    assert all(v.areas[0].att < -3 for v in verdicts)


def test_a_path_of_its_own_before_the_start_is_not_credible():
    # Single places are too noisy for the checks to see every drift: how often stands in tests/simulation/verdicts.md.
    verdicts = run("treated places drift by 1.5 points a year", range(70, 73), areas=())
    assert [v.pooled.verdict for v in verdicts] == ["comparison not credible"] * 3
    assert all(v.pooled.trail[1].startswith("2 comparison not credible: decides.") for v in verdicts)


def test_a_change_that_the_people_supported_could_not_make_is_not_the_programmes():
    verdicts = run("a change larger than the people supported could make", range(80, 82), areas=THREE[:1])
    # a check of the comparison may fail by chance, and comes first
    assert {v.pooled.verdict for v in verdicts} <= {"implausible size", "comparison not credible"}
    assert any(v.pooled.verdict == "implausible size" for v in verdicts)
    assert families_with_detection(verdicts) == 0


def test_untreated_areas_with_another_programme_give_no_detection_beyond_the_level():
    verdicts = run("another programme in a fifth of the untreated areas", range(90, 93))
    assert families_with_detection(verdicts) <= most(2 * len(verdicts))

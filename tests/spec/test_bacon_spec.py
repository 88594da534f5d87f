"""The parts of a two-way fixed effects estimate: they sum to it, by hand and at random, and the check that reads them."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel

from evaluation.errors import DataError
from evaluation.estimators.event_study import EventStudy
from evaluation.estimators.twfe import TwoWayFixedEffects
from evaluation.inference.checks import goodman_bacon, run_checks
from evaluation.numerics.bacon import decompose
from evaluation.results import CheckThresholds

LIMITS = CheckThresholds(minimum_pre_periods=4, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.9, maximum_donor_weight=0.5)
EARLY, LATE, C = [0, 5, 6, 7], [0, 0, 0, 10], [1, 1, 1, 1]


def run(comparison, **limits):
    return goodman_bacon.run(comparison, TwoWayFixedEffects(), None, None, replace(LIMITS, **limits))


def test_comparisons_by_hand():
    """Early is treated in the last three of four periods, late in the last one."""
    parts = decompose(draw_by_hand([EARLY, LATE, C], starts={0: 1, 1: 3}))
    found = {(one.kind, one.treated): one for one in parts.comparisons}
    assert {key: one.estimate for key, one in found.items()} == pytest.approx(
        {
            ("treated against never treated", 1): 6.0,
            ("treated against never treated", 3): 10.0,
            ("earlier against later", 1): 5.5,
            ("later against earlier", 3): 10 - (7 - 5.5),
        }
    )
    # proportional to D (1 - D) against the untreated; to (3/4)^2 of 2/3 x 1/3 for three periods, two treated or one
    raw = np.array([3 / 16, 3 / 16, (3 / 4) ** 2 * 2 / 9, (3 / 4) ** 2 * 2 / 9])
    assert list(found) == [
        ("treated against never treated", 1),
        ("treated against never treated", 3),
        ("earlier against later", 1),
        ("later against earlier", 3),
    ]
    assert [one.weight for one in found.values()] == pytest.approx((raw / raw.sum()).tolist())
    assert parts.forbidden_weight == pytest.approx(raw[3] / raw.sum())
    assert parts.summary["treated against never treated"].estimate == pytest.approx(8.0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("starts", [(8,), (3, 9, 5, 5), (2, 3, 4, 5, 6, 7, 12, 13)])
def test_parts_sum_to_the_estimate(starts, weighted):
    comparison = make_panel(starts=starts, weighted=weighted)
    parts = decompose(comparison)
    assert sum(one.weight for one in parts.comparisons) == pytest.approx(1.0)
    assert parts.att == pytest.approx(TwoWayFixedEffects().fit(comparison).att, abs=1e-11)


def test_without_untreated_areas_and_with_areas_always_treated():
    comparison = make_panel(n_areas=9, starts=(3, 9, 5, 5, 3, 4, 7, 0, 0))
    parts = decompose(comparison)
    # an area treated throughout is exposed in every period, which the plain fit refuses and a dose does not
    assert parts.att == pytest.approx(TwoWayFixedEffects(dose=True).fit(comparison).att, abs=1e-11)
    assert "treated against always treated" in parts.summary
    assert "treated against never treated" not in parts.summary
    assert parts.forbidden_weight > parts.summary["later against earlier"].weight


def test_refusals():
    comparison = make_panel(starts=(8, 9))
    y = comparison.y.copy()
    y[0, 0] = np.nan
    with pytest.raises(DataError, match="1 cells are missing"):
        decompose(replace(comparison, y=y, unbalanced=True))
    assert run(replace(comparison, y=y, unbalanced=True)).passed is None
    with pytest.raises(DataError, match="nothing to compare"):
        decompose(draw_by_hand([EARLY, LATE], starts={0: 2, 1: 2}))


def test_check_passes_fails_and_says_why():
    # parts of 3/16, 3/16, 1/8 and 1/8, the last of them forbidden
    comparison = draw_by_hand([EARLY, LATE, C], starts={0: 1, 1: 3})
    check = run(comparison)
    assert (check.passed, check.value, check.threshold) == (True, pytest.approx(0.2), 0.5)
    assert "20% of the weight, within the 50%" in check.text
    assert run(comparison, maximum_forbidden_weight=0.1).passed is False
    one = run(draw_by_hand([EARLY, LATE, C], starts={0: 1}))
    assert (one.passed, one.value) == (True, 0.0)


def test_check_is_of_two_way_fixed_effects_alone():
    comparison = make_panel(starts=(7, 9, 8))
    for estimator, wanted in ((TwoWayFixedEffects(), True), (EventStudy(), False)):
        estimate, placebos = estimator.fit(comparison), estimator.placebos(comparison, draws=9, seed=0)
        checks = run_checks(comparison, estimator, estimate, placebos, LIMITS, level=0.05, draws=9, seed=0)
        assert (goodman_bacon.NAME in {check.name for check in checks}) == wanted

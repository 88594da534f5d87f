"""The check that leaves one donor out at a time."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, keep_areas, make_panel

from evaluation.estimators import REGISTRY
from evaluation.inference.checks import leave_one_donor_out
from evaluation.results import CheckThresholds

LIMITS = CheckThresholds(minimum_pre_periods=1, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.9, maximum_donor_weight=0.5)
MIXES = sorted(name for name, make in REGISTRY.items() if hasattr(make, "leave_one_out"))


@pytest.mark.parametrize("name", MIXES)
def test_the_batch_equals_estimates_made_one_by_one(name):
    panel, estimator = make_panel(n_areas=12, seed=2), REGISTRY[name]()
    estimate = estimator.fit(panel)
    left = estimator.leave_one_out(panel, estimate)
    assert set(left.areas) == {donor.area for donor in estimate.weights}
    for area, att in zip(left.areas, left.att, strict=True):
        again = estimator.fit(keep_areas(panel, [n for n, code in enumerate(panel.areas) if code != area]))
        assert att == pytest.approx(again.att, abs=1e-9)


def test_an_effect_made_by_one_donor_fails():
    # the donor at 4 fits alone and falls by 6 of its own accord; without it 0 and 10 fit as well and show nothing
    panel = draw_by_hand([[4, 4, 4], [4, 4, -2], [0, 0, 0], [10, 10, 10], [9, 9, 9]], starts={0: 2})
    estimator = REGISTRY["penalised_synthetic_control"](penalty=0.01)
    estimate = estimator.fit(panel)
    assert estimate.att == pytest.approx(6, abs=0.1)
    check = leave_one_donor_out.run(panel, estimator, estimate, None, LIMITS)
    assert check.passed is False
    assert check.value == pytest.approx(6, abs=0.2)
    assert "without Area A001" in check.text
    # the protocol may call it negligible
    assert leave_one_donor_out.run(panel, estimator, estimate, None, replace(LIMITS, negligible_effect=7.0)).passed is True


def test_half_the_estimate_is_the_limit():
    panel = make_panel(n_areas=12, seed=2, effect=50.0)
    estimator = REGISTRY["synthetic_control"]()
    estimate = estimator.fit(panel)
    check = leave_one_donor_out.run(panel, estimator, estimate, None, LIMITS)
    assert check.passed is True
    assert check.threshold == pytest.approx(abs(estimate.att) / 2)


def test_a_method_without_a_batch_estimates_again():
    panel, estimator = make_panel(n_areas=12, seed=2), REGISTRY["synthetic_control"]()

    class Plain:
        card, fit = estimator.card, staticmethod(estimator.fit)

    estimate = estimator.fit(panel)
    fast, slow = (leave_one_donor_out.run(panel, e, estimate, None, LIMITS) for e in (estimator, Plain()))
    assert fast.value == pytest.approx(slow.value)
    assert fast.text == slow.text


def test_it_stands_aside():
    panel, did = make_panel(), REGISTRY["twfe"]()
    assert leave_one_donor_out.run(panel, did, did.fit(panel), None, LIMITS).passed is None
    lonely = draw_by_hand(np.array([[1, 2, 4], [1, 2, 3]]), starts={0: 2})
    sc = REGISTRY["synthetic_control"]()
    assert leave_one_donor_out.run(lonely, sc, sc.fit(lonely), None, LIMITS).passed is None

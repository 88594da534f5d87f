"""Synthetic control on panels drawn by hand."""

import numpy as np
import pytest
from conformance.panels import draw_by_hand

from evaluation.errors import DataError
from evaluation.estimators.synthetic_control import SyntheticControl

LOW, HIGH = [0, 0, 0, 0], [10, 10, 10, 10]


def test_weights_gap_and_effect():
    # 4 = 0.6 * 0 + 0.4 * 10 before; 6 and 8 after are 2 and 4 above it
    estimate = SyntheticControl().fit(draw_by_hand([[4, 4, 6, 8], LOW, HIGH], starts={0: 2}))
    assert {donor.area: donor.weight for donor in estimate.weights} == pytest.approx({"A001": 0.6, "A002": 0.4})
    assert [point.att for point in estimate.path] == pytest.approx([0, 0, 2, 4])
    assert [point.event_time for point in estimate.path] == [-2, -1, 0, 1]
    assert estimate.att == pytest.approx((2 + 4) / 2)
    assert estimate.series.counterfactual == pytest.approx([4, 4, 4, 4])
    assert "exactly" in estimate.notes[0]


def test_straddling_window_counts_by_its_share():
    estimate = SyntheticControl().fit(draw_by_hand([[4, 4, 6, 8], LOW, HIGH], starts={0: 2}, exposure={0: [0, 0, 0.5, 1]}))
    assert estimate.att == pytest.approx((0.5 * 2 + 1 * 4) / (0.5**2 + 1**2))


def test_misfit_outside_the_donors():
    # 13 and 12 lie above both donors: all weight on the higher, gaps 3 and 2
    estimate = SyntheticControl().fit(draw_by_hand([[13, 12, 15, 15], LOW, HIGH], starts={0: 2}))
    assert [(donor.area, donor.weight) for donor in estimate.weights] == [("A002", 1.0)]
    assert estimate.pre_rmspe == pytest.approx(np.sqrt((9 + 4) / 2))
    assert estimate.notes == ()


def test_placebos_leave_the_treated_area_out():
    placebos = SyntheticControl().placebos(draw_by_hand([[4, 4, 6, 8], LOW, HIGH, [5, 5, 5, 7]], starts={0: 2}), draws=1, seed=0)
    assert placebos.labels == ("A001", "A002", "A003")
    # the last one is half of each other one: 5, and is 2 above it in the last period
    assert placebos.gaps[2] == pytest.approx([0, 0, 0, 2])
    assert placebos.att[2] == pytest.approx(1)
    # nearest to LOW is the last one alone
    assert placebos.gaps[0] == pytest.approx([-5, -5, -5, -7])
    assert placebos.pre_rmspe[0] == pytest.approx(5)


def test_one_donor_gives_no_placebo():
    placebos = SyntheticControl().placebos(draw_by_hand([[4, 4, 6], LOW[:3]], starts={0: 2}), draws=1, seed=0)
    assert len(placebos.att) == 0


def test_several_treated_areas_are_another_method():
    with pytest.raises(DataError, match="takes one"):
        SyntheticControl().fit(draw_by_hand([LOW, HIGH, LOW], starts={0: 2, 1: 2}))


def test_no_donor():
    with pytest.raises(DataError, match="not treated"):
        SyntheticControl().fit(draw_by_hand([LOW], starts={0: 2}))

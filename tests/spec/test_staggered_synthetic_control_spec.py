"""Staggered synthetic control on panels drawn by hand."""

from itertools import pairwise

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.staggered_synthetic_control import StaggeredSyntheticControl
from evaluation.estimators.synthetic_control import SyntheticControl
from evaluation.numerics import staggered_mix

LOW, HIGH = [0, 0, 0, 0], [10, 10, 10, 10]


def test_every_area_has_its_own_mix_and_start():
    # 4 = 0.4 * 10 from period 2 on, 5 = 0.5 * 10 from period 3 on: gaps 2, 4 and 7
    panel = draw_by_hand([[4, 4, 6, 8], [5, 5, 5, 12], LOW, HIGH], starts={0: 2, 1: 3})
    estimate = StaggeredSyntheticControl().fit(panel)
    weights = {(donor.treated, donor.area): donor.weight for donor in estimate.weights}
    assert weights == pytest.approx({("A000", "A002"): 0.6, ("A000", "A003"): 0.4, ("A001", "A002"): 0.5, ("A001", "A003"): 0.5})
    assert estimate.att == pytest.approx((2 + 4 + 7) / 3)
    path = {point.event_time: (point.att, point.n_areas) for point in estimate.path}
    assert path[0] == (pytest.approx((2 + 7) / 2), 2)
    assert path[1] == (pytest.approx(4), 1)
    assert path[-3] == (pytest.approx(0), 1)
    assert estimate.series.counterfactual == pytest.approx([4.5, 4.5, 4.5, 4.5])


def test_shares_weight_areas():
    panel = draw_by_hand([[4, 4, 6], [5, 5, 11], LOW[:3], HIGH[:3]], starts={0: 2, 1: 2}, weights=[3.0, 1.0, 1.0, 1.0])
    assert StaggeredSyntheticControl().fit(panel).att == pytest.approx((3 * 2 + 1 * 6) / 4)


def test_pooling_lets_misfits_cancel():
    """Two areas one above and one below all donors of the first period: singly 12 and -2 are missed by 2 each way."""
    panel = draw_by_hand([[12, 5, 9], [-2, 5, 9], [0, 0, 0], [10, 10, 10], [5, 5, 5]], starts={0: 2, 1: 2})
    single, pooled = (StaggeredSyntheticControl(pooling=nu).fit(panel) for nu in (0.0, 1.0))
    gap = np.subtract(pooled.series.observed, pooled.series.counterfactual)
    assert pooled.pre_rmspe == pytest.approx(0, abs=1e-3)
    assert gap[:2] == pytest.approx([0, 0], abs=1e-3)
    # mirror images miss by the same the other way, so the pooled misfit of the single ones is nil as well
    assert single.pre_rmspe == pytest.approx(0, abs=1e-9)
    assert single.notes[0].startswith("Pooling 0.000")


def test_more_pooling_moves_misfit_from_the_mean_to_the_single_areas():
    panel = make_panel(n_areas=9, n_periods=14, starts=(8, 9, 10), seed=4)
    fits = [StaggeredSyntheticControl(pooling=nu).fit(panel) for nu in (0.0, 0.3, 0.9)]
    mean, single = zip(*((parse(f.notes[0], "mean gap is "), parse(f.notes[0], "single gaps ")) for f in fits), strict=True)
    assert all(a > b for a, b in pairwise(mean))
    assert all(a < b for a, b in pairwise(single))


def parse(note, before):
    return float(note.split(before)[1].split(",")[0].rstrip("."))


def test_the_rule_for_pooling_is_mean_gap_over_mean_of_gaps():
    panel = make_panel(n_areas=9, n_periods=14, starts=(8, 8), seed=4)
    gaps = []
    for n in range(2):
        y = np.delete(panel.y, 1 - n, axis=1)
        found = SyntheticControl().fit(draw_by_hand(y.T, starts={0: 8}))
        gaps.append(np.subtract(found.series.observed, found.series.counterfactual)[:8])
    rule = np.linalg.norm(np.mean(gaps, axis=0)) / np.mean([np.linalg.norm(gap) for gap in gaps])
    assert parse(StaggeredSyntheticControl().fit(panel).notes[0].replace(";", ","), "Pooling ") == pytest.approx(rule, abs=5e-4)


@pytest.mark.parametrize("pooling", [None, 0.0, 1.0])
def test_with_one_treated_area_it_is_the_synthetic_control(pooling):
    panel = make_panel()
    one, other = StaggeredSyntheticControl(pooling=pooling), SyntheticControl()
    a, b = one.fit(panel), other.fit(panel)
    assert (a.att, a.pre_rmspe, a.prediction_rmspe) == pytest.approx((b.att, b.pre_rmspe, b.prediction_rmspe))
    assert one.placebos(panel, draws=1, seed=0).att == pytest.approx(other.placebos(panel, draws=1, seed=0).att)
    assert {donor.treated for donor in a.weights} == {""}


def test_intercepts_take_up_levels():
    panel = draw_by_hand([[100, 101, 105], [-70, -70, -68], [0, 2, 4], [50, 50, 50]], starts={0: 2, 1: 2})
    estimate = StaggeredSyntheticControl(intercept=True).fit(panel)
    # 102 and -70 are expected: 3 and 2 above
    assert estimate.att == pytest.approx((3 + 2) / 2)


def test_pooling_is_checked():
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        StaggeredSyntheticControl(pooling=1.5)


def test_sweeps_bring_what_newton_left_unfinished_within_the_certificate(monkeypatch):
    random = np.random.default_rng(3)
    donors = random.normal(size=(24, 15)).cumsum(axis=0)
    treated = (donors @ random.dirichlet(np.ones(15), size=3).T + 0.8 * random.normal(size=(24, 3))).T[None]
    task = {
        "starts": np.array([16, 18, 20]),
        "shares": np.full((1, 3), 1 / 3),
        "allowed": np.ones((1, 15), dtype=bool),
        "pooling": 0.6,
        "intercept": True,
    }
    whole = staggered_mix.fit_staggered(donors, treated, **task)
    monkeypatch.setattr(staggered_mix, "STEPS", 1)
    assert staggered_mix.fit_staggered(donors, treated, **task).weights == pytest.approx(whole.weights, abs=1e-6)
    monkeypatch.setattr(staggered_mix, "SWEEPS", 0)
    with pytest.raises(DataError, match="not within 1e-08 of the best"):
        staggered_mix.fit_staggered(donors, treated, **task)

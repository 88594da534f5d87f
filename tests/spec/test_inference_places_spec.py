"""Placebo places by hand: statistics, floors, blocks, size, bands, and the methods of the annex with their rules."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel
from scipy import stats

from evaluation.errors import ConfigurationError
from evaluation.estimators.demeaned_synthetic_control import DemeanedSyntheticControl
from evaluation.estimators.event_study import EventStudy
from evaluation.estimators.synthetic_control import SyntheticControl
from evaluation.estimators.twfe import TwoWayFixedEffects
from evaluation.inference import (
    REGISTRY,
    cluster_robust,
    conformal,
    conley_taber,
    jackknife,
    placebo_in_space,
    restricted_wild_bootstrap,
)
from evaluation.inference.empirical_size import measure_size
from evaluation.inference.reference import reference_of
from evaluation.numerics.conformal import conformal_interval, conformal_p
from evaluation.numerics.wild_bootstrap import draw_wild_bootstrap
from evaluation.results import Estimate, PathPoint, Placebos, Series

SERIES = Series(periods=("2001",), observed=(0.0,), counterfactual=(0.0,), exposure=(0.0,))
TWFE = TwoWayFixedEffects()


def panel_of(n_untreated, *, size=1, weights=None):
    rng = np.random.default_rng(0)
    comparison = draw_by_hand(
        rng.normal(size=(n_untreated + 1, 3)), starts={0: 2}, weights=np.ones(n_untreated + 1) if weights is None else weights
    )
    return replace(comparison, sizes=np.array([size] + [1] * n_untreated))


def estimate_of(att, pre_rmspe=1.0, path=()):
    return Estimate(estimator="twfe", att=att, path=path, series=SERIES, pre_rmspe=pre_rmspe)


def placebos_of(att, groups=None, *, misfit=None, path=None, gaps=None, exhaustive=False):
    att = np.array(att, dtype=float)
    return Placebos(
        att=att,
        pre_rmspe=np.ones_like(att) if misfit is None else np.array(misfit, dtype=float),
        gaps=gaps,
        labels=(),
        exhaustive=exhaustive,
        path=path,
        groups=None if groups is None else np.array(groups, dtype=np.int16),
    )


def pairs(n_untreated, count):
    """Placebo places of two neighbouring areas: (0, 1), (1, 2) and so on."""
    groups = np.full((count, n_untreated), -1, dtype=np.int16)
    for d in range(count):
        groups[d, [d, d + 1]] = 0
    return groups


def judge(estimate, placebos, comparison, method=placebo_in_space, level=0.1, **options):
    return method.infer(estimate, TWFE, comparison, level=level, draws=9, seed=3, placebos=placebos, **options)


def inside_the_others():
    """More donors than periods, and the treated place their mean."""
    comparison = make_panel(n_areas=60, n_periods=22, starts=(18,))
    return replace(comparison, y=np.column_stack([comparison.y[:, 1:].mean(axis=1), comparison.y[:, 1:]]))


# ---------------------------------------------------------------- what estimates are divided by


def test_raw_estimates_are_not_divided():
    found = judge(estimate_of(2.5, 100.0), placebos_of(range(1, 20)), panel_of(19), statistic="raw")
    # 3 to 19 are as large as 2.5
    assert found.as_large == 17
    assert found.interval.high == pytest.approx(2.5 + 18)
    assert "as they are" not in found.note


def test_variance_function_divides_by_what_places_of_that_size_show():
    # areas of one person have squares of 4, areas of four people squares of 1: variance 4 / people, 4 / 16 for the treated one
    people = np.repeat([1.0, 4.0], 20)
    att = np.where(np.arange(40) % 2, 1, -1) * 2 / np.sqrt(people)
    comparison = panel_of(40, weights=np.concatenate([[16.0], people]))
    groups = np.where(np.eye(40, dtype=bool), 0, -1)
    reference = reference_of(estimate_of(1.0), placebos_of(att, groups), comparison, statistic="variance_function")
    assert reference.unit == pytest.approx(0.5)
    assert reference.observed == pytest.approx(2.0)
    assert reference.placebos == pytest.approx(np.where(np.arange(40) % 2, 1.0, -1.0))


def test_combined_takes_the_misfit_where_it_says_more():
    misfit = np.tile([1.0, 3.0], 20)
    att = misfit * np.where(np.arange(40) % 4 < 2, 1, -1)
    groups = np.where(np.eye(40, dtype=bool), 0, -1)
    reference = reference_of(estimate_of(4.0, 2.0), placebos_of(att, groups, misfit=misfit), panel_of(40), statistic="combined")
    # squares are those of the misfit exactly
    assert reference.unit == pytest.approx(2.0)
    assert np.abs(reference.placebos) == pytest.approx(np.ones(40))


def test_without_groups_the_misfit_is_used_and_that_is_said():
    found = judge(estimate_of(1.0), placebos_of(range(1, 20)), panel_of(19), statistic="variance_function")
    assert "divided by their own misfit" in found.note


def test_a_statistic_that_is_not_there_is_refused():
    with pytest.raises(ConfigurationError, match="variance_function"):
        judge(estimate_of(1.0), placebos_of(range(1, 20)), panel_of(19), statistic="t")


# ---------------------------------------------------------------- floors and blocks


def test_the_floor_counts_different_assignments():
    # 8 places drawn five times each: 40 draws, and yet p cannot be below 1 / 9
    groups = np.tile(pairs(9, 8), (5, 1))
    placebos = placebos_of(np.tile(np.arange(1.0, 9), 5), groups)
    found = judge(estimate_of(100.0), placebos, panel_of(9, size=2), level=0.2)
    assert (found.reps, found.as_large) == (40, 0)
    assert found.smallest_p == pytest.approx(1 / 9)
    assert found.p_value == pytest.approx(1 / 9)
    none = judge(estimate_of(100.0), placebos, panel_of(9, size=2), level=0.1)
    assert none.p_value is None
    assert none.interval is None
    assert (none.bands, none.pointwise) == ((), ())
    assert none.size is None
    assert "8 different placebo assignments" in none.note


def test_blocks_are_places_that_share_no_area():
    assert placebo_in_space.count_blocks(panel_of(19, size=4)) == 4  # 19 / 4
    three = make_panel(n_areas=23, starts=(5, 5, 6))
    assert placebo_in_space.count_blocks(three) == 6  # 20 / 3
    found = judge(estimate_of(1.0), placebos_of(range(1, 20), pairs(20, 19)), panel_of(20, size=3), level=0.1)
    assert found.blocks == 6
    assert "hold 6 such assignment(s) that share no area" in found.note
    assert "share no area" not in judge(estimate_of(1.0), placebos_of(range(1, 20)), panel_of(20), level=0.1).note


def test_at_most_two_hundred_gaps_are_kept():
    gaps = np.arange(500.0)[:, None] * np.ones(3)
    found = judge(estimate_of(1.0), placebos_of(range(1, 501), gaps=gaps), panel_of(500))
    kept = np.array(found.placebo_gaps)[:, 0]
    assert kept.size == 200
    assert (kept[0], kept[-1]) == (0, 499)
    assert len(np.unique(kept)) == 200


# ---------------------------------------------------------------- size


def test_size_ranks_each_place_among_those_it_shares_no_area_with():
    # five pairs in a row of six areas, statistics 5, 4, 3, 2, 1; at 0.35 a place needs two others it shares nothing with
    # (0,1): apart from (2,3) 3, (3,4) 2, (4,5) 1: rank 1 of 4, p = 0.25 rejects
    # (1,2): apart from (3,4) 2, (4,5) 1: p = 1/3 rejects
    # (2,3): apart from (0,1) 5 and (4,5) 1: p = 2/3; (3,4): apart from 5 and 4: 1; (4,5): apart from 5, 4 and 3: 1
    comparison = panel_of(6, size=2)
    reference = reference_of(estimate_of(1.0), placebos_of([5, 4, 3, 2, 1], pairs(6, 5)), comparison, statistic="raw")
    found = measure_size(reference, 0.35)
    assert (found.size, found.reps) == (pytest.approx(2 / 5), 5)


def test_size_counts_the_places_most_like_the_treated_one():
    # 400 single areas, a quarter of them as large as the treated one; those are calm, the others loud: none of them is rejected
    weights = np.concatenate([[9.0], np.repeat([9.0, 1.0], [100, 300])])
    att = np.concatenate([np.linspace(0.1, 1, 100), np.linspace(5, 9, 300)])
    groups = np.where(np.eye(400, dtype=bool), 0, -1)
    comparison = panel_of(400, weights=weights)
    small = measure_size(reference_of(estimate_of(1.0), placebos_of(att, groups), comparison, statistic="raw"), 0.05)
    assert (small.size, small.reps) == (0.0, 100)
    weights[0] = 1.0
    loud = measure_size(
        reference_of(estimate_of(1.0), placebos_of(att, groups), panel_of(400, weights=weights), statistic="raw"), 0.05
    )
    # the 20 loudest of 400, all among the 300
    assert (loud.size, loud.reps) == (pytest.approx(20 / 300), 300)


@pytest.mark.parametrize("size", [1, 5])
def test_size_is_how_often_a_place_of_other_areas_is_rejected(size):
    """Averages of independent areas.

    Beside it, how often the average of `size` areas that are in no placebo is rejected by the same placebos: more often than the
    level where placebos overlap, because they spread less than independent places would.
    """
    rng = np.random.default_rng(0)
    groups = np.where(rng.random((400, 100)).argsort(axis=1) < size, 0, -1)
    comparison, found, true = panel_of(100, size=size), [], []
    for _ in range(100):
        att = (groups == 0) @ rng.normal(size=100) / size
        reference = reference_of(estimate_of(1.0), placebos_of(att, groups), comparison, statistic="raw")
        measured = measure_size(reference, 0.05)
        found.append(measured.size)
        true.append(2 * stats.norm.sf(reference.critical(0.05) * np.sqrt(size)))
    assert np.mean(found) == pytest.approx(np.mean(true), abs=3 * np.std(found) / 10 + 0.005)
    assert 0.035 < np.mean(true) < 0.10


def test_size_is_not_measured_where_places_are_not_known():
    found = judge(estimate_of(1.0), placebos_of(range(1, 20)), panel_of(19))
    assert (found.size, found.size_reps) == (None, None)
    assert "could not be measured" in found.note


# ---------------------------------------------------------------- bands


def test_bands_hold_all_event_times_at_once():
    # 19 placebo paths: at event time 0 plus or minus 1, at event time 1 plus or minus 1 ... 19, at -1 nothing
    late = np.arange(1.0, 20) * np.where(np.arange(19) % 2, 1, -1)
    drawn = np.column_stack([np.zeros(19), np.sign(late), late])
    path = tuple(PathPoint(event_time=t, att=float(t), n_areas=1) for t in (-1, 0, 1))
    found = judge(estimate_of(1.0, path=path), placebos_of(late, path=drawn), panel_of(19), level=0.1)
    # spreads are 1 and sqrt((1 + 4 + ... + 361) / 19) = sqrt(130); the largest statistics 19 / sqrt(130) and 18 / sqrt(130)
    spread = np.sqrt(130)
    critical = 18 / spread
    assert [band.event_time for band in found.bands] == [0, 1]
    assert found.bands[0].high == pytest.approx(0 + critical)
    assert (found.bands[1].low, found.bands[1].high) == pytest.approx((1 - 18, 1 + 18))
    # each event time alone: the second largest of 19 times 1 is 1, the second largest of 1 ... 19 is 18
    assert [(band.event_time, band.low, band.high) for band in found.pointwise] == [
        (0, pytest.approx(-1), pytest.approx(1)), (1, pytest.approx(1 - 18), pytest.approx(1 + 18)),
    ]  # fmt: skip


def test_bands_are_wider_than_one_interval_and_scale_with_the_place():
    rng = np.random.default_rng(4)
    drawn = rng.normal(size=(999, 12))
    path = tuple(PathPoint(event_time=t, att=0.0, n_areas=1) for t in range(12))
    placebos = placebos_of(drawn.mean(axis=1), path=drawn)
    calm, loud = (judge(estimate_of(0.0, scale, path), placebos, panel_of(19), level=0.05) for scale in (1.0, 2.0))
    # the largest of 12 independent normal variables: two-sided quantile at 1 - 0.95^(1/12)
    assert calm.bands[3].high == pytest.approx(stats.norm.ppf(1 - (1 - 0.95 ** (1 / 12)) / 2), rel=0.05)
    assert loud.bands[3].high == pytest.approx(2 * calm.bands[3].high)
    # each alone: the two-sided quantile of one normal variable
    assert np.mean([band.high for band in calm.pointwise]) == pytest.approx(stats.norm.ppf(0.975), rel=0.02)
    for together, alone in zip(loud.bands, loud.pointwise, strict=True):
        assert together.low <= alone.low <= alone.high <= together.high
    inside = np.mean([(np.abs(row) <= [band.high for band in calm.bands]).all() for row in drawn])
    assert inside == pytest.approx(0.95, abs=0.002)


def test_gaps_of_a_synthetic_control_are_its_path():
    comparison = make_panel(n_areas=30, n_periods=12, starts=(8,))
    found = placebo_in_space.infer(
        SyntheticControl().fit(comparison), SyntheticControl(), comparison, level=0.05, draws=9, seed=0
    )
    assert [band.event_time for band in found.bands if band.event_time >= 0] == [0, 1, 2, 3]
    assert found.size_reps == 29


# ---------------------------------------------------------------- the annex


def test_only_placebos_in_space_decide():
    comparison = make_panel(n_areas=26, n_periods=24, starts=(14,))
    estimate = TWFE.fit(comparison)
    found = {name: infer(estimate, TWFE, comparison, level=0.05, draws=9, seed=0) for name, infer in REGISTRY.items()}
    assert [name for name, one in found.items() if one.decides] == ["placebo_in_space"]
    assert all(name == one.method for name, one in found.items())
    assert all(one.note for one in found.values() if one.p_value is None)


def test_conley_taber_is_for_single_authorities():
    placebos = placebos_of(range(1, 20), misfit=np.arange(1, 20))
    found = judge(estimate_of(17.5, 50.0), placebos, panel_of(19), conley_taber)
    # 18 and 19 are as large, whatever the misfits
    assert found.p_value == pytest.approx(3 / 20)
    assert (found.interval.low, found.interval.high) == pytest.approx((17.5 - 18, 17.5 + 18))
    several = judge(estimate_of(17.5), placebos, panel_of(19, size=4), conley_taber)
    assert several.p_value is None
    assert "4 authorities" in several.note
    few = judge(estimate_of(17.5), placebos_of([1, 2, 3]), panel_of(3), conley_taber)
    assert few.p_value is None
    assert "cannot fall below 0.250" in few.note
    assert "not enough" in judge(estimate_of(17.5), placebos_of([]), panel_of(3), conley_taber).note


def test_bootstrap_needs_six_treated_clusters():
    five, six = (make_panel(n_areas=30, starts=(5,) * k, effect=0.5, seed=1) for k in (5, 6))
    none = judge(TWFE.fit(five), None, five, restricted_wild_bootstrap)
    assert none.p_value is None
    assert "5 treated and 25 untreated cluster(s)" in none.note
    found = judge(TWFE.fit(six), None, six, restricted_wild_bootstrap, level=0.05)
    drawn = draw_wild_bootstrap(six.y, six.exposure, clusters=np.arange(30), seed=3)
    assert found.p_value == drawn.p_value()
    assert drawn.estimate == pytest.approx(TWFE.fit(six).att)
    assert (found.interval.low < 0 < found.interval.high) == (found.p_value > 0.05)
    paired = replace(six, clusters=tuple(str(n // 2) for n in range(30)))
    assert "3 treated and 12 untreated" in judge(TWFE.fit(six), None, paired, restricted_wild_bootstrap).note


def test_bootstrap_is_for_one_coefficient():
    six = make_panel(n_areas=30, starts=(5,) * 6)
    found = restricted_wild_bootstrap.infer(estimate_of(1.0), EventStudy(), six, level=0.05, draws=9, seed=0)
    assert found.p_value is None
    assert "needs a regression with one effect" in found.note


def test_bootstrap_without_residuals_is_not_run():
    exact = make_panel(n_areas=16, starts=(5,) * 8, noise=0.0)
    flat = replace(exact, y=np.zeros(exact.y.shape))
    found = judge(estimate_of(0.0), None, flat, restricted_wild_bootstrap)
    assert (found.p_value, found.note) == (None, "Not run: there are no residuals.")


def test_jackknife_by_hand():
    # as in the spec of its numbers: 2, and 4, 0, 1.5, 1.5, 3 without each area
    comparison = draw_by_hand([[0, 1], [0, 5], [0, 0], [0, 0], [0, 3]], starts={0: 1, 1: 1})
    found = judge(TWFE.fit(comparison), None, comparison, jackknife)
    se = np.sqrt(4 / 5 * (4 + 4 + 0.25 + 0.25 + 1))
    assert "2 treated of 5 clusters" in found.note
    freedom = float(found.note.split("clusters, ")[1].split(" degrees")[0])
    assert found.p_value == pytest.approx(2 * stats.t.sf(2 / se, freedom), rel=0.05)
    assert found.interval.high - 2 == pytest.approx(2 - found.interval.low)


def test_jackknife_by_refitting_gives_the_closed_form_s_standard_error():
    comparison = make_panel(n_areas=9, n_periods=6, starts=(3, 3, 3))
    estimate = TWFE.fit(comparison)
    refitted = jackknife._refit(estimate, TWFE, comparison, 2)
    atts = jackknife.leave_out_clusters(comparison.y, comparison.exposure, clusters=np.arange(9))
    assert refitted.se == pytest.approx(atts.se)
    found = jackknife.infer(estimate, SyntheticControl(), make_panel(n_areas=30, starts=(5, 5)), level=0.1, draws=1, seed=0)
    assert "would be fitted 30 times" in found.note


def test_jackknife_needs_two_treated_clusters():
    comparison = make_panel(n_areas=12, starts=(5,))
    found = judge(estimate_of(1.0), None, comparison, jackknife)
    assert found.p_value is None
    assert "without the only one" in found.note


def test_conformal_sets_the_place_against_the_mean_of_the_others():
    comparison = make_panel(n_areas=12, n_periods=30, starts=(24,), effect=6.0, weighted=True, seed=2)
    share = comparison.weights[1:] / comparison.weights[1:].sum()
    gap, exposure = comparison.y[:, 0] - comparison.y[:, 1:] @ share, comparison.exposure[:, 0]
    for method in (TWFE, EventStudy()):
        found = conformal.infer(estimate_of(1.0), method, comparison, level=0.1, draws=9, seed=0)
        assert found.p_value == pytest.approx(float(conformal_p(gap, exposure)))
        assert (found.interval.low, found.interval.high) == pytest.approx(conformal_interval(gap, exposure, 0.1))
        assert found.smallest_p == pytest.approx(1 / 30)


@pytest.mark.parametrize("method", [SyntheticControl(), DemeanedSyntheticControl()])
def test_conformal_of_a_mix_inverts_its_test_with_weights_fitted_under_each_null(method):
    comparison = make_panel(n_areas=6, n_periods=40, starts=(30,), effect=4.0, seed=3)
    estimate = method.fit(comparison)
    found = conformal.infer(estimate, method, comparison, level=0.1, draws=9, seed=0)

    def p_of(effect):
        moved = replace(comparison, y=comparison.y - effect * comparison.exposure)
        return conformal.infer(method.fit(moved), method, moved, level=0.1, draws=9, seed=0).p_value

    assert p_of(found.interval.low) <= 0.1
    assert p_of(found.interval.high) <= 0.1
    assert p_of(estimate.att) > 0.1
    step = (found.interval.high - found.interval.low) / 25
    assert p_of(found.interval.low + step) > 0.1
    assert p_of(found.interval.high - step) > 0.1


@pytest.mark.parametrize(
    ("comparison", "method", "words"),
    [
        (make_panel(starts=(5, 5)), TWFE, "takes one treated place"),
        (make_panel(n_periods=30, starts=(10,)), TWFE, "10 period(s) before the start and 20 after"),
        (make_panel(n_periods=14, starts=(10,)), TWFE, "cannot fall below 0.071"),
        (inside_the_others(), SyntheticControl(), "fit every period exactly"),
    ],
)
def test_conformal_says_where_it_is_not_valid(comparison, method, words):
    found = conformal.infer(estimate_of(1.0), method, comparison, level=0.05, draws=9, seed=0)
    assert found.p_value is None
    assert found.interval is None
    assert words in found.note


def test_cluster_robust_counts_clusters():
    comparison = replace(make_panel(n_areas=12, starts=(5,) * 4), clusters=tuple(str(n // 4) for n in range(12)))
    found = cluster_robust.infer(replace(estimate_of(6.0), se=2.0), TWFE, comparison, level=0.05, draws=9, seed=0)
    # three clusters: t(2), P(|t| > 3) = 1 - 3 / sqrt(11)
    assert found.p_value == pytest.approx(1 - 3 / np.sqrt(11))
    assert "1 treated of 3 clusters" in found.note
    assert "It never decides" in found.note

"""Synthetic control with predictors on panels drawn by hand."""

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, keep_areas, make_panel, make_places

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.synthetic_control import Predictor, SyntheticControl
from evaluation.inference.checks import placebo_in_time, two_implementations
from evaluation.numerics.places import merge_places
from evaluation.numerics.predictor_search import search_importance
from evaluation.numerics.simplex import mix_by_importance
from evaluation.results import CheckThresholds

LIMITS = CheckThresholds(minimum_pre_periods=4, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.9, maximum_donor_weight=0.5)


def with_covariate(panel, values, name="size"):
    """A covariate that does not change over time."""
    return replace(panel, covariates={**panel.covariates, name: np.tile(np.asarray(values, dtype=float), (panel.n_periods, 1))})


def predictor(*periods, name="size"):
    return Predictor(name=name, periods=periods)


def weights(estimate):
    return {donor.area: donor.weight for donor in estimate.weights}


def test_one_predictor_is_matched():
    # 3 = 0.75 * 2 + 0.25 * 6: the outcome before the start plays no part with a single predictor
    panel = with_covariate(draw_by_hand([[1, 1, 9], [0, 0, 4], [8, 8, 8]], starts={0: 2}), [3, 2, 6])
    estimate = SyntheticControl(predictors=(predictor("2001"),)).fit(panel)
    assert weights(estimate) == pytest.approx({"A001": 0.75, "A002": 0.25})
    assert estimate.att == pytest.approx(9 - (0.75 * 4 + 0.25 * 8))
    # misfit of the outcome 1 - 2 in both periods
    assert "(MSPE) of the outcome from 2001 to 2002: 1." in estimate.notes[0]
    assert "size 2001 1.000" in estimate.notes[1]
    assert "exactly" in estimate.notes[-1]


def test_importance_goes_to_the_predictor_that_tells_of_the_outcome():
    # by the first covariate A000 is A001, whose outcome it shares; by the second it is A003, which is far off in the outcome
    panel = draw_by_hand([[5, 5, 5], [5, 5, 5], [9, 9, 9], [50, 50, 50]], starts={0: 2})
    panel = with_covariate(with_covariate(panel, [4, 4, 6, 5], "telling"), [1, 3, 3, 1], "idle")
    chosen = (predictor("2001", name="telling"), predictor("2001", "2002", name="idle"))
    estimate = SyntheticControl(predictors=chosen).fit(panel)
    assert weights(estimate)["A001"] == pytest.approx(1, abs=1e-3)
    assert estimate.pre_rmspe == pytest.approx(0, abs=0.05)


def test_the_outcome_can_be_a_predictor_and_fit_periods_choose():
    panel = draw_by_hand([[4, 9, 9, 9], [0, 9, 0, 0], [10, 9, 9, 9]], starts={0: 3})
    estimate = SyntheticControl(predictors=(predictor("2001", name="invented"),), fit_periods=("2003",)).fit(panel)
    assert weights(estimate) == pytest.approx({"A001": 0.6, "A002": 0.4})
    assert f"from 2003 to 2003: {(9 - 0.4 * 9) ** 2:.6g}" in estimate.notes[0]


def test_the_search_is_repeated_exactly_and_beats_every_start():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 15)), rng.normal(size=(9, 15))
    first, second = (search_importance(x[:, 1:], x[:, 0], y[:, 1:], y[:, 0], seed=3, starts=1) for _ in range(2))
    assert np.array_equal(first.importance, second.importance)
    assert first.importance.sum() == pytest.approx(1)
    tries = mix_by_importance(x[:, 1:] - x[:, :1], 10.0 ** rng.uniform(-6, 0, size=(4000, 4)))
    assert first.mspe <= ((y[:, 0] - tries @ y[:, 1:].T) ** 2).mean(axis=1).min() + 1e-12


def test_an_ill_determined_choice_is_said_to_be_one():
    # two predictors that disagree: one picks A001, the other A002, which have the same outcomes before the start
    panel = draw_by_hand([[5, 5, 9], [4, 4, 0], [4, 4, 8], [1, 1, 1]], starts={0: 2})
    panel = with_covariate(with_covariate(panel, [1, 1, 0, 0], "a"), [1, 0, 1, 0], "b")
    estimate = SyntheticControl(predictors=(predictor("2001", name="a"), predictor("2001", name="b"))).fit(panel)
    assert any("V is ill-determined" in note for note in estimate.notes)


def test_covariates_may_have_gaps_outside_their_periods():
    panel = with_covariate(draw_by_hand([[1, 1, 9], [0, 0, 4], [8, 8, 8]], starts={0: 2}), [3, 2, 6])
    gappy = panel.covariates["size"].copy()
    gappy[1] = np.nan
    gappy = replace(panel, covariates={"size": gappy}, unbalanced=True)
    whole, part = (SyntheticControl(predictors=(predictor("2001"),)).fit(p) for p in (panel, gappy))
    assert part.att == pytest.approx(whole.att)
    with pytest.raises(DataError, match="A000, 2002"):
        SyntheticControl(predictors=(predictor("2002"),)).fit(gappy)
    # on outcomes alone covariates are not looked at
    assert SyntheticControl().fit(gappy).att == pytest.approx(SyntheticControl().fit(panel).att)


def test_placebos_and_leave_one_out_equal_fits():
    panel = make_panel(n_areas=7, n_periods=10, starts=(7,), seed=5)
    rng = np.random.default_rng(5)
    panel = with_covariate(panel, rng.normal(size=7))
    estimator = SyntheticControl(predictors=(predictor("2001"), predictor("2004", "2005", name="invented")))
    placebos = estimator.placebos(panel, draws=1, seed=0)
    one = estimator.fit(merge_places(panel, placebos.groups[2]))
    assert (placebos.att[2], placebos.pre_rmspe[2]) == pytest.approx((one.att, one.pre_rmspe), abs=1e-9)
    assert placebos.prediction_rmspe[2] == pytest.approx(one.prediction_rmspe, abs=1e-9)
    estimate = estimator.fit(panel)
    left = estimator.leave_one_out(panel, estimate)
    kept = [n for n, code in enumerate(panel.areas) if code != left.areas[0]]
    without = keep_areas(replace(panel, covariates={}), kept, covariates={"size": panel.covariates["size"][:, kept]})
    assert left.att[0] == pytest.approx(estimator.fit(without).att, abs=1e-9)


def test_a_placebo_place_has_the_predictors_of_its_members():
    panel = make_places(sizes=(2,), starts=(7,), n_areas=12)
    panel = with_covariate(panel, np.random.default_rng(5).normal(size=12))
    estimator = SyntheticControl(predictors=(predictor("2001"), predictor("2004", "2005", name="invented")))
    placebos = estimator.placebos(panel, draws=2, seed=0)
    for d in range(2):
        one = estimator.fit(merge_places(panel, placebos.groups[d]))
        assert (placebos.att[d], placebos.pre_rmspe[d]) == pytest.approx((one.att, one.pre_rmspe), abs=1e-9)
        assert placebos.path[d] == pytest.approx([point.att for point in one.path], abs=1e-9)


def test_checks_know_of_predictors():
    panel = with_covariate(make_panel(n_areas=7, n_periods=14, starts=(9,), seed=5), range(7))
    late = SyntheticControl(predictors=(predictor("2009"),))
    estimate = late.fit(panel)
    check = placebo_in_time.run(panel, late, estimate, None, LIMITS)
    assert check.passed is None
    assert "before the start" in check.text
    assert two_implementations.run(panel, late, estimate, None, LIMITS).passed is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"predictors": (Predictor(name="size", periods=("1999",)),)}, "no period '1999'"),
        ({"predictors": (Predictor(name="size", periods=("2003",)),)}, "before the start"),
        ({"predictors": (Predictor(name="width", periods=("2001",)),)}, "'width' is not in"),
        ({"predictors": (Predictor(name="size", periods=("2001",)),), "fit_periods": ("2003",)}, "before the start"),
    ],
)
def test_what_is_not_there_is_named(options, words):
    panel = with_covariate(draw_by_hand([[1, 1, 9], [0, 0, 4], [8, 8, 8]], starts={0: 2}), [3, 2, 6])
    with pytest.raises(ConfigurationError, match=words):
        SyntheticControl(**options).fit(panel)


@pytest.mark.parametrize(
    "options", [{"fit_periods": ("2001",)}, {"starts": 0}, {"predictors": (Predictor(name="size", periods=()),)}]
)
def test_options_that_cannot_be_meant(options):
    with pytest.raises(ConfigurationError):
        SyntheticControl(**options)

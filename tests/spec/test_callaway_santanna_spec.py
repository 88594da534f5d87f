"""Group-time effects on panels drawn by hand; the answers are arithmetic.

A beside the mean of B and C is 4, 5, 7, 8 and starts in the third period.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conformance.panels import draw_by_hand, keep_areas, make_panel, make_places

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.callaway_santanna import CallawaySantAnna, group_time_effects
from evaluation.estimators.event_study import EventStudy
from evaluation.numerics.places import merge_places
from evaluation.results import Comparison

A, B, C = [10, 12, 15, 17], [5, 6, 7, 8], [7, 8, 9, 10]

# two starts: D in the second period, E in the fourth; F never. Effects nowhere but in D and E, all else flat.
D, E, F = [0, 2, 3, 5], [0, 0, 0, 7], [0, 0, 0, 1]


def path_of(estimate):
    return {point.event_time: point.att for point in estimate.path}


def effects_of(comparison, **options):
    table = group_time_effects(comparison, **options).table()
    return {(row.cohort, row.period): row.att for row in table.itertuples()}


def staggered(weights=None):
    return draw_by_hand([D, E, F], starts={0: 1, 1: 3}, weights=weights)


def test_gaps_are_measured_from_the_last_period_before_the_start():
    estimate = CallawaySantAnna().fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert path_of(estimate) == pytest.approx({-2: 4 - 5, -1: 0, 0: 7 - 5, 1: 8 - 5})
    assert estimate.att == pytest.approx((2 + 3) / 2)
    assert estimate.pre_rmspe == pytest.approx(np.sqrt((1 + 0) / 2))
    assert np.subtract(estimate.series.observed, estimate.series.counterfactual) == pytest.approx([-1, 0, 2, 3])


def test_steps_are_measured_from_the_period_before():
    estimate = CallawaySantAnna(base_period="varying").fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert path_of(estimate) == pytest.approx({-1: 5 - 4, 0: 7 - 5, 1: 8 - 5})
    # the counterfactual drawn does not depend on it
    assert estimate.pre_rmspe == pytest.approx(np.sqrt(1 / 2))


def test_cohorts_are_compared_with_areas_never_treated():
    assert effects_of(staggered()) == pytest.approx(
        {
            ("2002", "2002"): 2 - 0,
            ("2002", "2003"): 3 - 0,
            ("2002", "2004"): 5 - 1,
            ("2004", "2001"): 0,
            ("2004", "2002"): 0,
            ("2004", "2004"): 7 - 1,
        }
    )


def test_cohorts_are_compared_with_areas_not_treated_yet():
    comparison = draw_by_hand([D, [0, 4, 0, 7], F], starts={0: 1, 1: 3})
    found = effects_of(comparison, control_group="not_yet_treated")
    # in the second and third period E is not treated yet; in the fourth F alone is left
    assert found["2002", "2002"] == pytest.approx(2 - (4 + 0) / 2)
    assert found["2002", "2003"] == pytest.approx(3 - 0)
    assert found["2002", "2004"] == pytest.approx(5 - 1)
    # E looking back from its base, the third period: D is treated in it
    assert found["2004", "2001"] == pytest.approx(0)
    assert found["2004", "2002"] == pytest.approx(4 - 0)
    table = group_time_effects(comparison, control_group="not_yet_treated").table()
    assert table["n_controls"].tolist() == [2, 2, 1, 1, 1, 1]


def test_without_untreated_areas_the_last_start_stands_for_them():
    comparison = draw_by_hand([D, E, [0, 0, 2, 9]], starts={0: 1, 1: 3, 2: 3})
    estimate = CallawaySantAnna(control_group="not_yet_treated").fit(comparison)
    # the window ends before the fourth period; E and the third area gain 0 and 2
    assert estimate.att == pytest.approx(((2 - 0) + (3 - 1)) / 2)
    assert estimate.series.periods == ("2001", "2002", "2003")
    assert "Every area is treated in the end" in " ".join(estimate.notes)
    assert not len(CallawaySantAnna(control_group="not_yet_treated").placebos(comparison, draws=9, seed=0).att)
    with pytest.raises(DataError, match="not treated and at least 1"):
        CallawaySantAnna().fit(comparison)


def test_anticipation_moves_the_base_back():
    estimate = CallawaySantAnna(anticipation=1).fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert path_of(estimate) == pytest.approx({-2: 0, -1: 5 - 4, 0: 7 - 4, 1: 8 - 4})
    assert estimate.att == pytest.approx((3 + 4) / 2)
    with pytest.raises(DataError, match=r"anticipation: A000; start the window earlier"):
        CallawaySantAnna(anticipation=2).fit(draw_by_hand([A, B, C], starts={0: 2}))


def test_an_area_about_to_start_is_no_comparison_where_it_may_anticipate():
    comparison = draw_by_hand([[0, 0, 2, 3], [0, 0, 4, 7], [0, 0, 0, 1]], starts={0: 2, 1: 3})
    with_it = effects_of(comparison, control_group="not_yet_treated")
    without = effects_of(comparison, control_group="not_yet_treated", anticipation=1)
    assert with_it["2003", "2003"] == pytest.approx(2 - (4 + 0) / 2)
    assert without["2003", "2003"] == pytest.approx(2 - 0)


def test_four_averages():
    effects = group_time_effects(staggered())
    simple, group, dynamic, calendar = (effects.average(kind) for kind in ("simple", "group", "dynamic", "calendar"))
    assert simple.overall == pytest.approx((2 + 3 + 4 + 6) / 4)
    assert dict(zip(group.keys, group.att, strict=True)) == pytest.approx({"2002": (2 + 3 + 4) / 3, "2004": 6})
    assert group.overall == pytest.approx((3 + 6) / 2)
    assert dict(zip(dynamic.keys, dynamic.att, strict=True)) == pytest.approx({-3: 0, -2: 0, 0: (2 + 6) / 2, 1: 3, 2: 4})
    assert dynamic.overall == pytest.approx((4 + 3 + 4) / 3)
    assert dict(zip(calendar.keys, calendar.att, strict=True)) == pytest.approx({"2002": 2, "2003": 3, "2004": (4 + 6) / 2})
    assert calendar.overall == pytest.approx((2 + 3 + 5) / 3)
    for kind, average in (("simple", simple), ("group", group), ("dynamic", dynamic), ("calendar", calendar)):
        assert CallawaySantAnna(aggregation=kind).fit(staggered()).att == pytest.approx(average.overall)
    assert dynamic.n_areas.tolist() == [1, 1, 2, 1, 1]
    assert simple.n_areas.tolist() == [2]


def test_weights_count_within_cohorts_and_between_them():
    comparison = draw_by_hand([[0, 2], [0, 6], [0, 1], [0, 4]], starts={0: 1, 1: 1}, weights=[1, 3, 2, 1])
    assert CallawaySantAnna().fit(comparison).att == pytest.approx((2 + 3 * 6) / 4 - (2 * 1 + 4) / 3)
    assert CallawaySantAnna().fit(staggered(weights=[1, 4, 1])).att == pytest.approx((2 + 3 + 4 + 4 * 6) / (3 + 4))


def test_partly_exposed_period_is_on_the_path_but_not_in_the_average():
    estimate = CallawaySantAnna().fit(draw_by_hand([A, B, C], starts={0: 2}, exposure={0: [0, 0, 0.5, 1]}))
    assert estimate.att == pytest.approx(3)
    assert path_of(estimate)[0] == pytest.approx(2)
    assert "exposed in part" in estimate.notes[0]


@pytest.mark.parametrize("aggregation", ["simple", "group", "dynamic", "calendar"])
def test_without_full_exposure_the_average_is_scaled_up(aggregation):
    comparison = draw_by_hand([A, B, C], starts={0: 2}, exposure={0: [0, 0, 0.25, 0.75]})
    estimate = CallawaySantAnna(aggregation=aggregation).fit(comparison)
    assert estimate.att == pytest.approx(((2 + 3) / 2) / ((0.25 + 0.75) / 2))
    assert "scaled up" in estimate.notes[0]


def test_calendar_periods_are_scaled_up_one_by_one():
    effects = group_time_effects(draw_by_hand([A, B, C], starts={0: 2}, exposure={0: [0, 0, 0.25, 0.75]}))
    assert effects.average("calendar").att == pytest.approx([2 / 0.25, 3 / 0.75])


def test_standard_error_is_the_spread_of_changes():
    # changes 1 and 3 where treated, 0 and 2 where not: both means have variance (1 + 1) / 2^2
    comparison = draw_by_hand([[0, 1], [0, 3], [0, 0], [0, 2]], starts={0: 1, 1: 1})
    assert CallawaySantAnna().fit(comparison).se == pytest.approx(np.sqrt(0.5 + 0.5))
    # within clusters the deviations -1 / 2 and +1 / 2 add up
    paired = replace(comparison, clusters=("p", "p", "q", "r"))
    assert CallawaySantAnna().fit(paired).se == pytest.approx(np.sqrt(0 + 0.5))


def test_no_standard_error_for_one_treated_area():
    estimate = CallawaySantAnna().fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert estimate.se is None
    assert estimate.path_vcov is None
    assert all(point.se is None for point in estimate.path)
    assert "no spread" in " ".join(estimate.notes)


def test_covariance_covers_the_path_with_nothing_at_the_base():
    rng = np.random.default_rng(1)
    estimate = CallawaySantAnna().fit(draw_by_hand(rng.normal(size=(12, 6)), starts={0: 3, 1: 3, 2: 3}))
    times = [point.event_time for point in estimate.path]
    assert estimate.path_vcov.shape == (6, 6)
    for k, point in enumerate(estimate.path):
        assert (point.se is None) == (times[k] == -1)
        assert estimate.path_vcov[k, k] == pytest.approx((point.se or 0.0) ** 2)
    post = np.array([time >= 0 for time in times]) / 3
    assert estimate.se == pytest.approx(np.sqrt(post @ estimate.path_vcov @ post))


@pytest.mark.parametrize("weighted", [False, True])
def test_one_start_is_an_event_study(weighted):
    comparison = make_panel(starts=(8, 8, 8), weighted=weighted)
    ours, other = CallawaySantAnna().fit(comparison), EventStudy().fit(comparison)
    assert path_of(ours) == pytest.approx(path_of(other), abs=1e-10)
    assert ours.att == pytest.approx(other.att, abs=1e-10)
    assert ours.pre_rmspe == pytest.approx(other.pre_rmspe, abs=1e-10)


# ---------------------------------------------------------------- covariates


def with_covariate(comparison, values):
    return replace(comparison, covariates={"x": np.broadcast_to(values, comparison.y.shape)})


def test_outcome_regression_takes_the_trend_at_the_covariate():
    # untreated areas change by 1 + 2x; the treated one, at x = 3, would have changed by 7
    comparison = draw_by_hand([[0, 10], [0, 1], [0, 3], [0, 5]], starts={0: 1})
    estimate = CallawaySantAnna(covariates=["x"], method="regression").fit(with_covariate(comparison, [3, 0, 1, 2]))
    assert estimate.att == pytest.approx(10 - 7)


@pytest.mark.parametrize("method", ["doubly_robust", "weighting", "regression"])
def test_a_yes_or_no_covariate_compares_like_with_like(method):
    # treated: 2 with x = 1 gain 6, 1 with x = 0 gains 3; untreated gain 1, 3 (mean 2) with x = 1 and 0, 0, 3 (mean 1) with x = 0
    gains, x = [6, 6, 3, 1, 3, 0, 0, 3], [1, 1, 0, 1, 1, 0, 0, 0]
    comparison = with_covariate(draw_by_hand([[0, gain] for gain in gains], starts={0: 1, 1: 1, 2: 1}), x)
    estimate = CallawaySantAnna(covariates=("x",), method=method).fit(comparison)
    assert estimate.att == pytest.approx((2 * (6 - 2) + (3 - 1)) / 3)


def test_the_covariate_counts_in_the_base_period():
    comparison = draw_by_hand([[0, 10, 9], [0, 1, 0], [0, 3, 0], [0, 5, 0]], starts={0: 1})
    first, later = np.array([3.0, 0, 1, 2]), np.array([9.0, 4, 4, -7])
    found = [
        CallawaySantAnna(covariates=("x",), method="regression").fit(with_covariate(comparison, np.stack([first, *rest])))
        for rest in ((first, first), (later, 5 * later))
    ]
    assert found[0].att == pytest.approx(found[1].att)


def test_covariates_that_tell_treated_areas_apart_are_refused():
    comparison = with_covariate(draw_by_hand([[0, 1], [0, 2], [0, 1], [0, 5]], starts={0: 1}), [9, 1, 2, 3])
    with pytest.raises(DataError, match="no overlap to weight by; use method='regression'"):
        CallawaySantAnna(covariates=("x",)).fit(comparison)
    with pytest.raises(DataError, match="constant or a sum of the others"):
        CallawaySantAnna(covariates=("x",)).fit(with_covariate(comparison, [1, 1, 1, 1]))


@pytest.mark.parametrize("aggregation", ["simple", "group", "dynamic", "calendar"])
@pytest.mark.parametrize("method", [None, "doubly_robust", "regression", "weighting"])
@pytest.mark.parametrize("shares", [False, True])
def test_influence_is_the_derivative_by_an_areas_weight(method, aggregation, shares):
    """The infinitesimal jackknife: an independent way to the same influence function, shares of cohorts and scores included."""
    rng = np.random.default_rng(3)
    comparison = make_panel(n_areas=30, n_periods=6, starts=(3, 3, 3, 3, 4, 4, 4, 5, 5, 5), weighted=True)
    comparison = with_covariate(comparison, rng.normal(size=30) + 0.3 * comparison.treated)
    if shares:
        # mean exposure is taken as known, so it must not hang on the weights: the same for areas that start together
        part = rng.uniform(0.3, 0.7, size=(6, 6))[:, comparison.first_treated]
        comparison = replace(comparison, exposure=comparison.exposure * part)
    options = {"covariates": ("x",), "method": method} if method else {}
    estimator = CallawaySantAnna(aggregation=aggregation, control_group="not_yet_treated", **options)

    def att(weights):
        return estimator.fit(replace(comparison, weights=weights)).att

    step, total = 1e-5, 0.0
    for n in range(30):
        bump = np.eye(30)[n] * comparison.weights[n] * step
        total += ((att(comparison.weights + bump) - att(comparison.weights - bump)) / (2 * step)) ** 2
    assert estimator.fit(comparison).se == pytest.approx(np.sqrt(total), rel=1e-5)


@pytest.mark.parametrize("base_period", ["universal", "varying"])
@pytest.mark.parametrize("aggregation", ["simple", "group", "dynamic", "calendar"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"control_group": "not_yet_treated"},
        {"anticipation": 1},
        {"covariates": ("x",), "method": "regression"},
        {"covariates": ("x",)},
    ],
)
@pytest.mark.parametrize("shares", [False, True])
def test_placebos_are_fits_of_the_panel_of_their_places_whatever_the_options(options, aggregation, base_period, shares):
    comparison = make_panel(n_areas=30, n_periods=8, starts=(4, 5, 5, 4), weighted=True)
    comparison = with_covariate(comparison, np.random.default_rng(0).normal(size=30))
    if shares:
        comparison = replace(comparison, exposure=0.4 * comparison.exposure)
    estimator = CallawaySantAnna(base_period=base_period, aggregation=aggregation, **options)
    placebos = estimator.placebos(comparison, draws=3, seed=7)
    for d in range(3):
        found = estimator.fit(merge_places(comparison, placebos.groups[d]))
        assert placebos.att[d] == pytest.approx(found.att, abs=1e-9)
        assert placebos.pre_rmspe[d] == pytest.approx(found.pre_rmspe, abs=1e-9)
        assert placebos.path[d] == pytest.approx([point.att for point in found.path], abs=1e-9)


@pytest.mark.parametrize("options", [{"anticipation": 1}, {"control_group": "not_yet_treated"}, {"aggregation": "group"}])
def test_placebo_places_whatever_the_options(options):
    comparison = make_places(sizes=(3, 2, 1), starts=(4, 6, 5), shares=True)
    estimator = CallawaySantAnna(**options)
    placebos = estimator.placebos(comparison, draws=3, seed=7)
    for d in range(3):
        found = estimator.fit(merge_places(comparison, placebos.groups[d]))
        assert (placebos.att[d], placebos.pre_rmspe[d]) == pytest.approx((found.att, found.pre_rmspe), abs=1e-10)
        assert placebos.path[d] == pytest.approx([point.att for point in found.path], abs=1e-10)


def test_a_placebo_without_overlap_is_left_out():
    """The lowest and the highest of the untreated areas have none."""
    comparison = make_panel(n_areas=12, n_periods=5, starts=(3,))
    comparison = with_covariate(comparison, [0.5, *np.linspace(-1, 1, 11)])
    placebos = CallawaySantAnna(covariates=("x",)).placebos(comparison, draws=9, seed=0)
    assert placebos.labels == comparison.donors[1:-1]
    assert placebos.groups.shape == (9, 11)
    assert not placebos.exhaustive


# ---------------------------------------------------------------- bands, table, refusals


def test_simultaneous_bands_are_wider_than_pointwise_and_repeat():
    average = group_time_effects(make_panel(n_areas=60, starts=(8,) * 20)).average("dynamic")
    bands = average.bands(level=0.05, draws=499, seed=1)
    half = (bands["high"] - bands["low"]) / 2
    assert (half > 1.96 * average.se).all()
    assert (half < 3.5 * average.se).all()
    assert bands["dynamic"].tolist() == list(average.keys)
    pd.testing.assert_frame_equal(bands, average.bands(level=0.05, draws=499, seed=1))
    assert not bands.equals(average.bands(level=0.05, draws=499, seed=2))


def test_bands_hold_all_effects_as_often_as_they_say():
    """Independent effects: the critical value is that of the largest of K standard normals."""
    from scipy import stats

    from evaluation.numerics.group_time import simultaneous_critical

    influence = np.kron(np.eye(5), np.ones(200))
    expected = stats.norm.ppf((1 + 0.95 ** (1 / 5)) / 2)
    assert simultaneous_critical(influence, level=0.05, draws=4999, seed=0) == pytest.approx(expected, abs=0.06)


def test_table_says_what_is_compared_with_what():
    table = group_time_effects(staggered()).table()
    assert list(table.columns) == ["cohort", "period", "base", "event_time", "att", "n_areas", "n_controls", "exposure"]
    assert table.loc[0].tolist() == ["2002", "2002", "2001", 0, 2.0, 1, 1, 1.0]
    assert table["exposure"].tolist() == [1, 1, 1, 0, 0, 1]
    wide = keep_areas(make_panel(starts=(8, 8)), range(24))
    assert "se" in group_time_effects(wide).table()


def test_gaps_and_unknown_covariates_are_refused_together_with_what_to_do():
    frame = pd.DataFrame({"a": list("xxyyzz"), "t": [1, 2] * 3, "v": [1, 2, 3, np.nan, 5, 6], "g": [2, 2] + [np.nan] * 4})
    comparison = Comparison.from_frame(frame, area="a", period="t", value="v", first_treated="g", missing="keep")
    with pytest.raises(DataError, match=r"1 cell\(s\) are missing \(first y, 2\); leave .* use the imputation estimator"):
        CallawaySantAnna().fit(comparison)
    with pytest.raises(DataError, match="no covariate 'x'; the comparison has none"):
        CallawaySantAnna(covariates=("x",)).fit(comparison)


@pytest.mark.parametrize(
    "options",
    [{"control_group": "all"}, {"base_period": "first"}, {"method": "magic"}, {"aggregation": "median"}, {"anticipation": -1}],
)
def test_options_that_do_not_exist_are_refused(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        CallawaySantAnna(**options)
    with pytest.raises(ConfigurationError, match="not known"):
        group_time_effects(staggered()).average("median")

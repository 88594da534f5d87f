"""Numbers behind the inference methods: variance function, wild bootstrap, jackknife, conformal shifts, several tests at once."""

import warnings
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from conformance.panels import draw_by_hand, make_panel

from evaluation.errors import DataError
from evaluation.numerics.cluster_jackknife import leave_out_clusters
from evaluation.numerics.conformal import conformal_interval, conformal_p, shift_statistics
from evaluation.numerics.multiplicity import holm, romano_wolf
from evaluation.numerics.variance_function import describe_places, describe_treated, fit_variance
from evaluation.numerics.wild_bootstrap import WildBootstrap, draw_wild_bootstrap, take_out_effects

# ---------------------------------------------------------------- what is known of a place


def places_panel(*, weights=(30, 10, 10, 30, 20, 60), se=None):
    return draw_by_hand(np.arange(18).reshape(6, 3), starts={0: 1}, weights=weights, se=se)


def test_terms_of_places_with_populations():
    groups = np.array([[0, 0, -1, -1, -1], [0, 1, 1, -1, -1]])
    found = describe_places(places_panel(), groups)
    # untreated areas have 10, 10, 30, 20, 60 people; first set: one place of 20 people
    # second set: places of 10 and 40 people, shares 1/5 and 4/5
    assert found.common == pytest.approx([1, 1 / 25 + 16 / 25])
    assert found.noise == pytest.approx([1 / 20, (1 / 25) / 10 + (16 / 25) / 40])
    assert found.shares == pytest.approx(np.array([[0.5, 0.5, 0, 0, 0], [0.2, 0.2, 0.6, 0, 0]]))
    assert describe_treated(places_panel()).noise == pytest.approx([1 / 30])


def test_terms_of_places_with_standard_errors():
    se = np.tile([1.0, 2, 4, 1, 1, 1], (3, 1))
    se[0, 0] = 3.0
    found = describe_places(places_panel(se=se), np.array([[0, 0, -1, -1, -1], [0, 1, 1, -1, -1]]))
    # variances 4, 16, 1: (4 + 16) / 4; and (1/5)^2 4 + (1/5)^2 16 + (3/5)^2 1
    assert found.noise == pytest.approx([5, 0.16 + 0.64 + 0.36])
    assert describe_treated(places_panel(se=se)).noise == pytest.approx([(9 + 1 + 1) / 3])


def test_without_populations_the_treated_place_counts_by_its_authorities():
    comparison = replace(draw_by_hand(np.zeros((6, 3)), starts={0: 1}, weights=np.ones(6)), weights=None, sizes=None)
    assert describe_places(comparison, np.array([[0, 0, -1, -1, -1]])).noise == pytest.approx([1 / 2])
    assert describe_treated(comparison).noise == pytest.approx([1.0])


def test_variance_is_found_where_squares_follow_it_exactly():
    terms = np.column_stack([np.ones(5), [1.0, 2, 3, 4, 5]])
    assert fit_variance(terms @ [2.0, 0.5], terms) == pytest.approx([2.0, 0.5])


def test_variance_has_no_negative_part():
    # squares that fall with the second term: the best without a negative coefficient is the mean
    terms = np.column_stack([np.ones(4), [1.0, 2, 3, 4]])
    assert fit_variance(np.array([4.0, 3.0, 2.0, 1.0]), terms) == pytest.approx([2.5, 0.0])
    assert fit_variance(np.zeros(4), terms) == pytest.approx([0, 0])


def test_variance_of_noisy_places_is_recovered_and_one_odd_place_does_not_rule():
    rng = np.random.default_rng(1)
    people = rng.uniform(1, 20, 4000)
    terms = np.column_stack([np.ones(4000), 1 / people])
    att = rng.normal(size=4000) * np.sqrt(0.5 + 6.0 / people)
    clean = fit_variance(att**2, terms)
    assert clean[1] / clean[0] == pytest.approx(12, rel=0.3)
    att[:5] = 100.0
    assert fit_variance(att**2, terms) == pytest.approx(clean, rel=0.1)


# ---------------------------------------------------------------- restricted wild bootstrap


def refit_bootstrap(comparison, clusters, signs, null):
    """t-values of the bootstrap by refitting every draw, for `signs` (R, G); the first is the observed one."""
    w = np.ones(comparison.y.shape[1]) if comparison.weights is None else comparison.weights
    y, x = (take_out_effects(values, w) for values in (comparison.y, comparison.exposure))
    square = (w * x * x).sum()

    def t(outcome):
        b = (w * x * outcome).sum() / square
        scores = (w * x * take_out_effects(outcome - b * x, w)).sum(axis=0)
        meat = sum(scores[clusters == g].sum() ** 2 for g in np.unique(clusters))
        return (b - null) / np.sqrt(meat / square**2)

    restricted = y - null * x
    drawn = [t(take_out_effects(comparison.y - restricted + v[clusters] * restricted, w)) for v in signs]
    return t(y), np.array(drawn)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("null", [0.0, -0.7])
def test_bootstrap_equals_refitting_every_draw(weighted, null):
    comparison = make_panel(n_areas=9, n_periods=6, starts=(2, 3, 4), shares=True, weighted=weighted, seed=3)
    # clusters of one or two areas, seven in all
    clusters = np.array([0, 0, 1, 2, 3, 3, 4, 5, 6])
    drawn = draw_wild_bootstrap(
        comparison.y, comparison.exposure, clusters=clusters, weights=comparison.weights, reps=999, kind="rademacher"
    )
    assert drawn.exhaustive
    signs = np.array(list(product([-1.0, 1.0], repeat=7)))
    observed, t = refit_bootstrap(comparison, clusters, signs, null)
    assert drawn.p_value(null) == pytest.approx((np.abs(t) >= abs(observed) * (1 - 1e-9)).mean(), abs=0)
    shift = drawn.shift[:, 0] - null * drawn.shift[:, 1]
    spread = drawn.spread[:, 0] - 2 * null * drawn.spread[:, 1] + null**2 * drawn.spread[:, 2]
    assert np.sort(shift / np.sqrt(spread)) == pytest.approx(np.sort(t), rel=1e-8, abs=1e-8)


def test_six_point_weights_equal_refitting_too():
    comparison = make_panel(n_areas=8, n_periods=5, starts=(2, 3, 3), seed=5)
    drawn = draw_wild_bootstrap(comparison.y, comparison.exposure, clusters=np.arange(8), reps=40, seed=1)
    points = np.sqrt([0.5, 1.0, 1.5])
    signs = np.concatenate([-points, points])[np.random.default_rng(1).integers(0, 6, (40, 8))]
    _, t = refit_bootstrap(comparison, np.arange(8), signs, 0.0)
    assert drawn.shift[:, 0] / np.sqrt(drawn.spread[:, 0]) == pytest.approx(t, rel=1e-8)


def test_interval_of_the_bootstrap_inverts_its_test():
    comparison = make_panel(n_areas=30, n_periods=10, starts=(5,) * 8, effect=1.0, seed=2)
    drawn = draw_wild_bootstrap(comparison.y, comparison.exposure, clusters=np.arange(30), reps=1999, seed=0)
    low, high = drawn.interval(0.05)
    assert low < drawn.estimate < high
    assert drawn.p_value(low) <= 0.05 < drawn.p_value(low + 1e-6)
    assert drawn.p_value(high) <= 0.05 < drawn.p_value(high - 1e-6)


def test_a_test_that_never_rejects_has_no_interval():
    # drawn t-values grow ten times as fast with the null as the observed one
    drawn = WildBootstrap(
        estimate=0.0, variance=1.0, shift=np.array([[0.0, 10.0]]), spread=np.array([[1.0, 0.0, 0.0]]), exhaustive=True
    )
    assert drawn.interval(0.05) is None


def test_bootstrap_without_untreated_areas_is_refused():
    with pytest.raises(DataError, match="explain the exposure"):
        draw_wild_bootstrap(np.eye(4), np.tile([0.0, 0, 1, 1], (4, 1)).T, clusters=np.arange(4))


def test_bootstrap_agrees_with_a_peer():
    """pyfixest's wildboottest, which needs the package of that name; p within what 9,999 draws leave open."""
    pytest.importorskip("wildboottest")
    comparison = make_panel(n_areas=40, n_periods=10, starts=(5,) * 7 + (6,) * 3, effect=0.6, seed=8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyfixest

        fit = pyfixest.feols("y ~ exposure | unit + time", comparison.to_frame(), vcov={"CRV1": "unit"})
        theirs = pd.Series(fit.wildboottest(param="exposure", reps=9_999, seed=5))
    ours = draw_wild_bootstrap(comparison.y, comparison.exposure, clusters=np.arange(40), seed=5).p_value()
    assert ours == pytest.approx(float(theirs["Pr(>|t|)"]), abs=4 * np.sqrt(0.5 / 9_999))


# ---------------------------------------------------------------- jackknife


def test_jackknife_by_hand():
    # changes over the two periods: treated 1 and 5, untreated 0, 0 and 3; a difference of two means with and without each
    comparison = draw_by_hand([[0, 1], [0, 5], [0, 0], [0, 0], [0, 3]], starts={0: 1, 1: 1})
    found = leave_out_clusters(comparison.y, comparison.exposure, clusters=np.arange(5))
    without = np.array([5 - 1, 1 - 1, 3 - 1.5, 3 - 1.5, 3 - 0])
    assert found.estimate == pytest.approx(3 - 1)
    assert found.without == pytest.approx(without)
    assert found.se == pytest.approx(np.sqrt(4 / 5 * ((without - 2) ** 2).sum()))


@pytest.mark.parametrize("weighted", [False, True])
def test_jackknife_and_its_degrees_of_freedom_equal_the_direct_ones(weighted):
    comparison = make_panel(n_areas=10, n_periods=6, starts=(2, 3, 3), shares=True, weighted=weighted, seed=1)
    clusters = np.array([0, 0, 1, 2, 2, 3, 4, 5, 5, 6])
    w = np.ones(10) if comparison.weights is None else comparison.weights

    def load(kept):
        """What the coefficient takes of each cell, 0 for areas left out."""
        x = take_out_effects(comparison.exposure[:, kept], w[kept])
        full = np.zeros(comparison.y.shape)
        full[:, kept] = w[kept] * x / (w[kept] * x * x).sum()
        return full

    whole = load(np.ones(10, dtype=bool))
    moves = np.array([(load(clusters != g) - whole).ravel() for g in range(7)])
    found = leave_out_clusters(comparison.y, comparison.exposure, clusters=clusters, weights=comparison.weights)
    assert found.estimate == pytest.approx((whole * comparison.y).sum())
    assert found.se**2 == pytest.approx(6 / 7 * ((moves @ comparison.y.ravel()) ** 2).sum())
    gram = moves @ moves.T
    assert found.freedom == pytest.approx(np.trace(gram) ** 2 / (gram**2).sum())


def test_jackknife_needs_two_treated_clusters():
    comparison = make_panel(n_areas=6, n_periods=4, starts=(2,))
    with pytest.raises(DataError, match="without one of the clusters"):
        leave_out_clusters(comparison.y, comparison.exposure, clusters=np.arange(6))


# ---------------------------------------------------------------- conformal


def test_shifts_by_hand():
    # exposure in the last period alone: the statistic is the size of one residual, and shifts bring every other there
    residuals, exposure = np.array([1.0, -4, 2, 3]), np.array([0.0, 0, 0, 1])
    assert shift_statistics(residuals, exposure) == pytest.approx([3, 1, 4, 2])
    # less the mean of 0.5: 0.5, -4.5, 1.5, 2.5; two of four are at least 2.5
    assert conformal_p(residuals, exposure) == pytest.approx(2 / 4)


def test_shifts_of_a_block():
    residuals, exposure = np.array([1.0, 2, 3, -6]), np.array([0.0, 0, 1, 1])
    # |3 - 6|, |-6 + 1|, |1 + 2|, |2 + 3|
    assert shift_statistics(residuals, exposure) == pytest.approx([3, 5, 3, 5])
    assert conformal_p(residuals, exposure) == pytest.approx(1.0)


def test_no_residuals_are_no_evidence():
    assert conformal_p(np.zeros(5), np.array([0.0, 0, 0, 1, 1])) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(5))
def test_conformal_interval_holds_the_effects_the_test_keeps(seed):
    rng = np.random.default_rng(seed)
    gap, exposure = rng.normal(size=40), np.concatenate([np.zeros(29), [0.25], np.ones(10)])
    low, high = conformal_interval(gap, exposure, 0.1)
    for effect, kept in ((low - 1e-6, False), (low + 1e-6, True), (high - 1e-6, True), (high + 1e-6, False)):
        assert (conformal_p(gap - effect * exposure, exposure) > 0.1) == kept
    x = exposure - exposure.mean()
    assert low < gap @ x / (x @ x) < high


def test_too_few_periods_for_the_level_give_no_interval():
    assert conformal_interval(np.arange(10.0), np.repeat([0.0, 1.0], 5), 0.05) is None


# ---------------------------------------------------------------- several tests at once


def test_holm_by_hand():
    # in order 0.01, 0.02, 0.03, 0.5: times 4, 3, 2, 1 = 0.04, 0.06, 0.06, 0.5
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    # 0.4 times 3 is more than 1
    assert holm([0.4, 0.6, 0.9]) == pytest.approx([1, 1, 1])
    assert holm([]).size == 0


def test_romano_wolf_by_hand():
    draws = np.array([[1.0, 0.0, 2.0], [-3.0, 1.0, 0.0], [0.5, -2.0, 0.0], [0.0, 0.5, 0.5]])
    # largest of each draw: 2, 3, 2, 0.5; without test 1 (5): 2, 1, 2, 0.5; test 2 alone: 0, 1, 2, 0.5
    # 5 has none as large; then 1.8 against tests 2 and 3: two; then 1.5 against test 2 alone: one, but not below the one before
    assert romano_wolf([5.0, -1.5, 1.8], draws) == pytest.approx([1 / 5, 3 / 5, 3 / 5])


def test_tests_that_say_the_same_count_as_one():
    draws = np.random.default_rng(0).normal(size=(99, 1))
    once = romano_wolf([1.7], draws)
    assert romano_wolf([1.7, 1.7, 1.7], np.repeat(draws, 3, axis=1)) == pytest.approx(np.repeat(once, 3))
    other = np.random.default_rng(1).normal(size=(99, 1))
    assert romano_wolf([1.7, 0.1], np.hstack([draws, other]))[0] > once[0]

"""Imputation and two-stage estimators on panels drawn by hand; the answers are arithmetic or dummy regressions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conformance.panels import draw_by_hand, make_panel, make_places

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.callaway_santanna import CallawaySantAnna
from evaluation.estimators.imputation import Imputation
from evaluation.estimators.two_stage import TwoStage
from evaluation.numerics.places import merge_places
from evaluation.results import Comparison

A, B, C = [10, 12, 15, 17], [5, 6, 7, 8], [7, 8, 9, 10]
BOTH = pytest.mark.parametrize("kind", [Imputation, TwoStage])


def path_of(estimate):
    return {point.event_time: point.att for point in estimate.path}


@BOTH
def test_one_start_is_measured_from_the_mean_of_all_periods_before(kind):
    # A beside the mean of B and C is 4, 5, 7, 8 and starts in the third period
    estimate = kind().fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert estimate.att == pytest.approx((7 + 8) / 2 - (4 + 5) / 2)
    assert {e: v for e, v in path_of(estimate).items() if e >= 0} == pytest.approx({0: 7 - 4.5, 1: 8 - 4.5})
    gap = np.subtract(estimate.series.observed, estimate.series.counterfactual)
    # 4 and 5 lie half a point about their mean, a third of which goes into the period effects, as A is one area in three
    assert gap == pytest.approx([-1 / 3, 1 / 3, 2.5, 3.5])
    assert estimate.pre_rmspe == pytest.approx(1 / 3)


def test_leads_are_a_regression_of_their_own():
    # of A's two periods before the start, the last against the first: 5 - 4; a second lead has nothing to compare with
    estimate = Imputation(leads=2).fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert path_of(estimate)[-1] == pytest.approx(5 - 4)
    assert -2 not in path_of(estimate)
    assert "1 lead(s) instead of 2" in " ".join(estimate.notes)
    assert set(path_of(Imputation(leads=0).fit(draw_by_hand([A, B, C], starts={0: 2})))) == {0, 1}


def test_leads_of_the_second_stage_are_residuals_of_the_first():
    estimate = TwoStage().fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert path_of(estimate) == pytest.approx({-2: -1 / 3, -1: 1 / 3, 0: 2.5, 1: 3.5})


@BOTH
def test_partly_exposed_cells_are_on_the_path_but_not_in_the_average(kind):
    estimate = kind().fit(draw_by_hand([A, B, C], starts={0: 2}, exposure={0: [0, 0, 0.5, 1]}))
    assert estimate.att == pytest.approx(3.5)
    assert path_of(estimate)[0] == pytest.approx(2.5)
    assert "exposed in part" in " ".join(estimate.notes)


@BOTH
def test_without_full_exposure_the_average_is_scaled_up(kind):
    estimate = kind().fit(draw_by_hand([A, B, C], starts={0: 2}, exposure={0: [0, 0, 0.25, 0.75]}))
    assert estimate.att == pytest.approx((2.5 + 3.5) / (0.25 + 0.75))
    assert "scaled up" in " ".join(estimate.notes)


@BOTH
def test_weights_count_in_fit_and_average(kind):
    comparison = draw_by_hand([[0, 2], [0, 6], [0, 1], [0, 4]], starts={0: 1, 1: 1}, weights=[1, 3, 2, 1])
    assert kind().fit(comparison).att == pytest.approx((2 + 3 * 6) / 4 - (2 * 1 + 4) / 3)


@pytest.mark.parametrize("weighted", [False, True])
def test_one_period_before_a_single_start_is_the_group_time_estimate(weighted):
    comparison = make_panel(n_periods=6, starts=(1, 1, 1), weighted=weighted)
    ours, other = Imputation().fit(comparison), CallawaySantAnna().fit(comparison)
    assert ours.att == pytest.approx(other.att, abs=1e-10)
    assert [path_of(ours)[e] for e in range(5)] == pytest.approx([path_of(other)[e] for e in range(5)], abs=1e-10)


@pytest.mark.parametrize("covariates", [(), ("x",)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("gaps", [False, True])
def test_both_give_the_same_points(covariates, weighted, gaps):
    comparison = drawn(weighted=weighted, gaps=gaps)
    one, two = (kind(covariates=covariates).fit(comparison) for kind in (Imputation, TwoStage))
    assert one.att == pytest.approx(two.att, abs=1e-10)
    assert one.pre_rmspe == pytest.approx(two.pre_rmspe, abs=1e-10)
    for event_time in range(3):
        assert path_of(one)[event_time] == pytest.approx(path_of(two)[event_time], abs=1e-10)


def drawn(*, weighted=False, gaps=False, clusters=False, shares=False):
    """Staggered starts, a covariate that moves, an effect that differs; some cells lost, before and after starts."""
    comparison = make_panel(n_areas=20, n_periods=8, starts=(4, 4, 5, 5, 5, 6), weighted=weighted, effect=2.0, seed=4)
    rng = np.random.default_rng(2)
    x = rng.normal(size=comparison.y.shape)
    y = comparison.y + 0.8 * x + comparison.exposure * rng.normal(size=20)
    if gaps:
        for t, n in ((0, 0), (6, 1), (5, 2), (3, 10), (7, 11), (7, 5)):
            y[t, n] = np.nan
    return replace(
        comparison,
        y=y,
        covariates={"x": x},
        unbalanced=gaps,
        clusters=tuple(f"c{n % 11}" for n in range(20)) if clusters else (),
        exposure=comparison.exposure * (0.6 if shares else 1.0),
    )


def dummies(comparison, covariates):
    """Dummy matrix of areas, periods and covariates over all cells (row by row), and which cells are there and untreated."""
    n_periods, n_areas = comparison.y.shape
    t, n = (index.ravel() for index in np.indices(comparison.y.shape))
    z = np.column_stack([n[:, None] == np.arange(n_areas), t[:, None] == np.arange(1, n_periods)])
    z = np.column_stack([z, *(comparison.covariates[name].ravel() for name in covariates)]).astype(float)
    there = np.isfinite(comparison.y).ravel()
    treated = ((comparison.first_treated >= 0) & (np.arange(n_periods)[:, None] >= comparison.first_treated)).ravel()
    return z, t, n, there, there & ~treated


@pytest.mark.parametrize("covariates", [(), ("x",)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("leave_out", [False, True])
@pytest.mark.parametrize("shares", [False, True])
def test_effect_and_standard_error_are_those_of_the_weights_written_out(covariates, weighted, gaps, leave_out, shares):
    """The variance of Borusyak, Jaravel & Spiess (2024, section 4.3) with every matrix in full."""
    comparison = drawn(weighted=weighted, gaps=gaps, clusters=True, shares=shares)
    if leave_out:
        # an area by itself, from its start on or for a gap, would leave nothing to compare with
        comparison = replace(comparison, first_treated=np.where(comparison.first_treated == 6, 5, comparison.first_treated))
        exposed = (comparison.first_treated >= 0) & (np.arange(8)[:, None] >= comparison.first_treated)
        comparison = replace(comparison, exposure=exposed * (0.6 if shares else 1.0))
        if gaps:
            y = comparison.y.copy()
            y[6, 1] = 20.0
            comparison = replace(comparison, y=y)
    z, t, n, there, fitted = dummies(comparison, covariates)
    w = np.ones(n.size) if comparison.weights is None else comparison.weights[n]
    y, exposure = np.nan_to_num(comparison.y.ravel()), comparison.exposure.ravel()
    averaged = there & (exposure > 0)
    v1 = np.where(averaged, w, 0.0) / (w * exposure)[averaged].sum()
    gram = np.linalg.pinv(z[fitted].T @ (w[fitted, None] * z[fitted]))
    coefficients = gram @ z[fitted].T @ (w * y)[fitted]
    v0 = np.where(fitted, -w * (z @ gram @ z.T @ v1), 0.0)
    gap = np.where(there, y - z @ coefficients, 0.0)
    att = v1 @ gap
    assert att == pytest.approx((v1 + v0) @ y)
    first, clusters = comparison.first_treated[n], np.unique(comparison.clusters, return_inverse=True)[1][n]
    error = np.where(fitted, gap, 0.0)
    for i in np.flatnonzero(averaged):
        group = averaged & (first == first[i]) & (t == t[i])
        group[i] = group[i] and not leave_out
        error[i] = gap[i] - (v1[group] ** 2 @ gap[group]) / (v1[group] ** 2).sum()
    score = (v1 + v0) * error
    expected = np.sqrt((np.bincount(clusters, weights=score) ** 2).sum())
    found = Imputation(covariates=covariates, leave_out=leave_out).fit(comparison)
    assert found.att == pytest.approx(att, abs=1e-9)
    assert found.se == pytest.approx(expected, rel=1e-9)
    # Gardner (2022): the same weights, every effect held against the one coefficient
    score = (v1 + v0) * np.where(averaged, gap - att * exposure, np.where(fitted, gap, 0.0))
    two = TwoStage(covariates=covariates).fit(comparison)
    assert two.se == pytest.approx(np.sqrt((np.bincount(clusters, weights=score) ** 2).sum()), rel=1e-9)


@pytest.mark.parametrize("covariates", [(), ("x",)])
@pytest.mark.parametrize("gaps", [False, True])
def test_leads_and_their_covariance_are_those_of_the_dummy_regression(covariates, gaps):
    comparison = drawn(weighted=True, gaps=gaps)
    z, t, n, _, fitted = dummies(comparison, covariates)
    first = comparison.first_treated[n]
    terms = np.column_stack([(first >= 0) & (t - first == lead) for lead in (-3, -2, -1)]).astype(float)
    z = np.column_stack([terms, z])[fitted]
    w, y = comparison.weights[n][fitted], comparison.y.ravel()[fitted]
    bread = np.linalg.pinv(z.T @ (w[:, None] * z))
    coefficients = bread @ z.T @ (w * y)
    score = (w * (y - z @ coefficients))[:, None] * (z @ bread)[:, :3]
    score = np.stack([score[n[fitted] == area].sum(axis=0) for area in range(20)])
    found = Imputation(covariates=covariates, leads=3).fit(comparison)
    assert [point.event_time for point in found.path[:3]] == [-3, -2, -1]
    assert [point.att for point in found.path[:3]] == pytest.approx(coefficients[:3].tolist(), abs=1e-9)
    assert found.path_vcov[:3, :3] == pytest.approx(score.T @ score, abs=1e-9)
    assert [point.n_areas for point in found.path[:3]] == [
        int(((first == t - lead) & fitted & (first >= 0)).sum()) for lead in (-3, -2, -1)
    ]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_second_stage_and_pyfixest(weighted):
    import pyfixest

    comparison = make_panel(n_areas=20, n_periods=8, starts=(4, 4, 5, 6, 6), weighted=weighted)
    frame = comparison.to_frame()
    frame["post"] = ((frame["first_treated"] > 0) & (frame["time"] >= frame["first_treated"])).astype(int)
    frame["event"] = np.where(frame["first_treated"] > 0, frame["time"] - frame["first_treated"], -99)
    if weighted:
        frame["w"] = np.tile(comparison.weights, 8)
    ours = TwoStage().fit(comparison)

    def theirs(second_stage):
        import warnings

        with warnings.catch_warnings():
            # pyfixest 0.60 calls pandas with arguments that pandas 3.1 deprecates
            warnings.simplefilter("ignore")
            model = pyfixest.did2s(
                frame,
                yname="y",
                first_stage="~0|unit+time",
                second_stage=second_stage,
                treatment="post",
                cluster="unit",
                weights="w" if weighted else None,
            )
        return model.coef().to_numpy(), model.se().to_numpy()

    # its iterated first stage is exact to about 1e-6
    effect, error = theirs("~i(post, ref=0)")
    assert ours.att == pytest.approx(effect[0], abs=1e-5)
    assert ours.se == pytest.approx(error[0], rel=1e-5)
    effect, error = theirs("~i(event, ref=-99)")
    assert [point.att for point in ours.path] == pytest.approx(effect.tolist(), abs=1e-5)
    assert [point.se for point in ours.path] == pytest.approx(error.tolist(), rel=1e-4)


# ---------------------------------------------------------------- gaps in the panel


@BOTH
def test_gaps_are_left_out_of_fit_and_average(kind):
    # A: 4 and 5 above the mean of B and C before; its third period is lost, so only 8 - 4.5 is left
    y = [[10, 12, np.nan, 17], B, C]
    whole = draw_by_hand([A, B, C], starts={0: 2})
    comparison = replace(whole, y=np.array(y, dtype=float).T, unbalanced=True)
    estimate = kind().fit(comparison)
    assert estimate.att == pytest.approx(8 - 4.5)
    assert estimate.series.periods == ("2001", "2002", "2004")
    assert np.subtract(estimate.series.observed, estimate.series.counterfactual)[-1] == pytest.approx(3.5)


@BOTH
def test_cells_that_nothing_determines_are_named(kind):
    comparison = draw_by_hand([A, B, C], starts={0: 2})
    lost = comparison.y.copy()
    lost[:2, 0] = np.nan
    with pytest.raises(DataError, match=r"2 treated cell\(s\) .*first A000, 2003; A000, 2004.*without a period before"):
        kind().fit(replace(comparison, y=lost, unbalanced=True))
    lost = comparison.y.copy()
    lost[3, 1:] = np.nan
    with pytest.raises(DataError, match=r"1 treated cell\(s\) .*first A000, 2004.*periods without untreated areas"):
        kind().fit(replace(comparison, y=lost, unbalanced=True))
    lost = comparison.y.copy()
    lost[2:, 0] = np.nan
    with pytest.raises(DataError, match="no treated area is observed from its start on"):
        kind().fit(replace(comparison, y=lost, unbalanced=True))


def test_periods_that_no_area_links_do_not_determine_each_other():
    # B is seen in the first two periods and C in the last two: nothing says how the periods differ
    y = np.array([[10, 12, 15, 17], [5, 6, np.nan, np.nan], [np.nan, np.nan, 9, 10]]).T
    comparison = draw_by_hand([A, B, C], starts={0: 2})
    with pytest.raises(DataError, match=r"2 treated cell\(s\)"):
        Imputation().fit(replace(comparison, y=y, unbalanced=True))


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("covariates", [(), ("x",)])
@pytest.mark.parametrize("shares", [False, True])
def test_placebos_are_fits_of_the_panel_of_their_places_with_gaps_and_covariates(gaps, covariates, shares):
    comparison = drawn(weighted=True, gaps=gaps, shares=shares)
    estimator = Imputation(covariates=covariates)
    placebos = estimator.placebos(comparison, draws=3, seed=7)
    # every untreated area is seen before the first start and after the last, so all of them take part
    assert len(placebos.groups) == 3
    for d in range(3):
        found = estimator.fit(merge_places(comparison, placebos.groups[d]))
        assert placebos.att[d] == pytest.approx(found.att, abs=1e-9)
        assert placebos.pre_rmspe[d] == pytest.approx(found.pre_rmspe, abs=1e-9)


def test_areas_not_seen_around_the_start_are_no_placebos():
    comparison = make_panel(n_areas=8, n_periods=6, starts=(3,))
    y = comparison.y.copy()
    y[:3, 2], y[3:, 4] = np.nan, np.nan
    placebos = Imputation().placebos(replace(comparison, y=y, unbalanced=True), draws=9, seed=0)
    assert placebos.labels == ("A001", "A003", "A005", "A006", "A007")
    assert placebos.gaps.shape == (5, 6)
    assert not placebos.exhaustive


@BOTH
@pytest.mark.parametrize("leads", [0, 2, 9])
def test_the_path_of_placebo_places_with_leads(kind, leads):
    """Nine leads are more than the start in period 4 leaves room for; the batch finds as many as the fit does."""
    comparison = make_places(sizes=(3, 2, 1), starts=(4, 6, 5), n_areas=24)
    estimator = Imputation(leads=leads) if kind is Imputation else kind()
    placebos = estimator.placebos(comparison, draws=4, seed=2)
    for d in range(4):
        found = estimator.fit(merge_places(comparison, placebos.groups[d]))
        assert placebos.path[d] == pytest.approx([point.att for point in found.path], abs=1e-9)


# ---------------------------------------------------------------- refusals and notes


@BOTH
def test_a_covariate_that_does_not_move_is_refused(kind):
    comparison = make_panel(starts=(8, 8))
    still = np.broadcast_to(np.arange(24.0), comparison.y.shape)
    with pytest.raises(DataError, match=r"covariates still: area and period effects.* vary over time"):
        kind(covariates=["still"]).fit(replace(comparison, covariates={"still": still}))
    with pytest.raises(DataError, match="no covariate 'x'; the comparison has none"):
        kind(covariates=["x"]).fit(comparison)


@BOTH
def test_needs_an_untreated_area(kind):
    with pytest.raises(DataError, match="not treated and at least 1"):
        kind().fit(draw_by_hand([A, B], starts={0: 1, 1: 2}))


@BOTH
def test_no_standard_error_for_one_treated_area(kind):
    estimate = kind().fit(draw_by_hand([A, B, C], starts={0: 2}))
    assert estimate.se is None
    assert estimate.path_vcov is None
    assert "no spread" in " ".join(estimate.notes)


def test_leaving_out_the_only_area_of_a_start_leaves_no_standard_error():
    estimate = Imputation(leave_out=True).fit(make_panel(starts=(7, 8, 8)))
    assert estimate.se is None
    assert "starts by itself" in " ".join(estimate.notes)
    assert (
        Imputation(leave_out=True).fit(make_panel(starts=(7, 7, 8, 8))).se > Imputation().fit(make_panel(starts=(7, 7, 8, 8))).se
    )


def test_leads_cannot_be_negative():
    with pytest.raises(ConfigurationError, match="leads is -1"):
        Imputation(leads=-1)


def test_from_a_frame_with_gaps():
    frame = pd.DataFrame(
        {"a": list("xxxyyyz"), "t": [1, 2, 3, 1, 2, 3, 1], "v": [1.0, 2, 9, 1, 2, 3, 5], "g": [3.0] * 3 + [np.nan] * 4}
    )
    comparison = Comparison.from_frame(frame, area="a", period="t", value="v", first_treated="g", missing="keep")
    assert Imputation().fit(comparison).att == pytest.approx(9 - 3)

"""Synthetic difference-in-differences on panels drawn by hand."""

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.synthetic_did import SyntheticDiD
from evaluation.numerics.adjust import take_out_covariates
from evaluation.numerics.parallel import fit_parallel
from evaluation.results import Comparison

LOW, HIGH = [0, 0, 0, 0], [10, 10, 10, 10]


def test_still_donors_make_it_the_plain_difference_in_differences():
    # without any change among donors all weights are equal: (6 + 8) / 2 - (4 + 5) / 2 less no change of the donors
    estimate = SyntheticDiD().fit(draw_by_hand([[4, 5, 6, 8], LOW, HIGH], starts={0: 2}))
    assert {donor.area: donor.weight for donor in estimate.weights} == pytest.approx({"A001": 0.5, "A002": 0.5})
    assert estimate.att == pytest.approx(7 - 4.5)
    assert [point.att for point in estimate.path] == pytest.approx([-0.5, 0.5, 1.5, 3.5])
    assert [point.event_time for point in estimate.path] == [-2, -1, 0, 1]
    assert estimate.pre_rmspe == pytest.approx(0.5)
    assert estimate.series.counterfactual == pytest.approx([4.5] * 4)
    assert estimate.prediction_rmspe is None


def test_straddling_window_counts_by_its_share():
    estimate = SyntheticDiD().fit(draw_by_hand([[4, 5, 6, 8], LOW, HIGH], starts={0: 2}, exposure={0: [0, 0, 0.5, 1]}))
    assert estimate.att == pytest.approx((0.5 * 1.5 + 1 * 3.5) / (0.5**2 + 1**2))


def test_unit_weights_minimise_the_squared_differences_and_their_penalty():
    # donors change by +1 and -1 between the two early periods, the treated area by +1; their changes have sd 2 / sqrt(2).
    # centred, donors are -+ 1/2, +- 1/2; with v on the first the misfit is 2 (1/2 - (v - 1/2))^2 = 2 (1 - v)^2 and the penalty
    # 2 * sqrt(1 * 1) * 2 * (v^2 + (1 - v)^2): v = (4 + 8) / (4 + 16)
    donors = np.array([[0.0, 5.0], [1.0, 4.0], [0.0, 4.0]])
    fit = fit_parallel(
        donors,
        np.array([[7.0, 8.0, 9.0]]),
        allowed=np.ones((1, 2), dtype=bool),
        start=2,
        exposure=np.array([0.0, 0.0, 1.0]),
        n_treated=1,
    )
    assert fit.unit_weights[0] == pytest.approx([12 / 20, 8 / 20])
    # the donors' last figures differ by 4, their first by 5 and their second by 3: half of each
    assert fit.time_weights[0] == pytest.approx([0.5, 0.5], abs=1e-6)
    # 7 - 2, 8 - 2.2 and 9 - 1.6, less the mean of the first two
    assert fit.gap[0] == pytest.approx([5 - 5.4, 5.8 - 5.4, 7.4 - 5.4], abs=1e-5)


def test_penalty_grows_with_treated_cells():
    rng = np.random.default_rng(1)
    donors, target = rng.normal(size=(12, 6)), rng.normal(size=(1, 12))
    later = (np.arange(12) >= 8).astype(float)
    few, many = (
        fit_parallel(donors, target, allowed=np.ones((1, 6), dtype=bool), start=8, exposure=later, n_treated=n).unit_weights
        for n in (1, 10**8)
    )
    assert many == pytest.approx(np.full((1, 6), 1 / 6), abs=1e-3)
    assert np.abs(few - 1 / 6).max() > 0.05


def test_cohorts_count_by_their_treated_cells():
    panel = make_panel(starts=(9, 9, 6), seed=3)
    both = SyntheticDiD(se_draws=0).fit(panel)
    alone = []
    for members in ((0, 1), (2,)):
        kept = [n for n in range(24) if n in members or n > 2]
        first = panel.first_treated[kept]
        alone.append(
            SyntheticDiD(se_draws=0)
            .fit(
                Comparison(
                    areas=tuple(panel.areas[n] for n in kept),
                    area_names=tuple(panel.areas[n] for n in kept),
                    periods=panel.periods,
                    y=panel.y[:, kept],
                    first_treated=first,
                    exposure=panel.exposure[:, kept],
                )
            )
            .att
        )
    # two areas for five periods and one for eight
    assert both.att == pytest.approx((10 * alone[0] + 8 * alone[1]) / 18)
    assert sum(donor.weight for donor in both.weights) == pytest.approx(1)
    assert "2 periods" in both.notes[0]


def test_standard_error_is_the_spread_of_placebos():
    panel = make_panel(seed=4)
    estimate, placebos = SyntheticDiD().fit(panel), SyntheticDiD().placebos(panel, draws=1, seed=0)
    assert estimate.se == pytest.approx(np.sqrt(np.mean((placebos.att - placebos.att.mean()) ** 2)))
    assert SyntheticDiD(se_draws=0).fit(panel).se is None
    several = make_panel(starts=(8, 8, 9), seed=4)
    first, again, other = (SyntheticDiD(se_draws=9, seed=seed).fit(several).se for seed in (0, 0, 1))
    assert first == again != other
    assert np.sqrt(np.diag(estimate.path_vcov)) == pytest.approx([point.se for point in estimate.path])


def test_a_covariate_is_taken_out_with_the_slope_of_the_untreated():
    panel = make_panel(noise=0.0, effect=-1.25)
    rng = np.random.default_rng(5)
    x = rng.normal(size=panel.y.shape)
    with_covariate = Comparison(
        areas=panel.areas,
        area_names=panel.area_names,
        periods=panel.periods,
        y=panel.y + 3.0 * x,
        first_treated=panel.first_treated,
        exposure=panel.exposure,
        covariates={"x": x, "level": np.ones_like(x)},
    )
    estimate = SyntheticDiD(se_draws=0).fit(with_covariate)
    assert estimate.att == pytest.approx(-1.25, abs=1e-8)
    assert estimate.series.observed == pytest.approx(with_covariate.y[:, 0])
    assert estimate.notes[-1].endswith("x, level.")
    donors = np.arange(1, 24)
    assert take_out_covariates(panel.y + 3.0 * x, {"x": x}, donors) == pytest.approx(panel.y)
    placebos = SyntheticDiD().placebos(with_covariate, draws=1, seed=0)
    assert placebos.att == pytest.approx(np.zeros(23), abs=1e-8)
    assert placebos.prediction_rmspe == pytest.approx(np.zeros(23), abs=1e-8)


def test_misfit_is_measured_in_periods_the_weights_have_not_seen():
    panel = make_panel(seed=6)
    estimate = SyntheticDiD(se_draws=0).fit(panel)
    # eight periods before the start: the last two of them as if treated
    early = Comparison(
        areas=panel.areas,
        area_names=panel.areas,
        periods=panel.periods[:8],
        y=panel.y[:8],
        first_treated=np.where(panel.treated, 6, -1),
        exposure=np.where(panel.treated, (np.arange(8) >= 6)[:, None], 0.0),
    )
    pretended = SyntheticDiD(se_draws=0).fit(early)
    assert estimate.prediction_rmspe == pytest.approx(np.sqrt(np.mean([p.att**2 for p in pretended.path if p.event_time >= 0])))


def test_gaps_and_bad_options_are_refused():
    y = [[4.0, np.nan, 6, 8], LOW, HIGH]
    comparison = Comparison(
        areas=("a", "b", "c"),
        area_names=("a", "b", "c"),
        periods=("1", "2", "3", "4"),
        y=np.array(y).T,
        first_treated=np.array([2, -1, -1]),
        exposure=np.array([[0, 0, 1, 1], [0] * 4, [0] * 4]).T,
        unbalanced=True,
    )
    with pytest.raises(DataError, match="are missing and this method takes none"):
        SyntheticDiD().fit(comparison)
    with pytest.raises(ConfigurationError, match="se_draws"):
        SyntheticDiD(se_draws=-1)

"""Stacked and local projections estimators: by hand, and against the regressions that define them."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import draw_by_hand, make_panel

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.local_projections import LocalProjections
from evaluation.estimators.stacked import StackedDiD
from evaluation.inference.checks import two_implementations
from evaluation.numerics import clean
from evaluation.results import CheckThresholds

# early starts in period 2, late in period 3; C and D never, their mean moves by 1 a period
EARLY, LATE, C, D = [0, 1, 3, 6, 10], [2, 3, 4, 15, 26], [1, 2, 3, 4, 5], [-1, 0, 1, 2, 3]
STARTS = {0: 2, 1: 3}
LIMITS = CheckThresholds(minimum_pre_periods=4, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.9, maximum_donor_weight=0.5)
BOTH = [StackedDiD, LocalProjections]


def path_of(estimate):
    return {point.event_time: point.att for point in estimate.path}


def test_stack_has_the_longest_window_that_all_starts_have():
    estimate = StackedDiD().fit(draw_by_hand([EARLY, LATE, C, D], starts=STARTS))
    # two before, one after; beyond C and D early moves by 1, 3 and late by 10, 20
    assert path_of(estimate) == pytest.approx({-2: 0, -1: 0, 0: (1 + 10) / 2, 1: (3 + 20) / 2})
    assert estimate.att == pytest.approx((1 + 10 + 3 + 20) / 4)


def test_a_longer_window_leaves_starts_out():
    estimate = StackedDiD(max_lag=2).fit(draw_by_hand([EARLY, LATE, C, D], starts=STARTS))
    assert path_of(estimate) == pytest.approx({-2: 0, -1: 0, 0: 1, 1: 3, 2: 6})
    assert "1 of 2 starts" in estimate.notes[0]
    with pytest.raises(DataError, match="no start has 2 periods before it and 4 after"):
        StackedDiD(max_lag=4).fit(draw_by_hand([EARLY, LATE, C, D], starts=STARTS))


def test_stack_controls_are_clean_for_the_whole_window():
    """With one period of window the late area is a control of the early one; with more it is not."""
    comparison = draw_by_hand([EARLY, [2, 3, 7, 15, 26], C, D], starts=STARTS)
    short, long = (StackedDiD(max_lead=1, max_lag=lag).fit(comparison) for lag in (0, 1))
    late = 15 - 7 - 1
    assert path_of(short)[0] == pytest.approx(((2 - (1 + 1 + 4) / 3) + late) / 2)
    assert path_of(long)[0] == pytest.approx(((2 - 1) + late) / 2)


def test_projections_take_all_that_is_not_treated_yet():
    comparison = draw_by_hand([EARLY, [2, 3, 7, 15, 26], C, D], starts=STARTS)
    path = path_of(LocalProjections().fit(comparison))
    assert path[0] == pytest.approx(((2 - (1 + 1 + 4) / 3) + (8 - 1)) / 2)
    assert path[2] == pytest.approx(9 - 3)
    assert set(path) == {-3, -2, -1, 0, 1, 2}
    assert set(path_of(LocalProjections(max_lead=1, max_lag=0).fit(comparison))) == {-1, 0}


def test_projections_from_the_mean_before():
    comparison = draw_by_hand([[0, 2, 7, 7], [0, 0, 0, 0], [1, 1, 1, 1]], starts={0: 2})
    assert path_of(LocalProjections(base="mean").fit(comparison)) == pytest.approx({-2: -1, -1: 1, 0: 6, 1: 6})
    assert path_of(LocalProjections().fit(comparison)) == pytest.approx({-2: -2, -1: 0, 0: 5, 1: 5})


@pytest.mark.parametrize("kind", BOTH)
def test_variance_weighting_counts_starts_as_least_squares_does(kind):
    comparison = draw_by_hand([EARLY, EARLY, LATE, C, D], starts={0: 2, 1: 2, 2: 3})
    equal, variance = kind().fit(comparison), kind(weighting="variance").fit(comparison)
    assert path_of(equal)[1] == pytest.approx((3 + 3 + 20) / 3)
    # two treated and two clean controls: 1; one and two: 2/3
    assert path_of(variance)[1] == pytest.approx((3 * 1 + 20 * 2 / 3) / (1 + 2 / 3))


@pytest.mark.parametrize("kind", BOTH)
def test_partial_exposure(kind):
    comparison = draw_by_hand([EARLY, C, D], starts={0: 2}, exposure={0: [0, 0, 0.5, 1, 1]})
    estimate = kind().fit(comparison)
    assert estimate.att == pytest.approx((3 + 6) / 2)
    assert "in part" in estimate.notes[0]
    scaled = kind().fit(draw_by_hand([EARLY, C, D], starts={0: 2}, exposure={0: [0, 0, 0.2, 0.4, 0.6]}))
    assert scaled.att == pytest.approx(((1 + 3 + 6) / 3) / 0.4)
    assert "scaled up" in scaled.notes[0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("starts", [(8,), (6, 9, 8, 8)])
@pytest.mark.parametrize("kind", BOTH)
def test_second_implementation(kind, starts, weighted):
    comparison, estimator = make_panel(starts=starts, weighted=weighted, shares=True), kind()
    estimate = estimator.fit(comparison)
    check = two_implementations.run(comparison, estimator, estimate, None, LIMITS)
    assert check.passed is True, check.text
    point = replace(estimate.path[-1], att=estimate.path[-1].att + 0.01)
    off = replace(estimate, path=(*estimate.path[:-1], point))
    assert two_implementations.run(comparison, estimator, off, None, LIMITS).passed is False
    assert "weighting" in two_implementations.run(comparison, kind(weighting="variance"), estimate, None, LIMITS).text


@pytest.mark.parametrize("starts", [(8,), (6, 9, 8, 8)])
def test_variance_weighted_projections_and_pyfixest(starts):
    """Effects are equal; its standard errors have a factor for coefficients too, which ours lack."""
    import pyfixest

    comparison = make_panel(starts=starts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pyfixest.lpdid(
            comparison.to_frame(), yname="y", idname="unit", tname="time", gname="first_treated", vcov={"CRV1": "unit"}, att=False
        ).tidy()
    ours = LocalProjections(weighting="variance").fit(comparison)
    horizons = theirs.index.str.extract(r"(-?\d+)")[0].astype(int)
    found = {point.event_time: point for point in ours.path}
    compared = [(found[h], row) for h, (_, row) in zip(horizons, theirs.iterrows(), strict=True) if h in found]
    assert len(compared) >= 10
    for point, row in compared:
        assert point.att == pytest.approx(row["Estimate"], abs=1e-8)
        if point.event_time != -1:
            assert point.se == pytest.approx(row["Std. Error"], rel=0.15)


@pytest.mark.parametrize("weighting", ["corrective", "variance"])
def test_stacked_covariance_and_statsmodels_on_the_stacked_data(weighting):
    import statsmodels.api as sm

    comparison, lead, lag = make_panel(n_areas=14, n_periods=9, starts=(4, 6, 6, 5)), 4, 2
    first = comparison.first_treated
    own, time, experiment, treated, y = [], [], [], [], []
    for g in (4, 5, 6):
        for n in np.flatnonzero((first == g) | (first == -1) | (first > g + lag)):
            for h in range(-lead, lag + 1):
                (
                    own.append(n),
                    time.append(h),
                    experiment.append(g),
                    treated.append(first[n] == g),
                    y.append(comparison.y[g + h, n]),
                )
    own, time, experiment, treated, y = map(np.array, (own, time, experiment, treated, y))
    times = [h for h in range(-lead, lag + 1) if h != -1]
    effects = np.stack([treated & (time == h) for h in times], axis=1)
    units = np.unique(experiment * 100 + own, return_inverse=True)[1]
    cells = np.where(time == -lead, 0, experiment * 100 + time)
    dummies = np.column_stack([units[:, None] == np.arange(units.max() + 1), cells[:, None] == np.unique(cells[cells > 0])])
    weights = np.ones(len(y))
    if weighting == "corrective":
        for g in (4, 5, 6):
            part = experiment == g
            size, pool = (part & treated).sum() / treated.sum(), (part & ~treated).sum() / (~treated).sum()
            weights[part & ~treated] = size / pool
    fit = sm.WLS(y, np.column_stack([effects, dummies]).astype(float), weights=weights).fit(
        cov_type="cluster", cov_kwds={"groups": own, "use_correction": False}
    )
    ours = StackedDiD(weighting=weighting).fit(comparison)
    keep = [point.event_time != -1 for point in ours.path]
    assert [p.att for p in ours.path if p.event_time != -1] == pytest.approx(fit.params[: len(times)].tolist(), abs=1e-9)
    vcov = fit.cov_params()[: len(times), : len(times)] * 14 / 13
    assert ours.path_vcov[np.ix_(keep, keep)] == pytest.approx(vcov, abs=1e-9)


@pytest.mark.parametrize("kind", BOTH)
def test_clusters_are_taken_together(kind):
    comparison = make_panel(starts=(6, 9, 8, 8))
    alone = kind().fit(comparison)
    pairs = kind().fit(replace(comparison, clusters=tuple(str(n // 2) for n in range(24))))
    assert pairs.att == alone.att
    assert pairs.se != pytest.approx(alone.se)
    assert kind().fit(replace(comparison, clusters=("all",) * 24)).se is None


@pytest.mark.parametrize("kind", BOTH)
def test_chunks_change_nothing(kind, monkeypatch):
    comparison = make_panel(starts=(6, 9, 8, 8), weighted=True)
    whole = kind().placebos(comparison, draws=40, seed=0)
    monkeypatch.setattr(clean, "CHUNK", 100)
    assert kind().placebos(comparison, draws=40, seed=0).att == pytest.approx(whole.att, abs=1e-13)


@pytest.mark.parametrize("kind", BOTH)
def test_refusals(kind):
    with pytest.raises(DataError, match="not treated and at least 1"):
        kind().fit(draw_by_hand([EARLY, LATE], starts=STARTS))
    comparison = draw_by_hand([EARLY, LATE, C], starts=STARTS)
    y = comparison.y.copy()
    y[1, 2] = np.nan
    with pytest.raises(DataError, match="1 cells are missing \\(first A002, 2002\\)"):
        kind().fit(replace(comparison, y=y, unbalanced=True))


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("options", [{"weighting": "none"}, {"max_lead": 0}, {"max_lag": -1}])
def test_what_is_no_option(kind, options):
    with pytest.raises(ConfigurationError, match="must be"):
        kind(**options)


def test_what_is_no_base():
    with pytest.raises(ConfigurationError, match="last or mean"):
        LocalProjections(base="first")

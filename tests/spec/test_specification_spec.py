"""Regressions with more terms, gaps and doses: against pyfixest, and placebos against fits on the relabelled panel."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conformance.panels import draw_by_hand, make_panel, make_places

from evaluation.errors import ConfigurationError, DataError
from evaluation.estimators.event_study import EventStudy
from evaluation.estimators.sun_abraham import SunAbraham
from evaluation.estimators.twfe import TwoWayFixedEffects
from evaluation.numerics.means import group_means
from evaluation.numerics.places import draw_places, merge_places
from evaluation.results import Comparison

A, B, C = [10, 12, 15, 17], [5, 6, 7, 8], [7, 8, 9, 10]


def rich_panel(*, gaps=False, weighted=True, starts=(7, 9, 8), seed=0) -> Comparison:
    """Covariates, regions and clusters; some cells missing."""
    comparison = make_panel(starts=starts, weighted=weighted, seed=seed)
    rng = np.random.default_rng(seed + 1)
    x, z = rng.normal(size=(14, 24)), np.tile(rng.normal(size=24), (14, 1))
    y = comparison.y + 0.7 * x + 0.3 * z * np.arange(14)[:, None]
    if gaps:
        y = np.where(rng.random(y.shape) < 0.08, np.nan, y)
        # in every period a treated area is there, and every start at every event time
        y[:, : len(starts)] = comparison.y[:, : len(starts)]
    return replace(
        comparison,
        y=y,
        covariates={"x": x, "z": z, "kind": np.tile(np.arange(24) % 3, (14, 1)).astype(float)},
        regions=tuple("NSW"[n % 3] for n in range(24)),
        clusters=tuple(f"C{n % 8}" for n in range(24)),
        unbalanced=gaps,
    )


def pyfixest_fit(comparison, formula, **options):
    import pyfixest

    frame = comparison.to_frame()
    frame["region"] = np.unique(np.array(comparison.regions)[frame["unit"] - 1], return_inverse=True)[1]
    frame["w"] = np.ones(len(frame)) if comparison.weights is None else comparison.weights[frame["unit"] - 1]
    for unit in range(1, 25):
        frame[f"t{unit}"] = np.where(frame["unit"] == unit, frame["time"], 0.0)
    for time in range(1, 15):
        frame[f"s{time}"] = np.where(frame["time"] == time, frame["z"], 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pyfixest.feols(
            formula,
            frame,
            vcov=options.get("vcov", {"CRV1": "cluster"}),
            weights="w",
            ssc=pyfixest.ssc(k_fixef="full"),
            fixef_tol=1e-12,
            fixef_rm="none",
        )


TRENDS = " + ".join(f"t{unit}" for unit in range(1, 25))
SLOPES = " + ".join(f"s{time}" for time in range(1, 15))
SPECIFICATIONS = {
    "covariates": ({"covariates": ("x",)}, "y ~ exposure + x | unit + time"),
    "regions": ({"period_effects_by": ("regions",)}, "y ~ exposure | unit + time^region"),
    "kinds": ({"period_effects_by": ("kind",)}, "y ~ exposure | unit + time^kind"),
    "slopes": ({"period_slopes_by": ("z",), "covariates": ("x",)}, f"y ~ exposure + x + {SLOPES} | unit + time"),
    "trends": ({"area_trends": True}, f"y ~ exposure + {TRENDS} | unit + time"),
    "cohort": ({"effects": "cohort", "covariates": ("x", "z")}, "y ~ exposure + x + z | first_treated + time"),
    "cohort and regions": (
        {"effects": "cohort", "period_effects_by": ("regions",)},
        "y ~ exposure | first_treated + time^region",
    ),
}


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_effect_is_that_of_pyfixest(name, gaps):
    options, formula = SPECIFICATIONS[name]
    comparison = rich_panel(gaps=gaps)
    ours = TwoWayFixedEffects(**options).fit(comparison)
    theirs = pyfixest_fit(comparison, formula)
    assert ours.att == pytest.approx(theirs.coef()["exposure"], abs=1e-8)
    for one in ours.coefficients:
        if one.name in ("x", "z"):
            assert one.value == pytest.approx(theirs.coef()[one.name], abs=1e-8)


@pytest.mark.parametrize(("covariance", "vcov"), [("cluster", {"CRV1": "cluster"}), ("hetero", "hetero"), ("iid", "iid")])
@pytest.mark.parametrize("gaps", [False, True])
def test_covariance_is_that_of_pyfixest(covariance, vcov, gaps):
    comparison = rich_panel(gaps=gaps)
    ours = TwoWayFixedEffects(covariates=("x",), covariance=covariance).fit(comparison)
    theirs = pyfixest_fit(comparison, "y ~ exposure + x | unit + time", vcov=vcov)
    assert ours.se == pytest.approx(theirs.se()["exposure"], rel=1e-7)
    assert ours.coefficients[0].se == pytest.approx(theirs.se()["x"], rel=1e-7)


def test_plain_model_clusters_by_the_clusters_of_the_comparison():
    comparison = replace(rich_panel(), covariates={})
    theirs = pyfixest_fit(replace(comparison, covariates={"z": rich_panel().covariates["z"]}), "y ~ exposure | unit + time")
    assert TwoWayFixedEffects().fit(comparison).se == pytest.approx(theirs.se()["exposure"], rel=1e-9)


@pytest.mark.parametrize("options", [{}, {"covariates": ("x",)}])
def test_nested_effects_are_left_out_of_the_count(options):
    comparison = rich_panel()
    full, nested = (TwoWayFixedEffects(**options, small_sample=kind).fit(comparison) for kind in ("full", "nested"))
    free = 24 * 14 - 24 - 14 + 1 - 1 - len(options)
    assert nested.se == pytest.approx(full.se * np.sqrt(free / (free + 23)))


def test_direct_algebra_is_the_plain_model_where_nothing_is_added():
    """A covariate of nought effect is no covariate: gaps, misfit and standard error are those of the plain model."""
    comparison = rich_panel()
    plain = TwoWayFixedEffects().fit(comparison)
    direct = TwoWayFixedEffects(period_effects_by=("clusters",)).fit(replace(comparison, clusters=("a", "b", *["a"] * 22)))
    again = TwoWayFixedEffects(period_effects_by=("clusters",)).fit(replace(comparison, clusters=(*["a"] * 23, "b")))
    # the last area alone has its own period effects: it is as if it were not there
    without = TwoWayFixedEffects().fit(
        replace(
            comparison,
            areas=comparison.areas[:23],
            area_names=comparison.area_names[:23],
            y=comparison.y[:, :23],
            first_treated=comparison.first_treated[:23],
            exposure=comparison.exposure[:, :23],
            weights=comparison.weights[:23],
            regions=comparison.regions[:23],
            clusters=(),
            covariates={},
        )
    )
    assert again.att == pytest.approx(without.att, abs=1e-11)
    assert again.pre_rmspe == pytest.approx(without.pre_rmspe, abs=1e-11)
    assert again.series.counterfactual == pytest.approx(without.series.counterfactual, abs=1e-10)
    assert direct.att != pytest.approx(plain.att, abs=1e-6)


CASES = [
    (TwoWayFixedEffects, {"covariates": ("x",), "period_effects_by": ("regions",)}),
    (TwoWayFixedEffects, {"area_trends": True}),
    (TwoWayFixedEffects, {"effects": "cohort", "covariates": ("x",)}),
    (EventStudy, {"covariates": ("x",), "max_lead": 3, "max_lag": 2}),
    (SunAbraham, {"period_slopes_by": ("z",)}),
]


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("starts", [(8,), (7, 9, 8)])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_placebos_equal_fits_on_the_panel_of_their_places(kind, options, starts, gaps):
    estimator, comparison = kind(**options), rich_panel(starts=starts, gaps=gaps)
    placebos = estimator.placebos(comparison, draws=12, seed=3)
    found = []
    for group in draw_places(comparison, draws=12, seed=3).groups:
        try:
            found.append(estimator.fit(merge_places(comparison, group)))
        except DataError:
            assert gaps
    assert len(found) == len(placebos.att) > 0
    assert [one.att for one in found] == pytest.approx(placebos.att.tolist(), abs=1e-9)
    assert [one.pre_rmspe for one in found] == pytest.approx(placebos.pre_rmspe.tolist(), abs=1e-9)
    if len(starts) == 1:
        gap = np.subtract(found[-1].series.observed, found[-1].series.counterfactual)
        assert placebos.gaps[-1] == pytest.approx(gap, abs=1e-9)
        assert len(placebos.labels) == len(found)
    assert len(placebos.groups) == len(found)
    if placebos.path is None:
        assert not found[0].path
    else:
        assert placebos.path == pytest.approx(np.array([[point.att for point in one.path] for one in found]), abs=1e-9)


@pytest.mark.parametrize(("kind", "options"), [(TwoWayFixedEffects, {"covariates": ("x",)}), (EventStudy, {"area_trends": True})])
def test_places_of_several_authorities_with_further_terms_are_fits(kind, options):
    comparison = make_places(sizes=(3, 2), starts=(8, 7))
    comparison = replace(comparison, covariates={"x": np.random.default_rng(0).normal(size=comparison.y.shape)})
    estimator = kind(**options)
    placebos = estimator.placebos(comparison, draws=3, seed=3)
    for d, group in enumerate(placebos.groups):
        found = estimator.fit(merge_places(comparison, group))
        assert (placebos.att[d], placebos.pre_rmspe[d]) == pytest.approx((found.att, found.pre_rmspe), abs=1e-10)


def test_chunks_change_nothing(monkeypatch):
    from evaluation.numerics import partial

    estimator, comparison = TwoWayFixedEffects(covariates=("x",)), rich_panel(gaps=True)
    whole = estimator.placebos(comparison, draws=30, seed=0)
    monkeypatch.setattr(partial, "CHUNK", 100)
    assert estimator.placebos(comparison, draws=30, seed=0).att == pytest.approx(whole.att, abs=1e-12)


def test_groups_by_hand_need_no_area_effects():
    """Other people before and after: 6 and 11 in the treated group, 5 and 6.5 in the other."""
    frame = pd.DataFrame(
        {
            "worker": range(5),
            "period": [1, 2, 1, 2, 2],
            "y": [6.0, 11.0, 5.0, 6.0, 7.0],
            "first": [2.0, 2.0, np.nan, np.nan, np.nan],
        }
    )
    comparison = Comparison.from_frame(frame, area="worker", period="period", value="y", first_treated="first", missing="keep")
    estimate = TwoWayFixedEffects(effects="cohort", covariance="hetero").fit(comparison)
    assert estimate.att == pytest.approx((11 - 6) - (6.5 - 5))
    assert {one.name: pytest.approx(one.value) for one in estimate.coefficients} == {"start 2": 1.0, "period 2": 1.5}
    means = group_means(comparison, ~comparison.treated)
    assert means.mean == pytest.approx([5.0, 6.5])
    assert means.count.tolist() == [1, 2]
    assert means.se[1] == pytest.approx(0.5)


def test_a_dose_from_the_first_period_on():
    """Outcome = 2 x dose + area + period."""
    dose = np.array([[1.0, 2.0, 4.0], [0.5, 3.0, 3.5], [2.0, 2.0, 9.0]])
    y = 2.0 * dose + np.array([1.0, 5.0, 9.0])[:, None] + np.array([0.0, 1.0, 3.0])
    comparison = draw_by_hand(y, starts={0: 0, 1: 0, 2: 0}, exposure=dict(enumerate(dose)))
    estimate = TwoWayFixedEffects(dose=True).fit(comparison)
    assert estimate.att == pytest.approx(2.0)
    assert estimate.pre_rmspe == 0.0
    assert not len(TwoWayFixedEffects(dose=True).placebos(comparison, draws=9, seed=0).att)
    with pytest.raises(DataError, match="first period"):
        TwoWayFixedEffects().fit(comparison)


def test_a_covariate_that_says_nothing_new_is_named():
    comparison = rich_panel()
    with pytest.raises(DataError, match="explain z entirely"):
        TwoWayFixedEffects(covariates=("x", "z")).fit(comparison)
    twice = replace(comparison, covariates={**comparison.covariates, "twice": 2.0 * comparison.covariates["x"]})
    with pytest.raises(DataError, match="explain x, twice entirely"):
        TwoWayFixedEffects(covariates=("x", "twice")).fit(twice)


def test_names_that_are_not_there_are_refused_together():
    with pytest.raises(DataError, match=r"no income, regions to use; its covariates are: none"):
        TwoWayFixedEffects(covariates=("income",), period_effects_by=("regions",)).fit(draw_by_hand([A, B, C], starts={0: 2}))


def test_a_period_without_a_treated_area_is_refused():
    comparison = rich_panel(starts=(8,), gaps=True)
    y = comparison.y.copy()
    y[3, 0] = np.nan
    with pytest.raises(DataError, match="No treated area is observed in 2004"):
        EventStudy().fit(replace(comparison, y=y))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"covariates": "income"}, "give a list"),
        ({"effects": "group"}, "one of area, cohort"),
        ({"covariance": "robust"}, "one of cluster, hetero, iid"),
        ({"small_sample": "none"}, "one of full, nested"),
        ({"area_trends": True, "effects": "cohort"}, "area_trends needs"),
    ],
)
def test_what_is_no_option(options, words):
    with pytest.raises(ConfigurationError, match=words):
        TwoWayFixedEffects(**options)

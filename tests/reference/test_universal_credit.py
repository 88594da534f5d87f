"""The roll-out of Universal Credit full service: real data, known dates, a sign known beforehand.

Reference values are those of ``asif_reference.csv``, computed on the same figures by other packages.
"""

import numpy as np
import pandas as pd
import pytest
from conformance.panels import keep_areas
from support_paths import SHARED

from evaluation.design.study import open_study
from evaluation.errors import DataError
from evaluation.estimators import REGISTRY
from evaluation.estimators.callaway_santanna import group_time_effects

DATA = SHARED / "data" / "uk"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real panels are not here: {DATA}")


@pytest.fixture(scope="module")
def reference():
    return pd.read_csv(DATA / "asif_reference.csv").set_index("result_id")


@pytest.fixture(scope="module")
def study():
    return open_study("universal-credit-rollout", data=DATA)


@pytest.fixture(scope="module")
def comparison(study):
    return study.comparison("claimant_rate_annual", "all")


def test_the_comparison_is_the_one_of_the_reference(comparison):
    assert comparison.y.shape == (8, 345)
    assert comparison.y.size == 2760
    cohorts = np.unique(comparison.first_treated, return_counts=True)
    assert dict(zip([comparison.periods[i] if i >= 0 else "later" for i in cohorts[0]], cohorts[1].tolist(), strict=True)) == {
        "later": 225,
        "2015": 3,
        "2016": 22,
        "2017": 95,
    }
    assert not comparison.synthetic


def test_static_two_way_fixed_effects_gives_the_reference_value(comparison, reference):
    estimate = REGISTRY["twfe"]().fit(comparison)
    value, error = reference.loc["uc_claimant_twfe", ["value", "se"]]
    assert estimate.att == pytest.approx(value, abs=0.001)
    # ours counts all area and period effects in the small-sample factor (see the card), the reference those outside clusters only
    n, k_all, k_nested = 2760, 345 + 8 + 1 - 1, 8 + 1
    assert estimate.se == pytest.approx(error * np.sqrt((n - k_nested) / (n - k_all)), abs=0.001)


@pytest.mark.parametrize("event_time", [0, 1, 2])
def test_the_event_study_has_the_known_sign_and_size(comparison, reference, event_time):
    """Another estimator than the reference's, so held to its 95% interval and not to its digits."""
    path = {point.event_time: point for point in REGISTRY["event_study"]().fit(comparison).path}
    value, error = reference.loc[f"uc_claimant_cs_e{event_time}", ["value", "se"]]
    assert abs(path[event_time].att - value) < 1.96 * error
    assert path[event_time].att > 0
    assert {0: 120, 1: 25, 2: 3}[event_time] == path[event_time].n_areas


def test_two_way_fixed_effects_hides_what_the_event_study_shows(comparison):
    static = REGISTRY["twfe"]().fit(comparison).att
    second_year = next(p.att for p in REGISTRY["event_study"]().fit(comparison).path if p.event_time == 1)
    assert second_year > 5 * static


GROUP_TIME = {"control_group": "not_yet_treated", "base_period": "varying"}
"""Options behind the reference's group-time values; its event time -2 is the step from -3, not a gap."""


@pytest.mark.parametrize("event_time", [-2, 0, 1, 2])
def test_group_time_effects_by_event_time_give_the_reference_values(comparison, reference, event_time):
    average = group_time_effects(comparison, **GROUP_TIME).average("dynamic")
    position = average.keys.index(event_time)
    value, error = reference.loc[f"uc_claimant_cs_e{event_time}", ["value", "se"]]
    assert average.att[position] == pytest.approx(value, abs=0.0006)
    assert average.se[position] == pytest.approx(error, abs=0.0006)


def test_the_average_group_time_effect_gives_the_reference_value(comparison, reference):
    estimate = REGISTRY["callaway_santanna"](**GROUP_TIME).fit(comparison)
    value, error = reference.loc["uc_claimant_cs_simple", ["value", "se"]]
    assert estimate.att == pytest.approx(value, abs=0.0006)
    assert estimate.se == pytest.approx(error, abs=0.0006)


def test_starts_in_the_first_half_of_the_last_year_give_the_reference_value(study, comparison, reference):
    """A year that the roll-out reached late shows little of it: without those starts the effect nearly doubles."""
    late = {unit.code for unit in study.design.treated if "2017-07" < unit.start <= "2017-12"}
    early = keep_areas(comparison, [n for n, area in enumerate(comparison.areas) if area not in late])
    assert 0 < int(early.treated.sum()) < int(comparison.treated.sum())
    estimate = REGISTRY["callaway_santanna"](**GROUP_TIME).fit(early)
    value, error = reference.loc["uc_claimant_cs_early_simple", ["value", "se"]]
    assert estimate.att == pytest.approx(value, abs=0.0006)
    assert estimate.se == pytest.approx(error, abs=0.0006)


OPTIONS = {"stacked": {"max_lag": 1}}
"""The window of a stack is as long as the last start allows, here one year, unless asked for."""


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_estimator_with_a_path_finds_the_known_effect_in_the_second_year(comparison, name):
    """The reference is 0.599 (0.097); what takes one treated area, or gives one number only, is skipped and says so."""
    try:
        estimate = REGISTRY[name](**OPTIONS.get(name, {})).fit(comparison)
    except DataError as refusal:
        pytest.skip(f"{name} does not take this comparison: {refusal}")
    if not estimate.path:
        pytest.skip(f"{name} gives one number and no path")
    path = {point.event_time: point.att for point in estimate.path}
    assert 0.4 < path[1] < 0.8


def test_those_that_must_have_a_path_have_one(comparison):
    """The skips above cannot hide the methods made for several starts."""
    for name in ("callaway_santanna", "imputation", "two_stage"):
        assert {0, 1, 2} <= {point.event_time for point in REGISTRY[name]().fit(comparison).path}


def test_the_registered_dates_are_right(reference):
    """Households on Universal Credit rise from the registered month on, and hardly before it."""
    from evaluation.contracts.load import load_contracts
    from evaluation.panel.build import build_panel

    contracts = load_contracts()
    frame = build_panel(DATA, contracts, ["households_on_uc"]).frame
    dates = pd.read_csv(DATA / "uc_full_service_rollout.csv")
    single = dates.groupby("area_code_2023")["area_code_2018"].nunique()
    starts = {e.area_code: e.start[:7] for e in contracts.exposures if e.programme == "universal_credit_full_service" and e.start}
    wide = frame.pivot(index="period", columns="area_code", values="value").loc[:"2019-12"]
    wide = wide[[c for c in wide.columns if single.get(c) == 1 and c in starts]]
    assert wide.shape[1] == 341
    change = wide.diff()
    months = pd.PeriodIndex(change.index, freq="M")
    by_event: dict[int, list[float]] = {}
    for area in change.columns:
        event = (months.year - int(starts[area][:4])) * 12 + months.month - int(starts[area][5:])
        for e, value in zip(event, change[area], strict=True):
            by_event.setdefault(int(e), []).append(value)
    means = {e: np.nanmean(values) for e, values in by_event.items() if -6 <= e <= 4}
    assert np.mean([means[e] for e in range(-6, 0)]) == pytest.approx(reference.loc["uc_firststage_pre", "value"], abs=3)
    for e in (0, 1, 4):
        assert means[e] == pytest.approx(reference.loc[f"uc_firststage_{e}", "value"], abs=1)

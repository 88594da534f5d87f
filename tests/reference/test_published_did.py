"""Published differences-in-differences that these estimators can reach.

The published standard errors leave out area effects nested in the clusters when they count coefficients; ours count all effects
(`evaluation.numerics.fixed_effects`). The two differ by a factor that degrees of freedom give exactly, so the tests take it out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support_paths import SHARED

from evaluation.estimators.event_study import EventStudy
from evaluation.estimators.twfe import TwoWayFixedEffects
from evaluation.results import Comparison

BENCHMARKS = SHARED / "data" / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason=f"no benchmark data at {BENCHMARKS}")


@pytest.fixture(scope="module")
def published():
    table = pd.read_csv(BENCHMARKS / "published_results.csv", dtype=str).set_index("result_id")
    numbers = ["published_value", "published_se", "tolerance_abs", "se_tolerance_abs", "reproduced_value", "reproduced_se"]
    return table[numbers].apply(pd.to_numeric, errors="coerce")


def nested_se(se, comparison, n_coefficients=1):
    """Standard error with the area effects, nested in the clusters, left out of the count of coefficients."""
    n_periods, n_areas = comparison.y.shape
    n = n_periods * n_areas
    return se * np.sqrt((n - n_coefficients - n_areas - n_periods + 1) / (n - n_coefficients - n_periods))


def county_panel():
    frame = pd.read_csv(BENCHMARKS / "mpdta.csv")
    frame["first"] = frame["first_treat"].where(frame["first_treat"] > 0)
    return Comparison.from_frame(frame, area="countyreal", period="year", value="lemp", first_treated="first")


def castle_panel(*, weighted, shares):
    frame = pd.read_csv(BENCHMARKS / "castle.csv")
    frame["weight"] = frame["popwt"]
    comparison = Comparison.from_frame(
        frame, area="state", period="year", value="l_homicide", first_treated="effyear", weights="weight" if weighted else None
    )
    if not shares:
        return comparison
    exposure = frame.pivot(index="year", columns="state", values="cdl").loc[:, list(comparison.areas)].to_numpy()
    first = np.where(exposure.any(axis=0), (exposure > 0).argmax(axis=0), -1)
    return Comparison(
        areas=comparison.areas,
        area_names=comparison.areas,
        periods=comparison.periods,
        y=comparison.y,
        first_treated=first,
        exposure=exposure,
        weights=comparison.weights,
    )


def medicaid_panel(frame=None):
    frame = pd.read_csv(BENCHMARKS / "medicaid_insurance.csv") if frame is None else frame
    return Comparison.from_frame(frame, area="stfips", period="year", value="dins", first_treated="yexp2")


def mortality_panel(*, weighted):
    frame = pd.read_csv(BENCHMARKS / "medicaid_mortality_2x2.csv")
    frame["first"] = np.where(frame["treated"] == 1, 2014.0, np.nan)
    return Comparison.from_frame(
        frame,
        area="county_code",
        period="year",
        value="crude_rate_20_64",
        first_treated="first",
        weights="pop_20_64_2013" if weighted else None,
    )


STATIC = {
    "mpdta_twfe": county_panel,
    "castle_w1": lambda: castle_panel(weighted=True, shares=True),
    "castle_u1": lambda: castle_panel(weighted=False, shares=True),
    "bacon_castle_twfe": lambda: castle_panel(weighted=False, shares=False),
    "med_twfe": medicaid_panel,
    "jel_u_fe": lambda: mortality_panel(weighted=False),
    "jel_w_fe": lambda: mortality_panel(weighted=True),
}


@pytest.mark.parametrize("result", STATIC)
def test_two_way_fixed_effects(result, published):
    row, comparison = published.loc[result], STATIC[result]()
    estimate = TwoWayFixedEffects().fit(comparison)
    assert estimate.att == pytest.approx(row.published_value, abs=row.tolerance_abs)
    if np.isfinite(row.published_se):
        assert nested_se(estimate.se, comparison) == pytest.approx(row.published_se, abs=row.se_tolerance_abs)


def test_all_areas_treated_in_the_end(published):
    row = published.loc["med_twfe_nonever"]
    frame = pd.read_csv(BENCHMARKS / "medicaid_insurance.csv")
    comparison = medicaid_panel(frame[frame["yexp2"].notna()])
    # states that expand after the last year are treated for good in the published sample, yet not inside the window
    estimate = TwoWayFixedEffects().fit(comparison)
    assert estimate.att == pytest.approx(row.published_value, abs=row.tolerance_abs)
    assert nested_se(estimate.se, comparison) == pytest.approx(row.published_se, abs=row.se_tolerance_abs)


def test_rounding_partial_exposure_up_changes_the_answer(published):
    found = TwoWayFixedEffects().fit(castle_panel(weighted=True, shares=False)).att
    assert found == pytest.approx(published.loc["castle_trap_binary", "reproduced_value"], abs=0.0006)


@pytest.mark.parametrize("year", [2008, 2012, 2014, 2015])
def test_event_study(year, published):
    frame = pd.read_csv(BENCHMARKS / "medicaid_insurance.csv")
    comparison = medicaid_panel(frame[(frame["year"] < 2016) & (frame["yexp2"] != 2015)])
    estimate = EventStudy().fit(comparison)
    point = next(p for p in estimate.path if p.event_time == year - 2014)
    row = published.loc[f"med_es_{year}"]
    assert point.att == pytest.approx(row.published_value, abs=row.tolerance_abs)
    assert nested_se(point.se, comparison, 7) == pytest.approx(row.published_se, abs=row.se_tolerance_abs)


def test_card_and_krueger_balanced_stores(published):
    wide = pd.read_csv(BENCHMARKS / "card_krueger.csv")
    before = wide["empft"] + wide["nmgrs"] + 0.5 * wide["emppt"]
    after = wide["empft2"] + wide["nmgrs2"] + 0.5 * wide["emppt2"]
    both = before.notna() & after.notna()
    stores = pd.concat(
        [
            pd.DataFrame({"store": wide["store_id"], "wave": w, "fte": v, "nj": wide["state"]})[both]
            for w, v in ((1, before), (2, after))
        ]
    )
    stores["first"] = np.where(stores["nj"] == 1, 2.0, np.nan)
    comparison = Comparison.from_frame(stores, area="store", period="wave", value="fte", first_treated="first")
    assert (int(comparison.treated.sum()), len(comparison.donors)) == (309, 75)
    row = published.loc["ck_did_balanced"]
    estimate = TwoWayFixedEffects().fit(comparison)
    assert estimate.att == pytest.approx(row.published_value, abs=row.tolerance_abs)
    assert nested_se(estimate.se, comparison) == pytest.approx(row.published_se, abs=row.se_tolerance_abs)
    assert EventStudy().fit(comparison).att == pytest.approx(estimate.att)


def test_proposition_99_difference(published):
    frame = pd.read_csv(BENCHMARKS / "prop99.csv")
    frame["first"] = np.where(frame["state"] == "California", 1989.0, np.nan)
    comparison = Comparison.from_frame(frame, area="state", period="year", value="cigsale", first_treated="first")
    row = published.loc["did_prop99"]
    assert TwoWayFixedEffects().fit(comparison).att == pytest.approx(row.published_value, abs=row.tolerance_abs)


def test_county_event_study_at_the_last_start_is_the_group_time_effect(published):
    """With one start a group-time effect is an event-study coefficient: the counties of 2007 against those never treated."""
    frame = pd.read_csv(BENCHMARKS / "mpdta.csv")
    frame = frame[frame["first_treat"].isin([0, 2007])]
    frame["first"] = frame["first_treat"].where(frame["first_treat"] > 0)
    comparison = Comparison.from_frame(frame, area="countyreal", period="year", value="lemp", first_treated="first")
    estimate = EventStudy().fit(comparison)
    row = published.loc["cs_attgt_2007_2007"]
    assert estimate.att == pytest.approx(row.published_value, abs=row.tolerance_abs)
    # the last step before the start, which the publication shows as an effect of its own year
    last = -next(p.att for p in estimate.path if p.event_time == -2)
    assert last == pytest.approx(published.loc["cs_attgt_2007_2006", "published_value"], abs=row.tolerance_abs)

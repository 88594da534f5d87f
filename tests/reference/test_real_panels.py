"""The roll-out of Universal Credit full service on real claimant rates: many starts, 345 authorities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support_paths import SHARED

from evaluation.estimators import REGISTRY
from evaluation.inference.checks import two_implementations
from evaluation.inference.placebo_in_space import infer
from evaluation.results import CheckThresholds, Comparison

UK = SHARED / "data" / "uk"
pytestmark = pytest.mark.skipif(not UK.is_dir(), reason=f"no real panels at {UK}")
LIMITS = CheckThresholds(minimum_pre_periods=4, maximum_pre_rmspe_ratio=2.0, maximum_pre_trend=0.95, maximum_donor_weight=0.5)


@pytest.fixture(scope="module")
def comparison():
    rollout = pd.read_csv(UK / "uc_full_service_rollout.csv", dtype=str)
    months = rollout.dropna(subset=["area_code_2023", "first_full_service_month"])
    first = pd.to_numeric(months["first_full_service_month"].str[:4]).groupby(months["area_code_2023"]).min()
    panel = pd.read_csv(UK / "la_annual_panel.csv.gz", dtype={"area_code": str}, low_memory=False)
    panel = panel[
        (panel["indicator"] == "claimant_rate") & panel["year"].between(2010, 2017) & panel["area_code"].isin(first.index)
    ]
    panel = panel.assign(first=panel["area_code"].map(first))
    return Comparison.from_frame(panel, area="area_code", period="year", value="value", first_treated="first", unit="pp")


@pytest.mark.parametrize("name", ["twfe", "event_study"])
def test_placebos_and_second_implementation_at_full_size(name, comparison):
    estimator = REGISTRY[name]()
    estimate, placebos = estimator.fit(comparison), estimator.placebos(comparison, draws=4999, seed=1)
    if len(comparison.donors) > int(comparison.treated.sum()):
        assert len(placebos.att) == 4999
        # random assignments have no effect on average
        assert abs(placebos.att.mean()) < 4 * placebos.att.std() / np.sqrt(4999) + 1e-3
    found = infer(estimate, estimator, comparison, level=0.05, draws=4999, seed=1, placebos=placebos)
    assert (found.p_value is None) == (len(placebos.att) == 0)
    check = two_implementations.run(comparison, estimator, estimate, placebos, LIMITS)
    assert check.passed is True, check.text

"""How often a true null is rejected: the promise behind the p-value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conformance.panels import make_panel
from scipy import stats

from evaluation.estimators import REGISTRY
from evaluation.inference.placebo_in_space import infer, reference_of
from evaluation.results import Estimate, Series

DRAWS = 200


@pytest.mark.parametrize("name", ["twfe", "synthetic_control"])
def test_placebo_areas_reject_a_true_null_as_often_as_they_say(name):
    """One treated area among 40 exchangeable ones; p at most 0.05 has probability 2 / 40 if ranks are uniform."""
    estimator = REGISTRY[name]()
    rejected = 0
    for draw in range(DRAWS):
        comparison = make_panel(n_areas=40, n_periods=12, starts=(8,), seed=1000 + draw)
        estimate = estimator.fit(comparison) if name == "synthetic_control" else closed_form(comparison)
        rejected += infer(estimate, estimator, comparison, level=0.05, draws=1, seed=0).p_value <= 0.05
    low, high = stats.binom.ppf([0.0005, 0.9995], DRAWS, 0.05)
    assert low <= rejected <= high, f"{rejected} of {DRAWS} rejected"


def closed_form(comparison):
    """The estimate without the regression, which the conformance tests hold equal to it."""
    from evaluation.numerics.assignment import fit_assignments, treated_groups

    fit = fit_assignments(
        comparison.y,
        regressors=comparison.exposure[:, :1].T[:, :, None],
        first=np.array([8]),
        groups=treated_groups(len(comparison.areas), np.array([0])),
    )
    nothing = Series(periods=(), observed=(), counterfactual=(), exposure=())
    return Estimate(
        estimator="twfe", att=float(fit.coefficients[0, 0]), path=(), series=nothing, pre_rmspe=float(fit.pre_rmspe[0])
    )


def test_studentising_keeps_a_noisy_area_from_looking_treated():
    """The treated area has three times the noise of the others: undivided estimates reject far too often, divided ones do not."""
    estimator = REGISTRY["twfe"]()
    divided = undivided = 0
    for draw in range(DRAWS):
        comparison = make_panel(n_areas=40, n_periods=12, starts=(8,), seed=5000 + draw)
        y = comparison.y.copy()
        y[:, 0] += 3.0 * np.random.default_rng(draw).normal(size=12)
        comparison = replace(comparison, y=y)
        estimate, placebos = closed_form(comparison), estimator.placebos(comparison, draws=1, seed=0)
        reference = reference_of(estimate, placebos, comparison)
        assert reference.studentised
        divided += (1 + reference.as_large) / 40 <= 0.05
        undivided += (1 + (np.abs(placebos.att) >= abs(estimate.att)).sum()) / 40 <= 0.05
    assert undivided > 0.25 * DRAWS
    assert divided < 0.12 * DRAWS

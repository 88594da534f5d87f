"""Synthetic difference-in-differences for Proposition 99 by other software: a quadratic programme and a weighted regression."""

from __future__ import annotations

import warnings

import clarabel
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from support_paths import SHARED

from evaluation.estimators.synthetic_did import SyntheticDiD
from evaluation.numerics.parallel import fit_parallel
from evaluation.results import Comparison

BENCHMARKS = SHARED / "data" / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason=f"no benchmark data at {BENCHMARKS}")
START = 19


@pytest.fixture(scope="module")
def comparison():
    frame = pd.read_csv(BENCHMARKS / "prop99.csv")
    frame["first"] = np.where(frame["state"] == "California", 1989.0, np.nan)
    return Comparison.from_frame(frame, area="state", period="year", value="cigsale", first_treated="first")


@pytest.fixture(scope="module")
def theirs(comparison):
    """Both sets of weights by Clarabel, from the formulas of the paper."""
    y0, target = comparison.y[:, ~comparison.treated], comparison.y[:, comparison.treated][:, 0]
    noise = np.std(np.diff(y0[:START], axis=0), ddof=1)
    zeta = 12**0.25 * noise
    unit = quadratic(y0[:START], target[:START], START * zeta**2)
    time = quadratic(y0[:START].T, y0[START:].mean(axis=0), y0.shape[1] * (1e-6 * noise) ** 2)
    return unit, time


def quadratic(columns, target, ridge):
    """``min ||target - constant - columns w||^2 + ridge ||w||^2``, ``w >= 0``, ``sum w = 1``; the constant is a variable."""
    n = columns.shape[1]
    x = np.column_stack([columns, np.ones(len(columns))])
    p = 2.0 * (x.T @ x + ridge * np.diag(np.append(np.ones(n), 0.0)))
    rows = np.vstack([np.append(np.ones(n), 0.0), np.column_stack([-np.eye(n), np.zeros(n)])])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(n)]
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(p)), -2.0 * x.T @ target, sparse.csc_matrix(rows), np.append(1.0, np.zeros(n)), cones, settings
    )
    return np.array(solver.solve().x)[:n]


def test_weights_by_a_quadratic_programme(comparison, theirs):
    donors = ~comparison.treated
    ours = fit_parallel(
        comparison.y[:, donors],
        comparison.y[:, comparison.treated].T,
        allowed=np.ones((1, 38), dtype=bool),
        start=START,
        exposure=comparison.exposure[:, comparison.treated][:, 0],
        n_treated=1,
    )
    assert ours.unit_weights[0] == pytest.approx(theirs[0], abs=1e-6)
    assert ours.time_weights[0] == pytest.approx(theirs[1], abs=1e-6)


def test_effect_by_a_weighted_regression(comparison, theirs):
    """The effect is the coefficient of a regression with area and period effects and the product of both weights."""
    import pyfixest

    unit, time = theirs
    by_area = np.ones(len(comparison.areas))
    by_area[~comparison.treated] = unit
    by_period = np.append(time, np.full(12, 1 / 12))
    frame = comparison.to_frame()
    frame["w"] = np.outer(by_period, by_area).ravel()
    with warnings.catch_warnings():
        # pyfixest 0.60 calls pandas with arguments that pandas 3.1 deprecates; its numbers do not depend on it
        warnings.simplefilter("ignore", category=pd.errors.Pandas4Warning)
        # weights of nothing take cells out
        fit = pyfixest.feols("y ~ exposure | unit + time", frame[frame["w"] > 1e-12], weights="w")
    assert SyntheticDiD(se_draws=0).fit(comparison).att == pytest.approx(float(fit.coef()["exposure"]), abs=1e-5)

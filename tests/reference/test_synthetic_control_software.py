"""Our synthetic controls beside pysyncon's and a quadratic-programming solver's."""

from __future__ import annotations

import warnings

import clarabel
import numpy as np
import pandas as pd
import pytest
from conformance.panels import make_panel
from scipy import sparse

from evaluation.estimators import augmented_synthetic_control as asc
from evaluation.estimators.augmented_synthetic_control import AugmentedSyntheticControl
from evaluation.estimators.demeaned_synthetic_control import DemeanedSyntheticControl
from evaluation.estimators.penalised_synthetic_control import PenalisedSyntheticControl
from evaluation.estimators.staggered_synthetic_control import StaggeredSyntheticControl

START = 14
PANEL = make_panel(n_areas=16, n_periods=20, starts=(START,), seed=6)
# an area apart from the others, so that the plain weights leave something to the ridge
OUTSIDE = make_panel(n_areas=16, n_periods=20, starts=(START,), seed=11)


def solve(p: np.ndarray, q: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """``min w'pw / 2 + q'w`` with ``w >= 0`` summing to 1 in each group (a label for every weight), by Clarabel."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    n, labels = len(q), np.unique(groups)
    sums = (groups == labels[:, None]).astype(float)
    rows = sparse.vstack([sums, -sparse.eye(n)], format="csc")
    limits = np.append(np.ones(len(labels)), np.zeros(n))
    cones = [clarabel.ZeroConeT(len(labels)), clarabel.NonnegativeConeT(n)]
    solver = clarabel.DefaultSolver(sparse.csc_matrix(np.triu(p)), q, rows, limits, cones, settings)
    return np.asarray(solver.solve().x)


def weights_of(estimate, comparison, treated=""):
    position = {code: n for n, code in enumerate(comparison.donors)}
    weights = np.zeros(len(position))
    for donor in estimate.weights:
        if donor.treated == treated:
            weights[position[donor.area]] = donor.weight
    return weights


def pieces(comparison, demean=False):
    y = comparison.y[:START] - (comparison.y[:START].mean(axis=0) if demean else 0.0)
    return y[:, 1:], y[:, 0]


def test_demeaned_weights_and_the_solver():
    x0, x1 = pieces(PANEL, demean=True)
    theirs = solve(2 * x0.T @ x0, -2 * x0.T @ x1, np.zeros(15))
    assert weights_of(DemeanedSyntheticControl().fit(PANEL), PANEL) == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("penalty", [0.01, 0.3, 2.0])
def test_penalised_weights_and_the_solver(penalty):
    x0, x1 = pieces(PANEL)
    price = penalty * ((x0 - x1[:, None]) ** 2).sum(axis=0)
    theirs = solve(2 * x0.T @ x0, price - 2 * x0.T @ x1, np.zeros(15))
    assert weights_of(PenalisedSyntheticControl(penalty=penalty).fit(PANEL), PANEL) == pytest.approx(theirs, abs=1e-6)


def import_pysyncon():
    with warnings.catch_warnings():
        # pysyncon imports parts that SciPy and pandas have deprecated
        warnings.simplefilter("ignore")
        import pysyncon
    return pysyncon


@pytest.mark.parametrize("penalty", [0.01, 0.3])
def test_penalised_weights_and_pysyncon(penalty):
    pysyncon = import_pysyncon()
    x0, x1 = pieces(PANEL)
    # it divides each period by its spread over areas; the outcome is given to it with that undone
    whole = np.column_stack([x0, x1])
    spread = whole.std(axis=1, ddof=1)
    theirs = pysyncon.PenalizedSynth()
    theirs.fit(
        X0=pd.DataFrame(x0, columns=list(PANEL.donors)),
        X1=pd.Series(x1, name="A000"),
        lambda_=penalty,
        custom_V=spread**2,
    )
    ours = weights_of(PenalisedSyntheticControl(penalty=penalty).fit(PANEL), PANEL)

    def loss(w):
        return ((x1 - x0 @ w) ** 2).sum() + penalty * ((x0 - x1[:, None]) ** 2).sum(axis=0) @ w

    # its one-start SLSQP stops early, and off the simplex by rounding: ours must be at least as good as its weights on it,
    # and near
    on_simplex = np.clip(theirs.W, 0.0, None) / np.clip(theirs.W, 0.0, None).sum()
    assert loss(ours) <= loss(on_simplex) * (1 + 1e-9)
    assert ours == pytest.approx(on_simplex, abs=0.02)


def prepared(pysyncon, comparison):
    frame = comparison.to_frame()
    frame["year"] = frame["period"].astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pysyncon.Dataprep(
            foo=frame[["area", "year", "y"]],
            predictors=[],
            predictors_op="mean",
            dependent="y",
            unit_variable="area",
            time_variable="year",
            treatment_identifier="A000",
            controls_identifier=list(comparison.donors),
            time_predictors_prior=range(2001, 2001 + START),
            time_optimize_ssr=range(2001, 2001 + START),
            special_predictors=[("y", [2001], "mean")],
        )


@pytest.mark.parametrize("comparison", [PANEL, OUTSIDE])
@pytest.mark.parametrize("penalty", [0.5, 30.0])
def test_augmented_weights_and_pysyncon(comparison, penalty):
    pysyncon = import_pysyncon()
    theirs = pysyncon.AugSynth()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(prepared(pysyncon, comparison), lambda_=penalty, use_covariates=False)
    ours = weights_of(AugmentedSyntheticControl(penalty=penalty).fit(comparison), comparison)
    assert ours == pytest.approx(np.asarray(theirs.W), abs=0.02)
    # given its own plain weights, the ridge is the same to rounding
    x0, x1 = pieces(comparison)
    everyone = np.ones((1, 15), dtype=bool)
    plain = np.asarray(theirs.synw)[None]
    # weights that do not quite sum to one would be shifted by the centring
    plain = plain / plain.sum()
    added = asc.ridge_weights(x0, x1[:, None], everyone, asc.spreads(x0, everyone), plain, np.array([penalty]))
    assert (plain + added)[0] == pytest.approx(np.asarray(theirs.W), abs=1e-5)


def test_augmented_cross_validation_and_pysyncon():
    pysyncon = import_pysyncon()
    x0, x1 = pieces(OUTSIDE)
    everyone = np.ones((1, 15), dtype=bool)
    spread = asc.spreads(x0, everyone)
    grid = asc.penalties(spread)
    centred = pd.DataFrame(x0 - x0.mean(axis=1, keepdims=True))
    theirs = pysyncon.AugSynth()
    assert grid[0] == pytest.approx(theirs.generate_lambdas(centred), rel=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = theirs.cross_validate(centred, pd.Series(x1 - x0.mean(axis=1)), grid[0], START)
    # it leaves the last period out of the choice and keeps the donors' mean of all periods; both as here for the first 13
    errors = asc.leave_out_periods(x0, x1[:, None], everyone, spread, grid)[0, :-1].mean(axis=0)
    assert errors == pytest.approx(folds.errors_mean, rel=0.01)


@pytest.mark.parametrize("pooling", [0.0, 0.2, 0.8, 1.0])
@pytest.mark.parametrize("intercept", [False, True])
def test_partially_pooled_weights_and_the_solver(pooling, intercept):
    starts = (8, 9, 11)
    panel = make_panel(n_areas=12, n_periods=16, starts=starts, seed=3, weighted=True)
    ours = StaggeredSyntheticControl(pooling=pooling, intercept=intercept).fit(panel)
    # a pooling of 1 counts as this much, so that the weights are determined
    pooling = min(pooling, 0.999)
    share = panel.weights[:3] / panel.weights[:3].sum()
    longest = max(starts)
    blocks, targets = [], []
    for k, start in enumerate(starts):
        early = panel.y[:start] - (panel.y[:start].mean(axis=0) if intercept else 0.0)
        # periods that are not there count as no gap
        blocks.append(np.vstack([np.zeros((longest - start, 9)), early[:, 3:]]))
        targets.append(np.append(np.zeros(longest - start), early[:, k]))

    def misfits(w):
        gaps = [target - block @ v for target, block, v in zip(targets, blocks, w.reshape(3, 9), strict=True)]
        separate = sum(s / start * gap @ gap for s, start, gap in zip(share, starts, gaps, strict=True))
        mean = sum(s * gap for s, gap in zip(share, gaps, strict=True))
        return separate, mean @ mean / longest

    single = StaggeredSyntheticControl(pooling=0.0, intercept=intercept).fit(panel)
    base = misfits(np.concatenate([weights_of(single, panel, f"A00{k}") for k in range(3)]))
    mean_block = np.hstack([s * block for s, block in zip(share, blocks, strict=True)])
    mean_target = sum(s * target for s, target in zip(share, targets, strict=True))
    p = 2 * pooling / base[1] / longest * mean_block.T @ mean_block
    q = -2 * pooling / base[1] / longest * mean_block.T @ mean_target
    for k in range(3):
        part, factor = slice(9 * k, 9 * k + 9), 2 * (1 - pooling) / base[0] * share[k] / starts[k]
        p[part, part] += factor * blocks[k].T @ blocks[k]
        q[part] -= factor * blocks[k].T @ targets[k]
    theirs = misfits(solve(p, q, np.repeat(np.arange(3), 9)))
    own = misfits(np.concatenate([weights_of(ours, panel, f"A00{k}") for k in range(3)]))

    def objective(m):
        return (1 - pooling) * m[0] / base[0] + pooling * m[1] / base[1]

    assert objective(own) <= objective(theirs) + 2e-6
    assert objective(own) == pytest.approx(objective(theirs), abs=2e-6)

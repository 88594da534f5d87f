"""Random-effects summary: small tables whose answer is arithmetic, and one that other software prints."""

import math

import numpy as np
import pytest

from evaluation.errors import DataError
from evaluation.numerics.random_effects import pool_effects

# Quantiles that have a closed form: t with 1 degree of freedom is tan(pi (p - 1/2)), with 2 it is (2p - 1) / sqrt(2 p (1 - p)).
T1, T2 = math.tan(math.pi * 0.475), 0.95 / math.sqrt(2 * 0.975 * 0.025)


def test_equal_errors():
    # effects 0, 3, 6, all errors 1. Squares about the mean 3 add up to 18, and 18 / (1 + tau2) = 2 gives tau2 = 8.
    found = pool_effects(np.array([0.0, 3.0, 6.0]), np.ones(3), level=0.05)
    assert found.mean == pytest.approx(3)
    assert found.tau == pytest.approx(math.sqrt(8), rel=1e-5)
    assert found.weights == pytest.approx([1 / 3] * 3)
    # each weighs 1/9, so the variance of the mean is 9/3
    assert found.se == pytest.approx(math.sqrt(3), rel=1e-5)
    assert found.half_width == pytest.approx(T2 * math.sqrt(3), rel=1e-5)
    # t = 3/sqrt(3); with 2 degrees of freedom p = 1 - t / sqrt(t^2 + 2)
    assert found.p_value == pytest.approx(1 - math.sqrt(3 / 5), rel=1e-5)
    # a further place: variance 8 + 3, 1 degree of freedom
    assert found.prediction == pytest.approx(T1 * math.sqrt(11), rel=1e-5)
    # each place moves by 1/9 of the way to the mean; variance 8/9 x 1 + 1/81 x 3
    assert found.shrunk == pytest.approx([1 / 3, 3, 6 - 1 / 3], rel=1e-5)
    assert found.shrunk_half_width == pytest.approx([T2 * math.sqrt(8 / 9 + 3 / 81)] * 3, rel=1e-5)


def test_two_places_with_unequal_errors():
    # 4^2 / (1 + 4 + 2 tau2) = 1 gives tau2 = 5.5: variances 6.5 and 9.5, mean 4 x 6.5/16.
    found = pool_effects(np.array([0.0, 4.0]), np.array([1.0, 2.0]), level=0.05)
    assert found.tau**2 == pytest.approx(5.5, rel=1e-4)
    assert found.mean == pytest.approx(1.625, rel=1e-4)
    assert found.se == pytest.approx(math.sqrt(6.5 * 9.5 / 16), rel=1e-4)
    assert found.half_width == pytest.approx(T1 * math.sqrt(6.5 * 9.5 / 16), rel=1e-4)
    assert found.prediction is None
    # the noisier place moves further: shares 1/6.5 and 4/9.5
    assert found.shrunk == pytest.approx([1.625 / 6.5, 4 - (4 - 1.625) * 4 / 9.5], rel=1e-4)


def test_effects_closer_than_their_errors_are_not_taken_for_certain():
    # Squares about 1 add up to 0.02, far below k - 1 = 2: no variance between places, and Hartung and Knapp's own variance would
    # be 0.02 / 2 / 3. The guard keeps the common-effect variance 1/3; every place is drawn onto the mean and shares its interval.
    found = pool_effects(np.array([0.9, 1.0, 1.1]), np.ones(3), level=0.05)
    assert found.tau == 0
    assert found.se == pytest.approx(math.sqrt(1 / 3))
    assert found.half_width == pytest.approx(T2 * math.sqrt(1 / 3))
    assert found.shrunk == pytest.approx([1, 1, 1])
    assert found.shrunk_half_width == pytest.approx([found.half_width] * 3)


@pytest.mark.parametrize("seed", range(8))
def test_it_solves_its_equation_and_is_never_narrower_than_a_common_effect(seed):
    random = np.random.default_rng(seed)
    errors = random.uniform(0.2, 2.0, 7)
    effects = random.normal(0, random.choice([0.1, 3.0]), 7) + errors * random.standard_normal(7)
    found = pool_effects(effects, errors, level=0.05)
    weights = 1 / (errors**2 + found.tau**2)
    q = weights @ (effects - found.mean) ** 2 / 6
    assert (found.tau > 0 and q == pytest.approx(1, abs=1e-4)) or (found.tau == 0 and q <= 1)
    assert found.mean == pytest.approx(weights @ effects / weights.sum())
    assert found.half_width > 1.96 / math.sqrt((1 / errors**2).sum())
    between = (found.shrunk - effects) * (found.mean - effects)
    assert (between >= 0).all()
    assert (np.abs(found.shrunk - effects) <= np.abs(found.mean - effects) + 1e-12).all()


def test_shift_scale_and_order_change_nothing_else():
    effects, errors = np.array([-0.4, 0.3, 1.9, 0.2]), np.array([0.3, 0.5, 0.4, 0.9])
    one = pool_effects(effects, errors, level=0.05)
    other = pool_effects(-2 * effects[::-1] + 5, 2 * errors[::-1], level=0.05)
    assert other.mean == pytest.approx(5 - 2 * one.mean)
    assert other.tau == pytest.approx(2 * one.tau, rel=1e-6)
    assert other.shrunk[::-1] == pytest.approx(5 - 2 * one.shrunk, rel=1e-6)


@pytest.mark.parametrize(("effects", "errors"), [([1.0], [1.0]), ([1.0, 2.0], [1.0, 0.0]), ([1.0, 2.0], [1.0, float("nan")])])
def test_what_cannot_be_pooled_is_refused(effects, errors):
    with pytest.raises(DataError, match="at least two are needed"):
        pool_effects(np.array(effects), np.array(errors), level=0.05)


# Tuberculosis cases and others, vaccinated then not, in thirteen trials of the BCG vaccine (Colditz et al. 1994, JAMA 271).
BCG = (
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
)  # fmt: skip


def test_the_trials_of_the_bcg_vaccine():
    a, b, c, d = np.array(BCG, dtype=float).T
    log_risk_ratio = np.log(a / (a + b)) - np.log(c / (c + d))
    errors = np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    found = pool_effects(log_risk_ratio, errors, level=0.05)
    # tau^2 as R's metafor prints it for these trials by the empirical Bayes method, which solves the same equation
    assert round(found.tau**2, 4) == 0.3181

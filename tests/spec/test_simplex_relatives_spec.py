"""Prices on donors, importances of rows, and the most even of equally good weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.errors import DataError
from evaluation.numerics import simplex
from evaluation.numerics.minimum_norm import even_out
from evaluation.numerics.simplex import TOLERANCE, fit_simplex, mix_by_importance


def test_a_price_moves_weight_to_the_cheaper_donor():
    # v on the donor at 10: min (10 v - 4)^2 + 20 v: v = (80 - 20) / 200
    fit = fit_simplex(np.array([[0.0, 10.0]]), np.array([[4.0]]), price=np.array([[0.0, 20.0]]))
    assert fit.weights[0] == pytest.approx([0.7, 0.3])
    assert fit.objective[0] == pytest.approx(1.0 + 6.0)


def test_a_price_decides_where_the_misfit_is_flat():
    # 4 is reached by 0 and 10, by 3 and 5, or by any mix of both pairs: the cheaper pair is taken
    donors = np.array([[0.0, 10.0, 3.0, 5.0]])
    for price, wanted in (([1, 1, 2, 2], [0.6, 0.4, 0, 0]), ([2, 2, 1, 1], [0, 0, 0.5, 0.5])):
        fit = fit_simplex(donors, np.array([[4.0]]), price=1e-3 * np.array([price], dtype=float))
        assert fit.weights[0] == pytest.approx(wanted, abs=1e-3)


def test_no_price_is_the_simplex_kernel():
    rng = np.random.default_rng(0)
    donors = rng.normal(size=(20, 9))
    allowed = ~np.eye(9, dtype=bool)
    priced = fit_simplex(donors, donors, price=np.zeros((9, 9)), allowed=allowed)
    assert priced.weights == pytest.approx(fit_simplex(donors, donors, allowed=allowed).weights, abs=1e-9)


def test_importance_is_a_scaling_of_rows():
    rng = np.random.default_rng(1)
    donors, target = rng.normal(size=(7, 12)), rng.normal(size=7)
    importance = 10.0 ** rng.uniform(-4, 0, size=(5, 7))
    found = mix_by_importance(donors - target[:, None], importance)
    for r in range(5):
        root = np.sqrt(importance[r])
        assert found[r] == pytest.approx(fit_simplex(root[:, None] * donors, (root * target)[:, None]).weights[0], abs=1e-6)


def test_a_bad_lockstep_is_put_right_from_the_data(monkeypatch):
    rng = np.random.default_rng(2)
    donors, targets, price = rng.normal(size=(3, 9)), rng.normal(size=(3, 4)), rng.uniform(0, 0.1, (4, 9))
    good = fit_simplex(donors, targets, price=price)
    monkeypatch.setattr(simplex, "minimise", lambda problems, near: problems.allowed / 9.0)
    again = fit_simplex(donors, targets, price=price)
    assert again.objective == pytest.approx(good.objective, rel=1e-7)


def test_what_cannot_be_solved_is_named():
    with pytest.raises(DataError, match="price"):
        fit_simplex(np.ones((2, 2)), np.ones((2, 1)), price=np.array([[-1.0, 0.0]]))
    with pytest.raises(DataError, match="no donor"):
        fit_simplex(np.ones((2, 2)), np.ones((2, 1)), price=np.zeros((1, 2)), allowed=np.zeros((1, 2), dtype=bool))


coarse = st.integers(-2, 2).map(float)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.data(), st.integers(1, 7), st.integers(1, 10))
def test_priced_weights_lie_on_the_simplex_and_are_the_best(data, n_periods, n_donors):
    donors = data.draw(arrays(float, (n_periods, n_donors), elements=coarse))
    targets = data.draw(arrays(float, (n_periods, 2), elements=coarse))
    price = data.draw(arrays(float, (2, n_donors), elements=st.integers(0, 3).map(float)))
    fit = fit_simplex(donors, targets, price=price)
    assert (fit.weights >= 0).all()
    assert fit.weights.sum(axis=1) == pytest.approx(1.0)
    for r in range(2):
        z = donors - targets[:, [r]]
        slope = z.T @ (z @ fit.weights[r]) + 0.5 * price[r]
        size = 0.5 * max(fit.objective[r], 1e-6 * ((z * z).sum(axis=0) + price[r]).mean(), 1e-300)
        assert (fit.weights[r] @ slope - slope.min()) / size <= 2 * TOLERANCE


# ---------------------------------------------------------------- the most even weights


def test_equal_donors_share_equally():
    # 4 from 0, 0 and 10: the two at 0 share 0.6
    donors = np.array([[0.0, 0.0, 10.0]])
    assert even_out(donors, np.array([[0.6, 0.0, 0.4]]), allowed=np.ones((1, 3), dtype=bool))[0] == pytest.approx([0.3, 0.3, 0.4])
    # and the one not allowed gets nothing
    allowed = np.array([[True, False, True]])
    assert even_out(donors, np.array([[0.6, 0.0, 0.4]]), allowed=allowed)[0] == pytest.approx([0.6, 0.0, 0.4])


def test_the_only_weights_stay():
    donors = np.array([[0.0, 1.0, 2.0]])
    assert even_out(donors, np.array([[1.0, 0.0, 0.0]]), allowed=np.ones((1, 3), dtype=bool))[0] == pytest.approx(
        [1, 0, 0], abs=1e-9
    )


def test_even_weights_fit_the_same_and_are_optimal():
    rng = np.random.default_rng(3)
    donors = rng.normal(size=(3, 40))
    allowed = ~np.eye(40, dtype=bool)
    given_ = fit_simplex(donors, donors, allowed=allowed).weights
    even = even_out(donors, given_, allowed=allowed)
    assert (even >= 0).all()
    assert not even[~allowed].any()
    assert even @ donors.T == pytest.approx(given_ @ donors.T, abs=1e-8)
    changed = np.abs(even - given_).max(axis=1) > 1e-6
    assert changed.sum() > 10
    for r in np.flatnonzero(changed):
        # the condition of a minimum: on their support weights are a linear function of the donors' outcomes, off it that is <= 0
        support = even[r] > 1e-9
        a = np.vstack([donors, np.ones(40)])
        k, *_ = np.linalg.lstsq(a[:, support].T, even[r, support], rcond=None)
        assert a[:, support].T @ k == pytest.approx(even[r, support], abs=1e-7)
        assert (a[:, allowed[r] & ~support].T @ k <= 1e-7).all()

"""Why the most even weights are taken where donors fit exactly: they predict later periods better."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.numerics.mixing import mix_simplex
from evaluation.numerics.simplex import fit_simplex
from evaluation.simulate import simulate_comparison

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("n_periods", "se", "n_members", "least", "most"),
    # one area without sampling errors (about as good), and the mean of five areas with them (much better)
    [(5, None, 1, 0.80, 1.00), (8, None, 1, 0.90, 1.10), (8, 2.0, 5, 0.60, 0.85), (12, 2.0, 5, 0.65, 0.95)],
)
def test_even_weights_predict_no_worse_than_a_corner(n_periods, se, n_members, least, most):
    """Ratio of root mean squared errors over six later periods, in the panels where the fit is exact."""
    squares = []
    for seed in range(60):
        panel = simulate_comparison(n_areas=181, n_periods=n_periods + 6, first_treated=n_periods, seed=seed, se=se)
        target, donors = panel.y[:, :n_members].mean(axis=1), panel.y[:, n_members:]
        mix = mix_simplex(donors[:n_periods], target[:n_periods, None], np.ones((1, donors.shape[1]), dtype=bool))
        if mix.exact[0]:
            corner = fit_simplex(donors[:n_periods], target[:n_periods, None]).weights[0]
            later = [np.mean((target - donors @ w)[n_periods:] ** 2) for w in (mix.weights[0], corner)]
            squares.append(later)
    even, corner = np.sqrt(np.mean(squares, axis=0))
    assert least <= even / corner <= most, f"{len(squares)} panels: {even:.3f} against {corner:.3f}"

"""Published numbers of synthetic difference-in-differences: Proposition 99, California from 1989."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from published import Reached, benchmark

from evaluation.estimators.synthetic_did import SyntheticDiD
from evaluation.results import Comparison


def california() -> Comparison:
    """Packs a head in 39 states, 1970 to 2000."""
    frame = benchmark("prop99").assign(first=lambda f: np.where(f["state"] == "California", 1989.0, np.nan))
    return Comparison.from_frame(frame, area="state", period="year", value="cigsale", first_treated="first")


def sdid_prop99() -> Reached:
    estimate = SyntheticDiD().fit(california())
    return Reached(value=estimate.att, se=estimate.se)


ROWS: dict[str, Callable[[], Reached]] = {"sdid_prop99": sdid_prop99}
NOT_REACHED: dict[str, str] = {}

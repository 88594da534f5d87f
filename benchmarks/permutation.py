"""Placebo assignments of many treated areas with their own starts, and the interval they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.panels import nine_places
from benchmarks.timing import Goal, Line, Peer, set_beside
from evaluation.estimators import REGISTRY
from evaluation.inference import REGISTRY as INFERENCES
from evaluation.numerics.places import STAYS, draw_places
from evaluation.results import Comparison

SUBJECT = "permutation"


def measure(*, quick: bool) -> Iterator[Line]:
    """All lines."""
    panel = nine_places(n_areas=62, n_periods=28) if quick else nine_places()
    yield from with_interval(panel, draws=200 if quick else 10_000, fits=2 if quick else 5)


def with_interval(panel: Comparison, draws: int, fits: int) -> list[Line]:
    """Estimates of all assignments, p-value and interval by inversion; the peer loops over regressions and stops there."""
    estimator = REGISTRY["twfe"]()
    estimate = estimator.fit(panel)

    def ours() -> np.ndarray:
        placebos = estimator.placebos(panel, draws=draws, seed=0)
        INFERENCES["placebo_in_space"](estimate, estimator, panel, level=0.05, draws=draws, seed=0, placebos=placebos)
        return placebos.att

    def prepare() -> Callable[[], object]:
        import pyfixest

        donors, columns = np.flatnonzero(~panel.treated), np.flatnonzero(panel.treated)
        chosen = draw_places(panel, draws=draws, seed=0).groups[:fits]
        frame = panel.to_frame()
        frame = frame[frame["first_treated"] == 0].reset_index(drop=True)

        def call() -> np.ndarray:
            found = []
            for group in chosen:
                exposure = np.zeros((panel.n_periods, donors.size))
                placed = group != STAYS
                exposure[:, placed] = panel.exposure[:, columns[group[placed]]]
                frame["exposure"] = exposure.ravel()
                found.append(float(pyfixest.feols("y ~ exposure | unit + time", frame).coef()["exposure"]))
            return np.array(found)

        return call

    return set_beside(
        SUBJECT,
        f"{draws:,} assignments with their own starts, and the interval",
        f"{len(panel.donors)} untreated areas, {int(panel.treated.sum())} treated, {panel.n_periods} periods",
        ours=ours,
        answer=np.asarray,
        peers=(
            Peer(
                package="pyfixest",
                what="in a loop",
                prepare=prepare,
                answer=np.asarray,
                tolerance=1e-8,
                share=fits / draws,
                goal=Goal(times=10_000, seconds=1.0),
                note="its frame is kept and only the exposure written anew; the first, compiling call is not counted",
            ),
        ),
    )

"""Inference: the restricted wild bootstrap beside another package's, and the table of measured sizes of a run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.panels import nine_places
from benchmarks.timing import Goal, Line, Peer, cpu_seconds, set_beside
from evaluation.batch.stages import DEMONSTRATION, write_demonstration_data
from evaluation.design.study import Study, open_study
from evaluation.estimators import REGISTRY
from evaluation.inference import REGISTRY as INFERENCES
from evaluation.numerics.wild_bootstrap import draw_wild_bootstrap
from evaluation.results import Comparison

SUBJECT = "inference"
POOLED = "all"


def measure(*, quick: bool) -> Iterator[Line]:
    """All lines."""
    panel = nine_places(n_areas=62, n_periods=28) if quick else nine_places()
    yield from wild_bootstrap(panel, reps=199 if quick else 9_999)
    with tempfile.TemporaryDirectory() as folder:
        study = open_study(DEMONSTRATION, data=write_demonstration_data(Path(folder)))
        yield size_table(study, draws=19 if quick else 999)


def wild_bootstrap(panel: Comparison, reps: int) -> list[Line]:
    """p-value of one coefficient, areas as clusters; draws differ, so p-values agree up to what chance in the draws allows."""

    def ours() -> float:
        clusters = np.arange(len(panel.areas))
        return draw_wild_bootstrap(panel.y - shift, panel.exposure, clusters=clusters, reps=reps, seed=0).p_value()

    # a null near the estimate, so that p is neither 0 nor 1 and an error would show
    estimate = REGISTRY["twfe"]().fit(panel)
    shift = (estimate.att - 1.5 * (estimate.se or 0.0)) * panel.exposure

    def prepare() -> Callable[[], object]:
        import pyfixest
        import wildboottest  # noqa: F401  (the method below needs it, and says so less plainly)

        frame = panel.to_frame()
        frame["y"] = (panel.y - shift).ravel()
        fit = pyfixest.feols("y ~ exposure | unit + time", frame, vcov={"CRV1": "unit"})
        return lambda: float(fit.wildboottest(param="exposure", reps=reps, seed=0)["Pr(>|t|)"])

    peer = Peer(
        package="pyfixest",
        what="wildboottest",
        prepare=prepare,
        answer=np.atleast_1d,
        tolerance=5.0 * np.sqrt(0.25 / reps),
        goal=Goal(times=50),
        note="draws of its own, the regression not counted",
    )
    return set_beside(
        SUBJECT,
        f"restricted wild bootstrap, {reps:,} draws",
        f"{panel.y.size:,} rows, {len(panel.areas)} clusters",
        ours=ours,
        answer=np.atleast_1d,
        peers=(peer,),
    )


def size_table(study: Study, draws: int) -> Line:
    """Placebo places, test, interval and measured size for every default method, outcome and area of the demonstration."""
    design, cells = study.design, 0
    begin = cpu_seconds()
    for outcome in design.outcomes:
        for area in (*design.estimate_areas, *([POOLED] if design.estimate_pooled else [])):
            comparison = study.comparison(outcome.id, area)
            second = design.pooled_synthetic_control_estimators if area == POOLED else design.synthetic_control_estimators
            for name in (*design.did_estimators, *second):
                estimator = REGISTRY[name]()
                estimate = estimator.fit(comparison)
                placebos = estimator.placebos(comparison, draws=draws, seed=0)
                INFERENCES["placebo_in_space"](
                    estimate, estimator, comparison, level=design.level, draws=draws, seed=0, placebos=placebos
                )
                cells += 1
    seconds = cpu_seconds() - begin
    return Line(
        subject=SUBJECT,
        work=f"size table of a run, {draws:,} placebo places each",
        size=f"{cells} findings: all default methods, outcomes and areas",
        ours=seconds,
        goal="under 60 s",
        met=seconds < 60.0,
        note="the demonstration; estimates, placebos, intervals and measured sizes",
    )

"""Group-time effects with simultaneous bands."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.panels import nine_places
from benchmarks.timing import Goal, Line, Peer, set_beside
from evaluation.estimators import REGISTRY
from evaluation.results import Comparison

SUBJECT = "group-time effects"
DRAWS = 999


def measure(*, quick: bool) -> Iterator[Line]:
    """All lines."""
    panel = nine_places(n_areas=62, n_periods=28) if quick else nine_places()
    yield from with_bands(panel)


def with_bands(panel: Comparison) -> list[Line]:
    """All effects, their average over cells and by event time, and bands that hold for all event times."""
    estimator = REGISTRY["callaway_santanna"]()
    frame = panel.to_frame()

    def ours() -> object:
        effects = estimator.effects(panel)
        effects.average("dynamic").bands(draws=DRAWS, seed=0)
        return effects.overall("simple").att

    def by_diff_diff() -> Callable[[], object]:
        import diff_diff

        def call() -> float:
            found = diff_diff.CallawaySantAnna(base_period="universal", n_bootstrap=DRAWS, seed=0).fit(
                frame, outcome="y", unit="unit", time="time", first_treat="first_treated", aggregate="event_study"
            )
            return float(found.overall_att)

        return call

    def by_csdid() -> Callable[[], object]:
        from csdid.att_gt import ATTgt

        def call() -> float:
            found = ATTgt(
                yname="y",
                tname="time",
                idname="unit",
                gname="first_treated",
                data=frame.copy(),
                control_group=["nevertreated"],
                cband=True,
                biters=DRAWS,
            ).fit(est_method="reg", base_period="universal", bstrap=True)
            found.aggte("dynamic")
            found.aggte("simple")
            return float(getattr(found.atte, "overall_att", None) or found.atte["overall_att"])

        return call

    def by_differences() -> Callable[[], object]:
        from differences import ATTgt

        indexed = frame.assign(cohort=frame["first_treated"].where(frame["first_treated"] > 0)).set_index(["unit", "time"])

        def call() -> float:
            found = ATTgt(data=indexed, cohort_column="cohort", base_period="universal")
            found.fit("y", progress_bar=False)
            found.aggregate("event", boot_iterations=DRAWS, random_state=0)
            return float(np.asarray(found.aggregate("simple"))[0, 0])

        return call

    common = {"answer": np.atleast_1d, "tolerance": 1e-6}
    return set_beside(
        SUBJECT,
        f"all effects, averages and simultaneous bands ({DRAWS} draws)",
        f"{panel.y.size:,} rows, {np.unique(panel.first_treated[panel.treated]).size} starts",
        ours=ours,
        answer=np.atleast_1d,
        peers=(
            Peer(package="diff-diff", what="CallawaySantAnna", prepare=by_diff_diff, goal=Goal(times=20), **common),
            Peer(package="csdid", what="ATTgt", prepare=by_csdid, goal=Goal(times=200), **common),
            Peer(package="differences", what="ATTgt", prepare=by_differences, goal=Goal(times=200), **common),
        ),
    )

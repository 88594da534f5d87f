"""Difference-in-differences estimates on 26,000 and on 600,000 rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.panels import nine_places
from benchmarks.timing import Line, Peer, median_of_many, set_beside
from evaluation.estimators import REGISTRY
from evaluation.numerics.assignment import fit_assignments, treated_groups
from evaluation.results import Comparison

SUBJECT = "difference-in-differences"
GROWTH = 1.25
"""Times by which the cost of a cell may rise with the number of cells."""


def measure(*, quick: bool) -> Iterator[Line]:
    """All lines."""
    panel = nine_places(n_areas=62, n_periods=28) if quick else nine_places()
    yield from closed_form(panel)
    yield from whole_estimates(panel)
    yield from growth(panel, nine_places(n_areas=700 if quick else 7000, n_periods=panel.n_periods))


def _coefficient(panel: Comparison) -> np.ndarray:
    columns = np.flatnonzero(panel.treated)
    return fit_assignments(
        panel.y,
        regressors=panel.exposure.T[columns][:, :, None],
        first=panel.first_treated[columns],
        groups=treated_groups(len(panel.areas), columns),
    ).coefficients[0]


def _size(panel: Comparison) -> str:
    return f"{panel.y.size:,} rows, {int(panel.treated.sum())} treated"


def closed_form(panel: Comparison) -> list[Line]:
    """The coefficient alone, as placebos compute it."""
    frame = panel.to_frame()

    def by_pyfixest() -> Callable[[], object]:
        import pyfixest

        def call() -> float:
            return float(pyfixest.feols("y ~ exposure | unit + time", frame, vcov={"CRV1": "unit"}).coef()["exposure"])

        return call

    def by_linearmodels() -> Callable[[], object]:
        from linearmodels.panel import PanelOLS

        table = frame.set_index(["unit", "time"])[["y", "exposure"]]

        def call() -> float:
            model = PanelOLS(table["y"], table[["exposure"]], entity_effects=True, time_effects=True)
            return float(model.fit(cov_type="clustered", cluster_entity=True).params["exposure"])

        return call

    common = {"answer": np.atleast_1d, "tolerance": 1e-8}
    return set_beside(
        SUBJECT,
        "two-way fixed effects, the coefficient (theirs with a standard error)",
        _size(panel),
        ours=lambda: _coefficient(panel),
        answer=np.atleast_1d,
        peers=(
            Peer(package="pyfixest", what="feols", prepare=by_pyfixest, **common),
            Peer(package="linearmodels", what="PanelOLS", prepare=by_linearmodels, **common),
        ),
    )


def whole_estimates(panel: Comparison) -> Iterator[Line]:
    """Everything an estimate holds, standard errors and path included."""
    frame = panel.to_frame()

    def by_diff_diff(name: str) -> Callable[[], Callable[[], object]]:
        def prepare() -> Callable[[], object]:
            import diff_diff

            def call() -> float:
                found = getattr(diff_diff, name)().fit(frame, outcome="y", unit="unit", time="time", first_treat="first_treated")
                return float(found.overall_att)

            return call

        return prepare

    for ours, theirs in (("imputation", "ImputationDiD"), ("two_stage", "TwoStageDiD"), ("sun_abraham", "SunAbraham")):
        if ours not in REGISTRY:
            continue
        estimator = REGISTRY[ours]()
        peer = Peer(package="diff-diff", what=theirs, prepare=by_diff_diff(theirs), answer=np.atleast_1d, tolerance=1e-5)
        yield from set_beside(
            SUBJECT,
            f"{estimator.card.title.lower()}, whole estimate",
            _size(panel),
            ours=lambda estimator=estimator: estimator.fit(panel).att,
            answer=np.atleast_1d,
            peers=(peer,),
        )


def growth(small: Comparison, large: Comparison) -> Iterator[Line]:
    """Whether the cost of a cell stays what it is."""
    few, many = (median_of_many(lambda panel=panel: _coefficient(panel), 3) for panel in (small, large))
    cells = large.y.size / small.y.size
    yield Line(
        subject=SUBJECT,
        work="the coefficient in a larger panel",
        size=_size(large),
        ours=many,
        goal=f"at most {GROWTH:g} x the cost of a cell",
        met=many / few <= GROWTH * cells,
        note=f"{cells:.0f} times the cells, {many / few:.1f} times the time",
    )

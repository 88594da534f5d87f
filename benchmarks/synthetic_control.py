"""Synthetic control: placebos, the whole set of checks, synthetic difference-in-differences, matrix completion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.panels import nine_places, one_treated
from benchmarks.timing import Goal, Line, Peer, set_beside
from evaluation.estimators import REGISTRY
from evaluation.numerics.simplex import fit_simplex
from evaluation.results import Comparison

SUBJECT = "synthetic control"
OUTCOMES = 8
"""Outcomes of a national run."""


def measure(*, quick: bool) -> Iterator[Line]:
    """All lines."""
    panel = one_treated(n_areas=13, n_periods=24, start=18) if quick else one_treated()
    yield from placebos(panel, fits=2 if quick else 3)
    yield from everything(nine_places(n_areas=31, n_periods=28) if quick else nine_places())
    yield from synthetic_did(panel, draws=3 if quick else 20)
    yield from matrix_completion(panel)


def placebos(panel: Comparison, fits: int) -> list[Line]:
    """Every untreated area in turn; the peers' weights must leave a loss no smaller than ours."""
    start = int(panel.first_treated.max())
    y0 = panel.y[:, ~panel.treated]
    n = y0.shape[1]

    def losses() -> np.ndarray:
        return fit_simplex(y0[:start], y0[:start], allowed=~np.eye(n, dtype=bool)).objective

    def pysyncon() -> Callable[[], object]:
        from pysyncon import Synth

        tables = []
        for j in range(fits):
            others = pd.DataFrame(np.delete(y0[:start], j, axis=1), columns=[f"d{k}" for k in range(n - 1)])
            own = pd.Series(y0[:start, j], name="own")
            # it divides rows by their deviation; these V undo that
            scale = pd.concat([others, own], axis=1).var(axis=1).to_numpy()
            tables.append((others, own, scale))

        def call() -> np.ndarray:
            found = []
            for others, own, scale in tables:
                synth = Synth()
                synth.fit(X0=others, X1=own, Z0=others, Z1=own, custom_V=scale)
                found.append(((own.to_numpy() - others.to_numpy() @ synth.W) ** 2).sum())
            return np.array(found)

        return call

    def clarabel() -> Callable[[], object]:
        import clarabel
        from scipy import sparse

        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.max_threads = 1
        rows = sparse.csc_matrix(np.vstack([np.ones(n - 1), -np.eye(n - 1)]))
        right = np.append(1.0, np.zeros(n - 1))
        cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(n - 1)]

        def call() -> np.ndarray:
            found = []
            for j in range(fits):
                x, b = np.delete(y0[:start], j, axis=1), y0[:start, j]
                p = sparse.csc_matrix(np.triu(2.0 * x.T @ x))
                weights = np.array(clarabel.DefaultSolver(p, -2.0 * x.T @ b, rows, right, cones, settings).solve().x)
                found.append(((b - x @ weights) ** 2).sum())
            return np.array(found)

        return call

    scale = float(np.abs(losses()).max())
    peers = (
        Peer(
            package="pysyncon",
            what="Synth, outcomes as predictors",
            prepare=pysyncon,
            answer=np.asarray,
            tolerance=0.05 * scale,
            share=fits / n,
            goal=Goal(times=1000),
            note="its weights are approximate",
        ),
        Peer(
            package="clarabel",
            what="quadratic programmes",
            prepare=clarabel,
            answer=np.asarray,
            tolerance=1e-5 * scale,
            share=fits / n,
        ),
    )
    size = f"{n} donors, {start} periods before"
    lines = set_beside(SUBJECT, "weights of all placebo areas", size, ours=losses, answer=np.asarray, peers=peers)

    def with_treated() -> np.ndarray:
        y = panel.y[:start]
        return fit_simplex(y, y[:, ~panel.treated], allowed=~np.eye(n + 1, dtype=bool)[~panel.treated]).objective

    return lines + set_beside(
        SUBJECT,
        "the same, the treated area among the donors",
        size,
        ours=with_treated,
        answer=np.asarray,
        peers=(_diff_diff_placebos(panel),),
    )


def _diff_diff(panel: Comparison) -> Callable[[], object]:
    """A call that fits the treated area."""
    import diff_diff

    frame = panel.to_frame()
    start = int(panel.first_treated.max())

    def call() -> object:
        return diff_diff.SyntheticControl(v_method="custom", custom_v=np.ones(start), standardize="none", seed=0).fit(
            frame, outcome="y", treatment="exposure", unit="unit", time="time", pre_period_outcomes="all"
        )

    return call


def _diff_diff_placebos(panel: Comparison) -> Peer:
    """All placebos by diff-diff; their order is ours and their misfits are the roots of the mean losses."""
    start = int(panel.first_treated.max())

    def prepare() -> Callable[[], object]:
        fit = _diff_diff(panel)()
        return lambda: fit.in_space_placebo()

    def answer(table: pd.DataFrame) -> np.ndarray:
        rows = table[table["status"] == "placebo"].set_index("unit")["pre_mspe"].sort_index()
        return rows.to_numpy(dtype=float) * start

    return Peer(
        package="diff-diff",
        what="in_space_placebo",
        prepare=prepare,
        answer=answer,
        tolerance=1e-3 * float(np.var(panel.y) * start),
        goal=Goal(times=100),
    )


def everything(panel: Comparison) -> list[Line]:
    """Fits, placebos, leave-one-out and placebos in time of all treated areas; one outcome, counted as eight.

    Ours takes areas of one start together, and the placebos once for each start: the treated area plays no part in them.
    """
    donors, first = panel.y[:, ~panel.treated], panel.first_treated
    n = donors.shape[1]
    others = ~np.eye(n, dtype=bool)

    def ours() -> np.ndarray:
        found = np.empty(int(panel.treated.sum()))
        for start in np.unique(first[panel.treated]):
            targets = panel.y[:, first == start]
            fit = fit_simplex(donors[:start], targets[:start])
            found[first[panel.treated] == start] = (targets - donors @ fit.weights.T)[start:].mean(axis=0)
            seen = start - start // 3
            for periods in (start, seen):
                fit_simplex(donors[:periods], donors[:periods], allowed=others)
            unit, donor = np.nonzero(fit.weights > 0.0)
            allowed = np.ones((unit.size, n), dtype=bool)
            allowed[np.arange(unit.size), donor] = False
            fit_simplex(donors[:start], targets[:start, unit], allowed=allowed)
            for early in _dates(start):
                fit_simplex(donors[:early], targets[:early])
        return found

    def prepare() -> Callable[[], object]:
        one = _keep(panel, [int(np.flatnonzero(panel.treated)[0]), *np.flatnonzero(~panel.treated)])
        fit = _diff_diff(one)

        def call() -> object:
            found = fit()
            found.in_space_placebo()
            found.leave_one_out()
            found.in_time_placebo(placebo_periods=[early + 1 for early in _dates(int(one.first_treated.max()))])
            return found

        return call

    n_treated = int(panel.treated.sum())
    peer = Peer(
        package="diff-diff",
        what="SyntheticControl, the same",
        prepare=prepare,
        answer=lambda found: np.array([found.att]),
        tolerance=1e-4 * float(np.std(panel.y)),
        share=1.0 / n_treated / OUTCOMES,
        goal=Goal(times=200, seconds=6.0),
        note="ours takes areas of one start together and predicts too",
    )
    return set_beside(
        SUBJECT,
        "fit, placebos, leave-one-out and in-time of a national run",
        f"{n_treated} areas, {OUTCOMES} outcomes, {n} donors",
        ours=ours,
        answer=np.asarray,
        peers=(peer,),
        share=1.0 / OUTCOMES,
    )


def _dates(start: int) -> range:
    """Periods taken for starts in the placebos in time: every third of the last third before the start."""
    return range(2 * int(start) // 3, int(start), 3)


def _keep(panel: Comparison, columns: list[int]) -> Comparison:
    """The panel with these areas only."""
    return replace(
        panel,
        areas=tuple(panel.areas[n] for n in columns),
        area_names=tuple(panel.area_names[n] for n in columns),
        regions=(),
        y=panel.y[:, columns],
        first_treated=panel.first_treated[columns],
        exposure=panel.exposure[:, columns],
    )


def synthetic_did(panel: Comparison, draws: int) -> list[Line]:
    """One fit without a standard error, and the placebo standard error."""
    frame = panel.to_frame().assign(treat=lambda f: f["exposure"].astype(int))
    ever = frame.assign(ever=(frame["first_treated"] > 0).astype(int))
    start, n_periods = int(panel.first_treated.max()), panel.n_periods
    plain, full = REGISTRY["synthetic_did"](se_draws=0), REGISTRY["synthetic_did"]()

    def by_azcausal() -> Callable[[], object]:
        from azcausal.core.panel import CausalPanel
        from azcausal.estimators.panel.sdid import SDID
        from azcausal.util import to_panels

        causal = CausalPanel(to_panels(frame, "time", "unit", ["y", "treat"])).setup(outcome="y", intervention="treat")
        return lambda: SDID().fit(causal).effect.value

    def by_diff_diff() -> Callable[[], object]:
        import diff_diff

        return lambda: diff_diff.SyntheticDiD(n_bootstrap=draws, seed=0).fit(
            ever, outcome="y", treatment="ever", unit="unit", time="time", post_periods=list(range(start + 1, n_periods + 1))
        )

    size = f"{len(panel.donors)} donors, {start} periods before"
    tolerance = 0.01 * float(np.std(panel.y))
    lines = set_beside(
        SUBJECT,
        "synthetic difference-in-differences, one fit",
        size,
        ours=lambda: plain.fit(panel).att,
        answer=np.atleast_1d,
        peers=(
            Peer(
                package="azcausal",
                what="SDID",
                prepare=by_azcausal,
                answer=np.atleast_1d,
                tolerance=tolerance,
                note="its search stops early",
            ),
        ),
    )
    return lines + set_beside(
        SUBJECT,
        "the same with the placebo standard error over all donors",
        size,
        ours=lambda: full.fit(panel).att,
        answer=np.atleast_1d,
        peers=(
            Peer(
                package="diff-diff",
                what="SyntheticDiD",
                prepare=by_diff_diff,
                answer=lambda found: np.array([found.att]),
                tolerance=tolerance,
                share=min(1.0, (draws + 1) / (len(panel.donors) + 1)),
                note="its search stops early",
            ),
        ),
    )


def matrix_completion(panel: Comparison) -> list[Line]:
    """Fit with the penalty chosen; penalties are chosen in other ways, so the answers agree in kind only."""
    estimator = REGISTRY["matrix_completion"]()

    def prepare() -> Callable[[], object]:
        from mlsynth import MCNNM

        frame = panel.to_frame().assign(treat=lambda f: f["exposure"].astype(int))
        options = {"outcome": "y", "treat": "treat", "unitid": "unit", "time": "time", "display_graphs": False}

        def call() -> float:
            found = MCNNM({"df": frame.copy(), **options}).fit()
            return float(found.att if hasattr(found, "att") else found.effects.att)

        return call

    return set_beside(
        SUBJECT,
        "matrix completion, penalty by cross-validation",
        f"{len(panel.areas)} areas, {panel.n_periods} periods",
        ours=lambda: estimator.fit(panel).att,
        answer=np.atleast_1d,
        peers=(
            Peer(
                package="mlsynth",
                what="MCNNM",
                prepare=prepare,
                answer=np.atleast_1d,
                tolerance=0.1 * float(np.std(panel.y)),
                note="another rule for the penalty, so another answer",
            ),
        ),
    )

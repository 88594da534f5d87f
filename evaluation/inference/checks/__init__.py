"""Checks of a finding by name, one file each. Every one can fail, and one that could not run says so (passed None)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evaluation.design.study import Study
from evaluation.inference.checks import (
    anticipation,
    breakdown,
    convex_hull,
    donor_concentration,
    donor_contamination,
    goodman_bacon,
    leave_one_donor_out,
    outcome_revisions,
    placebo_in_time,
    pre_fit,
    pre_periods,
    pre_trend,
    pre_trend_power,
    two_implementations,
)
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Panel, Placebos
from evaluation.steps import follow

DID = "difference-in-differences"
SC = "synthetic control"

MOST_DRAWS = 299
"""Placebo places of a check that estimates again: enough to place a quantile of 0.95 within one or two hundredths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCheck:
    """A check, the families it applies to, and what else it takes.

    One that estimates again takes level, draws and seed; one that needs the study takes it; one that compares editions takes the
    study and an earlier panel. With `estimators` it applies to these alone.
    """

    run: Callable[..., Check]
    families: tuple[str, ...]
    estimates_again: bool = False
    needs_study: bool = False
    compares_editions: bool = False
    estimators: tuple[str, ...] = ()


REGISTRY: Mapping[str, RegisteredCheck] = MappingProxyType(
    {
        pre_periods.NAME: RegisteredCheck(run=pre_periods.run, families=(DID, SC)),
        pre_fit.NAME: RegisteredCheck(run=pre_fit.run, families=(DID, SC)),
        pre_trend.NAME: RegisteredCheck(run=pre_trend.run, families=(DID, SC)),
        pre_trend_power.NAME: RegisteredCheck(run=pre_trend_power.run, families=(DID, SC)),
        placebo_in_time.NAME: RegisteredCheck(run=placebo_in_time.run, families=(DID, SC), estimates_again=True),
        anticipation.NAME: RegisteredCheck(run=anticipation.run, families=(DID, SC), estimates_again=True),
        donor_contamination.NAME: RegisteredCheck(run=donor_contamination.run, families=(DID, SC), needs_study=True),
        convex_hull.NAME: RegisteredCheck(run=convex_hull.run, families=(SC,)),
        donor_concentration.NAME: RegisteredCheck(run=donor_concentration.run, families=(SC,)),
        leave_one_donor_out.NAME: RegisteredCheck(run=leave_one_donor_out.run, families=(SC,)),
        goodman_bacon.NAME: RegisteredCheck(run=goodman_bacon.run, families=(DID,), estimators=("twfe",)),
        breakdown.NAME: RegisteredCheck(run=breakdown.run, families=(DID,), estimators=breakdown.ESTIMATORS),
        outcome_revisions.NAME: RegisteredCheck(run=outcome_revisions.run, families=(DID, SC), compares_editions=True),
        two_implementations.NAME: RegisteredCheck(run=two_implementations.run, families=(DID, SC)),
    }
)
"""Check name -> check; `run(comparison, estimator, estimate, placebos, thresholds)` gives a `Check`."""


def run_checks(
    comparison: Comparison,
    estimator: Estimator,
    estimate: Estimate,
    placebos: Placebos,
    thresholds: CheckThresholds,
    *,
    level: float,
    draws: int,
    seed: int,
    study: Study | None = None,
    earlier: Panel | None = None,
) -> tuple[Check, ...]:
    """Run every check that applies to the estimator's family, in the order of `REGISTRY`.

    Without a `study`, or without an `earlier` edition of its panel, the checks that need them say that they were not run.
    """
    again = {"level": level, "draws": min(draws, MOST_DRAWS), "seed": seed}

    def also(check: RegisteredCheck) -> dict[str, object]:
        taken: dict[str, object] = dict(again) if check.estimates_again else {}
        taken |= {"study": study} if check.needs_study or check.compares_editions else {}
        return taken | ({"earlier": earlier} if check.compares_editions else {})

    applicable = [
        (name, check)
        for name, check in REGISTRY.items()
        if estimator.card.family in check.families and estimator.name in (check.estimators or (estimator.name,))
    ]
    return tuple(
        check.run(comparison, estimator, estimate, placebos, thresholds, **also(check))
        for _, check in follow(applicable, "checks", name=lambda item: item[0].replace("_", " "))
    )

"""Checks of a finding by name, one file each. Every one can fail, and one that could not run says so (passed None)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from evaluation.inference.checks import (
    breakdown,
    donor_concentration,
    goodman_bacon,
    leave_one_donor_out,
    placebo_in_time,
    pre_fit,
    pre_periods,
    pre_trend,
    two_implementations,
)
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, Placebos

DID = "difference-in-differences"
SC = "synthetic control"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCheck:
    """A check, the families it applies to, and whether it estimates again (then it takes level, draws and seed).

    With `estimators` it applies to these alone.
    """

    run: Callable[..., Check]
    families: tuple[str, ...]
    estimates_again: bool = False
    estimators: tuple[str, ...] = ()


REGISTRY: Mapping[str, RegisteredCheck] = MappingProxyType(
    {
        pre_periods.NAME: RegisteredCheck(run=pre_periods.run, families=(DID, SC)),
        pre_fit.NAME: RegisteredCheck(run=pre_fit.run, families=(DID, SC)),
        pre_trend.NAME: RegisteredCheck(run=pre_trend.run, families=(DID, SC)),
        placebo_in_time.NAME: RegisteredCheck(run=placebo_in_time.run, families=(DID, SC), estimates_again=True),
        donor_concentration.NAME: RegisteredCheck(run=donor_concentration.run, families=(SC,)),
        leave_one_donor_out.NAME: RegisteredCheck(run=leave_one_donor_out.run, families=(SC,)),
        goodman_bacon.NAME: RegisteredCheck(run=goodman_bacon.run, families=(DID,), estimators=("twfe",)),
        breakdown.NAME: RegisteredCheck(run=breakdown.run, families=(DID,), estimators=breakdown.ESTIMATORS),
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
) -> tuple[Check, ...]:
    """Run every check that applies to the estimator's family, in the order of `REGISTRY`."""
    again = {"level": level, "draws": draws, "seed": seed}
    return tuple(
        check.run(comparison, estimator, estimate, placebos, thresholds, **(again if check.estimates_again else {}))
        for check in REGISTRY.values()
        if estimator.card.family in check.families and estimator.name in (check.estimators or (estimator.name,))
    )

"""What was found next door to a treated area, and what is left of the area's own difference once that is counted in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluation.results.comparison import Exclusion
from evaluation.results.finding import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class SpilloverSide:
    """One side of the border: the treated area, or the ring of untreated authorities that touch it.

    Attributes
    ----------
    att : difference at full exposure, in the outcome's unit
    interval : at `Spillover.level`, from placebo places; None where none can be given
    p_value, mde : as in `Inference`
    blocks : placebo places that share no authority with each other
    size, size_reps : how often the test errs on this panel, as in `Inference`
    residents : people a rate is a share of, at the last period; None where not known or not a rate
    count : the difference in people (or households), None where it cannot be counted
    count_interval : `interval`, counted in the same way
    checks_failed : titles of the checks of the comparison that failed
    note : what a reader must know beside the numbers
    """

    authorities: int
    att: float
    interval: Interval | None
    p_value: float | None
    mde: float | None
    blocks: int | None = None
    size: float | None = None
    size_reps: int | None = None
    residents: float | None = None
    count: float | None = None
    count_interval: Interval | None = None
    checks_failed: tuple[str, ...] = ()
    note: str = ""


NetBasis = Literal["", "joint placebo places", "sum of the two intervals"]
"""Where the interval of the net difference comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spillover:
    """Exploratory. One JSON file ``spillover/<outcome>/<area>.json``.

    Attributes
    ----------
    ring : GSS codes of the untreated authorities that touch the area and pass every other rule of the comparison
    left_out : untreated authorities that touch it and were not used, each with its reason
    n_donors : comparison areas, none of which touches a treated area
    inside : the treated area against these
    beside : the ring against these, as if it had the programme from the area's start on; None where there is no estimate
    net : `inside.count` plus `beside.count`, in `count_unit`
    net_interval : of `net`, at `level`
    why_not : why there is no estimate of the ring, where there is none
    why_no_net : why there is no net difference, where there is none
    """

    design: str
    outcome: str
    area: str
    area_name: str
    unit: str
    estimator: str
    level: float
    reps: int
    seed: int
    ring: tuple[str, ...]
    left_out: tuple[Exclusion, ...]
    n_donors: int
    inside: SpilloverSide | None
    beside: SpilloverSide | None
    count_unit: Literal["", "people", "households"]
    net: float | None
    net_interval: Interval | None
    net_basis: NetBasis
    synthetic: bool
    why_not: str = ""
    why_no_net: str = ""
    note: str = ""

"""What could be seen, and how far an estimate depends on choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluation.results.finding import Interval
from evaluation.results.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPoint:
    """What could be seen with a number of periods after the start."""

    follow_up: int
    """Periods whose reference window lies wholly after the start."""
    mde: float | None
    """Smallest constant effect found with 80% power, as a magnitude in the outcome's unit; None where it cannot be computed."""
    sampling_share: float | None = None
    """Share of the variance of the placebo estimates that sampling error of the survey explains, 0 to 1; None without standard
    errors."""
    before: int | None = None
    """Periods left before the moved start, where it fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power(Shown):
    """Could the evaluation see it? From periods before the start alone; one JSON file ``power/<outcome>/<area>.json``."""

    design: str
    outcome: str
    area: str
    area_name: str
    unit: str
    estimator: str
    level: float
    power: float
    points: tuple[PowerPoint, ...]
    available: int
    """Periods wholly after the start that the data have now."""
    cap: float | None
    """Largest difference the supported people could produce, in the outcome's unit; None = not established."""
    plausible: float | None
    reps: int
    seed: int
    synthetic: bool
    note: str = ""


VariantKind = Literal["main", "estimator", "start date", "exposure coding", "comparison areas", "overlap", "window", "weights"]
"""What a specification differs in from the main one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One pre-declared specification and what it gives."""

    name: str
    kind: VariantKind
    title: str
    """In words for a reader, such as ``start three months later``."""
    estimator: str
    att: float | None
    interval: Interval | None
    p_value: float | None
    why_not: str = ""
    """Why there is no estimate, where there is none."""
    n_donors: int | None = None
    """Comparison areas; None where there is no comparison, or a record was made before it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stress(Shown):
    """How much an estimate depends on choices; one JSON file ``stress/<outcome>/<area>.json``."""

    design: str
    outcome: str
    area: str
    area_name: str
    unit: str
    variants: tuple[Variant, ...]
    """The main specification first."""
    joint_p: float | None
    """Share of placebo assignments whose median statistic over all variants is at least as large as the observed one."""
    synthetic: bool
    note: str = ""

"""What the findings of one area and outcome amount to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from evaluation.results.finding import Interval
from evaluation.results.shown import Explanation, Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEffect:
    """One place in a pooled estimate."""

    area: str
    name: str
    att: float
    se: float
    """Spread of its placebo places, the standard error that pooling uses, in the outcome's unit."""
    weight: float
    pooled: float
    """The estimate drawn towards the mean (partial pooling)."""
    interval: Interval
    """Of `pooled`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Shown):
    """Random-effects summary over places; one JSON file ``pool/<outcome>.json``."""

    design: str
    outcome: str
    unit: str
    estimator: str
    level: float
    places: tuple[PlaceEffect, ...]
    mean: float
    interval: Interval
    """Hartung-Knapp interval of the mean."""
    prediction: Interval | None
    """Where the effect of a further place would lie; None with fewer than three places."""
    tau: float
    """Standard deviation of the effects between places (Paule-Mandel), in the outcome's unit."""
    p_value: float
    synthetic: bool
    note: str = ""


VerdictName = Literal[
    "not estimated",
    "comparison not credible",
    "implausible size",
    "detected",
    "mixed signs",
    "large changes ruled out",
    "too imprecise to tell",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion(Shown):
    """What the findings of one area and outcome amount to."""

    design: str
    outcome: str
    area: str
    area_name: str
    primary: bool
    verdict: VerdictName
    because: str
    """Which rule decided, in words."""
    sentence: str
    headline: str | None
    """Estimator whose finding the sentence quotes, or None."""
    att: float | None = None
    interval: Interval | None = None
    mde: float | None = None
    cap: float | None = None
    """Largest difference the supported people could produce, in the outcome's unit; None = not established."""
    people: Interval | None = None
    """The interval in people."""
    synthetic: bool = False
    reasons: tuple[str, ...] = field(default=())
    adjusted_p: float | None = None
    """The p-value after allowing for the other comparisons of its family; None where there is none, or the family was not looked
    at."""
    family: str = ""
    """Family of comparisons, set in advance, that `adjusted_p` allows for, in words."""
    trail: tuple[str, ...] = ()
    """Every rule in its order, with its numbers: those that did not apply, the one that decided, those not reached."""

    def explain(self) -> Explanation:
        """Which rule decided the verdict, and why those before it did not apply.

        Returns
        -------
        Explanation
            A string, one rule a line in their order; a notebook shows it as a list. `evaluation.synthesis.explain.explain` adds
            the numbers of every method.
        """
        return Explanation("\n".join((f"{self.area_name}, {self.outcome}: {self.verdict}", *self.trail, *self.reasons)))

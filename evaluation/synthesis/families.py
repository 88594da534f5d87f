"""How many comparisons a verdict is one of: the more areas and outcomes are looked at, the more often chance makes one stand out.

Three families are set in advance, and p-values are adjusted within each after Holm (1979):

1. the primary outcome for all areas together: the question of the study, and alone in its family;
2. the primary outcome area by area: over the areas;
3. every other outcome, exploratory: over all its outcomes and areas.

A family holds every comparison with an estimate that could be judged, whatever its checks say; one without an estimate was not
looked at. Within a family, a larger p-value for one comparison never makes another's smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.numerics.multiplicity import holm
from evaluation.results import Design
from evaluation.synthesis.agree import TOLERANCE
from evaluation.synthesis.evidence import POOLED, Evidence, why_not_estimated

HEADLINE = "the primary outcome, all areas together"
BY_AREA = "the primary outcome, area by area"
EXPLORATORY = "every outcome but the primary one, exploratory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is allowed for when one comparison is judged.

    Attributes
    ----------
    family : name of its family
    size : comparisons of the family that were looked at, itself included
    p_value : of its deciding inference, or None
    adjusted_p : after Holm over the family; None without a p-value, or where the rest of the family was not looked at
    planned : comparisons of the family that the design asks for
    """

    family: str
    size: int
    p_value: float | None
    adjusted_p: float | None
    planned: int

    def holds(self, level: float) -> bool:
        """Whether the p-value, adjusted where it could be, is at or below the level; true where there is none."""
        judged = self.p_value if self.adjusted_p is None else self.adjusted_p
        return judged is None or judged <= level + TOLERANCE

    @property
    def adjusts(self) -> bool:
        """Whether others of its family were looked at."""
        return self.adjusted_p is not None and self.size > 1


def name_family(design: Design, outcome: str, area: str) -> str:
    """The family that a comparison belongs to."""
    if not design.outcome(outcome).primary:
        return EXPLORATORY
    return HEADLINE if area == POOLED else BY_AREA


def allow_for(evidences: Sequence[Evidence], design: Design) -> tuple[Allowance, ...]:
    """Adjust the p-values of all comparisons of a design, family by family; in the order given."""
    names = [name_family(design, e.outcome.id, e.area) for e in evidences]
    values = [_p_value(e) for e in evidences]
    adjusted: list[float | None] = [None] * len(evidences)
    sizes = [0] * len(evidences)
    for family in dict.fromkeys(names):
        members = [n for n, name in enumerate(names) if name == family and values[n] is not None]
        if members:
            found = holm(np.array([values[n] for n in members], dtype=float))
            for n, value in zip(members, found, strict=True):
                adjusted[n] = float(value)
                sizes[n] = len(members)
    return tuple(
        Allowance(family=name, size=max(size, 1), p_value=p, adjusted_p=a, planned=count_planned(design, name))
        for name, size, p, a in zip(names, sizes, values, adjusted, strict=True)
    )


def allow_alone(evidence: Evidence) -> Allowance:
    """Take one comparison as it is; its p-value counts as adjusted only where its family has no other member."""
    design, p_value = evidence.design, _p_value(evidence)
    family = name_family(design, evidence.outcome.id, evidence.area)
    planned = count_planned(design, family)
    return Allowance(family=family, size=1, p_value=p_value, adjusted_p=p_value if planned == 1 else None, planned=planned)


def count_planned(design: Design, family: str) -> int:
    """Comparisons of a family that the design asks for."""
    primary = sum(plan.primary for plan in design.outcomes)
    if family == HEADLINE:
        return primary * design.estimate_pooled
    if family == BY_AREA:
        return primary * len(design.estimate_areas)
    return (len(design.outcomes) - primary) * (len(design.estimate_areas) + design.estimate_pooled)


def _p_value(evidence: Evidence) -> float | None:
    """p-value of the deciding inference, where there is an estimate to judge."""
    if why_not_estimated(evidence) is not None or evidence.quoted is None:
        return None
    return evidence.quoted.inference.p_value

"""What a source asks of those who publish counts from it: the disclosure clause of its contract.

The clause stands in ``customProperties`` under ``disclosure``. Where the publisher's rule is not known, it says ``not
established``: counts of a restricted source are then not published at all, and those of an open one stand as their publisher gave
them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evaluation.contracts.fields import Record, field_problems
from evaluation.contracts.records import Contracts, Outcome, Source

COUNTED = ("people", "households")
"""Units of outcomes whose figures are counts; differences of other units are no counts of anybody."""
Status = Literal["established", "not established", "none needed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause(Record):
    """How counts from one source are protected."""

    status: Status
    """``none needed`` for what describes nobody, such as synthetic data."""
    access: Literal["open", "restricted"]
    """``open``: the publisher protected the file before anybody could load it down."""
    threshold: int | None = None
    """Smallest count that may be published; counts above zero and below it may not. None = no such rule."""
    base: int | None = None
    """Published counts are multiples of it. None = no rounding."""
    tolerance: float = 0.0
    """By how much published cells may fail to add up to a published total, as rounding or perturbation does."""
    extremes: bool = False
    """Whether 0 and 100 per cent of a group may not be published, because they tell something of each of its members."""
    nouns: tuple[str, ...] = ("people",)
    """What the counts are of, as a sentence would say it."""
    note: str = ""
    source: str = ""
    """Where the rule is stated; needed where it is established."""

    @property
    def is_missing(self) -> bool:
        """Whether no count may be published, because nobody has protected the file or written down how it is done."""
        return self.status == "not established" and self.access == "restricted"

    def is_small(self, count: float) -> bool:
        """Whether a count is above zero and below the threshold."""
        return self.threshold is not None and 0 < count < self.threshold

    def round(self, count: float) -> float:
        """A count as it may be printed: the nearest multiple of the base, halves to the even one."""
        return count if self.base is None else self.base * float(round(count / self.base))

    def hides(self, count: float) -> bool:
        """Whether a count may not be printed: it is small, or rounding would make it small or nobody though there is somebody."""
        rounded = self.round(count)
        return self.is_small(count) or self.is_small(rounded) or (count > 0 and rounded == 0)


NO_CLAUSE = Clause(status="not established", access="open", note="The contract has no disclosure clause.")


def read_clause(source: Source | None) -> Clause:
    """The disclosure clause of a source; one that is not established where the contract has none."""
    return Clause.build(**source.disclosure) if source is not None and source.disclosure else NO_CLAUSE


def clause_of(outcome: Outcome, contracts: Contracts, read: Collection[str]) -> Clause:
    """The clause of the source that an outcome was taken from, `read` being the sources of a panel."""
    return read_clause(contracts.sources.get(source_of(outcome, read)))


def source_of(outcome: Outcome, read: Collection[str]) -> str:
    """The source that an outcome was taken from, `read` being the sources of a panel; empty where it is none of them."""
    return next((rule.source for rule in outcome.series if rule.source in read), "")


def clause_problems_of(raw: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a disclosure clause, each in words that end in what to do."""
    found = field_problems(Clause, raw)
    yield from (f"{problem.key}: {problem.text}." for problem in found)
    if found:
        return
    clause = Clause.build(**raw)
    for name in ("threshold", "base"):
        value = getattr(clause, name)
        if value is not None and value < 2:
            yield f"{name}: {value} protects nothing; write 2 or more, or leave it out."
    if clause.tolerance < 0:
        yield f"tolerance: {clause.tolerance:g} is negative; write 0 or more."
    rules = clause.threshold is not None or clause.base is not None or clause.extremes
    if clause.status == "established" and not rules:
        yield "status: is 'established' but there is no threshold, base or extremes. Fix: write the rule, or 'not established'."
    if clause.status == "established" and not clause.source:
        yield "source: is empty; say where the publisher states the rule."
    if clause.status != "established" and rules:
        yield f"status: is {clause.status!r} but there is a rule. Fix: write 'established', or take the rule out."
    if clause.status == "none needed" and clause.access == "restricted":
        yield "status: is 'none needed' for a restricted source. Fix: write the rule, or 'not established'."

"""What a table or picture says of its counts, so that they can be protected and checked.

A number of people in this report is one of three things:

- a *count* of people or households in the data. The table or picture that shows it declares the column with `Counts`; it is
  protected as the contract of its source asks (`evaluation.report.protect`), and the gate looks after it;
- an *estimate*, such as a difference in people: a rate times the residents. Nobody was counted, so there is nothing to suppress.
  It is written to the nearest 100, and no finer than the rounding base of its sources where that is larger
  (`Outcome.people_base`);
- a *plan*, such as the people a programme said it would support (`PLANNED`). It comes from an announcement.

A test holds every column of people in a report against the three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evaluation.contracts.disclosure import COUNTED
from evaluation.contracts.records import Outcome

PLANNED = "People to be supported in the first year"
"""Column of people that a programme announced."""
JOIN = " | "
"""Between the parts of a row's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A column of percentages, and the counts it is made of."""

    column: str
    numerator: str
    denominator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Which columns hold counts of people, whose they are, and which of them add up.

    Attributes
    ----------
    of : identifier of the outcome that is counted, or of the source contract
    labels : columns that name a row, such as the area and the period
    columns : columns that hold counts
    about : what every row is of and none says, such as the area of a table; it begins the name of each row
    only : a column and the cell that rows with such counts have there; None = every row
    shares : columns of percentages made of these counts
    rows_add : name of a row to the rows it is the sum of; a name joins `about` and the cells of `labels` with `` | ``
    columns_add : column to the columns it is the sum of
    """

    of: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    about: str = ""
    only: tuple[str, str] | None = None
    shares: tuple[Share, ...] = ()
    rows_add: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns_add: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def name(self, row: Mapping[str, str]) -> str:
        """The name of a row of cells by column; empty where the row holds no such count."""
        if self.only is not None and row[self.only[0]] != self.only[1]:
            return ""
        return JOIN.join(part for part in (self.about, *(row[label] for label in self.labels)) if part)


def count_outcome(
    outcome: Outcome,
    *,
    labels: tuple[str, ...],
    columns: tuple[str, ...],
    about: str = "",
    only: tuple[str, str] | None = None,
) -> tuple[Counts, ...]:
    """Declare the figures of an outcome; nothing where they are rates or amounts."""
    if outcome.unit not in COUNTED:
        return ()
    return (Counts(of=outcome.id, labels=labels, columns=columns, about=about, only=only),)

"""What a table or picture says of its counts, so that the disclosure gate can check them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A column of percentages, and the counts it is made of."""

    column: str
    numerator: str
    denominator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Which columns hold counts of people from a source, and which of them add up.

    Attributes
    ----------
    source : identifier of the source contract
    labels : columns that name a row, such as the area and the period
    columns : columns that hold counts
    shares : columns of percentages made of these counts
    rows_add : name of a row to the rows it is the sum of; a name joins the cells of `labels` with `` | ``
    columns_add : column to the columns it is the sum of
    """

    source: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    shares: tuple[Share, ...] = ()
    rows_add: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns_add: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


JOIN = " | "
"""Between the parts of a row's name."""

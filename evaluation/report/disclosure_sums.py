"""What can be worked out from printed counts and the sums they belong to.

A suppressed count is no secret when totals give it away, in one table or in several. All counts of one source are the unknowns of
one system of linear equations, one for each sum; a count that the printed ones determine is as good as printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Key = tuple[str, str]
"""Row and column of a count."""
DETERMINED = 1e-9
"""Size of a component in the space of free directions from which a count is held to be free."""
MOST_UNKNOWNS = 2_000
"""Unknown counts of one block of sums above which it is refused, because the work grows with their third power."""


@dataclass(frozen=True, slots=True)
class Sum:
    """One count is the sum of others."""

    total: Key
    parts: tuple[Key, ...]
    file: str
    """Where it is printed that they add up."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A count that printed ones give away."""

    key: Key
    value: float
    files: tuple[str, ...]
    """Files whose sums give it away."""


def derive_counts(known: Mapping[Key, float], sums: Sequence[Sum]) -> list[Derived]:
    """Counts that are not printed and that follow from those that are.

    Parameters
    ----------
    known : mapping of row and column to count
        Printed counts.
    sums : sequence of Sum
        Which counts add up to which.

    Returns
    -------
    list of Derived
        In the order in which the unknown counts occur. Exact sums only: bounds that follow from counts not being negative are not
        looked for.
    """
    found: list[Derived] = []
    for block in _connected(known, sums):
        unknown = list(dict.fromkeys(key for item in block for key in (item.total, *item.parts) if key not in known))
        if len(unknown) > MOST_UNKNOWNS:
            # More is never printed together here; rather stop than let a table pass unread.
            raise ValueError(f"{len(unknown):,} unknown counts in one block of sums are more than the {MOST_UNKNOWNS:,} allowed")
        at = {key: n for n, key in enumerate(unknown)}
        matrix, right = np.zeros((len(block), len(unknown))), np.zeros(len(block))
        for row, item in enumerate(block):
            for key, sign in ((item.total, 1.0), *((part, -1.0) for part in item.parts)):
                if key in known:
                    right[row] -= sign * known[key]
                else:
                    matrix[row, at[key]] += sign
        values, _, rank, _ = np.linalg.lstsq(matrix, right, rcond=None)
        free = np.linalg.svd(matrix)[2][rank:]
        for key, n in at.items():
            if not free.size or np.abs(free[:, n]).max() < DETERMINED:
                files = tuple(dict.fromkeys(item.file for item in block))
                found.append(Derived(key, float(values[n]), files))
    return found


@dataclass(frozen=True, slots=True)
class Residual:
    """What a printed total leaves for those of its parts that are not printed."""

    keys: tuple[Key, ...]
    value: float
    printed: int
    """Parts that are printed."""
    files: tuple[str, ...]


def find_residuals(known: Mapping[Key, float], sums: Sequence[Sum]) -> list[Residual]:
    """For each sum with a printed total and parts that are not: what these come to together.

    Where that is small, each of them is small as well, and a reader knows it though he cannot tell them apart.
    """
    found = []
    for item in sums:
        open_ = tuple(part for part in item.parts if part not in known)
        if open_ and item.total in known:
            printed = [known[part] for part in item.parts if part in known]
            found.append(Residual(open_, known[item.total] - sum(printed), len(printed), (item.file,)))
    return found


def _connected(known: Mapping[Key, float], sums: Sequence[Sum]) -> list[list[Sum]]:
    """Sums in blocks that share no unknown count; sums without an unknown one are left out."""
    blocks: list[tuple[set[Key], list[Sum]]] = []
    for item in sums:
        keys = {key for key in (item.total, *item.parts) if key not in known}
        if not keys:
            continue
        touched = [block for block in blocks if block[0] & keys]
        merged = (keys.union(*(block[0] for block in touched)), [*(s for block in touched for s in block[1]), item])
        blocks = [block for block in blocks if block not in touched] + [merged]
    return [block[1] for block in blocks]

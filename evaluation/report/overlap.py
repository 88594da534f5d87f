"""Which programmes were active where and when, from the register of exposures. Only an established start counts as active.

A programme covers an authority where at least half of it lies inside the programme's places, as in the choice of comparison
areas. One without an established start is *there, start not established* from its announcement on; one without any date at all
is *undated* throughout. Nobody knows more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.contracts.records import Contracts
from evaluation.design.overlap import ACTIVE, NONE, UNDATED, UNKNOWN, find_states, list_months

__all__ = [
    "ACTIVE", "NONE", "UNDATED", "UNKNOWN", "Group", "Lane", "find_lanes", "find_states", "list_months", "split_everywhere",
]  # fmt: skip

NEARLY_ALL = 0.9
"""Share of the authorities of every group from which a programme counts as active everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Areas that share a row: a treated place, the areas next to one, or the comparison areas."""

    name: str
    members: tuple[str, ...]
    start: str = ""
    """First month of the programme under study, for a treated place."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lane:
    """One programme in one group.

    Attributes
    ----------
    months : M labels ``YYYY-MM``
    states : integer array (N, M), the state in each member
    """

    programme: str
    group: Group
    months: tuple[str, ...]
    states: np.ndarray

    @property
    def active(self) -> np.ndarray:
        """Share (M,) of the members where it is active."""
        return np.asarray((self.states == ACTIVE).mean(axis=0))

    @property
    def unknown(self) -> np.ndarray:
        """Share (M,) of the members where it is there without an established start."""
        return np.asarray((self.states == UNKNOWN).mean(axis=0))

    @property
    def undated(self) -> np.ndarray:
        """Share (M,) of the members where it is there without any date."""
        return np.asarray((self.states == UNDATED).mean(axis=0))

    @property
    def counts(self) -> tuple[int, int, int]:
        """Members where it is active in some month; where it is there, but its start is not established; and all members."""
        ever = (self.states == ACTIVE).any(axis=1)
        return int(ever.sum()), int(((self.states != NONE).any(axis=1) & ~ever).sum()), len(self.states)


def find_lanes(contracts: Contracts, groups: Sequence[Group], months: tuple[str, ...], *, other_than: str) -> list[Lane]:
    """Every programme other than the one under study that is there in some group and month, by programme, then by group."""
    lanes = []
    for id in contracts.programmes:
        if id != other_than:
            rows = [item for item in contracts.exposures if item.programme == id]
            for group in groups:
                states = find_states(rows, group.members, months)
                if states.any():
                    lanes.append(Lane(programme=id, group=group, months=months, states=states))
    return lanes


def split_everywhere(lanes: Sequence[Lane], groups: Sequence[Group]) -> tuple[list[Lane], list[str]]:
    """The lanes worth drawing, and the programmes active in nearly every authority all the time: they tell nothing apart."""
    constant = []
    for id in dict.fromkeys(lane.programme for lane in lanes):
        mine = [lane for lane in lanes if lane.programme == id]
        if len(mine) == len(groups) and all(lane.active.min() >= NEARLY_ALL for lane in mine):
            constant.append(id)
    return [lane for lane in lanes if lane.programme not in constant], constant

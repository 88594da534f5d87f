"""What a programme could change at most, from how many people it supports, and what was thought plausible beforehand."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.records import Outcome
from evaluation.results import Design, TreatedUnit


def count_supported(units: Sequence[TreatedUnit]) -> int | None:
    """People the programme said it would support in all units together; None when it is not established for one of them."""
    numbers = [unit.supported for unit in units]
    return None if None in numbers else sum(number for number in numbers if number is not None)


def find_reach(unit: str, *, supported: int | None, people: float | None) -> float | None:
    """Largest difference the supported people could produce, in the outcome's unit.

    For a rate: supported people over residents, in percentage points, as if every one of them changed because of the programme.
    For a count: the supported people.

    Parameters
    ----------
    unit : str
        Unit of the outcome: ``pp``, ``people``, or another.
    supported : int, optional
        People the programme said it would support; None = not established.
    people : float, optional
        Residents the rate is a share of; None = not known.

    Returns
    -------
    float or None
        A magnitude; None where it cannot be known, as for outcomes that are neither rates nor counts of people.
    """
    if supported is None:
        return None
    if unit == "people":
        return float(supported)
    if unit != "pp" or not people:
        return None
    return 100 * supported / people


def find_plausible(design: Design, outcome: Outcome) -> float | None:
    """Largest effect thought plausible beforehand, in the outcome's unit; None where it was not set.

    The protocol states it in the primary outcome's unit. Primary outcomes are rates; a count or an amount has no such value.
    """
    return design.plausible_effect if outcome.unit == "pp" or design.outcome(outcome.id).primary else None

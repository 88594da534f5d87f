"""One outcome of a panel as arrays, and means over authorities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.contracts.disclosure import COUNTED, Clause, clause_of
from evaluation.contracts.records import Contracts, Outcome
from evaluation.panel.periods import list_periods
from evaluation.results import Panel

HIDDEN = "confidential"
"""Flag of a figure that is there and may not be told."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """One outcome: T periods by the N authorities of the register.

    Attributes
    ----------
    periods : T labels in order, from the first to the last with a figure anywhere, without gaps
    codes : N codes
    values, se : arrays (T, N), not a number where not published
    flags : object array (T, N) of texts
    people : array (T, N) of residents the figures are of, or None where the panel has none
    sampled : whether the figures have sampling error, known or not
    """

    outcome: Outcome
    periods: tuple[str, ...]
    codes: tuple[str, ...]
    values: np.ndarray
    se: np.ndarray
    flags: np.ndarray
    people: np.ndarray | None
    sampled: bool

    @property
    def is_total(self) -> bool:
        """Whether figures are added up, not averaged."""
        return self.outcome.unit in COUNTED

    def columns(self, codes: Sequence[str]) -> np.ndarray:
        """Positions of some authorities."""
        position = {code: n for n, code in enumerate(self.codes)}
        return np.array([position[code] for code in codes], dtype=int)

    def shares(self, chosen: np.ndarray, t: int) -> np.ndarray:
        """Weights (N,) of the mean over the authorities at positions `chosen` in period `t`: by residents, else equal.

        A total has a weight of 1 for each authority.
        """
        weights = np.zeros(len(self.codes))
        if self.is_total:
            weights[chosen] = 1.0
            return weights
        weights[chosen] = 1.0 if self.people is None else self.people[t, chosen]
        return weights / weights.sum()


def read_cells(panel: Panel, contracts: Contracts, outcome: Outcome) -> Cells | None:
    """The figures of one outcome; None where the panel has no figure of it for an authority of the register.

    Counts are protected here as their source asks, before anything is made of them, so that nothing made of them can tell more:
    small ones are left out, the others rounded.
    """
    frame, codes = panel.frame, tuple(contracts.areas)
    rows = frame.loc[(frame["outcome"] == outcome.id) & frame["area_code"].isin(codes)]
    published = rows.loc[rows["value"].notna(), "period"]
    if published.empty:
        return None
    # Periods that a release skipped stay in their place, without a figure.
    periods = list_periods(published.min(), published.max(), outcome.frequency)
    t, n = pd.Index(periods).get_indexer(pd.Index(rows["period"])), pd.Index(codes).get_indexer(pd.Index(rows["area_code"]))
    inside = (t >= 0) & (n >= 0)

    def spread(name: str, empty: object, kind: type) -> np.ndarray:
        cells: np.ndarray = np.full((len(periods), len(codes)), empty, dtype=kind)
        cells[t[inside], n[inside]] = rows[name].to_numpy(dtype=kind)[inside]
        return cells

    values, se, flags = spread("value", np.nan, float), spread("se", np.nan, float), spread("flag", "", object)
    if outcome.unit in COUNTED:
        values, flags = protect(values, flags, _clause(outcome, panel, contracts))
    return Cells(
        outcome=outcome,
        periods=periods,
        codes=codes,
        values=values,
        se=se,
        flags=flags,
        people=_read_people(panel, contracts, outcome, periods, codes),
        sampled=outcome.survey or bool(np.isfinite(se).any()),
    )


def _clause(outcome: Outcome, panel: Panel, contracts: Contracts) -> Clause:
    return clause_of(outcome, contracts, {item.source for item in panel.inputs})


def protect(values: np.ndarray, flags: np.ndarray, clause: Clause) -> tuple[np.ndarray, np.ndarray]:
    """Counts and flags (T, N) as they may be printed: small ones left out and flagged, the others rounded.

    Where no rule is established they are the same.
    """
    if clause.status != "established":
        return values, flags
    values, flags = values.copy(), flags.copy()
    for at in zip(*np.nonzero(np.isfinite(values)), strict=True):
        if clause.hides(values[at]):
            values[at], flags[at] = np.nan, HIDDEN
        else:
            values[at] = clause.round(values[at])
    return values, flags


def _read_people(
    panel: Panel, contracts: Contracts, outcome: Outcome, periods: Sequence[str], codes: Sequence[str]
) -> np.ndarray | None:
    """Residents (T, N): the latest figure of the year or before it; the first one carried back. None where one is missing.

    An outcome that names no population takes that of another one with the same denominator.
    """
    others = [other.population for other in contracts.outcomes.values() if other.denominator == outcome.denominator]
    named = [name for name in (outcome.population, *others) if name is not None and outcome.unit == "pp"]
    frame = panel.frame
    for name in dict.fromkeys(named):
        rows = frame.loc[(frame["outcome"] == name) & frame["value"].notna()]
        if rows.empty:
            continue
        latest = rows.assign(year=rows["period"].str[:4]).sort_values("period")
        latest = latest.drop_duplicates(["year", "area_code"], keep="last")
        wide = latest.pivot(index="year", columns="area_code", values="value")
        years = [period[:4] for period in periods]
        whole = wide.reindex(sorted({*wide.index, *years})).ffill().bfill().reindex(columns=list(codes))
        people = whole.loc[years].to_numpy(dtype=float)
        return protect(people, np.full(people.shape, "", dtype=object), _clause(contracts.outcomes[name], panel, contracts))[0]
    return None

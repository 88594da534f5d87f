"""What changed between two releases of a study: verdicts first, then estimates that left their earlier interval.

A move of an estimate is split into three parts that add up to it:

- **revised data**: the same methods on the figures of the new panel, within the periods the earlier release used;
- **new periods**: what the periods of the new window add to that;
- **code or protocol**: all the rest, which is what program, packages, registers and protocol changed.

Nothing here estimates. Who compares two runs hands in a function that splits one move (`evaluation.batch.changes`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from evaluation.results import Conclusion, Finding, Interval, Panel, VerdictName
from evaluation.synthesis.agree import find_inference
from evaluation.synthesis.evidence import POOLED

SAME = 1e-9
"""Differences of estimates and figures up to this share of their size are rounding of the machine."""

Kind = Literal["verdict", "moved", "appeared", "gone", "within", "same"]
"""The verdict changed; the estimate left its earlier interval; only one release has it; it moved inside it; nothing changed."""
ORDER: tuple[Kind, ...] = ("verdict", "moved", "appeared", "gone", "within", "same")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One of two releases, by what its run folder records."""

    day: str
    """Date of its publication, ``YYYY-MM-DD``; empty where it was not published."""
    design_sha256: str
    panel_sha256: str
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one release says about one outcome and area."""

    verdict: VerdictName
    att: float | None
    """Estimate by the first difference-in-differences method; None where there is none."""
    interval: Interval | None
    quoted: bool
    """Whether the release gives it as a headline figure; otherwise it stands in the annex, if anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A move in its parts, in the outcome's unit; a part that cannot be computed is None, with the reason."""

    revised: float | None
    periods: float | None
    code: float | None
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One outcome and area in two releases."""

    outcome: str
    area: str
    area_name: str
    primary: bool
    kind: Kind
    before: Side | None
    after: Side | None
    move: float | None
    """New minus earlier estimate, in the outcome's unit; None where one of the two is not there."""
    split: Split | None
    """Parts of `move`; None where there is no move."""

    @property
    def is_quoted(self) -> bool:
        """Whether both releases give the estimate as a headline figure."""
        return self.before is not None and self.after is not None and self.before.quoted and self.after.quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChange:
    """One outcome in two panels."""

    outcome: str
    shared: int
    """Figures that both panels have."""
    revised: int
    """How many of them are not the same."""
    largest: float
    """Largest revision, as a magnitude in the outcome's unit."""
    filled: int
    """Figures of periods both panels have that only the new one holds."""
    withdrawn: int
    """Figures of such periods that only the earlier one holds."""
    new_periods: tuple[str, ...]
    lost_periods: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the two panels have the same figures."""
        return not (self.revised or self.filled or self.withdrawn or self.new_periods or self.lost_periods)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Everything that changed between two releases."""

    design: str
    before: Release
    after: Release
    rows: tuple[Change, ...]
    """Every outcome and area of either release: by kind, then all areas together before areas by name."""
    data: tuple[DataChange, ...]
    other: tuple[str, ...]
    """What else differs, in words: the protocol and its keys, the code, packages, registers."""
    notes: tuple[str, ...] = ()
    """What could not be looked at, in words."""

    def of(self, *kinds: Kind) -> tuple[Change, ...]:
        """Rows of these kinds, in their order."""
        return tuple(row for row in self.rows if row.kind in kinds)

    @property
    def is_empty(self) -> bool:
        """Whether verdicts, estimates, data, protocol and code are all the same."""
        return not self.other and all(row.kind == "same" for row in self.rows) and all(item.is_empty for item in self.data)


def compare_releases(
    before: tuple[Sequence[Conclusion], Sequence[Finding]],
    after: tuple[Sequence[Conclusion], Sequence[Finding]],
    *,
    methods: tuple[str, str],
    outcomes: Sequence[str],
    split: Callable[[Finding, Finding], Split],
) -> tuple[Change, ...]:
    """Set the conclusions of two releases side by side.

    Parameters
    ----------
    before, after : pairs of conclusions and findings
        Of the earlier release and of the new one.
    methods : pair of str
        Estimator whose estimate counts, in each: the first difference-in-differences method of its protocol.
    outcomes : sequence of str
        Outcomes in the order of the protocol.
    split : function of the earlier and the new finding
        Parts of a move; it is asked only where the estimate moved.

    Returns
    -------
    tuple of Change
        Verdict changes first, then estimates outside their earlier interval, then the rest.
    """
    old, new = (_sides(*side, method) for side, method in zip((before, after), methods, strict=True))
    rows = []
    for key in {**old, **new}:
        was, now = old.get(key), new.get(key)
        told = (now or was)[0]  # type: ignore[index]
        pair = [None if side is None else side[1] for side in (was, now)]
        move = parts = None
        if was is not None and now is not None and was[2] is not None and now[2] is not None:
            move = now[2].estimate.att - was[2].estimate.att
            parts = None if _is_same(was[2].estimate.att, now[2].estimate.att) else split(was[2], now[2])
        rows.append(
            Change(
                outcome=told.outcome,
                area=told.area,
                area_name=told.area_name,
                primary=told.primary,
                kind=_kind(*pair),
                before=pair[0],
                after=pair[1],
                move=move,
                split=parts,
            )
        )
    rank = {name: n for n, name in enumerate(outcomes)}
    rows.sort(
        key=lambda r: (
            ORDER.index(r.kind), r.area != POOLED, r.area_name.casefold(), r.area, rank.get(r.outcome, len(rank)), r.outcome
        )
    )  # fmt: skip
    return tuple(rows)


_Told = tuple[Conclusion, Side, Finding | None]


def _sides(conclusions: Sequence[Conclusion], findings: Sequence[Finding], method: str) -> dict[tuple[str, str], _Told]:
    estimates = {(f.outcome, f.area): f for f in findings if f.estimator == method}
    told = {}
    for item in conclusions:
        finding = estimates.get((item.outcome, item.area))
        inference = None if finding is None else find_inference(finding)
        side = Side(
            verdict=item.verdict,
            att=None if finding is None else finding.estimate.att,
            interval=None if inference is None else inference.interval,
            quoted=item.att is not None,
        )
        told[item.outcome, item.area] = (item, side, finding)
    return told


def _kind(before: Side | None, after: Side | None) -> Kind:
    if before is None or after is None:
        return "appeared" if before is None else "gone"
    if before.verdict != after.verdict:
        return "verdict"
    if before.att is None or after.att is None:
        return "same" if before.att == after.att else "appeared" if before.att is None else "gone"
    inside = before.interval
    if inside is not None and not inside.low <= after.att <= inside.high and not _is_same(before.att, after.att):
        return "moved"
    ends = [(x.low, x.high) if x is not None else () for x in (before.interval, after.interval)]
    same = _is_same(before.att, after.att) and len(ends[0]) == len(ends[1])
    return "same" if same and all(map(_is_same, *ends)) else "within"


def _is_same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME * max(1.0, abs(one), abs(other))


def split_move(
    before: float, steps: tuple[float | None, float | None, float | None], after: float, *, why_not: str = ""
) -> Split:
    """Parts of a move from three estimates made in between, all with the methods of the new release.

    Parameters
    ----------
    before, after : float
        The estimates on record.
    steps : triple of float or None
        On the earlier panel within the earlier window; on the new panel within the earlier window; on the new panel within the
        new window. None where it cannot be computed.
    why_not : str
        Why a step is missing.

    Returns
    -------
    Split
        The parts that are known. Where all steps are, they add up to ``after - before``.
    """
    base, revised, whole = steps
    return Split(
        revised=None if base is None or revised is None else revised - base,
        periods=None if revised is None or whole is None else whole - revised,
        code=None if base is None or whole is None else (base - before) + (after - whole),
        why_not=why_not,
    )


def compare_panels(before: Panel, after: Panel) -> tuple[DataChange, ...]:
    """What two panels hold of each outcome, by outcome: figures revised, filled in, withdrawn, and periods new or lost."""
    return tuple(
        _compare_outcome(outcome, *(_figures(panel, outcome) for panel in (before, after)))
        for outcome in sorted({*before.frame["outcome"], *after.frame["outcome"]})
    )


def _figures(panel: Panel, outcome: str) -> pd.DataFrame:
    frame = panel.frame
    mine = frame.loc[(frame["outcome"] == outcome) & frame["value"].notna()]
    columns = [name for name in ("value", "se") if name in mine]
    return mine.set_index(["area_code", "period"])[columns].astype(float)


def _compare_outcome(outcome: str, before: pd.DataFrame, after: pd.DataFrame) -> DataChange:
    old, new = (set(frame.index.get_level_values("period")) for frame in (before, after))
    both = before.index.intersection(after.index)
    then, now = (frame.loc[both] for frame in (before, after))
    moves = (now["value"] - then["value"]).abs().to_numpy(dtype=float)
    size = np.maximum(1.0, then["value"].abs().to_numpy(dtype=float))
    changed = moves > SAME * size
    # A figure whose sampling error alone was revised is a revised figure, too: the estimate's weight in a place hangs on it.
    if "se" in then and "se" in now:
        errors = [frame["se"].fillna(-1.0).to_numpy(dtype=float) for frame in (then, now)]
        changed |= np.abs(errors[1] - errors[0]) > SAME * size
    common = old & new
    counts = [int(frame.index.difference(both).get_level_values("period").isin(list(common)).sum()) for frame in (after, before)]
    return DataChange(
        outcome=outcome,
        shared=len(both),
        revised=int(changed.sum()),
        largest=float(moves.max(initial=0.0)),
        filled=counts[0],
        withdrawn=counts[1],
        new_periods=tuple(sorted(new - old)),
        lost_periods=tuple(sorted(old - new)),
    )

"""Which areas serve as comparison, and in words why each other one does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.contracts.records import Area, Contracts, Exposure
from evaluation.panel.periods import exposure_share, reference_window, shift_month
from evaluation.results import Design, Exclusion, TreatedUnit

COVERED_FROM = 0.5
"""Share of an authority that must lie inside a programme's places for the authority to count as covered."""

NAMED = 3
"""Periods a reason names before it says how many more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DonorPool:
    """The comparison areas, in the order of their codes, and everything left out."""

    donors: tuple[str, ...]
    excluded: tuple[Exclusion, ...]


def choose_donors(
    design: Design,
    contracts: Contracts,
    outcome: str,
    *,
    studied: Sequence[TreatedUnit],
    periods: Sequence[str],
    missing: Mapping[str, str],
) -> DonorPool:
    """Sort every authority of the register into donors and exclusions with one reason each.

    Members of the studied units are neither. The reasons are tried in this order and the first that holds is given: treated in
    this study; not in the nations of the comparison; left out by the protocol; another programme active inside the window; next
    to a treated area; figures missing. In a study of single authorities one that starts after the window is a donor (not yet
    treated); a place that starts later stays out, since its announcement falls inside the window. Where the design compares with
    areas that are not treated yet, these are donors: areas the register does not have the programme for, and areas whose start,
    or announcement where no start is established, lies after the window. An area that may have begun inside it is none.

    Parameters
    ----------
    design : Design
        Supplies the donor rule and the treated units.
    contracts : Contracts
        Supplies areas, programmes and neighbours.
    outcome : str
        Its reference windows decide what counts as inside.
    studied : sequence of TreatedUnit
        Units the comparison is for.
    periods : sequence of str
        T periods of the window.
    missing : mapping of area code to words
        What an area misses to be used, such as ``claimant_rate missing in 2 of 34 periods (2019-03, 2019-06)``.

    Returns
    -------
    DonorPool
    """
    months = contracts.outcomes[outcome].window_months
    window = (reference_window(periods[0], months)[0], reference_window(periods[-1], months)[1])
    members = {code for unit in studied for code in unit.members}
    treated = _treated_reasons(design, contracts, periods, months, last=window[1])
    programmes = _programme_reasons(design, contracts, window)
    protocol = dict(design.donors.exclude_areas)
    beside = _neighbour_reasons(design, contracts, periods, months) if design.donors.exclude_neighbours else {}
    donors: list[str] = []
    excluded: list[Exclusion] = []
    for code in sorted(contracts.areas):
        if code in members:
            continue
        area = contracts.areas[code]
        reason = (
            treated.get(code)
            or _nation_reason(area, design.donors.nations)
            or (f"left out by the protocol: {protocol[code]}" if code in protocol else "")
            or programmes.get(code)
            or beside.get(code)
            or missing.get(code, "")
        )
        if reason:
            excluded.append(Exclusion(area=code, name=area.name, reason=reason))
        else:
            donors.append(code)
    return DonorPool(donors=tuple(donors), excluded=tuple(excluded))


def first_exposed(unit: TreatedUnit, design: Design, periods: Sequence[str], window_months: int) -> int:
    """Index of the first period whose reference window touches the programme of `unit`, anticipation counted; T if none does."""
    share = exposure_share(periods, window_months, shift_month(unit.start, -design.anticipation))
    return next((t for t, value in enumerate(share) if value > 0), len(periods))


def describe_gaps(gaps: Sequence[str], n_periods: int) -> str:
    """Put missing periods in words: ``4 of 34 periods (2018-03, 2018-06, 2018-09 and 1 more)``."""
    more = f" and {len(gaps) - NAMED} more" if len(gaps) > NAMED else ""
    return f"{len(gaps)} of {n_periods} periods ({', '.join(gaps[:NAMED])}{more})"


def count_reasons(excluded: Iterable[Exclusion]) -> str:
    """Put exclusions in words by reason, most frequent first, for messages."""
    counts: dict[str, int] = {}
    for item in excluded:
        reason = item.reason.split(" missing in ")[0] + " missing" if " missing in " in item.reason else item.reason
        counts[reason] = counts.get(reason, 0) + 1
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return "; ".join(f"{number} {reason}" for reason, number in ordered)


# ---------------------------------------------------------------- the reasons


def _treated_reasons(design: Design, contracts: Contracts, periods: Sequence[str], months: int, *, last: str) -> dict[str, str]:
    """Areas the programme under study reaches, by the design or, where the design leaves them out, by the register."""
    reasons: dict[str, str] = {}
    not_yet = set()
    waiting = design.comparison == "not_yet_treated"
    for unit in design.treated:
        for code in unit.members:
            if (waiting or design.unit == "authority") and first_exposed(unit, design, periods, months) == len(periods):
                not_yet.add(code)
            elif design.unit == "authority":
                reasons[code] = f"treated in this study from {unit.start}"
            else:
                reasons[code] = f"treated in this study as part of {unit.name} from {unit.start}"
    for item in contracts.exposures:
        reached = item.area_code
        if item.programme == design.programme and reached is not None and reached not in reasons and reached not in not_yet:
            if waiting:
                reason = _may_have_begun(item, last)
                if reason:
                    reasons[reached] = reason
                continue
            start = f"from {item.start[:7]}" if item.start else "start not established"
            reasons[reached] = f"in {item.place_name}, which has the programme but is not in this study ({start})"
    return reasons


def _may_have_begun(item: Exposure, last: str) -> str:
    """Why an area outside the study may have the programme by the month `last`; an empty string where the record says not yet."""
    if item.start:
        return f"in {item.place_name}, which has the programme from {item.start[:7]}" if item.start[:7] <= last else ""
    if not item.announced:
        return f"in {item.place_name}, whose start and announcement are not established: it may have begun inside the window"
    if item.announced[:7] <= last:
        return f"in {item.place_name}, announced {item.announced}, start not established: it may have begun inside the window"
    return ""


def _nation_reason(area: Area, nations: Sequence[str]) -> str:
    if area.nation in nations:
        return ""
    return f"in {area.nation}; the comparison is within {' and '.join(nations)}"


def _programme_reasons(design: Design, contracts: Contracts, window: tuple[str, str]) -> dict[str, str]:
    """Areas covered by an excluded programme that may be active inside the window (its first and last month)."""
    reasons: dict[str, list[str]] = {}
    for id in design.donors.exclude_programmes:
        rows: dict[str, list[Exposure]] = {}
        for item in contracts.exposures:
            if item.programme == id and item.area_code is not None and _may_be_active(item, window):
                rows.setdefault(item.area_code, []).append(item)
        for code, items in rows.items():
            # an authority divided between two places of a programme is covered by the parts together
            if sum(1.0 if item.area_share is None else item.area_share for item in items) >= COVERED_FROM:
                largest = max(items, key=lambda item: 1.0 if item.area_share is None else item.area_share)
                reasons.setdefault(code, []).append(f"{contracts.programmes[id].name} {_since(largest)}")
    return {code: " and ".join(parts) for code, parts in reasons.items()}


def _may_be_active(item: Exposure, window: tuple[str, str]) -> bool:
    """Whether a programme's time overlaps the window; a start that is not known counts from its announcement, or always."""
    first, last = window
    began = item.start or item.announced or item.period_start
    return began[:7] <= last and (not item.period_end or item.period_end[:7] >= first)


def _since(item: Exposure) -> str:
    if item.start:
        return f"active from {item.start[:7]}"
    return f"announced {item.announced}, start not established" if item.announced else "there, start not established"


def _neighbour_reasons(design: Design, contracts: Contracts, periods: Sequence[str], months: int) -> dict[str, str]:
    """Areas that touch one that is treated inside the window."""
    inside = {
        code: unit.name
        for unit in design.treated
        if first_exposed(unit, design, periods, months) < len(periods)
        for code in unit.members
    }
    reasons: dict[str, str] = {}
    for item in contracts.neighbours:
        if item.area_code in inside and item.neighbour_code not in inside:
            area = contracts.areas[item.area_code].name
            place = inside[item.area_code]
            touched = area if area == place else f"{area} in {place}"
            reasons.setdefault(item.neighbour_code, f"next to a treated area ({touched})")
    return reasons

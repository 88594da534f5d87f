"""Which programmes are on record in an area, since when, and how that is known."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.records import Contracts, Exposure
from evaluation.errors import DataError
from evaluation.profile.subject import Subject
from evaluation.results import Presence

NEARLY_EVERYWHERE = 0.9
"""Share of the register's authorities from which a programme tells no areas apart."""


def list_presences(contracts: Contracts, subject: Subject) -> tuple[Presence, ...]:
    """Every programme of the register in an area, by programme and first month.

    A start counts where a source states one. Where none does, the programme is on record from its announcement or the first day
    its funding covers, as *start not established*; without any of these it has *no date*. Authorities of one place with the same
    dates are one row.
    """
    rows: dict[tuple[str, str, str, str, str], list[Exposure]] = {}
    for item in contracts.exposures:
        if item.area_code in subject.members:
            key = (item.programme, item.place_name, item.start or "", began(item), item.period_end)
            rows.setdefault(key, []).append(item)
    everywhere = find_everywhere(contracts)
    found = [_presence(contracts, items, everywhere) for items in rows.values()]
    return tuple(sorted(found, key=lambda p: (p.name.casefold(), p.since or "9999", p.place.casefold(), p.authorities)))


def _presence(contracts: Contracts, items: Sequence[Exposure], everywhere: frozenset[str]) -> Presence:
    first = items[0]
    shares = [item.area_share for item in items if item.area_share is not None]
    since = began(first)
    return Presence(
        programme=first.programme,
        name=contracts.programmes[first.programme].name if first.programme in contracts.programmes else first.programme,
        place=first.place_name,
        state="active" if first.start else "start not established" if since else "no date",
        everywhere=first.programme in everywhere,
        since=since,
        until=_month(first.period_end),
        start_basis=first.start_basis,
        start_note=first.start_note,
        authorities=tuple(sorted({item.area_code for item in items if item.area_code is not None})),
        area_share=sum(shares) / len(shares) if len(shares) == len(items) else None,
        membership_basis=first.membership_basis,
        source_title=first.source_title,
        source_publisher=first.source_publisher,
        source_date=first.source_date,
        source_url=first.source_url,
    )


def began(item: Exposure) -> str:
    """Month from which a programme is on record: its start, else its announcement, else the first day its funding covers."""
    return _month(item.start or item.announced or item.period_start)


def find_everywhere(contracts: Contracts) -> frozenset[str]:
    """Programmes on record in nearly every authority of the register."""
    reached: dict[str, set[str]] = {}
    for item in contracts.exposures:
        if item.area_code is not None:
            reached.setdefault(item.programme, set()).add(item.area_code)
    return frozenset(name for name, codes in reached.items() if len(codes) >= NEARLY_EVERYWHERE * len(contracts.areas))


def first_programme_month(contracts: Contracts) -> str:
    """First month in which any programme is on record that does not run nearly everywhere, ``YYYY-MM``.

    What reaches nearly every authority, as Universal Credit did, is left aside: it would leave nothing before it.

    Raises
    ------
    DataError
        If the register has no dated programme.
    """
    everywhere = find_everywhere(contracts)
    months = [began(item) for item in contracts.exposures if item.programme not in everywhere and began(item)]
    if not months:
        raise DataError(
            "exposures.csv: no programme has a date, so that there is no time before the first; name a month instead."
        )
    return min(months)


def _month(day: str) -> str:
    """Month of a day, a month or a year (its first); nothing for nothing."""
    return day[:7] if "-" in day or not day else f"{day}-01"

"""Tables of an area profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evaluation.contracts.disclosure import COUNTED
from evaluation.contracts.records import Contracts, Outcome
from evaluation.panel.period_words import write_month, write_period
from evaluation.panel.periods import month_index, reference_window, shift_month
from evaluation.profile.cells import HIDDEN
from evaluation.report import profile_words as words
from evaluation.report.counts import count_outcome
from evaluation.report.overlap import list_months
from evaluation.report.tables import NOT_APPLICABLE, NOT_AVAILABLE, ReportTable
from evaluation.results import AreaLevel, Presence, Profile
from evaluation.synthesis.phrases import join_words, upper_first

BESIDE = {
    "higher": "above",
    "lower": "below",
    "the same": "the same",
    "cannot tell": "cannot tell",
    "not compared": NOT_APPLICABLE,
}
"""Standing of the area beside a mean, in a cell."""
LEAST_MONTHS = 24
"""Months that the chart of programmes covers at least."""
UNRELIABLE = ("unreliable", "low reliability")


def table_levels(profile: Profile, outcomes: Mapping[str, Outcome]) -> ReportTable:
    """The latest figure of every outcome, with its interval, the nation and similar areas."""
    names = {
        level.outcome: f"{upper_first(outcomes[level.outcome].name)}, {_unit(outcomes[level.outcome])}"
        for level in profile.levels
    }
    rows = tuple(
        (
            names[level.outcome],
            *_level_cells(level, outcomes[level.outcome]),
            _mean(level.similar, outcomes[level.outcome]),
        )
        for level in profile.levels
    )
    notes = [f"{outcomes[level.outcome].name}: {level.why_not}." for level in profile.levels if level.value is None]
    notes += _note_means(profile, profile.levels, outcomes)
    nation = profile.comparison
    return ReportTable(
        caption=f"{profile.area_name}: latest figures",
        header=("Outcome", "Period", "Figure", "95% interval", nation, f"Beside {nation}", "Similar areas"),
        rows=rows,
        numeric=frozenset({"Figure", profile.comparison, "Similar areas"}),
        notes=tuple(upper_first(note) for note in notes),
        counts=tuple(
            counts
            for id, name in names.items()
            for counts in count_outcome(
                outcomes[id], labels=("Period",), columns=("Figure",), about=profile.area_name, only=("Outcome", name)
            )
        ),
    )


def _unit(outcome: Outcome) -> str:
    return {"pp": "per cent", "gbp": outcome.level_words}.get(outcome.unit, outcome.level_words)


def _level_cells(level: AreaLevel, outcome: Outcome) -> tuple[str, str, str, str, str]:
    """Period, figure, interval, nation, standing."""
    if level.value is None:
        figure = "[c]" if level.flag == HIDDEN else NOT_AVAILABLE
        return (NOT_AVAILABLE, figure, *(NOT_AVAILABLE,) * 3)
    weak = " [u]" if any(mark in level.flag for mark in UNRELIABLE) else ""
    interval = NOT_AVAILABLE if level.sampled else NOT_APPLICABLE
    return (
        words.write_source(level, outcome),
        f"{words.write_value(level.value, outcome)}{weak}",
        interval if level.interval is None else words.write_limits(level.interval, outcome),
        _mean(level.nation, outcome),
        BESIDE[level.standing] if level.nation is not None or outcome.unit in COUNTED else NOT_AVAILABLE,
    )


def _note_means(profile: Profile, levels: Iterable[AreaLevel], outcomes: Mapping[str, Outcome]) -> list[str]:
    """Of how many authorities a mean is, where some of the nation have no figure."""
    fewer = [level for level in levels if 0 < level.nation_areas < level.nation_of]
    parts = [f"{outcomes[level.outcome].name} {level.nation_areas} of {level.nation_of}" for level in fewer]
    return [f"{profile.comparison} is the mean of its authorities with a figure: {'; '.join(parts)}."] if parts else []


def _mean(value: float | None, outcome: Outcome) -> str:
    """A mean over areas, which totals do not have."""
    if value is None:
        return NOT_APPLICABLE if outcome.unit in COUNTED else NOT_AVAILABLE
    return words.write_value(value, outcome)


def table_areas(levels: Mapping[str, AreaLevel], contracts: Contracts, outcome: Outcome) -> ReportTable | None:
    """One outcome in many authorities, in alphabetical order; None where none has a figure."""
    shown = {code: level for code, level in levels.items() if level.value is not None}
    if not shown:
        return None
    rows = []
    for code in sorted(shown, key=lambda code: (contracts.areas[code].name.casefold(), code)):
        level = shown[code]
        longest = level.changes[-1]
        period, figure, interval, _, standing = _level_cells(level, outcome)
        moved = words.say_change(longest, level, outcome) or NOT_AVAILABLE
        rows.append((contracts.areas[code].name, period, figure, interval, standing, moved))
    absent = [contracts.areas[code].name for code in levels if code not in shown]
    years = next(iter(shown.values())).changes[-1].years
    return ReportTable(
        caption=f"{upper_first(outcome.name)} by local authority, {_unit(outcome)}",
        header=("Local authority", "Period", "Figure", "95% interval", "Beside its nation", f"Over {years} years"),
        rows=tuple(rows),
        numeric=frozenset({"Figure"}),
        notes=(f"Without a figure: {join_words(sorted(absent, key=str.casefold))}.",) if absent else (),
        counts=count_outcome(outcome, labels=("Local authority", "Period"), columns=("Figure",)),
    )


def table_others(profile: Profile, outcomes: Mapping[str, Outcome]) -> ReportTable | None:
    """How many other authorities can be told to be lower or higher; None where none is counted, as for a place."""
    chosen = [level for level in profile.levels if level.others is not None]
    if not chosen:
        return None
    return ReportTable(
        caption=f"Other authorities of {profile.comparison} beside {profile.area_name}",
        header=("Outcome", "Period", "Lower", "Higher", "Cannot be told apart"),
        rows=tuple(
            (
                upper_first(outcomes[level.outcome].name),
                write_period(level.period, outcomes[level.outcome].window_months),
                *words.say_others(level.others),
            )
            for level in chosen
        ),
        numeric=frozenset({"Lower", "Higher", "Cannot be told apart"}),
        notes=(
            "Number of authorities. Of survey figures, one counts as lower or higher where that holds for all authorities of a "
            "row together with 95% confidence. Figures without sampling error are told apart where they differ in print.",
        ),
    )


def table_changes(profile: Profile, outcomes: Mapping[str, Outcome]) -> ReportTable | None:
    """Changes over 1, 3 and 5 years, the nation's below; None where no outcome has a figure."""
    rows = []
    for level in profile.levels:
        outcome = outcomes[level.outcome]
        if level.value is None:
            continue
        name = f"{upper_first(outcome.name)}, {outcome.unit_words}"
        mine = [words.say_change(change, level, outcome) or NOT_AVAILABLE for change in level.changes]
        until = write_period(level.period, outcome.window_months)
        rows.append((name, profile.area_name, until, *mine))
        nation = [NOT_AVAILABLE if c.nation is None else words.say_move(c.nation, outcome) for c in level.changes]
        if any(cell != NOT_AVAILABLE for cell in nation):
            rows.append((name, profile.comparison, until, *nation))
    if not rows:
        return None
    return ReportTable(
        caption=f"{profile.area_name}: how the figures moved",
        header=("Outcome", "Area", "Up to", "Over 1 year", "Over 3 years", "Over 5 years"),
        rows=tuple(rows),
        notes=(
            "Two figures in a cell are the ends of a 95% sampling interval; one that runs from lower to higher cannot tell which "
            "way the figure moved. A single figure has no sampling error, or one that is not published or not computed.",
        ),
    )


def table_reasons(profile: Profile, outcomes: Mapping[str, Outcome]) -> ReportTable:
    """Reasons for inactivity, as shares of inactive people; what has no data says so."""
    rows = []
    for reason in profile.reasons:
        level = reason.level
        cells = (NOT_AVAILABLE,) * 5 if level is None or level.value is None else _level_cells(level, outcomes[reason.outcome])
        rows.append((upper_first(reason.name), *cells))
    groups: dict[str, list[str]] = {}
    for reason in profile.reasons:
        if reason.why_not:
            groups.setdefault(reason.why_not, []).append(reason.name)
    every = len(profile.reasons)
    notes = [
        f"Not available ({'every reason' if len(names) == every else '; '.join(names)}): {why}." for why, names in groups.items()
    ]
    notes += _note_means(profile, (reason.level for reason in profile.reasons if reason.level is not None), outcomes)
    return ReportTable(
        caption=f"{profile.area_name}: reasons for inactivity, per cent of inactive residents aged 16 to 64",
        header=("Reason", "Period", "Share", "95% interval", profile.comparison, f"Beside {profile.comparison}"),
        rows=tuple(rows),
        numeric=frozenset({"Share", profile.comparison}),
        notes=tuple(notes),
    )


def table_similar(profile: Profile, contracts: Contracts) -> ReportTable | None:
    """The similar areas with their latest headline figure; None where there are none."""
    if not profile.similar.areas:
        return None
    outcome = contracts.outcomes[profile.headline]
    level = next(item for item in profile.levels if item.outcome == profile.headline)
    published = profile.similar.published
    rows = []
    for area in profile.similar.areas:
        figure = NOT_AVAILABLE if area.value is None else words.write_value(area.value, outcome)
        interval = NOT_AVAILABLE if area.interval is None else words.write_limits(area.interval, outcome)
        cells = (area.name, area.region, f"{area.distance:.2f}", figure, interval)
        rows.append((*cells, "yes" if area.code in published else "no") if published else cells)
    period = write_period(level.period, outcome.window_months)
    header = ("Area", "Region or nation", "Distance", f"{upper_first(outcome.name)}, {period}", "95% interval")
    return ReportTable(
        caption=f"Areas similar to {profile.area_name}",
        header=(*header, "Published neighbour") if published else header,
        rows=tuple(rows),
        numeric=frozenset({"Distance", header[3]}),
        counts=count_outcome(outcome, labels=("Area",), columns=(header[3],)),
    )


def table_programmes(profile: Profile) -> ReportTable | None:
    """Every programme on record in the area, with how its start is known; None where there is none."""
    if not profile.presences:
        return None
    rows = tuple(
        (
            item.name,
            item.place,
            words.say_since(item),
            write_month(item.until) if item.until else NOT_AVAILABLE,
            item.start_basis,
            words.count_members(item, profile) or ("all of it" if len(profile.members) == 1 else "in all authorities"),
            ", ".join(part for part in (item.source_publisher, item.source_date) if part) or NOT_AVAILABLE,
        )
        for item in words.merge_presences(profile)
    )
    return ReportTable(
        caption=f"Programmes on record in {profile.area_name}",
        header=("Programme", "Place", "Start", "Funded to", "How the start is known", "Coverage", "Source"),
        rows=rows,
    )


def programme_months(profile: Profile, outcomes: Mapping[str, Outcome]) -> tuple[str, ...]:
    """Months for the chart of programmes: from a January before the first that tells areas apart to the end of the figures.

    A programme on record after the last figure adds the months up to its own.
    """
    since = [item.since for item in profile.presences if item.since]
    apart = [item.since for item in profile.presences if item.since and not item.everywhere] or since
    if not since:
        return ()
    ends = [reference_window(level.period, outcomes[level.outcome].window_months)[1] for level in profile.levels if level.period]
    last = max([*ends, *since])
    first = min(min(apart), shift_month(last, -LEAST_MONTHS))
    return list_months(f"{first[:4]}-01", last)


def state_in(presence: Presence, month: str) -> str:
    """State of a programme in a month: ``active``, ``start not established``, ``no date`` or ``none``."""
    if presence.state == "no date":
        return "no date"
    inside = month_index(presence.since) <= month_index(month)
    if presence.until:
        inside = inside and month_index(month) <= month_index(presence.until)
    return presence.state if inside else "none"


def table_programme_months(profile: Profile, months: tuple[str, ...]) -> ReportTable:
    """Programmes by month, for the download."""
    rows = tuple(
        (item.name, item.place, f"{len(item.authorities)} of {len(profile.members)}", *(state_in(item, m) for m in months))
        for item in profile.presences
    )
    return ReportTable(
        caption=f"Programmes on record in {profile.area_name}, by month",
        header=("Programme", "Place", "Authorities", *months),
        rows=rows,
    )

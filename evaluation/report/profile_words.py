"""Sentences of an area profile. They say what was published and what it can tell; none says why a figure is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR

from evaluation.contracts.disclosure import COUNTED
from evaluation.contracts.records import Outcome
from evaluation.panel.period_words import write_month, write_period, write_the_period
from evaluation.results import AreaChange, AreaLevel, Interval, Others, Presence, Profile
from evaluation.synthesis.numbers import (
    digits_of,
    round_to,
    to_people,
    write_count,
    write_interval,
    write_people,
    write_point,
    write_range,
)
from evaluation.synthesis.phrases import join_words, upper_first
from evaluation.synthesis.sentences import unit_words

MANY_PLACES = 3
"""Places above which a row gives their number."""


def write_value(value: float, outcome: Outcome) -> str:
    """A level as readers see it: ``21.9``, ``£26,784`` or ``28,453``."""
    digits = 1 if outcome.unit == "pp" else 0
    return f"{'£' if outcome.unit == 'gbp' else ''}{round_to(value, digits):,.{digits}f}"


def write_limits(interval: Interval, outcome: Outcome) -> str:
    """Both ends of a level's interval, rounded outward: ``17.2 to 26.6``."""
    digits, pound = (1, "") if outcome.unit == "pp" else (0, "£" if outcome.unit == "gbp" else "")
    low = max(round_to(interval.low, digits, ROUND_FLOOR), round_to(0, digits))
    high = round_to(interval.high, digits, ROUND_CEILING)
    return f"{pound}{low:,.{digits}f} to {pound}{high:,.{digits}f}"


def name_mean(profile: Profile) -> str:
    """The nation's mean in words."""
    return f"the mean of {profile.comparison}"


def say_level(level: AreaLevel, outcome: Outcome, profile: Profile) -> str:
    """Latest figure, its interval, and where it stands beside the nation."""
    if level.value is None:
        return f"{upper_first(outcome.name)}: not available for {profile.area_name}, because {level.why_not}."
    figure = write_value(level.value, outcome)
    words = outcome.level_words.removeprefix("pounds").strip() if outcome.unit == "gbp" else outcome.level_words
    when = write_the_period(level.period, outcome.window_months)
    if outcome.unit in COUNTED:
        return f"{upper_first(outcome.name)} in {profile.area_name} in {when}: {figure}."
    said = f"In {when} the {outcome.name} in {profile.area_name} was {figure} {words}"
    if level.interval is not None:
        said += f" (95% interval: {write_limits(level.interval, outcome)})"
    said += say_people(level, outcome.people_base)
    if len(profile.members) > 1 and not level.weighted:
        said += f", as the plain mean of its {write_count(len(profile.members))} authorities, for want of figures of residents"
    return f"{said}. {say_standing(level, outcome, profile)}".strip()


def say_people(level: AreaLevel, base: int = 0) -> str:
    """A rate as people, where the data have residents: ``, or about 36,400 people (31,000 to 42,100)``."""
    if level.value is None or level.residents is None:
        return ""
    said = f", or about {write_people(level.value * level.residents / 100, base)} people"
    if level.interval is None:
        return said
    ends = to_people(level.interval, level.residents)
    digits = digits_of(base) if base else -2
    low, high = round_to(max(ends.low, 0.0), digits, ROUND_FLOOR), round_to(ends.high, digits, ROUND_CEILING)
    return f"{said} ({low:,.0f} to {high:,.0f})"


def say_standing(level: AreaLevel, outcome: Outcome, profile: Profile) -> str:
    """Above the nation's mean, below it, or not to be told."""
    if level.nation is None:
        return ""
    mean = f"{name_mean(profile)} ({write_value(level.nation, outcome)})"
    if level.standing == "cannot tell":
        why = "" if level.interval is not None else ", because its sampling error is not published"
        return f"The figures cannot tell whether that is above or below {mean}{why}."
    if level.standing == "the same":
        return f"That is the same as {mean}."
    return f"That is {'above' if level.standing == 'higher' else 'below'} {mean}."


def say_change(change: AreaChange, level: AreaLevel, outcome: Outcome) -> str:
    """How far a figure moved, for a cell: ``0.3 to 2.0 lower``, ``0.2 lower`` or ``unchanged``; empty without figures."""
    if change.value is None:
        return ""
    if change.interval is not None:
        return write_range(change.interval, unit_words(outcome))
    return say_move(change.value, outcome)


def say_move(value: float, outcome: Outcome) -> str:
    """A difference without an interval: ``0.2 lower``, ``3,070 more`` or ``unchanged``."""
    figure = write_value(abs(value), outcome)
    if not round_to(value, 1 if outcome.unit == "pp" else 0):
        return "unchanged"
    return f"{figure} {unit_words(outcome).direction(value)}"


def say_change_at_length(change: AreaChange, level: AreaLevel, outcome: Outcome, profile: Profile) -> str:
    """A change in a sentence, with the nation's beside it."""
    if change.value is None:
        return ""
    unit = unit_words(outcome)
    first = write_the_period(change.from_period, outcome.window_months)
    if change.interval is not None:
        point = write_point(change.value, change.interval, unit)
        said = f"Compared with {first} it was {write_interval(change.interval, unit)} (best estimate {point})"
        if change.standing == "cannot tell":
            said += ", so the figures cannot tell whether it rose or fell"
    elif level.sampled:
        said = f"Compared with {first} it was {say_move(change.value, outcome)}; its sampling error is not published"
    elif change.standing == "the same":
        said = f"Compared with {first} it was unchanged"
    else:
        moved = unit.difference(write_value(abs(change.value), outcome).removeprefix("£"), unit.direction(change.value))
        said = f"Compared with {first} it was {moved}"
    if change.nation is not None:
        said += f"; {name_mean(profile)} was {say_move(change.nation, outcome)}"
    return f"{said}."


def say_headline(profile: Profile, outcome: Outcome) -> str:
    """The profile in a few sentences: level, where it stands, how it moved over the longest time there is."""
    level = next(item for item in profile.levels if item.outcome == outcome.id)
    longest = next((change for change in reversed(level.changes) if change.value is not None), None)
    said = [say_level(level, outcome, profile)]
    if longest is not None:
        said.append(say_change_at_length(longest, level, outcome, profile))
    return " ".join(said)


def say_others(others: Others | None) -> tuple[str, str, str]:
    """Cells of how many authorities are lower, higher, not to be told apart."""
    return ("[x]", "[x]", "[x]") if others is None else (f"{others.lower:,}", f"{others.higher:,}", f"{others.unclear:,}")


def say_how_to_read(profile: Profile, outcomes: Sequence[Outcome]) -> list[str]:
    """What a reader must know: sampling, windows, means, and what the profile is not."""
    shown = {level.outcome for level in profile.levels if level.value is not None}
    rolling = [o for o in outcomes if o.id in shown and o.frequency != "annual" and o.window_months > 3]
    sampled = any(level.sampled for level in profile.levels if level.value is not None)
    said = []
    if sampled:
        said.append(
            "Survey figures of one area rest on a sample. The interval is where the true figure may lie, and two figures whose "
            "difference sampling may account for are not told apart here, however far apart they look."
        )
    if rolling:
        names = join_words([o.name for o in rolling])
        shared = rolling[0].window_months - {"quarterly": 3, "monthly": 1, "annual": 12}[rolling[0].frequency]
        said.append(
            f"Rolling figures ({names}): each covers {rolling[0].window_months} months and shares {shared} of them with the one "
            "before. A move from one to the next is mostly the same people counted again, so changes are given over whole years, "
            "between figures that share no month. Dots in the charts mark such figures."
        )
    if sampled:
        said.append("Samples of years that share no month are taken to be independent of each other.")
    if any(level.nation is not None and not level.weighted for level in profile.levels):
        said.append(
            "Means give every authority the same weight where the data hold no figures of residents, so they are of the average "
            "authority and not of the average resident."
        )
    said.append("Areas are not ranked: most of them cannot be told apart by figures of one year.")
    said.append("A profile describes. It says nothing on what a programme did or would do.")
    return said


# ---------------------------------------------------------------- similar areas and programmes


def say_nearness(profile: Profile, names: dict[str, str]) -> list[str]:
    """How similar areas were found, from which figures."""
    similar = profile.similar
    if similar.why_not:
        return [f"No similar areas are named: {similar.why_not}."]
    used: dict[str, list[str]] = {}
    for measure in similar.measures:
        used.setdefault(measure.outcome, []).append(f"{write_month(measure.first)} to {write_month(measure.last)}")
    parts = [f"{names[id]} ({join_words(spans)})" for id, spans in used.items()]
    return [
        f"The {write_count(len(similar.areas))} authorities nearest to {profile.area_name} of {similar.candidates:,} in Great "
        f"Britain, by their means of these figures: {join_words(parts)}. All end before {write_month(similar.before)}, the first "
        "month with a programme on record that did not run nearly everywhere.",
        "Distance is in standard deviations between authorities: the square root of the weighted mean of squared differences. A "
        "figure counts by its reliability, which is the share of its spread over authorities that is not sampling error. "
        "Distances that are nearly the same tell nothing apart.",
    ]


def merge_presences(profile: Profile) -> list[Presence]:
    """The programmes of a profile, those of one state brought together: of a place whose authorities have them from other months.

    The first month stands for all of them; `say_since` gives the last as well.
    """
    groups: dict[tuple[str, str, str, str], list[Presence]] = {}
    for item in profile.presences:
        groups.setdefault((item.programme, item.state, item.until, item.start_basis), []).append(item)
    return [_merge(items) for items in groups.values()]


def _merge(items: Sequence[Presence]) -> Presence:
    """Several rows as one: their places and authorities together, from the first month to the last in which one began."""
    months = sorted({item.since for item in items})
    places = list(dict.fromkeys(item.place for item in items))
    shares = [item.area_share for item in items if item.area_share is not None]
    return replace(
        items[0],
        place=join_words(places) if len(places) <= MANY_PLACES else f"{len(places)} places",
        since=months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}",
        authorities=tuple(sorted({code for item in items for code in item.authorities})),
        area_share=sum(shares) / len(shares) if len(shares) == len(items) else None,
    )


def say_since(presence: Presence) -> str:
    """Since when a programme is on record, for a cell."""
    if presence.state == "no date":
        return "no date on record"
    if presence.state == "active":
        return write_month(presence.since)
    return f"not established; on record from {write_month(presence.since)}"


def say_presence(presence: Presence, profile: Profile) -> str:
    """One programme in words, for alternative texts."""
    where = count_members(presence, profile)
    until = f" to {write_month(presence.until)}" if presence.until else ""
    states = {
        "active": f"active from {write_month(presence.since)}{until} ({presence.start_basis})",
        "start not established": f"on record from {write_month(presence.since)}{until}, start not established",
        "no date": "on record without a date",
    }
    return f"{presence.name}: {states[presence.state]}{f', {where}' if where else ''}"


def count_members(presence: Presence, profile: Profile) -> str:
    """``in 3 of 10 authorities`` where that is not all of them, or the share of a single one; empty otherwise."""
    if len(presence.authorities) < len(profile.members):
        return f"in {len(presence.authorities)} of {len(profile.members)} authorities"
    if presence.area_share is not None and presence.area_share < 1:
        return f"in about {round(100 * presence.area_share)} per cent of its small areas"
    return ""


def write_source(level: AreaLevel, outcome: Outcome) -> str:
    """The period of a figure, with the mark of an older or weak one, for a cell."""
    period = write_period(level.period, outcome.window_months)
    if level.period == level.last_period:
        return period
    return f"{period} (other areas: {write_period(level.last_period, outcome.window_months)})"

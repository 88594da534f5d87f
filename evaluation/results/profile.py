"""What an area looks like: levels, changes, reasons for inactivity, similar areas, programmes. Nothing here is an estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluation.results.finding import Interval
from evaluation.results.inputs import InputFile

Standing = Literal["higher", "lower", "the same", "cannot tell", "not compared"]
"""Where a figure stands beside another: ``cannot tell`` where sampling error may account for the difference or is not known,
``the same`` where figures without sampling error agree in every digit that is printed, ``not compared`` for totals of areas of
different size."""

PresenceState = Literal["active", "start not established", "no date"]
"""Whether a source states a start; announced or funded without one; on record without any date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaChange:
    """How far one outcome moved over a number of years; differences are later minus earlier, in the outcome's unit."""

    years: int
    from_period: str
    to_period: str
    value: float | None
    """None where one of the two figures is not published."""
    interval: Interval | None
    """95% sampling interval; None where the figures have no sampling error or it is not known."""
    standing: Standing
    """Later figure beside the earlier one."""
    nation: float | None
    """The same for the comparison mean; None where an authority of either mean lacks one of the two figures."""
    overlap: float
    """Share of the two reference windows that is the same months, 0 to 1; their samples are the same people to that share."""
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """How many other authorities of the nation have a lower or higher figure; all of it holds together with 95% confidence."""

    lower: int
    higher: int
    unclear: int
    """Those that cannot be told apart from the area; for figures without sampling error, those with the same printed figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSeries:
    """The figures over time: T periods, the area with its 95% limits, and the means it is set beside. None = not published."""

    periods: tuple[str, ...]
    area: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    nation: tuple[float | None, ...]
    similar: tuple[float | None, ...]
    """Mean of the similar areas; None throughout where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaLevel:
    """One outcome in one area: its latest figure, where that stands, and how it moved."""

    outcome: str
    unit: str
    period: str
    """Latest period with a figure of this area; empty where there is none."""
    last_period: str
    """Latest period of the outcome in the data, for any area."""
    value: float | None
    interval: Interval | None
    """95% sampling interval; None where the outcome has no sampling error or it is not known."""
    sampled: bool
    """Whether the figure has sampling error, known or not."""
    flag: str
    """Why the figure is weak, as its publisher says; empty otherwise."""
    nation: float | None
    """Mean of the nation's authorities in the same period; None for totals."""
    nation_areas: int
    """Authorities that mean is of."""
    weighted: bool
    """Whether means are weighted by residents; otherwise every authority counts the same."""
    standing: Standing
    """The area beside the mean of the nation."""
    others: Others | None
    """None where the area is a place of several authorities, a total, or its sampling error is not known."""
    similar: float | None
    """Mean of the similar areas in the same period."""
    nation_of: int = 0
    """Authorities of the nation, with a figure or without."""
    residents: float | None = None
    """People the rate is of, in the area; None for other figures, or where the data have none."""
    changes: tuple[AreaChange, ...] = ()
    series: LevelSeries | None = None
    why_not: str = ""
    """Why there is no figure, where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for inactivity and the share of inactive people who give it."""

    name: str
    outcome: str
    """Identifier of the outcome; empty where no contract has one."""
    level: AreaLevel | None
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarMeasure:
    """One figure that entered the distance, from before any programme began."""

    outcome: str
    first: str
    last: str
    """First and last period averaged."""
    spread: float
    """Standard deviation over authorities, in the outcome's unit."""
    reliability: float
    """Share of that variance that is not sampling error, 0 to 1."""
    weight: float
    """Weight in the distance; all weights add up to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarArea:
    """An authority whose figures were close to the area's before any programme began."""

    code: str
    name: str
    nation: str
    region: str
    distance: float
    """In standard deviations between authorities: 0 = the same in every figure."""
    value: float | None = None
    """Of the profile's headline outcome, in the period of the area's latest figure."""
    interval: Interval | None = None
    """Its 95% sampling interval; None where there is none or it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """The nearest authorities and what nearness means here."""

    areas: tuple[SimilarArea, ...]
    """By distance."""
    measures: tuple[SimilarMeasure, ...]
    before: str
    """First month of any programme that did not run nearly everywhere, ``YYYY-MM``: figures end before it."""
    candidates: int
    """Authorities with every measure, the area's own left out."""
    why_not: str = ""
    published: tuple[str, ...] = ()
    """Codes of the nearest statistical neighbours that a publisher gives, in its order; empty where the user has no such file."""
    published_kind: str = ""
    left_out: tuple[str, ...] = ()
    """Outcomes that did not enter the distance, each with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """One programme on record in the area."""

    programme: str
    name: str
    place: str
    """Place of the programme that the area belongs to, by name."""
    state: PresenceState
    everywhere: bool
    """Whether the programme is on record in nearly every authority, so that it tells no areas apart."""
    since: str
    """First month, ``YYYY-MM``: of the start, or of the announcement or funding where no start is established; or empty."""
    until: str
    """Last month the funding on record covers, ``YYYY-MM``; empty where no end is on record."""
    start_basis: str
    start_note: str
    authorities: tuple[str, ...]
    """Codes of the area's authorities it is on record for."""
    area_share: float | None
    """Share of the authority inside the programme's place where boundaries do not match, mean over authorities."""
    membership_basis: str
    source_title: str
    source_publisher: str
    source_date: str
    source_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An area's labour market as published; one JSON file ``profile/<area>.json``."""

    area: str
    """GSS code of an authority, or identifier of a place."""
    area_name: str
    nation: str
    region: str
    members: tuple[str, ...]
    """GSS codes of the authorities it is made of."""
    member_names: tuple[str, ...]
    comparison: str
    """What the mean is of, in words: ``England``."""
    headline: str
    """Outcome that stands for the rest where only one can: the first with a figure of the area; empty where none has."""
    levels: tuple[AreaLevel, ...]
    reasons: tuple[Reason, ...]
    similar: Similarity
    presences: tuple[Presence, ...]
    """By programme, then by first month."""
    inputs: tuple[InputFile, ...]
    synthetic: bool
    code: str
    """Version and hash of the code."""
    missing: tuple[str, ...] = ()
    """Outcomes for which the data have nothing, each with the reason."""

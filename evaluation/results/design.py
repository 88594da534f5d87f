"""What was decided beforehand: a study's protocol, resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluation.errors import ConfigurationError
from evaluation.results.shown import Shown

Basis = Literal["announced launch", "first participant", "published schedule", "assumed", "not established"]
"""How a start date is known. An assumed date is ours, never the programme's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatedUnit:
    """A treated place or authority, with the month its programme is taken to start."""

    code: str
    """GSS code of an authority, or the identifier of a place such as ``south-yorkshire``."""
    name: str
    members: tuple[str, ...]
    """GSS codes of the authorities it is made of (one, for an authority)."""
    start: str
    """First month of the programme, ``YYYY-MM``."""
    start_basis: Basis
    start_note: str
    """Source of the date, or why it was assumed."""
    supported: int | None = None
    """People the programme said it would support in its first year; None = not established."""
    supported_source: str = ""
    shares: tuple[float, ...] = ()
    """Share (0 to 1) of each of `members` that the programme reaches, in their order; empty = all of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question a reader may bring, and whether this design can answer it, decided beforehand."""

    question: str
    answer: Literal["yes", "partly", "no"]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePlan:
    """One outcome of a design."""

    id: str
    primary: bool
    first: str
    """First period of the window, as published (``2018-03`` or ``2010``)."""
    last: str
    averaging: Literal["population", "equal"] = "population"
    """How the authorities of a place are brought together: by the outcome's population, or each counting alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DonorRule:
    """Which untreated areas may serve as comparison."""

    nations: tuple[str, ...]
    exclude_programmes: tuple[str, ...]
    """Areas with one of these programmes active inside the window are left out."""
    exclude_neighbours: bool
    exclude_areas: tuple[tuple[str, str], ...]
    """Pairs of area code and reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckThresholds:
    """What the checks of a design ask for, set before results are looked at."""

    minimum_pre_periods: int
    maximum_pre_rmspe_ratio: float
    """Pre-period misfit of the treated area over the median misfit of the untreated ones."""
    maximum_pre_trend: float
    """Largest pre-period gap, in standard units of the untreated areas' own largest gaps (their quantile, 0 to 1)."""
    maximum_donor_weight: float
    negligible_effect: float = 0.0
    """Difference before the start too small to be held against a comparison, in the outcome's unit; such as one unit of the last
    digit published."""
    maximum_forbidden_weight: float = 0.5
    """Largest weight that comparisons with areas already treated may have in a two-way fixed effects estimate (0 to 1)."""
    minimum_breakdown: float = 0.0
    """How many times as large as before the start violations of parallel trends may be before the effect can no longer be told
    from nil; 0 = not judged."""
    maximum_hidden_drift: float = 0.0
    """Largest drift a year before the start that the check of movement may fail to see, in the outcome's unit; 0 = not judged."""
    maximum_anticipation: float = 0.95
    """How large the difference shortly before the start may be, as a quantile (0 to 1) of the placebo places' own."""
    maximum_contaminated_weight: float = 0.5
    """Largest share of the comparison that other programmes reach, or that borders a treated place; 1 = not judged."""
    minimum_inside_range: float = 0.9
    """Smallest share of periods before the start in which the treated area lies between the lowest and the highest donor."""
    maximum_revision: float = 1.0
    """How far the estimate may move between two editions of the data, over how far the comparison is off by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design(Shown):
    """The analysis protocol of one study, with its references resolved."""

    id: str
    title: str
    question: str
    programme: str
    programme_name: str
    unit: Literal["place", "authority"]
    treated: tuple[TreatedUnit, ...]
    estimate_areas: tuple[str, ...]
    """Codes of the treated units that get estimates of their own."""
    estimate_pooled: bool
    """Whether all treated units together get an estimate (area ``all``)."""
    donors: DonorRule
    outcomes: tuple[OutcomePlan, ...]
    did_estimators: tuple[str, ...]
    synthetic_control_estimators: tuple[str, ...]
    exposure_coding: Literal["share", "binary"]
    """How a reference window that straddles the start counts: by its share after the start, or as treated."""
    anticipation: int
    """Months before the start that are already counted as treated."""
    level: float
    draws: int
    seed: int
    thresholds: CheckThresholds
    plausible_effect: float | None
    """Largest effect thought plausible beforehand, in the primary outcome's unit, as a magnitude."""
    sha256: str
    """Hash of the protocol file, the locked identity of the design."""
    pooled_synthetic_control_estimators: tuple[str, ...] = ()
    """Synthetic controls that take several treated areas at once: the second family for all areas together."""
    alternative_starts: tuple[int, ...] = ()
    """Months by which every start is shifted, earlier negative, to see how much the estimate depends on it."""
    comparison: Literal["untreated", "not_yet_treated", "none"] = "untreated"
    """Who may be compared with: areas the programme does not reach; areas it has not reached yet, up to the month it is expected
    there; or nobody, because it reaches every area at once."""
    no_comparison_reason: str = ""
    """Why nothing is estimated, in words; set exactly where `comparison` is ``none``."""
    expected_everywhere: str = ""
    """First month, ``YYYY-MM``, in which a programme without a registered start may be running anywhere; the windows of a study
    with ``not_yet_treated`` comparison end before it. Empty in other studies."""
    questions: tuple[Question, ...] = ()
    """What the design can and cannot answer."""
    dose: Literal["none", "area_share"] = "none"
    """Whether exposure counts the share of each authority that lies inside the programme's boundary."""

    def outcome(self, outcome: str) -> OutcomePlan:
        """The plan of one outcome; a `ConfigurationError` names the outcomes there are."""
        for plan in self.outcomes:
            if plan.id == outcome:
                return plan
        known = ", ".join(plan.id for plan in self.outcomes)
        raise ConfigurationError(f"design {self.id}: outcome {outcome!r} is not in it; it has {known}.")

    def unit_of(self, code: str) -> TreatedUnit:
        """The treated unit with this code; a `ConfigurationError` names those there are."""
        for unit in self.treated:
            if unit.code == code:
                return unit
        known = ", ".join(unit.code for unit in self.treated[:12])
        raise ConfigurationError(f"design {self.id}: area {code!r} is not treated in it; treated are {known}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A departure from the protocol after it was locked."""

    number: int
    """In the order in which they were made, from 1."""
    key: str
    """What changed, by its place in the protocol file, such as ``thresholds.maximum_donor_weight``."""
    before: str
    after: str

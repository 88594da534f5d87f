"""An estimate with its inference, checks and provenance: one JSON file."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.results.comparison import Exclusion
from evaluation.results.estimate import Check, Estimate
from evaluation.results.inputs import InputFile
from evaluation.results.shown import Explanation, Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Both ends of an interval, in the outcome's unit."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Both ends of a band at one event time."""

    event_time: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """How surely an estimate differs from what chance alone gives.

    Attributes
    ----------
    p_value : two-sided, or None where it cannot be computed
    interval : by test inversion, at `level`
    reps : number of placebo assignments compared with
    as_large : how many of them show a statistic at least as large
    smallest_p : the floor of the p-value, 1 / (reps + 1)
    mde : smallest effect found with 80% power at `level`, as a magnitude; None where it cannot be computed
    placebo_gaps : gaps of placebo areas by period (for the figure; at most 200 of them), or None
    size : share of true nulls the procedure rejects on this very panel, measured with placebo places like the treated one; None
        where it was not measured
    size_reps : number of placebo places `size` was measured with
    bands : simultaneous bands of the path: all of them hold at once with confidence 1 - `level`
    pointwise : bands of the path that hold for each event time alone, with the same confidence; never wider than `bands`
    blocks : number of placebo places that share no area with each other; fewer than 1/`level` make any p-value a coarse one
    placebo_sd : standard deviation of the placebo estimates on the treated place's scale, in the outcome's unit: the standard
        error that pooling over places uses; None where it was not computed
    """

    method: str
    null: str
    level: float
    reps: int
    seed: int
    p_value: float | None
    interval: Interval | None
    as_large: int | None = None
    smallest_p: float | None = None
    mde: float | None = None
    placebo_gaps: tuple[tuple[float, ...], ...] | None = None
    decides: bool = True
    """Whether a verdict may rest on it."""
    note: str = ""
    size: float | None = None
    size_reps: int | None = None
    bands: tuple[Band, ...] = ()
    pointwise: tuple[Band, ...] = ()
    blocks: int | None = None
    placebo_sd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a number rests on; no clock times and no machine names."""

    design_sha256: str
    panel_sha256: str
    inputs: tuple[InputFile, ...]
    code_version: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finding(Shown):
    """One estimate with everything needed to publish it; one JSON file."""

    design: str
    outcome: str
    area: str
    area_name: str
    unit: str
    estimator: str
    family: str
    start: str
    """First month of the programme in this area; for several areas, ``YYYY-MM to YYYY-MM``."""
    start_basis: str
    n_treated: int
    n_donors: int
    excluded: tuple[Exclusion, ...]
    estimate: Estimate
    inferences: tuple[Inference, ...]
    checks: tuple[Check, ...]
    people: float | None
    """Residents the outcome is a rate of, in the treated areas at the last period; None where not known or not a rate."""
    supported: int | None
    """People the programme said it would support in the treated areas in the first year."""
    synthetic: bool
    provenance: Provenance
    method: str = ""
    """Title of the estimator for readers, from its card; empty in findings made without one."""

    @property
    def inference(self) -> Inference:
        """The inference a verdict may rest on."""
        return next(i for i in self.inferences if i.decides)

    def explain(self, *others: Finding) -> Explanation:
        """Which verdict this finding gives, which rule decides it, and why those before it do not apply.

        Parameters
        ----------
        others : Finding
            Findings of the same area and outcome by other methods. A verdict needs both families of methods; without them the
            explanation says which method is missing.

        Returns
        -------
        Explanation
            A string, one rule a line in their order; a notebook shows it as a list.

        Raises
        ------
        ConfigurationError
            If the protocol is not the one the finding was made under, or `others` are of another area or outcome.
        """
        # Against the layers, at call alone: the rules live with the verdicts, and this is where readers look for them.
        from evaluation.synthesis.alone import explain_finding

        return explain_finding(self, *others)

"""The places of a programme together: a random-effects summary of their single estimates.

It says how far effects differ from place to place, and draws each place towards the mean by as much as its noise asks for. It
decides nothing: the verdict on all areas together rests on the pooled estimate and its placebo places. The summary takes the
places' errors as independent, which they are only in part: places share comparison areas, and some share a region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np

from evaluation.contracts.records import Outcome
from evaluation.numerics.random_effects import pool_effects
from evaluation.plain import load_json, save_records
from evaluation.results import Design, Finding, Interval, PlaceEffect, Pool, Stress
from evaluation.synthesis.agree import failed_checks, find_inference
from evaluation.synthesis.evidence import POOLED, gather_evidence, why_not_estimated
from evaluation.synthesis.phrases import join_words

CONDITIONAL = (
    "The places' errors are taken as independent, though places share comparison areas. Intervals of partly pooled places hold "
    "for the spread between places as estimated; how uncertain that spread is, so few places cannot tell."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """Findings that are pooled, and why others are not."""

    findings: tuple[Finding, ...]
    left_out: tuple[str, ...]


def pool_places(findings: Sequence[Finding], design: Design, outcome: Outcome) -> Pool | None:
    """Summarise the single-area estimates of one outcome by the design's first difference-in-differences estimator.

    Places without an estimate to judge (too early, too few periods before the start) and places whose comparison failed a check
    set in the protocol are left out and named.

    Parameters
    ----------
    findings : sequence of Finding
        Of any areas and outcomes.
    design : Design
        The protocol.
    outcome : Outcome
        The outcome in words.

    Returns
    -------
    Pool or None
        None with fewer than two places.

    Examples
    --------
    >>> from evaluation.design.study import open_study
    >>> from evaluation.evaluate import evaluate_all
    >>> study = open_study("economic-inactivity-trailblazers")
    >>> findings = evaluate_all(study, "claimant_rate", [("north-east", "twfe"), ("west-yorkshire", "twfe")])
    >>> pool = pool_places(findings, study.design, study.contracts.outcomes["claimant_rate"])
    >>> [place.name for place in pool.places]
    ['North East', 'West Yorkshire']
    """
    kept = _choose(findings, design, outcome)
    if len(kept.findings) < 2:
        return None
    att = np.array([f.estimate.att for f in kept.findings])
    errors = np.array([find_error(f) or np.nan for f in kept.findings])
    fit = pool_effects(att, errors, level=design.level)
    return Pool(
        design=design.id,
        outcome=outcome.id,
        unit=kept.findings[0].unit,
        estimator=kept.findings[0].estimator,
        level=design.level,
        places=tuple(
            PlaceEffect(
                area=finding.area,
                name=finding.area_name,
                att=finding.estimate.att,
                se=float(errors[n]),
                weight=float(fit.weights[n]),
                pooled=float(fit.shrunk[n]),
                interval=_around(float(fit.shrunk[n]), float(fit.shrunk_half_width[n])),
            )
            for n, finding in enumerate(kept.findings)
        ),
        mean=fit.mean,
        interval=_around(fit.mean, fit.half_width),
        prediction=None if fit.prediction is None else _around(fit.mean, fit.prediction),
        tau=fit.tau,
        p_value=fit.p_value,
        synthetic=any(f.synthetic for f in kept.findings),
        note=" ".join((*kept.left_out, CONDITIONAL)),
    )


def find_error(finding: Finding) -> float | None:
    """Standard error of a single estimate: the spread of its placebo places; None where neither spread nor interval is there.

    Where an inference does not give the spread itself (`Inference.placebo_sd`), half the width of its interval over the normal
    quantile stands in. The interval is drawn from the same placebo places; where these have heavier tails than the normal
    distribution, it gives the larger of the two.
    """
    inference = find_inference(finding)
    if inference is None:
        return None
    if inference.placebo_sd is not None:
        return inference.placebo_sd
    if inference.interval is None:
        return None
    return (inference.interval.high - inference.interval.low) / 2 / NormalDist().inv_cdf(1 - inference.level / 2)


def _around(centre: float, half: float) -> Interval:
    return Interval(low=centre - half, high=centre + half)


def _choose(findings: Sequence[Finding], design: Design, outcome: Outcome) -> _Kept:
    """One finding a place, in the order of their names, and sentences about places that are left out."""
    kept: list[Finding] = []
    absent: dict[str, list[str]] = {}
    names = {code: design.unit_of(code).name for code in design.estimate_areas}
    for code in sorted(names, key=lambda code: (names[code].casefold(), code)):
        evidence = gather_evidence(findings, design, outcome, code)
        finding = evidence.headline
        if finding is None or why_not_estimated(evidence) is not None or not find_error(finding):
            absent.setdefault("no estimate yet that could be judged", []).append(names[code])
        elif failed_checks(finding):
            absent.setdefault("the comparison failed a check set in the protocol", []).append(names[code])
        else:
            kept.append(finding)
    return _Kept(
        findings=tuple(kept),
        left_out=tuple(f"Left out, because {why}: {join_words(places)}." for why, places in absent.items()),
    )


def read_findings(folder: Path | str, design: Design, *, panel_sha256: str = "") -> tuple[Finding, ...]:
    """The findings of a run that the design asks for, those that are there.

    Parameters
    ----------
    folder : path
        Folder of a run that holds ``findings``.
    design : Design
        Names the files: no folder is listed, so that what an earlier run left behind is not read.
    panel_sha256 : str
        Hash of the panel; findings of another panel, or of another version of the design, are passed over.
    """
    found: list[Finding] = []
    methods = (*design.did_estimators, *design.synthetic_control_estimators, *design.pooled_synthetic_control_estimators)
    for plan in design.outcomes:
        for area in (POOLED, *design.estimate_areas):
            for name in dict.fromkeys(methods):
                path = Path(folder) / "findings" / design.id / plan.id / area / f"{name}.json"
                if path.is_file():
                    finding = load_json(Finding, path, remedy="run the estimate again")
                    origin = finding.provenance
                    if origin.design_sha256 == design.sha256 and panel_sha256 in ("", origin.panel_sha256):
                        found.append(finding)
    return tuple(found)


def read_stress(folder: Path | str, design: Design) -> dict[tuple[str, str], Stress]:
    """The estimates of a run under every choice, by outcome and area, of those the design asks for that are there."""
    wanted = [(plan.id, area) for plan in design.outcomes for area in (POOLED, *design.estimate_areas)]
    paths = {(outcome, area): Path(folder) / "stress" / outcome / f"{area}.json" for outcome, area in wanted}
    return {key: load_json(Stress, path, remedy="run the choices again") for key, path in paths.items() if path.is_file()}


def list_first(design: Design) -> tuple[tuple[str, str], ...]:
    """Pairs of area and estimator that a first look needs: the first method of each family, all areas together first."""
    single = (*design.did_estimators[:1], *design.synthetic_control_estimators[:1])
    together = (*design.did_estimators[:1], *design.pooled_synthetic_control_estimators[:1])
    return (
        *((POOLED, name) for name in together if design.estimate_pooled),
        *((area, name) for area in design.estimate_areas for name in single),
    )


def save_pool(pools: Sequence[Pool | None], results: Path | str = "") -> tuple[Path, ...]:
    """Write pooled summaries as ``pool/<outcome>.json`` below a folder (empty = ``runs/interactive``); returns where.

    An outcome with fewer than two places has no summary (None) and leaves no file.
    """
    return save_records({f"pool/{pool.outcome}.json": pool for pool in pools if pool is not None}, results)

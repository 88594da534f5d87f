"""Where estimator, inference and checks meet: one comparison and one estimator give one finding, and one finding one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from evaluation import project
from evaluation.design.reach import count_supported
from evaluation.design.study import Study
from evaluation.errors import ConfigurationError
from evaluation.estimators import REGISTRY as ESTIMATORS
from evaluation.inference import REGISTRY as INFERENCES
from evaluation.inference.checks import run_checks
from evaluation.inference.empirical_size import fill_size
from evaluation.panel.store import panel_sha256
from evaluation.plain import dump_json, from_plain
from evaluation.results import Comparison, Estimator, Finding, Panel, Provenance
from evaluation.steps import follow, stage

POOLED = "all"


def evaluate(study: Study, comparison: Comparison, estimator: str, *, earlier: Panel | None = None) -> Finding:
    """Estimate, judge and check one comparison of a study.

    Parameters
    ----------
    study : Study
        Gives level, draws, seed and thresholds of its design, and the provenance.
    comparison : Comparison
        One of ``study.comparison(outcome, area)``.
    estimator : str
        Name in the registry of estimators.
    earlier : Panel, optional
        An earlier edition of the study's panel, to see what revisions of the data do to the estimate.

    Returns
    -------
    Finding
        The estimate with its tests (the one that decides is ``.inference``), its checks and what it rests on. A notebook shows
        the gist; ``.explain(other)`` tells which verdict it gives.

    Raises
    ------
    ConfigurationError
        If there is no estimator of that name.
    DataError
        If the comparison cannot carry the estimator.

    Examples
    --------
    >>> from evaluation.design.study import open_study
    >>> study = open_study("economic-inactivity-trailblazers")
    >>> finding = evaluate(study, study.comparison("claimant_rate", "greater-manchester"), "twfe")
    >>> finding.estimate.att > 1  # planted: 1.5 percentage points
    True
    >>> finding.inference.as_large, finding.inference.reps
    (0, 999)
    """
    if estimator not in ESTIMATORS:
        raise ConfigurationError(f"estimator {estimator!r} is not known; there are {', '.join(ESTIMATORS)}.")
    method = ESTIMATORS[estimator]()
    with stage(f"{method.card.title}, {comparison.area_name}"):
        return _evaluate(study, comparison, method, earlier)


def _evaluate(study: Study, comparison: Comparison, method: Estimator, earlier: Panel | None) -> Finding:
    design, estimator = study.design, method.name
    with stage("estimate"):
        estimate = method.fit(comparison)
    with stage("placebo places"):
        placebos = method.placebos(comparison, draws=design.draws, seed=design.seed)
    units = design.treated if comparison.area == POOLED else (design.unit_of(comparison.area),)
    return Finding(
        design=design.id,
        outcome=comparison.outcome,
        area=comparison.area,
        area_name=comparison.area_name,
        unit=comparison.unit,
        estimator=estimator,
        method=method.card.title,
        family=method.card.family,
        start=_span([unit.start for unit in units]),
        start_basis=", ".join(sorted({unit.start_basis for unit in units})),
        n_treated=int(comparison.treated.sum()),
        n_donors=len(comparison.donors),
        excluded=comparison.excluded,
        estimate=estimate,
        inferences=tuple(
            fill_size(
                infer(estimate, method, comparison, level=design.level, draws=design.draws, seed=design.seed, placebos=placebos),
                method,
                comparison,
                placebos,
                level=design.level,
                seed=design.seed,
            )
            for _, infer in follow(INFERENCES.items(), "tests", name=lambda item: item[0])
        ),
        checks=(
            *method.check(comparison),
            *run_checks(
                comparison,
                method,
                estimate,
                placebos,
                design.thresholds,
                level=design.level,
                draws=design.draws,
                seed=design.seed,
                study=study,
                earlier=earlier,
            ),
        ),
        people=study.residents(comparison.outcome, comparison.area),
        supported=count_supported(units),
        synthetic=comparison.synthetic,
        provenance=Provenance(
            design_sha256=design.sha256,
            panel_sha256=panel_sha256(study.panel),
            inputs=study.panel.inputs,
            code_version=project.code_version(),
            seed=design.seed,
        ),
    )


def choose_estimators(names: str, planned: Sequence[str]) -> tuple[str, ...]:
    """Estimators named in a text, parted by commas; those planned where the text is empty.

    Raises
    ------
    ConfigurationError
        If a name is not in the registry; the message lists those that are.
    """
    chosen = tuple(name.strip() for name in names.split(",") if name.strip()) or tuple(planned)
    unknown = [name for name in chosen if name not in ESTIMATORS]
    if unknown:
        raise ConfigurationError(f"estimator {unknown[0]!r} is not known; there are {', '.join(ESTIMATORS)}.")
    return chosen


def evaluate_all(
    study: Study, outcome: str, wanted: Sequence[tuple[str, str]], *, results: Path | str = ""
) -> tuple[Finding, ...]:
    """Evaluate several areas and estimators of one outcome, and keep each finding on disk as soon as it is there.

    Parameters
    ----------
    study : Study
        From `open_study`.
    outcome : str
        An outcome of the design.
    wanted : sequence of (area, estimator)
        What is evaluated, such as ``[("wales", "twfe")]``.
    results : path
        Folder for the findings, laid out as by `save_findings`; empty = ``runs/interactive``. A finding that is there from the
        same protocol, panel and code is read, not made again: a notebook that was stopped goes on where it was.

    Returns
    -------
    tuple of Finding
        In the order of `wanted`.

    Raises
    ------
    ConfigurationError, DataError
        As `evaluate` and ``study.comparison``.

    Examples
    --------
    >>> from evaluation.design.study import open_study
    >>> study = open_study("economic-inactivity-trailblazers")
    >>> findings = evaluate_all(study, "claimant_rate", [("wales", "twfe"), ("south-yorkshire", "twfe")])
    >>> [finding.area_name for finding in findings]
    ['Wales', 'South Yorkshire']
    """
    found = []
    for area, estimator in follow(wanted, "findings", name=" by ".join):
        kept = _read_kept(study, outcome, area, estimator, results)
        if kept is None:
            kept = evaluate(study, study.comparison(outcome, area), estimator)
            save_findings([kept], results)
        found.append(kept)
    return tuple(found)


def _read_kept(study: Study, outcome: str, area: str, estimator: str, results: Path | str) -> Finding | None:
    """A finding that an earlier call left, if the same would come out now."""
    path = _path_of(results, study.design.id, outcome, area, estimator)
    if not path.is_file():
        return None
    try:
        finding = from_plain(Finding, json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError, KeyError):
        return None  # of an earlier code, or not whole: it is made again
    origin, design = finding.provenance, study.design
    now = (design.sha256, panel_sha256(study.panel), project.code_version(), design.seed)
    return finding if (origin.design_sha256, origin.panel_sha256, origin.code_version, origin.seed) == now else None


def _path_of(results: Path | str, design: str, outcome: str, area: str, estimator: str) -> Path:
    folder = Path(results) if results else project.RUNS / "interactive"
    return folder / "findings" / design / outcome / area / f"{estimator}.json"


def save_findings(findings: Sequence[Finding], results: Path | str = "") -> tuple[Path, ...]:
    """Write findings as files below a folder (empty = ``runs/interactive``); returns where.

    The file of a finding is ``findings/<design>/<outcome>/<area>/<estimator>.json``.
    """
    paths = []
    for finding in findings:
        path = _path_of(results, finding.design, finding.outcome, finding.area, finding.estimator)
        project.write_whole(path, dump_json(finding))
        paths.append(path)
    return tuple(paths)


def _span(months: Sequence[str]) -> str:
    first, last = min(months), max(months)
    return first if first == last else f"{first} to {last}"

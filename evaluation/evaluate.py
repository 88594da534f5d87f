"""Where estimator, inference and checks meet: one comparison and one estimator give one finding, and one finding one file."""

from __future__ import annotations

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
from evaluation.plain import dump_json
from evaluation.results import Comparison, Finding, Panel, Provenance

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

    Raises
    ------
    ConfigurationError
        If there is no estimator of that name.
    DataError
        If the comparison cannot carry the estimator.
    """
    if estimator not in ESTIMATORS:
        raise ConfigurationError(f"estimator {estimator!r} is not known; there are {', '.join(ESTIMATORS)}.")
    design, method = study.design, ESTIMATORS[estimator]()
    estimate = method.fit(comparison)
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
            for infer in INFERENCES.values()
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


def save_findings(findings: Sequence[Finding], results: Path | str = "") -> tuple[Path, ...]:
    """Write findings as files below a folder (empty = ``runs/interactive``); returns where.

    The file of a finding is ``findings/<design>/<outcome>/<area>/<estimator>.json``.
    """
    folder = Path(results) if results else project.RUNS / "interactive"
    paths = []
    for finding in findings:
        path = folder / "findings" / finding.design / finding.outcome / finding.area / f"{finding.estimator}.json"
        project.write_whole(path, dump_json(finding))
        paths.append(path)
    return tuple(paths)


def _span(months: Sequence[str]) -> str:
    first, last = min(months), max(months)
    return first if first == last else f"{first} to {last}"

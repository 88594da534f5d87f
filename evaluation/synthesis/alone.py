"""What one finding is worth: the rules of its protocol, asked without a run around it."""

from __future__ import annotations

from evaluation.contracts.load import load_contracts
from evaluation.design.protocol import load_design
from evaluation.errors import ConfigurationError
from evaluation.results import Design, Finding
from evaluation.results.shown import Explanation
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.explain import explain
from evaluation.synthesis.phrases import join_words
from evaluation.synthesis.verdict import conclude


def explain_finding(finding: Finding, *others: Finding) -> Explanation:
    """Which verdict a finding gives with those beside it, which rule decides, and which methods are not there.

    Raises
    ------
    ConfigurationError
        If the protocol in ``data_contracts/designs`` is not the one of the findings, or one is of another area or outcome.
    """
    contracts = load_contracts()
    design = load_design(contracts, finding.design)
    findings = (finding, *others)
    for item in findings:
        _refuse_other(item, finding, design)
    conclusion = conclude(findings, design, outcome=contracts.outcomes[finding.outcome], area=finding.area)
    absent = _absent(findings, design)
    said = f"\nNot among the findings given: {join_words(absent)}. Give them too: finding.explain(other)." if absent else ""
    return Explanation(explain(conclusion, findings, design) + said)


def _refuse_other(item: Finding, finding: Finding, design: Design) -> None:
    wanted = (finding.design, finding.outcome, finding.area)
    if (item.design, item.outcome, item.area) != wanted:
        raise ConfigurationError(
            f"explain: a finding of {item.outcome}, {item.area} was given beside one of {finding.outcome}, {finding.area}; give "
            "findings of one design, outcome and area."
        )
    if item.provenance.design_sha256 != design.sha256:
        raise ConfigurationError(
            f"explain: the finding by {item.estimator} was made under another edition of design {design.id} "
            f"({item.provenance.design_sha256[:12]}, now {design.sha256[:12]}); evaluate it again, or use "
            "conclude(findings, design, ...) with the protocol of its run."
        )


def _absent(findings: tuple[Finding, ...], design: Design) -> list[str]:
    """The leading method of each family that is not there: a verdict rests on the first and needs the second to agree."""
    second = design.pooled_synthetic_control_estimators if findings[0].area == POOLED else design.synthetic_control_estimators
    there = {item.estimator for item in findings}
    return [names[0] for names in (design.did_estimators, second) if names and not there & set(names[:1])]

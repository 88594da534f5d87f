"""Whether the estimate hangs on the edition of the data: the same estimate from an earlier one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.design.compare import build_comparison
from evaluation.design.study import Study
from evaluation.errors import EvaluationError
from evaluation.numerics.selection import keep_areas
from evaluation.results import Check, CheckThresholds, Comparison, Estimate, Estimator, OutcomePlan, Panel, Placebos

NAME = "outcome_revisions"
TITLE = "The same estimate from an earlier edition of the data"


def run(
    comparison: Comparison,
    estimator: Estimator,
    estimate: Estimate,
    placebos: Placebos,
    thresholds: CheckThresholds,
    *,
    study: Study | None = None,
    earlier: Panel | None = None,
) -> Check:
    """Move of the estimate between two editions, on the periods and areas that both have.

    It may move by `maximum_revision` times how far the comparison is off by chance (`Estimate.scale`), or by what the protocol
    calls negligible. A panel holds one edition of each file, so an earlier one has to be given.
    """
    if study is None or earlier is None:
        text = "Not run: one vintage; an earlier edition of the data, given as a second panel, would show what revisions do."
        return Check(name=NAME, title=TITLE, passed=None, kind="robustness", text=text)
    try:
        now, before = _common(study, earlier, comparison.outcome, comparison.area)
        found, then = estimator.fit(now), estimator.fit(before)
    except EvaluationError as refusal:
        return Check(name=NAME, title=TITLE, passed=None, kind="robustness", text=f"Not run: {refusal}")
    move = abs(found.att - then.att)
    limit = max(thresholds.maximum_revision * found.scale, thresholds.negligible_effect)
    passed = move <= limit + 1e-9 * float(np.nanstd(now.y))
    revised = np.abs(now.y - before.y) > 0.0
    text = (
        f"Between two editions {revised.mean():.0%} of the figures changed, and on the {now.n_periods} periods that both have "
        f"the estimate moves by {move:.2g} {comparison.unit or 'units'}, {'within' if passed else 'more than'} the {limit:.2g} "
        "allowed."
    )
    return Check(name=NAME, title=TITLE, passed=bool(passed), value=move, threshold=limit, kind="robustness", text=text)


def _common(study: Study, earlier: Panel, outcome: str, area: str) -> tuple[Comparison, Comparison]:
    """The comparison from the panel of the study and from an earlier one, over the same periods and areas."""
    rows = earlier.frame.loc[(earlier.frame["outcome"] == outcome) & earlier.frame["value"].notna(), "period"]
    plans: list[OutcomePlan] = [
        replace(plan, last=min([plan.last, *([rows.max()] if len(rows) else [])])) if plan.id == outcome else plan
        for plan in study.design.outcomes
    ]
    design = replace(study.design, outcomes=tuple(plans))
    pair = [build_comparison(panel, design, study.contracts, outcome=outcome, area=area) for panel in (study.panel, earlier)]
    shared = set(pair[0].areas) & set(pair[1].areas)
    now, before = (keep_areas(item, np.array([code in shared for code in item.areas])) for item in pair)
    return now, before

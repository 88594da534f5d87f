"""Plans and runs in words and as JSON data; nothing here prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.batch.cause import WORDS
from evaluation.batch.plan import Plan
from evaluation.results import Conclusion

if TYPE_CHECKING:
    from evaluation.batch.ledger import JobRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaResult:
    """What a run has for one area."""

    area: str
    name: str
    state: str
    """``done``, ``2 failed`` or ``refused``."""
    notebooks: int
    seconds: float
    verdicts: dict[str, str]
    """Outcome to verdict."""


def write_time(seconds: float) -> str:
    """A length of time as a person says it."""
    if seconds < 90:
        return f"about {max(1, round(seconds)):d} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def describe_plan(plan: Plan, run: Path, *, at_once: int) -> Iterator[str]:
    """Lines that say what would run and why, what is done, what is refused, and how long it takes."""
    wave = 0
    for item in plan.jobs:
        if item.job.wave != wave:
            wave = item.job.wave
            yield f"wave {wave}"
        time = f"  {item.seconds:.0f} s" if item.seconds is not None and not item.is_done else ""
        why = "" if item.is_done else item.why
        yield f"  {'done' if item.is_done else 'run':<5} {item.job.id:<70} {why}{time}".rstrip()
    for refusal in plan.refusals:
        yield f"  refused {refusal.outcome}/{refusal.area}{_only(refusal.notebook)}: {refusal.reason}"
    waiting = [item for item in plan.jobs if not item.is_done]
    causes = Counter(cause for item in waiting for cause in item.causes)
    for cause, count in sorted(causes.items(), key=lambda pair: (-pair[1], list(WORDS).index(pair[0]))):
        yield f"{count} run again because {WORDS[cause]} changed"
    unknown = sum(item.seconds is None for item in waiting)
    guess = ""
    if waiting and unknown < len(waiting):
        guess = f", {write_time(plan.seconds / max(1, min(at_once, len(waiting))))} with {at_once} at once"
        guess += f" and {unknown} not timed before" if unknown else ""
    yield f"{len(waiting)} of {len(plan.jobs)} notebooks to run{guess}; {len(plan.refusals)} refused. Run folder: {run}"


def plan_data(plan: Plan, run: Path, *, at_once: int) -> dict[str, Any]:
    """The same as JSON data."""
    return {
        "design": plan.design,
        "run": str(run),
        "jobs": [
            {
                "id": item.job.id,
                "wave": item.job.wave,
                "state": "done" if item.is_done else "run",
                "why": item.why,
                "changed": list(item.causes),
                "seconds": item.seconds,
            }
            for item in plan.jobs
        ],
        "refused": [
            {"outcome": item.outcome, "area": item.area, "notebook": item.notebook, "reason": item.reason}
            for item in plan.refusals
        ],
        "to_run": len(plan.to_run),
        "notebook_seconds": round(plan.seconds, 1),
        "at_once": at_once,
    }


def summarise_areas(plan: Plan, records: Sequence[JobRecord], conclusions: Sequence[Conclusion]) -> tuple[AreaResult, ...]:
    """What a run has for each area of its plan, in the plan's order."""
    by_id = {record.id: record for record in records}
    jobs = [item.job for item in plan.jobs]
    names = {job.area: job.area_name for job in jobs} | {item.area: item.area_name for item in plan.refusals}
    results = []
    for area, name in names.items():
        own = [by_id[job.id] for job in jobs if job.area == area and job.id in by_id]
        states = Counter(record.state for record in own)
        words = [f"{states[state]} {state}" for state in ("failed", "refused") if states[state]]
        results.append(
            AreaResult(
                area=area,
                name=name,
                state=", ".join(words) or ("done" if own else "refused"),
                notebooks=len(own),
                seconds=round(sum(record.seconds for record in own), 2),
                verdicts={item.outcome: item.verdict for item in conclusions if item.area == area},
            )
        )
    return tuple(results)


def describe_areas(results: Sequence[AreaResult]) -> Iterator[str]:
    """One line an area: its state, seconds and verdicts."""
    width = max((len(item.name) for item in results), default=0)
    for item in results:
        said = Counter(item.verdicts.values())
        verdicts = "; ".join(
            f"{verdict}: {', '.join(outcome for outcome, its in item.verdicts.items() if its == verdict)}" for verdict in said
        )
        yield f"  {item.name:<{width}}  {item.state:<9} {item.notebooks:>3} notebooks {item.seconds:7.1f} s  {verdicts}".rstrip()


def _only(notebook: str) -> str:
    return f" {notebook}" if notebook else ""

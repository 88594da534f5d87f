"""What each record shows of itself in a notebook; one function a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import singledispatch

from evaluation.results.comparison import Comparison
from evaluation.results.conclusion import Conclusion, Pool
from evaluation.results.design import Design
from evaluation.results.estimate import Card, Check, Estimate
from evaluation.results.finding import Finding
from evaluation.results.inputs import Panel
from evaluation.results.reach import Power, Stress
from evaluation.results.show import UNITS, Sheet, Table, sheet_html, sheet_text, write_ends, write_number, write_share

MANY = 12
"""Rows or names above which the rest is counted."""


def to_html(record: object) -> str:
    """A record as accessible HTML."""
    return sheet_html(sheet_of(record))


def to_text(record: object) -> str:
    """A record as a few lines of text."""
    return sheet_text(sheet_of(record))


@singledispatch
def sheet_of(record: object) -> Sheet:
    """What a record shows; a record without a sheet of its own shows its name."""
    return Sheet(title=type(record).__name__)


@sheet_of.register
def _(record: Panel) -> Sheet:
    frame = record.frame
    groups = frame.groupby("outcome", observed=True)
    rows = tuple(
        (
            str(outcome),
            f"{part['area_code'].nunique():,}",
            str(part["period"].min()),
            str(part["period"].max()),
            f"{len(part):,}",
            f"{int(part['value'].isna().sum()):,}",
        )
        for outcome, part in groups
    )
    facts = (
        ("rows", f"{len(frame):,}"),
        ("areas", f"{frame['area_code'].nunique():,}"),
        ("files", _names([item.name for item in record.inputs]) or "none"),
    )
    series = Table(
        caption="Outcomes in the panel",
        header=("Outcome", "Areas", "From", "To", "Figures", "Missing"),
        rows=rows,
        numeric=frozenset({"Areas", "Figures", "Missing"}),
    )
    return Sheet(title="Panel", facts=facts, tables=(series,), notes=record.notes[:MANY], synthetic=record.synthetic)


@sheet_of.register
def _(record: Design) -> Sheet:
    treated = Table(
        caption="Treated places" if record.unit == "place" else "Treated authorities",
        header=("Area", "Authorities", "Start", "How the start is known", "People to be supported"),
        rows=tuple(
            (
                unit.name,
                f"{len(unit.members)}",
                unit.start,
                unit.start_basis,
                "not established" if unit.supported is None else f"{unit.supported:,}",
            )
            for unit in record.treated[:MANY]
        ),
        numeric=frozenset({"Authorities"}),
    )
    facts = (
        ("question", record.question),
        ("programme", record.programme_name),
        ("treated", f"{len(record.treated)}, of which {len(record.estimate_areas)} get estimates of their own"),
        ("outcomes", ", ".join(f"{plan.id}{' (primary)' if plan.primary else ''}" for plan in record.outcomes)),
        ("methods", ", ".join((*record.did_estimators, *record.synthetic_control_estimators))),
        ("level", f"{write_share(1 - record.level)} intervals"),
        ("protocol", record.sha256[:12]),
    )
    rest = len(record.treated) - MANY
    asked = Table(
        caption="What the design can answer",
        header=("Question", "Answer", "Why"),
        rows=tuple((item.question, item.answer, item.why) for item in record.questions),
    )
    tables = (treated, asked) if record.questions else (treated,)
    return Sheet(title=record.title, facts=facts, tables=tables, notes=(f"And {rest:,} more.",) if rest > 0 else ())


@sheet_of.register
def _(record: Comparison) -> Sheet:
    treated = [n for n, yes in enumerate(record.treated) if yes]
    first = sorted({record.periods[record.first_treated[n]] for n in treated})
    facts = (
        ("treated", _names([record.area_names[n] for n in treated]) or "none"),
        ("compared with", f"{len(record.donors):,} untreated areas"),
        ("periods", f"{record.n_periods}, {record.periods[0]} to {record.periods[-1]}"),
        ("first period touched", " to ".join(dict.fromkeys((first[0], first[-1]))) if first else "none"),
        ("unit", UNITS.get(record.unit, record.unit) or "not stated"),
        ("sampling error", "known" if record.se is not None else "not known"),
        ("left out", f"{len(record.excluded):,} areas"),
    )
    reasons = Counter(item.reason for item in record.excluded).most_common()
    rest = sum(count for _, count in reasons[MANY:])
    rows = tuple((reason, f"{count:,}") for reason, count in reasons[:MANY])
    rows += ((f"{len(reasons) - MANY:,} other reasons", f"{rest:,}"),) if rest else ()
    left_out = Table(caption="Why areas are left out", header=("Reason", "Areas"), rows=rows, numeric=frozenset({"Areas"}))
    title = f"Comparison: {_outcome(record.outcome)}, {_where(record.area, record.area_name)}"
    return Sheet(title=title, facts=facts, tables=(left_out,) if rows else (), synthetic=record.synthetic)


@sheet_of.register
def _(record: Estimate) -> Sheet:
    facts = [
        ("difference", write_number(record.att)),
        ("conventional standard error", "none" if record.se is None else write_number(record.se, signed=False)),
        ("misfit before the start", write_number(record.pre_rmspe, signed=False)),
        ("periods", f"{record.series.periods[0]} to {record.series.periods[-1]}"),
    ]
    heavy = sorted((item for item in record.weights if item.weight >= 0.0005), key=lambda item: -item.weight)
    weights = Table(
        caption="Largest weights",
        header=("Area", "Weight"),
        rows=tuple((item.name, write_share(round(item.weight, 3))) for item in heavy[:MANY]),
        numeric=frozenset({"Weight"}),
    )
    note = "In the outcome's unit. An estimate alone does not say how often chance makes as much: a finding does."
    return Sheet(
        title=f"Estimate by {record.estimator}",
        facts=tuple(facts),
        tables=(weights,) if heavy else (),
        notes=(*record.notes, note),
    )


@sheet_of.register
def _(record: Finding) -> Sheet:
    inference, checks = record.inference, record.checks
    beside = "not counted"
    if inference.as_large is not None:
        beside = f"{inference.as_large:,} of {inference.reps:,} placebo comparisons are at least as large"
    judged = Counter(map(_result, checks))
    facts = (
        ("difference", write_number(record.estimate.att, record.unit)),
        (f"{write_share(1 - inference.level)} interval", write_ends(inference.interval, record.unit)),
        ("beside chance", beside),
        ("smallest detectable", write_number(inference.mde, record.unit, signed=False)),
        ("start", f"{record.start} ({record.start_basis})"),
        ("compared", f"{record.n_treated} treated, {record.n_donors:,} untreated, {len(record.excluded):,} left out"),
        ("checks", ", ".join(f"{count} {name}" for name, count in judged.items()) or "none"),
    )
    open_ = tuple(
        (check.title, _result(check), check.text or "no more is said")
        for check in checks
        if _result(check) in ("failed", "not run")
    )
    table = Table(caption="Checks that failed or were not run", header=("Check", "Result", "What was found"), rows=open_)
    return Sheet(
        title=f"{_subject(record.outcome, record.area, record.area_name)}: {record.method or record.estimator}",
        facts=facts,
        tables=(table,) if open_ else (),
        notes=("One method alone is not a verdict: .explain() tells what it is worth, with the findings of other methods.",),
        synthetic=record.synthetic,
    )


@sheet_of.register
def _(record: Conclusion) -> Sheet:
    facts = [("verdict", record.verdict), ("because", record.because)]
    if record.att is not None:
        facts.append(("rests on", record.headline or "none"))
    if record.family:
        facts.append(("allowing for" if record.adjusted_p is not None else "one of", record.family))
    return Sheet(
        title=_subject(record.outcome, record.area, record.area_name),
        lead=(record.sentence,),
        facts=tuple(facts),
        notes=(*record.reasons, "Why this verdict and no other: .explain()"),
        synthetic=record.synthetic,
    )


@sheet_of.register
def _(record: Power) -> Sheet:
    facts = (
        ("method", record.estimator),
        ("test", f"{write_share(record.level)} level, {write_share(record.power)} power"),
        ("periods after the start so far", f"{record.available}"),
        ("most the programme could do", _size(record.cap, record.unit, "not established")),
        ("thought plausible", _size(record.plausible, record.unit, "not stated")),
    )
    rows = tuple(
        (
            f"{point.follow_up}",
            write_number(point.mde, record.unit, signed=False),
            "not known" if point.sampling_share is None else write_share(round(point.sampling_share, 2)),
        )
        for point in record.points
    )
    name = "Smallest detectable difference"
    table = Table(
        caption=f"{name} by periods wholly after the start",
        header=("Periods", name, "Part of the noise that is sampling"),
        rows=rows,
        numeric=frozenset({"Periods", name, "Part of the noise that is sampling"}),
    )
    title = f"What could be seen: {_outcome(record.outcome)}, {_where(record.area, record.area_name)}"
    notes = (record.note,) if record.note else ()
    return Sheet(title=title, facts=facts, tables=(table,), notes=notes, synthetic=record.synthetic)


@sheet_of.register
def _(record: Stress) -> Sheet:
    rows = tuple(
        (
            variant.title,
            variant.kind,
            "none" if variant.att is None else write_number(variant.att, record.unit).split(" ")[0],
            variant.why_not if variant.interval is None else write_ends(variant.interval, record.unit),
        )
        for variant in record.variants
    )
    made = sum(variant.att is not None for variant in record.variants)
    table = Table(
        caption="The same estimate under every choice",
        header=("Choice", "What it changes", "Difference", "Interval, or why there is none"),
        rows=rows,
        numeric=frozenset({"Difference"}),
    )
    facts = (("choices tried", f"{len(record.variants)}"), ("estimated", f"{made}"))
    return Sheet(
        title=f"Choices: {_outcome(record.outcome)}, {_where(record.area, record.area_name)}",
        facts=facts,
        tables=(table,),
        notes=(record.note,) if record.note else (),
        synthetic=record.synthetic,
    )


@sheet_of.register
def _(record: Pool) -> Sheet:
    rows = tuple(
        (
            place.name,
            write_number(place.att, record.unit).split(" ")[0],
            write_number(place.pooled, record.unit).split(" ")[0],
            write_ends(place.interval, record.unit),
        )
        for place in record.places
    )
    facts = (
        ("mean", write_number(record.mean, record.unit)),
        (f"{write_share(1 - record.level)} interval", write_ends(record.interval, record.unit)),
        ("a further place", "not computed" if record.prediction is None else write_ends(record.prediction, record.unit)),
        ("spread between places", write_number(record.tau, record.unit, signed=False)),
        ("method", record.estimator),
    )
    table = Table(
        caption="Each place on its own and drawn towards the mean",
        header=("Place", "On its own", "Partly pooled", "Interval, partly pooled"),
        rows=rows,
        numeric=frozenset({"On its own", "Partly pooled"}),
    )
    notes = (record.note,) if record.note else ()
    return Sheet(
        title=f"Places together: {_outcome(record.outcome)}",
        facts=facts,
        tables=(table,),
        notes=notes,
        synthetic=record.synthetic,
    )


@sheet_of.register
def _(record: Card) -> Sheet:
    facts = (
        ("family", record.family),
        ("what it estimates", record.estimand),
        ("what it assumes", " ".join(record.assumptions)),
        ("what it cannot do", " ".join(record.limits)),
        ("compared with", record.controls or "not stated"),
        ("measured against", record.base or "not stated"),
        ("missing figures", record.missing_cells),
        ("source", record.source),
    )
    return Sheet(title=f"{record.title} ({record.name})", lead=(record.plain,), facts=facts)


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MANY:,} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more


def _subject(outcome: str, area: str, name: str) -> str:
    said = f"{_outcome(outcome)}, {_where(area, name)}"
    return said[:1].upper() + said[1:]


def _outcome(name: str) -> str:
    return name.replace("_", " ")


def _where(area: str, name: str) -> str:
    return "all areas together" if area == "all" else name


def _size(value: float | None, unit: str, otherwise: str) -> str:
    return otherwise if value is None else write_number(value, unit, signed=False)


def _result(check: Check) -> str:
    if check.passed is None:
        return "for information" if check.information else "not run"
    return "passed" if check.passed else "failed"

"""The chapter *Could we see it?*: what could be detected, by time since the start, from periods before the start alone."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.records import Outcome
from evaluation.report.binder import join_blocks, name_part
from evaluation.report.drawing import MANY
from evaluation.report.editions import keep_to_web
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_power import figure_power
from evaluation.report.figure_power_areas import figure_power_areas
from evaluation.report.material import Material
from evaluation.report.tables import ReportTable
from evaluation.report.tables_power import name_periods, table_power
from evaluation.report.words import write_size_range
from evaluation.results import Conclusion, Power, PowerPoint
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.numbers import write_magnitude
from evaluation.synthesis.phrases import end_sentence, name_or_count, upper_first
from evaluation.synthesis.sentences import unit_words

UP = "../"
NOTHING = "What could be seen was not worked out in this run."


def write_reach(material: Material) -> str:
    """What could be seen of every outcome, all areas together first, then the areas by name."""
    blocks = []
    for plan in material.design.outcomes:
        powers, outcome = material.power_of(plan.id), material.contracts.outcomes[plan.id]
        if powers:
            name = f"{upper_first(outcome.name)}{'' if plan.primary else ' (exploratory)'}"
            blocks.append(f"## {escape(name)} {{#sec-reach-{name_part(plan.id)}}}")
            blocks += _write_outcome(material, powers, outcome, primary=plan.primary)
    return join_blocks(blocks or [NOTHING])


def _write_outcome(material: Material, powers: Sequence[Power], outcome: Outcome, *, primary: bool) -> list[str]:
    """Sentences, then the picture of all areas together, the table of areas, and for the primary outcome their picture."""
    together = [p for p in powers if p.area == POOLED]
    areas = [p for p in powers if p.area != POOLED]
    blocks = [escape(say_power(power, outcome)) for power in together]
    blocks += [escape(said) for item in material.of(outcome=outcome.id, area=POOLED) if (said := say_since(item, outcome))]
    if areas:
        blocks.append(escape(say_areas(areas, outcome)))
    blocks.append(escape(say_sampling(powers)))
    pictures = [material.place_figure(UP, figure_power, power, outcome) for power in together]
    blocks += pictures if primary else [keep_to_web(*pictures)]
    caption = f"{upper_first(outcome.name)}: smallest detectable difference, areas in alphabetical order"
    table, slug = table_power(powers, outcome, caption=caption), f"power-{name_part(outcome.id)}"
    if primary:
        blocks.append(material.place_table(UP, table, slug))
    else:
        below = material.binder.place_download(table, slug, up=UP)
        blocks.append(material.binder.place_folded(table, "Smallest detectable difference, by area", below=below))
    if primary and 0 < len(areas) <= MANY:
        blocks.append(material.place_figure(UP, figure_power_areas, areas, outcome))
    return [
        *blocks,
        *(escape(end_sentence(power.note)) for power in together if power.note),
        *_fold_notes(material, areas, outcome),
    ]


def _fold_notes(material: Material, powers: Sequence[Power], outcome: Outcome) -> list[str]:
    """What each area's number was measured on, in a folded table of the web edition: nearly the same sentence for every area."""
    rows = tuple((power.area_name, end_sentence(power.note)) for power in powers if power.note)
    if not rows:
        return []
    table = ReportTable(
        caption=f"{upper_first(outcome.name)}: what the smallest detectable difference was measured on",
        header=("Area", "Measured on"),
        rows=rows,
    )
    return [material.binder.place_folded(table, "What this was measured on, by area")]


def find_point(power: Power) -> PowerPoint | None:
    """What can be seen with the periods there are now; None where none lies wholly after the start."""
    known = [p for p in power.points if p.follow_up <= power.available and p.mde is not None]
    return max(known, key=lambda p: p.follow_up, default=None)


def say_power(power: Power, outcome: Outcome) -> str:
    """What could be seen in one area or all together: now, and with the longest follow-up looked at."""
    unit, now = unit_words(outcome), find_point(power)
    where = "for all areas together" if power.area == POOLED else f"in {power.area_name}"
    later = max((p for p in power.points if p.mde is not None), key=lambda p: p.follow_up, default=None)
    if later is None:
        return f"How small a difference could be detected {where} cannot be worked out from the periods before the start."
    said = []
    if now is None or now.mde is None:
        said.append(f"No period lies wholly after the start yet, so nothing can be seen {where} now.")
    else:
        said.append(
            f"With the {name_periods(now.follow_up, outcome)} wholly after the start that there are now, the smallest difference "
            f"that could be reliably detected {where} is {write_magnitude(now.mde, unit)}."
        )
    said += _compare(power, now, outcome) if now is not None else []
    if later is not now and later.mde is not None:
        said.append(f"With {name_periods(later.follow_up, outcome)} it would be {write_magnitude(later.mde, unit)}.")
    said += _compare(power, later, outcome) if now is None else []
    return " ".join(said)


def say_since(item: Conclusion, outcome: Outcome) -> str:
    """What the estimate itself could detect, from the time after the start; empty where there is none."""
    if item.mde is None:
        return ""
    return (
        f"With the estimate in hand the same question is asked again, of the time after the start: then it is "
        f"{write_magnitude(item.mde, unit_words(outcome))}. The two differ because they look at different years, and because "
        "windows that lie partly after the start count in the estimate."
    )


def _compare(power: Power, point: PowerPoint, outcome: Outcome) -> list[str]:
    """The detectable difference beside what is plausible and what the supported people could produce."""
    unit, said = unit_words(outcome), []
    if point.mde is None:
        return []
    if power.plausible is not None:
        beyond = "more" if point.mde > power.plausible else "no more"
        said.append(
            f"That is {beyond} than {write_magnitude(power.plausible, unit)}, the largest effect thought plausible beforehand."
        )
    if power.cap is None:
        said.append("How large a difference the people supported could produce is not established.")
    else:
        verb = "could not" if point.mde > power.cap else "could"
        said.append(
            f"The people supported could move the rate by {write_magnitude(power.cap, unit)} at most, so the programme {verb} "
            "make a difference of that size."
        )
    return said


def say_areas(powers: Sequence[Power], outcome: Outcome) -> str:
    """The range over single areas now, and how many could see what the programme could do."""
    unit = unit_words(outcome)
    now = [(p, point.mde) for p in powers if (point := find_point(p)) is not None and point.mde is not None]
    if not now:
        return "In no single area does a period lie wholly after the start yet."
    sizes = [mde for _, mde in now]
    said = [f"For single areas it is {write_size_range(sizes, unit)} now."]
    capped = [(p, mde) for p, mde in now if p.cap is not None]
    if capped:
        seen = [p.area_name for p, mde in capped if p.cap is not None and mde <= p.cap]
        said.append(
            f"The people supported could produce a difference that large in {name_or_count(seen)}."
            if seen
            else "In no area where the number of people is known could they produce a difference that large."
        )
    return " ".join(said)


def say_sampling(powers: Sequence[Power]) -> str:
    """How much of the noise is the sampling error of a survey, in words."""
    points = [find_point(p) or (p.points[-1] if p.points else None) for p in powers]
    shares = [p.sampling_share for p in points if p is not None and p.sampling_share is not None]
    if not shares:
        return "The figures have no sampling error on record: all of the noise counts as real change from period to period."
    low, high = (f"{100 * share:.0f}" for share in (min(shares), max(shares)))
    span = low if low == high else f"between {low} and {high}"
    return (
        f"Sampling error of the survey makes up {span} per cent of the variance that hides a difference. A larger sample would "
        "take away that part and no more."
    )

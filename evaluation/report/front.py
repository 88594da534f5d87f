"""The first page, and the line below every chapter's title."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.design.reach import find_plausible
from evaluation.report import words
from evaluation.report.answers import table_answer
from evaluation.report.binder import attribute, join_blocks, list_items, safe_name
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.intervals import figure_intervals, figure_outcomes
from evaluation.report.material import Material
from evaluation.results import Conclusion, VerdictName
from evaluation.synthesis.evidence import POOLED, place_words
from evaluation.synthesis.phrases import lower_first, upper_first

NOT_RANKED = "Which area did best: areas differ in size, start and noise, and no method here ranks them."

SAYABLE: dict[VerdictName, tuple[str, str]] = {
    "detected": (
        "The {outcome} differed from what the comparison areas suggest, by the range above.",
        "That participants themselves fared better: these are figures about all residents.",
    ),
    "too imprecise to tell": (
        "The published figures are too imprecise to tell whether the {outcome} changed.",
        "That the programme made a difference, or that it made none.",
    ),
    "large changes ruled out": (
        "A change of the {outcome} outside the range above is not compatible with the data.",
        "That nothing changed: smaller differences remain possible.",
    ),
    "mixed signs": (
        "Some methods suggest a difference and the others do not confirm it, so there is no finding.",
        "The estimate of any one method on its own.",
    ),
    "not estimated": (
        "It is too early for an estimate, the data are not there, or there is nobody to compare with: the reason is given.",
        "Anything about the programme's results where no estimate is given.",
    ),
    "comparison not credible": (
        "A check set in advance failed, so no headline figure is given.",
        "The figure in the annex, as a result of the programme.",
    ),
    "implausible size": (
        "Something other than this programme is the likelier reason for the difference.",
        "That the programme made a difference of that size.",
    ),
}
"""What a verdict allows to be said, and what it does not."""


def write_banner(material: Material) -> str:
    """The line below every chapter's title. The synthetic mark stands in the head of every page besides."""
    edition = material.edition
    if edition.release == "provisional":
        return f"*Provisional release, {edition.day}: the figures may change.*\n"
    return f"*Released {edition.day}.*\n"


def write_answer(material: Material) -> str:
    """The one-page answer: verdict, one sentence, figure, every outcome in a table, what may be said; then the rest."""
    design, outcome = material.design, material.primary
    together = material.of(area=POOLED)
    pooled = next((c for c in together if c.outcome == outcome.id), None)
    areas = material.areas_of(outcome.id)
    blocks = [f"**The question.** {escape(design.question)}"]
    if pooled is not None:
        place = place_words(design, POOLED, outcome.id)
        title = f"{upper_first(outcome.name)}, {place.removeprefix('the ')}: {pooled.verdict}"
        lead = escape(words.write_lead(pooled, outcome, place))
        blocks.append(f'::: {{.callout-note title="{attribute(title)}"}}\n{lead}\n:::')
    blocks += _show_intervals(material, together or areas)
    if together:
        table = table_answer(together, material.contracts.outcomes, caption="Every outcome, all areas together", by="outcome")
        blocks.append(material.place_table("", table, "answer"))
    if together or areas:
        blocks.append(_box_sayable(material, together or areas))
    if areas:
        label = "Area by area" if pooled is not None else f"{upper_first(outcome.name)}, area by area"
        tally = upper_first(words.write_tally(areas))
        blocks.append(f"**{escape(label)}.** {escape(tally)}. Each area has [a page of its own](#sec-area-pages).")
        reach = words.write_reach(pooled, areas, outcome, find_plausible(design, outcome))
        more = "[The chapter on this](chapters/could-we-see-it.qmd#sec-reach) goes through it."
        blocks += ["## Could this evaluation have seen a difference? {.unnumbered}", f"{escape(reach)} {more}"]
    if pooled is not None and pooled.interval is not None:
        blocks += ["## The answer in full {.unnumbered}", escape(pooled.sentence)]
    return join_blocks([*blocks, *_list_area_pages(material), material.binder.link_workbook(up="")])


def _show_intervals(material: Material, shown: Sequence[Conclusion]) -> list[str]:
    """One interval an outcome for all areas together, a figure for each unit; without them one an area, primary outcome."""
    outcomes, figures = material.contracts.outcomes, []
    if shown and shown[0].area != POOLED:
        if any(c.interval or c.mde for c in shown):
            plausible = find_plausible(material.design, material.primary)
            figures.append(material.place_figure("", figure_intervals, shown, material.primary, plausible=plausible))
        return figures
    for unit in dict.fromkeys(outcomes[c.outcome].unit for c in shown):
        mine = [c for c in shown if outcomes[c.outcome].unit == unit]
        if any(c.interval or c.mde for c in mine):
            plausible = find_plausible(material.design, outcomes[mine[0].outcome])
            figures.append(material.place_figure("", figure_outcomes, mine, outcomes, plausible=plausible))
    return figures


def _box_sayable(material: Material, shown: Sequence[Conclusion]) -> str:
    """What the verdicts allow to be said and what they do not, in a box: primary outcome first, equal verdicts together."""
    groups: dict[VerdictName, list[str]] = {}
    for item in shown:
        names = groups.setdefault(item.verdict, [])
        name = material.contracts.outcomes[item.outcome].name
        if name not in names:
            names.append(name)
    can = [SAYABLE[verdict][0].format(outcome=" and the ".join(names)) for verdict, names in groups.items()]
    cannot = [
        SAYABLE[verdict][1] if len(groups) == 1 else f"Of the {' and the '.join(names)}: {lower_first(SAYABLE[verdict][1])}"
        for verdict, names in groups.items()
    ]
    said = ["You can say:", list_items(can), "You cannot say:", list_items([*cannot, NOT_RANKED])]
    return join_blocks(['::: {.callout-important title="What you can say, and what you cannot"}', *said, ":::"])


def _list_area_pages(material: Material) -> list[str]:
    units = [material.design.unit_of(code) for code in material.design.estimate_areas]
    links = [
        f"[{escape(u.name)}](areas/{safe_name(u.code)}.qmd#{area_id(u.code)})"
        for u in sorted(units, key=lambda u: u.name.casefold())
    ]
    return ["## Pages by area {#sec-area-pages .unnumbered}", f"{'; '.join(links)}."] if links else []


def area_id(code: str) -> str:
    """Identifier of an area's page."""
    return f"sec-area-{safe_name(code)}"

"""The chapter *Spillovers and other programmes*: what else ran where, what lies next door, and what that does to estimates."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.contracts.records import Outcome
from evaluation.panel.periods import reference_window, shift_month
from evaluation.report.binder import join_blocks, name_part
from evaluation.report.drawing import MANY
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_overlap import figure_overlap, say_since
from evaluation.report.inventory import find_statuses
from evaluation.report.material import Material
from evaluation.report.overlap import ACTIVE, NONE, UNDATED, UNKNOWN, Group, Lane, find_lanes, list_months, split_everywhere
from evaluation.report.sureness import table_other_choices
from evaluation.report.tables import ReportTable
from evaluation.results import Finding, Stress, TreatedUnit
from evaluation.synthesis.evidence import POOLED, units_in_window
from evaluation.synthesis.numbers import write_count, write_month
from evaluation.synthesis.phrases import end_sentence, join_words, name_or_count, upper_first

UP = "../"
BEFORE = 24
"""Months before the first start that the overlap matrix shows."""
TREATED_TOGETHER, BESIDE, COMPARED = "Areas with the programme", "Areas next to treated ones", "Comparison areas"
STATES = {ACTIVE: "active", UNKNOWN: "start not established", UNDATED: "no date on record"}


def write_other_programmes(material: Material) -> str:
    """The overlap, the neighbours, the estimates with and without such areas, and what could not be estimated."""
    finding = _finding(material)
    if finding is None:
        return "No comparison could be made in this run, so nothing can be said about what else ran."
    units = units_in_window(material.design, material.primary.id)
    groups = find_groups(material, finding, units)
    months = _months(material, units)
    lanes = find_lanes(material.contracts, groups, months, other_than=material.design.programme)
    shown, everywhere = split_everywhere(lanes, groups)
    return join_blocks(
        [
            *_write_overlap(material, groups, shown, everywhere, months),
            *_write_neighbours(material, finding, units),
            *_write_estimates(material),
            "## What could not be estimated {#sec-not-estimated}",
            *_say_not_estimated(material, shown, units),
        ]
    )


def _finding(material: Material) -> Finding | None:
    """One whose comparison areas are shown: of all areas together, or else of the first area that has one."""
    for code in (POOLED, *material.design.estimate_areas):
        for item in material.methods_of(material.primary.id, code):
            return item
    return None


def _months(material: Material, units: Sequence[TreatedUnit]) -> tuple[str, ...]:
    """From some time before the first start to the last month of the primary outcome."""
    window = material.design.outcome(material.primary.id)
    last = reference_window(window.last, material.primary.window_months)[1]
    return list_months(shift_month(min(unit.start[:7] for unit in units), -BEFORE), last)


def find_groups(material: Material, finding: Finding, units: Sequence[TreatedUnit]) -> list[Group]:
    """The treated places (together where they are many), the areas next to them, and the comparison areas."""
    statuses = find_statuses(material.contracts, material.design, material.panel, finding)
    treated = {code for unit in units for code in unit.members}
    compared = tuple(sorted(code for code, status in statuses.items() if status.status == "comparison"))
    beside = tuple(sorted(_beside(material, treated)))
    if len(units) > MANY:
        groups = [Group(name=TREATED_TOGETHER, members=tuple(sorted(treated)))]
    else:
        ordered = sorted(units, key=lambda unit: (unit.name.casefold(), unit.code))
        groups = [Group(name=unit.name, members=unit.members, start=unit.start) for unit in ordered]
    rest = (Group(name=BESIDE, members=beside), Group(name=COMPARED, members=compared))
    return [*groups, *(group for group in rest if group.members)]


def _beside(material: Material, treated: set[str]) -> set[str]:
    """Authorities that touch a treated one and are none themselves."""
    return {n.neighbour_code for n in material.contracts.neighbours if n.area_code in treated} - treated


def _write_overlap(
    material: Material, groups: Sequence[Group], lanes: Sequence[Lane], everywhere: Sequence[str], months: tuple[str, ...]
) -> list[str]:
    span = f"from {write_month(months[0])} to {write_month(months[-1])}"
    blocks = ["## What else ran, where and when {#sec-overlap}"]
    names = material.contracts.programmes
    if everywhere:
        blocks.append(
            escape(f"Active nearly everywhere {span}, and left out below: {join_words([names[p].name for p in everywhere])}.")
        )
    if not lanes:
        return [*blocks, f"The register has no other programme in these areas {span}."]
    count = len(dict.fromkeys(lane.programme for lane in lanes))
    blocks += [
        escape(
            f"The register of programmes has {write_count(count)} other{'' if count == 1 else 's'} in these areas {span}. A "
            "programme counts as active from a start that a source states, and not before; where no source states one, it is "
            "shown as not established."
        ),
        material.place_table(UP, table_overlap(groups, lanes, material), "overlap"),
        material.place_figure(UP, figure_overlap, lanes, names, design=material.design.id, synthetic=material.synthetic),
        material.binder.place_download(table_months(groups, lanes, material), "overlap-by-authority-and-month", up=UP),
    ]
    return blocks


def table_overlap(groups: Sequence[Group], lanes: Sequence[Lane], material: Material) -> ReportTable:
    """The overlap in words: an area a row, a programme a column."""
    programmes = list(dict.fromkeys(lane.programme for lane in lanes))
    by_key = {(lane.group.name, lane.programme): lane for lane in lanes}
    rows = []
    for group in groups:
        mine = [by_key.get((group.name, programme)) for programme in programmes]
        rows.append((group.name, *("none" if lane is None else _say_lane(lane) for lane in mine)))
    return ReportTable(
        caption="Other programmes by area",
        header=("Area", *(material.contracts.programmes[id].name for id in programmes)),
        rows=tuple(rows),
        notes=(
            "In each cell: local authorities that have the programme, of all in the row, and since when. An authority has it "
            "where at least half of it lies inside the programme's places.",
        ),
    )


def _say_lane(lane: Lane) -> str:
    active, unknown, count = lane.counts
    return f"{active + unknown} of {count}, {say_since(lane)}"


def table_months(groups: Sequence[Group], lanes: Sequence[Lane], material: Material) -> ReportTable:
    """Every authority by month, for the download: an authority and programme a row, a month a column."""
    months, rows = lanes[0].months, []
    for group in groups:
        for lane in lanes:
            if lane.group.name == group.name:
                for code, states in zip(group.members, lane.states, strict=True):
                    if states.any():
                        cells = (STATES.get(int(state), "none") for state in states)
                        programme = material.contracts.programmes[lane.programme].name
                        rows.append((group.name, material.name_area(code), code, programme, *cells))
    return ReportTable(
        caption="Other programmes by local authority and month",
        header=("Area", "Local authority", "Code", "Programme", *months),
        rows=tuple(rows),
    )


def _write_neighbours(material: Material, finding: Finding, units: Sequence[TreatedUnit]) -> list[str]:
    treated = {code for unit in units for code in unit.members}
    beside = _beside(material, treated)
    if not beside:
        return []
    statuses = find_statuses(material.contracts, material.design, material.panel, finding)
    used = sum(1 for code in beside if code in statuses and statuses[code].status == "comparison")
    blocks = [
        "## Next door {#sec-neighbours}",
        f"{len(beside)} local authorities touch a treated one. People cross such a border to work and to services, so a "
        "programme may reach them, or draw on the same vacancies. "
        + (
            "The protocol leaves them out of the comparison."
            if material.design.donors.exclude_neighbours
            else f"The protocol keeps them: {used} of them serve as comparison areas."
        ),
    ]
    if len(units) <= MANY:
        rows = []
        for unit in sorted(units, key=lambda unit: (unit.name.casefold(), unit.code)):
            mine = sorted((material.name_area(code) for code in _beside(material, set(unit.members)) - treated), key=str.casefold)
            rows.append((unit.name, f"{len(mine)}", ", ".join(mine) or "none"))
        table = ReportTable(
            caption="Local authorities next to each treated area",
            header=("Area", "Number", "Local authorities next to it"),
            rows=tuple(rows),
            numeric=frozenset({"Number"}),
            notes=("An authority next to two areas stands in both rows.",),
        )
        blocks.append(
            material.binder.place_folded(
                table, "Which they are", below=material.binder.place_download(table, "neighbours", up=UP)
            )
        )
    return blocks


def _write_estimates(material: Material) -> list[str]:
    """Every outcome's estimates with other comparison areas, in one table of all areas together and one of the areas."""
    blocks: list[str] = []
    for plan in material.design.outcomes:
        outcome, records = material.contracts.outcomes[plan.id], material.stress_of(plan.id)
        slug, name = name_part(plan.id), upper_first(material.contracts.outcomes[plan.id].name)
        caption = f"{name}: intervals with other comparison areas"
        table = table_other_choices(records, outcome, kind="comparison areas", caption=caption)
        if table is None:
            continue
        if plan.primary:
            blocks += [escape(say_estimates(record, outcome)) for record in records if record.area == POOLED]
            blocks.append(material.place_table(UP, table, f"other-areas-{slug}"))
        else:
            title = f"{name} (exploratory): intervals with other comparison areas"
            blocks.append(
                material.binder.place_folded(
                    table, title, below=material.binder.place_download(table, f"other-areas-{slug}", up=UP)
                )
            )
    if not blocks:
        return []
    link = "[the chapter on how sure we are](how-sure.qmd#sec-how-sure)"
    said = f"The choices were set in advance. They stand beside all others in {link}."
    return ["## Estimates with and without such areas {#sec-other-areas}", said, *blocks]


def say_estimates(stress: Stress, outcome: Outcome) -> str:
    """How far each other choice of comparison areas moves the estimate of all areas together, beside its interval."""
    main = next((v for v in stress.variants if v.kind == "main"), None)
    others = [v for v in stress.variants if v.kind == "comparison areas" and v.att is not None]
    if main is None or main.att is None or main.interval is None or not others:
        return "For all areas together the estimate could not be made again with other comparison areas."
    moved = {v.title: abs((v.att or 0.0) - main.att) for v in others}
    half = (main.interval.high - main.interval.low) / 2
    furthest = max(moved, key=lambda title: moved[title])
    beyond = [title for title, size in moved.items() if size > half]
    how = furthest if furthest.startswith(("with", "without")) else f"with {furthest}"
    text = f"For all areas together the estimate moves most {how}: by {moved[furthest]:.2f} {outcome.unit_words}. "
    if beyond:
        return f"{text}That is more than half the width of the interval, so the answer hangs on which areas are compared."
    return f"{text}That is less than half the width of the interval, {half:.2f}."


def _say_not_estimated(material: Material, lanes: Sequence[Lane], units: Sequence[TreatedUnit]) -> list[str]:
    """What this design cannot tell, from the register and the records."""
    names = material.contracts.programmes
    compared = {lane.programme: lane.counts for lane in lanes if lane.group.name == COMPARED}
    mine = [lane for lane in lanes if lane.group.name not in (BESIDE, COMPARED)]
    lines = [
        "**What the programme did next door.** No estimate treats the neighbours as treated. If it reached them, the estimates "
        "with them among the comparison areas would be drawn towards zero; if it drew on the same vacancies, away from it."
    ]
    came = []
    for id in dict.fromkeys(lane.programme for lane in mine):
        places = [lane.group.name for lane in mine if lane.programme == id and (lane.states[:, 0] == NONE).any()]
        if places:
            active, unknown_start, count = compared.get(id, (0, 0, 0))
            also = f"{active + unknown_start} of {count} comparison areas have it" if count else "no comparison area has it"
            where = join_words(places) if len(units) <= MANY else name_or_count(places)
            came.append(f"{names[id].name} (in {where}; {also})")
    if came:
        lines.append(
            "**The programme apart from those that came at about the same time.** A difference may be the doing of either. "
            f"Within the months shown came {escape('; '.join(came))}."
        )
    unknown = [names[id].name for id in dict.fromkeys(lane.programme for lane in lanes if lane.counts[1])]
    if unknown:
        lines.append(
            "**Estimates without the months in which others ran.** No source states the start everywhere for "
            f"{escape(join_words(unknown))}, so such months cannot be told and left out."
        )
    lines += [
        f"**{escape(upper_first(v.title))}.** {escape(end_sentence(upper_first(v.why_not)))}"
        for stress in material.stress_of(material.primary.id)
        if stress.area == POOLED
        for v in stress.variants
        if v.kind == "comparison areas" and v.interval is None and v.why_not
    ]
    return ["\n".join(f"- {line}" for line in lines)]

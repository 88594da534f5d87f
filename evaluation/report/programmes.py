"""The chapter *Spillovers and other programmes*: what else ran where, what lies next door, and what that does to estimates."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.design.overlap import STATES, list_overlaps, list_spells
from evaluation.panel.period_words import write_month
from evaluation.panel.periods import reference_window, shift_month
from evaluation.report.binder import join_blocks
from evaluation.report.drawing import MANY
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_overlap import figure_overlap, say_since, split_pages
from evaluation.report.inventory import find_statuses
from evaluation.report.material import Material
from evaluation.report.next_door import find_beside, write_next_door
from evaluation.report.overlap import NONE, Group, Lane, find_lanes, list_months, split_everywhere
from evaluation.report.rules import list_not_estimated, write_rules
from evaluation.report.tables import ReportTable
from evaluation.results import Finding, TreatedUnit
from evaluation.synthesis.evidence import POOLED, units_in_window
from evaluation.synthesis.numbers import write_count
from evaluation.synthesis.phrases import join_words, name_or_count

UP = "../"
BEFORE = 24
"""Months before the first start that the overlap matrix shows."""
TREATED_TOGETHER, BESIDE, COMPARED = "Areas with the programme", "Areas next to treated ones", "Comparison areas"


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
            *write_rules(material),
            *write_next_door(material, units, _count_used(material, finding, units)),
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
    beside = tuple(sorted(find_beside(material, treated)))
    if len(units) > MANY:
        groups = [Group(name=TREATED_TOGETHER, members=tuple(sorted(treated)))]
    else:
        ordered = sorted(units, key=lambda unit: (unit.name.casefold(), unit.code))
        groups = [Group(name=unit.name, members=unit.members, start=unit.start) for unit in ordered]
    rest = (Group(name=BESIDE, members=beside), Group(name=COMPARED, members=compared))
    return [*groups, *(group for group in rest if group.members)]


def _place_overlap(material: Material, lanes: Sequence[Lane]) -> list[str]:
    """The picture of the lanes, or several where one does not fit a page."""
    parts = split_pages(lanes)
    return [
        material.place_figure(
            UP, figure_overlap, some, material.contracts.programmes, design=material.design.id, synthetic=material.synthetic,
            part=f"{n} of {len(parts)}" if len(parts) > 1 else "",
        )
        for n, some in enumerate(parts, 1)
    ]  # fmt: skip


def _count_used(material: Material, finding: Finding, units: Sequence[TreatedUnit]) -> int:
    """How many of the authorities next to treated ones serve as comparison areas."""
    statuses = find_statuses(material.contracts, material.design, material.panel, finding)
    beside = find_beside(material, {code for unit in units for code in unit.members})
    return sum(1 for code in beside if code in statuses and statuses[code].status == "comparison")


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
        *_place_overlap(material, lanes),
        material.binder.place_download(table_months(groups, lanes, material), "overlap-by-authority-and-month", up=UP),
        material.binder.place_download(table_register(groups, months, material), "overlap-register", up=UP),
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


def table_register(groups: Sequence[Group], months: tuple[str, ...], material: Material) -> ReportTable:
    """The overlap register by spells, for the download: every programme, the one under study too, with basis and share."""
    roles = {code: group.name for group in groups for code in group.members}
    design, contracts = material.design, material.contracts
    register = list_overlaps(contracts, list(roles), months, programme=design.programme, treated=design.treated)
    columns = ["area_code", "area", "programme", "state", "basis", "since", "share", "covers", "from", "to"]
    spells = list_spells(register)[columns].to_numpy(dtype=object).tolist()
    rows = tuple(
        (
            roles[code], name, code, contracts.programmes[id].name, state, basis, since or "no date", f"{share:.2f}",
            "yes" if covers else "no", first, last,
        )
        for code, name, id, state, basis, since, share, covers, first, last in spells
    )  # fmt: skip
    return ReportTable(
        caption="Register of programmes by local authority: from which month to which, and how that is known",
        header=(
            "Area", "Local authority", "Code", "Programme", "State", "How the start is known", "Counted from",
            "Share of the authority inside", "Counts as having it", "From", "To",
        ),
        rows=rows,
    )  # fmt: skip


def _say_not_estimated(material: Material, lanes: Sequence[Lane], units: Sequence[TreatedUnit]) -> list[str]:
    """What this design cannot tell, from the register and the records."""
    names = material.contracts.programmes
    compared = {lane.programme: lane.counts for lane in lanes if lane.group.name == COMPARED}
    mine = [lane for lane in lanes if lane.group.name not in (BESIDE, COMPARED)]
    lines: list[str] = []
    came: list[str] = []
    for id in dict.fromkeys(lane.programme for lane in mine):
        places = [lane.group.name for lane in mine if lane.programme == id and (lane.states[:, 0] == NONE).any()]
        if places:
            active, unknown_start, count = compared.get(id, (0, 0, 0))
            also = f"{active + unknown_start} of {count} comparison areas have it" if count else "no comparison area has it"
            where = join_words(places) if len(units) <= MANY else name_or_count(places)
            came.append(f"    - {escape(f'{names[id].name}: in {where}; {also}')}.")
    if came:
        lines.append(
            "**The programme apart from those that came at about the same time.** A difference may be the doing of either. "
            "Within the months shown came:\n\n" + "\n".join(came) + "\n"
        )
    unknown = [names[id].name for id in dict.fromkeys(lane.programme for lane in lanes if lane.counts[1])]
    if unknown:
        lines.append(
            "**Estimates without the months in which others ran.** No source states the start everywhere for "
            f"{escape(join_words(unknown))}, so such months cannot be told and left out."
        )
    lines += list_not_estimated(material)
    if not lines:
        return []
    return ["## What could not be estimated {#sec-not-estimated}", "\n".join(f"- {line}" for line in lines)]

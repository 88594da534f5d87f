"""What was found next door: which authorities touch a treated one, their estimate, and area and neighbours in people."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.report.binder import name_part
from evaluation.report.drawing import MANY
from evaluation.report.editions import keep_to_web
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.figure_spillover import figure_spillover
from evaluation.report.material import Material
from evaluation.report.tables import ReportTable
from evaluation.report.tables_spillover import table_net, table_rings, table_sides
from evaluation.results import TreatedUnit
from evaluation.synthesis.evidence import POOLED
from evaluation.synthesis.next_door import say_net, say_ring
from evaluation.synthesis.phrases import upper_first

UP = "../"


def write_next_door(material: Material, units: Sequence[TreatedUnit], used: int | None) -> list[str]:
    """Who lies next door, what was found there, and what is left of a difference with the neighbours counted in.

    Parameters
    ----------
    material : Material
        The run.
    units : sequence of TreatedUnit
        Those treated inside the window.
    used : int, optional
        How many of the neighbours serve as comparison areas; None where that is not known.
    """
    return [*_say_who(material, units, used), *_write_rings(material), *_write_net(material)]


def find_beside(material: Material, members: set[str]) -> set[str]:
    """Authorities that touch one of `members` and are none themselves."""
    return {n.neighbour_code for n in material.contracts.neighbours if n.area_code in members} - members


def _say_who(material: Material, units: Sequence[TreatedUnit], used: int | None) -> list[str]:
    treated = {code for unit in units for code in unit.members}
    beside = find_beside(material, treated)
    if not beside:
        return [
            "## Next door {#sec-neighbours}",
            "The register of neighbours has no untreated local authority that touches a treated one, so nothing can be said "
            "about what happens next door.",
        ]
    kept = "" if used is None else f": {used} of them serve as comparison areas"
    blocks = [
        "## Next door {#sec-neighbours}",
        f"{len(beside)} local authorities touch a treated one. People cross such a border to work and to services, so a "
        "programme may reach them, or draw on the same vacancies. "
        + (
            "The protocol leaves them out of the comparison."
            if material.design.donors.exclude_neighbours
            else f"The protocol keeps them{kept}."
        ),
    ]
    if len(units) > MANY:
        return blocks
    rows = []
    for unit in sorted(units, key=lambda unit: (unit.name.casefold(), unit.code)):
        mine = find_beside(material, set(unit.members)) - treated
        names = sorted((material.name_area(code) for code in mine), key=str.casefold)
        rows.append((unit.name, f"{len(names)}", ", ".join(names) or "none"))
    table = ReportTable(
        caption="Local authorities next to each treated area",
        header=("Area", "Number", "Local authorities next to it"),
        rows=tuple(rows),
        numeric=frozenset({"Number"}),
        notes=(
            "An authority next to two areas stands in both rows. From the register of neighbours: authorities whose boundaries "
            "share an edge, and pairs that a bridge or water links.",
        ),
    )
    link = material.binder.place_download(table, "neighbours", up=UP)
    return [*blocks, material.binder.place_folded(table, "Which they are", below=link)]


# ---------------------------------------------------------------- what was found there


def _write_rings(material: Material) -> list[str]:
    """The ring of the primary outcome in a sentence, a chart and a table; other outcomes in the web edition."""
    if not material.spillovers:
        return []
    blocks = [
        "### What was found there (exploratory) {#sec-ring}",
        "The untreated authorities next to an area are set beside comparison areas that touch no treated one, as if they had the "
        "programme from the area's own start on, and judged by placebo places like any estimate. A neighbour that the comparison "
        "leaves out for another reason, such as another programme, is left out here too.",
    ]
    for plan in material.design.outcomes:
        records = material.spillovers_of(plan.id)
        if not records:
            continue
        outcome, design = material.contracts.outcomes[plan.id], material.design
        name, slug = upper_first(outcome.name), name_part(plan.id)
        first = next((record for record in records if record.area == POOLED), records[0])
        picture = material.place_figure(UP, figure_spillover, records, outcome, design)
        table = table_rings(
            records, outcome, design, caption=f"{name}: the untreated authorities next to each area (exploratory)"
        )
        if plan.primary:
            blocks += [
                escape(say_ring(first, outcome, design)),
                picture,
                material.place_table(UP, table, f"next-door-{slug}"),
            ]
        else:
            link = material.binder.place_download(table, f"next-door-{slug}", up=UP)
            blocks += [keep_to_web(escape(say_ring(first, outcome, design)), picture)]
            blocks.append(material.binder.place_folded(table, f"{name}: next door", below=link))
    return blocks


def _write_net(material: Material) -> list[str]:
    """Area and neighbours in people, and what that can tell about displacement."""
    blocks: list[str] = []
    for plan in material.design.outcomes:
        records = material.spillovers_of(plan.id)
        outcome = material.contracts.outcomes[plan.id]
        name, slug = upper_first(outcome.name), name_part(plan.id)
        table = table_net(records, outcome, caption=f"{name}: each area, its neighbours and both together (exploratory)")
        every = table_sides(records, outcome, material.design, caption=f"{name}: every number of areas and neighbours")
        if table is None:
            if plan.primary and records:
                blocks.append(escape(say_net(records[0], outcome)))
            continue
        link = material.binder.place_download(every, f"area-and-neighbours-{slug}", up=UP)
        if plan.primary:
            first = next((record for record in records if record.area == POOLED), records[0])
            blocks += [escape(say_net(first, outcome)), material.place_table(UP, table, f"net-{slug}"), link]
        else:
            blocks.append(material.binder.place_folded(table, f"{name}: area and neighbours", below=link))
    if not blocks:
        return []
    return [
        "### Gain here, loss there? (exploratory) {#sec-displacement}",
        "What an area gains, its neighbours may lose: the same vacancy, filled by somebody else. Both sides are therefore "
        "counted in people and added up. The interval of the sum allows for both, and for shocks that an area shares with its "
        "neighbours: the two are taken as one place, and compared with groups of as many untreated authorities. Where there are "
        "too few of those, or their test errs too often on these data, the two intervals are taken at half the level and added "
        "up. A gain in the area with a loss next door can be told from nothing at all only where both intervals exclude zero, on "
        "opposite sides.",
        *blocks,
    ]


def write_short(material: Material, code: str) -> list[str]:
    """For an area's page on the web: what can be said of its neighbours, primary outcome; nothing where there is no record."""
    outcome = material.primary
    record = next((r for r in material.spillovers_of(outcome.id) if r.area == code), None)
    if record is None:
        return []
    link = "[The chapter on spillovers](../chapters/other-programmes.qmd#sec-other-programmes) has the numbers."
    said = escape(say_ring(record, outcome, material.design))
    return [keep_to_web(f"## Next door (exploratory) {{#sec-next-door-{code}}}", f"{said} {link}")]

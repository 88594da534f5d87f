"""What a release needs before it is final, and the statements it prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from typing import Any

from evaluation.errors import ReportError
from evaluation.panel.period_words import write_month
from evaluation.report.binder import join_blocks, list_items
from evaluation.report.embedded.escape import escape_markdown as escape
from evaluation.report.material import SYNTHETIC_NOTE, Edition, Material
from evaluation.report.release_facts import Accessibility, CodeOfPractice, ReleaseFacts
from evaluation.report.tables import ReportTable
from evaluation.synthesis.phrases import end_sentence, join_words, upper_first

UP = "../"
NOT_GIVEN = "not given in this provisional release"
REGISTRY_ENTRY = "registry-entry.json"
REGISTRY_SCHEMA = "registry-entry.schema.json"
"""The form of the entry, beside it in the report."""


def make_edition(facts: ReleaseFacts, *, day: date, final: bool, protocol_lock: str) -> Edition:
    """The edition of a release from its facts.

    A final release has the publication date of the facts; `day`, the day the report is made, stands for it elsewhere.
    """
    stated = facts.day if final else None
    return Edition(
        date=stated or day,
        release="final" if final else "provisional",
        contact=facts.contact or "",
        licence=facts.licence or "",
        publisher=facts.publisher or "",
        registration=facts.registration or "",
        dated=stated is not None,
        protocol_lock=protocol_lock,
        older_data=facts.older_data or "",
        accessibility=facts.accessibility,
        code_of_practice=facts.code_of_practice,
    )


# ---------------------------------------------------------------- what a final release needs


def check_edition(
    edition: Edition, *, synthetic: bool, failures: int, late: Sequence[str] = (), facts: str = "reports/release.yml"
) -> None:
    """Refuse a final release that lacks what a publication needs; everything missing is named together.

    Parameters
    ----------
    edition : Edition
        What the release says about itself.
    synthetic : bool
        Whether anything in it is invented.
    failures : int
        Steps of the run that did not finish.
    late : sequence of str
        Outcomes whose newer figures are out on the day of publication, in words; see `evaluation.panel.freshness.list_late`.
    facts : str
        File that states the facts, for the message.

    Raises
    ------
    ReportError
        With every fact that is missing, and where to state it.
    """
    if edition.release != "final":
        return
    stated = [
        *([] if edition.dated else ["a publication date (publication_date)"]),
        *([] if edition.publisher else ["a publisher (publisher)"]),
        *([] if edition.contact else ["a contact (contact)"]),
        *([] if edition.licence else ["a licence (licence)"]),
        *_lacking("an accessibility statement", "accessibility", edition.accessibility),
        *_lacking("a code-of-practice statement", "code_of_practice", edition.code_of_practice),
    ]
    other = [
        *([] if edition.protocol_lock else ["a locked protocol (protocol.yml and protocol.sha256 in the run folder)"]),
        *(["real data (these are synthetic)"] if synthetic else []),
        *([f"{failures} step(s) that did not finish"] if failures else []),
    ]
    if late and not edition.older_data:
        stated.append(f"the newest figures, or why they are not used (older_data): {'; '.join(late)}")
    if not stated and not other:
        return
    where = [f"State the facts in {facts}, or in a file named with --facts."] if stated else []
    where += ["Run the study again to lock its protocol."] if not edition.protocol_lock else []
    lines = "".join(f"\n  - {item}" for item in (*stated, *other))
    raise ReportError(
        f"a final release needs what is missing here:{lines}\n{' '.join((*where, 'Or release it as provisional.'))}"
    )


def _lacking(title: str, part: str, record: Accessibility | CodeOfPractice) -> list[str]:
    empty = [item.name for item in fields(record) if getattr(record, item.name) is None]
    return [f"{title} ({part}: {', '.join(empty)})"] if empty else []


# ---------------------------------------------------------------- the statements


def write_statement(material: Material) -> str:
    """Release, publisher, contact and licence."""
    edition = material.edition
    lines = [
        *([SYNTHETIC_NOTE] if material.synthetic else []),
        f"Release: {edition.release}, {edition.day}.",
        f"Publisher: {edition.publisher or NOT_GIVEN}.",
        f"Contact: {edition.contact or NOT_GIVEN}.",
        f"Licence: {edition.licence or NOT_GIVEN}.",
        *([f"Registration: {edition.registration}."] if edition.registration else []),
        *([f"Newer figures may be out. They are not used: {edition.older_data}."] if edition.older_data else []),
    ]
    return list_items([end_sentence(line.rstrip(".")) for line in lines])


def write_accessibility(material: Material) -> str:
    """The accessibility statement, from facts that were stated; what was not is said to be missing."""
    facts = material.edition.accessibility
    standard = "the Web Content Accessibility Guidelines 2.2 at level AA"
    blocks = []
    if facts.status is None:
        blocks.append(f"Whether this release meets {standard} has not been stated.")
    else:
        said = f"By its publisher's statement this release is **{facts.status}** with {standard}."
        written = f" The statement was written on {write_month(facts.prepared)}." if facts.prepared else ""
        blocks.append(f"{said}{written}")
    tested = [
        *([f"The pages were last tested on {write_month(facts.tested)}"] if facts.tested else []),
        *([f"tested by {facts.tested_by}"] if facts.tested_by else []),
    ]
    if tested:
        how = f" {upper_first(end_sentence(facts.method))}" if facts.method else ""
        blocks.append(escape(f"{upper_first(', '.join(tested))}.{how}"))
    if facts.problems:
        blocks += ["These parts do not meet the guidelines:", list_items(facts.problems)]
    elif facts.problems is not None:
        blocks.append("No part is known not to meet the guidelines.")
    contact = material.edition.contact
    ask = f"write to {contact}" if contact else "write to the publisher"
    blocks.append(
        escape(
            f"If you cannot use a part of this report, {ask} and say which part and which form you need."
            f"{f' You will have an answer within {facts.reply_within}.' if facts.reply_within else ''}"
            f"{f' If you are not content with the answer: {end_sentence(facts.complaints)}' if facts.complaints else ''}"
        )
    )
    return join_blocks([*blocks, *_say_missing(material, facts)])


def write_code_of_practice(material: Material) -> str:
    """The statement on the Code of Practice for Statistics, from facts that were stated."""
    facts = material.edition.code_of_practice
    status = {
        "official statistics": "This report is published as official statistics, to which the Code of Practice for Statistics "
        "applies.",
        "voluntary application": "This report is not an official statistic. Its publisher applies the Code of Practice for "
        "Statistics to it voluntarily.",
        "not applied": "This report is not an official statistic, and its publisher does not state that the Code of Practice for "
        "Statistics was applied.",
        None: "Whether the Code of Practice for Statistics applies to this release has not been stated.",
    }[facts.status]
    blocks = [f"{status} The three pillars are those of the Code [@osr2018]."]
    people = [
        *([f"Who answers for the report: {facts.responsible}."] if facts.responsible else []),
        *([f"Who checked it before publication: {facts.quality_assured_by}."] if facts.quality_assured_by else []),
    ]
    blocks.append(list_items([end_sentence(line.rstrip(".")) for line in people]))
    if facts.departures:
        blocks += ["By its publisher's statement the Code is not kept here:", list_items(facts.departures)]
    elif facts.departures is not None and facts.status != "not applied":
        blocks.append("By its publisher's statement the Code is kept throughout.")
    return join_blocks([*blocks, *_say_missing(material, facts)])


def _say_missing(material: Material, facts: Accessibility | CodeOfPractice) -> list[str]:
    """One sentence that names the facts of a statement that are not given."""
    names = {
        "status": "whether it complies" if isinstance(facts, Accessibility) else "whether it applies",
        "prepared": "when the statement was written",
        "tested": "when the pages were tested",
        "tested_by": "who tested them",
        "method": "how they were tested",
        "problems": "which parts fall short",
        "reply_within": "how soon readers have an answer",
        "complaints": "to whom complaints go",
        "responsible": "who answers for the report",
        "quality_assured_by": "who checked it",
        "departures": "where the Code is not kept",
    }
    missing = [names[item.name] for item in fields(facts) if getattr(facts, item.name) is None]
    return [f"Not given in this {material.edition.release} release: {join_words(missing)}."] if missing else []


# ---------------------------------------------------------------- the registry entry


def make_registry_entry(material: Material) -> dict[str, Any]:
    """The entry of this evaluation for a register, as plain data; what nobody stated is null, and no identifier is made up."""
    design, edition, contracts = material.design, material.edition, material.contracts
    outcomes = contracts.outcomes
    plans = [(plan, outcomes[plan.id]) for plan in design.outcomes]
    return {
        "$schema": REGISTRY_SCHEMA,
        "title": design.title,
        "question": design.question,
        "synthetic": material.synthetic,
        "programme": {"id": design.programme, "name": design.programme_name},
        "areas": [
            {"code": unit.code, "name": unit.name, "start": unit.start, "start_basis": unit.start_basis}
            for unit in sorted(design.treated, key=lambda unit: (unit.name.casefold(), unit.code))
        ],
        "outcomes": [
            {
                "id": plan.id,
                "name": outcome.name,
                "definition": outcome.definition,
                "primary": plan.primary,
                "unit": outcome.unit_words,
                "first_period": plan.first,
                "last_period": plan.last,
            }
            for plan, outcome in plans
        ],
        "methods": [{"name": card.name, "title": card.title, "family": card.family} for card in material.cards.values()],
        "protocol": {
            "id": design.id,
            "sha256": design.sha256,
            "locked_sha256": edition.protocol_lock or None,
            "departures": len(material.deviations),
        },
        "data": [
            {
                "file": item.name,
                "source": item.source,
                "vintage": item.vintage,
                "sha256": item.sha256,
                "synthetic": item.synthetic,
            }
            for item in sorted(material.panel.inputs, key=lambda item: item.name)
        ],
        "dates": {"release": edition.release, "published": edition.date.isoformat() if edition.dated else None},
        "publisher": edition.publisher or None,
        "contact": edition.contact or None,
        "licence": edition.licence or None,
        "registration": edition.registration or None,
    }


def write_registry(material: Material) -> str:
    """The registry entry as a table, and the entry itself as a file."""
    entry = make_registry_entry(material)
    material.binder.add(REGISTRY_ENTRY, json.dumps(entry, ensure_ascii=False, indent=1) + "\n")
    links = (
        f"[The entry as a file for programs (JSON)]({UP}{REGISTRY_ENTRY}), and "
        f"[what each of its fields means (JSON Schema)]({UP}{REGISTRY_SCHEMA})."
    )
    shown = f'::: {{.content-visible when-format="html"}}\n{links}\n:::\n'
    return join_blocks([material.place_table(UP, table_registry(entry), "registry-entry"), shown])


def table_registry(entry: dict[str, Any]) -> ReportTable:
    """The main fields of a registry entry."""
    outcomes = [f"{item['name']}{' (primary)' if item['primary'] else ''}" for item in entry["outcomes"]]
    rows = (
        ("Title", entry["title"]),
        ("Question", entry["question"]),
        ("Programme", entry["programme"]["name"]),
        ("Areas with the programme", f"{len(entry['areas']):,}"),
        ("Outcomes", join_words(outcomes)),
        ("Methods", join_words([item["title"] for item in entry["methods"]]) or "[x]"),
        ("Protocol", f"{entry['protocol']['id']}, SHA-256 {entry['protocol']['sha256'][:12]}"),
        ("Protocol locked", "yes" if entry["protocol"]["locked_sha256"] else "no"),
        ("Departures from the protocol", f"{entry['protocol']['departures']:,}"),
        ("Data files", f"{len(entry['data']):,}"),
        ("Publication date", write_month(entry["dates"]["published"]) if entry["dates"]["published"] else "[x]"),
        ("Release", entry["dates"]["release"]),
        *((upper_first(name), entry[name] or "[x]") for name in ("publisher", "contact", "licence", "registration")),
    )
    return ReportTable(caption="Registry entry of this evaluation", header=("Field", "Entry"), rows=rows)

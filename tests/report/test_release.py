"""A final release says everything a publication must say, or is refused; nothing is made up. All facts here are invented."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
import yaml
from invented import make_all, make_contracts
from report.invented_book import DESIGN, EDITION, assemble, make_panel

from evaluation import project
from evaluation.contracts.load import load_contracts
from evaluation.errors import ConfigurationError, ReportError
from evaluation.panel.freshness import list_late
from evaluation.report import book as book_module
from evaluation.report.embedded import render_book
from evaluation.report.release import NOT_GIVEN, REGISTRY_ENTRY, REGISTRY_SCHEMA, check_edition, make_edition
from evaluation.report.release_facts import Accessibility, CodeOfPractice, ReleaseFacts, read_facts
from evaluation.report.wording import check_wording
from evaluation.results import Deviation, InputFile, Panel

FACTS = ReleaseFacts(
    publication_date="2026-11-30",
    publisher="Invented Office",
    contact="desk@example.org",
    licence="An invented licence",
    accessibility=Accessibility(
        status="partially compliant", prepared="2026-11-20", tested="2026-11-18", tested_by="an invented tester",
        method="every page with a screen reader", problems=("The map cannot be zoomed.",), reply_within="ten working days",
        complaints="the Invented Ombudsman",
    ),
    code_of_practice=CodeOfPractice(
        status="voluntary application", responsible="the Invented Chief Analyst", quality_assured_by="two invented analysts",
        departures=(),
    ),
)  # fmt: skip
LOCK = "e" * 64
INPUT = InputFile(
    name="a.csv", sha256="f" * 64, source="nomis_aps", contract_version="1.0.0", vintage="x", rows=3, synthetic=False
)  # fmt: skip
DAY = date(2026, 10, 14)


def final(facts: ReleaseFacts = FACTS, lock: str = LOCK):  # type: ignore[no-untyped-def]
    return make_edition(facts, day=DAY, final=True, protocol_lock=lock)


def schema() -> dict[str, object]:
    return json.loads((project.REPORTS / REGISTRY_SCHEMA).read_text("utf-8"))  # type: ignore[no-any-return]


def test_everything_missing_is_named_together_with_where_to_state_it() -> None:
    with pytest.raises(ReportError) as caught:
        check_edition(final(ReleaseFacts(), ""), synthetic=True, failures=2)
    message = str(caught.value)
    for part in (
        "publication date (publication_date)", "publisher (publisher)", "contact (contact)", "licence (licence)",
        "accessibility statement (accessibility: status, prepared, tested",
        "code-of-practice statement (code_of_practice: status",
        "locked protocol", "real data (these are synthetic)", "2 step(s) that did not finish", "reports/release.yml", "--facts",
    ):  # fmt: skip
        assert part in message, part


@pytest.mark.parametrize(
    ("facts", "lock", "named"),
    [
        *((replace(FACTS, **{key: None}), LOCK, key) for key in ("publication_date", "publisher", "contact", "licence")),
        (replace(FACTS, accessibility=replace(FACTS.accessibility, tested=None)), LOCK, "accessibility: tested"),
        (replace(FACTS, accessibility=replace(FACTS.accessibility, problems=None)), LOCK, "accessibility: problems"),
        (replace(FACTS, code_of_practice=CodeOfPractice()), LOCK, "code_of_practice: status, responsible"),
        (FACTS, "", "locked protocol"),
    ],
)
def test_each_missing_fact_alone_refuses_a_final_release(facts: ReleaseFacts, lock: str, named: str) -> None:
    with pytest.raises(ReportError, match=named):
        check_edition(final(facts, lock), synthetic=False, failures=0)


def test_a_final_release_that_is_complete_is_made_and_a_provisional_one_needs_nothing(tmp_path: Path) -> None:
    check_edition(final(), synthetic=False, failures=0)
    check_edition(make_edition(ReleaseFacts(), day=DAY, final=False, protocol_lock=""), synthetic=True, failures=9)
    with pytest.raises(ReportError, match=r"real data \(these are synthetic\)\n  - 1 step"):
        assemble(tmp_path / "a", edition=final(), failures=[("job", "message")])
    book = assemble(tmp_path / "b", synthetic=False, edition=final())
    assert "Released 30 November 2026" in (book.root / "_generated" / "banner.qmd").read_text("utf-8")
    assert "Provisional" not in (book.root / "_generated" / "banner.qmd").read_text("utf-8")


def test_figures_that_are_out_of_date_refuse_a_final_release_unless_the_report_says_why(tmp_path: Path) -> None:
    """The rolling survey figures of the invented panel end in June 2026; those of September are due 16 weeks after it."""
    contracts = load_contracts(standard=False)
    frame = pd.DataFrame(
        {"outcome": ["inactivity_rate"] * 2 + ["claimant_rate_annual"], "period": ["2026-03", "2026-06", "2010"]}
    )
    files = [replace(INPUT, source=source) for source in ("nomis_aps", "ons_explore_local_statistics")]
    panel = Panel(frame=frame, inputs=tuple(files))
    assert list_late(panel, contracts, date(2027, 1, 21)) == ()
    (said,) = late = list_late(panel, contracts, date(2027, 1, 22))
    assert said == (
        "inactivity_rate: the newest figures are of 2026-06; by the contract of nomis_aps those of 2026-09 were due on 2027-01-21"
    )
    assert list_late(replace(panel, inputs=tuple(files[1:])), contracts, date(2027, 1, 22)) == ()  # no promise of a day
    with pytest.raises(ReportError, match=r"why they are not used \(older_data\): inactivity_rate: .*\nState the facts"):
        check_edition(final(), synthetic=False, failures=0, late=late)
    check_edition(make_edition(FACTS, day=DAY, final=False, protocol_lock=LOCK), synthetic=False, failures=0, late=late)
    stated = final(replace(FACTS, older_data="the window ends before them"))
    check_edition(stated, synthetic=False, failures=0, late=late)
    written = assemble(tmp_path, synthetic=False, edition=stated).root / "_generated" / "statement.qmd"
    assert "Newer figures may be out. They are not used: the window ends before them." in written.read_text("utf-8").replace(
        "\\", ""
    )


def test_a_book_of_figures_that_are_out_of_date_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(book_module, "list_late", lambda panel, contracts, day: asked.append(day) or ("a_rate: late",))
    with pytest.raises(ReportError, match="older_data"):
        assemble(tmp_path, synthetic=False, edition=final())
    assert asked == [date(2026, 11, 30)], "judged by the day of publication"


def test_the_day_the_data_are_pinned_to_stands_beside_the_files(tmp_path: Path) -> None:
    panel = make_panel(make_contracts(units=DESIGN.treated), make_all(DESIGN, synthetic=False))
    pinned = replace(panel, notes=("pinned to 2026-05-01: the newest edition of that day is read", "something else"))
    written = assemble(tmp_path, synthetic=False, panel=pinned).root / "_generated"
    text, log = ((written / f"{name}.qmd").read_text("utf-8").replace("\\", "") for name in ("data", "data-log"))
    assert "- Data pinned to 2026-05-01: the newest edition of that day is read." in log
    assert "The data are pinned to 2026-05-01: the newest edition of that day is read." in text
    assert "something else" not in text


def test_statements_print_the_facts_they_were_given_and_say_what_is_missing(tmp_path: Path) -> None:
    written = assemble(tmp_path / "a", synthetic=False, edition=final()).root / "_generated"
    accessible = (written / "accessibility.qmd").read_text("utf-8").replace("\\", "")
    for fact in ("partially compliant", "20 November 2026", "18 November 2026", "an invented tester", "The map cannot be zoomed",
                 "ten working days", "Invented Ombudsman", "desk@example.org"):  # fmt: skip
        assert fact in accessible, fact
    assert "Not given" not in accessible
    code = (written / "code-of-practice.qmd").read_text("utf-8").replace("\\", "")
    for fact in ("applies the Code of Practice for Statistics to it voluntarily", "Invented Chief Analyst", "kept throughout"):
        assert fact in code, fact
    bare = assemble(tmp_path / "b", synthetic=False).root / "_generated"
    empty = (bare / "accessibility.qmd").read_text("utf-8")
    assert "has not been stated" in empty
    assert "Not given in this provisional release: whether it complies, when the statement was written" in empty
    assert (bare / "statement.qmd").read_text("utf-8").count(NOT_GIVEN) == 3
    for folder in (written, bare):
        for name in ("accessibility", "code-of-practice", "statement", "registry"):
            assert check_wording((folder / f"{name}.qmd").read_text("utf-8")) == [], name


def test_the_registry_entry_keeps_its_schema_and_makes_nothing_up(tmp_path: Path) -> None:
    made = [Deviation(number=1, key="draws", before="999", after="499")]
    book = assemble(tmp_path / "a", edition=replace(EDITION, protocol_lock=LOCK), deviations=made)
    render_book(book.root, tmp_path / "a" / "out", formats=("html",))
    entry = json.loads((tmp_path / "a" / "out" / REGISTRY_ENTRY).read_text("utf-8"))
    assert (tmp_path / "a" / "out" / REGISTRY_SCHEMA).is_file()
    jsonschema.validate(entry, schema(), cls=jsonschema.Draft202012Validator)
    assert entry["synthetic"] is True
    assert entry["protocol"] == {"id": DESIGN.id, "sha256": DESIGN.sha256, "locked_sha256": LOCK, "departures": 1}
    assert [area["name"] for area in entry["areas"]] == sorted((u.name for u in DESIGN.treated), key=str.casefold)
    assert entry["dates"] == {"release": "provisional", "published": None}
    assert [entry[key] for key in ("publisher", "contact", "licence", "registration")] == [None] * 4
    book = assemble(tmp_path / "b", synthetic=False, edition=final(replace(FACTS, registration="Invented register, number 7")))
    entry = json.loads((book.root / REGISTRY_ENTRY).read_text("utf-8"))
    jsonschema.validate(entry, schema(), cls=jsonschema.Draft202012Validator)
    assert entry["dates"] == {"release": "final", "published": "2026-11-30"}
    assert (entry["contact"], entry["registration"]) == ("desk@example.org", "Invented register, number 7")


def test_the_schema_documents_every_field_and_refuses_others(tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    book = assemble(tmp_path, synthetic=False)
    entry = json.loads((book.root / REGISTRY_ENTRY).read_text("utf-8"))
    assert set(entry) == set(schema()["properties"])  # type: ignore[call-overload]
    for wrong in ({**entry, "doi": "10.1/1"}, {**entry, "dates": {"release": "draft", "published": None}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema(), cls=jsonschema.Draft202012Validator)


# ---------------------------------------------------------------- the file of facts


def test_the_committed_file_names_every_fact_and_states_none() -> None:
    path = project.REPORTS / "release.yml"
    assert read_facts(path) == ReleaseFacts()
    raw = yaml.safe_load(path.read_text("utf-8"))
    assert set(raw) == {item.name for item in fields(ReleaseFacts)}
    assert set(raw["accessibility"]) == {item.name for item in fields(Accessibility)}
    assert set(raw["code_of_practice"]) == {item.name for item in fields(CodeOfPractice)}


def test_facts_are_read_strictly_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "release.yml"
    path.write_text("contact: desk@example.org\naccessibility:\n  status: fully compliant\n  problems: []\n", "utf-8")
    facts = read_facts(path)
    assert (facts.contact, facts.accessibility.problems) == ("desk@example.org", ())
    path.write_text(
        "contcat: x\npublication_date: 2026-13-01\nlicence: ' '\naccessibility:\n  status: perfect\n  tested: soon\n"
        "code_of_practice: yes please\n", "utf-8"
    )  # fmt: skip
    with pytest.raises(ConfigurationError) as caught:
        read_facts(path)
    lines = str(caught.value).splitlines()
    for place, part in (
        ("release.yml:1:", "contcat"), ("release.yml:2:", "publication_date"), ("release.yml:5:", "status"),
        ("release.yml:6:", "tested"), ("release.yml:7:", "code_of_practice"),
    ):  # fmt: skip
        assert any(line.startswith(place) and part in line for line in lines), (place, lines)
    path.write_text("", "utf-8")
    assert read_facts(path) == ReleaseFacts()

"""The book of a run: what every page must hold, read from the rendered pages. All findings are invented."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from invented import OUTCOMES, RATE, SECOND, make_all, make_contracts, make_design, make_unit
from lxml import html
from report.invented_book import CARDS, DESIGN, EDITION, NASTY, UNITS, assemble

from evaluation import project
from evaluation.report.annex import clean_message
from evaluation.report.book import FIGURES_KEPT, GENERATED, write_book
from evaluation.report.embedded import render_book
from evaluation.report.protocol import THRESHOLDS
from evaluation.report.tables import ReportTable
from evaluation.report.wording import check_wording
from evaluation.results import Check, CheckThresholds, Deviation, Exclusion, Panel
from evaluation.synthesis import conclude_all


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A synthetic book, rendered to HTML."""
    folder = tmp_path_factory.mktemp("run")
    book = assemble(folder)
    render_book(book.root, folder / "out", formats=("html",))
    return folder


def find(node, names: str) -> list:
    """Elements by their names, one inside the other, such as ``main table``."""
    return node.xpath("." + "".join(f"//{name}" for name in names.split()))


def caption_of(table) -> str:
    """Caption of a table, its own or that of the figure it stands in."""
    found = table.xpath("./caption | ancestor::figure[1]/figcaption")
    return " ".join(found[0].text_content().split()) if found else ""


def pages(site: Path):
    found = {p.relative_to(site / "out").as_posix(): html.parse(p).getroot() for p in sorted((site / "out").rglob("*.html"))}
    assert len(found) >= 14
    return found


def text_of(page):
    main = find(page, "main")[0]
    for node in main.xpath(".//script | .//style | .//*[@id='refs']"):
        node.drop_tree()
    return " ".join(main.text_content().split())


def test_the_book_has_its_chapters_and_one_page_an_area_by_name(tmp_path):
    book = assemble(tmp_path)
    assert book.chapters == (
        "index.qmd", "chapters/programme.qmd", "chapters/could-we-see-it.qmd", "chapters/data.qmd", "chapters/method.qmd",
        "chapters/fair.qmd", "chapters/findings.qmd", "areas/birch-moor.qmd", "areas/zeta-hill.qmd", "areas/amber.qmd",
        "chapters/other-programmes.qmd", "chapters/how-sure.qmd", "chapters/value-for-money.qmd",
        "chapters/changes.qmd", "chapters/limits.qmd", "references.qmd",
        "annex/specifications.qmd", "annex/checks.qmd", "annex/data-log.qmd", "annex/statement.qmd", "annex/glossary.qmd",
    )  # fmt: skip
    config = yaml.safe_load((book.root / "_quarto.yml").read_text("utf-8"))
    assert config["synthetic"] is True
    assert "SYNTHETIC" in config["synthetic-note"]
    assert config["book"]["date"] == "2026-10-14"


def test_the_same_run_gives_the_same_bytes(tmp_path):
    one, other = assemble(tmp_path / "a"), assemble(tmp_path / "b")
    files = sorted(p.relative_to(one.root) for p in one.root.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(other.root) for p in other.root.rglob("*") if p.is_file())
    assert all((one.root / f).read_bytes() == (other.root / f).read_bytes() for f in files)


def test_a_book_is_replaced_as_a_whole(tmp_path):
    book = assemble(tmp_path)
    (book.root / "areas" / "old.qmd").write_text("# Old")
    assemble(tmp_path)
    assert not (book.root / "areas" / "old.qmd").exists()


def test_no_page_holds_a_banned_phrase(site):
    for name, page in pages(site).items():
        found = check_wording(text_of(page), detected=False)
        assert found == [], name


def test_every_page_says_that_the_data_are_synthetic(site):
    for name, page in pages(site).items():
        assert "SYNTHETIC DATA" in page.text_content(), name


def test_names_from_data_are_printed_and_not_run(site):
    page = pages(site)["areas/birch-moor.html"]
    assert find(page, "h1")[0].text_content().replace("’", "'").endswith(NASTY)
    for other in pages(site).values():
        assert not [s for s in find(other, "script") if "alert" in (s.text or "")]


def test_every_figure_has_a_text_its_data_and_a_download(site):
    count = 0
    for name, page in pages(site).items():
        for image in find(page, "main img"):
            count += 1
            assert len(image.get("alt", "")) > 60, name
            figure = image.iterancestors("figure").__next__()
            assert image.get("alt") not in figure.text_content()
        links = [a.get("href") for a in find(page, "main a") if (a.get("href") or "").endswith(".csv")]
        for link in links:
            assert (site / "out" / name).parent.joinpath(link).resolve().is_file(), link
        assert len(find(page, "main details")) >= len(find(page, "main img")), name
    assert count >= 15


def test_tables_have_captions_and_header_cells(site):
    for name, page in pages(site).items():
        for table in find(page, "main table"):
            assert caption_of(table), name
            assert all(th.text_content().strip() for th in find(table, "th")), name


def test_p_values_stand_in_the_annex_only(site):
    pattern = re.compile(r"\bp\s*[=<>]|p-values? of \d|\*\*\*")
    for name, page in pages(site).items():
        assert not pattern.search(text_of(page)), name
        if not name.startswith("annex/"):
            assert not [th for th in find(page, "th") if th.text_content().strip() == "p"], name


def test_headings_carry_the_verdict_and_label_what_is_exploratory(site):
    for item in conclude_all(make_all(DESIGN, synthetic=True), DESIGN, OUTCOMES):
        page = "chapters/findings.html" if item.area == "all" else f"areas/{item.area}.html"
        headings = [" ".join(h.text_content().split()) for h in find(pages(site)[page], "h2")]
        name = OUTCOMES[item.outcome].name
        wanted = [h for h in headings if h.lower().endswith(f": {item.verdict}") and name in h.lower()]
        assert wanted, (page, item.verdict, headings)
        assert ("(exploratory)" in wanted[0]) == (item.outcome == SECOND.id)


def test_every_sentence_stands_on_its_page_with_both_ends(site):
    for item in conclude_all(make_all(DESIGN, synthetic=True), DESIGN, OUTCOMES):
        page = "chapters/findings.html" if item.area == "all" else f"areas/{item.area}.html"
        text = text_of(pages(site)[page])
        assert " ".join(item.sentence.split()) in text
        assert " ".join(item.because.split()) in text


def test_areas_are_alphabetical_everywhere(site):
    names = sorted((u.name for u in UNITS), key=str.casefold)
    for name, page in pages(site).items():
        for table in find(page, "main table"):
            first = [find(row, "td")[0].text_content().strip() for row in find(table, "tbody tr")]
            order = [first.index(n) for n in names if n in first]
            assert order == sorted(order), name


def test_planted_and_found_stand_side_by_side(site):
    page = pages(site)["chapters/findings.html"]
    table = next(t for t in find(page, "table") if "planted beside" in caption_of(t))
    rows = {tuple(c.text_content().strip() for c in find(r, "td"))[:2]: r for r in find(table, "tbody tr")}
    cells = [c.text_content().strip() for c in find(rows["Amber Vale", "Idle rate"], "td")]
    assert cells[2] == "1.25 lower"
    assert cells[4] == "yes"
    pooled = [c.text_content().strip() for c in find(rows["All areas together", "Idle rate"], "td")]
    assert pooled[2] == "from 5 lower to 0"
    assert pooled[4] == "in part"


def test_real_data_carry_no_synthetic_mark(tmp_path):
    book = assemble(tmp_path, synthetic=False)
    assert not book.synthetic
    for path in book.root.rglob("*.qmd"):
        assert "SYNTHETIC" not in path.read_text("utf-8"), path.name


def test_failures_are_named_without_the_folders_of_a_machine(tmp_path):
    message = "FileNotFoundError: '/srv/jobs/secret/panel.parquet' is missing\nTraceback: more"
    assert clean_message(message) == "FileNotFoundError: 'panel.parquet' is missing"
    book = assemble(tmp_path, failures=[("idle_rate/amber/20", message)])
    text = (book.root / "_generated" / "limits.qmd").read_text("utf-8")
    assert "panel" in text
    assert "srv" not in text


def test_donor_tables_of_executed_notebooks_are_embedded_where_they_are(tmp_path):
    folder = tmp_path / "notebooks" / RATE.id / "amber"
    folder.mkdir(parents=True)
    made = ReportTable(
        caption="Donors", header=("Area", "Weight"), rows=(("From the notebook", "[x]"),), numeric=frozenset({"Weight"})
    )
    table = made._repr_mimebundle_()["text/markdown"]
    cell = {
        "cell_type": "code", "execution_count": 1, "id": "a", "metadata": {}, "source": ["#| label: donor-table\n", "show()"],
        "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"text/markdown": table.splitlines(True)}}],
    }  # fmt: skip
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "30_estimate_synthetic_control.ipynb").write_text(json.dumps(notebook))
    early = replace(UNITS[2], start="2025-04")
    design = make_design([*UNITS[:2], early])
    book = assemble(tmp_path, notebooks=tmp_path / "notebooks", design=design)
    source = (book.root / "areas" / "amber.qmd").read_text("utf-8")
    assert "{{< embed ../../notebooks/idle_rate/amber/30_estimate_synthetic_control.ipynb#donor-table >}}" in source
    assert "embed" not in (book.root / "areas" / "zeta-hill.qmd").read_text("utf-8")
    render_book(book.root, tmp_path / "out", formats=("html",))
    page = html.parse(tmp_path / "out" / "areas" / "amber.html").getroot()
    tables = [t for t in find(page, "main table") if "From the notebook" in t.text_content()]
    assert [caption_of(t).split(": ", 1)[1] for t in tables] == ["Idle rate, Zeta Fen: comparison areas that carry the weight"]


def test_pages_show_the_checks_that_did_not_pass_and_the_annex_all_of_them(site):
    page = pages(site)["areas/zeta-hill.html"]
    assert not [t for t in find(page, "main table") if "checks that failed" in caption_of(t)]
    assert "Of 9 checks set in advance, 6 passed and three were not run (“Placebo in time”)." in text_of(page)
    annex = pages(site)["annex/checks.html"]
    summary = next(t for t in find(annex, "main table") if "that did not" in caption_of(t))
    amber = next(row for row in find(summary, "tbody tr") if find(row, "td")[0].text_content() == "Amber Vale")
    cells = [" ".join(c.text_content().split()) for c in find(amber, "td")]
    assert cells[1:] == ["6 of 9", "none", "0", "3"]
    assert "Not run: “Placebo in time”." in text_of(annex)
    every = (site / "out" / "data" / "table-all-checks-idle-rate.csv").read_text("utf-8").splitlines()
    assert len(every) == 1 + 4 * 9


def test_columns_and_sentences_without_known_numbers_are_left_out(tmp_path):
    findings = make_all(DESIGN, people=None, supported=None)
    book = assemble(tmp_path, synthetic=False, findings=findings)
    table = (book.root / "data" / "table-answer.csv").read_text("utf-8").splitlines()
    assert table[0] == 'Outcome,Verdict,"Interval, percentage points",Smallest detectable'
    answer = (book.root / "_generated" / "answer.qmd").read_text("utf-8")
    assert "Not established for any row\\: in people and most the programme could do" in answer


def test_many_areas_are_counted_and_not_named(tmp_path):
    late = [make_unit(f"late-{n}", f"Late {n}", "2027-01") for n in range(60)]
    design = replace(make_design([*UNITS, *late]), estimate_areas=tuple(u.code for u in UNITS))
    findings = make_all(make_design(UNITS))
    book = assemble(tmp_path, synthetic=False, design=design, findings=findings, contracts=make_contracts(units=UNITS))
    text = "".join(p.read_text("utf-8") for p in (book.root / "_generated").glob("*.qmd"))
    assert "Late 7" not in text
    assert "nine areas" not in text
    assert "three areas together" in text
    assert "Not treated within the window, and so used for comparison\\: 60 areas" in text
    assert "The start is assumed, not established by any source, for 61 areas" in text


def test_the_first_page_gives_verdict_sentence_and_figure_in_this_order(site):
    text = text_of(pages(site)["index.html"])
    pooled = next(c for c in conclude_all(make_all(DESIGN, synthetic=True), DESIGN, OUTCOMES) if c.area == "all" and c.primary)
    places = [text.index(part) for part in (f"Idle rate, three areas together: {pooled.verdict}", "may have been", "Figure 1")]
    assert places == sorted(places)
    assert places[-1] < 900


def test_the_protocol_lists_every_threshold(site):
    text = text_of(pages(site)["chapters/method.html"])
    assert "Intervals at the 95% level" in text
    assert DESIGN.sha256 in text
    page = pages(site)["chapters/method.html"]
    table = next(t for t in find(page, "main table") if "Thresholds of the checks" in caption_of(t))
    rows = {find(row, "td")[0].text_content(): [c.text_content() for c in find(row, "td")] for row in find(table, "tbody tr")}
    assert len(rows) == len(fields(CheckThresholds))
    assert rows["Largest misfit before the start"][1] == "2.0 times"
    assert rows["Difference too small to count"][1] == "0 percentage points"
    assert rows["Smallest breakdown value"][1] == "not judged"


def test_no_threshold_is_without_words():
    assert set(THRESHOLDS) == {item.name for item in fields(CheckThresholds)}
    assert all(words.title and words.plain.endswith(".") for words in THRESHOLDS.values())
    assert len({words.title for words in THRESHOLDS.values()}) == len(THRESHOLDS)


def test_departures_from_the_protocol_are_listed_and_their_absence_is_stated(site, tmp_path):
    assert "There is none on record: what was done is what the protocol says." in text_of(pages(site)["chapters/method.html"])
    made = [
        Deviation(number=2, key="draws", before="999", after="499"),
        Deviation(number=1, key="thresholds.maximum_donor_weight", before="0.5", after="0.6"),
    ]
    book = assemble(tmp_path, deviations=made)
    rows = (book.root / "data" / "table-deviations.csv").read_text("utf-8").splitlines()
    assert rows[1:] == ["1,Largest weight of one comparison area (thresholds.maximum_donor_weight),0.5,0.6", "2,draws,999,499"]
    assert "2 departures are on record" in (book.root / "_generated" / "protocol.qmd").read_text("utf-8")


def test_reasons_for_leaving_out_are_counted_without_the_areas_they_name(tmp_path):
    reasons = ("next to a treated area (Ash in Amber Vale)", "next to a treated area (Elm)", "scheme active from 2025-05")
    excluded = tuple(Exclusion(area=f"E0600006{n}", name="x", reason=reason) for n, reason in enumerate(reasons))
    book = assemble(tmp_path, findings=make_all(DESIGN, excluded=excluded, synthetic=True))
    rows = (book.root / "data" / "table-left-out.csv").read_text("utf-8").splitlines()
    assert rows[1:] == ["Next to a treated area,2", "Scheme active from May 2025,1"]


def test_figures_are_drawn_once_and_forgotten_with_their_finding(tmp_path, monkeypatch):
    book = assemble(tmp_path)
    kept = sorted(p.name for p in (tmp_path / FIGURES_KEPT).glob("*.svg"))
    assert len(kept) == book.figures
    before = {p.name: p.read_bytes() for p in (book.root / "images").iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr("evaluation.report.drawing.draw", lambda *_, **__: pytest.fail("drawn again"))
        assemble(tmp_path)
    assert {p.name: p.read_bytes() for p in (book.root / "images").iterdir()} == before
    findings = [replace(f, estimate=replace(f.estimate, att=f.estimate.att - 0.5)) for f in make_all(DESIGN, synthetic=True)]
    assemble(tmp_path, findings=findings)
    changed = sorted(p.name for p in (tmp_path / FIGURES_KEPT).glob("*.svg"))
    assert len(changed) == book.figures
    assert changed != kept


def test_a_comparison_that_is_not_credible_shows_no_headline_figure(tmp_path):
    failed = [Check(name="pre_trend", title="Parallel paths", passed=False, text="Invented.", value=0.99, threshold=0.95)]
    book = assemble(tmp_path, findings=make_all(DESIGN, checks=failed, synthetic=True))
    page = (book.root / "areas" / "zeta-hill.qmd").read_text("utf-8")
    assert "comparison not credible" in page
    assert "methods side by side" not in page


def test_a_run_without_findings_still_makes_a_book(tmp_path):
    contracts = make_contracts(units=DESIGN.treated)
    panel = Panel(frame=pd.DataFrame(columns=["area_code", "period", "outcome", "value"]), inputs=())
    book = write_book(
        tmp_path / "book", design=DESIGN, contracts=contracts, panel=panel, findings=[], cards=CARDS, edition=EDITION,
        conclusions=conclude_all([], DESIGN, OUTCOMES),
    )  # fmt: skip
    render_book(book.root, tmp_path / "out", formats=("html", "pdf"))
    assert "not estimated" in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_the_committed_project_is_a_book_of_its_own(tmp_path):
    generated = {p.stem for p in (project.REPORTS / "_generated").glob("*.qmd")}
    assert generated == set(GENERATED)
    render_book(project.REPORTS, tmp_path / "out", formats=("html",))
    assert "No run has been assembled yet" in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_chapters_hold_no_code_cells():
    for path in project.REPORTS.rglob("*.qmd"):
        assert not re.search(r"^```\{", path.read_text("utf-8"), re.M), path.name


def test_every_number_leads_back_to_its_data_and_its_protocol(site):
    log = text_of(pages(site)["annex/data-log.html"])
    findings = make_all(DESIGN, synthetic=True)
    for finding in findings:
        source = finding.provenance
        assert f"Panel: SHA-256 {source.panel_sha256}" in log
        assert source.code_version in log
        assert all(f"{file.name}: SHA-256 {file.sha256}" in log for file in source.inputs)
    assert f"SHA-256 {DESIGN.sha256}" in log
    traced = (site / "out" / "data" / "table-provenance.csv").read_text("utf-8").splitlines()[1:]
    for finding in findings:
        file = f"findings/{finding.design}/{finding.outcome}/{finding.area}/{finding.estimator}.json"
        (row,) = [line for line in traced if line.startswith(f"{file},")]
        assert row.split(",")[1:3] == [finding.provenance.panel_sha256, finding.provenance.design_sha256]
    assert "another protocol" not in log
    rows = (site / "out" / "data" / "table-specifications-idle-rate.csv").read_text("utf-8").splitlines()
    assert len(rows) - 1 == sum(f.outcome == "idle_rate" for f in findings), "every estimate is one of the annex's"


def test_estimates_made_under_another_protocol_are_named(tmp_path):
    made = [
        replace(item, provenance=replace(item.provenance, design_sha256="e" * 64)) for item in make_all(DESIGN, synthetic=True)
    ]
    book = assemble(tmp_path, findings=made)
    log = (book.root / "_generated" / "data-log.qmd").read_text("utf-8")
    assert f"Estimates were also made under another protocol: SHA-256 `{'e' * 64}`." in log

"""A whole report of invented findings as a reader gets it: pages in a browser, and the PDF. It describes no real place."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path

import pikepdf
import pytest
from invented import OUTCOMES, make_all, make_design, make_unit
from lxml import html
from report.invented_book import DESIGN, assemble
from report.pages import accessibility_faults, needs_browser, open_browser, pdf_faults, site_faults

from evaluation.report.embedded import render_book
from evaluation.report.tables import SHORTHAND
from evaluation.report.wording import check_wording
from evaluation.synthesis import conclude_all

needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext on PATH")

UNITS = [make_unit(f"place-{n}", f"Invented Place {n}", "2025-04", n) for n in range(1, 10)]
"""As many places as the demonstration has."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of three places, one of them with a name full of markup."""
    folder = tmp_path_factory.mktemp("published")
    return render_book(assemble(folder).root, folder / "out").out


@pytest.fixture(scope="module")
def pdf_pages(site: Path) -> list[str]:
    """The text of each page of the PDF."""
    done = subprocess.run(["pdftotext", "-layout", str(pdf_of(site)), "-"], capture_output=True, check=True)
    return done.stdout.decode().removesuffix("\f").split("\f")


def pdf_of(site: Path) -> Path:
    return next(site.glob("*.pdf"))


def visible_text(page: Path) -> str:
    root = html.parse(page).getroot()
    for node in root.xpath("//script | //style | //*[@id='refs']"):
        node.drop_tree()
    alts = " ".join(root.xpath("//img/@alt"))
    return " ".join(f"{root.text_content()} {alts}".split())


def test_no_page_and_no_picture_text_holds_a_banned_phrase(site: Path) -> None:
    found = {page.name: check_wording(visible_text(page)) for page in site.rglob("*.html")}
    assert len(found) >= 14
    assert {name: faults for name, faults in found.items() if faults} == {}


@needs_pdftotext
def test_the_pdf_holds_no_banned_phrase(pdf_pages: list[str]) -> None:
    text = " ".join(" ".join(pdf_pages).split())
    assert len(text) > 10_000
    assert check_wording(text.split("References", 2)[0]) == []
    assert check_wording(text) == []


@needs_pdftotext
def test_every_page_of_the_pdf_is_marked_and_numbered(pdf_pages: list[str]) -> None:
    for number, text in enumerate(pdf_pages, 1):
        assert "SYNTHETIC DATA: every number" in text, number
        assert f"{number} of {len(pdf_pages)}" in text, number


@needs_pdftotext
def test_the_pdf_leaves_the_data_to_the_web_edition_and_says_so(pdf_pages: list[str]) -> None:
    text = " ".join(" ".join(pdf_pages).split())
    assert "Data behind this figure" not in text
    assert "Download" not in text
    assert "Data stand beside every figure in the web edition" in text


@needs_pdftotext
def test_every_sentence_of_a_verdict_stands_in_the_pdf(pdf_pages: list[str]) -> None:
    text = re.sub(r"\W+", "", "".join(re.sub(r"SYNTHETIC DATA: every.*?programme\.|\d+ of \d+\s*$", "", p) for p in pdf_pages))
    for item in conclude_all(make_all(DESIGN, synthetic=True), DESIGN, OUTCOMES):
        # A page may end within a sentence; its beginning and its end stand there whole.
        for part in (item.sentence[:60], item.sentence[-60:]):
            assert re.sub(r"\W+", "", part) in text


def test_the_pdf_is_accessible_and_its_tables_have_header_cells(site: Path) -> None:
    assert pdf_faults(pdf_of(site)) == []
    with pikepdf.open(pdf_of(site)) as pdf:
        kinds = [str(item["/S"]) for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and "/S" in item]
        faults = [t for t in pdf.objects if isinstance(t, pikepdf.Dictionary) and t.get("/S") == "/Table" and not has_headers(t)]
    assert faults == [], "tables without header cells that say what they head"
    for kind in ("/H1", "/H2", "/P", "/L", "/Figure", "/Caption", "/Table", "/TH", "/TD", "/TOC"):
        assert kind in kinds, kind
    assert 0 < len(print_images(site)) < len(html_images(site))
    assert kinds.count("/Figure") == len(print_images(site))


def has_headers(element: pikepdf.Dictionary) -> bool:
    """Whether the first row of a table in the structure tree holds header cells with a scope, and no others."""
    rows = [row for row in descend(element) if row.get("/S") == "/TR"]
    cells = [cell for cell in descend(rows[0]) if cell.get("/S") in ("/TH", "/TD")]
    return bool(cells) and all(cell.get("/S") == "/TH" and "/Column" in repr(cell.get("/A")) for cell in cells)


def descend(element: pikepdf.Dictionary) -> list[pikepdf.Dictionary]:
    """Every element below one of the structure tree, in order."""
    kids = element.get("/K", [])
    found = []
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            found += [kid, *descend(kid)]
    return found


def print_images(site: Path) -> list[str]:
    """Pictures of the book's sources outside the blocks that only the web edition shows."""
    found = []
    for page in site.parent.joinpath("book").rglob("*.qmd"):
        depth = 0
        for line in page.read_text("utf-8").splitlines():
            depth += line.startswith(':::: {.content-visible when-format="html"}') - (line == "::::" and depth > 0)
            found += re.findall(r"^!\[\]\(([^)]+)\)", line) if not depth else []
    return found


def html_images(site: Path) -> list[str]:
    return [src for page in site.rglob("*.html") for src in html.parse(page).getroot().xpath("//main//img/@src")]


def test_pages_are_sound_and_no_link_is_dead(site: Path) -> None:
    assert site_faults(site) == {}


@pytest.mark.browser
@needs_browser
def test_axe_finds_nothing_with_everything_open(site: Path) -> None:
    with open_browser() as browser:
        assert accessibility_faults(site, browser, record="invented") == []


def test_every_cell_of_a_download_says_something(site: Path) -> None:
    files = sorted((site / "data").glob("*.csv"))
    assert len(files) > 20
    for path in files:
        rows = list(csv.reader(path.read_text("utf-8").splitlines()))
        for row in rows:
            assert len(row) == len(rows[0]), path.name
            assert all(cell.strip() for cell in row), (path.name, row)
            assert not [m for cell in row for m in re.findall(r"\[[a-z]+\]", cell) if m not in SHORTHAND], (path.name, row)


def test_nine_places_and_two_outcomes_stay_short(tmp_path: Path) -> None:
    design = make_design(UNITS)
    book = assemble(tmp_path, design=design, findings=make_all(design, synthetic=True, placebos=170))
    pdf = next(render_book(book.root, tmp_path / "out", formats=("html", "pdf")).out.glob("*.pdf"))
    with pikepdf.open(pdf) as read:
        assert len(read.pages) <= 66
    assert pdf.stat().st_size < 2_300_000

"""A name that is markup in every language stays a name: in notebooks, pages, pictures, CSV, spreadsheet and PDF."""

import csv
import io
import re
from dataclasses import replace
from html import unescape

import openpyxl
import pikepdf
import pypandoc
import pytest
from invented import make_design, make_unit
from lxml import etree, html
from report.invented_book import assemble

from evaluation.report.embedded import render_book
from evaluation.report.tables import ReportTable
from evaluation.report.workbook import FILE

NASTY = '<script>alert(1)</script> & "Môn" | $x$ *_'
UNIT = make_unit("nasty", NASTY, "2025-04", 1)
DESIGN = make_design([UNIT, make_unit("plain", "Plain Moor", "2025-04", 2)])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A whole report, HTML and PDF, of an area of this name."""
    folder = tmp_path_factory.mktemp("nasty")
    book = assemble(folder, design=replace(DESIGN, title=f"Study of {NASTY}", question=f"What of {NASTY}?"))
    render_book(book.root, folder / "out")
    return folder


def straight(text: str) -> str:
    """Text with straight quotation marks and single spaces."""
    return re.sub(r"\s+", " ", re.sub("[“”]", '"', text.replace("’", "'")))


def test_pages_print_it_and_run_nothing(site):
    printed = 0
    for path in sorted((site / "out").rglob("*.html")):
        source = path.read_text("utf-8")
        assert "<script>alert" not in source, path.name
        page = html.parse(path).getroot()
        assert not [s for s in page.iter("script") if "alert" in (s.text or "")], path.name
        for element in page.iter(etree.Element):
            for key, value in element.attrib.items():
                assert not key.startswith("on"), (path.name, key)
                assert not value.strip().lower().startswith("javascript:"), (path.name, key)
        assert not page.xpath("//main//math[contains(., 'x')][not(ancestor::p[contains(., '=')])]"), "$x$ is no equation"
        printed += straight(page.text_content()).count(straight(NASTY))
    assert printed > 30


def test_the_pages_of_the_area_have_it_in_title_heading_and_alternative_texts(site):
    page = html.parse(site / "out" / "areas" / "nasty.html").getroot()
    assert straight(page.find(".//title").text).count(straight(NASTY)) >= 1
    assert straight(page.find(".//h1").text_content()).endswith(straight(NASTY))
    texts = [image.get("alt") for image in html.parse(site / "out" / "chapters" / "findings.html").getroot().iter("img")]
    assert any(straight(NASTY) in straight(text) for text in texts)


def test_pictures_hold_it_as_text(site):
    pictures = sorted((site / "out" / "images").glob("*.svg"))
    assert pictures
    for path in pictures:
        source = path.read_text("utf-8")
        root = etree.fromstring(source.encode(), etree.XMLParser(resolve_entities=False))
        assert not [e for e in root.iter(etree.Element) if etree.QName(e).localname in ("script", "foreignObject")], path.name
        assert "<script" not in source


def test_csv_has_it_as_one_cell(site):
    found = 0
    for path in sorted((site / "out" / "data").glob("*.csv")):
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
        assert len({len(row) for row in rows}) == 1, path.name
        found += sum(cell == NASTY for row in rows for cell in row)
    assert found > 5


def test_the_spreadsheet_has_it_as_one_cell(site):
    book = openpyxl.load_workbook(site / "out" / "data" / FILE)
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert sum(cell.value == NASTY for cell in cells) > 5
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert all(cell.hyperlink.location for cell in cells if cell.hyperlink), "only links to its own sheets"
    assert NASTY in book.properties.title


def test_the_pdf_has_it_in_its_outline_and_runs_nothing(site):
    (path,) = (site / "out").glob("*.pdf")
    with pikepdf.open(path) as pdf:
        with pdf.open_outline() as outline:
            titles = [item.title for top in outline.root for item in (top, *top.children)]
        assert any(straight(NASTY) in straight(title) for title in titles)
        assert "/JavaScript" not in pdf.Root.get("/Names", {})
        assert "/OpenAction" not in pdf.Root or pdf.Root.OpenAction.get("/S") != "/JavaScript"
        assert not [item for item in pdf.objects if isinstance(item, pikepdf.Dictionary) and item.get("/S") == "/JavaScript"]


def test_a_table_of_a_notebook_prints_it(tmp_path):
    """What JupyterLab and Quarto get is Markdown; a reader of Markdown that passes raw HTML through finds none."""
    table = ReportTable(caption=NASTY, header=("Area", NASTY), rows=((NASTY, "1"), ("=1", "[x]")), notes=(NASTY,))
    shown = table._repr_mimebundle_()
    assert "text/html" not in shown
    for reader in ("markdown", "gfm", "commonmark_x"):
        made = pypandoc.convert_text(shown["text/markdown"], "html", format=reader)
        assert "<script" not in made, reader
        text = unescape(re.sub(r"<[^>]+>", "", made))
        assert straight(text).count(straight(NASTY)) == 3, reader

"""One spreadsheet with every table of the report: accessible, numeric where numbers are, the same bytes each time."""

import csv
import datetime as dt
import io
import re
import textwrap
import zipfile
from dataclasses import replace

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import OUTCOMES, make_all
from lxml import html
from report.invented_book import DESIGN, EDITION, assemble

from evaluation.contracts.csv_text import neutralise
from evaluation.errors import ReportError
from evaluation.report import book as book_module
from evaluation.report.binder import Binder
from evaluation.report.counts import PLANNED
from evaluation.report.embedded import render_book
from evaluation.report.material import SYNTHETIC_NOTE
from evaluation.report.tables import ReportTable, plain_spaces, read_number, to_csv
from evaluation.report.workbook import FILE, LANGUAGE, LONGEST, Cover, write_workbook
from evaluation.synthesis import conclude_all

PROSE = {"Verdicts, in the order in which the rules apply"}
"""Tables that are text of a chapter, the same in every report."""
COVER = Cover(title="Invented tables", about=("About.",), contact=("Nobody.",), date=dt.date(2026, 3, 2), mark="SYNTHETIC DATA.")
TABLE = ReportTable(
    caption="Invented [Xx](y) table",
    header=("Area", "Value", "Money", "value"),
    rows=(
        ('<script>alert(1)</script> & "Môn" | $x$ *_', "\u22121,234.50", "£10,000", "1"),
        ("=SUM(A1)", "[x]", "[u]", "-2"),
        ("مرحبا", "2024", "£1", "@x"),
        ("[Aa](javascript:1) $$x$$ [Bb](c)", "0.30", "£2.50", "-x"),
    ),
    numeric=frozenset({"Value", "Money"}),
    notes=("One note.", "Another [Xx](y) note $$x$$.", ""),
)


def read(content: bytes):
    return openpyxl.load_workbook(io.BytesIO(content))


def body(sheet) -> list[list]:
    """Cells of the one table of a sheet, header first."""
    (reference,) = sheet.tables.items()
    return [[cell.value for cell in row] for row in sheet[reference[1]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The book of an invented run with the tables its binder kept, and its site."""
    folder = tmp_path_factory.mktemp("workbook")
    kept: list[ReportTable] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book_module, "write_workbook", lambda tables, cover: kept.extend(tables) or write_workbook(tables, cover))
        book = assemble(folder)
    render_book(book.root, folder / "out", formats=("html",))
    return folder, kept, read((folder / "out" / "data" / FILE).read_bytes())


def test_the_sheets_are_a_cover_contents_notes_and_the_tables(made):
    _, tables, book = made
    assert book.sheetnames == ["Cover", "Contents", "Notes", *(f"Table_{n}" for n in range(1, len(tables) + 1))]
    assert len(tables) > 30
    cover = [row[0] for row in book["Cover"].iter_rows(values_only=True)]
    assert SYNTHETIC_NOTE in cover
    assert "[x] not available" in cover
    assert any(DESIGN.sha256 in text for text in cover)
    assert "Contact: not given in this release" in cover


def test_contents_link_to_every_sheet_under_its_title(made):
    _, tables, book = made
    sheet = book["Contents"]
    rows = body(sheet)
    assert rows[0] == ["Sheet", "What it holds"]
    assert [row[0] for row in rows[1:]] == book.sheetnames[2:]
    for (name, title), table in zip(rows[2:], tables, strict=True):
        assert title == book[name]["A1"].value
        assert title.startswith(f"Table {name.removeprefix('Table_')}: {plain_spaces(table.caption)}")
    links = {cell.value: cell.hyperlink.location for row in sheet.iter_rows() for cell in row if cell.hyperlink}
    assert links == {name: f"'{name}'!A1" for name in book.sheetnames[2:]}


def test_every_table_is_there_with_its_cells(made):
    _, tables, book = made
    for number, table in enumerate(tables, start=1):
        header, *rows = body(book[f"Table_{number}"])
        assert header == [plain_spaces(name) for name in table.header], table.caption
        assert len(rows) == len(table.rows)
        for found, row in zip(rows, table.rows, strict=True):
            for name, cell, text in zip(table.header, found, row, strict=True):
                number_text = read_number(text.removeprefix("£")) if name in table.numeric else None
                if number_text is None:
                    assert cell == neutralise(plain_spaces(text)), table.caption
                else:
                    assert isinstance(cell, (int, float))
                    assert cell == float(number_text), table.caption


def test_every_table_of_the_pages_and_every_csv_of_a_table_is_in_it(made):
    folder, tables, _ = made
    captions = {" ".join(table.caption.split()) for table in tables}
    figures = 0
    for page in sorted((folder / "out").rglob("*.html")):
        for found in html.parse(page).getroot().xpath("//main//table"):
            (title,) = found.xpath("./caption | ancestor::figure[1]/figcaption")
            words = re.sub(r"^(Table|Figure) [A-Z0-9.]+: ", "", " ".join(title.text_content().replace("’", "'").split()))
            words = words.replace("“", '"').replace("”", '"')
            if words.startswith("Data: "):
                # The page shows the latest periods of a long series, the spreadsheet all of them.
                figures += 1
                assert re.sub(r", the latest \d+ periods$", "", words) in captions, page.name
            elif words not in PROSE:
                assert words in captions, page.name
    assert figures > 10, "data behind figures are there, too"
    shapes = {to_csv(table) for table in tables}
    for path in sorted((folder / "book" / "data").glob("table-*.csv")):
        assert path.read_text("utf-8") in shapes, path.name


def test_what_the_pages_conclude_is_in_it_word_for_word(made):
    _, _, book = made
    header, *rows = body(book["Table_1"])
    assert header == ["Area", "Outcome", "Verdict", "Conclusion", "Why"]
    wanted = conclude_all(make_all(DESIGN, synthetic=True), DESIGN, OUTCOMES)
    assert len(rows) == len(wanted)
    assert {row[3] for row in rows} == {plain_spaces(item.sentence) for item in wanted}


def test_sheets_are_accessible(made):
    _, _, book = made
    names = set()
    for sheet in book.worksheets:
        assert not sheet.merged_cells.ranges
        assert sheet["A1"].value
        assert sheet.sheet_state == "visible"
        filled = [any(cell.value is not None for cell in row) for row in sheet.iter_rows()]
        assert all(filled), f"{sheet.title} has a blank row"
        assert not sheet.column_dimensions["A"].hidden
        if sheet.title == "Cover":
            continue
        ((name, reference),) = sheet.tables.items()
        assert name not in names
        names.add(name)
        assert reference.startswith("A")
        assert reference.endswith(f"{sheet.max_row}"), "nothing stands below the table"
        cells = body(sheet)
        assert all(cell not in (None, "") for row in cells for cell in row), sheet.title
        assert len({str(text).casefold() for text in cells[0]}) == len(cells[0])
        assert sheet["A2"].value == SYNTHETIC_NOTE


def test_shorthand_has_its_legend_and_notes_their_numbers(made):
    _, tables, book = made
    numbers = {text: number for number, text in body(book["Notes"])[1:]}
    assert list(numbers.values()) == list(range(1, len(numbers) + 1))
    for number, table in enumerate(tables, start=1):
        sheet = book[f"Table_{number}"]
        above = [row[0] for row in sheet.iter_rows(max_row=5, values_only=True)]
        assert not table.legend or table.legend in above
        references = [int(n) for n in re.findall(r"\[note ([0-9]+)\]", sheet["A1"].value)]
        assert references == [numbers[plain_spaces(note)] for note in table.notes if note.strip()]


def test_title_and_language_are_set(made):
    _, _, book = made
    assert book.properties.language == LANGUAGE == "en-GB"
    assert book.properties.title == f"SYNTHETIC DATA. {DESIGN.title}: every table of the report"
    assert book.properties.modified == book.properties.created == dt.datetime(2026, 10, 14)


def test_the_front_page_and_the_annex_link_to_it(made):
    folder = made[0]
    for page in ("index.html", "annex/specifications.html"):
        links = html.parse(folder / "out" / page).getroot().xpath("//main//a[contains(@href, '.xlsx')]")
        assert [link.text_content() for link in links] == ["Download every table of this report as one spreadsheet (XLSX)"]
        assert ((folder / "out" / page).parent / links[0].get("href")).resolve() == (folder / "out" / "data" / FILE).resolve()


def test_real_data_carry_no_synthetic_mark(tmp_path):
    book = assemble(tmp_path, synthetic=False, edition=replace(EDITION, contact="desk@example.org"))
    workbook = read((book.root / "data" / FILE).read_bytes())
    texts = [str(cell) for sheet in workbook.worksheets for row in sheet.iter_rows(values_only=True) for cell in row]
    assert not [text for text in texts if "SYNTHETIC" in text]
    assert "Contact: desk@example.org" in texts


def test_equal_tables_give_equal_bytes_whatever_the_clock(monkeypatch):
    first = write_workbook([TABLE], COVER)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert write_workbook([TABLE], COVER) == first
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert {item.date_time for item in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert parts.testzip() is None


def test_numbers_are_numbers_shown_as_the_report_writes_them():
    sheet = read(write_workbook([TABLE], COVER))["Table_1"]
    cells = {cell.value: cell for row in sheet[sheet.tables["report_table_1"].ref] for cell in row}
    shown = {-1234.5: "#,##0.00", 2024: "0", 0.3: "0.00", 10000: "[$£-809]#,##0", 2.5: "[$£-809]0.00"}
    for number, pattern in shown.items():
        assert (cells[number].data_type, cells[number].number_format) == ("n", pattern)
        assert cells[number].alignment.horizontal == "right"
    assert cells["1"].data_type == "s", "a column that is not numeric holds texts"


def test_nothing_in_a_cell_or_title_is_run_linked_or_lost():
    content = write_workbook([TABLE], COVER)
    sheet = read(content)["Table_1"]
    header, *rows = body(sheet)
    assert header == ["Area", "Value", "Money", "value (2)"], "a spreadsheet's columns differ also in small letters"
    assert [row[0] for row in rows] == [
        '<script>alert(1)</script> & "Môn" | $x$ *_', "'=SUM(A1)", "مرحبا", "[Aa](javascript:1) $$x$$ [Bb](c)",
    ]  # fmt: skip
    assert [row[3] for row in rows] == ["1", "-2", "'@x", "'-x"]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.hyperlink or cell.data_type == "f"]
    assert sheet["A1"].value == "Table 1: Invented [Xx] (y) table [note 1] [note 2]"
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert not [name for name in parts.namelist() if "vba" in name.lower() or "externalLink" in name]
        assert not re.search(rb"<f>|javascript:1&quot;|Target=\"http", parts.read("xl/worksheets/sheet4.xml"))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=12).filter(str.strip), st.integers(-(10**6), 10**6)), min_size=1, max_size=5)
)
def test_any_names_and_numbers_come_back(pairs):
    rows = []
    for name, number in pairs:
        try:
            ReportTable(caption="Any", header=("Name",), rows=((name,),))
        except ValueError:  # what looks like a shorthand and is none is refused for every edition of the report
            continue
        if re.search(r"[\x00-\x1f\ufffe\uffff\ud800-\udfff]", name):  # XML has no such characters
            continue
        rows.append((name, f"{number:,}".replace("-", "\u2212")))
    if not rows:
        return
    table = ReportTable(caption="Any", header=("Name", "Number"), rows=tuple(rows), numeric=frozenset({"Number"}))
    _, *found = body(read(write_workbook([table], COVER))["Table_1"])
    assert [row[0] for row in found] == [neutralise(plain_spaces(name)) for name, _ in rows]
    assert [row[1] for row in found] == [int(read_number(number)) for _, number in rows]
    text = list(csv.reader(io.StringIO(to_csv(table))))[1:]
    assert [row[0] for row in text] == [row[0] for row in found], "the CSV and the spreadsheet have the same cells"


def test_a_text_that_no_cell_holds_is_refused():
    long = replace(TABLE, rows=(("a" * (LONGEST + 1), "1", "£1", "x"),))
    with pytest.raises(ReportError, match=r"32,768 characters, and a spreadsheet holds 32,767"):
        write_workbook([long], COVER)


def test_of_two_tables_with_one_title_the_longer_is_kept():
    binder = Binder()
    short = replace(TABLE, rows=TABLE.rows[:1])
    for table in (short, TABLE, short, replace(TABLE, caption="Other")):
        binder.keep(table)
    assert [(table.caption, len(table.rows)) for table in binder.tables] == [(TABLE.caption, 4), ("Other", 4)]


ESTIMATED = re.compile(r"(In|Next door|Both together|In the area), ?people|In people|Cost for each person.*")
"""Columns of differences in people, and of money."""


def test_every_column_of_people_is_a_declared_count_an_estimate_or_a_plan(made):
    _, tables, _ = made
    about = re.compile(r"\b(people|persons?|residents|households|families|claimants|employees)\b", re.IGNORECASE)
    undeclared, found = [], set()
    for table in tables:
        counted = {column for counts in table.counts for column in counts.columns}
        for name in table.header:
            if about.search(name) and name not in counted and "source" not in name.casefold():
                found.add(name)
                if name != PLANNED and not ESTIMATED.fullmatch(name):
                    undeclared.append((table.caption, name))
    assert undeclared == []
    assert {PLANNED, "In people"} <= found


def test_no_line_lies_over_another_and_no_column_is_wider_than_its_words_need(made):
    _, _, book = made
    for sheet in book.worksheets[1:]:
        ((_, reference),) = sheet.tables.items()
        across = {at: item.width for item in sheet.column_dimensions.values() for at in range(item.min, item.max + 1)}
        for row in sheet[reference]:
            widths = [across[cell.column] for cell in row]
            lines = [len(textwrap.wrap(str(cell.value), int(width))) for cell, width in zip(row, widths, strict=True)]
            height = sheet.row_dimensions[row[0].row].height or 15
            assert height >= min(409, 14 * max(lines)), (sheet.title, row[0].row, lines)
            assert all(cell.alignment.vertical == "top" and cell.alignment.wrap_text for cell in row), sheet.title
            assert min(widths) > 10
            assert max(widths) < 95


def test_a_sheet_prints_as_wide_as_the_page_with_its_header_on_each(made):
    _, tables, book = made
    for sheet in book.worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.freeze_panes is None
    for number, table in enumerate(tables, start=1):
        sheet = book[f"Table_{number}"]
        (rows,) = re.findall(r"\$([0-9]+):\$([0-9]+)", sheet.print_title_rows)
        assert rows[0] == rows[1]
        assert sheet.cell(int(rows[0]), 1).value == plain_spaces(table.header[0])

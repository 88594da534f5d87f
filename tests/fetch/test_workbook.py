"""The PAYE RTI workbook: found on its page, its sheets found by their header, or a refusal that lists what there is."""

import io

import openpyxl
import pytest
import statistics_service as faulty

from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.build import build_panel, check_data
from evaluation.panel.readers import read_published
from evaluation.panel.vintages import list_vintages

SOURCE = "ons_paye_rti"


@pytest.fixture
def read(tmp_path, contracts):
    def run(raw):
        path = tmp_path / "rtisajul2026.xlsx"
        path.write_bytes(raw)
        return read_published(path, contracts.sources[SOURCE], contracts)

    return run


@pytest.mark.parametrize("header", ["codes above", "codes below"])
def test_from_the_page_to_a_panel(fetch, service, data, contracts, areas, header):
    service.workbook = faulty.rti_workbook(areas, header=header)
    (result,) = fetch(SOURCE)
    assert result.state == "new", result.error
    assert check_data(data, contracts, [SOURCE]).is_sound
    frame = build_panel(data, contracts, ["payrolled_employees"]).frame
    assert len(frame) == 350 * 3
    first = frame[frame["area_code"] == areas[0][0]]
    assert first["value"].tolist() == [1_000, 1_001, 1_002]
    assert first["period"].tolist() == ["2026-05", "2026-06", "2026-07"]
    (vintage,) = list_vintages(data)
    assert vintage.record.tables[0].file == "ons_paye_rti-001.xlsx"
    assert "rtisajul2026.xlsx from" in vintage.record.notes[0]


def test_rows_lines_and_what_the_sheet_says_of_adjustment(read, areas):
    reading = read(faulty.rti_workbook(areas[:2]))
    frame = reading.table.frame
    assert frame["measure"].unique().tolist() == ["employees", "median_pay"]
    assert set(frame["adjustment"]) == {"not seasonally adjusted"}
    assert reading.table.line.tolist() == [6, 6, 7, 7, 8, 8] * 2
    assert set(frame["sheet"]) == {"19. Employees (LA)", "20. Median pay (LA)"}


def test_a_sheet_under_another_name_and_number_is_found(read, areas):
    frame = read(faulty.rti_workbook(areas[:3], sheet="25. Staff (local)")).table.frame
    assert set(frame["sheet"][frame["measure"] == "employees"]) == {"25. Staff (local)"}


def test_the_second_page_is_looked_at_where_the_first_has_no_such_sheet(fetch, service, data, areas):
    regions = faulty.rti_workbook(areas, header="no codes")
    service.workbook = faulty.rti_workbook(areas)
    service.faults = [("/file", lambda h: h.give(200, "application/octet-stream", regions))]
    (result,) = fetch(SOURCE)
    assert result.state == "new", result.error
    notes = list_vintages(data)[0].record.notes
    assert "nonseasonallyadjusted" in notes[0]
    assert "has no sheet by local authority; its sheets are 'Contents'" in notes[1]


def test_between_two_quarters_the_link_in_the_newest_edition_is_followed(fetch, service, data, contracts, areas):
    """In these months the newest edition has a link where the figures by local authority were."""
    home = f"{service.address}/file?uri=/employment/datasets/nonseasonallyadjusted"
    links = [f"{home}/june2026/rtinsajun2026.xlsx", "https://elsewhere.invalid/rtinsa.xlsx", f"{home}/notes.html"]
    service.workbook = faulty.rti_workbook(areas, header="no codes", links=links)
    service.workbooks["rtinsajun2026.xlsx"] = faulty.rti_workbook(areas)
    (result,) = fetch(SOURCE)
    assert result.state == "new", result.error
    assert build_panel(data, contracts, ["payrolled_employees"]).frame["area_code"].nunique() == 350
    (vintage,) = list_vintages(data)
    assert vintage.record.notes[0] == "rtinsajun2026.xlsx from a link in rtisajul2026.xlsx"
    assert fetch(SOURCE)[0].state == "unchanged"
    assert fetch(SOURCE, offline=True)[0].state == "replayed"


def test_links_in_a_ring_end(fetch, service, areas):
    home = f"{service.address}/file?uri=/employment/datasets"
    service.workbook = faulty.rti_workbook(areas, header="no codes", links=[f"{home}/{n}.xlsx" for n in range(9)])
    (result,) = fetch(SOURCE)
    assert result.exit_code == 3
    assert result.error.count("has no sheet by local authority") == 5


def test_without_the_header_it_fails_loudly(fetch, service, data, areas):
    service.workbook = faulty.rti_workbook(areas, header="no codes")
    (result,) = fetch(SOURCE)
    assert result.exit_code == 3
    assert result.error.count("has no sheet by local authority") == 2
    assert "'19. Employees (LA)' (Table 19: Payrolled employees by local authority)" in result.error
    assert list_vintages(data) == ()


def test_the_reader_alone_fails_loudly_too(read, areas):
    with pytest.raises(DataError, match=r"no sheet has area codes of local authorities .*its sheets are 'Contents' \(SYNTHETIC"):
        read(faulty.rti_workbook(areas[:3], header="no codes"))


def test_two_sheets_of_one_measure_are_refused(read, areas):
    raw = faulty.rti_workbook(areas[:3], title="Table 19: Median pay, mean pay and so on")
    with pytest.raises(DataError, match="cannot be told which sheet by local authority holds what"):
        read(raw)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("/nothing", "the page has 0 links of this site"),
        ("https://elsewhere.invalid/file?uri=/x/current/rtisajul2026.xlsx", "the page has 0 links of this site"),
        ('/file?uri=/x/current/a.xlsx">a</a><a href="/file?uri=/x/current/b.xlsx', "the page has 2 links of this site"),
    ],
)
def test_a_page_without_exactly_one_link_is_refused(fetch, service, link, words):
    service.link = link
    (result,) = fetch(SOURCE)
    assert result.exit_code == 3
    assert words in result.error


@pytest.mark.parametrize("share", [0.3, 0.99])
def test_a_spreadsheet_that_breaks_off_is_refused(fetch, service, data, areas, share):
    raw = faulty.rti_workbook(areas)
    service.workbook = raw[: int(len(raw) * share)]
    (result,) = fetch(SOURCE)
    assert "is not a whole spreadsheet" in result.error
    assert list_vintages(data) == ()


def test_a_suppressed_and_an_unknown_marker(read, areas, contracts, fetch, service, data):
    book = openpyxl.load_workbook(io.BytesIO(faulty.rti_workbook(areas)))
    book["19. Employees (LA)"]["B6"] = "[c]"
    stream = io.BytesIO()
    book.save(stream)
    service.workbook = stream.getvalue()
    assert fetch(SOURCE)[0].state == "new"
    frame = build_panel(data, contracts, ["payrolled_employees"]).frame
    assert frame[frame["value"].isna()]["flag"].tolist() == ["suppressed"]
    book["19. Employees (LA)"]["B6"] = "[zz]"
    stream = io.BytesIO()
    book.save(stream)
    service.workbook = stream.getvalue()
    (result,) = fetch(SOURCE)
    assert "'[zz]' is not a number" in result.error
    assert "are kept in fetched/ons_paye_rti/refused/" in result.error


def test_macros_are_refused(read, areas):
    import zipfile

    stream = io.BytesIO(faulty.rti_workbook(areas[:3]))
    with zipfile.ZipFile(stream, "a") as parts:
        parts.writestr("xl/vbaProject.bin", b"x")
    with pytest.raises(ConfigurationError, match="holds macros"):
        read(stream.getvalue())

"""Readers: small files in each published layout, with what is wrong with the published ones. All values are invented."""

import gzip
import re
import zipfile

import openpyxl
import pytest
from panel.published import MEASURES, NOMIS_SURVEY, csv_text, survey_file, survey_rows

from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.readers import READERS, nomis_sheet, read_published

# ---------------------------------------------------------------- registry


def test_every_reader_a_contract_names_is_there(contracts):
    assert {source.reader for source in contracts.sources.values()} <= set(READERS)


def test_every_reader_serves_a_contract(contracts):
    assert set(READERS) <= {source.reader for source in contracts.sources.values()}


def test_an_unknown_reader_is_refused_with_the_nearest(tmp_path, contracts):
    from dataclasses import replace

    source = replace(contracts.sources["nomis_aps"], reader="nomis_surveys")
    with pytest.raises(ConfigurationError, match="there is no reader 'nomis_surveys'; did you mean nomis_survey"):
        read_published(tmp_path / "x.csv", source, contracts)


# ---------------------------------------------------------------- ONS


EARLIER = (
    "\ufeffAREACD,AREANM,Geography,Variable Name,Indicator,Period,Observation,Measure,Unit,Lower Confidence Interval (95%),"
    "Upper Confidence Interval (95%),Observation Status,Polarity,Notes\n"
    "E08000016,Barnsley,Local Authority District,Claimant Count,Claimant Count,2001,2.8,Percentage,%,,,,1,\n"
    "E06000053,Isles of Scilly,Local Authority District,Claimant Count,Claimant Count,2001,,Percentage,%,,,x,1,\n"
)
PRESENT = (
    "\ufeffareacd,areanm,geography,indicator,period,observation,measure,unit,lci_95,uci_95,status,notes\n"
    "E08000016,Barnsley,Local Authority District,Claimant Count,2001-01-01/P1Y,2.6,Percentage,%,,,,Obsolete code since 2025\n"
)


def test_both_ons_layouts_have_one_set_of_names(tmp_path, contracts):
    source = contracts.sources["ons_explore_local_statistics"]
    for name, text in (("ons_els_a_2024-11.csv", EARLIER), ("ons_els_a_2026-01.csv", PRESENT)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    old = read_published(tmp_path / "ons_els_a_2024-11.csv", source, contracts).table
    new = read_published(tmp_path / "ons_els_a_2026-01.csv", source, contracts).table
    assert set(new.frame.columns) <= set(old.frame.columns)
    assert set(old.frame.columns) - set(new.frame.columns) == {"variable_name", "polarity"}
    assert old.frame["observation"].tolist() == ["2.8", ""]
    assert old.frame["status"].tolist() == ["", "x"]
    assert old.line.tolist() == [2, 3]
    assert new.frame["period"].tolist() == ["2001-01-01/P1Y"]


def test_a_merge_mark_is_kept_with_its_line_and_gzip_is_read(tmp_path, contracts):
    text = EARLIER + "<<<<<<< HEAD\n" + EARLIER.split("\n")[1] + "\n"
    path = tmp_path / "ons_ess_2024-06.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    table = read_published(path, contracts.sources["ons_explore_local_statistics"], contracts).table
    assert table.frame["areacd"].tolist() == ["E08000016", "E06000053", "<<<<<<< HEAD", "E08000016"]
    assert table.line.tolist() == [2, 3, 4, 5]


def test_an_ons_file_without_a_column_is_refused_by_name(tmp_path, contracts):
    path = tmp_path / "ons_els_x.csv"
    path.write_text(PRESENT.replace("observation", "Observations"), encoding="utf-8")
    with pytest.raises(DataError, match=r"ons_els_x.csv:1: observation: the column is missing; did you mean Observations"):
        read_published(path, contracts.sources["ons_explore_local_statistics"], contracts)


def test_an_ons_file_of_both_layouts_at_once_is_refused(tmp_path, contracts):
    path = tmp_path / "ons_els_x.csv"
    path.write_text(PRESENT.replace("notes\n", "Notes,notes\n").replace("2025\n", "2025,\n"), encoding="utf-8")
    with pytest.raises(DataError, match="mixes the earlier and the present layout"):
        read_published(path, contracts.sources["ons_explore_local_statistics"], contracts)


# ---------------------------------------------------------------- Nomis answers


def test_measures_of_the_survey_come_side_by_side(tmp_path, contracts):
    cells = [
        ("2026-03", "E08000016", "Barnsley", "111", "21003", "4.6", ""),
        ("2026-03", "E08000016", "Barnsley", "111", "20599", "24.1", ""),
        ("2026-03", "E08000016", "Barnsley", "111", "21001", "36200", ""),
        ("2026-03", "E08000016", "Barnsley", "111", "21002", "150200", ""),
        ("2026-03", "E08000016", "Barnsley", "45", "20599", "71.0", ""),
        ("2026-03", "E09000001", "City of London", "111", "20599", "", "These figures are missing."),
    ]
    path = survey_file(tmp_path / "nomis_aps.csv", cells)
    table = read_published(path, contracts.sources["nomis_aps"], contracts).table
    names = ["period", "area_code", "variable", "value", "numerator", "denominator", "half_width", "status"]
    assert table.frame[names].values.tolist() == [
        ["2026-03", "E08000016", "111", "24.1", "36200", "150200", "4.6", ""],
        ["2026-03", "E08000016", "45", "71.0", "", "", "", ""],
        ["2026-03", "E09000001", "111", "", "", "", "", "These figures are missing"],
    ]
    # the line of the rate, not of the measure that happens to come first
    assert table.line.tolist() == [3, 6, 7]
    assert set(table.frame.columns) == {column.name for column in contracts.sources["nomis_aps"].columns}


def test_a_cut_answer_is_refused(tmp_path, contracts):
    rows = survey_rows([("2026-03", "E08000016", "Barnsley", "111", measure, "1", "") for measure in MEASURES])
    for row in rows:
        row["RECORD_COUNT"] = "25001"
    path = tmp_path / "nomis_aps.csv"
    path.write_text(csv_text(NOMIS_SURVEY, [list(row.values()) for row in rows]), encoding="utf-8", newline="")
    with pytest.raises(
        DataError, match=r"nomis_aps.csv:5: RECORD_COUNT: the service has 25001 rows .* the file has 4, .*25,000 rows"
    ):
        read_published(path, contracts.sources["nomis_aps"], contracts)


def test_answers_joined_to_one_file_are_refused(tmp_path, contracts):
    rows = survey_rows([("2026-03", "E08000016", "Barnsley", "111", "20599", "1", "")])
    rows += survey_rows([("2026-03", "E08000016", "Barnsley", "45", measure, "1", "") for measure in ("20599", "21003")])
    path = tmp_path / "nomis_aps.csv"
    path.write_text(csv_text(NOMIS_SURVEY, [list(row.values()) for row in rows]), encoding="utf-8", newline="")
    with pytest.raises(DataError, match="the service has 1, 2 rows"):
        read_published(path, contracts.sources["nomis_aps"], contracts)


def test_repeated_rows_and_unknown_measures_are_refused_together(tmp_path, contracts):
    cells = [("2026-03", "E08000016", "Barnsley", "111", m, "1", "") for m in ("20599", "20599", "20701")]
    path = survey_file(tmp_path / "nomis_aps.csv", cells)
    with pytest.raises(DataError) as caught:
        read_published(path, contracts.sources["nomis_aps"], contracts)
    text = str(caught.value)
    assert re.search(r"nomis_aps.csv:4: MEASURES_NAME: measure 20701 'Other' is not expected; the measures are 20599", text)
    assert re.search(r"nomis_aps.csv:3: DATE 2026-03, GEOGRAPHY_CODE E08000016, .* stands in line 2 already .*1 row", text)


def test_a_measure_under_another_name_is_refused(tmp_path, contracts, monkeypatch):
    monkeypatch.setitem(MEASURES, "21003", "Standard error")
    path = survey_file(tmp_path / "nomis_aps.csv", [("2026-03", "E08000016", "Barnsley", "111", "21003", "4", "")])
    with pytest.raises(DataError, match="measure 21003 'Standard error' is not expected; 21003 is called 'Confidence'"):
        read_published(path, contracts.sources["nomis_aps"], contracts)


def test_an_answer_without_its_count_is_refused(tmp_path, contracts):
    cells = [("2026-03", "E08000016", "Barnsley", "111", "20599", "24.1", "")]
    path = survey_file(tmp_path / "nomis_aps.csv", cells, columns=[c for c in NOMIS_SURVEY if not c.startswith("RECORD_")])
    with pytest.raises(DataError) as caught:
        read_published(path, contracts.sources["nomis_aps"], contracts)
    assert "RECORD_COUNT: the column is missing" in str(caught.value)
    assert "RECORD_OFFSET: the column is missing" in str(caught.value)


def count_rows(measures="20100"):
    common = {"DATE": "2026-07", "GEOGRAPHY_NAME": "Barnsley", "GEOGRAPHY_CODE": "E08000016", "GEOGRAPHY_TYPE": "districts"}
    common |= {"GENDER": "0", "GENDER_NAME": "Total", "AGE": "0", "AGE_NAME": "All categories: Age 16+"}
    answers = [("1", "Claimant count", "5010"), ("2", "Claimants as a proportion of residents aged 16-64", "3.3")]
    rows = []
    for offset, (measure, name, value) in enumerate(answers):
        rows.append(
            common
            | {"MEASURE": measure, "MEASURE_NAME": name, "MEASURES": measures, "MEASURES_NAME": "Value", "OBS_VALUE": value}
            | {"OBS_STATUS": "A", "OBS_STATUS_NAME": "Normal Value", "OBS_CONF": "F", "OBS_CONF_NAME": "Free"}
            | {"RECORD_OFFSET": str(offset), "RECORD_COUNT": "2"}
        )
    return rows


def test_what_is_counted_and_how_it_is_expressed_are_not_confused(tmp_path, contracts):
    path = tmp_path / "NM_162_1.csv"
    rows = count_rows()
    path.write_text(csv_text(rows[0], [row.values() for row in rows]), encoding="utf-8", newline="")
    table = read_published(path, contracts.sources["nomis_claimant_count"], contracts).table
    assert table.frame[["period", "area_code", "gender", "age", "measure", "value", "status"]].values.tolist() == [
        ["2026-07", "E08000016", "0", "0", "1", "5010", ""],
        ["2026-07", "E08000016", "0", "0", "2", "3.3", ""],
    ]
    assert {c.name for c in contracts.sources["nomis_claimant_count"].columns} <= set(table.frame.columns)
    rows = count_rows("20701")
    path.write_text(csv_text(rows[0], [row.values() for row in rows]), encoding="utf-8", newline="")
    with pytest.raises(DataError, match=r"NM_162_1.csv:2: MEASURES: '20701' is not 20100 \(value\) \(rule measures; 2 row"):
        read_published(path, contracts.sources["nomis_claimant_count"], contracts)


# ---------------------------------------------------------------- Nomis spreadsheets


def sheet(path, *, confidence="Standard error as a percentage of the figure", change=None, second_sheet=False):
    book = openpyxl.Workbook()
    page = book.active
    rows = [
        ["annual survey of hours and earnings - resident analysis"],
        ["ONS Crown Copyright Reserved [from Nomis on 5 December 2024]"],
        [],
        ["date", 2024],
        ["sex", "Total"],
        ["pay", "Annual pay - gross"],
        ["confidence", confidence],
        [],
        ["local authority", None, "Number of jobs", None, "Median"],
        [None, None, "number", "conf %", "number", "conf %"],
        ["Barnsley", "E08000016", 90000, 4.0, 30000, 2.5],
        ["Isles of Scilly", "E06000053", "#", "#", "-", "-"],
        ["Column Total", None, "-", "-", "-", "-"],
        [],
        ["# These figures are suppressed as statistically unreliable."],
    ]
    if change:
        change(rows)
    for row in rows:
        page.append(row)
    if second_sheet:
        book.create_sheet("Notes")
    book.save(path)
    return path


def test_a_sheet_becomes_one_row_an_area_and_variable(tmp_path, contracts):
    reading = read_published(sheet(tmp_path / "nomis_ashe_a.xlsx"), contracts.sources["nomis_spreadsheet"], contracts)
    table = reading.table
    assert table.frame[["area_code", "period", "variable", "value", "standard_error", "sex", "pay"]].values.tolist() == [
        ["E08000016", "2024", "Number of jobs", "90000", "3600.0", "Total", "Annual pay - gross"],
        ["E08000016", "2024", "Median", "30000", "750.0", "Total", "Annual pay - gross"],  # 2.5% of 30,000
        ["E06000053", "2024", "Number of jobs", "#", "#", "Total", "Annual pay - gross"],
        ["E06000053", "2024", "Median", "-", "-", "Total", "Annual pay - gross"],
    ]
    assert table.line.tolist() == [11, 11, 12, 12]
    assert reading.vintage == "5 December 2024"
    assert [note.split(":")[1] for note in reading.notes] == ["13", "15"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.__delitem__(3), "no line of the banner states the date"),
        (lambda rows: rows.__delitem__(9), "no header with 'number' below the variables"),
        (lambda rows: rows.__delitem__(slice(10, 12)), "no area stands below the header"),
        (lambda rows: rows[9].__setitem__(4, "percent"), "columns of 'Median' are not headed 'number' and 'conf %'"),
    ],
)
def test_a_sheet_of_another_layout_is_refused(tmp_path, contracts, change, words):
    path = sheet(tmp_path / "nomis_ashe_a.xlsx", change=change)
    with pytest.raises(DataError, match=words):
        read_published(path, contracts.sources["nomis_spreadsheet"], contracts)


def test_a_sheet_with_another_reliability_is_refused(tmp_path, contracts):
    path = sheet(tmp_path / "nomis_ashe_a.xlsx", confidence="95% confidence interval")
    with pytest.raises(DataError, match="the banner says '95% confidence interval' of the columns 'conf %'"):
        read_published(path, contracts.sources["nomis_spreadsheet"], contracts)


def test_several_sheets_need_a_name(tmp_path, contracts):
    from dataclasses import replace

    path = sheet(tmp_path / "nomis_ashe_a.xlsx", second_sheet=True)
    source = contracts.sources["nomis_spreadsheet"]
    with pytest.raises(ConfigurationError, match="has the sheets Sheet, Notes; name one"):
        read_published(path, source, contracts)
    assert len(read_published(path, replace(source, options={"sheet": "Sheet"}), contracts).table.frame) == 4
    with pytest.raises(DataError, match="there is no sheet 'Data'; the sheets are Sheet, Notes"):
        read_published(path, replace(source, options={"sheet": "Data"}), contracts)


def test_macros_and_files_that_are_no_workbook_are_refused(tmp_path, contracts):
    source = contracts.sources["nomis_spreadsheet"]
    path = sheet(tmp_path / "nomis_ashe_a.xlsx")
    with zipfile.ZipFile(path, "a") as parts:
        parts.writestr("xl/vbaProject.bin", b"x")
    with pytest.raises(ConfigurationError, match="macros or links to other files"):
        read_published(path, source, contracts)
    path.write_text("<!DOCTYPE html>")
    with pytest.raises(DataError, match="this is not a whole spreadsheet"):
        read_published(path, source, contracts)
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("a.txt", b"x")
    with pytest.raises(DataError, match="the spreadsheet cannot be read"):
        read_published(path, source, contracts)


# ---------------------------------------------------------------- Stat-Xplore


WIDE = (
    '"Month","November 2022","November 2022 - Annotations","December 2022 (r)","December 2022 - Annotations",""\n'
    '"National - Regional - LA - OAs",\n'
    '"Bristol, City of",15,,17,"b",\n'
    '"Denbighshire / Sir Ddinbych",..,,9,,\n'
    '"Unknown",1,,2,,\n'
    '"Total",16,,28,,\n'
)


def read_wide(tmp_path, contracts, text):
    path = tmp_path / "statxplore_households_on_uc.csv"
    path.write_text(text, encoding="utf-8")
    return read_published(path, contracts.sources["statxplore_households_on_uc"], contracts)


def test_a_wide_table_becomes_long(tmp_path, contracts):
    reading = read_wide(tmp_path, contracts, WIDE)
    assert reading.table.frame.values.tolist()[:4] == [
        ["Bristol, City of", "November 2022", "15", ""],
        ["Bristol, City of", "December 2022 (r)", "17", "b"],
        ["Denbighshire / Sir Ddinbych", "November 2022", "..", ""],
        ["Denbighshire / Sir Ddinbych", "December 2022 (r)", "9", ""],
    ]
    assert list(reading.table.frame.columns) == [c.name for c in contracts.sources["statxplore_households_on_uc"].columns]
    assert reading.table.line.tolist() == [3, 3, 4, 4, 5, 5, 6, 6]
    assert reading.notes == (
        "statxplore_households_on_uc.csv:2: 'National - Regional - LA - OAs' is a label or a footnote, not an area",
    )


def test_a_banner_and_a_footnote_around_the_wide_table_are_noted(tmp_path, contracts):
    reading = read_wide(tmp_path, contracts, '"Households on Universal Credit"\n\n' + WIDE + '\n"(c) Crown copyright"\n')
    assert reading.table.line[0] == 5
    assert "'Households on Universal Credit' stands above the table" in reading.notes[0]
    assert "10: '(c) Crown copyright' is a label or a footnote" in reading.notes[-1]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("December 2022 (r)", "November 2022", "csv:1: 'November 2022' in column 4 is the month of column 2"),
        ("December 2022 (r)", "Winter", "csv:1: 'Winter' in column 4 is neither a month"),
        ('"b",\n', '"b",7\n', "csv:3: '7' stands in column 6, which has no name"),
        ('17,"b",\n', "17\n", "csv:3: the row has 4 cells, the header 6"),
        ("2022", "22", "no row of months such as 'August 2015' was found"),
    ],
)
def test_a_wide_table_that_is_not_as_it_should_be_is_refused(tmp_path, contracts, old, new, words):
    with pytest.raises(DataError, match=re.escape(words)):
        read_wide(tmp_path, contracts, WIDE.replace(old, new))


def test_a_wide_table_without_areas_is_refused(tmp_path, contracts):
    with pytest.raises(DataError, match="no area stands below the header"):
        read_wide(tmp_path, contracts, "\n".join(WIDE.split("\n")[:2]) + "\n")


def test_a_workbook_whose_list_of_sheets_is_empty_is_refused(tmp_path, contracts, monkeypatch):
    path = sheet(tmp_path / "nomis_ashe_a.xlsx")
    monkeypatch.setattr(nomis_sheet, "read_sheets", lambda raw, file: iter(()))
    with pytest.raises(DataError, match=r"nomis_ashe_a\.xlsx: the workbook holds no sheet"):
        read_published(path, contracts.sources["nomis_spreadsheet"], contracts)

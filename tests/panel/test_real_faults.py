"""The faults that published files are known to have, one test or more for each of the twelve, on the files as published.

What is not here stands in test_published_files.py: suppressed cells (1), the wide layout (4, 5), vintages (6), the merge
mark (7), noise (9) and what repeats the districts (10). The files lie outside the repository: skipped where absent.
"""

import csv
import gzip
import io
import itertools
import re
import warnings
from collections import Counter
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest
from support_paths import SHARED

from evaluation.contracts.check import check_table, format_violations
from evaluation.design.donors import choose_donors
from evaluation.design.protocol import load_design
from evaluation.errors import DataError
from evaluation.fetch.compare import compare_vintages
from evaluation.panel.build import build_panel, check_data
from evaluation.panel.geography import match_area_names
from evaluation.panel.periods import exposure_share, parse_period, reference_window
from evaluation.panel.readers import read_published

UK = SHARED / "data" / "uk"
RAW = UK / "raw"
ELS = "ons_explore_local_statistics"
CLAIMANTS = "ons_els_claimant_count_2026-01.csv.gz"
SICKNESS = "ons_ess_inactive_sickness_2024-06_merge_conflict.csv.gz"

pytestmark = pytest.mark.skipif(not RAW.is_dir(), reason=f"the published files are not in {RAW}")


def unpacked(name):
    return gzip.decompress((RAW / name).read_bytes()).decode("utf-8-sig")


def folder_with(tmp_path, name, text):
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_1_and_7_after_the_merge_mark_437_cells_of_the_sickness_share_are_not_available(contracts):
    table = read_published(RAW / SICKNESS, contracts.sources[ELS], contracts).table
    frame = table.frame[~table.frame["areacd"].str.startswith("<<<<<<<")]
    assert len(table.frame) - len(frame) == 1
    assert not frame.duplicated(["areacd", "indicator", "period"]).any()
    authorities = frame[frame["areacd"].str.match("E0[6-9]|W06|S12")]
    empty = authorities["observation"] == ""
    assert (authorities["status"][empty] == "x").all()
    assert int(empty.sum()) == 437
    assert contracts.sources[ELS].markers["x"] == "not available"


def test_1_an_undeclared_marker_would_stop_the_file_and_not_become_a_number(contracts, tmp_path):
    """The real file with its markers of one authority changed to another publisher's."""
    text = unpacked("ons_els_employment_and_inactivity_2026-01.csv.gz")
    rows = list(csv.reader(io.StringIO(text)))
    status, value = rows[0].index("status"), rows[0].index("observation")
    for row in rows[1:]:
        if row[0] == "E06000053" and row[status] == "x":
            row[status], row[value] = "", "[c]"
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    folder = folder_with(tmp_path, "ons_els_employment_and_inactivity_2026-01.csv", stream.getvalue())
    with pytest.raises(DataError, match=r"E06000053.*") as error:
        build_panel(folder, contracts, ["inactivity_rate_annual"])
    assert "'[c]' is a suppression marker the contract does not declare" in str(error.value)


def test_2_northern_ireland_is_there_for_the_claimant_rate_from_2013_only_and_in_no_panel(contracts):
    def northern(name):
        frame = read_published(RAW / name, contracts.sources[ELS], contracts).table.frame
        rows = frame[frame["areacd"].str.startswith("N09")]
        return sorted({period[:4] for period in rows["period"][rows["observation"] != ""]})

    assert northern(CLAIMANTS)[0] == "2013"
    assert northern("ons_els_employment_and_inactivity_2026-01.csv.gz") == []
    panel = build_panel(RAW, contracts, ["claimant_rate_annual", "inactivity_rate_annual"])
    assert not panel.frame["area_code"].str.startswith("N").any()


@pytest.mark.parametrize("codes", ["as published", "the new ones"])
def test_3_south_yorkshire_has_its_four_members_under_either_code(contracts, tmp_path, codes):
    """Barnsley and Sheffield: a plain join on the other list of codes would lose two treated areas of four."""
    text = unpacked(CLAIMANTS)
    assert "Obsolete code since 2025" in text
    if codes == "the new ones":
        text = text.replace("E08000016,", "E08000038,").replace("E08000019,", "E08000039,")
        assert "E08000016" not in text.replace("E08000038", "").split("Obsolete")[0]
    folder = folder_with(tmp_path, "ons_els_claimant_count_2026-01.csv", text)
    frame = build_panel(folder, contracts, ["claimant_rate_annual"]).frame
    design = load_design(contracts, "economic-inactivity-trailblazers")
    place = next(unit for unit in design.treated if unit.code == "south-yorkshire")
    counts = frame[frame["area_code"].isin(place.members)].groupby("area_code")["value"].count()
    assert counts.to_dict() == dict.fromkeys(place.members, 25)
    assert len(place.members) == 4


def test_3_both_codes_in_one_file_are_refused(contracts, tmp_path):
    text = unpacked(CLAIMANTS)
    again = [line.replace("E08000016,", "E08000038,") for line in text.splitlines() if line.startswith("E08000016,")]
    folder = folder_with(tmp_path, "ons_els_claimant_count_2026-01.csv", text.rstrip("\n") + "\n" + "\n".join(again) + "\n")
    with pytest.raises(DataError, match="both give E08000016"):
        build_panel(folder, contracts, ["claimant_rate_annual"])


def test_3_authorities_made_by_mergers_have_their_whole_back_series(contracts):
    frame = build_panel(RAW, contracts, ["inactivity_rate_annual"]).frame
    merged = {
        "E06000063": "Cumberland",
        "E06000064": "Westmorland and Furness",
        "E06000065": "North Yorkshire",
        "E06000066": "Somerset",
    }
    counts = frame[frame["area_code"].isin(merged)].groupby("area_code")["value"].count()
    assert counts.to_dict() == dict.fromkeys(merged, 20)


def test_4_every_welsh_name_of_the_wide_table_is_in_two_languages_and_known(contracts):
    source = contracts.sources["statxplore_households_on_uc"]
    frame = read_published(RAW / "statxplore_households_on_uc_wide.csv", source, contracts).table.frame
    names = pd.Series(frame["area_name"].unique())
    codes = match_area_names(names, contracts).codes
    welsh = names[codes.fillna("").str.startswith("W06")]
    assert len(welsh) == 22
    register = {area.name for area in contracts.areas.values()}
    # a plain join by name would find these only
    assert not set(welsh) & register
    assert {"Denbighshire / Sir Ddinbych", "Neath Port Talbot / Castell-nedd Port Talbot"} <= set(welsh)


def rollout_rows():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
        book = openpyxl.load_workbook(RAW / "uc_full_service_rollout_by_la.xlsx", read_only=True)
    try:
        rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
    months = [parse_period(str(cell)).last for cell in rows[0][1:-1]]
    return [(str(row[0]), [m for m, mark in zip(months, row[1:-1], strict=True) if mark]) for row in rows[1:]]


def test_4_the_roll_out_mixes_three_forms_of_names_none_of_which_is_joined_by_name(contracts):
    names = [name for name, _ in rollout_rows()]
    forms = Counter(
        "council" if name.endswith("Council") else "borough of" if name.startswith("London Borough") else "bare" for name in names
    )
    assert min(forms.values()) > 5
    assert len(forms) == 3
    plain = {area.name for area in contracts.areas.values()}
    found = sum(name in plain for name in names)
    assert found < len(names) / 2
    # the register of exposures goes by code for every one of them
    rows = [item for item in contracts.exposures if item.programme == "universal_credit_full_service"]
    assert all(item.area_code in contracts.areas for item in rows)
    matched = match_area_names(pd.Series(names), contracts)
    assert matched.unknown  # a join by name is refused aloud, not silently short


def test_5_the_second_header_row_the_trailing_column_and_the_annotations_hold_no_figures(contracts):
    path = RAW / "statxplore_households_on_uc_wide.csv"
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    header = next(row for row in rows if "August 2015" in row)
    assert header[-1] == ""
    assert sum(cell.endswith(" - Annotations") for cell in header) == 90
    reading = read_published(path, contracts.sources["statxplore_households_on_uc"], contracts)
    assert any("National - Regional - LA - OAs" in note for note in reading.notes)
    assert set(reading.table.frame["annotation"]) == {""}
    assert not reading.table.frame["area_name"].str.contains("OAs").any()
    assert {"Unknown", "Total"} <= set(reading.table.frame["area_name"])


def test_5_a_month_twice_as_revised_and_provisional_is_refused(contracts, tmp_path):
    text = (RAW / "statxplore_households_on_uc_wide.csv").read_text("utf-8-sig")
    assert "December 2022 (r)" in text
    assert "November 2023 (p)" in text
    folder = folder_with(tmp_path, "statxplore_households_on_uc_wide.csv", text.replace("November 2023 (p)", "December 2022 (p)"))
    with pytest.raises(DataError, match=r"'December 2022 \(p\)' in column \d+ is the month of column \d+"):
        build_panel(folder, contracts, ["households_on_uc"])


def test_6_the_comparison_of_vintages_finds_the_redefinition(contracts):
    change = compare_vintages(
        RAW, contracts.sources[ELS], contracts, "ons_els_claimant_count_2024-11.csv.gz", "ons_els_claimant_count_2026-01.csv.gz"
    )
    (column,) = [item for item in change.columns if item.column == "observation"]
    assert (column.common, column.moved) == (9_407, 7_842)
    assert column.largest == pytest.approx(4.6, abs=1e-9)
    kingdom = next(c for c in change.cells if c.key[0] == "K02000001" and "2001-12" in c.key)
    assert (kingdom.old, kingdom.new) == ("2.8", "2.6")
    in_2020 = [c.by for c in change.cells if "2020-12" in c.key and c.by is not None]
    assert sum(in_2020) / len(in_2020) == pytest.approx(2.3, abs=0.1)


def test_7_the_line_of_the_merge_mark_survives_any_line_before_it(contracts, tmp_path):
    text = unpacked(SICKNESS)
    header, rest = text.split("\n", 1)
    folder = folder_with(tmp_path, "ons_ess_sickness_2024-06.csv", f"{header}\n\n\n{rest}")
    found = check_data(folder, contracts, [ELS])
    assert [v.line for v in found.violations if v.rule == "merge_conflict"] == [7262]


def test_8_a_rolling_figure_covers_twelve_months_and_an_annual_label_is_no_quarter(contracts):
    with gzip.open(UK / "aps_quarterly_north.csv.gz", "rt", encoding="utf-8") as stream:
        months = sorted({row["period_end_month"] for row in csv.DictReader(stream)})
    assert all(re.fullmatch("[0-9]{4}-(03|06|09|12)", month) for month in months)
    assert len(months) == 75
    outcome = contracts.outcomes["inactivity_rate"]
    assert outcome.window_months == 12
    windows = [reference_window(month, outcome.window_months) for month in months]
    shared = [
        (int(a[1][:4]) * 12 + int(a[1][5:])) - (int(b[0][:4]) * 12 + int(b[0][5:])) + 1 for a, b in itertools.pairwise(windows)
    ]
    assert set(shared) == {9}
    # a start in April 2013 bites over four quarters
    around = [month for month in months if "2013-03" <= month <= "2014-03"]
    assert exposure_share(around, 12, "2013-04").tolist() == [0, 0.25, 0.5, 0.75, 1]
    with pytest.raises(ValueError, match="windows of 1"):
        parse_period("2004-01-01/P1Y").label("monthly", 1)


def test_10_the_whole_roll_out_is_on_the_map_of_2018_and_the_register_on_that_of_2023(contracts):
    with (UK / "uc_full_service_rollout.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    old = {row["area_code_2018"] for row in rows} - set(contracts.areas)
    known = {change.old_code for change in contracts.code_changes}
    assert len({row["area_code_2018"] for row in rows}) == 358
    assert old <= known
    assert {row["area_code_2023"] for row in rows} <= set(contracts.areas)


def test_11_four_authorities_stand_twice_in_the_roll_out_and_the_earliest_month_counts(contracts):
    rows = rollout_rows()
    assert len(rows) == 362
    with (UK / "uc_full_service_rollout.csv").open(encoding="utf-8") as stream:
        tidy = list(csv.DictReader(stream))
    assert [(row["area_name_as_published"], row["months_listed"].split(";")) for row in tidy] == rows
    twice = {code for code, n in Counter(row["area_code_2018"] for row in tidy).items() if n > 1}
    names = {contracts.areas[code].name for code in twice}
    assert names == {"Brighton and Hove", "Cheshire East", "Epsom and Ewell", "Knowsley"}
    starts = {i.area_code: i.start for i in contracts.exposures if i.programme == "universal_credit_full_service"}
    for code in twice:
        months = [month for row in tidy if row["area_code_2018"] == code for month in row["months_listed"].split(";")]
        assert len(set(months)) > 1
        assert starts[code] == f"{min(months)}-01"
    assert sum(len(months) > 1 for _, months in rows) == 37
    assert "E09000001" not in starts


def test_12_peers_in_the_same_place_are_never_donors(contracts):
    """Bury and Stockport are statistical peers of Trafford, and treated with it."""
    frame = read_published(
        RAW / "trafford_claimant_count_api_tidy.csv", contracts.sources["nomis_claimant_count_tidy"], contracts
    ).table.frame
    peers = {code for code in frame["area_code"] if code in contracts.areas} - {"E08000009"}
    assert len(peers) == 15
    design = load_design(contracts, "economic-inactivity-trailblazers")
    place = next(unit for unit in design.treated if unit.code == "greater-manchester")
    contaminated = {contracts.areas[code].name for code in peers & set(place.members)}
    assert contaminated == {"Bury", "Stockport"}
    periods = [f"20{y}-{m:02d}" for y in range(23, 26) for m in range(1, 13)]
    pool = choose_donors(design, contracts, "claimant_rate", studied=[place], periods=periods, missing={})
    assert not set(place.members) & set(pool.donors)
    treated = {code for unit in design.treated for code in unit.members}
    assert not treated & set(pool.donors)
    # commuting neighbours are left out because the protocol says so; without that rule they would be in
    assert design.donors.exclude_neighbours
    wanted = {"Warrington", "Halton", "Cheshire West and Chester"}
    next_door = {code for code, area in contracts.areas.items() if area.name in wanted}
    touching = next_door & contracts.neighbours_of(place.members)
    assert {contracts.areas[code].name for code in touching} == {"Warrington"}
    assert not touching & set(pool.donors)
    lax = replace(design, donors=replace(design.donors, exclude_neighbours=False, exclude_programmes=()))
    pool = choose_donors(lax, contracts, "claimant_rate", studied=[place], periods=periods, missing={})
    assert touching <= set(pool.donors)


def test_real_files_still_keep_their_contracts_after_all_this(contracts):
    source = contracts.sources[ELS]
    found = check_table(read_published(RAW / CLAIMANTS, source, contracts).table, source, contracts)
    assert format_violations(found) == ""

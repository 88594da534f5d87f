"""The panel from small files: which file, which rows, which numbers, and every refusal. All values are invented."""

from dataclasses import replace

import numpy as np
import pytest
from panel.published import demonstration_file, ons_file, survey_file

from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.build import build_panel, check_data
from evaluation.panel.series import Z95

INACTIVE = "Economically inactive"
CLAIMANT = "Claimant Count"


def cell(panel, area, period, outcome):
    frame = panel.frame
    (row,) = frame[(frame.area_code == area) & (frame.period == period) & (frame.outcome == outcome)].to_dict("records")
    return row


def demonstration_rows(outcome="inactivity_rate", periods=("2025-12", "2026-03")):
    areas = {"E08000016": "Barnsley", "E08000017": "Doncaster"}
    return [
        (code, name, period, outcome, f"{20 + n + t}", "1.5", "")
        for n, (code, name) in enumerate(areas.items())
        for t, period in enumerate(periods)
    ]


# ---------------------------------------------------------------- values


def test_values_standard_errors_and_markers(tmp_path, contracts):
    rows = [
        ("E08000016", "Barnsley", INACTIVE, "2022", "24.0", "20.1", "27.9", ""),
        ("E08000016", "Barnsley", INACTIVE, "2023", "25.0", "", "", ""),
        ("E09000001", "City of London", INACTIVE, "2022", "", "", "", "x"),
        ("E09000001", "City of London", INACTIVE, "2023", "", "", "", "u"),
    ]
    ons_file(tmp_path, "ons_els_employment_2026-01.csv", rows)
    panel = build_panel(tmp_path, contracts, ["inactivity_rate_annual"])
    assert panel.frame.columns.tolist() == ["area_code", "area_name", "period", "outcome", "value", "se", "flag"]
    first = cell(panel, "E08000016", "2022", "inactivity_rate_annual")
    assert first["value"] == 24
    assert first["se"] == pytest.approx(7.8 / (2 * 1.959963984540054), rel=1e-12)
    second = cell(panel, "E08000016", "2023", "inactivity_rate_annual")
    assert second["value"] == 25
    assert np.isnan(second["se"])
    assert second["flag"] == "no sampling error published"
    for period, flag in (("2022", "not available"), ("2023", "unreliable")):
        row = cell(panel, "E09000001", period, "inactivity_rate_annual")
        assert np.isnan(row["value"])
        assert np.isnan(row["se"])
        assert row["flag"] == flag


def test_the_quantile_is_the_normal_one():
    assert pytest.approx(1.959963984540054, abs=1e-15) == Z95


def test_a_half_width_becomes_a_standard_error_and_a_number_beside_a_marker_is_not_used(tmp_path, contracts):
    cells = [
        ("2026-03", "E08000016", "Barnsley", "111", "20599", "24.1", ""),
        ("2026-03", "E08000016", "Barnsley", "111", "21003", "4.6", ""),
        ("2026-03", "E09000001", "City of London", "111", "20599", "0", "These figures are missing."),
    ]
    survey_file(tmp_path / "nomis_aps.csv", cells)
    panel = build_panel(tmp_path, contracts, ["inactivity_rate"])
    barnsley = cell(panel, "E08000016", "2026-03", "inactivity_rate")
    assert barnsley["value"] == 24.1
    assert barnsley["se"] == pytest.approx(4.6 / 1.959963984540054, rel=1e-12)
    london = cell(panel, "E09000001", "2026-03", "inactivity_rate")
    assert np.isnan(london["value"])
    assert london["flag"] == "missing"


def test_revised_and_provisional_months_are_flagged_and_gaps_are_noted(tmp_path, contracts):
    text = (
        '"Month","November 2022","November 2022 - Annotations","December 2022 (r)","December 2022 - Annotations",'
        '"February 2023 (p)","February 2023 - Annotations",""\n"National",\n'
        '"Denbighshire / Sir Ddinbych",..,,9,,10,,\n"Bristol, City of",15,,16,,17,,\n"Total",15,,25,,27,,\n"Unknown",0,,0,,0,,\n'
    )
    (tmp_path / "statxplore_households_on_uc.csv").write_text(text, encoding="utf-8")
    panel = build_panel(tmp_path, contracts, ["households_on_uc"])
    wales = panel.frame[panel.frame.area_code == "W06000004"]
    assert wales.area_name.unique().tolist() == ["Denbighshire"]
    assert wales.period.tolist() == ["2022-11", "2022-12", "2023-02"]
    assert wales.flag.tolist() == ["suppressed", "revised", "provisional"]
    assert wales.value.isna().tolist() == [True, False, False]
    assert set(panel.frame.area_code) == {"W06000004", "E06000023"}
    assert "households_on_uc: no row for 1 period(s) between others: 2023-01" in panel.notes
    assert any("6 row(s) set aside: not an area (Total, Unknown)" in note for note in panel.notes)


def test_the_codes_of_2025_are_counted_as_the_registers(tmp_path, contracts):
    rows = [
        (code, name, INACTIVE, "2023", "24.0", "20", "28", "")
        for code, name in (("E08000038", "Barnsley"), ("E08000039", "Sheffield"))
    ]
    ons_file(tmp_path, "ons_els_employment_2026-01.csv", rows)
    panel = build_panel(tmp_path, contracts, ["inactivity_rate_annual"])
    assert panel.frame.area_code.tolist() == ["E08000016", "E08000019"]
    assert any("1 row(s) of E08000038 counted as E08000016" in note for note in panel.notes)


def test_an_old_and_a_new_code_of_one_area_are_refused(tmp_path, contracts):
    rows = [(code, "Barnsley", INACTIVE, "2023", "24.0", "20", "28", "") for code in ("E08000016", "E08000038")]
    ons_file(tmp_path, "ons_els_employment_2026-01.csv", rows)
    with pytest.raises(DataError, match=r"2026-01.csv:2 and ons_els_employment_2026-01.csv:3 both give E08000016, 2023"):
        build_panel(tmp_path, contracts, ["inactivity_rate_annual"])


# ---------------------------------------------------------------- which file


def test_the_pinned_edition_is_taken_and_recorded(tmp_path, contracts):
    for edition, value in (("2024-11", "2.8"), ("2026-01", "2.6")):
        ons_file(
            tmp_path / "old",
            f"ons_els_claimant_count_{edition}.csv",
            [("E08000016", "Barnsley", CLAIMANT, "2001", value, "", "", "")],
        )
    panel = build_panel(tmp_path, contracts, ["claimant_rate_annual"])
    assert panel.frame.value.tolist() == [2.6]
    (item,) = panel.inputs
    assert (item.name, item.vintage, item.rows, item.synthetic) == ("old/ons_els_claimant_count_2026-01.csv", "2026-01", 1, False)
    assert item.source == "ons_explore_local_statistics"
    assert item.contract_version == contracts.sources["ons_explore_local_statistics"].version
    assert len(item.sha256) == 64


def unpinned(contracts, name):
    outcome = contracts.outcomes[name]
    series = tuple(replace(rule, vintage=None) for rule in outcome.series)
    return replace(contracts, outcomes={**contracts.outcomes, name: replace(outcome, series=series)})


def test_two_editions_are_never_mixed(tmp_path, contracts):
    for edition, year in (("2024-11", "2001"), ("2026-01", "2002")):
        ons_file(tmp_path, f"ons_els_claimant_count_{edition}.csv", [("E08000016", "Barnsley", CLAIMANT, year, "2", "", "", "")])
    with pytest.raises(DataError, match="has 2 editions of it, which are never mixed") as caught:
        build_panel(tmp_path, unpinned(contracts, "claimant_rate_annual"), ["claimant_rate_annual"])
    assert "ons_els_claimant_count_2024-11.csv (2024-11)" in str(caught.value)
    assert "ons_els_claimant_count_2026-01.csv (2026-01)" in str(caught.value)


def test_a_missing_pinned_edition_is_named(tmp_path, contracts):
    ons_file(tmp_path, "ons_els_claimant_count_2024-11.csv", [("E08000016", "Barnsley", CLAIMANT, "2001", "2", "", "", "")])
    with pytest.raises(
        DataError, match=r"pinned to the edition 2026-01 of .* has ons_els_claimant_count_2024-11.csv \(2024-11\)"
    ):
        build_panel(tmp_path, contracts, ["claimant_rate_annual"])


def test_one_period_in_two_files_is_refused(tmp_path, contracts):
    row = ("2026-03", "E08000016", "Barnsley", "111", "20599", "24.1", "")
    survey_file(tmp_path / "nomis_aps_a.csv", [row])
    survey_file(tmp_path / "nomis_aps_b.csv", [row])
    with pytest.raises(DataError, match=r"inactivity_rate: nomis_aps_a.csv:2 and nomis_aps_b.csv:2 both give E08000016, 2026-03"):
        build_panel(tmp_path, contracts, ["inactivity_rate"])


def test_several_files_make_one_series(tmp_path, contracts):
    for period in ("2025-12", "2026-03"):
        survey_file(tmp_path / f"nomis_aps_{period}.csv", [(period, "E08000016", "Barnsley", "111", "20599", "24.1", "")])
    panel = build_panel(tmp_path, contracts, ["inactivity_rate"])
    assert panel.frame.period.tolist() == ["2025-12", "2026-03"]
    assert [item.rows for item in panel.inputs] == [1, 1]


def test_a_file_that_gives_no_row_is_no_input(tmp_path, contracts):
    ons_file(tmp_path, "ons_els_a_2026-01.csv", [("E08000016", "Barnsley", CLAIMANT, "2001", "2", "", "", "")])
    ons_file(tmp_path, "ons_els_b_2026-01.csv", [("E08000016", "Barnsley", INACTIVE, "2001", "20", "", "", "")])
    panel = build_panel(tmp_path, contracts, ["claimant_rate_annual"])
    assert [item.name for item in panel.inputs] == ["ons_els_a_2026-01.csv"]


# ---------------------------------------------------------------- synthetic data


def test_the_demonstration_is_synthetic_and_ordered(tmp_path, contracts):
    rows = demonstration_rows() + demonstration_rows("population_16_64", ("2024", "2025"))
    demonstration_file(tmp_path, list(reversed(rows)))
    panel = build_panel(tmp_path, contracts, ["population_16_64", "inactivity_rate"])
    assert panel.synthetic
    assert panel.frame[["outcome", "area_code", "period"]].values.tolist() == [
        [outcome, code, period]
        for outcome, periods in (("inactivity_rate", ("2025-12", "2026-03")), ("population_16_64", ("2024", "2025")))
        for code in ("E08000016", "E08000017")
        for period in periods
    ]
    assert panel.frame.se[panel.frame.outcome == "inactivity_rate"].tolist() == [1.5] * 4
    assert panel.frame.se[panel.frame.outcome == "population_16_64"].isna().all()


def test_synthetic_and_real_are_never_mixed(tmp_path, contracts):
    demonstration_file(tmp_path, demonstration_rows())
    row = ("E08000016", "Barnsley", "Economically inactive", "2020", "20", "18", "22", "")
    ons_file(tmp_path, "ons_els_employment_and_inactivity_2026-01.csv", [row])
    with pytest.raises(
        DataError, match=r"SYNTHETIC data for inactivity_rate .* real data for inactivity_rate_annual .* never mixed"
    ):
        build_panel(tmp_path, contracts, ["inactivity_rate", "inactivity_rate_annual"])


# ---------------------------------------------------------------- refusals


def test_a_missing_folder_and_an_unknown_outcome_are_configuration(tmp_path, contracts):
    with pytest.raises(ConfigurationError, match="there is no such folder"):
        build_panel(tmp_path / "none", contracts, ["inactivity_rate"])
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="is not a folder"):
        build_panel(tmp_path / "file", contracts, ["inactivity_rate"])
    with pytest.raises(ConfigurationError, match="there is no outcome 'inactivty_rate'; did you mean inactivity_rate"):
        build_panel(tmp_path, contracts, ["inactivty_rate"])
    with pytest.raises(ConfigurationError, match="no outcome was asked for"):
        build_panel(tmp_path, contracts, [])


def test_an_outcome_without_a_file_lists_what_was_looked_for(tmp_path, contracts):
    with pytest.raises(DataError) as caught:
        build_panel(tmp_path, contracts, ["inactivity_rate", "median_pay_annual"])
    text = str(caught.value)
    assert (
        "inactivity_rate: the data folder has no file for it; looked for demonstration: SYNTHETIC_labour_market.csv; nomis_aps: "
        in text
    )
    assert "median_pay_annual: the data folder has no file for it; looked for nomis_spreadsheet: nomis_ashe_*.xlsx" in text


def test_a_source_without_the_series_is_refused(tmp_path, contracts):
    ons_file(tmp_path, "ons_els_claimant_count_2026-01.csv", [("E08000016", "Barnsley", CLAIMANT, "2001", "2", "", "", "")])
    with pytest.raises(DataError, match=r"no row of an authority has indicator = 'Economically inactive' in ons_els_claimant"):
        build_panel(tmp_path, contracts, ["inactivity_rate_annual"])


def test_all_faults_of_all_files_come_together(tmp_path, contracts):
    survey_file(tmp_path / "nomis_aps_1.csv", [("2026-03", "E08000016", "Barnsley", "111", "20599", "twenty-four", "")])
    survey_file(tmp_path / "nomis_aps_2.csv", [("2026-02", "E08000016", "Barnsley", "111", "20599", "24", "")])
    survey_file(tmp_path / "nomis_aps_3.csv", [("2025-12", "E06999999", "Nowhere", "111", "20599", "24", "")])
    (tmp_path / "nomis_aps_4.csv").write_text("")
    ons_file(
        tmp_path, "ons_els_employment_2026-01.csv", [("E08000016", "Barnsley", "Employment rate", "2024-Q5", "70", "", "", "")]
    )
    with pytest.raises(DataError) as caught:
        build_panel(tmp_path, contracts, ["inactivity_rate", "employment_rate_annual", "median_pay_annual"])
    text = str(caught.value)
    for words in (
        "nomis_aps_1.csv:2: value: 'twenty-four'",
        "nomis_aps_2.csv:2: period: '2026-02'",
        "nomis_aps_3.csv:2: area_code: E06999999 is not a code",
        "nomis_aps_4.csv: the file is empty",
        "ons_els_employment_2026-01.csv:2: period: '2024-Q5'",
        "median_pay_annual: the data folder has no file for it",
    ):
        assert text.count(words) == 1, f"{words!r} in\n{text}"


@pytest.mark.parametrize("period", ["2024-Q5", "Q1 2024", "2024/1"])
def test_a_period_that_is_none_is_refused_with_its_line(tmp_path, contracts, period):
    ons_file(tmp_path, "ons_els_claimant_2026-01.csv", [("E08000016", "Barnsley", CLAIMANT, period, "2", "", "", "")])
    with pytest.raises(DataError, match=f"ons_els_claimant_2026-01.csv:2: period: '{period}'"):
        build_panel(tmp_path, contracts, ["claimant_rate_annual"])


def without_patterns(contracts, name):
    """Contracts of which one source says nothing about its cells, so that only the panel itself can object."""
    source = contracts.sources[name]
    loose = {"pattern": None, "type": "string", "minimum": None, "maximum": None, "allowed": None, "required": False}
    columns = tuple(replace(column, **loose) for column in source.columns)
    return replace(contracts, sources={**contracts.sources, name: replace(source, columns=columns, rules=())})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"period": "2024/1"}, r"2026-01.csv:2: period: '2024/1' is not a period \(rule period; 1 row\(s\)\)\. Fix: write 2024"),
        ({"period": "2024-12"}, "period: '2024-12' names a month where the series is annual"),
        ({"period": "Jan 2024-Mar 2024"}, r"covers 3 month\(s\) where the series has windows of 12"),
        ({"value": "1e400"}, "observation: '1e400' is not a finite number"),
        ({"value": "1,234"}, "observation: '1,234' is not a finite number"),
        ({"low": "28", "high": "20"}, "uci_95: '20' gives a standard error below zero"),
        ({"code": "E07000188"}, r"areacd: 'E07000188' was replaced by E06000066 from 2023-04-01 \(merge\)"),
        ({"code": " e08000016"}, "areacd: ' e08000016' is not written as a code .* Fix: write E08000016"),
        ({"code": ""}, "areacd: '' is not an area code"),
    ],
)
def test_the_panel_objects_by_itself_where_a_contract_does_not(tmp_path, contracts, change, words):
    row = {
        "code": "E08000016",
        "name": "Barnsley",
        "indicator": INACTIVE,
        "period": "2023",
        "value": "24",
        "low": "20",
        "high": "28",
    }
    row |= {"status": ""} | change
    header = "areacd,areanm,geography,indicator,period,observation,measure,unit,lci_95,uci_95,status,notes"
    path = ons_file(tmp_path, "ons_els_employment_2026-01.csv", [], header=header)
    text = ",".join(
        f'"{cell}"'
        for cell in (
            row["code"],
            row["name"],
            "x",
            row["indicator"],
            row["period"],
            row["value"],
            "x",
            "%",
            row["low"],
            row["high"],
            row["status"],
            "",
        )
    )
    path.write_text(f"{header}\n{text}\n", encoding="utf-8")
    loose = without_patterns(contracts, "ons_explore_local_statistics")
    with pytest.raises(DataError, match=words) as caught:
        build_panel(tmp_path, loose, ["inactivity_rate_annual"])
    assert len(str(caught.value).splitlines()) == 1  # nothing is said twice, and no fault is blamed for another


def test_a_name_nobody_knows_is_listed_and_never_dropped(tmp_path, contracts):
    head = '"Month","November 2022","November 2022 - Annotations",""\n"National",\n'
    text = head + '"Stirling",15,,\n"Sterling",16,,\n"Stirling / Sruighlea",17,,\n'
    (tmp_path / "statxplore_households_on_uc.csv").write_text(text, encoding="utf-8")
    loose = without_patterns(contracts, "statxplore_households_on_uc")
    with pytest.raises(DataError) as caught:
        build_panel(tmp_path, loose, ["households_on_uc"])
    assert (
        "uc.csv:4: area_name: 'Sterling' is not a name of the areas register (rule area; 1 row(s)). Fix: did you mean Stirling"
        in str(caught.value)
    )
    assert "uc.csv:5: area_name: 'Stirling / Sruighlea' is not a name" in str(caught.value)


def test_an_undeclared_status_stays_beside_its_value(tmp_path, contracts):
    ons_file(tmp_path, "ons_els_employment_2026-01.csv", [("E08000016", "Barnsley", INACTIVE, "2023", "24", "20", "28", "b")])
    loose = without_patterns(contracts, "ons_explore_local_statistics")
    (row,) = build_panel(tmp_path, loose, ["inactivity_rate_annual"]).frame.to_dict("records")
    assert (row["value"], row["flag"]) == (24.0, "b")


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path, contracts):
    for folder, value in (("a", "two"), ("b", "three")):
        ons_file(tmp_path / folder, "ons_els_x_2026-01.csv", [("E08000016", "Barnsley", CLAIMANT, "2001", value, "", "", "")])
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "ons_els_x_2026-01.csv").write_text("")
    with pytest.raises(DataError) as caught:
        build_panel(tmp_path, contracts, ["claimant_rate_annual"])
    assert "a/ons_els_x_2026-01.csv:2: observation: 'two'" in str(caught.value)
    assert "b/ons_els_x_2026-01.csv:2: observation: 'three'" in str(caught.value)
    assert "c/ons_els_x_2026-01.csv: the file is empty" in str(caught.value)


def test_a_column_a_series_needs_and_a_file_may_lack_is_named(tmp_path, contracts):
    source = contracts.sources["nomis_claimant_count_tidy"]
    columns = tuple(replace(c, present=c.name != "indicator", key=c.key and c.name != "indicator") for c in source.columns)
    loose = replace(contracts, sources={**contracts.sources, source.id: replace(source, columns=columns, rules=())})
    header = "area_code,area_name,period,measure,units,value"
    (tmp_path / "claimant_count_api_tidy.csv").write_text(f"{header}\nE08000016,Barnsley,March 2026,Percentage,Persons,3.3\n")
    with pytest.raises(DataError, match=r"tidy\.csv:1: claimant_rate needs the column indicator, which the file does not have"):
        build_panel(tmp_path, loose, ["claimant_rate"])


# ---------------------------------------------------------------- checking without building


def test_check_data_looks_at_every_file(tmp_path, contracts):
    survey_file(tmp_path / "nomis_aps_1.csv", [("2026-03", "E08000016", "Barnsley", "111", "20599", "24", "")])
    assert check_data(tmp_path, contracts).is_sound
    ons_file(tmp_path, "ons_els_claimant_2024-11.csv", [("E08000016", "Barnsley", CLAIMANT, "2001", "two", "", "", "")])
    (tmp_path / "nomis_aps_2.csv").write_text("a,b\n")
    found = check_data(tmp_path, contracts)
    assert not found.is_sound
    assert found.files == ("nomis_aps_1.csv", "nomis_aps_2.csv", "ons_els_claimant_2024-11.csv")
    assert [v.rule for v in found.violations] == ["type"]
    assert len(found.refusals) == 1
    assert (
        check_data(tmp_path, contracts, ["statxplore_households_on_uc"])
        .refusals[0]
        .endswith("statxplore_households_on_uc*.csv.gz.")
    )

"""Every rule finds its planted fault at its line, and a clean table gives no finding."""

import re
import time
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from support_paths import SHARED

from evaluation.contracts import check_table, format_violations
from evaluation.contracts.records import Column, Rule, Source
from evaluation.contracts.rules import RULES
from evaluation.contracts.table import Table, parse_text_table
from evaluation.panel.readers import read_published

RAW = SHARED / "data" / "uk" / "raw"
needs_raw = pytest.mark.skipif(not RAW.is_dir(), reason=f"no {RAW}")

AREAS = {"E06000001": "Hartlepool", "E06000002": "Middlesbrough", "W06000004": "Denbighshire", "E08000016": "Barnsley"}
QUARTERS = ("2022-03", "2022-06", "2022-09")


def rule(kind, /, severity="error", **parameters):
    return Rule.build(name=kind, parameters=parameters, severity=severity)


def source(*rules, **changes):
    values = {
        "id": "drawn",
        "version": "2.0.0",
        "status": "active",
        "title": "Drawn",
        "publisher": "nobody",
        "licence": "none",
        "attribution": "none",
        "synthetic": True,
        "reader": "tidy_csv",
        "files": ("drawn*.csv",),
        "columns": (
            Column(name="area_code", type="string", key=True),
            Column(name="area_name", type="string"),
            Column(name="period", type="string", key=True, pattern=r"[0-9]{4}-(0[1-9]|1[0-2])"),
            Column(name="value", type="number", required=False, unit="per cent", minimum=0, maximum=100),
            Column(name="numerator", type="integer", required=False, minimum=0),
            Column(name="denominator", type="integer", required=False, minimum=0),
            Column(name="status", type="string", required=False),
        ),
        "rules": rules,
        "markers": {"x": "not available", "..": "suppressed"},
        "frequency": "quarterly",
        "geography": "LAD-2023-04",
        "revision_policy": "none",
        "description": "drawn",
        "area_column": "area_code",
        "period_column": "period",
        "status_column": "status",
    }
    return Source.build(**(values | changes))


def rows():
    """Twelve clean rows; row n stands on line n + 2."""
    return [
        [code, name, quarter, f"{20 + n + k}.0", f"{(20 + n + k) * 10}", "1000", ""]
        for n, (code, name) in enumerate(AREAS.items())
        for k, quarter in enumerate(QUARTERS)
    ]


def table(body, header="area_code,area_name,period,value,numerator,denominator,status"):
    return parse_text_table("\n".join([header, *(",".join(f'"{cell}"' for cell in row) for row in body)]) + "\n", "drawn.csv")


def find(contracts, body, *rules, **changes):
    return check_table(table(body), source(*rules, **changes), contracts)


def only(found, name):
    named = [item for item in found if item.rule == name]
    assert [item.rule for item in found] == [name] * len(found), format_violations(found)
    assert len(named) == 1, format_violations(found)
    return format_violations(named)


ALL_RULES = (
    rule("area_code", column="area_code", nations=["England", "Wales"]),
    rule("area_name", area="area_code", name="area_name"),
    rule("unit", value="value"),
    rule("ratio", value="value", numerator="numerator", denominator="denominator", tolerance=0.1),
    rule("balanced", area="area_code", period="period"),
    rule("not_after", period="period", latest="2022-12"),
    rule("one_period_form", period="period"),
    rule("suppressed", value="value", column="status"),
    rule("constant", severity="warning", value="value"),
    rule("range", value="value", minimum=0, maximum=100),
)


def test_a_clean_table_gives_no_finding(contracts):
    assert find(contracts, rows(), *ALL_RULES) == []


# ---------------------------------------------------------------- single cells


@pytest.mark.parametrize(
    ("row", "column", "cell", "line"),
    [
        (
            4,
            3,
            "twenty-one",
            (
                "drawn.csv:6: value: 'twenty-one' is not a number (rule type; 1 row(s); first E06000002, 2022-06). "
                "Fix: correct it at the source, or fetch the file again."
            ),
        ),
        (
            4,
            4,
            "1,234",
            (
                "drawn.csv:6: numerator: '1,234' is not a number (rule type; 1 row(s); first E06000002, 2022-06). "
                "Fix: remove the comma: write the digits only."
            ),
        ),
        (
            4,
            3,
            " 21",
            (
                "drawn.csv:6: value: ' 21' is not a number (rule type; 1 row(s); first E06000002, 2022-06). "
                "Fix: remove the blanks around the number."
            ),
        ),
        (
            4,
            3,
            "21%",
            "drawn.csv:6: value: '21%' carries a per cent sign (rule unit; 1 row(s); first E06000002, 2022-06). Fix: write 21.",
        ),
        (
            4,
            3,
            "121.0",
            (
                "drawn.csv:6: value: '121.0' is above 100 (rule range; 1 row(s); first E06000002, 2022-06). "
                "Fix: allowed is 0 to 100; correct it at the source."
            ),
        ),
        (
            4,
            4,
            "-5",
            (
                "drawn.csv:6: numerator: '-5' is below 0 (rule range; 1 row(s); first E06000002, 2022-06). "
                "Fix: allowed is 0 or more; correct it at the source."
            ),
        ),
        (
            4,
            3,
            "1e400",
            (
                "drawn.csv:6: value: '1e400' is not a finite number (rule range; 1 row(s); first E06000002, 2022-06). "
                "Fix: write a finite number, or leave the cell out with its reason."
            ),
        ),
        (
            4,
            3,
            "-inf",
            (
                "drawn.csv:6: value: '-inf' is not a finite number (rule range; 1 row(s); first E06000002, 2022-06). "
                "Fix: write a finite number, or leave the cell out with its reason."
            ),
        ),
        (
            4,
            4,
            "12.5",
            (
                "drawn.csv:6: numerator: '12.5' is not whole (rule whole; 1 row(s); first E06000002, 2022-06). "
                "Fix: counts are whole numbers; look for a rate in the wrong column."
            ),
        ),
        (
            4,
            1,
            "",
            (
                "drawn.csv:6: area_name: the cell is empty (rule required; 1 row(s); first E06000002, 2022-06). "
                "Fix: fill it at the source, or leave the row out."
            ),
        ),
        (
            4,
            2,
            "2022-13",
            (
                "drawn.csv:6: period: '2022-13' does not have the form of this column (rule pattern; 1 row(s); "
                "first E06000002, 2022-13). Fix: write it in the contract's form, such as '2022-03'."
            ),
        ),
    ],
)
def test_a_faulty_cell_is_named_with_line_value_and_remedy(contracts, row, column, cell, line):
    body = rows()
    body[row][column] = cell
    assert format_violations(find(contracts, body)) == line


@pytest.mark.parametrize("text", ["2024-Q5", "Q1 2024", "2024/1", "2022-6"])
def test_a_period_of_another_form_is_found(contracts, text):
    body = rows()
    body[0][2] = text
    assert "drawn.csv:2: period:" in only(find(contracts, body), "pattern")


@pytest.mark.parametrize("marker", ["*", "c", "!", "-", "~", "NA", "NaN", "null", "#", ":"])
def test_an_undeclared_marker_is_an_error_with_its_count(contracts, marker):
    body = rows()
    body[3][3] = body[7][3] = marker
    message = only(find(contracts, body), "suppressed")
    assert message.startswith(
        f"drawn.csv:5: value: '{marker}' is a suppression marker the contract does not declare ('{marker}' 2 time(s))"
    )
    assert "never write 0" in message


def test_a_declared_marker_is_no_fault(contracts):
    body = rows()
    body[3][3], body[7][3] = "..", "x"
    assert find(contracts, body, rule("suppressed", value="value", column="status")) == []


def test_an_empty_value_needs_a_declared_status(contracts):
    body = rows()
    body[3][3], body[3][6] = "", "x"
    body[5][3] = ""
    suppressed = rule("suppressed", value="value", column="status")
    assert only(find(contracts, body, suppressed), "suppressed").startswith(
        "drawn.csv:7: value: the cell is empty and status does not say why (rule suppressed; 1 row(s); first E06000002, 2022-09)"
    )
    body[5][6] = "withheld"
    assert "'withheld' is a marker the contract does not declare" in only(find(contracts, body, suppressed), "suppressed")


def test_a_value_that_is_not_in_the_list_names_the_nearest(contracts):
    columns = tuple(
        (
            Column(name=c.name, type=c.type, key=c.key, required=c.required, allowed=("claimant_rate", "employment_rate"))
            if c.name == "status"
            else c
        )
        for c in source().columns
    )
    body = rows()
    for row in body:
        row[6] = "claimant_rate"
    body[2][6] = "claimant rate"
    message = only(find(contracts, body, columns=columns), "allowed")
    assert message.startswith(
        "drawn.csv:4: status: 'claimant rate' is not allowed; did you mean claimant_rate (rule allowed; 1 row(s)"
    )


def test_a_day_must_be_one(contracts):
    columns = (*source().columns[:6], Column(name="status", type="date", required=False))
    body = rows()
    body[0][6], body[1][6] = "2024-02-29", "2023-02-29"
    assert "drawn.csv:3: status: '2023-02-29' is not a day (rule type" in only(find(contracts, body, columns=columns), "type")


# ---------------------------------------------------------------- header and rows that are no data


@pytest.mark.parametrize("wrong", ["area_code ", "Area Code", "AREA_CODE"])
def test_a_column_under_another_name_says_what_to_rename(contracts, wrong):
    header = f"{wrong},area_name,period,value,numerator,denominator,status"
    found = check_table(table(rows(), header), source(*ALL_RULES), contracts)
    assert (
        f"drawn.csv:1: area_code: the column 'area_code' is missing, '{wrong}' is there (rule header). Fix: rename '{wrong}' to"
        " 'area_code'." in (format_violations(found))
    )


def test_a_missing_column_lists_those_there_are(contracts):
    body = [row[:5] + row[6:] for row in rows()]
    found = check_table(table(body, "area_code,area_name,period,value,numerator,status"), source(*ALL_RULES), contracts)
    assert "the column 'denominator' is missing" in only(found, "header")
    assert "the file has area_code, area_name, period, value, numerator, status" in only(found, "header")


def test_a_column_the_contract_does_not_name_is_not_looked_at(contracts):
    body = [[*row, "anything"] for row in rows()]
    header = "area_code,area_name,period,value,numerator,denominator,status,more"
    assert check_table(table(body, header), source(*ALL_RULES), contracts) == []


def test_a_file_of_the_version_before_is_recognised(contracts):
    old = {
        "AREACD": "area_code",
        "AREANM": "area_name",
        "Period": "period",
        "Observation": "value",
        "Num": "numerator",
        "Den": "denominator",
        "St": "status",
    }
    found = check_table(table(rows(), ",".join(old)), source(earlier_columns=old, earlier_version="1.0.0"), contracts)
    message = only(found, "version")
    assert "made under version 1.0.0 of the contract drawn, which is at 2.0.0 and renamed AREACD to area_code" in message


def test_a_merge_mark_is_named_and_not_judged_otherwise(contracts):
    body = rows()
    body.insert(5, ["<<<<<<< HEAD", "", "", "", "", "", ""])
    assert only(find(contracts, body, *ALL_RULES), "merge_conflict").startswith(
        "drawn.csv:7: area_code: '<<<<<<< HEAD' is a mark an unresolved merge left in the file (rule merge_conflict; 1 row(s))"
    )


def test_a_repeated_key_names_both_lines(contracts):
    body = rows()
    body.append(body[4])
    message = only(find(contracts, body, *ALL_RULES[:4]), "duplicate")
    assert message.startswith("drawn.csv:14: area_code: line 6 has the same area_code, period already (rule duplicate; 1 row(s)")


# ---------------------------------------------------------------- areas


@pytest.mark.parametrize(
    ("code", "rule_name", "says"),
    [
        ("E99999999", "area_code", "E99999999 is not a code of the register of areas"),
        ("E07000188", "old_code", "E07000188 was merged into E06000066 (2023-04-01)"),
        (
            " e06000001",
            "area_code",
            "' e06000001' is not written as a code (rule area_code; 1 row(s); first  e06000001, 2022-03). Fix: write E06000001",
        ),
        ("S12000033", "area_code", "S12000033 is a Scottish council (Scotland); this file is of England and Wales only"),
        ("E10000003", "area_code", "E10000003 is an English county, not a local authority"),
        ("E47000002", "area_code", "E47000002 is a combined authority, not a local authority"),
        ("N09000001", "area_code", "N09000001 is a district of Northern Ireland, not a local authority"),
        ("12000.0", "area_code", "'12000.0' is not a GSS code"),
        ("00", "area_code", "'00' is not a GSS code"),
    ],
)
def test_a_code_that_is_not_of_the_register(contracts, code, rule_name, says):
    body = rows()
    body[0][0] = code
    message = only(find(contracts, body, ALL_RULES[0]), rule_name)
    assert message.startswith("drawn.csv:2: area_code: ")
    assert says in message


def test_levels_the_contract_names_are_fine(contracts):
    body = rows()
    body[0][0] = "E10000003"
    assert find(contracts, body, rule("area_code", column="area_code", also=["E10"])) == []


def test_both_codes_of_barnsley_and_sheffield_are_fine(contracts):
    body = rows()
    for n, code in enumerate(["E08000016", "E08000019", "E08000038", "E08000039"]):
        body[3 * n][0] = code
    assert find(contracts, body, rule("area_code", column="area_code")) == []


def test_a_recode_says_what_to_write_and_a_split_refuses(contracts, folder):
    from evaluation.contracts import load_contracts

    with (folder / "registers" / "code_changes.csv").open("a", encoding="utf-8") as file:
        file.write("E06000901,E06000001,2020-04-01,recode,drawn\nE06000902,E06000002,2020-04-01,split,drawn\n")
    drawn = load_contracts(folder, standard=False)
    body = rows()
    body[0][0], body[3][0] = "E06000901", "E06000902"
    message = format_violations(check_table(table(body), source(ALL_RULES[0]), drawn))
    assert (
        "E06000901 was replaced by E06000001 (2020-04-01) (rule old_code; 1 row(s); first E06000901, 2022-03). Fix: write"
        " E06000001." in message
    )
    assert "E06000902 was split, in part into E06000002" in message
    assert "a split area needs weights and cannot be renamed" in message


def test_a_name_of_another_area_is_found_and_a_welsh_name_is_fine(contracts):
    body = rows()
    body[6][1] = "Denbighshire / Sir Ddinbych"
    assert find(contracts, body, ALL_RULES[1]) == []
    body[3][1] = "Hartlepool"
    assert only(find(contracts, body, ALL_RULES[1]), "area_name").startswith(
        "drawn.csv:5: area_name: E06000002 is 'Middlesbrough' in the register and 'Hartlepool' here (rule area_name; 1 row(s)"
    )


def test_a_file_without_codes_is_held_against_the_names(contracts):
    names = rule("known_area_name", column="area_name", also=["Total"])
    body = rows()
    body[0][1], body[6][1] = "Total", "Denbighshire / Sir Ddinbych"
    assert find(contracts, body, names) == []
    body[3][1] = "Middlesborough"
    assert "drawn.csv:5: area_name: 'Middlesborough' is not a name of the register of areas; did you mean Middlesbrough" in only(
        find(contracts, body, names), "area_name"
    )


# ---------------------------------------------------------------- several cells


def test_one_area_in_fractions_is_found_with_its_count(contracts):
    body = rows()
    for row in body[3:6]:
        row[3] = "0.21"
    message = only(find(contracts, body, ALL_RULES[2]), "unit")
    assert (
        message == "drawn.csv:5: value: '0.21' looks like a fraction where the contract has per cent (rule unit; 3 row(s); first"
        " E06000002, 2022-03). Fix: multiply by 100 at the source."
    )


def test_a_whole_file_in_fractions_is_found_and_small_rates_are_not(contracts):
    body = rows()
    for row in body:
        row[3] = "0.694"
    assert "12 row(s)" in only(find(contracts, body, ALL_RULES[2]), "unit")
    for n, row in enumerate(body):
        row[3] = f"{0.4 + n / 10:.1f}"
    assert find(contracts, body, ALL_RULES[2]) == []


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        (
            3,
            "30.0",
            (
                "drawn.csv:6: value: the value is not numerator over denominator: value 30.0, numerator 220, denominator 1000,"
                " which gives 22"
            ),
        ),
        (4, "1200", "drawn.csv:6: value: the numerator is above the denominator: value 22.0, numerator 1200, denominator 1000"),
        (5, "0", "drawn.csv:6: denominator: the denominator is 0 (rule range"),
    ],
)
def test_a_ratio_that_does_not_hold_shows_the_three_cells(contracts, column, cell, says):
    body = rows()
    body[4][column] = cell
    assert format_violations(find(contracts, body, ALL_RULES[3])).startswith(says)


def test_a_missing_quarter_names_area_and_quarter(contracts):
    body = rows()
    del body[4]
    assert (
        only(find(contracts, body, ALL_RULES[4]), "balanced")
        == "drawn.csv: period: 1 of 4 series have gaps: E06000002 lacks 2022-06 (rule balanced; 1 row(s); first E06000002,"
        " 2022-06). Fix: fetch the periods, or have them in the file with a suppression marker."
    )


def test_a_period_in_the_future_is_found(contracts):
    body = rows()
    body[2][2] = "2031-03"
    late = find(contracts, body, ALL_RULES[5])
    assert "drawn.csv:4: period: '2031-03' lies after the last period the contract allows, 2022-12" in only(late, "not_after")
    dated = source(rule("not_after", period="period"), vintage=r"_([0-9]{4}-[0-9]{2})\.")
    named = Table("drawn_2022-08.csv", table(rows()).frame, table(rows()).line)
    message = only(check_table(named, dated, contracts), "not_after")
    assert "'2022-09' lies after the edition of the file, 2022-08 (rule not_after; 4 row(s)" in message


def test_periods_of_two_lengths_are_found(contracts):
    columns = tuple(Column(name=c.name, type=c.type, key=c.key, required=c.required) for c in source().columns)
    body = rows()
    body[7][2] = "2022"
    message = only(find(contracts, body, ALL_RULES[6], columns=columns), "one_period_form")
    assert message.startswith("drawn.csv:9: period: '2022' stands beside '2022-03'")


def test_two_editions_in_a_file_are_found(contracts):
    body = rows()
    for row in body:
        row[6] = "2026-01"
    body[5][6] = "2024-11"
    message = only(find(contracts, body, rule("one_vintage", vintage="status")), "one_vintage")
    assert message.startswith("drawn.csv:7: status: rows of 2 editions are mixed: 2026-01, 2024-11")


def test_a_constant_column_is_a_warning(contracts):
    body = rows()
    for row in body:
        row[3] = "20.0"
    found = find(contracts, body, ALL_RULES[8])
    assert "drawn.csv:2: value: warning: every cell is 20" in only(found, "constant")
    assert found[0].severity == "warning"
    for row in body:
        row[3] = ".."
    assert "every cell is missing" in only(find(contracts, body, ALL_RULES[8]), "constant")


def test_parts_that_do_not_add_up_name_the_difference(contracts):
    body = [
        ["E92000001", "England", q, "", str(sum(int(r[4]) for r in rows() if r[2] == q and r[0] != "W06000004")), "", ""]
        for q in QUARTERS
    ]
    total = rule(
        "sum_to_parent",
        area="area_code",
        period="period",
        value="numerator",
        parent="E92000001",
        children=["E06", "E08"],
        tolerance=5,
    )
    assert find(contracts, rows() + body, total) == []
    body[1][4] = "700"
    message = only(find(contracts, rows() + body, total), "sum_to_parent")
    assert message.startswith(
        "drawn.csv:15: numerator: E92000001 in 2022-06 is 700 but its parts add up to 670, a difference of -30"
    )


def test_a_break_in_the_series_is_a_warning_with_its_note(contracts):
    stop = rule("break_in_series", period="period", at="2022-06", note="reweighted from here on")
    found = find(contracts, rows(), stop)
    assert "drawn.csv:3: period: warning: the series breaks at 2022-06: reweighted from here on" in only(found, "break_in_series")
    assert find(contracts, [row for row in rows() if row[2] >= "2022-06"], stop) == []


def test_a_range_can_hold_for_some_rows_only(contracts):
    columns = tuple(Column(name=c.name, type=c.type, key=c.key, required=c.required) for c in source().columns)
    body = rows()
    for n, row in enumerate(body):
        row[6] = "rate" if n % 2 else "count"
        row[3] = "500"
    shares = rule("range", value="value", minimum=0, maximum=100, where={"status": "rate"})
    message = only(find(contracts, body, shares, columns=columns), "range")
    assert message.startswith("drawn.csv:3: value: '500' is above 100 (rule range; 6 row(s)")


def test_every_rule_has_a_test_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert {name for name in RULES if not re.search(rf'rule\(\s*"{name}"', text)} == set()


# ---------------------------------------------------------------- all at once, and at size


def test_all_faults_come_together_worst_first(contracts):
    body = rows()
    body[0][3] = "twenty"
    body[1][3] = "121"
    for row in body[9:]:
        row[0] = "E99999999"
    lines = format_violations(find(contracts, body, *ALL_RULES)).splitlines()
    assert len(lines) >= 3
    assert "E99999999" in lines[0]
    assert "3 row(s)" in lines[0]
    assert {re.search(r"rule ([a-z_]+)", line)[1] for line in lines} >= {"area_code", "type", "range"}


def test_a_file_shows_at_most_twenty_lines_and_counts_the_rest(contracts):
    body = [[f"E9999{n:04d}", "x", "2022-03", "1", "1", "1", ""] for n in range(30)]
    lines = format_violations(find(contracts, body, ALL_RULES[0])).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "drawn.csv: and 10 more; `trailblazer check --out findings.csv` lists them all."


def test_a_finding_names_its_contract_and_version(contracts):
    body = rows()
    body[0][3] = "twenty"
    found = find(contracts, body)
    assert (found[0].contract, found[0].value, found[0].line) == ("drawn 2.0.0", "twenty", 2)


def test_the_table_is_not_changed(contracts):
    given = table(rows())
    before = given.frame.copy(deep=True)
    check_table(given, source(*ALL_RULES), contracts)
    pd.testing.assert_frame_equal(given.frame, before)


def test_26_thousand_rows_take_less_than_a_second(contracts):
    codes = [code for code, area in contracts.areas.items() if area.nation != "Scotland"]
    months = [f"{year}-{month:02d}" for year in range(2018, 2025) for month in range(1, 13)][:82]
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "area_code": np.repeat(codes, len(months)),
            "area_name": np.repeat([contracts.areas[c].name for c in codes], len(months)),
            "period": np.tile(months, len(codes)),
            "value": [f"{v:.1f}" for v in rng.uniform(10, 40, len(codes) * len(months))],
            "status": "",
        },
        dtype=object,
    )
    frame["denominator"] = "1000"
    frame["numerator"] = [f"{float(v) * 10:.0f}" for v in frame["value"]]
    clean = Table("large.csv", frame, np.arange(2, len(frame) + 2))
    assert len(frame) > 26_000
    begin = time.process_time()
    found = check_table(clean, source(*(r for r in ALL_RULES if r.name != "not_after")), contracts)
    taken = time.process_time() - begin
    assert found == []
    assert taken < 1.0


@needs_raw
@pytest.mark.parametrize(
    "name",
    [
        "ons_els_claimant_count_2024-11.csv.gz",
        "ons_els_claimant_count_2026-01.csv.gz",
        "ons_els_employment_and_inactivity_2026-01.csv.gz",
        "statxplore_households_on_uc_wide.csv",
        "trafford_claimant_count_api_tidy.csv",
        "nomis_ashe_resident_la_2024.xlsx",
    ],
)
def test_real_files_without_faults_give_no_finding(contracts, name):
    path = RAW / name
    owner = [s for s in contracts.sources.values() if any(path.match(pattern) for pattern in s.files)]
    assert len(owner) == 1
    assert format_violations(check_table(read_published(path, owner[0], contracts).table, owner[0], contracts)) == ""


@needs_raw
def test_the_real_file_with_a_merge_mark_is_named_with_its_line(contracts):
    path = RAW / "ons_ess_inactive_sickness_2024-06_merge_conflict.csv.gz"
    owner = contracts.sources["ons_explore_local_statistics"]
    message = only(check_table(read_published(path, owner, contracts).table, owner, contracts), "merge_conflict")
    assert message.startswith(f"{path.name}:7260: areacd: '<<<<<<< HEAD'")


def test_no_two_sources_claim_a_file(contracts):
    claimed = [pattern for source_ in contracts.sources.values() for pattern in source_.files]
    assert len(claimed) == len(set(claimed))


def test_markers_of_a_source_cannot_be_changed(contracts):
    assert isinstance(contracts.sources["demonstration"].markers, MappingProxyType)

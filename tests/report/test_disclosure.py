"""The disclosure gate: rows L01 to L08 of the bad inputs, and their neighbours. Every count here is invented.

The invented source protects counts below 10, rounds to nothing unless a test says so, and lets cells miss their total by 2.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import OUTCOMES, RATE, make_all
from report.invented_book import DESIGN, add_programmes, assemble, make_panel

from evaluation.contracts.disclosure import Clause, clause_problems_of, read_clause
from evaluation.contracts.load import load_contracts
from evaluation.errors import DisclosureError
from evaluation.report import book as book_module
from evaluation.report.binder import Binder
from evaluation.report.counts import Counts, Share
from evaluation.report.disclosure import find_breaches, refuse_breaches
from evaluation.report.disclosure_sums import Sum, derive_counts
from evaluation.report.drawing import Picture
from evaluation.report.figures import figure_comparison, figure_series
from evaluation.report.gate import RECORD, read_cells, write_cells
from evaluation.report.printed import Text, read_rows, read_table
from evaluation.report.protect import protect_table
from evaluation.report.tables import ReportTable, to_csv, to_markdown
from evaluation.report.workbook import FILE
from evaluation.results import InputFile

CLAUSE = Clause(
    status="established", access="restricted", threshold=10, tolerance=2.0, extremes=True, nouns=("people", "claimants"),
    source="Invented.",
)  # fmt: skip
CLAUSES = {"restricted": CLAUSE}


def table(rows, header=("Area", "People"), caption="People by area", **counts) -> ReportTable:
    given = {"of": "restricted", "labels": ("Area",), "columns": ("People",), **counts}
    rows = tuple(tuple(map(str, row)) for row in rows)
    return ReportTable(caption=caption, header=tuple(header), rows=rows, counts=(Counts(**given),))


def breaches(*tables: ReportTable, clause: Clause = CLAUSE, **options):
    sheets = [sheet for n, item in enumerate(tables, start=1) for sheet in read_table(f"data/table-{n}.csv", item)]
    return find_breaches(sheets, {"restricted": clause}, **options)


# ---------------------------------------------------------------- L01 small counts


def test_l01_a_count_of_four_is_refused_with_file_cell_and_threshold():
    (found,) = breaches(table([("Amber", 4), ("Birch", 40)]))
    assert found.line == (
        "data/table-1.csv: Amber, People: the count 4 is below the threshold of 10. "
        "Fix: suppress the cell with [c], or put rows together."
    )
    with pytest.raises(DisclosureError) as caught:
        refuse_breaches([found])
    assert caught.value.exit_code == 5
    assert str(caught.value).startswith("Nothing was published: 1 cell(s)")


@pytest.mark.parametrize(("count", "bad"), [(0, False), (1, True), (9, True), (10, False), ("1,009", False), ("[c]", False)])
def test_the_threshold_is_the_smallest_count_that_may_stand(count, bad):
    assert bool(breaches(table([("Amber", count)]))) is bad


def test_a_cell_that_is_neither_count_nor_shorthand_is_refused():
    (found,) = breaches(table([("Amber", "few")]))
    assert "neither a count nor a shorthand" in found.text


def test_a_suppressed_cell_is_explained_below_its_table():
    assert "Shorthand: [c] confidential." in to_markdown(table([("Amber", "[c]"), ("Birch", 40)])).replace("\\", "")


def test_counts_of_a_restricted_source_without_a_known_rule_are_refused():
    clause = Clause(status="not established", access="restricted")
    (found,) = breaches(table([("Amber", 4_000)]), clause=clause)
    assert "disclosure rule is not established" in found.text
    assert breaches(table([("Amber", 4)]), clause=Clause(status="not established", access="open")) == []


def test_many_breaches_are_named_to_twenty_and_counted_beyond():
    found = breaches(table([(f"Place {n}", 4) for n in range(30)]))
    with pytest.raises(DisclosureError) as caught:
        refuse_breaches(found)
    assert len(str(caught.value).splitlines()) == 22
    assert str(caught.value).endswith("and 10 more")


# ---------------------------------------------------------------- L03 suppression that does not hold


def test_l03_suppressed_in_one_table_and_shown_by_the_difference_to_another():
    first = table([("Amber", "[c]"), ("Birch", 40)])
    second = table([("Both", 44)], caption="Both areas", rows_add={"Both": ("Amber", "Birch")})
    (found,) = breaches(first, second)
    assert (found.file, found.files) == ("data/table-1.csv", ("data/table-2.csv",))
    assert "worked out from the totals of data/table-1.csv and data/table-2.csv" in found.line


def test_suppressed_in_one_table_and_printed_in_another():
    (found,) = breaches(table([("Amber", "[c]")]), table([("Amber", 12)], caption="Again"))
    assert "suppressed here and printed in data/table-2.csv" in found.text


def test_one_suppressed_cell_beside_its_total_is_worked_out():
    rows = [("Amber", "[c]"), ("Birch", 40), ("Cold", 50), ("Total", 94)]
    (found,) = breaches(table(rows, rows_add={"Total": ("Amber", "Birch", "Cold")}))
    assert "suppress a second cell" in found.fix
    rows[1] = ("Birch", "[c]")
    assert breaches(table(rows, rows_add={"Total": ("Amber", "Birch", "Cold")})) == []


def test_four_corners_hold_where_three_do_not():
    header = ("Area", "Men", "Women", "All")
    counts = {
        "columns": ("Men", "Women", "All"), "rows_add": {"Total": ("Amber", "Birch", "Cold")},
        "columns_add": {"All": ("Men", "Women")},
    }  # fmt: skip
    four = [("Amber", "[c]", "[c]", 50), ("Birch", "[c]", "[c]", 60), ("Cold", 20, 30, 50), ("Total", 80, 80, 160)]
    assert breaches(table(four, header, **counts)) == []
    three = [("Amber", "[c]", "[c]", 50), ("Birch", "[c]", 31, 60), ("Cold", 20, 30, 50), ("Total", 80, 80, 160)]
    assert len(breaches(table(three, header, **counts))) == 3


def test_a_small_group_between_two_printed_ones_is_found_though_no_table_names_it():
    first = table([("16 to 64", 403)], rows_add={"16 to 64": ("16 to 59", "60 to 64")})
    second = table([("16 to 59", 400)], caption="Younger")
    (found,) = breaches(first, second)
    assert "below the threshold of 10, not printed, and worked out" in found.text
    assert breaches(table([("16 to 64", 440)], rows_add={"16 to 64": ("16 to 59", "60 to 64")}), second) == []


# ---------------------------------------------------------------- L04 and L05 percentages


def shares(rows, clause=CLAUSE):
    share = Share(column="Per cent", numerator="Found work", denominator="Started")
    counts = {"columns": ("Found work", "Started"), "shares": (share,)}
    return breaches(table(rows, ("Area", "Found work", "Started", "Per cent"), **counts), clause=clause)


@pytest.mark.parametrize(("per_cent", "found"), [("0.0", 0), ("100.0", 50)])
def test_l04_nobody_or_everybody_of_a_group_is_refused(per_cent, found):
    (breach,) = shares([("Amber", found, 50, per_cent)])
    assert "says something of each of its members" in breach.text
    assert shares([("Amber", found, 50, per_cent)], replace(CLAUSE, extremes=False)) == []


def test_l04_a_rate_from_a_suppressed_count_is_refused():
    (breach,) = shares([("Amber", "[c]", 50, "8.0")])
    assert "rests on a count below the threshold of 10 (Found work [c])" in breach.text
    assert shares([("Amber", "[c]", 50, "[c]")]) == []


def test_l04_a_rate_from_a_small_count_is_refused_beside_the_count():
    texts = [breach.text for breach in shares([("Amber", 4, 50, "8.0")])]
    assert len(texts) == 2
    assert any("8.0 per cent rests on a count below" in text for text in texts)


def test_l05_a_percentage_from_unrounded_counts_is_refused():
    clause = replace(CLAUSE, base=5, extremes=False)
    # 23 of 51 are 45.1 per cent; printed as 25 of 50 they are 50.0.
    (breach,) = shares([("Amber", 25, 50, "45.1")], clause)
    assert "45.1 per cent is not 50.0, which the counts rounded to 5 give" in breach.text
    assert shares([("Amber", 25, 50, "50.0")], clause) == []
    assert shares([("Amber", 25, 75, "33.3")], clause) == []


def test_an_unrounded_count_is_refused():
    (breach,) = breaches(table([("Amber", 23)]), clause=replace(CLAUSE, base=5))
    assert "23 is not rounded to 5" in breach.text


# ---------------------------------------------------------------- L06 words and pictures


@pytest.mark.parametrize("what", ["alternative text", "label or hover text"])
def test_l06_a_count_in_words_goes_through_the_same_gate(what):
    text = Text(file="images/x.svg", what=what, text="In Amber Vale 4 people found work, in Birch Moor 40 people.")
    (breach,) = breaches(texts=[text])
    assert (breach.file, breach.cell) == ("images/x.svg", what)
    assert "the count 4" in breach.text


@pytest.mark.parametrize(
    ("words", "bad"),
    [
        ("Amber: 4, Birch: 40.", True),
        ("Amber: 40. In the 3 months to 4 April 2025, 2.5 per cent.", False),
        ("£4 a week, 7 per cent, 5%", False),
        ("Amber: 1,004.", False),
    ],
)
def test_words_about_counts_are_read_strictly(words, bad):
    assert bool(breaches(texts=[Text(file="f", what="alternative text", text=words, of=("restricted",))])) is bad


def test_words_about_something_else_are_read_by_their_nouns():
    assert breaches(texts=[Text(file="f", what="text", text="Chart of 4 areas over 9 quarters.")]) == []


# ---------------------------------------------------------------- L07 the release before


def test_l07_a_count_that_differs_by_three_from_the_release_before_is_refused():
    (old,) = read_table("data/table-1.csv", table([("Amber", 40), ("Birch", 80)]))
    (breach,) = breaches(table([("Amber", 43), ("Birch", 95)]), earlier=old.cells, edition="runs/may")
    assert "43 here and 40 in runs/may (data/table-1.csv) differ by 3" in breach.text
    assert breach.files == ("runs/may: data/table-1.csv",)
    assert breaches(table([("Amber", 40), ("Birch", 90)]), earlier=old.cells) == []


def test_the_record_of_what_was_printed_comes_back_as_it_was(tmp_path):
    cells = read_table("data/table-1.csv", table([("Amber", 40), ("Birch", "[c]")]))[0].cells
    write_cells(tmp_path, cells)
    assert read_cells(tmp_path) == cells
    write_cells(tmp_path, ())
    assert not (tmp_path / RECORD).exists()
    assert read_cells(tmp_path) == ()


# ---------------------------------------------------------------- L08 totals within the tolerance


def test_l08_totals_that_miss_their_cells_by_two_are_good():
    rows = [("Amber", 40), ("Birch", 50), ("Total", 92)]
    assert breaches(table(rows, rows_add={"Total": ("Amber", "Birch")})) == []


def test_totals_beyond_the_tolerance_are_refused():
    rows = [("Amber", 40), ("Birch", 50), ("Total", 93)]
    (breach,) = breaches(table(rows, rows_add={"Total": ("Amber", "Birch")}))
    assert "differs by 3 from the sum of its cells, and the contract allows 2" in breach.text


def test_rounded_cells_may_miss_their_total_by_their_rounding():
    clause = replace(CLAUSE, base=5, tolerance=0.0)
    rows = [("Amber", 40), ("Birch", 50), ("Total", 95)]
    assert breaches(table(rows, rows_add={"Total": ("Amber", "Birch")}), clause=clause) == []


# ---------------------------------------------------------------- sums, as properties


@given(counts=st.lists(st.integers(0, 500), min_size=2, max_size=6), hide=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_one_hidden_part_of_a_sum_is_always_found(counts, hide):
    keys = [(f"row {n}", "People") for n in range(len(counts))]
    hidden = keys[hide % len(keys)]
    known = {key: float(count) for key, count in zip(keys, counts, strict=True) if key != hidden}
    total = ("all", "People")
    (found,) = derive_counts({**known, total: float(sum(counts))}, [Sum(total, tuple(keys), "f")])
    assert found.key == hidden
    assert found.value == pytest.approx(counts[hide % len(keys)], abs=1e-6)


@given(counts=st.lists(st.integers(0, 500), min_size=3, max_size=6))
@settings(max_examples=40, deadline=None)
def test_two_hidden_parts_of_one_sum_stay_hidden(counts):
    keys = [(f"row {n}", "People") for n in range(len(counts))]
    known = {key: float(count) for key, count in zip(keys[2:], counts[2:], strict=True)}
    assert derive_counts({**known, ("all", "People"): float(sum(counts))}, [Sum(("all", "People"), tuple(keys), "f")]) == []


def test_one_count_is_found_beside_others_that_stay_hidden():
    a, b, c, whole, part = ((name, "People") for name in ("a", "b", "c", "whole", "part"))
    sums = [Sum(whole, (a, b, c), "f"), Sum(part, (b, c), "g")]
    (found,) = derive_counts({whole: 60.0, part: 52.0}, sums)
    assert (found.key, round(found.value, 6), found.files) == (a, 8.0, ("f", "g"))


# ---------------------------------------------------------------- protection

GRID = st.integers(2, 5).flatmap(
    lambda wide: st.lists(st.lists(st.integers(0, 60), min_size=wide, max_size=wide), min_size=2, max_size=5)
)
"""Counts of areas by groups, many of them small."""
RULE = st.builds(
    lambda threshold, base, extremes: replace(CLAUSE, threshold=threshold, base=base, extremes=extremes, tolerance=0.0),
    st.integers(2, 20), st.sampled_from([None, 2, 3, 5, 10, 25]), st.booleans(),
)  # fmt: skip


def with_totals(grid: list[list[int]]) -> ReportTable:
    """A table of areas by groups with both totals and, of its first group, the percentage."""
    groups, areas = [f"Group {n}" for n in range(len(grid[0]))], [f"Area {n}" for n in range(len(grid))]
    whole = [*grid, [sum(column) for column in zip(*grid, strict=True)]]
    rows = [
        (name, *counts, sum(counts), f"{100 * counts[0] / sum(counts):.1f}" if sum(counts) else "[z]")
        for name, counts in zip([*areas, "All areas"], whole, strict=True)
    ]
    return table(
        rows,
        ("Area", *groups, "All", "Per cent"),
        columns=(*groups, "All"),
        rows_add={"All areas": tuple(areas)},
        columns_add={"All": tuple(groups)},
        shares=(Share(column="Per cent", numerator=groups[0], denominator="All"),),
    )


def numbers_of(made: ReportTable) -> dict[tuple[str, str], float | None]:
    """Every count as printed; None where it is hidden."""
    (sheet,) = read_table("f", made)
    return {cell.key: cell.value for cell in sheet.cells}


@given(grid=GRID, clause=RULE)
@settings(max_examples=150, deadline=None)
def test_no_hidden_count_of_a_table_with_totals_can_be_worked_out(grid, clause):
    """Checked beside our own solver: two different tables of counts fit what is printed, and differ in every hidden cell."""
    plain = with_totals(grid)
    made = protect_table(plain, {"restricted": replace(clause, base=None)})
    true, printed = numbers_of(plain), numbers_of(made)
    hidden = [key for key, value in printed.items() if value is None]
    for key, value in printed.items():
        assert value in (None, true[key])
        assert value is None or not 0 < value < clause.threshold
    (sheet,) = read_table("f", made)
    if hidden:
        equations = np.zeros((len(sheet.sums), len(hidden)))
        for at, item in enumerate(sheet.sums):
            for key, sign in ((item.total, 1.0), *((part, -1.0) for part in item.parts)):
                if key in hidden:
                    equations[at, hidden.index(key)] += sign
        rank = np.linalg.matrix_rank(equations)
        for at in range(len(hidden)):
            pinned = np.vstack([equations, np.eye(len(hidden))[at]])
            assert np.linalg.matrix_rank(pinned) == rank + 1, f"{hidden[at]} follows from the rest"
    for item in sheet.sums:
        parts = [part for part in item.parts if printed[part] is None]
        if parts and printed[item.total] is not None:
            assert not 0 < sum(true[part] for part in parts) < clause.threshold, "hidden together and small together"


@given(grid=GRID, clause=RULE)
@settings(max_examples=150, deadline=None)
def test_what_is_printed_is_a_multiple_of_the_base_and_passes_the_gate(grid, clause):
    plain = with_totals(grid)
    made = protect_table(plain, {"restricted": clause})
    for key, value in numbers_of(made).items():
        if value is not None and clause.base:
            assert value % clause.base == 0
            assert abs(value - numbers_of(plain)[key]) <= clause.base / 2
    assert breaches(made, clause=clause) == []
    marks = {cell for row in made.rows for cell in row if cell.startswith("[")}
    assert all(f"{mark} " in made.legend for mark in marks)


def test_percentages_are_hidden_with_their_counts_and_made_from_rounded_ones():
    share = Share(column="Per cent", numerator="Found work", denominator="Started")
    counts = {"columns": ("Found work", "Started"), "shares": (share,)}
    header = ("Area", "Found work", "Started", "Per cent")
    rows = [("Amber", 23, 51, "45.1"), ("Birch", 4, 52, "7.7"), ("Cold", 50, 50, "100.0")]
    made = protect_table(table(rows, header, **counts), {"restricted": replace(CLAUSE, base=5)})
    assert made.rows == (("Amber", "25", "50", "50.0"), ("Birch", "[c]", "50", "[c]"), ("Cold", "50", "50", "[c]"))


def test_a_count_that_rounding_would_make_nobody_is_low():
    made = protect_table(table([("Amber", 30), ("Birch", 260)]), {"restricted": replace(CLAUSE, base=100)})
    assert made.rows == (("Amber", "[low]"), ("Birch", "300"))
    assert made.legend == "Shorthand: [low] lower than the smallest value shown."


def test_rows_of_something_else_are_left_alone():
    rows = [("Rate", "June", "4.5"), ("Families", "June", "7"), ("Homes", "June", "7")]
    counts = {"about": "Amber", "labels": ("When",), "columns": ("Figure",), "only": ("What", "Families")}
    made = table(rows, ("What", "When", "Figure"), **counts)
    assert [row[2] for row in protect_table(made, CLAUSES).rows] == ["4.5", "[c]", "7"]
    (breach,) = breaches(made)
    assert breach.cell == "Amber | June, Figure"


def test_a_table_without_an_established_rule_stays_as_it_is():
    plain = table([("Amber", 4)])
    for clause in ({}, {"restricted": Clause(status="none needed", access="open")}):
        assert protect_table(plain, clause) == plain


def test_hidden_counts_that_are_small_together_are_found():
    rows = [("Amber", "[c]"), ("Birch", "[c]"), ("Cold", 50), ("Total", 54)]
    (found,) = breaches(table(rows, rows_add={"Total": ("Amber", "Birch", "Cold")}))
    assert "together below the threshold of 10" in found.text
    assert "Amber, People and Birch, People" in found.line


# ---------------------------------------------------------------- the clause


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"status": "established", "access": "open", "source": "x"}, "no threshold, base or extremes"),
        ({"status": "established", "access": "open", "threshold": 5}, "say where the publisher states the rule"),
        ({"status": "not established", "access": "open", "threshold": 5}, "there is a rule"),
        ({"status": "established", "access": "open", "threshold": 1, "source": "x"}, "1 protects nothing"),
        ({"status": "none needed", "access": "restricted"}, "for a restricted source"),
        ({"status": "secret", "access": "open"}, "status: is 'secret'"),
        ({"status": "established", "access": "open", "treshold": 5}, "did you mean threshold"),
        ({"status": "established", "access": "open", "base": 5, "tolerance": -1.0, "source": "x"}, "is negative"),
    ],
)
def test_a_wrong_clause_says_what_to_do(raw, says):
    assert any(says in text for text in clause_problems_of(raw))


def test_every_source_contract_says_how_its_counts_are_protected():
    contracts = load_contracts(standard=False)
    for id, source in contracts.sources.items():
        assert source.disclosure, f"{id} has no disclosure clause"
        assert list(clause_problems_of(source.disclosure)) == []
    assert read_clause(contracts.sources["demonstration"]).status == "none needed"
    assert read_clause(contracts.sources["statxplore_households_on_uc"]).status == "not established"


# ---------------------------------------------------------------- a whole book


def restricted_book(folder: Path, **changes):
    """The invented book, its figures from a restricted source, with a count of three people in the panel."""
    findings = make_all(DESIGN)
    contracts = add_programmes(changes.pop("contracts", None) or _contracts(), DESIGN)
    panel = make_panel(contracts, findings)
    code, area = list(contracts.areas.items())[-1]
    row = {
        "area_code": code,
        "area_name": area.name,
        "period": "2018-03",
        "outcome": "starts",
        "value": 3.0,
        "se": None,
        "flag": "",
    }
    source = InputFile(
        name="restricted.csv",
        sha256="e" * 64,
        source="restricted",
        contract_version="1.0.0",
        vintage="2026",
        rows=1,
        synthetic=False,
    )
    frame = pd.concat([panel.frame, pd.DataFrame([row]).astype({"se": float})], ignore_index=True)
    panel = replace(panel, frame=frame, inputs=(*panel.inputs, source))
    return assemble(folder, findings=findings, contracts=contracts, panel=panel, synthetic=False, **changes)


def _contracts():
    from invented import make_contracts

    made = make_contracts(units=DESIGN.treated)
    raw = {"status": "established", "access": "restricted", "threshold": 10, "nouns": ("people",), "source": "Invented."}
    source = replace(next(iter(made.sources.values())), id="restricted", disclosure=raw)
    rule = replace(RATE.series[0], source="restricted")
    starts = replace(RATE, id="starts", name="starts", unit="people", unit_words="people", population=None, series=(rule,))
    return replace(made, sources={**made.sources, "restricted": source}, outcomes={**OUTCOMES, "starts": starts})


def add_piece(monkeypatch, piece):
    """Make the book of one chapter, which places a table or picture."""
    monkeypatch.setattr(book_module, "GENERATED", {"limits": piece})
    monkeypatch.setattr(book_module.sections, "write_area", lambda material, code: "")


def test_a_book_without_counts_passes(tmp_path):
    book = restricted_book(tmp_path)
    assert book.counts == ()
    assert (tmp_path / "book" / "_quarto.yml").is_file()


def test_a_declared_table_is_published_with_its_small_counts_suppressed(tmp_path, monkeypatch):
    people = replace(table([("Somewhere", 4), ("Elsewhere", 40)]), numeric=frozenset({"People"}))
    add_piece(monkeypatch, lambda m: m.place_table("../", people, "people"))
    book = restricted_book(tmp_path)
    page = (tmp_path / "book" / "_generated" / "limits.qmd").read_text("utf-8").replace("\\", "")
    assert "| Somewhere | [c] |" in page
    assert "Shorthand: [c] confidential." in page
    assert (tmp_path / "book" / "data" / "table-people.csv").read_text("utf-8").splitlines()[1:] == [
        "Somewhere,[c]",
        "Elsewhere,40",
    ]
    sheets = openpyxl.load_workbook(tmp_path / "book" / "data" / FILE)
    (sheet,) = [sheet for sheet in sheets if str(sheet["A1"].value).endswith(": People by area")]
    said = [cell.value for row in sheet.iter_rows() for cell in row]
    assert 40 in said
    assert 4 not in said
    assert "Shorthand: [c] confidential." in said
    assert [cell.shown for cell in book.counts] == ["40"]


def test_an_undeclared_small_count_stops_the_book_and_nothing_is_written(tmp_path, monkeypatch):
    add_piece(monkeypatch, lambda m: "")
    restricted_book(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "book").rglob("*") if path.is_file()}
    name = list(_contracts().areas.values())[-1].name
    plain = replace(table([(name, 3)]), counts=())
    add_piece(monkeypatch, lambda m: m.place_table("../", plain, "people"))
    with pytest.raises(DisclosureError) as caught:
        restricted_book(tmp_path)
    assert f"data/table-people.csv: {name}, People: the count 3 of the data is below the threshold of 10" in str(caught.value)
    assert {path: path.read_bytes() for path in (tmp_path / "book").rglob("*") if path.is_file()} == before
    assert not list(tmp_path.glob(".*part*"))


def test_an_outcome_of_counts_without_a_known_rule_is_refused(tmp_path, monkeypatch):
    made = _contracts()
    unknown = replace(made.sources["restricted"], disclosure={"status": "not established", "access": "restricted"})
    rate = replace(made.outcomes["idle_rate"], unit="people", series=made.outcomes["starts"].series)
    contracts = replace(made, sources={**made.sources, "restricted": unknown}, outcomes={**made.outcomes, "idle_rate": rate})
    add_piece(monkeypatch, lambda m: "")
    with pytest.raises(DisclosureError, match="outcome idle_rate: counts from a restricted source"):
        restricted_book(tmp_path, contracts=contracts)


def test_a_count_that_no_table_declares_is_found_by_its_value(tmp_path, monkeypatch):
    name = list(_contracts().areas.values())[-1].name
    plain = ReportTable(caption="Undeclared", header=("Where", "How many people"), rows=((name, "3"), ("Elsewhere", "3")))
    add_piece(monkeypatch, lambda m: m.binder.place_folded(plain, "Folded"))
    with pytest.raises(DisclosureError) as caught:
        restricted_book(tmp_path)
    assert f"data/all-tables.xlsx: {name}, How many people: the count 3 of the data is below the threshold of 10" in str(
        caught.value
    )
    assert "Elsewhere" not in str(caught.value)


def picture(alt: str, counted: list[float], **changes) -> Picture:
    def paint(figure) -> None:
        figure.text(0.5, 0.5, "drawn")

    data = pd.DataFrame({"area": ["Somewhere", "Elsewhere"], "people": counted})
    made = Picture(
        name="people-by-area", paint=paint, height=1.0, synthetic=False, alt=alt, caption="People by area", data=data,
        columns=("area", "people"), counts=(Counts(of="restricted", labels=("area",), columns=("people",)),),
    )  # fmt: skip
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("alt", "counted", "says"),
    [
        ("Bars.", [4.0, 40.0], "data/people-by-area.csv: Somewhere, people: the count 4"),
        ("Bars: Somewhere 4, Elsewhere 40.", [20.0, 40.0], "images/people-by-area.svg: alternative text: the count 4"),
        ("Bars of two areas.", [20.0, 40.0], ""),
    ],
)
def test_a_picture_is_checked_in_its_data_and_its_words(tmp_path, monkeypatch, alt, counted, says):
    made = picture(alt, counted)
    add_piece(monkeypatch, lambda m: m.binder.place_figure(made, made.svg, up="../"))
    if not says:
        assert [cell.value for cell in restricted_book(tmp_path).counts] == [20.0, 40.0]
        return
    with pytest.raises(DisclosureError) as caught:
        restricted_book(tmp_path)
    assert says in str(caught.value)


def test_hover_text_of_a_picture_is_checked(tmp_path, monkeypatch):
    made = picture("Bars of two areas.", [20.0, 40.0])
    svg = made.svg.replace(b"</svg>", b"<g><title>Somewhere: 4 people</title></g></svg>")
    add_piece(monkeypatch, lambda m: m.binder.place_figure(made, svg, up="../"))
    with pytest.raises(DisclosureError) as caught:
        restricted_book(tmp_path)
    assert "label or hover text: the count 4" in str(caught.value)


def test_a_book_is_held_against_the_counts_of_the_release_before(tmp_path, monkeypatch):
    add_piece(monkeypatch, lambda m: m.place_table("../", table([("Somewhere", 40)]), "people"))
    first = restricted_book(tmp_path / "old")
    assert [cell.value for cell in first.counts] == [40.0]
    changed = [replace(first.counts[0], value=37.0, shown="37")]
    with pytest.raises(DisclosureError) as caught:
        restricted_book(tmp_path / "new", counts_before=changed, edition_before="runs/old")
    assert "40 here and 37 in runs/old (data/table-people.csv) differ by 3" in str(caught.value)
    assert not (tmp_path / "new" / "book").exists()


def test_the_command_ends_with_five():
    """The error goes through the command line as any other, with its own exit code and no traceback."""
    program = (
        "import sys; from evaluation import cli; from evaluation.errors import DisclosureError\n"
        "def stop(options): raise DisclosureError('Nothing was published: 1 cell(s).')\n"
        "cli.VERBS['report'] = stop; sys.exit(cli.main(['report', '--run', 'x']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "Nothing was published" in done.stderr
    assert "Traceback" not in done.stderr


def test_rows_may_be_named_by_several_columns():
    counts = Counts(of="restricted", labels=("Area", "Month"), columns=("People",))
    rows = [{"Area": "Amber", "Month": "2026-05", "People": "40"}, {"Area": "Amber", "Month": "2026-06", "People": "43"}]
    sheet = read_rows("f", counts, rows)
    assert [cell.row for cell in sheet.cells] == ["Amber | 2026-05", "Amber | 2026-06"]
    assert find_breaches([sheet], CLAUSES) == []


def test_page_and_download_of_a_table_are_protected_once_and_alike():
    # rounded counts put through again would hide one more: 20 less 12 is 8, and 20 less 11 is 9
    plain = with_totals([[0, 0, 0, 1], [0, 0, 0, 8], [0, 0, 0, 11]])
    clauses = {"restricted": replace(CLAUSE, threshold=9, base=2, extremes=False)}
    once = protect_table(plain, clauses)
    assert protect_table(once, clauses) != once
    binder = Binder(clauses)
    page = binder.place_table(plain, "people", up="")
    assert binder.files["data/table-people.csv"].decode("utf-8") == to_csv(once)
    assert to_markdown(once, "tbl-people") in page
    assert binder.tables == [once]


def test_what_is_observed_in_one_area_is_a_count_and_a_mean_of_several_is_none():
    count = replace(RATE, unit="people", unit_words="people")
    one, several = (next(item for item in make_all(DESIGN) if (item.n_treated > 1) == pooled) for pooled in (False, True))
    for make in (figure_series, figure_comparison):
        (declared,) = make(one, count).counts
        assert (declared.of, declared.about, declared.columns) == (RATE.id, one.area_name, ("observed",))
        assert make(several, count).counts == ()
        assert make(one, RATE).counts == ()

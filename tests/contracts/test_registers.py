"""The registers hold what the published facts establish, no less and no more; a fault in one names its line."""

import csv
import gzip
from collections import Counter

import pytest
from support_paths import SHARED

from evaluation.contracts import load_contracts
from evaluation.errors import ConfigurationError

REFERENCE = SHARED / "reference"
UK = SHARED / "data" / "uk"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"no {REFERENCE}")
TRAILBLAZER = "economic_inactivity_trailblazer"
ROLLOUT = "universal_credit_full_service"
NATIONWIDE = {
    "get_britain_working_local_plan": ("England", {None}),
    "young_persons_guarantee_wales": ("Wales", {"2021-11-15"}),
}


def read(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# ---------------------------------------------------------------- against the facts


@needs_reference
def test_areas_are_those_of_the_lookup(contracts):
    lookup = {row["gss_code"]: row for row in read(REFERENCE / "local_authorities.csv")}
    points = {row["gss_code"]: row for row in read(REFERENCE / "centroids.csv")}
    south = {code: area for code, area in contracts.areas.items() if area.nation != "Scotland"}
    assert set(south) == set(lookup)
    assert Counter(area.nation for area in contracts.areas.values()) == {"England": 296, "Wales": 22, "Scotland": 32}
    for code, area in south.items():
        row = lookup[code]
        assert (area.name, area.nation, area.region) == (row["name"], row["nation"], row["region_or_nation"])
        assert (area.combined_authority, area.subregion) == (row["combined_authority"], row["subregion"])
        assert area.code_2025 == row["gss_code_from_april_2025"]
        assert (area.latitude, area.longitude) == (float(points[code]["latitude"]), float(points[code]["longitude"]))


@needs_reference
def test_scottish_councils_are_those_of_the_panel(contracts):
    panel = {
        row["area_code"]: row["area_name"] for row in read(UK / "la_annual_panel.csv.gz") if row["area_code"].startswith("S12")
    }
    scotland = {code: area.name for code, area in contracts.areas.items() if area.nation == "Scotland"}
    assert scotland == panel
    assert all(contracts.areas[code].latitude is None for code in scotland)


def test_barnsley_and_sheffield_carry_both_codes(contracts):
    moved = {code: area.code_2025 for code, area in contracts.areas.items() if area.code_2025 != code}
    assert moved == {"E08000016": "E08000038", "E08000019": "E08000039"}
    recodes = {c.old_code: (c.new_code, c.valid_from[:7]) for c in contracts.code_changes if c.kind == "recode"}
    assert recodes == {"E08000016": ("E08000038", "2025-04"), "E08000019": ("E08000039", "2025-04")}


def test_of_connect_to_work_some_areas_only_are_on_record(contracts):
    """31 of 47 delivery areas: of an authority in no row nobody knows."""
    assert {id for id, item in contracts.programmes.items() if item.areas_on_record == "some"} == {"connect_to_work"}
    assert len(contracts.places("connect_to_work")) == 31


def test_nine_places_have_52_authorities(contracts):
    places = contracts.places(TRAILBLAZER)
    assert {place: len(items) for place, items in places.items()} == {
        "south-yorkshire": 4,
        "west-yorkshire": 5,
        "north-east": 7,
        "york-and-north-yorkshire": 2,
        "greater-manchester": 10,
        "wales": 3,
        "london-local-london": 9,
        "london-south-london-partnership": 5,
        "london-west-london-alliance": 7,
    }
    assert len({item.area_code for items in places.values() for item in items}) == 52


@needs_reference
def test_every_fact_of_the_programme_sheet_is_there_unchanged(contracts):
    facts = read(REFERENCE / "programme_places.csv")
    rows = [item for item in contracts.exposures if item.programme not in (ROLLOUT, *NATIONWIDE)]
    assert len(rows) == len(facts) == 544
    same = {
        "area_code": "gss_code",
        "start": "start_date",
        "start_basis": "start_date_basis",
        "start_precision": "start_date_precision",
        "place_name": "place",
        "announced": "announced_date",
        "period_start": "period_start",
        "period_end": "period_end",
        "funding_note": "funding_note",
        "membership_basis": "membership_basis",
        "accountable_body": "accountable_body",
        "source_title": "source_title",
        "source_publisher": "source_publisher",
        "source_date": "source_date",
        "source_url": "source_url",
    }
    for item, fact in zip(rows, facts, strict=True):
        assert {key: getattr(item, key) or "" for key in same} == {key: fact[column] for key, column in same.items()}
        for key in ("funding_gbp", "funding_authority_gbp", "area_share"):
            assert getattr(item, key) == (float(fact[key]) if fact[key] else None)
        assert item.start_note.startswith(fact["date_note"])
        assert fact["planned_start"] in item.start_note


def test_what_runs_in_a_whole_nation_is_there_for_all_its_authorities_and_a_plan_has_no_start(contracts):
    """From the text of the programme sheet, which has no rows for them."""
    for programme, (nation, starts) in NATIONWIDE.items():
        rows = [item for item in contracts.exposures if item.programme == programme]
        assert sorted(item.area_code for item in rows) == sorted(
            c for c, area in contracts.areas.items() if area.nation == nation
        )
        assert {item.start for item in rows} == starts
        assert {(item.funding_gbp, item.supported) for item in rows} == {(None, None)}
    assert [id for id, programme in contracts.programmes.items() if programme.kind == "plan"] == [
        "get_britain_working_local_plan"
    ]


def test_nothing_is_made_up_where_nothing_is_established(contracts):
    assert all((item.start is None) == (item.start_basis == "not established") for item in contracts.exposures)
    assert not {"first participant", "assumed"} & {item.start_basis for item in contracts.exposures}
    started = {(i.place, i.area_code): i.start for i in contracts.exposures if i.programme == TRAILBLAZER and i.start}
    south_yorkshire = {("south-yorkshire", code): "2025-04-03" for code in ("E08000016", "E08000017", "E08000018", "E08000019")}
    assert started == {**south_yorkshire, ("wales", "W06000004"): "2025-04-22"}
    assert [i.place for i in contracts.exposures if i.area_code is None] == ["south-midlands"]


def test_supported_people_stand_only_where_a_place_figure_is_stated(contracts):
    stated = {place: items[0].supported for place, items in contracts.places(TRAILBLAZER).items() if items[0].supported}
    assert stated == {"south-yorkshire": 7800, "york-and-north-yorkshire": 1500, "north-east": 2000}
    for items in contracts.places(TRAILBLAZER).values():
        assert all(item.supported_source for item in items)
    assert "Denbighshire alone" in contracts.places(TRAILBLAZER)["wales"][0].supported_source
    assert "five London trailblazers together" in contracts.places(TRAILBLAZER)["london-local-london"][0].supported_source


@needs_reference
def test_universal_credit_starts_are_the_earliest_of_the_schedule(contracts):
    earliest = {}
    for row in read(UK / "uc_full_service_rollout.csv"):
        month = row["first_full_service_month"]
        earliest[row["area_code_2023"]] = min(month, earliest.get(row["area_code_2023"], month))
    rows = {item.area_code: item for item in contracts.exposures if item.programme == ROLLOUT}
    assert {code: item.start for code, item in rows.items()} == {code: f"{month}-01" for code, month in earliest.items()}
    assert Counter(item.start[:4] for item in rows.values()) == {"2015": 3, "2016": 22, "2017": 95, "2018": 225}
    assert {(item.start_basis, item.start_precision) for item in rows.values()} == {("published schedule", "month")}
    for code in ("E06000043", "E06000049", "E07000208", "E08000011"):
        assert "lists the authority 2 times" in rows[code].start_note, rows[code].place_name
    assert "Earliest of 7 districts of 2018" in rows["E06000065"].start_note
    assert "2015-11, 2016-04, 2016-10, 2016-11" in rows["E09000028"].start_note


def test_authorities_without_a_date_in_the_schedule_have_no_row(contracts):
    reached = {item.area_code for item in contracts.exposures if item.programme == ROLLOUT}
    assert sorted(set(contracts.areas) - reached) == ["E06000061", "E06000062", "E07000244", "E07000245", "E09000001"]


@needs_reference
def test_mergers_are_those_the_schedule_shows(contracts):
    pairs = {(r["area_code_2018"], r["area_code_2023"]) for r in read(UK / "uc_full_service_rollout.csv")}
    assert {(c.old_code, c.new_code) for c in contracts.code_changes if c.kind == "merge"} == {(a, b) for a, b in pairs if a != b}


@needs_reference
def test_neighbours_are_those_of_the_boundaries(contracts):
    facts = {(r["gss_code"], r["neighbour_code"], r["kind"]) for r in read(REFERENCE / "neighbours.csv")}
    assert {(n.area_code, n.neighbour_code, n.kind) for n in contracts.neighbours} == facts
    assert len(contracts.neighbours) == 1654
    denbighshire = {contracts.areas[code].name for code in contracts.neighbours_of(["W06000004"])}
    assert denbighshire == {"Conwy", "Flintshire", "Wrexham", "Gwynedd", "Powys"}


# ---------------------------------------------------------------- faults


def spoil(folder, register, old, new):
    path = folder / "registers" / register
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_contracts(folder, standard=False)
    return str(caught.value)


@pytest.mark.parametrize(
    ("register", "old", "new", "says"),
    [
        (
            "areas.csv",
            "E06000002,Middlesbrough,England",
            "e06000002,Middlesbrough,England",
            "areas.csv:3: code: 'e06000002' is not a GSS code",
        ),
        ("areas.csv", "54.5447", "5.4", "areas.csv:3: latitude: 5.4 does not lie in Great Britain"),
        (
            "areas.csv",
            "Middlesbrough,England",
            "Middlesbrough,Engalnd",
            "areas.csv:3: nation: is 'Engalnd'; did you mean England",
        ),
        ("areas.csv", "54.5447", "north", "areas.csv:3: latitude: is 'north'; write a number or nothing (null)"),
        ("areas.csv", "code,name", "code,nmae", "areas.csv:1: nmae: is not a column of this register; did you mean name"),
        (
            "areas.csv",
            "E06000002,Middlesbrough",
            "E06000001,Middlesbrough",
            "areas.csv:3: code: E06000001 stands on line 2 already",
        ),
        (
            "exposures.csv",
            "south-yorkshire,South Yorkshire,E08000016",
            "south-yorkshire,South Yorkshire,E08000017",
            "exposures.csv:3: area_code: economic_inactivity_trailblazer, south-yorkshire, E08000017 stands on line 2 already",
        ),
        (
            "exposures.csv",
            "south-yorkshire,South Yorkshire,E08000016",
            "south-yorkshire,South Yorkshire,E08000061",
            "exposures.csv:2: area_code: 'E08000061' is not in areas.csv; did you mean",
        ),
        (
            "exposures.csv",
            "south-yorkshire,South Yorkshire,E08000016",
            "south-yorkshire,South Yorkshire,E07000188",
            "exposures.csv:2: area_code: E07000188 was replaced by E06000066 (2023-04-01). Fix: write E06000066.",
        ),
        (
            "exposures.csv",
            "economic_inactivity_trailblazer,south",
            "economic_inactivity_trailblaser,south",
            (
                "exposures.csv:2: programme: 'economic_inactivity_trailblaser' is not in programmes.csv; did you mean"
                " economic_inactivity_trailblazer"
            ),
        ),
        (
            "exposures.csv",
            "E08000016,2025-04-03,announced launch,day",
            "E08000016,,announced launch,",
            "exposures.csv:2: start: is empty but start_basis is 'announced launch'",
        ),
        (
            "exposures.csv",
            "E08000016,2025-04-03,announced launch,day",
            "E08000016,2025-04-03,not established,day",
            "exposures.csv:2: start: is 2025-04-03 but start_basis is 'not established'",
        ),
        (
            "exposures.csv",
            "E08000016,2025-04-03,announced launch,day",
            "E08000016,2025-04-03,assumed,day",
            "exposures.csv:2: start_basis: 'assumed' does not belong in the register of facts",
        ),
        (
            "exposures.csv",
            "E08000016,2025-04-03",
            "E08000016,2025-13-03",
            "exposures.csv:2: start: '2025-13-03' is not a day; write YYYY-MM-DD.",
        ),
        (
            "exposures.csv",
            "E08000016,2025-04-03",
            "E08000016,2025-02-30",
            "exposures.csv:2: start: '2025-02-30' is not a day; write YYYY-MM-DD.",
        ),
        (
            "exposures.csv",
            "2027-03-31,18000000",
            "2027-03-31,17000000",
            "funding_gbp: is 18000000, on line 2 of the same place 17000000; it belongs to the whole place",
        ),
        (
            "exposures.csv",
            "2027-03-31,18000000",
            "2027-03-31,18.5m",
            "exposures.csv:2: funding_gbp: is '18.5m'; write a whole number",
        ),
        (
            "code_changes.csv",
            "E08000016,E08000038,2025-04,recode",
            "E08000016,E08000038,2025-04,rename",
            "code_changes.csv:2: kind: is 'rename'; allowed are 'recode', 'merge', 'split'",
        ),
        (
            "code_changes.csv",
            "E08000016,E08000038",
            "E08000016,E08000999",
            "code_changes.csv:2: new_code: E08000999 is not in areas.csv",
        ),
        (
            "neighbours.csv",
            "E06000001,E06000004,land\n",
            "",
            "the line E06000001,E06000004,land is missing; both directions are kept",
        ),
        (
            "neighbours.csv",
            "E06000001,E06000004,land",
            "E06000001,E06000001,land",
            "neighbours.csv:2: neighbour_code: E06000001 is named as its own",
        ),
        (
            "programmes.csv",
            "ips_in_primary_care,",
            "IPS,",
            "programmes.csv:7: id: 'IPS'; write small letters, digits and underscores",
        ),
    ],
)
def test_a_fault_names_file_line_and_remedy(folder, register, old, new, says):
    assert says in spoil(folder, register, old, new)


def test_all_faults_of_all_registers_come_together(folder):
    areas = folder / "registers" / "areas.csv"
    areas.write_text(areas.read_text(encoding="utf-8").replace("54.5447", "5.4").replace("-1.0061", "-91"), encoding="utf-8")
    message = spoil(folder, "exposures.csv", "E08000016,2025-04-03", "E08000016,2025-13-03")
    assert "areas.csv:3: latitude" in message
    assert "areas.csv:4: longitude" in message
    assert "exposures.csv:2: start" in message


def test_lines_are_true_after_a_quoted_line_break(folder):
    areas = folder / "registers" / "areas.csv"
    areas.write_text(
        areas.read_text(encoding="utf-8").replace("E06000001,Hartlepool", 'E06000001,"Hartle\npool"'), encoding="utf-8"
    )
    assert spoil(folder, "areas.csv", "54.5447", "5.4").startswith("areas.csv:4: latitude: 5.4")


def test_a_missing_register_is_named(folder):
    (folder / "registers" / "neighbours.csv").unlink()
    with pytest.raises(ConfigurationError, match=r"neighbours\.csv: there is no such file"):
        load_contracts(folder, standard=False)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no such folder"):
        load_contracts(tmp_path / "nowhere")

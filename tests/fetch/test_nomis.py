"""Nomis answers: cut at a limit, put together from pages, refused where they are not what was asked for."""

import pytest
import statistics_service as faulty

from evaluation.panel.build import build_panel, check_data
from evaluation.panel.vintages import list_vintages

POPULATION = "nomis_population"
CLAIMANTS = "nomis_claimant_count"


def one(results):
    (item,) = results
    return item


def files(data):
    return sorted(path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file())


def test_from_the_service_to_a_panel(fetch, service, data, contracts):
    service.dates["NM_17_5"] = ["2026-03"]
    results = fetch("nomis_aps", POPULATION)
    assert [item.state for item in results] == ["new", "new"], results
    checked = check_data(data, contracts, ["nomis_aps", POPULATION])
    assert checked.is_sound, checked
    panel = build_panel(data, contracts, ["inactivity_rate", "population_16_64"])
    rows = panel.frame[panel.frame["outcome"] == "inactivity_rate"]
    assert len(rows) == 350
    barnsley = rows[(rows["area_code"] == "E08000016") & (rows["period"] == "2026-03")].iloc[0]
    assert f"{barnsley['value']:.1f}" == service.value("NM_17_5", "2026-03", "E08000016", "111", "20599")
    assert barnsley["se"] == pytest.approx(4.5 / 1.959964, rel=1e-6)
    vintages = {item.record.source: item.id for item in list_vintages(data)}
    assert {item.vintage for item in panel.inputs} == set(vintages.values())
    # the code of the age band was found by its name
    asked = [path for _, path, _, _ in service.asked if "NM_2002_1.data.csv" in path]
    assert asked
    assert all("c_age=203" in path for path in asked)


def test_an_answer_longer_than_the_limit_is_put_together_from_pages(fetch, service, data, contracts):
    service.cap = 1_000
    result = one(fetch(CLAIMANTS))
    assert result.state == "new", result.error
    (vintage,) = list_vintages(data)
    # 350 areas x 2 ages x 2 measures = 1,400 rows a month; the newest month alone, then the two before together
    assert [len(table.answers) for table in vintage.record.tables] == [2, 3]
    raw = [answer for answer in vintage.record.answers if answer.file.endswith(".csv.answer")]
    assert len(raw) == 5
    assert [answer.address.partition("recordoffset=")[2] for answer in raw] == ["", "1000", "", "1000", "2000"]
    panel = build_panel(data, contracts, ["claimant_rate"])
    assert len(panel.frame) == 350 * 3
    assert not [path for path in files(data) if ".part" in path]


def test_months_are_asked_for_as_many_at_a_time_as_come_whole(fetch, service):
    service.dates["NM_162_1"] = [f"{year}-{m:02d}" for year in (2024, 2025) for m in range(1, 13)][:19]
    assert one(fetch(CLAIMANTS)).state == "new"
    counts = [path.partition("&date=")[2].count(",") + 1 for _, path, _, _ in service.asked if ".data.csv" in path]
    # 25,000 // 1,400 = 17 months; the newest is asked alone before and confirmed after
    assert counts == [1, 17, 1, 1]


def test_with_a_key_the_limit_is_higher_and_the_key_is_nowhere(fetch, service, data, lines):
    service.dates["NM_2002_1"] = [str(year) for year in range(1945, 2026)]
    result = one(fetch(POPULATION, first="1945", environment={"NOMIS_API_KEY": faulty.KEY}))
    assert result.state == "new", result.error
    # 80 older years of 350 rows fit 100,000; this service cuts at 25,000 all the same, and the rest comes as a page
    tables = list_vintages(data)[0].record.tables
    assert [len(table.answers) for table in tables] == [1, 2]
    assert all(f"uid={faulty.KEY}" in path for _, path, _, _ in service.asked)
    assert faulty.KEY not in "\n".join(lines)
    assert all(faulty.KEY.encode() not in path.read_bytes() for path in data.rglob("*") if path.is_file())


def test_first_period_can_be_given(fetch, service):
    fetch(CLAIMANTS, first="2026-07")
    assert [path.partition("&date=")[2] for _, path, _, _ in service.asked if ".data.csv" in path] == ["2026-07"]


def test_a_first_period_after_the_last_is_refused(fetch, data):
    result = one(fetch(CLAIMANTS, first="2031-01"))
    assert result.exit_code == 3
    assert "lists no period from 2031-01 on; its last ones are 2026-05, 2026-06, 2026-07" in result.error
    assert files(data) == []


def other_kind(columns, rows):
    return columns, [{**row, "GEOGRAPHY_TYPE": "local authorities: district / unitary (as of April 2015)"} for row in rows]


def renamed_measure(columns, rows):
    return columns, [{**row, "MEASURE_NAME": "Claimant count (new definition)"} if row["MEASURE"] == "1" else row for row in rows]


def renamed_age(columns, rows):
    return columns, [{**row, "AGE_NAME": "All categories: Age 18+"} if row["AGE"] == "0" else row for row in rows]


def renamed_column(columns, rows):
    return [name.replace("OBS_VALUE", "VALUE") for name in columns], [{**row, "VALUE": row["OBS_VALUE"]} for row in rows]


def one_area_less(columns, rows):
    kept = [row for row in rows if row["GEOGRAPHY_CODE"] != "E08000016"]
    return columns, [{**row, "RECORD_COUNT": str(len(kept)), "RECORD_OFFSET": str(n)} for n, row in enumerate(kept)]


def twice(columns, rows):
    again = [*rows, rows[0]]
    return columns, [{**row, "RECORD_COUNT": str(len(again)), "RECORD_OFFSET": str(n)} for n, row in enumerate(again)]


def fewer_than_counted(columns, rows):
    return columns, [row for n, row in enumerate(rows) if n != 7]


def without_count(columns, rows):
    return [name for name in columns if not name.startswith("RECORD")], rows


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (other_kind, "as of April 2015)' is not allowed"),
        (renamed_measure, "'Claimant count (new definition)'"),
        (renamed_age, "AGE 0 is called 'All categories: Age 18+'"),
        (renamed_column, "OBS_VALUE: the column is missing"),
        (one_area_less, "317 of the 318 authorities of England and Wales; without a row: E08000016 Barnsley"),
        (twice, "stands in line 2 already"),
        (fewer_than_counted, "not one whole answer"),
        (without_count, "nobody can tell whether it was cut"),
    ],
)
def test_an_answer_that_is_not_what_the_contract_says_is_refused(fetch, service, data, spoil, words):
    service.change = spoil
    result = one(fetch(CLAIMANTS, first="2026-07"))
    assert result.state == "failed"
    assert result.exit_code == 3
    assert words in result.error
    assert list_vintages(data) == ()
    # what broke the contract is kept as evidence, out of the way; what could not be understood is not
    kept = [path for path in files(data) if path.endswith("vintage.json")]
    assert all("/refused/" in path for path in kept)
    assert bool(kept) == ("are kept in" in result.error)


def test_a_refused_answer_does_not_get_into_a_panel(fetch, service, data, contracts):
    assert one(fetch(CLAIMANTS)).state == "new"
    before = build_panel(data, contracts, ["claimant_rate"])
    service.shift, service.change = 1.0, one_area_less
    assert one(fetch(CLAIMANTS)).state == "failed"
    after = build_panel(data, contracts, ["claimant_rate"])
    assert before.frame.equals(after.frame)


def test_suppressed_cells_stay_suppressed(fetch, service, data, contracts):
    words = "Estimate and confidence interval not available since the group sample size is zero or disclosive (0-2)."

    def suppress(columns, rows):
        hidden = {"OBS_VALUE": "", "OBS_STATUS": "Q", "OBS_STATUS_NAME": words}
        return columns, [{**row, **hidden} if row["GEOGRAPHY_CODE"] == "E06000053" else row for row in rows]

    service.change = suppress
    assert one(fetch("nomis_aps", first="2026-03")).state == "new"
    frame = build_panel(data, contracts, ["inactivity_rate"]).frame
    scilly = frame[frame["area_code"] == "E06000053"]
    assert scilly["value"].isna().all()
    assert set(scilly["flag"]) == {"not available: sample of 0 to 2"}


def test_new_codes_of_barnsley_and_sheffield_do_not_lose_them(fetch, service, data, contracts):
    later = {old: new for new, old in faulty.SHORTENED.items()}
    service.areas = [(later.get(code, code), name) for code, name in service.areas]
    assert one(fetch(CLAIMANTS)).state == "new"
    frame = build_panel(data, contracts, ["claimant_rate"]).frame
    assert {"E08000016", "E08000019"} <= set(frame["area_code"])
    assert frame["area_code"].nunique() == 350


def test_a_name_that_is_not_in_the_list_of_codes_is_refused(fetch, monkeypatch):
    monkeypatch.setitem(faulty.NAMES, "C_AGE", {"200": "All Ages", "203": "Aged 16 - 64"})
    result = one(fetch(POPULATION))
    assert "0 codes of c_age are called 'Aged 16 to 64'; did you mean Aged 16 - 64" in result.error


def test_figures_brought_out_in_between_are_two_editions(fetch, service, data):
    service.cap = 1_000
    service.faults = [("recordoffset=2000", faulty.revise(shift=1.0))]
    result = one(fetch(CLAIMANTS))
    assert result.exit_code == 4
    assert "brought out other figures while it was being asked" in result.error
    assert files(data) == []


def test_a_count_that_changes_between_pages_is_two_editions(fetch, service, data):
    service.cap = 1_000
    service.faults = [("recordoffset=1000", faulty.revise(areas=service.areas[:-1]))]
    result = one(fetch(CLAIMANTS))
    assert "1,400 rows for the first page and 1,396 for this one" in result.error
    assert files(data) == []


def test_a_page_under_another_header_is_refused(fetch, service, data):
    service.cap = 1_000
    swap = lambda columns, rows: ([columns[1], columns[0], *columns[2:]], rows)  # noqa: E731
    service.faults = [("recordoffset=1000", faulty.revise(change=swap))]
    result = one(fetch(CLAIMANTS))
    assert "the header of this page is not that of the first (it begins DATE_NAME, DATE, DATE_CODE)" in result.error
    assert files(data) == []


def test_a_service_that_gives_the_same_page_again_does_not_hang_us(fetch, service):
    service.cap = 1_000

    def ignore_offset(columns, rows):
        return columns, [{**row, "RECORD_OFFSET": str(n)} for n, row in enumerate(rows)]

    service.change = ignore_offset
    result = one(fetch(CLAIMANTS))
    assert "holds rows 0 to 399 where row 1,000 was asked for" in result.error

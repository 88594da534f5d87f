"""Stat-Xplore: identifiers found in its schema, a cube turned into a table, a key that is nowhere."""

import json
import time

import pytest
import statistics_service as faulty

from evaluation.contracts.load import load_contracts
from evaluation.panel.build import build_panel, check_data
from evaluation.panel.vintages import list_vintages

SOURCE = "statxplore_people_on_uc"
VARIABLE = "STATXPLORE_API_KEY"


@pytest.fixture
def get(fetch):
    def run(**options):
        (result,) = fetch(SOURCE, environment={VARIABLE: faulty.KEY}, **options)
        return result

    return run


def test_from_a_cube_to_a_panel(get, service, data, contracts):
    result = get()
    assert result.state == "new", result.error
    assert check_data(data, contracts, [SOURCE]).is_sound
    frame = build_panel(data, contracts, ["people_on_uc"]).frame
    assert len(frame) == 350 * 3
    row = frame[(frame["area_code"] == "E08000016") & (frame["period"] == "2026-07")].iloc[0]
    assert row["value"] == len("Barnsley") * 100 + 7
    (vintage,) = list_vintages(data)
    cube = next(a for a in vintage.record.answers if a.method == "POST")
    sent = json.loads(cube.sent)
    assert sent["dimensions"][0] == ["str:field:UC_Monthly:V_F_UC_CASELOAD_FULL:COA_CODE:LA"]
    assert json.loads((vintage.folder / cube.file).read_text())["SYNTHETIC"] is True


def test_welsh_names_in_two_languages_and_rows_that_are_no_area_are_known(get, service, data, contracts):
    welsh = {"W06000004": "Denbighshire / Sir Ddinbych", "W06000012": "Neath Port Talbot / Castell-nedd Port Talbot"}
    service.areas = [(code, welsh.get(code, name)) for code, name in service.areas] + [("", "Unknown"), ("", "Total")]
    assert get().state == "new"
    panel = build_panel(data, contracts, ["people_on_uc"])
    assert panel.frame["area_code"].nunique() == 350
    assert set(welsh) <= set(panel.frame["area_code"])


def test_months_are_asked_for_from_the_first_one_on(get, service):
    assert get(first="2026-07").state == "new"
    asked = [json.loads(body) for method, _, _, body in service.asked if method == "POST"]
    (recode,) = asked[0]["recodes"].values()
    assert recode == {
        "map": [[f"str:value:UC_Monthly:F_UC_DATE:DATE_NAME:C_UC_DATE:{m}"] for m in ("202607", "202608")],
        "total": False,
    }


def test_a_list_in_pages_is_read_to_its_end(get, fetch, service, data, contracts):
    """The service shows 100 months and points to the rest: without it, the newest years would be missing without a word."""
    service.areas = service.areas[:4]
    service.months = tuple(f"{year}{month:02d}" for year in range(2015, 2027) for month in range(1, 13))[7:140]
    assert len(service.months) == 133
    result = get()
    assert result.state == "new", result.error
    periods = build_panel(data, contracts, ["people_on_uc"]).frame["period"]
    assert (periods.nunique(), periods.min(), periods.max()) == (133, "2015-08", "2026-08")
    assert all(headers["APIKey"] == faulty.KEY for _, _, headers, _ in service.asked)
    assert get().state == "unchanged"
    (again,) = fetch(SOURCE, offline=True)
    assert again.state == "replayed", again.error


def test_the_next_page_is_asked_of_the_same_host_whatever_the_link_says(get, service):
    """A key must not go where a header points."""
    service.areas, service.page, service.next_at = service.areas[:4], 2, "http://elsewhere.invalid"
    assert get().state == "new"
    assert any("page=1" in path for _, path, _, _ in service.asked)


@pytest.mark.parametrize(
    ("link", "words"),
    [('<{address}/table>; rel="next"', "which is no page of the schema"), ('<{address}{path}>; rel="next"', "to a page it gave")],
)
def test_a_link_that_leads_nowhere_is_refused(get, service, link, words):
    service.link_next = lambda path, query: {"Link": link.format(address=service.address, path=path)}
    result = get()
    assert (result.state, result.exit_code) == ("failed", 4)
    assert words in result.error


def test_rows_that_are_no_authority_are_left_out(get, service, data, contracts):
    service.areas = [*service.areas[:4], ("", "Abroad"), ("", "Unknown")]
    assert get().state == "new"
    panel = build_panel(data, contracts, ["people_on_uc"])
    assert panel.frame["area_code"].nunique() == 4
    assert any("Abroad" in note for note in panel.notes)


def test_a_cube_whose_months_bear_other_identifiers_is_refused(get, service):
    cubes = service.answer_cube

    def shift(question):
        cube = json.loads(cubes(question))
        for item in cube["fields"][1]["items"]:
            item["labels"] = ["in a form nobody told us of"]
        cube["fields"][1]["items"][0]["uris"] = ["str:value:UC_Monthly:F_UC_DATE:DATE_NAME:C_UC_DATE:202605"]
        return json.dumps(cube).encode()

    service.answer_cube = shift
    result = get()
    assert result.exit_code == 3
    assert "asked for the months 2026-06 to 2026-08" in result.error


def test_a_question_too_many_is_waited_out_until_the_limit_is_reset(get, service, waits):
    """This service says when in milliseconds since 1970, and sends no Retry-After."""
    service.faults = [("/table", faulty.busy(429, reset=str(int((time.time() + 30) * 1000))))]
    assert get().state == "new"
    assert 25 < waits[0] <= 31


def test_a_limit_that_is_reset_much_later_stops_at_once(get, service, waits):
    service.faults = [("/table", faulty.busy(429, reset=str(int((time.time() + 3000) * 1000))))]
    result = get()
    assert result.exit_code == 4
    assert "asks us to wait" in result.error
    assert waits == []


@pytest.mark.parametrize("value", ["key with blanks", "schl\u00fcssel-0815-4711", "line\nbreak-0815", "short"])
def test_what_cannot_be_a_key_is_told_before_anybody_is_asked(fetch, service, value):
    (result,) = fetch(SOURCE, environment={VARIABLE: value})
    assert result.exit_code == 2
    assert f"{VARIABLE} does not hold a key" in result.error
    assert value not in result.error
    assert service.asked == []


def test_a_replay_needs_no_key(get, fetch, data):
    get()
    (again,) = fetch(SOURCE, offline=True)
    assert again.state == "replayed", again.error


def test_the_key_is_in_the_header_and_in_no_file_or_line(get, service, data, lines):
    get()
    assert all(headers["APIKey"] == faulty.KEY for _, _, headers, _ in service.asked)
    assert faulty.KEY not in "\n".join(lines)
    assert all(faulty.KEY.encode() not in path.read_bytes() for path in data.rglob("*") if path.is_file())


def test_without_a_key_the_message_says_which_variable_and_where_to_get_one(fetch, service, data):
    (result,) = fetch(SOURCE)
    assert result.exit_code == 2
    assert f"the environment variable {VARIABLE} is not set" in result.error
    assert "https://stat-xplore.dwp.gov.uk" in result.error
    assert service.asked == []
    assert not data.exists()


def test_a_wrong_key_is_told_without_the_key(fetch):
    (result,) = fetch(SOURCE, environment={VARIABLE: "another-key-0815"})
    assert result.exit_code == 2
    assert f"whether the environment variable {VARIABLE} holds the key" in result.error
    assert "another-key-0815" not in result.error


def test_the_command_line_never_shows_the_key(service, data, capsys, monkeypatch):
    """Not even where the service repeats it."""
    from evaluation.cli import main

    monkeypatch.setenv(VARIABLE, faulty.KEY)
    service.faults = [("/table", faulty.echo)]
    assert main(["fetch", "--data", str(data), "--source", SOURCE, "--base", f"statxplore={service.address}"]) == 4
    shown = capsys.readouterr()
    assert "repeats the key" in shown.err
    assert faulty.KEY not in shown.out + shown.err
    assert all(faulty.KEY.encode() not in path.read_bytes() for path in data.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ({"area": "Geography (residence-based)"}, "0 labels of a field are of the form"),
        ({"level": "Ward"}, "0 labels of a list of values are of the form 'Local Authority.*'"),
    ],
)
def test_a_label_that_moved_is_refused_with_those_there_are(get, service, label, words):
    service.labels |= label
    result = get()
    assert result.exit_code == 3
    assert words in result.error
    assert next(iter(label.values())) in result.error


def spoiled(**changes):
    def answer(handler):
        cube = {
            "fields": [{"items": [{"labels": ["Barnsley"]}]}, {"items": [{"labels": ["June 2026"]}, {"labels": ["July 2026"]}]}],
            "cubes": {"str:count:UC_Monthly:V_F_UC_CASELOAD_FULL": {"values": [[1.0, 2.0]]}},
        } | changes
        return handler.give(200, "application/json", json.dumps(cube).encode())

    return answer


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (spoiled(cubes={}), "not a cube of areas by months"),
        (spoiled(fields=[]), "not a cube of areas by months"),
        (
            spoiled(cubes={"str:count:UC_Monthly:V_F_UC_CASELOAD_FULL": {"values": [[1.0]]}}),
            "1 x 1 values for 1 areas and 2 months",
        ),
        (spoiled(), "asked for the months 2026-07 to 2026-08 (2), the cube has June 2026 to July 2026 (2)"),
        (lambda h: h.give(200, "application/json", b'{"fields": ['), "not whole JSON"),
    ],
)
def test_a_cube_that_is_not_what_was_asked_for_is_refused(get, service, data, fault, words):
    service.faults = [("/table", fault)]
    result = get(first="2026-07")
    assert result.exit_code == 3
    assert words in result.error
    assert list_vintages(data) == ()


def test_a_suppressed_cell_is_missing_and_not_zero(get, service, data, contracts):
    cubes = service.answer_cube

    def hide(question):
        cube = json.loads(cubes(question))
        next(iter(cube["cubes"].values()))["values"][0][0] = ".."
        return json.dumps(cube).encode()

    service.answer_cube = hide
    assert get().state == "new"
    frame = build_panel(data, contracts, ["people_on_uc"]).frame
    hidden = frame[frame["value"].isna()]
    assert hidden[["area_code", "period", "flag"]].to_numpy().tolist() == [["E06000001", "2026-06", "suppressed"]]


def test_the_key_of_the_contract_is_a_secret_no_notebook_gets():
    from evaluation.batch.credentials import withhold_secrets

    names = [source.fetch.get("key_variable", "STATXPLORE_API_KEY") for source in load_contracts(standard=False).sources.values()]
    assert withhold_secrets(dict.fromkeys([*names, "NOMIS_API_KEY"], "x" * 20)) == {}

"""Vintages: whole or not there, never mixed, replayed and compared."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import statistics_service as faulty

from evaluation.contracts.load import load_contracts
from evaluation.errors import ConfigurationError, DataError
from evaluation.fetch.compare import changes_csv, compare_vintages
from evaluation.panel.build import build_panel
from evaluation.panel.files import find_files
from evaluation.panel.vintages import FETCHED, list_vintages, pick_vintage

SOURCE = "nomis_population"


@pytest.fixture
def second(monkeypatch):
    """Every answer a second after the one before, so that vintages of one test have names of their own."""
    from datetime import UTC, datetime, timedelta

    import evaluation.fetch.http as module

    now = [datetime(2026, 11, 22, 9, 0, tzinfo=UTC)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            now[0] += timedelta(seconds=1)
            return now[0]

    monkeypatch.setattr(module, "datetime", Clock)
    return now


def test_what_is_kept_says_what_was_asked_when_and_what_came(fetch, service, data):
    (result,) = fetch(SOURCE)
    (vintage,) = list_vintages(data)
    assert vintage.id == result.vintage
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z-[0-9a-f]{8}", vintage.id)
    text = (vintage.folder / "vintage.json").read_text()
    answer = next(a for a in vintage.record.answers if a.file == "nomis_population-001.csv")
    assert answer.address == (
        f"{service.address}/dataset/NM_2002_1.data.csv?geography=TYPE424&gender=0&measures=20100&c_age=203&date=2025"
    )
    assert answer.status == 200
    assert answer.headers["etag"]
    assert answer.headers["content-type"] == "text/csv"
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", answer.at)
    kinds = sorted(a.file.rpartition("/")[2].partition(".")[2] for a in vintage.record.answers)
    assert kinds == ["csv", "csv", "json.answer", "json.answer"]
    assert str(data) not in text
    vintage.check()


def test_fetching_again_what_did_not_change_makes_no_vintage(fetch, service, data, second):
    fetch(SOURCE)
    before = sorted(path.as_posix() for path in data.rglob("*"))
    (again,) = fetch(SOURCE)
    assert again.state == "unchanged"
    after = sorted(path.as_posix() for path in data.rglob("*"))
    assert [path for path in after if path not in before] == [(data / FETCHED / SOURCE / "checked.json").as_posix()]
    # every question was asked on condition, and none was answered in full
    assert sum("If-None-Match" in headers for _, _, headers, _ in service.asked) >= 4


def test_without_etags_the_hash_tells(fetch, service, data, second):
    service.etags = False
    fetch(SOURCE)
    (again,) = fetch(SOURCE)
    assert again.state == "unchanged"
    assert len(list_vintages(data)) == 1


def test_a_revised_series_is_a_new_vintage_and_the_newest_is_read(fetch, service, data, contracts, second):
    fetch(SOURCE)
    old = build_panel(data, contracts, ["population_16_64"])
    service.shift, service.shift_from = 100, "2024"
    (result,) = fetch(SOURCE)
    assert result.state == "new"
    first, newest = list_vintages(data)
    new = build_panel(data, contracts, ["population_16_64"])
    assert {item.vintage for item in old.inputs} == {first.id}
    assert {item.vintage for item in new.inputs} == {newest.id}
    gap = (new.frame["value"] - old.frame["value"]).groupby(new.frame["period"]).unique()
    assert {period: list(values) for period, values in gap.items()} == {"2023": [0], "2024": [100], "2025": [100]}
    assert all(newest.id in file.shown for file in find_files(data, [contracts.sources[SOURCE]]))


def test_a_fetched_vintage_and_a_file_by_hand_are_two_editions(fetch, data, contracts):
    fetch(SOURCE)
    (vintage,) = list_vintages(data)
    (data / "nomis_population_by_hand.csv").write_bytes((vintage.folder / "nomis_population-001.csv").read_bytes())
    with pytest.raises(DataError, match="2 editions of it, which are never mixed"):
        build_panel(data, contracts, ["population_16_64"])


def test_a_folder_of_that_name_that_is_no_vintage_is_read_as_any_other(fetch, data, contracts):
    fetch(SOURCE)
    (vintage,) = list_vintages(data)
    body = (vintage.folder / "nomis_population-001.csv").read_bytes()
    other = data.parent / "other" / FETCHED / "by hand"
    other.mkdir(parents=True)
    (other / "nomis_population.csv").write_bytes(body)
    assert len(find_files(data.parent / "other", [contracts.sources[SOURCE]])) == 1


def test_a_changed_or_missing_file_is_named(fetch, data, contracts):
    fetch(SOURCE)
    (vintage,) = list_vintages(data)
    table = vintage.folder / "nomis_population-001.csv"
    table.write_bytes(table.read_bytes().replace(b"SYNTHETIC", b"synthetic", 1))
    with pytest.raises(DataError, match=r"nomis_population-001.csv: the file is not what was fetched \(rule sha256\)"):
        build_panel(data, contracts, ["population_16_64"])
    table.unlink()
    with pytest.raises(DataError, match=r"nomis_population-001.csv: the file is gone"):
        build_panel(data, contracts, ["population_16_64"])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"source": "other"}', '{"source": "nomis_population", "answers": 3}'])
def test_a_broken_record_is_named(fetch, data, contracts, text):
    fetch(SOURCE)
    (vintage,) = list_vintages(data)
    (vintage.folder / "vintage.json").write_text(text)
    with pytest.raises(DataError, match=r"vintage.json: the record of a vintage cannot be read"):
        build_panel(data, contracts, ["population_16_64"])


def test_a_record_that_points_outside_is_refused(fetch, data):
    fetch(SOURCE)
    (vintage,) = list_vintages(data)
    path = vintage.folder / "vintage.json"
    path.write_text(path.read_text().replace("nomis_population-001.csv", "../../../../secret.csv"))
    with pytest.raises(DataError, match="is no file of this vintage"):
        list_vintages(data)[0].check()


def test_replay_makes_the_same_tables_without_asking(fetch, service, data):
    fetch(SOURCE)
    asked = len(service.asked)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    (result,) = fetch(SOURCE, offline=True)
    assert result.state == "replayed", result.error
    assert len(service.asked) == asked
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_replay_without_anything_kept_is_refused(fetch, data):
    (result,) = fetch(SOURCE, offline=True)
    assert result.exit_code == 2
    assert f"nothing of {SOURCE} is kept" in result.error
    assert not data.exists() or not any(data.rglob("*"))


def test_replay_finds_a_changed_answer(fetch, data):
    fetch(SOURCE)
    path = next(data.rglob("*.json.answer"))
    path.write_text(path.read_text() + " ")
    (result,) = fetch(SOURCE, offline=True)
    assert "is not what was fetched" in result.error


def test_one_source_that_fails_does_not_stop_the_others(fetch, service, data):
    service.faults = [("NM_162_1", faulty.busy(404))]
    results = fetch("nomis_claimant_count", SOURCE)
    assert [item.state for item in results] == ["failed", "new"]
    assert {item.record.source for item in list_vintages(data)} == {SOURCE}


# ---- comparing


def test_the_difference_says_which_cells_moved_and_by_how_much(fetch, service, data, contracts, second):
    fetch(SOURCE)
    service.shift, service.shift_from = 100, "2025"
    service.dates["NM_2002_1"] = ["2024", "2025", "2026"]
    fetch(SOURCE, first="2024")
    change = compare_vintages(data, contracts.sources[SOURCE], contracts, "previous", "newest")
    (column,) = change.columns
    assert (column.common, column.moved, column.largest, column.mean) == (700, 350, 100, 100)
    assert change.periods == (("2025-12", 350),)
    assert len(change.added) == len(change.gone) == 350
    assert {key[0] for key in change.added} == {"2026-12"}
    assert {cell.by for cell in change.cells} == {100.0}
    rows = changes_csv(change).splitlines()
    assert rows[0] == "period,area_code,gender,c_age,column,what,old,new,by"
    assert len(rows) == 1 + 350 * 3


def test_a_figure_that_becomes_suppressed_is_told_apart(fetch, service, data, contracts, second):
    fetch(SOURCE)

    def hide(columns, rows):
        words = {"OBS_VALUE": "", "OBS_STATUS_NAME": "These figures are missing."}
        return columns, [{**row, **words} if row["GEOGRAPHY_CODE"] == "E06000001" else row for row in rows]

    service.change = hide
    (result,) = fetch(SOURCE)
    assert result.state == "new", result.error
    change = compare_vintages(data, contracts.sources[SOURCE], contracts, "previous", "newest")
    assert (change.columns[0].moved, change.columns[0].emptied) == (3, 3)
    assert {cell.by for cell in change.cells} == {None}


def test_an_unknown_vintage_lists_those_there_are(fetch, data, contracts):
    (result,) = fetch(SOURCE)
    with pytest.raises(ConfigurationError, match=f"there are: {result.vintage}"):
        pick_vintage(data, SOURCE, "2019")
    assert pick_vintage(data, SOURCE, result.vintage[:6]).id == result.vintage


# ---- killed


def command(service, data, *options):
    bases = [word for name in ("nomis", "ons", "statxplore") for word in ("--base", f"{name}={service.address}")]
    return [sys.executable, "-m", "evaluation", "fetch", "--data", str(data), *bases, *options]


def test_a_fetch_that_is_killed_leaves_nothing_that_looks_whole(service, fetch, data, contracts):
    """Killed in the middle of the second table, when the first is there already."""
    service.faults = [("date=2023,2024", faulty.dripping(20))]
    process = subprocess.Popen(
        command(service, data, "--source", SOURCE), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        end = time.monotonic() + 40
        while not any("date=2023,2024" in path for _, path, _, _ in service.asked) and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait(10)
    assert list_vintages(data) == ()
    assert find_files(data, contracts.sources.values()) == ()
    assert list(data.rglob(".part-*"))  # what it had begun is there, and nobody reads it
    (done,) = fetch(SOURCE)
    assert done.state == "new", done.error
    assert len(list_vintages(data)) == 1
    assert not list(data.rglob(".part-*"))


@pytest.mark.parametrize("moment", ["write_whole", "replace"])
def test_a_full_disk_at_any_moment_leaves_what_was_there(fetch, service, data, contracts, second, monkeypatch, moment):
    fetch(SOURCE)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    service.shift = 7
    import evaluation.fetch.store as store

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    if moment == "replace":
        monkeypatch.setattr(store.Path, "replace", full)
    else:
        monkeypatch.setattr(store, "write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        fetch(SOURCE)
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    assert len(find_files(data, [contracts.sources[SOURCE]])) == 2


def test_a_clock_that_went_back_is_told_before_anybody_is_asked(fetch, service, data):
    """Else what is fetched now would count as older than what is there, and nobody would read it."""
    fetch(SOURCE)
    (vintage,) = list_vintages(data)
    later = vintage.folder.with_name(vintage.id.replace(vintage.id[:4], "2199"))
    vintage.folder.rename(later)
    service.asked.clear()
    service.shift = 7
    (result,) = fetch(SOURCE)
    assert (result.state, result.exit_code) == ("failed", 2)
    assert "was fetched at 2199-" in result.error
    assert "the clock of this machine says 20" in result.error
    assert service.asked == []
    assert len(list_vintages(data)) == 1


def test_two_fetches_that_end_in_the_same_second_make_one_vintage(fetch, service, data, monkeypatch):
    """The other has put its folder there between our look and our renaming."""
    import shutil

    import evaluation.fetch.store as store

    def beaten(folder, target):
        shutil.copytree(folder, target)
        raise OSError(39, "Directory not empty")

    monkeypatch.setattr(
        store.Path, "replace", lambda folder, target: beaten(folder, target) if folder.is_dir() else os.replace(folder, target)
    )
    (result,) = fetch(SOURCE)
    assert result.state == "new", result.error
    assert [item.id for item in list_vintages(data)] == [result.vintage]
    assert not list(data.rglob(".part-*"))


# ---- the command line


def test_a_study_gets_what_it_needs_and_lists_it(service, data, capsys):
    from evaluation.cli import main

    service.dates["NM_17_5"] = ["2026-03"]
    assert main(command(service, data, "--design", "economic-inactivity-trailblazers")[3:]) == 0
    done = capsys.readouterr()
    names = {item.record.source for item in list_vintages(data)}
    assert names == {"nomis_aps", "nomis_claimant_count", "nomis_population"}
    assert "NM_17_5.data.csv" in done.err
    assert done.out.count("new vintage") == 3
    assert main(["vintages", "--data", str(data)]) == 0
    listed = capsys.readouterr().out
    assert listed.splitlines()[0].split()[:3] == ["source", "vintage", "answers"]
    assert listed.count("is read") == 3
    assert main(["vintages", "--data", str(data), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
    assert main(["vintages", "--data", str(data), "--source", SOURCE, "--diff", "newest", "newest"]) == 0
    assert "nothing moved" in capsys.readouterr().out
    assert main(["vintages", "--data", str(data), "--diff", "newest", "newest"]) == 2
    assert "name the source with --source" in capsys.readouterr().err


def test_a_dry_run_asks_nobody(service, data, capsys, monkeypatch):
    from evaluation.cli import main

    monkeypatch.setenv("STATXPLORE_API_KEY", faulty.KEY)
    words = ["--source", "nomis_aps", "--source", SOURCE, "--source", "statxplore_people_on_uc", "--source", "ons_paye_rti"]
    assert main(command(service, data, *words, "--dry-run")[3:]) == 0
    out = capsys.readouterr().out
    assert service.asked == []
    assert not data.exists()
    assert f"{service.address}/dataset/NM_17_5.data.csv?geography=TYPE424" in out
    assert "<code of 'Aged 16 to 64'>" in out
    assert "STATXPLORE_API_KEY is set" in out
    assert faulty.KEY not in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "name a study with --design, or a source with --source"),
        (["--source", "nomis_asp"], "there is no source 'nomis_asp'; did you mean nomis_aps"),
        (["--source", "nomis_aps", "--base", "nomis"], "write SERVICE=ADDRESS"),
        (["--source", "nomis_aps", "--base", "nomis=ftp://x"], "begins with https://"),
        (["--source", "nomis_spreadsheet"], "has no setting 'fetch'"),
    ],
)
def test_a_wrong_command_is_told(data, capsys, words, says):
    from evaluation.cli import main

    code = main(["fetch", "--data", str(data), *words])
    assert code == 2
    assert says in capsys.readouterr().err
    assert not data.exists()


def test_every_contract_that_can_be_fetched_says_how_in_full():
    from evaluation.fetch.settings import KINDS, read_settings

    contracts = load_contracts(standard=False)
    able = [source for source in contracts.sources.values() if source.fetch]
    assert {read_settings(source, {}).service for source in able} == set(KINDS)
    assert all(read_settings(source, {}).base.startswith("https://") for source in able)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"service": "nomiss"}, "service is 'nomiss'; did you mean nomis"),
        ({"datset": "NM_1_1"}, "datset: is not a key here; did you mean dataset"),
        ({"row_cap": "many"}, "row_cap: is 'many'; write a whole number"),
        ({"row_cap": 0}, "row_cap: is 0; write a whole number above 0"),
        ({"base": "www.nomisweb.co.uk"}, "base: is 'www.nomisweb.co.uk'; write an address that begins with https://"),
        ({"months_at_once": 0}, "months_at_once: is 0; write a whole number above 0"),
        ({"level": "("}, "level: '(' is not a regular expression"),
        ({"link": "["}, "link: '[' is not a regular expression"),
    ],
)
def test_a_wrong_setting_names_source_and_key(contracts, change, words):
    from dataclasses import replace

    from evaluation.fetch.settings import read_settings

    id = {"months_at_once": "statxplore_people_on_uc", "level": "statxplore_people_on_uc", "link": "ons_paye_rti"}
    source = contracts.sources[id.get(next(iter(change)), SOURCE)]
    with pytest.raises(ConfigurationError) as error:
        read_settings(replace(source, fetch={**source.fetch, **change}), {})
    assert f"source {source.id}: fetch: " in str(error.value)
    assert words in str(error.value)

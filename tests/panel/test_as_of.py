"""A panel pinned to a day reads of every source the newest edition that was there then, or is refused where there is none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from panel.published import ons_file

from evaluation import cli
from evaluation.contracts.load import load_contracts
from evaluation.design import study as study_module
from evaluation.design.protocol import load_design
from evaluation.design.study import build_design_panel, open_study
from evaluation.errors import ConfigurationError, DataError
from evaluation.panel.build import build_panel
from evaluation.panel.files import find_later
from evaluation.panel.vintages import FETCHED, KeptAnswer, KeptTable, VintageRecord, is_by
from evaluation.plain import dump_json

SOURCE = "statxplore_people_on_uc"
FIRST, SECOND = "2026-03-02T101500Z-aaaaaaaa", "2026-05-04T101500Z-bbbbbbbb"


@cache
def contracts():  # type: ignore[no-untyped-def]
    return load_contracts(standard=False)


def keep(data: Path, vintage: str, people: int) -> None:
    """A vintage as `fetch` keeps it."""
    body = f"area_code,area_name,period,value\nE08000016,Barnsley,2026-01,{people}\n".encode()
    sha256 = hashlib.sha256(body).hexdigest()
    file = f"{SOURCE}-001.csv"
    answer = KeptAnswer(
        method="GET", address="https://example.org", sent="", at="2026-03-02T10:15:00Z", status=200, headers={}, file=file,
        sha256=sha256, size=len(body), attempts=1,
    )  # fmt: skip
    record = VintageRecord(
        source=SOURCE, contract_version="1.0.0", row_cap=0, first="", base="https://example.org", answers=(answer,),
        tables=(KeptTable(file=file, sha256=sha256, answers=(0,)),),
    )  # fmt: skip
    home = data / FETCHED / SOURCE / vintage
    home.mkdir(parents=True)
    (home / file).write_bytes(body)
    (home / "vintage.json").write_text(dump_json(record), "utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    keep(tmp_path, FIRST, 21_000)
    keep(tmp_path, SECOND, 22_000)
    return tmp_path


@pytest.mark.parametrize(
    ("edition", "day", "there"),
    [
        (FIRST, "2026-03-01", False),
        (FIRST, "2026-03-02", True),
        ("2026-01", "2026-01-30", False),  # it may have come out on the last day of the month
        ("2026-01", "2026-01-31", True),
        ("2026-12", "2026-12-31", True),
        ("2025", "2025-12-30", False),
        ("2025", "2025-12-31", True),
        ("2023-07-01", "2023-07-01", True),
        ("not stated", "2030-01-01", False),
        ("v3", "2030-01-01", False),
    ],
)
def test_an_edition_is_there_from_its_last_day_on(edition: str, day: str, there: bool) -> None:
    assert is_by(edition, day) is there


@pytest.mark.parametrize(
    ("day", "people", "vintage"), [("", 22_000, SECOND), ("2026-05-03", 21_000, FIRST), ("2026-05-04", 22_000, SECOND)]
)
def test_the_newest_vintage_of_the_day_is_read_and_the_panel_says_so(data: Path, day: str, people: int, vintage: str) -> None:
    panel = build_panel(data, contracts(), ["people_on_uc"], as_of=day)
    assert panel.frame["value"].tolist() == [people]
    assert [item.vintage for item in panel.inputs] == [vintage]
    pinned = [note for note in panel.notes if note.startswith("pinned to ")]
    assert pinned == [f"pinned to {day}: of every source the newest edition fetched or published by that day is read"] * bool(day)


def test_where_every_edition_is_too_new_the_outcome_is_refused_and_no_other_source_stands_in(data: Path) -> None:
    with pytest.raises(
        DataError, match=f"people_on_uc: no edition of {SOURCE} is old enough; the oldest here is {FIRST}. Give a later"
    ):
        build_panel(data, contracts(), ["people_on_uc"], as_of="2026-03-01")
    assert find_later(data, contracts().sources.values(), "2026-03-01") == {SOURCE: FIRST}
    assert find_later(data, contracts().sources.values(), "2026-03-02") == {}


def write_ons(folder: Path, name: str, value: float) -> None:
    ons_file(folder, name, [("E08000016", "Barnsley", "Claimant Count", "2024-01-01/P1Y", value, "", "", "")])


def test_of_files_put_there_by_hand_the_newest_edition_of_the_day_is_read(tmp_path: Path) -> None:
    write_ons(tmp_path, "ons_els_claimant_count_2024-11.csv", 3.1)
    write_ons(tmp_path, "ons_els_claimant_count_2026-01.csv", 3.3)
    outcome = contracts().outcomes["claimant_rate_annual"]
    free = replace(outcome, series=tuple(replace(rule, vintage=None) for rule in outcome.series))
    unpinned = replace(contracts(), outcomes={**contracts().outcomes, outcome.id: free})
    with pytest.raises(DataError, match="2 editions of it, which are never mixed"):
        build_panel(tmp_path, unpinned, [outcome.id])
    for day, value in (("2026-01-30", 3.1), ("2026-01-31", 3.3)):
        assert build_panel(tmp_path, unpinned, [outcome.id], as_of=day).frame["value"].tolist() == [value]
    with pytest.raises(DataError, match="no edition of ons_explore_local_statistics is old enough; the oldest here is 2024-11"):
        build_panel(tmp_path, unpinned, [outcome.id], as_of="2024-11-29")
    # the contract pins another edition than the day has: neither gives way to the other
    with pytest.raises(DataError, match=r"pinned to the edition 2026-01 .* has ons_els_claimant_count_2024-11.csv"):
        build_panel(tmp_path, contracts(), [outcome.id], as_of="2026-01-30")


def test_a_file_that_does_not_tell_its_edition_is_refused_where_a_day_is_asked_for(tmp_path: Path) -> None:
    pd.DataFrame([["E08000016", "Barnsley", "2026-01", 21_000]], columns=["area_code", "area_name", "period", "value"]).to_csv(
        tmp_path / f"{SOURCE}.csv", index=False
    )
    assert len(build_panel(tmp_path, contracts(), ["people_on_uc"]).frame) == 1
    with pytest.raises(DataError, match=f"{SOURCE}.csv: neither its name nor its content tells its edition, so nobody can say"):
        build_panel(tmp_path, contracts(), ["people_on_uc"], as_of="2026-06-01")


def test_a_design_refuses_an_outcome_that_is_too_new_and_days_that_are_none(data: Path) -> None:
    design = load_design(contracts(), "universal-credit-rollout")
    plans = tuple(replace(plan, id="people_on_uc") for plan in design.outcomes)
    design = replace(design, outcomes=plans)
    assert build_design_panel(data, contracts(), design, as_of="2026-04-01").frame["value"].tolist() == [21_000]
    with pytest.raises(DataError, match="no edition of"):
        build_design_panel(data, contracts(), design, as_of="2026-03-01")
    for wrong in ("2026", "2026-13-01", "yesterday", "20260301"):
        with pytest.raises(ConfigurationError, match="write a day as YYYY-MM-DD"):
            build_design_panel(data, contracts(), design, as_of=wrong)


def test_a_study_can_be_opened_as_of_a_day(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(study_module, "build_design_panel", lambda *given, as_of: asked.append(as_of))
    open_study("universal-credit-rollout", data=data, vintage="2026-04-01")
    assert asked == ["2026-04-01"]
    with pytest.raises(ConfigurationError, match=r"a vintage \(2026-04-01\) is of a data folder"):
        open_study("universal-credit-rollout", vintage="2026-04-01")


def test_plan_and_run_take_the_day_and_the_run_records_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for edition in ("2026-01", "2026-06"):
        rows = [
            (code, area.name, "Claimant Count", f"{year}-01-01/P1Y", f"{1 + n % 7 + 0.1 * (year % 5):.1f}", "", "", "")
            for n, (code, area) in enumerate(contracts().areas.items())
            for year in range(2010, 2018)
        ]
        ons_file(folder, f"ons_els_claimant_count_{edition}.csv", [(r[0], f'"{r[1]}"', *r[2:]) for r in rows])
    words = ["--design", "universal-credit-rollout", "--data", str(folder), "--out", str(tmp_path / "run"), "--vintage"]
    assert cli.main(["plan", *words, "2026-03-01"]) == 0
    assert capsys.readouterr().out.startswith("data pinned to 2026-03-01\n")
    assert cli.main(["plan", *words, "2026-03-01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["vintage"] == "2026-03-01"
    assert cli.main(["plan", *words, "2025-12-31"]) == 3
    assert "no edition of ons_explore_local_statistics is old enough; the oldest here is 2026-01" in capsys.readouterr().err
    assert cli.main(["plan", *words, "soon"]) == 2
    from evaluation.batch.stages import prepare, read_manifest

    prepare("universal-credit-rollout", folder, tmp_path / "run", as_of="2026-03-01")
    manifest = read_manifest(tmp_path / "run")
    assert (manifest.as_of, [item.vintage for item in manifest.inputs]) == ("2026-03-01", ["2026-01"])
    assert any(
        note.startswith("pinned to 2026-03-01") for note in json.loads((tmp_path / "run" / "panel.json").read_text())["notes"]
    )

"""The page of an area goes through the disclosure gate, as the report of a study does. Every figure here is invented."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from drawn import draw_area, draw_contracts, draw_exposure, draw_outcome, draw_panel

from evaluation.batch import profiles
from evaluation.cli import main
from evaluation.contracts.load import load_contracts
from evaluation.profile import cells
from evaluation.profile.gather import Gathered

CODES = [f"E0600000{n}" for n in range(1, 5)]
YEARS = [str(year) for year in range(2018, 2024)]
AREA = "Town E06000001"
RULE = {"status": "established", "access": "restricted", "threshold": 10, "base": 5, "nouns": ["families"], "source": "Invented."}
UNKNOWN = {"status": "not established", "access": "restricted"}


def make(families: list[float], clause: dict):
    """Contracts and figures: a rate and a count of families from one restricted source."""
    source = replace(load_contracts(standard=False).sources["demonstration"], id="drawn", disclosure=clause)
    outcomes = (
        draw_outcome("rate", name="idle rate"),
        draw_outcome("residents", unit="people", population=None, denominator=""),
        draw_outcome(
            "families",
            name="families on benefit",
            unit="people",
            unit_words="families",
            level_words="families",
            population=None,
            denominator="",
        ),
    )
    areas, exposures = [draw_area(code) for code in CODES], [draw_exposure("scheme", CODES[0], "2023-04-01")]
    contracts = draw_contracts(areas, outcomes=outcomes, exposures=exposures, programmes=("scheme",))
    contracts = replace(contracts, sources={"drawn": source})
    figures = {
        "rate": {code: [20.0 + n] * len(YEARS) for n, code in enumerate(CODES)},
        "residents": {code: [100_000.0] for code in CODES},
        "families": {code: families if code == CODES[0] else [403.0] * len(YEARS) for code in CODES},
    }
    panel = draw_panel(figures, {"rate": YEARS, "residents": ["2018"], "families": YEARS})
    return contracts, Gathered(panel=panel, missing={}, neighbours=None)


@pytest.fixture
def write_page(tmp_path, monkeypatch):
    """The command over invented figures; gives its exit code and the folder of the page."""

    def run(families: list[float], clause: dict, *options: str) -> tuple[int, Path]:
        contracts, gathered = make(families, clause)
        monkeypatch.setattr(profiles, "load_contracts", lambda **_: contracts)
        monkeypatch.setattr(profiles, "gather_figures", lambda *_: gathered)
        page = tmp_path / "page"
        code = main(["profile", "--area", CODES[0], "--data", str(tmp_path), "--out", str(page), *options])
        return code, page

    return run


def read(page: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in page.rglob("*") if path.is_file()}


def test_counts_are_published_rounded_and_small_ones_nowhere(write_page):
    code, page = write_page([403.0, 412.0, 4.0, 417.0, 3.0, 421.0], RULE)
    assert code == 0
    rows = list(csv.DictReader((page / "data" / f"table-profile-levels-{CODES[0]}.csv").read_text("utf-8").splitlines()))
    assert [row["Figure"] for row in rows if row["Outcome"].startswith("Families")] == ["420"]
    series = list(csv.DictReader((page / "data" / f"profile-families-{CODES[0].lower()}.csv").read_text("utf-8").splitlines()))
    assert [row[AREA] for row in series] == ["405", "410", "[x]", "415", "[x]", "420"]
    level = next(
        item for item in json.loads((page / "data" / "profile.json").read_text("utf-8"))["levels"] if item["unit"] == "people"
    )
    assert level["series"]["area"] == [405.0, 410.0, None, 415.0, None, 420.0]
    for path, content in read(page).items():
        for exact in (b"403", b"412", b"417", b"421"):
            if path.suffix in (".csv", ".json", ".html"):
                assert exact not in content.replace(b"#", b""), path.name


def test_an_area_with_small_counts_alone_has_the_shorthand_and_its_legend(write_page):
    code, page = write_page([4.0] * 6, RULE)
    assert code == 0
    rows = list(csv.DictReader((page / "data" / f"table-profile-levels-{CODES[0]}.csv").read_text("utf-8").splitlines()))
    assert [row["Figure"] for row in rows if row["Outcome"].startswith("Families")] == ["[c]"]
    assert "[c] confidential" in (page / "index.html").read_text("utf-8")


def test_a_count_that_slips_through_stops_the_page_and_the_earlier_one_stays(write_page, monkeypatch, capsys):
    code, page = write_page([403.0] * 6, RULE)
    assert code == 0
    before = read(page)
    monkeypatch.setattr(cells, "protect", lambda values, flags, _: (values, flags))
    code, page = write_page([403.0] * 5 + [4.0], RULE)
    said = capsys.readouterr().err
    assert code == 5
    for file in (
        f"data/profile-families-{CODES[0].lower()}.csv: {AREA} | 2023, {AREA}",
        f"data/profile.json: {AREA}, families | 2023, value",
    ):
        assert f"{file}: the count 4 is below the threshold of 10" in said
    assert f"data/profile.json: {AREA}, families | 2022, value: the count 403 is not rounded to 5" in said
    assert f"images/profile-families-{CODES[0].lower()}.svg: alternative text: the count 4 in" in said
    assert read(page) == before


def test_counts_without_a_known_rule_are_left_out_unless_they_are_asked_for(write_page, capsys):
    code, page = write_page([403.0] * 6, UNKNOWN)
    assert code == 0
    assert (
        "families on benefit: counts of a restricted source whose disclosure rule is not established" in capsys.readouterr().out
    )
    before = read(page)
    assert b"403" not in before[page / "data" / "profile.json"]
    code, page = write_page([403.0] * 6, UNKNOWN, "--outcome", "families", "--outcome", "rate")
    assert code == 5
    assert "drawn.odcs.yaml: outcome families: counts from a restricted source" in capsys.readouterr().err
    assert read(page) == before

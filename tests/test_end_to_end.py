"""The whole line, from data to a published page, and again without change."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from leaks import find_leaks
from report.pages import accessibility_faults, needs_browser, open_browser, site_faults
from report.table_faults import table_faults
from traces import broken_traces, sentences_missing

from evaluation.batch.notebooks import NOTEBOOKS
from evaluation.batch.stages import write_demonstration_data

ROOT = Path(__file__).resolve().parents[1]
DESIGN = "economic-inactivity-trailblazers"
OUTCOME = "inactivity_rate"
AREAS = ("south-yorkshire", "wales")
KEY, SECRET = "STATXPLORE_API_KEY", "planted-secret-value"
"""In the environment of every command below; nothing they leave may hold it."""
COUNT = 4 * (len(AREAS) + 1) + 1
"""Four notebooks for each area and all of them together, and one that pools."""


@pytest.fixture(scope="module")
def contracts(tmp_path_factory):
    """The project's contracts with a design of two places, one outcome and few draws."""
    folder = tmp_path_factory.mktemp("contracts") / "data_contracts"
    shutil.copytree(ROOT / "data_contracts", folder)
    path = folder / "designs" / f"{DESIGN}.yml"
    text = path.read_text("utf-8")
    for pattern, replacement in (
        (r"^estimate_areas: all$", f"estimate_areas: [{', '.join(AREAS)}]"),
        (r"^  - id: employment_rate\n(?:    .*\n)*", ""),
        (r"^  - id: claimant_rate\n(?:    .*\n)*", ""),
        (r"^draws: 999$", "draws: 99"),
    ):
        text, count = re.subn(pattern, replacement, text, flags=re.M)
        assert count == 1, pattern
    path.write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def trailblazer(contracts):
    def call(*arguments: str, code: int = 0) -> str:
        environment = os.environ | {"SOURCE_DATE_EPOCH": "1790000000", "TRAILBLAZER_CONTRACTS": str(contracts), KEY: SECRET}
        done = subprocess.run(
            [sys.executable, "-m", "evaluation", *arguments], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")

    return call


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_demonstration_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run_once(trailblazer, data):
    def call(out: Path, *extra: str) -> str:
        return trailblazer("run", "--design", DESIGN, "--data", str(data), "--out", str(out), *extra)

    return call


@pytest.fixture(scope="module")
def finished(run_once, trailblazer, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "first with é"
    said = run_once(out)
    assert re.search(r"13/13  done    inactivity_rate · all treated areas · 50_pool_programme  [0-9.]+ s$", said, re.M)
    assert re.search(r"^  Wales +done +4 notebooks +[0-9.]+ s  .*inactivity_rate$", said, re.M)
    trailblazer("report", "--run", str(out), "--engine", "embedded")
    return out


def files(folder: Path, *patterns: str) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for pattern in patterns
        for p in sorted(folder.glob(pattern))
        if p.is_file()
    }


def test_everything_a_run_promises_is_there(finished):
    families = {"twfe", "event_study", "synthetic_control"}
    for area in (*AREAS, "all"):
        folder = finished / f"findings/{DESIGN}/{OUTCOME}/{area}"
        names = {path.stem for path in folder.glob("*.json")}
        assert names >= (families if area != "all" else {"twfe", "staggered_synthetic_control"})
        for path in folder.glob("*.json"):
            finding = json.loads(path.read_text("utf-8"))
            assert finding["synthetic"] is True
            assert finding["provenance"]["inputs"][0]["sha256"]
        for kind in ("power", "stress", "spillover", "conclusions"):
            assert json.loads((finished / f"{kind}/{OUTCOME}/{area}.json").read_text("utf-8"))["synthetic"] is True
    assert json.loads((finished / f"pool/{OUTCOME}.json").read_text("utf-8"))["synthetic"] is True
    manifest = json.loads((finished / "manifest.json").read_text("utf-8"))
    assert set(manifest["notebooks"]) == {kind.file for kind in NOTEBOOKS}, "every notebook of the batch is required"
    assert manifest["inputs"][0]["vintage"]
    assert (finished / "report" / "index.html").exists()
    assert len(list((finished / "report").glob("*.pdf"))) == 1
    build = json.loads((finished / "report" / "report-build.json").read_text("utf-8"))
    assert build["engine"] == "embedded"


def test_synthetic_stands_on_every_page(finished):
    pages = list((finished / "report").rglob("*.html"))
    assert len(pages) > 8
    for page in pages:
        assert "SYNTHETIC" in page.read_text("utf-8"), page.name
    for table in (finished / "data").glob("*.csv"):
        assert table.name.startswith("SYNTHETIC")


def test_every_kind_of_page_is_published_and_sound(finished):
    report = finished / "report"
    chapters = [path.relative_to(ROOT / "reports") for path in (ROOT / "reports").rglob("*.qmd") if path.parent.name[0] != "_"]
    wanted = {path.with_suffix(".html").as_posix() for path in chapters} | {f"areas/{area}.html" for area in AREAS}
    assert {path.relative_to(report).as_posix() for path in report.rglob("*.html")} == wanted
    assert {name.partition("/")[0] for name in wanted} == {"index.html", "references.html", "chapters", "areas", "annex"}
    assert site_faults(report) == {}


@pytest.mark.browser
@needs_browser
def test_every_published_page_can_be_used_at_any_width_with_everything_open(finished):
    """The gate that `make accessible REPORT=...` holds against any other report."""
    with open_browser() as browser:
        assert accessibility_faults(finished / "report", browser, record="end-to-end") == []


def test_the_same_sentence_stands_in_notebook_page_and_spreadsheet(finished):
    assert sentences_missing(finished) == []


def test_every_finding_leads_back_to_its_data_and_its_protocol(finished):
    assert broken_traces(finished) == []


def test_every_cell_of_every_published_table_says_something(finished):
    assert table_faults(finished / "report") == []


def test_no_machine_path_is_published(finished):
    root = str(Path(__file__).resolve().parents[1]).encode()
    for name, content in files(finished, "report/**/*", "findings/**/*", "notebooks/**/*", "conclusions/**/*").items():
        assert root not in content, name
        assert str(finished).encode() not in content, name


def test_a_second_run_does_nothing_and_changes_nothing(finished, run_once, trailblazer):
    before = files(finished, "findings/**/*", "power/**/*", "notebooks/**/*", "report/**/*")
    stamps = {name: (finished / name).stat().st_mtime_ns for name in before}
    assert f"0 run, {COUNT} unchanged" in run_once(finished)
    trailblazer("report", "--run", str(finished), "--engine", "embedded")
    assert {name: (finished / name).stat().st_mtime_ns for name in before} == stamps


def test_a_clock_set_back_changes_nothing(finished, run_once):
    for path in finished.rglob("*"):
        os.utime(path, (0, 0))
    assert f"0 run, {COUNT} unchanged" in run_once(finished)


def test_the_same_panel_in_another_folder_gives_the_same_bytes(finished, trailblazer):
    """Also with one notebook at a time, where the first run had as many as there are processors."""
    said = trailblazer("verify", "--run", str(finished), "--jobs", "1")
    assert "Verified: everything came out the same." in said
    assert re.search(rf"notebooks +{COUNT} identical", said)
    for kind in ("findings", "power", "stress", "spillover", "pool", "conclusions", "report"):
        assert re.search(rf"{kind} +[1-9][0-9]* identical", said), kind


def test_verify_names_the_field_that_was_tampered_with(finished, trailblazer):
    path = finished / f"power/{OUTCOME}/wales.json"
    honest = path.read_bytes()
    path.write_text(honest.decode().replace('"power": 0.8', '"power": 0.9'), "utf-8")
    try:
        said = trailblazer("verify", "--run", str(finished), "--only", "wales", code=3)
    finally:
        path.write_bytes(honest)
    assert f"different: power/{OUTCOME}/wales.json (power: 0.9, now 0.8)" in said
    assert "NOT verified" in said


def test_a_crate_holds_it_all_and_is_the_same_twice(finished, trailblazer, tmp_path):
    for name in ("a.zip", "b.zip"):
        trailblazer("export", "--run", str(finished), "--out", str(tmp_path / name))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as crate:
        assert crate.testzip() is None
        metadata = json.loads(crate.read("ro-crate-metadata.json"))
        entities = {item["@id"]: item for item in metadata["@graph"]}
        assert len(entities) == len(metadata["@graph"]), "every entity is described once"
        assert entities["ro-crate-metadata.json"]["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
        assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
        root = entities["./"]
        assert root["datePublished"] == "2026-09-21"
        assert "SYNTHETIC" in root["name"]
        parts = {item["@id"] for item in root["hasPart"]}
        assert parts | {"ro-crate-metadata.json"} == set(crate.namelist())
        assert {"protocol.yml", "panel.parquet", f"pool/{OUTCOME}.json", "report/index.html"} <= parts
        for name in parts:
            content = crate.read(name)
            assert entities[name]["sha256"] == hashlib.sha256(content).hexdigest()
            assert str(ROOT).encode() not in content, name

        def referred(value):
            if isinstance(value, dict):
                if set(value) == {"@id"}:
                    yield value["@id"]
                else:
                    for item in value.values():
                        yield from referred(item)
            elif isinstance(value, list):
                for item in value:
                    yield from referred(item)

        assert {name for name in referred(metadata["@graph"]) if "://" not in name} <= set(entities)


def test_a_secret_of_the_environment_is_in_nothing_a_run_leaves(finished, trailblazer, tmp_path):
    """Notebooks, manifest, ledger, logs, findings, report, spreadsheet, PDF and crate; see tests/faults/test_secrets.py."""
    trailblazer("export", "--run", str(finished), "--out", str(tmp_path / "crate.zip"))
    for place in (finished, tmp_path / "crate.zip"):
        assert find_leaks(place, SECRET) == []
        assert find_leaks(place, KEY) == []
    assert find_leaks(finished, "SYNTHETIC"), "the search looks into the files"


def test_a_missing_finding_is_made_again(finished, run_once):
    lost = finished / f"findings/{DESIGN}/{OUTCOME}/wales/twfe.json"
    before = lost.read_bytes()
    lost.unlink()
    assert f"1 run, {COUNT - 1} unchanged" in run_once(finished)
    assert lost.read_bytes() == before


def test_the_plan_says_what_is_done(finished, data, trailblazer):
    common = ("--design", DESIGN, "--data", str(data), "--out", str(finished), "--only", "wales")
    shown = trailblazer("plan", *common)
    assert "0 of 4 notebooks to run" in shown
    assert f"done  {OUTCOME}/wales/20_estimate_did" in shown
    assert json.loads(trailblazer("plan", *common, "--json"))["to_run"] == 0
    assert "0 of 4 notebooks to run" in trailblazer("run", *common, "--dry-run")


def test_a_changed_protocol_is_on_record_and_in_the_report(finished, data, contracts, trailblazer):
    """Last: it changes the design."""
    path = contracts / "designs" / f"{DESIGN}.yml"
    path.write_text(path.read_text("utf-8").replace("maximum_donor_weight: 0.5", "maximum_donor_weight: 0.6"), "utf-8")
    shown = trailblazer("status", "--run", str(finished))
    assert f"{COUNT - 1} because the protocol changed" in shown
    assert "1 because the protocol and a finding it reads changed" in shown
    common = ("--design", DESIGN, "--data", str(data), "--out", str(finished))
    assert f"{COUNT} run again because the protocol changed" in trailblazer("plan", *common)
    limited = json.loads(trailblazer("run", *common, "--limit", "1", "--json"))
    assert [(item["id"], item["state"]) for item in limited["notebooks"]] == [
        (f"{OUTCOME}/south-yorkshire/60_plan_power", "done")
    ]
    assert {item["area"] for item in limited["areas"]} == {*AREAS, "all"}
    assert "thresholds.maximum_donor_weight 0.5 -> 0.6" in trailblazer("status", "--run", str(finished))
    trailblazer("report", "--run", str(finished), "--engine", "embedded")
    pages = "".join(page.read_text("utf-8") for page in (finished / "report").rglob("*.html"))
    assert "One departure is on record" in pages

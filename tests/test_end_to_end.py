"""The whole line, from data to a published page, and again without change."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.batch.stages import write_demonstration_data

DESIGN = "economic-inactivity-trailblazers"


def trailblazer(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1790000000"}
    return subprocess.run(
        [sys.executable, "-m", "evaluation", *arguments], capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_demonstration_data(tmp_path_factory.mktemp("data"))


def run_once(data: Path, out: Path, *extra: str) -> subprocess.CompletedProcess[str]:
    selection = ("--only", "wales", "--only", "north-east")
    result = trailblazer("run", "--design", DESIGN, "--data", str(data), "--out", str(out), *selection, *extra)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "first"
    run_once(data, out)
    published = trailblazer("report", "--run", str(out), "--engine", "embedded")
    assert published.returncode == 0, published.stderr
    return out


def files(folder: Path, *patterns: str) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for pattern in patterns
        for p in sorted(folder.glob(pattern))
        if p.is_file()
    }


def test_everything_a_run_promises_is_there(finished):
    for outcome in ("inactivity_rate", "employment_rate", "claimant_rate"):
        for area in ("wales", "north-east"):
            for name in ("twfe", "event_study", "synthetic_control"):
                finding = json.loads((finished / f"findings/{DESIGN}/{outcome}/{area}/{name}.json").read_text("utf-8"))
                assert finding["synthetic"] is True
                assert finding["provenance"]["inputs"][0]["sha256"]
            assert (finished / f"conclusions/{outcome}/{area}.json").exists()
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


def test_no_machine_path_is_published(finished):
    root = str(Path(__file__).resolve().parents[1]).encode()
    for name, content in files(finished, "report/**/*", "findings/**/*", "notebooks/**/*", "conclusions/**/*").items():
        assert root not in content, name
        assert str(finished).encode() not in content, name


def test_a_second_run_does_nothing_and_changes_nothing(finished, data):
    before = files(finished, "findings/**/*", "notebooks/**/*", "report/**/*")
    stamps = {name: (finished / name).stat().st_mtime_ns for name in before}
    again = run_once(data, finished)
    assert "0 run, 12 unchanged" in again.stdout
    assert trailblazer("report", "--run", str(finished), "--engine", "embedded").returncode == 0
    assert {name: (finished / name).stat().st_mtime_ns for name in before} == stamps


def test_the_same_data_in_another_folder_give_the_same_bytes(finished, data, tmp_path):
    out = tmp_path / "second with é"
    run_once(data, out, "--jobs", "1")
    assert trailblazer("report", "--run", str(out), "--engine", "embedded").returncode == 0
    patterns = ("findings/**/*", "conclusions/**/*", "notebooks/**/*", "report/**/*.html", "report/**/*.pdf", "report/**/*.csv")
    assert files(out, *patterns) == files(finished, *patterns)


def test_a_missing_finding_is_made_again(finished, data):
    lost = finished / f"findings/{DESIGN}/claimant_rate/wales/twfe.json"
    before = lost.read_bytes()
    lost.unlink()
    assert "1 run, 11 unchanged" in run_once(data, finished).stdout
    assert lost.read_bytes() == before


def test_the_plan_says_what_is_done(finished, data):
    shown = trailblazer("plan", "--design", DESIGN, "--data", str(data), "--out", str(finished), "--only", "wales").stdout
    assert "0 of 6 notebooks to run" in shown
    assert "done  claimant_rate/wales/20_estimate_did" in shown

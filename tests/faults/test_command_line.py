"""What a user gets wrong ends with one clear message, the right exit code, and nothing written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DESIGN = "economic-inactivity-trailblazers"


def trailblazer(*arguments: str, contracts: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"TRAILBLAZER_CONTRACTS": str(contracts)} if contracts else {})
    return subprocess.run(
        [sys.executable, "-m", "evaluation", *arguments], capture_output=True, text=True, env=environment, cwd="/", check=False
    )


@pytest.fixture
def contracts(tmp_path):
    shutil.copytree(ROOT / "data_contracts", tmp_path / "data_contracts")
    return tmp_path / "data_contracts"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def refused(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A demonstration data folder, made once."""
    from evaluation.batch.stages import write_demonstration_data

    return write_demonstration_data(tmp_path_factory.mktemp("run"))


def test_an_unknown_area_is_named_with_the_nearest(data, tmp_path):
    out = tmp_path / "out"
    result = trailblazer("run", "--design", DESIGN, "--data", str(data), "--out", str(out), "--only", "south-yorkshir")
    refused(result, 2, "'south-yorkshir'", "did you mean south-yorkshire")
    assert not out.exists()


def test_an_unknown_design_lists_those_there_are(data):
    refused(trailblazer("plan", "--design", "trailblazer", "--data", str(data)), 2, "no design 'trailblazer'", DESIGN)


def test_a_missing_data_folder(tmp_path):
    out = tmp_path / "out"
    refused(
        trailblazer("run", "--design", DESIGN, "--data", str(tmp_path / "nowhere"), "--out", str(out)),
        2,
        "nowhere",
        "no such folder",
    )
    assert not out.exists()


def test_a_folder_without_data_names_the_files_looked_for(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(trailblazer("plan", "--design", DESIGN, "--data", str(tmp_path / "empty")), 3, "SYNTHETIC_labour_market.csv")


def test_a_missing_contract_field(contracts, data):
    edit(contracts / "outcomes" / "claimant_rate.yml", "frequency: monthly\n", "")
    refused(
        trailblazer("plan", "--design", DESIGN, "--data", str(data), contracts=contracts),
        2,
        "claimant_rate.yml",
        "frequency: is missing",
    )


def test_a_duplicate_key_names_both_lines(contracts, data):
    path = contracts / "designs" / f"{DESIGN}.yml"
    path.write_text(path.read_text("utf-8") + "\nseed: 1\n", "utf-8")
    result = trailblazer("plan", "--design", DESIGN, "--data", str(data), contracts=contracts)
    refused(result, 2, f"{DESIGN}.yml", "'seed'", "line")


def test_an_empty_design(contracts, data):
    (contracts / "designs" / "empty.yml").write_text("", "utf-8")
    refused(trailblazer("plan", "--design", "empty", "--data", str(data), contracts=contracts), 2, "empty.yml")


def test_an_unknown_authority_in_a_register(contracts, data):
    path = contracts / "registers" / "exposures.csv"
    edit(path, "E08000016", "E99999999")
    refused(trailblazer("plan", "--design", DESIGN, "--data", str(data), contracts=contracts), 2, "exposures.csv:", "E99999999")


def test_data_that_break_their_contract(data, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    lines = (copy / "SYNTHETIC_labour_market.csv").read_text("utf-8").splitlines()
    cells = lines[41].split(",")
    lines[41] = ",".join([cells[0].lower(), *cells[1:]])
    (copy / "SYNTHETIC_labour_market.csv").write_text("\n".join(lines) + "\n", "utf-8")
    out = tmp_path / "out"
    result = trailblazer("run", "--design", DESIGN, "--data", str(copy), "--out", str(out))
    refused(result, 3, "SYNTHETIC_labour_market.csv:42: area_code", cells[0])
    assert not out.exists()
    checked = trailblazer("check", "--data", str(copy), "--out", str(tmp_path / "found.csv"))
    assert checked.returncode == 3
    assert ",42,area_code," in (tmp_path / "found.csv").read_text("utf-8")


def test_no_run_to_report(tmp_path):
    refused(trailblazer("report", "--run", str(tmp_path)), 2, "no run here")
    refused(trailblazer("status", "--run", str(tmp_path)), 2, "no run here")
    assert list(tmp_path.iterdir()) == []


def test_help_teaches():
    shown = trailblazer("--help").stdout
    for word in ("check", "plan", "run", "report", "status", "verify", "export", "diff", "demo", "exit codes", "examples"):
        assert word in shown
    for word in ("fetch", "vintages", "profile"):
        assert f"  {word} " in shown

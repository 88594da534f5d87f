"""The first run locks the protocol; what changes after results are there is on record, and only that."""

import subprocess
from pathlib import Path

import pytest

from evaluation.batch.ledger import JobRecord, write_record
from evaluation.batch.lock import load_changes, load_deviations, lock_protocol
from evaluation.errors import ConfigurationError
from evaluation.results import TreatedUnit

FIRST = "id: x\n# a comment\nlevel: 0.05\nthresholds:\n  minimum_pre_periods: 12\noutcomes:\n  - id: a\n"


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def unit(start: str) -> TreatedUnit:
    return TreatedUnit(
        code="wales", name="Wales", members=("W06000004",), start=start, start_basis="not established", start_note=""
    )


def lock(run: Path, text: str, start: str = "2025-05") -> None:
    path = run.parent / "x.yml"
    path.write_text(text, "utf-8")
    lock_protocol(run, path, [unit(start)])


def finish_a_job(run: Path) -> None:
    write_record(run, JobRecord(id="o/a/n", key="k", state="done", seconds=1.0, results=()))


def test_before_results_the_protocol_may_change(run):
    lock(run, FIRST)
    lock(run, FIRST.replace("0.05", "0.1"))
    assert "0.1" in (run / "protocol.yml").read_text()
    assert load_changes(run) == ()
    subprocess.run(["sha256sum", "-c", "protocol.sha256"], cwd=run, check=True, capture_output=True)


def test_after_results_a_change_is_on_record(run):
    lock(run, FIRST)
    finish_a_job(run)
    lock(run, FIRST)
    assert load_deviations(run) == ()
    second = FIRST.replace("0.05", "0.1").replace("12", "8") + "  - id: b\nseed: 3\n"
    lock(run, second)
    lock(run, second)
    assert [(d.number, d.key, d.before, d.after) for d in load_deviations(run)] == [
        (1, "level", "0.05", "0.1"),
        (2, "thresholds.minimum_pre_periods", "12", "8"),
        (3, "outcomes", '[{"id": "a"}]', '[{"id": "a"}, {"id": "b"}]'),
        (4, "seed", "", "3"),
    ]
    lock(run, FIRST)
    first, back = load_changes(run)
    assert (first.number, back.number) == (1, 2)
    assert (back.before_sha256, back.after_sha256) == (first.after_sha256, first.before_sha256)
    assert [row.key for row in back.changes] == [row.key for row in first.changes]
    assert (run / "protocol.yml").read_text() == FIRST, "what was locked stays"


def test_a_comment_counts_as_a_change_of_layout(run):
    lock(run, FIRST)
    finish_a_job(run)
    lock(run, FIRST.replace("a comment", "another"))
    assert [(d.key, d.before, d.after) for d in load_deviations(run)] == [("comments or layout", "", "")]


def test_a_start_that_the_registers_give_differently_is_on_record(run):
    lock(run, FIRST)
    finish_a_job(run)
    lock(run, FIRST, start="2025-06")
    lock(run, FIRST, start="2025-06")
    assert [(d.key, d.before, d.after) for d in load_deviations(run)] == [("registers.wales.start", "2025-05", "2025-06")]
    assert '"2025-05"' in (run / "treated.json").read_text(), "what was locked stays"
    subprocess.run(["sha256sum", "-c", "protocol.sha256"], cwd=run, check=True, capture_output=True)


@pytest.mark.parametrize("name", ["protocol.yml", "protocol-1.yml", "treated.json", "treated-1.json"])
def test_an_edited_lock_is_refused(run, name):
    lock(run, FIRST)
    finish_a_job(run)
    lock(run, FIRST.replace("0.05", "0.1"))
    (run / name).write_text(FIRST.replace("0.05", "0.2"))
    with pytest.raises(ConfigurationError, match=f"{name}: it was edited after it was locked"):
        lock(run, FIRST)


def test_a_damaged_record_of_changes_is_refused(run):
    lock(run, FIRST)
    finish_a_job(run)
    (run / "deviations.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"deviations\.json: cannot be read"):
        lock(run, FIRST)


def test_a_folder_of_an_earlier_version_gets_its_hash(run):
    lock(run, FIRST)
    (run / "protocol.sha256").unlink()
    (run / "treated.json").unlink()
    finish_a_job(run)
    lock(run, FIRST.replace("0.05", "0.1"))
    assert [row.key for row in load_changes(run)[0].changes] == ["level"]
    assert (run / "protocol.sha256").exists()

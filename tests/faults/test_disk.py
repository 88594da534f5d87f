"""A full disk and a closed one: said clearly, nothing finished is lost, and it goes on when there is room."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import small_jobs

from evaluation import cli, project
from evaluation.batch import preflight
from evaluation.batch.ledger import JobRecord, read_records
from evaluation.batch.plan import Plan
from evaluation.batch.run import lock_run, run_plan
from evaluation.errors import ConfigurationError


def mount(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A disk of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mounted = mount("-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder))
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path)
    small_jobs.write_notebooks(tmp_path)
    yield folder
    mount("-o", "remount,rw", str(folder))
    subprocess.run(["umount", str(folder)], check=True)


def run_until_full(plan: Plan, run: Path) -> tuple[JobRecord, ...]:
    """No record where not even that has room."""
    try:
        return run_plan(plan, run)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return ()


def test_too_little_room_is_seen_before_the_first_kernel(disk: Path):
    run = disk / "run"
    with lock_run(run), pytest.raises(ConfigurationError, match=r"8 MB are free, 2 notebooks .* need about 56 MB"):
        run_plan(small_jobs.plan(run, "a", "b"), run)
    assert not run.exists(), "what was refused leaves nothing"


def test_a_disk_that_fills_loses_nothing_that_was_finished(disk: Path, monkeypatch):
    monkeypatch.setattr(preflight, "BYTES_SPARE", 0)
    monkeypatch.setattr(preflight, "BYTES_A_JOB", 0)
    run = disk / "run"
    with lock_run(run):
        run_plan(small_jobs.plan(run, "a", "b"), run, jobs=1)
        before = (run / "findings" / "a.json").read_bytes()
        records = run_until_full(small_jobs.plan(run, "c", notebook="big"), run)
        assert [record.state for record in records] in ([], ["failed"])
        assert all("No space left on device" in record.error for record in records)
    done = {record.id for record in read_records(run) if record.state == "done"}
    assert done == {"o/a/small", "o/b/small"}
    assert (run / "findings" / "a.json").read_bytes() == before
    assert not (run / "findings" / "big.bin").exists()
    assert mount("-o", "remount,size=200m", str(disk)).returncode == 0
    with lock_run(run):
        (ended,) = run_plan(small_jobs.plan(run, "c", notebook="big"), run)
    assert ended.state == "done"


def test_a_folder_that_cannot_be_written_is_named(disk: Path, capsys):
    assert mount("-o", "remount,ro", str(disk)).returncode == 0
    data = disk.parent / "data"
    data.mkdir()
    run = disk / "run"
    code = cli.main(["run", "--design", "economic-inactivity-trailblazers", "--data", str(data), "--out", str(run)])
    assert code == 2
    assert "cannot write there" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 2), (errno.EROFS, 2)])
def test_the_command_says_what_is_full(monkeypatch, capsys, number, code):
    def full(options):
        raise OSError(number, os.strerror(number), "runs/x/panel.parquet")

    monkeypatch.setitem(cli.VERBS, "status", full)
    assert cli.main(["status"]) == code
    said = capsys.readouterr().err
    assert f"runs/x/panel.parquet: {os.strerror(number)}" in said
    assert "What was finished is kept" in said

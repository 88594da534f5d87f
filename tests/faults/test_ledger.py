"""A ledger that was damaged costs the damaged jobs one more run, and nothing else."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import small_jobs

from evaluation import project
from evaluation.batch.ledger import record_path
from evaluation.batch.run import lock_run, run_plan

NAMES = tuple("abcdefg")


def damage(run: Path) -> set[str]:
    """Every record but that of ``a`` is spoilt in a way of its own."""
    paths = {name: record_path(run, f"o/{name}/small") for name in NAMES}
    paths["b"].write_bytes(b"")
    paths["c"].write_bytes(paths["c"].read_bytes()[:-40])
    paths["d"].write_bytes(b"\xff\xfe\x00" * 30)
    paths["e"].write_bytes(paths["a"].read_bytes())
    paths["f"].write_text('{"id": "o/f/small", "state": "done", "results": ["../../../etc/passwd"]}', "utf-8")
    paths["g"].write_text(paths["g"].read_text("utf-8").replace('"done"', '"gone"'), "utf-8")
    (run / ".lock").write_bytes(b"\xff\x00 not a process")
    return set(NAMES) - {"a"}


def test_a_damaged_ledger_is_mended_by_running_again(tmp_path, monkeypatch):
    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path)
    small_jobs.write_notebooks(tmp_path)
    run = tmp_path / "run"

    def run_jobs() -> set[str]:
        with lock_run(run):
            records = run_plan(small_jobs.plan(run, *NAMES), run, jobs=2)
        assert {record.state for record in records} <= {"done"}
        return {record.id.split("/")[1] for record in records}

    assert run_jobs() == set(NAMES)
    before = small_jobs.published(run)
    assert run_jobs() == set()
    damaged = damage(run)
    assert run_jobs() == damaged
    assert small_jobs.published(run) == before
    assert run_jobs() == set()

"""Which protocol of a run folder is locked, and which version a run was made under."""

import hashlib
from pathlib import Path

from evaluation.batch.lock import HASH, LOCKED, compare_protocols, find_lock, find_protocol

FIRST = "id: x\nlevel: 0.05\n"
SECOND = "id: x\nlevel: 0.1\nseed: 3\n"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_lock_counts_only_while_file_and_hash_agree(tmp_path: Path) -> None:
    assert find_lock(tmp_path) == ""
    (tmp_path / LOCKED).write_text(FIRST, "utf-8")
    assert find_lock(tmp_path) == ""
    (tmp_path / HASH).write_text(f"{sha256(FIRST)}  {LOCKED}\n", "utf-8")
    assert find_lock(tmp_path) == sha256(FIRST)
    (tmp_path / LOCKED).write_text(SECOND, "utf-8")
    assert find_lock(tmp_path) == ""
    (tmp_path / HASH).write_text("", "utf-8")
    assert find_lock(tmp_path) == ""


def test_the_version_a_run_was_made_under_is_found_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / LOCKED).write_text(FIRST, "utf-8")
    (tmp_path / "protocol-1.yml").write_text(SECOND, "utf-8")
    assert find_protocol(tmp_path, sha256(FIRST)) == tmp_path / LOCKED
    assert find_protocol(tmp_path, sha256(SECOND)) == tmp_path / "protocol-1.yml"
    assert find_protocol(tmp_path, "0" * 64) is None


def test_keys_that_differ_are_named(tmp_path: Path) -> None:
    paths = []
    for name, text in (("a.yml", FIRST), ("b.yml", SECOND)):
        (tmp_path / name).write_text(text, "utf-8")
        paths.append(tmp_path / name)
    assert [(row.key, row.before, row.after) for row in compare_protocols(*paths)] == [
        ("level", "0.05", "0.1"),
        ("seed", "", "3"),
    ]
    assert compare_protocols(paths[0], paths[0]) == ()

"""Same design, data and lock: the same bytes, whoever does the work, in whatever order, under whatever hash seed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.batch.stages import write_demonstration_data

ROOT = Path(__file__).resolve().parents[2]
DESIGN = "economic-inactivity-trailblazers"
PLAIN = (
    "import sys; from evaluation.batch import run; run.WORTH_WARMING = 10**6; from evaluation.cli import main; sys.exit(main())"
)
"""The command line without a nursery."""
COMPARED = (
    "findings", "power", "stress", "spillover", "pool", "conclusions", "notebooks", "report", "manifest.json", "panel.parquet",
)  # fmt: skip


def small_contracts(folder: Path, areas: tuple[str, ...], draws: int, *, pooled: bool) -> Path:
    """The project's contracts with a design of few places, one outcome and few draws."""
    shutil.copytree(ROOT / "data_contracts", folder)
    path = folder / "designs" / f"{DESIGN}.yml"
    text = path.read_text("utf-8")
    for pattern, replacement in (
        (r"^estimate_areas: all$", f"estimate_areas: [{', '.join(areas)}]"),
        (r"^estimate_pooled: true$", f"estimate_pooled: {str(pooled).lower()}"),
        (r"^  - id: employment_rate\n(?:    .*\n)*", ""),
        (r"^  - id: claimant_rate\n(?:    .*\n)*", ""),
        (r"^draws: 999$", f"draws: {draws}"),
    ):
        text, count = re.subn(pattern, replacement, text, flags=re.M)
        assert count == 1, pattern
    path.write_text(text, "utf-8")
    return folder


def make_run(contracts: Path, data: Path, out: Path, *options: str, hash_seed: int = 1, plain: bool = False) -> dict[str, bytes]:
    """Run and publish; everything that is published, by name."""
    environment = os.environ | {
        "SOURCE_DATE_EPOCH": "1790000000",
        "TRAILBLAZER_CONTRACTS": str(contracts),
        "PYTHONHASHSEED": str(hash_seed),
    }
    program = [sys.executable, "-c", PLAIN] if plain else [sys.executable, "-m", "evaluation"]
    for arguments in (
        ("run", "--design", DESIGN, "--data", str(data), "--out", str(out), *options),
        ("report", "--run", str(out), "--engine", "embedded"),
    ):
        done = subprocess.run([*program, *arguments], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    made = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for name in COMPARED
        for path in sorted((out / name).rglob("*") if (out / name).is_dir() else (out / name,))
        if path.is_file() and path.name != "report-build.json"  # how long it took stands there
    }
    assert any(name.endswith(".pdf") for name in made)
    assert sum(name.endswith(".html") for name in made) > 3
    return made


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_demonstration_data(tmp_path_factory.mktemp("data"))


def test_one_worker_here_and_two_on_a_cluster_give_the_same_bytes(data, tmp_path):
    """Also under another hash seed of everything that is not a notebook: plan, conclusions, report."""
    pytest.importorskip("distributed", reason="needs the extra [cluster]")
    contracts = small_contracts(tmp_path / "contracts", ("south-yorkshire",), 39, pooled=False)
    here = make_run(contracts, data, tmp_path / "here", "--jobs", "1", hash_seed=1)
    there = make_run(contracts, data, tmp_path / "there", "--scheduler", "local:2", hash_seed=2)
    assert differing(here, there) == []
    assert sum(name.startswith("findings/") for name in here) > 1


@pytest.fixture(scope="module")
def base(data, tmp_path_factory):
    """Two places and both together: one notebook at a time, warm, hash seed 1."""
    folder = tmp_path_factory.mktemp("base")
    contracts = small_contracts(folder / "contracts", ("south-yorkshire", "wales"), 99, pooled=True)
    return contracts, make_run(contracts, data, folder / "run", "--jobs", "1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "how"),
    [
        (("--jobs", "2"), {}),
        (("--jobs", "1"), {"plain": True}),
        (("--jobs", "1"), {"hash_seed": 4321}),
        (("--scheduler", "local:2"), {}),
        (("--scheduler", "local:2", "--jobs", "1"), {"hash_seed": 7}),
    ],
    ids=["two at once", "plain kernels", "another hash seed", "two workers of a cluster", "one worker of a cluster"],
)
def test_the_whole_line_gives_the_same_bytes(base, data, tmp_path, options, how):
    contracts, wanted = base
    made = make_run(contracts, data, tmp_path / "run", *options, **how)
    assert differing(wanted, made) == []
    assert "pool/inactivity_rate.json" in made

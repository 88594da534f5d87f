"""ARCHITECTURE.md is true: every place it names exists, and every module and top folder is named in it."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
NAMED = re.findall(r"^\| `([^`]+)` \|", TEXT, re.MULTILINE)


@pytest.mark.parametrize("place", NAMED)
def test_every_named_place_exists(place):
    assert (ROOT / place).exists()


def test_every_module_of_the_package_is_named():
    there = {
        f"evaluation/{p.name}{'/' if p.is_dir() else ''}" for p in (ROOT / "evaluation").iterdir() if not p.name.startswith("__")
    }
    assert there == {name for name in NAMED if name.startswith("evaluation/")}


def test_the_layers_are_in_the_order_of_the_tree():
    config = (ROOT / ".importlinter").read_text("utf-8")
    lines = re.findall(r"^    ([a-z_| ]+)$", config.split("layers =")[1].split("[importlinter:")[0], re.MULTILINE)
    layers = [name for line in reversed(lines) for name in line.split(" | ") if name != "project"]
    order = [
        re.sub(r"evaluation/|\.py|/$", "", name)
        for name in NAMED
        if name.startswith("evaluation/") and name != "evaluation/project.py"
    ]
    assert layers == order


def test_every_test_folder_is_named():
    line = next(line for line in TEXT.splitlines() if line.startswith("| `tests/` |"))
    kinds = {p.name for p in (ROOT / "tests").iterdir() if p.is_dir() and not p.name.startswith("__")}
    assert kinds == set(re.search(r"by kind: `([^`]+)`", line)[1].split())


def test_conda_pins_are_those_of_the_lock():
    lines = re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)(.*)", (ROOT / "requirements/run.txt").read_text("utf-8"), re.MULTILINE)
    locked = {name: version for name, version, marker in lines if "python_full_version >= '3.12'" not in marker}
    conda = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    pip = next(item["pip"] for item in conda if isinstance(item, dict))
    pins = [
        item.split("=")
        for item in conda
        if isinstance(item, str) and re.search(r"[a-z]=[0-9]", item) and not item.startswith("python=")
    ]
    pins += [item.split("==") for item in pip if "==" in item]
    assert {name: locked[name] for name, _ in pins} == dict(pins)
    wanted = {
        re.split(r"[<>=]", name)[0].replace("_", "-")
        for name in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    }
    assert wanted == {name for name, _ in pins}
    assert "quarto" in " ".join(item for item in conda if isinstance(item, str))


@pytest.mark.parametrize("name", ["tools", "run", "test", "cluster"])
def test_locks_have_hashes_and_name_no_package_host(name):
    text = (ROOT / f"requirements/{name}.txt").read_text("utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    pinned = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert all("--hash=sha256:" in block for block in pinned), [b.splitlines()[0] for b in pinned if "--hash" not in b]

"""The recipes of data_contracts/README.md, followed word for word on a copy of the folder."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest

from evaluation import project
from evaluation.contracts import load_contracts
from evaluation.design.protocol import load_design

README = (project.CONTRACTS / "README.md").read_text(encoding="utf-8")
STEP = re.compile(r"```(?:csv|yaml) (append|create) (\S+)\n(.*?)```", re.DOTALL)


def follow(folder, title):
    """Do what the section says, step by step."""
    section = re.split(r"^## ", README, flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith(title)]
    steps = STEP.findall(text)
    assert steps
    for verb, name, content in steps:
        path = folder / name
        assert path.is_file() == (verb == "append"), name
        with path.open("a", encoding="utf-8") as file:
            file.write(content)
    return load_contracts(folder)


def test_the_recipes_are_these():
    assert re.findall(r"^## ((?:Add|Bring) .*)$", README, re.MULTILINE) == [
        "Add an area",
        "Add a programme",
        "Add an outcome",
        "Bring your own data",
        "Add a study",
        "Add money, and what a result is worth",
    ]


def test_add_an_area(folder, contracts):
    there = follow(folder, "Add an area")
    (code,) = set(there.areas) - set(contracts.areas)
    assert there.areas[code].name == "Exampleshire"
    assert there.neighbours_of([code]) == {"E06000066"}
    assert len(there.code_changes) == len(contracts.code_changes) + 1


def test_add_a_programme(folder, contracts):
    there = follow(folder, "Add a programme")
    (id,) = set(there.programmes) - set(contracts.programmes)
    place = there.places(id)["example-place"]
    assert [(item.area_code, item.start) for item in place] == [("E06000066", "2026-04-01"), ("E06000059", None)]


def test_add_money_and_what_a_result_is_worth(folder, contracts):
    follow(folder, "Add a programme")
    there = follow(folder, "Add money")
    assert [c.amount_gbp for c in there.costs if c.programme == "example_programme"] == [1_000_000]
    (value,) = [item for item in there.unit_values if item.basis == "published"]
    assert (value.value_gbp, value.outcome, len(there.unit_values)) == (1234.0, "inactivity_rate", len(contracts.unit_values) + 1)


def test_add_an_outcome(folder, contracts):
    there = follow(folder, "Add an outcome")
    (id,) = set(there.outcomes) - set(contracts.outcomes)
    assert there.outcomes[id].series[0].source == "nomis_aps"


def complete(table, areas):
    """The file the recipe begins, for every area and period: invented figures, four points higher in Barnsley at the end."""
    begun = table.read_text("utf-8").splitlines()
    there = {tuple(line.split(",")[:2]) for line in begun}
    quarters = [f"{year}-{month:02d}" for year in range(2018, 2027) for month in (3, 6, 9, 12)][:34]
    rng = np.random.default_rng(7)
    for code in areas:
        level = rng.normal(20, 2)
        for quarter in quarters:
            effect = 4.0 if code == "E08000016" and quarter >= "2026-03" else 0.0
            if (code, quarter) not in there:
                begun.append(f"{code},{quarter},advice_rate,{level + effect + rng.normal(0, 0.4):.1f},0.4,,SYNTHETIC")
    table.write_text("\n".join(begun) + "\n", encoding="utf-8")


def test_bring_your_own_data(contracts, tmp_path):
    """As printed, from the CSV file to a finding, in a folder with a blank and an accent in its name."""
    home = tmp_path / "own data é"
    shutil.copytree(project.CONTRACTS, home / "data_contracts")
    (text,) = [part for part in re.split(r"^## ", README, flags=re.MULTILINE) if part.startswith("Bring your own data")]
    steps = re.findall(r"```(csv begin|yaml create|sh run) ?(\S*)\n(.*?)```", text, re.DOTALL)
    assert [step[0] for step in steps] == ["csv begin", "yaml create", "yaml create", "sh run"]
    for kind, name, content in steps[:3]:
        path = home / (name if kind == "csv begin" else f"data_contracts/{name}")
        assert not path.exists(), name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    complete(home / "data" / "SYNTHETIC_own_advice.csv", [c for c, area in contracts.areas.items() if area.nation == "England"])
    environment = os.environ | {"TRAILBLAZER_CONTRACTS": str(home / "data_contracts"), "PYTHONPATH": str(project.ROOT)}
    said = []
    for command in steps[3][2].splitlines():
        program, *arguments = shlex.split(command)
        assert program == "trailblazer"
        done = subprocess.run(
            [sys.executable, "-m", "evaluation", *arguments],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        said.append(done.stdout)
    checked, planned, _, status = said
    assert "Every file keeps its contract." in checked
    assert "SYNTHETIC_own_advice.csv" in checked
    assert "advice_rate/E08000016" in planned
    assert "notebooks    2 done in" in status
    run = home / "runs" / "advice"
    assert json.loads((run / "manifest.json").read_text("utf-8"))["synthetic"] is True
    (found,) = (run / "findings").rglob("*.json")
    finding = json.loads(found.read_text("utf-8"))
    assert found.relative_to(run).as_posix() == "findings/advice-in-barnsley/advice_rate/E08000016/twfe.json"
    assert finding["synthetic"] is True
    assert 2 < finding["estimate"]["att"] < 6, "four points were planted"
    assert list((run / "notebooks").rglob("20_estimate_did.ipynb"))
    assert not list(run.rglob("*.part"))


def test_add_a_study(folder, contracts):
    there = follow(folder, "Add a study")
    (id,) = set(there.designs) - set(contracts.designs)
    design = load_design(there, id)
    assert [(unit.code, unit.start, unit.start_basis) for unit in design.treated] == [
        ("south-yorkshire", "2025-04", "announced launch")
    ]


@pytest.mark.parametrize("folder_name", ["registers", "sources", "outcomes", "designs"])
def test_the_readme_names_what_is_there(folder_name):
    if folder_name == "registers":
        named = set(re.findall(r"`registers/([a-z_]+\.csv)` \|", README))
        assert named == {p.name for p in (project.CONTRACTS / "registers").iterdir()}
    else:
        assert f"`{folder_name}/<id>" in README

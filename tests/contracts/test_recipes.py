"""The four recipes of data_contracts/README.md, followed word for word on a copy of the folder."""

import re

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


def test_the_recipes_are_these_four():
    assert re.findall(r"^## (Add .*)$", README, re.MULTILINE) == [
        "Add an area",
        "Add a programme",
        "Add an outcome",
        "Add a study",
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


def test_add_an_outcome(folder, contracts):
    there = follow(folder, "Add an outcome")
    (id,) = set(there.outcomes) - set(contracts.outcomes)
    assert there.outcomes[id].series[0].source == "nomis_aps"


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

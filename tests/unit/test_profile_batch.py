"""A study that compares with nobody runs a profile of each area, and nothing else; other studies run none in the batch."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from evaluation import project
from evaluation.batch.notebooks import NOTEBOOKS
from evaluation.batch.plan import make_plan
from evaluation.batch.preflight import check_parameters
from evaluation.contracts.load import load_contracts
from evaluation.design.protocol import load_design
from evaluation.errors import DataError

PROFILE = next(kind for kind in NOTEBOOKS if kind.file == "70_area_profile.ipynb")


@pytest.fixture(scope="module")
def design():
    whole = load_design(load_contracts(standard=False), "economic-inactivity-trailblazers")
    return dataclasses.replace(whole, estimate_areas=("wales", "north-east"))


def refuse(outcome, area):
    raise DataError("nobody is left to compare with")


def test_where_nothing_is_compared_each_area_has_one_profile(design, tmp_path):
    nobody = dataclasses.replace(design, comparison="none", no_comparison_reason="Every area has it.")
    planned = make_plan(SimpleNamespace(design=nobody, comparison=refuse), "p", tmp_path)
    first = design.outcomes[0].id
    assert sorted(item.job.id for item in planned.jobs) == [
        f"{first}/north-east/70_area_profile", f"{first}/wales/70_area_profile",
    ]  # fmt: skip
    assert {item.job.results for item in planned.jobs} == {("profile/wales.json",), ("profile/north-east.json",)}
    assert {item.reason for item in planned.refusals if not item.notebook} == {"nobody is left to compare with"}


def test_a_study_with_a_comparison_runs_none(design, tmp_path):
    planned = make_plan(SimpleNamespace(design=design, comparison=lambda outcome, area: None), "p", tmp_path)
    assert not [item for item in planned.jobs if item.job.notebook == PROFILE.file]


def test_the_notebook_takes_what_the_batch_gives():
    given = dict.fromkeys(("design", "outcome", "area_code", "panel", "results"), "x")
    check_parameters(project.NOTEBOOKS / PROFILE.file, given)

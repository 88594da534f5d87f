"""The repository's contracts with the invented survey added, for the command line of this process."""

import shutil

import pytest
from bad_inputs.harness import CONTRACT, Day

from evaluation import project
from evaluation.batch import stages
from evaluation.contracts.load import load_contracts


@pytest.fixture(scope="session")
def loaded(tmp_path_factory):
    """The contracts, read once."""
    folder = tmp_path_factory.mktemp("contracts") / "data_contracts"
    shutil.copytree(project.CONTRACTS, folder)
    shutil.copy(CONTRACT, folder / "sources")
    return load_contracts(folder, standard=False)


@pytest.fixture
def survey(loaded, monkeypatch):
    """`trailblazer check` with the invented survey among its sources, on a day on which the survey is new."""
    monkeypatch.setattr(stages, "load_contracts", lambda: loaded)
    monkeypatch.setattr(stages, "date", Day)
    return loaded.sources["example_survey"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of data_contracts with the survey, to spoil; the command line of this process reads it."""
    copy = tmp_path / "data_contracts"
    shutil.copytree(project.CONTRACTS, copy)
    shutil.copy(CONTRACT, copy / "sources")
    monkeypatch.setattr(stages.load_contracts, "__defaults__", (copy,))
    return copy

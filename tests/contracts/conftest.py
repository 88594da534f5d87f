"""The repository's contracts, and copies of them to spoil."""

import shutil

import pytest

from evaluation import project
from evaluation.contracts import load_contracts


@pytest.fixture(scope="session")
def contracts():
    return load_contracts()


@pytest.fixture
def folder(tmp_path):
    """A copy of data_contracts that a test may change."""
    copy = tmp_path / "data_contracts"
    shutil.copytree(project.CONTRACTS, copy)
    return copy

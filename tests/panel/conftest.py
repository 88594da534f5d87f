"""The contracts of the repository, loaded once."""

import pytest

from evaluation.contracts.load import load_contracts


@pytest.fixture(scope="session")
def contracts():
    return load_contracts()

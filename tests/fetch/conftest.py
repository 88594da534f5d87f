"""The service on this machine, and a command line that asks it and waits for nothing."""

import pytest
from statistics_service import Service, running

from evaluation.contracts.load import load_contracts
from evaluation.fetch.http import Patience
from evaluation.fetch.run import FetchOptions, fetch_sources


@pytest.fixture(scope="session")
def contracts():
    return load_contracts(standard=False)


@pytest.fixture(scope="session")
def areas(contracts):
    """Districts as the services list them: Great Britain, April 2023."""
    return [(area.code, area.name) for area in contracts.areas.values()]


@pytest.fixture
def service(areas):
    with running(Service(areas=areas)) as it:
        yield it


@pytest.fixture
def waits():
    """Seconds the client would have waited."""
    return []


@pytest.fixture
def lines():
    """What the client said."""
    return []


@pytest.fixture
def fetch(service, contracts, tmp_path, waits, lines):
    """Fetch sources into ``tmp_path/data`` from the service on this machine; retries wait for nothing."""

    def run(*sources, environment=None, patience=None, **options):
        limits = {"connect_seconds": 2, "silent_seconds": 20, "answer_seconds": 20, "attempts": 4} | (patience or {})
        return fetch_sources(
            tmp_path / "data",
            contracts,
            sources,
            FetchOptions(
                environment=environment or {},
                bases=dict.fromkeys(("nomis", "ons", "statxplore"), service.address),
                patience=Patience(sleep=waits.append, **limits),
                say=lines.append,
                **options,
            ),
        )

    return run


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"

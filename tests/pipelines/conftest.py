"""One cloud for all tests of this folder; each test leaves it empty and consistent."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.testrun import PREFIX, Services, root_of_states
from tests.cloud import Cloud

STATEMENT_SECONDS = 4
SETTINGS = {
    "CELERITY_HOSTS": "3",
    "CELERITY_RECOVERY": "1",
    "CELERITY_RECONCILE": "1",
    "CELERITY_STATEMENT_TIMEOUT": str(STATEMENT_SECONDS),
}


@pytest.fixture(scope="package")
def shared_cloud() -> Iterator[Cloud]:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    with Services(state) as services, Cloud(services, **SETTINGS) as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: Cloud) -> Iterator[Cloud]:
    """The cloud, and after the test: no server, no open run, no inconsistency."""
    shared_cloud.plan()
    yield shared_cloud
    shared_cloud.plan()
    shared_cloud.delete_all()
    shared_cloud.assert_clean()

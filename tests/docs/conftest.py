"""One simulated cloud for all commands of the documentation."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import first_address
from deploy.cloud_api import CloudApi
from deploy.testrun import PREFIX, Services, root_of_states
from tests.cloud import Cloud


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    with Services(state) as services, Cloud(services, CELERITY_HOSTS="3", CELERITY_NETWORK_WORKER="yes") as running:
        running.image("tiny")
        first_address.ensure_group(CloudApi(running.state / "clouds.yaml", "celerity-demo"))
        yield running

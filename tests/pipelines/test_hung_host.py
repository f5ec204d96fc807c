"""A host whose agent is alive while all its threads hang: no run stays stuck, and every server can be deleted."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.testrun import PREFIX, Services, root_of_states
from tests.cloud import Cloud

pytestmark = [pytest.mark.processes, pytest.mark.slow]


@pytest.fixture(scope="module")
def hung_cloud() -> Iterator[Cloud]:
    state = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root_of_states()))
    settings = {"CELERITY_HOSTS": "1", "CELERITY_STEP_TIMEOUT": "4", "CELERITY_AGENT_THREADS": "2"}
    settings["CELERITY_INSTANCE_BUILD_TIMEOUT"] = "12"  # what waits in that host's queue ends with the overall deadline
    with Services(state) as services, Cloud(services, **settings) as cloud:
        yield cloud


@pytest.fixture
def cloud(hung_cloud: Cloud) -> Iterator[Cloud]:
    """The cloud, whose agent starts again after the test: its threads hang for ever."""
    yield hung_cloud
    hung_cloud.kill("agent")


def test_builds_and_deletes_end_though_every_thread_hangs(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "hang"})
    keys = [cloud.create(f"hung-{index}") for index in range(3)]
    for key in keys:
        assert cloud.settled(key, seconds=90)["status"] == "ERROR"
    for key in keys:
        cloud.delete(key)
    cloud.plan()
    cloud.assert_clean()


def test_a_delete_does_not_wait_for_a_step_that_hangs(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "hang", "times": 1, "id": "one"})
    key = cloud.create("hung")
    cloud.delete(key, seconds=60)
    cloud.plan()
    cloud.assert_clean()

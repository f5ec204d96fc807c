"""The network worker as a process: servers come and go, it is killed, files are lost; the engine follows the rows."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.testrun import Services, make_state
from tests import sentinels
from tests.cloud import Cloud, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.slow]
SETTINGS = {"CELERITY_NETWORK_WORKER": "yes", "CELERITY_HOSTS": "2"}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Services(make_state()) as services, Cloud(services, **SETTINGS) as cloud:
        cloud.start("network-worker")
        yield cloud
        sentinels.look_at_logs(services.state)


def ports(cloud: Cloud) -> dict[str, Any]:
    """The ports that the simulated engine holds, by the MACs of their cards."""
    found = Path(cloud.state, "simulated", "network", "ports").glob("[!.]*.json")
    records = [json.loads(path.read_text()) for path in found]
    return {record["mac"]: record for record in records}


def cards(cloud: Cloud, server_id: str) -> set[str]:
    addresses = cloud.settled(server_id)["addresses"]
    return {one["OS-EXT-IPS-MAC:mac_addr"] for listed in addresses.values() for one in listed}


def agrees(cloud: Cloud) -> bool:
    return "0 differences" in cloud.manage("network_sync", "--check", check=False).splitlines()


def lose_ports(cloud: Cloud) -> bool:
    for path in Path(cloud.state, "simulated", "network", "ports").glob("[!.]*.json"):
        path.unlink(missing_ok=True)
    return True


def findings(cloud: Cloud) -> int:
    return int(cloud.rows("SELECT count(*) FROM workflow_finding WHERE kind = 'network engine'")[0][0])


def test_the_network_worker(cloud: Cloud) -> None:
    first = cloud.create("first")
    assert cloud.settled(first)["status"] == "ACTIVE"
    wait_for(lambda: cards(cloud, first) <= ports(cloud).keys(), what="the first server's port")
    host = cloud.server(first)["OS-EXT-SRV-ATTR:host"]  # type: ignore[index]
    assert {ports(cloud)[mac]["host"] for mac in cards(cloud, first)} == {host}

    cloud.kill("network-worker", restart=False)
    second = cloud.create("second")
    cloud.settled(second)
    assert not cards(cloud, second) & ports(cloud).keys()
    cloud.delete(first)
    cloud.start("network-worker")
    wait_for(lambda: ports(cloud).keys() == cards(cloud, second), what="what was missed")

    wait_for(lambda: lose_ports(cloud) and findings(cloud), what="the reconciler's finding")
    wait_for(lambda: ports(cloud).keys() == cards(cloud, second), what="the reconciler's repair")
    assert agrees(cloud)
    cloud.delete(second)
    wait_for(lambda: not ports(cloud), what="no port")
    wait_for(lambda: agrees(cloud), what="an engine as the rows say")
    cloud.assert_clean()

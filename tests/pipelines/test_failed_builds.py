"""Failed builds of a host are counted; the host is avoided until a build succeeds."""

from collections.abc import Iterator

import pytest

from tests.cloud import Cloud

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def _all_hosts_are_good(cloud: Cloud) -> Iterator[None]:
    yield
    cloud.rows("UPDATE scheduling_host SET enabled = true, failed_builds = 0")


def failed(cloud: Cloud) -> dict[str, int]:
    return dict(cloud.rows("SELECT name, failed_builds FROM scheduling_host"))


def test_a_host_that_fails_is_avoided_until_it_succeeds(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "retryable", "times": 1, "id": "once"})
    server = cloud.settled(cloud.create())
    assert server["status"] == "ACTIVE"
    [(excluded, explanation)] = cloud.rows(
        "SELECT excluded_hosts, explanation FROM workflow_run WHERE subject_id = %s", server["id"]
    )
    [bad] = excluded
    assert failed(cloud)[bad] == 1
    assert bad not in [one["host"] for one in explanation["candidates"]]
    others = [cloud.settled(cloud.create()) for _ in range(3)]
    assert bad not in {one["OS-EXT-SRV-ATTR:host"] for one in others}
    cloud.rows("UPDATE scheduling_host SET enabled = name = %s", bad)
    last = cloud.settled(cloud.create())
    assert (last["status"], last["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", bad)
    assert not any(failed(cloud).values())


def test_an_abort_is_no_fault_of_the_host(cloud: Cloud) -> None:
    cloud.plan({"op": "spawn", "error": "abort", "times": 1, "id": "abort"})
    assert cloud.settled(cloud.create())["status"] == "ERROR"
    assert not any(failed(cloud).values())


def test_a_failed_build_keeps_no_port_but_the_clients(cloud: Cloud) -> None:
    """Ports of the build are deleted; the client's own port is unbound and serves the next server (GARM, CAPO)."""
    (network,) = cloud.call("GET", "/network/v2.0/networks?name=shared").json()["networks"]
    made = cloud.call("POST", "/network/v2.0/ports", {"port": {"network_id": network["id"], "name": "mine"}}).json()
    own = made["port"]["id"]

    def ports() -> dict[str, dict[str, str]]:
        found = cloud.call("GET", "/network/v2.0/ports").json()["ports"]
        return {port["id"]: port for port in found if port["device_owner"] != "network:dhcp"}

    before = set(ports())
    cloud.plan({"op": "spawn", "error": "abort", "times": 1, "id": "ports"})
    key = cloud.create(networks=[{"port": own}, {"uuid": network["id"]}])
    assert cloud.settled(key)["status"] == "ERROR"
    after = ports()
    assert set(after) == before
    loose = after[own]
    assert (loose["device_id"], loose["device_owner"], loose["status"]) == ("", "", "DOWN")
    again = cloud.create(networks=[{"port": own}])
    assert cloud.settled(again)["status"] == "ACTIVE"
    assert ports()[own]["device_id"] == again
    cloud.delete(again)
    assert ports()[own]["device_id"] == ""
    assert cloud.call("DELETE", f"/network/v2.0/ports/{own}").status_code == 204

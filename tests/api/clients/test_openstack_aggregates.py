"""The `openstack` command: aggregates, the zones they make, and which hosts servers get by them."""

from collections.abc import Iterator

import pytest

from tests.api.clients.commands import Commands
from tests.cloud import Cloud


@pytest.fixture(autouse=True)
def _no_aggregates_left(admin: Commands, cloud: Cloud) -> Iterator[None]:
    yield
    cloud.delete_all()
    for one in admin.json("aggregate list"):
        for host in admin.json(f"aggregate show {one['ID']}")["hosts"]:
            admin(f"aggregate remove host {one['ID']} {host}")
        admin(f"aggregate delete {one['ID']}")


def test_aggregates(admin: Commands, run: Commands) -> None:
    made = admin.json("aggregate create --zone east --property ssd=true a1")
    assert (made["name"], made["availability_zone"]) == ("a1", "east")
    assert admin.json("aggregate add host a1 sim-001")["hosts"] == ["sim-001"]
    admin("aggregate set --name a2 --zone west --property rack=7 a1")
    shown = admin.json("aggregate show a2")
    assert (shown["availability_zone"], shown["hosts"]) == ("west", ["sim-001"])
    assert shown["properties"] == {"ssd": "true", "rack": "7"}
    admin("aggregate unset --property rack a2")
    assert admin.json("aggregate show a2")["properties"] == {"ssd": "true"}
    [listed] = admin.json("aggregate list --long")
    assert (listed["Name"], listed["Availability Zone"]) == ("a2", "west")
    assert {one["Zone Name"] for one in run.json("availability zone list --compute")} == {"nova", "west"}
    detailed = admin.json("availability zone list --compute --long")
    assert {one["Host Name"]: one["Zone Name"] for one in detailed if one["Host Name"]}["sim-001"] == "west"
    assert "not empty" in admin.refused("aggregate delete a2")
    assert "already exists" in admin.refused("aggregate create a2")
    assert admin.json("aggregate remove host a2 sim-001")["hosts"] == []
    admin("aggregate delete a2")
    assert admin.json("aggregate list") == []
    assert "Policy doesn't allow" in run.refused("aggregate list")
    assert [one["Zone Name"] for one in run.json("availability zone list --compute")] == ["nova"]


def test_a_server_goes_to_the_zone_it_asks_for(admin: Commands, run: Commands, cloud: Cloud) -> None:
    admin("aggregate create --zone east a1")
    admin("aggregate add host a1 sim-002")
    server = run.json("server create --image tiny --flavor m1.tiny --nic none --availability-zone east --wait vm1")
    shown = admin.json(f"server show {server['id']}")
    assert (shown["OS-EXT-SRV-ATTR:host"], shown["OS-EXT-AZ:availability_zone"]) == ("sim-002", "east")
    assert "contain instances" in admin.refused("aggregate remove host a1 sim-002")
    assert "zone is not available" in run.refused(
        "server create --image tiny --flavor m1.tiny --nic none --availability-zone west vm2"
    )

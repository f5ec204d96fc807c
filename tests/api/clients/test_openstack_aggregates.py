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


BOOT = "server create --image tiny --nic none --wait --flavor"


def host_of(admin: Commands, name: str) -> str:
    [server] = admin.json(f"server list --all-projects --long --name {name}")
    return str(server["Host"])


def test_flavors_ask_for_aggregates_and_traits(admin: Commands, run: Commands, cloud: Cloud) -> None:
    admin("aggregate create --property ssd=true a1")
    admin("aggregate add host a1 sim-003")
    admin("flavor create --ram 64 --vcpus 1 --disk 1 --property aggregate_instance_extra_specs:ssd=true fast")
    admin("flavor create --ram 64 --vcpus 1 --disk 1 --property trait:CUSTOM_GPU=required gpu")
    admin("flavor create --ram 64 --vcpus 1 --disk 1 --property trait:CUSTOM_GPU=forbidden plain")
    try:
        for name in ("vm1", "vm2"):
            run(f"{BOOT} fast {name}")
            assert host_of(admin, name) == "sim-003"
        refused = run.done(f"{BOOT} gpu vm3")
        assert refused.code != 0
        fault = run.json("server show vm3")["fault"]["message"]
        assert "3 without the features that the flavor or image requires" in fault and "sim-0" not in fault
        cloud.manage("host_traits", "sim-002", "--add", "CUSTOM_GPU")
        run(f"{BOOT} gpu vm4")
        assert host_of(admin, "vm4") == "sim-002"
        run(f"{BOOT} plain vm5")
        assert host_of(admin, "vm5") != "sim-002"
    finally:
        cloud.manage("host_traits", "sim-002", "--remove", "CUSTOM_GPU")
        admin("flavor delete fast gpu plain")


def test_hosts_are_kept_for_projects_and_flavors(admin: Commands, run: Commands) -> None:
    for host in ("sim-001", "sim-002"):
        admin(f"aggregate create --property filter_tenant_id=somebody-else {host}")
        admin(f"aggregate add host {host} {host}")
    run(f"{BOOT} m1.tiny vm1")
    assert host_of(admin, "vm1") == "sim-003"
    project = admin.json("project show demo")["id"]
    admin(f"aggregate set --property filter_tenant_id=somebody-else,{project} sim-001")
    admin("aggregate create --property instance_type=m1.big sim-003")
    admin("aggregate add host sim-003 sim-003")
    run(f"{BOOT} m1.tiny vm2")
    assert host_of(admin, "vm2") == "sim-001"

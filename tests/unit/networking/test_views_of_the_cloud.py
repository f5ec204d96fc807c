"""Agents, zones, providers, segments, counts of addresses and automatic topologies over HTTP."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.identity.models import Project
from apps.networking.models import Network, Port, Router, RouterInterface
from apps.networking.services import bindings, requested_networks
from apps.networking.values import RequestedNetwork
from apps.quotas.models import Limit
from apps.scheduling.models import Host
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal

NOBODY = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def hosts(db: None) -> list[Host]:
    """Two hosts that are up, of different zones, and one that is down."""
    now = timezone.now()
    return [
        Host.objects.create(name=name, number=number, zone=zone, hypervisor_type="QEMU", heartbeat_at=heard)
        for number, (name, zone, heard) in enumerate(
            [("a", "nova", now), ("b", "east", now), ("c", "west", now - timedelta(hours=1))], start=1
        )
    ]


def test_agents_are_administrators_to_see(alice: Caller, admin: Caller, hosts: list[Host]) -> None:
    agents = admin.get("/agents").json()["agents"]
    assert {(agent["host"], agent["alive"]) for agent in agents} == {("a", True), ("b", True), ("c", False)}
    assert len({agent["id"] for agent in agents}) == 3
    assert alice.get("/agents").json() == {"agents": []}
    own = next(agent for agent in agents if agent["host"] == "a")
    path = f"/agents/{own['id']}"
    assert admin.get(path).json()["agent"] == own
    for refused, code in ((alice.get(path), 404), (admin.get(f"/agents/{NOBODY}"), 404), (admin.get("/agents/x"), 404)):
        assert refusal(refused)[:2] == (code, "AgentNotFound")
    for query, count in (
        ({"host": "a"}, 1), ({"alive": "True"}, 2), ({"alive": "false"}, 1), ({"agent_type": own["agent_type"]}, 3),
        ({"binary": "dnsmasq"}, 0), ({"availability_zone": "east"}, 1), ({"admin_state_up": "false"}, 0),
    ):  # fmt: skip
        assert len(admin.get("/agents", **query).json()["agents"]) == count, query
    first, *rest = [agent["id"] for agent in agents]
    page = admin.get("/agents", limit="1").json()["agents"]
    assert [agent["id"] for agent in page] == [first]
    assert [agent["id"] for agent in admin.get("/agents", marker=first).json()["agents"]] == rest
    assert admin.get("/agents", marker=NOBODY).status_code == 404
    assert admin.get("/agents", fields="host", host="a").json() == {"agents": [{"host": "a"}]}


def test_agents_of_hosts_with_ovn(admin: Caller, hosts: list[Host], settings: Any) -> None:
    settings.NETWORK_WORKER = True
    agents = admin.get("/agents", host="a").json()["agents"]
    assert {agent["agent_type"] for agent in agents} == {"OVN Controller agent", "OVN Metadata agent"}
    assert len({agent["id"] for agent in agents}) == 2


def test_agents_are_described_and_stay(alice: Caller, admin: Caller, hosts: list[Host]) -> None:
    agent = admin.get("/agents", host="a").json()["agents"][0]
    path = f"/agents/{agent['id']}"
    told = admin.put(path, {"agent": {"description": "rack 4", "admin_state_up": True}}).json()["agent"]
    assert (told["description"], told["admin_state_up"]) == ("rack 4", True)
    assert [one["id"] for one in admin.get("/agents", description="rack 4").json()["agents"]] == [agent["id"]]
    assert refusal(admin.put(path, {"agent": {"admin_state_up": False}}))[:2] == (400, "BadRequest")
    assert refusal(admin.delete(path))[:2] == (400, "BadRequest")
    assert alice.put(path, {"agent": {"description": "mine"}}).status_code == 403
    assert alice.delete(path).status_code == 403
    for place in (f"{path}/l3-routers", f"{path}/dhcp-networks", f"/networks/{NOBODY}/dhcp-agents"):
        assert refusal(admin.get(place))[:2] == (404, "HTTPNotFound")


def test_zones_and_hints(alice: Caller, hosts: list[Host]) -> None:
    zones = alice.get("/availability_zones").json()["availability_zones"]
    assert {(zone["name"], zone["resource"], zone["state"]) for zone in zones} == {
        (name, resource, state)
        for name, state in (("nova", "available"), ("east", "available"), ("west", "unavailable"))
        for resource in ("network", "router")
    }
    assert len(alice.get("/availability_zones", resource="router", name="nova").json()["availability_zones"]) == 1
    assert make(alice, "network", availability_zone_hints=["east"])["availability_zone_hints"] == ["east"]
    nowhere = {"availability_zone_hints": ["nowhere"]}
    for noun in ("network", "router"):
        refused = refusal(alice.post(f"/{noun}s", {noun: nowhere}))
        assert refused[:2] == (404, "AvailabilityZoneNotFound")
    some = refusal(alice.post("/routers", {"router": {"availability_zone_hints": ["nova"]}}))
    assert (some[0], "every zone" in some[2]) == (400, True)
    every = ["nova", "east", "west"]
    assert make(alice, "router", availability_zone_hints=every)["availability_zone_hints"] == every


def test_providers_and_flavors(alice: Caller, settings: Any) -> None:
    providers = alice.get("/service-providers").json()["service_providers"]
    assert [(row["service_type"], row["default"]) for row in providers] == [("L3_ROUTER_NAT", True)]
    for place in ("/flavors", "/service_profiles", "/metering/metering-labels", "/log/logs"):
        assert refusal(alice.get(place))[:2] == (404, "HTTPNotFound")
    for mode in ("distributed", "ha"):
        assert alice.post("/routers", {"router": {mode: True}}).status_code == 400


def test_segments_are_read(alice: Caller, admin: Caller, network: Network, make_network: Any) -> None:
    listed = admin.get("/segments", network_id=str(network.id)).json()["segments"]
    assert [(row["id"], row["network_id"], row["network_type"]) for row in listed] == [
        (str(network.id), str(network.id), "geneve")
    ]
    assert admin.get(f"/segments/{network.id}").json()["segment"] == listed[0]
    assert alice.get("/segments").json() == {"segments": []}
    assert alice.get(f"/segments/{network.id}").status_code == 404
    assert refusal(admin.get(f"/segments/{NOBODY}"))[:2] == (404, "SegmentNotFound")
    for asked in (
        admin.post("/segments", {"segment": {"network_id": str(network.id), "network_type": "vlan"}}),
        admin.put(f"/segments/{network.id}", {"segment": {"name": "x"}}),
        admin.delete(f"/segments/{network.id}"),
    ):
        assert refusal(asked)[:2] == (404, "HTTPNotFound")
        assert "changes of segments" in refusal(asked)[2]


def test_counts_of_addresses(
    alice: Caller, admin: Caller, network: Network, make_network: Callable[..., Network]
) -> None:
    make(alice, "port", network_id=str(network.id))
    both = make_network(alice, "2001:db8:7::/64", name="six")
    bare = make_network(alice, None)
    shown = admin.get(f"/network-ip-availabilities/{network.id}").json()["network_ip_availability"]
    assert (shown["total_ips"], shown["used_ips"], shown["network_name"]) == (253, 1, "n")
    assert shown["subnet_ip_availability"][0]["cidr"] == "10.9.0.0/24"
    path = "/network-ip-availabilities"
    for query, expected in (
        ({}, {network.id, both.id, bare.id}), ({"network_name": "six"}, {both.id}), ({"ip_version": "4"}, {network.id}),
        ({"ip_version": ["4", "6"]}, {network.id, both.id}), ({"project_id": admin.project_id}, set()),
    ):  # fmt: skip
        rows = admin.get(path, **query).json()["network_ip_availabilities"]
        assert {row["network_id"] for row in rows} == {str(key) for key in expected}, query
    six = admin.get(f"{path}/{both.id}").json()["network_ip_availability"]
    assert six["total_ips"] > 2**63
    assert alice.get(path).json() == {"network_ip_availabilities": []}
    assert refusal(alice.get(f"{path}/{network.id}"))[:2] == (404, "NetworkNotFound")


@pytest.fixture
def project(alice: Caller) -> Project:
    return Project.objects.create(pk=alice.project_id, name="alice", domain_id="default", parent_id="default")


@pytest.fixture
def domain(db: None) -> None:
    from apps.identity.models import Domain

    Domain.objects.get_or_create(pk="default", defaults={"name": "Default"})


@pytest.mark.usefixtures("domain", "project")
def test_life_of_a_topology(alice: Caller, bob: Caller, admin: Caller, make_network: Callable[..., Network]) -> None:
    path = f"/auto-allocated-topology/{alice.project_id}"
    for query in ({}, {"fields": "dry-run"}):
        assert refusal(alice.get(path, **query)) == (
            409, "AutoAllocationFailure", "Deployment error: No default router:external network."
        )  # fmt: skip
    public = make_network(admin, "198.18.9.0/24", external=True, is_default=True)
    checked = alice.get(path, fields="dry-run").json()["auto_allocated_topology"]
    assert (checked["id"], checked["tenant_id"]) == ("dry-run=pass", alice.project_id)
    assert not Router.objects.exists()
    reader = Caller("/network/v2.0", roles=("reader",), project_id=alice.project_id)
    assert reader.get(path).status_code == 403  # it would make the network
    made = alice.get("/auto-allocated-topology/None").json()["auto_allocated_topology"]["id"]
    assert reader.get(path).json()["auto_allocated_topology"]["id"] == made
    assert Router.objects.get(project_id=alice.project_id).gateway_port.network_id == public.id
    automatic = requested_networks.automatic(context=alice.context)
    assert automatic is not None and str(automatic.network_id) == made  # what servers get
    for method in ("get", "delete"):
        assert bob.call(method, path).status_code == 403
    server = uuid.uuid4()
    wanted = [RequestedNetwork(network_id=automatic.network_id)]
    bindings.allocate_for_server(server_id=server, project_id=alice.project_id, host="h", requests=wanted)
    assert refusal(alice.delete(path))[:2] == (409, "NetworkInUse")
    assert RouterInterface.objects.get().port.network_id == automatic.network_id  # all of it stays
    bindings.release_for_server(server_id=server)
    assert alice.delete(path).status_code == alice.delete(path).status_code == 204
    assert not Router.objects.exists()
    assert not Port.objects.filter(project_id=alice.project_id).exists()
    assert refusal(admin.get(f"/auto-allocated-topology/{uuid.uuid4().hex}"))[:2] == (404, "ProjectNotFound")


@pytest.mark.usefixtures("domain", "project")
def test_a_topology_with_a_router_of_others(alice: Caller, admin: Caller, make_network: Callable[..., Network]) -> None:
    """It stays whole, and a topology that lost its router gets another one."""
    path = f"/auto-allocated-topology/{alice.project_id}"
    public = make_network(admin, "198.18.9.0/24", external=True, is_default=True)
    made = alice.get(path).json()["auto_allocated_topology"]["id"]
    foreign, port = make(admin, "router"), make(admin, "port", network_id=made)
    assert admin.put(f"/routers/{foreign['id']}/add_router_interface", {"port_id": port["id"]}).status_code == 200
    assert refusal(alice.delete(path))[:2] == (409, "NetworkInUse")
    assert RouterInterface.objects.filter(port__network_id=made).count() == 2
    assert admin.put(f"/routers/{foreign['id']}/remove_router_interface", {"port_id": port["id"]}).status_code == 200

    own = Router.objects.get(project_id=alice.project_id)
    subnet_id = str(Network.objects.get(id=made).subnets.get().id)
    assert alice.put(f"/routers/{own.id}/remove_router_interface", {"subnet_id": subnet_id}).status_code == 200
    assert alice.delete(f"/routers/{own.id}").status_code == 204
    reader = Caller("/network/v2.0", roles=("reader",), project_id=alice.project_id)
    assert reader.get(path).status_code == 403  # it would make the router
    Limit.objects.create(owner_id=alice.project_id, resource="router", value=0)
    assert refusal(alice.get(path))[:2] == (409, "OverQuota")
    Limit.objects.all().delete()
    for who in (alice, reader):
        assert who.get(path).json()["auto_allocated_topology"]["id"] == made
    assert Router.objects.get(project_id=alice.project_id).gateway_port.network_id == public.id
    assert alice.delete(path).status_code == 204
    assert [str(router.id) for router in Router.objects.all()] == [foreign["id"]]


@pytest.mark.parametrize("resource", ["router", "port", "network", "subnet"])
@pytest.mark.usefixtures("domain", "project")
def test_a_topology_counts(alice: Caller, admin: Caller, make_network: Callable[..., Network], resource: str) -> None:
    """The router that comes with it was counted nowhere once."""
    make_network(admin, "198.18.9.0/24", external=True, is_default=True)
    Limit.objects.create(owner_id=alice.project_id, resource=resource, value=0)
    refused = refusal(alice.get(f"/auto-allocated-topology/{alice.project_id}"))
    assert refused == (409, "OverQuota", f"Quota exceeded for resources: ['{resource}'].")
    assert not Network.objects.filter(project_id=alice.project_id).exists()


def test_hundreds_of_address_pairs(alice: Caller, network: Network) -> None:
    """Kubernetes names the range of each node's guests."""
    pairs = [{"ip_address": f"100.{number // 256}.{number % 256}.0/24"} for number in range(500)]
    port = make(alice, "port", network_id=str(network.id), allowed_address_pairs=pairs)
    assert [pair["ip_address"] for pair in port["allowed_address_pairs"]] == [pair["ip_address"] for pair in pairs]
    more = {"allowed_address_pairs": [*pairs, {"ip_address": "100.9.0.0/24"}]}
    assert alice.put(f"/ports/{port['id']}", {"port": more}).status_code == 400
    for wrong in ("0.0.0.0/0", "224.0.0.0/4", "x"):
        refused = alice.put(f"/ports/{port['id']}", {"port": {"allowed_address_pairs": [{"ip_address": wrong}]}})
        assert refused.status_code == 400, wrong

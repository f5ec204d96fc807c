"""Floating IPs by Nova's calls: pools, the project's addresses until 2.35, and servers' actions until 2.43."""

import uuid
from typing import Any

import pytest

from apps.compute.models import Server
from apps.networking.models import FloatingIP, Network, Port, Subnet
from apps.networking.services import networks, router_interfaces, routers, subnets
from apps.networking.services import ports as port_services
from tests.api.compute.conftest import ComputeCaller

pytestmark = pytest.mark.usefixtures("no_broker")


@pytest.fixture
def public(db: None) -> Network:
    network = Network.objects.create(name="public", project_id="", external=True)
    pools = [{"start": "198.18.3.2", "end": "198.18.3.4"}]
    Subnet.objects.create(network=network, project_id="", cidr="198.18.3.0/24", allocation_pools=pools)
    return network


@pytest.fixture
def port(alice: ComputeCaller, server: Server, public: Network) -> Port:
    """The server's port, on a network with a router to the world."""
    context = alice.context
    network = networks.create(context=context, values={"name": "net"})
    values = {"network_id": network.id, "cidr": "10.9.0.0/24", "ip_version": 4}
    subnet = subnets.create(context=context, network=network, values=values)
    router = routers.create(context=context, values={"external_gateway_info": {"network_id": public.id}})
    router_interfaces.add_subnet(context=context, router=router, subnet_id=subnet.id)
    made = port_services.create(context=context, network=network, values={"network_id": network.id})
    Port.objects.filter(id=made.id).update(device_id=str(server.id), request_index=0)
    return made


def take(who: ComputeCaller, **body: Any) -> Any:
    response = who.post("/os-floating-ips", body)
    assert response.status_code == 200, response.content
    return response.json()["floating_ip"]


def test_addresses_of_a_project(alice: ComputeCaller, bob: ComputeCaller, public: Network) -> None:
    assert alice.get("/os-floating-ips").json() == {"floating_ips": []}
    assert alice.get("/os-floating-ip-pools").json() == {"floating_ip_pools": [{"name": "public"}]}
    for body in ({"pool": "public"}, {"pool": None}):
        made = take(alice, **body)
        assert (made["pool"], made["instance_id"], made["fixed_ip"]) == ("public", None, None)
        assert alice.get(f"/os-floating-ips/{made['id']}").json() == {"floating_ip": made}
        assert made in alice.get("/os-floating-ips").json()["floating_ips"]
        assert bob.get(f"/os-floating-ips/{made['id']}").status_code == 404
        assert bob.delete(f"/os-floating-ips/{made['id']}").status_code == 404
        assert alice.delete(f"/os-floating-ips/{made['id']}").status_code == 202
        assert alice.delete(f"/os-floating-ips/{made['id']}").status_code == 404
    assert alice.post("/os-floating-ips", {"pool": "none"}).status_code == 404
    assert alice.get(f"/os-floating-ips/{uuid.uuid4()}").status_code == 404
    assert alice.at("2.36").get("/os-floating-ips").status_code == 404
    assert bob.get("/os-floating-ips").json() == {"floating_ips": []}


def test_actions_of_a_server(alice: ComputeCaller, bob: ComputeCaller, server: Server, port: Port) -> None:
    path, first, second = f"/servers/{server.id}/action", take(alice), take(alice)

    def act(who: ComputeCaller, name: str, **body: Any) -> int:
        return int(who.post(path, {name: body}).status_code)

    assert act(alice, "removeFloatingIp", address=first["ip"]) == 409
    assert act(alice, "addFloatingIp", address=first["ip"]) == 202
    shown = alice.get(f"/os-floating-ips/{first['id']}").json()["floating_ip"]
    fixed = port.fixed_ips.get().ip_address
    assert (shown["instance_id"], shown["fixed_ip"]) == (str(server.id), fixed)
    addresses = alice.get(f"/servers/{server.id}").json()["server"]["addresses"]["net"]
    assert [(item["OS-EXT-IPS:type"], item["addr"]) for item in addresses] == [
        ("fixed", fixed), ("floating", first["ip"])
    ]  # fmt: skip
    assert {"version": 4, "addr": first["ip"]} in alice.get(f"/servers/{server.id}/ips").json()["addresses"]["net"]
    assert act(alice, "addFloatingIp", address=second["ip"]) == 400  # the fixed address has one of this network
    assert act(alice, "addFloatingIp", address=second["ip"], fixed_address="10.9.0.250") == 400
    assert act(alice, "addFloatingIp", address="0.0.0.0") == act(alice, "removeFloatingIp", address="0.0.0.0") == 404
    assert act(alice, "addFloatingIp", address="") == act(alice, "addFloatingIp") == 400
    assert act(bob, "addFloatingIp", address=first["ip"]) == 404
    assert act(alice, "removeFloatingIp", address=first["ip"]) == 202
    assert act(alice, "addFloatingIp", address=second["ip"], fixed_address=fixed) == 202
    assert FloatingIP.objects.get(id=second["id"]).fixed_port_id == port.id
    assert alice.at("2.44").post(path, {"addFloatingIp": {"address": first["ip"]}}).status_code in (400, 404)


def test_a_server_without_a_way_out(alice: ComputeCaller, server: Server, public: Network) -> None:
    address = take(alice)["ip"]
    refused = alice.post(f"/servers/{server.id}/action", {"addFloatingIp": {"address": address}})
    assert (refused.status_code, "No fixed IPs" in str(refused.json())) == (400, True)

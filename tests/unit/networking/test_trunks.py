"""Trunks over HTTP: their life, the ports that they hold, and Neutron's refusals."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.networking import exceptions
from apps.networking.models import Network, Port, SubPort, Trunk
from apps.networking.selectors import programmed
from apps.networking.services import bindings
from apps.networking.values import RequestedNetwork
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal
from tests.unit.networking.test_floating_ips import NOBODY
from workers.mapping import networks as mapping

Ports = tuple[Any, Any, Any]
SLAAC = dict.fromkeys(("ipv6_ra_mode", "ipv6_address_mode"), "slaac")


@pytest.fixture
def ports(alice: Caller, network: Network, make_network: Any) -> Ports:
    """A parent, and two ports of another network."""
    other = make_network(alice, "10.8.0.0/24")
    return (
        make(alice, "port", network_id=str(network.id)),
        make(alice, "port", network_id=str(other.id)),
        make(alice, "port", network_id=str(other.id)),
    )


def part(port: Any, tag: int, kind: str = "vlan") -> dict[str, Any]:
    return {"port_id": port["id"], "segmentation_type": kind, "segmentation_id": tag}


def add(who: Caller, trunk: Any, *parts: Any) -> Any:
    return who.put(f"/trunks/{trunk['id']}/add_subports", {"sub_ports": list(parts)})


def remove(who: Caller, trunk: Any, *ports: Any) -> Any:
    listed = [{"port_id": port["id"]} for port in ports]
    return who.put(f"/trunks/{trunk['id']}/remove_subports", {"sub_ports": listed})


def shown(who: Caller, port: Any) -> Any:
    return who.get(f"/ports/{port['id']}").json()["port"]


def test_life_of_a_trunk(alice: Caller, bob: Caller, ports: Ports) -> None:
    parent, first, second = ports
    trunk = make(alice, "trunk", name="t", port_id=parent["id"], sub_ports=[part(first, 100)])
    assert (trunk["status"], trunk["admin_state_up"], trunk["sub_ports"]) == ("DOWN", True, [part(first, 100)])
    path = f"/trunks/{trunk['id']}"
    assert refusal(bob.get(path))[:2] == (404, "TrunkNotFound")
    added = add(alice, trunk, part(second, 7)).json()
    assert added["sub_ports"] == [part(second, 7), part(first, 100)]
    assert added["revision_number"] > trunk["revision_number"]
    assert alice.get(f"{path}/get_subports").json() == {"sub_ports": added["sub_ports"]}
    parts = [{**part(port, tag), "mac_address": port["mac_address"]} for port, tag in ((second, 7), (first, 100))]
    assert shown(alice, parent)["trunk_details"] == {"trunk_id": trunk["id"], "sub_ports": parts}
    assert "trunk_details" not in shown(alice, first)
    assert shown(alice, first)["device_owner"] == "trunk:subport"

    taken = alice.put(f"/ports/{first['id']}", {"port": {"device_owner": "compute:nova"}})
    assert refusal(taken)[:2] == (409, "PortBound")
    assert refusal(alice.delete(f"/ports/{parent['id']}"))[:2] == (409, "PortInUseAsTrunkParent")
    assert refusal(alice.delete(f"/ports/{first['id']}"))[:2] == (409, "PortInUseAsSubPort")
    assert remove(alice, trunk, first).json()["sub_ports"] == [part(second, 7)]
    assert shown(alice, first)["device_owner"] == ""
    assert alice.delete(f"/ports/{first['id']}").status_code == 204

    assert alice.put(path, {"trunk": {"name": "x", "admin_state_up": False}}).json()["trunk"]["name"] == "x"
    for answer in (add(alice, trunk), remove(alice, trunk, second), alice.delete(path)):
        assert refusal(answer)[:2] == (409, "TrunkDisabled")
    alice.put(path, {"trunk": {"admin_state_up": True}})
    Port.objects.filter(id=parent["id"]).update(status="ACTIVE")
    assert [item["id"] for item in alice.get("/trunks", status="ACTIVE").json()["trunks"]] == [trunk["id"]]
    assert alice.put(f"/trunks/{trunk['id']}/tags/blue").status_code == 201
    assert [item["id"] for item in alice.get("/trunks", tags="blue", sort_key="status").json()["trunks"]] == [
        trunk["id"]
    ]
    assert alice.delete(path).status_code == 204
    assert not SubPort.objects.exists()
    assert shown(alice, second)["device_owner"] == ""


@pytest.mark.parametrize(
    ("parts", "code", "kind", "text"),
    [
        ([(1, 100), (2, 100)], 409, "DuplicateSubPort", "already in use on trunk"),
        ([(1, 100), (1, 101)], 400, "InvalidInput", "named twice"),
        ([(0, 100)], 409, "ParentPortInUse", "not eligible"),
        ([(1, 0)], 400, "InvalidInput", "is not in range"),
        ([(1, 4095)], 400, "InvalidInput", "is not in range"),
        ([(1, 100, "gre")], 400, "InvalidInput", "Unknown segmentation_type 'gre'"),
        ([(1, None)], 400, "InvalidInput", "missing segmentation information"),
        ([(1, None, "inherit")], 400, "InvalidInput", "missing segmentation information"),
        ([(NOBODY, 100)], 404, "PortNotFound", "could not be found"),
        ([("foreign", 100)], 404, "PortNotFound", "could not be found"),
        ([("of a server", 100)], 409, "PortInUse", "already has an attached device"),
        ([("large", 100)], 409, "SubPortMtuGreaterThanTrunkPortMtu", "cannot be greater than MTU"),
    ],
)
def test_refused_subports(
    parts: Any, code: int, kind: str, text: str,
    alice: Caller, bob: Caller, ports: Ports, make_network: Any,
) -> None:  # fmt: skip
    def port(which: Any) -> Any:
        match which:
            case int():
                return ports[which]
            case "foreign":
                return make(bob, "port", network_id=str(make_network(bob, "10.7.0.0/24").id))
            case "large":
                network = make_network(alice, "10.7.0.0/24")
                Network.objects.filter(id=network.id).update(mtu=9000)  # of a time without a limit
                return make(alice, "port", network_id=str(network.id))
            case "of a server":
                return make(alice, "port", network_id=ports[1]["network_id"], device_id=NOBODY)
            case _:
                return {"id": which}

    wanted = [part(port(which), *rest) for which, *rest in parts]
    body = {"trunk": {"port_id": ports[0]["id"], "sub_ports": wanted}}
    answer = refusal(alice.post("/trunks", body))
    assert (answer[:2], text in answer[2]) == ((code, kind), True), answer
    assert not Trunk.objects.exists()
    trunk = make(alice, "trunk", port_id=ports[0]["id"])
    answer = refusal(add(alice, trunk, *wanted))
    assert (answer[:2], text in answer[2]) == ((code, kind), True), answer
    assert not SubPort.objects.exists()


def test_ports_of_one_trunk_only(alice: Caller, admin: Caller, ports: Ports, make_network: Any) -> None:
    parent, first, second = ports
    trunk = make(alice, "trunk", port_id=parent["id"], sub_ports=[part(first, 100)])
    for key, kind in ((parent["id"], "ParentPortInUse"), (first["id"], "TrunkPortInUse")):
        assert refusal(alice.post("/trunks", {"trunk": {"port_id": key}}))[:2] == (409, kind)
    other = make(alice, "trunk", port_id=second["id"])
    assert refusal(add(alice, other, part(first, 5)))[:2] == (409, "TrunkPortInUse")
    assert refusal(add(alice, other, part(parent, 5)))[:2] == (409, "ParentPortInUse")
    assert refusal(remove(alice, other, first))[:2] == (404, "SubPortNotFound")
    router = make(alice, "router")
    for port, kind in ((first, "PortInUseAsSubPort"), (parent, "PortInUseAsTrunkParent")):
        answer = alice.put(f"/routers/{router['id']}/add_router_interface", {"port_id": port["id"]})
        assert refusal(answer)[:2] == (409, kind)
    values = {"network_type": "vlan", "physical_network": "public", "segmentation_id": 77}
    tagged = make_network(admin, "10.6.0.0/24", shared=True, mtu=1400, **values)
    inherited = make(alice, "port", network_id=str(tagged.id))
    added = add(alice, trunk, {"port_id": inherited["id"], "segmentation_type": "inherit"}).json()
    assert added["sub_ports"][0] == part(inherited, 77)


def test_trunks_of_servers(alice: Caller, ports: Ports) -> None:
    """Subports are programmed while a server has the parent, and a parent outlives its server."""
    parent, first, _ = ports
    trunk = make(alice, "trunk", port_id=parent["id"], sub_ports=[part(first, 100)])
    server, network_id = uuid.uuid4(), uuid.UUID(parent["network_id"])

    def boot(port: Any) -> Any:
        wanted = [RequestedNetwork(network_id=network_id, port_id=uuid.UUID(port["id"]) if port else None)]
        return bindings.allocate_for_server(server_id=server, project_id=alice.project_id, host="h", requests=wanted)

    assert programmed.everything().ports == []
    with pytest.raises(exceptions.PortInUse):
        boot(first)
    boot(parent)
    rows = {str(row.id): row for row in programmed.ports(server_ids=[server])}
    assert rows.keys() == {parent["id"], first["id"]}
    row = rows[first["id"]]
    assert (str(row.parent_id), row.tag, row.host, row.admin_state_up) == (parent["id"], 100, "", True)
    assert len(programmed.everything().ports) == 2
    alice.put(f"/trunks/{trunk['id']}", {"trunk": {"admin_state_up": False}})
    assert not programmed.ports(port_ids=[row.id])[0].admin_state_up
    alice.put(f"/trunks/{trunk['id']}", {"trunk": {"admin_state_up": True}})
    Port.objects.filter(id=row.id).update(status="ACTIVE")
    bindings.release_for_server(server_id=server)
    assert programmed.everything().ports == []
    alice.delete(f"/trunks/{trunk['id']}")

    (made,) = boot(None)
    trunk = make(alice, "trunk", port_id=str(made.id), sub_ports=[part(first, 9)])
    assert [row.tag for row in programmed.ports(port_ids=[uuid.UUID(first["id"])])] == [9]
    bindings.release_for_server(server_id=server)
    assert shown(alice, {"id": made.id})["trunk_details"]["trunk_id"] == trunk["id"]


def test_the_cost_of_lists(alice: Caller, ports: Ports) -> None:
    with CaptureQueriesContext(connection) as without:
        alice.get("/ports")
    make(alice, "trunk", port_id=ports[0]["id"], sub_ports=[part(ports[1], 1), part(ports[2], 2)])
    with CaptureQueriesContext(connection) as with_trunk:
        alice.get("/ports")
    assert len(with_trunk) <= len(without) + 1


def test_a_trunks_card_hears_the_routers_of_its_subports(alice: Caller, ports: Ports, make_network: Any) -> None:
    """By its tap come their frames too: the host's guard admits these routers and no others."""
    parent, first, _ = ports
    subnet = make(alice, "subnet", network_id=first["network_id"], cidr="fd00:8::/64", ip_version=6, **SLAAC)
    router = make(alice, "router")
    alice.put(f"/routers/{router['id']}/add_router_interface", {"subnet_id": subnet["id"]})
    foot = Port.objects.get(device_id=router["id"])
    server = uuid.uuid4()
    bindings.allocate_for_server(
        server_id=server,
        project_id=alice.project_id,
        host="h",
        requests=[RequestedNetwork(network_id=uuid.UUID(parent["network_id"]), port_id=uuid.UUID(parent["id"]))],
    )
    assert mapping.ports_of(server)[0].routers == ()
    make(alice, "trunk", port_id=parent["id"], sub_ports=[part(first, 100)])
    assert mapping.ports_of(server)[0].routers == (foot.mac_address,)

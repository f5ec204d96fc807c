"""Port forwardings over HTTP: their life, what they keep from going, what goes with them, and Neutron's refusals."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.networking.models import FloatingIP, Network, PortForwarding
from apps.networking.services import bindings, port_forwardings
from apps.networking.values import RequestedNetwork
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal
from tests.unit.networking.test_floating_ips import NOBODY, float_, move, port, public, router  # noqa: F401 (fixtures)

SSH = {"protocol": "tcp", "external_port": 2222, "internal_port": 22}


@pytest.fixture
def floating_ip(alice: Caller, public: Network, router: str) -> Any:  # noqa: F811
    return float_(alice, public)


def ask(who: Caller, floating_ip: Any, **values: Any) -> Any:
    return who.post(f"/floatingips/{floating_ip['id']}/port_forwardings", {"port_forwarding": values})


def forward(who: Caller, floating_ip: Any, **values: Any) -> Any:
    answer = ask(who, floating_ip, **values)
    assert answer.status_code == 201, answer.content
    return answer.json()["port_forwarding"]


def of(floating_ip: Any, forwarding: Any) -> str:
    return f"/floatingips/{floating_ip['id']}/port_forwardings/{forwarding['id']}"


def shown(who: Caller, floating_ip: Any) -> Any:
    return who.get(f"/floatingips/{floating_ip['id']}").json()["floatingip"]


def test_life_of_a_forwarding(alice: Caller, bob: Caller, floating_ip: Any, router: str, port: Any) -> None:  # noqa: F811
    made = forward(alice, floating_ip, internal_port_id=port["id"], description="ssh", **SSH)
    fixed_ip = port["fixed_ips"][0]["ip_address"]
    assert made == {
        "id": made["id"], "protocol": "tcp", "internal_port_id": port["id"], "internal_ip_address": fixed_ip,
        "internal_port": 22, "internal_port_range": "22:22", "external_port": 2222,
        "external_port_range": "2222:2222", "description": "ssh",
    }  # fmt: skip
    path = of(floating_ip, made)
    assert alice.get(path).json()["port_forwarding"] == made
    leading = shown(alice, floating_ip)
    assert (leading["status"], leading["router_id"], leading["port_id"]) == ("ACTIVE", router, None)
    assert leading["port_forwardings"] == [
        {key: made[key] for key in made if not key.endswith("_range") and key != "description"}
    ]
    assert refusal(bob.get(path))[:2] == (404, "FloatingIPNotFound")

    subnet_id = port["fixed_ips"][0]["subnet_id"]
    needed = alice.put(f"/routers/{router}/remove_router_interface", {"subnet_id": subnet_id})
    assert refusal(needed)[:2] == (409, "RouterInterfaceInUseByFloatingIP")
    needed = alice.put(f"/routers/{router}", {"router": {"external_gateway_info": None}})
    assert refusal(needed)[:2] == (409, "RouterExternalGatewayInUseByFloatingIp")
    for answer in (alice.delete(f"/floatingips/{floating_ip['id']}"), move(alice, floating_ip, port_id=port["id"])):
        assert refusal(answer)[:2] == (409, "FipInUseByPortForwarding")
    assert move(alice, floating_ip, port_id=None).json()["floatingip"]["router_id"] == router

    changed = alice.put(path, {"port_forwarding": {"external_port_range": "3000:3009", "protocol": "UDP"}}).json()
    assert changed["port_forwarding"]["external_port"] is None
    assert (changed["port_forwarding"]["external_port_range"], changed["port_forwarding"]["internal_port"]) == (
        "3000:3009", 22
    )  # fmt: skip
    assert changed["port_forwarding"]["protocol"] == "udp"
    assert alice.delete(path).status_code == 204
    assert refusal(alice.delete(path))[:2] == (404, "PortForwardingNotFound")
    loose = shown(alice, floating_ip)
    assert (loose["status"], loose["router_id"], loose["port_forwardings"]) == ("DOWN", None, [])
    assert alice.delete(f"/floatingips/{floating_ip['id']}").status_code == 204


@pytest.mark.parametrize(
    ("values", "code", "kind", "text"),
    [
        ({"protocol": "icmp"}, 400, "BadRequest", "protocol"),
        ({"external_port": 0}, 400, "BadRequest", "external_port"),
        ({"external_port": None}, 400, "BadRequest", "external_port"),
        ({"external_port": None, "external_port_range": "9:8"}, 400, "BadRequest", "range of ports"),
        ({"external_port": None, "external_port_range": "1:70000"}, 400, "BadRequest", "range of ports"),
        ({"external_port_range": "80:81"}, 400, "BadRequest", "contradicts"),
        ({"internal_port": None, "internal_port_range": "1:2"}, 400, "BadRequest", "must be N-N or 1-N"),
        ({"external_port": None, "external_port_range": "1:1001"}, 400, "BadRequest", "more than 1000 ports"),
        ({"internal_port_id": NOBODY}, 404, "PortNotFound", "could not be found"),
        ({"internal_port_id": "foreign"}, 404, "PortNotFound", "could not be found"),
        ({"internal_port_id": "interface"}, 400, "BadRequest", "device owner network:router_interface"),
        ({"internal_port_id": "bare"}, 400, "BadRequest", "must allocate an IPv4 address at least"),
        ({"internal_port_id": "far"}, 400, "BadRequest", "is not reachable from subnet"),
        ({"internal_ip_address": "10.9.0.250"}, 400, "BadRequest", "is not suitable for internal neutron port"),
        ({"internal_ip_address": "fd00::1"}, 400, "BadRequest", "internal_ip_address"),
    ],
)
def test_refused(
    values: Any, code: int, kind: str, text: str,
    alice: Caller, bob: Caller, floating_ip: Any, port: Any, network: Network, make_network: Any,  # noqa: F811
) -> None:  # fmt: skip
    wanted = {**SSH, "internal_port_id": port["id"], **values}
    match values.get("internal_port_id"):
        case "foreign":
            wanted["internal_port_id"] = make(bob, "port", network_id=str(make_network(bob, "10.7.0.0/24").id))["id"]
        case "far":
            far = make_network(alice, "10.7.0.0/24")
            wanted["internal_port_id"] = make(alice, "port", network_id=str(far.id))["id"]
        case "bare":
            wanted["internal_port_id"] = make(alice, "port", network_id=str(network.id), fixed_ips=[])["id"]
        case "interface":
            listed = alice.get("/ports", device_owner="network:router_interface").json()["ports"]
            wanted["internal_port_id"] = listed[0]["id"]
    answer = refusal(ask(alice, floating_ip, **wanted))
    assert (answer[:2], text in answer[2]) == ((code, kind), True), answer
    assert not PortForwarding.objects.exists()
    assert shown(alice, floating_ip)["router_id"] is None


def test_ports_of_other_projects(
    alice: Caller, bob: Caller, admin: Caller, floating_ip: Any, port: Any, network: Network  # noqa: F811
) -> None:  # fmt: skip
    """A network's owner sees the ports of projects that it shares the network with, and leads nothing to them."""
    shared = {"object_type": "network", "object_id": str(network.id), "action": "access_as_shared"}
    body = {"rbac_policy": {**shared, "target_tenant": bob.project_id}}
    assert alice.post("/rbac-policies", body).status_code == 201
    foreign = make(bob, "port", network_id=str(network.id))
    own = forward(alice, floating_ip, internal_port_id=port["id"], **SSH)
    led = {"internal_port_id": foreign["id"], "internal_ip_address": foreign["fixed_ips"][0]["ip_address"]}
    for answer in (
        ask(alice, floating_ip, **led, **{**SSH, "external_port": 1}),
        alice.put(of(floating_ip, own), {"port_forwarding": led}),
    ):
        code, kind, text = refusal(answer)
        assert (code, kind, "owned by a different tenant" in text) == (400, "BadRequest", True), text
    assert PortForwarding.objects.get().port_id == uuid.UUID(port["id"])
    assert ask(admin, floating_ip, **led, **{**SSH, "external_port": 1}).status_code == 201


def test_collisions(alice: Caller, floating_ip: Any, public: Network, port: Any) -> None:  # noqa: F811
    ends = {"internal_port_id": port["id"], "protocol": "tcp"}
    forward(alice, floating_ip, **ends, external_port_range="80:89", internal_port_range="8080:8089")
    other = forward(alice, floating_ip, **{**ends, "protocol": "udp"}, external_port=80, internal_port=8080)
    for values, text in (
        ({"external_port": 85, "internal_port": 1}, "external_port_range. The following ranges collide: 80:89 and"),
        ({"external_port": 1, "internal_port": 8089}, "internal_port_range"),
    ):  # fmt: skip
        answer = refusal(ask(alice, floating_ip, **ends, **values))
        assert (answer[:2], text in answer[2]) == ((400, "BadRequest"), True), answer
    assert refusal(alice.put(of(floating_ip, other), {"port_forwarding": {"protocol": "tcp"}}))[0] == 400
    second = float_(alice, public)
    assert "internal_port_range" in refusal(ask(alice, second, **ends, external_port=80, internal_port=8080))[2]
    assert forward(alice, second, **ends, external_port=80, internal_port=9090)["external_port"] == 80


def test_beside_associations(alice: Caller, floating_ip: Any, public: Network, port: Any, network: Network) -> None:  # noqa: F811
    other = make(alice, "port", network_id=str(network.id))
    forwarding = forward(alice, floating_ip, internal_port_id=port["id"], **SSH)
    led = float_(alice, public, port_id=other["id"])
    assert refusal(move(alice, led, port_id=port["id"]))[:2] == (400, "PortHasPortForwarding")
    assert refusal(ask(alice, floating_ip, internal_port_id=other["id"], **{**SSH, "external_port": 1}))[:2] == (
        409, "PortHasBindingFloatingIP"
    )  # fmt: skip
    moved = alice.put(of(floating_ip, forwarding), {"port_forwarding": {"internal_port_id": other["id"]}})
    assert refusal(moved)[0] == 400  # the address that it leads to is the other port's
    assert refusal(ask(alice, led, internal_port_id=port["id"], **SSH))[:2] == (409, "FloatingIPPortAlreadyAssociated")


def test_what_goes_with_ports(alice: Caller, floating_ip: Any, network: Network, port: Any) -> None:  # noqa: F811
    other = make(alice, "port", network_id=str(network.id))
    forward(alice, floating_ip, internal_port_id=port["id"], **SSH)
    forward(alice, floating_ip, internal_port_id=other["id"], **{**SSH, "external_port": 2223})
    alice.put(f"/ports/{port['id']}", {"port": {"fixed_ips": [{"ip_address": "10.9.0.200"}]}})
    assert [item["internal_port_id"] for item in shown(alice, floating_ip)["port_forwardings"]] == [other["id"]]
    assert alice.delete(f"/ports/{other['id']}").status_code == 204
    assert (shown(alice, floating_ip)["status"], shown(alice, floating_ip)["router_id"]) == ("DOWN", None)

    server = uuid.uuid4()
    wanted = [RequestedNetwork(network_id=network.id)]
    (made,) = bindings.allocate_for_server(server_id=server, project_id=alice.project_id, host="h", requests=wanted)
    forward(alice, floating_ip, internal_port_id=port["id"], **SSH)
    forward(alice, floating_ip, internal_port_id=str(made.id), **{**SSH, "external_port": 2223})
    bindings.release_for_server(server_id=server)
    assert [item["internal_port_id"] for item in shown(alice, floating_ip)["port_forwardings"]] == [port["id"]]
    assert shown(alice, floating_ip)["status"] == "ACTIVE"
    (made,) = bindings.allocate_for_server(server_id=server, project_id=alice.project_id, host="h", requests=wanted)
    alice.delete(f"/ports/{port['id']}")
    forward(alice, floating_ip, internal_port_id=str(made.id), **SSH)
    bindings.release_for_server(server_id=server)
    assert (shown(alice, floating_ip)["status"], shown(alice, floating_ip)["router_id"]) == ("DOWN", None)
    assert not PortForwarding.objects.exists()


def test_lists(alice: Caller, floating_ip: Any, port: Any) -> None:  # noqa: F811
    path = f"/floatingips/{floating_ip['id']}/port_forwardings"
    made = [
        forward(
            alice, floating_ip, internal_port_id=port["id"], protocol=protocol, external_port=number, internal_port=1
        )
        for protocol, number in (("udp", 20), ("tcp", 10))
    ]
    for params, wanted in (
        ({"protocol": "TCP"}, made[1:]), ({"external_port": 20}, made[:1]), ({"internal_port_id": NOBODY}, []),
        ({"sort_key": "external_port"}, made[::-1]),
    ):  # fmt: skip
        assert alice.get(path, **params).json()["port_forwardings"] == wanted, params
    page = alice.get(path, limit=1, sort_key="external_port", fields="id").json()
    assert page["port_forwardings"] == [{"id": made[1]["id"]}]
    assert f"{path}?" in page["port_forwardings_links"][0]["href"]
    assert refusal(alice.get(f"/floatingips/{NOBODY}/port_forwardings"))[:2] == (404, "FloatingIPNotFound")
    with CaptureQueriesContext(connection) as queries:
        alice.get("/floatingips")
    assert len(queries) <= 2


def test_a_project_that_is_purged(alice: Caller, floating_ip: Any, port: Any) -> None:  # noqa: F811
    forward(alice, floating_ip, internal_port_id=port["id"], **SSH)
    port_forwardings.delete_of_floating_ip(floating_ip=FloatingIP.objects.get())
    assert shown(alice, floating_ip)["status"] == "DOWN"

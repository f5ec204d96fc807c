"""Floating IPs over HTTP: association, moves, loss of what they lead to, and Neutron's refusals."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.compute.api.documents import servers as server_documents
from apps.networking.models import FixedIP, FloatingIP, Network, Port
from apps.networking.selectors import bindings as binding_selectors
from apps.networking.services import bindings
from apps.networking.values import RequestedNetwork
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal

NOBODY = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def public(admin: Caller, make_network: Any) -> Network:
    return make_network(admin, "198.18.3.0/24", external=True)


@pytest.fixture
def router(alice: Caller, network: Network, public: Network) -> str:
    """A router between the network and the world."""
    made = make(alice, "router", external_gateway_info={"network_id": str(public.id)})
    subnet_id = str(network.subnets.get().id)
    assert alice.put(f"/routers/{made['id']}/add_router_interface", {"subnet_id": subnet_id}).status_code == 200
    return str(made["id"])


@pytest.fixture
def port(alice: Caller, network: Network) -> Any:
    return make(alice, "port", network_id=str(network.id))


def ask(who: Caller, public: Network, **values: Any) -> Any:
    return who.post("/floatingips", {"floatingip": {"floating_network_id": str(public.id), **values}})


def float_(who: Caller, public: Network, **values: Any) -> Any:
    response = ask(who, public, **values)
    assert response.status_code == 201, response.content
    return response.json()["floatingip"]


def move(who: Caller, floating_ip: Any, **values: Any) -> Any:
    return who.put(f"/floatingips/{floating_ip['id']}", {"floatingip": values})


def test_life_of_a_floating_ip(alice: Caller, bob: Caller, public: Network, router: str, port: Any) -> None:
    loose = float_(alice, public, description="mine")
    assert (loose["status"], loose["port_id"], loose["router_id"], loose["port_details"]) == ("DOWN", None, None, None)
    holder = Port.objects.get(device_id=loose["id"])
    assert (holder.device_owner, holder.project_id, holder.status) == ("network:floatingip", "", "N/A")
    assert holder.fixed_ips.get().ip_address == loose["floating_ip_address"]

    led = move(alice, loose, port_id=port["id"]).json()["floatingip"]
    assert (led["status"], led["port_id"], led["router_id"]) == ("ACTIVE", port["id"], router)
    assert led["fixed_ip_address"] == port["fixed_ips"][0]["ip_address"]
    assert led["port_details"]["mac_address"] == port["mac_address"]
    assert led["revision_number"] > loose["revision_number"]
    assert move(alice, loose, description="still").json()["floatingip"]["port_id"] == port["id"]
    assert refusal(bob.get(f"/floatingips/{loose['id']}"))[:2] == (404, "FloatingIPNotFound")

    for path, kind in ((f"/routers/{router}", "RouterInUse"), (f"/ports/{holder.id}", "ServicePortInUse")):
        assert refusal(Caller(alice.prefix, admin=True).delete(path))[:2] == (409, kind)
    subnet_id = port["fixed_ips"][0]["subnet_id"]
    needed = alice.put(f"/routers/{router}/remove_router_interface", {"subnet_id": subnet_id})
    assert refusal(needed)[:2] == (409, "RouterInterfaceInUseByFloatingIP")
    needed = alice.put(f"/routers/{router}", {"router": {"external_gateway_info": None}})
    assert refusal(needed)[:2] == (409, "RouterExternalGatewayInUseByFloatingIp")

    assert move(alice, loose, port_id=None).json()["floatingip"]["status"] == "DOWN"
    assert alice.delete(f"/floatingips/{loose['id']}").status_code == 204
    assert not Port.objects.filter(id=holder.id).exists()
    assert not FixedIP.objects.filter(ip_address=loose["floating_ip_address"]).exists()


def test_moves(alice: Caller, public: Network, router: str, port: Any, network: Network) -> None:
    other = make(alice, "port", network_id=str(network.id))
    first = float_(alice, public, port_id=port["id"])
    second = ask(alice, public, port_id=port["id"])
    assert refusal(second)[:2] == (409, "FloatingIPPortAlreadyAssociated")
    assert FloatingIP.objects.count() == 1
    assert move(alice, first, port_id=other["id"]).json()["floatingip"]["port_id"] == other["id"]
    assert float_(alice, public, port_id=port["id"])["port_id"] == port["id"]
    assert refusal(move(alice, first, port_id=port["id"]))[:2] == (409, "FloatingIPPortAlreadyAssociated")
    stale = alice.call(
        "put", f"/floatingips/{first['id']}", {"floatingip": {"port_id": None}},
        headers={"If-Match": "revision_number=1"},
    )  # fmt: skip
    assert refusal(stale)[0] == 412
    assert FloatingIP.objects.get(id=first["id"]).fixed_port_id == uuid.UUID(other["id"])


def test_ports_that_lose_what_is_led_to(alice: Caller, public: Network, router: str, port: Any) -> None:
    floating_ip = float_(alice, public, port_id=port["id"])
    path = f"/floatingips/{floating_ip['id']}"
    alice.put(f"/ports/{port['id']}", {"port": {"name": "same"}})
    assert alice.get(path).json()["floatingip"]["status"] == "ACTIVE"
    alice.put(f"/ports/{port['id']}", {"port": {"fixed_ips": [{"ip_address": "10.9.0.200"}]}})
    assert alice.get(path).json()["floatingip"]["port_id"] is None
    move(alice, floating_ip, port_id=port["id"])
    assert alice.delete(f"/ports/{port['id']}").status_code == 204
    loose = alice.get(path).json()["floatingip"]
    assert (loose["status"], loose["port_id"], loose["fixed_ip_address"], loose["router_id"]) == ("DOWN", *[None] * 3)


def test_servers_show_floating_ips_and_lose_them_at_once(
    alice: Caller, public: Network, router: str, network: Network
) -> None:
    server = uuid.uuid4()
    wanted = [RequestedNetwork(network_id=network.id)]
    (made,) = bindings.allocate_for_server(server_id=server, project_id=alice.project_id, host="h", requests=wanted)
    floating_ip = float_(alice, public, port_id=str(made.id))
    with CaptureQueriesContext(connection) as queries:
        rows = binding_selectors.for_servers(server_ids=[server])[server]
    assert len(queries) == 1
    shown = server_documents.addresses_of(rows)["n"]
    assert [(entry["OS-EXT-IPS:type"], entry["addr"]) for entry in shown] == [
        ("fixed", made.ips[0]), ("floating", floating_ip["floating_ip_address"])
    ]  # fmt: skip
    assert shown[1]["OS-EXT-IPS-MAC:mac_addr"] == made.mac
    with CaptureQueriesContext(connection) as queries:
        bindings.release_for_server(server_id=server)
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 2
    row = FloatingIP.objects.get()
    assert (row.fixed_port_id, row.router_id, row.status) == (None, None, "DOWN")


@pytest.mark.parametrize(
    ("values", "code", "kind", "text"),
    [
        ({"floating_network_id": NOBODY}, 400, "BadRequest", "is not a valid external network"),
        ({"floating_network_id": "own"}, 400, "BadRequest", "is not a valid external network"),
        ({"floating_network_id": "six"}, 400, "BadRequest", "does not contain any IPv4 subnet"),
        ({"floating_ip_address": "198.18.3.9"}, 403, "PolicyNotAuthorized", "floating_ip_address"),
        ({"subnet_id": NOBODY}, 400, "InvalidInput", "invalid subnet"),
        ({"fixed_ip_address": "10.9.0.9"}, 400, "BadRequest", "cannot be specified without a port_id"),
        ({"port_id": NOBODY}, 404, "PortNotFound", "could not be found"),
        ({"port_id": "foreign"}, 404, "PortNotFound", "could not be found"),
        ({"port_id": "far"}, 404, "ExternalGatewayForFloatingIPNotFound", "is not reachable from subnet"),
        ({"port_id": "bare"}, 400, "BadRequest", "has no fixed IPv4 addresses"),
        ({"port_id": "twice"}, 400, "BadRequest", "has multiple fixed IPv4 addresses"),
        ({"port_id": "port", "fixed_ip_address": "10.9.0.250"}, 400, "BadRequest", "does not have fixed ip"),
        ({"port_id": "port", "fixed_ip_address": "fd00::1"}, 400, "BadRequest", "not an IPv4 address"),
        ({"port_id": "interface"}, 400, "BadRequest", "device owner network:router_interface"),
    ],
)  # fmt: skip
def test_refused(
    values: Any, code: int, kind: str, text: str,
    alice: Caller, bob: Caller, admin: Caller, public: Network, router: str, network: Network, make_network: Any,
) -> None:  # fmt: skip
    wanted = dict(values)
    if values.get("floating_network_id") in ("own", "six"):
        other = network if values["floating_network_id"] == "own" else make_network(admin, "fd00:5::/64", external=True)
        wanted["floating_network_id"] = str(other.id)
    match values.get("port_id"):
        case "foreign":
            wanted["port_id"] = make(bob, "port", network_id=str(make_network(bob, "10.7.0.0/24").id))["id"]
        case "far":
            wanted["port_id"] = make(alice, "port", network_id=str(make_network(alice, "10.7.0.0/24").id))["id"]
        case "bare":
            wanted["port_id"] = make(alice, "port", network_id=str(network.id), fixed_ips=[])["id"]
        case "twice":
            ips = [{"ip_address": "10.9.0.50"}, {"ip_address": "10.9.0.51"}]
            wanted["port_id"] = make(alice, "port", network_id=str(network.id), fixed_ips=ips)["id"]
        case "port":
            wanted["port_id"] = make(alice, "port", network_id=str(network.id))["id"]
        case "interface":
            wanted["port_id"] = str(Port.objects.get(device_owner="network:router_interface").id)
    ports = Port.objects.count()
    answer = refusal(ask(alice, public, **wanted))
    assert (answer[:2], text in answer[2]) == ((code, kind), True), answer
    assert (FloatingIP.objects.count(), Port.objects.count()) == (0, ports)


def test_chosen_addresses(admin: Caller, public: Network) -> None:
    assert float_(admin, public, floating_ip_address="198.18.3.77")["floating_ip_address"] == "198.18.3.77"
    for ip, kind in (
        ("198.18.3.77", "IpAddressAlreadyAllocated"),
        ("198.18.3.1", "IpAddressInUse"),
        ("10.0.0.1", "InvalidIpForNetwork"),
    ):
        assert refusal(ask(admin, public, floating_ip_address=ip))[1] == kind
    subnet_id = str(public.subnets.get().id)
    assert float_(admin, public, subnet_id=subnet_id)["floating_ip_address"].startswith("198.18.3.")


def test_an_exhausted_network_and_a_quota(alice: Caller, admin: Caller, make_network: Any, settings: Any) -> None:
    tiny = make_network(admin, "198.18.4.0/30", external=True)
    float_(alice, tiny)
    assert refusal(ask(alice, tiny))[:2] == (409, "IpAddressGenerationFailure")
    settings.NETWORK_QUOTAS = {**settings.NETWORK_QUOTAS, "floatingip": 1}
    assert refusal(ask(alice, tiny))[:2] == (409, "OverQuota")


def test_an_external_network_goes_with_its_loose_floating_ips(
    alice: Caller, admin: Caller, public: Network, router: str, port: Any
) -> None:
    led = float_(alice, public, port_id=port["id"])
    float_(alice, public)
    for _ in range(2):
        assert refusal(admin.delete(f"/networks/{public.id}"))[:2] == (409, "NetworkInUse")
    assert FloatingIP.objects.count() == 2
    alice.delete(f"/floatingips/{led['id']}")
    subnet_id = port["fixed_ips"][0]["subnet_id"]
    assert alice.put(f"/routers/{router}/remove_router_interface", {"subnet_id": subnet_id}).status_code == 200
    assert alice.delete(f"/routers/{router}").status_code == 204
    assert admin.delete(f"/networks/{public.id}").status_code == 204
    assert not FloatingIP.objects.exists()


def test_lists(alice: Caller, public: Network, router: str, port: Any) -> None:
    led, loose = float_(alice, public, port_id=port["id"]), float_(alice, public)
    for params, wanted in (
        ({"port_id": port["id"]}, [led]), ({"router_id": router}, [led]), ({"status": "DOWN"}, [loose]),
        ({"floating_ip_address": loose["floating_ip_address"]}, [loose]),
        ({"fixed_ip_address": led["fixed_ip_address"]}, [led]), ({"floating_network_id": NOBODY}, []),
    ):  # fmt: skip
        listed = alice.get("/floatingips", **params).json()["floatingips"]
        assert [item["id"] for item in listed] == [item["id"] for item in wanted], params
    assert alice.put(f"/floatingips/{led['id']}/tags/blue").status_code == 201
    assert [item["id"] for item in alice.get("/floatingips", tags="blue").json()["floatingips"]] == [led["id"]]
    page = alice.get("/floatingips", limit=1, sort_key="floating_ip_address").json()
    assert (len(page["floatingips"]), page["floatingips_links"][0]["rel"]) == (1, "next")
    with CaptureQueriesContext(connection) as one:
        alice.get("/floatingips", limit=1)
    with CaptureQueriesContext(connection) as two:
        alice.get("/floatingips")
    assert len(two) <= len(one)


def test_one_that_moves_while_its_port_goes(
    alice: Caller, public: Network, router: str, network: Network, port: Any
) -> None:
    float_(alice, public, port_id=port["id"])
    other = make(alice, "port", network_id=str(network.id))
    moves = [{"fixed_port_id": other["id"], "fixed_ip_address": other["fixed_ips"][0]["ip_address"]}]

    def move_before(execute: Any, sql: Any, *more: Any) -> Any:
        if str(sql).startswith('UPDATE "networking_floatingip"') and moves:
            FloatingIP.objects.update(**moves.pop())
        return execute(sql, *more)

    with connection.execute_wrapper(move_before):
        assert alice.delete(f"/ports/{port['id']}").status_code == 204
    assert not moves
    led = FloatingIP.objects.get()
    assert (str(led.fixed_port_id), str(led.router_id), led.status) == (other["id"], router, "ACTIVE")

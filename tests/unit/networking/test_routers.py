"""Routers over HTTP: interfaces, gateways, extra routes, and what Neutron answers to what cannot be."""

from typing import Any

import pytest

from apps.networking.models import FixedIP, Network, Port, Router
from apps.networking.services import subnets
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal

NOBODY = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def public(admin: Caller, make_network: Any) -> Network:
    return make_network(admin, "198.18.3.0/24", external=True)


def add_subnet(who: Caller, network: Network, cidr: str, **more: Any) -> str:
    values = {"network_id": network.id, "cidr": cidr, "ip_version": 6 if ":" in cidr else 4, **more}
    return str(subnets.create(context=who.context, network=network, values=values).id)


def act(who: Caller, on: Any, action: str, **values: Any) -> Any:
    return who.put(f"/routers/{on['id']}/{action}", values)


def subnet_of(network: Network) -> str:
    return str(network.subnets.get().id)


def through(network: Network, **more: Any) -> dict[str, Any]:
    return {"external_gateway_info": {"network_id": str(network.id), **more}}


def test_life_of_a_router(alice: Caller, admin: Caller, network: Network, public: Network) -> None:
    router = make(alice, "router", name="r", **through(public))
    assert (router["status"], router["admin_state_up"], router["routes"]) == ("ACTIVE", True, [])
    assert "ha" not in router
    gateway = router["external_gateway_info"]
    assert (gateway["network_id"], gateway["enable_snat"]) == (str(public.id), True)
    port = Port.objects.get(device_id=router["id"])
    assert (port.device_owner, port.project_id) == ("network:router_gateway", "")
    assert gateway["external_fixed_ips"][0]["ip_address"] == port.fixed_ips.get().ip_address
    assert alice.get("/ports", device_id=router["id"]).json()["ports"] == []
    assert admin.get(f"/routers/{router['id']}").json()["router"]["ha"] is False

    added = act(alice, router, "add_router_interface", subnet_id=subnet_of(network)).json()
    assert (added["network_id"], added["subnet_ids"]) == (str(network.id), [subnet_of(network)])
    interface = alice.get(f"/ports/{added['port_id']}").json()["port"]
    assert (interface["device_owner"], interface["device_id"]) == ("network:router_interface", router["id"])
    assert interface["fixed_ips"][0]["ip_address"] == "10.9.0.1"

    for path, kind in (
        (f"/routers/{router['id']}", "RouterInUse"),
        (f"/ports/{interface['id']}", "ServicePortInUse"),
        (f"/subnets/{subnet_of(network)}", "SubnetInUse"),
        (f"/networks/{network.id}", "NetworkInUse"),
    ):
        assert refusal(alice.delete(path))[:2] == (409, kind)
    changed = alice.put(f"/routers/{router['id']}", {"router": {"name": "s", "external_gateway_info": {}}}).json()
    assert (changed["router"]["name"], changed["router"]["external_gateway_info"]) == ("s", None)
    assert changed["router"]["revision_number"] > router["revision_number"]
    removed = act(alice, router, "remove_router_interface", port_id=interface["id"])
    assert removed.json()["subnet_id"] == subnet_of(network)
    assert alice.delete(f"/routers/{router['id']}").status_code == 204
    assert not Port.objects.exists()


def test_interfaces_by_port(alice: Caller, bob: Caller, network: Network) -> None:
    router, port = make(alice, "router"), make(alice, "port", network_id=str(network.id))
    assert refusal(act(bob, router, "add_router_interface", port_id=port["id"]))[:2] == (404, "RouterNotFound")
    assert act(alice, router, "add_router_interface", port_id=port["id"]).json()["port_id"] == port["id"]
    assert refusal(act(alice, router, "add_router_interface", port_id=port["id"]))[:2] == (409, "PortInUse")
    own = subnet_of(network)
    ip = {"subnet_id": own, "ip_address": "10.9.0.77"}
    path = f"/ports/{port['id']}"
    assert alice.put(path, {"port": {"fixed_ips": [ip]}}).json()["port"]["fixed_ips"] == [ip]
    for values in ({"device_id": ""}, {"device_owner": "x"}, {"device_id": "another"}):
        assert refusal(alice.put(path, {"port": values}))[:2] == (409, "PortBound")
    other = add_subnet(alice, network, "10.9.1.0/24")
    assert refusal(alice.put(path, {"port": {"fixed_ips": [{"subnet_id": other}]}}))[:2] == (400, "BadRequest")
    values = {"port_id": port["id"], "subnet_id": other}
    assert refusal(act(alice, router, "remove_router_interface", **values))[:2] == (400, "SubnetMismatchForPort")
    assert act(alice, router, "remove_router_interface", subnet_id=own).status_code == 200
    assert alice.get(path).status_code == 404


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ({}, "BadRequest", "Either subnet_id or port_id must be specified"),
        ({"subnet_id": "S", "port_id": NOBODY}, "BadRequest", "Cannot specify both subnet-id and port-id"),
        ({"subnet_id": NOBODY}, "SubnetNotFound", "could not be found"),
        ({"port_id": NOBODY}, "PortNotFound", "could not be found"),
        ({"subnet_id": "again"}, "BadRequest", "Router already has a port on subnet"),
        ({"subnet_id": "overlapping"}, "BadRequest", "overlaps with cidr 10.9.0.0/24 of subnet"),
        ({"subnet_id": "closed"}, "BadRequest", "must have a gateway IP"),
        ({"subnet_id": "foreign"}, "BadRequest", "is not owned by project making the request"),
        ({"subnet_id": "unseen"}, "SubnetNotFound", "could not be found"),
        ({"subnet_id": "taken"}, "IpAddressAlreadyAllocated", "IP address 10.8.0.1 already allocated in subnet"),
    ],
)
def test_refused_interfaces(
    values: Any, kind: str, text: str, alice: Caller, bob: Caller, admin: Caller, network: Network, make_network: Any
) -> None:
    router, own = make(alice, "router"), subnet_of(network)
    wanted = dict(values)
    match values.get("subnet_id"):
        case "S":
            wanted["subnet_id"] = own
        case "again":
            act(alice, router, "add_router_interface", subnet_id=own)
            wanted["subnet_id"] = own
        case "overlapping":
            act(alice, router, "add_router_interface", subnet_id=own)
            wanted["subnet_id"] = subnet_of(make_network(alice, "10.9.0.128/25"))
        case "closed":
            wanted["subnet_id"] = add_subnet(alice, network, "10.9.9.0/24", gateway_ip=None)
        case "foreign":
            wanted["subnet_id"] = subnet_of(make_network(admin, "10.7.0.0/24", shared=True))
        case "unseen":
            wanted["subnet_id"] = subnet_of(make_network(bob, "10.7.0.0/24"))
        case "taken":
            shared = make_network(alice, "10.8.0.0/24")
            act(alice, make(alice, "router"), "add_router_interface", subnet_id=subnet_of(shared))
            wanted["subnet_id"] = subnet_of(shared)
    before = (Port.objects.count(), FixedIP.objects.count())
    _, found, message = refusal(act(alice, router, "add_router_interface", **wanted))
    assert (found, text in message) == (kind, True), message
    assert (Port.objects.count(), FixedIP.objects.count()) == before


def test_further_ipv6_subnets_of_a_network_share_an_interface(alice: Caller, network: Network) -> None:
    router = make(alice, "router")
    first, second = (add_subnet(alice, network, f"fd00:{number}::/64") for number in (1, 2))
    one = act(alice, router, "add_router_interface", subnet_id=first).json()
    two = act(alice, router, "add_router_interface", subnet_id=second).json()
    assert one["port_id"] == two["port_id"]
    assert act(alice, router, "remove_router_interface", subnet_id=first).json()["port_id"] == one["port_id"]
    assert [fixed.ip_address for fixed in FixedIP.objects.filter(port_id=one["port_id"])] == ["fd00:2::1"]
    missing = act(alice, router, "remove_router_interface", subnet_id=first)
    assert refusal(missing)[:2] == (404, "RouterInterfaceNotFoundForSubnet")


@pytest.mark.parametrize(
    ("info", "code", "text"),
    [
        ({"network_id": NOBODY}, 404, "could not be found"),
        ({"network_id": "own"}, 400, "is not an external network"),
        ({"enable_snat": True}, 400, "network_id"),
        ({"network_id": "public", "enable_snat": False}, 403, "enable_snat"),
        ({"network_id": "public", "external_fixed_ips": [{"ip_address": "198.18.3.9"}]}, 403, "external_fixed_ips"),
        ({"network_id": "public", "network": "x"}, 400, "unexpected"),
    ],
)
def test_refused_gateways(info: Any, code: int, text: str, alice: Caller, network: Network, public: Network) -> None:
    named = {"own": str(network.id), "public": str(public.id)}
    info = {
        **info,
        **({"network_id": named.get(info["network_id"], info["network_id"])} if "network_id" in info else {}),
    }
    response = alice.post("/routers", {"router": {"external_gateway_info": info}})
    assert (response.status_code, text in response.json()["NeutronError"]["message"]) == (code, True), response.json()
    assert not Router.objects.exists()


def test_administrators_choose_a_gateways_address(admin: Caller, alice: Caller, public: Network) -> None:
    router = make(
        admin, "router", **through(public, external_fixed_ips=[{"ip_address": "198.18.3.9"}], enable_snat=False)
    )
    gateway = router["external_gateway_info"]
    assert (gateway["external_fixed_ips"][0]["ip_address"], gateway["enable_snat"]) == ("198.18.3.9", False)
    path = f"/routers/{router['id']}"
    for ip, kind in (("198.18.3.1", "BadRequest"), ("198.18.9.9", "InvalidIpForNetwork")):
        values = through(public, external_fixed_ips=[{"ip_address": ip}])
        assert refusal(admin.put(path, {"router": values}))[:2] == (400, kind)
    moved = admin.put(path, {"router": through(public, external_fixed_ips=[{"ip_address": "198.18.3.10"}])}).json()
    gateway = moved["router"]["external_gateway_info"]
    assert (gateway["external_fixed_ips"][0]["ip_address"], gateway["enable_snat"]) == ("198.18.3.10", True)
    assert refusal(admin.put(f"/networks/{public.id}", {"network": {"router:external": False}}))[:2] == (
        409,
        "ExternalNetworkInUse",
    )
    assert alice.get(f"/networks/{public.id}").json()["network"]["router:external"] is True
    assert refusal(alice.post("/ports", {"port": {"network_id": str(public.id)}}))[0] == 403


def test_several_gateways_and_other_modes_are_refused_in_words(alice: Caller, public: Network) -> None:
    gateways = [{"network_id": str(public.id)}] * 2
    assert "one gateway" in refusal(alice.post("/routers", {"router": {"external_gateways": gateways}}))[2]
    path = f"/routers/{make(alice, 'router', distributed=False, ha=None)['id']}/add_external_gateways"
    code, _, message = refusal(alice.put(path, {"router": {"external_gateways": gateways}}))
    assert (code, "several gateways" in message) == (404, True)
    assert refusal(alice.post("/routers", {"router": {"ha": True}}))[0] == 400


def test_extra_routes(alice: Caller, network: Network) -> None:
    router = make(alice, "router")
    act(alice, router, "add_router_interface", subnet_id=subnet_of(network))
    first, second = ({"destination": f"10.{number}.0.0/16", "nexthop": "10.9.0.9"} for number in (20, 21))
    path = f"/routers/{router['id']}"
    assert alice.put(path, {"router": {"routes": [first]}}).json()["router"]["routes"] == [first]
    for _ in range(2):  # idempotent
        both = act(alice, router, "add_extraroutes", router={"routes": [second, first]}).json()["router"]["routes"]
        assert both == [first, second]
    needed = act(alice, router, "remove_router_interface", subnet_id=subnet_of(network))
    assert refusal(needed)[:2] == (409, "RouterInterfaceInUseByRoute")
    for _ in range(2):
        left = act(alice, router, "remove_extraroutes", router={"routes": [first]}).json()["router"]["routes"]
        assert left == [second]
    for routes, kind in (
        ([{"destination": "10.20.0.0/16", "nexthop": "10.99.0.1"}], "InvalidRoutes"),
        ([{"destination": "10.20.0.0/16", "nexthop": "10.9.0.1"}], "InvalidRoutes"),
        ([{"destination": "x", "nexthop": "10.9.0.9"}], "InvalidInput"),
        ([{"destination": "fd00::/64", "nexthop": "10.9.0.9"}], "InvalidInput"),
        ([{"destination": f"10.20.{number}.0/24", "nexthop": "10.9.0.9"} for number in range(31)], "RoutesExhausted"),
    ):
        assert refusal(alice.put(path, {"router": {"routes": routes}}))[:2] == (400, kind)
    assert alice.get(path).json()["router"]["routes"] == [second]
    assert alice.put(path, {"router": {"routes": None}}).json()["router"]["routes"] == []


def test_revisions_tags_and_lists(alice: Caller, bob: Caller, settings: Any) -> None:
    router = make(alice, "router", name="a")
    path = f"/routers/{router['id']}"
    stale = alice.call("put", path, {"router": {"name": "b"}}, headers={"If-Match": "revision_number=7"})
    assert refusal(stale)[0] == 412
    assert alice.put(f"{path}/tags/blue").status_code == 201
    make(alice, "router", name="c")
    assert [item["name"] for item in alice.get("/routers", tags="blue").json()["routers"]] == ["a"]
    assert [item["name"] for item in alice.get("/routers", sort_key="name", sort_dir="desc").json()["routers"]] == [
        "c",
        "a",
    ]
    assert bob.get("/routers").json()["routers"] == []
    assert refusal(bob.get(path))[:2] == (404, "RouterNotFound")
    settings.NETWORK_QUOTAS = {**settings.NETWORK_QUOTAS, "router": 2}
    assert refusal(alice.post("/routers", {"router": {}}))[:2] == (409, "OverQuota")


def test_a_gateway_address_that_a_router_has_stays(alice: Caller, network: Network) -> None:
    act(alice, make(alice, "router"), "add_router_interface", subnet_id=subnet_of(network))
    path = f"/subnets/{subnet_of(network)}"
    for gateway, code in (("10.9.0.1", 200), ("10.9.0.2", 409), (None, 409)):
        body = {"gateway_ip": gateway, "allocation_pools": [{"start": "10.9.0.10", "end": "10.9.0.99"}]}
        assert alice.put(path, {"subnet": body}).status_code == code


@pytest.mark.parametrize(
    ("values", "code", "text"),
    [
        ({"type": "flat", "net": "public"}, 201, "flat"),
        ({"type": "vlan", "net": "public", "tag": 7}, 201, "vlan"),
        ({"type": "geneve"}, 201, "geneve"),
        ({}, 201, "geneve"),
        ({"type": "gre"}, 400, "geneve, flat, vlan, local"),
        ({"type": "vxlan"}, 400, "geneve, flat, vlan, local"),
        ({"type": "flat"}, 400, "physical_network"),
        ({"type": "flat", "net": "other"}, 400, "unknown"),
        ({"type": "vlan", "net": "public"}, 400, "4094"),
        ({"type": "vlan", "net": "public", "tag": 0}, 400, "4094"),
        ({"net": "public"}, 400, "physical_network"),
        ({"tag": 5}, 400, "segmentation_id"),
    ],
)  # fmt: skip
def test_provider_networks(values: dict[str, Any], code: int, text: str, admin: Caller, alice: Caller) -> None:
    names = {"type": "network_type", "net": "physical_network", "tag": "segmentation_id"}
    wanted = {f"provider:{names[key]}": value for key, value in values.items()}
    response = admin.post("/networks", {"network": wanted})
    assert (response.status_code, text in response.content.decode()) == (code, True), response.content
    if code == 201 and values:
        assert refusal(alice.post("/networks", {"network": wanted}))[0] == 403
        assert response.json()["network"]["provider:segmentation_id"] == values.get("tag")
        again = admin.post("/networks", {"network": wanted})
        assert again.status_code == (409 if "net" in values else 201)

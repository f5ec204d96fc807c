"""Subnet pools and address scopes over HTTP: ranges given out and taken back, and what Neutron answers otherwise."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.networking.models import Network, SubnetPool
from tests.callers import Caller
from tests.unit.networking.dialogue import make, refusal

NOBODY = "00000000-0000-0000-0000-000000000001"


def pool(who: Caller, *prefixes: str, **values: Any) -> Any:
    return make(who, "subnetpool", name="p", prefixes=list(prefixes), **values)


def scope(who: Caller, version: int = 4, **values: Any) -> Any:
    made = who.post("/address-scopes", {"address_scope": {"name": "s", "ip_version": version, **values}})
    assert made.status_code == 201, made.content
    return made.json()["address_scope"]


def subnet(who: Caller, network: Network, **values: Any) -> Any:
    return who.post("/subnets", {"subnet": {"network_id": str(network.id), **values}})


def cidr(response: Any) -> str:
    assert response.status_code == 201, response.content
    return str(response.json()["subnet"]["cidr"])


@pytest.fixture
def bare(alice: Caller, make_network: Callable[..., Network]) -> Network:
    return make_network(alice, None)


def test_life_of_a_pool(alice: Caller, bob: Caller) -> None:
    made = pool(alice, "10.1.0.0/16", "10.0.0.0/16", default_prefixlen=24)
    assert made["prefixes"] == ["10.0.0.0/15"]  # one range, as Neutron keeps them
    assert (made["ip_version"], made["min_prefixlen"], made["max_prefixlen"], made["default_prefixlen"]) == (
        4, "8", "32", "24",
    )  # fmt: skip
    assert (made["shared"], made["is_default"], made["default_quota"], made["tags"]) == (False, False, None, [])
    path = f"/subnetpools/{made['id']}"
    assert refusal(bob.get(path))[:2] == (404, "SubnetPoolNotFound")
    assert bob.get("/subnetpools").json()["subnetpools"] == []
    changed = alice.put(path, {"subnetpool": {"name": "q", "prefixes": ["10.0.0.0/14"]}}).json()["subnetpool"]
    assert (changed["name"], changed["prefixes"], changed["revision_number"]) == ("q", ["10.0.0.0/14"], 2)
    assert refusal(alice.put(path, {"subnetpool": {"prefixes": ["10.0.0.0/16"]}}))[1] == "IllegalSubnetPoolPrefixUpdate"
    assert alice.put(f"{path}/tags", {"tags": ["t"]}).json() == {"tags": ["t"]}
    assert [row["id"] for row in alice.get("/subnetpools", tags="t", ip_version="4").json()["subnetpools"]] == [
        made["id"]
    ]
    assert alice.delete(path).status_code == 204
    assert not SubnetPool.objects.exists()


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"prefixes": []}, "EmptySubnetPoolPrefixList"),
        ({"prefixes": ["10.0.0.0/8", "2001:db8::/32"]}, "PrefixVersionMismatch"),
        ({"prefixes": ["10.0.0.0/33"]}, "InvalidInput"),
        ({"prefixes": ["10.0.0.0"]}, "InvalidInput"),
        ({"prefixes": ["169.254.0.0/16"]}, "InvalidInput"),
        ({"prefixes": ["10.0.0.0/8"], "min_prefixlen": 25, "max_prefixlen": 24}, "IllegalSubnetPoolPrefixBounds"),
        ({"prefixes": ["10.0.0.0/8"], "max_prefixlen": 33}, "IllegalSubnetPoolPrefixBounds"),
        ({"prefixes": ["10.0.0.0/8"], "default_prefixlen": 7}, "IllegalSubnetPoolPrefixBounds"),
        ({"prefixes": ["10.0.0.0/8"], "max_prefixlen": 24, "default_prefixlen": 25}, "IllegalSubnetPoolPrefixBounds"),
        ({"prefixes": ["10.0.0.0/8"], "min_prefixlen": -1}, "BadRequest"),
        ({"prefixes": ["10.0.0.0/8"], "what": 1}, "BadRequest"),
        ({}, "BadRequest"),
    ],
)
def test_pools_that_cannot_be(alice: Caller, values: dict[str, Any], kind: str) -> None:
    assert refusal(alice.post("/subnetpools", {"subnetpool": {"name": "p", **values}}))[:2] == (400, kind)
    assert not SubnetPool.objects.exists()


def test_ranges_are_given_and_taken_back(alice: Caller, make_network: Callable[..., Network]) -> None:
    ours = pool(alice, "10.0.0.0/22", default_prefixlen=24)
    networks = [make_network(alice, None) for _ in range(5)]
    wanted = {"subnetpool_id": ours["id"], "ip_version": 4}
    first = subnet(alice, networks[0], **wanted)
    assert (cidr(first), first.json()["subnet"]["subnetpool_id"]) == ("10.0.0.0/24", ours["id"])
    assert first.json()["subnet"]["gateway_ip"] == "10.0.0.1"
    assert cidr(subnet(alice, networks[1], **wanted, cidr="10.0.2.0/24")) == "10.0.2.0/24"
    assert cidr(subnet(alice, networks[2], **wanted, prefixlen=25)) == "10.0.1.0/25"
    assert cidr(subnet(alice, networks[3], **wanted)) == "10.0.3.0/24"
    full = subnet(alice, networks[4], **wanted)
    assert refusal(full) == (
        409, "SubnetAllocationError",
        "Failed to allocate subnet: Insufficient prefix space to allocate subnet size /24.",
    )  # fmt: skip
    for taken in ("10.0.2.0/24", "10.0.2.128/25", "10.9.0.0/24"):
        assert refusal(subnet(alice, networks[4], **wanted, cidr=taken))[:2] == (409, "SubnetAllocationError")
    assert refusal(alice.delete(f"/subnetpools/{ours['id']}"))[:2] == (400, "SubnetPoolDeleteError")
    assert alice.delete(f"/subnets/{first.json()['subnet']['id']}").status_code == 204
    assert cidr(subnet(alice, networks[4], subnetpool_id=ours["id"])) == "10.0.0.0/24"
    assert alice.delete(f"/networks/{networks[1].id}").status_code == 204  # gives its range back too
    assert cidr(subnet(alice, networks[0], **wanted)) == "10.0.2.0/24"
    listed = alice.get("/subnets", subnetpool_id=ours["id"]).json()["subnets"]
    assert len(listed) == 4


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, "BadRequest"),
        ({"prefixlen": 24}, "BadRequest"),
        ({"cidr": "10.0.0.0/24", "prefixlen": 24}, "BadRequest"),
        ({"use_default_subnetpool": True, "ip_version": 4}, "BadRequest"),
        ({"use_default_subnetpool": True}, "BadRequest"),
        ({"subnetpool_id": "own", "use_default_subnetpool": True}, "BadRequest"),
        ({"subnetpool_id": "own", "ip_version": 6}, "BadRequest"),
        ({"subnetpool_id": "own", "prefixlen": 27}, "MaxPrefixSubnetAllocationError"),
        ({"subnetpool_id": "own", "prefixlen": 17}, "MinPrefixSubnetAllocationError"),
        ({"subnetpool_id": "own", "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.9"}]}, "BadRequest"),
        ({"subnetpool_id": "prefix_delegation", "ip_version": 6}, "BadRequest"),
        ({"subnetpool_id": "x"}, "BadRequest"),
        ({"subnetpool_id": NOBODY}, "SubnetPoolNotFound"),
    ],
)
def test_subnets_that_no_pool_gives(alice: Caller, bare: Network, values: dict[str, Any], kind: str) -> None:
    if values.get("subnetpool_id") == "own":
        own = pool(alice, "10.0.0.0/16", min_prefixlen=18, default_prefixlen=24, max_prefixlen=26)
        values = {**values, "subnetpool_id": own["id"]}
    status = 404 if kind == "SubnetPoolNotFound" else 400
    assert refusal(subnet(alice, bare, **values))[:2] == (status, kind)
    assert not bare.subnets.exists()


def test_default_pools(alice: Caller, admin: Caller, bare: Network) -> None:
    assert (
        alice.post("/subnetpools", {"subnetpool": {"prefixes": ["10.0.0.0/8"], "is_default": True}}).status_code == 403
    )
    assert alice.post("/subnetpools", {"subnetpool": {"prefixes": ["10.0.0.0/8"], "shared": True}}).status_code == 403
    usual = pool(admin, "10.4.0.0/16", default_prefixlen=26, is_default=True, shared=True)
    second = admin.post("/subnetpools", {"subnetpool": {"prefixes": ["10.5.0.0/16"], "is_default": True}})
    assert refusal(second)[:2] == (400, "InvalidInput")
    pool(admin, "2001:db8::/48", is_default=True, shared=True)
    assert cidr(subnet(alice, bare, use_default_subnetpool=True, ip_version=4)) == "10.4.0.0/26"
    assert cidr(subnet(alice, bare, use_default_subnetpool=True, ip_version=6)) == "2001:db8::/64"
    assert alice.get(f"/subnetpools/{usual['id']}").json()["subnetpool"]["shared"] is True
    assert alice.put(f"/subnetpools/{usual['id']}", {"subnetpool": {"name": "x"}}).status_code == 403


def test_a_pool_limits_each_project(
    alice: Caller, bob: Caller, admin: Caller, make_network: Callable[..., Network]
) -> None:
    common = pool(admin, "10.0.0.0/16", default_prefixlen=25, default_quota=256, shared=True)
    wanted = {"subnetpool_id": common["id"]}
    for who in (alice, bob):
        cidr(subnet(who, make_network(who, None), **wanted))
        cidr(subnet(who, make_network(who, None), **wanted))
        more = subnet(who, make_network(who, None), **wanted, prefixlen=32, enable_dhcp=False)
        assert refusal(more)[:2] == (409, "SubnetPoolQuotaExceeded")


def test_one_pool_for_each_network(alice: Caller, bare: Network) -> None:
    first, second = pool(alice, "10.0.0.0/16", default_prefixlen=24), pool(alice, "10.1.0.0/16", default_prefixlen=24)
    cidr(subnet(alice, bare, subnetpool_id=first["id"]))
    for values in ({"subnetpool_id": second["id"]}, {"cidr": "10.7.0.0/24", "ip_version": 4}):
        assert refusal(subnet(alice, bare, **values))[:2] == (400, "NetworkSubnetPoolAffinityError")
    assert cidr(subnet(alice, bare, cidr="2001:db8::/64", ip_version=6)) == "2001:db8::/64"


def test_prefixes_one_by_one(alice: Caller, bob: Caller, bare: Network) -> None:
    ours = pool(alice, "10.0.0.0/24", default_prefixlen=25)
    path = f"/subnetpools/{ours['id']}"
    assert bob.put(f"{path}/add_prefixes", {"prefixes": ["10.0.1.0/24"]}).status_code == 404
    added = alice.put(f"{path}/add_prefixes", {"prefixes": ["10.0.1.0/24", "10.0.9.0/24"]})
    assert added.json() == {"prefixes": ["10.0.0.0/23", "10.0.9.0/24"]}
    cidr(subnet(alice, bare, subnetpool_id=ours["id"]))
    used = alice.put(f"{path}/remove_prefixes", {"prefixes": ["10.0.0.0/26"]})
    assert refusal(used)[:2] == (400, "IllegalSubnetPoolPrefixUpdate")
    removed = alice.put(f"{path}/remove_prefixes", {"prefixes": ["10.0.1.0/24", "10.0.9.0/25"]})
    assert removed.json() == {"prefixes": ["10.0.0.0/24", "10.0.9.128/25"]}
    mixed = alice.put(f"{path}/add_prefixes", {"prefixes": ["2001:db8::/48"]})
    assert refusal(mixed)[:2] == (400, "PrefixVersionMismatch")


def test_a_pool_takes_a_network_in(
    alice: Caller, bob: Caller, admin: Caller, network: Network, make_network: Callable[..., Network]
) -> None:
    ours = pool(alice, "10.0.0.0/24", default_prefixlen=24)
    path = f"/subnetpools/{ours['id']}/onboard_network_subnets"
    shared = make_network(admin, "10.77.0.0/24", shared=True)
    assert alice.put(path, {"network_id": str(shared.id)}).status_code == 403
    assert refusal(alice.put(path, {"network_id": NOBODY}))[1] == "NetworkNotFound"
    assert alice.put(path, {"network_id": str(network.id)}).json() == [
        {"id": str(network.subnets.get().id), "cidr": "10.9.0.0/24"}
    ]
    assert alice.get(f"/subnetpools/{ours['id']}").json()["subnetpool"]["prefixes"] == ["10.0.0.0/24", "10.9.0.0/24"]
    twin = make_network(alice, "10.9.0.0/25")
    assert refusal(alice.put(path, {"network_id": str(twin.id)}))[:2] == (400, "IllegalSubnetPoolUpdate")
    assert cidr(subnet(alice, network, subnetpool_id=ours["id"])) == "10.0.0.0/24"


def test_a_pool_takes_nothing_out_of_another(
    alice: Caller, admin: Caller, make_network: Callable[..., Network]
) -> None:
    common = pool(admin, "10.0.0.0/16", default_prefixlen=24, shared=True)
    held = subnet(alice, make_network(alice, None), subnetpool_id=common["id"]).json()["subnet"]
    ours = pool(alice, "10.8.0.0/24", default_prefixlen=24)
    path = f"/subnetpools/{ours['id']}/onboard_network_subnets"
    code, kind, text = refusal(alice.put(path, {"network_id": held["network_id"]}))
    assert (code, kind, "another subnet pool" in text) == (400, "IllegalSubnetPoolUpdate", True)
    assert alice.get(f"/subnets/{held['id']}").json()["subnet"]["subnetpool_id"] == common["id"]
    assert alice.get(f"/subnetpools/{ours['id']}").json()["subnetpool"]["prefixes"] == ["10.8.0.0/24"]


def test_address_scopes(alice: Caller, bob: Caller, admin: Caller, bare: Network) -> None:
    assert alice.post("/address-scopes", {"address_scope": {"ip_version": 4, "shared": True}}).status_code == 403
    ours = scope(alice)
    path = f"/address-scopes/{ours['id']}"
    assert set(ours) == {"id", "project_id", "tenant_id", "name", "ip_version", "shared"}
    assert refusal(bob.get(path))[:2] == (404, "AddressScopeNotFound")
    first = pool(alice, "10.0.0.0/16", default_prefixlen=24, address_scope_id=ours["id"])
    for prefixes, version, kind in (
        (["10.0.1.0/24"], 4, (409, "AddressScopePrefixConflict")),
        (["2001:db8::/48"], 6, (400, "IllegalSubnetPoolIpVersionAssociationToAddressScope")),
    ):
        values = {"prefixes": prefixes, "address_scope_id": ours["id"]}
        assert refusal(alice.post("/subnetpools", {"subnetpool": values}))[:2] == kind, version
    foreign = {"prefixes": ["10.3.0.0/16"], "address_scope_id": ours["id"]}
    assert refusal(bob.post("/subnetpools", {"subnetpool": foreign}))[:2] == (404, "AddressScopeNotFound")
    second = pool(alice, "10.1.0.0/16", default_prefixlen=24, address_scope_id=ours["id"])
    grown = alice.put(f"/subnetpools/{second['id']}/add_prefixes", {"prefixes": ["10.0.128.0/17"]})
    assert refusal(grown)[:2] == (409, "AddressScopePrefixConflict")
    cidr(subnet(alice, bare, subnetpool_id=first["id"]))
    cidr(subnet(alice, bare, subnetpool_id=second["id"]))  # of one scope: both may be on a network
    assert alice.get(f"/networks/{bare.id}").json()["network"]["ipv4_address_scope"] == ours["id"]
    moved = alice.put(f"/subnetpools/{second['id']}", {"subnetpool": {"address_scope_id": scope(alice)["id"]}})
    assert refusal(moved)[:2] == (400, "NetworkAddressScopeAffinityError")
    assert refusal(alice.delete(path))[:2] == (409, "AddressScopeInUse")
    open_to_all = scope(admin, shared=True)
    closed = admin.put(f"/address-scopes/{open_to_all['id']}", {"address_scope": {"shared": False}})
    assert refusal(closed)[:2] == (400, "AddressScopeUpdateError")
    theirs = pool(bob, "10.8.0.0/16", address_scope_id=open_to_all["id"])
    stuck = bob.put(f"/subnetpools/{theirs['id']}", {"subnetpool": {"name": "x"}})
    assert refusal(stuck)[:2] == (400, "IllegalSubnetPoolUpdate")
    assert alice.put(path, {"address_scope": {"name": "t"}}).json()["address_scope"]["name"] == "t"


def test_a_router_keeps_to_one_address_scope(alice: Caller, make_network: Callable[..., Network]) -> None:
    """Its routes would lead from scope to scope: refused in words, by subnet, by port and by moving a pool."""
    scopes = [scope(alice), scope(alice)]
    pools = [
        pool(alice, f"10.{index}.0.0/16", default_prefixlen=24, address_scope_id=found["id"])
        for index, found in enumerate(scopes)
    ]
    networks = [make_network(alice, None) for _ in range(4)]
    rows = [
        subnet(alice, networks[index], subnetpool_id=pools[which]["id"]).json()["subnet"]
        for index, which in enumerate((0, 0, 1))
    ]
    plain = subnet(alice, networks[3], cidr="10.99.0.0/24", ip_version=4).json()["subnet"]
    router = make(alice, "router")

    def add(**values: Any) -> Any:
        return alice.put(f"/routers/{router['id']}/add_router_interface", values)

    assert add(subnet_id=rows[0]["id"]).status_code == add(subnet_id=rows[1]["id"]).status_code == 200
    port = make(alice, "port", network_id=rows[2]["network_id"])
    for values in ({"subnet_id": rows[2]["id"]}, {"port_id": port["id"]}, {"subnet_id": plain["id"]}):
        code, kind, text = refusal(add(**values))
        assert (code, kind, "different address scopes" in text) == (400, "BadRequest", True)
    other = make(alice, "router")
    for row in (rows[2], plain):
        router = other if row is rows[2] else make(alice, "router")
        assert add(subnet_id=row["id"]).status_code == 200
    onboarded = alice.put(f"/subnetpools/{pools[1]['id']}/onboard_network_subnets", {"network_id": str(networks[3].id)})
    assert onboarded.status_code == 200  # alone on its router
    assert add(subnet_id=rows[0]["id"]).status_code == 400

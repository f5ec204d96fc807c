"""The network worker and routers: what their rows say reaches the engine, and nothing else stays there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from apps.networking import exceptions
from apps.networking.models import FloatingIP, Network, Router, Subnet
from apps.networking.services import bindings, floating_ips, networks, ports, router_interfaces, routers, subnets
from deploy.ovn import settings
from tests.callers import Caller
from tests.unit.network.test_worker import (  # noqa: F401 (fixtures)
    add_subnet,
    alice,
    allocate,
    cloud,
    deliver,
    engine,
    healthy,
    lines,
    network,
    writer,
)
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import HOST_ALONE
from workers.mapping import networks as mapping
from workers.mapping import routing

Deliver = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def public(db: None, deliver: Deliver) -> Network:  # noqa: F811
    admin = Caller("/network/v2.0", admin=True)
    values = {"external": True, "network_type": "vlan", "physical_network": "public", "segmentation_id": 7}
    made: Network = deliver(lambda: networks.create(context=admin.context, values=values))
    deliver(lambda: add_subnet(admin, made, "198.18.3.0/24"))
    return made


def record(tmp_path: Path, kind: str, row: Any) -> dict[str, Any]:
    path = tmp_path / "simulated" / "network" / kind / f"{row.id}.json"
    return dict(json.loads(path.read_text()))


def test_from_rows_to_the_engine(
    alice: Caller, network: Network, public: Network, engine: NetworkEngine, deliver: Deliver, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    context, subnet = alice.context, network.subnets.get()
    external = record(tmp_path, "networks", public)
    assert (external["physical_network"], external["vlan"]) == ("public", 7)
    info = {"network_id": public.id}
    router: Router = deliver(lambda: routers.create(context=context, values={"external_gateway_info": info}))
    deliver(lambda: router_interfaces.add_subnet(context=context, router=router, subnet_id=subnet.id))
    routes = [{"destination": "10.20.0.0/16", "nexthop": "10.9.0.9"}]
    deliver(lambda: routers.update(context=context, router=router, values={"routes": routes}))
    written = record(tmp_path, "routers", router)
    assert [foot["addresses"] for foot in written["interfaces"]] == [["10.9.0.1/24"]]
    assert (written["gateway"]["next_hops"], written["gateway"]["snat"]) == (["198.18.3.1"], True)
    assert written["routes"] == routes
    assert healthy(engine)

    server = uuid.uuid4()
    (port,) = deliver(lambda: allocate(alice, network, server))
    values = {"floating_network_id": public.id, "port_id": port.id}
    led: FloatingIP = deliver(lambda: floating_ips.create(context=context, values=values))
    assert record(tmp_path, "floating_ips", led)["fixed_ip"] == port.ips[0]
    assert healthy(engine)
    deliver(lambda: bindings.release_for_server(server_id=server))
    assert engine.l3.list_floating_ips() == set()

    outside = public.subnets.get()
    pools = [{"start": "198.18.3.9", "end": "198.18.3.99"}]
    deliver(lambda: subnets.update(subnet=outside, values={"gateway_ip": "198.18.3.254", "allocation_pools": pools}))
    assert record(tmp_path, "routers", router)["gateway"]["next_hops"] == ["198.18.3.254"]
    assert healthy(engine)
    nothing = {"routes": [], "external_gateway_info": None}
    deliver(lambda: routers.update(context=context, router=router, values=nothing))
    assert record(tmp_path, "routers", router)["gateway"] is None
    deliver(lambda: router_interfaces.remove(router=router, subnet_id=subnet.id))
    assert record(tmp_path, "routers", router)["interfaces"] == []
    deliver(lambda: routers.delete(router=router))
    assert engine.l3.list_routers() == set()
    assert healthy(engine)


def test_a_move_to_another_router(
    alice: Caller, network: Network, public: Network, engine: NetworkEngine, deliver: Deliver, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    context, info = alice.context, {"network_id": public.id}
    other: Network = deliver(lambda: networks.create(context=context, values={"name": "other"}))
    deliver(lambda: add_subnet(alice, other, "10.10.0.0/24"))
    pairs = []
    for place in (network, other):
        router = deliver(lambda: routers.create(context=context, values={"external_gateway_info": info}))
        wanted = {"context": context, "router": router, "subnet_id": place.subnets.get().id}
        deliver(partial(router_interfaces.add_subnet, **wanted))
        (port,) = deliver(partial(allocate, alice, place, uuid.uuid4()))
        pairs.append((router, port))
    values = {"floating_network_id": public.id, "port_id": pairs[0][1].id}
    led = deliver(lambda: floating_ips.create(context=context, values=values))
    deliver(lambda: floating_ips.update(context=context, floating_ip=led, values={"port_id": pairs[1][1].id}))
    assert record(tmp_path, "floating_ips", led)["router_id"] == str(pairs[1][0].id)
    assert healthy(engine)


def test_a_local_network_leads_nowhere(engine: NetworkEngine, deliver: Deliver, tmp_path: Path) -> None:  # noqa: F811
    """OVN's tunnels span hosts; a network that leads to a physical one uses none. Hosts map this one to a dead end."""
    values = {"network_type": "local"}
    own: Network = deliver(lambda: networks.create(context=Caller("/network/v2.0", admin=True).context, values=values))
    assert record(tmp_path, "networks", own)["physical_network"] == HOST_ALONE == settings.LOCAL
    assert healthy(engine)


@pytest.mark.parametrize("outer", [False, True])
def test_networks_that_are_down_carry_nothing(
    outer: bool, alice: Caller, network: Network, public: Network, engine: NetworkEngine, deliver: Deliver,  # noqa: F811
    tmp_path: Path,
) -> None:  # fmt: skip
    """Neither do their routers' feet there."""
    info = {"network_id": public.id}
    router: Router = deliver(lambda: routers.create(context=alice.context, values={"external_gateway_info": info}))
    subnet_id = network.subnets.get().id
    deliver(lambda: router_interfaces.add_subnet(context=alice.context, router=router, subnet_id=subnet_id))
    admin, of = Caller("/network/v2.0", admin=True).context, public if outer else network
    for is_up in (False, True):
        deliver(lambda up=is_up: networks.update(context=admin, network=of, values={"admin_state_up": up}))
        written = record(tmp_path, "routers", router)
        assert record(tmp_path, "networks", of)["admin_up"] is is_up
        assert written["gateway"]["interface"]["admin_up"] is (is_up or not outer)
        assert written["interfaces"][0]["admin_up"] is (is_up or outer)
        assert healthy(engine)


def test_ipv6_of_a_subnet_reaches_engine_and_hosts(
    alice: Caller, network: Network, engine: NetworkEngine, deliver: Deliver, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    """The router advertises, DHCPv6 serves, and the hosts of the network's guests admit the router's MAC."""
    servers = ["10.0.0.53", "fd00:9::53"]
    modes = dict.fromkeys(("ipv6_ra_mode", "ipv6_address_mode"), "dhcpv6-stateful")
    values = {"network_id": network.id, "cidr": "fd00:9::/64", "ip_version": 6, "dns_nameservers": servers, **modes}
    six = deliver(lambda: subnets.create(context=alice.context, network=network, values=values))
    router: Router = deliver(lambda: routers.create(context=alice.context, values={}))
    for subnet in Subnet.objects.filter(network=network):
        wanted = {"context": alice.context, "router": router, "subnet_id": subnet.id}
        deliver(partial(router_interfaces.add_subnet, **wanted))
    feet = record(tmp_path, "routers", router)["interfaces"]
    advertised = {tuple(foot["addresses"]): foot["advertisement"] for foot in feet}
    said = {"mode": "dhcpv6-stateful", "mtu": network.mtu, "name_server": "fd00:9::53"}
    assert advertised == {("10.9.0.1/24",): None, ("fd00:9::1/64",): said}
    described = {item["cidr"]: item["address_mode"] for item in record(tmp_path, "networks", network)["subnets"]}
    assert described == {"10.9.0.0/24": None, "fd00:9::/64": "dhcpv6-stateful"}
    server = uuid.uuid4()
    deliver(lambda: allocate(alice, network, server))
    (port,) = mapping.ports_of(server)
    (mac,) = six.fixed_ips.filter(port__device_id=str(router.id)).values_list("port__mac_address", flat=True)
    assert port.routers == (mac,)
    values = {"fixed_ips": [{"subnet_id": six.id}]}  # as a project could whom the network is shared with
    other = ports.create(context=alice.context, network=network, values=values)
    stranger: Router = deliver(lambda: routers.create(context=alice.context, values={}))
    deliver(lambda: router_interfaces.add_port(context=alice.context, router=stranger, port_id=other.id))
    assert [foot["advertisement"] for foot in record(tmp_path, "routers", stranger)["interfaces"]] == [None]
    assert mapping.ports_of(server)[0].routers == (mac,)
    with pytest.raises(exceptions.InvalidInput, match="Cannot disable enable_dhcp"):
        subnets.update(subnet=six, values={"enable_dhcp": False})
    assert healthy(engine)


def test_gateways_are_spread_and_stay() -> None:
    hosts, keys = [f"host-{number}" for number in range(8)], [uuid.UUID(int=number) for number in range(200)]
    first = {key: routing.gateway_hosts(key, hosts) for key in keys}
    assert {chosen[0] for chosen in first.values()} == set(hosts)
    assert all(len(set(chosen)) == routing.MAX_GATEWAY_HOSTS for chosen in first.values())
    fewer = {key: routing.gateway_hosts(key, hosts[:-1]) for key in keys}
    assert all(fewer[key] == first[key] for key in keys if hosts[-1] not in first[key])

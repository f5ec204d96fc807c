"""Northbound rows of specs, word for word: a tenant's text never becomes part of OVN's match language."""

from __future__ import annotations

import dataclasses
import re

import pytest

from tests.unit.drivers import engine_contract, samples
from workers.drivers.errors import SpecInvalid
from workers.drivers.network.base import AddressMode, FixedIP, HostRoute, SubnetSpec
from workers.drivers.network.base.l2 import AddressPair, NetworkSpec, PortSpec
from workers.drivers.network.base.l3 import Advertisement, RouterInterface, RouterSpec
from workers.drivers.network.ovn import dhcp, localports, ports, routers, switches
from workers.drivers.network.ovn.rows import Row
from workers.drivers.network.ovn.wire import Ref

HOSTILE = (
    'vm"1',
    "vm1\n",
    "vm1; drop;",
    'x"); next; (',
    "a b",
    "a,b",
    "{a}",
    "$pg",
    "@pg",
    "vm:1",
    "é",
    "a" * 64,
    "-a",
    "",
    "a..b",
    "a\0",
)


def rows_by_table(rows: list[Row]) -> dict[str, Row]:
    return {row.table: row for row in rows}


def test_a_subnet() -> None:
    network = engine_contract.network(70, domain="example.test", mtu=1400)
    routes = (HostRoute("10.9.0.0/16", "10.77.70.2"),)
    subnet = dataclasses.replace(
        network.subnets[0], host_routes=routes, dns_nameservers=("10.0.0.53", "fd00::53", "10.0.0.54")
    )
    (row,) = dhcp.rows(dataclasses.replace(network, subnets=(subnet,)), ["198.18.0.53"])
    assert row.uuid == subnet.id
    assert row.columns["cidr"] == "10.77.70.0/24"
    assert row.columns["options"] == {
        "lease_time": "86400",
        "mtu": "1400",
        "server_id": "10.77.70.1",
        "server_mac": dhcp.gateway_mac(network.id),
        "router": "10.77.70.1",
        "dns_server": "{10.0.0.53, 10.0.0.54}",
        "classless_static_route": "{10.9.0.0/16,10.77.70.2, 169.254.169.254/32,0.0.0.0, 0.0.0.0/0,10.77.70.1}",
        "ms_classless_static_route": "{10.9.0.0/16,10.77.70.2, 169.254.169.254/32,0.0.0.0, 0.0.0.0/0,10.77.70.1}",
        "domain_name": '"example.test"',
    }


def test_a_subnet_without_gateway_and_name_servers() -> None:
    network = engine_contract.network(70)
    bare = dataclasses.replace(network.subnets[0], gateway_ip=None, dhcp_ip="10.77.70.2", dns_nameservers=())
    (row,) = dhcp.rows(dataclasses.replace(network, subnets=(bare,)), ["198.18.0.53"])
    options = row.columns["options"]
    assert isinstance(options, dict)
    assert "router" not in options
    assert (options["server_id"], options["dns_server"]) == ("10.77.70.2", "{198.18.0.53}")
    assert options["classless_static_route"] == "{169.254.169.254/32,0.0.0.0}"
    reached = dataclasses.replace(network, subnets=(dataclasses.replace(bare, metadata_ip="10.77.70.4"),))
    (row,) = dhcp.rows(reached, [])
    assert dict(row.columns["options"])["classless_static_route"] == "{169.254.169.254/32,10.77.70.4}"  # type: ignore[arg-type]
    port = localports.row(reached)
    assert port.columns["addresses"] == f"{localports.mac(network.id)} 10.77.70.4 169.254.169.254 fe80::a9fe:a9fe"
    own = (HostRoute("169.254.169.254/32", "10.77.70.3"),)
    (row,) = dhcp.rows(dataclasses.replace(network, subnets=(dataclasses.replace(bare, host_routes=own),)), [])
    assert dict(row.columns["options"])["classless_static_route"] == "{169.254.169.254/32,10.77.70.3}"  # type: ignore[arg-type]
    silent = dataclasses.replace(bare, dhcp_ip=None)
    assert dhcp.rows(dataclasses.replace(network, subnets=(silent,)), []) == []


def test_a_subnet_of_ipv6() -> None:
    """DHCPv6 serves what the mode says; a guest that makes its address of the prefix needs none."""
    modes: dict[AddressMode | None, dict[str, str]] = {
        "dhcpv6-stateful": {},
        "dhcpv6-stateless": {"dhcpv6_stateless": "true"},
    }
    for mode, own in modes.items():
        network, port = six(mode)
        (row,) = dhcp.rows(network, ["198.18.0.53", "fd00::54"])
        common = {"server_id": dhcp.gateway_mac(network.id), "dns_server": "{fd00::53}"}
        assert row.columns["options"] == {**common, **own, "domain_search": '"example.test"'}
        columns = rows_by_table(ports.rows(network, port))["Logical_Switch_Port"].columns
        assert (columns["dhcpv4_options"], columns["dhcpv6_options"]) == (frozenset(), Ref(network.subnets[0].id))
    for mode in ("slaac", None):
        network, port = six(mode)
        assert dhcp.rows(network, []) == []
        (made,) = [row for row in ports.rows(network, port) if row.table == "Logical_Switch_Port"]
        assert made.columns["dhcpv6_options"] == frozenset()
    network, _ = six("dhcpv6-stateful")
    silent = dataclasses.replace(network.subnets[0], dhcp_enabled=False)
    assert dhcp.rows(dataclasses.replace(network, subnets=(silent,)), []) == []


def six(mode: AddressMode | None) -> tuple[NetworkSpec, PortSpec]:
    """A network of IPv6 with a port."""
    subnet = SubnetSpec(samples.new_id(), "fd00:7::/64", "fd00:7::1", dns_nameservers=("10.0.0.53", "fd00::53"))
    network = NetworkSpec(
        samples.new_id(), subnets=(dataclasses.replace(subnet, address_mode=mode),), domain="example.test"
    )
    fixed = (FixedIP(subnet.id, "fd00:7::10"),)
    return network, dataclasses.replace(engine_contract.port(engine_contract.network(70)), fixed_ips=fixed)


def test_an_advertisement() -> None:
    network, _ = six("slaac")
    told = Advertisement("dhcpv6-stateful", 1000, "fd00::53")
    foot = RouterInterface(samples.new_id(), network.id, "fa:16:3e:00:00:01", ("fd00:7::1/64",), told)
    for item, configs in (
        (foot, {"address_mode": "dhcpv6_stateful", "send_periodic": "true", "mtu": "1280", "rdnss": "fd00::53"}),
        (dataclasses.replace(foot, advertisement=None), {}),
    ):
        rows = rows_by_table(routers.rows(RouterSpec(samples.new_id(), (item,))))
        assert rows["Logical_Router_Port"].columns["ipv6_ra_configs"] == configs
    for mode, server in (("dhcpv6", None), ("slaac", "10.0.0.53"), ("slaac", "fd00::53; x")):
        with pytest.raises(SpecInvalid):
            Advertisement(mode, 1400, server)  # type: ignore[arg-type]
    with pytest.raises(SpecInvalid):
        SubnetSpec(samples.new_id(), "10.0.0.0/24", address_mode="slaac")


def test_a_port() -> None:
    network = engine_contract.network(71, domain="Example.test")
    pairs = (AddressPair("10.77.71.99/32"), AddressPair("10.50.0.0/16", "fa:16:3e:00:00:99"))
    port = engine_contract.port(network, 10, hostname="Web", host="host-1", address_pairs=pairs)
    rows = rows_by_table(ports.rows(network, port))
    columns = rows["Logical_Switch_Port"].columns
    assert columns["addresses"] == {f"{port.mac} 10.77.71.10", "fa:16:3e:00:00:99"}
    assert columns["port_security"] == {f"{port.mac} 10.77.71.10 10.77.71.99", "fa:16:3e:00:00:99 10.50.0.0/16"}
    assert columns["options"] == {"requested-chassis": "host-1", "hostname": '"Web"'}
    assert rows["DNS"].columns["records"] == {
        "web": "10.77.71.10",
        "web.example.test": "10.77.71.10",
        "10.71.77.10.in-addr.arpa": "web.example.test",
    }


def test_a_guarded_port_without_addresses_may_send_from_none() -> None:
    """A MAC alone, in OVN's port security, admits every address."""
    network = engine_contract.network(71)
    bare = engine_contract.port(network, fixed_ips=())
    (own,) = ports.rows(network, bare)
    assert own.columns["port_security"] == {f"{bare.mac} 255.255.255.255"}
    pairs = (AddressPair("10.50.0.0/16", "fa:16:3e:00:00:99"),)
    (own,) = ports.rows(network, dataclasses.replace(bare, address_pairs=pairs))
    assert own.columns["port_security"] == {f"{bare.mac} 255.255.255.255", "fa:16:3e:00:00:99 10.50.0.0/16"}
    (own,) = ports.rows(network, dataclasses.replace(bare, address_pairs=(AddressPair("10.50.0.0/16"),)))
    assert own.columns["port_security"] == {f"{bare.mac} 10.50.0.0/16"}


def test_a_port_without_security() -> None:
    network = engine_contract.network(72)
    port = engine_contract.port(network, 10, port_security=False)
    (row,) = ports.rows(network, port)
    assert row.columns["addresses"] == {f"{port.mac} 10.77.72.10", "unknown"}
    assert row.columns["port_security"] == frozenset()


def test_a_provider_network() -> None:
    *_, way_out = switches.rows(NetworkSpec(samples.new_id(), physical_network="physnet1", vlan=7))
    assert (way_out.columns["type"], way_out.columns["tag"]) == ("localnet", 7)
    assert way_out.columns["options"] == {"network_name": "physnet1"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_refused(text: str) -> None:
    network = engine_contract.network(73)
    with pytest.raises(SpecInvalid):
        dhcp.quoted(text)
    if text:  # an empty name is none
        for changes in ({"hostname": text}, {"host": text}):
            with pytest.raises(SpecInvalid):
                engine_contract.port(network, 10, **changes)
        with pytest.raises(SpecInvalid):
            dataclasses.replace(network, domain=text)
        with pytest.raises(SpecInvalid):
            dataclasses.replace(network, physical_network=text + "!")


@pytest.mark.parametrize("text", ["10.0.0.0/8\n", "10.0.0.0/8 }", "10.0.0.1/8", "fe80::1%eth0/128", "x"])
def test_hostile_ranges_are_refused(text: str) -> None:
    with pytest.raises(SpecInvalid):
        AddressPair(text)
    with pytest.raises(SpecInvalid):
        HostRoute(text, "10.0.0.1")


@pytest.mark.parametrize(
    "text", ["fa:16:3e:00:00:01 10.0.0.1", "FA:16:3E:00:00:01", "ff:ff:ff:ff:ff:ff", "fa:16:3e:00:00:01\n"]
)
def test_hostile_macs_are_refused(text: str) -> None:
    with pytest.raises(SpecInvalid):
        PortSpec(samples.new_id(), text)
    with pytest.raises(SpecInvalid):
        AddressPair("10.0.0.1/32", text)


def test_options_hold_plain_characters() -> None:
    network = engine_contract.network(74, domain="example.test")
    for row in dhcp.rows(network, ["198.18.0.53"]):
        options = row.columns["options"]
        assert isinstance(options, dict)
        assert all(re.fullmatch(r'[A-Za-z0-9.:/, {}"-]+', value) for value in options.values())

"""Routers' advertisements and DHCPv6, as guests get them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from typing import Any

import pytest

from apps.networking.ranges import eui64
from tests.cloud import wait_for
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import Guest, guest
from tests.unit.drivers import engine_contract, samples
from workers.drivers.network.base import AddressMode, FixedIP, NetworkDriver, SubnetSpec
from workers.drivers.network.base import PortSpec as HostPort
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import NetworkSpec, PortSpec
from workers.drivers.network.base.l3 import Advertisement, RouterInterface, RouterSpec
from workers.drivers.network.ovn import guard

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]

MTU, NAME_SERVER = 1400, "fd00:7e57::53"
# A client of DHCPv6 (RFC 8415) on eth0, from its link-local address: it sends one message, and prints the options of
# the answer by their numbers.
CLIENT = """
import json, socket, struct, sys
kind, options = int(sys.argv[1]), bytes.fromhex(sys.argv[2])
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 546)); s.settimeout(1)
for _ in range(10):
    s.sendto(bytes([kind, 1, 2, 3]) + options, ("ff02::1:2", 547, 0, socket.if_nametoindex("eth0")))
    try:
        answer = s.recv(2000)
        break
    except TimeoutError:
        continue
found, rest = {"type": answer[0]}, answer[4:]
while rest:
    code, length = struct.unpack("!HH", rest[:4])
    found[code], rest = rest[4:4 + length].hex(), rest[4 + length:]
print(json.dumps(found))
"""
SOLICIT, ADVERTISE, REQUEST, REPLY, INFORMATION_REQUEST = 1, 2, 3, 7, 11
CLIENT_ID, SERVER_ID, IA_NA, IA_ADDRESS, DNS_SERVERS = 1, 2, 3, 5, 23


def network(number: int, mode: AddressMode) -> NetworkSpec:
    cidr = f"fd00:7e57:{number}::/64"
    subnet = SubnetSpec(
        samples.new_id(), cidr, f"fd00:7e57:{number}::1", dns_nameservers=(NAME_SERVER,), address_mode=mode
    )
    return NetworkSpec(samples.new_id(), MTU, (subnet,))


def port(of: NetworkSpec, ip: str = "") -> PortSpec:
    """With the address that its guest makes of the prefix, unless one is given."""
    blank = engine_contract.port(engine_contract.network(96), groups=())
    subnet = of.subnets[0]
    return dataclasses.replace(blank, fixed_ips=(FixedIP(subnet.id, ip or eui64(subnet.cidr, blank.mac)),), groups=None)


def foot(of: NetworkSpec, number: int, mode: AddressMode) -> RouterInterface:
    address, mac = f"{of.subnets[0].gateway_ip}/64", f"fa:16:3e:7d:00:{number:02x}"
    return RouterInterface(samples.new_id(), of.id, mac, (address,), Advertisement(mode, of.mtu, NAME_SERVER))


def router(*feet: RouterInterface) -> RouterSpec:
    return RouterSpec(samples.new_id(), interfaces=feet)


def told(of: Guest, *command: str) -> Any:
    return json.loads(of.run("ip", "-6", "-json", *command, "dev", "eth0").stdout or "[]")


def addresses(of: Guest) -> list[str]:
    """The guest's addresses that are not of the link alone, and that it may use."""
    infos = [info for card in told(of, "address", "show") for info in card.get("addr_info", ())]
    return [info["local"] for info in infos if info["scope"] == "global" and not info.get("tentative")]


def ask(of: Guest, kind: int, *options: tuple[int, bytes]) -> dict[str, Any]:
    body = b"".join(code.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value for code, value in options)
    done = of.run("python3", "-c", CLIENT, str(kind), body.hex())
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def link_up(of: Guest) -> None:
    """Ask for routers now: a card that comes up does."""
    for state in ("down", "up"):
        subprocess.run(["ip", "-n", of.netns, "link", "set", "eth0", state], check=True)


def test_addresses_that_guests_make(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    """With the router's MTU and a route over it; a guest whose tap does not admit the router has none."""
    near, far = network(1, "slaac"), network(2, "slaac")
    feet = foot(near, 1, "slaac"), foot(far, 2, "slaac")
    one, deaf, other = port(near), port(near), port(far)
    engine.l2.ensure_ports(near, [one, deaf])
    engine.l2.ensure_ports(far, [other])
    engine.l3.ensure_router(router(*feet))
    with guest(host, one) as first, guest(host, deaf) as second, guest(host, other) as third:
        driver.wait_until_up({one.id: (feet[0].mac,), deaf.id: (), other.id: (feet[1].mac,)}, 20)
        taps = guard.taps()
        assert [taps[item.netns] for item in (first, second, third)] == [{feet[0].mac}, frozenset(), {feet[1].mac}]
        for item in (first, second, third):
            link_up(item)
        wait_for(lambda: addresses(first) and addresses(third), what="addresses that guests make")
        assert addresses(first) == [one.fixed_ips[0].ip]
        (route,) = [item for item in told(first, "route", "show") if item["dst"] == "default"]
        assert route["gateway"].startswith("fe80::")
        assert first.run("cat", "/proc/sys/net/ipv6/conf/eth0/mtu").stdout.strip() == str(MTU)
        wait_for(lambda: first.pings(other.fixed_ips[0].ip), what="a way through the router")
        assert addresses(second) == []

        driver.admit_routers([HostPort(deaf.id, second.netns, deaf.mac, routers=(feet[0].mac,))])
        link_up(second)
        wait_for(lambda: addresses(second) == [deaf.fixed_ips[0].ip], what="an address, once the router is admitted")


def test_dhcpv6(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    """Addresses from the server where the network says so, else options alone; what guests make has no place there."""
    stateful, stateless = network(3, "dhcpv6-stateful"), network(4, "dhcpv6-stateless")
    feet = foot(stateful, 3, "dhcpv6-stateful"), foot(stateless, 4, "dhcpv6-stateless")
    given, made = port(stateful, "fd00:7e57:3::77"), port(stateless)
    engine.l2.ensure_ports(stateful, [given])
    engine.l2.ensure_ports(stateless, [made])
    engine.l3.ensure_router(router(*feet))
    with guest(host, given) as first, guest(host, made) as second:
        driver.wait_until_up({given.id: (feet[0].mac,), made.id: (feet[1].mac,)}, 20)
        for item in (first, second):
            link_up(item)
        wait_for(lambda: addresses(second) == [made.fixed_ips[0].ip], what="an address that the guest makes")
        has_route = lambda: any(item["dst"] == "default" for item in told(first, "route", "show"))  # noqa: E731
        wait_for(has_route, what="a route by the router's advertisement")
        assert addresses(first) == []

        identity = CLIENT_ID, bytes.fromhex("00030001" + given.mac.replace(":", ""))
        association = IA_NA, (7).to_bytes(4, "big") + bytes(8)
        offer = ask(first, SOLICIT, identity, association)
        assert offer["type"] == ADVERTISE
        server = SERVER_ID, bytes.fromhex(offer[str(SERVER_ID)])
        answer = ask(first, REQUEST, identity, server, (IA_NA, bytes.fromhex(offer[str(IA_NA)])))
        assert answer["type"] == REPLY
        assert samples.packed(given.fixed_ips[0].ip) in bytes.fromhex(answer[str(IA_NA)])
        assert bytes.fromhex(answer[str(DNS_SERVERS)]) == samples.packed(NAME_SERVER)
        options = ask(second, INFORMATION_REQUEST, identity)
        assert (options["type"], bytes.fromhex(options[str(DNS_SERVERS)])) == (REPLY, samples.packed(NAME_SERVER))
        assert str(IA_NA) not in options

"""Extra DHCP options of ports: every option that the API takes, as a guest's client gets it."""

from __future__ import annotations

import dataclasses
import ipaddress
import json

import pytest

from apps.networking import dhcp_options
from tests.cloud import wait_for
from tests.host.ovn import test_ipv6 as six
from tests.host.ovn.daemons import Host
from tests.host.ovn.guests import Guest, guest
from tests.unit.drivers import engine_contract
from workers.drivers.network.base import NetworkDriver
from workers.drivers.network.base.engine import NetworkEngine
from workers.drivers.network.base.l2 import DhcpOption, PortSpec

pytestmark = [pytest.mark.ovn, pytest.mark.usefixtures("clean_logs", "clean_host")]
# It broadcasts a DISCOVER with a given MAC on eth0, asks for given options, and prints those of the offer by number,
# with the header's `siaddr` as option 255 (which ends the list on the wire).
CLIENT = """
import json, socket, struct, sys
mac, wanted = bytes.fromhex(sys.argv[1]), bytes(json.loads(sys.argv[2]))
body = struct.pack("!4BIHH16s16s", 1, 1, 6, 0, 7, 0, 0x8000, bytes(16), mac) + bytes(192) + b"\\x63\\x82\\x53\\x63"
body += bytes([53, 1, 1, 55, len(wanted)]) + wanted + b"\\xff"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.bind(("", 68)); s.settimeout(1)
for _ in range(int(sys.argv[3])):
    s.sendto(body, ("255.255.255.255", 67))
    try:
        answer = s.recv(2000)
        break
    except TimeoutError:
        continue
else:
    print("null"); sys.exit()
options, rest = {255: answer[20:24].hex()}, answer[240:]
while rest and rest[0] != 255:
    if rest[0] == 0:
        rest = rest[1:]; continue
    options[rest[0]], rest = rest[2:2 + rest[1]].hex(), rest[2 + rest[1]:]
print(json.dumps(options))
"""
VALUES = {
    "address": "10.77.61.9",
    "addresses": "10.77.61.8,198.18.0.9",
    "number": "200",
    "flag": "true",
    "text": "pxe/linux.0",
    "host": "boot.example.test",
    "names": "one.test,two.example",
    "routes": "10.88.0.0/16,10.77.61.9",
}


def options(values: dict[str, str], version: int = 4) -> tuple[DhcpOption, ...]:
    """Return options as the cloud's mapping makes them."""
    parsed = (dhcp_options.parse(name, text, version) for name, text in values.items())
    return tuple(DhcpOption(value.name, value.kind, value.values, version) for value in parsed if value is not None)


def offer(of: Guest, port: PortSpec, numbers: list[int], tries: int = 20) -> dict[int, bytes]:
    """Ask for options; empty without an answer."""
    done = of.run("python3", "-c", CLIENT, port.mac.replace(":", ""), json.dumps(numbers), str(tries), timeout_s=40)
    return {int(number): bytes.fromhex(text) for number, text in (json.loads(done.stdout) or {}).items()}


def on_the_wire(kind: str, bits: int, text: str) -> bytes:
    """Return an option's value as RFC 2132 has it."""
    if kind in ("address", "addresses"):
        return b"".join(ipaddress.IPv4Address(part).packed for part in text.split(","))
    if kind == "number":
        return int(text).to_bytes(bits // 8, "big")
    if kind == "flag":
        return b"\x01"
    if kind == "names":
        return b"".join(
            b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
            for name in text.split(",")
        )
    if kind == "routes":
        return bytes([16, 10, 88]) + ipaddress.IPv4Address(text.split(",")[1]).packed
    return text.encode()


def test_every_option_reaches_the_guest(engine: NetworkEngine, host: Host) -> None:
    network = engine_contract.network(61)
    named = {int(name): option for name, option in dhcp_options.OPTIONS[4].items() if name.isdigit()}
    numbers = sorted(named)
    for part in (numbers[:16], numbers[16:]):  # an answer has a limited size
        texts = {str(number): VALUES[named[number].kind] for number in part}
        port = engine_contract.port(network, 10, host=host.name, groups=None, dhcp_options=options(texts))
        engine.l2.ensure_ports(network, [port])
        with guest(host, port) as first:
            answer = offer(first, port, part)
        for number in part:
            option = named[number]
            assert answer.get(number) == on_the_wire(option.kind, option.bits, texts[str(number)]), option.name
        engine.l2.remove_ports([port.id])
    assert engine.differences(engine_contract.cloud((network, ()))) == ()


def test_a_router_of_the_ports_own_and_no_dhcp(engine: NetworkEngine, host: Host) -> None:
    """Clients ignore the option 3 beside 121, so both say it. Another port keeps the subnet's options."""
    network = engine_contract.network(62)
    own = engine_contract.port(network, 10, host=host.name, groups=None, dhcp_options=options({"router": "10.77.62.7"}))
    other = engine_contract.port(network, 11, host=host.name, groups=None)
    engine.l2.ensure_ports(network, [own, other])
    with guest(host, own) as first, guest(host, other) as second:
        answer = offer(first, own, [3, 121])
        assert answer[3] == ipaddress.IPv4Address("10.77.62.7").packed
        assert answer[121].endswith(b"\0" + ipaddress.IPv4Address("10.77.62.7").packed)
        assert offer(second, other, [3])[3] == ipaddress.IPv4Address("10.77.62.1").packed
        engine.l2.ensure_ports(network, [dataclasses.replace(own, dhcp_options=())])
        wait_for(lambda: offer(first, own, [3]).get(3, b"")[-1:] == b"\x01", what="the subnet's router again")
        silent = dataclasses.replace(own, dhcp=False)
        engine.l2.ensure_ports(network, [silent])
        wait_for(lambda: not offer(first, own, [3], tries=1), what="silence")
    assert engine.differences(engine_contract.cloud((network, (silent, other)))) == ()


def has_link_address(of: Guest) -> bool:
    text = of.run("ip", "-6", "address", "show", "dev", "eth0").stdout
    return "fe80" in text and "tentative" not in text


def test_options_of_ipv6(engine: NetworkEngine, driver: NetworkDriver, host: Host) -> None:
    network = six.network(97, "dhcpv6-stateful")
    texts = {"dns-server": "fd00:7e57::99", "domain-search": "six.example.test"}
    port = dataclasses.replace(six.port(network, "fd00:7e57:97::10"), dhcp_options=options(texts, 6))
    engine.l2.ensure_ports(network, [port])
    with guest(host, port) as first:
        driver.wait_until_up({port.id: ()}, 20)
        six.link_up(first)
        wait_for(lambda: has_link_address(first), what="an address of the link")
        identity = six.CLIENT_ID, bytes.fromhex("00030001" + port.mac.replace(":", ""))
        answer = six.ask(first, six.SOLICIT, identity, (six.IA_NA, (7).to_bytes(4, "big") + bytes(8)))
    assert answer[str(six.DNS_SERVERS)] == ipaddress.IPv6Address("fd00:7e57::99").packed.hex()
    assert b"six" in bytes.fromhex(answer["24"])

"""Rules: one nftables table of Celerity's own, with chains per network that come and go with it.

Guests of one network reach each other and, with NAT, the world; not another network, nor link-local and management
ranges. Of the host itself they reach nothing but DHCP, DNS, ping and the metadata service, at their own network's
addresses only; other networks' guests cannot use these. An address that is not the network's does not leave the bridge.
Rules are handed over as JSON, so no text of anybody's can become a rule.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from typing import Any

from workers.drivers.network.base import NetworkSpec
from workers.drivers.network.errors import NetworkUnavailable
from workers.drivers.network.linux.bridge import host_addresses
from workers.system import processes

TABLE = "celerity"
_METADATA_IP = "169.254.169.254"
_LINK_LOCAL = ipaddress.IPv4Network("169.254.0.0/16")  # the metadata service of the machine below the host
_BROADCAST = "255.255.255.255"
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_FAMILY = {"family": "inet", "table": TABLE}
_HOOKS = {
    "forward": ("filter", "forward", 0),
    "input": ("filter", "input", 0),
    "postrouting": ("nat", "postrouting", 100),
    "prerouting": ("nat", "prerouting", -100),
}
# (map, the base chain that asks it, by which interface)
_MAPS = {
    "from_bridge": ("forward", "iifname"),
    "to_bridge": ("forward", "oifname"),
    "at_host": ("input", "iifname"),
    "leaving": ("postrouting", "iifname"),
    "entering": ("prerouting", "iifname"),
}
_ACCEPT: dict[str, Any] = {"accept": None}
_DROP: dict[str, Any] = {"drop": None}


def ensure(spec: NetworkSpec, metadata_port: int | None, management: Sequence[IPNetwork] = ()) -> None:
    """Have the network's rules, exactly; in one transaction. Guests do not reach the `management` ranges.

    Raises NetworkUnavailable.
    """
    _apply([*_base(), *_network(spec, metadata_port, management)])


def remove(spec: NetworkSpec) -> None:
    """Remove the rules of a network, and the table with the last one of the host. Absent is success."""
    bridge = spec.bridge
    if _bridges() <= {bridge}:
        _apply([{"add": {"table": _table()}}, {"delete": {"table": _table()}}])
        return
    commands = [*_base(), *_declare(spec)]
    commands += [{"delete": {"element": _element(name, bridge)}} for name in _MAPS]
    commands += [{"delete": {"element": _bridge_element(bridge)}}]
    commands += [{"flush": {"chain": _chain(_name(name, bridge))}} for name in _MAPS]
    commands += [{"delete": {"chain": _chain(_name(name, bridge))}} for name in _MAPS]
    commands += [{"delete": {"element": _gateway(address)}} for address in _gateways(spec)]
    _apply(commands)


def _bridges() -> set[str]:
    """The bridges that have rules, whichever cloud's they are: several may share a host."""
    listed = processes.run(["nft", "-j", "list", "set", "inet", TABLE, "bridges"], timeout_s=10, check=False)
    if listed.returncode != 0:
        return set()
    items = json.loads(listed.text)["nftables"]
    return {name for item in items for name in item.get("set", {}).get("elem", ())}


def _apply(commands: list[dict[str, Any]]) -> None:
    try:
        processes.run(["nft", "-j", "-f", "-"], timeout_s=10, input=json.dumps({"nftables": commands}).encode())
    except processes.ProcessError as error:
        raise NetworkUnavailable("The host could not set up the network.", details=error.details) from error


def _table() -> dict[str, str]:
    return {"family": "inet", "name": TABLE}


def _chain(name: str) -> dict[str, str]:
    return {**_FAMILY, "name": name}


def _name(map_name: str, bridge: str) -> str:
    return f"{map_name}-{bridge}"


def _rule(chain: str, *expressions: dict[str, Any]) -> dict[str, Any]:
    return {"add": {"rule": {**_FAMILY, "chain": chain, "expr": list(expressions)}}}


def _match(left: dict[str, Any], right: object, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def _meta(key: str) -> dict[str, Any]:
    return {"meta": {"key": key}}


def _payload(protocol: str, field: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def _ct(key: str) -> dict[str, Any]:
    return {"ct": {"key": key}}


def _element(map_name: str, bridge: str) -> dict[str, Any]:
    return {**_FAMILY, "name": map_name, "elem": [[bridge, {"jump": {"target": _name(map_name, bridge)}}]]}


def _bridge_element(bridge: str) -> dict[str, Any]:
    return {**_FAMILY, "name": "bridges", "elem": [bridge]}


def _gateway(address: str) -> dict[str, Any]:
    return {**_FAMILY, "name": "gateways", "elem": [address]}


def _gateways(spec: NetworkSpec) -> list[str]:
    """The host's addresses in the network."""
    return sorted(address for address, _length in host_addresses(spec))


def _base() -> list[dict[str, Any]]:
    """The table, its hooks and maps. Declaring existing rules changes nothing."""
    commands: list[dict[str, Any]] = [{"add": {"table": _table()}}]
    for name, (kind, hook, priority) in _HOOKS.items():
        chain = {**_chain(name), "type": kind, "hook": hook, "prio": priority, "policy": "accept"}
        commands += [{"add": {"chain": chain}}, {"flush": {"chain": _chain(name)}}]
    commands.append({"add": {"set": {**_FAMILY, "name": "bridges", "type": "ifname"}}})
    for name, (chain_name, key) in _MAPS.items():
        commands.append({"add": {"map": {**_FAMILY, "name": name, "type": "ifname", "map": "verdict"}}})
        commands.append(_rule(chain_name, {"vmap": {"key": _meta(key), "data": f"@{name}"}}))
    # After the bridges' own rules: traffic from elsewhere must not reach a network's gateway.
    commands.append({"add": {"set": {**_FAMILY, "name": "gateways", "type": "ipv4_addr"}}})
    stranger = _match(_meta("iifname"), "lo", "!=")
    commands.append(_rule("input", stranger, _match(_payload("ip", "daddr"), "@gateways"), _DROP))
    return commands


def _declare(spec: NetworkSpec) -> list[dict[str, Any]]:
    bridge = spec.bridge
    commands = [{"add": {"chain": _chain(_name(name, bridge))}} for name in _MAPS]
    commands += [{"add": {"element": _element(name, bridge)}} for name in _MAPS]
    commands += [{"add": {"element": _gateway(address)}} for address in _gateways(spec)]
    return [*commands, {"add": {"element": _bridge_element(bridge)}}]


def _network(spec: NetworkSpec, metadata_port: int | None, management: Sequence[IPNetwork]) -> list[dict[str, Any]]:
    commands = _declare(spec)
    for name in _MAPS:
        commands.append({"flush": {"chain": _chain(_name(name, spec.bridge))}})
    return [
        *commands,
        *_from_guests(spec, management),
        *_to_guests(spec),
        *_to_host(spec, metadata_port),
        *_translation(spec, metadata_port),
    ]


def _ranges(spec: NetworkSpec) -> list[dict[str, Any]]:
    return _prefixes([ipaddress.IPv4Network(subnet.cidr) for subnet in spec.subnets if subnet.version == 4])


def _prefixes(ranges: Sequence[IPNetwork]) -> list[dict[str, Any]]:
    """IPv4 ranges, none within another: nft refuses a set whose intervals overlap."""
    distinct = ipaddress.collapse_addresses(item for item in ranges if isinstance(item, ipaddress.IPv4Network))
    return [{"prefix": {"addr": str(item.network_address), "len": item.prefixlen}} for item in distinct]


def _from_guests(spec: NetworkSpec, management: Sequence[IPNetwork]) -> list[dict[str, Any]]:
    chain = _name("from_bridge", spec.bridge)
    closed = {"set": _prefixes([_LINK_LOCAL, *management])}
    rules = [
        _rule(chain, _match(_meta("oifname"), spec.bridge), _ACCEPT),
        _rule(chain, _match(_payload("ip", "daddr"), closed), _DROP),
    ]
    ranges = _ranges(spec)
    if spec.nat and ranges:
        rules.append(_rule(chain, _match(_meta("oifname"), "@bridges"), _DROP))
        rules.append(_rule(chain, _match(_payload("ip", "saddr"), {"set": ranges}), _ACCEPT))
    return [*rules, _rule(chain, _DROP)]


def _to_guests(spec: NetworkSpec) -> list[dict[str, Any]]:
    chain = _name("to_bridge", spec.bridge)
    return [
        _rule(chain, _match(_meta("iifname"), spec.bridge), _ACCEPT),
        _rule(chain, _match(_ct("state"), {"set": ["established", "related"]}), _ACCEPT),
        _rule(chain, _match(_ct("status"), "dnat", "in"), _ACCEPT),
        _rule(chain, _DROP),
    ]


def _to_host(spec: NetworkSpec, metadata_port: int | None) -> list[dict[str, Any]]:
    chain = _name("at_host", spec.bridge)
    rules = [_rule(chain, _match(_ct("state"), {"set": ["established", "related"]}), _ACCEPT)]
    addresses = _gateways(spec)
    if addresses:
        here = _match(_payload("ip", "daddr"), {"set": addresses})
        asking = _match(_payload("ip", "daddr"), {"set": [*addresses, _BROADCAST]})
        rules += [
            _rule(chain, asking, _match(_payload("udp", "dport"), 67), _ACCEPT),
            _rule(chain, here, _match(_payload("udp", "dport"), 53), _ACCEPT),
            _rule(chain, here, _match(_payload("tcp", "dport"), 53), _ACCEPT),
            _rule(chain, here, _match(_payload("icmp", "type"), "echo-request"), _ACCEPT),
        ]
    if metadata_port is not None:
        original = {"ct": {"key": "ip daddr", "dir": "original"}}
        rules.append(
            _rule(
                chain,
                _match(_payload("tcp", "dport"), metadata_port),
                _match(original, _METADATA_IP),
                _ACCEPT,
            )
        )
    return [*rules, _rule(chain, _DROP)]


def _translation(spec: NetworkSpec, metadata_port: int | None) -> list[dict[str, Any]]:
    rules = []
    ranges = _ranges(spec)
    if spec.nat and ranges:
        rules.append(
            _rule(
                _name("leaving", spec.bridge),
                _match(_meta("oifname"), spec.bridge, "!="),
                _match(_payload("ip", "saddr"), {"set": ranges}),
                {"masquerade": None},
            )
        )
    if metadata_port is not None:
        rules.append(
            _rule(
                _name("entering", spec.bridge),
                _match(_payload("ip", "daddr"), _METADATA_IP),
                _match(_payload("tcp", "dport"), 80),
                {"redirect": {"port": metadata_port}},
            )
        )
    return rules

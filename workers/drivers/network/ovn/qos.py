"""Limits and marks of traffic as QoS rows of a logical switch: OVN meters what matches, and drops what is beyond."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from workers.drivers.network.base.qos import Limit, QosSpec
from workers.drivers.network.ovn import diff
from workers.drivers.network.ovn.ovsdb import Operation
from workers.drivers.network.ovn.rows import Link, Row, derived
from workers.drivers.network.ovn.wire import Value

TABLE = "QoS"
_PORT, _ADDRESS = 2002, 2003  # what holds for one address goes before what holds for its port
# In the userspace datapath a guest's TCP hands over segments of up to 64 KiB at once. A smaller burst would drop each.
LEAST_BURST_KBIT = 2 * 64 * 8
_USUAL_BURST = 0.8  # seconds of the rate, as Neutron has it
_DIRECTIONS = (("egress", "from-lport", "inport", "src"), ("ingress", "to-lport", "outport", "dst"))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A port of a network's switch, and perhaps one address of those behind it. `egress` is what enters the switch.

    `mark` is that of the rows.
    """

    network_id: str
    port_id: str
    address: str = ""
    mark: Mapping[str, str] = field(default_factory=dict)


def rows(owner_id: str, at: Attachment, qos: QosSpec | None) -> list[Row]:
    """The rows of an owner: a port, a floating IP."""
    return list(_rows(owner_id, at, qos)) if qos is not None else []


def _rows(owner_id: str, at: Attachment, qos: QosSpec) -> Iterator[Row]:
    for name, direction, end, side in _DIRECTIONS:
        limit = qos.egress if name == "egress" else qos.ingress
        action = {"dscp": qos.dscp} if name == "egress" and qos.dscp is not None else {}
        if limit is None and not action:
            continue
        match = f'{end} == "{at.port_id}"'
        if at.address:
            match += f" && ip4.{side} == {ipaddress.IPv4Address(at.address)}"
        columns: dict[str, Value] = {
            "direction": direction,
            "priority": _ADDRESS if at.address else _PORT,
            "match": match,
            "action": action,
            "bandwidth": _bandwidth(limit) if limit is not None else {},
            "external_ids": at.mark,
        }
        links = frozenset({Link("Logical_Switch", at.network_id, "qos_rules")})
        yield Row(TABLE, key(owner_id, name), columns, links)


def _bandwidth(limit: Limit) -> dict[str, int]:
    burst = limit.burst_kbit or int(limit.kbps * _USUAL_BURST)
    return {"rate": limit.kbps, "burst": max(burst, LEAST_BURST_KBIT)}


def key(owner_id: str, direction: str) -> str:
    """The UUID of an owner's row for a direction."""
    return derived("qos", owner_id, direction)


def of_floating_ips(router_id: str) -> dict[str, str]:
    """The mark of the rows of a router's floating IPs: they go with the router."""
    return {"celerity:floating-ips-of": router_id}


def removal(owner_id: str, *, but: frozenset[str] = frozenset()) -> list[Operation]:
    """The operations that remove an owner's rows, but for some."""
    gone = [uuid for uuid in (key(owner_id, name) for name, *_ in _DIRECTIONS) if uuid not in but]
    return [operation for uuid in gone for operation in diff.removal(TABLE, uuid)]

"""Ports of a logical switch that are no guest's: its ways to routers and out of the cloud."""

from __future__ import annotations

from collections.abc import Mapping

from workers.drivers.network.ovn.rows import Link, Row
from workers.drivers.network.ovn.wire import Scalar, Value

TABLE = "Logical_Switch_Port"
NOTHING: frozenset[Scalar] = frozenset()


def row(
    uuid: str,
    network_id: str,
    *,
    name: str,
    kind: str,
    options: Mapping[str, str],
    addresses: str,
    tag: Value = NOTHING,
    enabled: bool = True,
) -> Row:
    """A port of the switch of a network; `kind` is OVN's type of it."""
    columns: dict[str, Value] = {
        "name": name,
        "type": kind,
        "options": options,
        "addresses": addresses,
        "port_security": NOTHING,
        "enabled": enabled,
        "dhcpv4_options": NOTHING,
        "dhcpv6_options": NOTHING,
        "parent_name": NOTHING,
        "tag": tag,
    }
    return Row(TABLE, uuid, columns, frozenset({Link("Logical_Switch", network_id, "ports")}))

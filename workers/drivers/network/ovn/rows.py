"""Rows of the northbound database as they should be: their UUIDs, columns, and the columns that list them.

A row's UUID is the driver's choice, not the database's: a network's switch has the network's own id, whatever has none
a UUID made of what it stands for. So a row is reached without a search, references need no reading, and a database
that is built again gets the very same rows: what hosts have programmed stays valid.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.drivers.network.ovn.wire import Value

_NAMESPACE = uuid.UUID("6d1a3c5e-8d0b-5b6b-9d3c-0f3a5f1c7e21")


@dataclass(frozen=True, slots=True)
class Table:
    """A table that the driver writes. `columns` are all that it sets; `lists` the columns that list other rows.

    `root` False: the database removes a row as soon as no row lists it.
    """

    name: str
    columns: tuple[str, ...]
    lists: Mapping[str, str] = field(default_factory=dict)
    root: bool = True


# In the order in which rows are made: what is listed after what lists it, what is referred to before what refers.
_ALL = (
    Table("DHCP_Options", ("cidr", "options", "external_ids")),
    Table(
        "Logical_Switch",
        ("name", "other_config"),
        {
            "ports": "Logical_Switch_Port",
            "dns_records": "DNS",
            "load_balancer": "Load_Balancer",
            "qos_rules": "QoS",
        },
    ),
    Table(
        "Logical_Router",
        ("name", "enabled", "options"),
        {
            "ports": "Logical_Router_Port",
            "static_routes": "Logical_Router_Static_Route",
            "nat": "NAT",
            "load_balancer": "Load_Balancer",
        },
    ),
    Table("Load_Balancer", ("name", "protocol", "vips", "external_ids")),
    Table("DNS", ("records", "external_ids")),
    Table("Address_Set", ("name", "addresses", "external_ids")),
    Table("Port_Group", ("name", "external_ids"), {"ports": "Logical_Switch_Port", "acls": "ACL"}),
    Table("ACL", ("direction", "priority", "match", "action"), root=False),
    Table(
        "Logical_Router_Port",
        ("name", "mac", "networks", "options", "ipv6_ra_configs", "external_ids"),
        {"gateway_chassis": "Gateway_Chassis"},
        root=False,
    ),
    Table("Gateway_Chassis", ("name", "chassis_name", "priority"), root=False),
    Table("Logical_Router_Static_Route", ("ip_prefix", "nexthop", "output_port"), root=False),
    Table("QoS", ("direction", "priority", "match", "action", "bandwidth", "external_ids"), root=False),
    Table("NAT", ("type", "external_ip", "logical_ip", "external_ids"), root=False),
    Table(
        "Logical_Switch_Port",
        (
            "name",
            "type",
            "options",
            "addresses",
            "port_security",
            "enabled",
            "dhcpv4_options",
            "dhcpv6_options",
            "parent_name",
            "tag",
        ),
        root=False,
    ),
)
TABLES = {table.name: table for table in _ALL}


@dataclass(frozen=True, slots=True)
class Link:
    """A column of a row: it lists other rows."""

    table: str
    uuid: str
    column: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row: every column of its table that the driver writes, and the columns that list it."""

    table: str
    uuid: str
    columns: Mapping[str, Value]
    links: frozenset[Link] = frozenset()

    def __post_init__(self) -> None:
        """A column left out would keep what it held before."""
        assert set(self.columns) == set(TABLES[self.table].columns), (self.table, set(self.columns))
        assert self.links or TABLES[self.table].root, self.table


def of_router(router_id: str) -> dict[str, str]:
    """The mark, in `external_ids`, of what a router's spec brings along: it goes when the spec drops it."""
    return {"celerity:router": router_id}


def of_network(network_id: str) -> dict[str, str]:
    """The mark, in `external_ids`, of a row that goes with its network and that nothing else leads to."""
    return {"celerity:network": network_id}


def derived(kind: str, *parts: str) -> str:
    """The UUID of a row that stands for no row of the cloud's own."""
    return str(uuid.uuid5(_NAMESPACE, "/".join((kind, *parts))))

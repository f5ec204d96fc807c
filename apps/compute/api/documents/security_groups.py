"""Security groups as documents, by microversion."""

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.networking.selectors import security_groups as selectors

if TYPE_CHECKING:
    from apps.networking.models import SecurityGroup, SecurityGroupRule

ANYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}


def render_rule(row: "SecurityGroupRule", groups: Mapping[uuid.UUID, "SecurityGroup"]) -> dict[str, Any]:
    """Return a rule's document; ``groups`` are the groups that rules of the answer name as source, by id."""
    low, high = row.port_range_min, row.port_range_max
    if row.protocol and low is None and high is None:
        low, high = (1, 65535) if row.protocol.lower() in ("tcp", "udp") else (-1, -1)
    source = groups.get(row.remote_group_id) if row.remote_group_id else None
    document: dict[str, Any] = {
        "id": str(row.id),
        "parent_group_id": str(row.security_group_id),
        "ip_protocol": row.protocol,
        "from_port": low,
        "to_port": high,
        "group": {"name": source.name, "tenant_id": source.project_id} if source is not None else {},
        "ip_range": {},
    }
    if row.remote_group_id is None and row.remote_address_group_id is None:
        document["ip_range"] = {"cidr": row.remote_ip_prefix or ANYWHERE[row.ethertype]}
    return document


def render(row: "SecurityGroup", groups: Mapping[uuid.UUID, "SecurityGroup"]) -> dict[str, Any]:
    """Return a group's document with its incoming rules."""
    return {
        "id": str(row.id),
        "name": row.name,
        "description": row.description,
        "tenant_id": row.project_id,
        "rules": [render_rule(rule, groups) for rule in row.rules.all() if rule.direction == "ingress"],
    }


def render_all(rows: list["SecurityGroup"]) -> list[dict[str, Any]]:
    """Return the documents of groups; 1 query for the groups that their rules name."""
    sources = {rule.remote_group_id for row in rows for rule in row.rules.all() if rule.remote_group_id}
    groups = selectors.by_id(group_ids=sources)
    return [render(row, groups) for row in rows]

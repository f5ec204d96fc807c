"""Security group rules as documents."""

import ipaddress
from typing import Any

from apps.common.context import RequestContext
from apps.networking.api.documents.base import standard
from apps.networking.models import SecurityGroupRule


def render(rule: SecurityGroupRule, context: RequestContext) -> dict[str, Any]:
    """Return the document of a rule."""
    prefix = rule.remote_ip_prefix
    return {
        **standard(rule),
        "security_group_id": str(rule.security_group_id),
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": rule.protocol,
        "port_range_min": rule.port_range_min,
        "port_range_max": rule.port_range_max,
        "remote_ip_prefix": prefix,
        "normalized_cidr": str(ipaddress.ip_network(prefix, strict=False)) if prefix else None,
        "remote_group_id": str(rule.remote_group_id) if rule.remote_group_id else None,
        "remote_address_group_id": str(rule.remote_address_group_id) if rule.remote_address_group_id else None,
    }

"""Filters of lists, as Neutron names them: any simple field, repeated values mean "one of"."""

import ipaddress
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from apps.common.exceptions import BadRequest

MAX_VALUES = 500
Filter = tuple[str, Callable[[str], Any]]


def text(value: str) -> str:
    """Any text; NUL is in no row."""
    return value.replace("\x00", "\ufffd")


def identity(value: str) -> uuid.UUID:
    """A UUID; an invalid one matches nothing."""
    try:
        return uuid.UUID(value)
    except ValueError:
        return uuid.UUID(int=0)


def address(value: str) -> str | None:
    """An IP address; an invalid one matches nothing."""
    return value if _is_ip(value) else None


def boolean(value: str) -> bool:
    """True, true, 1 and so on. Raises ValueError."""
    found = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(value.lower())
    if found is None:
        raise ValueError(f"'{value[:64]}' cannot be converted to boolean")
    return found


def integer(value: str) -> int:
    """A whole number. Raises ValueError."""
    try:
        return int(value[:10])
    except ValueError:
        raise ValueError(f"'{value[:64]}' is not an integer") from None


STANDARD: dict[str, Filter] = {
    "id": ("id", identity),
    "name": ("name", text),
    "description": ("description", text),
    "project_id": ("project_id", text),
    "tenant_id": ("project_id", text),
    "revision_number": ("revision_number", integer),
}
NETWORKS: dict[str, Filter] = {
    **STANDARD,
    "status": ("status", text),
    "shared": ("shared", boolean),
    "router:external": ("external", boolean),
    "admin_state_up": ("admin_state_up", boolean),
    "mtu": ("mtu", integer),
    "is_default": ("is_default", boolean),
}
SUBNETS: dict[str, Filter] = {
    **STANDARD,
    "network_id": ("network_id", identity),
    "ip_version": ("ip_version", integer),
    "cidr": ("cidr", text),
    "gateway_ip": ("gateway_ip", address),
    "enable_dhcp": ("enable_dhcp", boolean),
    "shared": ("network__shared", boolean),
    "ipv6_address_mode": ("ipv6_address_mode", text),
    "ipv6_ra_mode": ("ipv6_ra_mode", text),
}
PORTS: dict[str, Filter] = {
    **STANDARD,
    "network_id": ("network_id", identity),
    "status": ("status", text),
    "admin_state_up": ("admin_state_up", boolean),
    "device_id": ("device_id", text),
    "device_owner": ("device_owner", text),
    "mac_address": ("mac_address", str.lower),
    "binding:host_id": ("host", text),
}
SECURITY_GROUPS: dict[str, Filter] = {**STANDARD, "stateful": ("stateful", boolean)}
SECURITY_GROUP_RULES: dict[str, Filter] = {
    **{name: STANDARD[name] for name in STANDARD if name != "name"},
    "security_group_id": ("security_group_id", identity),
    "direction": ("direction", text),
    "ethertype": ("ethertype", text),
    "protocol": ("protocol", str.lower),
    "port_range_min": ("port_range_min", integer),
    "port_range_max": ("port_range_max", integer),
    "remote_ip_prefix": ("remote_ip_prefix", text),
    "remote_group_id": ("remote_group_id", identity),
}


def apply(rows: QuerySet[Any], params: Mapping[str, Sequence[str]], table: Mapping[str, Filter]) -> QuerySet[Any]:
    """Narrow ``rows`` by those query parameters that ``table`` knows. Raises BadRequest (400)."""
    for name, (column, parse) in table.items():
        if name in params:
            values = [_parsed(name, parse, value) for value in params[name][:MAX_VALUES]]
            rows = rows.filter(**{f"{column}__in": [value for value in values if value is not None]})
    return _tags(rows, params)


def _parsed(name: str, parse: Callable[[str], Any], value: str) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        raise BadRequest(f"Invalid input for {name}: {error}.") from None


def _tags(rows: QuerySet[Any], params: Mapping[str, Sequence[str]]) -> QuerySet[Any]:
    def named(key: str) -> list[str]:
        return [tag for value in params.get(key, []) for tag in text(value).split(",")][:MAX_VALUES]

    if params.get("tags"):
        rows = rows.filter(tags__contains=named("tags"))
    if params.get("tags-any"):
        rows = rows.filter(tags__overlap=named("tags-any"))
    if params.get("not-tags"):
        rows = rows.exclude(tags__contains=named("not-tags"))
    if params.get("not-tags-any"):
        rows = rows.exclude(tags__overlap=named("not-tags-any"))
    return rows


def on_ports(rows: QuerySet[Any], params: Mapping[str, Sequence[str]]) -> QuerySet[Any]:
    """The filters that only ports have: fixed_ips=ip_address=… or subnet_id=…, security_groups=…."""
    for value in params.get("fixed_ips", [])[:MAX_VALUES]:
        key, _, wanted = text(value).partition("=")
        if key == "ip_address":
            rows = rows.filter(Q(fixed_ips__ip_address=wanted) if _is_ip(wanted) else Q(pk__in=[]))
        elif key == "subnet_id":
            rows = rows.filter(fixed_ips__subnet_id=identity(wanted))
        elif key == "ip_address_substr":
            rows = rows.filter(fixed_ips__ip_address__contains=wanted)
    if params.get("security_groups"):
        rows = rows.filter(security_groups__in=[identity(value) for value in params["security_groups"][:MAX_VALUES]])
    return rows.distinct() if "fixed_ips" in params or "security_groups" in params else rows


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return "%" not in value

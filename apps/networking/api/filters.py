"""Filters of lists, as Neutron names them: any simple field, repeated values mean "one of"."""

import ipaddress
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from apps.common.api import queries
from apps.common.api.queries import Filter
from apps.networking import states
from apps.networking.api.listing import STYLE


def text(value: str, name: str = "") -> str:
    """Any text; NUL is in no row."""
    return value.replace("\x00", "\ufffd")


def identity(value: str, name: str = "") -> uuid.UUID:
    """A UUID; an invalid one matches nothing."""
    try:
        return uuid.UUID(value)
    except ValueError:
        return uuid.UUID(int=0)


def address(value: str, name: str = "") -> str | None:
    """An IP address; an invalid one matches nothing."""
    return value if _is_ip(value) else None


def lower(value: str, name: str = "") -> str:
    """A text that is stored in lower case."""
    return value.lower()


STANDARD: dict[str, Filter] = {
    "id": ("id", identity),
    "name": ("name", text),
    "description": ("description", text),
    "project_id": ("project_id", text),
    "tenant_id": ("project_id", text),
    "revision_number": ("revision_number", STYLE.integer),
}
NETWORKS: dict[str, Filter] = {
    **STANDARD,
    "status": ("status", text),
    "shared": ("shared", STYLE.boolean),
    "router:external": ("external", STYLE.boolean),
    "admin_state_up": ("admin_state_up", STYLE.boolean),
    "mtu": ("mtu", STYLE.integer),
    "is_default": ("is_default", STYLE.boolean),
    "dns_domain": ("dns_domain", lower),
    "qos_policy_id": ("qos_policy_id", identity),
}
# What operators alone see of a network.
PROVIDER: dict[str, Filter] = {
    "provider:network_type": ("network_type", text),
    "provider:physical_network": ("physical_network", text),
    "provider:segmentation_id": ("segmentation_id", STYLE.integer),
}
SUBNETS: dict[str, Filter] = {
    **STANDARD,
    "network_id": ("network_id", identity),
    "ip_version": ("ip_version", STYLE.integer),
    "cidr": ("cidr", text),
    "gateway_ip": ("gateway_ip", address),
    "enable_dhcp": ("enable_dhcp", STYLE.boolean),
    "subnetpool_id": ("subnetpool_id", identity),
    "shared": ("network__shared", STYLE.boolean),
    "ipv6_address_mode": ("ipv6_address_mode", text),
    "ipv6_ra_mode": ("ipv6_ra_mode", text),
}
SUBNETPOOLS: dict[str, Filter] = {
    **STANDARD,
    "ip_version": ("ip_version", STYLE.integer),
    "is_default": ("is_default", STYLE.boolean),
    "shared": ("shared", STYLE.boolean),
    "address_scope_id": ("address_scope_id", identity),
    "min_prefixlen": ("min_prefixlen", STYLE.integer),
    "max_prefixlen": ("max_prefixlen", STYLE.integer),
    "default_prefixlen": ("default_prefixlen", STYLE.integer),
    "default_quota": ("default_quota", STYLE.integer),
}
ADDRESS_SCOPES: dict[str, Filter] = {
    **{name: STANDARD[name] for name in ("id", "name", "project_id", "tenant_id")},
    "ip_version": ("ip_version", STYLE.integer),
    "shared": ("shared", STYLE.boolean),
}
RBAC_POLICIES: dict[str, Filter] = {
    **{name: STANDARD[name] for name in ("id", "project_id", "tenant_id")},
    "object_type": ("object_type", text),
    "object_id": ("object_id", identity),
    "action": ("action", text),
    "target_tenant": ("target_project", text),
    "target_project": ("target_project", text),
}
ADDRESS_GROUPS: dict[str, Filter] = {**STANDARD, "shared": ("shared", STYLE.boolean)}
NETWORK_IP_AVAILABILITIES: dict[str, Filter] = {
    "network_id": ("id", identity),
    "network_name": ("name", text),
    "project_id": ("project_id", text),
    "tenant_id": ("project_id", text),
}
SEGMENTS: dict[str, Filter] = {
    "id": ("id", identity),
    "network_id": ("id", identity),
    "network_type": ("network_type", text),
    "physical_network": ("physical_network", text),
    "segmentation_id": ("segmentation_id", STYLE.integer),
}
PORTS: dict[str, Filter] = {
    **STANDARD,
    "network_id": ("network_id", identity),
    "status": ("status", text),
    "admin_state_up": ("admin_state_up", STYLE.boolean),
    "device_id": ("device_id", text),
    "device_owner": ("device_owner", text),
    "mac_address": ("mac_address", lower),
    "binding:host_id": ("host", text),
    "dns_name": ("dns_name", lower),
    "dns_domain": ("dns_domain", lower),
    "qos_policy_id": ("qos_policy_id", identity),
}
ROUTERS: dict[str, Filter] = {
    **STANDARD,
    "status": ("status", text),
    "admin_state_up": ("admin_state_up", STYLE.boolean),
}
FLOATING_IPS: dict[str, Filter] = {
    **{name: STANDARD[name] for name in STANDARD if name != "name"},
    "status": ("status", text),
    "floating_network_id": ("floating_network_id", identity),
    "floating_ip_address": ("floating_ip_address", address),
    "fixed_ip_address": ("fixed_ip_address", address),
    "port_id": ("fixed_port_id", identity),
    "router_id": ("router_id", identity),
    "dns_name": ("dns_name", lower),
    "dns_domain": ("dns_domain", lower),
    "qos_policy_id": ("qos_policy_id", identity),
}
PORT_FORWARDINGS: dict[str, Filter] = {
    "id": STANDARD["id"],
    "description": STANDARD["description"],
    "protocol": ("protocol", lower),
    "internal_port_id": ("port_id", identity),
    "external_port": ("external_start", STYLE.integer),
}
QOS_POLICIES: dict[str, Filter] = {
    **STANDARD,
    "shared": ("shared", STYLE.boolean),
    "is_default": ("is_default", STYLE.boolean),
}
QOS_RULES: dict[str, Filter] = {
    "id": STANDARD["id"],
    "direction": ("direction", text),
    "max_kbps": ("max_kbps", STYLE.integer),
    "max_burst_kbps": ("max_burst_kbps", STYLE.integer),
    "dscp_mark": ("dscp_mark", STYLE.integer),
}
TRUNKS: dict[str, Filter] = {
    **STANDARD,
    "admin_state_up": ("admin_state_up", STYLE.boolean),
    "port_id": ("port_id", identity),
    "status": ("port__status", text),
}
SECURITY_GROUPS: dict[str, Filter] = {
    **STANDARD,
    "shared": ("shared", STYLE.boolean),
    "stateful": ("stateful", STYLE.boolean),
}
SECURITY_GROUP_RULES: dict[str, Filter] = {
    **{name: STANDARD[name] for name in STANDARD if name != "name"},
    "security_group_id": ("security_group_id", identity),
    "direction": ("direction", text),
    "ethertype": ("ethertype", text),
    "protocol": ("protocol", lower),
    "port_range_min": ("port_range_min", STYLE.integer),
    "port_range_max": ("port_range_max", STYLE.integer),
    "remote_ip_prefix": ("remote_ip_prefix", text),
    "remote_group_id": ("remote_group_id", identity),
    "remote_address_group_id": ("remote_address_group_id", identity),
}


def apply(rows: QuerySet[Any], params: Mapping[str, Sequence[str]], table: Mapping[str, Filter]) -> QuerySet[Any]:
    """Narrow ``rows`` by those query parameters that ``table`` knows, and by tags where rows have some.

    Raises BadRequest (400).
    """
    named = {
        key: [tag for value in params.get(key, []) for tag in text(value).split(",")][: queries.MAX_VALUES]
        for key in queries.TAGS
        if params.get(key)
    }
    narrowed = queries.one_of(rows, params, table)
    return queries.by_tags(narrowed, named) if hasattr(rows.model, "tags") else narrowed


def on_networks(rows: QuerySet[Any], params: Mapping[str, Sequence[str]], *, is_operator: bool) -> QuerySet[Any]:
    """The filters by provider attributes: those who do not see them find nothing by them."""
    named = {key: list(params[key]) for key in PROVIDER if key in params}
    if named and not is_operator:
        return rows.none()
    if states.NETWORK_TYPES[0] in named.get("provider:network_type", ()):
        named["provider:network_type"].append("")  # rows of networks that asked for no type
    return queries.one_of(rows, named, PROVIDER)


def on_subnets(rows: QuerySet[Any], params: Mapping[str, Sequence[str]]) -> QuerySet[Any]:
    """The filter that only subnets have: service_types=…, of which one suffices."""
    wanted = [text(value) for value in params.get("service_types", [])[: queries.MAX_VALUES]]
    return rows.filter(service_types__overlap=wanted) if wanted else rows


def on_ports(rows: QuerySet[Any], params: Mapping[str, Sequence[str]]) -> QuerySet[Any]:
    """The filters that only ports have: fixed_ips=ip_address=… or subnet_id=…, security_groups=….

    Of several values of a key one suffices; an address that all keys suit has to be one.
    """
    suiting: dict[str, Q] = {}
    for value in params.get("fixed_ips", [])[: queries.MAX_VALUES]:
        key, _, wanted = text(value).partition("=")
        if key == "ip_address":
            condition = Q(fixed_ips__ip_address=wanted) if _is_ip(wanted) else Q(pk__in=[])
        elif key == "subnet_id":
            condition = Q(fixed_ips__subnet_id=identity(wanted))
        elif key == "ip_address_substr":
            condition = Q(fixed_ips__ip_address__contains=wanted)
        else:
            continue
        suiting[key] = suiting[key] | condition if key in suiting else condition
    if suiting:
        rows = rows.filter(*suiting.values())
    if params.get("security_groups"):
        rows = rows.filter(
            security_groups__in=[identity(value) for value in params["security_groups"][: queries.MAX_VALUES]]
        )
    return rows.distinct() if "fixed_ips" in params or "security_groups" in params else rows


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return "%" not in value

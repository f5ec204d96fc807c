"""Quota sets as documents, by microversion."""

from collections.abc import Mapping
from typing import Any

from apps.common import microversions
from apps.common.microversions import Version, since
from apps.compute.selectors import quota_sets

# The network service's own are not shown from 2.36 on, injected files not from 2.57 on.
FIELDS = {name: since("2.1", "2.35") for name in quota_sets.NETWORK_RESOURCES} | {
    name: since("2.1", "2.56") for name in ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
}
CLASS_FIELDS = {**FIELDS, "server_groups": since("2.50"), "server_group_members": since("2.50")}


def render(values: Mapping[str, Any], version: Version, **more: Any) -> dict[str, Any]:
    """Return a quota set without the resources that ``version`` lacks."""
    return {**more, **microversions.without(dict(values), microversions.hidden(FIELDS, version))}


def render_class(values: Mapping[str, Any], version: Version, **more: Any) -> dict[str, Any]:
    return {**more, **microversions.without(dict(values), microversions.hidden(CLASS_FIELDS, version))}


_MAXIMA = {
    "maxTotalInstances": "instances",
    "maxTotalCores": "cores",
    "maxTotalRAMSize": "ram",
    "maxTotalKeypairs": "key_pairs",
    "maxServerMeta": "metadata_items",
    "maxImageMeta": "metadata_items",
    "maxPersonality": "injected_files",
    "maxPersonalitySize": "injected_file_content_bytes",
    "maxServerGroups": "server_groups",
    "maxServerGroupMembers": "server_group_members",
    "maxTotalFloatingIps": "floating_ips",
    "maxSecurityGroups": "security_groups",
    "maxSecurityGroupRules": "security_group_rules",
}
_USED = {
    "totalInstancesUsed": "instances",
    "totalCoresUsed": "cores",
    "totalRAMUsed": "ram",
    "totalServerGroupsUsed": "server_groups",
    "totalFloatingIpsUsed": "floating_ips",
    "totalSecurityGroupsUsed": "security_groups",
}
LIMIT_FIELDS = {
    **{
        name: since("2.1", "2.35")
        for name in (
            "maxTotalFloatingIps",
            "maxSecurityGroups",
            "maxSecurityGroupRules",
            "totalFloatingIpsUsed",
            "totalSecurityGroupsUsed",
        )
    },
    "maxImageMeta": since("2.1", "2.38"),
    "maxPersonality": since("2.1", "2.56"),
    "maxPersonalitySize": since("2.1", "2.56"),
}


def render_absolute(values: Mapping[str, int], used: Mapping[str, int], version: Version) -> dict[str, int]:
    """Return the absolute limits of GET /limits."""
    document = {name: values[resource] for name, resource in _MAXIMA.items()}
    document |= {name: used.get(resource, 0) for name, resource in _USED.items()}
    return microversions.without(document, microversions.hidden(LIMIT_FIELDS, version))

"""Hosts as hypervisors, by microversion. Used amounts include the host's reserve, as in Nova."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apps.common import microversions
from apps.common.microversions import Version, since

if TYPE_CHECKING:
    from apps.scheduling.models import Host

UUIDS = since("2.53")
CPU_INFO_IS_AN_OBJECT = since("2.28")
SERVERS_ALWAYS = since("2.75")
_UNTIL_288 = since("2.1", "2.87")
FIELDS = {
    **dict.fromkeys(
        (
            "current_workload",
            "cpu_info",
            "vcpus",
            "vcpus_used",
            "free_disk_gb",
            "local_gb",
            "local_gb_used",
            "disk_available_least",
            "free_ram_mb",
            "memory_mb",
            "memory_mb_used",
            "running_vms",
        ),
        _UNTIL_288,
    ),
    "uptime": since("2.88"),
}


def render_brief(host: "Host", version: Version) -> dict[str, Any]:
    return {
        "id": str(host.id) if version in UUIDS else host.number,
        "hypervisor_hostname": host.name,
        "state": "up" if host.is_up else "down",
        "status": "enabled" if host.enabled else "disabled",
    }


def render_uptime(host: "Host", version: Version) -> dict[str, Any]:
    return {**render_brief(host, version), "uptime": host.uptime or None}


def amounts(values: Mapping[str, int]) -> dict[str, int]:
    """Return Nova's names for an inventory's (or a sum of inventories') numbers: MiB and GiB."""
    ram_used = values["ram_used"] + values["ram_reserved"]
    disk_used = values["disk_used"] + values["disk_reserved"]
    return {
        "vcpus": values["vcpus"],
        "vcpus_used": values["vcpus_used"] + values["vcpus_reserved"],
        "memory_mb": values["ram_mib"],
        "memory_mb_used": ram_used,
        "free_ram_mb": values["ram_mib"] - ram_used,
        "local_gb": values["disk_gib"],
        "local_gb_used": disk_used,
        "free_disk_gb": values["disk_gib"] - disk_used,
        "disk_available_least": values["disk_gib"] - disk_used,
        "running_vms": values["servers"],
    }


def render(host: "Host", version: Version, *, workload: int) -> dict[str, Any]:
    """``workload``: servers on the host that a task is under way for."""
    document = {
        **render_brief(host, version),
        **amounts(vars(host.inventory)),
        "current_workload": workload,
        "cpu_info": host.cpu_info if version in CPU_INFO_IS_AN_OBJECT else json.dumps(host.cpu_info),
        "hypervisor_type": host.hypervisor_type,
        "hypervisor_version": host.hypervisor_version,
        "host_ip": host.address,
        "service": {
            "id": str(host.id) if version in UUIDS else host.number,
            "host": host.name,
            "disabled_reason": host.disabled_reason or None,
        },
        "uptime": host.uptime or None,
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))


def add_servers(document: dict[str, Any], servers: Sequence[dict[str, str]], version: Version) -> dict[str, Any]:
    """Put the servers in: an empty list is shown from 2.75 on."""
    if servers or version in SERVERS_ALWAYS:
        document["servers"] = list(servers)
    return document


def render_statistics(totals: Mapping[str, int]) -> dict[str, int]:
    return {"count": totals["count"], "current_workload": totals["workload"], **amounts(totals)}

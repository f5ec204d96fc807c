"""A server's row as what the scheduler is asked for."""

from typing import Any

from apps.scheduling.states import Demand

MIB_PER_GIB = 1024
BYTES_PER_GIB = 1024**3


def of_server(server: Any, *, excluded: list[str]) -> Demand:
    """Return vCPUs, RAM in MiB and disk in GiB (root + ephemeral + swap, rounded up) of a server."""
    flavor = server.flavor
    swap_gib = -(-int(flavor["swap"]) // MIB_PER_GIB)
    # A flavor with disk 0 means a root disk as large as the image: that is what is claimed.
    root_gib = int(flavor["disk"]) or -(-int(server.image_facts.get("virtual_size") or 0) // BYTES_PER_GIB)
    return Demand(
        vcpus=int(flavor["vcpus"]),
        ram_mib=int(flavor["ram"]),
        disk_gib=root_gib + int(flavor["ephemeral"]) + swap_gib,
        zone=server.requested_zone or None,
        force_host=server.requested_host or None,
        ignore_hosts=frozenset(excluded),
        image_properties=server.image_properties,
        extra_specs=flavor.get("extra_specs") or {},
        hints=server.scheduler_hints,
        project_id=server.project_id,
    )

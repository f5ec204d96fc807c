"""A server's row as a request spec for the scheduler."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from apps.common.identifiers import parse_uuid
from apps.compute import states, topologies
from apps.compute.models import Server
from apps.compute.selectors import server_groups, volume_attachments
from apps.scheduling.filters import capabilities
from apps.scheduling.specs import GroupSpec, RequestSpec
from apps.volumes.selectors import server_volumes

MIB_PER_GIB = 1024
BYTES_PER_GIB = 1024**3


def of_server(server: Server, *, excluded: list[str]) -> RequestSpec:
    """Return vCPUs, RAM in MiB and disk in GiB (root + ephemeral + swap, rounded up) of a server.

    Costs a query only for hints that name a group or servers. Members are read without a lock: a caller that must not
    race with another member of the group holds the group's lock.
    """
    flavor = server.flavor
    swap_gib = -(-int(flavor["swap"]) // MIB_PER_GIB)
    # A flavor with disk 0 means a root disk as large as the image: that is what is claimed.
    # A server without an image boots from a volume, which has a separate claim.
    root_gib = int(flavor["disk"]) or -(-int(server.image_facts.get("virtual_size") or 0) // BYTES_PER_GIB)
    root_gib = root_gib if server.image_id is not None else 0
    topology = topologies.of_existing(flavor, server.image_properties)
    extra_specs = flavor.get("extra_specs") or {}
    return RequestSpec(
        vcpus=int(flavor["vcpus"]) if topology is None or not topology.cells else topology.shared_vcpus,
        topology=topology,
        ram_mib=int(flavor["ram"]),
        disk_gib=root_gib + int(flavor["ephemeral"]) + swap_gib,
        zone=server.requested_zone or None,
        force_host=server.requested_host or None,
        ignore_hosts=frozenset(excluded),
        image_properties=server.image_properties,
        extra_specs=capabilities.of_existing(extra_specs) if server.launched_at is not None else extra_specs,
        hints=server.scheduler_hints,
        project_id=server.project_id,
        flavor_name=str(flavor.get("original_name") or ""),
        query=query_of(server.scheduler_hints),
        **_with_volumes(server, _neighbours(server)),
    )


def of_move(server: Server, *, excluded: list[str], host: str) -> RequestSpec:
    """Return the same for a server that goes to another host: ``host`` is that one or none ("": any)."""
    spec = of_server(server, excluded=excluded)
    if not host:
        return spec
    return replace(spec, same_hosts=frozenset({host}) & (spec.same_hosts if spec.same_hosts is not None else {host}))


def _with_volumes(server: Server, neighbours: dict[str, Any]) -> dict[str, Any]:
    """Prefer the hosts that have its volumes; its build makes volumes where what they are made of is."""
    if not server.has_volumes:
        return neighbours
    near, sources = server_volumes.places(volume_ids=volume_attachments.volume_ids(server_id=server.id))
    asked = neighbours.get("same_hosts")
    same = {"same_hosts": sources if asked is None else sources & asked} if sources else {}
    return {**neighbours, **same, "near_hosts": near}


def _neighbours(server: Server) -> dict[str, Any]:
    """Return the spec's ``group``, ``different_hosts`` and ``same_hosts``.

    Servers that are nowhere, of another project or unknown have no host: to differ from them is easy, to be with them
    is not possible, as in Nova.
    """
    apart, together = (_ids(server.scheduler_hints.get(name)) for name in ("different_host", "same_host"))
    if not (server.group_id or apart or together):
        return {}
    around = server_groups.surroundings(
        server_id=server.id, project_id=server.project_id, group_id=server.group_id, server_ids=apart | together
    )
    group = None
    if around.policy:
        group = GroupSpec(policy=around.policy, max_server_per_host=around.max_server_per_host, members=around.members)
    return {
        "group": group,
        "different_hosts": frozenset(around.hosts[key] for key in apart if key in around.hosts),
        "same_hosts": frozenset(around.hosts[key] for key in together if key in around.hosts) if together else None,
    }


def _ids(hint: Any) -> frozenset[uuid.UUID]:
    values = hint if isinstance(hint, list) else [hint]
    return frozenset(key for value in values if value and (key := parse_uuid(value)))


def query_of(hints: Mapping[str, Any]) -> list[object] | None:
    """Return the JSON query of the hint; an empty one asks for nothing."""
    try:
        query = orjson.loads(hints.get("query") or "null")
    except orjson.JSONDecodeError:  # of a server from before such hints were refused
        query = None
    return query if isinstance(query, list) and query else None


def policy_reason(spec: RequestSpec) -> str:
    """Return why a host that passed the filters was refused: an administrator named it."""
    policy = spec.group.policy if spec.group else ""
    return f"The host that was asked for does not suit the policy of the server's group: {policy}."


def breaks_policy(group: GroupSpec, host: str) -> bool:
    """Return whether a hard policy forbids this host: a host that an administrator names has passed no such filter."""
    if group.policy == states.AFFINITY:
        return bool(group.members) and host not in group.members
    if group.policy == states.ANTI_AFFINITY:
        return group.members.get(host, 0) >= group.max_server_per_host
    return False

"""Reading servers: filtered by project in the query, never in the view."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from apps.common.context import RequestContext
from apps.common.identifiers import parse_uuid
from apps.common.sql.rows import Rows
from apps.compute import states
from apps.compute.exceptions import ServerNotFound
from apps.compute.models import BlockDevice, Server
from apps.compute.sql.servers import BY_ID, ROW
from apps.networking.selectors import ports

# Never shown in lists; the host and the metadata service read them by name.
HEAVY = ("user_data", "admin_password", "personality", "public_key", "fault_details", "rescue", "rebuild")

_BLOCK_DEVICES = Rows(
    "compute_block_devices",
    lambda server: BlockDevice.objects.filter(server_id=server).order_by("position"),
    {"server": uuid.UUID},
)


def visible(*, context: RequestContext, all_projects: bool = False) -> QuerySet[Server]:
    """Return the servers that are not deleted: of the caller's project, or of all."""
    rows = Server.objects.filter(deleted_at=None)
    return rows if all_projects else rows.filter(project_id=context.project_id)


def ever(*, context: RequestContext) -> QuerySet[Server]:
    """Return the servers of the caller's project (of any, for administrators), deleted ones too."""
    return Server.objects.all() if context.is_admin else Server.objects.filter(project_id=context.project_id)


def get(*, context: RequestContext, server_id: Any) -> Server:
    """Return a server of the caller's project (of any, for administrators). Raises ServerNotFound (404)."""
    key = parse_uuid(server_id)
    server = load(server_id=key) if key else None
    if server is None or not (context.is_admin or server.project_id == context.project_id):
        raise ServerNotFound(server=str(server_id)[:64])
    return server


def load(*, server_id: uuid.UUID) -> Server | None:
    """Return a server that is not deleted, without a policy check: for workers.

    Written out, as it is asked by every poll and every step: composing it took longer than running it.
    """
    return next((ROW.read(row) for row in BY_ID.fetch({"id": server_id})), None)


def named(*, text: str, limit: int = 20) -> list[Server]:
    """Return the servers that an operator means by an id or a name, deleted ones too, newest first. 1 query."""
    key = parse_uuid(text)
    rows = Server.objects.select_related("group").defer("user_data", "admin_password", "personality", "public_key")
    rows = rows.filter(id=key) if key else rows.filter(name=text)
    return list(rows.order_by("-created_at", "-id")[:limit])


def block_devices(*, server_id: uuid.UUID) -> list[BlockDevice]:
    """Return a server's disks in order of their position. 1 query."""
    return _BLOCK_DEVICES.fetch(server=server_id)


def block_devices_of(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[BlockDevice]]:
    """Return the disks of servers, each server's in order of their position. 1 query."""
    disks: dict[uuid.UUID, list[BlockDevice]] = {}
    for disk in BlockDevice.objects.filter(server_id__in=server_ids).order_by("position"):
        disks.setdefault(disk.server_id, []).append(disk)
    return disks


def with_metadata(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Server]:
    """Return those of the servers that are not deleted, with all that their documents need. 1 query."""
    rows = Server.objects.filter(id__in=server_ids, deleted_at=None).defer("admin_password", "fault_details")
    return {server.id: server for server in rows}


def on_host(*, host: str) -> QuerySet[Server]:
    return Server.objects.filter(host=host, deleted_at=None)


def everything() -> QuerySet[Server]:
    return Server.objects.filter(deleted_at=None)


def usage(server: Server) -> dict[str, int]:
    """Return a server's amounts of quota: instances, cores, RAM in MiB."""
    return usage_of(server.flavor)


def usage_of(flavor: dict[str, Any]) -> dict[str, int]:
    return {"instances": 1, "cores": int(flavor["vcpus"]), "ram": int(flavor["ram"])}


def names(*, server_ids: list[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of servers. 1 query."""
    return dict(Server.objects.filter(id__in=server_ids).values_list("id", "name"))


def hosts_of(*, server_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the hosts of those servers that are not deleted; "" for one that is on none. 1 query."""
    return dict(Server.objects.filter(id__in=list(server_ids), deleted_at=None).values_list("id", "host"))


def counted(*, server_ids: list[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of the servers that count against a quota. 1 query."""
    rows = Server.objects.filter(id__in=server_ids, deleted_at=None).exclude(vm_state=states.SOFT_DELETED)
    return set(rows.values_list("id", flat=True))


def existing(*, server_ids: list[uuid.UUID]) -> set[uuid.UUID]:
    return set(Server.objects.filter(id__in=server_ids, deleted_at=None).values_list("id", flat=True))


def placed(*, server_ids: Iterable[str]) -> set[str]:
    """Return those that are on a host. 1 query."""
    rows = Server.objects.filter(id__in=list(server_ids), deleted_at=None).exclude(host="")
    return {str(key) for key in rows.values_list("id", flat=True)}


def project_of(server_id: uuid.UUID) -> str | None:
    """Return the project of a server that is not deleted, or None. 1 query."""
    return Server.objects.filter(id=server_id, deleted_at=None).values_list("project_id", flat=True).first()


def ports_to_come(*, project_id: str) -> int:
    """Return how many ports a project's servers in BUILD have asked for and not got yet. At most 2 queries."""
    building = Server.objects.filter(project_id=project_id, vm_state=states.BUILDING, deleted_at=None)
    asked = dict(building.exclude(requested_networks=None).values_list("id", "requested_networks"))
    made = ports.counts(server_ids=list(asked))
    return sum(max(0, new_ports(networks or []) - made.get(key, 0)) for key, networks in asked.items())


def new_ports(networks: list[dict[str, Any]]) -> int:
    """Return how many ports are made for a server that asks for these interfaces; the user's own exist."""
    return sum(not network.get("port_id") for network in networks)


def with_status(rows: QuerySet[Server], wanted: list[str]) -> QuerySet[Server]:
    """Filter by API status; a status that no state has matches nothing."""
    from django.db.models import Q

    condition = Q(pk__in=[])
    for status in wanted:
        vm_states, tasks = states.states_of(status)
        if vm_states:
            condition |= Q(vm_state__in=vm_states, task_state__in=tasks) if tasks else Q(vm_state__in=vm_states)
    return rows.filter(condition)


def why_not_copied(server_id: uuid.UUID) -> str:
    """Return why a disk of the server cannot be copied now; "" if it can. A suspended guest's memory is of the disks
    that it had. 1 query.
    """
    server = Server.objects.filter(id=server_id, deleted_at=None).only("vm_state", "task_state", "host").first()
    if server is None or not server.host:
        return "its server is on no host"
    if server.vm_state not in (states.ACTIVE, states.PAUSED, states.STOPPED) or server.task_state:
        return f"its server is {server.task_state or server.vm_state}"
    return ""
